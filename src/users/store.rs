//! The rows of users, of their names and of their lists.

use super::fields::{Details, TEXTS, domain_of};
use super::{Home, User};
use crate::auth::Scope;
use crate::db::{Read, Write, broken_unique};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, RoleId, UserId};
use crate::places::State;
use crate::time::Instant;
use rusqlite::{Row, ToSql, named_params};
use std::collections::{BTreeMap, BTreeSet};

/// The sign-in name, empty where there is none.
pub fn upn(db: &Read, id: UserId) -> Result<String> {
    db.value("SELECT coalesce(upn, '') FROM users WHERE id = ?1", [id])
}

pub fn one<P>(db: &Read, scope: &Scope<P>, id: UserId) -> Result<User> {
    let mut user = db.one(
        "SELECT users.id, users.customer_id, users.state, coalesce(upn, '') AS upn, coalesce(mail, '') AS mail, username,
                first_name, last_name, display_name, recovery_email, manager_id, office, job_title, company,
                description, employee_id, employee_type, cost_centre, phone, mobile, home_phone, fax, pager,
                ip_phone, street, po_box, city, region, postcode, country, usage_location, web_page, notes,
                language, time_zone, expires_on, sign_in, main_contact, test_user, password_due, password_stays,
                break_glass, last_sign_in_at,
                password_set_at, version, created_at,
                coalesce((SELECT boss.display_name FROM users boss WHERE boss.id = users.manager_id), '') AS manager_name,
                coalesce((SELECT departments.name FROM departments WHERE departments.id = department_id), '') AS department,
                coalesce((SELECT customer_locations.name FROM customer_locations WHERE customer_locations.id = location_id), '') AS location
           FROM users
          WHERE users.id = :id
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":id": id, ":scope": scope },
        user,
    )?;
    let names = db.all(
        "SELECT name FROM user_names WHERE customer_id = :customer AND user_id = :id",
        named_params! { ":customer": user.customer, ":id": id },
        |row| row.get::<_, String>("name"),
    )?;
    let own = |name: &String| *name == user.details.upn || *name == user.details.mail;
    user.details.addresses = names.into_iter().filter(|name| !own(name)).collect();
    let elsewhere =
        db.all("SELECT email FROM user_external_emails WHERE user_id = ?1", [id], |row| {
            row.get::<_, String>("email")
        })?;
    user.details.external_emails = elsewhere.into_iter().collect();
    let ids = db.all(
        "SELECT source, value FROM user_external_ids WHERE user_id = ?1 ORDER BY source, value",
        [id],
        |row| Ok((row.get("source")?, row.get("value")?)),
    )?;
    user.details.external_ids = ids.into_iter().collect();
    Ok(user)
}

fn user(row: &Row) -> rusqlite::Result<User> {
    let mut texts = BTreeMap::new();
    for (name, _) in TEXTS {
        texts.insert(*name, row.get(*name)?);
    }
    Ok(User {
        id: row.get("id")?,
        customer: row.get("customer_id")?,
        state: row.get("state")?,
        manager_name: row.get("manager_name")?,
        last_sign_in_at: row.get("last_sign_in_at")?,
        password_set_at: row.get("password_set_at")?,
        version: row.get("version")?,
        created_at: row.get("created_at")?,
        details: Details {
            upn: row.get("upn")?,
            mail: row.get("mail")?,
            addresses: Default::default(),
            external_emails: Default::default(),
            username: row.get("username")?,
            display_name: row.get("display_name")?,
            recovery_email: row.get("recovery_email")?,
            manager: row.get("manager_id")?,
            department: row.get("department")?,
            location: row.get("location")?,
            language: row.get("language")?,
            time_zone: row.get("time_zone")?,
            expires_on: row.get("expires_on")?,
            sign_in: row.get("sign_in")?,
            main_contact: row.get("main_contact")?,
            test_user: row.get("test_user")?,
            must_change: row.get("password_due")?,
            never_expires: row.get("password_stays")?,
            break_glass: row.get("break_glass")?,
            external_ids: BTreeMap::new(),
            texts,
        },
    })
}

