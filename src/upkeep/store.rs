//! What goes when: one statement a class, each removing a bounded number of rows.

use crate::db::Write;
use crate::error::Result;
use rusqlite::named_params;

/// Something that is kept for so many days.
pub struct Class {
    pub words: &'static str,
    days: i64,
    statement: &'static str,
}

pub const CLASSES: &[Class] = &[
    Class {
        words: "answers to repeated writes",
        days: 1,
        statement: "DELETE FROM idempotency_keys WHERE (user_id, key) IN
                      (SELECT user_id, key FROM idempotency_keys WHERE at < :before LIMIT :most)",
    },
    Class {
        words: "uploaded files",
        days: 7,
        // What is held is read when it is let go.
        statement: "DELETE FROM uploads WHERE id IN
                      (SELECT id FROM uploads WHERE at < :before
                          AND NOT EXISTS (SELECT 1 FROM brake_holds CROSS JOIN runs ON runs.id = run_id
                                           WHERE brake_holds.state = 'held' AND brake_holds.id > 0
                                             AND json_extract(input, '$.upload') = uploads.id) LIMIT :most)",
    },
    Class {
        words: "plans that nobody applied",
        days: 1,
        statement: "DELETE FROM previews WHERE id IN
                      (SELECT id FROM previews WHERE expires_at < :before AND state <> 'applied' LIMIT :most)",
    },
    Class {
        words: "tries at the door",
        days: 180,
        statement: "DELETE FROM sign_ins WHERE id IN (SELECT id FROM sign_ins WHERE at < :before LIMIT :most)",
    },
    Class {
        words: "ended sign-ins",
        days: 7,
        statement: "DELETE FROM sessions WHERE hash IN
                      (SELECT hash FROM sessions WHERE last_seen_at < :before LIMIT :most)",
    },
    Class {
        words: "browsers nobody came back with",
        days: 366,
        statement: "DELETE FROM known_browsers WHERE (user_id, hash) IN
                      (SELECT user_id, hash FROM known_browsers WHERE last_seen_at < :before LIMIT :most)",
    },
    Class {
        words: "links past their end",
        days: 7,
        statement: "DELETE FROM links WHERE hash IN (SELECT hash FROM links WHERE expires_at < :before LIMIT :most)",
    },
    Class {
        words: "mails",
        days: 400,
        statement: "DELETE FROM messages WHERE id IN
                      (SELECT id FROM messages WHERE created_at < :before
                          AND state NOT IN ('queued', 'sending', 'held') LIMIT :most)",
    },
    Class {
        words: "settled differences of directories",
        days: 90,
        statement: "DELETE FROM drift WHERE id IN
                      (SELECT id FROM drift WHERE state = 'settled' AND decided_at < :before LIMIT :most)",
    },
    Class {
        words: "runs",
        days: 90,
        statement: "DELETE FROM runs WHERE id IN
                      (SELECT id FROM runs WHERE ended_at < :before AND state <> 'failed'
                          AND NOT EXISTS (SELECT 1 FROM requests WHERE run_id = runs.id) LIMIT :most)",
    },
];

/// Removes up to `most` rows of a class; says how many went.
pub fn clear(tx: &Write, class: &Class, most: i64) -> Result<i64> {
    let gone = tx.run(
        class.statement,
        named_params! { ":before": tx.now.plus_days(-class.days), ":most": most },
    )?;
    Ok(i64::try_from(gone).unwrap_or(most))
}
