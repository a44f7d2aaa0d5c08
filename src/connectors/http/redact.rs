//! Taking secrets out of everything that is shown.

use std::{
    collections::VecDeque,
    sync::{PoisonError, RwLock},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};

/// Stands where a secret stood.
const MASK: &str = "[redacted]";

/// Texts from apps are shown up to this many characters: enough for a sentence or two, too little for a page.
const SHOWN: usize = 240;

/// Tokens are renewed for as long as a daemon lives; an answer quotes no older one than these.
const TOKENS_KEPT: usize = 8;

/// Knows an app's secrets and takes them out of texts.
#[derive(Debug, Default)]
pub struct Redactor {
    secrets: Vec<SecretString>,
    tokens: RwLock<VecDeque<SecretString>>,
}

impl Redactor {
    /// A redactor of these secrets.
    pub fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        Self { secrets: secrets.into_iter().collect(), tokens: RwLock::default() }
    }

    /// Adds a token that was obtained at run time.
    pub fn add_token(&self, token: SecretString) {
        let mut tokens = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() == TOKENS_KEPT {
            tokens.pop_front();
        }
        tokens.push_back(token);
    }

    /// The text without secrets, shortened, on one line. Masked before it is shortened, so that no half of a secret stays.
    pub fn clean(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        let secrets = self.secrets.iter().chain(tokens.iter());
        let mut all: Vec<String> = secrets.flat_map(|secret| forms(secret.expose_secret())).collect();
        // Over all secrets the longest first: one that begins like another would leave its rest.
        all.sort_by_key(|form| std::cmp::Reverse(form.len()));
        for form in &all {
            clean = clean.replace(form, MASK);
        }
        shorten(&clean)
    }
}

/// The ways in which a server may quote a secret.
fn forms(secret: &str) -> Vec<String> {
    if secret.is_empty() {
        return Vec::new();
    }
    let json = serde_json::Value::from(secret).to_string();
    let mut forms = vec![
        secret.to_owned(),
        json.trim_matches('"').to_owned(),
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        STANDARD.encode(secret),
    ];
    forms.sort();
    forms.dedup();
    forms
}

fn shorten(text: &str) -> String {
    let mut words = text.split_whitespace();
    let mut short = words.next().unwrap_or_default().to_owned();
    for word in words {
        short.push(' ');
        short.push_str(word);
        if short.len() > SHOWN * 4 {
            break;
        }
    }
    let printable: String = short.chars().filter(|c| !c.is_control()).collect();
    match printable.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &printable[..end]),
        None => printable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(secret: &str, text: &str, expected: &str) {
        assert_eq!(Redactor::new([SecretString::from(secret)]).clean(text), expected);
    }

    #[test]
    fn secrets_are_masked_in_every_form() {
        check("p\"ss w", "bad p\"ss w here", "bad [redacted] here");
        check("p\"ss w", r#"{"got":"p\"ss w"}"#, r#"{"got":"[redacted]"}"#);
        check("p\"ss w", "p%22ss%20w and p%22ss+w", "[redacted] and [redacted]");
        check("id:pw", "Basic aWQ6cHc=", "Basic [redacted]");
        check("", "nothing to hide", "nothing to hide");
    }

    #[test]
    fn a_secret_that_begins_like_another_leaves_no_rest() {
        let redactor = Redactor::new(["abc", "abcdef"].map(SecretString::from));
        assert_eq!(redactor.clean("got abcdef and abc"), "got [redacted] and [redacted]");
    }

    #[test]
    fn no_half_of_a_secret_remains_at_the_end_of_a_long_text() {
        let text = format!("{}topsecret", "x".repeat(SHOWN - 4));
        let clean = Redactor::new([SecretString::from("topsecret")]).clean(&text);
        assert!(!clean.contains("tops"), "{clean}");
        assert!(clean.ends_with('…'));
    }

    #[test]
    fn tokens_are_masked_as_they_come() {
        let redactor = Redactor::default();
        redactor.add_token(SecretString::from("tok-1"));
        assert_eq!(redactor.clean("Bearer tok-1\n was  refused"), "Bearer [redacted] was refused");
    }
}
