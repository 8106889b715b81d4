//! The module `directory`, and services of one's own in it, against a real Active Directory.

use crate::engine::Sink;
use crate::modules::install;
use crate::peers::{Scene, samba};
use crate::world::{Answer, PROVIDER};
use portico::drivers::ldap::filter::Filter;
use portico::drivers::ldap::session::{At, Depth};
use portico::engine::{self, Handle};
use portico::events;
use portico::ids::{CustomerId, UserId};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

pub fn until(what: &str, is: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(90);
    while !is() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn start(scene: &Scene) -> Handle {
    engine::start(scene.world.app.clone(), events::EVENTS).unwrap()
}

pub fn ended(scene: &Scene, request: i64) -> String {
    let status = format!("SELECT status || ' ' || reason FROM requests WHERE id = {request}");
    until("the request ends", || {
        let now = scene.world.text(&status);
        ["done", "fail", "canc"].contains(&now.get(..4).unwrap_or_default())
    });
    scene.world.text(&status)
}

/// Waits for the end of what was ordered; the assignment.
pub fn done(scene: &Scene, answer: Answer) -> i64 {
    let told = answer.expect(202).json();
    assert_eq!(ended(scene, told["request_id"].as_i64().unwrap()), "done ", "{told}");
    told["id"].as_i64().unwrap_or_default()
}

fn titles(answer: Answer) -> Vec<String> {
    let plan = answer.expect(200).json();
    let steps = plan["steps"].as_array().unwrap();
    steps.iter().map(|step| step["title"].as_str().unwrap().to_owned()).collect()
}

pub fn output(scene: &Scene, name: &str) -> String {
    scene.world.text(&format!(
        "SELECT coalesce(max(json_extract(value, '$')), '') FROM property_values JOIN properties ON properties.id = property_id
          WHERE name = '{name}'"
    ))
}

#[test]
fn an_account_is_given_seen_disabled_enabled_removed_given_back_and_purged() {
    let scene = Scene::new(samba());
    let admin = scene.admin();
    install(&admin, "directory");
    let customer = scene.customer(PROVIDER, "Brightwater");
    let user = scene.user(customer, "Theo Vane", "theo");
    let (house, mine) =
        (format!("/customers/{customer}/services"), format!("/users/{user}/services"));
    let body = json!({ "service": "directory" });
    // What is planned is seen before, with the connector that does it.
    let plan = admin.api_post(&format!("{house}?preview=true"), body.clone()).expect(200).json();
    assert_eq!(plan["steps"][0]["title"], "Make the customer's OU");
    assert_eq!(plan["steps"][0]["connector"], "Directory");
    let engine = start(&scene);
    let held = done(&scene, admin.api_post(&house, body.clone()));
    assert!(output(&scene, "ou_dn").contains("OU=Brightwater(BRIGHTWATER)"));
    let account = json!({ "service": "directory", "plan": "account" });
    let steps = titles(admin.api_post(&format!("{mine}?preview=true"), account.clone()));
    assert_eq!(
        steps[..3],
        ["Make the account", "Put the account where it belongs", "Enable the account"]
    );
    let given = done(&scene, admin.api_post(&mine, account.clone()));
    let (dn, guid) = (output(&scene, "dn"), output(&scene, "guid"));
    assert!(dn.starts_with("CN=Theo Vane,OU=Brightwater(BRIGHTWATER)"), "{dn}");
    assert!(guid.len() == 36 && output(&scene, "sid").starts_with("S-1-5-21-"));
    let flags = |dn: &str| scene.entry(dn).map(|entry| entry.text("userAccountControl"));
    assert_eq!(flags(&dn).as_deref(), Some("512"));
    let page = admin.get(&format!("/users/{user}/services")).expect(200);
    assert!(page.says("Directory account"));
    done(&scene, admin.api_post(&format!("{mine}/{given}/suspend"), Value::Null));
    assert_eq!(flags(&dn).as_deref(), Some("514"));
    done(&scene, admin.api_post(&format!("{mine}/{given}/resume"), Value::Null));
    assert_eq!(flags(&dn).as_deref(), Some("512"));
    // It follows what changes here.
    let rename =
        "UPDATE users SET job_title = 'Engineer', username = username || 'x' WHERE id = ?1";
    scene.world.sql().execute(rename, [user]).unwrap();
    done(&scene, admin.api_post(&format!("{mine}/{given}/provision"), Value::Null));
    assert_eq!(scene.entry(&dn).unwrap().text("title"), "Engineer");
    // Lost: disabled and put away; given again: the same account is back.
    done(&scene, admin.api_delete(&format!("{mine}/{given}")));
    let away = dn.replacen(",OU=Bright", ",OU=Removed,OU=Bright", 1);
    assert_eq!((flags(&dn), flags(&away).as_deref()), (None, Some("514")));
    let again = done(&scene, admin.api_post(&mine, account));
    assert_eq!((flags(&dn).as_deref(), output(&scene, "guid")), (Some("512"), guid));
    done(&scene, admin.api_delete(&format!("{mine}/{again}")));
    // After its days it is deleted, and not before.
    let purged = "SELECT count(*) FROM requests WHERE event = 'user_service.purge'";
    scene.world.later(20 * 86_400);
    assert_eq!(scene.world.job("services.purge"), "done");
    assert_eq!(scene.world.count(purged), 0);
    scene.world.later(11 * 86_400);
    assert_eq!(scene.world.job("services.purge"), "done");
    assert_eq!(scene.world.count(purged), 1);
    let request = scene.world.count("SELECT id FROM requests WHERE event = 'user_service.purge'");
    assert_eq!(ended(&scene, request), "done ");
    assert_eq!(flags(&away), None);
    assert_eq!(scene.world.count("SELECT count(*) FROM bindings WHERE class = 'user'"), 0);
    assert_eq!(scene.world.job("services.purge"), "done");
    assert_eq!(scene.world.count(purged), 1);
    // The customer loses it too: nothing is left in the OU, so it goes.
    let ou = output(&scene, "ou_dn");
    done(&scene, admin.api_delete(&format!("{house}/{held}")));
    assert!(scene.entry(&ou).is_none(), "{ou}");
    engine.stop();
}

#[test]
fn a_customer_without_a_directory_is_told_before_anything_is_planned() {
    let scene = Scene::new(samba());
    let admin = scene.admin();
    install(&admin, "directory");
    let customer = scene.world.customer(PROVIDER, "Cloudy");
    let body = json!({ "service": "directory" });
    let said = admin.api_post(&format!("/customers/{customer}/services"), body).expect(422);
    let said = said.complaints().join("; ");
    assert!(said.contains("the customer lives in no directory; choose a location"), "{said}");
    assert_eq!(scene.world.count("SELECT count(*) FROM customer_services"), 0);
}

#[test]
fn p_12_a_service_made_with_forms_only_works_end_to_end() {
    let scene = Scene::new(samba());
    let admin = scene.admin();
    let sink = Sink::ok();
    let hook = scene.world.webhook("Desk", &sink.url()).to_string();
    let customer = scene.customer(PROVIDER, "Brightwater");
    let user = scene.user(customer, "Theo Vane", "theo");
    install(&admin, "directory");
    // All of it by forms.
    let form = |url: &str, fields: &[(&str, &str)]| {
        let answer = admin.post(url, fields);
        assert_eq!(answer.status, 303, "{url}: {}", answer.body);
    };
    form(
        "/services",
        &[
            ("code", "club"),
            ("name", "Club"),
            ("kind", "user"),
            ("needs", "directory"),
            ("on_move", "refuse"),
        ],
    );
    let plan = [("level", "user"), ("code", "member"), ("name", "Member")];
    form("/services/club/plans", &plan);
    let part = scene.base.first().unwrap().value().to_owned();
    let setting = [
        ("name", "group"),
        ("label", "Group"),
        ("level", "customer"),
        ("type", "text"),
        ("default", part.as_str()),
        ("use", "setting"),
        ("writable_by", "provider"),
        ("visible_to", "customer"),
    ];
    form("/services/club/properties", &setting);
    let rule = |more: &[(&'static str, &str)]| {
        let mut fields =
            vec![("service", "club"), ("customer_id", "1"), ("enabled", "1"), ("on_error", "stop")];
        fields.extend_from_slice(more);
        form("/rules", &fields);
    };
    rule(&[
        ("event", "customer_service.provision"),
        ("slot", "main"),
        ("position", "10"),
        ("key", "group"),
        ("action", "dir.group_ensure"),
        ("params.name", "{prop.group}_{customer.code}"),
        ("params.kind", "global"),
        ("params.ou", "{env.customer_ou}"),
    ]);
    rule(&[
        ("event", "user_service.provision"),
        ("slot", "main"),
        ("position", "10"),
        ("key", "member"),
        ("action", "dir.member_add"),
        ("params.group", "{prop.group}_{customer.code}"),
        ("params.member", "self"),
        ("condition", "plan.code == 'member'"),
    ]);
    rule(&[
        ("event", "user_service.provision"),
        ("slot", "after"),
        ("position", "10"),
        ("key", "night"),
        ("action", "wait"),
        ("params.until", "02:00"),
    ]);
    rule(&[
        ("event", "user_service.provision"),
        ("slot", "after"),
        ("position", "20"),
        ("key", "tell"),
        ("action", "webhook.send"),
        ("connector_id", &hook),
        ("params.body", "[\"{user.upn}\"]"),
    ]);
    // Tried before it is sold: nothing happens.
    let group = scene.world.count("SELECT id FROM rules WHERE key = 'group'");
    form("/services/club/activate", &[]);
    let engine = start(&scene);
    let (house, mine) =
        (format!("/customers/{customer}/services"), format!("/users/{user}/services"));
    done(&scene, admin.api_post(&house, json!({ "service": "directory" })));
    done(&scene, admin.api_post(&mine, json!({ "service": "directory", "plan": "account" })));
    let held = done(&scene, admin.api_post(&house, json!({ "service": "club" })));
    let tried = json!({ "customer_id": customer, "aid": held });
    let run = admin.api_post(&format!("/rules/{group}/dry-run"), tried).expect(200).json();
    assert_eq!(run["connector"], "Directory is as wanted; nothing would change.");
    let ou = output(&scene, "ou_dn");
    assert_eq!(run["params"]["ou"], ou, "{run}");
    let given =
        admin.api_post(&mine, json!({ "service": "club", "plan": "member" })).expect(202).json();
    let request = given["request_id"].as_i64().unwrap();
    let name = format!("CN={part}_BRIGHTWATER,{ou}");
    until("the user is a member", || {
        scene.entry(&name).unwrap().texts("member").iter().any(|dn| dn.starts_with("CN=Theo Vane"))
    });
    let waits = format!("SELECT hold FROM requests WHERE id = {request}");
    until("it waits for the night", || scene.world.text(&waits) == "wait");
    assert!(sink.hits().is_empty());
    scene.world.later(25 * 3600);
    engine.nudge();
    assert_eq!(ended(&scene, request), "done ");
    assert_eq!(sink.hits().len(), 1);
    engine.stop();
}

/// All that lies in the test's part of the directory, with every attribute.
fn dump(scene: &Scene) -> Vec<String> {
    let at = At::Named(scene.base.clone());
    let mut session = scene.peer.session();
    let found = session.search(&at, Depth::Everything, &Filter::anything(), &["*"], 2_000).unwrap();
    let mut all: Vec<String> = found.iter().map(|entry| format!("{entry:?}")).collect();
    all.sort();
    all
}

fn inside(scene: &Scene) -> Vec<(String, i64)> {
    let mut all = scene.world.everything_but_previews();
    all.retain(|(name, _)| name != "sessions" && name != "tokens");
    let counters = "SELECT coalesce(sum(version), 0) FROM ";
    for table in ["services", "rules", "users", "customers", "customer_services", "user_services"] {
        all.push((format!("{table} versions"), scene.world.count(&format!("{counters}{table}"))));
    }
    let steps = "SELECT count(*) FROM steps WHERE status = 'done'";
    all.push(("steps done".into(), scene.world.count(steps)));
    all
}

#[test]
fn p_51_trying_every_shipped_rule_changes_nothing_inside_or_outside() {
    let scene = Scene::new(samba());
    let admin = scene.admin();
    let customer: CustomerId = scene.customer(PROVIDER, "Brightwater");
    let user: UserId = scene.user(customer, "Theo Vane", "theo");
    let codes = ["directory", "files", "desktop", "exchange", "entra", "m365", "dns", "mfa"];
    for code in codes {
        install(&admin, code);
    }
    let (house, mine) =
        (format!("/customers/{customer}/services"), format!("/users/{user}/services"));
    let engine = start(&scene);
    done(&scene, admin.api_post(&house, json!({ "service": "directory" })));
    done(&scene, admin.api_post(&mine, json!({ "service": "directory", "plan": "account" })));
    for code in codes.iter().skip(1) {
        let mut body = json!({ "service": code });
        match *code {
            "exchange" => {
                body["properties"] = json!({ "domain_types": "brightwater.example authoritative" })
            }
            "dns" => body["label"] = json!("brightwater.example"),
            "entra" => body["plan"] = json!("cloud"),
            _ => {}
        }
        let answer = admin.api_post(&house, body);
        assert_eq!(answer.status, 202, "{code}: {}", answer.body);
    }
    // Tasks stay open; what works by itself is let through first.
    let busy = "SELECT count(*) FROM requests WHERE turn IN ('ready', 'busy') OR (turn = 'sleeping' AND hold = '')";
    until("nothing works any more", || scene.world.count(busy) == 0);
    engine.stop();
    let sql = scene.world.sql();
    // Whoever has the service of a customer that is being set up gets it as one that is.
    sql.execute("UPDATE customer_services SET live = 'on'", []).unwrap();
    sql.execute("UPDATE requests SET status = 'done', turn = 'over', blocked_id = NULL, hold = '', ended_at = created_at WHERE turn <> 'over'", []).unwrap();
    drop(sql);
    for code in ["files", "desktop", "exchange", "m365", "mfa"] {
        let plans = admin.api_get(&format!("/services/{code}")).json();
        let plan = plans["plans"].as_array().unwrap().iter().find(|plan| plan["level"] == "user");
        let body = json!({ "service": code, "plan": plan.unwrap()["code"] });
        let answer = admin.api_post(&mine, body);
        assert_eq!(answer.status, 202, "{code}: {}", answer.body);
    }
    let rules = scene.world.texts(
        "SELECT rules.id || ' ' || event || ' ' || services.id || ' ' || rules.key || ' ' || services.code FROM rules JOIN services ON services.id = service_id
          WHERE services.module <> '' ORDER BY rules.id",
    );
    assert!(rules.len() > 90, "{}", rules.len());
    let before = (inside(&scene), dump(&scene));
    let mut looked = 0;
    for line in &rules {
        let parts: Vec<&str> = line.split(' ').collect();
        let (id, event, service) = (parts[0], parts[1], parts[2]);
        let of_user = event.starts_with("user");
        let table = if of_user { "user_services" } else { "customer_services" };
        let aid =
            scene.world.count(&format!("SELECT max(id) FROM {table} WHERE service_id = {service}"));
        let mut body = json!({ "customer_id": customer, "aid": aid });
        if of_user {
            body["user_id"] = json!(user);
        }
        let answer = admin.api_post(&format!("/rules/{id}/dry-run"), body);
        assert_eq!(answer.status, 200, "{line}: {}", answer.body);
        let run = answer.json();
        if run["connector"].as_str().is_some_and(|text| {
            text.starts_with("In Directory") || text.starts_with("Directory is")
        }) {
            looked += 1;
        }
    }
    assert!(looked > 15, "{looked}");
    let after = (inside(&scene), dump(&scene));
    assert_eq!(before.0, after.0);
    assert_eq!(before.1, after.1);
}
