//! Following a list to its end and judging whether that was all. Pure: pages in, the next query out.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::template::Dotted;

/// Empty pages in a row that still promise more. A filter may empty some; an app that goes on like this has no end.
const EMPTY_PAGES: u32 = 10;

/// How the pages of a list are asked for.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::connectors) struct Paging {
    pub(in crate::connectors) step: Step,
    /// The parameter that asks for a page size.
    pub(in crate::connectors) size: Option<String>,
    /// The page size to ask for.
    pub(in crate::connectors) max: u32,
    /// The page size of an app that ignores what is asked for.
    pub(in crate::connectors) default: Option<u32>,
    /// Where the answer says how many there are in all.
    pub(in crate::connectors) total: Option<Dotted>,
    /// Where the answer has a number that may be the total, or merely the length of the page.
    pub(in crate::connectors) at_least: Option<Dotted>,
    /// A page with fewer rows than asked for is the last one.
    pub(in crate::connectors) ends_short: bool,
}

/// How to get from one page to the next.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::connectors) enum Step {
    /// By the number of rows to skip.
    Offset { parameter: String },
    /// By the page's number.
    Number { parameter: String, first: u64 },
    /// By a token that each page gives.
    Token { parameter: String, next: Dotted },
    /// By a link that each page gives. Its query is used, its host never.
    Link { next: Dotted },
}

/// What to do after a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::connectors) enum Follow {
    More,
    Done,
}

/// What a sweep over a list is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::connectors) enum Verdict {
    /// Everything was seen.
    Complete,
    /// The list changed while it was read. Reading it again may help.
    Moved(String),
    /// The app does not page as it should. Reading it again does not help.
    Broken(String),
}

/// One reading of a list.
#[derive(Debug)]
pub(in crate::connectors) struct Sweep<'a> {
    paging: Option<&'a Paging>,
    items: &'a Dotted,
    /// Where a row's identity is.
    key: &'a Dotted,
    /// How the page at hand says that the app cut the list off.
    cut_off: Option<String>,
    rows: Vec<Value>,
    seen: HashMap<String, usize>,
    /// Rows received, repeated ones included.
    received: u64,
    /// Rows on the first page.
    first: usize,
    pages: u64,
    empty_pages: u32,
    total: Option<u64>,
    /// What may be the total, at its highest.
    promised: u64,
    next: Option<String>,
    used: BTreeSet<String>,
    trouble: Option<Verdict>,
}

impl<'a> Sweep<'a> {
    pub(in crate::connectors) fn new(paging: Option<&'a Paging>, items: &'a Dotted, key: &'a Dotted) -> Self {
        Self {
            paging,
            items,
            key,
            cut_off: None,
            rows: Vec::new(),
            seen: HashMap::new(),
            received: 0,
            first: 0,
            pages: 0,
            empty_pages: 0,
            total: None,
            promised: 0,
            next: None,
            used: BTreeSet::new(),
            trouble: None,
        }
    }

    /// Says of the page that is taken in next how it shows that the app cut the list off.
    pub(in crate::connectors) fn cut_off(&mut self, sign: String) {
        self.cut_off = Some(sign);
    }

    /// The query of the next page.
    pub(in crate::connectors) fn query(&self) -> Vec<(String, String)> {
        let Some(paging) = self.paging else { return Vec::new() };
        let mut query = Vec::new();
        match (&paging.step, &self.next) {
            (Step::Link { .. }, Some(link)) => {
                // The link repeats every parameter, the page size among them.
                let link = link.split_once('?').map_or("", |(_, query)| query).split('#').next().unwrap_or_default();
                return url::form_urlencoded::parse(link.as_bytes()).into_owned().collect();
            }
            (Step::Link { .. }, None) => {}
            (Step::Offset { parameter }, _) => query.push((parameter.clone(), self.received.to_string())),
            (Step::Number { parameter, first }, _) => query.push((parameter.clone(), (first + self.pages).to_string())),
            (Step::Token { parameter, .. }, token) => {
                query.extend(token.iter().map(|token| (parameter.clone(), token.clone())))
            }
        }
        query.extend(paging.size.iter().map(|size| (size.clone(), paging.max.to_string())));
        query
    }

