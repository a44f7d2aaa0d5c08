//! Who has what, and why: everything live, each with the lines that grant it or the fact that none does. For people who
//! review access. A pure question to the desired and the live state.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use jiff::Timestamp;

use crate::{
    model::{
        AccountStatus, Desired, DesiredApp, Email, FieldValue, Live, LiveAccount, LiveApp, LiveGroup, Place, RoleRule,
        Verb,
    },
    why::{self, Grant, State, Why},
};

/// One account, or one membership of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The identity behind the account, as the files spell it.
    pub person: Email,
    /// The person's name, by the files or else by the app.
    pub name: String,
    /// The app.
    pub app: Arc<str>,
    /// The account's address in the app.
    pub account: Email,
    /// The account's immutable id.
    pub id: Arc<str>,
    /// Whether the account can be used.
    pub status: AccountStatus,
    /// Whether the account has a role that can administer the app.
    pub admin: bool,
    /// The role, of the account or in the group; empty when there is none or it was not seen.
    pub role: String,
    /// The group; none in the account's own row.
    pub group: Option<Arc<str>>,
    /// Whether a line grants it.
    pub standing: Standing,
    /// The lines that grant it, or granted it.
    pub because: Vec<Place>,
    /// What those lines give as their reason.
    pub reason: Option<Arc<str>>,
    /// Until when it is granted (excluded).
    pub until: Option<Timestamp>,
    /// When the account was made or invited, where the app says so.
    pub created: Option<Timestamp>,
    /// What we did to it last, where that is known.
    pub changed: Option<Change>,
}

/// Something that we did to an account or a membership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The app.
    pub app: Arc<str>,
    /// The account's address then.
    pub email: Email,
    /// The account's id, where it was known.
    pub account_id: Option<Arc<str>>,
    /// The group by its name; none of a change of the account itself.
    pub group: Option<Arc<str>>,
    /// The group's id, where it was known.
    pub group_id: Option<Arc<str>>,
    /// What was done.
    pub verb: Verb,
    /// When.
    pub at: Timestamp,
    /// The lines that asked for it, as they were then: `teams/design.yaml:9`.
    pub because: Vec<String>,
    /// The commit of those lines.
    pub commit: Option<String>,
    /// The run in which it was done.
    pub run: Option<Arc<str>>,
}

/// Changes by the account: its id, or its address where nobody knew the id.
struct Changes<'a> {
    by_id: HashMap<(&'a str, &'a str), Vec<&'a Change>>,
    by_address: HashMap<(&'a str, &'a Email), Vec<&'a Change>>,
}

impl<'a> Changes<'a> {
    fn new(changes: &'a [Change]) -> Self {
        let mut found = Self { by_id: HashMap::new(), by_address: HashMap::new() };
        for change in changes {
            match &change.account_id {
                Some(id) => found.by_id.entry((&change.app, id)).or_default().push(change),
                None => found.by_address.entry((&change.app, &change.email)).or_default().push(change),
            }
        }
        found
    }

    /// The last change of an account, or of its membership in a group.
    fn last(&self, app: &str, account: &LiveAccount, group: Option<&LiveGroup>) -> Option<Change> {
        let of_id = self.by_id.get(&(app, &*account.id)).into_iter().flatten();
        let all = of_id.chain(self.by_address.get(&(app, &account.email)).into_iter().flatten());
        let same = |change: &&&Change| match (group, &change.group) {
            (None, None) => true,
            (Some(live), Some(name)) => change.group_id.as_ref().map_or(live.name == *name, |id| *id == live.id),
            _ => false,
        };
        all.filter(same).max_by_key(|change| change.at).map(|change| (*change).clone())
    }
}

/// What the files say of something live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Standing {
    /// A line grants it.
    Granted,
    /// The person is named, and no line grants it, now.
    Ungranted,
    /// The person is suspended, or has left.
    #[strum(serialize = "left or suspended")]
    Out,
    /// The person is named nowhere.
    Unlisted,
    /// No line declares the group.
    #[strum(serialize = "group not in the files")]
    Undeclared,
}

/// Everything live, sorted by person, app and group, with the last of `changes`, which are in the order in which they were
/// made.
pub(crate) fn review(desired: &Desired, live: &Live, changes: &[Change], now: Timestamp) -> Vec<Row> {
    let changes = Changes::new(changes);
    let mut asked: HashMap<Email, Option<Why>> = HashMap::new();
    let mut rows = Vec::new();
    for (name, result) in &live.apps {
        let (Some(app), Ok(live)) = (desired.apps.get(name), result) else { continue };
        of_app(desired, app, live, &changes, now, &mut asked, &mut rows);
    }
    rows.sort_by(|a, b| {
        (&a.person, &a.app, &a.account, &a.id, &a.group).cmp(&(&b.person, &b.app, &b.account, &b.id, &b.group))
    });
    rows
}

