//! Readers of reports. Give the bytes as they come to a [`Reader`]; it finds out what it is.
//!
//! Lenient about what does not matter, strict about what does: a field of another type, a word that is not known, a
//! field too many never stop a reader; a report that is empty, breaks off, or says that nothing was scanned is never
//! taken for one without findings.

mod cargo_audit;
mod gitlab;
mod grype;
mod lax;
mod npm_audit;
mod osv;
mod own;
mod place;
mod purl;
mod python;
mod sarif;
mod secrets;
mod semgrep;
mod sniff;
mod snyk;
mod split;
mod text;
mod trivy;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Finding, Kind, Place, Report, Severity};
use crate::rules::text::{Newlines, inert};
use split::{Fault, Splitter, Taker};

/// What a report is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/>).
    Sarif,
    /// `trivy --format json` (<https://trivy.dev/latest/docs/configuration/reporting/>).
    Trivy,
    /// `grype -o json` (<https://github.com/anchore/grype/tree/main/schema/grype/json>).
    Grype,
    /// `gitleaks --report-format json` (<https://github.com/gitleaks/gitleaks>).
    Gitleaks,
    /// `trufflehog --json` (<https://github.com/trufflesecurity/trufflehog>).
    Trufflehog,
    /// `npm audit --json`, of npm 6 and of npm 7 and newer (<https://docs.npmjs.com/cli/commands/npm-audit>).
    NpmAudit,
    /// `cargo audit --json` (<https://github.com/rustsec/rustsec/tree/main/cargo-audit>).
    CargoAudit,
    /// `osv-scanner --format json` (<https://google.github.io/osv-scanner/output/>).
    Osv,
    /// `snyk test --json` (<https://docs.snyk.io/developer-tools/snyk-cli/commands/test>).
    Snyk,
    /// `bandit -f json` (<https://bandit.readthedocs.io/en/latest/formatters/json.html>).
    Bandit,
    /// `pip-audit -f json` (<https://github.com/pypa/pip-audit>).
    PipAudit,
    /// `semgrep --json` (<https://semgrep.dev/docs/semgrep-appsec-platform/json-and-sarif>).
    Semgrep,
    /// GitLab's security reports
    /// (<https://gitlab.com/gitlab-org/security-products/security-report-schemas>).
    Gitlab,
    /// The result of an earlier `release-steps scan`.
    ReleaseSteps,
    /// JUnit XML as test runners write it (<https://github.com/testmoapp/junitxml>).
    Junit,
    /// Cobertura XML (<https://github.com/cobertura/web/blob/master/htdocs/xml/coverage-04.dtd>).
    Cobertura,
    /// lcov's tracefile (<https://manpages.debian.org/unstable/lcov/geninfo.1.en.html#TRACEFILE_FORMAT>).
    Lcov,
}

impl Format {
    /// The name of who writes it, where the report itself does not say.
    pub fn writer(self) -> &'static str {
        match self {
            Format::Sarif => "SARIF",
            Format::Trivy => "Trivy",
            Format::Grype => "Grype",
            Format::Gitleaks => "Gitleaks",
            Format::Trufflehog => "TruffleHog",
            Format::NpmAudit => "npm audit",
            Format::CargoAudit => "cargo audit",
            Format::Osv => "OSV-Scanner",
            Format::Snyk => "Snyk",
            Format::Bandit => "Bandit",
            Format::PipAudit => "pip-audit",
            Format::Semgrep => "Semgrep",
            Format::Gitlab => "GitLab",
            Format::ReleaseSteps => "release-steps",
            Format::Junit => "JUnit",
            Format::Cobertura => "Cobertura",
            Format::Lcov => "lcov",
        }
    }
}

/// Why a report says nothing that could be relied on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// There is nothing in it.
    Empty,
    /// It is not whole, or not what it should be.
    Broken(String),
    /// The scanner looked at nothing.
    NothingScanned(String),
    /// The scanner says itself that it failed.
    ScannerFailed(String),
    /// Nothing tells what it is.
    Unrecognised(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Empty => f.write_str("the report is empty"),
            Trouble::Broken(why) => write!(f, "the report is broken: {why}"),
            Trouble::NothingScanned(why) => write!(f, "the scanner scanned nothing: {why}"),
            Trouble::ScannerFailed(why) => write!(f, "the scanner failed: {why}"),
            Trouble::Unrecognised(why) => write!(f, "the report's format is not known: {why}"),
        }
    }
}

