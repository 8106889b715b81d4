use super::{Contact, ContactId, Draft, For};
use crate::auth::Scope;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use rusqlite::{Row, named_params};

pub fn all<P>(db: &Read, scope: &Scope<P>, customer: CustomerId) -> Result<Vec<Contact>> {
    scope.reaches(db, customer)?;
    db.all(
        "SELECT customer_contacts.id, user_id, coalesce(display_name, name) AS name, coalesce(mail, email) AS email,
                billing, technical, owner, security
           FROM customer_contacts LEFT JOIN users ON users.id = user_id
          WHERE customer_contacts.customer_id = :customer
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = :customer
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY 3 COLLATE NOCASE, customer_contacts.id",
        named_params! { ":customer": customer, ":scope": scope },
        contact,
    )
}

fn contact(row: &Row) -> rusqlite::Result<Contact> {
    let mut told = Vec::new();
    for each in For::ALL {
        if row.get(each.word())? {
            told.push(*each);
        }
    }
    Ok(Contact {
        id: row.get("id")?,
        user: row.get("user_id")?,
        name: row.get("name")?,
        email: row.get("email")?,
        told,
    })
}

pub fn told(db: &Read, customer: CustomerId, what: For) -> Result<Vec<(String, String)>> {
    db.all(
        "SELECT coalesce(display_name, name) AS name, coalesce(mail, email) AS email
           FROM customer_contacts LEFT JOIN users ON users.id = user_id
          WHERE customer_contacts.customer_id = :customer
            AND CASE :what WHEN 'billing' THEN billing WHEN 'technical' THEN technical
                           WHEN 'owner' THEN owner ELSE security END
            AND (user_id IS NULL OR users.state = 'active')
          ORDER BY customer_contacts.id",
        named_params! { ":customer": customer, ":what": what },
        |row| Ok((row.get("name")?, row.get("email")?)),
    )
}

/// The user of that id or sign-in name, if it is the customer's.
pub fn user(db: &Read, customer: CustomerId, text: &str) -> Result<Option<UserId>> {
    db.maybe(
        "SELECT users.id FROM users
          WHERE users.id IN (SELECT user_id FROM user_names WHERE name = :text
                             UNION SELECT CAST(:text AS INTEGER) WHERE :text NOT GLOB '*[^0-9]*')
            AND users.customer_id = :customer AND state IN ('active', 'disabled')",
        named_params! { ":customer": customer, ":text": text },
        |row| row.get(0),
    )
}

pub fn insert<P>(
    tx: &Write,
    scope: &Scope<P>,
    customer: CustomerId,
    draft: &Draft,
) -> Result<ContactId> {
    scope.reaches(tx, customer)?;
    let has = |what| draft.told.contains(&what);
    tx.change(
        "INSERT INTO customer_contacts (customer_id, user_id, name, email, billing, technical, owner, security)
         VALUES (:customer, :user, :name, :email, :billing, :technical, :owner, :security) RETURNING id",
        named_params! {
            ":customer": customer, ":user": draft.user, ":name": draft.name, ":email": draft.email,
            ":billing": has(For::Billing), ":technical": has(For::Technical), ":owner": has(For::Owner),
            ":security": has(For::Security),
        },
    )
}

pub fn update<P>(
    tx: &Write,
    scope: &Scope<P>,
    customer: CustomerId,
    id: ContactId,
    draft: &Draft,
) -> Result<ContactId> {
    scope.reaches(tx, customer)?;
    let has = |what| draft.told.contains(&what);
    tx.change(
        "UPDATE customer_contacts
            SET user_id = :user, name = :name, email = :email, billing = :billing, technical = :technical,
                owner = :owner, security = :security
          WHERE customer_id = :customer AND id = :id RETURNING id",
        named_params! {
            ":customer": customer, ":id": id, ":user": draft.user, ":name": draft.name, ":email": draft.email,
            ":billing": has(For::Billing), ":technical": has(For::Technical), ":owner": has(For::Owner),
            ":security": has(For::Security),
        },
    )
}

pub fn delete<P>(tx: &Write, scope: &Scope<P>, customer: CustomerId, id: ContactId) -> Result<()> {
    scope.reaches(tx, customer)?;
    tx.run("DELETE FROM customer_contacts WHERE customer_id = ?1 AND id = ?2", (customer, id))?;
    Ok(())
}
