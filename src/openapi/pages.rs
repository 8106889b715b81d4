use super::{Operation, operations};
use crate::auth::Own;
use crate::auth::permissions::AccountRead;
use crate::error::Result;
use crate::html::Nav;
use crate::html::parts::{Head, facts, page_head, section};
use crate::html::table::{column, table};
use crate::input::Field;
use crate::places::capital;
use crate::web::{Cx, Response};
use maud::{Markup, html};

pub fn index(cx: &Cx, _: &Own<AccountRead>) -> Result<Response> {
    let all: Vec<Operation> = operations().collect();
    let mut tags: Vec<&str> = all.iter().map(Operation::tag).collect();
    tags.sort_unstable();
    tags.dedup();
    let body = html! {
        (page_head("API", Head {
            lede: "Everything the pages do, for programs. Send a token of yours as Authorization: Bearer. The same for machines: GET /api/v1/openapi.json.",
            ..Head::default()
        }))
        @for tag in tags {
            (section(&capital(&tag.replace(['_', '-'], " ")), None, of_tag(tag, all.iter().filter(|each| each.tag() == tag))))
        }
    };
    Ok(cx.page(Nav::Elsewhere, "API", &[], body))
}

fn of_tag<'a>(tag: &str, operations: impl Iterator<Item = &'a Operation>) -> Markup {
    let columns = [column("Request"), column("Does"), column("Permission").class("p2")];
    let rows = html! {
        @for operation in operations {
            tr {
                th scope="row" { span.mono { (operation.method.word()) " /api/v1" (operation.path) } }
                td {
                    (operation.api.summary)
                    (fields("Takes", operation.api.takes))
                    (fields(if operation.is_list() { "Each item has" } else { "Answers" }, operation.api.gives))
                }
                td.p2 { span.mono { (operation.permission) } }
            }
        }
    };
    table(tag, &columns, rows)
}

fn fields(title: &str, fields: &[Field]) -> Markup {
    if fields.is_empty() {
        return html! {};
    }
    let list: Vec<(&str, Markup)> = fields
        .iter()
        .map(|field| {
            let about = html! {
                @if field.required { "required" @if !field.about.is_empty() { ", " } }
                (field.about)
            };
            (field.name, about)
        })
        .collect();
    html! { details { summary { (title) } (facts(&list)) } }
}
