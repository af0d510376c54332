//! Keeps secrets out of every output.

use std::borrow::Cow;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

mod runner;

pub use runner::{Runner, token};

/// Knows the secrets of this process and blots them out; and has no text be a command of the runner. Clones share what
/// they know.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    secrets: Arc<RwLock<Vec<String>>>,
    runner: Runner,
}

const MASK: &str = "***";
/// Shorter values are words of everyday text; blotting them out would make logs unreadable.
const SHORTEST: usize = 8;
/// The same for values that are named where a secret stands.
const SHORTEST_NAMED: usize = 4;

impl Redactor {
    /// Takes the values of variables whose names speak of a secret: `*TOKEN*`, `*SECRET*`, `*PASSWORD*`, `*_KEY`, …; and the
    /// passwords in addresses, whatever their variables are called.
    pub fn from_env(vars: impl Iterator<Item = (String, String)>) -> Self {
        const PARTS: [&str; 10] = [
            "TOKEN",
            "SECRET",
            "PASSWORD",
            "PASSWD",
            "PASSPHRASE",
            "CREDENTIAL",
            "PRIVATE_KEY",
            "API_KEY",
            "APIKEY",
            "WEBHOOK",
        ];
        const ENDS: [&str; 5] = ["_KEY", "_PAT", "_PASS", "_PWD", "_AUTH"];
        let redactor = Redactor::default();
        for (name, value) in vars.filter(|(_, value)| value.len() >= SHORTEST) {
            let name = name.to_ascii_uppercase();
            let speaks =
                PARTS.iter().any(|part| name.contains(part)) || ENDS.iter().any(|end| name.ends_with(end));
            // A path to a secret is none; a secret may begin as a path does.
            let path = value.starts_with('/') && Path::new(&value).exists();
            if speaks && !path {
                redactor.learn(&value);
            } else if let Some(password) = password(&value).filter(|it| it.len() >= SHORTEST) {
                redactor.learn(&password);
            }
        }
        redactor
    }

    /// Learns a value that stands where secrets stand, such as in a header.
    pub fn learn(&self, secret: &str) {
        if secret.len() >= SHORTEST_NAMED {
            // A log has a key of several lines line by line.
            let lines =
                secret.lines().map(str::trim).filter(|line| line.len() >= SHORTEST).map(str::to_owned);
            // A header's value begins with its scheme.
            let bare = ["Bearer ", "Basic ", "Token "].iter().find_map(|scheme| secret.strip_prefix(scheme));
            let parts = lines.chain(bare.map(str::to_owned)).chain(parts_of_address(secret));
            self.add(std::iter::once(secret.to_owned()).chain(parts));
        }
    }

    fn add(&self, new: impl Iterator<Item = String>) {
        let mut secrets = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
        secrets.extend(new.flat_map(|value| forms(&value)));
        // The longest first: a secret may hold another.
        secrets.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        secrets.dedup();
    }

    /// For texts that this runner reads.
    #[must_use]
    pub fn on(mut self, runner: Runner) -> Self {
        self.runner = runner;
        self
    }

    /// The secrets, each also as it stands elsewhere: in an address, in JSON, in base64.
    pub fn secrets(&self) -> Vec<String> {
        self.secrets.read().unwrap_or_else(PoisonError::into_inner).clone()
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

    /// The text without the secrets that are no words, for what stays in a repository: to blot out every `production` there,
    /// because some variable's value is that, would do more harm than good.
    pub fn without_tokens(&self, text: String) -> String {
        const SHORTEST_TOKEN: usize = 20;
        let secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
        let there = secrets.iter().filter(|it| it.len() >= SHORTEST_TOKEN && text.contains(it.as_str()));
        let there: Vec<&String> = there.collect();
        there.into_iter().fold(text, |text, secret| text.replace(secret.as_str(), MASK))
    }

    /// The text without secrets, and without passwords in addresses.
    pub fn redacted<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut out = Cow::Borrowed(text);
        for secret in self.secrets.read().unwrap_or_else(PoisonError::into_inner).iter() {
            if out.contains(secret.as_str()) {
                out = Cow::Owned(out.replace(secret.as_str(), MASK));
            }
        }
        if out.contains("://") { Cow::Owned(without_userinfo(&out)) } else { out }
    }
}

