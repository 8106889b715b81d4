//! Customers moved from reseller to reseller.

use crate::customers_life::{Scene, offers};
use crate::world::{PROVIDER, World};
use portico::ids::CustomerId;
use serde_json::json;

fn tree(world: &World, id: CustomerId) -> String {
    world.text(&format!(
        "SELECT group_concat(above, ' ') FROM (SELECT above FROM customer_tree WHERE below = {id} ORDER BY depth)"
    ))
}

#[test]
fn everything_that_stands_against_a_move_is_said_at_once() {
    let scene = Scene::new();
    let admin = scene.admin();
    scene.equipped(&admin);
    let ferrow = scene.world.reseller("Ferrow");
    let plain = scene.world.customer(PROVIDER, "Plain");
    let (sql, at) = (scene.world.sql(), format!("/customers/{}/move", scene.customer));
    // A domain of the reseller is used, a request is open, and the reseller's helper is the only administrator.
    let helper = scene.world.user(scene.reseller, "Hanna", "hanna");
    sql.execute_batch(&format!(
        "INSERT INTO customer_domains (customer_id, domain_id)
         SELECT {customer}, id FROM domains WHERE name = 'brightwater.example';
         INSERT INTO user_names (name, customer_id, domain_id, user_id)
         SELECT 'extra@brightwater.example', {customer}, domains.id, (SELECT min(id) FROM users WHERE customer_id = {customer})
           FROM domains WHERE name = 'brightwater.example';
         INSERT INTO requests (customer_id, event, title, queue, class, source, created_at, deadline_at, next_at)
         VALUES ({customer}, 'customer.provision', 'Slow', 'bulk', 'bulk', 'page', '', '9999', '');
         INSERT INTO role_grants (user_id, role_id, at_id, granted_at)
         SELECT {helper}, id, {customer}, '' FROM roles WHERE name = 'Customer administrator';
         INSERT INTO offers (id, reseller_id, service_id, given_at) VALUES (900, {ferrow}, 100, '');
         INSERT INTO offer_plans (offer_id, service_id, plan_id) VALUES (900, 100, 201);
         INSERT INTO usage (holder_id, service_id, plan_id, meter, max) VALUES ({ferrow}, 100, 0, 'seats', 1);",
        customer = scene.customer
    ))
    .unwrap();
    let request = scene.world.count("SELECT max(id) FROM requests");
    let said = admin.api_post(&at, json!({ "parent_id": ferrow })).expect(422).complaints();
    assert_eq!(
        said,
        [
            "Standard is not offered; choose one of Plus.".to_owned(),
            "Ferrow does not offer Shared files.".to_owned(),
            "Managed workplace at Ferrow has 1 left, 2 are needed.".to_owned(),
            "uses brightwater.example of Brightwater; rename 1 user first.".to_owned(),
            format!("Request {request} is still running."),
            "Hanna is the last administrator of Aldermoor who can sign in. Make another one first."
                .to_owned(),
        ]
    );
    assert_eq!(
        tree(&scene.world, scene.customer),
        format!("{} {} 1", scene.customer, scene.reseller)
    );
    let page = admin.get(&format!("{at}?parent_id={ferrow}"));
    for text in &said {
        assert!(page.says(text), "{text}: {}", page.body);
    }
    let said = admin.api_post(&at, json!({ "parent_id": plain })).expect(422).complaints();
    assert!(said.contains(&"Plain is not a reseller.".to_owned()), "{said:?}");
    sql.execute("UPDATE customers SET state = 'disabled' WHERE id = ?1", [ferrow]).unwrap();
    let said = admin.api_post(&at, json!({ "parent_id": ferrow })).expect(422).complaints();
    assert_eq!(said[0], "Ferrow is disabled.");
    let up = format!("/customers/{}/move", scene.reseller);
    sql.execute("UPDATE customers SET reseller = 1 WHERE id = ?1", [scene.customer]).unwrap();
    let said = admin.api_post(&up, json!({ "parent_id": scene.customer })).expect(422).complaints();
    assert_eq!(said[0], "Aldermoor lies below Brightwater.");
    let said = admin.api_post(&at, json!({ "parent_id": scene.reseller })).expect(422).complaints();
    assert_eq!(said[0], "Aldermoor is below Brightwater already.");
    admin.api_post("/customers/1/move", json!({ "parent_id": ferrow })).expect(404);
}

