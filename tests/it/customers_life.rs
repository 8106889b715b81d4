//! The life of a customer: each verb from each state, what it leaves behind, and the ways back.

use crate::world::{PROVIDER, Person, World};
use portico::ids::{CustomerId, UserId};
use serde_json::{Value, json};

/// Brightwater sells a workplace for users and files for customers; Aldermoor and Hollin buy there.
pub struct Scene {
    pub world: World,
    pub reseller: CustomerId,
    pub customer: CustomerId,
}

impl Scene {
    pub fn new() -> Scene {
        let world = World::new();
        let reseller = world.reseller("Brightwater");
        let customer = world.customer(reseller, "Aldermoor");
        world
            .sql()
            .execute_batch(&format!(
                "INSERT INTO services (id, code, name, kind, state, tracking_only, created_at, changed_at)
                 VALUES (100, 'workplace', 'Managed workplace', 'user', 'active', 1, '', ''),
                        (101, 'files', 'Shared files', 'customer', 'active', 1, '', '');
                 INSERT INTO plans (id, service_id, level, code, name, sku) VALUES
                   (200, 100, 'user', 'standard', 'Standard', 'MW-STD'), (201, 100, 'user', 'plus', 'Plus', 'MW-PLS'),
                   (202, 101, 'customer', 'standard', 'Files', 'SF-STD');
                 {}",
                offers(reseller)
            ))
            .unwrap();
        Scene { world, reseller, customer }
    }

    pub fn admin(&self) -> Person<'_> {
        self.world.person(PROVIDER, "Provider administrator")
    }

    /// Aldermoor with files, and Theo and Ann with a workplace.
    pub fn equipped(&self, admin: &Person) -> [UserId; 2] {
        let at = format!("/customers/{}/services", self.customer);
        admin.api_post(&at, json!({ "service": "files" })).expect(202);
        admin.api_post(&at, json!({ "service": "workplace" })).expect(202);
        ["theo", "ann"].map(|local| {
            let user = self.world.user(self.customer, local, local);
            let given = json!({ "service": "workplace", "plan": "standard" });
            admin.api_post(&format!("/users/{user}/services"), given).expect(202);
            user
        })
    }

    pub fn state(&self, id: CustomerId) -> String {
        self.world.text(&format!("SELECT state FROM customers WHERE id = {id}"))
    }

    /// Open spans of the ledger by kind.
    pub fn open(&self) -> String {
        self.world.text(&format!(
            "SELECT group_concat(kind || ' ' || n, ', ')
               FROM (SELECT kind, count(*) AS n FROM ledger_spans
                      WHERE customer_id = {} AND ends_at = '9999' GROUP BY kind ORDER BY kind)",
            self.customer
        ))
    }

    pub fn seats(&self, holder: CustomerId) -> i64 {
        self.world.count(&format!(
            "SELECT coalesce(sum(used), 0) FROM usage WHERE holder_id = {holder} AND plan_id = 0"
        ))
    }

    pub fn audit(&self, like: &str) -> String {
        self.world.text(&format!(
            "SELECT group_concat(action) FROM audit_log
              WHERE subject_kind = 'customer' AND subject_id = {} AND action LIKE '{like}'",
            self.customer
        ))
    }
}

/// What a reseller needs in order to sell both.
pub fn offers(reseller: CustomerId) -> String {
    let (one, two) = (reseller.0 * 10, reseller.0 * 10 + 1);
    format!(
        "INSERT INTO offers (id, reseller_id, service_id, given_at)
         VALUES ({one}, {reseller}, 100, ''), ({two}, {reseller}, 101, '');
         INSERT INTO offer_plans (offer_id, service_id, plan_id) VALUES
           ({one}, 100, 200), ({one}, 100, 201), ({two}, 101, 202);"
    )
}

