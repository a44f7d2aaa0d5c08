//! What a connector declares about its API, as data. The planner and the executor know an API by this alone, so that a
//! trap handled once is handled for every app that has it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::{AccountStatus, FieldName, Values, Verb};

/// What an account's address is called where fields are named. It is no field: the files' key says what it should be.
pub const ADDRESS: &str = "email";

/// What a group's name is called where fields are named. As for [`ADDRESS`], the files' key says what it should be.
pub const NAME: &str = "name";

/// Everything the engine knows about how an app behaves.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Semantics {
    /// The connector's name, as `connector:` in the files gives it.
    pub connector: Arc<str>,
    /// What the app calls an account: `user`.
    pub account_noun: Arc<str>,
    /// What the app calls a group: `team`, `user group`, `project`.
    pub group_noun: Arc<str>,
    /// Account fields that can be written, `role` or `roles` and the names included.
    pub fields: BTreeSet<FieldName>,
    /// Those among them, and [`ADDRESS`], that are set on creation and cannot be changed afterwards.
    pub fixed: BTreeSet<FieldName>,
    /// How roles of accounts work; `None` when the app has none.
    pub role: Option<RoleRule>,
    /// How one account is looked up.
    pub find: Find,
    /// Fields a row of the account list holds; any other needs a read of the single account. A row may hold more than
    /// is promised here, and what it holds is used.
    pub carries: BTreeSet<FieldName>,
    /// How accounts are made; `None` when a person must do it.
    pub create: Option<CreateRule>,
    /// Whether fields of an account can be changed.
    pub update: bool,
    /// How accounts are deactivated; `None` when a person must do it.
    pub deactivate: Option<DeactivateRule>,
    /// Whether the API can undo a deactivation.
    pub reactivate: bool,
    /// How accounts are deleted; `None` when a person must do it.
    pub delete: Option<DeleteRule>,
    /// How an account that has not accepted its invitation is withdrawn; `None` when a person must do it.
    pub cancel_pending: Option<Verb>,
    /// Whether an inactive account still takes a licence seat.
    pub inactive_keeps_seat: bool,
    /// What can be done with groups.
    pub groups: GroupRules,
    /// What can be done with memberships.
    pub members: MemberRules,
    /// What a person has to do, and where, for each verb the API lacks.
    pub manual: BTreeMap<Verb, Arc<str>>,
    /// What each verb takes besides its write, when all goes well; nothing where nothing is said. Forecasts count by it, and
    /// nothing is done or left because of it.
    pub effort: BTreeMap<Verb, Effort>,
    /// Reads that an update takes besides, where it gives an account another address.
    pub address_reads: u32,
    /// How long a write that the API accepted may take to show. A look that finds nothing is repeated for this long.
    pub settle: Duration,
    /// The quotas the API documents.
    pub limits: Limits,
}

/// The reads that go with a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Effort {
    /// Right before, because more is sent than what changes.
    pub before: u32,
    /// Right after, because the answer does not show what was written.
    pub after: u32,
}

impl Effort {
    /// An answer that shows nothing: one look.
    pub const LOOK: Self = Self { before: 0, after: 1 };
}

/// How a role is held.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RoleRule {
    /// Whether one account or membership has several roles (`roles`) or one (`role`).
    pub many: bool,
    /// From the least to the most powerful; empty when roles are not comparable.
    pub ranked: Vec<Arc<str>>,
    /// Roles that can administer the app.
    pub admin: BTreeSet<Arc<str>>,
    /// All roles there are; empty when the API decides at run time.
    pub values: BTreeSet<Arc<str>>,
}

impl RoleRule {
    /// The field it lives in.
    pub fn field(&self) -> FieldName {
        if self.many { "roles".into() } else { "role".into() }
    }

    /// How high a role ranks; `None` without a ranking or for a role outside it.
    pub fn rank(&self, role: &str) -> Option<usize> {
        self.ranked.iter().position(|ranked| &**ranked == role)
    }
}

