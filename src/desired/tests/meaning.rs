//! What the files mean together: names that do not exist, lines that disagree, values that are missing.

use super::{check, check_file, desired, load};

#[test]
fn everyone_named_must_be_known_and_one_unknown_address_is_one_problem() {
    check_file(
        "teams:\n  t:\n    members: [jan@example.com, nobody@elsewhere.example]\n    grants: { autodesk: }\n\
         apps:\n  autodesk:\n    groups: { Design Team: { members: [jan@example.com] } }\n    ids: { jan@example.com: '5' }\n",
        r#"
error: `jan@example.com` is named here, and is neither under `people` nor under an app's `accounts`
 --> a.yaml:3:15
  |
3 |     members: [jan@example.com, nobody@elsewhere.example]
  |               ^^^^^^^^^^^^^^^
 ::: a.yaml:7:40
  |
7 |     groups: { Design Team: { members: [jan@example.com] } }
  |                                        ^^^^^^^^^^^^^^^
 ::: a.yaml:8:12
  |
8 |     ids: { jan@example.com: '5' }
  |            ^^^^^^^^^^^^^^^
  = help: did you mean `jane@example.com`? Otherwise add them under `people`

error: `nobody@elsewhere.example` is named here, and is neither under `people` nor under an app's
       `accounts`
 --> a.yaml:3:32
  |
3 |     members: [jan@example.com, nobody@elsewhere.example]
  |                                ^^^^^^^^^^^^^^^^^^^^^^^^
  = help: add them under `people`, or, if this is a service, under the app's `accounts`
"#,
    );
}

#[test]
fn teams_apps_and_groups_that_are_not_there_get_suggestions() {
    check_file(
        "teams:\n  design:\n    includes: [desing, sales]\n    grants:\n      autodsk: user\n      autodesk: { groups: { design team: member } }\n",
        r#"
error: there is no team `desing`
 --> a.yaml:3:16
  |
3 |     includes: [desing, sales]
  |                ^^^^^^
  = help: did you mean `design`?

error: there is no team `sales`
 --> a.yaml:3:24
  |
3 |     includes: [desing, sales]
  |                        ^^^^^
  = help: the only one of the teams is `design`

error: there is no app `autodsk`
 --> a.yaml:5:7
  |
5 |       autodsk: user
  |       ^^^^^^^
  = help: did you mean `autodesk`?

error: app `autodesk` declares no group `design team`
 --> a.yaml:6:29
  |
6 |       autodesk: { groups: { design team: member } }
  |                             ^^^^^^^^^^^
  = help: did you mean `Design Team`?
"#,
    );
}

#[test]
fn includes_in_a_circle_are_errors() {
    check_file(
        "teams:\n  a: { includes: [b], grants: { autodesk: } }\n  b: { includes: [c] }\n  c: { includes: [a] }\n  d: { includes: d }\n",
        r#"
error: teams include each other in a circle: a → b → c → a
 --> a.yaml:2:19
  |
2 |   a: { includes: [b], grants: { autodesk: } }
  |                   ^ `a` includes `b`
 ::: a.yaml:3:19
  |
3 |   b: { includes: [c] }
  |                   ^ `b` includes `c`
 ::: a.yaml:4:19
  |
4 |   c: { includes: [a] }
  |                   ^ `c` includes `a`
  = help: remove one of these lines

error: team `d` includes itself
 --> a.yaml:5:18
  |
5 |   d: { includes: d }
  |                  ^ `d` includes `d`
  = help: remove one of these lines
"#,
    );
}

#[test]
fn aliases_belong_to_one_person() {
    check_file(
        "people:\n  kim@example.com: { aliases: [k@example.com, jane@example.com] }\n  lee@example.com: { aliases: [K@example.com, lee@example.com] }\n",
        r#"
error: the alias `jane@example.com` of `kim@example.com` is another person's address
 --> a.yaml:2:47
  |
2 |   kim@example.com: { aliases: [k@example.com, jane@example.com] }
  |                                               ^^^^^^^^^^^^^^^^ the alias
 ::: base.yaml:2:3
  |
2 |   jane@example.com: { given_name: Jane, family_name: Doe }
  |   ^^^^^^^^^^^^^^^^ the address
  = help: an address belongs to one person; remove the alias or join the two entries

error: the alias `K@example.com` is given twice
 --> a.yaml:3:32
  |
3 |   lee@example.com: { aliases: [K@example.com, lee@example.com] }
  |                                ^^^^^^^^^^^^^ given again here
 ::: a.yaml:2:32
  |
2 |   kim@example.com: { aliases: [k@example.com, jane@example.com] }
  |                                ^^^^^^^^^^^^^ first given here
  = help: an address belongs to one person

error: the alias `lee@example.com` is the person's own address
 --> a.yaml:3:47
  |
3 |   lee@example.com: { aliases: [K@example.com, lee@example.com] }
  |                                               ^^^^^^^^^^^^^^^ the alias
  |   ^^^^^^^^^^^^^^^ the address
  = help: an address belongs to one person; remove the alias or join the two entries
"#,
    );
}

