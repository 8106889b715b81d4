//! The life of an account as the service gives it, in a real Active Directory and a real OpenLDAP.

use crate::directory_passwords::{choose, given};
use crate::modules_directory::{done, ended, output, start, until};
use crate::peers::{Scene, dn, samba, slapd_with_locks};
use portico::drivers::ldap::ad;
use portico::drivers::ldap::session::At;
use serde_json::{Value, json};

const FIRST: &str = "Grün \"Äpfel\" 77 und mehr";
const SECOND: &str = "Sieben <Kessel> & 8 singen";

/// The id of what is called so there; empty where nothing is.
fn id(scene: &Scene, name: &str) -> String {
    let wanted = ["objectGUID", "entryUUID"];
    let found = scene.peer.session().read(&At::Named(dn(name)), &wanted).unwrap();
    let Some(entry) = found else { return String::new() };
    match scene.peer.is_ad {
        true => ad::guid(&entry.bytes("objectGUID")[0]).unwrap(),
        false => entry.text("entryUUID"),
    }
}

/// Nothing is being done any more, and all of it went well.
fn quiet(scene: &Scene) {
    let open = "SELECT count(*) FROM requests WHERE status NOT IN ('done', 'failed', 'cancelled')";
    until("nothing is being done", || scene.world.count(open) == 0);
    let wrong = "SELECT coalesce(group_concat(title || ': ' || reason), '') FROM requests WHERE status <> 'done'";
    assert_eq!(scene.world.text(wrong), "");
}

fn lives_by_the_service(scene: &Scene) {
    let (world, admin) = (&scene.world, scene.admin());
    let engine = start(scene);
    let (customer, user, aid) = given(scene);
    let mine = format!("/users/{user}/services");
    let name = || output(scene, "dn");
    let guid = output(scene, "guid");
    assert_eq!(id(scene, &name()), guid);
    let login = || match scene.peer.is_ad {
        true => world.text(&format!("SELECT upn FROM users WHERE id = {user}")),
        false => name(),
    };
    let enter = |words: &str| scene.peer.sign_in(&login(), words).map(|_| ());
    // Nobody knows the first password; the user chooses one.
    assert_eq!(ended(scene, choose(scene, user, FIRST)), "done ");
    enter(FIRST).unwrap();
    let disabled = || {
        let said = enter(FIRST).unwrap_err();
        assert!(!scene.peer.is_ad || said.contains("data 533"), "{said}");
    };
    done(scene, admin.api_post(&format!("{mine}/{aid}/suspend"), Value::Null));
    disabled();
    assert_eq!(id(scene, &name()), guid);
    done(scene, admin.api_post(&format!("{mine}/{aid}/resume"), Value::Null));
    enter(FIRST).unwrap();
    // Other names, each at a time.
    let before = world.text(&format!("SELECT username FROM users WHERE id = {user}"));
    let names = format!("/users/{user}/names");
    let called = format!("{before}n");
    admin.api_patch(&names, json!({ "username": called })).expect(200);
    quiet(scene);
    let entry = scene.entry(&name()).unwrap();
    let attribute = if scene.peer.is_ad { "sAMAccountName" } else { "uid" };
    assert_eq!(entry.text(attribute), called);
    let upn = format!("{called}@brightwater.example");
    admin.api_patch(&names, json!({ "upn": upn })).expect(200);
    quiet(scene);
    assert_eq!(login() == upn, scene.peer.is_ad);
    enter(FIRST).unwrap();
    assert_eq!(id(scene, &name()), guid);
    // Into the OU of a department.
    let held =
        world.count(&format!("SELECT id FROM customer_services WHERE customer_id = {customer}"));
    let body = json!({ "properties": { "structure": "department" } });
    done(scene, admin.api_patch(&format!("/customers/{customer}/services/{held}"), body));
    admin
        .api_patch(&format!("/users/{user}"), json!({ "department": "Sales & Service" }))
        .expect(200);
    quiet(scene);
    let moved = name().to_lowercase();
    assert!(moved.contains(",ou=sales & service,ou=brightwater("), "{moved}");
    assert_eq!(id(scene, &name()), guid);
    enter(FIRST).unwrap();
    // Removed: kept out and put away. Given again: the same account is back, with its password.
    let there = name();
    done(scene, admin.api_delete(&format!("{mine}/{aid}")));
    assert_eq!(id(scene, &there), "");
    let away = there.replacen("Sales & Service", "Removed", 1);
    assert_eq!(id(scene, &away), guid);
    let away_login = if scene.peer.is_ad { login() } else { away.clone() };
    assert!(scene.peer.sign_in(&away_login, FIRST).is_err());
    let body = json!({ "service": "directory", "plan": "account" });
    let again = done(scene, admin.api_post(&mine, body));
    assert_eq!((name(), id(scene, &name())), (there, guid.clone()));
    enter(FIRST).unwrap();
    assert_eq!(ended(scene, choose(scene, user, SECOND)), "done ");
    enter(SECOND).unwrap();
    // Active Directory lets the one before in for an hour.
    assert!(scene.peer.is_ad || enter(FIRST).is_err());
    // In the end it is deleted.
    done(scene, admin.api_delete(&format!("{mine}/{again}")));
    assert_eq!(id(scene, &away), guid);
    world.later(31 * 86_400);
    assert_eq!(world.job("services.purge"), "done");
    engine.nudge();
    quiet(scene);
    assert_eq!(id(scene, &away), "");
    assert_eq!(world.count("SELECT count(*) FROM bindings WHERE class = 'user'"), 0);
    engine.stop();
}

