//! Required checks on the exact commit: what CI says of it.
//!
//! An absent check is waited for, since a check that is not there yet looks just like one that never runs; a skipped one
//! is no verdict unless it may be skipped, although GitHub counts it as success
//! (<https://docs.github.com/pull-requests/collaborating-with-pull-requests/collaborating-on-repositories-with-code-quality-features/about-status-checks>).

use globset::{GlobBuilder, GlobMatcher};
use jiff::{SignedDuration, Span, Timestamp, Zoned};
use serde::{Deserialize, Serialize};

use crate::data::{CommitId, Lapse};
use crate::rules::gate::{Answer, Verdict, lapse, poll};

/// Checks that must be green on the very commit.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RunsConfig {
    /// Their names, as the forge shows them; `*` stands for any text, but not alone: the job of the gate itself is a check
    /// too.
    pub require: Vec<String>,
    /// Those that may be skipped, or end as neutral.
    #[serde(default)]
    pub allow_skipped: Vec<String>,
    /// How long a check that is not there is waited for, from the first sign of the commit: until then the answer is
    /// unknown, afterwards it is fail.
    #[serde(default = "ten_minutes")]
    pub discover_for: Lapse,
    /// How long checks that run still, or are not there yet, are looked at again before the gate ends as pending: `2m`; up
    /// to an hour, and `0s` for not at all.
    #[serde(default = "short")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub poll: SignedDuration,
}

fn short() -> SignedDuration {
    poll::SHORT
}

fn ten_minutes() -> Lapse {
    Lapse(Span::new().minutes(10))
}

/// How a check ended, or that it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// It is queued, runs, or waits for a person.
    Pending,
    /// It is green.
    Success,
    /// It was skipped, or says neither yes nor no.
    Skipped,
    /// It is red: failed, cancelled, timed out.
    Failure,
}

/// One run of a check. The same name may come several times: from several workflows, or run again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRun {
    /// The check's name.
    pub name: String,
    /// The commit that it ran on.
    pub commit: CommitId,
    /// How it ended.
    pub state: RunState,
    /// The forge's own word for that: `timed_out`.
    pub said: String,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
}

/// What CI says of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runs {
    /// The commit.
    pub commit: CommitId,
    /// The first sign of it: when it was made, or its first check began.
    pub appeared: Timestamp,
    /// When this gate looked first.
    pub looked: Timestamp,
    /// All runs that are known, also those of other commits, which do not count.
    pub runs: Vec<CheckRun>,
}

impl RunsConfig {
    /// What is wrong with it, if anything.
    pub fn refused(&self) -> Option<String> {
        if self.require.is_empty() {
            return Some("`require` names no check".to_owned());
        }
        if self.require.iter().any(|name| name.chars().all(|c| c == '*')) {
            return Some(
                "`*` takes the job of this gate too, which does not end before the gate does: name the checks, or \
                 write more of them, such as `build *`"
                    .to_owned(),
            );
        }
        if !(SignedDuration::ZERO..=poll::LONGEST).contains(&self.poll) {
            return Some("`poll` goes from `0s` to `1h`".to_owned());
        }
        self.require.iter().chain(&self.allow_skipped).find_map(|name| matcher(name).err())
    }

    /// The answer at a time: the worst of what each required check says.
    pub fn answer(&self, runs: &Runs, at: &Zoned) -> Answer {
        let answers: Vec<Answer> = self.require.iter().map(|name| self.one(name, runs, at)).collect();
        let verdict = answers.iter().map(|a| a.verdict).max().unwrap_or(Verdict::Fail);
        let of =
            |wanted: Verdict| -> Vec<&Answer> { answers.iter().filter(|a| a.verdict == wanted).collect() };
        let said: Vec<&str> = of(verdict).iter().map(|a| a.why.as_str()).collect();
        let why = match verdict {
            Verdict::Pass => {
                format!("{} on {}: {}", counted(said.len()), runs.commit.short(), said.join(", "))
            }
            _ => format!("on {}: {}", runs.commit.short(), said.join("; ")),
        };
        let mut answer = Answer::new(verdict, why);
        answer.since = match verdict {
            // All are green since the last one is, any is red since the first one is.
            Verdict::Pass => of(verdict).iter().filter_map(|a| a.since).max(),
            _ => of(verdict).iter().filter_map(|a| a.since).min(),
        };
        answer.pending = verdict == Verdict::Unknown && of(verdict).iter().all(|a| a.pending);
        answer.until = of(verdict).iter().filter_map(|a| a.until).min();
        let turns: Vec<&str> = of(verdict).iter().filter_map(|a| a.turn.as_deref()).collect();
        answer.turn = (!turns.is_empty()).then(|| turns.join("; "));
        answer
    }

