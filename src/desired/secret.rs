//! Keeps secrets out of the files, and those that are in them out of what is shown.

use super::{
    looks::{has_password, sounds_secret},
    nearest::nearest,
    problem::MASK,
    report::{Draft, Report, Source},
    spec::{self, Object, Type},
    tree::{self, Entry, Kind, Node},
};

/// What keys with secrets are usually called, to recognise them misspelt.
const SECRET_KEYS: [&str; 5] = ["client_secret", "secret", "password", "token", "api_key"];

/// Takes every secret written in plain text out of a file, reports it, and has it masked in every line that is shown
/// from then on. Runs over each file as it is, before anything else looks at values.
pub(super) fn refuse(root: &mut Node<'_>, report: &mut Report<'_>) {
    walk(root, &spec::FILES, &Path { key: "", parent: None }, report);
}

/// A file as it may be shown: every secret in it is masked.
pub fn masked(text: &str) -> String {
    let sources = [Source { name: "".into(), text: text.to_owned() }];
    let mut report = Report::new(&sources);
    if let Some(mut root) = tree::parse(0, text, &mut report) {
        refuse(&mut root, &mut report);
    }
    report.masked(0)
}

/// The keys that lead to a value.
struct Path<'a> {
    key: &'a str,
    parent: Option<&'a Path<'a>>,
}

impl Path<'_> {
    /// From the outermost.
    fn keys(&self) -> Vec<&str> {
        let mut keys = self.parent.map(Path::keys).unwrap_or_default();
        keys.extend(Some(self.key).filter(|key| !key.is_empty()));
        keys
    }
}

fn walk(node: &mut Node<'_>, kind: &'static Type, path: &Path<'_>, report: &mut Report<'_>) {
    match (&mut node.kind, kind) {
        (_, Type::Secret) => secret(node, path, report),
        (Kind::Scalar { .. }, Type::Object(object) | Type::Objects(object)) if holds_secrets(object) => {
            mask_all(node, report);
        }
        (Kind::List(_), Type::Object(object)) if holds_secrets(object) => mask_all(node, report),
        (Kind::Scalar { text, .. }, _) => {
            if matches!(kind, Type::Store) && is_store_with_secret(text) {
                refuse_value(node, path, report);
            } else if matches!(kind, Type::Leaf(leaf) if std::ptr::eq(*leaf, &raw const spec::URL))
                && shown_url(text) != *text
                && !has_password(text)
            {
                // Whoever decodes it says what is wrong with it.
                report.mask(node.span);
            } else if has_password(text) {
                let draft = Draft::error("plain-secret", "this address has a password in it, in plain text")
                    .at(node.span, "anyone who can read the files can read this")
                    .hint("leave user and password out of it; credentials of an app go under `auth`, by reference");
                report.push(draft);
                hide_all(node, report);
            }
        }
        (Kind::List(items), _) => {
            let item_kind = match kind {
                Type::List(item) => item,
                Type::Objects(_) => kind,
                _ => &Type::Free,
            };
            for item in items {
                walk(item, item_kind, path, report);
            }
        }
        (Kind::Map(entries), _) => {
            entries.retain(|entry| !is_secret_for_a_key(entry, kind, report));
            for entry in entries {
                let value = match kind {
                    Type::Names(names) => &names.value,
                    _ => match kind.object().and_then(|object| object.key(&entry.key)) {
                        Some(key) => &key.value,
                        // A key that the language does not know may be a misspelt one, or an option.
                        None if sounds_secret(&entry.key) => &Type::Secret,
                        None => {
                            if kind.object().is_some_and(|object| may_be_secret(object, &entry.key)) {
                                hide_all(&mut entry.value, report);
                            }
                            &Type::Free
                        }
                    },
                };
                // What a connector's options hold is for the connector to judge, which it never gets to.
                let is_options =
                    entry.key == "options" && kind.object().is_some_and(|o| std::ptr::eq(o, &raw const spec::APP));
                if is_options && !matches!(entry.value.kind, Kind::Map(_)) {
                    mask_all(&entry.value, report);
                }
                let path = Path { key: &entry.key, parent: Some(path) };
                walk(&mut entry.value, value, &path, report);
            }
        }
        (Kind::Null | Kind::Hidden, _) => {}
    }
}

/// Whether secrets stand in an object of this kind, so that what stands in its place may be one.
fn holds_secrets(object: &Object) -> bool {
    object.keys.iter().any(|key| matches!(key.value, Type::Secret))
}

