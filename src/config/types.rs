//! What may stand in `release-steps.yml`. The doc comments are the schema's descriptions.

use std::collections::BTreeMap;

use jiff::Span;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer};

use super::{
    DeployConfig, FileConfig, ForgeConfig, NotifyConfig, RecordConfig, RequestsConfig, ScanConfig,
    SignaturesConfig, TagShape, VersionConfig,
};
pub use crate::data::{Lapse, Zone};
use crate::rules::commit::SquashMode;
use crate::rules::gate::config::Gate;
use crate::rules::notify::Event;
use crate::rules::smoke::config::Smoke;
use crate::rules::verify::config::Verify;

/// The configuration of release-steps. Everything has a default; what can be detected is detected.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How versions are found and written.
    pub version: VersionConfig,
    /// What commit messages must look like, and how they are read.
    pub commits: CommitsConfig,
    /// The changelog and the release notes.
    pub changelog: ChangelogConfig,
    /// The branching model, the release calendar, the age of branches.
    pub branch: BranchConfig,
    /// The packages of the repository. Without it, the workspace's own manifests are read when tags such as `pkg@1.2.3`
    /// exist; otherwise the repository is one package.
    pub packages: Option<Vec<PackageConfig>>,
    /// Groups of package names that always get the same version.
    pub linked: Vec<Vec<String>>,
    /// The release commit, the tag and the push.
    pub release: ReleaseConfig,
    /// The forge: where requests and releases are made. Without it, the remote and the CI job's variables say it.
    pub forge: ForgeConfig,
    /// The pull or merge requests that commands open.
    pub requests: RequestsConfig,
    /// The checks of each environment, for `release-steps gate ENV`: `{production: [{window: {…}}, {approvals: {…}}]}`.
    pub gates: BTreeMap<String, Gate>,
    /// What scanners, tests and coverage report, and what of it is let through.
    pub scan: ScanConfig,
    /// Who is told what about releases.
    pub notify: NotifyConfig,
    /// How each environment is deployed to, for `release-steps deploy ENV` and `rollback ENV`:
    /// `{production: {command: {deploy: npm run deploy:prod}, after: staging}}`.
    pub deploy: BTreeMap<String, DeployConfig>,
    /// What must answer after a deployment, by environment, for `release-steps smoke ENV`:
    /// `{production: [{http: {url: "https://shop.example/health"}}, {tcp: {address: "db.example:5432"}}]}`.
    pub smoke: BTreeMap<String, Smoke>,
    /// What is watched after a deployment, by environment, for `release-steps verify ENV`.
    pub verify: BTreeMap<String, Verify>,
    /// Where records of what was done are kept.
    pub record: RecordConfig,
    /// Named chains of steps for `release-steps run NAME`. `release` exists without being named here.
    pub run: BTreeMap<String, Vec<ChainStep>>,
}

/// What commit messages must look like, and how they are read.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CommitsConfig {
    /// The types that `version check` allows. Default: any.
    pub types: Option<Vec<String>>,
    /// The scopes that `version check` allows. Default: any.
    pub scopes: Option<Vec<String>>,
    /// The longest header that `version check` allows, in characters. Default: any.
    pub max_header: Option<usize>,
    /// Which lines of a squash commit count.
    pub squash: SquashMode,
    /// Whether the title of a request counts that a merge commit names in its body. The merged commits count anyway.
    pub merge_titles: bool,
}

/// The changelog and the release notes.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ChangelogConfig {
    /// The file, from the package's folder; `false` for none.
    #[cfg_attr(test, schemars(with = "PathOrFalse"))]
    #[serde(deserialize_with = "path_or_false")]
    pub file: Option<String>,
    /// The sections in their order. Default: those of Keep a Changelog.
    pub sections: Option<Vec<SectionConfig>>,
    /// A minijinja template for one release in the changelog, instead of the built-in one.
    pub template: Option<String>,
    /// A minijinja template for the release notes, instead of the built-in one.
    pub notes: Option<String>,
    /// The address of the repository for links, such as `https://github.com/owner/name`; `false` for no links.
    /// Default: taken from the remote.
    #[cfg_attr(test, schemars(with = "PathOrFalse"))]
    #[serde(deserialize_with = "link_or_false")]
    pub links: Option<Option<String>>,
    /// Whether the forge is asked for the request of each change that is listed: its number, author, labels and the issues
    /// that it closes; and who contributes for the first time. Not for `changelog --full`.
    pub enrich: bool,
}

