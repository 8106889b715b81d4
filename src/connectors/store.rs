use super::call::{Line, Sealed};
use super::doctor::Light;
use super::ldap::Directory;
use super::notices::{Ending, Keeper};
use super::scim::{Account, Features};
use super::scripts::Enabled;
use super::{Choice, Connector, Kind, State, Wanted};
use crate::auth::Scope;
use crate::auth::permissions::ConnectorsRead;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{ConnectorId, CredentialId, CustomerId, EnvironmentId};
use crate::time::{Date, Instant};
use crate::web::Paging;
use rusqlite::named_params;

pub fn list(db: &Read, scope: &Scope<ConnectorsRead>, paging: &Paging) -> Result<Vec<Connector>> {
    db.all(
        "SELECT connectors.id, connectors.customer_id, customers.name AS customer_name, kind, connectors.name,
                connectors.state, stage, script, url, hosts, security, sign_in_as, authority, networks, time_limit,
                credential_id, coalesce(credentials.name, '') AS credential_name, previous_until, failures,
                down_until, down_since, last_error, connectors.version, connectors.created_at,
                (SELECT count(*) FROM rules WHERE connector_id = connectors.id) AS rules,
                calls_per_minute, light, light_text, examined_at
           FROM connectors
           JOIN customers ON customers.id = connectors.customer_id
           LEFT JOIN credentials ON credentials.id = credential_id
          WHERE EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = connectors.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
            AND (connectors.name, connectors.id) > (:after, :after_id)
          ORDER BY connectors.name, connectors.id LIMIT :limit",
        named_params! {
            ":scope": scope, ":after": paging.value(), ":after_id": paging.id(), ":limit": paging.fetch(),
        },
        row,
    )
}

pub fn one<P>(db: &Read, scope: &Scope<P>, id: ConnectorId) -> Result<Connector> {
    db.one(
        "SELECT connectors.id, connectors.customer_id, customers.name AS customer_name, kind, connectors.name,
                connectors.state, stage, script, url, hosts, security, sign_in_as, authority, networks, time_limit,
                credential_id, coalesce(credentials.name, '') AS credential_name, previous_until, failures,
                down_until, down_since, last_error, connectors.version, connectors.created_at,
                (SELECT count(*) FROM rules WHERE connector_id = connectors.id) AS rules,
                calls_per_minute, light, light_text, examined_at
           FROM connectors
           JOIN customers ON customers.id = connectors.customer_id
           LEFT JOIN credentials ON credentials.id = credential_id
          WHERE connectors.id = :id
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = connectors.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":id": id, ":scope": scope },
        row,
    )
}

fn row(row: &rusqlite::Row) -> rusqlite::Result<Connector> {
    let networks: String = row.get("networks")?;
    Ok(Connector {
        id: row.get("id")?,
        customer: row.get("customer_id")?,
        customer_name: row.get("customer_name")?,
        kind: row.get("kind")?,
        name: row.get("name")?,
        state: row.get("state")?,
        stage: row.get("stage")?,
        script: row.get::<_, Option<String>>("script")?.unwrap_or_default(),
        url: row.get::<_, Option<String>>("url")?.unwrap_or_default(),
        directory: directory(row)?,
        account: account(row)?,
        networks: serde_json::from_str(&networks).unwrap_or_default(),
        time_limit: row.get("time_limit")?,
        credential: row.get("credential_id")?,
        credential_name: row.get("credential_name")?,
        previous_until: row.get("previous_until")?,
        failures: row.get("failures")?,
        down_until: row.get("down_until")?,
        down_since: row.get("down_since")?,
        last_error: row.get("last_error")?,
        rules: row.get("rules")?,
        calls_per_minute: row.get("calls_per_minute")?,
        light: row.get("light")?,
        light_text: row.get("light_text")?,
        examined_at: row.get("examined_at")?,
        version: row.get("version")?,
        created_at: row.get("created_at")?,
    })
}

fn directory(row: &rusqlite::Row) -> rusqlite::Result<Option<Directory>> {
    let Some(hosts) = row.get::<_, Option<String>>("hosts")? else { return Ok(None) };
    Ok(Some(Directory {
        hosts: serde_json::from_str(&hosts).unwrap_or_default(),
        security: row.get("security")?,
        sign_in_as: row.get("sign_in_as")?,
        authority: row.get("authority")?,
    }))
}

fn account(row: &rusqlite::Row) -> rusqlite::Result<Option<Account>> {
    if row.get::<_, Kind>("kind")? != Kind::Scim {
        return Ok(None);
    }
    Ok(Some(Account { sign_in_as: row.get("sign_in_as")?, authority: row.get("authority")? }))
}

