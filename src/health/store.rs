use crate::db::Read;
use crate::error::Result;
use crate::ids::CredentialId;
use crate::secret::hex;
use crate::time::Instant;
use rusqlite::named_params;

/// Since when the oldest request waits that nobody holds up.
pub fn oldest_waiting(db: &Read) -> Result<Option<Instant>> {
    db.maybe(
        "SELECT created_at FROM requests
          WHERE id = (SELECT min(id) FROM requests WHERE turn = 'ready'
                         AND queue IN (SELECT name FROM queues WHERE paused_at IS NULL))",
        [],
        |row| row.get("created_at"),
    )
}

/// Requests past their end that have not ended, and the first of them.
pub fn overdue_requests(db: &Read) -> Result<(i64, Option<i64>)> {
    db.one(
        "SELECT count(*) AS number, min(id) AS first FROM requests
          WHERE turn <> 'over' AND deadline_at < :now",
        named_params! { ":now": db.now.plus_seconds(-600) },
        |row| Ok((row.get("number")?, row.get("first")?)),
    )
}

/// Mails that wait since before `before`.
pub fn waiting_mails(db: &Read, before: Instant) -> Result<i64> {
    db.value(
        "SELECT count(*) FROM messages
          WHERE state IN ('queued', 'sending', 'held') AND created_at < :before",
        named_params! { ":before": before },
    )
}

/// People who may sign in as administrators of everything.
pub fn administrators(db: &Read) -> Result<i64> {
    db.value(
        "SELECT count(DISTINCT users.id)
           FROM role_grants
           JOIN roles ON roles.id = role_grants.role_id
           JOIN users ON users.id = role_grants.user_id
          WHERE roles.customer_id IS NULL AND roles.name = 'Provider administrator'
            AND role_grants.at_id = 1 AND users.state = 'active'",
        [],
    )
}

/// Secrets of connectors: what each was sealed under, its name, and the sealed texts that still count.
pub fn credentials(db: &Read) -> Result<Vec<(CredentialId, String, Vec<String>)>> {
    db.all(
        "SELECT id, name, sealed, CASE WHEN previous_until > :now THEN previous END AS previous
           FROM credentials WHERE sealed <> '' ORDER BY name, id",
        named_params! { ":now": db.now },
        |row| {
            let texts = [Some(row.get("sealed")?), row.get("previous")?];
            Ok((row.get("id")?, row.get("name")?, texts.into_iter().flatten().collect()))
        },
    )
}

/// Enabled scripts with the digest of the text that was enabled.
pub fn scripts(db: &Read) -> Result<Vec<(String, String)>> {
    db.all("SELECT name, sha256 FROM scripts ORDER BY name", [], |row| {
        Ok((row.get("name")?, hex(&row.get::<_, Vec<u8>>("sha256")?)))
    })
}

/// Jobs that are switched on, were due before `before` and did not run.
pub fn late_jobs(db: &Read, before: Instant) -> Result<Vec<String>> {
    db.all(
        "SELECT label FROM jobs WHERE enabled = 1 AND next_run_at < :before ORDER BY label",
        named_params! { ":before": before },
        |row| row.get("label"),
    )
}

/// Jobs whose last run that ended has failed.
pub fn failing_jobs(db: &Read) -> Result<Vec<String>> {
    db.all(
        "SELECT label FROM jobs
          WHERE enabled = 1
            AND (SELECT state FROM runs WHERE job_id = jobs.id AND ended_at IS NOT NULL
                  ORDER BY id DESC LIMIT 1) = 'failed'
          ORDER BY label",
        [],
        |row| row.get("label"),
    )
}

/// Tokens that work and that nobody used since `since`.
pub fn idle_tokens(db: &Read, since: Instant) -> Result<i64> {
    db.value(
        "SELECT count(*) FROM tokens
          WHERE revoked_at IS NULL AND expires_at > :now
            AND coalesce(last_used_at, created_at) < :since",
        named_params! { ":now": db.now, ":since": since },
    )
}
