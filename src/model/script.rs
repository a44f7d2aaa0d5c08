//! Characters that nobody sees, and letters of several scripts that look alike: what makes two addresses look like one.

use std::ops::RangeInclusive;

/// Characters of the categories Cf (format) and Zs (space) of Unicode 16, the ordinary space aside.
const INVISIBLE: [RangeInclusive<char>; 27] = [
    '\u{a0}'..='\u{a0}',
    '\u{ad}'..='\u{ad}',
    '\u{600}'..='\u{605}',
    '\u{61c}'..='\u{61c}',
    '\u{6dd}'..='\u{6dd}',
    '\u{70f}'..='\u{70f}',
    '\u{890}'..='\u{891}',
    '\u{8e2}'..='\u{8e2}',
    '\u{1680}'..='\u{1680}',
    '\u{180e}'..='\u{180e}',
    '\u{2000}'..='\u{200a}',
    '\u{200b}'..='\u{200f}',
    '\u{202a}'..='\u{202e}',
    '\u{202f}'..='\u{202f}',
    '\u{205f}'..='\u{205f}',
    '\u{2060}'..='\u{2064}',
    '\u{2066}'..='\u{206f}',
    '\u{3000}'..='\u{3000}',
    '\u{feff}'..='\u{feff}',
    '\u{fff9}'..='\u{fffb}',
    '\u{110bd}'..='\u{110bd}',
    '\u{110cd}'..='\u{110cd}',
    '\u{13430}'..='\u{1343f}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0001}'..='\u{e0001}',
    '\u{e0020}'..='\u{e007f}',
];

/// Scripts whose letters are mistaken for those of another one of them.
const SCRIPTS: [(&str, &[RangeInclusive<char>]); 6] = [
    (
        "Latin",
        &[
            'A'..='Z',
            'a'..='z',
            '\u{c0}'..='\u{d6}',
            '\u{d8}'..='\u{f6}',
            '\u{f8}'..='\u{2af}',
            '\u{1e00}'..='\u{1eff}',
            '\u{2c60}'..='\u{2c7f}',
            '\u{a720}'..='\u{a7ff}',
            '\u{ff21}'..='\u{ff5a}',
        ],
    ),
    ("Greek", &['\u{370}'..='\u{3ff}', '\u{1f00}'..='\u{1fff}']),
    ("Cyrillic", &['\u{400}'..='\u{52f}', '\u{1c80}'..='\u{1c8f}', '\u{2de0}'..='\u{2dff}', '\u{a640}'..='\u{a69f}']),
    ("Armenian", &['\u{530}'..='\u{58f}']),
    ("Georgian", &['\u{10a0}'..='\u{10ff}', '\u{1c90}'..='\u{1cbf}', '\u{2d00}'..='\u{2d2f}']),
    ("Cherokee", &['\u{13a0}'..='\u{13ff}', '\u{ab70}'..='\u{abbf}']),
];

/// Whether nobody sees the character, or sees nothing but a gap.
pub(super) fn is_invisible(c: char) -> bool {
    !c.is_ascii() && INVISIBLE.iter().any(|range| range.contains(&c))
}

/// The names of two scripts whose letters stand in one part of an address.
pub fn mixed_scripts(address: &str) -> Option<[&'static str; 2]> {
    if address.is_ascii() {
        return None;
    }
    // A name in one script at a domain in another is what many have.
    address.split('@').find_map(|part| {
        let mut scripts = part.chars().filter_map(script);
        let first = scripts.next()?;
        scripts.find(|other| *other != first).map(|other| [first, other])
    })
}

fn script(c: char) -> Option<&'static str> {
    SCRIPTS.iter().find(|(_, ranges)| ranges.iter().any(|range| range.contains(&c))).map(|(name, _)| *name)
}

/// A name without what people overlook in it: names that are the same by this differ only by blanks or case.
pub fn overlooked(name: &str) -> String {
    name.chars().filter(|c| !c.is_whitespace() && !is_invisible(*c)).flat_map(char::to_lowercase).collect()
}
