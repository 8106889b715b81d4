use super::{
    Class, Disabling, Environment, Flavour, Inhabited, Location, LocationKind, Residence,
    Surroundings,
};
use crate::auth::Scope;
use crate::auth::permissions::ConnectorsRead;
use crate::connectors::{Kind, Stage};
use crate::db::{Read, Write, broken_unique};
use crate::error::{Error, Result};
use crate::ids::{ConnectorId, CustomerId, EnvironmentId, PlaceId, UserId};
use crate::time::{Date, Zone};
use crate::web::Paging;
use rusqlite::named_params;
use serde_json::{Map, Value};

/// What in a directory is what here.
pub struct Binding {
    pub class: Class,
    /// objectGUID or entryUUID.
    pub object: String,
    pub customer: CustomerId,
    pub user: Option<UserId>,
    pub subject: String,
    pub dn: String,
    /// Somebody has said that it is that; the next work in the directory makes it ours.
    pub adopted: bool,
}

/// Where a customer's objects are.
pub struct Home {
    pub connector: ConnectorId,
    pub flavour: Flavour,
    pub base: String,
    pub marked: bool,
    pub disabling: Disabling,
    pub disable_attribute: String,
    pub lock_holds: bool,
    pub kind: LocationKind,
    pub root: String,
}

/// A customer as its OU needs it.
pub struct About {
    pub name: String,
    pub code: String,
    /// The customer above, where it lives in the same directory.
    pub parent_in_it: Option<CustomerId>,
    /// Whether the one above stands directly below the provider.
    pub parent_is_top: bool,
}

/// A user as the account needs it.
pub struct Person {
    pub id: UserId,
    pub display_name: String,
    pub last_name: String,
    pub username: String,
    pub upn: String,
    pub mail: String,
    pub department: String,
    pub office: String,
    pub manager: Option<UserId>,
    pub addresses: Vec<String>,
    /// Seconds since 1970.
    pub ends_at: Option<i64>,
    fields: Map<String, Value>,
}

