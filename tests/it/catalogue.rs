//! The catalogue: what a service, a plan and a setting may be, and who sees it.

use crate::world::{PROVIDER, Person, World};
use portico::catalogue::properties::{self, Asked, Order, Place, Standing};
use portico::catalogue::{self, Level};
use portico::db::{By, Via};
use serde_json::{Value, json};

const SHELL: By = By { user: None, via: Via::Shell, acting_for: None };

fn admin(world: &World) -> Person<'_> {
    world.person(PROVIDER, "Provider administrator")
}

/// A connector of the provider, straight into the store.
fn connector(world: &World, name: &str) -> i64 {
    world
        .sql()
        .query_row(
            "INSERT INTO connectors (customer_id, kind, name, script, time_limit, created_at)
             VALUES (1, 'script', ?1, 'work.py', 60, ?2) RETURNING id",
            (name, world.now()),
            |row| row.get(0),
        )
        .unwrap()
}

fn define(admin: &Person, code: &str, name: &str, kind: &str) {
    let body = json!({ "code": code, "name": name, "kind": kind, "tracking_only": true });
    admin.api_post("/services", body).expect(201);
}

#[test]
fn the_main_jobs_services_are_defined_in_the_browser() {
    let world = World::new();
    let admin = admin(&world);
    let script = connector(&world, "Workplace script").to_string();
    let hook = connector(&world, "Welcome").to_string();
    let new = admin.post(
        "/services",
        &[
            ("code", "workplace"),
            ("name", "Managed workplace"),
            ("kind", "user"),
            ("multi", "0"),
            ("tracking_only", "0"),
            ("category", "Workplace"),
            ("icon", "devices"),
            ("description", ""),
        ],
    );
    assert_eq!(new.location(), "/services/workplace");
    let refused = admin.post("/services/workplace/activate", &[]);
    assert_eq!(refused.status, 422);
    for text in ["Nothing happens when it is given", "It has no user plan. Add one first."] {
        assert!(refused.says(text), "{text}");
    }
    for (code, name, sku, price) in
        [("STD", "Standard", "MW-STD", "18.00"), ("PLUS", "Plus", "MW-PLUS", "27.50")]
    {
        let plan =
            [("level", "user"), ("code", code), ("name", name), ("sku", sku), ("price", price)];
        assert_eq!(
            admin.post("/services/workplace/plans", &plan).location(),
            "/services/workplace"
        );
    }
    let steps = [
        ("connectors", script.as_str()),
        ("connectors", &hook),
        ("connectors", ""),
        ("on_error", "stop"),
    ];
    admin.post("/services/workplace/rules", &steps).location();
    admin.post("/services/workplace/activate", &[]).location();
    let files =
        [("code", "files"), ("name", "Shared files"), ("kind", "customer"), ("tracking_only", "1")];
    admin.post("/services", &files).location();
    let plan =
        [("code", "STD"), ("name", "Standard"), ("price", "49.00"), ("setup_price", "10.00")];
    admin.post("/services/files/plans", &plan).location();
    admin.post("/services/files/activate", &[]).location();
    let page = admin.get("/services/workplace").expect(200);
    for text in ["Managed workplace", "On sale", "€18.00", "MW-STD", "€27.50", "Workplace script"]
    {
        assert!(page.says(text), "{text}");
    }
    let list = admin.get("/services").expect(200);
    assert!(list.says("Shared files") && list.says("Managed workplace") && list.says("Reseller"));
    for url in [
        "/services/new",
        "/services/workplace/edit",
        "/services/workplace/plans/new",
        "/services/workplace/plans/STD",
        "/services/workplace/properties/new",
        "/services/workplace/delete",
    ] {
        assert_eq!(admin.get(url).status, 200, "{url}");
    }
    // What was set up last is taken down first.
    let keys = |event: &str| {
        world
            .app
            .db
            .read(|db| {
                let service = catalogue::service_of(db, "workplace")?;
                let rules = catalogue::rules_for(db, service.id, event)?;
                Ok(rules.into_iter().map(|rule| rule.title).collect::<Vec<_>>())
            })
            .unwrap()
    };
    assert_eq!(keys("user_service.provision"), ["Workplace script", "Welcome"]);
    assert_eq!(keys("user_service.deprovision"), ["Welcome", "Workplace script"]);
    assert!(keys("customer_service.provision").is_empty());
    assert_eq!(keys("user_service.suspend").len(), 2);
    // Prices of what is once are set-up prices.
    assert!(admin.get("/services/files").says("€10.00"));
    // A later change says from when it counts.
    let change = [("name", "Standard"), ("sku", "MW-STD"), ("price", "19.50"), ("sort", "0")];
    admin.post("/services/workplace/plans/STD", &change).location();
    let page = admin.get("/services/workplace");
    assert!(
        page.says("€18.00") && page.says("€19.50, takes effect in April 2026"),
        "{}",
        page.body
    );
}

