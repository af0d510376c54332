//! The changelog: what of history it lists, as text by templates, put into a file without touching what people wrote.

mod insert;
mod model;
mod render;

pub use insert::{Heading, PREAMBLE, headings, insert, insert_unreleased};
pub use model::{Entry, Release, Section};
pub use render::{Templates, text};

use std::sync::Arc;

use crate::rules::bump::Pattern;
use crate::rules::commit::Reading;
use crate::rules::links::Links;
use crate::rules::revert::{Commit, Fate, cancelled};

/// Which changes a changelog lists, under which titles.
#[derive(Debug, Clone)]
pub struct Sections(Vec<(Arc<str>, Vec<Pattern>)>);

impl Default for Sections {
    /// The change types of [Keep a Changelog 1.1.0](https://keepachangelog.com/en/1.1.0/) that commits can tell.
    fn default() -> Self {
        let all = [
            ("Security", &["security", "fix(security)"][..]),
            ("Added", &["feat"]),
            ("Changed", &["perf", "revert", "*!"]),
            ("Deprecated", &["deprecate", "deprecated"]),
            ("Removed", &["remove", "removed"]),
            ("Fixed", &["fix"]),
        ];
        let pattern = |text: &&str| text.parse().ok();
        Sections(
            all.into_iter()
                .map(|(title, types)| (title.into(), types.iter().filter_map(pattern).collect()))
                .collect(),
        )
    }
}

impl Sections {
    /// Sections of one's own: titles with their patterns.
    pub fn new(sections: impl IntoIterator<Item = (String, Vec<Pattern>)>) -> Self {
        Sections(sections.into_iter().map(|(title, types)| (title.into(), types)).collect())
    }

    /// Sorts the changes of some commits, newest first, into sections. A change goes to the section with the most
    /// specific pattern for it, the first of those that are as specific; what reverts and is reverted within the
    /// commits is left out, as it is for the version.
    pub fn sort(
        &self,
        commits: &[Commit<'_>],
        authors: &[&str],
        reading: Reading,
        links: Option<&Links>,
    ) -> Vec<Arc<Section>> {
        let fates = cancelled(commits);
        let mut sections: Vec<Section> =
            self.0.iter().map(|(title, _)| Section { title: title.clone(), entries: Vec::new() }).collect();
        for (at, commit) in commits.iter().enumerate() {
            if fates[at] != Fate::Kept {
                continue;
            }
            for change in commit.message.counting(reading) {
                let (type_, breaking) = (change.type_lower(), change.is_breaking());
                // `feat` lists breaking features too; `*!` takes what breaks and no other section lists.
                let lists = |pattern: &Pattern| {
                    pattern.matches(change, type_.as_deref(), breaking)
                        || pattern.matches(change, type_.as_deref(), false)
                };
                let place = self
                    .0
                    .iter()
                    .enumerate()
                    .flat_map(|(s, (_, patterns))| patterns.iter().map(move |p| (s, p)))
                    .filter(|(_, pattern)| lists(pattern))
                    .max_by_key(|(s, pattern)| (pattern.specificity(), std::cmp::Reverse(*s)));
                if let Some((section, _)) = place {
                    let author = authors.get(at).copied().unwrap_or_default();
                    sections[section].entries.push(Arc::new(Entry::new(change, commit.id, author, links)));
                }
            }
        }
        for section in &mut sections {
            section.entries.sort_by_key(|entry| !entry.breaking);
        }
        sections.into_iter().filter(|section| !section.entries.is_empty()).map(Arc::new).collect()
    }
}
