//! How an app misbehaves: what it answers instead, what it makes of a question, and how it shows what it has.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    call::{About, Call, Reply},
    dialect::Dialect,
    family::Family,
    mine::text,
    shapes::{each_row, recount, rows, say_total, spell_active},
    truth::Row,
};
use crate::chance::Chance;

/// So often at most a request fails for no reason of its own.
const FAILURES: u32 = 3;

pub(super) struct Lies {
    pub family: Family,
    dialect: Dialect,
    chance: Chance,
    pub on: bool,
    /// How often something was met that would not be there in a well-behaved app.
    pub met: u64,
    /// Ids that the list of users leaves out.
    hidden: BTreeSet<String>,
    /// Which of several ways to misbehave it is.
    shape: usize,
    left: u32,
    /// The account that no group takes.
    pub refused: Option<String>,
    /// Ids that are gone.
    pub gone: BTreeSet<String>,
}

impl Lies {
    pub(super) fn new(family: Family, dialect: Dialect, mut chance: Chance) -> Self {
        let shape = chance.below(60);
        let (hidden, gone) = (BTreeSet::new(), BTreeSet::new());
        Self { family, dialect, chance, on: false, met: 0, hidden, shape, left: FAILURES, refused: None, gone }
    }

    /// Begins to misbehave, with some of `rows` out of sight where it is that.
    pub(super) fn begin(&mut self, rows: &[Row], may_hide: impl Fn(&Row) -> bool) {
        self.on = true;
        if self.family.hides_rows() {
            let mut able: Vec<_> = rows.iter().filter(|row| may_hide(row)).map(|row| row.id.clone()).collect();
            let shown = self.chance.below(able.len());
            self.hidden = able.split_off(shown).into_iter().collect();
        }
    }

    fn meet(&mut self) {
        self.met += 1;
    }

    fn strikes(&mut self) -> bool {
        let strikes = self.left > 0 && self.chance.happens(0.35);
        if strikes {
            self.left -= 1;
            self.meet();
        }
        strikes
    }

