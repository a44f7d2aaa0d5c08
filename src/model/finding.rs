//! Something a person should know that is not an action.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Place;

/// Something a person should know that is not an action.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of finding it is.
    pub code: FindingCode,
    /// The account it is about.
    pub account: Option<Arc<str>>,
    /// The group it is about.
    pub group: Option<Arc<str>>,
    /// The sentence.
    pub message: String,
    /// Lines it is about.
    pub because: Vec<Place>,
}

impl Finding {
    /// A finding about the app as a whole.
    pub fn new(severity: Severity, code: FindingCode, message: impl Into<String>) -> Self {
        Self { severity, code, account: None, group: None, message: message.into(), because: Vec::new() }
    }

    /// Something that is wrong and stops actions.
    pub fn error(code: FindingCode, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// Something that someone should look at.
    pub fn warning(code: FindingCode, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// Something that is good to know.
    pub fn note(code: FindingCode, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, message)
    }

    /// The same about an account.
    #[must_use]
    pub fn account(self, account: &str) -> Self {
        Self { account: Some(account.into()), ..self }
    }

    /// The same about a group.
    #[must_use]
    pub fn group(self, group: &Arc<str>) -> Self {
        Self { group: Some(group.clone()), ..self }
    }

    /// The same about these lines.
    #[must_use]
    pub fn because(self, because: impl IntoIterator<Item = Place>) -> Self {
        Self { because: because.into_iter().collect(), ..self }
    }
}

/// How bad a finding is. The order is that of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Severity {
    /// Something is wrong and stops actions.
    Error,
    /// Someone should look.
    Warning,
    /// Good to know.
    Note,
}

impl Severity {
    /// The word in reports and JSON.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Every kind of finding. The word in reports and JSON is the variant in kebab case: `unlisted-account`. The variants
/// stand in the order of their words, which is the order of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[derive(strum::Display, strum::VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum FindingCode {
    /// An update takes a role away first; the address follows in the next plan.
    AddressLater,
    /// A search by address would not have shown the person; the list was not read.
    AddressNotAsked,
    /// Several accounts may be one person's, or one account several people's.
    AmbiguousAccount,
    /// Several groups have the name that the files declare.
    AmbiguousGroup,
    /// The connector has something to say about the app.
    AppNotice,
    /// An approval is past its date.
    ApprovalExpired,
    /// An approval covers fewer people than the plan needs.
    ApprovalShort,
    /// An approval releases nothing in this plan.
    ApprovalUnused,
    /// An approval was used up.
    ApprovalUsed,
    /// The app does not show a group's members, so the ledger stands in for them.
    BelievedMembers,
    /// Nobody accepted that an account is the person's whose alias or pin leads to it.
    ClaimNotAccepted,
    /// Actions wait for one another in a circle.
    Cycle,
    /// What rosterd does is undone again and again.
    EditFight,
    /// A field cannot change once the account exists.
    FixedField,
    /// A group that the files declared before, and that no line declares any more.
    GroupForgotten,
    /// A declared group is out of reach.
    GroupGone,
    /// A pinned group has another name in the app.
    GroupName,
    /// The app takes no writes for a group.
    GroupReadOnly,
    /// A list could not be read to its end.
    IncompleteRead,
    /// An invitation has waited for long.
    InvitationUnanswered,
    /// An earlier invitation of ours is gone, so this one is a second.
    InvitedBefore,
    /// The change under review drops an alias or a line that an account still depends on.
    LeftBehind,
    /// Inactive accounts stay in groups, because the API takes nobody out.
    MembershipsStay,
    /// The change under review adds an app, which cannot be read before the merge.
    NewApp,
    /// Facts that are read account by account are not read yet for everybody.
    NotReadYet,
    /// Only one person was looked for, so the plan says nothing about anybody else.
    OnlyOnePerson,
    /// Another daemon goes by other files, which are in force.
    OtherFiles,
    /// Somebody paused what is written to the app.
    Paused,
    /// The one person who was looked for has an account, and how it was found.
    PersonFound,
    /// The one person who was looked for has to go, and no account was found.
    PersonNotFound,
    /// The change under review removes an app.
    RemovedApp,
    /// A person appears to have a new key.
    RenamedPerson,
    /// What is known of an app under another entry of the files goes on under this one.
    SameApp,
    /// A person has a second account that no line settles.
    SecondAccount,
    /// The app shows far fewer accounts than at the last complete reading.
    Shrank,
    /// A live admin whom no line makes admin.
    UnexpectedAdmin,
    /// No group in the app fits what the files declare.
    UnknownGroup,
    /// A group has a member that is not among the accounts.
    UnknownMember,
    /// The app uses a status that the connector does not know.
    UnknownStatus,
    /// A live account that no line names.
    UnlistedAccount,
    /// A live member whom no line names.
    UnlistedMember,
    /// Managed fields could not be read, so they stay as they are.
    UnreadFields,
    /// A membership exists but gives nothing, such as a suspended one.
    UnusableMembership,
    /// The change under review alters how the app is reached; that counts after the merge.
    UnusedChange,
}

impl FindingCode {
    /// Every code.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_in_the_order_of_their_words() {
        assert!(FindingCode::ALL.is_sorted_by_key(ToString::to_string));
    }
}
