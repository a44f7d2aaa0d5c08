//! What `rosterd observe` writes and `--live` reads: what is live, and where that was. It holds addresses, and no secret.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use url::Url;

use super::{context::Origins, exit::Failure, terminal};
use crate::model::{Desired, Live, LiveApp, ReadFailure};

/// The version of the format.
const VERSION: u32 = 1;

/// Two machines' clocks may be this far apart.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// A snapshot, whose apps are parsed or still text. Older ones hold the apps alone.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound(deserialize = "A: Deserialize<'de>"))]
struct Wire<A = Result<LiveApp, ReadFailure>> {
    #[serde(default)]
    version: Option<u32>,
    /// Whether it is of simulated apps.
    #[serde(default)]
    simulated: bool,
    /// Where each app was.
    #[serde(default)]
    sources: BTreeMap<Arc<str>, Source>,
    apps: BTreeMap<Arc<str>, A>,
}

/// Where an app was, and how it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Source {
    connector: Arc<str>,
    url: String,
}

/// A snapshot as it was read.
pub(super) struct Taken {
    pub live: Live,
    /// Where the simulated apps were that it is of; empty when it is of real ones.
    pub simulated_at: BTreeMap<Arc<str>, String>,
}

/// A snapshot as text. `origins` tell where each app was.
pub(super) fn text(live: Live, desired: &Desired, origins: &Origins, simulated: bool) -> Result<String, Failure> {
    let source = |(name, url): (&Arc<str>, &String)| {
        let connector = desired.apps.get(name)?.connector.clone();
        Some((name.clone(), Source { connector, url: bare(url) }))
    };
    let sources = origins.iter().filter_map(source).collect();
    let wire = Wire { version: Some(VERSION), simulated, sources, apps: live.apps };
    Ok(serde_json::to_string_pretty(&wire).map_err(Failure::new)? + "\n")
}

/// A snapshot that was read and not yet compared with the apps of the files.
pub(super) struct SnapshotFile {
    pub path: PathBuf,
    wire: Wire,
}

/// Reads a snapshot. It does not depend on the organisation's files, so both can be read at the same time.
pub(super) fn read(path: &Path) -> Result<SnapshotFile, Failure> {
    let hint = "a snapshot is what `rosterd observe --out FILE` writes";
    let file = path.display();
    let text = fs::read(path).map_err(|error| Failure::new(format!("cannot read {file}: {error}")).hint(hint))?;
    let wire = parse(&text).map_err(|error| Failure::new(format!("{file} is not a snapshot: {error}")).hint(hint))?;
    Ok(SnapshotFile { path: path.to_owned(), wire })
}

/// Parses the apps of a snapshot, several at once.
fn parse(text: &[u8]) -> serde_json::Result<Wire> {
    let Wire::<&RawValue> { version, simulated, sources, apps } = serde_json::from_slice(text)?;
    let parsed = apps.into_par_iter().map(|(name, app)| Ok((name, serde_json::from_str(app.get())?)));
    match parsed.collect::<serde_json::Result<_>>() {
        Ok(apps) => Ok(Wire { version, simulated, sources, apps }),
        // This error counts lines from the beginning of the app. People look for the line of the file.
        Err(within_app) => serde_json::from_slice::<Wire>(text).and(Err(within_app)),
    }
}

/// Returns what the snapshot holds of the apps in `desired`. It leaves out an app that was read elsewhere than the files say, and
/// warns of what it cannot tell or finds odd.
pub(super) fn of_apps(
    SnapshotFile { path, wire }: SnapshotFile,
    desired: &Desired,
    now: Timestamp,
) -> Result<Taken, Failure> {
    let file = path.display();
    match wire.version {
        Some(VERSION) => {}
        None => terminal::warning(&format!(
            "{file} does not say which apps it was taken of, as older versions of rosterd wrote it; make sure that they are \
             those of the files"
        )),
        Some(other) => {
            let message = format!("{file} is a snapshot of version {other}, and this rosterd reads version {VERSION}");
            return Err(Failure::new(message).hint("take it again with this version: `rosterd observe --out FILE`"));
        }
    }
    if wire.simulated {
        terminal::warning(&format!("{file} was taken of simulated apps: it says nothing of the real ones"));
    }
    let Wire { version, simulated, sources, apps } = wire;
    let mut live = Live { apps };
    if version.is_some() {
        for (name, seen) in &mut live.apps {
            let Some(app) = desired.apps.get(name).filter(|_| seen.is_ok()) else { continue };
            // Simulated apps are nowhere near where the files say, and there they need not be.
            let url = (!simulated).then(|| bare(app.url.as_str()));
            if let Err(why) = fits(sources.get(name), &app.connector, url.as_deref()) {
                let message =
                    format!("{file} is no snapshot of {name}: {why}; take one with `rosterd observe --out FILE`");
                *seen = Err(ReadFailure { message });
            }
        }
    }
    let ahead: BTreeSet<&Arc<str>> = live
        .apps
        .iter()
        .filter(|(_, seen)| seen.as_ref().is_ok_and(|app| app.observed_at > now.saturating_add(SKEW).unwrap_or(now)))
        .map(|(name, _)| name)
        .collect();
    if !ahead.is_empty() {
        let names: Vec<&str> = ahead.into_iter().map(|name| &**name).collect();
        terminal::warning(&format!(
            "{file} says that {} was read in the future: nobody knows how old that is; look at the clocks of both machines",
            names.join(", ")
        ));
    }
    let simulated_at =
        if simulated { sources.into_iter().map(|(name, at)| (name, at.url)).collect() } else { BTreeMap::new() };
    Ok(Taken { live, simulated_at })
}

/// Whether an app was read where and how the files say.
fn fits(source: Option<&Source>, connector: &str, url: Option<&str>) -> Result<(), String> {
    let Some(source) = source else { return Err("it does not say where it was taken".to_owned()) };
    if *source.connector != *connector {
        return Err(format!("it was read with the connector {}, and the files say {connector}", source.connector));
    }
    match url {
        Some(url) if source.url != url => Err(format!("it was taken at {}, and the files say {url}", source.url)),
        _ => Ok(()),
    }
}

/// An address without what may be secret in it, in one spelling.
fn bare(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return String::new() };
    url.set_query(None);
    url.set_fragment(None);
    // Neither fails for an address that has a host, and others name no app.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_compared_and_written_without_what_may_be_secret() {
        for text in
            ["https://a.example/x/", "https://me:hunter2@A.example/x?token=hunter2#y", "https://a.example:443/x"]
        {
            assert_eq!(bare(text), "https://a.example/x");
        }
    }

    #[test]
    fn another_place_or_connector_is_told_with_both() {
        let source = Source { connector: "scim".into(), url: "https://a.example".into() };
        let check = |connector, url, expect: Result<(), &str>| {
            assert_eq!(fits(Some(&source), connector, url), expect.map_err(str::to_owned));
        };
        check("scim", Some("https://a.example"), Ok(()));
        check("scim", None, Ok(()));
        check("acc", None, Err("it was read with the connector scim, and the files say acc"));
        check(
            "scim",
            Some("https://b.example"),
            Err("it was taken at https://a.example, and the files say https://b.example"),
        );
        assert!(fits(None, "scim", None).is_err());
    }
}
