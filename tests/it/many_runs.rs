//! Runs over many: five thousand through the real program, across customers, what ends accounts and
//! services, what is tried again and put back.

use crate::live::Live;
use crate::many::{Scene, numbers, scene};
use crate::world::{PROVIDER, Person};
use portico::time::Clock;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

impl Scene {
    fn to_the_end(&self, who: &Person, answer: Value) -> Value {
        self.finish(who, answer["run_id"].as_i64().unwrap())
    }

    fn page_run(&self, who: &Person, url: &str, fields: &[(&str, &str)]) -> Value {
        let started = who.post(url, fields);
        let run = started.location().trim_start_matches("/runs/").parse().unwrap();
        self.finish(who, run)
    }

    /// A service for users that needs nothing outside, in two plans.
    fn service(&self, who: &Person) {
        self.world
            .sql()
            .execute_batch(
                "INSERT INTO services (id, code, name, kind, state, tracking_only, created_at, changed_at)
                 VALUES (100, 'workplace', 'Managed workplace', 'user', 'active', 1, '', '');
                 INSERT INTO plans (id, service_id, level, code, name, sku) VALUES
                   (200, 100, 'user', 'standard', 'Standard', ''), (201, 100, 'user', 'plus', 'Plus', '');
                 INSERT INTO offers (id, reseller_id, service_id, given_at)
                 SELECT id, id, 100, '' FROM customers WHERE reseller = 1;
                 INSERT INTO offer_plans (offer_id, service_id, plan_id)
                 SELECT offers.id, 100, plans.id FROM offers JOIN plans ON plans.service_id = 100;",
            )
            .unwrap();
        let url = format!("/customers/{}/services", self.home);
        who.api_post(&url, json!({ "service": "workplace" })).expect(202);
    }
}

