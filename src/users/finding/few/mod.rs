//! Users by a filter that has an index of its own, where it leaves few.

mod store;

use super::Asked;
use crate::db::Read;
use crate::error::Result;
use crate::users::Badge;

/// Those whom one of the filters leaves, where that is few.
pub fn few(db: &Read, asked: &Asked, bound: i64) -> Result<Option<Vec<i64>>> {
    let more = &asked.filter.more;
    let most = bound + 1;
    let mut all = Vec::new();
    if let Some(manager) = asked.manager {
        all.push(store::reports(db, manager, most)?);
    }
    if let Some(days) = more.expires_within {
        all.push(store::expiring(db, asked.today, asked.today.plus_days(days), most)?);
    }
    match more.badge {
        Some(Badge::Locked) => all.push(store::locked(db, most)?),
        Some(Badge::RequestFailed) => all.push(store::failed(db, most)?),
        _ => {}
    }
    if more.test == Some(true) {
        all.push(store::tested(db, most)?);
    }
    if more.main_contact == Some(true) {
        all.push(store::main_contacts(db, most)?);
    }
    if !more.role.is_empty() {
        all.push(store::holding(db, &more.role, most)?);
    }
    if !more.service.is_empty() {
        all.push(store::having(db, &more.service, most)?);
    }
    let few = all.into_iter().filter(|ids| i64::try_from(ids.len()).is_ok_and(|n| n <= bound));
    Ok(few.min_by_key(Vec::len))
}
