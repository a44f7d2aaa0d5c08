//! The engine: reads and writes an app as its manifest says.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{
    manifest::{Call, Change, List, Manifest, MemberList},
    paging::{Follow, Sweep, Verdict},
    rows::{self, echoes, put, text, wire_value},
    template::{Bindings, Dotted},
};
use crate::{
    budget::Lane,
    connectors::{
        AccountGroup, Error, ErrorKind, Listing, Reader, Write, Writer, Written,
        http::{Answer, HttpClient, Method, Request},
    },
    model::{Coverage, Email, LiveAccount, LiveGroup, LiveMember, Reach, Semantics, Values},
};

/// How often a list that moves under the reader is read before it is called incomplete.
const SWEEPS: u32 = 3;

/// An app, read and written by its manifest.
#[derive(Debug)]
pub struct RestConnector {
    manifest: Manifest,
    http: HttpClient,
    options: BTreeMap<Arc<str>, Value>,
}

/// Rows that a call returned.
type Rows = Listing<Value>;

impl RestConnector {
    /// A connector that speaks through `http`, whose base is [`Manifest::base_url`].
    pub fn new(manifest: Manifest, http: HttpClient, options: BTreeMap<Arc<str>, Value>) -> Self {
        Self { manifest, http, options }
    }

    fn bindings(&self, pairs: &[(&'static str, &str)]) -> Bindings<'static> {
        let options = self.options.iter().map(|(name, value)| (Cow::Owned(format!("options.{name}")), value.clone()));
        let pairs = pairs.iter().map(|(name, value)| (Cow::Borrowed(*name), Value::from(*value)));
        options.chain(pairs).collect()
    }

    fn request(&self, call: &Call, bindings: &Bindings<'_>) -> Result<Request, Error> {
        let path = call
            .path
            .path(bindings)
            .map_err(|wrong| self.http.error(&Request::new(call.method, "…"), ErrorKind::Setup, None, &wrong))?;
        let mut request = Request::new(call.method, path);
        let query = call.query.iter().filter_map(|(name, value)| Some((name.clone(), value.text(bindings)?)));
        request.query = query.collect();
        request.body = call.body.as_ref().and_then(|body| body.fill(bindings));
        Ok(request)
    }

    /// Reads a list to its end, again where it moved meanwhile, but never endlessly. Stops early once `enough` says so.
    async fn list(
        &self,
        list: &List,
        key: &Dotted,
        bindings: &Bindings<'_>,
        lane: Lane,
        enough: impl Fn(&Value) -> bool + Send + Sync,
    ) -> Result<Rows, Error> {
        let request = self.request(&list.call, bindings)?;
        // Rows of all sweeps by identity, the newest sight of each: where a list moves, one sweep misses what the next sees.
        let mut seen: BTreeMap<String, Value> = BTreeMap::new();
        let mut reason = String::new();
        for round in 0..SWEEPS {
            let mut sweep = Sweep::new(list.paging.as_ref(), &list.items, key);
            let broke_off = loop {
                let at_start = sweep.at_start();
                let page = self.page(&request, &sweep, list, lane).await;
                let taken = page.and_then(|mut body| {
                    // Looked at before it is taken apart.
                    let found =
                        list.items.get(&body).and_then(Value::as_array).into_iter().flatten().find(|row| enough(row));
                    let found = found.cloned();
                    let follow = sweep
                        .take(&mut body)
                        .map_err(|wrong| self.http.error(&request, ErrorKind::Malformed, None, &wrong))?;
                    Ok((follow, found))
                });
                match taken {
                    Ok((_, Some(found))) => return Ok(Rows { rows: vec![found], coverage: Coverage::Complete }),
                    Ok((Follow::More, None)) => {}
                    Ok((Follow::Done, None)) => break None,
                    Err(error) if at_start && round == 0 => return Err(error),
                    Err(error) => break Some(error.to_string()),
                }
            };
            let (rows, verdict) = sweep.finish();
            match (broke_off, verdict) {
                (None, Verdict::Complete) => return Ok(Rows { rows, coverage: Coverage::Complete }),
                (None, Verdict::Moved(why)) => {
                    merge(&mut seen, rows, key);
                    reason = why;
                }
                (Some(why), _) | (None, Verdict::Broken(why)) => {
                    merge(&mut seen, rows, key);
                    reason = why;
                    break;
                }
            }
        }
        let reason = format!("{} {}: {reason}", request.method.as_str(), request.path);
        Ok(Rows { rows: seen.into_values().collect(), coverage: Coverage::Incomplete(reason) })
    }

    async fn page(&self, request: &Request, sweep: &Sweep<'_>, list: &List, lane: Lane) -> Result<Value, Error> {
        let mut request = request.clone();
        for (name, value) in sweep.query() {
            // A link repeats the parameters of the first page; each is sent once.
            request.query.retain(|(other, _)| *other != name);
            request.query.push((name, value));
        }
        let answer = self.http.read(&request, lane).await.map_err(|error| lacking(&list.call, error))?;
        Ok(answer.body.unwrap_or(Value::Null))
    }

    /// Turns rows into what they stand for. A row that cannot be understood makes the list incomplete.
    fn parse<T>(rows: Rows, parse: impl Fn(&Value) -> Result<T, String>) -> Listing<T> {
        let mut parsed = Vec::with_capacity(rows.rows.len());
        let mut coverage = rows.coverage;
        for row in &rows.rows {
            match parse(row) {
                Ok(value) => parsed.push(value),
                Err(lacks) => coverage = coverage.and(Coverage::Incomplete(lacks)),
            }
        }
        Listing { rows: parsed, coverage }
    }

    /// One account as the app sends it; `None` when there is none.
    async fn raw_account(&self, id: &str, lane: Lane) -> Result<Option<Value>, Error> {
        let accounts = &self.manifest.accounts;
        let request = self.request(&accounts.read, &self.bindings(&[("account.id", id)]))?;
        let answer = match self.http.read(&request, lane).await {
            Ok(answer) => answer,
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let row = unwrap(answer.body.unwrap_or(Value::Null), accounts.wrap.as_deref());
        if text(&accounts.id, &row).as_deref() != Some(id) {
            let detail = "the answer is about another account, or does not say about which";
            return Err(self.http.error(&request, ErrorKind::Malformed, Some(answer.status), detail));
        }
        Ok(Some(row))
    }

    /// Sends a write and judges the answer.
    async fn send(&self, call: &Call, request: &Request, lane: Lane) -> Result<Answer, Error> {
        let answer = self.http.write(request, lane).await.map_err(|error| {
            let duplicate = error.status.is_some_and(|status| call.duplicate.contains(&status));
            if duplicate { Error { kind: ErrorKind::Duplicate, ..error } } else { lacking(call, error) }
        })?;
        for (path, value) in &call.expect {
            let said = answer.body.as_ref().and_then(|body| path.get(body));
            let refusal = |kind, detail: &str| Err(self.http.error(request, kind, Some(answer.status), detail));
            match said {
                Some(said) if said == value => {}
                Some(said) => {
                    return refusal(ErrorKind::Refused, &format!("`{path}` in the answer is {said}, not {value}"));
                }
                None => return refusal(ErrorKind::Unknown, &format!("the answer does not say `{path}: {value}`")),
            }
        }
        Ok(answer)
    }

    /// The error for something that the manifest does not provide. Planning makes such actions manual.
    fn lacks(&self, what: &str) -> Error {
        let detail = format!("the manifest of {} has no way to {what}", self.manifest.semantics.connector);
        self.http.error(&Request::new(Method::Post, "…"), ErrorKind::Unsupported, None, &detail)
    }

    fn unmapped(&self, request: &Request, field: &str) -> Error {
        let detail = format!("the manifest of {} does not map the field `{field}`", self.manifest.semantics.connector);
        self.http.error(request, ErrorKind::Setup, None, &detail)
    }

    async fn create_account(&self, email: &Email, values: &Values, lane: Lane) -> Result<Written, Error> {
        let accounts = &self.manifest.accounts;
        let call = accounts.create.as_ref().ok_or_else(|| self.lacks("create an account"))?;
        let mut bindings = self.bindings(&[("email", email.as_str())]);
        for (name, value) in values {
            bindings.insert(Cow::Owned(name.to_string()), wire_value(name, value, &accounts.role));
        }
        let mut request = self.request(call, &bindings)?;
        if call.body.is_none() {
            let mut body = json!({});
            accounts.email.set(&mut body, Value::from(email.as_str()));
            put(&mut body, &accounts.fields, &accounts.role, values)
                .map_err(|field| self.unmapped(&request, &field))?;
            request.body = Some(wrap(body, accounts.wrap.as_deref()));
        }
        let answer = self.send(call, &request, lane).await?;
        let sent = unwrap(request.body.unwrap_or(Value::Null), accounts.wrap.as_deref());
        let echo = answer.body.map(|body| unwrap(body, accounts.wrap.as_deref()));
        let id = echo.as_ref().and_then(|echo| text(&accounts.id, echo));
        let account = echo.as_ref().and_then(|echo| accounts.parse(echo).ok());
        let proven = answer.status != ACCEPTED
            && id.is_some()
            && account.as_ref().is_some_and(|account| account.email == *email)
            && echo.is_some_and(|echo| {
                // Apps may echo an address in another case; it has been compared as an identity.
                let mut sent = sent;
                if let Some(email) = accounts.email.get(&echo).filter(|_| accounts.same_email(&sent, &echo)) {
                    accounts.email.set(&mut sent, email.clone());
                }
                echoes(&sent, &echo)
            });
        Ok(Written { id, account, proven })
    }

    /// Changes an account: a part of it, or all of it with what it had before.
    async fn change_account(
        &self,
        id: &str,
        change: impl Fn(&mut Value) -> Result<(), Arc<str>> + Send + Sync,
        lane: Lane,
    ) -> Result<Written, Error> {
        let accounts = &self.manifest.accounts;
        let update = accounts.update.as_ref().ok_or_else(|| self.lacks("change an account"))?;
        let mut request = self.request(&update.call, &self.bindings(&[("account.id", id)]))?;
        let mut changed = json!({});
        change(&mut changed).map_err(|field| self.unmapped(&request, &field))?;
        let mut body = changed.clone();
        if update.replace {
            let missing = || self.http.error(&request, ErrorKind::NotFound, None, "there is no such account any more");
            body = self.raw_account(id, lane).await?.ok_or_else(missing)?;
            for path in &update.omit {
                path.remove(&mut body);
            }
            change(&mut body).map_err(|field| self.unmapped(&request, &field))?;
        }
        request.body = Some(wrap(body, accounts.wrap.as_deref()));
        let answer = self.send(&update.call, &request, lane).await?;
        let echo = answer.body.map(|body| unwrap(body, accounts.wrap.as_deref()));
        let same = |echo: &Value| text(&accounts.id, echo).is_none_or(|echoed| &*echoed == id);
        let proven =
            answer.status != ACCEPTED && echo.as_ref().is_some_and(|echo| same(echo) && echoes(&changed, echo));
        Ok(Written { id: Some(id.into()), account: echo.and_then(|echo| accounts.parse(&echo).ok()), proven })
    }

    async fn set_status(&self, id: &str, change: Option<&Change>, what: &str, lane: Lane) -> Result<Written, Error> {
        let accounts = &self.manifest.accounts;
        match change {
            None => Err(self.lacks(what)),
            Some(Change::Set(status)) => {
                let word = accounts.status_word(status).cloned().unwrap_or(Value::Null);
                let set = |body: &mut Value| {
                    if let Some(path) = &accounts.status {
                        path.set(body, word.clone());
                    }
                    Ok(())
                };
                self.change_account(id, set, lane).await
            }
            Some(Change::Call(call)) => {
                let request = self.request(call, &self.bindings(&[("account.id", id)]))?;
                let answer = self.send(call, &request, lane).await?;
                let account = answer.body.and_then(|body| accounts.parse(&unwrap(body, accounts.wrap.as_deref())).ok());
                Ok(Written { id: Some(id.into()), account, proven: false })
            }
        }
    }

    /// A deletion. Only an answer that says what the manifest expects proves it.
    async fn delete(&self, call: &Call, bindings: &Bindings<'_>, lane: Lane) -> Result<Written, Error> {
        let request = self.request(call, bindings)?;
        let answer = self.send(call, &request, lane).await?;
        Ok(Written { proven: answer.status != ACCEPTED && !call.expect.is_empty(), ..Written::default() })
    }

    async fn write_member(
        &self,
        call: &Call,
        group: &str,
        account: &str,
        values: &Values,
        lane: Lane,
    ) -> Result<Written, Error> {
        let members = &self.manifest.members;
        let mut bindings = self.bindings(&[("group.id", group), ("account.id", account)]);
        for (name, value) in values {
            bindings.insert(Cow::Owned(name.to_string()), wire_value(name, value, &members.role));
        }
        let request = self.request(call, &bindings)?;
        if let Some(field) = values.keys().find(|name| !members.fields.0.contains_key(*name)) {
            return Err(self.unmapped(&request, field));
        }
        let answer = self.send(call, &request, lane).await?;
        let proven = answer.status != ACCEPTED
            && request.body.as_ref().zip(answer.body.as_ref()).is_some_and(|(sent, echo)| echoes(sent, echo));
        Ok(Written { proven, ..Written::default() })
    }

    async fn write_group(
        &self,
        call: &Call,
        id: Option<&str>,
        name: Option<&str>,
        values: &Values,
        lane: Lane,
    ) -> Result<Written, Error> {
        let groups = &self.manifest.groups;
        let mut pairs = Vec::new();
        pairs.extend(id.map(|id| ("group.id", id)));
        pairs.extend(name.map(|name| ("group.name", name)));
        let mut bindings = self.bindings(&pairs);
        let plain = super::manifest::RoleNames::default();
        for (field, value) in values {
            bindings.insert(Cow::Owned(field.to_string()), wire_value(field, value, &plain));
        }
        let mut request = self.request(call, &bindings)?;
        if call.body.is_none() {
            let mut body = json!({});
            if let Some(name) = name {
                groups.name.set(&mut body, Value::from(name));
            }
            put(&mut body, &groups.fields, &plain, values).map_err(|field| self.unmapped(&request, &field))?;
            request.body = Some(wrap(body, groups.wrap.as_deref()));
        }
        let answer = self.send(call, &request, lane).await?;
        let sent = unwrap(request.body.unwrap_or(Value::Null), groups.wrap.as_deref());
        let echo = answer.body.map(|body| unwrap(body, groups.wrap.as_deref()));
        let made = echo.as_ref().and_then(|echo| text(&groups.id, echo));
        let proven = answer.status != ACCEPTED
            && (id.is_some() || made.is_some())
            && echo.is_some_and(|echo| echoes(&sent, &echo));
        Ok(Written { id: id.map(Arc::from).or(made), account: None, proven })
    }

    fn parse_group(&self, row: &Value) -> Result<LiveGroup, String> {
        let groups = &self.manifest.groups;
        let need = |path: &Dotted| text(path, row).ok_or_else(|| format!("a group has no `{path}`"));
        let plain = super::manifest::RoleNames::default();
        Ok(LiveGroup {
            id: need(&groups.id)?,
            name: need(&groups.name)?,
            values: rows::values(&groups.fields, &plain, row),
            members: Vec::new(),
            coverage: Coverage::Incomplete("its members were not read".into()),
            reach: Reach::Full,
        })
    }
}

/// Accepted is not done.
const ACCEPTED: u16 = 202;

fn wrap(body: Value, key: Option<&str>) -> Value {
    match key {
        Some(key) => json!({ key: body }),
        None => body,
    }
}

fn unwrap(mut body: Value, key: Option<&str>) -> Value {
    match key.and_then(|key| body.get_mut(key)) {
        Some(inner) => inner.take(),
        None => body,
    }
}

/// Where versions of an app lack a call, its absence is no error of the request.
fn lacking(call: &Call, error: Error) -> Error {
    let absent = matches!(error.kind, ErrorKind::NotFound | ErrorKind::Unsupported);
    if call.may_lack && absent { Error { kind: ErrorKind::Unsupported, ..error } } else { error }
}

fn merge(seen: &mut BTreeMap<String, Value>, rows: Vec<Value>, key: &Dotted) {
    for row in rows {
        if let Some(key) = text(key, &row) {
            seen.insert(key.to_string(), row);
        }
    }
}

#[async_trait]
impl Reader for RestConnector {
    fn app(&self) -> &str {
        self.http.app()
    }

    fn semantics(&self) -> &Arc<Semantics> {
        &self.manifest.semantics
    }

    fn requests(&self) -> u64 {
        self.http.requests()
    }

    fn hurry(&self) {
        self.http.hurry();
    }

    async fn accounts(&self, lane: Lane) -> Result<Listing<LiveAccount>, Error> {
        let accounts = &self.manifest.accounts;
        let rows = self.list(&accounts.list, &accounts.id, &self.bindings(&[]), lane, |_| false).await?;
        Ok(Self::parse(rows, |row| accounts.parse(row)))
    }

    async fn account(&self, id: &str, lane: Lane) -> Result<Option<LiveAccount>, Error> {
        let Some(row) = self.raw_account(id, lane).await? else { return Ok(None) };
        let accounts = &self.manifest.accounts;
        let account = accounts.parse(&row).map_err(|lacks| {
            let request = Request::new(Method::Get, format!("…/{id}"));
            self.http.error(&request, ErrorKind::Malformed, None, &lacks)
        })?;
        Ok(Some(account))
    }

    async fn find(&self, email: &Email, lane: Lane) -> Result<Listing<LiveAccount>, Error> {
        let accounts = &self.manifest.accounts;
        let is_it = |row: &Value| accounts.parse(row).is_ok_and(|account| account.email == *email);
        let bindings = self.bindings(&[("email", email.as_str())]);
        let rows = match &accounts.find {
            // A query may answer with what merely resembles; all of it is looked at.
            Some(find) => self.list(find, &accounts.id, &bindings, lane, |_| false).await?,
            // An address belongs to one account, so that a sweep need not go on behind it.
            None => self.list(&accounts.list, &accounts.id, &bindings, lane, is_it).await?,
        };
        let mut found = Self::parse(rows, |row| accounts.parse(row));
        found.rows.retain(|account| account.email == *email);
        Ok(found)
    }

    async fn groups(&self, lane: Lane) -> Result<Listing<LiveGroup>, Error> {
        let Some(list) = &self.manifest.groups.list else {
            return Ok(Listing { rows: Vec::new(), coverage: Coverage::Complete });
        };
        let rows = self.list(list, &self.manifest.groups.id, &self.bindings(&[]), lane, |_| false).await?;
        Ok(Self::parse(rows, |row| self.parse_group(row)))
    }

    async fn members(&self, group_id: &str, lane: Lane) -> Result<Listing<LiveMember>, Error> {
        let members = &self.manifest.members;
        let Some(MemberList::PerGroup { list, account_id }) = &members.list else {
            return Err(self.lacks("read the members of a group"));
        };
        let rows = self.list(list, account_id, &self.bindings(&[("group.id", group_id)]), lane, |_| false).await?;
        Ok(Self::parse(rows, |row| {
            let account = text(account_id, row).ok_or_else(|| format!("a member has no `{account_id}`"))?;
            Ok(LiveMember::new(account, rows::values(&members.fields, &members.role, row)))
        }))
    }

    async fn memberships(&self, account_id: &str, lane: Lane) -> Result<Listing<AccountGroup>, Error> {
        let members = &self.manifest.members;
        let Some(MemberList::PerAccount { list, group_id, group_name }) = &members.list else {
            return Err(self.lacks("read the groups of an account"));
        };
        let rows = self.list(list, group_id, &self.bindings(&[("account.id", account_id)]), lane, |_| false).await?;
        Ok(Self::parse(rows, |row| {
            let need = |path: &Dotted| text(path, row).ok_or_else(|| format!("a membership has no `{path}`"));
            let values = rows::values(&members.fields, &members.role, row);
            let member = LiveMember::new(account_id.into(), values);
            Ok(AccountGroup { group_id: need(group_id)?, group_name: need(group_name)?, member })
        }))
    }
}

#[async_trait]
impl Writer for RestConnector {
    async fn write(&self, write: &Write, lane: Lane) -> Result<Written, Error> {
        let Manifest { accounts, groups, members, .. } = &self.manifest;
        match write {
            Write::CreateAccount { email, values } => self.create_account(email, values, lane).await,
            Write::UpdateAccount { id, values } => {
                let set = |body: &mut Value| put(body, &accounts.fields, &accounts.role, values);
                self.change_account(id, set, lane).await
            }
            Write::Deactivate { id } => {
                self.set_status(id, accounts.deactivate.as_ref(), "deactivate an account", lane).await
            }
            Write::Reactivate { id } => {
                self.set_status(id, accounts.reactivate.as_ref(), "reactivate an account", lane).await
            }
            Write::DeleteAccount { id } => {
                let call = accounts.delete.as_ref().ok_or_else(|| self.lacks("delete an account"))?;
                self.delete(call, &self.bindings(&[("account.id", id)]), lane).await
            }
            Write::AddMember { group, who, values } => {
                let call = members.add.as_ref().ok_or_else(|| self.lacks("add a member"))?;
                // No manifest says that joining makes the account, so that there is one.
                let account = who.id.as_deref().ok_or_else(|| self.lacks("add someone without an account"))?;
                self.write_member(call, group, account, values, lane).await
            }
            Write::ChangeMember { group, account, values } => {
                let call = members.change.as_ref().ok_or_else(|| self.lacks("change a membership"))?;
                self.write_member(call, group, account, values, lane).await
            }
            Write::RemoveMember { group, account } => {
                let call = members.remove.as_ref().ok_or_else(|| self.lacks("remove a member"))?;
                self.delete(call, &self.bindings(&[("group.id", group), ("account.id", account)]), lane).await
            }
            Write::CreateGroup { name, values } => {
                let call = groups.create.as_ref().ok_or_else(|| self.lacks("create a group"))?;
                self.write_group(call, None, Some(name), values, lane).await
            }
            Write::UpdateGroup { id, values } => {
                let call = groups.update.as_ref().ok_or_else(|| self.lacks("change a group"))?;
                self.write_group(call, Some(id), None, values, lane).await
            }
            Write::DeleteGroup { id } => {
                let call = groups.delete.as_ref().ok_or_else(|| self.lacks("delete a group"))?;
                self.delete(call, &self.bindings(&[("group.id", id)]), lane).await
            }
        }
    }
}
