//! Commits, as people quote them.

/// As many digits tell the commits of a large repository apart.
const DIGITS: usize = 12;

/// The first digits of a commit's id, with the mark of files that differed from it.
pub fn short_commit(id: &str) -> String {
    let (id, mark) = id.split_at(id.find('+').unwrap_or(id.len()));
    id.get(..DIGITS).unwrap_or(id).to_owned() + mark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_keeps_its_first_digits_and_its_mark() {
        let id = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(short_commit(id), "0123456789ab");
        assert_eq!(short_commit(&format!("{id}+changes")), "0123456789ab+changes");
        assert_eq!(short_commit("0123+unchecked"), "0123+unchecked");
    }
}
