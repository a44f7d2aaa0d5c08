//! The options of the connector, and the profile that they choose.

use super::{options::Given, profile::Profile, vendors::PROFILES};
use crate::{
    connectors::OptionSpec,
    model::{CatalogueError, Options},
};

impl Profile {
    /// The profile that options describe.
    ///
    /// # Errors
    /// The first option that makes no sense.
    pub(super) fn of(options: &Options) -> Result<Self, CatalogueError> {
        let given = Given(options);
        let mut profile = Self::strict();
        if let Some(adapt) = given.word("profile", &PROFILES)? {
            adapt(&mut profile);
        }
        profile.adapt(given)?;
        profile.check(given)?;
        Ok(profile)
    }
}

/// The options of the connector.
pub(super) fn specs() -> Vec<OptionSpec> {
    let profiles = PROFILES.map(|(name, _)| format!("`{name}`")).join(", ");
    let spec = |name: &str, help: String| OptionSpec { name: name.into(), required: false, help };
    let help = [
        ("identity", "`user_name` (default) or `email`: which attribute is the address an account is known by"),
        ("fields", "further fields and their attributes: `{ badge: \"urn:…:User:badgeNumber\" }`"),
        ("require", "fields that a new user needs: `[given_name]`"),
        ("roles", "`true`, or the list of roles there are, where the server keeps `roles` of users"),
        ("admin_roles", "roles that can administer the app"),
        ("without_active", "`unknown` (default), `active` or `inactive`: what a user without `active` is"),
        ("patch", "whether PATCH works; unless given, what the server says of itself"),
        ("put_users", "whether PUT works for users"),
        ("put_groups", "whether PUT works for groups"),
        ("operations", "`lower` (default) or `capitalised`: how PATCH operations are written"),
        ("booleans", "`json` (default) or `text`: how PATCH writes true and false"),
        (
            "member_removal",
            "`filtered` (default), `value` (empties the group on a server that keeps to the standard) or `replace`",
        ),
        ("read_members", "`false` where a group does not show its members; memberships are then believed"),
        (
            "omits_empty_members",
            "`true` where a group that shows no `members` has none: a whole group is then written without further proof",
        ),
        ("check_members", "`false` keeps members from being compared with the groups that users show"),
        ("batch", "how many memberships one request may change (100)"),
        ("paging", "`auto` (default), `index` or `cursor`"),
        ("page_size", "rows to ask for per page (100)"),
        ("trust_totals", "`false` where `totalResults` is the size of the page: lists are then read to an empty page"),
        ("filter", "`false` where users cannot be looked up by a filter"),
        (
            "search",
            "`url` (default), `body` or `always`: what is asked for in a body; `body` does so for filters, which keeps addresses \
             out of logs of proxies, and `always` for every list, where a server reads no page numbers in an address",
        ),
        ("etags", "whether changes carry the version they are meant for; unless given, what the server says of itself"),
        ("discovery", "`false` keeps the server from being asked what it can do"),
        ("create_groups", "whether groups can be made"),
        ("delete_groups", "whether groups can be deleted"),
        ("delete_users", "`permanent` (default), `deactivates` or `never`: what DELETE does to a user"),
        ("reactivate", "whether an inactive user can be made active again"),
        ("settle", "how long a change may take to show: `5s`"),
    ];
    let profile = spec("profile", format!("what is known of the server: {profiles}; each option below overrides it"));
    std::iter::once(profile).chain(help.map(|(name, help)| spec(name, help.into()))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn options(json: Value) -> Options {
        json.as_object().unwrap().iter().map(|(key, value)| (key.as_str().into(), value.clone())).collect()
    }

    fn check(given: Value, expected: &str) {
        let said = Profile::of(&options(given)).map_or_else(|error| error.to_string(), |_| "fine".into());
        assert_eq!(said, expected);
    }

    #[test]
    fn every_option_is_checked_and_told() {
        check(json!({}), "fine");
        check(json!({"profile": "workiva", "batch": 5, "page_size": 10, "settle": "1m", "etags": null}), "fine");
        check(
            json!({"profile": "workday"}),
            "`options.profile: workday` is not known; it is one of `strict`, `autodesk`, `alteryx`, `workiva`, `aws`, `entra`",
        );
        check(json!({"patch": "no"}), "`options.patch: no` is neither `true` nor `false`");
        check(json!({"batch": 0}), "`options.batch: 0` is no number from 1 to 10000");
        check(json!({"settle": 5}), "`options.settle: 5` is no length of time; write `5s` or `1m`");
        check(json!({"require": "title"}), "`options.require: title` is no list of names; write `[a, b]`");
        check(
            json!({"fields": {"badge": "a b"}}),
            "`options.fields: a b` of `badge` is no attribute: write `title`, `name.givenName` or `urn:…:User:department`",
        );
        check(
            json!({"fields": ["badge"]}),
            "`options.fields: [\"badge\"]` is no mapping of names to texts; write `{ name: value }`",
        );
        check(
            json!({"require": ["badge"]}),
            "`options.require` names `badge`, which is no field; give it an attribute under `options.fields`",
        );
        check(json!({"require": ["badge"], "fields": {"badge": "urn:x:User:badge"}}), "fine");
    }

    #[test]
    fn options_that_contradict_each_other_are_told() {
        check(
            json!({"patch": false, "put_users": false}),
            "without PATCH and without PUT no user can be changed; set one of `patch` and `put_users` to `true`",
        );
        check(
            json!({"profile": "alteryx", "member_removal": "replace"}),
            "`member_removal: replace` writes the whole group by PUT, which this server does not have for groups; use \
             `filtered`, or set `put_groups: true` if it has",
        );
        check(
            json!({"admin_roles": ["admin"]}),
            "`admin_roles` without `roles` means nothing; set `roles: true`, or list the roles",
        );
        check(json!({"admin_roles": ["admin"], "roles": true}), "fine");
        check(json!({"admin_roles": ["admin"], "roles": ["admin", "user"]}), "fine");
    }

    #[test]
    fn every_profile_stands_on_its_own_and_every_option_is_described() {
        assert_eq!(Profile::strict().fields.len(), 15);
        for (name, _) in PROFILES {
            check(json!({"profile": name}), "fine");
        }
        assert!(Profile::of(&options(json!({"profile": "autodesk"}))).unwrap().fields.contains_key("object_guid"));
        let mut keys: Vec<_> = specs().into_iter().map(|spec| spec.name).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), specs().len());
    }
}
