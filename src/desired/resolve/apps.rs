//! One app: every line that grants something in it, as claims.

use std::{collections::BTreeMap, rc::Rc, sync::Arc};

use crate::{
    desired::{
        decode::{App, Grant, Member, Named},
        nearest,
        report::{Draft, Report, Span},
    },
    model::{
        CatalogueError, Claim, ConnectorCatalogue, DesiredAccount, DesiredApp, Email, Mode, Place, Policy, Semantics,
        Window,
    },
};

use super::{
    Claimed, Line, bounds,
    conflicts::Conflicts,
    groups,
    identity::Directory,
    missing::{self, Granted, Managed},
    teams::{Membership, Teams},
    values::Rules,
};

/// Resolves one app; `None` when its connector or address is missing, which was reported.
pub(super) fn resolve(
    app: &App,
    policy: &Policy,
    teams: &Teams<'_>,
    directory: &mut Directory,
    catalogue: &dyn ConnectorCatalogue,
    names: &mut missing::Names,
    report: &mut Report<'_>,
) -> Option<DesiredApp> {
    let semantics = semantics(app, catalogue, report)?;
    let mut builder = Builder {
        app,
        semantics: &semantics,
        accounts: BTreeMap::new(),
        groups: BTreeMap::new(),
        managed: Managed::new(),
        member_managed: Managed::new(),
    };
    builder.own_lines(directory, report);
    for (team, grant) in teams.grants(&app.name) {
        builder.grant(grant, &teams.members(team), directory, report);
    }
    let defaults = Rules::accounts(&semantics).line(&app.defaults, app.span, report);
    missing::manage(&mut builder.managed, &defaults.spans);
    builder.bounds(report);
    builder.conflicts(report);
    builder.missing(&defaults, directory, names, report);

    let mut ids = BTreeMap::new();
    for (email, id) in &app.ids {
        if let Some(identity) = directory.find(email) {
            ids.insert(identity, (id.name.clone(), report.place(id.span)));
        }
    }
    let policy = app.policy.over(policy, report);
    let managed = builder.managed.into_keys().collect();
    let member_managed = builder.member_managed.into_keys().collect();
    let members = builder.groups.into_iter().map(|(name, members)| {
        (name, members.into_iter().map(|(person, claims)| (person, finished(claims))).collect())
    });
    let groups = groups::resolve(app, &policy, &semantics, members.collect(), &member_managed, report);
    let accounts =
        builder.accounts.into_iter().map(|(person, claims)| (person, DesiredAccount { claims: finished(claims) }));
    Some(DesiredApp {
        name: app.name.clone(),
        connector: app.connector.as_ref()?.name.clone(),
        url: app.url.clone()?,
        auth: app.auth.clone(),
        options: app.options.clone(),
        budget: app.budget.clone(),
        mode: app.mode,
        seats: app.seats,
        self_account: app.self_account.as_ref().map(|email| directory.identity(email)),
        policy,
        defaults: defaults.values.clone(),
        managed,
        accounts: accounts.collect(),
        groups,
        ids,
        place: report.place(app.span),
        semantics: Arc::clone(&semantics),
    })
}

/// What the app's connector declares.
fn semantics(app: &App, catalogue: &dyn ConnectorCatalogue, report: &mut Report<'_>) -> Option<Arc<Semantics>> {
    let connector = app.connector.as_ref()?;
    match catalogue.semantics(&connector.name, &app.options) {
        Ok(semantics) => Some(semantics),
        Err(error) => {
            report_refusal(app, connector, catalogue, error, report);
            None
        }
    }
}