/// How one account is looked up by its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Find {
    /// The API has a query; what it returns is compared exactly.
    Query {
        /// It compares addresses as identities do, so that whom it does not find is not there. Any other query may find, and
        /// its silence proves nothing.
        excludes: bool,
    },
    /// Only a sweep of the whole list can tell.
    #[default]
    Sweep,
}

impl Find {
    /// A query that may find, and proves nothing by finding nobody.
    pub const QUERY: Self = Self::Query { excludes: false };

    /// Whether there is a query.
    pub fn asks(self) -> bool {
        matches!(self, Self::Query { .. })
    }

    /// Whether a query that finds nobody proves that nobody is there.
    pub fn excludes(self) -> bool {
        self == Self::Query { excludes: true }
    }
}

/// How accounts are made.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateRule {
    /// Fields the API refuses to do without, besides the address.
    pub require: BTreeSet<FieldName>,
    /// The status of a new account: `Pending` when it waits for an invitation.
    pub becomes: AccountStatus,
}

/// How accounts are deactivated.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeactivateRule {
    /// The API cannot undo it.
    pub irreversible: bool,
    /// It takes the account out of its groups as well.
    pub strips_members: bool,
}

/// How accounts are deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeleteRule {
    /// The API cannot undo it.
    pub irreversible: bool,
}

/// What can be done with groups.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GroupRules {
    /// The API can list them; otherwise names are learnt from memberships and pins.
    pub list: bool,
    /// The API can make them.
    pub create: bool,
    /// The API can change their fields.
    pub update: bool,
    /// The API can give them another name.
    pub rename: bool,
    /// The API can delete them.
    pub delete: bool,
    /// Fields of a group that can be written.
    pub fields: BTreeSet<FieldName>,
    /// Fields the API refuses to do without when it makes a group, besides the name.
    pub require: BTreeSet<FieldName>,
}

/// What can be done with memberships.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MemberRules {
    /// How they are read.
    pub read: MemberRead,
    /// The API can add one.
    pub add: bool,
    /// Statuses in which an account may join.
    pub when: BTreeSet<AccountStatus>,
    /// How a membership's fields are changed.
    pub change: MemberChange,
    /// The API can remove one.
    pub remove: bool,
    /// Joining a group makes the account where there is none.
    pub creates_account: bool,
    /// Fields of an account that such a joining carries; an account that needs others is made first.
    pub creates_with: BTreeSet<FieldName>,
    /// What a new member gets where the files say nothing, because the API refuses to do without. What members are by then
    /// stays as it is.
    pub joins_as: Values,
    /// Fields that a membership may be without. Where a line leaves one out, none is wanted; but only a person can take away
    /// what a membership has.
    pub optional: BTreeSet<FieldName>,
    /// How many memberships of one group a request can add; none or 1 where each takes a request of its own.
    pub add_at_once: u32,
    /// How many memberships of one group a request can remove.
    pub remove_at_once: u32,
    /// How roles in a group work; `None` when memberships have none.
    pub role: Option<RoleRule>,
    /// Fields of a membership that can be written, its role included.
    pub fields: BTreeSet<FieldName>,
}

/// How memberships are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MemberRead {
    /// The members of a group.
    PerGroup,
    /// The groups of an account.
    PerAccount,
    /// Not at all: they are believed to be what the ledger says.
    #[default]
    Nowhere,
}

/// How the fields of a membership are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MemberChange {
    /// One call changes it.
    InPlace,
    /// By doing it again with other values.
    Again,
    /// By a person.
    #[default]
    Manual,
}

/// The quotas an API documents. The files' `budget` overrides them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Limits {
    /// Each counts its own requests; a request draws on every scope that covers it.
    pub scopes: Vec<QuotaScope>,
    /// Requests that may be under way at once.
    pub concurrency: Option<u32>,
}

/// One quota.
#[derive(Debug, Clone, PartialEq)]
pub struct QuotaScope {
    /// What it covers.
    pub covers: ScopeCovers,
    /// Requests per window.
    pub requests: u32,
    /// The window.
    pub per: Duration,
}