/// A secret that YAML takes for a key, since the space after the colon is missing: `{ token:hunter2 }`. Reports and masks
/// it; no message may name such a key.
fn is_secret_for_a_key(entry: &Entry<'_>, kind: &Type, report: &mut Report<'_>) -> bool {
    if !entry.value.is_null() || kind.object().is_some_and(|object| object.key(&entry.key).is_some()) {
        return false;
    }
    let said = entry.key.split_once([':', '=']).is_some_and(|(key, _)| sounds_secret(key));
    let strange = kind.object().is_some_and(|object| {
        holds_secrets(object) && nearest(&entry.key, object.keys.iter().map(|key| key.name)).is_none()
    });
    if !(said || strange) {
        return false;
    }
    let draft = Draft::error("plain-secret", "this is a key without a value, and may be a secret in plain text")
        .at(entry.span, "")
        .hint("write `KEY: { env: NAME }`, with a space after the colon");
    report.push(draft);
    report.mask(entry.span);
    true
}

/// Masks all of something that is of the wrong kind, and leaves it to the decoder to say so.
fn mask_all(node: &Node<'_>, report: &mut Report<'_>) {
    match &node.kind {
        Kind::Null | Kind::Hidden => {}
        Kind::Scalar { .. } => report.mask(node.span),
        Kind::List(items) => items.iter().for_each(|item| mask_all(item, report)),
        Kind::Map(entries) => {
            for entry in entries {
                if entry.value.is_null() {
                    report.mask(entry.span);
                }
                mask_all(&entry.value, report);
            }
        }
    }
}

/// An address as it may be shown: without user, query and fragment, of whatever shape it is.
pub(super) fn shown_url(text: &str) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let (path, rest) = text.split_at(end);
    // What separates them stays, because that it is there may be what is wrong.
    let rest = rest.chars().next().map_or_else(String::new, |mark| format!("{mark}…"));
    match path.rsplit_once('@') {
        Some((_, host)) => format!("{MASK}@{host}{rest}"),
        None => format!("{path}{rest}"),
    }
}

/// The value of a key that holds a secret: only references may stand here.
fn secret(node: &mut Node<'_>, path: &Path<'_>, report: &mut Report<'_>) {
    match &mut node.kind {
        Kind::Null | Kind::Hidden => {}
        Kind::Scalar { .. } => refuse_value(node, path, report),
        Kind::List(items) => items.iter_mut().for_each(|item| secret(item, path, report)),
        Kind::Map(entries) => {
            for entry in entries {
                match &entry.value.kind {
                    Kind::Scalar { text, .. } if entry.key == "env" => {
                        // What is no name of a variable is likely the secret itself.
                        if !is_variable(text.trim()) {
                            let draft = Draft::error("plain-secret", "this is not the name of an environment variable")
                                .at(entry.value.span, "")
                                .hint("name the variable that holds the secret, not the secret itself: letters, digits and `_`");
                            report.push(draft);
                            hide_all(&mut entry.value, report);
                        }
                    }
                    Kind::Scalar { .. } if entry.key == "file" => {}
                    _ => hide_all(&mut entry.value, report),
                }
            }
        }
    }
}

fn hide_all(node: &mut Node<'_>, report: &mut Report<'_>) {
    match &mut node.kind {
        Kind::Null | Kind::Hidden => {}
        Kind::Scalar { .. } => {
            report.mask(node.span);
            node.kind = Kind::Hidden;
        }
        Kind::List(items) => items.iter_mut().for_each(|item| hide_all(item, report)),
        Kind::Map(entries) => entries.iter_mut().for_each(|entry| hide_all(&mut entry.value, report)),
    }
}

fn refuse_value(node: &mut Node<'_>, path: &Path<'_>, report: &mut Report<'_>) {
    let key = path.key;
    let draft = Draft::error("plain-secret", format!("`{key}` is a secret and is written here in plain text"))
        .at(node.span, "anyone who can read the files can read this")
        .hint(format!(
            "write `{key}: {{ env: {} }}` or `{{ file: PATH }}`, and replace the secret: it is in the history now",
            variable(&path.keys())
        ));
    report.push(draft);
    hide_all(node, report);
}

/// A name for the variable: the app's name and the key, as `AUTODESK_CLIENT_SECRET`.
fn variable(path: &[&str]) -> String {
    let parts: Vec<&str> = match path {
        ["apps", app, .., key] => vec![app, key],
        [.., parent, key] if *parent != "settings" => vec![parent, key],
        [.., key] => vec![key],
        [] => vec!["secret"],
    };
    let text = parts.join("_").to_uppercase();
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

pub(super) fn is_variable(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether the value of an unknown key is better not shown: it stands where secrets do, or is nearly called like one.
fn may_be_secret(object: &Object, key: &str) -> bool {
    holds_secrets(object) || nearest(key, SECRET_KEYS).is_some()
}

fn is_store_with_secret(text: &str) -> bool {
    let scheme = text.split(':').next().unwrap_or_default();
    has_password(text) || (text.contains("://") && !scheme.eq_ignore_ascii_case("sqlite"))
}
