//! Problems for programs: annotations for GitHub's checks, and JSON.

use std::fmt::Write as _;

use serde_json::json;

use crate::model::Severity;

use super::problem::{Problem, Problems};

/// The version of the JSON; it changes when a key changes its meaning or goes.
const VERSION: u32 = 1;

impl Problems {
    /// Workflow commands that show every problem beside its lines on GitHub. `dir` is the directory of the files as seen
    /// from the root of the repository, because that is what GitHub knows paths from.
    pub fn to_github(&self, dir: &str) -> String {
        let mut out = String::new();
        for problem in self.iter() {
            let kind = if problem.severity == Severity::Note { "notice" } else { problem.severity.into() };
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

    /// Every problem as JSON, with a newline at the end.
    pub fn to_json(&self) -> String {
        let wire = json!({ "version": VERSION, "valid": !self.has_errors(), "problems": **self });
        format!("{wire:#}\n")
    }
}

/// All that a problem says in one text: the further places and the hint as well, since an annotation has room for one.
fn sentence(problem: &Problem, dir: &str) -> String {
    let mut text = problem.message.clone();
    for (i, label) in problem.places.iter().enumerate() {
        if i > 0 {
            let _ = write!(text, "\n{}:{}", joined(dir, &label.place.file), label.place.line);
        }
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
            &problems().to_github("./desired-state/"),
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
        let json: serde_json::Value = serde_json::from_str(&problems().to_json()).unwrap();
        assert_eq!(json["valid"], false);
        assert_eq!(json["problems"][0]["places"][1]["line"], 2);
        assert_eq!(json["problems"][1]["hint"], "did you mean `store`?");
    }
}
