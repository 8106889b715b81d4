//! Values of a service's properties: of which type they may be, where they are kept, where they come
//! from, and who sees that.

use crate::assignments::Scene;
use crate::world::{PROVIDER, Person};
use portico::ids::CustomerId;
use serde_json::{Value, json};

/// The workplace with a mailbox size that everybody may set and a partner only the provider sees.
struct Valued {
    scene: Scene,
    reseller: CustomerId,
    /// What Theo has: his address and number.
    url: String,
    at_customer: String,
}

impl Valued {
    fn new() -> Valued {
        let scene = Scene::new();
        let (admin, theo) = (scene.admin(), scene.user("theo"));
        let reseller = CustomerId(
            scene
                .world
                .count(&format!("SELECT parent_id FROM customers WHERE id = {}", scene.customer)),
        );
        for body in [
            json!({ "name": "quota", "label": "Mailbox size", "type": "size", "least": "1 GiB", "most": "100 GiB", "default": "5 GiB", "category": "Mailbox" }),
            json!({ "name": "partner", "label": "Partner", "writable_by": "provider", "visible_to": "provider", "default": "hidden-partner" }),
            json!({ "name": "greeting", "label": "Greeting", "default": "Hello" }),
        ] {
            admin.api_post("/services/workplace/properties", body).expect(201);
        }
        let held = scene.workplace(&admin, theo);
        let below = scene.world.count(&format!(
            "SELECT id FROM customer_services WHERE customer_id = {} AND service_id = 100",
            scene.customer
        ));
        let url = format!("/users/{theo}/services/{held}");
        let at_customer = format!("/customers/{}/services/{below}", scene.customer);
        Valued { scene, reseller, url, at_customer }
    }

    fn offer(&self) -> String {
        format!("/customers/{}/offers/workplace", self.reseller)
    }

    /// What holds of the mailbox size, and each holder as "who: value fate".
    fn told(&self, who: &Person) -> (Value, Vec<String>) {
        let url = format!("{}/properties/quota/explain", self.url);
        let answer = who.api_get(&url).expect(200).json();
        let line = |line: &Value| {
            let fate = line["fate"].as_str().unwrap_or("not set");
            let value = line["value"].as_i64().map(|n| format!(" {}", n >> 30));
            let locked = if line["locked"] == true { " locked" } else { "" };
            let who = line["who"].as_str().unwrap();
            format!("{who}:{}{locked} {fate}", value.unwrap_or_default())
        };
        let all = answer["holders"].as_array().unwrap().iter().map(line).collect();
        (answer["value"].clone(), all)
    }
}

fn quota(text: &str) -> Value {
    json!({ "properties": { "quota": text } })
}

const GIB: i64 = 1 << 30;

