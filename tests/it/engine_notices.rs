//! Who is told what became of work, and what is planned again.

use crate::assignments::Scripted;
use crate::world::{PROVIDER, World};
use serde_json::{Value, json};

#[test]
fn what_fails_is_told_once_to_those_nearest_and_planned_again_with_todays_rules() {
    let stage = Scripted::new();
    let (scene, admin) = (&stage.scene, stage.scene.admin());
    let world = &scene.world;
    let near = world.person(scene.customer, "Customer administrator");
    let mail = world.text(&format!("SELECT mail FROM users WHERE id = {}", near.id));
    let theo = scene.user("theo");
    stage.break_it(true);
    let held = scene.workplace(&admin, theo);
    stage.settled(&admin, theo, held);
    let told = || {
        world.text("SELECT coalesce(group_concat(to_address), '') FROM messages WHERE event = 'request.failed'")
    };
    assert_eq!(told(), mail);
    let request = world.count("SELECT last_request_id FROM user_services");
    admin.api_post(&format!("/requests/{request}/retry"), Value::Null).expect(202);
    stage.settled(&admin, theo, held);
    assert_eq!(told(), mail, "once, however often it is tried");

    stage.break_it(false);
    let page = admin.get(&format!("/requests/{request}")).expect(200);
    assert!(page.says("Plan again"), "{}", page.body);
    let plan =
        admin.api_post(&format!("/requests/{request}/replan"), Value::Null).expect(200).json();
    assert_eq!(plan["steps"].as_array().map(Vec::len), Some(2), "{plan}");
    let at = admin.post(&format!("/requests/{request}/replan"), &[]);
    assert!(at.location().starts_with("/previews/"));
    admin.api_post(&format!("/previews/{}/apply", plan["id"]), json!({})).expect(202);
    assert_eq!(stage.settled(&admin, theo, held).0, "active");
    let far = world.customer(PROVIDER, "Farfield");
    let stranger = world.person(far, "Customer administrator");
    stranger.api_post(&format!("/requests/{request}/replan"), Value::Null).expect(404);
    let done = world.count("SELECT max(id) FROM requests");
    admin.api_post(&format!("/requests/{done}/replan"), Value::Null).expect(409);
    stage.engine.stop();
}

#[test]
fn waiting_work_and_freezes_to_come_are_told_once() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let home = world.customer(PROVIDER, "Aldermoor");
    world
        .sql()
        .execute(
            "INSERT INTO requests (customer_id, event, title, queue, class, source, created_at, deadline_at, next_at)
             VALUES (?1, 'customer.provision', 'Provision', 'interactive', 'interactive', 'page', ?2, '9999', ?2)",
            (home, world.now()),
        )
        .unwrap();
    let (from, until) = (world.now().plus_seconds(30 * 3600), world.now().plus_seconds(40 * 3600));
    let freeze = json!({ "name": "Quiet", "from": from.to_string(), "until": until.to_string() });
    admin.api_post("/freezes", freeze).expect(201);
    let mails = |event: &str| {
        world.count(&format!("SELECT count(*) FROM messages WHERE event = '{event}'"))
    };
    assert_eq!(world.job("engine.watch"), "done");
    assert_eq!((mails("engine.slow"), mails("freeze.begins")), (0, 0));
    world.later(7 * 3600);
    world.job("engine.watch");
    world.job("engine.watch");
    assert_eq!((mails("engine.slow"), mails("freeze.begins")), (1, 1));
}
