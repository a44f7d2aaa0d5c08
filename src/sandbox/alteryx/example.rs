//! The example organisation, Northwind Studio, as it stands on its two Alteryx Servers: it has drifted.
//!
//! At `alteryx` (the guide's dialect) the structural engineers are `Creator` in Structural Analysis, project delivery
//! `Member` in Delivery Reporting, finance `Creator` in Finance Analytics, the keepers of the modelling standards
//! `Creator` in Model Data, leadership and interiors `Viewer`, IT `Member` in Server Operations, with two `ServerAdmin`.
//! What has drifted from that:
//!
//! | who | live | should be | teaches |
//! |---|---|---|---|
//! | mateus.cardoso, hana.sato, mei.lin | no account | account and group | create |
//! | liam.byrne | inactive, `Creator`, in his group | active | somebody else deactivated him: a guard asks |
//! | marcus.thorne | active, in his group | suspended | deactivated by PUT; reversible here |
//! | dora.keller | active, in Delivery Reporting and Tender Models 2024 | left | deactivated |
//! | ruth.abebe | `Viewer` | `Member` | a wrong role, put right by replacing the whole user |
//! | rana.aziz, mina.park | in no group | Structural Analysis, Server Operations | missing memberships |
//! | peter.oduya | in Finance Analytics too | Delivery Reporting alone | a membership too many |
//! | nora.lindqvist | `nora.berg@`, Nora Berg | an alias | gets her address and name, and no second account |
//! | theo.laurent | `Theo.Laurent@Northwind.example` | other case | no difference |
//! | ben.ashworth | inactive | left | no difference |
//! | jo@atelier-jo.example | active, in Model Data | named nowhere | unlisted |
//! | old.gallery | active | named nowhere | unlisted |
//! | erik.johansen, dora.keller | in Tender Models 2024 | – | a group that no line declares is left alone |
//!
//! Four people lose something, of 45 who are active.
//!
//! At `alteryx-webapi` (the vendor's dialect) visualization is `Artisan` in Render Analytics, the freelancers there
//! `Member`, and the keepers of the modelling standards `Artisan` in Model Data. What has drifted from that:
//!
//! | who | live | should be | teaches |
//! |---|---|---|---|
//! | felix.brandt, samuel.osei | no account | account and group | create |
//! | nadia.petrova | inactive, in her group | active | reactivate |
//! | anil.kapoor | active, in Render Analytics and Showreel 2023; owns workflows | his `until` has passed | deactivated, never deleted |
//! | quinn.harper | `Viewer` | `Artisan` | a wrong role; thirteen fields have to come back |
//! | carmen.vega | in no group | Render Analytics | a missing membership, added by a list of ids |
//! | milo.rossi | in Model Data too | Render Analytics alone | a membership too many |
//! | amara.okafor | `Amara.Okafor@Northwind.example` | other case | no difference |
//! | ben.ashworth | inactive | left | no difference |
//! | demo@lumenrender.example | active, in Render Analytics | named nowhere | unlisted |
//!
//! Three people lose something.

use serde_json::json;

use super::Alteryx;
use crate::sandbox::{
    app::DriftError,
    roster::{Row, Server},
};

/// Id, name and role.
pub(super) const GUIDE_GROUPS: &[(&str, &str, &str)] = &[
    ("ug-301", "Structural Analysis", "Creator"),
    ("ug-302", "Delivery Reporting", "Member"),
    ("ug-303", "Finance Analytics", "Creator"),
    ("ug-304", "Server Operations", "Member"),
    ("ug-305", "Model Data", "Creator"),
    ("ug-390", "Tender Models 2024", "Viewer"),
];

pub(super) const WEBAPI_GROUPS: &[(&str, &str, &str)] = &[
    ("ug-501", "Render Analytics", "Artisan"),
    ("ug-502", "Model Data", "Evaluated"),
    ("ug-590", "Showreel 2023", "Viewer"),
];