#[test]
fn every_verb_from_every_state_takes_effect_or_says_the_state() {
    let verbs = [
        ("disable", "POST", "/disable", "active", "disabled"),
        ("enable", "POST", "/enable", "disabled", "active"),
        ("deprovision", "POST", "/deprovision", "active disabled", "deprovisioned"),
        ("reprovision", "POST", "/reprovision", "deprovisioned", "active"),
        ("delete", "DELETE", "", "deprovisioned", "deleted"),
        ("restore", "POST", "/restore", "deleted", "deprovisioned"),
        ("apply again", "POST", "/provision", "active disabled", ""),
        ("edit", "PATCH", "", "active disabled deprovisioned", ""),
    ];
    for state in ["active", "disabled", "deprovisioned", "deleted"] {
        for (verb, method, path, from, to) in verbs {
            let scene = Scene::new();
            let admin = scene.admin();
            let at = format!("/customers/{}", scene.customer);
            let go = |verb: &str| {
                admin
                    .api_post(&format!("{at}/{verb}"), json!({ "confirm": "ALDERMOOR" }))
                    .expect(200);
            };
            match state {
                "disabled" => {
                    admin.api_post(&format!("{at}/disable"), json!({})).expect(200);
                }
                "deprovisioned" => go("deprovision"),
                "deleted" => {
                    go("deprovision");
                    admin.api("DELETE", &at, json!({ "confirm": "ALDERMOOR" })).expect(200);
                }
                _ => {}
            }
            assert_eq!(scene.state(scene.customer), state);
            let body = match verb {
                "deprovision" | "delete" => json!({ "confirm": "ALDERMOOR" }),
                "edit" => json!({ "phone": "+31 20 1" }),
                _ => json!({}),
            };
            let answer = admin.api(method, &format!("{at}{path}"), body);
            let what = format!("{verb} while {state}: {}", answer.body);
            if from.split(' ').any(|each| each == state) {
                assert!((200..300).contains(&answer.status), "{what}");
                let then = if to.is_empty() { state } else { to };
                assert_eq!(scene.state(scene.customer), then, "{what}");
            } else {
                assert_eq!(answer.status, 422, "{what}");
                let said = match (verb, state) {
                    ("delete", "active" | "disabled") => "Deprovision Aldermoor first.".to_owned(),
                    _ => format!("Aldermoor is {state}."),
                };
                assert_eq!(answer.complaints(), [said], "{what}");
                assert_eq!(scene.state(scene.customer), state, "{what}");
            }
            // The page asks or says the same.
            if path.len() > 1 && verb != "apply again" {
                let page = admin.get(&format!("{at}{path}"));
                assert!([200, 422].contains(&page.status), "{what}: {}", page.body);
            }
        }
    }
}

#[test]
fn the_provider_goes_through_none_of_it() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    for verb in ["disable", "enable", "deprovision", "reprovision", "restore", "purge"] {
        let body = json!({ "confirm": "NORTHWIND" });
        admin.api_post(&format!("/customers/1/{verb}"), body).expect(404);
    }
    admin.api("DELETE", "/customers/1", json!({ "confirm": "x" })).expect(404);
    let said = admin.api_patch("/customers/1", json!({ "type": "test", "user_limit": 5 }));
    assert_eq!(
        said.complaints(),
        ["type needs customers.limits", "user_limit needs customers.limits"]
    );
    // Nor for whoever owns the shell.
    let shell = portico::auth::Actor::of_shell();
    let provider = world.text("SELECT name FROM customers WHERE id = 1");
    let none = portico::input::Input::default();
    let refused =
        portico::customers::life::disable(&world.app.db, &shell.scope().unwrap(), PROVIDER, &none);
    assert_eq!(refused.unwrap_err().to_string(), format!("{provider} is the provider."));
    let mut typed = portico::input::Input::default();
    typed.set("confirm", world.text("SELECT code FROM customers WHERE id = 1"));
    let scope = shell.scope().unwrap();
    let refused = portico::customers::life::deprovision(&world.app.db, &scope, PROVIDER, &typed);
    assert_eq!(refused.unwrap_err().to_string(), format!("{provider} is the provider."));
    let mut demo = portico::input::Input::default();
    demo.set("type", "test");
    let limits = shell.scope().unwrap();
    let db = &world.app.db;
    let refused = portico::customers::update_limits(db, &limits, PROVIDER, &demo, None);
    assert!(refused.unwrap_err().to_string().contains("cannot change at the provider"));
}

