//! Checks of proofs: digests, backups, plans for the way back, records, what a command says, how a branch stands.

use jiff::{Span, Timestamp, Zoned};
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::data::Lapse;
use crate::rules::gate::{Answer, Size, age, brief};

/// An artifact that must be the one whose digest was recorded.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ArtifactConfig {
    /// The file, from the top of the repository.
    pub file: String,
    /// The list of digests, as `sha256sum` writes it.
    pub manifest: String,
}

/// What is known of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Artifact {
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// The digests that are recorded for its name.
    pub recorded: Vec<String>,
}

impl ArtifactConfig {
    /// The answer.
    pub fn answer(&self, artifact: &Artifact) -> Answer {
        let recorded = &artifact.recorded;
        let short = |digest: &str| digest.chars().take(12).collect::<String>();
        if recorded.is_empty() {
            return Answer::fail(format!("{} records no digest of {}", self.manifest, self.file))
                .turn("build and record it once, and deploy just that");
        }
        // One that is recorded with two digests is not the recorded one, whichever it is.
        let same = recorded.iter().all(|digest| digest.eq_ignore_ascii_case(&artifact.sha256));
        let why = match same {
            true => format!("{} is the recorded sha256:{}", self.file, short(&artifact.sha256)),
            false => format!(
                "{} is sha256:{}, recorded is {}",
                self.file,
                short(&artifact.sha256),
                recorded.iter().map(|d| short(d)).collect::<Vec<_>>().join(", ")
            ),
        };
        Answer::of(same, why).turn("deploy what was built and recorded, nothing else")
    }
}

/// The digests that a list records for a file: lines of `sha256sum`, text or binary, the name with or without folders
/// (<https://www.gnu.org/software/coreutils/manual/html_node/md5sum-invocation.html>).
pub fn recorded(manifest: &str, file: &str) -> Vec<String> {
    let base = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let lines: Vec<(&str, &str)> = manifest
        .lines()
        .filter_map(|line| {
            let (digest, name) = line.trim_end_matches('\r').split_once(' ')?;
            let name = name.strip_prefix([' ', '*'])?;
            let hex = digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit());
            hex.then_some((digest, name.strip_prefix("./").unwrap_or(name)))
        })
        .collect();
    let of = |same: &dyn Fn(&str) -> bool| -> Vec<String> {
        lines.iter().filter(|(_, name)| same(name)).map(|(digest, _)| (*digest).to_owned()).collect()
    };
    let exact = of(&|name| name == file);
    // A list that stands beside its files has no folders.
    if exact.is_empty() { of(&|name| !name.contains('/') && *name == base(file)) } else { exact }
}

/// The age of the branch, and the code freeze before a release.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct BranchCheckConfig {
    /// How old the branch may be, since its first commit that is not merged: `2d`.
    pub max_age: Option<Lapse>,
    /// Whether the code freeze of `branch.calendar` fails it, but for release and hotfix branches.
    pub freeze: bool,
}

/// How a branch stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Branch {
    /// Its name.
    pub name: String,
    /// When the first of its commits was made that is not merged; none when all are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Timestamp>,
    /// Whether it lives long, as the model has it.
    pub long_lived: bool,
    /// Since when the code is frozen and until which release, while it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen: Option<(Timestamp, Timestamp)>,
    /// Whether a freeze is none for it: a release or hotfix branch.
    pub exempt: bool,
}

impl BranchCheckConfig {
    /// What is wrong with it, if anything.
    pub fn refused(&self) -> Option<String> {
        (self.max_age.is_none() && !self.freeze).then(|| "`max_age` or `freeze: true` is needed".to_owned())
    }

    /// The answer at a time.
    pub fn answer(&self, branch: &Branch, at: &Zoned) -> Answer {
        let name = &branch.name;
        if let Some((since, release)) = branch.frozen.filter(|_| self.freeze && !branch.exempt) {
            return Answer::fail(format!("the code is frozen for {name} until the release of {release}"))
                .since(since)
                .until(release)
                .turn("merge after the release, or bring a fix to the release branch");
        }
        match (self.max_age, branch.first) {
            (Some(limit), Some(first)) if !branch.long_lived => {
                age(&format!("branch {name}"), first, limit.0, at)
                    .turn("merge it, or split it into parts that can be merged")
            }
            _ => Answer::pass(format!("branch {name} is neither too old nor frozen")),
        }
    }
}

