//! Sending one request under the budget, with a time limit, counted and logged.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::time::Instant;

use super::{
    Method,
    gate::{Gate, Parked, Permit, Visitor},
    leave::{self, WRITE_TIMEOUT},
    redact::Redactor,
    transport::{Transport, WireAnswer, WireFailure, WireRequest},
    witness,
};
use crate::{
    budget::{self, Feedback, Kind, Lane, Outcome},
    connectors::{Clock, Judge, Meaning, Said},
    model::Traffic,
};

/// The longest first pause before a read is repeated; it doubles each time, and each is drawn between zero and it.
const FIRST_BACKOFF: Duration = Duration::from_millis(500);

/// No drawn pause is longer.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// Whoever waits for so long that nothing else is told wants to know why.
const SILENCE: Duration = Duration::from_secs(5);

/// Everything it takes to send.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) app: String,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) gate: Arc<Gate>,
    pub(super) visitor: Visitor,
    pub(super) redactor: Arc<Redactor>,
    pub(super) timeout: Duration,
    pub(super) sent: AtomicU64,
    pub(super) random: Mutex<StdRng>,
    pub(super) clock: Clock,
    pub(super) traffic: Mutex<Traffic>,
    pub(super) hearing: Mutex<Hearing>,
}

/// Whether the app answers at all.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    /// When it last answered, whatever it said.
    answered: Option<Instant>,
    /// A request waited for its whole time limit, and no other one was answered meanwhile.
    silent: bool,
}

impl Link {
    pub(super) fn random(seed: Option<u64>) -> Mutex<StdRng> {
        Mutex::new(seed.map_or_else(|| StdRng::seed_from_u64(rand::random()), StdRng::seed_from_u64))
    }

    /// Waits for leave to send. A wait that would look as if nothing went on any more is told, once for all who wait.
    pub(super) async fn enter(&self, lane: Lane, kind: Kind) -> Result<Permit, Parked> {
        let entering = self.gate.enter(lane, kind);
        tokio::pin!(entering);
        for silence in [Duration::ZERO, SILENCE] {
            tokio::select! {
                biased;
                permit = &mut entering => return permit,
                () = tokio::time::sleep(silence) => self.tell_wait(),
            }
        }
        entering.await
    }

    /// Tells of a long wait that was not told yet.
    fn tell_wait(&self) {
        if let Some(wait) = self.gate.untold_wait() {
            let whole = Duration::from_secs(wait.as_secs());
            tracing::warn!(
                target: "rosterd::quota",
                "{}: its quota is spent, or it asked to be left alone; going on in {}. A command that names the other apps with \
                 --app does not wait for it",
                self.app,
                humantime::format_duration(whole)
            );
        }
    }

