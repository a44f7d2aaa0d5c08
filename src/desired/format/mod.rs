//! The one way to lay a file out. Comments, the order of entries, quotes, blank lines between entries and the choice
//! between `{ flow }` and block style stay as they were written; indentation, spaces and too long flow values do not.
//!
//! `scan` (where everything stands, comments included) → `print` (the same again, laid out) → a check that both say the
//! same: a formatter that changes what a file means would be worse than none.

mod print;
mod scan;

pub(super) use print::{WIDTH, inline};
pub(super) use scan::{Entry, Node, Scan, Shape, scan};

#[cfg(test)]
mod tests;

use super::{
    problem::Problems,
    report::{Report, Source, Span},
    secret, tree,
};

/// Lays out one file. `name` is what problems call it.
///
/// # Errors
/// When the file is not YAML, holds a secret in plain text (nothing prints such a file, not even as a difference), or
/// uses a construct that cannot be laid out without risk. The file then stays as it is.
pub fn format(name: &str, text: &str) -> Result<String, Problems> {
    let sources = [Source { name: name.into(), text: text.to_owned() }];
    let mut report = Report::new(&sources);
    if let Some(mut root) = tree::parse(0, &sources[0].text, &mut report) {
        secret::refuse(&mut root, &mut report);
    }
    if report.has_errors() {
        return Err(report.finish());
    }
    lay_out(text).map_err(|Refused { at, why }| {
        let at = at.min(text.len());
        let before = text.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let span = Span { file: 0, line: small(line), column: small(column), start: small(at), length: 1 };
        report.error("unformatted", span, why).hint("the file stays as it is");
        report.finish()
    })
}

/// Why a file is left alone.
#[derive(Debug)]
pub(super) struct Refused {
    /// Byte of the text.
    at: usize,
    why: String,
}

impl Refused {
    fn new(at: usize, why: impl Into<String>) -> Self {
        Self { at, why: why.into() }
    }
}

fn lay_out(text: &str) -> Result<String, Refused> {
    // Windows ends lines in its own way, and a checkout there must not differ for that alone.
    let crlf = text.split_once('\n').is_some_and(|(first, _)| first.ends_with('\r'));
    let (mark, body) = match text.strip_prefix('\u{feff}') {
        Some(body) => ("\u{feff}", body),
        None => ("", text),
    };
    let body = body.replace("\r\n", "\n");
    if let Some(at) = body.find('\r') {
        return Err(Refused::new(at, "a carriage return stands alone here"));
    }
    let before = scan(&body)?;
    let printed = print::print(&before);
    let same = scan(&printed).is_ok_and(|after| after.says() == before.says());
    if !same {
        return Err(Refused::new(
            0,
            "laying this file out would change what it says, which is a fault of `rosterd fmt`: please report it",
        ));
    }
    Ok(mark.to_owned() + &if crlf { printed.replace('\n', "\r\n") } else { printed })
}
