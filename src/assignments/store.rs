use super::moving::Stood;
use super::plan::Gift;
use super::properties::Standing;
use super::state::{Live, Wanted};
use super::{Held, HeldId, Order, Reason};
use crate::auth::Scope;
use crate::catalogue::Level;
use crate::catalogue::properties::Asked;
use crate::db::{Read, Write, unique};
use crate::engine::rules;
use crate::error::Result;
use crate::ids::{
    ConnectorId, CustomerId, CustomerServiceId, PlanId, RequestId, ServiceId, UserId, UserServiceId,
};
use crate::offers::Tally;
use rusqlite::{Row, named_params};

/// The customer of a user, if the scope reaches it.
pub fn customer_of<P>(db: &Read, scope: &Scope<P>, user: UserId) -> Result<CustomerId> {
    db.one(
        "SELECT customer_id
           FROM users
          WHERE id = :user
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":user": user, ":scope": scope },
        |row| row.get("customer_id"),
    )
}

/// Which service an assignment of the customer is of: the rights to it follow from that.
pub fn service_of(db: &Read, customer: CustomerId, id: HeldId) -> Result<ServiceId> {
    let params = (customer, id.number());
    match id {
        HeldId::Customer(_) => db.one(
            "SELECT service_id FROM customer_services WHERE customer_id = ?1 AND id = ?2",
            params,
            |row| row.get(0),
        ),
        HeldId::User(_) => db.one(
            "SELECT service_id FROM user_services WHERE customer_id = ?1 AND id = ?2",
            params,
            |row| row.get(0),
        ),
    }
}

/// Whose it is, in words.
pub fn holder_name(db: &Read, held: &Held) -> Result<String> {
    match held.user {
        Some(id) => db.value("SELECT display_name FROM users WHERE id = ?1", [id]),
        None => db.value("SELECT name FROM customers WHERE id = ?1", [held.customer]),
    }
}

/// Whose a user is, and what the user is called.
pub fn person(db: &Read, id: UserId) -> Result<(CustomerId, String)> {
    db.one("SELECT customer_id, display_name FROM users WHERE id = ?1", [id], |row| {
        Ok((row.get("customer_id")?, row.get("display_name")?))
    })
}

pub fn connector(db: &Read, id: ConnectorId) -> Result<String> {
    db.value("SELECT name FROM connectors WHERE id = ?1", [id])
}

/// The customer's own assignment of a service that users hold: the oldest, where there are several.
pub fn below(
    db: &Read,
    customer: CustomerId,
    service: ServiceId,
) -> Result<Option<CustomerServiceId>> {
    db.maybe(
        "SELECT id FROM customer_services
          WHERE customer_id = :customer AND service_id = :service AND live <> 'gone'
          ORDER BY wanted = 'gone', id
          LIMIT 1",
        named_params! { ":customer": customer, ":service": service },
        |row| row.get("id"),
    )
}

/// The user plans a customer may use: id, code, name.
pub fn enabled_plans(db: &Read, id: CustomerServiceId) -> Result<Vec<(PlanId, String, String)>> {
    db.all(
        "SELECT plans.id, code, name
           FROM customer_service_plans JOIN plans ON plans.id = plan_id
          WHERE customer_service_id = :id
          ORDER BY sort, plans.id",
        named_params! { ":id": id },
        |row| Ok((row.get("id")?, row.get("code")?, row.get("name")?)),
    )
}

/// Used and most, of the customer's own counter.
pub fn usage(db: &Read, of: &Tally) -> Result<(i64, Option<i64>)> {
    let found = db.maybe(
        "SELECT used, max FROM usage
          WHERE holder_id = :customer AND service_id = :service AND plan_id = coalesce(:plan, 0) AND meter = :meter",
        named_params! {
            ":customer": of.customer, ":service": of.service, ":plan": of.plan, ":meter": of.meter.word(),
        },
        |row| Ok((row.get("used")?, row.get("max")?)),
    )?;
    Ok(found.unwrap_or((0, None)))
}