#[test]
fn eight_levels_are_the_most_for_a_whole_branch_too() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let mut deep = PROVIDER;
    for level in 2..=6 {
        let next = world.customer(deep, &format!("Level {level}"));
        world.sql().execute("UPDATE customers SET reseller = 1 WHERE id = ?1", [next]).unwrap();
        deep = next;
    }
    let reseller = world.reseller("Brightwater");
    let below = world.customer(reseller, "Aldermoor");
    world.sql().execute("UPDATE customers SET reseller = 1 WHERE id = ?1", [below]).unwrap();
    world.customer(below, "Leaf");
    let at = format!("/customers/{reseller}/move");
    let said = admin.api_post(&at, json!({ "parent_id": deep })).expect(422).complaints();
    assert_eq!(said, ["The hierarchy may be 8 levels deep."]);
    let at = format!("/customers/{below}/move");
    admin.api_post(&at, json!({ "parent_id": deep })).expect(200);
}

#[test]
fn a_moved_customer_is_the_new_resellers_in_one_instant() {
    let scene = Scene::new();
    let admin = scene.admin();
    let [theo, _] = scene.equipped(&admin);
    let ferrow = scene.world.reseller("Ferrow");
    scene.world.sql().execute_batch(&offers(ferrow)).unwrap();
    let (old, new) = (
        scene.world.person(scene.reseller, "Reseller administrator"),
        scene.world.person(ferrow, "Reseller administrator"),
    );
    // Old staff with a role at the customer, which another administers too.
    scene.world.person(scene.customer, "Customer administrator");
    scene
        .world
        .sql()
        .execute(
            "INSERT INTO role_grants (user_id, role_id, at_id, granted_at)
             SELECT ?1, id, ?2, '' FROM roles WHERE name = 'Customer administrator'",
            (old.id, scene.customer),
        )
        .unwrap();
    let at = format!("/customers/{}", scene.customer);
    let (spans, seats) = (scene.open(), scene.seats(scene.reseller));
    assert_eq!((seats, scene.seats(ferrow)), (4, 0));
    scene.world.later(3600);
    let wish = json!({ "parent_id": ferrow });
    let preview =
        admin.api_post(&format!("{at}/move?preview=true"), wish.clone()).expect(200).json();
    assert_eq!(preview["refusals"], json!([]));
    assert!(preview["people"].to_string().contains("role Customer administrator"), "{preview}");
    assert_eq!(
        tree(&scene.world, scene.customer),
        format!("{} {} 1", scene.customer, scene.reseller)
    );
    admin.api_post(&format!("{at}/move"), wish).expect(200);
    assert_eq!(tree(&scene.world, scene.customer), format!("{} {ferrow} 1", scene.customer));
    assert_eq!((scene.seats(scene.reseller), scene.seats(ferrow), scene.open()), (0, 4, spans));
    assert_eq!((old.api_get(&at).status, new.api_get(&at).status), (404, 200));
    assert_eq!(old.api_get(&format!("/users/{theo}")).status, 404);
    assert_eq!(new.api_get(&format!("/users/{theo}")).status, 200);
    let instants = format!(
        "SELECT count(DISTINCT at) || ' ' || count(*) FROM ledger
          WHERE customer_id = {} AND action = 'changed' AND kind IN ('customer', 'customer_service', 'user_service')",
        scene.customer
    );
    assert_eq!(scene.world.text(&instants), "1 5", "the customer, two services and two of users");
    let parent = "SELECT json_extract(facts, '$.parent') || '' FROM ledger WHERE kind = 'customer' ORDER BY id DESC LIMIT 1";
    assert_eq!(scene.world.text(parent), ferrow.to_string());
    assert!(portico::ledger::check(&scene.world.app.db).unwrap().is_empty());
    let seen = "SELECT group_concat(customer_id, ' ') FROM (SELECT customer_id FROM audit_log WHERE action = 'customer.moved' ORDER BY id)";
    assert_eq!(scene.world.text(seen), format!("{} {} {ferrow}", scene.customer, scene.reseller));
    assert_eq!(
        scene.world.count(&format!("SELECT count(*) FROM role_grants WHERE user_id = {}", old.id)),
        1
    );
    let mails = "SELECT group_concat(DISTINCT to_address) FROM (SELECT to_address FROM messages WHERE event = 'customer.moved' ORDER BY id)";
    let told = scene.world.text(mails);
    for address in ["contact@aldermoor.example", "@brightwater.example", "@ferrow.example"] {
        assert!(told.contains(address), "{told}");
    }
}

