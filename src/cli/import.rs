//! `rosterd import`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    args::{Everything, Global},
    context,
    exit::{Exit, Failure},
    files::{self, Change},
    observe,
    terminal::{self, count},
};
use crate::{
    connectors::Registry,
    desired::{self, Tree},
    import::{self, Additions, Imported, Inputs},
    model::{Action, ActionName, ClaimedBy, Desired, Email, Guard, Live, Plan},
    reconcile,
};

/// Where people go that no file names yet.
const PEOPLE: &str = "people/imported.yaml";

/// Where lines go that accept accounts as those of their people; approvals stand at the top alone.
const APPROVALS: &str = "approvals.imported";

/// Said at the top of files that an import begins.
const HEADER: &str = "# Found in the apps by `rosterd import`. Move the entries to where you want to have them.\n";

/// Rounds in which people are left out whom the next plan would touch. Each leaves out at least one, and one round is what
/// almost always suffices: more are needed when leaving somebody out uncovers another difference.
const ROUNDS: usize = 20;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    everything: Everything,
    /// Write nothing; show what would be added, as a difference.
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let target = &args.everything.target;
    let dir = &target.dir;
    let registry = context::registry(dir);
    let files = desired::read(dir).map_err(|problems| context::refuse(&dir.display().to_string(), &problems))?.files;
    // Whoever is named because of one app counts as named in all of them, and only what the others hold tells whether that
    // would cost anybody anything.
    let (desired, live) = observe::everything(&args.everything, true, global).await?;
    let apps = desired.apps.keys().filter(|name| target.wants(name)).cloned().collect();
    let mut failed = tell_unread(&apps, &live)?;

    let draft = Import { files: &files, desired: &desired, live: &live, apps: &apps, registry: &registry };
    let (imported, changes) = draft.settle()?;
    files::deliver(dir, &changes, args.dry_run)?;
    tell(&desired, &imported, &changes, args.dry_run);
    failed |= imported.apps.is_empty();
    Ok(if failed { Exit::Failed } else { Exit::Fine })
}

/// Says which apps could not be read. Without any app to import there is nothing to do.
fn tell_unread(apps: &BTreeSet<Arc<str>>, live: &Live) -> Result<bool, Failure> {
    let mut unread = 0;
    for app in apps {
        let why = match live.apps.get(app) {
            Some(Ok(_)) => continue,
            Some(Err(failure)) => failure.message.clone(),
            None => format!("{app} is not imported: the snapshot does not hold it, or the sandbox does not play it"),
        };
        terminal::error(&why, None);
        unread += 1;
    }
    for (app, result) in live.apps.iter().filter(|(app, _)| !apps.contains(*app)) {
        if result.is_err() {
            terminal::warning(&format!(
                "{app} could not be read, so nobody checked whether people who are named from now on would lose \
                 anything there; plan before you apply"
            ));
        }
    }
    if unread == apps.len() {
        return Err(Failure::new("no app could be read, so nothing was imported"));
    }
    Ok(unread > 0)
}

/// What an import works with.
struct Import<'a> {
    files: &'a [(String, String)],
    desired: &'a Desired,
    live: &'a Live,
    apps: &'a BTreeSet<Arc<str>>,
    registry: &'a Registry,
}

