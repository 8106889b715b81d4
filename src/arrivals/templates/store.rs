//! The rows of templates.

use super::{NewTemplate, Template};
use crate::auth::Scope;
use crate::auth::permissions::UsersTemplates;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, TemplateId};
use rusqlite::{Row, named_params};

pub fn list(
    db: &Read,
    scope: &Scope<UsersTemplates>,
    customer: CustomerId,
) -> Result<Vec<Template>> {
    scope.reaches(db, customer)?;
    db.all(
        "SELECT id, customer_id, label, reach, fields, services, roles, days, version
           FROM user_templates
          WHERE customer_id = :customer
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = :customer
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY label LIMIT 500",
        named_params! { ":customer": customer, ":scope": scope },
        template,
    )
}

/// Own ones, and those of anybody above that are for those below.
pub fn usable(db: &Read, customer: CustomerId) -> Result<Vec<Template>> {
    db.all(
        "SELECT id, customer_id, label, user_templates.reach, fields, services, roles, days, version
           FROM customer_tree CROSS JOIN user_templates ON user_templates.customer_id = above
          WHERE below = :customer
            AND CASE depth WHEN 0 THEN user_templates.reach <> 'below' ELSE user_templates.reach <> 'self' END
          ORDER BY depth, label LIMIT 500",
        named_params! { ":customer": customer },
        template,
    )
}

pub fn one(
    db: &Read,
    scope: &Scope<UsersTemplates>,
    customer: CustomerId,
    id: TemplateId,
) -> Result<Template> {
    db.one(
        "SELECT id, customer_id, label, reach, fields, services, roles, days, version
           FROM user_templates
          WHERE id = :id AND customer_id = :customer
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = :customer
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":id": id, ":customer": customer, ":scope": scope },
        template,
    )
}

fn template(row: &Row) -> rusqlite::Result<Template> {
    let json = |name: &str| row.get::<_, String>(name);
    Ok(Template {
        id: row.get("id")?,
        customer_id: row.get("customer_id")?,
        label: row.get("label")?,
        reach: row.get("reach")?,
        fields: serde_json::from_str(&json("fields")?).unwrap_or_default(),
        services: serde_json::from_str(&json("services")?).unwrap_or_default(),
        roles: serde_json::from_str(&json("roles")?).unwrap_or_default(),
        days: row.get("days")?,
        version: row.get("version")?,
    })
}

pub fn insert(
    tx: &Write,
    scope: &Scope<UsersTemplates>,
    customer: CustomerId,
    new: &NewTemplate,
) -> Result<TemplateId> {
    tx.change(
        "INSERT INTO user_templates (customer_id, label, reach, fields, services, roles, days)
         SELECT :customer, :label, :reach, :fields, :services, :roles, :days
          WHERE EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = :customer
                           AND scope IN (SELECT value FROM json_each(:scope)))
         RETURNING id",
        named_params! {
            ":customer": customer, ":label": new.label, ":reach": new.reach,
            ":fields": serde_json::to_string(&new.fields)?, ":services": serde_json::to_string(&new.services)?,
            ":roles": serde_json::to_string(&new.roles)?, ":days": new.days, ":scope": scope,
        },
    )
}

pub fn update(
    tx: &Write,
    scope: &Scope<UsersTemplates>,
    customer: CustomerId,
    id: TemplateId,
    new: &NewTemplate,
) -> Result<i64> {
    tx.change(
        "UPDATE user_templates
            SET label = :label, reach = :reach, fields = :fields, services = :services, roles = :roles,
                days = :days, version = version + 1
          WHERE id = :id AND customer_id = :customer
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = :customer
                           AND scope IN (SELECT value FROM json_each(:scope)))
         RETURNING id",
        named_params! {
            ":id": id, ":customer": customer, ":label": new.label, ":reach": new.reach,
            ":fields": serde_json::to_string(&new.fields)?, ":services": serde_json::to_string(&new.services)?,
            ":roles": serde_json::to_string(&new.roles)?, ":days": new.days, ":scope": scope,
        },
    )
}

pub fn delete(
    tx: &Write,
    scope: &Scope<UsersTemplates>,
    customer: CustomerId,
    id: TemplateId,
) -> Result<i64> {
    tx.change(
        "DELETE FROM user_templates
          WHERE id = :id AND customer_id = :customer
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = :customer
                           AND scope IN (SELECT value FROM json_each(:scope)))
         RETURNING id",
        named_params! { ":id": id, ":customer": customer, ":scope": scope },
    )
}