/// Whether it is a credential of `owner` that belongs to no script and no webhook.
pub fn is_free_credential(db: &Read, owner: CustomerId, id: CredentialId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM credentials
                         WHERE id = :id AND customer_id = :owner
                           AND NOT EXISTS (SELECT 1 FROM connectors
                                            WHERE credential_id = credentials.id
                                              AND kind NOT IN ('ldap', 'scim')))",
        named_params! { ":id": id, ":owner": owner },
    )
}

pub fn insert_credential(tx: &Write, owner: CustomerId, name: &str) -> Result<CredentialId> {
    tx.change(
        "INSERT INTO credentials (customer_id, name, sealed, changed_at)
         VALUES (:owner, :name, '', :now) RETURNING id",
        named_params! { ":owner": owner, ":name": name, ":now": tx.now },
    )
}

pub fn rename_credential(tx: &Write, id: CredentialId, name: &str) -> Result<()> {
    tx.run(
        "UPDATE credentials SET name = :name WHERE id = :id",
        named_params! { ":id": id, ":name": name },
    )?;
    Ok(())
}

pub fn seal(tx: &Write, id: CredentialId, sealed: &str) -> Result<()> {
    tx.run(
        "UPDATE credentials SET sealed = :sealed, changed_at = :now WHERE id = :id",
        named_params! { ":id": id, ":sealed": sealed, ":now": tx.now },
    )?;
    Ok(())
}

/// Puts a new secret before the present one, which goes on until `until`.
pub fn rotate(tx: &Write, id: CredentialId, sealed: &str, until: Instant) -> Result<()> {
    tx.run(
        "UPDATE credentials
            SET previous = sealed, previous_until = :until, sealed = :sealed, changed_at = :now
          WHERE id = :id",
        named_params! { ":id": id, ":sealed": sealed, ":until": until, ":now": tx.now },
    )?;
    Ok(())
}

pub fn insert(
    tx: &Write,
    owner: CustomerId,
    kind: Kind,
    wanted: &Wanted,
    credential: CredentialId,
) -> Result<ConnectorId> {
    tx.change(
        "INSERT INTO connectors (customer_id, kind, name, stage, script, url, hosts, security, sign_in_as, authority,
                credential_id, networks, time_limit, calls_per_minute, created_at)
         VALUES (:owner, :kind, :name, :stage, :script, :url, :hosts, :security, :sign_in_as, :authority, :credential,
                :networks, :limit, :calls, :now) RETURNING id",
        named_params! {
            ":owner": owner, ":kind": kind, ":name": wanted.name, ":stage": wanted.stage,
            ":script": wanted.script, ":url": wanted.url,
            ":hosts": hosts(wanted)?, ":security": wanted.directory.as_ref().map(|to| to.security),
            ":sign_in_as": sign_in_as(wanted), ":authority": authority(wanted),
            ":credential": credential,
            ":networks": serde_json::to_string(&wanted.networks)?, ":limit": wanted.time_limit,
            ":calls": wanted.calls_per_minute, ":now": tx.now,
        },
    )
}

fn hosts(wanted: &Wanted) -> Result<Option<String>> {
    let directory = wanted.directory.as_ref();
    Ok(directory.map(|to| serde_json::to_string(&to.hosts)).transpose()?)
}

fn sign_in_as(wanted: &Wanted) -> Option<&String> {
    let directory = wanted.directory.as_ref().map(|to| &to.sign_in_as);
    directory.or(wanted.account.as_ref().and_then(|account| account.sign_in_as.as_ref()))
}

fn authority(wanted: &Wanted) -> Option<&String> {
    let directory = wanted.directory.as_ref().and_then(|to| to.authority.as_ref());
    directory.or(wanted.account.as_ref().and_then(|account| account.authority.as_ref()))
}

/// What was wrong with it may be right now, so it is tried anew.
pub fn update(tx: &Write, id: ConnectorId, wanted: &Wanted) -> Result<()> {
    tx.run(
        "UPDATE connectors
            SET name = :name, stage = :stage, script = :script, url = :url, hosts = :hosts, security = :security,
                sign_in_as = :sign_in_as, authority = :authority,
                credential_id = coalesce(:credential, credential_id), networks = :networks, time_limit = :limit,
                calls_per_minute = :calls, rests_until = NULL, minute_began = NULL, minute_calls = 0,
                failures = 0, down_until = NULL, down_since = NULL, last_error = '', features_at = NULL,
                light = NULL, light_text = '', examined_at = NULL, version = version + 1
          WHERE id = :id",
        named_params! {
            ":id": id, ":name": wanted.name, ":stage": wanted.stage, ":script": wanted.script,
            ":url": wanted.url, ":hosts": hosts(wanted)?,
            ":security": wanted.directory.as_ref().map(|to| to.security),
            ":sign_in_as": sign_in_as(wanted), ":authority": authority(wanted),
            ":credential": wanted.credential,
            ":networks": serde_json::to_string(&wanted.networks)?, ":limit": wanted.time_limit,
            ":calls": wanted.calls_per_minute,
        },
    )?;
    Ok(())
}

