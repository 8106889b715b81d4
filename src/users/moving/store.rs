//! Leaving one customer for another.

use super::super::User;
use super::super::fields::Details;
use crate::assignments::moving::Stood;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, LedgerId, MoveId, RequestId, RoleId, UserId, UserServiceId};
use crate::places::State;
use crate::time::Date;
use rusqlite::named_params;
use rusqlite::types::Type;
use serde::de::DeserializeOwned;

pub fn running(db: &Read, id: UserId) -> Result<Vec<i64>> {
    db.all(
        "SELECT id FROM requests WHERE user_id = ?1 AND turn <> 'over' ORDER BY id LIMIT 20",
        [id],
        |row| row.get(0),
    )
}

/// Takes the row over without anything that belongs to the customer it leaves: names, place in the
/// house, marks that give rights.
pub fn leave(tx: &Write, user: &User, to: CustomerId, details: &Details) -> Result<()> {
    tx.run("DELETE FROM user_names WHERE user_id = ?1", [user.id])?;
    tx.change::<i64>(
        "UPDATE users
            SET customer_id = :to, upn = :upn, mail = :mail, manager_id = NULL, department_id = NULL,
                location_id = NULL, main_contact = 0, break_glass = 0
          WHERE id = :id AND customer_id = :from
         RETURNING id",
        named_params! {
            ":to": to, ":upn": details.upn, ":mail": details.mail, ":id": user.id, ":from": user.customer,
        },
    )?;
    Ok(())
}

/// Whether somebody of the customer has the address elsewhere.
pub fn has_external_email(db: &Read, customer: CustomerId, email: &str) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM user_external_emails WHERE customer_id = ?1 AND email = ?2)",
        (customer, email),
    )
}

/// Whether another system calls somebody of the customer so.
pub fn has_external_id(db: &Read, customer: CustomerId, source: &str, value: &str) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM user_external_ids WHERE customer_id = ?1 AND source = ?2 AND value = ?3)",
        (customer, source, value),
    )
}

/// A role that the user holds.
#[derive(Clone)]
pub struct HeldRole {
    pub id: RoleId,
    pub name: String,
    pub at: CustomerId,
    /// The name of that customer.
    pub place: String,
    pub until: Option<Date>,
}

/// All of them, those at the own customer first.
pub fn roles(db: &Read, user: UserId) -> Result<Vec<HeldRole>> {
    db.all(
        "SELECT roles.id, roles.name, at_id, customers.name AS place, until_on
           FROM role_grants JOIN roles ON roles.id = role_id JOIN customers ON customers.id = at_id
           JOIN users ON users.id = user_id
          WHERE user_id = ?1 ORDER BY at_id <> users.customer_id, role_grants.id",
        [user],
        |row| {
            Ok(HeldRole {
                id: row.get("id")?,
                name: row.get("name")?,
                at: row.get("at_id")?,
                place: row.get("place")?,
                until: row.get("until_on")?,
            })
        },
    )
}

/// What a user was before a move whose work has not ended.
pub struct Kept {
    pub id: MoveId,
    pub user: UserId,
    pub name: String,
    /// What the user is by now.
    pub state_now: State,
    pub from: CustomerId,
    pub from_name: String,
    pub from_state: State,
    pub to: CustomerId,
    pub to_name: String,
    /// The last row of the ledger before.
    pub after: LedgerId,
    pub state: State,
    pub test_user: bool,
    pub upn: String,
    pub services: Vec<Stood>,
    /// What was made there in the place of others.
    pub anew: Vec<UserServiceId>,
}

