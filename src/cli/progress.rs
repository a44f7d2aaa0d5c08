//! Progress, on stderr: bars on a terminal, plain lines elsewhere.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::{
    args::Global,
    canvas,
    terminal::{self, Stream},
};
use crate::{
    execute::{Event, Progress},
    model::{ActionName, ActionResult, Email, Plan, Status},
    observe::ObserveProgress,
    reconcile::{Readings, Reconciler, Watch},
    report::Style,
};

/// How often a spinner turns: often enough to look alive, seldom enough for a slow connection to a terminal.
const TICK: Duration = Duration::from_millis(120);

/// Bars on the screen, from their start until they are dropped.
struct Screen(MultiProgress);

impl Screen {
    fn new(global: &Global) -> Option<Self> {
        // Log lines and bars do not go together, so asking for the former ends the latter.
        let wanted = terminal::can_redraw(Stream::Err) && global.verbose == 0;
        let drawn = wanted.then(|| MultiProgress::with_draw_target(canvas::on_stderr()));
        terminal::set_bars(drawn.clone());
        drawn.map(Self)
    }

    fn add(&self, bar: ProgressBar, style: ProgressStyle, prefix: &str, message: String) -> ProgressBar {
        // The style comes first: adding draws.
        let bar = self.0.add(bar.with_style(style).with_prefix(prefix.to_owned()).with_message(message));
        bar.enable_steady_tick(TICK);
        bar
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        terminal::set_bars(None);
        // Bars that cannot be cleared stay, which is ugly and nothing worse.
        let _ = self.0.clear();
    }
}

/// Progress of reading, on the screen until it is dropped.
pub(super) struct Reading {
    apps: Mutex<BTreeMap<String, ProgressBar>>,
    /// Shows that something goes on before the first app has answered.
    first: Option<ProgressBar>,
    screen: Option<Screen>,
}

impl Reading {
    pub(super) fn start(global: &Global) -> Self {
        let screen = Screen::new(global);
        let first = screen
            .as_ref()
            .map(|screen| screen.add(ProgressBar::new_spinner(), styled(SPINNER), "the apps", "signing in".into()));
        Self { apps: Mutex::default(), first, screen }
    }

    /// Reads the apps, or what concerns one person.
    pub(super) async fn read(&self, reconciler: &Reconciler, only: Option<&Email>) -> Readings {
        match only {
            Some(person) => reconciler.observe_only(person, self).await,
            None => reconciler.observe(self).await,
        }
    }
}

impl Watch for Reading {
    fn seen(&self, app: &str, progress: ObserveProgress) {
        let Some(screen) = &self.screen else { return };
        let mut apps = self.apps.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = self.first.as_ref().filter(|_| apps.is_empty()) {
            first.finish_and_clear();
        }
        let bar = apps
            .entry(app.to_owned())
            .or_insert_with(|| screen.add(ProgressBar::new_spinner(), styled(SPINNER), app, String::new()));
        bar.set_message(words(progress));
    }

    fn told(&self, app: &str, sentence: &str) {
        terminal::note(&format!("{app}: {sentence}"));
    }
}

/// Progress of staying for invitations, on the screen until it is dropped.
pub(super) struct Waiting {
    /// Both held for as long as it is drawn: a bar that nobody holds is drawn no more.
    _bar: Option<ProgressBar>,
    _screen: Option<Screen>,
}

impl Waiting {
    pub(super) fn start(waiting: usize, at_most: Duration, global: &Global) -> Self {
        let actions = terminal::count(waiting, "action waits", "actions wait");
        let at_most = humantime::format_duration(at_most);
        let screen = Screen::new(global);
        let bar = screen.as_ref().map(|screen| {
            let message = format!("{actions}; Ctrl-C stops waiting");
            screen.add(ProgressBar::new_spinner(), styled(PATIENCE), &at_most.to_string(), message)
        });
        if bar.is_none() {
            terminal::say(&format!("waiting up to {at_most} for invitations to be accepted; {actions}"));
        }
        Self { _bar: bar, _screen: screen }
    }
}

fn words(progress: ObserveProgress) -> String {
    match progress {
        ObserveProgress::Listed { accounts } => format!("{accounts} accounts listed"),
        ObserveProgress::Accounts { done, of } => format!("{done} of {of} accounts in detail"),
        ObserveProgress::Memberships { done, of } => format!("memberships, {done} of {of}"),
    }
}

