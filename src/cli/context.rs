//! From arguments to a reconciler: load the files, and find the way to each app.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use jiff::{Timestamp, ToSpan as _};
use secrecy::SecretString;
use url::Url;

use super::{
    args::{Request, Storage, Target},
    exit::Failure,
    folder, storage,
    terminal::{self, Stream, count},
    texts,
    values::Approve,
};
use crate::{
    connectors::{Clock, Error, Override, Registry, Writer},
    desired::{self, Loaded, Problems},
    model::{Approval, ConnectorCatalogue, Desired, DesiredApp, Email, Outcome, Place, Severity},
    plan::Oversight,
    reconcile::{BudgetKeeper, Memory, Reconciler, resume},
    sandbox::{Config, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, QuotaSize, Sandbox},
    store::StoreError,
};

/// How long an approval given on the command line lasts: the run it is for, however long that takes.
const APPROVED_FOR_DAYS: i64 = 7;

/// Loads and checks the files; what is wrong with them is shown, all of it.
pub(super) fn load(dir: &Path, registry: &Registry) -> Result<Loaded, Failure> {
    checked(texts::load(dir, registry), &dir.display().to_string())
}

/// Shows what is wrong with files, and goes on with those that nothing is wrong with. `what` is how sentences call them.
pub(super) fn checked(loaded: Result<Loaded, Problems>, what: &str) -> Result<Loaded, Failure> {
    let loaded = loaded.map_err(|problems| refuse(what, &problems))?;
    if !loaded.warnings.is_empty() {
        show(&loaded.warnings);
    }
    Ok(loaded)
}

/// Shows what is wrong with the files, and says how much it is.
pub(super) fn refuse(what: &str, problems: &Problems) -> Failure {
    let mut all = problems.iter();
    // A directory that is not there has been said when this is said.
    if let (Some(only), None) = (all.next(), all.next())
        && only.places.is_empty()
    {
        return Failure::new(&only.message).hinted(only.hint.as_ref());
    }
    show(problems);
    verdict(what, problems)
}

/// Shows problems where they stand in the files, and an empty line after them.
pub(super) fn show(problems: &Problems) {
    let style = terminal::style(Stream::Err);
    terminal::say(problems.render(style.color, style.width).trim_end_matches('\n'));
    terminal::say("");
}

/// `desired-state is not valid: 3 errors and 1 warning in 2 files`.
pub(super) fn verdict(what: &str, problems: &Problems) -> Failure {
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    let mut text = format!("{what} is not valid: {}", count(errors, "error", "errors"));
    if problems.len() > errors {
        text += &format!(" and {}", count(problems.len() - errors, "warning", "warnings"));
    }
    let files: BTreeSet<_> =
        problems.iter().filter_map(|problem| problem.places.first()).map(|label| &label.place.file).collect();
    if !files.is_empty() {
        text += &format!(" in {}", count(files.len(), "file", "files"));
    }
    Failure::new(text)
}

/// The registry for a desired-state directory, whose manifests it may name.
pub(super) fn registry(dir: &Path) -> Registry {
    let dir = dir.to_owned();
    Registry::with_manifests(Box::new(move |name| desired::manifest(&dir, name)))
}

/// SHA-256 of each file of the desired state, and of each manifest that they name, by its path.
pub(super) type Files = BTreeMap<Arc<str>, String>;

/// Where each app is, by its name.
pub(super) type Origins = BTreeMap<Arc<str>, String>;

/// Everything a command needs to read and write apps.
pub(super) struct Session {
    pub reconciler: Reconciler,
    /// SHA-256 of each file that it was made from.
    pub files: Files,
    /// Where each app is.
    pub origins: Origins,
    /// Writes down what budgets spend, where the command writes anything down.
    budgets: Option<BudgetKeeper>,
    /// Keeps an embedded sandbox alive.
    _sandbox: Option<Sandbox>,
}