pub fn set_state(tx: &Write, id: ConnectorId, state: State) -> Result<()> {
    tx.run(
        "UPDATE connectors
            SET state = :state, failures = 0, down_until = NULL, down_since = NULL, version = version + 1
          WHERE id = :id",
        named_params! { ":id": id, ":state": state },
    )?;
    Ok(())
}

/// What waited because of a pause has until `deadline` at least: people's time does not count.
pub fn extend_waiting(tx: &Write, id: ConnectorId, deadline: Instant) -> Result<()> {
    tx.run(
        "UPDATE requests SET deadline_at = :deadline
          WHERE connector_id = :id AND turn <> 'over' AND deadline_at < :deadline",
        named_params! { ":id": id, ":deadline": deadline },
    )?;
    Ok(())
}

pub fn enabled(db: &Read) -> Result<Vec<Enabled>> {
    db.all(
        "SELECT name, lower(hex(sha256)) AS digest, enabled_at, display_name
           FROM scripts LEFT JOIN users ON users.id = enabled_by
          ORDER BY name",
        [],
        |row| {
            Ok(Enabled {
                name: row.get("name")?,
                digest: row.get("digest")?,
                at: row.get("enabled_at")?,
                by: row.get("display_name")?,
            })
        },
    )
}

pub fn enable(tx: &Write, name: &str, digest: &str) -> Result<()> {
    tx.run(
        "INSERT INTO scripts (name, sha256, enabled_at, enabled_by) VALUES (:name, unhex(:digest), :now, :by)
         ON CONFLICT (name) DO UPDATE SET sha256 = excluded.sha256, enabled_at = excluded.enabled_at,
                                          enabled_by = excluded.enabled_by",
        named_params! { ":name": name, ":digest": digest, ":now": tx.now, ":by": tx.by.user },
    )?;
    Ok(())
}

pub fn choices(db: &Read, owner: CustomerId) -> Result<Vec<Choice>> {
    db.all(
        "SELECT id, name, kind, state FROM connectors
          WHERE customer_id = :owner AND state <> 'gone'
          ORDER BY name",
        named_params! { ":owner": owner },
        |row| {
            Ok(Choice {
                id: row.get("id")?,
                name: row.get("name")?,
                kind: row.get("kind")?,
                state: row.get("state")?,
            })
        },
    )
}

pub fn line(db: &Read, id: ConnectorId) -> Result<Line> {
    db.one(
        "SELECT connectors.id, connectors.customer_id, kind, connectors.name, state, script, url, hosts, security,
                sign_in_as, authority, networks, time_limit, credential_id, sealed, features, features_at,
                light, calls_per_minute,
                CASE WHEN previous_until > :now THEN previous END AS previous, lower(hex(sha256)) AS enabled
           FROM connectors
           LEFT JOIN credentials ON credentials.id = credential_id
           LEFT JOIN scripts ON scripts.name = script
          WHERE connectors.id = :id",
        named_params! { ":id": id, ":now": db.now },
        |row| {
            let credential: Option<CredentialId> = row.get("credential_id")?;
            let (now, previous): (Option<String>, _) = (row.get("sealed")?, row.get("previous")?);
            let networks: String = row.get("networks")?;
            let enabled: Option<String> = row.get("enabled")?;
            let features: Option<String> = row.get("features")?;
            Ok(Line {
                id: row.get("id")?,
                customer: row.get("customer_id")?,
                kind: row.get("kind")?,
                name: row.get("name")?,
                state: row.get("state")?,
                script: row.get::<_, Option<String>>("script")?.unwrap_or_default(),
                url: row.get::<_, Option<String>>("url")?.unwrap_or_default(),
                directory: directory(row)?,
                account: account(row)?,
                features: features.as_deref().and_then(|text| serde_json::from_str(text).ok()),
                features_at: row.get("features_at")?,
                light: row.get("light")?,
                calls_per_minute: row.get("calls_per_minute")?,
                networks: serde_json::from_str(&networks).unwrap_or_default(),
                time_limit: row.get("time_limit")?,
                credential: credential.zip(now).map(|(id, now)| Sealed { id, now, previous }),
                enabled: enabled.filter(|hex| !hex.is_empty()),
            })
        },
    )
}

/// Keeps what a SCIM service said it can.
pub fn set_features(tx: &Write, id: ConnectorId, features: &Features) -> Result<()> {
    tx.run(
        "UPDATE connectors SET features = :features, features_at = :now WHERE id = :id",
        named_params! {
            ":id": id, ":features": serde_json::to_string(features)?, ":now": tx.now,
        },
    )?;
    Ok(())
}

