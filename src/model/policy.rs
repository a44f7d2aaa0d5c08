//! What an organisation allows the engine to do by itself.

use std::{collections::BTreeMap, time::Duration};

use super::{Place, Window};

/// The rules of one app or group: `settings.policy` overridden by the app's and the group's own.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// What happens to live accounts and memberships of people named nowhere.
    pub unlisted: Unlisted,
    /// What happens to accounts that go by an alias of their person.
    pub aliases: Aliases,
    /// How an account is removed.
    pub remove_with: RemoveWith,
    /// How long after our own deactivation an account is deleted.
    pub delete_after: Option<Duration>,
    /// Whether steps that cannot be undone need an approval.
    pub irreversible: Irreversible,
    /// Globs of addresses that never lose anything without an approval.
    pub protect: Vec<String>,
    /// How many people may lose something.
    pub max_removals: Cap,
    /// How many people may gain something.
    pub max_creates: Cap,
    /// How many admins an app always keeps.
    pub min_admins: u32,
    /// Times in which nothing but leavers is touched.
    pub freeze: Vec<Freeze>,
    /// Where the files set a key, by the key's name; defaults have no place.
    pub places: BTreeMap<&'static str, Place>,
}

/// What happens to what is live and named nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, strum::Display, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum Unlisted {
    /// A finding, and nothing is done.
    #[default]
    Report,
    /// Removed like what is ungranted.
    Remove,
    /// Not even a finding.
    Ignore,
}

/// What happens to accounts that go by an alias of their person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, strum::Display, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum Aliases {
    /// They get the address that is the person's key.
    #[default]
    Rename,
    /// They keep the one they have.
    Keep,
}

/// How an account is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, strum::Display, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum RemoveWith {
    /// By deactivation.
    #[default]
    Deactivate,
    /// By deletion.
    Delete,
}

/// What happens to steps that cannot be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, strum::Display, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum Irreversible {
    /// Held until an approval names them.
    #[default]
    Hold,
    /// The same, and a person's own `status: left` is no approval.
    AlwaysHold,
    /// Done.
    Allow,
}

/// A limit on how many distinct people a run may touch: the larger of a share and a floor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cap {
    /// Share of the people active at the start of the day, in percent.
    pub share_percent: f64,
    /// Allowed whatever the share comes to.
    pub at_least: u32,
}

impl Cap {
    /// `max_removals` when the files say nothing: a tenth, and always three, so that small teams can work.
    pub const REMOVALS: Self = Self { share_percent: 10.0, at_least: 3 };
    /// `max_creates` when the files say nothing: a quarter, and always fifty, so that an app can be filled in steps.
    pub const CREATES: Self = Self { share_percent: 25.0, at_least: 50 };

    /// How many people the cap allows among `active`.
    pub fn limit(self, active: usize) -> usize {
        // Truncation is meant: a share never rounds up to one more person.
        let share = (active as f64 * self.share_percent / 100.0 + 1e-9) as usize;
        share.max(self.at_least as usize)
    }
}

/// A time in which the app is left alone, except for people who left.
#[derive(Debug, Clone, PartialEq)]
pub struct Freeze {
    /// When.
    pub window: Window,
    /// Why, for the report.
    pub reason: Option<String>,
    /// The line that says so.
    pub place: Place,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            unlisted: Unlisted::default(),
            aliases: Aliases::default(),
            remove_with: RemoveWith::default(),
            delete_after: None,
            irreversible: Irreversible::default(),
            protect: Vec::new(),
            max_removals: Cap::REMOVALS,
            max_creates: Cap::CREATES,
            min_admins: 1,
            freeze: Vec::new(),
            places: BTreeMap::new(),
        }
    }
}
