//! What answers mean, checked rule by rule.

use super::mistakes::{Problem, choice};
use crate::connectors::{
    Meaning,
    rest::{
        answers::{Answers, CALLS, Kind, Rule},
        wire::Lined,
    },
};

/// What the answers to `call` mean, by its own rules and the manifest's. Some versions of the app may lack the call.
pub(super) fn of(call: &str, own: Vec<Lined<Rule>>, shared: &[Rule], may_lack: bool) -> Result<Answers, Problem> {
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
pub(super) fn shared(rules: Vec<Lined<Rule>>) -> Result<Vec<Rule>, Problem> {
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
