//! What others ask to see whether Portico works, and the files that pages need.

use crate::auth::Own;
use crate::auth::permissions::AccountRead;
use crate::error::{Error, Result};
use crate::html::assets;
use crate::web::{App, Cx, Request, Response, response};

/// 200 while the process answers.
pub fn live(_: &App, _: &Request) -> Result<Response> {
    Ok(Response::new(200, "text/plain; charset=utf-8", "ok"))
}

/// 200 while the store can be read.
pub fn ready(app: &App, _: &Request) -> Result<Response> {
    let word = if app.settings()?.set_up { "ok" } else { "not set up" };
    Ok(Response::new(200, "text/plain; charset=utf-8", word))
}

/// An embedded file under its hashed name, to be kept for good.
pub fn asset(_: &App, request: &Request) -> Result<Response> {
    let file = request.path.strip_prefix("/assets/").ok_or(Error::NotFound)?;
    let asset = assets::lookup(file, request.header("Accept-Encoding")).ok_or(Error::NotFound)?;
    let response = if request.header("If-None-Match") == asset.etag {
        Response::new(304, asset.content_type, "")
    } else {
        Response::new(200, asset.content_type, asset.bytes.into_owned())
    };
    let response = match asset.encoding {
        Some(encoding) => response.with("Content-Encoding", encoding),
        None => response,
    };
    Ok(response
        .with("ETag", asset.etag)
        .with("Vary", "Accept-Encoding")
        .with("Cache-Control", "public, max-age=31536000, immutable"))
}

pub fn home(_: &Cx, _: &Own<AccountRead>) -> Result<Response> {
    Ok(response::redirect("/today"))
}
