//! The scripts of this machine: read, then enabled.

use super::trail;
use crate::auth::permissions::RulesWrite;
use crate::auth::{PROVIDER, Scope};
use crate::connectors::frame;
use crate::connectors::scripts::{self as all, Program, Standing};
use crate::error::{Error, Result};
use crate::html::Nav;
use crate::html::button::primary;
use crate::html::form::{hidden, post_form};
use crate::html::parts::{Head, Tone, card, flash, page_head, pill, pill_tint};
use crate::html::table::{self, column, table};
use crate::html::text;
use crate::web::{Cx, Response};
use maud::{Markup, html};

pub fn scripts(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    cx.db.read(|db| scope.reaches(db, PROVIDER))?;
    let found = all::list(cx.db, &cx.app.config.scripts)?;
    let columns = [column("Script"), column("What it does").class("p2"), column("State")];
    let rows = html! {
        @for each in &found {
            tr {
                th scope="row" { a href={ "/scripts/" (each.name) } { (each.name) } }
                td.p2 { (each.text.as_ref().map_or(each.wrong.as_str(), |text| text.manifest.description.as_str())) }
                td { @let (tone, word) = standing(each.standing); (pill(tone, word)) }
            }
        }
    };
    let body = html! {
        (page_head("Scripts", Head { lede: "Programs on this machine. Each is read before it is enabled.", ..Head::default() }))
        (frame::tabs(&cx.actor, "/scripts"))
        @if found.is_empty() {
            (table::empty("code", "No scripts", &format!("Whoever owns the shell puts them into {}.", cx.app.config.scripts.display()), None))
        } @else { (table("Scripts", &columns, rows)) }
    };
    Ok(cx.page(Nav::Connectors, "Scripts", &trail(), body))
}

fn standing(standing: Standing) -> (Tone, &'static str) {
    match standing {
        Standing::Enabled => (Tone::Ok, "Enabled"),
        Standing::Changed => (Tone::Bad, "Changed since enabled"),
        Standing::New => (Tone::Wait, "Not enabled"),
        Standing::Broken => (Tone::Bad, "Cannot be read"),
        Standing::Missing => (Tone::Bad, "No longer there"),
    }
}

pub fn script(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    cx.db.read(|db| scope.reaches(db, PROVIDER))?;
    let name: String = cx.param("name")?;
    let found = all::list(cx.db, &cx.app.config.scripts)?;
    let it = found.iter().find(|script| script.name == name).ok_or(Error::NotFound)?;
    let (tone, word) = standing(it.standing);
    let head = Head { state: Some(pill_tint(tone, word)), ..Head::default() };
    let body = html! { (page_head(&it.name, head)) (reading(cx, it)) };
    let mut trail = trail();
    trail.push(("Scripts", "/scripts".to_owned()));
    Ok(cx.page(Nav::Connectors, &it.name, &trail, body))
}

fn reading(cx: &Cx, it: &Program) -> Markup {
    let Some(found) = &it.text else { return flash(Tone::Bad, html! { (it.wrong) }, None) };
    let by = it.enabled_by.as_deref().unwrap_or("Portico");
    html! {
        @if let Some(at) = it.enabled_at {
            p { "Enabled by " (by) ", " (text::when_in_words(at, &cx.actor.zone, cx.db.now())) "." }
        }
        p { "SHA-256 " span.mono { (found.digest) } }
        (card("Manifest", None, html! { pre.log tabindex="0" { (found.manifest_text) } }))
        (card(&found.manifest.file, None, html! { pre.log tabindex="0" { (found.script_text) } }))
        @if it.standing != Standing::Enabled {
            (post_form(&cx.csrf, &format!("/scripts/{}/enable", it.name), html! {
                (hidden("sha256", &found.digest))
                (primary("Enable it as it stands here"))
            }))
        }
    }
}

pub fn enable(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    let name: String = cx.param("name")?;
    all::enable(cx.db, scope, &cx.app.config.scripts, &name, cx.input()?.get("sha256"))?;
    Ok(cx.done(format!("/scripts/{name}"), "Enabled."))
}
