//! Without a history nobody knows who switched an account off, so that the first run does not switch it on again.

use super::{
    app::BOTH,
    case::{Case, Setup, accounts},
};

async fn with_one_inactive(dialect: super::app::Dialect, app: &str, rest: &str) -> Case {
    let setup = Setup::of(dialect).users(1..=3).group("g1", "Design", &["u1", "u2"]);
    setup.left(|state| state.user("u2")["active"] = false.into()).files(app, rest).start().await
}

#[tokio::test]
async fn the_first_run_does_not_switch_on_what_somebody_may_have_switched_off_by_hand() {
    for dialect in BOTH {
        for files in [
            accounts(1..=3),
            "groups: { Design: { members: [p1@x.example, p2@x.example] } }\naccounts: { p3@x.example: }".to_owned(),
            "mode: add\naccounts: { p1@x.example: , p2@x.example: , p3@x.example: }".to_owned(),
        ] {
            let case = with_one_inactive(dialect, &files, "").await;
            let plan = case.plan().await;
            let held = plan.actions().contains(&"held(reactivation) demo/reactivate/p2@x.example".to_owned());
            assert!(held, "{dialect:?}, {files}: {:#}", plan.0);
            // However many runs there are, nobody says so.
            for _ in 0..3 {
                case.apply().await;
            }
            assert!(!case.app.state().is_active("u2"), "{dialect:?}, {files}: {:?}", case.writes());
            case.rests(&files).await;
            let only = case.rosterd(&["apply", "--yes", "--only", "p2@x.example"]).await;
            assert!(!case.app.state().is_active("u2"), "{dialect:?}, {files}: {only:?}");
        }
    }
}

#[tokio::test]
async fn an_approval_or_our_own_deactivation_before_lets_it_go_on() {
    for dialect in BOTH {
        let approval =
            "approvals:\n  - { allow: demo/reactivate/p2@x.example, guard: reactivation, until: 2099-12-31 }\n";
        let case = with_one_inactive(dialect, &accounts(1..=3), approval).await;
        case.applied().await;
        assert!(case.app.state().is_active("u2"), "{dialect:?}");
        case.converged("approved").await;

        // We switched it off ourselves, so that we may switch it on.
        let case = Setup::of(dialect).users(1..=3).files(&accounts(1..=3), "").start().await;
        case.applied().await;
        case.write(&accounts(1..=3), "people:\n  p2@x.example: { status: suspended }\n");
        case.applied().await;
        assert!(!case.app.state().is_active("u2"), "{dialect:?}");
        case.write(&accounts(1..=3), "");
        case.applied().await;
        assert!(case.app.state().is_active("u2"), "{dialect:?}: {:?}", case.writes());
        case.converged("our own").await;
    }
}

#[tokio::test]
async fn somebody_elses_deactivation_later_is_held_too() {
    for dialect in BOTH {
        let case = Setup::of(dialect).users(1..=3).files(&accounts(1..=3), "").start().await;
        case.applied().await;
        case.app.state().user("u2")["active"] = false.into();
        case.apply().await;
        assert!(!case.app.state().is_active("u2"), "{dialect:?}");
        case.rests("by hand").await;
    }
}

#[tokio::test]
async fn an_import_writes_inactive_people_as_suspended_and_the_plan_after_it_is_empty() {
    for dialect in BOTH {
        let case = with_one_inactive(dialect, "", "").await;
        let said = case.rosterd(&["import", "--app", "demo"]).await;
        assert_eq!(said.status, 0, "{dialect:?}: {said:?}");
        case.converged("imported").await;
        let files: String = walk(&case.dir()).iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
        let line = files.lines().find(|line| line.contains("p2@x.example") && line.contains("suspended"));
        assert!(line.is_some() || files.contains("status: suspended"), "{dialect:?}: {files}");
        case.applied().await;
        assert!(!case.app.state().is_active("u2"), "{dialect:?}: {:?}", case.writes());
        assert_eq!(case.writes(), [""; 0], "{dialect:?}");
        // Once a store exists, and once it does not.
        std::fs::remove_dir_all(case.dir().parent().unwrap().join(".rosterd")).ok();
        case.applied().await;
        assert_eq!(case.writes(), [""; 0], "{dialect:?}");
    }
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
