//! `rosterd review`: who has what and why, as a table for spreadsheets.

use jiff::{Timestamp, civil::Time, tz::TimeZone};

use super::{json, wording};
use crate::model::short_commit;
use crate::review::{Change, Row};

/// A column: its heading, and its cell in a row. Days are days in the time zone.
type Column = (&'static str, fn(&Row, &TimeZone) -> String);

/// The columns, in this order; new ones come at the end.
const COLUMNS: [Column; 19] = [
    ("person", |row, _| row.person.to_string()),
    ("name", |row, _| row.name.clone()),
    ("app", |row, _| row.app.to_string()),
    ("account", |row, _| row.account.to_string()),
    ("account_id", |row, _| row.id.to_string()),
    ("status", |row, _| row.status.to_string()),
    ("admin", |row, _| if row.admin { "yes".to_owned() } else { String::new() }),
    ("role", |row, _| row.role.clone()),
    ("group", |row, _| row.group.as_deref().unwrap_or_default().to_owned()),
    ("state", |row, _| row.standing.to_string()),
    ("granted_by", |row, _| json::places(&row.because).join(" ")),
    ("reason", |row, _| row.reason.as_deref().unwrap_or_default().to_owned()),
    ("until", |row, zone| row.until.map(|at| last_day(at, zone)).unwrap_or_default()),
    ("account_created", |row, zone| row.created.map(|at| wording::date(at, zone)).unwrap_or_default()),
    ("last_change", |row, _| of_change(row, |change| change.verb.to_string())),
    ("changed_on", |row, zone| of_change(row, |change| wording::date(change.at, zone))),
    ("changed_because", |row, _| of_change(row, |change| change.because.join(" "))),
    ("changed_in_commit", |row, _| {
        of_change(row, |change| change.commit.as_deref().map_or_else(String::new, short_commit))
    }),
    ("changed_in_run", |row, _| of_change(row, |change| change.run.as_deref().unwrap_or_default().to_owned())),
];

fn of_change(row: &Row, cell: impl Fn(&Change) -> String) -> String {
    row.changed.as_ref().map(cell).unwrap_or_default()
}

/// The table, with a heading. Days are days in `time_zone`.
///
/// # Errors
/// Never in practice: the table is written to memory.
pub fn csv(rows: &[Row], time_zone: &TimeZone) -> Result<String, csv::Error> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(COLUMNS.map(|(heading, _)| heading))?;
    for row in rows {
        table.write_record(COLUMNS.map(|(_, cell)| inert(&cell(row, time_zone))))?;
    }
    let bytes = table.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The last day on which something holds; the instant itself where it does not end with a day.
fn last_day(until: Timestamp, time_zone: &TimeZone) -> String {
    let at = until.to_zoned(time_zone.clone());
    match at.date().yesterday() {
        Ok(day) if at.time() == Time::midnight() => day.to_string(),
        _ => until.to_string(),
    }
}

/// A cell that no spreadsheet takes for a formula: names come from apps, where people choose their own.
fn inert(cell: &str) -> String {
    let first = cell.trim_start_matches([' ', '\u{feff}', '\u{200b}']).chars().next();
    let formula = matches!(first, Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠'));
    if formula { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Verb;
    use crate::{
        model::{AccountStatus, Email, Place},
        review::Standing,
    };

    #[test]
    fn cells_that_look_like_formulas_are_made_inert() {
        for cell in ["=1+1", "+49", "-2", "@SUM(A1)", "\t=1", " =1", "＝1"] {
            assert_eq!(inert(cell), format!("'{cell}"));
        }
        for cell in ["", "Jane", "a=b", "x@y.z"] {
            assert_eq!(inert(cell), cell);
        }
    }

    #[test]
    fn a_day_that_is_included_is_shown_and_no_other() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(last_day("2026-12-31T22:00:00Z".parse().unwrap(), &zone), "2026-12-31");
        assert_eq!(last_day("2026-12-31T10:00:00Z".parse().unwrap(), &zone), "2026-12-31T10:00:00Z");
    }

    #[test]
    fn a_table_quotes_what_needs_quotes() {
        let row = Row {
            person: Email::lenient("jane@x.io"),
            name: "=HYPERLINK(\"http://evil\"), Doe".into(),
            app: "a".into(),
            account: Email::lenient("Jane@x.io"),
            id: "1".into(),
            status: AccountStatus::Active,
            admin: true,
            role: "admin".into(),
            group: Some("Ops, night".into()),
            standing: Standing::Granted,
            because: vec![Place::new("teams/a.yaml", 9, 1), Place::new("teams/a.yaml", 4, 1)],
            reason: Some("covers Jane's leave".into()),
            until: Some("2027-04-01T00:00:00Z".parse().unwrap()),
            created: None,
            changed: Some(Change {
                app: "a".into(),
                email: Email::lenient("Jane@x.io"),
                account_id: Some("1".into()),
                group: Some("Ops, night".into()),
                group_id: None,
                verb: Verb::AddMember,
                at: "2026-11-01T23:30:00Z".parse().unwrap(),
                because: vec!["teams/a.yaml:8".into(), "=x.yaml:1".into()],
                commit: Some("0123456789abcdef0123+changes".into()),
                run: Some("20261101T233000Z-1".into()),
            }),
        };
        insta::assert_snapshot!(csv(&[row], &TimeZone::UTC).unwrap(), @r#"
        person,name,app,account,account_id,status,admin,role,group,state,granted_by,reason,until,account_created,last_change,changed_on,changed_because,changed_in_commit,changed_in_run
        jane@x.io,"'=HYPERLINK(""http://evil""), Doe",a,Jane@x.io,1,active,yes,admin,"Ops, night",granted,teams/a.yaml:4 teams/a.yaml:9,covers Jane's leave,2027-03-31,,add-member,2026-11-01,teams/a.yaml:8 =x.yaml:1,0123456789ab+changes,20261101T233000Z-1
        "#);
    }
}
