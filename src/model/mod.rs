//! The words of the field as plain types: what is desired, what is live, what a plan is made of, and what each
//! connector declares about its API. No I/O, no YAML, no async; everything else in the crate speaks in these types.

mod action;
mod admin;
mod claim;
mod commit;
mod desired;
mod digits;
mod effective;
mod email;
mod facts;
mod finding;
mod guard;
mod live;
mod other_files;
mod outcome;
mod pause;
mod place;
mod plan;
mod policy;
mod reason;
mod rule_change;
mod script;
mod semantics;
mod step;
mod team;
mod traffic;
mod value;
mod verb;
mod window;

pub(crate) use action::escape;
pub use action::{Action, ActionName, ApprovedBy, Cause, Edge, Held, Rule, Status};
pub use claim::{AcceptedClaim, ClaimedBy, Claims, IdentityClaim};
pub use commit::short_commit;
pub use desired::{
    Approval, Auth, BudgetSpec, Claim, Daemon, Desired, DesiredAccount, DesiredApp, DesiredGroup, Drift, GroupState,
    Keep, Mode, Notify, Person, PersonStatus, Rate, Schedule, SecretRef, Settings, Store,
};
pub use digits::grouped;
pub use effective::effective;
pub use email::{Email, EmailError};
pub use facts::{Fact, FactIds, Facts};
pub use finding::{Finding, FindingCode, Severity};
pub use guard::Guard;
pub use live::{
    About, AccountGroup, AccountStatus, Coverage, Extent, FoundBy, Live, LiveAccount, LiveApp, LiveGroup, LiveMember,
    Notice, Reach, ReadFailure, Vocabulary, Words,
};
pub use other_files::{OtherFiles, Stance};
pub use outcome::{ActionResult, AppOutcome, Outcome, Tally};
pub use pause::{Pause, pause_length, pause_reason};
pub use place::Place;
pub use plan::{Against, AppPlan, Change, Due, DueWhat, Forecast, Observed, Plan, Seats, Snapshot, Summary};
pub use policy::{Aliases, Cap, Freeze, Irreversible, Policy, RemoveWith, Unlisted};
pub use reason::{Former, Known, Reason};
pub use rule_change::{ClaimChange, Leaning, RuleChange, Turn};
pub use script::{mixed_scripts, overlooked};
pub use semantics::{
    ADDRESS, CatalogueError, ConnectorCatalogue, CreateRule, DeactivateRule, DeleteRule, Effort, Find, GroupRules,
    Limits, MemberChange, MemberRead, MemberRules, NAME, OptionSpec, Options, QuotaScope, RoleRule, ScopeCovers,
    Semantics,
};
pub use step::{AccountRef, GroupRef, KnownAccount, Step};
pub use team::{DesiredTeam, Gift, Grantable};
pub use traffic::{BOUNDS_MS, Latency, Traffic};
pub use value::{FieldName, FieldValue, Values};
pub use verb::{Scope, Verb};
pub(crate) use window::last_day;
pub use window::{Phase, Window};
