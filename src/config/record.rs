//! `record:` of the configuration.

use serde::Deserialize;

/// Where is kept what was done: a record of each deployment, and which messages were sent. Without it, in git's folder of
/// this checkout, which the next CI job does not see.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RecordConfig {
    /// In a git ref below `refs/release-steps/`, pushed to the remote: `true` for `refs/release-steps/record`, or a name.
    #[serde(rename = "ref")]
    pub by_ref: Option<RefName>,
    /// In this folder, its path from the top of the repository or an absolute one.
    pub folder: Option<String>,
}

/// `true`, or the full name of a ref.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "Switch")]
#[cfg_attr(test, schemars(with = "Switch"))]
pub struct RefName(pub String);

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
enum Switch {
    /// `true`: `refs/release-steps/record`.
    On(bool),
    /// The full name of a ref below `refs/release-steps/`.
    Name(String),
}

impl TryFrom<Switch> for RefName {
    type Error = String;

    fn try_from(switch: Switch) -> Result<Self, String> {
        const BELOW: &str = "refs/release-steps/";
        match switch {
            Switch::On(true) => Ok(RefName(format!("{BELOW}record"))),
            Switch::On(false) => Err("leave `ref` out to have no ref".to_owned()),
            Switch::Name(name) => {
                let own = name.strip_prefix(BELOW).unwrap_or_default();
                let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
                match !own.is_empty() && own.chars().all(plain) {
                    true => Ok(RefName(name)),
                    false => {
                        Err(format!("`{name}` must be {BELOW} and a name of letters, digits, `-` and `_`"))
                    }
                }
            }
        }
    }
}
