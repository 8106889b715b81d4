use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, PlanId, ServiceId};
use crate::kinds::size_text;
use rusqlite::named_params;

/// A service that somebody of a branch has.
pub struct Used {
    pub service: ServiceId,
    pub name: String,
}

/// Those of the branch of `id`; nobody is offered to be a reseller.
pub fn used_services(db: &Read, id: CustomerId) -> Result<Vec<Used>> {
    db.all(
        "SELECT DISTINCT services.id, services.name
           FROM customer_tree
           JOIN customer_services held ON held.customer_id = below AND held.wanted <> 'gone'
           JOIN services ON services.id = held.service_id AND services.builtin = 0
          WHERE above = ?1 ORDER BY services.name",
        [id],
        |row| Ok(Used { service: row.get("id")?, name: row.get("name")? }),
    )
}

/// Plans of it in the branch: those held, and those that users may be given.
pub fn used_plans(db: &Read, id: CustomerId, service: ServiceId) -> Result<Vec<(PlanId, String)>> {
    db.all(
        "SELECT id, name FROM plans
          WHERE id IN (SELECT held.plan_id FROM customer_tree
                         JOIN customer_services held ON held.customer_id = below AND held.wanted <> 'gone'
                        WHERE above = :id AND held.service_id = :service
                       UNION
                       SELECT held.plan_id FROM customer_tree
                         JOIN user_services held ON held.customer_id = below AND held.wanted <> 'gone'
                        WHERE above = :id AND held.service_id = :service)
          ORDER BY sort, id",
        named_params! { ":id": id, ":service": service },
        |row| Ok((row.get("id")?, row.get("name")?)),
    )
}

/// Whether a reseller and all above it were offered the service, and may still sell it.
pub fn offered_all_the_way(db: &Read, reseller: CustomerId, service: ServiceId) -> Result<bool> {
    db.value(
        "SELECT NOT EXISTS (SELECT 1 FROM customer_tree
                             WHERE below = :reseller AND above <> 1
                               AND NOT EXISTS (SELECT 1 FROM offers
                                                WHERE reseller_id = above AND service_id = :service
                                                  AND state = 'active'))",
        named_params! { ":reseller": reseller, ":service": service },
    )
}

pub fn plan_offered_all_the_way(db: &Read, reseller: CustomerId, plan: PlanId) -> Result<bool> {
    db.value(
        "SELECT NOT EXISTS (SELECT 1 FROM customer_tree
                             WHERE below = :reseller AND above <> 1
                               AND NOT EXISTS (SELECT 1 FROM offers
                                                 JOIN offer_plans ON offer_id = offers.id
                                                WHERE reseller_id = above AND plan_id = :plan
                                                  AND offer_plans.state = 'active'))",
        named_params! { ":reseller": reseller, ":plan": plan },
    )
}

/// Code and name of the plans that might be had instead of `plan`.
pub fn open_plans(db: &Read, reseller: CustomerId, plan: PlanId) -> Result<Vec<(String, String)>> {
    db.all(
        "SELECT code, name FROM plans
          WHERE service_id = (SELECT mine.service_id FROM plans mine WHERE mine.id = :plan)
            AND state = 'active' AND id <> :plan
            AND level = (SELECT mine.level FROM plans mine WHERE mine.id = :plan)
            AND NOT EXISTS (SELECT 1 FROM customer_tree
                             WHERE below = :reseller AND above <> 1
                               AND NOT EXISTS (SELECT 1 FROM offers
                                                 JOIN offer_plans ON offer_id = offers.id
                                                WHERE reseller_id = above AND offer_plans.plan_id = plans.id
                                                  AND offer_plans.state = 'active'))
          ORDER BY sort, id",
        named_params! { ":reseller": reseller, ":plan": plan },
        |row| Ok((row.get("code")?, row.get("name")?)),
    )
}

