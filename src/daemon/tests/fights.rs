//! Somebody undoes what the daemon does, for ever.

use std::{sync::Arc, time::Duration};

use super::town::{Tasks, Town, files};
use crate::{daemon::report::Standing, sandbox::AccountPatch};

const EVERY: &str = "{ every: 1m }\n  notify: [ { url: { env: HOOK } } ]";
const ALL: [&str; 2] = ["jane@example.com", "leo@example.com"];

fn people(leo: &str) -> String {
    format!(
        "  jane@example.com: {{ given_name: A, family_name: B }}\n  leo@example.com: {{ given_name: A, family_name: B{leo} }}\n"
    )
}

/// Three hours in which somebody does something every twenty seconds, where there is something to do. Returns how often there was.
async fn meddle(undo: impl Fn() -> bool) -> usize {
    let mut times = 0;
    for _ in 0..3 * 40 {
        tokio::time::sleep(Duration::from_secs(20)).await;
        times += usize::from(undo());
    }
    times
}

/// What the webhook was told of persons that are needed, and of what waits for one.
fn told(town: &Town) -> Vec<String> {
    let told = town.told.lock().unwrap().clone();
    told.into_iter().filter(|text| text.contains("needs a person") || text.contains("for a person")).collect()
}

fn standing(tasks: &Tasks) -> Standing {
    tasks.status.snapshot().apps["intranet"].standing()
}

async fn town() -> Arc<Town> {
    let town = Town::of(&ALL, Duration::from_millis(10)).await;
    town.sandbox.put_group("scim", "intranet", "g1", "Board").unwrap();
    town.sandbox.put_membership("scim", "intranet", "leo@example.com", "g1", "").unwrap();
    town
}

#[tokio::test(start_paused = true)]
async fn somebody_who_undoes_it_each_time_is_told_of_once_and_it_is_done_three_times() {
    let town = town().await;
    let app = "    accounts: { jane@example.com: , leo@example.com: }\n    groups: { Board: { members: [leo@example.com, jane@example.com] } }\n";
    let tasks = Tasks::begin(&town, files(EVERY, &people(""), app, 0));
    let undo = || town.sandbox.remove_membership("scim", "intranet", "jane@example.com", "g1").is_ok();
    assert_eq!(meddle(undo).await, 3);
    assert_eq!(standing(&tasks), Standing::NeedsPerson);
    let told = told(&town);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].contains("added jane@example.com to Board") && told[0].contains("in the app itself"), "{told:#?}");
    tasks.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_leaver_who_is_switched_on_again_each_time_is_cut_off_each_time_and_that_is_told_once() {
    let town = town().await;
    let app = "    accounts: { jane@example.com: , leo@example.com: }\n";
    let tasks = Tasks::begin(&town, files(EVERY, &people(", status: left"), app, 0));
    let on = || {
        let is_off = !town.is_active("leo@example.com");
        let patch = AccountPatch { status: Some("active".into()), ..AccountPatch::default() };
        town.sandbox.patch_account("scim", "intranet", "leo@example.com", patch).unwrap();
        is_off
    };
    let times = meddle(on).await;
    // Every minute, and an interval may be a tenth longer.
    assert!(times > 30, "{times}");
    assert_eq!(standing(&tasks), Standing::NeedsPerson);
    let told = told(&town);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].contains("deactivated leo@example.com") && told[0].contains("cut off each time"), "{told:#?}");
    tasks.end().await;
}
