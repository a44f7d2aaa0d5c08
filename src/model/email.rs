//! Email addresses as identities.

use std::{cmp::Ordering, fmt, hash, sync::Arc};

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::script::is_invisible;

/// An email address, kept as it was written and compared as an identity.
///
/// Two addresses are equal when they agree after NFC normalisation, lower-casing and with the domain as A-labels, because
/// every app compares logins without case while some echo the case they were given.
#[derive(Clone)]
pub struct Email {
    text: Arc<str>,
    key: Arc<str>,
}

/// Why a text is not an email address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// It has a character in it that nobody sees.
    #[error("it has the invisible character U+{:04X} in it; type the address anew", u32::from(*.0))]
    Invisible(char),
    /// There is no `@`, or more than one.
    #[error("an email address has exactly one @")]
    At,
    /// The part before the `@` is empty, or has white space or control characters.
    #[error("the part before the @ is empty or has spaces in it")]
    Local,
    /// The part behind the `@` is not a domain name.
    #[error("the part behind the @ is not a domain name")]
    Domain,
}

impl Email {
    /// Parses an address written by a person.
    ///
    /// # Errors
    /// When the text does not have the form `local@domain`.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        // Two addresses that look alike would be two people.
        if let Some(unseen) = text.chars().find(|c| is_invisible(*c)) {
            return Err(EmailError::Invisible(unseen));
        }
        let text = text.trim();
        let (local, domain) = text.split_once('@').ok_or(EmailError::At)?;
        if domain.contains('@') {
            return Err(EmailError::At);
        }
        // A slash or a percent sign would be legal, and action names escape them.
        if local.is_empty() || local.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(EmailError::Local);
        }
        let ascii = idna::domain_to_ascii_strict(domain).map_err(|_| EmailError::Domain)?;
        let last_label = ascii.rsplit('.').next().unwrap_or_default();
        if ascii.is_empty() || !ascii.contains('.') || last_label.is_empty() {
            return Err(EmailError::Domain);
        }
        Ok(Self::with_key(text, fold(local) + "@" + &ascii))
    }

    /// Ways to spell the address, for queries that compare texts: as it is written first, each once.
    pub fn spellings(&self) -> Vec<Self> {
        let mut titled = String::with_capacity(self.text.len());
        let mut domain = false;
        for c in self.text.to_lowercase().chars() {
            let begins = titled.chars().next_back().is_none_or(|before| !before.is_alphanumeric());
            titled.extend(if begins && !domain { c.to_uppercase().collect::<Vec<_>>() } else { vec![c] });
            domain |= c == '@';
        }
        let mut all: Vec<Self> = Vec::new();
        for text in [&*self.text, &self.text.to_lowercase(), &titled, &self.text.to_uppercase()] {
            let spelt = Self::lenient(text);
            // What is another address in capitals is another question.
            if spelt == *self && all.iter().all(|other| other.text != spelt.text) {
                all.push(spelt);
            }
        }
        all
    }

    /// Takes whatever an app calls the address of an account. Never fails: an account with a strange address still has to
    /// be shown and matched, so a text that is no address is compared after case folding alone.
    pub fn lenient(text: &str) -> Self {
        Self::parse(text).unwrap_or_else(|_| Self::with_key(text, fold(text.trim())))
    }

    fn with_key(text: &str, key: String) -> Self {
        let text: Arc<str> = text.into();
        let key = if *key == *text { text.clone() } else { key.into() };
        Self { text, key }
    }

    /// The address as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The form that is compared.
    pub fn key(&self) -> &str {
        &self.key
    }
}

fn fold(text: &str) -> String {
    // Most addresses: ASCII is its own normal form.
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfc().flat_map(char::to_lowercase).nfc().collect()
}

impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}
impl Eq for Email {}
impl PartialOrd for Email {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Email {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}
impl hash::Hash for Email {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}
impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}
impl Serialize for Email {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}
impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::lenient(&String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(a: &str, b: &str, same: bool) {
        assert_eq!(Email::lenient(a) == Email::lenient(b), same, "{a} and {b}");
    }

    #[test]
    fn addresses_compare_without_case_or_unicode_form() {
        check("Jane.Doe@Example.com", "jane.doe@example.COM", true);
        check("zo\u{eb}@example.com", "zoe\u{308}@example.com", true);
        check("a@b\u{fc}cher.example", "a@xn--bcher-kva.example", true);
        check("jane@example.com", "jan@example.com", false);
        check("not an address", "NOT an address", true);
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for (text, error) in [
            ("jane", EmailError::At),
            ("a@b@c.d", EmailError::At),
            ("@example.com", EmailError::Local),
            ("jane doe@example.com", EmailError::Local),
            ("jane@", EmailError::Domain),
            ("jane@localhost", EmailError::Domain),
            ("jane@exa mple.com", EmailError::Domain),
        ] {
            assert_eq!(Email::parse(text).unwrap_err(), error, "{text}");
        }
    }
}
