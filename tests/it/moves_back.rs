//! What a move must not do: leave half of itself behind, or give a right that nobody gave.

use crate::hook::Hook;
use crate::moves::{Scene, scene, to};
use crate::world::{PROVIDER, World};
use serde_json::json;
use std::time::{Duration, Instant};

/// Work goes to a hook that is content; telling it of a changed workplace always fails.
fn with_work(scene: &Scene) -> Hook {
    let hook = Hook::start();
    let body =
        json!({ "kind": "webhook", "name": "Desk", "url": hook.url, "networks": ["127.0.0.0/8"] });
    let desk = scene.admin().api_post("/connectors", body).expect(201).id();
    scene
        .world
        .sql()
        .execute_batch(&format!(
            "INSERT INTO connectors (id, customer_id, kind, name, url, networks, state, time_limit, created_at)
             VALUES (81, 1, 'webhook', 'Broken', 'https://gone.example/', '[]', 'gone', 10, '');
             INSERT INTO rules (service_id, event, position, key, action, connector_id) VALUES
               (100, 'user_service.update', 1, 'tell', 'webhook.send', 81),
               (101, 'user_service.provision', 1, 'tell', 'webhook.send', {desk}),
               (101, 'user_service.deprovision', 1, 'tell', 'webhook.send', {desk}),
               (102, 'user_service.provision', 1, 'tell', 'webhook.send', {desk}),
               (102, 'user_service.deprovision', 1, 'tell', 'webhook.send', {desk});"
        ))
        .unwrap();
    hook
}

fn settled(world: &World) {
    let end = Instant::now() + Duration::from_secs(30);
    while world.count("SELECT count(*) FROM requests WHERE turn <> 'over'") > 0 {
        assert!(Instant::now() < end, "requests stay open");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// All that a move changes, in words.
fn picture(scene: &Scene, user: i64) -> Vec<String> {
    let text = |query: &str| scene.world.text(query);
    vec![
        text(&format!(
            "SELECT customer_id || ' ' || state || ' ' || upn || ' ' || mail || ' ' || username || ' ' || manager_id
                    || ' ' || department_id || ' ' || main_contact FROM users WHERE id = {user}"
        )),
        text(&format!(
            "SELECT group_concat(name, ' ') FROM (SELECT name FROM user_names WHERE user_id = {user} ORDER BY name)"
        )),
        text(&format!(
            "SELECT group_concat(role_id || ' ' || at_id || ' ' || until_on || ' ' || granted_at, ', ')
               FROM role_grants WHERE user_id = {user}"
        )),
        text(&format!(
            "SELECT group_concat(display_name, ' ') FROM (SELECT display_name FROM users WHERE manager_id = {user} ORDER BY id)"
        )),
        text(&format!("SELECT customer_id || ' ' || technical FROM customer_contacts WHERE user_id = {user}")),
        text(&format!(
            "SELECT group_concat(id || ' ' || customer_id || ' ' || customer_service_id || ' ' || plan_id || ' ' || wanted
                    || ' ' || live || ' ' || live_plan_id, ', ')
               FROM (SELECT * FROM user_services WHERE user_id = {user} AND live <> 'gone' ORDER BY id)"
        )),
        text(
            "SELECT group_concat(holder_id || ' ' || service_id || ' ' || plan_id || ' ' || used, ', ')
               FROM (SELECT * FROM usage WHERE used > 0 ORDER BY holder_id, service_id, plan_id)",
        ),
        text(&format!(
            "SELECT group_concat(kind || ' ' || subject_id || ' ' || customer_id || ' ' || coalesce(plan, '') || ' ' || facts
                    || ' ' || begins_at || ' ' || ends_at, ', ')
               FROM (SELECT * FROM ledger_spans WHERE user_id = {user} ORDER BY kind, subject_id, begins_at, ends_at)"
        )),
    ]
}

