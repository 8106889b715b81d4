//! Properties that are counted: what all have of one together is limited like seats are.

use crate::assignments::{Scene, Scripted};
use crate::world::{Person, World};
use portico::db::Via;
use portico::ids::{CustomerId, UserId};
use portico::offers::recount;
use serde_json::{Value, json};

const GIB: i64 = 1 << 30;

/// A mailbox of 5 GiB in the workplace, counted.
fn mailbox(admin: &Person) {
    let body = json!({ "name": "quota", "label": "Mailbox size", "level": "user", "type": "size",
                       "least": "1 GiB", "default": "5 GiB", "meter": true });
    admin.api_post("/services/workplace/properties", body).expect(201);
}

fn reseller(world: &World, customer: CustomerId) -> i64 {
    world.count(&format!("SELECT parent_id FROM customers WHERE id = {customer}"))
}

/// What is used of mailboxes at a holder, in GiB, of all plans together.
fn used(world: &World, holder: i64) -> i64 {
    world.count(&format!(
        "SELECT coalesce(sum(used), 0) / {GIB} FROM usage
          WHERE holder_id = {holder} AND plan_id = 0 AND meter = 'sum:quota'"
    ))
}

/// Nothing is counted that is not there, and the other way round.
fn counters_hold(world: &World) {
    let wrong = recount::check(&world.app.db).unwrap();
    assert!(wrong.is_empty(), "{wrong:?}");
}

fn quota(text: &str) -> Value {
    json!({ "properties": { "quota": text } })
}

#[test]
fn p_19_a_size_over_the_sum_of_a_reseller_is_refused_before_any_step_and_of_two_one_passes() {
    let stage = Scripted::new();
    let (scene, admin) = (&stage.scene, stage.scene.admin());
    let world = &scene.world;
    mailbox(&admin);
    let (theo, ann) = (scene.user("theo"), scene.user("ann"));
    let held = [scene.workplace(&admin, theo), scene.workplace(&admin, ann)];
    stage.settled(&admin, theo, held[0]);
    let north = reseller(world, scene.customer);
    let offer = format!("/customers/{north}/offers/workplace");
    let limits = json!({ "limits": { "sum:quota": "16 GiB" } });
    let told = admin.api_patch(&offer, limits).expect(200).json();
    assert_eq!(told["limits"]["sum:quota"], json!({ "max": 16 * GIB, "used": 10 * GIB }));
    let page = admin.get(&offer).expect(200);
    assert!(page.says("value=\"16 GiB\"") && page.says("10 GiB in use"), "{}", page.body);

    // Over it: refused by page and API with one sentence, and nothing was begun.
    let place = |user: UserId, held: i64| format!("/users/{user}/services/{held}");
    let (his, hers) = (place(theo, held[0]), place(ann, held[1]));
    let before = (stage.told().len(), world.count("SELECT count(*) FROM requests"));
    let text =
        "Managed workplace at Brightwater Office has 6 GiB of Mailbox size left, 7 GiB are needed.";
    let refused = admin.api_patch(&his, quota("12 GiB")).expect(422).complaints();
    assert_eq!(refused, [format!("properties.quota {text}")]);
    let version = world
        .text(&format!("SELECT cast(version AS TEXT) FROM user_services WHERE id = {}", held[0]));
    let form = [("plan", "standard"), ("version", &version), ("properties.quota", "12 GiB")];
    let page = admin.post(&his, &form);
    let plan = admin.get(page.header("Location"));
    assert!(
        page.says("6 GiB of Mailbox size") || plan.says("6 GiB of Mailbox size"),
        "{}",
        page.body
    );
    assert_eq!((stage.told().len(), world.count("SELECT count(*) FROM requests")), before);
    assert_eq!((used(world, north), used(world, scene.customer.0)), (10, 10));

    // Up to it: the plan says what is taken.
    let plan = admin.api_patch(&format!("{his}?preview=true"), quota("11 GiB")).expect(200).json();
    let sum = &plan["seats"][0];
    assert_eq!(
        (&sum["meter"], &sum["before"], &sum["after"]),
        (&json!("sum:quota"), &json!(10 * GIB), &json!(16 * GIB))
    );
    let shown = admin.get(&format!("/previews/{}", plan["id"])).expect(200);
    assert!(shown.says("Mailbox size") && shown.says("16 GiB"), "{}", shown.body);
    assert_eq!(used(world, north), 10, "a plan takes nothing");

    // Two who want the rest at the same time.
    let answers: Vec<u16> = std::thread::scope(|threads| {
        let all: Vec<_> = [&his, &hers]
            .map(|url| {
                let admin = &admin;
                threads.spawn(move || admin.api_patch(url, quota("11 GiB")).status)
            })
            .into_iter()
            .collect();
        all.into_iter().map(|each| each.join().unwrap()).collect()
    });
    let passed = answers.iter().filter(|status| **status == 202).count();
    assert_eq!((passed, answers.iter().filter(|status| **status == 422).count()), (1, 1));
    stage.settled(&admin, theo, held[0]);
    assert_eq!((used(world, north), used(world, scene.customer.0)), (16, 16));

    // What fails keeps the larger of both, what is done frees the rest.
    let (user, big) = if answers[0] == 202 { (theo, held[0]) } else { (ann, held[1]) };
    let url = place(user, big);
    stage.break_it(true);
    let request = admin.api_patch(&url, quota("2 GiB")).expect(202).json()["request_id"].clone();
    stage.settled(&admin, user, big);
    assert_eq!(used(world, north), 16);
    stage.break_it(false);
    admin.api_post(&format!("/requests/{request}/retry"), Value::Null);
    stage.settled(&admin, user, big);
    assert_eq!(used(world, north), 7);
    counters_hold(world);

    // And what is removed frees all of its own.
    admin.api_delete(&url).expect(202);
    stage.settled(&admin, user, big);
    assert_eq!(used(world, north), 5);
    counters_hold(world);
    stage.engine.stop();
}

