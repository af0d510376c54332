//! The changelog: what of history it lists, as text by templates, put into a file without touching what people wrote.

mod insert;
mod markdown;
mod model;
mod render;

pub use insert::{Heading, PREAMBLE, headings, insert, insert_unreleased};
pub use model::{Contributor, Entry, Origin, Release, Section};
pub use render::{Templates, text};

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;

use crate::rules::bump::Pattern;
use crate::rules::commit::Reading;
use crate::rules::links::Links;
use crate::rules::revert::{Commit, Fate, cancelled};

/// Which changes a changelog lists, under which titles.
#[derive(Debug, Clone)]
pub struct Sections {
    titles: Vec<Arc<str>>,
    /// The patterns with the numbers of their sections: in this order, the first that takes a change has it.
    patterns: Vec<(Pattern, usize)>,
}

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
        Sections::new(
            all.into_iter()
                .map(|(title, types)| (title.to_owned(), types.iter().filter_map(pattern).collect())),
        )
    }
}

impl Sections {
    /// Sections of one's own: titles with their patterns.
    pub fn new(sections: impl IntoIterator<Item = (String, Vec<Pattern>)>) -> Self {
        let (mut titles, mut patterns) = (Vec::new(), Vec::new());
        for (title, types) in sections {
            patterns.extend(types.into_iter().map(|pattern| (pattern, titles.len())));
            titles.push(title.into());
        }
        patterns.sort_by_key(|(pattern, _)| Reverse(pattern.specificity()));
        Sections { titles, patterns }
    }

    /// Sorts the changes of some commits, newest first, into sections. A change goes to the section with the most
    /// specific pattern for it, the first of those that are as specific; what reverts and is reverted within the
    /// commits is left out, as it is for the version. `author` names who wrote a commit, by its place.
    pub fn sort<'a>(
        &self,
        commits: &[Commit<'_>],
        author: impl Fn(usize) -> Cow<'a, str>,
        reading: Reading,
        links: Option<&Links>,
    ) -> Vec<Arc<Section>> {
        let fates = cancelled(commits);
        let mut sections: Vec<Section> =
            self.titles.iter().map(|title| Section { title: title.clone(), entries: Vec::new() }).collect();
        for (at, commit) in commits.iter().enumerate() {
            if fates[at] != Fate::Kept {
                continue;
            }
            for change in commit.message.counting(reading) {
                let (type_, breaking) = (change.type_lower(), change.is_breaking());
                // `feat` lists breaking features too; `*!` takes what breaks and no other section lists.
                let lists = |pattern: &Pattern| {
                    pattern.matches(change, type_.as_deref(), false)
                        || (breaking && pattern.matches(change, type_.as_deref(), true))
                };
                if let Some((_, section)) = self.patterns.iter().find(|(pattern, _)| lists(pattern)) {
                    let entry = Entry::new(change, commit.id, &author(at), links);
                    sections[*section].entries.push(Arc::new(entry));
                }
            }
        }
        for section in &mut sections {
            section.entries.sort_by_key(|entry| !entry.breaking);
        }
        sections.into_iter().filter(|section| !section.entries.is_empty()).map(Arc::new).collect()
    }
}
