//! Between a server's users and our accounts, by the profile.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use super::{
    attribute::{self, Attribute, get, text},
    profile::{Identity, Profile},
};
use crate::{
    connectors::{STATUS_NOT_SHOWN, addresses, scalar::scalar, signs::flag},
    model::{AccountStatus, Email, FieldName, FieldValue, LiveAccount, Values},
};

/// The attribute that makes a user active or not.
const ACTIVE: &str = "active";

/// The attribute that holds addresses.
const EMAILS: &str = "emails";

/// The attribute that holds roles, and the field of the same name.
const ROLES: &str = "roles";

impl Profile {
    /// An account as a user shows it.
    ///
    /// # Errors
    /// What the user lacks.
    pub(super) fn account(&self, user: &Value) -> Result<LiveAccount, String> {
        let id = text(get(user, "id")).ok_or("a user has no `id`")?;
        let created_at = get(user, "meta").and_then(|meta| get(meta, "created")?.as_str()?.parse().ok());
        // An empty address is nobody's, and planning lets the account be.
        let email = self.address(user);
        Ok(LiveAccount {
            id: id.into(),
            other_addresses: addresses::beside(user, &email),
            email,
            status: self.status(user),
            values: self.values(user),
            created_at,
        })
    }

    /// The address by which a user is known.
    pub(super) fn address(&self, user: &Value) -> Email {
        let user_name = text(get(user, "userName"));
        let address = match self.identity {
            Identity::UserName => user_name,
            Identity::Email => {
                let is_some = |email: &&Value| text(get(email, "value")).is_some_and(|text| !text.trim().is_empty());
                let emails = || emails(user).filter(is_some);
                let primary = emails().find(|email| get(email, "primary").and_then(flag) == Some(true));
                let work = || emails().find(|email| text(get(email, "type")).is_some_and(|kind| kind == "work"));
                let best = primary.or_else(work).or_else(|| emails().next());
                // A user name that is an address is better than none.
                best.and_then(|email| text(get(email, "value"))).or(user_name.filter(|name| name.contains('@')))
            }
        };
        Email::lenient(&address.unwrap_or_default())
    }

    /// Whether a user is what a filter for `email` should find: the filter looks at every email address, not only at the
    /// one that counts.
    pub(super) fn is_found_by(&self, user: &Value, email: &Email) -> bool {
        let any = || emails(user).filter_map(|one| text(get(one, "value"))).any(|one| Email::lenient(&one) == *email);
        self.address(user) == *email || (self.identity == Identity::Email && any())
    }

    /// The attribute that a filter looks at.
    pub(super) fn searched(&self) -> &'static str {
        match self.identity {
            Identity::UserName => "userName",
            Identity::Email => "emails.value",
        }
    }

    fn status(&self, user: &Value) -> AccountStatus {
        let unknown = |word: &str| AccountStatus::Unknown(word.into());
        match get(user, ACTIVE) {
            None | Some(Value::Null) => self.without_active.clone().unwrap_or_else(|| unknown(STATUS_NOT_SHOWN)),
            Some(value) => match flag(value) {
                Some(true) => AccountStatus::Active,
                Some(false) => AccountStatus::Inactive,
                None => unknown(&format!("active: {value}")),
            },
        }
    }

    /// Every field. What a user lacks is empty: missing, null and an empty list are the same in this protocol.
    fn values(&self, user: &Value) -> BTreeMap<FieldName, Option<FieldValue>> {
        let value = |attribute: &Attribute| attribute.get(user).map_or(Some(None), field_value);
        let mut values: BTreeMap<FieldName, Option<FieldValue>> =
            self.fields.iter().filter_map(|(name, attribute)| Some((name.clone(), value(attribute)?))).collect();
        if self.roles.is_some() {
            let roles = get(user, ROLES).map_or(Some(None), field_value);
            values.extend(roles.map(|roles| (ROLES.into(), roles)));
        }
        values
    }

    /// What changes of fields are to a server.
    ///
    /// # Errors
    /// A field that has no attribute.
    pub(super) fn changes(&self, values: &Values) -> Result<Vec<(Attribute, Value)>, FieldName> {
        let change = |(name, value): (&FieldName, &FieldValue)| {
            let roles = || Attribute::parse(ROLES).ok().filter(|_| &**name == ROLES && self.roles.is_some());
            let attribute = self.fields.get(name).cloned().or_else(roles).ok_or_else(|| name.clone())?;
            Ok((attribute, wire_value(value)))
        };
        values.iter().map(change).collect()
    }

    /// What gives a user another address: by it they sign in, and get what is sent to the one before. What it is not, such as a
    /// user name that is no address or a private email, stays as it is.
    pub(super) fn readdressed(&self, user: &Value, to: &Email) -> Vec<(Attribute, Value)> {
        let old = self.address(user);
        let is_old = |value: Option<&Value>| text(value).is_some_and(|text| Email::lenient(&text) == old);
        let by_name = self.identity == Identity::UserName || is_old(get(user, "userName"));
        let mut changes: Vec<(Attribute, Value)> = Vec::new();
        if let (true, Ok(name)) = (by_name, Attribute::parse("userName")) {
            changes.push((name, to.as_str().into()));
        }
        if let (true, Ok(list)) = (emails(user).any(|email| is_old(get(email, "value"))), Attribute::parse(EMAILS)) {
            // No list holds one value twice.
            let is_new = |email: &Value| text(get(email, "value")).is_some_and(|text| Email::lenient(&text) == *to);
            let renamed = emails(user).filter(|email| !is_new(email)).cloned().map(|mut email| {
                if is_old(get(&email, "value")) {
                    attribute::set(&mut email, "value", to.as_str().into());
                }
                email
            });
            changes.push((list, renamed.collect()));
        }
        changes
    }

    /// A new user.
    ///
    /// # Errors
    /// As [`Profile::changes`].
    pub(super) fn new_user(&self, email: &Email, values: &Values) -> Result<Value, FieldName> {
        let mut user = attribute::new(attribute::USER);
        attribute::set(&mut user, "userName", email.as_str().into());
        attribute::set(&mut user, ACTIVE, true.into());
        attribute::set(&mut user, EMAILS, json!([{"value": email.as_str(), "type": "work", "primary": true}]));
        for (attribute, value) in self.changes(values)? {
            attribute.set(&mut user, value);
        }
        let name = |field: &str| values.get(field).map(ToString::to_string);
        if let (true, None, Some(given), Some(family)) =
            (self.needs_display_name, get(&user, "displayName"), name("given_name"), name("family_name"))
        {
            attribute::set(&mut user, "displayName", format!("{given} {family}").trim().into());
        }
        Ok(user)
    }
}