    /// Takes in a page.
    ///
    /// # Errors
    /// When it is not a page at all.
    pub(in crate::connectors) fn take(&mut self, body: &mut Value) -> Result<Follow, String> {
        let number = |path: Option<&Dotted>| path.and_then(|path| path.get(body)?.as_u64());
        let total = number(self.paging.and_then(|paging| paging.total.as_ref()));
        let promised = number(self.paging.and_then(|paging| paging.at_least.as_ref()));
        let next = match self.paging.map(|paging| &paging.step) {
            Some(Step::Token { next, .. } | Step::Link { next }) => {
                next.get(body).and_then(Value::as_str).filter(|next| !next.is_empty()).map(str::to_owned)
            }
            _ => None,
        };
        let page = match self.items.get(body) {
            Some(Value::Array(_)) => self.items.take(body),
            Some(_) => return Err(format!("`{}` in the answer is not a list", self.items)),
            None => return Err(format!("the answer has no `{}`", self.items)),
        };
        let received = page.len();
        let before = self.rows.len();
        for row in page {
            self.row(row);
        }
        let repeated = received - (self.rows.len() - before);
        self.received += received as u64;
        self.pages += 1;
        if self.pages == 1 {
            self.first = received;
        }
        self.empty_pages = if received == 0 { self.empty_pages + 1 } else { 0 };

        if let (Some(old), Some(new)) = (self.total, total)
            && old != new
        {
            self.blame(Verdict::Moved(format!("the total went from {old} to {new} while the list was read")));
        }
        self.total = total.or(self.total);
        self.promised = self.promised.max(promised.unwrap_or(0));
        let follow = self.judge(received, repeated, next);
        if let (Some(sign), Follow::Done) = (self.cut_off.take(), follow) {
            self.blame(Verdict::Broken(format!("the app cut the list off: {sign}")));
        }
        Ok(follow)
    }

    /// What follows a page that was taken in.
    fn judge(&mut self, received: usize, repeated: usize, next: Option<String>) -> Follow {
        if self.paging.is_none() {
            return Follow::Done;
        }
        if received > 0 && repeated == received {
            self.blame(Verdict::Broken(format!("page {} repeats rows that came before and has no others", self.pages)));
            return Follow::Done;
        }
        if repeated > 0 {
            self.blame(Verdict::Moved(format!("{repeated} rows came twice: the list moved while it was read")));
        }
        if self.empty_pages == EMPTY_PAGES {
            self.blame(Verdict::Broken(format!("{EMPTY_PAGES} empty pages in a row promise more")));
            return Follow::Done;
        }
        self.follow(received, next)
    }

    fn follow(&mut self, received: usize, next: Option<String>) -> Follow {
        let Some(paging) = self.paging else { return Follow::Done };
        let done = match &paging.step {
            Step::Offset { .. } | Step::Number { .. } => {
                let full = [Some(paging.max), paging.default];
                // An app that makes pages smaller than were asked for makes them of a round size, and all alike.
                let may_be_cut = received == self.first && (self.pages > 1 || is_round(received));
                let is_full =
                    may_be_cut || received >= paging.max as usize || full.contains(&u32::try_from(received).ok());
                let short = paging.ends_short && !is_full && self.promised <= self.received;
                received == 0 || short || self.total.is_some_and(|total| self.received >= total)
            }
            Step::Token { .. } | Step::Link { .. } => match next {
                None => true,
                Some(next) => {
                    let repeated = !self.used.insert(next.clone());
                    if repeated {
                        self.blame(Verdict::Broken("a page points back to one that was read".into()));
                    }
                    self.next = Some(next);
                    repeated
                }
            },
        };
        if done { Follow::Done } else { Follow::More }
    }

