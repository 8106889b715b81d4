//! Rules: written on a page or by the API, and what is done by them, through a real webhook.

use crate::assignments::Scene;
use crate::engine::{Sink, answer};
use crate::world::{PROVIDER, Person};
use portico::engine;
use portico::events;
use portico::ids::{RequestId, UserId};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const GIVEN: &str = "user_service.provision";

/// A rule that tells the hook of everybody who is given the workplace, but for what `more` says.
fn tell(hook: i64, more: Value) -> Value {
    let mut rule = json!({
        "service": "workplace", "event": GIVEN, "key": "tell", "title": "Tell the desk",
        "action": "webhook.send", "connector_id": hook,
    });
    for (name, value) in more.as_object().unwrap() {
        rule[name] = value.clone();
    }
    rule
}

fn add(admin: &Person, rule: Value) -> i64 {
    admin.api_post("/rules", rule).expect(201).id()
}

/// Gives somebody the workplace; the request.
fn give(scene: &Scene, admin: &Person, user: UserId) -> RequestId {
    let services = format!("/customers/{}/services", scene.customer);
    if scene.world.count("SELECT count(*) FROM customer_services WHERE live <> 'gone'") == 0 {
        admin.api_post(&services, json!({ "service": "workplace" })).expect(202);
    }
    let given = json!({ "service": "workplace", "plan": "standard" });
    let answer = admin.api_post(&format!("/users/{user}/services"), given).expect(202);
    RequestId(answer.json()["request_id"].as_i64().unwrap())
}

