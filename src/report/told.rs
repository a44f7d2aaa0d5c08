//! What a change alters without a step of the plan: rules, and what is granted from when to when. Sentences only; terminal and
//! Markdown dress them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{rows::with_gone, wording};
use crate::model::{AppPlan, ClaimChange, Leaning, Place, Plan, RuleChange, Turn, Values, mixed_scripts};

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

/// Things that a sentence names before it counts them.
const NAMED: usize = 3;

/// The rules that a change alters, the gravest first. What many apps inherit from one line is told once.
pub(super) fn rules(rules: &[RuleChange]) -> Vec<Told> {
    type Same<'a> = (Weight, &'a str, Option<&'a str>, &'a Option<String>, &'a Option<String>, &'a [String]);
    let mut same: BTreeMap<Same<'_>, Vec<&RuleChange>> = BTreeMap::new();
    for rule in rules {
        let key = (weight(rule), &*rule.rule, rule.group.as_deref(), &rule.from, &rule.to, &rule.gives[..]);
        same.entry(key).or_default().push(rule);
    }
    same.iter().map(|((weight, ..), rules)| one_rule(*weight, rules)).collect()
}

/// How much a reader misses who does not see a rule; the most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// It decides where requests and credentials go, or what every date means.
    Everything,
    /// It loosens what holds for a whole app.
    App,
    /// It loosens something for one person or one action.
    One,
    Changes,
    Tightens,
}

fn weight(rule: &RuleChange) -> Weight {
    let key = rule.rule.split('.').next().unwrap_or_default();
    match (rule.leaning, key) {
        (_, "settings" | "url" | "connector" | "auth" | "options" | "manifest") => Weight::Everything,
        (Leaning::Loosens, "approvals" | "people" | "ids") => Weight::One,
        (Leaning::Loosens, _) => Weight::App,
        (Leaning::Changes, _) => Weight::Changes,
        (Leaning::Tightens, _) => Weight::Tightens,
    }
}

fn one_rule(weight: Weight, rules: &[&RuleChange]) -> Told {
    let rule = rules[0];
    let apps: Vec<&Arc<str>> = rules.iter().filter_map(|rule| rule.app.as_ref()).collect();
    let of = match (&rule.group, &apps[..]) {
        (_, []) => String::new(),
        (Some(group), [app, ..]) => format!(" of {} in {}", quoted(group), quoted(app)),
        (None, apps) if apps.len() > NAMED => format!(" of {} apps", wording::number(apps.len())),
        (None, apps) => format!(" of {}", apps.iter().map(|app| quoted(app)).collect::<Vec<_>>().join(", ")),
    };
    let mut sentence = format!("{}{of} {}", quoted(&rule.rule), change(rule.from.as_deref(), rule.to.as_deref()));
    if !rule.gives.is_empty() {
        sentence += &format!("; gives {}", named(&rule.gives));
    }
    sentence += &letters([rule.to.as_deref(), rule.from.as_deref(), Some(&rule.rule)]);
    let because: Vec<_> = rules.iter().flat_map(|rule| rule.because.iter().cloned()).collect();
    let gone: Vec<_> = rules.iter().flat_map(|rule| rule.gone.iter().cloned()).collect();
    Told {
        word: rule.leaning.into(),
        grave: rule.leaning == Leaning::Loosens || weight == Weight::Everything,
        removes: false,
        sentence,
        places: with_gone(Place::together(&because), Place::together(&gone)),
    }
}

/// `from A to B`; of lists, what comes and what goes where both would be too long to compare.
fn change(from: Option<&str>, to: Option<&str>) -> String {
    match (from, to) {
        (Some(from), Some(to)) if from.len() + to.len() > wording::LONGEST => match (items(from), items(to)) {
            (Some(old), Some(new)) => {
                let (gone, come): (Vec<_>, Vec<_>) =
                    (old.difference(&new).copied().collect(), new.difference(&old).copied().collect());
                let parts = [("without", gone), ("now with", come)].into_iter().filter(|(_, items)| !items.is_empty());
                let parts: Vec<String> = parts.map(|(word, items)| format!("{word} {}", named(&items))).collect();
                parts.join(", ")
            }
            _ => format!("from {} to {}", quoted(from), quoted(to)),
        },
        (Some(from), Some(to)) => format!("from {} to {}", quoted(from), quoted(to)),
        (None, Some(to)) => format!("now {}", quoted(to)),
        (Some(from), None) => format!("no longer {}", quoted(from)),
        (None, None) => String::new(),
    }
}

/// The items of `[a, b]`.
fn items(list: &str) -> Option<BTreeSet<&str>> {
    Some(list.strip_prefix('[')?.strip_suffix(']')?.split(", ").filter(|item| !item.is_empty()).collect())
}

