//! The buckets that connected apps draw on: one for each credential, and for each family of calls that an API counts apart.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::http::Gate;
use crate::{
    budget::{Budget, Covers, Quota, Saved, Scope},
    model::{BudgetSpec, Limits, QuotaScope, Rate, ScopeCovers},
};

/// Share of the quota that is left to other users of the API, in percent, where the files do not say. Somebody's script
/// or dashboard uses nearly every API.
const KEEP_FREE_PERCENT: f64 = 10.0;

/// Requests at once where neither files nor connector say: enough to hide latency, few enough for any server.
const CONCURRENCY: u32 = 4;

/// All buckets. Apps that use one credential share its bucket.
#[derive(Debug, Default)]
pub struct Buckets(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// How often the files were read anew.
    reading: u64,
    by_key: BTreeMap<String, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    gate: Arc<Gate>,
    /// What the first app that draws on it may send; others only narrow it.
    quota: Quota,
    /// The reading of the files that the quota is from.
    reading: u64,
}

impl Buckets {
    /// The keys of all buckets that connected apps draw on, sorted. A key names an origin, an API and, by a hash, the
    /// credential, and stays the same from one process to the next.
    pub fn keys(&self) -> Vec<String> {
        self.lock().by_key.keys().cloned().collect()
    }

    /// What each bucket has spent, to be stored under its key. Every second or so while requests are sent is often enough:
    /// what a crash loses then is covered by the share kept free.
    pub fn saved(&self) -> BTreeMap<String, Saved> {
        self.lock().by_key.iter().map(|(key, bucket)| (key.clone(), bucket.gate.saved())).collect()
    }

    /// Takes in what was stored of a bucket `elapsed` ago. Call it once the apps are connected, before anything is sent, and
    /// again whenever another process had the credential meanwhile. Nothing happens for a bucket that nobody draws on.
    pub fn resume(&self, key: &str, saved: &Saved, elapsed: Duration) {
        if let Some(bucket) = self.lock().by_key.get(key) {
            bucket.gate.resume(saved, elapsed);
        }
    }

    /// The files were read anew: connections that are made from now on may have budgets of other sizes, and what was
    /// stopped because of the old files is followed by more.
    pub fn renew(&self) {
        let mut buckets = self.lock();
        buckets.reading += 1;
        buckets.by_key.values().for_each(|bucket| bucket.gate.take_time());
    }

