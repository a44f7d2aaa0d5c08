//! Changing an app as its manifest says. Each write is sent once, and its answer is judged.

use std::{borrow::Cow, collections::BTreeSet};

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{
    bodies::{ACCEPTED, set_all, wrap},
    dictionary::{Translation, Unsendable},
    engine::{RestConnector, unwrap},
    manifest::{Call, Change, Manifest, Naming, Update},
    rows::echoes,
    template::{Bindings, Dotted, text},
    updates::Target,
};
use crate::{
    budget::Lane,
    connectors::{
        Error, ErrorKind, Write, Writer, Written,
        http::{Answer, Request},
        replacement::{self, Unfit},
    },
    model::{Email, FieldName, Values},
};

impl RestConnector {
    /// Sends a write and judges the answer.
    pub(super) async fn send(&self, call: &Call, request: &Request, lane: Lane) -> Result<Answer, Error> {
        let judge = |status, body: &[u8]| call.answers.judge(status, body, |_| true);
        self.http.write_judged(request, lane, &judge).await
    }

    /// How `values` are translated; the app's names are looked at where one of them needs it.
    async fn words_for(&self, naming: &Naming, values: &Values, lane: Lane) -> Translation {
        let fields: BTreeSet<FieldName> = values.keys().cloned().collect();
        self.translation(naming, &fields, lane).await
    }

    fn unsendable(&self, call: &Call, why: Unsendable) -> Error {
        let request = Request::new(call.method, "…");
        match why {
            Unsendable::Unmapped(field) => {
                let detail =
                    format!("the manifest of {} does not map the field `{field}`", self.manifest.semantics.connector);
                self.http.error(&request, ErrorKind::Setup, None, &detail)
            }
            Unsendable::Word(field, why) => {
                self.http.error(&request, ErrorKind::Setup, None, &format!("`{field}` cannot be sent: {why}"))
            }
            Unsendable::Unread(error) => Error::clone(&error),
        }
    }

    /// Placeholders for values.
    fn bind(
        &self,
        bindings: &mut Bindings<'_>,
        call: &Call,
        words: &Translation,
        values: &Values,
    ) -> Result<(), Error> {
        for (name, value) in values {
            let wire = words.theirs(name, value).map_err(|why| self.unsendable(call, why))?;
            bindings.insert(Cow::Owned(name.to_string()), wire);
        }
        Ok(())
    }

    async fn create_account(&self, email: &Email, values: &Values, lane: Lane) -> Result<Written, Error> {
        let accounts = &self.manifest.accounts;
        let call = accounts.create.as_ref().ok_or_else(|| self.lacks("create an account"))?;
        let words = self.words_for(&accounts.naming, values, lane).await;
        let mut bindings = self.bindings(&[("email", email.as_str())]);
        self.bind(&mut bindings, call, &words, values)?;
        let mut request = self.request(call, &bindings)?;
        if call.body.is_none() {
            let placed = words.placed(&accounts.fields, values).map_err(|why| self.unsendable(call, why))?;
            let mut body = json!({});
            accounts.email.set(&mut body, Value::from(email.as_str()));
            set_all(&mut body, &placed);
            request.body = Some(wrap(body, accounts.wrap.as_deref()));
        }
        let answer = self.send(call, &request, lane).await?;
        let mut sent = unwrap(request.body.unwrap_or(Value::Null), accounts.wrap.as_deref());
        let echo = answer.body.map(|body| unwrap(body, accounts.wrap.as_deref()));
        let id = echo.as_ref().and_then(|echo| text(&accounts.id, echo));
        let account = echo.as_ref().and_then(|echo| accounts.parse(echo, &words).ok());
        let proven = answer.status != ACCEPTED
            && id.is_some()
            && account.as_ref().is_some_and(|account| account.email == *email)
            && echo.is_some_and(|echo| {
                // Apps may echo an address in another case; it has been compared as an identity.
                if let Some(email) = accounts.email.get(&echo).filter(|_| accounts.same_email(&sent, &echo)) {
                    accounts.email.set(&mut sent, email.clone());
                }
                echoes(&sent, &echo)
            });
        Ok(Written { id, account, proven })
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
        let target = Target {
            unfit,
            id,
            id_at: &accounts.id,
            read: Some(&accounts.read),
            wrap: accounts.wrap.as_deref(),
            bindings: self.bindings(&[("account.id", id)]),
        };
        let (echo, proven) = self.change(update, target, changes, lane).await?;
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
        let update = accounts.update.as_ref().ok_or_else(|| self.lacks("change an account"))?;
        let words = self.words_for(&accounts.naming, values, lane).await;
        let mut changes = words.placed(&accounts.fields, values).map_err(|why| self.unsendable(&update.call, why))?;
        changes.extend(email.map(|email| (accounts.email.clone(), Value::from(email.as_str()))));
        let unfit =
            |row: &Value| accounts.parse(row, &words).ok().and_then(|account| replacement::why_not_now(&account));
        self.change_account(update, id, &changes, &words, Some(&unfit), lane).await
    }

