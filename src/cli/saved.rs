//! A plan in a file: `plan --out FILE`, `apply --plan FILE`. The file holds addresses and values, as the plan does, and no
//! secret. What is applied is never the file: it says what somebody looked at, and the fresh plan is cut down to that.
//!
//! Files may have changed since; the fresh plan shows which steps that leaves as they were. What it cannot show is how a step
//! is carried out, so that an app whose requests are made from something else by now is left alone as a whole.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    args::{Request, Target},
    context::{self, Files, Origins},
    exit::Failure,
    files,
    values::{approval, email},
};
use crate::{
    model::{Desired, DesiredApp, Plan, SecretRef},
    plan::saved::{SavedStep, Stale, hash, narrow, steps},
    report::{
        self,
        since::{Change, Since, shown},
    },
};

/// The version of the format.
const VERSION: u32 = 2;

/// The version of this program.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// What is in the file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Saved {
    #[serde(flatten)]
    maker: Maker,
    /// SHA-256 of each file of the desired state, and of each manifest that they name.
    files: Files,
    /// How each app was reached.
    ways: Ways,
    /// What the plan was asked for, which the apply asks for again.
    apps: Vec<String>,
    only: Option<String>,
    approve: Vec<String>,
    /// What each action does.
    steps: Vec<SavedStep>,
    /// The whole plan, for people and programs.
    plan: Value,
}

/// What wrote the file.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
struct Maker {
    rosterd_saved_plan: u32,
    /// Version of the program, whose built-in connectors make the requests.
    #[serde(default)]
    program: String,
}

impl Maker {
    fn this() -> Self {
        Self { rosterd_saved_plan: VERSION, program: PROGRAM.to_owned() }
    }
}

/// How each app is reached, by its name.
pub(super) type Ways = BTreeMap<Arc<str>, Way>;

/// How an app is reached: all that decides, besides an action, which bytes are sent where. Budget, mode and policy do not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Way {
    /// Where it is.
    at: String,
    /// A hash of what its requests are made from.
    requests: String,
}

/// How the apps are reached that are at `origins`.
pub(super) fn ways(desired: &Desired, files: &Files, origins: &Origins) -> Ways {
    let way = |(name, at): (&Arc<str>, &String)| {
        let requests = requests(desired.apps.get(name)?, files);
        Some((name.clone(), Way { at: at.clone(), requests }))
    };
    origins.iter().filter_map(way).collect()
}

/// A hash of what an app's requests are made from: its connector, with the text of its manifest, the options, and the
/// references to its secrets. What they refer to is never looked at.
fn requests(app: &DesiredApp, files: &Files) -> String {
    let secret = |(key, secret): (&Arc<str>, &SecretRef)| match secret {
        SecretRef::Env(name) => (key.clone(), "env", name.clone()),
        SecretRef::File(path) => (key.clone(), "file", path.clone()),
    };
    let secrets: Vec<_> = app.auth.secrets.iter().map(secret).collect();
    let token_url = app.auth.token_url.as_ref().map(url::Url::as_str);
    hash(&(&app.connector, files.get(&app.connector), secrets, token_url, &app.auth.scopes, &app.options))
}

/// Writes a plan to be applied later.
pub(super) fn write(
    path: &Path,
    plan: &Plan,
    files: Files,
    ways: Ways,
    target: &Target,
    request: &Request,
) -> Result<(), Failure> {
    let saved = Saved {
        maker: Maker::this(),
        files,
        ways,
        apps: target.apps.clone(),
        only: request.only.as_ref().map(ToString::to_string),
        approve: request.approve.iter().map(|approve| approve.text.clone()).collect(),
        steps: steps(plan),
        plan: serde_json::from_str(&report::json::plan(plan)).map_err(Failure::new)?,
    };
    files::save(path, &(serde_json::to_string_pretty(&saved).map_err(Failure::new)? + "\n"))
}

