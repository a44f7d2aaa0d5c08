//! The plan as text and JSON.

use super::fixture::everything;
use crate::report::{Style, text};

#[test]
fn show() {
    for width in [80, 200] {
        print!("{}", text::plan(&everything(), &Style { color: true, width, unicode: true }));
    }
}
