//! What the ledger is told of an assignment.

use super::{Held, HeldId};
use crate::catalogue;
use crate::db::Write;
use crate::error::Result;
use crate::ids::{PlanId, RequestId, UserId};
use crate::ledger::{self, Action, Kind, Row, Source};
use serde_json::json;

/// For whom a row is written: whoever ordered, which is not always whoever writes.
#[derive(Clone, Copy, Default)]
pub struct By {
    pub suspended: bool,
    pub ordered_by: Option<UserId>,
    pub source: Option<Source>,
    pub request: Option<RequestId>,
    /// What is billed: not always what is wanted.
    pub plan: Option<PlanId>,
}

impl By {
    /// Whoever writes, in the transaction of the order.
    pub fn now(held: &Held, suspended: bool) -> By {
        By { suspended, plan: held.live_plan_id.or(held.plan_id), ..By::default() }
    }
}

pub fn kind(id: HeldId) -> Kind {
    match id {
        HeldId::Customer(_) => Kind::CustomerService,
        HeldId::User(_) => Kind::UserService,
    }
}

pub fn write(tx: &Write, held: &Held, action: Action, by: &By) -> Result<()> {
    let plan = by.plan.map(|id| catalogue::plan(tx, id)).transpose()?;
    let instance = Some(held.label.as_str()).filter(|label| !label.is_empty());
    let row = Row {
        user: held.user,
        service: Some(&held.code),
        plan: plan.as_ref().map(|plan| plan.code.as_str()),
        instance,
        facts: json!({ "suspended": by.suspended }),
        ordered_by: by.ordered_by,
        source: by.source,
        request: by.request,
        ..Row::new(kind(held.id), held.id.number(), action, held.customer)
    };
    ledger::record(tx, &row)?;
    Ok(())
}
