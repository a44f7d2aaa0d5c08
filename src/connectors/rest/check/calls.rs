//! The calls of a manifest, checked one by one.

use std::{cell::RefCell, collections::BTreeSet};

use serde_json::Value;
use serde_saphyr::Spanned;

use super::{
    answers::{Shared, Told},
    mistakes::{Problem, at},
};
use crate::connectors::{
    http::Method,
    paging::{Cursor, Paging, Totals},
    rest::{
        answers::Answers,
        manifest::{Call, Fields, List, Style, Update},
        options::OptionRules,
        shape::Paged,
        template::{BodyTemplate, Template},
        wire,
    },
};

/// Page size where a manifest names none: what most APIs allow.
const PAGE_SIZE: u64 = 100;

/// What every call of a manifest can refer to.
pub(super) struct Scope<'a> {
    pub(super) options: &'a OptionRules,
    /// How lists are paged that say nothing of their own.
    pub(super) page: Option<&'a Paged>,
    /// What answers mean to every call, or to the calls that they name.
    pub(super) answers: &'a [Shared],
    /// Options that stand in a text so far.
    pub(super) plain: RefCell<BTreeSet<String>>,
}

impl Scope<'_> {
    /// Checks that an option is declared, and has a value where it has to have one.
    fn option(&self, line: u64, name: &str, needed: bool) -> Result<(), Problem> {
        let Some(spec) = self.options.specs.iter().find(|spec| spec.name == name) else {
            return Err((line, undeclared(name)));
        };
        if needed && !spec.required && !self.options.defaults.contains_key(name) {
            return Err((
                line,
                format!("{{options.{name}}} may have no value here; declare it with `required: true` or a `default`"),
            ));
        }
        self.plain.borrow_mut().insert(name.to_owned());
        Ok(())
    }
}

/// What to say of an option that is not declared.
pub(super) fn undeclared(name: &str) -> String {
    format!("there is no option `{name}`; declare it: `options: {{ {name}: {{ help: … }} }}`")
}

pub(super) fn paging(wire: &Spanned<wire::Page>) -> Result<Paged, Problem> {
    let line = at(wire);
    let page = &wire.value;
    let mut cursors = Vec::new();
    if let Some(parameter) = &page.offset {
        cursors.push(Cursor::Row { parameter: parameter.clone(), first: 0 });
    }
    if let Some(parameter) = &page.number {
        cursors.push(Cursor::Number { parameter: parameter.clone(), first: page.first.unwrap_or(1) });
    }
    match (&page.token, &page.next) {
        (Some(parameter), Some(_)) => cursors.push(Cursor::Token { parameter: parameter.clone(), opening: None }),
        (None, None) => {}
        _ => {
            return Err((
                line,
                "`token` (the parameter) and `next` (where the answer has the token) go together".into(),
            ));
        }
    }
    cursors.extend(page.link.is_some().then_some(Cursor::Link));
    let (Some(cursor), true) = (cursors.pop(), cursors.is_empty()) else {
        return Err((line, "`page` needs exactly one of `offset`, `number`, `token` and `link`".into()));
    };
    let max = page.max.map_or(PAGE_SIZE, u64::from);
    if max == 0 {
        return Err((line, "`max` must be at least 1".into()));
    }
    let ends_short = page.end == Some(wire::End::Short);
    if ends_short && page.size.is_none() {
        return Err((line, "`end: short` needs `size`: otherwise nobody knows what a full page is".into()));
    }
    let totals = page.total.as_ref().map_or(Totals::Unsaid, |path| Totals::Stated(path.to_string()));
    let default = page.default.map(u64::from);
    Ok(Paged {
        paging: Paging { cursor, size: page.size.clone(), max: Some(max), default, ends_short, totals },
        next: page.next.clone().or_else(|| page.link.clone()),
        total: page.total.clone(),
        at_least: page.at_least.clone(),
    })
}

/// Makes a call, after checking that its placeholders have values.
pub(super) struct CallBuilder<'a> {
    scope: &'a Scope<'a>,
    allowed: Vec<&'a str>,
    /// Of each of these, one placeholder has to be in every call: without it the call would be about everybody.
    about: Vec<&'a [&'a str]>,
}

impl<'a> CallBuilder<'a> {
    pub(super) fn with(scope: &'a Scope<'a>, allowed: &[&'a str]) -> Self {
        Self { scope, allowed: allowed.to_vec(), about: Vec::new() }
    }

    /// Makes calls that name one of these placeholders. A removal that does not say whom would remove everybody.
    pub(super) fn about(mut self, one_of: &'a [&'a str]) -> Self {
        self.about.push(one_of);
        self
    }

    /// Checks that a call says what it is about.
    fn check_about(&self, line: u64, what: &str, call: &Call) -> Result<(), Problem> {
        let query = call.query.iter().flat_map(|(_, value)| value.holes());
        let holes: BTreeSet<_> =
            call.path.holes().chain(query).chain(call.body.iter().flat_map(|b| b.holes())).collect();
        match self.about.iter().find(|one_of| !one_of.iter().any(|hole| holes.contains(hole))) {
            None => Ok(()),
            Some(one_of) => {
                let names: Vec<_> = one_of.iter().map(|hole| format!("{{{hole}}}")).collect();
                Err((line, format!("`{what}` does not say which one it is about; it needs {}", names.join(" or "))))
            }
        }
    }

    pub(super) fn fields(mut self, fields: &'a Fields) -> Self {
        self.allowed.extend(fields.0.keys().map(|name| &**name));
        self
    }

