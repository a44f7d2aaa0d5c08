//! What a change alters without a step of the plan: rules, and what is granted from when to when. It stands above the actions,
//! because whoever approves the change approves it with them.

use super::{
    super::{rows::Told, wording},
    escape::{code, prose},
};

/// What a list of this may take of a comment.
const ROOM: usize = 9_000;
/// Rows that are seen without opening anything, besides those that nobody should miss.
const OPEN: usize = 5;

/// A list under its title; nothing where there is nothing to tell.
pub(super) fn list(title: &str, told: &[Told]) -> String {
    if told.is_empty() {
        return String::new();
    }
    let (mut open, mut folded, mut left) = (String::new(), String::new(), 0);
    for (index, one) in told.iter().enumerate() {
        let row = row(one);
        if open.len() + folded.len() + row.len() > ROOM {
            left += 1;
        } else if one.grave || index < OPEN {
            open += &row;
        } else {
            folded += &row;
        }
    }
    let mut out = format!("**{title}: {}**\n\n{open}\n", wording::number(told.len()));
    if left > 0 {
        let more = wording::number(left);
        folded += &format!("- … and {more} more; `rosterd plan --format json` shows all\n");
    }
    if !folded.is_empty() {
        let all = wording::number(told.len());
        out += &format!("<details>\n<summary>The rest of {all}</summary>\n\n{folded}\n</details>\n\n");
    }
    out
}

fn row(told: &Told) -> String {
    let word = if told.grave { format!("**{}**", told.word) } else { told.word.to_owned() };
    let places: String = told.places.iter().map(|place| format!(" {}", code(place))).collect();
    format!("- {word} {}{places}\n", prose(&told.sentence))
}
