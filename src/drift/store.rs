use super::compare::Fresh;
use super::{Filter, Finding, Ground, Kind, State, Verb};
use crate::auth::Scope;
use crate::auth::permissions::ConnectorsRead;
use crate::db::{Read, Write};
use crate::directory::{Class, LocationKind};
use crate::error::Result;
use crate::ids::{ConnectorId, CustomerId, DriftId, EnvironmentId, RequestId, UserId};
use crate::places;
use crate::time::Date;
use crate::web::Paging;
use rusqlite::named_params;
use std::collections::BTreeSet;

/// What is bound, with all that says how it should be.
pub struct Bound {
    pub id: i64,
    pub class: Class,
    pub object: String,
    pub customer: CustomerId,
    pub user: Option<UserId>,
    pub dn: String,
    pub adopted: bool,
    /// What the user is called.
    pub name: String,
    pub state: Option<places::State>,
    /// How far services that make accounts are with this one: on, suspended, never, gone.
    pub lives: BTreeSet<String>,
    /// Work is under way that may change it.
    pub busy: bool,
    pub again: bool,
    /// Where the customer follows the directory: the fields that this owns.
    pub owned: Option<BTreeSet<String>>,
}

/// What was found before and is not settled.
pub struct Kept {
    pub id: DriftId,
    pub object: String,
    pub class: Class,
    pub kind: Kind,
    pub what: String,
    pub ours: String,
    pub theirs: String,
    pub place: String,
    pub state: State,
    pub until: Option<Date>,
}

/// A new row.
pub struct New<'n> {
    pub environment: EnvironmentId,
    pub customer: CustomerId,
    pub user: Option<UserId>,
    pub class: Class,
    pub object: &'n str,
    pub name: &'n str,
    pub place: &'n str,
    pub fresh: &'n Fresh,
}

/// All directories that are reached at present.
pub fn grounds(db: &Read) -> Result<Vec<EnvironmentId>> {
    db.all(
        "SELECT environments.id FROM environments JOIN connectors ON connectors.id = connector_id
          WHERE connectors.state = 'active' ORDER BY environments.id",
        [],
        |row| row.get("id"),
    )
}

pub fn ground(db: &Read, id: EnvironmentId) -> Result<Ground> {
    db.one(
        "SELECT id, customer_id, connector_id, name, kind, base, zone, drift, disabling, disable_attribute,
                coalesce(lock_holds, 0) AS lock_holds
           FROM environments WHERE id = ?1",
        [id],
        |row| {
            Ok(Ground {
                id: row.get("id")?,
                owner: row.get("customer_id")?,
                connector: row.get("connector_id")?,
                name: row.get("name")?,
                flavour: row.get("kind")?,
                base: row.get("base")?,
                zone: row.get("zone")?,
                mode: row.get("drift")?,
                disabling: row.get("disabling")?,
                disable_attribute: row.get("disable_attribute")?,
                lock_holds: row.get("lock_holds")?,
            })
        },
    )
}

pub fn installation(db: &Read) -> Result<String> {
    let name =
        db.maybe("SELECT value FROM settings WHERE key = 'installation'", [], |row| row.get(0))?;
    Ok(name.unwrap_or_default())
}

/// How far a machine of the directory was looked through.
pub fn mark(db: &Read, environment: EnvironmentId, machine: &str) -> Result<Option<String>> {
    db.maybe(
        "SELECT mark FROM drift_marks WHERE environment_id = :environment AND machine = :machine",
        named_params! { ":environment": environment, ":machine": machine },
        |row| row.get("mark"),
    )
}

pub fn set_mark(
    tx: &Write,
    environment: EnvironmentId,
    machine: &str,
    mark: &str,
) -> Result<usize> {
    tx.run(
        "INSERT INTO drift_marks (environment_id, machine, mark) VALUES (:environment, :machine, :mark)
         ON CONFLICT (environment_id, machine) DO UPDATE SET mark = excluded.mark",
        named_params! { ":environment": environment, ":machine": machine, ":mark": mark },
    )
}

