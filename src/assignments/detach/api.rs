use super::order;
use crate::auth::Scope;
use crate::auth::permissions::ConnectorsWrite;
use crate::error::Result;
use crate::input::Field;
use crate::web::{Cx, Response, response};
use serde_json::json;

pub const STARTED: &[Field] = &[Field::integer("run_id", "the run that does it")];

pub fn create(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let run = order(cx.db, scope, cx.param("id")?, &cx.input()?)?;
    response::json(202, &json!({ "run_id": run }))
}
