//! Accounts of a real OpenLDAP that are kept out by a lock, where one holds.

use crate::peers::{Peer, Scene, out, slapd_with_locks, slapd_with_open_locks};
use crate::world::PROVIDER;
use portico::directory::work;
use portico::drivers::Outcome;
use portico::drivers::ldap::filter::Filter;
use portico::drivers::ldap::session::{At, Depth};
use portico::secret::Secret;
use serde_json::{Value, json};

const WORDS: &str = "Grün \"Äpfel\" 77 und mehr";

fn scene(peer: &'static Peer) -> Scene {
    let scene = Scene::new(peer);
    let at = format!("/directories/{}", scene.directory);
    let now = scene.admin().api_patch(&at, json!({ "disabling": "lock" })).expect(200).json();
    assert_eq!((&now["disabling"], &now["lock_holds"]), (&json!("lock"), &Value::Null));
    scene
}

/// What the doctor says of locks, and what it left behind.
fn tried(scene: &Scene) -> (String, String) {
    let at = format!("/connectors/{}/doctor", scene.connector);
    let found = scene.admin().api_post(&at, json!({})).expect(200).json();
    let all = found["checks"].as_array().unwrap().iter();
    let mut one = all.filter(|one| one["what"] == "Locks").map(|one| {
        (one["light"].as_str().unwrap().to_owned(), one["text"].as_str().unwrap().to_owned())
    });
    let mut session = scene.peer.session();
    let at = At::Named(scene.base.clone());
    let class = Filter::is("objectClass", "inetOrgPerson");
    let left = session.search(&at, Depth::Everything, &class, &["uid"], 5).unwrap();
    assert!(left.iter().all(|entry| !entry.text("uid").starts_with("portico-check")), "{left:?}");
    one.next().unwrap()
}

#[test]
fn p_72_a_lock_that_keeps_nobody_out_is_found_and_not_relied_on() {
    let scene = scene(slapd_with_open_locks());
    let (light, text) = tried(&scene);
    assert!(light == "red" && text.contains("could sign in all the same"), "{text}");
    let admin = scene.admin();
    let at = format!("/directories/{}", scene.directory);
    assert_eq!(admin.api_get(&at).json()["lock_holds"], false);
    assert!(admin.get(&at).expect(200).says("tried and keeps nobody out"));
    // Whoever is disabled stays out all the same, by a password that nobody knows.
    let customer = scene.customer(PROVIDER, "Brightwater");
    let user = scene.user(customer, "Theo Vane", "theo");
    let who = (customer, Some(user));
    let name = out(&scene.done(who, "dir.user_ensure", json!({})), "dn");
    let sealed = work::sealed(&scene.world.app.config.key, user, &Secret::new(WORDS)).unwrap();
    scene.attempt(who, "dir.password", json!({ "value": sealed }));
    scene.peer.sign_in(&name, WORDS).unwrap();
    let Outcome::Done(ended) = scene.attempt(who, "dir.disable", json!({})) else { panic!() };
    assert!(ended.warnings.join(" ").contains("No lock was shown"), "{:?}", ended.warnings);
    assert!(scene.peer.sign_in(&name, WORDS).is_err());
    // Another way is chosen: what was tried does not count for it.
    admin.api_patch(&at, json!({ "disabling": "password" })).expect(200);
    assert_eq!(admin.api_get(&at).json()["lock_holds"], Value::Null);
    let checks = admin.api_post(&format!("/connectors/{}/doctor", scene.connector), json!({}));
    assert!(
        checks.expect(200).json()["checks"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["what"] != "Locks")
    );
}

#[test]
fn a_lock_that_holds_keeps_people_out_and_their_password() {
    let scene = scene(slapd_with_locks());
    let customer = scene.customer(PROVIDER, "Brightwater");
    let user = scene.user(customer, "Theo Vane", "theo");
    let who = (customer, Some(user));
    let (light, text) = tried(&scene);
    assert_eq!(light, "green", "{text}");
    let name = out(&scene.done(who, "dir.user_ensure", json!({})), "dn");
    let set = |words: &str| {
        let sealed = work::sealed(&scene.world.app.config.key, user, &Secret::new(words)).unwrap();
        let ended = scene.attempt(who, "dir.password", json!({ "value": sealed }));
        assert!(matches!(ended, Outcome::Done(_)), "{ended:?}");
    };
    set("Another 4 of them");
    scene.done(who, "dir.disable", json!({}));
    assert!(scene.peer.sign_in(&name, "Another 4 of them").is_err());
    // A new password takes a lock away by itself; here it does not.
    set(WORDS);
    assert!(scene.peer.sign_in(&name, WORDS).is_err());
    scene.done(who, "dir.enable", json!({}));
    scene.peer.sign_in(&name, WORDS).unwrap();
}

#[test]
fn an_attribute_says_who_is_disabled() {
    let scene = Scene::new(slapd_with_locks());
    let admin = scene.admin();
    let at = format!("/directories/{}", scene.directory);
    for wrong in ["", "no", "=x", "a b=", "mail=x", "userPassword=x", "1a=x"] {
        let body = json!({ "disabling": "attribute", "disable_attribute": wrong });
        let said = admin.api_patch(&at, body).expect(422).complaints().join(" ");
        assert!(said.contains("disable_attribute"), "{wrong}: {said}");
    }
    let body = json!({ "disabling": "attribute", "disable_attribute": "carLicense=off" });
    admin.api_patch(&at, body).expect(200);
    let customer = scene.customer(PROVIDER, "Brightwater");
    let user = scene.user(customer, "Theo Vane", "theo");
    let who = (customer, Some(user));
    let name = out(&scene.done(who, "dir.user_ensure", json!({})), "dn");
    scene.done(who, "dir.disable", json!({}));
    assert_eq!(scene.entry(&name).unwrap().text("carLicense"), "off");
    scene.done(who, "dir.enable", json!({}));
    assert_eq!(scene.entry(&name).unwrap().text("carLicense"), "");
}