#[test]
fn refused_services_say_everything_at_once() {
    let world = World::new();
    let admin = admin(&world);
    define(&admin, "files", "Shared files", "customer");
    let bad =
        json!({ "code": "Bad Code", "name": "", "kind": "thing", "icon": "skull", "colour": 1 });
    assert_eq!(
        admin.api_post("/services", bad).expect(422).complaints(),
        [
            "colour is not a field here",
            "code must be small letters, digits and hyphens, a letter first",
            "name is required",
            "icon is not one of the choices",
            "kind is not one of the choices",
        ]
    );
    for (body, complaint) in [
        (
            json!({ "code": "files", "name": "Other", "kind": "user" }),
            "code is used by another service",
        ),
        (
            json!({ "code": "other", "name": "SHARED FILES", "kind": "user" }),
            "name is used by another service",
        ),
        (
            json!({ "code": "other", "name": "Other", "kind": "user", "needs": ["gone"] }),
            "needs gone is not a service",
        ),
    ] {
        assert_eq!(admin.api_post("/services", body).expect(422).complaints(), [complaint]);
    }
    let plan =
        json!({ "code": "A b", "name": "", "level": "user", "price": "x", "setup_price": "-1" });
    assert_eq!(
        admin.api_post("/services/files/plans", plan).expect(422).complaints(),
        [
            "level must be customer: no user holds this service",
            "code must be letters, digits, - and _, a letter or digit first",
            "name is required",
            "price must be a number like 18.00, with at most 6 decimals",
            "setup_price must be 0 or more",
        ]
    );
    admin
        .api_post("/services/files/plans", json!({ "code": "STD", "name": "Standard" }))
        .expect(201);
    assert_eq!(
        admin
            .api_post("/services/files/plans", json!({ "code": "std", "name": "Other" }))
            .expect(422)
            .complaints(),
        ["code is used by another plan of this service"]
    );
    assert_eq!(
        admin.api_patch("/services/files", json!({ "kind": "user" })).expect(422).complaints(),
        ["kind is fixed once the service has plans"]
    );
    let form = admin.post("/services", &[("code", "x"), ("name", ""), ("kind", "user")]);
    assert!(form.status == 422 && form.says("value=\"x\"") && form.says("Name is required."));
}

#[test]
fn p_6_needs_in_a_circle_are_refused_with_their_way() {
    let world = World::new();
    let admin = admin(&world);
    for (code, name) in
        [("directory", "Directory"), ("exchange", "Exchange"), ("archive", "Archive")]
    {
        define(&admin, code, name, "user");
    }
    admin.api_patch("/services/exchange", json!({ "needs": ["directory"] })).expect(200);
    admin.api_patch("/services/archive", json!({ "needs": ["exchange"] })).expect(200);
    let way = "needs The services would need each other: directory needs archive needs exchange needs directory.";
    assert_eq!(
        admin
            .api_patch("/services/directory", json!({ "needs": ["archive"] }))
            .expect(422)
            .complaints(),
        [way]
    );
    let form = admin.post(
        "/services/directory",
        &[("name", "Directory"), ("kind", "user"), ("needs", "archive")],
    );
    assert!(
        form.status == 422 && form.says("directory needs archive needs exchange needs directory")
    );
    // What it needs must be on sale first, and what is needed cannot go.
    admin.api_post("/services/exchange/plans", json!({ "code": "A", "name": "A" })).expect(201);
    assert_eq!(
        admin.api_post("/services/exchange/activate", json!({})).expect(422).complaints(),
        ["needs Directory, which is a draft"]
    );
    assert_eq!(
        admin.api_delete("/services/directory").expect(422).complaints(),
        ["Exchange needs Directory."]
    );
    admin.api_delete("/services/archive").expect(204);
}

