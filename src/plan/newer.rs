//! Newer files come into force while a reading or a run is under way. What is live does not depend on them, so the reading is
//! planned with the newest, as far as it covers what they ask for; and a run goes on with what they still ask for.

use std::collections::{BTreeMap, BTreeSet};

use super::saved::does;
use crate::model::{ADDRESS, Action, ActionName, AppPlan, DesiredApp, DesiredGroup, FieldName, Status, Verb};

/// Takes out of a plan that newer files made of a reading whatever that reading, which was made for `read_for`, says nothing
/// about: groups and fields that only the newer files declare. What follows it goes too, but for what cuts off a leaver.
pub fn keep_to_reading(plan: &mut AppPlan, newer: &DesiredApp, read_for: &DesiredApp) {
    let was_read = |group: &DesiredGroup| match &group.id {
        Some(id) => read_for.groups.values().any(|before| before.id.as_ref() == Some(id)),
        None => read_for.groups.get(&group.name).is_some_and(|before| before.id.is_none()),
    };
    let is_covered = |action: &Action| {
        let group = action.name.group.as_ref().and_then(|name| newer.groups.get(name));
        let fields = match action.name.verb {
            Verb::Update => Some(&read_for.managed),
            Verb::ChangeMember => group.and_then(|group| read_for.groups.get(&group.name)).map(|group| &group.managed),
            _ => None,
        };
        // An address comes with every account.
        let covers = |field: &FieldName| &**field == ADDRESS || fields.is_none_or(|fields| fields.contains(field));
        group.is_none_or(was_read) && action.changes.iter().all(|change| covers(&change.field))
    };
    let uncovered = plan.actions.iter().filter(|action| !is_covered(action));
    let mut out: BTreeSet<ActionName> = uncovered.map(|action| action.name.clone()).collect();
    loop {
        let follows = |action: &&Action| {
            let after_one = action.after.iter().any(|edge| out.contains(&edge.action));
            after_one && !action.cuts_off_leaver && !out.contains(&action.name)
        };
        let more: Vec<ActionName> = plan.actions.iter().filter(follows).map(|action| action.name.clone()).collect();
        if more.is_empty() {
            break;
        }
        out.extend(more);
    }
    plan.actions.retain(|action| !out.contains(&action.name));
}

/// What a run by `plan` does not begin any more once newer files made the plan `newer` of the same reading, each with why:
/// what they do not ask for any more or hold, and, where they take something away that `plan` does not, whatever takes
/// nothing away. Taking access away does not wait for grants.
pub fn withdrawn(plan: &AppPlan, newer: &AppPlan) -> BTreeMap<ActionName, String> {
    let ready = |plan: &AppPlan| -> BTreeMap<ActionName, String> {
        let ready = plan.actions.iter().filter(|action| action.status == Status::Ready);
        ready.map(|action| (action.name.clone(), does(action))).collect()
    };
    let (before, after) = (ready(plan), ready(newer));
    let is_new = |action: &&Action| action.reduces_access && before.get(&action.name) != after.get(&action.name);
    let urgent = newer.actions.iter().filter(|action| action.status == Status::Ready).find(is_new);
    let why = |action: &Action| {
        if after.get(&action.name) != before.get(&action.name) {
            let held = newer.actions.iter().find(|now| now.name == action.name).and_then(Action::obstacle);
            let held = held.map(|why| format!(": {why}")).unwrap_or_default();
            return Some(format!("newer files came into force, and do not ask for it as it was planned{held}"));
        }
        let urgent = urgent.filter(|_| !action.reduces_access)?;
        Some(format!("it makes way for {}, which newer files ask for; the next cycle follows at once", urgent.name))
    };
    let begun = plan.actions.iter().filter(|action| action.status == Status::Ready);
    begun.filter_map(|action| Some((action.name.clone(), why(action)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Edge, Rule};

    fn action(verb: Verb, who: &str) -> Action {
        let name = ActionName { app: "a".into(), verb, account: Some(who.into()), group: None };
        Action { reduces_access: verb == Verb::Deactivate, ..Action::new(name) }
    }

    fn plan(actions: &[(Verb, &str)]) -> AppPlan {
        let actions = actions.iter().map(|(verb, who)| action(*verb, who)).collect();
        AppPlan { app: "a".into(), actions, ..AppPlan::default() }
    }

    /// Whose actions a run by `before` does not begin once the plan is `after`.
    fn check(before: &[(Verb, &str)], after: &AppPlan, expect: &[&str]) {
        let withdrawn = withdrawn(&plan(before), after);
        let whose: Vec<&str> = withdrawn.keys().filter_map(|name| name.account.as_deref()).collect();
        assert_eq!(whose, expect, "{withdrawn:?}");
    }

    #[test]
    fn a_run_goes_on_with_what_newer_files_still_ask_for_and_makes_way_for_removals() {
        use Verb::{Create, Deactivate};
        let before = [(Create, "ann"), (Create, "bob"), (Deactivate, "zoe")];
        check(&before, &plan(&before), &[]);
        check(&before, &plan(&[(Create, "ann"), (Create, "cy"), (Deactivate, "zoe")]), &["bob"]);
        let urgent = plan(&[(Create, "ann"), (Create, "bob"), (Deactivate, "leo"), (Deactivate, "zoe")]);
        check(&before, &urgent, &["ann", "bob"]);
        let mut held = plan(&before);
        held.actions[2].status = Status::Held;
        check(&before, &held, &["zoe"]);
    }

    #[test]
    fn what_a_reading_says_nothing_about_is_left_for_the_next_with_what_follows_it_but_leavers_are_cut_off() {
        let files = |app: &str| {
            let text = format!(
                "people: {{ ann@x.io: {{ given_name: A, family_name: B }} }}\napps:\n  a:\n    connector: workiva\n    \
                 url: https://x.example\n    auth: {{ client_id: {{ env: A }}, client_secret: {{ env: B }} }}\n{app}"
            );
            let catalogue = crate::connectors::Registry::default();
            crate::desired::parse(vec![("all.yaml".into(), text)], &catalogue).unwrap().desired.apps["a"].clone()
        };
        let read_for = files("    groups: { Old: { members: [ann@x.io] } }\n");
        let newer = files("    groups: { Old: { members: [ann@x.io] }, New: { members: [ann@x.io] } }\n");
        let of_group = |verb, group: &str| {
            let mut action = action(verb, "ann@x.io");
            action.name.group = Some(group.into());
            action
        };
        let after = |mut action: Action, before: &Action| {
            action.after = vec![Edge { action: before.name.clone(), rule: Rule::AccountBeforeMembership }];
            action
        };
        let added = of_group(Verb::AddMember, "New");
        let mut leaver = after(action(Verb::Deactivate, "leo"), &added);
        leaver.cuts_off_leaver = true;
        let follower = after(action(Verb::Update, "sam"), &added);
        let mut plan = plan(&[]);
        plan.actions = vec![of_group(Verb::AddMember, "Old"), added, leaver, follower];
        keep_to_reading(&mut plan, &newer, &read_for);
        let kept: Vec<String> = plan.actions.iter().map(|action| action.name.to_string()).collect();
        assert_eq!(kept, ["a/add-member/ann@x.io/Old", "a/deactivate/leo"]);
    }
}
