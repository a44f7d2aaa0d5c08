//! The calls of a manifest, and what their answers mean, checked one by one.

use std::{cell::RefCell, collections::BTreeSet};

use super::mistakes::{Problem, choice};
use crate::connectors::{
    Meaning,
    http::Method,
    paging::{Cursor, Paging, Totals},
    rest::{
        answers::{Answers, CALLS, Kind, Rule},
        manifest::{Call, Fields, List, Places, Style, Update},
        options::OptionRules,
        shape::Paged,
        template::{BodyTemplate, Dotted, Template},
        wire::{self, ByHand, Choice, Lined, Map, Path},
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
    pub(super) answers: &'a [Rule],
    /// Options that stand in a text so far.
    pub(super) plain: RefCell<BTreeSet<String>>,
}

impl Scope<'_> {
    /// The option of this name.
    pub(super) fn declared(&self, line: u64, name: &str) -> Result<&Choice, Problem> {
        let undeclared = || format!("there is no option `{name}`; declare it: `options: {{ {name}: {{ help: … }} }}`");
        self.options.declared.get(name).ok_or_else(|| (line, undeclared()))
    }

    /// Checks that an option is declared, and has a value where it has to have one.
    fn option(&self, line: u64, name: &str, needed: bool) -> Result<(), Problem> {
        let choice = self.declared(line, name)?;
        if needed && !choice.required && choice.default.is_none() {
            return Err((
                line,
                format!("{{options.{name}}} may have no value here; declare it with `required: true` or a `default`"),
            ));
        }
        self.plain.borrow_mut().insert(name.to_owned());
        Ok(())
    }
}

/// A list that comes at once. A number of rows above those that come shows that it does not, all the same.
fn at_once(cursor: Cursor, number: Option<Dotted>) -> Paged {
    Paged { paging: Paging::at_once(cursor), next: None, total: None, at_least: number }
}

