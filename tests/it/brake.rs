//! The brake: what takes from many waits, whole, until somebody who may has looked at the list.

use crate::world::{PROVIDER, Person, World};
use portico::ids::{CustomerId, UserId};
use serde_json::{Value, json};

struct Scene {
    world: World,
    reseller: CustomerId,
    home: CustomerId,
    users: Vec<UserId>,
}

fn scene(users: usize) -> Scene {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let home = world.customer(reseller, "Aldermoor");
    let users = (0..users).map(|n| world.user(home, &format!("Ann {n:03}"), &format!("ann{n}")));
    let users = users.collect();
    Scene { world, reseller, home, users }
}

impl Scene {
    fn disable(&self, who: &Person, n: usize) -> i64 {
        let order =
            json!({ "action": "disable", "ids": self.users[..n], "confirm": n.to_string() });
        let url = format!("/customers/{}/users/bulk", self.home);
        who.api_post(&url, order).expect(202).json()["run_id"].as_i64().unwrap()
    }

    fn disabled(&self) -> i64 {
        self.world.count("SELECT count(*) FROM users WHERE state = 'disabled'")
    }

    fn state(&self, run: i64) -> String {
        self.world.text(&format!("SELECT state FROM runs WHERE id = {run}"))
    }
}

fn go(number: &str) -> Value {
    json!({ "confirm": number, "reason": "The branch in Leiden closes" })
}

#[test]
fn twelve_of_a_hundred_wait_for_a_second_person_where_two_must_agree() {
    let scene = scene(100);
    let world = &scene.world;
    let orderer = world.person(PROVIDER, "Provider administrator");
    let other = world.person_named(scene.reseller, "Reseller administrator", "Rhea Poe", "rhea");
    let settings = format!("/customers/{}/settings", scene.reseller);
    orderer.api_patch(&settings, json!({ "brake_people": "2" })).expect(200);
    let looser = format!("/customers/{}/settings", scene.home);
    let refused = orderer.api_patch(&looser, json!({ "brake_people": "1" })).expect(422);
    assert_eq!(refused.complaints(), ["brake_people must be 2 or more (set by Brightwater)"]);

    let run = scene.disable(&orderer, 12);
    world.let_runs_end();
    assert_eq!((scene.state(run).as_str(), scene.disabled()), ("held", 0));
    assert_eq!(world.count("SELECT count(*) FROM audit_log WHERE action = 'bulk.held'"), 1);
    let told = "SELECT group_concat(to_address) FROM messages WHERE event = 'bulk.held'";
    assert_eq!(world.text(told), "rhea@brightwater.example", "the nearest who may release it");
    let page = orderer.get(&format!("/runs/{run}")).expect(200);
    assert!(page.says("It would take from many") && page.says("Held"), "{}", page.body);

    let held = other.api_get("/held").expect(200).json()["items"][0].clone();
    assert_eq!((held["run_id"].as_i64(), held["number"].as_i64()), (Some(run), Some(12)));
    let list = other.api_get(&format!("/held/{}/items", held["id"])).expect(200).json();
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 12, "the whole list");
    assert_eq!(items[0]["text"], "Ann 000 (ann0@aldermoor.example): disable");
    let shown = other.get(&format!("/held/{}", held["id"])).expect(200);
    assert!(shown.says("Ann 011 (ann11@aldermoor.example)"), "{}", shown.body);

    let release = format!("/runs/{run}/release");
    let own = orderer.api_post(&release, go("12")).expect(403);
    assert!(own.says("somebody else lets it go, since you ordered it."), "{}", own.body);
    let wrong = other.api_post(&release, json!({ "confirm": "11", "reason": "no" })).expect(422);
    assert_eq!(
        wrong.complaints(),
        ["confirm does not match 12", "reason must have at least 5 characters"]
    );
    world.let_runs_end();
    assert_eq!((scene.state(run).as_str(), scene.disabled()), ("held", 0));

    other.api_post(&release, go("12")).expect(202);
    world.let_runs_end();
    assert_eq!((scene.state(run).as_str(), scene.disabled()), ("done", 12));
    let again = other.api_post(&release, go("12")).expect(409);
    assert!(again.says("It was released already, by Rhea Poe."), "{}", again.body);
    assert_eq!(other.api_get("/held").expect(200).json()["items"], json!([]));
}

