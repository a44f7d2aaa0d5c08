//! What the API can do and how it behaves, as data.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{rows, settings::Settings};
use crate::model::{
    ADDRESS, AccountStatus, CreateRule, DeactivateRule, Effort, FieldName, Find, GroupRules, Limits, MemberChange,
    MemberRead, MemberRules, QuotaScope, RoleRule, ScopeCovers, Semantics, Verb,
};

/// People that one import may hold; the API refuses more.
pub(super) const AT_ONCE: u32 = 200;

const MINUTE: Duration = Duration::from_secs(60);

/// The quota of `construction/admin`: reads and writes are counted apart.
pub(super) fn construction_limits() -> Limits {
    Limits { scopes: vec![scope(ScopeCovers::Reads, 600), scope(ScopeCovers::Writes, 100)], concurrency: None }
}

/// The quota of `hq`, whatever the method.
pub(super) fn hq_limits() -> Limits {
    Limits { scopes: vec![scope(ScopeCovers::All, 100)], concurrency: None }
}

fn scope(covers: ScopeCovers, requests: u32) -> QuotaScope {
    QuotaScope { covers, requests, per: MINUTE }
}

fn fields<const N: usize>(names: [&str; N]) -> std::collections::BTreeSet<FieldName> {
    names.map(FieldName::from).into()
}

pub(super) fn of(settings: &Settings) -> Semantics {
    // The API takes writes to projects only from somebody, who is named in a header.
    let acts = settings.acting_user.is_some();
    let role = |ranked: [&str; 2]| {
        let ranked: Vec<Arc<str>> = ranked.map(Arc::from).into();
        let admin = ranked.last().cloned().into_iter().collect();
        RoleRule { many: false, values: ranked.iter().cloned().collect(), ranked, admin }
    };
    Semantics {
        connector: "acc".into(),
        account_noun: "user".into(),
        group_noun: "project".into(),
        fields: fields(["role", "company", "default_role", "given_name", "family_name"]),
        // People keep their names and their address in their own Autodesk profile, and only a person makes an account admin.
        fixed: fields([ADDRESS, "role", "given_name", "family_name"]),
        role: Some(role([rows::ACCOUNT_USER, rows::ACCOUNT_ADMIN])),
        find: Find::Query,
        carries: fields(["role", "company", "default_role", "given_name", "family_name"]),
        // Nobody is invited by it: that is what joining a project does.
        create: Some(CreateRule { require: [].into(), becomes: AccountStatus::Pending }),
        update: true,
        deactivate: Some(DeactivateRule { irreversible: false, strips_members: false }),
        reactivate: true,
        groups: GroupRules { list: true, ..GroupRules::default() },
        members: MemberRules {
            read: MemberRead::PerGroup,
            add: acts,
            when: [AccountStatus::Active, AccountStatus::Pending].into(),
            change: if acts { MemberChange::InPlace } else { MemberChange::Manual },
            remove: acts,
            creates_account: acts,
            // A new account is always an ordinary one, so that its role needs no request of its own.
            creates_with: fields(["role", "given_name", "family_name"]),
            add_at_once: AT_ONCE,
            role: Some(role([rows::MEMBER, rows::ADMIN])),
            fields: fields(["role", "roles", "company"]),
            ..MemberRules::default()
        },
        manual: manual(acts),
        effort: effort(),
        settle: settings.import_wait,
        limits: construction_limits(),
        ..Semantics::default()
    }
}

/// A member is sent whole, and the answer shows what was sent instead of what is. People who join a project together do so
/// after a while, so that the first looks come too early.
fn effort() -> BTreeMap<Verb, Effort> {
    [
        (Verb::AddMember, Effort { before: 0, after: 3 }),
        (Verb::ChangeMember, Effort { before: 1, after: 1 }),
        (Verb::RemoveMember, Effort::LOOK),
    ]
    .into()
}

fn manual(acts: bool) -> BTreeMap<Verb, Arc<str>> {
    let project = "the API call that makes projects is not used here, because a project is more than its members: do it \
                   in ACC, Account Admin, Projects";
    let mut manual: BTreeMap<Verb, Arc<str>> = [
        (
            Verb::Update,
            "the API cannot make or unmake account admins, which an account admin does in ACC, Account Admin, Members; names \
             and addresses people change in their own Autodesk profile",
        ),
        (
            Verb::Deactivate,
            "the API cannot switch off an account that was never used: remove it in ACC, Account Admin, Members",
        ),
        (Verb::Delete, "the API cannot delete accounts: remove it in ACC, Account Admin, Members"),
        (Verb::CreateGroup, project),
        (Verb::DeleteGroup, "the API cannot delete projects: archive it in ACC, Account Admin, Projects"),
    ]
    .map(|(verb, text)| (verb, text.into()))
    .into();
    if !acts {
        let text = "the API takes writes to projects only in somebody's name: set `options.acting_user` to the ACC id or \
                    Autodesk id of an account admin, or do it in ACC, Project Admin, Members";
        for verb in [Verb::AddMember, Verb::ChangeMember, Verb::RemoveMember] {
            manual.insert(verb, text.into());
        }
    }
    manual
}