impl Default for ChangelogConfig {
    fn default() -> Self {
        ChangelogConfig {
            file: Some("CHANGELOG.md".to_owned()),
            sections: None,
            template: None,
            notes: None,
            links: None,
            enrich: false,
        }
    }
}

/// A text, or `false`.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
enum PathOrFalse {
    /// The text.
    Text(String),
    /// Only `false` is allowed.
    Switch(bool),
}

fn path_or_false<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match PathOrFalse::deserialize(deserializer) {
        Ok(PathOrFalse::Text(text)) => Ok(Some(text)),
        Ok(PathOrFalse::Switch(false)) => Ok(None),
        _ => Err(serde::de::Error::custom("expected a text or `false`")),
    }
}

fn link_or_false<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    path_or_false(deserializer).map(Some)
}

/// One section of a changelog.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SectionConfig {
    /// Its title: `Added`.
    pub title: String,
    /// The commits that it lists: `feat`, `fix(api)`, `*!` for breaking ones. A commit goes to the first section that
    /// takes it; breaking commits that none takes go to the section with `*!`.
    pub types: Vec<String>,
}

/// The branching models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// GitFlow: `main` holds releases, `develop` integrates, `release/*` and `hotfix/*` go to both
    /// (<https://nvie.com/posts/a-successful-git-branching-model/>).
    Gitflow,
    /// Trunk-based development: everything meets on `main`; release branches are cut from it and get fixes by
    /// cherry-pick (<https://trunkbaseddevelopment.com/branch-for-release/>).
    Trunk,
    /// GitHub flow: short-lived branches and requests into `main`, released from there
    /// (<https://docs.github.com/get-started/using-github/github-flow>).
    GithubFlow,
}

/// The branching model, the release calendar, the age of branches.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct BranchConfig {
    /// The model. Default: GitFlow when the develop branch exists, otherwise GitHub flow.
    pub model: Option<Model>,
    /// The branch of production. Default: what the remote's HEAD names, otherwise `main` or `master`.
    pub main: Option<String>,
    /// GitFlow's integration branch.
    pub develop: String,
    /// The name of a release branch: a text with `{version}`.
    pub release: String,
    /// The name of a hotfix branch: a text with `{version}` and `{issue}`.
    pub hotfix: String,
    /// The name of the branch for a backport: a text with `{commit}` and `{target}`.
    pub backport: String,
    /// Branches that live long, as globs, besides those of the model.
    pub long_lived: Vec<String>,
    /// How old a short-lived branch may grow: `2d`, `36h`.
    pub max_age: Lapse,
    /// How long before a release the code is frozen: `24h`.
    pub freeze: Lapse,
    /// When releases take place.
    pub calendar: Option<CalendarConfig>,
}

impl Default for BranchConfig {
    fn default() -> Self {
        BranchConfig {
            model: None,
            main: None,
            develop: "develop".to_owned(),
            release: "release/v{version}".to_owned(),
            hotfix: "hotfix/v{version}-{issue}".to_owned(),
            backport: "backport/{commit}-to-{target}".to_owned(),
            long_lived: Vec::new(),
            max_age: Lapse(Span::new().days(2)),
            freeze: Lapse(Span::new().hours(24)),
            calendar: None,
        }
    }
}

/// When releases take place.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CalendarConfig {
    /// The date of any one release; the others are counted from it.
    #[cfg_attr(test, schemars(with = "String"))]
    pub from: jiff::civil::Date,
    /// How far apart: `2 weeks`, `1 month`.
    #[serde(default = "two_weeks")]
    pub every: Lapse,
    /// The time of day: `10:00`.
    #[serde(default = "ten")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub at: jiff::civil::Time,
    /// The IANA time zone: `Europe/Berlin`.
    #[serde(default = "utc")]
    pub zone: Zone,
    /// Dates on which there is none; the release moves to the next day that is free and no weekend.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub skip: Vec<jiff::civil::Date>,
}