#[test]
fn what_was_offered_is_retired_and_what_is_shipped_stays() {
    let world = World::new();
    let admin = admin(&world);
    let reseller = world.reseller("Northwind");
    define(&admin, "files", "Shared files", "customer");
    admin
        .api_post(
            "/services/files/plans",
            json!({ "code": "STD", "name": "Standard", "price": "49.00" }),
        )
        .expect(201);
    admin.api_post("/services/files/plans", json!({ "code": "OLD", "name": "Old" })).expect(201);
    admin.api_post("/services/files/activate", json!({})).expect(200);
    let offer = json!({ "service": "files", "plans": ["STD"] });
    admin.api_post(&format!("/customers/{reseller}/offers"), offer).expect(201);
    assert_eq!(
        admin.api_delete("/services/files").expect(422).complaints(),
        ["Shared files was offered; retire it."]
    );
    assert_eq!(
        admin.api_delete("/services/files/plans/STD").expect(422).complaints(),
        ["Standard was offered; retire it."]
    );
    admin.api_delete("/services/files/plans/OLD").expect(204);
    admin.api_post("/services/files/plans/STD/retire", json!({})).expect(200);
    admin.api_post("/services/files/retire", json!({})).expect(200);
    assert_eq!(admin.api_get("/services/files").json()["state"], "retired");
    for answer in [
        admin.api_delete("/services/reseller"),
        admin.api_patch("/services/reseller", json!({ "name": "Mine" })),
        admin.api_post("/services/reseller/retire", json!({})),
    ] {
        assert_eq!(
            answer.expect(422).complaints(),
            ["Reseller is part of Portico and stays as it is."]
        );
    }
    // Shipping again adds nothing.
    catalogue::ship(&world.app.db).unwrap();
    assert_eq!(world.count("SELECT count(*) FROM services WHERE code = 'reseller'"), 1);
    assert_eq!(world.count("SELECT count(*) FROM plans WHERE not_sold = 1"), 1);
}

#[test]
fn somebody_elses_change_is_not_overwritten() {
    let world = World::new();
    let admin = admin(&world);
    define(&admin, "files", "Shared files", "customer");
    let stale = [("If-Match", "7")];
    admin.api_with("PATCH", "/services/files", json!({ "name": "X" }), &stale).expect(412);
    let fresh = [("If-Match", "1")];
    let changed =
        admin.api_with("PATCH", "/services/files", json!({ "name": "Files" }), &fresh).expect(200);
    assert_eq!(changed.json()["version"], 2);
    // Saving the same is no change.
    assert_eq!(admin.api_patch("/services/files", json!({ "name": "Files" })).json()["version"], 2);
}

/// A service with settings of each kind of standing.
fn settings(world: &World) {
    let admin = admin(world);
    define(&admin, "mailbox", "Mailbox", "user");
    admin.api_post("/services/mailbox/plans", json!({ "code": "S", "name": "Small" })).expect(201);
    for body in [
        json!({ "name": "quota", "label": "Mailbox size", "type": "integer", "least": 1, "most": 100, "default": "5" }),
        json!({ "name": "partner", "label": "Partner", "writable_by": "provider", "visible_to": "provider", "default": "hidden-partner" }),
        json!({ "name": "tier", "label": "Tier", "type": "choice", "choices": "kiosk = Kiosk\ndesk = Desk", "writable_by": "provider" }),
        json!({ "name": "token", "label": "Token", "secret": true, "writable_by": "reseller", "visible_to": "reseller" }),
        json!({ "name": "host", "label": "Host", "use": "output", "type": "host" }),
    ] {
        admin.api_post("/services/mailbox/properties", body).expect(201);
    }
    admin.api_post("/services/mailbox/activate", json!({})).expect(200);
}