/// Whether any step for it ended well: something may be outside.
pub fn anything_made(db: &Read, id: HeldId) -> Result<bool> {
    match id {
        HeldId::User(id) => db.value(
            "SELECT EXISTS (SELECT 1 FROM requests CROSS JOIN steps ON request_id = requests.id
                             WHERE user_service_id = :id AND (attempts > 0 OR steps.status = 'done'))",
            named_params! { ":id": id },
        ),
        HeldId::Customer(id) => db.value(
            "SELECT EXISTS (SELECT 1 FROM requests CROSS JOIN steps ON request_id = requests.id
                             WHERE customer_service_id = :id AND user_service_id IS NULL
                               AND (attempts > 0 OR steps.status = 'done'))",
            named_params! { ":id": id },
        ),
    }
}

/// Whether the removal that was ordered last has begun outside.
pub fn removal_begun(db: &Read, held: &Held) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM steps
                         WHERE request_id = ?1 AND (attempts > 0 OR status IN ('running', 'waiting', 'done')))",
        [held.last.as_ref().map(|last| last.request)],
    )
}

/// Wanted again, as far as there is no reason to suspend it.
pub fn want_again(tx: &Write, id: HeldId) -> Result<()> {
    want(tx, id)
}

/// What was done outside for it, newest first: step and connector.
pub fn made(db: &Read, id: HeldId) -> Result<Vec<String>> {
    let (user, customer) = match id {
        HeldId::User(id) => (Some(id), None),
        HeldId::Customer(id) => (None, Some(id)),
    };
    db.all(
        "SELECT steps.title || coalesce(', by ' || connectors.name, '') AS what
           FROM requests
           JOIN steps ON request_id = requests.id
           LEFT JOIN connectors ON connectors.id = steps.connector_id
          WHERE (user_service_id = :user OR (customer_service_id = :customer AND user_service_id IS NULL))
            AND steps.status = 'done' AND event NOT LIKE '%.deprovision'
          GROUP BY what
          ORDER BY max(steps.id) DESC
          LIMIT 50",
        named_params! { ":user": user, ":customer": customer },
        |row| row.get("what"),
    )
}

/// Whether a connector that works for it is gone for good.
pub fn connector_gone(db: &Read, held: &Held) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM rules JOIN connectors ON connectors.id = connector_id
                         WHERE service_id = ?1 AND connectors.state = 'gone' AND event LIKE ?2 || '%')",
        (held.service, format!("{}_service.", held.id.level().word())),
    )
}

pub fn set_label(tx: &Write, id: HeldId, label: &str) -> Result<i64> {
    let done = match id {
        HeldId::User(id) => tx.change(
            "UPDATE user_services SET label = :label WHERE id = :id RETURNING id",
            named_params! { ":id": id, ":label": label },
        ),
        HeldId::Customer(id) => tx.change(
            "UPDATE customer_services SET label = :label WHERE id = :id RETURNING id",
            named_params! { ":id": id, ":label": label },
        ),
    };
    unique(done, "label", "is there already")
}

/// How many open requests it has whose event ends in `what`; all where `what` is empty.
pub fn open_of(db: &Read, id: HeldId, what: &str) -> Result<i64> {
    match id {
        HeldId::User(id) => db.value(
            "SELECT count(*) FROM requests
              WHERE user_service_id = :id AND status IN ('waiting_approval', 'queued', 'running')
                AND event LIKE '%' || :what",
            named_params! { ":id": id, ":what": what },
        ),
        HeldId::Customer(id) => db.value(
            "SELECT count(*) FROM requests
              WHERE customer_service_id = :id AND user_service_id IS NULL
                AND status IN ('waiting_approval', 'queued', 'running') AND event LIKE '%' || :what",
            named_params! { ":id": id, ":what": what },
        ),
    }
}

/// A given service as it begins. The composite keys refuse a user or a customer service of another
/// customer, whoever asks.
pub fn insert(tx: &Write, order: &Order, gift: &Gift) -> Result<HeldId> {
    let wanted = if gift.reasons.is_empty() { Wanted::On } else { Wanted::Suspended };
    let field = if gift.label.is_empty() { "service" } else { "label" };
    let inserted = match (order.user, gift.below) {
        (Some(user), Some(below)) => tx
            .change(
                "INSERT INTO user_services (customer_id, user_id, customer_service_id, service_id, plan_id, label,
                                            wanted, created_at, created_by)
                 VALUES (:customer, :user, :below, :service, :plan, :label, :wanted, :now, :by) RETURNING id",
                named_params! {
                    ":customer": order.customer, ":user": user, ":below": below, ":service": gift.service.id,
                    ":plan": gift.plan, ":label": gift.label, ":wanted": wanted, ":now": tx.now,
                    ":by": tx.by.user,
                },
            )
            .map(HeldId::User),
        _ => tx
            .change(
                "INSERT INTO customer_services (customer_id, service_id, plan_id, label, wanted, created_at, created_by)
                 VALUES (:customer, :service, :plan, :label, :wanted, :now, :by) RETURNING id",
                named_params! {
                    ":customer": order.customer, ":service": gift.service.id, ":plan": gift.plan,
                    ":label": gift.label, ":wanted": wanted, ":now": tx.now, ":by": tx.by.user,
                },
            )
            .map(HeldId::Customer),
    };
    unique(inserted, field, "is there already")
}

