//! Which connectors there are, and how one is put together for an app: manifest, credential, budget, client.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use secrecy::SecretString;
use url::Url;

use super::{
    Error, Writer,
    acc::AccModule,
    connector::{Connector, Credentials, Gates, Wiring, check_options, did_you_mean},
    http::{Gate, transport::is_loopback},
    outside::Outside,
    rest::{BUILT_IN, Manifest},
    scim::Scim,
};
use crate::{
    budget::{Budget, Covers, Quota, Saved, Scope},
    model::{
        BudgetSpec, CatalogueError, ConnectorCatalogue, DesiredApp, Limits, Options, Rate, ScopeCovers, SecretRef,
        Semantics,
    },
};

/// A connector that is made anew.
type Make = fn() -> Arc<dyn Connector>;

/// The connectors that are code, by name, sorted.
const MODULES: [(&str, Make); 2] = [("acc", || Arc::new(AccModule)), ("scim", || Arc::new(Scim))];

/// Share of the quota that is left to other users of the API, in percent, where the files do not say. Somebody's script
/// or dashboard uses nearly every API.
const KEEP_FREE_PERCENT: f64 = 10.0;

/// Requests at once where neither files nor connector say: enough to hide latency, few enough for any server.
const CONCURRENCY: u32 = 4;

/// Finds secrets that the files refer to.
pub trait SecretSource: Send + Sync {
    /// The secret.
    ///
    /// # Errors
    /// Why there is none, as the end of a sentence: "the variable X is not set".
    fn resolve(&self, secret: &SecretRef) -> Result<SecretString, String>;
}

/// Secrets from this process's environment and files.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessSecrets;

impl SecretSource for ProcessSecrets {
    fn resolve(&self, secret: &SecretRef) -> Result<SecretString, String> {
        let what = match secret {
            SecretRef::Env(name) => format!("the variable {name}"),
            SecretRef::File(path) => format!("the file {path}"),
        };
        let text = match secret {
            SecretRef::Env(name) => std::env::var(name).map_err(|_| format!("{what} is not set"))?,
            SecretRef::File(path) => {
                std::fs::read_to_string(path).map_err(|error| format!("{what} cannot be read: {error}"))?
            }
        };
        let text = text.trim_end();
        if text.is_empty() {
            return Err(format!("{what} is empty"));
        }
        Ok(text.to_owned().into())
    }
}

/// Sends an app's requests elsewhere, with another credential. Nothing of the app's own credential is even read.
#[derive(Debug, Clone)]
pub struct Override {
    /// Replaces the app's `url`, and with it the place of tokens.
    pub url: Url,
    /// Stands for client ids and user names.
    pub client_id: String,
    /// Stands for client secrets, tokens and passwords.
    pub client_secret: SecretString,
}

/// Reads manifests by the paths that the files give them.
pub type ManifestSource = Box<dyn Fn(&str) -> Result<String, String> + Send + Sync>;

