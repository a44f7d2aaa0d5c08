//! Who is who: people, their aliases, and the addresses that only `accounts` of an app introduce.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    desired::{
        decode::{self, Named},
        nearest,
        report::{Report, Span},
    },
    model::{Email, Person, PersonStatus, Window, mixed_scripts},
};

/// How many unknown addresses get a suggestion: finding one means comparing with everyone.
const SUGGESTED: usize = 10;

/// How many places one unknown address is shown at.
const SHOWN: usize = 3;

/// Letters of two scripts in one address may look like another address.
fn warn_of_scripts(people: &[decode::Person], apps: &[decode::App], report: &mut Report<'_>) {
    let keys = people.iter().map(|person| (&person.model.email, person.span));
    let aliases = people.iter().flat_map(|person| person.model.aliases.iter().zip(person.alias_spans.iter().copied()));
    let accounts = apps.iter().flat_map(|app| &app.accounts).map(|(named, _)| (&named.name, named.span));
    let mut told = BTreeSet::new();
    for (address, span) in keys.chain(aliases).chain(accounts) {
        if let (Some([one, other]), true) = (mixed_scripts(address.as_str()), told.insert(address)) {
            let message = format!("`{address}` has letters of two scripts, {one} and {other}, that may look alike");
            let hint =
                "if it is not meant, type the address anew; whoever has the one that it looks like is somebody else";
            report.warning("mixed-scripts", span, message).hint(hint);
        }
    }
}

/// Reports aliases that an app's own lines name. What those grant to an address, they grant to whoever has it as their key: an
/// alias, which somebody else writes, must not lead it anywhere.
fn refuse_guarded(people: &[decode::Person], apps: &[decode::App], report: &mut Report<'_>) {
    if people.iter().all(|person| person.model.aliases.is_empty()) {
        return;
    }
    let mut named: HashMap<&Email, (Span, String)> = HashMap::new();
    for app in apps {
        let accounts = app.accounts.iter().map(|(account, _)| (account, "accounts".to_owned()));
        let pins = app.ids.iter().map(|(identity, _)| (identity, "ids".to_owned()));
        let own = app.self_account.iter().map(|own| (own, "self".to_owned()));
        let members = app.groups.iter().flat_map(|group| {
            group.members.iter().map(|(member, _)| (member, format!("groups.{}.members", group.name)))
        });
        for (Named { name, span }, key) in accounts.chain(pins).chain(own).chain(members) {
            named.entry(name).or_insert_with(|| (*span, format!("apps.{}.{key}", app.name)));
        }
    }
    for decode::Person { model: person, alias_spans, .. } in people {
        for (alias, &span) in person.aliases.iter().zip(alias_spans) {
            if let Some((place, key)) = named.get(alias) {
                let message = format!("the alias `{alias}` of `{}` is named under `{key}`", person.email);
                let draft = report.error("guarded-alias", span, message).label("the alias").and(*place, "named here");
                draft.hint(format!(
                    "what an app's own lines say of an address follows no alias: write `{}` there, or remove the alias",
                    person.email
                ));
            }
        }
    }
}

/// Everyone the files know.
pub(super) struct Directory {
    pub people: BTreeMap<Email, Person>,
    pub aliases: BTreeMap<Email, Email>,
    pub named: BTreeSet<Email>,
    spans: HashMap<Email, Span>,
    unknown: BTreeMap<Email, Vec<Span>>,
}

impl Directory {
    pub(super) fn new(people: Vec<decode::Person>, apps: &[decode::App], report: &mut Report<'_>) -> Self {
        let mut directory = Self {
            people: BTreeMap::new(),
            aliases: BTreeMap::new(),
            named: people.iter().map(|person| person.model.email.clone()).collect(),
            spans: people.iter().map(|person| (person.model.email.clone(), person.span)).collect(),
            unknown: BTreeMap::new(),
        };
        directory.add_aliases(&people, report);
        refuse_guarded(&people, apps, report);
        warn_of_scripts(&people, apps, report);
        directory.people = people.into_iter().map(|person| (person.model.email.clone(), person.model)).collect();
        for (account, _) in apps.iter().flat_map(|app| &app.accounts) {
            let identity = directory.identity(&account.name);
            directory.spans.entry(identity.clone()).or_insert(account.span);
            directory.named.insert(identity);
        }
        directory
    }

