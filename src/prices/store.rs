use super::{Customer, NewPrice, PriceList, Priceable, Row, Target, Thing};
use crate::auth::Scope;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, PriceId, PriceListId};
use crate::money::Currency;
use crate::rating::prices::{List, Price, Source};
use crate::rating::{Charge, Kind};
use crate::time::{Date, Zone};
use rusqlite::named_params;

pub fn zone(db: &Read) -> Result<Zone> {
    let name: String = db.value("SELECT time_zone FROM customers WHERE id = 1", [])?;
    Ok(Zone::named(&name).unwrap_or_else(Zone::utc))
}

/// The first day of the first period that is not locked, if periods were made.
pub fn first_open_day(db: &Read) -> Result<Option<Date>> {
    db.one("SELECT min(starts_on) AS day FROM periods WHERE locked_at IS NULL", [], |row| {
        row.get("day")
    })
}

pub fn customer(db: &Read, id: CustomerId) -> Result<Customer> {
    db.one(
        "SELECT id, parent_id, currency, billed_by, customers_billed_by FROM customers WHERE id = ?1",
        [id],
        |row| {
            Ok(Customer {
                id: row.get("id")?,
                parent: row.get("parent_id")?,
                currency: row.get("currency")?,
                billed_by: row.get("billed_by")?,
                customers_billed_by: row.get("customers_billed_by")?,
            })
        },
    )
}

/// Whether a right stands at `seller` or above it: what one sells belongs to where the right stands.
pub fn stands<P>(db: &Read, scope: &Scope<P>, seller: CustomerId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM json_each(:scope) WHERE value / 4 = :seller)
             OR EXISTS (SELECT 1 FROM reach WHERE customer_id = :seller
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":scope": scope, ":seller": seller },
    )
}

fn list_of(row: &rusqlite::Row) -> rusqlite::Result<PriceList> {
    Ok(PriceList {
        id: row.get("id")?,
        seller: row.get("customer_id")?,
        seller_name: row.get("seller_name")?,
        code: row.get("code")?,
        name: row.get("name")?,
        currency: row.get("currency")?,
        main: row.get("main")?,
        markup_bp: row.get("markup_bp")?,
        version: row.get("version")?,
    })
}

/// The lists of whoever the right stands at, and of those it reaches, in the order of the sellers'
/// numbers. There are few: one or two a reseller.
pub fn lists<P>(db: &Read, scope: &Scope<P>, after: i64, limit: i64) -> Result<Vec<PriceList>> {
    db.all(
        "SELECT price_lists.id, customer_id, customers.name AS seller_name, price_lists.code,
                price_lists.name, price_lists.currency, main, markup_bp, price_lists.version
           FROM price_lists JOIN customers ON customers.id = customer_id
          WHERE price_lists.id > :after
            AND (customer_id IN (SELECT value / 4 FROM json_each(:scope))
                 OR EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = price_lists.customer_id
                               AND scope IN (SELECT value FROM json_each(:scope))))
          ORDER BY price_lists.id
          LIMIT :limit",
        named_params! { ":scope": scope, ":after": after, ":limit": limit },
        list_of,
    )
}

pub fn list<P>(db: &Read, scope: &Scope<P>, id: PriceListId) -> Result<PriceList> {
    db.one(
        "SELECT price_lists.id, customer_id, customers.name AS seller_name, price_lists.code,
                price_lists.name, price_lists.currency, main, markup_bp, price_lists.version
           FROM price_lists JOIN customers ON customers.id = customer_id
          WHERE price_lists.id = :id
            AND (customer_id IN (SELECT value / 4 FROM json_each(:scope))
                 OR EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = price_lists.customer_id
                               AND scope IN (SELECT value FROM json_each(:scope))))",
        named_params! { ":scope": scope, ":id": id },
        list_of,
    )
}

pub fn main_list(db: &Read, seller: CustomerId, currency: Currency) -> Result<Option<PriceListId>> {
    db.maybe(
        "SELECT id FROM price_lists WHERE customer_id = ?1 AND currency = ?2 AND main = 1",
        (seller, currency),
        |row| row.get("id"),
    )
}

/// What a new list is.
pub struct NewList<'a> {
    pub seller: CustomerId,
    pub code: &'a str,
    pub name: &'a str,
    pub currency: Currency,
    pub main: bool,
    pub markup_bp: Option<i64>,
}

