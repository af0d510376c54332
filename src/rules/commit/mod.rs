//! The commit model: what a commit message says, for the bump and for the changelog alike.
//!
//! [`parse`] reads Conventional Commits 1.0.0 (<https://www.conventionalcommits.org/en/v1.0.0/>), and what git, GitHub,
//! GitLab and other release tools write around it: reverts, merges, squash bodies, autosquash prefixes. It never fails
//! and borrows everything from the message. Where the specification is silent:
//!
//! - `BREAKING CHANGE:` and `BREAKING-CHANGE:` count at the start of any line of the message, as semantic-release and
//!   release-please have it, and also under a header that is not conventional.
//! - Other footers are those of the last paragraphs, as for git's trailers
//!   (<https://git-scm.com/docs/git-interpret-trailers>).
//! - A body that is malformed costs a warning, never the header (release-please#2438).

mod body;
mod header;
mod reference;
mod warning;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use reference::{Reference, Sigil, references, trailing as trailing_request};
pub use warning::{Problem, Warning};

/// What a commit message says. Made by [`parse`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed<'a> {
    /// The first line, without a byte order mark or blank lines before it.
    pub header: &'a str,
    /// What sort of commit the header announces.
    pub kind: Kind<'a>,
    /// What the commit changes. Never empty: the first change is that of the header, whether conventional or not; the
    /// others are found in the body. Which of them count is said by [`Parsed::counting`].
    pub changes: Vec<Change<'a>>,
    /// What this commit reverts, when it is a revert.
    pub revert: Option<Revert<'a>>,
    /// What is wrong with the message, for `version check`.
    pub warnings: Vec<Warning>,
}

/// The sort of a commit, as its header announces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind<'a> {
    /// `type(scope)!: description`.
    Conventional,
    /// git's `Revert "…"` or, since git 2.43, `Reapply "…"`.
    Revert,
    /// A merge commit's own message.
    Merge(Merge<'a>),
    /// `fixup!`, `squash!` or `amend!`, which `git rebase --autosquash` would have folded into `target`
    /// (<https://git-scm.com/docs/git-commit#Documentation/git-commit.txt---fixupamendrewordcommit>). It never counts.
    Autosquash {
        /// The header of the commit that it belongs to.
        target: &'a str,
    },
    /// Anything else.
    Other,
}

/// What a merge commit merges, as far as its message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merge<'a> {
    /// The branch, tag or commit that was merged.
    pub source: Option<&'a str>,
    /// The branch that it was merged into.
    pub target: Option<&'a str>,
    /// The pull request (GitHub, Bitbucket) or merge request (GitLab).
    pub request: Option<Reference<'a>>,
}

/// One change that a commit makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<'a> {
    /// Where in the message it was found.
    pub origin: Origin,
    /// The type as written, such as `feat`; `None` when the text is not conventional. git's `Revert "…"` has `revert`.
    pub type_: Option<&'a str>,
    /// The scope, trimmed and not empty.
    pub scope: Option<&'a str>,
    /// Whether `!` stands before the colon.
    pub bang: bool,
    /// The description, or the whole line when it is not conventional.
    pub description: &'a str,
    /// The text between the header and the footers or listed entries.
    pub body: &'a str,
    /// Its footers in order. Those of the header's change are those of the whole message.
    pub footers: Vec<Footer<'a>>,
}

/// Where a [`Change`] was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The header of the commit.
    Header,
    /// The title of the pull or merge request: the first paragraph of a merge commit's body.
    MergeTitle,
    /// An entry of a squash body: `* feat: x` as GitHub and GitLab list it, or a line of `git merge --squash`'s log.
    Entry,
    /// A paragraph or line of the body that is itself a header of a well-known type.
    Line,
    /// Between `BEGIN_NESTED_COMMIT` and `END_NESTED_COMMIT`, or listed in an overriding message
    /// (<https://github.com/googleapis/release-please#how-can-i-fix-release-notes>).
    Explicit,
}

/// `Token: value` or `Token #value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footer<'a> {
    /// The token as written, such as `Reviewed-by` or `BREAKING CHANGE`.
    pub token: &'a str,
    /// The value, trimmed; may have several lines. After `Token #12` it is `#12`.
    pub value: &'a str,
}

/// What a reverting commit says it reverts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revert<'a> {
    /// git's `Reapply "x"`, which reverts the commit `Revert "x"`.
    pub reapply: bool,
    /// The header between the quotes, or after `revert: `.
    pub header: &'a str,
    /// The commits that the body names: `This reverts commit …`, or the `Refs:` footers of a conventional revert.
    /// Full or abbreviated, at least 7 digits.
    pub shas: Vec<&'a str>,
}

