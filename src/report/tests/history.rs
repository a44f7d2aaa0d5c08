//! What was done, and what a person had.

use jiff::{Timestamp, tz::TimeZone};

use super::{ASCII, BROAD, COLOR, NARROW, snapshot};
use crate::{
    model::{AccountStatus, Change, Email, FieldValue},
    report::{
        Style, history,
        history::{Chapter, History},
        past,
        past::Past,
    },
    store::{
        ActionEntry, AppKey, Ending, Entry, Event, Holding, HoldingGroup, NewEntry, Note, Run, RunBegun, RunEnded,
        Standing, Verified,
    },
};

fn at(text: &str) -> Timestamp {
    format!("2026-11-{text}Z").parse().unwrap()
}

fn run(id: &str, command: &str, from: &str, end: Option<(&str, &str)>) -> Run {
    let begun = RunBegun {
        command: command.into(),
        commit: Some("c0ffee1234567890".into()),
        fingerprint: Some("sha256:12".into()),
        host: "vm-1".into(),
        pid: 71,
    };
    let ended = |how: &str| RunEnded {
        how: how.parse().unwrap(),
        message: (how == "failed").then(|| "autodesk could not be read; run `rosterd plan` to see why".into()),
        counts: [("done".to_owned(), 3), ("failed".to_owned(), 1), ("skipped".to_owned(), 0)].into(),
    };
    Run { id: id.into(), started_at: at(from), begun, ended: end.map(|(to, how)| (at(to), ended(how))) }
}

fn entry(seq: u64, when: &str, action: &str, ending: Ending) -> Entry {
    let parts: Vec<&str> = action.split('/').collect();
    let action: ActionEntry = serde_json::from_value(serde_json::json!({
        "verb": parts[1],
        "account": parts[2],
        "group": parts.get(3),
        "because": ["teams/design.yaml:9", "people/all.yaml:3"],
        "result": ending,
        "request": "POST /users",
        "status": if ending == Ending::Done { 201 } else { 422 },
        "message": (ending != Ending::Done).then_some("the app refused the role; write one of `user`, `admin`"),
    }))
    .unwrap();
    let entry = NewEntry { at: at(when), run: Some("run-1".into()), event: Event::Action(Box::new(action)) };
    let key = Some(AppKey::new(parts[0], "https://api.example.com"));
    Entry { seq, key, prev: "p".into(), hash: "h".into(), entry }
}

/// The same, with something else about the action.
fn changed(mut entry: Entry, change: impl FnOnce(&mut ActionEntry)) -> Entry {
    let Event::Action(action) = &mut entry.entry.event else { panic!("{entry:?}") };
    change(action);
    entry
}

fn history() -> History {
    let design = |seq: u64, when: &str, verb: &str| {
        entry(seq, when, &format!("autodesk/{verb}/jane.doe@example.com/Design Team"), Ending::Done)
    };
    let looked = changed(design(4, "21T00:00:04", "add-member"), |action| action.by_looking = true);
    let role = Change { field: "role".into(), from: Some("member".into()), to: Some("lead".into()) };
    let lead = changed(design(3, "20T23:59:59", "change-member"), |action| action.deed.changes = vec![role]);
    let said = Note {
        account: Some("kim@example.com".into()),
        message: Some("somebody else deactivated the account".into()),
        ..Note::default()
    };
    let note = Entry {
        seq: 5,
        key: Some(AppKey::new("x", "https://api.example.com")),
        prev: "p".into(),
        hash: "h".into(),
        entry: NewEntry { at: at("21T00:00:05"), run: None, event: Event::Note(said) },
    };
    let quiet = |id: &str, from: &str, to: &str| {
        let mut run = run(id, "daemon", from, Some((to, "done")));
        run.ended.as_mut().unwrap().1.counts.clear();
        Chapter { run: Some(run), entries: Vec::new() }
    };
    let actions = vec![
        entry(2, "20T23:59:58", "autodesk/create/jane.doe@example.com", Ending::Done),
        lead,
        looked,
        note,
        entry(6, "21T00:00:06", "autodesk/update/lee\u{202e}@example.com", Ending::Failed),
        entry(7, "21T00:00:07", "autodesk/deactivate/sam@example.com", Ending::NotStarted),
    ];
    History {
        store: Some("sqlite:/var/lib/rosterd/state.db".into()),
        chapters: vec![
            quiet("run-a", "20T22:00:00", "20T22:00:02"),
            quiet("run-b", "20T22:15:00", "20T22:15:02"),
            quiet("run-c", "20T22:30:00", "20T22:30:02"),
            Chapter {
                run: Some(run("run-1", "apply", "20T23:59:40", Some(("21T00:00:10", "done")))),
                entries: actions,
            },
            Chapter {
                run: Some(run("run-2", "daemon", "21T00:15:00", Some(("21T00:15:30", "failed")))),
                entries: vec![],
            },
            Chapter { run: Some(run("run-3", "daemon", "21T00:30:00", None)), entries: vec![] },
        ],
        zone: TimeZone::UTC,
        more: true,
    }
}

