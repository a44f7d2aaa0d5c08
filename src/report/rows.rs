//! What the row of an action says, before any renderer dresses it. Terminal, Markdown and status page take their rows from
//! here, so that none of them hides what another one shows.

use super::{canvas::printable, wording};
use crate::model::{Action, Change, KnownAccount, Place, mixed_scripts};

/// How a word of a row is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// Nobody should miss it.
    Alarm,
    /// It takes something away.
    Removal,
}

/// A part of an action's row, behind whom it is about and what is done.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part<'a> {
    /// The live account, where it goes by another name than its person: `live as bot@example.com, id 17`.
    Live(&'a KnownAccount),
    /// In which group.
    Group(&'a str),
    /// A field, old and new.
    Field(&'a Change),
    /// Why it takes something away.
    Why(String),
    /// A word on it.
    Says(String, Tone),
}

/// Everything that a row says of an action: what must not be missed first.
pub(super) fn parts(action: &Action) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = action.live_as().map(Part::Live).into_iter().collect();
    parts.extend(look_alike(action).map(|text| Part::Says(text, Tone::Alarm)));
    parts.extend(wording::group(&action.name).map(Part::Group));
    parts.extend(wording::changes(action).into_iter().map(Part::Field));
    parts.extend(action.reason.as_ref().map(|reason| Part::Why(reason.to_string())));
    if action.gains_admin {
        parts.push(Part::Says("can administer".into(), Tone::Alarm));
    }
    if action.reduces_access && action.name.verb.sign() == "~" {
        parts.push(Part::Says("reduces access".into(), Tone::Removal));
    }
    if action.irreversible {
        parts.push(Part::Says("cannot be undone".into(), Tone::Alarm));
    }
    parts
}

/// A part of a row as a plain text made harmless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What it says.
    pub text: String,
    /// Whether nobody should miss it.
    pub is_grave: bool,
}

/// Everything that a row says of an action beside its name, for places where a row is one line.
pub fn said(action: &Action) -> Vec<Said> {
    let say = |part: Part<'_>| {
        let is_grave = matches!(part, Part::Live(_) | Part::Says(_, Tone::Alarm));
        let text = match part {
            Part::Live(account) => {
                let (address, id) = live(account);
                let address = address.map(|address| format!("{address}, ")).unwrap_or_default();
                format!("live as {address}id {id}")
            }
            Part::Group(_) => return None,
            Part::Field(change) => wording::change_text(change),
            Part::Why(text) | Part::Says(text, _) => text,
        };
        Some(Said { text: printable(&text), is_grave })
    };
    parts(action).into_iter().filter_map(say).collect()
}

/// `letters of Latin and Cyrillic`, of an address that may be taken for another one.
fn look_alike(action: &Action) -> Option<String> {
    let names = [action.name.account.as_deref(), action.live_as().map(|account| account.email.as_str())];
    let [one, other] = names.into_iter().flatten().find_map(mixed_scripts)?;
    Some(format!("letters of {one} and {other}"))
}

/// `bot@example.com, id 17`: an account as the app knows it.
pub(super) fn live(account: &KnownAccount) -> (Option<&str>, &str) {
    let address = account.email.as_str();
    ((!address.is_empty()).then_some(address), &account.id)
}

/// Lines that say so, and lines that are there no more.
pub(super) fn with_gone(because: Vec<String>, gone: Vec<String>) -> Vec<String> {
    let removed = gone.into_iter().map(|place| place + " (removed)");
    because.into_iter().chain(removed).collect()
}

/// The lines of an action, and those that are gone.
pub(super) fn places(action: &Action) -> Vec<String> {
    with_gone(Place::together(&action.because), Place::together(&action.gone))
}
