//! Adding to files that people wrote. Nothing that stands in a file is written anew: what is missing is put in at places
//! that the parser knows, so that comments, order and style stay as they are.

use std::fmt::Write as _;

use crate::model::{Email, FieldValue};

use super::format::{Entry, Node, Scan, Shape, WIDTH, inline, scan};

/// What is to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tree {
    /// A key without a value.
    Nothing,
    /// A single value or a list, as YAML.
    Text(String),
    /// Fields that stand on one line, `{ a: 1, b: 2 }`, if there is room: keys and values, as YAML.
    Line(Vec<(String, String)>),
    /// Entries on lines of their own, by their plain keys.
    Map(Vec<(String, Tree)>),
}

/// Why a file cannot be added to: it is written in a way that has no room for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck;

impl Tree {
    /// The value as YAML.
    pub fn value(value: &FieldValue) -> String {
        match value {
            FieldValue::Flag(flag) => flag.to_string(),
            FieldValue::Number(number) => number.to_string(),
            FieldValue::Text(text) => scalar(text),
            FieldValue::Set(set) => format!("[{}]", set.iter().map(|text| scalar(text)).collect::<Vec<_>>().join(", ")),
        }
    }

    /// The entry with this key, made if it is not there.
    pub fn child(&mut self, key: &str) -> &mut Self {
        if !matches!(self, Self::Map(_)) {
            *self = Self::Map(Vec::new());
        }
        let Self::Map(entries) = self else { unreachable!("it has just been made a mapping") };
        let index = entries.iter().position(|(known, _)| known == key).unwrap_or_else(|| {
            entries.push((key.to_owned(), Self::Nothing));
            entries.len() - 1
        });
        &mut entries[index].1
    }

    /// The whole as the text of a file.
    pub fn render(&self) -> String {
        if let Self::Map(entries) = self { block(entries, 0) } else { String::new() }
    }
}

