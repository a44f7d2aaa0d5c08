//! Nothing is believed without proof: what an app's silence, an empty answer or another name does not say. Each file is about
//! one kind of it, told to the real command by an app that keeps its state, as SCIM and as a manifest.

mod absent_rows;
mod acc;
mod addresses;
mod app;
mod batch_refused;
mod case;
mod dry;
mod empty_query;
mod empty_text;
mod end_of_list;
mod floods;
mod headers;
mod hidden_members;
mod import_required;
mod inactive_memberships;
mod invisible;
mod known_by_id;
mod links;
mod messages;
mod namesakes;
mod query_before_create;
mod reactivation;
mod refusals;
mod remembered_gone;
mod renamed_creates;
mod renamed_groups;
mod signs_of_more;
mod spellings;
mod throttle;
mod wrapped;
