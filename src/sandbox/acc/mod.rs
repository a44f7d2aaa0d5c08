//! Autodesk Construction Cloud: one account with its people, projects, companies and industry roles, behind two
//! families of paths: `construction/admin` (camelCase, paged) and the older `hq` (snake_case, bare lists).
//! Where the guides are silent, this is what was decided:
//!
//! | question | decision |
//! |---|---|
//! | adding an unknown address to a project | makes an account user, who is pending until the invitation is accepted |
//! | adding an active account user | active in the project at once; an email goes out all the same |
//! | adding one who was only created through `hq` | the first project invites: `not_invited` becomes `pending` |
//! | an import that names a member who is there | that one is skipped, silently; a POST of one answers 409 |
//! | a removed member, read by id | 200 with the status `deleted` |
//! | a removed member, added again | a new start: nothing of the old row is kept |
//! | PATCH of `products` | merged by key; `roleIds` and `companyId` are replaced |
//! | products that a POST does not name | those of an administrator for one, none for anybody else; all as a member where none is named |
//! | `none` for a single product | accepted |
//! | an account made inactive | its project rows stay as they are (quirk `inactive-disables-members`) |
//! | the last project administrator, the acting user | can be removed like anybody |
//! | a wrong `Region` at `construction/admin` | 404; none at all is routed by itself |
//! | industry roles | five; only those that a member holds are ever shown |
//!
//! Every tenant has [`ACC_ACCOUNT`] as its account and [`ACC_ADMIN`] as an account administrator, the example one or
//! an empty one alike: without an administrator nothing could be written.

mod account;
mod common;
mod construction;
mod drift;
mod example;
mod hq;
mod page;
mod products;
mod show;

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    app::Request,
    chance::Chance,
    clock,
    config::Config,
    entry::{Entry, Family, per_minute},
    quirks::{Quirk, Quirks, quirk},
};

/// The id of the account in every tenant.
pub const ACC_ACCOUNT: &str = "c8b0c73d-3ae9-4d1e-9c55-0f6a2b7d1e48";
/// The id of the account administrator in every tenant, for the `User-Id` header.
pub const ACC_ADMIN: &str = "6cc15635-2fbd-4f73-afbe-abd833408a1d";

const QUIRKS: &[Quirk] = &[
    quirk("import-drops", "an import loses every seventh person without a word"),
    quirk("import-never", "an import is accepted, and nobody ever appears"),
    quirk("gone-project", "the project with the highest id answers 410"),
    quirk("bim360-project", "the project with the lowest id is a BIM 360 project"),
    quirk("archived-project", "the project with the lowest id is archived"),
    quirk("project-not-ready", "writes to the project with the highest id answer 412"),
    quirk("region-required", "construction/admin takes a missing Region for US, as hq does"),
    quirk("not-integrated", "the client id is not among the account's custom integrations: 403 everywhere"),
    quirk("inactive-disables-members", "the project rows of an inactive account are disabled, which lists hide"),
    quirk("ambiguous-roles", "two industry roles are named Architect"),
    quirk("page-repeats", "every page of construction/admin is the first"),
    quirk("hq-page-repeats", "every page of hq is the first"),
    quirk("total-too-high", "totalResults counts three rows that do not exist"),
    quirk("list-truncated", "lists end after 10 rows; totalResults tells the truth"),
    quirk("patch-201", "the answer to a PATCH of a member is 201"),
];

/// Autodesk's published limits, which a client id has once for all accounts. No header tells them.
const QUOTAS: &[Family] = &[
    Family { name: "hq", takes: is_hq, quota: per_minute(100), told: false, per_client: true },
    Family {
        name: "read",
        takes: |request| request.method == "GET",
        quota: per_minute(600),
        told: false,
        per_client: true,
    },
    Family {
        name: "write",
        takes: |request| request.method != "GET",
        quota: per_minute(100),
        told: false,
        per_client: true,
    },
];

pub(super) const ENTRY: Entry = Entry {
    connector: "acc",
    quirks: QUIRKS,
    quotas: QUOTAS,
    start: |chance, config, example, now| Box::new(Acc::new(chance, config, example, now)),
};

fn is_hq(request: &Request) -> bool {
    request.path.starts_with("/hq/")
}

