//! Going on with newer files in the middle of a round.

use std::sync::Arc;

use jiff::Timestamp;

use super::{connect::Reconciler, memory::Memory, readings::Readings};
use crate::{
    model::{Desired, DesiredApp, OtherFiles, Plan},
    plan,
};

impl Reconciler {
    /// The same round by newer files, whose runs `memory` writes down: over the same connections, with what was claimed and
    /// made. None when the files name an app no longer or say something else of how to reach it: what was read may then be
    /// another tenant, and what is to be done must not happen there.
    pub async fn by_newer(&self, desired: Arc<Desired>, digest: String, memory: Option<Memory>) -> Option<Self> {
        let is_same = |app: &Arc<str>| {
            let both = self.desired.apps.get(app).zip(desired.apps.get(app));
            both.is_some_and(|(before, now)| reached_alike(before, now))
        };
        if !self.apps.keys().all(is_same) {
            return None;
        }
        let memory = match (memory, &self.memory) {
            (Some(memory), Some(before)) => Some(memory.continuing(before).await),
            _ => self.memory.clone(),
        };
        let (apps, jitter, clock) = (self.apps.clone(), self.jitter.clone(), self.clock.clone());
        let origin = self.origin.clone();
        Some(Self { desired, digest, apps, memory, origin, pace: self.pace, jitter, clock })
    }

    /// Plans with what was read by the files of `read_by`: what that reading says nothing about is left for the next one.
    /// `others` are another daemon's files that are in force.
    pub fn plan_over(&self, readings: &Readings, read_by: &Self, others: Option<&OtherFiles>, now: Timestamp) -> Plan {
        let mut plan = self.plan_beside(readings, others, now);
        if Arc::ptr_eq(&self.desired, &read_by.desired) {
            return plan;
        }
        for app in &mut plan.apps {
            let both = self.desired.apps.get(&app.app).zip(read_by.desired.apps.get(&app.app));
            if let Some((newer, read_for)) = both {
                plan::keep_to_reading(app, newer, read_for);
            }
        }
        plan
    }
}

/// Whether requests for both go the same way to the same tenant, as far as the files can tell.
fn reached_alike(a: &DesiredApp, b: &DesiredApp) -> bool {
    a.connector == b.connector
        && a.url == b.url
        && a.auth == b.auth
        && a.options == b.options
        && a.semantics == b.semantics
        && a.self_account == b.self_account
}
