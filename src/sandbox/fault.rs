//! Faults: what goes wrong on the way, with which request, and whether the request had its effect all the same.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// 500 with a JSON error.
    ServerError,
    /// 503 with `Retry-After`.
    Unavailable,
    /// 429 with `Retry-After`, though the quota is not used up; costs nothing of it.
    TooMany,
    /// The connection is reset without an answer and without an effect.
    ResetBefore,
    /// The request takes effect, then the connection is reset without an answer.
    ResetAfter,
    /// The request takes effect; its answer takes long.
    Slow,
    /// The request waits somewhere on the way and never takes effect, as behind a half-open connection or a dead proxy; after
    /// long, a 504.
    Stalled,
    /// 200 with an HTML page where JSON is expected, as a captive portal or a maintenance page sends it.
    Html,
    /// 502 with an HTML page.
    Html502,
    /// The request takes effect; the connection closes in the middle of the answer's body.
    CutOff,
    /// The request takes effect; the answer is 200 without a body.
    Empty,
    /// The request takes effect; the answer is JSON that breaks off.
    Malformed,
}

impl FaultKind {
    /// Every kind, in the order in which messages list them.
    pub const ALL: [FaultKind; 12] = [
        FaultKind::ServerError,
        FaultKind::Unavailable,
        FaultKind::TooMany,
        FaultKind::ResetBefore,
        FaultKind::ResetAfter,
        FaultKind::Slow,
        FaultKind::Stalled,
        FaultKind::Html,
        FaultKind::Html502,
        FaultKind::CutOff,
        FaultKind::Empty,
        FaultKind::Malformed,
    ];

    /// The kind's name in a fault specification.
    pub fn name(self) -> &'static str {
        match self {
            FaultKind::ServerError => "500",
            FaultKind::Unavailable => "503",
            FaultKind::TooMany => "429",
            FaultKind::ResetBefore => "reset-before",
            FaultKind::ResetAfter => "reset-after",
            FaultKind::Slow => "slow",
            FaultKind::Stalled => "stalled",
            FaultKind::Html => "html",
            FaultKind::Html502 => "html-502",
            FaultKind::CutOff => "cut-off",
            FaultKind::Empty => "empty",
            FaultKind::Malformed => "malformed",
        }
    }

    /// Whether the request takes effect in spite of the fault, unless a [`Fault`] says otherwise.
    fn has_effect(self) -> bool {
        match self {
            FaultKind::ResetAfter | FaultKind::Slow | FaultKind::CutOff | FaultKind::Empty | FaultKind::Malformed => {
                true
            }
            FaultKind::ServerError
            | FaultKind::Unavailable
            | FaultKind::TooMany
            | FaultKind::ResetBefore
            | FaultKind::Stalled
            | FaultKind::Html
            | FaultKind::Html502 => false,
        }
    }

    /// `wait` where none is given: how long `slow` and `stalled` take, what `Retry-After` says.
    fn default_wait(self) -> Duration {
        match self {
            // Longer than a client's patience for one answer is usually set in tests; shorter than a person's.
            FaultKind::Slow => Duration::from_secs(5),
            // Longer than clients wait for one answer.
            FaultKind::Stalled => Duration::from_secs(60),
            _ => Duration::from_secs(1),
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for FaultKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A fault and the requests it strikes.
///
/// As text it is a comma-separated list, such as `every=7,kind=reset-after` or
/// `method=POST,path=/users,at=1+3,kind=cut-off`; the keys are:
///
/// | key | meaning |
/// |---|---|
/// | `kind` | what goes wrong (required); see [`FaultKind::name`] |
/// | `every` | strikes every Nth matching request |
/// | `at` | strikes these matching requests, counted from 1, joined by `+` |
/// | `method`, `path`, `app`, `tenant` | only requests that match; in `path` (the app's own), `*` stands for anything |
/// | `wait` | real time: how long `slow` and `stalled` take, what `Retry-After` says (`5s`, `200ms`) |
/// | `effect` | `yes` or `no`: whether the request takes effect, where the kind's default is not meant |
///
/// With neither `every` nor `at`, every matching request is struck. Matching requests are counted per fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Strikes every Nth matching request.
    pub every: Option<u64>,
    /// Strikes these matching requests, counted from 1.
    pub at: Vec<u64>,
    /// Only requests with this method.
    pub method: Option<String>,
    /// Only requests whose path matches; `*` stands for anything.
    pub path: Option<String>,
    /// Only requests to this connector.
    pub app: Option<String>,
    /// Only requests to this tenant.
    pub tenant: Option<String>,
    /// How long `slow` takes, and what `Retry-After` says; real time.
    pub wait: Duration,
    /// Whether the request takes effect all the same.
    pub effect: bool,
}

impl Fault {
    /// A fault that strikes every request.
    pub fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            every: None,
            at: Vec::new(),
            method: None,
            path: None,
            app: None,
            tenant: None,
            wait: kind.default_wait(),
            effect: kind.has_effect(),
        }
    }

    /// A fault that strikes every `n`th request.
    pub fn every(n: u64, kind: FaultKind) -> Self {
        Self { every: Some(n), ..Self::new(kind) }
    }

    /// A fault that strikes these requests, counted from 1.
    pub fn at(nth: &[u64], kind: FaultKind) -> Self {
        Self { at: nth.to_vec(), ..Self::new(kind) }
    }

    /// Only requests with this method and path.
    pub fn on(self, method: &str, path: &str) -> Self {
        Self { method: Some(method.to_owned()), path: Some(path.to_owned()), ..self }
    }

    fn matches(&self, request: &Target<'_>) -> bool {
        let same = |wanted: &Option<String>, got: &str| wanted.as_deref().is_none_or(|wanted| wanted == got);
        self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(request.method))
            && same(&self.app, request.app)
            && same(&self.tenant, request.tenant)
            && self.path.as_deref().is_none_or(|pattern| glob(pattern, request.path))
    }

    fn strikes(&self, count: u64) -> bool {
        match (self.every, self.at.as_slice()) {
            (None, []) => true,
            (every, at) => every.is_some_and(|n| count.is_multiple_of(n)) || at.contains(&count),
        }
    }
}

