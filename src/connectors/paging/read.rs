//! Reading a list: page by page to its end, and again where it moved meanwhile or the way to a page became too old, but never
//! endlessly.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::Value;

use super::{
    Ask, Page, Paging, Row,
    sweep::{Follow, Sweep},
    whole::Verdict,
};
use crate::{
    connectors::{
        Error, Listing,
        row_limit::{ListName, RowLimits},
    },
    model::Coverage,
};

/// How often a list that moves under the reader, or whose tokens become too old, is read before it is called incomplete.
const SWEEPS: u32 = 3;

/// A list of an app: what a connector gives to the engine.
#[async_trait]
pub(in crate::connectors) trait Pages: Send + Sync {
    /// How its pages follow each other.
    fn paging(&self) -> &Paging;

    /// Which list it is, for how long it may be.
    fn name(&self) -> ListName;

    /// The limits of the app's lists, which learn from each complete reading.
    fn limits(&self) -> &RowLimits;

    /// Its name in a reason: `GET /users`.
    fn line(&self) -> String;

    /// Sends the question for one page.
    ///
    /// # Errors
    /// When no answer came, or none that is a page.
    async fn page(&self, ask: &Ask) -> Result<Answered, Error>;

    /// Whether this row is all that is sought, so that no further page is needed.
    fn enough(&self, _row: &Value) -> bool {
        false
    }

    /// Takes in why a list that was read to its end may go on all the same.
    fn doubt(&self, _why: &str) {}

    /// Changes the list so that it asks for less, after the app refused its very first page. Says whether there was anything
    /// left to give up.
    async fn concede(&mut self, _refusal: &Error) -> bool {
        false
    }
}

/// What an app answers to the question for a page.
#[derive(Debug)]
pub(in crate::connectors) enum Answered {
    Page(Page),
    /// The way to the page is too old, as this reason says: the list is read again from its start.
    Expired(String),
}

/// How a sweep ended.
enum Ended {
    /// With the last page.
    Last,
    /// With the one row that was sought.
    Enough(Value),
    /// The way to a page was too old.
    Expired(String),
    /// The first page failed.
    AtStart(Error),
    /// A later page failed.
    Midway(Error),
}

/// Reads a list to its end.
///
/// # Errors
/// When not even the first page came. A list that breaks off later is incomplete.
pub(in crate::connectors) async fn read(pages: &mut impl Pages) -> Result<Listing<Value>, Error> {
    // Rows of all sweeps, the newest sight of each: where a list moves, one sweep misses what the next sees.
    let mut seen: BTreeMap<String, Value> = BTreeMap::new();
    let mut reason = String::new();
    let mut round = 0;
    let name = pages.name();
    while round < SWEEPS {
        let mut sweep = Sweep::new(pages.paging(), pages.limits().limit(&name));
        let ended = run(&*pages, &mut sweep).await;
        let doubt = sweep.doubt();
        let (rows, verdict) = sweep.finish();
        let (why, again) = match (ended, verdict) {
            (Ended::Enough(row), _) => return Ok(Listing::complete(vec![row])),
            (Ended::Last, Verdict::Complete) => {
                doubt.iter().for_each(|why| pages.doubt(why));
                pages.limits().learn(name, rows.len() as u64);
                return Ok(Listing::complete(rows.into_iter().map(|row| row.value).collect()));
            }
            (Ended::AtStart(refusal), _) if round == 0 => {
                if pages.concede(&refusal).await {
                    continue;
                }
                return Err(refusal);
            }
            (Ended::Last, Verdict::Moved(why)) | (Ended::Expired(why), _) => (why, true),
            (Ended::Last, Verdict::Broken(why)) => (why, false),
            (Ended::AtStart(error) | Ended::Midway(error), _) => (error.to_string(), false),
        };
        seen.extend(rows.into_iter().filter_map(|Row { key, value }| Some((key.ok()?, value))));
        reason = why;
        round = if again { round + 1 } else { SWEEPS };
    }
    let reason = format!("{}: {reason}", pages.line());
    Ok(Listing { rows: seen.into_values().collect(), coverage: Coverage::Incomplete(reason) })
}

/// Reads page after page, once.
async fn run(pages: &impl Pages, sweep: &mut Sweep<'_>) -> Ended {
    loop {
        let page = match pages.page(&sweep.ask()).await {
            Ok(Answered::Page(page)) => page,
            Ok(Answered::Expired(why)) => return Ended::Expired(why),
            Err(error) if sweep.at_start() => return Ended::AtStart(error),
            Err(error) => return Ended::Midway(error),
        };
        if let Some(found) = page.rows.iter().find(|row| pages.enough(&row.value)) {
            return Ended::Enough(found.value.clone());
        }
        if sweep.take(page) == Follow::Done {
            return Ended::Last;
        }
    }
}
