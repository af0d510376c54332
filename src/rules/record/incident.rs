//! The text of an incident: severity, response time, timeline, and the draft of the post-mortem.

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Zoned};
use serde::Serialize;

use super::{Record, page};
use crate::rules::markup::cell;

/// How bad it is, and how fast somebody must respond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "UPPERCASE")]
#[value(rename_all = "UPPER")]
pub enum Severity {
    /// A complete outage: 15 minutes.
    Sev1,
    /// Major functionality is impaired: 1 hour.
    Sev2,
    /// Minor impact: 4 hours.
    Sev3,
    /// Cosmetic, or no impact: 1 business day.
    Sev4,
}

impl Severity {
    /// `SEV1`.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Sev1 => "SEV1",
            Severity::Sev2 => "SEV2",
            Severity::Sev3 => "SEV3",
            Severity::Sev4 => "SEV4",
        }
    }

    fn means(self) -> &'static str {
        match self {
            Severity::Sev1 => "complete outage; respond within 15 minutes",
            Severity::Sev2 => "major functionality impaired; respond within 1 hour",
            Severity::Sev3 => "minor impact; respond within 4 hours",
            Severity::Sev4 => "cosmetic or no impact; respond within 1 business day",
        }
    }

    /// By when somebody must have responded: business days are Monday to Friday.
    pub fn respond_by(self, from: &Zoned) -> Zoned {
        let span = match self {
            Severity::Sev1 => 15.minutes(),
            Severity::Sev2 => 1.hour(),
            Severity::Sev3 => 4.hours(),
            Severity::Sev4 => {
                let days = match from.weekday().to_monday_one_offset() {
                    5 => 3,
                    6 => 2,
                    _ => 1,
                };
                days.days()
            }
        };
        from.checked_add(span).unwrap_or_else(|_| from.clone())
    }
}

/// What is known of an incident.
#[derive(Debug, Clone)]
pub struct Incident<'i> {
    /// The title.
    pub title: &'i str,
    /// How bad it is.
    pub severity: Severity,
    /// Where.
    pub environment: Option<&'i str>,
    /// When it began.
    pub began: &'i Zoned,
    /// What is known, in a person's words.
    pub text: &'i str,
    /// What was deployed before, sorted by time.
    pub records: &'i [Record],
}

/// The text, in Markdown.
pub fn markdown(incident: &Incident<'_>) -> String {
    let minute = |at: Timestamp| at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string();
    let severity = incident.severity;
    let mut out = String::new();
    let _ = writeln!(out, "| | |\n| --- | --- |");
    let _ = writeln!(out, "| Severity | **{}**: {} |", severity.name(), severity.means());
    if let Some(environment) = incident.environment {
        let _ = writeln!(out, "| Environment | {} |", cell(environment));
    }
    let _ = writeln!(out, "| Began | {} |", minute(incident.began.timestamp()));
    let _ = writeln!(out, "| Respond by | {} |", minute(severity.respond_by(incident.began).timestamp()));
    if !incident.text.trim().is_empty() {
        let _ = writeln!(out, "\n{}", cell(incident.text.trim()));
    }
    let _ = writeln!(out, "\n## Timeline\n");
    for record in incident.records {
        let who = record.who.as_ref().map_or(String::new(), |who| format!(", {}", cell(who)));
        let what = format!("{}: {}", page::title(record), page::status(record));
        let _ = writeln!(out, "- {} {}{who}", minute(record.started), cell(&what));
        if let Some(why) = &record.why {
            let _ = writeln!(out, "  - {}", cell(&why.message));
        }
    }
    let _ = writeln!(out, "- {} {}", minute(incident.began.timestamp()), cell(incident.title));
    let _ =
        writeln!(out, "- … detected by:\n- … responded:\n- … mitigated (rollback or hotfix):\n- … resolved:");
    out.push_str(
        "\n## Post-mortem (draft)\n\n\
         - **Impact:** who noticed what, for how long\n\
         - **Root cause:**\n\
         - **What went well:**\n\
         - **What went badly:**\n\
         - **Where we were lucky:**\n\n\
         ### Actions\n\n\
         - [ ] what, who, until when\n",
    );
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_business_day_skips_the_weekend() {
        let by = |at: &str| {
            let at: Timestamp = at.parse().unwrap();
            Severity::Sev4.respond_by(&at.to_zoned(TimeZone::UTC)).timestamp().to_string()
        };
        assert_eq!(by("2026-02-03T10:00:00Z"), "2026-02-04T10:00:00Z");
        assert_eq!(by("2026-02-06T10:00:00Z"), "2026-02-09T10:00:00Z");
        assert_eq!(by("2026-02-07T10:00:00Z"), "2026-02-09T10:00:00Z");
        assert_eq!(by("2026-02-08T10:00:00Z"), "2026-02-09T10:00:00Z");
    }

    #[test]
    fn text_from_outside_stays_text() {
        let at: Timestamp = "2026-02-03T10:00:00Z".parse().unwrap();
        let began = at.to_zoned(TimeZone::UTC);
        let text = markdown(&Incident {
            title: "@everyone <script>|x",
            severity: Severity::Sev1,
            environment: Some("a|b"),
            began: &began,
            text: "![x](y)",
            records: &[],
        });
        for bad in ["@everyone", "<script>", "a|b", "![x]"] {
            assert!(!text.contains(bad), "{bad}:\n{text}");
        }
        assert!(text.contains("| Respond by | 2026-02-03 10:15 UTC |"), "{text}");
    }
}