/// A text as YAML, with quotes where it would be read as something else without them.
pub fn scalar(text: &str) -> String {
    let first = text.chars().next();
    let begins_well =
        first.is_some_and(|c| c.is_alphabetic() || c == '_' || (c.is_ascii_digit() && text.contains('@')));
    let word = matches!(
        text.to_ascii_lowercase().as_str(),
        "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    let plain = begins_well
        && !word
        && text.trim() == text
        && !text.ends_with(':')
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.contains(|c: char| matches!(c, ',' | '[' | ']' | '{' | '}' | '"' | '\u{feff}') || c.is_control())
        && text.chars().all(|c| c == ' ' || !c.is_whitespace());
    if plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

fn block(entries: &[(String, Tree)], indent: usize) -> String {
    let mut out = String::new();
    lines(&mut out, entries, indent);
    out
}

fn lines(out: &mut String, entries: &[(String, Tree)], indent: usize) {
    for (key, tree) in entries {
        // Writing to a String cannot fail.
        let _ = write!(out, "{:indent$}{}:", "", scalar(key));
        match tree {
            Tree::Nothing => out.push('\n'),
            Tree::Text(text) => out.push_str(&format!(" {text}\n")),
            Tree::Line(fields) if fields.is_empty() => out.push('\n'),
            Tree::Line(fields) => {
                let fields: Vec<String> = fields.iter().map(|(key, value)| format!("{key}: {value}")).collect();
                let flow = format!(" {{ {} }}\n", fields.join(", "));
                let used = out.rsplit('\n').next().unwrap_or_default().chars().count();
                // The newline has no width.
                if used + flow.chars().count() - 1 <= WIDTH {
                    out.push_str(&flow);
                } else {
                    let deeper = " ".repeat(indent + 2);
                    out.push_str(&format!("\n{deeper}{}\n", fields.join(&format!("\n{deeper}"))));
                }
            }
            Tree::Map(entries) => {
                out.push('\n');
                lines(out, entries, indent + 2);
            }
        }
    }
}

/// `text` with everything of `tree` that is not in it. What is in it already is left as it is, whatever `tree` says.
///
/// # Errors
/// When there is no place for it that leaves the rest alone.
pub fn extend(text: &str, tree: &Tree) -> Result<String, Stuck> {
    let Tree::Map(entries) = tree else { return Ok(text.to_owned()) };
    // Offsets are those of the text as it is, so that only line ends of one kind can be handled.
    if text.contains('\r') {
        let extended = extend(&text.replace("\r\n", "\n"), tree)?;
        return Ok(extended.replace('\n', "\r\n"));
    }
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let scan = scan(body).map_err(|_| Stuck)?;
    let mut growth = Growth { scan: &scan, edits: Vec::new() };
    match &scan.root {
        Some(root) => growth.mapping(root, entries)?,
        None => growth.insert(body.len(), &block(entries, 0)),
    }
    let mut edits = growth.edits;
    edits.sort_by_key(|edit| edit.from);
    let mut out = text[..text.len() - body.len()].to_owned();
    let mut done = 0;
    for edit in edits {
        out.push_str(body.get(done..edit.from).ok_or(Stuck)?);
        out.push_str(&edit.text);
        done = edit.to;
    }
    out.push_str(&body[done..]);
    Ok(out)
}

/// Whether a file says something under these keys. A last key that is written with escapes is not found, which costs nobody
/// more than a second place for its lines.
pub fn holds(text: &str, path: &[&str]) -> bool {
    // Asked for every group of an app and every file; a tree of thousands would be taken apart thousands of times.
    if path.last().is_some_and(|key| !text.contains(key)) {
        return false;
    }
    let body = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let Ok(scan) = scan(&body) else { return false };
    scan.root.as_ref().and_then(|root| path.iter().try_fold(root, |node, key| find(node, key))).is_some()
}

/// The value of a key.
fn find<'n, 's>(node: &'n Node<'s>, key: &str) -> Option<&'n Node<'s>> {
    let Shape::Map { entries, .. } = &node.shape else { return None };
    Some(&entries.iter().find(|entry| is_key(&entry.key, key))?.value)
}

/// Keys that are addresses are compared as addresses.
fn is_key(node: &Node<'_>, key: &str) -> bool {
    let Shape::Leaf { value, .. } = &node.shape else { return false };
    **value == *key || (key.contains('@') && Email::lenient(value) == Email::lenient(key))
}

struct Edit {
    from: usize,
    to: usize,
    text: String,
}

struct Growth<'a, 's> {
    scan: &'a Scan<'s>,
    /// In the order in which those at one place are to stand.
    edits: Vec<Edit>,
}

impl<'s> Growth<'_, 's> {
    /// A mapping in block style.
    fn mapping(&mut self, node: &Node<'s>, tree: &[(String, Tree)]) -> Result<(), Stuck> {
        let Shape::Map { flow: false, entries } = &node.shape else { return Err(Stuck) };
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Err(Stuck) };
        let mut missing = Vec::new();
        for (key, below) in tree {
            match (entries.iter().find(|entry| is_key(&entry.key, key)), below) {
                (Some(entry), Tree::Map(more)) if !more.is_empty() => self.value(entry, more)?,
                (Some(_), _) => {}
                (None, _) => missing.push((key.clone(), below.clone())),
            }
        }
        if !missing.is_empty() {
            let own = self.scan.column(first.key.start);
            let end = last.value.end.max(last.colon.unwrap_or_default());
            self.insert_below(self.scan.end_of_comments(end, own), &block(&missing, own));
        }
        Ok(())
    }

    /// The value of a key, which becomes a block if it is none.
    fn value(&mut self, entry: &Entry<'s>, tree: &[(String, Tree)]) -> Result<(), Stuck> {
        let node = &entry.value;
        let Some(colon) = entry.colon.filter(|_| node.props.is_empty()) else { return Err(Stuck) };
        let indent = self.scan.column(entry.key.start) + 2;
        match &node.shape {
            Shape::Map { flow: false, .. } => self.mapping(node, tree)?,
            Shape::Empty => self.insert_below(colon, &block(tree, indent)),
            Shape::List { flow: false, items } => {
                // Names in a list are the same as keys without values.
                for item in items {
                    let Shape::Leaf { joined: Some(_), alias: false, .. } = &item.value.shape else {
                        return Err(Stuck);
                    };
                    self.edits.push(Edit { from: item.at, to: item.value.start, text: String::new() });
                    self.edits.push(Edit { from: item.value.end, to: item.value.end, text: ":".into() });
                }
                let (Some(first), Some(last)) = (items.first(), items.last()) else { return Err(Stuck) };
                let known = |key: &str| items.iter().any(|item| is_key(&item.value, key));
                let missing: Vec<_> = tree.iter().filter(|(key, _)| !known(key)).cloned().collect();
                let column = self.scan.column(first.at);
                // A list may stand right below its key, a mapping may not.
                if column < indent - 1 {
                    return Err(Stuck);
                }
                self.insert_below(last.value.end, &block(&missing, column));
            }
            Shape::Map { flow: true, .. } | Shape::List { flow: true, .. } => {
                if self.scan.has_comment(node.start, node.end) {
                    return Err(Stuck);
                }
                let mut added = String::new();
                unfold(&mut added, node, tree, indent)?;
                self.edits.push(Edit { from: colon, to: node.end, text: String::new() });
                self.insert_below(node.end, &added);
            }
            Shape::Leaf { .. } | Shape::Text { .. } => return Err(Stuck),
        }
        Ok(())
    }

    /// Puts lines below the line on which `at` is.
    fn insert_below(&mut self, at: usize, added: &str) {
        let rest = &self.scan.text[at..];
        let to = rest.find('\n').map_or(self.scan.text.len(), |end| at + end + 1);
        self.insert(to, added);
    }

    fn insert(&mut self, at: usize, added: &str) {
        let open = at > 0 && !self.scan.text[..at].ends_with('\n');
        let text = if open { format!("\n{added}") } else { added.to_owned() };
        self.edits.push(Edit { from: at, to: at, text });
    }
}