/// `a`, `b`, `c` and 4 more.
fn named<T: AsRef<str>>(items: &[T]) -> String {
    let first: Vec<String> = items.iter().take(NAMED).map(|item| quoted(item.as_ref())).collect();
    let more = items.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {} more", wording::number(more)) } else { String::new() };
    first.join(", ") + &more
}

/// Says of the first text with letters of two scripts that it has them: one of them may pass for another text.
fn letters<'a>(texts: impl IntoIterator<Item = Option<&'a str>>) -> String {
    let mixed = texts.into_iter().flatten().find_map(|text| text.split([' ', ',', '[', ']']).find_map(mixed_scripts));
    mixed.map(|[one, other]| format!("; letters of {one} and {other}")).unwrap_or_default()
}

/// What lines grant in one version only: first who becomes an administrator, then who stays one, and of each first what is no
/// action yet and would be seen nowhere else, and what the fewest get.
pub(super) fn claims(claims: &[ClaimChange], apps: &[&AppPlan], now: Timestamp) -> Vec<Told> {
    let administrators = administrators(claims);
    let follows = |claim: &ClaimChange| {
        let app = apps.iter().find(|app| app.app == claim.app);
        app.is_some_and(|app| {
            app.actions
                .iter()
                .any(|action| action.name.account.as_ref() == Some(&claim.account) && action.name.group == claim.group)
        })
    };
    // What many get is one decision; what leaves the pattern is another one, and is not to drown in it.
    let mut alike: BTreeMap<_, usize> = BTreeMap::new();
    let kind = |claim: &ClaimChange| (claim.turn, claim.app.clone(), claim.group.clone(), claim.values.clone());
    claims.iter().for_each(|claim| *alike.entry(kind(claim)).or_default() += 1);
    let mut order: Vec<(u8, bool, usize, &ClaimChange)> = claims
        .iter()
        .map(|claim| {
            let weight = match makes_administrator(claim, now) {
                true => u8::from(administrators.contains(&(&*claim.account, &claim.values))),
                false => 2,
            };
            (weight, follows(claim), alike[&kind(claim)], claim)
        })
        .collect();
    order.sort();
    order.into_iter().map(|(_, follows, _, claim)| one_claim(claim, follows, now)).collect()
}

/// How many grants make somebody an administrator who was none.
pub(super) fn new_administrators(claims: &[ClaimChange], now: Timestamp) -> usize {
    let administrators = administrators(claims);
    let made = claims.iter().filter(|claim| makes_administrator(claim, now));
    made.filter(|claim| !administrators.contains(&(&*claim.account, &claim.values))).count()
}

/// Whom the version before lets administer, each with how, as far as the change touches it.
fn administrators(claims: &[ClaimChange]) -> BTreeSet<(&str, &Values)> {
    let administrates = |claim: &&ClaimChange| claim.turn == Turn::Removed && claim.administrates;
    claims.iter().filter(administrates).map(|claim| (&*claim.account, &claim.values)).collect()
}

fn makes_administrator(claim: &ClaimChange, now: Timestamp) -> bool {
    claim.turn == Turn::Added && claim.administrates && !has_ended(claim, now)
}

fn has_ended(claim: &ClaimChange, now: Timestamp) -> bool {
    claim.until.as_ref().is_some_and(|until| until.timestamp() <= now)
}

fn one_claim(claim: &ClaimChange, follows: bool, now: Timestamp) -> Told {
    let group = claim.group.as_ref().map(|group| format!(", {}", quoted(group))).unwrap_or_default();
    let mut sentence = format!("{} in {}{group}", quoted(&claim.account), quoted(&claim.app));
    for (field, value) in &claim.values {
        sentence += &format!(", {field} {}", quoted(&wording::value(value)));
    }
    let zone = |at: &jiff::Zoned| at.time_zone().clone();
    if let Some(from) = &claim.from {
        sentence += &format!(", from {}", wording::begins(from.timestamp(), &zone(from)));
    }
    let ended = has_ended(claim, now);
    if let Some(until) = &claim.until {
        let word = if ended { "ended" } else { "until" };
        sentence += &format!(", {word} {}", wording::ends(until.timestamp(), &zone(until)));
    }
    if claim.administrates && !ended {
        sentence += "; can administer";
    }
    let removes = claim.turn == Turn::Removed;
    // What nobody grants any more is not taken away by that alone.
    if removes && !follows {
        sentence += "; no step follows from it now";
    }
    sentence += &letters([Some(&*claim.account), claim.group.as_deref()]);
    Told {
        word: if removes { "removes" } else { "adds" },
        grave: claim.administrates && !removes && !ended,
        removes,
        sentence,
        places: Place::together(&claim.because),
    }
}

/// Code that no backtick within ends.
fn quoted(text: &str) -> String {
    format!("`{}`", wording::cut(text).replace('`', "'"))
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
