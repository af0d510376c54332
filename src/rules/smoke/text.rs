//! Texts of checks: variables in them, secrets that do not belong into them, addresses.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The names in `${NAME}` of a text.
pub fn names(text: &str) -> Vec<&str> {
    pieces(text).filter_map(|(_, name)| name).collect()
}

/// The text with the variables' values; the name of the first that has none is the error.
pub fn expand(text: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, &str> {
    let mut out = String::with_capacity(text.len());
    for (plain, name) in pieces(text) {
        out.push_str(plain);
        if let Some(name) = name {
            out.push_str(&value(name).ok_or(name)?);
        }
    }
    Ok(out)
}

/// The same for an address, in which a value that stands as password or secret parameter is encoded.
pub fn expand_url(url: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, &str> {
    let secret = secrets_in_url(url);
    expand(url, |name| {
        let value = value(name)?;
        Some(match secret.contains(&name) {
            true => utf8_percent_encode(&value, NON_ALPHANUMERIC).to_string(),
            false => value,
        })
    })
}

/// Plain text and the name after it, in turn. What is no `${NAME}` is plain text.
fn pieces(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut from = 0;
        while let Some(at) = rest[from..].find("${").map(|at| at + from) {
            let inside = &rest[at + 2..];
            let end = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inside.len());
            if end > 0 && inside[end..].starts_with('}') {
                let (plain, name) = (&rest[..at], &inside[..end]);
                rest = &inside[end + 1..];
                return Some((plain, Some(name)));
            }
            from = at + 2;
        }
        Some((std::mem::take(&mut rest), None))
    })
}

/// Whether a header or parameter of this name holds a secret by its nature.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    let parts = [
        "authorization",
        "cookie",
        "token",
        "secret",
        "password",
        "passwd",
        "api-key",
        "apikey",
        "signature",
    ];
    parts.iter().any(|part| name.contains(part)) || name == "sig"
}

/// What is said of a secret that stands in the configuration itself.
pub const INTO_A_VARIABLE: &str = "put it into a variable and write `${VARIABLE}`";

/// Says where an address holds a secret itself, which then would stand in plans and reports.
pub fn literal_secret_in_url(url: &str) -> Option<String> {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = authority.find(['/', '?', '#']).unwrap_or(authority.len());
    let user = authority[..end].rsplit_once('@').map(|(user, _)| user);
    if user.and_then(|user| user.split_once(':')).is_some_and(|(_, password)| names(password).is_empty()) {
        return Some(format!("the address holds a password: {INTO_A_VARIABLE}"));
    }
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let holds = |part: &&str| {
        part.split_once('=')
            .is_some_and(|(name, value)| is_secret_name(name) && !value.is_empty() && names(value).is_empty())
    };
    query.split(['&', '#']).find(holds).map(|part| {
        let name = part.split('=').next().unwrap_or_default();
        format!("the parameter {name} holds a secret: {INTO_A_VARIABLE}")
    })
}

/// The variables in an address that stand for a password or a secret parameter.
pub fn secrets_in_url(url: &str) -> Vec<&str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let secret = |part: &&str| part.split_once('=').is_some_and(|(name, _)| is_secret_name(name));
    [user].into_iter().chain(query.split(['&', '#']).filter(secret)).flat_map(names).collect()
}

/// `host:port`, with IPv6 in brackets.
pub fn address(text: &str) -> Result<(&str, u16), String> {
    let wrong = || format!("`{text}` is no address: write host:port, such as db.example:5432 or [::1]:5432");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let port = port.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(wrong)?;
    let host = match host.strip_prefix('[') {
        Some(inside) => inside.strip_suffix(']').ok_or_else(wrong)?,
        None if host.contains(':') => return Err(wrong()),
        None => host,
    };
    if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c == '/') {
        return Err(wrong());
    }
    Ok((host, port))
}

/// A text in one line.
pub fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text from outside, cut for a message.
pub fn brief(text: &str) -> String {
    let line = line(text);
    let mut out: String = line.chars().take(160).collect();
    if out.len() < line.len() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_and_put_in() {
        let value = |name: &str| (name == "A_1").then(|| "x".to_owned());
        assert_eq!(
            expand("a ${A_1}${A_1} $A_1 ${} ${a-b} ${", value).as_deref(),
            Ok("a xx $A_1 ${} ${a-b} ${")
        );
        assert_eq!(expand("${A_1} ${B}", value), Err("B"));
        assert_eq!(names("${A}é${B}"), ["A", "B"]);
    }

    #[test]
    fn secrets_in_addresses_are_seen() {
        for (url, has) in [
            ("https://u:p@h/", true),
            ("https://u:${P}@h/", false),
            ("https://u@h/", false),
            ("https://h/?a=1&access_token=abc", true),
            ("https://h/?access_token=${T}", false),
            ("https://h/u:p@x?key=1", false),
            ("https://h?X-Amz-Signature=1", true),
        ] {
            assert_eq!(literal_secret_in_url(url).is_some(), has, "{url}");
        }
    }

    #[test]
    fn addresses() {
        assert_eq!(address("[::1]:80"), Ok(("::1", 80)));
        assert_eq!(address("a.b:5432"), Ok(("a.b", 5432)));
        for wrong in ["a", "a:", ":80", "::1:80", "a:0", "a:70000", "a/b:80", "[::1:80"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }
}
