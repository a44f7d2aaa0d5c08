//! What a change under review may not decide before it is merged: where requests go, with which credential, how many,
//! through which manifest, and where the engine keeps and sends its own news. All that is taken from the version that
//! was reviewed; the differences are told.

use std::{collections::BTreeSet, fmt::Display, sync::Arc};

use crate::model::{Desired, DesiredApp, Finding, FindingCode, SecretRef, Settings};

/// The files under review, with everything that reaches the network as it was before.
#[derive(Debug, Clone)]
pub struct Trusted {
    /// What to plan with, and to connect with.
    pub desired: Desired,
    /// What the change would change about it, sorted.
    pub findings: Vec<Finding>,
}

/// Puts what `reviewed` says about the network into `change`. `manifest_changed` says of a connector that its manifest is
/// not the same in both.
pub fn trust(change: &Desired, reviewed: &Desired, manifest_changed: impl Fn(&str) -> bool) -> Trusted {
    let mut findings = Vec::new();
    let mut desired = change.clone();
    desired.apps.retain(|name, app| match reviewed.apps.get(name) {
        Some(before) => {
            let differences = differences(app, before, &manifest_changed);
            let told = |what| Finding::warning(FindingCode::UnusedChange, what).because([app.place.clone()]);
            findings.extend(differences.into_iter().map(told));
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
    let settings = settings_differences(&change.settings, &reviewed.settings);
    findings.extend(settings.into_iter().map(|what| Finding::warning(FindingCode::UnusedChange, what)));
    desired.settings = Settings { time_zone: change.settings.time_zone.clone(), ..reviewed.settings.clone() };
    findings.sort();
    Trusted { desired, findings }
}

fn keep_network(app: &mut DesiredApp, before: &DesiredApp) {
    app.connector = before.connector.clone();
    app.semantics = before.semantics.clone();
    app.url = before.url.clone();
    app.auth = before.auth.clone();
    app.options = before.options.clone();
    app.budget = before.budget.clone();
}

/// `X changes from A to B; until this is merged, A counts`.
fn changes(what: impl Display, from: &str, to: &str) -> String {
    format!(
        "{what} changes from {from} to {to}; nothing was sent by the new value, which counts once this change is merged"
    )
}

fn differences(app: &DesiredApp, before: &DesiredApp, manifest_changed: impl Fn(&str) -> bool) -> Vec<String> {
    let name = &app.name;
    let mut found = Vec::new();
    let mut told = |key: &str, from: Option<String>, to: Option<String>| {
        let text = |value: Option<String>| value.map_or_else(|| "nothing".to_owned(), |value| format!("`{value}`"));
        if from != to {
            found.push(changes(format!("`{key}` of {name}"), &text(from), &text(to)));
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
        found.push(format!("`budget` of {name} changes; the new one counts once this change is merged"));
    }
    if before.connector == app.connector && manifest_changed(&app.connector) {
        found.push(format!(
            "the manifest `{}` of {name} changes; nothing was sent by the new one, which counts once this change is merged",
            app.connector
        ));
    }
    found
}

fn settings_differences(settings: &Settings, before: &Settings) -> Vec<String> {
    let parts = [
        ("store", settings.store != before.store),
        ("schedule", settings.schedule != before.schedule),
        ("notify", settings.notify != before.notify),
        ("daemon", settings.daemon != before.daemon),
    ];
    let changed = parts.into_iter().filter(|(_, changed)| *changed);
    changed
        .map(|(key, _)| format!("`settings.{key}` changes; the new value counts once this change is merged"))
        .collect()
}

/// The reference, never what it refers to.
fn secret(secret: &SecretRef) -> String {
    match secret {
        SecretRef::Env(name) => format!("{{ env: {name} }}"),
        SecretRef::File(path) => format!("{{ file: {path} }}"),
    }
}