pub fn enable_plans(tx: &Write, id: CustomerServiceId, plans: &[PlanId]) -> Result<()> {
    let plans = serde_json::to_string(plans)?;
    tx.run(
        "DELETE FROM customer_service_plans
          WHERE customer_service_id = :id AND plan_id NOT IN (SELECT value FROM json_each(:plans))",
        named_params! { ":id": id, ":plans": plans },
    )?;
    tx.run(
        "INSERT OR IGNORE INTO customer_service_plans (customer_service_id, plan_id)
         SELECT :id, value FROM json_each(:plans)",
        named_params! { ":id": id, ":plans": plans },
    )?;
    Ok(())
}

pub fn set_plan(tx: &Write, id: HeldId, plan: PlanId) -> Result<i64> {
    match id {
        HeldId::User(id) => tx.change(
            "UPDATE user_services SET plan_id = :plan WHERE id = :id RETURNING id",
            named_params! { ":id": id, ":plan": plan },
        ),
        HeldId::Customer(id) => tx.change(
            "UPDATE customer_services SET plan_id = :plan WHERE id = :id RETURNING id",
            named_params! { ":id": id, ":plan": plan },
        ),
    }
}

/// Puts a user's service below another customer's.
pub fn carry(
    tx: &Write,
    id: HeldId,
    to: CustomerId,
    below: CustomerServiceId,
    plan: PlanId,
) -> Result<i64> {
    tx.change(
        "UPDATE user_services
            SET customer_id = :to, customer_service_id = :below, plan_id = :plan, version = version + 1
          WHERE id = :id RETURNING id",
        named_params! { ":id": id.number(), ":to": to, ":below": below, ":plan": plan },
    )
}

/// Puts a user's service back below the customer it stood at. What is gone outside is to be made again.
pub fn put_back(tx: &Write, stood: &Stood, from: CustomerId) -> Result<i64> {
    tx.change(
        "UPDATE user_services
            SET customer_id = :from, customer_service_id = :below, plan_id = :plan, live_plan_id = :live_plan,
                wanted = :wanted, live = iif(live = 'gone', 'never', live), version = version + 1
          WHERE id = :id RETURNING id",
        named_params! {
            ":id": stood.id, ":from": from, ":below": stood.below, ":plan": stood.plan,
            ":live_plan": stood.live_plan, ":wanted": stood.wanted,
        },
    )
}

pub fn set_wanted(tx: &Write, id: HeldId, wanted: Wanted) -> Result<i64> {
    match id {
        HeldId::User(id) => tx.change(
            "UPDATE user_services SET wanted = :wanted, version = version + 1 WHERE id = :id RETURNING id",
            named_params! { ":id": id, ":wanted": wanted },
        ),
        HeldId::Customer(id) => tx.change(
            "UPDATE customer_services SET wanted = :wanted, version = version + 1 WHERE id = :id RETURNING id",
            named_params! { ":id": id, ":wanted": wanted },
        ),
    }
}

/// What is live; `planned`: in the plan that is wanted.
pub fn set_live(tx: &Write, id: HeldId, live: Live, planned: bool) -> Result<i64> {
    match id {
        HeldId::User(id) => tx.change(
            "UPDATE user_services
                SET live = :live, live_plan_id = iif(:planned, plan_id, live_plan_id), version = version + 1
              WHERE id = :id RETURNING id",
            named_params! { ":id": id, ":live": live, ":planned": planned },
        ),
        HeldId::Customer(id) => tx.change(
            "UPDATE customer_services
                SET live = :live, live_plan_id = iif(:planned, plan_id, live_plan_id), version = version + 1
              WHERE id = :id RETURNING id",
            named_params! { ":id": id, ":live": live, ":planned": planned },
        ),
    }
}

