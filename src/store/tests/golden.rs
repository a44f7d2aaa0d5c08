//! The bytes that are hashed. A ledger that was written once has to hold for as long as it is kept, so that nothing here may
//! ever change: what another version writes differently gets a form of its own.

use std::borrow::Cow;

use super::{super::ledger::Draft, *};
use crate::model::{Cause, Change, FieldValue};

/// An entry of each kind, with every field.
fn entries() -> Vec<(Option<AppKey>, Event)> {
    let begun = RunBegun {
        command: "apply".into(),
        host: "vm-1".into(),
        pid: 7,
        commit: Some("c0ffee".into()),
        fingerprint: Some("sha256:12".into()),
    };
    let ended = RunEnded {
        how: RunEnding::Failed,
        message: Some("ä\"\n of ann@example.com".into()),
        counts: [("done".to_owned(), 2), ("failed".to_owned(), 1)].into(),
    };
    let role = Change { field: "role".into(), from: None, to: Some(FieldValue::text("admin")) };
    let deed = Deed {
        account: Some("Ann@example.com".into()),
        account_id: Some("user-1".into()),
        group: Some("Design".into()),
        group_id: Some("ann@example.com-team".into()),
        people: vec!["ann@example.com".into()],
        reduces_access: true,
        gains: true,
        changes: vec![role],
        because: vec!["people/ann.yaml:9".into()],
        commit: Some("c0ffee".into()),
        reason: None,
        cause: Some(Cause::Drift),
        ..deed_of(Verb::AddMember)
    };
    let action = ActionEntry {
        message: Some("invitation sent".into()),
        request: Some("POST /users".into()),
        status: Some(201),
        read_back: Some(json!({ "b": [{ "d": 1, "c": 2.5 }], "a": null })),
        sent_at: Some(minute(1)),
        by_looking: true,
        ..super::ended(&deed, Ending::Done)
    };
    let least = super::ended(&Deed { account: Some("lee@example.com".into()), ..deed_of(Verb::Create) }, Ending::Stale);
    let said = Note {
        account: Some("ann@example.com".into()),
        people: vec!["lee@example.com".into()],
        message: Some("somebody else changed it".into()),
    };
    let hash = "0".repeat(64);
    let broken = Some(Break { seq: 3, why: "it is missing".into() });
    let pruned = Pruned { through: 9, hash: hash.clone(), deleted: 7, kept: hash.clone() };
    let store = [
        Event::Migrated(Migrated { entries: 7, head: hash, broken }),
        Event::Forgot(Forgot { entries: vec![2, 3] }),
        Event::Pruned(pruned),
    ];
    let paused = Paused {
        until: minute(9),
        by: "ann@example.com on vm-1".into(),
        reason: "moving, says ann@example.com".into(),
        holds_leavers: true,
    };
    let pauses = [Event::Paused(paused), Event::Resumed(Resumed { by: "ann@example.com on vm-1".into() })];
    let app = [Event::Action(Box::new(action)), Event::Action(Box::new(least)), Event::Note(said)];
    let runs = [Event::RunBegun(begun), Event::RunEnded(ended)];
    let app = app.into_iter().map(|event| (Some(autodesk()), event));
    let renamed = (Some(autodesk()), Event::Renamed(Renamed { was: alteryx() }));
    app.chain(runs.into_iter().chain(store).chain(pauses).map(|event| (None, event))).chain([renamed]).collect()
}

#[test]
fn what_is_hashed_of_each_kind_of_entry_stays_the_same_bytes() {
    let mut prev = "0".repeat(64);
    let mut lines = String::new();
    for ((key, event), seq) in entries().into_iter().zip(1..) {
        let entry = NewEntry { at: minute(0), run: Some("run-1".into()), event };
        let mut keys = (0..).map(|n| format!("key {n}"));
        let draft = Draft::new(key.as_ref(), Cow::Owned(entry.clone()));
        let (text, personal) = draft.text(seq, || keys.next().unwrap()).unwrap();
        prev = row::hash(&[&prev, &text]);
        lines += &format!("{prev} {text}\n");
        // What was sealed is what is read.
        let read: super::super::ledger::Text = serde_json::from_str(&text).unwrap();
        assert_eq!(read.open(personal).unwrap(), entry);
        assert!(!text.contains("nn@example.com") && !text.contains("ann.yaml"), "{text}");
    }
    let golden = include_str!("golden.txt");
    assert!(lines == golden, "the hashed bytes are not what they were:\n{lines}");
}