/// Those of the objects that are bound.
pub fn bound(db: &Read, ground: &Ground, objects: &[&str]) -> Result<Vec<Bound>> {
    db.all(
        "SELECT bindings.id, class, object, bindings.customer_id, bindings.user_id, dn,
                standing = 'adopted' AS adopted, look_again, coalesce(display_name, '') AS name, users.state, fields,
                (SELECT coalesce(json_group_array(DISTINCT live), '[]') FROM user_services
                  WHERE user_services.customer_id = bindings.customer_id
                    AND user_services.user_id = bindings.user_id
                    AND EXISTS (SELECT 1 FROM rules
                                 WHERE rules.service_id = user_services.service_id
                                   AND action = 'dir.user_ensure')) AS lives,
                EXISTS (SELECT 1 FROM requests
                         WHERE requests.customer_id = bindings.customer_id AND turn <> 'over' AND hold = ''
                           AND (class <> 'user' OR requests.user_id = bindings.user_id
                                OR requests.user_id IS NULL)) AS busy
           FROM json_each(:objects)
           JOIN bindings ON connector_id = :connector AND class IN ('user', 'group', 'ou')
                        AND object = json_each.value
           LEFT JOIN users ON users.id = bindings.user_id
           LEFT JOIN syncs ON syncs.customer_id = bindings.customer_id AND environment_id = :environment",
        named_params! {
            ":connector": ground.connector, ":environment": ground.id,
            ":objects": serde_json::to_string(objects)?,
        },
        |row| {
            let (lives, fields): (String, Option<String>) =
                (row.get("lives")?, row.get("fields")?);
            Ok(Bound {
                id: row.get("id")?,
                class: row.get("class")?,
                object: row.get("object")?,
                customer: row.get("customer_id")?,
                user: row.get("user_id")?,
                dn: row.get("dn")?,
                adopted: row.get("adopted")?,
                name: row.get("name")?,
                state: row.get("state")?,
                lives: serde_json::from_str(&lives).unwrap_or_default(),
                busy: row.get("busy")?,
                again: row.get("look_again")?,
                owned: fields.map(|text| serde_json::from_str(&text).unwrap_or_default()),
            })
        },
    )
}

/// Everything that is bound in a directory: the id and what it is.
pub fn all_bound(db: &Read, ground: &Ground) -> Result<Vec<(String, Class)>> {
    db.all(
        "SELECT object, class
           FROM bindings
           JOIN customers ON customers.id = bindings.customer_id
           JOIN locations ON locations.id = lives_in
          WHERE bindings.connector_id = :connector AND environment_id = :environment",
        named_params! { ":connector": ground.connector, ":environment": ground.id },
        |row| Ok((row.get("object")?, row.get("class")?)),
    )
}

/// What was in work when it was looked at.
pub fn again(db: &Read, ground: &Ground) -> Result<Vec<(String, Class)>> {
    db.all(
        "SELECT object, class
           FROM bindings
           JOIN customers ON customers.id = bindings.customer_id
           JOIN locations ON locations.id = lives_in
          WHERE bindings.connector_id = :connector AND look_again = 1 AND environment_id = :environment",
        named_params! { ":connector": ground.connector, ":environment": ground.id },
        |row| Ok((row.get("object")?, row.get("class")?)),
    )
}

pub fn look_again(tx: &Write, binding: i64, again: bool) -> Result<usize> {
    tx.run(
        "UPDATE bindings SET look_again = :again WHERE id = :id AND look_again <> :again",
        named_params! { ":id": binding, ":again": again },
    )
}

/// Who is known to be in a group: the id and the name that was seen last.
pub fn members(db: &Read, binding: i64) -> Result<Vec<(String, String)>> {
    db.all("SELECT member, dn FROM bound_members WHERE binding_id = ?1", [binding], |row| {
        Ok((row.get("member")?, row.get("dn")?))
    })
}

