//! The statements of this module.
use super::Planned;
use crate::auth::Scope;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, GrantId, PlanId, ServiceId, UserId};
use crate::places::State;
use rusqlite::named_params;

/// Where a customer might be moved to.
pub struct Place {
    pub name: String,
    pub state: State,
    pub reseller: bool,
    pub provider: bool,
}

pub fn place(db: &Read, id: CustomerId) -> Result<Place> {
    db.one(
        "SELECT name, state, reseller, parent_id IS NULL AS provider FROM customers WHERE id = ?1",
        [id],
        |row| {
            Ok(Place {
                name: row.get("name")?,
                state: row.get("state")?,
                reseller: row.get("reseller")?,
                provider: row.get("provider")?,
            })
        },
    )
}

/// Active resellers below whom the scope reaches, and the provider; not where it is already.
pub fn targets<P>(
    db: &Read,
    scope: &Scope<P>,
    id: CustomerId,
) -> Result<Vec<(CustomerId, String)>> {
    db.all(
        "SELECT id, name FROM customers
          WHERE id IN (SELECT 1 UNION ALL SELECT id FROM customers WHERE reseller = 1) AND state = 'active'
            AND id <> (SELECT moved.parent_id FROM customers moved WHERE moved.id = :id)
            AND NOT EXISTS (SELECT 1 FROM customer_tree WHERE above = :id AND below = customers.id)
            AND EXISTS (SELECT 1 FROM customer_tree JOIN json_each(:scope) ON value IN (above * 4 + 2, above * 4 + 3)
                         WHERE below = customers.id)
          ORDER BY parent_id IS NOT NULL, name COLLATE NOCASE LIMIT 500",
        named_params! { ":id": id, ":scope": scope },
        |row| Ok((row.get("id")?, row.get("name")?)),
    )
}

pub fn lies_below(db: &Read, id: CustomerId, above: CustomerId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM customer_tree WHERE above = ?1 AND below = ?2)",
        (above, id),
    )
}

/// How many levels there are from the customer down, itself included.
pub fn height(db: &Read, id: CustomerId) -> Result<i64> {
    db.value("SELECT max(depth) + 1 FROM customer_tree WHERE above = ?1", [id])
}

/// The customer and all below it.
pub fn branch(db: &Read, id: CustomerId) -> Result<Vec<CustomerId>> {
    db.all("SELECT below FROM customer_tree WHERE above = ?1 ORDER BY depth, below", [id], |row| {
        row.get(0)
    })
}

/// A plan by its codes, with its level.
pub fn plan(db: &Read, service: &str, code: &str) -> Result<Option<(PlanId, String)>> {
    db.maybe(
        "SELECT plans.id, level FROM plans JOIN services ON services.id = service_id
          WHERE services.code = ?1 AND plans.code = ?2",
        (service, code),
        |row| Ok((row.get("id")?, row.get("level")?)),
    )
}

/// A domain of somebody outside the branch that names in it are on, or the only one that somebody has.
pub struct Foreign {
    pub domain: String,
    pub owner: String,
    pub users: i64,
}

pub fn foreign_domains(db: &Read, id: CustomerId, target: CustomerId) -> Result<Vec<Foreign>> {
    db.all(
        "SELECT domains.name AS domain, owner.name AS owner,
                (SELECT count(DISTINCT user_id) FROM user_names JOIN customer_tree ON below = user_names.customer_id
                  WHERE above = :id AND user_names.domain_id = domains.id) AS users
           FROM customer_tree
           JOIN customer_domains ON customer_domains.customer_id = below
           JOIN domains ON domains.id = domain_id
           JOIN customers owner ON owner.id = domains.customer_id
          WHERE above = :id
            AND owner.id NOT IN (SELECT below FROM customer_tree WHERE above = :id)
            AND owner.id NOT IN (SELECT above FROM customer_tree WHERE below = :target)
          GROUP BY domains.id
         HAVING users > 0
             OR max(NOT EXISTS (SELECT 1 FROM customer_domains more
                                 WHERE more.customer_id = below AND more.domain_id <> domains.id))
          ORDER BY domains.name",
        named_params! { ":id": id, ":target": target },
        |row| {
            Ok(Foreign {
                domain: row.get("domain")?,
                owner: row.get("owner")?,
                users: row.get("users")?,
            })
        },
    )
}

