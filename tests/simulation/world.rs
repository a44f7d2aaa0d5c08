//! The world of a seed: apps, people, what the files ask for, and how far the apps have drifted from it. What the files
//! grant is kept here a second time, as plain facts for the judges, who never ask the engine.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    time::Duration,
};

use rosterd::sandbox::{ACC_ACCOUNT, ACC_ADMIN, Config, NewAccount, Quota, ResetHeader, Sandbox};

use super::chance::{Chance, mix};

/// The kinds of app.
pub(crate) const KINDS: [&str; 6] = ["autodesk", "acc", "alteryx", "alteryx-webapi", "workiva", "scim"];

/// The simulated time of day at which everything begins.
pub(crate) const BEGINS: &str = "2026-11-22T10:00:00Z";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Active,
    Suspended,
    Left,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unlisted {
    Report,
    Remove,
    Ignore,
}

/// One app as the files want it.
#[derive(Debug)]
pub(crate) struct App {
    pub kind: &'static str,
    /// Its name in the files, and its tenant in the sandbox.
    pub name: String,
    pub unlisted: Unlisted,
    /// Who is granted an account, in which role.
    pub accounts: BTreeMap<String, &'static str>,
    pub groups: Vec<Group>,
    /// What else its section says, a line each.
    pub lines: Vec<String>,
    pub quirks: Vec<&'static str>,
}

#[derive(Debug)]
pub(crate) struct Group {
    pub id: String,
    pub name: String,
    /// It is there from the start.
    pub exists: bool,
    /// Who is a member, in which role; an empty one where groups have none.
    pub members: BTreeMap<String, &'static str>,
}

pub(crate) struct World {
    pub seed: u64,
    pub people: BTreeMap<String, Standing>,
    /// Addresses that the files do not name, and which live in some apps.
    pub strangers: Vec<String>,
    pub apps: Vec<App>,
    /// How the sandbox is set up.
    pub config: Config,
}

impl App {
    /// Whether the files grant this person an account here.
    pub(crate) fn grants(&self, email: &str) -> bool {
        self.accounts.contains_key(email) || self.groups.iter().any(|group| group.members.contains_key(email))
    }

    /// Roles of accounts, the least powerful first.
    pub(crate) fn roles(&self) -> &'static [&'static str] {
        match self.kind {
            "autodesk" => &["viewer", "user"],
            "acc" => &["account_user"],
            "alteryx" => &["Viewer", "Member", "Creator"],
            "alteryx-webapi" => &["Viewer", "Member", "Artisan"],
            "workiva" => &["Viewer", "Contributor", "Editor"],
            _ => &[""],
        }
    }

    /// Whether the API can give an account another address.
    pub(crate) fn readdresses(&self) -> bool {
        matches!(self.kind, "alteryx" | "workiva" | "scim")
    }

    pub(crate) fn member_roles(&self) -> &'static [&'static str] {
        match self.kind {
            "autodesk" => &["member", "lead"],
            "acc" => &["member", "admin"],
            _ => &[""],
        }
    }
}

/// The address that a person had before; every third of them has one, and the files know it.
pub(crate) fn alias(email: &str) -> Option<String> {
    let number: u64 = email.strip_prefix('p')?.strip_suffix("@sim.example")?.parse().ok()?;
    number.is_multiple_of(3).then(|| format!("old.{email}"))
}

/// Whose address it is, in small letters.
pub(crate) fn person(address: &str) -> String {
    let address = address.to_lowercase();
    address.strip_prefix("old.").map_or_else(|| address.clone(), str::to_owned)
}

impl World {
    pub(crate) fn of(seed: u64) -> Self {
        let chance = &mut Chance::of(seed, "world");
        // Mostly so small that everything meets everything; now and then several pages long.
        let crowd = if chance.happens(0.06) { chance.between(101..140) } else { chance.between(3..14) };
        let people: BTreeMap<String, Standing> = (0..crowd)
            .map(|n| {
                let standing = match chance.below(10) {
                    0 => Standing::Suspended,
                    1 => Standing::Left,
                    _ => Standing::Active,
                };
                (format!("p{n}@sim.example"), standing)
            })
            .collect();
        let strangers = (0..chance.between(0..5)).map(|n| format!("stranger{n}@else.example")).collect();
        let mut apps: Vec<App> = Vec::new();
        for _ in 0..chance.between(1..4) {
            let kind = chance.word(&KINDS);
            if apps.iter().all(|app| app.kind != kind) {
                apps.push(app(kind, &people, chance));
            }
        }
        let config = config(seed, &mut apps, chance);
        Self { seed, people, strangers, apps, config }
    }