#[test]
fn an_unknown_connector_or_a_missing_one_is_one_error() {
    check_file(
        "apps:\n  a: { connector: autodsk, url: https://a.example, accounts: { jane@example.com: { rôle: x } } }\n  b: { url: https://b.example }\n  c: { connector: many }\n",
        r#"
error: there is no connector `autodsk`
 --> a.yaml:2:19
  |
2 |   a: { connector: autodsk, url: https://a.example, accounts: { jane@example.com: { rôle: x } } }
  |                   ^^^^^^^
  = help: did you mean `autodesk`?

error: app `b` has no `connector`
 --> a.yaml:3:3
  |
3 |   b: { url: https://b.example }
  |   ^
  = help: add `connector:` with a connector's name or a manifest's path

error: app `c` has no `url`
 --> a.yaml:4:3
  |
4 |   c: { connector: many }
  |   ^
  = help: add `url:` with the origin of the app's API
"#,
    );
}

#[test]
fn roles_and_fields_are_the_connectors() {
    check_file(
        "apps:\n  autodesk:\n    accounts:\n      jane@example.com: { role: admn, titel: x }\n      sam@example.com: { roles: [user, admin], status: active }\n    \
         groups: { Design Team: { kind: x, members: { jane@example.com: leed } } }\n\
         \n  many:\n    connector: many\n    url: https://many.example\n    accounts: { jane@example.com: { titel: Dr } }\n    \
         groups: { G: { kindd: x, members: { jane@example.com: lead, sam@example.com: { compny: Acme } } } }\n",
        r#"
error: accounts of `autodesk` have no role `admn`
 --> a.yaml:4:33
  |
4 |       jane@example.com: { role: admn, titel: x }
  |                                 ^^^^
  = help: did you mean `admin`?

error: accounts of `autodesk` have no field `titel`
 --> a.yaml:4:39
  |
4 |       jane@example.com: { role: admn, titel: x }
  |                                       ^^^^^
  = help: known keys: `family_name`, `from`, `given_name`, `reason`, `role`, `until`

error: accounts of `autodesk` have one role, not 2
 --> a.yaml:5:26
  |
5 |       sam@example.com: { roles: [user, admin], status: active }
  |                          ^^^^^
  = help: write `role: …`

error: `status` cannot be set on a line of accounts
 --> a.yaml:5:48
  |
5 |       sam@example.com: { roles: [user, admin], status: active }
  |                                                ^^^^^^
  = help: a person's `status` stands under `people`; an account goes when no line grants it

error: groups of `autodesk` have no field `kind`
 --> a.yaml:6:30
  |
6 |     groups: { Design Team: { kind: x, members: { jane@example.com: leed } } }
  |                              ^^^^
  = help: known keys: `id`, `members`, `mode`, `policy`, `state`

error: members of `autodesk` have no role `leed`
 --> a.yaml:6:68
  |
6 |     groups: { Design Team: { kind: x, members: { jane@example.com: leed } } }
  |                                                                    ^^^^
  = help: did you mean `lead`?

error: accounts of `many` have no field `titel`
  --> a.yaml:11:37
   |
11 |     accounts: { jane@example.com: { titel: Dr } }
   |                                     ^^^^^
   = help: did you mean `title`?

error: groups of `many` have no field `kindd`
  --> a.yaml:12:20
   |
12 |     groups: { G: { kindd: x, members: { jane@example.com: lead, sam@example.com: { compny: Acm…
   |                    ^^^^^
   = help: did you mean `kind`?

error: members of `many` have no roles
  --> a.yaml:12:59
   |
12 | …: { jane@example.com: lead, sam@example.com: { compny: Acme } } } }
   |                        ^^^^
   = help: remove it

error: members of `many` have no field `compny`
  --> a.yaml:12:84
   |
12 | …d, sam@example.com: { compny: Acme } } } }
   |                        ^^^^^^
   = help: did you mean `company`?
"#,
    );
}

#[test]
fn two_unranked_roles_conflict_and_ranked_ones_do_not() {
    check_file(
        "teams:\n  t: { members: [jane@example.com, sam@example.com], grants: { autodesk: { role: user, groups: { Design Team: lead } } } }\n\
         apps:\n  autodesk:\n    accounts: { jane@example.com: viewer }\n    groups:\n      Design Team:\n        members: { jane@example.com: member }\n",
        r#"
error: `jane@example.com` gets two values of `role` in group `Design Team` of app `autodesk`
 --> a.yaml:8:38
  |
8 |         members: { jane@example.com: member }
  |                                      ^^^^^^ `member` here
 ::: a.yaml:2:111
  |
2 | …groups: { Design Team: lead } } } }
  |                         ^^^^ `lead` here
  = help: the app takes one, and nothing says which is higher; change one of the lines, or let their
          windows not meet
