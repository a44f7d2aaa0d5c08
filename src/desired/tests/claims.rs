//! What people get, until when, and which lines say so: the design's example, completed, and the rules it leaves out.

use std::fmt::Write;

use proptest::prelude::*;

use super::{desired, load, same};
use crate::model::{Claim, Desired, Email};

const EXAMPLE: &str = include_str!("example.yaml");

/// Claims as text: `jane: role=user [a.yaml:3, a.yaml:9] until … (reason)`.
fn claims(desired: &Desired, app: &str) -> String {
    fn one(out: &mut String, who: &str, claim: &Claim) {
        let values: Vec<String> = claim.values.iter().map(|(field, value)| format!("{field}={value}")).collect();
        let because: Vec<String> = claim.because.iter().map(ToString::to_string).collect();
        let _ = write!(out, "{who}: {} [{}]", values.join(" "), because.join(", "));
        if let Some(from) = claim.window.from {
            let _ = write!(out, " from {from}");
        }
        if let Some(until) = claim.window.until {
            let _ = write!(out, " until {until}");
        }
        if let Some(reason) = &claim.reason {
            let _ = write!(out, " ({reason})");
        }
        out.push('\n');
    }
    let app = &desired.apps[app];
    let mut out = String::new();
    for (person, account) in &app.accounts {
        account.claims.iter().for_each(|claim| one(&mut out, person.as_str(), claim));
    }
    for (name, group) in &app.groups {
        let _ = writeln!(out, "{name}:");
        for (person, claims) in &group.members {
            claims.iter().for_each(|claim| one(&mut out, &format!("  {person}"), claim));
        }
    }
    out
}

fn example() -> Desired {
    desired(&[("base.yaml", EXAMPLE)])
}

