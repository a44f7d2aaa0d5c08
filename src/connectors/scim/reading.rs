//! Reading a server: lists to their end, single resources, members of groups.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde_json::Value;

use super::{
    ScimApp,
    attribute::{MEMBERS, get, text},
    discovery::Discovered,
    lists::{EXCLUDED, FILTER},
    memory::{Sight, groups_of},
    patch::equals,
    profile::Identity,
};
use crate::{
    budget::Lane,
    connectors::{
        AccountGroup, Error, ErrorKind, Joiner, Listing, Reader,
        http::{Answer, Method, Request, segment},
        rest::shape,
        row_limit::ListName,
    },
    model::{Coverage, Email, LiveAccount, LiveGroup, LiveMember, Notice, Reach, Severity, grouped},
};

/// Where users are.
pub(super) const USERS: &str = "/Users";

/// Where groups are.
pub(super) const GROUPS: &str = "/Groups";

impl ScimApp {
    /// What the server says of itself, asked once and only when it matters. No answer is as good as one that says nothing.
    pub(super) async fn discovered(&self, lane: Lane) -> &Discovered {
        self.discovered
            .get_or_init(|| async {
                if !self.profile.discovery {
                    return Discovered::default();
                }
                // The second name is the one of an older version, under which some servers have it still.
                for path in ["/ServiceProviderConfig", "/ServiceProviderConfigs"] {
                    match self.http.read(&Request::new(Method::Get, path), lane).await {
                        Ok(answer) => return Discovered::read(&answer.body.unwrap_or(Value::Null)),
                        Err(error) if error.kind == ErrorKind::NotFound => {}
                        Err(error) => {
                            tracing::debug!(app = self.http.app(), %error, "what the server can do is not known");
                            break;
                        }
                    }
                }
                Discovered::default()
            })
            .await
    }

    /// One resource; `None` when there is none.
    pub(super) async fn resource(&self, path: &str, id: &str, lane: Lane) -> Result<Option<Value>, Error> {
        let request = Request::new(Method::Get, self.path(path, id)?);
        let read = self.http.read(&request, lane).await;
        let is_it = |body: &Value| text(get(body, "id")).as_deref() == Some(id);
        let answer = shape::one(&self.http, &request, read, "resource", is_it).map_err(|error| self.explain(error))?;
        let Some(answer) = answer else { return Ok(None) };
        let body = answer.body.clone().unwrap_or(Value::Null);
        self.saw(&request.path, &answer, &body);
        Ok(Some(body))
    }

    /// The path of a resource.
    pub(super) fn path(&self, path: &str, id: &str) -> Result<String, Error> {
        let segment = segment(id).ok_or_else(|| {
            let detail = format!("`{id}` cannot stand for an id in an address");
            self.http.error(&Request::new(Method::Get, path), ErrorKind::Setup, None, &detail)
        })?;
        Ok(format!("{path}/{segment}"))
    }

    /// Remembers the version of a resource, or that it has none.
    pub(super) fn saw(&self, path: &str, answer: &Answer, body: &Value) {
        let header = answer.headers.iter().find(|(name, _)| name == "etag").map(|(_, value)| value.clone());
        let version = header.or_else(|| version(body));
        self.remember(path, version, body);
    }

    fn remember(&self, path: &str, version: Option<String>, body: &Value) {
        let mut memory = self.memory();
        match version {
            Some(version) => {
                // An answer to a change may show a part of the user only, and its address is what it was.
                let shown = path.starts_with(USERS).then(|| self.profile.address(body));
                let shown = shown.filter(|address| !address.key().is_empty());
                let before = || memory.sights.get(path).and_then(|sight| sight.address.clone());
                let address = shown.or_else(before);
                memory.sights.insert(path.to_owned(), Sight { version, address });
            }
            None => drop(memory.sights.remove(path)),
        }
    }

    /// A group with its members, who may have to be asked for by name.
    pub(super) async fn group_with_members(&self, id: &str, lane: Lane) -> Result<Value, Error> {
        let missing = || {
            let request = Request::new(Method::Get, format!("{GROUPS}/{id}"));
            self.http.error(&request, ErrorKind::NotFound, Some(404), "there is no such group")
        };
        let on_request = self.memory().members_on_request;
        let mut group = Value::Null;
        if !on_request {
            group = self.resource(GROUPS, id, lane).await?.ok_or_else(missing)?;
            if get(&group, MEMBERS).is_some_and(|members| !members.is_null()) {
                self.memory().see_members(&group);
                return Ok(group);
            }
        }
        // Not shown is not the same as empty, until it was asked for by name.
        let request = Request::new(Method::Get, self.path(GROUPS, id)?).with(&[("attributes", "displayName,members")]);
        match self.http.read(&request, lane).await {
            Ok(answer) => {
                let body = answer.body.unwrap_or(Value::Null);
                if text(get(&body, "id")).is_some_and(|other| other != id) {
                    let detail = "the answer is about another group";
                    return Err(self.http.error(&request, ErrorKind::Malformed, Some(answer.status), detail));
                }
                let members = get(&body, MEMBERS).cloned().unwrap_or(Value::Null);
                {
                    let mut memory = self.memory();
                    memory.members_on_request |= members.is_array();
                    memory.see_members(&body);
                }
                if group.is_null() {
                    group = body;
                }
                super::attribute::set(&mut group, MEMBERS, members);
                Ok(group)
            }
            Err(error) if error.kind == ErrorKind::NotFound => Err(missing()),
            Err(error) => Err(self.explain(error)),
        }
    }