#[test]
fn what_is_counted_follows_plans_values_from_above_and_orders_for_many() {
    let scene = Scene::new();
    let (world, admin) = (&scene.world, scene.admin());
    mailbox(&admin);
    let north = reseller(world, scene.customer);
    let theo = scene.user("theo");
    let held = scene.workplace(&admin, theo);
    assert_eq!(used(world, north), 5);

    // Another plan with another size, counted with that plan too.
    admin.api_patch("/services/workplace/plans/plus", quota("20 GiB")).expect(200);
    let place = format!("/users/{theo}/services/{held}");
    admin.api_patch(&place, json!({ "plan": "plus" })).expect(202);
    let by_plan = || {
        world.texts(&format!(
            "SELECT plan_id || ' ' || (used / {GIB}) FROM usage
              WHERE holder_id = {north} AND meter = 'sum:quota' ORDER BY plan_id"
        ))
    };
    assert_eq!(by_plan(), ["0 20", "200 0", "201 20"]);
    admin.api_patch(&place, json!({ "plan": "standard" })).expect(202);
    assert_eq!(by_plan(), ["0 5", "200 5", "201 0"]);

    // A value from above counts for all who inherit it, as far as there is room.
    let ann = scene.user("ann");
    scene.workplace(&admin, ann);
    let offer = format!("/customers/{north}/offers/workplace");
    admin.api_patch(&offer, json!({ "limits": { "sum:quota": "14 GiB" } })).expect(200);
    admin.api_patch("/services/workplace/plans/standard", quota("8 GiB")).expect(200);
    world.let_runs_end();
    assert_eq!(used(world, north), 13);
    let refused = world.text("SELECT text FROM run_lines WHERE result = 'refused'");
    assert!(refused.contains("has 1 GiB of Mailbox size left, 3 GiB are needed"), "{refused}");
    counters_hold(world);

    // Many at once: room for all or nobody, or for as many as there is.
    admin.api_patch(&offer, json!({ "limits": { "sum:quota": "30 GiB" } })).expect(200);
    for n in 0..4 {
        scene.user(&format!("user{n}"));
    }
    let url = format!("/customers/{}/users/services", scene.customer);
    let mut order = json!({ "service": "workplace", "plan": "standard", "all": true });
    let refused = admin.api_post(&url, order.clone()).expect(422).complaints();
    assert_eq!(refused, ["on_limit Mailbox size is left for 2 of 4 users."]);
    order["on_limit"] = json!("fill");
    let run = admin.api_post(&url, order).expect(202).json()["run_id"].as_i64().unwrap();
    assert_eq!(used(world, north), 13 + 16, "taken when it is accepted");
    counters_hold(world);
    scene.run(run);
    assert_eq!(used(world, north), 13 + 16);
    counters_hold(world);
    let given = format!("SELECT count(*) FROM run_lines WHERE run_id = {run} AND result = 'given'");
    assert_eq!(world.count(&given), 2);

    // A counter that is wrong is put right.
    world.sql().execute("UPDATE usage SET used = used + 1 WHERE meter = 'sum:quota'", []).unwrap();
    assert!(!recount::check(&world.app.db).unwrap().is_empty());
    recount::repair(&world.app.db, Via::Shell).unwrap();
    assert_eq!(used(world, north), 13 + 16);
    counters_hold(world);

    // While it is held, what is counted stays so.
    let counted =
        admin.api_patch("/services/workplace/properties/quota", json!({ "meter": false }));
    assert_eq!(
        counted.expect(422).complaints(),
        ["meter cannot change while somebody has the service"]
    );
    let wrong = json!({ "name": "motto", "label": "Motto", "meter": true });
    let wrong = admin.api_post("/services/workplace/properties", wrong).expect(422).complaints();
    assert_eq!(wrong, ["meter is for integers and sizes that are set"]);
    let export = admin.api_get("/services/workplace/export?format=toml").expect(200);
    assert!(export.says("meter = true"), "{}", export.body);
}

