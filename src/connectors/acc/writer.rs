//! Writing. Whatever is set is sent whole, because the API does not say whether it merges or replaces; and what it merely
//! accepts is read back by whoever asked for it.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::{
    Acc,
    names::Names,
    products::{self, Level},
    reader::is_suspended,
    rows::{self, Project},
};
use crate::{
    budget::Lane,
    connectors::{
        Error, ErrorKind, Joiner, Reader, Write, Writer, Written,
        http::{Method, Request},
    },
    model::{Email, FieldName, FieldValue, LiveAccount, LiveMember, Reach, Values},
};

/// Fields that the API takes when an account is made, and that are the person's own from then on.
const PROFILE: [&str; 2] = ["given_name", "family_name"];

impl Acc {
    fn refused(&self, request: &Request, detail: &str, hint: &str) -> Error {
        self.construction.error(request, ErrorKind::Refused, detail).hinted(hint)
    }

    /// The id of a company. Where none is known by this name, the list may simply not have been read yet.
    async fn company(&self, request: &Request, name: &str, lane: Lane) -> Result<Arc<str>, Error> {
        if self.companies.id(name).is_err_and(|called_so| called_so.is_empty()) {
            self.read_companies(lane).await?;
        }
        self.found(request, "company", &self.companies, name)
    }

    /// The id of an industry role. Where none is known by this name, the project's members may not have been read yet.
    async fn role(&self, request: &Request, project: &str, name: &str, lane: Lane) -> Result<Arc<str>, Error> {
        if self.roles.id(name).is_err_and(|called_so| called_so.is_empty()) {
            self.members(project, lane).await?;
        }
        self.found(request, "industry role", &self.roles, name)
    }

    fn found(&self, request: &Request, what: &str, names: &Names, name: &str) -> Result<Arc<str>, Error> {
        names.id(name).map_err(|ids| match ids[..] {
            [] => self.refused(request, &format!("no {what} is called {name}"), names.repair),
            _ => {
                let detail = format!("several {what}s are called {name}: {}", ids.join(", "));
                self.refused(request, &detail, "write the id of the one that is meant")
            }
        })
    }

    /// Refuses what would cut us off, whatever the plan says.
    fn spare_ourselves(&self, request: &Request, account: &str) -> Result<(), Error> {
        let own = self.state().own.clone();
        if own.as_deref() == Some(account) || self.settings.acting_user.as_deref() == Some(account) {
            let detail = "this is the account in whose name rosterd writes";
            return Err(self.refused(request, detail, "name another `options.acting_user` first"));
        }
        Ok(())
    }

    /// The project, if it takes writes.
    async fn writable(&self, request: &Request, id: &str, lane: Lane) -> Result<Project, Error> {
        let project = self.project(id, lane).await?;
        match &project.reach {
            Reach::Full => Ok(project),
            Reach::ReadOnly(why) | Reach::Gone(why) => {
                Err(self.refused(request, why, "a person has to do it in ACC, Project Admin, Members"))
            }
        }
    }

    fn member_request(&self, method: Method, project: &str, rest: &[&str]) -> Result<Request, Error> {
        let parts = ["v1", "projects", project, "users"].into_iter().chain(rest.iter().copied());
        Ok(Request::new(method, self.path(&parts.collect::<Vec<_>>())?))
    }

    /// What joining says about one person.
    async fn joining(
        &self,
        request: &Request,
        project: &Project,
        who: &Joiner,
        values: &Values,
        lane: Lane,
    ) -> Result<Map<String, Value>, Error> {
        let mut item = Map::new();
        item.insert("email".into(), who.email.as_str().into());
        let products = project.products.as_deref().unwrap_or_default();
        // Without a line that says more, joining makes a member.
        let wanted = level(request, self, values)?.unwrap_or(Level::Member);
        item.insert("products".into(), products::of(wanted, products));
        self.put_links(request, &project.id, values, &mut item, lane).await?;
        Ok(item)
    }

    /// Puts roles and company into a body, by their ids.
    async fn put_links(
        &self,
        request: &Request,
        project: &str,
        values: &Values,
        body: &mut Map<String, Value>,
        lane: Lane,
    ) -> Result<(), Error> {
        if let Some(roles) = values.get("roles") {
            let mut ids: Vec<Value> = Vec::new();
            for name in roles.texts() {
                ids.push(Value::from(&*self.role(request, project, name, lane).await?));
            }
            body.insert("roleIds".into(), ids.into());
        }
        if let Some(company) = company_of(values) {
            body.insert("companyId".into(), Value::from(&*self.company(request, company, lane).await?));
        }
        Ok(())
    }