/// Oldest first.
#[rustfmt::skip]
pub(super) const GUIDE: &[Row] = &[
    ("samir.rahimi@northwind.example", ("Samir", "Rahimi"), true, "Creator", &["ug-301", "ug-305"]),
    ("jo@atelier-jo.example", ("Jo", "Martens"), true, "Viewer", &["ug-305"]),
    ("erik.johansen@northwind.example", ("Erik", "Johansen"), true, "Creator", &["ug-301", "ug-305", "ug-390"]),
    ("grace.mbeki@northwind.example", ("Grace", "Mbeki"), true, "Creator", &["ug-301"]),
    ("samuel.osei@northwind.example", ("Samuel", "Osei"), true, "Creator", &["ug-305"]),
    ("ruth.abebe@northwind.example", ("Ruth", "Abebe"), true, "Viewer", &["ug-302"]),
    ("ivan.marek@northwind.example", ("Ivan", "Marek"), true, "Member", &["ug-302"]),
    ("simon.clarke@northwind.example", ("Simon", "Clarke"), true, "Member", &["ug-302"]),
    ("nightly-jobs@northwind.example", ("Nightly", "Jobs"), true, "Creator", &[]),
    ("emeka.nwosu@northwind.example", ("Emeka", "Nwosu"), true, "Viewer", &[]),
    ("pavel.horak@northwind.example", ("Pavel", "Horak"), true, "Viewer", &[]),
    ("oscar.wennberg@northwind.example", ("Oscar", "Wennberg"), true, "Creator", &["ug-301"]),
    ("sanne.vries@northwind.example", ("Sanne", "Vries"), true, "Viewer", &[]),
    ("liam.byrne@northwind.example", ("Liam", "Byrne"), false, "Creator", &["ug-301"]),
    ("dev.mehta@northwind.example", ("Dev", "Mehta"), true, "Creator", &["ug-301"]),
    ("julia.steiner@northwind.example", ("Julia", "Steiner"), true, "Viewer", &[]),
    ("priya.nair@northwind.example", ("Priya", "Nair"), true, "ServerAdmin", &["ug-304"]),
    ("helena.lopes@northwind.example", ("Helena", "Lopes"), true, "Viewer", &[]),
    ("lucia.ferri@northwind.example", ("Lucia", "Ferri"), true, "Creator", &["ug-305"]),
    ("laura.jensen@northwind.example", ("Laura", "Jensen"), true, "Member", &["ug-302"]),
    ("edward.finch@northwind.example", ("Edward", "Finch"), true, "Creator", &["ug-303"]),
    ("gwen.marsh@northwind.example", ("Gwen", "Marsh"), true, "Member", &["ug-302"]),
    ("yuna.choi@northwind.example", ("Yuna", "Choi"), true, "Viewer", &[]),
    ("maya.cohen@northwind.example", ("Maya", "Cohen"), true, "Viewer", &[]),
    ("ida.bergman@northwind.example", ("Ida", "Bergman"), true, "Creator", &["ug-305"]),
    ("jonas.weber@northwind.example", ("Jonas", "Weber"), true, "ServerAdmin", &["ug-304"]),
    ("clara.weiss@northwind.example", ("Clara", "Weiss"), true, "Creator", &["ug-303"]),
    ("wei.zhang@northwind.example", ("Wei", "Zhang"), true, "Creator", &["ug-301"]),
    ("ben.ashworth@northwind.example", ("Ben", "Ashworth"), false, "Creator", &[]),
    ("dora.keller@northwind.example", ("Dora", "Keller"), true, "Member", &["ug-302", "ug-390"]),
    ("david.mensah@northwind.example", ("David", "Mensah"), true, "Viewer", &[]),
    ("rana.aziz@northwind.example", ("Rana", "Aziz"), true, "Creator", &[]),
    ("adam.kovacs@northwind.example", ("Adam", "Kovacs"), true, "Creator", &["ug-301"]),
    ("anna.virtanen@northwind.example", ("Anna", "Virtanen"), true, "Viewer", &[]),
    ("tariq.hassan@northwind.example", ("Tariq", "Hassan"), true, "Member", &["ug-304"]),
    ("aisha.bello@northwind.example", ("Aisha", "Bello"), true, "Member", &["ug-302"]),
    ("nora.berg@northwind.example", ("Nora", "Berg"), true, "Creator", &["ug-305"]),
    ("amara.okafor@northwind.example", ("Amara", "Okafor"), true, "Creator", &["ug-305"]),
    ("peter.oduya@northwind.example", ("Peter", "Oduya"), true, "Member", &["ug-302", "ug-303"]),
    ("rosterd@northwind.example", ("Rosterd", "Service"), true, "ServerAdmin", &[]),
    ("Theo.Laurent@Northwind.example", ("Theo", "Laurent"), true, "Viewer", &[]),
    ("old.gallery@northwind.example", ("Old", "Gallery"), true, "Member", &[]),
    ("mina.park@northwind.example", ("Mina", "Park"), true, "Member", &[]),
    ("beatriz.santos@northwind.example", ("Beatriz", "Santos"), true, "Creator", &["ug-301"]),
    ("astrid.holm@northwind.example", ("Astrid", "Holm"), true, "Viewer", &[]),
    ("chiara.ricci@northwind.example", ("Chiara", "Ricci"), true, "Viewer", &[]),
    ("marcus.thorne@northwind.example", ("Marcus", "Thorne"), true, "Creator", &["ug-301"]),
];

