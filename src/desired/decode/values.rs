//! What one line gives to whom it names (a role or fields, for a time, for a reason), and texts that mean something: times,
//! durations, rates, shares, field values.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    desired::{
        report::Span,
        spec::{self, Object},
        tree::{Entry, Kind, Node},
    },
    model::{FieldName, FieldValue, Rate, Window},
};

use super::{Decoder, fields::Fields};

/// Values a line sets, as it says them, with where it says them.
pub(in crate::desired) type Said = BTreeMap<FieldName, (FieldValue, Span)>;

/// The value of a member, an account, or a grant.
#[derive(Debug, Clone, Default)]
pub(in crate::desired) struct Member {
    pub window: Window,
    pub reason: Option<Arc<str>>,
    pub said: Said,
}

impl<'s> Decoder<'_, 's> {
    /// Nothing, a role, or a mapping.
    pub(super) fn member(&mut self, entry: &Entry<'s>) -> Member {
        self.given(entry, &spec::MEMBER).unwrap_or_default().0
    }

    /// Nothing, a role, or a mapping of this kind, whose other keys are for the caller.
    pub(super) fn given<'a>(
        &mut self,
        entry: &'a Entry<'s>,
        object: &'static Object,
    ) -> Option<(Member, Option<Fields<'a, 's>>)> {
        let mut member = Member::default();
        match &entry.value.kind {
            Kind::Null | Kind::Hidden => {}
            Kind::Scalar { .. } => {
                if let Some(role) = self.text(&entry.value, &spec::ROLE) {
                    member.said.insert("role".into(), (FieldValue::text(role), entry.value.span));
                }
            }
            Kind::Map(_) => {
                let fields = Fields::open(self, &entry.value, object, entry.span);
                member.window = self.window(&fields);
                member.reason = fields.text(self, "reason").map(|(text, _)| text.into());
                member.said = self.said(&fields);
                return Some((member, Some(fields)));
            }
            Kind::List(_) => {
                self.wrong_type(&entry.value, "nothing, a role or a mapping");
                return None;
            }
        }
        Some((member, None))
    }

    /// `role`, `roles` and the connector's own fields.
    pub(super) fn said(&mut self, fields: &Fields<'_, 's>) -> Said {
        let mut said = self.other_fields(fields);
        if let Some((role, span)) = fields.text(self, "role") {
            said.insert("role".into(), (FieldValue::text(role), span));
        }
        if let Some(entry) = fields.entry("roles") {
            let roles = fields.texts(self, "roles").into_iter().map(|(role, _)| Arc::from(role)).collect();
            said.insert("roles".into(), (FieldValue::Set(roles), entry.span));
        }
        said
    }

    /// The connector's own fields.
    pub(super) fn other_fields(&mut self, fields: &Fields<'_, 's>) -> Said {
        let mut said = Said::new();
        for entry in fields.others() {
            if let Some(value) = self.field_value(&entry.value) {
                said.insert(Arc::from(&*entry.key), (value, entry.span));
            }
        }
        said
    }
    /// `from` and `until` of a mapping.
    pub(super) fn window(&mut self, fields: &Fields<'_, 's>) -> Window {
        let zone = self.zone.clone();
        let from = fields.parsed(self, "from", |text| moment(text, &zone, false));
        let until = fields.parsed(self, "until", |text| moment(text, &zone, true));
        if let (Some((from, from_at)), Some((until, until_at))) = (from, until)
            && until <= from
        {
            let draft = self.report.error("window", until_at, "`until` is before `from`").label("ends here");
            let hint = "a window that ends before it begins grants nothing; remove the line if that is meant";
            draft.and(from_at, "begins here").hint(hint);
            return Window::ALWAYS;
        }
        Window { from: from.map(|(at, _)| at), until: until.map(|(at, _)| at) }
    }

    /// A single value or a list of them, of a field or an attribute.
    pub(super) fn field_value(&mut self, node: &Node<'s>) -> Option<FieldValue> {
        match &node.kind {
            Kind::Scalar { text, plain: true } => Some(plain_value(text)),
            Kind::Scalar { text, plain: false } => Some(FieldValue::text(&**text)),
            Kind::List(items) => {
                let mut set = BTreeSet::new();
                for item in items {
                    if let Kind::Scalar { text, .. } = &item.kind {
                        set.insert(Arc::from(&**text));
                    } else {
                        self.wrong_type(item, "a single value");
                    }
                }
                Some(FieldValue::Set(set))
            }
            Kind::Null | Kind::Hidden => None,
            Kind::Map(_) => {
                self.wrong_type(node, "a single value or a list");
                None
            }
        }
    }
}

/// What a text without quotes is: `true`, `5`, or just a text.
pub(super) fn plain_value(text: &str) -> FieldValue {
    match text {
        "true" | "True" | "TRUE" => FieldValue::Flag(true),
        "false" | "False" | "FALSE" => FieldValue::Flag(false),
        // A number with a leading zero is somebody's code, not a number.
        _ => match text.parse::<i64>() {
            Ok(number) if number.to_string() == text => FieldValue::Number(number),
            _ => FieldValue::text(text),
        },
    }
}

