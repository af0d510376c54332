//! `smoke:` of the configuration: what must answer after a deployment, for each environment.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::status::Statuses;
use crate::data::Period;

/// How long all checks of an environment may take together, unless it says otherwise.
pub const WITHIN: Period = Period::secs(60);
/// How many checks look at the same time, at most.
pub const AT_ONCE: usize = 64;

/// The checks of one environment, all of which must pass: a list, or a map with `checks` and the deadline.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(with = "SmokeSchema"))]
pub struct Smoke {
    /// How long all checks may take together, with everything that is tried again.
    pub within: Period,
    /// The checks.
    pub checks: Vec<Check>,
}

/// The two ways to write an environment's checks.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "it is there for the schema")]
enum SmokeSchema {
    /// The checks.
    List(Vec<Entry>),
    /// The checks and their deadline.
    Map(LongSmoke),
}

/// Checks, with how long and how often they are tried.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct LongSmoke {
    /// How long all checks may take together, with everything that is tried again: `60s`, `5m`.
    #[serde(default = "within")]
    within: Period,
    /// The checks. All must pass.
    #[cfg_attr(test, schemars(with = "Vec<Entry>"))]
    checks: Vec<Check>,
}

fn within() -> Period {
    WITHIN
}

impl<'de> Deserialize<'de> for Smoke {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListOrMap;
        impl<'de> Visitor<'de> for ListOrMap {
            type Value = Smoke;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of checks, or a map with `checks` and `within`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Smoke, A::Error> {
                let mut checks = Vec::new();
                while let Some(check) = list.next_element()? {
                    checks.push(check);
                }
                Smoke::new(WITHIN, checks).map_err(serde::de::Error::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Smoke, A::Error> {
                let long = LongSmoke::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Smoke::new(long.within, long.checks).map_err(serde::de::Error::custom)
            }
        }
        deserializer.deserialize_any(ListOrMap)
    }
}

impl Smoke {
    /// Checks with a deadline; those without a name of their own are named apart.
    pub fn new(within: Period, mut checks: Vec<Check>) -> Result<Self, String> {
        let mut taken = BTreeSet::new();
        let mut alike: BTreeMap<String, u32> = BTreeMap::new();
        for check in &mut checks {
            let base = check.shown();
            if check.name.is_some() && taken.contains(&base) {
                return Err(format!("two checks are named `{base}`"));
            }
            while !taken.insert(check.shown()) {
                let number = alike.entry(base.clone()).or_insert(1);
                *number += 1;
                check.name = Some(format!("{base} ({number})"));
            }
        }
        Ok(Smoke { within, checks })
    }
}

/// One check: what it looks at, and perhaps a name.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "Entry", into = "Entry")]
pub struct Check {
    /// The name, where one was given.
    pub name: Option<String>,
    /// What it looks at.
    pub kind: Kind,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.kind.to_string();
        match &self.name {
            Some(name) if *name != what => write!(f, "{name}: {what}: {}", self.kind.expects()),
            _ => write!(f, "{what}: {}", self.kind.expects()),
        }
    }
}

impl Check {
    /// Its name for people and reports.
    pub fn shown(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.kind.to_string())
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $key:ident $text:literal $variant:ident($config:ty),)*) => {
        /// What a check looks at.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(clippy::large_enum_variant, reason = "there are few")]
        pub enum Kind {
            $($(#[$doc])* $variant($config),)*
        }

        /// One check: exactly one of the kinds, and perhaps a name.
        #[derive(Deserialize, Serialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        struct Entry {
            /// The name in reports. Default: what it looks at.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            name: Option<String>,
            $($(#[$doc])* #[serde(default, skip_serializing_if = "Option::is_none")] $key: Option<$config>,)*
        }

        impl Kind {
            /// The name of the kind, as in the configuration.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Kind::$variant(_) => $text,)*
                }
            }
        }

        impl From<Check> for Entry {
            fn from(check: Check) -> Entry {
                let mut entry = Entry { name: check.name, $($key: None,)* };
                match check.kind {
                    $(Kind::$variant(it) => entry.$key = Some(it),)*
                }
                entry
            }
        }

        impl TryFrom<Entry> for Check {
            type Error = String;

            fn try_from(entry: Entry) -> Result<Self, String> {
                let name = entry.name;
                let mut kinds: Vec<Kind> = [$(entry.$key.map(Kind::$variant),)*].into_iter().flatten().collect();
                let kind = match (kinds.pop(), kinds.pop()) {
                    (Some(kind), None) => kind,
                    (None, _) => return Err(format!("a check needs one of {}", [$($text,)*].join(", "))),
                    (Some(two), Some(one)) => {
                        return Err(format!(
                            "`{}` and `{}` are two checks: write each as an entry of its own",
                            one.name(),
                            two.name()
                        ));
                    }
                };
                if let Some(wrong) = kind.refused() {
                    return Err(format!("{}: {wrong}", kind.name()));
                }
                Ok(Check { name, kind })
            }
        }
    };
}

