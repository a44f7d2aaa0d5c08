//! What is known of the servers of vendors.

use std::collections::BTreeMap;

use super::{
    attribute::Attribute,
    patch::Dialect,
    profile::{DeleteUsers, MemberRemoval, Profile},
};
use crate::model::Verb;

/// Turns a server that keeps to the standard into another one.
type Adapt = fn(&mut Profile);

/// Names of the profiles, and what makes each of a server that keeps to the standard.
pub(super) const PROFILES: [(&str, Adapt); 6] = [
    ("strict", |_| {}),
    ("autodesk", autodesk),
    ("alteryx", alteryx),
    ("workiva", workiva),
    ("aws", aws),
    ("entra", entra),
];

/// Autodesk's directory sync. It creates groups only from the directory, and what a reactivation does is told in two ways,
/// so that a deactivation is taken for one that cannot be undone.
fn autodesk(profile: &mut Profile) {
    let guid = "urn:ietf:params:scim:schemas:extension:AdskUserExt:2.0:User:objectGUID";
    profile.fields.extend(Attribute::parse(guid).ok().map(|guid| ("object_guid".into(), guid)));
    profile.require = ["given_name", "family_name", "object_guid"].map(Into::into).to_vec();
    profile.put_users = false;
    profile.put_groups = false;
    profile.delete_groups = false;
    profile.reactivate = false;
    profile.manual = BTreeMap::from([
        (
            Verb::Reactivate,
            "whether Autodesk undoes a deactivation through SCIM is not certain: restore the user in Autodesk Account, or set \
             `options.reactivate: true` if your directory sync does it",
        ),
        (Verb::DeleteGroup, "a group that was synced from a directory is deleted in Autodesk Account, User Management"),
    ]);
}

/// Alteryx Server. DELETE deactivates, and an inactive user may keep its licence.
fn alteryx(profile: &mut Profile) {
    profile.require = ["given_name", "family_name"].map(Into::into).to_vec();
    profile.put_groups = false;
    profile.delete_users = DeleteUsers::Deactivates;
    profile.inactive_keeps_seat = true;
    profile.manual = BTreeMap::from([(
        Verb::Delete,
        "Alteryx's SCIM only deactivates: delete the user on the Users page of the server's admin interface",
    )]);
    profile.sign_in_hint = "; a server without an active SAML sign-in rejects every SCIM request in the same way";
}

/// Workiva. DELETE suspends.
fn workiva(profile: &mut Profile) {
    profile.put_groups = false;
    profile.delete_users = DeleteUsers::Deactivates;
    profile.manual = BTreeMap::from([(
        Verb::Delete,
        "Workiva's SCIM only suspends: delete the user in the organization's admin pages",
    )]);
}

/// AWS IAM Identity Center. Members of a group are not shown, and a request takes 100 of them.
fn aws(profile: &mut Profile) {
    profile.require = ["given_name", "family_name"].map(Into::into).to_vec();
    profile.needs_display_name = true;
    profile.put_groups = false;
    profile.read_members = false;
}

/// Servers made for what Entra ID sends unless it is told to keep to the standard.
fn entra(profile: &mut Profile) {
    profile.dialect = Dialect { capitalised: true, text_booleans: true };
    profile.member_removal = MemberRemoval::Value;
}
