//! "Did you mean …?"

/// How many known words a hint lists when none of them is near.
const LISTED: usize = 20;

/// The known word that `word` was probably meant to be: a third of its letters may be wrong.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.trim().to_lowercase();
    closest(known, |candidate| distance(&word, candidate))
}

/// The known address that `email` was probably meant to be: both sides of the `@` must be near, as everyone in an organisation shares a domain.
pub fn nearest_email<'a>(email: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let email = email.to_lowercase();
    let (local, domain) = email.split_once('@')?;
    closest(known, |candidate| {
        let (other_local, other_domain) = candidate.split_once('@')?;
        Some(distance(domain, other_domain)? + distance(local, other_local)?)
    })
}

/// The known text with the least distance, of those with any; it is measured in lower case.
fn closest<'a>(known: impl IntoIterator<Item = &'a str>, distance: impl Fn(&str) -> Option<usize>) -> Option<&'a str> {
    let near = known.into_iter().filter_map(|candidate| Some((distance(&candidate.to_lowercase())?, candidate)));
    Some(near.min()?.1)
}

/// How many letters differ, when no more than a third do.
fn distance(word: &str, other: &str) -> Option<usize> {
    if word == other {
        return Some(0);
    }
    let letters = word.chars().count();
    let allowed = (letters / 3).max(1);
    if other.chars().count().abs_diff(letters) > allowed {
        return None;
    }
    Some(strsim::osa_distance(word, other)).filter(|far| *far <= allowed)
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

    #[test]
    fn an_address_is_near_when_both_its_sides_are() {
        let known = ["jane.doe@example.com", "bob@example.com"];
        assert_eq!(nearest_email("Jane.Do@example.com", known), Some("jane.doe@example.com"));
        assert_eq!(nearest_email("jane.doe@exmaple.com", known), Some("jane.doe@example.com"));
        assert_eq!(nearest_email("mia@example.com", known), None);
    }
}
