//! Rules that a change of the files alters: what may happen without anybody's approval, and what somebody may give. They are
//! no steps of a plan, so that a plan alone would show nothing.

mod policy;
mod teams;

use std::{collections::BTreeSet, fmt::Display, sync::Arc};

use jiff::{Timestamp, tz::TimeZone};

use crate::model::{
    Approval, Desired, DesiredApp, DesiredGroup, Email, FieldName, Grantable, Leaning, Mode, Person, PersonStatus,
    Place, RuleChange, Values, Window,
};

/// Every rule that is another one in `change` than in `before`, sorted. What reaches the network is not among it: see
/// [`super::trust`].
pub fn rules(change: &Desired, before: &Desired) -> Vec<RuleChange> {
    let mut told = Told::default();
    let zones = (&change.settings.time_zone, &before.settings.time_zone);
    if zones.0 != zones.1 {
        let name = |zone: &TimeZone| zone.iana_name().unwrap_or("another").to_owned();
        told.say("settings.time_zone", Leaning::Changes, Some(name(zones.1)), Some(name(zones.0)));
    }
    approvals(change, before, &mut told);
    for (name, person) in &change.people {
        aliases(person, before.people.get(name), &mut told);
    }
    for person in before.people.values() {
        status(person, change.people.get(change.identity(&person.email)), &mut told);
    }
    teams::compare(change, before, &mut told);
    let names: BTreeSet<&Arc<str>> = change.apps.keys().chain(before.apps.keys()).collect();
    for name in names {
        app(change.apps.get(name), before.apps.get(name), zones.0, &mut told);
    }
    told.rules.sort();
    told.rules.dedup();
    told.rules
}

/// What was found so far, and where the comparison is.
#[derive(Default)]
struct Told {
    rules: Vec<RuleChange>,
    app: Option<Arc<str>>,
    group: Option<Arc<str>>,
    /// Lines of what is compared.
    because: Vec<Place>,
    gone: Vec<Place>,
    gives: Vec<String>,
}

impl Told {
    fn at(app: Option<Arc<str>>, because: Option<&Place>, gone: Option<&Place>) -> Self {
        let listed = |place: Option<&Place>| place.into_iter().cloned().collect();
        Self { app, because: listed(because), gone: listed(gone), ..Self::default() }
    }

    fn say(&mut self, rule: impl Into<Arc<str>>, leaning: Leaning, from: Option<String>, to: Option<String>) {
        if from == to {
            return;
        }
        self.rules.push(RuleChange {
            leaning,
            rule: rule.into(),
            app: self.app.clone(),
            group: self.group.clone(),
            because: if to.is_some() { self.because.clone() } else { Vec::new() },
            gone: self.gone.clone(),
            from,
            to,
            gives: self.gives.clone(),
        });
    }
}

/// Which way it goes when the second is more than the first.
fn more_is<T: PartialOrd>(leaning: Leaning, from: T, to: T) -> Leaning {
    let other = if leaning == Leaning::Loosens { Leaning::Tightens } else { Leaning::Loosens };
    match to.partial_cmp(&from) {
        Some(std::cmp::Ordering::Greater) => leaning,
        Some(std::cmp::Ordering::Less) => other,
        _ => Leaning::Changes,
    }
}

/// `[a, b]`.
fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    format!("[{}]", items.join(", "))
}

/// `from 2026-12-01 until 2027-01-31`.
fn during(window: Window, zone: &TimeZone) -> String {
    let at = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    let from = window.from.map(|from| format!("from {}", at(from)));
    let until = window.until.map(|until| format!("until {}", at(until)));
    let parts: Vec<String> = from.into_iter().chain(until).collect();
    if parts.is_empty() { "always".to_owned() } else { parts.join(" ") }
}

