//! One sync as a background run: its lines are the report. One that would take from too many waits,
//! whole, and looks again when it is let go.

use super::follow::{Finding, Found, Order, Outcome, RowOut, find, leavers, one};
use super::notices::{self, Ended};
use crate::audit;
use crate::auth::permissions::UsersDisable;
use crate::brake;
use crate::connectors::call;
use crate::crash;
use crate::directory::work::{self, Verb};
use crate::drivers::Outcome as Answer;
use crate::error::{Error, Result};
use crate::jobs::{Level, Next, RunCx};
use crate::many::tell;
use crate::matching::import;
use crate::matching::store::Bound;
use crate::places;
use crate::users::Home;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Findings of one transaction.
const BATCH: usize = 200;

pub fn run(cx: &RunCx) -> Result<()> {
    if cx.next()? != Next::Go {
        return Ok(());
    }
    let actor = cx.actor()?;
    let scope = actor.scope()?;
    let customer = cx.run.customer;
    let (place, site, set_up) = cx.db.read(|db| {
        let place = places::customer(db, &scope, customer)?;
        Ok((place, super::site(db, customer)?, super::of(db, customer)?))
    })?;
    let site =
        site.ok_or_else(|| Error::refused("The customer lives in no directory any more."))?;
    let set_up = set_up.filter(|it| it.environment == site.environment);
    let set_up = set_up.ok_or_else(|| Error::refused("The customer follows no directory."))?;
    let order = Order { app: cx.app, actor: &actor, scope: &scope, site: &site, set_up: &set_up };
    let found = find(&order)?;
    let title = format!("Sync of {} with {}", place.name, site.name);
    let items = leavers(&order, &found);
    if !brake::may_go_on_or(cx, &title, &items, |tx| tell::of_hold(tx, &title, &items))? {
        return Ok(());
    }
    let mut report = Report { cx, line: cx.done()? };
    for batch in found.linked.chunks(BATCH) {
        cx.db.write(actor.by, |tx| {
            let home = Home::of(tx, &scope, customer)?;
            for finding in batch {
                report.tell(tx, &one(&order, &home, finding)?)?;
            }
            Ok(())
        })?;
        crash::at("batch");
        if cx.next()? != Next::Go {
            return Ok(());
        }
    }
    push_all(&order, &found, &mut report)?;
    let newcomers =
        import::Order { app: cx.app, actor: &actor, scope: &scope, site: &site, dry_run: false };
    import::apply(&newcomers, &found.others, |tx, _, row| {
        report.newcomer(tx, row)?;
        Ok(true)
    })?;
    // With what was done before a stop.
    let numbers: BTreeMap<String, i64> = cx.tally()?.into_iter().collect();
    cx.db.write(actor.by, |tx| {
        cx.numbers(tx, &json!(numbers))?;
        let ended = Ended { run: cx.run.id, site: &site, name: &place.name, numbers: &numbers };
        notices::tell(tx, &ended)
    })
}

/// Who is disabled here is disabled there too.
fn push_all(order: &Order, found: &Found, report: &mut Report) -> Result<()> {
    let enabled = found.linked.iter().filter_map(|each| match each {
        Finding::Enabled(of) => Some(of),
        _ => None,
    });
    for of in enabled {
        let row = push(order, of)?;
        order.app.db.write(order.scope.by, |tx| {
            if row.result == Outcome::Pushed {
                let detail = json!({ "directory": order.site.name, "place": of.place });
                audit::record(
                    tx,
                    "user.disabled_there",
                    ("user", of.user.0),
                    order.site.customer,
                    &detail,
                )?;
            }
            report.tell(tx, &row)
        })?;
    }
    Ok(())
}

fn push(order: &Order, of: &Bound) -> Result<RowOut> {
    let mut row = RowOut {
        user_id: of.user,
        name: of.name.clone(),
        result: Outcome::Refused,
        why: String::new(),
    };
    if !order.actor.may::<UsersDisable>() {
        row.why = "Is enabled there and disabled here; disabling needs users.disable.".to_owned();
        return Ok(row);
    }
    let line = order.app.db.read(|db| call::line(db, order.site.connector))?;
    let what = work::Order {
        verb: Verb::Disable,
        params: &Value::Null,
        props: &Map::new(),
        customer: order.site.customer,
        user: Some(of.user),
        dry_run: false,
    };
    match work::perform(order.app, &line, &what).0 {
        Answer::Done(_) | Answer::Already(_) => {
            row.result = Outcome::Pushed;
            row.why = "Was enabled there, and is disabled again.".to_owned();
        }
        Answer::Waits { .. } => {
            row.why = "Is enabled there and disabled here; it answers later.".to_owned();
        }
        Answer::Retry { text, .. } | Answer::Unknown { text } | Answer::Refused { text } => {
            row.why = format!("Is enabled there and disabled here: {text}");
        }
    }
    Ok(row)
}

/// The lines of the run: what changed nothing is not told.
struct Report<'r> {
    cx: &'r RunCx<'r>,
    line: i64,
}

impl Report<'_> {
    fn tell(&mut self, tx: &crate::db::Write, row: &RowOut) -> Result<()> {
        let level = match row.result {
            Outcome::Unchanged => return Ok(()),
            Outcome::Changed | Outcome::Pushed | Outcome::Suspended => Level::Info,
            Outcome::Leaver | Outcome::Outside => Level::Warn,
            Outcome::Refused => Level::Error,
        };
        let text = format!("{}: {}", row.name, row.why);
        self.add(tx, level, row.result.word(), &text, Some(("user", row.user_id.0)))
    }

    fn newcomer(&mut self, tx: &crate::db::Write, row: &import::RowOut) -> Result<()> {
        let level = match row.result {
            import::Outcome::Known => return Ok(()),
            import::Outcome::Refused => Level::Error,
            import::Outcome::Skipped | import::Outcome::Proposed => Level::Warn,
            import::Outcome::Created | import::Outcome::Linked => Level::Info,
        };
        let text = format!("{}: {}", row.name, row.why);
        let subject = row.user_id.map(|id| ("user", id.0));
        self.add(tx, level, row.result.word(), text.trim_end_matches([':', ' ']), subject)
    }

    fn add(
        &mut self,
        tx: &crate::db::Write,
        level: Level,
        result: &str,
        text: &str,
        subject: Option<(&str, i64)>,
    ) -> Result<()> {
        self.line += 1;
        self.cx.unit(tx, self.line, level, result, text, subject)
    }
}
