//! Changing a server: each change is sent once, in part where the server can do that, and otherwise as the whole resource
//! with everything kept that was in it.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use super::{
    ScimApp,
    attribute::{self, Attribute, get, set, text},
    members::{crowd, membership},
    reading::{GROUPS, USERS},
    users::{activity, merged, shows},
};
use crate::{
    budget::Lane,
    connectors::{
        Error, ErrorKind, Write, Writer, Written,
        http::{Answer, Method, Request},
        replacement::{self, Unfit},
    },
    model::{AccountStatus, Email, LiveAccount, NAME, Values},
};

/// What was made is there now; 200 means that it had been there before.
const CREATED: u16 = 201;

/// The resource is not the one that the change was made for.
const CHANGED: u16 = 412;

const IF_MATCH: &str = "if-match";

impl ScimApp {
    pub(super) async fn send(&self, request: &Request, lane: Lane) -> Result<Answer, Error> {
        let answer = self.http.write(request, lane).await.map_err(|error| self.explain(error))?;
        let body = answer.body.as_ref().unwrap_or(&Value::Null);
        if request.method == Method::Post {
            if let Some(made) = text(get(body, "id")) {
                self.saw(&self.path(&request.path, &made)?, &answer, body);
            }
        } else {
            self.saw(&request.path, &answer, body);
        }
        Ok(answer)
    }

    /// Names the version that a change is meant for, where the server keeps versions and one was seen.
    async fn guarded(&self, mut request: Request, lane: Lane) -> Request {
        let keeps = match self.profile.etags {
            Some(etags) => etags,
            None => self.discovered(lane).await.etag == Some(true),
        };
        if keeps && let Some(sight) = self.memory().sights.get(&request.path) {
            request.headers.push((IF_MATCH.into(), sight.version.clone()));
        }
        request
    }

    /// Sends a change of a user for the version that was seen. If there is another by now, it is looked at once, and the
    /// change goes ahead only if the user is still the same person.
    async fn send_to_user(&self, request: Request, id: &str, lane: Lane) -> Result<Answer, Error> {
        let before = self.memory().sights.get(&request.path).and_then(|sight| sight.address.clone());
        let first = self.guarded(request.clone(), lane).await;
        match self.send(&first, lane).await {
            Err(error) if error.status == Some(CHANGED) => {}
            other => return other,
        }
        let now = self.resource(USERS, id, lane).await?.ok_or_else(|| self.gone(&request))?;
        let address = self.profile.address(&now);
        if before.is_some_and(|before| before != address) {
            let detail = format!("the account belongs to {address} now");
            let refusal = self.http.error(&request, ErrorKind::Refused, Some(CHANGED), &detail);
            return Err(refusal.hinted("nothing was changed; plan again"));
        }
        let second = self.guarded(request, lane).await;
        self.send(&second, lane).await
    }

    /// Writes a whole resource: reads it, changes it and sends it back with all that was in it, unless that is `unfit`. If
    /// somebody else was faster, it is read once more.
    pub(super) async fn replace(
        &self,
        kind: &'static str,
        id: &str,
        change: impl Fn(&mut Value) + Send + Sync,
        unfit: Option<Unfit<'_>>,
        lane: Lane,
    ) -> Result<Answer, Error> {
        let request = Request::new(Method::Put, self.path(kind, id)?);
        // Two of our own that read the same state would undo each other where the server keeps no versions.
        let turn = self.turns.of(&request.path);
        let _turn = turn.lock().await;
        let mut tries = 0;
        loop {
            let whole =
                if kind == GROUPS { self.whole_group(id, lane).await? } else { self.resource(kind, id, lane).await? };
            let mut resource = whole.ok_or_else(|| self.gone(&request))?;
            if let Some(why) = unfit.and_then(|unfit| unfit(&resource)) {
                return Err(self.http.error(&request, ErrorKind::Server, None, &why));
            }
            change(&mut resource);
            let request = self.guarded(request.clone().with_body(resource), lane).await;
            match self.send(&request, lane).await {
                Err(error) if error.status == Some(CHANGED) && tries == 0 => tries += 1,
                other => return other,
            }
        }
    }

    /// Whether resources of this kind are changed by PATCH.
    pub(super) async fn patches(&self, kind: &'static str, lane: Lane) -> bool {
        if self.memory().no_patch.contains(kind) {
            return false;
        }
        match self.profile.patch {
            Some(patch) => patch,
            // What a server says of itself counts only as long as there is another way.
            None => !self.may_replace(kind) || self.discovered(lane).await.patch != Some(false),
        }
    }

    pub(super) fn may_replace(&self, kind: &'static str) -> bool {
        if kind == GROUPS { self.profile.writes_whole_groups() } else { self.profile.put_users }
    }

