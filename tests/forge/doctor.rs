//! `doctor` against both forges: what guards branches and tags, as their documentation answers it.

use release_steps::world::forge::Kind;
use serde_json::{Value, json};

use crate::support::Ran;
use crate::whole::Whole;

const GROWN: &str = "commit 'feat: one'; tag v1.0.0; commit 'feat: two' a";

/// GitHub's answers (<https://docs.github.com/rest/repos/rules#get-rules-for-a-branch>,
/// <https://docs.github.com/rest/repos/rules#get-a-repository-ruleset>,
/// <https://docs.github.com/rest/branches/branch-protection#get-branch-protection>).
fn github(whole: &Whole, rules: &Value, protection: Option<(u16, Value)>, tags: bool) {
    let repo = |rest: &str| format!("/repos/octocat/hello/{rest}");
    let of =
        json!({ "ruleset_source_type": "Repository", "ruleset_source": "octocat/hello", "ruleset_id": 42 });
    let mut rules = rules.clone();
    for rule in rules.as_array_mut().into_iter().flatten() {
        let rule = rule.as_object_mut().expect("a rule");
        rule.extend(of.as_object().expect("it is one").clone());
    }
    whole.forge.says(&repo("rules/branches/main"), 200, rules);
    let links = json!({ "self": "https://x.example/", "html": "https://x.example/" });
    let who = json!({ "name": "x", "email": "x@x.example" });
    let verification = json!({ "verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null });
    let git = json!({
        "url": "https://x.example/", "author": who, "committer": who, "message": "x", "comment_count": 0,
        "tree": { "sha": "4e476dee14bb9ee4c20aebd51970efc827769e68", "url": "https://x.example/" }, "verification": verification,
    });
    let commit = json!({
        "url": "https://x.example/", "sha": "4e476dee14bb9ee4c20aebd51970efc827769e68", "node_id": "x", "html_url": "https://x.example/",
        "comments_url": "https://x.example/", "commit": git, "author": null, "committer": null, "parents": [],
    });
    let branch = json!({
        "name": "main", "commit": commit, "_links": links, "protected": protection.is_some(),
        "protection": { "enabled": protection.is_some() }, "protection_url": "https://x.example/",
    });
    whole.forge.says(&repo("branches/main"), 200, branch);
    if let Some((status, protection)) = protection {
        whole.forge.says(&repo("branches/main/protection"), status, protection);
    }
    let set = json!({
        "id": 43, "name": "tags", "target": "tag", "source_type": "Repository", "source": "octocat/hello", "enforcement": "active",
    });
    whole.forge.says(&repo("rulesets"), 200, if tags { json!([set]) } else { json!([]) });
    let mut whole_set = set;
    whole_set["current_user_can_bypass"] = "never".into();
    whole_set["conditions"] = json!({ "ref_name": { "include": ["refs/tags/v*"], "exclude": [] } });
    whole_set["rules"] = json!([{ "type": "creation" }, { "type": "deletion" }]);
    whole.forge.says(&repo("rulesets/43"), 200, whole_set);
}

/// GitLab's answers: the examples of its documentation, with other values.
fn gitlab(whole: &Whole, push: u64, unsigned: bool, tags: bool) {
    let project = |rest: &str| format!("/api/v4/projects/group%2Fsub%2Fhello/{rest}");
    let level = |level: u64| json!([{ "id": 1, "access_level": level, "access_level_description": "x" }]);
    let branch = json!({ "id": 1, "name": "main", "push_access_levels": level(push), "merge_access_levels": level(30), "allow_force_push": false });
    whole.forge.says(&project("protected_branches/main"), 200, branch);
    let tag = json!({ "name": "v*", "create_access_levels": level(40) });
    whole.forge.says(&project("protected_tags"), 200, if tags { json!([tag]) } else { json!([]) });
    let rules = json!({
        "id": 1, "project_id": 3, "commit_message_regex": "", "branch_name_regex": "", "author_email_regex": "",
        "reject_unsigned_commits": !unsigned, "member_check": false,
    });
    whole.forge.says(&project("push_rule"), 200, rules);
}

fn says(ran: &Ran, what: &[&str]) {
    for text in what {
        assert!(ran.text().contains(text), "{text}\n{}", ran.text());
    }
}

#[test]
fn doctor_says_which_rules_a_release_would_meet() {
    for whole in Whole::both("", GROWN) {
        match whole.forge.kind {
            Kind::GitHub => {
                let review = json!({
                    "dismiss_stale_reviews_on_push": false, "require_code_owner_review": false, "require_last_push_approval": false,
                    "required_approving_review_count": 2, "required_review_thread_resolution": false,
                });
                let checks = json!({
                    "strict_required_status_checks_policy": false, "required_status_checks": [{ "context": "test" }],
                });
                let rules = json!([
                    { "type": "required_signatures" },
                    { "type": "pull_request", "parameters": review },
                    { "type": "required_status_checks", "parameters": checks },
                    { "type": "required_linear_history" },
                ]);
                github(&whole, &rules, None, true);
            }
            Kind::GitLab => gitlab(&whole, 0, false, true),
        }
        whole.forge.exchanges();
        let ran = whole.steps("doctor", 0);
        let exchanges = whole.forge.exchanges();
        crate::check(&whole.forge, &exchanges);
        assert!(exchanges.iter().all(|(ask, _)| ask.method == "GET"));
        says(
            &ran,
            &[
                "wants signed commits: the release commit would be refused",
                "forge: {commits: api}",
                "make tags v*",
            ],
        );
        says(&ran, &["wants requests", "requests: {from: [release]}"]);
        if whole.forge.kind == Kind::GitHub {
            says(&ran, &["with 2 approvals", "rule set 42", "the checks test before", "linear history"]);
        }
    }
}

#[test]
fn doctor_passes_what_is_configured_for_the_rules() {
    let config = "requests: {from: [release], reviewers: [anna, ben]}\n";
    for whole in Whole::both_with("commits: api", config, GROWN) {
        match whole.forge.kind {
            Kind::GitHub => github(&whole, &json!([{ "type": "required_signatures" }]), None, false),
            Kind::GitLab => gitlab(&whole, 0, false, false),
        }
        let ran = whole.steps("doctor", 0);
        says(&ran, &["wants signed commits, and these are signed"]);
        match whole.forge.kind {
            Kind::GitHub => says(&ran, &["permissions: { contents: write, pull-requests: write }"]),
            Kind::GitLab => says(
                &ran,
                &[
                    "releases do not commit to it",
                    "GitLab Free takes one",
                    "scope `api`, as the masked variable",
                ],
            ),
        }
    }
}

#[test]
fn doctor_does_not_know_what_it_may_not_see() {
    for whole in Whole::both("", GROWN) {
        let refused = json!({ "message": "Resource not accessible by integration", "documentation_url": "https://docs.github.com/rest", "status": "403" });
        match whole.forge.kind {
            Kind::GitHub => github(&whole, &json!([]), Some((403, refused)), false),
            Kind::GitLab => {
                gitlab(&whole, 40, true, false);
                let path = "/api/v4/projects/group%2Fsub%2Fhello/protected_branches/main";
                whole.forge.says(path, 403, json!({ "message": "403 Forbidden" }));
            }
        }
        says(&whole.steps("doctor", 4), &["may not see whether it wants signed commits or reviews"]);
    }
}

#[test]
fn doctor_reads_branch_protection_where_it_may() {
    for whole in Whole::both("", GROWN).into_iter().filter(|whole| whole.forge.kind == Kind::GitHub) {
        let on = json!({ "url": "https://x.example/", "enabled": true });
        let protection = json!({
            "url": "https://x.example/", "required_signatures": on, "required_pull_request_reviews": {
                "url": "https://x.example/", "dismiss_stale_reviews": false, "require_code_owner_reviews": false,
                "required_approving_review_count": 1,
            },
        });
        github(&whole, &json!([]), Some((200, protection)), false);
        whole.forge.exchanges();
        let ran = whole.steps("doctor", 0);
        crate::check(&whole.forge, &whole.forge.exchanges());
        says(&ran, &["branch protection wants signed commits", "requests with 1 approvals"]);
    }
}

#[test]
fn doctor_names_the_workflows_that_would_wait_in_vain() {
    let script = "mkdir -p .github/workflows; printf 'on:\\n  push:\\n    tags: [v*]\\n' >.github/workflows/publish.yml; \
         printf 'on: [release]\\n' >.github/workflows/more.yml; printf 'on: push\\n' >.github/workflows/ci.yml; git add .github; commit 'feat: one'";
    for whole in Whole::both("", script).into_iter().filter(|whole| whole.forge.kind == Kind::GitHub) {
        github(&whole, &json!([]), None, false);
        whole.bash("sed -i 's/FORGE_TOKEN/GITHUB_TOKEN/' release-steps.yml");
        let ran = whole.git.steps_with("doctor", &[("GITHUB_TOKEN", crate::gitlab::TOKEN)]);
        says(
            &ran,
            &[
                ".github/workflows/more.yml, .github/workflows/publish.yml would wait in vain",
                "nothing guards main",
            ],
        );
        assert!(!ran.text().contains("ci.yml"), "{}", ran.text());
        assert_eq!(ran.code, Some(0), "{}", ran.text());
    }
}

#[test]
fn doctor_says_what_needs_another_plan() {
    let config = "requests: {from: [release], reviewers: [anna, ben], draft: true}\n";
    for whole in Whole::both("", GROWN).into_iter().filter(|whole| whole.forge.kind == Kind::GitHub) {
        let configure = format!("printf '{}' >>release-steps.yml", config.replace('\n', "\\n"));
        whole.bash(&configure);
        for private in [true, false] {
            github(&whole, &json!([]), None, false);
            crate::inputs::says_of_repository(&whole, &json!({ "private": private }));
            let text = whole.steps("doctor", 0).text();
            for plan in [
                "drafts of requests in a private repository need GitHub Team",
                "several reviewers of a request in a private",
            ] {
                assert_eq!(text.contains(plan), private, "{plan}\n{text}");
            }
        }
    }
}