pub fn put_member(tx: &Write, binding: i64, (member, dn): (&str, &str)) -> Result<usize> {
    tx.run(
        "INSERT INTO bound_members (binding_id, member, dn) VALUES (:binding, :member, :dn)
         ON CONFLICT (binding_id, member) DO UPDATE SET dn = excluded.dn",
        named_params! { ":binding": binding, ":member": member, ":dn": dn },
    )
}

pub fn drop_member(tx: &Write, binding: i64, member: &str) -> Result<usize> {
    tx.run(
        "DELETE FROM bound_members WHERE binding_id = :binding AND member = :member",
        named_params! { ":binding": binding, ":member": member },
    )
}

/// The binding of an object, if it has one.
pub fn binding_of(db: &Read, connector: ConnectorId, object: &str) -> Result<Option<i64>> {
    db.maybe(
        "SELECT id FROM bindings
          WHERE connector_id = :connector AND class IN ('user', 'group', 'ou') AND object = :object",
        named_params! { ":connector": connector, ":object": object },
        |row| row.get("id"),
    )
}

/// Where the account of a user of the customer lies, by what it is bound to.
pub fn account_of(
    db: &Read,
    connector: ConnectorId,
    (customer, user): (CustomerId, UserId),
) -> Result<Option<(String, String)>> {
    db.maybe(
        "SELECT object, dn FROM bindings
          WHERE customer_id = :customer AND user_id = :user AND connector_id = :connector AND class = 'user'",
        named_params! { ":connector": connector, ":customer": customer, ":user": user },
        |row| Ok((row.get("object")?, row.get("dn")?)),
    )
}

/// Where it was seen last.
pub fn place_of(db: &Read, connector: ConnectorId, object: &str) -> Result<String> {
    db.one(
        "SELECT dn FROM bindings
          WHERE connector_id = :connector AND class IN ('user', 'group', 'ou') AND object = :object",
        named_params! { ":connector": connector, ":object": object },
        |row| row.get("dn"),
    )
}

/// What an object of the customer's is here: `customer`, the name of a group.
pub fn subject_of(db: &Read, connector: ConnectorId, object: &str) -> Result<String> {
    db.one(
        "SELECT subject FROM bindings
          WHERE connector_id = :connector AND class IN ('user', 'group', 'ou') AND object = :object",
        named_params! { ":connector": connector, ":object": object },
        |row| row.get("subject"),
    )
}

pub fn unbind(tx: &Write, connector: ConnectorId, object: &str) -> Result<usize> {
    tx.run(
        "DELETE FROM bindings
          WHERE connector_id = :connector AND class IN ('user', 'group', 'ou') AND object = :object",
        named_params! { ":connector": connector, ":object": object },
    )
}

/// How a customer lives in the directory, and whether it follows it.
pub fn lives(
    db: &Read,
    ground: &Ground,
    customer: CustomerId,
) -> Result<Option<(LocationKind, bool)>> {
    db.maybe(
        "SELECT locations.kind,
                EXISTS (SELECT 1 FROM syncs WHERE syncs.customer_id = customers.id
                           AND syncs.environment_id = locations.environment_id) AS follows
           FROM customers JOIN locations ON locations.id = lives_in
          WHERE customers.id = :customer AND environment_id = :environment",
        named_params! { ":customer": customer, ":environment": ground.id },
        |row| Ok((row.get("kind")?, row.get("follows")?)),
    )
}

/// Whether somebody said that an account is nobody to look at, or is to decide whose it is.
pub fn is_proposed(
    db: &Read,
    environment: EnvironmentId,
    customer: CustomerId,
    object: &str,
) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM proposals
           WHERE customer_id = :customer AND environment_id = :environment AND object = :object
             AND state IN ('open', 'ignored'))",
        named_params! { ":environment": environment, ":customer": customer, ":object": object },
    )
}

