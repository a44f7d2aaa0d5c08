//! Whose account it is: what people may write about each other, and what somebody who may approve has to say first.

use std::fs;

use super::{Desk, codes, of, people};
use crate::story::APP;

/// Cycles that come and go after the change is merged.
const CYCLES: usize = 3;

/// An Alteryx server with a service that only its administrators know, and Bob.
async fn with_jobs(app: &str, rest: &str) -> Desk {
    let desk = Desk::of("alteryx", &format!("defaults: {{ role: Viewer }}\n{app}"), rest).await;
    desk.account("bob@example.com");
    desk
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_takes_no_account_over_until_somebody_approves() {
    let desk = with_jobs("accounts:\n  bob@example.com:\n", &people(&["bob", "noor"])).await;
    desk.account("jobs@example.com");
    assert_eq!(desk.apply().await, [""; 0]);
    desk.edit("      bob@example.com:\n", "      bob@example.com:\n      noor@example.com:\n");
    desk.edit("    given_name: noor\n", "    given_name: noor\n    aliases: [jobs@example.com]\n");
    let noor = of("update/noor");
    for _ in 0..CYCLES {
        assert_eq!(desk.planned().await, [format!("identity {noor}")]);
        assert_eq!(desk.apply().await, [""; 0]);
        assert!(desk.story.sandbox.account("alteryx", APP, "jobs@example.com").is_ok());
    }
    let held = desk.text();
    desk.release("identity", &noor, &[&noor]).await;
    assert_eq!(desk.apply().await, [&*noor]);
    // The line has done its work.
    fs::write(desk.file(), held).unwrap();
    assert_eq!(desk.planned().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_is_accepted_before_anything_depends_on_it() {
    let desk = with_jobs(
        "policy: { aliases: keep }\naccounts: { ann@example.com: , bob@example.com: }\n",
        &people(&["ann", "bob"]),
    )
    .await;
    desk.edit("    given_name: ann\n", "    given_name: ann\n    aliases: [ann.lee@example.com]\n");
    desk.account("ann.lee@example.com");
    let plan = desk.plan().await;
    assert_eq!(codes(&plan), ["claim-not-accepted"]);
    let message = plan["apps"][0]["findings"][0]["message"].as_str().unwrap();
    let line = message.split('`').nth(1).unwrap();
    assert!(line.starts_with(&format!("- {{ allow: {}, guard: identity, until: ", of("update/ann"))), "{line}");
    let without = desk.text();
    desk.approve(&format!("  {line}"));
    assert_eq!(codes(&desk.plan().await), [""; 0]);
    assert_eq!(desk.apply().await, [""; 0]);
    fs::write(desk.file(), without).unwrap();
    assert_eq!(codes(&desk.plan().await), [""; 0]);
    desk.edit("    given_name: ann\n", "    given_name: ann\n    status: suspended\n");
    assert_eq!(desk.planned().await, [format!("ready {}", of("deactivate/ann"))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_key_moves_no_admin_account() {
    let admins = ["ada", "bea", "cyd"];
    let team = "teams:\n  it:\n    members: [ada@example.com, bea@example.com, cyd@example.com]\n    grants: { studio: ServerAdmin }\n";
    let grantable = "grantable: { roles: [Viewer, ServerAdmin] }\n";
    let desk = with_jobs(
        &format!("{grantable}accounts:\n  bob@example.com:\n"),
        &format!("{}{team}", people(&["ada", "bea", "bob", "cyd"])),
    )
    .await;
    for name in admins {
        desk.story.account(&format!("{name}@example.com"), "ServerAdmin", true);
    }
    assert_eq!(desk.apply().await, [""; 0]);
    for name in admins {
        desk.edit(
            &format!("  {name}@example.com:\n    given_name: {name}\n"),
            &format!("  {name}@attacker.example:\n    given_name: {name}\n    aliases: [{name}@example.com]\n"),
        );
    }
    let held = admins.map(|name| format!("identity {APP}/update/{name}@attacker.example"));
    for _ in 0..CYCLES {
        assert_eq!(desk.planned().await, held);
        assert_eq!(desk.apply().await, [""; 0]);
    }
    // Where the app's own lines name an admin, the files are refused.
    desk.edit("      bob@example.com:\n", "      bob@example.com:\n      ada@example.com: ServerAdmin\n");
    let said = desk.rosterd(&["plan"]).await;
    assert!(
        said.status == 1 && said.err.contains("the alias `ada@example.com` of `ada@attacker.example` is named under"),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_file_merges_into_nobodys_entry() {
    let desk = with_jobs("accounts:\n  bob@example.com:\n", &people(&["bob"])).await;
    fs::create_dir(desk.story.dir.path().join("people")).unwrap();
    let other = "people:\n  BOB@example.com: { status: left }\n";
    fs::write(desk.story.dir.path().join("people/zz.yaml"), other).unwrap();
    let said = desk.rosterd(&["apply", "--yes"]).await;
    assert_eq!(said.status, 1, "{said:?}");
    for part in ["has a second entry", "people/zz.yaml:2:3", "all.yaml:", "say everything there"] {
        let err = said.err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(err.contains(part), "{part}: {said:?}");
    }
    assert_eq!(desk.story.sandbox.account("alteryx", APP, "bob@example.com").unwrap().status, "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_not_cut_off_by_the_change_that_calls_it_a_leaver() {
    let app = "defaults: { role: user }\naccounts:\n  bob@example.com:\n  plot-server@example.com:\n";
    let desk = Desk::of("autodesk", app, &people(&["bob"])).await;
    for email in ["bob@example.com", "plot-server@example.com"] {
        desk.account(email);
        desk.set_status(email, "active");
    }
    assert_eq!(desk.apply().await, [""; 0]);
    desk.edit("people:\n", "people:\n  plot-server@example.com: { status: left }\n");
    let service = of("deactivate/plot-server");
    for _ in 0..CYCLES {
        assert_eq!(desk.planned().await, [format!("identity {service}")]);
        assert_eq!(desk.apply().await, [""; 0]);
    }
    // Somebody who has been a person before is cut off at once.
    desk.edit("    given_name: bob\n", "    given_name: bob\n    status: left\n");
    let bob = of("deactivate/bob");
    assert_eq!(desk.planned().await, [format!("ready {bob}"), format!("identity {service}")]);
    assert_eq!(desk.apply().await, [&*bob]);
    desk.release("identity", &service, &[&service]).await;
    assert_eq!(desk.apply().await, [&*service]);
}
