//! Rules within the documents of services: brought in, written again, refused by file, line and key.

use crate::verbs::House;
use crate::world::{Answer, PROVIDER, Person, World};
use serde_json::{Value, json};

const VPN: &str = r#"format = "portico/1"

[[service]]
code = "vpn"
name = "VPN access"
kind = "user"

[[service.property]]
name = "group"
label = "Group"
on = "customer"
type = "text"
default = "VPN"
writable_by = "provider"

[[service.plan]]
level = "user"
code = "standard"
name = "Standard"

[[service.rule]]
event = "customer_service.provision"
slot = "main"
key = "group"
action = "dir.group_ensure"
params = { connector = "directory", name = "{prop.group}_{customer.code}", kind = "global", ou = "{env.customer_ou}" }

[[service.rule]]
event = "user_service.provision"
key = "member"
title = "Add to the group"
condition = "user.department != 'Guests' && plan.code == 'standard'"
action = "dir.member_add"
params = { group = "{prop.group}", member = "self" }
on_error = "continue"

[[service.rule]]
event = "user_service.provision"
slot = "after"
position = 7
key = "tell"
action = "webhook.send"
params = { connector = "Desk", body = "[\"{user.upn}\"]" }
tries = 3
enabled = false

[[service.rule]]
event = "user_service.deprovision"
key = "token"
action = "task.open"
params.title = "Take the token of {user.display_name} back"
params.checklist = ["Asked for", "Has come"]
params.due_days = 3

[[service.rule]]
event = "user_service.deprovision"
position = 110
key = "clear"
action = "script.run"
params = { connector = "Clear", inputs = { home = "/home/{user.username}", keep = "7" } }
"#;

fn world() -> World {
    let world = World::new();
    world.webhook("Desk", "http://127.0.0.1:9/");
    let sql = world.sql();
    sql.execute(
        "INSERT INTO connectors (customer_id, kind, name, created_at, state, script, time_limit)
         VALUES (1, 'script', 'Clear', '2026-01-01T00:00:00Z', 'active', 'clear', 30)",
        [],
    )
    .unwrap();
    drop(sql);
    world
}

fn admin(world: &World) -> Person<'_> {
    world.person(PROVIDER, "Provider administrator")
}

fn apply(who: &Person, query: &str, text: &str) -> Answer {
    who.api_send(&format!("/apply{query}"), "application/toml", text.as_bytes())
}

