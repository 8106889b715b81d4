//! Fixing a bill: its items are kept as they were, with a digest, and its lines stay as they are.

use super::{Desk, store};
use crate::auth::Scope;
use crate::auth::permissions::BillingRun;
use crate::db::{Db, Read, Write};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, InvoiceId};
use crate::rating::hops::Hop;
use crate::rating::items::Item;
use crate::rating::periods::Period;
use crate::secret;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};

/// A hop's items, ready to be kept. Made before the transaction that keeps them, which checks that
/// nothing has changed since.
pub struct Frozen {
    hop: Hop,
    customers: Vec<Kept>,
}

struct Kept {
    customer: CustomerId,
    mark: i64,
    items: Vec<u8>,
    sha256: [u8; 32],
}

/// Prepares a hop's items.
pub fn frozen_before<P>(db: &Read, scope: &Scope<P>, period: &Period, hop: &Hop) -> Result<Frozen> {
    let desk = Desk::open(db, scope, *period)?;
    let lines = desk.lines_of_hop(hop)?;
    let customers: BTreeSet<CustomerId> = lines.iter().map(|line| line.customer_id).collect();
    let mut kept = Vec::with_capacity(customers.len());
    for customer in customers {
        let json = serde_json::to_vec(&desk.items(customer, hop)?)?;
        let mut deflated = ZlibEncoder::new(Vec::new(), Compression::fast());
        deflated.write_all(&json)?;
        let (items, sha256) = (deflated.finish()?, secret::sha256(&json));
        kept.push(Kept { customer, mark: store::mark(db, customer)?, items, sha256 });
    }
    Ok(Frozen { hop: *hop, customers: kept })
}

/// Keeps them, if every one of its customers' stored lines is what was prepared.
pub fn fix(tx: &Write, period: &Period, frozen: &Frozen, invoice: Option<InvoiceId>) -> Result<()> {
    for kept in &frozen.customers {
        let fresh = store::is_fresh(tx, period.ends_on, kept.customer)?;
        if !fresh || store::mark(tx, kept.customer)? != kept.mark {
            return Err(Error::refused(
                "Something this bill is made of has just changed. Look at it and try again.",
            ));
        }
    }
    let hop = (frozen.hop.seller_id, frozen.hop.buyer_id);
    let id = store::freeze(tx, period.ends_on, hop, invoice)?;
    for kept in &frozen.customers {
        store::freeze_items(tx, id, kept.customer, &kept.items, &kept.sha256)?;
    }
    Ok(())
}

/// Lets a hop's bill follow the ledger again.
pub fn lift(tx: &Write, period: &Period, seller: CustomerId, buyer: CustomerId) -> Result<()> {
    store::lift(tx, period.ends_on, (seller, buyer))?;
    store::forget_bills(tx, period.ends_on, seller, buyer)
}

/// Fixes every hop of a period that is not fixed, each in a transaction of its own.
pub(super) fn fix_all(db: &Db, scope: &Scope<BillingRun>, period: &Period) -> Result<()> {
    let hops = db.read(|db| {
        let fixed = store::fixed(db, period.ends_on)?;
        let mut hops = store::hops(db, period.ends_on)?;
        hops.retain(|hop| !fixed.holds(hop));
        Ok(hops)
    })?;
    for hop in hops {
        let frozen = db.read(|db| frozen_before(db, scope, period, &hop))?;
        db.write(scope.by, |tx| fix(tx, period, &frozen, None))?;
    }
    Ok(())
}

/// A customer's items as they were kept, checked against their digest.
pub(super) fn items(
    db: &Read,
    period: &Period,
    hop: &Hop,
    customer: CustomerId,
) -> Result<Vec<Item>> {
    let Some((items, sha256)) = store::frozen_items(db, period.ends_on, hop, customer)? else {
        return Ok(Vec::new());
    };
    let mut json = Vec::new();
    ZlibDecoder::new(items.as_slice()).read_to_end(&mut json)?;
    if secret::sha256(&json).as_slice() != sha256 {
        return Err(Error::internal("the items of a fixed bill are not what was kept"));
    }
    Ok(serde_json::from_slice(&json)?)
}