/// A counter on the new way that would be exceeded.
pub struct Tight {
    pub what: String,
    pub holder: String,
    /// In words, each of what is counted.
    pub left: String,
    pub needed: String,
}

pub fn tight_counters(
    db: &Read,
    id: CustomerId,
    target: CustomerId,
    instead: &[(PlanId, PlanId)],
) -> Result<Vec<Tight>> {
    let instead: Vec<(i64, i64)> = instead.iter().map(|(from, to)| (from.0, to.0)).collect();
    db.all(
        "WITH instead AS (SELECT json_extract(value, '$[0]') AS old, json_extract(value, '$[1]') AS new
                            FROM json_each(:instead)),
              needed AS (SELECT service_id, coalesce((SELECT new FROM instead WHERE old = plan_id), plan_id) AS plan,
                                meter, sum(used) AS n
                           FROM usage WHERE holder_id = :id AND used > 0 GROUP BY 1, 2, 3)
         SELECT coalesce(plans.name, services.name) AS what, customers.name AS holder,
                max(there.max - there.used, 0) AS left, n, properties.label, properties.type
           FROM customer_tree
           JOIN usage there ON there.holder_id = above AND there.max IS NOT NULL
           JOIN needed ON needed.service_id = there.service_id AND needed.plan = there.plan_id
                      AND needed.meter = there.meter
           JOIN customers ON customers.id = above
           JOIN services ON services.id = there.service_id
           LEFT JOIN plans ON plans.id = there.plan_id
           LEFT JOIN properties ON properties.service_id = there.service_id
                               AND 'sum:' || properties.name = there.meter
          WHERE below = :target AND above <> 1
            AND above NOT IN (SELECT own.above FROM customer_tree own WHERE own.below = :id)
            AND there.used + n > there.max
          ORDER BY services.name, depth",
        named_params! { ":id": id, ":target": target, ":instead": serde_json::to_string(&instead)? },
        |row| {
            let (left, needed): (i64, i64) = (row.get("left")?, row.get("n")?);
            let label: Option<String> = row.get("label")?;
            let of_size = row.get::<_, Option<String>>("type")?.as_deref() == Some("size");
            let said = |n: i64| if of_size { size_text(n) } else { n.to_string() };
            let left = match label {
                Some(label) => format!("{} of {label}", said(left)),
                None => said(left),
            };
            let (what, holder) = (row.get("what")?, row.get("holder")?);
            Ok(Tight { what, holder, left, needed: said(needed) })
        },
    )
}

/// What a branch uses no longer counts with those it leaves.
pub fn leave_counters(tx: &Write, id: CustomerId, target: CustomerId) -> Result<()> {
    tx.run(
        "UPDATE usage SET used = max(usage.used - own.used, 0)
           FROM (SELECT service_id, plan_id, meter, used FROM usage WHERE holder_id = :id) own
          WHERE usage.service_id = own.service_id AND usage.plan_id = own.plan_id AND usage.meter = own.meter
            AND usage.holder_id IN (SELECT above FROM customer_tree WHERE below = :id AND depth > 0 AND above <> 1)
            AND usage.holder_id NOT IN (SELECT above FROM customer_tree WHERE below = :target)",
        named_params! { ":id": id, ":target": target },
    )?;
    Ok(())
}

/// And counts with those it joins.
pub fn join_counters(tx: &Write, id: CustomerId, target: CustomerId) -> Result<()> {
    tx.run(
        "INSERT INTO usage (holder_id, service_id, plan_id, meter, used)
         SELECT above, service_id, plan_id, meter, used
           FROM customer_tree JOIN usage ON holder_id = :id
          WHERE below = :target AND above <> 1
            AND above NOT IN (SELECT own.above FROM customer_tree own WHERE own.below = :id)
             ON CONFLICT DO UPDATE SET used = used + excluded.used",
        named_params! { ":id": id, ":target": target },
    )?;
    Ok(())
}
