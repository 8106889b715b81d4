//! The way of a service from the provider down to a user: each hop counts, and nobody reads what is
//! above its own parent.

use crate::world::{Answer, PROVIDER, Person, World};
use portico::db::{By, Via};
use portico::ids::{CustomerId, UserId};
use portico::prices;
use serde_json::{Value, json};

const SHELL: By = By { user: None, via: Via::Shell, acting_for: None };

/// Provider, Northwind, Middlemoor, Lowmoor, and Aldermoor with its user Ann at the end.
struct Chain {
    world: World,
    north: CustomerId,
    middle: CustomerId,
    low: CustomerId,
    customer: CustomerId,
    ann: UserId,
}

impl Chain {
    fn new() -> Chain {
        let world = World::new();
        let admin = world.person(PROVIDER, "Provider administrator");
        let body = json!({ "code": "workplace", "name": "Managed workplace", "kind": "user", "tracking_only": true });
        admin.api_post("/services", body).expect(201);
        for (code, name, price) in [("STD", "Standard", "37.31"), ("PLUS", "Plus", "27.50")] {
            let body = json!({ "code": code, "name": name, "price": price });
            admin.api_post("/services/workplace/plans", body).expect(201);
        }
        let relay = json!({ "name": "relay", "label": "Relay", "default": "relay-of-all" });
        admin.api_post("/services/workplace/properties", relay).expect(201);
        admin.api_post("/services/workplace/activate", json!({})).expect(200);
        let north = world.reseller("Northwind");
        let sub = |parent, name| {
            let id = world.customer(parent, name);
            world.sql().execute("UPDATE customers SET reseller = 1 WHERE id = ?1", [id]).unwrap();
            id
        };
        let middle = sub(north, "Middlemoor");
        let low = sub(middle, "Lowmoor");
        let customer = world.customer(low, "Aldermoor");
        let ann = world.user(customer, "Ann Alder", "ann");
        for (who, most) in [(north, 777_771), (middle, 5551), (low, 3331)] {
            let body = json!({ "service": "workplace", "plans": ["STD", "PLUS"], "limits": { "all": most },
                               "properties": { "relay": format!("given-relay-{most}") } });
            admin.api_post(&format!("/customers/{who}/offers"), body).expect(201);
        }
        let services = format!("/customers/{customer}/services");
        admin.api_post(&services, json!({ "service": "workplace" })).expect(202);
        drop(admin);
        Chain { world, north, middle, low, customer, ann }
    }

    fn admin(&self) -> Person<'_> {
        self.world.person(PROVIDER, "Provider administrator")
    }
}

