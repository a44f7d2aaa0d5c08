//! What the one judge of effects says of each kind of write, by what the app shows.

use super::super::effect::*;
use crate::{
    connectors::{Joiner, Write},
    model::{AccountStatus, Coverage, Email, LiveAccount, LiveGroup, Values},
};

fn role(role: &str) -> Values {
    [("role".into(), role.into())].into()
}

fn text(effect: Effect) -> String {
    let done = |Done { how, note, made }| {
        let note: String = note.map(|note| format!(" ({note})")).unwrap_or_default();
        format!("{how}{note}{}", made.map(|id| format!(" [{id}]")).unwrap_or_default())
    };
    match effect {
        Effect::Done(how) => format!("done: {}", done(how)),
        Effect::Differs(how) => format!("differs: {}", done(how)),
        Effect::NotDone(why) => format!("not done: {why}"),
        Effect::NotListed => "not listed".into(),
        Effect::Unclear(why) => format!("unclear: {why}"),
        Effect::Hidden => "hidden".into(),
        Effect::Stale { report, .. } => format!("stale: {report}"),
    }
}

/// What is said of a write when the app shows an account with this status and role (`-` where it hides the role), or, for
/// another word, what that word says.
fn check(write: &Write, shown: &str, expected: &str) {
    let values = |role: &str| -> LiveValues {
        Some(role).filter(|role| *role != "-").map(|role| ("role".into(), Some(role.into()))).into_iter().collect()
    };
    let account = |status: AccountStatus, role: &str| LiveAccount {
        other_addresses: Default::default(),
        id: "7".into(),
        email: Email::lenient("ann@x.io"),
        status,
        values: values(role),
        created_at: None,
    };
    fn seen<T>(word: &str, there: impl FnOnce() -> T) -> Seen<T> {
        match word {
            "asked" => Seen::NotThere,
            "listed" => Seen::NotListed,
            "broken" => Seen::Unseen("page 2 failed".into()),
            "hidden" => Seen::Hidden,
            _ => Seen::There(there()),
        }
    }
    let (status, role) = shown.split_once(' ').unwrap_or((shown, "-"));
    let effect = match Aim::of(write) {
        Aim::Account(aim) => aim.judge(
            seen(shown, || {
                account(
                    match status {
                        "active" => AccountStatus::Active,
                        "pending" => AccountStatus::Pending,
                        "inactive" => AccountStatus::Inactive,
                        other => AccountStatus::Unknown(other.into()),
                    },
                    role,
                )
            })
            .as_ref(),
        ),
        Aim::Member(aim) => aim.judge(seen(shown, || values(role)).as_ref()),
        Aim::Group(aim) => aim.judge(
            seen(shown, || LiveGroup {
                id: "g".into(),
                name: "G".into(),
                values: values(role),
                members: Vec::new(),
                coverage: Coverage::Complete,
                reach: crate::model::Reach::Full,
            })
            .as_ref(),
        ),
    };
    assert_eq!(text(effect), expected, "{write:?}, {shown}");
}

#[test]
fn an_account_that_is_there_was_made_unless_it_cannot_be_used() {
    let create = Write::CreateAccount { email: Email::lenient("ann@x.io"), values: role("user") };
    check(&create, "active user", "done: found as 7 (found as 7) [7]");
    check(
        &create,
        "pending admin",
        "done: found as 7; invitation sent (found as 7; invitation sent; some of its fields differ; the next run corrects them) [7]",
    );
    check(&create, "inactive user", "stale: there is an account 7 already, which is inactive; plan again");
    check(&create, "asked", "not done: the app was asked for the account and has none");
    check(&create, "listed", "not listed");
    check(&create, "broken", "unclear: page 2 failed");
}

#[test]
fn fields_are_set_when_they_are_shown_so() {
    let update = Write::UpdateAccount { id: "7".into(), values: role("user"), email: None };
    let change = Write::ChangeMember { group: "g".into(), account: "7".into(), values: role("user") };
    let group = Write::UpdateGroup { id: "g".into(), values: role("user") };
    for (write, gone) in [(&update, "the account"), (&change, "the membership"), (&group, "the group")] {
        check(write, "active user", "done: it is so");
        check(write, "active admin", "not done: it is not so");
        check(write, "active -", "hidden");
        check(write, "asked", &format!("stale: {gone} is gone"));
        check(write, "broken", "unclear: page 2 failed");
    }
}

#[test]
fn an_account_is_active_inactive_or_gone_as_its_row_says() {
    let (off, on) = (Write::Deactivate { id: "7".into() }, Write::Reactivate { id: "7".into() });
    let delete = Write::DeleteAccount { id: "7".into() };
    check(&off, "inactive", "done: the account is inactive");
    check(&off, "active", "not done: the account is active");
    check(&off, "asked", "done: the account is gone (the account is gone)");
    check(&on, "active", "done: the account is active");
    check(&on, "inactive", "not done: the account is inactive");
    check(&on, "listed", "stale: the account is gone");
    check(&delete, "inactive", "not done: the account is inactive");
    check(&delete, "listed", "done: the account is gone");
    check(&delete, "broken", "unclear: page 2 failed");
}

#[test]
fn a_membership_or_group_is_there_or_not() {
    let account = Joiner::known("7", Email::lenient("ann@x.io"));
    let add = Write::AddMember { group: "g".into(), who: account, values: role("user") };
    let remove = Write::RemoveMember { group: "g".into(), account: "7".into() };
    let create = Write::CreateGroup { name: "G".into(), values: Values::new() };
    let delete = Write::DeleteGroup { id: "g".into() };
    check(&add, "there user", "done: the membership is there");
    check(&add, "there -", "done: the membership is there");
    check(&add, "there admin", "differs: the membership is there");
    check(&add, "listed", "not listed");
    check(&add, "hidden", "hidden");
    check(&remove, "there", "not done: the membership is still there");
    check(&remove, "listed", "done: the membership is gone");
    check(&create, "there", "done: found as g [g]");
    check(&create, "listed", "not listed");
    check(&delete, "there", "not done: the group is still there");
    check(&delete, "listed", "done: the group is gone");
}