pub fn set_light(tx: &Write, id: ConnectorId, light: Light, text: &str) -> Result<()> {
    tx.run(
        "UPDATE connectors SET light = :light, light_text = :text, examined_at = :now WHERE id = :id",
        named_params! { ":id": id, ":light": light, ":text": text, ":now": tx.now },
    )?;
    Ok(())
}

pub fn forget_examination(tx: &Write, id: ConnectorId) -> Result<()> {
    tx.run(
        "UPDATE connectors SET light = NULL, light_text = '', examined_at = NULL WHERE id = ?1",
        [id],
    )?;
    Ok(())
}

pub fn in_use(db: &Read) -> Result<Vec<ConnectorId>> {
    db.all("SELECT id FROM connectors WHERE state <> 'gone' ORDER BY id", [], |row| row.get("id"))
}

/// Who may see to the connectors of a customer, at home there.
pub fn keepers(db: &Read, owner: CustomerId) -> Result<Vec<Keeper>> {
    db.all(
        "SELECT DISTINCT users.id, display_name, mail
           FROM role_grants JOIN role_rights ON role_rights.role_id = role_grants.role_id
                JOIN users ON users.id = role_grants.user_id
          WHERE permission = 'connectors.write' AND users.customer_id = :owner AND users.state = 'active'
            AND mail IS NOT NULL
          ORDER BY users.id LIMIT 20",
        named_params! { ":owner": owner },
        |row| {
            Ok(Keeper {
                id: row.get("id")?,
                name: row.get("display_name")?,
                mail: row.get("mail")?,
            })
        },
    )
}

/// A connector's name and owner.
pub fn called(db: &Read, id: ConnectorId) -> Result<(String, CustomerId)> {
    db.one("SELECT name, customer_id FROM connectors WHERE id = ?1", [id], |row| {
        Ok((row.get("name")?, row.get("customer_id")?))
    })
}

/// The credentials that end on a day and are used, with what uses them.
pub fn ending(db: &Read, day: Date) -> Result<Vec<Ending>> {
    db.all(
        "SELECT credentials.id, credentials.customer_id, credentials.name, group_concat(connectors.name, ', ') AS used_by
           FROM credentials JOIN connectors ON credential_id = credentials.id AND state <> 'gone'
          WHERE expires_on = :day
          GROUP BY credentials.id ORDER BY credentials.id",
        named_params! { ":day": day },
        |row| {
            Ok(Ending {
                id: row.get("id")?,
                customer: row.get("customer_id")?,
                name: row.get("name")?,
                used_by: row.get("used_by")?,
            })
        },
    )
}

/// A directory that works through a connector, and the domains of the customers who live in it.
pub struct Base {
    pub id: EnvironmentId,
    pub name: String,
    /// Accounts are kept out by locks.
    pub locks: bool,
    /// An administrator whose name was typed, so that it is used all the same.
    pub let_through: Option<String>,
    pub domains: Vec<String>,
    /// Below these the customers' objects are made, the first ten; none before there is a location.
    pub roots: Vec<String>,
}

pub fn bases(db: &Read, id: ConnectorId) -> Result<Vec<Base>> {
    db.all(
        "SELECT id, base, let_through, disabling = 'lock' AS locks,
                (SELECT coalesce(json_group_array(domains.name), '[]')
                   FROM locations
                   JOIN customers ON customers.lives_in = locations.id
                   JOIN customer_domains ON customer_domains.customer_id = customers.id
                   JOIN domains ON domains.id = domain_id
                  WHERE locations.environment_id = environments.id) AS domains,
                (SELECT coalesce(json_group_array(root), '[]')
                   FROM (SELECT DISTINCT root FROM locations
                          WHERE locations.environment_id = environments.id ORDER BY root LIMIT 10)) AS roots
           FROM environments
          WHERE connector_id = ?1
          ORDER BY name",
        [id],
        |row| {
            let (domains, roots): (String, String) = (row.get("domains")?, row.get("roots")?);
            Ok(Base {
                id: row.get("id")?,
                name: row.get("base")?,
                locks: row.get("locks")?,
                let_through: row.get("let_through")?,
                domains: serde_json::from_str(&domains).unwrap_or_default(),
                roots: serde_json::from_str(&roots).unwrap_or_default(),
            })
        },
    )
}

/// What came of trying a lock.
pub fn lock_tried(tx: &Write, id: EnvironmentId, holds: bool) -> Result<()> {
    tx.run(
        "UPDATE environments SET lock_holds = :holds WHERE id = :id",
        named_params! { ":id": id, ":holds": holds },
    )?;
    Ok(())
}

/// Where the provider's days begin and end.
pub fn zone(db: &Read) -> Result<String> {
    db.value("SELECT time_zone FROM customers WHERE id = 1", [])
}
