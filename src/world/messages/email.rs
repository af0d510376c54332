//! E-mail by SMTP. Every message has an id of its own making, so that mail programs show one conversation a release.

use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::SmtpTransportBuilder;
use lettre::{Message as Mail, SmtpTransport, Transport as _};
use url::Url;

use super::Sending;
use super::send::{Trouble, within};
use crate::error::Error;
use crate::rules::notify::record::{Part, short};
use crate::rules::notify::service::Email;

pub(super) fn send(sending: &mut Sending<'_>, to: &Email) -> Result<(), Trouble> {
    sending.refuse_again()?;
    let mail = mail(sending, to)?;
    let server = format!("${}", to.server_env);
    let transport = server_of(&sending.secret(&to.server_env)?, &server)?
        .timeout(Some(sending.budget.left().max(Duration::from_millis(50))))
        .build();
    let failed = |e: &lettre::transport::smtp::Error| {
        let mut said = e.to_string();
        let mut source = std::error::Error::source(e);
        while let Some(inner) = source {
            said = format!("{said}: {inner}");
            source = inner.source();
        }
        Error::outside(format!("the mail server does not take it: {said}"))
            .at(server.clone())
            .hint("check the server's address, user and password, and the sender's address")
    };
    let late = || Error::outside("the mail server does not answer in time").at(server.clone());
    // Whatever goes wrong before the mail itself, it was not sent.
    let greeted = {
        let transport = transport.clone();
        within(sending.budget, move || transport.test_connection())
    };
    match greeted {
        Some(Ok(true)) => {}
        Some(Err(e)) => return Err(Trouble::NotSent(failed(&e))),
        Some(Ok(false)) | None => return Err(Trouble::NotSent(late())),
    }
    sending.open(Part::Message)?;
    match within(sending.budget, move || transport.send(&mail)) {
        Some(Ok(_)) => Ok(()),
        // The server said so itself.
        Some(Err(e)) if e.is_permanent() || e.is_transient() => Err(Trouble::NotSent(failed(&e))),
        Some(Err(e)) => Err(Trouble::Perhaps(failed(&e))),
        None => Err(Trouble::Perhaps(late())),
    }
}

fn mailbox(address: &str, field: &str) -> Result<Mailbox, Trouble> {
    address.parse().map_err(|e| {
        Trouble::NotSent(Error::usage(format!("`{address}` is no mail address: {e}")).at(field.to_owned()))
    })
}

fn mail(sending: &Sending<'_>, to: &Email) -> Result<Mail, Trouble> {
    let message = sending.message;
    let field = |name: &str| format!("{}.email.{name}", sending.place());
    let text = |name: &str| message.payload[name].as_str().unwrap_or_default().to_owned();
    let from = mailbox(&to.from, &field("from"))?;
    let mut receivers = Vec::new();
    let mut builder: MessageBuilder = Mail::builder();
    for address in &to.to {
        let one = mailbox(address, &field("to"))?;
        receivers.push(one.email.clone());
        builder = builder.to(one);
    }
    let wrong = |e: lettre::error::Error| {
        Trouble::NotSent(Error::usage(format!("the mail cannot be written: {e}")).at(field("to")))
    };
    let envelope = Envelope::new(Some(from.email.clone()), receivers).map_err(wrong)?;
    let conversation =
        format!("<{}@release-steps>", short(&format!("{}\0{}", message.about, message.channel), 8));
    builder
        .from(from)
        .subject(text("subject"))
        .message_id(Some(format!("<{}.{}@release-steps>", message.digest, short(&message.about, 8))))
        .references(conversation)
        .header(ContentType::TEXT_PLAIN)
        .envelope(envelope)
        .body(format!("{}\n", text("text")))
        .map_err(wrong)
}

/// `smtps://` is TLS from the start, `smtp://` must change to TLS; in the clear only to this machine, when told so.
fn server_of(address: &str, shown: &str) -> Result<SmtpTransportBuilder, Trouble> {
    // The address holds a password: no error shows it.
    let bad = |why: &str| {
        Trouble::NotSent(Error::usage(format!("{shown} is no mail server's address: {why}")).hint(
            "it begins with smtps:// (port 465) or smtp:// (port 587, STARTTLS), then user, password, host",
        ))
    };
    let mut url = Url::parse(address.trim()).map_err(|e| bad(&e.to_string()))?;
    let host = url.host_str().unwrap_or_default().to_owned();
    match url.scheme() {
        "smtps" => {}
        "smtp" if url.query() == Some("tls=none") => {
            if !matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]") {
                return Err(bad("mail is sent in the clear to this machine only"));
            }
            return Ok(SmtpTransport::builder_dangerous(host.trim_matches(['[', ']']))
                .port(url.port().unwrap_or(25)));
        }
        "smtp" => url.set_query(Some("tls=required")),
        other => return Err(bad(&format!("it begins with {other}://"))),
    }
    SmtpTransport::from_url(url.as_str()).map_err(|_| bad("user, password and host cannot be read from it"))
}
