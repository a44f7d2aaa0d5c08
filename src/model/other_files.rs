//! Another daemon's files, which are in force.

use super::short_commit;

/// The files of another daemon, which wrote to the app last and whose files differ from ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherFiles {
    /// What people call the daemon.
    pub by: String,
    /// Their commit, where it is known.
    pub commit: Option<String>,
    /// How ours stand to them.
    pub stance: Stance,
}

/// How our files stand to other ones that are in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stance {
    /// Ours are of an earlier commit of theirs.
    Older,
    /// Nobody can tell which are newer, as in the middle of a roll-out.
    Unclear,
    /// Nobody can tell, and this has lasted for longer than a roll-out takes.
    Unsettled,
}

impl OtherFiles {
    /// The reason, its consequence and the next step.
    pub fn message(&self) -> String {
        let (what, repair) = (self.sentence(), self.repair());
        format!("{what}; this daemon writes nothing here but what cuts off people who left; {repair}")
    }

    /// The reason why they hold what ours ask for.
    pub fn sentence(&self) -> String {
        let Self { by, commit, stance } = self;
        let of = commit.as_ref().map(|commit| format!(" (commit {})", short_commit(commit)));
        let of = of.unwrap_or_default();
        match stance {
            Stance::Older => format!("{by} goes by newer files{of}"),
            Stance::Unclear | Stance::Unsettled => {
                format!("{by} goes by other files{of}, and nothing says which of the two are newer")
            }
        }
    }

    /// The next step.
    pub fn repair(&self) -> String {
        match self.stance {
            Stance::Older => "bring this daemon's files up to date, or end it".into(),
            Stance::Unclear | Stance::Unsettled => {
                let by = &self.by;
                format!("give both daemons the same files, or end one of them: this one, or {by}")
            }
        }
    }
}
