//! What is undone again and again is stopped, and told.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::{check, fixture::*, random::any_world};
use crate::{
    model::{Action, Change, FindingCode, Guard, Severity, Status},
    plan::{DoneLately, Used},
};

/// Done so many hours ago, to an account, and undone by a run or by nobody that the ledger knows.
fn done(hours: i64, account: Option<&str>, undone_by: Option<&str>) -> DoneLately {
    DoneLately {
        at: at(NOW) - SignedDuration::from_hours(hours),
        account: account.map(Into::into),
        group: None,
        changes: Vec::new(),
        undone_by: undone_by.map(Into::into),
    }
}

fn hours(all: &[i64]) -> Vec<DoneLately> {
    all.iter().map(|hours| done(*hours, Some("1"), None)).collect()
}

/// Ann is to be in a group again, after all this was done.
fn ann(add: Vec<DoneLately>) -> World {
    let world = World::full().grant("ann@x.io").active("1", "ann@x.io").group("G").member("G", "ann@x.io");
    world.live_group("g", "G", &[]).history(|past| {
        past.repeated.insert("a/add-member/ann@x.io/G".into(), add);
    })
}

const OTHER: &str = "rosterd apply on west, process 12, commit c0ffee";

#[test]
fn the_fourth_time_within_a_day_is_held_and_it_is_said_who_undid_the_others() {
    let by = |who: [Option<&str>; 3]| ann((0..3).map(|n| done(3 - n as i64, Some("1"), who[n])).collect());
    check!(by([Some(OTHER); 3]), @"
    held a/add-member/ann@x.io/G [edit-fight]: three times within 24 hours rosterd added ann@x.io to G, and each time it was undone: by rosterd apply on west, process 12, commit c0ffee; find out which of the two is meant, and change the files or stop what undoes it
    ! edit-fight: three times within 24 hours rosterd added ann@x.io to G, and each time it was undone: by rosterd apply on west, process 12, commit c0ffee; find out which of the two is meant, and change the files or stop what undoes it
    ");
    check!(by([Some(OTHER), None, Some(OTHER)]), @"
    held a/add-member/ann@x.io/G [edit-fight]: three times within 24 hours rosterd added ann@x.io to G, and each time it was undone: by rosterd apply on west, process 12, commit c0ffee; in the app itself, by a person or another tool; find out which of the two is meant, and change the files or stop what undoes it
    ! edit-fight: three times within 24 hours rosterd added ann@x.io to G, and each time it was undone: by rosterd apply on west, process 12, commit c0ffee; in the app itself, by a person or another tool; find out which of the two is meant, and change the files or stop what undoes it
    ");
    let finding = &by([None; 3]).plan().findings[0];
    assert_eq!((finding.severity, finding.code), (Severity::Error, FindingCode::EditFight));
    assert_eq!((finding.account.as_deref(), finding.group.as_deref()), (Some("ann@x.io"), Some("G")));
}

#[test]
fn three_times_count_if_they_lie_within_a_day_of_one_another_and_the_last_of_now() {
    let held = |add: &[i64]| ann(hours(add)).plan().actions[0].held.is_some();
    assert!(held(&[3, 2, 1]) && held(&[90, 3, 2, 1]) && held(&[23, 2, 1]));
    assert!(held(&[40, 30, 20]), "it is three times within a day, and lasts until the last is a day old");
    for calm in [&[2, 1][..], &[25, 2, 1], &[30, 29, 24], &[60, 50, 2, 1], &[]] {
        assert!(!held(calm), "{calm:?}");
    }
}

#[test]
fn another_account_of_the_same_name_is_another_one() {
    let others = |third: Option<&str>| {
        ann(vec![done(3, Some("1"), None), done(2, Some("1"), None), done(1, third, None)]).plan().actions[0].status
    };
    assert_eq!((others(Some("7")), others(Some("1")), others(None)), (Status::Ready, Status::Held, Status::Held));
    // Whoever is made anew has another id each time.
    let world = World::full().grant("ann@x.io").history(|past| {
        let made = ["4", "5", "6"].map(|id| done(1, Some(id), None));
        past.repeated.insert("a/create/ann@x.io".into(), made.into());
    });
    assert_eq!(world.plan().actions[0].held.as_ref().map(|held| held.guard), Some(Guard::EditFight));
}

#[test]
fn a_change_counts_by_the_value_that_it_sets() {
    let world = |roles: [&str; 3]| {
        let world = World::full().grant_as("ann@x.io", "user", crate::model::Window::ALWAYS);
        let world = world.active("1", "ann@x.io").seen(|live| live.accounts[0].values = live_values("viewer"));
        world.history(|past| {
            let to = |role: &str| {
                let change = Change { field: "role".into(), from: None, to: Some(role.into()) };
                DoneLately { changes: vec![change], ..done(1, Some("1"), Some(OTHER)) }
            };
            past.repeated.insert("a/update/ann@x.io".into(), roles.map(to).into());
        })
    };
    check!(world(["user", "user", "user"]), @"
    held a/update/ann@x.io role:viewer>user [edit-fight]: three times within 24 hours rosterd changed role of ann@x.io, and each time it was undone: by rosterd apply on west, process 12, commit c0ffee; find out which of the two is meant, and change the files or stop what undoes it
    ! edit-fight: three times within 24 hours rosterd changed role of ann@x.io, and each time it was undone: by rosterd apply on west, process 12, commit c0ffee; find out which of the two is meant, and change the files or stop what undoes it
    ");
    assert_eq!(world(["user", "viewer", "user"]).plan().actions[0].status, Status::Ready);
    // Each of two fields was set, and neither three times.
    let two = world(["user", "user", "user"]).history(|past| {
        let done = past.repeated.get_mut("a/update/ann@x.io").unwrap();
        done[1].changes[0].field = "title".into();
    });
    assert_eq!(two.plan().actions[0].status, Status::Ready);
}

#[test]
fn a_person_who_left_is_cut_off_each_time_and_the_fight_is_told_all_the_same() {
    let world = World::full().grant("bob@x.io").active("2", "bob@x.io").left("ann@x.io").active("1", "ann@x.io");
    check!(world.history(|past| {
        past.repeated.insert("a/deactivate/ann@x.io".into(), hours(&[3, 2, 1]));
    }), @"
    ready a/deactivate/ann@x.io
    ! edit-fight: three times within 24 hours rosterd deactivated ann@x.io, and each time it was undone: in the app itself, by a person or another tool; find out which of the two is meant, and change the files or stop what undoes it; a person who left is cut off each time all the same
    ");
}

#[test]
fn an_approval_does_it_once_more() {
    let world = ann(hours(&[3, 2, 1]));
    insta::assert_snapshot!(world.released("a/add-member/ann@x.io/G").show(), @"
    allow a/add-member/ann@x.io/G: edit-fight
    - held a/add-member/ann@x.io/G [edit-fight]: three times within 24 hours rosterd added ann@x.io to G, and each time it was undone: in the app itself, by a person or another tool; find out which of the two is meant, and change the files or stop what undoes it
    - ! edit-fight: three times within 24 hours rosterd added ann@x.io to G, and each time it was undone: in the app itself, by a person or another tool; find out which of the two is meant, and change the files or stop what undoes it
    + ready a/add-member/ann@x.io/G
    ");
    let mut used = world.released("a/add-member/ann@x.io/G").after;
    used.history.as_mut().unwrap().repeated.insert("a/add-member/ann@x.io/G".into(), hours(&[3, 2, 1, 0]));
    let used = used.used(0, Used { people: 1, actions: ["a/add-member/ann@x.io/G".to_owned()].into() });
    assert_eq!(used.plan().actions[0].status, Status::Held);
}

#[test]
fn many_fights_are_told_as_a_few() {
    let world = (0..9).fold(World::full(), |world, n| world.grant(&format!("p{n}@x.io")));
    let world = (0..9).fold(world, |world, n| {
        world.history(|past| {
            past.repeated.insert(format!("a/create/p{n}@x.io"), [3, 2, 1].map(|hours| done(hours, None, None)).into());
        })
    });
    let plan = world.plan();
    assert!(plan.actions.iter().all(|action| action.status == Status::Held));
    let told: Vec<&str> = plan.findings.iter().filter_map(|finding| finding.account.as_deref()).collect();
    assert_eq!(told, ["p0@x.io", "p1@x.io", "p2@x.io", "p3@x.io", "p4@x.io"]);
    let rest: Vec<&str> =
        plan.findings.iter().filter(|finding| finding.account.is_none()).map(|finding| &*finding.message).collect();
    assert_eq!(
        rest,
        ["more actions of this app than these are undone again and again; `rosterd plan --full` shows all of them"]
    );
}

/// What was done to just this, so many hours ago.
fn again(action: &Action, hours: &[i64]) -> Vec<DoneLately> {
    let of = |hours: &i64| DoneLately {
        group: action.step.group_id().cloned(),
        changes: action.changes.clone(),
        ..done(*hours, action.step.account_id().map(|id| &**id), None)
    };
    hours.iter().map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_no_fight_changes_nothing_and_what_is_one_holds_all_but_leavers(world in any_world()) {
        let world = world.history(|past| past.repeated.clear());
        let plan = world.plan();
        let with = |hours: &[i64]| {
            world.clone().history(|past| {
                let all = plan.actions.iter().map(|action| (action.name.to_string(), again(action, hours)));
                past.repeated = all.collect();
            })
        };
        prop_assert_eq!(with(&[30, 2, 1]).show(), show(&plan));
        prop_assert_eq!(with(&[2, 1]).show(), show(&plan));
        let fought = with(&[3, 2, 1]).plan();
        for action in &fought.actions {
            let held = action.held.iter().any(|held| held.guard == Guard::EditFight || held.also.contains(&Guard::EditFight));
            prop_assert!(!(held && action.cuts_off_leaver), "{}", action.name);
            let approved = action.approved_by.iter().any(|approved| approved.approval.contains("edit-fight"));
            // What another step would have done with it is planned once that is held.
            let goes_on = action.status == Status::Ready && plan.actions.iter().any(|other| other.name == action.name);
            prop_assert!(!goes_on || action.cuts_off_leaver || approved, "{}", action.name);
        }
    }
}
