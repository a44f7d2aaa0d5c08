//! What a reader of a change must not miss, whatever else there is.

use super::{
    BROAD, NARROW,
    fixture::{action, app, compared, place, plan},
};
use crate::{
    model::{AccountRef, AccountStatus, Action, Cause, Email, Former, Guard, Known, KnownAccount, Plan, Reason, Step},
    report::{json, markdown, said, text},
};

fn by(cause: Cause, mut action: Action) -> Action {
    action.cause = Some(cause);
    action
}

/// A change that makes one administrator, beside these.
fn change(mut others: Vec<Action>) -> Plan {
    let mut admin = by(Cause::Change, action("a/update/zoe@example.com", "apps/a.yaml:9")).change(
        "role",
        Some("user".into()),
        Some("admin".into()),
    );
    admin.gains_admin = true;
    others.push(admin);
    let mut all = plan(vec![app("a", "group", others, vec![])]);
    all.against = compared().against.map(|against| crate::model::Against {
        no_longer: Vec::new(),
        rules: Vec::new(),
        claims: Vec::new(),
        ..against
    });
    all
}

#[test]
fn seven_hundred_held_steps_of_drift_hide_nothing_of_the_change() {
    let held = |i| {
        let reason = "700 people would gain something, and 50 may";
        let line = "- { allow: a, guard: max-creates, up_to: 700, until: 2026-12-22 }";
        by(Cause::Drift, action(&format!("a/create/p{i:03}@example.com"), "x.yaml:1")).held(
            Guard::MaxCreates,
            reason,
            line,
            &[],
        )
    };
    let all = change((0..700).map(held).collect());
    let comment = markdown::plan(&all);
    assert!(comment.contains("### rosterd: 1 to do by this change\n"), "{comment}");
    assert!(comment.contains("> 1 action to do by this change makes an administrator.\n"), "{comment}");
    let (before, _) = comment.split_once("<details>").unwrap();
    assert!(before.contains("zoe<wbr>&#64;example.com") && before.contains("**can administer**"), "{before}");
    let text = text::plan(&all, &BROAD);
    let (first, rest) = (text.find("zoe@example.com").unwrap(), text.find("p000@example.com").unwrap());
    assert!(first < rest && text.contains("This change: 1 to do."), "{text}");
}

#[test]
fn an_app_that_floods_leaves_rows_to_every_other() {
    let many = |name: &str, count: usize| {
        let row = |i| by(Cause::Change, action(&format!("{name}/create/p{i:05}@example.com"), "x.yaml:1"));
        app(name, "group", (0..count).map(row).collect(), vec![])
    };
    let mut all = change(Vec::new());
    all.apps = vec![many("flood", 10_000), many("quiet", 5)];
    let comment = markdown::plan(&all);
    assert!(comment.contains("<summary><b><code>quiet</code></b>"), "{comment}");
}

#[test]
fn what_nobody_should_miss_is_not_counted_instead_of_shown() {
    let plain = |i| by(Cause::Change, action(&format!("a/add-member/p{i:04}@example.com/Design"), "x.yaml:1"));
    let text = text::plan(&change((0..2_000).map(plain).collect()), &NARROW);
    assert!(text.contains("zoe@example.com") && text.contains("! can administer"), "{text}");
}

#[test]
fn the_live_account_is_shown_wherever_it_goes_by_another_name() {
    let mut gone = by(Cause::Change, action("a/deactivate/ghost@example.com", "people.yaml:3"));
    gone.step = Step::Deactivate(AccountRef::Known(KnownAccount {
        id: "user-17".into(),
        email: Email::lenient("plot-server@example.com"),
        status: AccountStatus::Active,
    }));
    let all = change(vec![gone.clone()]);
    let drawn = [text::plan(&all, &NARROW), markdown::plan(&all), json::plan(&all), live_notes(&gone).join(" ")];
    for text in drawn {
        assert!(text.contains("plot-server") && text.contains("user-17"), "{text}");
    }
    // Case is no other name, and neither is what the plan already says.
    gone.name.account = Some("Plot-Server@example.com".into());
    assert!(live_notes(&gone).is_empty() && gone.live_as().is_none());
}

fn live_notes(action: &Action) -> Vec<String> {
    said(action).into_iter().filter(|said| said.is_grave).map(|said| said.text).collect()
}

#[test]
fn an_address_of_two_scripts_is_marked_as_such() {
    let all = change(vec![by(Cause::Change, action("a/create/p\u{430}ul@example.com", "people.yaml:3"))]);
    assert!(text::plan(&all, &BROAD).contains("letters of"), "{}", text::plan(&all, &BROAD));
}

#[test]
fn a_change_that_does_nothing_today_says_what_it_alters() {
    let mut all = compared();
    all.apps[0].actions.retain(|action| action.cause != Some(Cause::Change));
    let comment = markdown::plan(&all);
    let title = "### rosterd: 2 rules loosened, 1 rule tightened, 1 grant added, 1 grant removed by this change, no action now\n";
    assert!(comment.contains(title), "{comment}");
    assert!(comment.contains("1 grant lets somebody administer, now or later"), "{comment}");
    let first: String = comment.lines().take(20).collect();
    assert!(first.contains("alteryx") && first.contains("irreversible") && first.contains("2027-01-01"), "{comment}");
}

#[test]
fn every_reason_is_told_wherever_a_row_is_drawn() {
    let former = Former { places: vec![place("teams/design.yaml:9")], known: Known::UntilCommit("3f2c1a7d00".into()) };
    let over = Reason::Until("2026-07-01T00:00:00Z[UTC]".parse().unwrap());
    for (reason, words) in [
        (Reason::Left, "left"),
        (Reason::Suspended, "suspended"),
        (over, "until 2026-06-30"),
        (Reason::Absent, "state: absent"),
        (Reason::Unlisted(None), "no line grants it (named nowhere in the files)"),
        (Reason::Ungranted(Some(former)), "no line grants it (teams/design.yaml:9 did until commit 3f2c1a7)"),
    ] {
        let gone = by(Cause::Change, action("a/deactivate/ghost@example.com", "x.yaml:3").takes(reason));
        let all = change(vec![gone.clone()]);
        let page: Vec<String> = said(&gone).into_iter().map(|said| said.text).collect();
        // Markdown would read these marks, were they not spelt out.
        let marks = [("&#40;", "("), ("&#41;", ")"), ("&#58;", ":")];
        let comment = marks.iter().fold(markdown::plan(&all), |text, (spelt, mark)| text.replace(spelt, mark));
        for text in [text::plan(&all, &BROAD), comment, json::plan(&all), page.join(" ")] {
            assert!(text.contains(words), "`{words}` is missing in:\n{text}");
        }
    }
}
