//! The merged tree → typed values. Every problem is reported and decoding goes on: what could not be understood is left
//! out. The structs in here say what the files say; what that means together is settled in `resolve`.

mod apps;
mod fields;
mod people;
mod policy;
mod settings;
mod values;

use jiff::tz::TimeZone;

use crate::model::{Approval, Policy, Settings};

pub(super) use apps::{App, Bound, FieldBounds, Group};
#[cfg(test)]
pub(super) use fields::ASKED;
pub(super) use people::{Grant, Person, Team};
pub(super) use values::{Member, Said};

use super::{
    report::{Report, Span},
    spec,
    tree::Node,
};
use fields::Fields;

/// Everything the files say.
pub(super) struct Wire {
    pub people: Vec<Person>,
    pub teams: Vec<Team>,
    pub apps: Vec<App>,
    /// Each with where its `allow` stands.
    pub approvals: Vec<(Approval, Span)>,
    pub settings: Settings,
}

/// A name with the place that says it.
#[derive(Debug, Clone)]
pub(super) struct Named<T> {
    pub name: T,
    pub span: Span,
}

/// What decoding needs at every step.
pub(super) struct Decoder<'r, 's> {
    pub report: &'r mut Report<'s>,
    /// Dates are days in it.
    pub zone: TimeZone,
    /// What holds in every app that says nothing else.
    pub policy: Policy,
}

/// Decodes the merged tree.
pub(super) fn decode<'s>(root: &Node<'s>, report: &mut Report<'s>) -> Wire {
    let mut decoder = Decoder { report, zone: TimeZone::UTC, policy: Policy::default() };
    let d = &mut decoder;
    let root = Fields::open(d, root, &spec::ROOT, root.span);
    // The settings come first: dates elsewhere need the time zone, and apps the policy.
    let settings = settings::decode(d, &root);
    Wire {
        people: root.names(d, "people").iter().filter_map(|entry| people::person(d, entry)).collect(),
        teams: root.names(d, "teams").iter().filter_map(|entry| people::team(d, entry)).collect(),
        apps: root.names(d, "apps").iter().filter_map(|entry| apps::app(d, entry)).collect(),
        approvals: root.objects(d, "approvals").iter().filter_map(|one| policy::approval(d, one)).collect(),
        settings,
    }
}
