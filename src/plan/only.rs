//! A plan for one person alone: nothing that is about anybody else is in it, and where nobody else was looked for, nobody
//! else is counted.

use std::collections::BTreeSet;

use super::{
    Context,
    draft::Drafts,
    identity::Matched,
    many,
    wanted::{Standing, standing},
};
use crate::model::{About, Email, Finding, FindingCode, Guard, Verb};

/// Leaves what is about the one person, if the plan is about one.
pub(super) fn restrict(cx: &Context<'_>, matched: &Matched<'_>, drafts: &mut Drafts) {
    let Some(About { identity, .. }) = &cx.live.extent.about else { return };
    drafts.actions.retain(|draft| draft.identity.as_ref() == Some(identity));
    for draft in &mut drafts.actions {
        // The action that would make the group is about more than this person.
        if draft.verb() == Verb::AddMember && draft.action.step.group_id().is_none() && draft.holds.is_empty() {
            draft.hold(
                Guard::Incomplete,
                "the group is not there, and this plan is about one person alone".to_owned(),
                "run without `--only`, which makes the group first",
            );
        }
    }
    let accounts = matched.accounts.get(identity).into_iter().flatten();
    let mut names: BTreeSet<&str> =
        accounts.flat_map(|account| [matched.label(account, identity), account.email.as_str()]).collect();
    names.insert(identity.as_str());
    drafts.findings.retain(|finding| finding.account.as_deref().is_some_and(|account| names.contains(account)));
    if let Some(about) = cx.live.alone() {
        drafts.findings.extend(outcome(cx, matched, about, drafts.actions.is_empty()));
    }
}

/// How the person was found; or that they were not, where an account would have to go.
fn outcome(cx: &Context<'_>, matched: &Matched<'_>, about: &About, nothing_to_do: bool) -> Option<Finding> {
    let (who, app) = (&about.identity, &cx.app.name);
    let is_there = matched.accounts.contains_key(who);
    let finding = if let (Some(how), true) = (about.found_by, is_there) {
        Finding::note(FindingCode::PersonFound, format!("{who} was found in {app} {how}."))
    } else if !is_there && nothing_to_do && !(standing(cx, who) == Standing::Active && cx.app.grants(who)) {
        let message = format!(
            "no account of {who} was found in {app}, under {}; if there is one under another address, add that to the \
             `aliases` of the person, or pin the account's id under `ids` of apps.{app}",
            many(cx.addresses(who).count(), "address", "addresses")
        );
        Finding::warning(FindingCode::PersonNotFound, message)
    } else {
        return None;
    };
    Some(finding.account(who.as_str()))
}

/// What a reader of the plan has to know about how far the reading went.
pub(super) fn findings(about: &About) -> Vec<Finding> {
    let mut findings = Vec::new();
    let message = format!(
        "Only {} was looked for: nothing is said about anybody else, and caps that are a share of everybody are not judged.",
        about.identity
    );
    findings.push(Finding::note(FindingCode::OnlyOnePerson, message));
    if let Some(why) = about.coverage.gap() {
        let message = format!(
            "whether {} has another account could not be found out: {why}; what needs certainty is held",
            about.identity
        );
        findings.push(Finding::warning(FindingCode::IncompleteRead, message));
    }
    if !about.unasked.is_empty() {
        let others: Vec<&str> = about.unasked.iter().map(Email::as_str).collect();
        let message = format!(
            "an account was found without looking for {}; a run without `--only` looks for every address",
            others.join(", ")
        );
        findings.push(Finding::note(FindingCode::AddressNotAsked, message));
    }
    findings.into_iter().map(|finding| finding.account(about.identity.as_str())).collect()
}
