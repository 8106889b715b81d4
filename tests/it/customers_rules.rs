//! Rules of customers that hold on every way: names in every output, who edits what, how many users,
//! and an outside that fails.

use crate::assignments::Scripted;
use crate::customers_life::Scene;
use crate::world::{Answer, PROVIDER, World};
use portico::ids::CustomerId;
use serde_json::{Value, json};

#[test]
fn difficult_names_are_kept_and_escaped_in_pages_files_and_mails() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let long = "n".repeat(100);
    let names = ["Salt & Pepper", "O'Brien \"Bros\"", "🦷 Dental, Ltd", "בדיקה بع", "=1+1", &long];
    for (n, name) in names.iter().enumerate() {
        let body = json!({
            "name": name, "parent_id": 1, "domain": format!("d{n}.example"), "contact_name": "Ann",
            "contact_email": format!("ann@d{n}.example"), "tell_contact": true,
        });
        let made = admin.api_post("/customers", body).expect(201).json();
        assert_eq!(made["name"], *name);
        let id = &made["id"];
        let escaped = maud::html! { (name) }.into_string();
        for url in
            ["/customers".into(), format!("/customers/{id}"), format!("/customers/{id}/edit")]
        {
            assert!(admin.get(&url).expect(200).says(&escaped), "{name} on {url}");
        }
        let mail = format!("SELECT {{}} FROM messages WHERE to_address = 'ann@d{n}.example'");
        let part = |column: &str| world.text(&mail.replace("{}", column));
        assert!(part("subject").contains(name) && part("text").contains(name), "{name}");
        assert!(part("html").contains(&escaped), "{name}: {}", part("html"));
        let user =
            json!({ "display_name": name, "company": name, "upn": format!("x@d{n}.example") });
        admin.api_post(&format!("/customers/{id}/users"), user).expect(201);
        let file = admin.raw(&format!("/api/v1/customers/{id}/users/export"));
        let mut rows = csv::Reader::from_reader(&file[3..]);
        let at = rows.headers().unwrap().iter().position(|head| head == "Company").unwrap();
        let row = rows.records().next().unwrap().unwrap();
        // What a spreadsheet would compute is made plain by a sign in front of it.
        let cell = if name.starts_with('=') { format!("'{name}") } else { (*name).to_owned() };
        assert_eq!(&row[at], cell);
    }
}

#[test]
fn the_customer_itself_keeps_its_contact_and_lists_and_nothing_of_those_above() {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let customer = world.customer(reseller, "Aldermoor");
    let ca = world.person(customer, "Customer administrator");
    let one = format!("/customers/{customer}");
    let contact = json!({ "contact_name": "Theo Vane", "contact_email": "theo@aldermoor.example", "phone": "+31 20 1" });
    ca.api_patch(&one, contact).expect(200);
    let ward =
        ca.api_post(&format!("{one}/departments"), json!({ "name": "Ward" })).expect(201).id();
    ca.api_patch(&format!("{one}/departments/{ward}"), json!({ "name": "Clinic" })).expect(200);
    ca.api_delete(&format!("{one}/departments/{ward}")).expect(204);
    ca.api_post(&format!("{one}/locations"), json!({ "name": "Annex", "city": "Delft" }))
        .expect(201);
    for (field, value, why) in [
        ("user_limit", json!(5), "user_limit needs customers.limits"),
        ("type", json!("test"), "type needs customers.limits"),
        ("billing_id", json!("B1"), "billing_id needs customers.billing_update"),
        ("notes", json!("n"), "notes is seen and set from above only"),
        ("tags", json!(["t"]), "tags is seen and set from above only"),
        ("rank", json!("A"), "rank is seen and set from above only"),
        ("parent_id", json!(1), "parent_id cannot change"),
    ] {
        let said = ca.api_patch(&one, json!({ field: value })).expect(422).complaints();
        assert_eq!(said, [why]);
        let form = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let page = ca.post(&format!("{one}/edit"), &[(field, form.as_str())]);
        assert_eq!(page.status, 422, "{field}: {}", page.header("Location"));
    }
    let ra = world.person(reseller, "Reseller administrator");
    let above = json!({ "notes": "Pays late", "tags": ["north"], "rank": "A" });
    ra.api_patch(&one, above).expect(200);
    for url in [one.clone(), "/customers".into(), format!("{one}/users"), "/customers/tree".into()]
    {
        let answer = ca.api_get(&url);
        for word in ["Pays late", "\"notes\"", "\"tags\"", "\"rank\""] {
            assert!(!answer.says(word), "{url} tells {word}: {}", answer.body);
        }
    }
    assert_eq!(
        world.text(&format!("SELECT contact_name || notes FROM customers WHERE id = {customer}")),
        "Theo VanePays late"
    );
}

const FULL: &str = "Aldermoor may have 5 users; 5 exist.";