/// Domains that are nobody's there any more and that no name is on: what was shared stays behind.
pub fn leave_domains(tx: &Write, id: CustomerId, target: CustomerId) -> Result<()> {
    tx.run(
        "DELETE FROM customer_domains
          WHERE customer_id IN (SELECT below FROM customer_tree WHERE above = :id)
            AND domain_id IN (SELECT domains.id FROM domains
                               WHERE domains.id = customer_domains.domain_id
                                 AND domains.customer_id NOT IN (SELECT below FROM customer_tree WHERE above = :id)
                                 AND domains.customer_id NOT IN (SELECT above FROM customer_tree WHERE below = :target))",
        named_params! { ":id": id, ":target": target },
    )?;
    tx.run(
        "UPDATE customer_domains SET main = 1
          WHERE customer_id IN (SELECT below FROM customer_tree WHERE above = :id)
            AND domain_id = (SELECT min(first.domain_id) FROM customer_domains first
                              WHERE first.customer_id = customer_domains.customer_id)
            AND NOT EXISTS (SELECT 1 FROM customer_domains chosen
                             WHERE chosen.customer_id = customer_domains.customer_id AND chosen.main = 1)",
        named_params! { ":id": id },
    )?;
    Ok(())
}

/// Requests of the branch that have not ended, five at most.
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

/// A role that ends with a move.
pub struct Grant {
    pub id: GrantId,
    pub user: UserId,
    pub name: String,
    pub home: CustomerId,
    pub role: String,
    pub at: CustomerId,
}

/// Roles that belong to somebody the branch leaves; roles held in it by people of the branch that it
/// leaves; roles that its people hold there; and those that somebody above forbids from now on, or that
/// were allowed by somebody the branch leaves and are allowed by nobody any more.
pub fn ending_grants(db: &Read, id: CustomerId, target: CustomerId) -> Result<Vec<Grant>> {
    db.all(
        "WITH moved AS (SELECT below AS id FROM customer_tree WHERE above = :id),
              kept AS (SELECT above AS id FROM customer_tree WHERE below = :target),
              left_behind AS (SELECT above AS id, depth FROM customer_tree
                               WHERE below = :id AND depth > 0 AND above NOT IN (SELECT id FROM kept)),
              there AS (SELECT below AS id FROM customer_tree
                         WHERE above = (SELECT id FROM left_behind ORDER BY depth DESC LIMIT 1)
                           AND below NOT IN (SELECT id FROM moved)),
              joined AS (SELECT id FROM kept WHERE id NOT IN (SELECT above FROM customer_tree WHERE below = :id)),
              near AS (SELECT id FROM moved UNION SELECT id FROM kept)
         SELECT role_grants.id, user_id, display_name, users.customer_id AS home, roles.name AS role, at_id
           FROM role_grants
           JOIN users ON users.id = user_id
           JOIN roles ON roles.id = role_id
          WHERE (at_id IN (SELECT id FROM moved)
                 AND (users.customer_id IN (SELECT id FROM there)
                      OR roles.customer_id IN (SELECT id FROM left_behind)))
             OR (at_id IN (SELECT id FROM there) AND users.customer_id IN (SELECT id FROM moved))
             OR (at_id IN (SELECT id FROM near)
                 AND (at_id IN (SELECT id FROM moved) OR users.customer_id IN (SELECT id FROM moved))
                 AND (EXISTS (SELECT 1 FROM allowed_roles
                               WHERE role_id = roles.id AND rule = 'deny'
                                 AND allowed_roles.customer_id IN (SELECT id FROM joined))
                      OR (roles.allowed <> 'everywhere'
                          AND EXISTS (SELECT 1 FROM allowed_roles
                                       WHERE role_id = roles.id AND rule = 'allow'
                                         AND allowed_roles.customer_id IN (SELECT id FROM left_behind))
                          AND NOT EXISTS (SELECT 1 FROM allowed_roles
                                           WHERE role_id = roles.id AND rule = 'allow'
                                             AND allowed_roles.customer_id IN (SELECT id FROM kept))
                          AND EXISTS (
                            SELECT 1 FROM json_each(json_array(at_id, users.customer_id)) place
                             WHERE place.value IN (SELECT id FROM moved)
                               AND NOT EXISTS (SELECT 1 FROM allowed_roles
                                                 JOIN customer_tree ON above = allowed_roles.customer_id
                                                                   AND below = place.value
                                                WHERE role_id = roles.id AND rule = 'allow'
                                                  AND above IN (SELECT id FROM moved))))))
          ORDER BY role_grants.id",
        named_params! { ":id": id, ":target": target },
        |row| {
            Ok(Grant {
                id: row.get("id")?,
                user: row.get("user_id")?,
                name: row.get("display_name")?,
                home: row.get("home")?,
                role: row.get("role")?,
                at: row.get("at_id")?,
            })
        },
    )
}