/// Theo with three services, a manager, a report, a role that ends, and a place among the contacts.
fn theo(scene: &Scene) -> i64 {
    let admin = scene.admin();
    let boss = scene.add(json!({ "first_name": "Ada" }));
    let services = json!(["workplace/standard", "backup/standard", "phone/standard"]);
    let id = scene.add(json!({
        "first_name": "Theo", "last_name": "Vane", "department": "Clinic", "manager": boss.to_string(),
        "services": services, "addresses": ["office@aldermoor.example"], "main_contact": true,
    }));
    scene.add(json!({ "first_name": "Rae", "manager": id.to_string() }));
    let role = json!({ "role": "Customer helpdesk", "until_on": "2026-12-31" });
    admin.api_post(&format!("/users/{id}/roles"), role).expect(201);
    let contact = json!({ "user": id.to_string(), "told": ["technical"] });
    admin.api_post(&format!("/customers/{}/contacts", scene.home), contact).expect(201);
    let given = json!({ "service": "phone", "user_plans": ["standard"] });
    admin.api_post(&format!("/customers/{}/services", scene.there), given).expect(202);
    id
}

#[test]
fn a_move_whose_work_fails_ends_in_what_was_before() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let id = theo(&scene);
    let hook = with_work(&scene);
    let before = picture(&scene, id);
    world.later(3600);
    let held = ["workplace", "backup", "phone"].map(|service| scene.held(id, service));
    let wanted = json!({
        "customer_id": scene.there,
        "services": [
            format!("{}:move:standard", held[0]), format!("{}:end", held[1]), format!("{}:anew:standard", held[2]),
        ],
    });
    let done = admin.api_post(&format!("/users/{id}/move"), wanted).expect(202).json();
    let whole = done["requests"][0].as_i64().unwrap();
    assert_eq!((scene.home_of(id), done["requests"].as_array().unwrap().len()), (scene.there.0, 5));
    // Until its work has ended nobody gets its old names, and it goes nowhere else.
    let other = json!({ "first_name": "Theo", "upn": "theo.vane@aldermoor.example" });
    let users = format!("/customers/{}/users", scene.home);
    let said = admin.api_post(&users, other.clone()).expect(422).complaints();
    assert_eq!(said, ["upn is taken"]);
    let said =
        admin.api_post(&format!("/users/{id}/move"), to(scene.home)).expect(422).complaints();
    assert!(
        said[0].starts_with("Requests ") && said[0].ends_with("are still running."),
        "{said:?}"
    );
    let engine = portico::engine::start(world.app.clone(), portico::events::EVENTS).unwrap();
    settled(world);
    engine.stop();
    let status = |request: i64| {
        world.text(&format!("SELECT status || ': ' || reason FROM requests WHERE id = {request}"))
    };
    let parts =
        world.texts("SELECT title || ': ' || status || ' ' || reason FROM requests ORDER BY id");
    assert_eq!(
        status(whole),
        "failed: 1 of 4 failed: everything is put back as it was.",
        "{parts:?}"
    );
    assert_eq!(picture(&scene, id), before);
    assert!(portico::ledger::check(&world.app.db).unwrap().is_empty());
    portico::ledger::rebuild(&world.app.db).unwrap();
    assert_eq!(picture(&scene, id), before, "the rows say so too");
    assert!(world.count("SELECT count(*) FROM ledger WHERE action = 'cancelled'") > 0);
    // The outside was told of the way there, and of the way back.
    let calls = hook.calls();
    let last = calls.last().unwrap();
    assert_eq!(last.body["customer"]["id"], json!(scene.home), "{calls:?}");
    // Nothing is left of it but what is written down.
    assert_eq!(world.count("SELECT count(*) FROM user_moves"), 0);
    let again = admin.api_post(&format!("/requests/{whole}/retry"), json!({})).expect(409);
    assert!(again.body.contains("A newer request has taken its place"), "{}", again.body);
    let seen = "SELECT group_concat(customer_id, ' ') FROM (SELECT customer_id FROM audit_log WHERE action = 'user.move_undone' ORDER BY id)";
    assert_eq!(world.text(seen), format!("{} {}", scene.there, scene.home));
    let told = format!(
        "SELECT count(*) FROM messages WHERE event = 'user.move_undone' AND user_id = {id}"
    );
    assert_eq!(world.count(&told), 1);
    scene.add(json!({ "first_name": "Theo", "upn": "theo.vane2@aldermoor.example" }));
    let users = format!("/customers/{}/users", scene.there);
    let free = json!({ "first_name": "Theo", "upn": "theo.vane@fernhollow.example" });
    admin.api_post(&users, free).expect(201);
    let old = world.person(scene.home, "Customer administrator");
    old.api_get(&format!("/users/{id}")).expect(200);
}