#[test]
fn an_offer_gives_values_for_one_plan_and_limits_of_each_kind() {
    let scene = Scene::new();
    let (world, admin) = (&scene.world, scene.admin());
    mailbox(&admin);
    let north = reseller(world, scene.customer);
    let offer = format!("/customers/{north}/offers/workplace");
    let said = json!({
        "properties": { "quota": "6 GiB" },
        "plan_properties": { "plus": { "quota": "9 GiB" } },
        "limits": { "all": 40, "plus": 3, "sum:quota": "100 GiB", "plus/sum:quota": "27 GiB" },
        "locks": ["quota"],
    });
    let told = admin.api_patch(&offer, said).expect(200).json();
    assert_eq!(told["properties"], json!({ "quota": 6 * GIB }));
    assert_eq!(told["plan_properties"], json!({ "plus": { "quota": 9 * GIB } }));
    assert_eq!(told["locks"], json!(["quota"]));
    assert_eq!(told["limits"]["plus/sum:quota"], json!({ "max": 27 * GIB, "used": 0 }));
    // Those in the plan have its value.
    let (theo, ann) = (scene.user("theo"), scene.user("ann"));
    let held = scene.workplace(&admin, theo);
    admin
        .api_patch(&format!("/users/{theo}/services/{held}"), json!({ "plan": "plus" }))
        .expect(202);
    scene.workplace(&admin, ann);
    assert_eq!(used(world, north), 15);
    let explain = format!("/users/{theo}/services/{held}/properties/quota/explain");
    assert_eq!(admin.api_get(&explain).expect(200).json()["value"], json!(9 * GIB));

    // What is said wrong is told where it was said, and stores nothing.
    let wrong = |body: Value| admin.api_patch(&offer, body).expect(422).complaints();
    assert_eq!(
        wrong(json!({ "plan_properties": { "plus": { "quota": "much" } } })),
        ["plan_properties.plus.quota must be a size like 50 GiB"]
    );
    assert_eq!(
        wrong(json!({ "plan_properties": { "gold": { "quota": "9 GiB" } } })),
        ["plan_properties has gold, which is not a plan"]
    );
    assert_eq!(
        wrong(json!({ "limits": { "sum:motto": 3 } })),
        ["limits has sum:motto, which is not counted"]
    );
    assert_eq!(
        wrong(json!({ "limits": { "sum:quota": "-1" } })),
        ["limits must be sizes like 50 GiB, or empty"]
    );

    // The form shows both, and unticking the plan's own value lets it inherit the offer's.
    let page = admin.get(&offer).expect(200);
    for text in ["Given along for Plus only", "value=\"9 GiB\"", "value=\"27 GiB\"", "9 GiB in use"]
    {
        assert!(page.says(text), "{text}: {}", page.body);
    }
    let both = ["properties.quota", "plan_properties.plus.quota"];
    let fields = [
        ("plans", "standard"),
        ("plans", "plus"),
        ("locks", "quota"),
        ("limits.all", "40"),
        ("stored", both[0]),
        ("own", both[0]),
        (both[0], "6 GiB"),
        ("stored", both[1]),
        (both[1], "9 GiB"),
    ];
    admin.post(&offer, &fields).location();
    let told = admin.api_get(&format!("/customers/{north}/offers")).expect(200).json();
    assert_eq!(told["items"][0]["plan_properties"], json!({}));
    assert_eq!(admin.api_get(&explain).expect(200).json()["value"], json!(6 * GIB));

    // A reseller reads nothing of what only the provider sees.
    let hidden = json!({ "name": "reserve", "label": "Reserve", "type": "integer", "default": "1",
                         "visible_to": "provider", "writable_by": "provider" });
    admin.api_post("/services/workplace/properties", hidden).expect(201);
    admin.api_patch(&offer, json!({ "properties": { "reserve": 4 } })).expect(200);
    let theirs = world.person(CustomerId(north), "Reseller administrator");
    let listed = theirs.api_get(&format!("/customers/{north}/offers")).expect(200);
    assert!(!listed.says("reserve"), "{}", listed.body);
    theirs.api_patch(&offer, json!({ "limits": { "all": null } })).expect(404);
}

