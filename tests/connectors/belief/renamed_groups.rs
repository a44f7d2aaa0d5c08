//! Groups whose name changes, in the app or in the files: neither makes a second one, and none is forgotten.

use super::{
    app::{BOTH, Dialect},
    case::{Case, Setup},
};

const FILES: &str = "groups: { Sales: { members: [p1@x.example] } }";

/// An app with a group that rosterd looked after, and its member who holds rights by it.
async fn known(dialect: Dialect) -> Case {
    let case = Setup::of(dialect).users([1, 2]).files(FILES, "people:\n  p2@x.example: { }\n").start().await;
    case.applied().await;
    case.converged("made").await;
    assert_eq!(case.made("groups"), 1);
    case
}

fn rename(case: &Case, name: &str) -> String {
    let mut state = case.app.state();
    let key = state.name_key();
    state.groups[0].row[key] = name.into();
    state.groups[0].row["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_group_that_was_renamed_in_the_app_is_held_with_the_line_that_goes_on() {
    for dialect in BOTH {
        for name in ["Sales EMEA", "sales", "Sales ", "PRIMARY/Sales"] {
            let case = known(dialect).await;
            let id = rename(&case, name);
            let plan = case.plan().await;
            let ready: Vec<_> = plan.actions().into_iter().filter(|action| action.starts_with("ready")).collect();
            assert_eq!(ready, [""; 0], "{dialect:?}, `{name}`: {:#}", plan.0);
            // It names what the group is called now, and the pin.
            assert!(plan.says(name.trim()) && plan.says(&format!("id: {id}")), "{dialect:?}, `{name}`: {:#}", plan.0);
            let said = case.rosterd(&["plan"]).await;
            assert!(!said.all().contains("in sync"), "{dialect:?}, `{name}`: {said:?}");
            case.rests(name).await;
            assert_eq!((case.made("groups"), case.app.state().groups.len()), (1, 1), "{dialect:?}, `{name}`");
        }
    }
}

#[tokio::test]
async fn either_line_that_is_offered_for_a_renamed_group_is_the_way_back_to_an_empty_plan() {
    for dialect in BOTH {
        let case = known(dialect).await;
        rename(&case, "Sales EMEA");
        case.write("groups: { Sales EMEA: { members: [p1@x.example] } }", "");
        case.converged("the new name").await;

        let case = known(dialect).await;
        let id = rename(&case, "Sales EMEA");
        case.write(&format!("groups: {{ Sales: {{ id: {id}, members: [p1@x.example] }} }}"), "");
        // The API can rename, so that the name that the files say comes back.
        case.applied().await;
        let key = case.app.state().name_key();
        assert_eq!(case.app.state().groups[0].row[key], "Sales", "{dialect:?}: {:?}", case.writes());
        case.converged("the pin").await;
    }
}

#[tokio::test]
async fn a_group_whose_name_changed_in_the_files_is_told_until_it_is_settled() {
    for dialect in BOTH {
        for files in [
            "groups: { Sales EMEA: { members: [p1@x.example] } }",
            "groups: { }\naccounts: { p1@x.example: }",
            "groups: { Design: { members: [p2@x.example] } }",
        ] {
            let case = known(dialect).await;
            case.write(files, "people:\n  p1@x.example: { }\n");
            // Whatever is made meanwhile, the old group and who is in it are not forgotten, however many runs there are.
            for _ in 0..3 {
                case.apply().await;
            }
            let plan = case.plan().await;
            let told = plan.finding("group-forgotten", "Sales");
            assert!(told.is_some(), "{dialect:?}, {files}: {:?}", plan.findings());
            let said = case.rosterd(&["plan"]).await;
            assert!(!said.all().contains("in sync"), "{dialect:?}, {files}: {said:?}");
            // Saying that it is to go ends the finding.
            let absent = files.replacen("groups: {", "groups: { Sales: { state: absent },", 1);
            let approval =
                "approvals:\n  - { allow: demo/delete-group/Sales, guard: irreversible, until: 2099-12-31 }\n";
            case.write(&absent, &format!("people:\n  p1@x.example: {{ }}\n{approval}"));
            case.applied().await;
            let plan = case.plan().await;
            assert_eq!(plan.finding("group-forgotten", ""), None, "{dialect:?}, {files}");
        }
    }
}

#[tokio::test]
async fn a_pinned_group_whose_name_differs_is_renamed() {
    for dialect in BOTH {
        let case = known(dialect).await;
        let id = case.app.state().groups[0].row["id"].as_str().unwrap().to_owned();
        case.write(&format!("groups: {{ Sales EMEA: {{ id: {id}, members: [p1@x.example] }} }}"), "");
        let plan = case.plan().await;
        assert_eq!(plan.actions(), ["ready demo/update-group/Sales EMEA"], "{dialect:?}: {:#}", plan.0);
        case.applied().await;
        let key = case.app.state().name_key();
        assert_eq!(case.app.state().groups[0].row[key], "Sales EMEA", "{dialect:?}");
        assert_eq!(case.app.state().groups[0].members.len(), 1);
        case.converged("renamed").await;
    }
}

#[tokio::test]
async fn a_group_that_was_deleted_and_not_renamed_is_made_again() {
    for dialect in BOTH {
        let case = known(dialect).await;
        case.app.state().groups.clear();
        case.applied().await;
        assert_eq!((case.made("groups"), case.app.state().groups.len()), (2, 1), "{dialect:?}");
        case.converged("made again").await;
    }
}