#[test]
fn plans_that_are_not_offered_there_are_exchanged() {
    let scene = Scene::new();
    let admin = scene.admin();
    scene.equipped(&admin);
    let ferrow = scene.world.reseller("Ferrow");
    scene
        .world
        .sql()
        .execute_batch(&format!(
            "{}; DELETE FROM offer_plans WHERE plan_id = 200 AND offer_id IN (SELECT id FROM offers WHERE reseller_id = {ferrow});",
            offers(ferrow)
        ))
        .unwrap();
    let at = format!("/customers/{}/move", scene.customer);
    let page = admin.get(&format!("{at}?parent_id={ferrow}"));
    assert!(page.says("Standard is not offered; choose one of Plus."), "{}", page.body);
    assert!(page.says("name=\"plans.workplace.standard\""), "{}", page.body);
    let said = admin
        .api_post(
            &at,
            json!({ "parent_id": ferrow, "plans": { "workplace": { "standard": "odd" } } }),
        )
        .expect(422)
        .complaints();
    assert_eq!(said, ["plans standard of workplace cannot become odd"]);
    let wish = [("parent_id", ferrow.to_string()), ("plans.workplace.standard", "plus".to_owned())];
    let wish = wish.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(admin.post(&at, &wish).location(), format!("/customers/{}", scene.customer));
    let plans = "SELECT group_concat(DISTINCT plan) FROM ledger_spans WHERE kind = 'user_service' AND ends_at = '9999'";
    assert_eq!(scene.world.text(plans), "plus");
    let used = |plan: i64| {
        scene.world.count(&format!(
            "SELECT coalesce(sum(used), 0) FROM usage WHERE holder_id = {ferrow} AND plan_id = {plan}"
        ))
    };
    assert_eq!((used(200), used(201)), (0, 2));
    assert!(portico::ledger::check(&scene.world.app.db).unwrap().is_empty());
}

#[test]
fn a_domain_that_nobody_has_a_name_on_stays_behind() {
    let scene = Scene::new();
    let admin = scene.admin();
    let ferrow = scene.world.reseller("Ferrow");
    let (at, customer) = (format!("/customers/{}/move", scene.customer), scene.customer);
    let share = format!(
        "INSERT INTO customer_domains (customer_id, domain_id)
         SELECT {customer}, id FROM domains WHERE name = 'brightwater.example';
         UPDATE customer_domains SET main = 0 WHERE customer_id = {customer};
         UPDATE customer_domains SET main = 1 WHERE customer_id = {customer} AND domain_id <> (
           SELECT id FROM domains WHERE name = 'aldermoor.example');"
    );
    scene.world.sql().execute_batch(&share).unwrap();
    admin.api_post(&at, json!({ "parent_id": ferrow })).expect(200);
    let left = format!(
        "SELECT group_concat(name || ' ' || main) FROM customer_domains JOIN domains ON domains.id = domain_id
          WHERE customer_domains.customer_id = {customer}"
    );
    assert_eq!(scene.world.text(&left), "aldermoor.example 1");
    // What has no other domain has to get one first.
    let only = format!(
        "DELETE FROM customer_domains WHERE customer_id = {customer};
         INSERT INTO customer_domains (customer_id, domain_id, main)
         SELECT {customer}, id, 1 FROM domains WHERE name = 'ferrow.example';"
    );
    scene.world.sql().execute_batch(&only).unwrap();
    let back = json!({ "parent_id": scene.reseller });
    let said = admin.api_post(&at, back).expect(422).complaints();
    assert_eq!(said, ["uses ferrow.example of Ferrow; add a domain of its own first."]);
}

