//! Tells webhooks of drift, of what is held and of failures (`settings.notify`).
//!
//! It is level-triggered as all of the daemon is: after each cycle, what is so is compared with what each webhook was told
//! last. So nothing is told twice, and whatever could not be told is told later, if it is still so by then. What was told is
//! known to this process alone: a daemon that begins tells once what stands.

mod letter;
mod news;

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use tokio::sync::mpsc::UnboundedReceiver;
use tracing::{debug, info, warn};

use super::{InForce, World};
use crate::model::{Notify, SecretRef};
pub(super) use news::News;
use news::{Corrected, Follower, Now};

/// Pauses before another attempt. Two of them outlast a restart of the other side; for longer outages there is the next
/// cycle.
const AGAIN: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(15)];

/// Why a webhook was not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Undelivered {
    /// As the end of a sentence, without the address.
    pub why: String,
    /// Whether it makes no sense to try again soon.
    pub lasting: bool,
}

/// Hears that a webhook was not told something.
pub(super) type OnFailure = Box<dyn Fn() + Send + Sync>;

/// A webhook, and what it was told.
struct Target {
    settings: Notify,
    told: Now,
    corrected: Corrected,
}

/// Tells what the news say until there are none any more.
pub(super) async fn run(world: Arc<dyn World>, failed: OnFailure, mut news: UnboundedReceiver<News>) {
    let mut follower = Follower::default();
    let mut targets: Vec<Target> = Vec::new();
    while let Some(first) = news.recv().await {
        let mut next = Some(first);
        // What came meanwhile is told at once with it.
        while let Some(one) = next {
            if let News::InForce(files) = &one {
                aim(&mut targets, files);
                complain(&*world, &targets);
            }
            let corrected = follower.take(one);
            targets.iter_mut().for_each(|target| news::remember(&mut target.corrected, &corrected));
            next = news.try_recv().ok();
        }
        join_all(targets.iter_mut().map(|target| target.tell(&*world, &failed, &follower.now))).await;
    }
}

/// Takes up the webhooks of new files. One that was there before knows what it was told.
fn aim(targets: &mut Vec<Target>, files: &InForce) {
    let mut before = std::mem::take(targets);
    for settings in &files.desired.settings.notify {
        let known = before.iter().position(|target| target.settings == *settings);
        targets.push(match known {
            Some(index) => before.swap_remove(index),
            None => Target { settings: settings.clone(), told: Now::default(), corrected: Corrected::new() },
        });
    }
}

/// An address that is not there is complained about at once, and not when there is something to tell.
fn complain(world: &dyn World, targets: &[Target]) {
    for target in targets {
        if let Err(why) = world.secret(&target.settings.url) {
            warn!("`settings.notify`: {why}, so that nobody is told anything there");
        }
    }
}

impl Target {
    async fn tell(&mut self, world: &dyn World, failed: &OnFailure, now: &Now) {
        let items = news::items(&self.told, now, &self.corrected, &self.settings.on);
        let webhook = name(&self.settings.url);
        if !items.is_empty() {
            if let Err(undelivered) = deliver(world, &self.settings.url, &letter::body(&items)).await {
                failed();
                warn!(
                    webhook,
                    "a webhook of `settings.notify` was not told what is new: {}; check that the secret holds the address \
                     that the chat gave out; it is told after the next cycle of an app, if it is still so",
                    undelivered.why
                );
                return;
            }
            info!(webhook, items = items.len(), "told a webhook what is new");
        }
        self.told = now.clone();
        self.corrected.clear();
    }
}

async fn deliver(world: &dyn World, url: &SecretRef, body: &serde_json::Value) -> Result<(), Undelivered> {
    for pause in AGAIN {
        match world.tell(url, body).await {
            Err(undelivered) if !undelivered.lasting => {
                debug!(webhook = name(url), "not told, and tried again: {}", undelivered.why);
            }
            ended => return ended,
        }
        tokio::time::sleep(pause).await;
    }
    world.tell(url, body).await
}

/// Where the address is, which is not the address.
fn name(url: &SecretRef) -> &str {
    match url {
        SecretRef::Env(name) | SecretRef::File(name) => name,
    }
}
