//! Every request this program answers, and what it takes to make it. The permission column is
//! checked by the compiler: it must be the one in the handler's `Scope` (or `Own`).

use crate::auth::permissions as may;
use crate::auth::{Admits, Permission};
use crate::error::Result;
use crate::health;
use crate::input::Field;
use crate::mail;
use crate::web::{App, Cx, Method, Request, Response};

pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub permission: &'static str,
    pub admits: Admits,
    /// What the API's description says of it; none for pages.
    pub api: Option<Api>,
    pub run: fn(&Cx) -> Result<Response>,
}

/// One operation of the API.
pub struct Api {
    pub summary: &'static str,
    /// Fields of the body, or of the query where there is no body.
    pub takes: &'static [Field],
    /// Fields of the answer, or of one item of a list.
    pub gives: &'static [Field],
}

/// A request that needs no sign-in.
pub struct Public {
    pub method: Method,
    pub path: &'static str,
    /// Whether tries are counted by address.
    pub limited: bool,
    pub run: fn(&App, &Request) -> Result<Response>,
}

macro_rules! routes {
    ($($method:ident $path:literal $how:ident $permission:ident $handler:path $(, $summary:literal $takes:expr => $gives:expr)?;)+) => {
        pub const ROUTES: &[Route] = &[$(Route {
            method: Method::$method,
            path: $path,
            permission: may::$permission::NAME,
            admits: may::$permission::ADMITS,
            api: routes!(@api $($summary $takes => $gives)?),
            run: |cx| $handler(cx, &cx.actor.$how::<may::$permission>()?),
        }),+];
    };
    (@api) => { None };
    (@api $summary:literal $takes:expr => $gives:expr) => {
        Some(Api { summary: $summary, takes: $takes, gives: $gives })
    };
}

macro_rules! public {
    ($($method:ident $path:literal $limited:ident $handler:path;)+) => {
        pub const PUBLIC: &[Public] = &[$(Public {
            method: Method::$method,
            path: $path,
            limited: public!(@ $limited),
            run: $handler,
        }),+];
    };
    (@ free) => { false };
    (@ limited) => { true };
}

public! {
    Get "/livez"          free    health::live;
    Get "/readyz"         free    health::ready;
    Get "/assets/{file}"  free    health::asset;
}

routes! {
    Get "/" own AccountRead health::home;

    Get  "/mail"             scope MessagesRead mail::pages::index;
    Get  "/mail/{id}"        scope MessagesRead mail::pages::show;
    Post "/mail/{id}/resend" scope MessagesRead mail::pages::send_again;
    Post "/mail/{id}/cancel" scope MessagesRead mail::pages::stop;
    Get  "/api/v1/messages"  scope MessagesRead mail::api::index, "List mails" mail::api::FILTERS => mail::api::OUT;
    Get  "/api/v1/messages/{id}" scope MessagesRead mail::api::show, "Show a mail" &[] => mail::api::OUT;
    Post "/api/v1/messages/{id}/resend" scope MessagesRead mail::api::send_again, "Send a mail again" &[] => mail::api::OUT;
    Post "/api/v1/messages/{id}/cancel" scope MessagesRead mail::api::stop, "Cancel a mail" &[] => mail::api::OUT;
}

/// The public request for a path, if there is one.
pub fn public(method: Method, path: &str) -> Option<&'static Public> {
    PUBLIC.iter().find(|route| route.method == method && crate::web::matches(route.path, path))
}
