//! The plan as a comment on a pull request: what matters in the first lines, the rest folded. The same plan gives the same
//! bytes, and nothing in it tells the time, so that the comment is edited only when something changed.

mod escape;
mod parts;
mod room;
mod table;
mod told;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    text::{is_in_sync, only, own_findings, requests},
    wording,
};
use crate::model::{Action, AppPlan, Cause, Plan, Status, Summary, Verb, short_commit};
use escape::{code, prose};
use parts::{Parts, TABLE_HEAD, draw_app, draw_parts, draw_rest, says_more};
use room::{AROUND_APP, take};
use table::{Row, Whose};

/// The first line of every comment, invisible on the page: by it the comment is found again and edited in place.
pub const MARKER: &str = "<!-- rosterd: plan -->";

/// What the whole comment may measure. GitHub refuses bodies of more than 65,536 characters; bytes are never fewer than
/// those, and the rest is for whoever wraps the comment in a sentence of their own.
const LIMIT: usize = 60_000;

/// What the table of apps may take of that. With so many apps, only those with something in them are read.
const TABLE: usize = 12_000;

/// Actions of the change that stand above all else. With them, the rules and the grants that it alters are in the first 20
/// lines, which everybody reads.
const FIRST: usize = 4;

/// The plan for a pull request.
pub fn plan(plan: &Plan) -> String {
    let page = Page { plan, apps: wording::apps(plan) };
    let (head, told, below) = (page.head(), page.told(), page.below());
    let rows = page.rows();
    let spent = head.len() + told.open.len() + told.folded.len() + below.len();
    let taken = take(&rows, LIMIT.saturating_sub(spent + AROUND_APP));
    let (first, more) = page.first(&rows, &taken);
    [&head, &first, &told.open, &more, &below, &told.folded, &page.left_out(&rows, &taken), &page.body(&rows, &taken)]
        .into_iter()
        .map(String::as_str)
        .collect()
}

struct Page<'a> {
    plan: &'a Plan,
    apps: Vec<&'a AppPlan>,
}

