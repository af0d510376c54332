//! The four figures of DORA (<https://dora.dev/guides/dora-metrics-four-keys/>), from records.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::{Outcome, Record};

/// Delivery in a time, of one environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Deployments that reached the environment, failed ones among them. Rollbacks are none.
    pub deployments: usize,
    /// Deployments a week.
    pub per_week: f64,
    /// The share of deployments that failed, were rolled back, or were followed by a rollback, from 0 to 1; none without
    /// deployments.
    pub change_failure_rate: Option<f64>,
    /// The median time from a version's commit to its deployment, in seconds; none where no commit's time is known.
    pub lead_time_seconds: Option<i64>,
    /// The median time from the failure to the recovery, in seconds; none where nothing was recovered.
    pub time_to_restore_seconds: Option<u64>,
}

/// The figures of the records of one environment, sorted by time, between two times. `commit_times` gives when a commit was
/// made, by its id.
pub fn figures(
    records: &[&Record],
    from: Timestamp,
    to: Timestamp,
    commit_times: &BTreeMap<String, Timestamp>,
) -> Figures {
    let mut deployments = 0;
    let mut failed = 0;
    let (mut lead, mut restore) = (Vec::new(), Vec::new());
    // Whether the last deployment may still turn out to have failed.
    let mut open = false;
    for record in records {
        let Some(it) = &record.deployment else { continue };
        if record.started < from || record.started >= to {
            continue;
        }
        restore.extend(it.recovery);
        match (record.step.as_str(), record.outcome) {
            (_, Outcome::Running | Outcome::Refused) => {}
            ("smoke" | "verify", Outcome::Failed) | ("rollback", _) => {
                failed += usize::from(std::mem::take(&mut open));
            }
            ("smoke" | "verify", _) => {}
            (_, outcome) => {
                deployments += 1;
                let bad = matches!(outcome, Outcome::Failed | Outcome::RolledBack);
                failed += usize::from(bad);
                open = !bad;
                let made = it.commit.as_ref().and_then(|commit| commit_times.get(commit));
                if let (false, Some(made), Some(ended)) = (bad, made, record.ended) {
                    lead.push(ended.duration_since(*made).as_secs());
                }
            }
        }
    }
    let weeks = to.duration_since(from).as_secs_f64() / (7.0 * 24.0 * 3600.0);
    Figures {
        deployments,
        per_week: if weeks > 0.0 { deployments as f64 / weeks } else { 0.0 },
        change_failure_rate: (deployments > 0).then(|| failed as f64 / deployments as f64),
        lead_time_seconds: median(lead),
        time_to_restore_seconds: median(restore),
    }
}

fn median<T: Ord + Copy>(mut values: Vec<T>) -> Option<T> {
    values.sort_unstable();
    values.get(values.len().checked_sub(1)? / 2).copied()
}
