//! Many users at once: what is done to each, what is shown before, and what is put back.

use crate::world::{PROVIDER, Person, World};
use portico::ids::{CustomerId, UserId};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

pub struct Scene {
    pub world: World,
    pub home: CustomerId,
    pub anns: Vec<UserId>,
}

/// Aldermoor with so many users called Ann.
pub fn scene(n: usize) -> Scene {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let home = world.customer(reseller, "Aldermoor");
    let anns =
        (0..n).map(|n| world.user(home, &format!("Ann {n:02}"), &format!("ann{n}"))).collect();
    Scene { world, home, anns }
}

impl Scene {
    pub fn url(&self) -> String {
        format!("/customers/{}/users/bulk", self.home)
    }

    pub fn order(&self, action: &str, input: Value) -> Value {
        json!({ "action": action, "ids": self.anns, "input": input })
    }

    /// Starts it and lets it run to its end; what became of how many.
    pub fn run(&self, who: &Person, body: Value) -> (i64, Value) {
        let run = who.api_post(&self.url(), body).expect(202).json()["run_id"].as_i64().unwrap();
        (run, self.finish(who, run))
    }

    pub fn finish(&self, who: &Person, run: i64) -> Value {
        let handle = portico::jobs::start(&self.world.app).unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        let ended = loop {
            let now = who.api_get(&format!("/runs/{run}")).expect(200).json();
            if now["state"] != "queued" && now["state"] != "running" {
                break now;
            }
            assert!(Instant::now() < until, "{now}");
            std::thread::sleep(Duration::from_millis(20));
        };
        handle.stop();
        assert_eq!(ended["state"], "done", "{ended}");
        ended["numbers"].clone()
    }

    pub fn text(&self, column: &str, n: usize) -> String {
        self.world.text(&format!("SELECT {column} FROM users WHERE id = {}", self.anns[n]))
    }
}

pub fn numbers(changed: i64, unchanged: i64, refused: i64) -> Value {
    json!({ "changed": changed, "unchanged": unchanged, "refused": refused })
}

#[test]
fn fields_are_set_cleared_or_left_as_the_preview_said_and_put_back() {
    let scene = scene(6);
    let admin = scene.world.person(PROVIDER, "Provider administrator");
    for (n, id) in scene.anns.iter().enumerate() {
        let body = json!({ "office": format!("Room {n}"), "city": "Utrecht" });
        admin.api_patch(&format!("/users/{id}"), body).expect(200);
    }
    let input = json!({ "set": { "job_title": "Nurse", "city": "" }, "clear": ["office"] });
    let mut asked = scene.order("edit", input);
    asked["preview"] = json!(true);
    let seen = admin.api_post(&scene.url(), asked.clone()).expect(200).json();
    assert_eq!(
        seen["items"][0]["changes"],
        json!({ "job_title": ["", "Nurse"], "office": ["Room 0", ""] })
    );
    assert_eq!(scene.text("job_title || office", 0), "Room 0", "a preview changes nothing");
    asked["preview"] = json!(false);
    let (run, done) = scene.run(&admin, asked.clone());
    assert_eq!(done, numbers(6, 0, 0));
    assert_eq!(scene.text("job_title || office || city", 3), "NurseUtrecht", "blank leaves");
    assert_eq!(
        scene.world.count("SELECT count(*) FROM audit_log WHERE action = 'bulk.finished'"),
        1
    );
    assert_eq!(scene.world.count("SELECT count(*) FROM messages WHERE event = 'bulk.finished'"), 1);
    assert_eq!(scene.run(&admin, asked).1, numbers(0, 6, 0), "again changes nothing");

    let body = json!({ "job_title": "Dentist" });
    admin.api_patch(&format!("/users/{}", scene.anns[2]), body).expect(200);
    let back = admin.api_post(&format!("/runs/{run}/undo"), Value::Null).expect(202);
    let back = back.json()["run_id"].as_i64().unwrap();
    assert_eq!(scene.finish(&admin, back), numbers(6, 0, 0));
    assert_eq!(scene.text("job_title || office", 1), "Room 1");
    assert_eq!(
        scene.text("job_title || office", 2),
        "DentistRoom 2",
        "what was changed since is spared"
    );
    let lines = admin.api_get(&format!("/runs/{back}/lines")).expect(200);
    assert!(lines.says("changed since, and left: job title"), "{}", lines.body);
    admin.api_post(&format!("/runs/{back}/undo"), Value::Null).expect(422);
}

