//! Characters that nobody sees, and words that YAML takes for something else: the files say so before anything is sent.

use super::{app::Dialect, case::Setup};

/// What `validate` says of these files.
async fn validated(app: &str, rest: &str) -> super::case::Said {
    Setup::of(Dialect::Scim).files(app, rest).start().await.rosterd(&["validate"]).await
}

#[tokio::test]
async fn an_invisible_character_inside_an_address_is_an_error_at_its_line() {
    let invisible = [
        '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}', '\u{ad}', '\u{a0}', '\u{2009}', '\u{202e}',
        '\u{3000}', '\u{2066}', '\u{180e}',
    ];
    for character in invisible {
        let address = format!("jane{character}doe@x.example");
        let shown = format!("{:04X}", u32::from(character));
        for (what, app, rest) in [
            ("accounts", format!("accounts: {{ \"{address}\": }}"), String::new()),
            ("people", String::new(), format!("people:\n  \"{address}\": {{ }}\n")),
            ("aliases", String::new(), format!("people:\n  jane@x.example: {{ aliases: [\"{address}\"] }}\n")),
            ("members", format!("groups: {{ G: {{ members: [\"{address}\"] }} }}"), String::new()),
            ("ids", format!("ids: {{ \"{address}\": u1 }}"), format!("people:\n  \"{address}\": {{ }}\n")),
        ] {
            let said = validated(&app, &rest).await;
            assert_eq!(said.status, 1, "{what}, U+{shown}: {said:?}");
            assert!(said.all().contains("all.yaml:"), "{what}, U+{shown}: {said:?}");
            assert!(said.all().to_uppercase().contains(&shown), "{what}, U+{shown}: {said:?}");
        }
    }
}

#[tokio::test]
async fn scripts_that_are_mixed_in_an_address_are_a_warning_and_one_script_is_none() {
    for (address, warned) in [
        ("j\u{430}ne@x.example", true),
        ("jane@\u{445}.example", true),
        ("p\u{3b1}ul@x.example", true),
        ("jane.doe@x.example", false),
        ("j\u{f6}rg@x.example", false),
        ("jane-1_2+x@x.example", false),
        ("\u{430}\u{43d}\u{43d}\u{430}@x.example", false),
    ] {
        let said = validated(&format!("accounts: {{ \"{address}\": }}"), "").await;
        assert_eq!(said.status, 0, "{address}: {said:?}");
        assert_eq!(said.all().contains("script"), warned, "{address}: {said:?}");
    }
}

#[tokio::test]
async fn names_that_differ_only_by_blanks_or_case_are_a_warning() {
    let group = |one: &str, two: &str| {
        format!("groups:\n  \"{one}\": {{ members: [p1@x.example] }}\n  \"{two}\": {{ members: [p1@x.example] }}")
    };
    for (one, two, warned) in [
        ("Design", "design", true),
        ("Design Team", "Design  Team", true),
        ("Design", "Design ", true),
        ("Design Team", "Design\u{a0}Team", true),
        ("Design Team", "DesignTeam", true),
        ("Design", "Designs", false),
        ("Design 1", "Design 2", false),
    ] {
        let said = validated(&group(one, two), "").await;
        assert_eq!(said.status, 0, "{one}, {two}: {said:?}");
        assert_eq!(said.all().contains("warning"), warned, "`{one}`, `{two}`: {said:?}");
    }
    for (one, two, warned) in [("design", "Design", true), ("a-b", "a-c", false)] {
        let teams = format!("teams:\n  {one}: {{ members: [p1@x.example] }}\n  {two}: {{ members: [p1@x.example] }}\n");
        let said = validated("", &format!("{teams}people:\n  p1@x.example: {{ }}\n")).await;
        assert_eq!(said.all().contains("blanks or case"), warned, "{one}, {two}: {said:?}");
    }
}

#[tokio::test]
async fn a_name_that_yaml_takes_for_nothing_or_for_a_truth_needs_quotes_and_that_is_said() {
    for word in ["Null", "null", "NULL", "~", "True", "yes", "No"] {
        let rest = format!("people:\n  jane@x.example: {{ given_name: Jane, family_name: {word} }}\n");
        let said = validated("", &rest).await;
        // `yes` and `No` are words in YAML 1.2, so that they may stand as they are.
        let may_stand = matches!(word, "yes" | "No") && said.status == 0;
        assert!(may_stand || (said.status == 1 && said.all().contains("quote")), "{word}: {said:?}");
        let quoted = rest.replace(&format!("family_name: {word}"), &format!("family_name: \"{word}\""));
        let said = validated("", &quoted).await;
        assert_eq!(said.status, 0, "{word}: {said:?}");
    }
}

#[tokio::test]
async fn a_tab_behind_a_value_is_told_on_its_own_line() {
    for (text, line) in [
        ("people:\n  ann@x.example:\n    given_name: Ann\n\tfamily_name: Lee\n", 4),
        ("people:\n  ann@x.example:\n    given_name: Ann\n    family_name: Lee\n\tstatus: left\n", 5),
        ("people:\n  ann@x.example: { }\n\tbob@x.example: { }\n", 3),
        ("people:\n\tann@x.example: { }\n", 2),
    ] {
        let case = Setup::of(Dialect::Scim).files("", "").start().await;
        std::fs::remove_file(case.dir().join("all.yaml")).unwrap();
        std::fs::write(case.dir().join("more.yaml"), text).unwrap();
        let said = case.rosterd(&["validate"]).await;
        assert_eq!(said.status, 1, "{text:?}: {said:?}");
        assert!(said.all().contains(&format!("more.yaml:{line}:")), "{text:?}, line {line}: {said:?}");
    }
}
