//! The engine: reads an app as its manifest says. `writes` is the other half.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use serde_json::Value;

use super::{
    dictionary::{Dictionary, Translation, Wording},
    manifest::{Call, Groups, Manifest, MemberList, Names, Naming, Records},
    rows, shape,
    template::{Bindings, need, text},
};
use crate::{
    budget::Lane,
    connectors::{
        AccountGroup, Error, ErrorKind, Listing, Looked, OverHttp, Reader, STATUS_NOT_SHOWN,
        http::{HttpClient, Method, Request},
        row_limit::ListName,
    },
    model::{
        AccountStatus, Coverage, Email, FieldName, LiveAccount, LiveGroup, LiveMember, Notice, Options, Reach,
        Semantics, Severity, Vocabulary,
    },
};

/// The names that a lookup gave, or why it gave none.
pub(super) type LookedUp = Result<Arc<Dictionary>, Arc<Error>>;

/// An app, read and written by its manifest.
#[derive(Debug)]
pub struct RestConnector {
    pub(super) manifest: Manifest,
    pub(super) http: HttpClient,
    semantics: Arc<Semantics>,
    options: Options,
    /// Fields whose names are worth a request, of accounts and of memberships.
    wanted: [BTreeSet<FieldName>; 2],
    /// By the lookup's name. The lock is held while one is read, so that it is read once.
    pub(super) dictionaries: tokio::sync::Mutex<BTreeMap<String, LookedUp>>,
    notices: Mutex<BTreeSet<Notice>>,
}

/// Whether a row is all that is sought.
pub(super) type Enough<'a> = &'a (dyn Fn(&Value) -> bool + Send + Sync);

/// No row is.
pub(super) const TO_THE_END: Enough<'static> = &|_| false;

/// The list of all accounts.
const ACCOUNTS: Option<ListName> = Some(ListName::Accounts);

impl RestConnector {
    /// A connector that speaks through `http`, whose base is that of the manifest. `semantics` are the manifest's with
    /// what `options` add; `managed` are the fields whose names matter.
    pub fn new(
        manifest: Manifest,
        semantics: Arc<Semantics>,
        http: HttpClient,
        options: Options,
        managed: Looked<'_>,
    ) -> Self {
        let mut wanted = [managed.accounts.clone(), managed.members.clone()];
        // Who is an admin has to be told whatever is managed.
        wanted[0].extend(semantics.role.iter().filter(|role| !role.admin.is_empty()).map(|role| role.field()));
        Self {
            manifest,
            http,
            semantics,
            options,
            wanted,
            dictionaries: tokio::sync::Mutex::default(),
            notices: Mutex::default(),
        }
    }

