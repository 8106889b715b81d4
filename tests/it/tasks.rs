//! Work that people do, within requests that wait for it.

use crate::assignments::Scene;
use crate::engine::Sink;
use crate::world::{PROVIDER, Person};
use portico::engine::{self, Handle};
use portico::events;
use portico::ids::{CustomerId, UserId};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn wait_until(what: &str, is: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A task with two points and a field, and a webhook that is told afterwards.
struct Desk {
    scene: Scene,
    sink: Sink,
}

impl Desk {
    fn new() -> Desk {
        let (scene, sink) = (Scene::new(), Sink::ok());
        let hook = scene.world.webhook("Desk", &sink.url()).0;
        scene.world.sql().execute("UPDATE services SET multi = 1 WHERE id = 100", []).unwrap();
        let admin = scene.admin();
        let upn = scene.world.text(&format!("SELECT upn FROM users WHERE id = {}", admin.id));
        let task = json!({
            "service": "workplace", "event": "user_service.provision", "key": "sim", "position": 1,
            "action": "task.open", "title": "SIM card",
            "params": {
                "title": "Order a SIM for {user.display_name}", "text": "From the usual shop.",
                "checklist": "Ordered\nHanded over", "fields": "number", "assignee": upn, "due_days": "2",
            },
        });
        admin.api_post("/rules", task).expect(201);
        let tell = json!({
            "service": "workplace", "event": "user_service.provision", "key": "tell", "position": 2,
            "action": "webhook.send", "connector_id": hook,
            "params": { "body": "[\"{out.sim.number}\"]" },
        });
        admin.api_post("/rules", tell).expect(201);
        let services = format!("/customers/{}/services", scene.customer);
        admin.api_post(&services, json!({ "service": "workplace", "label": "Main" })).expect(202);
        Desk { scene, sink }
    }

    fn start(&self) -> Handle {
        engine::start(self.scene.world.app.clone(), events::EVENTS).unwrap()
    }

    /// The request and its task.
    fn give(&self, admin: &Person, user: UserId) -> (i64, i64, i64) {
        let given = json!({ "service": "workplace", "plan": "standard", "label": "First" });
        let answer = admin.api_post(&format!("/users/{user}/services"), given).expect(202);
        let request = answer.json()["request_id"].as_i64().unwrap();
        let open = format!("SELECT count(*) FROM tasks WHERE request_id = {request}");
        wait_until("the task is open", || self.scene.world.count(&open) == 1);
        let task =
            self.scene.world.count(&format!("SELECT id FROM tasks WHERE request_id = {request}"));
        (request, task, answer.id())
    }

    fn status(&self, request: i64) -> String {
        self.scene.world.text(&format!("SELECT status FROM requests WHERE id = {request}"))
    }
}

#[test]
fn p_78_an_open_tick_is_refused_and_of_two_who_complete_one_wins() {
    let desk = Desk::new();
    let (admin, ann) = (desk.scene.admin(), desk.scene.user("ann"));
    let other = desk.scene.admin();
    let engine = desk.start();
    let (request, task, _) = desk.give(&admin, ann);
    assert!(
        admin
            .get(&format!("/requests/{request}"))
            .expect(200)
            .says("Waits for somebody to do task")
    );
    let page = admin.get(&format!("/tasks/{task}")).expect(200);
    assert!(page.says("Order a SIM for ann") && page.says("Handed over"));
    assert!(admin.get("/tasks").expect(200).says("Order a SIM for ann"));
    assert!(!admin.get("/tasks?mine=1").expect(200).says("Order a SIM for ann"));
    let at = format!("/tasks/{task}/complete");
    let half = admin.api_post(&at, json!({ "ticked": [1] })).expect(422);
    assert!(
        half.says("has an open point: Handed over") && half.says("is required"),
        "{}",
        half.body
    );
    let strange = json!({ "ticked": [1, 2], "fields": { "number": "1", "colour": "red" } });
    assert!(admin.api_post(&at, strange).expect(422).says("is not asked for"));
    assert_eq!(desk.status(request), "queued");

    let whole = json!({ "ticked": [1, 2], "fields": { "number": "06 \"12\"" } });
    let statuses: Vec<u16> = std::thread::scope(|threads| {
        let both = [&admin, &other].map(|who| {
            let (at, whole) = (at.clone(), whole.clone());
            threads.spawn(move || who.api_post(&at, whole).status)
        });
        both.into_iter().map(|each| each.join().unwrap()).collect()
    });
    assert!(statuses.contains(&200) && statuses.contains(&409), "{statuses:?}");
    wait_until("the request is done", || desk.status(request) == "done");
    engine.stop();
    assert_eq!(desk.sink.hits()[0].body["body"], json!(["06 \"12\""]));
    assert_eq!(
        desk.scene.world.count("SELECT count(*) FROM audit_log WHERE action = 'task.done'"),
        1
    );
}

#[test]
fn p_45_a_task_open_for_days_blocks_nothing_and_ends_with_what_it_was_for() {
    let desk = Desk::new();
    let scene = &desk.scene;
    let (admin, ann) = (scene.admin(), scene.user("ann"));
    let files = json!({
        "service": "files", "event": "customer_service.provision", "key": "files", "action": "mail.send",
        "params": { "to": "desk@msp.example", "subject": "Files", "text": "x" },
    });
    admin.api_post("/rules", files).expect(201);
    let engine = desk.start();
    let (request, task, held) = desk.give(&admin, ann);
    scene.world.later(3 * 24 * 3600);
    engine.nudge();
    // Other work of the same user and of the same customer goes on.
    let second = json!({ "service": "workplace", "plan": "standard", "label": "Second" });
    let second = admin.api_post(&format!("/users/{ann}/services"), second).expect(202);
    let second = second.json()["request_id"].as_i64().unwrap();
    let opened =
        || scene.world.count(&format!("SELECT count(*) FROM tasks WHERE request_id = {second}"));
    wait_until("the second one came to its task", || opened() == 1);
    let services = format!("/customers/{}/services", scene.customer);
    let files = admin.api_post(&services, json!({ "service": "files" })).expect(202);
    let files = files.json()["request_id"].as_i64().unwrap();
    wait_until("the customer's own is done", || desk.status(files) == "done");
    assert_eq!(desk.status(request), "queued");

    // The service is taken away: the task ends with it, and does nothing any more.
    admin.api_delete(&format!("/users/{ann}/services/{held}")).expect(202);
    wait_until("it is cancelled", || desk.status(request) == "cancelled");
    let state = scene.world.text(&format!("SELECT state FROM tasks WHERE id = {task}"));
    assert_eq!(state, "cancelled");
    let late = json!({ "ticked": [1, 2], "fields": { "number": "1" } });
    admin.api_post(&format!("/tasks/{task}/complete"), late).expect(409);
    engine.stop();
    assert_eq!(desk.sink.hits().len(), 0);
}

#[test]
fn a_task_is_refused_given_to_another_and_reminded_of() {
    let desk = Desk::new();
    let scene = &desk.scene;
    let (admin, ann) = (scene.admin(), scene.user("ann"));
    let helper = scene.world.person(PROVIDER, "Provider helpdesk");
    let auditor = scene.world.person_with(PROVIDER, &[("requests.read", 3)]);
    let sibling = scene.world.customer(PROVIDER, "Bergholt Brewing");
    let elsewhere = scene.world.person(sibling, "Customer administrator");
    let engine = desk.start();
    let (request, task, _) = desk.give(&admin, ann);
    let mails = |event: &str| {
        scene
            .world
            .texts(&format!("SELECT to_address FROM messages WHERE event = '{event}' ORDER BY id"))
    };
    assert_eq!(mails("task.opened").len(), 1);
    let upn = scene.world.text(&format!("SELECT upn FROM users WHERE id = {}", helper.id));
    let nobody = admin.api_post(&format!("/tasks/{task}/assign"), json!({ "user": "x@y.example" }));
    assert!(nobody.expect(422).says("is nobody who can do it"));
    admin.api_post(&format!("/tasks/{task}/assign"), json!({ "user": upn })).expect(200);
    assert_eq!(mails("task.opened").len(), 2);
    scene.world.later(2 * 24 * 3600 + 60);
    scene.world.job("tasks.remind");
    scene.world.job("tasks.remind");
    assert_eq!(mails("task.due").len(), 1);
    scene.world.later(24 * 3600);
    scene.world.job("tasks.remind");
    assert_eq!(mails("task.due").len(), 2);
    let text = scene.world.text("SELECT text FROM messages WHERE event = 'task.due' LIMIT 1");
    assert!(text.contains("Order a SIM for ann") && !text.contains("usual shop"));

    // Whoever may see requests but neither has the task nor looks after them cannot end it.
    auditor.api_post(&format!("/tasks/{task}/refuse"), json!({ "reason": "No" })).expect(403);
    elsewhere.api_get(&format!("/tasks/{task}")).expect(404);
    helper.api_post(&format!("/tasks/{task}/refuse"), Value::Null).expect(422);
    helper.api_post(&format!("/tasks/{task}/refuse"), json!({ "reason": "No stock" })).expect(200);
    wait_until("it failed", || desk.status(request) == "failed");
    let reason = scene.world.text(&format!("SELECT reason FROM requests WHERE id = {request}"));
    assert!(
        reason.starts_with("SIM card: Refused by") && reason.ends_with(": No stock"),
        "{reason}"
    );
    // Tried again, it is asked anew.
    admin.api_post(&format!("/requests/{request}/retry"), Value::Null).expect(202);
    let open = || {
        scene.world.count(&format!(
            "SELECT count(*) FROM tasks WHERE request_id = {request} AND state = 'open'"
        ))
    };
    wait_until("another task is open", || open() == 1);
    engine.stop();
}

#[test]
fn a_task_of_a_role_is_everybodys_who_holds_it_there() {
    let desk = Desk::new();
    let scene = &desk.scene;
    let (world, admin, ann) = (&scene.world, scene.admin(), scene.user("ann"));
    let above = format!("SELECT parent_id FROM customers WHERE id = {}", scene.customer);
    let reseller = CustomerId(world.count(&above));
    let rights = [("requests.read", 3)];
    let (one, other) = (world.person_with(reseller, &rights), world.person_with(reseller, &rights));
    // The same right without the role, and the role at another branch.
    let without = world.person_with(reseller, &rights);
    let far = world.person_with(world.reseller("Elsewhere"), &rights);
    let role = world.count(&format!("SELECT role_id FROM role_grants WHERE user_id = {}", one.id));
    let sql = world.sql();
    sql.execute("UPDATE roles SET name = 'Field staff' WHERE id = ?1", [role]).unwrap();
    let hold = "UPDATE role_grants SET role_id = ?1 WHERE user_id = ?2";
    sql.execute(hold, (role, other.id)).unwrap();
    let hold = "INSERT INTO role_grants (user_id, role_id, at_id, granted_at)
                SELECT user_id, ?1, at_id, '' FROM role_grants WHERE user_id = ?2";
    sql.execute(hold, (role, far.id)).unwrap();
    let params = json!({ "title": "Order a SIM for {user.display_name}", "role": "field STAFF", "assignee": "", "due_days": "2" });
    let rule = world.count("SELECT id FROM rules WHERE key = 'sim'");
    admin.api_patch(&format!("/rules/{rule}"), json!({ "params": params })).expect(200);
    let engine = desk.start();
    let (request, task, _) = desk.give(&admin, ann);
    let mails = |event: &str| {
        world.texts(&format!(
            "SELECT CAST(user_id AS TEXT) FROM messages WHERE event = '{event}' ORDER BY user_id"
        ))
    };
    let both = [one.id.to_string(), other.id.to_string()];
    assert_eq!(mails("task.opened"), both);
    let mine = |who: &Person| {
        let all = who.api_get("/tasks?mine=true").expect(200).json();
        all["items"].as_array().unwrap().len()
    };
    assert_eq!([mine(&one), mine(&other), mine(&without), mine(&far)], [1, 1, 0, 0]);
    let shown = one.api_get(&format!("/tasks/{task}")).expect(200).json();
    assert_eq!((&shown["role"], &shown["assignee"]), (&json!("Field staff"), &Value::Null));
    let page = one.get(&format!("/tasks/{task}")).expect(200);
    assert!(page.says("Everybody with the role Field staff"), "{}", page.body);
    let end = format!("/tasks/{task}/refuse");
    without.api_post(&end, json!({ "reason": "No" })).expect(403);
    far.api_post(&end, json!({ "reason": "No" })).expect(404);
    // All of them are reminded.
    world.later(3 * 24 * 3600);
    world.job("tasks.remind");
    assert_eq!(mails("task.due"), both);
    // It is given to one of them, and by the page back to all.
    let one = world.sign_in(one.id);
    let upn = world.text(&format!("SELECT upn FROM users WHERE id = {}", other.id));
    let give = format!("/tasks/{task}/assign");
    let given = one.api_post(&give, json!({ "user": upn })).expect(200).json();
    assert_eq!(
        (&given["role"], given["assignee_id"].as_i64()),
        (&json!("Field staff"), Some(other.id.0))
    );
    let back = one.post(&give, &[("user", ""), ("role", "Field staff")]);
    assert_eq!(back.location(), format!("/tasks/{task}"));
    let wrong = one.api_post(&give, json!({ "user": "", "role": "Nobody’s" })).expect(422);
    assert_eq!(wrong.complaints(), ["role is no role that is held there"]);
    other.api_post(&end, json!({ "reason": "No stock" })).expect(200);
    wait_until("it failed", || desk.status(request) == "failed");
    // A role that nobody holds there fails the step with its name.
    let gone = "DELETE FROM role_grants WHERE role_id = ?1 AND at_id = ?2";
    sql.execute(gone, (role, reseller)).unwrap();
    admin.api_post(&format!("/requests/{request}/retry"), Value::Null).expect(202);
    wait_until("it failed again", || desk.status(request) == "failed");
    let reason = world.text(&format!("SELECT reason FROM requests WHERE id = {request}"));
    assert_eq!(reason, "SIM card: field STAFF is no role that is held there.");
    engine.stop();
}