/// The account of one tenant.
struct Acc {
    chance: Chance,
    quirks: Quirks,
    now: Timestamp,
    region: String,
    accept_after: Duration,
    import_delay: Duration,
    people: HashMap<String, Person>,
    /// The ids, oldest first: the order of `hq` lists.
    order: Vec<String>,
    /// Ids by email in lower case.
    by_email: HashMap<String, String>,
    projects: BTreeMap<String, Project>,
    /// Role names by id.
    roles: BTreeMap<String, String>,
    /// Company names by id.
    companies: BTreeMap<String, String>,
    /// What will happen, in order; the number keeps apart what happens at the same time.
    events: BTreeMap<(Timestamp, u64), Event>,
    /// Emails that went out, by address in lower case.
    invited: HashMap<String, u32>,
    counted: u64,
    imported: u64,
}

/// A user of the account.
#[derive(Debug, Clone)]
struct Person {
    id: String,
    /// The Autodesk id, which exists once an invitation was accepted.
    uid: Option<String>,
    email: String,
    first_name: Option<String>,
    last_name: Option<String>,
    status: String,
    role: String,
    company: Option<String>,
    default_role: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    accepts_at: Option<Timestamp>,
    /// Profile fields, kept as they are.
    extra: Map<String, Value>,
}

impl Person {
    fn name(&self) -> String {
        match (&self.first_name, &self.last_name) {
            (None, None) => self.email.clone(),
            (first, last) => [first, last].into_iter().flatten().cloned().collect::<Vec<_>>().join(" "),
        }
    }
}

#[derive(Debug, Clone)]
struct Project {
    name: String,
    platform: &'static str,
    status: &'static str,
    products: Vec<&'static str>,
    created_at: Timestamp,
    members: Vec<Member>,
}

/// A row of a project, removed ones included.
#[derive(Debug, Clone)]
struct Member {
    person: String,
    status: &'static str,
    company: Option<String>,
    roles: Vec<String>,
    /// Access by product.
    products: BTreeMap<String, String>,
    added_on: Timestamp,
    updated_at: Timestamp,
}

impl Member {
    fn is_admin(&self) -> bool {
        match self.products.get(products::ADMINISTRATION) {
            Some(access) => access == "administrator",
            // BIM 360 projects have no product for that.
            None => self.products.values().any(|access| access == "administrator"),
        }
    }
}

/// Somebody who joins a project, as a request or the side door says.
#[derive(Debug, Clone, Default)]
struct Joining {
    email: String,
    first_name: Option<String>,
    last_name: Option<String>,
    company: Option<String>,
    roles: Vec<String>,
    products: BTreeMap<String, String>,
    /// No email goes out.
    quietly: bool,
}

#[derive(Debug, Clone)]
enum Event {
    /// The person accepts the invitation.
    Accept(String),
    /// These people appear in the project.
    Import(String, Vec<Joining>),
}

const ROLES: [&str; 5] = ["Architect", "BIM Manager", "Interior Designer", "Project Manager", "Structural Engineer"];
const COMPANIES: [&str; 3] = ["Harbour Construction", "Lumen Render", "Northwind Studio"];

/// The role that has a twin where roles are ambiguous.
const TWIN: &str = "Architect";

impl Acc {
    fn new(chance: Chance, config: &Config, with_example: bool, now: Timestamp) -> Self {
        let named = |purpose: &str, names: &[&str]| -> BTreeMap<String, String> {
            names.iter().map(|name| (chance.uuid(purpose, name), (*name).to_owned())).collect()
        };
        let mut app = Self {
            quirks: Quirks::default(),
            now,
            region: config.acc_region.clone(),
            accept_after: config.accept_after,
            import_delay: config.import_delay,
            people: HashMap::new(),
            order: Vec::new(),
            by_email: HashMap::new(),
            projects: BTreeMap::new(),
            roles: named("role", &ROLES),
            companies: named("company", &COMPANIES),
            events: BTreeMap::new(),
            invited: HashMap::new(),
            counted: 0,
            imported: 0,
            chance,
        };
        app.insert("rosterd@northwind.example", None, "active", Some(ACC_ADMIN));
        if let Some(admin) = app.people.get_mut(ACC_ADMIN) {
            admin.role = "account_admin".to_owned();
        }
        if with_example {
            example::fill(&mut app);
        }
        app
    }

