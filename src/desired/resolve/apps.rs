//! One app: every line that grants something in it, as claims.

use std::{collections::BTreeMap, rc::Rc, sync::Arc};

use crate::{
    desired::{
        decode::{App, Grant, Member, Named},
        nearest,
        report::{Report, Span},
    },
    model::{
        CatalogueError, Claim, ConnectorCatalogue, DesiredAccount, DesiredApp, Email, Mode, Place, Semantics, Window,
    },
};

use super::{
    Claimed, Line,
    conflicts::Conflicts,
    grantable::{self, Granting},
    groups,
    identity::Directory,
    missing::{self, Granted, Lacking, Managed},
    teams::{Membership, Teams},
    values::Rules,
};

/// Resolves one app; `None` when its connector or address is missing, which was reported.
pub(super) fn resolve(
    app: &App,
    teams: &Teams<'_>,
    directory: &mut Directory,
    catalogue: &dyn ConnectorCatalogue,
    lacking: &mut Lacking,
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
        granted: Granting::of(teams, app, &semantics),
    };
    builder.own_lines(directory, report);
    for (team, grant) in teams.grants(&app.name) {
        builder.grant(grant, &teams.members(team), directory, report);
    }
    let defaults = Rules::accounts(&semantics).line(&app.defaults, app.span, &mut builder.managed, report);
    grantable::check(app, &semantics, report);
    builder.conflicts(report);
    builder.missing(&defaults, directory, lacking, report);

    let mut ids = BTreeMap::new();
    for (email, id) in &app.ids {
        if let Some(identity) = directory.find(email) {
            ids.insert(identity, (id.name.clone(), report.place(id.span)));
        }
    }
    let managed = builder.managed.into_keys().collect();
    let member_managed = builder.member_managed.into_keys().collect();
    let members = builder.groups.into_iter().map(|(name, members)| {
        (name, members.into_iter().map(|(person, claims)| (person, finished(claims))).collect())
    });
    let groups = groups::resolve(app, &semantics, members.collect(), &member_managed, report);
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
        self_account: app.self_account.as_ref().map(|own| directory.identity(&own.name)),
        policy: app.policy.clone(),
        defaults: defaults.values.clone(),
        grantable: grantable::resolved(app, report),
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
            let draft = report.error("option", span, message);
            hint.into_iter().for_each(|hint| draft.hint(hint));
        }
        CatalogueError::Connector(message) => {
            let names = catalogue.names();
            let is_path = connector.name.contains(['/', '.']);
            // The catalogue may have advice of its own behind its sentence; the hint says it where hints stand.
            let known_name = format!("there is no connector `{}`", connector.name);
            let message = if message.starts_with(&known_name) { known_name } else { message };
            let draft = report.error("connector", connector.span, message);
            if !is_path {
                draft.hint(nearest::hint(&connector.name, names.iter().map(String::as_str), "connectors"));
            }
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
    granted: Granting<'a>,
}

