//! Whether a write took effect, judged from what was seen. This is the only place that decides it: [`super::read_back`] after
//! a write, [`super::settle`] after a crash and [`super::together`] for several writes fetch the evidence, and act on the
//! verdict.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    connectors::{Joiner, Write, Written},
    model::{AccountStatus, Coverage, Email, FieldName, FieldValue, LiveAccount, LiveGroup, NAME, Values},
};

/// Fields as an app shows them; those that it does not show are missing.
pub(super) type LiveValues = BTreeMap<FieldName, Option<FieldValue>>;

/// The evidence: what was seen of what a write is about.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Seen<T> {
    /// It is there.
    There(T),
    /// The app was asked for it and has none.
    NotThere,
    /// A complete listing does not show it. Listings that change while they are read lose a row once in a while.
    NotListed,
    /// It was not seen, but not everything was; why.
    Unseen(String),
    /// The API does not show such things.
    Hidden,
}

impl<T> Seen<T> {
    /// What asking for one thing says.
    pub(super) fn asked(found: Option<T>) -> Self {
        found.map_or(Self::NotThere, Self::There)
    }

    pub(super) fn as_ref(&self) -> Seen<&T> {
        match self {
            Self::There(found) => Seen::There(found),
            Self::NotThere => Seen::NotThere,
            Self::NotListed => Seen::NotListed,
            Self::Unseen(why) => Seen::Unseen(why.clone()),
            Self::Hidden => Seen::Hidden,
        }
    }

    /// What looking for it in a listing says.
    pub(super) fn listed(found: Option<T>, coverage: &Coverage) -> Self {
        match (found, coverage) {
            (Some(found), _) => Self::There(found),
            (None, Coverage::Complete) => Self::NotListed,
            (None, Coverage::Incomplete(why)) => Self::Unseen(why.clone()),
            (None, Coverage::Believed(_)) => Self::Hidden,
        }
    }
}

/// The verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// The write took effect.
    Done(Done),
    /// What the write makes is there, with other fields than it sent. A write that was sent a moment ago did not take effect
    /// then; after a crash, the next plan changes the fields.
    Differs(Done),
    /// The write did not take effect; how that was seen.
    NotDone(String),
    /// A complete listing does not show what the write makes.
    NotListed,
    /// Nobody can tell, because not everything was seen; why.
    Unclear(String),
    /// Nobody can tell, because the app does not show it.
    Hidden,
    /// The write cannot take effect any more, because the app changed.
    Stale {
        /// What has changed.
        why: String,
        /// The same, as the report of the run says it that sent the write.
        report: String,
    },
}

/// How it was seen that a write took effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Done {
    /// As a sentence.
    pub(super) how: String,
    /// What the report of the run adds that sent the write; nothing where all went as planned.
    pub(super) note: Option<String>,
    /// The id of what the write made.
    pub(super) made: Option<Arc<str>>,
}

impl Effect {
    fn done(how: &str) -> Self {
        Self::Done(Done { how: how.into(), note: None, made: None })
    }

    fn stale(why: &str) -> Self {
        Self::Stale { why: why.into(), report: why.into() }
    }

    fn of_fields(shown: Shown) -> Self {
        match shown {
            Shown::All => Self::done("it is so"),
            Shown::Differs => Self::NotDone("it is not so".into()),
            Shown::Hidden => Self::Hidden,
        }
    }

    /// Whether another look cannot say anything else.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Stale { .. } | Self::Hidden)
    }
}

