//! Bodies of PATCH requests, and the filters in their paths. A value that a person chose goes into a filter as a JSON
//! string, so that nothing in it can end the string and be read as more of the filter.

use serde_json::{Value, json};

use super::attribute::Attribute;

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
        self.members("add", ids)
    }

    /// Removes members, each by a path that names it and nobody else.
    pub(super) fn remove_members(self, ids: &[&str]) -> Value {
        envelope(ids.iter().map(|id| json!({"op": self.op("remove"), "path": member(id)})).collect())
    }

    /// Removes members by value. A server that keeps to the standard ignores the value and empties the group.
    pub(super) fn remove_members_by_value(self, ids: &[&str]) -> Value {
        self.members("remove", ids)
    }

    fn members(self, op: &str, ids: &[&str]) -> Value {
        let members: Vec<Value> = ids.iter().map(|id| json!({"value": id})).collect();
        envelope(vec![json!({"op": self.op(op), "path": "members", "value": members})])
    }
}

/// `attribute eq "value"`.
pub(super) fn equals(attribute: &str, value: &str) -> String {
    format!("{attribute} eq {}", Value::from(value))
}

/// The path of one member of a group. A removal without the filter would be taken for all of them.
fn member(id: &str) -> String {
    format!("members[{}]", equals("value", id))
}

fn envelope(operations: Vec<Value>) -> Value {
    json!({"schemas": [SCHEMA], "Operations": operations})
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    fn check_filter(value: &str, expected: &str) {
        assert_eq!(equals("userName", value), expected);
    }

    #[test]
    fn quotes_and_backslashes_stay_inside_the_value() {
        check_filter("jane+x@x.example", r#"userName eq "jane+x@x.example""#);
        check_filter(r#"a" or userName pr or userName eq ""#, r#"userName eq "a\" or userName pr or userName eq \"""#);
        check_filter(r"a\", r#"userName eq "a\\""#);
        check_filter("a\nb", r#"userName eq "a\nb""#);
        assert_eq!(member(r#"1"] or members[value pr"#), r#"members[value eq "1\"] or members[value pr"]"#);
    }

    /// Reads a filter as a server does: up to the quote that nothing escapes.
    fn read_back(filter: &str) -> Option<(String, &str)> {
        let text = filter.strip_prefix("userName eq ")?;
        let mut escaped = false;
        let end = text.char_indices().skip(1).find_map(|(at, c)| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends.then_some(at + 1)
        })?;
        Some((serde_json::from_str(&text[..end]).ok()?, &text[end..]))
    }

    proptest! {
        #[test]
        fn whatever_the_value_a_server_reads_it_back_and_nothing_more(value in ".*") {
            let filter = equals("userName", &value);
            prop_assert_eq!(read_back(&filter), Some((value, "")));
        }

        #[test]
        fn what_looks_like_a_filter_is_a_value(value in r#"[\\"\[\] aeorpq()]*"#) {
            let filter = equals("userName", &value);
            prop_assert_eq!(read_back(&filter), Some((value, "")));
        }
    }
}
