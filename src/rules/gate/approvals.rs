//! Approvals: distinct people of a team, bound to the commit and the plan, ending after a time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, Zoned};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{CommitId, Lapse};
use crate::rules::gate::Answer;

/// Approvals by people.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ApprovalsConfig {
    /// How many different people must approve.
    pub count: usize,
    /// Who may: names at the forge, or names of teams in `teams`. Without, anyone.
    pub of: Vec<String>,
    /// How many of them must be senior, and who is.
    pub senior: Option<Senior>,
    /// Teams by their names, for `of`.
    pub teams: BTreeMap<String, Vec<String>>,
    /// Whether the author's own approval counts.
    pub allow_author: bool,
    /// Whether the approval of the person counts who started this run.
    pub allow_starter: bool,
    /// How long an approval lasts: `24h`. Without, as long as the commit.
    pub ends_after: Option<Lapse>,
    /// Whether an approval must name the digest of the plan that is approved (`--for PLAN`).
    pub plan: bool,
    /// A file of the repository's work tree that holds the approvals, instead of the reviews of the request: JSON, a list
    /// of `{person, at, commit, plan}`. Only what the pipeline itself writes there can be trusted.
    pub file: Option<String>,
}

impl Default for ApprovalsConfig {
    fn default() -> Self {
        ApprovalsConfig {
            count: 1,
            of: Vec::new(),
            senior: None,
            teams: BTreeMap::new(),
            allow_author: false,
            allow_starter: false,
            ends_after: None,
            plan: false,
            file: None,
        }
    }
}

/// How many of those who approve must be senior.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Senior {
    /// How many.
    #[serde(default = "one")]
    pub count: usize,
    /// Who is: names at the forge, or names of teams in `teams`.
    pub of: Vec<String>,
}

fn one() -> usize {
    1
}

/// What a person says, from most to least.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Says {
    /// Yes.
    #[default]
    Approve,
    /// What was said before no longer counts.
    Withdraw,
    /// No.
    Refuse,
}

/// What one person said once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The person's name at the forge.
    pub person: String,
    /// What they said.
    #[serde(default)]
    pub says: Says,
    /// When.
    pub at: Timestamp,
    /// Of which commit. An approval of no commit counts for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
    /// Of which plan, by its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
}

/// What is known of approvals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvals {
    /// The commit that is to be approved.
    pub commit: CommitId,
    /// The plan that is to be approved, by its digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Names and addresses of those who wrote what is to be approved.
    pub authors: Vec<String>,
    /// Who started this run, or ran it again.
    pub starters: Vec<String>,
    /// Everything that was said.
    pub said: Vec<Approval>,
}

impl ApprovalsConfig {
    /// What is wrong with it, if anything.
    pub fn refused(&self) -> Option<String> {
        if self.count == 0 {
            return Some("`count: 0` approves everything: leave the check out instead".to_owned());
        }
        let senior = self.senior.as_ref();
        if senior.is_some_and(|s| s.count == 0 || s.count > self.count) {
            return Some("`senior` needs a `count` from 1 to that of all approvals".to_owned());
        }
        if senior.is_some_and(|s| s.of.is_empty()) {
            return Some("`senior` needs `of`: who is senior?".to_owned());
        }
        let enough = |names: &[String], count: usize| names.is_empty() || self.people(names).len() >= count;
        if !enough(&self.of, self.count) || !senior.is_none_or(|s| enough(&s.of, s.count)) {
            return Some("there are fewer people in `of` than must approve".to_owned());
        }
        None
    }

    /// The people whom names stand for, in lower case: forges do not tell names apart by case.
    fn people(&self, names: &[String]) -> BTreeSet<String> {
        let team = |name: &String| self.teams.get(name).cloned().unwrap_or_else(|| vec![name.clone()]);
        names.iter().flat_map(team).map(|name| name.to_lowercase()).collect()
    }