/// One commit that a revert undoes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target<'a> {
    /// A commit id of 7 to 40 hexadecimal digits.
    Sha(&'a str),
    /// No id was given: the commit with this header.
    Header(Cow<'a, str>),
}

/// Which changes of a squash commit count for the bump and are listed in the changelog.
///
/// The peers disagree. semantic-release takes the header alone; git-cliff splits only when `split_commits` is set;
/// python-semantic-release splits bullets when `parse_squash_commits` is set (the default since 10); release-please
/// always takes body paragraphs that are headers of a well-known type. The default here keeps to the title that a
/// person chose when there is one: work in progress listed under it (`fix: typo in the new code`, a `feat` and its
/// revert) was never released and would otherwise raise the version or fill the changelog. Replayed against 10,861
/// published versions of a repository that squashes, `all` contradicts 23 of them, and the other two modes 2. A line of
/// prose that only looks like a header counts under `all` alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SquashMode {
    /// The header alone, whatever it is.
    Header,
    /// The header when it is conventional, otherwise the listed entries of the body.
    #[default]
    Fallback,
    /// The header, all listed entries, and the lines of the body that are headers themselves.
    All,
}

/// What of a commit counts. The caller sets it from the configuration, the same for bump and changelog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
    /// Which changes of a squash commit count.
    pub squash: SquashMode,
    /// Whether the title of a pull or merge request in a merge commit's body counts. Off by default: the commits that
    /// were merged are in the range themselves and would count twice.
    pub merge_titles: bool,
}

impl<'a> Parsed<'a> {
    /// The changes that count under `reading`, in the order of the message.
    ///
    /// Explicitly nested commits and overrides always count: a person asked for them. An autosquash commit has none.
    pub fn counting(&self, reading: Reading) -> impl Iterator<Item = &Change<'a>> {
        let conventional = self.changes.first().is_some_and(|first| first.type_.is_some());
        let autosquash = matches!(self.kind, Kind::Autosquash { .. });
        self.changes.iter().filter(move |change| {
            !autosquash
                && match change.origin {
                    Origin::Header | Origin::Explicit => true,
                    Origin::MergeTitle => reading.merge_titles,
                    Origin::Entry => match reading.squash {
                        SquashMode::Header => false,
                        SquashMode::Fallback => !conventional,
                        SquashMode::All => true,
                    },
                    Origin::Line => reading.squash == SquashMode::All,
                }
        })
    }

    /// What this commit undoes: the commits that its body names, or else the header that it quotes. Empty when the
    /// commit is not a revert.
    pub fn revert_targets(&self) -> Vec<Target<'a>> {
        match &self.revert {
            None => Vec::new(),
            Some(revert) if !revert.shas.is_empty() => {
                revert.shas.iter().map(|sha| Target::Sha(sha)).collect()
            }
            Some(revert) if revert.reapply => {
                vec![Target::Header(format!("Revert \"{}\"", revert.header).into())]
            }
            Some(revert) => vec![Target::Header(revert.header.into())],
        }
    }

    /// The footers of the whole message, such as `Co-authored-by` and `Signed-off-by`.
    pub fn footers(&self) -> &[Footer<'a>] {
        self.changes.first().map_or(&[], |first| &first.footers)
    }
}

impl<'a> Change<'a> {
    /// The type in lower case, for comparing.
    pub fn type_lower(&self) -> Option<Cow<'a, str>> {
        self.type_.map(|text| {
            if text.bytes().any(|b| b.is_ascii_uppercase()) {
                Cow::Owned(text.to_ascii_lowercase())
            } else {
                Cow::Borrowed(text)
            }
        })
    }

    /// Whether the change is breaking, by `!` or by a footer.
    pub fn is_breaking(&self) -> bool {
        self.bang || self.footers.iter().any(Footer::is_breaking)
    }

    /// What breaks: the values of the breaking footers, or the description when there is only `!`.
    pub fn breaking_notes(&self) -> Vec<&'a str> {
        let notes: Vec<_> = self.footers.iter().filter(|f| f.is_breaking()).map(|f| f.value).collect();
        if notes.is_empty() && self.bang {
            return vec![self.description];
        }
        notes
    }

    /// The pull or merge request that ends the header: `(#12)`, `(!12)` or `(owner/repo#12)`.
    pub fn request(&self) -> Option<Reference<'a>> {
        reference::trailing(self.description).map(|(_, request)| request)
    }

    /// The description without the pull or merge request at its end.
    pub fn subject(&self) -> &'a str {
        reference::trailing(self.description).map_or(self.description, |(before, _)| before)
    }

    /// All references in the description, the body and the footers, in order.
    pub fn references(&self) -> impl Iterator<Item = Reference<'a>> {
        references(self.description).chain(references(self.body)).chain(self.footers.iter().flat_map(
            |footer| {
                // `Closes #1` is split at the token; read the whole footer so that the keyword is seen.
                let closes = reference::is_closing(footer.token);
                references(footer.value)
                    .map(move |found| Reference { closes: found.closes || closes, ..found })
            },
        ))
    }
}