impl Person {
    /// One of the fields that are written to an attribute.
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

pub fn home(db: &Read, customer: CustomerId) -> Result<Option<Home>> {
    db.maybe(
        "SELECT connector_id, environments.kind AS flavour, base, marked, disabling, disable_attribute,
                coalesce(lock_holds, 0) AS lock_holds, locations.kind, root
           FROM customers
           JOIN locations ON locations.id = lives_in
           JOIN environments ON environments.id = environment_id
          WHERE customers.id = ?1",
        [customer],
        |row| {
            Ok(Home {
                connector: row.get("connector_id")?,
                flavour: row.get("flavour")?,
                base: row.get("base")?,
                marked: row.get("marked")?,
                disabling: row.get("disabling")?,
                disable_attribute: row.get("disable_attribute")?,
                lock_holds: row.get("lock_holds")?,
                kind: row.get("kind")?,
                root: row.get("root")?,
            })
        },
    )
}

pub fn surroundings(db: &Read, customer: CustomerId) -> Result<Option<Surroundings>> {
    db.maybe(
        "SELECT environments.connector_id, environments.name, environments.kind AS flavour, base,
                CASE locations.kind WHEN 'private' THEN root ELSE
                  (SELECT dn FROM bindings
                    WHERE bindings.customer_id = customers.id AND bindings.connector_id = environments.connector_id
                      AND class = 'ou' AND subject = 'customer') END AS customer_ou
           FROM customers
           JOIN locations ON locations.id = lives_in
           JOIN environments ON environments.id = environment_id
          WHERE customers.id = ?1",
        [customer],
        |row| {
            Ok(Surroundings {
                connector: row.get("connector_id")?,
                name: row.get("name")?,
                flavour: row.get("flavour")?,
                base: row.get("base")?,
                customer_ou: row.get("customer_ou")?,
            })
        },
    )
}

/// The name of this installation, which the engine has made.
pub fn installation(db: &Read) -> Result<String> {
    let name =
        db.maybe("SELECT value FROM settings WHERE key = 'installation'", [], |row| row.get(0))?;
    name.ok_or_else(|| Error::internal("the installation has no name yet"))
}

pub fn customer(db: &Read, connector: ConnectorId, id: CustomerId) -> Result<About> {
    db.one(
        "SELECT customers.name, customers.code, above.parent_id = 1 AS parent_is_top,
                CASE WHEN connector_id = :connector AND locations.kind = 'shared' THEN above.id END AS parent
           FROM customers
           LEFT JOIN customers above ON above.id = customers.parent_id
           LEFT JOIN locations ON locations.id = above.lives_in
           LEFT JOIN environments ON environments.id = environment_id
          WHERE customers.id = :id",
        named_params! { ":id": id, ":connector": connector },
        |row| {
            Ok(About {
                name: row.get("name")?,
                code: row.get("code")?,
                parent_in_it: row.get("parent")?,
                parent_is_top: row.get::<_, Option<bool>>("parent_is_top")?.unwrap_or(false),
            })
        },
    )
}

pub fn person(db: &Read, customer: CustomerId, id: UserId) -> Result<Person> {
    let zone: String = db.value(
        "SELECT coalesce(zone, 'UTC') FROM customers
           LEFT JOIN locations ON locations.id = lives_in
           LEFT JOIN environments ON environments.id = environment_id
          WHERE customers.id = ?1",
        [customer],
    )?;
    let zone = Zone::named(&zone).unwrap_or_else(Zone::utc);
    db.one(
        "SELECT users.id, display_name, last_name, username, coalesce(upn, '') AS upn, coalesce(mail, '') AS mail,
                coalesce(departments.name, '') AS department,
                coalesce(customer_locations.name, users.office) AS office, manager_id, expires_on,
                (SELECT coalesce(json_group_array(user_names.name), '[]') FROM user_names
                  WHERE user_id = users.id) AS addresses,
                json_object('first_name', first_name, 'last_name', last_name, 'display_name', display_name,
                    'description', description, 'job_title', job_title, 'department', coalesce(departments.name, ''),
                    'company', company, 'office', users.office, 'phone', users.phone, 'mobile', mobile,
                    'home_phone', home_phone, 'fax', users.fax, 'pager', pager, 'ip_phone', ip_phone,
                    'street', users.street, 'po_box', po_box, 'city', users.city, 'region', users.region,
                    'postcode', users.postcode, 'country', users.country, 'web_page', web_page,
                    'employee_id', employee_id, 'employee_type', employee_type, 'mail', coalesce(mail, '')) AS fields
           FROM users
           LEFT JOIN departments ON departments.id = department_id
           LEFT JOIN customer_locations ON customer_locations.id = users.location_id
          WHERE users.customer_id = :customer AND users.id = :id",
        named_params! { ":customer": customer, ":id": id },
        |row| {
            let ends: Option<Date> = row.get("expires_on")?;
            let (addresses, fields): (String, String) = (row.get("addresses")?, row.get("fields")?);
            Ok(Person {
                id: row.get("id")?,
                display_name: row.get("display_name")?,
                last_name: row.get("last_name")?,
                username: row.get("username")?,
                upn: row.get("upn")?,
                mail: row.get("mail")?,
                department: row.get("department")?,
                office: row.get("office")?,
                manager: row.get("manager_id")?,
                addresses: serde_json::from_str(&addresses).unwrap_or_default(),
                // The day itself is worked; it ends with it.
                ends_at: ends.map(|day| day.plus_days(1).start(&zone).unix()),
                fields: serde_json::from_str(&fields).unwrap_or_default(),
            })
        },
    )
}

fn binding(row: &rusqlite::Row) -> rusqlite::Result<Binding> {
    Ok(Binding {
        class: row.get("class")?,
        object: row.get("object")?,
        customer: row.get("customer_id")?,
        user: row.get("user_id")?,
        subject: row.get("subject")?,
        dn: row.get("dn")?,
        adopted: row.get("adopted")?,
    })
}

pub fn bound(
    db: &Read,
    connector: ConnectorId,
    class: Class,
    customer: CustomerId,
    subject: &str,
) -> Result<Option<Binding>> {
    db.maybe(
        "SELECT class, object, customer_id, user_id, subject, dn, standing = 'adopted' AS adopted FROM bindings
          WHERE connector_id = :connector AND class = :class AND customer_id = :customer AND subject = :subject",
        named_params! {
            ":connector": connector, ":class": class, ":customer": customer, ":subject": subject,
        },
        binding,
    )
}

/// What an object is here, whatever its class.
pub fn of_object(db: &Read, connector: ConnectorId, object: &str) -> Result<Option<Binding>> {
    db.maybe(
        "SELECT class, object, customer_id, user_id, subject, dn, standing = 'adopted' AS adopted FROM bindings
          WHERE connector_id = :connector AND class IN ('user', 'group', 'ou') AND object = :object",
        named_params! { ":connector": connector, ":object": object },
        binding,
    )
}

/// The OUs that are a customer's.
pub fn units_of(db: &Read, connector: ConnectorId, customer: CustomerId) -> Result<Vec<String>> {
    db.all(
        "SELECT object FROM bindings
          WHERE connector_id = :connector AND class = 'ou' AND customer_id = :customer",
        named_params! { ":connector": connector, ":customer": customer },
        |row| row.get("object"),
    )
}

/// The directory in which the user has an account by a service of theirs, or is just getting one.
pub fn keeper(db: &Read, customer: CustomerId, user: UserId) -> Result<Option<String>> {
    db.maybe(
        "SELECT environments.name
           FROM customers
           JOIN locations ON locations.id = lives_in
           JOIN environments ON environments.id = environment_id
          WHERE customers.id = :customer
            AND EXISTS (SELECT 1 FROM user_services
                          JOIN rules ON rules.service_id = user_services.service_id
                         WHERE user_services.user_id = :user AND live <> 'gone' AND action = 'dir.user_ensure')
            AND (EXISTS (SELECT 1 FROM bindings
                          WHERE bindings.customer_id = :customer AND bindings.user_id = :user
                            AND bindings.connector_id = environments.connector_id AND standing = 'bound')
              OR EXISTS (SELECT 1 FROM requests JOIN steps ON steps.request_id = requests.id
                          WHERE requests.user_id = :user AND turn <> 'over' AND action = 'dir.user_ensure'))",
        named_params! { ":customer": customer, ":user": user },
        |row| row.get("name"),
    )
}

/// The object of a user of whatever customer: managers may be elsewhere.
pub fn bound_user(db: &Read, connector: ConnectorId, user: UserId) -> Result<Option<String>> {
    db.maybe(
        "SELECT object FROM bindings
          WHERE customer_id = (SELECT customer_id FROM users WHERE id = :user) AND user_id = :user
            AND connector_id = :connector",
        named_params! { ":connector": connector, ":user": user },
        |row| row.get("object"),
    )
}

/// Binds anew what the subject is; an object that is something else already stays that.
pub fn bind(tx: &Write, connector: ConnectorId, it: &Binding) -> Result<()> {
    if it.class == Class::Ou
        && let Some(was) = bound(tx, connector, it.class, it.customer, &it.subject)?
        && was.object == it.object
    {
        rebase(tx, connector, (&was.dn, &it.dn))?;
    }
    let done = tx.run(
        "INSERT INTO bindings (connector_id, class, object, customer_id, user_id, subject, dn, bound_at)
         VALUES (:connector, :class, :object, :customer, :user, :subject, :dn, :now)
         ON CONFLICT (connector_id, class, customer_id, subject)
         DO UPDATE SET object = excluded.object, dn = excluded.dn, standing = 'bound'",
        named_params! {
            ":connector": connector, ":class": it.class, ":object": it.object, ":customer": it.customer,
            ":user": it.user, ":subject": it.subject, ":dn": it.dn, ":now": tx.now,
        },
    );
    match done {
        Err(err) if broken_unique(&err).is_some() => {
            Err(Error::Conflict("It is bound to something else.".into()))
        }
        done => done.map(|_| ()),
    }
}

/// What lies below an OU that is called otherwise now, or lies elsewhere, goes along with it.
pub fn rebase(tx: &Write, connector: ConnectorId, (was, now): (&str, &str)) -> Result<()> {
    if was == now {
        return Ok(());
    }
    tx.run(
        "UPDATE bindings SET dn = substr(dn, 1, length(dn) - length(:was)) || :now
          WHERE connector_id = :connector AND class IN ('user', 'group', 'ou')
            AND length(dn) > length(:was) AND substr(dn, -length(:was) - 1) = ',' || :was",
        named_params! { ":connector": connector, ":was": was, ":now": now },
    )?;
    Ok(())
}

pub fn lies_at(tx: &Write, connector: ConnectorId, object: &str, dn: &str) -> Result<()> {
    tx.run(
        "UPDATE bindings SET dn = :dn
          WHERE connector_id = :connector AND class IN ('user', 'group', 'ou') AND object = :object",
        named_params! { ":connector": connector, ":object": object, ":dn": dn },
    )?;
    Ok(())
}

/// Remembers who is in a group of ours since our own work there.
pub fn member(
    tx: &Write,
    connector: ConnectorId,
    group: &str,
    (member, dn): (&str, &str),
    is_in: bool,
) -> Result<()> {
    match is_in {
        true => tx.run(
            "INSERT INTO bound_members (binding_id, member, dn)
             SELECT id, :member, :dn FROM bindings
              WHERE connector_id = :connector AND class = 'group' AND object = :group
             ON CONFLICT (binding_id, member) DO UPDATE SET dn = excluded.dn",
            named_params! { ":connector": connector, ":group": group, ":member": member, ":dn": dn },
        ),
        false => tx.run(
            "DELETE FROM bound_members
              WHERE member = :member
                AND binding_id = (SELECT id FROM bindings
                                   WHERE connector_id = :connector AND class = 'group' AND object = :group)",
            named_params! { ":connector": connector, ":group": group, ":member": member },
        ),
    }?;
    Ok(())
}

pub fn unbind(tx: &Write, connector: ConnectorId, object: &str) -> Result<()> {
    tx.run(
        "DELETE FROM bindings
          WHERE connector_id = :connector AND class IN ('user', 'group', 'ou') AND object = :object",
        named_params! { ":connector": connector, ":object": object },
    )?;
    Ok(())
}

pub fn environments(
    db: &Read,
    scope: &Scope<ConnectorsRead>,
    paging: &Paging,
) -> Result<Vec<Environment>> {
    db.all(
        "SELECT environments.id, environments.customer_id, customers.name AS customer_name, connector_id,
                connectors.name AS connector_name, connectors.stage, environments.name, environments.kind, base, zone,
                marked, drift, disabling, disable_attribute, lock_holds, environments.version,
                (SELECT count(*) FROM locations WHERE environment_id = environments.id) AS locations,
                (SELECT count(*) FROM locations JOIN customers lived ON lived.lives_in = locations.id
                  WHERE environment_id = environments.id) AS inhabitants
           FROM environments
           JOIN customers ON customers.id = environments.customer_id
           JOIN connectors ON connectors.id = connector_id
          WHERE EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = environments.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
            AND (environments.name, environments.id) > (:after, :after_id)
          ORDER BY environments.name, environments.id LIMIT :limit",
        named_params! {
            ":scope": scope, ":after": paging.value(), ":after_id": paging.id(), ":limit": paging.fetch(),
        },
        environment,
    )
}

pub fn one_environment<P>(db: &Read, scope: &Scope<P>, id: EnvironmentId) -> Result<Environment> {
    db.one(
        "SELECT environments.id, environments.customer_id, customers.name AS customer_name, connector_id,
                connectors.name AS connector_name, connectors.stage, environments.name, environments.kind, base, zone,
                marked, drift, disabling, disable_attribute, lock_holds, environments.version,
                (SELECT count(*) FROM locations WHERE environment_id = environments.id) AS locations,
                (SELECT count(*) FROM locations JOIN customers lived ON lived.lives_in = locations.id
                  WHERE environment_id = environments.id) AS inhabitants
           FROM environments
           JOIN customers ON customers.id = environments.customer_id
           JOIN connectors ON connectors.id = connector_id
          WHERE environments.id = :id
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = environments.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":scope": scope, ":id": id },
        environment,
    )
}