impl Trouble {
    /// What would turn it.
    pub fn hint(&self) -> &'static str {
        match self {
            Trouble::Empty | Trouble::Broken(_) => {
                "look at the scanner's own exit code and messages, and run it again"
            }
            Trouble::NothingScanned(_) => "point the scanner at what is to be scanned",
            Trouble::ScannerFailed(_) => "run the scanner again; its report is not about the code",
            Trouble::Unrecognised(_) => "name the format, such as `gitleaks=FILE`",
        }
    }
}

/// A reader of one format's JSON.
trait Shape: Taker {
    /// What was read.
    fn finish(&mut self) -> Result<Report, Trouble>;
}

/// How much of a report is looked at to tell what it is.
const HEAD: usize = 1 << 20;
/// The largest XML or text report, which are read whole.
const LARGEST_WHOLE: usize = 256 << 20;

enum Doing<'a> {
    /// Not yet known what it is.
    Sniffing,
    Json(Format, Box<Splitter>, Box<dyn Shape + 'a>),
    Whole(Format),
}

/// Reads one report, piece by piece.
pub struct Reader<'a> {
    root: &'a str,
    format: Option<Format>,
    bytes: Vec<u8>,
    doing: Doing<'a>,
    fault: Option<Trouble>,
}

impl<'a> Reader<'a> {
    /// For a report whose format is known, or to be found out. `root` is the folder that absolute paths in it are
    /// shortened by.
    pub fn new(format: Option<Format>, root: &'a str) -> Self {
        Reader { root, format, bytes: Vec::new(), doing: Doing::Sniffing, fault: None }
    }

    /// Takes the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        if self.fault.is_none()
            && let Err(trouble) = self.take(piece)
        {
            self.fault = Some(trouble);
        }
    }

    fn take(&mut self, piece: &[u8]) -> Result<(), Trouble> {
        match &mut self.doing {
            Doing::Sniffing => {
                if self.bytes.is_empty() && piece.len() >= HEAD {
                    return self.begin(piece);
                }
                self.bytes.extend_from_slice(piece);
                if self.bytes.len() >= HEAD {
                    let head = std::mem::take(&mut self.bytes);
                    self.begin(&head)?;
                }
                Ok(())
            }
            Doing::Json(_, splitter, shape) => splitter.push(piece, shape.as_mut()).map_err(broken),
            Doing::Whole(_) => {
                if self.bytes.len() + piece.len() > LARGEST_WHOLE {
                    return Err(Trouble::Broken("it is larger than 256 MiB".to_owned()));
                }
                self.bytes.extend_from_slice(piece);
                Ok(())
            }
        }
    }

    fn begin(&mut self, head: &[u8]) -> Result<(), Trouble> {
        // PowerShell's `>` writes a byte order mark.
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
            return Err(Trouble::Broken(
                "it is UTF-16, as PowerShell's `>` writes it; reports are UTF-8".to_owned(),
            ));
        }
        if head.iter().all(u8::is_ascii_whitespace) {
            return Err(Trouble::Empty);
        }
        let format = match self.format {
            Some(format) => format,
            None => sniff::sniff(head).map_err(Trouble::Unrecognised)?,
        };
        let root = self.root;
        let shape: Box<dyn Shape + 'a> = match format {
            Format::Sarif => Box::new(sarif::Sarif::new(root)),
            Format::Trivy => Box::new(trivy::Trivy::new(root)),
            Format::Grype => Box::new(grype::Grype::new(root)),
            Format::Gitleaks => Box::new(secrets::Gitleaks::new(root)),
            Format::Trufflehog => Box::new(secrets::Trufflehog::new(root)),
            Format::NpmAudit => Box::new(npm_audit::NpmAudit::default()),
            Format::CargoAudit => Box::new(cargo_audit::CargoAudit::default()),
            Format::Osv => Box::new(osv::Osv::new(root)),
            Format::Snyk => Box::new(snyk::Snyk::new(root)),
            Format::Bandit => Box::new(python::Bandit::new(root)),
            Format::PipAudit => Box::new(python::PipAudit::default()),
            Format::Semgrep => Box::new(semgrep::Semgrep::new(root)),
            Format::Gitlab => Box::new(gitlab::Gitlab::new(root)),
            Format::ReleaseSteps => Box::new(own::Own::default()),
            Format::Junit | Format::Cobertura | Format::Lcov => {
                self.doing = Doing::Whole(format);
                return self.take(head);
            }
        };
        let many = format == Format::Trufflehog;
        self.doing = Doing::Json(format, Box::new(Splitter::new(many)), shape);
        self.take(head)
    }

    /// The report has ended: what it says, and what it was written in.
    pub fn finish(mut self) -> Result<(Format, Report), Trouble> {
        if let Some(trouble) = self.fault {
            return Err(trouble);
        }
        if matches!(self.doing, Doing::Sniffing) {
            let head = std::mem::take(&mut self.bytes);
            self.begin(&head)?;
        }
        let (format, mut report) = match self.doing {
            Doing::Sniffing => return Err(Trouble::Empty),
            Doing::Json(format, splitter, mut shape) => {
                splitter.finish(shape.as_mut()).map_err(broken)?;
                (format, shape.finish()?)
            }
            Doing::Whole(format) => {
                let report = match format {
                    Format::Junit => text::junit(&self.bytes)?,
                    Format::Cobertura => text::cobertura(&self.bytes)?,
                    _ => text::lcov(&self.bytes)?,
                };
                (format, report)
            }
        };
        if report.scanners.is_empty() {
            report.scanners.push(Arc::from(format.writer()));
        }
        Ok((format, report))
    }
}

