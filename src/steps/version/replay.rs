//! `version replay`: the rules against the releases that were really made, before one relies on them.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::data::CommitId;
use crate::error::Result;
use crate::facts::{Facts, too_shallow};
use crate::plan::Plan;
use crate::rules::commit::parse;
use crate::rules::replay::{Outcome, Pair, Tally, Verdict, classify, pairs};
use crate::rules::revert::Commit;
use crate::rules::text::{Newlines, inert};
use crate::steps::Step;
use crate::survey::{is_about, packages, reading};
use crate::world::git::Tag;

/// `version replay`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// List the pairs that are equal too
    #[arg(long)]
    all: bool,
}

/// Replays the stable releases of every package.
pub fn plan(args: &Args, facts: &Facts<'_>) -> Result<Step> {
    let mut plan = Plan::new("version replay", facts.now.timestamp());
    let tags = facts.tags()?;
    let packages = packages(facts)?;
    let is_release = |tag: &Tag| packages.iter().any(|p| p.tags.parse_exact(&tag.name).is_some());
    let tips: Vec<CommitId> = tags.iter().filter(|tag| is_release(tag)).map(|t| t.commit).collect();
    let history = facts.repo().history(&tips, &[])?;
    if !history.boundary().is_empty() {
        return Err(too_shallow("a replay needs the whole history"));
    }
    let mut ranges = history.ranges();
    let mut total = Tally::default();
    let mut listed: Vec<Value> = Vec::new();
    let mut text = String::new();
    for package in &packages {
        let names: Vec<&str> = tags.iter().map(|t| t.name.as_str()).collect();
        let commit_of =
            |tag: &str| tags.binary_search_by(|t| t.name.as_str().cmp(tag)).ok().map(|at| tags[at].commit);
        for pair in pairs(&names, &package.tags) {
            let (Some(from), Some(to)) = (commit_of(pair.from.tag), commit_of(pair.to.tag)) else { continue };
            let mut messages = Vec::new();
            for commit in ranges.between(from, to).unwrap_or_default() {
                if is_about(facts, package, commit.id())? {
                    messages.push((commit.id(), commit.message()));
                }
            }
            let commits: Vec<Commit<'_>> =
                messages.iter().map(|(id, message)| Commit { id: *id, message: parse(message) }).collect();
            let outcome = classify(
                &pair,
                &commits,
                &facts.config.version.rules,
                reading(facts),
                facts.config.version.zero,
            );
            total.add(outcome.verdict);
            if args.all || outcome.verdict != Verdict::Equal {
                listed.push(described(&pair, &outcome, &commits));
                write_pair(&mut text, &pair, &outcome, &commits);
            }
        }
    }
    let percent = |n: usize| 100.0 * n as f64 / total.pairs.max(1) as f64;
    let mut head = String::new();
    let _ = writeln!(head, "pairs          {:>6}", total.pairs);
    for (name, count) in [
        ("equal", total.equal),
        ("contradicting", total.contradicting),
        ("no bump", total.no_bump),
        ("left 0.x", total.graduated),
    ] {
        let _ = writeln!(head, "{name:<14} {count:>6}  {:5.1} %", percent(count));
    }
    if !text.is_empty() {
        head.push('\n');
    }
    plan.summary = format!("{} pairs of releases, {} contradict the rules", total.pairs, total.contradicting);
    for (name, count) in [
        ("pairs", total.pairs),
        ("equal", total.equal),
        ("contradicting", total.contradicting),
        ("no_bump", total.no_bump),
        ("graduated", total.graduated),
    ] {
        plan.output(name, count);
    }
    plan.output("listed", listed);
    Ok(Step { plan, text: Some(head + &text) })
}

fn described(pair: &Pair<'_>, outcome: &Outcome<'_>, commits: &[Commit<'_>]) -> Value {
    let commits: Vec<Value> = outcome
        .decision
        .reasons
        .iter()
        .filter_map(|reason| {
            let commit = commits.get(reason.commit)?;
            Some(json!({ "id": commit.id, "header": commit.message.header, "level": reason.level }))
        })
        .collect();
    json!({
        "from": pair.from.tag, "to": pair.to.tag, "verdict": outcome.verdict,
        "published": outcome.published, "computed": outcome.computed, "commits": commits,
    })
}

fn write_pair(text: &mut String, pair: &Pair<'_>, outcome: &Outcome<'_>, commits: &[Commit<'_>]) {
    let verdict = match outcome.verdict {
        Verdict::Equal => "equal",
        Verdict::Contradicting => "contradicting",
        Verdict::NoBump => "no bump",
        Verdict::Graduated => "left 0.x",
    };
    let _ = writeln!(
        text,
        "{verdict}: {} → {} was {}, the rules say {}",
        pair.from.tag, pair.to.tag, outcome.published, outcome.computed
    );
    const SHOWN: usize = 20;
    for reason in outcome.decision.reasons.iter().take(SHOWN) {
        if let Some(commit) = commits.get(reason.commit) {
            let header = inert(commit.message.header, Newlines::Flatten);
            let _ = writeln!(text, "  {:<5} {} {header}", reason.level, commit.id.short());
        }
    }
    if outcome.decision.reasons.len() > SHOWN {
        let _ = writeln!(text, "  … {} more", outcome.decision.reasons.len() - SHOWN);
    }
}