fn wait_until(what: &str, is: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn status(scene: &Scene, id: RequestId) -> String {
    scene.world.text(&format!("SELECT status FROM requests WHERE id = {id}"))
}

/// Runs the engine until these have ended.
fn run(scene: &Scene, ids: &[RequestId]) {
    let engine = engine::start(scene.world.app.clone(), events::EVENTS).unwrap();
    for id in ids {
        wait_until(&format!("{id} ends"), || {
            ["done", "failed", "cancelled"].contains(&status(scene, *id).as_str())
        });
    }
    engine.stop();
}

/// The titles of the steps that giving would take.
fn steps(admin: &Person, user: UserId) -> Vec<String> {
    let given = json!({ "service": "workplace", "plan": "standard" });
    let plan = admin.api_post(&format!("/users/{user}/services?preview=true"), given).expect(200);
    let plan = plan.json();
    let steps = plan["steps"].as_array().unwrap();
    steps.iter().map(|step| step["title"].as_str().unwrap().to_owned()).collect()
}

fn enable_workplace(scene: &Scene, admin: &Person) {
    let services = format!("/customers/{}/services", scene.customer);
    admin.api_post(&services, json!({ "service": "workplace" })).expect(202);
}

fn call_oneself(scene: &Scene, user: UserId, title: &str) {
    scene
        .world
        .sql()
        .execute("UPDATE users SET job_title = ?1 WHERE id = ?2", (title, user.0))
        .unwrap();
}

#[test]
fn a_rule_is_written_shown_changed_and_taken_back() {
    let scene = Scene::new();
    let admin = scene.admin();
    let hook = scene.world.webhook("Desk", "http://127.0.0.1:9/").to_string();
    let chosen = "/rules/new?event=user_service.provision&service=workplace&action=webhook.send";
    assert!(admin.get("/rules/new").expect(200).says("Call a webhook"));
    let form = admin.get(chosen).expect(200);
    assert!(form.says("user.manager.upn") && form.says("Connector") && form.says("plan.code"));
    let mut typed = vec![
        ("event", GIVEN),
        ("service", "workplace"),
        ("action", "webhook.send"),
        ("customer_id", "1"),
        ("slot", "main"),
        ("position", "10"),
        ("key", "tell"),
        ("title", "Tell the desk"),
        ("connector_id", &hook),
        ("condition", "user.departmnt == \"Sales\""),
        ("params.body", "[\"{user.upm}\"]"),
        ("enabled", "1"),
    ];
    let again = admin.post("/rules", &typed).expect(422);
    assert!(again.says("column 6: user.departmnt is not known; user.department?"));
    assert!(again.says("column 2: user.upm is not known; user.upn?"));
    typed[9].1 = "user.department == \"Sales\"";
    typed[10].1 = "[\"{user.upn}\"]";
    let at = admin.post("/rules", &typed).location().to_owned();
    let id = at.rsplit('/').next().unwrap().to_owned();
    let list = admin.get("/rules").expect(200);
    assert!(list.says("Tell the desk") && list.says("Managed workplace") && list.says("Everybody"));
    assert!(!admin.get(&at).expect(200).says("Take up again"));

    let api = format!("/rules/{id}");
    let rule = admin.api_get(&api).expect(200).json();
    assert_eq!((&rule["version"], &rule["position"]), (&json!(1), &json!(10)));
    admin.api_patch(&api, json!({ "condition": "", "position": 5 })).expect(200);
    admin.api_patch(&api, json!({ "condition": "user.upn" })).expect(422);
    let history = admin.api_get(&format!("{api}/versions")).expect(200).json();
    assert_eq!(history["versions"].as_array().unwrap().len(), 2);
    assert_eq!(history["versions"][1]["rule"]["condition"], "user.department == \"Sales\"");
    assert!(admin.get(&at).expect(200).says("Take up again"));
    admin.post(&format!("{at}/versions/1/revert"), &[]).location();
    let rule = admin.api_get(&api).expect(200).json();
    assert_eq!((&rule["version"], &rule["position"]), (&json!(3), &json!(10)));
    assert_eq!(rule["condition"], "user.department == \"Sales\"");
    admin.api_post(&format!("{api}/revert"), json!({ "version": 9 })).expect(404);
    admin.post(&format!("{at}/disable"), &[]).location();
    assert_eq!(admin.api_get(&api).expect(200).json()["enabled"], false);

    let twice = admin.api_post("/rules", tell(hook.parse().unwrap(), json!({}))).expect(422);
    assert!(twice.says("is the key of another rule"));
    assert!(admin.get(&format!("{at}/delete")).expect(200).says("Delete “Tell the desk”?"));
    admin.post(&format!("{at}/delete"), &[]).location();
    admin.api_get(&api).expect(404);
}

#[test]
fn what_does_not_fit_is_refused_with_every_reason() {
    let scene = Scene::new();
    let admin = scene.admin();
    let hook = scene.world.webhook("Desk", "http://127.0.0.1:9/").0;
    let says = |more: Value, field: &str, text: &str| {
        let answer = admin.api_post("/rules", tell(hook, more)).expect(422);
        let all = answer.complaints();
        assert!(all.iter().any(|each| each.contains(field) && each.contains(text)), "{all:?}");
    };
    says(json!({ "event": "user_service.explode" }), "event", "is not an event that rules are for");
    says(json!({ "event": "customer.disable" }), "service", "is left empty");
    says(json!({ "service": "files" }), "service", "is not given to users");
    says(json!({ "slot": "before" }), "slot", "may not be Before");
    says(json!({ "connector_id": 999 }), "connector_id", "is not one of the choices");
    says(json!({ "connector_id": null }), "connector_id", "is required");
    says(json!({ "customer_id": 999 }), "customer_id", "is not a customer");
    says(json!({ "key": "Tell it" }), "key", "begins with a letter");
    says(json!({ "params": { "who": "x" } }), "params.who", "is not a parameter of webhook.send");
    says(json!({ "action": "portico.reseller" }), "action", "is not one of the choices");
    says(
        json!({ "action": "check", "connector_id": null }),
        "slot",
        "is Before for what may refuse",
    );

    let reseller = scene.world.person(scene.customer, "Customer administrator");
    reseller.get("/rules").expect(403);
    reseller.api_post("/rules", tell(hook, json!({}))).expect(403);
}

#[test]
fn a_rule_is_done_for_those_for_whom_it_holds_with_their_names_filled_in() {
    let scene = Scene::new();
    let (admin, ann, bob) = (scene.admin(), scene.user("ann"), scene.user("bob"));
    let sink = Sink::ok();
    let hook = scene.world.webhook("Desk", &sink.url()).0;
    call_oneself(&scene, ann, "Head of \"Sales\", {user.upn}");
    let params = json!({ "path": "/users/{user.username}", "body": "{\"who\": \"{user.job_title}\", \"plan\": \"{plan.code|upper}\", \"in\": \"{request.id}\"}" });
    let rule =
        tell(hook, json!({ "condition": "user.job_title.contains(\"Sales\")", "params": params }));
    add(&admin, rule);
    enable_workplace(&scene, &admin);
    assert_eq!(steps(&admin, bob), [""; 0]);
    assert_eq!(steps(&admin, ann), ["Tell the desk"]);
    let (of_bob, of_ann) = (give(&scene, &admin, bob), give(&scene, &admin, ann));
    assert_eq!(status(&scene, of_bob), "done");
    run(&scene, &[of_ann]);
    let hits = sink.hits();
    assert_eq!(hits.len(), 1);
    assert_eq!(
        hits[0].body["body"],
        json!({ "who": "Head of \"Sales\", {user.upn}", "plan": "STANDARD", "in": of_ann.to_string() })
    );
}

#[test]
fn the_nearer_rule_takes_the_place_of_the_farther_one() {
    let scene = Scene::new();
    let (admin, ann) = (scene.admin(), scene.user("ann"));
    let hook = scene.world.webhook("Desk", "http://127.0.0.1:9/").0;
    enable_workplace(&scene, &admin);
    add(&admin, tell(hook, json!({})));
    add(&admin, tell(hook, json!({ "key": "also", "title": "And the second", "slot": "after" })));
    add(&admin, tell(hook, json!({ "key": "early", "title": "First", "position": 1 })));
    assert_eq!(steps(&admin, ann), ["First", "Tell the desk", "And the second"]);

    let here = scene.customer;
    let own = add(&admin, tell(hook, json!({ "title": "Tell their own", "customer_id": here })));
    let none = json!({ "key": "also", "action": "off", "connector_id": null, "customer_id": here, "title": "" });
    add(&admin, tell(hook, none));
    assert_eq!(steps(&admin, ann), ["First", "Tell their own"]);
    // What was decided for one branch is nothing to another.
    let other = scene.world.customer(PROVIDER, "Bergholt Brewing");
    admin.api_patch(&format!("/rules/{own}"), json!({ "customer_id": other })).expect(200);
    assert_eq!(steps(&admin, ann), ["First", "Tell the desk"]);
    admin.api_post(&format!("/rules/{own}/disable"), Value::Null).expect(200);

    // A rule that is part of its service is changed there, or taken the place of here.
    scene
        .world
        .sql()
        .execute_batch(
            "UPDATE rules SET customer_id = NULL WHERE key = 'early';
             UPDATE services SET module = 'workplace' WHERE code = 'workplace'",
        )
        .unwrap();
    let early = scene.world.count("SELECT id FROM rules WHERE key = 'early'");
    let refused = admin.api_patch(&format!("/rules/{early}"), json!({ "position": 7 })).expect(422);
    assert!(refused.says("This rule belongs to Managed workplace: add a rule Before or After"));
    assert!(admin.get(&format!("/rules/{early}")).expect(200).says("This rule belongs to"));
}

#[test]
fn what_a_rule_refuses_is_refused_in_the_plan_and_by_the_order() {
    let scene = Scene::new();
    let (admin, ann) = (scene.admin(), scene.user("ann"));
    enable_workplace(&scene, &admin);
    let rule = json!({
        "service": "workplace", "event": GIVEN, "key": "titled", "slot": "before", "action": "check",
        "params": { "holds": "has(user.job_title)", "message": "{user.display_name} needs a job title first." },
    });
    let id = add(&admin, rule);
    let given = json!({ "service": "workplace", "plan": "standard" });
    let at = format!("/users/{ann}/services");
    let plan = admin.api_post(&format!("{at}?preview=true"), given.clone()).expect(200).json();
    assert_eq!(plan["refusals"][0]["message"], "ann needs a job title first.");
    assert!(admin.api_post(&at, given.clone()).expect(422).says("ann needs a job title first."));
    let aid = json!({ "customer_id": scene.customer, "user_id": ann, "aid": 1 });
    admin.api_post(&format!("/rules/{id}/dry-run"), aid).expect(422);
    call_oneself(&scene, ann, "Dentist");
    admin.api_post(&at, given).expect(202);
}

#[test]
fn a_step_that_asks_for_an_answer_is_left_out_with_what_decided() {
    let scene = Scene::new();
    let (admin, ann) = (scene.admin(), scene.user("ann"));
    let sink = Sink::with(|_, _| answer(200, "{\"outputs\": {\"kind\": \"small {x}\"}}"));
    let hook = scene.world.webhook("Desk", &sink.url()).0;
    add(&admin, tell(hook, json!({ "key": "ask", "position": 1 })));
    let big = json!({ "key": "big", "condition": "out.ask.kind == \"big\" && user.upn != \"\"" });
    add(&admin, tell(hook, big));
    let small = json!({
        "key": "small", "condition": "out.ask.kind.startsWith(\"small\")",
        "params": { "body": "[\"{out.ask.kind|upper}\"]" },
    });
    add(&admin, tell(hook, small));
    let id = give(&scene, &admin, ann);
    run(&scene, &[id]);
    assert_eq!(status(&scene, id), "done");
    let hits = sink.hits();
    assert_eq!(hits.len(), 2);
    assert_eq!(hits[1].body["body"], json!(["SMALL {X}"]));
    let page = admin.get(&format!("/requests/{id}")).expect(200);
    assert!(page.says("Left out: out.ask.kind is "), "{}", page.body);
    let shown = admin.api_get(&format!("/requests/{id}")).expect(200).json();
    let words: Vec<&str> =
        shown["steps"].as_array().unwrap().iter().map(|s| s["status"].as_str().unwrap()).collect();
    assert_eq!(words, ["done", "skipped", "done"]);
}

#[test]
fn p_48_what_runs_keeps_its_rules_and_the_next_has_the_new_ones() {
    let scene = Scene::new();
    let admin = scene.admin();
    let sink = Sink::ok();
    let hook = scene.world.webhook("Desk", &sink.url()).0;
    let users = scene.world.users(scene.customer, "u", 102);
    let rule = add(&admin, tell(hook, json!({ "params": { "body": "[\"one\"]" } })));
    let mut ids: Vec<RequestId> =
        users.iter().take(100).map(|user| give(&scene, &admin, *user)).collect();
    let engine = engine::start(scene.world.app.clone(), events::EVENTS).unwrap();
    admin
        .api_patch(&format!("/rules/{rule}"), json!({ "params": { "body": "[\"two\"]" } }))
        .expect(200);
    ids.push(give(&scene, &admin, users[100]));
    admin.api_post(&format!("/rules/{rule}/revert"), json!({ "version": 1 })).expect(200);
    ids.push(give(&scene, &admin, users[101]));
    for id in &ids {
        wait_until("all are done", || status(&scene, *id) == "done");
    }
    engine.stop();
    let of =
        |text: &str| sink.hits().iter().filter(|hit| hit.body["body"] == json!([text])).count();
    assert_eq!((of("one"), of("two")), (101, 1));
    let versions = scene.world.texts(
        "SELECT DISTINCT rule_version || ' ' || count(*) FROM steps GROUP BY rule_version ORDER BY 1",
    );
    assert_eq!(versions, ["1 100", "2 1", "3 1"]);
}

#[test]
fn a_plan_made_before_a_rule_changed_is_stale() {
    let scene = Scene::new();
    let (admin, ann) = (scene.admin(), scene.user("ann"));
    let hook = scene.world.webhook("Desk", "http://127.0.0.1:9/").0;
    enable_workplace(&scene, &admin);
    let rule = add(&admin, tell(hook, json!({})));
    let given = json!({ "service": "workplace", "plan": "standard" });
    let at = format!("/users/{ann}/services?preview=true");
    let plan = admin.api_post(&at, given).expect(200).json();
    admin.api_patch(&format!("/rules/{rule}"), json!({ "title": "Tell them all" })).expect(200);
    let apply = format!("/previews/{}/apply", plan["id"]);
    let stale = admin.api_post(&apply, Value::Null).expect(412);
    assert!(stale.says("What the engine does for the service changed"));
}

#[test]
fn trying_a_rule_says_all_and_changes_nothing() {
    let scene = Scene::new();
    let (admin, ann) = (scene.admin(), scene.user("ann"));
    let sink = Sink::ok();
    let hook = scene.world.webhook("Desk", &sink.url()).0;
    let held = scene.workplace(&admin, ann);
    let params = json!({ "body": "[\"{user.display_name}\", \"{out.x.y}\"]" });
    let rule = json!({ "condition": "user.display_name == \"bob\" || size(plan.code) > 3", "params": params });
    let id = add(&admin, tell(hook, rule));
    let rows = || {
        ["requests", "steps", "audit_log", "messages", "previews", "rule_versions"]
            .map(|table| scene.world.count(&format!("SELECT count(*) FROM {table}")))
    };
    let before = rows();
    let on = json!({ "customer_id": scene.customer, "user_id": ann, "aid": held });
    let run = admin.api_post(&format!("/rules/{id}/dry-run"), on).expect(200).json();
    assert_eq!(run["holds"], true);
    assert_eq!(run["condition"][1]["value"], "false");
    assert_eq!(run["params"]["body"], json!(["ann", "{out.x.y}"]));
    assert!(run["connector"].as_str().unwrap().contains("cannot be asked"));
    let (customer, user, held) = (scene.customer.to_string(), ann.to_string(), held.to_string());
    let on = [("customer_id", customer.as_str()), ("user_id", &user), ("aid", &held)];
    let page = admin.post(&format!("/rules/{id}/dry-run"), &on).expect(200);
    assert!(page.says("The rule holds.") && page.says("Nothing was changed"));
    assert_eq!((rows(), sink.hits().len()), (before, 0));
}

#[test]
fn mails_are_sent_and_waits_waited_without_holding_up_others() {
    let scene = Scene::new();
    let (admin, ann) = (scene.admin(), scene.user("ann"));
    let mail = json!({
        "service": "workplace", "event": GIVEN, "key": "greet", "action": "mail.send", "position": 2,
        "params": { "to": "{user.mail}\ndesk@msp.example", "subject": "Welcome {user.display_name}", "text": "You have {service.name}." },
    });
    let wait = json!({
        "service": "workplace", "event": GIVEN, "key": "pause", "action": "wait", "position": 1,
        "params": { "minutes": "30" },
    });
    add(&admin, mail);
    add(&admin, wait);
    let id = give(&scene, &admin, ann);
    let engine = engine::start(scene.world.app.clone(), events::EVENTS).unwrap();
    let held = || scene.world.text(&format!("SELECT hold FROM requests WHERE id = {id}"));
    wait_until("it waits", || held() == "wait");
    assert!(admin.get(&format!("/requests/{id}")).expect(200).says("as its rule says"));
    scene.world.later(29 * 60);
    engine.nudge();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(status(&scene, id), "queued");
    scene.world.later(120);
    engine.nudge();
    wait_until("it is done", || status(&scene, id) == "done");
    engine.stop();
    let mails = scene.world.texts(
        "SELECT to_address || ': ' || subject FROM messages WHERE event = 'rule.mail' ORDER BY id",
    );
    assert_eq!(mails.len(), 2);
    assert!(
        mails[0].ends_with(": Welcome ann") && mails[1].starts_with("desk@msp.example"),
        "{mails:?}"
    );
}
