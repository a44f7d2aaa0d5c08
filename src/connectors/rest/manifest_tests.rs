//! Manifests as people write them, with their mistakes.

use insta::assert_snapshot;

use super::Manifest;
use crate::model::{AccountStatus, Find, MemberChange, MemberRead, Semantics, Verb};

const SMALL: &str = r#"name: small
auth: { bearer: true }
accounts:
  fields: { id: id, email: email, status: state }
  status: { active: on, inactive: off }
  list: { get: /users, items: data }
  read: { get: "/users/{account.id}" }
"#;

fn built_in(name: &str) -> &'static str {
    super::BUILT_IN.iter().find(|(built_in, _)| *built_in == name).unwrap().1
}

fn autodesk() -> Semantics {
    let manifest = Manifest::parse("autodesk.yaml", built_in("autodesk")).unwrap();
    Semantics::clone(&manifest.semantics)
}

/// What is said of the small manifest after `from` has been replaced.
fn wrong(from: &str, to: &str) -> String {
    assert!(SMALL.contains(from), "the test replaces something");
    Manifest::parse("small.yaml", &SMALL.replace(from, to)).unwrap_err().to_string()
}

#[test]
fn every_built_in_manifest_is_a_good_one() {
    for (name, text) in super::BUILT_IN {
        let manifest = Manifest::parse(name, text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(&*manifest.semantics.connector, name);
    }
}

#[test]
fn autodesk_declares_its_traps() {
    let semantics = autodesk();
    assert_eq!((semantics.find, semantics.members.read), (Find::Sweep, MemberRead::PerAccount));
    assert_eq!(semantics.create.as_ref().map(|create| &create.becomes), Some(&AccountStatus::Pending));
    assert!(semantics.deactivate.as_ref().is_some_and(|rule| rule.irreversible));
    assert!(!semantics.reactivate && !semantics.groups.list && !semantics.members.remove);
    assert_eq!(semantics.members.change, MemberChange::Manual);
    assert_eq!(semantics.members.when, [AccountStatus::Active].into());
    let role = semantics.role.as_ref().unwrap();
    assert!(role.rank("admin") > role.rank("user") && role.rank("user") > role.rank("viewer"));
    assert!(!semantics.carries.contains("role") && semantics.fields.contains("role"));
}

#[test]
fn whatever_an_api_lacks_has_a_text_for_people() {
    let semantics = autodesk();
    for verb in [Verb::Reactivate, Verb::RemoveMember, Verb::ChangeMember, Verb::CreateGroup, Verb::DeleteGroup] {
        assert!(semantics.manual.contains_key(&verb), "{verb}");
    }
}

#[test]
fn mistakes_are_shown_with_their_line_and_what_to_write() {
    assert_snapshot!(wrong("{account.id}", "{id}"), @"small.yaml:7: {id} has no value here; there are {account.id} and {options.NAME}");
    assert_snapshot!(wrong("bearer: true", "scopes: [a]"), @"small.yaml:2: `auth` needs exactly one of `oauth`, `bearer`, `header`, `basic` and `login`");
    assert_snapshot!(wrong("\"/users/{account.id}\"", "users"), @"small.yaml:7: a path starts with `/` and goes on below the app's `url` and `base`");
    assert_snapshot!(wrong("id: id, ", ""), @"small.yaml:4: `accounts.fields` needs `id`");
    let page = "name: small\npage: { size: n }";
    assert_snapshot!(wrong("name: small", page), @"small.yaml:2: `page` needs exactly one of `offset`, `number`, `token` and `link`");
    let deactivate = "\n  deactivate: { set: { status: inactive } }";
    assert_snapshot!(wrong("\n  read", &format!("{deactivate}\n  read")), @"small.yaml:7: `set` writes through `accounts.update`, which is missing");
}

#[test]
fn misspelt_keys_and_malformed_values_are_errors_with_their_line() {
    for (from, to, line, says) in [
        ("  list:", "  lists:", 6, "lists"),
        ("/users/{account.id}", "/users/{account.id", 7, "without a `}`"),
        ("name: small", "name: small\nlimits: { all: 1000 per hour }", 2, "1000/h"),
        ("name: small", "name: small\nmanual: { dance: x }", 2, "dance"),
    ] {
        let error = wrong(from, to);
        assert!(error.starts_with(&format!("small.yaml:{line}: ")) && error.contains(says), "{error}");
    }
}

/// What is said of the small manifest with `rest` in its accounts and `top` before everything.
fn grown(top: &str, rest: &str) -> String {
    let text = SMALL.replace("name: small", &format!("name: small{top}"));
    Manifest::parse("small.yaml", &format!("{text}{rest}")).map_or_else(|error| error.to_string(), |_| "fine".into())
}

#[test]
fn slips_of_the_pen_are_shown_with_what_was_meant() {
    assert_snapshot!(wrong("  list:", "  lists:"), @"small.yaml:6: there is no key `lists` here; did you mean `list`?");
    assert_snapshot!(wrong("items: data", "items: data, zebra: 1"), @"small.yaml:6: there is no key `zebra` here; there are `get`, `query`, `items`, `page`, `paged`, `answers`, `carries`, `excludes`, `group`, `account`, `otherwise`");
    assert_snapshot!(wrong("  read: { get: \"/users/{account.id}\" }\n", ""), @"small.yaml:6: the key `read` is missing here");
    assert_snapshot!(wrong("status: state", "id: state"), @"small.yaml:4: the key `id` is given twice; keep one of them");
    assert_snapshot!(wrong("name: small", "name: small\nname: twice"), @"small.yaml:2: the key `name` is given twice; keep one of them");
    assert_snapshot!(grown("", "  update: { patch: /x, style: whole }\n"), @"small.yaml:8: `whole` means nothing here; there are `partial`, `replace`, `json-patch`");
    assert_snapshot!(wrong("active: on", "active: on, gone: off"), @"small.yaml:5: `gone` means nothing here; there are `active`, `pending`, `inactive`");
    assert_snapshot!(grown("", "  role: { take: one, admin: boss }\n"), @r#"small.yaml:8: "boss" is no list of roles; write `[a, b]`, or `options.NAME` to let the files say"#);
}

#[test]
fn options_are_declared_before_they_are_used() {
    assert_snapshot!(wrong("/users/{account.id}", "/{options.area}/{account.id}"), @"small.yaml:7: there is no option `area`; declare it: `options: { area: { help: … } }`");
    let declared = "\noptions: { area: { help: which } }";
    assert_snapshot!(grown(declared, "  update: { patch: \"/{options.area}/{account.id}\" }\n"), @"small.yaml:9: {options.area} may have no value here; declare it with `required: true` or a `default`");
    let default = "\noptions: { area: { help: which, default: a } }";
    assert_snapshot!(grown(default, "  update: { patch: \"/{options.area}/{account.id}\" }\n"), @"fine");
    assert_snapshot!(grown("", "  role: { take: one, admin: options.bosses }\n"), @"small.yaml:8: there is no option `bosses`; declare it: `options: { bosses: { help: … } }`");
}

#[test]
fn a_call_that_would_be_about_everybody_is_refused() {
    assert_snapshot!(wrong("/users/{account.id}", "/users/me"), @"small.yaml:7: `accounts.read` does not say which one it is about; it needs {account.id}");
    assert_snapshot!(grown("", "  delete: { delete: /users }\n"), @"small.yaml:8: `accounts.delete` does not say which one it is about; it needs {account.id}");
    assert_snapshot!(grown("", "  deactivate: { post: /users/off, body: { id: me } }\n"), @"small.yaml:8: `accounts.deactivate` does not say which one it is about; it needs {account.id}");
    assert_snapshot!(grown("", "  deactivate: { post: /users/off, body: { id: \"{account.id}\" } }\n"), @"fine");
    assert_snapshot!(grown("", "  update: { patch: /users }\n"), @"small.yaml:8: `accounts.update` does not say which one it is about; it needs {account.id}");
    assert_snapshot!(grown("", "  find: { get: /users, query: { name: email }, items: data }\n"), @"small.yaml:8: `accounts.find` does not say which one it is about; it needs {email}");
    let member = |call: &str| grown("", &format!("members:\n  {call}\n"));
    assert_snapshot!(member("remove: { delete: \"/groups/{group.id}/members\" }"), @"small.yaml:9: `members.remove` does not say which one it is about; it needs {account.id} or {account.ids}");
    assert_snapshot!(member("remove: { delete: \"/members/{account.id}\" }"), @"small.yaml:9: `members.remove` does not say which one it is about; it needs {group.id}");
    assert_snapshot!(member("remove: { post: \"/groups/{group.id}/gone\", body: { ids: \"{account.ids}\" } }"), @"fine");
    assert_snapshot!(grown("", "groups:\n  delete: { delete: /groups }\n"), @"small.yaml:9: `groups.delete` does not say which one it is about; it needs {group.id}");
}

#[test]
fn one_word_for_two_statuses_is_refused() {
    assert_snapshot!(wrong("inactive: off", "inactive: on"), @r#"small.yaml:4: `accounts.status` says "on" for active and for inactive, so nobody can tell them apart"#);
}

#[test]
fn what_does_not_fit_together_is_said() {
    assert_snapshot!(grown("", "  update: { patch: /x, omit: [id] }\n"), @"small.yaml:8: `omit` under `accounts.update` means nothing with this `style`");
    assert_snapshot!(grown("", "  role: { take: many, lookup: roles }\n"), @"small.yaml:8: `accounts.role` needs the field `roles` under `accounts.fields`");
    let roles = "\nlookups: { roles: { get: /roles, items: data, id: id, name: name } }";
    let fields = SMALL
        .replace("status: state", "status: state, role: role")
        .replace("name: small", &format!("name: small{roles}"));
    let say = |rest: &str| {
        let parsed = Manifest::parse("small.yaml", &format!("{fields}{rest}"));
        parsed.map_or_else(|error| error.to_string(), |_| "fine".into())
    };
    assert_snapshot!(say("  role: { take: one, lookup: roles }\n"), @"fine");
    assert_snapshot!(say("  role: { take: one, lookup: rolls }\n"), @"small.yaml:9: there is no lookup `rolls`; there are `roles`");
    assert_snapshot!(say("  role: { take: one, lookup: roles, names: { a: b } }\n"), @"small.yaml:9: a role has either `names` or a `lookup`, not both");
    assert_snapshot!(say("  lookup: { title: roles }\n"), @"small.yaml:9: `title` is looked up, but `accounts.fields` does not map it");
    assert_snapshot!(say("  create: { post: /users, require: [title] }\n"), @"small.yaml:9: `title` is named under `accounts`, but `accounts.fields` does not map it");
    assert_snapshot!(say("groups:\n  update: { put: \"/groups/{group.id}\", style: replace }\n"), @"small.yaml:10: `groups.update` sends what there is, and needs `groups.read: {get: …}` to see it");
    assert_snapshot!(say("groups:\n  create: { post: /groups, require: [role] }\n"), @"small.yaml:10: `role` is named under `groups.create.require`, but `groups.fields` does not map it");
    assert_snapshot!(say("members:\n  add: { post: \"/groups/{group.id}\", at_once: 5, body: [\"{account.id}\"] }\n"), @"small.yaml:10: `members.add.at_once` needs {account.ids} in the body");
    assert_snapshot!(say("members:\n  add: { post: \"/groups/{group.id}/{account.id}\", defaults: { role: member } }\n"), @"small.yaml:10: `role` is named under `members.add.defaults`, but `members.fields` does not map it");
    assert_snapshot!(wrong("items: data", "items: data, otherwise: manual"), @"small.yaml:6: `manual` means nothing here; there are `believed`");
    assert_snapshot!(grown("", "  update: { patch: /x, otherwise: believed }\n"), @"small.yaml:8: `believed` means nothing here; there are `manual`");
}

#[test]
fn a_rule_about_answers_that_cannot_be_meant_is_refused() {
    let shared = |rule: &str| grown(&format!("\nanswers: [ {rule} ]"), "");
    assert_snapshot!(shared("{ status: [403, 410], on: accounts.read, means: gone }, { path: ok, is: [false], means: refused }"), @"fine");
    assert_snapshot!(shared("{ status: 403, on: accounts.reed, means: gone }"), @"small.yaml:2: there is no call `accounts.reed`; did you mean `accounts.read`?");
    assert_snapshot!(shared("{ status: 403, on: [accounts.read, people], means: gone }"), @"small.yaml:2: there is no call `people`; there are `accounts.list`, `accounts.read`, `accounts.find`, `accounts.create`, `accounts.update`, `accounts.deactivate`, `accounts.reactivate`, `accounts.delete`, `groups.list`, `groups.read`, `groups.create`, `groups.update`, `groups.delete`, `members.list`, `members.add`, `members.change`, `members.remove`, `lookups`");
    assert_snapshot!(shared("{ status: 403, is: [busy], means: overload }"), @"small.yaml:2: `is` says what stands at `path`, which is missing; write `path: error.code` beside it");
    assert_snapshot!(shared("{ path: code, is: [], means: overload }"), @"small.yaml:2: `is` is an empty list and matches nothing; name what stands at `path`, or leave `is` out");
    assert_snapshot!(shared("{ path: code, is: busy, means: overload }"), @r#"small.yaml:2: `is` takes a list of values; write `is: ["busy"]`"#);
    assert_snapshot!(shared("{ status: 403, means: overlord }"), @"small.yaml:2: `overlord` means nothing here; did you mean `overload`?");
    assert_snapshot!(shared("{ means: gone }"), @"small.yaml:2: this rule has no condition and would match every answer; give it `status`, `path` or `lacks`");
    assert_snapshot!(shared("{ on: groups.list, means: empty }"), @"small.yaml:2: this rule has no condition and would match every answer; give it `status`, `path` or `lacks`");
    assert_snapshot!(shared("{ status: 40, means: gone }"), @"small.yaml:2: 40 is no status of an answer; write one from 200 to 599");
    assert_snapshot!(shared("{ status: some, means: gone }"), @"small.yaml:2: `status` is a number such as 409, or a list of them");
    assert_snapshot!(shared("{ status: 404, on: accounts.read, means: empty }"), @"small.yaml:2: only an answer to a list can mean `empty`, and `accounts.read` is something else");
    assert_snapshot!(shared("{ status: 409, on: accounts.list, means: duplicate }"), @"small.yaml:2: only an answer to a call that changes something can mean `duplicate`, and `accounts.list` is something else");
    let own = |rule: &str| wrong("items: data", &format!("items: data, answers: [ {rule} ]"));
    assert_snapshot!(own("{ status: 403, on: accounts.list, means: gone }"), @"small.yaml:6: `on` stands in the manifest's own `answers`; these rules are about `accounts.list` alone, so leave it out");
    assert_snapshot!(own("{ status: 409, means: duplicate }"), @"small.yaml:6: only an answer to a call that changes something can mean `duplicate`, and `accounts.list` is something else");
    assert_snapshot!(grown("", "  update: { patch: \"/users/{account.id}\", answers: [ { status: 410, means: expired } ] }\n"), @"small.yaml:8: only an answer to a list can mean `expired`, and `accounts.update` is something else");
}

#[test]
fn a_key_of_former_manifests_is_refused_with_the_rule_to_paste() {
    assert_snapshot!(grown("", "  create: { post: /users, duplicate: [400, 409] }\n"), @"small.yaml:8: `duplicate` has become a rule of `answers`; write `answers: [ { status: [400, 409], means: duplicate } ]` in its place");
    assert_snapshot!(grown("", "  delete: { delete: \"/users/{account.id}\", manual_on: [422] }\n"), @"small.yaml:8: `manual_on` has become a rule of `answers`; write `answers: [ { status: 422, means: manual } ]` in its place");
    assert_snapshot!(wrong("items: data", "items: data, truncated: { path: meta.cut, is: true }"), @"small.yaml:6: `truncated` has become a rule of `answers`; write `answers: [ { path: meta.cut, is: [true], means: truncated } ]` in its place");
    assert_snapshot!(wrong("list: { get: /users, items: data }", "list:\n    get: /users\n    items: data\n    truncated:\n      path: meta.cut\n      is: 1"), @"small.yaml:9: `truncated` has become a rule of `answers`; write `answers: [ { path: meta.cut, is: [1], means: truncated } ]` in its place");
    assert_snapshot!(grown("\npage: { link: next, expired: { status: 410 } }", ""), @"small.yaml:2: `expired` has become a rule of `answers`; write `answers: [ { status: 410, means: expired } ]` beside `page`");
    assert_snapshot!(grown("\npage: { link: next, expired: { status: 400, path: code, is: [4Old, \"5\"] } }", ""), @r#"small.yaml:2: `expired` has become a rule of `answers`; write `answers: [ { status: 400, path: code, is: [4Old, "5"], means: expired } ]` beside `page`"#);
    assert_snapshot!(grown("", "  delete: { delete: \"/users/{account.id}\", expect: { success: true, state: gone } }\n"), @r#"small.yaml:8: `expect` has become a rule of `answers`; write `answers: [ { path: success, is: [false], means: refused }, { path: state, is: [what it says instead of "gone"], means: refused } ]` in its place"#);
}

fn semantics(name: &str) -> Semantics {
    let manifest = Manifest::parse(name, built_in(name)).unwrap_or_else(|error| panic!("{error}"));
    Semantics::clone(&manifest.semantics)
}

#[test]
fn no_built_in_manifest_deactivates_by_deleting() {
    use super::manifest::Change;
    use crate::connectors::http::Method;
    for (name, text) in super::BUILT_IN {
        let manifest = Manifest::parse(name, text).unwrap();
        if let Some(Change::Call(call)) = &manifest.accounts.deactivate {
            assert_ne!(call.method, Method::Delete, "{name}");
        }
    }
}

#[test]
fn alteryx_and_workiva_declare_their_traps() {
    let alteryx = semantics("alteryx");
    assert!(alteryx.delete.is_none() && alteryx.reactivate && alteryx.inactive_keeps_seat);
    assert!(alteryx.deactivate.as_ref().is_some_and(|rule| !rule.irreversible && !rule.strips_members));
    assert_eq!(alteryx.create.as_ref().unwrap().require.len(), 4);
    assert_eq!(alteryx.groups.require, ["role".into()].into());
    assert_eq!(
        (alteryx.find, alteryx.members.read, alteryx.members.add_at_once),
        (Find::QUERY, MemberRead::PerGroup, 1)
    );
    let webapi = semantics("alteryx-webapi");
    assert!(webapi.delete.is_none() && webapi.reactivate);
    assert!(webapi.deactivate.as_ref().is_some_and(|rule| !rule.irreversible && !rule.strips_members));
    assert_eq!(webapi.members.add_at_once, 100);
    assert_eq!(webapi.role.as_ref().unwrap().rank("Evaluated"), None);
    let workiva = semantics("workiva");
    assert!(workiva.delete.as_ref().is_some_and(|rule| rule.irreversible) && workiva.reactivate);
    assert!(workiva.role.as_ref().is_some_and(|rule| rule.many && rule.values.is_empty()));
    assert!(!workiva.carries.contains("roles") && !workiva.carries.contains("family_name"));
}

#[test]
fn whatever_the_other_apps_lack_has_a_text_for_people_too() {
    for (name, verbs) in [
        (
            "alteryx",
            &[
                Verb::Delete,
                Verb::RemoveMember,
                Verb::CreateGroup,
                Verb::UpdateGroup,
                Verb::DeleteGroup,
                Verb::Reactivate,
            ][..],
        ),
        ("alteryx-webapi", &[Verb::Delete, Verb::Deactivate, Verb::RemoveMember, Verb::UpdateGroup, Verb::DeleteGroup]),
        ("workiva", &[Verb::CreateGroup, Verb::UpdateGroup, Verb::DeleteGroup]),
    ] {
        let semantics = semantics(name);
        for verb in verbs {
            assert!(semantics.manual.contains_key(verb), "{name}: {verb}");
        }
    }
}

#[test]
fn an_address_that_is_the_id_is_changed_by_people_alone() {
    let readdresses = |text: &str| {
        let text = format!("{text}  update: {{ patch: \"/users/{{account.id}}\" }}\n");
        Manifest::parse("small.yaml", &text).unwrap().semantics.readdresses()
    };
    assert!(readdresses(SMALL));
    let by_address = SMALL.replace("id: id, ", "id: email, ");
    assert_ne!(by_address, SMALL);
    assert!(!readdresses(&by_address));
}
