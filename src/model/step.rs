//! What a step of a plan does, with exactly what carrying it out takes.

use std::sync::Arc;

use super::{AccountStatus, ActionName, Email, LiveAccount, Values, Verb};

/// The account that a step is about.
#[derive(Debug, Clone, PartialEq)]
pub enum AccountRef {
    /// It was seen.
    Known(KnownAccount),
    /// It was not seen, so that an earlier step has to make it, under this address.
    Created(Email),
}

/// An account as it was when its step was planned.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownAccount {
    /// Its id.
    pub id: Arc<str>,
    /// Its address.
    pub email: Email,
    /// Its status. A removal makes sure that the account still has it.
    pub status: AccountStatus,
}

impl AccountRef {
    /// The account's address.
    pub fn email(&self) -> &Email {
        match self {
            Self::Known(account) => &account.email,
            Self::Created(email) => email,
        }
    }
}

impl From<&LiveAccount> for AccountRef {
    fn from(account: &LiveAccount) -> Self {
        let LiveAccount { id, email, status, .. } = account.clone();
        Self::Known(KnownAccount { id, email, status })
    }
}

/// The group that a step is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupRef {
    /// Its id was seen, or the files pin it.
    Known(Arc<str>),
    /// No id is known, so that an earlier step has to make the group, under this name.
    Created(Arc<str>),
}

/// What a step does. There is a variant for each [`Verb`].
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Makes an account.
    CreateAccount {
        /// Its address.
        email: Email,
        /// Every field to send.
        values: Values,
    },
    /// Changes fields of an account, its address among them.
    UpdateAccount {
        /// Which.
        account: AccountRef,
        /// The fields to change.
        values: Values,
        /// The address that an account gets which goes by another one.
        address: Option<Email>,
    },
    /// Makes an inactive account active.
    Reactivate(AccountRef),
    /// Makes an account inactive.
    Deactivate(AccountRef),
    /// Removes an account for good.
    DeleteAccount(AccountRef),
    /// Puts an account into a group.
    AddMember {
        /// Which group.
        group: GroupRef,
        /// Which account.
        account: AccountRef,
        /// Fields of the membership, its role among them.
        values: Values,
        /// Fields of the account, in an app where joining makes an account that is not there yet.
        joining: Option<Values>,
    },
    /// Changes fields of a membership.
    ChangeMember {
        /// Which group.
        group: GroupRef,
        /// Which account.
        account: AccountRef,
        /// The fields to change.
        values: Values,
    },
    /// Takes an account out of a group.
    RemoveMember {
        /// Which group.
        group: GroupRef,
        /// Which account.
        account: AccountRef,
    },
    /// Makes a group.
    CreateGroup {
        /// Its name.
        name: Arc<str>,
        /// Every field to send.
        values: Values,
    },
    /// Changes fields of a group.
    UpdateGroup {
        /// Which.
        group: GroupRef,
        /// The fields to change.
        values: Values,
    },
    /// Removes a group.
    DeleteGroup(GroupRef),
}

impl Step {
    /// As much of a step as an action's name says. No id is known, so that only what an earlier step makes can be changed by it.
    pub fn named(name: &ActionName) -> Self {
        let email = Email::lenient(name.account.as_deref().unwrap_or_default());
        let account = AccountRef::Created(email.clone());
        let called = name.group.clone().unwrap_or_default();
        let group = GroupRef::Created(called.clone());
        let values = Values::new();
        match name.verb {
            Verb::Create => Self::CreateAccount { email, values },
            Verb::Update => Self::UpdateAccount { account, values, address: None },
            Verb::Reactivate => Self::Reactivate(account),
            Verb::Deactivate => Self::Deactivate(account),
            Verb::Delete => Self::DeleteAccount(account),
            Verb::AddMember => Self::AddMember { group, account, values, joining: None },
            Verb::ChangeMember => Self::ChangeMember { group, account, values },
            Verb::RemoveMember => Self::RemoveMember { group, account },
            Verb::CreateGroup => Self::CreateGroup { name: called, values },
            Verb::UpdateGroup => Self::UpdateGroup { group, values },
            Verb::DeleteGroup => Self::DeleteGroup(group),
        }
    }