    /// Adds an account user. The caller has checked that the email is free.
    fn insert(&mut self, email: &str, names: Option<(&str, &str)>, status: &str, id: Option<&str>) -> String {
        self.counted += 1;
        let number = self.counted.to_string();
        let id = id.map_or_else(|| self.chance.uuid("person", &number), str::to_owned);
        let person = Person {
            id: id.clone(),
            uid: None,
            email: email.to_owned(),
            first_name: names.map(|(first, _)| first.to_owned()),
            last_name: names.map(|(_, last)| last.to_owned()),
            status: String::new(),
            role: "account_user".to_owned(),
            company: None,
            default_role: None,
            created_at: self.now,
            updated_at: self.now,
            accepts_at: None,
            extra: Map::new(),
        };
        self.by_email.insert(email.to_lowercase(), id.clone());
        self.order.push(id.clone());
        self.people.insert(id.clone(), person);
        self.set_status(&id, status);
        id
    }

    /// Gives an account user a status, with what hangs on it.
    fn set_status(&mut self, id: &str, status: &str) {
        let (now, wait) = (self.now, self.chance.around(self.accept_after, "acceptance", id));
        let uid = self.chance.token("autodesk id", id)[..12].to_uppercase();
        let Some(person) = self.people.get_mut(id) else { return };
        if person.status == status {
            return;
        }
        status.clone_into(&mut person.status);
        person.updated_at = now;
        person.accepts_at = None;
        self.events.retain(|_, event| !matches!(event, Event::Accept(who) if who == id));
        match status {
            "pending" => {
                // Beyond the calendar means never.
                person.accepts_at = clock::later(now, wait);
                if let Some(at) = person.accepts_at {
                    self.schedule(at, Event::Accept(id.to_owned()));
                }
            }
            "active" | "inactive" => {
                person.uid.get_or_insert(uid);
                for member in self.projects.values_mut().flat_map(|project| &mut project.members) {
                    if member.person == id && member.status == "pending" {
                        member.status = "active";
                        member.updated_at = now;
                    }
                }
            }
            _ => {}
        }
    }

    fn schedule(&mut self, at: Timestamp, event: Event) {
        self.counted += 1;
        self.events.insert((at, self.counted), event);
    }

    /// Makes somebody a member of a project. The caller has checked everything; who is a member already is left alone.
    fn join(&mut self, project: &str, joining: Joining) -> Option<String> {
        let id = match self.by_email.get(&joining.email.to_lowercase()) {
            Some(id) => id.clone(),
            None => {
                let names = joining.first_name.as_deref().zip(joining.last_name.as_deref());
                self.insert(&joining.email, names, "not_invited", None)
            }
        };
        let now = self.now;
        let members = &mut self.projects.get_mut(project)?.members;
        if members.iter().any(|member| member.person == id && member.status != "deleted") {
            return None;
        }
        members.retain(|member| member.person != id);
        if !joining.quietly {
            *self.invited.entry(joining.email.to_lowercase()).or_default() += 1;
        }
        let person = self.people.get(&id)?;
        let (invites, pending) = (person.status == "not_invited", person.uid.is_none());
        self.projects.get_mut(project)?.members.push(Member {
            person: id.clone(),
            status: if pending { "pending" } else { "active" },
            company: joining.company,
            roles: joining.roles,
            products: joining.products,
            added_on: now,
            updated_at: now,
        });
        if invites {
            self.set_status(&id, "pending");
        }
        Some(id)
    }

    /// A person by ACC id or Autodesk id, as paths and the `User-Id` header have them.
    fn person(&self, id: &str) -> Option<&Person> {
        self.people.get(id).or_else(|| self.people.values().find(|person| person.uid.as_deref() == Some(id)))
    }

    fn lowest_project(&self, id: &str) -> bool {
        self.projects.keys().next().is_some_and(|lowest| lowest == id)
    }

    fn highest_project(&self, id: &str) -> bool {
        self.projects.keys().next_back().is_some_and(|highest| highest == id)
    }

    /// A project's platform and status, quirks included.
    fn nature(&self, id: &str) -> Option<(&'static str, &'static str)> {
        let project = self.projects.get(id)?;
        let lowest = |quirk: &str| self.quirks.has(quirk) && self.lowest_project(id);
        let platform = if lowest("bim360-project") { "bim360" } else { project.platform };
        let status = if lowest("archived-project") { "archived" } else { project.status };
        Some((platform, status))
    }

    /// The id of the second role of the same name.
    fn twin(&self) -> String {
        self.chance.uuid("role", "the twin")
    }

    fn role_name(&self, id: &str) -> Option<&str> {
        if self.quirks.has("ambiguous-roles") && id == self.twin() {
            return Some(TWIN);
        }
        self.roles.get(id).map(String::as_str)
    }

    fn knows_role(&self, id: &str) -> bool {
        self.role_name(id).is_some()
    }
}
