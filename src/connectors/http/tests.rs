//! The client over a scripted transport on a virtual clock.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use secrecy::ExposeSecret;

use super::{
    transport::{BodyFailure, Transport, WireAnswer, WireFailure, WireRequest},
    *,
};
use crate::{
    budget::{Budget, Covers, Lane, Quota, Scope},
    connectors::{ErrorKind, Meaning, Said},
};

/// One turn of the script.
#[derive(Debug, Clone)]
enum Turn {
    Answer(u16, &'static [(&'static str, &'static str)], &'static str),
    Cut,
    Huge,
    Refused,
    Reset,
    Hopeless,
    Silence,
}

#[derive(Default)]
struct Script {
    turns: Mutex<VecDeque<Turn>>,
    /// Time, request line with its query, and authorization of everything that was sent.
    log: Mutex<Vec<(Duration, String, String)>>,
    start: Option<tokio::time::Instant>,
    /// Life of tokens; without one, token calls follow the script.
    token_life: Option<u64>,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script")
    }
}

const OK: Turn = Turn::Answer(200, &[], r#"{"ok": true}"#);

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: WireRequest) -> Result<WireAnswer, WireFailure> {
        let query = request.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let line = format!("{} {}{query}", request.method.as_str(), request.url.path());
        let auth = request.headers.iter().find(|(name, _)| name == "authorization");
        let auth = auth.map_or_else(String::new, |(_, value)| value.expose_secret().to_owned());
        let at = self.start.unwrap().elapsed();
        let tokens = {
            let mut log = self.log.lock().unwrap();
            log.push((at, line, auth));
            log.iter().filter(|(_, line, _)| line.starts_with("POST /token")).count()
        };
        if request.url.path() == "/token"
            && let Some(life) = self.token_life
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let body = format!(r#"{{"access_token": "tok-{tokens}", "expires_in": {life}}}"#);
            return Ok(WireAnswer { status: 200, headers: vec![], body: Ok(body.into()) });
        }
        let turn = self.turns.lock().unwrap().pop_front().unwrap_or(OK);
        let body = match &turn {
            Turn::Answer(.., body) => Ok(body.as_bytes().to_vec()),
            Turn::Cut => Err(BodyFailure::Cut("connection closed".into())),
            Turn::Huge => Err(BodyFailure::TooLarge { most: 64 << 20 }),
            Turn::Refused => return Err(WireFailure::NotSent("connection refused".into())),
            Turn::Hopeless => return Err(WireFailure::Hopeless("the certificate has expired".into())),
            Turn::Reset => return Err(WireFailure::Lost("connection reset".into())),
            Turn::Silence => return std::future::pending().await,
        };
        let (status, headers) =
            if let Turn::Answer(status, headers, _) = turn { (status, headers) } else { (200, &[][..]) };
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Ok(WireAnswer { status, headers, body })
    }
}

struct Fixture {
    script: Arc<Script>,
    client: HttpClient,
}

fn fixture(turns: Vec<Turn>, auth: Scheme, token_life: Option<u64>) -> Fixture {
    let start = Some(tokio::time::Instant::now());
    let script = Arc::new(Script { turns: Mutex::new(turns.into()), start, token_life, ..Script::default() });
    let mut config = HttpConfig::new("demo", "https://api.example/base".parse().unwrap(), auth);
    config.secrets = vec!["s3cret-value".to_owned().into()];
    config.seed = Some(7);
    let scopes = vec![Scope { covers: Covers::All, requests: 1000, per: Duration::from_secs(3600) }];
    let gate = Gate::new(Budget::new(&Quota { scopes, concurrency: Some(10), keep_free: 0.0 }));
    Fixture { client: HttpClient::over(script.clone(), config, gate), script }
}

fn oauth() -> Scheme {
    Scheme::Token(Box::new(TokenCall::client_credentials(
        "https://api.example/token".parse().unwrap(),
        &"me".into(),
        &"s3cret-value".into(),
        ClientStyle::Basic,
        vec!["a".into(), "b".into()],
    )))
}