#[test]
fn refused_settings_say_why() {
    let world = World::new();
    settings(&world);
    let admin = admin(&world);
    for (body, complaints) in [
        (
            json!({ "name": "A", "label": "", "type": "choice" }),
            vec![
                "name must be small letters, digits and _, a letter first",
                "label is required",
                "choices must be one at least",
            ],
        ),
        (
            json!({ "name": "a", "label": "A", "type": "integer", "default": "x", "least": 3, "most": 2 }),
            vec!["most must not be less than the least", "default must be a whole number"],
        ),
        (
            json!({ "name": "a", "label": "A", "type": "integer", "secret": true }),
            vec!["secret is for texts only"],
        ),
        (
            json!({ "name": "a", "label": "A", "secret": true, "default": "x" }),
            vec!["default is not for secrets: set it on a plan"],
        ),
        (
            json!({ "name": "a", "label": "A", "pattern": "(" }),
            vec!["pattern is not a pattern that can be read"],
        ),
        (
            json!({ "name": "quota", "label": "A" }),
            vec!["name is used by another property of this service"],
        ),
    ] {
        assert_eq!(
            admin.api_post("/services/mailbox/properties", body).expect(422).complaints(),
            complaints
        );
    }
    let values =
        json!({ "properties": { "quota": 500, "tier": "van", "host": "a", "nothing": 1 } });
    assert_eq!(
        admin.api_patch("/services/mailbox/plans/S", values).expect(422).complaints(),
        [
            "properties.host is written by Portico alone",
            "properties.nothing is not a property of Mailbox",
            "properties.quota must be 100 or less",
            "properties.tier is not one of the choices",
        ]
    );
    assert_eq!(world.count("SELECT count(*) FROM property_values"), 0);
}

#[test]
fn p_7_narrowing_what_is_stored_is_refused_with_count_and_holders() {
    let world = World::new();
    settings(&world);
    let admin = admin(&world);
    admin
        .api_patch("/services/mailbox/plans/S", json!({ "properties": { "tier": "kiosk" } }))
        .expect(200);
    let narrow = json!({ "choices": "desk = Desk" });
    let url = "/services/mailbox/properties/tier";
    assert_eq!(
        admin.api_patch(url, narrow.clone()).expect(422).complaints(),
        [
            "drop_values 1 stored value does not fit: plan Small. Change it first, or drop it by saying 1."
        ]
    );
    let form = admin.post(url, &[("name", "tier"), ("label", "Tier"), ("choices", "desk = Desk")]);
    assert!(form.status == 422 && form.says("Values to drop"));
    // With many, the first twenty are named.
    for n in 0..25 {
        let id = world.customer(PROVIDER, &format!("Customer {n:02}"));
        let store = "INSERT INTO property_values (property_id, holder, reseller_id, value, set_at)
                     SELECT id, 'own', ?1, '\"kiosk\"', '' FROM properties WHERE name = 'tier'";
        world.sql().execute(store, [id]).unwrap();
    }
    let many = admin.api_patch(url, narrow.clone()).expect(422).complaints().remove(0);
    assert!(many.starts_with("drop_values 26 stored values do not fit: plan Small, Customer 00, "));
    assert!(many.contains("Customer 18. Change them first") && !many.contains("Customer 19"));
    world.sql().execute("DELETE FROM property_values WHERE holder = 'own'", []).unwrap();
    admin.api_patch(url, json!({ "choices": "desk = Desk", "drop_values": 1 })).expect(200);
    assert_eq!(world.count("SELECT count(*) FROM property_values"), 0);
    assert_eq!(
        admin.api_patch(url, narrow).expect(200).json()["properties"].as_array().unwrap().len(),
        5
    );
}