/// The connectors there are. Apps that use one credential share its budget.
#[derive(Default)]
pub struct Registry {
    /// How manifests are read; without it there are none but the built-in ones.
    manifests: Option<ManifestSource>,
    /// One bucket per origin and credential.
    buckets: Mutex<Buckets>,
    outside: Outside,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("buckets", &self.buckets).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Buckets {
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

impl ConnectorCatalogue for Registry {
    fn semantics(&self, name: &str, options: &Options) -> Result<Arc<Semantics>, CatalogueError> {
        let connector = self.connector(name).map_err(CatalogueError::Connector)?;
        let mut wrong = check_options(&connector.options(), options);
        if wrong.is_empty() {
            return connector.semantics(options);
        }
        // A value may be wrong as well; what is missing has been said.
        let said = |wrong: &[CatalogueError], error: &CatalogueError| match error {
            CatalogueError::Option { key, .. } => {
                wrong.iter().any(|known| matches!(known, CatalogueError::Option { key: other, .. } if other == key))
            }
            _ => false,
        };
        wrong.extend(connector.semantics(options).err().filter(|error| !said(&wrong, error)));
        Err(CatalogueError::Several(wrong))
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = BUILT_IN.iter().map(|(name, _)| *name).chain(MODULES.map(|(name, _)| name)).collect();
        names.sort_unstable();
        names.into_iter().map(str::to_owned).collect()
    }

    fn manifest(&self, name: &str) -> Option<String> {
        let built_in = self.names().iter().any(|known| known == name);
        // One that cannot be read was reported by whoever asked for its semantics.
        self.manifests.as_ref().filter(|_| !built_in && is_path(name)).and_then(|read| read(name).ok())
    }
}

/// Whether a connector's name is the path of a manifest.
fn is_path(name: &str) -> bool {
    name.contains('/') || name.ends_with(".yaml") || name.ends_with(".yml")
}

impl Registry {
    /// The built-in connectors, and manifests by their paths from `directory` on.
    pub fn new(directory: Option<PathBuf>) -> Self {
        let source = |directory: PathBuf| -> ManifestSource {
            Box::new(move |name| {
                let path = directory.join(name);
                std::fs::read_to_string(&path)
                    .map_err(|error| format!("the manifest {} cannot be read: {error}", path.display()))
            })
        };
        Self { manifests: directory.map(source), buckets: Mutex::default(), outside: Outside::default() }
    }

    /// The built-in connectors, and manifests from elsewhere than the disk.
    pub fn with_manifests(manifests: ManifestSource) -> Self {
        Self { manifests: Some(manifests), buckets: Mutex::default(), outside: Outside::default() }
    }

    /// The same connectors in other surroundings.
    #[must_use]
    pub fn within(self, outside: Outside) -> Self {
        Self { outside, ..self }
    }

    /// The connector called `name`: a built-in's name or the path of a manifest.
    ///
    /// # Errors
    /// A sentence that says why there is none.
    pub fn connector(&self, name: &str) -> Result<Arc<dyn Connector>, String> {
        if let Some((_, text)) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name) {
            let manifest = Manifest::parse(&format!("{name}.yaml"), text).map_err(|error| error.to_string())?;
            return Ok(Arc::new(manifest));
        }
        if let Some((_, module)) = MODULES.iter().find(|(built_in, _)| *built_in == name) {
            return Ok(module());
        }
        match &self.manifests {
            Some(read) if is_path(name) => {
                let text = read(name)?;
                Ok(Arc::new(Manifest::parse(name, &text).map_err(|error| error.to_string())?))
            }
            _ => {
                let names = self.names();
                let all = || format!("there are {}, or give the path of a manifest", names.join(", "));
                let hint = did_you_mean(name, names.iter().map(String::as_str)).unwrap_or_else(all);
                Err(format!("there is no connector `{name}`: {hint}"))
            }
        }
    }

    /// A connector for an app, ready to read and write.
    ///
    /// # Errors
    /// When a secret is missing, or the connector cannot be set up. Nothing is sent.
    pub fn connect(
        &self,
        app: &DesiredApp,
        secrets: &dyn SecretSource,
        instead: Option<&Override>,
    ) -> Result<Arc<dyn Writer>, Error> {
        let setup = |detail: String, hint| Error::setup(&*app.name, detail, hint);
        let connector = self.connector(&app.connector).map_err(|wrong| setup(wrong, None))?;
        let url = instead.map_or(&app.url, |instead| &instead.url);
        if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
            return Err(setup(format!("`url: {url}` is no address of a server"), Some("write https://HOST")));
        }
        let keys = connector.secret_keys();
        let credentials = match instead {
            Some(instead) => stand_ins(keys, instead),
            None => credentials(keys, app, secrets).map_err(|wrong| setup(wrong, None))?,
        };
        let token_url = app.auth.token_url.as_ref().filter(|_| instead.is_none());
        if instead.is_none() {
            let allowed = app.options.get(CLEARTEXT).is_some_and(|value| *value == true);
            if let Some(open) = [Some(url), token_url].into_iter().flatten().find(|url| is_open(url) && !allowed) {
                return Err(setup(
                    format!("{}://{} would carry the credential unencrypted", open.scheme(), open.authority()),
                    Some("write https://, or `options: { allow_cleartext: true }` if nobody can listen in between"),
                ));
            }
        }
        let wiring = Wiring {
            connector: &*connector,
            app,
            url,
            credentials: &credentials,
            token_url,
            // Stand-ins are no secrets, and masking their words would only garble texts.
            secret: instead.is_none(),
            gates: self,
            outside: &self.outside,
        };
        connector.connect(&wiring, &app.options)
    }