/// Adds a user with its names; `NotFound` if the customer is outside the scope.
pub fn insert<P>(
    tx: &Write,
    scope: &Scope<P>,
    home: &Home,
    state: State,
    details: &Details,
) -> Result<UserId> {
    let customer = home.customer.id;
    let own = named_params! {
        ":customer": customer, ":state": state, ":upn": details.upn, ":mail": details.mail,
        ":display_name": details.display_name, ":by": tx.by.user, ":scope": scope,
    };
    let sql = "INSERT INTO users (customer_id, state, upn, mail, display_name, username, first_name, last_name,
                            recovery_email, manager_id, department_id, location_id, office, job_title, company,
                            description, employee_id, employee_type, cost_centre, phone, mobile, home_phone, fax,
                            pager, ip_phone, street, po_box, city, region, postcode, country, usage_location,
                            web_page, notes, language, time_zone, expires_on, sign_in, main_contact, test_user,
                            password_due, password_stays, break_glass, created_at, created_by, changed_at)
         SELECT :customer, :state, :upn, :mail, :display_name, :username, :first_name, :last_name,
                :recovery_email, :manager, :department, :location, :office, :job_title, :company,
                :description, :employee_id, :employee_type, :cost_centre, :phone, :mobile, :home_phone, :fax,
                :pager, :ip_phone, :street, :po_box, :city, :region, :postcode, :country, :usage_location,
                :web_page, :notes, :language, :time_zone, :expires_on, :sign_in, :main_contact, :test_user,
                :due, :stays, :glass, :now, :by, :now
          WHERE EXISTS (SELECT 1 FROM reach WHERE customer_id = :customer
                           AND scope IN (SELECT value FROM json_each(:scope)))
         RETURNING id";
    let id: UserId = bound(tx, customer, details, own, |params| tx.change(sql, params))?;
    for (field, name) in details.hosted() {
        add_name(tx, scope, home, id, field, name)?;
    }
    for email in &details.external_emails {
        add_external(tx, customer, id, email)?;
    }
    put_external_ids(tx, customer, id, &BTreeMap::new(), &details.external_ids)?;
    Ok(id)
}

/// Writes what changed, names included.
pub fn update<P>(
    tx: &Write,
    scope: &Scope<P>,
    home: &Home,
    was: &User,
    details: &Details,
) -> Result<()> {
    scope.reaches(tx, was.customer)?;
    let (id, old) = (was.id, &was.details);
    let before: Vec<&str> = old.hosted().map(|(_, name)| name).collect();
    for (field, name) in details.hosted().filter(|(_, name)| !before.contains(name)) {
        add_name(tx, scope, home, id, field, name)?;
    }
    let named = |d: &Details| (d.upn.clone(), d.mail.clone(), d.display_name.clone());
    if named(old) != named(details) {
        tx.run(
            "UPDATE users SET upn = :upn, mail = :mail, display_name = :display_name WHERE id = :id",
            named_params! {
                ":upn": details.upn, ":mail": details.mail, ":display_name": details.display_name, ":id": id,
            },
        )?;
    }
    let after: Vec<&str> = details.hosted().map(|(_, name)| name).collect();
    for name in before.iter().filter(|name| !after.contains(name)) {
        drop_name(tx, id, name)?;
    }
    put_externals(tx, was.customer, id, &old.external_emails, &details.external_emails)?;
    put_external_ids(tx, was.customer, id, &old.external_ids, &details.external_ids)?;
    write(tx, was.customer, id, details)
}