pub fn insert_list(tx: &Write, new: &NewList) -> Result<PriceListId> {
    tx.change(
        "INSERT INTO price_lists (customer_id, code, name, currency, main, markup_bp)
         VALUES (:seller, :code, :name, :currency, :main, :markup) RETURNING id",
        named_params! {
            ":seller": new.seller, ":code": new.code, ":name": new.name,
            ":currency": new.currency, ":main": new.main, ":markup": new.markup_bp,
        },
    )
}

pub fn update_list(tx: &Write, id: PriceListId, name: &str, markup_bp: Option<i64>) -> Result<i64> {
    tx.change(
        "UPDATE price_lists SET name = :name, markup_bp = :markup, version = version + 1
          WHERE id = :id RETURNING version",
        named_params! { ":id": id, ":name": name, ":markup": markup_bp },
    )
}

fn row_of(row: &rusqlite::Row) -> rusqlite::Result<Row> {
    Ok(Row {
        id: row.get("id")?,
        kind: row.get("kind")?,
        service: row.get("service")?,
        plan: row.get("plan")?,
        charge: row.get("charge")?,
        counting: row.get("counting")?,
        unit_price: row.get("unit_price")?,
        unit_cost: row.get("unit_cost")?,
        sku: row.get("sku")?,
        label: row.get("label")?,
        valid_from: row.get("valid_from")?,
        valid_to: row.get("valid_to")?,
        currency: row.get("currency")?,
    })
}

/// The prices of a list, thing by thing and of each the earliest first.
pub fn of_list(db: &Read, list: PriceListId, after: i64, limit: i64) -> Result<Vec<Row>> {
    db.all(
        "SELECT id, kind, service, plan, charge, counting, unit_price, unit_cost, sku, label,
                valid_from, valid_to, currency
           FROM prices
          WHERE list_id = :list AND id > :after
          ORDER BY id
          LIMIT :limit",
        named_params! { ":list": list, ":after": after, ":limit": limit },
        row_of,
    )
}

/// What `seller` overrides for `buyer`.
pub fn overrides(db: &Read, seller: CustomerId, buyer: CustomerId) -> Result<Vec<Row>> {
    db.all(
        "SELECT id, kind, service, plan, charge, counting, unit_price, unit_cost, sku, label,
                valid_from, valid_to, currency
           FROM prices
          WHERE buyer_id = :buyer AND seller_id = :seller
          ORDER BY id",
        named_params! { ":buyer": buyer, ":seller": seller },
        row_of,
    )
}

pub fn price(db: &Read, target: &Target, id: PriceId) -> Result<Row> {
    let (list, seller, buyer) = target.columns();
    db.one(
        "SELECT id, kind, service, plan, charge, counting, unit_price, unit_cost, sku, label,
                valid_from, valid_to, currency
           FROM prices
          WHERE id = :id AND list_id IS :list AND seller_id = :seller AND buyer_id IS :buyer",
        named_params! { ":id": id, ":list": list, ":seller": seller, ":buyer": buyer },
        row_of,
    )
}

pub fn insert(tx: &Write, target: &Target, new: &NewPrice, valid_from: Date) -> Result<PriceId> {
    let (list, seller, buyer) = target.columns();
    tx.change(
        "INSERT INTO prices (list_id, seller_id, buyer_id, currency, kind, service, plan, charge, counting,
                             unit_price, unit_cost, sku, label, valid_from, created_at, created_by)
         VALUES (:list, :seller, :buyer, :currency, :kind, :service, :plan, :charge, :counting,
                 :price, :cost, :sku, :label, :from, :now, :by)
         RETURNING id",
        named_params! {
            ":list": list, ":seller": seller, ":buyer": buyer, ":currency": target.currency(),
            ":kind": new.kind, ":service": new.service, ":plan": new.plan, ":charge": new.charge,
            ":counting": new.counting, ":price": new.unit_price, ":cost": new.unit_cost,
            ":sku": new.sku, ":label": new.label, ":from": valid_from,
            ":now": tx.now, ":by": tx.by.user,
        },
    )
}

pub fn delete(tx: &Write, id: PriceId) -> Result<PriceId> {
    tx.change("DELETE FROM prices WHERE id = ?1 RETURNING id", [id])
}

/// Whether the catalogue has it; prices name services and plans by code.
pub fn is_sold(db: &Read, kind: Kind, service: &str, plan: Option<&str>) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM services
                         WHERE code = :service AND (:kind <> 'user_service' OR kind = 'user')
                           AND (:plan IS NULL OR EXISTS (
                                SELECT 1 FROM plans WHERE service_id = services.id AND code = :plan
                                   AND level = CASE :kind WHEN 'user_service' THEN 'user' ELSE 'customer' END)))",
        named_params! { ":service": service, ":plan": plan, ":kind": kind },
    )
}

