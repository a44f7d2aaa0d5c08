//! Two versions of the files against one live state: what of the other version still counts before a change is merged
//! (`trust`), and which actions the change causes (`cause`).

mod cause;
mod trust;

pub use cause::{Versions, attribute};
pub use trust::{Trusted, trust};
