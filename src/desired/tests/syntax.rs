//! Files that are not what they should be before any key is looked at.

use super::{check, check_file, desired, load};

#[test]
fn a_syntax_error_is_shown_and_nothing_that_the_file_might_have_said_is_missed() {
    check(
        &[
            ("a.yaml", "people:\n  kim@example.com: { given_name: Kim\nteams:\n  x: {}\n"),
            ("b.yaml", "teams:\n  design:\n    members: [kim@example.com]\n    grants: { jira: }\n"),
        ],
        r#"
error: this is not YAML: while parsing a flow mapping, did not find expected ',' or '}'
 --> a.yaml:3:6
  |
3 | teams:
  |      ^
  = help: is a `}` or a `,` missing above?
"#,
    );
}

#[test]
fn a_tab_and_a_missing_colon_get_a_hint() {
    check_file(
        "people:\n\tkim@example.com:\n",
        r#"
error: this is not YAML: tabs disallowed within this context (block indentation)
 --> a.yaml:2:2
  |
2 |  kim@example.com:
  |  ^
  = help: indent with spaces
"#,
    );
    check_file(
        "people:\n  kim@example.com\n  lee@example.com: {}\n",
        r#"
error: this is not YAML: mapping values are not allowed in this context
 --> a.yaml:3:18
  |
3 |   lee@example.com: {}
  |                  ^
"#,
    );
}

#[test]
fn a_key_given_twice_shows_both_places() {
    check_file(
        "settings:\n  time_zone: UTC\n  time_zone: Europe/Berlin\n",
        r#"
error: `time_zone` is given twice here
 --> a.yaml:3:3
  |
3 |   time_zone: Europe/Berlin
  |   ^^^^^^^^^ given again here
 ::: a.yaml:2:3
  |
2 |   time_zone: UTC
  |   ^^^^^^^^^ first given here
"#,
    );
}

#[test]
fn keys_given_twice_are_seen_in_lists_and_options_too() {
    let text = "apps:\n  autodesk:\n    options: { a: [{ x: 1, x: 2 }] }\n    policy: { freeze: [{ until: 2027-01-01, until: 2027-02-01 }] }\n";
    let problems = load(&[("a.yaml", text)]).unwrap_err();
    assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["duplicate-key"; 2]);
}

#[test]
fn a_person_given_twice_in_another_case_is_the_same_person() {
    check(
        &[("a.yaml", "people:\n  Sam@Example.com:\n    status: left\n")],
        r#"
error: `Sam@Example.com` has a second entry
 --> base.yaml:3:3
  |
3 |   sam@example.com: { given_name: Sam, family_name: Lee }
  |   ^^^^^^^^^^^^^^^ given again here
 ::: a.yaml:2:3
  |
2 |   Sam@Example.com:
  |   ^^^^^^^^^^^^^^^ first given here
  = help: a person stands in one place, whose owner answers for it: say everything there
"#,
    );
}

#[test]
fn sections_merge_across_files_at_every_depth() {
    let desired = desired(&[
        (
            "teams/a.yaml",
            "teams:\n  t:\n    members: [jane@example.com]\n    grants: { autodesk: { groups: [Design Team] } }\n",
        ),
        (
            "teams/b.yml",
            "teams:\n  t:\n    members:\n      sam@example.com:\n    grants: { autodesk: { role: user } }\n",
        ),
        (
            "apps/a.yaml",
            "apps:\n  autodesk:\n    groups:\n      Design Team: { members: { jane@example.com: lead, sam@example.com: member } }\n",
        ),
    ]);
    assert_eq!(desired.apps["autodesk"].accounts.len(), 2);
    assert_eq!(desired.apps["autodesk"].groups["Design Team"].members.len(), 2);
}

