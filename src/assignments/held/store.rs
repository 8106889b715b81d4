use super::{Held, HeldId, Last};
use crate::assignments::state::Open;
use crate::auth::Scope;
use crate::catalogue::{Level, Need};
use crate::db::Read;
use crate::error::{Error, Result};
use crate::ids::{CustomerId, CustomerServiceId, RequestId, UserId, UserServiceId};
use crate::web::Paging;
use rusqlite::{Row, named_params};

pub fn customer_service<P>(
    db: &Read,
    scope: &Scope<P>,
    customer: CustomerId,
    id: CustomerServiceId,
) -> Result<Held> {
    db.one(
        "SELECT level, id, customer_id, user_id, customer_service_id, service_id, code, name, kind, multi, builtin,
                plan_id, plan, plan_name, label, wanted, live, live_plan_id, version, created_at, reasons, open_id,
                last_id, last_status, last_reason, users
           FROM assignments
          WHERE level = 'customer' AND id = :id AND customer_id = :customer AND live <> 'gone'
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = assignments.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":id": id, ":customer": customer, ":scope": scope },
        held,
    )
}

pub fn user_service<P>(
    db: &Read,
    scope: &Scope<P>,
    user: UserId,
    id: UserServiceId,
) -> Result<Held> {
    db.one(
        "SELECT level, id, customer_id, user_id, customer_service_id, service_id, code, name, kind, multi, builtin,
                plan_id, plan, plan_name, label, wanted, live, live_plan_id, version, created_at, reasons, open_id,
                last_id, last_status, last_reason, users
           FROM assignments
          WHERE level = 'user' AND id = :id AND user_id = :user AND live <> 'gone'
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = assignments.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":id": id, ":user": user, ":scope": scope },
        held,
    )
}

/// By the service's name.
pub fn of_customer<P>(
    db: &Read,
    scope: &Scope<P>,
    customer: CustomerId,
    paging: &Paging,
) -> Result<Vec<Held>> {
    db.all(
        "SELECT level, id, customer_id, user_id, customer_service_id, service_id, code, name, kind, multi, builtin,
                plan_id, plan, plan_name, label, wanted, live, live_plan_id, version, created_at, reasons, open_id,
                last_id, last_status, last_reason, users
           FROM assignments
          WHERE level = 'customer' AND customer_id = :customer AND live <> 'gone'
            AND (name COLLATE NOCASE, id) > (:after, :after_id)
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = assignments.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY name COLLATE NOCASE, id
          LIMIT :most",
        named_params! {
            ":customer": customer, ":scope": scope, ":after": paging.value(), ":after_id": paging.id(),
            ":most": paging.fetch(),
        },
        held,
    )
}

/// The same for a user.
pub fn of_user<P>(db: &Read, scope: &Scope<P>, user: UserId, paging: &Paging) -> Result<Vec<Held>> {
    db.all(
        "SELECT level, id, customer_id, user_id, customer_service_id, service_id, code, name, kind, multi, builtin,
                plan_id, plan, plan_name, label, wanted, live, live_plan_id, version, created_at, reasons, open_id,
                last_id, last_status, last_reason, users
           FROM assignments
          WHERE level = 'user' AND user_id = :user AND live <> 'gone'
            AND (name COLLATE NOCASE, id) > (:after, :after_id)
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = assignments.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY name COLLATE NOCASE, id
          LIMIT :most",
        named_params! {
            ":user": user, ":scope": scope, ":after": paging.value(), ":after_id": paging.id(),
            ":most": paging.fetch(),
        },
        held,
    )
}

/// What Portico itself reads of an assignment, whoever's it is: in work that was ordered before.
pub fn any(db: &Read, id: HeldId) -> Result<Held> {
    any_kept(db, id)?.ok_or(Error::NotFound)
}

pub fn any_kept(db: &Read, id: HeldId) -> Result<Option<Held>> {
    db.maybe(
        "SELECT level, id, customer_id, user_id, customer_service_id, service_id, code, name, kind, multi, builtin,
                plan_id, plan, plan_name, label, wanted, live, live_plan_id, version, created_at, reasons, open_id,
                last_id, last_status, last_reason, users
           FROM assignments
          WHERE level = :level AND id = :id",
        named_params! { ":level": id.level(), ":id": id.number() },
        held,
    )
}

/// The user services that stand on a customer's service and are not gone.
pub fn users_of(db: &Read, id: CustomerServiceId, most: i64) -> Result<Vec<Held>> {
    db.all(
        "SELECT level, id, customer_id, user_id, customer_service_id, service_id, code, name, kind, multi, builtin,
                plan_id, plan, plan_name, label, wanted, live, live_plan_id, version, created_at, reasons, open_id,
                last_id, last_status, last_reason, users
           FROM assignments
          WHERE level = 'user' AND customer_service_id = :id AND live <> 'gone'
          ORDER BY id
          LIMIT :most",
        named_params! { ":id": id, ":most": most },
        held,
    )
}

