//! Who can administer an app, or one of its groups: by the roles that the connector declares as such.

use super::{Change, FieldValue, LiveAccount, RoleRule, Semantics, Values};

impl RoleRule {
    /// Whether a value of the role's field holds one that can administer.
    fn is_admin(&self, roles: Option<&FieldValue>) -> bool {
        roles.is_some_and(|roles| roles.texts().any(|role| self.admin.contains(role)))
    }
}

impl Semantics {
    /// Whether an account is known to hold a role that can administer the app.
    pub fn is_admin(&self, account: &LiveAccount) -> bool {
        let rule = self.role.as_ref();
        rule.is_some_and(|rule| rule.is_admin(account.values.get(&rule.field()).and_then(Option::as_ref)))
    }

    /// Whether these fields give an account a role that can administer the app.
    pub fn makes_admin(&self, values: &Values) -> bool {
        self.role.as_ref().is_some_and(|rule| rule.is_admin(values.get(&rule.field())))
    }

    /// Whether these fields of a membership hold a role that can administer the group.
    pub fn makes_group_admin(&self, values: &Values) -> bool {
        self.members.role.as_ref().is_some_and(|rule| rule.is_admin(values.get(&rule.field())))
    }

    /// Whether changes of an account, or of a membership, give a role that can administer and that was not there.
    pub fn gains_admin(&self, membership: bool, changes: &[Change]) -> bool {
        let rule = if membership { self.members.role.as_ref() } else { self.role.as_ref() };
        rule.is_some_and(|rule| {
            let mut of_role = changes.iter().filter(|change| change.field == rule.field());
            of_role.any(|change| rule.is_admin(change.to.as_ref()) && !rule.is_admin(change.from.as_ref()))
        })
    }
}
