//! People: a terminal with colour and progress, or a job's log without.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::ProgressBar;
use similar::algorithms::{Capture, Compact, Replace, myers};
use similar::{DiffOp, DiffTag};

use super::{github, gitlab};
use crate::apply::{Outcome, Report};
use crate::effect::{Effect, FileEdit};
use crate::error::Error;
use crate::event::{Event, Sink};
use crate::plan::{Answer, Plan};
use crate::redact::{Redactor, Runner, token};
use crate::rules::text::{Newlines, counted, inert};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();

/// How many lines of one file's change are shown.
const DIFF_LINES: usize = 24;

fn painted(style: Style, text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("{style}{}{style:#}", inert(text, Newlines::Flatten))
}

/// The effects that have begun, and the one whose output the log folds at the moment, with the mark that closes it.
type Groups = (BTreeMap<String, String>, Option<(String, String)>);

/// Writes events to standard error.
#[derive(Debug)]
pub struct Terminal {
    redactor: Redactor,
    verbose: bool,
    runner: Runner,
    spinner: Mutex<Option<ProgressBar>>,
    groups: Mutex<Groups>,
}

impl Terminal {
    /// A reporter on standard error, which `runner` reads; `verbose` shows how long effects took.
    pub fn new(redactor: Redactor, verbose: bool, runner: Runner) -> Self {
        Terminal { redactor, verbose, runner, spinner: Mutex::default(), groups: Mutex::default() }
    }

    /// What a command prints stands in a group of the log. Commands of effects that run side by side take turns.
    fn group(&self, at: Option<&str>) {
        if self.runner == Runner::None {
            return;
        }
        let mut groups = self.groups.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (begun, open) = &mut *groups;
        if open.as_ref().map(|(at, _)| at.as_str()) == at {
            return;
        }
        let mut marks = open.take().map(|(_, close)| close).unwrap_or_default();
        if let Some(at) = at {
            let effect = begun.get(at).map_or("", String::as_str);
            let title =
                self.redactor.redacted(&inert(&format!("{at} {effect}"), Newlines::Flatten)).into_owned();
            let (start, close) = match self.runner {
                Runner::GitLab => {
                    let name = format!("release_steps_{}", token());
                    let now = jiff::Timestamp::now().as_second();
                    let end = gitlab::section_end(now, &name);
                    (format!("{}\n", gitlab::section_start(now, &name, &title)), format!("{end}\n"))
                }
                _ => {
                    // Besides that each line is made text, the runner looks for no commands here.
                    let token = token();
                    let group = github::command("group", &[], &title);
                    let end = github::command("endgroup", &[], "");
                    match token.is_empty() {
                        true => (format!("{group}\n"), format!("{end}\n")),
                        false => (
                            format!("{group}\n{}\n", github::command("stop-commands", &[], &token)),
                            format!("{}\n{end}\n", github::command(&token, &[], "")),
                        ),
                    }
                }
            };
            marks.push_str(&start);
            *open = Some((at.to_owned(), close));
        }
        drop(std::io::stderr().lock().write_all(marks.as_bytes()));
    }

