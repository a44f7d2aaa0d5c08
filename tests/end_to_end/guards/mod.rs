//! Every guard as a reviewer meets it: what holds is shown with the line that releases it or with the repair that mends it,
//! and following that to the letter does just what it says.

mod fights;
mod identity;
mod mended;
mod released;

use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf};

use serde_json::{Value, json};

use crate::story::{APP, Said, Story, conforms, quick};

/// As narrow as terminals usually are.
const NARROW: (&str, &str) = ("COLUMNS", "80");

/// What the plan says of each action, by name.
type Shown = BTreeMap<String, Value>;

/// A reviewer's desk: the files, which are edited as a person edits them, and a store that remembers earlier runs.
struct Desk {
    story: Story,
    store: String,
}

impl Desk {
    async fn of(connector: &'static str, app: &str, rest: &str) -> Self {
        let story = Story::with(quick(), connector, app, rest).await;
        let store = format!("sqlite:{}", story.dir.path().join("state.db").display());
        Self { story, store }
    }

    /// Workiva, which can undo most things, so that each guard can be seen by itself.
    async fn workiva(app: &str, rest: &str) -> Self {
        Self::of("workiva", &format!("options: {{ admin_roles: [Workspace Admin] }}\n{app}"), rest).await
    }

    /// An account whose role is the least there is.
    fn account(&self, email: &str) -> String {
        self.story.account(email, if self.story.connector == "autodesk" { "user" } else { "Viewer" }, true)
    }

    fn change(&self, email: &str, patch: rosterd::sandbox::AccountPatch) {
        self.story.sandbox.patch_account(self.story.connector, APP, email, patch).unwrap();
    }

    fn set_status(&self, email: &str, status: &str) {
        self.change(email, rosterd::sandbox::AccountPatch { status: Some(status.into()), ..Default::default() });
    }

    fn set_email(&self, email: &str, new: &str) {
        self.change(email, rosterd::sandbox::AccountPatch { email: Some(new.into()), ..Default::default() });
    }

    fn remove(&self, email: &str) {
        self.story.sandbox.remove_account(self.story.connector, APP, email).unwrap();
    }

    fn group(&self, id: &str, name: &str, members: &[&str]) {
        let (sandbox, connector) = (&self.story.sandbox, self.story.connector);
        sandbox.put_group(connector, APP, id, name).unwrap();
        for member in members {
            sandbox.put_membership(connector, APP, member, id, "").unwrap();
        }
    }

