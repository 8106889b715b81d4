//! The main job, from an empty directory to a customer who is provisioned, billed and mailed.

use crate::hook::Hook;
use crate::live::{Heard, Live, folder, verb};
use crate::mail;
use crate::sink::{Options, Sink};
use crate::world::{PROVIDER, World};
use portico::ids::CustomerId;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const MICROSOFT: &[u8] = include_bytes!("../fixtures/sheets/m365-users-sample.csv");
const DIRECTORY: &[u8] = include_bytes!("../fixtures/sheets/get-aduser-export.csv");

/// The running program, and whoever may do everything in it.
struct Desk {
    live: Live,
    token: String,
}

impl Desk {
    fn get(&self, path: &str) -> Value {
        self.live.get(&format!("/api/v1{path}"), &self.token).expect(200).json()
    }

    fn post(&self, path: &str, body: Value) -> Heard {
        self.live.post(&format!("/api/v1{path}"), &self.token, &body)
    }

    /// Posts, and the number of what that made.
    fn made(&self, path: &str, body: Value) -> i64 {
        let heard = self.post(path, body);
        assert!((200..300).contains(&heard.status), "{path}: {} {}", heard.status, heard.body);
        heard.json()["id"].as_i64().unwrap()
    }

    /// The numbers of created, updated, unchanged, refused, skipped rows.
    fn import(&self, customer: i64, query: &str, file: &[u8]) -> [i64; 5] {
        let target = format!("/api/v1/customers/{customer}/users/import{query}");
        let report = self.live.send(&target, &self.token, "text/csv", file).expect(200).json();
        ["created", "updated", "unchanged", "refused", "skipped"]
            .map(|name| report[name].as_i64().unwrap())
    }

    fn items(&self, path: &str) -> Vec<Value> {
        self.get(path)["items"].as_array().unwrap().clone()
    }

    /// Reads and enables a script as it lies there now.
    fn enable(&self, name: &str) {
        let all = self.items("/scripts");
        let script = all.iter().find(|script| script["name"] == name).unwrap();
        let body = json!({ "sha256": script["sha256"] });
        self.post(&format!("/scripts/{name}/enable"), body).expect(204);
    }

    /// Until nothing is left to do.
    #[track_caller]
    fn idle(&self) {
        self.until("no request is open", || {
            ["queued", "running"]
                .iter()
                .all(|status| self.items(&format!("/requests?status={status}")).is_empty())
        });
    }

