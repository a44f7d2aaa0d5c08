//! Text that people wrote, made fit for Markdown as GitHub renders it: nothing in it may format, link, call somebody or end
//! the table that it stands in.

use crate::report::canvas::{harmless, spans};

/// A name, an address or a value. Inside the tag nobody is called and no shortcode is drawn; what Markdown itself would
/// read, before the tag means anything, is spelt as entities.
pub(super) fn code(text: &str) -> String {
    format!("<code>{}</code>", entities(text))
}

/// A sentence, in which `code in backticks` is code, and so is every word that GitHub would make a call or a link of.
pub(super) fn prose(text: &str) -> String {
    spans(text).map(|(is_code, part)| if is_code { code(&part) } else { words(&part) }).collect()
}

fn words(text: &str) -> String {
    let calls = |word: &str| word.contains(['@', '#']) || word.contains("://") || word.contains("www.");
    let words: Vec<String> = text
        .split(' ')
        .map(|word| {
            // The mark behind a word is not part of it.
            let bare = word.trim_end_matches([',', ';', '.', ':', ')']);
            if calls(bare) { code(bare) + &entities(&word[bare.len()..]) } else { entities(word) }
        })
        .collect();
    words.join(" ")
}

fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for c in harmless(text).chars() {
        let after_www =
            c == '.' && out.get(out.len().saturating_sub(3)..).is_some_and(|end| end.eq_ignore_ascii_case("www"));
        // GitHub makes an address a link even within code, unless something stands in it. Lines may break there too.
        if c == '@' && out.ends_with(|before: char| before.is_alphanumeric() || matches!(before, '.' | '-' | '+' | ';'))
        {
            out.push_str("<wbr>");
        }
        let plain = c.is_alphanumeric()
            || !c.is_ascii()
            || matches!(c, ' ' | '.' | ',' | ';' | '/' | '-' | '%' | '?' | '=' | '+');
        if plain && !after_www {
            out.push(c);
        } else {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                c => out.push_str(&format!("&#{};", u32::from(c))),
            }
        }
    }
    out
}

/// Lines to copy, in a fence that none of them closes.
pub(super) fn fenced(lines: &[String]) -> String {
    let longest = lines.iter().flat_map(|line| line.split(|c| c != '`')).map(str::len).max().unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    let body: String = lines.iter().map(|line| harmless(line) + "\n").collect();
    format!("{fence}yaml\n{body}{fence}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_people_wrote_is_read_as_markdown() {
        let check = |text: &str, expect: &str| assert_eq!(code(text), format!("<code>{expect}</code>"), "{text}");
        check("a|b\\|c", "a&#124;b&#92;&#124;c");
        check("</code><script>", "&lt;/code&gt;&lt;script&gt;");
        check(
            "**x** _y_ `z` [a](b) ~~q~~",
            "&#42;&#42;x&#42;&#42; &#95;y&#95; &#96;z&#96; &#91;a&#93;&#40;b&#41; &#126;&#126;q&#126;&#126;",
        );
        check("@org/team", "&#64;org/team");
        check("ann.lee@b.c", "ann.lee<wbr>&#64;b.c");
        check("ann_@b.c", "ann&#95;<wbr>&#64;b.c");
        check("https://www.evil.example", "https&#58;//www&#46;evil.example");
        check("one\ntwo", "one two");
        check("a&#64;b", "a&amp;&#35;64&#59;b".replace("&#59;", ";").as_str());
        check("$x$ :tada:", "&#36;x&#36; &#58;tada&#58;");
    }

    #[test]
    fn words_of_a_sentence_call_nobody_and_link_nowhere() {
        assert_eq!(
            prose("ask @org/team, or a@b.c."),
            "ask <code>&#64;org/team</code>, or <code>a<wbr>&#64;b.c</code>."
        );
        assert_eq!(
            prose("see #12; set `unlisted: remove`"),
            "see <code>&#35;12</code>; set <code>unlisted&#58; remove</code>"
        );
        assert_eq!(prose("a ` b"), "a &#96; b");
        assert_eq!(prose("at https://x.example now"), "at <code>https&#58;//x.example</code> now");
    }

    #[test]
    fn a_fence_is_longer_than_any_inside_it() {
        let line = |text: &str| vec![text.to_owned()];
        assert_eq!(fenced(&line("- { allow: a }")), "```yaml\n- { allow: a }\n```\n");
        assert_eq!(fenced(&line("- { allow: \"a/```\" }")), "````yaml\n- { allow: \"a/```\" }\n````\n");
    }
}
