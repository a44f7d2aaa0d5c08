//! Who is in a story: people and groups as the files want them, and as the app has them when it begins.

use std::fmt::Write as _;

use serde_json::json;

use super::{
    dialect::{Dialect, MANIFEST, Paging, manifest},
    family::Family,
    truth::Played,
};
use crate::chance::Chance;

/// What becomes of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Has an account, and keeps it.
    Stays,
    /// Has none, and is granted one when the story turns.
    Joins,
    /// Has one, and leaves when the story turns.
    Leaves,
    /// Left long ago.
    LeftLongAgo,
}

#[derive(Debug, Clone)]
pub(super) struct Human {
    pub email: String,
    pub fate: Fate,
}

#[derive(Debug, Clone)]
pub(super) struct Team {
    pub id: String,
    pub name: &'static str,
    /// It is there from the start.
    pub exists: bool,
    /// Who should be in it.
    pub members: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Cast {
    pub family: Family,
    pub dialect: Dialect,
    pub humans: Vec<Human>,
    pub teams: Vec<Team>,
    options: Vec<&'static str>,
    asks: bool,
    answers: &'static str,
    identity_is_email: bool,
}

/// A manifest's rule for lists whose key is missing.
const LACKS: &str = "answers: [ { lacks: data, means: empty } ]\n";

impl Cast {
    pub(super) fn of(family: Family, dialect: Dialect, chance: &mut Chance) -> Self {
        let crowd = match family.needs_a_crowd() || chance.happens(0.15) {
            true => chance.between(13..28),
            false => chance.between(3..8),
        };
        let human = |n: u64| {
            let fate = match n {
                0 => Fate::Leaves,
                1 => Fate::Joins,
                _ => Fate::Stays,
            };
            Human { email: format!("p{n}@sim.example"), fate }
        };
        let mut humans: Vec<_> = (0..crowd).map(human).collect();
        if family == Family::InactiveMember {
            humans.push(Human { email: "long.gone@sim.example".into(), fate: Fate::LeftLongAgo });
        }
        let mut members = || {
            let wanted = humans.iter().filter(|human| human.fate != Fate::LeftLongAgo && chance.happens(0.5));
            wanted.map(|human| human.email.clone()).collect::<Vec<_>>()
        };
        let mut teams = vec![Team { id: "team-1".into(), name: "Alpha", exists: true, members: members() }];
        teams.push(Team { id: "team-2".into(), name: "Beta", exists: !dialect.makes_groups(), members: members() });
        // Nobody empties a group by leaving it, which would be held for another reason.
        for team in teams.iter_mut().filter(|team| !team.members.contains(&humans[2].email)) {
            team.members.push(humans[2].email.clone());
        }
        let asks = !matches!(dialect, Dialect::Rest(_)) || family.asks_anyway() || chance.happens(0.5);
        let identity_is_email = family == Family::AddressElsewhere && chance.happens(0.6);
        let mut options = Vec::new();
        options.extend(identity_is_email.then_some("identity: email"));
        options.extend((dialect == Dialect::Scim && family == Family::CapAfterMemory).then_some("filter: false"));
        let answers = if family == Family::RowsAreLacking { LACKS } else { "" };
        Self { family, dialect, humans, teams, options, asks, answers, identity_is_email }
    }

    /// The path and the text of the manifest, for those who need one.
    pub(super) fn manifest(&self) -> (String, String) {
        let paging = match self.dialect {
            Dialect::Rest(paging) => paging,
            _ => Paging::Whole,
        };
        (MANIFEST.to_owned(), manifest(paging, self.asks, self.answers))
    }

    /// Whether the files grant this person an account, before or after the story turns.
    pub(super) fn grants(human: &Human, turned: bool) -> bool {
        match human.fate {
            Fate::Stays => true,
            Fate::Joins => turned,
            Fate::Leaves => !turned,
            Fate::LeftLongAgo => false,
        }
    }

    /// Who should be in a team.
    pub(super) fn wanted<'a>(&'a self, team: &'a Team, turned: bool) -> impl Iterator<Item = &'a str> {
        let granted = self.humans.iter().filter(move |human| Self::grants(human, turned));
        granted.map(|human| human.email.as_str()).filter(|email| team.members.iter().any(|member| member == email))
    }

