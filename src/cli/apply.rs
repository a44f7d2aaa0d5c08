//! `rosterd apply`: plan, ask, do it, and tell what became of it.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    args::{Format, Global, Request, Storage, Target},
    context, ending,
    exit::{Exit, Failure},
    next::{self, Asked},
    progress::{Doing, Reading, Waiting},
    recovered,
    saved::{self, Saved},
    terminal::{self, Stream},
};
use crate::{
    execute::Stop,
    model::{ActionName, ActionResult, AppOutcome, AppPlan, Email, Outcome, Plan, Status},
    plan::{
        Oversight,
        saved::{Leaves, Stale},
    },
    reconcile::{Reconciler, Recovered},
    report::{self, since::Since},
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    storage: Storage,
    #[command(flatten)]
    request: Request,
    /// Do what is ready in a saved plan, as far as it is still the same, and nothing else; whatever changed since, in the
    /// files or in the apps, is listed as stale.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["apps", "only", "approve", "wait"])]
    plan: Option<PathBuf>,
    /// Do it without asking.
    #[arg(long, short)]
    yes: bool,
    /// Stay this long for invitations to be accepted, and finish what waited for them.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    wait: Option<Duration>,
    /// Exit 3 when all was done and something still waits on someone else.
    #[arg(long)]
    detailed_exitcode: bool,
    /// How the outcome is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

pub(super) async fn run(mut args: Args, global: &Global) -> Result<Exit, Failure> {
    let saved = args.plan.as_deref().map(saved::read).transpose()?;
    if let Some(saved) = &saved {
        saved.ask_again(&mut args.target, &mut args.request)?;
    }
    let (target, approve) = (&args.target, &args.request.approve[..]);
    // A saved plan was seen by whoever hands it over.
    let oversight = if args.yes && saved.is_none() { Oversight::Nobody } else { Oversight::Person };
    let past = context::Past::Written(&args.storage, oversight);
    let (session, saved) = match &saved {
        None => (context::session(target, approve, past).await?, None),
        Some(saved) => {
            let mut session = context::session_again(target, approve, past).await?;
            let since = saved.since(session.reconciler.desired(), &session.files, &session.origins, &args.request);
            session.reconciler.leave_alone(|app| since.apart.contains_key(app));
            (session, Some((saved, since)))
        }
    };
    let stop = ending::stop();
    let done = plan_and_do(&args, saved.as_ref(), &session.reconciler, &stop, global).await;
    let nothing = Outcome::default();
    let outcome = done.as_ref().map_or(&nothing, |(run, _)| &run.outcome);
    let ended = session.end(outcome, stop.asked()).await;
    let (_, exit) = done?;
    ended.map(|()| exit)
}

async fn plan_and_do(
    args: &Args,
    saved: Option<&(&Saved, Since)>,
    reconciler: &Reconciler,
    stop: &Stop,
    global: &Global,
) -> Result<(Run, Exit), Failure> {
    let since = saved.map(|(_, since)| since);
    since.into_iter().for_each(tell_since);
    let only = match context::person(reconciler.desired(), &args.request) {
        // A saved plan about somebody who is named no more leaves all apps alone.
        Err(_) if saved.is_some() => None,
        person => person?,
    };
    let only = only.as_ref();
    let (mut plan, recovered) = look(reconciler, only, stop, global).await?;
    let stale = saved.map_or_else(Vec::new, |(saved, since)| saved.narrow(&mut plan, since));
    let style = terminal::style(if args.format == Format::Text { Stream::Out } else { Stream::Err });
    tell_recovered(&recovered);
    reconciler.enter_run(&plan).await.map_err(Failure::new)?;
    // With JSON, stdout is for the outcome alone.
    let shown = report::text::plan(&plan, &style);
    match args.format {
        Format::Text => terminal::print(&shown)?,
        Format::Json => terminal::say(&shown),
    }
    if !terminal::is_read() {
        terminal::error("nothing was done: nobody reads the output any more", None);
        return Ok((Run::new(plan), Exit::Failed));
    }
    if plan.summary().ready == 0 && args.wait.is_none() && args.format == Format::Text && stale.is_empty() {
        next::say(&plan, &asked(args));
        let run = Run::new(plan);
        let exit = run.exit(args.detailed_exitcode);
        return Ok((run, exit));
    }
    if plan.summary().ready > 0 && !args.yes && !stale.is_empty() {
        let steps = terminal::count(stale.len(), "step is", "steps are");
        terminal::note(&format!("{steps} stale and left out; the report at the end says why."));
    }
    if plan.summary().ready > 0 && !args.yes && !confirmed(&plan, stop).await? {
        return Ok((Run::new(plan), Exit::Failed));
    }
    let told = plan.clone();
    let mut run = Run::new(plan);
    run.carry_out(reconciler, stop, global).await;
    run.leave_out(&stale);
    if let Some(wait) = args.wait {
        run.wait(reconciler, only, wait, stop, global).await?;
    }
    let text = match args.format {
        // An empty line sets it off from the plan above.
        Format::Text => {
            "\n".to_owned()
                + &report::outcome::text(&run.outcome, &run.shown, &told, since, &terminal::style(Stream::Out))
        }
        Format::Json => report::outcome::to_json(&run.outcome, &run.shown, since),
    };
    let printed = terminal::print_done(&text);
    if args.format == Format::Text && stale.iter().any(|one| one.leaves != Leaves::Nothing) {
        let desired = reconciler.desired();
        let fits = context::known_apps(desired, &args.target.apps)
            .and_then(|()| context::check_approvals(desired, &args.request.approve))
            .and_then(|()| context::person(desired, &args.request));
        next::say_left_over(&asked(args), fits.is_ok());
    }
    let exit = if printed && terminal::is_read() { run.exit(args.detailed_exitcode) } else { Exit::Failed };
    Ok((run, exit))
}

/// What was asked for, for the command to type next.
fn asked(Args { target, request, storage, .. }: &Args) -> Asked<'_> {
    Asked { target, request, storage, live: false }
}

