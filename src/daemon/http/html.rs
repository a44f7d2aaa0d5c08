//! Texts in HTML.

use std::fmt::{self, Write};

use askama::filters::Escaper;

use crate::report::steers;

/// Shows a text as it is, whatever characters an app or a file put into it. What would steer a terminal or reorder text is spelt
/// out, as every report does. `askama.toml` names it for every page.
#[derive(Clone, Copy)]
pub(super) struct Inert;

impl Escaper for Inert {
    fn write_escaped_str<W: Write>(&self, mut page: W, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '&' => page.write_str("&amp;")?,
                '<' => page.write_str("&lt;")?,
                '>' => page.write_str("&gt;")?,
                '"' => page.write_str("&quot;")?,
                '\'' => page.write_str("&#39;")?,
                // A report of several lines stays one.
                '\n' | '\t' => page.write_char(c)?,
                c if steers(c) => write!(page, "{}", c.escape_unicode())?,
                c => page.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_an_app_says_becomes_markup() {
        let mut page = String::new();
        Inert.write_escaped_str(&mut page, "<script>'a' & \"b\"</script>").unwrap();
        assert_eq!(page, "&lt;script&gt;&#39;a&#39; &amp; &quot;b&quot;&lt;/script&gt;");
    }

    #[test]
    fn nothing_that_an_app_says_steers_a_terminal_or_reorders_text() {
        let mut page = String::new();
        Inert.write_escaped_str(&mut page, "a\u{1b}[2J\u{9b}1m\u{202e}b\u{61c}\r\n\tc ü 設計").unwrap();
        assert_eq!(page, "a\\u{1b}[2J\\u{9b}1m\\u{202e}b\\u{61c}\\u{d}\n\tc ü 設計");
    }
}
