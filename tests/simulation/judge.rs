//! Judges. They look at what the apps are and at the requests that reached them, and at nothing of the engine.

use std::collections::{BTreeMap, BTreeSet};

use rosterd::sandbox::AccountView;

use super::chance::mix;
use super::world::{App, Standing, Unlisted, World, person};

#[derive(Default)]
pub(crate) struct Judge {
    /// What was wrong, as sentences.
    pub verdicts: Vec<String>,
    /// Ids of accounts that our requests made, by app and address.
    made: BTreeMap<(usize, String), BTreeSet<String>>,
    /// People whom one of our requests invited or made, with how often.
    counted: BTreeMap<(usize, String), u32>,
    /// A number that depends on all that was seen.
    pub print: u64,
}

impl Judge {
    /// Sees what one request of ours did: an app's accounts before and after it.
    pub(crate) fn saw(&mut self, world: &World, app: usize, what: &str, before: &[AccountView], after: &[AccountView]) {
        let of = &world.apps[app];
        self.print = mix(self.print, what);
        let after_by_id: BTreeMap<&str, &AccountView> = after.iter().map(|one| (one.id.as_str(), one)).collect();
        let before_by_id: BTreeMap<&str, &AccountView> = before.iter().map(|one| (one.id.as_str(), one)).collect();
        for old in before {
            let email = person(&old.email);
            let new = after_by_id.get(old.id.as_str());
            let was = old.status != "inactive";
            let is = new.is_some_and(|new| new.status != "inactive");
            if (was && !is || new.is_none())
                && let Some(why) = keeps_account(world, of, &email)
            {
                self.verdicts.push(format!("{email} lost their account in {} though {why}: {what}", of.name));
            }
            let Some(new) = new else { continue };
            if person(&new.email) != email {
                self.verdicts.push(format!("the account of {email} in {} is {}'s now: {what}", of.name, new.email));
            }
            for group in &old.groups {
                if new.groups.iter().all(|other| other.id != group.id)
                    && let Some(why) = keeps_membership(world, of, &email, &group.name)
                {
                    let place = format!("{} of {}", group.name, of.name);
                    self.verdicts.push(format!("{email} was taken out of {place} though {why}: {what}"));
                }
            }
            if new.invitations > old.invitations {
                self.invited(world, app, &email, new, what);
            }
        }
        for new in after.iter().filter(|new| !before_by_id.contains_key(new.id.as_str())) {
            let email = person(&new.email);
            let twin = before.iter().find(|old| person(&old.email) == email);
            if let Some(twin) = twin {
                self.verdicts.push(format!("{email} has a second account in {} besides {}: {what}", of.name, twin.id));
            }
            if !world.entitled(of, &email) {
                self.verdicts.push(format!("{email} was given an account in {} that no line grants: {what}", of.name));
            }
            self.made.entry((app, email)).or_default().insert(new.id.clone());
        }
        self.repeats(app, of, what, before);
    }

    /// An app that counts invitations says that one more went out.
    fn invited(&mut self, world: &World, app: usize, email: &str, account: &AccountView, what: &str) {
        let of = &world.apps[app];
        let count = self.counted.entry((app, email.to_owned())).or_default();
        *count += 1;
        // Each project that somebody joins sends one of its own.
        let fair = if of.kind == "acc" { u32::MAX } else { 1 };
        if *count > fair && account.status == "pending" {
            self.verdicts.push(format!("{email} was invited again to {}: {what}", of.name));
        }
    }

    /// A request that makes an account which an earlier one of ours has made already: what the sandbox refuses as a
    /// duplicate, another app would do twice.
    fn repeats(&mut self, app: usize, of: &App, what: &str, before: &[AccountView]) {
        let makes = match of.kind {
            "scim" => what.contains(" POST ") && what.contains("/Users {"),
            "acc" => what.contains(" POST ") && what.contains("/users {") && what.contains("/hq/"),
            _ => what.contains(" POST ") && what.contains("/users {") && !what.contains("/usergroups/"),
        };
        if !makes {
            return;
        }
        for old in before {
            let email = person(&old.email);
            let ours = self.made.get(&(app, email.clone())).is_some_and(|ids| ids.contains(&old.id));
            if ours && what.to_lowercase().contains(&format!("\"{email}\"")) {
                self.verdicts.push(format!("a second request to make {email} in {}: {what}", of.name));
            }
        }
    }
}

/// Why somebody keeps an account, whatever happens; nothing where it may be taken away.
fn keeps_account(world: &World, app: &App, email: &str) -> Option<&'static str> {
    match world.people.get(email) {
        None if app.unlisted != Unlisted::Remove => Some("nobody in the files decides about them"),
        None => None,
        Some(Standing::Active) if app.grants(email) => Some("the files grant it"),
        Some(_) => None,
    }
}

fn keeps_membership(world: &World, app: &App, email: &str, group: &str) -> Option<&'static str> {
    let Some(declared) = app.groups.iter().find(|declared| declared.name == group) else {
        return Some("the group is none of the files'");
    };
    match world.people.get(email) {
        None if app.unlisted != Unlisted::Remove => Some("nobody in the files decides about them"),
        Some(Standing::Active) if declared.members.contains_key(email) => Some("the files grant it"),
        _ => None,
    }
}

