mod declared;
mod negotiated;
mod reading;

use serde_json::{Value, json};

use super::{
    Cursor, Page, Paging, Row, Totals,
    sweep::{Follow, Sweep},
    whole::Verdict,
};
use crate::connectors::row_limit::RowLimit;

/// A page with rows of these ids, and with whatever else it says.
fn page(ids: impl IntoIterator<Item = u32>, says: Value) -> Page {
    let row = |id: u32| Row { key: Ok(id.to_string()), value: json!({"id": id}) };
    Page {
        rows: ids.into_iter().map(row).collect(),
        next: says["next"].as_str().map(str::to_owned),
        total: says["total"].as_u64(),
        at_least: says["at_least"].as_u64(),
        has_next: says.get("next").is_some(),
        cut_off: says["cut_off"].as_str().map(str::to_owned),
        hint: says["hint"].as_str().map(str::to_owned),
        bytes: says["bytes"].as_u64().unwrap_or(0),
    }
}

fn shown(verdict: Verdict) -> String {
    match verdict {
        Verdict::Complete => "complete".into(),
        Verdict::Moved(why) => format!("moved: {why}"),
        Verdict::Broken(why) => format!("broken: {why}"),
    }
}

/// Feeds pages; checks the queries that were asked, the ids that were seen and the verdict.
fn check(paging: &Paging, pages: Vec<Page>, queries: &[&str], ids: impl IntoIterator<Item = u32>, verdict: &str) {
    let mut sweep = Sweep::new(paging, RowLimit::Unknown);
    let mut asked = Vec::new();
    for page in pages {
        let ask = sweep.ask();
        let query: Vec<_> = ask.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        asked.push(ask.path.unwrap_or_default() + &query.join("&"));
        if sweep.take(page) == Follow::Done {
            break;
        }
    }
    let (rows, judged) = sweep.finish();
    let seen: Vec<_> = rows.iter().map(|row| row.value["id"].as_u64().unwrap()).collect();
    assert_eq!(asked, queries);
    assert_eq!(seen, ids.into_iter().map(u64::from).collect::<Vec<_>>());
    assert_eq!(shown(judged), verdict);
}