    #[track_caller]
    fn until(&self, what: &str, done: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(40);
        while !done() {
            assert!(Instant::now() < end, "waited in vain until {what}: {}", self.get("/requests"));
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Sets an empty directory up by the link that was printed, and nobody does it twice.
fn set_up(data: &Path) -> Desk {
    let live = Live::serve(data, &[]);
    let line = live.next_line();
    let (_, code) = line.split_once("/setup?code=").unwrap_or_else(|| panic!("said {line}"));
    let form = |code: &str| {
        live.form(
            "/setup",
            &[
                ("setup_code", code),
                ("organisation", "Tarnholm IT"),
                ("name", "Sunniva Akselrod"),
                ("upn", "sunniva@tarnholm.example"),
                ("password", "quiet harbour lantern 7"),
                ("time_zone", "Europe/Amsterdam"),
                ("currency", "EUR"),
            ],
        )
    };
    form("wrong").expect(404);
    assert!(live.get(&format!("/setup?code={code}"), "").expect(200).body.contains("setup_code"));
    assert_eq!(form(code).expect(303).header("location"), "/sign-in?done=setup");
    form(code).expect(404);
    live.get(&format!("/setup?code={code}"), "").expect(404);
    let line = ["token", "create", "--user", "sunniva@tarnholm.example", "--name", "main job"];
    let (exit, token, complaint) =
        verb(&[&line[..], &["--data", data.to_str().unwrap()]].concat(), "");
    assert_eq!(exit, 0, "{complaint}");
    Desk { live, token: token.trim().to_owned() }
}

/// A customer as the form needs it at least.
fn customer(parent: i64, name: &str, domain: &str) -> Value {
    json!({
        "parent_id": parent, "name": name, "domain": domain,
        "contact_name": "Ada Contact", "contact_email": format!("ada@{domain}"),
        "street": "Kade 14", "postcode": "1000 AA", "city": "Amsterdam", "country": "NL",
    })
}

/// Refuses one person, until it is mended.
fn write_script(data: &Path, refuses: &str) {
    let dir = data.join("scripts");
    fs::create_dir_all(&dir).unwrap();
    let text = format!(
        "call=$(cat)\ncase $call in\n*{refuses}*) echo '{{\"message\":\"No licence is left.\"}}'; exit 30;;\nesac\necho '{{\"message\":\"Made.\",\"changes\":[\"+ account\"]}}'\n"
    );
    fs::write(dir.join("account.sh"), text).unwrap();
    fs::write(
        dir.join("account.toml"),
        "interpreter = [\"sh\"]\nfile = \"account.sh\"\nverbs = [\"create\", \"change\", \"suspend\", \"resume\", \"remove\"]\n",
    )
    .unwrap();
}

/// "Managed workplace" and "Shared files", done by these connectors, on sale.
fn catalogue(
    post: impl Fn(&str, Value) -> i64,
    workers: Option<[i64; 2]>,
    rules: impl Fn(&str, Value),
) {
    for (code, name, kind) in
        [("workplace", "Managed workplace", "user"), ("files", "Shared files", "customer")]
    {
        let only_tracked = workers.is_none();
        post(
            "/services",
            json!({ "code": code, "name": name, "kind": kind, "tracking_only": only_tracked }),
        );
    }
    for (service, code, name, sku, price) in [
        ("workplace", "STD", "Standard", "MW-STD", "18.00"),
        ("workplace", "PLUS", "Plus", "MW-PLUS", "27.50"),
        ("files", "STD", "Standard", "SF-STD", "49.00"),
    ] {
        let plan = json!({ "code": code, "name": name, "sku": sku, "price": price });
        post(&format!("/services/{service}/plans"), plan);
    }
    if let Some([script, hook]) = workers {
        rules("workplace", json!({ "connectors": [script, hook], "on_error": "stop" }));
        rules("files", json!({ "connectors": [hook], "on_error": "stop" }));
    }
    for service in ["workplace", "files"] {
        post(&format!("/services/{service}/activate"), json!({}));
    }
}

#[test]
fn from_an_empty_directory_to_users_who_have_what_they_need() {
    let (_folder, data) = folder();
    let desk = set_up(&data);

    // A reseller, and a customer below it.
    let reseller =
        desk.made("/customers", customer(1, "Brightwater Office", "brightwater.example"));
    desk.post(&format!("/customers/{reseller}/services"), json!({ "service": "reseller" }))
        .expect(202);
    desk.idle();
    let dental =
        desk.made("/customers", customer(reseller, "Aldermoor Dental", "aldermoor.example"));

    // Users as two other systems export them; a check writes nothing, a second time changes nothing.
    let mut users = 0;
    for file in [MICROSOFT, DIRECTORY] {
        let count = || desk.items(&format!("/customers/{dental}/users?limit=200")).len();
        let before = count();
        let checked = desk.import(dental, "?dry_run=true", file);
        assert_eq!(count(), before, "a check keeps nothing");
        let first = desk.import(dental, "", file);
        assert_eq!(first, checked);
        users += usize::try_from(first[0]).unwrap();
        assert!(first[0] > 0 && count() == users, "{first:?}");
        let again = desk.import(dental, "", file);
        assert_eq!(again, [0, 0, first[0] + first[1] + first[2], first[3], first[4]]);
    }

    // What does the work: a script that somebody read, and a webhook in the own network.
    write_script(&data, "maren.tolliver");
    desk.enable("account");
    let hook = Hook::start();
    let script = desk
        .made("/connectors", json!({ "kind": "script", "name": "Accounts", "script": "account" }));
    let webhook = desk.made(
        "/connectors",
        json!({ "kind": "webhook", "name": "Desk", "url": hook.url, "networks": ["127.0.0.0/8"] }),
    );
    let shown = desk.post(&format!("/connectors/{webhook}/rotate"), json!({})).expect(200).json();
    let secret = shown["secret"].as_str().unwrap();

    let rules = |service: &str, body: Value| {
        let target = format!("/api/v1/services/{service}/rules");
        desk.live.ask("PUT", &target, &desk.token, Some(&body), &[]).unwrap().expect(200);
    };
    let post = |path: &str, body: Value| {
        let heard = desk.post(path, body);
        assert!((200..300).contains(&heard.status), "{path}: {} {}", heard.status, heard.body);
        0
    };
    catalogue(post, Some([script, webhook]), rules);
    for (service, plans) in [("workplace", vec!["STD", "PLUS"]), ("files", vec!["STD"])] {
        post(
            &format!("/customers/{reseller}/offers"),
            json!({ "service": service, "plans": plans }),
        );
    }

    // Both to the customer.
    let services = format!("/customers/{dental}/services");
    desk.post(&services, json!({ "service": "workplace" })).expect(202);
    desk.post(&services, json!({ "service": "files", "plan": "STD" })).expect(202);
    desk.idle();
    let held = desk.items(&services);
    assert!(held.len() == 2 && held.iter().all(|each| each["state"] == "active"), "{held:?}");

    // To all users at once: first the plan, then the same.
    let before = hook.calls().len();
    let order = json!({ "service": "workplace", "plan": "STD", "all": true });
    let many = format!("/customers/{dental}/users/services");
    let plan = desk.post(&format!("{many}?preview=true"), order).expect(200).json();
    let gets = plan["users"]["gets"].as_i64().unwrap();
    assert_eq!(usize::try_from(gets).unwrap(), users, "{plan}");
    let steps = plan["steps"].as_array().unwrap();
    let told: Vec<(&str, i64)> = steps
        .iter()
        .map(|step| (step["connector"].as_str().unwrap(), step["times"].as_i64().unwrap()))
        .collect();
    assert_eq!(told, [("Accounts", gets), ("Desk", gets)]);
    let monthly = |name: &str| plan["monthly"][name].as_i64().unwrap();
    assert_eq!(monthly("after_minor") - monthly("before_minor"), gets * 1_800, "{plan}");
    assert_eq!(hook.calls().len(), before, "a plan does nothing");
    let apply = format!("/previews/{}/apply", plan["id"]);
    let run = desk.post(&apply, json!({})).expect(202).json()["run_id"].as_i64().unwrap();
    assert_eq!(desk.post(&apply, json!({})).expect(202).json()["run_id"], run);
    desk.until("the run is done", || desk.get(&format!("/runs/{run}"))["state"] == "done");
    desk.idle();

    // All of it is done but one, which says why and goes on once that is mended.
    let failed = desk.items("/requests?status=failed");
    assert_eq!(failed.len(), 1, "{failed:?}");
    let number = &failed[0]["id"];
    assert!(failed[0]["reason"].as_str().unwrap().contains("No licence is left."), "{failed:?}");
    write_script(&data, "nobody-at-all");
    desk.enable("account");
    desk.post(&format!("/requests/{number}/retry"), json!({})).expect(202);
    desk.idle();
    let mended = desk.get(&format!("/requests/{number}"));
    assert_eq!((&mended["status"], &mended["reason"]), (&json!("done"), &json!("")));
    assert_eq!(mended["steps"].as_array().unwrap().len(), 2);
    assert!(mended["steps"][0]["attempts"].as_i64().unwrap() >= 2, "{mended}");
    assert!(mended["steps"][0]["log"].as_str().unwrap().contains("No licence is left."));
    let page = desk.live.get(&format!("/api/v1/requests/{number}"), "").status;
    assert_eq!(page, 401, "only for those who may");

    // The other side heard of each user once, signed, with a key of its own.
    let calls = hook.calls();
    assert!(calls.iter().all(|call| call.is_signed_with(secret)));
    let mut keys: Vec<&str> = calls.iter().map(|call| call.key()).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), calls.len(), "no step was done twice");
    let of_users =
        calls.iter().filter(|call| call.header("portico-event") == "user_service.provision");
    assert_eq!(of_users.count(), users);

    // The bill that runs has them, and says who gave what to whom.
    desk.post("/billing/periods/current/recalculate", json!({})).expect(200);
    let lines = desk.items("/billing/periods/current/summary");
    let line = |service: &str| {
        lines
            .iter()
            .find(|line| line["service"] == service && line["buyer_id"] == reseller)
            .unwrap()
    };
    assert_eq!(line("files")["unit_price"], "49.00");
    assert_eq!(
        (&line("workplace")["sku"], &line("workplace")["unit_price"]),
        (&json!("MW-STD"), &json!("18.00"))
    );
    let id = line("workplace")["id"].as_str().unwrap();
    let story = desk.get(&format!("/billing/periods/current/summary/{id}/story"));
    let events = story["events"].as_array().unwrap();
    assert_eq!(events.len(), users);
    assert!(events.iter().all(|event| event["by"] == "Sunniva Akselrod"), "{}", events[0]);
    assert!(events.iter().any(|event| event["user"] == "Maren Tolliver"), "{events:?}");

    // All of it is there after a stop.
    assert!(desk.live.stop().success());
    let (exit, said, _) = verb(&["doctor", "--data", data.to_str().unwrap()], "");
    assert!(exit <= 1 && !said.lines().any(|line| line.starts_with("fail")), "{said}");
}

#[test]
fn from_a_month_of_services_to_an_invoice_in_the_post() {
    let world = World::new();
    let admin =
        world.person_named(PROVIDER, "Provider administrator", "Sunniva Akselrod", "sunniva");
    let post = |path: &str, body: Value| {
        let answer = admin.api_post(path, body);
        assert!((200..300).contains(&answer.status), "{path}: {}", answer.body);
        answer.json()["id"].as_i64().unwrap_or(0)
    };
    let reseller = post("/customers", customer(1, "Brightwater Office", "brightwater.example"));
    post(&format!("/customers/{reseller}/services"), json!({ "service": "reseller" }));
    let mut wanted = customer(reseller, "Aldermoor Dental", "aldermoor.example");
    wanted["invoice_email"] = json!("books@aldermoor.example");
    let dental = post("/customers", wanted);
    catalogue(post, None, |_, _| ());
    for (service, plans) in [("workplace", vec!["STD", "PLUS"]), ("files", vec!["STD"])] {
        post(
            &format!("/customers/{reseller}/offers"),
            json!({ "service": service, "plans": plans }),
        );
    }
    for given in [json!({ "service": "workplace" }), json!({ "service": "files", "plan": "STD" })] {
        post(&format!("/customers/{dental}/services"), given);
    }
    for name in ["Maren", "Theo", "Una"] {
        let user = json!({ "first_name": name, "last_name": "Tolliver" });
        let user = post(&format!("/customers/{dental}/users"), user);
        post(&format!("/users/{user}/services"), json!({ "service": "workplace", "plan": "STD" }));
    }

    // Who sells writes the invoice: the reseller, at its own price.
    let seller = world.person(CustomerId(reseller), "Reseller administrator");
    let issuer = json!({
        "legal_name": "Brightwater Office B.V.", "address": "Kade 14\n1000 AA Amsterdam", "country": "NL",
        "tax_id": "NL0000B00", "registration_no": "", "bank": "", "iban": "NL00TEST0000000000", "bic": "",
        "payment_days": 30, "tax_rate_bp": 2100, "tax_label": "VAT", "number_pattern": "{year}-{number:4}",
        "credit_pattern": "C{year}-{number:4}", "note": "",
    });
    seller.api("PUT", &format!("/customers/{reseller}/issuer"), issuer).expect(200);
    world.clock.set("2026-05-10T08:00:00Z".parse().unwrap());
    let draw = |end: &str| {
        let made = seller
            .api_post(&format!("/billing/periods/{end}/invoices"), json!({}))
            .expect(200)
            .json();
        assert_eq!(
            (&made["blocked"], made["created"].as_array().unwrap().len()),
            (&json!([]), 1),
            "{made}"
        );
        made["created"][0].as_i64().unwrap()
    };
    let april = "/billing/periods/2026-04-30";
    let lines = seller.api_get(&format!("{april}/summary?seller_id={reseller}")).expect(200).json();
    let lines = lines["items"].as_array().unwrap();
    let amounts: i64 = lines.iter().map(|line| line["amount_minor"].as_i64().unwrap()).sum();
    assert_eq!(amounts, 3 * 1_800 + 4_900);
    let id = lines.iter().find(|line| line["service"] == "workplace").unwrap()["id"].clone();
    let story = seller
        .api_get(&format!("{april}/summary/{}/story", id.as_str().unwrap()))
        .expect(200)
        .json();
    let told = story["events"].as_array().unwrap();
    assert!(told.len() == 3 && told.iter().all(|event| event["day"] == "2026-03-10"), "{story}");

    // A draft thrown away takes no number.
    let thrown = draw("2026-03-31");
    seller.api_delete(&format!("/invoices/{thrown}")).expect(204);
    let sink = Sink::start(Options::default());
    mail::server(&world, &sink, "none");
    let finalise = |id: i64| {
        seller.api_post(&format!("/invoices/{id}/finalise"), Value::Null).expect(200).json()
    };
    assert_eq!(finalise(draw("2026-03-31"))["number"], "2026-0001");
    let invoice = draw("2026-04-30");
    let done = finalise(invoice);
    assert_eq!((&done["number"], &done["gross_minor"]), (&json!("2026-0002"), &json!(12_463)));
    seller.api_post(&format!("/invoices/{invoice}/finalise"), Value::Null).expect(422);
    let paper = seller.api_get(&format!("/invoices/{invoice}/html")).expect(200);
    assert!(paper.says("Invoice 2026-0002") && paper.says("€124.63"), "{}", paper.body);

    // Each is mailed with a link that opens it without a session, and nothing else but that the
    // customer's two services are there.
    assert_eq!(portico::mail::send_due(&world.app).unwrap(), 4);
    let mails = sink.wait_for(4);
    let mail = mails.iter().find(|mail| mail.subject.contains("2026-0002")).unwrap();
    assert_eq!(mail.to, ["books@aldermoor.example"]);
    let (_, link) = mail.text.split_once("https://portico.example").unwrap();
    let link = link.split_whitespace().next().unwrap();
    let stranger = world.stranger();
    let page = stranger.get(link).expect(200);
    assert!(page.says("Invoice 2026-0002") && page.says("€124.63"), "{}", page.body);
    let other = stranger.get(&format!("/invoices/{invoice}"));
    assert!(!other.says("2026-0002"), "{}", other.body);
}