fn two_weeks() -> Lapse {
    Lapse(Span::new().weeks(2))
}

fn ten() -> jiff::civil::Time {
    jiff::civil::time(10, 0, 0, 0)
}

fn utc() -> Zone {
    Zone(TimeZone::UTC)
}

/// One package of a repository with several.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PackageConfig {
    /// The name, as in its manifest and its tags.
    pub name: String,
    /// Its folder.
    pub path: String,
    /// How its tags look. Default: `{package}@{version}`, or as its existing tags do.
    #[serde(default)]
    pub tag: Option<TagShape>,
    /// The files that carry its version. Without it, the known files in its folder are found.
    #[serde(default)]
    pub files: Option<Vec<FileConfig>>,
    /// Its changelog, from its folder; `false` for none.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub changelog: Option<String>,
    /// Packages of this repository that it depends on, besides those its manifest names.
    #[serde(default)]
    pub depends_on: Vec<String>,
    /// Folders and files outside of its folder whose changes count for it too.
    #[serde(default)]
    pub also: Vec<String>,
}

/// The release commit, the tag and the push.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ReleaseConfig {
    /// Whether version files and changelog are committed. Without, only the tag is made.
    pub commit: bool,
    /// The message of the release commit: a minijinja text with `version`, `tag`, `packages`.
    pub message: String,
    /// The message of the tag: a minijinja text with `version`, `tag`, `package`, `notes`.
    pub tag_message: String,
    /// Whether commit and tag are signed. Default: as git's `commit.gpgSign` and `tag.gpgSign` say.
    pub sign: Option<bool>,
    /// Whether commit and tag are pushed.
    pub push: bool,
    /// The remote.
    pub remote: String,
    /// The branches that are released from, as globs. Default: the model's.
    pub branches: Option<Vec<String>>,
    /// Whether a release is made at the forge too. Default: when the forge is known and there is a token for it.
    pub forge: Option<bool>,
    /// The files that the forge's release carries, as globs from the top of the repository. `SHA256SUMS` and the record
    /// `artifacts.json` are added.
    pub assets: Vec<String>,
    /// What `release verify` asks besides the recorded digests.
    pub signatures: SignaturesConfig,
}

impl Default for ReleaseConfig {
    fn default() -> Self {
        ReleaseConfig {
            commit: true,
            message: "chore(release): {{ version }}".to_owned(),
            tag_message: "{{ tag }}\n\n{{ notes }}".to_owned(),
            sign: None,
            push: true,
            remote: "origin".to_owned(),
            branches: None,
            forge: None,
            assets: Vec::new(),
            signatures: SignaturesConfig::default(),
        }
    }
}

/// One step of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ChainStep {
    /// Next version, files, changelog, commit, tag, push.
    Release,
    /// A command line for `sh -c`, run at the top of the repository, with `VERSION`, `TAG` and `PREVIOUS_VERSION` set.
    /// `release-steps` means this very program there: `release-steps scan reports/*.sarif`.
    Command(String),
    /// Command lines that run side by side, under a name: `{stage: {test: [npm test, npm run lint]}}`.
    #[serde(deserialize_with = "one_stage")]
    Stage(StageConfig),
    /// The deployment of an environment, with its gate before and its looks after: of the version that the chain releases,
    /// otherwise of `HEAD`'s.
    Deploy(String),
    /// Tells people of the version that the chain releases: `{notify: done}`. Deployments tell of themselves.
    Notify(Event),
}

/// Command lines that run side by side.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(with = "BTreeMap<String, Vec<String>>"))]
pub struct StageConfig {
    /// Its name: `build`, `test`, `scan`.
    pub name: String,
    /// The command lines.
    pub commands: Vec<String>,
}

fn one_stage<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StageConfig, D::Error> {
    let mut all = BTreeMap::<String, Vec<String>>::deserialize(deserializer)?;
    match (all.pop_first(), all.is_empty()) {
        (Some((name, commands)), true) if !commands.is_empty() => Ok(StageConfig { name, commands }),
        _ => Err(serde::de::Error::custom(
            "a stage has one name and its command lines: `{stage: {test: [npm test, npm run lint]}}`",
        )),
    }
}
