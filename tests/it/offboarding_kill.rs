//! A leaving over a kill, and how long what somebody was is remembered.

use crate::live::Live;
use crate::offboarding::scene;
use portico::time::Clock;
use serde_json::json;
use std::time::Duration;

#[test]
fn killed_in_the_middle_it_goes_on_and_every_step_is_done_once() {
    let scene = scene();
    scene.world.clock.set(Clock::default().now());
    let (world, admin) = (&scene.world, scene.admin());
    let users = format!("/customers/{}/users", scene.home);
    let boss = world.user(scene.home, "Maren Vane", "maren");
    let leavers: Vec<i64> = (0..40)
        .map(|n| {
            let new =
                json!({ "first_name": format!("Leaver {n}"), "services": ["workplace/standard"] });
            let id = admin.api_post(&users, new).expect(201).id();
            let body = json!({
                "services": [scene.service(id)], "hand_to": boss, "leave_groups": true,
                "deprovision_after": 0, "delete_after": 0,
            });
            admin.api_post(&format!("/users/{id}/offboard"), body).expect(202);
            id
        })
        .collect();
    const STEPS: usize = 8;
    let done = || world.count("SELECT count(*) FROM offboarding_steps WHERE state <> 'planned'");
    let all = i64::try_from(leavers.len() * STEPS).unwrap();
    let mut killed_between = 0;
    let end = std::time::Instant::now() + Duration::from_secs(120);
    // Each time a few steps after it began, some of them within one offboarding.
    while done() < all {
        let (live, before) = (Live::of(world), done());
        while done() < (before + 37).min(all) {
            assert!(std::time::Instant::now() < end, "{} of {all} steps", done());
            std::thread::sleep(Duration::from_millis(3));
        }
        live.kill();
        killed_between += i64::from(done() < all);
        // One that was left in the middle of its steps.
        let begun = world.count("SELECT count(*) FROM offboardings WHERE state = 'begun'");
        assert!(begun <= 8, "{begun}");
    }
    assert!(killed_between >= 3, "killed {killed_between} times");
    // What was stopped after its last step still has to say that it is over.
    let live = Live::of(world);
    let over = "SELECT count(*) FROM offboardings WHERE state = 'over'";
    while world.count(over) < 40 {
        assert!(std::time::Instant::now() < end, "{} are over", world.count(over));
        std::thread::sleep(Duration::from_millis(20));
    }
    live.kill();
    let failed = "SELECT count(*) FROM offboarding_steps WHERE state NOT IN ('done', 'by_hand')";
    assert_eq!(world.count(failed), 0);
    for id in leavers {
        assert_eq!(scene.state(id), "deleted");
        for action in ["user.disabled", "user.deprovisioned", "user.deleted", "user.offboarded"] {
            let said = format!(
                "SELECT count(*) FROM audit_log
                  WHERE action = '{action}' AND subject_kind = 'user' AND subject_id = {id}"
            );
            assert_eq!(world.count(&said), 1, "{action} of {id}");
        }
        let memory =
            format!("SELECT group_concat(snapshot) FROM user_memories WHERE user_id = {id}");
        assert_eq!(world.text(&memory).matches("\"state\":\"active\"").count(), 1, "{id}");
        let spans = format!(
            "SELECT count(*) FROM ledger WHERE action = 'removed' AND user_id = {id} AND kind = 'user_service'"
        );
        assert_eq!(world.count(&spans), 1, "{id}");
    }
    // And a day later all of it is proven, in one chain.
    scene.world.clock.set(Clock::default().now().plus_days(2));
    scene.world.let_runs_end();
    let world = &scene.world;
    assert_eq!(world.count("SELECT count(*) FROM offboardings WHERE state = 'sealed'"), 40);
    assert_eq!(world.count("SELECT max(sealed_no) FROM offboardings"), 40);
    let chain = "SELECT count(*) FROM offboardings one JOIN offboardings two
                     ON two.sealed_no = one.sealed_no + 1 AND two.previous = one.hash";
    assert_eq!(world.count(chain), 39);
}

#[test]
fn what_a_user_was_is_forgotten_after_the_months_that_the_customer_has_chosen() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let far = world.customer(scene.reseller, "Ferrow");
    let ask = format!("/customers/{far}/settings");
    let wrong = admin.api_patch(&ask, json!({ "memory_months": "0" })).expect(422);
    assert_eq!(wrong.complaints(), ["memory_months must be a whole number from 1 to 120"]);
    admin.api_patch(&ask, json!({ "memory_months": "6" })).expect(200);
    for home in [scene.home, far] {
        let id = world.user(home, "Theo", "theo");
        admin.api_post(&format!("/users/{id}/deprovision"), json!({})).expect(202);
    }
    let left = || {
        world.texts("SELECT customers.name FROM user_memories JOIN customers ON customers.id = customer_id ORDER BY 1")
    };
    for (days, names) in [
        (181, vec!["Aldermoor", "Ferrow"]),
        (2, vec!["Aldermoor"]),
        (546, vec!["Aldermoor"]),
        (2, vec![]),
    ] {
        world.later(days * 86_400);
        assert_eq!(world.job("users.forget"), "done");
        assert_eq!(left(), names, "{days}");
    }
}
