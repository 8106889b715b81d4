//! Somebody comes back: as they were, otherwise, or not at all.

use crate::world::Branch as Scene;
use serde_json::{Value, json};

fn scene() -> Scene {
    Scene::with_workplace()
}

impl Scene {
    /// What the user has now: "workplace/plus".
    fn living(&self, user: i64) -> String {
        self.world.text(&format!(
            "SELECT group_concat(services.code || '/' || plans.code) FROM user_services
               JOIN services ON services.id = user_services.service_id JOIN plans ON plans.id = plan_id
              WHERE user_id = {user} AND wanted <> 'gone'"
        ))
    }
}

#[test]
fn rehiring_brings_back_what_can_be_given_and_bills_anew() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let boss = admin.api_post(&scene.users(), json!({ "first_name": "Maren" })).expect(201).id();
    let body = json!({ "first_name": "Theo", "manager": boss, "phone": "+31 20 1", "addresses": ["tv@aldermoor.example"],
        "services": ["workplace/standard"], "roles": ["Customer helpdesk", "Customer administrator"] });
    let id = admin.api_post(&scene.users(), body).expect(201).id();
    let report = admin
        .api_post(&scene.users(), json!({ "first_name": "Ylva", "manager": id }))
        .expect(201)
        .id();
    let url = format!("/users/{id}/rehire");
    let said = admin.api_post(&url, json!({})).expect(422).complaints();
    assert_eq!(said, ["Theo is active."]);
    admin.api_delete(&format!("/users/{id}?deprovision=true")).expect(200);
    admin.api_delete(&format!("/users/{boss}")).expect(200);
    let said = admin.api_post(&url, json!({})).expect(422).complaints();
    assert_eq!(said, ["Theo is deleted."]);
    world.later(20 * 86_400);
    admin.api_post(&format!("/users/{id}/restore"), json!({})).expect(200);
    world.later(160 * 86_400);
    // Whoever may not give a role does not give it by rehiring.
    let ua = world.person(scene.home, "User administrator");
    let before = world.count("SELECT count(*) FROM audit_log");
    let seen = ua.api_post(&format!("{url}?preview=true"), json!({})).expect(200).json();
    let kept: Vec<&str> =
        seen["back"].as_array().unwrap().iter().map(|b| b.as_str().unwrap()).collect();
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert_eq!(kept[0], "Leads Ylva");
    let left = seen["not_possible"].as_array().unwrap();
    assert_eq!(left[0], "Managed workplace: needs user_services.write");
    assert!(
        left[2]
            .as_str()
            .unwrap()
            .starts_with("Customer administrator contains rights that you do not have: "),
        "{left:?}"
    );
    assert_eq!(world.count("SELECT count(*) FROM audit_log"), before, "only looked at");
    let admin = scene.admin();
    let shown = admin.post(&url, &[]).expect(200);
    assert!(
        shown.says("Back as it was") && shown.says("Managed workplace, Standard"),
        "{}",
        shown.body
    );
    world.sql().execute("UPDATE customers SET user_limit = 1 WHERE id = ?1", [scene.home]).unwrap();
    let full = admin.post(&url, &[("sure", "1")]).expect(422);
    assert!(full.says("Aldermoor may have 1 user; 2 exist."), "{}", full.body);
    world
        .sql()
        .execute("UPDATE customers SET user_limit = NULL WHERE id = ?1", [scene.home])
        .unwrap();
    assert!(admin.get(&url).says("Remembered"));
    assert_eq!(admin.post(&url, &[("sure", "1")]).status, 303);
    let now = admin.api_get(&format!("/users/{id}")).json();
    assert_eq!((&now["state"], &now["phone"]), (&json!("active"), &json!("+31 20 1")));
    assert_eq!(now["addresses"], json!(["tv@aldermoor.example"]));
    assert_eq!(now["manager_id"], Value::Null, "the manager is in the bin");
    assert_eq!(admin.api_get(&format!("/users/{report}")).json()["manager_id"], id);
    assert_eq!(scene.living(id), "workplace/standard");
    assert_eq!(scene.roles(&json!(id)), "Customer administrator,Customer helpdesk");
    // The gap in the ledger is exactly the absence.
    let spans = format!(
        "SELECT group_concat(action || ' ' || day, ', ') FROM (SELECT action, day FROM ledger WHERE kind = 'user_service' AND user_id = {id} ORDER BY id)"
    );
    assert_eq!(world.text(&spans), "added 2026-03-10, removed 2026-03-10, added 2026-09-06");
    let other = world.person(world.reseller("Ferrow"), "Reseller administrator");
    assert_eq!((other.get(&url).status, other.api_post(&url, json!({})).status), (404, 404));
}

