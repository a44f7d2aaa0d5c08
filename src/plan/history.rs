//! What the planner can learn from the past, as data. Whoever keeps a ledger fills it in.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};

use super::{
    Context,
    draft::{Draft, Drafts},
};
use crate::model::{Change, Email, Finding, FindingCode, Former, Pause};

/// What the ledger knows about each app.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// By the app's name. An app that is missing is planned without a history, which is not the same as an empty one.
    pub apps: BTreeMap<Arc<str>, AppHistory>,
    /// The ledger lives no longer than this process, so that it says nothing of what happened before: guards that need a
    /// past are unchecked, and only what this process has under way counts.
    pub private: bool,
    /// Who sees the plan before it is carried out.
    pub oversight: Oversight,
    /// Approvals that were used, by [`crate::model::Approval::id`].
    pub approvals: BTreeMap<String, Used>,
}

/// Who sees a plan before it is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Oversight {
    /// Nobody: the daemon, and `apply --yes`.
    #[default]
    Nobody,
    /// A person, who says yes to it, or only reads it; or it is about simulated apps.
    Person,
}

impl History {
    /// What bears on one app.
    pub fn of(&self, app: &str) -> AppPast<'_> {
        AppPast {
            history: self.apps.get(app),
            private: self.private,
            oversight: self.oversight,
            approvals: &self.approvals,
        }
    }
}

/// What the ledger knows that bears on one app.
#[derive(Debug, Clone, Copy)]
pub struct AppPast<'a> {
    /// What it knows of the app itself; none if nobody asked it, and then the guards that need it check nothing.
    pub history: Option<&'a AppHistory>,
    /// As [`History::private`].
    pub private: bool,
    /// As [`History::oversight`].
    pub oversight: Oversight,
    /// As [`History::approvals`].
    pub approvals: &'a BTreeMap<String, Used>,
}

impl<'a> AppPast<'a> {
    /// The history that guards may rely on.
    pub(super) fn known(self) -> Option<&'a AppHistory> {
        self.history.filter(|_| !self.private)
    }
}

/// An account that we made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invited {
    /// When.
    pub sent_at: Timestamp,
    /// Whether any reading before the one at hand showed it.
    pub seen: bool,
    /// Whether it was seen to be more than an open invitation.
    pub accepted: bool,
    /// When a reading first showed that it is gone.
    pub gone_since: Option<Timestamp>,
}

/// What an approval was used for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Used {
    /// How many people.
    pub people: u32,
    /// The actions that succeeded by it, by name.
    pub actions: BTreeSet<String>,
}

/// What the ledger knows about one app.
///
/// It has no default. An empty history says that we deactivated, removed and invited nobody, and guards believe it. Only a
/// ledger may say so; a lookup that misses cannot turn into one:
///
/// ```compile_fail,E0277
/// let known: Option<rosterd::plan::AppHistory> = None;
/// let believed = known.unwrap_or_default();
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(test, derive(Default))]
pub struct AppHistory {
    /// Ids of accounts whose last deactivation was ours.
    pub deactivated_by_us: BTreeSet<Arc<str>>,
    /// Accounts seen by the last complete reading that was not in doubt.
    pub accounts_last_seen: Option<usize>,
    /// Ids of accounts that the app is known by: some of those that should still be there.
    pub known_accounts: Vec<Arc<str>>,
    /// The entry of the files under which the app was known before this run.
    pub recognized: Option<Recognized>,
    /// Ids of accounts that we removed since then.
    pub removed_since: BTreeSet<Arc<str>>,
    /// Active accounts at the start of the rolling day.
    pub active_at_day_start: Option<usize>,
    /// People who lost something within the rolling day, with the groups they lost (`None`: the account itself).
    pub lost_today: BTreeSet<(Email, Option<Arc<str>>)>,
    /// People who gained something within the rolling day, likewise.
    pub gained_today: BTreeSet<(Email, Option<Arc<str>>)>,
    /// When we deactivated accounts, by id, that nobody touched since.
    pub deactivated_at: BTreeMap<Arc<str>, Timestamp>,
    /// Ids of the accounts that were ever seen under an address, in the order in which they came.
    pub seen_under: BTreeMap<Email, Vec<Arc<str>>>,
    /// Ids of accounts that we made.
    pub made_by_us: BTreeSet<Arc<str>>,
    /// Ids of accounts that we gave another address, each with that address.
    pub readdressed_by_us: BTreeSet<(Arc<str>, Email)>,
    /// The last account that we made for each address, which in many apps is an invitation.
    pub invitations: BTreeMap<Email, Invited>,
    /// Accounts, by id, that we made and that were not there before, each with the address that we made it for.
    pub made_for: BTreeMap<Arc<str>, Email>,
    /// Groups, by name, that we made, each with its id.
    pub groups_made: BTreeMap<Arc<str>, Arc<str>>,
    /// Groups that the files declared, by id, each with the name that they last declared it by.
    pub declared_groups: BTreeMap<Arc<str>, Arc<str>>,
    /// Whose accounts are, by id, as far as that was accepted.
    pub claims: BTreeMap<Arc<str>, BTreeSet<Email>>,
    /// Ids of accounts that the last complete reading of an earlier version showed, which kept no claims: whatever the files
    /// claim of these is accepted.
    pub inherited: BTreeSet<Arc<str>>,
    /// Pauses that bear on the app.
    pub pauses: Vec<Pause>,
    /// Actions, by name, of which an earlier request may still take effect; each with why it is not sent again now.
    pub under_way: BTreeMap<String, String>,
    /// What was done at least [`DoneLately::TIMES`] times of late, by the action's name, oldest first.
    pub repeated: BTreeMap<String, Vec<DoneLately>>,
    /// What granted what an action, by name, takes away, where no line grants it any more.
    pub granted_before: BTreeMap<String, Former>,
}

