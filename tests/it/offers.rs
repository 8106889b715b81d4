//! Offers: who may sell what, how much of it, and why not.

use crate::world::{Answer, PROVIDER, Person, World};
use portico::catalogue;
use portico::db::{By, Via};
use portico::ids::CustomerId;
use portico::offers::{self, Meter, Tally};
use serde_json::{Value, json};

const SHELL: By = By { user: None, via: Via::Shell, acting_for: None };

/// Managed workplace (per user: Standard, Plus) and Shared files (per customer), on sale.
fn catalogue_of(world: &World) -> Person<'_> {
    let admin = world.person(PROVIDER, "Provider administrator");
    for (code, name, kind) in
        [("workplace", "Managed workplace", "user"), ("files", "Shared files", "customer")]
    {
        let body = json!({ "code": code, "name": name, "kind": kind, "tracking_only": true });
        admin.api_post("/services", body).expect(201);
    }
    for (service, code, name, price) in [
        ("workplace", "STD", "Standard", "18.00"),
        ("workplace", "PLUS", "Plus", "27.50"),
        ("files", "STD", "Standard files", "49.00"),
    ] {
        let body = json!({ "code": code, "name": name, "price": price });
        admin.api_post(&format!("/services/{service}/plans"), body).expect(201);
    }
    for service in ["workplace", "files"] {
        admin.api_post(&format!("/services/{service}/activate"), json!({})).expect(200);
    }
    admin
}

fn sub_reseller(world: &World, parent: CustomerId, name: &str) -> CustomerId {
    let id = world.customer(parent, name);
    world.sql().execute("UPDATE customers SET reseller = 1 WHERE id = ?1", [id]).unwrap();
    id
}

fn offer(who: &Person, reseller: CustomerId, body: Value) -> Answer {
    who.api_post(&format!("/customers/{reseller}/offers"), body)
}

fn sellable(world: &World, customer: CustomerId) -> Vec<String> {
    world
        .app
        .db
        .read(|db| {
            let all = offers::sellable(db, customer)?;
            let line = |each: &offers::Sellable| {
                let plans: Vec<&str> = each.plans.iter().map(|plan| plan.code.as_str()).collect();
                format!("{} {}", each.service.code, plans.join(" "))
            };
            Ok(all.iter().filter(|each| !each.service.builtin).map(line).collect())
        })
        .unwrap()
}

/// The sentences that say no.
fn noes(answer: &Answer) -> Vec<String> {
    let json = answer.json();
    let checks = json["checks"].as_array().unwrap().iter();
    checks.filter(|c| c["ok"] == false).map(|c| c["text"].as_str().unwrap().to_owned()).collect()
}

/// As though it were given: the customer has the service, its users may have the plan.
fn hold(world: &World, customer: CustomerId, service: &str, plan: &str) {
    let sql = world.sql();
    let id: i64 = sql
        .query_row(
            "INSERT INTO customer_services (customer_id, service_id, live, created_at)
             SELECT ?1, id, 'on', ?3 FROM services WHERE code = ?2 RETURNING id",
            (customer, service, world.now()),
            |row| row.get(0),
        )
        .unwrap();
    sql.execute(
        "INSERT INTO customer_service_plans (customer_service_id, plan_id)
         SELECT ?1, plans.id FROM plans JOIN services ON services.id = service_id
          WHERE services.code = ?2 AND plans.code = ?3",
        (id, service, plan),
    )
    .unwrap();
}

