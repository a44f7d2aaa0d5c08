//! Filters. A value that a person chose goes into them as a JSON string, so that nothing in it can end the string and be
//! read as more of the filter.

use serde_json::Value;

/// `attribute eq "value"`.
pub(super) fn equals(attribute: &str, value: &str) -> String {
    format!("{attribute} eq {}", Value::from(value))
}

/// The path of one member of a group. A removal without the filter would be taken for all of them.
pub(super) fn member(id: &str) -> String {
    format!("members[{}]", equals("value", id))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(value: &str, expected: &str) {
        assert_eq!(equals("userName", value), expected);
    }

    #[test]
    fn quotes_and_backslashes_stay_inside_the_value() {
        check("jane+x@x.example", r#"userName eq "jane+x@x.example""#);
        check(r#"a" or userName pr or userName eq ""#, r#"userName eq "a\" or userName pr or userName eq \"""#);
        check(r"a\", r#"userName eq "a\\""#);
        check("a\nb", r#"userName eq "a\nb""#);
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