impl Import<'_> {
    /// What is to be written, found by planning with it: whoever the next plan would touch because of it is left out.
    fn settle(&self) -> Result<(Imported, Vec<Change>), Failure> {
        let now = Timestamp::now();
        let before = reconcile::plan_against(self.desired, "", self.live, None, None, now);
        let before: BTreeSet<&ActionName> = actions(&before).map(|action| &action.name).collect();
        let mut left_out: BTreeMap<Email, String> = BTreeMap::new();
        for _ in 0..ROUNDS {
            let inputs = Inputs { desired: self.desired, live: self.live, apps: self.apps, left_out: &left_out, now };
            let imported = import::import(&inputs);
            let changes = self.changes(&imported);
            let after = self.load(&changes)?;
            let next = reconcile::plan_against(&after, "", self.live, None, None, now);
            let caused: Vec<&Action> = actions(&next).filter(|action| !before.contains(&action.name)).collect();
            let (here, elsewhere): (Vec<&Action>, Vec<&Action>) =
                caused.into_iter().partition(|action| self.apps.contains(&action.name.app));
            let elsewhere: Vec<&ActionName> =
                elsewhere.into_iter().filter(|action| !is_harmless(action)).map(|action| &action.name).collect();
            if !elsewhere.is_empty() {
                return Err(refused(&elsewhere).hint(
                    "nothing was written. People who are named because of one app count as named in all of them: import \
                     the other apps in the same run (without --app), or set `mode: observe` there until you do",
                ));
            }
            if here.is_empty() {
                let approvals = self.approvals(&next);
                return Ok((imported, changes.into_iter().chain(approvals).collect()));
            }
            let known = left_out.len();
            for Action { name, .. } in &here {
                if let Some(identity) = self.somebody_new(&imported, name) {
                    let why =
                        format!("with an entry in the files the next plan would want `{name}`, so they are left out");
                    left_out.entry(identity).or_insert(why);
                }
            }
            if left_out.len() == known {
                let names: Vec<&ActionName> = here.iter().map(|action| &action.name).collect();
                return Err(refused(&names).hint(
                    "nothing was written; these people are in the files already, so say there what they are to have",
                ));
            }
        }
        Err(Failure::new("the next plan would not be empty, whoever is left out; nothing was written")
            .hint("please report this, with the output of `rosterd observe` if you may share it"))
    }

    /// A file that accepts the accounts which go by an alias as those of their people, in the lines that the next plan prints.
    fn approvals(&self, next: &Plan) -> Option<Change> {
        let apps = next.apps.iter().filter(|app| self.apps.contains(&app.app));
        let open = apps.flat_map(|app| &app.claims.open).filter(|(claim, _)| claim.by == ClaimedBy::Alias);
        let lines: Vec<String> = open.map(|(_, line)| format!("  {line}\n")).collect();
        // Lists of several files are joined, so that nothing has to find its place in a list that is there.
        let is_free = |name: &String| self.files.iter().all(|(file, _)| file != name);
        let mut names = (2..).map(|n| format!("{APPROVALS}-{n}.yaml"));
        let first = Some(format!("{APPROVALS}.yaml")).filter(&is_free);
        let name = first.or_else(|| names.find(is_free))?;
        (!lines.is_empty()).then(|| Change {
            name,
            before: None,
            after: format!("{HEADER}approvals:\n{}", lines.concat()),
        })
    }

    /// Whom an action is about, if this import names them.
    fn somebody_new(&self, imported: &Imported, name: &ActionName) -> Option<Email> {
        // Where one person has several accounts, a name says `ADDRESS (ID)`.
        let label = name.account.as_deref()?;
        let address = label.split_once(" (").map_or(label, |(address, _)| address);
        let email = Email::lenient(address);
        let identity = self.desired.identity(&email).clone();
        imported.names(&identity).then_some(identity)
    }

    /// The files as they would be, loaded as they would be.
    fn load(&self, changes: &[Change]) -> Result<Desired, Failure> {
        let mut files: BTreeMap<String, String> = self.files.iter().cloned().collect();
        files.extend(changes.iter().map(|change| (change.name.clone(), change.after.clone())));
        match desired::parse(files.into_iter().collect(), self.registry) {
            Ok(loaded) => Ok(loaded.desired),
            Err(problems) => Err(context::refuse("what would be written", &problems).hint("nothing was written")),
        }
    }

    fn changes(&self, imported: &Imported) -> Vec<Change> {
        let mut additions: BTreeMap<String, Tree> = BTreeMap::new();
        if !imported.people.is_empty() {
            *additions.entry(PEOPLE.into()).or_insert(Tree::Nothing).child("people") = import::people(imported);
        }
        for (app, lines) in &imported.apps {
            self.place(app, &Additions::of(lines), &mut additions);
        }
        let mut changes: BTreeMap<String, Change> = BTreeMap::new();
        for (name, tree) in additions {
            self.change(name, &tree, &mut changes);
        }
        changes.into_values().filter(|change| change.before.as_ref() != Some(&change.after)).collect()
    }

    /// Distributes what an app's entry lacks: into the file that holds the entry, and each group's into the group's.
    fn place(&self, app: &str, new: &Additions, additions: &mut BTreeMap<String, Tree>) {
        if new.sections.is_empty() && new.groups.is_empty() {
            return;
        }
        let home = self.holder(&["apps", app, "connector"]).unwrap_or_else(|| beside(app));
        let mut at = |file: &str, path: &[&str], tree: Tree| {
            let root = additions.entry(file.to_owned()).or_insert(Tree::Nothing);
            let entry = path.iter().fold(root.child("apps").child(app), |entry, key| entry.child(key));
            *entry = tree;
        };
        for (path, tree) in &new.head {
            let whole: Vec<&str> = ["apps", app].into_iter().chain(path.iter().copied()).collect();
            if self.holder(&whole).is_none() {
                at(&home, path, tree.clone());
            }
        }
        for (section, tree) in &new.sections {
            at(&home, &[section], tree.clone());
        }
        for (group, tree) in &new.groups {
            let members = self.holder(&["apps", app, "groups", group, "members"]);
            let file = members.or_else(|| self.holder(&["apps", app, "groups", group]));
            at(file.as_deref().unwrap_or(&home), &["groups", group], tree.clone());
        }
    }

    /// The first file that says something under these keys.
    fn holder(&self, path: &[&str]) -> Option<String> {
        self.files.iter().find(|(_, text)| desired::holds(text, path)).map(|(name, _)| name.clone())
    }

    /// Adds `tree` to a file; to one beside it where the file is written in a way that has no room for it.
    fn change(&self, name: String, tree: &Tree, changes: &mut BTreeMap<String, Change>) {
        let text = |name: &str| self.files.iter().find(|(file, _)| file == name).map(|(_, text)| text.clone());
        let before = text(&name);
        let extended = |before: &Option<String>| match before {
            Some(text) => desired::extend(text, tree),
            None => Ok(format!("{HEADER}{}", tree.render())),
        };
        match extended(&before) {
            Ok(after) => drop(changes.insert(name.clone(), Change { name, before, after })),
            Err(desired::Stuck) => {
                let other = aside(&name);
                let before = text(&other).or_else(|| changes.get(&other).map(|change| change.after.clone()));
                let after = extended(&before);
                // A file of ours that somebody wrote anew in flow style: the check of the whole finds what is missing.
                let after = after.unwrap_or_else(|desired::Stuck| before.clone().unwrap_or_default());
                changes.insert(other.clone(), Change { before: text(&other), name: other, after });
            }
        }
    }
}