    fn row(&mut self, row: Value) {
        let key = match self.key.get(&row) {
            Some(Value::String(key)) if !key.is_empty() => key.clone(),
            Some(Value::Number(key)) => key.to_string(),
            _ => {
                self.blame(Verdict::Broken(format!("a row has no `{}`", self.key)));
                // Kept apart from every other, so that it counts.
                format!("\0{}", self.rows.len())
            }
        };
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
    pub(in crate::connectors) fn at_start(&self) -> bool {
        self.pages == 0
    }

    /// What was seen, in the order of the app, and what it is worth.
    pub(in crate::connectors) fn finish(mut self) -> (Vec<Value>, Verdict) {
        let seen = self.rows.len() as u64;
        let declared = self.paging.and_then(|paging| paging.total.as_ref());
        match (self.total, declared) {
            (Some(total), _) if total != seen => {
                self.blame(Verdict::Moved(format!("{seen} of {total} rows were seen")));
            }
            // An empty page without its total is what a broken answer looks like, and an empty app is what it would mean.
            (None, Some(path)) => self.blame(Verdict::Broken(format!("no page said `{path}`"))),
            _ => {}
        }
        if self.promised > seen {
            self.blame(Verdict::Moved(format!("{seen} of {} rows were seen", self.promised)));
        }
        (self.rows, self.trouble.unwrap_or(Verdict::Complete))
    }
}

/// Whether so many rows look like a limit that somebody set.
fn is_round(rows: usize) -> bool {
    rows.is_multiple_of(10) || rows.is_multiple_of(25)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn dotted(text: &str) -> Dotted {
        text.to_owned().try_into().unwrap()
    }

    fn offset() -> Paging {
        Paging {
            step: Step::Offset { parameter: "offset".into() },
            size: Some("limit".into()),
            max: 2,
            default: None,
            total: Some(dotted("total")),
            at_least: None,
            ends_short: false,
        }
    }

    fn number() -> Paging {
        Paging { step: Step::Number { parameter: "page".into(), first: 1 }, total: None, ends_short: true, ..offset() }
    }

    fn token() -> Paging {
        Paging { step: Step::Token { parameter: "token".into(), next: dotted("next") }, total: None, ..offset() }
    }

    fn link() -> Paging {
        Paging { step: Step::Link { next: dotted("next") }, total: None, ..offset() }
    }

    fn page(ids: &[u32], rest: Value) -> Value {
        let mut page = json!({"data": ids.iter().map(|id| json!({"id": id})).collect::<Vec<_>>()});
        page.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        page
    }

    /// Feeds pages; checks the queries that were asked, the ids that were seen and the verdict.
    fn check(paging: &Paging, pages: Vec<Value>, queries: &[&str], ids: &[u64], verdict: &str) {
        let (items, key) = (dotted("data"), dotted("id"));
        let mut sweep = Sweep::new(Some(paging), &items, &key);
        let mut asked = Vec::new();
        for mut page in pages {
            let query: Vec<_> = sweep.query().iter().map(|(name, value)| format!("{name}={value}")).collect();
            asked.push(query.join("&"));
            if sweep.take(&mut page).unwrap() == Follow::Done {
                break;
            }
        }
        let (rows, judged) = sweep.finish();
        let seen: Vec<_> = rows.iter().map(|row| row["id"].as_u64().unwrap()).collect();
        assert_eq!(asked, queries);
        assert_eq!(seen, ids);
        let judged = match judged {
            Verdict::Complete => "complete".into(),
            Verdict::Moved(why) => format!("moved: {why}"),
            Verdict::Broken(why) => format!("broken: {why}"),
        };
        assert_eq!(judged, verdict);
    }

    #[test]
    fn offsets_advance_by_the_rows_that_came() {
        let pages =
            vec![page(&[1, 2], json!({"total": 4})), page(&[3], json!({"total": 4})), page(&[4], json!({"total": 4}))];
        let queries = ["offset=0&limit=2", "offset=2&limit=2", "offset=3&limit=2"];
        check(&offset(), pages, &queries, &[1, 2, 3, 4], "complete");
    }

    #[test]
    fn an_empty_list_takes_one_page() {
        check(&offset(), vec![page(&[], json!({"total": 0}))], &["offset=0&limit=2"], &[], "complete");
        check(&token(), vec![page(&[], json!({"next": ""}))], &["limit=2"], &[], "complete");
    }

    #[test]
    fn a_total_that_moves_or_disagrees_is_no_complete_reading() {
        let moved = vec![page(&[1, 2], json!({"total": 4})), page(&[4], json!({"total": 3}))];
        let queries = ["offset=0&limit=2", "offset=2&limit=2"];
        check(&offset(), moved, &queries, &[1, 2, 4], "moved: the total went from 4 to 3 while the list was read");
        let short = vec![page(&[1, 2], json!({"total": 3})), page(&[], json!({"total": 3}))];
        check(&offset(), short, &queries, &[1, 2], "moved: 2 of 3 rows were seen");
    }

    #[test]
    fn a_list_that_does_not_say_its_total_where_it_should_proves_no_absence() {
        check(&offset(), vec![page(&[], json!({}))], &["offset=0&limit=2"], &[], "broken: no page said `total`");
    }

    #[test]
    fn rows_that_come_twice_are_kept_once_and_told() {
        let pages = vec![page(&[1, 2], json!({"total": 4})), page(&[2, 3], json!({"total": 4}))];
        let why = "moved: 1 rows came twice: the list moved while it was read";
        check(&offset(), pages, &["offset=0&limit=2", "offset=2&limit=2"], &[1, 2, 3], why);
    }

    #[test]
    fn a_page_that_repeats_itself_ends_the_reading() {
        let same = page(&[1, 2], json!({}));
        let why = "broken: page 2 repeats rows that came before and has no others";
        check(&number(), vec![same.clone(), same], &["page=1&limit=2", "page=2&limit=2"], &[1, 2], why);
    }

    #[test]
    fn numbered_pages_end_with_a_short_one() {
        let pages = vec![page(&[1, 2], json!({})), page(&[3], json!({})), page(&[9], json!({}))];
        check(&number(), pages, &["page=1&limit=2", "page=2&limit=2"], &[1, 2, 3], "complete");
    }

    #[test]
    fn an_app_that_makes_smaller_pages_than_were_asked_for_is_followed_to_the_end() {
        let wide = Paging { max: 100, ..number() };
        let rows = |ids: std::ops::Range<u32>| page(&ids.collect::<Vec<_>>(), json!({}));
        let all: Vec<u64> = (0..23).collect();
        let queries = ["page=1&limit=100", "page=2&limit=100", "page=3&limit=100"];
        check(&wide, vec![rows(0..10), rows(10..20), rows(20..23)], &queries, &all, "complete");
        check(&wide, vec![rows(0..7)], &queries[..1], &all[..7], "complete");
        check(&wide, vec![rows(0..10), rows(0..0)], &queries[..2], &all[..10], "complete");
    }

    #[test]
    fn a_page_as_long_as_the_apps_own_default_is_not_taken_for_a_short_one() {
        let paging = Paging { max: 100, default: Some(2), ..number() };
        let pages = vec![page(&[1, 2], json!({})), page(&[3], json!({}))];
        check(&paging, pages, &["page=1&limit=100", "page=2&limit=100"], &[1, 2, 3], "complete");
    }

    #[test]
    fn a_number_that_may_be_the_total_leads_on_and_never_ends_the_reading() {
        let paging = Paging { at_least: Some(dotted("count")), max: 3, ..number() };
        let queries = ["page=1&limit=3", "page=2&limit=3"];
        // Here it is the total, and the app sends smaller pages than asked for.
        let pages = vec![page(&[1, 2], json!({"count": 3})), page(&[3], json!({"count": 3}))];
        check(&paging, pages, &queries, &[1, 2, 3], "complete");
        // Here it is the length of the page.
        let pages = vec![page(&[1, 2, 3], json!({"count": 3})), page(&[4], json!({"count": 1}))];
        check(&paging, pages, &queries, &[1, 2, 3, 4], "complete");
        let pages = vec![page(&[1, 2, 3], json!({"count": 9})), page(&[], json!({"count": 9}))];
        check(&paging, pages, &queries, &[1, 2, 3], "moved: 3 of 9 rows were seen");
    }

    #[test]
    fn a_list_that_the_app_cut_off_is_never_complete() {
        let (items, key) = (dotted("data"), dotted("id"));
        let judge = |paging: Option<&Paging>, pages: Vec<Value>| {
            let mut sweep = Sweep::new(paging, &items, &key);
            for mut page in pages {
                if page["truncated"] == true {
                    sweep.cut_off("it says `truncated: true`".into());
                }
                sweep.take(&mut page).unwrap();
            }
            sweep.finish().1
        };
        let cut = Verdict::Broken("the app cut the list off: it says `truncated: true`".into());
        assert_eq!(judge(None, vec![page(&[1], json!({"truncated": true}))]), cut);
        assert_eq!(judge(None, vec![page(&[1], json!({"truncated": false}))]), Verdict::Complete);
        // A page that leads on may well say that there is more.
        let pages = vec![page(&[1], json!({"truncated": true, "next": "?m=1"})), page(&[2], json!({"next": null}))];
        assert_eq!(judge(Some(&link()), pages), Verdict::Complete);
    }

    #[test]
    fn tokens_are_followed_to_the_end_and_never_twice() {
        let pages = vec![
            page(&[1], json!({"next": "t1"})),
            page(&[], json!({"next": "t2"})),
            page(&[2], json!({"next": null})),
        ];
        check(&token(), pages, &["limit=2", "token=t1&limit=2", "token=t2&limit=2"], &[1, 2], "complete");
        let pages = vec![page(&[1], json!({"next": "t1"})), page(&[2], json!({"next": "t1"}))];
        let why = "broken: a page points back to one that was read";
        check(&token(), pages, &["limit=2", "token=t1&limit=2"], &[1, 2], why);
    }

    #[test]
    fn fresh_tokens_on_empty_pages_do_not_go_on_for_ever() {
        let pages = (0..50).map(|i| page(&[], json!({"next": format!("t{i}")}))).collect();
        let queries: Vec<String> =
            (0..10).map(|i| if i == 0 { "limit=2".into() } else { format!("token=t{}&limit=2", i - 1) }).collect();
        let queries: Vec<&str> = queries.iter().map(String::as_str).collect();
        check(&token(), pages, &queries, &[], "broken: 10 empty pages in a row promise more");
    }

    #[test]
    fn of_a_link_only_the_query_is_used() {
        let next = json!({"next": "https://elsewhere.example/steal?marker=a%26b&limit=2#x"});
        let pages = vec![page(&[1], next), page(&[2], json!({}))];
        check(&link(), pages, &["limit=2", "marker=a&b&limit=2"], &[1, 2], "complete");
    }

    #[test]
    fn what_is_no_page_is_refused() {
        let (items, key) = (dotted("data"), dotted("id"));
        for mut body in [json!({}), json!({"data": null}), json!({"data": {"id": 1}}), json!([])] {
            assert!(Sweep::new(None, &items, &key).take(&mut body).is_err(), "{body}");
        }
    }

    #[test]
    fn a_row_without_identity_makes_the_reading_worthless_as_proof_of_absence() {
        let pages = vec![json!({"data": [{"name": "x"}], "total": 1})];
        let (items, key) = (dotted("data"), dotted("id"));
        let paging = offset();
        let mut sweep = Sweep::new(Some(&paging), &items, &key);
        for mut page in pages {
            assert_eq!(sweep.take(&mut page).unwrap(), Follow::Done);
        }
        assert_eq!(sweep.finish().1, Verdict::Broken("a row has no `id`".into()));
    }
}
