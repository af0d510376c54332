//! The texts that `init` writes: the configuration, a workflow of GitHub, a pipeline of GitLab.

use minijinja::value::Value;
use minijinja::{Environment, UndefinedBehavior, context};

use crate::error::{Error, Result};

const CONFIGURATION: &str = include_str!("../../templates/init/configuration.yml.j2");
const GITHUB: &str = include_str!("../../templates/init/github.yml.j2");
const GITLAB: &str = include_str!("../../templates/init/gitlab.yml.j2");
/// Where this project and its templates are, at both forges.
const PROJECT: &str = "release-steps/release-steps";

/// Lines for a shell in one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// What it is built with: `npm`, `cargo`.
    pub kind: &'static str,
    /// The image that has the tools.
    pub image: &'static str,
    /// The folder, empty at the top.
    pub folder: String,
    /// Lines that build.
    pub build: Vec<String>,
    /// Lines that test.
    pub test: Vec<String>,
}

/// What is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pipeline {
    /// The branching model as the configuration calls it.
    pub model: &'static str,
    /// The branch of production, where the configuration must say it.
    pub main: Option<String>,
    /// The kind of the forge, where the configuration must say it.
    pub forge_kind: Option<&'static str>,
    /// The host of the GitLab that the repository is at.
    pub host: String,
    /// The branches whose pushes are built.
    pub branches: Vec<String>,
    /// What is built and tested.
    pub jobs: Vec<Job>,
    /// Reports for the scan.
    pub reports: Vec<String>,
    /// Whether commits since the last release keep to no convention.
    pub legacy: bool,
    /// The environment that a release is deployed to.
    pub environment: Option<String>,
    /// Lines that deploy.
    pub deploys: Vec<String>,
    /// The tag or commit of this project that the pipeline uses.
    pub pin: String,
    /// The version of the program, where it is not the last that the pin knows.
    pub tool_version: Option<String>,
}

/// A text as YAML on one line.
fn yaml(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

fn render(name: &str, template: &str, values: Value) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("yaml", yaml);
    let text = environment
        .render_str(template, values)
        .map_err(|e| Error::outside(format!("the template {name} does not work: {e}")))?;
    Ok(format!("{}\n", text.trim_end()))
}

/// A line of a job, from the top of the repository.
fn within(folder: &str, line: &str) -> String {
    if folder.is_empty() { line.to_owned() } else { format!("(cd {folder} && {line})") }
}

impl Pipeline {
    fn lines(&self, of: fn(&Job) -> &Vec<String>) -> Vec<String> {
        self.jobs.iter().flat_map(|job| of(job).iter().map(|line| within(&job.folder, line))).collect()
    }

    /// `release-steps.yml`.
    pub fn configuration(&self) -> Result<String> {
        let values = context! {
            model => self.model,
            main => self.main.clone(),
            forge_kind => self.forge_kind,
            reports => self.reports.clone(),
            environment => self.environment.clone(),
            deploys => self.deploys.clone(),
        };
        render("configuration", CONFIGURATION, values)
    }

    /// A workflow that calls the reusable ones: build, test and scan for every push and request; a release on a click.
    pub fn github(&self) -> Result<String> {
        let values = context! {
            project => PROJECT,
            pin => self.pin_with_comment(),
            branches => self.branches.clone(),
            builds => self.lines(|job| &job.build),
            tests => self.lines(|job| &job.test),
            reports => self.reports.clone(),
            legacy => self.legacy,
            environment => self.environment.clone(),
            tool_version => self.tool_version.clone(),
        };
        render("github", GITHUB, values)
    }

    /// A commit says nothing to people: the tag that it had stands beside it, where bots that update pins look for it.
    fn pin_with_comment(&self) -> String {
        let commit = self.pin.len() == 40 && self.pin.bytes().all(|b| b.is_ascii_hexdigit());
        if commit { format!("{} # v1", self.pin) } else { self.pin.clone() }
    }

    /// A pipeline that includes the chain: as a component at gitlab.com, elsewhere as a file.
    pub fn gitlab(&self) -> Result<String> {
        let scan = (!self.reports.is_empty()).then(|| "true".to_owned());
        let inputs: Vec<Value> = [
            ("production", "RELEASE_STEPS_PRODUCTION", &self.environment),
            ("scan", "RELEASE_STEPS_SCAN", &scan),
            ("tool-version", "RELEASE_STEPS_VERSION", &self.tool_version),
        ]
        .into_iter()
        .filter_map(|(name, variable, value)| {
            let value = value.as_ref()?;
            Some(context! { name, variable, value })
        })
        .collect();
        let jobs: Vec<Value> = self
            .jobs
            .iter()
            .map(|job| {
                let name = match job.folder.as_str() {
                    "" => format!("test:{}", job.kind),
                    folder => format!("test:{}:{folder}", job.kind),
                };
                let lines: Vec<String> =
                    job.build.iter().chain(&job.test).map(|line| within(&job.folder, line)).collect();
                context! { name, image => job.image, lines }
            })
            .collect();
        let values = context! {
            project => PROJECT,
            component => self.host == "gitlab.com",
            host => self.host.clone(),
            pin => self.pin.clone(),
            inputs,
            jobs,
            branches => self.branches.clone(),
            reports => self.reports.clone(),
        };
        render("gitlab", GITLAB, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hostile() -> Pipeline {
        let odd = "it's: \"#{{ x }}\" $HOME # no comment";
        Pipeline {
            model: "trunk",
            main: Some("main".to_owned()),
            host: "gitlab.com".to_owned(),
            branches: vec!["main".to_owned()],
            jobs: vec![Job {
                kind: "npm",
                image: "node:24",
                folder: "web".to_owned(),
                build: vec!["npm ci".to_owned()],
                test: vec![odd.to_owned()],
            }],
            reports: vec![odd.to_owned()],
            environment: Some("production".to_owned()),
            deploys: vec![odd.to_owned()],
            pin: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            ..Pipeline::default()
        }
    }

    /// Every text comes out of YAML again as it went in.
    #[test]
    fn texts_stay_what_they_are() {
        let pipeline = hostile();
        let odd = &pipeline.reports[0];
        let read =
            |text: String| -> serde_json::Value { crate::rules::yaml::read(&text).expect("it is YAML") };
        let configuration = read(pipeline.configuration().expect("it renders"));
        assert_eq!(configuration["scan"]["reports"][0], odd.as_str());
        assert_eq!(configuration["deploy"]["production"]["command"]["deploy"], odd.as_str());
        let github = read(pipeline.github().expect("it renders"));
        let with = &github["jobs"]["ci"]["with"];
        assert_eq!(with["test"], format!("(cd web && {odd})\n"));
        assert_eq!(github["jobs"]["deploy"]["with"]["environment"], "production");
        let gitlab = read(pipeline.gitlab().expect("it renders"));
        assert_eq!(gitlab["test:npm:web"]["script"][1], format!("(cd web && {odd})"));
        assert_eq!(gitlab["include"][0]["inputs"]["production"], "production");
    }
}
