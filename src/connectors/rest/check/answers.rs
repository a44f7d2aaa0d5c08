//! What answers mean, checked rule by rule.

use serde_saphyr::Spanned;

use super::mistakes::{Problem, at, choice};
use crate::connectors::{
    Meaning,
    rest::{
        answers::{Answers, CALLS, Kind, Rule, Says},
        wire,
    },
};

/// A rule of the manifest's own list.
pub(super) struct Shared {
    /// The calls that it is about; all of them where there are none.
    on: Vec<String>,
    rule: Rule,
}

/// What a call says of its answers.
pub(super) struct Told {
    pub(super) answers: wire::Answers,
    /// Some versions of the app lack the call.
    pub(super) may_lack: bool,
}

impl Told {
    /// Of a call that writes.
    pub(super) fn new(answers: wire::Answers, otherwise: Option<wire::ByHand>) -> Self {
        Self { answers, may_lack: otherwise.is_some() }
    }

    /// What the answers to `call` mean.
    pub(super) fn of(self, call: &str, shared: &[Shared]) -> Result<Answers, Problem> {
        let own = self.answers.into_iter().map(|wire| own(call, wire)).collect::<Result<_, _>>()?;
        let kind = Kind::of(call);
        let about = |shared: &&Shared| match shared.on.as_slice() {
            [] => kind.is_some_and(|kind| kind.can_mean(shared.rule.means)),
            calls => calls.iter().any(|name| name == call),
        };
        let shared = shared.iter().filter(about).map(|shared| shared.rule.clone()).collect();
        Ok(Answers { own, shared, last: self.may_lack.then(Rule::lacking_call) })
    }
}

/// The rules of the manifest's own list.
pub(super) fn shared(wire: wire::Answers) -> Result<Vec<Shared>, Problem> {
    let check = |mut wire: Spanned<wire::Answer>| {
        let on: Vec<String> = wire.value.on.take().map_or_else(Vec::new, Into::into);
        for call in &on {
            can_mean(call, wire.value.means).map_err(|wrong| (at(&wire), wrong))?;
        }
        Ok(Shared { on, rule: rule(wire)? })
    };
    wire.into_iter().map(check).collect()
}

fn own(call: &str, wire: Spanned<wire::Answer>) -> Result<Rule, Problem> {
    if wire.value.on.is_some() {
        let only = format!(
            "`on` stands in the manifest's own `answers`; these rules are about `{call}` alone, so leave it out"
        );
        return Err((at(&wire), only));
    }
    can_mean(call, wire.value.means).map_err(|wrong| (at(&wire), wrong))?;
    rule(wire)
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

fn rule(wire: Spanned<wire::Answer>) -> Result<Rule, Problem> {
    let (line, wire) = (at(&wire), wire.value);
    let wrong = |message: &str| Err((line, message.to_owned()));
    let status: Vec<u16> = wire.status.map_or_else(Vec::new, Into::into);
    if let Some(odd) = status.iter().find(|status| !(200..600).contains(*status)) {
        return Err((line, format!("{odd} is no status of an answer; write one from 200 to 599")));
    }
    let says = match (wire.path, wire.is) {
        (None, Some(_)) => {
            return wrong("`is` says what stands at `path`, which is missing; write `path: error.code` beside it");
        }
        (Some(_), Some(is)) if is.0.is_empty() => {
            return wrong("`is` is an empty list and matches nothing; name what stands at `path`, or leave `is` out");
        }
        (None, None) => None,
        (Some(path), is) => Some(Says { path, is: is.map_or_else(Vec::new, |is| is.0) }),
    };
    if status.is_empty() && says.is_none() && wire.lacks.is_none() {
        return wrong("this rule has no condition and would match every answer; give it `status`, `path` or `lacks`");
    }
    Ok(Rule { status, says, lacks: wire.lacks, text: wire.text, means: wire.means, hint: None })
}
