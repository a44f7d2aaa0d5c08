//! Connectors: how rosterd speaks to apps. A connector declares its [`Semantics`] as data, reads through [`Reader`] and
//! writes through [`Writer`]; planning sees the data alone, and observation cannot reach a write.

mod acc;
mod addresses;
mod app;
mod buckets;
mod connector;
mod error;
pub mod http;
mod meaning;
mod outside;
mod paging;
mod registry;
mod replacement;
pub mod rest;
mod row_limit;
mod scalar;
mod scim;
mod secrets;
mod signs;

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use app::App;
use app::OverHttp;
pub use buckets::{Buckets, quota};
pub use connector::{Connector, Credentials, OptionSpec, Wiring};
pub use error::{Error, ErrorKind};
pub use meaning::{Judge, Meaning, Said};
pub use outside::{Clock, Outside};
pub use registry::{ManifestSource, Registry};
pub use secrets::{Override, ProcessSecrets, SecretSource};

use crate::model::{Coverage, Email, FieldName, LiveAccount, LiveGroup, LiveMember, Notice, Values, Vocabulary};
pub use crate::{budget::Lane, model::AccountGroup};

/// Stands as an account's status where a row does not show it, so that it has to be read on its own.
pub const STATUS_NOT_SHOWN: &str = "not shown";

/// What came of listing something.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing<T> {
    /// What was seen, in the order of the API.
    pub rows: Vec<T>,
    /// Whether that is all.
    pub coverage: Coverage,
}

impl<T> Listing<T> {
    /// All there is.
    fn complete(rows: Vec<T>) -> Self {
        Self { rows, coverage: Coverage::Complete }
    }

    /// Both together.
    fn and(mut self, other: Self) -> Self {
        self.rows.extend(other.rows);
        self.coverage = self.coverage.and(other.coverage);
        self
    }

    /// What the rows stand for. A row that cannot be understood makes the list incomplete.
    fn parse<U>(self, parse: impl Fn(&T) -> Result<U, String>) -> Listing<U> {
        let mut parsed = Listing { rows: Vec::with_capacity(self.rows.len()), coverage: self.coverage };
        for row in &self.rows {
            match parse(row) {
                Ok(value) => parsed.rows.push(value),
                Err(lacks) => parsed.coverage = parsed.coverage.and(Coverage::Incomplete(lacks)),
            }
        }
        parsed
    }
}

/// Reading an app. Every call waits for the budget and draws on it; `lane` says how urgent it is.
#[async_trait]
pub trait Reader: App {
    /// All accounts, with what a row of the list holds.
    ///
    /// # Errors
    /// When nothing could be read. A list that breaks off in the middle is an incomplete listing, not an error.
    async fn accounts(&self, lane: Lane) -> Result<Listing<LiveAccount>, Error>;

    /// One account, with everything the API tells of it; `None` when there is none with this id.
    ///
    /// # Errors
    /// When the app does not answer, or not in a way that can be understood.
    async fn account(&self, id: &str, lane: Lane) -> Result<Option<LiveAccount>, Error>;

    /// The accounts whose address equals `email`, compared as identities. Where the API has no query this is a sweep,
    /// and the coverage says whether not finding anything means something.
    ///
    /// # Errors
    /// As [`Reader::account`].
    async fn find(&self, email: &Email, lane: Lane) -> Result<Listing<LiveAccount>, Error>;

    /// The accounts that have one of these addresses. Where only a sweep can tell, it is one sweep, and it ends at the first
    /// account found: it says nothing then about the other addresses.
    ///
    /// # Errors
    /// As [`Reader::account`].
    async fn find_any(&self, emails: &[Email], lane: Lane) -> Result<Listing<LiveAccount>, Error> {
        let mut found = Listing::complete(Vec::new());
        for email in emails {
            found = found.and(self.find(email, lane).await?);
            if !found.rows.is_empty() && !self.semantics().find.asks() {
                break;
            }
        }
        Ok(found)
    }

    /// Whether [`Reader::find`] asks a query and not the whole list, as far as is known by now.
    fn asks(&self) -> bool {
        self.semantics().find.asks()
    }

    /// All groups, without their members. Empty and complete where the API cannot list groups.
    ///
    /// # Errors
    /// As [`Reader::accounts`].
    async fn groups(&self, lane: Lane) -> Result<Listing<LiveGroup>, Error>;

    /// The members of a group, where members are read per group.
    ///
    /// # Errors
    /// As [`Reader::accounts`].
    async fn members(&self, group_id: &str, lane: Lane) -> Result<Listing<LiveMember>, Error>;

    /// Whether some group has shown a member by now, so that groups whose empty list was merely believed are empty.
    fn shows_members(&self) -> bool {
        false
    }

    /// An earlier run saw a group show a member, so that [`Reader::shows_members`] holds from the start.
    fn recall_shown_members(&self) {}

    /// The groups of an account, where members are read per account.
    ///
    /// # Errors
    /// As [`Reader::accounts`].
    async fn memberships(&self, account_id: &str, lane: Lane) -> Result<Listing<AccountGroup>, Error>;

