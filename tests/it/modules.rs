//! Modules: what comes with the program is installed, pinned, looked at and taken.

use crate::world::{Answer, PROVIDER, Person, World};
use portico::auth::Actor;
use portico::catalogue::modules::{self, Module, SHELF};
use portico::catalogue::plans::Author;
use portico::engine;
use portico::events;
use portico::ids::UserId;
use portico::input::Input;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn admin(world: &World) -> Person<'_> {
    world.person(PROVIDER, "Provider administrator")
}

fn apply(who: &Person, text: &str) -> Answer {
    who.api_send("/apply", "application/toml", text.as_bytes())
}

/// Installs it and puts it on sale; its code.
pub fn install(admin: &Person, code: &str) -> String {
    let template = code.ends_with("-task");
    let own = json!({ "code": format!("own-{code}"), "name": format!("Own {code}") });
    let body = if template { own } else { json!({}) };
    let answer = admin.api_post(&format!("/modules/{code}/install"), body);
    assert_eq!(answer.status, 201, "{code}: {}", answer.body);
    let code = answer.json()["code"].as_str().unwrap().to_owned();
    admin.api_post(&format!("/services/{code}/activate"), Value::Null).expect(200);
    code
}

#[test]
fn p_1_each_module_installs_activates_exports_and_applies_back() {
    let (world, other) = (World::new(), World::new());
    let (admin, there) = (admin(&world), admin(&other));
    assert!(SHELF.len() >= 10);
    for module in SHELF {
        let code = install(&admin, module.code);
        for format in ["toml", "json"] {
            let at = format!("/services/{code}/export?format={format}");
            let text = admin.get(&at).expect(200).body;
            assert_eq!(apply(&admin, &text).expect(200).json()["changes"], json!([]), "{code}");
            let told = apply(&there, &text);
            assert_eq!(told.status, 200, "{code}: {}", told.body);
            assert_eq!(there.get(&at).expect(200).body, text, "{code}");
        }
        let page = admin.get(&format!("/modules/{}", module.code)).expect(200);
        assert!(
            page.says("What it does")
                && page.says(if module.template { "Copy" } else { "Installed as" })
        );
        let again = admin.api_post(
            &format!("/modules/{}/install", module.code),
            json!({ "name": "Other", "code": code }),
        );
        assert_eq!(again.status, 422, "{code}");
    }
    let list = admin.api_get("/modules").expect(200).json();
    assert_eq!(list["items"][0]["state"], "installed");
    assert!(
        admin.get("/services").says("Modules")
            && admin.get("/modules").expect(200).says("Reseller")
    );
    // It is the provider's business alone.
    let ra = world.person(world.reseller("Northwind"), "Reseller administrator");
    assert_eq!((ra.get("/modules").status, ra.api_get("/modules").status), (403, 403));
}

#[test]
fn what_a_module_needs_is_installed_first_and_a_code_in_use_is_said() {
    let world = World::new();
    let admin = admin(&world);
    let said = admin.api_post("/modules/files/install", json!({})).expect(422).complaints();
    assert_eq!(said, ["Shared folder needs Directory account. Install that first."]);
    assert!(admin.get("/modules/files").expect(200).says("Install that first."));
    let own = json!({ "code": "dns", "name": "Names", "kind": "customer", "tracking_only": true });
    admin.api_post("/services", own).expect(201);
    let said = admin.api_post("/modules/dns/install", json!({})).expect(422).complaints();
    assert_eq!(said, ["There is a service with the code dns already: Names."]);
    assert!(admin.get("/modules/dns").expect(200).says("Names"));
    assert_eq!(admin.api_post("/modules/nothing/install", json!({})).status, 404);
    // A preview says what would be added, and adds nothing.
    let told = admin.api_post("/modules/entra/install?preview=true", json!({})).expect(200).json();
    assert_eq!((&told["applied"], &told["changes"][0]["change"]), (&json!(false), &json!("added")));
    assert_eq!(admin.api_get("/modules/entra").json()["state"], "open");
    let form = admin.post("/modules/user-task/install", &[("name", "Fitting out")]).expect(422);
    assert!(form.says("is required: the template becomes a service of yours"));
    let fields = [("name", "Fitting out"), ("code", "fitting")];
    assert_eq!(admin.post("/modules/user-task/install", &fields).location(), "/services/fitting");
    assert_eq!(admin.post("/modules/entra/install", &[]).location(), "/services/entra");
}

/// A module as an earlier program brought it.
fn older() -> Module {
    let now = modules::find("directory").unwrap();
    let text = now
        .text
        .replace("title = \"Make the account\"", "title = \"Make it the old way\"")
        .replace("name = \"sid\"\nlabel", "name = \"old_sid\"\nlabel")
        .replace("key = \"sid\"", "key = \"old-sid\"")
        .replace("output = \"sid\"", "output = \"old_sid\"");
    Module { version: now.version - 1, text: text.leak(), ..*now }
}