    /// The answer at a time. Too few approvals are unknown: they may still come.
    pub fn answer(&self, facts: &Approvals, at: &Zoned) -> Answer {
        if self.plan && facts.plan.is_none() {
            return Answer::unknown("approvals must name the plan, and no plan was given")
                .turn("give it with `--for PLAN`");
        }
        let allowed = self.people(&self.of);
        let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
        let mut last: BTreeMap<String, &Approval> = BTreeMap::new();
        let mut said: Vec<&Approval> = facts.said.iter().filter(|a| a.at <= at.timestamp()).collect();
        // Of two things said at once, the one that approves less counts.
        said.sort_by_key(|a| (a.at, a.says, a.commit != Some(facts.commit), a.plan != facts.plan));
        for approval in said {
            last.insert(approval.person.to_lowercase(), approval);
        }
        let mut counted: Vec<(&Approval, Option<Timestamp>)> = Vec::new();
        let mut refusals = Vec::new();
        let mut not: Vec<String> = Vec::new();
        for (key, approval) in last {
            let person = &approval.person;
            if !allowed.is_empty() && !allowed.contains(&key) {
                not.push(format!("{person} is not asked"));
                continue;
            }
            if approval.says == Says::Refuse {
                refusals.push(approval);
                continue;
            }
            if approval.says == Says::Withdraw {
                not.push(format!("{person} withdrew"));
                continue;
            }
            let why = if !self.allow_author && facts.authors.iter().any(|author| same(author, person)) {
                Some("is the author".to_owned())
            } else if !self.allow_starter && facts.starters.iter().any(|starter| same(starter, person)) {
                Some("started this run".to_owned())
            } else if approval.commit != Some(facts.commit) {
                let other = approval.commit.map_or("no commit".to_owned(), |c| c.short());
                Some(format!("approved {other}"))
            } else if self.plan && approval.plan != facts.plan {
                Some("approved another plan".to_owned())
            } else {
                None
            };
            if let Some(why) = why {
                not.push(format!("{person} {why}"));
                continue;
            }
            match self.end(approval, at) {
                Ok(end) if end.is_none_or(|end| end >= at.timestamp()) => counted.push((approval, end)),
                Ok(_) => not.push(format!("the approval by {person} has ended")),
                Err(why) => not.push(why),
            }
        }
        let not_counted =
            if not.is_empty() { String::new() } else { format!("; not counted: {}", not.join(", ")) };
        if let Some(refusal) = refusals.iter().min_by_key(|r| r.at) {
            let names: Vec<&str> = refusals.iter().map(|r| r.person.as_str()).collect();
            let mut answer = Answer::fail(format!("refused by {}", names.join(", "))).since(refusal.at);
            answer.people = names.iter().map(|n| (*n).to_owned()).collect();
            return answer.turn(format!("settle it with {}", names.join(", ")));
        }
        let mut people: Vec<String> = counted.iter().map(|(a, _)| a.person.clone()).collect();
        people.sort();
        let seniors = self.senior.as_ref().map(|senior| {
            let who = self.people(&senior.of);
            (senior, people.iter().filter(|p| who.contains(&p.to_lowercase())).count())
        });
        let names = if people.is_empty() { String::new() } else { format!(" ({})", people.join(", ")) };
        let have = format!("{} of {} approvals{names}", people.len(), self.count);
        let mut missing = Vec::new();
        if people.len() < self.count {
            let whom = if self.of.is_empty() { String::new() } else { format!(" of {}", self.of.join(", ")) };
            missing.push(format!("{} more{whom}", self.count - people.len()));
        }
        if let Some((senior, there)) = seniors.filter(|(senior, there)| *there < senior.count) {
            missing.push(format!("{} senior of {}", senior.count - there, senior.of.join(", ")));
        }
        let mut answer = if missing.is_empty() {
            Answer::pass(format!("approved by {}{not_counted}", people.join(", ")))
                .since(counted.iter().map(|(a, _)| a.at).max())
                .until(counted.iter().filter_map(|(_, end)| *end).min())
        } else {
            Answer::unknown(format!("{have}{not_counted}")).turn(format!(
                "ask for {} to approve {}",
                missing.join(" and "),
                facts.commit.short()
            ))
        };
        answer.people = people;
        answer
    }

    fn end(&self, approval: &Approval, at: &Zoned) -> Result<Option<Timestamp>, String> {
        let Some(lapse) = self.ends_after else { return Ok(None) };
        let given = approval.at.to_zoned(at.time_zone().clone());
        given
            .checked_add(lapse.0)
            .map(|end| Some(end.timestamp()))
            .map_err(|_| format!("the end of the approval by {} is beyond all time", approval.person))
    }
}
