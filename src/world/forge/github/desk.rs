//! GitHub's issues, variables and secrets.

use percent_encoding::utf8_percent_encode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{GitHub, NAME};
use crate::world::forge::Answer;
use crate::world::forge::desk::{Desk, DeskView, Issue, IssueText, Names};

#[derive(Deserialize)]
struct IssueAnswer {
    number: u64,
    html_url: String,
    #[serde(default)]
    body: Option<String>,
    /// A pull request is an issue too (<https://docs.github.com/rest/issues/issues#list-repository-issues>).
    #[serde(default)]
    pull_request: Option<Value>,
}

impl DeskView for GitHub {
    /// <https://docs.github.com/rest/actions/variables>, <https://docs.github.com/rest/actions/secrets>: those of the
    /// environment, of the repository, and of the organization as far as the repository gets them.
    fn variable_names(&self, environment: &str) -> Answer<Names> {
        let environment = utf8_percent_encode(environment, NAME);
        let lists = [
            (format!("environments/{environment}/variables"), "variables", "variables of the environment"),
            (format!("environments/{environment}/secrets"), "secrets", "secrets of the environment"),
            ("actions/variables".to_owned(), "variables", "variables of the repository"),
            ("actions/secrets".to_owned(), "secrets", "secrets of the repository"),
            ("actions/organization-variables".to_owned(), "variables", "variables of the organization"),
            ("actions/organization-secrets".to_owned(), "secrets", "secrets of the organization"),
        ];
        let mut names = Names::default();
        for (path, list, what) in lists {
            // Pages of variables hold at most 30.
            for page in 1..=40 {
                let route = self.route(&format!("{path}?per_page=30&page={page}"));
                let answer: Value = match self.get(&route) {
                    Err(e) if e.absent() || matches!(e.status(), Some(401 | 403)) => {
                        names.hidden.push(what.to_owned());
                        break;
                    }
                    answer => answer?,
                };
                let found = answer[list].as_array().cloned().unwrap_or_default();
                names.known.extend(found.iter().filter_map(|it| it["name"].as_str()).map(str::to_owned));
                if found.len() < 30 {
                    break;
                }
            }
        }
        Ok(names)
    }

    fn issue_with(&self, mark: &str, label: &str) -> Answer<Option<Issue>> {
        let label = utf8_percent_encode(label, NAME);
        let route = self.route(&format!("issues?state=all&labels={label}&per_page=100"));
        let (issues, _) = self.pages::<IssueAnswer>(&route, 2, |_| false)?;
        let own = |it: &IssueAnswer| {
            it.pull_request.is_none() && it.body.as_ref().is_some_and(|body| body.contains(mark))
        };
        Ok(issues.into_iter().find(own).map(|it| Issue { number: it.number, url: it.html_url }))
    }
}

impl Desk for GitHub {
    /// <https://docs.github.com/rest/issues/issues#create-an-issue>
    fn open_issue(&self, text: IssueText<'_>) -> Answer<Issue> {
        let body = json!({ "title": text.title, "body": text.body, "labels": text.labels });
        let it: IssueAnswer = self.post(&self.route("issues"), &body)?;
        Ok(Issue { number: it.number, url: it.html_url })
    }
}