impl Fixture {
    fn lines(&self) -> Vec<String> {
        self.script.log.lock().unwrap().iter().map(|(_, line, _)| line.clone()).collect()
    }

    fn auths(&self) -> Vec<String> {
        self.script.log.lock().unwrap().iter().map(|(.., auth)| auth.clone()).collect()
    }

    fn elapsed(&self) -> Duration {
        self.script.start.unwrap().elapsed()
    }
}

/// Reads once over `turns`; checks what came of it and how often something was sent.
async fn check_read(turns: Vec<Turn>, sent: usize, outcome: Result<(), ErrorKind>) -> Fixture {
    let shown = format!("{turns:?}");
    let fixture = fixture(turns, Scheme::Fixed(None), None);
    let result = fixture.client.read(&Request::new(Method::Get, "/users"), Lane::Read).await;
    assert_eq!(result.map(drop).map_err(|error| error.kind), outcome, "{shown}");
    assert_eq!(fixture.client.requests(), sent as u64, "{shown}");
    fixture
}

/// Writes once over `turns`.
async fn check_write(turns: Vec<Turn>, sent: usize, outcome: Result<Option<&str>, ErrorKind>) {
    let shown = format!("{turns:?}");
    let fixture = fixture(turns, Scheme::Fixed(None), None);
    let mut request = Request::new(Method::Post, "/users");
    request.body = Some(serde_json::json!({"email": "a@b.example"}));
    let result = fixture.client.write(&request, Lane::Write { unblocks: 0 }).await;
    let result = result.map(|answer| answer.body.map(|body| body.to_string())).map_err(|error| error.kind);
    assert_eq!(result, outcome.map(|body| body.map(str::to_owned)), "{shown}");
    assert_eq!(fixture.client.requests(), sent as u64, "{shown}");
}

#[tokio::test(start_paused = true)]
async fn reads_are_repeated_through_every_passing_fault() {
    let html = Turn::Answer(200, &[], "<html>Sign in</html>");
    let faults = vec![Turn::Answer(500, &[], ""), Turn::Reset, Turn::Silence, Turn::Cut, html, OK];
    check_read(faults, 6, Ok(())).await;
    let faults =
        vec![Turn::Refused, Turn::Answer(200, &[], ""), Turn::Answer(200, &[], "{\"a\":"), Turn::Answer(502, &[], "")];
    check_read(faults, 5, Ok(())).await;
}

#[tokio::test(start_paused = true)]
async fn reads_give_up_within_bounds_and_say_why() {
    for (turn, kind) in [
        (Turn::Answer(500, &[], ""), ErrorKind::Server),
        (Turn::Reset, ErrorKind::Malformed),
        (Turn::Silence, ErrorKind::Malformed),
        (Turn::Refused, ErrorKind::Unreachable),
        (Turn::Answer(200, &[], "<html>"), ErrorKind::Malformed),
    ] {
        let fixture = check_read(vec![turn; 20], 6, Err(kind)).await;
        assert!(fixture.elapsed() < Duration::from_secs(300));
    }
}