/// What a command said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Output {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// What it printed on standard output.
    pub stdout: String,
    /// What it printed on standard error.
    pub stderr: String,
}

impl Output {
    fn said(&self) -> String {
        let text = [&self.stderr, &self.stdout].into_iter().find(|t| !t.trim().is_empty());
        let last = text.and_then(|t| t.trim().lines().last()).unwrap_or_default();
        let code = self.code.map_or("a signal".to_owned(), |c| c.to_string());
        if last.is_empty() {
            format!("it ended with {code}")
        } else {
            format!("it ended with {code}: {}", brief(last))
        }
    }
}

/// A regular expression, in which `^` and `$` stand for the ends of lines.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String")]
#[cfg_attr(test, schemars(with = "String"))]
pub struct Pattern(pub Regex);

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        RegexBuilder::new(&text)
            .multi_line(true)
            .build()
            .map(Pattern)
            .map_err(|e| format!("`{text}` is no regular expression: {e}"))
    }
}

/// A command that says yes or no by how it ends, such as one that verifies a signature. It runs whenever the gate is asked,
/// dry or not, and must only look.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CommandConfig {
    /// The line, given to `sh -c` at the top of the repository.
    pub run: String,
    /// The exit codes that say yes.
    #[serde(default = "zero")]
    pub pass: Vec<i32>,
    /// The exit codes that say no. Every other one is unknown: a command that is broken says nothing.
    #[serde(default = "one")]
    pub fail: Vec<i32>,
    /// What must stand on its standard output besides: a regular expression.
    #[serde(default)]
    pub output: Option<Pattern>,
    /// How long it may take.
    #[serde(default = "minute")]
    pub within: Lapse,
}

fn zero() -> Vec<i32> {
    vec![0]
}

fn one() -> Vec<i32> {
    vec![1]
}

fn minute() -> Lapse {
    Lapse(Span::new().minutes(1))
}

impl CommandConfig {
    /// What is wrong with it, if anything.
    pub fn refused(&self) -> Option<String> {
        let both = self.pass.iter().find(|code| self.fail.contains(code));
        both.map(|code| format!("exit code {code} cannot say both yes and no"))
    }

    /// The answer.
    pub fn answer(&self, output: &Output) -> Answer {
        let line = brief(&self.run);
        let says = |codes: &[i32]| output.code.is_some_and(|code| codes.contains(&code));
        if says(&self.fail) {
            return Answer::fail(format!("`{line}` says no: {}", output.said()))
                .turn(format!("run `{line}` yourself"));
        }
        if !says(&self.pass) {
            return Answer::unknown(format!("`{line}` says neither yes nor no: {}", output.said()))
                .turn(format!("run `{line}` yourself"));
        }
        match &self.output {
            Some(pattern) if !pattern.0.is_match(&output.stdout) => {
                Answer::fail(format!("`{line}` did not print `{}`", brief(pattern.0.as_str())))
                    .turn(format!("run `{line}` yourself"))
            }
            _ => Answer::pass(format!("`{line}` says yes")),
        }
    }
}

/// Migrations that wait to be run, as the migration tool says. The command runs whenever the gate is asked, dry or not, and
/// must only look.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MigrationsConfig {
    /// The tool's command that tells: `npm run migrate:status`, `python manage.py migrate --check`.
    pub run: String,
    /// A regular expression whose first group, on standard output, is the number of pending migrations.
    #[serde(default)]
    pub count: Option<Pattern>,
    /// A regular expression of a line on standard output that stands for one pending migration: `^\s*down\b`.
    #[serde(default)]
    pub each: Option<Pattern>,
    /// The exit codes that mean that some are pending. Without `count` and `each`, 0 means that none is; every other code
    /// is unknown.
    #[serde(default = "one")]
    pub pending: Vec<i32>,
    /// The most that may be pending: a release that brings its own has some.
    #[serde(default)]
    pub at_most: u64,
    /// How long it may take.
    #[serde(default = "minute")]
    pub within: Lapse,
}

