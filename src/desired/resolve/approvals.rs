//! Whether approvals name something that can happen.

use crate::{
    desired::{
        decode::{self, App},
        nearest,
        report::{Draft, Report},
    },
    model::{Approval, Email, Verb},
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

/// `APP`, `APP/VERB`, `APP/VERB/EMAIL`, `APP/VERB/EMAIL/GROUP` or `APP/VERB/GROUP`, with `/` in names as `%2F`.
fn check(approval: &decode::Approval, apps: &[App], report: &mut Report<'_>) {
    let span = approval.allow.span;
    let mut problem = |message: String, hint: String| {
        report.push(Draft::error("bad-approval", message).at(span, "").hint(hint));
    };
    let parts: Vec<String> =
        approval.allow.name.split('/').map(|part| part.replace("%2F", "/").replace("%2f", "/")).collect();
    let Some(app) = apps.iter().find(|app| *app.name == *parts[0]) else {
        let hint = nearest::hint(&parts[0], apps.iter().map(|app| &*app.name), "apps");
        return problem(format!("there is no app `{}`", parts[0]), hint);
    };
    let Some(word) = parts.get(1) else { return };
    let Ok(verb) = word.parse::<Verb>() else {
        let hint = nearest::hint(word, Verb::ALL.iter().map(|verb| verb.as_str()), "verbs");
        return problem(format!("there is no verb `{word}`"), hint);
    };
    let (of_group, of_member) = match verb {
        Verb::CreateGroup | Verb::UpdateGroup | Verb::DeleteGroup => (true, false),
        Verb::AddMember | Verb::ChangeMember | Verb::RemoveMember => (false, true),
        _ => (false, false),
    };
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
            format!("`{}` is not the name of an action, or the beginning of one", approval.allow.name),
            format!("write `{shape}`, or less of it; a `/` inside a name is `%2F`"),
        );
    }
    let (email, group) = if of_group { (None, parts.get(2)) } else { (parts.get(2), parts.get(3)) };
    if let Some(email) = email
        && let Err(error) = Email::parse(email)
    {
        problem(format!("`{email}` is not an email address: {error}"), "write the whole address".to_owned());
    }
    if let Some(group) = group
        && !app.groups.iter().any(|known| *known.name == **group)
    {
        let hint = nearest::hint(group, app.groups.iter().map(|group| &*group.name), "groups");
        problem(format!("app `{}` declares no group `{group}`", app.name), hint);
    }
}
