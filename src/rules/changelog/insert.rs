//! Puts a new section into a changelog that people wrote, as one insertion that changes no byte of theirs.

use std::ops::Range;

/// What stands at the top of a changelog that is made new; the wording follows
/// [Keep a Changelog 1.1.0](https://keepachangelog.com/en/1.1.0/).
pub const PREAMBLE: &str = "# Changelog\n\nAll notable changes to this project are documented in this file.\n\n\
The format is based on [Keep a Changelog](https://keepachangelog.com/en/1.1.0/),\n\
and this project adheres to [Semantic Versioning](https://semver.org/spec/v2.0.0.html).\n";

/// A heading that names a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// The version as written, without `v`.
    pub version: String,
    /// The date behind it, as written (`2026-11-21`), where there is one.
    pub date: Option<String>,
    /// The bytes from the heading to the next one of a version, or to the end.
    pub section: Range<usize>,
}

/// The headings of released versions, in the order of the file. Fenced code is passed over.
///
/// Known forms: `## [1.2.3] - 2026-01-31` (Keep a Changelog), `## 1.2.3 (2026-01-31)` and `# [1.2.3](url) (…)`
/// (conventional-changelog), `## v1.2.3`, `## pkg@1.2.3`, and the underlined `1.2.3` + `-----`.
pub fn headings(text: &str) -> Vec<Heading> {
    let mut found: Vec<Heading> = Vec::new();
    let mut fence: Option<&str> = None;
    let mut at = 0;
    // Where the block of lines begins that belongs to a heading: `<a name="1.2.3"></a>` just above it.
    let mut anchor: Option<usize> = None;
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let start = at;
        at += line.len();
        let content = line.trim_end();
        let indent_free = content.trim_start();
        if let Some(open) = fence {
            if indent_free.starts_with(open) {
                fence = None;
            }
            continue;
        }
        if let Some(open) = ["```", "~~~"].into_iter().find(|f| indent_free.starts_with(f)) {
            fence = Some(open);
            continue;
        }
        let underlined = lines
            .peek()
            .map(|next| next.trim_end())
            .is_some_and(|next| next.len() >= 3 && (is_all(next, b'-') || is_all(next, b'=')));
        let title = match content.strip_prefix('#') {
            Some(rest) => rest.trim_start_matches('#').strip_prefix(' '),
            None if underlined => Some(content),
            None => None,
        };
        if let Some((version, date)) = title.and_then(version_of) {
            if let Some(last) = found.last_mut() {
                last.section.end = anchor.unwrap_or(start);
            }
            found.push(Heading { version, date, section: anchor.unwrap_or(start)..text.len() });
        }
        if content.starts_with("<a name=") {
            anchor = Some(start);
        } else if !content.is_empty() {
            anchor = None;
        }
    }
    found
}

fn is_all(text: &str, byte: u8) -> bool {
    text.bytes().all(|b| b == byte)
}

/// The version and the date of a heading's text.
fn version_of(title: &str) -> Option<(String, Option<String>)> {
    let title = title.trim_start();
    let bracketed = title.strip_prefix('[');
    let rest = bracketed.unwrap_or(title);
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ']' | '(' | ',')).unwrap_or(rest.len());
    let (mut word, tail) = rest.split_at(end);
    // `pkg@1.2.3`, `pkg-v1.2.3`, `v1.2.3`: the version is what parses behind the last mark.
    if let Some((_, after)) = word.rsplit_once('@') {
        word = after;
    }
    let word = word.trim_end_matches(':');
    let candidates = [Some(word), word.strip_prefix('v'), word.split_once("-v").map(|(_, v)| v)];
    let version = candidates.into_iter().flatten().find(|v| semver::Version::parse(v).is_ok())?;
    let date = tail
        .split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']'))
        .find(|w| is_date(w))
        .map(str::to_owned);
    Some((version.to_owned(), date))
}

fn is_date(word: &str) -> bool {
    word.len() == 10
        && word.bytes().enumerate().all(|(i, b)| match i {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        })
}

/// Inserts a section before the newest version's heading, or at the end where there is none yet; an `Unreleased` section
/// stays above. The section takes on the file's line ends; exactly one empty line parts it from its neighbours where
/// the file has none there.
pub fn insert(text: &str, section: &str) -> String {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let section = section.trim_matches('\n');
    let at = headings(text).first().map_or(text.len(), |first| first.section.start);
    let (before, after) = text.split_at(at);
    let mut out = String::with_capacity(text.len() + section.len() + 8);
    out.push_str(before);
    if !before.trim_start_matches('\u{feff}').is_empty() {
        let unix = before.replace("\r\n", "\n");
        let missing = match (unix.ends_with("\n\n"), unix.ends_with('\n')) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        };
        out.extend(std::iter::repeat_n(newline, missing));
    }
    for line in section.split('\n') {
        out.push_str(line.trim_end_matches('\r'));
        out.push_str(newline);
    }
    if !after.is_empty() {
        out.push_str(newline);
    }
    out.push_str(after);
    out
}

/// Puts what is not released yet into a changelog: under its `Unreleased` heading where that is empty, as a section of its
/// own where there is none. The text comes back unchanged when it holds the section already; none comes back when its
/// `Unreleased` section says something else, which people wrote and must bring together.
pub fn insert_unreleased(text: &str, section: &str) -> Option<String> {
    let unix = text.replace("\r\n", "\n");
    let section = section.trim_matches('\n');
    if unix.contains(section) {
        return Some(text.to_owned());
    }
    let Some(heading) = unreleased(text) else { return Some(insert(text, section)) };
    let end = [headings(text).first().map(|h| h.section.start), Some(text.len())]
        .into_iter()
        .flatten()
        .find(|at| *at >= heading.end)?;
    if !text[heading.end..end].trim().is_empty() {
        return None;
    }
    let body = section.split_once('\n').map_or("", |(_, body)| body).trim_matches('\n');
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut out = text[..heading.end].trim_end_matches(['\r', '\n']).to_owned();
    out.push_str(newline);
    out.push_str(newline);
    for line in body.split('\n') {
        out.push_str(line);
        out.push_str(newline);
    }
    if end < text.len() {
        out.push_str(newline);
    }
    out.push_str(&text[end..]);
    Some(out)
}

