use super::{Restriction, readable, shipped_names};
use crate::auth::Scope;
use crate::auth::permissions::{SettingsRead, SettingsWrite};
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{button, primary};
use crate::html::field::{Opts, text_field};
use crate::html::form::{complaints_flash, post_form};
use crate::html::parts::{Head, card, page_head};
use crate::html::table::{acts, column, empty, table};
use crate::input::Input;
use crate::web::{Cx, Response};
use maud::{Markup, html};

const HERE: &str = "/settings/restricted-domains";

pub fn index(cx: &Cx, _: &Scope<SettingsRead>) -> Result<Response> {
    page(cx, &Input::default(), &[])
}

pub fn create(cx: &Cx, scope: &Scope<SettingsWrite>) -> Result<Response> {
    let input = cx.input()?;
    match super::create(cx.db, scope, &input) {
        Ok(_) => Ok(cx.done(HERE, "Nobody can add it from now on.")),
        Err(Error::Invalid(all)) => page(cx, &input, &all),
        Err(err) => Err(err),
    }
}

pub fn remove(cx: &Cx, scope: &Scope<SettingsWrite>) -> Result<Response> {
    super::remove(cx.db, scope, cx.param("id")?)?;
    Ok(cx.done(HERE, "It can be added again."))
}

fn page(cx: &Cx, input: &Input, complaints: &[Complaint]) -> Result<Response> {
    let scope = cx.actor.scope::<SettingsRead>()?;
    let all = cx.db.read(|db| super::all(db, &scope))?;
    let may = cx.actor.may::<SettingsWrite>();
    let lede = format!(
        "Names that no customer may add. {} public mail domains and registry names are always among them.",
        shipped_names()
    );
    let half = Opts { width: 3, ..Opts::default() };
    let name = Opts { ltr: true, hint: "Or *.name for everything below it.", ..half };
    let add = html! {
        div.fields {
            (text_field(input, complaints, "pattern", "Domain", name))
            (text_field(input, complaints, "reason", "Reason", Opts { most: Some(100), ..half }))
        }
        p {} (primary("Restrict it"))
    };
    let body = html! {
        (page_head("Restricted domains", Head { lede: &lede, ..Head::default() }))
        (complaints_flash(complaints, &[("pattern", "Domain"), ("reason", "Reason")]))
        div.stack {
            @if all.is_empty() { (empty("shield", "None of your own yet", "Keep names from being added by anybody, your own above all.", None)) }
            @else { (rows(&all, may)) }
            @if may { (card("Restrict a domain", None, post_form(&cx.csrf, HERE, add))) }
        }
    };
    let trail = [("Settings", "/settings".to_owned())];
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(cx.page_with(status, Nav::Settings, "Restricted domains", &trail, body))
}

fn rows(all: &[Restriction], may: bool) -> Markup {
    let columns = [column("Domain"), column("Reason"), column("Added by").class("p2"), acts()];
    let body = html! {
        @for each in all {
            tr {
                th scope="row" { (readable(&each.pattern)) }
                td { (each.reason) }
                td.p2.muted { (each.added_by) }
                td.acts {
                    @if may {
                        (button("Allow").small().about(&each.pattern).posts(&format!("{HERE}/{}/remove", each.id)))
                    }
                }
            }
        }
    };
    table("Restricted domains", &columns, body)
}