    /// The members that a group shows, compared with what users say.
    fn members_of(&self, id: &str, group: &Value) -> Listing<LiveMember> {
        let mut rows: Vec<LiveMember> = Vec::new();
        let mut coverage = Coverage::Complete;
        let mut nested = 0;
        if get(group, MEMBERS).is_some_and(|members| !members.is_array() && !members.is_null()) {
            coverage = Coverage::Incomplete(format!("GET {GROUPS}/{id}: `members` is not a list"));
        }
        for member in get(group, MEMBERS).and_then(Value::as_array).into_iter().flatten() {
            match text(get(member, "value")) {
                _ if is_group(member) => nested += 1,
                Some(account) => rows.push(LiveMember::new(account.into(), BTreeMap::new())),
                None => {
                    let why = format!("GET {GROUPS}/{id}: one of the `members` has no `value`");
                    coverage = coverage.and(Coverage::Incomplete(why));
                }
            }
        }
        let (received, limit) = (rows.len() as u64, self.http.rows().limit(&ListName::Members(id.to_owned())));
        if received > limit.rows() {
            let why = format!("GET {GROUPS}/{id}: {} members came, and {limit}", grouped(received));
            coverage = coverage.and(Coverage::Incomplete(why));
        }
        let name = text(get(group, "displayName")).unwrap_or_else(|| id.to_owned());
        let mut memory = self.memory();
        if nested > 0 {
            let what = if nested == 1 { "a group".to_owned() } else { format!("{nested} groups") };
            memory.notices.insert(Notice {
                severity: Severity::Note,
                group: Some(name.as_str().into()),
                message: format!(
                    "{name} contains {what}; whoever is in it only through them is not counted as a member"
                ),
            });
        }
        let shown: BTreeSet<&str> = rows.iter().map(|member| &*member.account).collect();
        let claimed = memory.claims.get(id).filter(|_| self.profile.check_members && nested == 0);
        let hidden: Vec<String> =
            claimed.into_iter().flatten().filter(|who| !shown.contains(who.as_str())).cloned().collect();
        if !hidden.is_empty() {
            let why = format!(
                "GET {GROUPS}/{id}: members shown: {}; users who say that they are in the group too: {}, such as {}; if they are \
                 wrong, set `options.check_members: false`",
                shown.len(),
                hidden.len(),
                hidden[0]
            );
            memory.truncated.insert(id.to_owned(), why);
        }
        // Seen is seen, whichever side shows it.
        rows.extend(hidden.into_iter().map(|who| LiveMember::new(who.into(), BTreeMap::new())));
        if let Some(why) = memory.truncated.get(id) {
            coverage = coverage.and(Coverage::Incomplete(why.clone()));
        }
        if rows.is_empty() && nested == 0 && !self.profile.omits_empty_members && !memory.knows_members(id) {
            coverage = coverage.and(Coverage::Believed(NO_MEMBERS_SHOWN.into()));
        }
        Listing { rows, coverage }
    }

    fn group(row: &Value) -> Result<LiveGroup, String> {
        Ok(LiveGroup {
            id: text(get(row, "id")).ok_or("a group has no `id`")?.into(),
            name: text(get(row, "displayName")).ok_or("a group has no `displayName`")?.into(),
            values: BTreeMap::new(),
            members: Vec::new(),
            coverage: Coverage::Incomplete("its members were not read".into()),
            reach: Reach::Full,
        })
    }

    /// All users as the server shows them.
    async fn users(&self, lane: Lane) -> Result<Listing<Value>, Error> {
        let users = self.list(ListName::Accounts, Request::new(Method::Get, USERS), lane).await?;
        self.memory().claim(users.rows.iter());
        self.weigh_user_names(&users.rows);
        self.saw_rows(USERS, &users.rows);
        Ok(users)
    }

    /// Says which option helps where most user names are no addresses, and so stand for nobody in the files.
    fn weigh_user_names(&self, users: &[Value]) {
        let named = |user: &&Value| Email::parse(self.profile.address(user).as_str()).is_ok();
        let addressed = users.iter().filter(named).count();
        if self.profile.identity == Identity::UserName && users.len() > 2 * addressed {
            let message = "most user names of this server are no email addresses, so nobody can tell whose accounts they are; if \
                           accounts are known by their `emails`, set `options.identity: email`";
            self.memory().notices.insert(Notice { severity: Severity::Warning, group: None, message: message.into() });
        }
    }

    fn saw_rows(&self, path: &str, rows: &[Value]) {
        for row in rows {
            if let Some(path) = text(get(row, "id")).and_then(|id| self.path(path, &id).ok()) {
                self.remember(&path, version(row), row);
            }
        }
    }