/// A file of its own for an app.
fn beside(app: &str) -> String {
    let safe: String = app.chars().map(|c| if c.is_alphanumeric() || c == '-' || c == '_' { c } else { '-' }).collect();
    format!("apps/{safe}.imported.yaml")
}

/// `apps/a.yaml` → `apps/a.imported.yaml`.
fn aside(name: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    format!("{stem}.imported.yaml")
}

fn actions(plan: &Plan) -> impl Iterator<Item = &Action> {
    plan.apps.iter().flat_map(|app| &app.actions)
}

/// What the mode of an app holds, or that no line grants anything there yet, is not going to happen by itself.
fn is_harmless(action: &Action) -> bool {
    action.held.as_ref().is_some_and(|held| matches!(held.guard, Guard::Mode | Guard::DesiredEmpty))
}

fn refused(caused: &[&ActionName]) -> Failure {
    /// More names than this say no more.
    const SHOWN: usize = 10;
    let names: Vec<String> = caused.iter().take(SHOWN).map(|name| format!("  {name}")).collect();
    let more = caused.len().saturating_sub(SHOWN);
    let tail = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    Failure::new(format!("with this import the next plan would want\n{}{tail}", names.join("\n")))
}

fn tell(desired: &Desired, imported: &Imported, changes: &[Change], dry_run: bool) {
    let accounts: usize = imported.apps.values().map(|app| app.accounts.len()).sum();
    let groups = imported.apps.values().flat_map(|app| app.groups.values());
    let memberships: usize = groups.clone().map(|group| group.members.len()).sum();
    if !imported.skipped.is_empty() {
        terminal::say(&format!("Left out, {}:", count(imported.skipped.len(), "thing", "things")));
        for skipped in &imported.skipped {
            terminal::tell(terminal::Kind::Item, &format!("{}: {}: {}", skipped.app, skipped.what, skipped.why));
        }
        terminal::say("");
    }
    let teams = import::suggest(desired, imported);
    if !teams.is_empty() {
        terminal::note(
            "These people have the very same access. If they are a team, copy these lines into a file under `teams/`, and \
             drop theirs under `apps`:",
        );
        terminal::say("");
        terminal::say_file(&import::team_lines(&teams));
    }
    if changes.is_empty() {
        terminal::say("Nothing to add: all that is live and can be said is in the files.");
        return;
    }
    let added = format!(
        "{} {}, {}, {} and {} to {}.",
        if dry_run { "Would add" } else { "Added" },
        count(imported.people.len(), "person", "people"),
        count(accounts, "account", "accounts"),
        count(groups.filter(|group| group.is_new).count(), "group", "groups"),
        count(memberships, "membership", "memberships"),
        count(changes.len(), "file", "files"),
    );
    terminal::note(&added);
    if imported.apps.values().any(|app| app.is_new) && !dry_run {
        terminal::note(
            "New apps are in `mode: add`, in which nothing is taken away from anyone who has not left; drop it to enforce.",
        );
    }
    let keeping: Vec<&str> =
        imported.apps.iter().filter(|(_, app)| app.keeps_aliases).map(|(name, _)| &**name).collect();
    if !keeping.is_empty() && !dry_run {
        terminal::note(&format!(
            "Some accounts of {} go by an alias, and keep it (`aliases: keep`); drop that line to give them their person's \
             address.",
            keeping.join(", ")
        ));
    }
    if let Some(file) = changes.iter().map(|change| &change.name).find(|name| name.starts_with(APPROVALS)) {
        terminal::note(&format!(
            "Some accounts go by an alias of their person; whoever reviews {file} accepts that they are theirs."
        ));
    }
    let next = if dry_run {
        "the same without `--dry-run` writes it."
    } else {
        "read what was written (`git diff`), then `rosterd plan`, which should find nothing to do."
    };
    terminal::tell(terminal::Kind::Next, next);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        import::tests::{account, live},
        model::AccountStatus::Active,
    };

    const APPS: &str = "apps:
  a: { connector: scim, url: https://a.example.com, auth: { token: { env: T } } }
  b:
    connector: scim
    url: https://b.example.com
    auth: { token: { env: T } }
";

    fn settle(text: &str, live: &Live) -> Result<(Imported, Vec<Change>), Failure> {
        let files = [("all.yaml".to_owned(), text.to_owned())];
        let registry = Registry::new(None);
        let desired = desired::parse(files.to_vec(), &registry).unwrap().desired;
        let apps = desired.apps.keys().cloned().collect();
        Import { files: &files, desired: &desired, live, apps: &apps, registry: &registry }.settle()
    }

    /// Ann has two accounts in `a`, and nobody knows which counts; in `b` she has one, as Bob has.
    fn two_anns() -> Live {
        let mut all = live(vec![account("1", "ann@x.io", Active, &[]), account("2", "ANN@x.io", Active, &[])], vec![]);
        let b = live(vec![account("1", "ann@x.io", Active, &[]), account("2", "bob@x.io", Active, &[])], vec![]);
        all.apps.extend(b.apps.into_values().map(|app| ("b".into(), app)));
        all
    }

    #[test]
    fn whoever_the_next_plan_would_touch_is_named_nowhere() {
        let (imported, changes) = settle(APPS, &two_anns()).unwrap();
        let people: Vec<&str> = imported.people.keys().map(Email::as_str).collect();
        assert_eq!(people, ["bob@x.io"]);
        let why: Vec<&str> = imported.skipped.iter().map(|skipped| skipped.why.as_str()).collect();
        assert!(why.iter().any(|why| why.contains("the next plan would want `a/deactivate/ann@x.io")), "{why:?}");
        assert!(changes.iter().all(|change| !change.after.contains("ann@x.io")), "{changes:?}");
    }

    #[test]
    fn an_app_in_flow_style_gets_its_lines_where_there_is_room() {
        let live = live(vec![account("1", "ann@x.io", Active, &[])], vec![]);
        let commented =
            APPS.replace("{ connector: scim, url: https://a", "{ connector: scim, # ours\n    url: https://a");
        for (text, file) in [(APPS, "all.yaml"), (&commented, "all.imported.yaml")] {
            let (_, changes) = settle(text, &live).unwrap();
            let change = changes.iter().find(|change| change.name == file).unwrap();
            assert!(change.after.contains("accounts:\n      ann@x.io:\n"), "{}", change.after);
        }
    }
}
