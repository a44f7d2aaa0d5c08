//! Why a step takes something away.

use std::fmt;

use jiff::{Zoned, civil::Date};

use super::{Place, window};

/// Digits of a commit's id: as many as git shows where space is short.
const DIGITS: usize = 7;

/// Why a step takes something away from somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The person's own line says that they have left.
    Left,
    /// The person's own line says that they are suspended.
    Suspended,
    /// The person's time is over, or that of the last line that granted it. This is the first instant without it.
    Until(Zoned),
    /// The person is named in the files, and no line grants it.
    Ungranted(Option<Former>),
    /// The person is named nowhere in the files, and `unlisted` is `remove`.
    Unlisted(Option<Former>),
    /// The files give the group up.
    Absent,
}

impl Reason {
    /// Whether no line grants it, and no line that once did is known.
    pub fn is_unexplained(&self) -> bool {
        matches!(self, Self::Ungranted(None) | Self::Unlisted(None))
    }

    /// The same, where no line grants it, with the lines that did.
    pub(crate) fn explained_by(&mut self, former: Former) {
        if let Self::Ungranted(known) | Self::Unlisted(known) = self {
            *known = Some(former);
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left => f.write_str("left"),
            Self::Suspended => f.write_str("suspended"),
            Self::Until(at) => write!(f, "until {}", window::last_day(at)),
            Self::Ungranted(None) => f.write_str("no line grants it"),
            Self::Ungranted(Some(former)) | Self::Unlisted(Some(former)) => write!(f, "no line grants it ({former})"),
            Self::Unlisted(None) => f.write_str("no line grants it (named nowhere in the files)"),
            Self::Absent => f.write_str("state: absent"),
        }
    }
}

/// Lines that granted something once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    /// The lines, sorted, as the files had them then.
    pub places: Vec<Place>,
    /// How that is known.
    pub known: Known,
}

/// How it is known that lines granted something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// The files of this commit have them, and the change under review does not.
    UntilCommit(String),
    /// The ledger says that a run with the files of this commit went by them.
    AtCommit(String),
    /// The ledger says that a run on this day went by them, with files that were in no commit.
    On(Date),
}

/// `teams/finance.yaml:9 did until commit 3f2c1a7`.
impl fmt::Display for Former {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} did ", Place::together(&self.places).join(", "))?;
        match &self.known {
            Known::UntilCommit(id) => write!(f, "until commit {}", short(id)),
            Known::AtCommit(id) => write!(f, "at commit {}", short(id)),
            Known::On(day) => write!(f, "on {day}"),
        }
    }
}

/// The first digits of a commit's id, and the mark of files that differed from it.
fn short(id: &str) -> String {
    let (id, mark) = id.split_once('+').map_or((id, None), |(id, mark)| (id, Some(mark)));
    let mark = mark.map(|mark| format!("+{mark}")).unwrap_or_default();
    id.get(..DIGITS).unwrap_or(id).to_owned() + &mark
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reason: &Reason, text: &str) {
        assert_eq!(reason.to_string(), text);
    }

    #[test]
    fn a_reason_is_told_in_a_few_words() {
        let commit = || "3f2c1a7d0011223344556677".to_owned();
        let former = |known| {
            let places = vec![Place::new("teams/finance.yaml", 9, 1), Place::new("teams/finance.yaml", 4, 1)];
            Some(Former { places, known })
        };
        let until = |text: &str| Reason::Until(text.parse().unwrap());
        check(&Reason::Left, "left");
        check(&Reason::Suspended, "suspended");
        check(&Reason::Absent, "state: absent");
        check(&until("2026-07-01T00:00:00+02:00[Europe/Vienna]"), "until 2026-06-30");
        check(&until("2026-06-30T12:30:00+02:00[Europe/Vienna]"), "until 2026-06-30 12:30 CEST");
        check(&Reason::Ungranted(None), "no line grants it");
        check(&Reason::Unlisted(None), "no line grants it (named nowhere in the files)");
        check(
            &Reason::Ungranted(former(Known::UntilCommit(commit()))),
            "no line grants it (teams/finance.yaml:4,9 did until commit 3f2c1a7)",
        );
        check(
            &Reason::Unlisted(former(Known::AtCommit(commit() + "+changes"))),
            "no line grants it (teams/finance.yaml:4,9 did at commit 3f2c1a7+changes)",
        );
        check(
            &Reason::Ungranted(former(Known::On(jiff::civil::date(2026, 10, 2)))),
            "no line grants it (teams/finance.yaml:4,9 did on 2026-10-02)",
        );
    }
}
