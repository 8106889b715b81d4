//! The counters compared with what is there: assignments, and the seats that orders for many have
//! taken ahead. What differs is told by doctor, and put right by night or by `doctor --repair`.

mod store;

use crate::audit;
use crate::db::{By, Db, Via, Write};
use crate::error::Result;
use crate::ids::{CustomerId, ServiceId};
use crate::jobs::{Level, RunCx};
use serde_json::json;

/// The kind of run in `schedule.rs`.
pub const KIND: &str = "offers.recount";

/// A counter that is not what it counts.
pub struct Drift {
    holder: CustomerId,
    holder_name: String,
    service: ServiceId,
    service_name: String,
    /// 0: all plans together.
    plan: i64,
    meter: String,
    used: i64,
    counted: i64,
}

/// Every counter that is wrong, in a sentence each.
pub fn check(db: &Db) -> Result<Vec<String>> {
    Ok(db.read(store::drifts)?.iter().map(Drift::told).collect())
}

/// Puts every counter right and says which were wrong.
pub fn repair(db: &Db, via: Via) -> Result<Vec<String>> {
    db.write(By::portico(via), |tx| {
        let wrong = store::drifts(tx)?;
        wrong.iter().try_for_each(|each| each.mend(tx))?;
        Ok(wrong.iter().map(Drift::told).collect())
    })
}

/// The nightly recount.
pub fn run(cx: &RunCx) -> Result<()> {
    let wrong = repair(cx.db, Via::Job)?;
    cx.db.write(By::portico(Via::Job), |tx| {
        for (seq, text) in (1..).zip(&wrong) {
            tracing::error!("a counter was wrong and is put right: {text}");
            cx.unit(tx, seq, Level::Error, "repaired", text, None)?;
        }
        if wrong.is_empty() {
            cx.unit(tx, 1, Level::Info, "counted", "Every counter is as it should be.", None)?;
        }
        Ok(())
    })
}

impl Drift {
    fn told(&self) -> String {
        let Drift { holder_name, service_name, used, counted, .. } = self;
        let what = match self.plan {
            0 => service_name.clone(),
            plan => format!("{service_name} (plan {plan})"),
        };
        format!("{what} at {holder_name} counts {used} {} where there are {counted}", self.meter)
    }

    fn mend(&self, tx: &Write) -> Result<()> {
        store::set_used(tx, self)?;
        let detail = json!({
            "service": self.service_name, "plan_id": self.plan, "meter": self.meter,
            "used": [self.used, self.counted],
        });
        audit::record(tx, "usage.repaired", ("customer", self.holder.0), self.holder, &detail)
    }
}