    /// The gate of the bucket with this key. Where several apps share a bucket, it keeps to the limits of each. A bucket of
    /// another size, after the files were read anew, keeps what was spent of the one before.
    pub(super) fn gate(&self, key: String, spec: &BudgetSpec, limits: &Limits) -> Arc<Gate> {
        let quota = quota(spec, limits);
        let mut buckets = self.lock();
        let reading = buckets.reading;
        let gate = match buckets.by_key.get(&key) {
            Some(bucket) if bucket.reading == reading => {
                bucket.gate.with_budget(|budget, _| budget.narrow(&quota));
                return bucket.gate.clone();
            }
            Some(bucket) if bucket.quota == quota => bucket.gate.clone(),
            former => {
                let gate = Gate::new(Budget::new(&quota));
                former.into_iter().for_each(|former| gate.resume(&former.gate.saved(), Duration::ZERO));
                gate
            }
        };
        buckets.by_key.insert(key, Bucket { gate: gate.clone(), quota, reading });
        gate
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A poisoned lock still holds whole entries: inserting one cannot leave the map half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an app may send: the connector's limits with what the files say instead.
pub fn quota(spec: &BudgetSpec, limits: &Limits) -> Quota {
    let scope = |covers, Rate { requests, per }| Scope { covers, requests, per };
    let declared = |&QuotaScope { covers, requests, per }: &QuotaScope| {
        let covers = match covers {
            ScopeCovers::All => Covers::All,
            ScopeCovers::Reads => Covers::Reads,
            ScopeCovers::Writes => Covers::Writes,
        };
        Scope { covers, requests, per }
    };
    let mut scopes: Vec<_> = match spec.requests {
        Some(all) => vec![scope(Covers::All, all)],
        None => limits.scopes.iter().map(declared).collect(),
    };
    for (covers, rate) in [(Covers::Reads, spec.read), (Covers::Writes, spec.write)] {
        if let Some(rate) = rate {
            scopes.retain(|scope| scope.covers != covers);
            scopes.push(scope(covers, rate));
        }
    }
    Quota {
        scopes,
        concurrency: Some(spec.concurrency.or(limits.concurrency).unwrap_or(CONCURRENCY)),
        keep_free: spec.keep_free_percent.unwrap_or(KEEP_FREE_PERCENT) / 100.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{Feedback, Kind, Lane, Next, Ticket};

    const HOUR: Duration = Duration::from_secs(3600);

    fn limits() -> Limits {
        let scopes = vec![QuotaScope { covers: ScopeCovers::All, requests: 1000, per: HOUR }];
        Limits { scopes, concurrency: Some(10) }
    }

    fn check(spec: BudgetSpec, expected: &[(Covers, u32)], concurrency: u32, keep_free: f64) {
        let quota = quota(&spec, &limits());
        let scopes: Vec<_> = quota.scopes.iter().map(|scope| (scope.covers, scope.requests)).collect();
        assert_eq!((scopes.as_slice(), quota.concurrency, quota.keep_free), (expected, Some(concurrency), keep_free));
    }

    #[test]
    fn the_files_override_the_connectors_limits() {
        let rate = |requests| Some(Rate { requests, per: HOUR });
        check(BudgetSpec::default(), &[(Covers::All, 1000)], 10, 0.1);
        check(
            BudgetSpec { requests: rate(5000), concurrency: Some(50), ..BudgetSpec::default() },
            &[(Covers::All, 5000)],
            50,
            0.1,
        );
        let apart = BudgetSpec { write: rate(100), keep_free_percent: Some(0.0), ..BudgetSpec::default() };
        check(apart, &[(Covers::All, 1000), (Covers::Writes, 100)], 10, 0.0);
    }

    /// A bucket of a thousand requests an hour, none of them kept free.
    fn bucket(buckets: &Buckets, concurrency: u32) -> Arc<Gate> {
        let spec = BudgetSpec {
            requests: Some(Rate { requests: 1000, per: HOUR }),
            concurrency: Some(concurrency),
            keep_free_percent: Some(0.0),
            ..BudgetSpec::default()
        };
        buckets.gate("bucket".into(), &spec, &limits())
    }

    /// Sends so many requests, all at the same time, and returns when each left.
    async fn send(gate: &Arc<Gate>, requests: usize) -> Vec<Duration> {
        let start = tokio::time::Instant::now();
        let leaves = (0..requests).map(|_| async move {
            let permit = gate.enter(Lane::Read, Kind::Read).await.unwrap();
            let left = start.elapsed();
            tokio::time::sleep(Duration::from_millis(200)).await;
            permit.answered(&Feedback::default());
            left
        });
        futures::future::join_all(leaves).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_restarted_process_spends_only_what_its_predecessor_left() {
        let before = Buckets::default();
        send(&bucket(&before, 10), 600).await;
        let stored = serde_json::to_string(&before.saved()).unwrap();
        drop(before);
        tokio::time::sleep(Duration::from_secs(60)).await;

        let after = Buckets::default();
        let gate = bucket(&after, 10);
        assert_eq!(after.keys(), ["bucket"]);
        let stored: BTreeMap<String, Saved> = serde_json::from_str(&stored).unwrap();
        after.resume("bucket", &stored["bucket"], Duration::from_secs(60));
        let left = send(&gate, 500).await;
        let at_once = left.iter().filter(|left| **left < Duration::from_secs(10)).count();
        assert_eq!(at_once, 400);
        // The first of them stops counting an hour after it was answered; it is stored in steps of 36 seconds.
        let rest = left.iter().filter(|left| **left >= Duration::from_secs(10)).min().unwrap();
        let opens = HOUR - Duration::from_secs(60 + 12);
        assert!(*rest >= opens - Duration::from_secs(1) && *rest <= opens + Duration::from_secs(36), "{rest:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_gets_the_credential_back_counts_what_both_know_of_once() {
        let one = Buckets::default();
        send(&bucket(&one, 10), 300).await;
        let other = Buckets::default();
        bucket(&other, 10);
        other.resume("bucket", &one.saved()["bucket"], Duration::ZERO);
        send(&bucket(&other, 10), 400).await;
        one.resume("bucket", &other.saved()["bucket"], Duration::ZERO);
        let left = send(&bucket(&one, 10), 400).await;
        assert_eq!(left.iter().filter(|left| **left < Duration::from_secs(60)).count(), 300);
    }

    #[tokio::test(start_paused = true)]
    async fn apps_that_share_a_bucket_keep_to_the_limits_of_each() {
        let buckets = Buckets::default();
        bucket(&buckets, 10);
        let gate = bucket(&buckets, 2);
        let left = send(&gate, 5).await;
        assert_eq!(left.iter().map(Duration::as_millis).collect::<Vec<_>>(), [0, 0, 200, 200, 400]);
    }

    #[test]
    fn a_budget_that_changed_counts_what_was_spent_and_is_taken_up_when_the_files_are_read_anew() {
        let buckets = Buckets::default();
        let gate = |requests| {
            let spec = BudgetSpec { requests: Some(Rate { requests, per: HOUR }), ..BudgetSpec::default() };
            buckets.gate("one".into(), &spec, &Limits::default())
        };
        let spend = |gate: &Gate| {
            gate.with_budget(|budget, now| {
                budget.ask(now, Ticket(1), Lane::Read, Kind::Read);
                assert_eq!(budget.next(now), Next::Grant(Ticket(1)));
            });
        };
        let spent = |gate: &Gate| gate.with_budget(|budget, now| budget.save(now)).scopes[0].spent.clone();
        let first = gate(100);
        spend(&first);
        assert!(Arc::ptr_eq(&first, &gate(200)), "apps share it within one reading");
        buckets.renew();
        let second = gate(200);
        assert!(!Arc::ptr_eq(&first, &second));
        assert_eq!(spent(&second).iter().map(|(_, count)| count).sum::<u32>(), 1);
        buckets.renew();
        assert!(Arc::ptr_eq(&second, &gate(200)), "what did not change goes on");
    }
}