fn environment(row: &rusqlite::Row) -> rusqlite::Result<Environment> {
    Ok(Environment {
        id: row.get("id")?,
        customer: row.get("customer_id")?,
        customer_name: row.get("customer_name")?,
        connector: row.get("connector_id")?,
        connector_name: row.get("connector_name")?,
        stage: row.get::<_, Stage>("stage")?,
        name: row.get("name")?,
        flavour: row.get("kind")?,
        base: row.get("base")?,
        zone: row.get("zone")?,
        marked: row.get("marked")?,
        drift: row.get("drift")?,
        disabling: row.get("disabling")?,
        disable_attribute: row.get("disable_attribute")?,
        lock_holds: row.get("lock_holds")?,
        version: row.get("version")?,
        locations: row.get("locations")?,
        inhabitants: row.get("inhabitants")?,
    })
}

/// Whose a connector is, if it reaches a directory and is within the scope.
pub fn directory_connector<P>(
    db: &Read,
    scope: &Scope<P>,
    id: ConnectorId,
) -> Result<Option<CustomerId>> {
    db.maybe(
        "SELECT connectors.customer_id FROM connectors
          WHERE id = :id AND kind = :kind AND state <> 'gone'
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = connectors.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":scope": scope, ":id": id, ":kind": Kind::Ldap },
        |row| row.get("customer_id"),
    )
}

