//! The audit log as JSON.

use super::{FILTERS, Filter, store};
use crate::auth::Scope;
use crate::auth::permissions::AuditRead;
use crate::error::Result;
use crate::input::Field;
use crate::web::{Cx, Response, response};

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::text("at", ""),
    Field::integer("user_id", "who did it; none where Portico did it by itself"),
    Field::text("user", "their name"),
    Field::text("acting_for", "in whose name, where that is somebody else's"),
    Field::text("via", "page, api, engine, job, shell or link"),
    Field::text("action", "like user.created"),
    Field::text("subject_kind", "what it was done to"),
    Field::integer("subject_id", ""),
    Field::integer("customer_id", "in whose branch it is seen"),
    Field::text("customer", ""),
    Field::object("detail", "old and new values"),
];

pub fn index(cx: &Cx, scope: &Scope<AuditRead>) -> Result<Response> {
    let paging = cx.paging(FILTERS)?;
    let filter = Filter::read(&cx.request.query)?;
    let zone = &cx.actor.zone;
    let rows = cx.db.read(|db| store::list(db, scope, &filter, zone, &paging))?;
    response::json(200, &paging.listing(rows, |entry| (String::new(), entry.id)))
}
