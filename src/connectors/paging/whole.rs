//! Whether a list that was read is whole, and if not, why.

use super::{Cursor, Paging, cursor::is_usual_size};
use crate::{connectors::row_limit::RowLimit, model::grouped};

/// Empty pages in a row that still promise more. A filter may empty some; an app that goes on like this has no end.
pub(super) const EMPTY_PAGES: u64 = 10;

/// Bytes that all pages of a list may have. Rows of the most talkative servers have 4 KiB, so that this is 130,000 of them; what
/// is read takes several times as much memory.
pub(super) const LARGEST_LIST: u64 = 512 << 20;

/// What totals are worth.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::connectors) enum Totals {
    /// The app says none, or none that is believed.
    Unsaid,
    /// The app says one, but it may be no more than the size of the page.
    Guessed,
    /// The app says the true one on some page at least, under this name.
    Stated(String),
}

/// What a reading of a list is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Everything was seen.
    Complete,
    /// The list changed while it was read. Reading it again may help.
    Moved(String),
    /// The app does not page as it should. Reading it again does not help.
    Broken(String),
}

/// What a reading came across that bears on whether it saw everything.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Different rows.
    pub(super) seen: u64,
    /// Rows received, repeated ones included.
    pub(super) received: u64,
    /// Bytes received.
    pub(super) bytes: u64,
    pub(super) pages: u64,
    /// What the first row without an identity lacks.
    pub(super) lacks: Option<String>,
    /// Why the reading ended before its list, if it did.
    pub(super) fault: Option<Fault>,
    /// What the last page says about missing rows.
    pub(super) cut_off: Option<String>,
    /// The first page that repeats some rows, and how many.
    pub(super) repeated: Option<(u64, u64)>,
    /// The total that the last page which has one says.
    pub(super) total: Option<u64>,
    /// The first page whose total is not that of the page before, and both.
    pub(super) total_moved: Option<(u64, u64, u64)>,
    /// A page has no total, or one that is not the size of the page.
    pub(super) total_is_none_of_page: bool,
    /// What may be the total, at its highest.
    pub(super) promised: u64,
    /// Some page has a place for the way to the next one.
    pub(super) has_next: bool,
    /// What looks on the last page as if there were more.
    pub(super) hint: Option<String>,
}

/// Why a reading ended before its list.
#[derive(Debug)]
pub(super) enum Fault {
    /// This page has nothing new.
    Repeats(u64),
    /// Pages go on and stay empty.
    Empty,
    /// A page leads to one that was read.
    Circle,
    /// The first page is full, with so many rows, and no answer had a place for the way to the next one.
    Unnamed(u64),
    /// So many rows came, which are more than the list may have.
    TooManyRows(u64, RowLimit),
    /// So many bytes came.
    TooLarge(u64),
    /// Hardly any rows come, page after page.
    Trickles { received: u64, pages: u64 },
}

/// Judges whether a reading saw the whole list.
///
/// A fault of the app outweighs a list that moved, because reading again does not help. Of several reasons the one that was
/// found first counts: the others follow from it.
pub(super) fn judge(facts: &Facts, paging: &Paging) -> Verdict {
    let totals = &paging.totals;
    if let Some(why) = broken(facts, totals) {
        return Verdict::Broken(why);
    }
    match moved(facts, totals) {
        None => Verdict::Complete,
        // What does not come at once does not come the next time either.
        Some(why) if paging.is_at_once() => Verdict::Broken(format!("{why}; say under `page` how the list goes on")),
        Some(why) => Verdict::Moved(why),
    }
}

/// Why a list that was read to its end may go on all the same.
pub(super) fn doubt(facts: &Facts, paging: &Paging) -> Option<String> {
    const NEXT: &str = "say under `page` how it goes on, or write `page: none` where it comes whole";
    let undeclared = paging.cursor == Cursor::Undeclared;
    let hint = facts.hint.as_ref().filter(|_| undeclared || (paging.is_given() && !facts.has_next));
    let hint = hint.map(|sign| format!("`{sign}` in the answer looks as if the list went on; {NEXT}"));
    let usual = undeclared && is_usual_size(facts.received);
    hint.or_else(|| {
        usual.then(|| format!("exactly {} rows came, which may be no more than a page; {NEXT}", facts.received))
    })
}

fn broken(facts: &Facts, totals: &Totals) -> Option<String> {
    let fault = || {
        Some(match facts.fault.as_ref()? {
            Fault::Repeats(page) => format!("page {page} repeats rows that came before and has no others"),
            Fault::Empty => format!("{EMPTY_PAGES} empty pages in a row promise more"),
            Fault::Circle => "a page points back to one that was read".into(),
            Fault::Unnamed(rows) => format!(
                "{rows} rows came, as many as a page has, and no answer had a place for the way to the next one; check \
                 where it is looked for"
            ),
            Fault::TooManyRows(rows, limit) => format!("{} rows came, and {limit}", grouped(*rows)),
            Fault::TooLarge(bytes) => {
                let most = LARGEST_LIST >> 20;
                format!(
                    "{} MiB came, and rosterd reads {most} MiB of one list; ask the app for smaller rows",
                    bytes >> 20
                )
            }
            Fault::Trickles { received, pages } => {
                let (received, pages) = (grouped(*received), grouped(*pages));
                format!(
                    "{pages} pages had {received} rows in all; rosterd reads no further, since such a list may never end"
                )
            }
        })
    };
    // An empty page without its total is what a broken answer looks like, and an empty app is what it would mean.
    let unsaid = || match totals {
        Totals::Stated(name) if facts.total.is_none() => Some(format!("no page said `{name}`")),
        _ => None,
    };
    facts.lacks.clone().or_else(fault).or_else(|| facts.cut_off.clone()).or_else(unsaid)
}

fn moved(facts: &Facts, totals: &Totals) -> Option<String> {
    let (seen, stated) = (facts.seen, matches!(totals, Totals::Stated(_)));
    // Over several pages, totals that are page sizes add up to what was received, and say nothing.
    let guessed = *totals == Totals::Guessed && (facts.total_is_none_of_page || facts.pages == 1);
    let total = facts.total.filter(|total| (stated || guessed) && *total != seen);
    let changed = facts.total_moved.filter(|_| stated || guessed);
    // What a guessed total is worth shows only at the end.
    let repeated = facts.repeated.filter(|(page, _)| !changed.is_some_and(|(at, ..)| stated && at <= *page));
    let repeated = || repeated.map(|(_, rows)| format!("{rows} rows came twice: the list moved while it was read"));
    let changed = || changed.map(|(_, old, new)| format!("the total went from {old} to {new} while the list was read"));
    let short = || {
        let all = total.or(Some(facts.promised).filter(|promised| *promised > seen))?;
        Some(format!("{seen} of {all} rows were seen"))
    };
    repeated().or_else(changed).or_else(short)
}