/// What is secret of an address that is one, such as that of a webhook: a server may repeat its path, or a part of it.
fn parts_of_address(secret: &str) -> Vec<String> {
    const SHORTEST_PART: usize = 16;
    let Ok(url) = url::Url::parse(secret) else { return Vec::new() };
    let mut parts: Vec<String> = password(secret).into_iter().collect();
    let path = url.path();
    if path.trim_matches('/').contains('/') {
        parts.push(path.to_owned());
    }
    let long = |part: &&str| part.len() >= SHORTEST_PART;
    parts.extend(path.split('/').filter(long).map(str::to_owned));
    parts.extend(url.query_pairs().map(|(_, value)| value.into_owned()).filter(|v| long(&v.as_str())));
    let decoded: Vec<String> = parts
        .iter()
        .filter_map(|part| percent_encoding::percent_decode_str(part).decode_utf8().ok())
        .map(std::borrow::Cow::into_owned)
        .collect();
    parts.extend(decoded);
    parts.retain(|part| part.len() >= SHORTEST_NAMED);
    parts
}

/// The password in an address.
fn password(address: &str) -> Option<String> {
    let url = address.contains("://").then(|| url::Url::parse(address).ok()).flatten()?;
    url.password().map(str::to_owned)
}

/// How a secret may stand in a text: as it is, encoded for an address or a form, as a string of JSON, in base64.
fn forms(secret: &str) -> Vec<String> {
    let encoded = url_encoded(secret);
    let json = serde_json::Value::from(secret).to_string();
    let mut forms = vec![
        small_digits(&encoded),
        encoded.replace("%20", "+"),
        encoded,
        json.trim_matches('"').to_owned(),
        secret.to_owned(),
    ];
    // `base64` and PEM break lines.
    let whole = STANDARD_NO_PAD.encode(secret);
    for width in [76, 64] {
        let lines =
            whole.as_bytes().chunks(width).filter(|line| line.len() >= SHORTEST && line.len() < whole.len());
        forms.extend(lines.map(|line| String::from_utf8_lossy(line).into_owned()));
    }
    // Inside of something longer, such as `user:secret`, base64 depends on where the secret begins. What also depends on
    // its neighbours is left out.
    for before in 0..3 {
        let bytes: Vec<u8> = vec![0; before].into_iter().chain(secret.bytes()).collect();
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = engine.encode(&bytes);
            let (from, to) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
            forms.extend(text.get(from..to).filter(|part| part.len() >= SHORTEST).map(str::to_owned));
        }
    }
    forms.sort_unstable();
    forms.dedup();
    forms
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

/// Percent-encoding with small hexadecimal digits, as some write it.
fn small_digits(encoded: &str) -> String {
    let mut out = String::with_capacity(encoded.len());
    let mut parts = encoded.split('%');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        out.push('%');
        out.push_str(&digits.to_ascii_lowercase());
        out.push_str(rest);
    }
    out
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
    fn encoded_secrets_go() {
        let redactor = Redactor::default();
        let secret = "p4ss w\"rd/ü?";
        redactor.learn(secret);
        let shared = redactor.clone();
        shared.learn("abc");
        for text in [
            secret.to_owned(),
            url_encoded(secret),
            small_digits(&url_encoded(secret)),
            url_encoded(secret).replace("%20", "+"),
            serde_json::json!({ "a": secret }).to_string(),
            STANDARD_NO_PAD.encode(format!("u:{secret}")),
            STANDARD_NO_PAD.encode(format!("us:{secret}:x")),
            URL_SAFE_NO_PAD.encode(format!("use:{secret}??")),
            base64::engine::general_purpose::STANDARD.encode(secret),
        ] {
            let clean = shared.clean(&text);
            assert!(clean.contains(MASK) && !clean.contains("w\"rd"), "{text}: {clean}");
        }
        assert_eq!(shared.clean("abc P4SS W"), "abc P4SS W");
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
