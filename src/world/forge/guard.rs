//! What guards a branch and the tags of a repository: rule sets, protection, push rules.

use super::Answer;

/// One thing that is asked of whoever changes a branch or makes a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// What is asked.
    pub rule: Rule,
    /// What asks for it, by the forge's own name.
    pub by: String,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Signed commits.
    Signed,
    /// That changes come by requests, with so many approvals.
    ByRequest(u64),
    /// That these checks have passed before a commit gets there.
    Checks(Vec<String>),
    /// That only some may push.
    FewPush,
    /// That commits have one parent.
    Linear,
    /// That only some may make tags: those of this pattern, or some that the forge does not say here.
    FewTag(Option<String>),
    /// A text that messages, authors or names must fit.
    Pattern(String),
    /// It is guarded, and this token may not see by what.
    Hidden,
}

/// What may be asked about guards. Nothing here changes anything.
pub trait GuardView {
    /// What guards a branch, and the tags.
    fn guards(&self, branch: &str) -> Answer<Vec<Guard>>;
}
