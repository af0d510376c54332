//! Sections of the changelog, from the commits of a range or of the whole history.

use std::sync::Arc;

use jiff::Zoned;

use crate::config::SectionConfig;
use crate::data::CommitId;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::redact::Redactor;
use crate::rules::bump::Pattern;
use crate::rules::changelog::{PREAMBLE, Release, Section, Sections, Templates};
use crate::rules::commit::{Reading, parse};
use crate::rules::links::Links;
use crate::rules::revert::Commit;
use crate::survey::{Package, Released, Text, commits, is_about, links, reading};

/// Writes sections as the configuration wants them.
pub struct Writer {
    sections: Sections,
    templates: Templates,
    links: Option<Links>,
    reading: Reading,
    /// A commit's message may hold a secret, and a changelog is read by more people than a history.
    redactor: Redactor,
}

/// A date as a changelog has it: `2026-11-21`.
pub fn dated(when: &Zoned) -> String {
    when.date().to_string()
}

impl Writer {
    /// Reads the configuration and the templates that it names.
    pub fn new(facts: &Facts<'_>) -> Result<Self> {
        let config = &facts.config.changelog;
        let template = |path: &Option<String>, field: &str| -> Result<Option<(String, String)>> {
            let Some(path) = path else { return Ok(None) };
            match facts.read(path)? {
                Some(text) => Ok(Some((path.clone(), text))),
                None => Err(Error::usage(format!("the template `{path}` is not there")).at(field.to_owned())),
            }
        };
        let (own, notes) =
            (template(&config.template, "changelog.template")?, template(&config.notes, "changelog.notes")?);
        let pair = |t: &Option<(String, String)>| t.as_ref().map(|(path, text)| (path.clone(), text.clone()));
        let (own, notes) = (pair(&own), pair(&notes));
        Ok(Writer {
            sections: match &config.sections {
                None => Sections::default(),
                Some(sections) => of_config(sections)?,
            },
            templates: Templates::new(
                own.as_ref().map(|(path, text)| (path.as_str(), text.as_str())),
                notes.as_ref().map(|(path, text)| (path.as_str(), text.as_str())),
            )?,
            links: links(facts)?,
            reading: reading(facts),
            redactor: facts.redactor(),
        })
    }

    /// A release: the commits of its range, the release before it, and the tag and version that it gets.
    pub fn release(
        &self,
        package: &Package,
        texts: &[Text],
        previous: Option<&Released>,
        tagged: Option<(&str, &semver::Version)>,
    ) -> Release {
        let author = |at: usize| texts.get(at).map_or("", |t| t.author.as_str()).into();
        let sections = self.sections.sort(&commits(texts), author, self.reading, self.links.as_ref());
        self.made(package, sections, previous.map(|r| r.tag.as_str()), tagged)
    }

    fn made(
        &self,
        package: &Package,
        sections: Vec<Arc<Section>>,
        previous: Option<&str>,
        tagged: Option<(&str, &semver::Version)>,
    ) -> Release {
        let tag = tagged.map(|(tag, _)| tag);
        Release {
            version: tagged.map(|(_, version)| version.to_string()),
            url: match (&self.links, previous, tag) {
                (Some(links), Some(previous), Some(tag)) => Some(links.compare(previous, tag).into()),
                (Some(links), None, Some(tag)) => Some(links.tree(tag).into()),
                _ => None,
            },
            tag: tag.map(str::to_owned),
            previous: previous.map(str::to_owned),
            package: package.one_of_many.then(|| package.name.clone()),
            sections,
            ..Release::default()
        }
    }

    /// A release's section for the changelog.
    pub fn changelog(&self, release: Release) -> Result<String> {
        Ok(self.redactor.without_tokens(self.templates.changelog(release)?))
    }

    /// A release's notes.
    pub fn notes(&self, release: Release) -> Result<String> {
        Ok(self.redactor.without_tokens(self.templates.notes(release)?))
    }
}

fn of_config(sections: &[SectionConfig]) -> Result<Sections> {
    let mut parsed = Vec::new();
    for section in sections {
        let mut patterns = Vec::new();
        for text in &section.types {
            let pattern: Pattern = text.parse().map_err(|e| {
                Error::usage(format!("{e}")).at(format!("changelog.sections: {}", section.title))
            })?;
            patterns.push(pattern);
        }
        parsed.push((section.title.clone(), patterns));
    }
    Ok(Sections::new(parsed))
}

/// The whole changelog of a package, newest release first: each commit is read once and listed in the first release that
/// has it.
pub fn full(
    facts: &Facts<'_>,
    writer: &Writer,
    package: &Package,
    head: CommitId,
    out: &mut String,
) -> Result<()> {
    let tags = facts.tags()?;
    let mut releases: Vec<(semver::Version, &str, CommitId)> = tags
        .iter()
        .filter_map(|tag| Some((package.tags.parse(&tag.name)?, tag.name.as_str(), tag.commit)))
        .collect();
    releases.sort_by(|a, b| a.0.cmp(&b.0));
    let repo = facts.repo();
    let history = repo.history(&[head], &[])?;
    if !history.boundary().is_empty() {
        return Err(crate::facts::too_shallow("the whole changelog needs the whole history"));
    }
    let marks: Vec<(CommitId, usize)> =
        releases.iter().enumerate().map(|(at, (_, _, id))| (*id, at)).collect();
    let owners = history.split(&marks);

    // The commits of each release, and of none, in the order of history: the newest first.
    let mut of_release: Vec<Vec<usize>> = vec![Vec::new(); releases.len() + 1];
    let mut contained: Vec<Option<i64>> = vec![None; releases.len()];
    for (at, (owner, commit)) in owners.iter().zip(history.iter()).enumerate() {
        let place = owner.unwrap_or(releases.len());
        if let Some(owner) = owner {
            contained[*owner].get_or_insert(commit.committer_seconds());
        }
        if is_about(facts, package, commit.id())? {
            of_release[place].push(at);
        }
    }
    out.push_str(PREAMBLE);
    let mut section = |numbers: &[usize], previous: Option<&str>, tagged, date: String| -> Result<()> {
        let read: Vec<_> =
            numbers.iter().filter_map(|at| history.get(*at)).map(|c| (c, c.message())).collect();
        let commits: Vec<Commit<'_>> =
            read.iter().map(|(c, message)| Commit { id: c.id(), message: parse(message) }).collect();
        let author = |at: usize| read[at].0.author_name();
        let sections = writer.sections.sort(&commits, author, writer.reading, writer.links.as_ref());
        let mut release = writer.made(package, sections, previous, tagged);
        release.date = date;
        out.push('\n');
        out.push_str(&writer.changelog(release)?);
        Ok(())
    };
    let unreleased = &of_release[releases.len()];
    let last = releases.iter().enumerate().rev().find(|(at, _)| contained[*at].is_some());
    if !unreleased.is_empty() {
        section(unreleased, last.map(|(_, (_, tag, _))| *tag), None, String::new())?;
    }
    for (at, (version, tag, _)) in releases.iter().enumerate().rev() {
        // A release on another branch is not in this history; a second tag of the same commit adds nothing.
        let Some(seconds) = contained[at] else { continue };
        let previous = (0..at).rev().find(|p| contained[*p].is_some()).map(|p| releases[p].1);
        let date = jiff::Timestamp::from_second(seconds)
            .map(|t| t.to_zoned(facts.now.time_zone().clone()).date().to_string())
            .unwrap_or_default();
        section(&of_release[at], previous, Some((tag, version)), date)?;
    }
    Ok(())
}
