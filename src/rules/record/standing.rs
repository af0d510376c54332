//! How an environment stands, as the records of its deployments say.

use super::{Outcome, Record};

/// How an environment stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Standing {
    /// What is live, as far as records say: the newest version that was deployed or put back.
    pub live: Option<Live>,
    /// A deployment that began and of which nobody said how it ended.
    pub running: Option<Record>,
    /// Versions that were verified here, the newest last, each once.
    pub verified: Vec<Live>,
    /// Versions whose last deployment here failed.
    pub failed: Vec<String>,
}

/// A version with the record that says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// The version.
    pub version: String,
    /// Whether it was verified.
    pub verified: bool,
    /// The record.
    pub record: Record,
}

/// How an environment stands, from its records sorted by time.
///
/// A version is verified by a deployment that looked at it and came to its end, or by a look at it afterwards (`smoke`,
/// `verify`) while it was live. One whose last deployment failed is not a version to go back to.
pub fn standing<'r>(records: impl IntoIterator<Item = &'r Record>) -> Standing {
    let mut now = Standing::default();
    for record in records {
        let Some(it) = &record.deployment else { continue };
        let live =
            |version: &str, verified| Live { version: version.to_owned(), verified, record: record.clone() };
        now.running = None;
        match (record.outcome, record.step.as_str()) {
            (Outcome::Running, _) => {
                now.running = Some(record.clone());
                continue;
            }
            (outcome, "smoke" | "verify") => {
                let Some(current) = now.live.as_mut().filter(|live| live.version == it.version) else {
                    continue;
                };
                match outcome {
                    Outcome::Done => {
                        current.verified = true;
                        let current = current.clone();
                        now.keep(current);
                    }
                    Outcome::Failed => {
                        current.verified = false;
                        now.drop(&it.version);
                    }
                    _ => {}
                }
            }
            (Outcome::Done, step) => {
                // What somebody went back from is not gone back to: `rollback` twice is no rollback to the bad version.
                if let ("rollback", Some(previous)) = (step, &it.previous) {
                    now.drop(previous);
                }
                now.failed.retain(|version| *version != it.version);
                let current = live(&it.version, it.verifies);
                if it.verifies {
                    now.keep(current.clone());
                }
                now.live = Some(current);
            }
            (Outcome::Unverified, _) => {
                now.live = Some(live(&it.version, false));
            }
            (Outcome::RolledBack, _) => {
                now.drop(&it.version);
                now.live = it.previous.as_ref().map(|previous| live(previous, true));
            }
            (Outcome::Failed, _) => {
                now.drop(&it.version);
                // All of it, some of it or nothing of it may be live.
                now.live = None;
            }
            (Outcome::Refused, _) => {}
        }
    }
    now
}

impl Live {
    /// When the record ended.
    pub fn at(&self) -> jiff::Timestamp {
        self.record.ended.unwrap_or(self.record.started)
    }
}

impl Standing {
    fn keep(&mut self, live: Live) {
        self.verified.retain(|known| known.version != live.version);
        self.verified.push(live);
    }

    fn drop(&mut self, version: &str) {
        self.verified.retain(|known| known.version != version);
        if !self.failed.iter().any(|known| known == version) {
            self.failed.push(version.to_owned());
        }
    }

    /// Whether a version was verified here, and its last deployment did not fail.
    pub fn has_verified(&self, version: &str) -> Option<&Live> {
        self.verified.iter().find(|known| known.version == version)
    }

