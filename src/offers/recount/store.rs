//! What the counters should be.

use super::Drift;
use crate::db::{Read, Write};
use crate::error::Result;
use rusqlite::named_params;

/// Counters that are not what is there, and what is there without a counter.
pub fn drifts(db: &Read) -> Result<Vec<Drift>> {
    db.all(
        "WITH taken (customer_id, service_id, plan_id, meter, n) AS (
           SELECT customer_id, service_id, plan_id, 'seats', count(*)
             FROM user_services WHERE live <> 'gone' GROUP BY customer_id, service_id, plan_id
           UNION ALL
           SELECT customer_id, service_id, coalesce(plan_id, 0), 'instances', count(*)
             FROM customer_services WHERE live <> 'gone' GROUP BY customer_id, service_id, plan_id
           UNION ALL
           SELECT held.customer_id, held.service_id, held.plan_id, 'sum:' || properties.name, sum(amount)
             FROM amounts
             JOIN properties ON properties.id = property_id
             JOIN user_services held ON held.id = user_service_id
            GROUP BY held.customer_id, held.service_id, held.plan_id, properties.name
           UNION ALL
           SELECT held.customer_id, held.service_id, coalesce(held.plan_id, 0), 'sum:' || properties.name,
                  sum(amount)
             FROM amounts
             JOIN properties ON properties.id = property_id
             JOIN customer_services held ON held.id = customer_service_id
            GROUP BY held.customer_id, held.service_id, held.plan_id, properties.name
           UNION ALL
           SELECT customer_id, json_extract(input, '$.service'), coalesce(json_extract(input, '$.plan'), 0),
                  'sum:' || json_extract(each.value, '$[0]'),
                  json_extract(each.value, '$[1]')
                    * (json_extract(input, '$.seats') - coalesce(json_extract(numbers, '$.given'), 0)
                       - coalesce(json_extract(numbers, '$.returned'), 0))
             FROM runs, json_each(input, '$.amounts') each
            WHERE kind = 'user_services.give' AND state IN ('queued', 'running')
           UNION ALL
           SELECT customer_id, json_extract(input, '$.service'), coalesce(json_extract(input, '$.plan'), 0),
                  'seats',
                  json_extract(input, '$.seats') - coalesce(json_extract(numbers, '$.given'), 0)
                    - coalesce(json_extract(numbers, '$.returned'), 0)
             FROM runs WHERE kind = 'user_services.give' AND state IN ('queued', 'running')),
         counted (holder_id, service_id, plan_id, meter, n) AS (
           SELECT above, service_id, value, meter, sum(n)
             FROM taken JOIN customer_tree ON below = customer_id,
                  json_each(iif(plan_id = 0, json_array(0), json_array(0, plan_id)))
            WHERE above <> 1
            GROUP BY above, service_id, value, meter),
         compared (holder_id, service_id, plan_id, meter, used, n) AS (
           SELECT counted.holder_id, counted.service_id, counted.plan_id, counted.meter,
                  coalesce(used, 0), n
             FROM counted LEFT JOIN usage USING (holder_id, service_id, plan_id, meter)
           UNION ALL
           SELECT holder_id, service_id, plan_id, meter, used, 0
             FROM usage
            WHERE (holder_id, service_id, plan_id, meter)
                  NOT IN (SELECT holder_id, service_id, plan_id, meter FROM counted))
         SELECT holder_id, customers.name AS holder_name, service_id, services.name AS service_name,
                plan_id, meter, used, n
           FROM compared
           JOIN customers ON customers.id = holder_id
           JOIN services ON services.id = service_id
          WHERE used <> n
          ORDER BY holder_id, service_id, plan_id",
        [],
        |row| {
            Ok(Drift {
                holder: row.get("holder_id")?,
                holder_name: row.get("holder_name")?,
                service: row.get("service_id")?,
                service_name: row.get("service_name")?,
                plan: row.get("plan_id")?,
                meter: row.get("meter")?,
                used: row.get("used")?,
                counted: row.get("n")?,
            })
        },
    )
}

pub fn set_used(tx: &Write, drift: &Drift) -> Result<()> {
    tx.run(
        "INSERT INTO usage (holder_id, service_id, plan_id, meter, used)
         VALUES (:holder, :service, :plan, :meter, :used)
         ON CONFLICT (holder_id, service_id, plan_id, meter) DO UPDATE SET used = excluded.used",
        named_params! {
            ":holder": drift.holder, ":service": drift.service, ":plan": drift.plan,
            ":meter": drift.meter, ":used": drift.counted,
        },
    )?;
    Ok(())
}
