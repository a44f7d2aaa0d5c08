//! Simulated apps over real HTTP, for demonstrations and tests. It shares no code with the engine, so that it cannot
//! share its mistakes: what an app does is written here a second time, from the vendor's guide.
//!
//! One listener plays every app. A path starts with the connector and a tenant, and goes on as the app's own:
//! `/autodesk/acme/users`. A tenant comes to life when it is first used, empty; only the one named like its connector
//! (`/autodesk/autodesk/`) starts with an example organisation that has drifted from `desired-state/`. Each tenant
//! has its own accounts, tokens and quota. `/_sandbox/` is for watching and for changing things behind the clients'
//! backs.
//!
//! In reading order: `config` (what can be set), `clock` and `chance` (time and the seed), `fault`, `quirks`, `quota`,
//! `tokens` and `log` (what all apps share), `app` (what an app is), `catalogue` (which there are), `world` (a request's way
//! through all of these), `server` (HTTP), `direct` (the same without a network), `admin` (`/_sandbox/`), `roster` (what some of the apps have in common), and
//! then the apps, one folder each.

mod acc;
mod admin;
mod alteryx;
mod app;
mod autodesk;
mod catalogue;
mod chance;
mod clock;
mod config;
mod direct;
mod email;
mod entry;
mod fault;
mod known_quirks;
mod log;
mod quirks;
mod quota;
mod roster;
mod scim;
mod server;
mod tokens;
mod workiva;
mod world;

use std::{io, time::Duration};

use jiff::Timestamp;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

pub use acc::{ACC_ACCOUNT, ACC_ADMIN};
pub use app::{AccountPatch, AccountView, DriftError, GroupView, MembershipView, NewAccount};
pub use config::{Config, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Quota, QuotaSize, ResetHeader};
pub use direct::{Call, Reply, Response};
pub use fault::{Fault, FaultError, FaultKind};
pub use known_quirks::parse_quirks;
pub use log::LoggedRequest;
pub use quirks::{QuirkError, QuirkSet};

use fault::Faults;
use server::Shared;
use world::World;

/// A running sandbox. Dropping it ends it at once; [`stop`](Sandbox::stop) lets open requests finish first.
pub struct Sandbox {
    origin: String,
    shared: Shared,
    stop: watch::Sender<bool>,
    server: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts listening. Fails when the address cannot be had, when the time scale is not above zero, or when a quirk is
    /// not known.
    pub async fn start(config: Config) -> io::Result<Self> {
        let wrong = |why: String| io::Error::new(io::ErrorKind::InvalidInput, why);
        check(&config).map_err(wrong)?;
        let listener = TcpListener::bind(config.listen).await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let shared = Shared::new(World::new(config));
        let (stop, stopped) = watch::channel(false);
        let server = Some(tokio::spawn(server::run(listener, shared.clone(), stopped)));
        Ok(Self { origin, shared, stop, server })
    }

    /// A sandbox that listens nowhere: [`call`](Sandbox::call) hands it requests. Fails as [`start`](Sandbox::start) does.
    pub fn without_network(config: Config) -> Result<Self, String> {
        check(&config)?;
        let shared = Shared::new(World::new(config));
        Ok(Self { origin: "https://sandbox.invalid".to_owned(), shared, stop: watch::channel(false).0, server: None })
    }

    /// The origin, such as `http://127.0.0.1:40123`.
    pub fn url(&self) -> String {
        self.origin.clone()
    }

    /// The base of a simulated app's paths: what the app's `url` has to be.
    pub fn app_url(&self, connector: &str, tenant: &str) -> String {
        format!("{}/{connector}/{tenant}", self.url())
    }

    /// The sandbox time.
    pub fn now(&self) -> Timestamp {
        self.shared.lock().clock.now()
    }

    /// Moves the sandbox clock forward.
    pub fn advance(&self, by: Duration) {
        self.shared.lock().clock.advance(by);
    }

