//! Reading. Queries match whatever merely contains the text, so that each asks for equality and is compared once more.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use super::{
    Acc, explained, products,
    rows::{self, Project},
};
use crate::{
    budget::Lane,
    connectors::{
        AccountGroup, Error, ErrorKind, Joiner, Listing, Looked, Reader,
        http::{Method, Request},
        row_limit::ListName,
    },
    model::{AccountStatus, Coverage, Email, LiveAccount, LiveGroup, LiveMember, Notice, Reach, Severity, Vocabulary},
};

/// Addresses that a notice lists, so that a long list does not bury the sentence.
const SHOWN: usize = 5;

impl Acc {
    fn hq_request(&self, rest: &[&str], query: &[(&str, &str)]) -> Result<Request, Error> {
        Ok(Request::new(Method::Get, self.account_path("", rest)?).with(query))
    }

    /// One account as `hq` shows it; `None` when there is none.
    pub(super) async fn raw_account(&self, id: &str, lane: Lane) -> Result<Option<Value>, Error> {
        self.hq.row(&self.hq_request(&["users", id], &[])?, id, "account", lane).await
    }

    /// One member of a project as the API shows them, removed ones included; `None` when there is none.
    pub(super) async fn raw_member(&self, project: &str, id: &str, lane: Lane) -> Result<Option<Value>, Error> {
        let request = Request::new(Method::Get, self.path(&["v1", "projects", project, "users", id])?);
        let row = self.construction.row(&request, id, "member", lane).await?;
        row.iter().for_each(|row| rows::see_roles(row, &self.roles));
        Ok(row)
    }

    /// A project, as it was listed or as it is read now.
    pub(super) async fn project(&self, id: &str, lane: Lane) -> Result<Project, Error> {
        let listed = self.state().projects.get(id).filter(|project| project.products.is_some()).cloned();
        if let Some(project) = listed {
            return Ok(project);
        }
        let request = Request::new(Method::Get, self.path(&["v1", "projects", id])?);
        let answer = self.construction.http.read(&request, lane).await.map_err(explained)?;
        let project = rows::project(&answer.body.unwrap_or(Value::Null)).map_err(|lacks| {
            self.construction.http.error(&request, ErrorKind::Malformed, Some(answer.status), &lacks)
        })?;
        self.state().projects.insert(project.id.clone(), project.clone());
        Ok(project)
    }

    /// Learns the names of all companies.
    pub(super) async fn read_companies(&self, lane: Lane) -> Result<Coverage, Error> {
        let request = self.sorted("companies")?;
        let listing = self.construction.list(ListName::Other(request.asks_for()), &request, lane).await?;
        for row in listing.rows.iter().filter(|row| rows::text(row, "status") != Some("deleted")) {
            if let (Some(id), Some(name)) = (rows::text(row, "id"), rows::text(row, "name")) {
                self.companies.see(id, name);
            }
        }
        Ok(listing.coverage)
    }

    /// The request for everything of a kind that the account has.
    fn sorted(&self, kind: &str) -> Result<Request, Error> {
        let request = Request::new(Method::Get, self.account_path("v1", &[kind])?);
        Ok(request.with(&[("sort", "name,createdAt")]))
    }

    fn members_request(&self, project: &str, query: &[(&str, &str)]) -> Result<Request, Error> {
        let request = Request::new(Method::Get, self.path(&["v1", "projects", project, "users"])?);
        // Names are the usual order and not unique: two who are called the same could change places between two pages.
        Ok(request.with(&[("sort", "name,email")]).with(query))
    }

    fn parse_members(&self, listing: Listing<Value>) -> Listing<LiveMember> {
        // All names first, so that a name which several roles share is known to be one before any is used.
        listing.rows.iter().for_each(|row| rows::see_roles(row, &self.roles));
        let members = listing.parse(|row| rows::member(row, &self.roles, &self.companies));
        Listing { rows: members.rows.into_iter().flatten().collect(), coverage: members.coverage }
    }

    /// Tells of members whose products are not those of their level: nothing in the files can say so.
    fn note_mixed(&self, project: &str, members: &[Value]) {
        let mut state = self.state();
        let Some(known) = state.projects.get(project).cloned() else { return };
        let Some(products) = known.products.as_deref() else { return };
        let mixed = |row: &&Value| {
            let level = rows::level(row).filter(|_| rows::text(row, "status") == Some("active"));
            level.is_some_and(|level| !products::fit(row, level, products))
        };
        let mut mixed: Vec<&str> =
            members.iter().filter(mixed).map(|row| rows::text(row, "email").unwrap_or("?")).collect();
        mixed.sort_unstable();
        if mixed.is_empty() || known.reach != Reach::Full {
            state.notices.remove(project);
            return;
        }
        let more = if mixed.len() > SHOWN { ", …" } else { "" };
        let message = format!(
            "{} member(s) of {} have other products than their level gives ({}{more}); rosterd sets products only where it \
             sets a level",
            mixed.len(),
            known.name,
            mixed[..mixed.len().min(SHOWN)].join(", ")
        );
        let notice = Notice { severity: Severity::Note, group: Some(known.name), message };
        state.notices.insert(project.into(), notice);
    }

    /// Remembers this account if it is the acting user's, where not all are listed.
    fn see_own(&self, row: &Value) {
        let own = self.settings.acting_user.as_deref().is_some_and(|user| is_of(row, user));
        if let Some(id) = rows::text(row, "id").filter(|_| own) {
            self.state().own = Some(id.into());
        }
    }