#[test]
fn rules_are_brought_in_once_and_written_again_byte_for_byte() {
    let world = world();
    let admin = admin(&world);
    let told = apply(&admin, "?dry_run=true", VPN).expect(200).json();
    let whats: Vec<&str> =
        told["changes"].as_array().unwrap().iter().map(|c| c["what"].as_str().unwrap()).collect();
    assert!(whats.contains(&"rule user_service.provision member"), "{whats:?}");
    assert_eq!(world.count("SELECT count(*) FROM rules WHERE action = 'dir.member_add'"), 0);
    apply(&admin, "", VPN).expect(200);
    assert_eq!(world.count("SELECT count(*) FROM rules WHERE service_id = (SELECT id FROM services WHERE code = 'vpn')"), 5);
    admin.api_post("/services/vpn/activate", Value::Null).expect(200);
    let marks = || {
        (
            world.count("SELECT sum(version) FROM services"),
            world.count("SELECT sum(version) FROM rules"),
            world.count("SELECT count(*) FROM audit_log"),
            world.count("SELECT count(*) FROM service_versions"),
        )
    };
    let before = marks();
    assert_eq!(apply(&admin, "", VPN).expect(200).json()["changes"], json!([]));
    assert_eq!(marks(), before);
    for format in ["toml", "json"] {
        let at = format!("/services/vpn/export?format={format}");
        let text = admin.get(&at).expect(200).body;
        assert_eq!(apply(&admin, "", &text).expect(200).json()["changes"], json!([]));
        let other = self::world();
        let there = self::admin(&other);
        apply(&there, "", &text).expect(200);
        assert_eq!(there.get(&at).expect(200).body, text);
    }
    assert_eq!(marks(), before);
    let text = admin.get("/services/vpn/export?format=toml").body;
    for line in [
        "condition = \"user.department != 'Guests' && plan.code == 'standard'\"",
        "params = { body = \"[\\\"{user.upn}\\\"]\", connector = \"Desk\" }",
        "params = { checklist = [\"Asked for\", \"Has come\"], due_days = 3, title = \"Take the token of {user.display_name} back\" }",
        "params = { connector = \"Clear\", inputs = { home = \"/home/{user.username}\", keep = \"7\" } }",
        "enabled = false",
        "tries = 3",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    // What changes is said with what it was, makes a version, and counts as a change of the service.
    let other = VPN.replace("position = 7", "position = 8");
    let told = apply(&admin, "", &other).expect(200).json();
    let changed = json!([{
        "service": "vpn", "what": "rule user_service.provision tell", "change": "changed",
        "keys": ["position"], "values": [{ "key": "position", "old": "7", "new": "8" }],
    }]);
    assert_eq!(told["changes"], changed);
    let now = marks();
    assert_eq!((now.0, now.1, now.3), (before.0 + 1, before.1 + 1, before.3 + 1));
    // In the editor it is a rule like any other, and what is changed there is in the document.
    let id = world.count("SELECT id FROM rules WHERE key = 'member'");
    admin.api_patch(&format!("/rules/{id}"), json!({ "title": "Let in" })).expect(200);
    assert!(admin.get("/services/vpn/export?format=toml").body.contains("title = \"Let in\""));
    // So is one that was made in the editor for everybody.
    let rule = json!({
        "service": "vpn", "event": "user_service.suspend", "key": "out", "action": "dir.member_remove",
        "params": { "group": "{prop.group}" },
    });
    admin.api_post("/rules", rule).expect(201);
    assert!(admin.get("/services/vpn/export?format=toml").body.contains("key = \"out\""));
    // What no file names is switched off where it is pruned.
    apply(&admin, "?prune=true", VPN).expect(200);
    assert_eq!(world.count("SELECT enabled FROM rules WHERE key = 'out'"), 0);
    assert_eq!(world.count("SELECT enabled FROM rules WHERE key = 'member'"), 1);
}

#[test]
fn a_rule_that_cannot_be_meant_is_refused_with_file_line_and_key() {
    let world = world();
    let admin = admin(&world);
    let line =
        |text: &str, part: &str| text.lines().position(|line| line.contains(part)).unwrap() + 1;
    for (from, to, at, said) in [
        (
            "dir.group_ensure",
            "dir.group_make",
            "dir.group_make",
            "action is not one of the choices",
        ),
        (
            "kind = \"global\"",
            "kinds = \"global\"",
            "kinds = ",
            "kinds is not a parameter of dir.group_ensure",
        ),
        (
            "user.department !=",
            "user.departmnt !=",
            "departmnt",
            "condition column 6: user.departmnt is not known; user.department?",
        ),
        (
            "{prop.group}\", member",
            "{prop.groop}\", member",
            "groop",
            "group column 2: prop.groop is not known; prop.group?",
        ),
        (
            "connector = \"Desk\"",
            "connector = \"Dosk\"",
            "Dosk",
            "connector “Dosk” is not a connector of yours for this action",
        ),
        ("tries = 3", "trials = 3", "trials", "trials is not a field here"),
        (
            "key = \"clear\"",
            "key = \"token\"",
            "position = 110",
            "key is the key of another rule for this event",
        ),
        (
            "user_service.deprovision\"\nkey = \"token\"",
            "user_service.lost\"\nkey = \"token\"",
            "user_service.lost",
            "event is not an event that rules are for",
        ),
    ] {
        let text = VPN.replacen(from, to, 1);
        assert_ne!(text, VPN, "{from}");
        let wrong = apply(&admin, "", &text).expect(422).complaints().join("; ");
        let number = line(&text, at);
        let number = if said.starts_with("key is") { number + 1 } else { number };
        let begin = format!("document, line {number}: ");
        assert!(wrong.contains(&begin) && wrong.contains(said), "{begin}{said}\n{wrong}");
        assert_eq!(world.count("SELECT count(*) FROM services WHERE builtin = 0"), 0);
    }
    let two = VPN
        .replace("params.title = \"Take the token of {user.display_name} back\"", "params = 5")
        .replace("params.checklist = [\"Asked for\", \"Has come\"]\nparams.due_days = 3\n", "");
    assert!(apply(&admin, "", &two).expect(422).complaints()[0].contains("params must be a table"));
}

#[test]
fn rules_come_only_with_whoever_may_write_rules() {
    let world = world();
    let admin = admin(&world);
    let rights = [("catalogue.read", 3), ("catalogue.write", 3)];
    let author = world.person_with(PROVIDER, &rights);
    let said = apply(&author, "", VPN).expect(422).complaints();
    assert!(said[0].contains("is a rule, which only those change who may write rules"), "{said:?}");
    apply(&admin, "", VPN).expect(200);
    // The same rules again are no change.
    let text = VPN.replace("name = \"VPN access\"", "name = \"VPN\"");
    assert_eq!(apply(&author, "", &text).expect(200).json()["changes"][0]["keys"], json!(["name"]));
}

#[test]
fn what_the_simple_form_makes_leaves_room_before_it() {
    let world = world();
    let admin = admin(&world);
    apply(&admin, "", VPN).expect(200);
    let desk = world.count("SELECT id FROM connectors WHERE name = 'Desk'");
    let clear = world.count("SELECT id FROM connectors WHERE name = 'Clear'");
    let chosen = json!({ "connectors": [desk, clear] });
    let put = |body: Value| admin.api_with("PUT", "/services/vpn/rules", body, &[]).expect(200);
    put(chosen);
    let places =
        "SELECT group_concat(key || ' ' || position, ', ') FROM (SELECT key, position FROM rules
                   WHERE event = '{}' AND key GLOB 'connector-*' ORDER BY position)";
    let of = |event: &str| world.text(&places.replace("{}", event));
    assert_eq!(of("user_service.provision"), "connector-1 100, connector-2 101");
    assert_eq!(of("user_service.deprovision"), "connector-2 100, connector-1 101");
    // What the document brought stays, and the whole is written and read again.
    assert_eq!(world.count("SELECT count(*) FROM rules WHERE key = 'member'"), 1);
    let text = admin.get("/services/vpn/export?format=toml").body;
    assert_eq!(apply(&admin, "", &text).expect(200).json()["changes"], json!([]));
    let other = self::world();
    let there = self::admin(&other);
    apply(&there, "", &text).expect(200);
    assert_eq!(there.get("/services/vpn/export?format=toml").body, text);
    put(json!({ "connectors": [] }));
    assert_eq!(world.count("SELECT count(*) FROM rules WHERE key GLOB 'connector-*' AND customer_id IS NULL AND service_id = (SELECT id FROM services WHERE code = 'vpn')"), 0);
}

