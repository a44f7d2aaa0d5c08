//! Memberships that share a request: fewer requests, and the same certainty for each.

use std::time::Duration;

use super::*;

/// Hears for what and how long a run waits.
#[derive(Default)]
struct Waits(Mutex<Vec<String>>);

impl Progress for Waits {
    fn event(&self, event: Event<'_>) {
        if let Event::Waits(name, at_most) = event {
            self.0.lock().unwrap().push(format!("{name}: {at_most:?}"));
        }
    }
}

/// Adds or removes five accounts, three at once, against an app that does `script` with the requests it gets. Returns what was
/// waited for.
async fn check(verb: Verb, script: &[Fault], change: impl FnOnce(&mut World), expected: &str) -> Vec<String> {
    let mut rules = semantics(MemberRead::PerGroup, Find::QUERY);
    rules.members.add_at_once = 3;
    rules.members.remove_at_once = 3;
    rules.settle = Duration::from_secs(10);
    let mut world = World { script: script.iter().copied().collect(), ..World::default() };
    world.groups.insert("g".into(), ("G".into(), Values::new()));
    for id in ["1", "2", "3", "4", "5"] {
        let email = format!("{id}@x.io");
        world.accounts.insert(id.into(), account(id, &email, AccountStatus::Active, &Values::new()));
        if verb == Verb::RemoveMember {
            world.members.insert(("g".into(), id.into()), Values::new());
        }
    }
    change(&mut world);
    let actions = ["1", "2", "3", "4", "5"].map(|id| {
        let email = Email::lenient(&format!("{id}@x.io"));
        let account = AccountRef::Known(KnownAccount { id: id.into(), email, status: AccountStatus::Active });
        let group = GroupRef::Known("g".into());
        step(match verb {
            Verb::RemoveMember => Step::RemoveMember { group, account },
            _ => Step::AddMember { group, account, values: Values::new(), joining: None },
        })
    });
    let fake = Arc::new(Fake { semantics: Arc::new(rules), world: Mutex::new(world) });
    let waits = Waits::default();
    let outcome =
        execute(&plan(actions.into()), &tools(fake.clone(), &CreatedIds::default()), Stop::never(), &waits).await;
    let mut results: Vec<String> = outcome
        .actions
        .iter()
        .map(|(name, result)| format!("{} {}", name.account.as_deref().unwrap_or_default(), result.as_str()))
        .collect();
    results.sort();
    let world = fake.world();
    let story = format!("{}; {} effects, {} writes", results.join(", "), world.effects.len(), world.writes);
    assert_eq!(story, expected);
    waits.0.into_inner().unwrap()
}

const ALL_DONE: &str = "1@x.io done, 2@x.io done, 3@x.io done, 4@x.io done, 5@x.io done";

#[tokio::test(start_paused = true)]
async fn five_memberships_take_two_requests_of_three() {
    let waits = check(Verb::AddMember, &[], |_| {}, &format!("{ALL_DONE}; 5 effects, 2 writes")).await;
    assert!(waits.is_empty(), "{waits:?}");
    check(Verb::RemoveMember, &[], |_| {}, &format!("{ALL_DONE}; 5 effects, 2 writes")).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_got_lost_is_looked_for_and_nobody_is_added_twice() {
    check(Verb::AddMember, &[LostAfter], |_| {}, &format!("{ALL_DONE}; 5 effects, 2 writes")).await;
    // What never arrived is sent again, each alone.
    check(Verb::AddMember, &[LostBefore], |_| {}, &format!("{ALL_DONE}; 5 effects, 5 writes")).await;
    check(Verb::RemoveMember, &[LostBefore], |_| {}, &format!("{ALL_DONE}; 5 effects, 5 writes")).await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_all_is_found_out_one_by_one() {
    check(Verb::AddMember, &[Refused], |_| {}, &format!("{ALL_DONE}; 5 effects, 5 writes")).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_the_request_as_a_whole_is_not_asked_for_each() {
    // Three at once, then each of them alone; then two at once, and both alone.
    let expected = ALL_DONE.replace("done", "failed") + "; 0 effects, 7 writes";
    check(Verb::AddMember, &[NotFound; 7], |_| {}, &expected).await;
    // What passes is waited for, with all of them together.
    check(Verb::AddMember, &[Unreachable, Unreachable], |_| {}, &format!("{ALL_DONE}; 5 effects, 4 writes")).await;
}

#[tokio::test(start_paused = true)]
async fn whom_the_app_drops_silently_is_noticed_and_sent_alone() {
    let dropped = |world: &mut World| world.dropped = vec!["2"];
    let waits = check(Verb::AddMember, &[], dropped, &format!("{ALL_DONE}; 5 effects, 3 writes")).await;
    assert_eq!(waits.len(), 1, "it is told once for what and how long: {waits:?}");
    assert!(waits[0].contains("2@x.io") && waits[0].ends_with(": 10s"), "{waits:?}");
    // And told, when that does not help either.
    let ignored = |world: &mut World| world.dropped = vec!["5"];
    let expected = "1@x.io done, 2@x.io done, 3@x.io done, 4@x.io done, 5@x.io failed; 4 effects, 3 writes";
    check(Verb::AddMember, &[Unproven, Unproven, Ignored], ignored, expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_group_that_cannot_be_read_back_leaves_nothing_claimed() {
    let mut expected = ALL_DONE.replace("done", "failed");
    expected += "; 5 effects, 2 writes";
    check(Verb::AddMember, &[], |world| world.unreadable = true, &expected).await;
}
