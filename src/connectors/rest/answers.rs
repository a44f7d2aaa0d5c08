//! What an app's answers mean, as its manifest says: an ordered list of rules, of which the first that matches wins. Pure.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Error as _};
use serde_json::{Value, json};

use super::template::Dotted;
use crate::connectors::meaning::{Meaning, Said};

/// What a call does, which decides what its answers can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    List,
    Read,
    Write,
}

/// Every call that a manifest can describe, by name.
pub(super) const CALLS: [(&str, Kind); 18] = [
    ("accounts.list", Kind::List),
    ("accounts.read", Kind::Read),
    ("accounts.find", Kind::List),
    ("accounts.create", Kind::Write),
    ("accounts.update", Kind::Write),
    ("accounts.deactivate", Kind::Write),
    ("accounts.reactivate", Kind::Write),
    ("accounts.delete", Kind::Write),
    ("groups.list", Kind::List),
    ("groups.read", Kind::Read),
    ("groups.create", Kind::Write),
    ("groups.update", Kind::Write),
    ("groups.delete", Kind::Write),
    ("members.list", Kind::List),
    ("members.add", Kind::Write),
    ("members.change", Kind::Write),
    ("members.remove", Kind::Write),
    ("lookups", Kind::List),
];

impl Kind {
    /// The kind of the call with this name.
    pub(super) fn of(call: &str) -> Option<Self> {
        CALLS.iter().find(|(name, _)| *name == call).map(|(_, kind)| *kind)
    }

    /// Whether an answer to such a call can mean this.
    pub(super) fn can_mean(self, meaning: Meaning) -> bool {
        match meaning {
            Meaning::Empty | Meaning::Truncated | Meaning::Expired => self == Self::List,
            Meaning::Duplicate => self == Self::Write,
            Meaning::Overload | Meaning::Gone | Meaning::Manual | Meaning::Refused => true,
        }
    }
}

/// Answers that mean something. Every condition that is given has to hold; the first rule that matches wins.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Answer", extend("dependencies" = { "is": ["path"] }))]
#[schemars(extend("anyOf" = [{ "required": ["status"] }, { "required": ["path"] }, { "required": ["lacks"] }]))]
pub(super) struct Rule {
    /// The answer's status, or a list of them; every status unless said, and with `lacks` every good one.
    #[serde(default, deserialize_with = "statuses")]
    #[schemars(schema_with = "statuses_schema")]
    pub(super) status: Vec<u16>,
    /// In the manifest's own list: the call that the rule is about, or a list of them; every call unless said.
    #[serde(default, deserialize_with = "calls")]
    #[schemars(schema_with = "calls_schema")]
    pub(super) on: Vec<String>,
    /// Where the answer says it. Without `is`, anything but null will do.
    pub(super) path: Option<Dotted>,
    /// What stands at `path` then: one of these.
    #[serde(default, deserialize_with = "words")]
    #[schemars(length(min = 1))]
    pub(super) is: Option<Vec<Value>>,
    /// What a good answer of this kind does not have.
    pub(super) lacks: Option<Dotted>,
    /// Where the app's own message is, for people.
    pub(super) text: Option<Dotted>,
    /// What such an answer means.
    pub(super) means: Meaning,
    #[serde(skip)]
    pub(super) hint: Option<&'static str>,
}

fn statuses<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u16>, D::Error> {
    one_or_several(from, "`status` is a number such as 409, or a list of them")
}

fn statuses_schema(_: &mut SchemaGenerator) -> Schema {
    one_or_several_schema(&json!({ "type": "integer", "minimum": 200, "maximum": 599 }))
}

fn calls<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    one_or_several(from, "`on` is the name of a call such as `accounts.read`, or a list of them")
}

fn calls_schema(_: &mut SchemaGenerator) -> Schema {
    one_or_several_schema(&json!({ "type": "string", "enum": CALLS.map(|(name, _)| name) }))
}

fn one_or_several<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D, expected: &str) -> Result<Vec<T>, D::Error> {
    let all = match Value::deserialize(from)? {
        Value::Array(all) => all,
        Value::Null => Vec::new(),
        one => vec![one],
    };
    all.into_iter().map(serde_json::from_value).collect::<Result<_, _>>().map_err(|_| D::Error::custom(expected))
}