    /// The version to go back to from another one: the last that was verified.
    pub fn before(&self, version: &str) -> Option<&Live> {
        self.verified.iter().rev().find(|known| known.version != version)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use jiff::Timestamp;

    use super::super::{Deployment, FORMAT};
    use super::*;

    /// `step version previous outcome`, or with `!` at the end of the version: nothing looked at it.
    fn records(lines: &[&str]) -> Vec<Record> {
        let record = |(n, line): (usize, &&str)| {
            let words: Vec<&str> = line.split(' ').collect();
            let outcome = match words[3] {
                "running" => Outcome::Running,
                "done" => Outcome::Done,
                "rolled-back" => Outcome::RolledBack,
                "unverified" => Outcome::Unverified,
                "refused" => Outcome::Refused,
                _ => Outcome::Failed,
            };
            Record {
                format: FORMAT,
                id: format!("{n}"),
                tool: String::new(),
                step: words[0].to_owned(),
                summary: String::new(),
                outcome,
                why: None,
                who: None,
                place: None,
                started: Timestamp::from_second(n as i64).unwrap(),
                ended: None,
                deployment: Some(Deployment {
                    environment: "production".to_owned(),
                    version: words[1].trim_end_matches('!').to_owned(),
                    previous: Some(words[2].to_owned()).filter(|p| p != "-"),
                    commit: None,
                    digests: BTreeMap::new(),
                    verifies: !words[1].ends_with('!'),
                    rollback_until: None,
                    objective: None,
                    bad_since: None,
                    recovery: None,
                }),
                commit: None,
                findings: Vec::new(),
                effects: Vec::new(),
                outputs: BTreeMap::new(),
            }
        };
        lines.iter().enumerate().map(record).collect()
    }

    /// What is live, whether it is verified, and what one would go back to.
    fn says(lines: &[&str]) -> (Option<String>, bool, Option<String>) {
        let now = standing(&records(lines));
        let live = now.live.clone();
        let version = live.as_ref().map(|live| live.version.clone());
        let back = now.before(version.as_deref().unwrap_or_default()).map(|b| b.version.clone());
        (version, live.is_some_and(|live| live.verified), back)
    }

    #[test]
    fn the_last_verified_version_is_the_one_to_go_back_to() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(says(&[]), (None, false, None));
        assert_eq!(says(&["deploy 1 - done"]), (text("1"), true, None));
        assert_eq!(says(&["deploy 1 - done", "deploy 2 1 done"]), (text("2"), true, text("1")));
        // Nothing looked at it: live, but no version to go back to.
        let all = ["deploy 1 - done", "deploy 2! 1 done", "deploy 3 2 done"];
        assert_eq!(says(&all), (text("3"), true, text("1")));
        // A look afterwards verifies it.
        let all = ["deploy 1! - done", "verify 1 - done", "deploy 2 1 done"];
        assert_eq!(says(&all), (text("2"), true, text("1")));
        // One at another version does not.
        let all = ["deploy 1! - done", "verify 0 - done", "deploy 2 1 done"];
        assert_eq!(says(&all), (text("2"), true, None));
        // Undone twice, it does not flip back to the bad version.
        let all = ["deploy 1 - done", "deploy 2 1 done", "deploy 3 2 rolled-back"];
        assert_eq!(says(&all), (text("2"), true, text("1")));
        let all = ["deploy 1 - done", "deploy 2 1 done", "deploy 3 2 rolled-back", "rollback 1 2 done"];
        assert_eq!(says(&all), (text("1"), true, None));
        // Nobody knows what of it is live.
        let all = ["deploy 1 - done", "deploy 2 1 failed"];
        assert_eq!(says(&all), (None, false, text("1")));
        let all = ["deploy 1 - done", "deploy 2 1 refused"];
        assert_eq!(says(&all), (text("1"), true, None));
        let all = ["deploy 1 - done", "deploy 2 1 done", "verify 2 1 failed"];
        assert_eq!(says(&all), (text("2"), false, text("1")));
        let all = ["deploy 1 - done", "deploy 2 1 unverified"];
        assert_eq!(says(&all), (text("2"), false, text("1")));
    }

    #[test]
    fn one_that_began_is_running_until_another_says_more() {
        let now = standing(&records(&["deploy 1 - done", "deploy 2 1 running"]));
        assert_eq!(now.running.unwrap().id, "1");
        assert_eq!(now.live.unwrap().version, "1");
        let now = standing(&records(&["deploy 2 1 running", "rollback 1 - done"]));
        assert!(now.running.is_none());
    }
}