#[test]
fn the_main_jobs_services_reach_the_customers_of_a_reseller() {
    let world = World::new();
    let admin = catalogue_of(&world);
    let north = world.reseller("Northwind");
    let customer = world.customer(north, "Aldermoor");
    world.app.db.write(SHELL, |tx| portico::prices::start_reselling(tx, north, 1_000)).unwrap();
    assert_eq!(sellable(&world, customer), [""; 0]);
    // In the browser: choose the service, then its plans.
    let base = format!("/customers/{north}/offers");
    let choose = admin.get(&format!("{base}/new")).expect(200);
    assert!(choose.says("Managed workplace") && choose.says("Shared files"));
    assert!(admin.get(&format!("{base}/new?service=workplace")).expect(200).says("Standard"));
    let fields =
        [("service", "workplace"), ("plans", "STD"), ("plans", "PLUS"), ("limits.all", "200")];
    admin.post(&base, &fields).location();
    admin.post(&base, &[("service", "files"), ("plans", "STD"), ("limits.all", "")]).location();
    assert_eq!(sellable(&world, customer), ["workplace STD PLUS", "files STD"]);
    let page = admin.get(&base).expect(200);
    assert!(
        page.says("Managed workplace") && page.says("of 200") && page.says("Open"),
        "{}",
        page.body
    );
    assert!(admin.get(&format!("{base}/workplace")).expect(200).says("value=\"200\""));
    // What the customer pays: the provider's price and the reseller's mark-up.
    let prices = world.person(customer, "Customer administrator");
    let items =
        prices.api_get(&format!("/customers/{customer}/effective-prices?on=2026-03-15")).json();
    let line = |item: &Value| {
        format!(
            "{} {} {}",
            item["service"].as_str().unwrap(),
            item["plan"].as_str().unwrap(),
            item["price"].as_str().unwrap()
        )
    };
    let lines: Vec<String> = items["items"].as_array().unwrap().iter().map(line).collect();
    assert_eq!(lines, ["workplace STD 19.80", "workplace PLUS 30.25", "files STD 53.90"]);
}

#[test]
fn nobody_offers_wider_than_he_got() {
    let world = World::new();
    let admin = catalogue_of(&world);
    let north = world.reseller("Northwind");
    let sub = sub_reseller(&world, north, "Lowmoor");
    let plain = world.customer(north, "Aldermoor");
    let reseller = world.person(north, "Reseller administrator");
    assert_eq!(
        offer(&reseller, sub, json!({ "service": "workplace", "plans": ["STD"] }))
            .expect(422)
            .complaints(),
        ["service Managed workplace is not offered to Northwind."]
    );
    offer(&admin, north, json!({ "service": "workplace", "plans": ["STD"] })).expect(201);
    assert_eq!(
        offer(&reseller, sub, json!({ "service": "workplace", "plans": ["STD", "PLUS"] }))
            .expect(422)
            .complaints(),
        ["plans has PLUS, which you are not offered"]
    );
    let bad = json!({ "service": "workplace", "plans": ["STD"], "limits": { "all": -1, "GOLD": 3 }, "colour": "red" });
    assert_eq!(
        offer(&reseller, sub, bad).expect(422).complaints(),
        [
            "colour is not a field here",
            "limits has GOLD, which is not a plan",
            "limits must be whole numbers from 0, or empty",
        ]
    );
    offer(&reseller, sub, json!({ "service": "workplace", "plans": ["std"] })).expect(201);
    for (body, complaint) in [
        (
            json!({ "service": "workplace", "plans": ["STD"] }),
            "service Managed workplace is offered to Lowmoor already.",
        ),
        (json!({ "plans": [] }), "service is required"),
        (json!({ "service": "reseller" }), "service is not one of the choices"),
        (json!({ "service": "nothing" }), "service is not one of the choices"),
    ] {
        assert_eq!(offer(&reseller, sub, body).expect(422).complaints(), [complaint]);
    }
    assert_eq!(
        offer(&reseller, plain, json!({ "service": "workplace", "plans": ["STD"] }))
            .expect(422)
            .complaints(),
        ["Aldermoor is not a reseller."]
    );
    // Nobody offers to himself, or changes what he got.
    offer(&reseller, north, json!({ "service": "files", "plans": ["STD"] })).expect(404);
    reseller
        .api_patch(
            &format!("/customers/{north}/offers/workplace"),
            json!({ "limits": { "all": "" } }),
        )
        .expect(404);
    // Needs must be there as well.
    admin.api_patch("/services/files", json!({ "needs": [] })).expect(200);
    admin.api_patch("/services/workplace", json!({ "needs": ["files"] })).expect(200);
    let other = sub_reseller(&world, north, "Highmoor");
    assert_eq!(
        offer(&reseller, other, json!({ "service": "workplace", "plans": ["STD"] }))
            .expect(422)
            .complaints(),
        ["service needs Shared files, which is not offered to whoever gives it"]
    );
}

