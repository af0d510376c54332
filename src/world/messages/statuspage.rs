//! Statuspage: a scheduled maintenance is opened, moved and closed.

use http::Method;
use serde_json::{Value, json};

use super::Sending;
use super::send::{Line, Trouble, Twice, at, read};
use crate::rules::notify::Event;
use crate::rules::notify::record::Part;
use crate::rules::notify::service::StatusPage;
use crate::world::http::Request;

/// <https://developer.statuspage.io/#tag/incidents>
pub(super) fn send(sending: &mut Sending<'_>, to: &StatusPage) -> Result<(), Trouble> {
    let key = sending.secret(&to.key_env)?;
    let all = at(&to.api, &format!("v1/pages/{}/incidents", to.page))?;
    let line = Line::with_key(sending, &all, "OAuth ", &key)?;
    let wanted = sending.message.payload.clone();
    // An earlier try, of this message or of another, was cut off and may have opened it: it is found again by what it is about.
    if sending.record.open.is_some() {
        let scheduled = at(&to.api, &format!("v1/pages/{}/incidents/scheduled", to.page))?;
        let seen = match line.send(sending, Request::new(Method::GET, scheduled), Twice::Safe) {
            // Without a look it cannot be told whether it is there.
            Err(Trouble::NotSent(error) | Trouble::Gone(error)) => return Err(Trouble::Perhaps(error)),
            seen => read(&seen?),
        };
        let about = json!(sending.message.about);
        let same = |seen: &&Value| seen["metadata"]["release_steps"]["about"] == about;
        let found = seen.as_array().and_then(|all| all.iter().find(same));
        if let Some(id) = found.and_then(|found| found["id"].as_str()) {
            sending.known_as(id, None);
        }
    }
    if let Some(id) = sending.record.id.clone() {
        let one = at(&to.api, &format!("v1/pages/{}/incidents/{id}", to.page))?;
        match line.json(sending, (Method::PATCH, &one), &wanted, Twice::Safe) {
            // Somebody deleted it.
            Err(Trouble::Gone(_)) => {}
            moved => return moved.map(drop),
        }
    }
    // Nothing is there to be moved or closed.
    if sending.message.event != Event::Maintenance {
        return Ok(());
    }
    sending.open(Part::Message)?;
    let answer = read(&line.json(sending, (Method::POST, &all), &wanted, Twice::Never)?);
    if let Some(id) = answer["id"].as_str() {
        sending.known_as(id, None);
    }
    Ok(())
}
