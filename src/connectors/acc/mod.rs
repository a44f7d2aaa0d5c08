//! Autodesk Construction Cloud: accounts through the older family of its API (`hq`), projects and their members through
//! the newer one (`construction/admin`). A project is a group; its members have a level (admin or member), industry roles
//! and a company.
//!
//! The traps, and where each is met: lists and queries ([`pages`], [`reader`]) · two dialects and their statuses
//! ([`rows`]) · products that follow from the level ([`products`]) · names for ids ([`names`]) · imports that only promise
//! ([`writer`], and the executor's reading back).

mod names;
mod pages;
mod products;
mod reader;
mod rows;
mod semantics;
mod settings;
mod writer;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use self::{names::Names, pages::Family, rows::Project, settings::Settings};
use super::{
    Connector, Error, ErrorKind, OptionSpec, OverHttp, Wiring, Writer,
    connector::below,
    http::{ClientStyle, HttpClient, Method, Request, Scheme, segment},
};
use crate::model::{CatalogueError, Notice, Options, Semantics};

/// What the token is asked to allow.
const SCOPES: [&str; 2] = ["account:read", "account:write"];

/// Where `hq` looks when no region is named. It is named all the same, so that nobody has to know this.
const DEFAULT_REGION: &str = "US";

/// The connector before it is connected.
#[derive(Debug, Clone, Copy)]
pub(super) struct AccModule;

/// An id that is nobody's, where only its presence matters.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

impl Connector for AccModule {
    fn options(&self) -> Vec<OptionSpec> {
        settings::specs()
    }

    fn usual_options(&self) -> Options {
        let given = [("account_id", NOBODY), ("acting_user", NOBODY)];
        given.map(|(name, value)| (name.into(), value.into())).into()
    }

    fn semantics(&self, options: &Options) -> Result<Arc<Semantics>, CatalogueError> {
        Ok(Arc::new(semantics::of(&Settings::parse(options)?)))
    }

    fn secret_keys(&self) -> Vec<String> {
        vec!["client_id".into(), "client_secret".into()]
    }

    fn scheme(&self, wiring: &Wiring<'_>) -> Result<Scheme, String> {
        let url = wiring.token_url("authentication/v2/token");
        wiring.client_credentials(url, ClientStyle::Basic, &SCOPES.map(str::to_owned))
    }

    fn connect(&self, wiring: &Wiring<'_>, options: &Options) -> Result<Arc<dyn Writer>, Error> {
        let settings =
            Settings::parse(options).map_err(|wrong| wiring.setup(wrong.to_string(), "correct `options`"))?;
        let mut headers: Vec<(String, String)> = Vec::new();
        headers.extend(settings.region.iter().map(|region| ("Region".to_owned(), region.clone())));
        headers.extend(settings.acting_user.iter().map(|user| ("User-Id".to_owned(), user.clone())));
        let region = settings.region.clone().unwrap_or_else(|| DEFAULT_REGION.to_owned());
        let base = |path| below(wiring.url, path);
        let hq = wiring.client(base("hq/v1"), vec![("Region".into(), region)], "hq", &semantics::hq_limits())?;
        let limits = semantics::construction_limits();
        let construction = wiring.client(base("construction/admin"), headers, "construction", &limits)?;
        Ok(Arc::new(Acc {
            semantics: Arc::new(semantics::of(&settings)),
            roles: Names::new(
                settings.roles.clone(),
                "names of roles are learnt from members of declared projects: give one the role by hand, or write its id \
                 under `options.roles`",
            ),
            companies: Names::new(
                settings.companies.clone(),
                "make the company in ACC, Account Admin, Companies, or correct its name",
            ),
            construction: Family::construction(construction.signed_in_with(&hq)),
            hq: Family::hq(hq),
            settings,
            state: Mutex::default(),
        }))
    }
}

/// One account, ready to be read and written.
#[derive(Debug)]
pub(super) struct Acc {
    settings: Settings,
    semantics: Arc<Semantics>,
    /// Accounts.
    hq: Family,
    /// Projects, their members, companies.
    construction: Family,
    roles: Names,
    companies: Names,
    state: Mutex<State>,
}

/// What was learnt by reading.
#[derive(Debug, Default)]
struct State {
    /// Projects by id, as they were last listed.
    projects: BTreeMap<Arc<str>, Project>,
    /// The account of the acting user.
    own: Option<Arc<str>>,
    /// What a person should know, by what it is about.
    notices: BTreeMap<Arc<str>, Notice>,
}

impl OverHttp for Acc {
    fn declared(&self) -> &Arc<Semantics> {
        &self.semantics
    }

    fn clients(&self) -> Vec<&HttpClient> {
        vec![&self.hq.http, &self.construction.http]
    }
}

impl Acc {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is one assignment or insertion, so that a poisoned state is a whole one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An address below `accounts/…`, each part of which is one segment.
    fn account_path(&self, version: &str, rest: &[&str]) -> Result<String, Error> {
        let account = [version, "accounts", self.settings.account.as_str()];
        let parts = account.into_iter().filter(|part| !part.is_empty()).chain(rest.iter().copied());
        self.path(&parts.collect::<Vec<_>>())
    }

    fn path(&self, parts: &[&str]) -> Result<String, Error> {
        let part = |part: &&str| {
            segment(part).map(|segment| format!("/{segment}")).ok_or_else(|| {
                let detail = format!("`{part}` cannot stand in an address");
                self.hq.error(&Request::new(Method::Get, "…"), ErrorKind::Setup, &detail)
            })
        };
        parts.iter().map(part).collect()
    }
}

/// Says what to do about what these families refuse.
fn explained(error: Error) -> Error {
    let (kind, hint) = match error.status {
        Some(403) => (
            error.kind,
            "an account admin adds the app's client id in ACC, Account Admin, Custom Integrations; and \
             `options.acting_user` has to be an account admin",
        ),
        Some(410) => (error.kind, "the project is no longer available; take it out of the files"),
        // Whatever it waits for may have come about in a moment.
        Some(412) => (ErrorKind::Server, "the project is not ready for this yet: its products may still be activated"),
        Some(422) => (error.kind, "the status of an account that is pending or was never invited cannot be changed"),
        _ => return error,
    };
    Error { kind, ..error.hinted(hint) }
}
