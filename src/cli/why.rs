//! `rosterd why EMAIL`.

use std::path::PathBuf;

use jiff::Timestamp;

use super::{
    args::{Format, Records},
    context,
    exit::{Exit, Failure},
    snapshot, storage, terminal,
    values::When,
};
use crate::{
    model::{Desired, DesiredApp, Email, Live, Plan},
    reconcile,
    report::{self, past::Past},
    store::AppKey,
    why,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The person's address, or one of their aliases.
    email: String,
    /// What the person really had then, from what was seen: at the end of a day (2026-11-20), at an instant of RFC 3339, or
    /// a span ago (7d).
    #[arg(long, value_name = "DATE")]
    at: Option<When>,
    /// What is live by a snapshot that `rosterd observe` wrote, in the place of what the store saw last.
    #[arg(long, value_name = "FILE", conflicts_with = "at")]
    live: Option<PathBuf>,
    #[command(flatten)]
    records: Records,
    /// Only this app; may be given several times.
    #[arg(long = "app", value_name = "APP")]
    apps: Vec<String>,
    /// How the answer is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

impl Args {
    /// Whether an app was asked for; without names, every app was.
    fn wants(&self, app: &str) -> bool {
        self.apps.is_empty() || self.apps.iter().any(|name| name == app)
    }
}

pub(super) async fn run(args: &Args) -> Result<Exit, Failure> {
    let email = Email::parse(&args.email)
        .map_err(|error| Failure::new(format!("`{}` is not an email address: {error}", args.email)))?;
    let mut loaded = context::load(&args.records.dir, &context::registry(&args.records.dir))?;
    if let Some(unknown) = args.apps.iter().find(|app| !loaded.desired.apps.contains_key(app.as_str())) {
        let known: Vec<&str> = loaded.desired.apps.keys().map(|app| &**app).collect();
        let hint = format!("there are {}", known.join(", "));
        return Err(Failure::new(format!("there is no app `{unknown}` in the files")).hint(&hint));
    }
    if let Some(when) = args.at {
        loaded.desired.apps.retain(|app, _| args.wants(app));
        return past(args, &loaded.desired, &email, when).await;
    }
    let now = Timestamp::now();
    let mut why = why::why(&loaded.desired, &email, now);
    if let Some((live, plan)) = look(args, &loaded.desired, &why.email, now).await? {
        why = why::with_live(why, &loaded.desired, &live, &plan);
    }
    why.apps.retain(|app| args.wants(&app.app));
    why.live.retain(|seen| args.wants(&seen.app));
    terminal::report(args.format, |style| report::why::text(&why, style), || report::why::to_json(&why))?;
    Ok(if why.named { Exit::Fine } else { Exit::Failed })
}

/// What was live when it was last seen, and a plan for this person by it. No app is asked: who wants to know how it is now
/// plans for the person alone.
async fn look(
    args: &Args,
    desired: &Desired,
    identity: &Email,
    now: Timestamp,
) -> Result<Option<(Live, Plan)>, Failure> {
    let (mut live, history) = match &args.live {
        Some(file) => (snapshot::of_apps(snapshot::read(file)?, desired, now)?.live, None),
        None => {
            let Records { dir, storage } = &args.records;
            let memory = storage::looking(&desired.settings.store, storage, false, dir).await?;
            let Some(memory) = memory else { return Ok(None) };
            let mut live = reconcile::last_seen(&memory, desired, DesiredApp::origin).await.map_err(Failure::new)?;
            let history =
                reconcile::past_of(&memory, desired, &mut live, DesiredApp::origin).await.map_err(Failure::new)?;
            (live, Some(history))
        }
    };
    reconcile::narrow(&mut live, identity);
    let plan = reconcile::plan_against(desired, "", &live, history.as_ref(), None, now);
    Ok(Some((live, plan)))
}

/// What the person really had at some time, from what was seen.
async fn past(args: &Args, desired: &Desired, email: &Email, when: When) -> Result<Exit, Failure> {
    let settings = &desired.settings;
    let now = Timestamp::now();
    let at = when.instant(now, &settings.time_zone);
    if when.begin(now, &settings.time_zone) > now {
        terminal::note("what is still to come is not known: this is how it is now");
    }
    let url = storage::store_url(&settings.store, &args.records.storage, false, &args.records.dir)?;
    let Some(store) = storage::existing(&url).await.map_err(Failure::new)? else {
        return Err(Failure::new(format!("nothing is known of the past: nothing is at {url}"))
            .hint("`rosterd apply` and `rosterd daemon` keep what they see; or name the store by `--store`"));
    };
    let identity = desired.identity(email);
    let mut standing = store.standing_at(desired.addresses(email), at).await.map_err(Failure::new)?;
    standing.holdings.retain(|holding| args.wants(&holding.key.app));
    standing.unread.retain(|entry| entry.key.as_ref().is_none_or(|key| args.wants(&key.app)));
    let mut past = Past {
        email: identity.clone(),
        at,
        zone: settings.time_zone.clone(),
        standing,
        without: Vec::new(),
        unread: Vec::new(),
    };
    for app in desired.apps.values() {
        let key = AppKey::new(app.name.clone(), app.origin());
        if past.may_have(&key) {
            continue;
        }
        let read = store.active_at(&key, at).await.map_err(Failure::new)?.is_some();
        if read { &mut past.without } else { &mut past.unread }.push(app.name.clone());
    }
    terminal::report(args.format, |style| report::past::text(&past, style), || report::past::to_json(&past))?;
    Ok(Exit::Fine)
}
