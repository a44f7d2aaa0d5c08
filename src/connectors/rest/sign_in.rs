//! Signing in as a manifest says.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use secrecy::ExposeSecret;
use serde_json::Value;

use super::{
    RestConnector,
    manifest::{AuthShape, Manifest},
    template::Bindings,
    wire::{self, Role, Token},
};
use crate::{
    connectors::{
        Connector, Error, Looked, OptionSpec, Wiring, Writer,
        connector::below,
        http::{Scheme, TokenCall, TokenPlace, UNSTATED_LIFE},
    },
    model::{CatalogueError, Options, Semantics},
};

impl Connector for Manifest {
    fn options(&self) -> Vec<OptionSpec> {
        self.options.specs()
    }

    fn semantics(&self, options: &Options) -> Result<Arc<Semantics>, CatalogueError> {
        self.options.check(options)?;
        let rule = |role: &Option<Role>| {
            role.as_ref().map(|role| role.rule(|_, name| self.options.roles(options, name))).transpose()
        };
        let mut semantics = Semantics::clone(&self.semantics);
        semantics.role = rule(&self.accounts.role)?;
        semantics.members.role = rule(&self.members.role)?;
        Ok(Arc::new(semantics))
    }

    fn secret_keys(&self) -> Vec<String> {
        match &self.auth {
            AuthShape::Oauth { .. } => vec!["client_id".into(), "client_secret".into()],
            AuthShape::Bearer | AuthShape::Header(_) => vec!["token".into()],
            AuthShape::Basic => vec!["username".into(), "password".into()],
            AuthShape::Login(login) => {
                let holes = login.body.holes();
                let keys: BTreeSet<_> = holes.iter().filter_map(|hole| hole.strip_prefix("secret.")).collect();
                keys.into_iter().map(str::to_owned).collect()
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
            AuthShape::Login(wire::Login { post, body, token, send, prefix, life }) => {
                let mut bindings = Bindings::new();
                for key in self.secret_keys() {
                    let secret = wiring.secret(&key)?.expose_secret();
                    bindings.insert(format!("secret.{key}").into(), Value::from(secret));
                }
                Scheme::Token(Box::new(TokenCall {
                    url: wiring.token_url(post),
                    content_type: "application/json",
                    client: None,
                    body: body.fill(&bindings).unwrap_or(Value::Null).to_string().into(),
                    token: match token {
                        Token::Header(name) => TokenPlace::Header(name.clone()),
                        Token::Body(path) => TokenPlace::Body(path.pointer()),
                    },
                    send: send.clone(),
                    prefix: prefix.clone(),
                    life: Some(life.filter(|seconds| *seconds > 0).map_or(UNSTATED_LIFE, Duration::from_secs)),
                    scopes: Vec::new(),
                }))
            }
        })
    }

    fn connect(&self, wiring: &Wiring<'_>, options: &Options) -> Result<Arc<dyn Writer>, Error> {
        let setup = |detail: String| wiring.setup(detail, "correct the app's `options`");
        let base = match &self.base {
            None => wiring.url.clone(),
            Some(base) => {
                let path = base.text(&self.options.bindings(options));
                let path = path.ok_or_else(|| setup("an option that `base` needs has no value".into()))?;
                below(wiring.url, &path)
            }
        };
        let semantics = self.semantics(options).map_err(|error| setup(error.to_string()))?;
        let headers = self.headers.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
        let http = wiring.client(base, headers, "", &semantics.limits)?;
        let members = wiring.app.groups.values().flat_map(|group| group.managed.iter().cloned()).collect();
        let managed = Looked { accounts: &wiring.app.managed, members: &members };
        Ok(Arc::new(RestConnector::new(self.clone(), semantics, http, options.clone(), managed)))
    }
}
