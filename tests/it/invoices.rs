//! Invoices: drafts that follow the bill, numbers without gaps, what never changes, what is mailed.

use crate::billing::{PLANTED_COST, Scene};
use crate::world::{Answer, PROVIDER, Person, World};
use portico::ids::CustomerId;
use serde_json::{Value, json};

fn profile(name: &str) -> Value {
    json!({
        "legal_name": name, "address": "Kade 14\n1000 AA Amsterdam", "country": "NL", "tax_id": "NL0000B00",
        "registration_no": "", "bank": "", "iban": "NL00TEST0000000000", "bic": "", "payment_days": 30,
        "tax_rate_bp": 2100, "tax_label": "VAT", "number_pattern": "{year}-{number:4}",
        "credit_pattern": "C{year}-{number:4}", "note": "",
    })
}

fn issuer(person: &Person, seller: CustomerId) {
    person
        .api("PUT", &format!("/customers/{seller}/issuer"), profile("Brightwater Office B.V."))
        .expect(200);
}

/// In May, with a seller who can write invoices.
fn ready() -> Scene {
    let scene = Scene::new().in_may();
    issuer(&scene.seller(), scene.reseller);
    scene
}

const APRIL: &str = "/billing/periods/2026-04-30/invoices";

fn draft(scene: &Scene) -> i64 {
    let made = scene.seller().api_post(APRIL, json!({})).expect(200).json();
    assert_eq!(made["blocked"], json!([]));
    made["created"]
        .as_array()
        .into_iter()
        .chain(made["rebuilt"].as_array())
        .flatten()
        .next()
        .unwrap()
        .as_i64()
        .unwrap()
}

fn finalise(person: &Person, id: i64) -> Answer {
    person.api_post(&format!("/invoices/{id}/finalise"), Value::Null)
}

#[test]
fn a_bill_becomes_an_invoice_that_never_changes() {
    let scene = ready();
    let (seller, buyer) = (scene.seller(), scene.buyer());
    let id = draft(&scene);
    buyer.api_get(&format!("/invoices/{id}")).expect(404);
    let out = finalise(&seller, id).expect(200).json();
    assert_eq!(out["number"], "2026-0001");
    // 24 × 18.00 and 49.00, and 21 % of that.
    let money = |name: &str| out[name].as_i64().unwrap();
    assert_eq!(
        (money("net_minor"), money("tax_minor"), money("gross_minor")),
        (48_100, 10_101, 58_201)
    );
    assert_eq!((&out["issued_on"], &out["due_on"]), (&"2026-05-10".into(), &"2026-06-09".into()));
    finalise(&seller, id).expect(422);
    let before = buyer.api_get(&format!("/invoices/{id}")).expect(200).body;
    let story = buyer.api_get("/billing/periods/2026-04-30/items").body;
    // Everything it was made of changes, and it does not.
    scene.take(7);
    scene.world.sql().execute_batch(
        "UPDATE prices SET unit_price = 1; UPDATE plans SET name = 'Other'; UPDATE customers SET name = 'X' || id, street = 'Y';",
    ).unwrap();
    issuer(&scene.provider(), scene.reseller);
    scene.recalculate();
    let after = buyer.api_get(&format!("/invoices/{id}")).expect(200).json();
    assert_eq!(after["document"], serde_json::from_str::<Value>(&before).unwrap()["document"]);
    assert_eq!(buyer.api_get("/billing/periods/2026-04-30/items").body, story);
    let again = seller.api_post(APRIL, json!({})).expect(200).json();
    assert_eq!((&again["unchanged"], &again["created"]), (&json!([id]), &json!([])));
    for sql in [
        "UPDATE invoices SET net_minor = 1, gross_minor = 1 + tax_minor WHERE state = 'final'",
        "UPDATE invoices SET snapshot = '{}' WHERE state = 'final'",
        "UPDATE invoices SET state = 'draft', number = NULL, snapshot = NULL WHERE state = 'final'",
        "DELETE FROM invoices WHERE state = 'final'",
        "UPDATE invoice_lines SET net_minor = 1",
        "DELETE FROM invoice_lines",
    ] {
        let refused = scene.world.sql().execute(sql, []).unwrap_err().to_string();
        assert_eq!(refused, "a final invoice never changes", "{sql}");
    }
    assert!(scene.world.sql().execute("DELETE FROM frozen_items", []).is_err());
}

