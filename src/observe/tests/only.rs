//! What is read when one person alone is looked for.

use jiff::Timestamp;

use super::{
    fake::{Fake, email},
    rotating::{desired, ids},
};
use crate::{
    model::*,
    observe::{Sought, observe_only},
    plan::{AppInputs, plan_one},
};

/// Looks for the person with this id, and tells what was asked and which accounts were seen.
async fn look(fake: &Fake, app: &DesiredApp, desired: &Desired, id: &str, known: &[&str]) -> LiveApp {
    let known = known.iter().map(|id| (*id).into()).collect();
    let now = Timestamp::UNIX_EPOCH;
    let sought = Sought::new(desired, app, &Email::lenient(&email(id)), &known, now);
    let plan = |live: &LiveApp| plan_one(&AppInputs { desired, app, live, past: None, base: None, others: None, now });
    fake.asked();
    observe_only(fake, app, &sought, now, &plan, &|_| {}).await.unwrap()
}

fn seen(live: &LiveApp) -> Vec<&str> {
    live.accounts.iter().map(|account| &*account.id).collect()
}

fn about(live: &LiveApp) -> &About {
    live.alone().unwrap()
}

#[tokio::test(start_paused = true)]
async fn of_somebody_who_left_only_the_row_is_read() {
    let fake = Fake::new(ids(300));
    let app = fake.app(&["u001"]);
    let desired = desired(&app, &["u250"]);
    let live = look(&fake, &app, &desired, "u250", &["u250"]).await;
    assert_eq!((fake.asked(), live.requests), (vec!["account u250".to_owned()], 1));
    assert_eq!(seen(&live), ["u250"]);
    assert!(!about(&live).groups && !live.accounts_coverage.is_complete());
}

#[tokio::test(start_paused = true)]
async fn a_remembered_id_that_is_somebody_elses_by_now_leads_to_a_search_and_to_nobody_else() {
    let fake = Fake::new(ids(300));
    let app = fake.app(&["u001"]);
    let desired = desired(&app, &["u250"]);
    for stale in ["u007", "gone"] {
        let live = look(&fake, &app, &desired, "u250", &[stale]).await;
        assert_eq!(fake.asked(), [format!("account {stale}"), "find u250@example.com".into(), "account u250".into()]);
        assert_eq!(seen(&live), ["u250"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_pin_leads_to_is_shown_whosever_it_is_and_the_address_is_searched_as_well() {
    let fake = Fake::new(ids(300));
    let mut app = fake.app(&["u001"]);
    app.ids.insert(Email::lenient(&email("u250")), ("u007".into(), Place::new("all.yaml", 1, 1)));
    let desired = desired(&app, &["u250"]);
    let live = look(&fake, &app, &desired, "u250", &[]).await;
    assert_eq!(seen(&live), ["u007", "u250"]);
}

#[tokio::test(start_paused = true)]
async fn groups_are_read_of_somebody_who_stays_and_of_somebody_whose_account_does_not_go() {
    let fake = Fake::new(ids(30));
    fake.put("u005", |account| account.role = "admin".into());
    let app = fake.app(&["u004"]);
    let desired = desired(&app, &["u005"]);
    let live = look(&fake, &app, &desired, "u004", &["u004"]).await;
    assert_eq!(fake.asked(), ["account u004", "groups u004"]);
    assert!(about(&live).groups && live.unread_memberships.is_empty());
    // Held, because the other admins were not counted.
    look(&fake, &app, &desired, "u005", &["u005"]).await;
    assert_eq!(fake.asked(), ["account u005", "groups u005"]);
}

#[tokio::test(start_paused = true)]
async fn a_whole_sweep_without_the_person_shows_every_address_to_be_absent_and_half_of_one_nothing() {
    let fake = Fake::new(ids(30));
    let app = fake.app(&[]);
    let mut desired = desired(&app, &[]);
    let who = Email::lenient(&email("u035"));
    let alias = Email::lenient("other@example.com");
    desired.people.get_mut(&who).unwrap().aliases.push(alias.clone());
    let live = look(&fake, &app, &desired, "u035", &[]).await;
    assert_eq!(live.absent, [who, alias].into());
    fake.world().cut_off = true;
    let live = look(&fake, &app, &desired, "u035", &[]).await;
    assert!(live.absent.is_empty());
    assert!(!about(&live).coverage.is_complete());
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_ends_says_which_addresses_it_did_not_look_for() {
    let fake = Fake::new(ids(30));
    let app = fake.app(&[]);
    let mut desired = desired(&app, &["u003"]);
    let alias = Email::lenient("other@example.com");
    desired.people.get_mut(&Email::lenient(&email("u003"))).unwrap().aliases.push(alias.clone());
    for known in [&[][..], &["u003"][..]] {
        let live = look(&fake, &app, &desired, "u003", known).await;
        assert_eq!((seen(&live), &about(&live).unasked), (vec!["u003"], &vec![alias.clone()]));
        assert!(live.absent.is_empty());
    }
}
