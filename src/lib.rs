//! rosterd keeps the accounts, groups and memberships of SaaS apps equal to YAML files in a git repository.

pub mod budget;
pub mod cli;
pub mod connectors;
mod daemon;
pub mod desired;
pub mod execute;
mod git;
mod import;
pub mod model;
pub mod observe;
pub mod plan;
pub mod reconcile;
pub mod report;
mod review;
pub mod sandbox;
pub mod store;
mod why;
