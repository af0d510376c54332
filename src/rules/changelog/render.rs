//! Text from releases, by minijinja templates.

use std::borrow::Cow;

use minijinja::value::Value;
use minijinja::{Environment, UndefinedBehavior};

use super::markdown::safe;
use super::model::Release;
use crate::error::{Error, Result};

const CHANGELOG: &str = include_str!("../../../templates/changelog.md.j2");
const NOTES: &str = include_str!("../../../templates/notes.md.j2");

/// The templates of the changelog and of the release notes.
///
/// What commits say is only ever a value: it is never read as a template. A name that does not exist is an error.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("md", markdown);
    environment
}

fn markdown(value: Value) -> std::result::Result<Value, minijinja::Error> {
    let text = value.as_str().ok_or_else(|| {
        minijinja::Error::new(
            minijinja::ErrorKind::InvalidOperation,
            "only text can be made safe for Markdown",
        )
    })?;
    Ok(match safe(text) {
        Cow::Borrowed(_) => value,
        Cow::Owned(text) => text.into(),
    })
}

fn wrong(name: &str, error: &minijinja::Error) -> Error {
    let place = error.line().map_or(name.to_owned(), |line| format!("{name}:{line}"));
    let mut detail = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(error) = cause {
        detail.push_str(&error.to_string());
        detail.push('\n');
        cause = error.source();
    }
    let what = error.detail().map_or_else(|| error.kind().to_string(), |d| format!("{}: {d}", error.kind()));
    Error::usage(format!("the template does not work: {what}")).at(place).detail(detail)
}

impl Templates {
    /// The built-in templates, each replaced where one is given as its file's name and text.
    pub fn new(changelog: Option<(&str, &str)>, notes: Option<(&str, &str)>) -> Result<Self> {
        let mut environment = environment();
        for (name, built_in, own) in [("changelog", CHANGELOG, changelog), ("notes", NOTES, notes)] {
            let (file, text) = own.unwrap_or((name, built_in));
            environment.add_template_owned(name, text.to_owned()).map_err(|e| wrong(file, &e))?;
        }
        Ok(Templates { environment })
    }

    /// One release for the changelog, its heading first.
    pub fn changelog(&self, release: Release) -> Result<String> {
        self.render("changelog", release)
    }

    /// The notes of a release, without a heading.
    pub fn notes(&self, release: Release) -> Result<String> {
        self.render("notes", release)
    }

    fn render(&self, name: &str, release: Release) -> Result<String> {
        let mut text = self
            .environment
            .get_template(name)
            .and_then(|template| template.render(Value::from_object(release)))
            .map_err(|e| wrong(name, &e))?;
        text.truncate(text.trim_end().len());
        text.push('\n');
        let blank = text.len() - text.trim_start().len();
        text.drain(..blank.min(text.len() - 1));
        Ok(text)
    }
}

/// Fills in a short text of the configuration, such as the message of the release commit; `field` is for the message.
pub fn text(field: &str, template: &str, values: Value) -> Result<String> {
    environment().render_str(template, values).map_err(|e| wrong(field, &e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::CommitId;
    use crate::rules::changelog::Sections;
    use crate::rules::commit::{Reading, parse};
    use crate::rules::links::Links;
    use crate::rules::revert::Commit;

    fn release(messages: &[&str]) -> Release {
        let commits: Vec<_> = messages
            .iter()
            .map(|message| Commit { id: CommitId::from_bytes([7; 20]), message: parse(message) })
            .collect();
        let links = Links::new("https://github.com/o/n");
        Release {
            version: Some("1.1.0".to_owned()),
            date: "2026-01-31".to_owned(),
            url: Some(links.compare("v1.0.0", "v1.1.0").into()),
            sections: Sections::default().sort(&commits, |_| "".into(), Reading::default(), Some(&links)),
            ..Release::default()
        }
    }

    #[test]
    fn the_built_in_changelog() {
        let templates = Templates::new(None, None).expect("they parse");
        let text = templates
            .changelog(release(&[
                "feat(api): list <T> of `<U>` (#12)",
                "fix!: drop it\n\nBREAKING CHANGE: it is\n  gone",
                "chore: nothing",
                "fix: two",
            ]))
            .expect("it renders");
        assert_eq!(
            text,
            "## [1.1.0](https://github.com/o/n/compare/v1.0.0...v1.1.0) - 2026-01-31\n\n\
             ### Added\n\n- **api:** list \\<T> of `<U>` ([#12](https://github.com/o/n/pull/12))\n\n\
             ### Fixed\n\n- **Breaking:** drop it ([0707070707](https://github.com/o/n/commit/0707070707070707070707070707070707070707))\n  - it is   gone\n\
             - two ([0707070707](https://github.com/o/n/commit/0707070707070707070707070707070707070707))\n"
        );
    }

    #[test]
    fn nothing_to_list_is_said() {
        let templates = Templates::new(None, None).expect("they parse");
        let text = templates.notes(release(&["chore: x"])).expect("it renders");
        assert_eq!(
            text,
            "No changes that users would notice.\n**All changes**: https://github.com/o/n/compare/v1.0.0...v1.1.0\n"
        );
    }

    #[test]
    fn template_syntax_in_a_commit_is_text() {
        let templates = Templates::new(None, None).expect("they parse");
        let text =
            templates.notes(release(&["fix: {{ 7 * 7 }} {% for %} \u{1b}[31mred"])).expect("it renders");
        assert!(text.contains("- {{ 7 * 7 }} {% for %} red ("), "{text}");
    }

    #[test]
    fn a_wrong_name_is_an_error_with_its_line() {
        let templates = Templates::new(Some(("my.j2", "a\n{{ verzion }}")), None).expect("it parses");
        let error = templates.changelog(release(&[])).expect_err("it does not render");
        assert_eq!(error.at.as_deref(), Some("changelog:2"));
        let error = Templates::new(Some(("my.j2", "a\n{% if %}")), None).expect_err("it does not parse");
        assert_eq!(error.at.as_deref(), Some("my.j2:2"));
    }
}
