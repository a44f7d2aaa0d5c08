//! `rosterd import`: years of click-work become files, and the next plan is empty.

use std::{fs, path::Path, time::Duration};

use rosterd::sandbox::{Config, NewAccount, Sandbox};
use serde_json::Value;
use tempfile::TempDir;

use crate::story::{Said, actions, conforms, quick, run};

/// The five apps of the sandbox's example organisation, with nothing but the way to each.
const APPS: [(&str, &str); 5] = [
    ("autodesk", "connector: autodesk\n    url: https://developer.api.autodesk.com"),
    (
        "acc",
        "connector: acc\n    url: https://developer.api.autodesk.com\n    options:\n      \
         account_id: c8b0c73d-3ae9-4d1e-9c55-0f6a2b7d1e48\n      acting_user: 6cc15635-2fbd-4f73-afbe-abd833408a1d",
    ),
    ("alteryx", "connector: alteryx\n    url: https://analytics.example.com"),
    (
        "workiva",
        "connector: workiva\n    url: https://api.example.com\n    options: { admin_roles: [Workspace Admin] }",
    ),
    ("intranet", "connector: scim\n    url: https://intranet.example.com/scim/v2"),
];

fn bare(dir: &Path) {
    fs::create_dir_all(dir.join("apps")).unwrap();
    for (name, head) in APPS {
        let auth = match name {
            "intranet" => "token: { env: TOKEN }",
            _ => "client_id: { env: ID }\n      client_secret: { env: SECRET }",
        };
        let text = format!("apps:\n  {name}:\n    {head}\n    auth:\n      {auth}\n");
        fs::write(dir.join(format!("apps/{name}.yaml")), text).unwrap();
    }
}

fn read(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(name)).unwrap()
}

/// A directory, the sandbox at its address, and the command.
struct Place {
    sandbox: Sandbox,
    dir: TempDir,
}

