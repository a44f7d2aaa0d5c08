//! A plan in a file: `plan --out FILE`, `apply --plan FILE`. The file holds addresses and values, as the plan does, and no
//! secret. What is applied is never the file: it says what somebody looked at, and the fresh plan is cut down to that.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    args::{self, Approve, Only, Target},
    context::{Files, Origins},
    exit::Failure,
};
use crate::{
    model::Plan,
    plan::saved::{Stale, Step, narrow, steps},
    report,
};

/// The version of the format.
const VERSION: u32 = 1;

/// The version of this program.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// What is in the file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Saved {
    rosterd_saved_plan: u32,
    /// Version of the program, whose built-in connectors make the requests.
    #[serde(default)]
    program: String,
    /// SHA-256 of each file of the desired state, and of each manifest that they name.
    files: Files,
    /// Where each app was.
    origins: Origins,
    /// What the plan was asked for, which the apply asks for again.
    apps: Vec<String>,
    only: Option<String>,
    approve: Vec<String>,
    /// What each action does.
    steps: Vec<Step>,
    /// The whole plan, for people and programs.
    plan: Value,
}

/// What a plan was made from and asked for, as far as the file has to know.
pub(super) struct Asked<'a> {
    pub files: Files,
    pub origins: Origins,
    pub target: &'a Target,
    pub only: &'a Only,
    pub approve: &'a [Approve],
}

/// Writes a plan to be applied later.
pub(super) fn write(path: &Path, plan: &Plan, asked: Asked<'_>) -> Result<(), Failure> {
    let saved = Saved {
        rosterd_saved_plan: VERSION,
        program: PROGRAM.to_owned(),
        files: asked.files,
        origins: asked.origins,
        apps: asked.target.apps.clone(),
        only: asked.only.email.as_ref().map(ToString::to_string),
        approve: asked.approve.iter().map(|approve| approve.text.clone()).collect(),
        steps: steps(plan),
        plan: serde_json::from_str(&report::json::plan(plan)).map_err(Failure::new)?,
    };
    let text = serde_json::to_string_pretty(&saved).map_err(Failure::new)? + "\n";
    fs::write(path, text).map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))
}

/// Reads a saved plan.
pub(super) fn read(path: &Path) -> Result<Saved, Failure> {
    let hint = "a saved plan is what `rosterd plan --out FILE` writes";
    let text =
        fs::read(path).map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())).hint(hint))?;
    let saved: Saved = serde_json::from_slice(&text)
        .map_err(|error| Failure::new(format!("{} is not a saved plan: {error}", path.display())).hint(hint))?;
    if saved.rosterd_saved_plan == VERSION && saved.program == PROGRAM {
        return Ok(saved);
    }
    let message = format!("{} was saved by another version of rosterd", path.display());
    Err(Failure::new(message).hint("plan again, and apply that"))
}

impl Saved {
    /// Takes out of a fresh plan all that is not exactly what was saved; says what.
    pub(super) fn narrow(&self, plan: &mut Plan) -> Result<Vec<Stale>, Failure> {
        narrow(plan, &self.steps).map_err(|error| Failure::new(format!("the saved plan cannot be read: {error}")))
    }

    /// Asks for the same apps, the same person and the same approvals again.
    pub(super) fn ask_again(&self, args: &mut args::Apply) -> Result<(), Failure> {
        args.target.apps.clone_from(&self.apps);
        let broken = |what: String| Failure::new(format!("the saved plan cannot be read: {what}"));
        let only = self.only.as_deref().map(|only| args::email(only).map_err(broken));
        args.only.email = only.transpose()?;
        let approve = self.approve.iter().map(|text| args::approval(text).map_err(broken));
        args.approve = approve.collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Refuses files that are not those the plan was made from.
    pub(super) fn same_files(&self, files: &Files) -> Result<(), Failure> {
        let paths: BTreeSet<&Arc<str>> = self.files.keys().chain(files.keys()).collect();
        let changed: Vec<&str> =
            paths.into_iter().filter(|path| self.files.get(*path) != files.get(*path)).map(|path| &**path).collect();
        if changed.is_empty() {
            return Ok(());
        }
        let message = format!(
            "the files are not those that the plan was saved with: {} changed since; nothing was done",
            changed.join(", ")
        );
        Err(Failure::new(message).hint("plan again, look at it, and apply that"))
    }

    /// Refuses apps that are elsewhere now.
    pub(super) fn same_origins(&self, origins: &Origins) -> Result<(), Failure> {
        let moved = self.origins.iter().find(|(app, origin)| origins.get(*app) != Some(origin));
        let Some((app, was)) = moved else { return Ok(()) };
        let now = origins.get(app).map_or_else(|| "not connected to".to_owned(), |now| format!("at {now}"));
        let message = format!("the plan was saved for {app} at {was}, and {app} is {now} now; nothing was done");
        Err(Failure::new(message).hint("plan again for where the app is now"))
    }
}
