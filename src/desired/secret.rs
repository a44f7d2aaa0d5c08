//! Keeps secrets out of the files, and those that are in them out of what is shown.

use super::{
    looks::{has_password, sounds_secret},
    nearest::nearest,
    problem::MASK,
    report::{Report, Source},
    spec::{self, Object, Type},
    tree::{self, Entry, Kind, Node},
};

/// What keys with secrets are usually called, to recognise them misspelt.
const SECRET_KEYS: [&str; 5] = ["client_secret", "secret", "password", "token", "api_key"];

/// Why a secret may not stand where it stands.
const READABLE: &str = "anyone who can read the files can read this";

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

fn walk(node: &mut Node<'_>, kind: &'static Type, path: &Path<'_>, report: &mut Report<'_>) {
    match (&mut node.kind, kind) {
        (_, Type::Secret) => secret(node, path, report),
        (Kind::Scalar { .. }, Type::Object(object) | Type::Objects(object)) if holds_secrets(object) => {
            mask_all(node, false, report);
        }
        (Kind::List(_), Type::Object(object)) if holds_secrets(object) => mask_all(node, false, report),
        (Kind::Scalar { text, .. }, _) => {
            if matches!(kind, Type::Store) && is_store_with_secret(text) {
                refuse_value(node, path, report);
            } else if has_password(text) {
                let message = "this address has a password in it, in plain text";
                let draft = report.error("plain-secret", node.span, message).label(READABLE);
                draft.hint("leave user and password out of it; credentials of an app go under `auth`, by reference");
                mask_all(node, true, report);
            } else if matches!(kind, Type::Leaf(leaf) if std::ptr::eq(*leaf, &raw const spec::URL))
                && shown_url(text) != *text
            {
                // Whoever decodes it says what is wrong with it.
                report.mask(node.span);
            }
        }
        (Kind::List(items), _) => items.iter_mut().for_each(|item| walk(item, kind.of_items(), path, report)),
        (Kind::Map(entries), _) => {
            entries.retain(|entry| !is_secret_for_a_key(entry, kind, report));
            for entry in entries {
                let value = kind.of_key(&entry.key).unwrap_or_else(|| {
                    // A key that the language does not know may be a misspelt one, or an option.
                    if sounds_secret(&entry.key) {
                        return &Type::Secret;
                    }
                    if kind.object().is_some_and(|object| may_be_secret(object, &entry.key)) {
                        mask_all(&mut entry.value, true, report);
                    }
                    &Type::Free
                });
                // What a connector's options hold is for the connector to judge, which it never gets to.
                let is_options =
                    entry.key == "options" && kind.object().is_some_and(|o| std::ptr::eq(o, &raw const spec::APP));
                if is_options && !matches!(entry.value.kind, Kind::Map(_)) {
                    mask_all(&mut entry.value, false, report);
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
    let strange =
        kind.object().is_some_and(|object| holds_secrets(object) && nearest(&entry.key, object.names()).is_none());
    if !(said || strange) {
        return false;
    }
    let message = "this is a key without a value, and may be a secret in plain text";
    let draft = report.error("plain-secret", entry.span, message);
    draft.hint("write `KEY: { env: NAME }`, with a space after the colon");
    report.mask(entry.span);
    true
}

/// Masks all of a value. What is hidden as well is seen by nobody after this; everything else is of the wrong kind, which is
/// left to the decoder to say.
fn mask_all(node: &mut Node<'_>, hide: bool, report: &mut Report<'_>) {
    match &mut node.kind {
        Kind::Null | Kind::Hidden => {}
        Kind::Scalar { .. } => {
            report.mask(node.span);
            if hide {
                node.kind = Kind::Hidden;
            }
        }
        Kind::List(items) => items.iter_mut().for_each(|item| mask_all(item, hide, report)),
        Kind::Map(entries) => {
            for entry in entries {
                if entry.value.is_null() && !hide {
                    report.mask(entry.span);
                }
                mask_all(&mut entry.value, hide, report);
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
                    Kind::Scalar { .. } if entry.key == "file" => continue,
                    Kind::Scalar { text, .. } if entry.key == "env" => {
                        if is_variable(text.trim()) {
                            continue;
                        }
                        // What is no name of a variable is likely the secret itself.
                        let message = "this is not the name of an environment variable";
                        report.error("plain-secret", entry.value.span, message).hint(
                            "name the variable that holds the secret, not the secret itself: letters, digits and `_`",
                        );
                    }
                    _ => {}
                }
                mask_all(&mut entry.value, true, report);
            }
        }
    }
}

fn refuse_value(node: &mut Node<'_>, path: &Path<'_>, report: &mut Report<'_>) {
    let key = path.key;
    let message = format!("`{key}` is a secret and is written here in plain text");
    report.error("plain-secret", node.span, message).label(READABLE).hint(format!(
        "write `{key}: {{ env: {} }}` or `{{ file: PATH }}`, and replace the secret: it is in the history now",
        variable(path)
    ));
    mask_all(node, true, report);
}

/// A name for the variable: the app's name and the key, as `AUTODESK_CLIENT_SECRET`.
fn variable(path: &Path<'_>) -> String {
    let mut keys: Vec<&str> = std::iter::successors(Some(path), |path| path.parent).map(|path| path.key).collect();
    keys.reverse();
    let words = match keys[..] {
        ["", "apps", app, .., key] => format!("{app}_{key}"),
        [.., parent, key] if !matches!(parent, "" | "settings") => format!("{parent}_{key}"),
        _ => path.key.to_owned(),
    };
    words.to_uppercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
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