/// What a command does with the past.
pub(super) enum Past<'a> {
    /// Nothing.
    Ignored,
    /// It looks at what there is.
    Looked(&'a Storage),
    /// It writes down what it sees and does.
    Written(&'a Storage, Oversight),
}

impl Session {
    /// Writes down how the run ended, and lets others write to the apps.
    pub(super) async fn end(self, outcome: &Outcome, interrupted: bool) -> Result<(), Failure> {
        let ended = self.reconciler.end(outcome, interrupted).await;
        self.reconciler.sweep().await;
        let saved = match self.budgets {
            Some(keeper) => keeper.end().await,
            None => Ok(()),
        };
        ended.and(saved).map_err(|error| {
            Failure::new(format!("what was done is done, but its end could not be written down: {error}"))
        })
    }
}

/// Loads the files and connects to the apps they name, or to simulated ones.
pub(super) async fn session(target: &Target, approve: &[Approve], past: Past<'_>) -> Result<Session, Failure> {
    opened(load_for_plan(target, approve)?, target, past).await
}

/// The same for what was asked for and checked when a plan was saved: apps and approvals that the files no longer know are
/// passed over.
pub(super) async fn session_again(target: &Target, approve: &[Approve], past: Past<'_>) -> Result<Session, Failure> {
    let mut loaded = load(&target.dir, &registry(&target.dir))?;
    add_approvals(&mut loaded.desired, approve);
    opened(loaded, target, past).await
}

async fn opened(loaded: Loaded, target: &Target, past: Past<'_>) -> Result<Session, Failure> {
    let digest = loaded.fingerprint();
    connected(registry(&target.dir), loaded.desired, loaded.files, digest, target, past).await
}

/// Connects to the apps that `desired` names, or to simulated ones, by the connectors of `registry`.
pub(super) async fn connected(
    registry: Registry,
    desired: Desired,
    files: Files,
    digest: String,
    target: &Target,
    past: Past<'_>,
) -> Result<Session, Failure> {
    let registry = Arc::new(registry);
    let (sandbox, base) = sandbox(target, &desired).await?;
    let played = |app: &DesiredApp| {
        target.sandbox.is_none() || ConnectorCatalogue::names(&*registry).contains(&app.connector.to_string())
    };
    for app in desired.apps.values().filter(|app| target.wants(&app.name) && !played(app)) {
        terminal::note(&format!(
            "{} is left out: the sandbox does not play manifests of your own; try it with `rosterd connectors check {}`",
            app.name,
            target.dir.join(&*app.connector).display()
        ));
    }
    let wanted = |app: &DesiredApp| target.wants(&app.name) && played(app);
    let secrets = folder::secrets(&target.dir);
    let connect = |app: &DesiredApp| -> Result<Arc<dyn Writer>, Error> {
        let instead = base.as_ref().map(|base| simulated(base, app));
        registry.connect(app, &secrets, instead.as_ref())
    };
    let in_sandbox = target.sandbox.is_some();
    let store = desired.settings.store.clone();
    let memory = match past {
        Past::Ignored => None,
        Past::Looked(storage) => storage::looking(&store, storage, in_sandbox, &target.dir).await?,
        Past::Written(storage, oversight) => {
            Some(storage::writing(&store, storage, in_sandbox, &target.dir, oversight).await?)
        }
    };
    let origin = |app: &DesiredApp| base.as_ref().map_or_else(|| app.url.clone(), |base| simulated(base, app).url);
    let origins = desired.apps.values().filter(|app| wanted(app));
    let origins = origins.map(|app| (app.name.clone(), origin(app).to_string())).collect();
    let mut reconciler = Reconciler::new(desired, digest, wanted, connect);
    let mut budgets = None;
    if let Some(memory) = memory {
        let origin = base.as_ref().map(|base| base.origin().ascii_serialization());
        budgets = keep_budgets(&registry, &memory).await.map_err(Failure::new)?;
        reconciler = reconciler.remembering(memory, origin.as_deref());
    }
    Ok(Session { reconciler, files, origins, budgets, _sandbox: sandbox })
}

/// Takes in what other processes have spent, and writes down what this one spends where it writes anything.
async fn keep_budgets(registry: &Arc<Registry>, memory: &Memory) -> Result<Option<BudgetKeeper>, StoreError> {
    let (store, clock) = (memory.store(), Clock::default());
    if memory.writes() {
        return BudgetKeeper::begin(registry.clone(), store.clone(), clock).await.map(Some);
    }
    resume(registry, store, &clock).await.map(|()| None)
}

/// Loads the files for a plan that connects to nothing.
pub(super) fn load_for_plan(target: &Target, approve: &[Approve]) -> Result<Loaded, Failure> {
    let mut loaded = load(&target.dir, &registry(&target.dir))?;
    check_approvals(&loaded.desired, approve)?;
    add_approvals(&mut loaded.desired, approve);
    known_apps(&loaded.desired, &target.apps)?;
    Ok(loaded)
}

/// The simulated apps that the arguments ask for: started here, or those of a running sandbox; and where they are.
pub(super) async fn sandbox(target: &Target, desired: &Desired) -> Result<(Option<Sandbox>, Option<Url>), Failure> {
    match target.sandbox.as_deref() {
        None => Ok((None, None)),
        Some("") => {
            let sandbox = embedded(desired).await?;
            let url = sandbox_url(&sandbox.url())?;
            Ok((Some(sandbox), Some(url)))
        }
        Some(url) => Ok((None, Some(sandbox_url(url.trim_end_matches('/'))?))),
    }
}

/// The address of a running sandbox, as it was typed.
pub(super) fn sandbox_url(text: &str) -> Result<Url, Failure> {
    Url::parse(text).map_err(|error| {
        Failure::new(format!("`--sandbox={text}` is not a URL: {error}")).hint("write http://127.0.0.1:8480")
    })
}

/// Where the sandbox plays an app: a tenant for each, so that two apps of one kind do not share people.
pub(super) fn simulated(base: &Url, app: &DesiredApp) -> Override {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend([&*app.connector, &*app.name]);
    }
    // A client of its own for each app, as people have: one app's appetite is not another one's hunger.
    let client_id = format!("{DEFAULT_CLIENT_ID}.{}", app.name);
    Override { url, client_id, client_secret: SecretString::from(DEFAULT_CLIENT_SECRET) }
}

