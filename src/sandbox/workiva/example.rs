//! The example organisation, Northwind Studio, as it stands at Workiva: it has drifted.
//!
//! Finance are `Editor` in Annual Report, leadership `Approver` in Annual Report and Board Pack, clara.weiss `Approver` on
//! top and in Board Pack, project delivery `Contributor` in Delivery Controls, the leads `Contributor` in Sustainability
//! Report, two of IT `Workspace Admin`. What has drifted from that:
//!
//! | who | live | should be | teaches |
//! |---|---|---|---|
//! | edward.finch, ruth.abebe, camille.roy | no account | account, role and group | create, with roles found by their names |
//! | aisha.bello | inactive, in her group | active | somebody else deactivated her: a guard asks |
//! | victor.amaya | active, in Sustainability Report and 2023 Filing | left | deactivated, never deleted |
//! | sofia.greco | active | left | deactivated |
//! | david.mensah | no role | `Approver` | roles are written as a whole list of ids |
//! | laura.jensen, grace.mbeki | in no group | Delivery Controls, Sustainability Report | missing memberships |
//! | gwen.marsh | in Annual Report too | Delivery Controls alone | a membership too many |
//! | peter.oduya | called Pete | Peter | a name, where names are managed |
//! | helena.lopes | `Helena.Lopes@Northwind.example` | other case | no difference |
//! | ben.ashworth | inactive | left | no difference |
//! | auditor@keel-partners.example | active, in Annual Report | named nowhere | unlisted |
//! | ivan.marek, victor.amaya | in 2023 Filing | – | a group that no line declares is left alone |
//!
//! Three people lose something, of 21 who are active.

use super::Workiva;
use crate::sandbox::{
    app::DriftError,
    roster::{Row, Server},
};

const GROUPS: [(&str, &str); 5] = [
    ("grp_401", "Annual Report"),
    ("grp_402", "Sustainability Report"),
    ("grp_403", "Board Pack"),
    ("grp_404", "Delivery Controls"),
    ("grp_490", "2023 Filing"),
];

/// Oldest first.
#[rustfmt::skip]
const ACCOUNTS: &[Row] = &[
    ("grace.mbeki@northwind.example", ("Grace", "Mbeki"), true, "Contributor", &[]),
    ("ivan.marek@northwind.example", ("Ivan", "Marek"), true, "Contributor", &["grp_404", "grp_490"]),
    ("simon.clarke@northwind.example", ("Simon", "Clarke"), true, "Contributor", &["grp_404", "grp_402"]),
    ("priya.nair@northwind.example", ("Priya", "Nair"), true, "Workspace Admin", &[]),
    ("laura.jensen@northwind.example", ("Laura", "Jensen"), true, "Contributor", &[]),
    ("hana.sato@northwind.example", ("Hana", "Sato"), true, "Contributor", &["grp_404"]),
    ("gwen.marsh@northwind.example", ("Gwen", "Marsh"), true, "Contributor", &["grp_404", "grp_401"]),
    ("xbrl-filing@northwind.example", ("Xbrl", "Filing"), true, "Editor", &["grp_401"]),
    ("bruno.silva@northwind.example", ("Bruno", "Silva"), true, "Contributor", &["grp_402"]),
    ("jonas.weber@northwind.example", ("Jonas", "Weber"), true, "Workspace Admin", &[]),
    ("clara.weiss@northwind.example", ("Clara", "Weiss"), true, "Editor, Approver", &["grp_401", "grp_403"]),
    ("Helena.Lopes@Northwind.example", ("Helena", "Lopes"), true, "Approver", &["grp_401", "grp_403"]),
    ("victor.amaya@northwind.example", ("Victor", "Amaya"), true, "Contributor", &["grp_402", "grp_490"]),
    ("ben.ashworth@northwind.example", ("Ben", "Ashworth"), false, "Contributor", &[]),
    ("david.mensah@northwind.example", ("David", "Mensah"), true, "", &["grp_401", "grp_403"]),
    ("anna.virtanen@northwind.example", ("Anna", "Virtanen"), true, "Contributor", &["grp_402"]),
    ("auditor@keel-partners.example", ("Rowan", "Keel"), true, "Viewer", &["grp_401"]),
    ("aisha.bello@northwind.example", ("Aisha", "Bello"), false, "Contributor", &["grp_404"]),
    ("sofia.greco@northwind.example", ("Sofia", "Greco"), true, "Editor", &[]),
    ("peter.oduya@northwind.example", ("Pete", "Oduya"), true, "Contributor", &["grp_404"]),
    ("rosterd@northwind.example", ("Rosterd", "Service"), true, "Workspace Admin", &[]),
    ("astrid.holm@northwind.example", ("Astrid", "Holm"), true, "Approver", &["grp_401", "grp_403"]),
    ("mei.lin@northwind.example", ("Mei", "Lin"), true, "Editor", &["grp_401"]),
];

/// In whose name rosterd acts.
const INTEGRATION: &str = "rosterd@northwind.example";

pub(super) fn fill(app: &mut Workiva) -> Result<(), DriftError> {
    for (id, name) in GROUPS {
        app.roster.put_group(id, name.to_owned(), None);
    }
    app.fill(ACCOUNTS)?;
    app.integration = Some(app.find(INTEGRATION)?);
    Ok(())
}
