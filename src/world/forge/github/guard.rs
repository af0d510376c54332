//! GitHub's rule sets and branch protection.

use percent_encoding::utf8_percent_encode;
use serde_json::Value;

use super::{GitHub, NAME};
use crate::world::forge::guard::{Guard, GuardView, Rule};
use crate::world::http::Failure;

type Answer<T> = std::result::Result<T, Failure>;

/// How many rule sets of tags are looked at.
const MOST: usize = 10;

impl GuardView for GitHub {
    /// Rules of rule sets (<https://docs.github.com/rest/repos/rules>), which everybody who reads may see, and branch protection
    /// (<https://docs.github.com/rest/branches/branch-protection#get-branch-protection>), which only admins may.
    fn guards(&self, branch: &str) -> Answer<Vec<Guard>> {
        let name = utf8_percent_encode(branch, NAME);
        let route = self.route(&format!("rules/branches/{name}?per_page=100"));
        let (rules, _) = self.pages::<Value>(&route, 3, |_| false)?;
        let by = |rule: &Value| format!("rule set {}", rule["ruleset_id"]);
        let mut guards: Vec<Guard> =
            rules.iter().filter_map(|rule| Some(Guard { rule: of_rule(rule)?, by: by(rule) })).collect();
        self.protection(&name.to_string(), &mut guards)?;
        self.of_tags(&mut guards)?;
        Ok(guards)
    }
}

impl GitHub {
    fn protection(&self, branch: &str, guards: &mut Vec<Guard>) -> Answer<()> {
        let known: Value = match self.get(&self.route(&format!("branches/{branch}"))) {
            Err(e) if e.absent() => return Ok(()),
            answer => answer?,
        };
        // A rule set alone protects too, and shows here without any setting.
        if known["protected"] != true || known["protection"]["enabled"] == false {
            return Ok(());
        }
        let by = "branch protection".to_owned();
        let mut add = |rule| guards.push(Guard { rule, by: by.clone() });
        let protection: Value = match self.get(&self.route(&format!("branches/{branch}/protection"))) {
            Err(e) if e.absent() || e.status() == Some(403) => {
                add(Rule::Hidden);
                return Ok(());
            }
            answer => answer?,
        };
        let on = |name: &str| protection[name]["enabled"] == true;
        if on("required_signatures") {
            add(Rule::Signed);
        }
        if on("required_linear_history") {
            add(Rule::Linear);
        }
        if on("lock_branch") || protection["restrictions"].is_object() {
            add(Rule::FewPush);
        }
        let reviews = &protection["required_pull_request_reviews"];
        if reviews.is_object() {
            add(Rule::ByRequest(reviews["required_approving_review_count"].as_u64().unwrap_or(0)));
        }
        let checks = names(&protection["required_status_checks"]["checks"]);
        if !checks.is_empty() {
            add(Rule::Checks(checks));
        }
        Ok(())
    }

    /// <https://docs.github.com/rest/repos/rules#get-all-repository-rulesets>
    fn of_tags(&self, guards: &mut Vec<Guard>) -> Answer<()> {
        let route = self.route("rulesets?targets=tag&per_page=100");
        let sets: Vec<Value> = match self.get(&route) {
            Err(e) if e.absent() => return Ok(()),
            answer => answer?,
        };
        for set in sets.iter().filter(|s| s["enforcement"] == "active" && s["target"] == "tag").take(MOST) {
            let set: Value = self.get(&self.route(&format!("rulesets/{}", set["id"])))?;
            // Whom a set lets by is told of the token's owner.
            if matches!(set["current_user_can_bypass"].as_str(), Some("always" | "exempt")) {
                continue;
            }
            let include = &set["conditions"]["ref_name"]["include"];
            let pattern = include.as_array().map(|all| {
                let all = all.iter().filter_map(Value::as_str);
                all.map(|name| name.trim_start_matches("refs/tags/")).collect::<Vec<_>>().join(", ")
            });
            let by = format!("rule set {}", set["name"].as_str().unwrap_or_default());
            for rule in set["rules"].as_array().into_iter().flatten() {
                let rule = match rule["type"].as_str() {
                    Some("creation") => Rule::FewTag(pattern.clone()),
                    Some("required_signatures") => Rule::Signed,
                    _ => continue,
                };
                guards.push(Guard { rule, by: by.clone() });
            }
        }
        Ok(())
    }
}

fn names(checks: &Value) -> Vec<String> {
    let context = |check: &Value| check["context"].as_str().map(str::to_owned);
    checks.as_array().into_iter().flatten().filter_map(context).collect()
}

/// <https://docs.github.com/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets>
fn of_rule(rule: &Value) -> Option<Rule> {
    let of = &rule["parameters"];
    Some(match rule["type"].as_str()? {
        "required_signatures" => Rule::Signed,
        "pull_request" | "merge_queue" => {
            Rule::ByRequest(of["required_approving_review_count"].as_u64().unwrap_or(0))
        }
        "required_status_checks" => Rule::Checks(names(&of["required_status_checks"])),
        "update" => Rule::FewPush,
        "required_linear_history" => Rule::Linear,
        name @ ("commit_message_pattern" | "commit_author_email_pattern" | "committer_email_pattern") => {
            Rule::Pattern(format!(
                "{} `{}`",
                name.replace('_', " "),
                of["pattern"].as_str().unwrap_or_default()
            ))
        }
        _ => return None,
    })
}
