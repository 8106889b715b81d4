//! Saved views above a list, and the page on which they are saved and deleted.

use super::{Check, List, View, delete, filters, of, save};
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{button, cancel, primary};
use crate::html::field::{Opts, check as tick_box, text_field};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::parts::{Head, page_head};
use crate::html::table::{acts, column, empty, table};
use crate::input::Input;
use crate::web::{Cx, Response};
use maud::{Markup, html};

impl List {
    fn nav(self) -> Nav {
        match self {
            List::Customers => Nav::Customers,
            List::Users => Nav::Users,
        }
    }
}

/// Above the list at `here`: the views of it, and a way to keep what it is narrowed by now.
pub fn bar(list: List, views: &[View], here: &str, query: &Input) -> Markup {
    let now = filters(query);
    let is_now = |view: &View| (view.query == now).then_some("true");
    html! {
        @if !views.is_empty() || !now.is_empty() {
            div.views {
                @if !views.is_empty() {
                    nav aria-label="Saved views" {
                        ul.chips {
                            @for view in views {
                                li { a href={ (here) "?" (view.query) } aria-current=[is_now(view)] { (view.name) } }
                            }
                        }
                    }
                }
                @if now.is_empty() || views.iter().any(|view| view.query == now) { a href={ "/" (list.word()) "/views" } { "Saved views" } }
                @else { a href={ "/" (list.word()) "/views?" (now) } { "Save this view" } }
            }
        }
    }
}

/// All views of a list; where its address has filters, with the form that saves those.
pub fn index(cx: &Cx, list: List) -> Result<Response> {
    let mut input = Input::default();
    input.set("query", filters(&cx.request.query));
    page(cx, list, &input, &[])
}

pub fn create(cx: &Cx, list: List, check: Check) -> Result<Response> {
    let input = cx.input()?;
    match save(cx.db, &cx.actor, list, &input, check) {
        Ok(_) => {
            let query = filters(&Input::from_form(input.get("query").as_bytes()));
            let to = format!("/{}?{query}", list.word());
            Ok(cx.done(to, "The view is saved."))
        }
        Err(Error::Invalid(all)) => page(cx, list, &input, &all),
        Err(other) => Err(other),
    }
}

pub fn destroy(cx: &Cx, list: List) -> Result<Response> {
    delete(cx.db, &cx.actor, list, cx.param("view")?)?;
    Ok(cx.done(format!("/{}/views", list.word()), "The view is deleted."))
}

fn page(cx: &Cx, list: List, input: &Input, complaints: &[Complaint]) -> Result<Response> {
    let views = cx.db.read(|db| of(db, &cx.actor, list))?;
    let (word, label) = (list.word(), list.nav().label());
    let query = input.get("query");
    let lede = format!("Lists of {word} as you narrowed them, to come back to.");
    let body = html! {
        (page_head("Saved views", Head { lede: &lede, ..Head::default() }))
        (complaints_flash(complaints, &[("name", "Name"), ("query", "Filters")]))
        @if !query.is_empty() { (form(cx, list, input, complaints)) }
        @if views.is_empty() {
            (empty("list-check", "No saved views yet",
                   "Narrow a list by search and filters, then choose “Save this view” above it.", None))
        } @else { (rows(list, &views)) }
    };
    let trail = [(label, format!("/{word}"))];
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(cx.page_with(status, list.nav(), "Saved views", &trail, body))
}

fn form(cx: &Cx, list: List, input: &Input, complaints: &[Complaint]) -> Markup {
    let query = input.get("query");
    let opts =
        Opts { width: 3, hint: "A view of yours with this name is replaced.", ..Opts::default() };
    post_form(
        &cx.csrf,
        &format!("/{}/views", list.word()),
        html! {
            (hidden("query", query))
            div.form {
                (fieldset("Save this view", &in_words(query), html! {
                    (text_field(input, complaints, "name", "Name", opts))
                    (tick_box(input, complaints, "shared", "Share it with everybody of your customer",
                              "They see it above their list; each sees only what they may see."))
                }))
            }
            (form_foot(html! { (primary("Save view")) (cancel(&format!("/{}?{query}", list.word()))) }))
        },
    )
}

fn rows(list: List, views: &[View]) -> Markup {
    let columns = [column("Name"), column("Filters").class("p2"), column("Whose"), acts()];
    let at = |view: &View| format!("/{}/views/{}/delete", list.word(), view.id);
    let body = html! {
        @for view in views {
            tr {
                th scope="row" { a href={ "/" (list.word()) "?" (view.query) } { (view.name) } }
                td.p2 { (in_words(&view.query)) }
                td {
                    @if !view.own { "Shared by " (view.by) }
                    @else if view.shared { "Yours, shared" }
                    @else { "Yours" }
                }
                td.acts { (button("Delete").about(&view.name).ghost().small().posts(&at(view))) }
            }
        }
    };
    table("Saved views", &columns, body)
}

/// "state active, expires within 30"
fn in_words(query: &str) -> String {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let words = pairs.map(|(name, value)| match name.as_ref() {
        "q" => format!("“{value}”"),
        name => format!("{} {}", name.replace('_', " "), value.replace('_', " ")),
    });
    words.collect::<Vec<_>>().join(", ")
}
