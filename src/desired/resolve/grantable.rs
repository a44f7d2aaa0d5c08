//! What teams may grant in an app: no more than its `grantable` lists, and nothing that administers the app unless it is
//! listed there. Whoever edits `teams/` must not be able to make administrators.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    desired::{
        decode::{App, Bound, FieldBounds, Grant, Group, Member},
        report::{Report, Span},
    },
    model::{FieldName, FieldValue, Grantable, GroupState, RoleRule, Semantics},
};

use super::{Line, names, teams::Teams, values::Rules};

/// The bounds of one app, and all that teams grant there.
pub(super) struct Granting<'a> {
    app: &'a App,
    accounts: Kind<'a>,
    members: Kind<'a>,
}

/// Accounts or memberships.
struct Kind<'a> {
    bounds: &'a FieldBounds,
    role: Option<&'a RoleRule>,
    /// What `grantable` calls the field of the role.
    key: &'static str,
    /// Every role that some team grants: what has to be listed for all of them to stay valid.
    granted: BTreeSet<Arc<str>>,
    what: &'static str,
    instead: &'static str,
}

impl<'a> Granting<'a> {
    pub(super) fn of(teams: &Teams<'_>, app: &'a App, semantics: &'a Semantics) -> Self {
        let (account_key, member_key) =
            (role_key(semantics.role.as_ref(), &semantics.fields), role_key_of_members(semantics));
        let (mut accounts, mut members) = (BTreeSet::new(), BTreeSet::new());
        for (_, grant) in teams.grants(&app.name) {
            accounts.extend(roles(&grant.account, account_key));
            members.extend(grant.groups.iter().flat_map(|(_, member)| roles(member, member_key)));
        }
        Self {
            app,
            accounts: Kind {
                bounds: &app.grantable.accounts,
                role: semantics.role.as_ref(),
                key: account_key,
                granted: accounts,
                what: "role",
                instead: "grant it directly under the app's `accounts`",
            },
            members: Kind {
                bounds: &app.grantable.members,
                role: semantics.members.role.as_ref(),
                key: member_key,
                granted: members,
                what: "role in a group",
                instead: "add the members under the group itself",
            },
        }
    }

    /// Reports what a team's line gives accounts and may not.
    pub(super) fn check_account(&self, line: &Line, report: &mut Report<'_>) {
        self.check(&self.accounts, line, report);
    }

    /// Reports what a team's line gives members of a group and may not.
    pub(super) fn check_member(&self, line: &Line, report: &mut Report<'_>) {
        self.check(&self.members, line, report);
    }

    /// Reports groups of a grant that its app does not have, or that teams may not grant.
    pub(super) fn check_groups(&self, grant: &Grant, report: &mut Report<'_>) {
        let app = self.app;
        for (named, _) in &grant.groups {
            let Some(group) = app.groups.iter().find(|group| group.name == named.name) else {
                names::unknown_group(app, named, report);
                continue;
            };
            if group.state == GroupState::Absent {
                let message = format!("group `{}` is to be deleted, and is granted here", group.name);
                let draft = report.error("group-absent", named.span, message).label("granted here");
                let deleted_at = group.state_span.unwrap_or(group.span);
                draft.and(deleted_at, "to be deleted").hint("remove the grant, or `state: absent`");
            }
            let what = format!("group `{}`", named.name);
            let instead = "add the members under the group itself";
            match &app.grantable.groups {
                Some(bound) if bound.0.iter().any(|allowed| allowed.name == named.name) => {}
                Some(bound) => refuse(app, &what, named.span, bound, instead, report),
                None => self.check_role_of(group, named.span, report),
            }
        }
    }

    /// Refuses a group whose members administer the app by a role of its own, unless `grantable` names the group.
    fn check_role_of(&self, group: &Group, at: Span, report: &mut Report<'_>) {
        let Some(rule) = self.accounts.role else { return };
        let Some((value, role_at)) = group.said.get(&rule.field()) else { return };
        let Some(role) = value.texts().find(|role| rule.admin.contains(*role)) else { return };
        let (app, group) = (&self.app.name, &group.name);
        let message =
            format!("teams may not grant the group `{group}` in app `{app}`, whose role `{role}` administers");
        let draft = report.error("not-grantable", at, message).label("granted here").and(*role_at, "its role");
        draft.hint(
            "add the members under the group itself; or, to let teams grant it, list it in `groups` of the app's `grantable`",
        );
    }

    fn check(&self, kind: &Kind<'_>, line: &Line, report: &mut Report<'_>) {
        for (field, value) in &line.values {
            let at = line.spans.get(field).copied().unwrap_or(line.span);
            let role = kind.role.filter(|rule| rule.field() == *field);
            let key = if role.is_some() { kind.key } else { &**field };
            let texts = texts(value);
            match (kind.bounds.get(key), role) {
                (Some(bound), _) => {
                    for text in texts.iter().filter(|text| !bound.0.iter().any(|allowed| allowed.name == **text)) {
                        let what = if role.is_some() { kind.what } else { &**field };
                        refuse(self.app, &format!("{what} `{text}`"), at, bound, kind.instead, report);
                    }
                }
                (None, Some(rule)) => {
                    for text in texts.iter().filter(|text| rule.admin.contains(*text)) {
                        self.refuse_admin(kind, text, at, report);
                    }
                }
                (None, None) => {}
            }
        }
    }

