use super::*;
use crate::rules::commit::parse;
use proptest::prelude::*;

fn id(number: usize) -> CommitId {
    let mut bytes = [0; 20];
    bytes[..8].copy_from_slice(&(number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    CommitId::from_bytes(bytes)
}

/// The messages are oldest first; the result is in the same order: `.` kept, `x` reverted, `r` reverts.
fn fates(messages: &[&str]) -> String {
    let commits: Vec<_> = messages
        .iter()
        .enumerate()
        .map(|(at, message)| Commit { id: id(at), message: parse(message) })
        .rev()
        .collect();
    cancelled(&commits)
        .iter()
        .rev()
        .map(|fate| match fate {
            Fate::Kept => '.',
            Fate::RevertedBy(_) => 'x',
            Fate::Reverts(_) => 'r',
        })
        .collect()
}

#[test]
fn reverts_cancel() {
    let by_id = |at: usize, digits: usize| {
        format!("Revert \"x\"\n\nThis reverts commit {}.", &id(at).to_string()[..digits])
    };
    assert_eq!(fates(&["feat: a", "fix: b", &by_id(0, 40)]), "x.r");
    assert_eq!(fates(&["feat: a", "fix: b", &by_id(0, 7)]), "x.r");
    assert_eq!(fates(&["feat: a", &by_id(9, 40)]), "..", "the target lies outside");
    assert_eq!(fates(&["feat: a", &by_id(0, 40), &by_id(1, 40)]), ".xr", "a revert of a revert");
    assert_eq!(fates(&["feat: a", &by_id(0, 40), &by_id(1, 40), &by_id(2, 40)]), "xrxr");

    assert_eq!(fates(&["feat: a", "Revert \"feat: a\""]), "xr");
    assert_eq!(fates(&["feat: a", "Revert \"feat: b\""]), "..");
    assert_eq!(fates(&["Revert \"feat: a\"", "feat: a"]), "..", "only earlier commits");
    assert_eq!(fates(&["feat: a", "Revert \"feat: a\"", "Reapply \"feat: a\""]), ".xr");
    assert_eq!(fates(&["feat: a", "Revert \"feat: a\"", "feat: a"]), "xr.");
    assert_eq!(fates(&["feat: a", "feat: a", "Revert \"feat: a\""]), ".xr", "the nearest one");
    assert_eq!(fates(&["feat: a", "feat: a", "Revert \"feat: a\"", "Revert \"feat: a\""]), "xxrr");
    assert_eq!(fates(&["feat: a (#1)", "revert: feat: a (#2)"]), "xr");
    assert_eq!(fates(&["feat: a (#1)", "Revert \"feat: a (#1)\" (#2)"]), "xr");

    let (a, b, z) =
        (id(0).to_string()[..7].to_owned(), id(1).to_string()[..12].to_owned(), id(9).to_string());
    assert_eq!(fates(&["feat: a", "fix: b", &format!("revert: both\n\nRefs: {a}, {b}")]), "xxr");
    assert_eq!(
        fates(&["feat: a", "fix: b", &format!("revert: two\n\nRefs: {a}, {z}")]),
        "x..",
        "partly outside"
    );
}

proptest! {
    /// Commits that nobody reverts change nothing, wherever they stand.
    #[test]
    fn unrelated_commits_do_not_matter(
        reverts in prop::collection::vec((0usize..20, 7usize..=40), 0..20), noise in prop::collection::vec(0usize..40, 0..10)
    ) {
        let mut commits: Vec<(CommitId, String)> = Vec::new();
        for (at, (target, digits)) in reverts.iter().enumerate() {
            let message = if at % 3 == 0 || at == 0 {
                format!("feat: {at}")
            } else {
                format!("Revert \"x\"\n\nThis reverts commit {}.", &id(target % at).to_string()[..*digits])
            };
            commits.push((id(at), message));
        }
        let judge = |list: &[(CommitId, String)]| -> Vec<(CommitId, bool)> {
            let range: Vec<_> = list.iter().rev().map(|(id, m)| Commit { id: *id, message: parse(m) }).collect();
            let fates = cancelled(&range);
            range.iter().zip(fates).filter(|(c, _)| c.message.header != "docs: noise")
                .map(|(c, fate)| (c.id, fate == Fate::Kept)).collect()
        };
        let before = judge(&commits);
        let mut noisy = commits.clone();
        for (number, at) in noise.iter().enumerate() {
            noisy.insert(at % (noisy.len() + 1), (id(1000 + number), "docs: noise".into()));
        }
        prop_assert_eq!(before, judge(&noisy));
    }
}
