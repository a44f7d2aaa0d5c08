//! The section `settings`.

use std::{collections::BTreeSet, time::Duration};

use jiff::tz::TimeZone;

use crate::{
    desired::{
        nearest,
        report::Span,
        secret::is_variable,
        spec,
        tree::{Kind, Node},
    },
    model::{Daemon, Keep, Notify, Policy, Schedule, SecretRef, Settings, Store},
};

use super::{
    Decoder,
    fields::Fields,
    policy,
    values::{cron, duration, pause},
};

/// The section, whose time zone and policy hold for what is decoded after it.
pub(super) fn decode<'s>(d: &mut Decoder<'_, 's>, root: &Fields<'_, 's>) -> Settings {
    let default = Settings::default();
    let Some(fields) = root.object(d, "settings") else { return default };
    d.zone = time_zone(d, &fields);
    d.policy = policy::decode(d, &fields, &Policy::default());
    Settings {
        time_zone: d.zone.clone(),
        store: store(d, &fields).unwrap_or(default.store),
        schedule: schedule(d, &fields).unwrap_or(default.schedule),
        notify: fields.objects(d, "notify").iter().filter_map(|one| notify(d, one)).collect(),
        daemon: daemon(d, &fields),
        keep: keep(d, &fields),
    }
}

fn time_zone<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>) -> TimeZone {
    let zone = fields.parsed(d, "time_zone", |text| {
        TimeZone::get(text).map_err(|_| {
            let known: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
            nearest::nearest(text, known.iter().map(String::as_str)).map_or_else(
                || "write a name of the IANA time zone database, such as `Europe/Berlin`, or `UTC`".to_owned(),
                |near| format!("did you mean `{near}`?"),
            )
        })
    });
    zone.map_or(TimeZone::UTC, |(zone, _)| zone)
}

fn store<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>) -> Option<Store> {
    let entry = fields.entry("store")?;
    let Kind::Scalar { text, .. } = &entry.value.kind else {
        return d.secret(&entry.value, entry.span).map(Store::Secret);
    };
    let text = text.trim();
    if text.strip_prefix("sqlite:").is_some_and(|path| !path.trim().is_empty()) {
        return Some(Store::Url(text.to_owned()));
    }
    let hint = "write `sqlite:PATH`, or `{ env: NAME }` with a variable that holds a postgres:// URL";
    d.bad_value(entry.value.span, "this is not a store", hint);
    None
}

fn schedule<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>) -> Option<Schedule> {
    let fields = fields.object(d, "schedule")?;
    let every = fields.parsed(d, "every", duration);
    let jitter = fields.parsed(d, "jitter", pause).map_or(Duration::ZERO, |(jitter, _)| jitter);
    let cron = fields.parsed(d, "cron", cron);
    match (every, cron) {
        (Some((_, every_at)), Some((_, cron_at))) => {
            let draft = d.report.error("conflict", cron_at, "a schedule has `every` or `cron`, not both");
            draft.and(every_at, "").hint("keep one of them");
        }
        (None, Some((cron, _))) => return Some(Schedule::Cron { cron, jitter }),
        (Some((every, _)), None) => return Some(Schedule::Every { every, jitter }),
        (None, None) => {
            if fields.entry("every").is_none() && fields.entry("cron").is_none() {
                d.bad_value(fields.span, "a schedule needs `every` or `cron`", "such as `{ every: 15m, jitter: 1m }`");
            }
        }
    }
    None
}

fn notify<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>) -> Option<Notify> {
    let on = fields.texts(d, "on").into_iter().filter_map(|(text, span)| d.word("on", text, span, &spec::EVENT));
    let mut on: BTreeSet<String> = on.map(ToOwned::to_owned).collect();
    if fields.entry("on").is_none() {
        on.extend(spec::EVENT.words.iter().map(ToString::to_string));
    }
    fields.require(d, "url", "this has no `url` to tell".to_owned(), "add `url: { env: NAME }`");
    Some(Notify { url: fields.secret(d, "url")?, on })
}

fn daemon<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>) -> Daemon {
    let Some(fields) = fields.object(d, "daemon") else { return Daemon::default() };
    let listen = fields.parsed(d, "listen", |text| {
        text.parse().map_err(|_| "write an IP address and a port: `127.0.0.1:8484`, `[::1]:8484`".to_owned())
    });
    let drift = fields.word(d, "drift").map(|(drift, _)| drift).unwrap_or_default();
    let [token, read_token] = ["token", "read_token"].map(|name| fields.secret(d, name));
    Daemon { listen: listen.map(|(listen, _)| listen), token, read_token, drift }
}

fn keep<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>) -> Keep {
    let Some(fields) = fields.object(d, "keep") else { return Keep::default() };
    let mut span = |name| fields.parsed(d, name, duration).map(|(span, _)| span);
    Keep { ledger: span("ledger"), readings: span("readings") }
}

impl<'s> Fields<'_, 's> {
    /// A reference to a secret.
    pub(super) fn secret(&self, d: &mut Decoder<'_, 's>, name: &'static str) -> Option<SecretRef> {
        let entry = self.entry(name)?;
        d.secret(&entry.value, entry.span)
    }
}

impl<'s> Decoder<'_, 's> {
    /// `{ env: NAME }` or `{ file: PATH }`. Plain text was refused before anything was decoded.
    fn secret(&mut self, node: &Node<'s>, span: Span) -> Option<SecretRef> {
        if !matches!(node.kind, Kind::Map(_)) {
            if matches!(node.kind, Kind::List(_)) {
                self.wrong_type(node, "`{ env: NAME }` or `{ file: PATH }`");
            }
            return None;
        }
        let fields = Fields::open(self, node, &spec::SECRET, span);
        let (env, file) = (fields.text(self, "env"), fields.text(self, "file"));
        match (env, file) {
            (Some((name, _)), None) => return is_variable(name).then(|| SecretRef::Env(name.to_owned())),
            (None, Some((path, _))) => return Some(SecretRef::File(path.to_owned())),
            (Some((_, first)), Some((_, second))) => {
                let message = "a secret comes from `env` or from `file`, not from both";
                self.report.error("conflict", second, message).and(first, "").hint("keep one of them");
            }
            (None, None) => {
                if fields.entry("env").is_none() && fields.entry("file").is_none() {
                    self.bad_value(span, "a secret needs `env` or `file`", "write `{ env: NAME }` or `{ file: PATH }`");
                }
            }
        }
        None
    }
}