#[test]
fn what_takes_from_many_is_typed_and_guards_hold_for_each() {
    let scene = scene(11);
    let ca = scene.world.person(scene.home, "Customer administrator");
    let disable = scene.order("disable", json!({}));
    let said = ca.api_post(&scene.url(), disable).expect(422);
    assert_eq!(said.complaints(), ["confirm does not match 11"]);
    let page: Vec<(String, String)> =
        scene.anns.iter().map(|id| ("ids".into(), id.to_string())).collect();
    let form = |more: &[(&str, &str)]| {
        let mut all: Vec<(&str, &str)> =
            page.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        all.extend(more);
        ca.post(&scene.url(), &all)
    };
    let seen = form(&[("action", "disable")]).expect(200);
    assert!(
        seen.says("11 will change") && seen.says("Type the number to confirm."),
        "{}",
        seen.body
    );
    assert!(
        form(&[("action", "disable"), ("go", "run"), ("confirm", "10")])
            .expect(422)
            .says("does not match 11")
    );
    assert_eq!(scene.world.count("SELECT count(*) FROM runs"), 0);
    let started = form(&[("action", "disable"), ("go", "run"), ("confirm", "11")]);
    let run: i64 = started.location().trim_start_matches("/runs/").parse().unwrap();
    assert_eq!(scene.finish(&ca, run), numbers(11, 0, 0));
    assert_eq!(scene.world.count("SELECT count(*) FROM users WHERE state = 'disabled'"), 11);
    let undo = ca.post(&format!("/runs/{run}/undo"), &[]);
    let back: i64 = undo.location().trim_start_matches("/runs/").parse().unwrap();
    assert_eq!(scene.finish(&ca, back), numbers(11, 0, 0));
    assert_eq!(scene.world.count("SELECT count(*) FROM users WHERE state = 'disabled'"), 0);

    // Oneself and the stronger stay; the rest is done.
    let ua = scene.world.person(scene.home, "User administrator");
    let ids = json!([ua.id, ca.id, scene.anns[0]]);
    let body = json!({ "action": "disable", "ids": ids, "preview": true });
    let seen = ua.api_post(&scene.url(), body).expect(200).json();
    let why: Vec<&str> =
        seen["items"].as_array().unwrap().iter().map(|i| i["why"].as_str().unwrap()).collect();
    assert!(why.contains(&"You cannot do this to yourself."), "{why:?}");
    assert!(why.iter().any(|why| why.starts_with("not permitted:")), "{why:?}");
    assert!(why.contains(&""));
}

