//! Hostile pull requests against the example organisation, each a file in `hostile/`. Each is refused, held, or told in the
//! first lines of the comment, and none that is called "nothing to do" changes who has what.

use std::{collections::BTreeMap, fs, os::unix::fs::symlink, path::Path};

use serde::Deserialize;

use super::stage::{NUMBER, Stage, TOKEN, tools};

/// So much of a comment is read by everybody.
const FIRST_LINES: usize = 20;

/// A pull request of somebody who means harm.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attack {
    /// What they want.
    title: String,
    /// What they may edit.
    #[serde(rename = "who")]
    _who: String,
    /// The kind of fault that they hope for, by its number in the threat model's issue.
    kind: u8,
    /// Texts that take the place of others, by file. Each old text stands in the file once.
    #[serde(default)]
    edits: BTreeMap<String, Vec<(String, String)>>,
    /// Files that are new, replaced, or gone.
    #[serde(default)]
    files: BTreeMap<String, Option<String>>,
    /// Links, by path, with what they lead to.
    #[serde(default)]
    links: BTreeMap<String, String>,
    expect: Expect,
    /// What has to stand in the first lines of the comment.
    says: Vec<String>,
}

/// What becomes of an attack.
#[derive(Deserialize, Clone, Copy, PartialEq, Debug)]
#[serde(rename_all = "kebab-case")]
enum Expect {
    /// The files are an error.
    Refused,
    /// The dangerous step is held.
    Held,
    /// The reviewer reads what the merge will do.
    Told,
}

impl Attack {
    fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file).unwrap();
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    /// Commits the change on its branch, and proposes it.
    fn propose(&self, stage: &mut Stage) {
        stage.repo().git(&["switch", "-q", "-C", "change", "main"]);
        for (file, text) in &self.files {
            match text {
                Some(text) => stage.write(&format!("clone/{file}"), text),
                None => fs::remove_file(stage.path(&format!("clone/{file}"))).unwrap(),
            }
        }
        for (file, edits) in &self.edits {
            let file = format!("clone/{file}");
            let mut text = stage.read(&file);
            for (old, new) in edits {
                assert_eq!(text.matches(old).count(), 1, "{}: {old:?} in {file}", self.title);
                text = text.replace(old, new);
            }
            stage.write(&file, &text);
        }
        for (file, target) in &self.links {
            let path = stage.path(&format!("clone/{file}"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            symlink(target, path).unwrap();
        }
        stage.repo().commit(&self.title);
        stage.propose();
    }

    /// What is wrong with how it went, if anything is.
    fn judge(&self, valid: bool, comment: &str) -> Vec<String> {
        let first: Vec<&str> = comment.lines().take(FIRST_LINES).collect();
        let first = first.join("\n");
        let mut wrong: Vec<String> = self
            .says
            .iter()
            .filter(|part| !first.contains(part.as_str()))
            .map(|part| format!("lacks {part:?}"))
            .collect();
        match self.expect {
            Expect::Refused if valid => wrong.push("the files are valid".into()),
            Expect::Held | Expect::Told if !valid => wrong.push("the files are not valid".into()),
            Expect::Held if !first.contains("held") => wrong.push("nothing is held".into()),
            _ => {}
        }
        if !wrong.is_empty() {
            wrong.push(format!("the comment begins:\n{first}"));
        }
        wrong
    }
}

/// Plans the proposed change as the workflow does. Returns whether its files are valid, and the comment.
fn plan(stage: &Stage) -> (bool, String) {
    let comment = stage.path("comment.md");
    let comment = comment.to_str().unwrap();
    let head = stage.repo().git(&["rev-parse", "change"]);
    let fetch = [("ROSTERD_FETCH_TOKEN", TOKEN), ("ROSTERD_HEAD", &*head)];
    stage.script(&format!("fetch.sh {NUMBER} {comment}"), &fetch).passed();
    let (rosterd, live) = (stage.path("builds/rosterd"), stage.path("live.json"));
    let with = [("ROSTERD", rosterd.to_str().unwrap()), ("ROSTERD_LIVE", live.to_str().unwrap())];
    let job = stage.script(&format!("plan.sh {comment}"), &with);
    assert_eq!(job.commands(), [""; 0], "what a pull request says commands nothing: {}", job.said);
    (job.failed.is_none(), stage.read("comment.md"))
}

/// What a merge of the change writes to the apps.
fn merged(stage: &Stage) -> Vec<String> {
    stage.repo().git(&["switch", "-q", "--detach", "trial"]);
    stage.sandbox.clear_log();
    let said = stage.rosterd(&["apply", "--yes"]);
    stage.repo().git(&["switch", "-q", "main"]);
    let log = stage.sandbox.log();
    let writes = log.iter().filter(|request| request.method != "GET" && !request.path.ends_with("/token"));
    writes.map(|request| format!("{} {}: {said}", request.method, request.path)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attack_is_refused_held_or_told_in_the_first_lines() {
    if !tools() {
        return;
    }
    let mut stage = Stage::example().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/end_to_end/github/hostile");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let (mut wrong, mut kinds) = (Vec::new(), BTreeMap::<u8, usize>::new());
    for file in &files {
        let attack = Attack::read(file);
        attack.propose(&mut stage);
        let (valid, comment) = plan(&stage);
        let mut faults = attack.judge(valid, &comment);
        let title = comment.lines().find(|line| line.starts_with("### ")).unwrap_or_default();
        if valid && title.contains("nothing to do") {
            faults.extend(merged(&stage).into_iter().map(|write| format!("nothing to do, and yet {write}")));
        }
        if !faults.is_empty() {
            let name = file.file_name().unwrap().display();
            wrong.push(format!("{name}: {}: {}", attack.title, faults.join("\n  ")));
        }
        *kinds.entry(attack.kind).or_default() += 1;
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), files.len(), wrong.join("\n\n"));
    let few: Vec<_> = (1..=8).filter(|kind| kinds.get(kind).is_none_or(|count| *count < 3)).collect();
    assert!(files.len() >= 50 && few.is_empty(), "{} attacks; too few of the kinds {few:?}", files.len());
}
