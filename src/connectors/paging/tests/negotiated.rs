//! Apps that are asked in a way which suits several kinds of paging, as SCIM servers are.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn auto() -> Paging {
    sized(2)
}

fn sized(rows: u64) -> Paging {
    Paging {
        cursor: Cursor::Either { row: "startIndex".into(), first: 1, token: "cursor".into() },
        size: Some("count".into()),
        max: Some(rows),
        default: None,
        ends_short: false,
        totals: Totals::Guessed,
    }
}

fn by_index() -> Paging {
    Paging { cursor: Cursor::Row { parameter: "startIndex".into(), first: 1 }, ..auto() }
}

fn by_token() -> Paging {
    Paging { cursor: Cursor::Token { parameter: "cursor".into(), opening: Some(String::new()) }, ..auto() }
}

fn total(total: u32) -> Value {
    json!({"total": total})
}

#[test]
fn rows_are_counted_from_one_and_by_what_came() {
    let pages = vec![page(0..2, total(4)), page(2..3, total(4)), page(3..4, total(4))];
    check(&auto(), pages, &["count=2", "startIndex=3&count=2", "startIndex=4&count=2"], 0..4, "complete");
    let pages = vec![page(0..2, total(3)), page(2..3, total(3))];
    check(&by_index(), pages, &["startIndex=1&count=2", "startIndex=3&count=2"], 0..3, "complete");
}

#[test]
fn an_empty_list_takes_one_page() {
    check(&auto(), vec![page(0..0, total(0))], &["count=2"], 0..0, "complete");
    check(&auto(), vec![page(0..0, json!({}))], &["count=2"], 0..0, "complete");
}

#[test]
fn without_totals_an_empty_page_ends_the_list() {
    let pages = vec![page(0..2, json!({})), page(2..3, json!({})), page(0..0, json!({}))];
    check(&auto(), pages, &["count=2", "startIndex=3&count=2", "startIndex=4&count=2"], 0..3, "complete");
}

#[test]
fn smaller_pages_than_asked_for_lose_nobody() {
    let pages = (0..3).map(|n| page(n..n + 1, total(3))).collect();
    check(&auto(), pages, &["count=2", "startIndex=2&count=2", "startIndex=3&count=2"], 0..3, "complete");
}

#[test]
fn a_total_that_is_the_size_of_a_full_page_is_not_believed() {
    let pages = vec![page(0..2, total(2)), page(2..3, total(1)), page(0..0, total(0))];
    check(&auto(), pages, &["count=2", "startIndex=3&count=2", "startIndex=4&count=2"], 0..3, "complete");
    // It may also be true, and then the next page says so.
    let pages = vec![page(0..2, total(2)), page(0..0, total(2))];
    check(&auto(), pages, &["count=2", "startIndex=3&count=2"], 0..2, "complete");
}

#[test]
fn a_smaller_page_of_a_round_size_is_not_the_end_merely_because_its_total_says_so() {
    let auto = || sized(100);
    let pages = vec![page(0..10, total(10)), page(10..13, total(3)), page(0..0, total(0))];
    let queries = ["count=100", "startIndex=11&count=100", "startIndex=14&count=100"];
    check(&auto(), pages, &queries, 0..13, "complete");
    check(&auto(), vec![page(0..7, total(7))], &["count=100"], 0..7, "complete");
    check(&auto(), vec![page(0..10, total(10)), page(0..0, total(10))], &queries[..2], 0..10, "complete");
}

#[test]
fn totals_that_are_not_trusted_do_not_end_a_list() {
    let paging = Paging { totals: Totals::Unsaid, ..sized(5) };
    let pages = vec![page(0..2, total(2)), page(2..4, total(2)), page(0..0, total(0))];
    check(&paging, pages, &["count=5", "startIndex=3&count=5", "startIndex=5&count=5"], 0..4, "complete");
}

#[test]
fn an_ignored_start_index_ends_the_reading() {
    let same = page(0..2, total(6));
    let why = "broken: page 2 repeats rows that came before and has no others";
    check(&auto(), vec![same.clone(), same], &["count=2", "startIndex=3&count=2"], 0..2, why);
}