#[test]
fn p_3_p_5_values_are_stored_where_they_may_be_and_locks_hold() {
    let world = World::new();
    settings(&world);
    let north = world.reseller("Northwind");
    let customer = world.customer(north, "Aldermoor");
    let key = &world.app.config.key;
    let admin = admin(&world);
    let store =
        |place: Place, standing: Standing, values: &[(&str, &str)], locks: Option<&[&str]>| {
            world.app.db.write(SHELL, |tx| {
                let service = catalogue::service_of(tx, "mailbox")?;
                let order = Order {
                    service: &service,
                    place,
                    standing,
                    values: &values
                        .iter()
                        .map(|(name, text)| {
                            let text = Some((*text).to_owned()).filter(|text| text != "inherit");
                            ((*name).to_owned(), text)
                        })
                        .collect(),
                    locks: locks.map(|all| all.iter().map(|name| (*name).to_owned()).collect()),
                    audited_at: north,
                    confirm: None,
                };
                properties::store_values(tx, key, &order)
            })
        };
    let asked = |name: &str| -> (Value, Vec<String>) {
        world
            .app
            .db
            .read(|db| {
                let service = catalogue::service_of(db, "mailbox")?;
                let plan = catalogue::plan_of(db, service.id, "s")?;
                let asked = Asked {
                    service: service.id,
                    customer,
                    customer_service: None,
                    customer_plan: None,
                    user_service: None,
                    user_plan: Some(plan.id),
                    branch: false,
                };
                let all = properties::stored(db, &asked)?;
                let one = all.iter().find(|each| each.property.name == name).unwrap();
                let told = one
                    .explain()
                    .iter()
                    .map(|each| format!("{} {}", each.holder.word(), each.fate.word()))
                    .collect();
                Ok((one.effective().cloned().unwrap_or(Value::Null), told))
            })
            .unwrap()
    };
    assert_eq!(asked("quota"), (json!(5), vec!["default wins".to_owned()]));
    admin
        .api_patch("/services/mailbox/plans/S", json!({ "properties": { "quota": 10 } }))
        .expect(200);
    assert_eq!(asked("quota").0, json!(10));
    let (own, given) = (Place::Own(north, None), Place::Given(north, None));
    store(own, Standing::Customer, &[("quota", "20")], None).unwrap();
    store(given, Standing::Provider, &[("quota", "30")], Some(&["quota"])).unwrap();
    assert_eq!(
        asked("quota"),
        (
            json!(30),
            vec![
                "own overruled".into(),
                "given wins".into(),
                "plan overruled".into(),
                "default overruled".into()
            ]
        )
    );
    store(given, Standing::Provider, &[], Some(&[])).unwrap();
    assert_eq!(asked("quota").0, json!(20), "after unlocking, one's own wins again");
    // An empty value takes the stored one away, and the next inherits.
    store(own, Standing::Customer, &[("quota", "")], None).unwrap();
    assert_eq!(asked("quota").0, json!(30));
    store(given, Standing::Provider, &[("quota", "")], None).unwrap();
    admin
        .api_patch("/services/mailbox/plans/S", json!({ "properties": { "quota": null } }))
        .expect(200);
    assert_eq!(asked("quota"), (json!(5), vec!["default wins".to_owned()]));
    assert_eq!(world.count("SELECT count(*) FROM property_values"), 0);
    // Against writable_by; and a hidden one answers like none.
    for (standing, name, text) in [
        (Standing::Reseller, "tier", "properties.tier may be changed by the provider only"),
        (Standing::Reseller, "partner", "properties.partner is not a property of Mailbox"),
        (Standing::Customer, "token", "properties.token is not a property of Mailbox"),
        (Standing::Reseller, "gone", "properties.gone is not a property of Mailbox"),
    ] {
        assert_eq!(store(own, standing, &[(name, "x")], None).unwrap_err().to_string(), text);
    }
    assert_eq!(world.count("SELECT count(*) FROM property_values"), 0);
}

#[test]
fn p_4_what_only_the_provider_sees_is_nowhere_below_it() {
    let world = World::new();
    settings(&world);
    let (north, admin) = (world.reseller("Northwind"), admin(&world));
    admin
        .api_post(
            &format!("/customers/{north}/offers"),
            json!({ "service": "mailbox", "plans": ["S"] }),
        )
        .expect(201);
    assert!(admin.get("/services/mailbox").says("hidden-partner"));
    let reseller = world.person(north, "Reseller administrator");
    let offers = format!("/customers/{north}/offers");
    for url in ["/services", "/services/mailbox", offers.as_str()] {
        let (page, answer) = (reseller.get(url).expect(200), reseller.api_get(url).expect(200));
        for body in [page.body, answer.body] {
            assert!(!body.contains("artner"), "{url}: {body}");
        }
    }
    // It sees what is for it, and what is not for it is a stranger's.
    let seen = reseller.api_get("/services/mailbox").json();
    let names: Vec<&str> = seen["properties"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["host", "quota", "tier", "token"]);
    assert!(seen.get("connectors").is_none() && seen["plans"][0].get("price").is_none());
    assert_eq!(reseller.get("/services/mailbox/edit").status, 403);
}

