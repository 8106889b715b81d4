//! Somebody of the same customer who decides in one's place, from one day to another.

use super::store;
use crate::audit;
use crate::auth::permissions::ApprovalsDecide;
use crate::auth::{Own, Scope};
use crate::db::{Db, Read};
use crate::error::Result;
use crate::ids::{CustomerId, DeputyId, UserId};
use crate::input::{Field, Fields, Input};
use crate::mail::people::Person;
use crate::time::Date;
use serde::Serialize;
use serde_json::json;

#[derive(Clone, Debug, Serialize)]
pub struct Deputy {
    pub id: DeputyId,
    pub deputy_id: UserId,
    pub deputy: String,
    pub from_on: Date,
    pub until_on: Date,
}

pub const FIELDS: &[Field] = &[
    Field::integer("deputy_id", "somebody of the same customer who may decide").required(),
    Field::text("from_on", "the first day").required(),
    Field::text("until_on", "the last day").required(),
];

/// Whom one may name.
pub fn candidates(db: &Read, home: CustomerId, me: UserId) -> Result<Vec<Person>> {
    let mut all = super::chains::candidates(db, home)?;
    all.retain(|person| person.home == home && person.id != me);
    Ok(all)
}

/// Those one has named, that are not over.
pub fn list<P>(db: &Read, own: &Own<P>) -> Result<Vec<Deputy>> {
    store::deputies(db, own)
}

pub fn create(
    db: &Db,
    scope: &Scope<ApprovalsDecide>,
    own: &Own<impl Sized>,
    home: CustomerId,
    input: &Input,
) -> Result<DeputyId> {
    db.write(scope.by, |tx| {
        let mut fields = Fields::of(input, FIELDS);
        let deputy = fields.parse::<UserId>("deputy_id");
        let (from, until) = (fields.date("from_on"), fields.date("until_on"));
        if let Some(id) = deputy
            && !candidates(tx, home, own.user)?.iter().any(|person| person.id == id)
        {
            fields.complain::<()>("deputy_id", "is nobody of your customer who may decide");
        }
        if let (Some(from), Some(until)) = (from, until)
            && until < from
        {
            fields.complain::<()>("until_on", "must not be before the first day");
        }
        let (deputy, from, until) = fields.finish(|| Some((deputy?, from?, until?)))?;
        let id = store::insert_deputy(tx, own.user, deputy, from, until)?;
        let detail = json!({ "deputy_id": deputy, "from_on": from, "until_on": until });
        audit::record(tx, "deputy.named", ("user", own.user.0), home, &detail)?;
        Ok(id)
    })
}

pub fn delete(db: &Db, own: &Own<impl Sized>, home: CustomerId, id: DeputyId) -> Result<()> {
    db.write(own.by, |tx| {
        store::delete_deputy(tx, own, id)?;
        audit::record(tx, "deputy.taken_back", ("user", own.user.0), home, &json!({ "id": id }))
    })
}
