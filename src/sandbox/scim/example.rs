//! The example organisation, Northwind Studio, as it stands in its intranet, which is provisioned by SCIM. IT, delivery,
//! finance, interiors, leadership and the leads have accounts there; the rest of the studio has none.
//!
//! What has drifted from what the people's departments and teams say:
//!
//! | who | live | should be | teaches |
//! |---|---|---|---|
//! | hana.sato, yuna.choi, chiara.ricci | no account | account, and the group of the department | creation |
//! | tariq.hassan | inactive | active | reactivation |
//! | pavel.horak | known as Pawel | Pavel | an update that must not lose title, extension or externalId |
//! | julia.steiner | not in Interiors | member | a missing membership, by `match` |
//! | camille.roy | not in Leads | member | a missing membership, by name |
//! | gwen.marsh | in IT Operations | not in it | a member too many, removed alone |
//! | dora.keller, victor.amaya | active | `status: left` | deactivation, reversible here |
//! | ben.ashworth | inactive | `status: left` | no difference |
//! | emeka.nwosu | `Emeka.Nwosu@Northwind.example` | other case | no difference |
//! | nora.lindqvist | known as nora.berg | an alias | gets her address |
//! | reception | active | named nowhere | unlisted: only reported |
//! | laura.jensen, dora.keller | in Summer Party 2025 | – | a group that no line declares is left alone |
//!
//! Three people lose something: as many as the default cap allows.

use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::{ENTERPRISE, GROUP, Kind, Scim, user_body};

/// The groups, with ids as they might be pinned.
const GROUPS: [(&str, &str); 7] = [
    ("grp-101", "Intranet Editors"),
    ("grp-102", "Project Managers"),
    ("grp-103", "IT Operations"),
    ("grp-104", "Finance"),
    ("grp-105", "Leads"),
    ("grp-106", "Interiors"),
    ("grp-190", "Summer Party 2025"),
];

type Row = (&'static str, &'static str, &'static str, bool, &'static str, &'static [&'static str]);

/// userName, names, whether active, department, and groups; oldest first.
#[rustfmt::skip]
const USERS: &[Row] = &[
    ("priya.nair@northwind.example", "Priya", "Nair", true, "IT", &["grp-103"]),
    ("jonas.weber@northwind.example", "Jonas", "Weber", true, "IT", &["grp-103"]),
    ("mina.park@northwind.example", "Mina", "Park", true, "IT", &["grp-103", "grp-101"]),
    ("tariq.hassan@northwind.example", "Tariq", "Hassan", false, "IT", &["grp-103"]),
    ("astrid.holm@northwind.example", "Astrid", "Holm", true, "Leadership", &["grp-101"]),
    ("david.mensah@northwind.example", "David", "Mensah", true, "Leadership", &[]),
    ("helena.lopes@northwind.example", "Helena", "Lopes", true, "Leadership", &[]),
    ("clara.weiss@northwind.example", "Clara", "Weiss", true, "Finance", &["grp-104", "grp-101"]),
    ("edward.finch@northwind.example", "Edward", "Finch", true, "Finance", &["grp-104"]),
    ("mei.lin@northwind.example", "Mei", "Lin", true, "Finance", &["grp-104"]),
    ("aisha.bello@northwind.example", "Aisha", "Bello", true, "Delivery", &["grp-102"]),
    ("gwen.marsh@northwind.example", "Gwen", "Marsh", true, "Delivery", &["grp-102", "grp-103"]),
    ("ivan.marek@northwind.example", "Ivan", "Marek", true, "Delivery", &["grp-102"]),
    ("laura.jensen@northwind.example", "Laura", "Jensen", true, "Delivery", &["grp-102", "grp-190"]),
    ("dora.keller@northwind.example", "Dora", "Keller", true, "Delivery", &["grp-190"]),
    ("peter.oduya@northwind.example", "Peter", "Oduya", true, "Delivery", &["grp-102"]),
    ("ruth.abebe@northwind.example", "Ruth", "Abebe", true, "Delivery", &["grp-102"]),
    ("simon.clarke@northwind.example", "Simon", "Clarke", true, "Delivery", &["grp-102", "grp-105"]),
    ("ben.ashworth@northwind.example", "Ben", "Ashworth", false, "Delivery", &[]),
    ("anna.virtanen@northwind.example", "Anna", "Virtanen", true, "Interiors", &["grp-105", "grp-106"]),
    ("Emeka.Nwosu@Northwind.example", "Emeka", "Nwosu", true, "Interiors", &["grp-106"]),
    ("julia.steiner@northwind.example", "Julia", "Steiner", true, "Interiors", &[]),
    ("maya.cohen@northwind.example", "Maya", "Cohen", true, "Interiors", &["grp-106"]),
    ("pavel.horak@northwind.example", "Pawel", "Horak", true, "Interiors", &["grp-106"]),
    ("sanne.vries@northwind.example", "Sanne", "Vries", true, "Interiors", &["grp-106"]),
    ("theo.laurent@northwind.example", "Theo", "Laurent", true, "Interiors", &["grp-106"]),
    ("bruno.silva@northwind.example", "Bruno", "Silva", true, "Visualization", &["grp-105"]),
    ("camille.roy@northwind.example", "Camille", "Roy", true, "Architecture", &[]),
    ("grace.mbeki@northwind.example", "Grace", "Mbeki", true, "Structures", &["grp-105"]),
    ("nora.berg@northwind.example", "Nora", "Lindqvist", true, "Architecture", &["grp-101"]),
    ("victor.amaya@northwind.example", "Victor", "Amaya", true, "Structures", &[]),
    ("reception@northwind.example", "Front", "Desk", true, "Office", &[]),
];

pub(super) fn fill(app: &mut Scim) {
    let now = app.now;
    let day = |days: usize| SignedDuration::from_hours(24 * i64::try_from(days).unwrap_or(0));
    let mut members: Vec<Vec<Value>> = vec![Vec::new(); GROUPS.len()];
    for (position, (user_name, given, family, active, department, groups)) in USERS.iter().enumerate() {
        let mut body = user_body(user_name, Some(given), Some(family), *active);
        body.insert("externalId".to_owned(), json!(format!("E{}", 1001 + position)));
        body.insert("locale".to_owned(), json!("en-GB"));
        if position % 4 == 3 {
            body.insert("title".to_owned(), json!(format!("{department} lead")));
        }
        body.insert(ENTERPRISE.to_owned(), json!({ "department": department, "costCenter": "4100" }));
        if let Some(schemas) = body.get_mut("schemas").and_then(Value::as_array_mut) {
            schemas.push(json!(ENTERPRISE));
        }
        let id = app.insert(Kind::User, None, body, now - day(10 * (USERS.len() - position)));
        for (at, (group, _)) in GROUPS.iter().enumerate() {
            if groups.contains(group) {
                members[at].push(json!({ "value": id, "type": "User" }));
            }
        }
    }
    for ((id, name), members) in GROUPS.iter().zip(members) {
        let body = Map::from_iter([
            ("schemas".to_owned(), json!([GROUP])),
            ("displayName".to_owned(), json!(name)),
            ("members".to_owned(), Value::Array(members)),
        ]);
        app.insert(Kind::Group, Some((*id).to_owned()), body, now - day(400));
    }
}
