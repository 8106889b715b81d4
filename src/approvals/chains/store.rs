use super::{Chain, Draft, Verb};
use crate::approvals::Matter;
use crate::auth::Scope;
use crate::auth::permissions::ApprovalsWrite;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{ChainId, CustomerId, ServiceId, UserId};
use crate::web::Paging;
use rusqlite::{Row, named_params};

pub fn matching(db: &Read, matter: &Matter) -> Result<Vec<Chain>> {
    db.all(
        "SELECT chains.id, chains.customer_id, '' AS customer_name, chains.name, position, kind, levels, needed, verbs, whose,
                remind_days, reject_days, enabled, version
           FROM customer_tree JOIN chains ON chains.customer_id = above
          WHERE below = :customer AND enabled
            AND EXISTS (SELECT 1 FROM settings WHERE key = 'approvals' AND value = 'on')
            AND EXISTS (SELECT 1 FROM customer_settings
                         WHERE customer_settings.customer_id = :customer AND key = 'approvals' AND value = 'yes')
            AND EXISTS (SELECT 1 FROM json_each(verbs) WHERE json_each.value = :verb)
            AND (:service IS NULL
              OR NOT EXISTS (SELECT 1 FROM chain_services WHERE chain_id = chains.id)
              OR EXISTS (SELECT 1 FROM chain_services WHERE chain_id = chains.id AND service_id = :service))
            AND CASE whose WHEN 'staff' THEN :home = :customer
                     ELSE EXISTS (SELECT 1 FROM customer_tree AS home
                                   WHERE home.above = chains.customer_id AND home.below = :home) END
          ORDER BY depth, position, chains.id LIMIT 20",
        named_params! {
            ":customer": matter.customer, ":verb": matter.verb, ":service": matter.service,
            ":home": matter.home,
        },
        chain,
    )
}

pub fn members(db: &Read, chain: ChainId) -> Result<Vec<UserId>> {
    db.all(
        "SELECT user_id FROM chain_members JOIN users ON users.id = user_id
          WHERE chain_id = ?1 AND state = 'active' ORDER BY user_id",
        [chain],
        |row| row.get("user_id"),
    )
}

pub fn services(db: &Read, chain: ChainId) -> Result<Vec<String>> {
    db.all(
        "SELECT code FROM chain_services JOIN services ON services.id = service_id
          WHERE chain_id = ?1 ORDER BY code",
        [chain],
        |row| row.get("code"),
    )
}

/// The services there are, as they can be ticked.
pub fn all_services(db: &Read) -> Result<Vec<(String, String)>> {
    db.all(
        "SELECT code, name FROM services WHERE state = 'active' ORDER BY name COLLATE NOCASE LIMIT 200",
        [],
        |row| Ok((row.get("code")?, row.get("name")?)),
    )
}

pub fn service(db: &Read, code: &str) -> Result<Option<ServiceId>> {
    db.maybe("SELECT id FROM services WHERE code = ?1", [code], |row| row.get("id"))
}

pub fn page(db: &Read, scope: &Scope<ApprovalsWrite>, paging: &Paging) -> Result<Vec<Chain>> {
    db.all(
        "SELECT chains.id, chains.customer_id, customers.name AS customer_name, chains.name, position, kind, levels, needed,
                verbs, whose, remind_days, reject_days, enabled, chains.version
           FROM chains JOIN customers ON customers.id = chains.customer_id
          WHERE chains.id > :after
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = chains.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY chains.id LIMIT :most",
        named_params! { ":scope": scope, ":after": paging.id(), ":most": paging.fetch() },
        chain,
    )
}

pub fn of_customer(
    db: &Read,
    scope: &Scope<ApprovalsWrite>,
    customer: CustomerId,
) -> Result<Vec<Chain>> {
    db.all(
        "SELECT chains.id, chains.customer_id, customers.name AS customer_name, chains.name, position, kind, levels, needed,
                verbs, whose, remind_days, reject_days, enabled, chains.version
           FROM chains JOIN customers ON customers.id = chains.customer_id
          WHERE chains.customer_id = :customer
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = chains.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY position, chains.id LIMIT 100",
        named_params! { ":scope": scope, ":customer": customer },
        chain,
    )
}

pub fn one(db: &Read, scope: &Scope<ApprovalsWrite>, id: ChainId) -> Result<Chain> {
    db.one(
        "SELECT chains.id, chains.customer_id, customers.name AS customer_name, chains.name, position, kind, levels, needed,
                verbs, whose, remind_days, reject_days, enabled, chains.version
           FROM chains JOIN customers ON customers.id = chains.customer_id
          WHERE chains.id = :id
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = chains.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":scope": scope, ":id": id },
        chain,
    )
}

