//! What each connector can do, cannot do, and hands to a person: read off what it declares, so that it is never out of date.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{
    Style,
    canvas::{Canvas, Line, Paint},
    json,
};
use crate::model::{
    AccountStatus, Find, MemberChange, MemberRead, OptionSpec, QuotaScope, RoleRule, ScopeCovers, Semantics, Verb,
};

/// One connector, as its catalogue knows it.
#[derive(Debug, Clone)]
pub struct Capable {
    /// Its name.
    pub name: String,
    /// What it declares.
    pub semantics: Arc<Semantics>,
    /// The options that it knows.
    pub options: Vec<OptionSpec>,
    /// The secrets that `auth` may hold.
    pub secrets: Vec<String>,
}

/// How far an ability goes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Extent {
    /// The API can, in these words.
    Can(String),
    /// A person must.
    ByHand,
    /// There is no such thing.
    Nothing,
}

/// An ability and how far it goes.
type Ability = (&'static str, Extent);

fn can(words: impl Into<String>) -> Extent {
    Extent::Can(words.into())
}

fn yes_if(able: bool) -> Extent {
    if able { can("yes") } else { Extent::ByHand }
}

/// Everything that can be said of an API, in the order of an account's life.
fn abilities(semantics: &Semantics) -> Vec<Ability> {
    let members = &semantics.members;
    let find = match semantics.find {
        Find::Query { .. } => "by query",
        Find::Sweep => "by reading the list",
    };
    let read = match members.read {
        MemberRead::PerGroup => "by group",
        MemberRead::PerAccount => "by account",
        MemberRead::Nowhere => "no: believed",
    };
    vec![
        ("Find an account", can(find)),
        ("Create an account", create(semantics)),
        ("Change an account", if semantics.update { can(main_fields(semantics)) } else { Extent::ByHand }),
        ("Change an address", yes_if(semantics.readdresses())),
        ("Role of an account", semantics.role.as_ref().map_or(Extent::Nothing, |role| can(roles(role)))),
        ("Withdraw an invitation", invitations(semantics)),
        ("Deactivate an account", deactivate(semantics)),
        ("Reactivate an account", yes_if(semantics.reactivate)),
        ("Delete an account", delete(semantics)),
        ("List groups", if semantics.groups.list { can("yes") } else { can("no: pin their ids") }),
        ("Create a group", yes_if(semantics.groups.create)),
        ("Change a group", group_fields(semantics)),
        ("Delete a group", yes_if(semantics.groups.delete)),
        ("Read members", can(read)),
        ("Add a member", add(semantics)),
        ("Change a membership", change(semantics)),
        ("Remove a member", if members.remove { can(together("yes", members.remove_at_once)) } else { Extent::ByHand }),
        ("Quota", quota(semantics)),
    ]
}

/// Fields that can be changed once the account is there.
fn changeable(semantics: &Semantics) -> impl Iterator<Item = &Arc<str>> {
    semantics.fields.difference(&semantics.fixed)
}

/// The fields that matter most, and how many more there are: a table has no room for all.
fn main_fields(semantics: &Semantics) -> String {
    let main = ["role", "roles", "given_name", "family_name"];
    let shown: Vec<_> = changeable(semantics).filter(|field| main.contains(&&***field)).collect();
    let more = changeable(semantics).count() - shown.len();
    match (shown.is_empty(), more) {
        (false, 0) => list(shown),
        (true, more) => format!("{more} fields"),
        (false, more) => format!("{} and {more} more", list(shown)),
    }
}

fn create(semantics: &Semantics) -> Extent {
    let joining = semantics.members.creates_account.then(|| format!("by joining a {}", semantics.group_noun));
    let made = semantics.create.as_ref().map(|rule| match rule.becomes {
        AccountStatus::Pending => "by invitation".to_owned(),
        _ => "yes".to_owned(),
    });
    let ways: Vec<String> = made.into_iter().chain(joining).collect();
    let required = semantics.create.as_ref().map(|rule| &rule.require).filter(|require| !require.is_empty());
    match (ways.is_empty(), required) {
        (true, _) => Extent::ByHand,
        (false, None) => can(ways.join(", or ")),
        (false, Some(require)) => can(format!("{}; needs {}", ways.join(", or "), list(require))),
    }
}

fn list<'a>(names: impl IntoIterator<Item = &'a Arc<str>>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn roles(role: &RoleRule) -> String {
    let which = match (role.ranked.is_empty(), role.values.is_empty()) {
        (false, _) => role.ranked.iter().map(|role| format!("`{role}`")).collect::<Vec<_>>().join(" < "),
        (true, false) => list(&role.values),
        (true, true) => "by name".to_owned(),
    };
    format!("{} {which}", if role.many { "several:" } else { "one:" })
}

fn invitations(semantics: &Semantics) -> Extent {
    let invites = semantics.create.as_ref().is_some_and(|rule| rule.becomes == AccountStatus::Pending);
    match (semantics.cancel_pending, invites) {
        (Some(verb), _) => can(format!("by {verb}")),
        (None, true) => Extent::ByHand,
        (None, false) => Extent::Nothing,
    }
}

fn deactivate(semantics: &Semantics) -> Extent {
    let Some(rule) = &semantics.deactivate else { return Extent::ByHand };
    let mut words = vec!["yes"];
    if rule.irreversible {
        words.push("cannot be undone");
    }
    if rule.strips_members {
        words.push("memberships go too");
    }
    if semantics.inactive_keeps_seat {
        words.push("the seat stays taken");
    }
    can(words.join("; "))
}

fn delete(semantics: &Semantics) -> Extent {
    match &semantics.delete {
        None => Extent::ByHand,
        Some(rule) if rule.irreversible => can("where the policy says so; cannot be undone"),
        Some(_) => can("where the policy says so"),
    }
}

fn group_fields(semantics: &Semantics) -> Extent {
    match (semantics.groups.fields.is_empty(), semantics.groups.update) {
        (true, _) => Extent::Nothing,
        (false, true) => can(list(&semantics.groups.fields)),
        (false, false) => Extent::ByHand,
    }
}

fn together(word: &str, at_once: u32) -> String {
    if at_once > 1 { format!("{word}, {at_once} at once") } else { word.to_owned() }
}

fn add(semantics: &Semantics) -> Extent {
    let members = &semantics.members;
    if !members.add {
        return Extent::ByHand;
    }
    let pending = semantics.create.as_ref().is_some_and(|rule| rule.becomes == AccountStatus::Pending);
    let word = if pending && !members.when.contains(&AccountStatus::Pending) { "once accepted" } else { "yes" };
    can(together(word, members.add_at_once))
}

fn change(semantics: &Semantics) -> Extent {
    let fields = &semantics.members.fields;
    match semantics.members.change {
        _ if fields.is_empty() => Extent::Nothing,
        MemberChange::Manual => Extent::ByHand,
        MemberChange::InPlace | MemberChange::Again => can(list(fields)),
    }
}

fn quota(semantics: &Semantics) -> Extent {
    let limits = &semantics.limits;
    let scope = |scope: &QuotaScope| {
        let what = match scope.covers {
            ScopeCovers::All => "",
            ScopeCovers::Reads => " reads",
            ScopeCovers::Writes => " writes",
        };
        format!("{}/{}{what}", scope.requests, unit(scope.per))
    };
    let mut words: Vec<String> = limits.scopes.iter().map(scope).collect();
    words.extend(limits.concurrency.map(|count| format!("{count} at a time")));
    if words.is_empty() { Extent::Nothing } else { can(words.join(", ")) }
}

fn unit(per: Duration) -> String {
    match per.as_secs() {
        1 => "s".into(),
        60 => "min".into(),
        3600 => "h".into(),
        86400 => "d".into(),
        seconds => format!("{seconds} s"),
    }
}

impl Extent {
    fn cell(&self) -> &str {
        match self {
            Self::Can(words) => words,
            Self::ByHand => "**by hand**",
            Self::Nothing => "–",
        }
    }
}

/// The table of all connectors as Markdown, and under it what is handed to a person, and how.
pub fn markdown(all: &[Capable]) -> String {
    let columns: Vec<Vec<Ability>> = all.iter().map(|one| abilities(&one.semantics)).collect();
    let names: String = all.iter().map(|one| format!(" {} |", one.name)).collect();
    let mut text = format!("| |{names}\n|---|{}\n", "---|".repeat(all.len()));
    let rows = columns.first().map_or(0, Vec::len);
    for row in 0..rows {
        let cells: String = columns.iter().map(|column| format!(" {} |", column[row].1.cell())).collect();
        text += &format!("| {} |{cells}\n", columns[0][row].0);
    }
    text += "\n<details><summary>What is done by hand, and how</summary>\n\n";
    for one in all {
        for hand in by_hand(&one.semantics) {
            let only = if hand.partly { ", where the API cannot" } else { "" };
            text += &format!("- {}, {}{only}: {}\n", one.name, hand.phrase, hand.todo);
        }
    }
    text += "\n</details>\n";
    text
}

/// Something that the API leaves to a person.
struct ByHand {
    /// In a word: `remove-member`.
    word: &'static str,
    /// As a sentence has it: `remove a member`.
    phrase: &'static str,
    /// The API can in general, and in some case cannot.
    partly: bool,
    /// What to do, and where.
    todo: String,
}

/// What the API leaves to a person, with the declared words for it.
fn by_hand(semantics: &Semantics) -> Vec<ByHand> {
    let withdraws = invitations(semantics) != Extent::ByHand;
    let lacks = |verb| semantics.lacks(verb) || verb == Verb::Deactivate && !withdraws;
    Verb::ALL
        .iter()
        .copied()
        .filter(|verb| lacks(*verb) || semantics.manual.contains_key(verb))
        .map(|verb| {
            let todo = semantics.manual_text(verb);
            // Where the API deactivates, what is left to a person is an account that nobody has accepted yet.
            match (verb, &semantics.deactivate) {
                (Verb::Deactivate, Some(_)) if lacks(verb) => {
                    ByHand { word: "withdraw", phrase: "withdraw an invitation", partly: false, todo }
                }
                _ => ByHand { word: verb.as_str(), phrase: verb.phrase(), partly: !lacks(verb), todo },
            }
        })
        .collect()
}

/// Every connector in one line, for people.
pub fn list_text(all: &[Capable], style: &Style) -> String {
    let mut canvas = Canvas::new(style);
    let column = 2 + all.iter().map(|one| one.name.len()).max().unwrap_or(0);
    for one in all {
        let hand: Vec<&str> =
            by_hand(&one.semantics).iter().filter(|hand| !hand.partly).map(|hand| hand.word).collect();
        let rest = if hand.is_empty() { String::new() } else { format!("; by hand: {}", hand.join(", ")) };
        let head = Line::new().whole(Paint::Strong, &one.name).pad_to(column);
        let nouns = format!("{}s and {}s", one.semantics.account_noun, one.semantics.group_noun);
        canvas.hanging(&head, &Line::new().plain(nouns).text(Paint::Dim, rest));
    }
    canvas.finish()
}

/// One connector with all there is to say about it, for people.
pub fn show_text(one: &Capable, style: &Style) -> String {
    let mut canvas = Canvas::new(style);
    let abilities = abilities(&one.semantics);
    let column = 2 + abilities.iter().map(|(what, _)| what.len()).max().unwrap_or(0) + 2;
    canvas.rule(Line::new().whole(Paint::Strong, &one.name));
    for (what, extent) in &abilities {
        let head = Line::new().pad_to(2).plain(what).pad_to(column);
        let words = match extent {
            Extent::Can(words) => Line::new().prose(Paint::Plain, words),
            Extent::ByHand => Line::new().text(Paint::Notice, "by hand"),
            Extent::Nothing => Line::new().text(Paint::Dim, "–"),
        };
        canvas.hanging(&head, &words);
    }
    let hand = by_hand(&one.semantics);
    if !hand.is_empty() {
        canvas.heading("By hand");
        for hand in hand {
            let head = Line::new().pad_to(2).text(Paint::Notice, hand.word).pad_to(column);
            let only = if hand.partly { "where the API cannot; " } else { "" };
            canvas.hanging(&head, &Line::new().text(Paint::Dim, only).prose(Paint::Plain, &hand.todo));
        }
    }
    if !one.secrets.is_empty() {
        canvas.gap();
        let keys: Vec<String> = one.secrets.iter().map(|key| format!("`{key}`")).collect();
        let head = Line::new().text(Paint::Strong, "Auth").pad_to(column);
        canvas.hanging(&head, &Line::new().prose(Paint::Plain, &keys.join(", ")));
    }
    if !one.options.is_empty() {
        canvas.heading("Options");
        for option in &one.options {
            let head = Line::new().pad_to(2).whole(Paint::Code, &option.name).pad_to(column);
            let needed = if option.required { "required; " } else { "" };
            canvas.hanging(&head, &Line::new().text(Paint::Notice, needed).prose(Paint::Plain, &option.help));
        }
    }
    canvas.finish()
}

/// The same for programs.
pub fn to_json(all: &[Capable]) -> String {
    let ability = |(what, extent): Ability| {
        let words = if let Extent::Can(words) = &extent { Some(words) } else { None };
        json!({ "what": what, "extent": words, "by_hand": extent == Extent::ByHand })
    };
    let hand = |hand: ByHand| json!({ "word": hand.word, "partly": hand.partly, "todo": hand.todo });
    let option = |one: &OptionSpec| json!({ "name": one.name, "required": one.required, "help": one.help });
    let wire = |one: &Capable| {
        json!({
            "name": one.name,
            "account": one.semantics.account_noun,
            "group": one.semantics.group_noun,
            "abilities": abilities(&one.semantics).into_iter().map(ability).collect::<Value>(),
            "by_hand": by_hand(&one.semantics).into_iter().map(hand).collect::<Value>(),
            "auth": one.secrets,
            "options": one.options.iter().map(option).collect::<Value>(),
        })
    };
    json::print(&all.iter().map(wire).collect::<Value>())
}
