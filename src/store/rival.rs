//! Files in force: those by which an app was worked on last, for as long as a daemon may live that goes by them.

use super::{AppKey, Store, StoreError, Turn, statement::of};

/// The most commits that an app keeps of those that were overtaken. A roll-out overtakes one.
const OVERTAKEN: usize = 20;

/// Whose files are in force in an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InForce {
    /// Ours.
    Ours,
    /// Nobody's who may live.
    Nobodys,
    /// Others.
    Theirs(Rival),
}

/// Files that are in force in an app and that are not ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    /// Their meaning.
    pub files: String,
    /// The daemons that go by them, or by newer ones since, at least one: for people, and the commit that each has, where it is known.
    pub daemons: Vec<(String, Option<String>)>,
    /// Commits that they came after, as a daemon found that went by them.
    pub overtaken: Vec<String>,
}

impl Store {
    /// Whose files are in force in an app, where ours mean `files`. A daemon counts until it is surely dead: one that has said
    /// nothing lately may have been unable to reach the store, as we may have been.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn in_force(&self, key: &AppKey, files: &str) -> Result<InForce, StoreError> {
        self.reading("looking up which files are in force", async |tx| {
            let sql = "SELECT files, files_by, overtaken FROM apps WHERE app = $1 AND origin = $2";
            let row: Option<(Option<String>, Option<String>, Option<String>)> = tx.row(sql, of(key)).await?;
            let (Some(theirs), by, overtaken) = row.unwrap_or_default() else { return Ok(InForce::Nobodys) };
            if theirs == files {
                return Ok(InForce::Ours);
            }
            // Asking for a turn has forgotten whoever is surely dead. Who put files into force may have newer ones since, whose
            // turn has not come.
            let sql =
                "SELECT name, revision FROM daemons WHERE app = $1 AND origin = $2 AND (files = $3 OR daemon = $4)
                       AND files <> $5 AND writes = 1 ORDER BY name, daemon";
            let params = of(key).and(&*theirs).and(by).and(files);
            let daemons: Vec<(String, Option<String>)> = tx.rows(sql, params).await?;
            if daemons.is_empty() {
                return Ok(InForce::Nobodys);
            }
            let overtaken = overtaken.iter().flat_map(|all| all.split(' ')).map(str::to_owned).collect();
            Ok(InForce::Theirs(Rival { files: theirs, daemons, overtaken }))
        })
        .await
    }

    /// Puts files into force for the rest of a turn and after it, before anything is written by them. `overtaken` are commits that
    /// they came after; none where what is known of that stays.
    ///
    /// # Errors
    /// When the store fails. A turn that was lost changes nothing, and nothing is sent after it.
    pub async fn put_in_force(&self, turn: &Turn, files: &str, overtaken: Option<&[String]>) -> Result<(), StoreError> {
        self.writing("putting files into force", async |tx| {
            let sql = "UPDATE apps SET files = $4, files_by = turn_of, overtaken = COALESCE($5, overtaken)
                       WHERE app = $1 AND origin = $2 AND turns = $3";
            let overtaken = overtaken.map(|all| all.join(" "));
            tx.run(sql, of(turn.key()).and(turn.number()).and(files).and(overtaken)).await.map(drop)
        })
        .await
    }
}

impl Rival {
    /// What an app keeps when files come into force that are newer than these.
    pub fn overtaken_with_it(&self) -> Vec<String> {
        let revisions = self.daemons.iter().filter_map(|(_, revision)| revision.as_ref());
        let mut all: Vec<String> = Vec::new();
        for one in revisions.chain(&self.overtaken) {
            if all.len() < OVERTAKEN && !all.contains(one) {
                all.push(one.clone());
            }
        }
        all
    }
}
