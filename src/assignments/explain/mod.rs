//! Where the value of a property comes from, for something that somebody has.

pub mod api;
pub mod pages;

use super::{Held, held, properties as own};
use crate::auth::permissions::ServicesRead;
use crate::auth::{Actor, Scope};
use crate::catalogue::properties;
use crate::catalogue::properties::origin::{self, Explanation};
use crate::db::Read;
use crate::error::{Error, Result};
use crate::ids::{CustomerId, CustomerServiceId, UserId, UserServiceId};

/// Whose it is: a customer's or a user's.
#[derive(Clone, Copy)]
enum Whose {
    Customer(CustomerId),
    User(UserId),
}

fn explained(
    db: &Read,
    scope: &Scope<ServicesRead>,
    actor: &Actor,
    whose: Whose,
    id: i64,
    name: &str,
) -> Result<(Held, Explanation)> {
    let held = match whose {
        Whose::Customer(customer) => {
            held::customer_service(db, scope, customer, CustomerServiceId(id))?
        }
        Whose::User(user) => held::user_service(db, scope, user, UserServiceId(id))?,
    };
    let found = origin::explain(db, actor.home, &own::asked(db, &held)?, name)?;
    let seen = found.property.seen_by(properties::standing(actor, held.customer));
    match seen {
        true => Ok((held, found)),
        false => Err(Error::NotFound),
    }
}