/// The sentences that say no.
fn noes(answer: &Answer) -> Vec<String> {
    let json = answer.json();
    let checks = json["checks"].as_array().unwrap().iter();
    checks.filter(|c| c["ok"] == false).map(|c| c["text"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn p_14_whichever_hop_is_left_out_hides_it_and_is_named() {
    let chain = Chain::new();
    let Chain { world, north, middle, low, customer, ann } = &chain;
    let admin = chain.admin();
    let offered = "Managed workplace, Standard";
    let services = format!("/users/{ann}/services");
    let listed = || {
        let page = admin.get(&format!("{services}/new")).expect(200);
        assert!(!page.says("value=\"workplace/GOLD\""));
        page.says(offered)
    };
    let order = json!({ "service": "workplace", "plan": "STD" });
    let why = format!("{services}/workplace/why?plan=STD");
    assert!(listed() && noes(&admin.api_get(&why).expect(200)).is_empty());
    let hop = |name: &str, id: CustomerId| {
        let offer = format!("(SELECT id FROM offers WHERE reseller_id = {id})");
        [
            (
                format!("UPDATE offers SET state = 'withdrawn' WHERE reseller_id = {id}"),
                format!("UPDATE offers SET state = 'active' WHERE reseller_id = {id}"),
                format!("Managed workplace is not offered to {name}."),
            ),
            (
                format!(
                    "UPDATE offer_plans SET state = 'closed' WHERE offer_id = {offer} AND plan_id = (SELECT id FROM plans WHERE code = 'STD')"
                ),
                format!("UPDATE offer_plans SET state = 'active' WHERE offer_id = {offer}"),
                format!("Plan Standard is not offered to {name}."),
            ),
        ]
    };
    let mut hops: Vec<(String, String, String)> = Vec::new();
    for (name, id) in [("Northwind", *north), ("Middlemoor", *middle), ("Lowmoor", *low)] {
        hops.extend(hop(name, id));
    }
    let held = format!("SELECT id FROM customer_services WHERE customer_id = {customer}");
    for (broken, mended, text) in [
        (
            "UPDATE services SET state = 'retired' WHERE code = 'workplace'".to_owned(),
            "UPDATE services SET state = 'active' WHERE code = 'workplace'".to_owned(),
            "Managed workplace is retired.",
        ),
        (
            "UPDATE plans SET state = 'retired' WHERE code = 'STD'".to_owned(),
            "UPDATE plans SET state = 'active' WHERE code = 'STD'".to_owned(),
            "Plan Standard is retired.",
        ),
        (
            format!(
                "DELETE FROM customer_service_plans WHERE customer_service_id IN ({held}) AND plan_id = (SELECT id FROM plans WHERE code = 'STD')"
            ),
            format!(
                "INSERT INTO customer_service_plans (customer_service_id, plan_id) SELECT id, (SELECT id FROM plans WHERE code = 'STD') FROM ({held})"
            ),
            "Aldermoor has not enabled plan Standard.",
        ),
        (
            format!(
                "UPDATE customer_services SET wanted = 'gone', live = 'gone' WHERE customer_id = {customer}"
            ),
            format!(
                "UPDATE customer_services SET wanted = 'on', live = 'on' WHERE customer_id = {customer}"
            ),
            "Aldermoor does not have Managed workplace.",
        ),
    ] {
        hops.push((broken, mended, text.to_owned()));
    }
    for (broken, mended, text) in hops {
        world.sql().execute_batch(&broken).unwrap();
        assert!(!listed(), "listed although {text}");
        assert_eq!(noes(&admin.api_get(&why).expect(200)), std::slice::from_ref(&text));
        let page = admin.get(&format!("{services}/workplace/why?plan=STD")).expect(200);
        assert!(page.says(&text), "{}", page.body);
        let refused = admin.api_post(&services, order.clone()).expect(422).complaints();
        assert!(refused.iter().any(|each| each.ends_with(&text)), "{refused:?}");
        world.sql().execute_batch(&mended).unwrap();
        assert!(listed(), "not listed again after {text}");
    }
    // A plan that is not one, or another service's.
    for plan in ["GOLD", "999", "STD' OR 1"] {
        let forged = json!({ "service": "workplace", "plan": plan });
        let refused = admin.api_post(&services, forged).expect(422).complaints();
        assert_eq!(refused, ["plan is not a plan of Managed workplace"], "{plan}");
        let page =
            admin.post(&services, &[("what", &format!("workplace/{plan}")), ("settings", "1")]);
        assert_eq!(page.status, 422, "{plan}");
    }
    admin.api_post(&services, order).expect(202);
}

#[test]
fn p_17_of_what_is_above_its_parent_a_sub_reseller_sees_nothing() {
    let chain = Chain::new();
    let Chain { world, north, middle, low, customer, ann } = &chain;
    let admin = chain.admin();
    for who in [*north, *middle, *low] {
        world.app.db.write(SHELL, |tx| prices::start_reselling(tx, who, 1_000)).unwrap();
    }
    admin.api_patch("/services/workplace/plans/STD", json!({ "cost": "12.34" })).expect(200);
    let of_north = world.person(*north, "Reseller administrator");
    let own = json!({ "properties": { "relay": "own-of-north" } });
    of_north.api_patch(&format!("/customers/{north}/offers/workplace/values"), own).expect(200);
    let held = admin
        .api_post(
            &format!("/users/{ann}/services"),
            json!({ "service": "workplace", "plan": "STD" }),
        )
        .expect(202)
        .id();
    world
        .sql()
        .execute("UPDATE usage SET used = 777771 WHERE holder_id = ?1 AND plan_id = 0", [north])
        .unwrap();

    let viewer = world.person(*low, "Reseller administrator");
    let below =
        world.count(&format!("SELECT id FROM customer_services WHERE customer_id = {customer}"));
    let una = world.user(*customer, "Una", "una");
    let places = [
        format!("/customers/{low}/offers"),
        format!("/customers/{low}/offers/workplace"),
        format!("/customers/{low}/offers/workplace/values"),
        format!("/customers/{low}/offers/workplace/uses"),
        format!("/customers/{low}/offers/workplace/uses?format=csv"),
        format!("/customers/{low}/offers/workplace/properties/relay/explain"),
        format!("/customers/{low}"),
        format!("/customers/{customer}"),
        format!("/customers/{customer}/services"),
        format!("/customers/{customer}/services/new?service=workplace"),
        format!("/customers/{customer}/services/{below}"),
        format!("/customers/{customer}/services/{below}/edit"),
        format!("/customers/{customer}/services/{below}/properties/relay/explain"),
        format!("/customers/{customer}/services/workplace/why"),
        format!("/customers/{customer}/effective-prices"),
        format!("/users/{ann}/services"),
        format!("/users/{ann}/services/{held}"),
        format!("/users/{ann}/services/{held}/edit"),
        format!("/users/{ann}/services/{held}/properties/relay/explain"),
        format!("/users/{una}/services/new"),
        format!("/users/{una}/services/workplace/why?plan=STD"),
        "/services".to_owned(),
        "/services/workplace".to_owned(),
        "/services/workplace/properties/relay/overrides".to_owned(),
        "/customers".to_owned(),
        "/customers/export".to_owned(),
        "/customers?format=csv".to_owned(),
        format!("/customers/{customer}/users/export"),
        format!("/customers/{low}/prices"),
        format!("/customers/{customer}/prices"),
        format!("/customers/{low}/billing"),
        format!("/customers/{customer}/billing"),
        "/activity".to_owned(),
        "/audit".to_owned(),
        "/ledger".to_owned(),
    ];
    // Names, limits and their use, values, what the provider and Northwind charge, what it costs.
    let above = [
        "Northwind",
        "777771",
        "777,771",
        "given-relay-777771",
        "own-of-north",
        "37.31",
        "41.04",
        "12.34",
    ];
    let mut read = 0;
    for place in &places {
        for answer in [viewer.get(place), viewer.api_get(place)] {
            read += usize::from(answer.status == 200);
            for word in above {
                assert!(!answer.body.contains(word), "{word} at {place}: {}", answer.body);
            }
        }
    }
    assert!(read >= 35, "only {read} of {} places were read", places.len() * 2);
    // What holds from further up is said to be set, and nothing else of it.
    let told = |who: &Person| {
        let url = format!("/users/{ann}/services/{held}/properties/relay/explain");
        who.api_get(&url).expect(200).body
    };
    assert!(told(&admin).contains("given-relay-777771"));
    assert!(told(&viewer).contains("set above you"), "{}", told(&viewer));
    // Nor does a refusal name who has no room.
    let order = json!({ "service": "workplace", "plan": "STD" });
    let refused = viewer.api_post(&format!("/users/{una}/services"), order).expect(422);
    assert_eq!(refused.complaints(), ["plan No seat left at your provider."]);
    let levels: Value = viewer.api_get(&format!("/customers/{low}/offers")).json();
    assert_eq!(levels["items"][0]["limits"]["all"]["max"], 3331);
}