/// The change that makes a user active or not.
pub(super) fn activity(active: bool) -> Vec<(Attribute, Value)> {
    Attribute::parse(ACTIVE).ok().map(|attribute| (attribute, active.into())).into_iter().collect()
}

/// Whether an account shows every value that was written.
pub(super) fn shows(account: &LiveAccount, values: &Values) -> bool {
    let shown = |(name, value): (&FieldName, &FieldValue)| {
        account.values.get(name).is_some_and(|seen| value.is_shown_by(seen.as_ref()))
    };
    values.iter().all(shown)
}

/// The values of a list that has others beside them, with what is already there kept as it is. A value that says more than
/// itself, as a renamed address does, is meant to stand as it is.
pub(super) fn merged(old: Option<&Value>, new: &Value) -> Value {
    let (Some(old), Some(wanted)) = (old.and_then(Value::as_array), new.as_array()) else { return new.clone() };
    let is_bare = |value: &Value| value.as_object().is_none_or(|object| object.len() == 1);
    let same = |value: &Value| old.iter().find(|one| text(get(one, "value")) == text(get(value, "value")));
    let kept = |value: &Value| same(value).filter(|_| is_bare(value));
    wanted.iter().map(|value| kept(value).unwrap_or(value).clone()).collect()
}

fn emails(user: &Value) -> impl Iterator<Item = &Value> {
    get(user, EMAILS).and_then(Value::as_array).into_iter().flatten()
}

/// `None` for what no field can hold.
fn field_value(value: &Value) -> Option<Option<FieldValue>> {
    match value {
        Value::Array(all) if all.is_empty() => Some(None),
        Value::Array(all) => {
            let word = |value: &Value| text(Some(get(value, "value").unwrap_or(value))).map(Arc::from);
            Some(Some(FieldValue::Set(all.iter().map(word).collect::<Option<_>>()?)))
        }
        Value::Object(_) => field_value(get(value, "value")?),
        single => scalar(single),
    }
}

