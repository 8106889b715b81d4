//! What an order costs, by the function that writes the bills: so the preview cannot differ.

use super::state::Wanted;
use super::{Held, HeldId, Order};
use crate::auth::Actor;
use crate::auth::permissions::{CostsRead, PricesRead};
use crate::billing;
use crate::catalogue::{Plan, Service};
use crate::db::Read;
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use crate::money::Currency;
use crate::rating::Kind;
use crate::rating::quote::{Change, Gift};
use serde::{Deserialize, Serialize};

/// The money of an order as its viewer sees it: of a whole period without and with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Monthly {
    pub currency: Currency,
    pub before_minor: i64,
    pub after_minor: i64,
    pub delta_minor: i64,
    pub once_minor: i64,
    pub first_period_minor: i64,
    pub unpriced: Vec<String>,
    /// What the provider pays more; for those alone who may see costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_delta_minor: Option<i64>,
}

pub fn gift(order: &Order, service: &Service, plan: Option<&Plan>, label: &str) -> Change {
    Change::Give(Gift {
        kind: if order.user.is_some() { Kind::UserService } else { Kind::CustomerService },
        user_id: order.user,
        service: service.code.clone(),
        plan: plan.map(|plan| plan.code.clone()),
        instance: Some(label.to_owned()).filter(|label| !label.is_empty()),
        quantity: 1000,
    })
}

/// Another plan; of what is not billed yet, nothing.
pub fn change(held: &Held, plan: &Plan) -> Option<Change> {
    (held.wanted != Wanted::Gone).then(|| Change::Change {
        kind: kind(held.id),
        subject_id: held.id.number(),
        plan: Some(plan.code.clone()),
        quantity: 1000,
    })
}

pub fn removal(held: &Held) -> Change {
    Change::Remove { kind: kind(held.id), subject_id: held.id.number() }
}

fn kind(id: HeldId) -> Kind {
    match id {
        HeldId::Customer(_) => Kind::CustomerService,
        HeldId::User(_) => Kind::UserService,
    }
}

/// The same gift for somebody else.
pub fn for_user(change: &Change, user: UserId) -> Change {
    match change {
        Change::Give(gift) => Change::Give(Gift { user_id: Some(user), ..gift.clone() }),
        other => other.clone(),
    }
}

/// What `changes` cost, at the viewer's edge; nothing for who buys from nobody or may not see prices.
pub fn monthly(
    db: &Read,
    actor: &Actor,
    customer: CustomerId,
    changes: &[Change],
) -> Result<Option<Monthly>> {
    if !actor.reaches::<PricesRead>(db, customer) {
        return Ok(None);
    }
    let Some(quote) = billing::quote(db, actor.home, customer, changes)? else { return Ok(None) };
    let costs = actor.is_provider() && actor.may::<CostsRead>();
    Ok(Some(Monthly {
        currency: quote.currency,
        before_minor: quote.before_minor,
        after_minor: quote.after_minor,
        delta_minor: quote.delta_minor,
        once_minor: quote.once_minor,
        first_period_minor: quote.first_period_minor,
        unpriced: quote.unpriced,
        cost_delta_minor: quote.cost_delta_minor.filter(|_| costs),
    }))
}
