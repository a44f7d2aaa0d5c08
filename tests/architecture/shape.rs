//! The shape of the code: functions short enough to be read in one go.

/// The most lines that a function may have, from its signature to its closing brace.
const LONGEST: usize = 60;

/// Where the limit holds so far. The list may only grow.
const HELD: &[&str] = &["connectors", "execute", "plan", "reconcile", "store"];

/// Functions of a source that are too long, each as its name.
fn too_long(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Vec<(usize, usize, String)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        if let Some(&(start, of, _)) = open.last()
            && of == indent
            && code.starts_with('}')
            && let Some((_, _, name)) = open.pop()
            && number - start >= LONGEST
        {
            found.push(name);
        }
        if let Some(name) = function(code).filter(|_| !code.ends_with('}') && !code.ends_with(';')) {
            open.push((number, indent, name.to_owned()));
        }
    }
    found
}

/// The name of the function whose signature begins here.
fn function(code: &str) -> Option<&str> {
    let mut rest = code;
    if let Some(after) = rest.strip_prefix("pub") {
        rest = after.strip_prefix('(').and_then(|inner| Some(inner.split_once(')')?.1)).unwrap_or(after).trim_start();
    }
    for word in ["const ", "async "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let name = rest.strip_prefix("fn ")?;
    Some(&name[..name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len())])
}

#[test]
fn no_function_is_too_long_to_be_read_in_one_go() {
    let mut found = Vec::new();
    for (source, text) in crate::sources() {
        if HELD.iter().any(|part| source.is_in(part)) && !source.module.iter().any(|part| part == "tests") {
            found.extend(too_long(&text).into_iter().map(|name| format!("{}: {name}", source.file)));
        }
    }
    found.sort();
    assert_eq!(found, [""; 0], "longer than {LONGEST} lines");
}

#[test]
fn a_function_is_measured_from_its_signature_to_its_brace() {
    let of = |lines: usize| {
        format!(
            "impl X {{\n    pub(super) async fn long(\n        &self,\n    ) {{\n{}    }}\n}}\n",
            "        x();\n".repeat(lines)
        )
    };
    assert_eq!(too_long(&of(56)), [""; 0]);
    assert_eq!(too_long(&of(57)), ["long"]);
    assert_eq!(too_long("fn short() {}\ntrait T {\n    fn declared(&self);\n}\n"), [""; 0]);
}
