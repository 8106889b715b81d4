use super::{Whose, explained};
use crate::auth::Scope;
use crate::auth::permissions::ServicesRead;
use crate::error::Result;
use crate::web::{Cx, Response, response};

pub fn of_customer(cx: &Cx, scope: &Scope<ServicesRead>) -> Result<Response> {
    answer(cx, scope, Whose::Customer(cx.param("id")?))
}

pub fn of_user(cx: &Cx, scope: &Scope<ServicesRead>) -> Result<Response> {
    answer(cx, scope, Whose::User(cx.param("id")?))
}

fn answer(cx: &Cx, scope: &Scope<ServicesRead>, whose: Whose) -> Result<Response> {
    let (aid, name): (i64, String) = (cx.param("aid")?, cx.param("name")?);
    let (_, found) = cx.db.read(|db| explained(db, scope, &cx.actor, whose, aid, &name))?;
    response::json(200, &found.out())
}