/// An approval is a rule that lets something through, for as long as it stands.
fn approvals(change: &Desired, before: &Desired, told: &mut Told) {
    let same = |one: &Approval, other: &Approval| {
        (&one.allow, one.guard, one.up_to, one.until) == (&other.allow, other.guard, other.up_to, other.until)
    };
    let zone = &change.settings.time_zone;
    let text = |approval: &Approval| {
        let up_to = approval.up_to.map_or_else(String::new, |up_to| format!(", up to {up_to}"));
        let until = Window { from: None, until: approval.until };
        let until = approval.until.map_or_else(String::new, |_| format!(", {}", during(until, zone)));
        format!("{} past {}{up_to}{until}", approval.allow, approval.guard)
    };
    let app = |approval: &Approval| {
        let name = approval.allow.split('/').next().unwrap_or_default().replace("%2F", "/");
        Some(Arc::from(name))
    };
    for new in change.approvals.iter().filter(|new| !before.approvals.iter().any(|old| same(old, new))) {
        let mut one = Told::at(app(new), Some(&new.place), None);
        one.say("approvals", Leaning::Loosens, None, Some(text(new)));
        told.rules.append(&mut one.rules);
    }
    for old in before.approvals.iter().filter(|old| !change.approvals.iter().any(|new| same(old, new))) {
        let mut one = Told::at(app(old), None, Some(&old.place));
        one.say("approvals", Leaning::Tightens, Some(text(old)), None);
        told.rules.append(&mut one.rules);
    }
}

/// An alias says whose a live account is.
fn aliases(person: &Person, before: Option<&Person>, told: &mut Told) {
    let now: BTreeSet<&Email> = person.aliases.iter().collect();
    let old: BTreeSet<&Email> = before.iter().flat_map(|person| &person.aliases).collect();
    let text = |aliases: &BTreeSet<&Email>| (!aliases.is_empty()).then(|| list(aliases.iter().map(|one| one.as_str())));
    let mut one = Told::at(None, Some(&person.place), before.map(|person| &person.place));
    let leaning = if now.is_subset(&old) { Leaning::Tightens } else { Leaning::Loosens };
    one.say(format!("people.{}.aliases", person.email), leaning, text(&old), text(&now));
    told.rules.append(&mut one.rules);
}

/// Where `left` or `suspended` is taken back, an account that comes back is no longer taken away.
fn status(before: &Person, person: Option<&Person>, told: &mut Told) {
    if before.status == PersonStatus::Active || person.is_some_and(|person| person.status != PersonStatus::Active) {
        return;
    }
    let text = |status: PersonStatus| Some(<&str>::from(status).to_owned());
    let mut one = Told::at(None, person.map(|person| &person.place), Some(&before.place));
    let now = person.and_then(|person| text(person.status));
    one.say(format!("people.{}.status", before.email), Leaning::Loosens, text(before.status), now);
    told.rules.append(&mut one.rules);
}

fn app(change: Option<&DesiredApp>, before: Option<&DesiredApp>, zone: &TimeZone, told: &mut Told) {
    let described = |app: &DesiredApp| format!("{} at {}", app.connector, app.url);
    let name = change.or(before).map(|app| app.name.clone());
    let mut one = Told::at(name, change.map(|app| &app.place), before.map(|app| &app.place));
    let (Some(app), Some(old)) = (change, before) else {
        // A new app can do what its own lines say; nobody looks after one that is taken out.
        let leaning = if change.is_some() { Leaning::Changes } else { Leaning::Loosens };
        one.say("app", leaning, before.map(described), change.map(described));
        told.rules.append(&mut one.rules);
        return;
    };
    one.say("mode", mode(old.mode, app.mode), Some(old.mode.to_string()), Some(app.mode.to_string()));
    let own = |app: &DesiredApp| app.self_account.as_ref().map(|email| email.as_str().to_owned());
    let protects_more = if old.self_account.is_none() { Leaning::Tightens } else { Leaning::Loosens };
    one.say("self", protects_more, own(old), own(app));
    let seats = |app: &DesiredApp| app.seats.map(|seats| seats.to_string());
    let without = u32::MAX;
    let leaning = more_is(Leaning::Loosens, old.seats.unwrap_or(without), app.seats.unwrap_or(without));
    one.say("seats", leaning, seats(old), seats(app));
    grantable((app, &app.grantable), &old.grantable, &mut one);
    defaults(app, old, &mut one);
    ids(app, old, &mut one);
    one.rules.append(&mut policy::compare(one.app.clone(), None, (&app.policy, &old.policy), zone));
    let groups = app.groups.iter().filter_map(|(name, group)| Some((group, old.groups.get(name)?)));
    for (group, was) in groups {
        self::group((app, old), (group, was), zone, &mut one);
    }
    told.rules.append(&mut one.rules);
}

/// A mode that writes less leaves more as it is, removals among it.
fn mode(from: Mode, to: Mode) -> Leaning {
    let idle = |mode: Mode| match mode {
        Mode::Enforce => 0,
        Mode::Add => 1,
        Mode::Observe => 2,
    };
    if idle(to) > idle(from) { Leaning::Loosens } else { Leaning::Changes }
}

