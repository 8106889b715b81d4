//! What a visitor or a program is shown when something could not be done. The cause of an error of
//! ours is logged here, once, with the number that is shown.

use super::{App, Cx, Request, Response, again, response};
use crate::error::{Complaint, Error};
use crate::html::button::link;
use crate::html::{self, Nav};
use maud::html;
use serde_json::json;

pub fn show(app: &App, request: &Request, cx: Option<&Cx>, err: Error) -> Response {
    if let Error::Internal(cause) = &err {
        tracing::error!(id = %request.id, method = request.method.word(), path = %without_secrets(&request.path),
            actor = cx.map(|cx| cx.actor.user.0), "{cause}");
    }
    if !request.is_api() && matches!(err, Error::LoginRequired) {
        let back = form_urlencoded::byte_serialize(target(request).as_bytes()).collect::<String>();
        return response::redirect(format!("/sign-in?to={back}"));
    }
    if let (Error::Again, Some(cx)) = (&err, cx) {
        return again::ask(cx);
    }
    let wait = match &err {
        Error::TooMany(seconds, _) => Some(*seconds),
        _ => None,
    };
    let (status, code, title) = name(&err);
    let answer = if request.is_api() {
        problem(request, status, code, title, err)
    } else {
        page(app, request, cx, status, title, &err)
    };
    match wait {
        Some(seconds) => answer.with("Retry-After", seconds.to_string()),
        None => answer,
    }
}

/// Status, stable word and title.
fn name(err: &Error) -> (u16, &'static str, &'static str) {
    let (code, title) = match err {
        Error::NotAllowed(_) => ("method_not_allowed", "This cannot be done here"),
        Error::Misdirected => ("misdirected", "This name is not set up here"),
        Error::Malformed(_) => ("malformed", "This cannot be read"),
        Error::LoginRequired => ("unauthenticated", "No or no valid token"),
        Error::Forbidden(_) | Error::Again => ("forbidden", "Not for you"),
        Error::NotFound => ("not_found", "Not found"),
        Error::Conflict(_) => ("conflict", "Already under way"),
        Error::Stale(_) => ("stale", "Changed meanwhile"),
        Error::Invalid(_) => ("invalid", "This cannot be accepted as it is"),
        Error::TooMany(..) => ("too_many", "Too many at once"),
        Error::Internal(_) => ("internal", "Something of ours went wrong"),
        Error::NotSetUp => ("not_set_up", "Not set up yet"),
    };
    (err.status(), code, title)
}

fn problem(request: &Request, status: u16, code: &str, title: &str, err: Error) -> Response {
    let detail = match &err {
        Error::Internal(_) => {
            "Nothing was changed. Quote the request id when you ask about it.".to_owned()
        }
        Error::Malformed(text) => {
            text.get(4..).filter(|_| status != 400).unwrap_or(text).to_owned()
        }
        other => other.to_string(),
    };
    let allowed = match &err {
        Error::NotAllowed(methods) => methods.clone(),
        _ => String::new(),
    };
    let errors: Vec<Complaint> = match err {
        Error::Invalid(complaints) => complaints,
        _ => Vec::new(),
    };
    let body = json!({
        "type": format!("/problems/{code}"), "title": title, "status": status, "code": code,
        "detail": detail, "errors": errors, "request_id": request.id,
    });
    let answer = Response::new(status, "application/problem+json", body.to_string());
    match status {
        401 => answer.with("WWW-Authenticate", request.challenge()),
        405 => answer.with("Allow", allowed),
        _ => answer,
    }
}

fn page(
    app: &App,
    request: &Request,
    cx: Option<&Cx>,
    status: u16,
    title: &str,
    err: &Error,
) -> Response {
    let text = match err {
        Error::NotFound => "The address may be old, or it belongs to a customer you cannot see. Search usually finds it.".to_owned(),
        Error::Internal(_) => "It is our mistake, and nothing was changed. If you ask about it, quote the number below.".to_owned(),
        Error::NotSetUp => "Open the address that was printed when Portico was started.".to_owned(),
        other => other.to_string(),
    };
    let body = html! {
        div.stack {
            p.code { (status) }
            h1 { (title) }
            p { (text) }
            p.muted.small { "Request " span.mono { (request.id) } }
            @if status != 503 {
                p.row {
                    @if status == 404 { (link("Search", "/search").primary()) }
                    @if let Some(cx) = cx.filter(|_| status == 403) { (link("Why can’t I?", &why(cx)).primary()) }
                    (link("Today", "/today"))
                }
            }
        }
    };
    match cx {
        Some(cx) => cx.page_with(status, Nav::Elsewhere, title, &[], body),
        None => {
            let foot =
                app.settings().map_or_else(|_| "Portico".to_owned(), |s| s.organisation.clone());
            response::html(status, html::alone(title, false, &foot, body))
        }
    }
}

/// Where to come back to after signing in.
pub fn target(request: &Request) -> String {
    match request.query.to_query().as_str() {
        _ if request.method != super::Method::Get => "/today".to_owned(),
        "" => request.path.clone(),
        query => format!("{}?{query}", request.path),
    }
}

/// The path as it may be logged: what follows a link's place is its secret.
pub fn without_secrets(path: &str) -> String {
    for place in
        ["/reset/", "/welcome/", "/verify/", "/recovery/", "/documents/", "/api/v1/callbacks/"]
    {
        if path.starts_with(place) {
            return format!("{place}…");
        }
    }
    path.to_owned()
}

/// Where it is explained what stands in the way of what was asked.
fn why(cx: &Cx) -> String {
    let mut parts = cx.request.path.split('/').skip(1);
    let about = match (parts.next(), parts.next().map(str::parse::<i64>)) {
        (Some("customers"), Some(Ok(id))) => format!("&customer={id}"),
        (Some("users"), Some(Ok(id))) => format!("&to={id}"),
        _ => String::new(),
    };
    format!("/account/why?permission={}{about}", cx.route.permission)
}