#[test]
fn enabling_brings_back_just_those_who_were_there_by_one_request_each_way() {
    let scene = Scene::new();
    let admin = scene.admin();
    let [theo, ann] = scene.equipped(&admin);
    admin.api_post(&format!("/users/{ann}/disable"), json!({})).expect(200);
    let at = format!("/customers/{}", scene.customer);
    let preview =
        admin.api_post(&format!("{at}/disable?preview=true"), json!({})).expect(200).json();
    assert_eq!(preview["refusals"], json!([]));
    assert!(preview["steps"].to_string().contains("Disable Aldermoor"), "{preview}");
    assert_eq!(scene.state(scene.customer), "active", "a preview does nothing");
    admin.api_post(&format!("{at}/disable"), json!({ "reason": "unpaid" })).expect(200);
    let wanted = "SELECT group_concat(wanted) FROM (SELECT wanted FROM user_services ORDER BY id)";
    assert_eq!(scene.world.text(wanted), "suspended,suspended");
    admin.api_post(&format!("{at}/enable"), json!({})).expect(200);
    assert_eq!(scene.world.text(wanted), "on,suspended", "Ann was disabled before");
    let states = "SELECT group_concat(state) FROM (SELECT state FROM users WHERE customer_id <> 1 ORDER BY id)";
    assert_eq!(scene.world.text(states), "active,disabled");
    let events = format!(
        "SELECT group_concat(event) FROM requests WHERE customer_id = {} AND parent_id IS NULL
            AND event LIKE 'customer.%'",
        scene.customer
    );
    assert_eq!(scene.world.text(&events), "customer.disable,customer.enable");
    let parts = "SELECT count(*) FROM requests WHERE parent_id IS NOT NULL";
    assert!(scene.world.count(parts) >= 5, "the services' hang below them");
    assert_eq!(scene.audit("customer.%abled"), "customer.disabled,customer.enabled");
    // Administrators above are told, but not whoever did it.
    let reseller = scene.world.person(scene.reseller, "Reseller administrator");
    admin.api_post(&format!("{at}/disable"), json!({ "reason": "unpaid" })).expect(200);
    let mails = format!(
        "SELECT group_concat(subject || ': ' || user_id) FROM messages WHERE user_id = {}",
        reseller.id
    );
    assert_eq!(scene.world.text(&mails), format!("Aldermoor was disabled: {}", reseller.id));
    assert!(
        scene
            .world
            .text("SELECT text FROM messages ORDER BY id DESC LIMIT 1")
            .contains("Reason: unpaid")
    );
    assert_eq!(
        scene.world.count(&format!("SELECT count(*) FROM messages WHERE user_id = {}", admin.id)),
        0
    );
    let theirs = admin.api_get(&format!("/users/{theo}")).expect(200).json();
    assert_eq!(theirs["state"], "active", "the user itself is as it was");
}

