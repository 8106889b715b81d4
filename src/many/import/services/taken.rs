//! What a file of services would take from users and change: looked at as if it were done.

use super::columns::Row;
use super::{BATCH, Order, Outcome, RowOut, one, store};
use crate::brake::{self, Item, What};
use crate::db::Read;
use crate::error::Result;

/// All of it. Of a file too short to change very many services only the rows that take one are
/// looked at.
pub fn taken(order: &Order, rows: &[Row]) -> Result<Vec<Item>> {
    let many = rows.len() > brake::ASSIGNMENTS;
    let takes = |row: &&Row| many || ["suspend", "remove"].contains(&row.action.as_str());
    let looked_at: Vec<&Row> = rows.iter().filter(takes).collect();
    let mut all = Vec::new();
    for batch in looked_at.chunks(BATCH) {
        order.app.db.rehearse(order.actor.by, |tx| {
            for row in batch {
                all.extend(item(tx, order, row, &one(order, row)?)?);
            }
            Ok(())
        })?;
    }
    Ok(all)
}

fn item(db: &Read, order: &Order, row: &Row, out: &RowOut) -> Result<Option<Item>> {
    let user = match row.user.as_str() {
        "" => None,
        name => store::user(db, order.read, order.customer, name)?,
    };
    let (what, becomes) = match (out.result, user) {
        (Outcome::Removed, Some(_)) => (What::Users, "is taken away"),
        (Outcome::Suspended, Some(_)) => (What::Users, "is suspended"),
        (Outcome::Removed | Outcome::Suspended, None) => {
            (What::Assignments, "ends or is suspended")
        }
        (Outcome::Changed | Outcome::Resumed, _) => (What::Assignments, "changes"),
        (Outcome::Given | Outcome::Unchanged | Outcome::Refused, _) => return Ok(None),
    };
    let whose = if row.user.is_empty() { "the customer" } else { &row.user };
    let label = if row.label.is_empty() { String::new() } else { format!(" {}", row.label) };
    let text = format!("{whose}: {}{label} {becomes}", row.service);
    let id = user.filter(|_| what == What::Users).map_or(0, |user| user.0);
    Ok(Some(Item { what, customer: order.customer, id, text }))
}