#[rustfmt::skip]
pub(super) const WEBAPI: &[Row] = &[
    ("samir.rahimi@northwind.example", ("Samir", "Rahimi"), true, "Artisan", &["ug-502"]),
    ("erik.johansen@northwind.example", ("Erik", "Johansen"), true, "Artisan", &["ug-502"]),
    ("nadia.petrova@northwind.example", ("Nadia", "Petrova"), false, "Artisan", &["ug-501"]),
    ("render-queue@northwind.example", ("Render", "Queue"), true, "Artisan", &[]),
    ("rafael.costa@lumenrender.example", ("Rafael", "Costa"), true, "Member", &["ug-501"]),
    ("demo@lumenrender.example", ("Demo", "User"), true, "Viewer", &["ug-501"]),
    ("priya.nair@northwind.example", ("Priya", "Nair"), true, "Curator", &[]),
    ("milo.rossi@northwind.example", ("Milo", "Rossi"), true, "Artisan", &["ug-501", "ug-502"]),
    ("lucia.ferri@northwind.example", ("Lucia", "Ferri"), true, "Artisan", &["ug-502"]),
    ("bruno.silva@northwind.example", ("Bruno", "Silva"), true, "Artisan", &["ug-501"]),
    ("ida.bergman@northwind.example", ("Ida", "Bergman"), true, "Artisan", &["ug-501", "ug-502"]),
    ("quinn.harper@northwind.example", ("Quinn", "Harper"), true, "Viewer", &["ug-501"]),
    ("carmen.vega@northwind.example", ("Carmen", "Vega"), true, "Artisan", &[]),
    ("jonas.weber@northwind.example", ("Jonas", "Weber"), true, "Curator", &[]),
    ("anil.kapoor@lumenrender.example", ("Anil", "Kapoor"), true, "Member", &["ug-501", "ug-590"]),
    ("ben.ashworth@northwind.example", ("Ben", "Ashworth"), false, "Artisan", &[]),
    ("noor.jansen@lumenrender.example", ("Noor", "Jansen"), true, "Member", &["ug-501"]),
    ("rosterd@northwind.example", ("Rosterd", "Service"), true, "Curator", &[]),
    ("Amara.Okafor@Northwind.example", ("Amara", "Okafor"), true, "Artisan", &["ug-502"]),
];

/// Fields that nobody manages, and that a careless PUT would lose.
pub(super) const GUIDE_EXTRAS: &[(&str, &[(&str, &str)])] = &[
    ("ruth.abebe@northwind.example", &[("timeZone", "Africa/Addis_Ababa"), ("customTag", "site-7")]),
    (
        "marcus.thorne@northwind.example",
        &[("defaultWorkerTag", "fem"), ("credentialId", "3f0c5e0a-8a5f-4c53-9d0a-6b1f2f8a7d11")],
    ),
    ("dora.keller@northwind.example", &[("customTag", "tender-desk")]),
    ("liam.byrne@northwind.example", &[("timeZone", "Europe/Dublin"), ("defaultWorkerTag", "fem")]),
];

pub(super) const WEBAPI_EXTRAS: &[(&str, &[(&str, &str)])] = &[
    ("quinn.harper@northwind.example", &[("timeZone", "Europe/London"), ("language", "en-us")]),
    ("nadia.petrova@northwind.example", &[("timeZone", "Europe/Sofia"), ("defaultWorkerTag", "gpu")]),
    ("anil.kapoor@lumenrender.example", &[("timeZone", "Asia/Kolkata")]),
];

/// Whose key rosterd uses.
const KEY_OWNER: &str = "rosterd@northwind.example";
/// Owns what keeps him from being deleted, where he has an account.
const OWNER: &str = "anil.kapoor@lumenrender.example";

pub(super) fn fill(app: &mut Alteryx) -> Result<(), DriftError> {
    for (id, name, role) in app.dialect.groups {
        app.roster.put_group(id, (*name).to_owned(), Some((*role).to_owned()));
    }
    app.fill(app.dialect.example)?;
    for (email, fields) in app.dialect.extras {
        let id = app.find(email)?;
        let mut raw = app.roster.user(&id).map(|user| user.raw.clone()).unwrap_or_default();
        raw.extend(fields.iter().map(|(field, text)| ((*field).to_owned(), json!(text))));
        // Whoever has settings of their own may also schedule jobs.
        raw.insert("canScheduleJobs".to_owned(), json!(true));
        app.roster.set(&id, raw);
    }
    app.key_owner = Some(app.find(KEY_OWNER)?);
    if let Ok(owner) = app.find(OWNER) {
        app.owned.insert(owner, 3);
    }
    Ok(())
}
