//! Exit kits, the bin, and what is left of a customer that was erased.

use crate::customers_life::Scene;
use crate::world::{Answer, PROVIDER, Person, World};
use portico::ids::CustomerId;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Read;

fn work(world: &World) {
    let runs = portico::jobs::start(&world.app).unwrap();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let open = || world.count("SELECT count(*) FROM runs WHERE state IN ('queued', 'running')");
    while open() > 0 && std::time::Instant::now() < end {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    runs.stop();
}

fn empty_bin(world: &World) {
    portico::jobs::run_now(&world.app, "Bin of customers").unwrap();
    world.later(60);
}

/// The files of the newest kit.
fn files(world: &World, customer: CustomerId) -> BTreeMap<String, String> {
    let file = world.text(&format!(
        "SELECT file FROM exit_kits WHERE customer_id = {customer} ORDER BY id DESC LIMIT 1"
    ));
    let bytes = std::fs::File::open(world.app.config.data.join("kits").join(file)).unwrap();
    let mut zip = zip::ZipArchive::new(bytes).unwrap();
    (0..zip.len())
        .map(|n| {
            let mut entry = zip.by_index(n).unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            (entry.name().unwrap().into_owned(), text)
        })
        .collect()
}

fn end(admin: &Person, id: CustomerId) -> Answer {
    let typed = json!({ "confirm": "ALDERMOOR" });
    admin.api_post(&format!("/customers/{id}/deprovision"), typed.clone()).expect(200);
    admin.api("DELETE", &format!("/customers/{id}"), typed).expect(200)
}

#[test]
fn a_kit_holds_everything_and_no_secret() {
    let scene = Scene::new();
    let (admin, world) = (scene.admin(), &scene.world);
    scene.equipped(&admin);
    world
        .sql()
        .execute(
            "UPDATE users SET password_hash = '$argon2id$PLANTED' WHERE customer_id = ?1",
            [scene.customer],
        )
        .unwrap();
    world
        .sql()
        .execute(
            "INSERT INTO credentials (customer_id, name, sealed, changed_at) VALUES (?1, 'Desk', 'PLANTED', '')",
            [scene.customer],
        )
        .unwrap();
    world
        .sql()
        .execute(
            "INSERT INTO offboardings (customer_id, user_id, state, ordered_at, begins_at, sealed_no, sealed_at, report,
                                       previous, hash)
             SELECT customer_id, max(id), 'sealed', '', '', 1, '', '{}', '', 'abc' FROM users WHERE customer_id = ?1",
            [scene.customer],
        )
        .unwrap();
    let at = format!("/customers/{}", scene.customer);
    let device = json!({ "name": "AD-0141", "kind": "Laptop", "serial": "PF3X9K" });
    admin.api_post(&format!("{at}/devices"), device).expect(201);
    let ca = world.person(scene.customer, "Customer administrator");
    ca.api_post(&format!("{at}/export"), json!({})).expect(202);
    work(world);
    let files = files(world, scene.customer);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "README.txt",
            "audit.csv",
            "customer.json",
            "devices.csv",
            "ledger.csv",
            "offboardings/1.json",
            "services.csv",
            "users.csv"
        ]
    );
    assert!(files["devices.csv"].contains("AD-0141,Laptop,PF3X9K"), "{}", files["devices.csv"]);
    let report: Value = serde_json::from_str(&files["offboardings/1.json"]).unwrap();
    assert_eq!((&report["seal"], &report["report"]), (&json!("abc"), &json!("{}")));
    for (name, text) in &files {
        assert!(!text.contains("argon2") && !text.contains("hash"), "{name}: {text}");
    }
    let customer: Value = serde_json::from_str(&files["customer.json"]).unwrap();
    assert_eq!(customer["domains"][0]["name"], "aldermoor.example");
    assert!(files["services.csv"].contains("theo@aldermoor.example"), "{}", files["services.csv"]);
    assert_eq!(files["services.csv"].lines().count(), 5, "two of the customer, two of users");
    assert!(files["ledger.csv"].contains("user_service"));
    assert!(files["audit.csv"].contains("customer_service.given"));
    // Whoever asked is told, and those of other branches find nothing.
    let kit = world.count("SELECT max(id) FROM exit_kits");
    let mail = world.text("SELECT text FROM messages WHERE event = 'customer.exported'");
    assert!(mail.contains(&format!("/exit-kits/{kit}")), "{mail}");
    let got = ca.get(&format!("/exit-kits/{kit}"));
    assert_eq!((got.status, got.header("Content-Type")), (200, "application/zip"));
    let listed = ca.api_get(&format!("{at}/exit-kits")).expect(200).json();
    assert_eq!(listed["items"][0]["id"], kit);
    let other = world.person(world.reseller("Ferrow"), "Reseller administrator");
    other.get(&format!("/exit-kits/{kit}")).expect(404);
    other.api_get(&format!("/exit-kits/{kit}")).expect(404);
    other.api_post(&format!("{at}/export"), json!({})).expect(404);
    assert!(ca.get(&format!("{at}/export")).says("Download"));
    // A fresh store takes the users back.
    let fresh = World::new();
    let there = fresh.customer(PROVIDER, "Aldermoor");
    let importer = fresh.person(PROVIDER, "Provider administrator");
    let body = files["users.csv"].clone();
    for secret in ["PLANTED", "ptc_"] {
        for (name, text) in &files {
            assert!(!text.contains(secret), "{name}");
        }
    }
    let url = format!("/customers/{there}/users/import?dry_run=true");
    let report = importer.api_send(&url, "text/csv", body.as_bytes()).expect(200).json();
    assert_eq!(
        (report["refused"].clone(), report["created"].clone()),
        (json!(0), json!(3)),
        "{report}"
    );
    let url = format!("/customers/{there}/users/import");
    importer.api_send(&url, "text/csv", body.as_bytes()).expect(200);
    let users = "SELECT group_concat(upn, ' ') FROM (SELECT upn FROM users WHERE customer_id = {} ORDER BY upn)";
    let there = users.replace("{}", &there.to_string());
    assert_eq!(fresh.text(&there), world.text(&users.replace("{}", &scene.customer.to_string())));
    world.later(91 * 86_400);
    empty_bin(world);
    assert_eq!(world.count("SELECT count(*) FROM exit_kits"), 0, "its time is over");
}