    /// Its verb.
    pub fn verb(&self) -> Verb {
        match self {
            Self::CreateAccount { .. } => Verb::Create,
            Self::UpdateAccount { .. } => Verb::Update,
            Self::Reactivate(_) => Verb::Reactivate,
            Self::Deactivate(_) => Verb::Deactivate,
            Self::DeleteAccount(_) => Verb::Delete,
            Self::AddMember { .. } => Verb::AddMember,
            Self::ChangeMember { .. } => Verb::ChangeMember,
            Self::RemoveMember { .. } => Verb::RemoveMember,
            Self::CreateGroup { .. } => Verb::CreateGroup,
            Self::UpdateGroup { .. } => Verb::UpdateGroup,
            Self::DeleteGroup(_) => Verb::DeleteGroup,
        }
    }

    /// The account that it changes, or whose membership it changes; none where it makes the account.
    fn account_ref(&self) -> Option<&AccountRef> {
        match self {
            Self::UpdateAccount { account, .. }
            | Self::Reactivate(account)
            | Self::Deactivate(account)
            | Self::DeleteAccount(account)
            | Self::AddMember { account, .. }
            | Self::ChangeMember { account, .. }
            | Self::RemoveMember { account, .. } => Some(account),
            Self::CreateAccount { .. } | Self::CreateGroup { .. } | Self::UpdateGroup { .. } | Self::DeleteGroup(_) => {
                None
            }
        }
    }

    /// The account that it is about, where it was seen.
    pub fn account(&self) -> Option<&KnownAccount> {
        match self.account_ref()? {
            AccountRef::Known(account) => Some(account),
            AccountRef::Created(_) => None,
        }
    }

    /// The id of that account.
    pub fn account_id(&self) -> Option<&Arc<str>> {
        self.account().map(|account| &account.id)
    }

    /// The address of somebody who has no account as far as the plan knows, and whose account joining makes.
    pub fn newcomer(&self) -> Option<&Email> {
        match self {
            Self::AddMember { account: AccountRef::Created(email), joining: Some(_), .. } => Some(email),
            _ => None,
        }
    }

    /// The address of the account that it is about; none where it is about a group alone.
    pub fn email(&self) -> Option<&Email> {
        match self {
            Self::CreateAccount { email, .. } => Some(email),
            other => other.account_ref().map(AccountRef::email),
        }
    }

    /// The id of the group that it is about, where it is known.
    pub fn group_id(&self) -> Option<&Arc<str>> {
        match self {
            Self::AddMember { group, .. }
            | Self::ChangeMember { group, .. }
            | Self::RemoveMember { group, .. }
            | Self::UpdateGroup { group, .. }
            | Self::DeleteGroup(group) => match group {
                GroupRef::Known(id) => Some(id),
                GroupRef::Created(_) => None,
            },
            _ => None,
        }
    }

    /// The fields to send: of the new account or group, of the membership, or those to change.
    pub fn values(&self) -> &Values {
        match self {
            Self::CreateAccount { values, .. }
            | Self::UpdateAccount { values, .. }
            | Self::AddMember { values, .. }
            | Self::ChangeMember { values, .. }
            | Self::CreateGroup { values, .. }
            | Self::UpdateGroup { values, .. } => values,
            _ => &NO_VALUES,
        }
    }

    /// The address that the account gets.
    pub fn address(&self) -> Option<&Email> {
        match self {
            Self::UpdateAccount { address, .. } => address.as_ref(),
            _ => None,
        }
    }

    /// Fields of the account that joining a group makes.
    pub fn joining(&self) -> &Values {
        match self {
            Self::AddMember { joining: Some(values), .. } => values,
            _ => &NO_VALUES,
        }
    }
}

static NO_VALUES: Values = Values::new();