/// Says why the catalogue has nothing for the app, each thing at its own line.
fn report_refusal(
    app: &App,
    connector: &Named<Arc<str>>,
    catalogue: &dyn ConnectorCatalogue,
    error: CatalogueError,
    report: &mut Report<'_>,
) {
    match error {
        CatalogueError::Several(all) => {
            all.into_iter().for_each(|error| report_refusal(app, connector, catalogue, error, report));
        }
        CatalogueError::Option { key, message, hint } => {
            let span = app.option_spans.get(key.as_str()).copied().or(app.options_span).unwrap_or(connector.span);
            report.push(Draft::error("option", message).at(span, "").maybe_hint(hint));
        }
        CatalogueError::Connector(message) => {
            let names = catalogue.names();
            let is_path = connector.name.contains(['/', '.']);
            // The catalogue may have advice of its own behind its sentence; the hint says it where hints stand.
            let known_name = format!("there is no connector `{}`", connector.name);
            let message = if message.starts_with(&known_name) { known_name } else { message };
            let draft = Draft::error("connector", message).at(connector.span, "");
            let hint = nearest::hint(&connector.name, names.iter().map(String::as_str), "connectors");
            report.push(if is_path { draft } else { draft.hint(hint) });
        }
    }
}

/// The claims in a fixed order, without repetitions.
fn finished(claims: Vec<Claimed>) -> Vec<Claim> {
    let mut claims: Vec<Claim> = claims.into_iter().map(|claimed| claimed.claim).collect();
    claims.sort_by(|a, b| {
        (&a.because, a.window, &a.values, &a.reason).cmp(&(&b.because, b.window, &b.values, &b.reason))
    });
    claims.dedup();
    claims
}

struct Builder<'a> {
    app: &'a App,
    semantics: &'a Semantics,
    accounts: BTreeMap<Email, Vec<Claimed>>,
    groups: BTreeMap<Arc<str>, BTreeMap<Email, Vec<Claimed>>>,
    managed: Managed,
    member_managed: Managed,
}