#[test]
fn a_deleted_customer_is_erased_after_thirty_days_and_its_bills_stay() {
    let scene = Scene::new();
    let (admin, world) = (scene.admin(), &scene.world);
    let [theo, _] = scene.equipped(&admin);
    let at = format!("/customers/{}", scene.customer);
    end(&admin, scene.customer);
    work(world);
    assert_eq!(world.count("SELECT count(*) FROM exit_kits"), 1, "made with the deletion");
    world.later(29 * 86_400);
    empty_bin(world);
    assert_eq!(scene.state(scene.customer), "deleted");
    world.later(2 * 86_400);
    empty_bin(world);
    assert_eq!(scene.state(scene.customer), "purged");
    assert_eq!(admin.api_get(&at).status, 404);
    assert_eq!(admin.api_get(&format!("/users/{theo}")).status, 404);
    let kept = format!(
        "SELECT code || name || contact_name || contact_email FROM customers WHERE id = {}",
        scene.customer
    );
    assert_eq!(world.text(&kept), "ALDERMOORAldermoor");
    let gone = format!(
        "SELECT count(*) FROM users WHERE customer_id = {} AND (upn IS NOT NULL OR display_name LIKE '%theo%')",
        scene.customer
    );
    assert_eq!(world.count(&gone), 0);
    assert_eq!(world.count("SELECT count(*) FROM domains WHERE name = 'aldermoor.example'"), 0);
    assert!(
        world.count(&format!("SELECT count(*) FROM ledger WHERE customer_id = {}", scene.customer))
            > 10
    );
    assert!(portico::ledger::check(&world.app.db).unwrap().is_empty());
    // Its name and domain are free, its code is not.
    let body = json!({
        "name": "Aldermoor", "code": "aldermoor", "parent_id": 1, "domain": "aldermoor.example",
        "contact_name": "Ann", "contact_email": "ann@aldermoor.example",
    });
    let said = admin.api_post("/customers", body.clone()).expect(422).complaints();
    assert_eq!(said, ["code is already taken by another customer"]);
    let mut body = body;
    body["code"] = json!("");
    admin.api_post("/customers", body).expect(201);
}

