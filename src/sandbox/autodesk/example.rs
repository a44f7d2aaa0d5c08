//! The example organisation, Northwind Studio, as it stands at Autodesk: it has drifted from `desired-state/`.
//!
//! One `apply`, and one more once the invitations are accepted, leave nothing to do. What has drifted:
//!
//! | who | live | desired | teaches |
//! |---|---|---|---|
//! | ingrid.solheim, mateus.cardoso, yuna.choi, felix.brandt, hana.sato | no account | account, one team each | an invitation comes first, the team after its acceptance |
//! | leila.haddad, oscar.wennberg, chiara.ricci | pending | active, one team each | no second invitation; the team waits |
//! | dora.keller, victor.amaya | active | `status: left` | the person's own line approves the irreversible deactivation |
//! | marcus.thorne | active | `status: suspended` | irreversible here, so `approvals.yaml` has a line; his team stays |
//! | anil.kapoor | active | `until: 2026-06-30` | a date that passed approves nothing; again a line in `approvals.yaml` |
//! | nils.dahl | viewer | user | a wrong role |
//! | gwen.marsh | admin | user | `defaults` manages the role, so an admin whom no line makes admin is demoted |
//! | tove.lund | not in Architecture | member | a missing membership, by `match` |
//! | samir.rahimi | not in BIM Standards | member | a missing membership, by name |
//! | camille.roy | not in Model Review | member | a missing membership, by `includes` |
//! | tomas.novak | `Tomas.Novak@Northwind.example` | other case | no difference |
//! | nora.lindqvist | known as nora.berg | an alias that is kept | no difference |
//! | ben.ashworth | inactive | `status: left` | no difference |
//! | trial.account | active | named nowhere | unlisted: only reported |
//! | jo@atelier-jo.example | member of Visualization | named nowhere | unlisted: account and membership only reported |
//! | henrik.aas, kenji.watanabe, dora.keller | in Harbour Tower Archive | – | a team that no line declares is left alone |
//!
//! Five people lose something (four deactivations, a demotion) of 62 who are active: below the cap of a tenth. Nobody
//! would have to be reactivated, and no membership of a person in the files would have to be removed: Autodesk's API
//! can do neither, so they would remain forever. That is why those who left have no declared team any more.

use jiff::SignedDuration;

use super::{
    Autodesk, Fresh,
    Role::{self, Admin, User, Viewer},
    Status::{self, Active, Inactive, Pending},
};

/// The organisation's teams. The ids are those that `desired-state/apps/autodesk.yaml` pins.
const TEAMS: [(&str, &str); 8] = [
    ("team-190", "Harbour Tower Archive"),
    ("team-201", "Architecture"),
    ("team-202", "Structural Engineering"),
    ("team-203", "Interior Design"),
    ("team-204", "Visualization"),
    ("team-205", "BIM Standards"),
    ("team-206", "Project Delivery"),
    ("team-207", "Model Review"),
];

type Row = (&'static str, Option<(&'static str, &'static str)>, Status, Role, &'static [(&'static str, &'static str)]);

