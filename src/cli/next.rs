//! The next step: what to type after a plan. On stderr, because it is advice and not data.

use std::path::Path;

use super::{
    args,
    terminal::{self, Kind},
};
use crate::model::{Plan, Status};

/// What the plan was made with, as far as the next command has to say it again.
pub(super) struct Asked<'a> {
    pub target: &'a args::Target,
    pub request: &'a args::Request,
    pub storage: &'a args::Storage,
    /// Whether it was made against a snapshot.
    pub live: bool,
}

impl Asked<'_> {
    /// The command on the same files.
    fn begin(&self, command: &str) -> Vec<String> {
        let mut words = vec!["rosterd".to_owned(), command.to_owned()];
        let dir = self.target.dir.display().to_string();
        if dir != args::DIR {
            words.push(quoted(&dir));
        }
        words
    }

    /// Where the apps are and what is kept, for the end of the command.
    fn place(&self) -> Vec<String> {
        let mut words = Vec::new();
        match self.target.sandbox.as_deref() {
            None => {}
            Some("") => words.push("--sandbox".into()),
            Some(url) => words.push(quoted(&format!("--sandbox={url}"))),
        }
        words.extend(self.storage.store.iter().map(|store| format!("--store {}", quoted(store))));
        words
    }

    /// What applies a plan that was saved. It holds by itself what it was asked for.
    fn saved(&self, file: &Path) -> String {
        let mut words = self.begin("apply");
        words.push(format!("--plan {}", quoted(&file.display().to_string())));
        words.extend(self.place());
        words.join(" ")
    }

    /// The same question to another command.
    fn command(&self, command: &str) -> String {
        let mut words = self.begin(command);
        words.extend(self.target.apps.iter().map(|app| format!("--app {}", quoted(app))));
        words.extend(self.request.only.iter().map(|email| format!("--only {}", quoted(email.as_str()))));
        words.extend(self.place());
        words.extend(self.request.approve.iter().map(|approve| format!("--approve {}", quoted(&approve.text))));
        words.join(" ")
    }
}

/// Says where a plan was saved, and what to type to apply it: that is the next step.
pub(super) fn say_saved(file: &Path, asked: &Asked<'_>) {
    let file_name = file.display();
    let sentence = match asked.target.sandbox.as_deref() {
        // Its simulated apps are gone, and another process has others.
        Some("") => format!(
            "saved to {file_name}, to be read: the simulated apps ended with this command. A plan that can be applied is \
             one of apps that stay: start `rosterd sandbox`, and plan with `--sandbox=URL`."
        ),
        _ => format!(
            "saved to {file_name}: `{}` does what is ready in it, as far as it is still the same.",
            asked.saved(file)
        ),
    };
    terminal::tell(Kind::Next, &sentence);
}

/// Says how to go on with what a saved plan left undone, since it is not what was saved. `fits`: the files still know all
/// that was asked for.
pub(super) fn say_left_over(asked: &Asked<'_>, fits: bool) {
    let plan = if fits { asked.command("plan") } else { [asked.begin("plan"), asked.place()].concat().join(" ") };
    terminal::tell(
        Kind::Next,
        &format!("`{plan} --out FILE` plans what is stale afresh, to be looked at and applied."),
    );
}

/// A word as a shell takes it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Says what can be done about the plan. Nothing, when all is in sync.
pub(super) fn say(plan: &Plan, asked: &Asked<'_>) {
    for (index, step) in steps(plan, asked).into_iter().enumerate() {
        terminal::tell(if index == 0 { Kind::Next } else { Kind::AlsoNext }, &format!("{step}."));
    }
}

fn steps(plan: &Plan, asked: &Asked<'_>) -> Vec<String> {
    let mut steps = Vec::new();
    let summary = plan.summary();
    let simulated = asked.target.sandbox.is_some();
    if plan.apps.iter().any(|app| app.error.is_some()) {
        let try_it = "`rosterd plan --sandbox` shows the files at work without credentials";
        let step = "fix what kept an app from being read, and plan again";
        steps.push(if simulated || asked.live { step.to_owned() } else { format!("{step}; {try_it}") });
    }
    if summary.ready > 0 {
        let apply = asked.command("apply");
        steps.push(match (asked.live, asked.target.sandbox.as_deref()) {
            (true, _) => format!("`{apply}` reads the apps themselves, plans again and asks first"),
            (false, Some("")) => format!("`{apply}` does this to simulated apps, and asks first"),
            (false, _) => format!("`{apply}` does this, and asks first"),
        });
    }
    let actions = || plan.apps.iter().flat_map(|app| &app.actions);
    if actions().any(|action| action.held.as_ref().is_some_and(|held| held.release.is_some())) {
        steps.push(format!("to release what is held, add the printed line to the files{}", for_one_run(plan)));
    }
    if summary.ready == 0 && summary.waiting > 0 && !asked.live {
        let apply = asked.command("apply");
        steps.push(format!("what waits goes on by itself: `{apply} --wait 10m` stays for it, a later run takes it up"));
    }
    if actions().any(|action| action.status == Status::Manual) {
        steps.push("do by hand what is left to people; the next plan sees it".to_owned());
    }
    steps
}

/// The same release as an argument. A cap is released for a number of people, which the printed line names better.
fn for_one_run(plan: &Plan) -> String {
    let held = plan.apps.iter().flat_map(|app| &app.actions).find_map(|action| {
        let held = action.held.as_ref().filter(|held| held.release.is_some() && !held.guard.counts_people())?;
        Some(format!("{}:{}", action.name, held.guard))
    });
    held.map_or_else(String::new, |held| format!(", or for one run: `--approve {}`", quoted(&held)))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_word_is_quoted_only_where_a_shell_would_split_it() {
        let check = |word: &str, expect: &str| assert_eq!(quoted(word), expect);
        check("autodesk/deactivate/a@b.c:irreversible", "autodesk/deactivate/a@b.c:irreversible");
        check("my files", "'my files'");
        check("it's", r"'it'\''s'");
        check("", "''");
    }
}
