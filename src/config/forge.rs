//! `forge:` of the configuration.

use schemars::JsonSchema;
use serde::Deserialize;

/// The forge: where requests and releases are made. Without it, the remote and the CI job's variables say it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
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
}