    fn line(&self, text: &str) {
        let text = self.redactor.clean(text).into_owned();
        let write = || {
            let mut out = anstream::stderr().lock();
            // Nobody reads: not a reason to stop in the middle of a release.
            drop(writeln!(out, "{text}"));
        };
        let spinner = self.spinner.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match spinner.as_ref() {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Shows lines that replace those shown before.
    fn live(&self, head: &str, lines: &[String]) {
        let head = head.split(':').next().unwrap_or_default();
        let all = [head].into_iter().chain(lines.iter().map(String::as_str));
        let text: Vec<String> = all.map(|line| inert(line, Newlines::Flatten).into_owned()).collect();
        let text = self.redactor.clean(&text.join("\n  ")).into_owned();
        let mut spinner = self.spinner.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let bar = spinner.get_or_insert_with(|| {
            let bar = ProgressBar::new_spinner();
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        bar.set_message(text);
    }

    fn spin(&self, text: Option<&str>) {
        let mut spinner = self.spinner.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(bar) = spinner.take() {
            bar.finish_and_clear();
        }
        if let Some(text) = text
            && std::io::stderr().is_terminal()
        {
            let text = inert(text, Newlines::Flatten).into_owned();
            let bar = ProgressBar::new_spinner().with_message(self.redactor.clean(&text).into_owned());
            bar.enable_steady_tick(Duration::from_millis(100));
            *spinner = Some(bar);
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.spin(None);
        self.group(None);
    }
}

impl Sink for Terminal {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Output { at, .. } => self.group(Some(at)),
            _ => self.group(None),
        }
        if let (Event::Started { at, effect }, true) = (event, self.runner != Runner::None) {
            let mut groups = self.groups.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            groups.0.insert((*at).to_owned(), (*effect).to_owned());
        }
        match event {
            Event::Working { what } => self.spin(Some(what)),
            Event::Planned { .. } => self.spin(None),
            Event::Started { at, effect } => self.spin(Some(&format!("{at} {effect}"))),
            Event::Done { at, effect, already, ms } => {
                self.spin(None);
                let time = if self.verbose && !already { format!(" ({ms} ms)") } else { String::new() };
                let mark = if *already { painted(DIM, "=") } else { painted(GREEN, "✓") };
                let already = if *already { " (already done)" } else { "" };
                let effect = inert(effect, Newlines::Flatten);
                self.line(&format!("{mark} {at} {effect}{}", painted(DIM, &format!("{already}{time}"))));
            }
            Event::Failed { at, effect } => {
                self.spin(None);
                self.line(&format!("{} {at} {}", painted(RED, "✗"), inert(effect, Newlines::Flatten)));
            }
            Event::Missed { at, effect, why } => {
                self.spin(None);
                let text = inert(&format!("{effect}: {why}"), Newlines::Flatten).into_owned();
                self.line(&format!("{} {at} {text}", painted(YELLOW, "!")));
            }
            Event::Output { line, .. } => {
                self.line(&format!("  {} {}", painted(DIM, "│"), inert(line, Newlines::Flatten)))
            }
            Event::Watching { line, table, .. } => match std::io::stderr().is_terminal() {
                true => self.live(line, table),
                false => self.line(&format!("  {} {}", painted(DIM, "│"), inert(line, Newlines::Flatten))),
            },
            Event::Back { what, why } => {
                self.spin(None);
                let text = inert(&format!("{why}: {what}"), Newlines::Flatten).into_owned();
                self.line(&format!("{} {text}", painted(RED, "↩")));
            }
            Event::Note { text } => {
                self.line(&format!("{} {}", painted(YELLOW, "note:"), inert(text, Newlines::Flatten)))
            }
        }
    }
}

/// A plan for people: the summary, what was found, every effect, and how files change.
pub fn plan(plan: &Plan) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", painted(BOLD, &plan.summary));
    for finding in &plan.findings {
        let (style, word) = match finding.answer {
            Answer::Pass => (GREEN, "pass"),
            Answer::Note => (CYAN, "note"),
            Answer::Warning => (YELLOW, "warning"),
            Answer::Unknown => (YELLOW, "unknown"),
            Answer::Fail => (RED, "fail"),
        };
        let _ = write!(out, "{}: {}", painted(style, word), inert(&finding.message, Newlines::Flatten));
        if let Some(at) = &finding.at {
            let _ = write!(out, " {}", painted(DIM, &format!("({at})")));
        }
        out.push('\n');
        if let Some(hint) = &finding.hint {
            let _ = writeln!(out, "  {} {}", painted(DIM, "→"), inert(hint, Newlines::Flatten));
        }
    }
    if plan.is_empty() {
        return out;
    }
    let count = plan.effects().count();
    let _ = writeln!(out, "\nPlan: {count} effect{}", if count == 1 { "" } else { "s" });
    plan.effects().for_each(|(at, effect)| one(&mut out, &at, effect, plan.regardless));
    for (number, fallback) in plan.fallbacks.iter().enumerate() {
        let place = match (fallback.from, fallback.to) {
            (from, to) if from == to => format!("{from}"),
            (from, to) => format!("{from} to {to}"),
        };
        let text = format!("If something fails in {place}: {}", fallback.what);
        let _ = writeln!(out, "{}", inert(&text, Newlines::Flatten));
        plan.fallback(number).for_each(|(at, effect)| one(&mut out, &at, effect, plan.regardless));
    }
    for (number, it) in plan.deployments.iter().enumerate().filter(|(_, it)| !it.failed.is_empty()) {
        let text = format!("If {} in {} is not put back either:", it.what.version, it.what.environment);
        let _ = writeln!(out, "{}", inert(&text, Newlines::Flatten));
        plan.failed(number).for_each(|(at, effect)| one(&mut out, &at, effect, plan.regardless));
    }
    for (at, it) in plan.deployments.iter().enumerate() {
        // Several deployments are mostly kept in one place.
        if let Some(kept) = it.kept.as_ref().filter(|_| at == 0) {
            let _ = writeln!(out, "Recorded in {}{}", inert(kept, Newlines::Flatten), painted(YELLOW, " ↗"));
        }
    }
    if plan.leaves_machine() {
        let _ = writeln!(out, "{}", painted(DIM, "↗ leaves this machine"));
    }
    out
}

/// An effect of a plan. Reports are for machines: their text says nothing here.
fn one(out: &mut String, at: &str, effect: &Effect, reports: bool) {
    let text = effect.to_string();
    let leaves = if effect.leaves_machine() { " ↗" } else { "" };
    let _ = writeln!(
        out,
        "  {} {}{}",
        painted(BOLD, at),
        inert(&text, Newlines::Flatten),
        painted(YELLOW, leaves)
    );
    if let Some(payload) = effect.payload() {
        for line in format!("{payload:#}").lines() {
            let _ = writeln!(out, "        {}", painted(DIM, &inert(line, Newlines::Flatten)));
        }
    }
    for part in effect.parts() {
        let _ = writeln!(out, "      {}", inert(&part, Newlines::Flatten));
    }
    // Reports are for machines: their text says nothing here.
    for edit in effect.files().iter().filter(|_| !reports) {
        // The effect that writes a file has named it just above.
        if !matches!(effect, Effect::WriteFile(_)) {
            let new = if edit.before.is_none() { " (new file)" } else { "" };
            let why = inert(&edit.why, Newlines::Flatten);
            let _ = writeln!(out, "      {}{new}: {why}", painted(BOLD, &edit.path));
        }
        file(out, edit);
    }
}

fn file(out: &mut String, edit: &FileEdit) {
    let lines = |text| str::split_inclusive(text, '\n').collect::<Vec<&str>>();
    let (old, new) = (lines(edit.before.as_deref().unwrap_or_default()), lines(&edit.after));
    let (old, new) = differing(&old, &new);
    let Ok(ops) = changes(old, new);
    let mut changed: Vec<(Style, char, &str)> = Vec::new();
    for op in ops.iter().filter(|op| op.tag() != DiffTag::Equal) {
        changed.extend(old[op.old_range()].iter().map(|line| (RED, '-', *line)));
        changed.extend(new[op.new_range()].iter().map(|line| (GREEN, '+', *line)));
    }
    for (style, sign, line) in changed.iter().take(DIFF_LINES) {
        let line = line.trim_end_matches(['\n', '\r']);
        let _ = writeln!(out, "        {}", painted(*style, format!("{sign} {line}").trim_end()));
    }
    if changed.len() > DIFF_LINES {
        let more = format!("… {} more lines", changed.len() - DIFF_LINES);
        let _ = writeln!(out, "        {}", painted(DIM, &more));
    }
}

/// What differs, by the one algorithm that is needed: choosing it at run time would build in all of them.
fn changes(old: &[&str], new: &[&str]) -> std::result::Result<Vec<DiffOp>, Infallible> {
    let mut hook = Compact::new(Replace::new(Capture::new()), old, new);
    myers::diff(&mut hook, old, 0..old.len(), new, 0..new.len())?;
    Ok(hook.into_inner().into_inner().into_ops())
}

/// Lines without those that both begin and end with: a changelog of megabytes gets one new section.
fn differing<'a, 't>(old: &'a [&'t str], new: &'a [&'t str]) -> (&'a [&'t str], &'a [&'t str]) {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[head..], &new[head..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    (&old[..old.len() - tail], &new[..new.len() - tail])
}

/// How a run ended, for people.
pub fn result(plan: &Plan, report: &Report) -> String {
    if plan.only_looks() {
        return format!("{}\n", inert(&plan.summary, Newlines::Flatten));
    }
    let done = report.iter().filter(|(_, outcome)| *outcome == Outcome::Done).count();
    let missed = report.iter().filter(|(_, outcome)| *outcome == Outcome::Missed).count();
    if missed > 0 {
        let summary = inert(&plan.summary, Newlines::Flatten);
        return format!("{summary}: done; {} not sent\n", counted(missed, "message"));
    }
    if done == 0 {
        return format!("{}: nothing to do\n", inert(&plan.summary, Newlines::Flatten));
    }
    format!("{}: done\n", inert(&plan.summary, Newlines::Flatten))
}

/// An error for people: what failed, where, the text around it, what to do next.
pub fn error(error: &Error) -> String {
    let mut out = format!("{} {}", painted(RED, "error:"), inert(&error.message, Newlines::Flatten));
    if let Some(at) = &error.at {
        let _ = write!(out, "\n  {} {}", painted(DIM, "at"), inert(at, Newlines::Flatten));
    }
    if let Some(detail) = &error.detail {
        for line in detail.lines() {
            let _ = write!(out, "\n  {} {}", painted(DIM, "│"), inert(line, Newlines::Flatten));
        }
    }
    if let Some(hint) = &error.hint {
        let _ = write!(out, "\n  {} {}", painted(CYAN, "→"), inert(hint, Newlines::Flatten));
    }
    out.push('\n');
    out
}
