use super::{Whose, explained};
use crate::auth::Scope;
use crate::auth::permissions::ServicesRead;
use crate::catalogue::fields::draw_explanation;
use crate::error::Result;
use crate::html::parts::section;
use crate::ids::{CustomerId, UserId};
use crate::places::{self, Tab, UserTab};
use crate::web::{Cx, Response};
use maud::html;

pub fn of_customer(cx: &Cx, scope: &Scope<ServicesRead>) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    let place = cx.db.read(|db| places::customer(db, scope, id))?;
    let body = body(cx, scope, Whose::Customer(id))?;
    Ok(places::customer_page(cx, &place, Tab::Services, 200, html! {}, body))
}

pub fn of_user(cx: &Cx, scope: &Scope<ServicesRead>) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let person = cx.db.read(|db| places::user(db, scope, id))?;
    let body = body(cx, scope, Whose::User(id))?;
    Ok(places::user_page(cx, &person, UserTab::Services, 200, html! {}, body))
}

fn body(cx: &Cx, scope: &Scope<ServicesRead>, whose: Whose) -> Result<maud::Markup> {
    let (aid, name): (i64, String) = (cx.param("aid")?, cx.param("name")?);
    let (held, found) = cx.db.read(|db| explained(db, scope, &cx.actor, whose, aid, &name))?;
    let title = format!("{} of {}", found.property.label, held.title());
    let drawn = draw_explanation(&found, &cx.actor.zone, cx.db.now());
    Ok(section(&format!("Where does it come from? {title}"), None, drawn))
}
