//! What scripts and webhooks are told of an assignment: the whole of what is wanted now.

use super::state::Wanted;
use super::{Held, held, properties, settle, store};
use crate::db::Read;
use crate::engine::{Document, Job};
use crate::error::Result;
use serde_json::json;

/// For every event of an assignment.
pub fn document(db: &Read, job: &Job) -> Result<Document> {
    let held = held::any(db, settle::subject(job)?)?;
    of_held(db, &held, &[])
}

/// The same of one that may not be there yet, with `typed` to be stored for it.
pub fn of_held(db: &Read, held: &Held, typed: &[(String, Option<String>)]) -> Result<Document> {
    let told = store::told(db, held)?;
    let effective = properties::effective(db, held, typed)?;
    let suspended = held.wanted == Wanted::Suspended;
    Ok(Document {
        customer: told.customer,
        user: told.user,
        service: json!({
            "id": held.id.number(), "code": held.code, "name": held.name, "label": held.label,
            "plan": told.plan, "suspended": suspended,
        }),
        props: effective.plain,
        sealed: effective.sealed,
        previous: json!({ "state": held.live, "plan": told.live_plan }),
    })
}
