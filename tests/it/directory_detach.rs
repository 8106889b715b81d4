//! A directory that is given up: forgotten here, untouched there.

use crate::directory_passwords::given;
use crate::modules_directory::{output, start};
use crate::peers::{Scene, slapd};
use crate::world::PROVIDER;
use serde_json::{Value, json};

#[test]
fn what_is_there_stays_and_nothing_of_it_is_looked_after_any_more() {
    let scene = Scene::new(slapd());
    let (world, admin) = (&scene.world, scene.admin());
    let engine = start(&scene);
    let (customer, user, _) = given(&scene);
    engine.stop();
    // A second customer, for whom nothing was done yet.
    let other = scene.customer(PROVIDER, "Alder");
    let body = json!({ "service": "directory" });
    admin.api_post(&format!("/customers/{other}/services"), body).expect(202);
    let name = output(&scene, "dn");
    let before = scene.entry(&name).unwrap();
    let at = format!("/directories/{}", scene.directory);
    let page = admin.get(&format!("{at}/detach")).expect(200);
    assert!(page.says("2 customers live here, with 3 services"), "{}", page.body);
    assert!(page.says("2 accounts, groups and OUs stay"));
    let wrong = admin.api_post(&format!("{at}/detach"), json!({ "confirm": "Domains" }));
    assert!(wrong.expect(422).says("does not match Domain"));
    // Whoever may only look, or is elsewhere, does not.
    let reader = world.person(PROVIDER, "Auditor");
    let typed = json!({ "confirm": "Domain" });
    assert_eq!(reader.api_post(&format!("{at}/detach"), typed.clone()).status, 403);
    let elsewhere = world.person(world.reseller("Northwind"), "Reseller administrator");
    assert_eq!(elsewhere.api_post(&format!("{at}/detach"), typed.clone()).status, 404);
    let told = admin.api_post(&format!("{at}/detach"), typed.clone()).expect(202).json();
    assert_eq!(world.finish(told["run_id"].as_i64().unwrap()), "done");
    let live = "SELECT (SELECT count(*) FROM customer_services WHERE live <> 'gone')
                     + (SELECT count(*) FROM user_services WHERE live <> 'gone')";
    assert_eq!(world.count(live), 0);
    assert_eq!(world.count("SELECT count(*) FROM bindings"), 0);
    assert_eq!(world.count("SELECT count(*) FROM customers WHERE lives_in IS NOT NULL"), 0);
    let open = "SELECT count(*) FROM requests WHERE turn <> 'over'";
    assert_eq!(world.count(open), 0);
    let told = "SELECT group_concat(action) FROM audit_log WHERE action LIKE '%forgotten' OR action LIKE '%detached'";
    let told = world.text(told);
    for action in ["directory.detached", "user_service.forgotten", "customer.detached"] {
        assert!(told.contains(action), "{action}: {told}");
    }
    // There it is as it was.
    assert_eq!(scene.entry(&name).unwrap(), before);
    // The customer may live elsewhere now, and come back: what is there is not taken for its own.
    let home = admin.api_get(&format!("/customers/{customer}/location")).expect(200).json();
    assert_eq!((&home["location_id"], &home["kept"]), (&Value::Null, &Value::Null));
    assert!(admin.get(&format!("/users/{user}/services")).expect(200).status == 200);
    let again = admin.api_post(&format!("{at}/detach"), typed).expect(422);
    assert!(again.says("nothing to detach"), "{}", again.body);
}