"#,
    );
}

#[test]
fn a_clash_of_two_grants_is_one_problem_for_all_who_have_both() {
    check_file(
        "teams:\n  a: { members: [jane@example.com, sam@example.com], grants: { autodesk: { groups: { Design Team: lead } } } }\n  \
         b: { includes: [a], grants: { autodesk: { groups: { Design Team: member } } } }\n",
        r#"
error: `jane@example.com` gets two values of `role` in group `Design Team` of app `autodesk` (and
       one more person)
 --> a.yaml:3:68
  |
3 |   b: { includes: [a], grants: { autodesk: { groups: { Design Team: member } } } }
  |                                                                    ^^^^^^ `member` here
 ::: a.yaml:2:99
  |
2 | …groups: { Design Team: lead } } } }
  |                         ^^^^ `lead` here
  = help: the app takes one, and nothing says which is higher; change one of the lines, or let their
          windows not meet
"#,
    );
}

#[test]
fn roles_in_windows_that_never_meet_do_not_conflict() {
    let files = [(
        "a.yaml",
        "apps:\n  autodesk:\n    groups:\n      Design Team:\n        members: { jane@example.com: { role: member, until: 2027-01-31 } }\n\
         teams:\n  t: { members: { jane@example.com: { from: 2027-02-01 } }, grants: { autodesk: { groups: { Design Team: lead } } } }\n",
    )];
    assert_eq!(desired(&files).apps["autodesk"].groups["Design Team"].members.values().map(Vec::len).sum::<usize>(), 2);
}

#[test]
fn a_managed_field_needs_a_value_on_every_granted_account_and_member() {
    check(
        &[(
            "base.yaml",
            "people:\n  jane@example.com:\n  sam@example.com:\n  kim@example.com:\n  gone@example.com: { status: left }\n\
             apps:\n  autodesk:\n    connector: autodesk\n    url: https://api.example.com\n    \
             accounts:\n      jane@example.com: admin\n      sam@example.com:\n      gone@example.com:\n    \
             groups:\n      A: { members: { kim@example.com: lead } }\n      B: { members: [jane@example.com] }\n",
        )],
        r#"
error: `sam@example.com` and one more would have no `role` in app `autodesk`, where it is managed
  --> base.yaml:12:7
   |
12 |       sam@example.com:
   |       ^^^^^^^^^^^^^^^ without a value
  ::: base.yaml:15:23
   |
15 |       A: { members: { kim@example.com: lead } }
   |                       ^^^^^^^^^^^^^^^
  ::: base.yaml:11:25
   |
11 |       jane@example.com: admin
   |                         ^^^^^ this line makes it managed
   = help: add it to the line, or to the app's `defaults: { role: … }`

error: `jane@example.com` in group `B` would have no `role` in app `autodesk`, where it is managed
  --> base.yaml:16:22
   |
16 |       B: { members: [jane@example.com] }
   |                      ^^^^^^^^^^^^^^^^ without a value
  ::: base.yaml:15:40
   |
15 |       A: { members: { kim@example.com: lead } }
   |                                        ^^^^ this line makes it managed
   = help: give `role` to every member of the app's groups, or to none
"#,
    );
}

