//! What passes for an email address, at every app alike.

/// Whether this could be an email address: something before one `@`, and a domain behind it.
pub(crate) fn is_email(text: &str) -> bool {
    // RFC 5321 ends a path at 256 characters, its angle brackets included.
    let plausible = text.len() <= 254 && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    plausible
        && text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && !domain.contains('@')
                && domain.contains('.')
                && !domain.starts_with('.')
                && !domain.ends_with('.')
        })
}
