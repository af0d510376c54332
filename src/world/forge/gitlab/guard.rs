//! GitLab's protected branches, protected tags and push rules.

use gitlab::api::common;
use http::Method;
use serde_json::Value;

use super::GitLab;
use crate::world::forge::Answer;
use crate::world::forge::guard::{Guard, GuardView, Rule};

impl GuardView for GitLab {
    /// <https://docs.gitlab.com/api/protected_branches/#retrieve-a-protected-branch-or-wildcard-protected-branch>,
    /// <https://docs.gitlab.com/api/protected_tags/#list-protected-tags>,
    /// <https://docs.gitlab.com/api/project_push_rules/#retrieve-the-push-rules-of-a-project>
    fn guards(&self, branch: &str) -> Answer<Vec<Guard>> {
        let mut guards = Vec::new();
        let mut add = |rule, by: &str| guards.push(Guard { rule, by: by.to_owned() });
        let level = |of: &Value| of["access_level"].as_u64();
        // Of Developers (30), whom a release needs; a user or group by name has no level that says something.
        let developers = |list: &Value| {
            list.as_array()
                .into_iter()
                .flatten()
                .any(|of| level(of).is_some_and(|level| (1..=30).contains(&level)))
        };
        let path = format!("/protected_branches/{}", common::path_escaped(branch));
        match self.seen(&path)? {
            Seen::This(protected) if !developers(&protected["push_access_levels"]) => {
                let none =
                    |list: &Value| list.as_array().into_iter().flatten().all(|of| level(of) == Some(0));
                add(
                    if none(&protected["push_access_levels"]) { Rule::ByRequest(0) } else { Rule::FewPush },
                    "branch protection",
                );
            }
            Seen::Hidden => add(Rule::Hidden, "branch protection"),
            _ => {}
        }
        match self.seen("/protected_tags?per_page=100")? {
            Seen::This(tags) => {
                for tag in
                    tags.as_array().into_iter().flatten().filter(|t| !developers(&t["create_access_levels"]))
                {
                    add(Rule::FewTag(tag["name"].as_str().map(str::to_owned)), "tag protection");
                }
            }
            Seen::Hidden => add(Rule::FewTag(None), "tag protection"),
            Seen::Nothing => {}
        }
        // Only Premium and Ultimate have them; the others answer 404.
        if let Seen::This(rules) = self.seen("/push_rule")? {
            if rules["reject_unsigned_commits"] == true {
                add(Rule::Signed, "push rule");
            }
            for name in ["commit_message_regex", "author_email_regex", "branch_name_regex"] {
                if let Some(text) = rules[name].as_str().filter(|text| !text.is_empty()) {
                    add(Rule::Pattern(format!("{} `{text}`", name.replace('_', " "))), "push rule");
                }
            }
        }
        Ok(guards)
    }
}

/// What can be seen of a setting.
enum Seen {
    This(Value),
    Nothing,
    Hidden,
}

impl GitLab {
    fn seen(&self, path: &str) -> Answer<Seen> {
        match self.ask(Ok::<_, String>(self.raw(Method::GET, path, None))) {
            Ok(Value::Null) => Ok(Seen::Nothing),
            Ok(value) => Ok(Seen::This(value)),
            Err(e) if self.unseen_by_job(&e) => Ok(Seen::Hidden),
            Err(e) if e.absent() => Ok(Seen::Nothing),
            Err(e) if matches!(e.status(), Some(401 | 403)) => Ok(Seen::Hidden),
            Err(e) => Err(e),
        }
    }
}
