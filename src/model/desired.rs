//! What the files ask for, merged, resolved and checked. Every fact remembers the lines that said it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use super::{
    DesiredTeam, Email, FieldName, FieldValue, Grantable, Guard, LiveGroup, Phase, Place, Policy, Semantics, Values,
    Window,
};

/// The whole desired state.
#[derive(Debug, Clone)]
pub struct Desired {
    /// Everyone under `people`.
    pub people: BTreeMap<Email, Person>,
    /// Whom an address belongs to: every person's aliases.
    pub aliases: BTreeMap<Email, Email>,
    /// Everyone named in the files, under `people` or under any app's `accounts`. Who is live and not in here (nor an
    /// alias) is *unlisted*.
    pub named: BTreeSet<Email>,
    /// Every company team.
    pub teams: BTreeMap<Arc<str>, DesiredTeam>,
    /// Every app.
    pub apps: BTreeMap<Arc<str>, DesiredApp>,
    /// What a reviewer allowed, in the order of the files.
    pub approvals: Vec<Approval>,
    /// How the engine itself runs.
    pub settings: Settings,
}

/// A person who exists, whatever apps they use.
#[derive(Debug, Clone)]
pub struct Person {
    /// The identity.
    pub email: Email,
    /// First name.
    pub given_name: Option<Arc<str>>,
    /// Last name.
    pub family_name: Option<Arc<str>>,
    /// Other addresses under which apps may know the person.
    pub aliases: Vec<Email>,
    /// Facts that `match` of teams looks at.
    pub attributes: BTreeMap<Arc<str>, FieldValue>,
    /// When the person is with the organisation.
    pub window: Window,
    /// What the file says of them.
    pub status: PersonStatus,
    /// Where their entry is.
    pub place: Place,
    /// Where their status is said, when it is.
    pub status_place: Option<Place>,
    /// Where the end of their time is said, when it is.
    pub until_place: Option<Place>,
}

/// What the file says of a person.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, strum::EnumString, strum::IntoStaticStr, strum::VariantNames,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum PersonStatus {
    /// Gets what the lines grant.
    #[default]
    Active,
    /// Inactive everywhere, with the grants kept.
    Suspended,
    /// Removed everywhere.
    Left,
}

impl Person {
    /// The status at `now`: past `until`, a person counts as having left.
    pub fn status_at(&self, now: Timestamp) -> PersonStatus {
        if self.window.phase(now) == Phase::Lapsed { PersonStatus::Left } else { self.status }
    }
}

/// An app and everything it should hold.
#[derive(Debug, Clone)]
pub struct DesiredApp {
    /// Its name in the files.
    pub name: Arc<str>,
    /// What its connector declares.
    pub semantics: Arc<Semantics>,
    /// The connector as the files name it: a built-in's name or a manifest's path.
    pub connector: Arc<str>,
    /// Origin, maybe with a path, without a slash at the end.
    pub url: url::Url,
    /// How to sign in.
    pub auth: Auth,
    /// Settings of the connector.
    pub options: BTreeMap<Arc<str>, serde_json::Value>,
    /// What the files say about the request budget.
    pub budget: BudgetSpec,
    /// How far the engine may go.
    pub mode: Mode,
    /// Licence cap.
    pub seats: Option<u32>,
    /// The account that our own credential acts as.
    pub self_account: Option<Email>,
    /// The rules that hold here.
    pub policy: Policy,
    /// Values of managed fields for granted accounts whose lines name none.
    pub defaults: Values,
    /// What teams may grant here.
    pub grantable: Grantable,
    /// Account fields that are managed: some line of this app sets them.
    pub managed: BTreeSet<FieldName>,
    /// Accounts that a grant or `accounts` names. (Membership in a group grants the account too; that is not repeated here.)
    pub accounts: BTreeMap<Email, DesiredAccount>,
    /// Declared groups by name.
    pub groups: BTreeMap<Arc<str>, DesiredGroup>,
    /// Pins of identities to the app's immutable ids, with the pin's place.
    pub ids: BTreeMap<Email, (Arc<str>, Place)>,
    /// Where the app's entry is.
    pub place: Place,
}