/// Reads a saved plan.
pub(super) fn read(path: &Path) -> Result<Saved, Failure> {
    let hint = "a saved plan is what `rosterd plan --out FILE` writes";
    let text =
        fs::read(path).map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())).hint(hint))?;
    let unlike = |error| Failure::new(format!("{} is not a saved plan: {error}", path.display())).hint(hint);
    // Who wrote it comes first: another version's file need not have the rest.
    let maker: Maker = serde_json::from_slice(&text).map_err(unlike)?;
    if maker != Maker::this() {
        let message = format!("{} was saved by another version of rosterd", path.display());
        return Err(Failure::new(message).hint("plan again, and apply that"));
    }
    serde_json::from_slice(&text).map_err(unlike)
}

impl Saved {
    /// Takes out of a fresh plan all that is not exactly what was saved; says what.
    pub(super) fn narrow(&self, plan: &mut Plan, since: &Since) -> Vec<Stale> {
        narrow(plan, &self.steps, &since.apart)
    }

    /// Asks for the same apps, the same person and the same approvals again.
    pub(super) fn ask_again(&self, target: &mut Target, request: &mut Request) -> Result<(), Failure> {
        target.apps.clone_from(&self.apps);
        let broken = |what: String| Failure::new(format!("the saved plan cannot be read: {what}"));
        request.only = self.only.as_deref().map(email).transpose().map_err(broken)?;
        request.approve = self.approve.iter().map(|text| approval(text)).collect::<Result<_, _>>().map_err(broken)?;
        Ok(())
    }

    /// What is different now: files, and apps that are to be left alone for it.
    pub(super) fn since(&self, desired: &Desired, files: &Files, origins: &Origins, request: &Request) -> Since {
        let now = ways(desired, files, origins);
        let apps: BTreeSet<&Arc<str>> = self.ways.keys().chain(now.keys()).collect();
        let changed_way = |app: &Arc<str>| Some((app.clone(), self.changed_way(app, desired, files, &now)?));
        let mut apart: BTreeMap<Arc<str>, String> = apps.iter().filter_map(|app| changed_way(app)).collect();
        // Whoever is named nowhere cannot be looked for.
        if let (Err(_), Some(person)) = (context::person(desired, request), &request.only) {
            let why = format!("the files no longer name {person}, and the saved plan is about them alone");
            for app in apps {
                apart.entry(app.clone()).or_insert_with(|| why.clone());
            }
        }
        Since { files: changed(&self.files, files), apart }
    }

    /// Why an app that is reached in another way now is left alone.
    fn changed_way(&self, app: &Arc<str>, desired: &Desired, files: &Files, now: &Ways) -> Option<String> {
        let (before, now) = match (self.ways.get(app), now.get(app)) {
            (Some(before), Some(now)) => (before, now),
            (None, _) => return Some("it is not in the saved plan".to_owned()),
            (_, None) if desired.apps.contains_key(app) => return Some("it is not connected to now".to_owned()),
            (_, None) => return Some("it is not in the files any more".to_owned()),
        };
        if before.at != now.at {
            return Some(format!("it was at {} when the plan was saved and is at {} now", before.at, now.at));
        }
        if before.requests == now.requests {
            return None;
        }
        let connector = desired.apps.get(app).map(|app| &app.connector)?;
        Some(match (self.files.get(connector), files.get(connector)) {
            (Some(before), Some(now)) if before != now => {
                format!("{}, which makes its requests, changed since the plan was saved", shown(connector))
            }
            _ => "its connector, options or auth changed since the plan was saved".to_owned(),
        })
    }
}

fn changed(before: &Files, now: &Files) -> BTreeMap<Arc<str>, Change> {
    let paths: BTreeSet<&Arc<str>> = before.keys().chain(now.keys()).collect();
    let change = |path: &Arc<str>| match (before.get(path), now.get(path)) {
        (Some(before), Some(now)) => (before != now).then_some(Change::Changed),
        (None, _) => Some(Change::New),
        (_, None) => Some(Change::Gone),
    };
    paths.into_iter().filter_map(|path| Some((path.clone(), change(path)?))).collect()
}
