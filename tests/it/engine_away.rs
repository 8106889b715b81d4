//! Orders of services while the directory cannot be reached, and for a whole customer at once.

use crate::engine_shown::{idle, start, until};
use crate::matching::{import, unique};
use crate::modules::install;
use crate::peers::{Scene, Wire, add_ldif, dn, samba};
use crate::world::{PROVIDER, World};
use portico::drivers::ldap::filter::Filter;
use portico::drivers::ldap::session::{At, Depth};
use portico::ids::CustomerId;
use serde_json::{Value, json};

fn seats(world: &World, customer: CustomerId) -> i64 {
    world.count(&format!(
        "SELECT coalesce(sum(used), 0) FROM usage JOIN services ON services.id = service_id
          WHERE holder_id = {customer} AND code = 'directory' AND plan_id = 0 AND meter = 'seats'"
    ))
}

#[test]
fn p_24_what_is_removed_while_the_directory_is_away_is_billed_no_more_and_keeps_its_seat() {
    let wire = Wire::to(samba().host);
    let host = wire.at.clone();
    let scene = Scene::told(samba(), &move |body| body["hosts"] = json!([host]));
    let world = &scene.world;
    let admin = scene.admin();
    install(&admin, "directory");
    let customer = scene.customer(PROVIDER, "Brightwater");
    let user = scene.user(customer, "Theo Vane", "theo");
    let running = start(world);
    let service = json!({ "service": "directory" });
    admin.api_post(&format!("/customers/{customer}/services"), service).expect(202);
    idle(world);
    let mine = format!("/users/{user}/services");
    let account = json!({ "service": "directory", "plan": "account" });
    let held = admin.api_post(&mine, account).expect(202).id();
    idle(world);
    let one = format!("{mine}/{held}");
    assert_eq!(admin.api_get(&one).expect(200).json()["state"], "active");
    let name = "SELECT json_extract(value, '$') FROM property_values JOIN properties ON properties.id = property_id
                 WHERE name = 'dn' AND user_service_id IS NOT NULL";
    let name = world.text(name);
    let ledger = || {
        world.texts(&format!(
            "SELECT action FROM ledger WHERE kind = 'user_service' AND subject_id = {held} ORDER BY id"
        ))
    };
    assert_eq!((ledger(), seats(world, customer)), (vec!["added".to_owned()], 1));

    wire.cut(true);
    let request = admin.api_delete(&one).expect(202).json()["request_id"].as_i64().unwrap();
    assert_eq!(ledger(), ["added", "removed"], "it is billed no more from the order on");
    let status = || world.text(&format!("SELECT status FROM requests WHERE id = {request}"));
    // Time passes while nobody is at it, less of it than an attempt may take.
    let waits_until = |ends: &str, seconds: i64| {
        until(world, ends, || {
            if world.text(&format!("SELECT turn FROM requests WHERE id = {request}")) != "busy" {
                world.later(seconds);
                running.nudge();
            }
            status() == ends
        });
    };
    // However often it is tried, and however long, it ends by itself.
    waits_until("failed", 900);
    let seen = admin.api_get(&one).expect(200).json();
    assert_eq!(
        (&seen["state"], &seen["problem"]["request_id"]),
        (&json!("removing"), &json!(request))
    );
    assert!(!seen["problem"]["message"].as_str().unwrap().is_empty(), "{seen}");
    assert_eq!((ledger().len(), seats(world, customer)), (2, 1), "the seat is taken still");
    let flags = |name: &str| scene.entry(name).map(|entry| entry.text("userAccountControl"));
    assert_eq!(flags(&name).as_deref(), Some("512"), "nothing has happened there");

    wire.cut(false);
    admin.api_post(&format!("/requests/{request}/retry"), Value::Null).expect(202);
    waits_until("done", 20);
    running.stop();
    admin.api_get(&one).expect(404);
    assert_eq!((ledger().len(), seats(world, customer)), (2, 0));
    let away = name.replacen(",OU=Bright", ",OU=Removed,OU=Bright", 1);
    assert_eq!((flags(&name), flags(&away).as_deref()), (None, Some("514")));
}

#[test]
fn p_25_a_customer_that_is_disabled_and_enabled_has_back_who_was_not_suspended_before() {
    let scene = Scene::new(samba());
    let world = &scene.world;
    let admin = scene.admin();
    install(&admin, "directory");
    let customer = scene.customer(PROVIDER, "Brightwater");
    let running = start(world);
    let service = json!({ "service": "directory" });
    admin.api_post(&format!("/customers/{customer}/services"), service).expect(202);
    idle(world);
    // The accounts are there already: their import gives the service as it is there.
    let ou = "SELECT json_extract(value, '$') FROM property_values JOIN properties ON properties.id = property_id WHERE name = 'ou_dn'";
    let (ou, own) = (world.text(ou), unique(&scene));
    let mut ldif = String::new();
    for n in 0..300 {
        ldif += &format!(
            "dn: CN=Person {own}-{n:03},{ou}\nobjectClass: user\nsAMAccountName: {own}-{n:03}\n\
             userPrincipalName: {own}-{n:03}@brightwater.example\nuserAccountControl: 544\n\n"
        );
    }
    add_ldif(&ldif);
    let numbers = import(&scene, &admin, customer, &json!({ "ous": [ou] }));
    assert_eq!(numbers["created"], 300, "{numbers}");
    idle(world);
    let live = |state: &str| {
        world.count(&format!("SELECT count(*) FROM user_services WHERE live = '{state}'"))
    };
    assert_eq!(live("on"), 300);
    let some =
        world.texts("SELECT user_id || '/services/' || id FROM user_services ORDER BY id LIMIT 5");
    for one in &some {
        admin.api_post(&format!("/users/{one}/suspend"), Value::Null).expect(202);
    }
    idle(world);
    // Bit 2 says that an account is disabled.
    let disabled = || {
        let mut session = scene.peer.session();
        let filter = Filter::is("objectClass", "user");
        let (at, wanted) = (At::Named(dn(&ou)), ["userAccountControl"]);
        let found = session.search(&at, Depth::Everything, &filter, &wanted, 1_000).unwrap();
        assert_eq!(found.len(), 300);
        let off = |flags: &str| flags.parse::<i64>().unwrap() & 2 == 2;
        found.iter().filter(|entry| off(&entry.text("userAccountControl"))).count()
    };
    assert_eq!((live("suspended"), disabled()), (5, 5));
    let ordered = |event: &str| {
        let own = format!(
            "SELECT count(*) FROM requests WHERE event = '{event}' AND parent_id IS NULL AND status = 'done'"
        );
        world.count(&own)
    };
    let before = world.count("SELECT count(*) FROM requests WHERE parent_id IS NULL");
    let at = format!("/customers/{customer}");
    admin.api_post(&format!("{at}/disable"), json!({ "reason": "moving house" })).expect(200);
    idle(world);
    assert_eq!((live("suspended"), disabled()), (300, 300));
    admin.api_post(&format!("{at}/enable"), Value::Null).expect(200);
    idle(world);
    running.stop();
    assert_eq!((live("on"), live("suspended"), disabled()), (295, 5, 5));
    assert_eq!((ordered("customer.disable"), ordered("customer.enable")), (1, 1));
    let alone = world.count("SELECT count(*) FROM requests WHERE parent_id IS NULL");
    assert_eq!(alone - before, 2, "all else is a part of the one or the other");
    for one in &some {
        let seen = admin.api_get(&format!("/users/{one}")).expect(200).json();
        assert_eq!((&seen["state"], &seen["reasons"]), (&json!("suspended"), &json!(["operator"])));
    }
}