pub(super) fn paging(Lined { line, value: page }: Lined<wire::Pages>) -> Result<Paged, Problem> {
    let page = match page {
        wire::Pages::None(wire::Whole::None) => return Ok(at_once(Cursor::Whole, None)),
        wire::Pages::These(page) => *page,
    };
    let wrong = |message: &str| Err((line, message.to_owned()));
    if page.token.is_some() != page.next.is_some() {
        return wrong("`token` (the parameter) and `next` (where the answer has the token) go together");
    }
    let cursor = match (page.offset, page.number, page.token, &page.link) {
        (Some(parameter), None, None, None) => Cursor::Row { parameter, first: 0 },
        (None, Some(parameter), None, None) => Cursor::Number { parameter, first: page.first.unwrap_or(1) },
        (None, None, Some(parameter), None) => Cursor::Token { parameter, opening: None },
        (None, None, None, Some(_)) => Cursor::Link,
        _ => return wrong("`page` needs exactly one of `offset`, `number`, `token` and `link`"),
    };
    if page.max == Some(0) {
        return wrong("`max` must be at least 1");
    }
    let ends_short = page.end == Some(wire::End::Short);
    if ends_short && page.size.is_none() {
        return wrong("`end: short` needs `size`: otherwise nobody knows what a full page is");
    }
    let totals = page.total.as_ref().map_or(Totals::Unsaid, |path| Totals::Stated(path.to_string()));
    let max = Some(page.max.unwrap_or(PAGE_SIZE));
    Ok(Paged {
        paging: Paging { cursor, size: page.size, max, default: page.default, ends_short, totals },
        next: page.next.or(match page.link {
            Some(wire::LinkAt::Body(place)) => Some(place),
            Some(wire::LinkAt::Header) | None => None,
        }),
        total: page.total,
        at_least: page.at_least,
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
    fn about_one(&self, line: u64, what: &str, call: Call) -> Result<Call, Problem> {
        let holes: Vec<_> = call.holes().collect();
        match self.about.iter().find(|one_of| !one_of.iter().any(|hole| holes.contains(hole))) {
            None => Ok(call),
            Some(one_of) => {
                let names: Vec<_> = one_of.iter().map(|hole| format!("{{{hole}}}")).collect();
                Err((line, format!("`{what}` does not say which one it is about; it needs {}", names.join(" or "))))
            }
        }
    }

    pub(super) fn fields(mut self, fields: &'a Fields) -> Self {
        self.allowed.extend(fields.keys().map(|name| &**name));
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
                    if hole.starts_with("secret.") {
                        let message = "secrets stand under `auth` alone, so that none of them is shown or logged";
                        return Err((line, format!("{{{hole}}} has no value here: {message}")));
                    }
                    return Err((line, format!("{{{hole}}} has no value here; there are {known}{{options.NAME}}")));
                }
            }
        }
        Ok(())
    }

    /// A text such as a base path.
    pub(super) fn text(&self, text: Lined<Template>) -> Result<Template, Problem> {
        self.check(text.line, text.value.holes(), true)?;
        Ok(text.value)
    }

    /// A text that is left out where an option in it has no value.
    pub(super) fn optional_text(&self, text: Lined<Template>) -> Result<Template, Problem> {
        self.check(text.line, text.value.holes(), false)?;
        Ok(text.value)
    }

    /// What answers mean to the call of this name.
    pub(super) fn answers(&self, what: &str, own: wire::Answers, may_lack: bool) -> Result<Answers, Problem> {
        answers(what, own, self.scope.answers, may_lack)
    }

    fn call(
        &self,
        method: Method,
        path: Lined<Template>,
        query: Map<Template>,
        body: Option<Lined<BodyTemplate>>,
        answers: Answers,
    ) -> Result<Call, Problem> {
        let line = path.line;
        query.values().try_for_each(|template| self.check(line, template.holes(), false))?;
        if let Some(body) = &body {
            self.check(body.line, body.value.holes(), false)?;
        }
        let path = self.text(path)?;
        if !path.starts_with('/') {
            return Err((line, "a path starts with `/` and goes on below the app's `url` and `base`".into()));
        }
        Ok(Call { method, path, query, body: body.map(|body| body.value), answers })
    }

    /// A call that reads.
    pub(super) fn get(&self, what: &str, wire: wire::Read, may_lack: bool) -> Result<Call, Problem> {
        let line = wire.get.line;
        let answers = self.answers(what, wire.answers, may_lack)?;
        self.about_one(line, what, self.call(Method::Get, wire.get, wire.query, None, answers)?)
    }

    pub(super) fn list(&self, what: &str, wire: wire::List) -> Result<List, Problem> {
        if wire.excludes && what != "accounts.find" {
            let says = "says what it means that `accounts.find` finds nobody; leave it out here";
            return Err((wire.get.line, format!("`excludes` under `{what}` {says}")));
        }
        let own = wire.page.map(paging).transpose()?;
        let paged = match (own.or_else(|| self.scope.page.cloned()), wire.paged) {
            (Some(paged), true) => paged,
            (None, true) => at_once(Cursor::Undeclared, None),
            (paged, false) => at_once(Cursor::Whole, paged.and_then(|paged| paged.total.or(paged.at_least))),
        };
        let read = wire::Read { get: wire.get, query: wire.query, answers: wire.answers };
        let call = self.get(what, read, wire.otherwise.is_some())?;
        Ok(List { call, items: wire.items, paged })
    }

    /// A call that changes one thing.
    pub(super) fn write<const N: usize>(
        &self,
        (line, what): (u64, &str),
        given: [(Method, Path); N],
        body: Option<Lined<BodyTemplate>>,
        answers: wire::Answers,
        otherwise: Option<ByHand>,
    ) -> Result<Call, Problem> {
        let (method, path) = one_of(line, what, given)?;
        let answers = self.answers(what, answers, otherwise.is_some())?;
        self.about_one(line, what, self.call(method, path, Map::new(), body, answers)?)
    }

    /// A call that changes fields. `places` are the placeholders of its body for what changes.
    pub(super) fn update(
        &self,
        what: &str,
        Lined { line, value: wire }: Lined<wire::Update>,
        places: Places,
    ) -> Result<Update, Problem> {
        let misplaced = [
            ("omit", wire::Style::Replace, wire.omit.is_empty()),
            ("whole", wire::Style::Partial, wire.whole.is_empty()),
            ("op", wire::Style::JsonPatch, wire.op == wire::Op::Replace),
        ];
        if let Some((key, ..)) = misplaced.into_iter().find(|(_, style, unused)| *style != wire.style && !unused) {
            return Err((line, format!("`{key}` under `{what}` means nothing with this `style`")));
        }
        if wire.body.is_some() && (wire.style != wire::Style::Partial || !wire.whole.is_empty()) {
            return Err((line, format!("`body` under `{what}` says all that is sent; leave out `style` and `whole`")));
        }
        let style = match wire.style {
            wire::Style::Partial if wire.body.is_some() => Style::Body { places },
            wire::Style::Partial => Style::Partial { whole: wire.whole },
            wire::Style::Replace => Style::Replace { omit: wire.omit },
            wire::Style::JsonPatch => Style::JsonPatch { op: wire.op },
        };
        let given = [(Method::Post, wire.post), (Method::Put, wire.put), (Method::Patch, wire.patch)];
        for path in given.iter().filter_map(|(_, path)| path.as_ref()) {
            self.check(path.line, path.value.holes(), true)?;
        }
        let mut sending = Self { scope: self.scope, allowed: self.allowed.clone(), about: self.about.clone() };
        let places = if let Style::Body { places } = &style { places.clone() } else { Places::new() };
        sending.allowed.extend(places.keys().map(|name| &**name));
        let call = sending.write((line, what), given, wire.body, wire.answers, wire.otherwise)?;
        Ok(Update { call, style })
    }

    pub(super) fn delete(&self, what: &str, wire: Lined<wire::Delete>) -> Result<Call, Problem> {
        let Lined { line, value: wire } = wire;
        let given = [(Method::Delete, wire.delete), (Method::Post, wire.post)];
        self.write((line, what), given, wire.body, wire.answers, wire.otherwise)
    }
}