/// Which requests count against a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeCovers {
    /// All of them.
    All,
    /// Those that only read.
    Reads,
    /// Those that change something.
    Writes,
}

/// Settings of a connector, as the files give them under `options`.
pub type Options = BTreeMap<Arc<str>, serde_json::Value>;

/// An option that a connector knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionSpec {
    /// Its key under `options`.
    pub name: String,
    /// Nothing works without it.
    pub required: bool,
    /// What it does, as the rest of a line.
    pub help: String,
}

/// Why a catalogue has no semantics for an app.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// There is no such connector, or it cannot be used.
    #[error("{0}")]
    Connector(String),
    /// One of its options is unknown, missing or wrong.
    #[error("{message}{}", hint.as_ref().map_or_else(String::new, |hint| format!("; {hint}")))]
    Option {
        /// Which.
        key: String,
        /// What is wrong with it, as a sentence.
        message: String,
        /// What to write instead.
        hint: Option<String>,
    },
    /// Several of these.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Several(Vec<CatalogueError>),
}

/// Where the loader of the files learns what connectors there are. The connectors implement it; the loader, which may
/// not reach them, is handed one.
pub trait ConnectorCatalogue {
    /// The semantics of the connector called `name`, which is a built-in's name or the path of a manifest, for an app
    /// with these `options`.
    ///
    /// # Errors
    /// A sentence that says why there is none, fit for a report.
    fn semantics(&self, name: &str, options: &Options) -> Result<Arc<Semantics>, CatalogueError>;

    /// Names of the built-in connectors, sorted.
    fn names(&self) -> Vec<String>;

    /// The text of the manifest called `name`: what requests are made from is as much asked for as the files that name it.
    /// None of what is built in, or cannot be read.
    fn manifest(&self, _name: &str) -> Option<String> {
        None
    }
}

impl Semantics {
    /// Whether the API can give an account another address.
    pub fn readdresses(&self) -> bool {
        self.update && !self.fixed.contains(ADDRESS)
    }

    /// Whether an account that is made inactive stays in its groups, with nothing in the API to end that.
    pub fn memberships_stay(&self) -> bool {
        !self.members.remove && !self.strips_members()
    }

    /// Whether a deactivation takes the account out of its groups as well.
    pub fn strips_members(&self) -> bool {
        self.deactivate.as_ref().is_some_and(|rule| rule.strips_members)
    }

    /// Whether the API leaves to a person what `verb` does.
    pub fn lacks(&self, verb: Verb) -> bool {
        let (members, groups) = (&self.members, &self.groups);
        match verb {
            Verb::Create => self.create.is_none() && !members.creates_account,
            Verb::Update => !self.update,
            Verb::Reactivate => !self.reactivate,
            Verb::Deactivate => self.deactivate.is_none(),
            Verb::Delete => self.delete.is_none(),
            Verb::AddMember => !members.add,
            Verb::ChangeMember => members.change == MemberChange::Manual && !members.fields.is_empty(),
            Verb::RemoveMember => !members.remove,
            Verb::CreateGroup => !groups.create,
            Verb::UpdateGroup => !groups.update && !groups.fields.is_empty(),
            Verb::DeleteGroup => !groups.delete,
        }
    }

    /// What a person has to do where the API lacks `verb`.
    pub fn manual_text(&self, verb: Verb) -> String {
        self.by_hand(verb, &format!("has no way to {}", verb.phrase()))
    }

    /// What a person has to do where the API changes accounts, but not these fields of them.
    pub fn fixed_text(&self, fields: &[FieldName]) -> String {
        self.by_hand(Verb::Update, &format!("cannot change {}", fields.join(" and ")))
    }

    /// What a person has to do instead of `verb`; where nothing is said about it, that the API is `unable`.
    pub fn by_hand(&self, verb: Verb, unable: &str) -> String {
        self.manual.get(&verb).map_or_else(
            || format!("the {} API {unable}; do it in the app's admin pages", self.connector),
            ToString::to_string,
        )
    }
}
