//! What gates ask of GitLab.

use gitlab::api::common;
use http::Method;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Answer, GitLab, Raw, Request};
use crate::data::CommitId;
use crate::rules::gate::approvals::{Approval, Remark, Says};
use crate::rules::gate::freeze::FreezePeriod;
use crate::rules::gate::runs::{CheckRun, RunState};
use crate::world::forge::gate::GateView;
use crate::world::http::Failure;

/// <https://docs.gitlab.com/api/commits/#list-commit-statuses>
#[derive(Deserialize)]
struct StatusAnswer {
    name: String,
    sha: CommitId,
    status: String,
    #[serde(default)]
    allow_failure: bool,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
}

/// <https://docs.gitlab.com/api/freeze_periods/>
#[derive(Deserialize)]
struct FreezeAnswer {
    freeze_start: String,
    freeze_end: String,
    cron_timezone: Option<String>,
}

/// <https://docs.gitlab.com/api/merge_request_approvals/#retrieve-approval-state-for-a-merge-request>
#[derive(Deserialize)]
struct Approved {
    #[serde(default)]
    approved_by: Vec<ApprovedBy>,
}

#[derive(Deserialize)]
struct ApprovedBy {
    user: Person,
    approved_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Person {
    username: String,
    #[serde(default)]
    name: Option<String>,
}

/// <https://docs.gitlab.com/api/group_members/#list-all-group-members-including-inherited-and-invited-members>
#[derive(Deserialize)]
struct MemberAnswer {
    username: String,
    #[serde(default)]
    state: String,
    access_level: u32,
}

/// The level from which on people may approve
/// (<https://docs.gitlab.com/user/project/merge_requests/approvals/rules/#eligible-approvers>): Developer.
const DEVELOPER: u32 = 30;

/// <https://docs.gitlab.com/api/notes/#list-all-merge-request-notes>
#[derive(Deserialize)]
struct NoteAnswer {
    body: String,
    author: Person,
    created_at: Timestamp,
    updated_at: Option<Timestamp>,
    #[serde(default)]
    system: bool,
}

/// <https://docs.gitlab.com/api/merge_requests/#list-merge-request-diff-versions>
#[derive(Deserialize)]
struct VersionAnswer {
    head_commit_sha: CommitId,
    created_at: Timestamp,
}

#[derive(Deserialize)]
struct IssueAnswer {
    /// Must be there, if only as null: an answer without it is no issue.
    #[serde(deserialize_with = "Option::deserialize")]
    description: Option<String>,
}

const PAGES: usize = 40;

impl GitLab {
    /// All of a list; an error when there is more of it than is sensible, since what is not seen may say no.
    fn all<T: DeserializeOwned>(&self, route: Raw) -> Answer<Vec<T>> {
        let address = self.address(&route)?;
        let list: Vec<T> = self.pages(Ok::<_, String>(route), PAGES, |_| false)?;
        match list.len() < PAGES * 100 {
            true => Ok(list),
            false => Err(Failure::unreadable(Method::GET, &address, "the list is too long")),
        }
    }
}

impl GateView for GitLab {
    fn check_runs(&self, commit: CommitId) -> Answer<Vec<CheckRun>> {
        let route = self.raw(Method::GET, &format!("/repository/commits/{commit}/statuses"), None);
        let statuses: Vec<StatusAnswer> = self.all(route)?;
        Ok(statuses.into_iter().map(CheckRun::from).collect())
    }

    /// An approval at GitLab names no commit: it is one of the version of the request that was the newest then.
    fn reviews(&self, request: &Request) -> Answer<Vec<Approval>> {
        let below =
            |rest: &str| self.raw(Method::GET, &format!("/merge_requests/{}/{rest}", request.number), None);
        let approved: Approved = self.ask(Ok::<_, String>(below("approvals")))?;
        if approved.approved_by.is_empty() {
            return Ok(Vec::new());
        }
        let versions: Vec<VersionAnswer> = self.all(below("versions"))?;
        let notes: Vec<NoteAnswer> = match approved.approved_by.iter().all(|a| a.approved_at.is_some()) {
            true => Vec::new(),
            // Older servers say the time of an approval only in the history of the request.
            false => self.all(below("notes"))?,
        };
        let noted = |who: &str| {
            let own = notes.iter().filter(|n| n.system && n.author.username == who);
            own.filter(|n| n.body.starts_with("approved this merge request")).map(|n| n.created_at).max()
        };
        let said = approved.approved_by.into_iter().filter_map(|approval| {
            let (person, name) = (approval.user.username, approval.user.name);
            // Without a time it cannot be said of which commit it is: it counts for none.
            let at = approval.approved_at.or_else(|| noted(&person))?;
            let seen = versions.iter().filter(|v| v.created_at <= at).max_by_key(|v| v.created_at);
            let commit = seen.map(|v| v.head_commit_sha);
            Some(Approval { person, name, says: Says::Approve, at, commit, plan: None })
        });
        Ok(said.collect())
    }