#[test]
fn deprovisioned_and_back_closes_and_opens_as_many_spans_at_one_instant() {
    let scene = Scene::new();
    let admin = scene.admin();
    let [_, ann] = scene.equipped(&admin);
    admin.api_post(&format!("/users/{ann}/disable"), json!({})).expect(200);
    let (before, seats) = (scene.open(), scene.seats(scene.reseller));
    assert_eq!(before, "customer 1, customer_service 2, domain 1, user 2, user_service 2");
    let at = format!("/customers/{}", scene.customer);
    let person = scene.world.person(scene.customer, "Customer administrator");
    let (before_person, open) = (scene.open(), scene.open());
    assert_eq!(before_person, open);
    scene.world.later(3600);
    let wrong = admin.api_post(&format!("{at}/deprovision"), json!({ "confirm": "aldermoor" }));
    assert_eq!(wrong.expect(422).complaints(), ["confirm does not match ALDERMOOR"]);
    assert_eq!(scene.open(), open, "nothing was done");
    let body = json!({ "confirm": "ALDERMOOR" });
    admin.api_post(&format!("{at}/deprovision"), body.clone()).expect(200);
    assert_eq!(scene.open(), "");
    let instants = format!(
        "SELECT count(DISTINCT at) FROM ledger WHERE customer_id = {} AND action = 'removed'",
        scene.customer
    );
    assert_eq!(scene.world.count(&instants), 1);
    assert_eq!(scene.seats(scene.reseller), 0, "seats are free");
    assert_eq!(person.api_get(&at).status, 401, "no door is open");
    let states = "SELECT group_concat(DISTINCT state) FROM users WHERE customer_id <> 1";
    assert_eq!(scene.world.text(states), "deprovisioned");
    let mail =
        "SELECT group_concat(to_address) FROM messages WHERE event = 'customer.deprovisioned'";
    assert_eq!(scene.world.text(mail), "contact@aldermoor.example");
    scene.world.later(3600);
    admin.api_post(&format!("{at}/reprovision"), json!({})).expect(200);
    assert_eq!((scene.open(), scene.seats(scene.reseller)), (open, seats));
    let theirs = admin.api_get(&format!("/users/{ann}")).expect(200).json();
    assert_eq!(theirs["state"], "disabled", "as she was");
    let wanted = format!("SELECT wanted FROM user_services WHERE user_id = {ann}");
    assert_eq!(scene.world.text(&wanted), "suspended");
    assert_eq!(person.api_get(&at).status, 401, "its token ended");
    assert!(portico::ledger::check(&scene.world.app.db).unwrap().is_empty());
    assert_eq!(scene.audit("customer.%prov%"), "customer.deprovisioned,customer.reprovisioned");
}

#[test]
fn the_bill_of_the_month_has_both_parts_and_a_preview_says_what_ends() {
    let scene = Scene::new();
    let admin = scene.admin();
    scene.equipped(&admin);
    let (world, reseller) = (&scene.world, scene.reseller);
    world
        .sql()
        .execute_batch(&format!(
            "INSERT INTO price_lists (id, customer_id, code, name, currency, main) VALUES (900, {reseller}, 'RETAIL', 'Retail', 'EUR', 1);
             INSERT INTO prices (list_id, seller_id, currency, kind, service, plan, unit_price, valid_from, created_at) VALUES
               (900, {reseller}, 'EUR', 'user_service', 'workplace', 'standard', 31000000, '2026-01-01', '2026-01-01T00:00:00Z'),
               (900, {reseller}, 'EUR', 'customer_service', 'files', 'standard', 62000000, '2026-01-01', '2026-01-01T00:00:00Z');"
        ))
        .unwrap();
    let seller = world.person(reseller, "Reseller administrator");
    let bill = || {
        let url = format!("/billing/periods/2026-03-31/summary?seller_id={reseller}");
        let all = seller.api_get(&url).expect(200).json();
        let items = all["items"].as_array().unwrap().iter();
        items.map(|line| line["amount_minor"].as_i64().unwrap()).sum::<i64>()
    };
    let whole = bill();
    assert!(whole > 0, "from the tenth of March on");
    let at = format!("/customers/{}", scene.customer);
    let typed = json!({ "confirm": "ALDERMOOR" });
    let ask = format!("{at}/deprovision?preview=true");
    let seen = seller.api_post(&ask, typed.clone()).expect(200).json()["monthly"].clone();
    assert_eq!(
        (&seen["before_minor"], &seen["after_minor"]),
        (&json!(12_400), &json!(0)),
        "{seen}"
    );
    assert!(seller.get(&format!("{at}/deprovision")).says("Monthly before"));
    world.later(5 * 86_400);
    admin.api_post(&format!("{at}/deprovision"), typed).expect(200);
    let first = bill();
    assert!(0 < first && first < whole, "{first} of {whole}");
    world.later(5 * 86_400);
    assert_eq!(bill(), first, "nothing while it is away");
    admin.api_post(&format!("{at}/reprovision"), json!({})).expect(200);
    let both = bill();
    assert!(first < both && both < whole, "{first}, {both} of {whole}");
}

