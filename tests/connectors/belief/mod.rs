//! Nothing is believed without proof: what an app's silence, an empty answer or another name does not say. Each file is about
//! one kind of it, told to the real command by an app that keeps its state, as SCIM and as a manifest.

mod absent_rows;
mod addresses;
mod app;
mod case;
mod empty_query;
mod end_of_list;
mod hidden_members;
mod invisible;
mod known_by_id;
mod links;
mod namesakes;
mod query_before_create;
mod remembered_gone;
mod renamed_groups;
mod signs_of_more;
mod spellings;
mod throttle;