    async fn add_member(&self, group: &str, who: &Joiner, values: &Values, lane: Lane) -> Result<Written, Error> {
        let mut request = self.member_request(Method::Post, group, &[])?;
        let project = self.writable(&request, group, lane).await?;
        let mut body = self.joining(&request, &project, who, values, lane).await?;
        if self.settings.quiet {
            body.insert("suppressAdministrativeEmails".into(), true.into());
        }
        request.body = Some(body.into());
        let answer = match self.construction.send(&request, lane).await {
            Ok(answer) => answer,
            Err(error) if error.status == Some(409) => return Err(self.conflict(error, group, who, lane).await),
            Err(error) => return Err(error),
        };
        let echo = answer.body.and_then(|row| rows::member(&row, &self.roles, &self.companies).ok().flatten());
        let proven = echo.as_ref().is_some_and(|member| {
            member.email.as_ref() == Some(&who.email) && !is_suspended(member) && has(&member.values, values)
        });
        Ok(Written { id: echo.map(|member| member.account), proven, account: None })
    }

    /// A conflict means a member whom the list does not show, or somebody else's change at the same moment. Only looking
    /// tells which.
    async fn conflict(&self, error: Error, group: &str, who: &Joiner, lane: Lane) -> Error {
        let refusal = |error, detail, hint| Error { kind: ErrorKind::Refused, detail, ..Error::hinted(error, hint) };
        match self.hidden_member(group, who, lane).await {
            Err(looking) => Error { detail: format!("{}; and looking failed: {looking}", error.detail), ..error },
            Ok(Some(member)) if is_suspended(&member) => refusal(
                error,
                format!("{} is a member who is suspended in this project, and the API cannot undo that", who.email),
                "let the person back in under ACC, Project Admin, Members",
            ),
            // The executor compares what is there with what was asked for.
            Ok(Some(_)) => error,
            Ok(None) => {
                let yet = format!("yet {} is no member, so something else changed at the same time", who.email);
                let detail = format!("{}; {yet}", error.detail);
                refusal(error, detail, "the next run looks again")
            }
        }
    }

    /// A member whom the list hides, because its usual filter leaves out the suspended.
    async fn hidden_member(&self, group: &str, who: &Joiner, lane: Lane) -> Result<Option<LiveMember>, Error> {
        let mut who = who.clone();
        if who.id.is_none() {
            // Joining may have made the account a moment ago.
            who.id = self.find(&who.email, lane).await?.rows.into_iter().next().map(|account| account.id);
        }
        Ok(self.member(group, &who, lane).await?.rows.into_iter().next())
    }

    /// Sets a member's fields. The whole set is sent: what is there, with what shall change.
    async fn change_member(&self, group: &str, account: &str, values: &Values, lane: Lane) -> Result<Written, Error> {
        let mut request = self.member_request(Method::Patch, group, &[account])?;
        let project = self.writable(&request, group, lane).await?;
        let wanted = level(&request, self, values)?;
        let row = self.raw_member(group, account, lane).await?;
        let Some(row) = row.filter(|row| rows::text(row, "status") != Some("deleted")) else {
            return Err(self.construction.error(&request, ErrorKind::NotFound, "the membership is gone"));
        };
        if wanted == Some(Level::Member) && rows::level(&row) == Some(Level::Admin) {
            self.spare_ourselves(&request, account)?;
        }
        let mut body = Map::new();
        if let Some(ids) = rows::role_ids(&row) {
            body.insert("roleIds".into(), ids.iter().map(|id| Value::from(&**id)).collect());
        }
        if let Some(company) = rows::text(&row, "companyId") {
            body.insert("companyId".into(), company.into());
        }
        match (wanted, products::kept(&row)) {
            (Some(_), None) => {
                let hint = "name an account admin in `options.acting_user`";
                return Err(self.refused(&request, "whoever only manages members sees and sets no products", hint));
            }
            (Some(level), Some(_)) => {
                // Where the project does not show its products, the member keeps those there are: to send fewer might take
                // the rest away.
                let own = || products::keys(&row["products"]).unwrap_or_default();
                let products = project.products.clone().unwrap_or_else(own);
                body.insert("products".into(), products::of(level, &products));
            }
            // Nobody asked for other products.
            (None, Some(kept)) => drop(body.insert("products".into(), kept)),
            (None, None) => {}
        }
        self.put_links(&request, group, values, &mut body, lane).await?;
        request.body = Some(body.into());
        self.construction.send(&request, lane).await?;
        // The answer shows what was sent, which says nothing about merging.
        Ok(Written::default())
    }

