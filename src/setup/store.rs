//! The rows an installation begins with.

use crate::db::{Read, Write};
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::money::Currency;
use rusqlite::named_params;

pub fn is_empty(db: &Read) -> Result<bool> {
    db.value("SELECT NOT EXISTS (SELECT 1 FROM customers)", [])
}

pub fn provider(
    tx: &Write,
    organisation: &str,
    code: &str,
    contact: &str,
    email: &str,
    zone: &str,
    currency: Currency,
) -> Result<()> {
    tx.run(
        "INSERT INTO customers (id, code, name, contact_name, contact_email, time_zone, currency,
                                created_at, changed_at)
         VALUES (1, :code, :name, :contact, :email, :zone, :currency, :now, :now)",
        named_params! {
            ":code": code, ":name": organisation, ":contact": contact, ":email": email,
            ":zone": zone, ":currency": currency, ":now": tx.now,
        },
    )?;
    Ok(())
}

/// The provider's own domain needs no proof: whoever sets up owns the installation.
pub fn domain(tx: &Write, name: &str) -> Result<()> {
    tx.run(
        "INSERT INTO domains (id, customer_id, name, verified_at, created_at) VALUES (1, 1, ?1, ?2, ?2)",
        (name, tx.now),
    )?;
    tx.run("INSERT INTO customer_domains (customer_id, domain_id, main) VALUES (1, 1, 1)", [])?;
    Ok(())
}

pub fn administrator(tx: &Write, name: &str, upn: &str, hash: &str) -> Result<UserId> {
    let user: UserId = tx.change(
        "INSERT INTO users (customer_id, upn, mail, display_name, main_contact, password_hash, password_set_at,
                            created_at, changed_at)
         VALUES (1, :upn, :upn, :name, 1, :hash, :now, :now, :now) RETURNING id",
        named_params! { ":upn": upn, ":name": name, ":hash": hash, ":now": tx.now },
    )?;
    tx.run(
        "INSERT INTO user_names (name, customer_id, domain_id, user_id) VALUES (?1, 1, 1, ?2)",
        (upn, user),
    )?;
    let granted = tx.run(
        "INSERT INTO role_grants (user_id, role_id, at_id, granted_at)
         SELECT ?1, id, 1, ?2 FROM roles WHERE customer_id IS NULL AND name = 'Provider administrator'",
        (user, tx.now),
    )?;
    if granted == 1 { Ok(user) } else { Err(Error::internal("the shipped roles are missing")) }
}