    /// The person is granted whatever lines say so, now.
    pub(crate) fn entitled(&self, app: &App, email: &str) -> bool {
        self.people.get(email) == Some(&Standing::Active) && app.grants(email)
    }

    /// The files.
    pub(crate) fn files(&self) -> String {
        let mut text = String::from("people:\n");
        for (email, standing) in &self.people {
            let given = email.split('@').next().unwrap_or_default().to_uppercase();
            let status = match standing {
                Standing::Active => "",
                Standing::Suspended => ", status: suspended",
                Standing::Left => ", status: left",
            };
            let aliases = alias(email).map_or_else(String::new, |alias| format!(", aliases: [{alias}]"));
            writeln!(text, "  {email}: {{ given_name: {given}, family_name: Sim{status}{aliases} }}").unwrap();
        }
        // Somebody has said that all aliases are right.
        text += "approvals:\n";
        for App { name, .. } in &self.apps {
            writeln!(text, "  - {{ allow: {name}, guard: identity, up_to: 1000000 }}").unwrap();
        }
        text += "apps:\n";
        for app in &self.apps {
            let role = |role: &str| match (app.kind, role) {
                (_, "") => String::new(),
                ("workiva", role) => format!("{{ roles: [{role}] }}"),
                (_, role) => format!("{{ role: {role} }}"),
            };
            let auth = match app.kind {
                "scim" => "{ token: { env: T } }",
                _ => "{ client_id: { env: I }, client_secret: { env: S } }",
            };
            let App { name, kind, .. } = app;
            writeln!(text, "  {name}:\n    connector: {kind}\n    url: https://x.example\n    auth: {auth}").unwrap();
            app.lines.iter().for_each(|line| writeln!(text, "    {line}").unwrap());
            if let Some(least) = app.roles().first().filter(|role| !role.is_empty()) {
                writeln!(text, "    defaults: {}", role(least)).unwrap();
            }
            text += "    accounts:\n";
            app.accounts.iter().for_each(|(email, of)| writeln!(text, "      {email}: {}", role(of)).unwrap());
            if !app.groups.is_empty() {
                text += "    groups:\n";
            }
            for group in &app.groups {
                writeln!(text, "      {}:", group.name).unwrap();
                if app.kind == "autodesk" {
                    writeln!(text, "        id: {}", group.id).unwrap();
                }
                if !group.exists && app.kind.starts_with("alteryx") {
                    writeln!(text, "        role: Viewer").unwrap();
                }
                text += "        members:\n";
                for (email, of) in &group.members {
                    let of = if of.is_empty() { String::new() } else { format!("{{ role: {of} }}") };
                    writeln!(text, "          {email}: {of}").unwrap();
                }
            }
        }
        text
    }

    /// A sandbox in which the apps are as the seed has left them.
    pub(crate) fn sandbox(&self) -> Sandbox {
        let sandbox = Sandbox::without_network(self.config.clone()).unwrap();
        let chance = &mut Chance::of(self.seed, "drift");
        for app in &self.apps {
            let (kind, tenant) = (app.kind, app.name.as_str());
            sandbox.set_quirks(kind, tenant, &app.quirks).unwrap();
            for group in app.groups.iter().filter(|group| group.exists) {
                sandbox.put_group(kind, tenant, &group.id, &group.name).unwrap();
            }
            sandbox.put_group(kind, tenant, "other", "Nobody's Business").unwrap();
            let everyone = self.people.keys().chain(&self.strangers);
            for email in everyone {
                let granted = app.grants(email);
                if !chance.happens(if granted { 0.7 } else { 0.25 }) {
                    continue;
                }
                let role = if chance.happens(0.8) { app.accounts.get(email) } else { None };
                let role = role.copied().unwrap_or_else(|| chance.word(app.roles()));
                let before = alias(email).filter(|_| chance.happens(0.2));
                let account = NewAccount {
                    email: match before {
                        Some(before) => before,
                        None if chance.happens(0.1) => email.to_uppercase(),
                        None => email.clone(),
                    },
                    given_name: Some(email.split('@').next().unwrap_or_default().to_uppercase()),
                    family_name: Some("Sim".into()),
                    status: chance.happens(0.1).then(|| "inactive".to_owned()),
                    role: (!role.is_empty()).then(|| role.to_owned()),
                };
                let id = sandbox.add_account(kind, tenant, account).unwrap();
                for group in app.groups.iter().filter(|group| group.exists) {
                    let member = group.members.get(email);
                    if chance.happens(if member.is_some() { 0.7 } else { 0.1 }) {
                        let roles = app.member_roles();
                        let kept = member.copied().filter(|_| chance.happens(0.8));
                        let role = kept.unwrap_or_else(|| chance.word(roles));
                        sandbox.put_membership(kind, tenant, &id, &group.id, role).unwrap();
                    }
                }
                if chance.happens(0.1) {
                    sandbox.put_membership(kind, tenant, &id, "other", app.member_roles()[0]).unwrap();
                }
            }
        }
        sandbox
    }
}