    /// Whether an answer means that PATCH is not there, and something else is.
    pub(super) fn falls_back(&self, kind: &'static str, error: &Error) -> bool {
        let falls = error.kind == ErrorKind::Unsupported && self.may_replace(kind);
        if falls {
            self.memory().no_patch.insert(kind);
        }
        falls
    }

    async fn create_user(&self, email: &Email, values: &Values, lane: Lane) -> Result<Written, Error> {
        let request = Request::new(Method::Post, USERS);
        let user = self.profile.new_user(email, values).map_err(|field| self.unmapped(&request, &field))?;
        let answer = self.send(&request.with_body(user), lane).await?;
        let account = self.shown(&answer);
        let proven = answer.status == CREATED
            && account.as_ref().is_some_and(|account| {
                account.email == *email && account.status == AccountStatus::Active && shows(account, values)
            });
        let id = answer.body.as_ref().and_then(|body| text(get(body, "id"))).map(Arc::from);
        Ok(Written { id, account, proven })
    }

    fn shown(&self, answer: &Answer) -> Option<LiveAccount> {
        self.profile.account(answer.body.as_ref()?).ok()
    }

    /// Changes attributes of a user, who may have been read right before. `shown` says whether an account shows the effect;
    /// `unfit`, whether a user must not be replaced as a whole.
    async fn change_user(
        &self,
        id: &str,
        user: Option<Value>,
        mut changes: Vec<(Attribute, Value)>,
        shown: impl Fn(&LiveAccount) -> bool,
        unfit: Option<Unfit<'_>>,
        lane: Lane,
    ) -> Result<Written, Error> {
        let path = self.path(USERS, id)?;
        let mut answer = None;
        if self.patches(USERS, lane).await {
            if changes.iter().any(|(_, value)| value.is_array()) {
                // A list is replaced as a whole, and what stands beside its values has to stay.
                let request = Request::new(Method::Patch, path.as_str());
                let user = match user {
                    Some(user) => user,
                    None => self.resource(USERS, id, lane).await?.ok_or_else(|| self.gone(&request))?,
                };
                for (attribute, value) in changes.iter_mut().filter(|(_, value)| value.is_array()) {
                    *value = merged(attribute.get(&user), value);
                }
            }
            let request = Request::new(Method::Patch, path).with_body(self.profile.dialect.replace(&changes));
            match self.send_to_user(request, id, lane).await {
                Err(error) if self.falls_back(USERS, &error) => {}
                other => answer = Some(other?),
            }
        }
        let answer = match answer {
            Some(answer) => answer,
            None => {
                let change = |user: &mut Value| {
                    for (attribute, value) in &changes {
                        let value = merged(attribute.get(user), value);
                        attribute.set(user, value);
                    }
                };
                self.replace(USERS, id, change, unfit, lane).await?
            }
        };
        let account = self.shown(&answer).filter(|account| &*account.id == id);
        let proven = !answer.is_promise() && account.as_ref().is_some_and(shown);
        Ok(Written { id: Some(id.into()), account, proven })
    }

    async fn set_active(&self, id: &str, active: bool, lane: Lane) -> Result<Written, Error> {
        let status = if active { AccountStatus::Active } else { AccountStatus::Inactive };
        self.change_user(id, None, activity(active), |account| account.status == status, None, lane).await
    }

    /// Deletes a user, and looks what became of it: some servers only deactivate.
    async fn delete_user(&self, id: &str, lane: Lane) -> Result<Written, Error> {
        let request = self.guarded(Request::new(Method::Delete, self.path(USERS, id)?), lane).await;
        let answer = self.send(&request, lane).await.map_err(moved_on)?;
        let left = self.resource(USERS, id, lane).await?;
        let inactive = left
            .as_ref()
            .and_then(|user| self.profile.account(user).ok())
            .is_some_and(|account| account.status == AccountStatus::Inactive);
        if inactive {
            let detail = "the server made the user inactive instead of deleting it";
            let refusal = self.http.error(&request, ErrorKind::Unsupported, Some(answer.status), detail);
            return Err(refusal.hinted("set `options.delete_users: deactivates`"));
        }
        Ok(Written { proven: left.is_none(), ..Written::default() })
    }

    async fn create_group(&self, name: &str, lane: Lane) -> Result<Written, Error> {
        let mut group = attribute::new(attribute::GROUP);
        set(&mut group, "displayName", name.into());
        let answer = self.send(&Request::new(Method::Post, GROUPS).with_body(group), lane).await?;
        let shown = |name: &str| answer.body.as_ref().and_then(|body| text(get(body, name)));
        let (id, echo) = (shown("id"), shown("displayName"));
        let proven = answer.status == CREATED && id.is_some() && echo.as_deref() == Some(name);
        // An app that answers 200 may have found one that was there already, with members.
        if let (true, Some(id)) = (proven, &id) {
            self.memory().made.insert(id.clone());
        }
        Ok(Written { id: id.map(Arc::from), account: None, proven })
    }

