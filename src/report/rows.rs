//! What rows say, before any renderer dresses them: of an action, of a rule that a change alters, of a claim that comes or
//! goes. Terminal, Markdown and status page take their rows from here, so that none of them hides what another one shows.

use std::{collections::BTreeMap, sync::Arc};

use super::{canvas::printable, wording};
use crate::model::{
    Action, AppPlan, Change, ClaimChange, KnownAccount, Leaning, Place, Plan, RuleChange, Turn, mixed_scripts,
};

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

/// A sentence about what a change alters, with `code in backticks`, and the lines that say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// `loosens`, `adds`.
    pub word: &'static str,
    /// Nobody should miss it.
    pub grave: bool,
    /// It takes something away.
    pub removes: bool,
    pub sentence: String,
    pub places: Vec<String>,
}

/// The rules that a change alters, the loosened ones first. What many apps inherit from one line is told once.
pub(super) fn rules(rules: &[RuleChange]) -> Vec<Told> {
    type Same<'a> = (Leaning, &'a str, Option<&'a str>, &'a Option<String>, &'a Option<String>, &'a [String]);
    let mut same: BTreeMap<Same<'_>, Vec<&RuleChange>> = BTreeMap::new();
    for rule in rules {
        let key = (rule.leaning, &*rule.rule, rule.group.as_deref(), &rule.from, &rule.to, &rule.gives[..]);
        same.entry(key).or_default().push(rule);
    }
    same.into_values().map(|rules| one_rule(&rules)).collect()
}

/// Apps that a sentence names before it counts them.
const NAMED: usize = 3;

fn one_rule(rules: &[&RuleChange]) -> Told {
    let rule = rules[0];
    let apps: Vec<&Arc<str>> = rules.iter().filter_map(|rule| rule.app.as_ref()).collect();
    let of = match (&rule.group, &apps[..]) {
        (_, []) => String::new(),
        (Some(group), [app, ..]) => format!(" of {} in {}", quoted(group), quoted(app)),
        (None, apps) if apps.len() > NAMED => format!(" of {} apps", wording::number(apps.len())),
        (None, apps) => format!(" of {}", apps.iter().map(|app| quoted(app)).collect::<Vec<_>>().join(", ")),
    };
    let what = match (&rule.from, &rule.to) {
        (Some(from), Some(to)) => format!("from {} to {}", quoted(from), quoted(to)),
        (None, Some(to)) => format!("now {}", quoted(to)),
        (Some(from), None) => format!("no longer {}", quoted(from)),
        (None, None) => String::new(),
    };
    let mut sentence = format!("{}{of} {what}", quoted(&rule.rule));
    if !rule.gives.is_empty() {
        let gives: Vec<String> = rule.gives.iter().take(NAMED).map(|gift| quoted(gift)).collect();
        sentence += &format!("; gives {}", gives.join(", "));
        if rule.gives.len() > NAMED {
            sentence += &format!(" and {} more", wording::number(rule.gives.len() - NAMED));
        }
    }
    let because: Vec<_> = rules.iter().flat_map(|rule| rule.because.iter().cloned()).collect();
    let gone: Vec<_> = rules.iter().flat_map(|rule| rule.gone.iter().cloned()).collect();
    Told {
        word: rule.leaning.into(),
        grave: rule.leaning == Leaning::Loosens,
        removes: false,
        sentence,
        places: with_gone(Place::together(&because), Place::together(&gone)),
    }
}

/// What a change grants or takes back, whatever the dates: what administers first, then what no step of the plan shows.
pub(super) fn claims(claims: &[ClaimChange], apps: &[&AppPlan]) -> Vec<Told> {
    let shown = |claim: &ClaimChange| {
        let app = apps.iter().find(|app| app.app == claim.app);
        app.is_some_and(|app| {
            app.actions
                .iter()
                .any(|action| action.name.account.as_ref() == Some(&claim.account) && action.name.group == claim.group)
        })
    };
    let mut order: Vec<(bool, bool, &ClaimChange)> =
        claims.iter().map(|claim| (!claim.administrates, shown(claim), claim)).collect();
    order.sort();
    order.into_iter().map(|(_, _, claim)| one_claim(claim)).collect()
}

fn one_claim(claim: &ClaimChange) -> Told {
    let group = claim.group.as_ref().map(|group| format!(", {}", quoted(group))).unwrap_or_default();
    let mut sentence = format!("{} in {}{group}", quoted(&claim.account), quoted(&claim.app));
    for (field, value) in &claim.values {
        sentence += &format!(", {field} {}", quoted(&wording::value(value)));
    }
    let zone = |at: &jiff::Zoned| at.time_zone().clone();
    if let Some(from) = &claim.from {
        sentence += &format!(", from {}", wording::begins(from.timestamp(), &zone(from)));
    }
    if let Some(until) = &claim.until {
        sentence += &format!(", until {}", wording::ends(until.timestamp(), &zone(until)));
    }
    if claim.administrates {
        sentence += "; can administer";
    }
    let removes = claim.turn == Turn::Removed;
    let lines = Place::together(&claim.because);
    Told {
        word: if removes { "removes" } else { "adds" },
        grave: claim.administrates && !removes,
        removes,
        sentence,
        places: lines,
    }
}

/// Code that no backtick within ends.
fn quoted(text: &str) -> String {
    format!("`{}`", text.replace('`', "'"))
}

/// Lines that say so, and lines that are there no more.
fn with_gone(because: Vec<String>, gone: Vec<String>) -> Vec<String> {
    let removed = gone.into_iter().map(|place| place + " (removed)");
    because.into_iter().chain(removed).collect()
}

/// The lines of an action, and those that are gone.
pub(super) fn places(action: &Action) -> Vec<String> {
    with_gone(Place::together(&action.because), Place::together(&action.gone))
}

/// What a change does besides its actions, in the order of weight: `2 rules loosened`, `1 grant added`.
pub(super) fn alterations(plan: &Plan) -> Vec<String> {
    let Some(against) = &plan.against else { return Vec::new() };
    let told = rules(&against.rules);
    let leaning = |wanted: Leaning| told.iter().filter(|rule| rule.word == <&str>::from(wanted)).count();
    let turn = |wanted: Turn| against.claims.iter().filter(|claim| claim.turn == wanted).count();
    let parts = [
        (leaning(Leaning::Loosens), "rule", "loosened"),
        (leaning(Leaning::Changes), "rule", "changed"),
        (leaning(Leaning::Tightens), "rule", "tightened"),
        (turn(Turn::Added), "grant", "added"),
        (turn(Turn::Removed), "grant", "removed"),
    ];
    let parts = parts.into_iter().filter(|(count, _, _)| *count > 0);
    parts.map(|(count, noun, what)| format!("{} {what}", wording::count(count, noun, &format!("{noun}s")))).collect()
}