    pub(super) fn bindings(&self, pairs: &[(&'static str, &str)]) -> Bindings<'static> {
        let mut bindings = self.manifest.options.bindings(&self.options);
        bindings.extend(pairs.iter().map(|(name, value)| (Cow::Borrowed(*name), Value::from(*value))));
        bindings
    }

    pub(super) fn request(&self, call: &Call, bindings: &Bindings<'_>) -> Result<Request, Error> {
        let path = call
            .path
            .path(bindings)
            .map_err(|wrong| self.http.error(&Request::new(call.method, "…"), ErrorKind::Setup, None, &wrong))?;
        let mut request = Request::new(call.method, path);
        let query = call.query.iter().filter_map(|(name, value)| Some((name.to_string(), value.text(bindings)?)));
        request.query = query.collect();
        request.body = call.body.as_ref().and_then(|body| body.fill(bindings));
        Ok(request)
    }

    /// How the values of fields are translated, with a look at the app's names where `wanted` needs them.
    pub(super) async fn translation(&self, naming: &Naming, wanted: &BTreeSet<FieldName>, lane: Lane) -> Translation {
        let mut translation = Translation::default();
        for (field, names) in naming {
            let wording = match names {
                Names::Fixed(names) => Wording::Fixed(names.clone()),
                Names::Lookup(_) if !wanted.contains(field) => Wording::Unknown(None),
                Names::Lookup(lookup) => match self.dictionary(lookup, lane).await {
                    Ok(dictionary) => Wording::Looked(dictionary),
                    Err(error) => Wording::Unknown(Some(error)),
                },
            };
            translation.0.insert(field.clone(), wording);
        }
        translation
    }

    async fn account_words(&self, lane: Lane) -> Translation {
        let words = self.translation(&self.manifest.accounts.records.naming, &self.wanted[0], lane).await;
        self.check_admin_roles(&words);
        words
    }

    async fn member_words(&self, lane: Lane) -> Translation {
        self.translation(&self.manifest.members.naming, &self.wanted[1], lane).await
    }

    /// A misspelt name of an admin role would make nobody an admin, and nobody would notice.
    fn check_admin_roles(&self, words: &Translation) {
        let Some(rule) = &self.semantics.role else { return };
        let Some(Wording::Looked(dictionary)) = words.0.get(&rule.field()) else { return };
        for role in &rule.admin {
            if let Err(why) = dictionary.wire(role) {
                self.note(format!(
                    "the admin role `{role}` cannot be told from others, so its admins are not seen: {why}"
                ));
            }
        }
    }

    pub(super) fn note(&self, message: String) {
        let notice = Notice { severity: Severity::Warning, group: None, message };
        // A poisoned lock still holds whole entries: inserting one cannot leave the set half-changed.
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).insert(notice);
    }

    /// One record as the app sends it; `None` when there is none.
    pub(super) async fn raw(&self, of: &Records, id: &str, lane: Lane) -> Result<Option<Value>, Error> {
        let read = of.read.as_ref().ok_or_else(|| self.lacks("read what is to be changed"))?;
        let request = self.request(read, &self.bindings(&[(of.kind.id, id)]))?;
        let judge = |status, body: &[u8]| read.answers.judge(status, body, |_| true);
        let is_it = |body: &Value| text(&of.id, of.unwrap(body)).as_deref() == Some(id);
        let answer =
            shape::one(&self.http, &request, self.http.read_judged(&request, lane, &judge).await, "one", is_it)?;
        Ok(answer.and_then(|answer| answer.body).map(|body| of.unwrap(&body).clone()))
    }

    /// The error for something that the manifest does not provide. Planning makes such actions manual.
    pub(super) fn lacks(&self, what: &str) -> Error {
        let detail = format!("the manifest of {} has no way to {what}", self.semantics.connector);
        self.http.error(&Request::new(Method::Post, "…"), ErrorKind::Unsupported, None, &detail)
    }

    fn parse_group(&self, row: &Value) -> Result<LiveGroup, String> {
        let Groups { records, automatic, .. } = &self.manifest.groups;
        let name = need("group", &records.name, row)?;
        let reach = automatic.get(&name).map_or(Reach::Full, |why| Reach::ReadOnly(why.clone()));
        Ok(LiveGroup {
            id: need("group", &records.id, row)?,
            values: rows::values(&records.fields, &Translation::default(), row),
            members: Vec::new(),
            coverage: Coverage::Incomplete("its members were not read".into()),
            name,
            reach,
        })
    }
}

impl OverHttp for RestConnector {
    fn declared(&self) -> &Arc<Semantics> {
        &self.semantics
    }

    fn clients(&self) -> Vec<&HttpClient> {
        vec![&self.http]
    }
}

#[async_trait]
impl Reader for RestConnector {
    async fn accounts(&self, lane: Lane) -> Result<Listing<LiveAccount>, Error> {
        // A reading starts here, and sees what is called how now.
        self.dictionaries.lock().await.clear();
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let accounts = &self.manifest.accounts;
        let rows =
            self.list(ACCOUNTS, &accounts.list, &accounts.records.id, &self.bindings(&[]), lane, TO_THE_END).await?;
        let words = self.account_words(lane).await;
        Ok(rows.parse(|row| accounts.parse(row, &words)))
    }

    async fn account(&self, id: &str, lane: Lane) -> Result<Option<LiveAccount>, Error> {
        let accounts = &self.manifest.accounts;
        let Some(row) = self.raw(&accounts.records, id, lane).await? else { return Ok(None) };
        let words = self.account_words(lane).await;
        accounts.parse(&row, &words).map(Some).map_err(|lacks| {
            let request = Request::new(Method::Get, format!("…/{id}"));
            self.http.error(&request, ErrorKind::Malformed, None, &lacks)
        })
    }

    async fn find(&self, email: &Email, lane: Lane) -> Result<Listing<LiveAccount>, Error> {
        self.find_any(std::slice::from_ref(email), lane).await
    }

    async fn find_any(&self, emails: &[Email], lane: Lane) -> Result<Listing<LiveAccount>, Error> {
        let accounts = &self.manifest.accounts;
        let is_it = |row: &Value| accounts.email_of(row).is_some_and(|found| emails.contains(&found));
        let rows = match &accounts.find {
            // A query may answer with what merely resembles; all of it is looked at.
            Some(find) => {
                let mut found = Listing::complete(Vec::new());
                for email in emails {
                    let bindings = self.bindings(&[("email", email.as_str())]);
                    found = found.and(self.list(None, find, &accounts.records.id, &bindings, lane, TO_THE_END).await?);
                }
                found
            }
            // An address belongs to one account, so that a sweep need not go on behind it.
            None => {
                self.list(ACCOUNTS, &accounts.list, &accounts.records.id, &self.bindings(&[]), lane, &is_it).await?
            }
        };
        let words = self.account_words(lane).await;
        let mut found = rows.parse(|row| accounts.parse(row, &words));
        found.rows.retain(|account| emails.contains(&account.email));
        for account in &mut found.rows {
            // Rows of a search may be sparse, and whether the account can be used decides what is done with it.
            if account.status == AccountStatus::Unknown(STATUS_NOT_SHOWN.into())
                && let Some(full) = self.account(&account.id, lane).await?
            {
                *account = full;
            }
        }
        Ok(found)
    }

    async fn groups(&self, lane: Lane) -> Result<Listing<LiveGroup>, Error> {
        let Some(list) = &self.manifest.groups.list else {
            return Ok(Listing::complete(Vec::new()));
        };
        let (id, bindings) = (&self.manifest.groups.records.id, self.bindings(&[]));
        let rows = self.list(None, list, id, &bindings, lane, TO_THE_END).await?;
        Ok(rows.parse(|row| self.parse_group(row)))
    }

    async fn members(&self, group_id: &str, lane: Lane) -> Result<Listing<LiveMember>, Error> {
        let members = &self.manifest.members;
        let Some(MemberList::PerGroup(list, keys)) = &members.list else {
            return Err(self.lacks("read the members of a group"));
        };
        let (name, bindings) = (ListName::Members(group_id.to_owned()), self.bindings(&[("group.id", group_id)]));
        let rows = self.list(Some(name), list, &keys.id, &bindings, lane, TO_THE_END).await?;
        let words = self.member_words(lane).await;
        Ok(rows.parse(|row| {
            let values = rows::values(&members.fields, &words, row);
            let email = keys.email.as_ref().and_then(|path| path.get(row)?.as_str()).map(Email::lenient);
            Ok(LiveMember { email, ..LiveMember::new(need("member", &keys.id, row)?, values) })
        }))
    }

    async fn memberships(&self, account_id: &str, lane: Lane) -> Result<Listing<AccountGroup>, Error> {
        let members = &self.manifest.members;
        let Some(MemberList::PerAccount(list, keys)) = &members.list else {
            return Err(self.lacks("read the groups of an account"));
        };
        let bindings = self.bindings(&[("account.id", account_id)]);
        let rows = self.list(None, list, &keys.id, &bindings, lane, TO_THE_END).await?;
        let words = self.member_words(lane).await;
        Ok(rows.parse(|row| {
            let need = |path| need("membership", path, row);
            let member = LiveMember::new(account_id.into(), rows::values(&members.fields, &words, row));
            Ok(AccountGroup { group_id: need(&keys.id)?, group_name: need(&keys.name)?, member })
        }))
    }

    async fn vocabulary(&self, fields: &Looked<'_>, lane: Lane) -> Result<Vocabulary, Error> {
        let mut vocabulary = Vocabulary::default();
        let Manifest { accounts, members, .. } = &self.manifest;
        for (naming, fields, words) in [
            (&accounts.records.naming, fields.accounts, &mut vocabulary.accounts),
            (&members.naming, fields.members, &mut vocabulary.members),
        ] {
            for (field, names) in naming.iter().filter(|(field, _)| fields.contains(*field)) {
                let Names::Lookup(lookup) = names else { continue };
                let dictionary = self.dictionary(lookup, lane).await.map_err(|error| Error::clone(&error))?;
                words.insert(field.clone(), dictionary.vocabulary());
            }
        }
        Ok(vocabulary)
    }

    fn notices(&self) -> Vec<Notice> {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let missing = self.http.missing_scopes();
        if !missing.is_empty() {
            notices.insert(Notice {
                severity: Severity::Warning,
                group: None,
                message: format!(
                    "the app granted fewer scopes than were asked for, so that some requests may be refused; \
                     have {} granted to the credential, or set `auth.scopes` to what it has",
                    missing.join(", ")
                ),
            });
        }
        notices.into_iter().collect()
    }
}