#[test]
fn p_61_an_account_lives_and_dies_under_one_id_by_the_service() {
    lives_by_the_service(&Scene::new(samba()));
}

#[test]
fn p_61_one_of_openldap_does_too() {
    let scene = Scene::new(slapd_with_locks());
    let body = json!({ "disabling": "lock" });
    let admin = scene.admin();
    admin.api_patch(&format!("/directories/{}", scene.directory), body).expect(200);
    lives_by_the_service(&scene);
}

#[test]
fn everybody_is_moved_once_another_structure_is_chosen() {
    let scene = Scene::new(slapd_with_locks());
    let (world, admin) = (&scene.world, scene.admin());
    let engine = start(&scene);
    let (customer, first, _) = given(&scene);
    let second = scene.user(customer, "Ann Ash", "ann");
    let body = json!({ "service": "directory", "plan": "account" });
    done(&scene, admin.api_post(&format!("/users/{second}/services"), body));
    let set = "INSERT INTO departments (id, customer_id, name) VALUES (70, ?1, 'Sales')";
    world.sql().execute(set, [customer]).unwrap();
    world
        .sql()
        .execute("UPDATE users SET department_id = 70 WHERE id IN (?1, ?2)", (first, second))
        .unwrap();
    let held =
        world.count(&format!("SELECT id FROM customer_services WHERE customer_id = {customer}"));
    let body = json!({ "properties": { "structure": "department" } });
    done(&scene, admin.api_patch(&format!("/customers/{customer}/services/{held}"), body));
    let there = "SELECT dn FROM bindings WHERE class = 'user' ORDER BY id";
    assert!(world.texts(there).iter().all(|name| !name.contains("Sales")));
    let page = admin.get(&format!("/customers/{customer}/location")).expect(200);
    let at = format!("/customers/{customer}/users/bulk?action=provision&all=1");
    assert!(page.body.contains(&at.replace('&', "&amp;")), "{}", page.body);
    admin.get(&at).expect(200);
    let body = json!({ "action": "provision", "all": true });
    let told =
        admin.api_post(&format!("/customers/{customer}/users/bulk"), body).expect(202).json();
    assert_eq!(world.finish(told["run_id"].as_i64().unwrap()), "done");
    quiet(&scene);
    let all = world.texts(there);
    assert!(
        all.len() == 2
            && all.iter().all(|name| name.to_lowercase().contains(",ou=sales,ou=brightwater(")),
        "{all:?}"
    );
    engine.stop();
}
