//! The paths a Rust source mentions: enough of the grammar to follow `use` trees, aliases, `super` and `self`, and to leave
//! out comments, texts and test modules.

use std::collections::{BTreeMap, BTreeSet};

/// One file.
pub(crate) struct Source {
    /// Relative to `src`.
    pub file: String,
    /// The module it holds, from the top: `["plan", "diff"]`.
    pub module: Vec<String>,
    tokens: Vec<String>,
    tests: Vec<String>,
}

impl Source {
    pub(crate) fn new(file: &str, text: &str) -> Self {
        let mut module: Vec<String> = file.trim_end_matches(".rs").split('/').map(Into::into).collect();
        if module.len() > 1 && module.last().is_some_and(|last| last == "mod") {
            module.pop();
        }
        let (tokens, tests) = without_tests(tokens(text));
        Self { file: file.into(), module, tokens, tests }
    }

    /// The top-level module.
    pub(crate) fn top(&self) -> &str {
        &self.module[0]
    }

    /// Whether it belongs to `part`, such as `connectors/http`.
    pub(crate) fn is_in(&self, part: &str) -> bool {
        let part: Vec<&str> = part.split('/').collect();
        self.module.len() >= part.len() && self.module.iter().zip(&part).all(|(a, b)| a == b)
    }

    /// Modules declared for tests alone, in files of their own.
    pub(crate) fn test_modules(&self) -> Vec<Vec<String>> {
        self.tests.iter().map(|name| [&self.module[..], std::slice::from_ref(name)].concat()).collect()
    }