/// A value as a server takes it. A list has its values one level down.
fn wire_value(value: &FieldValue) -> Value {
    match value {
        FieldValue::Flag(flag) => Value::from(*flag),
        FieldValue::Number(number) => Value::from(*number),
        FieldValue::Text(text) => Value::from(&**text),
        FieldValue::Set(set) => set.iter().map(|word| json!({"value": &**word})).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Options;

    fn profile(options: Value) -> Profile {
        let options: Options =
            options.as_object().unwrap().iter().map(|(key, value)| (key.as_str().into(), value.clone())).collect();
        Profile::of(&options).unwrap()
    }

    fn check(options: Value, user: Value, expected: &str) {
        let account = profile(options).account(&user).unwrap();
        let seen = account.values.iter().filter_map(|(name, value)| Some(format!(" {name}={}", value.as_ref()?)));
        assert_eq!(
            format!("{} {} {}{}", account.id, account.email, account.status, seen.collect::<String>()),
            expected
        );
    }

    #[test]
    fn a_user_is_read_whatever_case_its_names_have() {
        check(
            json!({}),
            json!({"ID": "7", "username": "Jo@x.example", "Active": true, "NAME": {"GivenName": "Jo"}, "title": ""}),
            "7 Jo@x.example active given_name=Jo",
        );
        check(
            json!({}),
            json!({
                "id": 7, "userName": "jo@x.example", "active": "False",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Design"},
            }),
            "7 jo@x.example inactive department=Design",
        );
    }

    #[test]
    fn what_active_does_not_say_is_not_guessed() {
        let user = |active: Value| json!({"id": "7", "userName": "a@x.example", "active": active});
        check(json!({}), user(Value::Null), "7 a@x.example not shown");
        check(json!({"without_active": "active"}), user(Value::Null), "7 a@x.example active");
        check(json!({"profile": "strict"}), user("locked".into()), "7 a@x.example active: \"locked\"");
    }

    #[test]
    fn where_user_names_are_no_addresses_the_primary_one_counts() {
        let user = |emails: Value| json!({"id": "7", "userName": "jdoe", "active": true, "emails": emails});
        let by_email = || json!({"identity": "email"});
        check(
            by_email(),
            user(json!([{"value": "a@x.example"}, {"value": "b@x.example", "primary": "true"}])),
            "7 b@x.example active",
        );
        check(
            by_email(),
            user(json!([{"value": "a@x.example"}, {"value": "b@x.example", "type": "work"}])),
            "7 b@x.example active",
        );
        check(by_email(), user(json!([{"value": "a@x.example"}])), "7 a@x.example active");
        check(by_email(), user(Value::Null), "7  active");
        check(json!({}), user(Value::Null), "7 jdoe active");
    }

    #[test]
    fn roles_are_read_only_where_the_profile_has_them() {
        let user =
            || json!({"id": "7", "userName": "a@x.example", "active": true, "roles": [{"value": "admin"}, "user"]});
        check(json!({}), user(), "7 a@x.example active");
        check(json!({"roles": true}), user(), "7 a@x.example active roles=admin, user");
    }

    #[test]
    fn a_new_user_carries_what_was_asked_for() {
        let values = Values::from([("given_name".into(), "Jo".into()), ("department".into(), "Design".into())]);
        assert_eq!(
            profile(json!({})).new_user(&Email::lenient("Jo@x.example"), &values),
            Ok(json!({
                "schemas": [attribute::USER, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
                "userName": "Jo@x.example",
                "active": true,
                "emails": [{"value": "Jo@x.example", "type": "work", "primary": true}],
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Design"},
                "name": {"givenName": "Jo"},
            }))
        );
        let unknown = Values::from([("shoe_size".into(), "42".into())]);
        assert_eq!(profile(json!({})).changes(&unknown).unwrap_err(), "shoe_size".into());
    }

    #[test]
    fn an_address_that_a_user_had_beside_the_old_one_becomes_the_one_that_counts() {
        let profile = profile(json!({"identity": "email"}));
        let user = json!({"id": "7", "userName": "jdoe", "emails": [
            {"value": "a@x.example", "type": "other", "primary": true},
            {"value": "b@x.example", "type": "home"},
            {"value": "z@x.example", "type": "work"},
        ]});
        let to = Email::lenient("b@x.example");
        let mut renamed = user.clone();
        for (attribute, value) in profile.readdressed(&user, &to) {
            let value = merged(attribute.get(&user), &value);
            attribute.set(&mut renamed, value);
        }
        assert_eq!(
            renamed["emails"],
            json!([
                {"value": "b@x.example", "type": "other", "primary": true},
                {"value": "z@x.example", "type": "work"},
            ])
        );
        assert_eq!((profile.address(&renamed), &renamed["userName"]), (to, &json!("jdoe")));
    }

    #[test]
    fn what_stands_beside_a_kept_value_stays() {
        let old = json!([{"value": "a", "display": "A", "primary": true}, {"value": "b"}]);
        let new = json!([{"value": "a"}, {"value": "c"}]);
        assert_eq!(merged(Some(&old), &new), json!([{"value": "a", "display": "A", "primary": true}, {"value": "c"}]));
    }
}
