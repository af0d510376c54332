//! How a command ended, as HTML within Markdown.

use super::values::Ending;
use crate::plan::Answer;
use crate::rules::text::{Newlines, inert};

/// Text between tags. Blank lines would end the HTML, so there are no line breaks.
fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in inert(text, Newlines::Flatten).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // No mention is made of anybody.
            '@' => out.push_str("&#64;"),
            c => out.push(c),
        }
    }
    out
}

/// The headline, and the error where there is one.
pub fn head(ending: Ending<'_>) -> String {
    let summary = ending.plan.map_or("release-steps", |plan| plan.summary.as_str());
    let mut out = format!("<h3>{}</h3>\n<p>{}</p>\n", text(summary), ending.outcome());
    if let Some(error) = ending.error {
        out.push_str(&format!("<p>❌ {}</p>\n", text(&error.to_string())));
        if let Some(hint) = &error.hint {
            out.push_str(&format!("<p>→ {}</p>\n", text(hint)));
        }
    }
    out
}

/// What was found and what was done, a line for each.
pub fn rows(ending: Ending<'_>) -> Vec<String> {
    let Some(plan) = ending.plan else { return Vec::new() };
    let mut out = Vec::new();
    for finding in &plan.findings {
        let mark = match finding.answer {
            Answer::Pass => "✅",
            Answer::Note => "ℹ️",
            Answer::Warning => "⚠️",
            Answer::Unknown => "❔",
            Answer::Fail => "❌",
        };
        let at = finding.at.as_ref().map_or_else(String::new, |at| format!(" <code>{}</code>", text(at)));
        let hint = finding.hint.as_ref().map_or_else(String::new, |hint| format!("<br>→ {}", text(hint)));
        out.push(format!(
            "<p>{mark} <b>{}</b>: {}{at}{hint}</p>\n",
            text(&finding.check),
            text(&finding.message)
        ));
    }
    for (at, effect) in plan.effects() {
        let done = ending.report.is_some_and(|report| report.iter().any(|(place, _)| *place == at));
        let mark = if done { "✅" } else { "▫️" };
        out.push(format!("<p>{mark} <code>{at}</code> {}</p>\n", text(&effect.to_string())));
    }
    out
}
