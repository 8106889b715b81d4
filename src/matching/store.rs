use super::Site;
use super::evidence::people::Known;
use super::proposals::{self, Filter, Kept, Proposal};
use super::sync::{Report, SetUp, Wanted};
use crate::audit;
use crate::auth::Scope;
use crate::auth::permissions::{ConnectorsWrite, UsersImport};
use crate::db::{Read, Write, broken_unique};
use crate::error::{Error, Result};
use crate::ids::{ConnectorId, CustomerId, EnvironmentId, ProposalId, UserId};
use crate::places::State;
use crate::web::Paging;
use rusqlite::named_params;
use serde_json::json;
use std::collections::{BTreeSet, HashSet};

pub fn site(db: &Read, customer: CustomerId) -> Result<Option<Site>> {
    db.maybe(
        "SELECT environment_id, environments.name, environments.customer_id AS owner, connector_id,
                environments.kind AS flavour, base, locations.kind, root,
                (SELECT dn FROM bindings
                  WHERE bindings.connector_id = environments.connector_id AND class = 'ou'
                    AND bindings.customer_id = customers.id AND subject = 'customer') AS own
           FROM customers
           JOIN locations ON locations.id = lives_in
           JOIN environments ON environments.id = environment_id
          WHERE customers.id = ?1",
        [customer],
        |row| {
            Ok(Site {
                customer,
                environment: row.get("environment_id")?,
                name: row.get("name")?,
                owner: row.get("owner")?,
                connector: row.get("connector_id")?,
                flavour: row.get("flavour")?,
                base: row.get("base")?,
                kind: row.get("kind")?,
                root: row.get("root")?,
                own: row.get("own")?,
            })
        },
    )
}

