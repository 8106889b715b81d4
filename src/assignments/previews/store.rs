use super::{Loser, NewPreview, Preview};
use crate::assignments::Held;
use crate::auth::Own;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{PreviewId, RequestId, RunId, UserId};
use rusqlite::{Row, named_params};

pub fn insert(tx: &Write, new: &NewPreview) -> Result<PreviewId> {
    tx.change(
        "INSERT INTO previews (customer_id, user_id, action, input, document, basis, made_at, expires_at)
         VALUES (:customer, :user, :action, :input, :document, :basis, :now, :until) RETURNING id",
        named_params! {
            ":customer": new.customer, ":user": new.user, ":action": new.action, ":input": new.input,
            ":document": serde_json::to_string(new.shown)?, ":basis": serde_json::to_string(new.basis)?,
            ":now": tx.now, ":until": tx.now.plus_days(1),
        },
    )
}

/// A preview belongs to whoever made it; anybody else's is not there.
pub fn one<P>(db: &Read, own: &Own<P>, id: PreviewId) -> Result<Preview> {
    db.one(
        "SELECT id, customer_id, action, input, document, basis, state, request_id, run_id, made_at, expires_at
           FROM previews
          WHERE id = :id AND user_id = :own",
        named_params! { ":id": id, ":own": own },
        preview,
    )
}

/// The one that a request waits with.
pub fn of_request(db: &Read, request: RequestId) -> Result<Option<Preview>> {
    db.maybe(
        "SELECT previews.id, previews.customer_id, action, input, document, basis, state, request_id, previews.run_id,
                made_at, expires_at
           FROM requests JOIN previews ON previews.id = requests.preview_id
          WHERE requests.id = ?1",
        [request],
        preview,
    )
}

fn preview(row: &Row) -> rusqlite::Result<Preview> {
    Ok(Preview {
        id: row.get("id")?,
        customer: row.get("customer_id")?,
        action: row.get("action")?,
        input: row.get("input")?,
        document: row.get("document")?,
        basis: row.get("basis")?,
        state: row.get("state")?,
        request: row.get("request_id")?,
        run: row.get("run_id")?,
        made_at: row.get("made_at")?,
        expires_at: row.get("expires_at")?,
    })
}

pub fn applied(
    tx: &Write,
    id: PreviewId,
    request: Option<RequestId>,
    run: Option<RunId>,
) -> Result<PreviewId> {
    tx.change(
        "UPDATE previews SET state = 'applied', request_id = :request, run_id = :run WHERE id = :id RETURNING id",
        named_params! { ":id": id, ":request": request, ":run": run },
    )
}

pub fn set_state(tx: &Write, id: PreviewId, state: super::PreviewState) -> Result<PreviewId> {
    tx.change(
        "UPDATE previews SET state = :state WHERE id = :id RETURNING id",
        named_params! { ":id": id, ":state": state },
    )
}

/// The users who hold these, by name.
pub fn named(db: &Read, held: &[Held]) -> Result<Vec<Loser>> {
    if held.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<UserId> = held.iter().filter_map(|each| each.user).collect();
    db.all(
        "SELECT id, display_name FROM users
          WHERE id IN (SELECT value FROM json_each(:ids))
          ORDER BY display_name COLLATE NOCASE, id",
        named_params! { ":ids": serde_json::to_string(&ids)? },
        |row| Ok(Loser { user_id: row.get("id")?, name: row.get("display_name")? }),
    )
}
