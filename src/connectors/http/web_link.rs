//! The header `Link` as RFC 8288 has it: which of its links leads to the next page.

/// The target of the first link to a next page, as it is written.
pub fn next_link(headers: &[(String, String)]) -> Option<String> {
    let values = headers.iter().filter(|(name, _)| name == "link").map(|(_, value)| value.as_str());
    values.flat_map(links).find(|link| link.is_next).map(|link| link.target)
}

/// A link, as far as it matters here.
struct WebLink {
    target: String,
    is_next: bool,
}

fn links(mut rest: &str) -> Vec<WebLink> {
    let mut links = Vec::new();
    while let Some((_, behind)) = rest.split_once('<') {
        let Some((target, parameters)) = behind.split_once('>') else { break };
        let (is_next, behind) = leads_on(parameters);
        links.push(WebLink { target: target.trim().to_owned(), is_next });
        rest = behind;
    }
    links
}

/// Whether parameters name the relation `next`, and what stands behind them.
fn leads_on(mut rest: &str) -> (bool, &str) {
    let (mut relation, mut about_another) = (None, false);
    loop {
        rest = rest.trim_start();
        let Some(parameter) = rest.strip_prefix(';') else { break };
        let end = parameter.find(['=', ';', ',']).unwrap_or(parameter.len());
        let name = parameter[..end].trim();
        rest = &parameter[end..];
        let mut value = String::new();
        if let Some(given) = rest.strip_prefix('=') {
            (value, rest) = read(given.trim_start());
        }
        // Of several relations of one link only the first counts.
        if name.eq_ignore_ascii_case("rel") {
            relation.get_or_insert(value);
        } else if name.eq_ignore_ascii_case("anchor") {
            about_another = true;
        }
    }
    let names = relation.unwrap_or_default();
    let is_next = names.split_ascii_whitespace().any(|name| name.eq_ignore_ascii_case("next"));
    (is_next && !about_another, rest)
}

/// A value, quoted or not, and what stands behind it.
fn read(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',']).unwrap_or(text.len());
        return (text[..end].trim().to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(letters.next().map(|(_, escaped)| escaped)),
            letter => value.push(letter),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, expected: Option<&str>) {
        let found = next_link(&[("date".into(), "<x>; rel=next".into()), ("link".into(), header.into())]);
        assert_eq!(found.as_deref(), expected, "{header}");
    }

    #[test]
    fn the_link_to_the_next_page_is_found_however_it_is_written() {
        check(r#"<https://x.example/u?page=2>; rel="next""#, Some("https://x.example/u?page=2"));
        check("</u?page=2>;rel=next", Some("/u?page=2"));
        check(r#"</u?a=1,2;b>; rel="first", </u?page=2>; Rel = "last NEXT""#, Some("/u?page=2"));
        check(r#"</a>; title="x, y; rel=prev \" >"; rel="next""#, Some("/a"));
        check(r#"</a>; rel=prev; rel=next, </b>; rel=next"#, Some("/b"));
        check(r#"</a>; hreflang; rel=next"#, Some("/a"));
    }

    #[test]
    fn what_leads_elsewhere_is_not() {
        for header in ["", "</a", "</a>", "</a>; rel=prev", "</a>; title=next", "</a>; rel=next; anchor=\"#x\"", "next"]
        {
            check(header, None);
        }
        check(r#"</a>; title="unclosed; rel=next"#, None);
    }
}