/// Whether `text` matches `pattern`, in which `*` stands for any characters.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|tail| {
            // Every place where the rest could begin, the end included.
            tail.char_indices().map(|(at, _)| at).chain([tail.len()]).any(|at| glob(rest, &tail[at..]))
        }),
    }
}

/// Why a fault specification cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// A part is not `key=value`.
    #[error("`{0}` is not of the form key=value; a fault reads like `every=7,kind=reset-after`")]
    Form(String),
    /// A key that means nothing here.
    #[error("unknown key `{0}`; known are kind, every, at, method, path, app, tenant, wait, effect")]
    Key(String),
    /// A key given twice.
    #[error("`{0}` is given twice")]
    Twice(String),
    /// No kind.
    #[error("a fault needs a kind, one of {}", kinds())]
    NoKind,
    /// An unknown kind.
    #[error("unknown kind `{0}`, expected one of {list}", list = kinds())]
    Kind(String),
    /// A value that cannot be read.
    #[error("`{key}={value}`: expected {expected}")]
    Value {
        /// The key.
        key: &'static str,
        /// What it was given.
        value: String,
        /// What it takes.
        expected: &'static str,
    },
}

fn kinds() -> String {
    FaultKind::ALL.map(FaultKind::name).join(", ")
}

impl FromStr for FaultKind {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let found = Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(text));
        found.ok_or_else(|| FaultError::Kind(text.to_owned()))
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for part in text.split(',') {
            let (key, value) = part.split_once('=').ok_or_else(|| FaultError::Form(part.to_owned()))?;
            let (key, value) = (key.trim(), value.trim());
            if pairs.iter().any(|(seen, _)| *seen == key) {
                return Err(FaultError::Twice(key.to_owned()));
            }
            pairs.push((key, value));
        }
        let (_, kind) = pairs.iter().find(|(key, _)| *key == "kind").ok_or(FaultError::NoKind)?;
        let mut fault = Fault::new(kind.parse()?);
        for (key, value) in pairs {
            let named = || Some(value.to_owned());
            match key {
                "kind" => {}
                "every" => fault.every = Some(count("every", value)?),
                "at" => fault.at = value.split('+').map(|nth| count("at", nth)).collect::<Result<_, _>>()?,
                "method" => fault.method = named(),
                "path" => fault.path = named(),
                "app" => fault.app = named(),
                "tenant" => fault.tenant = named(),
                "wait" => {
                    fault.wait = humantime::parse_duration(value)
                        .map_err(|_| bad("wait", value, "a duration such as 5s or 200ms"))?;
                }
                "effect" => {
                    fault.effect = match (value, fault.kind) {
                        (_, FaultKind::Slow) => {
                            return Err(bad("effect", value, "none here: a slow answer is the true one"));
                        }
                        // A reset says in its name on which side of the effect it is.
                        (_, FaultKind::ResetBefore | FaultKind::ResetAfter) => {
                            return Err(bad(
                                "effect",
                                value,
                                "none here: choose kind=reset-before or kind=reset-after",
                            ));
                        }
                        ("yes", _) => true,
                        ("no", _) => false,
                        _ => return Err(bad("effect", value, "yes or no")),
                    }
                }
                _ => return Err(FaultError::Key(key.to_owned())),
            }
        }
        Ok(fault)
    }
}