/// Names and fields of somebody who came from another customer.
pub fn arrive<P>(
    tx: &Write,
    scope: &Scope<P>,
    home: &Home,
    was: &User,
    details: &Details,
) -> Result<()> {
    let (id, customer) = (was.id, home.customer.id);
    for (field, name) in details.hosted() {
        add_name(tx, scope, home, id, field, name)?;
    }
    put_externals(tx, customer, id, &was.details.external_emails, &details.external_emails)?;
    write(tx, customer, id, details)
}

/// The addresses elsewhere that the user has from now on.
fn put_externals(
    tx: &Write,
    customer: CustomerId,
    id: UserId,
    old: &BTreeSet<String>,
    new: &BTreeSet<String>,
) -> Result<()> {
    for email in old.difference(new) {
        tx.run(
            "DELETE FROM user_external_emails WHERE customer_id = ?1 AND email = ?2 AND user_id = ?3",
            (customer, email, id),
        )?;
    }
    new.difference(old).try_for_each(|email| add_external(tx, customer, id, email))
}

/// What other systems call the user from now on.
fn put_external_ids(
    tx: &Write,
    customer: CustomerId,
    id: UserId,
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
) -> Result<()> {
    for (source, value) in old.iter().filter(|(source, value)| new.get(*source) != Some(*value)) {
        tx.run(
            "DELETE FROM user_external_ids WHERE customer_id = ?1 AND source = ?2 AND value = ?3 AND user_id = ?4",
            (customer, source, value, id),
        )?;
    }
    for (source, value) in new.iter().filter(|(source, value)| old.get(*source) != Some(*value)) {
        let added = tx.run(
            "INSERT INTO user_external_ids (customer_id, source, value, user_id) VALUES (?1, ?2, ?3, ?4)",
            (customer, source, value, id),
        );
        let message = || format!("has one of somebody else here: {source}:{value}");
        match added {
            Err(err) if broken_unique(&err).is_some() => {
                return Err(Error::invalid("external_ids", message()));
            }
            other => other?,
        };
    }
    Ok(())
}

/// The role that comes with the mark of a main contact.
pub fn role_of_main_contacts(db: &Read) -> Result<RoleId> {
    db.value("SELECT id FROM roles WHERE customer_id IS NULL AND held_in = 'flag'", [])
}

fn add_name<P>(
    tx: &Write,
    scope: &Scope<P>,
    home: &Home,
    id: UserId,
    field: &'static str,
    name: &str,
) -> Result<()> {
    let domain = domain_of(name, &home.usable);
    let kept: bool = tx.value(
        "SELECT EXISTS (SELECT 1 FROM user_move_names JOIN user_moves ON user_moves.id = move_id
                         WHERE name = ?1 AND user_id <> ?2)",
        (name, id),
    )?;
    if kept {
        return Err(Error::invalid(field, "is taken"));
    }
    let added = tx.run(
        "INSERT INTO user_names (name, customer_id, domain_id, user_id) VALUES (:name, :customer, :domain, :id)",
        named_params! { ":name": name, ":customer": home.customer.id, ":domain": domain, ":id": id },
    );
    let Err(err) = added else { return Ok(()) };
    if broken_unique(&err).is_none() {
        return Err(err);
    }
    let owner = tx.maybe(
        "SELECT display_name FROM user_names JOIN users ON users.id = user_id
          WHERE name = :name
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":name": name, ":scope": scope },
        |row| row.get::<_, String>("display_name"),
    )?;
    let message = match owner {
        Some(owner) if field != "upn" => format!("already belongs to {owner}: merge?"),
        Some(owner) => format!("is taken by {owner}"),
        None => "is taken".to_owned(),
    };
    Err(Error::invalid(field, message))
}

pub fn drop_name(tx: &Write, id: UserId, name: &str) -> Result<()> {
    tx.run("DELETE FROM user_names WHERE name = ?1 AND user_id = ?2", (name, id))?;
    Ok(())
}