/// Says what is different since the plan was saved, before anything is read.
fn tell_since(since: &Since) {
    if let Some(files) = since.files_sentence() {
        terminal::note(&format!("{files}. Only steps that are still exactly the same are done."));
    }
    for (app, why) in &since.apart {
        terminal::warning(&format!("{app} is left alone: {why}"));
    }
}

/// Reads and plans. Reading changes nothing, so that it can be dropped at any point. Returned beside the plan is what earlier
/// runs left under way.
async fn look(
    reconciler: &Reconciler,
    only: Option<&Email>,
    stop: &Stop,
    global: &Global,
) -> Result<(Plan, Vec<Recovered>), Failure> {
    let reading = Reading::start(global);
    let mut stopped = stop.clone();
    let readings = tokio::select! {
        readings = reading.read(reconciler, only) => readings,
        () = stopped.reached(1) => {
            drop(reading);
            return Err(Failure::new("stopped while the apps were read; nothing was sent that changes anything"));
        }
    };
    drop(reading);
    Ok((reconciler.plan(&readings, Timestamp::now()), readings.recovered))
}

/// Says what an earlier run left under way, and what became of it.
fn tell_recovered(found: &[Recovered]) {
    let found = recovered::text(found);
    if !found.is_empty() {
        terminal::say(&found);
    }
}

/// What was planned and what became of it, over all rounds.
struct Run {
    outcome: Outcome,
    /// The latest plan.
    plan: Plan,
    /// The latest plan, with what earlier rounds carried out: what the report is drawn from.
    shown: Plan,
    /// Something that a saved plan was going to do has to be done still.
    missed: bool,
    /// How many results say that an action was not what a saved plan was made with.
    left_out: usize,
}

impl Run {
    fn new(plan: Plan) -> Self {
        Self { outcome: Outcome::default(), shown: plan.clone(), plan, missed: false, left_out: 0 }
    }

    /// Tells of actions that are not what was saved, and were not done for that.
    fn leave_out(&mut self, stale: &[Stale]) {
        for one in stale {
            let apps = &mut self.outcome.apps;
            let index = apps.iter().position(|app| app.app == one.name.app).unwrap_or_else(|| {
                // An app that was left alone has no outcome of its own.
                apps.push(AppOutcome { app: one.name.app.clone(), ..AppOutcome::default() });
                apps.len() - 1
            });
            apps[index].actions.push((one.name.clone(), ActionResult::Stale { reason: one.why.clone() }));
            self.left_out += 1;
        }
        self.missed = stale.iter().any(|one| one.leaves == Leaves::Missed);
    }

    async fn carry_out(&mut self, reconciler: &Reconciler, stop: &Stop, global: &Global) {
        let doing = Doing::start(&self.plan, global);
        let outcome = reconciler.execute(&self.plan, stop, &doing).await;
        drop(doing);
        self.outcome.extend(outcome);
    }