    /// Refuses a role that administers, with the line that would allow it.
    fn refuse_admin(&self, kind: &Kind<'_>, role: &str, at: Span, report: &mut Report<'_>) {
        let app = self.app;
        let message = format!("teams may not grant the {} `{role}` in app `{}`", kind.what, app.name);
        let granted: Vec<String> = kind.granted.iter().map(|role| scalar(role)).collect();
        let roles = format!("{}: [{}]", kind.key, granted.join(", "));
        let is_member = std::ptr::eq(kind, &self.members);
        let line = match (app.grantable.span, is_member, app.grantable.members.is_empty()) {
            (None, false, _) => format!("add `grantable: {{ {roles} }}` to the app"),
            (None, true, _) => format!("add `grantable: {{ members: {{ {roles} }} }}` to the app"),
            (Some(_), true, true) => format!("add `members: {{ {roles} }}` to the app's `grantable`"),
            (Some(_), true, false) => format!("add `{roles}` to `members` of the app's `grantable`"),
            (Some(_), false, _) => format!("add `{roles}` to the app's `grantable`"),
        };
        let draft = report.error("not-grantable", at, message).label("it can administer the app");
        let bound = app.grantable.span.unwrap_or(app.span);
        let draft = draft.and(bound, "nothing here lets teams grant it");
        draft.hint(format!("{}; or, to let teams grant it, {line}", kind.instead));
    }
}

/// Reports something that a bound leaves out.
fn refuse(app: &App, what: &str, at: Span, bound: &Bound, instead: &str, report: &mut Report<'_>) {
    let message = format!("teams may not grant the {what} in app `{}`", app.name);
    let draft = report.error("not-grantable", at, message).label("granted here").and(bound.1, "the bound");
    draft.hint(format!("{instead}, or widen `grantable`"));
}

/// Reports what `grantable` itself says of fields, roles and groups that there are not.
pub(super) fn check(app: &App, semantics: &Semantics, report: &mut Report<'_>) {
    for (bounds, rules, key) in [
        (&app.grantable.accounts, Rules::accounts(semantics), role_key(semantics.role.as_ref(), &semantics.fields)),
        (&app.grantable.members, Rules::members(semantics), role_key_of_members(semantics)),
    ] {
        for (field, (values, span)) in bounds {
            match rules.role.filter(|_| &**field == key) {
                Some(rule) => values.iter().for_each(|role| rules.check_role(rule, &role.name, role.span, report)),
                None => drop(rules.field(field, &FieldValue::Set(BTreeSet::new()), *span, report)),
            }
        }
    }
    for group in app.grantable.groups.iter().flat_map(|(groups, _)| groups) {
        if !app.groups.iter().any(|declared| declared.name == group.name) {
            names::unknown_group(app, group, report);
        }
    }
}

/// The bounds as a plan compares them.
pub(super) fn resolved(app: &App, report: &Report<'_>) -> Grantable {
    let names = |bound: &Bound| bound.0.iter().map(|named| named.name.clone()).collect::<BTreeSet<_>>();
    let fields = |bounds: &FieldBounds| -> BTreeMap<FieldName, BTreeSet<Arc<str>>> {
        bounds.iter().map(|(field, bound)| (field.clone(), names(bound))).collect()
    };
    let bounds = &app.grantable;
    Grantable {
        accounts: fields(&bounds.accounts),
        groups: bounds.groups.as_ref().map(names),
        members: fields(&bounds.members),
        place: bounds.span.map(|span| report.place(span)),
    }
}

/// What `grantable` calls the field of the role: `roles`, whether there is one or several, unless another field has that name.
fn role_key(rule: Option<&RoleRule>, fields: &BTreeSet<FieldName>) -> &'static str {
    if rule.is_some_and(|rule| !rule.many) && fields.contains("roles") { "role" } else { "roles" }
}

fn role_key_of_members(semantics: &Semantics) -> &'static str {
    role_key(semantics.members.role.as_ref(), &semantics.members.fields)
}

fn roles(member: &Member, key: &str) -> Vec<Arc<str>> {
    let keys: &[&str] = if key == "role" { &["role"] } else { &["role", "roles"] };
    let said = keys.iter().filter_map(|key| member.said.get(*key));
    said.flat_map(|(value, _)| texts(value)).collect()
}

fn texts(value: &FieldValue) -> Vec<Arc<str>> {
    match value {
        FieldValue::Set(texts) => texts.iter().cloned().collect(),
        other => vec![other.to_string().into()],
    }
}

/// A role as YAML takes it within brackets.
fn scalar(role: &str) -> String {
    let plain = role.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ')) && role.trim() == role;
    if plain && !role.is_empty() { role.to_owned() } else { format!("{role:?}") }
}
