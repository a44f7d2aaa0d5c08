//! Who is in which team: named there, matched by attributes, or in a team that it includes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use crate::{
    desired::{
        decode::{Grant, Said, Team},
        nearest,
        report::{Report, Span},
    },
    model::{DesiredTeam, Email, FieldValue, Gift, Window},
};

use super::identity::Directory;

/// One way of being in a team.
#[derive(Debug)]
pub(super) struct Membership {
    pub person: Email,
    /// When the line holds; the person's own window is not in it.
    pub window: Window,
    /// The member line or the `match` line.
    pub span: Span,
    pub reason: Option<Arc<str>>,
}

/// All teams with their members.
pub(super) struct Teams<'w> {
    teams: &'w [Team],
    own: Vec<Vec<Membership>>,
    index: HashMap<&'w str, usize>,
}

impl<'w> Teams<'w> {
    pub(super) fn new(teams: &'w [Team], directory: &mut Directory, report: &mut Report<'_>) -> Self {
        let index: HashMap<&str, usize> = teams.iter().enumerate().map(|(i, team)| (&*team.name, i)).collect();
        for include in teams.iter().flat_map(|team| &team.includes) {
            if !index.contains_key(&*include.name) && report.all_read() {
                let hint = nearest::hint(&include.name, index.keys().copied(), "teams");
                report.error("unknown-team", include.span, format!("there is no team `{}`", include.name)).hint(hint);
            }
        }
        let matcher = Matcher::new(teams, directory);
        let own = teams.iter().map(|team| {
            let named = team.members.iter().filter_map(|(named, member)| {
                let person = directory.find(named)?;
                Some(Membership { person, window: member.window, span: named.span, reason: member.reason.clone() })
            });
            let mut own: Vec<Membership> = named.collect();
            own.extend(matcher.find(team, report));
            own
        });
        let own = own.collect();
        let teams = Self { teams, own, index };
        teams.report_cycles(report);
        teams.report_idle(report);
        teams
    }

    /// Grants in one app, each with its team's number.
    pub(super) fn grants<'a>(&'a self, app: &'a str) -> impl Iterator<Item = (usize, &'w Grant)> + 'a {
        self.teams.iter().enumerate().flat_map(move |(i, team)| {
            team.grants.iter().filter(move |grant| &*grant.app.name == app).map(move |grant| (i, grant))
        })
    }

    /// Everyone in a team, those of included teams too, each with the lines that lead there. A team that is
    /// reached in several ways counts by the shortest: the lines in between carry no window, so nothing is lost.
    pub(super) fn members(&self, team: usize) -> Vec<(&Membership, Vec<Span>)> {
        let mut seen = BTreeSet::from([team]);
        let mut queue = VecDeque::from([(team, Vec::new())]);
        let mut members = Vec::new();
        while let Some((team, chain)) = queue.pop_front() {
            members.extend(self.own[team].iter().map(|own| (own, [&[own.span], &chain[..]].concat())));
            for include in &self.teams[team].includes {
                if let Some(&next) = self.index.get(&*include.name)
                    && seen.insert(next)
                {
                    let chain = chain.iter().copied().chain([include.span]).collect();
                    queue.push_back((next, chain));
                }
            }
        }
        members
    }

    /// The teams as the plan knows them: whom they take in by rule, and what being in them gives.
    pub(super) fn resolved(&self, report: &Report<'_>) -> BTreeMap<Arc<str>, DesiredTeam> {
        let mut gives: Vec<BTreeSet<Gift>> = vec![BTreeSet::new(); self.teams.len()];
        for (number, team) in self.teams.iter().enumerate().filter(|(_, team)| !team.grants.is_empty()) {
            let gifts: BTreeSet<Gift> = team.grants.iter().flat_map(gifts).collect();
            self.within(number).into_iter().for_each(|inner| gives[inner].extend(gifts.iter().cloned()));
        }
        let resolved = self.teams.iter().zip(gives).map(|(team, gives)| {
            let includes = team.includes.iter().map(|named| (named.name.clone(), report.place(named.span)));
            let team_now = DesiredTeam {
                matches: team.matches.iter().cloned().collect(),
                match_place: team.match_span.map(|span| report.place(span)),
                includes: includes.collect(),
                gives: gives.into_iter().collect(),
                place: report.place(team.span),
            };
            (team.name.clone(), team_now)
        });
        resolved.collect()
    }

    /// A team, and all that it includes.
    fn within(&self, team: usize) -> BTreeSet<usize> {
        let (mut seen, mut open) = (BTreeSet::from([team]), vec![team]);
        while let Some(team) = open.pop() {
            let includes = self.teams[team].includes.iter().filter_map(|include| self.index.get(&*include.name));
            open.extend(includes.copied().filter(|next| seen.insert(*next)));
        }
        seen
    }

    /// A team that gives nobody anything is likely unfinished.
    fn report_idle(&self, report: &mut Report<'_>) {
        let included: BTreeSet<&str> =
            self.teams.iter().flat_map(|team| &team.includes).map(|include| &*include.name).collect();
        for team in self.teams.iter().filter(|team| team.grants.is_empty() && !included.contains(&*team.name)) {
            let message = format!("team `{}` grants nothing, and no team includes it", team.name);
            report.warning("idle-team", team.span, message).hint("give it `grants`, or remove it");
        }
    }

    /// Every circle of `includes`, once.
    fn report_cycles(&self, report: &mut Report<'_>) {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            Open,
            Done,
        }
        let mut marks = vec![Mark::New; self.teams.len()];
        for start in 0..self.teams.len() {
            if marks[start] != Mark::New {
                continue;
            }
            // A path of teams, each with the number of its next include to look at. Not recursive, as a chain of
            // includes can be as long as there are teams.
            let mut path = vec![(start, 0)];
            marks[start] = Mark::Open;
            while let Some(&mut (team, ref mut next)) = path.last_mut() {
                let Some(include) = self.teams[team].includes.get(*next) else {
                    marks[team] = Mark::Done;
                    path.pop();
                    continue;
                };
                *next += 1;
                let Some(&target) = self.index.get(&*include.name) else { continue };
                match marks[target] {
                    Mark::Done => {}
                    Mark::New => {
                        marks[target] = Mark::Open;
                        path.push((target, 0));
                    }
                    Mark::Open => {
                        let from = path.iter().position(|&(team, _)| team == target).unwrap_or_default();
                        self.report_cycle(&path[from..], report);
                    }
                }
            }
        }
    }

    fn report_cycle(&self, path: &[(usize, usize)], report: &mut Report<'_>) {
        let names: Vec<&str> = path.iter().map(|&(team, _)| &*self.teams[team].name).collect();
        let first = names.first().copied().unwrap_or_default();
        let message = if names.len() == 1 {
            format!("team `{first}` includes itself")
        } else {
            format!("teams include each other in a circle: {} → {first}", names.join(" → "))
        };
        let draft = path.iter().fold(report.error("include-cycle", None, message), |draft, &(team, next)| {
            let team = &self.teams[team];
            let include = &team.includes[next - 1];
            draft.and(include.span, format!("`{}` includes `{}`", team.name, include.name))
        });
        draft.hint("remove one of these lines");
    }
}