/// What a write is to bring about, sorted by what has to be looked at to see it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Aim<'a> {
    Account(AccountAim<'a>),
    Member(MemberAim<'a>),
    Group(GroupAim<'a>),
}

/// What an account is to be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum AccountAim<'a> {
    /// There. `answered` is the id that the app's answer gave it.
    Made {
        email: &'a Email,
        values: &'a Values,
        answered: Option<&'a str>,
    },
    /// With these fields and this address.
    Set {
        id: &'a str,
        values: &'a Values,
        address: Option<&'a Email>,
    },
    Active {
        id: &'a str,
    },
    Inactive {
        id: &'a str,
    },
    Deleted {
        id: &'a str,
    },
}

/// What a membership is to be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MemberAim<'a> {
    /// The group's id.
    pub(super) group: &'a str,
    pub(super) who: Joiner,
    pub(super) is: MemberIs<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum MemberIs<'a> {
    /// There, with these fields.
    In(&'a Values),
    /// With these fields.
    Set(&'a Values),
    Out,
}

/// What a group is to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum GroupAim<'a> {
    /// There. `answered` is the id that the app's answer gave it.
    Made {
        name: &'a str,
        answered: Option<&'a str>,
    },
    Set {
        id: &'a str,
        values: &'a Values,
    },
    Deleted {
        id: &'a str,
    },
}

impl<'a> Aim<'a> {
    pub(super) fn of(write: &'a Write) -> Self {
        let member = |group: &'a Arc<str>, who, is| Self::Member(MemberAim { group, who, is });
        let known = |account: &Arc<str>| Joiner::known(account.clone(), Email::lenient(""));
        match write {
            Write::CreateAccount { email, values } => Self::Account(AccountAim::Made { email, values, answered: None }),
            Write::UpdateAccount { id, values, email } => {
                Self::Account(AccountAim::Set { id, values, address: email.as_ref() })
            }
            Write::Reactivate { id } => Self::Account(AccountAim::Active { id }),
            Write::Deactivate { id } => Self::Account(AccountAim::Inactive { id }),
            Write::DeleteAccount { id } => Self::Account(AccountAim::Deleted { id }),
            Write::AddMember { group, who, values } => member(group, who.clone(), MemberIs::In(values)),
            Write::ChangeMember { group, account, values } => member(group, known(account), MemberIs::Set(values)),
            Write::RemoveMember { group, account } => member(group, known(account), MemberIs::Out),
            Write::CreateGroup { name, .. } => Self::Group(GroupAim::Made { name, answered: None }),
            Write::UpdateGroup { id, values } => Self::Group(GroupAim::Set { id, values }),
            Write::DeleteGroup { id } => Self::Group(GroupAim::Deleted { id }),
        }
    }

    /// The same, where it is known what the step knows and what the app answered: the account's address, by which some apps
    /// find a membership, and the id of what was made.
    pub(super) fn known(mut self, address: Option<&Email>, id: Option<&'a Arc<str>>) -> Self {
        match (&mut self, address) {
            (Self::Account(AccountAim::Made { answered, .. }) | Self::Group(GroupAim::Made { answered, .. }), _) => {
                *answered = id.map(|id| &**id);
            }
            (Self::Member(aim), address) => {
                if let Some(address) = address {
                    aim.who.email = address.clone();
                }
                aim.who.id = aim.who.id.take().or_else(|| id.cloned());
            }
            _ => {}
        }
        self
    }

    /// Whether sending the write twice could make two things, such as two invitations.
    pub(super) fn makes_something(&self, joining_makes_accounts: bool) -> bool {
        match self {
            Self::Account(AccountAim::Made { .. }) | Self::Group(GroupAim::Made { .. }) => true,
            Self::Member(MemberAim { is: MemberIs::In(_), .. }) => joining_makes_accounts,
            _ => false,
        }
    }

    /// Whether the app has to give the id of what the write makes.
    pub(super) fn makes_with_id(&self) -> bool {
        matches!(self, Self::Account(AccountAim::Made { .. }) | Self::Group(GroupAim::Made { .. }))
    }

    /// Whether something is to be gone afterwards, so that it not being found is good news.
    pub(super) fn takes_away(&self) -> bool {
        matches!(
            self,
            Self::Account(AccountAim::Inactive { .. } | AccountAim::Deleted { .. })
                | Self::Member(MemberAim { is: MemberIs::Out, .. })
                | Self::Group(GroupAim::Deleted { .. })
        )
    }

    /// Whether the write only says what fields something is to have, so that sending it twice is the same as sending it once.
    pub(super) fn sets_fields(&self) -> bool {
        matches!(
            self,
            Self::Account(AccountAim::Set { .. })
                | Self::Member(MemberAim { is: MemberIs::Set(_), .. })
                | Self::Group(GroupAim::Set { .. })
        )
    }

    /// What the app's answer to the write proves by itself; nothing where the app has to be looked at.
    pub(super) fn answered(&self, written: &Written) -> Option<Effect> {
        let made = written.id.clone();
        if !written.proven || self.makes_with_id() && made.is_none() {
            return None;
        }
        let is_pending = |account: &LiveAccount| account.status == AccountStatus::Pending;
        let invited =
            matches!(self, Self::Account(AccountAim::Made { .. })) && written.account.as_ref().is_some_and(is_pending);
        let note = invited.then(|| INVITED.to_owned());
        Some(Effect::Done(Done { how: "the app's answer shows it".into(), note, made }))
    }
}

const INVITED: &str = "invitation sent";

impl AccountAim<'_> {
    /// Whether this is the account.
    pub(super) fn is_about(&self, account: &LiveAccount) -> bool {
        match self {
            Self::Made { email, .. } => account.email == **email,
            Self::Set { id, .. } | Self::Active { id } | Self::Inactive { id } | Self::Deleted { id } => {
                *account.id == **id
            }
        }
    }

    pub(super) fn judge(&self, seen: Seen<&LiveAccount>) -> Effect {
        let account = match seen {
            Seen::There(account) => account,
            Seen::Unseen(why) => return Effect::Unclear(why),
            Seen::Hidden => return Effect::Hidden,
            Seen::NotThere | Seen::NotListed => {
                return match self {
                    Self::Made { .. } if seen == Seen::NotListed => Effect::NotListed,
                    Self::Made { .. } => Effect::NotDone("the app was asked for the account and has none".into()),
                    Self::Set { .. } | Self::Active { .. } => Effect::stale("the account is gone"),
                    Self::Inactive { .. } => {
                        let gone = "the account is gone".to_owned();
                        Effect::Done(Done { how: gone.clone(), note: Some(gone), made: None })
                    }
                    Self::Deleted { .. } => Effect::done("the account is gone"),
                };
            }
        };
        match (self, &account.status) {
            (Self::Made { email, values, answered }, _) => {
                let just_made = *answered == Some(&account.id);
                let effect = adopted(account, values, just_made);
                if just_made && account.email != **email { renamed(effect, account.email.as_str()) } else { effect }
            }
            (Self::Set { values, address, .. }, _) => Effect::of_fields(account_shown(account, values, *address)),
            (Self::Active { .. }, AccountStatus::Active) => Effect::done("the account is active"),
            (Self::Inactive { .. }, AccountStatus::Inactive) => Effect::done("the account is inactive"),
            (Self::Active { .. } | Self::Inactive { .. } | Self::Deleted { .. }, status) => {
                Effect::NotDone(format!("the account is {status}"))
            }
        }
    }
}

