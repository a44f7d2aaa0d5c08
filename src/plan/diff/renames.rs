//! A person whose key was renamed in the files without an alias looks like one who comes and one who goes.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    model::{AccountStatus, Email, Finding, FindingCode, Guard, LiveAccount, Unlisted, Verb},
    plan::{
        Context,
        draft::Drafts,
        identity::Matched,
        repair,
        wanted::{self, Standing},
    },
};

/// Reports new accounts for people who are called like a stranger that the app already has. It may be the same person under
/// an old address: where it can be nobody else, the new account is held, and where the plan would remove the stranger, both
/// steps are.
pub(super) fn find(cx: &Context<'_>, matched: &Matched<'_>, drafts: &mut Drafts) {
    let mut comes: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    let mut goes: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    for (index, draft) in drafts.actions.iter().enumerate() {
        match (draft.verb(), &draft.identity, draft.action.step.account_id()) {
            (Verb::Create, Some(identity), _) => {
                let person = cx.desired.people.get(identity);
                let names =
                    person.and_then(|person| called(person.given_name.as_deref()?, person.family_name.as_deref()?));
                if let Some(names) = names {
                    comes.entry(names).or_default().push(index);
                }
            }
            (Verb::Deactivate | Verb::Delete, _, Some(id)) => drop(goes.insert(id.clone(), index)),
            _ => {}
        }
    }
    if comes.is_empty() || cx.app.policy.unlisted == Unlisted::Ignore {
        return;
    }
    let mut strangers: BTreeMap<(String, String), Vec<(&LiveAccount, &Email)>> = BTreeMap::new();
    for account in cx.accounts.iter().filter(|account| account.status != AccountStatus::Inactive) {
        let Some((_, stranger)) = matched.by_id(&account.id) else { continue };
        if wanted::standing(cx, stranger) != Standing::Unlisted || cx.is_self(stranger) {
            continue;
        }
        if let Some(names) = live_names(account).filter(|names| comes.contains_key(names)) {
            strangers.entry(names).or_default().push((account, stranger));
        }
    }
    for (names, strangers) in strangers {
        let Some(comes) = comes.get(&names) else { continue };
        // Of several with one name nobody can tell who it would be.
        let one_each = comes.len() == 1 && strangers.len() == 1;
        for (account, stranger) in strangers {
            for come in comes {
                let Some(person) = drafts.actions[*come].identity.clone() else { continue };
                let (reason, repair) = explain(cx, &person, stranger, account);
                let finding = Finding::warning(FindingCode::RenamedPerson, format!("{reason}; {repair}"));
                drafts.findings.push(finding.account(person.as_str()));
                let go = goes.get(&account.id);
                if one_each || go.is_some() {
                    drafts.actions[*come].hold(Guard::Ambiguous, reason.clone(), repair.clone());
                }
                if let Some(go) = go {
                    drafts.actions[*go].hold(Guard::Ambiguous, reason, repair);
                }
            }
        }
    }
}

fn explain(cx: &Context<'_>, person: &Email, stranger: &Email, account: &LiveAccount) -> (String, String) {
    (
        format!("{person} is new and has the same names as {stranger}, whom the files do not know"),
        format!(
            "if they are one person, {}; if they are two, {}; if the other one has left, {}",
            repair::alias(cx, person, stranger),
            repair::grant(cx, stranger, account),
            repair::left(stranger)
        ),
    )
}

fn live_names(account: &LiveAccount) -> Option<(String, String)> {
    let text = |field: &str| account.values.get(field)?.as_ref()?.texts().next();
    called(text("given_name")?, text("family_name")?)
}

/// How names are compared; without both there is nothing to go by.
fn called(given: &str, family: &str) -> Option<(String, String)> {
    let fold = |name: &str| name.trim().to_lowercase();
    Some((fold(given), fold(family))).filter(|(given, family)| !given.is_empty() && !family.is_empty())
}
