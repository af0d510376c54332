//! The page of a deployment: what was checked before, what was done, what was seen after, until when it can be undone.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use super::{Did, Found, Outcome, Record};
use crate::rules::markup::cell;
use crate::rules::text::{Newlines, inert};

/// How many lines of one part are shown.
const MOST: usize = 60;

/// A part of the page: its title, and lines of a label and what stands for it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Part {
    /// The title.
    pub title: String,
    /// The lines; a label may be empty.
    pub lines: Vec<(String, String)>,
}

/// What came of it, in capitals, as the page's status says it.
pub fn status(record: &Record) -> &'static str {
    match record.outcome {
        Outcome::Running => "RUNNING",
        Outcome::Done if record.deployment.as_ref().is_some_and(|it| !it.verifies) => "DONE, NOT VERIFIED",
        Outcome::Done => "SUCCESSFUL",
        Outcome::RolledBack => "FAILED, ROLLED BACK",
        Outcome::Unverified => "DONE, NOT VERIFIED",
        Outcome::Failed => "FAILED",
        Outcome::Refused => "REFUSED, NOTHING CHANGED",
    }
}

/// The page's title.
pub fn title(record: &Record) -> String {
    let what = match (record.step.as_str(), &record.deployment) {
        ("rollback", Some(it)) => format!("Rollback of {} to {}", it.environment, it.version),
        ("smoke", Some(it)) => format!("Checks of {} in {}", it.version, it.environment),
        ("verify", Some(it)) => format!("Watch of {} in {}", it.version, it.environment),
        (_, Some(it)) => format!("Deployment of {} to {}", it.version, it.environment),
        (_, None) => record.summary.clone(),
    };
    inert(&what, Newlines::Flatten).into_owned()
}

