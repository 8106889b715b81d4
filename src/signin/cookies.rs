//! What a browser is given to keep: its session, and that it was here before.

use super::Entered;
use crate::secret::Secret;
use crate::web::{Request, Response, browser_cookie, cookie_name, response};

/// Goes to `to` with what the browser is to keep.
pub fn enter(request: &Request, entered: &Entered, to: &str) -> Response {
    let answer = response::redirect(to).with("Set-Cookie", cookie(request, &entered.session));
    let Some(browser) = &entered.browser else { return answer };
    let year = "; Max-Age=31536000";
    answer.with("Set-Cookie", kept(request, browser_cookie(request), browser.reveal(), year))
}

/// The cookie of a session.
pub fn cookie(request: &Request, session: &Secret) -> String {
    kept(request, cookie_name(request), session.reveal(), "")
}

/// The same for a session that is no more.
pub fn ended(request: &Request) -> String {
    kept(request, cookie_name(request), "", "; Max-Age=0")
}

fn kept(request: &Request, name: &str, value: &str, more: &str) -> String {
    let secure = if request.secure { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}")
}