    /// Replaces the faults; each new one starts counting at the next request.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.shared.lock().faults = Faults::new(faults);
    }

    /// Replaces the quirks that are on at a tenant.
    pub fn set_quirks(&self, connector: &str, tenant: &str, quirks: &[&str]) -> Result<(), DriftError> {
        let key = (connector.to_owned(), tenant.to_owned());
        self.shared.lock().set_quirks(&key, quirks.iter().map(|name| (*name).to_owned()))
    }

    /// The requests so far, oldest first.
    pub fn log(&self) -> Vec<LoggedRequest> {
        self.shared.lock().log.entries()
    }

    /// Forgets the requests so far.
    pub fn clear_log(&self) {
        self.shared.lock().log.clear();
    }

    /// Every account of a tenant, in the order of the app's list.
    pub fn accounts(&self, connector: &str, tenant: &str) -> Result<Vec<AccountView>, DriftError> {
        self.with_app(connector, tenant, |app| Ok(app.accounts()))
    }

    /// One account, by id or email.
    pub fn account(&self, connector: &str, tenant: &str, account: &str) -> Result<AccountView, DriftError> {
        let is_it = |view: &AccountView| view.id == account || view.email.eq_ignore_ascii_case(account);
        let found = self.accounts(connector, tenant)?.into_iter().find(is_it);
        found.ok_or_else(|| DriftError::UnknownAccount(account.to_owned()))
    }

    /// The app's own row of a membership, for apps whose memberships have more than a role; account by id or email. A row
    /// that lists hide is shown.
    pub fn membership(
        &self,
        connector: &str,
        tenant: &str,
        account: &str,
        group: &str,
    ) -> Result<serde_json::Value, DriftError> {
        let missing = || DriftError::NotAMember { account: account.to_owned(), group: group.to_owned() };
        self.with_app(connector, tenant, |app| app.membership(account, group).ok_or_else(missing))
    }

    /// Every group of a tenant, sorted by id.
    pub fn groups(&self, connector: &str, tenant: &str) -> Result<Vec<GroupView>, DriftError> {
        self.with_app(connector, tenant, |app| Ok(app.groups()))
    }

    /// Adds an account behind the client's back; returns its id. No invitation is counted.
    pub fn add_account(&self, connector: &str, tenant: &str, account: NewAccount) -> Result<String, DriftError> {
        self.with_app(connector, tenant, |app| app.add_account(account))
    }

    /// Changes an account (by id or email) behind the client's back, in ways the API may refuse.
    pub fn patch_account(
        &self,
        connector: &str,
        tenant: &str,
        account: &str,
        patch: AccountPatch,
    ) -> Result<(), DriftError> {
        self.with_app(connector, tenant, |app| app.patch_account(account, patch))
    }

    /// Removes an account (by id or email) behind the client's back.
    pub fn remove_account(&self, connector: &str, tenant: &str, account: &str) -> Result<(), DriftError> {
        self.with_app(connector, tenant, |app| app.remove_account(account))
    }

    /// Adds a group, or renames the one with this id.
    pub fn put_group(&self, connector: &str, tenant: &str, id: &str, name: &str) -> Result<(), DriftError> {
        self.with_app(connector, tenant, |app| {
            app.put_group(GroupView { id: id.to_owned(), name: name.to_owned() });
            Ok(())
        })
    }

    /// Makes an account (by id or email) a member of a group (by id), or changes its role there.
    pub fn put_membership(
        &self,
        connector: &str,
        tenant: &str,
        account: &str,
        group: &str,
        role: &str,
    ) -> Result<(), DriftError> {
        self.with_app(connector, tenant, |app| app.put_membership(account, group, role))
    }

    /// Ends a membership.
    pub fn remove_membership(
        &self,
        connector: &str,
        tenant: &str,
        account: &str,
        group: &str,
    ) -> Result<(), DriftError> {
        self.with_app(connector, tenant, |app| app.remove_membership(account, group))
    }

    /// Stops accepting, lets open requests finish, and returns when all is over.
    pub async fn stop(mut self) {
        // Nobody listening any more means that it has stopped already.
        self.stop.send_replace(true);
        if let Some(server) = self.server.take()
            && let Err(error) = server.await
        {
            tracing::warn!(%error, "the sandbox's server did not end well");
        }
    }

    fn with_app<T>(
        &self,
        connector: &str,
        tenant: &str,
        act: impl FnOnce(&mut dyn app::App) -> Result<T, DriftError>,
    ) -> Result<T, DriftError> {
        let mut world = self.shared.lock();
        act(world.app(&(connector.to_owned(), tenant.to_owned()))?)
    }
}

/// What makes no sense in a configuration.
fn check(config: &Config) -> Result<(), String> {
    if !(config.time_scale.is_finite() && config.time_scale > 0.0) {
        return Err("the time scale must be a number above zero".to_owned());
    }
    known_quirks::check(&config.quirks).map_err(|error| error.to_string())
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Aborting the server drops its connections too, since they live in its task set.
        if let Some(server) = self.server.take() {
            server.abort();
        }
    }
}