/// A day or an instant. As an end, a day is included: the instant is the beginning of the next one.
pub(super) fn moment(text: &str, zone: &TimeZone, end: bool) -> Result<Timestamp, String> {
    const HINT: &str = "write a date (`2026-12-01`), or a time with its offset (`2026-12-01T18:00:00Z`)";
    let is_date = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if is_date {
        let date: Date = text.parse().map_err(|_| format!("there is no such day; {HINT}"))?;
        let date = if end { date.tomorrow().map_err(|_| "that is too late".to_owned())? } else { date };
        let day = date.to_zoned(zone.clone()).map_err(|error| error.to_string())?;
        return Ok(day.timestamp());
    }
    text.parse().map_err(|_| HINT.to_owned())
}

const DURATION: &str = "write a number and a unit: `30s`, `15m`, `12h`, `30d`";

/// `15m`, `30d`, `1h 30m`; never nothing.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    match pause(text)? {
        Duration::ZERO => Err(format!("it cannot be zero; {DURATION}")),
        duration => Ok(duration),
    }
}

/// `1m`, or `0s` for none at all.
pub(super) fn pause(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| DURATION.to_owned())
}

/// `1000/h`.
pub(super) fn rate(text: &str) -> Result<Rate, String> {
    const HINT: &str = "write a number of requests and `s`, `m`, `h` or `d`: `1000/h`";
    let (requests, unit) = text.split_once('/').ok_or(HINT)?;
    let seconds = match unit.trim() {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(HINT.to_owned()),
    };
    let requests: u32 = requests.trim().parse().map_err(|_| HINT)?;
    if requests == 0 {
        return Err("with none, nothing can be read; `mode: observe` writes nothing".to_owned());
    }
    Ok(Rate { requests, per: Duration::from_secs(seconds) })
}

/// `10%`, in percent.
pub(super) fn share(text: &str) -> Result<f64, String> {
    const HINT: &str = "write a percentage from 0% to 100%, such as `10%`";
    let number = text.strip_suffix('%').ok_or(HINT)?.trim();
    let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let percent = number.parse().ok().filter(|percent| plain && *percent <= 100.0);
    percent.ok_or_else(|| HINT.to_owned())
}

/// Five fields, or six with seconds first; which times they mean is for the daemon.
pub(super) fn cron(text: &str) -> Result<Box<croner::Cron>, String> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let known = |c: char| c.is_ascii_alphanumeric() || "*/,-?#".contains(c);
    let count = fields.len();
    if !matches!(count, 5 | 6) {
        const FIELDS: &str = "minute, hour, day, month, weekday, with seconds first if need be";
        return Err(format!("it has {count} fields; write {FIELDS}"));
    }
    if let Some(field) = fields.iter().find(|field| !field.chars().all(known)) {
        return Err(format!("`{field}` has a character that cron does not know"));
    }
    let cron: croner::Cron = fields.join(" ").parse().map_err(|error| format!("cron does not know it: {error}"))?;
    // Any day will do to see whether there is a day at all: `0 0 30 2 *` never comes.
    let some_day = jiff::Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    let next = cron.find_next_occurrence(&some_day, false);
    next.map(|_| Box::new(cron)).map_err(|_| "there is no such day, so that it never comes".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_begins_and_ends_in_the_organisations_zone() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(moment("2026-12-01", &berlin, false), Ok(at("2026-11-30T23:00:00Z")));
        assert_eq!(moment("2026-12-01", &berlin, true), Ok(at("2026-12-01T23:00:00Z")));
        // The day on which the clocks go forward has 23 hours.
        assert_eq!(moment("2026-03-29", &berlin, true), Ok(at("2026-03-29T22:00:00Z")));
        assert_eq!(moment("2026-12-01T12:00:00+01:00", &berlin, true), Ok(at("2026-12-01T11:00:00Z")));
        for bad in ["2026-02-30", "2026-12-01T12:00", "tomorrow", "1.12.2026"] {
            assert!(moment(bad, &berlin, true).is_err(), "{bad}");
        }
    }

    #[test]
    fn rates_shares_durations_and_cron_are_checked() {
        assert_eq!(rate("1000/h"), Ok(Rate { requests: 1000, per: Duration::from_secs(3600) }));
        assert_eq!(rate("5 / s"), Ok(Rate { requests: 5, per: Duration::from_secs(1) }));
        assert_eq!(duration("30d"), Ok(Duration::from_secs(30 * 86_400)));
        assert_eq!(share("12.5%"), Ok(12.5));
        assert_eq!(cron("0 */15 * * * *"), Ok(Box::new("0 */15 * * * *".parse().unwrap())));
        for bad in ["1000", "x/h", "10/w", "0/h", "-1/h"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
        for bad in ["15", "15 minuts", "0s", "-3d", ""] {
            assert!(duration(bad).is_err(), "{bad}");
        }
        for bad in ["10", "101%", "-1%", "inf%", "%"] {
            assert!(share(bad).is_err(), "{bad}");
        }
        assert_eq!(cron("0 8-18 * * MON-FRI"), Ok(Box::new("0 8-18 * * MON-FRI".parse().unwrap())));
        for bad in ["* * * *", "* * * * * * *", "a; b c d e", "0 25 * * *", "61 * * * *", "0 0 30 2 *"] {
            assert!(cron(bad).is_err(), "{bad}");
        }
    }
}
