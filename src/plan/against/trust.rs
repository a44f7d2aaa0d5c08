//! What a change under review may not decide before it is merged: where requests go, with which credential, how many,
//! through which manifest, and where the engine keeps and sends its own news. All that is taken from the version that
//! was reviewed; the differences are told.

use std::{collections::BTreeSet, fmt::Display, sync::Arc};

use crate::model::{
    BudgetSpec, Daemon, Desired, DesiredApp, Finding, FindingCode, Leaning, Place, Rate, RuleChange, Schedule,
    SecretRef, Settings, Store,
};

/// The files under review, with everything that reaches the network as it was before.
#[derive(Debug, Clone)]
pub struct Trusted {
    /// What to plan with, and to connect with.
    pub desired: Desired,
    /// What the change would change about it, sorted.
    pub findings: Vec<Finding>,
    /// The same as rules, from one value to another.
    pub rules: Vec<RuleChange>,
}

/// Something that decides where requests go or where news are kept.
struct Network {
    key: String,
    from: Option<String>,
    to: Option<String>,
}

impl Network {
    fn rule(&self, app: Option<&DesiredApp>, before: Option<&Place>) -> RuleChange {
        RuleChange {
            leaning: Leaning::Changes,
            rule: self.key.as_str().into(),
            app: app.map(|app| app.name.clone()),
            group: None,
            from: self.from.clone(),
            to: self.to.clone(),
            gives: Vec::new(),
            because: app.map(|app| app.place.clone()).into_iter().collect(),
            gone: before.cloned().into_iter().collect(),
        }
    }
}

/// Puts what `reviewed` says about the network into `change`. `manifest_changed` says of a connector that its manifest is
/// not the same in both.
pub fn trust(change: &Desired, reviewed: &Desired, manifest_changed: impl Fn(&str) -> bool) -> Trusted {
    let (mut findings, mut rules) = (Vec::new(), Vec::new());
    let mut desired = change.clone();
    desired.apps.retain(|name, app| match reviewed.apps.get(name) {
        Some(before) => {
            let differences = differences(app, before, &manifest_changed);
            rules.extend(differences.iter().map(|one| one.rule(Some(app), Some(&before.place))));
            let told = |one: &Network| {
                Finding::warning(FindingCode::UnusedChange, unused(one, name)).because([app.place.clone()])
            };
            findings.extend(differences.iter().map(told));
            keep_network(app, before);
            true
        }
        None => {
            let message = format!(
                "{name} is new: rosterd connects to it once this change is merged, so nothing is planned for it here"
            );
            findings.push(Finding::warning(FindingCode::NewApp, message).because([app.place.clone()]));
            false
        }
    });
    for (name, app) in reviewed.apps.iter().filter(|(name, _)| !change.apps.contains_key(*name)) {
        let message = format!(
            "{name} is taken out of the files (it stood at {}): what is live in it stays as it is, and nobody keeps it \
             in order any more; to empty it, take its grants away first and the app in a later change",
            app.place
        );
        findings.push(Finding::warning(FindingCode::RemovedApp, message));
    }
    for one in settings_differences(&change.settings, &reviewed.settings) {
        let message = format!("`{}` changes; the new value counts once this change is merged", one.key);
        findings.push(Finding::warning(FindingCode::UnusedChange, message));
        rules.push(one.rule(None, None));
    }
    desired.settings = Settings { time_zone: change.settings.time_zone.clone(), ..reviewed.settings.clone() };
    findings.sort();
    rules.sort();
    Trusted { desired, findings, rules }
}

fn keep_network(app: &mut DesiredApp, before: &DesiredApp) {
    app.connector = before.connector.clone();
    app.semantics = before.semantics.clone();
    app.url = before.url.clone();
    app.auth = before.auth.clone();
    app.options = before.options.clone();
    app.budget = before.budget.clone();
}

/// What is told of a difference that does not count before the merge.
fn unused(one: &Network, app: &Arc<str>) -> String {
    match &*one.key {
        "budget" => format!("`budget` of {app} changes; the new one counts once this change is merged"),
        "manifest" => format!(
            "the manifest `{}` of {app} changes; nothing was sent by the new one, which counts once this change is merged",
            one.from.as_deref().unwrap_or_default(),
        ),
        key => changes(format!("`{key}` of {app}"), &text(one.from.as_ref()), &text(one.to.as_ref())),
    }
}

fn text(value: Option<&String>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| format!("`{value}`"))
}

/// `X changes from A to B; until this is merged, A counts`.
fn changes(what: impl Display, from: &str, to: &str) -> String {
    format!(
        "{what} changes from {from} to {to}; nothing was sent by the new value, which counts once this change is merged"
    )
}