/// Writes down what the user is, before anything of it changes.
pub fn remember(tx: &Write, user: &User, to: CustomerId, after: LedgerId) -> Result<MoveId> {
    let id: MoveId = tx.change(
        "INSERT INTO user_moves (user_id, from_id, to_id, ledger_up_to, state, test_user, upn, mail, username,
                                 manager, department, location, main_contact, break_glass, reports, roles,
                                 contact, services, devices)
         SELECT id, customer_id, :to, :after, state, test_user, upn, mail, username, manager_id, department_id,
                location_id, main_contact, break_glass,
                (SELECT json_group_array(report.id) FROM users report WHERE report.manager_id = users.id),
                (SELECT json_group_array(json_object('role', role_id, 'at', at_id, 'until', until_on,
                                                     'granted_at', granted_at, 'granted_by', granted_by))
                   FROM role_grants WHERE role_grants.user_id = users.id),
                (SELECT json_group_array(json_object('billing', billing, 'technical', technical, 'owner', owner,
                                                     'security', security))
                   FROM customer_contacts WHERE customer_contacts.user_id = users.id),
                (SELECT json_group_array(json_object('id', id, 'below', customer_service_id, 'plan', plan_id,
                                                     'live_plan', live_plan_id, 'wanted', wanted))
                   FROM (SELECT held.id, customer_service_id, plan_id, live_plan_id, wanted
                           FROM user_services held
                          WHERE held.user_id = users.id AND wanted <> 'gone' AND live <> 'gone'
                          ORDER BY held.id)),
                (SELECT json_group_array(json_object('id', devices.id, 'main', main))
                   FROM devices WHERE devices.user_id = users.id)
           FROM users WHERE id = :id
         RETURNING id",
        named_params! { ":id": user.id, ":to": to, ":after": after },
    )?;
    tx.run(
        "INSERT INTO user_move_names (name, move_id, domain_id)
         SELECT name, :move, domain_id FROM user_names WHERE user_id = :user",
        named_params! { ":move": id, ":user": user.id },
    )?;
    Ok(id)
}

/// The services there that were not there before a row of the ledger: those made in the place of
/// others.
pub fn anew(db: &Read, id: MoveId) -> Result<Vec<UserServiceId>> {
    db.all(
        "SELECT held.id FROM user_moves JOIN user_services held
             ON held.user_id = user_moves.user_id AND held.customer_id = to_id
          WHERE user_moves.id = ?1 AND live <> 'gone'
            AND held.id NOT IN (SELECT value ->> 'id' FROM json_each(services))",
        [id],
        |row| row.get(0),
    )
}

/// The work of the move that has begun.
pub fn started(tx: &Write, id: MoveId, request: RequestId, anew: &[UserServiceId]) -> Result<()> {
    tx.run(
        "UPDATE user_moves SET request_id = :request, anew = :anew WHERE id = :id",
        named_params! { ":id": id, ":request": request, ":anew": serde_json::to_string(anew)? },
    )?;
    Ok(())
}

/// Nothing is to be taken back any more; the names are free.
pub fn forget(tx: &Write, id: MoveId) -> Result<()> {
    tx.run("DELETE FROM user_moves WHERE id = ?1", [id])?;
    Ok(())
}

/// What is remembered for the work of a move.
pub fn kept(db: &Read, request: RequestId) -> Result<Option<Kept>> {
    db.maybe(
        "SELECT user_moves.id, user_id, users.display_name AS name, users.state AS state_now, from_id,
                source.name AS from_name, source.state AS from_state, to_id, goal.name AS to_name, ledger_up_to,
                user_moves.state, user_moves.test_user, user_moves.upn, services, anew
           FROM user_moves
           JOIN users ON users.id = user_id
           JOIN customers source ON source.id = from_id
           JOIN customers goal ON goal.id = to_id
          WHERE request_id = ?1",
        [request],
        |row| {
            Ok(Kept {
                id: row.get("id")?,
                user: row.get("user_id")?,
                name: row.get("name")?,
                state_now: row.get("state_now")?,
                from: row.get("from_id")?,
                from_name: row.get("from_name")?,
                from_state: row.get("from_state")?,
                to: row.get("to_id")?,
                to_name: row.get("to_name")?,
                after: row.get("ledger_up_to")?,
                state: row.get("state")?,
                test_user: row.get("test_user")?,
                upn: row.get("upn")?,
                services: listed(row, "services")?,
                anew: listed(row, "anew")?,
            })
        },
    )
}

fn listed<T: DeserializeOwned>(row: &rusqlite::Row, column: &str) -> rusqlite::Result<Vec<T>> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text)
        .map_err(|err| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(err)))
}

/// A domain that old names are on and the customer has no more.
pub fn lost_domain(db: &Read, kept: &Kept) -> Result<Option<String>> {
    db.maybe(
        "SELECT domains.name FROM user_move_names JOIN domains ON domains.id = domain_id
          WHERE move_id = :id
            AND NOT EXISTS (SELECT 1 FROM customer_domains held
                             WHERE held.customer_id = :from AND held.domain_id = domains.id)
          LIMIT 1",
        named_params! { ":id": kept.id, ":from": kept.from },
        |row| row.get(0),
    )
}

