//! A plan: what a step found, what must hold, and every effect that it would cause. Versioned JSON, can be saved.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::data::CommitId;
use crate::effect::Effect;
use crate::error::{Error, Result};
use crate::rules::gate::Verdict;
use crate::rules::record::Deployment;

/// How long a command may take that says which version is live.
pub const ASKED: Duration = Duration::from_secs(60);

/// The version of the plan's JSON. A plan of another version is refused, never guessed at.
pub const FORMAT: u32 = 1;

/// What a step answers: findings, preconditions, waves of effects, outputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The version of this JSON: [`FORMAT`].
    pub format: u32,
    /// The version of release-steps that planned.
    pub tool: String,
    /// The step: `release`, `changelog`, `branch cut`, …
    pub step: String,
    /// One line for a person: what this plan would bring about.
    pub summary: String,
    /// When the plan was made.
    pub created: Timestamp,
    /// What was found on the way.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// What must still hold when the plan is applied.
    #[serde(default)]
    pub requires: Vec<Precondition>,
    /// Whether the effects are for whatever the findings say, as reports are: then the verdict comes after them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub regardless: bool,
    /// The effects: those of one wave do not depend on each other; waves run in order.
    #[serde(default)]
    pub waves: Vec<Wave>,
    /// What is done instead of going on when an effect fails.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<Fallback>,
    /// What is deployed by it, and where to, for the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deployments: Vec<Deploying>,
    /// Values for whoever comes next: `version`, `tag`, `notes`, …
    #[serde(default)]
    pub outputs: BTreeMap<String, Value>,
    /// The outputs that are true whether the plan comes to its end or not; the others speak of what it brings about.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub known: BTreeSet<String>,
}

/// Effects that do not depend on each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wave {
    /// The effects.
    pub effects: Vec<Effect>,
}

/// What some waves deploy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deploying {
    /// The first wave, counted from 1.
    pub from: usize,
    /// The last wave.
    pub to: usize,
    /// What, and where to.
    pub what: Deployment,
    /// Where its record is kept, when others see it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
    /// Whom it is told when it failed and was not put back either: nothing needs a person more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<Effect>,
}

/// What is done when an effect of some waves has failed: what was there before is put back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fallback {
    /// The first wave that it is for, counted from 1.
    pub from: usize,
    /// The last wave that it is for.
    pub to: usize,
    /// Whether what it puts right is there before the first effect; otherwise there is nothing to put back until one of
    /// its waves has begun.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub always: bool,
    /// Whether it puts back what was there before; otherwise it only tells.
    #[serde(default)]
    pub restores: bool,
    /// What it is to bring about: `go back to 1.2.3`.
    pub what: String,
    /// What it has brought about: `went back to 1.2.3`.
    pub done: String,
    /// The effects.
    pub waves: Vec<Wave>,
}

/// A fact that the plan rests on and that is read again before anything is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "require", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Precondition {
    /// A local branch is at a commit.
    BranchAt {
        /// The branch's name, without `refs/heads/`.
        branch: String,
        /// The commit.
        commit: CommitId,
    },
    /// `HEAD` is detached and at a commit.
    HeadAt {
        /// The commit.
        commit: CommitId,
    },
    /// A tag is on no other commit than this one (absent is fine).
    TagFree {
        /// The tag's name, without `refs/tags/`.
        tag: String,
    },
    /// A version is live in an environment, as its command says.
    Live {
        /// The environment.
        environment: String,
        /// The command line that prints the version.
        command: String,
        /// The version that it printed.
        version: String,
    },
    /// Nothing was recorded of an environment since.
    Recorded {
        /// The environment.
        environment: String,
        /// The newest record; none when there was none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last: Option<String>,
    },
}

/// What a check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Holds.
    Pass,
    /// Worth knowing; changes nothing.
    Note,
    /// Worth a person's look; stops nothing.
    Warning,
    /// Could not be told. Never counts as pass.
    Unknown,
    /// Does not hold.
    Fail,
}

impl From<Verdict> for Answer {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Answer::Pass,
            Verdict::Unknown => Answer::Unknown,
            Verdict::Fail => Answer::Fail,
        }
    }
}

/// One thing that a step found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The answer.
    pub answer: Answer,
    /// The check's short, stable name: `commit-header`, `branch-age`, …
    pub check: String,
    /// Why.
    pub message: String,
    /// Where: a commit, a file with its line, a branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// What would turn it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Finding {
    /// A finding without place and hint.
    pub fn new(answer: Answer, check: &str, message: impl Into<String>) -> Self {
        Finding { answer, check: check.to_owned(), message: message.into(), at: None, hint: None }
    }

    /// Adds the place.
    #[must_use]
    pub fn at(mut self, at: impl Into<String>) -> Self {
        self.at = Some(at.into());
        self
    }

    /// Adds what would turn it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Effects with their places `wave.effect`, counted from 1, after a prefix.
pub fn places(waves: &[Wave], before: String) -> impl Iterator<Item = (String, &Effect)> {
    waves.iter().enumerate().flat_map(move |(w, wave)| {
        let name = format!("{before}{}.", w + 1);
        wave.effects.iter().enumerate().map(move |(e, effect)| (format!("{name}{}", e + 1), effect))
    })
}

impl Plan {
    /// An empty plan of a step.
    pub fn new(step: &str, created: Timestamp) -> Self {
        Plan {
            format: FORMAT,
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            step: step.to_owned(),
            summary: String::new(),
            created,
            findings: Vec::new(),
            requires: Vec::new(),
            regardless: false,
            waves: Vec::new(),
            fallbacks: Vec::new(),
            deployments: Vec::new(),
            outputs: BTreeMap::new(),
            known: BTreeSet::new(),
        }
    }