#[test]
fn the_designs_example_grants_what_it_says() {
    let desired = example();
    let text = claims(&desired, "autodesk") + "--\n" + &claims(&desired, "workiva");
    same(
        &(text),
        r#"
boss@example.com: role=user [base.yaml:17, base.yaml:24, base.yaml:26]
it-admin@example.com: role=admin [base.yaml:45]
jane.doe@example.com: role=user [base.yaml:20, base.yaml:26] from 2026-12-01T00:00:00Z until 2027-12-01T00:00:00Z
jane.doe@example.com: role=user [base.yaml:22, base.yaml:26] from 2026-12-01T00:00:00Z until 2027-12-01T00:00:00Z
lee@example.com: role=user [base.yaml:20, base.yaml:26]
sam.lee@example.com: role=user [base.yaml:23, base.yaml:26] until 2027-04-01T00:00:00Z (covers Jane's leave, DES-41)
Design Team:
  ann@example.com: role=member [base.yaml:51] until 2027-02-01T00:00:00Z
  lee@example.com: role=lead [base.yaml:51]
Review Team:
  boss@example.com: role=member [base.yaml:17, base.yaml:24, base.yaml:26]
  jane.doe@example.com: role=member [base.yaml:20, base.yaml:26] from 2026-12-01T00:00:00Z until 2027-12-01T00:00:00Z
  jane.doe@example.com: role=member [base.yaml:22, base.yaml:26] from 2026-12-01T00:00:00Z until 2027-12-01T00:00:00Z
  lee@example.com: role=member [base.yaml:20, base.yaml:26]
  sam.lee@example.com: role=member [base.yaml:23, base.yaml:26] until 2027-04-01T00:00:00Z (covers Jane's leave, DES-41)
--
boss@example.com:  [base.yaml:17, base.yaml:24, base.yaml:27]
jane.doe@example.com:  [base.yaml:20, base.yaml:27] from 2026-12-01T00:00:00Z until 2027-12-01T00:00:00Z
jane.doe@example.com:  [base.yaml:22, base.yaml:27] from 2026-12-01T00:00:00Z until 2027-12-01T00:00:00Z
lee@example.com:  [base.yaml:20, base.yaml:27]
sam.lee@example.com:  [base.yaml:23, base.yaml:27] until 2027-04-01T00:00:00Z (covers Jane's leave, DES-41)
Finance Team:
  boss@example.com:  [base.yaml:17, base.yaml:24, base.yaml:27]
  jane.doe@example.com:  [base.yaml:20, base.yaml:27] from 2026-12-01T00:00:00Z until 2027-12-01T00:00:00Z
  jane.doe@example.com:  [base.yaml:22, base.yaml:27] from 2026-12-01T00:00:00Z until 2027-12-01T00:00:00Z
  lee@example.com:  [base.yaml:20, base.yaml:27]
  sam.lee@example.com:  [base.yaml:23, base.yaml:27] until 2027-04-01T00:00:00Z (covers Jane's leave, DES-41)
"#,
    );
}

#[test]
fn the_designs_example_is_understood_in_full() {
    let desired = example();
    let app = &desired.apps["autodesk"];
    let jane = Email::lenient("Jane.Doe@example.com");
    assert_eq!(desired.identity(&Email::lenient("jdoe@example.com")), &jane);
    assert_eq!(app.ids[&jane].0.as_ref(), "user-123");
    assert_eq!((app.seats, app.managed.iter().map(|field| &**field).collect::<Vec<_>>()), (Some(120), vec!["role"]));
    assert_eq!(app.self_account, Some(Email::lenient("rosterd@example.com")));
    assert!(desired.named.contains(&Email::lenient("it-admin@example.com")));
    assert!(!desired.named.contains(&Email::lenient("rosterd@example.com")));
    same(
        &format!("{:#?}", (&app.groups["Design Team"].id, app.groups["Design Team"].mode, &desired.approvals)),
        r#"
(
    Some(
        "team-789",
    ),
    Add,
    [
        Approval {
            allow: "autodesk/deactivate/jane.doe@example.com",
            guard: Irreversible,
            up_to: None,
            until: Some(
                2027-01-01T00:00:00Z,
            ),
            reason: Some(
                "HR-77",
            ),
            place: Place {
                file: "base.yaml",
                line: 63,
                column: 7,
            },
        },
        Approval {
            allow: "autodesk",
            guard: MaxRemovals,
            up_to: Some(
                40,
            ),
            until: Some(
                2026-12-02T00:00:00Z,
            ),
            reason: None,
            place: Place {
                file: "base.yaml",
                line: 64,
                column: 7,
            },
        },
    ],
)
"#,
    );
}

#[test]
fn a_team_member_by_alias_is_the_person_and_a_service_needs_no_person() {
    let text = "people: { jane@example.com: { aliases: [jd@example.com] } }\n\
                teams: { t: { members: [JD@example.com], grants: { autodesk: user } } }\n\
                apps: { autodesk: { accounts: { Bot@example.com: viewer }, \
                groups: { Design Team: { members: { bot@EXAMPLE.com: lead } } } } }\n";
    same(
        &(claims(&desired(&[("a.yaml", text)]), "autodesk")),
        r#"
Bot@example.com: role=viewer [a.yaml:3]
jane@example.com: role=user [a.yaml:2]
Design Team:
  Bot@example.com: role=lead [a.yaml:3]
"#,
    );
}

#[test]
fn included_teams_give_their_members_and_the_shortest_way_counts() {
    let text = "teams:
  a: { includes: [b, c], grants: { autodesk: user } }
  b: { includes: [d] }
  c: { includes: [d], members: { sam@example.com: { until: 2027-01-01 } } }
  d: { members: [jane@example.com] }
";
    same(
        &(claims(&desired(&[("a.yaml", text)]), "autodesk")),
        r#"
jane@example.com: role=user [a.yaml:2, a.yaml:3, a.yaml:5]
sam@example.com: role=user [a.yaml:2, a.yaml:4] until 2027-01-02T00:00:00Z
Design Team:
"#,
    );
}

#[test]
fn a_chain_of_includes_that_doubles_at_every_step_stays_small() {
    let mut text = "teams:\n  t0: { members: [jane@example.com] }\n  u0: { members: [sam@example.com] }\n".to_owned();
    for i in 1..40 {
        let _ = writeln!(text, "  t{i}: {{ includes: [t{0}, u{0}] }}\n  u{i}: {{ includes: [t{0}, u{0}] }}", i - 1);
    }
    text += "  top: { includes: [t39, u39], grants: { autodesk: } }\n";
    assert_eq!(desired(&[("a.yaml", &text)]).apps["autodesk"].accounts.len(), 2);
}

#[test]
fn windows_along_a_path_intersect_and_reasons_are_kept() {
    let text =
        "people: { kim@example.com: { from: 2027-01-01, until: 2027-12-31, attributes: { dep: [UX, Dev], level: 3 } } }
teams:
  t:
    match: { dep: [Dev], level: [3, 4] }
    members: { sam@example.com: { until: 2027-03-31, reason: leave } }
    grants:
      autodesk:
        until: 2027-06-30
        reason: project
        groups:
          Design Team: { role: lead, from: 2027-02-01 }
";
    same(
        &(claims(&desired(&[("a.yaml", text)]), "autodesk")),
        r#"
kim@example.com:  [a.yaml:4, a.yaml:7] from 2027-01-01T00:00:00Z until 2027-07-01T00:00:00Z (project)
sam@example.com:  [a.yaml:5, a.yaml:7] until 2027-04-01T00:00:00Z (leave)
Design Team:
  kim@example.com: role=lead [a.yaml:4, a.yaml:11] from 2027-02-01T00:00:00Z until 2027-07-01T00:00:00Z (project)
  sam@example.com: role=lead [a.yaml:5, a.yaml:11] from 2027-02-01T00:00:00Z until 2027-04-01T00:00:00Z (leave)
"#,
    );
}

#[test]
fn one_role_or_several_are_brought_into_the_connectors_form() {
    let text = "apps:
  autodesk: { accounts: { jane@example.com: { roles: [admin] } } }
  many:
    connector: many
    url: https://many.example
    accounts: { jane@example.com: Editor, sam@example.com: { role: Editor, roles: [Viewer], title: Dr } }
    defaults: { title: none }
    groups: { G: { kind: x, members: { jane@example.com: { company: Acme } } } }
";
    let desired = desired(&[("a.yaml", text)]);
    same(
        &(claims(&desired, "autodesk") + &claims(&desired, "many")),
        r#"
jane@example.com: role=admin [a.yaml:2]
Design Team:
jane@example.com: roles=Editor [a.yaml:6]
sam@example.com: roles=Editor, Viewer title=Dr [a.yaml:6]
G:
  jane@example.com: company=Acme [a.yaml:8]
"#,
    );
    assert_eq!(desired.apps["many"].groups["G"].values.len(), 1);
}

#[test]
fn people_who_left_keep_their_claims_for_the_planner_to_judge() {
    let text = "people: { jane@example.com: { status: left } }\napps: { autodesk: { accounts: [jane@example.com] } }\n";
    let desired = desired(&[("a.yaml", text)]);
    assert_eq!(desired.apps["autodesk"].accounts.len(), 1);
    let jane = &desired.people[&Email::lenient("jane@example.com")];
    assert_eq!(jane.status_place.as_ref().unwrap().to_string(), "a.yaml:1");
    assert_eq!(jane.place.to_string(), "a.yaml:1");
}

#[test]
fn given_names_of_people_manage_nothing_and_a_line_that_gives_one_does() {
    let plain = desired(&[("a.yaml", "apps: { autodesk: { accounts: [jane@example.com] } }\n")]);
    assert!(!plain.apps["autodesk"].managed.contains("given_name"));
    let set = "apps: { autodesk: { accounts: { jane@example.com: , sam@example.com: { given_name: Sammy } } } }\n";
    assert!(desired(&[("a.yaml", set)]).apps["autodesk"].managed.contains("given_name"));
}

fn outcome(files: &[(&str, &str)]) -> String {
    match load(files) {
        Ok(loaded) => format!("{:?}\n{:?}", loaded.desired, loaded.files),
        Err(problems) => problems.to_string(),
    }
}

proptest! {
    #[test]
    fn the_order_of_files_does_not_matter(order in Just((0..5).collect::<Vec<usize>>()).prop_shuffle(), broken in any::<bool>()) {
        let files = [
            ("base.yaml", super::BASE),
            ("a.yaml", if broken { "people: { jane@example.com: { given_name: J, x: y } }" } else { "settings: { time_zone: UTC }" }),
            ("people/b.yaml", "people: { kim@example.com: { until: 2027-01-01 } }"),
            ("teams/c.yaml", "teams: { t: { members: [kim@example.com], grants: { autodesk: viewer } } }"),
            ("teams/d.yaml", "teams: { t: { members: [sam@example.com], grants: { autodesk: { groups: { Design Team: lead } } } } }"),
        ];
        // A role beside a mapping is a conflict, which must read the same in every order, too.
        let shuffled: Vec<(&str, &str)> = order.iter().map(|&i| files[i]).collect();
        prop_assert_eq!(outcome(&files), outcome(&shuffled));
    }

    #[test]
    fn no_text_makes_the_loader_panic(text in "(people|teams|apps|settings|approvals|[a-z{}\\[\\]:,&*!|>'\"#@.-]|\n|  | ){0,60}") {
        let _ = load(&[("a.yaml", &text)]);
    }
}
