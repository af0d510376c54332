//! The services that take messages. Addresses and keys that are secret stand in environment variables: only their names
//! are known here.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Event;

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Service {
    /// Slack by a bot token: one message a release, edited in place, with the details in its thread.
    Slack(Slack),
    /// Microsoft Teams by a workflow with the trigger "When a Teams webhook request is received".
    Teams(Hook),
    /// Discord by a webhook of a channel: one message a release, edited in place.
    Discord(Hook),
    /// E-mail by SMTP.
    Email(Email),
    /// Any HTTP endpoint, signed as Standard Webhooks says (<https://www.standardwebhooks.com>).
    Webhook(Webhook),
    /// PagerDuty: a change event when a release is done, an alert when a person has to act.
    Pagerduty(PagerDuty),
    /// Statuspage: a scheduled maintenance that is opened, moved and always closed.
    Statuspage(StatusPage),
    /// A comment at the forge, on the request that brought the release: one a release, edited in place.
    Comment(Comment),
}

/// A channel of Slack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// The channel's id: `C0123ABCD`. A name is taken too, but a message sent to a name cannot be looked for.
    pub channel: String,
    /// The variable that holds the bot token, with the scope `chat:write`.
    #[serde(default = "slack_token")]
    pub token_env: String,
    /// The address of the API.
    #[serde(default = "slack_api")]
    pub api: String,
}

/// A webhook whose address is its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// The variable that holds the address.
    pub url_env: String,
}

/// E-mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// The variable that holds the server's address: `smtps://user:password@host:465`, or `smtp://host:587` for STARTTLS;
    /// `smtp://…?tls=none` sends in the clear, to this machine only.
    #[serde(default = "smtp_url")]
    pub server_env: String,
    /// The sender.
    pub from: String,
    /// The receivers.
    pub to: Vec<String>,
}

/// An HTTP endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// The variable that holds the address.
    pub url_env: String,
    /// The variable that holds the secret which signs the message: `whsec_…`, or any text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_env: Option<String>,
}

/// A service of PagerDuty with the integration "Events API V2".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PagerDuty {
    /// The variable that holds the integration's routing key.
    #[serde(default = "pagerduty_key")]
    pub key_env: String,
    /// The address of the Events API.
    #[serde(default = "pagerduty_api")]
    pub api: String,
}

/// A page of Atlassian Statuspage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StatusPage {
    /// The page's id.
    pub page: String,
    /// The ids of the components under maintenance.
    #[serde(default)]
    pub components: Vec<String>,
    /// The variable that holds the API key.
    #[serde(default = "statuspage_key")]
    pub key_env: String,
    /// The address of the API.
    #[serde(default = "statuspage_api")]
    pub api: String,
}

/// A comment on the request that `--request` names, that the CI job is for, or that brought the commit; on the commit itself
/// where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Comment {
    /// What is commented on.
    #[serde(default, skip_serializing_if = "CommentOn::is_request")]
    pub on: CommentOn,
}

/// What is commented on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum CommentOn {
    /// The request, or the commit where there is none.
    #[default]
    Request,
    /// The commit, whatever brought it.
    Commit,
}

impl CommentOn {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    fn is_request(&self) -> bool {
        *self == CommentOn::Request
    }
}

fn slack_token() -> String {
    "SLACK_BOT_TOKEN".to_owned()
}

fn slack_api() -> String {
    "https://slack.com/api".to_owned()
}

fn smtp_url() -> String {
    "SMTP_URL".to_owned()
}

fn pagerduty_key() -> String {
    "PAGERDUTY_ROUTING_KEY".to_owned()
}

fn pagerduty_api() -> String {
    "https://events.pagerduty.com".to_owned()
}

fn statuspage_key() -> String {
    "STATUSPAGE_API_KEY".to_owned()
}

fn statuspage_api() -> String {
    "https://api.statuspage.io".to_owned()
}

impl Service {
    /// Whether the service takes messages about an event.
    pub fn takes(&self, event: Event) -> bool {
        match self {
            Service::Pagerduty(_) => event == Event::Done || event.needs_a_person(),
            Service::Statuspage(_) => {
                !matches!(event, Event::Announcement | Event::Reminder | Event::Incident)
            }
            // Mail is for what one reads later.
            Service::Email(_) => !matches!(event, Event::Progress | Event::Reminder),
            Service::Comment(_) => event != Event::Reminder,
            Service::Slack(_) | Service::Teams(_) | Service::Discord(_) | Service::Webhook(_) => true,
        }
    }

    /// The variables without which nothing can be sent.
    pub fn needs(&self) -> Vec<&str> {
        match self {
            Service::Slack(slack) => vec![&slack.token_env],
            Service::Teams(hook) | Service::Discord(hook) => vec![&hook.url_env],
            Service::Email(email) => vec![&email.server_env],
            Service::Webhook(hook) => {
                std::iter::once(hook.url_env.as_str()).chain(hook.secret_env.as_deref()).collect()
            }
            Service::Pagerduty(pager) => vec![&pager.key_env],
            Service::Statuspage(page) => vec![&page.key_env],
            // The forge's token is looked up where the forge is.
            Service::Comment(_) => Vec::new(),
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Service::Slack(slack) => write!(f, "Slack {}", slack.channel),
            Service::Teams(_) => f.write_str("Teams"),
            Service::Discord(_) => f.write_str("Discord"),
            Service::Email(email) => write!(f, "{}", email.to.join(", ")),
            Service::Webhook(hook) => write!(f, "webhook ${}", hook.url_env),
            Service::Pagerduty(_) => f.write_str("PagerDuty"),
            Service::Statuspage(page) => write!(f, "Statuspage {}", page.page),
            Service::Comment(_) => f.write_str("comment"),
        }
    }
}