/// Something that we did to an account, a membership or a group, and that took effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoneLately {
    /// When.
    pub at: Timestamp,
    /// The account's id, where it was known.
    pub account: Option<Arc<str>>,
    /// The group's id, where it was known.
    pub group: Option<Arc<str>>,
    /// Fields, old and new.
    pub changes: Vec<Change>,
    /// Which run of ours did the opposite afterwards, as a sentence names it. None where the ledger knows of none: then somebody
    /// did in the app, if it has to be done again.
    pub undone_by: Option<Arc<str>>,
}

impl DoneLately {
    /// What has to be done so often is an edit fight,
    pub const TIMES: usize = 3;

    /// if it was done so often within this time.
    pub const WITHIN: SignedDuration = SignedDuration::from_hours(24);
}

/// An entry of the files that was about the same app before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognized {
    /// What it called the app.
    pub app: Arc<str>,
    /// Where its requests went.
    pub origin: Arc<str>,
    /// How many of its accounts the app shows.
    pub shown: usize,
    /// Of how many that were looked for.
    pub of: usize,
}

/// That what is known of another entry goes on under this one.
pub(super) fn recognized(cx: &Context<'_>) -> Option<Finding> {
    let Recognized { app, origin, shown, of } = cx.history?.recognized.as_ref()?;
    let message = format!(
        "this is the app that the files had as {app} at {origin}: it shows {shown} of {of} accounts by which that one is known, \
         so that its history, caps and accepted claims go on here"
    );
    Some(Finding::note(FindingCode::SameApp, message))
}

/// Pauses that bear on the app. A pause in a private store counts as well: it was meant for this process.
pub(super) fn pauses<'a>(cx: &Context<'a>) -> &'a [Pause] {
    cx.past.and_then(|past| past.history).map_or(&[], |history| &history.pauses)
}

/// That the app is paused, also where there is nothing to hold.
pub(super) fn paused(cx: &Context<'_>) -> Option<Finding> {
    let pause = Pause::holding(pauses(cx), cx.now, false)?;
    // A shorter one may keep more meanwhile.
    let strictest = Pause::holding(pauses(cx), cx.now, true).unwrap_or(pause);
    let sentence = pause.sentence(&cx.desired.settings.time_zone);
    let message = format!("{sentence}; {}; `{}` ends it", strictest.goes_on(), pause.end_command());
    Some(Finding::warning(FindingCode::Paused, message))
}

/// Makes every action wait of which an earlier request may still take effect: what is sent again then may be done twice.
pub(super) fn wait_for_requests_under_way(cx: &Context<'_>, drafts: &mut Drafts) {
    let under_way = cx.past.and_then(|past| past.history).map(|history| &history.under_way);
    let Some(under_way) = under_way.filter(|under_way| !under_way.is_empty()) else { return };
    for draft in &mut drafts.actions {
        if let Some(why) = under_way.get(&draft.action.name.to_string()) {
            draft.wait(why.clone());
        }
    }
}

/// Says of what no line grants which lines did, as far as that was written down.
pub(super) fn recall_grants(cx: &Context<'_>, drafts: &mut Drafts) {
    let before = cx.past.and_then(|past| past.history).map(|history| &history.granted_before);
    let Some(before) = before.filter(|before| !before.is_empty()) else { return };
    for Draft { action, .. } in &mut drafts.actions {
        if let (Some(reason), Some(former)) = (&mut action.reason, before.get(&action.name.to_string())) {
            reason.explained_by(former.clone());
        }
    }
}
