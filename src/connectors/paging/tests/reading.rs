//! The loop around sweeps: when a list is read again, and what comes of one that stays incomplete.

use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::connectors::{
    Error, ErrorKind, Listing,
    paging::{Answered, Ask, Pages, read},
    row_limit::{ListName, RowLimit, RowLimits},
};
use crate::model::Coverage;

/// An app with a script of answers, the last of which is repeated. A refusal is answered until something was conceded.
struct Script {
    limits: RowLimits,
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

    fn name(&self) -> ListName {
        ListName::Accounts
    }

    fn limits(&self) -> &RowLimits {
        &self.limits
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
        limits: RowLimits::default(),
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

/// An endless list of pages with so many rows each, and what becomes of it.
async fn check_endless(limits: RowLimits, rows: u32, says: Value, said: &str, asked: usize) {
    let mut reading = Endless { limits, rows, says, ..Endless::new() };
    let Coverage::Incomplete(why) = read(&mut reading).await.unwrap().coverage else { panic!("it has no end") };
    assert_eq!((why.as_str(), reading.asked.into_inner().unwrap()), (said, asked));
}

/// A list whose every page leads to another one with new rows.
struct Endless {
    limits: RowLimits,
    paging: Paging,
    rows: u32,
    says: Value,
    asked: Mutex<usize>,
}

impl Endless {
    fn new() -> Self {
        let Script { paging, limits, .. } = script([]);
        Self { limits, paging, rows: 100, says: json!({}), asked: Mutex::default() }
    }
}

#[async_trait]
impl Pages for Endless {
    fn paging(&self) -> &Paging {
        &self.paging
    }

    fn name(&self) -> ListName {
        ListName::Accounts
    }

    fn limits(&self) -> &RowLimits {
        &self.limits
    }

    fn line(&self) -> String {
        "GET /users".into()
    }

    async fn page(&self, _: &Ask) -> Result<Answered, Error> {
        let mut asked = self.asked.lock().unwrap();
        let page_number = u32::try_from(*asked).unwrap();
        *asked += 1;
        let mut says = self.says.clone();
        says["next"] = asked.to_string().into();
        Ok(Answered::Page(page(page_number * self.rows..(page_number + 1) * self.rows, says)))
    }
}

fn limits(max_rows: Value) -> RowLimits {
    RowLimits::of(&[("max_rows".into(), max_rows)].into())
}

#[tokio::test]
async fn a_list_without_an_end_is_read_as_far_as_it_may_go_and_the_reason_says_how_far() {
    let known = RowLimits::default();
    known.learn(ListName::Accounts, 4_000);
    let why = "GET /users: 12,100 rows came, and rosterd reads 12,000 (4,000 came when the list was last complete); set \
               `options.max_rows` if the list is really that long";
    check_endless(known, 100, json!({}), why, 121).await;
    // What it says of its total is no reason to go on, nor to stop.
    let why = "GET /users: 600 rows came, and `options.max_rows` lets rosterd read 500; raise it if the list is really that long";
    for total in [json!({}), json!({"total": 1_000_000_000_000_u64})] {
        check_endless(limits(json!(500)), 100, total, why, 6).await;
    }
}

#[tokio::test]
async fn pages_with_hardly_a_row_and_pages_of_huge_rows_end_as_well() {
    let why =
        "GET /users: 1,001 pages had 1,001 rows in all; rosterd reads no further, since such a list may never end";
    check_endless(RowLimits::default(), 1, json!({}), why, 1_001).await;
    let why = "GET /users: 10 empty pages in a row promise more";
    check_endless(RowLimits::default(), 0, json!({}), why, 10).await;
    let why = "GET /users: 540 MiB came, and rosterd reads 512 MiB of one list; ask the app for smaller rows";
    check_endless(RowLimits::default(), 100, json!({"bytes": 60 << 20}), why, 9).await;
}

#[tokio::test]
async fn a_list_that_ends_at_the_limit_is_complete_and_its_size_is_what_the_next_may_grow_from() {
    let pages = || [on(0..100), last(100..200)];
    let with = |limits: RowLimits| Script { limits, ..script(pages()) };
    let all: Vec<u64> = (0..200).collect();
    check_read(with(limits(json!(200))), &all, "Complete", 2).await;
    let mut learns = with(RowLimits::default());
    read(&mut learns).await.unwrap();
    assert_eq!(learns.limits.limit(&ListName::Accounts), RowLimit::Known(200));
    // Neither a list that was not read to its end nor one row of it says how long it is.
    let mut learns = Script { sought: Some(5), ..with(RowLimits::default()) };
    read(&mut learns).await.unwrap();
    assert_eq!(learns.limits.limit(&ListName::Accounts), RowLimit::Unknown);
    let mut breaks = script([on(0..100), Step::Refused]);
    read(&mut breaks).await.unwrap();
    assert_eq!(breaks.limits.limit(&ListName::Accounts), RowLimit::Unknown);
}
