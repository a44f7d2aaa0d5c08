//! How problems are drawn.

use super::load;

#[test]
fn wide_characters_keep_the_marks_under_what_is_wrong() {
    super::check_file(
        "people:\n  kim@example.com: { given_name: 金, famly_name: 李 }\n",
        r#"
error: unknown key `famly_name` in a person
 --> a.yaml:2:37
  |
2 |   kim@example.com: { given_name: 金, famly_name: 李 }
  |                                      ^^^^^^^^^^
  = help: did you mean `family_name`?
"#,
    );
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let problems =
        load(&[("a.yaml", "people:\n  kim@example.com: { \"gi\\u001b[31mven\": x, status: \"\\e]0;x\\a\" }\n")])
            .unwrap_err();
    let shown = problems.to_string();
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{7}'), "{shown:?}");
}

#[test]
fn colours_change_nothing_but_colours() {
    let problems = load(&[("a.yaml", "settings:\n  stor: x\n")]).unwrap_err();
    let coloured = problems.render(true, 100);
    assert!(coloured.contains("\u{1b}["));
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain += before;
        rest = after.split_once('m').map_or("", |(_, after)| after);
    }
    assert_eq!(plain + rest, problems.render(false, 100));
}

#[test]
fn a_narrow_terminal_wraps_messages() {
    let problems =
        load(&[("a.yaml", "teams:\n  t:\n    members: [nobody@elsewhere.example]\n    grants: { autodesk: }\n")])
            .unwrap_err();
    for line in problems.render(false, 60).lines() {
        assert!(line.chars().count() <= 60, "{line}");
    }
}
