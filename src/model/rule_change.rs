//! What a change of the files alters without a step of the plan: the rules that steps are judged by, and who is granted what
//! from when to when.

use std::sync::Arc;

use jiff::Zoned;
use serde::Serialize;

use super::{Place, Values};

/// Which way a rule goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Leaning {
    /// More can happen without anybody's approval, or somebody can give more.
    Loosens,
    /// Neither, or both.
    Changes,
    /// Less can happen.
    Tightens,
}

/// A rule that is another one with the change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleChange {
    /// Which way it goes; the order is that of reports.
    pub leaning: Leaning,
    /// What the files call it: `policy.irreversible`, `teams.design.match`.
    pub rule: Arc<str>,
    /// In which app; none for teams, people and settings.
    pub app: Option<Arc<str>>,
    /// In which of its groups.
    pub group: Option<Arc<str>>,
    /// What it was; none where there was nothing.
    pub from: Option<String>,
    /// What it will be; none where there will be nothing.
    pub to: Option<String>,
    /// What whoever comes in by it gets, of a team: `role admin in autodesk`.
    pub gives: Vec<String>,
    /// Lines that say so, sorted.
    pub because: Vec<Place>,
    /// Lines of the other version that said otherwise and are there no more, sorted.
    pub gone: Vec<Place>,
}

/// Whether a claim comes or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Turn {
    /// The change grants it.
    Added,
    /// The change grants it no more.
    Removed,
}

/// Something that lines grant somebody for some time, in one version only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClaimChange {
    /// The app.
    pub app: Arc<str>,
    /// For whom.
    pub account: Arc<str>,
    /// In which group; none for the account itself.
    pub group: Option<Arc<str>>,
    /// Whether it comes or goes.
    pub turn: Turn,
    /// From when (included), in the organisation's time zone.
    pub from: Option<Zoned>,
    /// Until when (excluded).
    pub until: Option<Zoned>,
    /// The fields it sets.
    pub values: Values,
    /// It lets somebody administer the app, or the group.
    pub administrates: bool,
    /// The lines, sorted; those of one that goes are of the other version.
    pub because: Vec<Place>,
}