    /// An answer in the app's place.
    pub(super) fn instead(&mut self, call: &Call) -> Option<Reply> {
        if !self.on || call.path.ends_with("/token") {
            return None;
        }
        let family = self.family;
        match family {
            Family::ThrottledBy403 if self.strikes() => Some(self.throttle()),
            Family::ErrorNoEffect if call.writes() && self.strikes() => Some(self.error()),
            Family::MemberRefused if call.writes() && is_about_members(call) => {
                let id = self.refused.clone()?;
                let named = call.body.windows(id.len()).any(|part| part == id.as_bytes());
                named.then(|| {
                    self.meet();
                    Reply::json(403, json!({"detail": "cannot join", "message": "cannot join", "status": "403"}))
                })
            }
            Family::GoneById => match call.about() {
                About::User(id) if call.method == "GET" && self.gone.contains(&id) => {
                    self.meet();
                    let status = [404, 403, 410, 500, 400, 422][self.shape % 6];
                    Some(Reply::json(status, json!({"detail": "no", "message": "no"})))
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn throttle(&mut self) -> Reply {
        let reply = Reply::json(403, json!({"message": "slow down", "detail": "slow down"}));
        match self.shape % 4 {
            0 => reply.with("retry-after", "1"),
            1 => reply.with("retry-after", "30"),
            2 => reply.with("x-ratelimit-remaining", "0").with("x-ratelimit-reset", "5"),
            _ => reply.with("ratelimit-remaining", "0").with("ratelimit-reset", "2"),
        }
    }

    fn error(&mut self) -> Reply {
        let status = *self.chance.pick(&[500, 502, 503, 504]);
        Reply::json(status, json!({"detail": "broken", "message": "broken"}))
    }

    /// What the app makes of a question.
    pub(super) fn asked(&mut self, call: &Call) -> Call {
        let widens = matches!(self.family, Family::QueryContains | Family::QueryIgnored);
        if self.on && widens && matches!(call.about(), About::Query(_)) {
            return call.unasked();
        }
        call.clone()
    }

    /// What the app, which has `all` accounts, answers where it would have answered `reply`.
    pub(super) fn told(&mut self, call: &Call, mut reply: Reply, all: usize) -> Reply {
        if !self.on || call.path.ends_with("/token") {
            return reply;
        }
        if self.family == Family::ErrorWithEffect && call.writes() && reply.is_good() && self.strikes() {
            return self.error();
        }
        if !reply.is_good() {
            return reply;
        }
        match (call.method, call.about()) {
            ("GET", About::Users) => self.list(call, &mut reply, all),
            ("GET", About::Query(asked)) => self.query(&asked, &mut reply),
            ("GET", About::Members(_)) => self.rows_of_members(&mut reply),
            ("GET", About::Groups | About::Group(_)) => self.groups(&mut reply),
            _ => {}
        }
        self.spell(call, &mut reply);
        reply
    }

    fn no_next(&mut self, reply: &mut Reply) {
        if reply.body.as_object_mut().is_some_and(|body| body.remove("next_page").is_some()) {
            self.meet();
        }
    }

    fn list(&mut self, call: &Call, reply: &mut Reply, all: usize) {
        match self.family {
            Family::TokenIsNumber => self.number(reply),
            Family::TokenIsOdd => self.odd(reply),
            Family::NextNeverComes => self.no_next(reply),
            family if family.hides_rows() => self.hide(call, reply, all),
            _ => {}
        }
        self.no_rows(reply);
    }

    fn number(&mut self, reply: &mut Reply) {
        let shape = self.shape;
        let next = reply.body["next_page"].as_str().and_then(|text| text.parse::<u64>().ok());
        match (next, shape % 4) {
            (Some(next), _) => {
                reply.body["next_page"] = next.into();
                self.meet();
            }
            (None, 0) => {}
            (None, 1) => reply.body["next_page"] = Value::Null,
            (None, 2) => reply.body["next_page"] = "".into(),
            (None, _) => reply.body["next_page"] = false.into(),
        }
    }

    /// The next page is there, and its token is nothing that could be sent. What is on it is out of sight for good.
    fn odd(&mut self, reply: &mut Reply) {
        let key = if self.dialect.is_mine() { "next_page" } else { "nextPageToken" };
        // A sandbox shows everybody on one page; this one holds some of them back.
        let cut = !self.dialect.is_mine() && rows(&mut reply.body).is_some_and(|rows| rows.pop().is_some());
        if cut || reply.body[key].is_string() {
            reply.body[key] = match self.shape % 4 {
                0 => json!({"page": 2}),
                1 => json!([2]),
                2 => json!(true),
                _ => json!(2.5),
            };
            self.meet();
        }
    }

    fn hide(&mut self, call: &Call, reply: &mut Reply, all: usize) {
        let hidden = &self.hidden;
        let Some(list) = rows(&mut reply.body) else { return };
        let before = list.len();
        list.retain(|row| !hidden.contains(&text(&row["id"])));
        let fewer = before - list.len();
        let honest = match self.family {
            Family::TotalAboveRows => true,
            Family::BrokenListExactQuery => !self.dialect.is_bare(),
            _ => false,
        };
        if honest {
            say_total(&mut reply.body, all);
        } else {
            recount(&mut reply.body, hidden.len());
        }
        let more = !hidden.is_empty();
        let path = call.path.clone();
        match self.family {
            Family::ODataLink if more => reply.body["@odata.nextLink"] = format!("{path}?$skip=5").into(),
            Family::LinkNobodyFollows if more => {
                reply.headers.push(("link".into(), format!("<{path}?after=5>; rel=\"next\"")));
            }
            Family::BrokenListExactQuery if more && self.dialect.is_bare() => {
                reply.headers.push(("link".into(), format!("<{path}?after=5>; rel=\"next\"")));
            }
            _ => {}
        }
        self.met += u64::from(fewer > 0);
    }

    fn query(&mut self, asked: &str, reply: &mut Reply) {
        let Some(list) = rows(&mut reply.body) else { return };
        let before = list.len();
        let low = asked.to_lowercase();
        match self.family {
            Family::QueryExact | Family::BrokenListExactQuery => list.retain(|row| has(row, |one| one == asked)),
            Family::QueryContains => list.retain(|row| has(row, |one| one.to_lowercase().contains(&low))),
            Family::QueryNobody => list.clear(),
            Family::CapAfterMemory => {
                let hidden = &self.hidden;
                list.retain(|row| !hidden.contains(&text(&row["id"])));
            }
            _ => {}
        }
        let (after, strangers) = (list.len(), list.iter().any(|row| !has(row, |one| one.to_lowercase() == low)));
        recount(&mut reply.body, before - after);
        self.met += u64::from(after < before || strangers);
        if matches!(self.family, Family::CapWithQuery) {
            self.met += u64::from(after > 0);
        }
        self.no_rows(reply);
    }

    fn rows_of_members(&mut self, reply: &mut Reply) {
        if self.family == Family::MembersNoList && reply.body["data"].is_array() {
            reply.body["data"] = match self.shape % 3 {
                0 => json!({"u1": {}}),
                1 => json!("none"),
                _ => json!(3),
            };
            self.meet();
        }
        self.no_rows(reply);
    }

    fn groups(&mut self, reply: &mut Reply) {
        let shape = self.shape;
        let met = match self.family {
            Family::MembersHidden => each_row(&mut reply.body, |row| {
                let met = row["members"].as_array().is_some_and(|members| !members.is_empty());
                match shape % 3 {
                    0 => drop(row.as_object_mut().map(|row| row.remove("members"))),
                    1 => row["members"] = json!([]),
                    _ => row["members"] = Value::Null,
                }
                met
            }),
            Family::MembersNoList if self.dialect.is_scim() => each_row(&mut reply.body, |row| {
                row["members"] = match shape % 3 {
                    0 => json!({"total": 2}),
                    1 => json!("none"),
                    _ => json!(3),
                };
                true
            }),
            _ => 0,
        };
        self.met += met;
        self.no_rows(reply);
    }

    /// A list without rows, in the app's own way.
    fn no_rows(&mut self, reply: &mut Reply) {
        let Some(key) = ["data", "Resources"].into_iter().find(|key| reply.body[*key].is_array()) else { return };
        if !reply.body[key].as_array().is_some_and(Vec::is_empty) {
            return;
        }
        match self.family {
            Family::RowsAreNull => reply.body[key] = Value::Null,
            Family::RowsAreLacking => drop(reply.body.as_object_mut().map(|body| body.remove(key))),
            _ => return,
        }
        self.meet();
    }

    /// How values are spelt.
    fn spell(&mut self, call: &Call, reply: &mut Reply) {
        let is_user = matches!(call.about(), About::Users | About::Query(_) | About::User(_));
        let shape = self.shape;
        match self.family {
            Family::Mark => {
                reply.mark = ["\u{feff}", "\u{feff}\r\n"][shape % 2];
                self.meet();
            }
            Family::ActiveInWords if is_user => self.met += each_row(&mut reply.body, |row| spell_active(row, shape)),
            Family::EmptyText if is_user => {
                self.met += each_row(&mut reply.body, |row| {
                    let key = if row.get("userName").is_some() { "title" } else { "phone" };
                    if row.get(key).is_none_or(|value| !value.is_null() && value != "") {
                        return false;
                    }
                    match shape % 3 {
                        0 => row[key] = Value::Null,
                        1 => row[key] = "".into(),
                        _ => drop(row.as_object_mut().map(|row| row.remove(key))),
                    }
                    true
                });
            }
            _ => {}
        }
    }

    /// The name that a new group gets.
    pub(super) fn group_name(&self, asked: &str) -> Option<String> {
        let names = [format!("PRIMARY/{asked}"), asked.to_lowercase(), format!("{asked} (new)")];
        (self.on && self.family == Family::GroupRenamedOnCreate).then(|| names[self.shape % 3].clone())
    }

    /// The address that a new account gets.
    pub(super) fn address(&self, asked: &str) -> Option<String> {
        let (who, domain) = asked.split_once('@')?;
        let new = match self.shape % 4 {
            0 => format!("{who}+new@{domain}"),
            1 => format!("{who}@tenant.example"),
            2 if self.dialect.is_mine() => who.to_owned(),
            _ => asked.to_uppercase(),
        };
        (self.on && self.family == Family::AddressChangedOnCreate).then_some(new)
    }

    /// Whether the answer to a creation shows the new name, or only the list does.
    pub(super) fn shows_names(&self) -> bool {
        self.shape < 40
    }
}

fn is_about_members(call: &Call) -> bool {
    matches!(call.about(), About::Members(_) | About::Group(_))
}

/// Whether one of a row's addresses is like that.
fn has(row: &Value, is_it: impl Fn(&str) -> bool) -> bool {
    let emails = row["emails"].as_array().into_iter().flatten().map(|email| &email["value"]);
    [&row["userName"], &row["email"]].into_iter().chain(emails).filter_map(Value::as_str).any(is_it)
}
