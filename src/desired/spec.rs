//! The language as data: every key, what it takes and what it is for. The decoder refuses keys that are not in here, and
//! the JSON Schema is generated from it, so that the two cannot disagree.

use crate::model::Guard;

/// What a value looks like.
#[derive(Debug)]
pub(super) enum Type {
    /// A single value.
    Leaf(&'static Leaf),
    /// A reference to a secret.
    Secret,
    /// Where facts are kept: a `sqlite:` text or a reference to a secret.
    Store,
    /// A list; a single value stands for a list of one.
    List(&'static Type),
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
    pub value: Type,
}

/// A mapping with known keys.
#[derive(Debug)]
pub(super) struct Object {
    /// What it is, for errors and as the name of its definition in the schema.
    pub name: &'static str,
    pub keys: &'static [Key],
    /// Other keys are fields that the connector declares.
    pub fields: bool,
}

/// A key of an object.
#[derive(Debug)]
pub(super) struct Key {
    pub name: &'static str,
    pub value: Type,
    pub doc: &'static str,
}

impl Object {
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
}

const STRING: &[&str] = &["string"];
const SCALAR: &[&str] = &["string", "number", "boolean"];

macro_rules! leaf {
    ($name:ident, $what:literal, $json:expr) => {
        pub(super) static $name: Leaf = Leaf { what: $what, json: $json, pattern: None, words: &[] };
    };
    ($name:ident, $what:literal, $json:expr, pattern $pattern:literal) => {
        pub(super) static $name: Leaf = Leaf { what: $what, json: $json, pattern: Some($pattern), words: &[] };
    };
    ($name:ident, $what:literal, words $($word:literal)+) => {
        pub(super) static $name: Leaf = Leaf { what: $what, json: STRING, pattern: None, words: &[$($word),+] };
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
leaf!(STATUS, "a word", words "active" "suspended" "left");
leaf!(MODE, "a word", words "enforce" "add" "observe");
leaf!(GROUP_STATE, "a word", words "present" "absent");
leaf!(UNLISTED, "a word", words "report" "remove" "ignore");
leaf!(ALIASES, "a word", words "rename" "keep");
leaf!(REMOVE_WITH, "a word", words "deactivate" "delete");
leaf!(IRREVERSIBLE, "a word", words "hold" "allow");
leaf!(EVENT, "a word", words "drift" "held" "failure");
leaf!(DRIFT, "a word", words "correct" "report");
pub(super) static GUARD: Leaf =
    Leaf { what: "a guard that can be released", json: STRING, pattern: None, words: &Guard::RELEASABLE };

const fn key(name: &'static str, value: Type, doc: &'static str) -> Key {
    Key { name, value, doc }
}

const FROM_DOC: &str = "From when: a date (its first moment in settings.time_zone) or an RFC 3339 time.";
const UNTIL_DOC: &str = "Until when: a date (that day included, in settings.time_zone) or an RFC 3339 time (excluded).";
const REASON_DOC: &str = "Why, for reports and the history.";
const ROLE_DOC: &str = "The one role, where the app takes one.";
const ROLES_DOC: &str = "The roles, where the app takes several.";
const POLICY_DOC: &str = "What the engine may do by itself.";
const MODE_DOC: &str =
    "How far the engine may go: enforce, add (removals are held, except of people who left) or observe.";

pub(super) static ROOT: Object = Object {
    name: "files",
    keys: &[
        key("people", Type::Names(&PEOPLE), "Who exists. The key is the identity: an email address."),
        key("teams", Type::Names(&TEAMS), "Company teams: who gets what, in many apps at once."),
        key("apps", Type::Names(&APPS), "The apps, and what is granted in each of them directly."),
        key("approvals", Type::Objects(&APPROVAL), "What a reviewer allowed: one guard each, scoped and expiring."),
        key("settings", Type::Object(&SETTINGS), "How the engine itself runs."),
    ],
    fields: false,
};

/// A file, and all files together.
pub(super) static FILES: Type = Type::Object(&ROOT);

static PEOPLE: Names = Names { what: "an email address", emails: true, list: false, value: Type::Object(&PERSON) };
static TEAMS: Names = Names { what: "a team", emails: false, list: false, value: Type::Object(&TEAM) };
static APPS: Names = Names { what: "an app", emails: false, list: false, value: Type::Object(&APP) };

pub(super) static PERSON: Object = Object {
    name: "person",
    keys: &[
        key("given_name", Type::Leaf(&TEXT), "First name."),
        key("family_name", Type::Leaf(&TEXT), "Last name."),
        key(
            "aliases",
            Type::List(&Type::Leaf(&EMAIL)),
            "Other addresses under which apps may know the person; unique over all people.",
        ),
        key("attributes", Type::Names(&ATTRIBUTES), "Facts that `match` of teams looks at."),
        key("from", Type::Leaf(&MOMENT), "Only postpones what would be added. A date or an RFC 3339 time."),
        key("until", Type::Leaf(&MOMENT), UNTIL_DOC),
        key(
            "status",
            Type::Leaf(&STATUS),
            "active (default), suspended (inactive everywhere, grants kept) or left (removed everywhere).",
        ),
    ],
    fields: false,
};

static ATTRIBUTES: Names = Names { what: "an attribute", emails: false, list: false, value: Type::Value };

pub(super) static TEAM: Object = Object {
    name: "team",
    keys: &[
        key("description", Type::Leaf(&TEXT), "What the team is."),
        key(
            "match",
            Type::Names(&ATTRIBUTES),
            "Everyone whose attributes have one of these values, for every key, is a member too.",
        ),
        key("members", Type::Names(&TEAM_MEMBERS), "People named under `people` or an app's `accounts`."),
        key("includes", Type::List(&Type::Leaf(&TEXT)), "Teams whose members are members here too."),
        key("grants", Type::Names(&GRANTS), "What members get, by app."),
    ],
    fields: false,
};

static TEAM_MEMBERS: Names =
    Names { what: "an email address", emails: true, list: true, value: Type::Object(&TEAM_MEMBER) };
static GRANTS: Names = Names { what: "an app", emails: false, list: true, value: Type::Either(&ROLE, &GRANT) };
static MEMBERS: Names =
    Names { what: "an email address", emails: true, list: true, value: Type::Either(&ROLE, &MEMBER) };
static GRANT_GROUPS: Names = Names { what: "a group", emails: false, list: true, value: Type::Either(&ROLE, &MEMBER) };

pub(super) static TEAM_MEMBER: Object = Object {
    name: "team member",
    keys: &[
        key("from", Type::Leaf(&MOMENT), FROM_DOC),
        key("until", Type::Leaf(&MOMENT), UNTIL_DOC),
        key("reason", Type::Leaf(&TEXT), REASON_DOC),
    ],
    fields: false,
};

pub(super) static MEMBER: Object = Object {
    name: "member",
    keys: &[
        key("role", Type::Leaf(&ROLE), ROLE_DOC),
        key("roles", Type::List(&Type::Leaf(&ROLE)), ROLES_DOC),
        key("from", Type::Leaf(&MOMENT), FROM_DOC),
        key("until", Type::Leaf(&MOMENT), UNTIL_DOC),
        key("reason", Type::Leaf(&TEXT), REASON_DOC),
    ],
    fields: true,
};

pub(super) static GRANT: Object = Object {
    name: "grant",
    keys: &[
        key("role", Type::Leaf(&ROLE), ROLE_DOC),
        key("roles", Type::List(&Type::Leaf(&ROLE)), ROLES_DOC),
        key("groups", Type::Names(&GRANT_GROUPS), "Groups of the app that members join; the app has to declare them."),
        key("from", Type::Leaf(&MOMENT), FROM_DOC),
        key("until", Type::Leaf(&MOMENT), UNTIL_DOC),
        key("reason", Type::Leaf(&TEXT), REASON_DOC),
    ],
    fields: true,
};

pub(super) static APP: Object = Object {
    name: "app",
    keys: &[
        key(
            "connector",
            Type::Leaf(&TEXT),
            "autodesk, acc, alteryx, workiva, scim, or the name or path of a manifest.",
        ),
        key("url", Type::Leaf(&URL), "The app's origin, maybe with a path (SCIM: the SCIM base)."),
        key("auth", Type::Object(&AUTH), "How to sign in; secrets by reference only."),
        key("options", Type::Free, "Settings of the connector."),
        key(
            "budget",
            Type::Object(&BUDGET),
            "How many requests the engine may send; what is left open is the connector's.",
        ),
        key("mode", Type::Leaf(&MODE), MODE_DOC),
        key("seats", Type::Leaf(&COUNT), "Licence cap."),
        key("self", Type::Leaf(&EMAIL), "The account that our own credential acts as; it is never touched."),
        key("policy", Type::Object(&POLICY), POLICY_DOC),
        key("defaults", Type::Object(&DEFAULTS), "Field values for granted accounts whose lines name none."),
        key("grantable", Type::Object(&GRANTABLE), "Bounds what teams may grant here."),
        key(
            "accounts",
            Type::Names(&MEMBERS),
            "Accounts granted directly; may introduce addresses that are not people.",
        ),
        key("groups", Type::Names(&GROUPS), "The app's own groups that are looked after; others are left alone."),
        key("ids", Type::Names(&IDS), "Pins of identities to the app's immutable ids."),
    ],
    fields: false,
};

static GROUPS: Names = Names { what: "a group", emails: false, list: false, value: Type::Object(&GROUP) };
static IDS: Names = Names { what: "an email address", emails: true, list: false, value: Type::Leaf(&TEXT) };

pub(super) static GROUP: Object = Object {
    name: "group",
    keys: &[
        key("id", Type::Leaf(&TEXT), "Pin to the app's immutable id."),
        key("state", Type::Leaf(&GROUP_STATE), "present (default) or absent: the group is deleted."),
        key("members", Type::Names(&MEMBERS), "Who is in it, with a role or nothing."),
        key("mode", Type::Leaf(&MODE), MODE_DOC),
        key("policy", Type::Object(&POLICY), POLICY_DOC),
    ],
    fields: true,
};

pub(super) static DEFAULTS: Object = Object {
    name: "defaults",
    keys: &[key("role", Type::Leaf(&ROLE), ROLE_DOC), key("roles", Type::List(&Type::Leaf(&ROLE)), ROLES_DOC)],
    fields: true,
};

pub(super) static GRANTABLE: Object = Object {
    name: "grantable",
    keys: &[
        key("roles", Type::List(&Type::Leaf(&ROLE)), "The only account roles that teams may grant."),
        key("groups", Type::List(&Type::Leaf(&TEXT)), "The only groups that teams may grant."),
    ],
    fields: false,
};

pub(super) static AUTH: Object = Object {
    name: "auth",
    keys: &[
        key("client_id", Type::Secret, "OAuth client id."),
        key("client_secret", Type::Secret, "OAuth client secret."),
        key("token", Type::Secret, "A token that does not expire by itself."),
        key("username", Type::Secret, "Name for Basic authentication or a log-in call."),
        key("password", Type::Secret, "Password for Basic authentication or a log-in call."),
        key("token_url", Type::Leaf(&URL), "Replaces the connector's token address."),
        key("scopes", Type::List(&Type::Leaf(&TEXT)), "Replaces the connector's scopes."),
    ],
    fields: false,
};

pub(super) static SECRET: Object = Object {
    name: "secret",
    keys: &[
        key("env", Type::Leaf(&TEXT), "The environment variable that holds the secret."),
        key("file", Type::Leaf(&TEXT), "The file that holds the secret; white space at its end is dropped."),
    ],
    fields: false,
};

pub(super) static BUDGET: Object = Object {
    name: "budget",
    keys: &[
        key("requests", Type::Leaf(&RATE), "Replaces all the connector's quotas: N/s, N/m, N/h or N/d."),
        key("read", Type::Leaf(&RATE), "Replaces the quota of reads."),
        key("write", Type::Leaf(&RATE), "Replaces the quota of writes."),
        key("concurrency", Type::Leaf(&COUNT), "Requests under way at once."),
        key("keep_free", Type::Leaf(&SHARE), "Share left to other users of the API."),
    ],
    fields: false,
};

pub(super) static POLICY: Object = Object {
    name: "policy",
    keys: &[
        key(
            "unlisted",
            Type::Leaf(&UNLISTED),
            "What happens to what is live and named nowhere: report (default), remove or ignore.",
        ),
        key(
            "aliases",
            Type::Leaf(&ALIASES),
            "Accounts that go by an alias: rename (default) gives them the person's address, keep leaves theirs.",
        ),
        key("remove_with", Type::Leaf(&REMOVE_WITH), "How an account is removed: deactivate (default) or delete."),
        key("delete_after", Type::Leaf(&DURATION), "Delete accounts this long after we deactivated them."),
        key("irreversible", Type::Leaf(&IRREVERSIBLE), "Steps that cannot be undone: hold (default) or allow."),
        key("protect", Type::List(&Type::Leaf(&GLOB)), "Addresses that lose nothing without an approval, as patterns."),
        key(
            "max_removals",
            Type::Either(&CAP_TEXT, &CAP),
            "How many people may lose something; default 10%, at least 3.",
        ),
        key(
            "max_creates",
            Type::Either(&CAP_TEXT, &CAP),
            "How many people may gain something; default 25%, at least 50.",
        ),
        key("min_admins", Type::Leaf(&COUNT), "How many admins an app always keeps; default 1."),
        key("freeze", Type::Objects(&FREEZE), "Times in which nobody but leavers is touched."),
    ],
    fields: false,
};

pub(super) static CAP: Object = Object {
    name: "cap",
    keys: &[
        key("share", Type::Leaf(&SHARE), "Share of the people active at the start of the day."),
        key("at_least", Type::Leaf(&COUNT), "Allowed whatever the share comes to."),
    ],
    fields: false,
};

pub(super) static FREEZE: Object = Object {
    name: "freeze",
    keys: &[
        key("from", Type::Leaf(&MOMENT), FROM_DOC),
        key("until", Type::Leaf(&MOMENT), UNTIL_DOC),
        key("reason", Type::Leaf(&TEXT), REASON_DOC),
    ],
    fields: false,
};

pub(super) static APPROVAL: Object = Object {
    name: "approval",
    keys: &[
        key("allow", Type::Leaf(&TEXT), "An action's name, or the beginning of one up to a `/`: it covers all below."),
        key("guard", Type::Leaf(&GUARD), "The one guard that it releases."),
        key("up_to", Type::Leaf(&COUNT), "How many people it covers, for max-removals and max-creates."),
        key("until", Type::Leaf(&MOMENT), UNTIL_DOC),
        key("reason", Type::Leaf(&TEXT), REASON_DOC),
    ],
    fields: false,
};

pub(super) static SETTINGS: Object = Object {
    name: "settings",
    keys: &[
        key("time_zone", Type::Leaf(&ZONE), "The zone whose days dates are; default UTC."),
        key("store", Type::Store, "Where facts are kept: sqlite:PATH, or { env: NAME } with a postgres:// URL."),
        key("schedule", Type::Object(&SCHEDULE), "When the daemon works; default every 15 minutes."),
        key("policy", Type::Object(&POLICY), "Defaults for every app."),
        key("notify", Type::Objects(&NOTIFY), "Whom to tell of what."),
        key("daemon", Type::Object(&DAEMON), "The daemon's own address."),
        key("keep", Type::Object(&KEEP), "How long the past is kept; for ever where nothing is said."),
    ],
    fields: false,
};

pub(super) static SCHEDULE: Object = Object {
    name: "schedule",
    keys: &[
        key("every", Type::Leaf(&DURATION), "The pause between starts."),
        key("jitter", Type::Leaf(&DURATION), "Up to this much is added at random."),
        key(
            "cron",
            Type::Leaf(&CRON),
            "Instead of `every`: a cron expression of five fields, or six with seconds first.",
        ),
    ],
    fields: false,
};

pub(super) static NOTIFY: Object = Object {
    name: "notify",
    keys: &[
        key("url", Type::Secret, "The webhook; its address is a secret."),
        key("on", Type::List(&Type::Leaf(&EVENT)), "drift, held, failure; all of them when left out."),
    ],
    fields: false,
};

pub(super) static KEEP: Object = Object {
    name: "keep",
    keys: &[
        key("ledger", Type::Leaf(&DURATION), "Entries of the ledger, such as 7y; what is still needed stays."),
        key("readings", Type::Leaf(&DURATION), "What readings showed, such as 90d, after it was otherwise."),
    ],
    fields: false,
};

pub(super) static DAEMON: Object = Object {
    name: "daemon",
    keys: &[
        key("listen", Type::Leaf(&LISTEN), "Address and port."),
        key("token", Type::Secret, "What callers must show; needed where the address is not a loopback one."),
        key(
            "drift",
            Type::Leaf(&DRIFT),
            "correct (default), or report: differences are shown, and nothing is written.",
        ),
    ],
    fields: false,
};