fn chain(row: &Row) -> rusqlite::Result<Chain> {
    let verbs: String = row.get("verbs")?;
    Ok(Chain {
        id: row.get("id")?,
        customer_id: row.get("customer_id")?,
        customer_name: row.get("customer_name")?,
        name: row.get("name")?,
        position: row.get("position")?,
        kind: row.get("kind")?,
        levels: row.get("levels")?,
        needed: row.get("needed")?,
        verbs: serde_json::from_str::<Vec<Verb>>(&verbs).unwrap_or_default(),
        whose: row.get("whose")?,
        remind_days: row.get("remind_days")?,
        reject_days: row.get("reject_days")?,
        enabled: row.get("enabled")?,
        version: row.get("version")?,
        services: Vec::new(),
        members: Vec::new(),
    })
}

pub fn insert(tx: &Write, customer: CustomerId, draft: &Draft) -> Result<ChainId> {
    tx.change(
        "INSERT INTO chains (customer_id, name, position, kind, levels, needed, verbs, whose, remind_days, reject_days, enabled)
         VALUES (:customer, :name, :position, :kind, :levels, :needed, :verbs, :whose, :remind, :reject, :enabled)
         RETURNING id",
        named_params! {
            ":customer": customer, ":name": draft.name, ":position": draft.position, ":kind": draft.kind,
            ":levels": draft.levels, ":needed": draft.needed, ":verbs": serde_json::to_string(&draft.verbs)?,
            ":whose": draft.whose, ":remind": draft.remind_days, ":reject": draft.reject_days,
            ":enabled": draft.enabled,
        },
    )
}

pub fn update(tx: &Write, id: ChainId, draft: &Draft) -> Result<ChainId> {
    tx.change(
        "UPDATE chains
            SET name = :name, position = :position, kind = :kind, levels = :levels, needed = :needed, verbs = :verbs,
                whose = :whose, remind_days = :remind, reject_days = :reject, enabled = :enabled, version = version + 1
          WHERE id = :id RETURNING id",
        named_params! {
            ":id": id, ":name": draft.name, ":position": draft.position, ":kind": draft.kind,
            ":levels": draft.levels, ":needed": draft.needed, ":verbs": serde_json::to_string(&draft.verbs)?,
            ":whose": draft.whose, ":remind": draft.remind_days, ":reject": draft.reject_days,
            ":enabled": draft.enabled,
        },
    )
}

pub fn clear(tx: &Write, id: ChainId) -> Result<usize> {
    tx.run("DELETE FROM chain_members WHERE chain_id = ?1", [id])?;
    tx.run("DELETE FROM chain_services WHERE chain_id = ?1", [id])
}

pub fn add_member(tx: &Write, id: ChainId, user: UserId) -> Result<usize> {
    tx.run("INSERT OR IGNORE INTO chain_members (chain_id, user_id) VALUES (?1, ?2)", (id, user))
}

pub fn add_service(tx: &Write, id: ChainId, service: ServiceId) -> Result<usize> {
    tx.run(
        "INSERT OR IGNORE INTO chain_services (chain_id, service_id) VALUES (?1, ?2)",
        (id, service),
    )
}

/// Whoever joins a group is asked about what waits for it; whoever ordered that is not.
pub fn ask_new_members(tx: &Write, id: ChainId) -> Result<usize> {
    tx.run(
        "INSERT OR IGNORE INTO votes (approval_id, user_id)
         SELECT approvals.id, chain_members.user_id
           FROM approvals JOIN requests ON requests.id = request_id
                JOIN chains ON chains.id = approvals.chain_id AND kind = 'group'
                JOIN chain_members ON chain_members.chain_id = approvals.chain_id
          WHERE approvals.chain_id = ?1 AND approvals.state IN ('open', 'later')
            AND requests.by_id IS NOT chain_members.user_id",
        [id],
    )
}

pub fn delete(tx: &Write, id: ChainId) -> Result<usize> {
    tx.run("DELETE FROM chains WHERE id = ?1", [id])
}

pub fn switch(tx: &Write, customer: CustomerId, on: bool) -> Result<usize> {
    if !on {
        return tx.run(
            "DELETE FROM customer_settings WHERE customer_id = ?1 AND key = 'approvals'",
            [customer],
        );
    }
    tx.run(
        "INSERT INTO customer_settings (customer_id, key, value, changed_at, changed_by)
         VALUES (:customer, 'approvals', 'yes', :now, :by)
         ON CONFLICT DO UPDATE SET changed_at = excluded.changed_at, changed_by = excluded.changed_by",
        named_params! { ":customer": customer, ":now": tx.now, ":by": tx.by.user },
    )
}