fn held(row: &Row) -> rusqlite::Result<Held> {
    let number: i64 = row.get("id")?;
    let id = match row.get::<_, Level>("level")? {
        Level::User => HeldId::User(UserServiceId(number)),
        Level::Customer => HeldId::Customer(CustomerServiceId(number)),
    };
    let reasons: String = row.get("reasons")?;
    let open: Option<RequestId> = row.get("open_id")?;
    let last: Option<RequestId> = row.get("last_id")?;
    let last = match last {
        Some(request) => {
            let (status, reason) = (row.get("last_status")?, row.get("last_reason")?);
            Some(Last { request, status, reason })
        }
        None => None,
    };
    let waits = last.as_ref().is_some_and(|last| last.status == "waiting_approval");
    Ok(Held {
        id,
        customer: row.get("customer_id")?,
        user: row.get("user_id")?,
        customer_service: row.get("customer_service_id")?,
        service: row.get("service_id")?,
        code: row.get("code")?,
        name: row.get("name")?,
        by_user: row.get::<_, Level>("kind")? == Level::User,
        multi: row.get("multi")?,
        builtin: row.get("builtin")?,
        plan_id: row.get("plan_id")?,
        plan: row.get("plan")?,
        plan_name: row.get("plan_name")?,
        label: row.get("label")?,
        wanted: row.get("wanted")?,
        live: row.get("live")?,
        live_plan_id: row.get("live_plan_id")?,
        version: row.get("version")?,
        since: row.get("created_at")?,
        reasons: reasons.split(',').filter_map(|word| word.parse().ok()).collect(),
        open: open.map(|request| Open { request, waits_for_approval: waits }),
        last,
        users: row.get("users")?,
    })
}

/// What disabling a user touches.
pub fn ids_of_user(db: &Read, user: UserId) -> Result<Vec<HeldId>> {
    db.all(
        "SELECT id FROM user_services WHERE user_id = :user AND live <> 'gone' ORDER BY id",
        named_params! { ":user": user },
        |row| Ok(HeldId::User(row.get("id")?)),
    )
}

pub fn ever_had_any(db: &Read, user: UserId) -> Result<bool> {
    db.value("SELECT EXISTS (SELECT 1 FROM user_services WHERE user_id = ?1)", [user])
}

/// What disabling a customer touches: its users' services, then its own.
pub fn ids_of_customer(db: &Read, customer: CustomerId) -> Result<Vec<HeldId>> {
    let mut ids = db.all(
        "SELECT id FROM user_services WHERE customer_id = :customer AND live <> 'gone' ORDER BY id",
        named_params! { ":customer": customer },
        |row| Ok(HeldId::User(row.get("id")?)),
    )?;
    ids.extend(db.all(
        "SELECT id FROM customer_services WHERE customer_id = :customer AND live <> 'gone' ORDER BY id",
        named_params! { ":customer": customer },
        |row| Ok(HeldId::Customer(row.get("id")?)),
    )?);
    Ok(ids)
}

/// The user services that go because a customer's does, in one order.
pub fn going_along(db: &Read, held: &Held) -> Result<Vec<Held>> {
    let HeldId::Customer(id) = held.id else { return Ok(Vec::new()) };
    db.all(
        "SELECT level, id, customer_id, user_id, customer_service_id, service_id, code, name, kind, multi, builtin,
                plan_id, plan, plan_name, label, wanted, live, live_plan_id, version, created_at, reasons, open_id,
                last_id, last_status, last_reason, users
           FROM assignments
          WHERE level = 'user' AND customer_service_id = :id AND wanted = 'gone' AND live <> 'gone'
            AND last_id IN (SELECT id FROM requests WHERE parent_id = :request)
          ORDER BY id",
        named_params! { ":id": id, ":request": held.last.as_ref().map(|last| last.request) },
        self::held,
    )
}

/// Whether the same holder has `other`, apart from `held` itself.
pub fn holds_beside(db: &Read, held: &Held, other: &Need) -> Result<bool> {
    let (other, at) = (other.service.id, other.at);
    match held.id {
        // The customer goes on holding it.
        HeldId::User(_) if at == Level::Customer => Ok(false),
        HeldId::User(_) => db.value(
            "SELECT EXISTS (SELECT 1 FROM user_services
                             WHERE user_id = :user AND service_id = :other AND wanted <> 'gone')",
            named_params! { ":user": held.user, ":other": other },
        ),
        HeldId::Customer(_) => db.value(
            "SELECT EXISTS (SELECT 1 FROM customer_services
                             WHERE customer_id = :customer AND service_id = :other AND wanted <> 'gone')",
            named_params! { ":customer": held.customer, ":other": other },
        ),
    }
}
