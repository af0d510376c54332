//! What gates ask of GitHub.

use http::Method;
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::{Answer, GitHub, Request};
use crate::data::CommitId;
use crate::rules::gate::approvals::{Approval, Remark, Says};
use crate::rules::gate::freeze::FreezePeriod;
use crate::rules::gate::runs::{CheckRun, RunState};
use crate::world::forge::gate::GateView;
use crate::world::http::Failure;

/// <https://docs.github.com/rest/checks/runs#list-check-runs-for-a-git-reference>
#[derive(Deserialize)]
struct CheckRuns {
    total_count: usize,
    check_runs: Vec<CheckRunAnswer>,
}

#[derive(Deserialize)]
struct CheckRunAnswer {
    name: String,
    head_sha: CommitId,
    status: String,
    conclusion: Option<String>,
    started_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
}

/// <https://docs.github.com/rest/commits/statuses#list-commit-statuses-for-a-reference>
#[derive(Deserialize)]
struct StatusAnswer {
    context: String,
    state: String,
    created_at: Option<Timestamp>,
}

/// <https://docs.github.com/rest/pulls/reviews#list-reviews-for-a-pull-request>
#[derive(Deserialize)]
struct ReviewAnswer {
    user: Option<Person>,
    state: String,
    commit_id: Option<CommitId>,
    submitted_at: Option<Timestamp>,
    #[serde(default)]
    author_association: String,
}

#[derive(Deserialize)]
struct Person {
    login: String,
    /// `User`, `Bot`, …
    #[serde(default, rename = "type")]
    kind: String,
}

/// <https://docs.github.com/rest/issues/comments#list-issue-comments>
#[derive(Deserialize)]
struct CommentAnswer {
    user: Option<Person>,
    #[serde(default)]
    body: String,
    created_at: Timestamp,
    updated_at: Timestamp,
}

#[derive(Deserialize)]
struct IssueAnswer {
    /// Must be there, if only as null: an answer without it is no issue.
    #[serde(deserialize_with = "Option::deserialize")]
    body: Option<String>,
}

/// GitHub itself lists no more than a thousand check suites of a commit.
const PAGES: usize = 40;

impl GateView for GitHub {
    fn check_runs(&self, commit: CommitId) -> Answer<Vec<CheckRun>> {
        let mut runs: Vec<CheckRun> = Vec::new();
        for page in 1..=PAGES {
            // `latest` leaves out what was run again.
            let route =
                self.route(&format!("commits/{commit}/check-runs?filter=latest&per_page=100&page={page}"));
            let answer: CheckRuns = self.get(&route)?;
            let last = answer.check_runs.is_empty();
            runs.extend(answer.check_runs.into_iter().map(CheckRun::from));
            if runs.len() >= answer.total_count {
                break;
            }
            if last || page == PAGES {
                let why = format!("{} of {} check runs are listed", runs.len(), answer.total_count);
                return Err(Failure::unreadable(Method::GET, &self.address(&route), why));
            }
        }
        // Statuses are the older kind of check; of each name the newest comes first and is the one that counts.
        let route = self.route(&format!("commits/{commit}/statuses?per_page=100"));
        let (statuses, more): (Vec<StatusAnswer>, bool) = self.pages(&route, PAGES, |_| false)?;
        if more {
            return Err(Failure::unreadable(
                Method::GET,
                &self.address(&route),
                "there are too many statuses",
            ));
        }
        let mut seen = std::collections::BTreeSet::new();
        for status in statuses {
            if seen.insert(status.context.clone()) {
                runs.push(status.on(commit));
            }
        }
        Ok(runs)
    }

    fn reviews(&self, request: &Request) -> Answer<Vec<Approval>> {
        let route = self.route(&format!("pulls/{}/reviews?per_page=100", request.number));
        let (reviews, more): (Vec<ReviewAnswer>, bool) = self.pages(&route, PAGES, |_| false)?;
        if more {
            return Err(Failure::unreadable(
                Method::GET,
                &self.address(&route),
                "there are too many reviews",
            ));
        }
        Ok(reviews.into_iter().filter_map(ReviewAnswer::said).collect())
    }

    fn remarks(&self, request: &Request) -> Answer<Vec<Remark>> {
        let route = self.route(&format!("issues/{}/comments?per_page=100", request.number));
        let (comments, more): (Vec<CommentAnswer>, bool) = self.pages(&route, PAGES, |_| false)?;
        if more {
            let why = "there are too many comments";
            return Err(Failure::unreadable(Method::GET, &self.address(&route), why));
        }
        let unchanged = comments.into_iter().filter(|c| c.created_at == c.updated_at);
        let remark =
            |c: CommentAnswer| Some(Remark { person: c.user?.login, at: c.created_at, text: c.body });
        Ok(unchanged.filter_map(remark).collect())
    }

    /// <https://docs.github.com/rest/teams/members#list-team-members>
    fn members(&self, team: &str) -> Answer<Option<Vec<String>>> {
        let Some((org, slug)) = team.split_once('/') else { return Ok(None) };
        let part = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let route = format!("/orgs/{}/teams/{}/members?per_page=100", part(org), part(slug));
        let (people, more): (Vec<Person>, bool) = match self.pages(&route, PAGES, |_| false) {
            Err(e) if e.absent() => return Ok(None),
            answer => answer?,
        };
        if more {
            let why = "the team has too many members";
            return Err(Failure::unreadable(Method::GET, &self.address(&route), why));
        }
        Ok(Some(people.into_iter().map(|p| p.login).collect()))
    }

