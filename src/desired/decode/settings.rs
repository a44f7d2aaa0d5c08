//! The section `settings`.

use std::{collections::BTreeSet, time::Duration};

use jiff::tz::TimeZone;

use crate::{
    desired::{
        nearest,
        report::Draft,
        secret::is_variable,
        spec,
        tree::{Entry, Kind, Node},
    },
    model::{Daemon, Drift, Keep, Notify, Schedule, SecretRef, Settings, Store},
};

use super::{
    Decoder, PolicyPatch,
    fields::Fields,
    policy,
    values::{cron, duration},
};

pub(super) fn decode<'s>(d: &mut Decoder<'_, 's>, section: Option<&Entry<'s>>) -> (Settings, PolicyPatch) {
    let Some(section) = section else { return (Settings::default(), PolicyPatch::default()) };
    let fields = Fields::open(d, &section.value, &spec::SETTINGS, section.span);
    let default = Settings::default();
    let zone = time_zone(d, &fields);
    // The freezes of this very section are days in the zone, too.
    d.zone = zone.clone();
    let settings = Settings {
        time_zone: zone,
        store: store(d, &fields).unwrap_or(default.store),
        schedule: schedule(d, &fields).unwrap_or(default.schedule),
        notify: fields.objects(d, "notify").iter().filter_map(|one| notify(d, one)).collect(),
        daemon: daemon(d, &fields),
        keep: keep(d, &fields),
    };
    (settings, policy::decode(d, &fields))
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
    d.bad_value(
        entry.value.span,
        "this is not a store",
        "write `sqlite:PATH`, or `{ env: NAME }` with a variable that holds a postgres:// URL",
    );
    None
}

fn schedule<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>) -> Option<Schedule> {
    let fields = fields.object(d, "schedule")?;
    let every = fields.parsed(d, "every", duration);
    let jitter = fields.parsed(d, "jitter", duration).map_or(Duration::ZERO, |(jitter, _)| jitter);
    let cron = fields.parsed(d, "cron", cron);
    match (every, cron) {
        (Some((_, every_at)), Some((_, cron_at))) => {
            let draft = Draft::error("conflict", "a schedule has `every` or `cron`, not both")
                .at(cron_at, "")
                .at(every_at, "")
                .hint("keep one of them");
            d.report.push(draft);
            None
        }
        (None, Some((cron, _))) => Some(Schedule::Cron { cron, jitter }),
        (Some((every, _)), None) => Some(Schedule::Every { every, jitter }),
        (None, None) => {
            if fields.entry("every").is_none() && fields.entry("cron").is_none() {
                d.bad_value(fields.span, "a schedule needs `every` or `cron`", "such as `{ every: 15m, jitter: 1m }`");
            }
            None
        }
    }
}

fn notify<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>) -> Option<Notify> {
    let mut on = BTreeSet::new();
    for (text, span) in fields.texts(d, "on") {
        if let Some(word) = d.word("on", text, span, &spec::EVENT) {
            on.insert(word.to_owned());
        }
    }
    if fields.entry("on").is_none() {
        on.extend(spec::EVENT.words.iter().map(ToString::to_string));
    }
    let Some(entry) = fields.entry("url") else {
        d.report.push(
            Draft::error("missing", "this has no `url` to tell").at(fields.span, "").hint("add `url: { env: NAME }`"),
        );
        return None;
    };
    let url = d.secret(&entry.value, entry.span)?;
    Some(Notify { url, on })
}

fn daemon<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>) -> Daemon {
    let Some(fields) = fields.object(d, "daemon") else { return Daemon::default() };
    let listen = fields.parsed(d, "listen", |text| {
        text.parse().map_err(|_| "write an IP address and a port: `127.0.0.1:8484`, `[::1]:8484`".to_owned())
    });
    let token = fields.entry("token").and_then(|entry| d.secret(&entry.value, entry.span));
    let drift = match fields.word(d, "drift") {
        Some(("report", _)) => Drift::Report,
        _ => Drift::Correct,
    };
    Daemon { listen: listen.map(|(listen, _)| listen), token, drift }
}

fn keep<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>) -> Keep {
    let Some(fields) = fields.object(d, "keep") else { return Keep::default() };
    let mut span = |name| fields.parsed(d, name, duration).map(|(span, _)| span);
    Keep { ledger: span("ledger"), readings: span("readings") }
}

impl<'s> Decoder<'_, 's> {
    /// `{ env: NAME }` or `{ file: PATH }`. Plain text was refused before anything was decoded.
    pub(super) fn secret(&mut self, node: &Node<'s>, span: crate::desired::report::Span) -> Option<SecretRef> {
        if !matches!(node.kind, Kind::Map(_)) {
            if matches!(node.kind, Kind::List(_)) {
                self.wrong_type(node, "`{ env: NAME }` or `{ file: PATH }`");
            }
            return None;
        }
        let fields = Fields::open(self, node, &spec::SECRET, span);
        let env = fields.text(self, "env");
        let file = fields.text(self, "file");
        match (env, file) {
            (Some((name, _)), None) => is_variable(name).then(|| SecretRef::Env(name.to_owned())),
            (None, Some((path, _))) => Some(SecretRef::File(path.to_owned())),
            (Some((_, first)), Some((_, second))) => {
                let draft = Draft::error("conflict", "a secret comes from `env` or from `file`, not from both")
                    .at(second, "")
                    .at(first, "")
                    .hint("keep one of them");
                self.report.push(draft);
                None
            }
            (None, None) => {
                if fields.entry("env").is_none() && fields.entry("file").is_none() {
                    self.bad_value(span, "a secret needs `env` or `file`", "write `{ env: NAME }` or `{ file: PATH }`");
                }
                None
            }
        }
    }
}
