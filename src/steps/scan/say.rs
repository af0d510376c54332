//! What a scan says to people: numbers, the worst findings, the waivers.

use serde_json::json;

use crate::plan::{Answer, Finding as Found, Plan};
use crate::rules::scan::judge::{Policy, Then, tests};
use crate::rules::scan::waiver::{State, Terms, Waiver};
use crate::rules::scan::write::{Outcome, Verdict, by_objection, reason};
use crate::rules::scan::{Coverage, Finding, Kind, Severity, Tests};

/// How many findings are listed one by one.
const LISTED: usize = 10;
/// How much of a title is shown, in characters.
const SHOWN: usize = 90;

pub fn outputs(plan: &mut Plan, outcome: &Outcome<'_>, verdict: Verdict) {
    plan.output("verdict", json!(verdict));
    plan.output("total", outcome.findings.len());
    plan.output("new", outcome.new.iter().filter(|new| **new).count());
    plan.output("waived", outcome.waived);
    plan.output("blocking", outcome.objections.iter().filter(|o| o.then == Then::Block).count());
    let counts = outcome.counts();
    for severity in Severity::WORST_FIRST {
        plan.output(severity.name(), counts.get(&severity).map_or(0, |(all, _)| *all));
    }
    if let Some(tests) = outcome.tests {
        plan.output("tests", json!(tests));
    }
    if let Some(percent) = outcome.coverage.and_then(Coverage::percent) {
        plan.output("coverage", json!(percent));
    }
}

pub fn answer(then: Then) -> Answer {
    match then {
        Then::Block => Answer::Fail,
        Then::Unknown => Answer::Unknown,
        Then::Warn => Answer::Warning,
        Then::Allow => Answer::Note,
    }
}

pub fn verdict(findings: &[Found]) -> Verdict {
    let any = |answer| findings.iter().any(|f| f.answer == answer);
    if any(Answer::Fail) {
        Verdict::Fail
    } else if any(Answer::Unknown) {
        Verdict::Unknown
    } else {
        Verdict::Pass
    }
}

/// `3 findings (1 critical, 2 high; 1 new), 1 waived, seen by Grype, Trivy`.
pub fn numbers(outcome: &Outcome<'_>) -> String {
    let mut text = match outcome.findings.len() {
        0 => "no findings".to_owned(),
        n => {
            let counts = outcome.counts();
            let by = Severity::WORST_FIRST
                .iter()
                .filter_map(|s| counts.get(s).map(|(all, _)| format!("{all} {s}")))
                .collect::<Vec<_>>()
                .join(", ");
            let new = outcome.new.iter().filter(|new| **new).count();
            format!("{n} finding{} ({by}; {new} new)", if n == 1 { "" } else { "s" })
        }
    };
    if outcome.waived > 0 {
        text.push_str(&format!(", {} waived", outcome.waived));
    }
    if let Some(tests) = outcome.tests {
        text.push_str(&format!(", {} tests", tests.total));
    }
    if let Some(percent) = outcome.coverage.and_then(Coverage::percent) {
        text.push_str(&format!(", {percent:.1} % covered"));
    }
    text
}

/// The worst of what the policy objects to, one by one, and how many more there are.
pub fn listed(outcome: &Outcome<'_>, policy: &Policy, compared: bool, findings: &mut Vec<Found>) {
    let objected = || by_objection(outcome).filter_map(|at| outcome.objection(at));
    for objection in objected().take(LISTED) {
        let Some(finding) = outcome.findings.get(objection.finding) else { continue };
        let mut title: String = finding.title.chars().take(SHOWN).collect();
        if title.len() < finding.title.len() {
            title.push('…');
        }
        let mut what = finding.id().to_owned();
        if let Some(package) = finding.package_name() {
            what = format!("{what} in {package}");
        }
        let why = reason(objection.why, policy);
        let message =
            format!("{} {what}: {title} ({why}; {})", finding.severity, finding.scanners.join(", "));
        let mut found = Found::new(answer(objection.then), "scan-finding", message).hint(hint(finding));
        if let Some(place) = finding.places.first() {
            let more = finding.places.len() - 1;
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            found = found.at(format!("{place}{more}"));
        }
        findings.push(found);
    }
    let of = |then| objected().skip(LISTED).filter(|o| o.then == then).count();
    for then in [Then::Block, Then::Unknown, Then::Warn] {
        let more = of(then);
        if more > 0 {
            findings.push(
                Found::new(
                    answer(then),
                    "scan-finding",
                    format!("and {more} more finding{} like these", if more == 1 { "" } else { "s" }),
                )
                .hint("`--result FILE` writes them all"),
            );
        }
    }
    let tolerated = outcome.findings.len() - outcome.objections.len();
    if tolerated > 0 {
        let known = if compared { ", known or" } else { "" };
        findings.push(Found::new(
            Answer::Note,
            "scan-tolerated",
            format!(
                "{tolerated} other finding{}{known} within what the policy allows",
                if tolerated == 1 { "" } else { "s" }
            ),
        ));
    }
}

/// What would turn it.
fn hint(finding: &Finding) -> String {
    match finding.kind {
        Kind::Secret => "revoke it, then take it out of the code and its history".to_owned(),
        Kind::Package if !finding.fixed.is_empty() => {
            format!("update to {}, or add a waiver with an owner and an end", finding.fixed.join(" or "))
        }
        Kind::Package => {
            "no fixed version is named: replace it, or add a waiver with an owner and an end".to_owned()
        }
        _ => "change the code, or add a waiver with an owner and an end".to_owned(),
    }
}

pub fn tests_found(run: &Tests, policy: &Policy) -> Option<Found> {
    let then = tests(run, policy)?;
    let some: Vec<&str> = run.failures.iter().take(3).map(String::as_str).collect();
    let more = if run.failures.len() > some.len() { ", …" } else { "" };
    let message = format!("{} of {} tests failed: {}{more}", run.failed, run.total, some.join(", "));
    Some(Found::new(answer(then), "scan-tests", message))
}

/// What is to be said of the waivers themselves.
pub fn waivers_found(
    waivers: &[Waiver],
    used: &[usize],
    today: jiff::civil::Date,
    terms: Terms,
    findings: &mut Vec<Found>,
) {
    for (waiver, used) in waivers.iter().zip(used) {
        let mut name = waiver.id.clone();
        if let Some(package) = &waiver.package {
            name.push_str(&format!(" in {package}"));
        }
        let owner = &waiver.owner;
        let warn = |text: String| Found::new(Answer::Warning, "scan-waiver", text);
        match waiver.state(today, terms) {
            State::TooLong(days) => findings.push(
                Found::new(
                    Answer::Fail,
                    "scan-waiver",
                    format!(
                        "the waiver of {name} ends in {days} days; at most {} are allowed",
                        terms.longest
                    ),
                )
                .hint(format!("{owner} must name an earlier end")),
            ),
            State::Ended if *used > 0 => findings.push(
                warn(format!("the waiver of {name} ended on {}", waiver.until))
                    .hint(format!("{owner} must fix it, or answer for it anew")),
            ),
            _ if *used == 0 => {
                findings.push(warn(format!("the waiver of {name} covers nothing")).hint("take it out"));
            }
            State::Ends(days) => findings.push(
                warn(format!("the waiver of {name} ends in {days} days, on {}", waiver.until))
                    .hint(format!("{owner} answers for it: {}", waiver.reason)),
            ),
            State::Ended | State::Applies => {}
        }
    }
}