#[test]
fn one_page_that_comes_for_any_row_is_everything_when_a_smaller_one_promises_more() {
    let all = |rest: Value| vec![page(0..10, rest.clone()), page(0..10, rest)];
    let ask = |rest: Value, probe: Page, verdict: &str| {
        let pages = [all(rest), vec![probe]].concat();
        let queries = ["count=100", "startIndex=11&count=100", "count=9"];
        check(&sized(100), pages, &queries, 0..10, verdict);
    };
    let why = "broken: page 2 repeats rows that came before and has no others";
    ask(total(10), page(0..9, total(10)), "complete");
    ask(json!({}), page(0..9, json!({"next": "a"})), "complete");
    // A limit of ten and a total that is the page's own size look the same, until fewer are asked for.
    ask(total(10), page(0..9, total(9)), why);
    ask(total(10), page(0..10, total(10)), why);
    ask(json!({}), page(0..9, json!({})), why);
    ask(total(10), page(5..14, total(10)), why);
}

#[test]
fn a_list_that_moves_is_no_complete_reading() {
    let pages = vec![page(0..2, total(4)), page(3..4, total(3))];
    let queries = ["count=2", "startIndex=3&count=2"];
    check(&auto(), pages, &queries, [0, 1, 3], "moved: the total went from 4 to 3 while the list was read");
    let pages = vec![page(0..2, total(3)), page(1..3, total(3))];
    let why = "moved: 1 rows came twice: the list moved while it was read";
    check(&auto(), pages, &queries, 0..3, why);
    let pages = vec![page(0..2, total(4)), page(0..0, total(4))];
    check(&auto(), pages, &queries, 0..2, "moved: 2 of 4 rows were seen");
}

#[test]
fn a_cursor_in_a_plain_answer_is_followed() {
    let next = |cursor: &str| json!({"next": cursor});
    let pages = vec![page(0..2, next("a")), page(2..2, next("b")), page(2..3, json!({}))];
    check(&auto(), pages.clone(), &["count=2", "cursor=a&count=2", "cursor=b&count=2"], 0..3, "complete");
    let queries = ["cursor=&count=2", "cursor=a&count=2", "cursor=b&count=2"];
    check(&by_token(), pages, &queries, 0..3, "complete");
}

#[test]
fn cursors_are_never_followed_in_a_circle_nor_for_ever() {
    let next = |cursor: &str| json!({"next": cursor});
    let pages = vec![page(0..1, next("a")), page(1..2, next("a"))];
    let why = "broken: a page points back to one that was read";
    check(&auto(), pages, &["count=2", "cursor=a&count=2"], 0..2, why);
    let pages: Vec<_> = (0..50).map(|n| page(0..0, next(&n.to_string()))).collect();
    let queries: Vec<String> =
        (0..10).map(|n| if n == 0 { "count=2".into() } else { format!("cursor={}&count=2", n - 1) }).collect();
    let queries: Vec<&str> = queries.iter().map(String::as_str).collect();
    check(&auto(), pages, &queries, 0..0, "broken: 10 empty pages in a row promise more");
}

#[test]
fn where_the_index_is_wanted_cursors_are_left_alone() {
    let pages = vec![page(0..2, json!({"total": 3, "next": "a"})), page(2..3, total(3))];
    check(&by_index(), pages, &["startIndex=1&count=2", "startIndex=3&count=2"], 0..3, "complete");
}

proptest! {
    /// Whatever a server of any of these habits holds and however it cuts it, all of it is seen, or the reading is not
    /// called complete; and it ends.
    #[test]
    fn a_reading_ends_and_complete_means_all(
        rows in 0u32..60,
        size in 1u32..20,
        clamp in 1u32..20,
        lies in any::<bool>(),
        ignores in any::<bool>(),
        by_cursor in any::<bool>(),
    ) {
        let paging = sized(size.into());
        let mut sweep = Sweep::new(&paging, RowLimit::Unknown);
        let mut requests = 0;
        loop {
            requests += 1;
            prop_assert!(requests < 200, "it never ends");
            let query: HashMap<String, String> = sweep.ask().query.into_iter().collect();
            let start = query.get("startIndex").map_or(0, |start| start.parse::<u32>().unwrap() - 1);
            let start = query.get("cursor").map_or(start, |cursor| cursor.parse().unwrap());
            let start = if ignores { 0 } else { start.min(rows) };
            let end = (start + size.min(clamp)).min(rows);
            let mut rest = total(if lies { end - start } else { rows });
            if by_cursor && end < rows {
                rest["next"] = end.to_string().into();
            }
            if sweep.take(page(start..end, rest)) == Follow::Done {
                break;
            }
        }
        let (seen, verdict) = sweep.finish();
        // A small page whose total is its own size is what the end of a list looks like: [`Totals::Unsaid`] is for that.
        let undetectable = lies && clamp < size && !by_cursor;
        if verdict == Verdict::Complete && !undetectable {
            prop_assert_eq!(seen.len() as u32, rows);
        }
    }
}
