//! How an app is spoken to: every built-in connector, and manifests that are made for a kind of paging.

use rosterd::sandbox::{ACC_ACCOUNT, ACC_ADMIN, Config, Sandbox};

use super::{
    mine::Mine,
    truth::{Played, TENANT, Theirs},
};
use crate::{chance::mix, world::BEGINS};

/// How the list of users has pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paging {
    Whole,
    Offset,
    Number,
    Token,
    Link,
    Header,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// A SCIM server of our own, which takes whatever it is told.
    Scim,
    /// The same app behind a generated manifest.
    Rest(Paging),
    /// A built-in connector or manifest, and the sandbox's app for it.
    Built(&'static str),
}

/// The path by which the files name the generated manifest.
pub(super) const MANIFEST: &str = "connectors/mine.yaml";

impl Dialect {
    pub(super) const ALL: [Self; 13] = [
        Self::Scim,
        Self::Rest(Paging::Whole),
        Self::Rest(Paging::Offset),
        Self::Rest(Paging::Number),
        Self::Rest(Paging::Token),
        Self::Rest(Paging::Link),
        Self::Rest(Paging::Header),
        Self::Built("scim"),
        Self::Built("acc"),
        Self::Built("autodesk"),
        Self::Built("workiva"),
        Self::Built("alteryx"),
        Self::Built("alteryx-webapi"),
    ];

    pub(super) fn connector(self) -> &'static str {
        match self {
            Self::Scim => "scim",
            Self::Rest(_) => MANIFEST,
            Self::Built(kind) => kind,
        }
    }

    pub(super) fn is_mine(self) -> bool {
        matches!(self, Self::Scim | Self::Rest(_))
    }

    pub(super) fn is_scim(self) -> bool {
        self.connector() == "scim"
    }

    /// Whether it can be asked for an address.
    pub(super) fn asks(self) -> bool {
        self != Self::Built("autodesk")
    }

    /// Whether the list of users is nothing but rows.
    pub(super) fn is_bare(self) -> bool {
        matches!(self, Self::Built("acc" | "alteryx-webapi"))
    }

    /// Whether the API makes groups.
    pub(super) fn makes_groups(self) -> bool {
        self.is_mine() || self.is_scim()
    }

    /// Whether members can be seen, added and removed without more ado.
    pub(super) fn shows_members(self) -> bool {
        self.makes_groups() || self == Self::Built("workiva")
    }

    pub(super) fn role(self) -> &'static str {
        match self.connector() {
            "autodesk" | "alteryx" | "alteryx-webapi" => "Viewer",
            "workiva" => "Viewer",
            _ => "",
        }
    }

    pub(super) fn member_role(self) -> &'static str {
        match self.connector() {
            "autodesk" | "acc" => "member",
            _ => "",
        }
    }

    /// The app's part of the files but for who is granted what.
    pub(super) fn head(self, options: &[&str]) -> String {
        let auth = match self {
            Self::Scim | Self::Rest(_) | Self::Built("scim") => "{ token: { env: T } }",
            Self::Built(_) => "{ client_id: { env: I }, client_secret: { env: S } }",
        };
        let more = match self {
            Self::Built("acc") => {
                format!(
                    "    self: rosterd@northwind.example\n    options: {{ account_id: {ACC_ACCOUNT}, acting_user: {ACC_ADMIN}, import_wait: 30s }}\n"
                )
            }
            _ if options.is_empty() => String::new(),
            _ => format!("    options: {{ {} }}\n", options.join(", ")),
        };
        let defaults = match self {
            Self::Built("acc") => "    defaults: { role: account_user }\n",
            Self::Built("autodesk") => "    defaults: { role: viewer }\n",
            Self::Built("workiva") => "    defaults: { roles: [Viewer] }\n",
            Self::Built("alteryx" | "alteryx-webapi") => "    defaults: { role: Viewer }\n",
            _ => "",
        };
        let policy = "{ max_removals: 500, max_creates: 500, min_admins: 0, irreversible: allow }";
        format!(
            "apps:\n  {TENANT}:\n    connector: {}\n    url: https://x.example\n    auth: {auth}\n    policy: {policy}\n{more}{defaults}",
            self.connector()
        )
    }

    pub(super) fn play(self, seed: u64) -> Box<dyn Played> {
        match self {
            Self::Scim => Box::new(Mine::scim()),
            Self::Rest(paging) => Box::new(Mine::rest(paging)),
            Self::Built(kind) => {
                let config = Config {
                    seed: mix(seed, "sandbox"),
                    begins: Some(BEGINS.parse().unwrap()),
                    empty: true,
                    ..Config::default()
                };
                let role = if kind == "autodesk" { "viewer" } else { self.role() };
                Box::new(Theirs { sandbox: Sandbox::without_network(config).unwrap(), kind, role })
            }
        }
    }

    /// Where the app is.
    pub(super) fn url(self) -> String {
        match self {
            Self::Built(kind) => format!("https://sandbox.invalid/{kind}/{TENANT}"),
            _ => "https://mine.invalid".to_owned(),
        }
    }
}

/// What a manifest says for this kind of paging, with a query if there is one, and rules for its answers.
pub(super) fn manifest(paging: Paging, asks: bool, answers: &str) -> String {
    let page = match paging {
        Paging::Whole => "",
        Paging::Offset => ", page: { offset: skip, size: limit, max: 10, total: total }",
        Paging::Number => ", page: { number: page, size: limit, max: 10, end: short }",
        Paging::Token => ", page: { token: page, next: next_page, size: limit, max: 10 }",
        Paging::Link => ", page: { link: next }",
        Paging::Header => ", page: { link: header }",
    };
    let find = match asks {
        true => "  find: { get: /users, query: { email: \"{email}\" }, items: data }\n",
        false => "",
    };
    format!(
        r#"name: mine
auth: {{ bearer: true }}
{answers}accounts:
  fields: {{ id: id, email: email, given_name: first, family_name: last, status: active, phone: phone }}
  status: {{ active: true, inactive: false }}
  list: {{ get: /users, items: data{page} }}
  read: {{ get: "/users/{{account.id}}" }}
{find}  create: {{ post: /users }}
  update: {{ patch: "/users/{{account.id}}" }}
  deactivate: {{ set: {{ status: inactive }} }}
  reactivate: {{ set: {{ status: active }} }}
  delete: {{ delete: "/users/{{account.id}}" }}
groups:
  list: {{ get: /groups, items: data }}
  read: {{ get: "/groups/{{group.id}}" }}
  create: {{ post: /groups }}
  update: {{ patch: "/groups/{{group.id}}" }}
  delete: {{ delete: "/groups/{{group.id}}" }}
members:
  list: {{ get: "/groups/{{group.id}}/members", items: data, account: {{ id: id }} }}
  add: {{ post: "/groups/{{group.id}}/members", body: {{ ids: "{{account.ids}}" }}, at_once: 100 }}
  remove: {{ delete: "/groups/{{group.id}}/members/{{account.id}}" }}
"#
    )
}