#[test]
fn a_draft_follows_the_bill_and_nobody_gets_what_nobody_saw() {
    let scene = ready();
    let seller = scene.seller();
    let foreseen = seller.api_post(APRIL, json!({ "dry_run": true })).expect(200).json();
    assert_eq!((&foreseen["would_create"], &foreseen["created"]), (&1.into(), &json!([])));
    assert_eq!(scene.world.count("SELECT count(*) FROM invoices"), 0);
    let id = draft(&scene);
    scene
        .world
        .sql()
        .execute_batch("UPDATE prices SET unit_price = 20000000 WHERE unit_price = 18000000")
        .unwrap();
    let refused = finalise(&seller, id).expect(422);
    assert!(refused.says("The bill has changed"), "{}", refused.body);
    assert_eq!(seller.api_get(&format!("/invoices/{id}")).json()["net_minor"], 52_900);
    assert_eq!(draft(&scene), id);
    assert_eq!(finalise(&seller, id).expect(200).json()["net_minor"], 52_900);
    seller.api_delete(&format!("/invoices/{id}")).expect(422);
}

#[test]
fn what_is_missing_blocks_and_a_running_period_too() {
    let scene = Scene::new().in_may();
    scene
        .world
        .sql()
        .execute_batch(
            "DELETE FROM prices WHERE unit_price = 18000000; UPDATE customers SET country = ''",
        )
        .unwrap();
    let seller = scene.seller();
    let made = seller.api_post(APRIL, json!({})).expect(200).json();
    let reasons =
        ["unpriced: Managed workplace, Standard", "issuer_incomplete", "buyer_incomplete"];
    assert_eq!(made["blocked"][0]["reasons"], json!(reasons));
    let id = made["created"][0].as_i64().unwrap();
    finalise(&seller, id).expect(422);
    let running =
        seller.api_post("/billing/periods/2026-05-31/invoices", json!({})).expect(200).json();
    assert_eq!(running["blocked"][0]["reasons"], json!(["period_running"]));
    seller.api_delete(&format!("/invoices/{id}")).expect(204);
    assert_eq!(scene.world.count("SELECT count(*) FROM invoices"), 0);
    assert_eq!(scene.world.count("SELECT count(*) FROM series"), 0);
}

#[test]
fn a_void_invoice_is_credited_and_drawn_up_again() {
    let scene = ready();
    let seller = scene.seller();
    let id = draft(&scene);
    finalise(&seller, id).expect(200);
    let credit = seller.api_post(&format!("/invoices/{id}/void"), Value::Null).expect(200).json();
    assert_eq!(
        (&credit["number"], &credit["gross_minor"]),
        (&"C2026-0001".into(), &(-58_201).into())
    );
    assert_eq!(credit["document"]["credits"], "2026-0001");
    assert_eq!(seller.api_get(&format!("/invoices/{id}")).json()["state"], "void");
    seller.api_post(&format!("/invoices/{id}/void"), Value::Null).expect(422);
    let second = draft(&scene);
    assert_ne!(second, id);
    assert_eq!(finalise(&seller, second).expect(200).json()["number"], "2026-0002");
}

#[test]
fn sixteen_at_once_take_numbers_without_gaps() {
    let scene = ready();
    let list: i64 = scene
        .world
        .sql()
        .query_row("SELECT id FROM price_lists WHERE code = 'RETAIL'", [], |r| r.get(0))
        .unwrap();
    assert!(list > 0);
    for n in 0..15 {
        let other = scene.world.customer(scene.reseller, &format!("Customer {n}"));
        scene.world.clock.set("2026-03-10T08:00:00Z".parse().unwrap());
        scene.record(portico::ledger::Row {
            service: Some("files"),
            plan: Some("TB2"),
            ..portico::ledger::Row::new(
                portico::ledger::Kind::CustomerService,
                100 + n,
                portico::ledger::Action::Added,
                other,
            )
        });
    }
    let scene = scene.in_may();
    let made = scene.seller().api_post(APRIL, json!({})).expect(200).json();
    let ids: Vec<i64> =
        made["created"].as_array().unwrap().iter().map(|id| id.as_i64().unwrap()).collect();
    assert_eq!(ids.len(), 16, "{made}");
    let seller = scene.seller();
    std::thread::scope(|scope| {
        for id in &ids {
            let seller = &seller;
            scope.spawn(move || finalise(seller, *id).expect(200));
        }
    });
    let numbers = scene
        .world
        .text("SELECT group_concat(number) FROM (SELECT number FROM invoices ORDER BY number)");
    let expected: Vec<String> = (1..=16).map(|n| format!("2026-{n:04}")).collect();
    assert_eq!(numbers, expected.join(","));
}