    async fn remove_member(&self, group: &str, account: &str, lane: Lane) -> Result<Written, Error> {
        let request = self.member_request(Method::Delete, group, &[account])?;
        self.spare_ourselves(&request, account)?;
        self.writable(&request, group, lane).await?;
        self.construction.send(&request, lane).await?;
        Ok(Written::default())
    }

    async fn create_account(&self, email: &Email, values: &Values, lane: Lane) -> Result<Written, Error> {
        let mut request = Request::new(Method::Post, self.account_path("", &["users"])?);
        let mut body = Map::new();
        body.insert("email".into(), email.as_str().into());
        for (field, key) in [("given_name", "first_name"), ("family_name", "last_name")] {
            body.extend(values.get(field).map(|name| (key.to_owned(), Value::from(name.to_string()))));
        }
        if let Some(company) = company_of(values) {
            body.insert("company_id".into(), Value::from(&*self.company(&request, company, lane).await?));
        }
        request.body = Some(body.into());
        let answer = self.hq.send(&request, lane).await?;
        let row = answer.body.unwrap_or(Value::Null);
        let mut account = rows::account(&row, &self.companies).ok().filter(|account| account.email == *email);
        if let (Some(made), Some(role)) = (&account, values.get("default_role")) {
            // Only a change takes it. If that fails, the account is there all the same, and reading back tells the rest.
            let change: Values = [(FieldName::from("default_role"), role.clone())].into();
            match self.patch_account(&made.id, &change, lane).await {
                Ok(written) => account = written.account.or(account),
                Err(error) => tracing::warn!(%error, "the account was made without its default role"),
            }
        }
        let proven = account.as_ref().is_some_and(|account| shows(account, values));
        Ok(Written { id: account.as_ref().map(|account| account.id.clone()), account, proven })
    }

    /// Changes an account. Of its fields, the API takes only these two.
    async fn patch_account(&self, id: &str, values: &Values, lane: Lane) -> Result<Written, Error> {
        let mut request = Request::new(Method::Patch, self.account_path("", &["users", id])?);
        let mut body = Map::new();
        for (field, value) in values {
            match (&**field, value) {
                ("company", FieldValue::Text(name)) => {
                    let company = self.company(&request, name, lane).await?;
                    body.insert("company_id".into(), Value::from(&*company));
                }
                ("default_role", FieldValue::Text(name)) => {
                    drop(body.insert("default_role".into(), Value::from(&**name)))
                }
                _ => {
                    let detail = format!("`{field}` of an account cannot be set");
                    return Err(self.hq.error(&request, ErrorKind::Unsupported, &detail));
                }
            }
        }
        request.body = Some(body.into());
        self.patched(&request, id, |account| shows(account, values), lane).await
    }

    async fn set_status(&self, id: &str, status: &str, lane: Lane) -> Result<Written, Error> {
        let mut request = Request::new(Method::Patch, self.account_path("", &["users", id])?);
        if status == "inactive" {
            self.spare_ourselves(&request, id)?;
        }
        request.body = Some(json!({ "status": status }));
        self.patched(&request, id, |account| account.status.to_string() == status, lane).await
    }

    async fn patched(
        &self,
        request: &Request,
        id: &str,
        shows: impl Fn(&LiveAccount) -> bool + Send,
        lane: Lane,
    ) -> Result<Written, Error> {
        let answer = self.hq.send(request, lane).await?;
        let account = answer.body.and_then(|row| rows::account(&row, &self.companies).ok());
        let account = account.filter(|account| &*account.id == id);
        let proven = account.as_ref().is_some_and(shows);
        Ok(Written { id: Some(id.into()), account, proven })
    }

