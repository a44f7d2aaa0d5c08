//! Changing who is in a group: together, each by name, and without touching anybody else.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    ScimApp,
    attribute::{MEMBERS, get, set, text},
    profile::MemberRemoval,
    reading::GROUPS,
};
use crate::{
    budget::Lane,
    connectors::{
        Error, ErrorKind, Reader, Write,
        http::{Answer, Method, Request},
    },
    model::{Coverage, Notice, Severity},
};

impl ScimApp {
    /// Adds to a group, or takes out of it, all of them in one request. Says who is in it afterwards, if the answer does.
    pub(super) async fn change_members(
        &self,
        group: &str,
        add: bool,
        ids: &[&str],
        lane: Lane,
    ) -> Result<BTreeSet<String>, Error> {
        if add {
            return self.add_members(group, ids, lane).await;
        }
        // That somebody is not in it any more is seen only by looking.
        let removed = self.remove_members(group, ids, lane).await.map_err(|error| self.suggest_value(error));
        removed.map(|()| BTreeSet::new())
    }

    /// Names the other way to remove members, where the usual one may be what the server does not know.
    fn suggest_value(&self, error: Error) -> Error {
        let filtered = self.profile.member_removal == MemberRemoval::Filtered && self.profile.patch != Some(false);
        if filtered && matches!(error.status, Some(400 | 500 | 501 | 505)) {
            return error.hinted(
                "if the server knows no filters in the paths of PATCH, set `options: { member_removal: value }`, or `replace`",
            );
        }
        error
    }

    /// Adds members to a group. Says who is in it afterwards, if the answer does.
    async fn add_members(&self, group: &str, ids: &[&str], lane: Lane) -> Result<BTreeSet<String>, Error> {
        self.memory().forget_claims(group);
        if self.patches(GROUPS, lane).await {
            match self.patch_group(group, self.profile.dialect.add_members(ids), lane).await {
                Err(error) if self.falls_back(GROUPS, &error) => {}
                other => {
                    let shown = members_shown(&other?);
                    self.memory().made.remove(group);
                    return Ok(shown);
                }
            }
        }
        self.can_replace_group(group)?;
        let add = |resource: &mut Value| {
            let mut members = members(resource);
            for id in ids {
                if !members.iter().any(|member| is(member, id)) {
                    members.push(json!({"value": id}));
                }
            }
            set(resource, MEMBERS, members.into());
        };
        let shown = members_shown(&self.replace(GROUPS, group, add, None, lane).await?);
        // From now on it has members, which it has to show before it is written again.
        self.memory().made.remove(group);
        Ok(shown)
    }

    /// Takes members out of a group, and nobody else.
    async fn remove_members(&self, group: &str, ids: &[&str], lane: Lane) -> Result<(), Error> {
        self.memory().forget_claims(group);
        if self.profile.member_removal != MemberRemoval::Replace && self.patches(GROUPS, lane).await {
            let removed = match self.profile.member_removal {
                MemberRemoval::Value => self.remove_by_value(group, ids, lane).await,
                MemberRemoval::Filtered | MemberRemoval::Replace => {
                    self.patch_group(group, self.profile.dialect.remove_members(ids), lane).await.map(drop)
                }
            };
            match removed {
                Err(error) if self.falls_back(GROUPS, &error) => {}
                // Servers that know nobody by this id may say so by refusing the path.
                Err(error) if error.status == Some(400) && ids.len() == 1 => {
                    let listing = self.members(group, lane).await?;
                    let is_in = listing.rows.iter().any(|member| &*member.account == ids[0]);
                    return if is_in || !listing.coverage.is_complete() { Err(error) } else { Ok(()) };
                }
                other => return other,
            }
        }
        self.can_replace_group(group)?;
        let remove = |resource: &mut Value| {
            let mut members = members(resource);
            members.retain(|member| !ids.iter().any(|id| is(member, id)));
            set(resource, MEMBERS, members.into());
        };
        self.replace(GROUPS, group, remove, None, lane).await.map(drop)
    }

    async fn patch_group(&self, group: &str, body: Value, lane: Lane) -> Result<Answer, Error> {
        // Without a version on purpose: adding someone, and removing someone by name, mean the same whatever else changed.
        self.send(&Request::new(Method::Patch, self.path(GROUPS, group)?).with_body(body), lane).await
    }

