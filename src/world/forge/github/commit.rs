//! Commits by GitHub's API.
//!
//! `createCommitOnBranch` signs whatever token it is called with, and commits only where the branch is as expected
//! (<https://docs.github.com/graphql/reference/commits#createcommitonbranch>). The REST API's git objects are signed for
//! Apps alone
//! (<https://docs.github.com/authentication/managing-commit-signature-verification/about-commit-signature-verification#signature-verification-for-bots>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Uri};
use percent_encoding::utf8_percent_encode;
use serde_json::{Value, json};

use super::{GitHub, NAMES, Wire, say_version};
use crate::data::CommitId;
use crate::effect::Before;
use crate::world::forge::{Answer, CommitText};
use crate::world::http::{self as web, Body, Cause, Failure};

const MUTATION: &str = "mutation($input: CreateCommitOnBranchInput!) \
     { createCommitOnBranch(input: $input) { commit { oid } } }";

impl GitHub {
    /// Makes a commit. A branch that is replaced gets it from a branch beside it, which is gone afterwards: a request whose
    /// head had nothing to merge for a moment would be closed by GitHub.
    pub(super) fn make_commit(&self, text: &CommitText<'_>) -> Answer<CommitId> {
        let beside = format!("{}--next", text.branch);
        match text.before {
            Before::Parent => self.commit_on(text.branch, text),
            Before::Absent => {
                // A try that was lost may have created it: the commit itself says where the branch must be.
                self.create_branch(text.branch, text.parent)?;
                self.commit_on(text.branch, text)
            }
            Before::At(_) => {
                if !self.create_branch(&beside, text.parent)? {
                    self.move_branch(&beside, text.parent)?;
                }
                let commit = self.commit_on(&beside, text)?;
                self.move_branch(text.branch, commit)?;
                self.delete_branch(&beside)?;
                Ok(commit)
            }
        }
    }

    fn branch_route(&self, branch: &str) -> String {
        self.route(&format!("git/refs/heads/{}", utf8_percent_encode(branch, NAMES)))
    }

    /// Creates a branch; false where it was there. <https://docs.github.com/rest/git/refs#create-a-reference>
    fn create_branch(&self, branch: &str, at: CommitId) -> Answer<bool> {
        let body = json!({ "ref": format!("refs/heads/{branch}"), "sha": at.to_string() });
        match self.post::<Value>(&self.route("git/refs"), &body) {
            Err(e) if e.status() == Some(422) && e.said.contains("already exists") => Ok(false),
            answer => answer.map(|_| true),
        }
    }

    /// <https://docs.github.com/rest/git/refs#update-a-reference>
    fn move_branch(&self, branch: &str, to: CommitId) -> Answer<()> {
        let body = json!({ "sha": to.to_string(), "force": true });
        self.patch::<Value>(&self.branch_route(branch), &body).map(drop)
    }

    /// <https://docs.github.com/rest/git/refs#delete-a-reference>; 422 says that it is gone.
    fn delete_branch(&self, branch: &str) -> Answer<()> {
        let route = self.branch_route(branch);
        match self.run_call(Method::DELETE, &route, self.crab._delete(route.as_str(), None::<&()>)) {
            Err(e) if !e.absent() && !e.said.contains("does not exist") => Err(e),
            _ => Ok(()),
        }
    }

    fn commit_on(&self, branch: &str, text: &CommitText<'_>) -> Answer<CommitId> {
        let (title, rest) = text.message.split_once('\n').unwrap_or((text.message, ""));
        let (mut additions, mut deletions) = (Vec::new(), Vec::new());
        for change in text.changes {
            match &change.content {
                Some(content) => {
                    additions.push(json!({ "path": change.path, "contents": STANDARD.encode(content) }));
                }
                None => deletions.push(json!({ "path": change.path })),
            }
        }
        let input = json!({
            "branch": { "repositoryNameWithOwner": self.place.repository, "branchName": branch },
            "expectedHeadOid": text.parent.to_string(),
            "message": { "headline": title.trim(), "body": rest.trim() },
            "fileChanges": { "additions": additions, "deletions": deletions },
        });
        let answer = self.mutate(&json!({ "query": MUTATION, "variables": { "input": input } }))?;
        let oid = answer["data"]["createCommitOnBranch"]["commit"]["oid"].as_str();
        oid.and_then(|oid| oid.parse().ok()).ok_or_else(|| {
            let mut failure =
                Failure::unreadable(Method::POST, &self.address("/graphql"), "it names no commit");
            failure.acts = true;
            failure
        })
    }

    /// Sends a change to GraphQL, which answers 200 and says in words what it did not do.
    fn mutate(&self, payload: &Value) -> Answer<Value> {
        let wire = Wire { http: self.http.clone(), api: self.api.clone() };
        let url = wire
            .address(&Uri::from_static("/graphql"))
            .map_err(|e| Failure::unreadable(Method::POST, &self.api, e))?;
        let mut request = web::Request::new(Method::POST, url);
        request.mutation = true;
        say_version(&mut request.headers);
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.body = Body::Bytes(payload.to_string().into());
        let answer = self.http.call(request.clone())?;
        let answer: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let error = &answer["errors"][0];
        let Some(said) = error["message"].as_str() else { return Ok(answer) };
        let mut failure = Failure::refused(&request, said);
        // Without a type the server broke down, and may have done it.
        match error["type"].as_str() {
            None | Some("INTERNAL") => failure.cause = Cause::Cut,
            Some("RATE_LIMITED") => failure.cause = Cause::RateLimit(http::StatusCode::TOO_MANY_REQUESTS),
            Some(_) => {}
        }
        Err(failure)
    }
}
