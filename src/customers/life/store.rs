use crate::auth::Scope;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, DomainId, RequestId, UserId};
use crate::places::State;
use rusqlite::named_params;
use serde_json::Value;

/// The customer and all below it that are in `state`, the higher ones first.
pub fn branch<P>(
    db: &Read,
    scope: &Scope<P>,
    id: CustomerId,
    state: State,
) -> Result<Vec<CustomerId>> {
    db.all(
        "SELECT customers.id FROM customer_tree JOIN customers ON customers.id = below
          WHERE above = :id AND state = :state
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = below
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY depth, customers.id",
        named_params! { ":id": id, ":state": state, ":scope": scope },
        |row| row.get(0),
    )
}

/// Those that were disabled with `id` and still are.
pub fn disabled_through<P>(db: &Read, scope: &Scope<P>, id: CustomerId) -> Result<Vec<CustomerId>> {
    db.all(
        "SELECT id FROM customers
          WHERE disabled_through = :id AND state = 'disabled'
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":id": id, ":scope": scope },
        |row| row.get(0),
    )
}

/// Writes the state, and since when it is so.
pub fn set_state<P>(
    tx: &Write,
    scope: &Scope<P>,
    id: CustomerId,
    state: State,
    through: Option<CustomerId>,
) -> Result<()> {
    tx.change::<i64>(
        "UPDATE customers
            SET state = :state, disabled_through = :through,
                expired_at = iif(:state IN ('active', 'disabled', 'deleted'), NULL, expired_at),
                deprovisioned_at = CASE WHEN :state IN ('active', 'disabled') THEN NULL
                                        WHEN state IN ('active', 'disabled') THEN :now
                                        ELSE deprovisioned_at END,
                deleted_at = iif(:state = 'deleted', :now, NULL),
                version = version + 1, changed_at = :now
          WHERE id = :id
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                           AND scope IN (SELECT value FROM json_each(:scope)))
         RETURNING id",
        named_params! { ":state": state, ":through": through, ":now": tx.now, ":id": id, ":scope": scope },
    )?;
    Ok(())
}

/// The requests that were made for a customer since `parent` are parts of it.
pub fn adopt(tx: &Write, customer: CustomerId, parent: RequestId) -> Result<()> {
    tx.run(
        "UPDATE requests SET parent_id = :parent
          WHERE customer_id = :customer AND id > :parent AND parent_id IS NULL",
        named_params! { ":customer": customer, ":parent": parent },
    )?;
    Ok(())
}

/// Somebody who looks after a customer from above.
pub struct Administrator {
    pub user: UserId,
    pub home: CustomerId,
    pub name: String,
    pub mail: String,
}

/// Those who may enter, but for `but`.
pub fn administrators_above(
    db: &Read,
    customer: CustomerId,
    but: Option<UserId>,
) -> Result<Vec<Administrator>> {
    db.all(
        "SELECT DISTINCT users.id, users.customer_id, display_name, mail
           FROM customer_tree
           JOIN role_grants ON at_id = above
           JOIN roles ON roles.id = role_id AND roles.customer_id IS NULL
                     AND roles.name IN ('Provider administrator', 'Reseller administrator')
           JOIN users ON users.id = role_grants.user_id AND users.state = 'active'
           JOIN customers home ON home.id = users.customer_id AND home.state = 'active'
          WHERE below = :customer AND depth > 0 AND users.id IS NOT :but
            AND (until_on IS NULL OR until_on >= substr(:now, 1, 10))
          ORDER BY users.id LIMIT 50",
        named_params! { ":customer": customer, ":but": but, ":now": db.now },
        administrator,
    )
}

/// Those who administer one of these customers there.
pub fn administrators_at(
    db: &Read,
    customers: &[CustomerId],
    but: Option<UserId>,
) -> Result<Vec<Administrator>> {
    db.all(
        "SELECT DISTINCT users.id, users.customer_id, display_name, mail
           FROM role_grants
           JOIN roles ON roles.id = role_id AND roles.customer_id IS NULL
                     AND roles.name IN ('Provider administrator', 'Reseller administrator')
           JOIN users ON users.id = role_grants.user_id AND users.state = 'active'
          WHERE at_id IN (SELECT value FROM json_each(:customers)) AND users.id IS NOT :but
            AND (until_on IS NULL OR until_on >= substr(:now, 1, 10))
          ORDER BY users.id LIMIT 50",
        named_params! {
            ":customers": serde_json::to_string(customers)?, ":but": but, ":now": db.now,
        },
        administrator,
    )
}