impl MigrationsConfig {
    /// What is wrong with it, if anything.
    pub fn refused(&self) -> Option<String> {
        if self.count.is_some() && self.each.is_some() {
            return Some("only one of `count` and `each` may count".to_owned());
        }
        if self.count.as_ref().is_some_and(|p| p.0.captures_len() < 2) {
            return Some("`count` needs a group for the number: `(\\d+) pending`".to_owned());
        }
        let by_code = self.count.is_none() && self.each.is_none();
        if by_code && (self.at_most > 0 || self.pending.contains(&0)) {
            return Some(
                "`at_most` needs `count` or `each`, and without them 0 means that none is pending".to_owned(),
            );
        }
        None
    }

    /// The answer.
    pub fn answer(&self, output: &Output) -> Answer {
        let line = brief(&self.run);
        let unknown =
            |why: String| Answer::unknown(format!("`{line}`: {why}")).turn(format!("run `{line}` yourself"));
        let says_pending = output.code.is_some_and(|code| self.pending.contains(&code));
        if output.code != Some(0) && !says_pending {
            return unknown(output.said());
        }
        let count = match (&self.count, &self.each) {
            (Some(pattern), _) => {
                let found =
                    pattern.0.captures(&output.stdout).and_then(|c| c.get(1)?.as_str().parse::<u64>().ok());
                match found {
                    Some(count) => count,
                    None => return unknown(format!("no number by `{}`", brief(pattern.0.as_str()))),
                }
            }
            (None, Some(pattern)) => {
                output.stdout.lines().filter(|line| pattern.0.is_match(line)).count() as u64
            }
            (None, None) if says_pending => {
                return Answer::fail(format!(
                    "migrations are pending: `{line}` ended with {}",
                    output.code.unwrap_or(1)
                ))
                .turn("run the migrations");
            }
            (None, None) => 0,
        };
        // A tool that says that some are pending, of which none can be seen, is not understood.
        if says_pending && output.code != Some(0) && count == 0 {
            return unknown(format!("it says that some are pending, and shows none: {}", output.said()));
        }
        let words = if count == 1 {
            "1 migration is pending".to_owned()
        } else {
            format!("{count} migrations are pending")
        };
        Answer::of(count <= self.at_most, words).turn("run the migrations")
    }
}

/// A backup that must be there, recent and large enough.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct BackupConfig {
    /// Where backups lie: a path with `*`, such as `/backups/app_*.dump`; the newest counts.
    pub files: Option<String>,
    /// A command that prints the time of the newest backup (RFC 3339) and its size in bytes: `2026-02-08T01:50:00Z 73400320`.
    /// It runs whenever the gate is asked, dry or not, and must only look.
    pub run: Option<String>,
    /// How old it may be: `24h`.
    pub max_age: Option<Lapse>,
    /// How large it must be: `10 MB`.
    pub at_least: Option<Size>,
    /// How long the command may take. Default: one minute.
    pub within: Option<Lapse>,
}

/// A backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Backup {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub at: Timestamp,
    /// Its size.
    pub bytes: u64,
}

impl BackupConfig {
    /// What is wrong with it, if anything.
    pub fn refused(&self) -> Option<String> {
        if self.files.is_some() == self.run.is_some() {
            return Some("either `files` or `run` says where backups are".to_owned());
        }
        self.max_age.is_none().then(|| "`max_age` is needed: how old may the backup be?".to_owned())
    }

    /// The answer at a time; none when there is no backup.
    pub fn answer(&self, backup: Option<&Backup>, at: &Zoned) -> Answer {
        const TURN: &str = "make a backup";
        let Some(backup) = backup else { return Answer::fail("there is no backup").turn(TURN) };
        let least = self.at_least.unwrap_or(Size(1));
        if backup.bytes < least.0 {
            let size = Size(backup.bytes);
            return Answer::fail(format!("backup {} has {size}, {least} are needed", backup.name))
                .since(backup.at)
                .turn(TURN);
        }
        let Some(limit) = self.max_age else { return Answer::unknown("how old may a backup be?") };
        let what = format!("backup {} ({})", backup.name, Size(backup.bytes));
        age(&what, backup.at, limit.0, at).turn(TURN)
    }
}