#[test]
fn a_move_waits_for_its_day_and_is_checked_again() {
    for spoilt in [false, true] {
        let scene = Scene::new();
        let admin = scene.admin();
        let ferrow = scene.world.reseller("Ferrow");
        let at = format!("/customers/{}", scene.customer);
        let past = json!({ "parent_id": ferrow, "on": "2026-03-01" });
        let said = admin.api_post(&format!("{at}/move"), past).expect(422).complaints();
        assert_eq!(said, ["on must not be in the past"]);
        let wish = json!({ "parent_id": ferrow, "on": "2026-03-15" });
        let run = admin.api_post(&format!("{at}/move"), wish.clone()).expect(202).json()["run_id"]
            .clone();
        let said = admin.api_post(&format!("{at}/move"), wish).expect(422).complaints();
        assert_eq!(said, ["A move to Ferrow is planned already."]);
        assert!(admin.get(&at).says("Ferrow"), "the page says so");
        let before = tree(&scene.world, scene.customer);
        let state = || scene.world.text(&format!("SELECT state FROM runs WHERE id = {run}"));
        let work = || {
            let runs = portico::jobs::start(&scene.world.app).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(700));
            runs.stop();
        };
        work();
        assert_eq!(
            (state().as_str(), tree(&scene.world, scene.customer)),
            ("queued", before.clone())
        );
        if spoilt {
            scene
                .world
                .sql()
                .execute("UPDATE customers SET state = 'disabled' WHERE id = ?1", [ferrow])
                .unwrap();
        }
        scene.world.later(5 * 86_400);
        work();
        if spoilt {
            assert_eq!((state().as_str(), tree(&scene.world, scene.customer)), ("failed", before));
            let why = scene.world.text(&format!("SELECT error FROM runs WHERE id = {run}"));
            assert!(why.contains("Ferrow is disabled."), "{why}");
            let mail =
                scene.world.text("SELECT text FROM messages WHERE event = 'customer.move_failed'");
            assert!(mail.contains("Ferrow is disabled."), "{mail}");
        } else {
            assert_eq!(state(), "done");
            assert_eq!(
                tree(&scene.world, scene.customer),
                format!("{} {ferrow} 1", scene.customer)
            );
        }
    }
}

#[test]
fn nobody_moves_what_or_whereto_they_do_not_reach() {
    let scene = Scene::new();
    let ferrow = scene.world.reseller("Ferrow");
    let theirs = scene.world.person(ferrow, "Reseller administrator");
    let at = format!("/customers/{}/move", scene.customer);
    theirs.api_post(&at, json!({ "parent_id": ferrow })).expect(404);
    theirs.get(&at).expect(404);
    let ours = scene.world.person(scene.reseller, "Reseller administrator");
    ours.api_post(&at, json!({ "parent_id": ferrow })).expect(404);
    ours.api_post(&at, json!({ "parent_id": 1 })).expect(404);
    let ca = scene.world.person(scene.customer, "Customer administrator");
    ca.api_post(&at, json!({ "parent_id": ferrow })).expect(403);
}