/// The connectors that a directory can be made of, by name.
pub fn connectors<P>(db: &Read, scope: &Scope<P>) -> Result<Vec<(ConnectorId, String)>> {
    db.all(
        "SELECT id, name FROM connectors
          WHERE kind = 'ldap' AND state <> 'gone'
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = connectors.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY name, id",
        named_params! { ":scope": scope },
        |row| Ok((row.get("id")?, row.get("name")?)),
    )
}

pub fn insert_environment(
    tx: &Write,
    owner: CustomerId,
    connector: ConnectorId,
    (wanted, let_through): (&super::environments::Wanted, Option<&str>),
) -> Result<EnvironmentId> {
    tx.change(
        "INSERT INTO environments (customer_id, connector_id, name, kind, base, zone, marked, drift, disabling,
                disable_attribute, let_through, created_at)
         VALUES (:owner, :connector, :name, :kind, :base, :zone, :marked, :drift, :disabling, :disable_attribute,
                :let_through, :now) RETURNING id",
        named_params! {
            ":owner": owner, ":connector": connector, ":name": wanted.name, ":kind": wanted.flavour,
            ":base": wanted.base, ":zone": wanted.zone, ":marked": wanted.marked, ":drift": wanted.drift,
            ":disabling": wanted.disabling, ":disable_attribute": wanted.disable_attribute,
            ":let_through": let_through, ":now": tx.now,
        },
    )
}