#[test]
fn after_six_months_the_three_lists_are_right_and_the_ledger_has_the_gap() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let make = |body: Value| admin.api_post(&scene.users(), body).expect(201).id();
    let boss = make(json!({ "first_name": "Maren" }));
    let other = make(json!({ "first_name": "Noor" }));
    let home = scene.home;
    admin
        .api_post(&format!("/customers/{home}/services"), json!({ "service": "backup" }))
        .expect(202);
    let theo =
        make(json!({ "first_name": "Theo", "manager": boss, "addresses": ["tv@aldermoor.example"],
        "services": ["workplace/standard", "backup/standard"], "roles": ["Customer helpdesk"] }));
    let ylva = make(json!({ "first_name": "Ylva", "manager": theo }));
    let off = json!({ "hand_to": other, "disable": true, "deprovision_after": 0 });
    admin.api_post(&format!("/users/{theo}/offboard"), off).expect(202);
    world.let_runs_end();
    assert_eq!(admin.api_get(&format!("/users/{theo}")).json()["state"], "deprovisioned");
    // Meanwhile the boss goes, the plan is sold no more, backup ends, and somebody gets the address.
    admin.api_delete(&format!("/users/{boss}")).expect(200);
    admin.api_patch(&format!("/users/{theo}"), json!({ "addresses": [] })).expect(200);
    make(json!({ "first_name": "Bo", "addresses": ["tv@aldermoor.example"] }));
    let services = format!("/customers/{home}/services");
    let at = |code: &str| {
        let find = format!(
            "SELECT customer_services.id FROM customer_services JOIN services ON services.id = service_id
              WHERE customer_id = {home} AND code = '{code}' AND wanted <> 'gone'"
        );
        world.count(&find)
    };
    admin.api_delete(&format!("{services}/{}", at("backup"))).expect(202);
    let plus = json!({ "user_plans": ["plus"] });
    admin.api_patch(&format!("{services}/{}", at("workplace")), plus).expect(202);
    world.later(184 * 86_400);

    let admin = scene.admin();
    let url = format!("/users/{theo}/rehire");
    let seen = admin.api_post(&format!("{url}?preview=true"), json!({})).expect(200).json();
    let list = |name: &str| -> Vec<String> {
        seen[name].as_array().unwrap().iter().map(|b| b.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(list("back"), ["Addresses: theo@aldermoor.example", "Customer helpdesk"]);
    let choices: Vec<(&str, &str)> = seen["choices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["key"].as_str().unwrap(), c["why"].as_str().unwrap()))
        .collect();
    assert_eq!(choices[0], ("manager", "Maren is no user of the customer any more"));
    assert_eq!(choices[1], ("reports", "Somebody else leads them now"));
    assert_eq!(choices[2].0, "address:tv@aldermoor.example");
    assert!(choices[2].1.starts_with("It already belongs to Bo"), "{}", choices[2].1);
    assert_eq!(choices[3].0, "service:workplace");
    assert_eq!(seen["choices"][3]["options"][1], json!(["plus", "Managed workplace, Plus"]));
    assert_eq!(list("not_possible").len(), 1, "{seen}");
    assert!(list("not_possible")[0].starts_with("Aldermoor does not have Backup"), "{seen}");

    let page = admin.post(&url, &[]).expect(200);
    for text in ["Back as it was", "Back with a choice", "Not possible", "Managed workplace, Plus"]
    {
        assert!(page.says(text), "{text}: {}", page.body);
    }
    let wrong = json!({ "choices": { "manager": "nobody@aldermoor.example", "service:workplace": "gold" } });
    let said = admin.api_post(&url, wrong).expect(422).complaints();
    assert_eq!(
        said,
        [
            "choices.manager is not a user of this customer whom they could report to",
            "choices.service:workplace is not one of the choices",
        ]
    );
    let sure = [
        ("sure", "1"),
        ("choices.manager", "noor@aldermoor.example"),
        ("choices.reports", "take"),
        ("choices.address:tv@aldermoor.example", "theo.v@aldermoor.example"),
        ("choices.service:workplace", "plus"),
    ];
    assert_eq!(admin.post(&url, &sure).status, 303);
    let now = admin.api_get(&format!("/users/{theo}")).json();
    assert_eq!((&now["state"], &now["manager_id"]), (&json!("active"), &json!(other)));
    assert_eq!(now["addresses"], json!(["theo.v@aldermoor.example"]));
    assert_eq!(admin.api_get(&format!("/users/{ylva}")).json()["manager_id"], theo);
    assert_eq!(scene.living(theo), "workplace/plus");
    assert_eq!(scene.roles(&json!(theo)), "Customer helpdesk");
    let spans = |kind: &str, of: &str| {
        world.text(&format!(
            "SELECT group_concat(action || ' ' || day, ', ') FROM
               (SELECT action, day FROM ledger WHERE kind = '{kind}' AND user_id = {theo} {of}
                   AND action <> 'changed' ORDER BY id)"
        ))
    };
    let gap = "added 2026-03-10, removed 2026-03-10, added 2026-09-10";
    assert_eq!(spans("user", ""), gap, "the gap is exactly the absence");
    assert_eq!(spans("user_service", "AND service = 'workplace'"), gap);
    assert_eq!(
        spans("user_service", "AND service = 'backup'"),
        "added 2026-03-10, removed 2026-03-10"
    );
    // What stood is over: another leaving remembers anew.
    let standing =
        format!("SELECT count(*) FROM user_memories WHERE user_id = {theo} AND over_at IS NULL");
    assert_eq!(world.count(&standing), 0);
}

#[test]
fn whoever_is_taken_up_again_is_not_deleted_by_what_was_planned_before() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let theo = admin.api_post(&scene.users(), json!({ "first_name": "Theo" })).expect(201).id();
    let off = json!({ "deprovision_after": 0, "delete_after": 30 });
    admin.api_post(&format!("/users/{theo}/offboard"), off).expect(202);
    world.let_runs_end();
    admin.api_post(&format!("/users/{theo}/rehire"), json!({})).expect(200);
    world.later(40 * 86_400);
    world.let_runs_end();
    assert_eq!(scene.admin().api_get(&format!("/users/{theo}")).json()["state"], "active");
}
