//! What a profile means to planning.

use std::{collections::BTreeMap, sync::Arc};

use super::profile::{DeleteUsers, EXTERNAL_ID, Profile};
use crate::model::{
    AccountStatus, CreateRule, DeactivateRule, DeleteRule, Effort, FieldName, Find, GroupRules, MemberRead,
    MemberRules, RoleRule, Semantics, Verb,
};

impl Profile {
    /// What the connector declares about a server with this profile.
    pub(super) fn semantics(&self) -> Semantics {
        let mut fields: std::collections::BTreeSet<FieldName> = self.fields.keys().cloned().collect();
        let role = self.roles.as_ref().map(|roles| RoleRule {
            many: true,
            ranked: Vec::new(),
            admin: self.admin_roles.iter().cloned().collect(),
            values: roles.iter().cloned().collect(),
        });
        fields.extend(role.iter().map(RoleRule::field));
        Semantics {
            connector: "scim".into(),
            account_noun: "user".into(),
            group_noun: "group".into(),
            // A row of a list is a whole resource, and what it leaves out is empty.
            carries: fields.clone(),
            fields,
            fixed: [EXTERNAL_ID.0.into()].into(),
            role,
            find: if self.filter { Find::Query } else { Find::Sweep },
            create: Some(CreateRule {
                require: self.require.iter().cloned().collect(),
                becomes: AccountStatus::Active,
            }),
            update: true,
            deactivate: Some(DeactivateRule { irreversible: !self.reactivate, strips_members: false }),
            reactivate: self.reactivate,
            delete: (self.delete_users == DeleteUsers::Permanent).then_some(DeleteRule { irreversible: true }),
            inactive_keeps_seat: self.inactive_keeps_seat,
            groups: GroupRules {
                list: true,
                create: self.create_groups,
                delete: self.delete_groups,
                ..GroupRules::default()
            },
            members: self.member_rules(),
            manual: self.by_hand(),
            effort: self.effort(),
            // An address stands in more than one place of a user.
            address_reads: 1,
            settle: self.settle,
            ..Semantics::default()
        }
    }

    fn member_rules(&self) -> MemberRules {
        let crowd = self.batch.max(1);
        let in_groups = self.writes_members();
        MemberRules {
            read: if self.read_members { MemberRead::PerGroup } else { MemberRead::Nowhere },
            add: in_groups,
            when: [AccountStatus::Active, AccountStatus::Pending].into(),
            remove: in_groups,
            add_at_once: crowd,
            remove_at_once: crowd,
            ..MemberRules::default()
        }
    }

    /// What a person does where the server has no way.
    fn by_hand(&self) -> BTreeMap<Verb, Arc<str>> {
        let members = "this server takes no changes of a group's members; do it in the app's admin pages";
        let usual = [
            (Verb::Reactivate, "this server does not make inactive users active again; do it in the app's admin pages"),
            (Verb::Delete, "this server does not delete users; do it in the app's admin pages"),
            (Verb::AddMember, members),
            (Verb::RemoveMember, members),
            (Verb::CreateGroup, "groups of this server come from elsewhere: make it where they do"),
            (Verb::DeleteGroup, "groups of this server come from elsewhere: delete it where they do"),
        ];
        let known = self.manual.iter().map(|(verb, text)| (*verb, *text));
        usual.into_iter().chain(known).map(|(verb, text)| (verb, text.into())).collect()
    }

    /// What is known without asking the server: most answer a change of members without a word, a deletion is looked after,
    /// and without PATCH everything is read first and shown afterwards.
    fn effort(&self) -> BTreeMap<Verb, Effort> {
        let looked = [Verb::Delete, Verb::AddMember, Verb::RemoveMember, Verb::DeleteGroup];
        let mut effort: BTreeMap<Verb, Effort> = looked.map(|verb| (verb, Effort::LOOK)).into();
        if self.patch == Some(false) {
            for verb in [Verb::Update, Verb::Deactivate, Verb::Reactivate, Verb::AddMember, Verb::RemoveMember] {
                effort.entry(verb).or_default().before = 1;
            }
            effort.insert(Verb::AddMember, Effort { before: 1, after: 0 });
        }
        effort
    }
}