impl Footer<'_> {
    /// Whether this is `BREAKING CHANGE` or `BREAKING-CHANGE`, which the specification wants in upper case.
    pub fn is_breaking(&self) -> bool {
        matches!(self.token, "BREAKING CHANGE" | "BREAKING-CHANGE")
    }

    /// Compares the token without regard to case.
    pub fn is(&self, token: &str) -> bool {
        self.token.eq_ignore_ascii_case(token)
    }
}

/// Reads a commit message or the title of a pull or merge request. Never fails, never panics, linear in the message.
pub fn parse(message: &str) -> Parsed<'_> {
    let (mut line, mut rest) = body::split_line(trim_start(message));
    let mut scan = body::scan(rest, true);
    let overridden = scan.overriding.take();
    if let Some(inner) = overridden {
        (line, rest) = body::split_line(trim_start(inner));
        scan = body::scan(rest, true);
    }
    let mut warnings = scan.warnings;
    let first_body_line = body::split_line(rest).0;
    if !first_body_line.trim().is_empty() {
        warnings.push(Warning::at(Problem::NoBlankLine, 2, 1));
    }

    let mut kind = Kind::Other;
    let mut revert = None;
    let mut first = plain(line, scan.body, scan.footers);
    if let Some((reapply, header)) = body::git_revert(line) {
        kind = Kind::Revert;
        first.type_ = Some("revert");
        revert = Some(Revert { reapply, header, shas: body::reverted_shas(rest) });
    } else if let Some(target) = body::autosquash(line) {
        kind = Kind::Autosquash { target };
        warnings.push(Warning::at(Problem::Autosquash, 1, 1));
    } else if let Some(merge) = body::merge(line, rest) {
        kind = Kind::Merge(merge);
    } else {
        match header::parse(line) {
            Ok(found) => {
                kind = Kind::Conventional;
                if let Some((problem, column)) = found.remark {
                    warnings.push(Warning::at(problem, 1, column));
                }
                first = Change { footers: first.footers, body: first.body, ..found.change(Origin::Header) };
                if first.type_.is_some_and(|t| t.eq_ignore_ascii_case("revert")) {
                    let mut shas = body::reverted_shas(rest);
                    if shas.is_empty() {
                        shas = body::refs_shas(&first.footers);
                    }
                    revert = Some(Revert { reapply: false, header: first.description, shas });
                }
            }
            Err((problem, column)) => warnings.push(Warning::at(problem, 1, column)),
        }
    }
    warnings.sort_by_key(|warning| (warning.line, warning.column));

    let mut changes = vec![first];
    if matches!(kind, Kind::Merge(_)) {
        changes.extend(
            body::title(rest).and_then(|line| Some(header::parse(line).ok()?.change(Origin::MergeTitle))),
        );
    } else {
        changes.extend(scan.entries.iter().filter_map(|(entry, listed)| {
            let origin = match (overridden, listed) {
                (Some(_), _) => Origin::Explicit,
                (None, body::Listed::Bullet) => Origin::Entry,
                (None, body::Listed::Bare) => Origin::Line,
            };
            section(entry, origin)
        }));
    }
    changes.extend(scan.nested.iter().filter_map(|text| section(trim_start(text), Origin::Explicit)));
    Parsed { header: line, kind, changes, revert, warnings }
}

/// A commit within a commit: a header with its own body and footers.
fn section(text: &str, origin: Origin) -> Option<Change<'_>> {
    let (line, rest) = body::split_line(text);
    let scan = body::scan(rest, false);
    let found = header::parse(line).ok()?;
    Some(Change { body: scan.body, footers: scan.footers, ..found.change(origin) })
}

fn plain<'a>(line: &'a str, body: &'a str, footers: Vec<Footer<'a>>) -> Change<'a> {
    Change { origin: Origin::Header, type_: None, scope: None, bang: false, description: line, body, footers }
}

fn trim_start(message: &str) -> &str {
    message.trim_start_matches(['\u{feff}', '\n', '\r', ' ', '\t'])
}
