use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, EnvironmentId, RunId};
use rusqlite::named_params;
use std::collections::BTreeMap;

/// The sync before this one that came to its end, and what it did.
pub fn last_done(
    db: &Read,
    kind: &str,
    customer: CustomerId,
    before: RunId,
) -> Result<Option<(RunId, BTreeMap<String, i64>)>> {
    db.maybe(
        "SELECT id, numbers FROM runs
          WHERE customer_id = :customer AND kind = :kind AND state = 'done' AND id < :before
          ORDER BY id DESC LIMIT 1",
        named_params! { ":customer": customer, ":kind": kind, ":before": before },
        |row| {
            let numbers: String = row.get("numbers")?;
            Ok((row.get("id")?, serde_json::from_str(&numbers).unwrap_or_default()))
        },
    )
}

/// Who left, by the lines of a run, but for those whom the one before named; 100 at most.
pub fn leavers(db: &Read, run: RunId, last: Option<RunId>) -> Result<Vec<String>> {
    db.all(
        "SELECT text FROM run_lines
          WHERE run_id = :run AND result IN ('leaver', 'suspended')
            AND NOT EXISTS (SELECT 1 FROM run_lines AS told
                             WHERE told.subject_id = run_lines.subject_id AND told.run_id = :last
                               AND told.subject_kind = 'user' AND told.result = 'leaver')
          ORDER BY seq LIMIT 100",
        named_params! { ":run": run, ":last": last },
        |row| row.get("text"),
    )
}

/// How many accounts wait for a decision that nobody was told of; from now on they were.
pub fn tell_of_proposals(
    tx: &Write,
    environment: EnvironmentId,
    customer: CustomerId,
) -> Result<usize> {
    tx.run(
        "UPDATE proposals SET told = 1
          WHERE customer_id = :customer AND environment_id = :environment AND state = 'open' AND told = 0",
        named_params! { ":environment": environment, ":customer": customer },
    )
}