    /// The memberships of one account in a group, where members are read per group. Where the API cannot ask for one, this
    /// is the whole list: who calls looks for the account in it.
    ///
    /// # Errors
    /// As [`Reader::accounts`].
    async fn member(&self, group_id: &str, _who: &Joiner, lane: Lane) -> Result<Listing<LiveMember>, Error> {
        self.members(group_id, lane).await
    }

    /// Names that the app has for values of these fields; of fields that it takes as they are, nothing.
    ///
    /// # Errors
    /// As [`Reader::accounts`].
    async fn vocabulary(&self, _fields: &Looked<'_>, _lane: Lane) -> Result<Vocabulary, Error> {
        Ok(Vocabulary::default())
    }

    /// The id of the account that our own credential acts as, where that is known once the accounts were read.
    fn own_account(&self) -> Option<Arc<str>> {
        None
    }

    /// What was come across so far that a person should know, sorted.
    fn notices(&self) -> Vec<Notice> {
        Vec::new()
    }
}

/// Managed fields, whose names may have to be looked up.
#[derive(Debug, Clone, Copy)]
pub struct Looked<'a> {
    /// Of accounts.
    pub accounts: &'a BTreeSet<FieldName>,
    /// Of memberships.
    pub members: &'a BTreeSet<FieldName>,
}

/// Who joins a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Joiner {
    /// The account's id; none where joining makes the account.
    pub id: Option<Arc<str>>,
    /// The account's address.
    pub email: Email,
    /// Fields of the account, for a joining that makes it.
    pub values: Values,
}

impl Joiner {
    /// An account that is there.
    pub fn known(id: impl Into<Arc<str>>, email: Email) -> Self {
        Self { id: Some(id.into()), email, values: Values::new() }
    }
}

/// Changing an app. Each call sends its write once: whoever calls decides what an unknown outcome means.
#[async_trait]
pub trait Writer: Reader {
    /// Carries out one write.
    ///
    /// # Errors
    /// When it was refused, or when it is not known whether it took effect ([`Error::outcome_unknown`]).
    async fn write(&self, write: &Write, lane: Lane) -> Result<Written, Error>;

    /// Carries out several writes in one request: additions to one group, or removals from one, as many as the semantics
    /// say. What became of each is in the order of `writes`.
    ///
    /// # Errors
    /// When the request as a whole was refused, or when it is not known whether it took effect.
    async fn write_together(&self, writes: &[Write], lane: Lane) -> Result<Vec<Result<Written, Error>>, Error> {
        Ok(self.one_by_one(writes, lane).await)
    }

    /// Carries out several writes, each in a request of its own.
    async fn one_by_one(&self, writes: &[Write], lane: Lane) -> Vec<Result<Written, Error>> {
        let mut results = Vec::with_capacity(writes.len());
        for write in writes {
            results.push(self.write(write, lane).await);
        }
        results
    }
}

/// One write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Write {
    /// Makes an account.
    CreateAccount {
        /// Its login.
        email: Email,
        /// Every field to send.
        values: Values,
    },
    /// Changes fields of an account, its address among them.
    UpdateAccount {
        /// Which.
        id: Arc<str>,
        /// The fields to change.
        values: Values,
        /// The address it gets.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        email: Option<Email>,
    },
    /// Makes an account inactive.
    Deactivate {
        /// Which.
        id: Arc<str>,
    },
    /// Makes an inactive account active.
    Reactivate {
        /// Which.
        id: Arc<str>,
    },
    /// Removes an account for good.
    DeleteAccount {
        /// Which.
        id: Arc<str>,
    },
    /// Puts an account into a group.
    AddMember {
        /// Which group.
        group: Arc<str>,
        /// Which account.
        who: Joiner,
        /// Fields of the membership, its role among them.
        values: Values,
    },
    /// Changes fields of a membership.
    ChangeMember {
        /// Which group.
        group: Arc<str>,
        /// Which account.
        account: Arc<str>,
        /// The fields to change.
        values: Values,
    },
    /// Takes an account out of a group.
    RemoveMember {
        /// Which group.
        group: Arc<str>,
        /// Which account.
        account: Arc<str>,
    },
    /// Makes a group.
    CreateGroup {
        /// Its name.
        name: Arc<str>,
        /// Every field to send.
        values: Values,
    },
    /// Changes fields of a group.
    UpdateGroup {
        /// Which.
        id: Arc<str>,
        /// The fields to change.
        values: Values,
    },
    /// Removes a group.
    DeleteGroup {
        /// Which.
        id: Arc<str>,
    },
}

/// What the app answered to a write.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Written {
    /// The id of what was made.
    pub id: Option<Arc<str>>,
    /// The account as the answer shows it, when it shows one.
    pub account: Option<LiveAccount>,
    /// The answer proves the effect: it carries the fields that were written. Otherwise they have to be read back.
    pub proven: bool,
}
