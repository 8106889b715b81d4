//! The rows of custom properties and of their values.

use super::define::Definition;
use super::values::Kept;
use super::{Holder, Property, SeenBy};
use crate::auth::Scope;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomPropertyId, CustomerId, UserId};
use crate::kinds::Type;
use rusqlite::{Row, named_params};
use serde_json::Value;

/// What defines a property, and who did.
macro_rules! definition {
    ($rest:literal) => {
        concat!(
            "SELECT custom_properties.id, custom_properties.customer_id, subject, key, label, help, category, sort,
                    reach, custom_properties.type AS kind, validation, required, seen_by, archived_at,
                    (SELECT customers.name FROM customers WHERE customers.id = custom_properties.customer_id) AS owner",
            $rest
        )
    };
}

/// Of those of one key the nearest comes first, and the others not at all.
const KEPT: &str = definition!(
    ", coalesce((SELECT custom_values.value FROM custom_values
                  WHERE custom_values.user_id = :user AND custom_values.property_id = custom_properties.id),
                (SELECT custom_values.value FROM custom_values
                  WHERE NOT :new AND subject = 'customer' AND custom_values.user_id IS NULL
                    AND custom_values.customer_id = :customer
                    AND custom_values.property_id = custom_properties.id)) AS value
       FROM customer_tree JOIN custom_properties ON custom_properties.customer_id = customer_tree.above
      WHERE customer_tree.below = :customer AND subject = :subject
        AND CASE reach WHEN 'self' THEN depth + :steps = 0 WHEN 'below' THEN depth + :steps > 0 ELSE 1 END
        AND NOT EXISTS (SELECT 1 FROM customer_tree AS nearer
                          JOIN custom_properties AS twin ON twin.customer_id = nearer.above AND twin.key = custom_properties.key
                         WHERE nearer.below = :customer AND nearer.depth < customer_tree.depth
                           AND CASE twin.reach WHEN 'self' THEN nearer.depth + :steps = 0
                                           WHEN 'below' THEN nearer.depth + :steps > 0 ELSE 1 END)
      ORDER BY category COLLATE NOCASE, sort, label COLLATE NOCASE"
);

const OWN: &str = definition!(
    " FROM custom_properties
      WHERE custom_properties.customer_id = :customer
      ORDER BY subject, category COLLATE NOCASE, sort, label COLLATE NOCASE"
);

pub fn kept(db: &Read, holder: &Holder) -> Result<Vec<Kept>> {
    let rows = db.all(
        KEPT,
        named_params! {
            ":customer": holder.customer, ":subject": holder.subject, ":user": holder.user, ":new": holder.new,
            ":steps": holder.steps(),
        },
        |row| Ok((property(row)?, row.get::<_, Option<String>>("value")?)),
    )?;
    let mut all = Vec::new();
    for (property, value) in rows {
        let value: Option<Value> = value.as_deref().map(serde_json::from_str).transpose()?;
        let named = match (&value, property.kind) {
            (Some(value), Type::User) => called(db, UserId(value.as_i64().unwrap_or_default()))?,
            _ => None,
        };
        all.push(Kept { property, value, named });
    }
    Ok(all)
}

/// The keys of what customers in scope may have, as far as they are seen from it.
pub fn keys<P>(db: &Read, scope: &Scope<P>, home: CustomerId) -> Result<Vec<String>> {
    db.all(
        "SELECT DISTINCT key FROM custom_properties
          WHERE subject = 'customer' AND archived_at IS NULL
            AND (customer_id IN (SELECT customer_id FROM reach WHERE scope IN (SELECT value FROM json_each(:scope)))
                 OR customer_id IN (SELECT above FROM customer_tree WHERE below = :home))
            AND (seen_by <> 'above'
                 OR EXISTS (SELECT 1 FROM json_each(:scope) AS code JOIN customer_tree ON above = code.value / 4
                             WHERE code.value % 4 IN (2, 3) AND depth > 0))
          ORDER BY key",
        named_params! { ":scope": scope, ":home": home },
        |row| row.get(0),
    )
}

