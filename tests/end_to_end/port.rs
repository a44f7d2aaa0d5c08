//! The daemon's port in the hands of somebody who means harm: real sockets to the real daemon.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
};

use rosterd::sandbox::Config;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

use crate::{
    daemon::{PATIENCE, Running, settings},
    story::{Story, quick},
};

/// The token that may do everything, and the one that reads.
const ALL: &str = "a-token-of-the-daemon-that-triggers";
const READ: &str = "a-token-of-the-daemon-that-only-reads";

/// A daemon on an organisation of nobody, with or without these tokens.
async fn daemon(tokens: &[(&str, &str)]) -> (Story, TempDir, Running) {
    let kept = TempDir::new().unwrap();
    let mut more = String::new();
    for (setting, token) in tokens {
        let path = kept.path().join(setting);
        fs::write(&path, token).unwrap();
        more += &format!(", {setting}: {{ file: {} }}", path.display());
    }
    let story = Story::of(Config { empty: true, ..quick() }, "", &settings("{ every: 1h }", &more)).await;
    let daemon = Running::start(story.dir.path(), &story.sandbox).await;
    (story, kept, daemon)
}

fn address(daemon: &Running) -> SocketAddr {
    daemon.url.strip_prefix("http://").unwrap().parse().unwrap()
}

/// A connection from this address of the machine. All of 127/8 are its own.
async fn from(last: u8, daemon: &Running) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::new(127, 0, 0, last), 0).into()).unwrap();
    socket.connect(address(daemon)).await.unwrap()
}

/// Sends this as it stands, and reads until the daemon hangs up.
async fn raw(daemon: &Running, bytes: &[u8]) -> String {
    let mut stream = from(1, daemon).await;
    // A daemon that has heard enough hangs up in the middle.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it hangs up");
    String::from_utf8(answer).unwrap()
}

