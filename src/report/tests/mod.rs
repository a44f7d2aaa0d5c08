//! What reports look like, and what they must never lose.

mod fixture;
mod history;
mod json;
mod markdown;
mod outcome;
mod plan;
mod told;
mod why;

use super::Style;

const NARROW: Style = Style { color: false, width: 80, unicode: true };
const BROAD: Style = Style { width: 200, ..NARROW };
const COLOR: Style = Style { color: true, ..NARROW };
const ASCII: Style = Style { unicode: false, ..NARROW };

/// Compares with a file under `snapshots/`. Escapes are spelt out, so that a change of colour can be read in a diff.
fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text.replace('\u{1b}', "␛")));
}
