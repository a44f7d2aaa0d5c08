//! What a change alters without a step of the plan: rules, and what is granted from when to when. It stands above the actions,
//! because whoever approves the change approves it with them.

use super::{
    super::{told::Told, wording},
    escape::{code, prose},
};

/// What a list of this may take of a comment.
const ROOM: usize = 9_000;
/// Rows that are seen without opening anything. The first lines of a comment are to hold some of everything that the change
/// does.
const OPEN: usize = 3;

/// What is told, in two parts.
#[derive(Default)]
pub(super) struct List {
    /// The title and the gravest rows.
    pub(super) open: String,
    /// The others, to be opened.
    pub(super) folded: String,
}

/// A list under its title; nothing where there is nothing to tell. The rows come in the order of their weight.
pub(super) fn list(title: &str, told: &[Told]) -> List {
    if told.is_empty() {
        return List::default();
    }
    let count = wording::number(told.len());
    let mut list = List { open: format!("**{title}: {count}**\n"), folded: String::new() };
    let mut left = 0;
    for (index, one) in told.iter().enumerate() {
        let row = row(one);
        if index < OPEN {
            list.open += &row;
        } else if list.open.len() + list.folded.len() + row.len() > ROOM {
            left += 1;
        } else {
            list.folded += &row;
        }
    }
    if left > 0 {
        let more = wording::number(left);
        list.folded += &format!("- … and {more} more; `rosterd plan --format json` shows all\n");
    }
    if !list.folded.is_empty() {
        let more = wording::number(told.len() - OPEN);
        list.open += &format!("- … and {more} more, below\n");
        let folded = &list.folded;
        list.folded = format!("<details>\n<summary>{title}: the other {more}</summary>\n\n{folded}\n</details>\n\n");
    }
    list.open.push('\n');
    list
}

fn row(told: &Told) -> String {
    let word = if told.grave { format!("**{}**", told.word) } else { told.word.to_owned() };
    let places: String = told.places.iter().map(|place| format!(" {}", code(place))).collect();
    format!("- {word} {}{places}\n", prose(&told.sentence))
}
