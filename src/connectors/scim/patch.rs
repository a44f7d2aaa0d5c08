//! Bodies of PATCH requests.

use serde_json::{Value, json};

use super::{attribute::Attribute, filter};

const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// How a server wants operations written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Dialect {
    /// `Add` instead of `add`, as clients of old write it and servers made for them expect it.
    pub(super) capitalised: bool,
    /// `"True"` instead of `true`.
    pub(super) text_booleans: bool,
}

impl Dialect {
    fn op(self, op: &str) -> String {
        if !self.capitalised {
            return op.to_owned();
        }
        op[..1].to_uppercase() + &op[1..]
    }

    /// A value as the server wants it written.
    pub(super) fn value(self, value: &Value) -> Value {
        match value {
            Value::Bool(flag) if self.text_booleans => Value::from(if *flag { "True" } else { "False" }),
            value => value.clone(),
        }
    }

    /// Replaces attributes one by one, so that nothing beside them is touched.
    pub(super) fn replace(self, changes: &[(Attribute, Value)]) -> Value {
        let one = |(attribute, value): &(Attribute, Value)| json!({"op": self.op("replace"), "path": attribute.path(), "value": self.value(value)});
        envelope(changes.iter().map(one).collect())
    }

    /// Adds members to a group.
    pub(super) fn add_members(self, ids: &[&str]) -> Value {
        let members: Vec<Value> = ids.iter().map(|id| json!({"value": id})).collect();
        envelope(vec![json!({"op": self.op("add"), "path": "members", "value": members})])
    }

    /// Removes members, each by a path that names it and nobody else.
    pub(super) fn remove_members(self, ids: &[&str]) -> Value {
        envelope(ids.iter().map(|id| json!({"op": self.op("remove"), "path": filter::member(id)})).collect())
    }

    /// Removes members by value. A server that keeps to the standard ignores the value and empties the group.
    pub(super) fn remove_members_by_value(self, ids: &[&str]) -> Value {
        let members: Vec<Value> = ids.iter().map(|id| json!({"value": id})).collect();
        envelope(vec![json!({"op": self.op("remove"), "path": "members", "value": members})])
    }
}

fn envelope(operations: Vec<Value>) -> Value {
    json!({"schemas": [SCHEMA], "Operations": operations})
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: Dialect = Dialect { capitalised: false, text_booleans: false };
    const OLD: Dialect = Dialect { capitalised: true, text_booleans: true };

    fn check(body: Value, operations: Value) {
        assert_eq!(body, json!({"schemas": [SCHEMA], "Operations": operations}));
    }

    #[test]
    fn each_attribute_is_replaced_by_itself() {
        let changes = [("active", json!(false)), ("name.givenName", json!("Jo"))];
        let changes = changes.map(|(path, value)| (Attribute::parse(path).unwrap(), value));
        check(
            STRICT.replace(&changes),
            json!([
                {"op": "replace", "path": "active", "value": false},
                {"op": "replace", "path": "name.givenName", "value": "Jo"},
            ]),
        );
        check(OLD.replace(&changes[..1]), json!([{"op": "Replace", "path": "active", "value": "False"}]));
    }

    #[test]
    fn members_are_added_together_and_removed_by_name() {
        check(
            STRICT.add_members(&["1", "2"]),
            json!([{"op": "add", "path": "members", "value": [{"value": "1"}, {"value": "2"}]}]),
        );
        check(
            STRICT.remove_members(&["1", "a\"b"]),
            json!([
                {"op": "remove", "path": "members[value eq \"1\"]"},
                {"op": "remove", "path": "members[value eq \"a\\\"b\"]"},
            ]),
        );
        check(
            OLD.remove_members_by_value(&["1"]),
            json!([{"op": "Remove", "path": "members", "value": [{"value": "1"}]}]),
        );
    }
}