    fn remarks(&self, request: &Request) -> Answer<Vec<Remark>> {
        let notes: Vec<NoteAnswer> =
            self.all(self.raw(Method::GET, &format!("/merge_requests/{}/notes", request.number), None))?;
        let unchanged = notes.into_iter().filter(|n| !n.system && n.updated_at == Some(n.created_at));
        Ok(unchanged.map(|n| Remark { person: n.author.username, at: n.created_at, text: n.body }).collect())
    }

    fn members(&self, team: &str) -> Answer<Option<Vec<String>>> {
        let path = format!("groups/{}/members/all", common::path_escaped(team));
        let members: Vec<MemberAnswer> = match self.all(Raw { method: Method::GET, path, body: None }) {
            Err(e) if e.absent() => return Ok(None),
            answer => answer?,
        };
        let may = members.into_iter().filter(|m| m.state == "active" && m.access_level >= DEVELOPER);
        Ok(Some(may.map(|m| m.username).collect()))
    }

    fn freeze_periods(&self) -> Answer<Vec<FreezePeriod>> {
        let route = self.raw(Method::GET, "/freeze_periods", None);
        let periods: Vec<FreezeAnswer> = self.all(route)?;
        let neutral = |period: FreezeAnswer| FreezePeriod {
            start: period.freeze_start,
            end: period.freeze_end,
            zone: period.cron_timezone.unwrap_or_else(|| "UTC".to_owned()),
        };
        Ok(periods.into_iter().map(neutral).collect())
    }

    fn issue_text(&self, number: u64) -> Answer<Option<String>> {
        let route = self.raw(Method::GET, &format!("/issues/{number}"), None);
        match self.ask::<IssueAnswer, _>(Ok::<_, String>(route)) {
            Ok(issue) => Ok(Some(issue.description.unwrap_or_default())),
            Err(e) if e.absent() => Ok(None),
            Err(e) => Err(e),
        }
    }
}

impl From<StatusAnswer> for CheckRun {
    fn from(status: StatusAnswer) -> Self {
        let state = match status.status.as_str() {
            "success" => RunState::Success,
            "skipped" => RunState::Skipped,
            // A job that may fail says neither yes nor no when it does.
            "failed" | "canceled" if status.allow_failure => RunState::Skipped,
            "failed" | "canceled" => RunState::Failure,
            _ => RunState::Pending,
        };
        CheckRun {
            name: status.name,
            commit: status.sha,
            state,
            said: status.status,
            started: status.started_at,
            ended: status.finished_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shortened from the examples of GitLab's pages named above.
    #[test]
    fn documented_answers_are_read() {
        let status = |status: &str, allow: bool| {
            let text = format!(
                r#"{{"status": "{status}", "created_at": "2016-01-19T08:40:25.934Z", "started_at": null, "name": "bundler:audit",
                  "allow_failure": {allow}, "sha": "18f3e63d05582537db6d183d9d557be09e1f90c8", "finished_at": null, "id": 91}}"#
            );
            CheckRun::from(serde_json::from_str::<StatusAnswer>(&text).unwrap()).state
        };
        assert_eq!(status("pending", true), RunState::Pending);
        assert_eq!(status("manual", false), RunState::Pending);
        assert_eq!(status("success", false), RunState::Success);
        assert_eq!(status("failed", false), RunState::Failure);
        assert_eq!(status("failed", true), RunState::Skipped);
        assert_eq!(status("skipped", false), RunState::Skipped);
        let period: FreezeAnswer = serde_json::from_str(
            r#"{"id": 1, "freeze_start": "0 23 * * 5", "freeze_end": "0 8 * * 1", "cron_timezone": "UTC",
              "created_at": "2020-05-15T17:03:35.702Z"}"#,
        )
        .unwrap();
        assert_eq!(period.freeze_end, "0 8 * * 1");
        let approved: Approved = serde_json::from_str(
            r#"{"id": 5, "iid": 5, "approvals_required": 2, "approved_by": [
              {"user": {"name": "Administrator", "username": "root", "id": 1}, "approved_at": "2016-06-09T01:45:21.720Z"},
              {"user": {"name": "Older", "username": "older", "id": 2}}]}"#,
        )
        .unwrap();
        assert_eq!(approved.approved_by[0].user.username, "root");
        assert!(
            approved.approved_by[0].approved_at.is_some() && approved.approved_by[1].approved_at.is_none()
        );
    }
}