#[test]
fn by_hand_only_more_than_fifty_wait_and_what_is_refused_changes_nothing() {
    let scene = scene(120);
    let world = &scene.world;
    let admin = world.person(PROVIDER, "Provider administrator");
    let few = scene.disable(&admin, 20);
    world.let_runs_end();
    assert_eq!((scene.state(few).as_str(), scene.disabled()), ("done", 20));

    let run = scene.disable(&admin, 51);
    let held = admin.api_get("/held").expect(200).json()["items"][0]["id"].clone();
    let page = admin.get(&format!("/held/of-run/{run}"));
    assert_eq!(page.location(), format!("/held/{held}"));
    let said = admin.post(&format!("/held/{held}/refuse"), &[("reason", "no")]).expect(422);
    assert!(said.says("must have at least 5 characters"), "{}", said.body);
    let refuse = [("confirm", ""), ("reason", "Not before the audit")];
    admin.post(&format!("/held/{held}/refuse"), &refuse).location();
    world.let_runs_end();
    assert_eq!((scene.state(run).as_str(), scene.disabled()), ("cancelled", 20));

    let run = scene.disable(&admin, 52);
    admin.api_post(&format!("/runs/{run}/cancel"), Value::Null).expect(202);
    world.let_runs_end();
    assert_eq!(scene.state(run), "cancelled");
    let state = format!("SELECT state FROM brake_holds WHERE run_id = {run}");
    assert_eq!(world.text(&state), "withdrawn");
    assert_eq!(scene.disabled(), 20);
}

#[test]
fn held_work_of_another_branch_is_not_there() {
    let scene = scene(60);
    let world = &scene.world;
    let admin = world.person(PROVIDER, "Provider administrator");
    let run = scene.disable(&admin, 55);
    let held = admin.api_get("/held").expect(200).json()["items"][0]["id"].clone();
    let far = world.reseller("Farfield");
    let stranger = world.person(far, "Reseller administrator");
    assert_eq!(stranger.api_get("/held").expect(200).json()["items"], json!([]));
    stranger.api_get(&format!("/held/{held}")).expect(404);
    stranger.api_get(&format!("/held/{held}/items")).expect(404);
    stranger.api_post(&format!("/held/{held}/release"), go("55")).expect(404);
    stranger.api_post(&format!("/runs/{run}/release"), go("55")).expect(404);
    stranger.get(&format!("/held/{held}")).expect(404);
    let own = world.person(scene.home, "Customer administrator");
    own.api_post(&format!("/held/{held}/release"), go("55")).expect(403);
    world.let_runs_end();
    assert_eq!((scene.state(run).as_str(), scene.disabled()), ("held", 0));
}

#[test]
fn a_service_that_many_lose_with_their_customer_waits_as_a_whole() {
    let scene = crate::assignments::Scene::new();
    let world = &scene.world;
    let admin = scene.admin();
    for name in ["theo", "ann", "bo", "cleo"] {
        let user = scene.user(name);
        scene.workplace(&admin, user);
    }
    let settings = format!("/customers/{}/settings", scene.customer);
    admin.api_patch(&settings, json!({ "brake_people": "2" })).expect(200);
    let held = world.count("SELECT id FROM customer_services WHERE service_id = 100");
    let place = format!("/customers/{}/services/{held}", scene.customer);
    let order = json!({ "confirm": "4" });
    let answer = admin.api("DELETE", &place, order).expect(202).json();
    let request = answer["request_id"].as_i64().unwrap();
    let status =
        || world.text(&format!("SELECT status || ' ' || hold FROM requests WHERE id = {request}"));
    let gone = || world.count("SELECT count(*) FROM user_services WHERE live = 'gone'");
    assert_eq!((status().as_str(), gone()), ("waiting_approval brake", 0));
    let shown = admin.api_get(&format!("/requests/{request}")).expect(200);
    assert!(shown.says("It would take from many"), "{}", shown.body);
    let release = format!("/requests/{request}/release");
    admin.api_post(&release, go("4")).expect(403);
    let reseller =
        CustomerId(world.count("SELECT parent_id FROM customers WHERE code = 'ALDERMOORDENTAL'"));
    let other = world.person(reseller, "Reseller administrator");
    let seen = other.get(&format!("/held/of-request/{request}"));
    assert!(
        other
            .get(seen.location())
            .expect(200)
            .says("theo (theo@aldermoor-dental.example): loses it")
    );

    // Somebody else joins meanwhile: it is another list now.
    let eve = scene.user("eve");
    scene.workplace(&admin, eve);
    let anew = other.api_post(&release, go("4")).expect(202).json();
    assert_eq!((&anew["state"], &anew["number"]), (&json!("held"), &json!(5)));
    assert_eq!(gone(), 0);
    other.api_post(&release, go("5")).expect(202);
    assert_eq!((status().as_str(), gone()), ("done ", 5));
    assert_eq!(scene.seats(), 0);
}