pub fn update_environment(
    tx: &Write,
    id: EnvironmentId,
    wanted: &super::environments::Wanted,
) -> Result<()> {
    tx.run(
        "UPDATE environments
            SET name = :name, kind = :kind, base = :base, zone = :zone, marked = :marked, drift = :drift,
                version = version + 1, disabling = :disabling, disable_attribute = :disable_attribute,
                lock_holds = CASE WHEN disabling = :disabling AND base = :base THEN lock_holds END
          WHERE id = :id",
        named_params! {
            ":id": id, ":name": wanted.name, ":kind": wanted.flavour, ":base": wanted.base,
            ":zone": wanted.zone, ":marked": wanted.marked, ":drift": wanted.drift,
            ":disabling": wanted.disabling, ":disable_attribute": wanted.disable_attribute,
        },
    )?;
    Ok(())
}

pub fn delete_environment(tx: &Write, id: EnvironmentId) -> Result<()> {
    tx.run("DELETE FROM environments WHERE id = ?1", [id])?;
    Ok(())
}

/// Whether something in a directory is something here through this connector.
pub fn has_bindings(db: &Read, connector: ConnectorId) -> Result<bool> {
    db.value("SELECT EXISTS (SELECT 1 FROM bindings WHERE connector_id = ?1)", [connector])
}

pub fn locations(db: &Read, paging: &Paging) -> Result<Vec<Location>> {
    db.all(
        "SELECT locations.id, locations.name, locations.kind, environment_id, environments.name AS environment_name,
                root, locations.version,
                (SELECT count(*) FROM customers WHERE lives_in = locations.id) AS inhabitants
           FROM locations LEFT JOIN environments ON environments.id = environment_id
          WHERE (locations.name, locations.id) > (:after, :after_id)
          ORDER BY locations.name, locations.id LIMIT :limit",
        named_params! { ":after": paging.value(), ":after_id": paging.id(), ":limit": paging.fetch() },
        location,
    )
}

pub fn one_location(db: &Read, id: PlaceId) -> Result<Location> {
    db.one(
        "SELECT locations.id, locations.name, locations.kind, environment_id, environments.name AS environment_name,
                root, locations.version,
                (SELECT count(*) FROM customers WHERE lives_in = locations.id) AS inhabitants
           FROM locations LEFT JOIN environments ON environments.id = environment_id
          WHERE locations.id = ?1",
        [id],
        location,
    )
}

fn location(row: &rusqlite::Row) -> rusqlite::Result<Location> {
    Ok(Location {
        id: row.get("id")?,
        name: row.get("name")?,
        kind: row.get("kind")?,
        environment: row.get("environment_id")?,
        environment_name: row.get::<_, Option<String>>("environment_name")?.unwrap_or_default(),
        root: row.get("root")?,
        version: row.get("version")?,
        inhabitants: row.get("inhabitants")?,
    })
}