fn of_app(
    desired: &Desired,
    app: &DesiredApp,
    live: &LiveApp,
    changes: &Changes<'_>,
    now: Timestamp,
    asked: &mut HashMap<Email, Option<Why>>,
    rows: &mut Vec<Row>,
) {
    let mut memberships: BTreeMap<&Arc<str>, Vec<(&LiveGroup, String)>> = BTreeMap::new();
    for group in &live.groups {
        for member in &group.members {
            let role = roles(&member.values, app.semantics.members.role.as_ref());
            memberships.entry(&member.account).or_default().push((group, role));
        }
    }
    for account in &live.accounts {
        let pinned = app.ids.iter().find(|(_, (id, _))| *id == account.id).map(|(identity, _)| identity);
        let person = pinned.unwrap_or_else(|| desired.identity(&account.email));
        let spelt = desired.people.get_key_value(person).map(|(key, _)| key).or_else(|| desired.named.get(person));
        let person = spelt.unwrap_or(person).clone();
        let why = asked.entry(person.clone()).or_insert_with(|| {
            let named = desired.people.contains_key(&person) || desired.named.contains(&person);
            named.then(|| why::why(desired, &person, now))
        });
        let in_app = why.as_ref().and_then(|why| why.apps.iter().find(|given| given.app == app.name));
        let base = Row {
            name: name_of(desired, &person, account),
            app: app.name.clone(),
            account: account.email.clone(),
            id: account.id.clone(),
            status: account.status.clone(),
            admin: app.semantics.is_admin(account),
            role: roles(&account.values, app.semantics.role.as_ref()),
            group: None,
            standing: Standing::Unlisted,
            because: Vec::new(),
            reason: None,
            until: None,
            created: account.created_at,
            changed: changes.last(&app.name, account, None),
            person,
        };
        let named = why.is_some();
        rows.push(judged(base.clone(), named, in_app.map(|given| &given.account)));
        for (live, role) in memberships.remove(&account.id).unwrap_or_default() {
            let declared = app.groups.values().find(|group| group.is(live));
            let changed = changes.last(&app.name, account, Some(live));
            let mut row = Row { group: Some(live.name.clone()), role, changed, ..base.clone() };
            row = match declared {
                None => Row { standing: Standing::Undeclared, ..row },
                Some(declared) => {
                    let grants = in_app.into_iter().flat_map(|given| &given.groups);
                    let grant = grants.into_iter().find(|(group, _)| *group == declared.name).map(|(_, grant)| grant);
                    judged(row, named, grant)
                }
            };
            rows.push(row);
        }
    }
}

fn judged(row: Row, named: bool, grant: Option<&Grant>) -> Row {
    if !named {
        return Row { standing: Standing::Unlisted, ..row };
    }
    let Some(grant) = grant else { return Row { standing: Standing::Ungranted, ..row } };
    let standing = match grant.state {
        State::Granted => Standing::Granted,
        State::Upcoming | State::Lapsed => Standing::Ungranted,
        State::Suspended | State::Left => Standing::Out,
    };
    let because = Place::sorted(grant.claims.iter().flat_map(|claim| &claim.claim.because));
    let reason = grant.claims.iter().find_map(|claim| claim.claim.reason.clone());
    Row { standing, because, reason, until: grant.window.until, ..row }
}

fn name_of(desired: &Desired, person: &Email, account: &LiveAccount) -> String {
    let entry = desired.people.get(person);
    let name = |known: Option<&Arc<str>>, field: &str| {
        known.map(ToString::to_string).or_else(|| account.values.get(field)?.as_ref().map(ToString::to_string))
    };
    let given = name(entry.and_then(|entry| entry.given_name.as_ref()), "given_name");
    let family = name(entry.and_then(|entry| entry.family_name.as_ref()), "family_name");
    [given, family].into_iter().flatten().filter(|name| !name.is_empty()).collect::<Vec<_>>().join(" ")
}

fn roles(values: &BTreeMap<Arc<str>, Option<FieldValue>>, rule: Option<&RoleRule>) -> String {
    let field = rule.map(RoleRule::field);
    // A membership may have a level and roles beside it.
    let fields = field.iter().map(|field| &**field).chain(["role", "roles"]);
    let mut seen: Vec<String> = Vec::new();
    for field in fields {
        if let Some(Some(value)) = values.get(field) {
            let text = value.to_string();
            if !text.is_empty() && !seen.contains(&text) {
                seen.push(text);
            }
        }
    }
    seen.join("; ")
}
