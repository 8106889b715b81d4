use crate::assignments::Order;
use crate::db::Read;
use crate::error::Result;
use crate::ids::{
    CustomerId, CustomerServiceId, PlanId, RequestId, ServiceId, UserId, UserServiceId,
};
use crate::secret;
use rusqlite::{Row, named_params};

/// A customer or user as a plan reads it.
pub struct Holder {
    pub name: String,
    pub state: String,
    pub version: i64,
}

fn holder(row: &Row) -> rusqlite::Result<Holder> {
    Ok(Holder { name: row.get("name")?, state: row.get("state")?, version: row.get("version")? })
}

pub fn customer(db: &Read, id: CustomerId) -> Result<Holder> {
    db.one("SELECT name, state, version FROM customers WHERE id = ?1", [id], holder)
}

/// What a label may be suggested from, by its words.
pub fn label_words(
    db: &Read,
    customer: CustomerId,
    user: Option<UserId>,
) -> Result<[(&'static str, String); 5]> {
    db.one(
        "SELECT customers.code, customers.name,
                coalesce((SELECT domains.name FROM customer_domains JOIN domains ON domains.id = domain_id
                           WHERE customer_domains.customer_id = customers.id AND main = 1), '') AS domain,
                coalesce(users.display_name, '') AS user_name, coalesce(users.upn, '') AS upn
           FROM customers LEFT JOIN users ON users.id = :user
          WHERE customers.id = :customer",
        named_params! { ":customer": customer, ":user": user },
        |row| {
            Ok([
                ("customer.code", row.get("code")?),
                ("customer.name", row.get("name")?),
                ("customer.domain", row.get("domain")?),
                ("user.name", row.get("user_name")?),
                ("user.upn", row.get("upn")?),
            ])
        },
    )
}

/// A user, bound to its customer.
pub fn user(db: &Read, customer: CustomerId, id: UserId) -> Result<Holder> {
    db.one(
        "SELECT display_name AS name, state, version FROM users WHERE customer_id = ?1 AND id = ?2",
        (customer, id),
        holder,
    )
}

/// How many customers stand directly below.
pub fn children(db: &Read, customer: CustomerId) -> Result<i64> {
    db.value(
        "SELECT count(*) FROM customers WHERE parent_id = ?1 AND state NOT IN ('deleted', 'purged')",
        [customer],
    )
}

/// Whether the holder has the service under that label.
pub fn has(db: &Read, order: &Order, service: ServiceId, label: &str) -> Result<bool> {
    match order.user {
        Some(user) => db.value(
            "SELECT EXISTS (SELECT 1 FROM user_services
                             WHERE user_id = :user AND service_id = :service AND label = :label
                               AND customer_id = :customer AND live <> 'gone')",
            named_params! {
                ":user": user, ":service": service, ":label": label, ":customer": order.customer,
            },
        ),
        None => db.value(
            "SELECT EXISTS (SELECT 1 FROM customer_services
                             WHERE customer_id = :customer AND service_id = :service AND label = :label
                               AND live <> 'gone')",
            named_params! { ":customer": order.customer, ":service": service, ":label": label },
        ),
    }
}

/// The open request of a service that is still being brought to the customer.
pub fn open_at_customer(
    db: &Read,
    customer: CustomerId,
    service: ServiceId,
) -> Result<Option<RequestId>> {
    db.maybe(
        "SELECT open_id FROM assignments
          WHERE level = 'customer' AND customer_id = :customer AND service_id = :service
            AND live = 'never' AND wanted <> 'gone' AND open_id IS NOT NULL
          LIMIT 1",
        named_params! { ":customer": customer, ":service": service },
        |row| row.get("open_id"),
    )
}

pub fn holders_of_plan(db: &Read, id: CustomerServiceId, plan: PlanId) -> Result<i64> {
    db.value(
        "SELECT count(*) FROM user_services
          WHERE customer_service_id = :id AND plan_id = :plan AND live <> 'gone'",
        named_params! { ":id": id, ":plan": plan },
    )
}

/// The prices that a service has above a customer, and the lists they stand in. A price can be put in
/// the place of another under the same number, so all that is said of it counts.
pub fn price_basis(db: &Read, service: ServiceId, customer: CustomerId) -> Result<String> {
    let prices: Vec<String> = db.all(
        "SELECT json_array(prices.id, list_id, buyer_id, currency, prices.kind, plan, charge, counting, unit_price,
                           unit_cost, valid_from, valid_to) AS said
           FROM prices JOIN services ON services.code = prices.service
          WHERE services.id = :service AND seller_id IN (SELECT above FROM customer_tree WHERE below = :customer)",
        named_params! { ":service": service, ":customer": customer },
        |row| row.get("said"),
    )?;
    let lists: Vec<String> = db.all(
        "SELECT json_array(id, version) AS said FROM price_lists
          WHERE customer_id IN (SELECT above FROM customer_tree WHERE below = :customer)",
        named_params! { ":customer": customer },
        |row| row.get("said"),
    )?;
    Ok(format!("prices {}", digest(prices.into_iter().chain(lists))))
}

/// What is set of a service's properties: above its assignments, for the customer's (`below`), and
/// for the user's own.
pub fn values_basis(
    db: &Read,
    service: ServiceId,
    customer: CustomerId,
    (below, own): (Option<CustomerServiceId>, Option<UserServiceId>),
) -> Result<String> {
    let values: Vec<String> = db.all(
        "SELECT json_array(property_values.id, property_id, plan_id, value, locked) AS said
           FROM property_values JOIN properties ON properties.id = property_id
          WHERE service_id = :service AND holder IN ('plan', 'given', 'own')
            AND (reseller_id IS NULL OR reseller_id IN (SELECT above FROM customer_tree WHERE below = :customer))
          UNION ALL
         SELECT json_array(id, property_id, plan_id, value, locked) FROM property_values
          WHERE customer_service_id = :below
          UNION ALL
         SELECT json_array(id, property_id, plan_id, value, locked) FROM property_values
          WHERE user_service_id = :own",
        named_params! { ":service": service, ":customer": customer, ":below": below, ":own": own },
        |row| row.get("said"),
    )?;
    Ok(format!("values {}", digest(values)))
}

/// Of texts in whatever order they were found.
fn digest(texts: impl IntoIterator<Item = String>) -> String {
    let mut all: Vec<String> = texts.into_iter().collect();
    all.sort_unstable();
    secret::hex(&secret::sha256(all.join("\n").as_bytes()))
}
