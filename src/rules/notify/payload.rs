//! What each service is sent, as JSON: built from values, never from text templates, and within the service's limits.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Event;
use super::service::Service;
use super::text::Text;
use crate::rules::markup::cell;

/// What is sent, without addresses and keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Payload {
    /// The message.
    pub message: Value,
    /// The details in its thread.
    pub details: Option<Value>,
}

/// What a message is about.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The release: messages about the same one are one conversation.
    pub about: &'a str,
    /// The event.
    pub event: Event,
    /// From when to when a maintenance lasts.
    pub window: Option<(Timestamp, Timestamp)>,
}

/// What a service is sent; none where it has no use for the event as it is told.
pub fn payload(service: &Service, subject: Subject<'_>, text: &Text) -> Option<Payload> {
    let alone = |message: Value| Some(Payload { message, details: None });
    match service {
        Service::Slack(slack) => {
            let details =
                (!text.body.is_empty()).then(|| slack_message(&slack.channel, subject, "", &text.body));
            Some(Payload { message: slack_message(&slack.channel, subject, &text.title, ""), details })
        }
        Service::Teams(_) => alone(teams(text)),
        Service::Discord(_) => alone(discord(text)),
        Service::Email(email) => alone(json!({
            "from": email.from,
            "to": email.to,
            "subject": text.title,
            "text": text.body,
        })),
        Service::Webhook(_) => alone(json!({
            "type": format!("release.{}", subject.event),
            "about": subject.about,
            "title": text.title,
            "body": text.body,
        })),
        Service::Pagerduty(_) => alone(pagerduty(subject, text)),
        Service::Statuspage(page) => statuspage(subject, text, &page.components).and_then(alone),
        Service::Comment(_) => alone(json!({ "body": comment(text) })),
    }
}

/// A text of at most so many characters.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Slack reads `&`, `<` and `>` as control characters: `<!channel>` would call everybody
/// (<https://docs.slack.dev/messaging/formatting-message-text#escaping>).
fn slack_escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// `chat.postMessage` and `chat.update` (<https://docs.slack.dev/reference/methods/chat.postMessage>). The metadata is by
/// what the message is found again.
fn slack_message(channel: &str, subject: Subject<'_>, title: &str, body: &str) -> Value {
    // A section takes 3,000 characters, the Markdown blocks of a message 12,000 in all.
    let (text, block) = if title.is_empty() {
        let text = slack_escaped(&cut(body, 9_000));
        (text.clone(), json!({ "type": "markdown", "text": text }))
    } else {
        let text = slack_escaped(&cut(title, 1_000));
        let mark = match subject.event {
            Event::Done | Event::Report => ":white_check_mark:",
            Event::Failed | Event::Incident => ":rotating_light:",
            Event::Rollback => ":leftwards_arrow_with_hook:",
            Event::Cancelled => ":no_entry_sign:",
            Event::Started | Event::Progress => ":hourglass_flowing_sand:",
            Event::Announcement | Event::Maintenance | Event::Reminder => ":calendar:",
        };
        // A star would end the bold text.
        let bold = text.replace('*', "∗");
        (text, json!({ "type": "section", "text": { "type": "mrkdwn", "text": format!("{mark} *{bold}*") } }))
    };
    json!({
        "channel": channel,
        "text": text,
        "blocks": [block],
        "unfurl_links": false,
        "metadata": {
            "event_type": "release_steps_message",
            "event_payload": { "about": subject.about, "event": subject.event.name() },
        },
    })
}

/// An Adaptive Card for a Teams workflow
/// (<https://learn.microsoft.com/connectors/teams/#microsoft-teams-webhook>), at most 28 KB.
fn teams(text: &Text) -> Value {
    let block = |text: String, more: Value| {
        let mut block = json!({ "type": "TextBlock", "text": text, "wrap": true });
        if let (Some(block), Some(more)) = (block.as_object_mut(), more.as_object()) {
            block.extend(more.clone());
        }
        block
    };
    let mut body = vec![block(cut(&text.title, 500), json!({ "weight": "Bolder", "size": "Medium" }))];
    if !text.body.is_empty() {
        // Characters may take four bytes, and JSON's escapes more.
        body.push(block(cut(&text.body, 5_000), json!({})));
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
            },
        }],
    })
}

/// A webhook's message: a title of 256 and a description of 4,096 characters
/// (<https://docs.discord.com/developers/resources/message#embed-object-embed-limits>). Nobody is called.
fn discord(text: &Text) -> Value {
    json!({
        "embeds": [{ "title": cut(&text.title, 256), "description": cut(&text.body, 4_096) }],
        "allowed_mentions": { "parse": [] },
    })
}