    /// Adds a wave of one effect after those that are there.
    pub fn then(&mut self, effect: Effect) {
        self.wave(vec![effect]);
    }

    /// Adds a wave of effects that do not depend on each other.
    pub fn wave(&mut self, effects: Vec<Effect>) {
        self.waves.push(Wave { effects });
    }

    /// Adds an output.
    pub fn output(&mut self, name: &str, value: impl Into<Value>) {
        self.outputs.insert(name.to_owned(), value.into());
    }

    /// Adds an output that is true whether the plan comes to its end or not.
    pub fn known(&mut self, name: &str, value: impl Into<Value>) {
        self.output(name, value);
        self.known.insert(name.to_owned());
    }

    /// Every effect in the order of the waves, with its place `wave.effect`, counted from 1.
    pub fn effects(&self) -> impl Iterator<Item = (String, &Effect)> {
        places(&self.waves, String::new())
    }

    /// The effects of one fallback with their places, `b<fallback>.wave.effect`: those that a run journals.
    pub fn fallback(&self, number: usize) -> impl Iterator<Item = (String, &Effect)> {
        let waves = self.fallbacks.get(number).map_or(&[][..], |it| &it.waves[..]);
        places(waves, format!("b{}.", number + 1))
    }

    /// The fallback for a wave, counted from 1.
    pub fn fallback_of(&self, wave: usize) -> Option<usize> {
        self.fallbacks.iter().position(|it| (it.from..=it.to).contains(&wave))
    }

    /// What is told of a deployment that failed and was not put back, with the places `f<deployment>.effect`.
    pub fn failed(&self, number: usize) -> impl Iterator<Item = (String, &Effect)> {
        let effects = self.deployments.get(number).map_or(&[][..], |it| &it.failed[..]);
        effects.iter().zip(1..).map(move |(effect, at)| (format!("f{}.{at}", number + 1), effect))
    }

    /// Every effect, those for when something fails too.
    pub fn all_effects(&self) -> impl Iterator<Item = (String, &Effect)> {
        let back = (0..self.fallbacks.len()).flat_map(|number| self.fallback(number));
        let failed = (0..self.deployments.len()).flat_map(|number| self.failed(number));
        self.effects().chain(back).chain(failed)
    }

    /// Adds another plan after this one: its effects, what they rest on, what they bring about.
    pub fn append(&mut self, other: Plan) {
        let moved = self.waves.len();
        self.findings.extend(other.findings);
        self.requires.extend(other.requires);
        self.waves.extend(other.waves);
        self.fallbacks.extend(other.fallbacks.into_iter().map(|it| Fallback {
            from: it.from + moved,
            to: it.to + moved,
            ..it
        }));
        self.deployments.extend(other.deployments.into_iter().map(|it| Deploying {
            from: it.from + moved,
            to: it.to + moved,
            ..it
        }));
        self.outputs.extend(other.outputs);
        self.known.extend(other.known);
    }

    /// Whether nothing would be done.
    pub fn is_empty(&self) -> bool {
        self.waves.iter().all(|wave| wave.effects.is_empty())
    }

    /// Whether an effect leaves this machine.
    pub fn leaves_machine(&self) -> bool {
        self.all_effects().any(|(_, effect)| effect.leaves_machine())
            || self.deployments.iter().any(|it| it.kept.is_some())
    }

    /// Whether its effects change nothing but reports: nothing of it is to be gone on with after a crash.
    pub fn only_looks(&self) -> bool {
        !self.is_empty() && self.fallbacks.is_empty() && self.effects().all(|(_, effect)| effect.only_looks())
    }

    /// The plan's own verdict by its findings: an error when one fails or is unknown.
    pub fn verdict(&self) -> Result<()> {
        let of = |answer| self.findings.iter().filter(move |f| f.answer == answer);
        let refuse = |kind: fn(String) -> Error, answer| match of(answer).count() {
            0 => Ok(()),
            1 => Err(kind(of(answer).map(|f| f.message.clone()).collect())),
            n => Err(kind(format!("{n} checks of `{}` say no", self.step))),
        };
        refuse(Error::no, Answer::Fail)?;
        match of(Answer::Unknown).count() {
            0 => Ok(()),
            1 => Err(Error::unknown(format!("1 check of `{}` could not be answered", self.step))),
            n => Err(Error::unknown(format!("{n} checks of `{}` could not be answered", self.step))),
        }
    }

    /// The plan as JSON, pretty, with a final newline.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads a saved plan.
    pub fn from_json(text: &str, file: &str) -> Result<Plan> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let bad = |e: serde_json::Error| {
            Error::usage("this is not a plan that release-steps wrote")
                .at(format!("{file}:{}:{}", e.line(), e.column()))
                .detail(e.to_string())
                .hint("make one with `release-steps <step> --dry-run --plan FILE`")
        };
        let head: Head = serde_json::from_str(text).map_err(bad)?;
        if head.format != FORMAT {
            return Err(Error::usage(format!(
                "the plan has format {}, this release-steps knows format {FORMAT}",
                head.format
            ))
            .at(file)
            .hint("plan again with this version"));
        }
        serde_json::from_str(text).map_err(bad)
    }

    /// A short digest of everything that the plan says: names the journal of its run.
    pub fn digest(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        Sha256::digest(&json).iter().take(8).map(|b| format!("{b:02x}")).collect()
    }
}
