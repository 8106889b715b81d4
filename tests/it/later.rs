//! Services that go on a later day, orders that are sent twice, and orders for many.

use crate::assignments::Scene;
use crate::live::Live;
use crate::world::{PROVIDER, World};
use portico::ids::UserId;
use portico::time::Clock;
use serde_json::{Value, json};

#[test]
fn p_32_a_dated_removal_bills_till_then_can_be_withdrawn_and_outlives_a_restart() {
    let mut scene = Scene::new();
    let (theo, ann) = (scene.user("theo"), scene.user("ann"));
    let (held, kept, boss) = {
        let admin = scene.admin();
        (scene.workplace(&admin, theo), scene.workplace(&admin, ann), admin.id)
    };
    let place = |user: UserId, held: i64| format!("/users/{user}/services/{held}");
    let days = |n: i64| scene.world.now().plus_days(n).to_string()[..10].to_owned();
    let (soon, late) = (days(3), days(9));
    {
        let admin = scene.world.sign_in(boss);
        let delete = |url: &str, body: Value| admin.api("DELETE", url, body);
        for (wrong, why) in
            [("soon", "is not a day like 2026-03-31"), ("2020-01-01", "must be later than now")]
        {
            let refused = delete(&place(theo, held), json!({ "not_before": wrong })).expect(422);
            assert_eq!(refused.complaints(), [format!("not_before {why}")]);
        }
        let run = delete(&place(theo, held), json!({ "not_before": soon })).expect(202).json();
        assert_eq!(run["id"], held);
        // It lives on, and says until when, by API and page.
        let state = scene.state(&admin, theo, held);
        assert_eq!(
            (&state["state"], &state["removal"]["run_id"]),
            (&json!("active"), &run["run_id"])
        );
        assert!(admin.get(&format!("/users/{theo}/services")).says("Goes on "));
        let again =
            delete(&place(theo, held), json!({ "not_before": late })).expect(422).complaints();
        assert!(again[0].contains("is to be removed on"), "{again:?}");
        assert_eq!((scene.ledger(held), scene.seats()), (vec!["added standard".to_owned()], 2));

        // From the page: the plan to remove offers another day; its plan says what holds till then.
        let plan = admin.post(&format!("{}/remove", place(ann, kept)), &[]).location().to_owned();
        let page = admin.get(&plan).expect(200);
        assert!(page.says("On another day") && page.says("name=\"not_before\""), "{}", page.body);
        let dated = admin.post(&format!("{}/remove", place(ann, kept)), &[("not_before", &late)]);
        let dated = dated.location().to_owned();
        let shown = admin.get(&dated).expect(200);
        assert!(
            shown.says("and is billed, until") && !shown.says("On another day"),
            "{}",
            shown.body
        );
        let digest = admin.api_get(&dated).json()["digest"].as_str().unwrap().to_owned();
        let to =
            admin.post(&format!("{dated}/apply"), &[("digest", &digest)]).location().to_owned();
        assert!(to.starts_with("/runs/"), "{to}");
        // Withdrawn: it stays for good.
        admin.post(&format!("{to}/cancel"), &[]).location();
        assert_eq!(scene.state(&admin, ann, kept)["removal"], Value::Null);
        // Nobody of another branch sees or stops it.
        let other = scene.world.reseller("Ferrow");
        let stranger = scene.world.person(other, "Reseller administrator");
        assert_eq!(
            stranger.api_post(&format!("/runs/{}/cancel", run["run_id"]), Value::Null).status,
            404
        );
    }
    // The day before nothing happens; a restart forgets nothing.
    scene.world.later(2 * 24 * 3600);
    scene.world.let_runs_end();
    assert_eq!(scene.ledger(held), ["added standard"]);
    scene.world.restart();
    scene.world.later(24 * 3600);
    scene.world.let_runs_end();
    assert_eq!(scene.ledger(held), ["added standard", "removed standard"]);
    let removed = scene.world.text(&format!(
        "SELECT day FROM ledger WHERE kind = 'user_service' AND subject_id = {held} AND action = 'removed'"
    ));
    assert_eq!(removed, soon);
    assert_eq!(scene.seats(), 1);
    scene.world.later(10 * 24 * 3600);
    scene.world.let_runs_end();
    assert_eq!(scene.ledger(kept), ["added standard"]);
}

