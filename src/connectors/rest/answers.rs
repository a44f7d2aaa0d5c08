//! What an app's answers mean, as its manifest says: an ordered list of rules, of which the first that matches wins. Pure.

use serde_json::Value;

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

/// Answers of one kind, and what they mean. All conditions that are given have to hold.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rule {
    /// One of these; any where there is none.
    pub(super) status: Vec<u16>,
    pub(super) says: Option<Says>,
    /// The body is an object that has nothing here.
    pub(super) lacks: Option<Dotted>,
    /// Where the app's own message is.
    pub(super) text: Option<Dotted>,
    pub(super) means: Meaning,
    pub(super) hint: Option<&'static str>,
}

/// What a body has at a place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Says {
    pub(super) path: Dotted,
    /// One of these; where there are none, anything but null.
    pub(super) is: Vec<Value>,
}

impl Rule {
    /// For calls that some versions of an app lack.
    pub(super) fn lacking_call() -> Self {
        Self {
            status: vec![404, 405, 410, 501],
            says: None,
            lacks: None,
            text: None,
            means: Meaning::Manual,
            hint: Some("not every version of the app has this call"),
        }
    }

    fn fits(&self, status: u16) -> bool {
        match self.status.as_slice() {
            // An error lacks whatever a good answer has, which would make every outage an empty list.
            [] => self.lacks.is_none() || (200..300).contains(&status),
            all => all.contains(&status),
        }
    }

    fn matches(&self, status: u16, body: &Value) -> bool {
        let says = |says: &Says| match says.path.get(body) {
            Some(value) if says.is.is_empty() => !value.is_null(),
            Some(value) => says.is.contains(value),
            None => false,
        };
        let lacks = |path: &Dotted| body.is_object() && path.get(body).is_none_or(Value::is_null);
        self.fits(status) && self.says.as_ref().is_none_or(says) && self.lacks.as_ref().is_none_or(lacks)
    }

    fn looks_into_the_body(&self) -> bool {
        self.says.is_some() || self.lacks.is_some() || self.text.is_some()
    }

    fn said(&self, body: &Value) -> Said {
        let says =
            self.says.as_ref().and_then(|says| Some(format!("it says `{}: {}`", says.path, says.path.get(body)?)));
        let sign = says.or_else(|| self.lacks.as_ref().map(|path| format!("it has no `{path}`")));
        let text = self.text.as_ref().and_then(|path| path.get(body)).filter(|text| !text.is_null()).cloned();
        Said { meaning: self.means, sign, text, hint: self.hint }
    }

    /// Where a good answer says whether the app did it: a refusal, if it says one of these words.
    fn verdict_of_good_answers(&self) -> Option<&Dotted> {
        let says = self.says.as_ref().filter(|says| !says.is.is_empty() && self.means == Meaning::Refused)?;
        (200..300).any(|status| self.fits(status)).then_some(&says.path)
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
    use serde_json::json;

    use super::*;

    fn path(text: &str) -> Dotted {
        text.to_owned().try_into().unwrap()
    }

    fn rule(means: Meaning) -> Rule {
        Rule { status: Vec::new(), says: None, lacks: None, text: None, means, hint: None }
    }

    fn says(at: &str, is: &[Value]) -> Option<Says> {
        Some(Says { path: path(at), is: is.to_vec() })
    }

    fn check(rules: Vec<Rule>, status: u16, body: Value, meaning: Option<Meaning>) {
        let answers = Answers { own: rules, ..Answers::default() };
        let said = answers.judge(status, body.to_string().as_bytes(), |_| true);
        assert_eq!(said.map(|said| said.meaning), meaning, "{status} {body}");
    }

    #[test]
    fn a_rule_matches_when_all_of_its_conditions_hold() {
        let busy =
            Rule { status: vec![403], says: says("errors.0.reason", &[json!("limit")]), ..rule(Meaning::Overload) };
        let body = |reason: &str| json!({"errors": [{"reason": reason}]});
        check(vec![busy.clone()], 403, body("limit"), Some(Meaning::Overload));
        check(vec![busy.clone()], 403, body("forbidden"), None);
        check(vec![busy.clone()], 400, body("limit"), None);
        check(vec![busy], 403, json!({}), None);
    }

    #[test]
    fn a_path_alone_matches_whatever_stands_there_but_null() {
        let error = Rule { says: says("error", &[]), ..rule(Meaning::Refused) };
        check(vec![error.clone()], 200, json!({"error": {"code": 7}}), Some(Meaning::Refused));
        check(vec![error.clone()], 200, json!({"error": null}), None);
        check(vec![error], 200, json!({"id": 7}), None);
    }

    #[test]
    fn an_error_or_a_text_is_no_list_without_rows() {
        let empty = Rule { lacks: Some(path("items")), ..rule(Meaning::Empty) };
        check(vec![empty.clone()], 200, json!({"kind": "list"}), Some(Meaning::Empty));
        check(vec![empty.clone()], 200, json!({"items": null}), Some(Meaning::Empty));
        for (status, body) in [(200, json!({"items": []})), (500, json!({})), (403, json!({})), (200, json!("busy"))] {
            check(vec![empty.clone()], status, body, None);
        }
        check(vec![Rule { status: vec![404], ..empty }], 404, json!({}), Some(Meaning::Empty));
    }

    #[test]
    fn the_first_rule_that_matches_wins_and_a_calls_own_come_before_the_manifests() {
        let by = |means| Rule { status: vec![403], ..rule(means) };
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
        let refused = Rule { says: says("ok", &[json!(false)]), ..rule(Meaning::Refused) };
        let answers = Answers { own: vec![refused.clone()], ..Answers::default() };
        assert!(answers.can_prove() && answers.prove(&json!({"ok": true})));
        assert!(!answers.prove(&json!({})) && !answers.prove(&json!({"ok": null})));
        let of_errors = Answers { own: vec![Rule { status: vec![400], ..refused.clone() }], ..Answers::default() };
        let shared = Answers { shared: vec![refused], ..Answers::default() };
        assert!(!of_errors.can_prove() && !shared.can_prove() && !shared.prove(&json!({"ok": true})));
    }
}
