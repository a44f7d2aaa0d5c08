//! What is under `deploy/` fits the command and the repository as they are.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

const UNIT: &str = include_str!("../../deploy/systemd/rosterd.service");
const DOCKERFILE: &str = include_str!("../../deploy/Dockerfile");
const GUIDE: &str = include_str!("../../deploy/README.md");

/// Where the files are on a machine that follows the guide.
const FILES: &str = "/etc/rosterd/desired-state";

fn rosterd(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rosterd")).args(args).output().unwrap()
}

/// The command takes these arguments: nothing is wrong with them but that the files are not there.
fn check(args: &[&str]) {
    let nowhere = TempDir::new().unwrap().path().join("nowhere");
    let args: Vec<&str> = args.iter().map(|arg| if *arg == FILES { nowhere.to_str().unwrap() } else { *arg }).collect();
    assert!(args.contains(&nowhere.to_str().unwrap()), "{args:?}");
    let output = rosterd(&args);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
    assert!(said.contains("there is no directory"), "{said}");
}

fn setting<'a>(text: &'a str, name: &str) -> &'a str {
    let values: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix(name)).collect();
    assert_eq!(values.len(), 1, "{name} {values:?}");
    values[0].trim()
}

#[test]
fn the_unit_starts_the_daemon_with_arguments_that_it_takes() {
    let words: Vec<&str> = setting(UNIT, "ExecStart=").split(' ').collect();
    assert_eq!(words[..2], ["/usr/local/bin/rosterd", "daemon"]);
    check(&words[1..]);
    assert!(GUIDE.contains("target/release/rosterd /usr/local/bin/"));
}

#[test]
fn the_unit_gives_it_the_time_and_the_signals_that_it_needs() {
    let help = String::from_utf8(rosterd(&["daemon", "--help"]).stdout).unwrap();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("SIGHUP reads") && help.contains("SIGTERM and SIGINT finish what is in flight, within ten"));
    assert!(setting(UNIT, "ExecReload=").contains("-HUP $MAINPID"));
    assert_eq!(setting(UNIT, "KillSignal="), "SIGTERM");
    assert!(setting(UNIT, "TimeoutStopSec=").parse::<u32>().unwrap() > 10);
    assert_eq!(setting(DOCKERFILE, "STOPSIGNAL"), "SIGTERM");
    assert!(GUIDE.contains("--stop-timeout 20"));
}

#[test]
fn systemd_takes_the_unit_and_finds_little_that_could_be_tighter() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("left out: there is no systemd-analyze here");
        return;
    }
    // It looks whether the binary is there; the guide puts it there.
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("rosterd.service");
    fs::write(&path, UNIT.replace("/usr/local/bin/rosterd", env!("CARGO_BIN_EXE_rosterd"))).unwrap();
    let analyze = |args: &[&str]| {
        let output = Command::new("systemd-analyze").args(args).arg(&path).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), said, String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (fine, said, _) = analyze(&["verify", "--man=no"]);
    assert!(fine && said.is_empty(), "{said}");
    let (fine, said, table) = analyze(&["security", "--offline=yes", "--threshold=15", "--no-pager"]);
    assert!(fine, "{said}{table}");
}

#[test]
fn the_image_is_built_of_what_is_there_and_starts_the_daemon_as_somebody_without_rights() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let copied: Vec<&str> = DOCKERFILE
        .lines()
        .filter_map(|line| line.strip_prefix("COPY "))
        .filter(|line| !line.starts_with("--from"))
        .flat_map(|line| line.split(' ').rev().skip(1))
        .collect();
    assert!(copied.contains(&"Cargo.lock"), "{copied:?}");
    for path in copied {
        assert!(root.join(path).exists(), "{path}");
    }
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let rust = setting(&manifest, "rust-version = ").trim_matches('"');
    assert!(
        DOCKERFILE.contains(&format!("FROM rust:{rust}-")),
        "the image is built with the Rust that the crate asks for"
    );
    let user = setting(DOCKERFILE, "USER ");
    assert!(!user.starts_with("root") && !user.starts_with("0:"), "{user}");

    let words = |name: &str| -> Vec<String> { serde_json::from_str(setting(DOCKERFILE, name)).unwrap() };
    assert_eq!(words("ENTRYPOINT "), ["rosterd"]);
    let command = words("CMD ");
    check(&command.iter().map(String::as_str).collect::<Vec<_>>());

    // The probe asks where the daemon listens unless told otherwise.
    let probe = DOCKERFILE.lines().find(|line| line.trim_start().starts_with("CMD [\"curl\"")).unwrap();
    assert!(probe.contains("http://127.0.0.1:8484/healthz"), "{probe}");
    assert_eq!(setting(DOCKERFILE, "EXPOSE"), "8484");
    assert!(GUIDE.contains("(`127.0.0.1:8484` where nothing else is said)"));
}
