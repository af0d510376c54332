//! The texts of messages, by minijinja templates: the first line is the title, the rest is the body in Markdown.

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior};

use super::Event;
use crate::error::{Error, Result};
use crate::rules::text::{Newlines, inert};

/// What templates may use; each is an empty text where it is not known.
pub const NAMES: [&str; 13] = [
    "name",
    "version",
    "environment",
    "at",
    "until",
    "window",
    "previous",
    "commit",
    "who",
    "url",
    "notes",
    "text",
    "history",
];

/// A message's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// One line.
    pub title: String,
    /// Markdown; may be empty.
    pub body: String,
}

fn built_in(event: Event) -> &'static str {
    match event {
        Event::Announcement => include_str!("../../../templates/notify/announcement.md.j2"),
        Event::Maintenance => include_str!("../../../templates/notify/maintenance.md.j2"),
        Event::Reminder => include_str!("../../../templates/notify/reminder.md.j2"),
        Event::Started => include_str!("../../../templates/notify/started.md.j2"),
        Event::Progress => include_str!("../../../templates/notify/progress.md.j2"),
        Event::Done => include_str!("../../../templates/notify/done.md.j2"),
        Event::Failed => include_str!("../../../templates/notify/failed.md.j2"),
        Event::Rollback => include_str!("../../../templates/notify/rollback.md.j2"),
        Event::Cancelled => include_str!("../../../templates/notify/cancelled.md.j2"),
        Event::Report => include_str!("../../../templates/notify/report.md.j2"),
        Event::Incident => include_str!("../../../templates/notify/incident.md.j2"),
    }
}

/// Renders the message of an event, by the template of the user (its file's name and text) where there is one.
///
/// What is told is only ever a value: it is never read as a template. A name that does not exist is an error.
pub fn render(event: Event, own: Option<(&str, &str)>, told: &BTreeMap<String, String>) -> Result<Text> {
    let (file, template) = own.unwrap_or((event.name(), built_in(event)));
    let wrong = |error: minijinja::Error| {
        let place = error.line().map_or(file.to_owned(), |line| format!("{file}:{line}"));
        let what =
            error.detail().map_or_else(|| error.kind().to_string(), |d| format!("{}: {d}", error.kind()));
        Error::usage(format!("the template does not work: {what}"))
            .at(place)
            .hint(format!("templates of messages know {}", NAMES.join(", ")))
    };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_template("message", template).map_err(wrong)?;
    let mut context: BTreeMap<&str, String> = NAMES.iter().map(|name| (*name, String::new())).collect();
    for (name, value) in told {
        if let Some(slot) = context.get_mut(name.as_str()) {
            *slot = inert(value, Newlines::Keep).trim().to_owned();
        }
    }
    let rendered = environment.get_template("message").and_then(|t| t.render(&context)).map_err(wrong)?;
    let rendered = inert(rendered.trim(), Newlines::Keep).into_owned();
    let (title, body) = rendered.split_once('\n').unwrap_or((&rendered, ""));
    let title = title.trim().trim_start_matches("# ").split_whitespace().collect::<Vec<_>>().join(" ");
    if title.is_empty() {
        return Err(Error::usage("the template says nothing").at(file).hint("its first line is the title"));
    }
    Ok(Text { title, body: without_gaps(body) })
}

/// The text without more than one empty line in a row.
fn without_gaps(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = true;
    for line in text.lines().map(str::trim_end) {
        if !(line.is_empty() && empty) {
            out.push_str(line);
            out.push('\n');
        }
        empty = line.is_empty();
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_event_has_a_text_with_little_and_with_much() {
        let all: Vec<(&str, &str)> = NAMES.iter().map(|name| (*name, "something")).collect();
        for event in Event::ALL {
            for told in [told(&[("name", "shop"), ("version", "1.2.3")]), told(&all)] {
                let text = render(event, None, &told).expect("a built-in template works");
                assert!(!text.title.is_empty() && !text.title.contains('\n'), "{event}: {text:?}");
                assert!(!text.title.contains("  ") && !text.body.contains("\n\n\n"), "{event}: {text:?}");
            }
        }
    }

    #[test]
    fn text_from_outside_is_no_template_and_moves_no_cursor() {
        let told = told(&[("name", "{{ version }}"), ("version", "1\u{1b}[2J"), ("text", "a\r\nb")]);
        let text = render(Event::Done, None, &told).expect("works");
        assert_eq!(text.title, "{{ version }} 1 is live");
        assert_eq!(text.body, "a\nb");
    }

    #[test]
    fn a_template_of_ones_own_says_where_it_is_wrong() {
        let error =
            render(Event::Done, Some(("t.j2", "x\n\n{{ nam }}")), &told(&[])).expect_err("no such name");
        assert_eq!(error.at.as_deref(), Some("t.j2:3"));
        assert!(render(Event::Done, Some(("t.j2", "\n")), &told(&[])).is_err());
    }
}
