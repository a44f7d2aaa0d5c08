//! Which changes of the files change what they ask for.

use super::{super::Loaded, load};

const BEFORE: &str =
    "teams:\n  t: { members: [jane@example.com], grants: { autodesk: user } }\nsettings: { time_zone: UTC }\n";

fn meaning(files: &[(&str, &str)]) -> String {
    let Loaded { meaning, .. } = load(files).unwrap_or_else(|problems| panic!("\n{problems}"));
    meaning
}

/// Whether files ask for the same as [`BEFORE`].
fn check(files: &[(&str, &str)], same: bool) {
    assert_eq!(meaning(files) == meaning(&[("a.yaml", BEFORE)]), same, "{files:?}");
}

#[test]
fn comments_layout_order_quotes_and_files_change_nothing() {
    check(&[("a.yaml", BEFORE)], true);
    check(&[("a.yaml", &format!("# Why not?\n\n{BEFORE}"))], true);
    check(&[("other.yaml", BEFORE)], true);
    check(
        &[(
            "a.yaml",
            "settings:\n  time_zone: \"UTC\"\nteams:\n  t:\n    grants:\n      autodesk: 'user'\n    members:\n    - jane@example.com\n",
        )],
        true,
    );
    let teams = "t: { members: [jane@example.com], grants: { autodesk: user } }\n";
    check(&[("teams/t.yaml", &format!("teams:\n  {teams}")), ("a.yaml", "settings: { time_zone: UTC }\n")], true);
}

#[test]
fn where_the_daemon_listens_is_no_part_of_it_and_the_rest_of_its_settings_is() {
    let with = |daemon: &str| BEFORE.replace("time_zone: UTC", &format!("time_zone: UTC, daemon: {{ {daemon} }}"));
    check(&[("a.yaml", &with("listen: \"127.0.0.1:9\""))], true);
    check(&[("a.yaml", &with("listen: \"127.0.0.1:9\", drift: report"))], false);
}

#[test]
fn another_grant_person_role_or_kind_of_value_changes_it() {
    check(&[("a.yaml", &BEFORE.replace("autodesk: user", "autodesk: viewer"))], false);
    check(&[("a.yaml", &BEFORE.replace("members: [jane@example.com], ", ""))], false);
    check(
        &[("a.yaml", &format!("{BEFORE}people:\n  joe@example.com: {{ given_name: Joe, family_name: Roe }}\n"))],
        false,
    );
    let attribute = |value: &str| {
        let joe = format!("joe@example.com: {{ given_name: Joe, family_name: Roe, attributes: {{ floor: {value} }} }}");
        meaning(&[("a.yaml", &format!("{BEFORE}people:\n  {joe}\n"))])
    };
    assert_ne!(attribute("5"), attribute("'5'"));
    assert_eq!(attribute("five"), attribute("'five'"));
}