fn one_or_several_schema(one: &Value) -> Schema {
    json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }, { "type": "null" }] })
}

fn words<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<Value>>, D::Error> {
    match Value::deserialize(from)? {
        Value::Array(all) => Ok(Some(all)),
        Value::Null => Ok(None),
        one => Err(D::Error::custom(format!("`is` takes a list of values; write `is: [{one}]`"))),
    }
}

impl Rule {
    /// For calls that some versions of an app lack.
    pub(super) fn lacking_call() -> Self {
        let hint = Some("not every version of the app has this call");
        Self { status: vec![404, 405, 410, 501], hint, ..Self::of(Meaning::Manual) }
    }

    /// A rule without conditions.
    fn of(means: Meaning) -> Self {
        Self { status: Vec::new(), on: Vec::new(), path: None, is: None, lacks: None, text: None, means, hint: None }
    }

    fn fits(&self, status: u16) -> bool {
        match self.status.as_slice() {
            // An error lacks whatever a good answer has, which would make every outage an empty list.
            [] => self.lacks.is_none() || (200..300).contains(&status),
            all => all.contains(&status),
        }
    }

    fn matches(&self, status: u16, body: &Value) -> bool {
        let says = |path: &Dotted| match (path.get(body), &self.is) {
            (Some(value), Some(is)) => is.contains(value),
            (Some(value), None) => !value.is_null(),
            (None, _) => false,
        };
        let lacks = |path: &Dotted| body.is_object() && path.get(body).is_none_or(Value::is_null);
        self.fits(status) && self.path.as_ref().is_none_or(says) && self.lacks.as_ref().is_none_or(lacks)
    }

    fn looks_into_the_body(&self) -> bool {
        self.path.is_some() || self.lacks.is_some() || self.text.is_some()
    }

    fn said(&self, body: &Value) -> Said {
        let says = self.path.as_ref().and_then(|path| Some(format!("it says `{path}: {}`", path.get(body)?)));
        let sign = says.or_else(|| self.lacks.as_ref().map(|path| format!("it has no `{path}`")));
        let text = self.text.as_ref().and_then(|path| path.get(body)).filter(|text| !text.is_null()).cloned();
        Said { meaning: self.means, sign, text, hint: self.hint }
    }

    /// Where a good answer says whether the app did it: a refusal, if it says one of these words.
    fn verdict_of_good_answers(&self) -> Option<&Dotted> {
        let verdict = self.path.as_ref().filter(|_| self.is.is_some() && self.means == Meaning::Refused);
        verdict.filter(|_| (200..300).any(|status| self.fits(status)))
    }
}

/// What the answers to one call mean.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Answers {
    /// The call's own rules, which come first.
    pub(super) own: Vec<Rule>,
    /// The manifest's.
    pub(super) shared: Vec<Rule>,
    /// What holds where no other rule does.
    pub(super) last: Option<Rule>,
}

