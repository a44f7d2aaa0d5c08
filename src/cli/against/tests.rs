//! What a change of the files alters without a step of the plan.

use super::*;

#[test]
fn a_line_is_gone_when_it_is_taken_out_and_not_when_it_merely_moves_down() {
    let check = |before: &str, after: &str, gone: &[u32]| {
        let lines: Vec<u32> = lines_gone(before, after).into_iter().collect();
        assert_eq!(lines, gone, "{before:?} → {after:?}");
    };
    check("a\nb\nc\n", "a\nc\n", &[2]);
    check("a\nb\n", "x\ny\na\nb\n", &[]);
    check("a\nb\n", "", &[1, 2]);
    check("a\nb\nc\n", "a\nB\nc\n", &[2]);
}

/// Two people, a team, an app with rules of its own, and an approval.
const BASE: &str = "\
people:
  ann@example.com: { given_name: Ann, family_name: Lee, attributes: { department: IT } }
  bob@example.com: { given_name: Bob, family_name: Lee }
teams:
  it: { match: { department: [IT] }, grants: { studio: { role: user } } }
  leads: { members: [bob@example.com], grants: { studio: { groups: { Design: lead } } } }
apps:
  studio:
    connector: autodesk
    url: https://api.example.com
    auth: { client_id: { env: A }, client_secret: { env: B } }
    self: bot@example.com
    mode: enforce
    policy: { irreversible: hold, protect: ['*@board.example'], max_removals: { share: 10%, at_least: 3 }, min_admins: 2 }
    defaults: { role: user }
    grantable: { roles: [user, admin] }
    accounts:
      bot@example.com: { role: admin }
      bob@example.com:
    groups: { Design: { id: team-1 } }
    ids: { bob@example.com: user-2 }
approvals:
  - { allow: studio/deactivate/bob@example.com, guard: irreversible, until: 2126-12-31 }
settings: { policy: { max_creates: 25% } }
";

fn files(text: &str) -> Desired {
    let parsed = desired::parse(vec![("all.yaml".to_owned(), text.to_owned())], &Registry::default());
    parsed.unwrap_or_else(|problems| panic!("{problems}")).desired
}

/// Every rule that another text alters, as `LEANING RULE: FROM -> TO`.
fn altered(from: &str, to: &str) -> Vec<String> {
    let text = BASE.replacen(from, to, 1);
    assert_ne!(text, BASE, "{from} is in the base");
    let (change, before) = (files(&text), files(BASE));
    let trusted = trust(&change, &before, |_| false);
    let (rules, _) = super::altered(&change, &before, &trusted);
    let none = || "nothing".to_owned();
    let text = |rule: &RuleChange| {
        let (from, to) = (rule.from.clone().unwrap_or_else(none), rule.to.clone().unwrap_or_else(none));
        format!("{} {}: {from} -> {to}", <&str>::from(rule.leaning), rule.rule)
    };
    rules.iter().map(text).collect()
}

