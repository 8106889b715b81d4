use super::{Choice, Credential};
use crate::auth::Scope;
use crate::auth::permissions::ConnectorsRead;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{ConnectorId, CredentialId, CustomerId};
use crate::time::Date;
use crate::web::Paging;
use rusqlite::named_params;

pub fn list(db: &Read, scope: &Scope<ConnectorsRead>, paging: &Paging) -> Result<Vec<Credential>> {
    db.all(
        "SELECT credentials.id, credentials.customer_id, customers.name AS customer_name, credentials.name,
                credentials.expires_on, credentials.changed_at,
                (SELECT coalesce(json_group_array(name), '[]') FROM connectors
                  WHERE credential_id = credentials.id AND state <> 'gone') AS used_by,
                EXISTS (SELECT 1 FROM connectors WHERE credential_id = credentials.id AND kind NOT IN ('ldap', 'scim')) AS own
           FROM credentials
           JOIN customers ON customers.id = credentials.customer_id
          WHERE EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = credentials.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
            AND (credentials.name, credentials.id) > (:after, :after_id)
          ORDER BY credentials.name, credentials.id LIMIT :limit",
        named_params! {
            ":scope": scope, ":after": paging.value(), ":after_id": paging.id(), ":limit": paging.fetch(),
        },
        row,
    )
}

pub fn one<P>(db: &Read, scope: &Scope<P>, id: CredentialId) -> Result<Credential> {
    db.one(
        "SELECT credentials.id, credentials.customer_id, customers.name AS customer_name, credentials.name,
                credentials.expires_on, credentials.changed_at,
                (SELECT coalesce(json_group_array(name), '[]') FROM connectors
                  WHERE credential_id = credentials.id) AS used_by,
                EXISTS (SELECT 1 FROM connectors WHERE credential_id = credentials.id AND kind NOT IN ('ldap', 'scim')) AS own
           FROM credentials
           JOIN customers ON customers.id = credentials.customer_id
          WHERE credentials.id = :id
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = credentials.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":id": id, ":scope": scope },
        row,
    )
}

fn row(row: &rusqlite::Row) -> rusqlite::Result<Credential> {
    let used_by: String = row.get("used_by")?;
    Ok(Credential {
        id: row.get("id")?,
        customer: row.get("customer_id")?,
        customer_name: row.get("customer_name")?,
        name: row.get("name")?,
        expires_on: row.get("expires_on")?,
        changed_at: row.get("changed_at")?,
        used_by: serde_json::from_str(&used_by).unwrap_or_default(),
        own: row.get("own")?,
    })
}

pub fn choices(db: &Read, owner: CustomerId) -> Result<Vec<Choice>> {
    db.all(
        "SELECT id, name FROM credentials
          WHERE customer_id = :owner
            AND NOT EXISTS (SELECT 1 FROM connectors WHERE credential_id = credentials.id AND kind NOT IN ('ldap', 'scim'))
          ORDER BY name",
        named_params! { ":owner": owner },
        |row| Ok(Choice { id: row.get("id")?, name: row.get("name")? }),
    )
}

/// The connectors that sign in with it and are not given up.
pub fn signing_in(db: &Read, id: CredentialId) -> Result<Vec<ConnectorId>> {
    db.all(
        "SELECT id FROM connectors
          WHERE credential_id = ?1 AND kind IN ('ldap', 'scim') AND state <> 'gone'
          ORDER BY id",
        [id],
        |row| row.get("id"),
    )
}

pub fn insert(
    tx: &Write,
    owner: CustomerId,
    name: &str,
    expires_on: Option<Date>,
) -> Result<CredentialId> {
    tx.change(
        "INSERT INTO credentials (customer_id, name, sealed, expires_on, changed_at)
         VALUES (:owner, :name, '', :expires_on, :now) RETURNING id",
        named_params! { ":owner": owner, ":name": name, ":expires_on": expires_on, ":now": tx.now },
    )
}

pub fn seal(tx: &Write, id: CredentialId, sealed: &str) -> Result<()> {
    tx.run(
        "UPDATE credentials SET sealed = :sealed, changed_at = :now WHERE id = :id",
        named_params! { ":id": id, ":sealed": sealed, ":now": tx.now },
    )?;
    Ok(())
}

pub fn update(tx: &Write, id: CredentialId, name: &str, expires_on: Option<Date>) -> Result<()> {
    tx.run(
        "UPDATE credentials SET name = :name, expires_on = :expires_on WHERE id = :id",
        named_params! { ":id": id, ":name": name, ":expires_on": expires_on },
    )?;
    Ok(())
}

/// With a new secret its connectors may work again.
pub fn try_anew(tx: &Write, id: CredentialId) -> Result<()> {
    tx.run(
        "UPDATE connectors
            SET failures = 0, down_until = NULL, down_since = NULL, last_error = '',
                light = NULL, light_text = '', examined_at = NULL
          WHERE credential_id = ?1",
        [id],
    )?;
    Ok(())
}

pub fn delete(tx: &Write, id: CredentialId) -> Result<()> {
    tx.run("DELETE FROM credentials WHERE id = ?1", [id])?;
    Ok(())
}