/// What a group says differently from its app. What it inherits was told of the app.
fn group(
    (app, old): (&DesiredApp, &DesiredApp),
    (group, was): (&DesiredGroup, &DesiredGroup),
    zone: &TimeZone,
    told: &mut Told,
) {
    let mut one = Told::at(Some(app.name.clone()), Some(&group.place), Some(&was.place));
    one.group = Some(group.name.clone());
    if (was.mode, group.mode) != (old.mode, app.mode) {
        let words = |mode: Mode| Some(mode.to_string());
        one.say("mode", mode(was.mode, group.mode), words(was.mode), words(group.mode));
    }
    let id = |group: &DesiredGroup| group.id.as_ref().map(ToString::to_string);
    one.say("id", Leaning::Changes, id(was), id(group));
    let inherited = policy::compare(None, None, (&app.policy, &old.policy), zone);
    let own = policy::compare(one.app.clone(), one.group.clone(), (&group.policy, &was.policy), zone);
    let told_of_app = |rule: &RuleChange| {
        inherited.iter().any(|app| (&app.rule, &app.from, &app.to) == (&rule.rule, &rule.from, &rule.to))
    };
    one.rules.extend(own.into_iter().filter(|rule| !told_of_app(rule)));
    told.rules.append(&mut one.rules);
}

fn grantable((app, now): (&DesiredApp, &Grantable), old: &Grantable, told: &mut Told) {
    let places = (std::mem::take(&mut told.because), std::mem::take(&mut told.gone));
    let or = |place: &Option<Place>, other: &[Place]| place.clone().map_or_else(|| other.to_vec(), |place| vec![place]);
    (told.because, told.gone) = (or(&now.place, &places.0), or(&old.place, &places.1));
    let administers = |values: &BTreeSet<Arc<str>>| {
        let roles = [&app.semantics.role, &app.semantics.members.role].into_iter().flatten();
        roles.flat_map(|role| &role.admin).any(|role| values.contains(role))
    };
    let mut bound = |rule: String, old: Option<&BTreeSet<Arc<str>>>, now: Option<&BTreeSet<Arc<str>>>| {
        let leaning = match (old, now) {
            (Some(old), Some(now)) if now.is_subset(old) => Leaning::Tightens,
            // Without roles that are listed, none that administers can be granted: listing others takes some away.
            (None, Some(now)) if !administers(now) => Leaning::Changes,
            _ => Leaning::Loosens,
        };
        told.say(rule, leaning, old.map(list), now.map(list));
    };
    for (part, now, old) in [("", &now.accounts, &old.accounts), ("members.", &now.members, &old.members)] {
        let fields: BTreeSet<&FieldName> = now.keys().chain(old.keys()).collect();
        for field in fields {
            bound(format!("grantable.{part}{field}"), old.get(field), now.get(field));
        }
    }
    bound("grantable.groups".to_owned(), old.groups.as_ref(), now.groups.as_ref());
    (told.because, told.gone) = places;
}

fn defaults(app: &DesiredApp, old: &DesiredApp, told: &mut Told) {
    let fields: BTreeSet<&FieldName> = app.defaults.keys().chain(old.defaults.keys()).collect();
    for field in fields {
        let one = |app: &DesiredApp| -> Values {
            app.defaults.get(field).map(|value| (field.clone(), value.clone())).into_iter().collect()
        };
        let raises = app.semantics.makes_admin(&one(app)) && !app.semantics.makes_admin(&one(old));
        let leaning = if raises { Leaning::Loosens } else { Leaning::Changes };
        let text = |app: &DesiredApp| app.defaults.get(field).map(ToString::to_string);
        told.say(format!("defaults.{field}"), leaning, text(old), text(app));
    }
}

/// A pin says whose a live account is.
fn ids(app: &DesiredApp, old: &DesiredApp, told: &mut Told) {
    let people: BTreeSet<&Email> = app.ids.keys().chain(old.ids.keys()).collect();
    for email in people {
        let (now, was) = (app.ids.get(email), old.ids.get(email));
        let id = |pin: Option<&(Arc<str>, Place)>| pin.map(|(id, _)| id.to_string());
        let mut one = Told::at(Some(app.name.clone()), now.map(|(_, place)| place), was.map(|(_, place)| place));
        let leaning = if now.is_some() { Leaning::Loosens } else { Leaning::Tightens };
        one.say(format!("ids.{email}"), leaning, id(was), id(now));
        told.rules.append(&mut one.rules);
    }
}
