//! Signing in as a manifest says.

use std::{sync::Arc, time::Duration};

use secrecy::ExposeSecret;
use serde_json::Value;
use url::Url;

use super::{
    RestConnector,
    manifest::{AuthShape, Manifest},
    template::Bindings,
};
use crate::{
    connectors::{
        Connector, Error, Looked, OptionSpec, Wiring, Writer,
        connector::below,
        http::{Scheme, TokenCall, UNSTATED_LIFE},
    },
    model::{CatalogueError, Options, Semantics},
};

impl Manifest {
    /// Where the API's paths begin, for an app at `url`.
    ///
    /// # Errors
    /// When an option that stands in the way there has no value.
    pub fn base_url(&self, url: &Url, options: &Options) -> Result<Url, String> {
        let Some(base) = &self.base else { return Ok(url.clone()) };
        let path = base.text(&self.options.bindings(options));
        Ok(below(url, &path.ok_or("an option that `base` needs has no value")?))
    }

    /// Headers that every request carries.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }
}

impl Connector for Manifest {
    fn options(&self) -> Vec<OptionSpec> {
        self.options.specs.clone()
    }

    fn semantics(&self, options: &Options) -> Result<Arc<Semantics>, CatalogueError> {
        self.options.check(options)?;
        self.roles_from.apply(&self.semantics, &self.options, options)
    }

    fn secret_keys(&self) -> Vec<String> {
        match &self.auth {
            AuthShape::Oauth { .. } => vec!["client_id".into(), "client_secret".into()],
            AuthShape::Bearer | AuthShape::Header(_) => vec!["token".into()],
            AuthShape::Basic => vec!["username".into(), "password".into()],
            AuthShape::Login { body, .. } => {
                let mut keys: Vec<_> =
                    body.holes().iter().filter_map(|hole| hole.strip_prefix("secret.")).map(str::to_owned).collect();
                keys.sort();
                keys.dedup();
                keys
            }
        }
    }

    fn scheme(&self, wiring: &Wiring<'_>) -> Result<Scheme, String> {
        Ok(match &self.auth {
            AuthShape::Bearer => Scheme::bearer(wiring.secret("token")?),
            AuthShape::Header(name) => Scheme::Fixed(Some((name.clone(), wiring.secret("token")?.clone()))),
            AuthShape::Basic => Scheme::basic(wiring.secret("username")?, wiring.secret("password")?),
            AuthShape::Oauth { path, style, scopes } => {
                wiring.client_credentials(wiring.token_url(path), *style, scopes)?
            }
            AuthShape::Login { path, body, token, send, prefix, life } => {
                let mut bindings = Bindings::new();
                for key in self.secret_keys() {
                    let secret = wiring.secret(&key)?.expose_secret();
                    bindings.insert(format!("secret.{key}").into(), Value::from(secret));
                }
                Scheme::Token(TokenCall {
                    url: wiring.token_url(path),
                    content_type: "application/json",
                    client: None,
                    body: body.fill(&bindings).unwrap_or(Value::Null).to_string().into(),
                    token: token.clone(),
                    send: send.clone(),
                    prefix: prefix.clone(),
                    life: life.filter(|life| *life > Duration::ZERO).or(Some(UNSTATED_LIFE)),
                    scopes: Vec::new(),
                })
            }
        })
    }

    fn connect(&self, wiring: &Wiring<'_>, options: &Options) -> Result<Arc<dyn Writer>, Error> {
        let setup = |detail: String| wiring.setup(detail, "correct the app's `options`");
        let base = self.base_url(wiring.url, options).map_err(setup)?;
        let semantics = self.semantics(options).map_err(|error| setup(error.to_string()))?;
        let http = wiring.client(base, self.headers().to_vec(), "", &semantics.limits)?;
        let members = wiring.app.groups.values().flat_map(|group| group.managed.iter().cloned()).collect();
        let managed = Looked { accounts: &wiring.app.managed, members: &members };
        Ok(Arc::new(RestConnector::new(self.clone(), semantics, http, options.clone(), managed)))
    }
}
