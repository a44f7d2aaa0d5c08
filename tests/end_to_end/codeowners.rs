//! `rosterd codeowners`: whoever owns `people/` or `teams/` owns no file in which anything else is read.

use std::{fs, path::Path};

use rosterd::{connectors::Registry, desired};
use tempfile::TempDir;

use crate::{against::Repo, story};

const OWNERS: [&str; 6] = ["--default", "@acme/security", "--people", "@acme/hr", "--teams", "@acme/leads"];

/// Runs the command in a directory.
fn codeowners(at: &Path, args: &[&str]) -> (i32, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_rosterd"))
        .arg("codeowners")
        .args(args)
        .current_dir(at)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), said)
}

/// Who owns a path: the last line that fits, as GitHub reads it. Patterns that `rosterd` does not write are refused.
fn owners<'a>(file: &'a str, path: &str) -> Vec<&'a str> {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    let fits = |pattern: &str| match pattern.strip_prefix('/') {
        None => {
            assert_eq!(pattern, "*");
            true
        }
        Some(anchored) => {
            assert!(!anchored.contains(['*', '?', '[', '\\', '!']), "{pattern}");
            // A folder means all below it; a file means itself.
            if anchored.ends_with('/') { path.starts_with(anchored) } else { path == anchored }
        }
    };
    let mut words = lines.map(|line| line.split(' ').collect::<Vec<_>>());
    words.rfind(|words| fits(words[0])).map(|words| words[1..].to_vec()).unwrap_or_default()
}

/// Files by which somebody might get around the owners, from the directory.
const PATHS: [&str; 27] = [
    "people.yaml",
    "teams.yaml",
    "zz.yml",
    "people.yaml.yaml",
    "people/a.yaml",
    "people/a.yml",
    "people/eu/de/a.yaml",
    "people/people.yaml",
    "people/apps/x.yaml",
    "people/teams/x.yaml",
    "people/approvals.yaml",
    "people/connectors/x.yaml",
    "teams/a.yaml",
    "teams/people/a.yaml",
    "People/a.yaml",
    "PEOPLE/a.yaml",
    "people /a.yaml",
    "peoples/a.yaml",
    "apps/a.yaml",
    "apps/people/a.yaml",
    "approvals/a.yaml",
    "settings/a.yaml",
    "settings.yaml",
    "connectors/a.yaml",
    "connectors/people/a.yaml",
    "desired-state/people/a.yaml",
    "x/people/a.yaml",
];

/// A text with one section, which is valid wherever the section may stand.
const SECTIONS: [(&str, &str); 5] = [
    ("people", "people:\n  eve@example.com: {}\n"),
    ("teams", "teams:\n  design: { members: { ann@example.com: } }\n"),
    (
        "apps",
        "apps:\n  other: { connector: autodesk, url: https://other.example.com, auth: { client_id: { env: A }, client_secret: { env: B } } }\n",
    ),
    ("approvals", "approvals:\n  - { allow: studio, guard: irreversible, until: 2126-12-31, reason: x }\n"),
    ("settings", "settings: { time_zone: Europe/Berlin }\n"),
];

const BASE: &str = "people:\n  ann@example.com: {}\napps:\n  studio: { connector: autodesk, url: https://api.example.com, auth: { \
                    client_id: { env: A }, client_secret: { env: B } }, accounts: { ann@example.com: { role: user } } }\n";

/// Whether a section is read from a file of this name.
fn is_read(path: &str, text: &str) -> bool {
    let load = |files: Vec<(String, String)>| desired::parse(files, &Registry::default());
    let base = ("base.yaml".to_owned(), BASE.to_owned());
    let without = load(vec![base.clone()]).unwrap();
    match load(vec![base, (path.to_owned(), text.to_owned())]) {
        Ok(loaded) => format!("{:?}", loaded.desired) != format!("{:?}", without.desired),
        Err(_) => false,
    }
}

