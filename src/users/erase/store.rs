//! Where a person's data lies, and how it goes.

use super::User;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::UserId;
use crate::time::Instant;
use rusqlite::named_params;

/// Those in the bin since before that moment, the longest first.
pub fn due(db: &Read, before: Instant, most: i64) -> Result<Vec<UserId>> {
    db.all(
        "SELECT id FROM users WHERE state = 'deleted' AND deleted_at <= :before ORDER BY deleted_at LIMIT :most",
        named_params! { ":before": before, ":most": most },
        |row| row.get("id"),
    )
}

/// Empties the user's own row and drops what hangs from it.
pub fn forget(tx: &Write, user: &User) -> Result<()> {
    let id = user.id;
    tx.run(
        "UPDATE users
            SET state = 'purged', upn = NULL, mail = NULL, username = '', first_name = '', last_name = '',
                display_name = 'User ' || id, recovery_email = '', recovery_proven = 0, manager_id = NULL,
                department_id = NULL, location_id = NULL, office = '', job_title = '', company = '',
                description = '', employee_id = '', employee_type = '', cost_centre = '', phone = '', mobile = '',
                home_phone = '', fax = '', pager = '', ip_phone = '', street = '', po_box = '', city = '',
                region = '', postcode = '', country = '', usage_location = '', web_page = '', notes = '',
                language = '', time_zone = '', expires_on = NULL, main_contact = 0, password_hash = NULL,
                password_set_at = NULL, last_sign_in_at = NULL, epoch = epoch + 1, version = version + 1,
                changed_at = :now
          WHERE id = :id",
        named_params! { ":id": id, ":now": tx.now },
    )?;
    tx.run("DELETE FROM user_names WHERE user_id = ?1", [id])?;
    tx.run("DELETE FROM user_external_emails WHERE user_id = ?1", [id])?;
    tx.run("DELETE FROM user_external_ids WHERE user_id = ?1", [id])?;
    tx.run("DELETE FROM user_memories WHERE user_id = ?1", [id])?;
    tx.run(
        "UPDATE offboarding_steps SET params = '{}', result = '', found = ''
          WHERE offboarding_id IN (SELECT offboardings.id FROM offboardings WHERE offboardings.user_id = ?1)",
        [id],
    )?;
    tx.run("DELETE FROM custom_values WHERE user_id = ?1", [id])?;
    tx.run("DELETE FROM user_photos WHERE user_id = ?1", [id])?;
    tx.run("DELETE FROM devices WHERE user_id = ?1", [id])?;
    tx.run("DELETE FROM user_expiry_notices WHERE user_id = ?1", [id])?;
    tx.run("DELETE FROM sessions WHERE user_id = ?1", [id])?;
    tx.run("DELETE FROM links WHERE user_id = ?1", [id])?;
    tx.run("DELETE FROM tokens WHERE user_id = ?1", [id])?;
    tx.run("DELETE FROM sign_ins WHERE user_id = ?1", [id])?;
    tx.run("DELETE FROM idempotency_keys WHERE user_id = ?1", [id])?;
    tx.run("DELETE FROM previews WHERE user_id = ?1", [id])?;
    tx.run("DELETE FROM uploads WHERE user_id = ?1", [id])?;
    tx.run("DELETE FROM views WHERE user_id = ?1", [id])?;
    tx.run("DELETE FROM pins WHERE user_id = ?1", [id])?;
    Ok(())
}

/// Empties what was written about the user elsewhere. `said` is what they were called.
pub fn forget_elsewhere(tx: &Write, user: &User, said: &[String]) -> Result<()> {
    let id = user.id;
    tx.run(
        "UPDATE messages SET to_address = '', to_name = '', subject = 'Erased', text = '', html = '', secret = NULL,
                             answer = '', state = iif(state IN ('queued', 'sending', 'held'), 'cancelled', state)
          WHERE user_id = ?1",
        [id],
    )?;
    tx.run(
        "UPDATE requests SET title = event || ' of user ' || user_id, reason = iif(reason = '', '', 'Erased')
          WHERE user_id = ?1",
        [id],
    )?;
    tx.run(
        "UPDATE steps SET params = '{}', outputs = '{}', error = iif(error = '', '', 'Erased')
          WHERE request_id IN (SELECT id FROM requests WHERE user_id = ?1)",
        [id],
    )?;
    tx.run(
        "UPDATE step_attempts SET log = ''
          WHERE step_id IN (SELECT steps.id FROM requests CROSS JOIN steps ON request_id = requests.id
                             WHERE user_id = ?1)",
        [id],
    )?;
    tx.run(
        "UPDATE run_lines SET text = 'User ' || subject_id WHERE subject_kind = 'user' AND subject_id = ?1",
        [id],
    )?;
    tx.run(
        "UPDATE audit_log SET detail = '{\"erased\":true}' WHERE subject_kind = 'user' AND subject_id = ?1",
        [id],
    )?;
    for text in said {
        tx.run(
            "DELETE FROM previews WHERE customer_id = :customer AND (instr(document, :text) > 0 OR instr(input, :text) > 0)",
            named_params! { ":customer": user.customer, ":text": text },
        )?;
        tx.run(
            "DELETE FROM uploads WHERE customer_id = :customer AND instr(bytes, CAST(:text AS BLOB)) > 0",
            named_params! { ":customer": user.customer, ":text": text },
        )?;
        tx.run(
            "DELETE FROM idempotency_keys WHERE at >= :since AND instr(body, :text) > 0",
            named_params! { ":since": user.created_at, ":text": text },
        )?;
    }
    Ok(())
}
