//! What was asked, taken apart once.

use crate::error::{Error, Result};
use crate::input::Input;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::net::IpAddr;

words! {
    Method { Get = "GET", Post = "POST", Put = "PUT", Patch = "PATCH", Delete = "DELETE" }
}

/// The feed of what failed: the one thing of the API that has an address of its own beside it, and
/// for which a token may come as a password, because readers of feeds send it so.
const FEED: (&str, &str) = ("/requests/errors.atom", "/api/v1/requests/errors.atom");

pub struct Request {
    pub method: Method,
    /// Without the query, percent signs as they came.
    pub path: String,
    pub query: Input,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub address: IpAddr,
    /// Whether the visitor's connection is https.
    pub secure: bool,
    /// Shown to the visitor and in the log.
    pub id: String,
}

/// A file that came with a form.
pub struct Upload {
    pub field: String,
    pub name: String,
    pub bytes: Vec<u8>,
}

impl Request {
    /// `None` for a method that nothing here answers.
    pub fn new(
        method: &str,
        target: &str,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
        address: IpAddr,
    ) -> Option<Request> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let method = if method == "HEAD" { Method::Get } else { method.parse().ok()? };
        let path = if path == FEED.0 { FEED.1 } else { path };
        Some(Request {
            method,
            path: path.to_owned(),
            query: Input::from_form(query.as_bytes()),
            headers,
            body,
            address,
            secure: false,
            id: String::new(),
        })
    }

    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(each, _)| each.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value.as_str())
    }

    pub fn is_api(&self) -> bool {
        self.path == "/api/v1" || self.path.starts_with("/api/v1/")
    }

    pub fn cookie(&self, name: &str) -> Option<&str> {
        let pairs = self.header("Cookie").split(';').map(str::trim);
        pairs
            .filter_map(|pair| pair.split_once('='))
            .find(|(each, _)| *each == name)
            .map(|(_, value)| value)
    }

    /// The token a program signs in with.
    pub fn token(&self) -> Option<String> {
        let (scheme, sent) = self.header("Authorization").split_once(' ')?;
        if scheme.eq_ignore_ascii_case("Bearer") {
            return Some(sent.trim().to_owned());
        }
        if !(self.is_feed() && scheme.eq_ignore_ascii_case("Basic")) {
            return None;
        }
        let pair = String::from_utf8(STANDARD.decode(sent.trim()).ok()?).ok()?;
        pair.split_once(':').map(|(_, password)| password.to_owned())
    }

    /// What is asked of whoever comes without one.
    pub fn challenge(&self) -> &'static str {
        if self.is_feed() { "Basic realm=\"A token as password\", Bearer" } else { "Bearer" }
    }

    fn is_feed(&self) -> bool {
        self.path == FEED.1
    }

    pub fn browser(&self) -> &str {
        self.header("User-Agent")
    }

    /// Whether htmx asks for a part of a page.
    pub fn wants_fragment(&self) -> bool {
        self.header("HX-Request") == "true"
    }

    /// The form, the JSON body, or nothing.
    pub fn input(&self) -> Result<Input> {
        let kind =
            self.header("Content-Type").split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        match kind.as_str() {
            _ if self.is_api() && self.body.is_empty() => Ok(Input::default()),
            "application/json" | "application/merge-patch+json" if self.is_api() => {
                Input::from_json(&self.body)
            }
            _ if self.is_api() => {
                Err(Error::Malformed("Send JSON, as Content-Type: application/json.".into()))
            }
            "multipart/form-data" => Ok(self.files()?.0),
            _ => Ok(Input::from_form(&self.body)),
        }
    }

    /// The fields and files of a form that was sent as multipart.
    pub fn files(&self) -> Result<(Input, Vec<Upload>)> {
        let unreadable =
            |err: multer::Error| Error::Malformed(format!("The form cannot be read: {err}."));
        let boundary = multer::parse_boundary(self.header("Content-Type")).map_err(unreadable)?;
        let body = self.body.clone();
        let stream =
            futures_util::stream::once(async move { Ok::<_, std::convert::Infallible>(body) });
        let mut parts = multer::Multipart::new(stream, boundary);
        let (mut input, mut uploads) = (Input::default(), Vec::new());
        let read = async {
            while let Some(part) = parts.next_field().await? {
                let (field, file) =
                    (part.name().unwrap_or("").to_owned(), part.file_name().map(str::to_owned));
                let bytes = part.bytes().await?.to_vec();
                match file {
                    Some(name) => uploads.push(Upload { field, name, bytes }),
                    None if field == "csrf" => {}
                    None => input.push(&field, String::from_utf8_lossy(&bytes)),
                }
            }
            Ok(())
        };
        futures_executor::block_on(read).map_err(unreadable)?;
        Ok((input, uploads))
    }

    /// The form's token, wherever in the form it stands.
    pub fn form_token(&self) -> Option<String> {
        if self.header("Content-Type").starts_with("multipart/form-data") {
            let text = String::from_utf8_lossy(&self.body);
            let (_, rest) = text.split_once("name=\"csrf\"\r\n\r\n")?;
            return rest.split_once("\r\n").map(|(token, _)| token.to_owned());
        }
        form_urlencoded::parse(&self.body)
            .find(|(name, _)| name == "csrf")
            .map(|(_, value)| value.into_owned())
    }
}
