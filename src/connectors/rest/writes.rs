//! Changing an app as its manifest says. Each write is sent once, and its answer is judged.

use std::borrow::Cow;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{
    dictionary::{Translation, Unsendable},
    engine::RestConnector,
    manifest::{ACCOUNT, Call, Change, GROUP, Manifest, Naming, Records, Update},
    rows::{echoes, set_all},
    template::{Bindings, Dotted, text},
};
use crate::{
    budget::Lane,
    connectors::{
        Error, ErrorKind, Write, Writer, Written,
        http::{Answer, Request},
        replacement::{self, Unfit},
    },
    model::{Email, LiveAccount, Values},
};

impl RestConnector {
    /// Sends a write and judges the answer.
    pub(super) async fn send(&self, call: &Call, request: &Request, lane: Lane) -> Result<Answer, Error> {
        let judge = |status, body: &[u8]| call.answers.judge(status, body, |_| true);
        self.http.write_judged(request, lane, &judge).await
    }

    /// What a write needs of the manifest, or the error that says that it has none.
    fn need<'m, T>(&self, part: &'m Option<T>, what: &str, one: &str) -> Result<&'m T, Error> {
        part.as_ref().ok_or_else(|| self.lacks(&format!("{what} {one}")))
    }

    fn unsendable(&self, call: &Call, why: Unsendable) -> Error {
        let detail = match why {
            Unsendable::Unmapped(field) => {
                format!("the manifest of {} does not map the field `{field}`", self.manifest.semantics.connector)
            }
            Unsendable::Word(field, why) => format!("`{field}` cannot be sent: {why}"),
            Unsendable::Unread(error) => return Error::clone(&error),
        };
        self.http.error(&Request::new(call.method, "…"), ErrorKind::Setup, None, &detail)
    }

    /// How `values` are translated; the app's names are looked at where one of them needs it.
    async fn words_for(&self, naming: &Naming, values: &Values, lane: Lane) -> Translation {
        self.translation(naming, &values.keys().cloned().collect(), lane).await
    }

    /// The request that carries `values`, besides what `bindings` has.
    fn carrying(
        &self,
        call: &Call,
        mut bindings: Bindings<'_>,
        words: &Translation,
        values: &Values,
    ) -> Result<Request, Error> {
        for (name, value) in values {
            let wire = words.theirs(name, value).map_err(|why| self.unsendable(call, why))?;
            bindings.insert(Cow::Owned(name.to_string()), wire);
        }
        self.request(call, &bindings)
    }

    /// Makes a record called `name`. `shown` reads the account in an answer, and says whether it is the one that was asked for.
    async fn create(
        &self,
        of: &Records,
        name: &str,
        values: &Values,
        lane: Lane,
        shown: impl Fn(&mut Value, &Value, &Translation) -> (Option<LiveAccount>, bool) + Send,
    ) -> Result<Written, Error> {
        let call = self.need(&of.create, "create", of.kind.one)?;
        let words = self.words_for(&of.naming, values, lane).await;
        let mut request = self.carrying(call, self.bindings(&[(of.kind.name, name)]), &words, values)?;
        if call.body.is_none() {
            let placed = words.placed(&of.fields, values).map_err(|why| self.unsendable(call, why))?;
            let mut body = json!({});
            of.name.set(&mut body, Value::from(name));
            set_all(&mut body, &placed);
            request.body = Some(of.wrap(body));
        }
        let answer = self.send(call, &request, lane).await?;
        let Some(echo) = answer.body.as_ref().map(|body| of.unwrap(body)) else { return Ok(Written::default()) };
        let mut sent = of.unwrap(&request.body.unwrap_or(Value::Null)).clone();
        let id = text(&of.id, echo);
        let (account, is_it) = shown(&mut sent, echo, &words);
        let proven = !answer.is_promise() && id.is_some() && is_it && echoes(&sent, echo);
        Ok(Written { id, account, proven })
    }

    async fn create_account(&self, email: &Email, values: &Values, lane: Lane) -> Result<Written, Error> {
        let accounts = &self.manifest.accounts;
        let shown = |sent: &mut Value, echo: &Value, words: &Translation| {
            let account = accounts.parse(echo, words).ok();
            let is_it = account.as_ref().is_some_and(|account| account.email == *email);
            // Apps may echo an address in another case; it has been compared as an identity.
            if let Some(email) = accounts.records.name.get(echo).filter(|_| is_it) {
                accounts.records.name.set(sent, email.clone());
            }
            (account, is_it)
        };
        self.create(&accounts.records, email.as_str(), values, lane, shown).await
    }

    async fn change_account(
        &self,
        update: &Update,
        id: &str,
        changes: &[(Dotted, Value)],
        words: &Translation,
        unfit: Option<Unfit<'_>>,
        lane: Lane,
    ) -> Result<Written, Error> {
        let accounts = &self.manifest.accounts;
        let (echo, proven) = self.change(&accounts.records, update, id, changes, unfit, lane).await?;
        Ok(Written { id: Some(id.into()), account: echo.and_then(|echo| accounts.parse(&echo, words).ok()), proven })
    }

    async fn update_account(
        &self,
        id: &str,
        values: &Values,
        email: Option<&Email>,
        lane: Lane,
    ) -> Result<Written, Error> {
        let accounts = &self.manifest.accounts;
        let of = &accounts.records;
        let update = self.need(&of.update, "change", of.kind.one)?;
        let words = self.words_for(&of.naming, values, lane).await;
        let mut changes = words.placed(&of.fields, values).map_err(|why| self.unsendable(&update.call, why))?;
        changes.extend(email.map(|email| (of.name.clone(), Value::from(email.as_str()))));
        let unfit =
            |row: &Value| accounts.parse(row, &words).ok().and_then(|account| replacement::why_not_now(&account));
        self.change_account(update, id, &changes, &words, Some(&unfit), lane).await
    }

    async fn set_status(&self, id: &str, change: Option<&Change>, what: &str, lane: Lane) -> Result<Written, Error> {
        let accounts = &self.manifest.accounts;
        match change {
            None => Err(self.lacks(&format!("{what} {}", ACCOUNT.one))),
            Some(Change::Set { status, answers }) => {
                let mut update = self.need(&accounts.records.update, what, ACCOUNT.one)?.clone();
                update.call.answers = answers.clone().then(update.call.answers);
                let word = accounts.status_word(status).cloned().unwrap_or(Value::Null);
                let changes: Vec<_> = accounts.status.iter().map(|path| (path.clone(), word.clone())).collect();
                // The status alone counts here.
                self.change_account(&update, id, &changes, &Translation::default(), None, lane).await
            }
            Some(Change::Call(call)) => {
                let request = self.request(call, &self.bindings(&[(ACCOUNT.id, id)]))?;
                self.send(call, &request, lane).await?;
                Ok(Written { id: Some(id.into()), account: None, proven: false })
            }
        }
    }

    async fn delete_record(&self, of: &Records, id: &str, lane: Lane) -> Result<Written, Error> {
        let call = self.need(&of.delete, "delete", of.kind.one)?;
        self.delete(call, &self.bindings(&[(of.kind.id, id)]), lane).await
    }

    /// A deletion. Only an answer that could have said that it was refused proves it.
    async fn delete(&self, call: &Call, bindings: &Bindings<'_>, lane: Lane) -> Result<Written, Error> {
        let request = self.request(call, bindings)?;
        let answer = self.send(call, &request, lane).await?;
        let proven = !answer.is_promise() && answer.body.is_some_and(|body| call.answers.prove(&body));
        Ok(Written { proven, ..Written::default() })
    }

    /// Placeholders for memberships of these accounts in a group.
    fn member_bindings(&self, group: &str, accounts: &[&str]) -> Bindings<'static> {
        let mut bindings = self.bindings(&[(GROUP.id, group)]);
        if let [one] = accounts {
            bindings.insert(ACCOUNT.id.into(), Value::from(*one));
        }
        bindings.insert("account.ids".into(), accounts.iter().copied().map(Value::from).collect());
        bindings
    }

    async fn write_members(
        &self,
        call: &Call,
        group: &str,
        accounts: &[&str],
        values: &Values,
        lane: Lane,
    ) -> Result<Written, Error> {
        let members = &self.manifest.members;
        if let Some(field) = values.keys().find(|name| !members.fields.contains_key(*name)) {
            return Err(self.unsendable(call, Unsendable::Unmapped(field.clone())));
        }
        let words = self.words_for(&members.naming, values, lane).await;
        let request = self.carrying(call, self.member_bindings(group, accounts), &words, values)?;
        let answer = self.send(call, &request, lane).await?;
        let proven = !answer.is_promise()
            && request.body.as_ref().zip(answer.body.as_ref()).is_some_and(|(sent, echo)| echoes(sent, echo));
        Ok(Written { proven, ..Written::default() })
    }

    async fn update_group(&self, id: &str, values: &Values, lane: Lane) -> Result<Written, Error> {
        let of = &self.manifest.groups.records;
        let update = self.need(&of.update, "change", of.kind.one)?;
        let placed = Translation::default().placed(&of.fields, values);
        let changes = placed.map_err(|why| self.unsendable(&update.call, why))?;
        let (_, proven) = self.change(of, update, id, &changes, None, lane).await?;
        Ok(Written { id: Some(id.into()), account: None, proven })
    }
}