    fn add_aliases(&mut self, people: &[decode::Person], report: &mut Report<'_>) {
        let mut first: HashMap<&Email, Span> = HashMap::new();
        for decode::Person { model: person, alias_spans, .. } in people {
            for (alias, &span) in person.aliases.iter().zip(alias_spans) {
                if let Some(&key) = self.spans.get(alias) {
                    let message = if *alias == person.email {
                        format!("the alias `{alias}` is the person's own address")
                    } else {
                        format!("the alias `{alias}` of `{}` is another person's address", person.email)
                    };
                    let draft = report.error("alias", span, message).label("the alias").and(key, "the address");
                    draft.hint("an address belongs to one person; remove the alias or join the two entries");
                } else if let Some(&other) = first.get(alias) {
                    let draft = report.error("alias", span, format!("the alias `{alias}` is given twice"));
                    let draft = draft.label("given again here").and(other, "first given here");
                    draft.hint("an address belongs to one person");
                } else {
                    first.insert(alias, span);
                    self.aliases.insert(alias.clone(), person.email.clone());
                }
            }
        }
    }

    /// Who an address stands for, as the files first spell it: a person by key or alias, or the address itself.
    pub(super) fn identity(&self, email: &Email) -> Email {
        if let Some(person) = self.aliases.get(email) {
            return person.clone();
        }
        self.people.get_key_value(email).map(|(key, _)| key).or_else(|| self.named.get(email)).unwrap_or(email).clone()
    }

    /// Who a line names. An unknown one is remembered, for one report about all places that name it.
    pub(super) fn find(&mut self, named: &Named<Email>) -> Option<Email> {
        let identity = self.identity(&named.name);
        if self.named.contains(&identity) {
            return Some(identity);
        }
        self.unknown.entry(identity).or_default().push(named.span);
        None
    }

    /// When the person is there at all.
    pub(super) fn window(&self, identity: &Email) -> Window {
        self.people.get(identity).map_or(Window::ALWAYS, |person| person.window)
    }

    /// Whether lines about the person are in force as far as the files say.
    pub(super) fn is_active(&self, identity: &Email) -> bool {
        self.people.get(identity).is_none_or(|person| person.status == PersonStatus::Active)
    }

    /// Whether the person's own entry gives the value.
    pub(super) fn gives(&self, identity: &Email, field: &str) -> bool {
        self.people.get(identity).is_some_and(|person| match field {
            "given_name" => person.given_name.is_some(),
            "family_name" => person.family_name.is_some(),
            _ => false,
        })
    }

    /// Where the identity is introduced.
    pub(super) fn span(&self, identity: &Email) -> Option<Span> {
        self.spans.get(identity).copied()
    }

    /// Reports everyone who is named somewhere and introduced nowhere.
    pub(super) fn report_unknown(&mut self, report: &mut Report<'_>) {
        if !report.all_read() {
            return;
        }
        for (i, (email, mut spans)) in std::mem::take(&mut self.unknown).into_iter().enumerate() {
            spans.sort_unstable();
            let known = self.named.iter().chain(self.aliases.keys()).map(Email::as_str);
            let near = if i < SUGGESTED { nearest::nearest_email(email.as_str(), known) } else { None };
            let hint = near.map_or_else(
                || "add them under `people`, or, if this is a service, under the app's `accounts`".to_owned(),
                |near| format!("did you mean `{near}`? Otherwise add them under `people`"),
            );
            let tail = match spans.len().saturating_sub(SHOWN) {
                0 => String::new(),
                more => format!(", and {more} more places name them"),
            };
            let message =
                format!("`{email}` is named here, and is neither under `people` nor under an app's `accounts`{tail}");
            let draft = report.error("unknown-person", None, message);
            spans.into_iter().take(SHOWN).fold(draft, |draft, span| draft.and(span, "")).hint(hint);
        }
    }
}