/// What one of many customers has of a property.
pub struct Said {
    pub customer: i64,
    pub key: String,
    pub seen_by: SeenBy,
    pub kind: Type,
    /// JSON; a user by sign-in name.
    pub value: String,
}

/// What customers have of those, the nearest definition last.
pub fn of_many(db: &Read, ids: &[i64]) -> Result<Vec<Said>> {
    db.all(
        "SELECT custom_values.customer_id AS customer, key, seen_by, custom_properties.type AS kind,
                CASE custom_properties.type
                     WHEN 'user' THEN json_quote((SELECT upn FROM users WHERE users.id = CAST(custom_values.value AS INTEGER)))
                     ELSE custom_values.value END AS value
           FROM custom_values
           JOIN custom_properties ON custom_properties.id = custom_values.property_id
           JOIN customer_tree ON customer_tree.below = custom_values.customer_id
                             AND customer_tree.above = custom_properties.customer_id
          WHERE custom_values.customer_id IN (SELECT value FROM json_each(:ids)) AND custom_values.user_id IS NULL
            AND subject = 'customer' AND archived_at IS NULL
          ORDER BY custom_values.customer_id, depth DESC",
        named_params! { ":ids": serde_json::to_string(ids)? },
        |row| {
            Ok(Said {
                customer: row.get("customer")?,
                key: row.get("key")?,
                seen_by: row.get("seen_by")?,
                kind: row.get("kind")?,
                value: row.get("value")?,
            })
        },
    )
}

pub fn own(db: &Read, customer: CustomerId) -> Result<Vec<Property>> {
    db.all(OWN, named_params! { ":customer": customer }, property)
}

fn property(row: &Row) -> rusqlite::Result<Property> {
    let validation: String = row.get("validation")?;
    Ok(Property {
        id: row.get("id")?,
        customer: row.get("customer_id")?,
        owner: row.get("owner")?,
        subject: row.get("subject")?,
        key: row.get("key")?,
        label: row.get("label")?,
        help: row.get("help")?,
        category: row.get("category")?,
        sort: row.get("sort")?,
        reach: row.get("reach")?,
        kind: row.get("kind")?,
        validation: serde_json::from_str(&validation).unwrap_or_default(),
        required: row.get("required")?,
        seen_by: row.get("seen_by")?,
        archived_at: row.get("archived_at")?,
    })
}

/// Name and sign-in name.
fn called(db: &Read, id: UserId) -> Result<Option<(String, String)>> {
    db.maybe(
        "SELECT display_name, coalesce(upn, '') AS upn FROM users WHERE id = ?1",
        [id],
        |row| Ok((row.get("display_name")?, row.get("upn")?)),
    )
}

/// The user that `text` names by id or sign-in name: of the customer itself, or, for those who stand
/// above, of one between it and whoever defined the property, within their reach or their own.
pub fn person<P>(
    db: &Read,
    wide: Option<&Scope<P>>,
    customer: CustomerId,
    owner: CustomerId,
    text: &str,
) -> Result<Option<UserId>> {
    let found: Option<(UserId, CustomerId)> = db.maybe(
        "SELECT id, customer_id FROM users
          WHERE id = coalesce((SELECT user_id FROM user_names WHERE name = lower(:text)),
                              CASE WHEN :text NOT GLOB '*[^0-9]*' THEN CAST(:text AS INTEGER) END)
            AND state NOT IN ('deleted', 'purged')",
        named_params! { ":text": text },
        |row| Ok((row.get("id")?, row.get("customer_id")?)),
    )?;
    let Some((id, home)) = found else { return Ok(None) };
    if home == customer {
        return Ok(Some(id));
    }
    let Some(scope) = wide else { return Ok(None) };
    let near: bool = db.value(
        "SELECT EXISTS (SELECT 1 FROM customer_tree AS up
                          JOIN customer_tree AS down ON down.above = :owner AND down.below = up.above
                         WHERE up.below = :customer AND up.above = :home)
            AND (EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = :home
                            AND scope IN (SELECT value FROM json_each(:scope)))
                 OR EXISTS (SELECT 1 FROM users WHERE users.id = :by AND users.customer_id = :home))",
        named_params! {
            ":owner": owner, ":customer": customer, ":home": home, ":scope": scope, ":by": scope.by.user,
        },
    )?;
    Ok(near.then_some(id))
}