#[test]
fn p_2_the_explainer_names_every_holder_and_who_overrules() {
    let valued = Valued::new();
    let admin = valued.scene.admin();
    let ra =
        valued.scene.world.person_named(valued.reseller, "Reseller administrator", "Rhea", "rhea");
    admin.api_patch("/services/workplace/plans/standard", quota("10 GiB")).expect(200);
    ra.api_patch(&format!("{}/values", valued.offer()), quota("20 GiB")).expect(200);
    admin
        .api_patch(
            &valued.offer(),
            json!({ "properties": { "quota": "30 GiB" }, "locks": ["quota"] }),
        )
        .expect(200);
    admin.api_patch(&valued.url, quota("40 GiB")).expect(202);
    let (value, lines) = valued.told(&admin);
    assert_eq!(value, 30 * GIB);
    assert_eq!(
        lines,
        [
            "The user’s service: 40 overruled",
            "Brightwater Office, for its customers: 20 overruled",
            "Given to Brightwater Office with the offer: 30 locked wins",
            "Plan Standard: 10 overruled",
            "The default: 5 overruled",
            "The service of Aldermoor Dental: not set",
        ]
    );
    // The reseller reads its own, and of what is above only that it is there.
    let (value, lines) = valued.told(&ra);
    assert_eq!(value, 30 * GIB);
    assert_eq!(
        lines,
        [
            "The user’s service: 40 overruled",
            "Brightwater Office, for its customers: 20 overruled",
            "Set above you: 30 locked wins",
            "Set above you: overruled",
            "Set above you: overruled",
            "The service of Aldermoor Dental: not set",
        ]
    );
    let page = ra.get(&format!("{}/properties/quota/explain", valued.url)).expect(200);
    for text in ["30 GiB", "is what holds", "Set above you", "40 GiB", "by: set above you"] {
        assert!(page.says(text), "{text}: {}", page.body);
    }
    assert!(!page.says("10 GiB") && !page.says("The default"));
    let page = admin.get(&format!("{}/properties/quota/explain", valued.url)).expect(200);
    for text in [
        "Given to Brightwater Office with the offer",
        "by The Provider administrator",
        "10 GiB",
        "Locked",
    ] {
        assert!(page.says(text), "{text}");
    }
    // Unlocked, the nearest holds; and its form says what would without it.
    admin.api_patch(&valued.offer(), json!({ "locks": [] })).expect(200);
    assert_eq!(valued.told(&admin).0, 40 * GIB);
    let form = admin.get(&format!("{}/edit", valued.url)).expect(200);
    assert!(form.says("Without a value of its own: 20 GiB, from the reseller."), "{}", form.body);
    assert!(form.says("Where does it come from?") && form.says("Own value of Mailbox size"));
    // Of the branch, and of what is given along.
    let branch = format!("{}/properties/quota/explain", valued.offer());
    let told = ra.api_get(&branch).expect(200).json();
    assert_eq!(told["value"], 20 * GIB);
    assert!(ra.get(&branch).expect(200).says("Set above you"));
    assert_eq!(valued.scene.world.person(PROVIDER, "").api_get(&branch).status, 403);
}

#[test]
fn p_3_unticking_own_value_and_null_take_it_away() {
    let valued = Valued::new();
    let admin = valued.scene.admin();
    let stored = || valued.scene.world.count("SELECT count(*) FROM property_values");
    let plan = ("plan", "standard");
    // Typed into an empty field it is stored; the form then has a box for it.
    let apply = |fields: &[(&str, &str)]| {
        let preview = admin.post(&valued.url, fields).location().to_owned();
        let digest = admin.api_get(&preview).expect(200).json()["digest"].clone();
        admin.post(&format!("{preview}/apply"), &[("digest", digest.as_str().unwrap())]).location();
    };
    apply(&[plan, ("properties.quota", "7 GiB"), ("properties.greeting", "")]);
    assert_eq!(stored(), 1);
    assert_eq!(valued.told(&admin).0, 7 * GIB);
    let kept = [
        plan,
        ("stored", "properties.quota"),
        ("own", "properties.quota"),
        ("properties.quota", "7 GiB"),
    ];
    let plan_page = admin.post(&valued.url, &kept).location().to_owned();
    assert!(admin.get(&plan_page).says("Nothing would change."));
    apply(&[plan, ("stored", "properties.quota"), ("properties.quota", "7 GiB")]);
    assert_eq!(stored(), 0, "the box is not ticked");
    let form = admin.get(&format!("{}/edit", valued.url)).expect(200);
    assert!(form.says("Empty: 5 GiB, the default."), "{}", form.body);
    // The same by null; an empty text is a value, where the type has one.
    admin
        .api_patch(&valued.url, json!({ "properties": { "quota": "9 GiB", "greeting": "" } }))
        .expect(202);
    assert_eq!(stored(), 2);
    let url = format!("{}/properties/greeting/explain", valued.url);
    assert_eq!(admin.api_get(&url).json()["value"], "");
    admin
        .api_patch(&valued.url, json!({ "properties": { "quota": null, "greeting": null } }))
        .expect(202);
    assert_eq!(stored(), 0);
    assert_eq!(admin.api_get(&url).json()["value"], "Hello");
}