#[test]
fn provisioning_again_is_refused_with_every_reason_at_once() {
    let scene = Scene::new();
    let admin = scene.admin();
    scene.equipped(&admin);
    let at = format!("/customers/{}", scene.customer);
    admin.api_post(&format!("{at}/deprovision"), json!({ "confirm": "ALDERMOOR" })).expect(200);
    admin.api_patch(&at, json!({ "user_limit": 1 })).expect(200);
    let (reseller, sql) = (scene.reseller, scene.world.sql());
    sql.execute_batch(&format!(
        "UPDATE offers SET state = 'closed' WHERE reseller_id = {reseller} AND service_id = 101;
         UPDATE usage SET max = 1 WHERE holder_id = {reseller} AND service_id = 100 AND plan_id = 0 AND meter = 'seats';
         UPDATE customers SET state = 'disabled' WHERE id = {reseller};"
    ))
    .unwrap();
    let refused = admin.api_post(&format!("{at}/reprovision"), json!({})).expect(422).complaints();
    assert_eq!(refused.len(), 4, "{refused:#?}");
    assert_eq!(refused[0], "Brightwater is disabled.");
    assert_eq!(refused[1], "Aldermoor may have 1 user; 2 exist.");
    assert_eq!(refused[2], "The offer of Shared files to Brightwater is closed.");
    assert!(refused[3].contains("Brightwater"), "{refused:#?}");
    assert_eq!(
        (scene.state(scene.customer).as_str(), scene.open().as_str()),
        ("deprovisioned", "")
    );
    let page = admin.get(&format!("{at}/reprovision"));
    assert!(page.says("The offer of Shared files to Brightwater is closed."), "{}", page.body);
}

#[test]
fn a_customer_with_others_below_is_not_ended_before_them() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let reseller = world.reseller("Brightwater");
    let mut below = Vec::new();
    for name in ["Aldermoor", "Hollin", "Vasterby", "Zuid"] {
        below.push((world.customer(reseller, name), name.to_uppercase()));
    }
    let at = format!("/customers/{reseller}");
    let typed = json!({ "confirm": "BRIGHTWATER" });
    let said = admin.api_post(&format!("{at}/deprovision"), typed.clone()).expect(422).complaints();
    assert_eq!(
        said,
        [
            "Brightwater has 4 customers below that are not deprovisioned: Aldermoor, Hollin, Vasterby."
        ]
    );
    for (id, code) in &below {
        let typed = json!({ "confirm": code });
        admin.api_post(&format!("/customers/{id}/deprovision"), typed).expect(200);
    }
    admin.api_post(&format!("{at}/deprovision"), typed.clone()).expect(200);
    let said = admin.api("DELETE", &at, typed).expect(422).complaints();
    assert_eq!(said, ["4 customers below are not deleted."]);
}