#[test]
fn names_that_creation_needs_are_missed_once_for_all_apps() {
    check(
        &[(
            "base.yaml",
            "people:\n  jane@example.com: { given_name: Jane }\n  sam@example.com: { status: suspended }\n\
             apps:\n  one: { connector: many, url: https://one.example, accounts: [jane@example.com, sam@example.com, bot@example.com] }\n  \
             two: { connector: many, url: https://two.example, groups: { G: { members: [jane@example.com] } } }\n  \
             watched: { connector: many, url: https://w.example, mode: observe, accounts: [jane@example.com] }\n  \
             three: { connector: autodesk, url: https://three.example, accounts: [jane@example.com] }\n",
        )],
        r#"
error: `jane@example.com` has no `family_name`, which apps `one`, `two` need to create an account
 --> base.yaml:2:3
  |
2 |   jane@example.com: { given_name: Jane }
  |   ^^^^^^^^^^^^^^^^
  = help: add it to this entry

error: `bot@example.com` has no `family_name` and `given_name`, which app `one` needs to create an
       account
 --> base.yaml:5:99
  |
5 | ….com, sam@example.com, bot@example.com] }
  |                         ^^^^^^^^^^^^^^^
  = help: add it to this line, or give the address an entry under `people`

error: creating an account in app `three` takes a `role`, and `jane@example.com` has none
 --> base.yaml:8:3
  |
8 |   three: { connector: autodesk, url: https://three.example, accounts: [jane@example.com] }
  |   ^^^^^
  = help: add `defaults: { role: … }` to the app
"#,
    );
}

#[test]
fn grants_keep_within_the_bounds_of_the_app() {
    check_file(
        "teams:\n  t:\n    members: [jane@example.com]\n    grants:\n      autodesk:\n        role: admin\n        groups: [Design Team]\n\
         apps:\n  autodesk:\n    grantable: { roles: [user, viewr], groups: [Other] }\n    groups: { Other: }\n    accounts: { sam@example.com: admin }\n",
        r#"
error: teams may not grant the role `admin` in app `autodesk`
  --> a.yaml:6:15
   |
 6 |         role: admin
   |               ^^^^^ granted here
  ::: a.yaml:10:18
   |
10 |     grantable: { roles: [user, viewr], groups: [Other] }
   |                  ^^^^^ the bound
   = help: grant it directly under the app's `accounts`, or widen `grantable`

error: teams may not grant the group `Design Team` in app `autodesk`
  --> a.yaml:7:18
   |
 7 |         groups: [Design Team]
   |                  ^^^^^^^^^^^ granted here
  ::: a.yaml:10:40
   |
10 |     grantable: { roles: [user, viewr], groups: [Other] }
   |                                        ^^^^^^ the bound
   = help: add the members under the group itself, or widen `grantable`

error: accounts of `autodesk` have no role `viewr`
  --> a.yaml:10:32
   |
10 |     grantable: { roles: [user, viewr], groups: [Other] }
   |                                ^^^^^
   = help: did you mean `viewer`?
"#,
    );
}

#[test]
fn a_group_to_be_deleted_has_no_members() {
    check_file(
        "teams:\n  t: { members: [jane@example.com], grants: { autodesk: { groups: [Old] } } }\n\
         apps:\n  autodesk:\n    groups:\n      Old:\n        state: absent\n        members: [sam@example.com]\n",
        r#"
error: group `Old` is to be deleted, and is granted here
 --> a.yaml:2:68
  |
2 |   t: { members: [jane@example.com], grants: { autodesk: { groups: [Old] } } }
  |                                                                    ^^^ granted here
 ::: a.yaml:7:16
  |
7 |         state: absent
  |                ^^^^^^ to be deleted
  = help: remove the grant, or `state: absent`

error: group `Old` is to be deleted, and has members
 --> a.yaml:7:16
  |
7 |         state: absent
  |                ^^^^^^ to be deleted
 ::: a.yaml:8:19
  |
8 |         members: [sam@example.com]
  |                   ^^^^^^^^^^^^^^^ a member
  = help: remove the members, or `state: absent`
"#,
    );
}

