//! What an app really holds, whatever it shows; and the apps of the sandbox as one of those that can be played.

use std::collections::BTreeSet;

use rosterd::sandbox::{AccountPatch, NewAccount, Reply as Told, Sandbox};
use serde_json::Value;

use super::call::{Call, Reply};

/// An account as it is.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub id: String,
    pub addresses: Vec<String>,
    pub active: bool,
    /// Ids of its groups.
    pub groups: BTreeSet<String>,
}

/// An app that is played, with the doors behind it.
pub(super) trait Played: Send {
    fn answer(&mut self, call: &Call) -> Reply;
    fn people(&self) -> Vec<Row>;
    /// Ids and names.
    fn groups(&self) -> Vec<(String, String)>;
    /// Returns the id.
    fn add_person(&mut self, address: &str, given: &str, active: bool) -> String;
    fn add_group(&mut self, id: &str, name: &str);
    fn join(&mut self, id: &str, group: &str, role: &str);
    fn rename_group(&mut self, id: &str, name: &str);
    fn readdress(&mut self, id: &str, address: &str);
    fn remove(&mut self, id: &str);
    /// Sets a key of a row, where rows are the app's own.
    fn set(&mut self, _: &str, _: &str, _: Value) {}
}

/// An app of the sandbox.
pub(super) struct Theirs {
    pub sandbox: Sandbox,
    pub kind: &'static str,
    /// The least role of an account; empty where there are none.
    pub role: &'static str,
}

/// The tenant in which it is played.
pub(super) const TENANT: &str = "demo";

impl Played for Theirs {
    fn answer(&mut self, call: &Call) -> Reply {
        let Told::Whole(answer) = self.sandbox.call(call.method, &call.target(), &call.headers, &call.body).answer()
        else {
            panic!("nobody asked for faults")
        };
        let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        Reply { status: answer.status, headers: answer.headers, body, mark: "" }
    }

    fn people(&self) -> Vec<Row> {
        let accounts = self.sandbox.accounts(self.kind, TENANT).unwrap();
        let row = |view: rosterd::sandbox::AccountView| Row {
            active: !["inactive", "false"].contains(&view.status.as_str()),
            addresses: vec![view.email],
            groups: view.groups.into_iter().map(|group| group.id).collect(),
            id: view.id,
        };
        accounts.into_iter().map(row).collect()
    }

    fn groups(&self) -> Vec<(String, String)> {
        let groups = self.sandbox.groups(self.kind, TENANT).unwrap();
        groups.into_iter().map(|group| (group.id, group.name)).collect()
    }

    fn add_person(&mut self, address: &str, given: &str, active: bool) -> String {
        let account = NewAccount {
            email: address.to_owned(),
            given_name: Some(given.to_owned()),
            family_name: Some("Sim".into()),
            status: (!active).then(|| "inactive".to_owned()),
            role: Some(self.role).filter(|role| !role.is_empty()).map(str::to_owned),
        };
        self.sandbox.add_account(self.kind, TENANT, account).unwrap()
    }

    fn add_group(&mut self, id: &str, name: &str) {
        self.sandbox.put_group(self.kind, TENANT, id, name).unwrap();
    }

    fn join(&mut self, id: &str, group: &str, role: &str) {
        self.sandbox.put_membership(self.kind, TENANT, id, group, role).unwrap();
    }

    fn rename_group(&mut self, id: &str, name: &str) {
        self.sandbox.put_group(self.kind, TENANT, id, name).unwrap();
    }

    fn readdress(&mut self, id: &str, address: &str) {
        let patch = AccountPatch { email: Some(address.to_owned()), ..AccountPatch::default() };
        // Where another account has the address, this one keeps its own.
        drop(self.sandbox.patch_account(self.kind, TENANT, id, patch));
    }

    fn remove(&mut self, id: &str) {
        self.sandbox.remove_account(self.kind, TENANT, id).unwrap();
    }
}
