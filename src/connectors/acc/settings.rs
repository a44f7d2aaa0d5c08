//! What the files say under `options` for an app of this connector.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::Value;

use crate::{
    connectors::OptionSpec,
    model::{CatalogueError, Options},
};

/// Regions that the API names. A request for an account of another region finds nothing.
const REGIONS: [&str; 8] = ["US", "EMEA", "AUS", "CAN", "DEU", "IND", "JPN", "GBR"];

/// How long an import may take to show its people where the files do not say. The API tells neither how long it takes nor
/// whether it is done; two minutes are what a large import takes and a person still waits for.
const IMPORT_WAIT: Duration = Duration::from_secs(120);

/// The options, understood.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Settings {
    /// The account's id, without `b.`.
    pub account: String,
    /// Who writes to projects: an ACC id or an Autodesk id.
    pub acting_user: Option<String>,
    /// Where the account is.
    pub region: Option<String>,
    /// Joining a project sends no mails.
    pub quiet: bool,
    /// How long an import may take to show.
    pub import_wait: Duration,
    /// Ids of industry roles by the names that the files use.
    pub roles: BTreeMap<Arc<str>, Arc<str>>,
    /// Ids of companies by the names that the files use.
    pub companies: BTreeMap<Arc<str>, Arc<str>>,
}

/// The options there are.
pub(super) fn specs() -> Vec<OptionSpec> {
    let spec = |name: &str, required, help: &str| OptionSpec { name: name.into(), required, help: help.into() };
    vec![
        spec("account_id", true, "the id of the account, which is the hub's id without `b.`"),
        spec("acting_user", false, "the ACC id or Autodesk id of the account admin who writes to projects"),
        spec("region", false, "where the account is: US (default), EMEA, AUS, CAN, DEU, IND, JPN or GBR"),
        spec("suppress_emails", false, "`true` sends no mails to whom a project gains"),
        spec("import_wait", false, "how long an import may take to show its people, such as `90s` (default `2m`)"),
        spec("roles", false, "ids of industry roles by name, for roles that no member of a declared project has yet"),
        spec("companies", false, "ids of companies by name, for names that several companies have"),
    ]
}

impl Settings {
    /// Understands the options. What is required and missing is somebody else's complaint.
    ///
    /// # Errors
    /// The first option that makes no sense.
    pub(super) fn parse(options: &Options) -> Result<Self, CatalogueError> {
        Ok(Self {
            account: id(options, "account_id")?.unwrap_or_default(),
            acting_user: id(options, "acting_user")?,
            region: region(options)?,
            quiet: flag(options, "suppress_emails")?,
            import_wait: duration(options, "import_wait")?.unwrap_or(IMPORT_WAIT),
            roles: ids(options, "roles")?,
            companies: ids(options, "companies")?,
        })
    }
}

fn wrong(key: &str, message: String, hint: &str) -> CatalogueError {
    CatalogueError::Option { key: key.into(), message, hint: Some(hint.into()) }
}

fn text<'a>(options: &'a Options, key: &str, hint: &str) -> Result<Option<&'a str>, CatalogueError> {
    match options.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim())),
        Some(other) => Err(wrong(key, format!("`options.{key}` is {other}, which is no text"), hint)),
    }
}

/// Ids of Data Management begin with `b.`, and are the same otherwise.
fn without_prefix(id: &str) -> &str {
    id.strip_prefix("b.").unwrap_or(id)
}

