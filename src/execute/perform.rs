//! Carrying out one action so that it surely took effect, or surely did not. A write whose outcome nobody knows is looked
//! for before it is sent again; a removal makes sure that it still meets the account it was planned for.

use std::{sync::Arc, time::Duration};

use super::{
    created_ids::CreatedIds,
    jitter::Jitter,
    journal::{Journal, Performed, Unwritten},
    read_back::{self, SETTLE, Shown, Then},
    runner::Stop,
};
use crate::{
    budget::Lane,
    connectors::{Error, ErrorKind, Joiner, Write, Writer, Written},
    model::{AccountStatus, Action, ActionResult, Email, LiveAccount, Values, Verb},
};

/// How often one write is sent before its action is given up; the next run takes it up again.
pub(super) const ATTEMPTS: u32 = 5;

/// What may take longer to show than this is looked for early as well: mostly it is there by then.
const SOON: Duration = Duration::from_secs(10);

/// What every action of a run is carried out with.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    /// The way to the app.
    pub(super) writer: &'a dyn Writer,
    /// Ids of what was made.
    pub(super) created_ids: &'a CreatedIds,
    /// Where it is written down.
    pub(super) journal: &'a dyn Journal,
    /// Chance.
    pub(super) jitter: &'a Jitter,
    /// Once it asks for an end, what has not taken effect is not sent again.
    pub(super) stop: &'a Stop,
}

/// Carries out `action`.
pub(super) async fn perform(run: Run<'_>, action: &Action, lane: Lane) -> Performed {
    let one = One { run, action, lane };
    match one.run().await {
        Ok(performed) => performed,
        Err(error) => one.failed(&error),
    }
}

/// The write of an action that is sent together with others, once it is sure that it is still right.
///
/// # Errors
/// What became of the action instead.
pub(super) async fn prepare(run: Run<'_>, action: &Action, lane: Lane) -> Result<Write, ActionResult> {
    let one = One { run, action, lane };
    match one.look_before_removing().await {
        Ok(None) => one.write().ok_or_else(|| one.unknown_target()),
        Ok(Some(result)) => Err(result),
        Err(error) => Err(not_done(&error)),
    }
}

/// The result of an error after which nothing was done. What the budget did not let out was not even begun.
pub(super) fn not_done(error: &Error) -> ActionResult {
    if error.is_parked() {
        return ActionResult::NotStarted { reason: format!("{}: {}", error.app, error.detail) };
    }
    ActionResult::Failed { error: error.to_string() }
}

struct One<'a> {
    run: Run<'a>,
    action: &'a Action,
    lane: Lane,
}

/// What looking at the app says about a write.
enum Seen {
    /// It took effect; a note for the report.
    Done(Option<String>),
    /// It did not.
    NotDone,
    /// The app does not show what it is about.
    Hidden,
    /// It cannot any more, because the app changed.
    Stale(String),
}

