//! Waiting for people: invitations that actions wait for are looked at until somebody accepts.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use tokio::time::Instant;
use tracing::debug;

use super::connect::{Connected, Reconciler};
use crate::{
    budget::Lane,
    execute::Stop,
    model::{AccountStatus, Plan, Status},
};

/// The first look at open invitations; later ones are further apart.
const FIRST_POLL: Duration = Duration::from_secs(2);

/// Each look takes a request per open invitation, so they do not come more often than this for long.
const LONGEST_POLL: Duration = Duration::from_secs(30);

/// Once somebody accepted, how long others may take to accept as well before the next round, which reads everything.
const GATHER: Duration = Duration::from_secs(20);

impl Reconciler {
    /// Stays until invitations that actions of `plan` wait for have been accepted, at most until `deadline`. Returns
    /// whether any was, so that another round is worth its requests.
    pub async fn wait_for_invitations(&self, plan: &Plan, deadline: Instant, stop: &Stop) -> bool {
        let mut open = open_invitations(plan);
        let mut first_accepted: Option<Instant> = None;
        let mut pause = FIRST_POLL;
        while !open.is_empty() && !stop.asked() {
            let now = Instant::now();
            let gathered = first_accepted.is_some_and(|at| now >= at + GATHER);
            if now >= deadline || gathered {
                break;
            }
            let mut stop = stop.clone();
            tokio::select! {
                biased;
                () = stop.reached(1) => break,
                () = tokio::time::sleep_until((now + pause).min(deadline)) => {}
            }
            pause = (pause * 2).min(LONGEST_POLL);
            let before = open.len();
            // A look may have to wait for the budget; neither time nor patience runs out unnoticed meanwhile.
            tokio::select! {
                biased;
                () = self.drop_accepted(&mut open) => {}
                () = tokio::time::sleep_until(deadline) => break,
                () = stop.reached(1) => break,
            }
            if open.len() < before {
                first_accepted.get_or_insert_with(Instant::now);
                // Others are about to accept as well, or nobody will for a while: look again soon, but not for long.
                pause = FIRST_POLL;
            }
        }
        first_accepted.is_some()
    }

    async fn drop_accepted(&self, open: &mut Vec<(Arc<str>, Arc<str>)>) {
        let looks = open.iter().map(async |(app, id)| {
            let Some(Connected { writer: Ok(writer), .. }) = self.apps.get(app).map(AsRef::as_ref) else {
                return false;
            };
            match writer.account(id, Lane::Read).await {
                Ok(account) => account.is_some_and(|account| account.status == AccountStatus::Pending),
                Err(error) => {
                    // The next round reads everything, and reports what stays wrong.
                    debug!(%error, "an open invitation could not be looked at");
                    true
                }
            }
        });
        let still = join_all(looks).await;
        let mut still = still.into_iter();
        open.retain(|_| still.next().unwrap_or(false));
    }
}

/// Accounts that have been invited, and that some action waits for.
fn open_invitations(plan: &Plan) -> Vec<(Arc<str>, Arc<str>)> {
    let mut open: Vec<(Arc<str>, Arc<str>)> = plan
        .apps
        .iter()
        .flat_map(|app| app.actions.iter().map(move |action| (&app.app, action)))
        .filter(|(_, action)| action.status == Status::Waiting)
        .filter_map(|(app, action)| Some((app, action.step.account()?)))
        .filter(|(_, account)| account.status == AccountStatus::Pending)
        .map(|(app, account)| (app.clone(), account.id.clone()))
        .collect();
    open.sort();
    open.dedup();
    open
}