impl Builder<'_> {
    /// The lines of `accounts` and `groups`.
    fn own_lines(&mut self, directory: &mut Directory, report: &mut Report<'_>) {
        for (named, member) in &self.app.accounts {
            let line = Rules::accounts(self.semantics).line(&member.said, named.span, report);
            missing::manage(&mut self.managed, &line.spans);
            if let Some(person) = directory.find(named) {
                let claimed = own(&line, member, directory.window(&person), report);
                self.accounts.entry(person).or_default().push(claimed);
            }
        }
        for group in &self.app.groups {
            let members = self.groups.entry(group.name.clone()).or_default();
            for (named, member) in &group.members {
                let line = Rules::members(self.semantics).line(&member.said, named.span, report);
                missing::manage(&mut self.member_managed, &line.spans);
                if let Some(person) = directory.find(named) {
                    let claimed = own(&line, member, directory.window(&person), report);
                    members.entry(person).or_default().push(claimed);
                }
            }
        }
    }

    /// One team's grant, for each of its members.
    fn grant(
        &mut self,
        grant: &Grant,
        team: &[(&Membership, Vec<Span>)],
        directory: &Directory,
        report: &mut Report<'_>,
    ) {
        let line = Rules::accounts(self.semantics).line(&grant.account.said, grant.app.span, report);
        missing::manage(&mut self.managed, &line.spans);
        bounds::check(grant, &line, self.app, report);
        for (membership, chain) in team {
            let person = directory.window(&membership.person);
            let claimed = granted(&line, &grant.account, membership, chain, person, report);
            self.accounts.entry(membership.person.clone()).or_default().push(claimed);
        }
        for (named, member) in &grant.groups {
            let line = Rules::members(self.semantics).line(&member.said, named.span, report);
            missing::manage(&mut self.member_managed, &line.spans);
            let Some(members) = self.groups.get_mut(&named.name) else { continue };
            for (membership, chain) in team {
                let person = directory.window(&membership.person).intersect(grant.account.window);
                let mut claimed = granted(&line, member, membership, chain, person, report);
                claimed.claim.reason = claimed.claim.reason.or_else(|| grant.account.reason.clone());
                members.entry(membership.person.clone()).or_default().push(claimed);
            }
        }
    }

    /// The names in `grantable` itself.
    fn bounds(&self, report: &mut Report<'_>) {
        let rules = Rules::accounts(self.semantics);
        for role in self.app.grantable_roles.iter().flat_map(|(roles, _)| roles) {
            if let Some(rule) = rules.role() {
                rules.check_role(rule, &role.name, role.span, report);
            }
        }
        for group in self.app.grantable_groups.iter().flat_map(|(groups, _)| groups) {
            if !self.groups.contains_key(&group.name) {
                bounds::unknown_group(self.app, group, report);
            }
        }
    }

    fn conflicts(&self, report: &mut Report<'_>) {
        let mut conflicts = Conflicts::new(&self.app.name);
        for (person, claims) in &self.accounts {
            conflicts.look(person, None, claims, self.semantics.role.as_ref());
        }
        for (group, members) in &self.groups {
            for (person, claims) in members {
                conflicts.look(person, Some(group), claims, self.semantics.members.role.as_ref());
            }
        }
        conflicts.report(report);
    }

    fn missing(&self, defaults: &Line, directory: &Directory, names: &mut missing::Names, report: &mut Report<'_>) {
        if !report.all_read() {
            return;
        }
        // Everyone with an account: granted one, or in a group.
        let mut everyone: Vec<(&Email, &[Claimed])> =
            self.accounts.iter().map(|(person, claims)| (person, claims.as_slice())).collect();
        let mut only_members: BTreeMap<&Email, &[Claimed]> = BTreeMap::new();
        for (person, claims) in self.groups.values().flatten() {
            if !self.accounts.contains_key(person) {
                only_members.entry(person).or_insert(claims);
            }
        }
        everyone.extend(only_members);
        // A line of a group says nothing of the account, whatever its fields are called.
        let own = |person: &Email, field: &str| {
            self.accounts.get(person).is_some_and(|claims| missing::is_set(claims, field))
        };
        missing::check_managed(
            &self.app.name,
            &self.managed,
            everyone.iter().map(|&(person, claims)| Granted { person, group: None, claims }),
            |person, field| defaults.values.contains_key(field) || missing::person_has(directory, person, field),
            |granted, field| own(granted.person, field),
            directory,
            report,
        );
        let members = self.groups.iter().flat_map(|(group, members)| {
            members.iter().map(move |(person, claims)| Granted { person, group: Some(&**group), claims })
        });
        missing::check_managed(
            &self.app.name,
            &self.member_managed,
            members,
            |_, _| false,
            |granted, field| missing::is_set(granted.claims, field),
            directory,
            report,
        );
        if let (Some(create), true) = (&self.semantics.create, self.app.mode != Mode::Observe) {
            let accounts =
                everyone.iter().map(|&(person, _)| (person, self.accounts.get(person).map_or(&[][..], Vec::as_slice)));
            let app = missing::Creating {
                name: &self.app.name,
                span: self.app.span,
                require: &create.require,
                defaults: &defaults.values,
                managed: &self.managed,
            };
            names.look(&app, accounts, directory, report);
        }
    }
}

/// A claim by a line that names the person itself.
fn own(line: &Rc<Line>, member: &Member, person: Window, report: &Report<'_>) -> Claimed {
    let claim = Claim {
        window: person.intersect(member.window),
        values: line.values.clone(),
        because: vec![report.place(line.span)],
        reason: member.reason.clone(),
    };
    Claimed { claim, line: Rc::clone(line) }
}

/// A claim by a team's grant. `person` is the window of what lies outside team and line.
fn granted(
    line: &Rc<Line>,
    member: &Member,
    membership: &Membership,
    chain: &[Span],
    person: Window,
    report: &Report<'_>,
) -> Claimed {
    let spans = [line.span, membership.span].into_iter().chain(chain.iter().copied());
    let mut because: Vec<Place> = spans.map(|span| report.place(span)).collect();
    because.sort();
    // Reports name lines; two places on one line are one reason.
    because.dedup_by(|a, b| a.file == b.file && a.line == b.line);
    let claim = Claim {
        window: person.intersect(membership.window).intersect(member.window),
        values: line.values.clone(),
        because,
        reason: membership.reason.clone().or_else(|| member.reason.clone()),
    };
    Claimed { claim, line: Rc::clone(line) }
}