/// Whoever made a customer, if they may still enter.
pub fn maker(db: &Read, customer: CustomerId) -> Result<Option<Administrator>> {
    db.maybe(
        "SELECT users.id, users.customer_id, display_name, mail
           FROM customers JOIN users ON users.id = customers.created_by AND users.state = 'active'
          WHERE customers.id = ?1",
        [customer],
        administrator,
    )
}

fn administrator(row: &rusqlite::Row) -> rusqlite::Result<Administrator> {
    Ok(Administrator {
        user: row.get("id")?,
        home: row.get("customer_id")?,
        name: row.get("display_name")?,
        mail: row.get("mail")?,
    })
}

pub fn home(db: &Read, user: Option<UserId>) -> Result<CustomerId> {
    db.value("SELECT coalesce((SELECT customer_id FROM users WHERE id = ?1), 1)", [user])
}

/// How many below live, and the names of three.
pub fn living_below(db: &Read, id: CustomerId) -> Result<(i64, Vec<String>)> {
    let names = db.all(
        "SELECT name FROM customer_tree JOIN customers ON customers.id = below
          WHERE above = ?1 AND depth > 0 AND state IN ('active', 'disabled')
          ORDER BY name COLLATE NOCASE",
        [id],
        |row| row.get::<_, String>(0),
    )?;
    let n = i64::try_from(names.len()).unwrap_or(i64::MAX);
    Ok((n, names.into_iter().take(3).collect()))
}

pub fn undeleted_below(db: &Read, id: CustomerId) -> Result<i64> {
    db.value(
        "SELECT count(*) FROM customer_tree JOIN customers ON customers.id = below
          WHERE above = ?1 AND depth > 0 AND state NOT IN ('deleted', 'purged')",
        [id],
    )
}

/// Requests of the customer and of all below it that have not ended, five at most.
pub fn open_requests(db: &Read, id: CustomerId) -> Result<Vec<i64>> {
    db.all(
        "SELECT requests.id
           FROM customer_tree JOIN requests ON requests.customer_id = below AND turn <> 'over'
          WHERE above = ?1
          ORDER BY requests.id LIMIT 5",
        [id],
        |row| row.get(0),
    )
}

/// Users that are active, and those that are disabled.
pub fn living_users(db: &Read, id: CustomerId) -> Result<(Vec<UserId>, Vec<UserId>)> {
    let of = |state: &str| {
        db.all(
            "SELECT id FROM users WHERE customer_id = :customer AND state = :state ORDER BY id",
            named_params! { ":customer": id, ":state": state },
            |row| row.get(0),
        )
    };
    Ok((of("active")?, of("disabled")?))
}

/// Nobody of the customer may enter by anything any more.
pub fn end_users(tx: &Write, id: CustomerId) -> Result<()> {
    tx.run(
        "UPDATE tokens SET revoked_at = :now
          WHERE revoked_at IS NULL AND user_id IN (SELECT id FROM users WHERE customer_id = :customer)",
        named_params! { ":now": tx.now, ":customer": id },
    )?;
    tx.run(
        "UPDATE users
            SET state = 'deprovisioned', epoch = epoch + 1, version = version + 1, changed_at = :now
          WHERE customer_id = :customer AND state IN ('active', 'disabled')",
        named_params! { ":now": tx.now, ":customer": id },
    )?;
    Ok(())
}

/// Users as they were remembered, unless somebody did something else with them meanwhile; says who
/// came back.
pub fn return_users(
    tx: &Write,
    id: CustomerId,
    active: &[UserId],
    disabled: &[UserId],
) -> Result<Vec<UserId>> {
    let mut back = Vec::new();
    for (state, users) in [(State::Active, active), (State::Disabled, disabled)] {
        back.extend(tx.all(
            "UPDATE users SET state = :state, version = version + 1, changed_at = :now
              WHERE customer_id = :customer AND state = 'deprovisioned'
                AND id IN (SELECT value FROM json_each(:users))
             RETURNING id",
            named_params! {
                ":state": state, ":now": tx.now, ":customer": id, ":users": serde_json::to_string(users)?,
            },
            |row| row.get::<_, UserId>(0),
        )?);
    }
    back.sort_unstable();
    Ok(back)
}

/// What rating reads of a user.
pub fn user_facts(db: &Read, id: UserId) -> Result<Value> {
    let text: String = db.value(
        "SELECT json_object('disabled', json(iif(state = 'disabled', 'true', 'false')),
                            'test_user', json(iif(test_user, 'true', 'false')),
                            'roles', (SELECT json_group_array(name)
                                        FROM (SELECT DISTINCT roles.name FROM role_grants
                                                JOIN roles ON roles.id = role_id
                                               WHERE user_id = users.id ORDER BY roles.name)))
           FROM users WHERE id = ?1",
        [id],
    )?;
    Ok(serde_json::from_str(&text)?)
}

