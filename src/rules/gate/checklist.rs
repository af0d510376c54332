//! Checklists: items ticked in the text of a request or a file, or proved by another check.
//!
//! Task lists are those of GitHub Flavored Markdown (<https://github.github.com/gfm/#task-list-items-extension->), which
//! GitLab shares (<https://docs.gitlab.com/user/markdown/#task-lists>).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::rules::gate::{Answer, Verdict, brief};

/// Items that must be ticked.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ChecklistConfig {
    /// A file with the list, from the top of the repository.
    pub file: Option<String>,
    /// Whether the list stands in the text of the pull or merge request that brought the commit.
    pub request: bool,
    /// The number of the issue in whose text the list stands.
    pub issue: Option<u64>,
    /// The items: texts with which a line of the list begins, or `{item: Backup, proved_by: backup}`. Without, every
    /// box of the list must be ticked.
    pub items: Vec<Item>,
}

/// An item of a checklist.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Item {
    /// The text with which its line begins.
    Ticked(String),
    /// An item for which another check of the gate answers.
    Proved(ProvedItem),
}

/// An item for which another check of the gate answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProvedItem {
    /// The item.
    pub item: String,
    /// The name of the check.
    pub proved_by: String,
}

/// A line of a task list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Task {
    /// Its text, without marks of emphasis.
    pub text: String,
    /// Whether it is ticked.
    pub ticked: bool,
}

/// What is known of a checklist.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Checklist {
    /// Where the list stands; none when every item is proved by a check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Its lines.
    pub tasks: Vec<Task>,
}

impl ChecklistConfig {
    /// What is wrong with it, if anything.
    pub fn refused(&self) -> Option<String> {
        let sources =
            usize::from(self.file.is_some()) + usize::from(self.request) + usize::from(self.issue.is_some());
        let ticked = self.items.is_empty() || self.items.iter().any(|i| matches!(i, Item::Ticked(_)));
        match sources {
            0 if ticked => Some("where does the list stand? `file`, `request` or `issue`".to_owned()),
            2.. => Some("only one of `file`, `request`, `issue` may say where the list stands".to_owned()),
            _ if self.items.iter().any(|i| matches!(i, Item::Ticked(text) if plain(text).is_empty())) => {
                Some("an item has no text".to_owned())
            }
            _ => None,
        }
    }

    /// Whether a text must be read.
    pub fn needs_text(&self) -> bool {
        self.file.is_some() || self.request || self.issue.is_some()
    }

    /// The checks that items are proved by.
    pub fn proofs(&self) -> impl Iterator<Item = &str> {
        self.items.iter().filter_map(|item| match item {
            Item::Proved(proved) => Some(proved.proved_by.as_str()),
            Item::Ticked(_) => None,
        })
    }

    /// The answer, with those of the checks that prove items.
    pub fn answer(&self, list: &Checklist, others: &BTreeMap<String, Answer>) -> Answer {
        let source = list.source.as_deref().unwrap_or("the checklist");
        let mut done = 0;
        let mut open = Vec::new();
        let mut unknown = Vec::new();
        if self.items.is_empty() {
            done = list.tasks.iter().filter(|t| t.ticked).count();
            open.extend(list.tasks.iter().filter(|t| !t.ticked).map(|t| brief(&t.text)));
            if list.tasks.is_empty() {
                return Answer::fail(format!("{source} has no list with boxes"))
                    .turn("write the list: lines that begin with `- [ ]`");
            }
        }
        for item in &self.items {
            match item {
                Item::Ticked(text) => {
                    let wanted = plain(text);
                    let named: Vec<&Task> =
                        list.tasks.iter().filter(|t| begins(&plain(&t.text), &wanted)).collect();
                    match named.as_slice() {
                        [] => open.push(format!("{} (not in the list)", brief(text))),
                        // One that stands there twice is done when both are.
                        all if all.iter().all(|t| t.ticked) => done += 1,
                        _ => open.push(brief(text)),
                    }
                }
                Item::Proved(proved) => match others.get(&proved.proved_by).map(|a| a.verdict) {
                    Some(Verdict::Pass) => done += 1,
                    Some(Verdict::Fail) => open.push(format!("{} ({} fails)", proved.item, proved.proved_by)),
                    Some(Verdict::Unknown) => {
                        unknown.push(format!("{} ({} is unknown)", proved.item, proved.proved_by));
                    }
                    None => unknown.push(format!("{} ({} was not asked)", proved.item, proved.proved_by)),
                },
            }
        }
        let all = done + open.len() + unknown.len();
        if !open.is_empty() {
            return Answer::fail(format!("{done} of {all} items are done; open: {}", open.join(", ")))
                .turn(format!("do them and tick them in {source}"));
        }
        if !unknown.is_empty() {
            return Answer::unknown(format!(
                "{done} of {all} items are done; unknown: {}",
                unknown.join(", ")
            ));
        }
        Answer::pass(format!("all {all} items are done"))
    }
}

/// The lines of the task lists in a Markdown text, but for those in fenced code and comments.
pub fn tasks(markdown: &str) -> Vec<Task> {
    let mut found = Vec::new();
    let mut fence: Option<(char, usize)> = None;
    let mut comment = false;
    for line in markdown.lines() {
        let text = line.trim_start();
        if comment {
            comment = !line.contains("-->");
            continue;
        }
        let mark = text.chars().next().filter(|c| matches!(c, '`' | '~'));
        let length = mark.map_or(0, |mark| text.chars().take_while(|c| *c == mark).count());
        match (fence, mark) {
            (Some((open, least)), Some(mark))
                if mark == open && length >= least && text[length..].trim().is_empty() =>
            {
                fence = None;
                continue;
            }
            (Some(_), _) => continue,
            (None, Some(mark)) if length >= 3 => {
                fence = Some((mark, length));
                continue;
            }
            _ => {}
        }
        if let Some((before, after)) = text.split_once("<!--")
            && before.is_empty()
        {
            comment = !after.contains("-->");
            continue;
        }
        found.extend(task(text));
    }
    found
}

fn task(line: &str) -> Option<Task> {
    let rest = match line.strip_prefix(['-', '*', '+']) {
        Some(rest) => rest,
        None => {
            let digits = line.bytes().take_while(u8::is_ascii_digit).count();
            (1..=9).contains(&digits).then_some(())?;
            line[digits..].strip_prefix(['.', ')'])?
        }
    };
    let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
    let ticked = match rest.as_bytes() {
        [b'[', b' ', b']', ..] => false,
        [b'[', b'x' | b'X', b']', ..] => true,
        _ => return None,
    };
    let text = rest[3..].strip_prefix([' ', '\t'])?.trim();
    Some(Task { text: text.chars().filter(|c| !matches!(c, '*' | '_' | '`')).collect(), ticked })
}

/// A text for comparison: without marks of emphasis, in lower case, white space as single spaces.
fn plain(text: &str) -> String {
    let bare: String = text.chars().filter(|c| !matches!(c, '*' | '_' | '`')).collect();
    bare.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a line begins with an item, up to the end of a word.
fn begins(line: &str, item: &str) -> bool {
    line.strip_prefix(item).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}
