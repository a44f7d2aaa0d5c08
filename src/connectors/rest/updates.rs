//! Updates: what changes, the whole with what changes, or a patch. Whatever is sent back was read right before, and what
//! an answer does not show is looked at right after.

use serde_json::{Value, json};

use super::{
    engine::RestConnector,
    manifest::{Records, Style, Update},
    rows::{echoes, set_all},
    template::{Dotted, text},
};
use crate::{
    budget::Lane,
    connectors::{Error, ErrorKind, Meaning, http::Request, replacement::Unfit},
};

/// There is no such thing.
const NOT_FOUND: u16 = 404;

/// What RFC 6902 documents are sent as.
const JSON_PATCH: &str = "application/json-patch+json";

/// One update under way.
struct Updating<'a> {
    connector: &'a RestConnector,
    of: &'a Records,
    update: &'a Update,
    id: &'a str,
    request: Request,
    lane: Lane,
}

impl RestConnector {
    /// Changes a record. Returns what the app says it is now, and whether that proves the change. `unfit` says why what was
    /// read right before must not be sent back, if it must not.
    pub(super) async fn change(
        &self,
        of: &Records,
        update: &Update,
        id: &str,
        changes: &[(Dotted, Value)],
        unfit: Option<Unfit<'_>>,
        lane: Lane,
    ) -> Result<(Option<Value>, bool), Error> {
        let request = self.request(&update.call, &self.bindings(&[(of.kind.id, id)]))?;
        Updating { connector: self, of, update, id, request, lane }.run(changes, unfit).await
    }
}

impl Updating<'_> {
    async fn run(
        mut self,
        changes: &[(Dotted, Value)],
        unfit: Option<Unfit<'_>>,
    ) -> Result<(Option<Value>, bool), Error> {
        let mut changed = json!({});
        set_all(&mut changed, changes);
        // What an answer has to show, and what is sent.
        let (shown, sent) = match &self.update.style {
            Style::Partial { whole } => (changed.clone(), self.of.wrap(self.partial(whole, changes).await?)),
            Style::Replace { omit } => {
                let mut body = self.before().await?;
                if let Some(why) = unfit.and_then(|unfit| unfit(&body)) {
                    return Err(self.connector.http.error(&self.request, ErrorKind::Server, None, &why));
                }
                omit.iter().for_each(|path| path.remove(&mut body));
                set_all(&mut body, changes);
                (body.clone(), self.of.wrap(body))
            }
            Style::JsonPatch { op } => {
                self.request.headers.push(("content-type".into(), JSON_PATCH.into()));
                let operation =
                    |(path, value): &(Dotted, Value)| json!({"op": op, "path": path.pointer(), "value": value});
                (changed.clone(), changes.iter().map(operation).collect())
            }
        };
        self.request.body = Some(sent);
        let answer = self.connector.send(&self.update.call, &self.request, self.lane).await?;
        let echo = answer.body.as_ref().map(|body| self.of.unwrap(body));
        let same = |echo: &Value| text(&self.of.id, echo).is_none_or(|echoed| &*echoed == self.id);
        let proven = !answer.is_promise() && echo.is_some_and(|echo| same(echo) && echoes(&shown, echo));
        let echo = echo.cloned();
        match &self.update.style {
            // The answer does not show that all the rest is still there.
            Style::Replace { .. } if !proven => Ok(self.look_after(&changed, &shown, echo).await),
            _ => Ok((echo, proven)),
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
        let before = self.connector.raw(self.of, self.id, self.lane).await?;
        before.ok_or_else(|| {
            let why = "when it was read right before, it was not there";
            let error = self.connector.http.error(&self.request, ErrorKind::NotFound, None, why);
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
