//! The answers that the edge gives by itself: a problem to programs, a small page to people, each
//! with the number under which the log knows the request.

use super::answer::{Answer, Content};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use maud::{DOCTYPE, html};

/// An own answer before it is put on the wire by hyper, by a worker or by hand.
pub struct Refusal {
    pub status: StatusCode,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Refusal {
    pub fn new(status: StatusCode, is_api: bool, request_id: &str) -> Refusal {
        let (code, title, detail) = words(status);
        let content_type = match is_api {
            true => "application/problem+json",
            false => "text/html; charset=utf-8",
        };
        let body = match is_api {
            true => problem(status, (code, title, detail), request_id),
            false => page(title, detail, request_id),
        };
        let mut headers = vec![
            ("content-type", content_type.to_owned()),
            ("cache-control", "no-store".to_owned()),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'".to_owned()),
            ("x-content-type-options", "nosniff".to_owned()),
            ("x-request-id", request_id.to_owned()),
        ];
        match status {
            StatusCode::SERVICE_UNAVAILABLE => headers.push(("retry-after", "2".to_owned())),
            StatusCode::METHOD_NOT_ALLOWED => {
                headers.push(("allow", "GET, HEAD, POST, PUT, PATCH, DELETE".to_owned()));
            }
            _ => {}
        }
        Refusal { status, headers, body }
    }

    /// For hyper, which ends the connection after it: the rest of the request may be unread.
    pub fn into_response(self) -> Response<Answer> {
        let mut response = Response::new(Answer::new(Content::Bytes(self.body.into())));
        *response.status_mut() = self.status;
        response.headers_mut().insert("connection", HeaderValue::from_static("close"));
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        response
    }

    /// For a client whose request hyper was never shown.
    pub fn into_bytes(self, is_head: bool) -> Vec<u8> {
        let mut text = format!("HTTP/1.1 {}\r\nconnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("content-length: {}\r\n\r\n", self.body.len()));
        if !is_head {
            text.push_str(&self.body);
        }
        text.into_bytes()
    }
}

/// The stable word, the title and what to do.
fn words(status: StatusCode) -> (&'static str, &'static str, &'static str) {
    match status.as_u16() {
        405 => ("method_not_allowed", "This cannot be done here", "Use another method."),
        408 => (
            "too_slow",
            "The request took too long to arrive",
            "Check your connection and try again.",
        ),
        413 => ("too_large", "That is too large", "Send less at once."),
        414 => ("too_large", "This address is too long", "Use a shorter one."),
        417 => (
            "expectation_failed",
            "The request expects what cannot be promised",
            "Send it without the Expect header.",
        ),
        431 => (
            "too_large",
            "The request carries too many headers",
            "Delete the cookies of this site and try again.",
        ),
        501 => (
            "not_implemented",
            "This kind of request is not known here",
            "Use another method or encoding.",
        ),
        502 | 500 => (
            "internal",
            "That did not work, and it is our fault",
            "Try again, and quote the number below if it fails again.",
        ),
        503 => ("busy", "Too much is going on right now", "Try again in a few seconds."),
        504 => (
            "no_answer",
            "The answer takes too long",
            "The work may still finish: look before you try again.",
        ),
        505 => {
            ("version_not_supported", "This version of HTTP is not spoken here", "Use HTTP/1.1.")
        }
        _ => (
            "malformed",
            "The request could not be understood",
            "It was damaged on the way or is not HTTP as it should be.",
        ),
    }
}

fn problem(
    status: StatusCode,
    (code, title, detail): (&str, &str, &str),
    request_id: &str,
) -> String {
    let problem = serde_json::json!({
        "type": format!("/problems/{code}"),
        "title": title,
        "status": status.as_u16(),
        "code": code,
        "detail": detail,
        "errors": [],
        "request_id": request_id,
    });
    problem.to_string()
}

fn page(title: &str, detail: &str, request_id: &str) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                meta name="color-scheme" content="light dark";
                title { (title) " · Portico" }
            }
            body {
                main {
                    h1 { (title) }
                    p { (detail) }
                    p { "This request is logged as " code { (request_id) } "." }
                }
            }
        }
    };
    page.into_string()
}