impl DesiredApp {
    /// Where its requests go, as the store names the app: `https://api.example.com`. Simulated apps have the sandbox's origin.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Whether any line, at whatever time, grants an account.
    pub fn grants(&self, identity: &Email) -> bool {
        self.accounts.contains_key(identity) || self.groups.values().any(|group| group.members.contains_key(identity))
    }

    /// Whether some line declares this live group.
    pub fn declares(&self, live: &LiveGroup) -> bool {
        self.groups.values().any(|group| group.is(live))
    }
}

/// How far the engine may go in an app or group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, strum::Display, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum Mode {
    /// Everything.
    #[default]
    Enforce,
    /// Nothing is taken away, except from people who left.
    Add,
    /// Nothing is written.
    Observe,
}

/// One account, with every line that grants it.
#[derive(Debug, Clone, Default)]
pub struct DesiredAccount {
    /// Each path of lines that grants the account.
    pub claims: Vec<Claim>,
}

/// One path of lines that grants an account or a membership.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// When it holds: the intersection along the path.
    pub window: Window,
    /// Fields it sets, `role` or `roles` among them.
    pub values: Values,
    /// The lines, sorted.
    pub because: Vec<Place>,
    /// What a line gives as its reason.
    pub reason: Option<Arc<str>>,
}

/// A declared group.
#[derive(Debug, Clone)]
pub struct DesiredGroup {
    /// Its name, compared exactly.
    pub name: Arc<str>,
    /// Pin to the app's immutable id.
    pub id: Option<Arc<str>>,
    /// Whether it should be there.
    pub state: GroupState,
    /// How far the engine may go; the app's mode still bounds it.
    pub mode: Mode,
    /// The rules that hold here: the app's, overridden by the group's own.
    pub policy: Policy,
    /// Fields of the group itself that some line sets.
    pub values: Values,
    /// Every membership, with the lines that grant it.
    pub members: BTreeMap<Email, Vec<Claim>>,
    /// Membership fields that are managed in this app's groups.
    pub managed: BTreeSet<FieldName>,
    /// Where the group is declared.
    pub place: Place,
}

impl DesiredGroup {
    /// Whether a live group is the one that is declared: by the pin, or else by the name.
    pub fn is(&self, live: &LiveGroup) -> bool {
        self.id.as_ref().map_or(self.name == live.name, |id| *id == live.id)
    }
}

/// Whether a group should be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, strum::Display, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum GroupState {
    /// It should.
    #[default]
    Present,
    /// It should be deleted.
    Absent,
}

/// A secret, by reference only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// The environment variable that holds it.
    Env(String),
    /// The file that holds it; white space at its end is dropped. Relative to the folder that holds the desired-state directory.
    File(String),
}

/// How to sign in to an app.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Auth {
    /// Secrets by key: `client_id`, `client_secret`, `token`, `username`, `password`.
    pub secrets: BTreeMap<Arc<str>, SecretRef>,
    /// Replaces the connector's token address.
    pub token_url: Option<url::Url>,
    /// Replaces the connector's scopes.
    pub scopes: Option<Vec<String>>,
}

/// A number of requests in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub requests: u32,
    /// In which time.
    pub per: Duration,
}

/// What the files say about an app's request budget; what they leave open is the connector's.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BudgetSpec {
    /// Replaces all scopes of the connector.
    pub requests: Option<Rate>,
    /// Replaces the scope of reads.
    pub read: Option<Rate>,
    /// Replaces the scope of writes.
    pub write: Option<Rate>,
    /// Requests under way at once.
    pub concurrency: Option<u32>,
    /// Share left to other users of the API, in percent.
    pub keep_free_percent: Option<f64>,
}

