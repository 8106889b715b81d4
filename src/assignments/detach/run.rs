//! The run behind it. It goes on where it was stopped; what a worker has in hand is left alone and said.

use super::{Work, store};
use crate::assignments::{HeldId, act, forget, held as assigned};
use crate::audit;
use crate::auth::permissions::ConnectorsWrite;
use crate::db::Write;
use crate::directory::environments;
use crate::engine::{self, Overtaken};
use crate::error::Result;
use crate::html::text::count;
use crate::ids::CustomerId;
use crate::jobs::{Level, Next, RunCx};
use serde_json::json;

/// Services in one transaction.
const BATCH: i64 = 100;

/// How far one customer is.
enum Step {
    More,
    Done {
        left: usize,
    },
    /// A request of it is being worked on.
    Busy,
}

pub fn run(cx: &RunCx) -> Result<()> {
    let work: Work = serde_json::from_value(cx.run.input.clone())?;
    let first = usize::try_from(cx.done()?).unwrap_or(usize::MAX);
    for (place, customer) in (1..).zip(&work.customers).skip(first) {
        let mut forgotten = 0;
        loop {
            if cx.next()? != Next::Go {
                return Ok(());
            }
            let actor = cx.actor()?;
            let scope = actor.scope::<ConnectorsWrite>()?;
            let over = cx.db.write(actor.by, |tx| {
                environments::found(tx, &scope, work.directory)?;
                let Some((name, connector)) = store::lives_there(tx, *customer, work.directory)?
                else {
                    return cx.progress(tx, place).map(|()| true);
                };
                let held = store::held(tx, *customer, BATCH)?;
                let more = i64::try_from(held.len()).unwrap_or(0);
                let step = match forget_all(tx, &work.name, &held)? {
                    Step::Busy => Step::Busy,
                    _ if !held.is_empty() => Step::More,
                    _ => Step::Done { left: store::leave(tx, *customer, connector)? },
                };
                forgotten += more;
                end(cx, tx, place, (*customer, &name), (&step, forgotten))
            })?;
            if over {
                break;
            }
        }
    }
    Ok(())
}

/// Writes how a customer went, once it is over.
fn end(
    cx: &RunCx,
    tx: &Write,
    place: i64,
    (customer, name): (CustomerId, &str),
    (step, forgotten): (&Step, i64),
) -> Result<bool> {
    let subject = Some(("customer", customer.0));
    match step {
        Step::More => Ok(false),
        Step::Busy => {
            let text = format!(
                "{name}: a request is being worked on. Detach the directory again when it has ended."
            );
            cx.unit(tx, place, Level::Warn, "refused", &text, subject)?;
            Ok(true)
        }
        Step::Done { left } => {
            let left = i64::try_from(*left).unwrap_or(i64::MAX);
            let text = format!(
                "{name}: {} forgotten; {} stay in the directory.",
                count(forgotten, "service", "services"),
                count(left, "object", "objects")
            );
            let detail = json!({ "run_id": cx.run.id, "stays_outside": left });
            audit::record(tx, "customer.detached", ("customer", customer.0), customer, &detail)?;
            cx.unit(tx, place, Level::Info, "detached", &text, subject)?;
            Ok(true)
        }
    }
}

fn forget_all(tx: &Write, directory: &str, all: &[HeldId]) -> Result<Step> {
    let reason = format!("detached from {directory}");
    for id in all {
        let overtaken = match *id {
            HeldId::Customer(id) => Overtaken::CustomerService(id),
            HeldId::User(id) => Overtaken::UserService(id),
        };
        engine::cancel_open(tx, overtaken, &reason)?;
        let held = assigned::any(tx, *id)?;
        if held.open.is_some() {
            return Ok(Step::Busy);
        }
        forget::drop_it(tx, &held, &reason)?;
        let detail = json!({
            "service": held.code, "plan": held.plan, "label": held.label, "user_id": held.user,
            "reason": reason,
        });
        let action = format!("{}_service.forgotten", held.id.level().word());
        audit::record(tx, &action, act::subject(held.id), held.customer, &detail)?;
    }
    Ok(Step::More)
}
