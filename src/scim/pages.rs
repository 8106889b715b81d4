//! Who is who in a SCIM service: how many are linked, and those about whom somebody has to decide.

use super::links::{adopt as take_over, forget as let_go, list};
use super::store::Open;
use super::{Class, Standing};
use crate::auth::Scope;
use crate::auth::permissions::{ConnectorsRead, ConnectorsWrite};
use crate::error::Result;
use crate::html::Nav;
use crate::html::button::button;
use crate::html::parts::{Head, Tone, page_head, pill, stats};
use crate::html::table::{self, acts, column, table};
use crate::html::text;
use crate::ids::ConnectorId;
use crate::web::{Cx, Response};
use maud::{Markup, html};

pub fn index(cx: &Cx, scope: &Scope<ConnectorsRead>) -> Result<Response> {
    let id: ConnectorId = cx.param("id")?;
    let paging = cx.paging(&[])?;
    let found = list(cx.db, scope, id, &paging)?;
    let trail = [
        ("Connectors", "/connectors".to_owned()),
        (found.connector.name.as_str(), format!("/connectors/{id}")),
    ];
    let title = "Who is who there";
    let head = Head {
        lede: "Accounts and groups of the service that are ours, and those that somebody has to decide about. Afterwards try the failed request again.",
        ..Head::default()
    };
    let counts = [
        ("Accounts linked", html! { (found.counts.users) }, None),
        ("Groups linked", html! { (found.counts.groups) }, None),
        ("To decide", html! { (found.counts.open) }, None),
    ];
    let next = cx.next_href(found.open.next.as_ref());
    let start = (!paging.is_first()).then(|| cx.first_href());
    let may = cx.actor.may::<ConnectorsWrite>();
    let columns = [
        column("There"),
        column("Here").class("p2"),
        column("Customer").class("p3"),
        column("Question"),
        acts(),
    ];
    let rows = html! { @for each in &found.open.items { (row(id, each, may)) } };
    let count = i64::try_from(found.open.items.len()).unwrap_or(0);
    let body = html! {
        (page_head(title, head))
        (stats(&counts))
        @if found.open.items.is_empty() {
            (table::empty("check", "Nothing to decide", "Whoever is found there under the same name, or was deleted there, is shown here.", None))
        } @else {
            (table("To decide", &columns, rows))
            (table::paging(&text::count(count, "question", "questions"), start.as_deref(), next.as_deref()))
        }
    };
    Ok(cx.page(Nav::Connectors, title, &trail, body))
}

fn row(connector: ConnectorId, it: &Open, may: bool) -> Markup {
    let at = |verb: &str| format!("/connectors/{connector}/links/{}/{verb}", it.id);
    let noun = match it.class {
        Class::User => "account",
        Class::Group => "group",
    };
    html! {
        tr {
            th scope="row" { (it.name) small { (noun) } }
            td.p2 {
                @match (it.user, &it.user_name) {
                    (Some(user), Some(name)) => a href={ "/users/" (user) } { (name) },
                    _ => (it.name)
                }
            }
            td.p3 { (it.customer_name) }
            td {
                @match it.standing {
                    Standing::Lost => (pill(Tone::Bad, "Deleted there: make it anew?")),
                    _ => (pill(Tone::Wait, "Is it the same?")),
                }
            }
            td {
                @if may {
                    @match it.standing {
                        Standing::Lost => (button("Make it anew").small().about(&it.name).posts(&at("forget"))),
                        _ => {
                            (button("Yes, link it").small().about(&it.name).posts(&at("adopt")))
                            " "
                            (button("No, leave it").small().about(&it.name).posts(&at("forget")))
                        }
                    }
                }
            }
        }
    }
}

pub fn adopt(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let id: ConnectorId = cx.param("id")?;
    take_over(cx.db, scope, id, cx.param("link")?)?;
    Ok(cx.done(format!("/connectors/{id}/links"), "Linked. Try the failed request again."))
}

pub fn forget(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let id: ConnectorId = cx.param("id")?;
    let_go(cx.db, scope, id, cx.param("link")?)?;
    Ok(cx.done(format!("/connectors/{id}/links"), "Forgotten. Try the failed request again."))
}
