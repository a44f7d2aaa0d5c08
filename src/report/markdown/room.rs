//! Which rows a comment has room for.

use std::collections::{BTreeMap, BTreeSet};

use super::table::Row;

/// Room for what stands around the rows of an app, and of a part of it: headings, and the count of what is left out.
pub(super) const AROUND_APP: usize = 800;
const AROUND_PART: usize = 900;

/// Rows that every app keeps, whatever another one floods the comment with.
const OF_APP: usize = 3;
/// Rows that every part of an app keeps before any part gets more: what is held is read beside what is to do.
const OF_PART: usize = 50;

/// Rows as long as there is room: what nobody should miss, some of every app, some of every part, and then the rest. The
/// first that does not fit ends it, so that what is left out matters less than all that is shown.
pub(super) fn take(rows: &[Row], room: usize) -> BTreeSet<usize> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|index| (rows[*index].rank, *index));
    let (mut of_app, mut of_part): (BTreeMap<_, usize>, BTreeMap<_, usize>) = (BTreeMap::new(), BTreeMap::new());
    let mut tiers: Vec<(u8, usize)> = order
        .into_iter()
        .map(|index| {
            let row = &rows[index];
            let (in_app, in_part) =
                (of_app.entry(row.app).or_default(), of_part.entry((row.app, row.part)).or_default());
            (*in_app, *in_part) = (*in_app + 1, *in_part + 1);
            let tier = match row.app {
                None => 0,
                Some(_) if *in_app <= OF_APP => 1,
                Some(_) if *in_part <= OF_PART => 2,
                Some(_) => 3,
            };
            (tier, index)
        })
        .collect();
    // A stable sort: within a tier the order stays.
    tiers.sort_by_key(|(tier, _)| *tier);
    let (mut left, mut taken) = (room, BTreeSet::new());
    let (mut apps, mut parts) = (BTreeSet::new(), BTreeSet::new());
    for (_, index) in tiers {
        let row = &rows[index];
        let mut cost = row.cost();
        if apps.insert(row.app) {
            cost += AROUND_APP;
        }
        if parts.insert((row.app, row.part)) {
            cost += AROUND_PART;
        }
        let Some(rest) = left.checked_sub(cost) else { break };
        left = rest;
        taken.insert(index);
    }
    taken
}
