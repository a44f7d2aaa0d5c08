//! Workiva's platform API, as its guide describes it: flat users and groups of one workspace under `/platform/v1`.
//!
//! Where the guide is silent, this is what was decided:
//!
//! | question | decision |
//! |---|---|
//! | what a row of the user list holds | id, email, firstName and active, as in the guide's example; more by quirk |
//! | what a create answers | 201 and the whole user |
//! | what a PATCH answers | id, the fields that were given, updatedAt |
//! | `roles` in a PATCH | replaces the whole list; an id that is no role of this workspace is a 400 |
//! | `displayName` | the two names together, until it is given |
//! | `GET /users?email=` | the whole address, without case; contained in it by quirk |
//! | a duplicate email | 409, whether its owner is active or not |
//! | inactive users in the list | there |
//! | memberships of a deactivated user | kept |
//! | adding a member again | 409 |
//! | `GET /roles` | `{data: [{id, name}], nextPageToken}`, with the scope iam:users:read |
//! | `GET /groups/{id}/members` | `{data: [{userId, email}], nextPageToken}` |
//! | creating and renaming groups | 201, 200; two groups may have one name; there is no DELETE |
//! | the last page's token | absent for users, null for groups and roles, empty for members: the guide allows all three |
//! | a page token with other parameters than it was given for, or after its life | 400 `400InvalidPageToken` |
//! | a `pageSize` above 100 | taken as 100 |
//! | tokens | live 599 s; without a scope they carry all that were granted |
//! | requests | 50 a second; no header tells of it |
//! | the integration's own user is inactive or gone | 403 for everything (example organisation) |

mod api;
mod example;
mod pages;

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    app::{Answer, App, ClientAuth, DriftError, OAuth, Request},
    chance::Chance,
    config::{Config, Quota},
    entry::{Entry, Family},
    quirks::{Quirk, Quirks, quirk},
    roster::{Fields, Refusal, Roster, Server, User},
};
use pages::Pages;

const QUIRKS: &[Quirk] = &[
    quirk("roles-in-list", "rows of the user list hold the roles too"),
    quirk("whole-rows", "rows of the user list are whole users"),
    quirk("email-contains", "the filter `email` finds every address that contains the text"),
    quirk("email-ignored", "the filter `email` finds everyone"),
    quirk("ambiguous-roles", "two roles of the workspace are called Editor"),
    quirk("narrow-scope", "tokens never carry iam:groups:write, and their answer says so"),
    quirk("all-users-group", "a built-in group All Users holds everyone and cannot be changed"),
    quirk("wrong-member-count", "memberCount is always 0"),
    quirk("page-repeats", "a page token is answered with the first page and the same token again"),
    quirk("page-token-expires-once", "the first page token that is used has expired already"),
    quirk("empty-pages", "after every page comes one without rows and with a token"),
    quirk("truncated-list", "lists end after their first page"),
];

/// All roles of a workspace; their ids are its own.
const ROLES: [&str; 5] = ["Viewer", "Contributor", "Editor", "Approver", "Workspace Admin"];
/// The role that the quirk `ambiguous-roles` makes two of.
const AMBIGUOUS: &str = "Editor";

const SCOPES: [&str; 4] = ["iam:users:read", "iam:users:write", "iam:groups:read", "iam:groups:write"];

/// The id and name of the built-in group of everyone.
const ALL_USERS: (&str, &str) = ("grp_all", "All Users");

/// Longer than this no token lives, as the vendor's samples say.
const TOKEN_LIFE: Duration = Duration::from_secs(599);

/// An older vendor's guide names this limit for all endpoints together.
const QUOTAS: &[Family] = &[Family {
    name: "all",
    takes: |_| true,
    quota: Quota { requests: 50, window: Duration::from_secs(1), concurrency: usize::MAX },
    told: false,
    per_client: false,
}];

/// Workiva.
pub(crate) const ENTRY: Entry = Entry { connector: "workiva", quirks: QUIRKS, quotas: QUOTAS, start };

