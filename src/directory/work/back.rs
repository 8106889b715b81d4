//! What somebody else moved or renamed in the directory, put back by its id.

use super::desk::{Desk, parse};
use super::{store, units};
use crate::drivers::ldap::fault::Fault;
use crate::drivers::ldap::name::Rdn;

/// To the OU `below`, to the name `name`, or both. It was ours before, so it may lie anywhere now;
/// where it comes to lie is the customer's own part.
pub fn put_back(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let Some(object) = desk.text("object") else {
        return Err(Fault::refused("The step names no object."));
    };
    let known = desk.app.db.read(|db| store::of_object(db, desk.line.id, object))?;
    let Some(known) = known.filter(|known| known.customer == desk.order.customer) else {
        return Err(Fault::refused("It is not bound to anything here any more."));
    };
    let Some(entry) = desk.by_id(object, &[])? else {
        return Err(Fault::refused(format!("{} was deleted in the directory.", known.dn)));
    };
    let now = entry.dn()?;
    let kind = now.first().map_or("CN", Rdn::kind);
    let step = match desk.text("name") {
        Some(name) => units::step(kind, name)?,
        None => now.first().cloned().ok_or_else(|| Fault::refused("It has no name."))?,
    };
    let parent = match desk.text("below") {
        Some(below) => parse(below)?,
        None => now.parent().ok_or_else(|| Fault::refused("It has no name."))?,
    };
    let to = parent.child(step.clone());
    // The customer's own OU is what the part is measured by.
    if known.subject != "customer" {
        desk.guard(&to)?;
    } else if !to.is_below(&desk.base) {
        return Err(Fault::refused(format!("{to} is outside {}.", desk.base)));
    }
    if (to != now || desk.text("name").is_some_and(|name| name != value(&now)))
        && desk.go(format!("put {now} back to {to}"))
    {
        let elsewhere = now.parent().is_none_or(|here| here != parent);
        desk.session.rename(&now, &step, elsewhere.then_some(&parent))?;
    }
    match desk.by_id(object, &[])? {
        Some(entry) => {
            desk.bind(known.class, (known.customer, known.user), &known.subject, &entry)?;
            desk.give(&entry)
        }
        None => Ok(()),
    }
}

fn value(name: &crate::drivers::ldap::name::Dn) -> &str {
    name.first().map_or("", Rdn::value)
}
