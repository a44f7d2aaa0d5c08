//! The sandbox, driven over real HTTP as a client would.

#[path = "sandbox/client.rs"]
mod client;
#[path = "sandbox/rest.rs"]
mod rest;

#[path = "sandbox/acc.rs"]
mod acc;
#[path = "sandbox/acc_hq.rs"]
mod acc_hq;
#[path = "sandbox/accounts.rs"]
mod accounts;
#[path = "sandbox/admin.rs"]
mod admin;
#[path = "sandbox/alteryx.rs"]
mod alteryx;
#[path = "sandbox/alteryx_webapi.rs"]
mod alteryx_webapi;
#[path = "sandbox/direct.rs"]
mod direct;
#[path = "sandbox/example.rs"]
mod example;
#[path = "sandbox/faults.rs"]
mod faults;
#[path = "sandbox/limits.rs"]
mod limits;
#[path = "sandbox/scim.rs"]
mod scim;
#[path = "sandbox/scim_quirks.rs"]
mod scim_quirks;
#[path = "sandbox/tokens.rs"]
mod tokens;
#[path = "sandbox/workiva.rs"]
mod workiva;
