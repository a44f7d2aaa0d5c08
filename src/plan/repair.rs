//! Lines that fix something: exact, so that a person can paste them, and with the place where they go.

use super::Context;
use crate::model::{Email, FieldValue, LiveAccount, Place};

/// Text as YAML takes it, in flow maps too: quoted where it would be read as something else.
pub(super) fn scalar(text: &str) -> String {
    // A JSON string is a YAML string as well.
    if is_plain(text) { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

/// Whether YAML takes the text for just this text without quotes around it.
fn is_plain(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '@' | '.' | '_' | '-' | '/' | '%' | '+' | ' ' | '\'');
    let starts_as_text = text.starts_with(|c: char| c.is_ascii_alphabetic());
    // Words such as `true` or `no` are no texts, and numbers such as `1e5` do not start with a letter.
    let word = !text.contains(['/', '-', '.'])
        && ["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(&text.to_lowercase().as_str());
    starts_as_text && !word && !text.ends_with(' ') && text.chars().all(plain)
}

/// How to say that `identity` is the account with this id.
pub(super) fn pin(cx: &Context<'_>, identity: &Email, id: &str) -> String {
    let line = format!("{}: {}", scalar(identity.as_str()), scalar(id));
    let first = cx.app.ids.values().map(|(_, place)| place).min();
    match (cx.app.ids.get(identity), first) {
        (Some((_, place)), _) => format!("write `{line}` at {place}"),
        // A map has each key once, so that a second `ids` beside the first would be refused.
        (None, Some(place)) => format!("add `{line}` to apps.{}.ids ({place})", cx.app.name),
        (None, None) => format!("add `ids: {{ {line} }}` to {}", app(cx)),
    }
}

/// How to say that `address` is `identity`'s as well.
pub(super) fn alias(cx: &Context<'_>, identity: &Email, address: &Email) -> String {
    let address = scalar(address.as_str());
    match cx.people.get(identity) {
        Some(person) if person.aliases.is_empty() => {
            format!("add `aliases: [{address}]` to {identity} ({})", person.place)
        }
        Some(person) => format!("add `{address}` to the `aliases` of {identity} ({})", person.place),
        // Services have accounts, but only people have aliases.
        None => format!("add `{}: {{ aliases: [{address}] }}` to `people`", scalar(identity.as_str())),
    }
}

/// How to say that a stranger is somebody who keeps what they have: the line that takes nothing from anybody.
pub(super) fn grant(cx: &Context<'_>, stranger: &Email, account: &LiveAccount) -> String {
    let managed = cx.app.managed.iter().filter(|field| !cx.app.defaults.contains_key(*field));
    let shown = managed.filter_map(|field| Some(format!("{field}: {}", value(account.values.get(field)?.as_ref()?))));
    let shown: Vec<String> = shown.collect();
    let values = if shown.is_empty() { String::new() } else { format!("{{ {} }}", shown.join(", ")) };
    let line = format!("{}: {values}", scalar(stranger.as_str()));
    format!("add `{}` to apps.{}.accounts ({})", line.trim_end(), cx.app.name, cx.app.place)
}

/// A value as a line says it.
fn value(value: &FieldValue) -> String {
    match value {
        FieldValue::Flag(flag) => flag.to_string(),
        FieldValue::Number(number) => number.to_string(),
        FieldValue::Text(text) => scalar(text),
        FieldValue::Set(set) => format!("[{}]", set.iter().map(|one| scalar(one)).collect::<Vec<_>>().join(", ")),
    }
}

/// How to say that somebody whom the files do not name left.
pub(super) fn left(stranger: &Email) -> String {
    format!("add `{}: {{ status: left }}` to `people`", scalar(stranger.as_str()))
}

/// The app's entry.
pub(super) fn app(cx: &Context<'_>) -> String {
    format!("apps.{} ({})", cx.app.name, cx.app.place)
}

/// A group's entry.
pub(super) fn group(cx: &Context<'_>, name: &str, place: &Place) -> String {
    format!("apps.{}.groups.{name} ({place})", cx.app.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_yaml_would_misread_is_quoted() {
        for (text, plain) in [("a/b c@d.e", true), ("no", false), ("a/b ", false), ("7/b", false), ("a/b (1)", false)] {
            assert_eq!(scalar(text) == text, plain, "{text}");
        }
        assert_eq!(scalar("17"), "\"17\"");
        assert_eq!(scalar("a: \"b\""), r#""a: \"b\"""#);
    }
}
