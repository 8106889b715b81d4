//! The guard *again* in a browser: a page that asks for the password once more and then goes on to
//! what was asked, with everything that was typed.

use super::{Cx, Method, Request, Response, response};
use crate::auth;
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{cancel, primary};
use crate::html::field::{Opts, text_field};
use crate::html::form::{form_foot, hidden, post_form};
use crate::html::parts::{Head, page_head};
use crate::input::Input;
use maud::html;

/// What the page calls the password, so that it cannot be mistaken for a field of what was asked.
pub const PASSWORD: &str = "present_password";
/// Where to go on, and the form that was on its way there.
pub const TO: &str = "to";
pub const FORM: &str = "form";

impl Cx<'_> {
    /// Refuses until the password was given within ten minutes; a token must name the route's
    /// permission. Asked before anything is done, by the page that asks and by what it posts to.
    pub fn again(&self) -> Result<()> {
        self.again_for(self.route.permission)
    }

    /// The same where the act needs another permission than the route.
    pub fn again_for(&self, permission: &str) -> Result<()> {
        auth::again(&self.actor, self.session.as_ref(), permission, self.db.now())
    }

    /// Asks for the password, keeping where to go on and what was typed.
    pub fn again_page(&self, status: u16, input: &Input, complaints: &[Complaint]) -> Response {
        let title = "Your password, once more";
        let lede = "What comes next needs your password once more. It then counts for ten minutes.";
        let opts = Opts {
            kind: "password",
            autocomplete: "current-password",
            autofocus: true,
            width: 3,
            ..Opts::default()
        };
        let form = html! {
            (hidden(TO, input.get(TO)))
            @if input.has(FORM) { (hidden(FORM, input.get(FORM))) }
            div.form { div.fields {
                (text_field(&Input::default(), complaints, PASSWORD, "Password", opts))
            } }
            (form_foot(html! { (primary("Go on")) (cancel("/today")) }))
        };
        let body = html! {
            (page_head(title, Head { lede, ..Head::default() }))
            (post_form(&self.csrf, "/again", form))
        };
        self.page_with(status, Nav::Elsewhere, title, &[], body)
    }

    /// Does what was asked before the password was asked for. `to` must be an address of this
    /// installation.
    pub fn go_on(&self, to: &str, input: &Input) -> Result<Response> {
        if !input.has(FORM) {
            return Ok(response::redirect(to));
        }
        let token = self.request.form_token().unwrap_or_default();
        let mut body = form_urlencoded::Serializer::new(input.get(FORM).to_owned());
        let body = body.append_pair("csrf", &token).finish().into_bytes();
        let headers = self.request.headers.clone();
        let again = Request::new("POST", to, headers, body, self.request.address);
        let mut again = again.ok_or(Error::NotFound)?;
        again.secure = self.request.secure;
        again.id.clone_from(&self.request.id);
        let answer = self.app.answer(&again);
        answer.or_else(|err| Ok(super::failure::show(self.app, &again, None, err)))
    }
}

/// The question in the place of what was asked. A form with files cannot be kept: it leads back to
/// its page.
pub fn ask(cx: &Cx) -> Response {
    let request = cx.request;
    let at = match request.query.to_query().as_str() {
        "" => request.path.clone(),
        query => format!("{}?{query}", request.path),
    };
    let plain = !request.header("Content-Type").starts_with("multipart/form-data");
    if request.method == Method::Get || !plain {
        let to = form_urlencoded::byte_serialize(at.as_bytes()).collect::<String>();
        return response::redirect(format!("/again?to={to}"));
    }
    let mut kept = form_urlencoded::Serializer::new(String::new());
    let typed = form_urlencoded::parse(&request.body).filter(|(name, _)| name != "csrf");
    kept.extend_pairs(typed);
    let mut input = Input::default();
    input.set(TO, at);
    input.set(FORM, kept.finish());
    cx.again_page(403, &input, &[])
}