    async fn rename_group(&self, id: &str, name: &str, lane: Lane) -> Result<Written, Error> {
        let path = self.path(GROUPS, id)?;
        let mut answer = None;
        if self.patches(GROUPS, lane).await {
            let change: Vec<_> = Attribute::parse("displayName").ok().map(|it| (it, name.into())).into_iter().collect();
            let request = Request::new(Method::Patch, path).with_body(self.profile.dialect.replace(&change));
            match self.send(&self.guarded(request, lane).await, lane).await {
                Err(error) if self.falls_back(GROUPS, &error) => {}
                other => answer = Some(other?),
            }
        }
        let answer = match answer {
            Some(answer) => answer,
            None => self.replace(GROUPS, id, |group| set(group, "displayName", name.into()), None, lane).await?,
        };
        let shown = answer.body.as_ref().and_then(|body| text(get(body, "displayName")));
        let proven = !answer.is_promise() && shown.as_deref() == Some(name);
        Ok(Written { id: Some(id.into()), account: None, proven })
    }

    async fn delete_group(&self, id: &str, lane: Lane) -> Result<Written, Error> {
        let request = self.guarded(Request::new(Method::Delete, self.path(GROUPS, id)?), lane).await;
        self.send(&request, lane).await.map_err(moved_on)?;
        self.memory().forget_claims(id);
        Ok(Written { proven: self.resource(GROUPS, id, lane).await?.is_none(), ..Written::default() })
    }

    fn gone(&self, request: &Request) -> Error {
        self.http.error(request, ErrorKind::NotFound, Some(404), "it is gone")
    }

    fn unmapped(&self, request: &Request, field: &str) -> Error {
        let detail = format!("the field `{field}` has no attribute");
        self.http.error(request, ErrorKind::Setup, None, &detail).hinted("give it one under `options.fields`")
    }
}

/// What is deleted has to be what was planned to be: a change in between stops it.
fn moved_on(error: Error) -> Error {
    match error.status {
        Some(CHANGED) => error.hinted("somebody changed it since it was read; nothing was deleted; plan again"),
        _ => error,
    }
}

#[async_trait]
impl Writer for ScimApp {
    async fn write(&self, write: &Write, lane: Lane) -> Result<Written, Error> {
        match write {
            Write::CreateAccount { email, values } => self.create_user(email, values, lane).await,
            Write::UpdateAccount { id, values, email } => {
                let request = Request::new(Method::Patch, self.path(USERS, id)?);
                let mut changes = self.profile.changes(values).map_err(|field| self.unmapped(&request, &field))?;
                let mut user = None;
                if let Some(email) = email {
                    let seen = self.resource(USERS, id, lane).await?.ok_or_else(|| self.gone(&request))?;
                    changes.extend(self.profile.readdressed(&seen, email));
                    user = Some(seen);
                }
                let unfit = |user: &Value| {
                    self.profile.account(user).ok().and_then(|account| replacement::why_not_now(&account))
                };
                let shown = |account: &LiveAccount| {
                    shows(account, values) && email.as_ref().is_none_or(|email| account.email == *email)
                };
                self.change_user(id, user, changes, shown, Some(&unfit), lane).await
            }
            Write::Deactivate { id } => self.set_active(id, false, lane).await,
            Write::Reactivate { id } => self.set_active(id, true, lane).await,
            Write::DeleteAccount { id } => self.delete_user(id, lane).await,
            Write::CreateGroup { name, .. } => self.create_group(name, lane).await,
            Write::UpdateGroup { id, values } => match values.get(NAME) {
                Some(name) => self.rename_group(id, &name.to_string(), lane).await,
                None => Err(self.lacks("…", "groups have no fields")),
            },
            Write::DeleteGroup { id } => self.delete_group(id, lane).await,
            Write::AddMember { group, .. } | Write::RemoveMember { group, .. } => {
                let (_, add, id) = membership(write).ok_or_else(|| self.lacks(group, "the account has no id"))?;
                let in_it = self.change_members(group, add, &[id], lane).await?;
                Ok(Written { proven: in_it.contains(id), ..Written::default() })
            }
            // The semantics say that there is no such thing.
            _ => Err(self.lacks("…", "neither members nor groups have fields")),
        }
    }

    async fn write_together(&self, writes: &[Write], lane: Lane) -> Result<Vec<Result<Written, Error>>, Error> {
        let Some((group, add, ids)) = crowd(writes) else { return Ok(self.one_by_one(writes, lane).await) };
        let in_it = self.change_members(group, add, &ids, lane).await?;
        Ok(ids.iter().map(|id| Ok(Written { proven: in_it.contains(*id), ..Written::default() })).collect())
    }
}
