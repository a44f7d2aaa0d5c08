//! The merged tree → typed values. Every problem is reported and decoding goes on: what could not be understood is left
//! out. The structs in here say what the files say; what that means together is settled in `resolve`.

mod approvals;
mod apps;
mod fields;
mod member;
mod people;
mod policy;
mod settings;
mod teams;
mod values;

use jiff::tz::TimeZone;

use crate::model::{Approval, Settings};

pub(super) use apps::{App, Group};
#[cfg(test)]
pub(super) use fields::ASKED;
pub(super) use member::{Member, Said};
pub(super) use people::Person;
pub(super) use policy::PolicyPatch;
pub(super) use teams::{Grant, Team};

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
    pub policy: PolicyPatch,
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
}

/// Decodes the merged tree.
pub(super) fn decode<'s>(root: &Node<'s>, report: &mut Report<'s>) -> Wire {
    let mut decoder = Decoder { report, zone: TimeZone::UTC };
    let d = &mut decoder;
    let root = Fields::open(d, root, &spec::ROOT, root.span);
    // The settings come first: dates elsewhere need the time zone.
    let (settings, policy) = settings::decode(d, root.entry("settings"));
    d.zone = settings.time_zone.clone();
    Wire {
        people: root.section(d, "people", people::person),
        teams: root.section(d, "teams", teams::team),
        apps: root.section(d, "apps", apps::app),
        approvals: root.objects(d, "approvals").iter().filter_map(|one| approvals::approval(d, one)).collect(),
        settings,
        policy,
    }
}