#[test]
fn a_move_that_cannot_be_taken_back_says_so_and_stays() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let id = theo(&scene);
    with_work(&scene);
    let there = world.person(scene.there, "Customer administrator");
    let held = ["workplace", "backup", "phone"].map(|service| scene.held(id, service));
    let wanted = json!({
        "customer_id": scene.there,
        "services": [
            format!("{}:move:standard", held[0]), format!("{}:end", held[1]), format!("{}:anew:standard", held[2]),
        ],
    });
    let done = admin.api_post(&format!("/users/{id}/move"), wanted).expect(202).json();
    let gone = "UPDATE customers SET state = 'deprovisioned' WHERE id = ?1";
    world.sql().execute(gone, [scene.home]).unwrap();
    let engine = portico::engine::start(world.app.clone(), portico::events::EVENTS).unwrap();
    settled(world);
    engine.stop();
    let whole = &done["requests"][0];
    assert_eq!(world.text(&format!("SELECT status FROM requests WHERE id = {whole}")), "failed");
    assert_eq!(scene.home_of(id), scene.there.0);
    assert_eq!(world.count("SELECT count(*) FROM user_moves"), 0);
    let mail = world.text(&format!(
        "SELECT text FROM messages WHERE customer_id = {} AND event = 'user.moved' ORDER BY id DESC LIMIT 1",
        scene.there
    ));
    assert!(mail.contains("It cannot be taken back: Aldermoor is deprovisioned."), "{mail}");
    there.api_get(&format!("/users/{id}")).expect(200);
    assert!(portico::ledger::check(&world.app.db).unwrap().is_empty());
}

#[test]
fn a_move_gives_nobody_a_right() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let id = scene.add(json!({ "first_name": "Theo" }));
    let roles = format!("/users/{id}/roles");
    // A role that ends, one that stands elsewhere, one of the old customer's own whose name the new one
    // uses for something else.
    let until = json!({ "role": "Customer helpdesk", "until_on": "2026-12-31" });
    admin.api_post(&roles, until).expect(201);
    let elsewhere = world.customer(scene.reseller, "Mistvale");
    let other = json!({ "role": "Billing viewer", "customer_id": elsewhere });
    admin.api_post(&roles, other).expect(201);
    for (at, permission) in [(scene.home, "users.read"), (scene.there, "users.update")] {
        let own = json!({ "name": "Caretaker", "rights": { permission: "own" } });
        admin.api_post(&format!("/customers/{at}/roles"), own).expect(201);
    }
    admin.api_post(&roles, json!({ "role": "Caretaker" })).expect(201);
    let strange = json!({ "customer_id": scene.there, "roles": ["Customer administrator"] });
    let said = admin.api_post(&format!("/users/{id}/move"), strange).expect(422).complaints();
    assert_eq!(
        said,
        ["roles has something that is not one of the choices: Customer administrator"]
    );
    let done = admin.api_post(&format!("/users/{id}/move"), to(scene.there)).expect(202).json();
    assert_eq!(done["roles"], json!(["Customer helpdesk"]));
    let dropped = done["dropped"].to_string();
    for said in
        ["Role Billing viewer at Mistvale", "Role Caretaker: it is not a role of Fernhollow"]
    {
        assert!(dropped.contains(said), "{dropped}");
    }
    let held = format!(
        "SELECT group_concat(roles.name || ' ' || at_id || ' ' || until_on)
           FROM role_grants JOIN roles ON roles.id = role_id WHERE user_id = {id}"
    );
    assert_eq!(world.text(&held), format!("Customer helpdesk {} 2026-12-31", scene.there));
    // Who may move people there, but not give that role there, does not give it by moving.
    let branch = world.person_with(scene.reseller, &[("users.move", 3), ("users.read", 3)]);
    let helper = scene.add(json!({ "first_name": "Hanna", "roles": ["Report reader"] }));
    let done = branch.api_post(&format!("/users/{helper}/move"), to(scene.there));
    assert_eq!(done.status, 403, "she holds rights that the mover lacks: {}", done.body);
    let rights = [("users.move", 3), ("users.read", 3), ("reports.read", 3), ("services.read", 3)];
    let branch = world.person_with(scene.reseller, &rights);
    let done =
        branch.api_post(&format!("/users/{helper}/move"), to(scene.there)).expect(202).json();
    assert_eq!(done["roles"], json!([]));
    assert!(done["dropped"].to_string().contains("Role Report reader: it needs roles.grant"));
}

