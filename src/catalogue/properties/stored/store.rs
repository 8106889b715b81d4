use super::Asked;
use crate::catalogue::values::{Held, Holder};
use crate::db::Read;
use crate::error::{Error, Result};
use crate::ids::{CustomerId, CustomerServiceId, PlanId, PropertyId, ServiceId, UserServiceId};
use rusqlite::named_params;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Whose a stored value is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Definition,
    Reseller(CustomerId),
    CustomerService(CustomerServiceId),
    UserService(UserServiceId),
}

/// A stored value.
pub struct Row {
    id: i64,
    holder: Holder,
    /// The plan it is for, if for one.
    pub plan: Option<PlanId>,
    value: Value,
    locked: bool,
}

impl Row {
    pub fn held(&self, distance: i64) -> Held {
        let (holder, value, for_plan) = (self.holder, self.value.clone(), self.plan.is_some());
        Held { id: self.id, holder, distance, for_plan, value, locked: self.locked }
    }
}

/// Values by property and by whose they are, with the way up from each customer.
#[derive(Default)]
pub struct Values {
    rows: BTreeMap<(PropertyId, Whose), Vec<Row>>,
    above: BTreeMap<CustomerId, Vec<(CustomerId, i64)>>,
}

impl Values {
    /// Those of a property that count for an assignment, each with how far away it is.
    pub fn along_the_way<'v>(
        &'v self,
        property: PropertyId,
        asked: &'v Asked,
    ) -> impl Iterator<Item = (&'v Row, i64)> {
        let least = if asked.branch { 0 } else { 1 };
        let above = self.above.get(&asked.customer).into_iter().flatten();
        let resellers = above
            .filter(move |(_, distance)| *distance >= least)
            .map(|(reseller, distance)| (Whose::Reseller(*reseller), *distance));
        let own = [
            asked.user_service.map(Whose::UserService),
            asked.customer_service.map(Whose::CustomerService),
            Some(Whose::Definition),
        ];
        let own = own.into_iter().flatten().map(|whose| (whose, 0));
        own.chain(resellers).flat_map(move |(whose, distance)| {
            let rows = self.rows.get(&(property, whose)).into_iter().flatten();
            rows.map(move |row| (row, distance))
        })
    }
}

/// All that is stored for the properties of a service along the way of any of the assignments.
pub fn values(db: &Read, service: ServiceId, asked: &[Asked]) -> Result<Values> {
    let mut all = Values::default();
    let customers: BTreeSet<CustomerId> = asked.iter().map(|asked| asked.customer).collect();
    let customers = serde_json::to_string(&customers)?;
    db.each(
        "SELECT below, above, depth FROM customer_tree
          WHERE below IN (SELECT value FROM json_each(?1))",
        [&customers],
        |row| {
            let way = all.above.entry(row.get("below")?).or_default();
            way.push((row.get("above")?, row.get("depth")?));
            Ok(())
        },
    )?;
    let of_customers: BTreeSet<i64> =
        asked.iter().filter_map(|asked| asked.customer_service).map(|id| id.0).collect();
    let of_users: BTreeSet<i64> =
        asked.iter().filter_map(|asked| asked.user_service).map(|id| id.0).collect();
    db.each(
        "SELECT property_values.id, property_id, holder, plan_id, reseller_id, customer_service_id,
                user_service_id, value, locked
           FROM properties
           JOIN property_values ON property_id = properties.id AND holder = 'plan'
          WHERE service_id = :service
         UNION ALL
         SELECT property_values.id, property_id, holder, plan_id, reseller_id, customer_service_id,
                user_service_id, value, locked
           FROM property_values
           JOIN properties ON properties.id = property_id
          WHERE service_id = :service
            AND reseller_id IN (SELECT above FROM customer_tree
                                 WHERE below IN (SELECT value FROM json_each(:customers)))
         UNION ALL
         SELECT property_values.id, property_id, holder, plan_id, reseller_id, customer_service_id,
                user_service_id, value, locked
           FROM property_values
           JOIN properties ON properties.id = property_id
          WHERE service_id = :service
            AND customer_service_id IN (SELECT value FROM json_each(:of_customers))
         UNION ALL
         SELECT property_values.id, property_id, holder, plan_id, reseller_id, customer_service_id,
                user_service_id, value, locked
           FROM property_values
           JOIN properties ON properties.id = property_id
          WHERE service_id = :service
            AND user_service_id IN (SELECT value FROM json_each(:of_users))",
        named_params! {
            ":service": service, ":customers": customers,
            ":of_customers": serde_json::to_string(&of_customers)?,
            ":of_users": serde_json::to_string(&of_users)?,
        },
        |row| {
            let whose = match (
                row.get("reseller_id")?,
                row.get("customer_service_id")?,
                row.get("user_service_id")?,
            ) {
                (Some(id), _, _) => Whose::Reseller(id),
                (_, Some(id), _) => Whose::CustomerService(id),
                (_, _, Some(id)) => Whose::UserService(id),
                _ => Whose::Definition,
            };
            let holder: String = row.get("holder")?;
            let kept = Row {
                id: row.get("id")?,
                holder: holder.parse().map_err(|()| Error::internal("a value without holder"))?,
                plan: row.get("plan_id")?,
                value: serde_json::from_str(&row.get::<_, String>("value")?)?,
                locked: row.get("locked")?,
            };
            all.rows.entry((row.get("property_id")?, whose)).or_default().push(kept);
            Ok(())
        },
    )?;
    Ok(all)
}