/// Progress of doing, on the screen until it is dropped.
pub(super) struct Doing {
    apps: BTreeMap<String, AppProgress>,
    /// Held for as long as the bars are drawn.
    _screen: Option<Screen>,
}

struct AppProgress {
    bar: Option<ProgressBar>,
    total: usize,
    done: AtomicUsize,
}

impl Doing {
    pub(super) fn start(plan: &Plan, global: &Global) -> Self {
        let screen = Screen::new(global);
        // Names of one width, so that the bars stand below each other.
        let width = plan.apps.iter().map(|app| app.app.chars().count()).max().unwrap_or(0);
        let apps = plan
            .apps
            .iter()
            .map(|app| {
                let total = app.actions.iter().filter(|action| action.status == Status::Ready).count();
                let bar = screen.as_ref().filter(|_| total > 0).map(|screen| {
                    screen.add(
                        ProgressBar::new(total as u64),
                        styled(GAUGE).progress_chars("━━─"),
                        &format!("{:width$}", app.app),
                        String::new(),
                    )
                });
                (app.app.to_string(), AppProgress { bar, total, done: AtomicUsize::default() })
            })
            .collect();
        Self { apps, _screen: screen }
    }

    fn waits(&self, name: &ActionName, at_most: Duration) {
        let Some(app) = self.apps.get(&*name.app) else { return };
        let at_most = humantime::format_duration(Duration::from_secs(at_most.as_secs()));
        let line =
            format!("{name}: the app took it, and may show it only after up to {at_most}; it is looked at until then");
        match &app.bar {
            None => terminal::say(&line),
            Some(bar) => bar.set_message(format!("waiting up to {at_most} for the app to show it")),
        }
    }

    fn ended(&self, name: &ActionName, result: &ActionResult) {
        let Some(app) = self.apps.get(&*name.app) else { return };
        let done = app.done.fetch_add(1, Ordering::Relaxed) + 1;
        let mut line = format!("{:<11} {name}", result.as_str());
        if let Some(message) = result.message() {
            line += &format!(": {message}");
        }
        match &app.bar {
            None => {
                let width = app.total.to_string().len();
                terminal::say(&format!("[{done:>width$}/{}] {line}", app.total));
            }
            Some(bar) => {
                bar.inc(1);
                if !matches!(result, ActionResult::Done { .. }) {
                    // One line: the report at the end has room for the whole sentence.
                    terminal::say(&cropped(&line, terminal::style(Stream::Err)));
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
            Event::Waits(name, at_most) => self.waits(name, at_most),
            Event::Ended(name, result) => self.ended(name, result),
            Event::Began { .. } => {}
            Event::Finished { app } => {
                if let Some(bar) = self.apps.get(app).and_then(|app| app.bar.as_ref()) {
                    // Its clock stops, and the bar stays until all are done.
                    bar.abandon_with_message("done");
                }
            }
        }
    }
}

/// The line as far as it fits.
fn cropped(line: &str, style: Style) -> String {
    if line.width() <= style.width {
        return line.to_owned();
    }
    let end = if style.unicode { "…" } else { "..." };
    let mut room = style.width.saturating_sub(end.width());
    let fits = |c: &char| {
        let width = c.width().unwrap_or(0);
        let fits = width <= room;
        room = room.saturating_sub(width);
        fits
    };
    line.chars().take_while(fits).collect::<String>() + end
}

// Templates are constants, and a test reads them: the bare styles below stand for what cannot happen.
const SPINNER: &str = "{spinner:.cyan} reading {prefix:.bold}  {elapsed:.dim}  {wide_msg}";
const PATIENCE: &str =
    "{spinner:.cyan} waiting up to {prefix} for invitations to be accepted  {elapsed:.dim}  {wide_msg:.dim}";
const GAUGE: &str = "{spinner:.cyan} {prefix:.bold}  {bar:24.green/dim}  {pos}/{len}  {elapsed:.dim}  {wide_msg:.dim}";

fn styled(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_beside_the_bars_takes_one_line() {
        let check = |line: &str, width, unicode, expect: &str| {
            assert_eq!(cropped(line, Style { color: false, width, unicode }), expect);
        };
        check("failed a/b", 10, true, "failed a/b");
        check("failed a/b/c", 10, true, "failed a/…");
        check("failed a/b/c", 10, false, "failed ...");
        check("設計設計", 6, true, "設計…");
    }

    #[test]
    fn the_templates_can_be_read() {
        for template in [SPINNER, PATIENCE, GAUGE] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
