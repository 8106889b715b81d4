use crate::assignments::HeldId;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerServiceId, RunId, UserServiceId};
use crate::time::Instant;
use rusqlite::named_params;

pub fn insert(tx: &Write, run: RunId, id: HeldId, at: Instant) -> Result<usize> {
    let (customer, user) = match id {
        HeldId::Customer(id) => (Some(id), None),
        HeldId::User(id) => (None, Some(id)),
    };
    tx.run(
        "INSERT INTO removals (run_id, customer_service_id, user_service_id, at)
         VALUES (:run, :customer, :user, :at)",
        named_params! { ":run": run, ":customer": customer, ":user": user, ":at": at },
    )
}

/// Those of the assignments that are to be removed later: by which run, and when.
pub fn pending(db: &Read, ids: &[HeldId]) -> Result<Vec<(HeldId, RunId, Instant)>> {
    let (mut customers, mut users) = (Vec::new(), Vec::new());
    for id in ids {
        match id {
            HeldId::Customer(id) => customers.push(id.0),
            HeldId::User(id) => users.push(id.0),
        }
    }
    db.all(
        "SELECT customer_service_id, user_service_id, run_id, at
           FROM removals JOIN runs ON runs.id = run_id
          WHERE (customer_service_id IN (SELECT value FROM json_each(:customers))
                 OR user_service_id IN (SELECT value FROM json_each(:users)))
            AND runs.state IN ('queued', 'running') AND runs.cancel_asked = 0",
        named_params! {
            ":customers": serde_json::to_string(&customers)?, ":users": serde_json::to_string(&users)?,
        },
        |row| {
            let customer: Option<CustomerServiceId> = row.get("customer_service_id")?;
            let user: Option<UserServiceId> = row.get("user_service_id")?;
            let id = match (customer, user) {
                (Some(id), _) => HeldId::Customer(id),
                (None, user) => HeldId::User(user.unwrap_or(UserServiceId(0))),
            };
            Ok((id, row.get("run_id")?, row.get("at")?))
        },
    )
}

pub fn pending_of(db: &Read, id: HeldId) -> Result<Option<(RunId, Instant)>> {
    Ok(pending(db, &[id])?.pop().map(|(_, run, at)| (run, at)))
}
