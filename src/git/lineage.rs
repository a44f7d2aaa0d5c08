//! Which of two commits is the newer one.

use std::path::Path;

use super::{head::is_id, trusting};

/// How a commit stands to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lineage {
    /// It comes after the other one, which is among its ancestors.
    Newer,
    /// It comes before the other one.
    Older,
    /// Neither comes after the other one, or the repository does not know both, or one of them is marked as not being what the
    /// files say.
    Unrelated,
}

/// How `commit` stands to `other` in the repository around `dir`.
pub(crate) fn lineage(dir: &Path, commit: &str, other: &str) -> Lineage {
    if commit == other || !is_id(commit) || !is_id(other) {
        return Lineage::Unrelated;
    }
    let descends = |from: &str, to: &str| {
        let output = trusting(dir).args(["merge-base", "--is-ancestor", from, to]).output();
        // Any other status than these two says that git cannot tell. A clone without its whole past says "no" both ways.
        output.is_ok_and(|output| output.status.success())
    };
    if descends(other, commit) {
        Lineage::Newer
    } else if descends(commit, other) {
        Lineage::Older
    } else {
        Lineage::Unrelated
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::tests::Repo;

    #[test]
    fn a_commit_is_newer_than_its_ancestors_and_unrelated_to_what_the_repository_does_not_know() {
        let repo = Repo::new();
        let commit = |text: &str| {
            repo.write("state/people.yaml", text);
            repo.commit()
        };
        let [first, second, third] = ["a: 1\n", "a: 2\n", "a: 3\n"].map(commit);
        repo.git(&["checkout", "-q", "-b", "side", &second]);
        let side = commit("a: 4\n");
        let dir = repo.path("state");
        let elsewhere = "0123456789012345678901234567890123456789";
        let marked = format!("{third}+changes");
        for (commit, other, expected) in [
            (&*third, &*first, Lineage::Newer),
            (&first, &third, Lineage::Older),
            (&third, &side, Lineage::Unrelated),
            (&side, &first, Lineage::Newer),
            (&third, &third, Lineage::Unrelated),
            (&third, elsewhere, Lineage::Unrelated),
            (&marked, &first, Lineage::Unrelated),
            ("--help", &first, Lineage::Unrelated),
        ] {
            assert_eq!(lineage(&dir, commit, other), expected, "{commit} and {other}");
        }
        let nowhere = tempfile::tempdir().unwrap();
        assert_eq!(lineage(nowhere.path(), &third, &first), Lineage::Unrelated);
    }
}
