//! Every command reads regular files inside the directory and nothing else, ends whatever lies there, and shows nothing of
//! what a link leads to.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use tempfile::TempDir;

use crate::{
    against::Repo,
    story::{APP, Said, Story, finish, quick, start},
};

const PEOPLE: &str = "people:\n  ann@example.com: { given_name: Ann, family_name: Lee }\n";
const APP_LINES: &str = "defaults: { role: user }\naccounts:\n  ann@example.com:\n";

/// What a link leads to, and nobody may see.
const SECRET: &str = "root:hunter2:19000:0:99999:7:::\n";

/// Every command that reads the files, with what it takes to get that far.
const COMMANDS: [&[&str]; 11] = [
    &["validate"],
    &["validate", "--format", "json"],
    &["validate", "--format", "github"],
    &["plan"],
    &["plan", "--against", "main"],
    &["apply", "--yes"],
    &["daemon"],
    &["observe"],
    &["import", "--app", APP],
    &["fmt"],
    &["why", "ann@example.com"],
];

async fn story() -> Story {
    let story = Story::of(quick(), APP_LINES, PEOPLE).await;
    story.account("ann@example.com", "user", true);
    Repo(story.dir.path()).main();
    story
}

async fn run(story: &Story, args: &[&str]) -> Said {
    let (dir, sandbox) = (story.dir.path().to_str().unwrap(), format!("--sandbox={}", story.sandbox.url()));
    let (command, rest) = args.split_first().unwrap();
    let mut all = match *command {
        "why" => vec!["why", rest[0], dir],
        _ => [&[*command, dir], rest].concat(),
    };
    if matches!(*command, "plan" | "apply" | "observe" | "daemon" | "import") {
        all.push(&sandbox);
    }
    finish(start(&all, &[])).await
}