/// Starts a sandbox of its own. Groups that the files pin by id are made there, because an API that cannot list groups
/// cannot make them either.
async fn embedded(desired: &Desired) -> Result<Sandbox, Failure> {
    let sandbox = Sandbox::start(Config { quota_size: QuotaSize::Generous, ..Config::default() })
        .await
        .map_err(|error| Failure::new(format!("the sandbox cannot be started: {error}")))?;
    for app in desired.apps.values() {
        let known = sandbox.groups(&app.connector, &app.name).unwrap_or_default();
        for group in app.groups.values() {
            let Some(id) = group.id.as_ref().filter(|id| !known.iter().any(|known| known.id == ***id)) else {
                continue;
            };
            sandbox
                .put_group(&app.connector, &app.name, id, &group.name)
                .map_err(|error| Failure::new(format!("the sandbox cannot play {}: {error}", app.name)))?;
        }
    }
    Ok(sandbox)
}

/// Refuses what no line of the files could release either: an approval that covers nothing is a slip of the keys.
pub(super) fn check_approvals(desired: &Desired, approve: &[Approve]) -> Result<(), Failure> {
    let wrong = approve.iter().find_map(|approve| {
        let first = desired::wrong_approval(&approve.allow, desired).into_iter().next()?;
        Some(Failure::new(format!("`--approve {}`: {}", approve.text, first.message)).hint(first.hint))
    });
    wrong.map_or(Ok(()), Err)
}

pub(super) fn add_approvals(desired: &mut Desired, approve: &[Approve]) {
    let now = Timestamp::now();
    desired.approvals.extend(approve.iter().enumerate().map(|(index, approve)| Approval {
        allow: approve.allow.clone(),
        guard: approve.guard,
        up_to: approve.up_to,
        until: now.checked_add((24 * APPROVED_FOR_DAYS).hours()).ok(),
        reason: Some("--approve".into()),
        place: Place::new("--approve", u32::try_from(index + 1).unwrap_or(u32::MAX), 1),
    }));
}

/// The person whom `--only` asks for, as the files spell them. Somebody who is named nowhere is an error: a slip of the keys
/// would look as if there were nothing to do.
pub(super) fn person(desired: &Desired, request: &Request) -> Result<Option<Email>, Failure> {
    let Some(email) = &request.only else { return Ok(None) };
    let named = desired.aliases.get(email).or_else(|| desired.named.get(email));
    named.cloned().map(Some).ok_or_else(|| {
        let all = desired.named.iter().chain(desired.aliases.keys()).map(Email::as_str);
        let did_you_mean = desired::nearest_email(email.as_str(), all);
        let list = format!("list the person under `people`, with `status: left` to take everything away from {email}");
        let hint = did_you_mean.map_or_else(|| list.clone(), |near| format!("did you mean {near}? Otherwise {list}"));
        Failure::new(format!("`--only {email}`: the files name nobody with this address")).hint(hint)
    })
}

/// Refuses names of apps that are not in the files.
pub(super) fn known_apps(desired: &Desired, asked: &[String]) -> Result<(), Failure> {
    let Some(unknown) = asked.iter().find(|name| !desired.apps.contains_key(name.as_str())) else { return Ok(()) };
    let known: Vec<&str> = desired.apps.keys().map(|name| &**name).collect();
    Err(Failure::new(format!("there is no app `{unknown}` in the files"))
        .hint(format!("there is: {}", known.join(", "))))
}