impl Place {
    async fn new() -> Self {
        let config = Config { accept_after: Duration::MAX, ..quick() };
        Self { sandbox: Sandbox::start(config).await.unwrap(), dir: TempDir::new().unwrap() }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    async fn rosterd(&self, args: &[&str]) -> Said {
        let at = format!("--sandbox={}", self.sandbox.url());
        let (command, rest) = args.split_first().unwrap();
        let mut all = vec![*command, self.path().to_str().unwrap(), &at];
        all.extend(rest);
        run(&all).await
    }

    async fn in_sync(&self) {
        let said = self.rosterd(&["plan", "--detailed-exitcode", "--format", "json"]).await;
        let plan: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
        conforms(&plan);
        assert_eq!((said.status, actions(&plan)), (0, vec![]), "{}", said.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_five_apps_come_into_an_empty_tree_and_the_next_plan_is_empty() {
    let place = Place::new().await;
    bare(place.path());
    let said = place.rosterd(&["import"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    place.in_sync().await;
    let tidy = run(&["fmt", place.path().to_str().unwrap(), "--check"]).await;
    assert_eq!(tidy.status, 0, "{tidy:?}");
    // Admins are admins, services are no people, and new apps take nothing away.
    let autodesk = read(place.path(), "apps/autodesk.yaml");
    assert!(autodesk.contains("      jonas.weber@northwind.example: { role: admin }\n"), "{autodesk}");
    assert!(autodesk.contains("      BIM Standards:\n        id: team-205\n        members:\n"), "{autodesk}");
    assert!(autodesk.contains("    mode: add\n    defaults:\n      role: user\n"), "{autodesk}");
    let people = read(place.path(), "people/imported.yaml");
    assert!(people.contains("  mina.park@northwind.example: { given_name: Mina, family_name: Park }\n"), "{people}");
    assert!(!people.contains("plot-server") && autodesk.contains("      plot-server@"), "{people}");
    // A second import finds nothing to add.
    let again = place.rosterd(&["import"]).await;
    assert_eq!((again.status, again.out.as_str()), (0, ""), "{again:?}");
    assert!(again.err.contains("Nothing to add"), "{}", again.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_go_by_an_alias_keep_it_until_somebody_decides_otherwise() {
    let place = Place::new().await;
    bare(place.path());
    let nora = "people:\n  nora.lindqvist@northwind.example: { given_name: Nora, family_name: Lindqvist, aliases: \
                [nora.berg@northwind.example] }\n";
    fs::write(place.path().join("nora.yaml"), nora).unwrap();
    let said = place.rosterd(&["import"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.err.contains("Some accounts of acc, alteryx, autodesk, intranet go by an alias"), "{}", said.err);
    let approvals = read(place.path(), "approvals.imported.yaml");
    for app in ["acc", "alteryx", "autodesk", "intranet"] {
        let line = format!("  - {{ allow: {app}/update/nora.lindqvist@northwind.example, guard: identity, until: ");
        assert_eq!(approvals.lines().filter(|written| written.starts_with(&line)).count(), 1, "{approvals}");
    }
    assert!(said.err.contains("approvals.imported.yaml"), "{}", said.err);
    place.in_sync().await;
    let intranet = read(place.path(), "apps/intranet.yaml");
    assert!(intranet.contains("    policy:\n      aliases: keep\n"), "{intranet}");
    fs::write(place.path().join("apps/intranet.yaml"), intranet.replace("aliases: keep", "aliases: rename")).unwrap();
    let said = place.rosterd(&["plan", "--app", "intranet", "--format", "json"]).await;
    let plan: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(actions(&plan), ["ready intranet/update/nora.lindqvist@northwind.example"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_imported_without_credentials_and_a_dry_run_writes_nothing() {
    let place = Place::new().await;
    bare(place.path());
    let snapshot = place.path().join("live.json");
    let snapshot = snapshot.to_str().unwrap();
    assert_eq!(place.rosterd(&["observe", "--all-groups", "--out", snapshot]).await.status, 0);
    let before = place.sandbox.log().len();
    let dir = place.path().to_str().unwrap();
    let said = run(&["import", dir, "--live", snapshot, "--dry-run"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.out.contains("+++ b/people/imported.yaml"), "{}", said.out);
    assert!(!place.path().join("people").exists());
    let said = run(&["import", dir, "--live", snapshot]).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(place.sandbox.log().len(), before);
    place.in_sync().await;
}

const WRITTEN: &str = "\
# Ours, with care.
people:
  mina@x.io: { given_name: Mina, family_name: Park }   # runs the intranet

  # The finance team.
  clara@x.io: { given_name: Clara, family_name: Weiss }

apps:
  lab:   # SCIM
    connector: scim
    url: https://intranet.example.com/scim/v2
    auth: { token: { env: TOKEN } }

    groups:
      # Whoever writes the news.
      Editors:
        members: [mina@x.io]   # more to come
      Finance: { members: { clara@x.io: } }
      # Not ours: Summer Party

settings: { time_zone: UTC }   # the end
";

/// A small app with people in three groups, one of them long gone.
fn lab(sandbox: &Sandbox) {
    for (email, given, family, status) in [
        ("mina@x.io", "Mina", "Park", None),
        ("Clara@x.io", "Clara", "Weiss", None),
        ("edward@x.io", "Edward", "Finch", None),
        ("backup-bot@x.io", "Backup", "Bot", None),
        ("gone@x.io", "=Gone", "By", Some("inactive".to_owned())),
    ] {
        let names = (Some(given.to_owned()), Some(family.to_owned()));
        let account = NewAccount { email: email.into(), given_name: names.0, family_name: names.1, status, role: None };
        sandbox.add_account("scim", "lab", account).unwrap();
    }
    for (id, name) in [("g1", "Editors"), ("g2", "Finance"), ("g3", "Leads")] {
        sandbox.put_group("scim", "lab", id, name).unwrap();
    }
    for (who, group) in [
        ("mina@x.io", "g1"),
        ("clara@x.io", "g1"),
        ("clara@x.io", "g2"),
        ("edward@x.io", "g2"),
        ("edward@x.io", "g3"),
        ("gone@x.io", "g3"),
    ] {
        sandbox.put_membership("scim", "lab", who, group, "member").unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_existing_tree_gets_what_is_missing_and_keeps_its_comments_and_order() {
    let place = Place::new().await;
    lab(&place.sandbox);
    fs::write(place.path().join("all.yaml"), WRITTEN).unwrap();
    let said = place.rosterd(&["import", "--app", "lab"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    insta::assert_snapshot!(said.err, @"
    Added 2 people, 3 accounts, 1 group and 4 memberships to 2 files.
    Next: read what was written (`git diff`), then `rosterd plan`, which should find nothing to do.
    ");
    insta::assert_snapshot!(read(place.path(), "all.yaml"), @r"
    # Ours, with care.
    people:
      mina@x.io: { given_name: Mina, family_name: Park }   # runs the intranet

      # The finance team.
      clara@x.io: { given_name: Clara, family_name: Weiss }

    apps:
      lab:   # SCIM
        connector: scim
        url: https://intranet.example.com/scim/v2
        auth: { token: { env: TOKEN } }

        groups:
          # Whoever writes the news.
          Editors:
            members:   # more to come
              mina@x.io:
              clara@x.io:
          Finance:
            members:
              clara@x.io:
              edward@x.io:
          # Not ours: Summer Party
          Leads:
            members:
              edward@x.io:
              gone@x.io:
        accounts:
          backup-bot@x.io:
          edward@x.io:
          gone@x.io:

    settings: { time_zone: UTC }   # the end
    ");
    insta::assert_snapshot!(read(place.path(), "people/imported.yaml"), @r#"
    # Found in the apps by `rosterd import`. Move the entries to where you want to have them.
    people:
      edward@x.io: { given_name: Edward, family_name: Finch }
      gone@x.io: { given_name: "=Gone", family_name: By, status: suspended }
    "#);
    place.in_sync().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_lists_everything_live_with_the_lines_that_grant_it() {
    let place = Place::new().await;
    lab(&place.sandbox);
    fs::write(place.path().join("all.yaml"), WRITTEN).unwrap();
    let said = place.rosterd(&["review"]).await;
    assert_eq!((said.status, said.err.as_str()), (0, ""), "{said:?}");
    // Without the ids and the days, which differ from run to run.
    let mut rows = csv::Reader::from_reader(said.out.as_bytes());
    let rows = rows.records().map(|row| {
        let row = row.unwrap();
        [0, 1, 3, 5, 8, 9, 10].map(|column| row[column].to_owned()).join("|")
    });
    insta::assert_snapshot!(rows.collect::<Vec<_>>().join("\n"), @r"
    backup-bot@x.io|Backup Bot|backup-bot@x.io|active||unlisted|
    clara@x.io|Clara Weiss|Clara@x.io|active||granted|all.yaml:18
    clara@x.io|Clara Weiss|Clara@x.io|active|Editors|ungranted|
    clara@x.io|Clara Weiss|Clara@x.io|active|Finance|granted|all.yaml:18
    edward@x.io|Edward Finch|edward@x.io|active||unlisted|
    edward@x.io|Edward Finch|edward@x.io|active|Finance|unlisted|
    edward@x.io|Edward Finch|edward@x.io|active|Leads|group not in the files|
    gone@x.io|'=Gone By|gone@x.io|inactive||unlisted|
    gone@x.io|'=Gone By|gone@x.io|inactive|Leads|group not in the files|
    mina@x.io|Mina Park|mina@x.io|active||granted|all.yaml:17
    mina@x.io|Mina Park|mina@x.io|active|Editors|granted|all.yaml:17
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_says_what_we_changed_last_and_because_of_which_line() {
    let place = Place::new().await;
    lab(&place.sandbox);
    // Edward gets the news, Ella is new in Finance, Clara loses the news, and nobody touches Mina.
    let files = WRITTEN
        .replace("\n  # The finance team.\n", "  edward@x.io:\n  ella@x.io: { given_name: Ella, family_name: Fox }\n")
        .replace("[mina@x.io]", "[mina@x.io, edward@x.io]")
        .replace("{ clara@x.io: }", "{ clara@x.io: , ella@x.io: }");
    fs::write(place.path().join("all.yaml"), files).unwrap();
    fs::write(place.path().join(".gitignore"), "*.db*\n").unwrap();
    let repo = crate::against::Repo(place.path());
    repo.main();
    let commit = repo.git(&["rev-parse", "--short=12", "HEAD"]);
    let store = format!("sqlite:{}", place.path().join("state.db").display());
    let said = place.rosterd(&["apply", "--yes", "--store", &store]).await;
    assert_eq!(said.status, 0, "{said:?}");

    let rows = async |store: &[&str]| {
        let said = place.rosterd(&[&["review"], store].concat()).await;
        assert_eq!((said.status, said.err.as_str()), (0, ""), "{said:?}");
        let mut rows = csv::Reader::from_reader(said.out.as_bytes());
        let heads = rows.headers().unwrap().clone();
        let of = move |row: &csv::StringRecord, head: &str| {
            row[heads.iter().position(|name| name == head).unwrap()].to_owned()
        };
        let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
        let told = rows.iter().filter(|row| !of(row, "last_change").is_empty()).map(|row| {
            assert_eq!(of(row, "changed_in_commit"), commit);
            assert!(!of(row, "changed_in_run").is_empty() && of(row, "changed_on").starts_with("20"));
            ["person", "group", "last_change", "changed_because"].map(|head| of(row, head)).join("|")
        });
        told.collect::<Vec<_>>()
    };
    insta::assert_snapshot!(rows(&["--store", &store]).await.join("\n"), @r"
    edward@x.io|Editors|add-member|all.yaml:17
    ella@x.io||create|all.yaml:18
    ella@x.io|Finance|add-member|all.yaml:18
    ");
    // Without a store nobody knows.
    assert_eq!(rows(&[]).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_says_what_it_lacks() {
    let place = Place::new().await;
    fs::write(place.path().join("all.yaml"), WRITTEN).unwrap();
    fs::write(place.path().join("live.json"), r#"{"apps":{}}"#).unwrap();
    let dir = place.path().to_str().unwrap();
    let said = run(&["review", dir, "--live", place.path().join("live.json").to_str().unwrap()]).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("lab is not in the table"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn problems_become_annotations_for_github() {
    let place = Place::new().await;
    fs::write(place.path().join("all.yaml"), WRITTEN.replace("time_zone", "time_zon")).unwrap();
    let dir = place.path().to_str().unwrap();
    let said = run(&["validate", dir, "--format", "github"]).await;
    assert_eq!(said.status, 1, "{said:?}");
    let expected = format!("::error file={dir}/all.yaml,line=21,col=13,endColumn=21,title=unknown-key::");
    assert!(said.out.starts_with(&expected), "{}", said.out);
    let said = run(&["validate", dir, "--format", "json"]).await;
    let json: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.status, &json["problems"][0]["code"]), (1, &Value::from("unknown-key")), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_would_cost_somebody_something_in_another_app_is_refused() {
    let place = Place::new().await;
    bare(place.path());
    let intranet = read(place.path(), "apps/intranet.yaml");
    let alteryx = read(place.path(), "apps/alteryx.yaml") + "    accounts:\n      jonas.weber@northwind.example:\n";
    fs::write(
        place.path().join("apps/alteryx.yaml"),
        alteryx + "        { role: ServerAdmin, given_name: Jonas, family_name: Weber }\n",
    )
    .unwrap();
    // Whoever is named because of the intranet is named in Alteryx too, where only one account is granted.
    let said = place.rosterd(&["import", "--app", "intranet"]).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("the next plan would want\n  alteryx/deactivate/"), "{}", said.err);
    assert!(said.err.contains("without --app"), "{}", said.err);
    assert!(!place.path().join("people").exists() && read(place.path(), "apps/intranet.yaml") == intranet);
    // As long as nothing is written to them, the others may follow later.
    let file = place.path().join("apps/alteryx.yaml");
    fs::write(&file, read(place.path(), "apps/alteryx.yaml") + "    mode: observe\n").unwrap();
    let said = place.rosterd(&["import", "--app", "intranet"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert!(read(place.path(), "people/imported.yaml").contains("mina.park@"));
}
