//! The loop around sweeps: when a list is read again, and what comes of one that stays incomplete.

use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::connectors::{
    Error, ErrorKind, Listing,
    paging::{Answered, Ask, Pages, read},
};

/// An app with a script of answers, the last of which is repeated. A refusal is answered until something was conceded.
struct Script {
    paging: Paging,
    answers: Mutex<Vec<Step>>,
    asked: Mutex<usize>,
    sought: Option<u64>,
    concessions: usize,
}

#[derive(Clone)]
enum Step {
    Page(Page),
    Expired,
    Refused,
}

#[async_trait]
impl Pages for Script {
    fn paging(&self) -> &Paging {
        &self.paging
    }

    fn line(&self) -> String {
        "GET /users".into()
    }

    async fn page(&self, _: &Ask) -> Result<Answered, Error> {
        *self.asked.lock().unwrap() += 1;
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        match answer {
            Step::Page(page) => Ok(Answered::Page(page)),
            Step::Expired => Ok(Answered::Expired("too old".into())),
            Step::Refused => Err(Error {
                kind: ErrorKind::Refused,
                app: "a".into(),
                request: "GET /users".into(),
                status: Some(400),
                detail: "no".into(),
                hint: None,
            }),
        }
    }

    fn enough(&self, row: &Value) -> bool {
        self.sought.is_some_and(|id| row["id"] == id)
    }

    async fn concede(&mut self, _: &Error) -> bool {
        self.concessions = self.concessions.saturating_sub(1);
        self.concessions > 0
    }
}

fn script(answers: impl IntoIterator<Item = Step>) -> Script {
    let cursor = Cursor::Token { parameter: "token".into(), opening: None };
    let (size, max, default) = (None, None, None);
    Script {
        paging: Paging { cursor, size, max, default, ends_short: false, totals: Totals::Guessed },
        answers: Mutex::new(answers.into_iter().collect()),
        asked: Mutex::default(),
        sought: None,
        concessions: 0,
    }
}

fn on(ids: impl IntoIterator<Item = u32>) -> Step {
    Step::Page(page(ids, json!({"next": "t"})))
}

fn last(ids: impl IntoIterator<Item = u32>) -> Step {
    Step::Page(page(ids, json!({})))
}

/// Reads; checks the ids that come, what is said of them, and how many pages were asked for.
async fn check_read(mut script: Script, ids: &[u64], said: &str, asked: usize) {
    let (seen, what) = match read(&mut script).await {
        Ok(Listing { rows, coverage }) => {
            (rows.iter().map(|row| row["id"].as_u64().unwrap()).collect(), format!("{coverage:?}"))
        }
        Err(error) => (Vec::new(), error.to_string()),
    };
    assert_eq!((seen.as_slice(), what.as_str(), *script.asked.lock().unwrap()), (ids, said, asked));
}

#[tokio::test]
async fn a_list_whose_token_expired_is_read_again_but_not_for_ever() {
    check_read(script([on([1]), Step::Expired, on([1]), last([2])]), &[1, 2], "Complete", 4).await;
    let answers = [on([1]), Step::Expired, on([2]), Step::Expired, Step::Expired];
    check_read(script(answers), &[1, 2], r#"Incomplete("GET /users: too old")"#, 5).await;
}

#[tokio::test]
async fn a_list_that_moved_is_read_again_and_one_that_is_broken_is_not() {
    let moved = || [on([1, 2]), last([2, 3])];
    let why = r#"Incomplete("GET /users: 1 rows came twice: the list moved while it was read")"#;
    check_read(script([moved(), moved(), moved()].concat()), &[1, 2, 3], why, 6).await;
    let why = r#"Incomplete("GET /users: page 2 repeats rows that came before and has no others")"#;
    check_read(script([on([1]), last([1])]), &[1], why, 2).await;
}

#[tokio::test]
async fn a_first_page_that_fails_is_an_error_and_a_later_one_makes_the_list_incomplete() {
    check_read(script([Step::Refused]), &[], "a: GET /users answered 400: no", 1).await;
    let why = r#"Incomplete("GET /users: a: GET /users answered 400: no")"#;
    check_read(script([on([1]), Step::Refused]), &[1], why, 2).await;
    check_read(script([on([1]), Step::Expired, Step::Refused]), &[1], why, 3).await;
}

#[tokio::test]
async fn a_refused_first_page_is_asked_for_again_while_anything_is_left_to_give_up() {
    let refused = || [Step::Refused, Step::Refused, last([1])];
    check_read(Script { concessions: 3, ..script(refused()) }, &[1], "Complete", 3).await;
    check_read(Script { concessions: 2, ..script(refused()) }, &[], "a: GET /users answered 400: no", 2).await;
}

#[tokio::test]
async fn a_row_that_is_enough_ends_the_reading() {
    check_read(Script { sought: Some(2), ..script([on([1]), on([2, 3]), last([4])]) }, &[2], "Complete", 2).await;
}