#[async_trait]
impl Writer for RestConnector {
    async fn write(&self, write: &Write, lane: Lane) -> Result<Written, Error> {
        let Manifest { accounts, groups, members, .. } = &self.manifest;
        match write {
            Write::CreateAccount { email, values } => self.create_account(email, values, lane).await,
            Write::UpdateAccount { id, values, email } => self.update_account(id, values, email.as_ref(), lane).await,
            Write::Deactivate { id } => self.set_status(id, accounts.deactivate.as_ref(), "deactivate", lane).await,
            Write::Reactivate { id } => self.set_status(id, accounts.reactivate.as_ref(), "reactivate", lane).await,
            Write::DeleteAccount { id } => self.delete_record(&accounts.records, id, lane).await,
            Write::AddMember { group, who, values } => {
                let call = self.need(&members.add, "add", "a member")?;
                // No manifest says that joining makes the account, so that there is one.
                let account = who.id.as_deref().ok_or_else(|| self.lacks("add someone without an account"))?;
                self.write_members(call, group, &[account], values, lane).await
            }
            Write::ChangeMember { group, account, values } => {
                let call = self.need(&members.change, "change", "a membership")?;
                self.write_members(call, group, &[account], values, lane).await
            }
            Write::RemoveMember { group, account } => {
                let call = self.need(&members.remove, "remove", "a member")?;
                self.delete(call, &self.member_bindings(group, &[account]), lane).await
            }
            Write::CreateGroup { name, values } => {
                self.create(&groups.records, name, values, lane, |_, _, _| (None, true)).await
            }
            Write::UpdateGroup { id, values } => self.update_group(id, values, lane).await,
            Write::DeleteGroup { id } => self.delete_record(&groups.records, id, lane).await,
        }
    }

