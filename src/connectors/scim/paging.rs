//! Following a list to its end and judging whether that was all. Pure: pages in, the next query out.
//!
//! The first page is asked for without saying how: a server that pages by cursor answers with the next cursor, which is
//! followed, and any other starts at the first row.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::attribute::{count, get, text};

/// Empty pages in a row that still promise more. Rights may empty some; a server that goes on like this has no end.
const EMPTY_PAGES: u32 = 10;

/// What marks an answer as a list, whatever else it lacks.
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// How pages are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paging {
    /// As the server likes it.
    Auto,
    /// By the number of the first row.
    Index,
    /// By a cursor that each page gives.
    Cursor,
}

/// What to do after a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follow {
    More,
    Done,
}

/// What a sweep over a list is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Everything was seen.
    Complete,
    /// The list changed while it was read. Reading it again may help.
    Moved(String),
    /// The server does not page as it should. Reading it again does not help.
    Broken(String),
}

/// One reading of a list.
#[derive(Debug)]
pub(super) struct Sweep {
    paging: Paging,
    /// The page size to ask for; none: the server's own.
    size: Option<u32>,
    /// The server's totals say how many rows there are. Otherwise only an empty page ends the list.
    trust_totals: bool,
    rows: Vec<Value>,
    seen: HashMap<String, usize>,
    /// Rows received, repeated ones included.
    received: u64,
    pages: u64,
    empty_pages: u32,
    totals: Totals,
    cursor: Option<String>,
    used: BTreeSet<String>,
    /// Rows of the one page that comes whatever row is asked for, while a smaller page is asked for to tell what it is.
    probing: Option<u64>,
    trouble: Option<Verdict>,
}

/// What the pages said about the number of rows.
#[derive(Debug, Default)]
struct Totals {
    last: Option<u64>,
    /// The first two that disagree.
    moved: Option<(u64, u64)>,
    /// So far every page gave its own size as the total, as some servers do.
    are_page_sizes: bool,
}

impl Sweep {
    pub(super) fn new(paging: Paging, size: Option<u32>, trust_totals: bool) -> Self {
        Self {
            paging,
            size,
            trust_totals,
            rows: Vec::new(),
            seen: HashMap::new(),
            received: 0,
            pages: 0,
            empty_pages: 0,
            totals: Totals { are_page_sizes: true, ..Totals::default() },
            cursor: None,
            used: BTreeSet::new(),
            probing: None,
            trouble: None,
        }
    }

    /// The query of the next page.
    pub(super) fn query(&self) -> Vec<(String, String)> {
        let pair = |name: &str, value: String| (name.to_owned(), value);
        if let Some(all) = self.probing {
            return vec![pair("count", (all - 1).to_string())];
        }
        let mut query = Vec::new();
        match (&self.cursor, self.paging) {
            (Some(cursor), _) => query.push(pair("cursor", cursor.clone())),
            (None, Paging::Cursor) => query.push(pair("cursor", String::new())),
            (None, Paging::Auto) if self.pages == 0 => {}
            (None, Paging::Auto | Paging::Index) => query.push(pair("startIndex", (self.received + 1).to_string())),
        }
        query.extend(self.size.map(|size| pair("count", size.to_string())));
        query
    }

    /// Takes in a page.
    ///
    /// # Errors
    /// When it is not a page at all.
    pub(super) fn take(&mut self, body: &mut Value) -> Result<Follow, String> {
        let total = get(body, "totalResults").and_then(count);
        let next = text(get(body, "nextCursor")).filter(|_| self.paging != Paging::Index);
        let page = match get(body, "Resources") {
            Some(Value::Array(rows)) => rows.clone(),
            // Nothing found, and some servers leave the list out then.
            None | Some(Value::Null) if total.is_some() || is_list(body) => Vec::new(),
            None | Some(Value::Null) => return Err("the answer has no `Resources`".into()),
            Some(_) => return Err("`Resources` in the answer is not a list".into()),
        };
        let received = page.len() as u64;
        if let Some(all) = self.probing {
            // By a cursor, or a total beyond the page, the server says that there is more than so many; on its first page it
            // said neither.
            let tells = received < all && (next.is_some() || total == Some(all));
            let known = page.iter().all(|row| text(get(row, "id")).is_some_and(|id| self.seen.contains_key(&id)));
            if !tells || !known {
                self.blame(repeats(2));
            }
            return Ok(Follow::Done);
        }
        let before = self.rows.len();
        for row in page {
            self.row(row);
        }
        let repeated = received - (self.rows.len() - before) as u64;
        self.received += received;
        self.pages += 1;
        self.empty_pages = if received == 0 { self.empty_pages + 1 } else { 0 };
        self.totals.take(total, received);

        if received > 0 && repeated == received {
            // A server that pages by cursor alone gives its first page for any row. Was that page everything?
            let same = self.pages == 2 && received == before as u64 && received > 1;
            let whole = total.is_none_or(|total| total == received);
            if same && whole && self.paging == Paging::Auto && self.trouble.is_none() {
                self.probing = Some(received);
                return Ok(Follow::More);
            }
            self.blame(repeats(self.pages));
            return Ok(Follow::Done);
        }
        if repeated > 0 {
            self.blame(Verdict::Moved(format!("{repeated} rows came twice: the list moved while it was read")));
        }
        if self.empty_pages == EMPTY_PAGES {
            self.blame(Verdict::Broken(format!("{EMPTY_PAGES} empty pages in a row promise more")));
            return Ok(Follow::Done);
        }
        Ok(self.follow(received, next))
    }