#[test]
fn p_14_any_hop_left_out_hides_it_and_why_not_names_it() {
    let world = World::new();
    let admin = catalogue_of(&world);
    let north = world.reseller("Northwind");
    let sub = sub_reseller(&world, north, "Lowmoor");
    let customer = world.customer(sub, "Aldermoor");
    let user = world.user(customer, "Ann Alder", "ann");
    let all = [north, sub];
    for who in all {
        offer(&admin, who, json!({ "service": "workplace", "plans": ["STD"] })).expect(201);
    }
    hold(&world, customer, "workplace", "STD");
    let why = format!("/users/{user}/services/workplace/why");
    assert_eq!(noes(&admin.api_get(&why).expect(200)), [""; 0]);
    assert_eq!(admin.api_get(&why).json()["ok"], true);
    assert_eq!(sellable(&world, customer), ["workplace STD"]);
    for (who, name) in [(north, "Northwind"), (sub, "Lowmoor")] {
        let offers = format!("/customers/{who}/offers/workplace");
        admin.api_post(&format!("{offers}/close"), json!({})).expect(200);
        assert_eq!(sellable(&world, customer), [""; 0]);
        assert_eq!(
            noes(&admin.api_get(&why)),
            [format!("The offer of Managed workplace to {name} is closed.")]
        );
        let page = admin.get(&format!("/customers/{customer}/services/workplace/why")).expect(200);
        assert!(page.says(&format!("Offers of {name}")), "{}", page.body);
        admin.api_post(&format!("{offers}/reopen"), json!({})).expect(200);
        assert_eq!(sellable(&world, customer), ["workplace STD"]);
    }
    let plus = noes(&admin.api_get(&format!("{why}?plan=PLUS")));
    assert_eq!(plus[0], "Plan Plus is not offered to Northwind.");
    admin.api_get(&format!("{why}?plan=GOLD")).expect(404);
    // The customer gives it up: named too, after the hops.
    world.sql().execute("UPDATE customer_services SET wanted = 'gone', live = 'gone'", []).unwrap();
    assert_eq!(noes(&admin.api_get(&why)), ["Aldermoor does not have Managed workplace."]);
    world.sql().execute("UPDATE users SET state = 'deprovisioned' WHERE id = ?1", [user]).unwrap();
    assert_eq!(noes(&admin.api_get(&why))[1], "Ann Alder is deprovisioned.");
    assert_eq!(admin.get(&format!("/users/{user}/services/workplace/why")).status, 200);
    let auditor = world.person(PROVIDER, "Auditor");
    assert_eq!(
        noes(&auditor.api_get(&why)).last().unwrap(),
        "You may not give it: this needs the permission user_services.write."
    );
    // A refusal says what the listing knows.
    let refused = world.app.db.read(|db| {
        let service = catalogue::service_of(db, "workplace")?;
        let plan = catalogue::plan_of(db, service.id, "PLUS")?;
        offers::require(db, PROVIDER, customer, &service, Some(&plan))
    });
    assert_eq!(refused.unwrap_err().to_string(), "plan Plan Plus is not offered to Northwind.");
}

