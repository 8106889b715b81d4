//! Half way in: who still lacks a code, a new password or a second factor reaches the page for that
//! and nothing else, in a frame without the rest of the house.

use super::{Cx, Request, Response, failure, response};
use crate::auth::Stage;
use crate::html;
use crate::html::button::button;
use crate::html::form::post_form;
use maud::{Markup, html};

/// The page a stage is for.
pub fn place(stage: Stage) -> &'static str {
    match stage {
        Stage::Code => "/sign-in/code",
        Stage::Password => "/account/password",
        Stage::Factor => "/account/factor",
        Stage::Whole => "/today",
    }
}

/// Whether somebody at `stage` may ask for `path`.
pub fn leads_on(stage: Stage, path: &str) -> bool {
    let own = place(stage);
    let below = path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let proves = stage == Stage::Factor && path == "/again";
    stage == Stage::Whole || below || proves || path == "/sign-out"
}

/// Sends somebody to what is missing, and from there to where they were going.
pub fn to_stage(stage: Stage, request: &Request) -> Response {
    let to = failure::target(request);
    let to: String = form_urlencoded::byte_serialize(to.as_bytes()).collect();
    response::redirect(format!("{}?to={to}", place(stage)))
}

/// The frame of a page on the way in.
pub fn page(cx: &Cx, status: u16, title: &str, body: Markup) -> Response {
    let foot = cx.settings.organisation.as_str();
    let body = html! {
        div.stack {
            div.panel.stack { (body) }
            (post_form(&cx.csrf, "/sign-out", html! { (button("Sign out").ghost()) }))
        }
    };
    response::html(status, html::alone(title, cx.stage == Stage::Factor, foot, body))
}
