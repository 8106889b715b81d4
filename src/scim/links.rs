//! Deciding about links: whether what was found there is the same, and whether what is gone is made
//! anew.

use super::store::{self, Open};
use super::{Standing, counts};
use crate::audit;
use crate::auth::Scope;
use crate::auth::permissions::{ConnectorsRead, ConnectorsWrite};
use crate::connectors;
use crate::db::{Db, Work};
use crate::error::{Error, Result};
use crate::ids::{ConnectorId, LinkId};
use crate::web::{Listing, Paging};
use serde_json::json;

pub struct Links {
    pub connector: connectors::Connector,
    pub counts: store::Counts,
    pub open: Listing<Open>,
}

pub fn list(
    db: &Db,
    scope: &Scope<ConnectorsRead>,
    id: ConnectorId,
    paging: &Paging,
) -> Result<Links> {
    let connector = connectors::one(db, scope, id)?;
    let (counts, rows) = db.read(|db| Ok((counts(db, id)?, store::open(db, id, paging)?)))?;
    let open = paging.listing(rows, |row| (String::new(), row.id.0));
    Ok(Links { connector, counts, open })
}

/// Says that it is the same: from now on it is ours.
pub fn adopt(
    db: &Db,
    scope: &Scope<ConnectorsWrite>,
    connector: ConnectorId,
    id: LinkId,
) -> Result<()> {
    let owner = connectors::owner_of(db, scope, connector)?;
    db.write(scope.by, |tx| {
        let found = store::one_open(tx, connector, id)?;
        if found.standing != Standing::Proposed {
            return Err(Error::Conflict("It is not there any more.".into()));
        }
        store::stand(tx, id, Standing::Bound)?;
        tx.wake(Work::Requests);
        audit::record(tx, "link.adopted", ("connector", connector.0), owner, &detail(&found))
    })
}

/// Forgets it: what was deleted is made anew by the next attempt, and what was found stays somebody
/// else's.
pub fn forget(
    db: &Db,
    scope: &Scope<ConnectorsWrite>,
    connector: ConnectorId,
    id: LinkId,
) -> Result<()> {
    let owner = connectors::owner_of(db, scope, connector)?;
    db.write(scope.by, |tx| {
        let found = store::one_open(tx, connector, id)?;
        store::forget(tx, id)?;
        audit::record(tx, "link.forgotten", ("connector", connector.0), owner, &detail(&found))
    })
}

fn detail(it: &Open) -> serde_json::Value {
    json!({ "class": it.class, "id": it.object, "name": it.name, "was": it.standing })
}
