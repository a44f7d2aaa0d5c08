//! SCIM: a server that keeps to the standard, and the same organisation behind every deviation that is known.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path, time::Duration};

use rosterd::sandbox::{AccountPatch, Config, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, LoggedRequest, NewAccount};
use serde_json::{Value, json};

use crate::story::{APP, Said, Story, actions, conforms, finish, quick, start};

/// The groups of the example with who should be in them.
const EXAMPLE: [(&str, &str); 6] = [
    ("Intranet Editors", "astrid.holm clara.weiss mina.park nora.lindqvist"),
    (
        "Project Managers",
        "aisha.bello gwen.marsh hana.sato ivan.marek laura.jensen peter.oduya ruth.abebe simon.clarke",
    ),
    ("IT Operations", "jonas.weber mina.park priya.nair tariq.hassan"),
    ("Finance", "clara.weiss edward.finch mei.lin yuna.choi"),
    ("Leads", "anna.virtanen bruno.silva camille.roy grace.mbeki simon.clarke"),
    (
        "Interiors",
        "anna.virtanen chiara.ricci emeka.nwosu julia.steiner maya.cohen pavel.horak sanne.vries theo.laurent",
    ),
];

fn head(name: &str, options: &str) -> String {
    format!(
        "apps:\n  {name}:\n    connector: scim\n    url: https://intranet.example/scim/v2\n    auth: {{ token: {{ env: \
         SCIM_TOKEN }} }}\n    options: {options}\n"
    )
}

fn write(story: &Story, options: &str, body: &str, rest: &str) {
    let body: String = body.lines().map(|line| format!("    {line}\n")).collect();
    fs::write(story.dir.path().join("all.yaml"), format!("{}{body}{rest}", head(APP, options))).unwrap();
}

/// A story about one app called [`APP`], whose tenant is empty at first.
async fn story(config: Config, options: &str, body: &str, rest: &str) -> Story {
    let story = Story::without_files(config, "scim").await;
    write(&story, options, body, rest);
    story
}

