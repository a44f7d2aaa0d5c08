//! Which connectors there are, and how one is put together for an app: manifest, credential, budget, client.

use std::{path::PathBuf, sync::Arc};

use url::Url;

use super::{
    Error, Writer,
    acc::AccModule,
    buckets::Buckets,
    connector::{Connector, Wiring, check_options, did_you_mean},
    http::transport::is_loopback,
    outside::Outside,
    rest::{BUILT_IN, Manifest},
    scim::Scim,
    secrets::{self, Override, SecretSource},
};
use crate::model::{CatalogueError, ConnectorCatalogue, DesiredApp, Options, Semantics};

/// A connector that is made anew.
type Make = fn() -> Arc<dyn Connector>;

/// The connectors that are code, by name, sorted.
const MODULES: [(&str, Make); 2] = [("acc", || Arc::new(AccModule)), ("scim", || Arc::new(Scim))];

/// Reads manifests by the paths that the files give them.
pub type ManifestSource = Box<dyn Fn(&str) -> Result<String, String> + Send + Sync>;

/// The connectors there are. Apps that use one credential share its budget.
#[derive(Default)]
pub struct Registry {
    /// How manifests are read; without it there are none but the built-in ones.
    manifests: Option<ManifestSource>,
    /// What connected apps draw on.
    pub buckets: Buckets,
    outside: Outside,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("buckets", &self.buckets).finish_non_exhaustive()
    }
}

impl ConnectorCatalogue for Registry {
    fn semantics(&self, name: &str, options: &Options) -> Result<Arc<Semantics>, CatalogueError> {
        let connector = self.connector(name).map_err(CatalogueError::Connector)?;
        let mut wrong = check_options(&connector.options(), options);
        if wrong.is_empty() {
            return connector.semantics(options);
        }
        // A value may be wrong as well; what is missing has been said.
        let key = |error: &CatalogueError| match error {
            CatalogueError::Option { key, .. } => Some(key.clone()),
            _ => None,
        };
        let error = connector.semantics(options).err();
        wrong.extend(error.filter(|error| wrong.iter().all(|said| key(said) != key(error))));
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
        self.manifests.as_ref().filter(|_| !built_in && Self::is_path(name)).and_then(|read| read(name).ok())
    }
}

impl Registry {
    /// Whether a connector's name is the path of a manifest.
    fn is_path(name: &str) -> bool {
        name.contains('/') || name.ends_with(".yaml") || name.ends_with(".yml")
    }

    /// The built-in connectors, and manifests by whatever path from `directory` on: for paths that somebody typed, not for
    /// those that files name.
    pub fn new(directory: Option<PathBuf>) -> Self {
        let source = |directory: PathBuf| -> ManifestSource {
            Box::new(move |name| {
                let path = directory.join(name);
                std::fs::read_to_string(&path)
                    .map_err(|error| format!("the manifest {} cannot be read: {error}", path.display()))
            })
        };
        Self { manifests: directory.map(source), ..Self::default() }
    }

    /// The built-in connectors, and manifests from elsewhere than the disk.
    pub fn with_manifests(manifests: ManifestSource) -> Self {
        Self { manifests: Some(manifests), ..Self::default() }
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
        let manifest = |file: &str, text: &str| -> Result<Arc<dyn Connector>, String> {
            Ok(Arc::new(Manifest::parse(file, text).map_err(|error| error.to_string())?))
        };
        if let Some((_, text)) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name) {
            return manifest(&format!("{name}.yaml"), text);
        }
        if let Some((_, module)) = MODULES.iter().find(|(built_in, _)| *built_in == name) {
            return Ok(module());
        }
        if let Some(read) = self.manifests.as_ref().filter(|_| Self::is_path(name)) {
            return manifest(name, &read(name)?);
        }
        let names = self.names();
        let all = || format!("there are {}, or give the path of a manifest", names.join(", "));
        let hint = did_you_mean(name, names.iter().map(String::as_str)).unwrap_or_else(all);
        Err(format!("there is no connector `{name}`: {hint}"))
    }

    /// A connector for an app, ready to read and write.
    ///
    /// # Errors
    /// When a secret is missing, or the connector cannot be set up. Nothing is sent.
    pub fn connect(
        &self,
        app: &DesiredApp,
        source: &dyn SecretSource,
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
            Some(instead) => secrets::stand_ins(keys, instead),
            None => secrets::credentials(keys, app, source).map_err(|wrong| setup(wrong, None))?,
        };
        let token_url = app.auth.token_url.as_ref().filter(|_| instead.is_none());
        let allowed = instead.is_some() || app.options.get(CLEARTEXT).is_some_and(|value| *value == true);
        if let Some(open) = [Some(url), token_url].into_iter().flatten().find(|url| is_open(url) && !allowed) {
            return Err(setup(
                format!("{}://{} would carry the credential unencrypted", open.scheme(), open.authority()),
                Some("write https://, or `options: { allow_cleartext: true }` if nobody can listen in between"),
            ));
        }
        let wiring = Wiring {
            connector: &*connector,
            app,
            url,
            credentials: &credentials,
            token_url,
            // Stand-ins are no secrets, and masking their words would only garble texts.
            secret: instead.is_none(),
            buckets: &self.buckets,
            outside: &self.outside,
        };
        connector.connect(&wiring, &app.options)
    }
}

/// The option that lets a credential go over a network unencrypted.
const CLEARTEXT: &str = "allow_cleartext";

/// Whether whoever listens on the network reads along.
fn is_open(url: &Url) -> bool {
    url.scheme() == "http" && !is_loopback(url)
}

#[cfg(test)]
mod tests {
    use super::*;

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