fn app(kind: &'static str, people: &BTreeMap<String, Standing>, chance: &mut Chance) -> App {
    let unlisted = *chance.pick(&[Unlisted::Report, Unlisted::Report, Unlisted::Remove, Unlisted::Ignore]);
    let name = format!("the-{kind}");
    let mut app = App {
        kind,
        name,
        unlisted,
        accounts: BTreeMap::new(),
        groups: Vec::new(),
        lines: Vec::new(),
        quirks: Vec::new(),
    };
    for email in people.keys().filter(|_| chance.happens(0.5)).collect::<Vec<_>>() {
        app.accounts.insert(email.clone(), chance.word(app.roles()));
    }
    for n in 0..chance.between(0..4) {
        let mut members = BTreeMap::new();
        for email in people.keys() {
            if chance.happens(0.4) {
                members.insert(email.clone(), chance.word(app.member_roles()));
            }
        }
        // Only these can make groups.
        let exists = !matches!(kind, "scim" | "workiva") || chance.happens(0.8);
        app.groups.push(Group { id: format!("group-{n}"), name: format!("Group {n}"), exists, members });
    }
    let mut policy = match unlisted {
        Unlisted::Report => "unlisted: report",
        Unlisted::Remove => "unlisted: remove",
        Unlisted::Ignore => "unlisted: ignore",
    }
    .to_owned();
    // Without room for many removals nearly everything would be held, and little would be seen to go wrong.
    if chance.happens(0.85) {
        policy += ", max_removals: 500, max_creates: 500";
    }
    if chance.happens(0.7) {
        policy += ", min_admins: 0";
    }
    if chance.happens(0.6) {
        policy += ", irreversible: allow";
    }
    app.lines.push(format!("policy: {{ {policy} }}"));
    if kind == "acc" {
        app.lines.push("self: rosterd@northwind.example".into());
        let options = format!("account_id: {ACC_ACCOUNT}, acting_user: {ACC_ADMIN}, import_wait: 30s");
        app.lines.push(format!("options: {{ {options} }}"));
    }
    let known: &[&str] = match kind {
        "scim" => &["count-clamped", "cursor-paging", "slow-index", "total-is-page-size", "no-etag", "patch-empty-200"],
        "workiva" => &["whole-rows", "email-contains", "empty-pages", "page-token-expires-once", "wrong-member-count"],
        "acc" => &["import-drops", "patch-201", "region-required"],
        _ => &[],
    };
    if !known.is_empty() {
        let quirks: BTreeSet<&str> = (0..chance.below(3)).map(|_| chance.word(known)).collect();
        app.quirks = quirks.into_iter().collect();
    }
    app
}

/// How the apps behave, with what the files say about their quotas.
fn config(seed: u64, apps: &mut [App], chance: &mut Chance) -> Config {
    let hour = Duration::from_secs(3600);
    let minute = Duration::from_secs(60);
    let (quota, says) = match chance.below(3) {
        0 => (Quota { requests: 120, window: minute, concurrency: 4 }, "{ requests: 120/m, concurrency: 4 }"),
        1 => (Quota { requests: 300, window: hour, concurrency: 6 }, "{ requests: 300/h, concurrency: 6 }"),
        _ => (Quota::standard(), "{ requests: 1000/h, concurrency: 10, keep_free: 0% }"),
    };
    for app in apps.iter_mut().filter(|app| app.kind == "autodesk") {
        app.lines.push(format!("budget: {says}"));
    }
    let resets = [ResetHeader::EpochSeconds, ResetHeader::EpochMilliseconds, ResetHeader::DeltaSeconds];
    let accepts = [Duration::from_secs(30), Duration::from_secs(600), Duration::MAX];
    Config {
        seed: mix(seed, "sandbox"),
        begins: Some(BEGINS.parse().unwrap()),
        quota,
        reset_header: *chance.pick(&resets),
        accept_after: *chance.pick(&accepts),
        empty: true,
        ..Config::default()
    }
}