    /// `needed`: nothing can be left out here.
    fn check<'h>(&self, line: u64, holes: impl IntoIterator<Item = &'h str>, needed: bool) -> Result<(), Problem> {
        for hole in holes {
            match hole.strip_prefix("options.") {
                Some(option) => self.scope.option(line, option, needed)?,
                None if self.allowed.contains(&hole) => {}
                None => {
                    let known = self.allowed.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(", ");
                    let known = if known.is_empty() { known } else { format!("{known} and ") };
                    return Err((line, format!("{{{hole}}} has no value here; there are {known}{{options.NAME}}")));
                }
            }
        }
        Ok(())
    }

    /// A text such as a base path.
    pub(super) fn text(&self, text: Spanned<Template>) -> Result<Template, Problem> {
        self.check(at(&text), text.value.holes(), true)?;
        Ok(text.value)
    }

    /// What answers mean to the call of this name.
    pub(super) fn answers(&self, what: &str, told: Told) -> Result<Answers, Problem> {
        told.of(what, self.scope.answers)
    }

    fn call(&self, what: &str, method: Method, path: Spanned<Template>, told: Told) -> Result<Call, Problem> {
        let line = at(&path);
        self.check(line, path.value.holes(), true)?;
        if !path.value.starts_with('/') {
            return Err((line, "a path starts with `/` and goes on below the app's `url` and `base`".into()));
        }
        let answers = self.answers(what, told)?;
        Ok(Call { method, path: path.value, query: Vec::new(), body: None, answers })
    }

    /// A call that reads.
    pub(super) fn get(&self, what: &str, wire: wire::Read, may_lack: bool) -> Result<Call, Problem> {
        let line = at(&wire.get);
        for template in wire.query.values() {
            self.check(line, template.holes(), false)?;
        }
        let told = Told { answers: wire.answers, may_lack };
        let call = self.call(what, Method::Get, wire.get, told)?;
        let call = Call { query: wire.query.into_iter().collect(), ..call };
        self.check_about(line, what, &call)?;
        Ok(call)
    }

    pub(super) fn body(&self, body: Option<Spanned<Value>>) -> Result<Option<BodyTemplate>, Problem> {
        let Some(body) = body else { return Ok(None) };
        let line = at(&body);
        let body = BodyTemplate::parse(body.value).map_err(|wrong| (line, wrong))?;
        self.check(line, body.holes(), false)?;
        Ok(Some(body))
    }

    pub(super) fn list(&self, what: &str, wire: wire::List) -> Result<List, Problem> {
        let own = wire.page.as_ref().map(paging).transpose()?;
        let paging = own.or_else(|| self.scope.page.cloned()).filter(|_| wire.paged);
        let read = wire::Read { get: wire.get, query: wire.query, answers: wire.answers };
        let call = self.get(what, read, wire.otherwise.is_some())?;
        Ok(List { call, items: wire.items, paging })
    }

    /// A call that changes one thing.
    pub(super) fn write<const N: usize>(
        &self,
        line: u64,
        what: &str,
        given: [(Method, Option<Spanned<Template>>); N],
        body: Option<Spanned<Value>>,
        told: Told,
    ) -> Result<Call, Problem> {
        let (method, path) = one_of(line, what, given)?;
        let body = self.body(body)?;
        let call = Call { body, ..self.call(what, method, path, told)? };
        self.check_about(line, what, &call)?;
        Ok(call)
    }

    pub(super) fn update(&self, what: &str, wire: Spanned<wire::Update>) -> Result<Update, Problem> {
        let (line, wire) = (at(&wire), wire.value);
        let style = match wire.style {
            wire::Style::Partial => Style::Partial { whole: wire.whole.clone() },
            wire::Style::Replace => Style::Replace { omit: wire.omit.clone() },
            wire::Style::JsonPatch => Style::JsonPatch {
                op: match wire.op {
                    wire::Op::Replace => "replace",
                    wire::Op::Add => "add",
                },
            },
        };
        let misplaced = [
            ("omit", wire::Style::Replace, wire.omit.is_empty()),
            ("whole", wire::Style::Partial, wire.whole.is_empty()),
            ("op", wire::Style::JsonPatch, wire.op == wire::Op::Replace),
        ];
        if let Some((key, ..)) = misplaced.into_iter().find(|(_, style, unused)| *style != wire.style && !unused) {
            return Err((line, format!("`{key}` under `{what}` means nothing with this `style`")));
        }
        let given = [(Method::Post, wire.post), (Method::Put, wire.put), (Method::Patch, wire.patch)];
        let told = Told::new(wire.answers, wire.otherwise);
        Ok(Update { call: self.write(line, what, given, None, told)?, style })
    }

    pub(super) fn delete(&self, what: &str, wire: Spanned<wire::Delete>) -> Result<Call, Problem> {
        let (line, wire) = (at(&wire), wire.value);
        let given = [(Method::Delete, wire.delete), (Method::Post, wire.post)];
        let told = Told::new(wire.answers, wire.otherwise);
        self.write(line, what, given, wire.body, told)
    }
}

/// The one method that is given.
fn one_of<const N: usize>(
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

/// Whether an update has to read what there is first.
pub(super) fn reads_first(update: &Update) -> bool {
    match &update.style {
        Style::Partial { whole } => !whole.is_empty(),
        Style::Replace { .. } => true,
        Style::JsonPatch { .. } => false,
    }
}
