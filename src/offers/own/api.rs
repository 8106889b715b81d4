use super::Setter;
use crate::auth::permissions::{ServiceSettingsWrite, ServicesRead};
use crate::auth::{Scope, ServiceRights};
use crate::error::Result;
use crate::ids::CustomerId;
use crate::input::Field;
use crate::web::{Cx, Response, response};
use serde_json::{Map, Value, json};

pub const EDIT: &[Field] = super::EDIT;

pub const OUT: &[Field] = &[
    Field::text("service", "its code"),
    Field::object("properties", "by name: value, null where it is inherited, and locked"),
];

pub fn update(cx: &Cx, rights: &ServiceRights<ServiceSettingsWrite>) -> Result<Response> {
    let (reseller, code): (CustomerId, String) = (cx.param("id")?, cx.param("code")?);
    let scope = &cx.db.read(|db| super::on(db, rights, &code))?;
    let setter = Setter { scope, actor: &cx.actor, key: &cx.app.config.key };
    super::set(cx.db, &setter, reseller, &code, &cx.input()?)?;
    let (service, all) = cx.db.read(|db| super::shown(db, scope, &cx.actor, reseller, &code))?;
    let values: Map<String, Value> = all
        .into_iter()
        .map(|(property, value, locked)| {
            (property.name, json!({ "value": value, "locked": locked }))
        })
        .collect();
    response::json(200, &json!({ "service": service.code, "properties": values }))
}

/// Where the branch has the value of a property from.
pub fn explain(cx: &Cx, scope: &Scope<ServicesRead>) -> Result<Response> {
    let (reseller, code): (CustomerId, String) = (cx.param("id")?, cx.param("code")?);
    let name: String = cx.param("name")?;
    let (_, found) =
        cx.db.read(|db| super::explained(db, scope, &cx.actor, reseller, &code, &name))?;
    response::json(200, &found.out())
}
