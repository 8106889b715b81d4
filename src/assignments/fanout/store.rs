use crate::assignments::HeldId;
use crate::catalogue::Level;
use crate::catalogue::properties::Under;
use crate::db::Read;
use crate::error::Result;
use crate::ids::{CustomerServiceId, UserServiceId};
use rusqlite::named_params;

/// What is live under a place where values are kept, in order, after the one looked at last.
pub fn live_under(
    db: &Read,
    under: &Under,
    level: Level,
    after: i64,
    most: i64,
) -> Result<Vec<HeldId>> {
    let params = named_params! {
        ":service": under.service, ":plan": under.plan, ":reseller": under.reseller,
        ":held": under.customer_service, ":after": after, ":most": most,
    };
    match level {
        Level::Customer => db.all(
            "SELECT id FROM customer_services
              WHERE service_id = :service AND id > :after AND id IS NOT :held
                AND :held IS NULL AND live IN ('on', 'suspended') AND wanted <> 'gone'
                AND (:plan IS NULL OR plan_id = :plan)
                AND (:reseller IS NULL
                     OR customer_id IN (SELECT below FROM customer_tree WHERE above = :reseller AND depth > 0))
              ORDER BY id LIMIT :most",
            params,
            |row| row.get::<_, CustomerServiceId>("id").map(HeldId::Customer),
        ),
        Level::User => db.all(
            "SELECT user_services.id
               FROM user_services
               JOIN customer_services ON customer_services.id = customer_service_id
              WHERE user_services.service_id = :service AND user_services.id > :after
                AND user_services.live IN ('on', 'suspended') AND user_services.wanted <> 'gone'
                AND (:held IS NULL OR customer_service_id = :held)
                AND (:plan IS NULL OR user_services.plan_id = :plan OR customer_services.plan_id = :plan)
                AND (:reseller IS NULL
                     OR user_services.customer_id IN
                        (SELECT below FROM customer_tree WHERE above = :reseller AND depth > 0))
              ORDER BY user_services.id LIMIT :most",
            params,
            |row| row.get::<_, UserServiceId>("id").map(HeldId::User),
        ),
    }
}