/// The real program is killed in the middle and nobody is touched twice; who may not any more goes on
/// as nobody.
#[test]
fn five_thousand_are_edited_as_shown_over_a_kill_and_until_the_right_is_lost() {
    let mut scene = scene(0);
    scene.world.clock.set(Clock::default().now());
    scene.anns = scene.world.users(scene.home, "ann", 5_000);
    let set = "UPDATE users SET office = 'Attic', city = 'Utrecht' WHERE display_name LIKE 'ann %'";
    scene.world.sql().execute_batch(set).unwrap();
    let admin = scene.world.person(scene.home, "User administrator");
    let mut live = Live::of(&scene.world);
    let input = json!({ "set": { "job_title": "Nurse", "city": "" }, "clear": ["office"] });
    let mut body = json!({ "action": "edit", "all": true, "q": "ann", "input": input });
    let url = format!("/api/v1{}", scene.url());
    body["preview"] = json!(true);
    let seen = live.post(&url, admin.token(), &body).expect(200).json();
    let items = seen["items"].as_array().unwrap();
    assert_eq!((seen["users"].as_i64(), items.len()), (Some(5_000), 2_000));
    let change = json!({ "job_title": ["", "Nurse"], "office": ["Attic", ""] });
    assert!(items.iter().all(|one| one["changes"] == change), "{}", items[0]);
    body["preview"] = json!(false);
    body["expected"] = json!(5_000);
    let run = live.post(&url, admin.token(), &body).expect(202).json()["run_id"].as_i64().unwrap();
    let of_run = |column: &str| {
        scene.world.text(&format!("SELECT CAST({column} AS TEXT) FROM runs WHERE id = {run}"))
    };
    let wait = |until: &dyn Fn() -> bool| {
        let end = Instant::now() + Duration::from_secs(120);
        while !until() {
            assert!(Instant::now() < end, "waited in vain");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    wait(&|| of_run("done").parse::<i64>().unwrap_or(0) >= 500);
    live.kill();
    let first: i64 = of_run("done").parse().unwrap();
    assert!(first < 5_000, "it was killed too late to show anything");
    live = Live::of(&scene.world);
    wait(&|| of_run("done").parse::<i64>().unwrap_or(0) >= (first + 500).min(4_000));
    // Another process could wait for the writer until all is done.
    live.kill();
    let grants = "DELETE FROM role_grants WHERE user_id = ?1";
    scene.world.sql().execute(grants, [admin.id]).unwrap();
    live = Live::of(&scene.world);
    wait(&|| of_run("state") == "done");
    drop(live);

    let world = &scene.world;
    let edited = world.count(
        "SELECT count(*) FROM users WHERE job_title = 'Nurse' AND office = '' AND city = 'Utrecht'",
    );
    let not = world.count("SELECT count(*) FROM users WHERE job_title = '' AND office = 'Attic' AND city = 'Utrecht' AND display_name LIKE 'ann %'");
    assert_eq!(edited + not, 5_000, "each as shown, or as before");
    assert!(edited >= 1_000 && not > 0, "{edited} edited, {not} not");
    let said = "SELECT count(*) FROM audit_log WHERE action = 'user.changed'";
    assert_eq!(world.count(said), edited, "each once");
    let lines = |result: &str| {
        world.count(&format!(
            "SELECT count(*) FROM run_lines WHERE run_id = {run} AND result = '{result}'
                AND (result = 'changed' OR text LIKE 'ann %: not permitted%')"
        ))
    };
    assert_eq!((lines("changed"), lines("refused")), (edited, not));
    assert_eq!(world.count("SELECT count(*) FROM audit_log WHERE action = 'bulk.finished'"), 1);
    let noted = "SELECT count(*) FROM run_changes WHERE changed = '{\"job_title\":[\"\",\"Nurse\"],\"office\":[\"Attic\",\"\"]}'";
    assert_eq!(world.count(noted), edited, "the result is what the preview said");
}

#[test]
fn users_of_several_customers_are_changed_together_as_far_as_one_reaches() {
    let scene = scene(3);
    let reseller = scene.world.count("SELECT parent_id FROM customers WHERE code = 'ALDERMOOR'");
    let beech = scene.world.customer(portico::ids::CustomerId(reseller), "Beechwood");
    let bob = scene.world.user(beech, "Bob", "bob");
    let away = scene.world.customer(PROVIDER, "Elsewhere");
    let stranger = scene.world.user(away, "Stranger", "stranger");
    let rh = scene.world.person(portico::ids::CustomerId(reseller), "Reseller helpdesk");
    let input = json!({ "set": { "company": "The group" } });
    let both = json!({ "action": "edit", "ids": [scene.anns[0], bob], "input": input });
    let answer = rh.api_post("/users/bulk", both).expect(202).json();
    assert_eq!(scene.to_the_end(&rh, answer), numbers(2, 0, 0));
    assert_eq!(scene.world.count("SELECT count(*) FROM users WHERE company = 'The group'"), 2);
    let far = json!({ "action": "edit", "ids": [bob, stranger], "input": input });
    rh.api_post("/users/bulk", far).expect(404);
    let all = json!({ "action": "edit", "all": true, "input": input });
    let mut seen = all.clone();
    seen["preview"] = json!(true);
    let seen = rh.api_post("/users/bulk", seen).expect(200).json();
    assert_eq!(seen["users"], 5, "three Anns, Bob and the helpdesk, and no stranger");
    let department = json!({ "action": "enable", "all": true, "department": "Ward" });
    let said = rh.api_post("/users/bulk", department).expect(422).complaints();
    assert_eq!(said, ["department is one of a customer"]);
    let give = json!({ "action": "service_give", "ids": [bob] });
    assert!(rh.api_post("/users/bulk", give).expect(422).says("is done within one customer"));
    // Three of Aldermoor's three, though four of all are fewer than ten.
    let ids = json!([scene.anns[0], scene.anns[1], scene.anns[2], bob]);
    let disable = json!({ "action": "disable", "ids": ids });
    assert_eq!(
        rh.api_post("/users/bulk", disable).expect(422).complaints(),
        ["confirm does not match 4"]
    );
    let page = rh.get("/users?q=bo").expect(200);
    assert!(page.says("action=\"/users/bulk\"") && page.says("Change all that match"));
    assert!(!page.says("Give service") && !page.says("Stranger"), "{}", page.body);
    let page = rh.get(&format!("/users/bulk?id={bob}&id={}", scene.anns[1])).expect(200);
    assert!(page.says("What is done to 2 users"), "{}", page.body);
    let page = rh.get(&format!("/users?customer={beech}")).expect(200);
    let there = format!("/customers/{beech}/users/bulk?all=1&amp;customer={beech}");
    assert!(page.says(&there), "all that match are of that customer: {}", page.body);
}

#[test]
fn accounts_end_and_go_into_the_bin_only_with_the_number_and_for_those_who_may() {
    let scene = scene(12);
    let ca = scene.world.person(scene.home, "Customer administrator");
    let sa = scene.world.person(scene.home, "Service administrator");
    let said = sa.api_post(&scene.url(), scene.order("deprovision", json!({}))).expect(403);
    assert!(said.says("This needs the permission users.deprovision."));
    let mut order = scene.order("delete", json!({}));
    assert_eq!(
        ca.api_post(&scene.url(), order.clone()).expect(422).complaints(),
        ["confirm does not match 12"]
    );
    order["preview"] = json!(true);
    assert_eq!(ca.api_post(&scene.url(), order).expect(200).json()["confirm"], "12");
    let few = json!({ "action": "deprovision", "ids": scene.anns[..2] });
    assert_eq!(scene.run(&ca, few).1, numbers(2, 0, 0));
    assert_eq!(scene.text("state", 1), "deprovisioned");
    let mut order = scene.order("delete", json!({ "deprovision": true }));
    order["confirm"] = json!("12");
    let (run, done) = scene.run(&ca, order);
    assert_eq!(done, numbers(12, 0, 0));
    assert_eq!(scene.world.count("SELECT count(*) FROM users WHERE state = 'deleted'"), 12);
    ca.api_post(&format!("/runs/{run}/undo"), Value::Null).expect(422);
    let csv = ca.api_get(&format!("/runs/{run}/results?result=changed")).expect(200);
    assert!(csv.header("Content-Type").starts_with("text/csv"));
    assert_eq!(csv.body.lines().count(), 13);
    assert!(csv.says("changed,Ann 03: state active → deleted"), "{}", csv.body);
    let page = ca.get(&format!("/runs/{run}")).expect(200);
    assert!(page.says(&format!("/runs/{run}/results")) && !page.says("/undo"), "{}", page.body);
    let other = scene.world.person(scene.home, "User administrator");
    assert_eq!(other.get(&format!("/runs/{run}/results")).status, 404, "a run is its starter's");
    // Whoever has not given the password lately is asked for it, were it one user only.
    scene
        .world
        .sql()
        .execute_batch("UPDATE sessions SET proven_at = '2026-01-01T00:00:00Z'")
        .unwrap();
    let one = scene.anns[0].to_string();
    let fields = [("action", "deprovision"), ("ids", one.as_str()), ("go", "run")];
    assert!(ca.post(&scene.url(), &fields).expect(403).says("Your password, once more"));
}

#[test]
fn services_of_many_change_plan_rest_and_end() {
    let scene = scene(4);
    let admin = scene.world.person(PROVIDER, "Provider administrator");
    scene.service(&admin);
    let give = json!({
        "action": "service_give", "ids": scene.anns[..3],
        "input": { "service": "workplace", "plan": "standard" },
    });
    let given = admin.api_post(&scene.url(), give).expect(202).json();
    scene.to_the_end(&admin, given);
    let held = |what: &str| {
        scene.world.count(&format!(
            "SELECT count(*) FROM user_services JOIN plans ON plans.id = plan_id WHERE live <> 'gone' AND {what}"
        ))
    };
    assert_eq!(held("plans.code = 'standard'"), 3);
    let on = |plan: &str| json!({ "service": "workplace", "plan": plan });
    let (_, done) = scene.run(&admin, scene.order("service_change", on("plus")));
    assert_eq!(done, numbers(3, 0, 1), "the fourth does not have it");
    assert_eq!(held("plans.code = 'plus'"), 3);
    let few = json!({ "action": "service_change", "ids": scene.anns[..3], "input": on("plus") });
    assert_eq!(scene.run(&admin, few).1, numbers(0, 3, 0));
    let bulk = "SELECT count(*) FROM requests WHERE class = 'bulk' AND run_id IS NOT NULL";
    assert!(scene.world.count(bulk) >= 3, "others go first");
    let which = json!({ "service": "workplace" });
    let two = |act: &str| json!({ "action": act, "ids": scene.anns[..2], "input": which });
    assert_eq!(scene.run(&admin, two("service_suspend")).1, numbers(2, 0, 0));
    assert_eq!(scene.run(&admin, two("service_suspend")).1, numbers(0, 2, 0));
    assert_eq!(scene.run(&admin, two("service_resume")).1, numbers(2, 0, 0));
    let mut end = scene.order("service_remove", which.clone());
    let said = admin.api_post(&scene.url(), end.clone()).expect(422).complaints();
    assert_eq!(said, ["confirm does not match 4"]);
    end["confirm"] = json!("4");
    let (run, done) = scene.run(&admin, end);
    assert_eq!(done, numbers(3, 1, 0));
    assert_eq!(held("1"), 0);
    let lines = admin.api_get(&format!("/runs/{run}/lines")).expect(200);
    assert!(lines.says("Ann 00: Managed workplace plus → –"), "{}", lines.body);
    let ua = scene.world.person(scene.home, "User administrator");
    ua.api_post(&scene.url(), two("service_suspend")).expect(403);
    let page = admin.get(&format!("{}?id={}&action=service_change", scene.url(), scene.anns[0]));
    assert!(page.expect(200).says("Managed workplace, Plus"));
    let fields = [("action", "service_give"), ("ids", "7"), ("go", "act")];
    let there = format!("/customers/{}/users/services?id=7", scene.home);
    assert_eq!(admin.post(&scene.url(), &fields).location(), there);
}

#[test]
fn what_is_put_back_takes_from_many_only_with_the_number_and_lists_what_it_spares() {
    let scene = scene(11);
    let admin = scene.world.person(PROVIDER, "Provider administrator");
    let role = json!({ "role": "Billing viewer" });
    let (run, done) = scene.run(&admin, scene.order("add_role", role.clone()));
    assert_eq!(done, numbers(11, 0, 0));
    let few = json!({ "action": "take_role", "ids": scene.anns[..2], "input": role });
    let (taken, _) = scene.run(&admin, few);
    let undo = format!("/runs/{run}/undo");
    let said = admin.api_post(&undo, Value::Null).expect(422).complaints();
    assert_eq!(said, ["confirm does not match 11"], "putting back takes a role from eleven");
    let page = admin.get(&undo).expect(200);
    assert!(page.says("9 will change, 2 unchanged, 0 cannot."), "{}", page.body);
    assert!(page.says("changed since, and left: role") && page.says("Number of users"));
    assert_eq!(admin.post(&undo, &[("go", "run"), ("confirm", "10")]).status, 422);
    let done = scene.page_run(&admin, &undo, &[("go", "run"), ("confirm", "11")]);
    assert_eq!(done, numbers(9, 2, 0));
    let held = "SELECT count(*) FROM role_grants JOIN roles ON roles.id = role_id WHERE name = 'Billing viewer'";
    assert_eq!(scene.world.count(held), 0);
    // What was taken until a day comes back until that day.
    let first = format!("/users/{}/roles", scene.anns[0]);
    let grant = json!({ "role": "Billing viewer", "until_on": "2027-01-31" });
    admin.api_post(&first, grant).expect(201);
    let one = json!({ "action": "take_role", "ids": [scene.anns[0]], "input": role });
    let (gone, _) = scene.run(&admin, one);
    assert_eq!(scene.world.count(held), 0);
    let back = admin.api_post(&format!("/runs/{gone}/undo"), Value::Null).expect(202).json();
    assert_eq!(scene.to_the_end(&admin, back), numbers(1, 0, 0));
    assert_eq!(scene.world.text("SELECT until_on FROM role_grants JOIN roles ON roles.id = role_id WHERE name = 'Billing viewer'"), "2027-01-31");
    assert_eq!(admin.get(&format!("/runs/{taken}/undo")).status, 200);
    // Trying again is shown before, too.
    let none = scene.order("add_role", json!({ "role": "Emperor" }));
    let (failed, _) = scene.run(&admin, none);
    let page = admin.get(&format!("/runs/{failed}/retry")).expect(200);
    assert!(page.says("0 will change, 0 unchanged, 11 cannot."), "{}", page.body);
    assert!(
        admin.get(&format!("/runs/{failed}")).expect(200).says(&format!("/runs/{failed}/retry"))
    );
}

#[test]
fn ticks_stay_from_page_to_page_and_go_into_a_file() {
    let scene = scene(5);
    let ca = scene.world.person(scene.home, "Customer administrator");
    let list = format!("/customers/{}/users", scene.home);
    let first = ca.get(&format!("{list}?limit=2&q=ann")).expect(200);
    let cursor = first.body.split("name=\"after\" value=\"").nth(1).unwrap().split('"').next();
    let cursor = cursor.unwrap().to_owned();
    assert!(first.says("formaction=\"/customers/") && first.says(">Next</button>"));
    // What the form sends when the next page is asked for with two ticked.
    let (a, b, c) = (scene.anns[0], scene.anns[1], scene.anns[2]);
    let url = format!("{list}?limit=2&q=ann&id={a}&id={b}&after={cursor}");
    let second = ca.get(&url).expect(200);
    assert!(second.says("2 more are selected on other pages."), "{}", second.body);
    assert!(second.says("Ann 02") && second.says(&format!("name=\"id\" value=\"{a}\"")));
    let back = ca.get(&format!("{list}?limit=2&q=ann&id={a}&id={c}&after=")).expect(200);
    assert!(back.says("1 more is selected on other pages."), "{}", back.body);
    assert!(back.says("checked"), "who was ticked still is");
    let file = ca.get(&format!("{list}/export?q=ann&id={a}&id={c}")).expect(200);
    assert_eq!(file.body.lines().count(), 3, "{}", file.body);
    let away = scene.world.user(scene.world.customer(PROVIDER, "Elsewhere"), "Far", "far");
    assert_eq!(ca.get(&format!("{list}/export?id={away}")).status, 404);
    ca.api_get(&format!("{list}?id={a}")).expect(422);
}
