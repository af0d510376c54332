//! Issues, and the names of what CI jobs get as variables: never their values.

use std::collections::BTreeSet;

use super::Answer;

/// The names that jobs of an environment get.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// The names of variables and secrets.
    pub known: BTreeSet<String>,
    /// What could not be seen, and might hold more: `secrets of the organization`.
    pub hidden: Vec<String>,
}

/// An issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Its number.
    pub number: u64,
    /// Its page.
    pub url: String,
}

/// What a new issue says.
#[derive(Debug, Clone, Copy)]
pub struct IssueText<'t> {
    /// The title.
    pub title: &'t str,
    /// The text, in Markdown.
    pub body: &'t str,
    /// Its labels.
    pub labels: &'t [String],
}

/// What may be asked.
pub trait DeskView {
    /// The names of the variables and secrets that jobs of an environment get.
    fn variable_names(&self, environment: &str) -> Answer<Names>;
    /// The newest issue with one of these labels, open or closed, whose text holds this mark.
    fn issue_with(&self, mark: &str, label: &str) -> Answer<Option<Issue>>;
}

/// What may be done.
pub trait Desk {
    /// Opens an issue.
    fn open_issue(&self, text: IssueText<'_>) -> Answer<Issue>;
}
