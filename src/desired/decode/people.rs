//! The section `people`.

use std::sync::Arc;

use crate::{
    desired::{report::Span, spec, tree::Entry},
    model,
};

use super::{Decoder, fields::Fields};

/// A person, with what stands where.
#[derive(Debug)]
pub(in crate::desired) struct Person {
    pub model: model::Person,
    pub span: Span,
    /// Where each of the aliases stands.
    pub alias_spans: Vec<Span>,
}

pub(super) fn person<'s>(d: &mut Decoder<'_, 's>, entry: &Entry<'s>) -> Option<Person> {
    let fields = Fields::open(d, &entry.value, &spec::PERSON, entry.span);
    let email = d.email(&entry.key, entry.span);
    let mut name = |key| fields.text(d, key).map(|(text, _)| Arc::from(text));
    let (given_name, family_name) = (name("given_name"), name("family_name"));
    let aliases = fields.texts(d, "aliases").into_iter();
    let (aliases, alias_spans) = aliases.filter_map(|(text, span)| Some((d.email(text, span)?, span))).unzip();
    let status = fields.word(d, "status");
    let model = model::Person {
        email: email?,
        given_name,
        family_name,
        aliases,
        attributes: fields.attributes(d, "attributes"),
        window: d.window(&fields),
        status: status.map(|(status, _)| status).unwrap_or_default(),
        place: d.report.place(entry.span),
        status_place: status.map(|(_, span)| d.report.place(span)),
    };
    Some(Person { model, span: entry.span, alias_spans })
}
