//! Updates: what changes, the whole with what changes, or a patch. Whatever is sent back was read right before, and what
//! an answer does not show is looked at right after.

use serde_json::{Value, json};

use super::{
    bodies::{ACCEPTED, set_all, wrap},
    engine::{RestConnector, unwrap},
    manifest::{Call, Style, Update},
    rows::echoes,
    template::{Bindings, Dotted, text},
};
use crate::{
    budget::Lane,
    connectors::{Error, ErrorKind, Meaning, http::Request, replacement::Unfit},
};

/// There is no such thing.
const NOT_FOUND: u16 = 404;

/// What RFC 6902 documents are sent as.
const JSON_PATCH: &str = "application/json-patch+json";

/// What is updated, and how it is read.
pub(super) struct Target<'a> {
    pub(super) id: &'a str,
    /// Where its answers have the id.
    pub(super) id_at: &'a Dotted,
    pub(super) read: Option<&'a Call>,
    pub(super) wrap: Option<&'a str>,
    pub(super) bindings: Bindings<'static>,
    /// Why what was read right before must not be sent back, if it must not.
    pub(super) unfit: Option<Unfit<'a>>,
}

/// One update under way.
struct Updating<'a> {
    connector: &'a RestConnector,
    update: &'a Update,
    target: Target<'a>,
    request: Request,
    lane: Lane,
}

impl RestConnector {
    /// Changes something. Returns what the app says it is now, and whether that proves the change.
    pub(super) async fn change(
        &self,
        update: &Update,
        target: Target<'_>,
        changes: &[(Dotted, Value)],
        lane: Lane,
    ) -> Result<(Option<Value>, bool), Error> {
        let request = self.request(&update.call, &target.bindings)?;
        Updating { connector: self, update, target, request, lane }.run(changes).await
    }
}

impl Updating<'_> {
    async fn run(mut self, changes: &[(Dotted, Value)]) -> Result<(Option<Value>, bool), Error> {
        let mut changed = json!({});
        set_all(&mut changed, changes);
        let body = match &self.update.style {
            Style::Partial { whole } => self.partial(whole, changes).await?,
            Style::Replace { omit } => {
                let mut body = self.before().await?;
                if let Some(why) = self.target.unfit.and_then(|unfit| unfit(&body)) {
                    return Err(self.connector.http.error(&self.request, ErrorKind::Server, None, &why));
                }
                for path in omit {
                    path.remove(&mut body);
                }
                set_all(&mut body, changes);
                body
            }
            Style::JsonPatch { op } => {
                self.request.headers.push(("content-type".into(), JSON_PATCH.into()));
                changes.iter().map(|(path, value)| json!({"op": op, "path": path.pointer(), "value": value})).collect()
            }
        };
        self.request.body = Some(match &self.update.style {
            Style::JsonPatch { .. } => body.clone(),
            Style::Partial { .. } | Style::Replace { .. } => wrap(body.clone(), self.target.wrap),
        });
        let answer = self.connector.send(&self.update.call, &self.request, self.lane).await?;
        let echo = answer.body.map(|body| unwrap(body, self.target.wrap));
        let same = |echo: &Value| text(self.target.id_at, echo).is_none_or(|echoed| &*echoed == self.target.id);
        let proves = |all: &Value| {
            answer.status != ACCEPTED && echo.as_ref().is_some_and(|echo| same(echo) && echoes(all, echo))
        };
        match &self.update.style {
            Style::Partial { .. } | Style::JsonPatch { .. } => {
                let proven = proves(&changed);
                Ok((echo, proven))
            }
            Style::Replace { .. } if proves(&body) => Ok((echo, true)),
            // The answer does not show that all the rest is still there.
            Style::Replace { .. } => Ok(self.look_after(&changed, &body, echo).await),
        }
    }

    /// The body of a partial update: what changes, and the rest of each part that the app replaces as a whole.
    async fn partial(&self, whole: &[Dotted], changes: &[(Dotted, Value)]) -> Result<Value, Error> {
        let mut body = json!({});
        let touched: Vec<&Dotted> =
            whole.iter().filter(|part| changes.iter().any(|(path, _)| path.is_below(part))).collect();
        if !touched.is_empty() {
            let before = self.before().await?;
            for part in touched {
                if let Some(value) = part.get(&before) {
                    part.set(&mut body, value.clone());
                }
            }
        }
        set_all(&mut body, changes);
        Ok(body)
    }

    /// What there is at this moment.
    async fn before(&self) -> Result<Value, Error> {
        let Self { connector, target, .. } = self;
        let read = target.read.ok_or_else(|| connector.lacks("read what is to be changed"))?;
        let id = (target.id, target.id_at);
        let before = connector.raw(read, &target.bindings, target.wrap, id, self.lane).await?;
        before.ok_or_else(|| {
            let why = "when it was read right before, it was not there";
            let error = connector.http.error(&self.request, ErrorKind::NotFound, None, why);
            // As if the update itself had been answered so.
            match self.update.call.answers.meaning(NOT_FOUND, &Value::Null, |meaning| meaning == Meaning::Manual) {
                Some(said) => Error { kind: ErrorKind::Unsupported, hint: said.hint.map(str::to_owned), ..error },
                None => error,
            }
        })
    }

    /// Looks whether a replacement kept what it should have kept. What went wrong with the change itself, whoever asked for
    /// it finds out; what was lost beside it nobody would look for.
    async fn look_after(&self, changed: &Value, sent: &Value, echo: Option<Value>) -> (Option<Value>, bool) {
        let after = match self.before().await {
            Ok(after) => after,
            Err(error) => {
                // Nothing is proven then, so that whoever asked looks again and reports what stays wrong.
                tracing::debug!(%error, "what was replaced could not be looked at");
                return (echo, false);
            }
        };
        let lost = lost(sent, &after);
        if !lost.is_empty() {
            let (method, path) = (self.request.method.as_str(), &self.request.path);
            let (app, fields) = (self.connector.http.app(), lost.join(", "));
            tracing::warn!(app, method, path, fields, "the app did not keep all that it was sent");
        }
        let proven = echoes(changed, &after);
        (Some(after), proven)
    }
}

/// Keys that held something when they were sent, and hold nothing now. What merely changed may be the app's own doing.
fn lost(sent: &Value, after: &Value) -> Vec<String> {
    let nothing = |value: Option<&Value>| match value {
        None | Some(Value::Null) => true,
        Some(Value::Bool(flag)) => !flag,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(all)) => all.is_empty(),
        Some(Value::Number(_) | Value::Object(_)) => false,
    };
    let sent = sent.as_object().into_iter().flatten();
    sent.filter(|(key, value)| !nothing(Some(value)) && nothing(after.get(key))).map(|(key, _)| key.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_held_something_before() {
        let sent = json!({"tag": "gold", "flag": true, "off": false, "none": null, "zone": "UTC", "list": [1], "n": 1});
        let after = json!({"tag": null, "flag": false, "off": false, "zone": "GMT", "list": [], "n": 2});
        assert_eq!(lost(&sent, &after), ["tag", "flag", "list"]);
    }
}