/// One workspace.
struct Workiva {
    workspace: String,
    roster: Roster,
    /// Id and name of each role, in the order of the list.
    roles: Vec<(String, &'static str)>,
    pages: Pages,
    quirks: Quirks,
    /// The user in whose name the integration acts, where that is known.
    integration: Option<String>,
}

fn start(chance: Chance, config: &Config, with_example: bool, now: Timestamp) -> Box<dyn App> {
    let new_id = |chance: &Chance, about: &str| {
        let prefix = if about.starts_with("user") { "usr" } else { "grp" };
        format!("{prefix}_{}", short(chance, about))
    };
    let mut app = Workiva {
        workspace: format!("wks_{}", short(&chance, "workspace")),
        roles: ROLES.iter().map(|name| (format!("role_{}", short(&chance, name)), *name)).collect(),
        pages: Pages::new(chance.clone(), config.page_token_life),
        roster: Roster::new(chance, now, new_id),
        quirks: Quirks::default(),
        integration: None,
    };
    if with_example {
        example::fill(&mut app).expect("the example names groups and roles of its own making only");
    }
    Box::new(app)
}

/// An id's varying part: as long as needed for a workspace's few thousand objects, short enough to read.
fn short(chance: &Chance, about: &str) -> String {
    chance.token("workiva", about)[..16].to_owned()
}

impl Workiva {
    /// The names of a user's roles.
    fn role_names<'a>(&'a self, user: &'a User) -> impl Iterator<Item = &'a str> {
        let ids = user.raw.get("roles").and_then(Value::as_array).into_iter().flatten();
        let name = |id: &Value| Some(self.roles.iter().find(|(role, _)| Some(role.as_str()) == id.as_str())?.1);
        ids.filter_map(name)
    }

    /// Refuses everything once the user in whose name the integration acts is gone.
    fn check_integration(&self) -> Result<(), Refusal> {
        let Some(integration) = &self.integration else { return Ok(()) };
        match self.roster.user(integration) {
            Some(user) if user.is("active") && self.role_names(user).any(|name| name == "Workspace Admin") => Ok(()),
            _ => Err(Refusal::new(403, "The user of this integration is no active administrator of the workspace.")),
        }
    }
}

impl Server for Workiva {
    fn roster(&self) -> &Roster {
        &self.roster
    }

    fn roster_mut(&mut self) -> &mut Roster {
        &mut self.roster
    }

    fn fields(&self) -> Fields {
        Fields { active: "active", role: "roles", updated: Some("updatedAt") }
    }

    fn fresh(&self, email: &str, given: &str, family: &str, at: Timestamp) -> Map<String, Value> {
        let fields = [
            ("email", json!(email)),
            ("firstName", json!(given)),
            ("lastName", json!(family)),
            ("displayName", json!(format!("{given} {family}"))),
            ("active", json!(true)),
            ("roles", json!([])),
            ("createdAt", json!(at)),
            ("updatedAt", json!(at)),
            ("workspaceId", json!(self.workspace)),
        ];
        fields.into_iter().map(|(field, value)| (field.to_owned(), value)).collect()
    }

    fn role_text(&self, user: &User) -> String {
        self.role_names(user).collect::<Vec<_>>().join(", ")
    }

    /// Names of roles, joined with commas.
    fn role_value(&self, text: &str) -> Result<Value, DriftError> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let id = |name: &str| {
            let role = self.roles.iter().find(|(_, known)| *known == name);
            role.map(|(id, _)| json!(id)).ok_or_else(|| DriftError::BadValue { field: "role", value: name.to_owned() })
        };
        Ok(Value::Array(names.map(id).collect::<Result<_, _>>()?))
    }

    fn group_role(&self) -> &'static str {
        ""
    }

    fn door(&self) -> OAuth {
        let withheld = if self.quirks.has("narrow-scope") { vec!["iam:groups:write".to_owned()] } else { Vec::new() };
        OAuth {
            path: "/iam/v1/oauth2/token",
            scopes: SCOPES.map(str::to_owned).to_vec(),
            scope_optional: true,
            withheld,
            client: ClientAuth::Either,
            longest_life: Some(TOKEN_LIFE),
            ..OAuth::default()
        }
    }

    fn switch(&mut self, quirks: Quirks) {
        self.roles.truncate(ROLES.len());
        if quirks.has("ambiguous-roles") {
            self.roles.push((format!("role_{}", short(&self.roster.chance, "another role of the name")), AMBIGUOUS));
        }
        self.pages.restart();
        self.quirks = quirks;
    }

    fn route(&mut self, request: &Request, scopes: &BTreeSet<String>) -> Result<Answer, Refusal> {
        self.check_integration()?;
        api::route(self, request, scopes)
    }

    fn word(&self, refusal: &Refusal) -> Value {
        let code = match (refusal.code, refusal.status) {
            (Some(code), _) => code,
            (None, 400) => "400BadRequest",
            (None, 401) => "401Unauthorized",
            (None, 403) => "403Forbidden",
            (None, 404) => "404NotFound",
            (None, 405) => "405MethodNotAllowed",
            (None, 409) => "409Conflict",
            (None, 415) => "415UnsupportedMediaType",
            (None, 429) => "429TooManyRequests",
            (None, 503) => "503ServiceUnavailable",
            (None, _) => "500InternalServerError",
        };
        json!({ "code": code, "message": refusal.message, "target": null, "details": [], "version": "v1",
            "documentationUrl": "https://developers.workiva.com/" })
    }
}