impl One<'_> {
    async fn run(&self) -> Result<Performed, Error> {
        if let Some(result) = self.look_before_removing().await? {
            return Ok(Performed::settled(result));
        }
        if let Some(result) = self.look_for_own_account().await? {
            return Ok(Performed::settled(result));
        }
        let Some(write) = self.write() else {
            return Ok(Performed::settled(self.unknown_target()));
        };
        if let Write::UpdateAccount { id, email: Some(address), .. } = &write {
            // Before it is sent, because others may look at the account while it is under way.
            self.run.created_ids.remember_address(id.clone(), address.clone());
        }
        let mut last: Option<Error> = None;
        for attempt in 0..ATTEMPTS {
            if let Some(error) = &last {
                // What is certain not to be done was looked at a moment ago; pausing now would only make that look old.
                if !error.outcome_unknown() {
                    self.pause(attempt).await;
                }
                if self.run.stop.asked() {
                    let stopped = format!("{error}; the run was stopped before it was sent again");
                    let failed = ActionResult::Failed { error: stopped };
                    // The last look may have come too early to be believed.
                    return Ok(if error.outcome_unknown() {
                        Performed::open(failed)
                    } else {
                        Performed::settled(failed)
                    });
                }
            }
            if let Err(Unwritten(why)) = self.run.journal.begin(&[(self.action, &write)]).await {
                return Ok(Performed::settled(match last {
                    None => ActionResult::NotStarted { reason: why },
                    Some(error) => ActionResult::Failed { error: format!("{error}; it was not sent again: {why}") },
                }));
            }
            match self.attempt(&write).await? {
                Attempt::Ended(performed) => return Ok(performed),
                Attempt::Again(error) => last = Some(error),
            }
        }
        let why = last.map_or_else(String::new, |error| format!(": {error}"));
        Ok(Performed::settled(ActionResult::Failed {
            error: format!("given up after {ATTEMPTS} attempts{why}; the next run takes it up again"),
        }))
    }

    /// The result of an error. Where nobody knows what became of the write, it stays open.
    fn failed(&self, error: &Error) -> Performed {
        let result = not_done(error);
        if error.outcome_unknown() { Performed::open(result) } else { Performed::settled(result) }
    }

    fn unknown_target(&self) -> ActionResult {
        ActionResult::Failed {
            error: format!("{}: the id of its account or group is not known; plan again", self.action.name),
        }
    }

    /// Pauses before an attempt; not longer than the run goes on.
    async fn pause(&self, attempt: u32) {
        let mut stop = self.run.stop.clone();
        tokio::select! {
            biased;
            () = stop.reached(1) => {}
            () = tokio::time::sleep(self.run.jitter.pause(attempt)) => {}
        }
    }

    async fn attempt(&self, write: &Write) -> Result<Attempt, Error> {
        let error = match self.run.writer.write(write, self.lane).await {
            Ok(written) => return Ok(self.confirm(write, written).await),
            Err(error) => error,
        };
        let failed = |error: String| Ok(Attempt::settled(ActionResult::Failed { error }));
        let takes_away = matches!(
            write,
            Write::Deactivate { .. }
                | Write::DeleteAccount { .. }
                | Write::RemoveMember { .. }
                | Write::DeleteGroup { .. }
        );
        match error.kind {
            ErrorKind::Duplicate => match self.look_after(&error, write, Then::Report).await? {
                Seen::Done(note) => Ok(Attempt::done(note.or_else(|| Some("it was there already".into())))),
                Seen::Hidden => Ok(Attempt::done(Some("it was there already, says the app".into()))),
                Seen::Stale(reason) => Ok(Attempt::settled(ActionResult::Stale { reason })),
                Seen::NotDone => failed(match write {
                    Write::UpdateAccount { email: Some(address), .. } => format!(
                        "{error}; another account seems to have the address {address}, maybe one that is not shown any more: free \
                         the address in the app, or set `policy: {{ aliases: keep }}` under apps.{}",
                        self.run.writer.app()
                    ),
                    _ => format!("{error}; the app shows nothing that is as it should be"),
                }),
            },
            // One answer may come from a wrong path or a missing right; two that agree are believed.
            ErrorKind::NotFound if takes_away => match self.look_after(&error, write, Then::Report).await? {
                Seen::Done(_) => Ok(Attempt::done(Some("it was gone already".into()))),
                Seen::Stale(reason) => Ok(Attempt::settled(ActionResult::Stale { reason })),
                Seen::NotDone | Seen::Hidden => Err(error),
            },
            ErrorKind::Unknown => match self.look_after_loss(&error, write).await? {
                Seen::Done(note) => Ok(Attempt::done(note)),
                Seen::Stale(reason) => Ok(Attempt::settled(ActionResult::Stale { reason })),
                Seen::NotDone => Ok(Attempt::Again(error)),
                // Setting the same values twice does no harm.
                Seen::Hidden if sets_values(write) => Ok(Attempt::Again(error)),
                Seen::Hidden => Ok(Attempt::Ended(Performed::open(ActionResult::Failed {
                    error: format!("{error}; the app has no way to show whether it was done"),
                }))),
            },
            // Asking again would only be refused again.
            _ if error.is_parked() => Err(error),
            // Nothing was sent, or the app said that nothing was done.
            _ if error.is_transient() => Ok(Attempt::Again(error)),
            // The semantics promise the call, and this version of the app lacks it; or else what it is about is gone.
            ErrorKind::Unsupported if takes_away && error.status == Some(404) => {
                Ok(match self.look_after(&error, write, Then::Report).await {
                    Ok(Seen::Done(_)) => Attempt::done(Some("it was gone already".into())),
                    _ => Attempt::settled(self.by_hand(&error)),
                })
            }
            ErrorKind::Unsupported => Ok(Attempt::settled(self.by_hand(&error))),
            _ => Err(error),
        }
    }

    fn by_hand(&self, error: &Error) -> ActionResult {
        let todo = self.run.writer.semantics().manual_text(self.action.name.verb);
        ActionResult::Manual { todo: format!("{todo} ({error})") }
    }

    /// A write's own answer suffices when it carries what was written; otherwise it is read back.
    async fn confirm(&self, write: &Write, written: Written) -> Attempt {
        if written.proven {
            let note = written.account.as_ref().and_then(|account| created_note(write, account));
            match (write, &written.id) {
                (Write::CreateAccount { email, .. }, Some(id)) => {
                    self.run.created_ids.remember_account(email.clone(), id.clone());
                    return Attempt::done(note);
                }
                (Write::CreateGroup { name, .. }, Some(id)) => {
                    self.run.created_ids.remember_group(name.clone(), id.clone());
                    return Attempt::done(note);
                }
                // Nobody knows the id yet.
                (Write::CreateAccount { .. } | Write::CreateGroup { .. }, None) => {}
                _ => return Attempt::done(note),
            }
        }
        let name = &self.action.name;
        let open = |error: String| Attempt::Ended(Performed::open(ActionResult::Failed { error }));
        match self.look_until_settled(write, written.id.as_ref()).await {
            Ok(Seen::Done(note)) => Attempt::done(note),
            Ok(Seen::Stale(reason)) => Attempt::settled(ActionResult::Stale { reason }),
            Ok(Seen::Hidden) => Attempt::done(Some("the app took it, but does not show it; believed".into())),
            Ok(Seen::NotDone) => {
                open(format!("{name}: the app accepted it, but shows no effect; look at it in the app and plan again"))
            }
            Err(error) => open(format!("{name}: the app accepted it, but it could not be read back: {error}")),
        }
    }

    /// Looks for the effect of a write that the app accepted, for as long as it may take to show.
    async fn look_until_settled(&self, write: &Write, id: Option<&Arc<str>>) -> Result<Seen, Error> {
        let mut looks = Settling::new(self.run.writer.semantics().settle);
        loop {
            let seen = self.look(write, id, Then::Report).await;
            // What is not there yet may be about to come; and so may the answer to a look that failed.
            let open = match &seen {
                Ok(Seen::NotDone) => true,
                Ok(_) => false,
                Err(error) => error.is_transient(),
            };
            if !open || self.run.stop.asked() || !looks.wait().await {
                return seen;
            }
        }
    }

    /// Looks whether a write took effect whose answer was lost. It may be late, and what it made may then take as long to
    /// show as what the app accepted; only what does not show by then may be made again.
    async fn look_after_loss(&self, error: &Error, write: &Write) -> Result<Seen, Error> {
        let semantics = self.run.writer.semantics();
        let makes = match write {
            Write::CreateAccount { .. } | Write::CreateGroup { .. } => true,
            // Joining sends an invitation of its own.
            Write::AddMember { .. } => semantics.members.creates_account,
            _ => false,
        };
        let shows_after = if makes { read_back::shows_after(semantics.settle) } else { SETTLE };
        let first = if shows_after <= SOON { shows_after } else { SETTLE };
        tokio::time::sleep(first).await;
        let seen = self.look_after(error, write, Then::MakeAgain).await?;
        if first == shows_after || !matches!(seen, Seen::NotDone) {
            return Ok(seen);
        }
        let mut stop = self.run.stop.clone();
        tokio::select! {
            biased;
            () = stop.reached(1) => Ok(seen),
            () = tokio::time::sleep(shows_after - first) => self.look_after(error, write, Then::MakeAgain).await,
        }
    }

    /// Looks whether a write took effect whose answer was `error`. When looking fails too, both are told.
    async fn look_after(&self, error: &Error, write: &Write, then: Then) -> Result<Seen, Error> {
        self.look(write, None, then).await.map_err(|looking| Error {
            detail: format!("{}; whether it was done could not be seen: {looking}", error.detail),
            ..error.clone()
        })
    }

    /// Whether a write took effect, by looking.
    async fn look(&self, write: &Write, id: Option<&Arc<str>>, then: Then) -> Result<Seen, Error> {
        let Self { run: Run { writer, .. }, lane, .. } = *self;
        Ok(match write {
            Write::CreateAccount { email, values } => {
                let by_id = match id {
                    Some(id) => read_back::account(writer, id, lane).await?,
                    None => None,
                };
                // An id that leads to somebody else's account says nothing about this one.
                let found = match by_id.filter(|account| account.email == *email) {
                    Some(account) => Some(account),
                    None => read_back::for_account(writer, email, then, lane).await?,
                };
                match found {
                    None => Seen::NotDone,
                    Some(account) => {
                        let seen = adopted(&account, values, id == Some(&account.id));
                        if matches!(seen, Seen::Done(_)) {
                            self.run.created_ids.remember_account(email.clone(), account.id);
                        }
                        seen
                    }
                }
            }
            Write::UpdateAccount { id, values, email } => match read_back::account(writer, id, lane).await? {
                None => Seen::Stale("the account is gone".into()),
                Some(account) => seen(read_back::account_shown(&account, values, email.as_ref())),
            },
            Write::Deactivate { id } => match read_back::account(writer, id, lane).await? {
                None => Seen::Done(Some("the account is gone".into())),
                Some(account) if account.status == AccountStatus::Inactive => Seen::Done(None),
                Some(_) => Seen::NotDone,
            },
            Write::Reactivate { id } => match read_back::account(writer, id, lane).await? {
                None => Seen::Stale("the account is gone".into()),
                Some(account) if account.status == AccountStatus::Active => Seen::Done(None),
                Some(_) => Seen::NotDone,
            },
            Write::DeleteAccount { id } => match read_back::account(writer, id, lane).await? {
                None => Seen::Done(None),
                Some(_) => Seen::NotDone,
            },
            Write::AddMember { group, who, values } => match read_back::membership(writer, group, who, lane).await? {
                read_back::Membership::Unreadable => Seen::Hidden,
                read_back::Membership::None => Seen::NotDone,
                read_back::Membership::Member(live) => match read_back::shown(&live, values) {
                    Shown::Differs => Seen::NotDone,
                    Shown::All | Shown::Hidden => Seen::Done(None),
                },
            },
            Write::ChangeMember { group, account, values } => {
                match read_back::membership(writer, group, &self.who(account), lane).await? {
                    read_back::Membership::Unreadable => Seen::Hidden,
                    read_back::Membership::None => Seen::Stale("the membership is gone".into()),
                    read_back::Membership::Member(live) => seen(read_back::shown(&live, values)),
                }
            }
            Write::RemoveMember { group, account } => {
                match read_back::membership(writer, group, &self.who(account), lane).await? {
                    read_back::Membership::Unreadable => Seen::Hidden,
                    read_back::Membership::None => Seen::Done(None),
                    read_back::Membership::Member(_) => Seen::NotDone,
                }
            }
            Write::CreateGroup { name, .. } => match read_back::group_named(writer, name, then, lane).await? {
                None => Seen::NotDone,
                Some(group) => {
                    self.run.created_ids.remember_group(name.clone(), group.id);
                    Seen::Done(None)
                }
            },
            Write::UpdateGroup { id, values } => match read_back::group(writer, id, lane).await? {
                None => Seen::Stale("the group is gone".into()),
                Some(group) => seen(read_back::shown(&group.values, values)),
            },
            Write::DeleteGroup { id } => match read_back::group(writer, id, lane).await? {
                None => Seen::Done(None),
                Some(_) => Seen::NotDone,
            },
        })
    }

    /// A round that comes after one which made this very account looks at it by its id: a list may show a new account late,
    /// and a second create could be a second invitation.
    async fn look_for_own_account(&self) -> Result<Option<ActionResult>, Error> {
        let (Verb::Create, Some(email)) = (self.action.name.verb, &self.action.target.email) else { return Ok(None) };
        let Some(id) = self.run.created_ids.account_of(email) else { return Ok(None) };
        let there =
            read_back::account(self.run.writer, &id, self.lane).await?.is_some_and(|account| account.email == *email);
        let note = format!("made earlier in this run as {id}; the app's list does not show it yet");
        Ok(there.then_some(ActionResult::Done { note: Some(note) }))
    }

    /// A removal re-reads its own row first: the account may have changed hands or state since it was planned.
    async fn look_before_removing(&self) -> Result<Option<ActionResult>, Error> {
        let (action, target) = (self.action, &self.action.target);
        let seen = target.account_id.as_ref().and_then(|id| self.run.created_ids.just_seen(id));
        // Another address takes the old way of signing in away.
        let takes_away = action.reduces_access || target.address.is_some();
        let (true, Some(id), Some(email)) = (takes_away, &target.account_id, &target.email) else {
            return Ok(None);
        };
        let stale = |reason: String| Ok(Some(ActionResult::Stale { reason }));
        let read = match seen {
            Some(account) => Some(account),
            None => read_back::account(self.run.writer, id, self.lane).await?,
        };
        let Some(account) = read else {
            return match action.name.verb {
                Verb::Update | Verb::ChangeMember => stale("the account is gone".into()),
                // The removal itself asks once more, so that not one answer alone says that nothing is left to do.
                _ => Ok(None),
            };
        };
        let is_new = target.address.as_ref() == Some(&account.email)
            || self.run.created_ids.address_of(id).is_some_and(|address| address == account.email);
        if account.email != *email && !is_new {
            return stale(format!("account {id} now belongs to {}; plan again", account.email));
        }
        if target.expect.as_ref().is_some_and(|expected| *expected != account.status) {
            let gone = account.status == AccountStatus::Inactive && action.name.verb == Verb::Deactivate;
            return Ok(Some(if gone {
                ActionResult::Done { note: Some("the account was inactive already".into()) }
            } else {
                ActionResult::Stale { reason: format!("the account is {} now; plan again", account.status) }
            }));
        }
        if action.name.verb == Verb::Update {
            if read_back::account_shown(&account, &target.values, target.address.as_ref()) == Shown::All {
                return Ok(Some(ActionResult::Done { note: Some("it was so already".into()) }));
            }
            // From another role than the planned one, the same write might give instead of take.
            let moved = action.changes.iter().find(|change| {
                let seen = account.values.get(&change.field);
                seen.is_some_and(|seen| *seen != change.from && *seen != change.to)
            });
            if let Some(change) = moved {
                return stale(format!("{} has been changed since it was read; plan again", change.field));
            }
        }
        Ok(None)
    }

    /// The action's account, for looking for its membership.
    fn who(&self, id: &Arc<str>) -> Joiner {
        let email = self.action.target.email.clone().unwrap_or_else(|| Email::lenient(""));
        Joiner::known(id.clone(), email)
    }

    /// The write that the action asks for; `None` when the id of what it is done to never became known.
    fn write(&self) -> Option<Write> {
        let Self { run: Run { created_ids, .. }, action, .. } = self;
        let values = action.target.values.clone();
        let group_name = || action.name.group.clone();
        Some(match action.name.verb {
            Verb::Create => Write::CreateAccount { email: action.target.email.clone()?, values },
            Verb::Update => {
                Write::UpdateAccount { id: created_ids.account(action)?, values, email: action.target.address.clone() }
            }
            Verb::Reactivate => Write::Reactivate { id: created_ids.account(action)? },
            Verb::Deactivate => Write::Deactivate { id: created_ids.account(action)? },
            Verb::Delete => Write::DeleteAccount { id: created_ids.account(action)? },
            Verb::AddMember => {
                let id = created_ids.account(action);
                // Where joining makes accounts, an address will do.
                if id.is_none() && !self.run.writer.semantics().members.creates_account {
                    return None;
                }
                let who = Joiner { id, email: action.target.email.clone()?, values: action.target.joins_with.clone() };
                Write::AddMember { group: created_ids.group(action)?, who, values }
            }
            Verb::ChangeMember => {
                Write::ChangeMember { group: created_ids.group(action)?, account: created_ids.account(action)?, values }
            }
            Verb::RemoveMember => {
                Write::RemoveMember { group: created_ids.group(action)?, account: created_ids.account(action)? }
            }
            Verb::CreateGroup => Write::CreateGroup { name: group_name()?, values },
            Verb::UpdateGroup => Write::UpdateGroup { id: created_ids.group(action)?, values },
            Verb::DeleteGroup => Write::DeleteGroup { id: created_ids.group(action)? },
        })
    }
}