    async fn set_status(&self, id: &str, change: Option<&Change>, what: &str, lane: Lane) -> Result<Written, Error> {
        let accounts = &self.manifest.accounts;
        // The status alone counts here.
        let words = Translation::default();
        match change {
            None => Err(self.lacks(what)),
            Some(Change::Set { status, answers }) => {
                let mut update = accounts.update.clone().ok_or_else(|| self.lacks(what))?;
                update.call.answers = answers.clone().then(update.call.answers);
                let word = accounts.status_word(status).cloned().unwrap_or(Value::Null);
                let changes: Vec<_> = accounts.status.iter().map(|path| (path.clone(), word.clone())).collect();
                self.change_account(&update, id, &changes, &words, None, lane).await
            }
            Some(Change::Call(call)) => {
                let request = self.request(call, &self.bindings(&[("account.id", id)]))?;
                self.send(call, &request, lane).await?;
                Ok(Written { id: Some(id.into()), account: None, proven: false })
            }
        }
    }

    /// A deletion. Only an answer that could have said that it was refused proves it.
    async fn delete(&self, call: &Call, bindings: &Bindings<'_>, lane: Lane) -> Result<Written, Error> {
        let request = self.request(call, bindings)?;
        let answer = self.send(call, &request, lane).await?;
        let proven = answer.status != ACCEPTED && answer.body.is_some_and(|body| call.answers.prove(&body));
        Ok(Written { proven, ..Written::default() })
    }