/// `12 ms`, `5.2 s`, `12 min 3 s`, `2 h 5 min`, `3 d 4 h`.
pub fn lasting(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0 => format!("{ms} ms"),
        1..=59 => format!("{}.{} s", seconds, ms % 1000 / 100),
        60..=3599 if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        60..=3599 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..=172_799 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// The same, of what is known in whole seconds.
pub fn whole_seconds(seconds: u64) -> String {
    if seconds == 0 { "under 1 s".to_owned() } else { lasting(seconds * 1000) }
}

/// The parts of the page.
pub fn parts(record: &Record) -> Vec<Part> {
    let mut parts = vec![head(record)];
    let looks = |found: &&Found| matches!(found.check.as_str(), "smoke" | "verify");
    let before: Vec<&Found> = record.findings.iter().filter(|found| !looks(found)).collect();
    let after: Vec<&Found> = record.findings.iter().filter(looks).collect();
    add(&mut parts, "Before", before.iter().map(|it| line(it)));
    if let Some(it) = &record.deployment {
        let mut lines = vec![(
            "version".to_owned(),
            match &it.previous {
                Some(previous) => format!("{previous} → {}", it.version),
                None => it.version.clone(),
            },
        )];
        lines.extend(it.commit.clone().map(|commit| ("commit".to_owned(), commit)));
        lines.extend(it.digests.iter().map(|(name, digest)| (name.clone(), format!("sha256:{digest}"))));
        add(&mut parts, "What", lines.into_iter());
    }
    if let Some(migration) = record.outputs.get("migration") {
        let lines = migration.as_object().into_iter().flatten().map(|(name, value)| {
            (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        });
        add(&mut parts, "Migration", lines);
    }
    add(&mut parts, "Done", record.effects.iter().map(did));
    add(&mut parts, "After", after.iter().map(|it| line(it)));
    if let Some(why) = &record.why {
        let detail =
            why.detail.iter().flat_map(|detail| detail.lines()).map(|it| (String::new(), it.to_owned()));
        let lines = [("why".to_owned(), why.to_string())].into_iter().chain(detail);
        add(
            &mut parts,
            "Failure",
            lines.chain(why.hint.iter().map(|hint| ("next".to_owned(), hint.clone()))),
        );
    }
    if let Some(it) = &record.deployment {
        let mut lines = Vec::new();
        if let Some(took) = it.recovery {
            let objective = it.objective.map_or(String::new(), |most| {
                let word = if took <= most { "within" } else { "beyond" };
                format!(", {word} the objective of {}", lasting(most * 1000))
            });
            lines.push(("recovered".to_owned(), format!("in {}{objective}", whole_seconds(took))));
        }
        if let (Outcome::Done | Outcome::Unverified, Some(until)) = (record.outcome, it.rollback_until) {
            lines.push(("available".to_owned(), format!("until {}", minute(until))));
        }
        add(&mut parts, "Rollback", lines.into_iter());
    }
    parts
}

fn add(parts: &mut Vec<Part>, title: &str, lines: impl Iterator<Item = (String, String)>) {
    let clean = |text: String| inert(&text, Newlines::Flatten).into_owned();
    let mut lines: Vec<(String, String)> = lines.map(|(label, text)| (clean(label), clean(text))).collect();
    if lines.len() > MOST {
        let more = lines.len() - MOST;
        lines.truncate(MOST);
        lines.push((String::new(), format!("and {more} more")));
    }
    if !lines.is_empty() {
        parts.push(Part { title: title.to_owned(), lines });
    }
}

fn head(record: &Record) -> Part {
    let started = record.started.to_zoned(TimeZone::UTC);
    let time = |at: &jiff::Zoned| at.strftime("%H:%M:%S").to_string();
    let mut when = time(&started);
    if let Some(ended) = record.ended {
        let took = u64::try_from(ended.duration_since(record.started).as_millis()).unwrap_or(0);
        when = format!("{when} UTC – {} UTC ({})", time(&ended.to_zoned(TimeZone::UTC)), lasting(took));
    } else {
        when.push_str(" UTC");
    }
    let mut lines = vec![
        ("date".to_owned(), started.date().to_string()),
        ("time".to_owned(), when),
        ("status".to_owned(), status(record).to_owned()),
    ];
    lines.extend(record.who.clone().map(|who| ("by".to_owned(), who)));
    lines.extend(record.place.clone().map(|place| ("at".to_owned(), place)));
    let mut parts = Vec::new();
    add(&mut parts, "", lines.into_iter());
    parts.pop().unwrap_or(Part { title: String::new(), lines: Vec::new() })
}

fn line(found: &Found) -> (String, String) {
    let at = found.at.as_ref().map_or(String::new(), |at| format!(" ({at})"));
    (found.answer.clone(), format!("{}{at}", found.message))
}

fn did(did: &Did) -> (String, String) {
    let took = if did.ms > 0 { format!(" ({})", lasting(did.ms)) } else { String::new() };
    (did.how.clone(), format!("{} {}{took}", did.at, did.effect))
}

/// `2026-12-24 10:00 UTC`.
pub fn minute(at: jiff::Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// The page for a terminal.
pub fn text(record: &Record) -> String {
    let mut out = format!("{}\n", title(record));
    for part in parts(record) {
        if !part.title.is_empty() {
            let _ = writeln!(out, "\n{}", part.title);
        }
        for (label, text) in part.lines {
            let _ = writeln!(out, "  {label:<9} {text}");
        }
    }
    out
}

/// The page in Markdown.
pub fn markdown(record: &Record) -> String {
    let mut out = format!("# {}\n", cell(&title(record)));
    for part in parts(record) {
        match part.title.is_empty() {
            true => out.push('\n'),
            false => drop(write!(out, "\n## {}\n\n", part.title)),
        }
        for (label, text) in part.lines {
            let label = if label.is_empty() { String::new() } else { format!("**{}:** ", cell(&label)) };
            let _ = writeln!(out, "- {label}{}", cell(&text));
        }
    }
    out
}