async fn apply(story: &Story) -> Said {
    let said = story.rosterd(&["apply", "--yes"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    said
}

/// What was written, without ids.
fn writes(log: &[LoggedRequest]) -> Vec<String> {
    let is_write = |request: &&LoggedRequest| request.method != "GET" && !request.path.ends_with("/token");
    let mut lines: Vec<_> = log
        .iter()
        .filter(is_write)
        .map(|request| {
            let kind = request.path.split('/').nth(1).unwrap();
            let many = if request.path.matches('/').count() > 1 { "/…" } else { "" };
            format!("{} /{kind}{many}", request.method)
        })
        .collect();
    lines.sort();
    lines
}

/// Whatever else happens: nobody is deleted where deactivation is meant, and nobody leaves a group unnamed.
fn check_writes(log: &[LoggedRequest]) {
    for request in log {
        let line = format!("{} {}", request.method, request.path);
        assert!(request.method != "DELETE", "{line}");
        assert!(!request.path.contains("/Bulk"), "{line}");
        for operation in request.body["Operations"].as_array().into_iter().flatten() {
            let removes = operation["op"].as_str().unwrap().eq_ignore_ascii_case("remove");
            let filtered = operation["path"].as_str().unwrap().starts_with("members[value eq ");
            assert!(!removes || filtered, "{line}: {operation}");
            let replaces = operation["op"].as_str().unwrap().eq_ignore_ascii_case("replace");
            assert!(!(replaces && operation["path"] == "members"), "{line}: {operation}");
        }
    }
}

fn raw(story: &Story, tenant: &str, email: &str) -> Value {
    let mut raw = story.sandbox.account("scim", tenant, email).unwrap().raw;
    for changing in ["meta", "groups"] {
        raw.as_object_mut().unwrap().remove(changing);
    }
    raw
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drifted_intranet_becomes_what_the_files_say() {
    let story = Story::without_files(quick(), "scim").await;
    let people = story.dir.path().join("people");
    fs::create_dir(&people).unwrap();
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("desired-state/people")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), people.join(file.file_name())).unwrap();
    }
    let mut text = head("scim", "{}") + "    accounts:\n";
    for name in ["astrid.holm", "david.mensah", "helena.lopes"] {
        writeln!(text, "      {name}@northwind.example: {{}}").unwrap();
    }
    // One line that sets a name makes names managed.
    text += "      pavel.horak@northwind.example: { given_name: Pavel }\n    groups:\n";
    for (group, members) in EXAMPLE {
        let members: Vec<_> = members.split(' ').map(|name| format!("{name}@northwind.example")).collect();
        writeln!(text, "      {group}: {{ members: [{}] }}", members.join(", ")).unwrap();
    }
    text += "    defaults: { locale: en-GB }\n";
    text += "approvals:\n  - allow: scim/reactivate/tariq.hassan@northwind.example\n    guard: reactivation\n    until: 2036-12-31\n";
    fs::write(story.dir.path().join("scim.yaml"), text).unwrap();
    let nora =
        "approvals:\n  - { allow: scim/update/nora.lindqvist@northwind.example, guard: identity, until: 2999-01-01 }\n";
    fs::write(story.dir.path().join("approvals.yaml"), nora).unwrap();

    insta::assert_snapshot!(story.actions().await.join("\n"), @"
    ready scim/create/chiara.ricci@northwind.example
    ready scim/create/hana.sato@northwind.example
    ready scim/create/yuna.choi@northwind.example
    ready scim/update/nora.lindqvist@northwind.example
    ready scim/update/pavel.horak@northwind.example
    ready scim/reactivate/tariq.hassan@northwind.example
    ready scim/deactivate/dora.keller@northwind.example
    ready scim/deactivate/victor.amaya@northwind.example
    ready scim/add-member/camille.roy@northwind.example/Leads
    ready scim/add-member/chiara.ricci@northwind.example/Interiors
    ready scim/add-member/hana.sato@northwind.example/Project Managers
    ready scim/add-member/julia.steiner@northwind.example/Interiors
    ready scim/add-member/yuna.choi@northwind.example/Finance
    ready scim/remove-member/gwen.marsh@northwind.example/IT Operations
    ");
    let pavel = raw(&story, "scim", "pavel.horak@northwind.example");
    let quiet = story.sandbox.log().len();
    assert_eq!(
        quiet,
        1 + 1 + 6 + 3,
        "one page, the groups, the six that are declared, and the three who are to be made"
    );

    let said = apply(&story).await;
    let log = story.sandbox.log();
    check_writes(&log);
    // Three users are made and five are changed, one at a time; whoever joins or leaves a group at the same moment shares a
    // request.
    let expected = [("PATCH /Groups/…", 5), ("PATCH /Users/…", 5), ("POST /Users", 3)];
    let written = writes(&log);
    let counted = expected.map(|(line, _)| (line, written.iter().filter(|other| *other == line).count()));
    assert_eq!((counted, written.len()), (expected, 13), "{written:?}");
    // Every change of a user is meant for the version that was seen.
    let guarded = |request: &&LoggedRequest| request.method == "PATCH" && request.path.starts_with("/Users");
    assert!(log.iter().filter(guarded).all(|request| request.headers.contains_key("if-match")));
    assert!(log.iter().all(|request| request.status.unwrap() < 400));

    let mut after = pavel;
    after["name"]["givenName"] = json!("Pavel");
    assert_eq!(raw(&story, "scim", "pavel.horak@northwind.example"), after, "and nothing else");
    assert_eq!(story.actions().await, [""; 0], "{said:?}");
}

/// Names for the members of the crowd.
fn who(n: usize) -> String {
    format!("P{n:03}@example.com")
}

/// A group of everyone but the last two, who only have accounts; one of the members is new, one is inactive, one is called
/// otherwise, one left, one is missing in the group, and one is in it who should not be.
const CROWD: usize = 130;

fn crowd() -> (String, String) {
    let mut body = String::from("policy: { max_removals: 100, max_creates: 1000 }\naccounts:\n");
    let mut rest = String::from("people:\n");
    for n in 0..CROWD {
        writeln!(body, "  {}: {{{}}}", who(n), if n == 2 { "given_name: G2" } else { "" }).unwrap();
        let left = if n == 3 { ", status: left" } else { "" };
        writeln!(rest, "  {}: {{ given_name: G{n}, family_name: F{n}{left} }}", who(n)).unwrap();
    }
    writeln!(rest, "approvals:\n  - {{ allow: {APP}/reactivate/{}, guard: reactivation, until: 2036-12-31 }}", who(1))
        .unwrap();
    body += "groups:\n  Everyone:\n    members:\n";
    for n in 0..CROWD - 2 {
        writeln!(body, "      {}: {{}}", who(n)).unwrap();
    }
    body += "  New: { members: [P010@example.com] }\ndefaults: { locale: en }\n";
    (body, rest)
}

async fn drifted_crowd(config: Config, options: &str, quirks: &[&str]) -> Story {
    let (body, rest) = crowd();
    let story = story(config, options, &body, &rest).await;
    let sandbox = &story.sandbox;
    sandbox.put_group("scim", APP, "g1", "Everyone").unwrap();
    sandbox.put_group("scim", APP, "g2", "Nobody's business").unwrap();
    for n in (0..CROWD).filter(|n| *n != 0) {
        let account = NewAccount {
            email: who(n),
            given_name: Some(if n == 2 { "Other".into() } else { format!("G{n}") }),
            family_name: Some(format!("F{n}")),
            status: (n == 1).then(|| "inactive".into()),
            ..NewAccount::default()
        };
        let id = sandbox.add_account("scim", APP, account).unwrap();
        let raw = json!({"locale": "en", "externalId": format!("idp-{n}"), "urn:example:Badge": {"number": n}});
        let patch = AccountPatch { raw: raw.as_object().cloned(), ..AccountPatch::default() };
        sandbox.patch_account("scim", APP, &id, patch).unwrap();
        if n != 4 && n < 20 || n == CROWD - 1 {
            sandbox.put_membership("scim", APP, &id, "g1", "").unwrap();
        }
        sandbox.put_membership("scim", APP, &id, "g2", "").unwrap();
    }
    sandbox.set_quirks("scim", APP, quirks).unwrap();
    // What happened behind our back is so old that even a slow server shows it.
    sandbox.advance(Duration::from_secs(60));
    story
}

/// Applies the files behind these quirks and checks that everyone is as they should be, and nothing else was touched.
async fn check(quirks: &[&str], options: &str) -> Vec<LoggedRequest> {
    // What is slow here is quick in the test's own time.
    let config = Config { time_scale: 20.0, ..quick() };
    let story = drifted_crowd(config, options, quirks).await;
    let planned = story.actions().await;
    let said = apply(&story).await;
    let log = story.sandbox.log();
    check_writes(&log);
    story.sandbox.advance(Duration::from_secs(60));
    assert_eq!(story.actions().await, [""; 0], "{quirks:?}: {said:?}");

    let accounts = story.sandbox.accounts("scim", APP).unwrap();
    let names: BTreeSet<_> = accounts.iter().map(|account| account.email.to_lowercase()).collect();
    assert_eq!((accounts.len(), names.len()), (CROWD, CROWD), "{quirks:?}: nobody twice, nobody missing");
    for account in &accounts {
        let n: usize = account.email[1..4].parse().unwrap();
        let groups: BTreeSet<_> = account.groups.iter().map(|group| group.name.as_str()).collect();
        let mut expected = BTreeSet::new();
        expected.extend((n < CROWD - 2 && n != 3).then_some("Everyone"));
        expected.extend((n == 10).then_some("New"));
        expected.extend((n != 0).then_some("Nobody's business"));
        let status = if n == 3 { "inactive" } else { "active" };
        assert_eq!((account.status.as_str(), &groups), (status, &expected), "{quirks:?}: {}", account.email);
        assert_eq!(account.given_name, Some(format!("G{n}")), "{quirks:?}: {}", account.email);
        if n != 0 {
            assert_eq!(account.raw["externalId"], format!("idp-{n}"), "{quirks:?}: somebody else's id stays");
            assert_eq!(account.raw["urn:example:Badge"], json!({"number": n}), "{quirks:?}: {}", account.raw);
        }
    }
    assert!(planned.iter().all(|action| action.starts_with("ready ")), "{quirks:?}: {planned:?}");
    log
}

fn count(log: &[LoggedRequest], method: &str, path: &str) -> usize {
    log.iter().filter(|request| request.method == method && request.path.starts_with(path)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_keeps_to_the_standard() {
    let log = check(&[], "{}").await;
    // A hundred in one request, and the rest in another; one for each removal, of which one waits until its account is inactive;
    // one for the new group.
    assert_eq!(count(&log, "PATCH", "/Groups"), 2 + 2 + 1, "{:?}", writes(&log));
    assert_eq!(count(&log, "PUT", "/"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_patch() {
    let log = check(&["put-only", "empty-members-omitted", "members-on-request"], "{}").await;
    assert_eq!(count(&log, "PATCH", "/"), 0, "the server says what it lacks");
    let log = check(&["put-only", "no-discovery", "no-etag"], "{}").await;
    assert!(count(&log, "PATCH", "/") < 10, "and where it does not, that is learnt: {}", count(&log, "PATCH", "/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_pages_by_cursor_and_writes_texts_for_numbers() {
    let quirks =
        ["cursor-paging", "cursor-expires-once", "string-booleans", "string-totals", "no-resources-when-empty"];
    let log = check(&quirks, "{}").await;
    assert!(log.iter().any(|request| request.query.contains("cursor=")));
    assert!(log.iter().any(|request| request.status == Some(400)), "a cursor had expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ignores_filters_and_clamps_pages() {
    let quirks = ["no-etag", "filter-ignored", "count-clamped", "html-errors", "no-discovery", "resource-type-plural"];
    check(&quirks, "{}").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_totals_are_page_sizes_and_whose_lists_show_few_members() {
    let quirks = [
        "total-is-page-size",
        "patch-empty-200",
        "lower-case-usernames",
        "members-missing-in-list",
        "members-truncated",
    ];
    check(&quirks, "{}").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_empties_groups_and_limits_what_a_request_changes() {
    let quirks = ["remove-with-value-empties-group", "max-patch-members-100", "no-group-put", "nested-groups"];
    check(&quirks, "{ profile: workiva }").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_slow_to_show_what_was_made() {
    check(&["slow-index", "create-adopts"], "{}").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_deletes_nobody() {
    check(&["delete-deactivates", "no-group-put"], "{ profile: alteryx }").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_cannot_be_read_to_its_end_costs_nobody_anything_and_ends() {
    for quirk in ["start-index-ignored", "total-too-high", "list-truncated"] {
        let story = drifted_crowd(quick(), "{}", &[quirk]).await;
        let plan = story.plan().await;
        assert_eq!(plan["apps"][0]["complete"], false, "{quirk}");
        let said = story.rosterd(&["apply", "--yes"]).await;
        assert!(matches!(said.status, 0 | 1), "{said:?}");
        let accounts = story.sandbox.accounts("scim", APP).unwrap();
        let names: BTreeSet<_> = accounts.iter().map(|account| account.email.to_lowercase()).collect();
        assert_eq!(accounts.len(), names.len(), "{quirk}: nobody twice");
        let active = accounts.iter().filter(|account| account.status == "active").count();
        assert!(active >= CROWD - 3, "{quirk}: {active}");
        assert!(story.sandbox.log().len() < 1500, "{quirk}: {} requests", story.sandbox.log().len());
    }
    let story = drifted_crowd(quick(), "{ page_size: 40 }", &["cursor-paging", "cursor-repeats"]).await;
    assert_eq!(story.plan().await["apps"][0]["complete"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_was_made_in_the_meantime_is_adopted() {
    let body = "accounts: { Jane@example.com: {} }\ngroups: { All: {} }";
    let story = story(quick(), "{}", body, "people:\n  Jane@example.com: { given_name: J }\n").await;
    // The server answers that there is no such user, and while the answer is on its way, somebody makes the user.
    let slow = "method=GET,path=/Users,at=2,kind=slow,wait=2s";
    story.sandbox.set_faults(vec![slow.parse().unwrap()]);
    let at = format!("--sandbox={}", story.sandbox.url());
    let applying = start(&["apply", story.dir.path().to_str().unwrap(), &at, "--yes"], &[]);
    while count(&story.sandbox.log(), "GET", "/Users") < 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let account = NewAccount { email: "jane@EXAMPLE.com".into(), ..NewAccount::default() };
    let id = story.sandbox.add_account("scim", APP, account).unwrap();
    let said = finish(applying).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.out.contains(&format!("found as {id}")), "{said:?}");
    assert_eq!(count(&story.sandbox.log(), "POST", "/Users"), 1, "refused once, and not sent again");
    assert_eq!(story.sandbox.accounts("scim", APP).unwrap().len(), 1);
    assert_eq!(story.actions().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_a_deleted_user_keeps_is_told_and_not_tried_for_ever() {
    let body = "accounts: { jane@example.com: {} }";
    let story = story(quick(), "{}", body, "people:\n  jane@example.com: { given_name: J }\n").await;
    story.sandbox.set_quirks("scim", APP, &["delete-keeps-name"]).unwrap();
    let account = NewAccount { email: "jane@example.com".into(), ..NewAccount::default() };
    let id = story.sandbox.add_account("scim", APP, account).unwrap();
    rosterd::connectors::http::install_tls();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/Users/{id}", story.sandbox.app_url("scim", APP));
    http.delete(url).bearer_auth(DEFAULT_CLIENT_SECRET).send().await.unwrap();
    story.sandbox.clear_log();
    let said = story.rosterd(&["apply", "--yes"]).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("another account seems to have the address jane@example.com"), "{said:?}");
    assert_eq!(count(&story.sandbox.log(), "POST", "/Users"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_whose_answers_are_lost_are_looked_for_and_never_doubled() {
    let who: Vec<_> = (0..12).map(who).collect();
    let body =
        format!("accounts: {{ {}: {{}} }}\ngroups: {{ All: {{ members: [{}] }} }}", who.join(": {}, "), who.join(", "));
    let line = |who: &String| format!("  {who}: {{ given_name: G }}\n");
    let rest = format!("people:\n{}", who.iter().map(line).collect::<String>());
    for fault in ["every=3,kind=reset-after", "every=4,kind=html-502", "every=5,kind=cut-off"] {
        let story = story(quick(), "{}", &body, &rest).await;
        story.sandbox.set_faults(vec![fault.parse().unwrap()]);
        let first = story.rosterd(&["apply", "--yes"]).await;
        story.sandbox.set_faults(Vec::new());
        apply(&story).await;
        assert_eq!(story.actions().await, [""; 0], "{fault}: {first:?}");
        let accounts = story.sandbox.accounts("scim", APP).unwrap();
        let in_one = accounts.iter().filter(|account| account.groups.len() == 1).count();
        assert_eq!((accounts.len(), in_one), (who.len(), who.len()), "{fault}: nobody twice, nobody missing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_expire_during_a_run_are_renewed() {
    let config = Config { token_life: Duration::from_secs(1), latency: Duration::from_millis(60), ..quick() };
    let (body, rest) = crowd();
    let story = story(config, "{}", "", "").await;
    let url = story.sandbox.app_url("scim", APP);
    let text = format!(
        "apps:\n  {APP}:\n    connector: scim\n    url: {url}\n    auth:\n      client_id: {{ env: ID }}\n      \
         client_secret: {{ env: SECRET }}\n      token_url: {url}/oauth/token\n{}{rest}",
        body.lines().map(|line| format!("    {line}\n")).collect::<String>()
    );
    fs::write(story.dir.path().join("all.yaml"), text).unwrap();
    let dir = story.dir.path().to_str().unwrap();
    let variables = [("ID", DEFAULT_CLIENT_ID), ("SECRET", DEFAULT_CLIENT_SECRET)];
    let said = finish(start(&["apply", dir, "--yes", "--approve", "studio:max-creates"], &variables)).await;
    assert_eq!(said.status, 0, "{said:?}");
    let tokens = count(&story.sandbox.log(), "POST", "/oauth/token");
    assert!(tokens > 1, "{tokens}");
    let said = finish(start(&["plan", dir, "--format", "json"], &variables)).await;
    let plan: Value = serde_json::from_str(&said.out).unwrap();
    conforms(&plan);
    assert_eq!(actions(&plan), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_autodesk_directory_needs_an_object_guid_and_undoes_no_deactivation() {
    let rest = "people:\n  jane@example.com: { given_name: J, family_name: D }\n  \
                old@example.com: { given_name: O, family_name: D, status: left }\n";
    let story =
        story(quick(), "{ profile: autodesk }", "accounts: { jane@example.com: {}, old@example.com: {} }", rest).await;
    let said = story.rosterd(&["plan"]).await;
    assert_eq!(said.status, 1);
    assert!(said.err.contains("`object_guid`"), "{said:?}");

    let body = "accounts:\n  jane@example.com: { object_guid: 7f1c }\n  old@example.com: { object_guid: 7f1d }";
    write(&story, "{ profile: autodesk }", body, rest);
    let account = NewAccount { email: "old@example.com".into(), ..NewAccount::default() };
    story.sandbox.add_account("scim", APP, account).unwrap();
    let plan = story.plan().await;
    let irreversible: Vec<_> = plan["apps"][0]["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|action| (action["verb"].as_str().unwrap(), action["irreversible"].as_bool().unwrap()))
        .collect();
    assert_eq!(irreversible, [("create", false), ("deactivate", true)]);
    apply(&story).await;
    let extension = "urn:ietf:params:scim:schemas:extension:AdskUserExt:2.0:User";
    assert_eq!(raw(&story, APP, "jane@example.com")[extension], json!({"objectGUID": "7f1c"}));
    assert_eq!(story.actions().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_option_that_makes_no_sense_is_told_at_its_line() {
    let story = story(quick(), "{ member_removal: value, btach: 5 }", "", "").await;
    let said = story.rosterd(&["validate"]).await;
    assert!(said.err.contains("did you mean `batch`?") && said.err.contains("all.yaml:6"), "{said:?}");
    write(&story, "{ profile: alteryx, member_removal: replace }", "", "");
    let said = story.rosterd(&["validate"]).await;
    assert!(said.err.contains("set `put_groups: true` if it has"), "{said:?}");
}
