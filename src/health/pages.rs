use super::{Finding, Verdict, doctor};
use crate::auth::permissions::{AccountRead, SettingsRead, SystemOperate};
use crate::auth::{Own, Scope};
use crate::error::{Error, Result};
use crate::html::button::button;
use crate::html::form::post_form;
use crate::html::parts::{Head, Tone, card, card_flush, datagrid, page_head, pill};
use crate::html::table::{column, table};
use crate::html::{Nav, assets};
use crate::places::capital;
use crate::web::throttle::Limit;
use crate::web::{App, Cx, Request, Response, network, response};
use maud::{Markup, html};

/// Supervisors ask often, but not that often.
const ASKS: Limit = Limit { tries: 10, seconds: 1 };

const TEXT: &str = "text/plain; charset=utf-8";

/// 200 while the process answers.
pub fn live(app: &App, request: &Request) -> Result<Response> {
    app.count(&format!("live {}", network(request)), ASKS)?;
    Ok(Response::new(200, TEXT, "ok"))
}

/// 200 while visitors can be served.
pub fn ready(app: &App, request: &Request) -> Result<Response> {
    app.count(&format!("ready {}", network(request)), ASKS)?;
    let (status, word) = super::readiness(&app.db, &app.config);
    Ok(Response::new(status, TEXT, word))
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

pub fn system(cx: &Cx, _: &Scope<SettingsRead>) -> Result<Response> {
    Ok(cx.page(Nav::Settings, "System", &[], overview(cx, None)))
}

/// The examination takes a moment, so it runs when somebody asks for it.
pub fn examine(cx: &Cx, _: &Scope<SystemOperate>) -> Result<Response> {
    let findings = doctor::examine(cx.db, &cx.app.config);
    Ok(cx.page(Nav::Settings, "System", &[], overview(cx, Some(&findings))))
}

fn overview(cx: &Cx, findings: Option<&[Finding]>) -> Markup {
    let (_, word) = super::readiness(cx.db, &cx.app.config);
    let scheme = if cx.request.secure { "https" } else { "http" };
    let examine = cx.actor.may::<SystemOperate>().then(|| {
        post_form(&cx.csrf, "/system/doctor", html! { (button("Examine now").primary()) })
    });
    let facts = [
        ("Version", html! { (env!("CARGO_PKG_VERSION")) }),
        ("Ready", html! { (if word == "ok" { "Yes" } else { word }) }),
        ("You", html! { "I see you as " span.mono { (cx.request.address) } " over " (scheme) "." }),
    ];
    html! {
        (page_head("System", Head { actions: examine, lede: "How Portico itself is doing.", ..Head::default() }))
        (card("This installation", None, datagrid(&facts)))
        @if let Some(findings) = findings { (found(findings)) }
    }
}

fn found(findings: &[Finding]) -> Markup {
    let columns = [column("What"), column("State"), column("Found"), column("To do").class("p2")];
    let rows = html! {
        @for finding in findings {
            tr {
                th scope="row" { (capital(finding.check)) }
                td { (verdict_pill(finding.verdict)) }
                td { (finding.text) }
                td.p2 { (finding.fix) }
            }
        }
    };
    card_flush("Examination", None, table("Examination", &columns, rows))
}

fn verdict_pill(verdict: Verdict) -> Markup {
    match verdict {
        Verdict::Ok => pill(Tone::Ok, "OK"),
        Verdict::Warn => pill(Tone::Wait, "Look at it"),
        Verdict::Fail => pill(Tone::Bad, "Broken"),
    }
}
