//! Keeps secrets out of every output.

use std::borrow::Cow;

use super::Runner;

/// Knows the secrets of this process and blots them out; and has no text be a command of the runner.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    secrets: Vec<String>,
    runner: Runner,
}

const MASK: &str = "***";

impl Redactor {
    /// Takes the values of variables whose names speak of a secret: `*TOKEN*`, `*SECRET*`, `*PASSWORD*`, `*_KEY`, …
    pub fn from_env(vars: impl Iterator<Item = (String, String)>) -> Self {
        let mut secrets: Vec<String> = vars
            .filter(|(name, value)| {
                let name = name.to_ascii_uppercase();
                // Short values are words of everyday text; blotting them out would make logs unreadable.
                value.len() >= 8
                    && (["TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "PRIVATE_KEY", "API_KEY", "APIKEY"]
                        .iter()
                        .any(|part| name.contains(part))
                        || name.ends_with("_KEY") || name.ends_with("_PAT"))
                    // A path to a secret is none.
                    && !value.starts_with('/')
            })
            .flat_map(|(_, value)| [url_encoded(&value), value])
            .collect();
        // The longest first: a secret may hold another.
        secrets.sort_by_key(|s| std::cmp::Reverse(s.len()));
        secrets.dedup();
        Redactor { secrets, runner: Runner::None }
    }

    /// For texts that this runner reads.
    #[must_use]
    pub fn on(mut self, runner: Runner) -> Self {
        self.runner = runner;
        self
    }

    /// The secrets, each also as it stands in an address.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(String::as_str)
    }

    /// The text for a log: without secrets, without passwords in addresses, without commands of the runner.
    pub fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.redacted(text) {
            Cow::Borrowed(text) => self.runner.inert(text),
            Cow::Owned(text) => Cow::Owned(self.runner.inert(&text).into_owned()),
        }
    }

    /// The same for a JSON document.
    pub fn clean_json(&self, json: &str) -> String {
        self.runner.inert_json(&self.redacted(json)).into_owned()
    }

    /// The text without secrets, and without passwords in addresses.
    pub fn redacted<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut out = Cow::Borrowed(text);
        for secret in &self.secrets {
            if out.contains(secret.as_str()) {
                out = Cow::Owned(out.replace(secret.as_str(), MASK));
            }
        }
        if out.contains("://") { Cow::Owned(without_userinfo(&out)) } else { out }
    }
}

fn url_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

/// `https://user:secret@host/…` → `https://***@host/…`.
fn without_userinfo(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        out.push_str(head);
        let end = tail
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '`' | '<' | '>'))
            .unwrap_or(tail.len());
        let (authority, after) = tail.split_at(end);
        // A user without a password is no secret: `ssh://git@host`.
        match authority.rsplit_once('@') {
            Some((user, host))
                if user.contains(':') || head.ends_with("https://") || head.ends_with("http://") =>
            {
                out.push_str(MASK);
                out.push('@');
                out.push_str(host);
            }
            _ => out.push_str(authority),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secret_variables_go() {
        let vars = [("GITHUB_TOKEN", "ghs_123456/789"), ("PATH", "/usr/bin:/bin"), ("MY_KEY", "short")];
        let redactor = Redactor::from_env(vars.map(|(n, v)| (n.to_owned(), v.to_owned())).into_iter());
        assert_eq!(
            redactor.clean("a ghs_123456/789 b ghs_123456%2F789 short /usr/bin:/bin"),
            "a *** b *** short /usr/bin:/bin"
        );
    }

    #[test]
    fn passwords_in_addresses_go() {
        let clean = |text: &str| Redactor::default().clean(text).into_owned();
        assert_eq!(
            clean("to https://x:y@h.example/p and ssh://git@h/p"),
            "to https://***@h.example/p and ssh://git@h/p"
        );
        assert_eq!(clean("'https://token@h'"), "'https://***@h'");
        assert_eq!(clean("http://a/b@c"), "http://a/b@c");
    }
}