#[test]
fn a_move_from_a_disabled_customer_frees_what_was_suspended_for_that() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let id = scene.add(json!({ "first_name": "Theo", "services": ["workplace/standard"] }));
    let at = format!("/customers/{}", scene.home);
    admin.api_post(&format!("{at}/disable"), json!({})).expect(200);
    let held = scene.held(id, "workplace");
    let live = format!("SELECT wanted || ' ' || live FROM user_services WHERE id = {held}");
    assert_eq!(world.text(&live), "suspended suspended");
    admin.api_post(&format!("/users/{id}/move"), to(scene.there)).expect(202);
    assert_eq!(world.text(&live), "on on");
}

#[test]
fn an_address_elsewhere_is_required_where_no_mail_arrives() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let id = scene.add(json!({ "first_name": "Theo" }));
    let sql = world.sql();
    sql.execute("UPDATE domains SET receives_mail = 0 WHERE customer_id = ?1", [scene.there])
        .unwrap();
    let at = format!("/users/{id}/move");
    let said = admin.api_post(&at, to(scene.there)).expect(422).complaints();
    assert_eq!(said, ["external_emails is required at Fernhollow"]);
    let there = scene.there.to_string();
    let form = admin.post(&at, &[("customer_id", &there), ("step", "belongings")]).expect(422);
    assert!(form.says("Addresses elsewhere") && form.says("is required at Fernhollow"));
    let typed =
        [("customer_id", there.as_str()), ("external_emails", "theo@home.example"), ("sure", "1")];
    assert_eq!(admin.post(&at, &typed).location(), format!("/users/{id}"));
    let told = world.person(PROVIDER, "Provider administrator");
    assert_eq!(
        told.api_get(&format!("/users/{id}")).json()["external_emails"],
        json!(["theo@home.example"])
    );
}

#[test]
fn what_is_required_there_is_asked_for() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let id = scene.add(json!({ "first_name": "Theo" }));
    let badge = json!({
        "subject": "user", "key": "badge", "label": "Badge number", "type": "text", "required": true,
        "reach": "self",
    });
    admin.api_post(&format!("/customers/{}/properties", scene.there), badge).expect(201);
    let at = format!("/users/{id}/move");
    let said = admin.api_post(&at, to(scene.there)).expect(422).complaints();
    assert_eq!(said, ["properties.badge is required at Fernhollow"]);
    let there = scene.there.to_string();
    let form = admin.get(&format!("{at}?customer_id={there}")).expect(200);
    assert!(form.says("Badge number"), "{}", form.body);
    let names = [("customer_id", there.as_str()), ("step", "belongings")];
    let refused = admin.post(&at, &names).expect(422);
    assert!(refused.says("is required at Fernhollow"), "{}", refused.body);
    let typed = [names[0], ("properties.badge", "TA1185"), names[1]];
    let next = admin.post(&at, &typed).expect(200);
    assert!(next.body.contains("name=\"properties.badge\" value=\"TA1185\""), "{}", next.body);
    let typed = [names[0], ("properties.badge", "TA1185"), ("sure", "1")];
    assert_eq!(admin.post(&at, &typed).location(), format!("/users/{id}"));
    let now = admin.api_get(&format!("/users/{id}")).json();
    assert_eq!((&now["properties"]["badge"], scene.home_of(id)), (&json!("TA1185"), scene.there.0));
    assert_eq!(world.count("SELECT count(*) FROM custom_values"), 1);
}
