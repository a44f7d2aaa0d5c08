//! What an account gives reason to tell, besides the actions it takes.

use super::accounts::{One, may_be_live_admin};
use crate::{
    model::{ADDRESS, AccountStatus, Change, FieldName, Finding, FindingCode, LiveAccount, Place, Severity, Unlisted},
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
        drafts.find(Finding {
            severity: Severity::Warning,
            code: FindingCode::UnreadFields,
            account: Some(self.identity.as_str().into()),
            group: None,
            message: format!(
                "{} of {} could not be read, so nothing is known about it and nothing is changed{}",
                unseen.join(" and "),
                self.identity,
                self.why_unread(account)
            ),
            because: Vec::new(),
        });
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
            drafts.find(Finding {
                severity: Severity::Warning,
                code: FindingCode::FixedField,
                account: Some(self.identity.as_str().into()),
                group: None,
                message,
                because: because.to_vec(),
            });
        }
    }

    pub(super) fn report_doubt(&self, live: &[&LiveAccount], drafts: &mut Drafts) {
        // Strangers that are not going to be touched may be as many as they like.
        let untouched = self.standing == Standing::Unlisted && self.cx.app.policy.unlisted != Unlisted::Remove;
        if let Some(doubt) = self.doubt.filter(|_| !untouched) {
            drafts.find(Finding {
                severity: Severity::Error,
                code: FindingCode::AmbiguousAccount,
                account: Some(self.identity.as_str().into()),
                group: None,
                message: format!("{}; {}", doubt.reason, doubt.repair),
                because: doubt.because.clone(),
            });
        } else if live.len() > 1 && self.standing == Standing::Active {
            drafts.find(Finding {
                severity: Severity::Warning,
                code: FindingCode::SecondAccount,
                account: Some(self.identity.as_str().into()),
                group: None,
                message: format!(
                    "{} has further accounts beside the pinned one: {}",
                    self.identity,
                    live[1..]
                        .iter()
                        .map(|account| format!("{} ({})", account.email, account.id))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
                because: Vec::new(),
            });
        }
        for account in live {
            if let AccountStatus::Unknown(word) = &account.status
                && !self.is_to_come(account)
            {
                drafts.find(Finding {
                    severity: Severity::Warning,
                    code: FindingCode::UnknownStatus,
                    account: Some(self.identity.as_str().into()),
                    group: None,
                    message: format!("{} has the status `{word}`, which the connector does not know", account.email),
                    because: Vec::new(),
                });
            }
        }
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
        let meant = self.standing == Standing::Active
            && matches!(self.wish, Some(Wish::Granted(grant)) if self.admin(&grant.values));
        let is_self = self.cx.is_self(self.identity);
        let role = self.cx.app.semantics.role.as_ref().map(|rule| rule.field());
        // Where a line manages the role, the finding about it says the same.
        let told = matches!(self.wish, Some(Wish::Granted(grant)) if self.standing == Standing::Active
            && role.as_ref().is_some_and(|role| grant.values.contains_key(role) && self.cx.app.managed.contains(role)));
        let unseen = !self.live_admin(account) && may_be_live_admin(self.cx, account);
        if account.status != AccountStatus::Inactive && unseen && !told && !is_self && !self.is_to_come(account) {
            drafts.find(Finding {
                severity: Severity::Warning,
                code: FindingCode::UnreadFields,
                account: Some(self.matched.label(account, self.identity).into()),
                group: None,
                message: format!(
                    "{} of {} could not be read, so nobody knows whether this account is an admin{}",
                    role.as_deref().unwrap_or("role"),
                    self.matched.label(account, self.identity),
                    self.why_unread(account)
                ),
                because: Vec::new(),
            });
        }
        if account.status != AccountStatus::Inactive && self.live_admin(account) && !meant && !is_self {
            drafts.find(Finding {
                severity: Severity::Warning,
                code: FindingCode::UnexpectedAdmin,
                account: Some(self.identity.as_str().into()),
                group: None,
                message: format!("{} is an admin, and no line makes this account one", account.email),
                because: Vec::new(),
            });
        }
    }
}
