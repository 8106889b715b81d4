use super::{
    Disabling, Environment, Flavour, Location, LocationKind, OnDrift, environments, locations,
};
use crate::auth::Scope;
use crate::auth::permissions::{
    ConnectorsRead, ConnectorsWrite, CustomersRead, CustomersUpdate, SettingsWrite,
};
use crate::error::Result;
use crate::ids::{ConnectorId, CustomerId, EnvironmentId, PlaceId};
use crate::input::Field;
use crate::web::{Cx, Response, response};
use serde::Serialize;
use serde_json::json;

pub const DIRECTORY: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("customer_id", "whose it is"),
    Field::integer("connector_id", "how it is reached"),
    Field::text("name", ""),
    Field::text("kind", "ad or openldap"),
    Field::text("base", "the name below which all of it lies"),
    Field::text("zone", "the time zone in which accounts end"),
    Field::boolean("marked", "whether what is made there carries a mark"),
    Field::text("drift", "report or repair: what becomes of fields that others changed there"),
    Field::text(
        "disabling",
        "of OpenLDAP, how an account is disabled: password, lock or attribute",
    ),
    Field::text("disable_attribute", "what is written then"),
    Field::boolean("lock_holds", "whether a lock was shown to keep people out, or null"),
    Field::integer("customers", "how many live there"),
    Field::integer("version", "for If-Match"),
];

pub const LOCATION: &[Field] = &[
    Field::integer("id", ""),
    Field::text("name", ""),
    Field::text("kind", "shared, private or none"),
    Field::integer("directory_id", "or null"),
    Field::text("root", "the OU with the customers' OUs, or with the users"),
    Field::integer("customers", "how many live there"),
    Field::integer("version", "for If-Match"),
];

pub const RESIDENCE: &[Field] = &[
    Field::integer("location_id", "where it lives, or null"),
    Field::text("location", "its name"),
    Field::text("kept", "why it cannot live elsewhere, or null"),
];

#[derive(Serialize)]
struct DirectoryOut<'a> {
    id: EnvironmentId,
    customer_id: CustomerId,
    connector_id: ConnectorId,
    name: &'a str,
    kind: Flavour,
    base: &'a str,
    zone: &'a str,
    marked: bool,
    drift: OnDrift,
    disabling: Disabling,
    disable_attribute: &'a str,
    lock_holds: Option<bool>,
    customers: i64,
    version: i64,
}

#[derive(Serialize)]
struct LocationOut<'a> {
    id: PlaceId,
    name: &'a str,
    kind: LocationKind,
    directory_id: Option<EnvironmentId>,
    root: &'a str,
    customers: i64,
    version: i64,
}

pub fn index(cx: &Cx, scope: &Scope<ConnectorsRead>) -> Result<Response> {
    let found = environments::list(cx.db, scope, &cx.paging(&[])?)?;
    let items: Vec<DirectoryOut> = found.items.iter().map(directory).collect();
    response::json(200, &json!({ "items": items, "next": found.next }))
}

pub fn create(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let id = environments::create(cx.app, scope, &cx.input()?)?;
    response::created(
        format!("/api/v1/directories/{id}"),
        &directory(&environments::one(cx.db, scope, id)?),
    )
}

pub fn show(cx: &Cx, scope: &Scope<ConnectorsRead>) -> Result<Response> {
    let found = environments::one(cx.db, scope, cx.param("id")?)?;
    Ok(response::json(200, &directory(&found))?.with("ETag", format!("\"{}\"", found.version)))
}

pub fn update(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let id = cx.param("id")?;
    let mut input = cx.input()?;
    let version = cx.expected_version(&mut input);
    environments::update(cx.db, scope, id, version, &input)?;
    response::json(200, &directory(&environments::one(cx.db, scope, id)?))
}

pub fn destroy(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    environments::destroy(cx.db, scope, cx.param("id")?)?;
    Ok(response::no_content())
}

pub fn locations(cx: &Cx, scope: &Scope<SettingsWrite>) -> Result<Response> {
    let found = locations::list(cx.db, scope, &cx.paging(&[])?)?;
    let items: Vec<LocationOut> = found.items.iter().map(location).collect();
    response::json(200, &json!({ "items": items, "next": found.next }))
}

pub fn create_location(cx: &Cx, scope: &Scope<SettingsWrite>) -> Result<Response> {
    let id = locations::create(cx.db, scope, &cx.input()?)?;
    response::created(
        format!("/api/v1/locations/{id}"),
        &location(&locations::one(cx.db, scope, id)?),
    )
}

pub fn show_location(cx: &Cx, scope: &Scope<SettingsWrite>) -> Result<Response> {
    let found = locations::one(cx.db, scope, cx.param("id")?)?;
    Ok(response::json(200, &location(&found))?.with("ETag", format!("\"{}\"", found.version)))
}

pub fn update_location(cx: &Cx, scope: &Scope<SettingsWrite>) -> Result<Response> {
    let id = cx.param("id")?;
    let mut input = cx.input()?;
    let version = cx.expected_version(&mut input);
    locations::update(cx.db, scope, id, version, &input)?;
    response::json(200, &location(&locations::one(cx.db, scope, id)?))
}

pub fn destroy_location(cx: &Cx, scope: &Scope<SettingsWrite>) -> Result<Response> {
    locations::destroy(cx.db, scope, cx.param("id")?)?;
    Ok(response::no_content())
}

pub fn residence(cx: &Cx, scope: &Scope<CustomersRead>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    cx.db.read(|db| scope.reaches(db, customer))?;
    told(cx, customer)
}

pub fn live(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    locations::may_choose(cx)?;
    locations::live(cx.db, scope, customer, &cx.input()?)?;
    told(cx, customer)
}

fn told(cx: &Cx, customer: CustomerId) -> Result<Response> {
    let (now, _) = locations::residence(cx.db, customer)?;
    response::json(
        200,
        &json!({ "location_id": now.location, "location": now.name, "kept": now.kept() }),
    )
}

fn directory(it: &Environment) -> DirectoryOut<'_> {
    DirectoryOut {
        id: it.id,
        customer_id: it.customer,
        connector_id: it.connector,
        name: &it.name,
        kind: it.flavour,
        base: &it.base,
        zone: &it.zone,
        marked: it.marked,
        drift: it.drift,
        disabling: it.disabling,
        disable_attribute: &it.disable_attribute,
        lock_holds: it.lock_holds,
        customers: it.inhabitants,
        version: it.version,
    }
}

fn location(it: &Location) -> LocationOut<'_> {
    LocationOut {
        id: it.id,
        name: &it.name,
        kind: it.kind,
        directory_id: it.environment,
        root: &it.root,
        customers: it.inhabitants,
        version: it.version,
    }
}