#[test]
fn deleting_asks_for_the_code_and_the_password_and_waits_for_the_work() {
    let scene = Scene::new();
    let admin = scene.admin();
    let at = format!("/customers/{}", scene.customer);
    let typed = json!({ "confirm": "ALDERMOOR" });
    admin.api_post(&format!("{at}/deprovision"), typed.clone()).expect(200);
    scene
        .world
        .sql()
        .execute(
            "INSERT INTO requests (customer_id, event, title, queue, class, source, created_at, deadline_at, next_at)
             VALUES (?1, 'customer.provision', 'Slow', 'bulk', 'bulk', 'page', '', '9999', '')",
            [scene.customer],
        )
        .unwrap();
    let said = admin.api("DELETE", &at, json!({ "confirm": "no" })).expect(422).complaints();
    let request = scene.world.count("SELECT max(id) FROM requests");
    assert_eq!(
        said,
        [
            "confirm does not match ALDERMOOR".to_owned(),
            format!("Request {request} is still running."),
        ]
    );
    scene.world.sql().execute("UPDATE requests SET status = 'done', turn = 'over'", []).unwrap();
    // A token that says * is not asked and does not suffice.
    let token = portico::auth::NewToken::make().unwrap();
    scene
        .world
        .sql()
        .execute(
            "INSERT INTO tokens (user_id, name, hash, permissions, created_at, expires_at) VALUES (?1, 'all', ?2, '*', ?3, ?4)",
            (admin.id, token.hash, scene.world.now(), scene.world.now().plus_days(1)),
        )
        .unwrap();
    let bearer = format!("Bearer {}", token.text.reveal());
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let refused =
        admin.ask("DELETE", &format!("/api/v1{at}"), typed.to_string().into_bytes(), headers);
    assert_eq!(refused.status, 403, "{}", refused.body);
    // A browser whose password was given an hour ago is asked for it.
    scene.world.later(3600 / 2 - 60);
    let page = admin.post(&format!("{at}/delete"), &[("confirm", "ALDERMOOR")]).expect(403);
    assert!(
        page.says("Your password, once more") && page.says("confirm=ALDERMOOR"),
        "{}",
        page.body
    );
    let to = format!("name=\"to\" value=\"{at}/delete\"");
    assert!(page.says(&to), "it goes on to what was asked: {}", page.body);
    let wrong = [("present_password", "not mine"), ("to", "/today"), ("form", "")];
    assert_ne!(admin.post("/again", &wrong).status, 303, "a wrong one does not count");
    assert_eq!(scene.state(scene.customer), "deprovisioned");
    admin.api("DELETE", &at, typed).expect(200);
    assert_eq!(scene.state(scene.customer), "deleted");
    admin.api_post(&format!("{at}/restore"), json!({})).expect(200);
    admin.api_post(&format!("{at}/reprovision"), json!({})).expect(200);
    assert_eq!(scene.state(scene.customer), "active");
}

#[test]
fn fields_of_above_are_neither_seen_nor_set_below() {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let customer = world.customer(reseller, "Aldermoor");
    let (ca, ra) = (
        world.person(customer, "Customer administrator"),
        world.person(reseller, "Reseller administrator"),
    );
    let at = format!("/customers/{customer}");
    let all = json!({
        "fax": "+31 20 2", "coordinates": "52.37, 4.90", "tags": ["north", "dental"], "rank": "A",
        "notes": "Pays late.", "links": [{ "label": "Wiki", "url": "https://wiki.example/a" }],
    });
    let seen = ra.api_patch(&at, all.clone()).expect(200).json();
    assert_eq!(
        (seen["tags"].clone(), seen["rank"].clone()),
        (json!(["north", "dental"]), json!("A"))
    );
    assert_eq!(
        (seen["coordinates"].clone(), seen["links"].clone()),
        (json!("52.37,4.90"), all["links"].clone())
    );
    let theirs = ca.api_get(&at).expect(200).json();
    for field in ["notes", "tags", "rank"] {
        assert!(theirs.get(field).is_none(), "{field}");
        let said = ca.api_patch(&at, json!({ field: "x" })).expect(422).complaints();
        assert_eq!(said, [format!("{field} is seen and set from above only")]);
    }
    assert_eq!(theirs["fax"], "+31 20 2");
    let page = ca.get(&format!("{at}/edit"));
    assert!(!page.says("name=\"tags\"") && !page.says("name=\"rank\"") && !page.says("Pays late"));
    let page = ra.get(&format!("{at}/edit"));
    assert!(
        page.says("name=\"tags\"")
            && page.says("north, dental")
            && page.says("Wiki https://wiki.example/a")
    );
    let wrong = json!({
        "coordinates": "91,0", "rank": "Z", "tags": ["a".repeat(31)], "fax": "call",
        "links": [{ "label": "x", "url": "javascript:alert(1)" }],
    });
    let mut said = ra.api_patch(&at, wrong).expect(422).complaints();
    said.sort();
    assert_eq!(
        said,
        [
            "coordinates must be latitude,longitude like 52.37,4.90",
            "fax may have digits and + ( ) - . / only",
            "links must each be a label and an address that begins with https:// or http://",
            "rank is not one of the choices",
            "tags must have at most 30 characters each",
        ]
    );
    let many: Vec<String> = (0..21).map(|n| n.to_string()).collect();
    let said = ra.api_patch(&at, json!({ "tags": many })).expect(422).complaints();
    assert_eq!(said, ["tags must be 20 at most"]);
}

