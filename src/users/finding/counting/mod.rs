//! How many users a list has in all.

pub mod store;

use super::Filter;
use crate::auth::permissions::UsersRead;
use crate::auth::{Breadth, Scope};
use crate::db::Read;
use crate::error::Result;
use crate::html::text::COUNTED;
use crate::places::State;

/// How many users the filter leaves, up to one more than are counted, where an index alone can tell.
pub fn count(db: &Read, scope: &Scope<UsersRead>, filter: &Filter) -> Result<Option<i64>> {
    let plain = Filter { customer: filter.customer, state: filter.state, ..Filter::default() };
    let is_plain = filter.q.is_empty() && filter.department.is_empty() && filter.more == plain.more;
    if !is_plain {
        return Ok(None);
    }
    let states: Vec<State> = match filter.state {
        Some(state) => vec![state],
        None => vec![State::Active, State::Disabled, State::Deprovisioned],
    };
    let breadth = scope.breadth(db)?;
    // By one right each customer is reached once: where a part of them has enough, so have all.
    let once = scope.stands_at().len() == 1;
    if filter.customer.is_none() && filter.state.is_none() && once && breadth != Breadth::All {
        let least = store::at_least(db, scope)?;
        if least > COUNTED {
            return Ok(Some(least));
        }
    }
    match (filter.customer, breadth) {
        (Some(customer), _) => store::count_of(db, scope, customer, &states),
        (None, Breadth::All) => store::count_all(db, scope, &states),
        (None, _) => store::count(db, scope, &states),
    }
    .map(Some)
}
