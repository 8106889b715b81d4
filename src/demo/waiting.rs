//! What waits for people: an order that has to be agreed to, and one that takes from many.

use crate::demo::stage::{Actor, Part, Stage};
use crate::error::Result;
use crate::ids::UserId;
use serde_json::json;

/// The customer `at`, its receptionist, and its users.
pub fn show(
    stage: &Stage,
    admin: &Actor,
    administrator: UserId,
    at: i64,
    reception: i64,
    users: &[i64],
) -> Result<()> {
    stage.patch(admin, "/settings", &json!({ "approvals": "on" }))?;
    stage.post(admin, &format!("/customers/{at}/approvals"), &json!({ "on": true }))?;
    let chain = json!({
        "customer_id": at, "name": "Practice manager", "kind": "group", "verbs": ["give", "remove"],
        "members": [administrator], "remind_days": 2, "reject_days": 14,
    });
    stage.post(admin, "/approvals/chains", &chain)?;
    let who = stage.enter(UserId(reception))?;
    for user in users {
        let path = format!("/users/{user}/services");
        let held = stage.all(&who, &path)?;
        if held.iter().all(|each| each.at("service") != "phone") {
            stage.post(&who, &path, &json!({ "service": "phone", "plan": "desk" }))?;
            break;
        }
    }
    stage.patch(admin, &format!("/customers/{at}/settings"), &json!({ "brake_people": "2" }))?;
    let few: Vec<i64> = users.iter().copied().take(4).collect();
    let order = json!({
        "action": "disable", "ids": few, "confirm": few.len().to_string(),
    });
    stage.post(&who, &format!("/customers/{at}/users/bulk"), &order)?;
    Ok(())
}
