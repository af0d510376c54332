//! What is said about checks: a table for people, JUnit for machines.

use std::fmt::Write as _;

use super::judge::shown;
use super::{Outcome, Verdict};
use crate::rules::markup::xml;
use crate::rules::text::Newlines::Keep;

/// How wide the names of the table may be.
const NAME: usize = 60;

/// How many of each: `3 pass, 2 fail`.
pub fn numbers(outcomes: &[Outcome]) -> String {
    let count = |verdict| outcomes.iter().filter(|o| o.verdict == verdict).count();
    let parts: Vec<String> =
        [(Verdict::Pass, "pass"), (Verdict::Fail, "fail"), (Verdict::Unknown, "unknown")]
            .into_iter()
            .filter(|(verdict, _)| count(*verdict) > 0)
            .map(|(verdict, word)| format!("{} {word}", count(verdict)))
            .collect();
    parts.join(", ")
}

/// A line for each check: verdict, name, how long, how often, why.
pub fn table(outcomes: &[Outcome]) -> Vec<String> {
    let cut = |name: &str| match name.chars().count() > NAME {
        true => format!("{}…", name.chars().take(NAME - 1).collect::<String>()),
        false => name.to_owned(),
    };
    let rows: Vec<[String; 4]> = outcomes
        .iter()
        .map(|o| {
            let tries = if o.tries == 1 { "1 try".to_owned() } else { format!("{} tries", o.tries) };
            [word(o.verdict).to_owned(), cut(&o.name), shown(o.ms as f64 / 1e3), tries]
        })
        .collect();
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    rows.iter()
        .zip(outcomes)
        .map(|(row, outcome)| {
            let [verdict, name, time, tries] = row;
            format!(
                "{verdict:<0$}  {name:<1$}  {time:>2$}  {tries:<3$}  {4}",
                widths[0], widths[1], widths[2], widths[3], outcome.why
            )
            .trim_end()
            .to_owned()
        })
        .collect()
}

/// The verdict in a word.
pub fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Unknown => "unknown",
        Verdict::Fail => "fail",
    }
}

/// JUnit XML: a case for each check, failed or in error, with what earlier tries came to
/// (<https://github.com/testmoapp/junitxml>).
pub fn junit(suite: &str, outcomes: &[Outcome]) -> String {
    let count = |verdict| outcomes.iter().filter(|o| o.verdict == verdict).count();
    let longest = outcomes.iter().map(|o| o.ms).max().unwrap_or(0);
    let seconds = |ms: u64| format!("{}.{:03}", ms / 1000, ms % 1000);
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\"",
        outcomes.len(),
        count(Verdict::Fail),
        count(Verdict::Unknown)
    );
    let suite = xml(suite, Keep);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"release-steps smoke\" {counts}>\n  \
         <testsuite name=\"{suite}\" {counts} skipped=\"0\" time=\"{}\">\n",
        seconds(longest)
    );
    for outcome in outcomes {
        let _ = writeln!(
            out,
            "    <testcase name=\"{}\" classname=\"smoke.{}\" time=\"{}\">",
            xml(&outcome.name, Keep),
            outcome.kind,
            seconds(outcome.ms)
        );
        let _ = writeln!(
            out,
            "      <properties>\n        <property name=\"tries\" value=\"{}\"/>\n      </properties>",
            outcome.tries
        );
        let element = match outcome.verdict {
            Verdict::Pass => None,
            Verdict::Fail => Some("failure"),
            Verdict::Unknown => Some("error"),
        };
        if let Some(element) = element {
            let _ = writeln!(out, "      <{element} message=\"{}\"/>", xml(&outcome.why, Keep));
        }
        if !outcome.before.is_empty() {
            let _ = writeln!(out, "      <system-out>{}</system-out>", xml(&outcome.before.join("\n"), Keep));
        }
        out.push_str("    </testcase>\n");
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}