/// Events API v2. What went well is a change and wakes nobody
/// (<https://developer.pagerduty.com/docs/send-change-event>); what needs a person is an alert, one for each release
/// (<https://developer.pagerduty.com/docs/send-alert-event>).
fn pagerduty(subject: Subject<'_>, text: &Text) -> Value {
    let details = json!({ "about": subject.about, "details": cut(&text.body, 10_000) });
    let summary = cut(&text.title, 1_024);
    if subject.event.needs_a_person() {
        return json!({
            "event_action": "trigger",
            "dedup_key": cut(&format!("release-steps/{}", subject.about), 255),
            "payload": {
                "summary": summary,
                "source": "release-steps",
                "severity": if subject.event == Event::Rollback { "error" } else { "critical" },
                "custom_details": details,
            },
        });
    }
    json!({ "payload": { "summary": summary, "source": "release-steps", "custom_details": details } })
}

/// A scheduled maintenance (<https://developer.statuspage.io/#operation/postPagesPageIdIncidents>): opened by the event
/// `maintenance`, moved by it and by what happens, closed by every end. Statuspage closes it by itself when its time is
/// over, for a job that died cannot.
fn statuspage(subject: Subject<'_>, text: &Text, components: &[String]) -> Option<Value> {
    let status = match subject.event {
        Event::Maintenance => "scheduled",
        Event::Started | Event::Progress => "in_progress",
        Event::Done | Event::Failed | Event::Rollback | Event::Cancelled | Event::Report => "completed",
        Event::Announcement | Event::Reminder | Event::Incident => return None,
    };
    let title = cut(&text.title, 250);
    let body = if text.body.is_empty() { title.clone() } else { cut(&text.body, 5_000) };
    let mut incident = json!({ "status": status, "body": body });
    if subject.event == Event::Maintenance {
        let (from, until) = subject.window?;
        incident = json!({
            "name": title,
            "status": status,
            "body": body,
            "scheduled_for": from.to_string(),
            "scheduled_until": until.to_string(),
            "scheduled_auto_in_progress": false,
            "scheduled_auto_completed": true,
            "component_ids": components,
            // By this it is found again.
            "metadata": { "release_steps": { "about": subject.about } },
        });
    }
    Some(json!({ "incident": incident }))
}

/// A comment in Markdown. `@` would call people, also from a commit's message.
fn comment(text: &Text) -> String {
    let body = text.body.replace('@', "@\u{2060}");
    format!("**{}**\n\n{}", cell(&cut(&text.title, 500)), cut(&body, 60_000)).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::service::{Hook, Slack};
    use super::*;

    fn subject(event: Event) -> Subject<'static> {
        Subject { about: "shop 1.2.3", event, window: None }
    }

    fn text(title: &str, body: &str) -> Text {
        Text { title: title.to_owned(), body: body.to_owned() }
    }

    #[test]
    fn nobody_is_called_by_a_commit_message() {
        let slack = Service::Slack(Slack {
            channel: "C1".to_owned(),
            token_env: "T".to_owned(),
            api: "https://slack.com/api".to_owned(),
        });
        let hostile = text("<!channel> *now*", "<@U1> & <https://evil.example|nice>");
        let sent = payload(&slack, subject(Event::Done), &hostile).expect("Slack takes everything");
        let all = format!("{}{:?}", sent.message, sent.details);
        assert!(!all.contains("<!") && !all.contains("<@") && !all.contains("<http"), "{all}");
        let hook = Service::Discord(Hook { url_env: "U".to_owned() });
        let sent = payload(&hook, subject(Event::Done), &text("@everyone", "")).expect("Discord too");
        assert_eq!(sent.message["allowed_mentions"], json!({ "parse": [] }));
    }

    #[test]
    fn long_texts_are_cut_to_what_the_service_takes() {
        let long = text(&"ä".repeat(5_000), &"\"ß".repeat(50_000));
        let teams = payload(&Service::Teams(Hook { url_env: "U".to_owned() }), subject(Event::Done), &long);
        assert!(teams.expect("Teams takes everything").message.to_string().len() < 28_000);
        let discord =
            payload(&Service::Discord(Hook { url_env: "U".to_owned() }), subject(Event::Done), &long);
        let embed = discord.expect("Discord too").message["embeds"][0].clone();
        assert_eq!(embed["title"].as_str().map(|t| t.chars().count()), Some(256));
    }
}
