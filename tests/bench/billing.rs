//! A month's bills computed anew, against one statement that only adds up the same rows.

use crate::goals::{Goals, short};
use crate::machine::{Times, resident};
use crate::store::{Store, sql};
use portico::auth::Scope;
use portico::auth::permissions::BillingRun;
use portico::billing::{periods, recalculate};
use portico::db::Via;

const AGGREGATE: &str = "SELECT count(*) FROM (
     SELECT customer_id, kind, service, plan, sum(quantity), max(facts)
       FROM ledger_spans
      WHERE begins_at < :end AND ends_at > :start
      GROUP BY customer_id, kind, service, plan)";

pub fn period(goals: &mut Goals, store: &Store) {
    let db = &store.app.db;
    let period = db.read(|db| Ok(periods::all(db)?.pop())).unwrap().unwrap().period;
    let raw = sql(&store.folder.join("portico.db"));
    let forget = || raw.execute_batch("DELETE FROM summary_lines; DELETE FROM bills").unwrap();
    let (start, end) = (period.starts_on.to_string(), format!("{}T24", period.ends_on));
    let (mut bare, mut whole) = (Times::default(), Times::default());
    let mut lines = 0;
    let before = resident(std::process::id());
    for _ in 0..2 {
        forget();
        bare.work(|| {
            let params = rusqlite::named_params! { ":start": start, ":end": end };
            raw.query_row(AGGREGATE, params, |row| row.get::<_, i64>(0)).unwrap()
        });
        let done = whole
            .work(|| recalculate(db, &Scope::<BillingRun>::of_system(Via::Job), &period).unwrap());
        lines = done.lines;
    }
    let after = resident(std::process::id());
    forget();
    let count = |table| {
        raw.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    let what = format!(
        "a period of {} assignments, {} users / one aggregate ({} / {} ms)",
        count("user_services"),
        count("users"),
        short(whole.within(0.0)),
        short(bare.within(0.0)),
    );
    goals.at_most(&what, 3.0, "", whole.within(0.0) / bare.within(0.0));
    goals.fact("lines of bills", &lines.to_string());
    goals.at_most("memory for it", 64.0, " MiB", after - before);
}