/// Those among them without whom nobody administers a customer, with its name.
pub fn last_administrators(db: &Read, ending: &[Grant]) -> Result<Vec<(String, String)>> {
    let ids: Vec<GrantId> = ending.iter().map(|grant| grant.id).collect();
    db.all(
        "SELECT DISTINCT users.display_name, customers.name
           FROM role_grants mine
           JOIN roles ON roles.id = mine.role_id AND roles.customer_id IS NULL
                     AND roles.name IN ('Customer administrator', 'Reseller administrator')
           JOIN users ON users.id = mine.user_id AND users.state = 'active'
           JOIN customers ON customers.id = mine.at_id
          WHERE mine.id IN (SELECT value FROM json_each(:ids))
            AND NOT EXISTS (SELECT 1 FROM role_grants other
                              JOIN users keeper ON keeper.id = other.user_id AND keeper.state = 'active'
                               AND keeper.sign_in = 'everything'
                             WHERE other.role_id = mine.role_id AND other.at_id = mine.at_id
                               AND other.id NOT IN (SELECT value FROM json_each(:ids)))",
        named_params! { ":ids": serde_json::to_string(&ids)? },
        |row| Ok((row.get("display_name")?, row.get("name")?)),
    )
}

pub fn drop_grant(tx: &Write, grant: &Grant) -> Result<()> {
    tx.run("DELETE FROM role_grants WHERE id = ?1", [grant.id])?;
    tx.run("UPDATE users SET version = version + 1 WHERE id = ?1", [grant.user])?;
    Ok(())
}

/// Services for which resellers above set something, here or there.
pub fn services_set_differently(
    db: &Read,
    id: CustomerId,
    target: CustomerId,
) -> Result<Vec<ServiceId>> {
    db.all(
        "WITH here AS (SELECT above AS id FROM customer_tree WHERE below = :id AND depth > 0),
              there AS (SELECT above AS id FROM customer_tree WHERE below = :target)
         SELECT DISTINCT service_id
           FROM property_values CROSS JOIN properties ON properties.id = property_id
          WHERE reseller_id IN (SELECT id FROM here UNION SELECT id FROM there)
            AND ((reseller_id IN (SELECT id FROM here) AND reseller_id NOT IN (SELECT id FROM there))
             OR (reseller_id IN (SELECT id FROM there) AND reseller_id NOT IN (SELECT id FROM here)))",
        named_params! { ":id": id, ":target": target },
        |row| row.get(0),
    )
}

pub fn set_parent(tx: &Write, id: CustomerId, target: CustomerId) -> Result<()> {
    tx.run(
        "UPDATE customers
            SET parent_id = :target, disabled_through = NULL, version = version + 1, changed_at = :now
          WHERE id = :id",
        named_params! { ":id": id, ":target": target, ":now": tx.now },
    )?;
    Ok(())
}

pub fn planned(db: &Read, id: CustomerId) -> Result<Option<Planned>> {
    db.maybe(
        "SELECT id, coalesce(json_extract(input, '$.to'), '') AS target, due_at FROM runs
          WHERE customer_id = ?1 AND kind = 'customers.move' AND state = 'queued'
          ORDER BY id LIMIT 1",
        [id],
        |row| {
            Ok(Planned { run: row.get("id")?, target: row.get("target")?, due: row.get("due_at")? })
        },
    )
}
