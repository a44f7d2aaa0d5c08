//! Large organisations.

use std::fmt::Write;

use super::{StaticCatalogue, parse};

/// A file with `people` people, all of them in a team by attribute, every tenth in a group.
fn organisation(people: usize) -> String {
    let mut text = String::from("people:\n");
    for i in 0..people {
        let _ = writeln!(
            text,
            "  person.number{i}@example.com:\n    given_name: Given{i}\n    family_name: Family{i}\n    \
             aliases: [alias.number{i}@example.org]\n    attributes: {{ department: Department{}, office: Berlin }}",
            i % 50
        );
    }
    text += "teams:\n  all: { match: { office: Berlin }, grants: { autodesk: user } }\n";
    text += "apps:\n  autodesk:\n    connector: autodesk\n    url: https://api.example.com\n    defaults: { role: user }\n    groups:\n      Tenth:\n        members:\n";
    for i in (0..people).step_by(10) {
        let _ = writeln!(text, "          Person.Number{i}@example.com: member");
    }
    text
}

#[test]
fn twenty_thousand_people_in_one_file_are_accepted() {
    let loaded = parse(vec![("a.yaml".into(), organisation(20_000))], &StaticCatalogue).unwrap();
    let app = &loaded.desired.apps["autodesk"];
    assert_eq!((app.accounts.len(), app.groups["Tenth"].members.len()), (20_000, 2_000));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
}
