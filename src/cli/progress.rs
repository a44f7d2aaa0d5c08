//! Progress, on stderr: bars on a terminal, plain lines elsewhere.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{
    args::Global,
    terminal::{self, Stream},
};
use crate::{
    execute::{Event, Progress},
    model::{ActionResult, Plan, Status},
    observe::ObserveProgress,
    reconcile::Watch,
};

/// How often a spinner turns: often enough to look alive, seldom enough for a slow connection to a terminal.
const TICK: Duration = Duration::from_millis(120);

/// Whether bars can be drawn. Log lines and bars do not go together, so asking for the former ends the latter.
fn bars(global: &Global) -> bool {
    terminal::is_terminal(Stream::Err) && global.verbose == 0
}

/// Progress of reading.
pub(super) struct Reading {
    bars: Option<MultiProgress>,
    apps: Mutex<BTreeMap<String, ProgressBar>>,
}

impl Reading {
    pub(super) fn start(global: &Global) -> Self {
        let bars = bars(global).then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));
        Self { bars, apps: Mutex::default() }
    }

    pub(super) fn finish(&self) {
        if let Some(bars) = &self.bars {
            // A bar that cannot be cleared stays, which is ugly and nothing worse.
            let _ = bars.clear();
        }
    }
}

impl Watch for Reading {
    fn seen(&self, app: &str, progress: ObserveProgress) {
        let Some(bars) = &self.bars else { return };
        let mut apps = self.apps.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = apps.entry(app.to_owned()).or_insert_with(|| {
            let bar = bars.add(ProgressBar::new_spinner());
            bar.set_style(spinner());
            bar.set_prefix(app.to_owned());
            bar.enable_steady_tick(TICK);
            bar
        });
        bar.set_message(words(progress));
    }
}

fn words(progress: ObserveProgress) -> String {
    match progress {
        ObserveProgress::Listed { accounts } => format!("{accounts} accounts listed"),
        ObserveProgress::Accounts { done, of } => format!("{done} of {of} accounts in detail"),
        ObserveProgress::Memberships { done, of } => format!("memberships, {done} of {of}"),
    }
}

/// Progress of doing.
pub(super) struct Doing {
    bars: Option<MultiProgress>,
    apps: BTreeMap<String, AppProgress>,
}

struct AppProgress {
    bar: Option<ProgressBar>,
    total: usize,
    done: Mutex<usize>,
}

impl Doing {
    pub(super) fn start(plan: &Plan, global: &Global) -> Self {
        let bars = bars(global).then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));
        let apps = plan
            .apps
            .iter()
            .map(|app| {
                let total = app.actions.iter().filter(|action| action.status == Status::Ready).count();
                let bar = bars.as_ref().filter(|_| total > 0).map(|bars| {
                    let bar = bars.add(ProgressBar::new(total as u64));
                    bar.set_style(gauge());
                    bar.set_prefix(app.app.to_string());
                    bar.enable_steady_tick(TICK);
                    bar
                });
                (app.app.to_string(), AppProgress { bar, total, done: Mutex::default() })
            })
            .collect();
        Self { bars, apps }
    }

    pub(super) fn finish(&self) {
        if let Some(bars) = &self.bars {
            let _ = bars.clear();
        }
    }

    fn ended(&self, name: &crate::model::ActionName, result: &ActionResult) {
        let Some(app) = self.apps.get(&*name.app) else { return };
        let done = {
            let mut done = app.done.lock().unwrap_or_else(PoisonError::into_inner);
            *done += 1;
            *done
        };
        let mut line = format!("{:<11} {name}", result.as_str());
        if let Some(message) = result.message() {
            line += &format!(": {message}");
        }
        match &app.bar {
            None => terminal::say(&format!("[{done}/{}] {line}", app.total)),
            Some(bar) => {
                bar.inc(1);
                if !matches!(result, ActionResult::Done { .. }) {
                    bar.suspend(|| terminal::say(&line));
                }
            }
        }
    }
}

impl Progress for Doing {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Started(name) => {
                if let Some(bar) = self.apps.get(&*name.app).and_then(|app| app.bar.as_ref()) {
                    let group = name.group.as_ref().map_or_else(String::new, |group| format!(" in {group}"));
                    bar.set_message(format!("{} {}{group}", name.verb, name.account.as_deref().unwrap_or_default()));
                }
            }
            Event::Ended(name, result) => self.ended(name, result),
            Event::Began { .. } => {}
            Event::Finished { app } => {
                if let Some(bar) = self.apps.get(app).and_then(|app| app.bar.as_ref()) {
                    bar.set_message("done");
                }
            }
        }
    }
}

/// The templates are constants, and a test draws them.
fn spinner() -> ProgressStyle {
    ProgressStyle::with_template("{spinner:.cyan} reading {prefix:.bold}  {msg}  {elapsed:.dim}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn gauge() -> ProgressStyle {
    ProgressStyle::with_template(
        "{spinner:.cyan} {prefix:.bold}  {bar:30.green/dim}  {pos}/{len}  {elapsed:.dim}  {wide_msg:.dim}",
    )
    .unwrap_or_else(|_| ProgressStyle::default_bar())
    .progress_chars("━━─")
}
