//! The language as data: every key, what it takes and what it is for. The decoder refuses keys that are not in here, and
//! the JSON Schema is generated from it, so that the two cannot disagree.

use strum::VariantNames as _;

use crate::model::{Aliases, Drift, GroupState, Guard, Irreversible, Mode, PersonStatus, RemoveWith, Unlisted};

/// What a value looks like.
#[derive(Debug)]
pub(super) enum Type {
    /// A single value.
    Leaf(&'static Leaf),
    /// A reference to a secret.
    Secret,
    /// Where facts are kept: a `sqlite:` text or a reference to a secret.
    Store,
    /// A list of single values; one of them stands for a list of one.
    List(&'static Leaf),
    /// A mapping from names to values of one type.
    Names(&'static Names),
    /// A mapping with known keys.
    Object(&'static Object),
    /// Nothing, a single value, or a mapping with known keys.
    Either(&'static Leaf, &'static Object),
    /// An object, or a list of them.
    Objects(&'static Object),
    /// A single value or a list of them, of any kind: an attribute or a field.
    Value,
    /// Anything, for the connector to judge.
    Free,
}

/// What a single value looks like.
#[derive(Debug)]
pub(super) struct Leaf {
    /// With its article: `a date`.
    pub what: &'static str,
    /// JSON types.
    pub json: &'static [&'static str],
    /// Which texts, roughly; the decoder is stricter.
    pub pattern: Option<&'static str>,
    /// The only words there are, when there is a fixed set.
    pub words: &'static [&'static str],
}

/// A mapping from names.
#[derive(Debug)]
pub(super) struct Names {
    /// What the names are: `an email address`.
    pub what: &'static str,
    /// The names are email addresses, compared without case.
    pub emails: bool,
    /// A plain list of names will do as well.
    pub list: bool,
    /// Each name stands in one place, and what is said in another is not merged into it.
    pub once: bool,
    pub value: Type,
}

/// A mapping with known keys.
#[derive(Debug)]
pub(super) struct Object {
    /// What it is, for errors and as the name of its definition in the schema.
    pub name: &'static str,
    pub keys: &'static [Key],
    /// What other keys are.
    pub rest: Rest,
}

/// What the keys of an object are that the language does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// Mistakes.
    Unknown,
    /// Fields that the connector declares.
    Fields,
    /// Anything, for the connector to judge.
    Free,
}

/// A key of an object.
#[derive(Debug)]
pub(super) struct Key {
    pub name: &'static str,
    pub value: Type,
    pub doc: &'static str,
}

impl Object {
    const fn closed(name: &'static str) -> Self {
        Self { name, keys: &[], rest: Rest::Unknown }
    }

    /// One with the fields of the connector as well.
    const fn open(name: &'static str) -> Self {
        Self { name, keys: &[], rest: Rest::Fields }
    }

    const fn keys(self, keys: &'static [Key]) -> Self {
        Self { keys, ..self }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.keys.iter().map(|key| key.name)
    }

    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

impl Type {
    /// The object behind a mapping of this type, when it has known keys.
    pub(super) fn object(&self) -> Option<&'static Object> {
        match self {
            Self::Object(object) | Self::Either(_, object) | Self::Objects(object) => Some(object),
            _ => None,
        }
    }

    /// What the value of a key in a mapping of this type is, where the language knows the key.
    pub(super) fn of_key(&'static self, key: &str) -> Option<&'static Self> {
        match self {
            Self::Names(names) => Some(&names.value),
            _ => Some(&self.object()?.key(key)?.value),
        }
    }

    /// What the items of a list in place of this type are.
    pub(super) fn of_items(&'static self) -> &'static Self {
        if let Self::Objects(_) = self { self } else { &Self::Free }
    }
}

const STRING: &[&str] = &["string"];
const SCALAR: &[&str] = &["string", "number", "boolean"];

macro_rules! leaf {
    ($name:ident, $what:literal, words = $words:expr) => {
        pub(super) static $name: Leaf = Leaf { what: $what, json: STRING, pattern: None, words: $words };
    };
    ($name:ident, $what:literal, $json:expr) => {
        pub(super) static $name: Leaf = Leaf { what: $what, json: $json, pattern: None, words: &[] };
    };
    ($name:ident, $what:literal, $json:expr, pattern $pattern:literal) => {
        pub(super) static $name: Leaf = Leaf { what: $what, json: $json, pattern: Some($pattern), words: &[] };
    };
}

leaf!(TEXT, "a text", SCALAR);
leaf!(EMAIL, "an email address", STRING, pattern r"^\s*[^@\s]+@[^@\s]+\.[^@\s]+\s*$");
leaf!(URL, "the address of an API", STRING, pattern "^https?://");
leaf!(ROLE, "a role", SCALAR);
leaf!(MOMENT, "a date or an RFC 3339 time", STRING, pattern r"^\d{4}-\d{2}-\d{2}([Tt ].*)?$");
leaf!(DURATION, "a duration such as `15m` or `30d`", STRING, pattern r"^\s*\d+\s*[a-zA-Z]+(\s*\d+\s*[a-zA-Z]+)*\s*$");
leaf!(RATE, "a number of requests in a time, such as `1000/h`", STRING, pattern r"^\s*\d+\s*/\s*(s|m|h|d)\s*$");
leaf!(SHARE, "a share such as `10%`", STRING, pattern r"^\s*\d+(\.\d+)?\s*%\s*$");
leaf!(COUNT, "a whole number", &["integer"]);
leaf!(CAP_TEXT, "a share such as `10%` or a count", &["string", "integer"], pattern r"^\s*\d+(\.\d+)?\s*%\s*$");
leaf!(CRON, "a cron expression of five or six fields", STRING, pattern r"^\s*\S+(\s+\S+){4,5}\s*$");
leaf!(ZONE, "a time zone such as `Europe/Berlin`", STRING);
leaf!(GLOB, "a pattern for email addresses, such as `*@example.com`", STRING);
leaf!(LISTEN, "an address with a port, such as `127.0.0.1:8484`", STRING, pattern r"^.+:\d+$");
leaf!(STATUS, "a word", words = PersonStatus::VARIANTS);
leaf!(MODE, "a word", words = Mode::VARIANTS);
leaf!(GROUP_STATE, "a word", words = GroupState::VARIANTS);
leaf!(UNLISTED, "a word", words = Unlisted::VARIANTS);
leaf!(ALIASES, "a word", words = Aliases::VARIANTS);
leaf!(REMOVE_WITH, "a word", words = RemoveWith::VARIANTS);
leaf!(IRREVERSIBLE, "a word", words = Irreversible::VARIANTS);
leaf!(EVENT, "a word", words = &["drift", "held", "failure"]);
leaf!(DRIFT, "a word", words = Drift::VARIANTS);
leaf!(GUARD, "a guard that can be released", words = Guard::RELEASABLE);

const fn key(name: &'static str, value: Type, doc: &'static str) -> Key {
    Key { name, value, doc }
}

/// A key with a single value.
const fn leaf(name: &'static str, value: &'static Leaf, doc: &'static str) -> Key {
    key(name, Type::Leaf(value), doc)
}

/// A key with a list of single values.
const fn list(name: &'static str, value: &'static Leaf, doc: &'static str) -> Key {
    key(name, Type::List(value), doc)
}

/// The keys that several objects share.
const FROM: Key =
    leaf("from", &MOMENT, "From when: a date (its first moment in settings.time_zone) or an RFC 3339 time.");
const UNTIL: Key = leaf(
    "until",
    &MOMENT,
    "Until when: a date (that day included, in settings.time_zone) or an RFC 3339 time (excluded).",
);
const REASON: Key = leaf("reason", &TEXT, "Why, for reports and the history.");
const ONE_ROLE: Key = leaf("role", &ROLE, "The one role, where the app takes one.");
const ROLES: Key = list("roles", &ROLE, "The roles, where the app takes several.");
const MODES: Key = leaf(
    "mode",
    &MODE,
    "How far the engine may go: enforce, add (removals are held, except of people who left) or observe.",
);
const POLICIES: Key = key("policy", Type::Object(&POLICY), "What the engine may do by itself.");

pub(super) static ROOT: Object = Object::closed("files").keys(&[
    key("people", Type::Names(&PEOPLE), "Who exists. The key is the identity: an email address."),
    key("teams", Type::Names(&TEAMS), "Company teams: who gets what, in many apps at once."),
    key("apps", Type::Names(&APPS), "The apps, and what is granted in each of them directly."),
    key("approvals", Type::Objects(&APPROVAL), "What a reviewer allowed: one guard each, scoped and expiring."),
    key("settings", Type::Object(&SETTINGS), "How the engine itself runs."),
]);

/// A file, and all files together.
pub(super) static FILES: Type = Type::Object(&ROOT);

static PEOPLE: Names =
    Names { what: "an email address", emails: true, list: false, once: true, value: Type::Object(&PERSON) };
static TEAMS: Names = Names { what: "a team", emails: false, list: false, once: false, value: Type::Object(&TEAM) };
static APPS: Names = Names { what: "an app", emails: false, list: false, once: false, value: Type::Object(&APP) };

pub(super) static PERSON: Object = Object::closed("person").keys(&[
    leaf("given_name", &TEXT, "First name."),
    leaf("family_name", &TEXT, "Last name."),
    list("aliases", &EMAIL, "Other addresses under which apps may know the person; unique over all people."),
    key("attributes", Type::Names(&ATTRIBUTES), "Facts that `match` of teams looks at."),
    leaf("from", &MOMENT, "Only postpones what would be added. A date or an RFC 3339 time."),
    UNTIL,
    leaf(
        "status",
        &STATUS,
        "active (default), suspended (inactive everywhere, grants kept) or left (removed everywhere).",
    ),
]);

static ATTRIBUTES: Names = Names { what: "an attribute", emails: false, list: false, once: false, value: Type::Value };

pub(super) static TEAM: Object = Object::closed("team").keys(&[
    leaf("description", &TEXT, "What the team is."),
    key(
        "match",
        Type::Names(&ATTRIBUTES),
        "Everyone whose attributes have one of these values, for every key, is a member too.",
    ),
    key("members", Type::Names(&TEAM_MEMBERS), "People named under `people` or an app's `accounts`."),
    list("includes", &TEXT, "Teams whose members are members here too."),
    key("grants", Type::Names(&GRANTS), "What members get, by app."),
]);

static TEAM_MEMBERS: Names =
    Names { what: "an email address", emails: true, list: true, once: false, value: Type::Object(&TEAM_MEMBER) };
static GRANTS: Names =
    Names { what: "an app", emails: false, list: true, once: false, value: Type::Either(&ROLE, &GRANT) };
static MEMBERS: Names =
    Names { what: "an email address", emails: true, list: true, once: false, value: Type::Either(&ROLE, &MEMBER) };
static GRANT_GROUPS: Names =
    Names { what: "a group", emails: false, list: true, once: false, value: Type::Either(&ROLE, &MEMBER) };

pub(super) static TEAM_MEMBER: Object = Object::closed("team member").keys(&[FROM, UNTIL, REASON]);

pub(super) static MEMBER: Object = Object::open("member").keys(&[ONE_ROLE, ROLES, FROM, UNTIL, REASON]);

pub(super) static GRANT: Object = Object::open("grant").keys(&[
    ONE_ROLE,
    ROLES,
    key("groups", Type::Names(&GRANT_GROUPS), "Groups of the app that members join; the app has to declare them."),
    FROM,
    UNTIL,
    REASON,
]);

pub(super) static OPTIONS: Object = Object { name: "options", keys: &[MAX_ROWS], rest: Rest::Free };

const MAX_ROWS: Key = leaf(
    "max_rows",
    &COUNT,
    "Rows that rosterd reads of one list at most; default: 10,000 or three times the last complete reading, whichever is more.",
);

pub(super) static APP: Object = Object::closed("app").keys(&[
    leaf("connector", &TEXT, "autodesk, acc, alteryx, workiva, scim, or the name or path of a manifest."),
    leaf("url", &URL, "The app's origin, maybe with a path (SCIM: the SCIM base)."),
    key("auth", Type::Object(&AUTH), "How to sign in; secrets by reference only."),
    key("options", Type::Object(&OPTIONS), "Settings of the connector, and a few that every connector has."),
    key(
        "budget",
        Type::Object(&BUDGET),
        "How many requests the engine may send; what is left open is the connector's.",
    ),
    MODES,
    leaf("seats", &COUNT, "Licence cap."),
    leaf("self", &EMAIL, "The account that our own credential acts as; it is never touched."),
    POLICIES,
    key("defaults", Type::Object(&DEFAULTS), "Field values for granted accounts whose lines name none."),
    key("grantable", Type::Object(&GRANTABLE), "Bounds what teams may grant here."),
    key("accounts", Type::Names(&MEMBERS), "Accounts granted directly; may introduce addresses that are not people."),
    key("groups", Type::Names(&GROUPS), "The app's own groups that are looked after; others are left alone."),
    key("ids", Type::Names(&IDS), "Pins of identities to the app's immutable ids."),
]);

static GROUPS: Names = Names { what: "a group", emails: false, list: false, once: false, value: Type::Object(&GROUP) };
static IDS: Names =
    Names { what: "an email address", emails: true, list: false, once: false, value: Type::Leaf(&TEXT) };

pub(super) static GROUP: Object = Object::open("group").keys(&[
    leaf("id", &TEXT, "Pin to the app's immutable id."),
    leaf("state", &GROUP_STATE, "present (default) or absent: the group is deleted."),
    key("members", Type::Names(&MEMBERS), "Who is in it, with a role or nothing."),
    MODES,
    POLICIES,
]);

pub(super) static DEFAULTS: Object = Object::open("defaults").keys(&[ONE_ROLE, ROLES]);

pub(super) static GRANTABLE: Object = Object::open("grantable").keys(&[
    list("roles", &ROLE, "The only account roles that teams may grant; without it, all that administer nothing."),
    list("groups", &TEXT, "The only groups that teams may grant."),
    key("members", Type::Object(&GRANTABLE_MEMBERS), "Bounds what memberships that teams grant may hold."),
]);

static GRANTABLE_MEMBERS: Object = Object::open("grantable members").keys(&[list(
    "roles",
    &ROLE,
    "The only roles in groups that teams may grant; without it, all that administer nothing.",
)]);

pub(super) static AUTH: Object = Object::closed("auth").keys(&[
    key("client_id", Type::Secret, "OAuth client id."),
    key("client_secret", Type::Secret, "OAuth client secret."),
    key("token", Type::Secret, "A token that does not expire by itself."),
    key("username", Type::Secret, "Name for Basic authentication or a log-in call."),
    key("password", Type::Secret, "Password for Basic authentication or a log-in call."),
    leaf("token_url", &URL, "Replaces the connector's token address."),
    list("scopes", &TEXT, "Replaces the connector's scopes."),
]);

pub(super) static SECRET: Object = Object::closed("secret").keys(&[
    leaf("env", &TEXT, "The environment variable that holds the secret."),
    leaf("file", &TEXT, "The file that holds the secret; white space at its end is dropped."),
]);

pub(super) static BUDGET: Object = Object::closed("budget").keys(&[
    leaf("requests", &RATE, "Replaces all the connector's quotas: N/s, N/m, N/h or N/d."),
    leaf("read", &RATE, "Replaces the quota of reads."),
    leaf("write", &RATE, "Replaces the quota of writes."),
    leaf("concurrency", &COUNT, "Requests under way at once."),
    leaf("keep_free", &SHARE, "Share left to other users of the API."),
]);

pub(super) static POLICY: Object = Object::closed("policy").keys(&[
    leaf("unlisted", &UNLISTED, "What happens to what is live and named nowhere: report (default), remove or ignore."),
    leaf(
        "aliases",
        &ALIASES,
        "Accounts that go by an alias: rename (default) gives them the person's address, keep leaves theirs.",
    ),
    leaf("remove_with", &REMOVE_WITH, "How an account is removed: deactivate (default) or delete."),
    leaf("delete_after", &DURATION, "Delete accounts this long after we deactivated them."),
    leaf("irreversible", &IRREVERSIBLE, "Steps that cannot be undone: hold (default), always-hold (even where a person's own line says `status: left`) or allow."),
    list("protect", &GLOB, "Addresses that lose nothing without an approval, as patterns."),
    key("max_removals", Type::Either(&CAP_TEXT, &CAP), "How many people may lose something; default 10%, at least 3."),
    key("max_creates", Type::Either(&CAP_TEXT, &CAP), "How many people may gain something; default 25%, at least 50."),
    leaf("min_admins", &COUNT, "How many admins an app always keeps; default 1."),
    key("freeze", Type::Objects(&FREEZE), "Times in which nobody but leavers is touched."),
]);

pub(super) static CAP: Object = Object::closed("cap").keys(&[
    leaf("share", &SHARE, "Share of the people active at the start of the day."),
    leaf("at_least", &COUNT, "Allowed whatever the share comes to."),
]);

pub(super) static FREEZE: Object = Object::closed("freeze").keys(&[FROM, UNTIL, REASON]);

pub(super) static APPROVAL: Object = Object::closed("approval").keys(&[
    leaf("allow", &TEXT, "An action's name, or the beginning of one up to a `/`: it covers all below."),
    leaf("guard", &GUARD, "The one guard that it releases."),
    leaf("up_to", &COUNT, "How many people it covers, for max-removals and max-creates."),
    UNTIL,
    REASON,
]);

pub(super) static SETTINGS: Object = Object::closed("settings").keys(&[
    leaf("time_zone", &ZONE, "The zone whose days dates are; default UTC."),
    key("store", Type::Store, "Where facts are kept: sqlite:PATH, or { env: NAME } with a postgres:// URL."),
    key("schedule", Type::Object(&SCHEDULE), "When the daemon works; default every 15 minutes."),
    key("policy", Type::Object(&POLICY), "Defaults for every app."),
    key("notify", Type::Objects(&NOTIFY), "Whom to tell of what."),
    key("daemon", Type::Object(&DAEMON), "The daemon's own address."),
    key("keep", Type::Object(&KEEP), "How long the past is kept; for ever where nothing is said."),
]);

pub(super) static SCHEDULE: Object = Object::closed("schedule").keys(&[
    leaf("every", &DURATION, "The pause between starts."),
    leaf("jitter", &DURATION, "Up to this much is added at random."),
    leaf("cron", &CRON, "Instead of `every`: a cron expression of five fields, or six with seconds first."),
]);

pub(super) static NOTIFY: Object = Object::closed("notify").keys(&[
    key("url", Type::Secret, "The webhook; its address is a secret."),
    list("on", &EVENT, "drift, held, failure; all of them when left out."),
]);

pub(super) static KEEP: Object = Object::closed("keep").keys(&[
    leaf("ledger", &DURATION, "Entries of the ledger, such as 7y; what is still needed stays."),
    leaf("readings", &DURATION, "What readings showed, such as 90d, after it was otherwise."),
]);

pub(super) static DAEMON: Object = Object::closed("daemon").keys(&[
    leaf("listen", &LISTEN, "Address and port."),
    key("token", Type::Secret, "What callers must show; needed where the address is not a loopback one."),
    key("read_token", Type::Secret, "What callers may show who only look, and begin no cycle."),
    leaf("drift", &DRIFT, "correct (default), or report: differences are shown, and nothing is written."),
]);