#[tokio::test(start_paused = true)]
async fn reads_that_will_not_get_better_are_not_repeated() {
    for (status, kind) in [
        (400, ErrorKind::Refused),
        (401, ErrorKind::Auth),
        (403, ErrorKind::Forbidden),
        (404, ErrorKind::NotFound),
        (405, ErrorKind::Unsupported),
        (501, ErrorKind::Unsupported),
    ] {
        check_read(vec![Turn::Answer(status, &[], "")], 1, Err(kind)).await;
    }
    check_read(vec![Turn::Huge], 1, Err(ErrorKind::Malformed)).await;
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_are_waited_out_in_every_form_and_writes_sent_again() {
    const DATE: (&str, &str) = ("date", "Sun, 22 Nov 2026 10:00:00 GMT");
    for (headers, seconds) in [
        (&[("retry-after", "20"), DATE][..], 20),
        (&[("retry-after", "Sun, 22 Nov 2026 10:00:40 GMT"), DATE][..], 40),
        (&[("retry-after", "whenever"), DATE][..], 30),
        (&[][..], 1),
    ] {
        let limited = Turn::Answer(429, headers, "slow down");
        let fixture = check_read(vec![limited.clone()], 2, Ok(())).await;
        assert_eq!(fixture.elapsed().as_secs(), seconds);
        check_write(vec![limited], 2, Ok(Some(r#"{"ok":true}"#))).await;
    }
    let limited = Turn::Answer(429, &[("retry-after", "1")], "");
    check_read(vec![limited; 20], 6, Err(ErrorKind::RateLimited { retry_after: Some(Duration::from_secs(1)) })).await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_an_hour_is_told_at_once() {
    let limited = Turn::Answer(429, &[("retry-after", "20000")], "");
    let wait = Duration::from_secs(20_000);
    check_read(vec![limited], 1, Err(ErrorKind::RateLimited { retry_after: Some(wait) })).await;
}

#[tokio::test(start_paused = true)]
async fn a_write_is_sent_once_unless_nothing_was_done() {
    check_write(vec![Turn::Refused, Turn::Refused], 3, Ok(Some(r#"{"ok":true}"#))).await;
    check_write(vec![Turn::Refused; 20], 6, Err(ErrorKind::Unreachable)).await;
    check_write(vec![Turn::Hopeless; 20], 1, Err(ErrorKind::Unreachable)).await;
    for turn in [
        Turn::Reset,
        Turn::Silence,
        Turn::Cut,
        Turn::Huge,
        Turn::Answer(500, &[], ""),
        Turn::Answer(503, &[("retry-after", "5")], ""),
        Turn::Answer(200, &[], "<html>"),
        Turn::Answer(200, &[], "{\"id\":"),
        Turn::Answer(303, &[("location", "/elsewhere")], ""),
    ] {
        check_write(vec![turn], 1, Err(ErrorKind::Unknown)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn refused_writes_say_what_kind_of_refusal_it_is() {
    for (status, kind) in [
        (400, ErrorKind::Refused),
        (403, ErrorKind::Forbidden),
        (404, ErrorKind::NotFound),
        (405, ErrorKind::Unsupported),
        (409, ErrorKind::Duplicate),
        (422, ErrorKind::Refused),
        (302, ErrorKind::Refused),
        (501, ErrorKind::Unsupported),
    ] {
        check_write(vec![Turn::Answer(status, &[], "")], 1, Err(kind)).await;
    }
    check_write(vec![Turn::Answer(204, &[], "")], 1, Ok(None)).await;
}

#[tokio::test(start_paused = true)]
async fn a_token_is_fetched_once_for_all_who_wait() {
    let fixture = fixture(vec![], oauth(), Some(3600));
    let request = Request::new(Method::Get, "/users");
    let reads = (0..5).map(|_| fixture.client.read(&request, Lane::Read));
    for result in futures::future::join_all(reads).await {
        result.unwrap();
    }
    let lines = fixture.lines();
    assert_eq!(lines[0], "POST /token");
    assert_eq!(lines[1..], ["GET /base/users"; 5].map(str::to_owned));
    assert_eq!(fixture.auths()[1], "Bearer tok-1");
    assert!(fixture.auths()[0].starts_with("Basic "));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_it_expires() {
    let fixture = fixture(vec![], oauth(), Some(600));
    let request = Request::new(Method::Get, "/users");
    for wait in [0, 500, 50] {
        tokio::time::sleep(Duration::from_secs(wait)).await;
        fixture.client.read(&request, Lane::Read).await.unwrap();
    }
    assert_eq!(
        fixture.auths()[1..],
        ["Bearer tok-1", "Bearer tok-1", "", "Bearer tok-2"]
            .map(|auth| { if auth.is_empty() { fixture.auths()[0].clone() } else { auth.to_owned() } })
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_renewed_once() {
    let refused = Turn::Answer(401, &[], "expired");
    let first = fixture(vec![refused.clone()], oauth(), Some(3600));
    first.client.write(&Request::new(Method::Post, "/users"), Lane::Removal).await.unwrap();
    assert_eq!(first.lines(), ["POST /token", "POST /base/users", "POST /token", "POST /base/users"]);
    assert_eq!(first.auths()[3], "Bearer tok-2");

    let second = fixture(vec![refused; 5], oauth(), Some(3600));
    let error = second.client.read(&Request::new(Method::Get, "/users"), Lane::Read).await.unwrap_err();
    assert_eq!((error.kind, second.lines().len()), (ErrorKind::Auth, 4));
}

#[tokio::test(start_paused = true)]
async fn a_refused_sign_in_says_what_to_look_at() {
    for (body, hint) in [
        (r#"{"error": "invalid_scope"}"#, "the app does not know a scope that is asked for: set `auth.scopes`"),
        (r#"{"error": "invalid_client"}"#, "check the credential under the app's `auth`"),
    ] {
        let fixture = fixture(vec![Turn::Answer(400, &[], body)], oauth(), None);
        let error = fixture.client.read(&Request::new(Method::Get, "/users"), Lane::Read).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Auth);
        assert_eq!(error.request, "POST /token");
        assert_eq!(error.hint.as_deref(), Some(hint));
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_in_call_gives_its_token_in_a_header() {
    let login = Scheme::Token(Box::new(TokenCall {
        url: "https://api.example/v3/auth".parse().unwrap(),
        content_type: "application/json",
        client: None,
        body: r#"{"password": "s3cret-value"}"#.into(),
        token: TokenPlace::Header("X-Subject-Token".into()),
        send: "authorization".into(),
        prefix: String::new(),
        life: Some(UNSTATED_LIFE),
        scopes: Vec::new(),
    }));
    let fixture = fixture(vec![Turn::Answer(201, &[("x-subject-token", "abc")], "{}")], login, None);
    fixture.client.read(&Request::new(Method::Get, "/users"), Lane::Read).await.unwrap();
    assert_eq!(fixture.auths(), ["", "abc"]);
}

#[tokio::test(start_paused = true)]
async fn reads_follow_redirects_within_the_app_and_nowhere_else() {
    let within = Turn::Answer(307, &[("location", "/base/users/?x=1")], "");
    let fixture = check_read(vec![within], 2, Ok(())).await;
    assert_eq!(fixture.lines(), ["GET /base/users", "GET /base/users/?x=1"]);
    for location in ["https://evil.example/users", "http://api.example/base/users", "//evil.example/", "/base/users"] {
        let headers: &'static [(&str, &str)] = Box::leak(Box::new([("location", location)]));
        check_read(vec![Turn::Answer(302, headers, "")], 1, Err(ErrorKind::Refused)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn errors_name_the_request_and_carry_no_secret() {
    let quoting = Turn::Answer(400, &[], r#"{"message": "client s3cret-value may not use tok-1"}"#);
    let fixture = fixture(vec![quoting], oauth(), Some(3600));
    let mut request = Request::new(Method::Get, "/users");
    request.query.push(("key".into(), "s3cret-value".into()));
    let error = fixture.client.read(&request, Lane::Read).await.unwrap_err();
    assert_eq!(error.to_string(), "demo: GET /users answered 400: client [redacted] may not use [redacted]");
    let shown = format!("{error:?} {:?}", fixture.client);
    assert!(!shown.contains("s3cret-value") && !shown.contains("tok-1"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_path_cannot_leave_the_apps_origin() {
    let fixture = fixture(vec![], Scheme::bearer(&"t".into()), None);
    for path in ["@evil.example/", ".evil.example/", ":99/x"] {
        let at_root = HttpConfig::new("demo", "https://api.example".parse().unwrap(), Scheme::Fixed(None));
        let gate = Gate::new(Budget::new(&Quota::default()));
        let client = HttpClient::over(fixture.script.clone(), at_root, gate);
        let error = client.read(&Request::new(Method::Get, path), Lane::Read).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Setup, "{path}");
    }
    assert_eq!(fixture.lines().len(), 0);
}

async fn check_scopes(answer: &'static str, missing: &[&str]) {
    let fixture = fixture(vec![Turn::Answer(200, &[], answer), OK], oauth(), None);
    fixture.client.read(&Request::new(Method::Get, "/users"), Lane::Read).await.unwrap();
    assert_eq!(fixture.client.missing_scopes(), missing, "{answer}");
}

#[tokio::test(start_paused = true)]
async fn scopes_that_were_not_granted_are_known() {
    check_scopes(r#"{"access_token": "t", "expires_in": 60}"#, &[]).await;
    check_scopes(r#"{"access_token": "t", "expires_in": 60, "scope": "b a more"}"#, &[]).await;
    check_scopes(r#"{"access_token": "t", "expires_in": 60, "scope": "b"}"#, &["a"]).await;
    check_scopes(r#"{"access_token": "t", "expires_in": 60, "scope": ["x"]}"#, &["a", "b"]).await;
}

/// By the word in `code`.
fn by_code(_: u16, body: &[u8]) -> Option<Said> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let meaning = match body["code"].as_str()? {
        "Old" => Meaning::Expired,
        "Busy" => Meaning::Overload,
        "No" => Meaning::Refused,
        _ => return None,
    };
    Some(Said { meaning, sign: None, text: body.get("says").cloned(), hint: None })
}

#[tokio::test(start_paused = true)]
async fn a_known_meaning_outweighs_the_status() {
    let old = Turn::Answer(400, &[], r#"{"code": "Old"}"#);
    let no = Turn::Answer(500, &[], r#"{"code": "No", "says": "not today"}"#);
    let fixture = fixture(vec![old, no.clone(), no, Turn::Answer(400, &[], "{}")], Scheme::Fixed(None), None);
    let request = Request::new(Method::Get, "/users");
    let read = async || fixture.client.read_judged(&request, Lane::Read, &by_code).await;
    assert_eq!(read().await.unwrap().said.map(|said| said.meaning), Some(Meaning::Expired));
    let refused = read().await.unwrap_err();
    assert_eq!((refused.kind, &*refused.detail), (ErrorKind::Refused, "not today"));
    // A server error that means a refusal leaves no doubt about a write.
    let write = Request::new(Method::Delete, "/users/u1");
    let refused = fixture.client.write_judged(&write, Lane::Removal, &by_code).await.unwrap_err();
    assert_eq!((refused.kind, refused.hint), (ErrorKind::Refused, None));
    assert_eq!(read().await.unwrap_err().kind, ErrorKind::Refused);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_means_overload_pauses_all_and_is_sent_again() {
    let busy = Turn::Answer(200, &[("retry-after", "40")], r#"{"code": "Busy"}"#);
    let fixture = fixture(vec![busy, OK], Scheme::Fixed(None), None);
    let start = tokio::time::Instant::now();
    let write = Request::new(Method::Delete, "/users/u1");
    fixture.client.write_judged(&write, Lane::Removal, &by_code).await.unwrap();
    assert!(start.elapsed().as_secs() >= 40, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_waited_until_its_lease_was_too_short_is_not_sent() {
    // The app asks to be left alone for a minute, which is longer than the lease lasts.
    let fixture = fixture(vec![Turn::Answer(429, &[("retry-after", "60")], ""), OK], Scheme::Fixed(None), None);
    let began = tokio::time::Instant::now();
    let leave: Leave = Arc::new(move |longest| {
        let lasts = began.elapsed() + longest < Duration::from_secs(45);
        if lasts { Ok(()) } else { Err("the claim has ended".into()) }
    });
    let request = Request::new(Method::Delete, "/users/1");
    let error = with_leave(Some(leave.clone()), fixture.client.write(&request, Lane::Removal)).await.unwrap_err();
    assert!(error.to_string().contains("the claim has ended"), "{error}");
    assert_ne!(error.kind, ErrorKind::Unknown, "nothing was sent, so that there is nothing to look for");
    assert_eq!(fixture.lines(), ["DELETE /base/users/1"]);
    // What changes nothing needs no leave.
    let look = Request::new(Method::Get, "/users/1");
    with_leave(Some(leave), fixture.client.read(&look, Lane::Read)).await.unwrap();
}