/// The one method that is given.
fn one_of<const N: usize>(
    line: u64,
    what: &str,
    given: [(Method, Path); N],
) -> Result<(Method, Lined<Template>), Problem> {
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
        Style::JsonPatch { .. } | Style::Body { .. } => false,
    }
}

/// What the answers to `call` mean, by its own rules and the manifest's. Some versions of the app may lack the call.
fn answers(call: &str, own: Vec<Lined<Rule>>, shared: &[Rule], may_lack: bool) -> Result<Answers, Problem> {
    let check = |Lined { line, value: rule }: Lined<Rule>| {
        if !rule.on.is_empty() {
            let only = format!(
                "`on` stands in the manifest's own `answers`; these rules are about `{call}` alone, so leave it out"
            );
            return Err((line, only));
        }
        checked(&rule, &[call]).map_err(|wrong| (line, wrong))?;
        Ok(rule)
    };
    let own = own.into_iter().map(check).collect::<Result<_, _>>()?;
    let kind = Kind::of(call);
    let about = |rule: &&Rule| match rule.on.as_slice() {
        [] => kind.is_some_and(|kind| kind.can_mean(rule.means)),
        calls => calls.iter().any(|name| name == call),
    };
    let shared = shared.iter().filter(about).cloned().collect();
    Ok(Answers { own, shared, last: may_lack.then(Rule::lacking_call) })
}

/// The rules of the manifest's own list.
pub(super) fn shared_answers(rules: Vec<Lined<Rule>>) -> Result<Vec<Rule>, Problem> {
    let check = |Lined { line, value: rule }: Lined<Rule>| {
        checked(&rule, &rule.on).map_err(|wrong| (line, wrong))?;
        Ok(rule)
    };
    rules.into_iter().map(check).collect()
}

/// Refuses a rule that can match nothing or everything, or that means what no answer to these calls can mean.
fn checked(rule: &Rule, calls: &[impl AsRef<str>]) -> Result<(), String> {
    calls.iter().try_for_each(|call| can_mean(call.as_ref(), rule.means))?;
    if let Some(odd) = rule.status.iter().find(|status| !(200..600).contains(*status)) {
        return Err(format!("{odd} is no status of an answer; write one from 200 to 599"));
    }
    let wrong = match (&rule.path, &rule.is) {
        (None, Some(_)) => "`is` says what stands at `path`, which is missing; write `path: error.code` beside it",
        (Some(_), Some(is)) if is.is_empty() => {
            "`is` is an empty list and matches nothing; name what stands at `path`, or leave `is` out"
        }
        (None, None) if rule.status.is_empty() && rule.lacks.is_none() => {
            "this rule has no condition and would match every answer; give it `status`, `path` or `lacks`"
        }
        _ => return Ok(()),
    };
    Err(wrong.into())
}

fn can_mean(call: &str, meaning: Meaning) -> Result<(), String> {
    let Some(kind) = Kind::of(call) else {
        return Err(format!("there is no call `{call}`; {}", choice(call, &CALLS.map(|(name, _)| name))));
    };
    if kind.can_mean(meaning) {
        return Ok(());
    }
    let word = format!("{meaning:?}").to_lowercase();
    let only = if meaning == Meaning::Duplicate { "a call that changes something" } else { "a list" };
    Err(format!("only an answer to {only} can mean `{word}`, and `{call}` is something else"))
}
