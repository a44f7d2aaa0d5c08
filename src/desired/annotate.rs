//! Problems for programs: annotations for GitHub's checks, and JSON.

use std::fmt::Write as _;

use serde::Serialize;

use crate::model::Severity;

use super::problem::{Problem, Problems};

/// The version of the JSON; it changes when a key changes its meaning or goes.
const VERSION: u32 = 1;

impl Problems {
    /// Workflow commands that show every problem beside its lines on GitHub. `dir` is the directory of the files as seen
    /// from the root of the repository.
    pub fn to_github(&self, dir: &str) -> String {
        github(self, dir)
    }

    /// Every problem as JSON.
    pub fn to_json(&self) -> String {
        json(self)
    }
}

/// Workflow commands that GitHub shows beside the lines. `dir` is the directory of the files as seen from the root of the
/// repository, because that is what GitHub knows paths from.
fn github(problems: &Problems, dir: &str) -> String {
    let mut out = String::new();
    for problem in problems {
        let kind = match problem.severity {
            Severity::Note => "notice",
            other => other.as_str(),
        };
        let _ = write!(out, "::{kind} ");
        if let Some(label) = problem.places.first() {
            let place = &label.place;
            let file = property(&joined(dir, &place.file));
            let end = place.column + label.length;
            let _ = write!(out, "file={file},line={},col={},endColumn={end},", place.line, place.column);
        }
        let _ = writeln!(out, "title={}::{}", property(problem.code), data(&sentence(problem, dir)));
    }
    out
}

/// All that a problem says in one text: the further places and the hint as well, since an annotation has room for one.
fn sentence(problem: &Problem, dir: &str) -> String {
    let mut text = problem.message.clone();
    if let Some(label) = problem.places.first().filter(|label| !label.text.is_empty()) {
        let _ = write!(text, ": {}", label.text);
    }
    for label in problem.places.iter().skip(1) {
        let _ = write!(text, "\n{}:{}", joined(dir, &label.place.file), label.place.line);
        if !label.text.is_empty() {
            let _ = write!(text, ": {}", label.text);
        }
    }
    if let Some(hint) = &problem.hint {
        let _ = write!(text, "\nhelp: {hint}");
    }
    text
}

fn joined(dir: &str, file: &str) -> String {
    match dir.trim_start_matches("./").trim_end_matches('/') {
        "" | "." => file.to_owned(),
        dir => format!("{dir}/{file}"),
    }
}

/// Escaped as GitHub wants the text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escaped as GitHub wants the value of a property, where `:` and `,` would end it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[derive(Serialize)]
struct Wire<'a> {
    version: u32,
    valid: bool,
    problems: Vec<ProblemWire<'a>>,
}

#[derive(Serialize)]
struct ProblemWire<'a> {
    severity: &'static str,
    code: &'static str,
    message: &'a str,
    places: Vec<PlaceWire<'a>>,
    hint: Option<&'a str>,
}

#[derive(Serialize)]
struct PlaceWire<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    length: u32,
    text: &'a str,
}

/// Every problem as JSON, with a newline at the end.
fn json(problems: &Problems) -> String {
    let wire = Wire {
        version: VERSION,
        valid: !problems.has_errors(),
        problems: problems
            .iter()
            .map(|problem| ProblemWire {
                severity: problem.severity.as_str(),
                code: problem.code,
                message: &problem.message,
                places: problem
                    .places
                    .iter()
                    .map(|label| PlaceWire {
                        file: &label.place.file,
                        line: label.place.line,
                        column: label.place.column,
                        length: label.length,
                        text: &label.text,
                    })
                    .collect(),
                hint: problem.hint.as_deref(),
            })
            .collect(),
    };
    let mut text = serde_json::to_string_pretty(&wire).expect("wire types have text keys alone and cannot fail");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::tests::{load, same};

    fn problems() -> Problems {
        let clash = "settings:\n  time_zone: UTC\n  time_zone: UTC\n  stor: 100%\n";
        load(&[("a,b.yaml", clash)]).unwrap_err()
    }

    #[test]
    fn annotations_name_the_line_and_escape_what_would_end_them() {
        same(
            &github(&problems(), "./desired-state/"),
            "
::error file=desired-state/a%2Cb.yaml,line=3,col=3,endColumn=12,title=duplicate-key::`time_zone` is given twice here: given again here%0Adesired-state/a,b.yaml:2: first given here
::error file=desired-state/a%2Cb.yaml,line=4,col=3,endColumn=7,title=unknown-key::unknown key `stor` in `settings`%0Ahelp: did you mean `store`?
",
        );
        assert_eq!(data("100% sure\r\nof: it, too"), "100%25 sure%0D%0Aof: it, too");
        assert_eq!(property("100%: a, b"), "100%25%3A a%2C b");
    }

    #[test]
    fn json_has_every_place() {
        let json: serde_json::Value = serde_json::from_str(&json(&problems())).unwrap();
        assert_eq!(json["valid"], false);
        assert_eq!(json["problems"][0]["places"][1]["line"], 2);
        assert_eq!(json["problems"][1]["hint"], "did you mean `store`?");
    }
}
