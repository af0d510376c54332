//! The variables of the process.

use std::collections::BTreeMap;

/// Environment variables.
#[derive(Debug, Clone, Default)]
pub struct Env(BTreeMap<String, String>);

impl FromIterator<(String, String)> for Env {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Env(variables.into_iter().collect())
    }
}

impl Env {
    /// Those of this process.
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Env(std::env::vars_os().filter_map(text).collect())
    }

    /// The value of a variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }

    /// All variables.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether this is a CI job, where nobody can be asked.
    pub fn ci(&self) -> bool {
        self.get("CI").is_some_and(|v| v != "false" && v != "0")
            || self.get("GITHUB_ACTIONS").is_some()
            || self.get("GITLAB_CI").is_some()
    }

    /// The branch that a CI job runs for, whose checkout may be detached.
    pub fn branch(&self) -> Option<&str> {
        let github = || self.get("GITHUB_REF_NAME").filter(|_| self.get("GITHUB_REF_TYPE") == Some("branch"));
        github().or_else(|| self.get("CI_COMMIT_BRANCH"))
    }
}
