//! GitLab's issues and CI/CD variables.

use gitlab::api::common;
use globset::GlobBuilder;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::json;

use super::GitLab;
use crate::world::forge::desk::{Desk, DeskView, Issue, IssueText, Names};
use crate::world::forge::{Answer, View as _};

#[derive(Deserialize)]
struct IssueAnswer {
    iid: u64,
    web_url: String,
    #[serde(default)]
    description: Option<String>,
}

#[derive(Deserialize)]
struct VariableAnswer {
    key: String,
    #[serde(default)]
    environment_scope: Option<String>,
}

/// Whether a scope takes an environment: `*` stands for any text
/// (<https://docs.gitlab.com/ci/environments/#limit-the-environment-scope-of-a-cicd-variable>).
fn takes(scope: &str, environment: &str) -> bool {
    GlobBuilder::new(scope).build().is_ok_and(|glob| glob.compile_matcher().is_match(environment))
}

impl DeskView for GitLab {
    /// <https://docs.gitlab.com/api/project_level_variables/>, <https://docs.gitlab.com/api/group_level_variables/>,
    /// <https://docs.gitlab.com/api/instance_level_ci_variables/>: those of the project, of every group above it and of the
    /// server, whose scope takes the environment.
    fn variable_names(&self, environment: &str) -> Answer<Names> {
        let mut names = Names::default();
        let repository = self.place().repository.clone();
        let mut at = repository.as_str();
        let mut lists = vec![(
            format!("/projects/{}/variables", common::path_escaped(at)),
            "variables of the project".to_owned(),
        )];
        while let Some((group, _)) = at.rsplit_once('/') {
            lists.push((
                format!("/groups/{}/variables", common::path_escaped(group)),
                format!("variables of the group {group}"),
            ));
            at = group;
        }
        // Only who administers the server may see its own; gitlab.com has none.
        if self.api.host_str() != Some("gitlab.com") {
            lists.push(("/admin/ci/variables".to_owned(), "variables of the server".to_owned()));
        }
        for (path, what) in lists {
            for page in 1..=40 {
                let route = self.anywhere(Method::GET, &format!("{path}?per_page=100&page={page}"));
                let found: Vec<VariableAnswer> = match self.ask(Ok::<_, String>(route)) {
                    Err(e) if e.absent() || matches!(e.status(), Some(401 | 403)) => {
                        names.hidden.push(what);
                        break;
                    }
                    answer => answer?,
                };
                let all = found.len();
                let here =
                    |it: &VariableAnswer| takes(it.environment_scope.as_deref().unwrap_or("*"), environment);
                names.known.extend(found.into_iter().filter(here).map(|it| it.key));
                if all < 100 {
                    break;
                }
            }
        }
        Ok(names)
    }

    /// <https://docs.gitlab.com/api/issues/#list-project-issues>
    fn issue_with(&self, mark: &str, label: &str) -> Answer<Option<Issue>> {
        let label = utf8_percent_encode(label, NON_ALPHANUMERIC);
        let path = format!("/issues?scope=all&labels={label}&order_by=created_at&sort=desc&per_page=100");
        let issues: Vec<IssueAnswer> = self.ask(Ok::<_, String>(self.raw(Method::GET, &path, None)))?;
        let own = |it: &IssueAnswer| it.description.as_ref().is_some_and(|text| text.contains(mark));
        Ok(issues.into_iter().find(own).map(|it| Issue { number: it.iid, url: it.web_url }))
    }
}

impl Desk for GitLab {
    /// <https://docs.gitlab.com/api/issues/#create-an-issue>
    fn open_issue(&self, text: IssueText<'_>) -> Answer<Issue> {
        let body = json!({ "title": text.title, "description": text.body, "labels": text.labels.join(",") });
        let it: IssueAnswer = self.ask(Ok::<_, String>(self.raw(Method::POST, "/issues", Some(body))))?;
        Ok(Issue { number: it.iid, url: it.web_url })
    }
}

#[cfg(test)]
mod tests {
    use super::takes;

    #[test]
    fn scopes_take_environments() {
        assert!(takes("*", "production") && takes("production", "production"));
        assert!(takes("review/*", "review/feature-1") && !takes("review/*", "production"));
        assert!(!takes("prod", "production"));
    }
}