#[test]
fn p_33_one_key_is_one_order_across_a_kill_too() {
    let scene = Scene::new();
    scene.world.clock.set(Clock::default().now());
    let admin = scene.admin();
    let services = format!("/customers/{}/services", scene.customer);
    admin.api_post(&services, json!({ "service": "workplace" })).expect(202);
    let order = json!({ "service": "workplace", "plan": "standard" });
    let rows = |user: UserId| {
        let held = format!("SELECT count(*) FROM user_services WHERE user_id = {user}");
        let asked = format!("SELECT count(*) FROM requests WHERE user_id = {user}");
        (scene.world.count(&held), scene.world.count(&asked))
    };
    // In the program: the same answer, one row, one request.
    let first = scene.user("first");
    let give = |key: &str| {
        let url = format!("/users/{first}/services");
        let answer = admin.api_with("POST", &url, order.clone(), &[("Idempotency-Key", key)]);
        (answer.status, answer.body)
    };
    let told = give("once");
    assert_eq!((told.0, give("once")), (202, told));
    assert_eq!(rows(first), (1, 1));
    assert_eq!(give("other").0, 422);
    // Killed after it answered, and killed while it may be at it.
    for n in 0..6 {
        let user = scene.user(&format!("user{n}"));
        let url = format!("/api/v1/users/{user}/services");
        let key = format!("key-{n}");
        let headers = [("Idempotency-Key", key.as_str())];
        let mut live = Live::of(&scene.world);
        let ask = |live: &Live| live.ask("POST", &url, admin.token(), Some(&order), &headers);
        let before = if n % 2 == 0 {
            let heard = ask(&live).expect("no answer");
            live.kill();
            Some(heard.expect(202).json())
        } else {
            let heard = std::thread::scope(|threads| {
                let asked = threads.spawn(|| ask(&live));
                std::thread::sleep(std::time::Duration::from_millis(n * 7));
                live.strike();
                asked.join().unwrap()
            });
            heard.filter(|heard| heard.status == 202).map(|heard| heard.json())
        };
        live = Live::of(&scene.world);
        let after = ask(&live).expect("no answer").expect(202).json();
        if let Some(before) = before {
            assert_eq!(before, after, "round {n}");
        }
        assert_eq!(ask(&live).expect("no answer").expect(202).json(), after);
        assert_eq!(rows(user), (1, 1), "round {n}");
        assert!(live.stop().success());
    }
}

#[test]
fn p_29_of_five_hundred_twelve_are_refused_listed_and_taken_along() {
    let scene = Scene::new();
    let (world, admin) = (&scene.world, scene.admin());
    scene.workplace(&admin, scene.user("first"));
    let users = world.users(scene.customer, "many", 500);
    for user in &users[..12] {
        let gone = "UPDATE users SET state = 'deprovisioned' WHERE id = ?1";
        world.sql().execute(gone, [user]).unwrap();
    }
    let url = format!("/customers/{}/users/services", scene.customer);
    let order = |on_limit: &str| json!({ "service": "workplace", "plan": "standard", "ids": users, "on_limit": on_limit });
    // Ten seats short: nobody.
    let limit = |max: i64| {
        let set =
            "UPDATE usage SET max = ?1 WHERE holder_id = ?2 AND meter = 'seats' AND plan_id = 0";
        world.sql().execute(set, (max, scene.customer)).unwrap();
    };
    limit(1 + 488 - 10);
    let refused = admin.api_post(&url, order("refuse")).expect(422).complaints();
    assert_eq!(refused, ["on_limit 488 seats are needed, 478 are left."]);
    assert_eq!(
        (scene.seats(), world.count("SELECT count(*) FROM runs WHERE kind = 'user_services.give'")),
        (1, 0)
    );
    // Enough: the twelve are named beforehand and afterwards.
    limit(1_000);
    let plan = admin.api_post(&format!("{url}?preview=true"), order("refuse")).expect(200).json();
    assert_eq!((&plan["users"]["gets"], &plan["users"]["refused"]), (&json!(488), &json!(12)));
    let run = admin.api_post(&url, order("refuse")).expect(202).json()["run_id"].as_i64().unwrap();
    assert_eq!(world.finish(run), "done");
    let requests = format!("SELECT count(*) FROM requests WHERE run_id = {run}");
    assert_eq!((world.count(&requests), scene.seats()), (488, 489));
    let lines =
        admin.api_get(&format!("/runs/{run}/lines?result=refused&limit=100")).expect(200).json();
    assert_eq!(lines["items"].as_array().unwrap().len(), 12);
    for body in [
        admin.api_get(&format!("/runs/{run}/results?result=refused")).expect(200).body,
        admin.get(&format!("/runs/{run}/results?result=refused")).expect(200).body,
    ] {
        let refused: Vec<&str> =
            body.lines().filter(|line| line.contains("is deprovisioned")).collect();
        assert_eq!(refused.len(), 12, "{body}");
    }
    // Whoever does not look after the customer sees nothing of it.
    let other = world.reseller("Ferrow");
    let stranger = world.person(other, "Reseller administrator");
    stranger.api_get(&format!("/runs/{run}/results")).expect(404);
    assert_eq!(
        World::count(world, &format!("SELECT count(*) FROM customers WHERE id = {}", PROVIDER.0)),
        1
    );
}