fn id(options: &Options, key: &str) -> Result<Option<String>, CatalogueError> {
    let hint = "write the id as Autodesk shows it: letters, digits and dashes";
    let Some(text) = text(options, key, hint)? else { return Ok(None) };
    let id = without_prefix(text);
    if !is_id(id) {
        return Err(wrong(key, format!("`options.{key}: {text}` is no id"), hint));
    }
    Ok(Some(id.to_owned()))
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

fn region(options: &Options) -> Result<Option<String>, CatalogueError> {
    let hint = format!("there are {}", REGIONS.join(", "));
    let Some(text) = text(options, "region", &hint)? else { return Ok(None) };
    match REGIONS.iter().find(|region| region.eq_ignore_ascii_case(text)) {
        Some(region) => Ok(Some((*region).to_owned())),
        None => Err(wrong("region", format!("there is no region `{text}`"), &hint)),
    }
}

fn flag(options: &Options, key: &str) -> Result<bool, CatalogueError> {
    match options.get(key) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(other) => {
            Err(wrong(key, format!("`options.{key}` is {other}, not a flag"), "write `true`, or leave it out"))
        }
    }
}

fn duration(options: &Options, key: &str) -> Result<Option<Duration>, CatalogueError> {
    let hint = "write a number and a unit: `90s` or `5m`";
    let Some(text) = text(options, key, hint)? else { return Ok(None) };
    match humantime::parse_duration(text) {
        Ok(duration) => Ok(Some(duration)),
        Err(_) => Err(wrong(key, format!("`options.{key}: {text}` is no length of time"), hint)),
    }
}

fn ids(options: &Options, key: &str) -> Result<BTreeMap<Arc<str>, Arc<str>>, CatalogueError> {
    let hint = "write names with their ids: `{ Architect: 287d5cc2-9008-462c-96e5-c9491db85d97 }`";
    let all = match options.get(key) {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(all)) => all,
        Some(other) => return Err(wrong(key, format!("`options.{key}` is {other}, not names with ids"), hint)),
    };
    let mut ids: BTreeMap<Arc<str>, Arc<str>> = BTreeMap::new();
    for (name, id) in all {
        let Some(id) = id.as_str().map(without_prefix).filter(|id| is_id(id)) else {
            return Err(wrong(key, format!("`options.{key}.{name}: {id}` is no id"), hint));
        };
        if let Some((other, _)) = ids.iter().find(|(_, known)| &***known == id) {
            let message = format!("`options.{key}` calls one id both {other} and {name}");
            return Err(wrong(key, message, "give each id one name"));
        }
        ids.insert(name.as_str().into(), id.into());
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(options: Value) -> Result<Settings, String> {
        let Value::Object(options) = options else { panic!("options are a map") };
        let options = options.into_iter().map(|(key, value)| (key.into(), value)).collect();
        Settings::parse(&options).map_err(|wrong| wrong.to_string())
    }

    #[test]
    fn an_account_is_found_by_its_hub_id_as_well() {
        let settings = parse(json!({"account_id": "b.c8b0c73d-3ae9", "region": "emea", "import_wait": "90s"})).unwrap();
        assert_eq!(settings.account, "c8b0c73d-3ae9");
        assert_eq!(settings.region.as_deref(), Some("EMEA"));
        assert_eq!(settings.import_wait, Duration::from_secs(90));
        assert_eq!(parse(json!({})).unwrap().import_wait, IMPORT_WAIT);
    }

    fn check(options: Value, expected: &str) {
        assert_eq!(parse(options).unwrap_err(), expected);
    }

    #[test]
    fn an_option_that_makes_no_sense_is_told_with_what_to_write() {
        let id = "write the id as Autodesk shows it: letters, digits and dashes";
        check(json!({"account_id": "a/../b"}), &format!("`options.account_id: a/../b` is no id; {id}"));
        check(json!({"account_id": 7}), &format!("`options.account_id` is 7, which is no text; {id}"));
        check(json!({"region": "Mars"}), "there is no region `Mars`; there are US, EMEA, AUS, CAN, DEU, IND, JPN, GBR");
        check(
            json!({"suppress_emails": "yes"}),
            "`options.suppress_emails` is \"yes\", not a flag; write `true`, or leave it out",
        );
        check(
            json!({"import_wait": "soon"}),
            "`options.import_wait: soon` is no length of time; write a number and a unit: `90s` or `5m`",
        );
        check(
            json!({"roles": {"A": "r1", "B": "r1"}}),
            "`options.roles` calls one id both A and B; give each id one name",
        );
    }
}