#[test]
fn every_loosened_guard_is_told_with_what_it_was() {
    let check = |from: &str, to: &str, told: &str| assert_eq!(altered(from, to), [told]);
    check("irreversible: hold", "irreversible: allow", "loosens policy.irreversible: hold -> allow");
    check("['*@board.example']", "[]", "loosens policy.protect: [*@board.example] -> []");
    check("share: 10%", "share: 100%", "loosens policy.max_removals: 10%, at least 3 -> 100%, at least 3");
    check("max_creates: 25%", "max_creates: 100%", "loosens policy.max_creates: 25%, at least 0 -> 100%, at least 0");
    check("min_admins: 2", "min_admins: 0", "loosens policy.min_admins: 2 -> 0");
    check("min_admins: 2", "min_admins: 3", "tightens policy.min_admins: 2 -> 3");
    check("    self: bot@example.com\n", "", "loosens self: bot@example.com -> nothing");
    check("mode: enforce", "mode: observe", "loosens mode: enforce -> observe");
    check(
        "roles: [user, admin]",
        "roles: [user, viewer, admin]",
        "loosens grantable.roles: [admin, user] -> [admin, user, viewer]",
    );
    check("roles: [user, admin]", "roles: [user]", "tightens grantable.roles: [admin, user] -> [user]");
    check("defaults: { role: user }", "defaults: { role: admin }", "loosens defaults.role: user -> admin");
    check("team-1", "team-2", "changes id: team-1 -> team-2");
    check("user-2", "user-3", "loosens ids.bob@example.com: user-2 -> user-3");
    check(
        "irreversible: hold,",
        "irreversible: hold, remove_with: delete,",
        "loosens policy.remove_with: deactivate -> delete",
    );
    check("irreversible: hold,", "irreversible: hold, unlisted: ignore,", "loosens policy.unlisted: report -> ignore");
    check(
        "Bob, family_name: Lee",
        "Bob, family_name: Lee, aliases: [rob@example.com]",
        "loosens people.bob@example.com.aliases: nothing -> [rob@example.com]",
    );
}

#[test]
fn an_approval_that_comes_lets_something_through_and_one_that_goes_does_not() {
    let new = "approvals:\n  - { allow: studio, guard: max-removals, up_to: 40, until: 2126-12-30 }";
    let told = "loosens approvals: nothing -> studio past max-removals, up to 40, until 2126-12-31 00:00";
    assert_eq!(altered("approvals:", new), [told]);
    let line = "  - { allow: studio/deactivate/bob@example.com, guard: irreversible, until: 2126-12-31 }\n";
    let gone =
        "tightens approvals: studio/deactivate/bob@example.com past irreversible, until 2127-01-01 00:00 -> nothing";
    assert_eq!(altered(&format!("approvals:\n{line}"), "approvals: []\n"), [gone]);
}

#[test]
fn whom_a_team_takes_in_is_told_with_what_it_gives_them() {
    let text =
        BASE.replace("[IT]", "[IT, Sales]").replace("{ role: user } } }\n  leads", "{ role: admin } } }\n  leads");
    let (change, before) = (files(&text), files(BASE));
    let rules = rules(&change, &before);
    let [rule] = &rules[..] else { panic!("{rules:?}") };
    assert_eq!((&*rule.rule, rule.leaning), ("teams.it.match", crate::model::Leaning::Loosens));
    assert_eq!(rule.gives, ["role admin in studio, which administers"]);
    let included = altered("members: [bob@example.com]", "members: [bob@example.com], includes: [it]");
    assert_eq!(included, ["changes teams.leads.includes: nothing -> it"]);
}

#[test]
fn what_is_reached_and_where_news_go_is_among_the_rules() {
    let check = |from: &str, to: &str, told: &str| assert_eq!(altered(from, to), [told]);
    check("api.example.com", "evil.example", "changes url: https://api.example.com/ -> https://evil.example/");
    check("env: B", "env: C", "changes auth.client_secret: { env: B } -> { env: C }");
    let zone = altered("settings: {", "settings: { time_zone: Europe/Vienna,");
    // Days begin at other times then, so that an approval ends at another one.
    assert!(zone.contains(&"changes settings.time_zone: UTC -> Europe/Vienna".to_owned()), "{zone:?}");
    let store = altered("settings: {", "settings: { store: 'sqlite:other.db',");
    assert_eq!(store, ["changes settings.store: sqlite:.rosterd/state.db -> sqlite:other.db"]);
    let trusted = trust(&files(BASE), &files(BASE), |name| name == "autodesk");
    let rule = &trusted.rules[0];
    assert_eq!((&*rule.rule, rule.to.as_deref()), ("manifest", Some("autodesk with other content")));
}