#[test]
fn the_sixth_of_five_users_comes_in_on_no_way() {
    let scene = Scene::new();
    let (world, admin, home) = (&scene.world, scene.admin(), scene.customer);
    let there = world.customer(scene.reseller, "Hollin");
    let users = format!("/customers/{home}/users");
    let mut all = Vec::new();
    for n in 0..5 {
        all.push(
            admin.api_post(&users, json!({ "first_name": format!("User{n}") })).expect(201).id(),
        );
    }
    admin.api_post(&format!("/users/{}/deprovision", all[4]), json!({})).expect(202);
    admin.api_post(&users, json!({ "first_name": "User5" })).expect(201);
    admin.api_post(&format!("/users/{}/disable", all[0]), json!({})).expect(200);
    admin.api_patch(&format!("/customers/{home}"), json!({ "user_limit": 5 })).expect(200);
    let label = json!({ "label": "Clerk", "reach": "self" });
    let template = admin.api_post(&format!("/customers/{home}/templates"), label).expect(201).id();
    let mover = admin
        .api_post(&format!("/customers/{there}/users"), json!({ "first_name": "Mover" }))
        .expect(201)
        .id();
    let refused = |way: &str, answer: Answer| {
        assert!(answer.says(FULL), "{way}: {} {}", answer.status, answer.body);
        let there = format!(
            "SELECT count(*) FROM users WHERE customer_id = {home} AND state IN ('active', 'disabled')"
        );
        assert_eq!(world.count(&there), 5, "{way}");
    };
    refused("the API", admin.api_post(&users, json!({ "first_name": "Six" })));
    refused("the form", admin.post(&users, &[("first_name", "Six")]));
    refused(
        "a copy",
        admin.api_post(&format!("/users/{}/copy", all[1]), json!({ "first_name": "Six" })),
    );
    refused(
        "a copy's form",
        admin.post(&format!("/users/{}/copy", all[1]), &[("first_name", "Six")]),
    );
    refused(
        "a template",
        admin.api_post(&users, json!({ "first_name": "Six", "template": template })),
    );
    let file = b"UPN,First Name\nsix@aldermoor.example,Six\n";
    let import = format!("{users}/import");
    refused(
        "the check of a file",
        admin.api_send(&format!("{import}?dry_run=true"), "text/csv", file),
    );
    refused("a file", admin.api_send(&import, "text/csv", file));
    let code = world.text(&format!("SELECT code FROM customers WHERE id = {home}"));
    let report = portico::rescue::import_users(&world.app.db, &code, file, false).unwrap();
    assert_eq!((report.created, report.refused), (0, 1), "the shell's");
    refused("rehiring", admin.api_post(&format!("/users/{}/rehire", all[4]), json!({})));
    refused("rehiring's form", admin.post(&format!("/users/{}/rehire", all[4]), &[]));
    let body = json!({ "customer_id": home.0 });
    refused("a move", admin.api_post(&format!("/users/{mover}/move"), body));
    // One less, and two at once: one of them.
    admin.api_post(&format!("/users/{}/deprovision", all[1]), json!({})).expect(202);
    let made: Vec<u16> = std::thread::scope(|scope| {
        let (admin, users) = (&admin, &users);
        let all: Vec<_> = (0..2)
            .map(|n| {
                scope.spawn(move || {
                    admin.api_post(users, json!({ "first_name": format!("Race{n}") })).status
                })
            })
            .collect();
        all.into_iter().map(|each| each.join().unwrap()).collect()
    });
    assert_eq!(made.iter().filter(|status| **status == 201).count(), 1, "{made:?}");
    refused("one more", admin.api_post(&users, json!({ "first_name": "Six" })));
}

#[test]
fn erasing_goes_from_the_bin_alone_and_of_what_was_erased_nothing_is_found() {
    for state in ["active", "disabled", "deprovisioned", "deleted", "purged"] {
        let scene = Scene::new();
        let (world, admin) = (&scene.world, scene.admin());
        let one = format!("/customers/{}", scene.customer);
        let typed = json!({ "confirm": "ALDERMOOR" });
        if state == "disabled" {
            admin.api_post(&format!("{one}/disable"), json!({})).expect(200);
        } else if state != "active" {
            admin.api_post(&format!("{one}/deprovision"), typed.clone()).expect(200);
        }
        if ["deleted", "purged"].contains(&state) {
            admin.api("DELETE", &one, typed.clone()).expect(200);
            let kit = world.count("SELECT max(id) FROM runs");
            assert_eq!(world.finish(kit), "done");
        }
        let purge = |body: Value| admin.api_post(&format!("{one}/purge"), body);
        if state == "deleted" {
            assert_eq!(
                purge(json!({ "confirm": "x" })).expect(422).complaints(),
                ["confirm does not match ALDERMOOR"]
            );
        }
        if state == "purged" {
            purge(typed.clone()).expect(204);
            for verb in ["disable", "enable", "deprovision", "reprovision", "restore", "provision"]
            {
                admin.api_post(&format!("{one}/{verb}"), typed.clone()).expect(404);
            }
            admin.api("DELETE", &one, typed.clone()).expect(404);
            admin.api_patch(&one, json!({ "phone": "1" })).expect(404);
        } else if state != "deleted" {
            assert_eq!(
                purge(typed.clone()).expect(422).complaints(),
                [format!("Aldermoor is {state}.")]
            );
            assert_eq!(scene.state(scene.customer), state);
            continue;
        }
        let again = purge(typed);
        assert_eq!(again.status, if state == "deleted" { 204 } else { 404 }, "{}", again.body);
        assert_eq!(scene.state(scene.customer), "purged");
    }
}