    fn freeze_periods(&self) -> Answer<Vec<FreezePeriod>> {
        Ok(Vec::new())
    }

    fn issue_text(&self, number: u64) -> Answer<Option<String>> {
        match self.get::<IssueAnswer>(&self.route(&format!("issues/{number}"))) {
            Ok(issue) => Ok(Some(issue.body.unwrap_or_default())),
            Err(e) if e.absent() => Ok(None),
            Err(e) => Err(e),
        }
    }
}

impl From<CheckRunAnswer> for CheckRun {
    fn from(run: CheckRunAnswer) -> Self {
        let state = match (run.status.as_str(), run.conclusion.as_deref()) {
            ("completed", Some("success")) => RunState::Success,
            ("completed", Some("skipped" | "neutral")) => RunState::Skipped,
            ("completed", Some(_)) => RunState::Failure,
            _ => RunState::Pending,
        };
        let said = match run.conclusion {
            Some(conclusion) if run.status == "completed" => conclusion,
            _ => run.status,
        };
        CheckRun {
            name: run.name,
            commit: run.head_sha,
            state,
            said,
            started: run.started_at,
            ended: run.completed_at,
        }
    }
}

impl StatusAnswer {
    fn on(self, commit: CommitId) -> CheckRun {
        let state = match self.state.as_str() {
            "success" => RunState::Success,
            "pending" => RunState::Pending,
            _ => RunState::Failure,
        };
        let ended = self.created_at.filter(|_| state != RunState::Pending);
        CheckRun { name: self.context, commit, state, said: self.state, started: self.created_at, ended }
    }
}

impl ReviewAnswer {
    /// What a review says; none for a comment, a draft, or one by somebody from outside.
    fn said(self) -> Option<Approval> {
        // Anybody may review a public repository: only those who belong to it can approve.
        let belongs = matches!(self.author_association.as_str(), "OWNER" | "MEMBER" | "COLLABORATOR");
        let says = match self.state.as_str() {
            "APPROVED" => Says::Approve,
            "CHANGES_REQUESTED" => Says::Refuse,
            "DISMISSED" => Says::Withdraw,
            _ => return None,
        };
        let (person, at) = (self.user?, self.submitted_at?);
        // An app is nobody.
        let somebody = belongs && person.kind != "Bot";
        let (person, commit) = (person.login, self.commit_id);
        somebody.then_some(Approval { person, name: None, says, at, commit, plan: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "ce587453ced02b1526dfb4cb910479d431683101";

    /// Shortened from the examples of GitHub's pages named above.
    #[test]
    fn documented_answers_are_read() {
        let runs: CheckRuns = serde_json::from_str(&format!(
            r#"{{"total_count": 3, "check_runs": [
              {{"id": 4, "head_sha": "{COMMIT}", "status": "completed", "conclusion": "neutral", "name": "mighty_readme",
                "started_at": "2018-05-04T01:14:52Z", "completed_at": "2018-05-04T01:14:52Z", "app": {{"id": 1}}}},
              {{"head_sha": "{COMMIT}", "status": "in_progress", "conclusion": null, "name": "test",
                "started_at": "2018-05-04T01:14:52Z", "completed_at": null}},
              {{"head_sha": "{COMMIT}", "status": "completed", "conclusion": "timed_out", "name": "lint",
                "started_at": null, "completed_at": null}}]}}"#
        ))
        .unwrap();
        let states: Vec<(RunState, String)> =
            runs.check_runs.into_iter().map(CheckRun::from).map(|r| (r.state, r.said)).collect();
        let wanted = [
            (RunState::Skipped, "neutral"),
            (RunState::Pending, "in_progress"),
            (RunState::Failure, "timed_out"),
        ];
        assert_eq!(states, wanted.map(|(state, said)| (state, said.to_owned())));

        let review = |state: &str, association: &str| -> Option<Approval> {
            let text = format!(
                r#"{{"id": 80, "user": {{"login": "octocat", "id": 1}}, "body": "Here is", "state": "{state}",
                  "submitted_at": "2019-11-17T17:43:43Z", "commit_id": "{COMMIT}", "author_association": "{association}"}}"#
            );
            serde_json::from_str::<ReviewAnswer>(&text).unwrap().said()
        };
        let approval = review("APPROVED", "COLLABORATOR").unwrap();
        assert_eq!((approval.says, approval.commit), (Says::Approve, COMMIT.parse().ok()));
        assert_eq!(review("CHANGES_REQUESTED", "MEMBER").unwrap().says, Says::Refuse);
        assert_eq!(review("DISMISSED", "OWNER").unwrap().says, Says::Withdraw);
        let bot = r#"{"user": {"login": "x[bot]", "type": "Bot"}, "state": "APPROVED", "author_association": "MEMBER",
            "submitted_at": "2019-11-17T17:43:43Z", "commit_id": null}"#;
        assert_eq!(serde_json::from_str::<ReviewAnswer>(bot).unwrap().said(), None, "an app is nobody");
        assert_eq!(review("COMMENTED", "OWNER"), None);
        assert_eq!(review("APPROVED", "NONE"), None, "anybody can approve on a public repository");
        let pending: ReviewAnswer =
            serde_json::from_str(r#"{"user": null, "state": "PENDING", "commit_id": null}"#).unwrap();
        assert_eq!(pending.said(), None);
    }
}