#[test]
fn a_value_of_two_kinds_in_two_files_is_a_conflict() {
    check(
        &[
            ("a.yaml", "apps:\n  autodesk:\n    accounts:\n      jane@example.com: admin\n"),
            ("b.yaml", "apps:\n  autodesk:\n    accounts:\n      jane@example.com: { until: 2027-01-01 }\n"),
        ],
        r#"
error: `jane@example.com` is a single value in one place and a mapping in another
 --> b.yaml:4:25
  |
4 |       jane@example.com: { until: 2027-01-01 }
  |                         ^ a mapping here
 ::: a.yaml:4:25
  |
4 |       jane@example.com: admin
  |                         ^^^^^ a single value here
  = help: keep one of them; files are merged, and none overrides another
"#,
    );
}

#[test]
fn a_section_in_the_wrong_folder_is_refused_without_a_cascade() {
    check(
        &[
            ("people/a.yaml", "approvals:\n  - { allow: autodesk }\nteams:\n  x:\n"),
            ("teams/a.yaml", "design:\n  members: []\n"),
            ("team/b.yaml", "teams: {}\n"),
            ("docs/readme.yaml", "anything: at all\n"),
            ("apps/c.yaml", "- a list\n"),
        ],
        r#"
error: a file holds a mapping with sections, and this is a list
 --> apps/c.yaml:1:1
  |
1 | - a list
  | ^
  = help: sections: `people`, `teams`, `apps`, `approvals`, `settings`

error: files under `docs/` are not read
 --> docs/readme.yaml:1:1
  |
1 | anything: at all
  | ^
  = help: move it to the top, or into a folder named after its section (`people`, `teams`, `apps`,
          `approvals`, `settings`)

error: a file under `people/` holds only `people`, not `approvals`
 --> people/a.yaml:1:1
  |
1 | approvals:
  | ^^^^^^^^^
  = help: move it to a file at the top or under `approvals/`

error: a file under `people/` holds only `people`, not `teams`
 --> people/a.yaml:3:1
  |
3 | teams:
  | ^^^^^
  = help: move it to a file at the top or under `teams/`

error: files under `team/` are not read
 --> team/b.yaml:1:1
  |
1 | teams: {}
  | ^
  = help: did you mean `teams/`?

error: a file under `teams/` holds only `teams`, not `design`
 --> teams/a.yaml:1:1
  |
1 | design:
  | ^^^^^^
  = help: the file begins with `teams:`, and all else stands below it
"#,
    );
}

#[test]
fn manifests_hidden_files_and_other_files_are_passed_over() {
    let loaded = load(&[
        ("connectors/own.yaml", "not: desired state"),
        (".github/x.yaml", "not: desired state"),
        ("people/.draft.yaml", "not: desired state"),
        ("README.md", "not: [yaml"),
    ]);
    assert_eq!(loaded.unwrap().files.len(), 1);
}

#[test]
fn nothing_to_read_is_an_error_of_its_own() {
    check(
        &[("base.yaml", "# nothing yet\n")],
        r#"
error: the files are empty
  = help: declare an app under `apps`
"#,
    );
    check(
        &[("base.yaml", "people:\n  jane@example.com:\n")],
        r#"
error: the files declare no app, so there is nothing to keep in order
  = help: declare one under `apps`, with its `connector`, `url` and `auth`
"#,
    );
    assert_eq!(
        super::parse(Vec::new(), &super::StaticCatalogue).unwrap_err().to_string(),
        "error: there are no YAML files here\n  = help: people, teams, apps, approvals and settings stand in `*.yaml` or `*.yml` files"
    );
}

#[test]
fn a_directory_that_is_not_there_or_holds_what_is_no_text_is_explained() {
    let dir = tempfile::tempdir().unwrap();
    let missing = super::super::load(&dir.path().join("nowhere"), &super::StaticCatalogue).unwrap_err();
    assert!(missing.to_string().contains("there is no directory"), "{missing}");
    assert!(missing.to_string().contains("help: name the directory"), "{missing}");
    std::fs::write(dir.path().join("a.yaml"), b"people:\n  \xff\xfe").unwrap();
    let binary = super::super::load(dir.path(), &super::StaticCatalogue).unwrap_err();
    assert!(binary.to_string().contains("is not UTF-8 text (line 2)"), "{binary}");
}

