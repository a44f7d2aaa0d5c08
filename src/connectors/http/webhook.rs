//! Telling somebody's webhook something. Its address is a secret as a whole: nothing here says it, and of what the server
//! says only what cannot repeat it.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use super::{
    Method,
    transport::{HttpTransport, Transport as _, WireAnswer, WireFailure, WireRequest, is_loopback},
};

/// A chat that takes longer to take a few lines is not well.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Answers are a word or two.
const LARGEST_ANSWER: usize = 64 * 1024;

/// Why a webhook was not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untold {
    /// As the end of a sentence, without the address.
    pub why: String,
    /// Whether it makes no sense to try again: the address or what was sent has to change first.
    pub lasting: bool,
}

impl Untold {
    fn lasting(why: impl Into<String>) -> Self {
        Self { why: why.into(), lasting: true }
    }

    fn passing(why: impl Into<String>) -> Self {
        Self { why: why.into(), lasting: false }
    }
}

/// Sends `body` to the webhook at `address`, once.
///
/// # Errors
/// When it was not taken.
pub async fn tell(address: &SecretString, body: &Value) -> Result<(), Untold> {
    let url: Url = address
        .expose_secret()
        .trim()
        .parse()
        .map_err(|_| Untold::lasting("what is there is no address: it begins with https://"))?;
    if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
        return Err(Untold::lasting("its address is not https, so that others could read along"));
    }
    let transport = HttpTransport::new(&url, None, LARGEST_ANSWER).map_err(Untold::lasting)?;
    let request = WireRequest {
        method: Method::Post,
        url: url.clone(),
        headers: vec![("content-type".into(), "application/json".to_owned().into())],
        body: Some(body.to_string().into()),
    };
    match tokio::time::timeout(TIMEOUT, transport.send(request)).await {
        Err(_) => Err(Untold::passing(format!("it did not answer within {} s", TIMEOUT.as_secs()))),
        Ok(Err(WireFailure::NotSent(reason))) => Err(Untold::passing(unconnected(&url, &reason))),
        Ok(Err(WireFailure::Hopeless(reason))) => Err(Untold::lasting(unconnected(&url, &reason))),
        Ok(Err(WireFailure::Lost(reason))) => Err(Untold::passing(format!("it did not answer: {reason}"))),
        Ok(Ok(answer)) => judge(&url, &answer),
    }
}

fn unconnected(url: &Url, reason: &str) -> String {
    // The transport begins with the host, which may have a password before it.
    let reason = reason.strip_prefix(&format!("{}: ", url.authority())).unwrap_or("");
    format!("there is no connection to it: {reason}").trim_end_matches(": ").to_owned()
}

fn judge(url: &Url, answer: &WireAnswer) -> Result<(), Untold> {
    let status = answer.status;
    match status {
        200..=299 => Ok(()),
        300..=399 => Err(Untold::lasting(format!("it answered {status}: it has moved to another address"))),
        408 | 429 | 500..=599 => Err(Untold::passing(format!("it answered {status}"))),
        _ => Err(Untold::lasting(format!("it answered {status}{}", word(url, answer)))),
    }
}

/// What the server says, when it is a word such as Slack's `no_service`.
fn word(url: &Url, answer: &WireAnswer) -> String {
    /// Longer answers are pages.
    const LONGEST: usize = 40;
    let said = answer.body.as_deref().ok().and_then(|body| std::str::from_utf8(body).ok()).unwrap_or_default().trim();
    let plain = said.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '_' | ' '));
    let repeats = said.split(' ').any(|word| url.as_str().contains(word));
    if said.is_empty() || said.len() > LONGEST || !plain || repeats { String::new() } else { format!(" ({said})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, expect: Result<(), Untold>) {
        let url = "https://hooks.example.com/services/secretword".parse().unwrap();
        let answer = WireAnswer { status, headers: Vec::new(), body: Ok(body.as_bytes().to_vec()) };
        assert_eq!(judge(&url, &answer), expect, "{status} {body}");
    }

    #[test]
    fn what_will_not_pass_by_itself_is_told_from_what_may() {
        check(200, "ok", Ok(()));
        check(204, "", Ok(()));
        check(503, "<html>", Err(Untold::passing("it answered 503")));
        check(429, "", Err(Untold::passing("it answered 429")));
        check(302, "", Err(Untold::lasting("it answered 302: it has moved to another address")));
        check(404, "no_service", Err(Untold::lasting("it answered 404 (no_service)")));
    }

    #[test]
    fn an_answer_that_repeats_the_address_is_not_repeated() {
        check(404, "nothing at secretword", Err(Untold::lasting("it answered 404")));
        check(400, "https://hooks.example.com", Err(Untold::lasting("it answered 400")));
    }

    #[tokio::test]
    async fn an_address_that_others_could_read_along_is_not_used() {
        for (address, why) in [("http://hooks.example.com/x", "not https"), ("hooks", "no address")] {
            let untold = tell(&address.to_owned().into(), &Value::Null).await.unwrap_err();
            assert!(untold.lasting && untold.why.contains(why) && !untold.why.contains("hooks"), "{untold:?}");
        }
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_not_named() {
        let untold = tell(&"http://me:pass@127.0.0.1:1/secret".to_owned().into(), &Value::Null).await.unwrap_err();
        assert!(!untold.lasting && untold.why.starts_with("there is no connection to it"), "{untold:?}");
        assert!(!untold.why.contains("pass") && !untold.why.contains("/secret"), "{untold:?}");
    }
}
