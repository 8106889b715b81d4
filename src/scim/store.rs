use super::{Class, Standing};
use crate::db::{Read, Write, broken_unique};
use crate::error::{Error, Result};
use crate::ids::{ConnectorId, CustomerId, CustomerServiceId, LinkId, UserId};
use crate::web::Paging;
use rusqlite::named_params;
use std::collections::BTreeSet;

/// What there is what here.
pub struct Link {
    pub id: LinkId,
    pub object: String,
    pub name: String,
    pub standing: Standing,
}

pub struct NewLink<'l> {
    pub class: Class,
    pub object: &'l str,
    pub customer: CustomerId,
    pub user: Option<UserId>,
    pub subject: &'l str,
    pub name: &'l str,
    pub standing: Standing,
}

/// A user as an account there needs it.
pub struct Person {
    pub id: UserId,
    pub upn: String,
    pub mail: String,
    pub display_name: String,
    pub first_name: String,
    pub last_name: String,
    pub job_title: String,
    pub department: String,
    pub company: String,
    pub employee_id: String,
    pub phone: String,
    pub mobile: String,
}

/// The links of a connector.
pub struct Counts {
    pub users: i64,
    pub groups: i64,
    /// Those that wait for somebody to say what is to be.
    pub open: i64,
}

/// The name of this installation, which the engine has made.
pub fn installation(db: &Read) -> Result<String> {
    let name =
        db.maybe("SELECT value FROM settings WHERE key = 'installation'", [], |row| row.get(0))?;
    name.ok_or_else(|| Error::internal("the installation has no name yet"))
}

pub fn person(db: &Read, customer: CustomerId, id: UserId) -> Result<Person> {
    db.one(
        "SELECT users.id, coalesce(upn, '') AS upn, coalesce(mail, '') AS mail, display_name, first_name, last_name,
                job_title, coalesce(departments.name, '') AS department, company, employee_id, phone, mobile
           FROM users
           LEFT JOIN departments ON departments.id = department_id
          WHERE users.customer_id = :customer AND users.id = :id",
        named_params! { ":customer": customer, ":id": id },
        |row| {
            Ok(Person {
                id: row.get("id")?,
                upn: row.get("upn")?,
                mail: row.get("mail")?,
                display_name: row.get("display_name")?,
                first_name: row.get("first_name")?,
                last_name: row.get("last_name")?,
                job_title: row.get("job_title")?,
                department: row.get("department")?,
                company: row.get("company")?,
                employee_id: row.get("employee_id")?,
                phone: row.get("phone")?,
                mobile: row.get("mobile")?,
            })
        },
    )
}

pub fn by_upn(db: &Read, customer: CustomerId, upn: &str) -> Result<Option<UserId>> {
    db.maybe(
        "SELECT id FROM users WHERE upn = :upn AND customer_id = :customer AND state <> 'deleted'",
        named_params! { ":upn": upn, ":customer": customer },
        |row| row.get("id"),
    )
}

pub fn link(
    db: &Read,
    connector: ConnectorId,
    class: Class,
    customer: CustomerId,
    subject: &str,
) -> Result<Option<Link>> {
    db.maybe(
        "SELECT id, object, dn, standing FROM bindings
          WHERE connector_id = :connector AND class = :class AND customer_id = :customer AND subject = :subject",
        named_params! {
            ":connector": connector, ":class": class, ":customer": customer, ":subject": subject,
        },
        |row| {
            Ok(Link {
                id: row.get("id")?,
                object: row.get("object")?,
                name: row.get("dn")?,
                standing: row.get("standing")?,
            })
        },
    )
}

/// Says whether it could be: one object there is one thing here.
pub fn bind(tx: &Write, connector: ConnectorId, it: &NewLink<'_>) -> Result<bool> {
    let done = tx.run(
        "INSERT INTO bindings (connector_id, class, object, customer_id, user_id, subject, dn, standing, bound_at)
         VALUES (:connector, :class, :object, :customer, :user, :subject, :name, :standing, :now)
         ON CONFLICT (connector_id, class, customer_id, subject)
         DO UPDATE SET object = excluded.object, dn = excluded.dn, standing = excluded.standing",
        named_params! {
            ":connector": connector, ":class": it.class, ":object": it.object, ":customer": it.customer,
            ":user": it.user, ":subject": it.subject, ":name": it.name, ":standing": it.standing, ":now": tx.now,
        },
    );
    match done {
        Err(err) if broken_unique(&err).is_some() => Ok(false),
        done => done.map(|_| true),
    }
}