    fn follow(&mut self, received: u64, next: Option<String>) -> Follow {
        if let Some(next) = next {
            if !self.used.insert(next.clone()) {
                self.blame(Verdict::Broken("a page points back to one that was read".into()));
                return Follow::Done;
            }
            self.cursor = Some(next);
            return Follow::More;
        }
        if self.cursor.is_some() || self.paging == Paging::Cursor || received == 0 {
            return Follow::Done;
        }
        let full = self.size.is_some_and(|size| received == u64::from(size));
        // A total that is the size of a page which may be full is perhaps no more than that: one more page tells. A server
        // that makes pages smaller than were asked for makes them of a round size.
        let may_go_on = full || self.pages > 1 || is_round(received);
        let doubtful = !self.trust_totals || (self.totals.are_page_sizes && may_go_on);
        let reached = self.totals.last.is_some_and(|total| self.received >= total);
        if reached && !doubtful { Follow::Done } else { Follow::More }
    }

    fn row(&mut self, row: Value) {
        let key = text(get(&row, "id")).unwrap_or_else(|| {
            self.blame(Verdict::Broken("a row has no `id`".into()));
            // Kept apart from every other, so that it counts.
            format!("\0{}", self.rows.len())
        });
        if !self.seen.contains_key(&key) {
            self.seen.insert(key, self.rows.len());
            self.rows.push(row);
        }
    }

    /// Broken outweighs moved, and what was found first outweighs what followed from it.
    fn blame(&mut self, trouble: Verdict) {
        match (&self.trouble, &trouble) {
            (None, _) | (Some(Verdict::Moved(_)), Verdict::Broken(_)) => self.trouble = Some(trouble),
            _ => {}
        }
    }

    /// Whether no page was taken in yet.
    pub(super) fn at_start(&self) -> bool {
        self.pages == 0
    }

    /// Whether the next page is asked for by a cursor, which may have expired.
    pub(super) fn by_cursor(&self) -> bool {
        self.cursor.is_some()
    }

    /// What was seen, in the order of the server, and what it is worth.
    pub(super) fn finish(mut self) -> (Vec<Value>, Verdict) {
        let seen = self.rows.len() as u64;
        // Over several pages, totals that are page sizes add up to what was received, and say nothing.
        let meaningful = self.trust_totals && !(self.totals.are_page_sizes && self.pages > 1);
        if meaningful {
            if let Some((old, new)) = self.totals.moved {
                self.blame(Verdict::Moved(format!("the total went from {old} to {new} while the list was read")));
            }
            if let Some(total) = self.totals.last.filter(|total| *total != seen) {
                self.blame(Verdict::Moved(format!("{seen} of {total} rows were seen")));
            }
        }
        (self.rows, self.trouble.unwrap_or(Verdict::Complete))
    }
}

fn repeats(page: u64) -> Verdict {
    Verdict::Broken(format!("page {page} repeats rows that came before and has no others"))
}

impl Totals {
    fn take(&mut self, total: Option<u64>, received: u64) {
        self.are_page_sizes &= total == Some(received);
        if let (Some(old), Some(new)) = (self.last, total)
            && old != new
            && self.moved.is_none()
        {
            self.moved = Some((old, new));
        }
        self.last = total.or(self.last);
    }
}

/// Whether so many rows look like a limit that somebody set.
fn is_round(rows: u64) -> bool {
    rows.is_multiple_of(10) || rows.is_multiple_of(25)
}

