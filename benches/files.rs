//! Planning a large organisation from files on disk with the real command: wall time and peak memory.
//!
//! `cargo bench --bench files [-- PEOPLE]`; 100,000 people unless told otherwise.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "figures for whoever runs it")]

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const TEAMS: usize = 200;
const PEOPLE_PER_FILE: usize = 5_000;

fn main() {
    let people = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(100_000);
    let dir = tempfile::TempDir::new().expect("a directory for the files");
    write_files(dir.path(), people);
    let live = dir.path().join("live.json");
    write_live(&live, people);
    let state = dir.path().join("state");
    println!("{people} people in {TEAMS} teams and {TEAMS} groups, {people} live accounts, 1 % drift");
    println!("files {} MB, snapshot {} MB", megabytes(&state), megabytes(&live));
    println!("{:<24} {:>9} {:>12}", "command", "seconds", "peak memory");
    let (state, live) = (state.to_str().expect("UTF-8"), live.to_str().expect("UTF-8"));
    measure("validate", &["validate", state]);
    measure("plan --live", &["plan", state, "--live", live]);
    measure("plan --live, as JSON", &["plan", state, "--live", live, "--format", "json"]);
    where_the_time_goes(&["plan", state, "--live", live, "-v"]);
}

/// Prints what the command itself says of its steps.
fn where_the_time_goes(args: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_rosterd")).args(args).output().expect("the command runs");
    println!("\nwhere the time goes");
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        if let Some((_, step)) = line.split_once(" INFO ") {
            println!("  {step}");
        }
    }
}

fn measure(label: &str, args: &[&str]) {
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_rosterd"))
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let code = loop {
        // The high-water mark only rises, so the last look before the end is the peak.
        peak = fs::read_to_string(&status).ok().and_then(|text| high_water(&text)).unwrap_or(peak);
        if let Some(code) = child.try_wait().expect("the command runs") {
            break code;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    println!("{label:<24} {:>9.2} {:>9} MB  {code}", began.elapsed().as_secs_f64(), peak / 1024);
}

fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn megabytes(path: &Path) -> u64 {
    let bytes = if path.is_dir() {
        fs::read_dir(path).expect("a directory").map(|entry| total(&entry.expect("an entry").path())).sum()
    } else {
        total(path)
    };
    bytes / 1_000_000
}

fn total(path: &Path) -> u64 {
    if path.is_dir() {
        fs::read_dir(path).expect("a directory").map(|entry| total(&entry.expect("an entry").path())).sum()
    } else {
        fs::metadata(path).expect("a file").len()
    }
}

fn write_files(dir: &Path, people: usize) {
    let state = dir.join("state");
    for section in ["people", "teams", "apps"] {
        fs::create_dir_all(state.join(section)).expect("a directory");
    }
    for first in (0..people).step_by(PEOPLE_PER_FILE) {
        let mut out = String::from("people:\n");
        for i in first..people.min(first + PEOPLE_PER_FILE) {
            writeln!(
                out,
                "  person.{i:06}@example.com:\n    given_name: Given{i}\n    family_name: Family{i}\n    attributes: {{ unit: u{} }}",
                i % TEAMS
            )
            .expect("a string");
        }
        fs::write(state.join(format!("people/{first:06}.yaml")), out).expect("a file");
    }
    let mut teams = String::from("teams:\n");
    let mut groups = String::new();
    for team in 0..TEAMS {
        writeln!(
            teams,
            "  team-{team}:\n    match: {{ unit: [u{team}] }}\n    grants:\n      autodesk: {{ role: user, groups: {{ Group {team}: member }} }}"
        )
        .expect("a string");
        writeln!(groups, "      Group {team}: {{ id: team-{team} }}").expect("a string");
    }
    fs::write(state.join("teams/all.yaml"), teams).expect("a file");
    fs::write(
        state.join("apps/autodesk.yaml"),
        format!(
            "apps:\n  autodesk:\n    connector: autodesk\n    url: https://developer.api.autodesk.com\n    auth:\n      \
             client_id: {{ env: ID }}\n      client_secret: {{ env: SECRET }}\n    defaults: {{ role: user }}\n    groups:\n{groups}"
        ),
    )
    .expect("a file");
}

/// One in a hundred lacks the account, has another role, is in no group, or is a stranger.
fn write_live(path: &Path, people: usize) {
    let mut out = BufWriter::new(File::create(path).expect("a file"));
    let mut write = |text: &str| out.write_all(text.as_bytes()).expect("a file that can be written");
    write(
        r#"{"apps":{"autodesk":{"Ok":{"observed_at":"2026-11-22T10:00:00Z","accounts_coverage":"Complete","groups_coverage":"Complete","unread_memberships":[],"requests":1000,"oldest_s":0,"accounts":["#,
    );
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); TEAMS];
    for i in 0..people {
        let kind = if i % 100 == 0 { i / 100 % 4 } else { 4 };
        let comma = if i == 0 { "" } else { "," };
        let email =
            if kind == 0 { format!("stranger.{i:06}@example.com") } else { format!("person.{i:06}@example.com") };
        let role = if kind == 1 { "viewer" } else { "user" };
        write(&format!(
            r#"{comma}{{"id":"id-{i:06}","email":"{email}","status":"active","values":{{"role":"{role}","given_name":"Given{i}","family_name":"Family{i}"}},"created_at":null}}"#
        ));
        if kind > 2 || kind == 1 {
            members[i % TEAMS].push(i);
        }
    }
    write(r#"],"groups":["#);
    for (team, members) in members.iter().enumerate() {
        let comma = if team == 0 { "" } else { "," };
        let rows: Vec<String> =
            members.iter().map(|i| format!(r#"{{"account":"id-{i:06}","values":{{"role":"member"}}}}"#)).collect();
        write(&format!(
            r#"{comma}{{"id":"team-{team}","name":"Group {team}","values":{{}},"coverage":"Complete","members":[{}]}}"#,
            rows.join(",")
        ));
    }
    write("]}}}}\n");
    out.flush().expect("a file that can be written");
}