#[test]
fn roles_last_days_and_names_are_given_to_many() {
    let scene = scene(4);
    let admin = scene.world.person(PROVIDER, "Provider administrator");
    let role = json!({ "role": "Billing viewer" });
    let held = "SELECT count(*) FROM role_grants JOIN roles ON roles.id = role_id WHERE name = 'Billing viewer'";
    assert_eq!(scene.run(&admin, scene.order("add_role", role.clone())).1, numbers(4, 0, 0));
    assert_eq!(scene.world.count(held), 4);
    assert_eq!(scene.run(&admin, scene.order("add_role", role.clone())).1, numbers(0, 4, 0));
    let few = json!({ "action": "take_role", "ids": scene.anns[..2], "input": role });
    assert_eq!(scene.run(&admin, few).1, numbers(2, 0, 0));
    assert_eq!(scene.world.count(held), 2);
    let none = scene.order("add_role", json!({ "role": "Emperor" }));
    let (run, done) = scene.run(&admin, none);
    assert_eq!(done, numbers(0, 0, 4));
    let again = admin.api_post(&format!("/runs/{run}/retry"), Value::Null).expect(202).json();
    assert_eq!(scene.finish(&admin, again["run_id"].as_i64().unwrap()), numbers(0, 0, 4));

    let day = scene.order("expiry", json!({ "expires_on": "2031-01-31" }));
    assert_eq!(scene.run(&admin, day).1, numbers(4, 0, 0));
    assert_eq!(scene.text("expires_on", 3), "2031-01-31");

    let domains = format!("/customers/{}/domains", scene.home);
    admin.api_post(&domains, json!({ "name": "aldermoor-group.example" })).expect(201);
    scene.world.sql().execute_batch("UPDATE customer_domains SET state = 'verified'").ok();
    let taken = json!({ "first_name": "Ann", "upn": "ann1@aldermoor-group.example" });
    let made = admin.api_post(&format!("/customers/{}/users", scene.home), taken);
    assert_eq!(made.status, 201, "{}", made.body);
    let (_, done) =
        scene.run(&admin, scene.order("upn", json!({ "domain": "aldermoor-group.example" })));
    assert_eq!(done, numbers(3, 0, 1), "one is taken");
    assert_eq!(
        scene.text("upn || ' ' || mail", 0),
        "ann0@aldermoor-group.example ann0@aldermoor-group.example"
    );
    let kept = "SELECT count(*) FROM user_names WHERE name LIKE 'ann%@aldermoor.example'";
    assert_eq!(scene.world.count(kept), 4, "old names are addresses");
}

#[test]
fn only_ones_own_users_are_chosen_and_a_list_that_changed_is_looked_at_again() {
    let scene = scene(3);
    let ca = scene.world.person(scene.home, "Customer administrator");
    let away = scene.world.customer(PROVIDER, "Elsewhere");
    let stranger = scene.world.person(away, "Customer administrator");
    stranger.api_post(&scene.url(), scene.order("enable", json!({}))).expect(404);
    assert_eq!(stranger.get(&scene.url()).status, 404);
    let theirs = json!({ "action": "enable", "ids": [stranger.id] });
    ca.api_post(&scene.url(), theirs).expect(404);
    for (body, said) in [
        (json!({ "action": "enable" }), "No user was chosen."),
        (json!({ "action": "undo", "ids": scene.anns }), "action is not one of the choices"),
        (json!({ "action": "edit", "ids": scene.anns, "input": {} }), "Nothing is set or cleared."),
        (
            json!({ "action": "edit", "ids": scene.anns, "input": { "set": { "upn": "x" } } }),
            "input.set cannot have upn for many",
        ),
        (json!({ "action": "add_role", "ids": scene.anns }), "input.role is required"),
        (
            json!({ "action": "enable", "all": true, "expected": 9 }),
            "expected 4 users match now. Look at the preview again.",
        ),
    ] {
        let answer = ca.api_post(&scene.url(), body).expect(422);
        assert!(answer.complaints().iter().any(|each| each == said), "{said}: {}", answer.body);
    }
    let sa = scene.world.person(scene.home, "Service administrator");
    let refused = sa.api_post(&scene.url(), scene.order("enable", json!({}))).expect(403);
    assert!(refused.says("This needs the permission users.disable."), "{}", refused.body);
    let page = ca.get(&format!("{}?q=ann", scene.url())).expect(200);
    assert!(page.says("Nobody was chosen."), "{}", page.body);
    let page = ca.get(&format!("{}?all=1&q=ann", scene.url())).expect(200);
    assert!(page.says("What is done to 3 users") && page.says("Show the preview"), "{}", page.body);
    let list = ca.get(&format!("/customers/{}/users?q=ann", scene.home)).expect(200);
    assert!(list.says("/users/bulk?all=1&amp;q=ann"), "{}", list.body);
}
