//! What teams may grant: no more than `grantable` says, and nothing that administers without it.

use super::{check_file, desired, load};

/// A team that grants `grant` in an app with these further lines.
fn granting(grant: &str, app: &str) -> String {
    format!(
        "teams:\n  t:\n    members: [jane@example.com]\n    grants: {{ autodesk: {grant} }}\n\
         apps:\n  autodesk:\n    groups: {{ Design Team: }}\n{app}"
    )
}

#[test]
fn a_team_grants_no_role_that_administers_unless_the_app_lists_it_and_the_line_to_paste_is_shown() {
    check_file(
        &granting("{ role: admin }", ""),
        r#"
error: teams may not grant the role `admin` in app `autodesk`
 --> a.yaml:4:33
  |
4 |     grants: { autodesk: { role: admin } }
  |                                 ^^^^^ it can administer the app
 ::: a.yaml:6:3
  |
6 |   autodesk:
  |   ^^^^^^^^ nothing here lets teams grant it
  = help: grant it directly under the app's `accounts`; or, to let teams grant it, add `grantable: {
          roles: [admin] }` to the app
"#,
    );
    // What the message says to paste does it.
    desired(&[("a.yaml", &*granting("{ role: admin }", "    grantable: { roles: [admin] }\n"))]);
    desired(&[("a.yaml", &*granting("{ role: user }", ""))]);
}

#[test]
fn bounds_on_groups_alone_let_no_team_make_administrators_either() {
    let text = granting("{ role: admin, groups: [Design Team] }", "    grantable: { groups: [Design Team] }\n");
    let problems = load(&[("a.yaml", &*text)]).unwrap_err().to_string();
    let problems = problems.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(problems.contains("add `roles: [admin]` to the app's `grantable`"), "{problems}");
}

#[test]
fn every_field_that_a_grant_sets_can_be_bound() {
    let granted = |grant: &str, bounds: &str| {
        let text = granting(grant, &format!("    grantable: {bounds}\n"));
        load(&[("a.yaml", &*text)]).map(|_| ()).map_err(|problems| problems.to_string())
    };
    let check = |grant: &str, bounds: &str, refused: &str| {
        let problems = granted(grant, bounds).unwrap_err();
        assert!(problems.contains(&format!("teams may not grant the {refused} in app `autodesk`")), "{problems}");
    };
    check("{ role: user, given_name: Root }", "{ given_name: [Guest] }", "given_name `Root`");
    assert_eq!(granted("{ role: user, given_name: Guest }", "{ given_name: [Guest] }"), Ok(()));
    check("{ groups: { Design Team: lead } }", "{ members: { roles: [member] } }", "role in a group `lead`");
    assert_eq!(granted("{ groups: { Design Team: member } }", "{ members: { roles: [member] } }"), Ok(()));
    let unknown = granted("{ role: user }", "{ colour: [red] }").unwrap_err();
    assert!(unknown.contains("have no field `colour`"), "{unknown}");
}

#[test]
fn a_team_knows_whom_it_takes_in_and_what_that_gives() {
    let text = "teams:\n  it: { match: { department: [IT] }, grants: { autodesk: { role: user } } }\n  \
                all: { members: [jane@example.com], includes: [it], grants: { autodesk: { groups: { Design Team: lead } } } }\n\
                apps:\n  autodesk:\n    groups: { Design Team: }\n";
    let teams = desired(&[("a.yaml", text)]).teams;
    let gives = |team: &str| -> Vec<String> {
        let gives = teams[team].gives.iter();
        gives.map(|gift| format!("{:?} {:?}", gift.group, gift.roles)).collect()
    };
    // Whoever is in IT gets what the team gives that includes it.
    assert_eq!(gives("it"), ["None {}", r#"None {"user"}"#, r#"Some("Design Team") {"lead"}"#]);
    assert_eq!(gives("all"), ["None {}", r#"Some("Design Team") {"lead"}"#]);
    assert_eq!(teams["it"].matches.len(), 1);
}