/// The lists of `sellers` (a JSON list of numbers), or all.
pub fn book_lists(db: &Read, sellers: Option<&str>) -> Result<Vec<List>> {
    db.all(
        "SELECT id, customer_id, currency, main, markup_bp
           FROM price_lists
          WHERE :sellers IS NULL OR customer_id IN (SELECT value FROM json_each(:sellers))",
        named_params! { ":sellers": sellers },
        |row| {
            Ok(List {
                id: row.get("id")?,
                seller_id: row.get("customer_id")?,
                currency: row.get("currency")?,
                main: row.get("main")?,
                markup_bp: row.get("markup_bp")?,
            })
        },
    )
}

pub fn book_prices(db: &Read, sellers: Option<&str>) -> Result<Vec<Price>> {
    db.all(
        "SELECT id, list_id, seller_id, buyer_id, currency, kind, service, plan, charge, counting,
                unit_price, unit_cost, sku, label, valid_from, valid_to
           FROM prices
          WHERE :sellers IS NULL OR seller_id IN (SELECT value FROM json_each(:sellers))",
        named_params! { ":sellers": sellers },
        |row| {
            let list: Option<PriceListId> = row.get("list_id")?;
            let source = match list {
                Some(list) => Source::List(list),
                None => Source::Override(row.get("buyer_id")?, None),
            };
            Ok(Price {
                id: row.get("id")?,
                source,
                seller_id: row.get("seller_id")?,
                currency: row.get("currency")?,
                kind: row.get("kind")?,
                service: row.get("service")?,
                plan: row.get("plan")?,
                charge: row.get("charge")?,
                counting: row.get("counting")?,
                unit_price: row.get("unit_price")?,
                unit_cost: row.get("unit_cost")?,
                sku: row.get("sku")?,
                label: row.get("label")?,
                valid_from: row.get("valid_from")?,
                valid_to: row.get("valid_to")?,
            })
        },
    )
}

/// The prices a plan has in a list, the earliest first.
pub fn of_plan(
    db: &Read,
    list: PriceListId,
    service: &str,
    plan: &str,
    charge: Charge,
) -> Result<Vec<Row>> {
    db.all(
        "SELECT id, kind, service, plan, charge, counting, unit_price, unit_cost, sku, label,
                valid_from, valid_to, currency
           FROM prices
          WHERE list_id = :list AND service = :service AND plan = :plan COLLATE NOCASE AND charge = :charge
          ORDER BY valid_from",
        named_params! { ":list": list, ":service": service, ":plan": plan, ":charge": charge },
        row_of,
    )
}

/// What can be priced: services with their plans, by name.
pub fn priceable(db: &Read) -> Result<Vec<Priceable>> {
    db.all(
        "SELECT services.code AS service, services.name AS service_name, services.kind,
                plans.code AS plan, plans.name AS plan_name, plans.level
           FROM services LEFT JOIN plans ON plans.service_id = services.id
          WHERE builtin = 0
          ORDER BY services.name COLLATE NOCASE, plans.sort, plans.id",
        [],
        |row| {
            Ok(Priceable {
                service: row.get("service")?,
                service_name: row.get("service_name")?,
                plan: row.get("plan")?,
                plan_name: row.get("plan_name")?,
                by_user: match row.get::<_, Option<String>>("level")? {
                    Some(level) => level == "user",
                    None => false,
                },
            })
        },
    )
}

/// Whether it sells to anybody: the provider, and whoever is a reseller.
pub fn sells(db: &Read, seller: CustomerId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM customers WHERE id = ?1 AND (reseller = 1 OR id = 1))",
        [seller],
    )
}

/// All prices of one thing, the earliest first.
pub fn of_thing(db: &Read, target: &Target, thing: &Thing) -> Result<Vec<Row>> {
    let (list, seller, buyer) = target.columns();
    db.all(
        "SELECT id, kind, service, plan, charge, counting, unit_price, unit_cost, sku, label,
                valid_from, valid_to, currency
           FROM prices
          WHERE list_id IS :list AND seller_id = :seller AND buyer_id IS :buyer AND currency = :currency
            AND kind = :kind AND service IS :service AND plan IS :plan AND charge = :charge
          ORDER BY valid_from",
        named_params! {
            ":list": list, ":seller": seller, ":buyer": buyer, ":currency": target.currency(),
            ":kind": thing.kind, ":service": thing.service, ":plan": thing.plan, ":charge": thing.charge,
        },
        row_of,
    )
}
