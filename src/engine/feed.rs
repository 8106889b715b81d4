//! What failed lately as an Atom feed, for readers of feeds and for watching programs.

use super::api;
use super::view::{self, Failed};
use crate::auth::Scope;
use crate::auth::permissions::RequestsRead;
use crate::error::Result;
use crate::ids::RequestId;
use crate::secret::{hex, sha256};
use crate::settings::Settings;
use crate::time::Instant;
use crate::web::{Cx, Response};

pub fn show(cx: &Cx, scope: &Scope<RequestsRead>) -> Result<Response> {
    let all = view::failed(cx.db, scope)?;
    // An empty feed changes no more than one whose last failure stays the last.
    let updated = all.iter().map(|each| each.ended_at).max().unwrap_or(Instant::from_unix(0));
    let settings = &cx.settings;
    let entries: String = all.iter().map(|each| entry(settings, each)).collect();
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <feed xmlns=\"http://www.w3.org/2005/Atom\">\
         <id>{id}</id><title>Failed requests</title><updated>{updated}</updated>\
         <author><name>{by}</name></author>\
         <link rel=\"self\" type=\"application/atom+xml\" href=\"{base}/requests/errors.atom\"/>\
         <link rel=\"alternate\" type=\"text/html\" href=\"{base}/requests?status=failed\"/>\
         {entries}</feed>\n",
        id = name(settings, "failed", cx.actor.user.0),
        by = escaped(&settings.organisation),
        base = escaped(&settings.base_url),
    );
    api::tagged(cx, Response::new(200, "application/atom+xml; charset=utf-8", text))
}

fn entry(settings: &Settings, failed: &Failed) -> String {
    let Failed { id, title, reason, customer_name, service_name, created_at, ended_at } = failed;
    let RequestId(number) = id;
    let service = service_name
        .as_ref()
        .map_or_else(String::new, |service| format!("<category term=\"{}\"/>", escaped(service)));
    format!(
        "<entry><id>{}</id><title>{}</title><published>{created_at}</published><updated>{ended_at}</updated>\
         <link rel=\"alternate\" type=\"text/html\" href=\"{}/requests/{number}\"/>{service}\
         <summary type=\"text\">{}</summary></entry>",
        name(settings, "request", *number),
        escaped(title),
        escaped(&settings.base_url),
        escaped(&format!("{customer_name}: {reason}")),
    )
}

/// A name that is the same for ever, and another's in no other installation.
fn name(settings: &Settings, kind: &str, id: i64) -> String {
    let whole = format!("{} {kind} {id}", settings.get("installation"));
    let digest = hex(&sha256(whole.as_bytes()));
    let part = |from: usize, to: usize| digest.get(from..to).unwrap_or_default();
    format!(
        "urn:uuid:{}-{}-8{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 15),
        part(15, 18),
        part(18, 30)
    )
}

/// As text and as the value of an attribute; what XML cannot hold is a blank.
fn escaped(text: &str) -> String {
    let mut all = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => all.push_str("&amp;"),
            '<' => all.push_str("&lt;"),
            '>' => all.push_str("&gt;"),
            '"' => all.push_str("&quot;"),
            c if c.is_control() || c == '\u{fffe}' || c == '\u{ffff}' => all.push(' '),
            c => all.push(c),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_left_out() {
        assert_eq!(escaped("a<b> & \"c\"\n\u{1}\u{fffe}é"), "a&lt;b&gt; &amp; &quot;c&quot;   é");
    }
}