/// An account that is there after a create: ours, with or without all fields; what differs is the next plan's business. One
/// that cannot be used is not what the create was for.
fn adopted(account: &LiveAccount, values: &Values, just_made: bool) -> Effect {
    let id = &account.id;
    let invited = match &account.status {
        AccountStatus::Pending => Some(INVITED.to_owned()),
        AccountStatus::Active => None,
        other => {
            return Effect::Stale {
                why: format!("there is an account {id}, which is {other}"),
                report: format!("there is an account {id} already, which is {other}; plan again"),
            };
        }
    };
    let found = format!("found as {id}");
    let differs = (shown(&account.values, values) == Shown::Differs)
        .then(|| "some of its fields differ; the next run corrects them".to_owned());
    let join = |parts: [Option<String>; 3]| parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
    let how = join([Some(found.clone()), invited.clone(), None]);
    let note = join([(!just_made).then_some(found), invited, differs]);
    Effect::Done(Done { how, note: Some(note).filter(|note| !note.is_empty()), made: Some(id.clone()) })
}

/// What was made, where the app calls it otherwise.
fn renamed(effect: Effect, called: &str) -> Effect {
    let Effect::Done(done) = effect else { return effect };
    let id = done.made.as_deref().unwrap_or_default();
    let calls = if called.is_empty() { "shows no name of it".to_owned() } else { format!("calls it {called}") };
    let says = format!("made as {id}, but the app {calls}; the next plan says how to go on");
    let note = done.note.map_or_else(|| says.clone(), |note| format!("{note}; {says}"));
    Effect::Done(Done { note: Some(note), ..done })
}