fn differences(app: &DesiredApp, before: &DesiredApp, manifest_changed: impl Fn(&str) -> bool) -> Vec<Network> {
    let mut found = Vec::new();
    let mut told = |key: &str, from: Option<String>, to: Option<String>| {
        if from != to {
            found.push(Network { key: key.to_owned(), from, to });
        }
    };
    told("connector", Some(before.connector.to_string()), Some(app.connector.to_string()));
    told("url", Some(before.url.to_string()), Some(app.url.to_string()));
    let keys: BTreeSet<&Arc<str>> = before.auth.secrets.keys().chain(app.auth.secrets.keys()).collect();
    for key in keys {
        let of = |app: &DesiredApp| app.auth.secrets.get(key).map(secret);
        told(&format!("auth.{key}"), of(before), of(app));
    }
    let address = |app: &DesiredApp| app.auth.token_url.as_ref().map(ToString::to_string);
    told("auth.token_url", address(before), address(app));
    let scopes = |app: &DesiredApp| app.auth.scopes.as_ref().map(|scopes| scopes.join(" "));
    told("auth.scopes", scopes(before), scopes(app));
    let keys: BTreeSet<&Arc<str>> = before.options.keys().chain(app.options.keys()).collect();
    for key in keys {
        let of = |app: &DesiredApp| app.options.get(key).map(ToString::to_string);
        told(&format!("options.{key}"), of(before), of(app));
    }
    if before.budget != app.budget {
        told("budget", Some(budget(&before.budget)), Some(budget(&app.budget)));
    }
    if before.connector == app.connector && manifest_changed(&app.connector) {
        told("manifest", Some(app.connector.to_string()), Some(format!("{} with other content", app.connector)));
    }
    found
}

/// `1000 per 3600s, concurrency 10`.
fn budget(budget: &BudgetSpec) -> String {
    let rate = |word: &str, rate: Option<Rate>| {
        rate.map(|rate| format!("{word} {} per {}", rate.requests, humantime::format_duration(rate.per)))
    };
    let parts = [
        rate("requests", budget.requests),
        rate("read", budget.read),
        rate("write", budget.write),
        budget.concurrency.map(|count| format!("concurrency {count}")),
        budget.keep_free_percent.map(|share| format!("keep_free {share}%")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "the connector's".to_owned() } else { parts.join(", ") }
}

fn settings_differences(settings: &Settings, before: &Settings) -> Vec<Network> {
    let mut found = Vec::new();
    let mut told = |key: &str, same: bool, from: String, to: String| {
        if !same {
            found.push(Network { key: format!("settings.{key}"), from: Some(from), to: Some(to) });
        }
    };
    let (now, old) = (settings, before);
    told("store", old.store == now.store, store(&old.store), store(&now.store));
    told("schedule", old.schedule == now.schedule, schedule(&old.schedule), schedule(&now.schedule));
    told("notify", old.notify == now.notify, notify(old), notify(now));
    told("daemon", old.daemon == now.daemon, daemon(&old.daemon), daemon(&now.daemon));
    told("keep", old.keep == now.keep, keep(old), keep(now));
    found
}

fn store(store: &Store) -> String {
    match store {
        Store::Url(url) => url.clone(),
        Store::Secret(reference) => secret(reference),
    }
}

fn schedule(schedule: &Schedule) -> String {
    match schedule {
        Schedule::Every { every, jitter } => {
            format!("every {}, jitter {}", humantime::format_duration(*every), humantime::format_duration(*jitter))
        }
        Schedule::Cron { cron, jitter } => format!("cron {cron}, jitter {}", humantime::format_duration(*jitter)),
    }
}

fn notify(settings: &Settings) -> String {
    let hooks = settings.notify.iter().map(|hook| {
        let on: Vec<&str> = hook.on.iter().map(String::as_str).collect();
        format!("{} on {}", secret(&hook.url), on.join(", "))
    });
    let hooks: Vec<String> = hooks.collect();
    if hooks.is_empty() { "nobody".to_owned() } else { hooks.join("; ") }
}

fn daemon(daemon: &Daemon) -> String {
    let listen = daemon.listen.map_or_else(|| "its own address".to_owned(), |address| address.to_string());
    let token = daemon.token.as_ref().map_or_else(|| "no token".to_owned(), secret);
    let reads = daemon.read_token.as_ref().map_or_else(String::new, |token| format!(", {} for reading", secret(token)));
    format!("{listen}, {token}{reads}, drift: {}", daemon.drift)
}

fn keep(settings: &Settings) -> String {
    let keep = settings.keep;
    let span = |after: Option<std::time::Duration>| {
        after.map_or_else(|| "for ever".to_owned(), |after| humantime::format_duration(after).to_string())
    };
    format!("ledger {}, readings {}", span(keep.ledger), span(keep.readings))
}

/// The reference, never what it refers to.
fn secret(secret: &SecretRef) -> String {
    match secret {
        SecretRef::Env(name) => format!("{{ env: {name} }}"),
        SecretRef::File(path) => format!("{{ file: {path} }}"),
    }
}