#[test]
fn a_customer_is_limited_by_those_above_it_and_sees_what_is_left() {
    let scene = Scene::new();
    let (world, admin) = (&scene.world, scene.admin());
    mailbox(&admin);
    let customer = scene.customer;
    let services = format!("/customers/{customer}/services");
    let given = json!({ "service": "workplace", "limits": { "all": 2, "sum:quota": "12 GiB" } });
    let plan =
        admin.api_post(&format!("{services}?preview=true"), given.clone()).expect(200).json();
    let limited: Vec<&Value> =
        plan["diffs"].as_array().unwrap().iter().map(|d| &d["field"]).collect();
    assert!(limited.contains(&&json!("Limit: Mailbox size")), "{limited:?}");
    let below = admin.api_post(&services, given).expect(202).id();
    let (theo, ann, una) = (scene.user("theo"), scene.user("ann"), scene.user("una"));
    for user in [theo, ann] {
        scene.workplace(&admin, user);
    }
    let order = json!({ "service": "workplace", "plan": "standard" });
    let refused = admin.api_post(&format!("/users/{una}/services"), order).expect(422).complaints();
    assert!(
        refused.contains(
            &"plan Managed workplace at Aldermoor Dental has no seat left (2 of 2).".to_owned()
        ),
        "{refused:?}"
    );
    // Forms say what is left before anything is ordered.
    let page = admin.get(&format!("/users/{una}/services/new")).expect(200);
    assert!(page.says("Managed workplace, Standard (0 left)"), "{}", page.body);
    let held = world.count("SELECT min(id) FROM user_services");
    let page = admin.get(&format!("/users/{theo}/services/{held}/edit")).expect(200);
    assert!(page.says("Left: 0 seats, 2 GiB of Mailbox size."), "{}", page.body);

    // Whoever stands above changes it, by page too; the customer itself does not.
    let place = format!("{services}/{below}");
    let own = world.person(customer, "Customer administrator");
    let refused =
        own.api_patch(&place, json!({ "limits": { "all": 50 } })).expect(422).complaints();
    assert_eq!(refused, ["limits may be changed by a reseller or above only"]);
    assert!(!own.get(&format!("{place}/edit")).expect(200).says("limits.all"));
    assert!(admin.get(&format!("{place}/edit")).expect(200).says("value=\"12 GiB\""));
    let lower =
        admin.api_patch(&format!("{place}?preview=true"), json!({ "limits": { "all": 1 } }));
    assert_eq!(
        lower.expect(200).json()["warnings"][0],
        "2 of 1 are in use. Nothing is taken away; nothing is added."
    );
    let boss = world.person(CustomerId(reseller(world, customer)), "Reseller administrator");
    boss.api_patch(&place, json!({ "limits": { "all": null } })).expect(202);
    boss.api_post(
        &format!("/users/{una}/services"),
        json!({ "service": "workplace", "plan": "standard", "properties": { "quota": "2 GiB" } }),
    )
    .expect(202);
    // Another branch has no say.
    let other = world.reseller("Ferrow");
    let stranger = world.person(other, "Reseller administrator");
    stranger.api_patch(&place, json!({ "limits": { "all": 1 } })).expect(404);
    counters_hold(world);
}
