//! Files in which people are named are their owner's alone.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{
    against::Repo,
    story::{Story, quick},
};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_plans_and_reviews_are_their_owners_alone_whatever_stood_there_before() {
    let people = "people:\n  ann@example.com: { given_name: Ann, family_name: Lee }\n";
    let story = Story::of(quick(), "defaults: { role: user }\naccounts:\n  ann@example.com:\n", people).await;
    let place = TempDir::new().unwrap();
    let sandbox = format!("--sandbox={}", story.sandbox.url());
    for (args, file) in
        [(&["observe"][..], "live.json"), (&["plan"], "plan.json"), (&["review", sandbox.as_str()], "review.csv")]
    {
        let out = place.path().join(file);
        for before in [None, Some(0o644)] {
            if let Some(before) = before {
                fs::write(&out, "old").unwrap();
                fs::set_permissions(&out, fs::Permissions::from_mode(before)).unwrap();
            }
            let said = story.rosterd(&[args, &["--out", out.to_str().unwrap()]].concat()).await;
            assert_eq!(said.status, 0, "{args:?}: {said:?}");
            assert!(mode(&out) == 0o600 && fs::read_to_string(&out).unwrap() != "old", "{args:?}: {:o}", mode(&out));
        }
    }
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 3, "nothing else stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stores_folder_is_closed_and_keeps_itself_out_of_git() {
    let people = "people:\n  ann@example.com: { given_name: Ann, family_name: Lee }\n";
    let story = Story::of(quick(), "defaults: { role: user }\naccounts:\n  ann@example.com:\n", people).await;
    let repo = TempDir::new().unwrap();
    let folder: PathBuf = repo.path().join(".rosterd");
    let store = format!("sqlite:{}", folder.join("state.db").display());
    let apply = async || {
        let said = story.rosterd(&["apply", "--yes", "--store", &store]).await;
        assert_eq!(said.status, 0, "{said:?}");
        assert_eq!((mode(&folder), mode(&folder.join("state.db"))), (0o700, 0o600));
        assert_eq!(fs::read_to_string(folder.join(".gitignore")).unwrap(), "*\n");
    };
    apply().await;
    Repo(repo.path()).git(&["init", "-q"]);
    assert_eq!(Repo(repo.path()).git(&["status", "--porcelain"]), "");
    // One that an older version made is closed as well.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(folder.join(".gitignore")).unwrap();
    apply().await;
    // A folder of somebody else's stays as it is.
    let other = repo.path().join("data");
    assert!(Command::new("mkdir").args(["-m", "755"]).arg(&other).status().unwrap().success());
    let store = format!("sqlite:{}", other.join("state.db").display());
    assert_eq!(story.rosterd(&["apply", "--yes", "--store", &store]).await.status, 0);
    assert!(mode(&other) == 0o755 && !other.join(".gitignore").exists());
}