#[test]
fn what_looks_wrong_is_taken_and_said() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let one = world.customer(PROVIDER, "Aldermoor");
    world.user(one, "Theo", "theo");
    let body = json!({
        "name": "aldermoor", "parent_id": 1, "domain": "two.example", "contact_name": "Ann",
        "contact_email": "ann@two.example", "country": "NL", "tax_id": "12345", "tell_contact": true,
    });
    let made = admin.api_post("/customers", body).expect(201).json();
    let provider = world.text("SELECT name FROM customers WHERE id = 1");
    assert_eq!(
        made["warnings"],
        json!([
            format!("Another customer of {provider} has this name."),
            "The tax id does not look like one of NL.",
        ])
    );
    assert_eq!(world.text("SELECT to_address FROM messages"), "ann@two.example");
    let at = format!("/customers/{one}");
    let limited = admin.api_patch(&at, json!({ "user_limit": 0 })).expect(200).json();
    assert_eq!(limited["warnings"][1], "It has 1 of 0 users: nobody can be added.");
    let said = admin.api_post(
        &format!("{at}/users"),
        json!({ "upn": "a@aldermoor.example", "last_name": "B" }),
    );
    assert_eq!(said.expect(422).complaints(), ["Aldermoor may have 0 users; 1 exists."]);
}

#[test]
fn a_customer_is_put_by_its_id_elsewhere() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let body = json!({
        "name": "Aldermoor", "parent_id": 1, "domain": "a.example", "contact_name": "Ann",
        "contact_email": "ann@a.example",
    });
    let at = "/customers/by-external-id/CRM-7";
    let made = admin.api("PUT", at, body).expect(201).json();
    assert_eq!(made["external_id"], "CRM-7");
    let again = admin.api("PUT", at, json!({ "name": "Aldermoor Dental" })).expect(200).json();
    assert_eq!(
        (again["id"].clone(), again["name"].clone()),
        (made["id"].clone(), json!("Aldermoor Dental"))
    );
    let said = admin.api("PUT", at, json!({ "external_id": "X" })).expect(422).complaints();
    assert_eq!(said, ["external_id must be the one in the address"]);
    let reseller = world.reseller("Brightwater");
    let other = world.person(reseller, "Reseller administrator");
    let body = json!({
        "name": "Twin", "parent_id": reseller, "domain": "t.example", "contact_name": "Ann",
        "contact_email": "ann@t.example",
    });
    let said = other.api("PUT", at, body).expect(422).complaints();
    assert_eq!(said, ["external_id is already used by another customer"], "theirs is not named");
}

#[test]
fn those_of_another_branch_end_nobody() {
    let scene = Scene::new();
    let other = scene.world.reseller("Ferrow");
    let ra = scene.world.person(other, "Reseller administrator");
    let at = format!("/customers/{}", scene.customer);
    for verb in ["disable", "enable", "deprovision", "reprovision", "restore", "purge", "provision"]
    {
        ra.api_post(&format!("{at}/{verb}"), json!({ "confirm": "ALDERMOOR" })).expect(404);
        if verb != "provision" {
            ra.get(&format!("{at}/{verb}")).expect(404);
        }
    }
    ra.api("DELETE", &at, json!({ "confirm": "ALDERMOOR" })).expect(404);
    let ca = scene.world.person(scene.customer, "Customer administrator");
    for verb in ["disable", "deprovision", "reprovision", "restore", "purge"] {
        ca.api_post(&format!("{at}/{verb}"), json!({ "confirm": "ALDERMOOR" })).expect(403);
    }
    assert_eq!(scene.state(scene.customer), "active");
    let none: Value = ca.api_get(&at).expect(200).json();
    assert!(none.get("notes").is_none());
}