    /// The gates of all buckets that connected apps draw on.
    pub fn gates(&self) -> Vec<Arc<Gate>> {
        self.lock().by_key.values().map(|bucket| bucket.gate.clone()).collect()
    }

    /// The keys of all buckets that connected apps draw on, sorted. A key names an origin, an API and, by a hash, the
    /// credential, and stays the same from one process to the next.
    pub fn buckets(&self) -> Vec<String> {
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

    fn lock(&self) -> MutexGuard<'_, Buckets> {
        // A poisoned lock still holds whole entries: inserting one cannot leave the map half-changed.
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gates for Registry {
    /// Where several apps share a bucket, it keeps to the limits of each. A bucket of another size, after the files were
    /// read anew, keeps what was spent of the one before.
    fn gate(&self, key: String, spec: &BudgetSpec, limits: &Limits) -> Arc<Gate> {
        let quota = quota(spec, limits);
        let mut buckets = self.lock();
        let reading = buckets.reading;
        let gate = match buckets.by_key.get(&key) {
            Some(bucket) if bucket.reading == reading => {
                bucket.gate.with_budget(|budget, _| budget.narrow(&quota));
                return bucket.gate.clone();
            }
            Some(bucket) if bucket.quota == quota => bucket.gate.clone(),
            Some(bucket) => {
                let gate = Gate::new(Budget::new(&quota));
                gate.resume(&bucket.gate.saved(), Duration::ZERO);
                gate
            }
            None => Gate::new(Budget::new(&quota)),
        };
        buckets.by_key.insert(key, Bucket { gate: gate.clone(), quota, reading });
        gate
    }
}

/// What an app may send: the connector's limits with what the files say instead.
pub fn quota(spec: &BudgetSpec, limits: &Limits) -> Quota {
    let scope = |covers, rate: Rate| Scope { covers, requests: rate.requests, per: rate.per };
    let mut scopes: Vec<_> = match spec.requests {
        Some(all) => vec![scope(Covers::All, all)],
        None => limits
            .scopes
            .iter()
            .map(|declared| Scope {
                covers: match declared.covers {
                    ScopeCovers::All => Covers::All,
                    ScopeCovers::Reads => Covers::Reads,
                    ScopeCovers::Writes => Covers::Writes,
                },
                requests: declared.requests,
                per: declared.per,
            })
            .collect(),
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

fn credentials(keys: Vec<String>, app: &DesiredApp, secrets: &dyn SecretSource) -> Result<Credentials, String> {
    let mut resolved = BTreeMap::new();
    let mut missing = Vec::new();
    // Only what the connector uses is read, and all that is missing is said at once.
    for key in keys {
        match app.auth.secrets.get(key.as_str()).map(|reference| secrets.resolve(reference)) {
            None => {}
            Some(Ok(secret)) => drop(resolved.insert(key, secret)),
            Some(Err(why)) => missing.push(format!("`auth.{key}`: {why}")),
        }
    }
    if missing.is_empty() { Ok(resolved) } else { Err(missing.join("; ")) }
}

/// The option that lets a credential go over a network unencrypted.
const CLEARTEXT: &str = "allow_cleartext";

/// Whether whoever listens on the network reads along.
fn is_open(url: &Url) -> bool {
    url.scheme() == "http" && !is_loopback(url)
}

fn stand_ins(keys: Vec<String>, instead: &Override) -> Credentials {
    let stand_in = |key: String| match key.as_str() {
        "client_id" | "username" => (key, instead.client_id.clone().into()),
        _ => (key, instead.client_secret.clone()),
    };
    keys.into_iter().map(stand_in).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{Feedback, Kind, Lane, Next, Ticket};

    const HOUR: Duration = Duration::from_secs(3600);

    fn limits() -> Limits {
        Registry::default().semantics("autodesk", &Options::new()).unwrap().limits.clone()
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
    fn bucket(registry: &Registry, concurrency: u32) -> Arc<Gate> {
        let spec = BudgetSpec {
            requests: Some(Rate { requests: 1000, per: HOUR }),
            concurrency: Some(concurrency),
            keep_free_percent: Some(0.0),
            ..BudgetSpec::default()
        };
        registry.gate("bucket".into(), &spec, &limits())
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
        let before = Registry::default();
        send(&bucket(&before, 10), 600).await;
        let stored = serde_json::to_string(&before.saved()).unwrap();
        drop(before);
        tokio::time::sleep(Duration::from_secs(60)).await;

        let after = Registry::default();
        let gate = bucket(&after, 10);
        assert_eq!(after.buckets(), ["bucket"]);
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
        let one = Registry::default();
        send(&bucket(&one, 10), 300).await;
        let other = Registry::default();
        bucket(&other, 10);
        other.resume("bucket", &one.saved()["bucket"], Duration::ZERO);
        send(&bucket(&other, 10), 400).await;
        one.resume("bucket", &other.saved()["bucket"], Duration::ZERO);
        let left = send(&bucket(&one, 10), 400).await;
        assert_eq!(left.iter().filter(|left| **left < Duration::from_secs(60)).count(), 300);
    }

    #[tokio::test(start_paused = true)]
    async fn apps_that_share_a_bucket_keep_to_the_limits_of_each() {
        let registry = Registry::default();
        bucket(&registry, 10);
        let gate = bucket(&registry, 2);
        let left = send(&gate, 5).await;
        assert_eq!(left.iter().map(Duration::as_millis).collect::<Vec<_>>(), [0, 0, 200, 200, 400]);
    }

    #[test]
    fn a_budget_that_changed_counts_what_was_spent_and_is_taken_up_when_the_files_are_read_anew() {
        let registry = Registry::default();
        let gate = |requests| {
            let spec = BudgetSpec { requests: Some(Rate { requests, per: HOUR }), ..BudgetSpec::default() };
            registry.gate("one".into(), &spec, &Limits::default())
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
        registry.renew();
        let second = gate(200);
        assert!(!Arc::ptr_eq(&first, &second));
        assert_eq!(spent(&second).iter().map(|(_, count)| count).sum::<u32>(), 1);
        registry.renew();
        assert!(Arc::ptr_eq(&second, &gate(200)), "what did not change goes on");
    }

    #[test]
    fn a_connector_that_is_not_there_is_told_with_the_nearest_name() {
        let registry = Registry::default();
        assert_eq!(
            registry.semantics("autodesc", &Options::new()).unwrap_err().to_string(),
            "there is no connector `autodesc`: did you mean `autodesk`?"
        );
        let unlike = registry.semantics("zzz", &Options::new()).unwrap_err().to_string();
        assert_eq!(
            unlike,
            "there is no connector `zzz`: there are acc, alteryx, alteryx-webapi, autodesk, scim, workiva, or give the path of a manifest"
        );
    }

    #[test]
    fn a_credential_never_goes_over_a_network_unencrypted_unless_the_files_allow_it() {
        for (url, open) in [
            ("http://app.example", true),
            ("http://10.0.0.7:8080/x", true),
            ("https://app.example", false),
            ("http://127.0.0.1:1", false),
            ("http://localhost", false),
        ] {
            assert_eq!(is_open(&url.parse().unwrap()), open, "{url}");
        }
    }
}
