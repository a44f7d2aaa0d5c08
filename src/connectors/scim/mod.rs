//! SCIM 2.0 (RFC 7643, 7644 and 9865), for any server that speaks it.
//!
//! Servers keep to the standard to very different degrees. So what is announced is a hint, what an answer lacks is tolerated,
//! what a filter returns is verified, and each known difference is an option with a [`profile`] as its default. A removal
//! names the member; nothing is ever removed by leaving it out, unless a server knows no other way.
//!
//! [`patch`] is pure; [`users`] translates; [`lists`], [`reading`], [`writing`] and [`members`] speak to the server.

mod attribute;
mod choice;
mod declared;
mod discovery;
mod lists;
mod members;
mod memory;
mod options;
mod patch;
mod profile;
mod reading;
mod users;
mod vendors;
mod writing;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

use self::{
    discovery::Discovered,
    memory::{Memory, Turns},
    profile::Profile,
};
use super::{
    Connector, Error, ErrorKind, OptionSpec, OverHttp, Wiring, Writer,
    http::{ClientStyle, HttpClient, Method, Request, Scheme},
};
use crate::model::{CatalogueError, Options, Semantics};

/// The protocol's own media type, and the plain one that some servers know alone.
const ACCEPT: &str = "application/scim+json, application/json";

/// The media type of what is sent.
const CONTENT_TYPE: &str = "application/scim+json";

/// The connector for servers that speak SCIM.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scim;

impl Connector for Scim {
    fn options(&self) -> Vec<OptionSpec> {
        choice::specs()
    }

    fn semantics(&self, options: &Options) -> Result<Arc<Semantics>, CatalogueError> {
        Ok(Arc::new(Profile::of(options)?.semantics()))
    }

    fn secret_keys(&self) -> Vec<String> {
        ["token", "client_id", "client_secret"].map(str::to_owned).to_vec()
    }

    /// A token that was made in the app's admin pages, or client credentials where the app issues tokens.
    fn scheme(&self, wiring: &Wiring<'_>) -> Result<Scheme, String> {
        if let Ok(token) = wiring.secret("token") {
            return Ok(Scheme::bearer(token));
        }
        wiring.secret("client_id").map_err(|_| "token")?;
        wiring.client_credentials(wiring.token_url.cloned().ok_or("token_url")?, ClientStyle::Basic, &[])
    }

    fn connect(&self, wiring: &Wiring<'_>, options: &Options) -> Result<Arc<dyn Writer>, Error> {
        let profile = Profile::of(options).map_err(|problem| wiring.setup(problem.to_string(), "correct `options`"))?;
        let semantics = Arc::new(profile.semantics());
        let headers =
            vec![("accept".to_owned(), ACCEPT.to_owned()), ("content-type".to_owned(), CONTENT_TYPE.to_owned())];
        let http = wiring.client(wiring.url.clone(), headers, "", &semantics.limits)?;
        Ok(Arc::new(ScimApp {
            http,
            profile,
            semantics,
            discovered: OnceCell::new(),
            memory: Mutex::default(),
            turns: Turns::default(),
        }))
    }
}

/// A server, and what was learnt about it in this run.
#[derive(Debug)]
struct ScimApp {
    http: HttpClient,
    profile: Profile,
    semantics: Arc<Semantics>,
    discovered: OnceCell<Discovered>,
    memory: Mutex<Memory>,
    turns: Turns,
}

impl OverHttp for ScimApp {
    fn declared(&self) -> &Arc<Semantics> {
        &self.semantics
    }

    fn clients(&self) -> Vec<&HttpClient> {
        vec![&self.http]
    }
}

impl ScimApp {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        // What is remembered is whole entries, which a panic elsewhere cannot leave half-written.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what to do next, where this protocol knows more about it.
    fn explain(&self, error: Error) -> Error {
        let hint = match (error.kind, error.status) {
            (ErrorKind::Auth, _) => format!(
                "SCIM tokens end silently: make a new one in the app's SCIM settings and put it under `auth`{}",
                self.profile.sign_in_hint
            ),
            (_, Some(400)) if error.detail.ends_with("(mutability)") => {
                "the server does not let this attribute be changed: leave the field out of the files".into()
            }
            (_, Some(400)) if error.request.starts_with(Method::Patch.as_str()) => {
                "the server may want another dialect: see `options.operations`, `booleans`, `member_removal` and `patch`".into()
            }
            _ => return error,
        };
        error.hinted(hint)
    }

    fn lacks(&self, id: &str, what: &str) -> Error {
        self.http.error(&Request::new(Method::Patch, format!("…/{id}")), ErrorKind::Unsupported, None, what)
    }
}