#[test]
fn an_invoice_prints_after_its_buyer_was_erased() {
    let scene = crate::billing::Scene::new().in_may();
    let (world, seller, admin) = (&scene.world, scene.seller(), scene.provider());
    let issuer = json!({
        "legal_name": "Brightwater Office B.V.", "address": "Kade 14", "country": "NL", "tax_id": "NL0000B00",
        "registration_no": "", "bank": "", "iban": "NL00TEST0000000000", "bic": "", "payment_days": 30,
        "tax_rate_bp": 2100, "tax_label": "VAT", "number_pattern": "{year}-{number:4}",
        "credit_pattern": "C{year}-{number:4}", "note": "",
    });
    seller.api("PUT", &format!("/customers/{}/issuer", scene.reseller), issuer).expect(200);
    seller.api_post("/billing/periods/2026-04-30/invoices", json!({})).expect(200);
    let id = world.count(&format!("SELECT id FROM invoices WHERE buyer_id = {}", scene.customer));
    seller.api_post(&format!("/invoices/{id}/finalise"), Value::Null).expect(200);
    let paper = seller.api_get(&format!("/invoices/{id}/html")).expect(200).body;
    let at = format!("/customers/{}", scene.customer);
    let code = world.text(&format!("SELECT code FROM customers WHERE id = {}", scene.customer));
    let typed = json!({ "confirm": code });
    admin.api_post(&format!("{at}/deprovision"), typed.clone()).expect(200);
    admin.api("DELETE", &at, typed.clone()).expect(200);
    work(world);
    assert!(files(world, scene.customer)["invoices/2026-0001.json"].contains("Aldermoor"));
    admin.api_post(&format!("{at}/purge"), typed).expect(204);
    assert_eq!(admin.api_get(&at).status, 404);
    assert_eq!(seller.api_get(&format!("/invoices/{id}/html")).expect(200).body, paper);
    assert!(paper.contains("Aldermoor Dental"));
}

