//! What one line gives to whom it names: a role or fields, for a time, for a reason.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    desired::{
        report::Span,
        spec,
        tree::{Entry, Kind},
    },
    model::{FieldName, FieldValue, Window},
};

use super::{Decoder, fields::Fields};

/// Values a line sets, as it says them, with where it says them.
pub(in crate::desired) type Said = BTreeMap<FieldName, (FieldValue, Span)>;

/// The value of a member, an account, or a grant.
#[derive(Debug, Clone, Default)]
pub(in crate::desired) struct Member {
    pub window: Window,
    pub reason: Option<Arc<str>>,
    pub said: Said,
}

impl<'s> Decoder<'_, 's> {
    /// Nothing, a role, or a mapping.
    pub(super) fn member(&mut self, entry: &Entry<'s>) -> Member {
        match &entry.value.kind {
            Kind::Null | Kind::Hidden => Member::default(),
            Kind::Scalar { .. } => self.role_alone(entry),
            Kind::Map(_) => {
                let fields = Fields::open(self, &entry.value, &spec::MEMBER, entry.span);
                self.member_of(&fields)
            }
            Kind::List(_) => {
                self.wrong_type(&entry.value, "nothing, a role or a mapping");
                Member::default()
            }
        }
    }

    /// A value that is a role and nothing else.
    pub(super) fn role_alone(&mut self, entry: &Entry<'s>) -> Member {
        let mut member = Member::default();
        if let Some(role) = self.text(&entry.value, &spec::ROLE) {
            member.said.insert("role".into(), (FieldValue::text(role), entry.value.span));
        }
        member
    }

    /// The keys that members and grants share.
    pub(super) fn member_of(&mut self, fields: &Fields<'_, 's>) -> Member {
        let window = self.window(fields);
        let reason = fields.text(self, "reason").map(|(text, _)| text.into());
        Member { window, reason, said: self.said(fields) }
    }

    /// `role`, `roles` and the connector's own fields.
    pub(super) fn said(&mut self, fields: &Fields<'_, 's>) -> Said {
        let mut said = self.other_fields(fields);
        if let Some((role, span)) = fields.text(self, "role") {
            said.insert("role".into(), (FieldValue::text(role), span));
        }
        if let Some(entry) = fields.entry("roles") {
            let roles = fields.texts(self, "roles").into_iter().map(|(role, _)| Arc::from(role)).collect();
            said.insert("roles".into(), (FieldValue::Set(roles), entry.span));
        }
        said
    }

    /// The connector's own fields.
    pub(super) fn other_fields(&mut self, fields: &Fields<'_, 's>) -> Said {
        let mut said = Said::new();
        for entry in fields.others() {
            if let Some(value) = self.field_value(&entry.value) {
                said.insert(Arc::from(&*entry.key), (value, entry.span));
            }
        }
        said
    }
}
