//! Answers, and the headers that each of them carries.

use crate::error::{Error, Result};
use maud::Markup;
use std::path::PathBuf;
use tempfile::NamedTempFile;

pub struct Response {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Body,
    /// The field of the body that is shown this once and kept nowhere.
    pub once: Option<&'static str>,
}

pub enum Body {
    Bytes(Vec<u8>),
    /// A temporary file that is sent and then removed: for answers over a megabyte.
    File(PathBuf),
}

impl Response {
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Response {
        let headers = vec![("Content-Type", content_type.to_owned())];
        Response { status, headers, body: Body::Bytes(body.into()), once: None }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Response {
        self.headers.push((name, value.into()));
        self
    }

    /// Says that `field` of the JSON body is a secret.
    pub fn showing_once(mut self, field: &'static str) -> Response {
        self.once = Some(field);
        self
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(each, _)| each.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        match &self.body {
            Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Body::File(path) => std::fs::read_to_string(path).unwrap_or_default(),
        }
    }
}

pub fn html(status: u16, markup: Markup) -> Response {
    Response::new(status, "text/html; charset=utf-8", markup.into_string())
}

pub fn redirect(to: impl Into<String>) -> Response {
    Response::new(303, "text/plain; charset=utf-8", "").with("Location", to)
}

pub fn json(status: u16, value: &impl serde::Serialize) -> Result<Response> {
    Ok(Response::new(status, "application/json", serde_json::to_vec(value)?))
}

/// A created thing: 201, where it is, and what it is.
pub fn created(location: String, value: &impl serde::Serialize) -> Result<Response> {
    Ok(json(201, value)?.with("Location", location))
}

pub fn no_content() -> Response {
    Response { status: 204, headers: Vec::new(), body: Body::Bytes(Vec::new()), once: None }
}

/// A file to keep, under `name`.
pub fn download(name: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Response {
    let safe: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' })
        .collect();
    Response::new(200, content_type, body)
        .with("Content-Disposition", format!("attachment; filename=\"{safe}\""))
}

/// From this size on an answer goes through a file.
const LARGE: u64 = 1 << 20;

/// The same of a file that was written for it.
pub fn download_file(name: &str, content_type: &str, file: NamedTempFile) -> Result<Response> {
    let mut answer = download(name, content_type, Vec::new());
    answer.body = match file.as_file().metadata()?.len() {
        0..LARGE => Body::Bytes(std::fs::read(file.path())?),
        _ => Body::File(file.keep().map_err(Error::internal)?.1),
    };
    Ok(answer)
}