#[test]
fn those_who_are_told_of_invoices_get_the_link_each() {
    let scene = ready();
    let admin = scene.world.person(PROVIDER, "Provider administrator");
    for name in ["quill", "ledger"] {
        let one =
            json!({ "name": name, "email": format!("{name}@books.example"), "told": ["billing"] });
        admin.api_post(&format!("/customers/{}/contacts", scene.customer), one).expect(201);
    }
    let told = || {
        scene.world.text(
            "SELECT group_concat(to_address, ' ') FROM (SELECT to_address FROM messages WHERE event = 'invoice.sent' ORDER BY id)",
        )
    };
    let (seller, id) = (scene.seller(), draft(&scene));
    finalise(&seller, id).expect(200);
    assert_eq!(told(), "quill@books.example ledger@books.example", "not the contact besides");
    let own = "UPDATE customers SET invoice_email = 'own@aldermoor.example' WHERE id = ?1";
    scene.world.sql().execute(own, [scene.customer]).unwrap();
    scene.world.sql().execute_batch("DELETE FROM messages").unwrap();
    seller.api_post(&format!("/invoices/{id}/send"), json!({})).expect(200);
    assert_eq!(told(), "quill@books.example ledger@books.example own@aldermoor.example");
}

#[test]
fn the_mailed_link_opens_one_document_until_it_ends() {
    let scene = ready();
    let seller = scene.seller();
    scene
        .world
        .sql()
        .execute(
            "UPDATE customers SET invoice_email = 'books@aldermoor.example' WHERE id = ?1",
            [scene.customer],
        )
        .unwrap();
    let id = draft(&scene);
    finalise(&seller, id).expect(200);
    assert_eq!(
        scene.world.text("SELECT to_address FROM messages WHERE event = 'invoice.sent'"),
        "books@aldermoor.example"
    );
    let first = link(&scene.world);
    let stranger = scene.world.stranger();
    let page = stranger.get(&first).expect(200);
    assert!(
        page.says("Invoice 2026-0001") && page.says("€582.01") && page.says("class=\"sheet\""),
        "{}",
        page.body
    );
    assert!(!page.says(PLANTED_COST));
    stranger.get("/documents/0000000000000000").expect(404);
    seller.api_post(&format!("/invoices/{id}/send"), Value::Null).expect(200);
    stranger.get(&first).expect(404);
    let second = link(&scene.world);
    stranger.get(&second).expect(200);
    // It is ended alone: the document stays as it is, and nothing is mailed.
    let mails = || scene.world.count("SELECT count(*) FROM messages");
    let (before, revoke) = (mails(), format!("/invoices/{id}/revoke-link"));
    let page = seller.get(&format!("/invoices/{id}")).expect(200);
    assert!(page.says("End the link"), "{}", page.body);
    scene.buyer().api_post(&revoke, Value::Null).expect(403);
    assert_eq!(seller.api_post(&revoke, Value::Null).expect(200).json()["state"], "final");
    stranger.get(&second).expect(404);
    let again = seller.api_post(&revoke, Value::Null);
    assert!(again.status >= 400 && again.says("No link is out."), "{}", again.body);
    assert!(!seller.get(&format!("/invoices/{id}")).says("End the link"));
    assert_eq!(mails(), before);
    let told = "SELECT count(*) FROM audit_log WHERE action = 'invoice.link_revoked'";
    assert_eq!(scene.world.count(told), 1);

    seller.api_post(&format!("/invoices/{id}/send"), Value::Null).expect(200);
    let third = link(&scene.world);
    stranger.get(&third).expect(200);
    scene.world.later(91 * 86_400);
    stranger.get(&third).expect(404);
}

/// The address in the newest mail, unsealed.
fn link(world: &World) -> String {
    let sealed = world.text("SELECT secret FROM messages ORDER BY id DESC LIMIT 1");
    let message = world.text("SELECT message_id FROM messages ORDER BY id DESC LIMIT 1");
    let key = &world.app.config.key;
    key.open(&format!("message {message}"), &sealed).unwrap().reveal().to_owned()
}

