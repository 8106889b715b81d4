//! Who may do what besides what is shipped: a role that a customer made for itself, roles allowed and
//! denied, somebody of the reseller who looks after one customer, and a domain that its customer added.

use super::stage::{Actor, Part, Stage};
use crate::error::{Error, Result};
use crate::ids::UserId;
use serde_json::json;

/// Whom it is about.
pub struct Scene {
    pub reseller: i64,
    pub customer: i64,
    /// Another customer of the reseller.
    pub neighbour: i64,
    /// An administrator of the customer.
    pub administrator: i64,
    /// Somebody who works there.
    pub receptionist: i64,
}

pub fn show(stage: &Stage, admin: &Actor, scene: &Scene) -> Result<()> {
    let at = |what: &str| format!("/customers/{}/{what}", scene.customer);
    let role = json!({
        "name": "Front desk", "description": "Sends password links while the office is closed.",
        "rights": {
            "customers.read": "own", "users.read": "own", "users.password": "own", "tickets.read": "own",
        },
    });
    stage.post(admin, &at("roles"), &role)?;
    let roles = |user: i64| format!("/users/{user}/roles");
    stage.post(admin, &roles(scene.receptionist), &json!({ "role": "Front desk" }))?;

    let visitor = json!({
        "upn": "leonie@brightwater.example", "first_name": "Leonie", "last_name": "Marchetti",
        "job_title": "Field engineer",
    });
    let visitor = stage.post(admin, &format!("/customers/{}/users", scene.reseller), &visitor)?;
    let visitor = super::number(&visitor, "id")?;
    let grant = json!({ "role": "Customer helpdesk", "customer_id": scene.customer });
    stage.post(admin, &roles(visitor), &grant)?;

    let shipped = stage.all(admin, "/roles")?;
    for (customer, name, rule) in
        [(scene.customer, "My account", "allow"), (scene.neighbour, "Approver", "deny")]
    {
        let found = shipped.iter().find(|role| role.at("name") == name);
        let id = found.ok_or_else(|| Error::internal(format!("no role {name}")))?.at("id");
        let path = format!("/customers/{customer}/allowed-roles/{id}");
        stage.put(admin, &path, &json!({ "rule": rule }))?;
    }

    let own = stage.enter(UserId(scene.administrator))?;
    stage.post(&own, &at("domains"), &json!({ "name": "aldermoor-dental.example" }))?;
    Ok(())
}