fn add_external(tx: &Write, customer: CustomerId, id: UserId, email: &str) -> Result<()> {
    let added = tx.run(
        "INSERT INTO user_external_emails (customer_id, email, user_id) VALUES (?1, ?2, ?3)",
        (customer, email, id),
    );
    match added {
        Err(err) if broken_unique(&err).is_some() => {
            let message = format!("has an address of somebody else here: {email}");
            Err(Error::invalid("external_emails", message))
        }
        other => other.map(|_| ()),
    }
}

/// All but the names.
fn write(tx: &Write, customer: CustomerId, id: UserId, d: &Details) -> Result<()> {
    let sql = "UPDATE users
            SET username = :username, first_name = :first_name, last_name = :last_name,
                recovery_proven = recovery_proven AND recovery_email = :recovery_email,
                recovery_email = :recovery_email, manager_id = :manager, department_id = :department,
                location_id = :location, office = :office, job_title = :job_title, company = :company,
                description = :description, employee_id = :employee_id, employee_type = :employee_type,
                cost_centre = :cost_centre, phone = :phone, mobile = :mobile, home_phone = :home_phone,
                fax = :fax, pager = :pager, ip_phone = :ip_phone, street = :street, po_box = :po_box,
                city = :city, region = :region, postcode = :postcode, country = :country,
                usage_location = :usage_location, web_page = :web_page, notes = :notes, language = :language,
                time_zone = :time_zone, expires_on = :expires_on, sign_in = :sign_in,
                main_contact = :main_contact, test_user = :test_user, password_due = :due,
                password_stays = :stays, break_glass = :glass, version = version + 1, changed_at = :now
          WHERE id = :id";
    bound(tx, customer, d, named_params! { ":id": id }, |params| tx.run(sql, params)).map(|_| ())
}

/// Hands to a statement that writes a user what is said of them, and what is the statement's `own`.
fn bound<T>(
    tx: &Write,
    customer: CustomerId,
    d: &Details,
    own: &[(&str, &dyn ToSql)],
    run: impl FnOnce(&[(&str, &dyn ToSql)]) -> Result<T>,
) -> Result<T> {
    let (department, location) = places_of(tx, customer, d)?;
    let texts: Vec<(String, &str)> =
        TEXTS.iter().map(|(name, _)| (format!(":{name}"), d.text(name))).collect();
    let mut all = own.to_vec();
    all.extend(texts.iter().map(|(name, text)| (name.as_str(), text as &dyn ToSql)));
    all.extend_from_slice(named_params! {
        ":now": tx.now, ":username": d.username, ":recovery_email": d.recovery_email,
        ":manager": d.manager, ":department": department, ":location": location,
        ":language": d.language, ":time_zone": d.time_zone, ":expires_on": d.expires_on,
        ":sign_in": d.sign_in, ":main_contact": d.main_contact, ":test_user": d.test_user,
        ":due": d.must_change, ":stays": d.never_expires, ":glass": d.break_glass,
    });
    run(&all)
}

/// The rows of department and location.
fn places_of(tx: &Write, customer: CustomerId, d: &Details) -> Result<(Option<i64>, Option<i64>)> {
    Ok((pick(tx, customer, &d.department, true)?, pick(tx, customer, &d.location, false)?))
}

/// The department (or location) of that name, made where it is new.
fn pick(tx: &Write, customer: CustomerId, name: &str, department: bool) -> Result<Option<i64>> {
    if name.is_empty() {
        return Ok(None);
    }
    let (find, add) = if department {
        (
            "SELECT id FROM departments WHERE customer_id = ?1 AND name = ?2",
            "INSERT INTO departments (customer_id, name) VALUES (?1, ?2) RETURNING id",
        )
    } else {
        (
            "SELECT id FROM customer_locations WHERE customer_id = ?1 AND name = ?2",
            "INSERT INTO customer_locations (customer_id, name) VALUES (?1, ?2) RETURNING id",
        )
    };
    match tx.maybe(find, (customer, name), |row| row.get(0))? {
        Some(id) => Ok(Some(id)),
        None => tx.change(add, (customer, name)).map(Some),
    }
}

