//! What can be wrong with a commit message.

use std::fmt;

/// Something in a commit message that `version check` reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Warning {
    /// What is wrong.
    pub problem: Problem,
    /// The line, counted from 1 at the header.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
}

/// The sorts of [`Warning`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Problem {
    /// The header is not `type(scope): description` and nothing close to it.
    NotConventional,
    /// There is no header at all.
    Empty,
    /// `feat add x`.
    MissingColon,
    /// `feat : x` or `feat (scope): x`.
    SpaceBeforeColon,
    /// `feat:x`.
    MissingSpace,
    /// `feat(scope: x`.
    UnclosedScope,
    /// `feat!(scope): x`.
    BangBeforeScope,
    /// `feat: `.
    EmptyDescription,
    /// `feat(): x`, which counts as if it had no scope.
    EmptyScope,
    /// The body follows the header without a blank line.
    NoBlankLine,
    /// `BREAKING CHANGES:`, `Breaking change:` and the like, which do not count.
    BreakingSpelling,
    /// `BEGIN_NESTED_COMMIT` or `BEGIN_COMMIT_OVERRIDE` without its end.
    UnclosedSection,
    /// A `fixup!`, `squash!` or `amend!` commit that was never folded.
    Autosquash,
}

impl Problem {
    /// Whether the header counts all the same.
    pub fn is_remark(self) -> bool {
        matches!(self, Self::EmptyScope | Self::NoBlankLine | Self::BreakingSpelling | Self::UnclosedSection)
    }
}

impl Warning {
    pub(super) fn at(problem: Problem, line: usize, column: usize) -> Self {
        Self { problem, line, column }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotConventional => "the header is not of the form `type(scope): description`",
            Self::Empty => "the message is empty",
            Self::MissingColon => "a colon is missing after the type",
            Self::SpaceBeforeColon => "there must be no space between the type and the colon",
            Self::MissingSpace => "a space is missing after the colon",
            Self::UnclosedScope => "the scope has no closing parenthesis",
            Self::BangBeforeScope => "the `!` belongs after the scope, directly before the colon",
            Self::EmptyDescription => "the description is missing",
            Self::EmptyScope => "the scope is empty",
            Self::NoBlankLine => "a blank line is missing between the header and the body",
            Self::BreakingSpelling => {
                "this does not count as breaking: write `BREAKING CHANGE: ` in upper case at the start of a line"
            }
            Self::UnclosedSection => "this section is never closed",
            Self::Autosquash => "this commit was made to be folded into another by `git rebase --autosquash`",
        })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.problem)
    }
}
