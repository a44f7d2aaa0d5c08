//! Sentences to people beside the reports: what went wrong, what to do about it, what to type next.

use super::{
    Style,
    canvas::{Canvas, Line, Paint},
};

/// What a sentence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What should be known although all goes on.
    Warning,
    /// What kept a command from its work.
    Error,
    /// What to do about it.
    Help,
    /// What to type next.
    Next,
    /// One more of those.
    AlsoNext,
    /// Anything else.
    Plain,
    /// Anything else, one of a list.
    Item,
}

impl Kind {
    /// What stands before the sentence; its further lines stand below its first.
    fn head(self) -> Line {
        let line = Line::new();
        match self {
            Self::Warning => line.whole(Paint::Change, "warning: "),
            Self::Error => line.whole(Paint::Alarm, "error: "),
            Self::Help => line.whole(Paint::Notice, "  help: "),
            Self::Next => line.whole(Paint::Notice, "Next: "),
            Self::AlsoNext => line.pad_to(6),
            Self::Plain => line,
            Self::Item => line.pad_to(2),
        }
    }
}

/// The sentence, ended by no line break. `code in backticks` is there to be copied and so is never broken, and neither is
/// a text that has lines of its own.
pub fn text(kind: Kind, sentence: &str, style: &Style) -> String {
    let mut canvas = Canvas::new(style);
    let mut lines = sentence.split('\n');
    let head = kind.head();
    match (lines.next(), lines.clone().next()) {
        (Some(only), None) => canvas.full_width(&head, &Line::new().prose(Paint::Plain, only)),
        (first, _) => {
            canvas.line(&head.whole(Paint::Plain, first.unwrap_or_default()));
            lines.for_each(|line| canvas.line(&Line::new().whole(Paint::Plain, line)));
        }
    }
    let mut text = canvas.finish();
    text.truncate(text.trim_end_matches('\n').len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, sentence: &str, width: usize, expect: &str) {
        assert_eq!(text(kind, sentence, &Style { color: false, width, unicode: true }), expect);
    }

    #[test]
    fn a_sentence_wraps_below_itself_and_a_command_stays_whole() {
        check(
            Kind::Next,
            "`rosterd apply --app intranet --sandbox` does this to simulated apps",
            50,
            "Next: `rosterd apply --app intranet --sandbox`\n      does this to simulated apps",
        );
        check(Kind::Error, "short", 80, "error: short");
        check(Kind::Plain, "one two", usize::MAX, "one two");
    }

    #[test]
    fn lines_that_were_drawn_stay_as_they_are() {
        check(Kind::Error, "a b\n  | c  d\n  | ^", 40, "error: a b\n  | c  d\n  | ^");
    }
}