fn count(key: &'static str, value: &str) -> Result<u64, FaultError> {
    match value.trim().parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(bad(key, value, "a number from 1")),
    }
}

fn bad(key: &'static str, value: &str, expected: &'static str) -> FaultError {
    FaultError::Value { key, value: value.to_owned(), expected }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(every) = self.every {
            write!(f, "every={every},")?;
        }
        if !self.at.is_empty() {
            write!(f, "at={},", self.at.iter().map(u64::to_string).collect::<Vec<_>>().join("+"))?;
        }
        for (key, value) in
            [("method", &self.method), ("path", &self.path), ("app", &self.app), ("tenant", &self.tenant)]
        {
            if let Some(value) = value {
                write!(f, "{key}={value},")?;
            }
        }
        if self.wait != self.kind.default_wait() {
            write!(f, "wait={},", humantime::format_duration(self.wait))?;
        }
        if self.effect != self.kind.has_effect() {
            write!(f, "effect={},", if self.effect { "yes" } else { "no" })?;
        }
        write!(f, "kind={}", self.kind)
    }
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads a fault from its text or from an object with the same keys, so that there is one grammar and one check.
impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            Value::Object(object) => {
                let pairs = object.into_iter().map(|(key, value)| {
                    let value = match value {
                        Value::String(text) => text,
                        Value::Bool(yes) => if yes { "yes" } else { "no" }.to_owned(),
                        Value::Array(items) => items.iter().map(Value::to_string).collect::<Vec<_>>().join("+"),
                        other => other.to_string(),
                    };
                    format!("{key}={value}")
                });
                pairs.collect::<Vec<_>>().join(",")
            }
            other => {
                return Err(serde::de::Error::custom(format!("expected a fault's text or an object, not {other}")));
            }
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What a fault looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) app: &'a str,
    pub(crate) tenant: &'a str,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
}

/// The faults in force, with how many requests each has seen.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    armed: Vec<(Fault, u64)>,
}

impl Faults {
    pub(crate) fn new(faults: Vec<Fault>) -> Self {
        Self { armed: faults.into_iter().map(|fault| (fault, 0)).collect() }
    }

    /// Counts the request with every fault it matches, and returns the first that strikes.
    pub(crate) fn strike(&mut self, request: &Target<'_>) -> Option<Fault> {
        let mut struck = None;
        for (fault, seen) in &mut self.armed {
            if fault.matches(request) {
                *seen += 1;
                if struck.is_none() && fault.strikes(*seen) {
                    struck = Some(fault.clone());
                }
            }
        }
        struck
    }

    pub(crate) fn list(&self) -> Vec<&Fault> {
        self.armed.iter().map(|(fault, _)| fault).collect()
    }
}
