//! The section `people`.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    desired::{report::Span, spec, tree::Entry},
    model::{Email, FieldValue, PersonStatus, Window},
};

use super::{Decoder, Named, fields::Fields};

/// A person as the files describe them.
#[derive(Debug)]
pub(in crate::desired) struct Person {
    pub email: Email,
    pub span: Span,
    pub given_name: Option<Arc<str>>,
    pub family_name: Option<Arc<str>>,
    pub aliases: Vec<Named<Email>>,
    pub attributes: BTreeMap<Arc<str>, FieldValue>,
    pub window: Window,
    pub status: PersonStatus,
    pub status_span: Option<Span>,
}

pub(super) fn person<'s>(d: &mut Decoder<'_, 's>, entry: &Entry<'s>) -> Option<Person> {
    let fields = Fields::open(d, &entry.value, &spec::PERSON, entry.span);
    let email = d.email(&entry.key, entry.span);
    let mut name = |key| fields.text(d, key).map(|(text, _)| Arc::from(text));
    let given_name = name("given_name");
    let family_name = name("family_name");
    let aliases = fields.texts(d, "aliases").into_iter().filter_map(|(text, span)| {
        let name = d.email(text, span)?;
        Some(Named { name, span })
    });
    let aliases = aliases.collect();
    let status = fields.word(d, "status");
    Some(Person {
        email: email?,
        span: entry.span,
        given_name,
        family_name,
        aliases,
        attributes: fields.attributes(d, "attributes"),
        window: d.window(&fields),
        status: status.map(|(status, _)| status).unwrap_or_default(),
        status_span: status.map(|(_, span)| span),
    })
}
