//! The example organisation, Northwind Studio, as it stands at Autodesk Construction Cloud. Whoever works on a project is
//! a member of it: architecture on Harbour Tower, interiors on Riverside School, structures and two people of Lumen
//! Render on Museum Extension. Each project has one project manager, as its administrator.
//!
//! What has drifted from that:
//!
//! | who | live | should be | teaches |
//! |---|---|---|---|
//! | ingrid.solheim, yuna.choi, mateus.cardoso | unknown to the account | member of a project | an import makes the account, too |
//! | leila.haddad | pending, member of Harbour Tower | the same | no second invitation |
//! | oscar.wennberg | account `not_invited`, in no project | member of Museum Extension | joining is the invitation |
//! | tove.lund | not in Harbour Tower | member | a missing membership |
//! | chiara.ricci | removed from Riverside School | member | a row that lists hide; it comes back with everything resent |
//! | nils.dahl | Interior Designer on Harbour Tower | Architect | roles are written as a whole set |
//! | pavel.horak | no industry role on Riverside School | Interior Designer | |
//! | simon.clarke | member of Riverside School | its administrator | promotion: every product at once |
//! | julia.steiner | administrator of Riverside School | member | demotion |
//! | wei.zhang | in Riverside School, too | not in it | a member too many |
//! | noor.jansen | of Northwind Studio on Museum Extension | of Lumen Render | a company |
//! | kenji.watanabe | account inactive | active | reactivation |
//! | marcus.thorne | active | `status: suspended` | deactivation, reversible; his project stays |
//! | victor.amaya | active, in Museum Extension | `status: left` | out of the project, and inactive |
//! | tomas.novak | `Tomas.Novak@Northwind.example` | other case | no difference |
//! | nora.lindqvist | known as nora.berg | an alias that is kept | no difference |
//! | ben.ashworth | inactive | `status: left` | no difference |
//! | jo@atelier-jo.example | in Museum Extension | named nowhere | unlisted: only reported |
//!
//! Four people lose something, of 43 who are active. Two projects nobody declares: Old Mill Refurbishment, which is a
//! BIM 360 project and can only be read, and Harbour Tower Archive, which is archived.

use super::{Acc, Event, Project, products};

/// Ids, names, platforms and statuses.
const PROJECTS: [(&str, &str, &str, &str); 5] = [
    ("1c0f7a52-0f0e-4d8a-9d0a-5b1c6a3e7f10", "Harbour Tower", "acc", "active"),
    ("2d1e8b63-1a1f-4e9b-8e1b-6c2d7b4f8a21", "Riverside School", "acc", "active"),
    ("3e2f9c74-2b20-4fac-9f2c-7d3e8c5a9b32", "Museum Extension", "acc", "active"),
    ("4f30ad85-3c31-40bd-803d-8e4f9d6bac43", "Old Mill Refurbishment", "bim360", "active"),
    ("5041be96-4d42-41ce-914e-9f50ae7cbd54", "Harbour Tower Archive", "acc", "archived"),
];

const HARBOUR: usize = 0;
const RIVERSIDE: usize = 1;
const MUSEUM: usize = 2;
const OLD_MILL: usize = 3;
const ARCHIVE: usize = 4;