/// What was found in a directory and is not settled.
pub fn kept(db: &Read, environment: EnvironmentId) -> Result<Vec<Kept>> {
    db.all(
        "SELECT id, object, class, kind, what, ours, theirs, place, state, until FROM drift
          WHERE environment_id = ?1 AND state IN ('open', 'pushing', 'ignored')",
        [environment],
        |row| {
            Ok(Kept {
                id: row.get("id")?,
                object: row.get("object")?,
                class: row.get("class")?,
                kind: row.get("kind")?,
                what: row.get("what")?,
                ours: row.get("ours")?,
                theirs: row.get("theirs")?,
                place: row.get("place")?,
                state: row.get("state")?,
                until: row.get("until")?,
            })
        },
    )
}

/// One that is there already stays as it is.
pub fn insert(tx: &Write, new: &New) -> Result<Option<DriftId>> {
    tx.maybe(
        "INSERT INTO drift (environment_id, customer_id, user_id, class, object, name, place, kind, what, ours,
                            theirs, found_at)
         VALUES (:environment, :customer, :user, :class, :object, :name, :place, :kind, :what, :ours, :theirs, :now)
         ON CONFLICT DO NOTHING RETURNING id",
        named_params! {
            ":environment": new.environment, ":customer": new.customer, ":user": new.user, ":class": new.class,
            ":object": new.object, ":name": new.name, ":place": new.place, ":kind": new.fresh.kind,
            ":what": new.fresh.what, ":ours": new.fresh.ours, ":theirs": new.fresh.theirs, ":now": tx.now,
        },
        |row| row.get("id"),
    )
}

/// It is still so, in other words.
pub fn say(tx: &Write, id: DriftId, place: &str, fresh: &Fresh, open: bool) -> Result<usize> {
    tx.run(
        "UPDATE drift
            SET place = :place, ours = :ours, theirs = :theirs,
                state = iif(:open, 'open', state), until = iif(:open, NULL, until)
          WHERE id = :id",
        named_params! {
            ":id": id, ":place": place, ":ours": fresh.ours, ":theirs": fresh.theirs, ":open": open,
        },
    )
}

pub fn settle(tx: &Write, id: DriftId, how: &str) -> Result<usize> {
    tx.run(
        "UPDATE drift
            SET state = 'settled', how = :how, note = '', decided_by = coalesce(decided_by, :by), decided_at = :now
          WHERE id = :id",
        named_params! { ":id": id, ":how": how, ":by": tx.by.user, ":now": tx.now },
    )
}

pub fn pushing(tx: &Write, id: DriftId, request: RequestId) -> Result<usize> {
    tx.run(
        "UPDATE drift
            SET state = 'pushing', request_id = :request, note = '', decided_by = :by, decided_at = :now
          WHERE id = :id",
        named_params! { ":id": id, ":request": request, ":by": tx.by.user, ":now": tx.now },
    )
}

pub fn reopen(tx: &Write, id: DriftId, why: &str) -> Result<()> {
    tx.run(
        "UPDATE drift SET state = 'open', note = :why, decided_by = NULL, decided_at = NULL
          WHERE id = :id AND state = 'pushing'",
        named_params! { ":id": id, ":why": why },
    )?;
    Ok(())
}

pub fn ignore(tx: &Write, id: DriftId, until: Option<Date>) -> Result<usize> {
    tx.run(
        "UPDATE drift
            SET state = 'ignored', how = :how, until = :until, decided_by = :by, decided_at = :now
          WHERE id = :id",
        named_params! {
            ":id": id, ":how": Verb::Ignore, ":until": until, ":by": tx.by.user, ":now": tx.now,
        },
    )
}

/// All that is still said of an object: it is ours no more, or another.
pub fn settle_object(
    tx: &Write,
    environment: EnvironmentId,
    object: &str,
    how: Verb,
) -> Result<usize> {
    tx.run(
        "UPDATE drift SET state = 'settled', how = :how, decided_by = :by, decided_at = :now
          WHERE environment_id = :environment AND object = :object AND state <> 'settled'",
        named_params! {
            ":environment": environment, ":object": object, ":how": how, ":by": tx.by.user, ":now": tx.now,
        },
    )
}

