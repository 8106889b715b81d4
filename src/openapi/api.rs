use crate::auth::Own;
use crate::auth::permissions::AccountRead;
use crate::error::Result;
use crate::input::Field;
use crate::web::{Cx, Response, response};

pub const OUT: &[Field] = &[
    Field::text("openapi", "3.1.0"),
    Field::object("info", ""),
    Field::list("servers", ""),
    Field::list("security", ""),
    Field::object("paths", ""),
    Field::object("components", ""),
];

pub fn show(_: &Cx, _: &Own<AccountRead>) -> Result<Response> {
    response::json(200, &super::document())
}