pub fn set_state<P>(tx: &Write, scope: &Scope<P>, id: UserId, state: State) -> Result<()> {
    tx.change::<i64>(
        "UPDATE users SET state = :state, version = version + 1, changed_at = :now
          WHERE id = :id
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
         RETURNING id",
        named_params! { ":state": state, ":now": tx.now, ":id": id, ":scope": scope },
    )?;
    Ok(())
}

/// Ends every session and link of the user.
pub fn raise_epoch(tx: &Write, id: UserId) -> Result<()> {
    tx.run("UPDATE users SET epoch = epoch + 1 WHERE id = ?1", [id])?;
    Ok(())
}

/// A welcome that was mailed or shown.
pub struct Welcome {
    pub made_at: Instant,
    pub expires_at: Instant,
    pub used_at: Option<Instant>,
    /// Of the user's present epoch.
    pub current: bool,
    /// The state of its mail; empty where it was shown instead.
    pub mail: String,
}

pub fn last_welcome(db: &Read, id: UserId) -> Result<Option<Welcome>> {
    db.maybe(
        "SELECT made_at, links.expires_at, used_at, links.epoch = users.epoch AS current,
                coalesce((SELECT messages.state FROM messages
                           WHERE messages.user_id = users.id AND messages.event = 'user.invited'
                             AND messages.created_at >= made_at
                           ORDER BY messages.id DESC LIMIT 1), '') AS mail
           FROM links JOIN users ON users.id = user_id
          WHERE user_id = ?1 AND purpose = 'welcome'
          ORDER BY made_at DESC LIMIT 1",
        [id],
        |row| {
            Ok(Welcome {
                made_at: row.get("made_at")?,
                expires_at: row.get("expires_at")?,
                used_at: row.get("used_at")?,
                current: row.get("current")?,
                mail: row.get("mail")?,
            })
        },
    )
}

/// Ends the links that were mailed and not used.
pub fn end_links(tx: &Write, id: UserId) -> Result<()> {
    tx.run("DELETE FROM links WHERE user_id = ?1 AND used_at IS NULL", [id])?;
    Ok(())
}

pub fn revoke_tokens(tx: &Write, id: UserId) -> Result<()> {
    tx.run(
        "UPDATE tokens SET revoked_at = :now WHERE user_id = :id AND revoked_at IS NULL",
        named_params! { ":now": tx.now, ":id": id },
    )?;
    Ok(())
}

/// Active and disabled users of a customer.
pub fn count(db: &Read, customer: CustomerId) -> Result<i64> {
    db.value(
        "SELECT coalesce(sum(users), 0) FROM customer_users WHERE customer_id = ?1",
        [customer],
    )
}

/// By somebody, or for somebody whose move may still be taken back.
pub fn is_taken(db: &Read, name: &str) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM user_names WHERE name = ?1)
             OR EXISTS (SELECT 1 FROM user_move_names WHERE name = ?1)",
        [name],
    )
}

pub fn username_is_taken(db: &Read, customer: CustomerId, name: &str) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM users WHERE customer_id = ?1 AND username = ?2)",
        (customer, name),
    )
}

pub fn is_of(db: &Read, customer: CustomerId, id: UserId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM users WHERE id = ?1 AND customer_id = ?2 AND state NOT IN ('deleted', 'purged'))",
        (id, customer),
    )
}

/// The user of the customer who has a sign-in name or hosted address.
pub fn by_name(db: &Read, customer: CustomerId, name: &str) -> Result<Option<UserId>> {
    db.maybe(
        "SELECT user_id FROM user_names WHERE name = ?1 AND customer_id = ?2",
        (name, customer),
        |row| row.get(0),
    )
}