/// The order that was given last; with it the row's version moves.
pub fn set_last(tx: &Write, id: HeldId, request: RequestId) -> Result<i64> {
    match id {
        HeldId::User(id) => tx.change(
            "UPDATE user_services SET last_request_id = :request, version = version + 1
              WHERE id = :id RETURNING id",
            named_params! { ":id": id, ":request": request },
        ),
        HeldId::Customer(id) => tx.change(
            "UPDATE customer_services SET last_request_id = :request, version = version + 1
              WHERE id = :id RETURNING id",
            named_params! { ":id": id, ":request": request },
        ),
    }
}

/// Keeps which settings it is ordered with.
pub fn order_with(tx: &Write, id: HeldId, digest: &str) -> Result<usize> {
    match id {
        HeldId::User(id) => tx.run(
            "UPDATE user_services SET ordered_with = :digest WHERE id = :id",
            named_params! { ":id": id, ":digest": digest },
        ),
        HeldId::Customer(id) => tx.run(
            "UPDATE customer_services SET ordered_with = :digest WHERE id = :id",
            named_params! { ":id": id, ":digest": digest },
        ),
    }
}

/// What decides which values hold for each of the assignments, by their numbers.
pub fn standings(db: &Read, ids: &[HeldId]) -> Result<Vec<Standing>> {
    let of = |level: Level| -> Result<String> {
        let own = ids.iter().filter(|id| id.level() == level).map(|id| id.number());
        Ok(serde_json::to_string(&own.collect::<Vec<i64>>())?)
    };
    db.all(
        "SELECT id, customer_id, service_id, NULL AS below, plan_id, NULL AS plan_below, ordered_with
           FROM customer_services
          WHERE id IN (SELECT value FROM json_each(:customers))
         UNION ALL
         SELECT held.id, held.customer_id, held.service_id, customer_service_id, held.plan_id,
                customer_services.plan_id, held.ordered_with
           FROM user_services AS held
           JOIN customer_services ON customer_services.id = customer_service_id
          WHERE held.id IN (SELECT value FROM json_each(:users))",
        named_params! { ":customers": of(Level::Customer)?, ":users": of(Level::User)? },
        |row| {
            let below: Option<CustomerServiceId> = row.get("below")?;
            let (service, customer) = (row.get("service_id")?, row.get("customer_id")?);
            let (id, asked) = match below {
                None => {
                    let id: CustomerServiceId = row.get("id")?;
                    let asked = Asked {
                        service,
                        customer,
                        customer_service: Some(id),
                        customer_plan: row.get("plan_id")?,
                        user_service: None,
                        user_plan: None,
                        branch: false,
                    };
                    (HeldId::Customer(id), asked)
                }
                Some(_) => {
                    let id: UserServiceId = row.get("id")?;
                    let asked = Asked {
                        service,
                        customer,
                        customer_service: below,
                        customer_plan: row.get("plan_below")?,
                        user_service: Some(id),
                        user_plan: row.get("plan_id")?,
                        branch: false,
                    };
                    (HeldId::User(id), asked)
                }
            };
            Ok(Standing { id, asked, ordered_with: row.get("ordered_with")? })
        },
    )
}

/// One more reason to be suspended.
pub fn add_reason(tx: &Write, id: HeldId, reason: Reason) -> Result<()> {
    let (customer, user) = columns(id);
    tx.run(
        "INSERT OR IGNORE INTO suspensions (customer_service_id, user_service_id, reason, at, by_id)
         VALUES (:customer, :user, :reason, :now, :by)",
        named_params! {
            ":customer": customer, ":user": user, ":reason": reason, ":now": tx.now, ":by": tx.by.user,
        },
    )?;
    want(tx, id)
}

pub fn drop_reason(tx: &Write, id: HeldId, reason: Reason) -> Result<()> {
    let (customer, user) = columns(id);
    tx.run(
        "DELETE FROM suspensions
          WHERE (customer_service_id = :customer OR user_service_id = :user) AND reason = :reason",
        named_params! { ":customer": customer, ":user": user, ":reason": reason },
    )?;
    want(tx, id)
}