#[test]
fn a_customer_is_moved_from_every_state_but_the_bin() {
    for (state, good) in
        [("active", true), ("disabled", true), ("deprovisioned", true), ("deleted", false)]
    {
        let scene = Scene::new();
        let (world, admin) = (&scene.world, scene.admin());
        let other = world.reseller("Ferrow");
        let set = "UPDATE customers SET state = ?1 WHERE id = ?2";
        world.sql().execute(set, (state, scene.customer)).unwrap();
        let moved = admin.api_post(
            &format!("/customers/{}/move", scene.customer),
            json!({ "parent_id": other }),
        );
        assert_eq!((200..300).contains(&moved.status), good, "{state}: {}", moved.body);
        if !good {
            assert!(moved.says(&format!("Aldermoor is {state}.")), "{}", moved.body);
        }
    }
}

#[test]
fn what_fails_outside_leaves_the_state_and_a_retry_the_ledger() {
    let stage = Scripted::new();
    let (scene, admin) = (&stage.scene, stage.scene.admin());
    let (world, home) = (&scene.world, scene.customer);
    let theo = scene.user("theo");
    let held = scene.workplace(&admin, theo);
    assert_eq!(stage.settled(&admin, theo, held).0, "active");
    let one = format!("/customers/{home}");
    let ledger = || world.texts("SELECT kind || ' ' || action || facts FROM ledger ORDER BY id");
    stage.break_it(true);
    admin.api_post(&format!("{one}/disable"), json!({ "reason": "unpaid" })).expect(200);
    stage.settled(&admin, theo, held);
    let state = format!("SELECT state FROM customers WHERE id = {home}");
    assert_eq!(world.text(&state), "disabled", "it stays so, whatever the outside does");
    let page = admin.get(&one).expect(200);
    assert!(page.says("failed"), "{}", page.body);
    let failed = admin.api_get(&format!("/requests?status=failed&customer_id={home}")).json();
    let failed = failed["items"][0]["id"].as_i64().unwrap();
    assert!(admin.get(&format!("/requests/{failed}")).expect(200).says("Retry"));
    let before = ledger();
    admin.api_post(&format!("/requests/{failed}/retry"), Value::Null);
    stage.settled(&admin, theo, held);
    assert_eq!(
        (ledger(), world.text(&state).as_str()),
        (before.clone(), "disabled"),
        "failed again"
    );
    stage.break_it(false);
    admin.api_post(&format!("/requests/{failed}/retry"), Value::Null);
    stage.settled(&admin, theo, held);
    let open =
        format!("SELECT count(*) FROM requests WHERE customer_id = {home} AND status = 'failed'");
    assert_eq!((world.count(&open), world.text(&state).as_str()), (0, "disabled"));
    assert!(!admin.get(&one).expect(200).says("request failed"));
    assert_eq!(ledger(), before, "a retry is not billed");
}

/// Notices and ends of a demonstration, with the program started anew between all of them.
#[test]
fn a_demonstration_ends_in_the_same_steps_over_restarts() {
    let mut scene = Scene::new();
    let made = {
        let body = json!({
            "name": "Trial", "parent_id": scene.reseller, "domain": "trial.example", "contact_name": "Tess",
            "contact_email": "tess@trial.example", "type": "demo",
        });
        scene.admin().api_post("/customers", body).expect(201).json()["id"].as_i64().unwrap()
    };
    let id = CustomerId(made);
    let mut told = Vec::new();
    for day in 0..50 {
        for _ in 0..2 {
            scene.world.restart();
            let run = portico::jobs::run_now(&scene.world.app, "Terms of customers").unwrap();
            assert_eq!(run.state.word(), "done", "{}", run.error);
            scene.world.later(600);
        }
        let sent = scene.world.count("SELECT count(*) FROM messages WHERE event = 'customer.expiring' AND to_address = 'tess@trial.example'");
        let now = (scene.state(id), sent);
        if told.last().is_none_or(|(_, last)| *last != now) {
            told.push((day, now));
        }
        scene.world.later(86_400 - 1200);
    }
    let told: Vec<String> =
        told.iter().map(|(day, (state, sent))| format!("{day} {state} {sent}")).collect();
    // Made on the tenth of March, it ends with the ninth of April, at the midnight after thirty days.
    assert_eq!(
        told,
        [
            "0 active 0",
            "17 active 1",
            "24 active 2",
            "30 active 3",
            "31 deprovisioned 3",
            "45 deleted 3",
        ]
    );
}
