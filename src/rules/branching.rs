//! Names of branches: templates such as `release/v{version}`, and globs such as `release/*`.

use globset::GlobBuilder;
use semver::Version;

/// Whether a branch matches a glob, in which `*` stands for any text without `/` and `**` for any text.
pub fn matches(glob: &str, branch: &str) -> bool {
    GlobBuilder::new(glob)
        .literal_separator(true)
        .build()
        .is_ok_and(|glob| glob.compile_matcher().is_match(branch))
}

/// The version that a branch has in its name, where the name is made by a template with `{version}`, and perhaps
/// `{issue}` behind it.
pub fn version_in(template: &str, branch: &str) -> Option<Version> {
    let (before, after) = template.split_once("{version}")?;
    let rest = branch.strip_prefix(before)?;
    if !after.contains('{') {
        return Version::parse(rest.strip_suffix(after)?).ok();
    }
    // `-{issue}`: the separator may stand within a pre-release too, so the longest version that leaves an issue is meant
    // only when the shortest is none.
    let separator = &after[..after.find('{')?];
    rest.match_indices(separator)
        .find_map(|(at, _)| Version::parse(&rest[..at]).ok())
        .or_else(|| Version::parse(rest).ok())
}

/// Fills in a template for a branch's name; what is filled in is made fit for a ref
/// (<https://git-scm.com/docs/git-check-ref-format>).
pub fn name(template: &str, values: &[(&str, &str)]) -> String {
    let filled = values
        .iter()
        .fold(template.to_owned(), |text, (key, value)| text.replace(&format!("{{{key}}}"), &fit(value)));
    // An empty issue leaves its separator behind.
    filled.trim_end_matches(['-', '/', '.']).to_owned()
}

fn fit(value: &str) -> String {
    let plain: String = value
        .chars()
        .map(|c| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '/') { c } else { '-' })
        .collect();
    let mut out = plain;
    for (bad, good) in [("..", "."), ("//", "/"), ("/.", "/"), (".lock", "-lock")] {
        while out.contains(bad) {
            out = out.replace(bad, good);
        }
    }
    out.trim_matches(['-', '/', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        assert!(matches("release/*", "release/v1.2.0"));
        assert!(!matches("release/*", "release/a/b"));
        assert!(matches("release/**", "release/a/b"));
        assert!(matches("main", "main"));
        assert!(!matches("main", "domain"));
    }

    #[test]
    fn versions_in_names() {
        let version = |template, branch| version_in(template, branch).map(|v| v.to_string());
        assert_eq!(version("release/v{version}", "release/v1.2.0").as_deref(), Some("1.2.0"));
        assert_eq!(version("release/v{version}", "release/v1.2"), None);
        assert_eq!(version("release/v{version}", "main"), None);
        assert_eq!(version("hotfix/v{version}-{issue}", "hotfix/v1.2.1-PAY-12").as_deref(), Some("1.2.1"));
        assert_eq!(version("hotfix/v{version}-{issue}", "hotfix/v1.2.1").as_deref(), Some("1.2.1"));
    }

    #[test]
    fn names_are_fit_for_refs() {
        assert_eq!(
            name("hotfix/v{version}-{issue}", &[("version", "1.2.1"), ("issue", "PAY 12: ~a..b")]),
            "hotfix/v1.2.1-PAY-12---a.b"
        );
        assert_eq!(
            name("hotfix/v{version}-{issue}", &[("version", "1.2.1"), ("issue", "")]),
            "hotfix/v1.2.1"
        );
        assert_eq!(name("x/{issue}", &[("issue", "../../etc.lock")]), "x/etc-lock");
    }
}