pub fn columns(id: HeldId) -> (Option<CustomerServiceId>, Option<UserServiceId>) {
    match id {
        HeldId::Customer(id) => (Some(id), None),
        HeldId::User(id) => (None, Some(id)),
    }
}

/// Suspended while there is a reason.
fn want(tx: &Write, id: HeldId) -> Result<()> {
    let (customer, user) = columns(id);
    let reasons: i64 = tx.value(
        "SELECT count(*) FROM suspensions WHERE customer_service_id = :customer OR user_service_id = :user",
        named_params! { ":customer": customer, ":user": user },
    )?;
    set_wanted(tx, id, if reasons > 0 { Wanted::Suspended } else { Wanted::On })?;
    Ok(())
}

/// Holds the reseller service, or not.
pub fn set_reseller(tx: &Write, customer: CustomerId, on: bool) -> Result<()> {
    tx.run(
        "UPDATE customers SET reseller = :on, version = version + 1 WHERE id = :customer AND reseller <> :on",
        named_params! { ":customer": customer, ":on": on },
    )?;
    Ok(())
}

/// What outside systems are told of the holder and the service.
pub struct Told {
    pub customer: serde_json::Value,
    pub user: serde_json::Value,
    pub plan: serde_json::Value,
    pub live_plan: Option<String>,
}

pub fn told(db: &Read, held: &Held) -> Result<Told> {
    let customer = rules::told_customer(db, held.customer)?;
    let user = held.user.map(|user| rules::told_user(db, user)).transpose()?;
    let plan = db.maybe(
        "SELECT json_object('code', code, 'name', name, 'sku', sku) AS told FROM plans WHERE id = ?1",
        [held.plan_id],
        json,
    )?;
    let live_plan =
        db.maybe("SELECT code FROM plans WHERE id = ?1", [held.live_plan_id], |row| row.get(0))?;
    Ok(Told { customer, user: user.unwrap_or_default(), plan: plan.unwrap_or_default(), live_plan })
}

fn json(row: &Row) -> rusqlite::Result<serde_json::Value> {
    let text: String = row.get("told")?;
    Ok(serde_json::from_str(&text).unwrap_or_default())
}

/// The service of a customer that makes accounts in its directory, with a plan for users, where the
/// user does not have it: its code, its name, the plan.
pub fn makes_accounts(
    db: &Read,
    customer: CustomerId,
    user: UserId,
) -> Result<Option<(String, String, String)>> {
    db.maybe(
        "SELECT services.code, services.name, plans.code AS plan
           FROM customer_services
           JOIN services ON services.id = customer_services.service_id
           JOIN customer_service_plans ON customer_service_plans.customer_service_id = customer_services.id
           JOIN plans ON plans.id = customer_service_plans.plan_id
          WHERE customer_services.customer_id = :customer AND customer_services.live = 'on'
            AND customer_services.wanted = 'on'
            AND EXISTS (SELECT 1 FROM rules
                         WHERE rules.service_id = services.id AND event = 'user_service.provision'
                           AND action = 'dir.user_ensure')
            AND NOT EXISTS (SELECT 1 FROM user_services
                             WHERE user_services.customer_id = :customer AND user_services.user_id = :user
                               AND user_services.service_id = services.id AND user_services.live <> 'gone')
          ORDER BY customer_services.id, plans.id LIMIT 1",
        named_params! { ":customer": customer, ":user": user },
        |row| Ok((row.get("code")?, row.get("name")?, row.get("plan")?)),
    )
}

/// What a customer or the nearest above it says of a setting.
pub fn said(db: &Read, customer: CustomerId, key: &str) -> Result<Option<String>> {
    db.maybe(
        "SELECT value FROM customer_tree JOIN customer_settings ON customer_id = above AND key = :key
          WHERE below = :customer
          ORDER BY depth LIMIT 1",
        named_params! { ":customer": customer, ":key": key },
        |row| row.get("value"),
    )
}

/// Name and address of whoever is written to at a customer.
pub fn contact(db: &Read, customer: CustomerId) -> Result<Option<(String, String)>> {
    db.maybe(
        "SELECT contact_name, contact_email FROM customers WHERE id = ?1 AND contact_email <> ''",
        [customer],
        |row| Ok((row.get("contact_name")?, row.get("contact_email")?)),
    )
}