    /// Every path it mentions, with aliases, `self` and `super` resolved; those into this crate begin with `crate`.
    pub(crate) fn paths(&self) -> BTreeSet<Vec<String>> {
        let mut found = BTreeSet::new();
        let mut aliases: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut mentioned = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            if self.tokens[at] == "use" {
                at += 1;
                self.tree(&mut at, &[], &mut |path, alias| {
                    let path = self.resolve(path);
                    if let Some(alias) = alias {
                        aliases.insert(alias, path.clone());
                    }
                    found.insert(path);
                });
            } else if is_name(&self.tokens[at]) && (at == 0 || self.tokens[at - 1] != "::") {
                let mut path = vec![self.tokens[at].clone()];
                while self.tokens.get(at + 1).is_some_and(|token| token == "::")
                    && self.tokens.get(at + 2).is_some_and(|token| is_name(token))
                {
                    path.push(self.tokens[at + 2].clone());
                    at += 2;
                }
                at += 1;
                if path.len() > 1 {
                    mentioned.push(path);
                }
            } else {
                at += 1;
            }
        }
        for path in mentioned {
            let whole = match aliases.get(&path[0]) {
                Some(start) => [&start[..], &path[1..]].concat(),
                None => self.resolve(path),
            };
            found.insert(whole);
        }
        found
    }

    /// One branch of a `use` tree, from `at` on.
    fn tree(&self, at: &mut usize, start: &[String], each: &mut dyn FnMut(Vec<String>, Option<String>)) {
        let mut path = start.to_vec();
        loop {
            let Some(token) = self.tokens.get(*at) else { return };
            *at += 1;
            match token.as_str() {
                "::" => {}
                "{" => {
                    while self.tokens.get(*at).is_some_and(|token| token != "}") {
                        self.tree(at, &path, each);
                        if self.tokens.get(*at).is_some_and(|token| token == ",") {
                            *at += 1;
                        }
                    }
                    *at += 1;
                    return;
                }
                "as" => {
                    let alias = self.tokens.get(*at).cloned();
                    *at += 1;
                    each(path, alias);
                    return;
                }
                token if token == "*" || is_name(token) => path.push(token.into()),
                // `,`, `}` or `;` ends the branch and is left to whoever opened it.
                _ => {
                    *at -= 1;
                    if path.len() > start.len() {
                        if path.last().is_some_and(|last| last == "self") {
                            path.pop();
                        }
                        let alias = path.last().cloned();
                        each(path, alias);
                    }
                    if *at < self.tokens.len() && self.tokens[*at] == ";" {
                        *at += 1;
                    }
                    return;
                }
            }
        }
    }

    fn resolve(&self, path: Vec<String>) -> Vec<String> {
        let mut module = self.module.clone();
        let mut rest = &path[..];
        match rest.first().map(String::as_str) {
            Some("crate" | "rosterd") => module.clear(),
            Some("self" | "super") => {
                while let Some(first) = rest.first() {
                    match first.as_str() {
                        "super" => drop(module.pop()),
                        "self" => {}
                        _ => break,
                    }
                    rest = &rest[1..];
                }
                return [&["crate".to_owned()], &module[..], rest].concat();
            }
            _ => return path,
        }
        [&["crate".to_owned()], &rest[1..]].concat()
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Names, `::` and single characters; comments and literals are gone.
fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    let get = |at: usize| chars.get(at).copied().unwrap_or('\0');
    while at < chars.len() {
        let c = chars[at];
        if c.is_whitespace() {
            at += 1;
        } else if c == '/' && get(at + 1) == '/' {
            while at < chars.len() && chars[at] != '\n' {
                at += 1;
            }
        } else if c == '/' && get(at + 1) == '*' {
            let mut depth = 0;
            loop {
                match (get(at), get(at + 1)) {
                    ('/', '*') => (depth, at) = (depth + 1, at + 2),
                    ('*', '/') => (depth, at) = (depth - 1, at + 2),
                    _ => at += 1,
                }
                if depth == 0 || at >= chars.len() {
                    break;
                }
            }
        } else if let Some(end) = raw_text(&chars, at) {
            at = end;
        } else if c == '"' {
            at += 1;
            while at < chars.len() && chars[at] != '"' {
                at += if chars[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
        } else if c == '\'' {
            // A character ends with a quote after one character or an escape; anything else is a lifetime.
            if get(at + 1) == '\\' {
                at += 3;
                while at < chars.len() && chars[at] != '\'' {
                    at += 1;
                }
                at += 1;
            } else {
                at += if get(at + 2) == '\'' { 3 } else { 1 };
            }
        } else if c.is_alphanumeric() || c == '_' {
            let start = at;
            while at < chars.len() && (chars[at].is_alphanumeric() || chars[at] == '_') {
                at += 1;
            }
            tokens.push(chars[start..at].iter().collect());
        } else if c == ':' && get(at + 1) == ':' {
            tokens.push("::".into());
            at += 2;
        } else {
            tokens.push(c.into());
            at += 1;
        }
    }
    tokens
}

/// The end of a raw text that begins at `at`.
fn raw_text(chars: &[char], at: usize) -> Option<usize> {
    let mut open = at + usize::from(matches!(chars.get(at), Some('b' | 'c')));
    if chars.get(open) != Some(&'r') || (at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_')) {
        return None;
    }
    open += 1;
    let hashes = chars[open..].iter().take_while(|c| **c == '#').count();
    if chars.get(open + hashes) != Some(&'"') {
        return None;
    }
    let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let start = open + hashes + 1;
    let length = chars[start..].windows(close.len()).position(|window| window == close)?;
    Some(start + length + close.len())
}

/// Drops every item behind `#[cfg(test)]`; also tells the names of modules among them that live in files of their own.
fn without_tests(tokens: Vec<String>) -> (Vec<String>, Vec<String>) {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut kept, mut modules) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        if !tokens[at..].iter().map(String::as_str).take(MARK.len()).eq(MARK) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        at += MARK.len();
        let start = at;
        let (mut depth, mut end) = (0_usize, false);
        while at < tokens.len() && !end {
            match tokens[at].as_str() {
                "{" | "(" | "[" => depth += 1,
                ")" | "]" => depth -= 1,
                "}" => {
                    depth -= 1;
                    // The end of a body, unless it closes a `use` tree, which a semicolon ends.
                    end = depth == 0 && tokens.get(at + 1).is_none_or(|next| next != ";");
                }
                ";" => end = depth == 0,
                _ => {}
            }
            at += 1;
        }
        let item = &tokens[start..at];
        if let [.., module, name, semicolon] = item
            && module == "mod"
            && semicolon == ";"
        {
            modules.push(name.clone());
        }
    }
    (kept, modules)
}