fn broken(fault: Fault) -> Trouble {
    Trouble::Broken(fault.0)
}

/// Parses a value that was cut out.
fn parse<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, Fault> {
    serde_json::from_slice(json).map_err(|e| {
        let mut start = String::from_utf8_lossy(&json[..json.len().min(60)]).into_owned();
        if json.len() > 60 {
            start.push('…');
        }
        let message = e.to_string();
        let what = message.split(" at line ").next().unwrap_or_default();
        Fault(inert(&format!("{what} in the entry {start}"), Newlines::Flatten).into_owned())
    })
}

/// Parses an object that was cut out; a value of another type is an empty one.
fn object<'de, T: Deserialize<'de> + Default>(json: &'de [u8]) -> Result<T, Fault> {
    parse::<lax::Obj<T>>(json).map(|o| o.0)
}

/// The longest title that is kept, in characters.
const TITLE: usize = 300;

/// A title: the first line, without what does harm on a terminal.
fn title(text: &str) -> Box<str> {
    let line = text.trim().lines().next().unwrap_or_default().trim();
    // Bandit (B105 to B107) quotes the password that it found, in whatever report it is passed on.
    const QUOTES: &str = "ossible hardcoded password";
    let line = match line.find(QUOTES) {
        Some(at) => &line[..at + QUOTES.len()],
        None => line,
    };
    let line = inert(line, Newlines::Flatten);
    match line.char_indices().nth(TITLE) {
        Some((end, _)) => format!("{}…", &line[..end]).into(),
        None => line.into(),
    }
}

/// The longest name of a rule or an advisory that is kept.
const NAME: usize = 200;

/// A name: one line, without what does harm, not endless.
fn name(text: &str) -> Box<str> {
    let line = inert(text.trim(), Newlines::Flatten);
    match line.char_indices().nth(NAME) {
        Some((end, _)) => line[..end].into(),
        None => line.into(),
    }
}

/// Whether a text is the name of an advisory rather than of a rule.
fn is_advisory(id: &str) -> bool {
    const KNOWN: [&str; 16] = [
        "CVE-", "GHSA-", "RUSTSEC-", "PYSEC-", "GO-", "OSV-", "DSA-", "DLA-", "USN-", "RHSA-", "ALSA-",
        "ELSA-", "SNYK-", "MAL-", "GMS-", "ALAS",
    ];
    KNOWN.iter().any(|prefix| id.starts_with(prefix))
}

/// Whether an advisory is one of a vendor for an update, which mends several vulnerabilities at once: no other name for any
/// of them. Two of them are not one weakness because one update mends both.
fn is_bundle(id: &str) -> bool {
    const KNOWN: [&str; 16] = [
        "RHSA-",
        "RHBA-",
        "RHEA-",
        "DSA-",
        "DLA-",
        "USN-",
        "ALSA-",
        "ELSA-",
        "RLSA-",
        "RXSA-",
        "ALAS",
        "GLSA-",
        "SUSE-",
        "openSUSE-",
        "FEDORA-",
        "MGASA-",
    ];
    KNOWN.iter().any(|prefix| id.starts_with(prefix))
}