/// Whether the user belongs to a customer above this one.
pub fn stands_above(db: &Read, user: UserId, customer: CustomerId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM users JOIN customer_tree ON above = users.customer_id
                         WHERE users.id = :user AND below = :customer AND depth > 0)",
        named_params! { ":user": user, ":customer": customer },
    )
}

/// Whether somebody at, above or below the customer has a property of that key.
pub fn is_used_along(db: &Read, customer: CustomerId, key: &str) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM customer_tree JOIN custom_properties ON custom_properties.customer_id = above
                         WHERE below = :customer AND key = :key)
             OR EXISTS (SELECT 1 FROM custom_properties JOIN customer_tree ON below = custom_properties.customer_id
                         WHERE key = :key AND above = :customer)",
        named_params! { ":customer": customer, ":key": key },
    )
}

pub fn insert(tx: &Write, customer: CustomerId, new: &Definition) -> Result<CustomPropertyId> {
    tx.change(
        "INSERT INTO custom_properties (customer_id, subject, key, label, help, category, sort, reach, type, validation,
                                        required, seen_by, created_at, created_by)
         VALUES (:customer, :subject, :key, :label, :help, :category, :sort, :reach, :type, :validation,
                 :required, :seen_by, :now, :by)
         RETURNING id",
        named_params! {
            ":customer": customer, ":subject": new.subject, ":key": new.key, ":label": new.label,
            ":help": new.help, ":category": new.category, ":sort": new.sort, ":reach": new.reach,
            ":type": new.kind, ":validation": serde_json::to_string(&new.validation)?,
            ":required": new.required, ":seen_by": new.seen_by, ":now": tx.now, ":by": tx.by.user,
        },
    )
}

pub fn update(tx: &Write, id: CustomPropertyId, new: &Definition) -> Result<CustomPropertyId> {
    tx.change(
        "UPDATE custom_properties
            SET subject = :subject, label = :label, help = :help, category = :category, sort = :sort, reach = :reach,
                type = :type, validation = :validation, required = :required, seen_by = :seen_by,
                archived_at = CASE WHEN :archived THEN coalesce(archived_at, :now) END
          WHERE id = :id RETURNING id",
        named_params! {
            ":id": id, ":subject": new.subject, ":label": new.label, ":help": new.help,
            ":category": new.category, ":sort": new.sort, ":reach": new.reach, ":type": new.kind,
            ":validation": serde_json::to_string(&new.validation)?, ":required": new.required,
            ":seen_by": new.seen_by, ":archived": new.archived, ":now": tx.now,
        },
    )
}

pub fn delete(tx: &Write, id: CustomPropertyId) -> Result<usize> {
    tx.run("DELETE FROM custom_properties WHERE id = ?1", [id])
}

pub fn uses(db: &Read, id: CustomPropertyId) -> Result<i64> {
    db.value("SELECT count(*) FROM custom_values WHERE property_id = ?1", [id])
}

pub fn erase(tx: &Write, id: CustomPropertyId) -> Result<usize> {
    tx.run("DELETE FROM custom_values WHERE property_id = ?1", [id])
}

pub fn put(
    tx: &Write,
    holder: &Holder,
    property: CustomPropertyId,
    value: &Value,
    person: Option<UserId>,
) -> Result<usize> {
    remove(tx, holder, property)?;
    tx.run(
        "INSERT INTO custom_values (property_id, customer_id, user_id, value, person_id)
         VALUES (:property, :customer, :user, :value, :person)",
        named_params! {
            ":property": property, ":customer": holder.customer, ":user": holder.user,
            ":value": value.to_string(), ":person": person,
        },
    )
}

pub fn remove(tx: &Write, holder: &Holder, property: CustomPropertyId) -> Result<()> {
    let params = named_params! {
        ":property": property, ":customer": holder.customer, ":user": holder.user,
    };
    tx.run(
        "DELETE FROM custom_values
          WHERE property_id = :property AND customer_id = :customer AND user_id IS :user",
        params,
    )?;
    Ok(())
}