#[test]
fn p_9_a_secret_is_in_no_answer_and_no_log() {
    const WORD: &str = "correct-horse-battery";
    let world = World::new();
    settings(&world);
    let (north, admin) = (world.reseller("Northwind"), admin(&world));
    let offer = json!({ "service": "mailbox", "plans": ["S"], "properties": { "token": WORD } });
    admin.api_post(&format!("/customers/{north}/offers"), offer).expect(201);
    let set = admin
        .api_patch("/services/mailbox/plans/S", json!({ "properties": { "token": WORD } }))
        .expect(200);
    assert_eq!(set.json()["plans"][0]["properties"]["token"]["value"], "set");
    for answer in [
        admin.get("/services/mailbox"),
        admin.get("/services/mailbox/plans/S"),
        admin.get(&format!("/customers/{north}/offers/mailbox")),
        admin.get("/services/mailbox/export?format=json"),
        admin.api_get("/services/mailbox/export?format=json"),
        admin.api_get(&format!("/customers/{north}/offers")),
        set,
    ] {
        assert_eq!(answer.status, 200);
        assert!(!answer.says(WORD), "{}", answer.body);
    }
    assert_eq!(world.text("SELECT group_concat(detail) FROM audit_log").matches(WORD).count(), 0);
    assert_eq!(
        world.text("SELECT group_concat(value) FROM property_values").matches(WORD).count(),
        0
    );
    for file in std::fs::read_dir(world.folder()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(WORD));
    }
    // An empty field leaves it; the engine reads it.
    admin
        .post("/services/mailbox/plans/S", &[("name", "Small"), ("properties.token", "")])
        .location();
    let opened = world
        .app
        .db
        .read(|db| {
            let service = catalogue::service_of(db, "mailbox")?;
            let plan = catalogue::plan_of(db, service.id, "S")?;
            let asked = Asked {
                service: service.id,
                customer: world.customer(north, "Aldermoor"),
                customer_service: None,
                customer_plan: None,
                user_service: None,
                user_plan: Some(plan.id),
                branch: false,
            };
            properties::opened(&world.app.config.key, &properties::stored(db, &asked)?)
        })
        .unwrap();
    assert_eq!(opened["token"], WORD);
}

#[test]
fn a_sibling_sees_only_what_it_was_offered() {
    let world = World::new();
    settings(&world);
    let (north, south) = (world.reseller("Northwind"), world.reseller("Southwind"));
    let below = world.customer(north, "Aldermoor");
    let admin = admin(&world);
    define(&admin, "draft", "Draft thing", "customer");
    admin
        .api_post(
            &format!("/customers/{north}/offers"),
            json!({ "service": "mailbox", "plans": ["S"] }),
        )
        .expect(201);
    let (mine, theirs) = (
        world.person(north, "Reseller administrator"),
        world.person(south, "Reseller administrator"),
    );
    let user = world.person(below, "Customer administrator");
    for (person, sees) in [(&mine, true), (&theirs, false), (&user, true)] {
        let status = if sees { 200 } else { 404 };
        assert_eq!(person.get("/services/mailbox").status, status);
        assert_eq!(person.api_get("/services/mailbox").status, status);
        assert_eq!(person.get("/services").says("Mailbox"), sees);
        assert_eq!(person.api_get("/services").says("mailbox"), sees);
        assert_eq!(person.get("/services/draft").status, 404);
        assert_eq!(person.api_get("/services/reseller").status, 404);
        assert!(!person.get("/services").says("Draft thing"));
    }
    assert_eq!(admin.get("/services/draft").status, 200);
    assert_eq!(Level::User.word(), "user");
}