/// All directories, for the form of a location: (id, name, base).
pub fn environment_choices(db: &Read) -> Result<Vec<(EnvironmentId, String, String)>> {
    db.all("SELECT id, name, base FROM environments ORDER BY name, id", [], |row| {
        Ok((row.get("id")?, row.get("name")?, row.get("base")?))
    })
}

pub fn insert_location(tx: &Write, wanted: &super::locations::Wanted) -> Result<PlaceId> {
    tx.change(
        "INSERT INTO locations (name, kind, environment_id, root, created_at)
         VALUES (:name, :kind, :environment, :root, :now) RETURNING id",
        named_params! {
            ":name": wanted.name, ":kind": wanted.kind, ":environment": wanted.environment,
            ":root": wanted.root, ":now": tx.now,
        },
    )
}

pub fn update_location(tx: &Write, id: PlaceId, wanted: &super::locations::Wanted) -> Result<()> {
    tx.run(
        "UPDATE locations
            SET name = :name, kind = :kind, environment_id = :environment, root = :root, version = version + 1
          WHERE id = :id",
        named_params! {
            ":id": id, ":name": wanted.name, ":kind": wanted.kind, ":environment": wanted.environment,
            ":root": wanted.root,
        },
    )?;
    Ok(())
}

pub fn delete_location(tx: &Write, id: PlaceId) -> Result<()> {
    tx.run("DELETE FROM locations WHERE id = ?1", [id])?;
    Ok(())
}

pub fn inhabitants(db: &Read, id: PlaceId, most: i64) -> Result<Vec<Inhabited>> {
    db.all(
        "SELECT id, name FROM customers WHERE lives_in = :id ORDER BY name COLLATE NOCASE, id LIMIT :most",
        named_params! { ":id": id, ":most": most },
        |row| Ok(Inhabited { id: row.get("id")?, name: row.get("name")? }),
    )
}

pub fn residence(db: &Read, customer: CustomerId) -> Result<Residence> {
    db.one(
        "SELECT lives_in, coalesce(locations.name, '') AS name, coalesce(environments.name, '') AS environment,
                (SELECT group_concat(services.name, ', ')
                   FROM customer_services JOIN services ON services.id = service_id
                  WHERE customer_services.customer_id = customers.id AND live <> 'gone'
                    AND EXISTS (SELECT 1 FROM rules WHERE rules.service_id = services.id AND action LIKE 'dir.%')
                ) AS held,
                (SELECT count(*) FROM bindings WHERE bindings.customer_id = customers.id) AS bound
           FROM customers
           LEFT JOIN locations ON locations.id = lives_in
           LEFT JOIN environments ON environments.id = environment_id
          WHERE customers.id = ?1",
        [customer],
        |row| {
            Ok(Residence {
                location: row.get("lives_in")?,
                name: row.get("name")?,
                environment: row.get("environment")?,
                held: row.get::<_, Option<String>>("held")?.unwrap_or_default(),
                bound: row.get("bound")?,
            })
        },
    )
}

/// Where a customer may live: what is nobody's alone or empty, through a connector of its branch.
pub fn possible(db: &Read, customer: CustomerId) -> Result<Vec<Location>> {
    db.all(
        "SELECT locations.id, locations.name, locations.kind, environment_id, environments.name AS environment_name,
                root, locations.version,
                (SELECT count(*) FROM customers WHERE lives_in = locations.id) AS inhabitants
           FROM locations LEFT JOIN environments ON environments.id = environment_id
          WHERE (environment_id IS NULL
                 OR EXISTS (SELECT 1 FROM customer_tree
                             WHERE below = :customer AND above = environments.customer_id))
            AND (locations.kind <> 'private'
                 OR NOT EXISTS (SELECT 1 FROM customers
                                 WHERE lives_in = locations.id AND customers.id <> :customer))
          ORDER BY locations.name",
        named_params! { ":customer": customer },
        location,
    )
}

pub fn settle(tx: &Write, customer: CustomerId, location: Option<PlaceId>) -> Result<()> {
    tx.run(
        "UPDATE customers SET lives_in = :location, version = version + 1, changed_at = :now WHERE id = :id",
        named_params! { ":id": customer, ":location": location, ":now": tx.now },
    )?;
    Ok(())
}
