use super::*;
use crate::data::CommitId;
use crate::rules::commit::{SquashMode, parse};
use proptest::prelude::*;

fn level(rules: &str, message: &str) -> Level {
    decide_all(rules, &[message], SquashMode::Fallback)
}

/// The messages are oldest first.
fn decide_all(rules: &str, messages: &[&str], squash: SquashMode) -> Level {
    let rules: RuleSet = serde_json::from_str(rules).unwrap();
    let commits: Vec<_> = messages
        .iter()
        .rev()
        .enumerate()
        .map(|(at, message)| Commit { id: CommitId::from_bytes([at as u8; 20]), message: parse(message) })
        .collect();
    let decision = decide(&commits, &rules, Reading { squash, merge_titles: false });
    assert!(decision.reasons.len() >= commits.len());
    decision.level
}

#[test]
fn defaults() {
    for (message, expected) in [
        ("feat: x", Level::Minor),
        ("Feat(api): x", Level::Minor),
        ("fix: x", Level::Patch),
        ("perf: x", Level::Patch),
        ("revert: x", Level::Patch),
        ("Revert \"feat: x\"", Level::Patch),
        ("docs: x", Level::None),
        ("docs!: x", Level::Major),
        ("chore: x\n\nBREAKING CHANGE: y", Level::Major),
        ("Rewrite it\n\nBREAKING CHANGE: y", Level::Major),
        ("feat add x", Level::None),
        ("Merge pull request #1 from a/b\n\nfeat: x", Level::None),
        ("fixup! feat: x", Level::None),
        ("", Level::None),
        ("fix: x\n\n* feat: y", Level::Patch),
        ("Some title\n\n* feat: y\n* fix: z", Level::Minor),
    ] {
        assert_eq!(level("{}", message), expected, "{message:?}");
    }
    assert_eq!(decide_all("{}", &["fix: x\n\n* feat: y"], SquashMode::All), Level::Minor);
    assert_eq!(decide_all("{}", &["feat: x", "fix: y", "Revert \"feat: x\""], SquashMode::All), Level::Patch);
    assert_eq!(decide_all("{}", &[], SquashMode::All), Level::None);
}

#[test]
fn the_most_specific_pattern_decides() {
    let rules = r#"{"*":"patch", "docs(readme.md)":"minor", "docs":"none", "*(deps)":"none", "fix(deps*)":"minor",
        "fix(deps-dev)":"patch", "chore!":"minor", "*(internal)!":"none", "perf":"minor"}"#;
    for (message, expected) in [
        ("style: x", Level::Patch),
        ("docs: x", Level::None),
        ("docs(README.md): x", Level::Minor),
        ("feat(deps): x", Level::None),
        ("fix(deps): x", Level::None),
        ("fix(deps-dev): x", Level::Patch),
        ("fix(deps-prod): x", Level::Minor),
        ("chore!: x", Level::Minor),
        ("feat(internal)!: x", Level::None),
        ("feat!: x", Level::Major),
        ("perf: x", Level::Minor),
        ("not conventional", Level::None),
    ] {
        assert_eq!(level(rules, message), expected, "{message:?}");
    }
}

#[test]
fn bad_rules_are_refused() {
    for (rules, why) in [
        (r#"{"feat(": "minor"}"#, "the scope must end"),
        (r#"{"feat()": "minor"}"#, "the scope is empty"),
        (r#"{"": "minor"}"#, "the type is missing"),
        (r#"{"fe at": "minor"}"#, "a type has only"),
        (r#"{"1x": "minor"}"#, "starts with a letter"),
        (r#"{"feat": "huge"}"#, "unknown variant `huge`"),
        (r#"{"feat": "minor", "FEAT": "patch"}"#, "given twice"),
        (r#"["feat"]"#, "a map from commit patterns"),
    ] {
        let error = serde_json::from_str::<RuleSet>(rules).unwrap_err().to_string();
        assert!(error.contains(why), "{rules}: {error}");
    }
}

#[test]
fn rules_are_written_as_they_are_read_and_have_a_schema() {
    let rules: RuleSet =
        serde_json::from_str(r#"{"build":"patch","docs(readme.md)":"patch","*!":"minor"}"#).unwrap();
    let text = serde_json::to_string(&rules).unwrap();
    assert_eq!(serde_json::from_str::<RuleSet>(&text).unwrap(), rules);
    let schema = serde_json::to_value(schemars::schema_for!(RuleSet)).unwrap();
    assert_eq!(schema["type"], "object");
}

#[test]
fn explains() {
    let rules = RuleSet::default();
    let texts = ["Revert \"fix: b\"", "fix: b", "docs: c", "feat!: d", "nothing"];
    let commits: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(at, text)| Commit { id: CommitId::from_bytes([at as u8; 20]), message: parse(text) })
        .collect();
    let decision = decide(&commits, &rules, Reading::default());
    let why: Vec<_> = decision.reasons.iter().map(|reason| reason.why).collect();
    assert_eq!(&why[..3], [Why::Reverts(1), Why::RevertedBy(0), Why::NoRule]);
    assert!(matches!(why[3], Why::Rule(rule) if rule.pattern.to_string() == "*!" && !rule.user));
    assert!(decision.reasons[3].breaking);
    assert_eq!(why[4], Why::NotConventional);
}

proptest! {
    #[test]
    fn globs_match_what_they_were_made_of(parts in prop::collection::vec("[ab]{0,3}", 1..5), fill in "[ab]{0,3}") {
        prop_assert!(glob(&parts.join("*"), &parts.join(&fill)) || parts.len() == 1);
        prop_assert_eq!(glob(&parts[0], &parts[0]), true);
    }

    #[test]
    fn patterns_never_panic_and_come_back(text in "(?s).{0,30}|[a-z*]{1,5}(\\([a-z*.]{1,5}\\))?!?") {
        if let Ok(pattern) = text.parse::<Pattern>() {
            prop_assert_eq!(pattern.to_string().parse::<Pattern>().unwrap(), pattern);
        }
    }
}