/// What is written in flow style, written as a block with what is missing in it.
fn unfold(out: &mut String, node: &Node<'_>, tree: &[(String, Tree)], indent: usize) -> Result<(), Stuck> {
    let written: Vec<(&Node<'_>, Option<&Node<'_>>)> = match &node.shape {
        Shape::Map { entries, .. } => entries.iter().map(|entry| (&entry.key, Some(&entry.value))).collect(),
        Shape::List { items, .. } => items.iter().map(|item| (&item.value, None)).collect(),
        _ => return Err(Stuck),
    };
    for &(key, value) in &written {
        let Shape::Leaf { raw, alias: false, .. } = &key.shape else { return Err(Stuck) };
        if !key.props.is_empty() || value.is_some_and(|value| !value.props.is_empty()) {
            return Err(Stuck);
        }
        let _ = write!(out, "{:indent$}{raw}:", "");
        let more = tree.iter().find(|(name, _)| is_key(key, name)).map(|(_, below)| below);
        match (value, more) {
            (Some(value), Some(Tree::Map(more))) if !more.is_empty() => {
                out.push('\n');
                match &value.shape {
                    Shape::Empty => lines(out, more, indent + 2),
                    _ => unfold(out, value, more, indent + 2)?,
                }
            }
            (Some(value), _) if !matches!(value.shape, Shape::Empty) => {
                let _ = writeln!(out, " {}", inline(value).ok_or(Stuck)?);
            }
            _ => out.push('\n'),
        }
    }
    let missing = tree.iter().filter(|(name, _)| !written.iter().any(|(key, _)| is_key(key, name)));
    lines(out, &missing.cloned().collect::<Vec<_>>(), indent);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(path: &[&str], value: Tree) -> Tree {
        let mut tree = Tree::Map(Vec::new());
        *path.iter().fold(&mut tree, |tree, key| tree.child(key)) = value;
        tree
    }

    fn check(before: &str, path: &[&str], value: Tree, after: &str) {
        let tree = tree(path, value);
        let extended = extend(before, &tree).unwrap();
        assert_eq!(extended, after, "\n{extended}");
        assert_eq!(extend(&extended, &tree).unwrap(), extended, "what is there is left alone");
        assert!(holds(&extended, path));
    }

    #[test]
    fn what_is_missing_goes_to_the_end_of_its_section() {
        check("", &["people", "a@x.io"], Tree::Nothing, "people:\n  a@x.io:\n");
        check("a:\n    b: 1", &["a", "c"], Tree::Text("2".into()), "a:\n    b: 1\n    c: 2\n");
        check(
            "a:\n  b: 1   # one\n  # end of a\n# of d\nd: 1\n",
            &["a", "c"],
            Tree::Nothing,
            "a:\n  b: 1   # one\n  # end of a\n  c:\n# of d\nd: 1\n",
        );
        check("a:   # empty\nb: 1\n", &["a", "c"], Tree::Nothing, "a:   # empty\n  c:\nb: 1\n");
        check("a:\r\n  b: 1\r\n", &["a", "c"], Tree::Nothing, "a:\r\n  b: 1\r\n  c:\r\n");
        check("a:\n  b: |\n    text\n\nc: 1\n", &["a", "d"], Tree::Nothing, "a:\n  b: |\n    text\n  d:\n\nc: 1\n");
    }

    #[test]
    fn lists_and_flow_values_become_blocks_with_all_that_was_in_them() {
        check(
            "m:\n  - a@x.io   # first\n  - \"b@x.io\"\n",
            &["m", "c@x.io"],
            Tree::Text("lead".into()),
            "m:\n  a@x.io:   # first\n  \"b@x.io\":\n  c@x.io: lead\n",
        );
        check("m: [a, 'b c']  # some\n", &["m", "d"], Tree::Nothing, "m:  # some\n  a:\n  'b c':\n  d:\n");
        check(
            "g: { A: { id: 1 }, B: }   # two\nz: 1\n",
            &["g", "A", "members", "c@x.io"],
            Tree::Nothing,
            "g:   # two\n  A:\n    id: 1\n    members:\n      c@x.io:\n  B:\nz: 1\n",
        );
        check("g: {}\n", &["g", "A"], Tree::Nothing, "g:\n  A:\n");
    }

    #[test]
    fn addresses_are_known_in_any_case() {
        let tree = tree(&["people", "ann@x.io"], Tree::Text("x".into()));
        assert_eq!(extend("people:\n  Ann@X.io: 1\n", &tree), Ok("people:\n  Ann@X.io: 1\n".into()));
    }

    #[test]
    fn what_has_no_room_is_left_alone() {
        for text in ["a: text\n", "a: *b\n", "a: &x { b: 1 }\n", "a: { b: 1, # why\n c: 2 }\n", "a:\n- b\n", "- a\n"] {
            assert_eq!(extend(text, &tree(&["a", "z"], Tree::Nothing)), Err(Stuck), "{text}");
        }
    }

    #[test]
    fn texts_get_quotes_where_they_would_be_read_as_something_else() {
        for text in ["Design Team", "jane.doe@x.io", "2fa@x.io", "Zoë", "R&D", "a:b", "it's"] {
            assert_eq!(scalar(text), text);
        }
        for text in
            ["", "true", "No", "12", "2026-01-01", "a: b", "a #b", "[x]", "- a", "*a", "a,b", " a", "null", "x:"]
        {
            assert_eq!(scalar(text), format!("{text:?}"));
        }
        assert_eq!(scalar("a\nb"), "\"a\\nb\"");
    }
}