/// Whether the daemon has not hung up yet, as the operating system knows.
fn is_open(stream: TcpStream) -> bool {
    let read = stream.into_std().unwrap().peek(&mut [0]);
    matches!(read, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

const PROBE: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";

async fn is_healthy(daemon: &Running) {
    let answer = raw(daemon, PROBE).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nok\n"), "{answer}");
}

/// Fills the port with connections that hold `said` back there, and probes it. The probe does not wait for them: they are open
/// when it is answered. A machine that stands still for seconds lets them end by themselves, so that there are several tries.
async fn check_probe(hosts: u8, each: usize, said: &[u8]) {
    let (_story, _kept, daemon) = daemon(&[]).await;
    for _ in 0..5 {
        let mut held = Vec::new();
        for host in 1..=hosts {
            for _ in 0..each {
                let mut stream = from(host, &daemon).await;
                let _ = stream.write_all(said).await;
                held.push(stream);
            }
        }
        is_healthy(&daemon).await;
        if is_open(held.pop().unwrap()) {
            daemon.terminate().await;
            return;
        }
    }
    panic!("each probe waited until the others had gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_say_nothing_keep_no_probe_waiting() {
    check_probe(1, 100, b"").await;
    check_probe(100, 3, b"").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_never_end_keep_no_probe_waiting() {
    check_probe(2, 80, b"G").await;
    check_probe(2, 80, b"GET / HTTP/1.1\r\nhost: localhost\r\nx: ").await;
    check_probe(2, 80, b"POST /nothing HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000000\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_says_nothing_is_hung_up_on() {
    let (_story, _kept, daemon) = daemon(&[]).await;
    for said in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: localhost\r\n"] {
        let mut stream = from(1, &daemon).await;
        stream.write_all(said.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let ended = tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await;
        assert!(ended.is_ok(), "{said:?} is waited for");
        assert!(!answer.contains("200 OK"), "{said:?}: {answer}");
    }
    is_healthy(&daemon).await;
    daemon.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_says_two_things_about_whom_it_is_for_is_refused() {
    let (_story, _kept, daemon) = daemon(&[]).await;
    let check = async |request: &str, status: &str| {
        let answer = raw(&daemon, request.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request:?}: {answer:?}");
    };
    check("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", "200").await;
    check("GET / HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n\r\n", "400").await;
    check("GET / HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n\r\n", "400").await;
    check("GET / HTTP/1.1\r\nhost: evil.example\r\nHost: localhost\r\n\r\n", "400").await;
    check("GET http://evil.example/ HTTP/1.1\r\nhost: localhost\r\n\r\n", "400").await;
    check("GET http://evil.example/healthz HTTP/1.1\r\nhost: localhost\r\n\r\n", "400").await;
    check("GET http://localhost/ HTTP/1.1\r\nhost: localhost\r\n\r\n", "200").await;
    check("GET http://evil.example/ HTTP/1.1\r\nhost: evil.example\r\n\r\n", "403").await;
    check("CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example:443\r\n\r\n", "400").await;
    check("GET / HTTP/1.1\r\n\r\n", "400").await;
    check("GET /nothing HTTP/1.1\r\nhost: a b\r\n\r\n", "400").await;
    daemon.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_ways_to_misuse_a_connection_end_it_and_nothing_else() {
    let (_story, _kept, daemon) = daemon(&[("token", ALL)]).await;
    // Of several requests the first one is answered.
    let answers = raw(&daemon, &PROBE.repeat(5)).await;
    assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
    // A body is not waited for.
    let sync = format!("POST /api/v1/sync HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ALL}\r\n");
    let answer = raw(&daemon, format!("{sync}content-length: 1000000000\r\n\r\nx").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    let answer = raw(&daemon, format!("{sync}transfer-encoding: chunked\r\n\r\n1\r\n").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    // Heads have a length, and another protocol is not spoken.
    let many: String = (0..200_000).map(|n| format!("x-{n}: y\r\n")).collect();
    for flood in [
        format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\n{many}\r\n"),
        format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "y".repeat(1_000_000)),
        format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "y".repeat(1_000_000)),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}".to_owned(),
    ] {
        let answer = raw(&daemon, flood.as_bytes()).await;
        assert!(!answer.contains(" 200 "), "{answer}");
        is_healthy(&daemon).await;
    }
    daemon.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_reads_sees_everything_and_triggers_nothing() {
    let (_story, _kept, daemon) = daemon(&[("token", ALL), ("read_token", READ)]).await;
    let ask = async |method: reqwest::Method, path: &str, token: &str| {
        let request = daemon.http.request(method, format!("{}{path}", daemon.url)).bearer_auth(token);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    for path in ["/", "/api/v1/status", "/metrics"] {
        for token in [ALL, READ] {
            assert_eq!(ask(reqwest::Method::GET, path, token).await.0, 200, "{path} {token}");
        }
        assert_eq!(daemon.get(path).await.0, 401, "{path}");
    }
    let (status, said) = ask(reqwest::Method::POST, "/api/v1/sync", READ).await;
    assert!(status == 403 && said.contains("this token only reads"), "{status}: {said}");
    assert_eq!(ask(reqwest::Method::POST, "/api/v1/sync", ALL).await.0, 202);
    daemon.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_tokens_are_answered_late_and_logged_and_nobody_else_waits() {
    let (_story, _kept, daemon) = daemon(&[("token", ALL)]).await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let ask = |token: String| {
        let request = daemon.http.get(format!("{}/metrics", daemon.url)).bearer_auth(token);
        let tell = tell.clone();
        async move { tell.send(request.send().await.unwrap().status().as_u16()).unwrap() }
    };
    let guesses: Vec<_> = (0..20).map(|n| tokio::spawn(ask(format!("a-guess-{n}-of-somebody")))).collect();
    ask(ALL.to_owned()).await;
    assert_eq!(told.recv().await, Some(200), "the right one is answered before the wrong ones");
    for guess in guesses {
        guess.await.unwrap();
        assert_eq!(told.recv().await, Some(401));
    }
    let log = daemon.terminate().await;
    let lines = log.lines().filter(|line| line.contains("a wrong token was shown")).count();
    assert_eq!(lines, 1, "one line tells of all: {log}");
    assert!(log.contains("from=127.0.0.1") && !log.contains("a-guess-"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_can_be_guessed_are_refused_with_a_way_to_make_one() {
    let check = async |tokens: &[(&str, &str)], expect: &str| {
        let kept = TempDir::new().unwrap();
        let mut more = String::new();
        for (setting, token) in tokens {
            fs::write(kept.path().join(setting), token).unwrap();
            more += &format!(", {setting}: {{ file: {} }}", kept.path().join(setting).display());
        }
        let story = Story::of(Config { empty: true, ..quick() }, "", &settings("{ every: 1h }", &more)).await;
        let said = story.rosterd(&["daemon"]).await;
        let err = said.err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!((said.status, said.out.as_str()), (1, ""), "{err}");
        assert!(err.contains(expect) && err.contains("`openssl rand -hex 32`"), "{err}");
    };
    check(&[("token", "hunter2")], "`settings.daemon.token` has 7 characters").await;
    check(&[("read_token", "0123456789012345678")], "`settings.daemon.read_token` has 19 characters").await;
    check(&[("token", ALL), ("read_token", ALL)], "is the same as `settings.daemon.token`").await;
}
