//! Services as files: written, brought in, checked before, the same again.

use crate::verbs::House;
use crate::world::{PROVIDER, Person, World};
use serde_json::{Value, json};

fn admin(world: &World) -> Person<'_> {
    world.person(PROVIDER, "Provider administrator")
}

const MAIL: &str = r#"format = "portico/1"

[[service]]
code = "directory"
name = "Directory account"
kind = "user"
tracking_only = true
state = "active"

[[service.plan]]
level = "user"
code = "account"
name = "Account"

[[service]]
code = "mail"
name = "Mailbox"
kind = "user"
category = "Mail"
description = "Two\nlines, \"quoted\" and 50 % ünïcode."
icon = "mail"
tracking_only = true
state = "active"

[[service.needs]]
service = "directory"
at = "user"

[[service.property]]
name = "quota"
label = "Mailbox size"
category = "Sizes"
on = "user"
type = "size"
least = "1 GiB"
step = "1 GiB"
default = "5 GiB"
writable_by = "reseller"

[[service.property]]
name = "kind"
label = "Kind"
on = "customer"
type = "choice"
choices = ["desk = Desk", "kiosk = Kiosk"]
at = ["plan", "customer"]

[[service.property]]
name = "from"
label = "From"
use = "captured"
on = "user"
type = "date"
earliest = "today"
latest = 2030-12-31

[[service.property]]
name = "key"
label = "Key"
secret = true
writable_by = "provider"
visible_to = "provider"

[[service.plan]]
code = "small"
name = "Small"
sku = "EX-1"
values = { quota = "2 GiB", kind = "kiosk" }
locks = ["quota"]

[[service.plan]]
code = "old"
name = "Old"
state = "retired"
"#;

fn apply(who: &Person, query: &str, text: &str) -> crate::world::Answer {
    who.api_send(&format!("/apply{query}"), "application/toml", text.as_bytes())
}

#[test]
fn a_file_is_applied_once_and_written_again_byte_for_byte() {
    let world = World::new();
    let admin = admin(&world);
    // A dry run says what would be and does nothing.
    let told = apply(&admin, "?dry_run=true", MAIL).expect(200).json();
    assert_eq!(told["applied"], false);
    assert_eq!(told["changes"].as_array().unwrap().len(), 9);
    assert_eq!(world.count("SELECT count(*) FROM services WHERE builtin = 0"), 0);
    let told = apply(&admin, "", MAIL).expect(200).json();
    assert_eq!(
        told["changes"][2],
        json!({ "service": "mail", "what": "", "change": "added", "keys": [] })
    );
    assert_eq!(admin.api_get("/services/mail").json()["state"], "active");
    assert_eq!(admin.api_get("/services/mail").json()["needs"], json!(["directory"]));
    admin
        .api_patch("/services/mail/plans/small", json!({ "properties": { "key": "hush" } }))
        .expect(200);
    // The same again: no version, no row.
    let marks = || {
        (
            world.count("SELECT sum(version) FROM services"),
            world.count("SELECT count(*) FROM audit_log"),
            world.count("SELECT count(*) FROM service_versions"),
        )
    };
    let before = marks();
    assert_eq!(apply(&admin, "", MAIL).expect(200).json()["changes"], json!([]));
    let rows =
        "SELECT coalesce(group_concat(action || detail, '; '), '') FROM audit_log WHERE id > ";
    assert_eq!(marks(), before, "{}", world.text(&format!("{rows}{}", before.1)));
    // Written, brought into another store and written there: the same bytes, as TOML and as JSON.
    let files: Vec<String> = ["toml", "json"]
        .iter()
        .flat_map(|format| {
            ["directory", "mail"].map(|code| {
                admin.get(&format!("/services/{code}/export?format={format}")).expect(200).body
            })
        })
        .collect();
    assert!(!files.iter().any(|text| text.contains("hush")));
    assert!(files[1].contains("default = \"5 GiB\"\n") && files[1].contains("[[service.needs]]"));
    for texts in files.chunks(2) {
        let other = World::new();
        let there = self::admin(&other);
        for (code, text) in ["directory", "mail"].iter().zip(texts) {
            apply(&there, "", text).expect(200);
            assert_eq!(apply(&admin, "", text).expect(200).json()["changes"], json!([]));
            let format = if text.starts_with('{') { "json" } else { "toml" };
            let again = there.get(&format!("/services/{code}/export?format={format}"));
            assert_eq!(&again.body, text);
        }
    }
    assert_eq!(marks(), before);
    // Every save left a whole document.
    let versions = admin.api_get("/services/mail/versions").expect(200).json();
    let newest = versions["items"][0]["version"].as_i64().unwrap();
    assert_eq!(admin.get(&format!("/services/mail/versions/{newest}")).body, files[3]);
    assert!(admin.get("/services/mail/versions").expect(200).says("Version 1"));
}

