//! What an account gives reason to tell, besides the actions it takes.

use super::accounts::{One, may_be_live_admin};
use crate::{
    model::{ADDRESS, AccountStatus, Change, FieldName, Finding, FindingCode, LiveAccount, Place, RoleRule, Unlisted},
    plan::{
        draft::Drafts,
        wanted::{Standing, Wish},
    },
};

impl One<'_> {
    /// Fields of which nothing is known. Those whose turn to be read has not come are told of together.
    pub(super) fn report_unread(&self, account: &LiveAccount, unseen: &[FieldName], drafts: &mut Drafts) {
        if unseen.is_empty() || self.is_to_come(account) {
            return;
        }
        let message = format!(
            "{} of {} could not be read, so nothing is known about it and nothing is changed{}",
            unseen.join(" and "),
            self.identity,
            self.why_unread(account)
        );
        drafts.findings.push(self.warning(FindingCode::UnreadFields, message));
    }

    /// What the API cannot change, beside what it can.
    pub(super) fn report_fixed(
        &self,
        account: &LiveAccount,
        fixed: Vec<Change>,
        because: &[Place],
        drafts: &mut Drafts,
    ) {
        let app = self.cx.app;
        for change in fixed {
            let message = if &*change.field == ADDRESS {
                let todo = app.semantics.fixed_text(std::slice::from_ref(&change.field));
                format!("{} goes by the alias {} in {}: {todo}", self.identity, account.email, app.name)
            } else {
                format!("{} cannot be changed once an account exists", change.field)
            };
            drafts.findings.push(self.warning(FindingCode::FixedField, message).because(because.to_vec()));
        }
    }

    pub(super) fn report_doubt(&self, live: &[&LiveAccount], drafts: &mut Drafts) {
        // Strangers that are not going to be touched may be as many as they like.
        let untouched = self.standing == Standing::Unlisted && self.cx.app.policy.unlisted != Unlisted::Remove;
        if let Some(doubt) = self.doubt.filter(|_| !untouched) {
            let message = format!("{}; {}", doubt.reason, doubt.repair);
            let finding = Finding::error(FindingCode::AmbiguousAccount, message).account(self.identity.as_str());
            drafts.findings.push(finding.because(doubt.because.clone()));
        } else if live.len() > 1 && self.standing == Standing::Active {
            let others: Vec<String> =
                live[1..].iter().map(|account| format!("{} ({})", account.email, account.id)).collect();
            let message =
                format!("{} has further accounts beside the pinned one: {}", self.identity, others.join(", "));
            drafts.findings.push(self.warning(FindingCode::SecondAccount, message));
        }
        for account in live {
            if let AccountStatus::Unknown(word) = &account.status
                && !self.is_to_come(account)
            {
                let message = format!("{} has the status `{word}`, which the connector does not know", account.email);
                drafts.findings.push(self.warning(FindingCode::UnknownStatus, message));
            }
        }
    }

    fn warning(&self, code: FindingCode, message: String) -> Finding {
        Finding::warning(code, message).account(self.identity.as_str())
    }

    /// Whether the account's own row has not had its turn to be read.
    fn is_to_come(&self, account: &LiveAccount) -> bool {
        self.cx.live.extent.accounts_to_come.contains(&account.id)
    }

    /// Why an account's own row could not be read, as the end of a sentence.
    fn why_unread(&self, account: &LiveAccount) -> String {
        self.cx.live.unread_accounts.get(&account.id).map_or_else(String::new, |why| format!(": {why}"))
    }

    /// A live admin that no line makes admin is always worth a finding, whatever else happens to the account.
    pub(super) fn report_admin(&self, account: &LiveAccount, drafts: &mut Drafts) {
        if account.status == AccountStatus::Inactive || self.cx.is_self(self.identity) {
            return;
        }
        let (app, semantics) = (self.cx.app, &self.cx.app.semantics);
        let granted = match self.wish {
            Some(Wish::Granted(grant)) if self.standing == Standing::Active => Some(&grant.values),
            _ => None,
        };
        if semantics.is_admin(account) {
            if !granted.is_some_and(|values| semantics.makes_admin(values)) {
                let message = format!("{} is an admin, and no line makes this account one", account.email);
                drafts.findings.push(self.warning(FindingCode::UnexpectedAdmin, message));
            }
        } else if may_be_live_admin(self.cx, account) && !self.is_to_come(account) {
            let role = semantics.role.as_ref().map_or_else(|| "role".into(), RoleRule::field);
            // Where a line manages the role, the finding about it says the same.
            if granted.is_some_and(|values| values.contains_key(&role)) && app.managed.contains(&role) {
                return;
            }
            let label = self.matched.label(account, self.identity);
            let why = self.why_unread(account);
            let message =
                format!("{role} of {label} could not be read, so nobody knows whether this account is an admin{why}");
            drafts.findings.push(Finding::warning(FindingCode::UnreadFields, message).account(label));
        }
    }
}
