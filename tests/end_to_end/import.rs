//! `rosterd import`: years of click-work become files, and the next plan is empty.

use std::{fs, path::Path, time::Duration};

use rosterd::sandbox::{Config, Sandbox};
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
    assert!(again.err.contains("nothing to add"), "{}", again.err);
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
  mina.park@northwind.example: { given_name: Mina, family_name: Park }   # runs the intranet

  # The finance team.
  clara.weiss@northwind.example: { given_name: Clara, family_name: Weiss }

apps:
  intranet:   # SCIM
    connector: scim
    url: https://intranet.example.com/scim/v2
    auth: { token: { env: TOKEN } }

    groups:
      # Whoever writes the news.
      Intranet Editors:
        members: [mina.park@northwind.example]   # more to come
      Finance: { members: { clara.weiss@northwind.example: } }
      # Not ours: Summer Party

settings: { time_zone: UTC }   # the end
";

#[tokio::test(flavor = "multi_thread")]
async fn an_existing_tree_gets_what_is_missing_and_keeps_its_comments_and_order() {
    let place = Place::new().await;
    fs::write(place.path().join("all.yaml"), WRITTEN).unwrap();
    let said = place.rosterd(&["import", "--app", "intranet"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    let after = read(place.path(), "all.yaml");
    insta::assert_snapshot!(after, @"");
    place.in_sync().await;
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
