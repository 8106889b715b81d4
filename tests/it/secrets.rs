//! A secret is opened for the one call that needs it, and stands nowhere else.

use crate::live::Doomed;
use crate::world::{PROVIDER, World};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const WORD: &str = "quartz-heron-lantern-4711";
/// The same as base64 has it.
const CODED: &str = "cXVhcnR6LWhlcm9uLWxhbnRlcm4tNDcxMQ";

/// Says its secret in every way it can, and refuses.
fn telltale(heard: &Path) -> String {
    format!(
        "call=$(cat)\n\
         secret=$(printf '%s' \"$call\" | sed 's/.*\"pass\":\"\\([^\"]*\\)\".*/\\1/')\n\
         printf '%s' \"$secret\" > {}\n\
         echo \"$call\" >&2\n\
         echo \"token=$secret\" >&2\n\
         printf '%s' \"$secret\" | base64 >&2\n\
         echo \"{{\\\"message\\\":\\\"$secret was refused\\\"}}\"\n\
         exit 30\n",
        heard.display(),
    )
}

/// Whether a file holds it, plain or coded.
fn holds(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.contains(WORD) || text.contains(CODED)
}

fn every_file(folder: &Path, told: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            every_file(&path, told);
        } else if path.is_file() {
            told(&path);
        }
    }
}

#[test]
fn p_9_a_secret_is_opened_for_its_script_and_is_in_no_file_log_mail_or_answer() {
    let world = World::new();
    world.clock.set(portico::time::Clock::default().now());
    let admin = world.person(PROVIDER, "Provider administrator");
    let outside = tempfile::TempDir::new().unwrap();
    let heard = outside.path().join("heard");
    let text = telltale(&heard);
    let script = world.script("vault", &text, "secrets = [\"pass\"]\n", None);

    let body = json!({ "code": "vault", "name": "Vault", "kind": "user", "tracking_only": true });
    admin.api_post("/services", body).expect(201);
    admin
        .api_post("/services/vault/plans", json!({ "code": "STD", "name": "Standard" }))
        .expect(201);
    for (name, level) in [("token", "user"), ("pepper", "customer")] {
        let body = json!({ "name": name, "label": name, "level": level, "type": "text", "most": "40",
                           "secret": true, "writable_by": "customer" });
        admin.api_post("/services/vault/properties", body).expect(201);
    }
    let rule = |secrets: &str| {
        json!({ "service": "vault", "event": "user_service.provision", "key": "tell",
                "action": "script.run", "connector_id": script, "params": { "secrets": secrets } })
    };
    let unknown = admin.api_post("/rules", rule("{secret.tokn}")).expect(422);
    assert!(unknown.says("is no secret of the service"), "{}", unknown.body);
    admin.api_post("/rules", rule("pass = {secret.token}")).expect(201);
    admin.api_post("/services/vault/activate", json!({})).expect(200);

    let mut answers = Vec::new();
    let reseller = world.reseller("Northwind");
    let at = format!("/customers/{reseller}/offers");
    let offered = json!({ "service": "vault", "plans": ["STD"], "properties": { "token": WORD, "pepper": WORD } });
    answers.push(admin.api_post(&at, offered).expect(201));
    let home = world.customer(reseller, "Aldermoor");
    let theo = world.user(home, "Theo Vane", "theo");
    let near = world.person(home, "Customer administrator");
    let order = json!({ "service": "vault", "properties": { "pepper": WORD } });
    answers.push(admin.api_post(&format!("/customers/{home}/services"), order).expect(202));

    // Too long by far: the refusal does not say it again, and neither does the form.
    let services = format!("/users/{theo}/services");
    let long = WORD.repeat(4);
    let wrong = json!({ "service": "vault", "plan": "STD", "properties": { "token": long } });
    answers.push(admin.api_post(&services, wrong).expect(422));
    answers.push(
        admin.post(
            &services,
            &[("what", "vault/STD"), ("settings", "1"), ("properties.token", &long)],
        ),
    );
    let order = json!({ "service": "vault", "plan": "STD", "properties": { "token": WORD } });
    let plan = admin.api_post(&format!("{services}?preview=true"), order).expect(200);
    let number = plan.json()["id"].as_i64().unwrap();
    assert_eq!(plan.json()["diffs"][0]["after"], "set", "{}", plan.body);
    answers.push(admin.get(&format!("/previews/{number}")).expect(200));
    answers.push(plan);
    answers.push(admin.api_post(&format!("/previews/{number}/apply"), json!({})).expect(202));
    let request = world.count("SELECT max(id) FROM requests");

    let log = outside.path().join("log");
    let program = Doomed::logged(&world, &log);
    let until = |status: &str| {
        let end = Instant::now() + Duration::from_secs(60);
        while world.text(&format!("SELECT status FROM requests WHERE id = {request}")) != status {
            assert!(Instant::now() < end, "it does not come to be {status}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    until("failed");
    assert_eq!(fs::read_to_string(&heard).unwrap(), WORD, "the script was handed it");
    let reason = world.text(&format!("SELECT reason FROM requests WHERE id = {request}"));
    assert!(reason.contains("was refused"), "{reason}");
    let mails = "SELECT count(*) FROM messages WHERE event = 'request.failed'";
    assert_eq!(world.count(mails), 1, "somebody was mailed why");
    let held = world.count("SELECT id FROM user_services");
    for person in [&admin, &near] {
        for page in [
            format!("/requests/{request}"),
            format!("/users/{theo}/services"),
            format!("/users/{theo}/services/{held}"),
            format!("/users/{theo}/services/{held}/properties/token/explain"),
            "/audit".to_owned(),
        ] {
            answers.push(person.get(&page));
            answers.push(person.api_get(&page));
        }
    }
    for page in ["/services/vault", "/services/vault/properties/token/overrides", "/audit.csv"] {
        answers.push(admin.get(page));
        answers.push(admin.api_get(page));
    }
    answers.push(admin.get("/services/vault/export?format=toml").expect(200));
    answers.push(admin.api_get("/services/vault/export?format=json").expect(200));
    answers.push(admin.get("/requests/errors.atom"));
    drop(program);

    let looked_at = answers.iter().filter(|answer| answer.status == 200).count();
    assert!(looked_at >= 15, "only {looked_at} pages and answers could be looked at");
    for answer in &answers {
        assert!(!holds(answer.body.as_bytes()), "{}", answer.body);
    }
    let said = fs::read(&log).unwrap();
    assert!(!said.is_empty() && !holds(&said), "{}", String::from_utf8_lossy(&said));
    let mut files = 0;
    every_file(world.folder(), &mut |path| {
        files += 1;
        assert!(!holds(&fs::read(path).unwrap()), "it is in {}", path.display());
    });
    assert!(files >= 2, "the store and the key are among them");
}
