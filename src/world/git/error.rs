//! What can go wrong when a repository is read, and what to do about it.

use std::fmt;
use std::path::Path;

/// The class of an [`Error`]: callers choose an exit code by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// There is no repository here.
    NotARepository,
    /// The repository belongs to another user and is not listed in `safe.directory`.
    Ownership,
    /// The repository uses a format that cannot be read, such as SHA-256 names.
    Unsupported,
    /// An object that should be there is not.
    MissingObject,
    /// An object or a file of the repository cannot be understood.
    Corrupt,
    /// The operating system refused to read.
    Io,
    /// Anything else that libgit2 reports.
    Other,
}

/// A failed read of a repository: what failed, and a hint where one is known.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
}

impl Error {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn io(path: &Path, error: &std::io::Error) -> Self {
        Self::new(ErrorKind::Io, format!("cannot read {}: {error}", path.display()))
    }

    pub(super) fn missing(what: &str, id: impl fmt::Display) -> Self {
        Self::new(ErrorKind::MissingObject, format!("{what} {id} is not in the repository")).with_hint(
            "fetch the whole history (git fetch --unshallow, or without --filter), or check it with git fsck",
        )
    }

    pub(super) fn corrupt(what: &str, id: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Corrupt, format!("{what} {id} cannot be understood"))
            .with_hint("check the repository with git fsck")
    }

    /// The class of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What the user can do, where that is known.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<git2::Error> for Error {
    fn from(error: git2::Error) -> Self {
        let kind = match error.code() {
            git2::ErrorCode::NotFound if error.class() == git2::ErrorClass::Odb => ErrorKind::MissingObject,
            git2::ErrorCode::Owner => ErrorKind::Ownership,
            _ if error.class() == git2::ErrorClass::Os => ErrorKind::Io,
            _ if error.class() == git2::ErrorClass::Zlib => ErrorKind::Corrupt,
            _ => ErrorKind::Other,
        };
        Self::new(kind, error.message())
    }
}

impl From<Error> for crate::error::Error {
    fn from(error: Error) -> Self {
        let converted = match error.kind {
            ErrorKind::NotARepository | ErrorKind::Ownership | ErrorKind::Unsupported => {
                Self::usage(error.message)
            }
            _ => Self::outside(error.message),
        };
        match error.hint {
            Some(hint) => converted.hint(hint),
            None => converted,
        }
    }
}