#[test]
fn p_15_no_more_is_taken_than_there_is_whoever_comes_at_once() {
    let world = World::new();
    let admin = catalogue_of(&world);
    let north = world.reseller("Northwind");
    let sub = sub_reseller(&world, north, "Lowmoor");
    let customer = world.customer(sub, "Aldermoor");
    offer(
        &admin,
        north,
        json!({ "service": "workplace", "plans": ["STD"], "limits": { "all": 10 } }),
    )
    .expect(201);
    offer(&admin, sub, json!({ "service": "workplace", "plans": ["STD"] })).expect(201);
    let (service, plan) = world
        .app
        .db
        .read(|db| {
            let service = catalogue::service_of(db, "workplace")?;
            Ok((service.id, catalogue::plan_of(db, service.id, "STD")?.id))
        })
        .unwrap();
    let seats = Tally { customer, service, plan: Some(plan), meter: Meter::Seats };
    let take = |n: i64| world.app.db.write(SHELL, |tx| offers::take(tx, &seats, n));
    let passed: usize = std::thread::scope(|threads| {
        let all: Vec<_> = (0..64).map(|_| threads.spawn(|| take(1).is_ok())).collect();
        all.into_iter().filter(|_| true).map(|thread| usize::from(thread.join().unwrap())).sum()
    });
    assert_eq!(passed, 10);
    // Each holder counts the service and the plan, and no refused order left a trace.
    assert_eq!(world.text("SELECT group_concat(used) FROM usage"), "10,10,10,10,10,10");
    assert_eq!(
        take(1).unwrap_err().to_string(),
        "plan Managed workplace at Northwind has no seat left (10 of 10)."
    );
    let back = |n| world.app.db.write(SHELL, |tx| offers::give_back(tx, &seats, n));
    back(4).unwrap();
    let bulk = take(5).unwrap_err().to_string();
    assert_eq!(bulk, "plan Managed workplace at Northwind has 4 seats left, 5 are needed.");
    take(4).unwrap();
    // Lower than what is used is allowed, and admits nothing new.
    let offers = format!("/customers/{north}/offers/workplace");
    let lowered = admin.api_patch(&offers, json!({ "limits": { "all": 7 } })).expect(200).json();
    assert_eq!(lowered["limits"]["all"], json!({ "max": 7, "used": 10 }));
    assert!(admin.get(&format!("/customers/{north}/offers")).says("10 of 7"));
    assert!(take(1).unwrap_err().to_string().contains("no seat left (10 of 7)"));
    admin.api_patch(&offers, json!({ "limits": { "all": null } })).expect(200);
    take(1).unwrap();
    let left = || world.app.db.read(|db| offers::left(db, &seats)).unwrap();
    assert_eq!(left(), None);
    admin.api_patch(&offers, json!({ "limits": { "STD": 15 } })).expect(200);
    assert_eq!(left(), Some(4));
}

