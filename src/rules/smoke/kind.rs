//! What each kind of check refuses, expects and names.

use std::collections::BTreeSet;
use std::fmt;

use regex::Regex;
use serde_json_path::JsonPath;

use super::config::{Http, Kind};
use super::text::{self, INTO_A_VARIABLE, is_secret_name};

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Http(it) if it.method != "GET" => write!(f, "{} {}", it.method, it.url),
            Kind::Http(it) => f.write_str(&it.url),
            Kind::Tcp(it) => write!(f, "tcp {}", it.address),
            Kind::Tls(it) => write!(f, "tls {}", it.address),
            Kind::Dns(it) => write!(f, "dns {}", it.name),
            Kind::Grpc(it) if it.service.is_empty() => write!(f, "grpc {}", it.address),
            Kind::Grpc(it) => write!(f, "grpc {} {}", it.address, it.service),
            Kind::Command(it) => write!(f, "`{}`", it.run),
            Kind::Hurl(it) => write!(f, "hurl {}", it.files.join(" ")),
        }
    }
}

impl Kind {
    /// What is wrong with it, if anything.
    pub(super) fn refused(&self) -> Option<String> {
        match self {
            Kind::Http(it) => it.refused(),
            Kind::Tcp(it) => text::address(&it.address).err(),
            Kind::Tls(it) => text::address(&it.address).err(),
            Kind::Grpc(it) => text::address(&it.address).err(),
            Kind::Dns(it) if it.name.is_empty() => Some("`name` is needed".to_owned()),
            Kind::Command(it) if it.run.trim().is_empty() => Some("`run` is needed".to_owned()),
            Kind::Hurl(it) if it.files.is_empty() => Some("`files` is needed".to_owned()),
            Kind::Dns(_) | Kind::Command(_) | Kind::Hurl(_) => None,
        }
    }

    /// What it expects, in a few words.
    pub fn expects(&self) -> String {
        match self {
            Kind::Http(it) => it.expects(),
            Kind::Tcp(_) => "takes connections".to_owned(),
            Kind::Tls(it) => format!("a certificate for {} more days", it.days),
            Kind::Dns(it) if it.addresses.is_empty() => "resolves".to_owned(),
            Kind::Dns(it) => {
                format!(
                    "resolves to {}",
                    it.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
                )
            }
            Kind::Grpc(_) => "is serving".to_owned(),
            Kind::Command(_) => "ends with 0".to_owned(),
            Kind::Hurl(_) => "passes".to_owned(),
        }
    }

    /// The variables that it names.
    pub fn variables(&self) -> BTreeSet<String> {
        self.templates().into_iter().flat_map(text::names).map(str::to_owned).collect()
    }

    /// The variables that stand where secrets stand: in headers, in the body, in an address as password or parameter.
    pub fn secrets(&self) -> BTreeSet<String> {
        match self {
            Kind::Http(it) => {
                let sent =
                    it.headers.values().map(String::as_str).chain(it.body.as_deref()).flat_map(text::names);
                sent.chain(text::secrets_in_url(&it.url)).map(str::to_owned).collect()
            }
            _ => BTreeSet::new(),
        }
    }

    /// The texts in which `${NAME}` stands for a variable.
    fn templates(&self) -> Vec<&str> {
        match self {
            Kind::Http(it) => [it.url.as_str()]
                .into_iter()
                .chain(it.headers.values().map(String::as_str))
                .chain(it.body.as_deref())
                .collect(),
            _ => Vec::new(),
        }
    }
}

impl Http {
    fn refused(&self) -> Option<String> {
        if self.url.split_once("://").is_none_or(|(scheme, _)| !matches!(scheme, "http" | "https"))
            && !self.url.starts_with("${")
        {
            return Some(format!("`{}` is no address: it begins with http:// or https://", self.url));
        }
        if let Some(wrong) = text::literal_secret_in_url(&self.url) {
            return Some(wrong);
        }
        let literal =
            |(name, value): &(&String, &String)| is_secret_name(name) && text::names(value).is_empty();
        if let Some((name, _)) = self.headers.iter().find(literal) {
            return Some(format!("the header {name} holds a secret: {INTO_A_VARIABLE}"));
        }
        let paths = self.json.keys().chain(self.version.iter().filter_map(|v| v.json.as_ref()));
        for path in paths {
            if let Err(e) = JsonPath::parse(path) {
                return Some(format!("`{path}` is no JSONPath: {}", text::line(&e.to_string())));
            }
        }
        let patterns = self.matches.iter().chain(self.version.iter().filter_map(|v| v.pattern.as_ref()));
        for pattern in patterns {
            if let Err(e) = Regex::new(pattern) {
                return Some(format!("`{pattern}` is no regular expression: {}", text::line(&e.to_string())));
            }
        }
        if let Some(version) = &self.version {
            if version.json.is_some() && version.header.is_some() {
                return Some("`version` is read from `json` or from `header`, not from both".to_owned());
            }
            if version.json.is_none() && version.header.is_none() && version.pattern.is_none() {
                return Some("`version` needs one of `json`, `header`, `pattern`".to_owned());
            }
            if version.times == 0 {
                return Some("`times` is at least 1".to_owned());
            }
        }
        if self.samples == Some(0) {
            return Some("`samples` is at least 1".to_owned());
        }
        let method = !self.method.is_empty() && self.method.bytes().all(|b| b.is_ascii_uppercase());
        (!method).then(|| format!("`{}` is no method: write GET, HEAD, POST, …", self.method))
    }

    fn expects(&self) -> String {
        let mut all = vec![self.status.to_string()];
        if let Some(to) = &self.redirects_to {
            all.push(format!("redirects to {to}"));
        }
        all.extend(self.expect_headers.keys().map(|name| format!("header {name}")));
        all.extend(self.json.iter().map(|(path, value)| format!("{path} = {value}")));
        all.extend(self.contains.iter().map(|text| format!("contains `{}`", text::brief(text))));
        all.extend(self.matches.iter().map(|pattern| format!("matches `{}`", text::brief(pattern))));
        if let Some(version) = &self.version {
            let which =
                version.equals.as_ref().map_or("the version deployed".to_owned(), |v| format!("version {v}"));
            let where_ = if version.every_address { " on every address" } else { "" };
            all.push(format!("{which}, {} in a row{where_}", version.times));
        }
        all.extend(self.p95.map(|most| format!("p95 of {} at most {most}", self.samples())));
        all.join(", ")
    }

    /// How many requests are sent for one answer.
    pub fn samples(&self) -> u16 {
        self.samples.unwrap_or(if self.p95.is_some() { 20 } else { 1 })
    }

    /// How many redirects are followed.
    pub fn redirects(&self) -> u8 {
        match self.redirects {
            Some(most) => most,
            None if self.status.redirects() || self.redirects_to.is_some() => 0,
            None => 10,
        }
    }
}
