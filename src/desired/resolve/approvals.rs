//! Whether approvals name something that can happen.

use std::collections::BTreeMap;

use crate::{
    desired::{
        decode::{self, App},
        nearest,
        report::{Draft, Report},
    },
    model::{Approval, Desired, DesiredApp, Email, Scope, Verb},
};

pub(super) fn resolve(approvals: &[decode::Approval], apps: &[App], report: &mut Report<'_>) -> Vec<Approval> {
    approvals
        .iter()
        .map(|approval| {
            check(approval, apps, report);
            Approval {
                allow: approval.allow.name.clone(),
                guard: approval.guard,
                up_to: approval.up_to,
                until: approval.until,
                reason: approval.reason.clone(),
                place: report.place(approval.span),
            }
        })
        .collect()
}

fn check(approval: &decode::Approval, apps: &[App], report: &mut Report<'_>) {
    let groups = |app: &App| app.groups.iter().map(|group| group.name.to_string()).collect();
    let apps = apps.iter().map(|app| (app.name.to_string(), groups(app))).collect();
    for Wrong { message, hint } in wrong(&approval.allow.name, &apps) {
        report.push(Draft::error("bad-approval", message).at(approval.allow.span, "").hint(hint));
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
    let (of_group, of_member) = (verb.scope() == Scope::Group, verb.scope() == Scope::Membership);
    let most = if of_member { 4 } else { 3 };
    if parts.len() > most || parts.iter().any(String::is_empty) {
        let shape = if of_group {
            "APP/VERB/GROUP"
        } else if of_member {
            "APP/VERB/EMAIL/GROUP"
        } else {
            "APP/VERB/EMAIL"
        };
        return problem(
            format!("`{allow}` is not the name of an action, or the beginning of one"),
            format!("write `{shape}`, or less of it; a `/` inside a name is `%2F`"),
        );
    }
    let (email, group) = if of_group { (None, parts.get(2)) } else { (parts.get(2), parts.get(3)) };
    let mut wrong = Vec::new();
    if let Some(email) = email
        && let Err(error) = Email::parse(email)
    {
        wrong.extend(problem(
            format!("`{email}` is not an email address: {error}"),
            "write the whole address".to_owned(),
        ));
    }
    if let Some(group) = group
        && !known_groups.contains(group)
    {
        let hint = nearest::hint(group, known_groups.iter().map(String::as_str), "groups");
        wrong.extend(problem(format!("app `{}` declares no group `{group}`", parts[0]), hint));
    }
    wrong
}