#[test]
fn p_16_what_is_used_is_closed_and_not_withdrawn() {
    let world = World::new();
    let admin = catalogue_of(&world);
    let north = world.reseller("Northwind");
    let sub = sub_reseller(&world, north, "Lowmoor");
    let (a, b) = (world.customer(north, "Aldermoor"), world.customer(sub, "Birchfield"));
    for who in [north, sub] {
        offer(&admin, who, json!({ "service": "workplace", "plans": ["STD", "PLUS"] })).expect(201);
    }
    hold(&world, a, "workplace", "STD");
    hold(&world, b, "workplace", "STD");
    let url = format!("/customers/{north}/offers/workplace");
    let text = "Managed workplace is used by 2 customers and 1 reseller: Aldermoor, Birchfield, Lowmoor. Close it instead.";
    assert_eq!(admin.api_delete(&url).expect(422).complaints(), [text]);
    assert!(admin.post(&format!("{url}/withdraw"), &[]).says("used by 2 customers and 1 reseller"));
    // A plan in use is closed, one that nobody has goes.
    let changed = admin.api_patch(&url, json!({ "plans": [] })).expect(422).complaints();
    assert_eq!(changed, ["plans must be one at least"]);
    let only = admin.api_patch(&url, json!({ "plans": ["PLUS"] })).expect(200).json();
    let states: Vec<_> = only["plans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| format!("{} {}", p["code"], p["state"]))
        .collect();
    assert_eq!(states, ["\"STD\" \"closed\"", "\"PLUS\" \"active\""]);
    assert_eq!(sellable(&world, a), ["workplace PLUS"]);
    admin.api_post(&format!("{url}/close"), json!({})).expect(200);
    assert_eq!((sellable(&world, a), sellable(&world, b)), (vec![], vec![]));
    assert_eq!(
        admin
            .api_post(&format!("/customers/{sub}/offers/workplace/close"), json!({}))
            .expect(200)
            .json()["state"],
        "closed"
    );
    // Every hop above must be open to open one.
    assert_eq!(
        admin
            .api_post(&format!("/customers/{sub}/offers/workplace/reopen"), json!({}))
            .expect(422)
            .complaints(),
        ["service The offer of Managed workplace to Northwind is closed."]
    );
    world.sql().execute("UPDATE customer_services SET wanted = 'gone', live = 'gone'", []).unwrap();
    admin.api_delete(&format!("/customers/{sub}/offers/workplace")).expect(204);
    admin.api_delete(&url).expect(204);
    admin.api_delete(&url).expect(404);
    offer(&admin, north, json!({ "service": "workplace", "plans": ["STD"] })).expect(201);
}

#[test]
fn p_17_nobody_reads_a_name_from_above_its_parent() {
    let world = World::new();
    let admin = catalogue_of(&world);
    let north = world.reseller("Northwind");
    let middle = sub_reseller(&world, north, "Middlemoor");
    let low = sub_reseller(&world, middle, "Lowmoor");
    let customer = world.customer(low, "Aldermoor");
    for (who, most) in [(north, 7), (middle, 5), (low, 3)] {
        let body = json!({ "service": "files", "plans": ["STD"], "limits": { "all": most } });
        offer(&admin, who, body).expect(201);
    }
    for who in [north, middle] {
        admin.api_post(&format!("/customers/{who}/offers/files/close"), json!({})).expect(200);
    }
    let person = world.person(low, "Reseller administrator");
    let why = format!("/customers/{customer}/services/files/why");
    let (answer, page) = (person.api_get(&why).expect(200), person.get(&why).expect(200));
    assert_eq!(
        noes(&answer),
        [
            "The offer of Shared files further up is closed.",
            "The offer of Shared files to Middlemoor is closed.",
        ]
    );
    for body in [&answer.body, &page.body] {
        assert!(!body.contains("Northwind"), "{body}");
        assert!(!body.contains("Offers of"), "nobody mends what is above himself");
    }
    // Nor limits: the refusal names no holder above the viewer.
    world.sql().execute("UPDATE usage SET used = 7 WHERE holder_id = ?1", [north]).unwrap();
    let text = noes(&person.api_get(&why));
    assert!(text.contains(&"No instance left at your provider.".to_owned()), "{text:?}");
    for url in [format!("/customers/{north}/offers"), format!("/customers/{middle}/offers")] {
        person.api_get(&url).expect(404);
        assert_eq!(person.get(&url).status, 404);
    }
    let own = person.api_get(&format!("/customers/{low}/offers")).expect(200);
    assert_eq!(own.json()["items"][0]["limits"]["all"]["max"], 3);
    assert!(!own.says("49"));
}

#[test]
fn offers_of_another_branch_are_not_there() {
    let world = World::new();
    let admin = catalogue_of(&world);
    let (north, south) = (world.reseller("Northwind"), world.reseller("Southwind"));
    let customer = world.customer(north, "Aldermoor");
    offer(&admin, north, json!({ "service": "workplace", "plans": ["STD"] })).expect(201);
    let rival = world.person(south, "Reseller administrator");
    let base = format!("/customers/{north}/offers");
    rival.api_get(&base).expect(404);
    offer(&rival, north, json!({ "service": "files", "plans": ["STD"] })).expect(404);
    rival.api_patch(&format!("{base}/workplace"), json!({ "limits": { "all": 1 } })).expect(404);
    rival.api_delete(&format!("{base}/workplace")).expect(404);
    for what in ["close", "reopen"] {
        rival.api_post(&format!("{base}/workplace/{what}"), json!({})).expect(404);
    }
    rival.api_get(&format!("/customers/{customer}/services/workplace/why")).expect(404);
    rival.api_get(&format!("/customers/{customer}/effective-prices")).expect(404);
    for url in [base.clone(), format!("{base}/new"), format!("{base}/workplace")] {
        assert_eq!(rival.get(&url).status, 404, "{url}");
    }
    assert_eq!(world.count("SELECT count(*) FROM offers"), 1);
    // A forged plan of another service is a complaint.
    let forged = json!({ "service": "files", "plans": ["PLUS"] });
    assert_eq!(
        offer(&admin, north, forged).expect(422).complaints(),
        ["plans has PLUS, which you are not offered"]
    );
}

/// A customer with three users who have the workplace, of which one is on its way out.
fn in_use(world: &World, admin: &Person) -> (CustomerId, CustomerId) {
    let reseller = world.reseller("Brightwater");
    let home = world.customer(reseller, "Aldermoor");
    offer(admin, reseller, json!({ "service": "workplace", "plans": ["STD", "PLUS"] })).expect(201);
    let held = json!({ "service": "workplace" });
    admin.api_post(&format!("/customers/{home}/services"), held).expect(202);
    for (local, plan) in [("ann", "STD"), ("bea", "STD"), ("cid", "PLUS")] {
        let user = world.user(home, local, local);
        let given = json!({ "service": "workplace", "plan": plan });
        admin.api_post(&format!("/users/{user}/services"), given).expect(202);
    }
    (reseller, home)
}

fn used(world: &World) -> Vec<String> {
    let sql = world.sql();
    let mut rows = sql
        .prepare(
            "SELECT holder_id || ' ' || plan_id || ' ' || meter || ' ' || used FROM usage
              WHERE used > 0 ORDER BY holder_id, service_id, plan_id, meter",
        )
        .unwrap();
    rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn p_20_a_counter_that_is_wrong_is_found_put_right_at_night_and_told() {
    let world = World::new();
    let admin = catalogue_of(&world);
    let (_, home) = in_use(&world, &admin);
    let (db, config) = (&world.app.db, &world.app.config);
    let finding = || {
        let all = portico::health::doctor::examine(db, config);
        let found = all.into_iter().find(|each| each.check == "counters").unwrap();
        (found.verdict.word(), found.text)
    };
    assert_eq!(finding().0, "ok");
    let right = used(&world);
    assert_eq!(right.len(), 8, "{right:?}");

    // An order for many that has begun holds seats for those who come yet.
    let run = format!(
        "INSERT INTO runs (kind, customer_id, cause, due_at, state, input, numbers)
         SELECT 'user_services.give', {home}, 'manual', '2026-03-10T08:00:00Z', 'queued',
                json_object('service', id, 'plan', NULL, 'seats', 5), json_object('given', 2)
           FROM services WHERE code = 'workplace'"
    );
    world.sql().execute(&run, []).unwrap();
    let (verdict, text) = finding();
    assert_eq!(verdict, "fail");
    assert!(
        text.contains("Managed workplace at Aldermoor counts 3 seats where there are 6"),
        "{text}"
    );
    world.sql().execute("DELETE FROM runs", []).unwrap();
    assert_eq!(finding().0, "ok");

    world
        .sql()
        .execute("UPDATE usage SET used = used + 4 WHERE meter = 'seats' AND plan_id = 0", [])
        .unwrap();
    world
        .sql()
        .execute(&format!("DELETE FROM usage WHERE holder_id = {home} AND meter = 'instances'"), [])
        .unwrap();
    let (verdict, text) = finding();
    assert_eq!(verdict, "fail");
    for wrong in [
        "at Brightwater counts 7 seats where there are 3",
        "at Aldermoor counts 0 instances where there are 1",
    ] {
        assert!(text.contains(wrong), "{text}");
    }
    let run = portico::jobs::run_now(&world.app, "Counters").unwrap();
    assert_eq!(run.state.word(), "done");
    assert_eq!((used(&world), finding().0), (right.clone(), "ok"));
    let told = "SELECT count(*) FROM audit_log WHERE action = 'usage.repaired'";
    assert_eq!(world.count(told), 3);
    assert_eq!(
        world.count("SELECT count(*) FROM run_lines WHERE level = 'error' AND result = 'repaired'"),
        3
    );

    world.sql().execute("UPDATE usage SET used = 0", []).unwrap();
    let data = world.folder().to_str().unwrap();
    let (exit, said, _) = crate::live::verb(&["doctor", "--data", data], "");
    assert!(
        exit == 2 && said.contains("fail  counters:") && said.contains("doctor --repair"),
        "{said}"
    );
    let (_, said, _) = crate::live::verb(&["doctor", "--repair", "--data", data], "");
    assert!(said.contains("ok    counters:"), "{said}");
    assert_eq!(used(&world), right);
}

#[test]
fn p_18_the_whole_way_is_opened_at_once_or_not_at_all() {
    let world = World::new();
    let admin = catalogue_of(&world);
    let north = world.reseller("Northwind");
    let sub = sub_reseller(&world, north, "Subnorth");
    let third = sub_reseller(&world, sub, "Thirdnorth");
    let customer = world.customer(third, "Aldermoor");
    let offers = || {
        world.text(
            "SELECT coalesce(group_concat(reseller_id || ' ' || offers.state), '') FROM offers",
        )
    };
    let path = |who: &Person, body: Value| who.api_post("/services/files/enable-path", body);
    let body = json!({ "customer_id": customer, "plans": ["STD"] });
    // One hop that is not permitted: nothing is written.
    let ra = world.person(north, "Reseller administrator");
    assert_eq!(path(&ra, body.clone()).status, 403);
    assert_eq!(offers(), "");
    let why = format!("/customers/{customer}/services/files/why");
    assert!(!ra.get(&why).says("Offer it at every level"));
    let sibling = world.person(world.reseller("Southwind"), "Reseller administrator");
    assert_eq!(path(&sibling, body.clone()).status, 404);
    let said = path(&admin, json!({ "customer_id": customer, "plans": ["STD", "X"] })).expect(422);
    assert_eq!(said.complaints(), ["plans has X, which is not on sale"]);
    assert_eq!(offers(), "");
    let page = admin.get(&why).expect(200);
    assert!(page.says("Offer it at every level"));
    let told = path(&admin, body.clone()).expect(200).json();
    assert_eq!(told["offered_to"], json!([north, sub, third]));
    assert!(
        sellable(&world, customer).iter().any(|each| each.starts_with("files")),
        "{:?}",
        sellable(&world, customer)
    );
    // Again there is nothing to do; a closed hop is opened by who may.
    assert_eq!(path(&ra, body.clone()).expect(200).json()["offered_to"], json!([]));
    admin.api_post(&format!("/customers/{sub}/offers/files/close"), json!({})).expect(200);
    assert_eq!(path(&ra, body).expect(200).json()["offered_to"], json!([sub]));
    admin.api_post(&format!("/customers/{third}/offers/files/close"), json!({})).expect(200);
    let form = [("customer_id", customer.to_string())];
    let form: Vec<(&str, &str)> =
        form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(admin.post("/services/files/enable-path", &form).location(), why);
    assert!(!admin.get(&why).says("Offer it at every level"));
}

#[test]
fn who_uses_an_offer_is_listed_whole_and_as_a_file() {
    let world = World::new();
    let admin = catalogue_of(&world);
    let north = world.reseller("Northwind");
    let sub = sub_reseller(&world, north, "Subnorth");
    let customer = world.customer(sub, "Aldermoor");
    admin.api_post("/services/files/enable-path", json!({ "customer_id": customer })).expect(200);
    hold(&world, customer, "files", "STD");
    let url = format!("/customers/{north}/offers/files/uses");
    let listed = admin.api_get(&url).expect(200).json();
    let names: Vec<String> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| format!("{} {}", row["name"].as_str().unwrap(), row["as"].as_str().unwrap()))
        .collect();
    assert_eq!(names, ["Aldermoor customer", "Subnorth reseller"]);
    let file = admin.get(&format!("{url}?format=csv")).expect(200);
    assert!(file.says("ALDERMOOR") && file.says("Subnorth,reseller"), "{}", file.body);
    assert!(admin.get(&url).expect(200).says("All as CSV"));
    let refused = admin.api_delete(&format!("/customers/{north}/offers/files")).expect(422);
    assert!(refused.says("is used by 1 customer and 1 reseller: Aldermoor, Subnorth"));
    let sibling = world.person(world.reseller("Southwind"), "Reseller administrator");
    assert_eq!((sibling.get(&url).status, sibling.api_get(&url).status), (404, 404));
    // The way from the services of a customer to why one is not there.
    let list = format!("/customers/{customer}/services/not-listed");
    assert!(admin.get(&list).expect(200).says("/services/files/why"));
    assert!(admin.get(&format!("/customers/{customer}/services")).says("Not listed?"));
}