pub fn owned_domains(db: &Read, id: CustomerId) -> Result<Vec<DomainId>> {
    db.all("SELECT id FROM domains WHERE customer_id = ?1 ORDER BY id", [id], |row| row.get(0))
}

/// Domains that it uses and that nobody at or above it owns any more.
pub fn unshared(db: &Read, id: CustomerId) -> Result<Vec<String>> {
    db.all(
        "SELECT domains.name
           FROM customer_domains JOIN domains ON domains.id = domain_id
          WHERE customer_domains.customer_id = ?1
            AND domains.customer_id NOT IN (SELECT above FROM customer_tree WHERE below = ?1)
          ORDER BY domains.name",
        [id],
        |row| row.get(0),
    )
}

pub fn remember(tx: &Write, id: CustomerId, memory: &str) -> Result<()> {
    tx.run(
        "INSERT OR REPLACE INTO customer_memories (customer_id, at, memory) VALUES (:id, :now, :memory)",
        named_params! { ":id": id, ":now": tx.now, ":memory": memory },
    )?;
    Ok(())
}

pub fn memory(db: &Read, id: CustomerId) -> Result<String> {
    db.value("SELECT memory FROM customer_memories WHERE customer_id = ?1", [id])
}

pub fn forget(tx: &Write, id: CustomerId) -> Result<()> {
    tx.run("DELETE FROM customer_memories WHERE customer_id = ?1", [id])?;
    Ok(())
}

/// Why a deleted customer has no exit kit that was made since; none where it has one.
pub fn why_no_kit(db: &Read, id: CustomerId) -> Result<Option<String>> {
    let kit: bool = db.value(
        "SELECT EXISTS (SELECT 1 FROM exit_kits JOIN customers ON customers.id = customer_id
                         WHERE customer_id = ?1 AND made_at >= deleted_at)",
        [id],
    )?;
    if kit {
        return Ok(None);
    }
    let last = db.maybe(
        "SELECT runs.state, error FROM runs
          WHERE customer_id = ?1 AND kind = 'customers.export' ORDER BY id DESC LIMIT 1",
        [id],
        |row| Ok((row.get::<_, String>("state")?, row.get::<_, String>("error")?)),
    )?;
    Ok(Some(match last {
        Some((state, error)) if state == "failed" => error.trim_end_matches('.').to_owned(),
        Some((state, _)) if state == "queued" || state == "running" => {
            "it is still being made".to_owned()
        }
        _ => "none was made".to_owned(),
    }))
}

/// Everything personal goes: names and domains are free again, the code is not.
pub fn erase(tx: &Write, id: CustomerId) -> Result<()> {
    for statement in ERASE {
        tx.run(statement, named_params! { ":id": id })?;
    }
    tx.change::<i64>(
        "UPDATE customers
            SET state = 'purged', disabled_through = NULL, contact_name = '', contact_email = '', phone = '',
                fax = '', website = '', street = '', city = '', region = '', postcode = '', coordinates = '',
                links = '[]', rank = '', tags = '[]', notes = '', external_id = NULL, tax_id = '',
                registration_no = '', invoice_email = '', invoice_address = '', po_reference = '',
                expired_at = NULL, version = version + 1, changed_at = :now
          WHERE id = :id RETURNING id",
        named_params! { ":id": id, ":now": tx.now },
    )?;
    tx.run(
        "UPDATE audit_log SET detail = '{}' WHERE subject_kind = 'customer' AND subject_id = :id AND detail <> '{}'",
        named_params! { ":id": id },
    )?;
    Ok(())
}