#[test]
fn p_4_what_only_the_provider_sees_is_in_no_view_of_a_reseller() {
    let valued = Valued::new();
    let (world, admin) = (&valued.scene.world, valued.scene.admin());
    admin
        .api_patch(&valued.at_customer, json!({ "properties": { "partner": "zeta-partner" } }))
        .expect(202);
    admin
        .api_patch(
            &valued.offer(),
            json!({ "properties": { "partner": "eta-partner" }, "locks": ["partner"] }),
        )
        .expect(200);
    let ra = world.person(valued.reseller, "Reseller administrator");
    let customer = valued.scene.customer;
    let mut urls = vec![
        "/services/workplace".to_owned(),
        format!("{}/edit", valued.url),
        format!("{}/edit", valued.at_customer),
        format!("/customers/{customer}/services"),
        format!("/customers/{}/offers", valued.reseller),
        valued.offer(),
        format!("{}/values", valued.offer()),
        "/audit".to_owned(),
        "/activity".to_owned(),
        "/requests".to_owned(),
    ];
    for of in [&valued.url, &valued.at_customer, &valued.offer()] {
        urls.push(format!("{of}/properties/quota/explain"));
        let hidden = format!("{of}/properties/partner/explain");
        assert_eq!((ra.get(&hidden).status, ra.api_get(&hidden).status), (404, 404), "{hidden}");
        assert_eq!(admin.get(&hidden).status, 200);
    }
    let overrides = "/services/workplace/properties/partner/overrides";
    assert_eq!((ra.get(overrides).status, ra.api_get(overrides).status), (404, 404));
    assert!(admin.get(overrides).expect(200).says("eta-partner"));
    for url in &urls {
        for body in [ra.get(url).body, ra.api_get(url).body] {
            assert!(!body.contains("artner"), "{url}: {body}");
        }
    }
    for text in ["zeta-partner", "hidden-partner", "eta-partner"] {
        assert!(!ra.api_get("/audit").says(text) && !ra.api_get("/events").says(text));
    }
    // Writing it answers as an unknown one.
    for name in ["partner", "nothing"] {
        let said = ra.api_patch(&valued.url, json!({ "properties": { name: "x" } }));
        let text = format!("properties.{name} is not a property of Managed workplace");
        assert_eq!(said.expect(422).complaints(), [text]);
    }
    // A plan of the provider's own says it, and of nobody else's.
    let plan = ra.api_patch(&format!("{}?preview=true", valued.url), quota("6 GiB")).expect(200);
    assert!(!plan.says("artner") && plan.says("6 GiB"));
}

#[test]
fn p_5_what_may_not_be_written_here_is_refused_and_stores_nothing() {
    let valued = Valued::new();
    let (world, admin) = (&valued.scene.world, valued.scene.admin());
    let ra = world.person(valued.reseller, "Reseller administrator");
    for body in [
        json!({ "name": "sku", "label": "Licence", "at": ["plan"] }),
        json!({ "name": "partner_key", "label": "Partner key", "writable_by": "provider", "visible_to": "customer" }),
    ] {
        admin.api_post("/services/workplace/properties", body).expect(201);
    }
    let order = |name: &str| json!({ "properties": { name: "x", "greeting": "Hi" } });
    let said = |answer: crate::world::Answer| answer.expect(422).complaints();
    let here = "properties.sku cannot be set here";
    assert_eq!(said(admin.api_patch(&valued.url, order("sku"))), [here]);
    assert_eq!(said(admin.api_patch(&valued.at_customer, order("sku"))), [here]);
    assert_eq!(said(admin.api_patch(&valued.offer(), order("sku"))), [here]);
    let values = format!("{}/values", valued.offer());
    assert_eq!(said(ra.api_patch(&values, order("sku"))), [here]);
    let by = "properties.partner_key may be changed by the provider only";
    assert_eq!(said(ra.api_patch(&values, order("partner_key"))), [by]);
    assert_eq!(said(ra.api_patch(&valued.url, order("partner_key"))), [by]);
    assert_eq!(world.count("SELECT count(*) FROM property_values"), 0);
    admin
        .api_patch("/services/workplace/plans/standard", json!({ "properties": { "sku": "EX-1" } }))
        .expect(200);
    assert!(!admin.get(&format!("{}/edit", valued.url)).says("Licence"));
    // A locked given value beats the reseller's own, which wins again after unlocking.
    ra.api_patch(&values, quota("20 GiB")).expect(200);
    admin
        .api_patch(
            &valued.offer(),
            json!({ "properties": { "quota": "30 GiB" }, "locks": ["quota"] }),
        )
        .expect(200);
    assert_eq!(valued.told(&ra).0, 30 * GIB);
    let form = ra.get(&values).expect(200);
    assert!(form.says("Locked above: 30 GiB, set above you. A value here has no effect."));
    admin.api_patch(&valued.offer(), json!({ "locks": [] })).expect(200);
    assert_eq!(valued.told(&ra).0, 20 * GIB);
    // A place that does not suit the property cannot be chosen for it.
    let bad = json!({ "name": "id", "label": "Number", "use": "captured", "level": "user", "at": ["customer"] });
    let refused = admin.api_post("/services/workplace/properties", bad);
    assert_eq!(said(refused), ["at has customer, where no value of it can be kept"]);
}

