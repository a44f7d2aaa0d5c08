//! What the files say of the organisation.

use std::{collections::BTreeMap, fmt::Write as _};

use super::kind::Kind;
use crate::server::Server;

/// Names that are awkward in a filter stay as they are.
pub(super) const DESIGN: &str = "Design \"Team\"";

pub(super) fn who(n: usize) -> String {
    format!("person{n:03}@example.com")
}

pub(super) struct Files<'a> {
    kind: &'a Kind,
    /// People by their number, with what their line under `people` says besides their names.
    pub(super) people: BTreeMap<usize, &'static str>,
    /// Members by group.
    pub(super) groups: BTreeMap<&'static str, Vec<usize>>,
    /// Groups that are to go.
    pub(super) absent: Vec<&'static str>,
    /// Those who moved, and where to.
    pub(super) moved: BTreeMap<usize, &'static str>,
}

impl<'a> Files<'a> {
    /// Everybody, almost everybody in one group, and three groups more, one of them empty.
    pub(super) fn first(kind: &'a Kind) -> Self {
        let people = kind.people;
        Self {
            kind,
            people: (0..people).map(|n| (n, "")).collect(),
            groups: [
                ("Everyone", (0..people - 20).collect()),
                (DESIGN, (0..people).step_by(5).collect()),
                ("Leads", vec![0, people / 4, people / 2]),
                ("Empty", vec![]),
            ]
            .into(),
            absent: Vec::new(),
            moved: BTreeMap::new(),
        }
    }

    pub(super) fn text(&self, server: &Server) -> String {
        let Kind { base, options, defaults, moves, external_ids, .. } = self.kind;
        let mut text = format!(
            "apps:\n  directory:\n    connector: scim\n    url: {}{base}\n    auth: {{ token: {{ env: SCIM_TOKEN }} }}\n    \
             options: {options}\n    policy: {{ unlisted: remove, max_creates: 1000, max_removals: 50%, min_admins: 0 }}\n    \
             defaults: {defaults}\n    accounts:\n",
            server.origin
        );
        for n in self.people.keys() {
            // One line that sets a name makes names managed.
            let given = (*n == 0).then(|| "given_name: Given000".to_owned());
            let moved = self.moved.get(n).map(|to| format!("{}: {to}", moves.field));
            let external = external_ids.then(|| format!("external_id: {n:03}x"));
            let fields: Vec<_> = [given, moved, external].into_iter().flatten().collect();
            writeln!(text, "      {}: {{ {} }}", who(*n), fields.join(", ")).unwrap();
        }
        text += "    groups:\n";
        for (name, members) in &self.groups {
            let members: Vec<_> = members.iter().map(|n| who(*n)).collect();
            writeln!(text, "      '{name}': {{ members: [{}] }}", members.join(", ")).unwrap();
        }
        for name in &self.absent {
            writeln!(text, "      '{name}': {{ state: absent }}").unwrap();
        }
        // What was made inactive behind our back was made so by somebody else.
        text += "approvals:\n  - { allow: directory/reactivate, guard: reactivation, until: 2099-12-31 }\n";
        for name in &self.absent {
            let action = format!("directory/delete-group/{name}");
            writeln!(text, "  - {{ allow: '{action}', guard: irreversible, until: 2099-12-31 }}").unwrap();
        }
        text += "people:\n";
        for (n, more) in &self.people {
            writeln!(text, "  {}: {{ given_name: Given{n:03}, family_name: Family{n:03}{more} }}", who(*n)).unwrap();
        }
        text
    }
}