/// What is for a terminal breaks lines.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Every command refuses, says this, and shows nothing of the secret.
async fn refused_by_all(story: &Story, words: &str) {
    story.sandbox.clear_log();
    for args in COMMANDS {
        let said = run(story, args).await;
        let all = format!("{}{}", said.out, said.err);
        assert!(said.status == 1 && flat(&all).contains(words), "{args:?} does not say {words:?}: {said:?}");
        assert!(!all.contains("hunter2"), "{args:?}: {all}");
    }
    assert_eq!(story.sandbox.log().len(), 0, "nothing is sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_an_error_of_every_command_and_nothing_of_what_it_leads_to_is_shown() {
    let (story, elsewhere) = (story().await, TempDir::new().unwrap());
    let secret = elsewhere.path().join("shadow");
    fs::write(&secret, SECRET).unwrap();
    let dir = story.dir.path();
    for (name, target) in [("people", "x.yaml"), ("connectors", "x.yaml")] {
        fs::create_dir_all(dir.join(name)).unwrap();
        let link = dir.join(name).join(target);
        symlink(&secret, &link).unwrap();
        refused_by_all(&story, "x.yaml` is a symbolic link").await;
        fs::remove_file(link).unwrap();
    }
    symlink("/dev/zero", dir.join("zz.yaml")).unwrap();
    refused_by_all(&story, "zz.yaml` is a symbolic link").await;
    fs::remove_file(dir.join("zz.yaml")).unwrap();
    // A manifest is read from where manifests are, and a path that leads elsewhere shows nothing either.
    let text = fs::read_to_string(dir.join("all.yaml")).unwrap();
    let named = format!("connector: {}", secret.display());
    fs::write(dir.join("all.yaml"), text.replace("connector: autodesk", &named)).unwrap();
    let said = run(&story, &["validate"]).await;
    assert!(said.status == 1 && flat(&said.err).contains("is not under `connectors/`"), "{said:?}");
    assert!(!said.err.contains("hunter2"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fifo_and_folders_without_end_stop_every_command_and_hang_none() {
    let story = story().await;
    let dir = story.dir.path();
    let fifo = dir.join("pipe.yaml");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    refused_by_all(&story, "pipe.yaml` is a FIFO").await;
    fs::remove_file(fifo).unwrap();
    nest(dir, 1500);
    refused_by_all(&story, "lies below 20 folders: move it up").await;
    unnest(dir);
}

/// Folders inside each other, deeper than one path can name: each is moved into a new one above it.
fn nest(dir: &Path, depth: usize) {
    let (inner, outer) = (dir.join("d"), dir.join("outer"));
    for _ in 0..depth {
        fs::create_dir(&outer).unwrap();
        if inner.exists() {
            fs::rename(&inner, outer.join("d")).unwrap();
        }
        fs::rename(&outer, &inner).unwrap();
    }
}

/// Takes them away again, which a path could not.
fn unnest(dir: &Path) {
    let (inner, outer) = (dir.join("d"), dir.join("outer"));
    while inner.exists() {
        fs::rename(&inner, &outer).unwrap();
        // The innermost holds none.
        let _ = fs::rename(outer.join("d"), &inner);
        fs::remove_dir(&outer).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_of_kubernetes_and_a_link_to_the_directory_are_read_as_the_files_that_they_are() {
    let (story, volume) = (story().await, TempDir::new().unwrap());
    let real = volume.path().join("..2026_11_29_10_00_00.123456789");
    fs::create_dir(&real).unwrap();
    fs::copy(story.dir.path().join("all.yaml"), real.join("all.yaml")).unwrap();
    symlink(real.file_name().unwrap(), volume.path().join("..data")).unwrap();
    symlink("..data/all.yaml", volume.path().join("all.yaml")).unwrap();
    let place = TempDir::new().unwrap();
    let link = place.path().join("desired-state");
    symlink(volume.path(), &link).unwrap();
    for dir in [volume.path(), &link] {
        let said = finish(start(&["validate", dir.to_str().unwrap()], &[])).await;
        assert!(said.status == 0 && said.out.contains("1 person, 1 app"), "{said:?}");
    }
    // The same links prove nothing where they lead elsewhere.
    fs::remove_file(volume.path().join("..data")).unwrap();
    symlink(story.dir.path(), volume.path().join("..data")).unwrap();
    let said = finish(start(&["validate", volume.path().to_str().unwrap()], &[])).await;
    assert!(said.status == 1 && flat(&said.err).contains("is a symbolic link"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_of_a_commit_reads_what_git_holds_and_not_what_lies_in_the_directory() {
    let story = story().await;
    let (dir, repo) = (story.dir.path(), Repo(story.dir.path()));
    repo.git(&["switch", "-q", "-c", "change"]);
    let more = format!("{PEOPLE}  bob@example.com: {{ given_name: Bob, family_name: Lee }}\n");
    story.write(&format!("{APP_LINES}  bob@example.com:\n"), &more);
    repo.commit("Bob");
    repo.git(&["switch", "-q", "main"]);
    // What lies there is neither version.
    fs::write(dir.join("all.yaml"), "people: [\n").unwrap();
    let plan = ["plan", "--against", "main", "--head", "change", "--format", "json"];
    let said = run(&story, &plan).await;
    assert_eq!(said.status, 0, "{said:?}");
    let plan_of = |said: &Said| serde_json::from_str::<serde_json::Value>(&said.out).unwrap();
    assert_eq!(crate::against::caused(&plan_of(&said)), ["ready change studio/create/bob@example.com"]);
    repo.git(&["checkout", "-q", "--", "."]);

    // What git would convert, link or mix up in a checkout is refused by its name.
    for (path, mode, words) in [
        (".gitattributes", "100644", "all.yaml` of "),
        ("zz.yaml", "120000", "`zz.yaml` of "),
        ("ALL.yaml", "100644", "are one name on many disks"),
        ("people/sub", "160000", "`people/sub` of "),
    ] {
        repo.git(&["switch", "-q", "-C", "change", "main"]);
        fs::write(dir.join(".git/blob"), "*.yaml ident\n").unwrap();
        let blob = repo.git(&["hash-object", "-w", ".git/blob"]);
        let object = if mode == "160000" { repo.git(&["rev-parse", "main"]) } else { blob };
        repo.git(&["update-index", "--add", "--cacheinfo", &format!("{mode},{object},{path}")]);
        repo.git(&["commit", "-q", "-m", "change"]);
        repo.git(&["switch", "-q", "-f", "main"]);
        let said = run(&story, &plan).await;
        assert!(said.status == 1 && flat(&said.err).contains(words), "{path}: {said:?}");
        repo.git(&["clean", "-q", "-f", "-d"]);
    }
    let said = run(&story, &["plan", "--head", "change"]).await;
    assert_eq!(said.status, 64, "it is compared with something: {said:?}");
}
