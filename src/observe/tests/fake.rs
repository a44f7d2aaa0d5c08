//! An app like Autodesk in memory: its list shows little, and roles and teams take a request for each account.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    connectors::{AccountGroup, App, Error, ErrorKind, Lane, Listing, Reader, Registry},
    model::*,
};

/// Rows on a page of the list.
const PAGE: usize = 100;

/// What there is, and what was asked.
#[derive(Debug, Default)]
pub(super) struct World {
    /// By their ids.
    pub accounts: BTreeMap<String, Account>,
    /// Ids whose single reads fail.
    pub broken: BTreeSet<String>,
    /// The list breaks off.
    pub cut_off: bool,
    /// Every single read, in order, as `account ID` and `groups ID`.
    pub asked: Vec<String>,
    requests: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Account {
    pub email: String,
    pub status: AccountStatus,
    pub role: String,
    /// Ids of teams, each called like its id in capitals.
    pub teams: BTreeSet<String>,
}

pub(super) struct Fake {
    semantics: Arc<Semantics>,
    world: Mutex<World>,
}

pub(super) fn email(id: &str) -> String {
    format!("{id}@example.com")
}

/// An error of this kind.
pub(super) fn error(kind: ErrorKind) -> Error {
    Error { kind, app: "a".into(), request: "GET /".into(), status: None, detail: format!("{kind:?}"), hint: None }
}

fn complete<T>(rows: Vec<T>) -> Listing<T> {
    Listing { rows, coverage: Coverage::Complete }
}

impl Fake {
    /// Active accounts with these ids, in no team.
    pub(super) fn new(ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let semantics = Registry::default().semantics("autodesk", &Options::new()).unwrap();
        let fake = Self { semantics, world: Mutex::default() };
        ids.into_iter().for_each(|id| fake.put(&id.into(), |_| {}));
        fake
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Makes an account, or changes it.
    pub(super) fn put(&self, id: &str, change: impl FnOnce(&mut Account)) {
        let new =
            || Account { email: email(id), status: AccountStatus::Active, role: "user".into(), teams: BTreeSet::new() };
        change(self.world().accounts.entry(id.to_owned()).or_insert_with(new));
    }

    /// Single reads since the last call.
    pub(super) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.world().asked)
    }

    /// The app as the files would know it, with a team `DESIGN` that has these members.
    pub(super) fn app(&self, members: &[&str]) -> DesiredApp {
        let claim = || Claim {
            window: Window::ALWAYS,
            values: [("role".into(), "member".into())].into(),
            because: vec![Place::new("all.yaml", 1, 1)],
            reason: None,
        };
        let group = DesiredGroup {
            name: "DESIGN".into(),
            id: Some("design".into()),
            state: GroupState::Present,
            mode: Mode::Enforce,
            policy: Policy::default(),
            values: Values::new(),
            members: members.iter().map(|id| (Email::lenient(&email(id)), vec![claim()])).collect(),
            managed: ["role".into()].into(),
            place: Place::new("all.yaml", 1, 1),
        };
        DesiredApp {
            name: "a".into(),
            semantics: self.semantics.clone(),
            connector: "autodesk".into(),
            url: "https://a.example.com".parse().unwrap(),
            auth: Auth::default(),
            options: Options::new(),
            budget: BudgetSpec::default(),
            mode: Mode::Enforce,
            seats: None,
            self_account: None,
            policy: Policy::default(),
            defaults: Values::new(),
            grantable: Default::default(),
            managed: BTreeSet::new(),
            accounts: BTreeMap::new(),
            groups: [("DESIGN".into(), group)].into(),
            ids: BTreeMap::new(),
            place: Place::new("all.yaml", 1, 1),
        }
    }

    fn single(&self, what: &str, id: &str) -> Result<Option<Account>, Error> {
        let mut world = self.world();
        world.requests += 1;
        world.asked.push(format!("{what} {id}"));
        if world.broken.contains(id) {
            return Err(error(ErrorKind::Server));
        }
        Ok(world.accounts.get(id).cloned())
    }
}

/// An account as the list shows it, or with its role.
fn live(id: &str, account: &Account, whole: bool) -> LiveAccount {
    let role = whole.then(|| ("role".into(), Some(account.role.as_str().into())));
    LiveAccount {
        other_addresses: Default::default(),
        id: id.into(),
        email: Email::lenient(&account.email),
        status: account.status.clone(),
        values: role.into_iter().collect(),
        created_at: Some(Timestamp::UNIX_EPOCH),
    }
}

impl App for Fake {
    fn app(&self) -> &str {
        "a"
    }

    fn semantics(&self) -> &Arc<Semantics> {
        &self.semantics
    }

    fn requests(&self) -> u64 {
        self.world().requests
    }
}

#[async_trait]
impl Reader for Fake {
    async fn accounts(&self, _: Lane) -> Result<Listing<LiveAccount>, Error> {
        let mut world = self.world();
        world.requests += world.accounts.len().div_ceil(PAGE).max(1) as u64;
        let mut listing = complete(world.accounts.iter().map(|(id, account)| live(id, account, false)).collect());
        if world.cut_off {
            listing.rows.truncate(listing.rows.len() / 2);
            listing.coverage = Coverage::Incomplete("page 2 did not come".into());
        }
        Ok(listing)
    }

    async fn account(&self, id: &str, _: Lane) -> Result<Option<LiveAccount>, Error> {
        Ok(self.single("account", id)?.map(|account| live(id, &account, true)))
    }

    async fn find(&self, email: &Email, _: Lane) -> Result<Listing<LiveAccount>, Error> {
        let mut world = self.world();
        world.requests += world.accounts.len().div_ceil(PAGE).max(1) as u64;
        world.asked.push(format!("find {email}"));
        let found = world.accounts.iter().filter(|(_, account)| Email::lenient(&account.email) == *email);
        let mut listing = complete(found.map(|(id, account)| live(id, account, false)).collect());
        if world.cut_off && listing.rows.is_empty() {
            listing.coverage = Coverage::Incomplete("page 2 did not come".into());
        }
        Ok(listing)
    }

    async fn groups(&self, _: Lane) -> Result<Listing<LiveGroup>, Error> {
        Ok(complete(Vec::new()))
    }

    async fn members(&self, _: &str, _: Lane) -> Result<Listing<LiveMember>, Error> {
        Err(error(ErrorKind::Unsupported))
    }

    async fn memberships(&self, id: &str, _: Lane) -> Result<Listing<AccountGroup>, Error> {
        let account = self.single("groups", id)?.ok_or_else(|| error(ErrorKind::NotFound))?;
        let values = || BTreeMap::from([("role".into(), Some("member".into()))]);
        let membership = |team: &String| AccountGroup {
            group_id: team.as_str().into(),
            group_name: team.to_uppercase().into(),
            member: LiveMember::new(id.into(), values()),
        };
        Ok(complete(account.teams.iter().map(membership).collect()))
    }
}