/// Project, whether an administrator, and the industry role.
type Place = (usize, bool, Option<&'static str>);
type Row = (&'static str, &'static str, &'static str, &'static str, &'static [Place]);

const ARCHITECT: Place = (HARBOUR, false, Some("Architect"));
const INTERIORS: Place = (RIVERSIDE, false, Some("Interior Designer"));
const ENGINEER: Place = (MUSEUM, false, Some("Structural Engineer"));

/// Email, names, status and places; oldest first.
#[rustfmt::skip]
const PEOPLE: &[Row] = &[
    ("jonas.weber@northwind.example", "Jonas", "Weber", "active", &[]),
    ("priya.nair@northwind.example", "Priya", "Nair", "active", &[]),
    ("gwen.marsh@northwind.example", "Gwen", "Marsh", "active", &[(HARBOUR, true, Some("Project Manager")), (ARCHIVE, true, Some("Project Manager"))]),
    ("simon.clarke@northwind.example", "Simon", "Clarke", "active", &[(RIVERSIDE, false, Some("Project Manager"))]),
    ("laura.jensen@northwind.example", "Laura", "Jensen", "active", &[(MUSEUM, true, Some("Project Manager")), (OLD_MILL, true, None)]),
    ("amara.okafor@northwind.example", "Amara", "Okafor", "active", &[ARCHITECT]),
    ("camille.roy@northwind.example", "Camille", "Roy", "active", &[ARCHITECT]),
    ("daniel.fischer@northwind.example", "Daniel", "Fischer", "active", &[ARCHITECT]),
    ("elif.demir@northwind.example", "Elif", "Demir", "active", &[ARCHITECT]),
    ("freya.nilsen@northwind.example", "Freya", "Nilsen", "active", &[ARCHITECT]),
    ("henrik.aas@northwind.example", "Henrik", "Aas", "active", &[ARCHITECT, (ARCHIVE, false, Some("Architect"))]),
    ("isabel.moreno@northwind.example", "Isabel", "Moreno", "active", &[ARCHITECT]),
    ("kenji.watanabe@northwind.example", "Kenji", "Watanabe", "inactive", &[ARCHITECT]),
    ("leila.haddad@northwind.example", "Leila", "Haddad", "pending", &[ARCHITECT]),
    ("lucia.ferri@northwind.example", "Lucia", "Ferri", "active", &[ARCHITECT]),
    ("nils.dahl@northwind.example", "Nils", "Dahl", "active", &[(HARBOUR, false, Some("Interior Designer"))]),
    ("nora.berg@northwind.example", "Nora", "Lindqvist", "active", &[ARCHITECT]),
    ("owen.pritchard@northwind.example", "Owen", "Pritchard", "active", &[ARCHITECT]),
    ("samuel.osei@northwind.example", "Samuel", "Osei", "active", &[ARCHITECT]),
    ("Tomas.Novak@Northwind.example", "Tomas", "Novak", "active", &[ARCHITECT]),
    ("tove.lund@northwind.example", "Tove", "Lund", "active", &[]),
    ("zofia.kaminska@northwind.example", "Zofia", "Kaminska", "active", &[ARCHITECT]),
    ("anna.virtanen@northwind.example", "Anna", "Virtanen", "active", &[INTERIORS]),
    ("chiara.ricci@northwind.example", "Chiara", "Ricci", "active", &[INTERIORS]),
    ("emeka.nwosu@northwind.example", "Emeka", "Nwosu", "active", &[INTERIORS]),
    ("julia.steiner@northwind.example", "Julia", "Steiner", "active", &[(RIVERSIDE, true, Some("Interior Designer"))]),
    ("maya.cohen@northwind.example", "Maya", "Cohen", "active", &[INTERIORS]),
    ("pavel.horak@northwind.example", "Pavel", "Horak", "active", &[(RIVERSIDE, false, None)]),
    ("sanne.vries@northwind.example", "Sanne", "Vries", "active", &[INTERIORS]),
    ("theo.laurent@northwind.example", "Theo", "Laurent", "active", &[INTERIORS]),
    ("adam.kovacs@northwind.example", "Adam", "Kovacs", "active", &[ENGINEER]),
    ("beatriz.santos@northwind.example", "Beatriz", "Santos", "active", &[ENGINEER]),
    ("dev.mehta@northwind.example", "Dev", "Mehta", "active", &[ENGINEER]),
    ("erik.johansen@northwind.example", "Erik", "Johansen", "active", &[ENGINEER]),
    ("grace.mbeki@northwind.example", "Grace", "Mbeki", "active", &[ENGINEER]),
    ("liam.byrne@northwind.example", "Liam", "Byrne", "active", &[ENGINEER, (OLD_MILL, false, None)]),
    ("marcus.thorne@northwind.example", "Marcus", "Thorne", "active", &[ENGINEER]),
    ("oscar.wennberg@northwind.example", "Oscar", "Wennberg", "not_invited", &[]),
    ("rana.aziz@northwind.example", "Rana", "Aziz", "active", &[ENGINEER]),
    ("samir.rahimi@northwind.example", "Samir", "Rahimi", "active", &[ENGINEER]),
    ("wei.zhang@northwind.example", "Wei", "Zhang", "active", &[ENGINEER, INTERIORS]),
    ("noor.jansen@lumenrender.example", "Noor", "Jansen", "active", &[(MUSEUM, false, None)]),
    ("rafael.costa@lumenrender.example", "Rafael", "Costa", "active", &[(MUSEUM, false, None)]),
    ("victor.amaya@northwind.example", "Victor", "Amaya", "active", &[ENGINEER]),
    ("ben.ashworth@northwind.example", "Ben", "Ashworth", "inactive", &[]),
    ("jo@atelier-jo.example", "Jo", "Martens", "active", &[(MUSEUM, false, None)]),
];

/// Account administrators, besides the one every tenant has.
const ADMINS: [&str; 2] = ["jonas.weber@northwind.example", "priya.nair@northwind.example"];

/// Whose row on Riverside School was removed.
const REMOVED: &str = "chiara.ricci@northwind.example";

pub(super) fn fill(app: &mut Acc) {
    let day = |days: usize| jiff::SignedDuration::from_hours(24 * i64::try_from(days).unwrap_or(0));
    let start = app.now;
    app.now = start - day(10 * (PEOPLE.len() + 1));
    for (id, name, platform, status) in PROJECTS {
        let known = if platform == "acc" { products::ACC.as_slice() } else { products::BIM360.as_slice() };
        let products = known.iter().map(|(key, _)| *key).collect();
        let project =
            Project { name: name.to_owned(), platform, status, products, created_at: app.now, members: Vec::new() };
        app.projects.insert(id.to_owned(), project);
    }
    let named = |all: &std::collections::BTreeMap<String, String>, name: &str| {
        all.iter().find(|(_, known)| *known == name).map(|(id, _)| id.clone())
    };
    let (studio, lumen) = (named(&app.companies, "Northwind Studio"), named(&app.companies, "Lumen Render"));
    for (position, (email, first, last, status, places)) in PEOPLE.iter().enumerate() {
        // One came every ten days; whoever is pending was invited just now.
        app.now = if *status == "pending" { start } else { start - day(10 * (PEOPLE.len() - position)) };
        let id = app.insert(email, Some((first, last)), status, None);
        let company = if *email == "rafael.costa@lumenrender.example" { lumen.clone() } else { studio.clone() };
        if let Some(person) = app.people.get_mut(&id) {
            person.company.clone_from(&company);
            if ADMINS.contains(email) {
                person.role = "account_admin".to_owned();
            }
        }
        for (project, admin, role) in *places {
            let (project, ..) = PROJECTS[*project];
            let products = products::level(&app.projects[project].products, *admin);
            let roles = role.and_then(|name| named(&app.roles, name)).into_iter().collect();
            let (email, company) = ((*email).to_owned(), company.clone());
            app.join(project, super::Joining { email, company, roles, products, ..Default::default() });
        }
    }
    if let (Some(id), Some(project)) = (app.by_email.get(REMOVED), app.projects.get_mut(PROJECTS[RIVERSIDE].0)) {
        for member in project.members.iter_mut().filter(|member| member.person == *id) {
            member.status = "deleted";
        }
    }
    // Emails of years ago are nobody's concern; that of the one who is pending is.
    let pending: Vec<String> = app
        .events
        .values()
        .filter_map(|event| match event {
            Event::Accept(id) => app.people.get(id).map(|person| person.email.to_lowercase()),
            Event::Import(..) => None,
        })
        .collect();
    app.invited.retain(|email, _| pending.contains(email));
    app.now = start;
}