#[test]
fn the_history_tells_run_by_run_what_was_done() {
    let text = |style: &Style| history::text(&history(), style);
    snapshot("history", &text(&NARROW));
    snapshot("history_color", &text(&COLOR));
    snapshot("history_broad", &text(&BROAD));
    assert!(text(&ASCII).is_ascii(), "{}", text(&ASCII));
    let empty = History { chapters: Vec::new(), more: false, ..history() };
    assert_eq!(history::text(&empty, &NARROW), "Nothing that fits was done.\n");
}

#[test]
fn the_history_as_json_has_every_run_and_entry() {
    let json: serde_json::Value = serde_json::from_str(&history::to_json(&history())).unwrap();
    assert_eq!((json["runs"].as_array().unwrap().len(), json["entries"].as_array().unwrap().len()), (6, 6));
    assert_eq!(json["runs"][3]["ended"]["counts"]["failed"], 1);
    assert_eq!(json["runs"][5]["ended"], serde_json::Value::Null);
    let entry = &json["entries"][1];
    assert_eq!((&entry["seq"], &entry["app"], &entry["result"]), (&3.into(), &"autodesk".into(), &"done".into()));
    assert_eq!(entry["changes"][0]["to"], "lead");
}

#[test]
fn a_commit_is_shortened_and_keeps_its_mark() {}

#[test]
fn a_broken_ledger_says_where_and_what_to_do() {
    let whole = Verified::Whole { entries: 1234, head: "ab".repeat(32) };
    let broken = Verified::Broken { seq: Some(7), why: "its text is not what was written: it has another hash".into() };
    let text = |verified: &Verified| history::verified_text("sqlite:/var/lib/rosterd/state.db", verified, &NARROW);
    snapshot("history_verified", &format!("{}\n{}", text(&whole), text(&broken)));
    let json: serde_json::Value = serde_json::from_str(&history::verified_json("s", &broken)).unwrap();
    assert_eq!((&json["whole"], &json["broken_at"]), (&false.into(), &7.into()));
}

#[test]
fn what_a_person_had_is_told_with_since_when_and_what_is_not_known() {
    let role = |role: &str| [("role".into(), Some(FieldValue::text(role))), ("company".into(), None)].into();
    let group = |name: &str, status: AccountStatus, values| HoldingGroup {
        group: "team-1".into(),
        name: name.into(),
        status,
        values,
        since: at("02T08:00:00"),
    };
    let past = Past {
        email: Email::lenient("jane.doe@example.com"),
        at: at("20T23:00:00"),
        zone: TimeZone::UTC,
        standing: Standing {
            holdings: vec![Holding {
                key: AppKey::new("autodesk", "https://api.example.com"),
                account: "user-123".into(),
                email: Email::lenient("JDoe@example.com"),
                status: AccountStatus::Active,
                values: role("admin"),
                since: at("01T09:15:00"),
                groups: vec![
                    group("Design Team", AccountStatus::Active, role("lead")),
                    group(
                        "A team with a name that is far too long for a column",
                        AccountStatus::Pending,
                        role("member"),
                    ),
                    group("Ops", AccountStatus::Active, Default::default()),
                ],
            }],
            unread: vec![],
        },
        without: vec!["alteryx".into(), "scim".into()],
        unread: vec!["workiva".into()],
    };
    snapshot("past", &past::text(&past, &NARROW));
    snapshot("past_color", &past::text(&past, &COLOR));
    let nothing = Past { standing: Standing::default(), without: vec![], unread: vec![], ..past.clone() };
    assert!(past::text(&nothing, &NARROW).contains("No app had shown an account of this person."));
    let json: serde_json::Value = serde_json::from_str(&past::to_json(&past)).unwrap();
    assert_eq!(json["accounts"][0]["groups"][0]["values"]["role"], "lead");
    assert_eq!(json["unread"][0], "workiva");
    let deactivated = entry(9, "20T22:00:00", "autodesk/deactivate/jane.doe@example.com", Ending::Done);
    let key = past.standing.holdings[0].key.clone();
    let unread = vec![Entry { key: Some(key), ..deactivated }];
    let changed = Past { standing: Standing { unread, ..past.standing.clone() }, ..past };
    let text = past::text(&changed, &BROAD);
    let line =
        "by our own change of 2026-11-20 22:00 UTC, not read back since: - autodesk/deactivate/jane.doe@example.com";
    assert!(text.contains(line), "{text}");
}
