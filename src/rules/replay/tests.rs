use super::*;
use crate::data::CommitId;
use crate::rules::commit::parse;
use crate::rules::tag::detect_pattern;

fn verdict(from: &str, to: &str, messages: &[&str]) -> Verdict {
    let tags = [from, to];
    let pair = pairs(&tags, &TagPattern::v()).remove(0);
    let commits: Vec<_> = messages
        .iter()
        .enumerate()
        .map(|(at, text)| Commit { id: CommitId::from_bytes([at as u8; 20]), message: parse(text) })
        .collect();
    classify(&pair, &commits, &RuleSet::default(), Reading::default(), Zero::default()).verdict
}

#[test]
fn pairs_are_stable_tags_of_the_newest_style_in_order() {
    let tags =
        ["v1.0.0", "v1.1.0", "2.0.0", "1.9.0", "2.1.0-rc.1", "10.0.0", "2.0.1+b", "2.0.1+a", "v2", "x"];
    let pattern = detect_pattern(&tags).unwrap();
    let names: Vec<_> = pairs(&tags, &pattern).iter().map(|pair| (pair.from.tag, pair.to.tag)).collect();
    assert_eq!(names, [("1.9.0", "2.0.0"), ("2.0.0", "2.0.1+a"), ("2.0.1+a", "10.0.0")]);
    assert!(pairs(&["v1.0.0"], &TagPattern::v()).is_empty());
}

#[test]
fn verdicts() {
    assert_eq!(verdict("v1.0.0", "v1.1.0", &["feat: x", "fix: y"]), Verdict::Equal);
    assert_eq!(verdict("v1.0.0", "v1.3.0", &["feat: x"]), Verdict::Equal);
    assert_eq!(verdict("v1.0.0", "v1.0.1", &["feat: x"]), Verdict::Contradicting);
    assert_eq!(verdict("v1.0.0", "v2.0.0", &["feat: x"]), Verdict::Contradicting);
    assert_eq!(verdict("v1.0.0", "v1.0.1", &["docs: x"]), Verdict::NoBump);
    assert_eq!(verdict("v1.0.0", "v1.0.1", &[]), Verdict::NoBump);
    assert_eq!(verdict("v0.1.0", "v0.2.0", &["feat!: x"]), Verdict::Equal);
    assert_eq!(verdict("v0.9.0", "v1.0.0", &["feat!: x"]), Verdict::Graduated);
}

#[test]
fn counts() {
    let mut tally = Tally::default();
    tally.extend([
        Verdict::Equal,
        Verdict::Equal,
        Verdict::NoBump,
        Verdict::Contradicting,
        Verdict::Graduated,
    ]);
    assert_eq!(
        serde_json::to_string(&tally).unwrap(),
        r#"{"pairs":5,"equal":2,"contradicting":1,"no_bump":1,"graduated":1}"#
    );
}
