//! From a row of the outbox to the bytes that a mail server is given.

use super::Class;
use super::smtp::Server;
use crate::error::{Error, Result};
use lettre::Message;
use lettre::address::{Address, Envelope};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};

/// What goes out, with the link in its place.
pub struct Outgoing<'a> {
    pub to: &'a str,
    pub name: &'a str,
    pub subject: &'a str,
    pub text: &'a str,
    pub html: &'a str,
    pub message_id: &'a str,
    pub class: Class,
    /// Tells installations apart: a mail of ours that comes back is known by it.
    pub installation: &'a str,
}

/// Envelope and content. An address that no mail server would take is an error of the mail.
pub fn compose(server: &Server, mail: &Outgoing) -> Result<(Envelope, Vec<u8>)> {
    let to = address(mail.to)?;
    let from = address(&server.from)?;
    let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    let mut message = Message::builder()
        .from(Mailbox::new(named(&server.from_name), from.clone()))
        .to(Mailbox::new(named(mail.name), to.clone()))
        .subject(mail.subject)
        .message_id(Some(format!("<{}>", mail.message_id)))
        .multipart(MultiPart::alternative_plain_html(mail.text.to_owned(), mail.html.to_owned()))
        .map_err(|err| Error::refused(err.to_string()))?;
    let mut header = |name: &'static str, value: &str| {
        let name = HeaderName::new_from_ascii_str(name);
        message.headers_mut().insert_raw(HeaderValue::new(name, value.to_owned()));
    };
    header("Auto-Submitted", "auto-generated");
    header("X-Auto-Response-Suppress", "All");
    header("X-Portico", mail.installation);
    if mail.class == Class::Digest {
        header("Precedence", "bulk");
    }
    let envelope =
        Envelope::new(Some(from), vec![to]).map_err(|err| Error::refused(err.to_string()))?;
    Ok((envelope, message.formatted()))
}

fn address(text: &str) -> Result<Address> {
    text.parse().map_err(|_| Error::refused(format!("{text} is not an address mail can go to.")))
}
