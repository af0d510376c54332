//! `smoke:` of the configuration: what must answer after a deployment, for each environment.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use regex::Regex;
use schemars::JsonSchema;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json_path::JsonPath;

use super::text::{self, is_secret_name};
use crate::data::Period;

/// How long all checks of an environment may take together, unless it says otherwise.
pub const WITHIN: Period = Period::secs(60);
/// How many checks look at the same time, at most.
pub const AT_ONCE: usize = 64;

/// The checks of one environment, all of which must pass: a list, or a map with `checks` and the deadline.
#[derive(Debug, Clone, PartialEq, JsonSchema)]
#[schemars(with = "SmokeSchema")]
pub struct Smoke {
    /// How long all checks may take together, with everything that is tried again.
    pub within: Period,
    /// The checks.
    pub checks: Vec<Check>,
}

/// The two ways to write an environment's checks.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "it is there for the schema")]
enum SmokeSchema {
    /// The checks.
    List(Vec<Entry>),
    /// The checks and their deadline.
    Map(LongSmoke),
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LongSmoke {
    /// How long all checks may take together, with everything that is tried again: `60s`, `5m`.
    #[serde(default = "within")]
    within: Period,
    /// The checks. All must pass.
    #[schemars(with = "Vec<Entry>")]
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
        for check in &mut checks {
            let own = check.name.is_some();
            let base = check.shown();
            if own && taken.contains(&base) {
                return Err(format!("two checks are named `{base}`"));
            }
            let mut number = 1;
            while !taken.insert(check.shown()) {
                number += 1;
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
        #[derive(Deserialize, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tcp {
    /// `host:port`.
    pub address: String,
    /// The longest that a connection may take. Default: 10 s.
    #[serde(default = "ten_seconds", skip_serializing_if = "is_ten_seconds")]
    pub timeout: Period,
}

/// A certificate that must be trusted and last for some days.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
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

/// Files for the program hurl (<https://hurl.dev>), which must be installed.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hurl {
    /// The files and globs, from the top of the repository.
    pub files: Vec<String>,
    /// The longest that it may take. Default: until the deadline of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Period>,
}

/// Statuses that are expected.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "Value", into = "Value")]
#[schemars(with = "Value")]
pub struct Statuses(Vec<(u16, u16)>);

impl Default for Statuses {
    fn default() -> Self {
        Statuses(vec![(200, 299)])
    }
}

impl std::str::FromStr for Statuses {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',').map(range).collect::<Result<_, _>>().map(Statuses)
    }
}

fn range(text: &str) -> Result<(u16, u16), String> {
    let text = text.trim();
    let wrong = || format!("`{text}` is no status: write 200, 2xx or 200-204");
    let number = |text: &str| text.trim().parse::<u16>().ok().filter(|n| (100..=599).contains(n));
    let (from, to) = if let Some(hundred) = text.strip_suffix("xx") {
        let hundred = hundred.parse::<u16>().ok().filter(|n| (1..=5).contains(n)).ok_or_else(wrong)?;
        (hundred * 100, hundred * 100 + 99)
    } else if let Some((from, to)) = text.split_once('-') {
        (number(from).ok_or_else(wrong)?, number(to).ok_or_else(wrong)?)
    } else {
        let one = number(text).ok_or_else(wrong)?;
        (one, one)
    };
    if from <= to { Ok((from, to)) } else { Err(wrong()) }
}

impl TryFrom<Value> for Statuses {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let one = |value: &Value| match value {
            Value::Number(number) => range(&number.to_string()),
            Value::String(text) => range(text),
            other => Err(format!("`{other}` is no status: write 200, 2xx or 200-204")),
        };
        match &value {
            Value::Array(list) if !list.is_empty() => list.iter().map(one).collect::<Result<_, _>>(),
            other => one(other).map(|range| vec![range]),
        }
        .map(Statuses)
    }
}

impl From<Statuses> for Value {
    fn from(statuses: Statuses) -> Value {
        statuses.to_string().split(", ").map(|part| Value::String(part.to_owned())).collect()
    }
}

impl Statuses {
    /// Whether a status is among them.
    pub fn has(&self, status: u16) -> bool {
        self.0.iter().any(|(from, to)| (*from..=*to).contains(&status))
    }

    /// Whether a redirect is what is expected.
    pub fn redirects(&self) -> bool {
        self.0.iter().all(|(from, to)| *from >= 300 && *to < 400)
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (from, to)) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            match (from, to) {
                (from, to) if from == to => write!(f, "{from}")?,
                (from, to) if from % 100 == 0 && *to == from + 99 => write!(f, "{}xx", from / 100)?,
                (from, to) => write!(f, "{from}-{to}")?,
            }
        }
        Ok(())
    }
}

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
    fn refused(&self) -> Option<String> {
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
            return Some(format!(
                "the header {name} holds a secret: put it into a variable and write `${{VARIABLE}}`"
            ));
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