/// What a reviewer allowed.
#[derive(Debug, Clone)]
pub struct Approval {
    /// An action's name, or a prefix of one up to a `/`.
    pub allow: String,
    /// The one guard it releases.
    pub guard: Guard,
    /// How many people it covers, for caps.
    pub up_to: Option<u32>,
    /// Until when (excluded).
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
    /// The line.
    pub place: Place,
}

impl Approval {
    /// What stays the same as long as the approval says the same, wherever its line moves: what its use is counted under.
    pub fn id(&self) -> String {
        let part =
            |word: &str, value: Option<String>| value.map_or_else(String::new, |value| format!(" {word} {value}"));
        format!(
            "{} {}{}{}{}",
            self.allow,
            self.guard,
            part("up_to", self.up_to.map(|up_to| up_to.to_string())),
            part("until", self.until.map(|until| until.to_string())),
            part("reason", self.reason.clone()),
        )
    }
}

/// How the engine itself runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Dates in the files are days in this zone.
    pub time_zone: TimeZone,
    /// Where facts are kept.
    pub store: Store,
    /// When the daemon works.
    pub schedule: Schedule,
    /// Whom to tell.
    pub notify: Vec<Notify>,
    /// The daemon's own address.
    pub daemon: Daemon,
    /// How long the past is kept.
    pub keep: Keep,
}

/// How long the past is kept; for ever where nothing is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keep {
    /// Entries of the ledger.
    pub ledger: Option<Duration>,
    /// What readings showed, after it was otherwise.
    pub readings: Option<Duration>,
}

/// Where facts are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// `sqlite:PATH`.
    Url(String),
    /// A secret that holds the URL.
    Secret(SecretRef),
}

/// When the daemon works.
#[derive(Debug, Clone, PartialEq)]
pub enum Schedule {
    /// Again and again.
    Every {
        /// The pause between starts.
        every: Duration,
        /// Up to this much is added at random.
        jitter: Duration,
    },
    /// At times.
    Cron {
        /// A cron expression of five or six fields.
        cron: Box<croner::Cron>,
        /// Up to this much later, at random.
        jitter: Duration,
    },
}

/// Whom to tell of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    /// The webhook.
    pub url: SecretRef,
    /// `drift`, `held`, `failure`.
    pub on: BTreeSet<String>,
}

/// The daemon's own address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Daemon {
    /// Host and port.
    pub listen: Option<std::net::SocketAddr>,
    /// What callers must show.
    pub token: Option<SecretRef>,
    /// What callers may show who only look.
    pub read_token: Option<SecretRef>,
    /// What it does about differences.
    pub drift: Drift,
}

/// What the daemon does about differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, strum::Display, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum Drift {
    /// Whatever can be corrected is.
    #[default]
    Correct,
    /// They are reported, and somebody else applies.
    Report,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            time_zone: TimeZone::UTC,
            store: Store::Url("sqlite:.rosterd/state.db".into()),
            // Often enough that drift does not last, seldom enough for an hourly quota of 1000 requests.
            schedule: Schedule::Every { every: Duration::from_secs(15 * 60), jitter: Duration::from_secs(60) },
            notify: Vec::new(),
            daemon: Daemon::default(),
            keep: Keep::default(),
        }
    }
}

impl Desired {
    /// The identity behind an address that an app uses: the address itself, or the person whose alias it is.
    pub fn identity<'a>(&'a self, email: &'a Email) -> &'a Email {
        self.aliases.get(email).unwrap_or(email)
    }

    /// All addresses of the person behind one of them.
    pub fn addresses<'a>(&'a self, email: &'a Email) -> BTreeSet<&'a Email> {
        let identity = self.identity(email);
        let aliases = self.aliases.iter().filter(|(_, person)| *person == identity).map(|(alias, _)| alias);
        aliases.chain([identity]).collect()
    }
}