/// An address or number elsewhere that somebody of the old customer has got meanwhile.
pub fn taken_elsewhere(db: &Read, kept: &Kept) -> Result<Option<String>> {
    db.maybe(
        "SELECT email AS what FROM user_external_emails own
          WHERE own.user_id = :user
            AND EXISTS (SELECT 1 FROM user_external_emails other
                         WHERE other.customer_id = :from AND other.email = own.email AND other.user_id <> :user)
         UNION ALL
         SELECT source || ':' || value FROM user_external_ids own
          WHERE own.user_id = :user
            AND EXISTS (SELECT 1 FROM user_external_ids other
                         WHERE other.customer_id = :from AND other.source = own.source
                           AND other.value = own.value AND other.user_id <> :user)
          LIMIT 1",
        named_params! { ":user": kept.user, ":from": kept.from },
        |row| row.get("what"),
    )
}

/// The row as it was, with its names and what hangs on it, as far as that is still there.
pub fn put_back(tx: &Write, kept: &Kept) -> Result<()> {
    let params = named_params! { ":id": kept.id, ":user": kept.user };
    tx.run("DELETE FROM user_names WHERE user_id = ?1", [kept.user])?;
    tx.run("DELETE FROM role_grants WHERE user_id = ?1", [kept.user])?;
    tx.run(
        "UPDATE users
            SET customer_id = was.from_id, upn = was.upn, mail = was.mail, username = was.username,
                manager_id = (SELECT boss.id FROM users boss
                               WHERE boss.id = was.manager AND boss.customer_id = was.from_id
                                 AND boss.state NOT IN ('deleted', 'purged')),
                department_id = (SELECT id FROM departments
                                  WHERE id = was.department AND customer_id = was.from_id),
                location_id = (SELECT id FROM customer_locations
                                WHERE id = was.location AND customer_id = was.from_id),
                main_contact = was.main_contact, break_glass = was.break_glass, version = users.version + 1
           FROM user_moves was
          WHERE was.id = :id AND users.id = :user",
        params,
    )?;
    tx.run(
        "INSERT INTO user_names (name, customer_id, domain_id, user_id)
         SELECT name, from_id, domain_id, user_id
           FROM user_move_names JOIN user_moves ON user_moves.id = move_id
          WHERE user_moves.id = :id AND user_id = :user",
        params,
    )?;
    tx.run(
        "INSERT OR IGNORE INTO role_grants (user_id, role_id, at_id, until_on, granted_at, granted_by)
         SELECT user_id, value ->> 'role', value ->> 'at', value ->> 'until', value ->> 'granted_at',
                value ->> 'granted_by'
           FROM user_moves, json_each(roles)
          WHERE user_moves.id = :id AND user_id = :user
            AND EXISTS (SELECT 1 FROM roles WHERE roles.id = value ->> 'role')",
        params,
    )?;
    tx.run(
        "UPDATE users SET manager_id = :user
          WHERE manager_id IS NULL AND customer_id = (SELECT from_id FROM user_moves WHERE id = :id)
            AND id IN (SELECT value FROM user_moves, json_each(reports) WHERE user_moves.id = :id)
            AND state NOT IN ('deleted', 'purged')",
        params,
    )?;
    tx.run(
        "UPDATE devices SET user_id = :user
          WHERE user_id IS NULL AND customer_id = (SELECT from_id FROM user_moves WHERE user_moves.id = :id)
            AND id IN (SELECT value ->> 'id' FROM user_moves, json_each(devices) WHERE user_moves.id = :id)",
        params,
    )?;
    tx.run(
        "UPDATE devices SET main = 1
          WHERE user_id = :user
            AND id = (SELECT value ->> 'id' FROM user_moves, json_each(devices)
                       WHERE user_moves.id = :id AND value ->> 'main' = 1)
            AND NOT EXISTS (SELECT 1 FROM devices other WHERE other.user_id = :user AND other.main = 1)",
        params,
    )?;
    tx.run(
        "INSERT INTO customer_contacts (customer_id, user_id, billing, technical, owner, security)
         SELECT from_id, user_id, value ->> 'billing', value ->> 'technical', value ->> 'owner', value ->> 'security'
           FROM user_moves, json_each(contact)
          WHERE user_moves.id = :id AND user_id = :user",
        params,
    )?;
    Ok(())
}