impl Page<'_> {
    fn rows(&self) -> Vec<Row> {
        let compared = self.plan.against.is_some();
        let mut rows = table::of_findings(None, wording::sorted(&self.plan.findings));
        let first = table::first(&self.apps, compared, FIRST);
        for (index, app) in self.apps.iter().enumerate() {
            rows.extend(table::of_actions(index, app, compared, &first));
            rows.extend(table::of_findings(Some(index), own_findings(app)));
            rows.extend(table::of_due(index, &app.due));
        }
        rows
    }

    /// What the change comes to, in the first lines.
    fn head(&self) -> String {
        let unread = self.apps.iter().filter(|app| app.error.is_some()).count();
        let mut out = format!("{MARKER}\n### rosterd: {}\n\n", self.title(unread));
        if unread > 0 {
            let apps = wording::count(unread, "app", "apps");
            out.push_str(&format!("> [!WARNING]\n> {apps} could not be read, and nothing is planned there.\n\n"));
        }
        let alarms = self.alarms();
        if !alarms.is_empty() {
            out.push_str(&format!("> [!CAUTION]\n> {}.\n\n", alarms.join("; ")));
        }
        out
    }

    /// What the change alters without a step of the plan.
    fn told(&self) -> told::List {
        let Some(against) = &self.plan.against else { return told::List::default() };
        let rules = told::list("Rules changed by this change", &super::told::rules(&against.rules));
        let claims = told::list(
            "Granted or taken back by this change",
            &super::told::claims(&against.claims, &self.apps, self.plan.created_at),
        );
        told::List { open: rules.open + &claims.open, folded: rules.folded + &claims.folded }
    }

    /// `2 to do, 1 held by this change; 1 rule loosened`. What is not the change's doing is told below.
    fn title(&self, unread: usize) -> String {
        let (counted, altered) = (counts(Summary::of(self.plan.by_change())), super::told::alterations(self.plan));
        let by = if self.plan.against.is_some() { " by this change" } else { "" };
        match (counted.is_empty(), altered.is_empty()) {
            (false, true) => counted + by,
            (false, false) => format!("{counted}{by}; {}", altered.join(", ")),
            (true, false) => format!("{} by this change, no action now", altered.join(", ")),
            (true, true) if unread == 0 => format!("nothing to do{by}"),
            (true, true) => format!("nothing to do{by} in what could be read"),
        }
    }

    /// What nobody should miss of what the change does.
    fn alarms(&self) -> Vec<String> {
        let by_this_change = if self.plan.against.is_some() { " by this change" } else { "" };
        let of = |wanted: &dyn Fn(&Action) -> bool, status: Status| {
            self.plan.by_change().filter(|action| action.status == status && wanted(action)).count()
        };
        let mut alarms = Vec::new();
        for (status, when) in [(Status::Ready, "to do"), (Status::Held, "held")] {
            let kinds = [
                (of(&|action| action.gains_admin, status), "makes an administrator", "make administrators"),
                (of(&|action| action.step.address().is_some(), status), "changes an address", "change addresses"),
            ];
            for (count, one, many) in kinds {
                if count > 0 {
                    let action = wording::count(count, "action", "actions");
                    let does = if count == 1 { one } else { many };
                    alarms.push(format!("{action} {when}{by_this_change} {does}"));
                }
            }
        }
        let gone = of(&|action| action.irreversible, Status::Ready);
        if gone > 0 {
            let what = wording::count(gone, "action", "actions");
            alarms.push(format!("{what} to do{by_this_change} cannot be undone"));
        }
        let against = self.plan.against.as_ref();
        let admins =
            against.map_or(0, |against| super::told::new_administrators(&against.claims, self.plan.created_at));
        if admins > 0 {
            let grants =
                if admins == 1 { "1 grant lets".to_owned() } else { format!("{} grants let", wording::number(admins)) };
            alarms.push(format!("{grants} somebody administer, now or later"));
        }
        alarms
    }

    /// Rows that are never folded away: the gravest of the change in one table, and the others below what else it alters.
    fn first(&self, rows: &[Row], taken: &BTreeSet<usize>) -> (String, String) {
        let mut of_change: Vec<(usize, &Row)> =
            rows.iter().enumerate().filter(|(_, row)| row.part.whose == Whose::First).collect();
        of_change.sort_by_key(|(index, row)| (row.rank, *index));
        let top: BTreeSet<usize> =
            of_change.iter().map(|(index, _)| *index).filter(|index| taken.contains(index)).take(FIRST).collect();
        if top.is_empty() {
            return (String::new(), String::new());
        }
        let (by, count) = match &self.plan.against {
            Some(_) => ("By this change", self.plan.by_change().count()),
            None => ("Actions", self.actions(|_| true)),
        };
        let gravest = if count > top.len() { ", the gravest first" } else { "" };
        let mut table = format!("**{by}: {}{gravest}**\n\n{TABLE_HEAD}", wording::number(count));
        of_change.iter().filter(|(index, _)| top.contains(index)).for_each(|(_, row)| table.push_str(&row.text));
        table.push('\n');
        let mut parts: Parts<'_> = BTreeMap::new();
        of_change.sort_by_key(|(index, _)| *index);
        for (index, row) in of_change {
            parts.entry(row.part).or_default().push((index, row));
        }
        (table, parts.iter().map(|(part, rows)| draw_rest(*part, rows, &top, taken)).collect())
    }

    /// What the plan was made with, and the apps.
    fn below(&self) -> String {
        let summary = self.plan.summary();
        let mut lines = Vec::new();
        if let Some(against) = &self.plan.against {
            let of = |cause| wording::number(self.actions(|action| action.cause == Some(cause)));
            let commit = &short_commit(&against.commit);
            let named = if against.commit == against.reference {
                code(commit)
            } else {
                format!("{} ({})", code(&against.reference), code(commit))
            };
            let mut line = format!(
                "Compared with {named}: **{} by this change**, {} drift, {} because a date passed.",
                of(Cause::Change),
                of(Cause::Drift),
                of(Cause::Time),
            );
            if !against.no_longer.is_empty() {
                let count = wording::count(against.no_longer.len(), "action", "actions");
                line.push_str(&format!(" This change makes {count} unnecessary."));
            }
            lines.push(line);
        }
        if let Some(snapshot) = self.plan.snapshot {
            let at = snapshot.taken_at.strftime("%Y-%m-%d %H:%M UTC");
            let old = " It is **more than a day old**: what has changed since is not in this plan.";
            lines
                .push(format!("Planned against a snapshot taken at {at}.{}", if snapshot.is_old() { old } else { "" }));
        }
        let total = wording::total(self.plan);
        if summary.ready > 0 && total.requests > 0 {
            let (requests, time) = (requests(total.requests), wording::duration(total.seconds));
            lines.push(format!("Applying takes {requests} with its reading, about {time} at the budget."));
        }
        if let Some(only) = self.apps.iter().find_map(|app| only(app)) {
            lines.push(prose(&only.message));
        }
        lines.extend(wording::unchecked(self.plan));
        lines.into_iter().map(|line| line + "\n\n").collect::<String>() + &self.table()
    }

    fn actions(&self, wanted: impl Fn(&Action) -> bool) -> usize {
        self.apps.iter().flat_map(|app| &app.actions).filter(|action| wanted(action)).count()
    }

    /// The apps with something in them, a line each, and the names of those in sync.
    fn table(&self) -> String {
        let compared = self.plan.against.is_some();
        let is_quiet = |app: &&&AppPlan| is_in_sync(app);
        let mut out = String::new();
        let mut left_out = 0;
        for app in self.apps.iter().filter(|app| !is_quiet(app)) {
            let row = table_row(app, compared);
            if out.len() + row.len() > TABLE {
                left_out += 1;
            } else {
                out.push_str(&row);
            }
        }
        if !out.is_empty() {
            let change = if compared { " by this change |" } else { "" };
            let rule = if compared { " ---: |" } else { "" };
            out = format!(
                "| app |{change} to do | reduce access | cannot be undone | waiting | held | by hand | findings |\n\
                 | --- |{rule} ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n{out}\n"
            );
        }
        if left_out > 0 {
            out.push_str(&format!("… and {} more.\n\n", wording::count(left_out, "app", "apps")));
        }
        let quiet: Vec<&str> = self.apps.iter().filter(is_quiet).map(|app| &*app.app).collect();
        if !quiet.is_empty() {
            let names: Vec<String> = quiet.iter().take(40).map(|name| code(name)).collect();
            let more = quiet.len() - names.len();
            let more = if more > 0 { format!(" and {} more", wording::number(more)) } else { String::new() };
            out.push_str(&format!("In sync: {}{more}.\n\n", names.join(", ")));
        }
        out
    }

    /// What did not fit, counted by what it does.
    fn left_out(&self, rows: &[Row], taken: &BTreeSet<usize>) -> String {
        let all = rows.iter().filter(|row| row.verb.is_some()).count();
        let mut left: BTreeMap<Verb, usize> = BTreeMap::new();
        for (_, row) in rows.iter().enumerate().filter(|(index, _)| !taken.contains(index)) {
            if let Some(verb) = row.verb {
                *left.entry(verb).or_default() += 1;
            }
        }
        let missing: usize = left.values().sum();
        if missing == 0 {
            return String::new();
        }
        let tally: Vec<String> =
            left.into_iter().map(|(verb, count)| format!("{} {verb}", wording::number(count))).collect();
        format!(
            "> [!NOTE]\n> {} of {} actions are shown, the gravest first. Left out: {}. \
             `rosterd plan --format json` shows all.\n\n",
            wording::number(all - missing),
            wording::number(all),
            tally.join(", "),
        )
    }

    fn body(&self, rows: &[Row], taken: &BTreeSet<usize>) -> String {
        let mut parts: BTreeMap<Option<usize>, Parts<'_>> = BTreeMap::new();
        for (index, row) in rows.iter().enumerate().filter(|(_, row)| row.part.whose != Whose::First) {
            parts.entry(row.app).or_default().entry(row.part).or_default().push((index, row));
        }
        let (mut out, several) = (String::new(), self.apps.len() > 1);
        for (app, parts) in parts {
            let has_room = parts.values().flatten().any(|(index, _)| taken.contains(index));
            match app.map(|index| self.apps[index]) {
                None => out.push_str(&draw_parts(&parts, taken)),
                Some(app) if has_room || app.error.is_some() => out.push_str(&draw_app(app, &parts, taken, several)),
                Some(_) => {}
            }
        }
        // An app that could not be read has no rows at all, and the rows of others all stand above.
        for (index, app) in self.apps.iter().enumerate().filter(|(_, app)| says_more(app, several)) {
            if !rows.iter().any(|row| row.app == Some(index)) {
                out.push_str(&draw_app(app, &BTreeMap::new(), taken, several));
            }
        }
        out
    }
}