#[test]
fn p_8_one_bad_line_in_the_second_file_changes_nothing_and_is_named() {
    let house = House::set_up();
    let good = house.path("good.toml");
    let bad = house.path("bad.toml");
    std::fs::write(&good, MAIL).unwrap();
    let second = "format = \"portico/1\"\n\n[[service]]\ncode = \"vpn\"\nname = \"VPN\"\nkind = \"user\"\n\n\
                  [[service.property]]\nname = \"group\"\nlabel = \"Group\"\nleest = 5\ntype = \"integr\"\n";
    std::fs::write(&bad, second).unwrap();
    let (good, bad) = (good.display().to_string(), bad.display().to_string());
    let said = house.refused(&["apply", "-f", &good, &bad]);
    for line in [
        format!("{bad}, line 11: leest is not a field here; did you mean least?"),
        format!("{bad}, line 12: type is not one of the choices"),
    ] {
        assert!(said.contains(&line), "{said}");
    }
    #[expect(clippy::disallowed_methods, reason = "tests look behind the program's back")]
    let open = || rusqlite::Connection::open(house.data().join("portico.db"));
    let count =
        |what: &str| -> i64 { open().unwrap().query_row(what, [], |row| row.get(0)).unwrap() };
    const MADE: &str = "SELECT count(*) FROM services WHERE builtin = 0";
    assert_eq!(count(MADE), 0);
    // A dry run that finds differences ends with 3, a change with 0, and so does none.
    let code = |arguments: &[&str]| house.run(arguments).status.code();
    assert_eq!(code(&["apply", "-f", &good, "--dry-run"]), Some(3));
    assert_eq!(count(MADE), 0);
    assert!(house.done(&["apply", "-f", &good]).contains("mail property quota added"));
    assert_eq!(count(MADE), 2);
    assert_eq!(code(&["apply", "-f", &good, "--dry-run"]), Some(0));
    let marks =
        "SELECT (SELECT sum(version) FROM services) * 100000 + (SELECT count(*) FROM audit_log)";
    let before = count(marks);
    assert!(house.done(&["apply", "-f", &good]).contains("Nothing differs."));
    assert_eq!(count(marks), before);
    // What is no document at all says where.
    std::fs::write(&bad, "format = \"portico/1\"\n[[service\n").unwrap();
    assert!(house.refused(&["apply", "-f", &bad]).contains("bad.toml, line 2: "));
    std::fs::write(&bad, "format = \"portico/2\"\nservices = []\n").unwrap();
    let said = house.refused(&["apply", "-f", &bad]);
    assert!(said.contains("line 1: format must be \"portico/1\""), "{said}");
    assert!(said.contains("line 2: services is not a key here"), "{said}");
}

#[test]
fn p_6_a_circle_of_three_is_refused_by_form_api_and_file() {
    let world = World::new();
    let admin = admin(&world);
    let service = |code: &str, need: &str| {
        let needs = format!("\n[[service.needs]]\nservice = \"{need}\"\n");
        let needs = if need.is_empty() { String::new() } else { needs };
        format!("\n[[service]]\ncode = \"{code}\"\nname = \"{code}\"\nkind = \"user\"\n{needs}")
    };
    let start = "format = \"portico/1\"\n";
    let chain = format!("{start}{}{}{}", service("a", "b"), service("b", "c"), service("c", ""));
    apply(&admin, "", &chain).expect(200);
    let way = "The services would need each other: c needs a needs b needs c.";
    let api = admin.api_patch("/services/c", json!({ "needs": ["a"] })).expect(422);
    assert_eq!(api.complaints(), [format!("needs {way}")]);
    let form =
        admin.post("/services/c", &[("name", "c"), ("kind", "user"), ("needs", "a")]).expect(422);
    assert!(form.says(way));
    let circle = format!("{start}{}{}{}", service("a", "b"), service("b", "c"), service("c", "a"));
    let file = apply(&admin, "", &circle).expect(422);
    assert_eq!(file.complaints(), [format!("document, line 24: needs: {way}")]);
    // None of it was there before: the same.
    let other = World::new();
    let there = self::admin(&other);
    let said = apply(&there, "", &circle).expect(422).complaints();
    assert!(
        said[0].contains("needs c needs") || said[0].contains("c needs a needs b needs c"),
        "{said:?}"
    );
    assert_eq!(other.count("SELECT count(*) FROM services WHERE builtin = 0"), 0);
}

#[test]
fn what_no_file_names_stays_unless_pruned() {
    let world = World::new();
    let admin = admin(&world);
    apply(&admin, "", MAIL).expect(200);
    let less = MAIL.split("[[service]]").nth(1).unwrap();
    let less = format!("format = \"portico/1\"\n\n[[service]]{less}");
    assert_eq!(apply(&admin, "", &less).expect(200).json()["changes"], json!([]));
    let told = apply(&admin, "?prune=true&dry_run=true", &less).expect(200).json();
    assert_eq!(told["changes"].as_array().unwrap().len(), 1, "{told}");
    apply(&admin, "?prune=true", &less).expect(200);
    let state = |code: &str| admin.api_get(&format!("/services/{code}")).json()["state"].clone();
    assert_eq!((state("directory"), state("mail")), (json!("active"), json!("retired")));
    assert_eq!(admin.api_get("/services/reseller").json()["state"], "active");
    // What a file leaves out of a thing it names is as in a new one.
    let bare =
        less.replace("tracking_only = true\n", "tracking_only = true\ncategory = \"Base\"\n");
    let told = apply(&admin, "", &bare).expect(200).json();
    assert_eq!(told["changes"][0]["keys"], json!(["category"]));
    assert_eq!(
        apply(&admin, "", &less).expect(200).json()["changes"][0]["keys"],
        json!(["category"])
    );
    assert_eq!(apply(&admin, "?sure=1", &less).status, 422);
}

