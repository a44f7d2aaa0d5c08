//! Files in force: by which an app was written to last, where another daemon that lives still goes by them.

use jiff::Timestamp;

use super::{AppKey, Store, StoreError, lease::clock, statement::of};

/// The most commits that an app keeps of those that were overtaken. A roll-out overtakes one.
const OVERTAKEN: usize = 20;

/// Files that are in force in an app and that are not ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    /// Their meaning.
    pub files: String,
    /// The daemons that go by them, at least one: for people, and the commit that each has, where it is known.
    pub daemons: Vec<(String, Option<String>)>,
    /// Commits that they came after, as a daemon found that went by them.
    pub overtaken: Vec<String>,
}

impl Store {
    /// The files in force in an app, where they mean something else than `files` and another daemon that lives goes by them and
    /// writes.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rival(&self, key: &AppKey, files: &str, now: Timestamp) -> Result<Option<Rival>, StoreError> {
        self.reading("looking up which files are in force", async |tx| {
            let clock = clock(tx, now).await?;
            let sql = "SELECT files, overtaken FROM apps WHERE app = $1 AND origin = $2 AND files <> $3";
            let row: Option<(String, Option<String>)> = tx.row(sql, of(key).and(files)).await?;
            let Some((files, overtaken)) = row else { return Ok(None) };
            let sql = "SELECT name, revision FROM daemons
                       WHERE app = $1 AND origin = $2 AND files = $3 AND writes = 1 AND until > $4 ORDER BY name, daemon";
            let daemons: Vec<(String, Option<String>)> = tx.rows(sql, of(key).and(&*files).and(clock)).await?;
            let overtaken = overtaken.iter().flat_map(|all| all.split(' ')).map(str::to_owned).collect();
            Ok((!daemons.is_empty()).then_some(Rival { files, daemons, overtaken }))
        })
        .await
    }
}

impl Rival {
    /// What an app keeps when files come into force that are newer than these.
    pub fn overtaken_with_it(&self) -> Vec<String> {
        let revisions = self.daemons.iter().filter_map(|(_, revision)| revision.as_ref());
        let mut all: Vec<String> = revisions.chain(&self.overtaken).cloned().collect();
        let mut seen = std::collections::BTreeSet::new();
        all.retain(|one| seen.insert(one.clone()));
        all.truncate(OVERTAKEN);
        all
    }
}