fn counts(summary: Summary) -> String {
    let parts =
        [(summary.ready, "to do"), (summary.waiting, "waiting"), (summary.held, "held"), (summary.manual, "by hand")];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts.map(|(count, word)| format!("{} {word}", wording::number(count))).collect();
    parts.join(", ")
}

fn table_row(app: &AppPlan, compared: bool) -> String {
    let summary = app.summary();
    let number = |count: usize| if count == 0 { String::new() } else { wording::number(count) };
    let count = |wanted: &dyn Fn(&Action) -> bool| number(app.actions.iter().filter(|action| wanted(action)).count());
    let ready = if app.error.is_some() { "not read".to_owned() } else { number(summary.ready) };
    let mut cells = vec![code(&app.app)];
    if compared {
        cells.push(count(&|action| action.cause == Some(Cause::Change)));
    }
    // Of what is to do, as the summary above counts it.
    let to_do = |wanted: &dyn Fn(&Action) -> bool| count(&|action| action.status == Status::Ready && wanted(action));
    cells.extend([
        ready,
        to_do(&|action| action.reduces_access),
        to_do(&|action| action.irreversible),
        number(summary.waiting),
        number(summary.held),
        number(summary.manual),
        number(own_findings(app).len()),
    ]);
    format!("| {} |\n", cells.join(" | "))
}