impl MemberAim<'_> {
    pub(super) fn judge(&self, seen: Seen<&LiveValues>) -> Effect {
        match (seen, self.is) {
            (Seen::There(live), MemberIs::In(values)) => {
                let there = Done { how: "the membership is there".into(), note: None, made: None };
                match shown(live, values) {
                    Shown::Differs => Effect::Differs(there),
                    Shown::All | Shown::Hidden => Effect::Done(there),
                }
            }
            (Seen::There(live), MemberIs::Set(values)) => Effect::of_fields(shown(live, values)),
            (Seen::There(_), MemberIs::Out) => Effect::NotDone("the membership is still there".into()),
            (Seen::NotThere | Seen::NotListed, MemberIs::In(_)) => Effect::NotListed,
            (Seen::NotThere | Seen::NotListed, MemberIs::Set(_)) => Effect::stale("the membership is gone"),
            (Seen::NotThere | Seen::NotListed, MemberIs::Out) => Effect::done("the membership is gone"),
            (Seen::Unseen(why), _) => Effect::Unclear(why),
            (Seen::Hidden, _) => Effect::Hidden,
        }
    }
}

impl GroupAim<'_> {
    /// Whether this is the group.
    pub(super) fn is_about(&self, group: &LiveGroup) -> bool {
        match self {
            Self::Made { name, .. } => *group.name == **name,
            Self::Set { id, .. } | Self::Deleted { id } => *group.id == **id,
        }
    }

    pub(super) fn judge(&self, seen: Seen<&LiveGroup>) -> Effect {
        match (seen, self) {
            (Seen::There(group), Self::Made { .. }) => {
                let found = Done { how: format!("found as {}", group.id), note: None, made: Some(group.id.clone()) };
                if self.is_about(group) { Effect::Done(found) } else { renamed(Effect::Done(found), &group.name) }
            }
            (Seen::There(group), Self::Set { values, .. }) => {
                let mut fields = (*values).clone();
                // The name stands beside the fields.
                match fields.remove(NAME) {
                    Some(name) if name != FieldValue::text(&*group.name) => Effect::of_fields(Shown::Differs),
                    _ => Effect::of_fields(shown(&group.values, &fields)),
                }
            }
            (Seen::There(_), Self::Deleted { .. }) => Effect::NotDone("the group is still there".into()),
            (Seen::NotThere | Seen::NotListed, Self::Made { .. }) => Effect::NotListed,
            (Seen::NotThere | Seen::NotListed, Self::Set { .. }) => Effect::stale("the group is gone"),
            (Seen::NotThere | Seen::NotListed, Self::Deleted { .. }) => Effect::done("the group is gone"),
            (Seen::Unseen(why), _) => Effect::Unclear(why),
            (Seen::Hidden, _) => Effect::Hidden,
        }
    }
}

/// What a row says about fields that were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// It has them all.
    All,
    /// Some are not shown, and the others are as written.
    Hidden,
    /// Some are different.
    Differs,
}

/// Compares an account with the fields that were written to it, and with the address that it was given.
pub(super) fn account_shown(account: &LiveAccount, values: &Values, address: Option<&Email>) -> Shown {
    if address.is_some_and(|address| account.email != *address) {
        return Shown::Differs;
    }
    shown(&account.values, values)
}

fn shown(live: &LiveValues, written: &Values) -> Shown {
    let mut shown = Shown::All;
    for (field, value) in written {
        match live.get(field) {
            None => shown = Shown::Hidden,
            Some(seen) if value.is_shown_by(seen.as_ref()) => {}
            Some(_) => return Shown::Differs,
        }
    }
    shown
}
