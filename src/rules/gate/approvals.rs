//! Approvals: distinct people of a team, bound to the commit and the plan, ending after a time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};

use crate::data::{CommitId, Lapse};
use crate::rules::gate::{Answer, brief};

/// Approvals by people.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ApprovalsConfig {
    /// How many different people must approve.
    pub count: usize,
    /// Who may: names at the forge, names of teams in `teams`, or teams of the forge itself: `@org/team` at GitHub,
    /// `@group/subgroup` at GitLab. Without, anyone.
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
    /// Whether an approval must name the digest of the plan that is approved (`--for PLAN`): by a comment of that person on
    /// the request, with the line `plan DIGEST`, that was never changed.
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
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Senior {
    /// How many.
    #[serde(default = "one")]
    pub count: usize,
    /// Who is: names at the forge, names of teams in `teams`, or teams of the forge: `@org/team`.
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
    /// The person's name as people write it, where the forge says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
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
    /// The members of the forge's teams that are asked for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub teams: BTreeMap<String, Vec<String>>,
    /// Everything that was said.
    pub said: Vec<Approval>,
}

/// A comment on a request that nobody changed since it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The person's name at the forge.
    pub person: String,
    /// When it was written.
    pub at: Timestamp,
    /// Its text.
    pub text: String,
}

/// The digest of the plan that a text approves: the last line `plan 0123456789abcdef`, alone or after `approved` or a ticked
/// box. A line that quotes somebody is no word of one's own.
pub fn plan_named(text: &str) -> Option<String> {
    let line = |line: &str| -> Option<String> {
        let bare: String = line.chars().filter(|c| !matches!(c, '`' | '*' | '_')).collect();
        let bare = bare.trim().to_ascii_lowercase();
        let bare =
            ["- [x] ", "+ [x] ", "[x] "].iter().find_map(|box_| bare.strip_prefix(box_)).unwrap_or(&bare);
        let said = ["approved", "approve"].iter().find_map(|word| bare.strip_prefix(word)).unwrap_or(bare);
        let digest = said.trim_start_matches([':', ',', ' ']).strip_prefix("plan")?;
        let digest = digest.strip_prefix([':', ' '])?.trim().trim_end_matches('.');
        let hex = digest.len() == DIGEST && digest.bytes().all(|b| b.is_ascii_hexdigit());
        hex.then(|| digest.to_owned())
    };
    text.lines().filter_map(line).next_back()
}

/// The length of a plan's digest, in hexadecimal digits.
const DIGEST: usize = 16;

/// Gives approvals the plan that their person named in the newest remark up to a time.
pub fn bind(said: &mut [Approval], remarks: &[Remark], at: Timestamp) {
    for approval in said.iter_mut().filter(|a| a.plan.is_none()) {
        let same = |r: &&Remark| r.at <= at && r.person.eq_ignore_ascii_case(&approval.person);
        let named = remarks.iter().filter(same).filter_map(|r| Some((r.at, plan_named(&r.text)?)));
        // Of two at once neither counts for sure: the greater digest is as good as any, and the same each time.
        approval.plan = named.max().map(|(_, plan)| plan);
    }
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
        let enough = |names: &[String], count: usize| {
            // How many are in a team of the forge is not known here.
            names.is_empty()
                || self.expand(names).iter().any(|n| n.starts_with('@'))
                || self.people(names, &BTreeMap::new()).len() >= count
        };
        let odd = |name: &String| name.starts_with('@') && !name.contains('/') && name.len() > 1;
        let all =
            self.of.iter().chain(senior.iter().flat_map(|s| &s.of)).chain(self.teams.values().flatten());
        if let Some(name) = all.clone().find(|name| odd(name)) {
            return Some(format!(
                "`{name}` is no team: write `@org/team` or `@group/subgroup`, and people without `@`"
            ));
        }
        if !enough(&self.of, self.count) || !senior.is_none_or(|s| enough(&s.of, s.count)) {
            return Some("there are fewer people in `of` than must approve".to_owned());
        }
        None
    }

    /// Names with those of `teams` put in for them.
    fn expand(&self, names: &[String]) -> Vec<String> {
        let team = |name: &String| self.teams.get(name).cloned().unwrap_or_else(|| vec![name.clone()]);
        names.iter().flat_map(team).collect()
    }

    /// The teams of the forge that must be known, with their `@`.
    pub fn forge_teams(&self) -> BTreeSet<String> {
        let senior = self.senior.iter().flat_map(|s| &s.of).cloned().collect::<Vec<_>>();
        let all = self.expand(&self.of).into_iter().chain(self.expand(&senior));
        all.filter(|name| name.starts_with('@')).collect()
    }

    /// The people whom names stand for, in lower case: forges do not tell names apart by case.
    fn people(&self, names: &[String], teams: &BTreeMap<String, Vec<String>>) -> BTreeSet<String> {
        let members = |name: String| match name.starts_with('@') {
            true => teams.get(&name).cloned().unwrap_or_default(),
            false => vec![name],
        };
        self.expand(names).into_iter().flat_map(members).map(|name| name.to_lowercase()).collect()
    }

    /// The answer at a time. Too few approvals are unknown: they may still come.
    pub fn answer(&self, facts: &Approvals, at: &Zoned) -> Answer {
        if self.plan && facts.plan.is_none() {
            return Answer::unknown("approvals must name the plan, and no plan was given")
                .turn("give it with `--for PLAN`");
        }
        if let Some(team) = self.forge_teams().iter().find(|team| !facts.teams.contains_key(*team)) {
            return Answer::unknown(format!("nobody knows who is in {team}"));
        }
        let allowed = self.people(&self.of, &facts.teams);
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
            if !self.of.is_empty() && !allowed.contains(&key) {
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
            let wrote = |author: &String| {
                same(author, person) || approval.name.as_ref().is_some_and(|name| same(author, name))
            };
            let why = if !self.allow_author && facts.authors.iter().any(wrote) {
                Some("is the author".to_owned())
            } else if !self.allow_starter && facts.starters.iter().any(|starter| same(starter, person)) {
                Some("started this run".to_owned())
            } else if approval.commit != Some(facts.commit) {
                let other = approval.commit.map_or("no commit".to_owned(), |c| c.short());
                Some(format!("approved {other}"))
            } else if self.plan && approval.plan != facts.plan {
                Some(match &approval.plan {
                    Some(other) => format!("approved another plan, {}", brief(other)),
                    None => "named no plan".to_owned(),
                })
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
            let who = self.people(&senior.of, &facts.teams);
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
            let plan = facts.plan.as_ref().filter(|_| self.plan);
            let plan = plan.map_or(String::new(), |plan| match &self.file {
                Some(_) => format!(" and plan {plan}"),
                None => format!(", and to comment `plan {plan}` on the request"),
            });
            Answer::unknown(format!("{have}{not_counted}")).turn(format!(
                "ask for {} to approve {}{plan}",
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

/// The name at GitHub or GitLab in an address that hides another one: `1234+ann@users.noreply.github.com`,
/// `1234-ann@users.noreply.gitlab.com`.
pub fn login(email: &str) -> Option<String> {
    let (local, host) = email.split_once('@')?;
    let mark = match host.split_once('.') {
        Some(("users", "noreply.github.com")) => '+',
        Some(("users", host)) if host.starts_with("noreply.") => '-',
        _ => return None,
    };
    let name = match local.split_once(mark) {
        Some((number, name)) if number.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => local,
    };
    Some(name.to_owned())
}