    /// A removal whose value a server may ignore: whoever else is gone afterwards is put back at once.
    async fn remove_by_value(&self, group: &str, ids: &[&str], lane: Lane) -> Result<(), Error> {
        let request = Request::new(Method::Patch, self.path(GROUPS, group)?);
        // Whom another removal of ours takes out in between would look lost, and would be put back.
        let turn = self.turns.of(&request.path);
        let _turn = turn.lock().await;
        let refuse = |detail: &str| {
            let refusal = self.http.error(&request, ErrorKind::Refused, None, detail);
            refusal.hinted("set `options.member_removal: filtered`")
        };
        if self.memory().values_ignored {
            return Err(refuse("the server ignores values in removals and would empty the group; nothing was sent"));
        }
        let before = self.members(group, lane).await?;
        if let Coverage::Incomplete(why) = before.coverage {
            return Err(refuse(&format!("a removal by value may empty the group, and not all of it was seen: {why}")));
        }
        let others: Vec<&str> =
            before.rows.iter().map(|member| &*member.account).filter(|id| !ids.contains(id)).collect();
        let removed = self.patch_group(group, self.profile.dialect.remove_members_by_value(ids), lane).await;
        let after = match removed {
            Err(error) if !error.outcome_unknown() => return Err(error),
            Err(error) => Err(error),
            Ok(_) => self.members(group, lane).await,
        };
        let after = match after {
            Ok(after) => after,
            Err(error) => {
                // Who is left nobody knows. To add somebody who is still in it changes nothing.
                self.put_back(group, &others, lane).await?;
                return Err(error);
            }
        };
        let is_lost = |id: &&str| !after.rows.iter().any(|member| &*member.account == *id);
        let lost: Vec<&str> = others.into_iter().filter(is_lost).collect();
        if lost.is_empty() {
            return Ok(());
        }
        self.memory().values_ignored = true;
        self.put_back(group, &lost, lane).await?;
        let detail = format!(
            "the server took {} others out of the group as well, because it ignores values in removals; they were put back",
            lost.len()
        );
        self.memory().notices.insert(Notice { severity: Severity::Error, group: None, message: detail.clone() });
        Err(refuse(&detail))
    }

    async fn put_back(&self, group: &str, ids: &[&str], lane: Lane) -> Result<(), Error> {
        for batch in ids.chunks(self.profile.batch as usize) {
            self.patch_group(group, self.profile.dialect.add_members(batch), lane).await?;
        }
        Ok(())
    }

    /// # Errors
    /// Where the members of a group cannot be written in any way.
    fn can_replace_group(&self, group: &str) -> Result<(), Error> {
        if self.may_replace(GROUPS) {
            return Ok(());
        }
        let request = Request::new(Method::Patch, self.path(GROUPS, group)?);
        let detail = "the server has no PATCH, and the profile allows no PUT for groups";
        Err(self.http.error(&request, ErrorKind::Unsupported, None, detail))
    }

    /// A group with everything in it; an error where some of its members do not show, because writing it would drop them.
    pub(super) async fn whole_group(&self, id: &str, lane: Lane) -> Result<Option<Value>, Error> {
        let Some(mut group) = self.resource(GROUPS, id, lane).await? else { return Ok(None) };
        if get(&group, MEMBERS).is_none_or(|members| members.as_array().is_none_or(Vec::is_empty)) {
            let shown = self.group_with_members(id, lane).await?;
            if get(&shown, MEMBERS).is_some_and(|members| !members.is_array() && !members.is_null()) {
                let request = Request::new(Method::Put, self.path(GROUPS, id)?);
                let detail = "`members` of the group is not a list, so that writing the whole group could drop them";
                return Err(self.http.error(&request, ErrorKind::Unsupported, None, detail));
            }
            if members(&shown).is_empty() && !self.profile.omits_empty_members && !self.memory().knows_members(id) {
                let request = Request::new(Method::Put, self.path(GROUPS, id)?);
                let detail = "the server shows the members of no group, so that writing the whole group could drop them; \
                              if it merely leaves out empty lists, set `options.omits_empty_members: true`";
                return Err(self.http.error(&request, ErrorKind::Unsupported, None, detail));
            }
            set(&mut group, MEMBERS, members(&shown).into());
        }
        if let Some(why) = self.memory().truncated.get(id) {
            let request = Request::new(Method::Put, self.path(GROUPS, id)?);
            let detail = format!("writing the whole group would drop members that it does not show: {why}");
            return Err(self.http.error(&request, ErrorKind::Unsupported, None, &detail));
        }
        Ok(Some(group))
    }
}

/// The accounts of memberships of one group.
pub(super) fn crowd(writes: &[Write]) -> Option<(&str, bool, Vec<&str>)> {
    let (group, add, _) = membership(writes.first()?)?;
    let ids = writes.iter().map(|write| membership(write).filter(|(to, adds, _)| *to == group && *adds == add));
    Some((group, add, ids.map(|one| Some(one?.2)).collect::<Option<_>>()?))
}

/// The group, whether it is joined, and the account, of one membership.
pub(super) fn membership(write: &Write) -> Option<(&str, bool, &str)> {
    match write {
        Write::AddMember { group, who, .. } => Some((group, true, who.id.as_deref()?)),
        Write::RemoveMember { group, account } => Some((group, false, account)),
        _ => None,
    }
}

fn members(group: &Value) -> Vec<Value> {
    get(group, MEMBERS).and_then(Value::as_array).cloned().unwrap_or_default()
}

fn is(member: &Value, id: &str) -> bool {
    text(get(member, "value")).as_deref() == Some(id)
}

/// Ids of the members that an answer shows. Nobody, where it shows no group.
fn members_shown(answer: &Answer) -> BTreeSet<String> {
    let group = answer.body.as_ref().filter(|_| !answer.is_promise());
    group.into_iter().flat_map(members).filter_map(|member| text(get(&member, "value"))).collect()
}