#[test]
fn every_type_takes_what_it_says_and_says_why_not() {
    let valued = Valued::new();
    let (world, admin) = (&valued.scene.world, valued.scene.admin());
    for body in [
        json!({ "name": "cores", "label": "Cores", "type": "integer", "least": "2", "step": "2" }),
        json!({ "name": "from", "label": "From", "type": "date", "earliest": "today+7", "latest": "2026-12-31" }),
        json!({ "name": "days", "label": "Days", "type": "choices", "choices": "mon = Monday\ntue = Tuesday" }),
        json!({ "name": "zone", "label": "Zone", "type": "domain", "own_domain": true }),
        json!({ "name": "hook", "label": "Hook", "type": "url", "http": true }),
        json!({ "name": "owner", "label": "Owner", "type": "user" }),
        json!({ "name": "tag", "label": "Tag", "unique": "installation" }),
        json!({ "name": "desk", "label": "Desk", "unique": "customer" }),
    ] {
        admin.api_post("/services/workplace/properties", body).expect(201);
    }
    let ann = valued.scene.user("ann");
    let other = world.customer(valued.reseller, "Cedar Hall");
    let stranger = world.user(other, "Sly", "sly");
    let bad = json!({ "properties": {
        "quota": "50 apples", "cores": 5, "from": "2026-03-12", "days": ["mon", "sun"],
        "zone": "elsewhere.example", "hook": "ftp://x", "owner": stranger,
    } });
    assert_eq!(
        admin.api_patch(&valued.url, bad).expect(422).complaints(),
        [
            "properties.cores must go in steps of 2 from 2",
            "properties.days has something that is not one of the choices",
            "properties.from must be 2026-03-17 or later",
            "properties.hook must begin with https:// or http://",
            "properties.owner is not a user of the customer",
            "properties.quota must be a size like 50 GiB",
            "properties.zone is not one of the customer’s domains",
        ]
    );
    let good = json!({ "properties": {
        "quota": "50 gib", "cores": 6, "from": "2026-03-17", "days": ["tue", "mon"],
        "zone": "aldermoor-dental.example", "hook": "http://a.example", "owner": "ann@aldermoor-dental.example",
        "tag": "Alpha", "desk": "1",
    } });
    let plan = admin.api_patch(&format!("{}?preview=true", valued.url), good.clone()).expect(200);
    assert!(plan.says("50 GiB") && plan.says("Monday, Tuesday"), "{}", plan.body);
    admin.api_patch(&valued.url, good).expect(202);
    let held = |name: &str| {
        let url = format!("{}/properties/{name}/explain", valued.url);
        admin.api_get(&url).expect(200).json()["value"].clone()
    };
    assert_eq!(held("quota"), 50 * GIB);
    assert_eq!(held("days"), json!(["mon", "tue"]));
    assert_eq!(held("owner"), json!(ann));
    // What is unique is so whatever its case, and free again when it is gone.
    let second = valued.scene.workplace(&admin, ann);
    let url = format!("/users/{ann}/services/{second}");
    for (name, value) in [("tag", "ALPHA"), ("desk", "1")] {
        let body = json!({ "properties": { name: value } });
        let said = format!("properties.{name} is used already");
        assert_eq!(admin.api_patch(&url, body).expect(422).complaints(), [said]);
    }
    admin.api_delete(&valued.url).expect(202);
    admin.api_patch(&url, json!({ "properties": { "tag": "ALPHA", "desk": "1" } })).expect(202);
    let narrower = json!({ "unique": "no" });
    admin.api_patch("/services/workplace/properties/tag", narrower).expect(200);
    // What is said of a type that has no use for it is refused.
    let bad = json!({ "name": "a", "label": "A", "type": "text", "step": "2", "latest": "soon", "own_domain": true });
    assert_eq!(
        admin.api_post("/services/workplace/properties", bad).expect(422).complaints(),
        [
            "latest is not a date like 2026-01-31 or today+7",
            "step is for the type integer or size only",
            "own_domain is for the type domain only",
        ]
    );
}

