//! Two versions of the files that undo each other through one store.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use super::{Desk, codes, of, people};
use crate::story::{APP, Said, run_with};

const ADD: &str = "add-member/ann";

/// The files of somebody else, by which Ann is not in the group.
struct Other {
    dir: TempDir,
}

impl Other {
    fn than(desk: &Desk) -> Self {
        let dir = TempDir::new().unwrap();
        let text = desk.text();
        assert_eq!(text.matches("members: [bob@example.com, ann@example.com]").count(), 1, "{text}");
        let text = text.replace("members: [bob@example.com, ann@example.com]", "members: [bob@example.com]");
        fs::write(dir.path().join("all.yaml"), text).unwrap();
        Self { dir }
    }

    async fn apply(&self, desk: &Desk) -> Said {
        let (dir, sandbox) = (self.dir.path().to_str().unwrap(), format!("--sandbox={}", desk.story.sandbox.url()));
        run_with(&["apply", dir, &sandbox, "--yes", "--store", &desk.store], &[]).await
    }
}

/// How often Ann was put into the group.
fn added(desk: &Desk) -> usize {
    let log = desk.story.sandbox.log();
    let adds =
        log.iter().filter(|request| request.effect && request.method == "POST" && request.path.contains("grp_1"));
    adds.count()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_undo_each_other_are_stopped_and_an_approval_for_one_of_them_settles_it() {
    let app = "accounts: { ann@example.com: , bob@example.com: }\ngroups:\n  Board:\n    members: [bob@example.com, ann@example.com]\n";
    let desk = Desk::workiva(app, &people(&["ann", "bob"])).await;
    desk.account("ann@example.com");
    desk.account("bob@example.com");
    desk.group("grp_1", "Board", &["bob@example.com"]);
    let other = Other::than(&desk);
    let before = added(&desk);
    let mut said = Vec::new();
    for _ in 0..5 {
        said.push(desk.rosterd(&["apply", "--yes"]).await);
        let undone = other.apply(&desk).await;
        assert_eq!(undone.status, 0, "{undone:?}");
    }
    assert_eq!(added(&desk) - before, 3, "{:?}", desk.story.writes());
    let statuses: Vec<i32> = said.iter().map(|said| said.status).collect();
    assert_eq!(statuses, [0; 5], "{said:?}");
    let last = said.pop().unwrap().out;
    let words = last.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("added ann@example.com to Board, and each time it was undone: by rosterd apply on "),
        "{last}"
    );
    assert!(words.contains("edit-fight"), "{last}");

    let add = of(ADD) + "/Board";
    let plan = desk.plan().await;
    assert!(codes(&plan).contains(&"edit-fight"), "{plan}");
    let finding =
        plan["apps"][0]["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "edit-fight");
    let finding = finding.unwrap();
    assert_eq!((&finding["severity"], &finding["account"]), (&"error".into(), &"ann@example.com".into()), "{finding}");
    // Somebody settles it, and the others, who removed her as often, are stopped.
    desk.release("edit-fight", &add, &[&add]).await;
    desk.use_up(&[&add]).await;
    assert_eq!(added(&desk) - before, 4);
    let stopped = other.apply(&desk).await.out;
    let words = stopped.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("removed ann@example.com from Board, and each time it was undone"), "{stopped}");
    assert_eq!(desk.planned().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_undone_in_the_app_is_told_as_that() {
    let app = "accounts: { ann@example.com: , bob@example.com: }\ngroups:\n  Board:\n    members: [bob@example.com, ann@example.com]\n";
    let desk = Desk::workiva(app, &people(&["ann", "bob"])).await;
    desk.account("ann@example.com");
    desk.account("bob@example.com");
    desk.group("grp_1", "Board", &["bob@example.com"]);
    for _ in 0..3 {
        assert_eq!(desk.apply().await, [of(ADD) + "/Board"]);
        desk.story.sandbox.remove_membership("workiva", APP, "ann@example.com", "grp_1").unwrap();
    }
    assert_eq!(desk.apply().await, [""; 0]);
    let shown = desk.shown().await;
    let held: &Value = &shown[&(of(ADD) + "/Board")]["held"];
    assert_eq!(held["guard"], "edit-fight");
    assert!(held["reason"].as_str().unwrap().contains("in the app itself, by a person or another tool"), "{held}");
}
