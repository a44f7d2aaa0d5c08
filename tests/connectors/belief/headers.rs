//! Placeholders in headers: options are filled in, and a secret is filled in or refused, and never sent as it stands.

use super::{
    app::Dialect,
    case::{Case, Setup, accounts, people},
};

async fn with_headers(headers: &str, options: &str, secret: bool) -> Case {
    let mut setup = Setup::of(Dialect::Rest).says(
        "auth: { bearer: true }\n",
        &format!("auth: {{ bearer: true }}\noptions:\n  tenant: {{ default: acme, help: whose }}\n  area: {{ help: where }}\nheaders: {headers}\n"),
    );
    if !options.is_empty() {
        setup = setup.option(options);
    }
    if secret {
        setup = setup.secret("code: { env: DEMO_CODE }");
    }
    setup.users([1, 2]).files(&accounts([1, 3]), &people([2])).start().await
}

/// What each request had in a header, and that nothing was sent as it stands.
fn sent(case: &Case, name: &str) -> Vec<Option<String>> {
    let calls = case.app.server.calls();
    for call in &calls {
        let braces: Vec<_> = call.headers.iter().filter(|(_, value)| value.contains('{')).collect();
        assert!(braces.is_empty(), "{braces:?}");
    }
    calls.iter().map(|call| call.headers.get(name).cloned()).collect()
}

#[tokio::test]
async fn options_are_filled_in_in_the_headers_of_every_request() {
    for (headers, options, expected) in [
        ("{ X-Tenant: \"{options.tenant}\" }", "tenant: bolt", Some("bolt")),
        ("{ X-Tenant: \"{options.tenant}\" }", "", Some("acme")),
        ("{ X-Tenant: \"org/{options.tenant}; v=2\" }", "tenant: bolt", Some("org/bolt; v=2")),
        ("{ X-Tenant: plain }", "", Some("plain")),
        // Without a value there is no header, as there is no parameter.
        ("{ X-Tenant: \"{options.area}\" }", "", None),
        ("{ X-Tenant: \"{options.tenant}-{options.area}\" }", "tenant: bolt, area: eu", Some("bolt-eu")),
    ] {
        let case = with_headers(headers, options, false).await;
        let said = case.apply().await;
        assert_eq!(said.status, 0, "{headers}, {options}: {said:?}");
        let sent = sent(&case, "x-tenant");
        assert!(!sent.is_empty() && sent.iter().all(|value| value.as_deref() == expected), "{headers}: {sent:?}");
        case.converged(headers).await;
    }
}

#[tokio::test]
async fn a_secret_in_a_header_is_filled_in_or_refused_and_never_sent_as_it_stands() {
    for headers in [
        "{ X-Code: \"{secret.code}\" }",
        "{ X-Code: \"Key {secret.code}\" }",
        "{ X-Code: \"{secret.code}\", X-Tenant: \"{options.tenant}\" }",
    ] {
        for declared in [true, false] {
            let case = with_headers(headers, "", declared).await;
            let check = case.plainly(&["connectors", "check", "desired-state/connectors/mine.yaml", "nowhere"]).await;
            let said = case.apply().await;
            let sent = sent(&case, "x-code");
            if check.status == 0 && declared {
                assert_eq!(said.status, 0, "{headers}: {said:?}");
                let filled =
                    |value: &Option<String>| value.as_deref().is_some_and(|value| value.contains("a-code-for-tests"));
                assert!(!sent.is_empty() && sent.iter().all(filled), "{headers}: {sent:?}");
            } else {
                assert_eq!((said.status, sent), (1, vec![]), "{headers}, {declared}: {said:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_placeholder_that_means_nothing_in_a_header_is_refused_with_its_line() {
    for placeholder in ["{account.id}", "{email}", "{options.unknown}", "{nothing}", "{group.id}"] {
        let case = with_headers(&format!("{{ X-Tenant: \"{placeholder}\" }}"), "", false).await;
        let check = case.plainly(&["connectors", "check", "desired-state/connectors/mine.yaml", "nowhere"]).await;
        assert_eq!(check.status, 1, "{placeholder}: {check:?}");
        assert!(check.all().contains(placeholder.trim_matches(['{', '}'])), "{placeholder}: {check:?}");
        case.apply().await;
        assert_eq!(case.lines(), [""; 0], "{placeholder}");
    }
}