/// The number in `CWE-79: Cross-site Scripting`.
fn cwe(text: &str) -> Option<u32> {
    let lower = text.trim().to_ascii_lowercase();
    let rest = lower.split("cwe-").nth(1)?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|n| *n > 0)
}

/// The severity: by CVSS where there is a score, otherwise by the scanner's word.
fn severity(score: Option<f64>, word: &str) -> Severity {
    match score.map(Severity::of_score) {
        Some(severity) if severity != Severity::Unknown => severity,
        _ => Severity::of_word(word),
    }
}

/// What readers fill in; the rest of a finding follows.
#[derive(Default)]
struct Draft<'t> {
    ids: Vec<Box<str>>,
    cwes: Vec<u32>,
    purl: Option<(Box<str>, Option<Box<str>>)>,
    fixed: Vec<Box<str>>,
    place: Option<Place>,
    score: Option<f64>,
    word: &'t str,
    kev: bool,
    epss: Option<f64>,
    title: &'t str,
    line_hash: Option<Box<str>>,
}

impl Draft<'_> {
    /// A finding; none without a name.
    fn finding(self, kind: Kind, scanner: &Arc<str>) -> Option<Finding> {
        let mut ids: Vec<Box<str>> = self.ids.into_iter().filter(|id| !id.is_empty()).collect();
        if ids.iter().any(|id| !is_bundle(id)) {
            ids.retain(|id| !is_bundle(id));
        }
        ids.sort_unstable();
        ids.dedup();
        let first = ids.first()?;
        let title = match title(self.title) {
            empty if empty.is_empty() => first.clone(),
            title => title,
        };
        let (package, version) = self.purl.unzip();
        let mut cwes = self.cwes;
        cwes.sort_unstable();
        cwes.dedup();
        let mut fixed: Vec<Box<str>> = self.fixed.into_iter().filter(|f| !f.is_empty()).collect();
        fixed.sort_unstable();
        fixed.dedup();
        #[allow(clippy::cast_possible_truncation, reason = "scores have one decimal")]
        Some(Finding {
            kind,
            ids,
            cwes,
            package,
            versions: version.flatten().into_iter().collect(),
            fixed,
            places: self.place.into_iter().collect(),
            severity: severity(self.score, self.word),
            score: self.score.filter(|s| (0.0..=10.0).contains(s)).map(|s| s as f32),
            kev: self.kev,
            epss: self.epss.filter(|e| (0.0..=1.0).contains(e)).map(|e| e as f32),
            title,
            scanners: vec![scanner.clone()],
            line_hash: self.line_hash,
        })
    }
}

/// Names of scanners, each kept once.
#[derive(Debug, Default)]
struct Scanners(BTreeSet<Arc<str>>);

impl Scanners {
    fn get(&mut self, scanner: &str) -> Arc<str> {
        // One tool, one name, in whatever report it stands.
        const KNOWN: [(&str, &str); 6] = [
            ("gitleaks", "Gitleaks"),
            ("grype", "Grype"),
            ("osv-scanner", "OSV-Scanner"),
            ("semgrep oss", "Semgrep"),
            ("trivy", "Trivy"),
            ("trufflehog", "TruffleHog"),
        ];
        let known = KNOWN.iter().find(|(other, _)| other.eq_ignore_ascii_case(scanner.trim()));
        let scanner = name(known.map_or(scanner, |(_, one)| one));
        match self.0.get(&*scanner) {
            Some(known) => known.clone(),
            None => {
                let new: Arc<str> = Arc::from(scanner);
                self.0.insert(new.clone());
                new
            }
        }
    }
}

/// Declares what is read of a JSON object: borrowed fields, then after `;` those that borrow nothing.
macro_rules! shape {
    ($($(#[$outer:meta])* $name:ident { $($(#[$b:meta])* $borrowed:ident: $bt:ty),* ; $($(#[$p:meta])* $plain:ident: $pt:ty),* })*) => {$(
        #[derive(Debug, Default, serde::Deserialize)]
        #[serde(default)]
        $(#[$outer])*
        struct $name<'a> {
            $($(#[$b])* #[serde(borrow)] $borrowed: $bt,)*
            $($(#[$p])* $plain: $pt,)*
            #[serde(skip)]
            _a: std::marker::PhantomData<&'a ()>,
        }
    )*};
}
use shape;
