//! From a planned step to the write that is sent: what earlier steps made gets its id.

use std::sync::Arc;

use super::CreatedIds;
use crate::{
    connectors::{Joiner, Write},
    model::{AccountRef, GroupRef, Step},
};

/// The id of the account or group that a step is about never became known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unresolved;

impl Step {
    /// The write that carries the step out.
    ///
    /// # Errors
    /// When no step of this run made what this step is about.
    pub(super) fn resolve(&self, created: &CreatedIds) -> Result<Write, Unresolved> {
        Ok(match self.clone() {
            Self::CreateAccount { email, values } => Write::CreateAccount { email, values },
            Self::UpdateAccount { account, values, address } => {
                Write::UpdateAccount { id: account.id(created)?, values, email: address }
            }
            Self::Reactivate(account) => Write::Reactivate { id: account.id(created)? },
            Self::Deactivate(account) => Write::Deactivate { id: account.id(created)? },
            Self::DeleteAccount(account) => Write::DeleteAccount { id: account.id(created)? },
            Self::AddMember { group, account, values, joining } => {
                let id = match account.id(created) {
                    Ok(id) => Some(id),
                    // Joining makes the account, so that its address is enough.
                    Err(Unresolved) if joining.is_some() => None,
                    Err(unresolved) => return Err(unresolved),
                };
                let who = Joiner { id, email: account.email().clone(), values: joining.unwrap_or_default() };
                Write::AddMember { group: group.id(created)?, who, values }
            }
            Self::ChangeMember { group, account, values } => {
                Write::ChangeMember { group: group.id(created)?, account: account.id(created)?, values }
            }
            Self::RemoveMember { group, account } => {
                Write::RemoveMember { group: group.id(created)?, account: account.id(created)? }
            }
            Self::CreateGroup { name, values } => Write::CreateGroup { name, values },
            Self::UpdateGroup { group, values } => Write::UpdateGroup { id: group.id(created)?, values },
            Self::DeleteGroup(group) => Write::DeleteGroup { id: group.id(created)? },
        })
    }
}

impl AccountRef {
    fn id(&self, created: &CreatedIds) -> Result<Arc<str>, Unresolved> {
        match self {
            Self::Known(account) => Ok(account.id.clone()),
            Self::Created(email) => created.account_of(email).ok_or(Unresolved),
        }
    }
}

impl GroupRef {
    fn id(&self, created: &CreatedIds) -> Result<Arc<str>, Unresolved> {
        match self {
            Self::Known(id) => Ok(id.clone()),
            Self::Created(name) => created.group_of(name).ok_or(Unresolved),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Email, Values};

    /// What becomes of joining `group` as `ann@x.io`, whom an earlier step makes, once these accounts and groups were made.
    fn check(made: &[&str], joining: Option<Values>, expected: Result<(&str, Option<&str>), Unresolved>) {
        let created = CreatedIds::default();
        for made in made {
            match made.contains('@') {
                true => created.remember_account(Email::lenient(made), "id-of-account".into()),
                false => created.remember_group((*made).into(), "id-of-group".into()),
            }
        }
        let step = Step::AddMember {
            group: GroupRef::Created("Design".into()),
            account: AccountRef::Created(Email::lenient("ann@x.io")),
            values: Values::new(),
            joining,
        };
        let expected = expected.map(|(group, id)| Write::AddMember {
            group: group.into(),
            who: Joiner { id: id.map(Into::into), email: Email::lenient("ann@x.io"), values: Values::new() },
            values: Values::new(),
        });
        assert_eq!(step.resolve(&created), expected);
    }

    #[test]
    fn a_step_waits_for_the_ids_of_what_it_is_about() {
        check(&["ann@x.io", "Design"], None, Ok(("id-of-group", Some("id-of-account"))));
        check(&["Design"], None, Err(Unresolved));
        check(&["ann@x.io"], None, Err(Unresolved));
    }

    #[test]
    fn an_address_is_enough_where_joining_makes_the_account() {
        check(&["Design"], Some(Values::new()), Ok(("id-of-group", None)));
        check(&["ann@x.io", "Design"], Some(Values::new()), Ok(("id-of-group", Some("id-of-account"))));
    }
}