#[test]
fn files_are_brought_in_by_the_browser_after_a_look() {
    let world = World::new();
    let admin = admin(&world);
    assert!(admin.get("/services").says("Bring in files"));
    assert!(admin.get("/apply").expect(200).says("Show what would change"));
    assert!(admin.post("/apply", &[]).expect(422).says("File is required: choose one."));
    let file = [("name", "mail.toml"), ("text", MAIL)];
    let look = admin.post("/apply", &file).expect(200);
    assert!(look.says("property quota") && look.says("From mail.toml."));
    assert_eq!(world.count("SELECT count(*) FROM services WHERE builtin = 0"), 0);
    let sure = [file[0], file[1], ("sure", "1")];
    assert_eq!(admin.post("/apply", &sure).location(), "/services");
    assert_eq!(world.count("SELECT count(*) FROM services WHERE builtin = 0"), 2);
    assert!(admin.post("/apply", &file).expect(200).says("Nothing differs"));
    let wrong = MAIL.replace("icon = \"mail\"", "icon = \"envelope\"");
    let look = admin.post("/apply", &[("name", "mail.toml"), ("text", &wrong)]).expect(422);
    assert!(look.says("mail.toml, line 21: icon is not one of the choices"), "{}", look.body);
    // Nobody below the provider brings anything in, nor takes it out.
    let ra = world.person(world.reseller("Northwind"), "Reseller administrator");
    assert_eq!((ra.get("/apply").status, apply(&ra, "", MAIL).status), (403, 403));
    assert_eq!(ra.get("/services/mail/export").status, 404);
    assert_eq!(ra.get("/services/mail/versions").status, 404);
}

#[test]
fn labels_are_suggested_where_there_may_be_several() {
    let world = World::new();
    let admin = admin(&world);
    let customer = world.customer(PROVIDER, "Aldermoor");
    let mut body = json!({
        "code": "zone", "name": "DNS zone", "kind": "customer", "multi": true, "tracking_only": true,
        "label_pattern": "{customer.domain} {user.name}",
    });
    let said = admin.api_post("/services", body.clone()).expect(422).complaints();
    assert_eq!(said, ["label_pattern has {user.name}, which is not known here"]);
    body["label_pattern"] = json!("zone {customer.domain}");
    admin.api_post("/services", body).expect(201);
    admin.api_post("/services/zone/activate", Value::Null).expect(200);
    let url = format!("/customers/{customer}/services");
    let held = admin.api_post(&url, json!({ "service": "zone" })).expect(202).id();
    let label = admin.api_get(&format!("{url}/{held}")).json()["label"].clone();
    assert_eq!(label, "zone aldermoor.example");
    let twice = admin.api_post(&url, json!({ "service": "zone" })).expect(422).complaints();
    assert_eq!(twice, ["label Aldermoor has DNS zone zone aldermoor.example already."]);
}

#[test]
fn what_users_hold_may_be_needed_at_the_customer() {
    let world = World::new();
    let admin = admin(&world);
    let customer = world.customer(PROVIDER, "Aldermoor");
    let theo = world.user(customer, "Theo", "theo");
    let text = MAIL.replace("at = \"user\"", "at = \"customer\"");
    apply(&admin, "", &text).expect(200);
    assert_eq!(admin.api_get("/services/mail").json()["needs"], json!(["directory@customer"]));
    assert!(admin.get("/services/mail").says("Directory account, at the customer"));
    assert!(admin.get("/services/mail/edit").says("Directory account, at the customer"));
    let wrong =
        admin.api_patch("/services/mail", json!({ "needs": ["reseller@user"] })).expect(422);
    assert_eq!(wrong.complaints(), ["needs Reseller cannot be needed at the user"]);
    let url = format!("/customers/{customer}/services");
    let mail = json!({ "service": "mail" });
    let said = admin.api_post(&url, mail.clone()).expect(422).complaints();
    assert_eq!(said, ["service needs Directory account at the customer"]);
    let directory = admin.api_post(&url, json!({ "service": "directory" })).expect(202).id();
    admin.api_post(&url, mail).expect(202);
    let give = json!({ "service": "mail", "plan": "small" });
    admin.api_post(&format!("/users/{theo}/services"), give).expect(202);
    let said = admin.api_delete(&format!("{url}/{directory}")).expect(422).complaints();
    assert_eq!(said, ["Mailbox needs Directory account. Remove that first."]);
}