fn is_list(body: &Value) -> bool {
    let schemas = get(body, "schemas").and_then(Value::as_array);
    schemas.into_iter().flatten().filter_map(Value::as_str).any(|schema| schema.eq_ignore_ascii_case(LIST))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn page(ids: std::ops::Range<u32>, rest: Value) -> Value {
        let mut page =
            json!({"schemas": [LIST], "Resources": ids.map(|id| json!({"id": id.to_string()})).collect::<Vec<_>>()});
        page.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        page
    }

    fn total(total: u32) -> Value {
        json!({"totalResults": total})
    }

    fn sweep(paging: Paging) -> Sweep {
        Sweep::new(paging, Some(2), true)
    }

    /// Feeds pages; checks the queries that were asked, how many rows were seen, and the verdict.
    fn check(mut sweep: Sweep, pages: Vec<Value>, queries: &[&str], rows: usize, verdict: &str) {
        let mut asked = Vec::new();
        for mut page in pages {
            let query: Vec<_> = sweep.query().iter().map(|(name, value)| format!("{name}={value}")).collect();
            asked.push(query.join("&"));
            if sweep.take(&mut page).unwrap() == Follow::Done {
                break;
            }
        }
        let (seen, judged) = sweep.finish();
        let judged = match judged {
            Verdict::Complete => "complete".into(),
            Verdict::Moved(why) => format!("moved: {why}"),
            Verdict::Broken(why) => format!("broken: {why}"),
        };
        assert_eq!(
            (asked, seen.len(), judged.as_str()),
            (queries.iter().map(|&q| q.to_owned()).collect(), rows, verdict)
        );
    }

    #[test]
    fn rows_are_counted_from_one_and_by_what_came() {
        let pages = vec![page(0..2, total(4)), page(2..3, total(4)), page(3..4, total(4))];
        check(sweep(Paging::Auto), pages, &["count=2", "startIndex=3&count=2", "startIndex=4&count=2"], 4, "complete");
        let pages = vec![page(0..2, total(3)), page(2..3, total(3))];
        check(sweep(Paging::Index), pages, &["startIndex=1&count=2", "startIndex=3&count=2"], 3, "complete");
    }

    #[test]
    fn an_empty_list_takes_one_page_with_or_without_resources() {
        check(sweep(Paging::Auto), vec![page(0..0, total(0))], &["count=2"], 0, "complete");
        check(sweep(Paging::Auto), vec![json!({"totalResults": 0})], &["count=2"], 0, "complete");
        check(sweep(Paging::Auto), vec![json!({"schemas": [LIST]})], &["count=2"], 0, "complete");
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for mut body in [json!({}), json!([]), json!({"Resources": {}}), json!({"detail": "sign in"}), json!("x")] {
            assert!(sweep(Paging::Auto).take(&mut body).is_err(), "{body}");
        }
    }

    #[test]
    fn totals_written_as_texts_count() {
        let pages = vec![page(0..2, json!({"totalResults": "3"})), page(2..3, json!({"totalResults": "3"}))];
        check(sweep(Paging::Auto), pages, &["count=2", "startIndex=3&count=2"], 3, "complete");
    }

    #[test]
    fn without_totals_an_empty_page_ends_the_list() {
        let pages = vec![page(0..2, json!({})), page(2..3, json!({})), page(0..0, json!({}))];
        check(sweep(Paging::Auto), pages, &["count=2", "startIndex=3&count=2", "startIndex=4&count=2"], 3, "complete");
    }

    #[test]
    fn smaller_pages_than_asked_for_lose_nobody() {
        let pages = (0..3).map(|n| page(n..n + 1, total(3))).collect();
        check(sweep(Paging::Auto), pages, &["count=2", "startIndex=2&count=2", "startIndex=3&count=2"], 3, "complete");
    }

    #[test]
    fn a_total_that_is_the_size_of_a_full_page_is_not_believed() {
        let pages = vec![page(0..2, total(2)), page(2..3, total(1)), page(0..0, total(0))];
        check(sweep(Paging::Auto), pages, &["count=2", "startIndex=3&count=2", "startIndex=4&count=2"], 3, "complete");
        // It may also be true, and then the next page says so.
        let pages = vec![page(0..2, total(2)), page(0..0, total(2))];
        check(sweep(Paging::Auto), pages, &["count=2", "startIndex=3&count=2"], 2, "complete");
    }

    #[test]
    fn a_smaller_page_of_a_round_size_is_not_the_end_merely_because_its_total_says_so() {
        let sweep = || Sweep::new(Paging::Auto, Some(100), true);
        let pages = vec![page(0..10, total(10)), page(10..13, total(3)), page(0..0, total(0))];
        let queries = ["count=100", "startIndex=11&count=100", "startIndex=14&count=100"];
        check(sweep(), pages, &queries, 13, "complete");
        check(sweep(), vec![page(0..7, total(7))], &["count=100"], 7, "complete");
        check(sweep(), vec![page(0..10, total(10)), page(0..0, total(10))], &queries[..2], 10, "complete");
    }

    #[test]
    fn totals_that_are_not_trusted_do_not_end_a_list() {
        let sweep = Sweep::new(Paging::Auto, Some(5), false);
        let pages = vec![page(0..2, total(2)), page(2..4, total(2)), page(0..0, total(0))];
        check(sweep, pages, &["count=5", "startIndex=3&count=5", "startIndex=5&count=5"], 4, "complete");
    }

    #[test]
    fn an_ignored_start_index_ends_the_reading() {
        let same = page(0..2, total(6));
        let why = "broken: page 2 repeats rows that came before and has no others";
        check(sweep(Paging::Auto), vec![same.clone(), same], &["count=2", "startIndex=3&count=2"], 2, why);
    }

    #[test]
    fn one_page_that_comes_for_any_row_is_everything_when_a_smaller_one_promises_more() {
        let all = |rest: Value| vec![page(0..10, rest.clone()), page(0..10, rest)];
        let ask = |rest: Value, probe: Value, verdict: &str| {
            let pages = [all(rest), vec![probe]].concat();
            let queries = ["count=100", "startIndex=11&count=100", "count=9"];
            check(Sweep::new(Paging::Auto, Some(100), true), pages, &queries, 10, verdict);
        };
        let why = "broken: page 2 repeats rows that came before and has no others";
        ask(total(10), page(0..9, total(10)), "complete");
        ask(json!({}), page(0..9, json!({"nextCursor": "a"})), "complete");
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
        check(sweep(Paging::Auto), pages, &queries, 3, "moved: the total went from 4 to 3 while the list was read");
        let pages = vec![page(0..2, total(3)), page(1..3, total(3))];
        let why = "moved: 1 rows came twice: the list moved while it was read";
        check(sweep(Paging::Auto), pages, &queries, 3, why);
        let pages = vec![page(0..2, total(4)), page(0..0, total(4))];
        check(sweep(Paging::Auto), pages, &queries, 2, "moved: 2 of 4 rows were seen");
    }

    #[test]
    fn a_cursor_in_a_plain_answer_is_followed() {
        let next = |cursor: &str| json!({"nextCursor": cursor});
        let pages = vec![page(0..2, next("a")), page(2..2, next("b")), page(2..3, json!({}))];
        check(sweep(Paging::Auto), pages.clone(), &["count=2", "cursor=a&count=2", "cursor=b&count=2"], 3, "complete");
        let queries = ["cursor=&count=2", "cursor=a&count=2", "cursor=b&count=2"];
        check(sweep(Paging::Cursor), pages, &queries, 3, "complete");
    }

    #[test]
    fn cursors_are_never_followed_in_a_circle_nor_for_ever() {
        let next = |cursor: &str| json!({"nextCursor": cursor});
        let pages = vec![page(0..1, next("a")), page(1..2, next("a"))];
        let why = "broken: a page points back to one that was read";
        check(sweep(Paging::Auto), pages, &["count=2", "cursor=a&count=2"], 2, why);
        let pages: Vec<_> = (0..50).map(|n| page(0..0, next(&n.to_string()))).collect();
        let queries: Vec<String> =
            (0..10).map(|n| if n == 0 { "count=2".into() } else { format!("cursor={}&count=2", n - 1) }).collect();
        let queries: Vec<&str> = queries.iter().map(String::as_str).collect();
        check(sweep(Paging::Auto), pages, &queries, 0, "broken: 10 empty pages in a row promise more");
    }

    #[test]
    fn where_the_index_is_wanted_cursors_are_left_alone() {
        let pages = vec![page(0..2, json!({"totalResults": 3, "nextCursor": "a"})), page(2..3, total(3))];
        check(sweep(Paging::Index), pages, &["startIndex=1&count=2", "startIndex=3&count=2"], 3, "complete");
    }

    #[test]
    fn a_row_without_id_proves_no_absence() {
        let pages = vec![json!({"totalResults": 1, "Resources": [{"userName": "x"}]})];
        check(sweep(Paging::Auto), pages, &["count=2"], 1, "broken: a row has no `id`");
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
            let mut sweep = Sweep::new(Paging::Auto, Some(size), true);
            let mut requests = 0;
            loop {
                requests += 1;
                prop_assert!(requests < 200, "it never ends");
                let query: HashMap<String, String> = sweep.query().into_iter().collect();
                let start = query.get("startIndex").map_or(0, |start| start.parse::<u32>().unwrap() - 1);
                let start = query.get("cursor").map_or(start, |cursor| cursor.parse().unwrap());
                let start = if ignores { 0 } else { start.min(rows) };
                let end = (start + size.min(clamp)).min(rows);
                let mut rest = total(if lies { end - start } else { rows });
                if by_cursor && end < rows {
                    rest["nextCursor"] = end.to_string().into();
                }
                if sweep.take(&mut page(start..end, rest)).unwrap() == Follow::Done {
                    break;
                }
            }
            let (seen, verdict) = sweep.finish();
            // A small page whose total is its own size is what the end of a list looks like: `trust_totals` is for that.
            let undetectable = lies && clamp < size && !by_cursor;
            if verdict == Verdict::Complete && !undetectable {
                prop_assert_eq!(seen.len() as u32, rows);
            }
        }
    }
}