impl Answers {
    fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.own.iter().chain(&self.shared).chain(&self.last)
    }

    /// These, and behind each kind of them the other's.
    pub(super) fn then(mut self, other: Self) -> Self {
        self.own.extend(other.own);
        self.shared.extend(other.shared);
        Self { last: self.last.or(other.last), ..self }
    }

    /// What an answer means, as the first rule says that matches it and has a meaning that is `possible` now.
    pub(super) fn meaning(&self, status: u16, body: &Value, possible: impl Fn(Meaning) -> bool) -> Option<Said> {
        let rule = self.rules().find(|rule| possible(rule.means) && rule.matches(status, body));
        rule.map(|rule| rule.said(body))
    }

    /// As [`Answers::meaning`], of a body as it came. It is parsed only where a rule needs it.
    pub(super) fn judge(&self, status: u16, body: &[u8], possible: impl Fn(Meaning) -> bool) -> Option<Said> {
        let parse = self.rules().any(|rule| rule.fits(status) && rule.looks_into_the_body());
        let body = if parse { serde_json::from_slice(body).unwrap_or(Value::Null) } else { Value::Null };
        self.meaning(status, &body, possible)
    }

    /// Whether good answers can prove that the app did it: the call's own rules name the place where one would refuse.
    pub(super) fn can_prove(&self) -> bool {
        self.own.iter().any(|rule| rule.verdict_of_good_answers().is_some())
    }

    /// Whether this good answer, which means no refusal, proves that the app did it.
    pub(super) fn prove(&self, body: &Value) -> bool {
        let mut verdicts = self.own.iter().filter_map(Rule::verdict_of_good_answers).peekable();
        verdicts.peek().is_some() && verdicts.all(|path| path.get(body).is_some_and(|said| !said.is_null()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Dotted {
        text.to_owned().try_into().unwrap()
    }

    fn check(rules: Vec<Rule>, status: u16, body: Value, meaning: Option<Meaning>) {
        let answers = Answers { own: rules, ..Answers::default() };
        let said = answers.judge(status, body.to_string().as_bytes(), |_| true);
        assert_eq!(said.map(|said| said.meaning), meaning, "{status} {body}");
    }

    #[test]
    fn a_rule_matches_when_all_of_its_conditions_hold() {
        let reason = Some(path("errors.0.reason"));
        let is = Some(vec![json!("limit")]);
        let busy = Rule { status: vec![403], path: reason, is, ..Rule::of(Meaning::Overload) };
        let body = |reason: &str| json!({"errors": [{"reason": reason}]});
        check(vec![busy.clone()], 403, body("limit"), Some(Meaning::Overload));
        check(vec![busy.clone()], 403, body("forbidden"), None);
        check(vec![busy.clone()], 400, body("limit"), None);
        check(vec![busy], 403, json!({}), None);
    }

    #[test]
    fn a_path_alone_matches_whatever_stands_there_but_null() {
        let error = Rule { path: Some(path("error")), ..Rule::of(Meaning::Refused) };
        check(vec![error.clone()], 200, json!({"error": {"code": 7}}), Some(Meaning::Refused));
        check(vec![error.clone()], 200, json!({"error": null}), None);
        check(vec![error], 200, json!({"id": 7}), None);
    }

    #[test]
    fn an_error_or_a_text_is_no_list_without_rows() {
        let empty = Rule { lacks: Some(path("items")), ..Rule::of(Meaning::Empty) };
        check(vec![empty.clone()], 200, json!({"kind": "list"}), Some(Meaning::Empty));
        check(vec![empty.clone()], 200, json!({"items": null}), Some(Meaning::Empty));
        for (status, body) in [(200, json!({"items": []})), (500, json!({})), (403, json!({})), (200, json!("busy"))] {
            check(vec![empty.clone()], status, body, None);
        }
        check(vec![Rule { status: vec![404], ..empty }], 404, json!({}), Some(Meaning::Empty));
    }

    #[test]
    fn the_first_rule_that_matches_wins_and_a_calls_own_come_before_the_manifests() {
        let by = |means| Rule { status: vec![403], ..Rule::of(means) };
        check(vec![by(Meaning::Gone), by(Meaning::Manual)], 403, json!({}), Some(Meaning::Gone));
        let answers = Answers {
            own: vec![by(Meaning::Gone)],
            shared: vec![by(Meaning::Manual)],
            last: Some(Rule::lacking_call()),
        };
        let meaning = |status, possible: fn(Meaning) -> bool| {
            answers.meaning(status, &Value::Null, possible).map(|said| said.meaning)
        };
        assert_eq!(meaning(403, |_| true), Some(Meaning::Gone));
        assert_eq!(meaning(403, |meaning| meaning != Meaning::Gone), Some(Meaning::Manual));
        assert_eq!(meaning(404, |_| true), Some(Meaning::Manual));
        assert_eq!(meaning(400, |_| true), None);
    }

    #[test]
    fn only_an_answer_that_says_something_where_it_would_refuse_proves_anything() {
        let refused = Rule { path: Some(path("ok")), is: Some(vec![json!(false)]), ..Rule::of(Meaning::Refused) };
        let answers = Answers { own: vec![refused.clone()], ..Answers::default() };
        assert!(answers.can_prove() && answers.prove(&json!({"ok": true})));
        assert!(!answers.prove(&json!({})) && !answers.prove(&json!({"ok": null})));
        let of_errors = Answers { own: vec![Rule { status: vec![400], ..refused.clone() }], ..Answers::default() };
        let shared = Answers { shared: vec![refused], ..Answers::default() };
        assert!(!of_errors.can_prove() && !shared.can_prove() && !shared.prove(&json!({"ok": true})));
    }
}