/// Whether `who` is `boss` or reports to them, through others too.
pub fn reports_to(db: &Read, who: UserId, boss: UserId) -> Result<bool> {
    db.value(
        "WITH RECURSIVE up (id) AS (
           SELECT :who UNION SELECT manager_id FROM users JOIN up ON users.id = up.id WHERE manager_id IS NOT NULL)
         SELECT EXISTS (SELECT 1 FROM up WHERE id = :boss)",
        named_params! { ":who": who, ":boss": boss },
    )
}

/// Whose a user is, their state, and whether they are a test user.
pub fn billed(db: &Read, id: UserId) -> Result<(CustomerId, State, bool)> {
    db.one("SELECT customer_id, state, test_user FROM users WHERE id = ?1", [id], |row| {
        Ok((row.get("customer_id")?, row.get("state")?, row.get("test_user")?))
    })
}

/// The names of the roles the user holds.
pub fn roles(db: &Read, id: UserId) -> Result<Vec<String>> {
    db.all(
        "SELECT DISTINCT roles.name FROM role_grants JOIN roles ON roles.id = role_id
          WHERE user_id = ?1 ORDER BY roles.name",
        [id],
        |row| row.get(0),
    )
}

pub fn has_administrator(db: &Read, customer: CustomerId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM role_grants JOIN roles ON roles.id = role_id
                         WHERE at_id = ?1 AND roles.customer_id IS NULL
                           AND roles.name IN ('Customer administrator', 'Reseller administrator', 'Provider administrator'))",
        [customer],
    )
}

/// Departments of a customer by name, for a list to choose from.
pub fn departments<P>(db: &Read, scope: &Scope<P>, customer: CustomerId) -> Result<Vec<String>> {
    db.all(
        "SELECT name FROM departments
          WHERE customer_id = :customer
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = :customer
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY name LIMIT 500",
        named_params! { ":customer": customer, ":scope": scope },
        |row| row.get(0),
    )
}

/// Whether that changed anything.
pub fn set_manager(tx: &Write, customer: CustomerId, id: UserId, manager: UserId) -> Result<bool> {
    put_manager(tx, customer, id, Some(manager))
}

/// The same, or with nobody.
pub fn put_manager(
    tx: &Write,
    customer: CustomerId,
    id: UserId,
    manager: Option<UserId>,
) -> Result<bool> {
    let changed = tx.run(
        "UPDATE users SET manager_id = :manager, version = version + 1, changed_at = :now
          WHERE id = :id AND customer_id = :customer AND manager_id IS NOT :manager",
        named_params! { ":manager": manager, ":now": tx.now, ":id": id, ":customer": customer },
    )?;
    Ok(changed == 1)
}

pub fn manager_of(db: &Read, customer: CustomerId, id: UserId) -> Result<Option<UserId>> {
    let found = db.maybe(
        "SELECT manager_id FROM users WHERE id = ?1 AND customer_id = ?2 AND state NOT IN ('deleted', 'purged')",
        (id, customer),
        |row| row.get::<_, Option<UserId>>("manager_id"),
    )?;
    Ok(found.flatten())
}

pub fn shown_name(db: &Read, id: UserId) -> Result<String> {
    db.value("SELECT display_name FROM users WHERE id = ?1", [id])
}

/// The fields that the directory which the customer follows owns of a linked user, and its name.
pub fn owned_fields(
    db: &Read,
    customer: CustomerId,
    id: UserId,
) -> Result<Option<(String, BTreeSet<String>)>> {
    db.maybe(
        "SELECT environments.name, fields
           FROM syncs JOIN environments ON environments.id = environment_id
          WHERE syncs.customer_id = :customer
            AND EXISTS (SELECT 1 FROM bindings
                         WHERE bindings.customer_id = :customer AND bindings.user_id = :id AND class = 'user'
                           AND bindings.connector_id = environments.connector_id)",
        named_params! { ":customer": customer, ":id": id },
        |row| {
            let fields: String = row.get("fields")?;
            Ok((row.get("name")?, serde_json::from_str(&fields).unwrap_or_default()))
        },
    )
}