/// The line of an `Unreleased` heading outside of fenced code.
fn unreleased(text: &str) -> Option<Range<usize>> {
    let mut fenced = false;
    let mut at = 0;
    text.split_inclusive('\n').find_map(|line| {
        let start = at;
        at += line.len();
        let content = line.trim();
        fenced ^= content.starts_with("```") || content.starts_with("~~~");
        let title = content.strip_prefix('#')?.trim_start_matches('#').trim();
        let title = title.trim_start_matches('[').split([']', ' ', '(']).next().unwrap_or_default();
        (!fenced && title.eq_ignore_ascii_case("unreleased")).then_some(start..at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_of_all_forms() {
        let text = "# Changelog\n\n## [Unreleased]\n- x\n\n## [2.0.0-rc.1] - 2026-01-31\n```\n## 9.9.9\n```\n\
            <a name=\"1.2.3\"></a>\n## [1.2.3](https://x/y) (2025-12-01)\n\nv1.2.2\n------\n# 1.2.1\n## pkg@1.2.0\n### 1.1.9\n## pkg-v1.1.8 2020-01-01\n";
        let all: Vec<_> = headings(text).into_iter().map(|h| (h.version, h.date)).collect();
        let some = |v: &str, d: Option<&str>| (v.to_owned(), d.map(str::to_owned));
        assert_eq!(
            all,
            [
                some("2.0.0-rc.1", Some("2026-01-31")),
                some("1.2.3", Some("2025-12-01")),
                some("1.2.2", None),
                some("1.2.1", None),
                some("1.2.0", None),
                some("1.1.9", None),
                some("1.1.8", Some("2020-01-01")),
            ]
        );
    }

    #[test]
    fn sections_do_not_overlap_and_end_where_the_next_begins() {
        let text = "intro\n\n## 1.1.0\n- a\n\n<a name=\"1.0.0\"></a>\n## 1.0.0\n- b\n";
        let found = headings(text);
        assert_eq!(&text[found[0].section.clone()], "## 1.1.0\n- a\n\n");
        assert_eq!(&text[found[1].section.clone()], "<a name=\"1.0.0\"></a>\n## 1.0.0\n- b\n");
    }

    #[test]
    fn unreleased_goes_under_its_heading() {
        let section = "## [Unreleased]\n\n### Added\n\n- new\n";
        let filled = "# Log\r\n\r\n## [Unreleased]\r\n\r\n### Added\r\n\r\n- new\r\n\r\n## 1.0.0\r\n";
        let once = insert_unreleased("# Log\r\n\r\n## [Unreleased]\r\n\r\n## 1.0.0\r\n", section);
        assert_eq!(once.as_deref(), Some(filled));
        assert_eq!(insert_unreleased(filled, section).as_deref(), Some(filled));
        assert_eq!(insert_unreleased("# Log\n\n## Unreleased\n- mine\n", section), None);
        let without = insert_unreleased("# Log\n\n## 1.0.0\n", section);
        assert_eq!(without.as_deref(), Some("# Log\n\n## [Unreleased]\n\n### Added\n\n- new\n\n## 1.0.0\n"));
        let empty = insert_unreleased("# Log\n\n## Unreleased", section);
        assert_eq!(empty.as_deref(), Some("# Log\n\n## Unreleased\n\n### Added\n\n- new\n"));
    }

    #[test]
    fn inserts_above_the_newest_and_below_unreleased() {
        let text = "# Changelog\n\n## [Unreleased]\n\n- by hand\n\n## [1.0.0] - 2020-01-01\n- old";
        assert_eq!(
            insert(text, "## [1.1.0]\n\n- new\n"),
            "# Changelog\n\n## [Unreleased]\n\n- by hand\n\n## [1.1.0]\n\n- new\n\n## [1.0.0] - 2020-01-01\n- old"
        );
    }

    #[test]
    fn keeps_the_line_ends_of_the_file() {
        assert_eq!(
            insert("# C\r\n\r\n## 1.0.0\r\n", "## 1.1.0\n- x\n"),
            "# C\r\n\r\n## 1.1.0\r\n- x\r\n\r\n## 1.0.0\r\n"
        );
    }

    #[test]
    fn appends_where_no_version_is_named_yet() {
        assert_eq!(insert("# C", "## 1.0.0\n"), "# C\n\n## 1.0.0\n");
        assert_eq!(insert("", "## 1.0.0\n"), "## 1.0.0\n");
    }

    proptest::proptest! {
        #[test]
        fn what_people_wrote_stays(text in "(#{1,3} \\[?v?[0-9]\\.[0-9]\\.[0-9]\\]?|[a-z \\-=`~]{0,5}|<a name=|\r?\n){0,30}", body in "[a-z]{1,5}") {
            let section = format!("## 7.7.7\n\n- {body}\n");
            let new = insert(&text, &section);
            let at = headings(&text).first().map_or(text.len(), |h| h.section.start);
            proptest::prop_assert!(new.starts_with(&text[..at]));
            proptest::prop_assert!(new.ends_with(&text[at..]));
            let entry = format!("- {body}");
            proptest::prop_assert!(new.contains(&entry));
        }
    }
}