    pub(super) fn files(&self, turned: bool) -> String {
        let mut text = String::from("people:\n");
        for human in &self.humans {
            let left = match human.fate {
                Fate::LeftLongAgo => ", status: left",
                Fate::Leaves if turned => ", status: left",
                _ => "",
            };
            writeln!(text, "  {}: {{ given_name: {}, family_name: Sim{left} }}", human.email, given(&human.email))
                .unwrap();
        }
        text += &self.dialect.head(&self.options);
        if self.family == Family::EmptyText {
            let field = if self.dialect == Dialect::Scim { "title" } else { "phone" };
            writeln!(text, "    defaults: {{ {field}: \"\" }}").unwrap();
        }
        text += "    accounts:\n";
        for human in self.humans.iter().filter(|human| Self::grants(human, turned)) {
            writeln!(text, "      {}:", human.email).unwrap();
        }
        text += "    groups:\n";
        for team in &self.teams {
            writeln!(text, "      {}:", team.name).unwrap();
            if self.dialect == Dialect::Built("autodesk") {
                writeln!(text, "        id: {}", team.id).unwrap();
            }
            let role = match self.dialect.member_role() {
                "" => String::new(),
                role => format!(" {{ role: {role} }}"),
            };
            let members: Vec<_> =
                self.wanted(team, turned).map(|email| format!("          {email}:{role}\n")).collect();
            match members.is_empty() {
                true => text += "        members: {}\n",
                false => write!(text, "        members:\n{}", members.concat()).unwrap(),
            }
        }
        text
    }

    /// Puts into the app what is there when the story begins. Returns whose each account is, by its id.
    pub(super) fn furnish(&self, app: &mut dyn Played, chance: &mut Chance) -> Vec<(String, String)> {
        let mut owners = Vec::new();
        for team in self.teams.iter().filter(|team| team.exists) {
            app.add_group(&team.id, team.name);
        }
        for human in self.humans.iter().filter(|human| human.fate != Fate::Joins) {
            let shown = spelt(&human.email, chance);
            let id = app.add_person(&shown, &given(&human.email), human.fate != Fate::LeftLongAgo);
            if self.family == Family::AddressElsewhere {
                self.move_address(app, &id, &human.email, chance);
            }
            if self.family == Family::EmptyText {
                app.set(&id, if self.dialect == Dialect::Scim { "title" } else { "phone" }, json!("4711"));
            }
            for team in self.teams.iter().filter(|team| team.exists) {
                let member = team.members.contains(&human.email);
                let long_gone = human.fate == Fate::LeftLongAgo;
                let empty = matches!(self.family, Family::RowsAreNull | Family::RowsAreLacking | Family::MemberRefused);
                if long_gone || (!empty && chance.happens(if member { 0.6 } else { 0.15 })) {
                    app.join(&id, &team.id, self.dialect.member_role());
                }
            }
            owners.push((id, human.email.clone()));
        }
        // Nobody in the files, and easily taken for the one who joins.
        for near in ["xp1@sim.example", "p1@sim.example.org"].into_iter().filter(|_| chance.happens(0.5)) {
            app.add_person(near, "Near", true);
        }
        owners
    }

    /// Puts an address where one does not look first.
    fn move_address(&self, app: &mut dyn Played, id: &str, email: &str, chance: &mut Chance) {
        let name = format!("login{}", id.trim_start_matches('u'));
        let emails = match chance.below(3) {
            0 => json!([{"value": "", "primary": true}, {"value": email}]),
            1 => json!([{"value": email, "primary": true}]),
            _ => json!([{"value": format!("{name}@old.example"), "primary": true}, {"value": email}]),
        };
        app.set(id, "emails", emails);
        if self.identity_is_email || chance.happens(0.5) {
            app.set(id, "userName", json!(name));
        }
    }
}

impl Family {
    /// Whether the story makes no sense where nobody can ask.
    fn asks_anyway(self) -> bool {
        self.fits(Dialect::Rest(Paging::Whole)) && !self.fits(Dialect::Built("autodesk"))
    }
}

fn given(email: &str) -> String {
    email.split('@').next().unwrap_or_default().to_uppercase()
}

/// An address as an app may spell it.
fn spelt(email: &str, chance: &mut Chance) -> String {
    let (who, domain) = email.split_once('@').expect("it is an address");
    match chance.below(5) {
        0 => email.to_uppercase(),
        1 => format!("{who}@{}", domain.to_uppercase()),
        2 => format!("{}@{domain}", who.to_uppercase()),
        _ => email.to_owned(),
    }
}