#[test]
fn what_an_app_says_for_many_groups_is_told_once_and_a_file_that_says_the_same_tells_nothing() {
    let grouped = BASE.replace("{ Design: { id: team-1 } }", "{ Design: { id: team-1 }, Build: , Plan: }");
    let before = files(&grouped);
    let change = files(&grouped.replace("irreversible: hold", "irreversible: allow"));
    assert_eq!(rules(&change, &before).len(), 1);
    let own = grouped.replace("{ id: team-1 }", "{ id: team-1, policy: { min_admins: 5 } }");
    let own = rules(&files(&own), &before);
    assert_eq!((own.len(), own[0].group.as_deref()), (1, Some("Design")));
    assert!(rules(&before, &before).is_empty());
    assert!(claims(&before, &files(&format!("# moved\n\n{grouped}"))).is_empty());
}

/// Every claim that another text alters.
fn granted(from: &str, to: &str) -> Vec<String> {
    let text = BASE.replacen(from, to, 1);
    assert_ne!(text, BASE, "{from} is in the base");
    let day = |at: &Option<jiff::Zoned>| at.as_ref().map_or_else(|| "-".to_owned(), |at| at.date().to_string());
    let told = |claim: &ClaimChange| {
        let group = claim.group.as_ref().map(|group| format!("/{group}")).unwrap_or_default();
        let admin = if claim.administrates { " administrates" } else { "" };
        let turn: &str = claim.turn.into();
        format!("{turn} {}{group} {} {}{admin}", claim.account, day(&claim.from), day(&claim.until))
    };
    claims(&files(&text), &files(BASE)).iter().map(told).collect()
}

#[test]
fn every_grant_that_comes_or_goes_is_told_with_its_window_whatever_the_horizon() {
    let check = |from: &str, to: &str, told: &[&str]| assert_eq!(granted(from, to), told);
    check(
        "      bob@example.com:\n",
        "      bob@example.com: { role: admin, from: 2099-01-01 }\n",
        // The team grants the same as the line did, which so is no news.
        &["added bob@example.com 2099-01-01 - administrates"],
    );
    check("      bob@example.com:\n", "", &[]);
    check(
        "members: [bob@example.com]",
        "members: [ann@example.com]",
        &["added ann@example.com - -", "added ann@example.com/Design - -", "removed bob@example.com/Design - -"],
    );
    check(
        "members: [bob@example.com]",
        "members: [bob@example.com, ann@example.com]",
        &["added ann@example.com - -", "added ann@example.com/Design - -"],
    );
    // Nobody is named in the team: the attribute gives it.
    check(
        "Bob, family_name: Lee",
        "Bob, family_name: Lee, attributes: { department: IT }",
        &["added bob@example.com - -"],
    );
    check(
        "Bob, family_name: Lee",
        "Bob, family_name: Lee, status: left",
        &["removed bob@example.com - -", "removed bob@example.com/Design - -"],
    );
    check(
        "Bob, family_name: Lee",
        "Bob, family_name: Lee, until: 2098-06-30",
        &[
            "added bob@example.com - 2098-07-01",
            "removed bob@example.com - -",
            "added bob@example.com/Design - 2098-07-01",
            "removed bob@example.com/Design - -",
        ],
    );
}

#[test]
fn an_app_that_is_new_or_gone_is_told_with_all_that_it_grants() {
    let second = "  second:\n    connector: autodesk\n    url: https://b.example.com\n    auth: { client_id: { env: A }, \
                  client_secret: { env: B } }\n    accounts: { ann@example.com: admin }\n";
    let with = BASE.replace("approvals:", &format!("{second}approvals:"));
    let (change, before) = (files(&with), files(BASE));
    let told = |change: &Desired, before: &Desired| {
        let rules = rules(change, before);
        (rules.len(), rules[0].leaning, claims(change, before).len())
    };
    use crate::model::Leaning;
    assert_eq!(told(&change, &before), (1, Leaning::Changes, 1));
    assert_eq!(told(&before, &change), (1, Leaning::Loosens, 1));
}
