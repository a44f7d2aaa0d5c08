//! The calls of a manifest, checked one by one.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_saphyr::Spanned;

use super::{
    manifest::{Call, Fields, List, Update},
    paging::{Paging, Step as PageStep},
    template::{BodyTemplate, Dotted, Template},
    wire,
};
use crate::connectors::http::Method;

/// Page size where a manifest names none: what most APIs allow.
const PAGE_SIZE: u32 = 100;

/// What is wrong, and where.
pub(super) type Problem = (u64, String);

pub(super) fn at<T>(spanned: &Spanned<T>) -> u64 {
    spanned.referenced.line()
}

pub(super) fn paging(wire: &Spanned<wire::Page>) -> Result<Paging, Problem> {
    let line = at(wire);
    let page = &wire.value;
    let mut steps = Vec::new();
    if let Some(parameter) = &page.offset {
        steps.push(PageStep::Offset { parameter: parameter.clone() });
    }
    if let Some(parameter) = &page.number {
        steps.push(PageStep::Number { parameter: parameter.clone(), first: page.first.unwrap_or(1) });
    }
    match (&page.token, &page.next) {
        (Some(parameter), Some(next)) => {
            steps.push(PageStep::Token { parameter: parameter.clone(), next: next.clone() });
        }
        (None, None) => {}
        _ => {
            return Err((
                line,
                "`token` (the parameter) and `next` (where the answer has the token) go together".into(),
            ));
        }
    }
    if let Some(next) = &page.link {
        steps.push(PageStep::Link { next: next.clone() });
    }
    let (Some(step), true) = (steps.pop(), steps.is_empty()) else {
        return Err((line, "`page` needs exactly one of `offset`, `number`, `token` and `link`".into()));
    };
    let max = page.max.unwrap_or(PAGE_SIZE);
    if max == 0 {
        return Err((line, "`max` must be at least 1".into()));
    }
    let ends_short = page.end == Some(wire::End::Short);
    if ends_short && page.size.is_none() {
        return Err((line, "`end: short` needs `size`: otherwise nobody knows what a full page is".into()));
    }
    Ok(Paging { step, size: page.size.clone(), max, total: page.total.clone(), ends_short })
}

/// Makes a call, after checking that its placeholders have values.
pub(super) struct CallBuilder<'a> {
    allowed: Vec<&'a str>,
}

impl<'a> CallBuilder<'a> {
    pub(super) fn with(allowed: &[&'a str]) -> Self {
        Self { allowed: allowed.to_vec() }
    }

    pub(super) fn fields(mut self, fields: &'a Fields) -> Self {
        self.allowed.extend(fields.0.keys().map(|name| &**name));
        self
    }

    fn check<'h>(&self, line: u64, holes: impl IntoIterator<Item = &'h str>) -> Result<(), Problem> {
        for hole in holes {
            let option = hole.strip_prefix("options.").is_some_and(|name| !name.is_empty());
            if !option && !self.allowed.contains(&hole) {
                let known = self.allowed.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(", ");
                return Err((line, format!("{{{hole}}} has no value here; there are {known} and {{options.NAME}}")));
            }
        }
        Ok(())
    }

    pub(super) fn call(&self, method: Method, path: Spanned<Template>) -> Result<Call, Problem> {
        let line = at(&path);
        self.check(line, path.value.holes())?;
        let call = Call {
            method,
            path: path.value,
            query: Vec::new(),
            body: None,
            expect: Vec::new(),
            duplicate: Vec::new(),
            may_lack: false,
        };
        Ok(call)
    }

    pub(super) fn body(&self, body: Option<Spanned<Value>>) -> Result<Option<BodyTemplate>, Problem> {
        let Some(body) = body else { return Ok(None) };
        let line = at(&body);
        let body = BodyTemplate::parse(body.value).map_err(|wrong| (line, wrong))?;
        self.check(line, body.holes())?;
        Ok(Some(body))
    }

    pub(super) fn list(&self, wire: wire::List, page: Option<&Paging>) -> Result<List, Problem> {
        let line = at(&wire.get);
        for template in wire.query.values() {
            self.check(line, template.holes())?;
        }
        let own = wire.page.as_ref().map(paging).transpose()?;
        let paging = own.or_else(|| page.cloned()).filter(|_| wire.paged);
        let call = Call {
            query: wire.query.into_iter().collect(),
            may_lack: wire.otherwise.is_some(),
            ..self.call(Method::Get, wire.get)?
        };
        Ok(List { call, items: wire.items, paging })
    }
}

/// The one method that is given.
pub(super) fn one_of<const N: usize>(
    line: u64,
    what: &str,
    given: [(Method, Option<Spanned<Template>>); N],
) -> Result<(Method, Spanned<Template>), Problem> {
    let names = given.each_ref().map(|(method, _)| format!("`{}`", method.as_str().to_lowercase())).join(", ");
    let mut given = given.into_iter().filter_map(|(method, path)| Some((method, path?)));
    match (given.next(), given.next()) {
        (Some(call), None) => Ok(call),
        _ => Err((line, format!("`{what}` needs exactly one of {names}"))),
    }
}

pub(super) fn pairs(expect: BTreeMap<Dotted, Value>) -> Vec<(Dotted, Value)> {
    expect.into_iter().collect()
}

pub(super) fn update(line: u64, wire: wire::Update, holes: &[&str]) -> Result<Update, Problem> {
    let given = [(Method::Post, wire.post), (Method::Put, wire.put), (Method::Patch, wire.patch)];
    let (method, path) = one_of(line, "update", given)?;
    let call = Call { expect: pairs(wire.expect), ..CallBuilder::with(holes).call(method, path)? };
    Ok(Update { call, replace: wire.style == wire::Style::Replace, omit: wire.omit })
}

pub(super) fn delete(line: u64, what: &str, wire: wire::Delete, holes: &[&str]) -> Result<Call, Problem> {
    let (method, path) = one_of(line, what, [(Method::Delete, wire.delete), (Method::Post, wire.post)])?;
    let build = CallBuilder::with(holes);
    let body = build.body(wire.body)?;
    let may_lack = wire.otherwise.is_some();
    Ok(Call { body, expect: pairs(wire.expect), may_lack, ..build.call(method, path)? })
}