#[test]
fn who_deviates_is_listed_within_reach() {
    let valued = Valued::new();
    let (world, admin) = (&valued.scene.world, valued.scene.admin());
    let ra = world.person(valued.reseller, "Reseller administrator");
    let south = world.reseller("Southwind");
    admin.api_post(&format!("/customers/{south}/offers"), json!({ "service": "workplace", "plans": ["standard"], "properties": { "quota": "3 GiB" } })).expect(201);
    admin.api_patch(&valued.url, quota("8 GiB")).expect(202);
    ra.api_patch(&format!("{}/values", valued.offer()), quota("9 GiB")).expect(200);
    let url = "/services/workplace/properties/quota/overrides";
    let who = |person: &Person| -> Vec<String> {
        let all = person.api_get(url).expect(200).json();
        let line = |row: &Value| {
            let name = row["user"].as_str().or(row["customer"].as_str()).unwrap();
            format!(
                "{name} {} {}",
                row["holder"].as_str().unwrap(),
                row["value"].as_i64().unwrap() / GIB
            )
        };
        all["items"].as_array().unwrap().iter().map(line).collect()
    };
    assert_eq!(
        who(&admin),
        ["Southwind given 3", "theo user_service 8", "Brightwater Office own 9"]
    );
    assert_eq!(who(&ra), ["theo user_service 8", "Brightwater Office own 9"]);
    assert!(admin.get(url).expect(200).says("Southwind"));
    let page = ra.get(url).expect(200);
    assert!(!page.says("Southwind") && page.says("8 GiB") && page.says("At the user’s service"));
    assert_eq!(admin.get("/services/workplace/properties/none/overrides").status, 404);
}

#[test]
fn the_definition_holds_values_for_a_plan_and_for_all() {
    let valued = Valued::new();
    let admin = valued.scene.admin();
    let url = "/services/workplace/values";
    let both =
        json!({ "properties": { "quota": "12 GiB", "greeting": "Welcome" }, "locks": ["quota"] });
    admin.api_patch(url, both).expect(200);
    admin.api_patch(&valued.url, quota("40 GiB")).expect(202);
    assert_eq!(valued.told(&admin).0, 12 * GIB, "the default is locked");
    admin.api_patch(url, json!({ "locks": [] })).expect(200);
    assert_eq!(valued.told(&admin).0, 40 * GIB);
    admin.api_patch(&valued.url, json!({ "properties": { "quota": null } })).expect(202);
    admin
        .api_patch(url, json!({ "plan": "standard", "properties": { "quota": "20 GiB" } }))
        .expect(200);
    assert_eq!(valued.told(&admin).0, 20 * GIB);
    admin
        .api_patch(url, json!({ "plan": "standard", "properties": { "quota": null } }))
        .expect(200);
    assert_eq!(valued.told(&admin).0, 12 * GIB);
    let bad = json!({ "properties": { "quota": "200 GiB", "none": 1, "greeting": "Hi" } });
    assert_eq!(
        admin.api_patch(url, bad).expect(422).complaints(),
        [
            "properties.none is not a property of Managed workplace",
            "properties.quota must be 100 GiB or less",
        ]
    );
    let shown = admin.api_get("/services/workplace").json();
    assert!(
        shown["properties"].as_array().unwrap().iter().any(|each| each["default"] == "Welcome")
    );
    let ra = valued.scene.world.person(valued.reseller, "Reseller administrator");
    assert_eq!(ra.api_patch(url, json!({})).status, 403);
}
