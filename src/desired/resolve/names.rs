//! Whether names stand for something: in grants, declared apps and groups; in approvals, something
//! that can happen.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    desired::{
        decode::{App, Named, Team},
        nearest,
        report::{Report, Span},
    },
    model::{Approval, Desired, DesiredApp, Email, Scope, Verb},
};

/// Reports grants in apps that no file declares.
pub(super) fn apps_of_grants(teams: &[Team], apps: &[App], report: &mut Report<'_>) {
    if !report.all_read() {
        return;
    }
    let known: BTreeSet<&str> = apps.iter().map(|app| &*app.name).collect();
    for Named { name, span } in teams.iter().flat_map(|team| &team.grants).map(|grant| &grant.app) {
        if !known.contains(&**name) {
            let hint = nearest::hint(name, known.iter().copied(), "apps");
            report.error("unknown-app", *span, format!("there is no app `{name}`")).hint(hint);
        }
    }
}

/// Reports a group that its app does not declare.
pub(super) fn unknown_group(app: &App, named: &Named<Arc<str>>, report: &mut Report<'_>) {
    if report.all_read() && !app.groups_misspelt {
        let message = format!("app `{}` declares no group `{}`", app.name, named.name);
        let hint = nearest::hint(&named.name, app.groups.iter().map(|group| &*group.name), "groups");
        report.error("unknown-group", named.span, message).hint(hint);
    }
}

/// Reports an approval, whose `allow` stands at `span`, that can name nothing.
pub(super) fn check_approval(approval: &Approval, span: Span, apps: &[App], report: &mut Report<'_>) {
    let groups = |app: &App| app.groups.iter().map(|group| group.name.to_string()).collect();
    let apps = apps.iter().map(|app| (app.name.to_string(), groups(app))).collect();
    for Wrong { message, hint } in wrong(&approval.allow, &apps) {
        report.error("bad-approval", span, message).hint(hint);
    }
}

/// Why something can be no name in an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The sentence.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// What is wrong with the name of an approval that stands in no file.
pub fn wrong_approval(allow: &str, desired: &Desired) -> Vec<Wrong> {
    let groups = |app: &DesiredApp| app.groups.keys().map(ToString::to_string).collect();
    wrong(allow, &desired.apps.values().map(|app| (app.name.to_string(), groups(app))).collect())
}

/// `APP`, `APP/VERB`, `APP/VERB/EMAIL`, `APP/VERB/EMAIL/GROUP` or `APP/VERB/GROUP`, with `/` in names as `%2F`. `apps` are
/// the apps there are, each with its groups.
fn wrong(allow: &str, apps: &BTreeMap<String, Vec<String>>) -> Vec<Wrong> {
    let problem = |message: String, hint: String| vec![Wrong { message, hint }];
    let parts: Vec<String> = allow.split('/').map(|part| part.replace("%2F", "/").replace("%2f", "/")).collect();
    let Some(known_groups) = apps.get(&parts[0]) else {
        let hint = nearest::hint(&parts[0], apps.keys().map(String::as_str), "apps");
        return problem(format!("there is no app `{}`", parts[0]), hint);
    };
    let Some(word) = parts.get(1) else { return Vec::new() };
    let Ok(verb) = word.parse::<Verb>() else {
        let hint = nearest::hint(word, Verb::ALL.iter().map(|verb| verb.as_str()), "verbs");
        return problem(format!("there is no verb `{word}`"), hint);
    };
    let (shape, email, group) = match verb.scope() {
        Scope::Group => ("APP/VERB/GROUP", None, parts.get(2)),
        Scope::Membership => ("APP/VERB/EMAIL/GROUP", parts.get(2), parts.get(3)),
        Scope::Account => ("APP/VERB/EMAIL", parts.get(2), None),
    };
    if parts.len() > shape.split('/').count() || parts.iter().any(String::is_empty) {
        return problem(
            format!("`{allow}` is not the name of an action, or the beginning of one"),
            format!("write `{shape}`, or less of it; a `/` inside a name is `%2F`"),
        );
    }
    let mut wrong = Vec::new();
    if let Some(email) = email
        && let Err(error) = Email::parse(email)
    {
        let message = format!("`{email}` is not an email address: {error}");
        wrong.extend(problem(message, "write the whole address".to_owned()));
    }
    if let Some(group) = group
        && !known_groups.contains(group)
    {
        let hint = nearest::hint(group, known_groups.iter().map(String::as_str), "groups");
        wrong.extend(problem(format!("app `{}` declares no group `{group}`", parts[0]), hint));
    }
    wrong
}