/// What a grant gives: the account, and membership in each group.
fn gifts(grant: &Grant) -> Vec<Gift> {
    let roles = |said: &Said| {
        let named = ["role", "roles"].into_iter().filter_map(|key| said.get(key));
        named.flat_map(|(value, _)| value.texts().cloned()).collect()
    };
    let app = &grant.app.name;
    let account = Gift { app: app.clone(), group: None, roles: roles(&grant.account.said) };
    let groups = grant.groups.iter().map(|(group, member)| Gift {
        app: app.clone(),
        group: Some(group.name.clone()),
        roles: roles(&member.said),
    });
    std::iter::once(account).chain(groups).collect()
}

/// Finds people by their attributes.
struct Matcher {
    /// By attribute and value: numbers into `people`.
    index: HashMap<Arc<str>, HashMap<String, Vec<usize>>>,
    people: Vec<Email>,
}

impl Matcher {
    fn new(teams: &[Team], directory: &Directory) -> Self {
        let mut index: HashMap<Arc<str>, HashMap<String, Vec<usize>>> = HashMap::new();
        for (key, _) in teams.iter().flat_map(|team| &team.matches) {
            index.entry(key.clone()).or_default();
        }
        for (number, person) in directory.people.values().enumerate() {
            for (key, value) in &person.attributes {
                let Some(values) = index.get_mut(key) else { continue };
                for text in texts(value) {
                    values.entry(text).or_default().push(number);
                }
            }
        }
        Self { index, people: directory.people.keys().cloned().collect() }
    }

    /// Everyone whom the team's `match` fits.
    fn find(&self, team: &Team, report: &mut Report<'_>) -> Vec<Membership> {
        let Some(span) = team.match_span else { return Vec::new() };
        let having = team.matches.iter().map(|(key, wanted)| {
            let values = self.index.get(key);
            let having = texts(wanted).into_iter().filter_map(|text| values?.get(&text)).flatten();
            having.copied().collect::<BTreeSet<usize>>()
        });
        let found = having.reduce(|found, having| &found & &having).unwrap_or_default();
        if found.is_empty() && report.all_read() {
            let keys: Vec<String> = team.matches.iter().map(|(key, _)| format!("`{key}`")).collect();
            let draft = report.warning("match-nobody", span, format!("`match` of team `{}` fits nobody", team.name));
            draft.hint(format!("compare with the `attributes` of people: {}; values compare exactly", keys.join(", ")));
        }
        let membership = |number: usize| {
            let person = self.people[number].clone();
            Membership { person, window: Window::ALWAYS, span, reason: None }
        };
        found.into_iter().map(membership).collect()
    }
}

fn texts(value: &FieldValue) -> Vec<String> {
    match value {
        FieldValue::Set(set) => set.iter().map(ToString::to_string).collect(),
        other => vec![other.to_string()],
    }
}