#[test]
fn five_hundred_customers_move_at_once() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let (reseller, ferrow) = (world.reseller("Brightwater"), world.reseller("Ferrow"));
    let sub = world.customer(reseller, "Sub");
    let sql = world.sql();
    sql.execute("UPDATE customers SET reseller = 1 WHERE id = ?1", [sub]).unwrap();
    sql.execute(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 499)
         INSERT INTO customers (parent_id, code, name, created_at, changed_at)
         SELECT ?1, 'MANY' || n, 'Many ' || n, '', '' FROM n",
        [sub],
    )
    .unwrap();
    admin.api_post(&format!("/customers/{sub}/move"), json!({ "parent_id": ferrow })).expect(200);
    let reached =
        |scope: i64| world.count(&format!("SELECT count(*) FROM reach WHERE scope = {scope}"));
    assert_eq!((reached(ferrow.0 * 4 + 2), reached(reseller.0 * 4 + 2)), (500, 0));
    // The tree is what a walk from parent to parent finds.
    let astray = "WITH RECURSIVE up (above, below) AS (
           SELECT id, id FROM customers
            UNION SELECT parent_id, below FROM up JOIN customers ON customers.id = above WHERE parent_id IS NOT NULL)
         SELECT (SELECT count(*) FROM (SELECT above, below FROM customer_tree EXCEPT SELECT above, below FROM up))
              + (SELECT count(*) FROM (SELECT above, below FROM up EXCEPT SELECT above, below FROM customer_tree))";
    assert_eq!(world.count(astray), 0);
}

#[test]
fn roles_that_the_new_branch_does_not_allow_end_and_are_listed() {
    let scene = Scene::new();
    let (world, admin) = (&scene.world, scene.admin());
    let ferrow = world.reseller("Ferrow");
    world.person(ferrow, "Reseller administrator");
    // One that Ferrow denies, one that only Brightwater allows, one that nobody says anything of.
    world
        .sql()
        .execute_batch(&format!(
            "INSERT INTO allowed_roles (customer_id, role_id, rule)
             SELECT {ferrow}, id, 'deny' FROM roles WHERE customer_id IS NULL AND name = 'Customer helpdesk';
             INSERT INTO allowed_roles (customer_id, role_id, rule)
             SELECT {}, id, 'allow' FROM roles WHERE customer_id IS NULL AND name = 'My account';",
            scene.reseller
        ))
        .unwrap();
    let user = world.user(scene.customer, "Theo Vane", "theo");
    for role in ["Customer helpdesk", "My account", "Billing viewer"] {
        admin.api_post(&format!("/users/{user}/roles"), json!({ "role": role })).expect(201);
    }
    let held = || {
        world.text(&format!(
            "SELECT group_concat(name, ', ') FROM (SELECT name FROM role_grants JOIN roles ON roles.id = role_id
                                                    WHERE user_id = {user} ORDER BY name)"
        ))
    };
    assert_eq!(held(), "Billing viewer, Customer helpdesk, My account");
    let at = format!("/customers/{}/move", scene.customer);
    let look = admin.api_post(&format!("{at}?preview=true"), json!({ "parent_id": ferrow }));
    let people = look.expect(200).json()["people"].to_string();
    for role in ["role Customer helpdesk", "role My account"] {
        assert!(people.contains(role), "{people}");
    }
    assert_eq!(held(), "Billing viewer, Customer helpdesk, My account");
    admin.api_post(&at, json!({ "parent_id": ferrow })).expect(200);
    assert_eq!(held(), "Billing viewer");
    let told = world
        .text("SELECT text FROM messages WHERE event = 'customer.moved' ORDER BY id DESC LIMIT 1");
    assert!(
        told.contains("Customer helpdesk of Theo Vane") && told.contains("My account of Theo Vane"),
        "{told}"
    );
    // Back where they would be allowed, they are not there by themselves.
    admin.api_post(&at, json!({ "parent_id": scene.reseller })).expect(200);
    assert_eq!(held(), "Billing viewer");
}

