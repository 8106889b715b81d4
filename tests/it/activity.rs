//! The audit log: the own branch, by key, by subject.

use crate::world::{PROVIDER, World};
use serde_json::json;

#[test]
fn the_audit_log_shows_the_own_branch() {
    let world = World::new();
    let (alder, birch) = (world.customer(PROVIDER, "Alder"), world.customer(PROVIDER, "Birch"));
    let admin = world.person(PROVIDER, "Provider administrator");
    let (a, b) = (world.user(alder, "A", "a"), world.user(birch, "B", "b"));
    for user in [a, b, a] {
        let id = admin
            .api_post(&format!("/users/{user}/roles"), json!({ "role": "Approver" }))
            .expect(201)
            .id();
        admin.api_delete(&format!("/users/{user}/roles/{id}")).expect(204);
    }
    let boss = world.person(alder, "Customer administrator");
    let actions = |answer: serde_json::Value| {
        let items = answer["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["action"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let own = boss.api_get("/audit").expect(200).json();
    assert_eq!(own["items"][0]["user"], "The Provider administrator");
    assert_eq!(actions(own), ["role.taken", "role.granted", "role.taken", "role.granted"]);
    assert_eq!(admin.api_get("/audit").json()["items"].as_array().unwrap().len(), 6);
    assert_eq!(
        actions(boss.api_get(&format!("/audit?subject_kind=user&subject_id={b}")).json()),
        [""; 0]
    );
    boss.api_get(&format!("/audit?customer_id={birch}")).expect(404);
    assert_eq!(
        actions(admin.api_get(&format!("/audit?customer_id={birch}&action=role.t")).json()),
        ["role.taken"]
    );
    let mut seen = 0;
    let mut after = String::new();
    loop {
        let page = admin.api_get(&format!("/audit?limit=4{after}")).expect(200).json();
        seen += page["items"].as_array().unwrap().len();
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, 6);
    assert_eq!(
        admin.api_get("/audit?from=2026-03-10&to=2026-03-10").json()["items"]
            .as_array()
            .unwrap()
            .len(),
        6
    );
    assert_eq!(
        admin.api_get("/audit?from=2026-03-11").json()["items"].as_array().unwrap().len(),
        0
    );
    admin.api_get("/audit?from=tomorrow").expect(422);
    admin.api_get("/audit?colour=red").expect(422);
    assert!(boss.get("/audit").expect(200).says("Role granted"));
    assert!(boss.get(&format!("/users/{a}/audit")).expect(200).says("Role granted"));
    assert!(boss.get(&format!("/customers/{alder}/audit")).expect(200).says("Role granted"));
    boss.get(&format!("/users/{b}/audit")).expect(404);
    boss.get(&format!("/customers/{birch}/audit")).expect(404);
    boss.get("/audit?from=x").expect(422);
}