    /// Remembers which account is the acting user's, who may be named by either of two ids.
    fn find_own(&self, listing: &Listing<Value>) {
        const KEY: &str = "acting user";
        let Some(user) = self.settings.acting_user.as_deref() else { return };
        let own = listing.rows.iter().find(|row| is_of(row, user)).and_then(|row| rows::text(row, "id"));
        let mut state = self.state();
        state.own = own.map(Arc::from);
        state.notices.remove(KEY);
        if own.is_none() && listing.coverage.is_complete() {
            let message = format!(
                "`options.acting_user` is {user}, which is no account here, so writes to projects will be refused; write \
                 the ACC id or Autodesk id of an account admin"
            );
            state.notices.insert(KEY.into(), Notice { severity: Severity::Warning, group: None, message });
        }
    }
}

/// Whether a row is this user's, who may be named by either of two ids.
fn is_of(row: &Value, user: &str) -> bool {
    ["id", "uid"].iter().any(|key| rows::text(row, key) == Some(user))
}

#[async_trait]
impl Reader for Acc {
    async fn accounts(&self, lane: Lane) -> Result<Listing<LiveAccount>, Error> {
        // No order is promised, and pages by number need one that holds still.
        let request = self.hq_request(&["users"], &[("sort", "email,id")])?;
        let listing = self.hq.list(ListName::Accounts, &request, lane).await.map_err(|error| match error.status {
            Some(404) => error.hinted(
                "an account of another region is not found either: check `options.account_id` and `options.region`",
            ),
            _ => error,
        })?;
        self.find_own(&listing);
        Ok(listing.parse(|row| rows::account(row, &self.companies)))
    }

    async fn account(&self, id: &str, lane: Lane) -> Result<Option<LiveAccount>, Error> {
        let Some(row) = self.raw_account(id, lane).await? else { return Ok(None) };
        self.see_own(&row);
        rows::account(&row, &self.companies).map(Some).map_err(|lacks| {
            let request = Request::new(Method::Get, format!("…/users/{id}"));
            self.hq.error(&request, ErrorKind::Malformed, &lacks)
        })
    }

    async fn find(&self, email: &Email, lane: Lane) -> Result<Listing<LiveAccount>, Error> {
        let query = [("email", email.as_str()), ("partial", "false"), ("operator", "AND"), ("sort", "email,id")];
        let request = self.hq_request(&["users", "search"], &query)?;
        let listing = self.hq.list(ListName::Other(request.asks_for()), &request, lane).await?;
        listing.rows.iter().for_each(|row| self.see_own(row));
        let mut found = listing.parse(|row| rows::account(row, &self.companies));
        found.rows.retain(|account| account.email == *email);
        Ok(found)
    }

    async fn groups(&self, lane: Lane) -> Result<Listing<LiveGroup>, Error> {
        let request = self.sorted("projects")?;
        let listing = self.construction.list(ListName::Other(request.asks_for()), &request, lane).await?;
        let projects = listing.parse(rows::project);
        let mut state = self.state();
        state.projects.extend(projects.rows.iter().map(|project| (project.id.clone(), project.clone())));
        Ok(Listing { rows: projects.rows.iter().map(Project::group).collect(), coverage: projects.coverage })
    }

    async fn members(&self, group_id: &str, lane: Lane) -> Result<Listing<LiveMember>, Error> {
        let request = self.members_request(group_id, &[])?;
        let listing = self.construction.list(ListName::Members(group_id.to_owned()), &request, lane).await?;
        self.note_mixed(group_id, &listing.rows);
        Ok(self.parse_members(listing))
    }

    async fn member(&self, group_id: &str, who: &Joiner, lane: Lane) -> Result<Listing<LiveMember>, Error> {
        if let Some(id) = &who.id {
            let row = self.raw_member(group_id, id, lane).await?;
            return Ok(self.parse_members(Listing::complete(row.into_iter().collect())));
        }
        let query = [("filter[email]", who.email.as_str()), ("filterTextMatch", "equals")];
        let request = self.members_request(group_id, &query)?;
        let listing = self.construction.list(ListName::Other(request.asks_for()), &request, lane).await?;
        let mut found = self.parse_members(listing);
        found.rows.retain(|member| member.email.as_ref() == Some(&who.email));
        Ok(found)
    }

    async fn memberships(&self, account_id: &str, _: Lane) -> Result<Listing<AccountGroup>, Error> {
        let request = Request::new(Method::Get, format!("…/users/{account_id}/projects"));
        let detail = "memberships are read project by project";
        Err(self.construction.error(&request, ErrorKind::Unsupported, detail))
    }

    async fn vocabulary(&self, fields: &Looked<'_>, lane: Lane) -> Result<Vocabulary, Error> {
        let mut vocabulary = Vocabulary::default();
        let of_accounts = fields.accounts.contains("company");
        let of_members = fields.members.contains("company");
        if of_accounts || of_members {
            // Of a list that broke off, what is not in it proves nothing, and the write itself finds out.
            if self.read_companies(lane).await?.is_complete() {
                let words = self.companies.words();
                vocabulary.accounts.extend(of_accounts.then(|| ("company".into(), words.clone())));
                vocabulary.members.extend(of_members.then(|| ("company".into(), words)));
            }
        }
        if fields.members.contains("roles") {
            vocabulary.members.insert("roles".into(), self.roles.words());
        }
        Ok(vocabulary)
    }

    fn own_account(&self) -> Option<Arc<str>> {
        self.state().own.clone()
    }

    fn notices(&self) -> Vec<Notice> {
        let mut notices: Vec<Notice> = self.state().notices.values().cloned().collect();
        notices.sort();
        notices
    }
}

/// Whether a membership that reading shows can be used or will be.
pub(super) fn is_suspended(member: &LiveMember) -> bool {
    member.status == AccountStatus::Inactive
}