#[test]
fn a_restored_customer_is_what_it_was_but_for_sign_ins_and_tokens() {
    let scene = Scene::new();
    let (admin, world) = (scene.admin(), &scene.world);
    scene.equipped(&admin);
    let ca = world.person(scene.customer, "Customer administrator");
    let at = format!("/customers/{}", scene.customer);
    let details = json!({ "notes": "Gold", "phone": "+31 20 555 0101" });
    admin.api_patch(&at, details).expect(200);
    let picture = || -> Vec<String> {
        [
            "SELECT name || state || phone || notes || contact_email FROM customers WHERE id = :at",
            "SELECT group_concat(name || main) FROM customer_domains JOIN domains ON domains.id = domain_id WHERE customer_domains.customer_id = :at",
            "SELECT group_concat(upn || mail || state || display_name) FROM (SELECT * FROM users WHERE customer_id = :at ORDER BY id)",
            "SELECT group_concat(user_id || ' ' || role_id || ' ' || at_id) FROM (SELECT * FROM role_grants WHERE at_id = :at ORDER BY id)",
            "SELECT group_concat(user_id || ' ' || plan_id || wanted || live) FROM (SELECT * FROM user_services WHERE customer_id = :at ORDER BY id)",
            "SELECT group_concat(service_id || wanted || live) FROM (SELECT * FROM customer_services WHERE customer_id = :at ORDER BY id)",
        ]
        .map(|query| world.text(&query.replace(":at", &scene.customer.to_string())))
        .to_vec()
    };
    let before = picture();
    assert_eq!((ca.get("/account").status, ca.api_get("/users").status), (200, 200));
    // Not while it lives, not by another word, not by a browser that proved itself long ago.
    let said = admin.api("DELETE", &at, json!({ "confirm": "ALDERMOOR" })).expect(422).complaints();
    assert_eq!(said, ["Deprovision Aldermoor first."]);
    let typed = json!({ "confirm": "ALDERMOOR" });
    admin.api_post(&format!("{at}/deprovision"), typed.clone()).expect(200);
    let said = admin.api("DELETE", &at, json!({ "confirm": "Aldermoor" })).expect(422).complaints();
    assert_eq!(said, ["confirm does not match ALDERMOOR"]);
    world.later(11 * 60);
    let asked = admin.post(&format!("{at}/delete"), &[("confirm", "ALDERMOOR")]).expect(403);
    assert!(asked.says("Your password, once more"), "{}", asked.body);
    assert_eq!(scene.state(scene.customer), "deprovisioned");
    admin.api("DELETE", &at, typed).expect(200);
    work(world);
    world.later(29 * 86_400);
    empty_bin(world);
    // Where a domain it uses is nobody's above it any more, it does not come back.
    let of = |owner: i64| {
        format!("UPDATE domains SET customer_id = {owner} WHERE name = 'aldermoor.example'")
    };
    let other = world.customer(PROVIDER, "Mistvale");
    world.sql().execute(&of(other.0), []).unwrap();
    let said = admin.api_post(&format!("{at}/restore"), json!({})).expect(422).complaints();
    assert_eq!(said, ["aldermoor.example is no longer shared with Aldermoor."]);
    world.sql().execute(&of(scene.customer.0), []).unwrap();
    admin.api_post(&format!("{at}/restore"), json!({})).expect(200);
    admin.api_post(&format!("{at}/reprovision"), json!({})).expect(200);
    assert_eq!(picture(), before);
    assert_eq!((ca.get("/account").status, ca.api_get("/users").status), (303, 401));
    assert!(world.sign_in(ca.id).get("/account").status == 200, "who signs in anew is in");
}

#[test]
fn without_a_kit_nothing_is_erased_and_somebody_is_told() {
    let scene = Scene::new();
    let (admin, world) = (scene.admin(), &scene.world);
    let ra = world.person(scene.reseller, "Reseller administrator");
    // Where the directory should be there is a file, as on a disk that cannot be written.
    std::fs::write(world.app.config.data.join("kits"), "no room").unwrap();
    let at = format!("/customers/{}", scene.customer);
    end(&admin, scene.customer);
    let typed = json!({ "confirm": "ALDERMOOR" });
    let said = admin.api_post(&format!("{at}/purge"), typed.clone()).expect(422).complaints();
    assert_eq!(said, ["There is no exit kit yet: it is still being made."]);
    work(world);
    let said = admin.api_post(&format!("{at}/purge"), typed.clone()).expect(422).complaints();
    assert!(
        said[0].starts_with("There is no exit kit yet: The file could not be written"),
        "{said:?}"
    );
    let alarms = format!(
        "SELECT count(*) FROM messages WHERE event = 'customer.export_failed' AND user_id = {}",
        ra.id
    );
    assert_eq!(world.count(&alarms), 1);
    world.later(31 * 86_400);
    empty_bin(world);
    assert_eq!((scene.state(scene.customer).as_str(), world.count(&alarms)), ("deleted", 2));
    std::fs::remove_file(world.app.config.data.join("kits")).unwrap();
    work(world);
    // The clock may have emptied the bin by itself once there was a kit.
    if scene.state(scene.customer) == "deleted" {
        admin.api_post(&format!("{at}/purge"), typed).expect(204);
    }
    assert_eq!(scene.state(scene.customer), "purged");
}