    /// Stays for invitations: rounds of waiting, reading, planning and doing, until nothing waits any more or time is up.
    async fn wait(
        &mut self,
        reconciler: &Reconciler,
        only: Option<&Email>,
        wait: Duration,
        stop: &Stop,
        global: &Global,
    ) -> Result<(), Failure> {
        let deadline = Instant::now() + wait;
        // Reading costs requests: where nothing was done, the plan still says what is open.
        let mut seen_since = self.plan.summary().ready == 0;
        while !stop.asked() {
            if !std::mem::take(&mut seen_since) {
                match look(reconciler, only, stop, global).await {
                    Ok((plan, recovered)) => {
                        self.replan(plan);
                        tell_recovered(&recovered);
                    }
                    Err(_) if stop.asked() => return Ok(()),
                    Err(failure) => return Err(failure),
                }
            }
            if self.plan.summary().ready > 0 && !stop.asked() {
                self.carry_out(reconciler, stop, global).await;
            }
            let waiting = self.plan.summary().waiting;
            if waiting == 0 || Instant::now() >= deadline {
                return Ok(());
            }
            let left = Duration::from_secs((deadline - Instant::now()).as_secs());
            let watch = Waiting::start(waiting, left, global);
            let go_on = reconciler.wait_for_invitations(&self.plan, deadline, stop).await;
            drop(watch);
            if !go_on {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Takes the later plan, and keeps for the report what earlier ones carried out.
    fn replan(&mut self, later: Plan) {
        let earlier = std::mem::replace(&mut self.shown, later.clone());
        for app in &mut self.shown.apps {
            let before = earlier.apps.iter().find(|before| before.app == app.app);
            let done = self.outcome.apps.iter().find(|done| done.app == app.app);
            let (Some(before), Some(done)) = (before, done) else { continue };
            let done: BTreeSet<&ActionName> = done.actions.iter().map(|(name, _)| name).collect();
            let open: BTreeSet<ActionName> = app.actions.iter().map(|action| action.name.clone()).collect();
            let kept = before.actions.iter().filter(|one| done.contains(&one.name) && !open.contains(&one.name));
            app.actions.extend(kept.cloned());
            app.actions.sort_by_cached_key(|action| action.name.to_string());
        }
        self.plan = later;
    }

    fn exit(&self, detailed: bool) -> Exit {
        // What is stale because others did it already, or because nobody looked at it yet, is no failure of this run.
        let tally = self.outcome.tally();
        let undone = tally.failed + tally.skipped + tally.not_started + (tally.stale - self.left_out);
        let failed = undone > 0 || self.missed || self.outcome.apps.iter().any(|app| app.error.is_some());
        let apps = &self.plan.apps;
        // Whoever has to go and was found in one app need not have an account in every other one.
        let nobody_found = !apps.is_empty() && apps.iter().all(AppPlan::nobody_found);
        if failed || nobody_found || apps.iter().any(|app| app.error.is_some()) {
            return Exit::Failed;
        }
        let left = self.plan.summary();
        if detailed && left.waiting + left.held + left.manual > 0 { Exit::Waiting } else { Exit::Fine }
    }
}

/// Asks, naming what is at stake. Only a typed `yes` is one.
async fn confirmed(plan: &Plan, stop: &Stop) -> Result<bool, Failure> {
    tell_other_names(plan);
    let question = format!("{} Type `yes` to go on: ", question(&stakes(plan)));
    let mut stop = stop.clone();
    let answer = terminal::answer(&question, ["done", "apply"], stop.reached(1)).await?;
    if !answer.ends_with('\n') {
        // Ctrl-D leaves the cursor behind the question.
        terminal::say("");
    }
    let answer = answer.trim();
    if answer.eq_ignore_ascii_case("yes") {
        return Ok(true);
    }
    let why = if answer.is_empty() { "" } else { ": only `yes` is taken for one" };
    terminal::note(&format!("nothing was done{why}"));
    Ok(false)
}

/// Names that are read before the rest is counted; the plan above shows them all.
const OTHER_NAMES: usize = 20;

/// Says whose accounts go by another name than the plan calls them: it is the last chance to see whom a yes is about.
fn tell_other_names(plan: &Plan) {
    let ready = plan.apps.iter().flat_map(|app| &app.actions).filter(|action| action.status == Status::Ready);
    let others: Vec<String> = ready
        .filter_map(|action| Some((action, action.live_as()?)))
        .map(|(action, live)| format!("{} is about the account {} (id {})", action.name, live.email, live.id))
        .collect();
    others.iter().take(OTHER_NAMES).for_each(|other| terminal::note(other));
    if others.len() > OTHER_NAMES {
        terminal::note(&format!("{} more go by another name; the plan above shows them", others.len() - OTHER_NAMES));
    }
}

/// What a yes would do.
struct Stakes {
    all: usize,
    reduce: usize,
    final_ones: usize,
}

fn stakes(plan: &Plan) -> Stakes {
    let ready = || plan.apps.iter().flat_map(|app| &app.actions).filter(|action| action.status == Status::Ready);
    Stakes {
        all: ready().count(),
        reduce: ready().filter(|action| action.reduces_access).count(),
        final_ones: ready().filter(|action| action.irreversible).count(),
    }
}

/// `Do these 14 actions (5 reduce access, 4 cannot be undone) now?`
fn question(&Stakes { all, reduce, final_ones }: &Stakes) -> String {
    let mut text = format!("Do {}", if all == 1 { "this 1 action".into() } else { format!("these {all} actions") });
    let parts = [(reduce, "reduces access", "reduce access"), (final_ones, "cannot be undone", "cannot be undone")];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, more)| terminal::count(count, one, more))
        .collect();
    if !parts.is_empty() {
        text += &format!(" ({})", parts.join(", "));
    }
    text + " now?"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_names_what_is_at_stake() {
        let check = |all, reduce, final_ones, expect: &str| {
            assert_eq!(question(&Stakes { all, reduce, final_ones }), expect);
        };
        check(14, 5, 4, "Do these 14 actions (5 reduce access, 4 cannot be undone) now?");
        check(1, 1, 0, "Do this 1 action (1 reduces access) now?");
        check(2, 0, 0, "Do these 2 actions now?");
    }
}
