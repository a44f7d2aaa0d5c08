//! One reading of a list: pages in, the next question out.

use std::collections::{BTreeSet, HashSet};

use super::{
    Ask, Cursor, Page, Paging, Row, Totals,
    whole::{EMPTY_PAGES, Facts, Fault, LARGEST_LIST, Verdict, doubt, judge},
};
use crate::connectors::row_limit::RowLimit;

/// So many pages may have few rows. A list of a million rows in pages of a hundred takes ten thousand pages.
const PATIENT_PAGES: u64 = 1_000;

/// After those, pages with fewer rows on average are no way to read a list.
const ROWS_A_PAGE: u64 = 5;

/// What to do after a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follow {
    More,
    Done,
}

/// One reading of a list.
#[derive(Debug)]
pub(super) struct Sweep<'a> {
    paging: &'a Paging,
    limit: RowLimit,
    rows: Vec<Row>,
    keys: HashSet<String>,
    /// Rows on the first page.
    first: u64,
    empty_pages: u64,
    /// The way to the next page that the last page gave.
    given: Option<String>,
    used: BTreeSet<String>,
    /// Rows of the one page that came, while a smaller page is asked for to tell whether it is everything.
    probing: Option<u64>,
    facts: Facts,
}

impl<'a> Sweep<'a> {
    pub(super) fn new(paging: &'a Paging, limit: RowLimit) -> Self {
        Self {
            paging,
            limit,
            rows: Vec::new(),
            keys: HashSet::new(),
            first: 0,
            empty_pages: 0,
            given: None,
            used: BTreeSet::new(),
            probing: None,
            facts: Facts::default(),
        }
    }

    /// Whether no page was taken in yet.
    pub(super) fn at_start(&self) -> bool {
        self.facts.pages == 0
    }

    /// The question for the next page.
    pub(super) fn ask(&self) -> Ask {
        match self.probing {
            Some(all) => self.paging.ask_for_first(all - 1),
            None => self.paging.ask(self.facts.pages, self.facts.received, self.given.as_deref()),
        }
    }

    /// Takes in a page.
    pub(super) fn take(&mut self, mut page: Page) -> Follow {
        if let Some(all) = self.probing {
            self.tell(&page, all);
            return Follow::Done;
        }
        let before = self.facts.seen;
        let received = page.rows.len() as u64;
        for row in std::mem::take(&mut page.rows) {
            self.row(row);
        }
        self.facts.received += received;
        self.facts.pages += 1;
        if self.facts.pages == 1 {
            self.first = received;
        }
        self.empty_pages = if received == 0 { self.empty_pages + 1 } else { 0 };
        self.totals(&page, received);
        self.facts.has_next |= page.has_next;
        self.facts.hint = page.hint.take();
        self.facts.bytes += page.bytes;
        let cut_off = page.cut_off.take();
        let follow = match self.too_long() {
            Some(fault) => self.fail(fault),
            None if self.paging.is_at_once() => Follow::Done,
            None => self.follow(page, received, before),
        };
        // A page that leads on may well say that there is more.
        self.facts.cut_off = cut_off.filter(|_| follow == Follow::Done);
        follow
    }

    /// Why no more is read, however the list goes on.
    fn too_long(&self) -> Option<Fault> {
        let Facts { received, pages, bytes, .. } = self.facts;
        // Who asks for tiny pages gets them.
        let few = self.paging.max.map_or(ROWS_A_PAGE, |asked| ROWS_A_PAGE.min(asked / 2));
        if received > self.limit.rows() {
            return Some(Fault::TooManyRows(received, self.limit));
        }
        if bytes > LARGEST_LIST {
            return Some(Fault::TooLarge(bytes));
        }
        (pages > PATIENT_PAGES && received < pages.saturating_mul(few)).then_some(Fault::Trickles { received, pages })
    }

    fn row(&mut self, row: Row) {
        let is_new = match &row.key {
            Ok(key) => self.keys.insert(key.clone()),
            // It may be any row, so that it counts as one of its own.
            Err(lacks) => {
                self.facts.lacks.get_or_insert_with(|| lacks.clone());
                true
            }
        };
        if is_new {
            self.rows.push(row);
            self.facts.seen += 1;
        }
    }

    fn totals(&mut self, page: &Page, received: u64) {
        let facts = &mut self.facts;
        facts.total_is_none_of_page |= page.total != Some(received);
        if let (Some(old), Some(new), None) = (facts.total, page.total, facts.total_moved)
            && old != new
        {
            facts.total_moved = Some((facts.pages, old, new));
        }
        facts.total = page.total.or(facts.total);
        facts.promised = facts.promised.max(page.at_least.unwrap_or(0));
    }