/// Fields and names that somebody changed, of whom nobody has said anything yet.
pub fn to_repair(db: &Read, environment: EnvironmentId) -> Result<Vec<DriftId>> {
    db.all(
        "SELECT id FROM drift
          WHERE environment_id = ?1 AND state = 'open' AND kind IN ('attribute', 'renamed') AND note = ''
            AND class = 'user' AND what <> 'name'
          ORDER BY id",
        [environment],
        |row| row.get("id"),
    )
}

pub fn of_request(db: &Read, request: RequestId) -> Result<Option<Finding>> {
    db.maybe(
        "SELECT drift.id, environment_id, environments.name AS directory, connector_id, environments.kind AS flavour,
                base, drift.customer_id, customers.name AS customer, user_id, class, object, drift.name, place,
                drift.kind, what, ours, theirs, drift.state, how, until, request_id, note, found_at, decided_at,
                (SELECT display_name FROM users WHERE users.id = decided_by) AS decided_by
           FROM drift
           JOIN environments ON environments.id = environment_id
           JOIN customers ON customers.id = drift.customer_id
          WHERE request_id = ?1 AND drift.state = 'pushing'",
        [request],
        finding,
    )
}

/// For work of Portico's own.
pub fn any(db: &Read, id: DriftId) -> Result<Finding> {
    db.one(
        "SELECT drift.id, environment_id, environments.name AS directory, connector_id, environments.kind AS flavour,
                base, drift.customer_id, customers.name AS customer, user_id, class, object, drift.name, place,
                drift.kind, what, ours, theirs, drift.state, how, until, request_id, note, found_at, decided_at,
                (SELECT display_name FROM users WHERE users.id = decided_by) AS decided_by
           FROM drift
           JOIN environments ON environments.id = environment_id
           JOIN customers ON customers.id = drift.customer_id
          WHERE drift.id = ?1",
        [id],
        finding,
    )
}

/// Both the directory and the customer are within the scope.
pub fn one<P>(db: &Read, scope: &Scope<P>, id: DriftId) -> Result<Finding> {
    db.one(
        "SELECT drift.id, environment_id, environments.name AS directory, connector_id, environments.kind AS flavour,
                base, drift.customer_id, customers.name AS customer, user_id, class, object, drift.name, place,
                drift.kind, what, ours, theirs, drift.state, how, until, request_id, note, found_at, decided_at,
                (SELECT display_name FROM users WHERE users.id = decided_by) AS decided_by
           FROM drift
           JOIN environments ON environments.id = environment_id
           JOIN customers ON customers.id = drift.customer_id
          WHERE drift.id = :id
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = drift.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = environments.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":scope": scope, ":id": id },
        finding,
    )
}

pub fn list(
    db: &Read,
    scope: &Scope<ConnectorsRead>,
    environment: EnvironmentId,
    filter: &Filter,
    paging: &Paging,
) -> Result<Vec<Finding>> {
    db.all(
        "SELECT drift.id, environment_id, environments.name AS directory, connector_id, environments.kind AS flavour,
                base, drift.customer_id, customers.name AS customer, user_id, class, object, drift.name, place,
                drift.kind, what, ours, theirs, drift.state, how, until, request_id, note, found_at, decided_at,
                (SELECT display_name FROM users WHERE users.id = decided_by) AS decided_by
           FROM drift
           JOIN environments ON environments.id = environment_id
           JOIN customers ON customers.id = drift.customer_id
          WHERE environment_id = :environment AND drift.id > :after
            AND (drift.state = :state OR :state = 'open' AND drift.state = 'pushing')
            AND (:customer IS NULL OR drift.customer_id = :customer)
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = drift.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY drift.id LIMIT :limit",
        named_params! {
            ":scope": scope, ":environment": environment, ":state": filter.state, ":customer": filter.customer,
            ":after": paging.id(), ":limit": paging.fetch(),
        },
        finding,
    )
}

pub fn open_in(db: &Read, scope: &Scope<ConnectorsRead>, id: EnvironmentId) -> Result<i64> {
    db.value(
        "SELECT count(*) FROM drift
          WHERE environment_id = :environment AND state IN ('open', 'pushing')
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = drift.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":scope": scope, ":environment": id },
    )
}

