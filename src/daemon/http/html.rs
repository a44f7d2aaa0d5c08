//! Texts in HTML.

use std::fmt::{self, Write};

use askama::filters::Escaper;

/// Shows a text as it is, whatever characters an app or a file put into it. `askama.toml` names it for every page.
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
}