    /// What follows a page with `received` rows, `before` which others had come.
    fn follow(&mut self, page: Page, received: u64, before: u64) -> Follow {
        let paging = self.paging;
        let repeated = received - (self.facts.seen - before);
        if received > 0 && repeated == received {
            return self.nothing_new(&page, received, before);
        }
        if repeated > 0 {
            self.facts.repeated.get_or_insert((self.facts.pages, repeated));
        }
        if self.empty_pages == EMPTY_PAGES {
            return self.fail(Fault::Empty);
        }
        if let Some(next) = page.next.filter(|_| !paging.is_counted()) {
            if !self.used.insert(next.clone()) {
                return self.fail(Fault::Circle);
            }
            self.given = Some(next);
            return Follow::More;
        }
        if paging.is_given() && !self.facts.has_next && page.total != Some(received) && paging.fills_a_page(received) {
            return self.unnamed(received);
        }
        let done = self.given.is_some() || paging.is_given() || received == 0 || self.looks_last(received);
        if done { Follow::Done } else { Follow::More }
    }

    /// What follows a full page that has no place for the way to the next one, which may be called otherwise.
    fn unnamed(&mut self, received: u64) -> Follow {
        if self.paging.size.is_none() || received < 2 {
            return self.fail(Fault::Unnamed(received));
        }
        self.probing = Some(received);
        Follow::More
    }

    /// Whether a counted page with rows ends its list.
    fn looks_last(&self, received: u64) -> bool {
        let (facts, paging) = (&self.facts, self.paging);
        // An app that makes pages smaller than were asked for makes them of a round size.
        let may_be_cut = facts.pages > 1 || is_round(received);
        // And it makes them all alike.
        let is_full = (may_be_cut && received == self.first)
            || paging.max.is_some_and(|max| received >= max)
            || paging.default == Some(received);
        let short = paging.ends_short && !is_full && facts.promised <= facts.received;
        let believed = match paging.totals {
            Totals::Unsaid => false,
            // A total that is the size of a page which may be full is perhaps no more than that: one more page tells.
            Totals::Guessed => facts.total_is_none_of_page || !(paging.max == Some(received) || may_be_cut),
            Totals::Stated(_) => true,
        };
        short || (believed && facts.total.is_some_and(|total| facts.received >= total))
    }

    /// What follows a page that has no new row.
    fn nothing_new(&mut self, page: &Page, received: u64, before: u64) -> Follow {
        let facts = &self.facts;
        // An app that pages by token alone gives its first page for any row. Was that page everything?
        let same = facts.pages == 2 && received == before && received > 1;
        let whole = page.total.is_none_or(|total| total == received);
        let clean = facts.lacks.is_none() && facts.repeated.is_none();
        if same && whole && clean && matches!(self.paging.cursor, Cursor::Either { .. }) {
            self.probing = Some(received);
            return Follow::More;
        }
        self.fail(Fault::Repeats(facts.pages))
    }

    /// Tells from a smaller page whether the one page that came is all `all` rows. By a token, or a total beyond
    /// the page, the app says that there is more than so many; on its first page it said neither.
    fn tell(&mut self, page: &Page, all: u64) {
        let tells = (page.rows.len() as u64) < all && (page.next.is_some() || page.total == Some(all));
        let known = page.rows.iter().all(|row| row.key.as_ref().is_ok_and(|key| self.keys.contains(key)));
        if !tells || !known {
            let fault = if self.paging.is_given() { Fault::Unnamed(all) } else { Fault::Repeats(self.facts.pages) };
            self.fail(fault);
        }
    }

    fn fail(&mut self, fault: Fault) -> Follow {
        self.facts.fault = Some(fault);
        Follow::Done
    }

    /// What was seen, in the order of the app, and what it is worth.
    pub(super) fn finish(self) -> (Vec<Row>, Verdict) {
        (self.rows, judge(&self.facts, self.paging))
    }

    /// Why the list may go on all the same after what looks like its end.
    pub(super) fn doubt(&self) -> Option<String> {
        doubt(&self.facts, self.paging)
    }
}

/// Whether so many rows look like a limit that somebody set.
fn is_round(rows: u64) -> bool {
    rows.is_multiple_of(10) || rows.is_multiple_of(25)
}