#[test]
fn a_directory_is_read_with_its_folders() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("people/eu")).unwrap();
    std::fs::create_dir_all(dir.path().join("connectors")).unwrap();
    std::fs::write(dir.path().join("base.yaml"), super::BASE).unwrap();
    std::fs::write(dir.path().join("people/eu/a.yml"), "people: { kim@example.com: }").unwrap();
    std::fs::write(dir.path().join("connectors/x.yaml"), "{").unwrap();
    let loaded = super::super::load(dir.path(), &super::StaticCatalogue).unwrap();
    assert_eq!(loaded.desired.people.len(), 3);
    assert_eq!(loaded.files.keys().map(|name| &**name).collect::<Vec<_>>(), ["base.yaml", "people/eu/a.yml"]);
    assert!(loaded.fingerprint().starts_with("sha256:"));
}

#[test]
fn anchors_aliases_and_merge_keys_work() {
    let desired = desired(&[(
        "a.yaml",
        "settings:\n  policy: &strict { min_admins: 2, unlisted: remove }\n\
         apps:\n  autodesk:\n    policy: { <<: *strict, min_admins: 3 }\n",
    )]);
    let policy = &desired.apps["autodesk"].policy;
    assert_eq!((policy.min_admins, policy.unlisted), (3, crate::model::Unlisted::Remove));
}

#[test]
fn a_billion_laughs_are_refused() {
    let mut bomb =
        "people:\n  jane@example.com:\n    attributes:\n      a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = format!("*a{}", level - 1);
        bomb += &format!("      a{level}: &a{level} [{}]\n", vec![before; 9].join(", "));
    }
    check_file(
        &bomb,
        r#"
error: the aliases in this file stand for more than 100000 values
 --> a.yaml:9:16
  |
9 |       a5: &a5 [*a4, *a4, *a4, *a4, *a4, *a4, *a4, *a4, *a4]
  |                ^^^ too many from here on
  = help: write the values out, or split them up
"#,
    );
}

#[test]
fn nesting_without_end_is_refused() {
    check_file(
        &format!("people: {}{}", "[".repeat(100), "]".repeat(100)),
        r#"
error: values are nested more than 64 deep
 --> a.yaml:1:73
  |
1 | …[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]…
  |                         ^ too deep from here on
"#,
    );
    for deep in ["- ".repeat(50_000), "? ".repeat(50_000), "{a: ".repeat(50_000)] {
        let problems = load(&[("a.yaml", &deep)]).unwrap_err();
        assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["too-deep"]);
    }
}

#[test]
fn what_yaml_can_say_and_we_cannot_use_is_refused() {
    check_file(
        "people: *nowhere\n",
        r#"
error: there is no anchor `&nowhere` above this line
 --> a.yaml:1:9
  |
1 | people: *nowhere
  |         ^^^^^^^^
"#,
    );
    check_file(
        "? [a, b]\n: c\n",
        r#"
error: a key has to be a text, and this is a list
 --> a.yaml:1:3
  |
1 | ? [a, b]
  |   ^
"#,
    );
    check_file(
        "settings: !custom { time_zone: UTC }\n",
        r#"
error: the tag `!custom` means nothing here
 --> a.yaml:1:19
  |
1 | settings: !custom { time_zone: UTC }
  |                   ^
  = help: remove the tag
"#,
    );
    check_file(
        "settings: {}\n---\npeople: {}\n",
        r#"
error: a second document begins here; a file holds one
 --> a.yaml:3:1
  |
3 | people: {}
  | ^
  = help: remove the `---`, or put this into a file of its own
"#,
    );
    check_file(
        "settings:\n  <<: 5\n",
        r#"
error: `<<` takes mappings, and this is a single value
 --> a.yaml:2:7
  |
2 |   <<: 5
  |       ^
"#,
    );
}