#[test]
fn every_path_under_which_a_section_is_read_belongs_to_who_may_say_what_is_in_it() {
    let repo = TempDir::new().unwrap();
    fs::create_dir(repo.path().join("desired-state")).unwrap();
    let (status, file) = codeowners(repo.path(), &OWNERS);
    assert_eq!(status, 0, "{file}");
    let mut read = 0;
    for path in PATHS {
        let owners = owners(&file, &format!("desired-state/{path}"));
        let expect = match path.split_once('/') {
            Some(("people", _)) => "@acme/hr",
            Some(("teams", _)) => "@acme/leads",
            _ => "@acme/security",
        };
        assert_eq!(owners, [expect], "{path}");
        for (section, text) in SECTIONS {
            if !is_read(path, text) {
                continue;
            }
            read += 1;
            let may = match owners[0] {
                "@acme/hr" => section == "people",
                "@acme/leads" => section == "teams",
                _ => true,
            };
            assert!(may, "{section} is read from {path}, which belongs to {owners:?}");
        }
        // Nor is a manifest read from what they own.
        let named = BASE.replace("connector: autodesk", &format!("connector: ./{path}"));
        let said = desired::parse(
            vec![("base.yaml".into(), named)],
            &Registry::with_manifests(Box::new(|name| desired::Texts::default().manifest(name))),
        );
        let elsewhere = said.unwrap_err().iter().any(|wrong| wrong.message.contains("is not under `connectors/`"));
        assert!(elsewhere || owners == ["@acme/security"], "{path}");
    }
    assert!(read >= 5 * 5 + 5, "the sections are read from somewhere: {read}");
    // And so do what runs with the secrets, and this file itself.
    for path in [".github/workflows/rosterd-apply.yml", "deploy/github/plan.sh", "CODEOWNERS", ".github/CODEOWNERS"] {
        assert_eq!(owners(&file, path), ["@acme/security"], "{path}");
    }
    assert_eq!(owners(&file, "src/main.rs"), [""; 0], "the rest of the repository is not ours");
}

#[test]
fn the_directory_is_named_from_the_root_of_the_repository_wherever_the_command_runs() {
    let repo = TempDir::new().unwrap();
    fs::create_dir_all(repo.path().join("it/access/people")).unwrap();
    fs::write(repo.path().join("it/access/people/a.yaml"), "").unwrap();
    Repo(repo.path()).main();
    let from = |at: &str, dir: &str| codeowners(&repo.path().join(at), &[&OWNERS[..], &[dir]].concat());
    let (_, file) = from(".", "it/access");
    assert!(
        file.contains("\n/it/access/ @acme/security\n") && file.ends_with("/it/access/teams/ @acme/leads\n"),
        "{file}"
    );
    assert_eq!(from("it", "access").1, file);
    assert_eq!(from("it/access", ".").1, file);
    let (_, whole) = from(".", ".");
    assert!(whole.contains("\n* @acme/security\n/people/ @acme/hr\n"), "{whole}");
    assert_eq!(owners(&whole, ".github/workflows/x.yml"), ["@acme/security"]);
    // What is not opened stays closed, and several may own it.
    let (_, closed) = codeowners(repo.path(), &["it/access", "--default", "@a", "--default", "b@example.com"]);
    assert_eq!(owners(&closed, "it/access/people/a.yaml"), ["@a", "b@example.com"]);
    for wrong in [&["--people", "@hr"][..], &["--default", "@a @b"], &["--default", "security"], &["--default", "@"]] {
        assert_eq!(codeowners(repo.path(), wrong).0, 64, "{wrong:?}");
    }
    let (status, said) = codeowners(repo.path(), &["--default", "@a", "my state"]);
    assert!(status == 1 && said.contains("no CODEOWNERS file can name"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_section_of_others_under_people_or_teams_is_an_error_and_never_passed_over() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("base.yaml"), BASE).unwrap();
    for (folder, section) in
        [("people", "approvals"), ("teams", "apps"), ("People", "people"), ("approvals", "settings")]
    {
        let (_, text) = SECTIONS.iter().find(|(name, _)| *name == section).unwrap();
        fs::create_dir_all(dir.path().join(folder)).unwrap();
        fs::write(dir.path().join(folder).join("x.yaml"), text).unwrap();
        let said = story::run(&["validate", dir.path().to_str().unwrap()]).await;
        assert!(said.status == 1 && said.err.contains("x.yaml"), "{folder} {section}: {said:?}");
        fs::remove_dir_all(dir.path().join(folder)).unwrap();
    }
}