    /// Placeholders for memberships of these accounts in a group.
    fn member_bindings(&self, group: &str, accounts: &[&str]) -> Bindings<'static> {
        let mut bindings = self.bindings(&[("group.id", group)]);
        if let [one] = accounts {
            bindings.insert("account.id".into(), Value::from(*one));
        }
        bindings.insert("account.ids".into(), accounts.iter().copied().map(Value::from).collect());
        bindings
    }

    async fn write_member(
        &self,
        call: &Call,
        group: &str,
        accounts: &[&str],
        values: &Values,
        lane: Lane,
    ) -> Result<Written, Error> {
        let members = &self.manifest.members;
        if let Some(field) = values.keys().find(|name| !members.fields.0.contains_key(*name)) {
            return Err(self.unsendable(call, Unsendable::Unmapped(field.clone())));
        }
        let words = self.words_for(&members.naming, values, lane).await;
        let mut bindings = self.member_bindings(group, accounts);
        self.bind(&mut bindings, call, &words, values)?;
        let request = self.request(call, &bindings)?;
        let answer = self.send(call, &request, lane).await?;
        let proven = answer.status != ACCEPTED
            && request.body.as_ref().zip(answer.body.as_ref()).is_some_and(|(sent, echo)| echoes(sent, echo));
        Ok(Written { proven, ..Written::default() })
    }

    async fn create_group(&self, call: &Call, name: &str, values: &Values, lane: Lane) -> Result<Written, Error> {
        let groups = &self.manifest.groups;
        let words = Translation::default();
        let mut bindings = self.bindings(&[("group.name", name)]);
        self.bind(&mut bindings, call, &words, values)?;
        let mut request = self.request(call, &bindings)?;
        if call.body.is_none() {
            let placed = words.placed(&groups.fields, values).map_err(|why| self.unsendable(call, why))?;
            let mut body = json!({});
            groups.name.set(&mut body, Value::from(name));
            set_all(&mut body, &placed);
            request.body = Some(wrap(body, groups.wrap.as_deref()));
        }
        let answer = self.send(call, &request, lane).await?;
        let sent = unwrap(request.body.unwrap_or(Value::Null), groups.wrap.as_deref());
        let echo = answer.body.map(|body| unwrap(body, groups.wrap.as_deref()));
        let id = echo.as_ref().and_then(|echo| text(&groups.id, echo));
        let proven = answer.status != ACCEPTED && id.is_some() && echo.is_some_and(|echo| echoes(&sent, &echo));
        Ok(Written { id, account: None, proven })
    }

    async fn update_group(&self, update: &Update, id: &str, values: &Values, lane: Lane) -> Result<Written, Error> {
        let groups = &self.manifest.groups;
        let placed = Translation::default().placed(&groups.fields, values);
        let changes = placed.map_err(|why| self.unsendable(&update.call, why))?;
        let target = Target {
            unfit: None,
            id,
            id_at: &groups.id,
            read: groups.read.as_ref(),
            wrap: groups.wrap.as_deref(),
            bindings: self.bindings(&[("group.id", id)]),
        };
        let (_, proven) = self.change(update, target, &changes, lane).await?;
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
                self.write_member(call, group, &[account], values, lane).await
            }
            Write::ChangeMember { group, account, values } => {
                let call = members.change.as_ref().ok_or_else(|| self.lacks("change a membership"))?;
                self.write_member(call, group, &[account], values, lane).await
            }
            Write::RemoveMember { group, account } => {
                let call = members.remove.as_ref().ok_or_else(|| self.lacks("remove a member"))?;
                self.delete(call, &self.member_bindings(group, &[account]), lane).await
            }
            Write::CreateGroup { name, values } => {
                let call = groups.create.as_ref().ok_or_else(|| self.lacks("create a group"))?;
                self.create_group(call, name, values, lane).await
            }
            Write::UpdateGroup { id, values } => {
                let update = groups.update.as_ref().ok_or_else(|| self.lacks("change a group"))?;
                self.update_group(update, id, values, lane).await
            }
            Write::DeleteGroup { id } => {
                let call = groups.delete.as_ref().ok_or_else(|| self.lacks("delete a group"))?;
                self.delete(call, &self.bindings(&[("group.id", id)]), lane).await
            }
        }
    }

    async fn write_together(&self, writes: &[Write], lane: Lane) -> Result<Vec<Result<Written, Error>>, Error> {
        let members = &self.manifest.members;
        let sent = match together(writes) {
            Some(Together::Add { group, accounts, values }) => {
                let call = members.add.as_ref().ok_or_else(|| self.lacks("add members"))?;
                Some(self.write_member(call, group, &accounts, values, lane).await)
            }
            Some(Together::Remove { group, accounts }) => {
                let call = members.remove.as_ref().ok_or_else(|| self.lacks("remove members"))?;
                Some(self.delete(call, &self.member_bindings(group, &accounts), lane).await)
            }
            None => None,
        };
        match sent {
            // One answer for all proves nothing about each.
            Some(answer) => answer.map(|_| writes.iter().map(|_| Ok(Written::default())).collect()),
            None => {
                let mut results = Vec::with_capacity(writes.len());
                for write in writes {
                    results.push(self.write(write, lane).await);
                }
                Ok(results)
            }
        }
    }
}

/// Writes that one request can carry.
enum Together<'a> {
    Add { group: &'a str, accounts: Vec<&'a str>, values: &'a Values },
    Remove { group: &'a str, accounts: Vec<&'a str> },
}

/// The one request that carries all of these; `None` when there is none, because they differ in more than the account.
fn together(writes: &[Write]) -> Option<Together<'_>> {
    match writes.first()? {
        Write::AddMember { group, values, .. } => {
            let accounts = writes.iter().map(|write| match write {
                Write::AddMember { group: other, who, values: same } if other == group && same == values => {
                    who.id.as_deref()
                }
                _ => None,
            });
            Some(Together::Add { group, accounts: accounts.collect::<Option<_>>()?, values })
        }
        Write::RemoveMember { group, .. } => {
            let accounts = writes.iter().map(|write| match write {
                Write::RemoveMember { group: other, account } if other == group => Some(&**account),
                _ => None,
            });
            Some(Together::Remove { group, accounts: accounts.collect::<Option<_>>()? })
        }
        _ => None,
    }
}