enum Attempt {
    Ended(Performed),
    Again(Error),
}

impl Attempt {
    fn settled(result: ActionResult) -> Self {
        Self::Ended(Performed::settled(result))
    }

    fn done(note: Option<String>) -> Self {
        Self::settled(ActionResult::Done { note })
    }
}

/// Pauses between looks for something that is slow to show: short at first, and never longer in all than was allowed.
pub(super) struct Settling {
    left: Duration,
    pause: Duration,
}

impl Settling {
    pub(super) fn new(settle: Duration) -> Self {
        Self { left: settle, pause: SETTLE }
    }

    /// Waits for the next look; `false` when the time is over.
    pub(super) async fn wait(&mut self) -> bool {
        if self.left.is_zero() {
            return false;
        }
        let pause = self.pause.min(self.left);
        self.left -= pause;
        self.pause *= 2;
        tokio::time::sleep(pause).await;
        true
    }
}

fn seen(shown: Shown) -> Seen {
    match shown {
        Shown::All => Seen::Done(None),
        Shown::Hidden => Seen::Hidden,
        Shown::Differs => Seen::NotDone,
    }
}

/// Writes that say what something should be like, so that sending one twice is the same as sending it once.
fn sets_values(write: &Write) -> bool {
    matches!(write, Write::UpdateAccount { .. } | Write::ChangeMember { .. } | Write::UpdateGroup { .. })
}

/// An account that is there after a create: ours, with or without all values; what differs is the next plan's business. One
/// that cannot be used is not what the create was for.
fn adopted(account: &LiveAccount, values: &Values, just_made: bool) -> Seen {
    let status = match &account.status {
        AccountStatus::Pending => Some("invitation sent".to_owned()),
        AccountStatus::Active => None,
        other => {
            return Seen::Stale(format!("there is an account {} already, which is {other}; plan again", account.id));
        }
    };
    let differs = (read_back::shown(&account.values, values) == Shown::Differs)
        .then(|| "some of its fields differ; the next run corrects them".to_owned());
    let found = (!just_made).then(|| format!("found as {}", account.id));
    let notes: Vec<String> = [found, status, differs].into_iter().flatten().collect();
    Seen::Done((!notes.is_empty()).then(|| notes.join("; ")))
}

fn created_note(write: &Write, account: &LiveAccount) -> Option<String> {
    let created = matches!(write, Write::CreateAccount { .. });
    (created && account.status == AccountStatus::Pending).then(|| "invitation sent".to_owned())
}
