//! The secrets that an app's credential is made of: from where the files say, or made up for a server that stands in.

use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use super::connector::Credentials;
use crate::model::{DesiredApp, SecretRef};

/// Finds secrets that the files refer to.
pub trait SecretSource: Send + Sync {
    /// The secret.
    ///
    /// # Errors
    /// Why there is none, as the end of a sentence: "the variable X is not set".
    fn resolve(&self, secret: &SecretRef) -> Result<SecretString, String>;
}

/// Secrets from this process's environment, and from files.
#[derive(Debug, Clone, Default)]
pub struct ProcessSecrets {
    /// Where relative paths begin; the working directory, when it is empty.
    folder: PathBuf,
}

impl ProcessSecrets {
    /// Secrets of files whose relative paths begin in this folder.
    pub fn beside(folder: PathBuf) -> Self {
        Self { folder }
    }
}

impl SecretSource for ProcessSecrets {
    fn resolve(&self, secret: &SecretRef) -> Result<SecretString, String> {
        let (what, text) = match secret {
            SecretRef::Env(name) => {
                (format!("the variable {name}"), std::env::var(name).map_err(|_| "is not set".to_owned()))
            }
            SecretRef::File(path) => {
                let path = self.folder.join(path);
                let text = std::fs::read_to_string(&path).map_err(|error| format!("cannot be read: {error}"));
                (format!("the file {}", path.display()), text)
            }
        };
        match text.map_err(|why| format!("{what} {why}"))?.trim_end() {
            "" => Err(format!("{what} is empty")),
            text => Ok(text.into()),
        }
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

/// The secrets under these keys of `auth`. Only what the connector uses is read.
///
/// # Errors
/// All that could not be read, at once.
pub(super) fn credentials(
    keys: Vec<String>,
    app: &DesiredApp,
    secrets: &dyn SecretSource,
) -> Result<Credentials, String> {
    let mut resolved = Credentials::new();
    let mut missing = Vec::new();
    for key in keys {
        match app.auth.secrets.get(key.as_str()).map(|reference| secrets.resolve(reference)) {
            None => {}
            Some(Ok(secret)) => drop(resolved.insert(key, secret)),
            Some(Err(why)) => missing.push(format!("`auth.{key}`: {why}")),
        }
    }
    if missing.is_empty() { Ok(resolved) } else { Err(missing.join("; ")) }
}

/// Stand-ins for the secrets under these keys of `auth`.
pub(super) fn stand_ins(keys: Vec<String>, instead: &Override) -> Credentials {
    let stand_in = |key: String| match key.as_str() {
        "client_id" | "username" => (key, instead.client_id.clone().into()),
        _ => (key, instead.client_secret.clone()),
    };
    keys.into_iter().map(stand_in).collect()
}