pub fn stand(tx: &Write, id: LinkId, standing: Standing) -> Result<()> {
    tx.run(
        "UPDATE bindings SET standing = :standing WHERE id = :id",
        named_params! { ":id": id, ":standing": standing },
    )?;
    Ok(())
}

pub fn forget(tx: &Write, id: LinkId) -> Result<()> {
    tx.run("DELETE FROM bindings WHERE id = ?1", [id])?;
    Ok(())
}

/// The accounts there of everybody who has a service and is to have it now.
pub fn holders(
    db: &Read,
    connector: ConnectorId,
    customer: CustomerId,
    service: CustomerServiceId,
) -> Result<BTreeSet<String>> {
    let all = db.all(
        "SELECT object FROM bindings
          WHERE connector_id = :connector AND class = 'user' AND standing = 'bound' AND customer_id = :customer
            AND user_id IN (SELECT user_id FROM user_services
                             WHERE customer_id = :customer AND customer_service_id = :service AND wanted = 'on')",
        named_params! { ":connector": connector, ":customer": customer, ":service": service },
        |row| row.get("object"),
    )?;
    Ok(all.into_iter().collect())
}

/// The accounts there of everybody of a customer.
pub fn linked_users(
    db: &Read,
    connector: ConnectorId,
    customer: CustomerId,
) -> Result<BTreeSet<String>> {
    let all = db.all(
        "SELECT object FROM bindings
          WHERE connector_id = :connector AND class = 'user' AND standing = 'bound' AND customer_id = :customer",
        named_params! { ":connector": connector, ":customer": customer },
        |row| row.get("object"),
    )?;
    Ok(all.into_iter().collect())
}

pub fn counts(db: &Read, connector: ConnectorId) -> Result<Counts> {
    db.one(
        "SELECT count(*) FILTER (WHERE class = 'user' AND standing = 'bound') AS users,
                count(*) FILTER (WHERE class = 'group' AND standing = 'bound') AS groups,
                count(*) FILTER (WHERE standing <> 'bound') AS open
           FROM bindings WHERE connector_id = ?1",
        [connector],
        |row| {
            Ok(Counts {
                users: row.get("users")?,
                groups: row.get("groups")?,
                open: row.get("open")?,
            })
        },
    )
}

/// A link that somebody has to decide about.
pub struct Open {
    pub id: LinkId,
    pub class: Class,
    pub object: String,
    pub name: String,
    pub standing: Standing,
    pub customer: CustomerId,
    pub customer_name: String,
    pub user: Option<UserId>,
    pub user_name: Option<String>,
}

pub fn open(db: &Read, connector: ConnectorId, paging: &Paging) -> Result<Vec<Open>> {
    db.all(
        "SELECT bindings.id, class, object, dn, standing, bindings.customer_id, customers.name AS customer_name,
                user_id, users.display_name AS user_name
           FROM bindings
           JOIN customers ON customers.id = bindings.customer_id
           LEFT JOIN users ON users.id = user_id
          WHERE connector_id = :connector AND standing <> 'bound' AND bindings.id > :after
          ORDER BY bindings.id LIMIT :limit",
        named_params! { ":connector": connector, ":after": paging.id(), ":limit": paging.fetch() },
        opened,
    )
}

pub fn one_open(db: &Read, connector: ConnectorId, id: LinkId) -> Result<Open> {
    db.one(
        "SELECT bindings.id, class, object, dn, standing, bindings.customer_id, customers.name AS customer_name,
                user_id, users.display_name AS user_name
           FROM bindings
           JOIN customers ON customers.id = bindings.customer_id
           LEFT JOIN users ON users.id = user_id
          WHERE bindings.id = :id AND connector_id = :connector AND standing <> 'bound'",
        named_params! { ":connector": connector, ":id": id },
        opened,
    )
}

fn opened(row: &rusqlite::Row) -> rusqlite::Result<Open> {
    Ok(Open {
        id: row.get("id")?,
        class: row.get("class")?,
        object: row.get("object")?,
        name: row.get("dn")?,
        standing: row.get("standing")?,
        customer: row.get("customer_id")?,
        customer_name: row.get("customer_name")?,
        user: row.get("user_id")?,
        user_name: row.get("user_name")?,
    })
}
