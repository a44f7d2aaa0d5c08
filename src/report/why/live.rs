//! What was live of the person when an app was last read, and what is left to do about it.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    model::{AccountStatus, Action, LiveAccount, LiveMember, Status},
    report::{
        canvas::{Canvas, Line, Paint},
        json, rows, wording,
    },
    why::{Why, WhyLive},
};

/// Below what the lines grant.
pub(super) fn draw(canvas: &mut Canvas, why: &Why, seen: &WhyLive) {
    let when = wording::moment(seen.seen_at, &why.time_zone);
    let title = Line::new().text(Paint::Dim, "seen ").whole(Paint::Dim, when).text(Paint::Dim, ":");
    canvas.paragraph(2, &title);
    if seen.accounts.is_empty() {
        canvas.paragraph(4, &Line::new().text(Paint::Dim, "no account"));
    }
    for (account, groups) in &seen.accounts {
        draw_account(canvas, why, account);
        for (group, member) in groups {
            let line = Line::new().plain("in ").whole(Paint::Plain, &**group);
            canvas.paragraph(6, &Line::list([line, self::member(member)]));
        }
    }
    seen.actions.iter().for_each(|action| draw_action(canvas, action));
}

fn draw_account(canvas: &mut Canvas, why: &Why, account: &LiveAccount) {
    let (word, paint) = standing(&account.status);
    let mut line = Line::new().whole(paint, word);
    if account.email != why.email {
        line = line.plain(", as ").whole(Paint::Plain, account.email.as_str());
    }
    if let (AccountStatus::Pending, Some(at)) = (&account.status, account.created_at) {
        line = line.plain(", sent ").whole(Paint::Plain, wording::date(at, &why.time_zone));
    }
    let values = account.values.iter().filter_map(|(field, value)| Some(wording::field(field, value.as_ref()?)));
    let id = Line::new().text(Paint::Dim, "id ").whole(Paint::Dim, &*account.id);
    canvas.paragraph(4, &Line::list([line, id].into_iter().chain(values)));
}

/// `live`, `invited and not accepted yet`.
fn standing(status: &AccountStatus) -> (String, Paint) {
    match status {
        AccountStatus::Active => ("live".into(), Paint::Add),
        AccountStatus::Pending => ("invited and not accepted yet".into(), Paint::Notice),
        AccountStatus::Inactive => ("inactive".into(), Paint::Remove),
        AccountStatus::Unknown(word) => (word.to_string(), Paint::Change),
    }
}

fn member(member: &LiveMember) -> Line {
    let values = member.values.iter().filter_map(|(field, value)| Some(wording::field(field, value.as_ref()?)));
    let status = (member.status != AccountStatus::Active).then(|| {
        let (word, paint) = standing(&member.status);
        Line::new().whole(paint, word)
    });
    Line::list(status.into_iter().chain(values))
}

/// `held: - deactivate, until 2026-06-30`, and below it why, and what releases it.
fn draw_action(canvas: &mut Canvas, action: &Action) {
    let (word, paint) = match action.status {
        Status::Ready => ("to do", Paint::Add),
        Status::Waiting => ("waiting", Paint::Notice),
        Status::Held => ("held", Paint::Change),
        Status::Manual => ("by hand", Paint::Notice),
    };
    let verb = action.name.verb;
    let head = Line::new().whole(paint, word).plain(": ").whole(wording::paint(verb), wording::signed(verb));
    let group = wording::group(&action.name).map(|group| Line::new().whole(Paint::Plain, group));
    let said = rows::said(action).into_iter().map(|said| {
        let paint = if said.is_grave { Paint::Alarm } else { Paint::Plain };
        Line::new().text(paint, said.text)
    });
    canvas.paragraph(4, &Line::list(std::iter::once(head).chain(group).chain(said)));
    let guard = action.held.as_ref().map(|held| format!("{}: ", held.guard)).unwrap_or_default();
    if let Some(obstacle) = action.obstacle() {
        canvas.paragraph(6, &Line::new().text(Paint::Change, guard).prose(Paint::Plain, obstacle));
    }
    let Some(held) = &action.held else { return };
    if let Some(repair) = &held.repair {
        canvas.paragraph(6, &Line::new().text(Paint::Notice, "What to do: ").prose(Paint::Plain, repair));
    }
    if let Some(release) = &held.release {
        canvas.paragraph(6, &Line::new().text(Paint::Notice, "To release it, add this line under approvals:"));
        // Never wrapped: it is there to be copied.
        canvas.line(&Line::new().pad_to(8).whole(Paint::Code, release));
    }
}

/// As JSON; the actions as in a plan.
pub(super) fn wire(seen: &WhyLive) -> Value {
    json!({
        "app": seen.app,
        "seen_at": seen.seen_at,
        "accounts": seen.accounts.iter().map(|(account, groups)| account_wire(account, groups)).collect::<Value>(),
        "actions": seen.actions.iter().map(json::action).collect::<Value>(),
    })
}

fn account_wire(account: &LiveAccount, groups: &[(Arc<str>, LiveMember)]) -> Value {
    let member = |(group, member): &(Arc<str>, LiveMember)| json!({ "group": group, "status": member.status.to_string(), "values": member.values });
    json!({
        "id": account.id,
        "email": account.email.as_str(),
        "status": account.status.to_string(),
        "values": account.values,
        "groups": groups.iter().map(member).collect::<Value>(),
    })
}