    /// The users that a filter finds; `None` where the server does not filter.
    async fn filtered(&self, email: &Email, lane: Lane) -> Result<Option<Listing<Value>>, Error> {
        if !self.profile.filter || self.memory().filter_useless {
            return Ok(None);
        }
        let filter = equals(self.profile.searched(), email.as_str());
        let list = Request::new(Method::Get, USERS).with(&[(FILTER, &filter)]);
        let found = match self.list(ListName::Other(list.asks_for()), list, lane).await {
            Ok(found) => found,
            // Too broad, not understood or not there at all: the whole list knows it too.
            Err(error) if matches!(error.status, Some(400 | 404 | 405 | 413 | 501)) => {
                tracing::debug!(app = self.http.app(), %error, "the server does not filter");
                self.memory().filter_useless = true;
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        if found.rows.iter().all(|user| self.profile.is_found_by(user, email)) {
            return Ok(Some(found));
        }
        tracing::debug!(app = self.http.app(), "the server ignores filters");
        self.memory().filter_useless = true;
        Ok(None)
    }
}

/// Why a group that shows nobody may have members all the same.
const NO_MEMBERS_SHOWN: &str = "no group of this server has shown a member; if groups without members are just that, set \
                                `options.omits_empty_members: true`, and where none ever shows them `options.read_members: false`";

fn version(resource: &Value) -> Option<String> {
    text(get(get(resource, "meta")?, "version"))
}

/// Whether a member is a group itself.
fn is_group(member: &Value) -> bool {
    let by_type = text(get(member, "type")).map(|kind| kind.eq_ignore_ascii_case("group"));
    let by_link = || text(get(member, "$ref")).is_some_and(|link| link.contains("/Groups/"));
    by_type.unwrap_or_else(by_link)
}

#[async_trait]
impl Reader for ScimApp {
    async fn accounts(&self, lane: Lane) -> Result<Listing<LiveAccount>, Error> {
        Ok(self.users(lane).await?.parse(|user| self.profile.account(user)))
    }

    async fn account(&self, id: &str, lane: Lane) -> Result<Option<LiveAccount>, Error> {
        let Some(user) = self.resource(USERS, id, lane).await? else { return Ok(None) };
        let account = self.profile.account(&user).map_err(|lacks| {
            let request = Request::new(Method::Get, format!("{USERS}/{id}"));
            self.http.error(&request, ErrorKind::Malformed, None, &lacks)
        })?;
        Ok(Some(account))
    }

    async fn find(&self, email: &Email, lane: Lane) -> Result<Listing<LiveAccount>, Error> {
        let users = match self.filtered(email, lane).await? {
            Some(found) => found,
            None => self.list(ListName::Accounts, Request::new(Method::Get, USERS), lane).await?,
        };
        let mut found = users.parse(|user| self.profile.account(user));
        found.rows.retain(|account| account.email == *email);
        Ok(found)
    }

    fn asks(&self) -> bool {
        self.profile.filter && !self.memory().filter_useless
    }

    async fn groups(&self, lane: Lane) -> Result<Listing<LiveGroup>, Error> {
        let request = Request::new(Method::Get, GROUPS).with(&[(EXCLUDED, MEMBERS)]);
        let groups = self.list(ListName::Other(request.asks_for()), request, lane).await?;
        self.saw_rows(GROUPS, &groups.rows);
        // Some show members all the same.
        groups.rows.iter().for_each(|group| self.memory().see_members(group));
        Ok(groups.parse(Self::group))
    }

    async fn members(&self, group_id: &str, lane: Lane) -> Result<Listing<LiveMember>, Error> {
        let group = self.group_with_members(group_id, lane).await?;
        Ok(self.members_of(group_id, &group))
    }

    /// Of a group that does not show all its members, the user's own side is asked.
    async fn member(&self, group_id: &str, who: &Joiner, lane: Lane) -> Result<Listing<LiveMember>, Error> {
        let truncated = self.memory().truncated.get(group_id).cloned();
        let (Some(why), Some(id)) = (truncated, &who.id) else { return self.members(group_id, lane).await };
        let member = || LiveMember::new(id.clone(), BTreeMap::new());
        let user = self.resource(USERS, id, lane).await?;
        // A user who is gone is in no group.
        let Some(user) = user else { return Ok(Listing::complete(Vec::new())) };
        let rows: Vec<_> = groups_of(&user).any(|group| group == group_id).then(member).into_iter().collect();
        let shows_groups = get(&user, "groups").is_some();
        let coverage = if shows_groups { Coverage::Complete } else { Coverage::Incomplete(why) };
        Ok(Listing { rows, coverage })
    }

    async fn memberships(&self, account_id: &str, _lane: Lane) -> Result<Listing<AccountGroup>, Error> {
        let request = Request::new(Method::Get, self.path(USERS, account_id)?);
        Err(self.http.error(&request, ErrorKind::Unsupported, None, "members are read group by group"))
    }

    fn shows_members(&self) -> bool {
        self.memory().members_shown
    }

    fn recall_shown_members(&self) {
        self.memory().members_shown = true;
    }

    fn notices(&self) -> Vec<Notice> {
        self.memory().notices.iter().cloned().collect()
    }
}
