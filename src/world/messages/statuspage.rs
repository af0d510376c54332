//! Statuspage: a scheduled maintenance is opened, moved and closed.

use http::Method;
use serde_json::Value;

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
    let one = |id: &str| at(&to.api, &format!("v1/pages/{}/incidents/{id}", to.page));
    if let Some(id) = sending.record.id.clone() {
        let moved = line.json(sending, (Method::PATCH, &one(&id)?), &wanted, Twice::Safe);
        match (moved, sending.message.event) {
            // Somebody deleted it: the next maintenance is opened anew, and nothing else is there to be told of.
            (Err(Trouble::Gone(_)), Event::Maintenance) => {}
            (Err(Trouble::Gone(_)), _) => return Ok(()),
            (moved, _) => return moved.map(drop),
        }
    }
    if sending.tried(Part::Message) {
        let scheduled = at(&to.api, &format!("v1/pages/{}/incidents/scheduled", to.page))?;
        let seen = match line.send(sending, Request::new(Method::GET, scheduled), Twice::Safe) {
            // Without a look it cannot be told whether it is there.
            Err(Trouble::NotSent(error) | Trouble::Gone(error)) => return Err(Trouble::Perhaps(error)),
            seen => read(&seen?),
        };
        let metadata = &wanted["incident"]["metadata"];
        let same = |seen: &&Value| seen["metadata"]["release_steps"] == metadata["release_steps"];
        let found = seen.as_array().and_then(|all| all.iter().find(same));
        if let Some(id) = found.and_then(|found| found["id"].as_str()) {
            sending.known_as(id, None);
            return Ok(());
        }
    }
    sending.open(Part::Message)?;
    let answer = read(&line.json(sending, (Method::POST, &all), &wanted, Twice::Never)?);
    if let Some(id) = answer["id"].as_str() {
        sending.known_as(id, None);
    }
    Ok(())
}
