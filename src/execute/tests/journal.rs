//! Nothing leaves that is not written down, and what nobody knows stays open.

use super::*;
use crate::{
    connectors::http::witness::Sent,
    execute::{Journal, Performed, Unwritten},
};

/// Notes what it is told, and refuses after so many notes.
#[derive(Default)]
struct Notes {
    lines: Mutex<Vec<String>>,
    room: Option<usize>,
}

impl Notes {
    fn note(&self, line: String) -> Result<(), Unwritten> {
        let mut lines = self.lines.lock().unwrap();
        if self.room.is_some_and(|room| lines.len() >= room) {
            return Err(Unwritten("the disk is full".into()));
        }
        lines.push(line);
        Ok(())
    }
}

#[async_trait]
impl Journal for Notes {
    async fn begin(&self, writes: &[(&Action, &Write)]) -> Result<(), Unwritten> {
        self.note(format!("begin {}", writes.iter().map(|(action, _)| action.name.verb.as_str()).collect::<String>()))
    }

    async fn end(&self, action: &Action, performed: &Performed, _: &[Sent]) -> Result<(), Unwritten> {
        let open = if performed.open { " open" } else { "" };
        self.note(format!("end {} {}{open}", action.name.verb, performed.result.as_str()))
    }
}

async fn check(script: &[Fault], room: Option<usize>, unreadable: bool, notes: &str, writes: u64) -> ActionResult {
    let fake = Arc::new(fake(Verb::Create, script));
    fake.world().unreadable = unreadable;
    let journal = Notes { room, ..Notes::default() };
    let created_ids = CreatedIds::default();
    let tools = Tools { journal: &journal, ..tools(fake.clone(), &created_ids) };
    let outcome = execute(&plan(vec![action(Verb::Create)]), &tools, Stop::never(), &Quiet).await;
    assert_eq!(journal.lines.into_inner().unwrap().join(", "), notes);
    assert_eq!(fake.world().writes, writes);
    outcome.actions[0].1.clone()
}

#[tokio::test(start_paused = true)]
async fn every_sending_is_written_down_before_it_and_every_end_after_it() {
    check(&[Proven], None, false, "begin create, end create done", 1).await;
    check(&[Refused], None, false, "begin create, end create failed", 1).await;
    check(&[LostBefore, Proven], None, false, "begin create, begin create, end create done", 2).await;
}

#[tokio::test(start_paused = true)]
async fn what_nobody_could_look_at_stays_open() {
    check(&[LostAfter], None, true, "begin create, end create failed open", 1).await;
    check(&[Ignored], None, false, "begin create, end create failed open", 1).await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_down_is_not_sent() {
    let result = check(&[], Some(0), false, "", 0).await;
    assert_eq!(result, ActionResult::NotStarted { reason: "the disk is full".into() });
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_when_what_was_done_cannot_be_written_down() {
    let fake = Arc::new(fake(Verb::Create, &[]));
    let mut update = action(Verb::Update);
    update.after = vec![Edge { action: action(Verb::Create).name, rule: Rule::AccountBeforeMembership }];
    let journal = Notes { room: Some(1), ..Notes::default() };
    let created_ids = CreatedIds::default();
    let tools = Tools { journal: &journal, ..tools(fake.clone(), &created_ids) };
    let outcome = execute(&plan(vec![action(Verb::Create), update]), &tools, Stop::never(), &Quiet).await;
    let results: Vec<_> = outcome.actions.iter().map(|(name, result)| (name.verb, result.clone())).collect();
    let reason = "the disk is full".into();
    let note = Some("it took effect, but the store has no record of that; the next run looks at it first".into());
    assert_eq!(
        results,
        [(Verb::Create, ActionResult::Done { note }), (Verb::Update, ActionResult::NotStarted { reason })]
    );
    assert_eq!(fake.world().writes, 1);
}
