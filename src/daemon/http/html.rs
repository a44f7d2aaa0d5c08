//! Texts in HTML.

use std::fmt::{self, Display, Write as _};

use crate::report::spans;

/// A text that is shown as it is, whatever characters an app or a file put into it.
pub(super) struct Text<T>(pub T);

impl<T: Display> Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escape(f), "{}", self.0)
    }
}

/// A sentence, in which `code in backticks` is shown as code.
pub(super) struct Prose<'a>(pub &'a str);

impl Display for Prose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        spans(self.0).try_for_each(
            |(is_code, part)| {
                if is_code { write!(f, "<code>{}</code>", Text(part)) } else { Text(part).fmt(f) }
            },
        )
    }
}

struct Escape<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Escape<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.write_str("&amp;")?,
                '<' => self.0.write_str("&lt;")?,
                '>' => self.0.write_str("&gt;")?,
                '"' => self.0.write_str("&quot;")?,
                '\'' => self.0.write_str("&#39;")?,
                c => self.0.write_char(c)?,
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
        let text = Text("<script>'a' & \"b\"</script>").to_string();
        assert_eq!(text, "&lt;script&gt;&#39;a&#39; &amp; &quot;b&quot;&lt;/script&gt;");
        let prose = Prose("set `mode: <add>`, or ` & no more").to_string();
        assert_eq!(prose, "set <code>mode: &lt;add&gt;</code>, or ` &amp; no more");
    }
}
