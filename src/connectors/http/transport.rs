//! Sending one request and receiving one answer, and nothing more: no redirects, no retries, no meaning.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::{Method, install_tls};

/// A connection that takes longer is not coming. Shorter than any request's time limit, so that a server that cannot be
/// reached is told from one that does not answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Idle connections are closed before most servers close them: a write that meets a closing connection has an unknown
/// outcome.
const IDLE: Duration = Duration::from_secs(15);

const USER_AGENT: &str = concat!("rosterd/", env!("CARGO_PKG_VERSION"));

/// Carries requests. The real one speaks HTTP; tests put scripted ones in its place.
#[async_trait]
pub trait Transport: Send + Sync + fmt::Debug {
    /// Sends `request` once.
    ///
    /// # Errors
    /// When there is no answer.
    async fn send(&self, request: WireRequest) -> Result<WireAnswer, WireFailure>;
}

/// A request as it goes over the wire. Headers may be secret, so it has no `Debug`.
pub struct WireRequest {
    /// What to do.
    pub method: Method,
    /// To what.
    pub url: Url,
    /// Headers, the credential's among them.
    pub headers: Vec<(String, SecretString)>,
    /// The body, which may be secret too.
    pub body: Option<SecretString>,
}

/// An answer, or at least the beginning of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, unless it broke off.
    pub body: Result<Vec<u8>, BodyFailure>,
}

impl WireAnswer {
    /// The first header of this name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }
}

/// Why a body is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyFailure {
    /// The connection broke off.
    Cut(String),
    /// It has more bytes than are read.
    TooLarge {
        /// The most that is read.
        most: usize,
    },
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WireFailure {
    /// No connection came about, so that nothing was sent.
    NotSent(String),
    /// The same, and another attempt would fare no better: the certificate is not valid, or the request cannot be made.
    Hopeless(String),
    /// Something may have been sent.
    Lost(String),
}

/// HTTP over TCP and TLS.
#[derive(Debug)]
pub struct HttpTransport {
    client: reqwest::Client,
    largest_body: usize,
}

impl HttpTransport {
    /// A transport to `base`, which trusts the system's authorities and those in `ca_file`.
    ///
    /// # Errors
    /// When the file cannot be read, or the system has no authorities.
    pub fn new(base: &Url, ca_file: Option<&PathBuf>, largest_body: usize) -> Result<Self, String> {
        install_tls();
        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE);
        if is_loopback(base) {
            // A proxy's own loopback is another machine's.
            builder = builder.no_proxy();
        }
        let extra = ca_file.map(|file| read_authorities(file)).transpose()?;
        builder = match extra {
            Some(extra) => builder.tls_certs_merge(extra),
            // Without TLS it must not matter whether the system has any authorities.
            None if base.scheme() == "http" => builder.tls_certs_only([]),
            None => builder,
        };
        let client = builder.build().map_err(|error| format!("TLS cannot be set up: {}", chain(&error)))?;
        Ok(Self { client, largest_body })
    }

    async fn body(&self, mut response: reqwest::Response) -> Result<Vec<u8>, BodyFailure> {
        let most = self.largest_body;
        if response.content_length().is_some_and(|length| length > most as u64) {
            return Err(BodyFailure::TooLarge { most });
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| BodyFailure::Cut(chain(&error)))? {
            if body.len() + chunk.len() > most {
                return Err(BodyFailure::TooLarge { most });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: WireRequest) -> Result<WireAnswer, WireFailure> {
        let method = reqwest::Method::from_bytes(request.method.as_str().as_bytes())
            .expect("our methods have the names that HTTP gives them");
        let host = request.url.authority().to_owned();
        let mut builder = self.client.request(method, request.url);
        for (name, value) in &request.headers {
            let mut value = reqwest::header::HeaderValue::from_str(value.expose_secret()).map_err(|_| {
                WireFailure::Hopeless(format!("the value of the header {name} has characters it must not"))
            })?;
            value.set_sensitive(true);
            builder = builder.header(name, value);
        }
        if let Some(body) = &request.body {
            builder = builder.body(body.expose_secret().to_owned());
        }
        let response = builder.send().await.map_err(|error| {
            let detail = chain(&error);
            // A builder's error is one of ours, found before anything is sent.
            if is_hopeless(&error) {
                WireFailure::Hopeless(format!("{host}: {detail}"))
            } else if error.is_connect() {
                WireFailure::NotSent(format!("{host}: {detail}"))
            } else {
                WireFailure::Lost(detail)
            }
        })?;
        let status = response.status().as_u16();
        let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let body = self.body(response).await;
        Ok(WireAnswer { status, headers, body })
    }
}

fn read_authorities(file: &Path) -> Result<Vec<reqwest::Certificate>, String> {
    let pem = std::fs::read(file).map_err(|error| format!("the CA file {} cannot be read: {error}", file.display()))?;
    let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| chain(&error));
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(format!("the CA file {} holds no certificate", file.display())),
        Err(error) => Err(format!("the CA file {} is not in PEM form: {error}", file.display())),
    }
}

/// Whether an address is on this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Whether the same request would fail again however soon: it is one that cannot be made, or the server's certificate has
/// expired, is for another host or comes from nobody who is trusted.
fn is_hopeless(error: &reqwest::Error) -> bool {
    use std::error::Error as _;
    let mut cause = error.source();
    while let Some(error) = cause {
        // What TLS says is wrapped by the connection, which does not show it as its source.
        let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let tls = error.downcast_ref::<rustls::Error>().or_else(|| wrapped?.downcast_ref::<rustls::Error>());
        if matches!(tls, Some(rustls::Error::InvalidCertificate(_) | rustls::Error::PeerIncompatible(_))) {
            return true;
        }
        cause = error.source();
    }
    error.is_builder()
}

/// The error and its causes on one line, without the address, whose query may be secret.
fn chain(error: &reqwest::Error) -> String {
    use std::error::Error as _;
    let mut parts = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        parts.push(error.to_string());
        cause = error.source();
    }
    parts.dedup();
    // The library's own layers say nothing to people who are told what is below them.
    let is_layer = |part: &str| {
        part.starts_with("client error (")
            || matches!(part, "tcp connect error" | "connection error" | "dns error" | "error resolving DNS")
    };
    let last = parts.pop();
    parts.retain(|part| !is_layer(part));
    parts.extend(last);
    if !parts.is_empty() {
        return parts.join(": ");
    }
    let what = if error.is_timeout() { "timed out" } else { "failed" };
    format!("the request {what}")
}