/// What in an app is not as the files want it, each with whom it is about.
pub(crate) fn amiss(world: &World, app: &App, accounts: &[AccountView]) -> Vec<(String, String)> {
    let mut amiss = Vec::new();
    let of = |email: &str| accounts.iter().find(|one| person(&one.email) == email);
    for (email, standing) in &world.people {
        let account = of(email);
        let there = account.is_some_and(|one| one.status != "inactive");
        let mut say = |what: String| amiss.push((email.clone(), what));
        if *standing != Standing::Active || !app.grants(email) {
            if there {
                say(format!("{email} should have no account in {}", app.name));
            }
            continue;
        }
        // An invitation that nobody has accepted is all that can be done.
        if !there {
            say(format!("{email} has no account in {}", app.name));
        }
        let Some(account) = account else { continue };
        if app.readdresses() && account.email.to_lowercase() != *email {
            say(format!("{email} still goes by {} in {}", account.email, app.name));
        }
        if let Some(role) = app.accounts.get(email)
            && account.role != *role
        {
            say(format!("{email} is {} instead of {role} in {}", account.role, app.name));
        }
        for group in &app.groups {
            let member = account.groups.iter().find(|one| one.name == group.name);
            match (group.members.get(email), member) {
                (None, Some(_)) => say(format!("{email} should not be in {} of {}", group.name, app.name)),
                (Some(_), None) => say(format!("{email} is not in {} of {}", group.name, app.name)),
                (Some(role), Some(member)) if member.role != *role => {
                    say(format!("{email} is {} instead of {role} in {} of {}", member.role, group.name, app.name));
                }
                _ => {}
            }
        }
    }
    for one in accounts.iter().filter(|one| app.unlisted == Unlisted::Remove && one.status != "inactive") {
        let email = person(&one.email);
        if !world.people.contains_key(&email) && email != "rosterd@northwind.example" {
            amiss.push((email.clone(), format!("{email}, who is unlisted, should have no account in {}", app.name)));
        }
    }
    amiss
}

#[cfg(test)]
mod tests {
    use rosterd::sandbox::{AccountPatch, Config, NewAccount, Sandbox};

    use super::*;
    use crate::world::Group;

    /// One app with a granted person, one whose grant is gone, a stranger, and a group with all of them.
    fn world() -> World {
        let app = App {
            kind: "scim",
            name: "the-scim".into(),
            unlisted: Unlisted::Report,
            accounts: [("kept@sim.example".to_owned(), "")].into(),
            groups: vec![Group {
                id: "g".into(),
                name: "G".into(),
                exists: true,
                members: [("kept@sim.example".to_owned(), "")].into(),
            }],
            lines: Vec::new(),
            quirks: Vec::new(),
        };
        let people = ["kept@sim.example", "former@sim.example"].map(|email| (email.to_owned(), Standing::Active));
        let strangers = vec!["stranger@else.example".into()];
        World { seed: 0, people: people.into(), strangers, apps: vec![app], config: Config::default() }
    }

    /// Whom the judge complains about when somebody loses the account, or only the membership.
    fn check(who: &str, gone: bool) -> usize {
        let world = world();
        let sandbox = Sandbox::without_network(Config { empty: true, ..Config::default() }).unwrap();
        sandbox.put_group("scim", "the-scim", "g", "G").unwrap();
        for email in world.people.keys().chain(&world.strangers) {
            let account = NewAccount { email: email.clone(), ..NewAccount::default() };
            sandbox.add_account("scim", "the-scim", account).unwrap();
            sandbox.put_membership("scim", "the-scim", email, "g", "").unwrap();
        }
        let before = sandbox.accounts("scim", "the-scim").unwrap();
        if gone {
            let patch = AccountPatch { status: Some("inactive".into()), ..AccountPatch::default() };
            sandbox.patch_account("scim", "the-scim", who, patch).unwrap();
        } else {
            sandbox.remove_membership("scim", "the-scim", who, "g").unwrap();
        }
        let mut judge = Judge::default();
        judge.saw(&world, 0, "PATCH", &before, &sandbox.accounts("scim", "the-scim").unwrap());
        judge.verdicts.len()
    }

    #[test]
    fn whoever_is_granted_something_or_unlisted_must_not_lose_it_and_others_may() {
        for (who, wrong) in [("kept@sim.example", 1), ("stranger@else.example", 1), ("former@sim.example", 0)] {
            assert_eq!((check(who, true), check(who, false)), (wrong, wrong), "{who}");
        }
    }

    #[test]
    fn a_second_request_to_make_somebody_is_noticed() {
        let (world, mut judge) = (world(), Judge::default());
        let sandbox = Sandbox::without_network(Config { empty: true, ..Config::default() }).unwrap();
        let account = NewAccount { email: "kept@sim.example".into(), ..NewAccount::default() };
        sandbox.add_account("scim", "the-scim", account).unwrap();
        let made = sandbox.accounts("scim", "the-scim").unwrap();
        let post = r#"#1 POST /scim/the-scim/Users {"userName":"kept@sim.example"}"#;
        judge.saw(&world, 0, post, &[], &made);
        assert_eq!(judge.verdicts, Vec::<String>::new());
        judge.saw(&world, 0, post, &made, &made);
        assert_eq!(judge.verdicts.len(), 1);
    }
}