#[test]
fn the_examples_are_applied_as_their_first_lines_say() {
    let house = House::set_up();
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/services");
    let file = |name: &str| format!("{examples}/{name}.toml");
    let said = house.done(&["apply", "-f", &file("domain-registration")]);
    assert!(
        said.contains("domain-registration rule customer_service.provision register added"),
        "{said}"
    );
    assert!(
        house.done(&["apply", "-f", &file("domain-registration")]).contains("Nothing differs.")
    );
    // Two of them ask for something first, and say what.
    let said = house.refused(&["apply", "-f", &file("backup-quota")]);
    assert!(said.contains("“Backup” is not a connector of yours"), "{said}");
    let said = house.refused(&["apply", "-f", &file("vpn")]);
    assert!(said.contains("directory is not a service"), "{said}");
    let world = World::new();
    let admin = admin(&world);
    world.webhook("Backup", "http://127.0.0.1:9/");
    admin.api_post("/modules/directory/install", json!({})).expect(201);
    admin.api_post("/services/directory/activate", Value::Null).expect(200);
    for each in std::fs::read_dir(examples).unwrap() {
        let path = each.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let told = apply(&admin, "", &text);
        assert_eq!(told.status, 200, "{}: {}", path.display(), told.body);
        assert_eq!(apply(&admin, "", &text).expect(200).json()["changes"], json!([]));
        let code = told.json()["changes"][0]["service"].as_str().unwrap().to_owned();
        admin.api_post(&format!("/services/{code}/activate"), Value::Null).expect(200);
    }
}