kinds! {
    /// An address that must answer over HTTP as expected.
    http "http" Http(Http),
    /// A port that must take connections.
    tcp "tcp" Tcp(Tcp),
    /// A certificate that must be trusted and last for some days.
    tls "tls" Tls(Tls),
    /// A name that must resolve.
    dns "dns" Dns(Dns),
    /// A service that must say it is serving, by gRPC's health protocol.
    grpc "grpc" Grpc(Grpc),
    /// A command that must end with 0. It must only look.
    command "command" Command(Command),
    /// Files for the program hurl, which must be installed.
    hurl "hurl" Hurl(Hurl),
}

/// An address that must answer over HTTP as expected.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// The address. In it, in `headers` and in `body`, `${NAME}` stands for a variable of the environment. Where secrets
    /// stand (headers, body, passwords) they must be written so, and appear in no output.
    pub url: String,
    /// The method. Default: GET.
    #[serde(default = "get", skip_serializing_if = "is_get")]
    pub method: String,
    /// Headers to send.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body to send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The status that is expected: `200`, `2xx`, `200-204`, or a list of such. Default: 2xx.
    #[serde(default)]
    pub status: Statuses,
    /// Headers that the answer must have, with a text that each must contain.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub expect_headers: BTreeMap<String, String>,
    /// Values that the answer must have, by JSONPath (<https://www.rfc-editor.org/rfc/rfc9535>): `{"$.status": ok}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub json: BTreeMap<String, Value>,
    /// A text that the answer must contain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// A regular expression that must match somewhere in the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matches: Option<String>,
    /// How many redirects are followed. Default: 10, but none where a status of 3xx is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirects: Option<u8>,
    /// Where it must redirect to, as the `Location` header says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirects_to: Option<String>,
    /// How many requests are sent for one answer, all of which must be as expected. Default: 1, with `p95` 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u16>,
    /// The longest that 95 of 100 samples may take, up to the last byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95: Option<Period>,
    /// The version that must answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// The addresses (`10.0.0.7`, `::1`) to ask, instead of those that the name resolves to. Each is asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// The longest that one request may take. Default: 10 s.
    #[serde(default = "ten_seconds", skip_serializing_if = "is_ten_seconds")]
    pub timeout: Period,
}

fn get() -> String {
    "GET".to_owned()
}

fn is_get(method: &str) -> bool {
    method == "GET"
}

fn ten_seconds() -> Period {
    Period::secs(10)
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_ten_seconds(period: &Period) -> bool {
    *period == ten_seconds()
}

/// Where an answer says its version, and which it must be.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// In the body, at this JSONPath.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<String>,
    /// In this header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Where this regular expression matches in the body, header or value: its first group, or all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The version. Default: that of `--deployed`, otherwise of the variable `VERSION`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<String>,
    /// How many answers in a row must have it. Default: 3.
    #[serde(default = "three")]
    pub times: u16,
    /// Whether every address that the name resolves to must have it. Default: yes.
    #[serde(default = "yes")]
    pub every_address: bool,
}

fn three() -> u16 {
    3
}

fn yes() -> bool {
    true
}

/// A port that must take connections.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Tcp {
    /// `host:port`.
    pub address: String,
    /// The longest that a connection may take. Default: 10 s.
    #[serde(default = "ten_seconds", skip_serializing_if = "is_ten_seconds")]
    pub timeout: Period,
}

/// A certificate that must be trusted and last for some days.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// `host:port`.
    pub address: String,
    /// The name that the certificate must be for. Default: the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// How many days every certificate of the chain must still last. Default: 14.
    #[serde(default = "fortnight")]
    pub days: u32,
    /// Whether the chain must be trusted by this machine. Default: yes.
    #[serde(default = "yes")]
    pub trusted: bool,
    /// The longest that it may take. Default: 10 s.
    #[serde(default = "ten_seconds", skip_serializing_if = "is_ten_seconds")]
    pub timeout: Period,
}

fn fortnight() -> u32 {
    14
}

/// A name that must resolve, by the system's resolver.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Dns {
    /// The name.
    pub name: String,
    /// The addresses that it must resolve to, these and no other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<core::net::IpAddr>,
    /// How many addresses there must be at least. Default: 1.
    #[serde(default = "one")]
    pub at_least: u16,
    /// The longest that it may take. Default: 10 s.
    #[serde(default = "ten_seconds", skip_serializing_if = "is_ten_seconds")]
    pub timeout: Period,
}

fn one() -> u16 {
    1
}

/// A service that must say it is serving
/// (<https://github.com/grpc/grpc/blob/master/doc/health-checking.md>).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Grpc {
    /// `host:port`.
    pub address: String,
    /// The service. Default: the server as a whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// Whether the connection is made with TLS. Default: no.
    #[serde(default)]
    pub tls: bool,
    /// The longest that it may take. Default: 10 s.
    #[serde(default = "ten_seconds", skip_serializing_if = "is_ten_seconds")]
    pub timeout: Period,
}

/// A command that must end with 0. It must only look.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// The line, for `sh -c` at the top of the repository.
    pub run: String,
    /// A text that its standard output must contain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// The longest that it may take. Default: until the deadline of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Period>,
}

/// Files for the program hurl (<https://hurl.dev>), which must be installed. Its variables are those of the environment whose
/// names begin with `HURL_VARIABLE_`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Hurl {
    /// The files and globs, from the top of the repository.
    pub files: Vec<String>,
    /// The longest that it may take. Default: until the deadline of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Period>,
}
