//! The SCIM servers of others: how each is started, and what it does otherwise than the standard has it.

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};

use crate::server::{Installed, Server, installed};

pub(super) const TOKEN: &str = "a-token-for-tests";

const ENTERPRISE: &str = "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/department";

/// An attribute that the files give everybody.
pub(super) struct Attribute {
    /// What the files call it.
    pub field: &'static str,
    /// Where it stands in a user.
    pub pointer: &'static str,
}

/// What a server is like, and what the files say because of it.
pub(super) struct Kind {
    /// Where it is installed, below `target/real`.
    pub name: &'static str,
    /// What starts it on a port, with a directory of its own.
    pub command: fn(&Self, &Installed, &str, &Path) -> Command,
    /// What it says of its pages, as JSON, where it can be told.
    pub pagination: Option<&'static str>,
    /// Where its SCIM begins.
    pub base: &'static str,
    /// How many people the story has.
    pub people: usize,
    /// The connector's options that it takes.
    pub options: &'static str,
    /// What everybody has unless the files say otherwise.
    pub defaults: &'static str,
    /// What changes when somebody moves.
    pub moves: Attribute,
    /// The files give everybody an external id.
    pub external_ids: bool,
    /// What is none of our business, and somebody else keeps there.
    pub foreign: &'static [(&'static str, &'static str)],
    /// It takes members out whose values stand beside the path, and knows no other way; others refuse this, or empty the group.
    pub removes_by_value: bool,
    /// Groups can be asked for by name; otherwise all of them fit into one answer.
    pub finds_groups: bool,
    /// A deleted user stays among the members of groups.
    pub keeps_deleted_members: bool,
}

const DEPARTMENT: Attribute = Attribute { field: "department", pointer: ENTERPRISE };

pub(super) const SCIM2_SERVER: Kind = Kind {
    name: "scim2-server",
    command: Kind::scim2_server,
    pagination: None,
    base: "/v2",
    people: 200,
    options: "{}",
    defaults: "{ department: Studio, title: Colleague }",
    moves: DEPARTMENT,
    external_ids: false,
    foreign: &[("externalId", "idp-3"), ("nickName", "Three")],
    removes_by_value: false,
    finds_groups: true,
    keeps_deleted_members: true,
};

/// SCIMMY pages by what Express 4 leaves in its hands. Its filters compare user names to the letter, and take no quotation mark
/// inside a value.
pub(super) const SCIMMY_EXPRESS_4: Kind = Kind {
    name: "scimmy-express4",
    command: Kind::scimmy,
    base: "/scim",
    people: 60,
    options: "{ page_size: 25 }",
    finds_groups: false,
    ..SCIM2_SERVER
};

/// With Express 5 it answers every page that is asked for in the address with the first 20 rows; those that are asked for in a
/// body are what they should be.
pub(super) const SCIMMY_EXPRESS_5: Kind =
    Kind { name: "scimmy-express5", options: "{ page_size: 25, search: always }", ..SCIMMY_EXPRESS_4 };

/// Better Auth keeps the person behind a deleted user, and refuses the address when the user is made again, unless the same
/// external id shows that it is the same one.
pub(super) const BETTER_AUTH: Kind = Kind {
    name: "better-auth-scim",
    command: Kind::better_auth,
    base: "/api/auth/scim/v2",
    people: 60,
    options: "{ page_size: 25 }",
    external_ids: true,
    foreign: &[("userType", "Guest")],
    keeps_deleted_members: false,
    ..SCIM2_SERVER
};

/// django-scim2 has names and addresses, and no other attributes. It answers a member who is named in a path with 501, and a
/// filter for groups with none.
pub(super) const DJANGO: Kind = Kind {
    name: "django-scim2",
    command: Kind::django,
    pagination: None,
    base: "/scim/v2",
    people: 60,
    options: "{ member_removal: value, page_size: 25 }",
    defaults: "{}",
    moves: Attribute { field: "family_name", pointer: "/name/familyName" },
    external_ids: false,
    foreign: &[("externalId", "idp-3")],
    removes_by_value: true,
    finds_groups: false,
    keeps_deleted_members: false,
};

impl Kind {
    /// The server, started from empty; `None` where it is not installed.
    pub(super) async fn start(&self) -> Option<Server> {
        let installed = installed(self.name)?;
        let answers = format!("{}/ServiceProviderConfig", self.base);
        let server = installed.start(&answers, |port, dir| (self.command)(self, &installed, &port.to_string(), dir));
        Some(server.await)
    }

    fn scim2_server(&self, installed: &Installed, port: &str, dir: &Path) -> Command {
        let mut command = installed.program("scim2-server");
        command.args(["--port", port, "--bearer-token", TOKEN]);
        if let Some(pagination) = self.pagination {
            let file = dir.join("config.json");
            fs::write(&file, config(pagination).to_string()).unwrap();
            command.arg("--service-provider-config").arg(file);
        }
        command
    }

    fn scimmy(&self, installed: &Installed, port: &str, dir: &Path) -> Command {
        let mut command = installed.script(include_str!("../scimmy/serve.mjs"), dir);
        command.args([port, TOKEN]);
        command
    }

    fn better_auth(&self, installed: &Installed, port: &str, dir: &Path) -> Command {
        let mut command = installed.script(include_str!("../better-auth-scim/serve.mjs"), dir);
        command.args([port, TOKEN]);
        command
    }

    fn django(&self, installed: &Installed, port: &str, dir: &Path) -> Command {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real/django-scim2/serve.py");
        let mut command = installed.program("python");
        // The project is read where it is, and nothing is written there.
        command.current_dir(dir).args(["-B", script, port, TOKEN]);
        command
    }
}

/// What `scim2-server` says of itself, with which pages.
fn config(pagination: &str) -> Value {
    let pagination: Value = serde_json::from_str(pagination).unwrap();
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": true},
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": true, "maxResults": 1000},
        "changePassword": {"supported": false},
        "sort": {"supported": false},
        "etag": {"supported": true},
        "authenticationSchemes": [],
        "pagination": pagination,
    })
}