    fn one(&self, name: &str, runs: &Runs, at: &Zoned) -> Answer {
        let Ok(matcher) = matcher(name) else { return Answer::unknown(format!("`{name}` is no name")) };
        let named: Vec<&CheckRun> = runs.runs.iter().filter(|r| matcher.is_match(&r.name)).collect();
        let own: Vec<&CheckRun> = named.iter().copied().filter(|r| r.commit == runs.commit).collect();
        let of = |state: RunState| own.iter().copied().filter(move |r| r.state == state);
        let times = |n: usize| if n > 1 { format!(" ({n} runs)") } else { String::new() };
        if let Some(red) = of(RunState::Failure).min_by_key(|r| r.ended) {
            let why = format!("{} says {}{}", red.name, red.said, times(of(RunState::Failure).count()));
            return Answer::fail(why).since(red.ended).turn(format!("make {} green", red.name));
        }
        if let Some(going) = of(RunState::Pending).min_by_key(|r| r.started) {
            let why = format!("{} is {}{}", going.name, going.said, times(of(RunState::Pending).count()));
            return Answer::pending(why).since(going.started).turn(format!("wait for {}", going.name));
        }
        // Names that a pattern stands for are checks of their own: none may hide behind another one that is green.
        let mut names: Vec<&str> = own.iter().map(|r| r.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let may_skip = |name: &str| {
            self.allow_skipped
                .iter()
                .any(|allowed| super::runs::matcher(allowed).is_ok_and(|m| m.is_match(name)))
        };
        let skipped =
            names.iter().find(|name| !may_skip(name) && !of(RunState::Success).any(|r| r.name == **name));
        if let Some(skipped) = skipped {
            let said = own.iter().find(|r| r.name == *skipped).map_or("skipped", |r| r.said.as_str());
            return Answer::unknown(format!("{skipped} was {said}, which is no verdict"))
                .turn(format!("run {skipped} on this commit, or list it in `allow_skipped`"));
        }
        if !own.is_empty() {
            return Answer::pass(names.join(", ")).since(own.iter().filter_map(|r| r.ended).max());
        }
        let elsewhere = match named.first() {
            Some(other) => format!(", only on {}", other.commit.short()),
            None => String::new(),
        };
        let end = runs.appeared.to_zoned(at.time_zone().clone()).checked_add(self.discover_for.0);
        // A commit that was made long ago may have been pushed a moment ago: nothing at all has run on it yet.
        let untouched = runs.runs.iter().all(|r| r.commit != runs.commit);
        let look = runs.looked.to_zoned(at.time_zone().clone()).checked_add(self.poll);
        let end = match (end, look) {
            (Ok(end), Ok(look)) if untouched => Ok(end.max(look)),
            (end, _) => end,
        };
        match end {
            Ok(end) if *at < end => Answer::pending(format!("{name} is not there yet{elsewhere}"))
                .until(end.timestamp())
                .turn(format!("wait for {name}: it is looked for until {}", end.timestamp())),
            _ => {
                let waited = lapse(at.timestamp(), runs.appeared);
                Answer::fail(format!("{name} never ran{elsewhere}, {waited} after the commit appeared"))
                    .turn(format!("run {name} on this commit, or correct its name"))
            }
        }
    }
}

fn counted(checks: usize) -> String {
    format!("{checks} required check{} green", if checks == 1 { " is" } else { "s are" })
}

/// A name in which only `*` has a meaning: brackets are common in the names of matrix jobs.
fn matcher(name: &str) -> Result<GlobMatcher, String> {
    let pattern = globset::escape(name).replace("[*]", "*");
    GlobBuilder::new(&pattern)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|e| format!("`{name}` is no name of a check: {}", e.kind()))
}
