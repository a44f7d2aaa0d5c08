//! "Did you mean …?"

/// How many known words a hint lists when none of them is near.
const LISTED: usize = 20;

/// The known word that `word` was probably meant to be: a third of its letters may be wrong.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.trim().to_lowercase();
    let letters = word.chars().count();
    let allowed = (letters / 3).max(1);
    known
        .into_iter()
        .filter(|candidate| candidate.chars().count().abs_diff(letters) <= allowed)
        .filter_map(|candidate| {
            let distance = strsim::osa_distance(&word, &candidate.to_lowercase());
            (distance <= allowed).then_some((distance, candidate))
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// The hint for an unknown word: the nearest known one, or all of them. `what` is their plural: `keys`.
pub(super) fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str>, what: &str) -> String {
    let mut known: Vec<&str> = known.into_iter().collect();
    if let Some(near) = nearest(word, known.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    known.sort_unstable();
    known.dedup();
    match known.as_slice() {
        [] => format!("there are no {what}"),
        [only] => format!("the only one of the {what} is `{only}`"),
        _ => {
            let more = known.len().saturating_sub(LISTED);
            let listed: Vec<String> = known.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
            let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{what}: {}{tail}", listed.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, known: &[&str], expected: &str) {
        assert_eq!(hint(word, known.iter().copied(), "keys"), expected);
    }

    #[test]
    fn a_misspelt_word_finds_the_one_that_was_meant() {
        check("group", &["groups", "grants"], "did you mean `groups`?");
        check("memebrs", &["members", "match"], "did you mean `members`?");
        check("Autodesk", &["autodesk"], "did you mean `autodesk`?");
        check("xyz", &["members", "match"], "keys: `match`, `members`");
        check("xyz", &[], "there are no keys");
    }
}
