//! Two versions of the files against one live state: what of the other version still counts before a change is merged
//! (`trust`), which actions the change causes (`cause`), and what it alters without any action: rules (`rules`), and what is
//! granted at some time (`claims`).

mod cause;
mod claims;
mod rules;
mod trust;

pub use cause::{Versions, attribute};
pub use claims::claims;
pub use rules::rules;
pub use trust::{Trusted, trust};