#[test]
fn p_11_a_newer_version_changes_nothing_until_it_is_taken() {
    let mut world = World::new();
    let scope = Actor::of_shell().scope().unwrap();
    let key = world.app.config.key.clone();
    let author = Author::of_files(&scope, &key, true);
    modules::install(&world.app.db, &author, &older(), &Input::default(), false).unwrap();
    let own = {
        let admin = admin(&world);
        // What the provider makes of it.
        admin.api_patch("/services/directory", json!({ "name": "Domain account" })).expect(200);
        admin
            .api_patch("/services/directory/plans/account", json!({ "name": "Konto" }))
            .expect(200);
        let plan = json!({ "level": "user", "code": "gold", "name": "Gold" });
        admin.api_post("/services/directory/plans", plan).expect(201);
        admin
            .api_patch("/services/directory/properties/removal_days", json!({ "default": "10" }))
            .expect(200);
        let after = json!({
            "service": "directory", "event": "user_service.provision", "slot": "after", "key": "greet",
            "action": "task.open", "params": { "title": "Greet {user.display_name}" },
        });
        admin.api_post("/rules", after).expect(201);
        admin.api_post("/services/directory/activate", Value::Null).expect(200);
        admin.get("/services/directory/export?format=toml").expect(200).body
    };
    world.restart();
    let admin = admin(&world);
    let now = || admin.get("/services/directory/export?format=toml").expect(200).body;
    assert_eq!(now(), own);
    assert!(admin.get("/modules").expect(200).says("New version"));
    let page = admin.get("/modules/directory/upgrade").expect(200);
    assert!(page.says("Make it the old way") && page.says("Make the account"), "{}", page.body);
    let told =
        admin.api_post("/modules/directory/upgrade?preview=true", json!({})).expect(200).json();
    assert_eq!(told["applied"], false);
    let whats: Vec<String> = told["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| {
            format!("{} {}", each["what"].as_str().unwrap(), each["change"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        whats,
        [
            "property sid added",
            "rule user_service.provision account changed",
            "rule user_service.provision sid added",
            "rule user_service.provision old-sid removed",
        ]
    );
    assert_eq!(now(), own);
    assert_eq!(admin.post("/modules/directory/upgrade", &[]).location(), "/services/directory");
    let taken = now();
    for kept in ["Domain account", "Konto", "Gold", "default = 10", "key = \"greet\"", "old_sid"] {
        assert!(taken.contains(kept), "{kept}\n{taken}");
    }
    assert!(taken.contains("Make the account") && !taken.contains("key = \"old-sid\""));
    assert_eq!(admin.api_get("/modules/directory").json()["state"], "installed");
    let said = admin.api_post("/modules/directory/upgrade", json!({})).expect(422).complaints();
    assert_eq!(said, ["Directory account is the newest version already."]);
    assert_eq!(admin.api_post("/modules/files/upgrade", json!({})).status, 404);
}

#[test]
fn the_rules_of_a_module_stay_as_they_are() {
    let world = World::new();
    let admin = admin(&world);
    install(&admin, "directory");
    let id = world
        .count("SELECT id FROM rules WHERE event = 'user_service.provision' AND key = 'account'");
    let at = format!("/rules/{id}");
    let belongs = "This rule belongs to Directory account: add a rule Before or After";
    for answer in [
        admin.api_patch(&at, json!({ "title": "Mine" })),
        admin.api_post(&format!("{at}/disable"), Value::Null),
        admin.api_delete(&at),
    ] {
        assert!(answer.expect(422).complaints()[0].contains(belongs));
    }
    let page = admin.get(&at).expect(200);
    assert!(page.says("Add a rule") && page.says("Directory account"));
    assert!(page.body.contains("/rules/new?event=user_service.provision&amp;service=directory"));
    let text = admin.get("/services/directory/export?format=toml").body;
    let changed = text.replace("title = \"Make the account\"", "title = \"Mine\"");
    let said = apply(&admin, &changed).expect(422).complaints();
    assert!(said[0].contains("is a rule of the module and stays as it is"), "{said:?}");
    // One of one's own beside them comes by a document too, and is one's own.
    let more = format!(
        "{text}\n[[service.rule]]\nevent = \"user_service.provision\"\nslot = \"after\"\nkey = \"greet\"\naction = \"task.open\"\nparams.title = \"Greet\"\n"
    );
    apply(&admin, &more).expect(200);
    let greet = world.count("SELECT id FROM rules WHERE key = 'greet' AND customer_id = 1");
    admin.api_delete(&format!("/rules/{greet}")).expect(204);
}

fn until(what: &str, is: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_service_asks_its_user_for_a_second_factor_after_the_days_of_grace() {
    let world = World::new();
    let admin = admin(&world);
    let customer = world.customer(PROVIDER, "Aldermoor");
    let theo = world.user(customer, "Theo", "theo");
    install(&admin, "mfa");
    let engine = engine::start(world.app.clone(), events::EVENTS).unwrap();
    let done = |answer: Answer| {
        let id = answer.expect(202).json()["request_id"].as_i64().unwrap();
        let status = format!("SELECT status FROM requests WHERE id = {id}");
        until("it is done", || world.text(&status) == "done");
    };
    let body = json!({ "service": "mfa", "properties": { "grace_days": 5 } });
    done(admin.api_post(&format!("/customers/{customer}/services"), body));
    let asked = |user: UserId| {
        world.app.db.read(|db| portico::auth::requires_factor(db, user, customer)).unwrap()
    };
    let mine = format!("/users/{theo}/services");
    let given = admin.api_post(&mine, json!({ "service": "mfa", "plan": "required" }));
    let held = given.id();
    done(given);
    assert_eq!(asked(theo), None);
    world.later(4 * 86_400);
    assert_eq!(asked(theo), None);
    world.later(2 * 86_400);
    assert_eq!(asked(theo).as_deref(), Some("A service of yours"));
    done(admin.api_post(&format!("{mine}/{held}/suspend"), Value::Null));
    assert_eq!(asked(theo), None);
    done(admin.api_post(&format!("{mine}/{held}/resume"), Value::Null));
    world.later(6 * 86_400);
    assert!(asked(theo).is_some());
    done(admin.api_delete(&format!("{mine}/{held}")));
    assert_eq!(asked(theo), None);
    engine.stop();
}
