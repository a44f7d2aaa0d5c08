//! A declared group, as it was found in the app.

use std::sync::Arc;

use crate::{
    model::{DesiredGroup, GroupRef, Guard, LiveGroup, Reach},
    plan::{Context, draft::Draft},
};

/// A declared group and what is known of it.
pub(super) struct Found<'a> {
    pub desired: &'a DesiredGroup,
    /// The live group, when it was seen.
    pub live: Option<&'a LiveGroup>,
    /// Its id, by pin or as seen.
    pub id: Option<Arc<str>>,
    /// Why nobody knows which group is meant, and what to do about it.
    pub doubt: Option<(Guard, String, String)>,
}

impl Found<'_> {
    /// Why a person has to do whatever is to be done about the group.
    pub(super) fn read_only(&self) -> Option<&Arc<str>> {
        match self.live.map(|live| &live.reach) {
            Some(Reach::ReadOnly(why)) => Some(why),
            _ => None,
        }
    }

    /// Makes an action about the group, or in it, a person's where the API cannot do it at all, or not in this group.
    pub(super) fn by_hand(&self, cx: &Context<'_>, draft: &mut Draft, can: bool) {
        let verb = draft.verb();
        if let Some(why) = self.read_only() {
            draft.manual(format!("{why}; {} in the app", verb.phrase()));
        } else if !can {
            draft.manual(cx.app.semantics.manual_text(verb));
        }
    }

    /// Holds an action for as long as nobody knows which group is meant.
    pub(super) fn hold_doubtful(&self, draft: &mut Draft) {
        if let Some((guard, reason, repair)) = &self.doubt {
            draft.hold(*guard, &**reason, &**repair);
        }
    }

    /// What steps about the group, or in it, refer to it by.
    pub(super) fn group_ref(&self) -> GroupRef {
        self.id.clone().map_or_else(|| GroupRef::Created(self.desired.name.clone()), GroupRef::Known)
    }

    /// How the app has withdrawn the group.
    pub(super) fn gone(&self) -> Option<&Arc<str>> {
        match self.live.map(|live| &live.reach) {
            Some(Reach::Gone(how)) => Some(how),
            _ => None,
        }
    }
}
