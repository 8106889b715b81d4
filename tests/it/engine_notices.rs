//! Who is told what became of work, and what is planned again.

use crate::assignments::{Scene, Scripted};
use crate::world::{PROVIDER, World};
use portico::ids::CustomerId;
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

/// Mails of an event, as who gets them and what about.
fn mails(world: &World, event: &str) -> Vec<String> {
    world.texts(&format!(
        "SELECT to_address || ': ' || subject FROM messages WHERE event = '{event}' ORDER BY id"
    ))
}

#[test]
fn who_wants_to_know_is_told_that_a_service_is_ready_or_has_ended() {
    let stage = Scripted::new();
    let (scene, admin) = (&stage.scene, stage.scene.admin());
    let world = &scene.world;
    let services = format!("/customers/{}/services", scene.customer);
    let contact =
        world.text(&format!("SELECT contact_email FROM customers WHERE id = {}", scene.customer));
    // The customer's contact hears of what the customer has.
    let files = admin.api_post(&services, json!({ "service": "files" })).expect(202).id();
    assert_eq!(
        mails(world, "customer_service.live"),
        [format!("{contact}: Shared files is ready")]
    );
    admin.api_delete(&format!("{services}/{files}")).expect(202);
    assert_eq!(
        mails(world, "customer_service.removed"),
        [format!("{contact}: Shared files has ended")]
    );
    // Users hear of theirs where their customer wants that, once each is really there.
    let (theo, ann) = (scene.user("theo"), scene.user("ann"));
    let held = scene.workplace(&admin, theo);
    stage.settled(&admin, theo, held);
    assert_eq!(mails(world, "user_service.live"), [""; 0]);
    let reseller =
        world.count(&format!("SELECT parent_id FROM customers WHERE id = {}", scene.customer));
    let set = |at: i64, body: Value| {
        admin.api_patch(&format!("/customers/{at}/settings"), body).expect(200);
    };
    set(reseller, json!({ "service_mails_to_users": "yes", "service_mails_to_contact": "no" }));
    stage.break_it(true);
    let held = scene.workplace(&admin, ann);
    assert_eq!(stage.settled(&admin, ann, held).0, "failed");
    assert_eq!(mails(world, "user_service.live"), [""; 0], "it failed");
    stage.break_it(false);
    let request =
        world.count(&format!("SELECT last_request_id FROM user_services WHERE id = {held}"));
    admin.api_post(&format!("/requests/{request}/retry"), Value::Null).expect(202);
    assert_eq!(stage.settled(&admin, ann, held).0, "active");
    let address = world.text(&format!("SELECT mail FROM users WHERE id = {ann}"));
    assert_eq!(
        mails(world, "user_service.live"),
        [format!("{address}: Managed workplace is ready for you")]
    );
    // Once: a change or a suspension makes it no more ready than it was.
    let at = format!("/users/{ann}/services/{held}");
    admin.api_patch(&at, json!({ "plan": "plus" })).expect(202);
    stage.settled(&admin, ann, held);
    admin.api_post(&format!("{at}/suspend"), Value::Null).expect(202);
    stage.settled(&admin, ann, held);
    admin.api_post(&format!("{at}/resume"), Value::Null).expect(202);
    stage.settled(&admin, ann, held);
    assert_eq!(mails(world, "user_service.live").len(), 1);
    // The reseller has switched the contact's off for all below it; another branch has its own mind.
    let before = mails(world, "customer_service.live").len();
    admin.api_post(&services, json!({ "service": "files" })).expect(202);
    assert_eq!(mails(world, "customer_service.live").len(), before);
    set(scene.customer.0, json!({ "service_mails_to_users": "no" }));
    let bea = scene.user("bea");
    let held = scene.workplace(&admin, bea);
    stage.settled(&admin, bea, held);
    assert_eq!(mails(world, "user_service.live").len(), 1);
    stage.engine.stop();
}

#[test]
fn whoever_set_a_limit_is_told_when_it_is_nearly_and_wholly_used() {
    let scene = Scene::new();
    let world = &scene.world;
    let admin = scene.admin();
    let reseller = CustomerId(
        world.count(&format!("SELECT parent_id FROM customers WHERE id = {}", scene.customer)),
    );
    let setter = world.person(PROVIDER, "Provider administrator");
    let upn =
        |id: portico::ids::UserId| world.text(&format!("SELECT mail FROM users WHERE id = {id}"));
    scene.workplace(&admin, scene.user("first"));
    let offer = format!("/customers/{reseller}/offers/workplace");
    setter.api_patch(&offer, json!({ "limits": { "all": 10 } })).expect(200);
    let give = |n: usize| {
        let user = scene.user(&format!("u{n}"));
        scene.workplace(&admin, user)
    };
    for n in 2..9 {
        give(n);
    }
    assert_eq!(mails(world, "limit.near"), [""; 0], "eight of ten");
    let ninth = give(9);
    let mail = upn(setter.id);
    assert_eq!(
        mails(world, "limit.near"),
        [format!("{mail}: Managed workplace at Brightwater Office is nearly used up")]
    );
    let text = world.text("SELECT text FROM messages WHERE event = 'limit.near'");
    assert!(text.contains("has 9 of 10 seats. Left: 1 seat."), "{text}");
    let last = give(10);
    assert_eq!(
        mails(world, "limit.full"),
        [format!("{mail}: Managed workplace at Brightwater Office is used up")]
    );
    // One that comes and goes at the edge is no news.
    let user = world.count(&format!("SELECT user_id FROM user_services WHERE id = {last}"));
    admin.api_delete(&format!("/users/{user}/services/{last}")).expect(202);
    give(11);
    assert_eq!((mails(world, "limit.near").len(), mails(world, "limit.full").len()), (1, 1));
    // With room again, or another limit, it is.
    for id in [
        ninth,
        world.count("SELECT max(id) FROM user_services WHERE live <> 'gone'"),
        world.count("SELECT min(id) FROM user_services WHERE live <> 'gone'"),
    ] {
        let user = world.count(&format!("SELECT user_id FROM user_services WHERE id = {id}"));
        admin.api_delete(&format!("/users/{user}/services/{id}")).expect(202);
    }
    for n in 12..15 {
        give(n);
    }
    assert_eq!((mails(world, "limit.near").len(), mails(world, "limit.full").len()), (2, 2));
    // Whoever set it and is there no more: those who may offer there. And nobody where it is unwanted.
    world.sql().execute("UPDATE users SET state = 'disabled' WHERE id = ?1", [setter.id]).unwrap();
    admin.api_patch(&offer, json!({ "limits": { "all": 11 } })).expect(200);
    world.sql().execute("UPDATE usage SET set_by = ?1", [setter.id]).unwrap();
    give(16);
    let told = mails(world, "limit.full");
    assert!(told.len() > 2 && !told[2].starts_with(&mail), "{told:?}");
    let far = world.reseller("Elsewhere");
    let theirs = world.person(far, "Reseller administrator");
    assert!(told.iter().all(|each| !each.starts_with(&upn(theirs.id))));
    admin
        .api_patch(&format!("/customers/{reseller}/settings"), json!({ "limit_mails": "no" }))
        .expect(200);
    admin.api_patch(&offer, json!({ "limits": { "all": 12 } })).expect(200);
    give(17);
    assert_eq!(mails(world, "limit.full").len(), told.len());
}
