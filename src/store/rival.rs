//! The files in force in an app: the last ones to come into force there, as long as a daemon that uses them may be alive.

use super::{AppKey, Store, StoreError, Turn, statement::of};

/// The most replaced commits that an app keeps. A roll-out adds one, so this covers daemons that are many roll-outs behind.
const OVERTAKEN: usize = 20;

/// Whose files are in force in an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilesInForce {
    /// Ours.
    Ours,
    /// Files that no living daemon uses, or none at all.
    Nobodys,
    /// Another daemon's.
    Theirs(Rival),
}

/// Another daemon's files, which are in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    /// Their meaning.
    pub files: String,
    /// The name and the commit, where it is known, of each daemon that uses them or has moved on from them. There is at least one.
    pub daemons: Vec<(String, Option<String>)>,
    /// Commits that they replaced as the newer ones.
    pub overtaken: Vec<String>,
}

impl Store {
    /// Tells whose files are in force in an app, where ours mean `files`. A daemon counts until it is surely dead: a silent one may
    /// have been unable to reach the store.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn in_force(&self, key: &AppKey, files: &str) -> Result<FilesInForce, StoreError> {
        self.reading("looking up which files are in force", async |tx| {
            let sql = "SELECT files, files_by, overtaken FROM apps WHERE app = $1 AND origin = $2";
            let row: Option<(Option<String>, Option<String>, Option<String>)> = tx.row(sql, of(key)).await?;
            let (Some(theirs), by, overtaken) = row.unwrap_or_default() else { return Ok(FilesInForce::Nobodys) };
            if theirs == files {
                return Ok(FilesInForce::Ours);
            }
            // `take_turn` has deleted the daemons that are surely dead. The daemon that put the files into force may have loaded
            // newer ones since and be waiting for its turn.
            let sql =
                "SELECT name, revision FROM daemons WHERE app = $1 AND origin = $2 AND (files = $3 OR daemon = $4)
                       AND files <> $5 AND writes = 1 ORDER BY name, daemon";
            let params = of(key).and(&*theirs).and(by).and(files);
            let daemons: Vec<(String, Option<String>)> = tx.rows(sql, params).await?;
            if daemons.is_empty() {
                return Ok(FilesInForce::Nobodys);
            }
            let overtaken = overtaken.iter().flat_map(|all| all.split(' ')).map(str::to_owned).collect();
            Ok(FilesInForce::Theirs(Rival { files: theirs, daemons, overtaken }))
        })
        .await
    }

    /// Puts files into force, from this turn on and before anything is written by them. `overtaken` lists the commits that they
    /// replace as the newer ones; `None` keeps the list as it is.
    ///
    /// # Errors
    /// When the store fails. A turn that was lost changes nothing.
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
    /// The commits that newer files replace: these, and those that these replaced.
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