/// Users of a customer, for somebody to say whose an account is: those without one there first.
pub fn people(
    db: &Read,
    connector: ConnectorId,
    customer: CustomerId,
) -> Result<Vec<(UserId, String)>> {
    db.all(
        "SELECT users.id, display_name, coalesce(upn, '') AS upn,
                EXISTS (SELECT 1 FROM bindings
                         WHERE bindings.customer_id = users.customer_id AND bindings.user_id = users.id
                           AND bindings.connector_id = :connector AND class = 'user') AS has_one
           FROM users
          WHERE users.customer_id = :customer AND users.state IN ('active', 'disabled')
          ORDER BY has_one, display_name, users.id LIMIT 500",
        named_params! { ":customer": customer, ":connector": connector },
        |row| {
            let (name, upn): (String, String) = (row.get("display_name")?, row.get("upn")?);
            Ok((row.get("id")?, format!("{name} ({upn})")))
        },
    )
}

fn finding(row: &rusqlite::Row) -> rusqlite::Result<Finding> {
    Ok(Finding {
        id: row.get("id")?,
        environment: row.get("environment_id")?,
        directory: row.get("directory")?,
        connector: row.get("connector_id")?,
        flavour: row.get("flavour")?,
        base: row.get("base")?,
        customer: row.get("customer_id")?,
        customer_name: row.get("customer")?,
        user: row.get("user_id")?,
        class: row.get("class")?,
        object: row.get("object")?,
        name: row.get("name")?,
        place: row.get("place")?,
        kind: row.get("kind")?,
        what: row.get("what")?,
        ours: row.get("ours")?,
        theirs: row.get("theirs")?,
        state: row.get("state")?,
        how: row.get("how")?,
        until: row.get("until")?,
        request: row.get("request_id")?,
        note: row.get("note")?,
        found_at: row.get("found_at")?,
        decided_at: row.get("decided_at")?,
        decided_by: row.get::<_, Option<String>>("decided_by")?.unwrap_or_default(),
    })
}

/// Whether a service of the user makes accounts in directories.
pub fn makes_account(db: &Read, customer: CustomerId, user: UserId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM user_services
           WHERE customer_id = :customer AND user_id = :user AND wanted <> 'gone' AND live <> 'gone'
             AND EXISTS (SELECT 1 FROM rules
                          WHERE rules.service_id = user_services.service_id AND action = 'dir.user_ensure'))",
        named_params! { ":customer": customer, ":user": user },
    )
}

/// The user of a customer whose account has a name.
pub fn whose(
    db: &Read,
    connector: ConnectorId,
    (customer, dn): (CustomerId, &str),
) -> Result<Option<UserId>> {
    db.maybe(
        "SELECT user_id FROM bindings
          WHERE customer_id = :customer AND connector_id = :connector AND class = 'user'
            AND dn = :dn COLLATE NOCASE",
        named_params! { ":connector": connector, ":customer": customer, ":dn": dn },
        |row| row.get("user_id"),
    )
}

/// Takes an object for what it is here from now on.
pub fn bind(
    tx: &Write,
    connector: ConnectorId,
    (customer, class): (CustomerId, Class),
    (object, subject, dn): (&str, &str, &str),
) -> Result<i64> {
    tx.change(
        "INSERT INTO bindings (connector_id, class, object, customer_id, subject, dn, bound_at)
         VALUES (:connector, :class, :object, :customer, :subject, :dn, :now) RETURNING id",
        named_params! {
            ":connector": connector, ":class": class, ":object": object, ":customer": customer,
            ":subject": subject, ":dn": dn, ":now": tx.now,
        },
    )
}

/// Whether an object that is bound was found to be deleted.
pub fn is_gone(db: &Read, environment: EnvironmentId, object: &str) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM drift
           WHERE environment_id = :environment AND object = :object AND kind = 'deleted' AND state <> 'settled')",
        named_params! { ":environment": environment, ":object": object },
    )
}
