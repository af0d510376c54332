//! A comment on a request or commit, which is found again by a mark in it: one a release, edited in place.

use super::Sending;
use super::send::{Trouble, within};
use crate::effect::Comment;
use crate::error::{Error, Kind};
use crate::world::forge::act::write_comment;

pub(super) fn send(sending: &mut Sending<'_>) -> Result<(), Trouble> {
    let Some(target) = &sending.message.target else {
        return Err(Trouble::NotSent(Error::usage("it is not known on what to comment").at(sending.place())));
    };
    let comment = Comment {
        place: target.place.clone(),
        on: target.on.clone(),
        name: format!("notify/{}", sending.message.about),
        body: sending.message.payload["body"].as_str().unwrap_or_default().to_owned(),
    };
    let forge = sending.writer.forges.at(&comment.place).map_err(Trouble::NotSent)?;
    let late = Error::outside("the forge does not answer in time").at(comment.place.to_string());
    // However it ends, the next try finds it: it may be done again.
    match within(sending.budget, move || write_comment(forge.as_ref(), &comment)) {
        None => Err(Trouble::NotSent(late)),
        Some(Err(error)) if error.kind == Kind::Unknown => {
            Err(Trouble::NotSent(Error { kind: Kind::Outside, ..error }))
        }
        Some(written) => written.map_err(Trouble::NotSent),
    }
}