/// In this order: what points goes before what it points at.
const ERASE: &[&str] = &[
    "DELETE FROM customer_memories WHERE customer_id = :id",
    "DELETE FROM customer_reminders WHERE customer_id = :id",
    "DELETE FROM customer_settings WHERE customer_id = :id",
    "DELETE FROM user_memories WHERE customer_id = :id",
    "DELETE FROM devices WHERE customer_id = :id",
    "DELETE FROM user_photos WHERE user_id IN (SELECT users.id FROM users WHERE users.customer_id = :id)",
    "UPDATE offboarding_steps SET params = '{}', result = '', found = ''
      WHERE offboarding_id IN (SELECT offboardings.id FROM offboardings WHERE offboardings.customer_id = :id)",
    "DELETE FROM messages WHERE customer_id = :id",
    "DELETE FROM messages
      WHERE id IN (SELECT theirs.id FROM users CROSS JOIN messages theirs ON theirs.user_id = users.id
                    WHERE users.customer_id = :id)",
    "DELETE FROM uploads WHERE customer_id = :id",
    "DELETE FROM views WHERE customer_id = :id",
    "DELETE FROM pins WHERE customer_id = :id",
    "DELETE FROM previews WHERE customer_id = :id",
    "DELETE FROM run_lines WHERE run_id IN (SELECT runs.id FROM runs WHERE runs.customer_id = :id)",
    "UPDATE runs SET input = '{}', error = '' WHERE customer_id = :id",
    "UPDATE requests SET title = event, reason = '', version = version + 1 WHERE customer_id = :id",
    "DELETE FROM step_attempts
      WHERE step_id IN (SELECT steps.id FROM requests JOIN steps ON request_id = requests.id
                         WHERE requests.customer_id = :id)",
    "UPDATE steps SET title = key, params = '{}', outputs = '{}', error = ''
      WHERE request_id IN (SELECT requests.id FROM requests WHERE requests.customer_id = :id)",
    "DELETE FROM property_values WHERE reseller_id = :id",
    "DELETE FROM property_values
      WHERE customer_service_id IN (SELECT held.id FROM customer_services held WHERE held.customer_id = :id)",
    "DELETE FROM property_values
      WHERE user_service_id IN (SELECT held.id FROM user_services held WHERE held.customer_id = :id)",
    "DELETE FROM role_grants WHERE at_id = :id",
    "DELETE FROM role_grants WHERE user_id IN (SELECT users.id FROM users WHERE users.customer_id = :id)",
    "UPDATE sign_ins SET name = '', address = '', browser = '', user_id = NULL
      WHERE user_id IN (SELECT users.id FROM users WHERE users.customer_id = :id)",
    "DELETE FROM sessions WHERE user_id IN (SELECT users.id FROM users WHERE users.customer_id = :id)",
    "DELETE FROM links WHERE user_id IN (SELECT users.id FROM users WHERE users.customer_id = :id)",
    "DELETE FROM tokens WHERE user_id IN (SELECT users.id FROM users WHERE users.customer_id = :id)",
    "DELETE FROM tokens WHERE at_id = :id",
    "DELETE FROM factors WHERE user_id IN (SELECT users.id FROM users WHERE users.customer_id = :id)",
    "DELETE FROM password_history WHERE user_id IN (SELECT users.id FROM users WHERE users.customer_id = :id)",
    "DELETE FROM verifications WHERE user_id IN (SELECT users.id FROM users WHERE users.customer_id = :id)",
    "DELETE FROM known_browsers WHERE user_id IN (SELECT users.id FROM users WHERE users.customer_id = :id)",
    "DELETE FROM user_expiry_notices WHERE user_id IN (SELECT users.id FROM users WHERE users.customer_id = :id)",
    "DELETE FROM custom_values WHERE customer_id = :id",
    "DELETE FROM custom_values
      WHERE property_id IN (SELECT own.id FROM custom_properties own WHERE own.customer_id = :id)",
    "DELETE FROM custom_values
      WHERE person_id IN (SELECT users.id FROM users WHERE users.customer_id = :id)",
    "DELETE FROM custom_properties WHERE customer_id = :id",
    "DELETE FROM user_templates WHERE customer_id = :id",
    "DELETE FROM customer_contacts WHERE customer_id = :id",
    "DELETE FROM idempotency_keys WHERE user_id IN (SELECT users.id FROM users WHERE users.customer_id = :id)",
    "DELETE FROM user_external_emails WHERE customer_id = :id",
    "DELETE FROM user_external_ids WHERE customer_id = :id",
    "UPDATE users
        SET state = 'purged', upn = NULL, mail = NULL, username = '', first_name = '', last_name = '',
            display_name = 'Erased user', recovery_email = '', recovery_proven = 0, manager_id = NULL,
            department_id = NULL, location_id = NULL, office = '', job_title = '', company = '',
            description = '', employee_id = '', employee_type = '', cost_centre = '', phone = '', mobile = '',
            home_phone = '', fax = '', pager = '', ip_phone = '', street = '', po_box = '', city = '',
            region = '', postcode = '', country = '', usage_location = '', web_page = '', notes = '',
            main_contact = 0, password_hash = NULL, password_set_at = NULL, last_sign_in_at = NULL,
            epoch = epoch + 1, version = version + 1
      WHERE customer_id = :id",
    "UPDATE audit_log SET detail = '{}' WHERE customer_id = :id AND subject_kind = 'user' AND detail <> '{}'",
    "DELETE FROM user_names WHERE customer_id = :id",
    "DELETE FROM departments WHERE customer_id = :id",
    "DELETE FROM customer_locations WHERE customer_id = :id",
    "DELETE FROM customer_domains WHERE customer_id = :id",
    "DELETE FROM customer_domains
      WHERE domain_id IN (SELECT domains.id FROM domains WHERE domains.customer_id = :id)",
    "DELETE FROM domains WHERE customer_id = :id",
];