/// The OUs of customers, and what customers alone in a location have of it.
pub fn areas(
    db: &Read,
    connector: ConnectorId,
    environment: EnvironmentId,
) -> Result<Vec<(CustomerId, String)>> {
    db.all(
        "SELECT customer_id, dn FROM bindings
          WHERE connector_id = :connector AND class = 'ou' AND subject = 'customer'
          UNION ALL
         SELECT customers.id, root FROM locations JOIN customers ON lives_in = locations.id
          WHERE environment_id = :environment AND locations.kind = 'private'",
        named_params! { ":connector": connector, ":environment": environment },
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Those of the objects that are another customer's.
pub fn bound_elsewhere(
    db: &Read,
    connector: ConnectorId,
    customer: CustomerId,
    objects: &[&str],
) -> Result<HashSet<String>> {
    let found = db.all(
        "SELECT object FROM json_each(:objects)
           JOIN bindings ON connector_id = :connector AND class = 'user' AND object = json_each.value
          WHERE customer_id <> :customer",
        named_params! {
            ":connector": connector, ":customer": customer, ":objects": serde_json::to_string(objects)?,
        },
        |row| row.get(0),
    )?;
    Ok(found.into_iter().collect())
}

/// Those of the names that are another customer's.
pub fn names_elsewhere(db: &Read, customer: CustomerId, names: &[&str]) -> Result<HashSet<String>> {
    let found = db.all(
        "SELECT user_names.name FROM json_each(:names)
           JOIN user_names ON user_names.name = json_each.value
          WHERE customer_id <> :customer",
        named_params! { ":customer": customer, ":names": serde_json::to_string(names)? },
        |row| row.get(0),
    )?;
    Ok(found.into_iter().collect())
}

/// The customer's verified domains, the main one first.
pub fn domains(db: &Read, scope: &Scope<UsersImport>, customer: CustomerId) -> Result<Vec<String>> {
    db.all(
        "SELECT domains.name FROM customer_domains JOIN domains ON domains.id = domain_id
          WHERE customer_domains.customer_id = :customer AND verified_at IS NOT NULL
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customer_domains.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY main DESC, domains.name",
        named_params! { ":customer": customer, ":scope": scope },
        |row| row.get(0),
    )
}

/// The users of a customer, with what is theirs in the directory.
pub fn people(db: &Read, connector: ConnectorId, customer: CustomerId) -> Result<Vec<Known>> {
    db.all(
        "SELECT users.id, coalesce(upn, '') AS upn, username, employee_id, first_name, last_name, break_glass, object,
                (SELECT coalesce(json_group_array(name), '[]') FROM user_names WHERE user_id = users.id) AS names
           FROM users
           LEFT JOIN bindings ON bindings.customer_id = users.customer_id AND bindings.user_id = users.id
                             AND connector_id = :connector AND class = 'user'
          WHERE users.customer_id = :customer AND state NOT IN ('deleted', 'purged')",
        named_params! { ":connector": connector, ":customer": customer },
        |row| {
            let names: String = row.get("names")?;
            Ok(Known {
                id: row.get("id")?,
                upn: row.get("upn")?,
                names: serde_json::from_str(&names).unwrap_or_default(),
                username: row.get("username")?,
                employee_id: row.get("employee_id")?,
                first_name: row.get("first_name")?,
                last_name: row.get("last_name")?,
                break_glass: row.get("break_glass")?,
                bound: row.get("object")?,
                vanished: false,
            })
        },
    )
}

/// Binds an object that is nobody's to a user who has none there.
pub fn bind(
    tx: &Write,
    connector: ConnectorId,
    (customer, user): (CustomerId, UserId),
    (object, place): (&str, &str),
) -> Result<()> {
    let done = tx.run(
        "INSERT INTO bindings (connector_id, class, object, customer_id, user_id, subject, dn, bound_at)
         VALUES (:connector, 'user', :object, :customer, :user, 'user ' || :user, :dn, :now)",
        named_params! {
            ":connector": connector, ":object": object, ":customer": customer, ":user": user, ":dn": place,
            ":now": tx.now,
        },
    );
    match done {
        Err(err) if broken_unique(&err).is_some() => Err(Error::refused(
            "The account is somebody's already, or the user has another one there.",
        )),
        done => done.map(|_| ()),
    }
}

/// Remembers where an object lies now.
pub fn moved(tx: &Write, connector: ConnectorId, object: &str, place: &str) -> Result<()> {
    tx.run(
        "UPDATE bindings SET dn = :dn
          WHERE connector_id = :connector AND class = 'user' AND object = :object AND dn <> :dn",
        named_params! { ":connector": connector, ":object": object, ":dn": place },
    )?;
    Ok(())
}

/// The object that is a user's through a connector, and where it was seen last.
pub fn object_of(
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

pub fn unbind(
    tx: &Write,
    connector: ConnectorId,
    (customer, user): (CustomerId, UserId),
) -> Result<()> {
    tx.run(
        "DELETE FROM bindings
          WHERE customer_id = :customer AND user_id = :user AND connector_id = :connector AND class = 'user'",
        named_params! { ":connector": connector, ":customer": customer, ":user": user },
    )?;
    Ok(())
}

/// The accounts of a user: connector, its name, object, place, since when.
pub fn links(db: &Read, customer: CustomerId, user: UserId) -> Result<Vec<super::links::Link>> {
    db.all(
        "SELECT connector_id, connectors.name, object, dn, bound_at
           FROM bindings JOIN connectors ON connectors.id = connector_id
          WHERE bindings.customer_id = :customer AND user_id = :user AND class = 'user'
          ORDER BY connectors.name",
        named_params! { ":customer": customer, ":user": user },
        |row| {
            Ok(super::links::Link {
                connector: row.get("connector_id")?,
                directory: row.get("name")?,
                object: row.get("object")?,
                place: row.get("dn")?,
                since: row.get("bound_at")?,
            })
        },
    )
}

/// What was decided of an object before, if anything was.
pub fn decided(
    db: &Read,
    environment: EnvironmentId,
    customer: CustomerId,
    object: &str,
) -> Result<Option<Kept>> {
    db.maybe(
        "SELECT id, state, digest FROM proposals
          WHERE customer_id = :customer AND environment_id = :environment AND object = :object",
        named_params! { ":environment": environment, ":customer": customer, ":object": object },
        |row| Ok(Kept { id: row.get("id")?, state: row.get("state")?, digest: row.get("digest")? }),
    )
}

/// Lays it before people, anew where the evidence is another.
pub fn propose(tx: &Write, site: &Site, it: &super::proposals::New) -> Result<ProposalId> {
    tx.change(
        "INSERT INTO proposals (environment_id, customer_id, object, place, why, account, candidates, suggested,
                                digest, created_at)
         VALUES (:environment, :customer, :object, :place, :why, :account, :candidates, :suggested, :digest, :now)
         ON CONFLICT (customer_id, environment_id, object) DO UPDATE
            SET place = excluded.place, why = excluded.why, account = excluded.account,
                candidates = excluded.candidates, suggested = excluded.suggested, digest = excluded.digest,
                state = 'open', told = 0, user_id = NULL, decided_by = NULL, decided_at = NULL,
                created_at = excluded.created_at
         RETURNING id",
        named_params! {
            ":environment": site.environment, ":customer": site.customer, ":object": it.object,
            ":place": it.place, ":why": it.why, ":account": it.account, ":candidates": it.candidates,
            ":suggested": it.suggested, ":digest": it.digest, ":now": tx.now,
        },
    )
}

/// Whoever an object is now, nobody has to be asked any more.
pub fn answered(
    tx: &Write,
    environment: EnvironmentId,
    customer: CustomerId,
    object: &str,
) -> Result<()> {
    tx.run(
        "DELETE FROM proposals
          WHERE customer_id = :customer AND environment_id = :environment AND object = :object AND state = 'open'",
        named_params! { ":environment": environment, ":customer": customer, ":object": object },
    )?;
    Ok(())
}

pub fn decide(
    tx: &Write,
    id: ProposalId,
    state: proposals::State,
    user: Option<UserId>,
) -> Result<()> {
    tx.run(
        "UPDATE proposals SET state = :state, user_id = :user, decided_by = :by, decided_at = :now WHERE id = :id",
        named_params! { ":id": id, ":state": state, ":user": user, ":by": tx.by.user, ":now": tx.now },
    )?;
    Ok(())
}

pub fn proposals(
    db: &Read,
    scope: &Scope<UsersImport>,
    filter: &Filter,
    paging: &Paging,
) -> Result<Vec<Proposal>> {
    db.all(
        "SELECT proposals.id, environment_id, connector_id, environments.name AS environment, proposals.customer_id,
                customers.name AS customer, object, place, why, account, candidates, suggested, proposals.state,
                proposals.user_id, proposals.created_at, decided_at,
                (SELECT display_name FROM users WHERE users.id = decided_by) AS decided_by
           FROM proposals
           JOIN environments ON environments.id = environment_id
           JOIN customers ON customers.id = proposals.customer_id
          WHERE proposals.state = :state AND proposals.id > :after
            AND (:customer IS NULL OR proposals.customer_id = :customer)
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = proposals.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY proposals.id LIMIT :limit",
        named_params! {
            ":scope": scope, ":state": filter.state, ":customer": filter.customer, ":after": paging.id(),
            ":limit": paging.fetch(),
        },
        proposal,
    )
}

pub fn proposal_of(db: &Read, scope: &Scope<UsersImport>, id: ProposalId) -> Result<Proposal> {
    db.one(
        "SELECT proposals.id, environment_id, connector_id, environments.name AS environment, proposals.customer_id,
                customers.name AS customer, object, place, why, account, candidates, suggested, proposals.state,
                proposals.user_id, proposals.created_at, decided_at,
                (SELECT display_name FROM users WHERE users.id = decided_by) AS decided_by
           FROM proposals
           JOIN environments ON environments.id = environment_id
           JOIN customers ON customers.id = proposals.customer_id
          WHERE proposals.id = :id
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = proposals.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":scope": scope, ":id": id },
        proposal,
    )
}

fn proposal(row: &rusqlite::Row) -> rusqlite::Result<Proposal> {
    let (account, candidates): (String, String) = (row.get("account")?, row.get("candidates")?);
    Ok(Proposal {
        id: row.get("id")?,
        environment: row.get("environment_id")?,
        connector: row.get("connector_id")?,
        directory: row.get("environment")?,
        customer: row.get("customer_id")?,
        customer_name: row.get("customer")?,
        object: row.get("object")?,
        place: row.get("place")?,
        why: row.get("why")?,
        account: serde_json::from_str(&account).unwrap_or_default(),
        candidates: serde_json::from_str(&candidates).unwrap_or_default(),
        suggested: row.get("suggested")?,
        state: row.get("state")?,
        user: row.get("user_id")?,
        created_at: row.get("created_at")?,
        decided_at: row.get("decided_at")?,
        decided_by: row.get::<_, Option<String>>("decided_by")?.unwrap_or_default(),
    })
}

/// Names and sign-in names of users of a customer, by id.
pub fn called(
    db: &Read,
    customer: CustomerId,
    ids: &BTreeSet<i64>,
) -> Result<Vec<(UserId, String, String)>> {
    db.all(
        "SELECT id, display_name, coalesce(upn, '') AS upn FROM users
          WHERE id IN (SELECT value FROM json_each(:ids)) AND customer_id = :customer
            AND state NOT IN ('deleted', 'purged')",
        named_params! { ":ids": serde_json::to_string(ids)?, ":customer": customer },
        |row| Ok((row.get("id")?, row.get("display_name")?, row.get("upn")?)),
    )
}

/// A user of a customer with what is theirs in a directory.
#[derive(Clone)]
pub struct Bound {
    pub user: UserId,
    pub name: String,
    pub upn: String,
    pub state: State,
    pub break_glass: bool,
    pub object: String,
    pub place: String,
}

/// The living users of a customer who have an account there.
pub fn bound_users(db: &Read, connector: ConnectorId, customer: CustomerId) -> Result<Vec<Bound>> {
    db.all(
        "SELECT users.id, display_name, upn, state, break_glass, object, dn
           FROM bindings JOIN users ON users.id = user_id
          WHERE bindings.customer_id = :customer AND connector_id = :connector AND class = 'user'
            AND state IN ('active', 'disabled')",
        named_params! { ":connector": connector, ":customer": customer },
        |row| {
            Ok(Bound {
                user: row.get("id")?,
                name: row.get("display_name")?,
                upn: row.get("upn")?,
                state: row.get("state")?,
                break_glass: row.get("break_glass")?,
                object: row.get("object")?,
                place: row.get("dn")?,
            })
        },
    )
}

/// Says why a sync suspended somebody.
pub fn leaver(tx: &Write, customer: CustomerId, user: UserId, why: &str) -> Result<()> {
    let detail = json!({ "reason": "directory", "why": why });
    audit::record(tx, "directory.leaver", ("user", user.0), customer, &detail)
}

pub fn set_up(db: &Read, customer: CustomerId) -> Result<Option<SetUp>> {
    db.maybe(
        "SELECT customer_id, environment_id, ous, fields, leavers, newcomers, every, user_id, queued_at
           FROM syncs WHERE customer_id = ?1",
        [customer],
        a_set_up,
    )
}

/// All of them; there are no more than customers who follow.
pub fn set_ups(db: &Read) -> Result<Vec<SetUp>> {
    db.all(
        "SELECT customer_id, environment_id, ous, fields, leavers, newcomers, every, user_id, queued_at
           FROM syncs WHERE every <> 'never' ORDER BY customer_id",
        [],
        a_set_up,
    )
}

fn a_set_up(row: &rusqlite::Row) -> rusqlite::Result<SetUp> {
    let (ous, fields): (String, String) = (row.get("ous")?, row.get("fields")?);
    Ok(SetUp {
        customer: row.get("customer_id")?,
        environment: row.get("environment_id")?,
        ous: serde_json::from_str(&ous).unwrap_or_default(),
        fields: serde_json::from_str(&fields).unwrap_or_default(),
        leavers: row.get("leavers")?,
        newcomers: row.get("newcomers")?,
        every: row.get("every")?,
        user: row.get("user_id")?,
        queued_at: row.get("queued_at")?,
    })
}

pub fn put_set_up(tx: &Write, site: &Site, user: UserId, wanted: &Wanted) -> Result<()> {
    tx.run(
        "INSERT INTO syncs (customer_id, environment_id, ous, fields, leavers, newcomers, every, user_id)
         VALUES (:customer, :environment, :ous, :fields, :leavers, :newcomers, :every, :user)
         ON CONFLICT (customer_id) DO UPDATE
            SET environment_id = excluded.environment_id, ous = excluded.ous, fields = excluded.fields,
                leavers = excluded.leavers, newcomers = excluded.newcomers, every = excluded.every,
                user_id = excluded.user_id",
        named_params! {
            ":customer": site.customer, ":environment": site.environment,
            ":ous": serde_json::to_string(&wanted.ous)?, ":fields": serde_json::to_string(&wanted.fields)?,
            ":leavers": wanted.leavers, ":newcomers": wanted.newcomers, ":every": wanted.every, ":user": user,
        },
    )?;
    Ok(())
}

pub fn delete_set_up(tx: &Write, customer: CustomerId) -> Result<bool> {
    Ok(tx.run("DELETE FROM syncs WHERE customer_id = ?1", [customer])? > 0)
}

pub fn queued(tx: &Write, customer: CustomerId) -> Result<()> {
    tx.run(
        "UPDATE syncs SET queued_at = :now WHERE customer_id = :customer",
        named_params! { ":customer": customer, ":now": tx.now },
    )?;
    Ok(())
}

pub fn followers(
    db: &Read,
    scope: &Scope<ConnectorsWrite>,
    environment: EnvironmentId,
) -> Result<Vec<CustomerId>> {
    db.all(
        "SELECT syncs.customer_id FROM syncs
          WHERE environment_id = :environment
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = syncs.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY syncs.customer_id",
        named_params! { ":environment": environment, ":scope": scope },
        |row| row.get(0),
    )
}

/// The last runs of a customer that were syncs: id, state, when, numbers.
pub fn reports(db: &Read, customer: CustomerId) -> Result<Vec<Report>> {
    db.all(
        "SELECT id, state, due_at, numbers FROM runs
          WHERE customer_id = :customer AND kind = 'directory.sync' ORDER BY id DESC LIMIT 10",
        named_params! { ":customer": customer },
        |row| {
            let numbers: String = row.get("numbers")?;
            Ok(Report {
                run: row.get("id")?,
                state: row.get("state")?,
                at: row.get("due_at")?,
                numbers: serde_json::from_str(&numbers).unwrap_or_default(),
            })
        },
    )
}

/// The user whose an object is.
pub fn user_of(db: &Read, connector: ConnectorId, object: &str) -> Result<Option<UserId>> {
    db.maybe(
        "SELECT user_id FROM bindings
          WHERE connector_id = :connector AND class = 'user' AND object = :object",
        named_params! { ":connector": connector, ":object": object },
        |row| row.get("user_id"),
    )
}

/// The next work in the directory brings an account to where it belongs.
pub fn adopted(tx: &Write, connector: ConnectorId, object: &str) -> Result<()> {
    tx.run(
        "UPDATE bindings SET standing = 'adopted'
          WHERE connector_id = :connector AND class = 'user' AND object = :object",
        named_params! { ":connector": connector, ":object": object },
    )?;
    Ok(())
}
