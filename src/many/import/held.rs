//! A file that would disable too many waits, whole: as a run that the brake holds.

use super::{Order, customer_of, row, run, store};
use crate::brake::{self, Item, What};
use crate::db::Read;
use crate::error::Result;
use crate::ids::RunId;
use crate::many::tell;
use crate::places::{self, State};
use crate::sheet::field::Field;
use crate::sheet::{Row, Sheet};
use crate::users;

/// Why the file would wait, for whoever checks it.
pub fn why(order: &Order, sheet: &Sheet) -> Result<Option<String>> {
    let items = leavers(order, sheet)?;
    order.db.read(|db| brake::would_hold(db, &items))
}

/// Whom the file would disable, all of them: what the brake looks at.
pub fn leavers(order: &Order, sheet: &Sheet) -> Result<Vec<Item>> {
    if !order.said.state {
        return Ok(Vec::new());
    }
    let chosen = |row: &&Row| order.lines.is_none_or(|lines| lines.contains(&row.line));
    let off = sheet.rows.iter().filter(chosen).filter(|row| {
        row.text(&Field::Enabled) == Some("no") && row.skip.is_none() && row.complaints.is_empty()
    });
    order.db.read(|db| Ok(off.filter_map(|row| leaver(db, order, sheet, row)).collect()))
}

/// A row of nobody's, or of somebody out of reach, is refused when its turn comes.
fn leaver(db: &Read, order: &Order, sheet: &Sheet, row: &Row) -> Option<Item> {
    let customer = customer_of(db, order, row).ok()?;
    let id = row::identify(db, sheet, row, customer).ok()??;
    let user = users::one(db, order.scope, id).ok().filter(|user| user.state == State::Active)?;
    Some(Item {
        what: What::Users,
        customer,
        id: id.0,
        text: format!("{} ({}): disabled", user.details.display_name, user.details.upn),
    })
}

/// What the work is called where it is held.
pub fn title(db: &Read, order: &Order) -> Result<String> {
    Ok(format!("Import of users of {}", places::customer(db, order.scope, order.customer)?.name))
}

/// Keeps a file that would take from too many, with how it is read, for a run that waits from the
/// beginning; nothing for a file that may go on at once.
pub fn keep(order: &Order, sheet: &Sheet, bytes: &[u8]) -> Result<Option<RunId>> {
    let items = leavers(order, sheet)?;
    order.db.write(order.scope.by, |tx| {
        if !brake::is_too_much(tx, &items)? {
            return Ok(None);
        }
        let (user, title) = (order.actor.user, title(tx, order)?);
        let upload = store::keep_upload(tx, order.scope, order.customer, user, "users", bytes)?;
        store::set_options(tx, user, upload, &serde_json::to_string(order.said)?)?;
        let lines = order.lines.map(|lines| lines.iter().copied().collect());
        let run = run::queue(tx, order.customer, upload, lines)?;
        brake::hold_run(tx, run, &title, &items)?;
        tell::of_hold(tx, &title, &items)?;
        Ok(Some(run))
    })
}
