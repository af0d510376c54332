//! Services that take a message by one request: Teams, Discord, webhooks, PagerDuty.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;
use url::Url;

use super::Sending;
use super::send::{Line, Trouble, Twice, at, read};
use crate::error::Error;
use crate::rules::notify::record::{Part, short};
use crate::rules::notify::service::{Hook, PagerDuty, Webhook};
use crate::world::http::{Body, Request};

/// Teams answers 202 and can neither edit nor be asked.
pub(super) fn teams(sending: &mut Sending<'_>, to: &Hook) -> Result<(), Trouble> {
    sending.refuse_again()?;
    let (line, url) = Line::secret(sending, &to.url_env)?;
    sending.open(Part::Message)?;
    line.json(sending, (Method::POST, &url), &sending.message.payload, Twice::Never).map(drop)
}

/// Discord: a message by `?wait=true` says its id, by which it is edited
/// (<https://docs.discord.com/developers/resources/webhook#edit-webhook-message>).
pub(super) fn discord(sending: &mut Sending<'_>, to: &Hook) -> Result<(), Trouble> {
    let (line, url) = Line::secret(sending, &to.url_env)?;
    if let Some(id) = sending.record.id.clone() {
        let mut message = url.clone();
        if let Ok(mut path) = message.path_segments_mut() {
            path.pop_if_empty().push("messages").push(&id);
        }
        match line.json(sending, (Method::PATCH, &message), &sending.message.payload, Twice::Safe) {
            // Somebody deleted it: it is written anew.
            Err(Trouble::Gone(_)) => {}
            other => return other.map(drop),
        }
    }
    sending.refuse_again()?;
    sending.open(Part::Message)?;
    let mut post = url;
    post.query_pairs_mut().append_pair("wait", "true");
    let answer = read(&line.json(sending, (Method::POST, &post), &sending.message.payload, Twice::Never)?);
    if let Some(id) = answer["id"].as_str() {
        sending.known_as(id, None);
    }
    Ok(())
}

/// A webhook, signed (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>). Its
/// `webhook-id` is the same for every try, so that the receiver knows it again: it may be sent twice.
pub(super) fn webhook(sending: &mut Sending<'_>, to: &Webhook) -> Result<(), Trouble> {
    let (line, url) = Line::secret(sending, &to.url_env)?;
    let message = sending.message;
    let id = format!("msg_{}_{}", short(&message.about, 6), message.digest);
    let time = Timestamp::now().as_second().to_string();
    let body = message.payload.to_string();
    let mut request = Request::new(Method::POST, url);
    let mut header = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            request.headers.insert(HeaderName::from_static(name), value);
        }
    };
    header("webhook-id", &id);
    header("webhook-timestamp", &time);
    if let Some(name) = &to.secret_env {
        header("webhook-signature", &signature(&sending.secret(name)?, &id, &time, &body)?);
    }
    request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    request.body = Body::Bytes(Bytes::from(body));
    line.send(sending, request, Twice::Safe).map(drop)
}

/// `v1,` and the HMAC-SHA256 of id, time and body. A secret `whsec_…` is Base64; another is taken as it is.
fn signature(secret: &str, id: &str, time: &str, body: &str) -> Result<String, Trouble> {
    let bad = |what: &str| Trouble::NotSent(Error::usage(format!("the webhook's secret {what}")));
    let key = match secret.strip_prefix("whsec_") {
        Some(text) => {
            STANDARD.decode(text).map_err(|_| bad("begins with `whsec_` but is no Base64 after that"))?
        }
        None => secret.as_bytes().to_vec(),
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| bad("cannot be used"))?;
    mac.update(format!("{id}.{time}.{body}").as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

/// PagerDuty: an alert is known again by its `dedup_key`, a change event is not.
pub(super) fn pagerduty(sending: &mut Sending<'_>, to: &PagerDuty) -> Result<(), Trouble> {
    let key = sending.secret(&to.key_env)?;
    let mut body = sending.message.payload.clone();
    let alert = body.get("dedup_key").is_some();
    let (path, twice) = if alert { ("v2/enqueue", Twice::Safe) } else { ("v2/change/enqueue", Twice::Never) };
    let line = Line::open(sending)?;
    let url: Url = at(&to.api, path)?;
    body["routing_key"] = json!(key);
    if !alert {
        sending.refuse_again()?;
        body["payload"]["timestamp"] = Value::String(Timestamp::now().to_string());
        sending.open(Part::Message)?;
    }
    line.json(sending, (Method::POST, &url), &body, twice).map(drop)
}

#[cfg(test)]
mod tests {
    use super::signature;

    /// The example of <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md> and of
    /// its libraries' tests.
    #[test]
    fn signatures_are_those_of_the_specification() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let signed =
            signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "{\"test\": 2432232314}");
        assert_eq!(signed.ok().as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }
}