#[test]
fn the_work_of_a_move_goes_on_after_a_kill() {
    let scene = Scene::new();
    scene.world.clock.set(portico::time::Clock::default().now());
    let (world, admin) = (&scene.world, scene.admin());
    let [theo, _] = scene.equipped(&admin);
    let ferrow = world.reseller("Ferrow");
    let hook = crate::hook::Hook::start();
    let body =
        json!({ "kind": "webhook", "name": "Desk", "url": hook.url, "networks": ["127.0.0.0/8"] });
    let desk = admin.api_post("/connectors", body).expect(201).id();
    let body = json!({ "name": "quota", "label": "Quota", "level": "user", "type": "integer",
                       "default": "10", "writable_by": "customer" });
    admin.api_post("/services/workplace/properties", body).expect(201);
    world
        .sql()
        .execute_batch(&format!(
            "{};
             INSERT INTO rules (service_id, event, position, key, action, connector_id)
             VALUES (100, 'user_service.update', 1, 'tell', 'webhook.send', {desk});
             INSERT INTO property_values (property_id, holder, reseller_id, value, set_at)
             SELECT id, 'own', {ferrow}, '20', '' FROM properties WHERE name = 'quota';",
            offers(ferrow)
        ))
        .unwrap();
    let at = format!("/customers/{}/move", scene.customer);
    admin.api_post(&at, json!({ "parent_id": ferrow })).expect(200);
    // Nothing has worked on it when the program ends; the next one does.
    let open = "SELECT count(*) FROM requests WHERE turn <> 'over' AND parent_id IN (SELECT id FROM requests WHERE event = 'customer.move')";
    assert_eq!(world.count(open), 2, "a part for each user");
    assert_eq!(hook.calls().len(), 0);
    let live = crate::live::Live::of(world);
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while world.count("SELECT count(*) FROM requests WHERE turn <> 'over'") > 0 {
        assert!(std::time::Instant::now() < end, "requests stay open");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    drop(live);
    assert_eq!(world.count("SELECT count(*) FROM requests WHERE status = 'failed'"), 0);
    let quotas: Vec<i64> =
        hook.calls().iter().map(|call| call.body["props"]["quota"].as_i64().unwrap()).collect();
    assert_eq!(quotas, [20, 20]);
    assert!(hook.calls().iter().any(|call| call.body["user"]["id"] == json!(theo)));
}

#[test]
fn the_old_bill_ends_where_the_new_begins() {
    let scene = crate::billing::Scene::new().in_may();
    let (world, admin) = (&scene.world, scene.provider());
    let ferrow = world.reseller("Ferrow");
    let list: i64 = world
        .sql()
        .query_row(
            "INSERT INTO price_lists (customer_id, code, name, currency, main) VALUES (?1, 'FERROW', 'Ferrow', 'EUR', 1) RETURNING id",
            [ferrow],
            |row| row.get(0),
        )
        .unwrap();
    scene.price(list, ferrow, ("user_service", "workplace", "STD"), 2_000, None);
    scene.price(list, ferrow, ("customer_service", "files", "TB2"), 5_000, None);
    world.clock.set("2026-05-11T08:00:00Z".parse().unwrap());
    let at = format!("/customers/{}/move", scene.customer);
    admin.api_post(&at, json!({ "parent_id": ferrow })).expect(200);
    world.clock.set("2026-06-03T08:00:00Z".parse().unwrap());
    let items = |seller: CustomerId| -> Vec<String> {
        let url = format!(
            "/billing/periods/2026-05-31/items?seller_id={seller}&customer_id={}&limit=200",
            scene.customer
        );
        let all = admin.api_get(&url).expect(200).json();
        let mut all: Vec<String> = all["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| {
                let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
                format!("{} {} {} {}", text("service"), text("from"), text("until"), item["days"])
            })
            .collect();
        all.sort();
        all.dedup();
        all
    };
    assert_eq!(
        items(scene.reseller),
        ["files 2026-05-01 2026-05-10 10", "workplace 2026-05-01 2026-05-10 10"]
    );
    assert_eq!(
        items(ferrow),
        ["files 2026-05-11 2026-05-31 21", "workplace 2026-05-11 2026-05-31 21"]
    );
    assert!(portico::ledger::check(&world.app.db).unwrap().is_empty());
}