    fn lacks(&self, write: &Write) -> Error {
        let detail = match write {
            Write::DeleteAccount { .. } => "the API cannot delete accounts",
            Write::UpdateAccount { .. } => "people change their address in their own Autodesk profile",
            _ => "projects themselves are not written to",
        };
        self.construction.error(&Request::new(Method::Post, "…"), ErrorKind::Unsupported, detail)
    }
}

/// The level that values ask for, if they do.
fn level(request: &Request, acc: &Acc, values: &Values) -> Result<Option<Level>, Error> {
    match values.get("role").and_then(|role| role.texts().next()).map(|role| &**role) {
        None => Ok(None),
        Some(rows::MEMBER) => Ok(Some(Level::Member)),
        Some(rows::ADMIN) => Ok(Some(Level::Admin)),
        Some(other) => {
            let detail = format!("members have no level {other}");
            Err(acc.refused(request, &detail, "write `role: admin` or `role: member`"))
        }
    }
}

/// Whether an account has these values, as far as they are the account's and not the person's own.
fn shows(account: &LiveAccount, values: &Values) -> bool {
    let ours = values.iter().filter(|(field, _)| !PROFILE.contains(&&***field));
    has(&account.values, ours)
}

fn has<'v>(
    live: &BTreeMap<FieldName, Option<FieldValue>>,
    values: impl IntoIterator<Item = (&'v FieldName, &'v FieldValue)>,
) -> bool {
    let shown = |(field, value): (&FieldName, &FieldValue)| {
        live.get(field).is_some_and(|seen| value.is_shown_by(seen.as_ref()))
    };
    values.into_iter().all(shown)
}

/// The name of the company, unless it is to be none.
fn company_of(values: &Values) -> Option<&Arc<str>> {
    values.get("company").filter(|company| !company.is_empty())?.texts().next()
}

#[async_trait]
impl Writer for Acc {
    async fn write(&self, write: &Write, lane: Lane) -> Result<Written, Error> {
        match write {
            Write::CreateAccount { email, values } => self.create_account(email, values, lane).await,
            Write::UpdateAccount { id, values, email: None } => self.patch_account(id, values, lane).await,
            Write::Deactivate { id } => self.set_status(id, "inactive", lane).await,
            Write::Reactivate { id } => self.set_status(id, "active", lane).await,
            Write::AddMember { group, who, values } => self.add_member(group, who, values, lane).await,
            Write::ChangeMember { group, account, values } => self.change_member(group, account, values, lane).await,
            Write::RemoveMember { group, account } => self.remove_member(group, account, lane).await,
            // The semantics say that there is no such thing.
            other => Err(self.lacks(other)),
        }
    }

    /// Adds people to one project by an import. Its answer is a promise: who is in, only reading shows.
    async fn write_together(&self, writes: &[Write], lane: Lane) -> Result<Vec<Result<Written, Error>>, Error> {
        let Some(Write::AddMember { group, .. }) = writes.first() else {
            return Ok(self.one_by_one(writes, lane).await);
        };
        let mut request =
            Request::new(Method::Post, format!("{}/users:import", self.path(&["v2", "projects", group])?));
        let project = self.writable(&request, group, lane).await?;
        let mut people: Vec<Value> = Vec::new();
        let mut results = Vec::with_capacity(writes.len());
        for write in writes {
            let Write::AddMember { who, values, .. } = write else {
                let detail = "an import only adds people";
                results.push(Err(self.construction.error(&request, ErrorKind::Unsupported, detail)));
                continue;
            };
            // Whoever cannot be described spoils nothing for the others.
            match self.joining(&request, &project, who, values, lane).await {
                Err(error) => results.push(Err(error)),
                Ok(mut item) => {
                    for (field, key) in [("given_name", "firstName"), ("family_name", "lastName")] {
                        item.extend(who.values.get(field).map(|name| (key.to_owned(), Value::from(name.to_string()))));
                    }
                    people.push(item.into());
                    results.push(Ok(Written::default()));
                }
            }
        }
        if people.is_empty() {
            return Ok(results);
        }
        let mut body = json!({ "users": people });
        if self.settings.quiet {
            body["suppressAdministrativeEmails"] = true.into();
        }
        request.body = Some(body);
        self.construction.send(&request, lane).await?;
        Ok(results)
    }
}