    async fn write_together(&self, writes: &[Write], lane: Lane) -> Result<Vec<Result<Written, Error>>, Error> {
        let members = &self.manifest.members;
        match (writes.first(), together(writes)) {
            (Some(Write::AddMember { group, values, .. }), Some(accounts)) => {
                let call = self.need(&members.add, "add", "members")?;
                self.write_members(call, group, &accounts, values, lane).await?;
            }
            (Some(Write::RemoveMember { group, .. }), Some(accounts)) => {
                let call = self.need(&members.remove, "remove", "members")?;
                self.delete(call, &self.member_bindings(group, &accounts), lane).await?;
            }
            _ => return Ok(self.one_by_one(writes, lane).await),
        }
        // One answer for all proves nothing about each.
        Ok(writes.iter().map(|_| Ok(Written::default())).collect())
    }
}

/// The accounts that one request can be about; `None` where the writes differ in more than the account.
fn together(writes: &[Write]) -> Option<Vec<&str>> {
    let first = writes.first()?;
    let accounts = writes.iter().map(|write| match (first, write) {
        (Write::AddMember { group, values, .. }, Write::AddMember { group: other, who, values: same })
            if (group, values) == (other, same) =>
        {
            who.id.as_deref()
        }
        (Write::RemoveMember { group, .. }, Write::RemoveMember { group: other, account }) if group == other => {
            Some(&**account)
        }
        _ => None,
    });
    accounts.collect()
}