impl Builder<'_> {
    /// The lines of `accounts` and `groups`.
    fn own_lines(&mut self, directory: &mut Directory, report: &mut Report<'_>) {
        let mut own = |line: &Rc<Line>, named: &Named<Email>, member: &Member, report: &Report<'_>| {
            let person = directory.find(named)?;
            let window = directory.window(&person).intersect(member.window);
            Some((person, claimed(line, window, member.reason.clone(), &[], report)))
        };
        let (accounts, members) = (Rules::accounts(self.semantics), Rules::members(self.semantics));
        for (named, member) in &self.app.accounts {
            let line = accounts.line(&member.said, named.span, &mut self.managed, report);
            if let Some((person, claimed)) = own(&line, named, member, report) {
                self.accounts.entry(person).or_default().push(claimed);
            }
        }
        for group in &self.app.groups {
            let claims = self.groups.entry(group.name.clone()).or_default();
            for (named, member) in &group.members {
                let line = members.line(&member.said, named.span, &mut self.member_managed, report);
                if let Some((person, claimed)) = own(&line, named, member, report) {
                    claims.entry(person).or_default().push(claimed);
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
        let account = &grant.account;
        let window = |membership: &Membership| {
            directory.window(&membership.person).intersect(membership.window).intersect(account.window)
        };
        let line = Rules::accounts(self.semantics).line(&account.said, grant.app.span, &mut self.managed, report);
        self.granted.check_groups(grant, report);
        self.granted.check_account(&line, report);
        for (membership, chain) in team {
            let reason = membership.reason.as_ref().or(account.reason.as_ref());
            let claimed = claimed(&line, window(membership), reason.cloned(), chain, report);
            self.accounts.entry(membership.person.clone()).or_default().push(claimed);
        }
        for (named, member) in &grant.groups {
            let rules = Rules::members(self.semantics);
            let line = rules.line(&member.said, named.span, &mut self.member_managed, report);
            self.granted.check_member(&line, report);
            let Some(members) = self.groups.get_mut(&named.name) else { continue };
            for (membership, chain) in team {
                let window = window(membership).intersect(member.window);
                let reason = [&membership.reason, &member.reason, &account.reason].into_iter().flatten().next();
                let claimed = claimed(&line, window, reason.cloned(), chain, report);
                members.entry(membership.person.clone()).or_default().push(claimed);
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

    fn missing(&self, defaults: &Line, directory: &Directory, lacking: &mut Lacking, report: &mut Report<'_>) {
        if !report.all_read() {
            return;
        }
        let is_active = |granted: &Granted<'_>| directory.is_active(granted.person);
        let members = self.groups.iter().flat_map(|(group, members)| {
            members.iter().map(|(person, claims)| Granted { person, group: Some(&**group), claims })
        });
        let members: Vec<Granted<'_>> = members.filter(is_active).collect();
        // Everyone with an account: granted one, or in a group.
        let mut only_members: BTreeMap<&Email, Granted<'_>> = BTreeMap::new();
        for member in members.iter().filter(|member| !self.accounts.contains_key(member.person)) {
            only_members.entry(member.person).or_insert(Granted { group: None, ..*member });
        }
        let accounts = self.accounts.iter().map(|(person, claims)| Granted { person, group: None, claims });
        let everyone: Vec<Granted<'_>> = accounts.filter(is_active).chain(only_members.into_values()).collect();
        let has = |granted: &Granted<'_>, field: &str| {
            // A line of a group says nothing of the account, whatever its fields are called.
            (self.accounts.contains_key(granted.person) && granted.sets(field))
                || defaults.values.contains_key(field)
                || directory.gives(granted.person, field)
        };
        missing::check_managed(&self.app.name, &self.managed, &everyone, has, report);
        if let (Some(create), true) = (&self.semantics.create, self.app.mode != Mode::Observe) {
            lacking.look(self.app, &create.require, &self.managed, &everyone, has, report);
        }
        let optional = &self.semantics.members.optional;
        let has = |granted: &Granted<'_>, field: &str| optional.contains(field) || granted.sets(field);
        missing::check_managed(&self.app.name, &self.member_managed, &members, has, report);
    }
}

/// The claim that a line makes. `chain` is what leads from the line to the person, where the line does not name them.
fn claimed(line: &Rc<Line>, window: Window, reason: Option<Arc<str>>, chain: &[Span], report: &Report<'_>) -> Claimed {
    let spans = std::iter::once(&line.span).chain(chain);
    let mut because: Vec<Place> = spans.map(|span| report.place(*span)).collect();
    because.sort();
    // Reports name lines; two places on one line are one reason.
    because.dedup_by(|a, b| a.file == b.file && a.line == b.line);
    Claimed { claim: Claim { window, values: line.values.clone(), because, reason }, line: Rc::clone(line) }
}
