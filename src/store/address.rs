//! Where a store is.

use std::path::{self, Path, PathBuf};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::{
    Trouble,
    error::{Fault, StoreError},
};

/// Where a store is.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// In a file.
    File(PathBuf),
    /// In memory, for as long as the process lives.
    Memory,
    /// On a PostgreSQL server. The address may hold a password.
    Postgres(Url),
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let fault = |detail: &str| Err(Fault::new(Trouble::Address, detail).at(&masked(url), "opening it"));
        if let Some(rest) = url.strip_prefix("sqlite:") {
            if rest == ":memory:" {
                return Ok(Self::Memory);
            }
            let file = rest.strip_prefix("//").unwrap_or(rest);
            if file.is_empty() {
                return fault("it names no file");
            }
            if file.contains('?') {
                return fault("an address of SQLite takes no options");
            }
            // The working directory may change later; the store must not.
            return match path::absolute(file) {
                Ok(file) => Ok(Self::File(file)),
                Err(error) => fault(&error.to_string()),
            };
        }
        if ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return match Url::parse(url) {
                Ok(url) => match url.query_pairs().find(|(name, _)| !is_known(name)) {
                    None => Ok(Self::Postgres(url)),
                    // What is no name may be a part of a password that was not escaped.
                    Some((name, _)) if is_plain(&name) => {
                        fault(&format!("`{name}` is no parameter of such an address"))
                    }
                    Some(_) => fault("behind its question mark is something that is no parameter"),
                },
                Err(error) => fault(&format!("it is no address: {error}")),
            };
        }
        fault("it is neither SQLite nor PostgreSQL")
    }

    /// The address for people, without a password.
    pub(super) fn name(&self) -> String {
        match self {
            Self::File(file) => format!("sqlite:{}", file.display()),
            Self::Memory => "sqlite::memory:".into(),
            // What stands behind the question mark may be a password too.
            Self::Postgres(url) => {
                let user = Some(url.username()).filter(|user| !user.is_empty()).map(|user| format!("{user}@"));
                let port = url.port().map(|port| format!(":{port}"));
                format!(
                    "postgres://{}{}{}{}",
                    user.unwrap_or_default(),
                    url.host_str().unwrap_or_default(),
                    port.unwrap_or_default(),
                    url.path()
                )
            }
        }
    }

    /// The address for the driver.
    pub(super) fn url(&self) -> Result<Url, Fault> {
        let text = match self {
            Self::Memory => "sqlite::memory:".to_owned(),
            Self::File(file) => format!("sqlite:{}?mode=rwc", escaped(file)?),
            Self::Postgres(url) => return Ok(url.clone()),
        };
        Url::parse(&text).map_err(|error| Fault::new(Trouble::Address, error.to_string()))
    }
}

/// Parameters that the driver takes. It logs any other one together with its value, which may be a password.
const PARAMETERS: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

fn is_known(name: &str) -> bool {
    PARAMETERS.contains(&name) || (name.starts_with("options[") && name.ends_with(']'))
}

fn is_plain(name: &str) -> bool {
    // No parameter of PostgreSQL has a longer name, nor one with digits.
    name.len() <= 32 && !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || "_-".contains(c))
}

/// Everything but letters and digits is escaped, so that no part of a path reads as anything else.
fn escaped(file: &Path) -> Result<String, Fault> {
    let text = file.to_str().ok_or_else(|| Fault::new(Trouble::Address, "its path is not UTF-8"))?;
    Ok(utf8_percent_encode(text, NON_ALPHANUMERIC).to_string())
}

/// What may be shown of an address that makes no sense: it could hold a password anywhere behind its scheme.
fn masked(url: &str) -> String {
    match url.split_once(':') {
        Some(("sqlite", _)) => url.to_owned(),
        Some((scheme, _)) if scheme.len() < url.len() && scheme.chars().all(|c| c.is_ascii_alphanumeric()) => {
            format!("{scheme}:…")
        }
        _ => "…".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expect: &str) {
        let said = match Address::parse(url) {
            Ok(address) => address.name(),
            Err(error) => error.to_string(),
        };
        assert!(said.contains(expect), "{url}: {said}");
        assert!(!said.contains("hunter2"), "{url}: {said}");
    }

    #[test]
    fn an_address_is_shown_without_its_password() {
        check("postgres://ros:hunter2@db.example.com:5433/rosterd", "postgres://ros@db.example.com:5433/rosterd");
        check("postgresql://db.example.com/rosterd?user=ros&password=hunter2", "postgres://db.example.com/rosterd");
        check("postgres://ros:hunter2@db.example.com:port/rosterd", "store postgres:…: opening it: it is no address");
        // sqlx would log what it does not know, with its value.
        check("postgres://ros@db/rosterd?sslmode=require&sslpassword=hunter2", "`sslpassword` is no parameter");
        check("postgres://ros@db/rosterd?hunter2", "is something that is no parameter");
        check("postgres://ros@db/rosterd?options[search_path]=x&sslmode=require", "postgres://ros@db/rosterd");
        check("mysql://ros:hunter2@db/rosterd", "it is neither SQLite nor PostgreSQL");
        check("ros:hunter2@db/rosterd", "it is neither SQLite nor PostgreSQL (write sqlite:PATH or postgres://");
    }

    #[test]
    fn a_file_is_named_by_its_whole_path() {
        check("sqlite:///var/lib/rosterd/state.db", "sqlite:/var/lib/rosterd/state.db");
        check("sqlite:/var/lib/rosterd/state.db", "sqlite:/var/lib/rosterd/state.db");
        check("sqlite:state.db", &format!("sqlite:{}", path::absolute("state.db").unwrap().display()));
        check("sqlite::memory:", "sqlite::memory:");
        check("sqlite:", "it names no file");
        check("sqlite:state.db?mode=ro", "takes no options");
    }
}
