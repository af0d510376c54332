//! What can go wrong with a version file.

use std::fmt;

/// The class of a [`FileError`], for callers that decide by it: detection may pass over a
/// file whose error is [`FileErrorKind::Missing`], nothing may pass over the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileErrorKind {
    /// The text is not well-formed in its format.
    Syntax,
    /// The file names no version where its format keeps it.
    Missing,
    /// More than one place could be meant.
    Ambiguous,
    /// Places that must hold the same version hold different ones.
    Disagreement,
    /// The value found is not a version by the convention of the format.
    NotAVersion,
    /// The version is there, written in a way that cannot be edited safely.
    Unsupported,
    /// The path or pattern in the configuration is wrong.
    Pattern,
}

/// Says what failed, where, and what to do next. Lines and columns count from 1, columns in
/// characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    /// The class of the failure.
    pub kind: FileErrorKind,
    /// What failed, one sentence without a full stop.
    pub message: String,
    /// The line it was seen at.
    pub line: Option<usize>,
    /// The column it was seen at.
    pub column: Option<usize>,
    /// What to do next.
    pub hint: String,
}

impl FileError {
    pub(super) fn new(kind: FileErrorKind, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { kind, message: message.into(), line: None, column: None, hint: hint.into() }
    }

    pub(super) fn missing(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(FileErrorKind::Missing, message, hint)
    }

    pub(super) fn unsupported(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(FileErrorKind::Unsupported, message, hint)
    }

    /// Two places for one thing; `what` says which.
    pub(super) fn ambiguous(text: &str, what: &str, first: usize, second: usize) -> Self {
        let (a, b) = (position(text, first).0, position(text, second).0);
        Self::new(
            FileErrorKind::Ambiguous,
            format!("{what} is there more than once: line {a} and line {b}"),
            "keep one of them, or name the place that is meant by a path or a regex",
        )
        .at(text, second)
    }

    /// Puts the error at a byte offset of the text.
    pub(super) fn at(mut self, text: &str, offset: usize) -> Self {
        let (line, column) = position(text, offset);
        self.line = Some(line);
        self.column = Some(column);
        self
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (Some(line), Some(column)) => write!(f, "line {line}, column {column}: ")?,
            (Some(line), None) => write!(f, "line {line}: ")?,
            _ => {}
        }
        f.write_str(&self.message)?;
        if !self.hint.is_empty() {
            write!(f, " ({})", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for FileError {}

/// Line and column, both from 1, of a byte offset; offsets past the end count as the end.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    (line, before[start..].chars().count() + 1)
}