#[test]
fn an_id_belongs_to_one() {
    check_file(
        "apps:\n  autodesk:\n    ids: { jane@example.com: u1, sam@example.com: u1 }\n    groups: { A: { id: g1 }, B: { id: g1 } }\n",
        r#"
error: the id `u1` is given to two people
 --> a.yaml:3:51
  |
3 |     ids: { jane@example.com: u1, sam@example.com: u1 }
  |                                                   ^^ given again here
  |                              ^^ first given here

error: the id `g1` is given to two groups
 --> a.yaml:4:39
  |
4 |     groups: { A: { id: g1 }, B: { id: g1 } }
  |                                       ^^ given again here
  |                        ^^ first given here
"#,
    );
}

#[test]
fn a_match_that_fits_nobody_and_an_approval_without_end_are_warnings() {
    check_file(
        "teams:\n  t: { match: { departmnt: Design }, grants: { autodesk: } }\n  idle: { members: [jane@example.com] }\n\
         approvals: [ { allow: autodesk, guard: max-removals, up_to: 40 } ]\n",
        r#"
warning: `match` of team `t` fits nobody
 --> a.yaml:2:8
  |
2 |   t: { match: { departmnt: Design }, grants: { autodesk: } }
  |        ^^^^^
  = help: compare with the `attributes` of people: `departmnt`; values compare exactly

warning: team `idle` grants nothing, and no team includes it
 --> a.yaml:3:3
  |
3 |   idle: { members: [jane@example.com] }
  |   ^^^^
  = help: give it `grants`, or remove it

warning: this approval never expires
 --> a.yaml:4:16
  |
4 | approvals: [ { allow: autodesk, guard: max-removals, up_to: 40 } ]
  |                ^^^^^
  = help: add `until: DATE`, so that it does not release something else later
"#,
    );
    assert!(load(&[("a.yaml", "teams:\n  idle:\n")]).is_ok());
}

#[test]
fn what_follows_from_a_misspelt_key_is_not_told_beside_it() {
    check_file(
        "teams: { a: { members: [jane@example.com], grants: { autodesk: { groups: [Design, Build] } } } }\n\
         people: { jane@example.com: }\napps:\n  autodesk:\n    grups: { Design: , Build: }\n    grantable: { groups: [Design] }\n",
        r#"
error: unknown key `grups` in an app
 --> a.yaml:5:5
  |
5 |     grups: { Design: , Build: }
  |     ^^^^^
  = help: did you mean `groups`?
"#,
    );
}

#[test]
fn what_an_apps_own_lines_say_of_an_address_follows_no_alias() {
    let check = |app: &str, key: &str| {
        let text =
            format!("people:\n  noor@example.com: {{ aliases: [jobs@example.com] }}\napps:\n  autodesk:\n    {app}\n");
        let problems = load(&[("a.yaml", &text)]).unwrap_err();
        let told: Vec<(&str, String)> =
            problems.iter().map(|problem| (problem.code, problem.message.clone())).collect();
        let message =
            format!("the alias `jobs@example.com` of `noor@example.com` is named under `apps.autodesk.{key}`");
        assert_eq!(told, [("guarded-alias", message)], "{app}");
        let lines: Vec<u32> =
            problems.iter().flat_map(|problem| &problem.places).map(|label| label.place.line).collect();
        assert_eq!(lines, [2, 5], "{app}");
    };
    check("accounts: { JOBS@example.com: admin }", "accounts");
    check("groups: { Design Team: { members: [jobs@example.com] } }", "groups.Design Team.members");
    check("self: jobs@example.com", "self");
    check("ids: { jobs@example.com: user-1 }", "ids");
}

#[test]
fn a_person_stands_in_one_place() {
    check(
        &[
            ("people/hr.yaml", "people:\n  kim@example.com: { given_name: Kim }\n"),
            ("people/zz.yaml", "people:\n  KIM@example.com: { status: left }\n"),
        ],
        r#"
error: `kim@example.com` has a second entry
 --> people/zz.yaml:2:3
  |
2 |   KIM@example.com: { status: left }
  |   ^^^^^^^^^^^^^^^ given again here
 ::: people/hr.yaml:2:3
  |
2 |   kim@example.com: { given_name: Kim }
  |   ^^^^^^^^^^^^^^^ first given here
  = help: a person stands in one place, whose owner answers for it: say everything there
"#,
    );
}
