//! `forge:`, `requests:` and `release.signatures:` of the configuration.

use serde::Deserialize;

/// The forge: where requests and releases are made. Without it, the remote and the CI job's variables say it.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ForgeConfig {
    /// `github` or `gitlab`, for a host whose name does not tell.
    pub kind: Option<crate::world::forge::Kind>,
    /// The address of its pages, such as `https://gitlab.example.org/git`.
    pub url: Option<String>,
    /// The repository: `owner/name`, `group/subgroup/name`.
    pub repository: Option<String>,
    /// The variable that holds the token for this forge.
    pub token_env: Option<String>,
    /// Who makes commits: `git` here, or the forge by its `api`, which signs them. For branches that take signed commits only,
    /// where a job has no key.
    pub commits: CommitsBy,
}

/// Who makes commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CommitsBy {
    /// git, on this machine; they are pushed.
    #[default]
    Git,
    /// The forge, by its API; they are fetched.
    Api,
}

/// The pull or merge requests that commands open. One that is open is found and brought up to date, never opened again.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RequestsConfig {
    /// The commands that open one where a forge is known and there is a token; `--request` asks for it by the way.
    /// `release` then prepares the release in a request, and makes it once that is merged.
    pub from: Vec<Opens>,
    /// Labels that requests get.
    pub labels: Vec<String>,
    /// Who is asked for a review: user names, at GitHub also `org/team`.
    pub reviewers: Vec<String>,
    /// Whether they are drafts.
    pub draft: bool,
    /// The branch of the request of `release`: a text with `{base}`. It belongs to release-steps and is replaced.
    pub branch: String,
}

impl Default for RequestsConfig {
    fn default() -> Self {
        RequestsConfig {
            from: vec![Opens::Backport],
            labels: Vec::new(),
            reviewers: Vec::new(),
            draft: false,
            branch: "release-request/{base}".to_owned(),
        }
    }
}

/// The commands that open requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Opens {
    /// `branch backport`: from the branch with the commits.
    Backport,
    /// `branch cut`: from the release branch into main, where it has what main has not.
    Cut,
    /// `branch hotfix`: from the hotfix branch into main, once it has commits.
    Hotfix,
    /// `branch merge-back`: instead of merging.
    MergeBack,
    /// `release`: instead of committing.
    Release,
}

/// What `release verify` asks besides the recorded digests, of every file that it is given.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct SignaturesConfig {
    /// A signature, verified by `cosign verify-blob`.
    pub cosign: Option<CosignConfig>,
    /// A GitHub artifact attestation, verified by `gh attestation verify`.
    pub attestation: Option<AttestationConfig>,
}

/// A signature, verified by `cosign verify-blob`: by a key, or by who signed and who says so.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CosignConfig {
    /// The public key: a file, or the address of a key service.
    #[serde(default)]
    pub key: Option<String>,
    /// Who signed, as the certificate says: an e-mail address, or the address of a workflow.
    #[serde(default)]
    pub identity: Option<String>,
    /// The same as a regular expression.
    #[serde(default)]
    pub identity_regexp: Option<String>,
    /// Who says so: `https://token.actions.githubusercontent.com`, `https://gitlab.com`.
    #[serde(default)]
    pub issuer: Option<String>,
    /// The file with the signature beside each file: a text with `{file}`.
    #[serde(default = "sigstore_json")]
    pub bundle: String,
}

fn sigstore_json() -> String {
    "{file}.sigstore.json".to_owned()
}

/// A GitHub artifact attestation, verified by `gh attestation verify`.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct AttestationConfig {
    /// The repository whose workflow built it, `owner/name`. Default: this one.
    pub repository: Option<String>,
    /// The workflow that must have signed: `owner/name/.github/workflows/build.yml`.
    pub workflow: Option<String>,
}