/// Time and size of a backup in what a command printed: its last line.
pub fn backup(output: &Output) -> Result<Option<Backup>, String> {
    if output.code != Some(0) {
        return Err(output.said());
    }
    let Some(line) = output.stdout.lines().rfind(|l| !l.trim().is_empty()) else { return Ok(None) };
    let bad = || format!("`{}` is no time and size: print `2026-02-08T01:50:00Z 73400320`", brief(line));
    let mut words = line.split_whitespace();
    let at = words.next().and_then(|t| t.parse().ok()).ok_or_else(bad)?;
    let bytes = words.next().and_then(|n| n.parse().ok()).ok_or_else(bad)?;
    let name = words.collect::<Vec<_>>().join(" ");
    Ok(Some(Backup { name: if name.is_empty() { format!("of {at}") } else { name }, at, bytes }))
}

/// A plan for the way back that must be written.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RollbackPlanConfig {
    /// The file, from the top of the repository.
    pub file: String,
    /// Texts that must stand in it, such as the name of a section: `Database`.
    #[serde(default)]
    pub mentions: Vec<String>,
}

impl RollbackPlanConfig {
    /// The answer for the file's text; none when it is not there.
    pub fn answer(&self, text: Option<&str>) -> Answer {
        let turn = format!("write {}: how this release is taken back", self.file);
        let Some(text) = text else { return Answer::fail(format!("{} is not there", self.file)).turn(turn) };
        // Headings and comments alone are an empty form.
        let mut comment = false;
        let says = text.lines().map(str::trim).any(|line| {
            let was = comment;
            comment = (comment || line.starts_with("<!--")) && !line.contains("-->");
            !was && !line.is_empty() && !line.starts_with('#') && !line.starts_with("<!--")
        });
        if !says {
            return Answer::fail(format!("{} says nothing", self.file)).turn(turn);
        }
        let lower = text.to_lowercase();
        let missing: Vec<&str> =
            self.mentions.iter().filter(|m| !lower.contains(&m.to_lowercase())).map(String::as_str).collect();
        if !missing.is_empty() {
            return Answer::fail(format!("{} does not mention {}", self.file, missing.join(", "))).turn(turn);
        }
        Answer::pass(format!("{} is there", self.file))
    }
}

/// The record that the person on call was told.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OnCallConfig {
    /// The record, from the top of the repository: JSON with `at` (RFC 3339) and `who`, as the notification left it.
    pub file: String,
    /// How long ago they may have been told.
    #[serde(default = "day")]
    pub max_age: Lapse,
}

fn day() -> Lapse {
    Lapse(Span::new().hours(24))
}

impl OnCallConfig {
    /// The answer at a time for the record's text; none when it is not there.
    pub fn answer(&self, text: Option<&str>, at: &Zoned) -> Answer {
        const TURN: &str = "notify the person on call, and record it";
        let Some(text) = text else {
            return Answer::fail(format!("{} is not there: nobody was told", self.file)).turn(TURN);
        };
        let unknown = |why: &str| Answer::unknown(format!("{} {why}", self.file)).turn(TURN);
        let Ok(record) = serde_json::from_str::<Value>(text) else { return unknown("is no JSON") };
        let Some(told) = record["at"].as_str().and_then(|t| t.parse::<Timestamp>().ok()) else {
            return unknown("does not say when: `at` is no time");
        };
        let Some(who) = record["who"].as_str().filter(|w| !w.trim().is_empty()) else {
            return unknown("does not say who was told");
        };
        let mut answer =
            age(&format!("the notification of {}", brief(who)), told, self.max_age.0, at).turn(TURN);
        answer.people = vec![who.to_owned()];
        answer
    }
}