    fn file(&self) -> PathBuf {
        self.story.dir.path().join("all.yaml")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    /// Replaces what stands in the files once.
    fn edit(&self, from: &str, to: &str) {
        let text = self.text();
        assert_eq!(text.matches(from).count(), 1, "{from} in {text}");
        fs::write(self.file(), text.replacen(from, to, 1)).unwrap();
    }

    fn edit_lines(&self, edit: impl FnOnce(&mut Vec<String>)) {
        let mut lines: Vec<String> = self.text().lines().map(str::to_owned).collect();
        edit(&mut lines);
        fs::write(self.file(), lines.join("\n") + "\n").unwrap();
    }

    /// Puts a line under `approvals:` just as it was copied.
    fn approve(&self, line: &str) {
        let text = self.text();
        let head = if text.contains("\napprovals:\n") { "" } else { "approvals:\n" };
        fs::write(self.file(), format!("{text}{head}{line}\n")).unwrap();
    }

    async fn rosterd(&self, args: &[&str]) -> Said {
        self.story.rosterd_with(&[args, &["--store", &self.store]].concat(), &[NARROW]).await
    }

    async fn plan(&self) -> Value {
        let said = self.rosterd(&["plan", "--format", "json"]).await;
        assert_eq!(said.status, 0, "{said:?}\n{}", self.text());
        let plan: Value = serde_json::from_str(&said.out).unwrap();
        conforms(&plan);
        assert_eq!(plan["apps"][0]["error"], Value::Null, "{plan}");
        plan
    }

    async fn shown(&self) -> Shown {
        shown(&self.plan().await)
    }

    /// `STATUS NAME` of every action, in which `STATUS` of a held one is its guard.
    async fn planned(&self) -> Vec<String> {
        let shown = self.shown().await;
        let status = |action: &Value| action["held"]["guard"].as_str().or(action["status"].as_str()).map(str::to_owned);
        shown.iter().map(|(name, action)| format!("{} {name}", status(action).unwrap())).collect()
    }

    /// Applies. Returns the names of the actions that were done, sorted.
    async fn apply(&self) -> Vec<String> {
        let said = self.rosterd(&["apply", "--yes", "--format", "json"]).await;
        assert_eq!(said.status, 0, "{said:?}");
        let outcome: Value = serde_json::from_str(&said.out).unwrap();
        let actions = outcome["apps"][0]["actions"].as_array().unwrap().iter();
        let done = actions.filter(|action| action["result"] == "done");
        let mut names: Vec<String> = done.map(|action| action["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    /// What the plan prints for an action that `guard` holds, under `key`: `release` or `repair`. The text report has to show
    /// the same.
    async fn printed(&self, guard: &str, action: &str, key: &str) -> (Shown, String) {
        let before = self.shown().await;
        let held = &before.get(action).unwrap_or_else(|| panic!("{action} is not among {before:#?}"))["held"];
        assert_eq!(held["guard"], guard, "{before:#?}");
        let printed = held[key].as_str().unwrap_or_else(|| panic!("no {key}: {held}")).to_owned();
        (before, printed)
    }

    /// Puts the line that the plan prints for `action` under `approvals:`, copied from a terminal. It lets go what it
    /// covers, of the one guard that it names, and all else stays to the letter as it was.
    async fn release(&self, guard: &str, action: &str, covered: &[&str]) {
        let (before, line) = self.printed(guard, action, "release").await;
        let report = self.rosterd(&["plan"]).await.out;
        let copied = report.lines().find(|shown| shown.trim() == line);
        self.approve(copied.unwrap_or_else(|| panic!("{line} is no line of\n{report}")));

        let after = self.shown().await;
        assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "{line}");
        for (name, was) in &before {
            let now = &after[name];
            if !covered.contains(&name.as_str()) {
                assert_eq!(was, now, "{line} is not about {name}");
                continue;
            }
            match was["held"]["also"].get(0) {
                Some(next) => assert_eq!(&now["held"]["guard"], next, "{line}: {now}"),
                None => assert_eq!((&now["status"], &now["held"]), (&json!("ready"), &Value::Null), "{line}: {now}"),
            }
        }
        assert!(covered.iter().all(|name| before.contains_key(*name)), "{before:#?}");
    }

    /// Applies, which does just this and uses up the approvals that it took.
    async fn use_up(&self, done: &[&str]) {
        assert_eq!(self.apply().await, done);
        let plan = self.plan().await;
        let left = shown(&plan);
        assert!(!done.iter().any(|name| left.contains_key(*name)), "{left:#?}");
        assert!(codes(&plan).contains(&"approval-used"), "{plan}");
    }

    /// The repair that is printed for `action`, in a report of eighty columns too.
    async fn repair(&self, guard: &str, action: &str) -> String {
        let (_, repair) = self.printed(guard, action, "repair").await;
        let report = self.rosterd(&["plan"]).await.out;
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mend = words(&format!("What to do: {repair}"));
        assert!(words(&report).contains(&mend), "{mend} is not in\n{report}");
        repair
    }

    /// Does what one part of a repair says: the one that has these words.
    ///
    /// `add CODE to X (FILE:LINE)` puts it below that line, `write CODE at FILE:LINE` in its place, and so on.
    fn follow(&self, repair: &str, words: &str) {
        let part = repair.split("; ").flat_map(|part| part.split(", or ")).find(|part| part.contains(words));
        let part = part.unwrap_or_else(|| panic!("`{words}` is not in {repair}"));
        let code = part.split('`').nth(1).map(str::to_owned);
        let line = part.split("all.yaml:").nth(1).map(|rest| {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<usize>().unwrap() - 1
        });
        self.edit_lines(|lines| {
            let at = line.unwrap_or_else(|| lines.iter().position(|line| line == "people:").unwrap());
            let indent = lines[at].len() - lines[at].trim_start().len();
            let placed = |deeper: usize| {
                let code = code.as_ref().unwrap_or_else(|| panic!("nothing to paste in {part}"));
                format!("{}{code}", " ".repeat(indent + deeper))
            };
            if part.contains("remove the pin at") || part.contains("take it out at") {
                lines.remove(at);
            } else if part.contains("write `") {
                lines[at] = placed(0);
            } else if part.contains("add `") && part.contains(".ids (") {
                lines.insert(at, placed(0));
            } else if part.contains("add `") || part.contains("set `") {
                // A mode that stands there already is set anew.
                let key = code.as_deref().and_then(|code| code.split(':').next()).unwrap();
                let end = (at + 1..lines.len()).find(|next| {
                    !lines[*next].trim().is_empty() && lines[*next].len() - lines[*next].trim_start().len() <= indent
                });
                let body = at + 1..end.unwrap_or(lines.len());
                let old = body.clone().find(|line| lines[*line].trim_start().starts_with(&format!("{key}:")));
                let deeper =
                    body.clone().next().map_or(2, |line| lines[line].len() - lines[line].trim_start().len() - indent);
                match old {
                    Some(old) if part.contains("set `") => lines[old] = placed(deeper),
                    _ => lines.insert(at + 1, placed(deeper)),
                }
            } else {
                panic!("who knows what to do about: {part}");
            }
        });
    }
}

fn shown(plan: &Value) -> Shown {
    let actions = plan["apps"][0]["actions"].as_array().unwrap().iter();
    let of = |action: &Value| json!({"status": action["status"], "held": action["held"], "reason": action["reason"]});
    actions.map(|action| (action["name"].as_str().unwrap().to_owned(), of(action))).collect()
}

fn codes(plan: &Value) -> Vec<&str> {
    let findings = plan["apps"][0]["findings"].as_array().unwrap().iter();
    findings.map(|finding| finding["code"].as_str().unwrap()).collect()
}

/// The name of an action on the story's app.
fn of(action: &str) -> String {
    format!("{APP}/{action}@example.com")
}

/// People by their first names, each on lines of their own, so that more can be said of them below.
fn people(names: &[&str]) -> String {
    let mut text = "people:\n".to_owned();
    for name in names {
        write!(text, "  {name}@example.com:\n    given_name: {name}\n    family_name: Lee\n").unwrap();
    }
    text
}
