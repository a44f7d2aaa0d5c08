//! Files by which another daemon goes, and which are in force.

/// Files by which another daemon wrote to an app last, and that are not ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherFiles {
    /// The daemon that goes by them, for people.
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
    /// What is so, what follows from it, and what to do.
    pub fn message(&self) -> String {
        let (what, repair) = (self.sentence(), self.repair());
        format!("{what}; this daemon writes nothing here but what cuts off people who left; {repair}")
    }

    /// What is so.
    pub fn sentence(&self) -> String {
        let Self { by, commit, stance } = self;
        let of = commit.as_ref().map(|commit| format!(" (commit {})", commit.get(..12).unwrap_or(commit)));
        let of = of.unwrap_or_default();
        match stance {
            Stance::Older => format!("{by} goes by newer files{of}"),
            Stance::Unclear | Stance::Unsettled => {
                format!("{by} goes by other files{of}, and nothing says which of the two are newer")
            }
        }
    }

    /// What to do about it.
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