#[test]
fn others_get_no_invoice_and_no_cost() {
    let scene = ready();
    let id = draft(&scene);
    finalise(&scene.seller(), id).expect(200);
    issuer(&scene.provider(), PROVIDER);
    let made = scene.provider().api_post(APRIL, json!({})).expect(200).json();
    let wholesale = made["created"][0].as_i64().unwrap();
    finalise(&scene.provider(), wholesale).expect(200);
    let foreign = scene.world.reseller("Hollin Managed");
    let other = scene.world.person(foreign, "Reseller administrator");
    for id in [id, wholesale] {
        for path in ["", "/html"] {
            other.api_get(&format!("/invoices/{id}{path}")).expect(404);
        }
        for verb in ["finalise", "send", "void"] {
            other.api_post(&format!("/invoices/{id}/{verb}"), Value::Null).expect(404);
        }
        other.api_delete(&format!("/invoices/{id}")).expect(404);
        other.get(&format!("/invoices/{id}")).expect(404);
    }
    other.api_post(APRIL, json!({ "seller_id": scene.reseller })).expect(404);
    other.api_get(&format!("/customers/{}/issuer", scene.reseller)).expect(404);
    other.api("PUT", &format!("/customers/{}/issuer", scene.reseller), profile("X")).expect(404);
    assert_eq!(other.api_get("/invoices").json()["items"], json!([]));
    // Neither does the buyer see what its reseller pays, nor can it write.
    let buyer = scene.buyer();
    buyer.api_get(&format!("/invoices/{wholesale}")).expect(404);
    assert_eq!(buyer.api_get("/invoices").json()["items"].as_array().unwrap().len(), 1);
    buyer.api_post(&format!("/invoices/{id}/void"), Value::Null).expect(403);
    // The reseller sees what it is billed, and cannot touch it.
    scene.seller().api_get(&format!("/invoices/{wholesale}")).expect(200);
    scene.seller().api_post(&format!("/invoices/{wholesale}/void"), Value::Null).expect(404);
}

#[test]
fn the_pages_lead_from_the_month_to_the_paper() {
    let scene = ready();
    let (seller, buyer) = (scene.seller(), scene.buyer());
    assert!(seller.get("/billing").expect(200).says("/billing/2026-04-30"));
    assert!(seller.get("/billing/2026-04-30").expect(200).says("Aldermoor Dental"));
    let query = format!("?seller_id={}&buyer_id={}", scene.reseller, scene.customer);
    let bill = seller.get(&format!("/billing/2026-04-30{query}")).expect(200);
    assert!(
        bill.says("Managed workplace, Standard") && bill.says("€432.00") && bill.says("Margin"),
        "{}",
        bill.body
    );
    let all = seller.api_get(&format!("/billing/periods/2026-04-30/summary{query}")).json();
    let line = all["items"][0]["id"].as_str().unwrap();
    let told = seller.get(&format!("/billing/2026-04-30{query}&why={line}")).expect(200);
    assert!(told.says("class=\"drawer\"") && told.says("unit-days"), "{}", told.body);
    assert!(
        seller
            .get("/billing/2026-04-30/items?q=dentist+7")
            .expect(200)
            .says("Dentist 7: Managed workplace")
    );
    seller.post("/billing/2026-04-30/recalculate", &[]).expect(403);
    scene.provider().post("/billing/2026-04-30/recalculate", &[]).location();
    assert!(
        seller
            .post("/billing/2026-04-30/invoices", &[])
            .location()
            .starts_with("/invoices?state=draft")
    );
    let list = seller.get("/invoices?state=draft").expect(200);
    assert!(list.says("Aldermoor Dental") && list.says("€582.01"), "{}", list.body);
    let id = scene.world.count("SELECT id FROM invoices");
    assert!(seller.get(&format!("/invoices/{id}")).expect(200).says("Finalise"));
    assert_eq!(
        seller.post(&format!("/invoices/{id}/finalise"), &[]).location(),
        format!("/invoices/{id}")
    );
    let paper = buyer.get(&format!("/invoices/{id}")).expect(200);
    assert!(
        paper.says("Invoice 2026-0001") && !paper.says("Void…") && !paper.says("Send again"),
        "{}",
        paper.body
    );
    assert!(buyer.get("/billing/2026-04-30").expect(200).says("€432.00"));
    for person in [&seller, &buyer] {
        let tab = person.get(&format!("/customers/{}/billing", scene.customer)).expect(200);
        assert!(tab.says("Brightwater Office") && tab.says("2026-0001"), "{}", tab.body);
    }
    assert!(!buyer.get("/billing/2026-04-30").says("Margin"));
    assert!(seller.get(&format!("/invoices/{id}/void")).expect(200).says("credit note"));
    let form = scene.provider().get(&format!("/customers/{}/issuer", scene.reseller)).expect(200);
    assert!(form.says("Brightwater Office B.V."), "{}", form.body);
    let refused = scene
        .provider()
        .post(&format!("/customers/{}/issuer", scene.reseller), &[("legal_name", "")]);
    assert_eq!(refused.status, 422);
}