    /// Sends once, and tells the budget what came of it. What the answer means, `judge` says.
    pub(super) async fn send(
        &self,
        permit: Permit,
        request: WireRequest,
        judge: Judge<'_>,
    ) -> Result<(WireAnswer, Option<Said>), WireFailure> {
        let (verb, path) = (request.method, request.url.path().to_owned());
        let longest = if verb == Method::Get { self.timeout } else { self.timeout.min(WRITE_TIMEOUT) };
        if verb != Method::Get
            && let Err(reason) = leave::ask(longest)
        {
            permit.unused();
            return Err(WireFailure::NotSent(reason));
        }
        self.sent.fetch_add(1, Ordering::Relaxed);
        let method = verb.as_str();
        let start = Instant::now();
        let result = tokio::select! {
            // A process that was stopped for longer must not go on with sending when it wakes.
            biased;
            () = tokio::time::sleep(longest) => {
                self.waited_in_vain(start);
                Err(WireFailure::Lost(format!("no answer within {} s", longest.as_secs())))
            }
            result = self.transport.send(request) => result,
        };
        // A larger integer would be written as a text in JSON.
        let ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.count(result.as_ref().ok().map(|answer| answer.status), ms);
        if !matches!(result, Err(WireFailure::NotSent(_) | WireFailure::Hopeless(_))) {
            witness::note(verb, &path, result.as_ref().ok().map(|answer| answer.status));
        }
        // A body that broke off shows nothing.
        let judged = result.map(|mut answer| {
            skip_mark(&mut answer);
            let said = answer.body.as_ref().ok().and_then(|body| judge(answer.status, body));
            let said = said.or_else(|| asks_to_wait(&answer, self.clock.system_time()).then_some(OVERLOAD));
            (answer, said)
        });
        match &judged {
            Ok((answer, said)) => {
                tracing::debug!(app = self.app, method, path, status = answer.status, ms, "request");
                permit.answered(&feedback(answer, said.as_ref(), self.clock.system_time()));
            }
            Err(WireFailure::NotSent(reason) | WireFailure::Hopeless(reason)) => {
                tracing::debug!(app = self.app, method, path, ms, reason = self.redactor.clean(reason), "not sent");
                permit.unused();
            }
            Err(WireFailure::Lost(reason)) => {
                tracing::debug!(app = self.app, method, path, ms, reason = self.redactor.clean(reason), "no answer");
                permit.lost();
            }
        }
        judged
    }

    /// Counts a request, and notes an answer.
    fn count(&self, status: Option<u16>, ms: u64) {
        // Counts are whole between two requests.
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner).count(status, ms);
        if status.is_some() {
            *self.hearing() = Hearing { answered: Some(Instant::now()), silent: false };
        }
    }

    fn waited_in_vain(&self, since: Instant) {
        let mut hearing = self.hearing();
        hearing.silent |= hearing.answered.is_none_or(|answered| answered < since);
    }

    /// Why the app cannot be worked with, while it takes requests and answers none of them.
    pub(super) fn silence(&self) -> Option<String> {
        let timeout = self.timeout.as_secs();
        self.hearing().silent.then(|| format!("{}: it takes requests, and answered none within {timeout} s", self.app))
    }

    fn hearing(&self) -> MutexGuard<'_, Hearing> {
        // A whole value is put in.
        self.hearing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Pauses before the `attempt`-th repetition (from 0).
    pub(super) async fn back_off(&self, attempt: u32) {
        let longest = FIRST_BACKOFF.saturating_mul(1 << attempt.min(16)).min(LONGEST_BACKOFF);
        let pause = {
            let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
            longest.mul_f64(random.random::<f64>())
        };
        tokio::time::sleep(pause).await;
    }
}

/// What an answer says about the quota.
fn feedback(answer: &WireAnswer, said: Option<&Said>, local: SystemTime) -> Feedback {
    let overloaded = said.map_or(matches!(answer.status, 429 | 503), |said| said.meaning == Meaning::Overload);
    let retry_after = answer.header("retry-after").filter(|_| overloaded);
    Feedback {
        outcome: if overloaded { Outcome::Overloaded } else { Outcome::Answered },
        told: budget::told(|name| answer.header(name), local),
        retry_after: retry_after.map(|value| budget::retry_after(value, answer.header("date"), local)),
    }
}

/// What an answer means that asks to wait without the status for it.
const OVERLOAD: Said = Said { meaning: Meaning::Overload, sign: None, text: None, hint: None };

/// Whether a refusal says when to come back, or that the quota is used up: then it is no matter of rights.
fn asks_to_wait(answer: &WireAnswer, local: SystemTime) -> bool {
    let used_up = || budget::told(|name| answer.header(name), local).iter().any(|told| told.remaining == Some(0));
    answer.status == 403 && (answer.header("retry-after").is_some() || used_up())
}

/// Skips the mark of byte order that some servers put before a text.
fn skip_mark(answer: &mut WireAnswer) {
    if let Ok(body) = &mut answer.body
        && body.starts_with(b"\xef\xbb\xbf")
    {
        body.drain(..3);
    }
}