/// Email, names, status, role, and teams with the role in each; oldest first.
#[rustfmt::skip]
const ACCOUNTS: &[Row] = &[
    ("carmen.vega@northwind.example", Some(("Carmen", "Vega")), Active, User, &[("team-204", "member")]),
    ("emeka.nwosu@northwind.example", Some(("Emeka", "Nwosu")), Active, User, &[("team-203", "member")]),
    ("elif.demir@northwind.example", Some(("Elif", "Demir")), Active, User, &[("team-201", "member")]),
    ("laura.jensen@northwind.example", Some(("Laura", "Jensen")), Active, User, &[("team-206", "member")]),
    ("ivan.marek@northwind.example", Some(("Ivan", "Marek")), Active, User, &[("team-206", "member")]),
    ("erik.johansen@northwind.example", Some(("Erik", "Johansen")), Active, User, &[("team-202", "member"), ("team-205", "member")]),
    ("anna.virtanen@northwind.example", Some(("Anna", "Virtanen")), Active, User, &[("team-203", "member"), ("team-207", "member")]),
    ("nadia.petrova@northwind.example", Some(("Nadia", "Petrova")), Active, User, &[("team-204", "member")]),
    ("zofia.kaminska@northwind.example", Some(("Zofia", "Kaminska")), Active, User, &[("team-201", "member")]),
    ("freya.nilsen@northwind.example", Some(("Freya", "Nilsen")), Active, User, &[("team-201", "member")]),
    ("ruth.abebe@northwind.example", Some(("Ruth", "Abebe")), Active, User, &[("team-206", "member")]),
    ("dev.mehta@northwind.example", Some(("Dev", "Mehta")), Active, User, &[("team-202", "member")]),
    ("astrid.holm@northwind.example", Some(("Astrid", "Holm")), Active, Viewer, &[("team-207", "member")]),
    ("henrik.aas@northwind.example", Some(("Henrik", "Aas")), Active, User, &[("team-201", "member"), ("team-190", "member")]),
    ("rafael.costa@lumenrender.example", Some(("Rafael", "Costa")), Active, User, &[("team-204", "member")]),
    ("maya.cohen@northwind.example", Some(("Maya", "Cohen")), Active, User, &[("team-203", "member")]),
    ("camille.roy@northwind.example", Some(("Camille", "Roy")), Active, User, &[("team-201", "member")]),
    ("nils.dahl@northwind.example", Some(("Nils", "Dahl")), Active, Viewer, &[("team-201", "member")]),
    ("jonas.weber@northwind.example", Some(("Jonas", "Weber")), Active, Admin, &[]),
    ("gwen.marsh@northwind.example", Some(("Gwen", "Marsh")), Active, Admin, &[("team-206", "member")]),
    ("adam.kovacs@northwind.example", Some(("Adam", "Kovacs")), Active, User, &[("team-202", "member")]),
    ("jo@atelier-jo.example", Some(("Jo", "Martens")), Active, Viewer, &[("team-204", "member")]),
    ("owen.pritchard@northwind.example", Some(("Owen", "Pritchard")), Active, User, &[("team-201", "member")]),
    ("grace.mbeki@northwind.example", Some(("Grace", "Mbeki")), Active, User, &[("team-202", "member"), ("team-207", "member")]),
    ("mina.park@northwind.example", Some(("Mina", "Park")), Active, User, &[]),
    ("liam.byrne@northwind.example", Some(("Liam", "Byrne")), Active, User, &[("team-202", "member")]),
    ("pavel.horak@northwind.example", Some(("Pavel", "Horak")), Active, User, &[("team-203", "member")]),
    ("Tomas.Novak@Northwind.example", Some(("Tomas", "Novak")), Active, User, &[("team-201", "member")]),
    ("isabel.moreno@northwind.example", Some(("Isabel", "Moreno")), Active, User, &[("team-201", "member")]),
    ("wei.zhang@northwind.example", Some(("Wei", "Zhang")), Active, User, &[("team-202", "member")]),
    ("samir.rahimi@northwind.example", Some(("Samir", "Rahimi")), Active, User, &[("team-202", "member")]),
    ("plot-server@northwind.example", None, Active, User, &[]),
    ("beatriz.santos@northwind.example", Some(("Beatriz", "Santos")), Active, User, &[("team-202", "member")]),
    ("amara.okafor@northwind.example", Some(("Amara", "Okafor")), Active, User, &[("team-201", "member"), ("team-205", "member")]),
    ("lucia.ferri@northwind.example", Some(("Lucia", "Ferri")), Active, User, &[("team-201", "member"), ("team-205", "member")]),
    ("anil.kapoor@lumenrender.example", Some(("Anil", "Kapoor")), Active, User, &[]),
    ("noor.jansen@lumenrender.example", Some(("Noor", "Jansen")), Active, User, &[("team-204", "member")]),
    ("marcus.thorne@northwind.example", Some(("Marcus", "Thorne")), Active, User, &[("team-202", "member")]),
    ("sanne.vries@northwind.example", Some(("Sanne", "Vries")), Active, User, &[("team-203", "member")]),
    ("aisha.bello@northwind.example", Some(("Aisha", "Bello")), Active, User, &[("team-206", "member")]),
    ("priya.nair@northwind.example", Some(("Priya", "Nair")), Active, Admin, &[]),
    ("kenji.watanabe@northwind.example", Some(("Kenji", "Watanabe")), Active, User, &[("team-201", "member"), ("team-190", "member")]),
    ("dora.keller@northwind.example", Some(("Dora", "Keller")), Active, User, &[("team-190", "member")]),
    ("rana.aziz@northwind.example", Some(("Rana", "Aziz")), Active, User, &[("team-202", "member")]),
    ("tariq.hassan@northwind.example", Some(("Tariq", "Hassan")), Active, User, &[]),
    ("theo.laurent@northwind.example", Some(("Theo", "Laurent")), Active, User, &[("team-203", "member")]),
    ("helena.lopes@northwind.example", Some(("Helena", "Lopes")), Active, Viewer, &[("team-207", "member")]),
    ("peter.oduya@northwind.example", Some(("Peter", "Oduya")), Active, User, &[("team-206", "member")]),
    ("nora.berg@northwind.example", Some(("Nora", "Lindqvist")), Active, User, &[("team-201", "member")]),
    ("samuel.osei@northwind.example", Some(("Samuel", "Osei")), Active, User, &[("team-201", "member"), ("team-205", "lead")]),
    ("bruno.silva@northwind.example", Some(("Bruno", "Silva")), Active, User, &[("team-204", "member"), ("team-207", "member")]),
    ("victor.amaya@northwind.example", Some(("Victor", "Amaya")), Active, User, &[]),
    ("david.mensah@northwind.example", Some(("David", "Mensah")), Active, Viewer, &[("team-207", "member")]),
    ("rosterd@northwind.example", None, Active, Admin, &[]),
    ("trial.account@northwind.example", Some(("Trial", "Account")), Active, User, &[]),
    ("daniel.fischer@northwind.example", Some(("Daniel", "Fischer")), Active, User, &[("team-201", "member")]),
    ("ida.bergman@northwind.example", Some(("Ida", "Bergman")), Active, User, &[("team-204", "member"), ("team-205", "member")]),
    ("quinn.harper@northwind.example", Some(("Quinn", "Harper")), Active, User, &[("team-204", "member")]),
    ("milo.rossi@northwind.example", Some(("Milo", "Rossi")), Active, User, &[("team-204", "member")]),
    ("ben.ashworth@northwind.example", Some(("Ben", "Ashworth")), Inactive, User, &[]),
    ("simon.clarke@northwind.example", Some(("Simon", "Clarke")), Active, User, &[("team-206", "member"), ("team-207", "member")]),
    ("tove.lund@northwind.example", Some(("Tove", "Lund")), Active, User, &[]),
    ("julia.steiner@northwind.example", Some(("Julia", "Steiner")), Active, User, &[("team-203", "member")]),
    ("leila.haddad@northwind.example", Some(("Leila", "Haddad")), Pending, User, &[]),
    ("oscar.wennberg@northwind.example", Some(("Oscar", "Wennberg")), Pending, User, &[]),
    ("chiara.ricci@northwind.example", Some(("Chiara", "Ricci")), Pending, User, &[]),
];

pub(super) fn fill(app: &mut Autodesk) {
    app.teams.extend(TEAMS.map(|(id, name)| (id.to_owned(), name.to_owned())));
    let day = |days: usize| SignedDuration::from_hours(24 * i64::try_from(days).unwrap_or(0));
    for (position, (email, names, status, role, teams)) in ACCOUNTS.iter().enumerate() {
        // One came every ten days; whoever is pending was invited the day before yesterday.
        let age = if *status == Pending { 2 } else { 10 * (ACCOUNTS.len() - position) };
        let id = app.insert(Fresh {
            email: (*email).to_owned(),
            first_name: names.map(|(first, _)| first.to_owned()),
            last_name: names.map(|(_, last)| last.to_owned()),
            status: *status,
            role: *role,
            created_at: app.now - day(age),
            last_login: (*status != Pending).then(|| app.now - day(1 + position % 5)),
        });
        if *status == Pending {
            app.invited.insert((*email).to_lowercase(), 1);
        }
        if let Some(account) = app.accounts.get_mut(&id) {
            account.memberships.extend(teams.iter().map(|(team, role)| ((*team).to_owned(), (*role).to_owned())));
            account.deactivated_at = (*status == Inactive).then(|| app.now - day(30));
        }
    }
}
