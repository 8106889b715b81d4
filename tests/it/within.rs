//! What a right reaches and what it does not: the own customer, those below, oneself, one service.

use crate::world::{PROVIDER, World};
use portico::auth::permissions::{AccountRead, UserServicesWrite, UsersRead, UsersUpdate};
use portico::auth::{self, Door};
use portico::db::Via;
use portico::ids::ServiceId;
use rusqlite::named_params;
use serde_json::json;

#[test]
fn below_is_not_the_own_customer_and_own_none_below() {
    let world = World::new();
    let north = world.reseller("North");
    let alder = world.customer(north, "Alder");
    let (here, there) = (world.user(north, "Nora", "nora"), world.user(alder, "Ada", "ada"));
    for (bits, home, below) in [(1, 200, 404), (2, 404, 200), (3, 200, 200)] {
        let all =
            ["customers.read", "customers.update", "users.read", "users.update", "users.disable"];
        let holder = world.person_with(north, &all.map(|permission| (permission, bits)));
        for (customer, user, status) in [(north, here, home), (alder, there, below)] {
            let (customer, user) = (format!("/customers/{customer}"), format!("/users/{user}"));
            let said = format!("{bits} at {customer}");
            for url in [&customer, &user, &format!("{customer}/users")] {
                assert_eq!(holder.api_get(url).status, status, "{said}: {url}");
                assert_eq!(holder.get(url).status, status, "{said}: {url}");
            }
            let phone = json!({ "phone": format!("1{bits}") });
            for url in [&customer, &user] {
                assert_eq!(holder.api_patch(url, phone.clone()).status, status, "{said}: {url}");
                let form = holder.post(&format!("{url}/edit"), &[("phone", &format!("2{bits}"))]);
                assert_eq!(form.status, if status == 200 { 303 } else { 404 }, "{said}: {url}");
            }
            for verb in ["disable", "enable"] {
                let done = holder.api_post(&format!("{user}/{verb}"), json!({}));
                assert_eq!(done.status, status, "{said}: {verb}");
            }
        }
        let named = |url: &str| {
            let list = holder.api_get(url).expect(200).json();
            let items = list["items"].as_array().unwrap().iter();
            items
                .filter_map(|item| item["display_name"].as_str().map(str::to_owned))
                .collect::<Vec<_>>()
        };
        let listed = named("/users");
        assert_eq!(listed.contains(&"Nora".to_owned()), home == 200, "{bits}: {listed:?}");
        assert_eq!(listed.contains(&"Ada".to_owned()), below == 200, "{bits}: {listed:?}");
    }
    assert_eq!(world.text("SELECT group_concat(phone) FROM customers WHERE id IN (2, 3)"), "23,23");
    assert_eq!(world.text("SELECT group_concat(phone) FROM users WHERE id IN (1, 2)"), "23,23");
}

#[test]
fn what_admits_below_only_is_never_done_to_the_own_customer() {
    let world = World::new();
    let north = world.reseller("North");
    let boss = world.person(north, "Reseller administrator");
    let everything: Vec<(&str, i64)> =
        portico::auth::permissions::ALL.iter().map(|(name, _)| (*name, 3)).collect();
    let admin = world.person_with(PROVIDER, &everything);
    for (who, own) in [(&boss, north), (&admin, PROVIDER)] {
        let typed = json!({ "confirm": "x" });
        for (verb, body) in [
            ("disable", json!({})),
            ("enable", json!({})),
            ("deprovision", typed.clone()),
            ("reprovision", json!({})),
            ("restore", json!({})),
            ("purge", typed.clone()),
            ("move", json!({ "parent_id": 1 })),
        ] {
            let refused = who.api_post(&format!("/customers/{own}/{verb}"), body);
            assert_eq!(refused.status, 404, "{verb}: {}", refused.body);
        }
        assert_eq!(who.api("DELETE", &format!("/customers/{own}"), typed).status, 404);
    }
    assert_eq!(world.count("SELECT count(*) FROM customers WHERE state <> 'active'"), 0);
}

/// That a right to services has no scope of its own, and that a right to oneself is no scope, the
/// compiler says: see the examples in `portico::auth`.
#[test]
fn a_statement_that_forgets_whose_things_it_asks_for_fails_the_first_time() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    world
        .app
        .db
        .read(|db| {
            let actor = auth::actor(db, admin.id, Door::Session, Via::Page)?;
            let (scope, own) = (actor.scope::<UsersRead>()?, actor.own::<AccountRead>()?);
            let forgetful = "SELECT count(*) FROM users";
            assert!(db.value::<i64>(forgetful, named_params! { ":scope": scope }).is_err());
            assert!(db.value::<i64>(forgetful, named_params! { ":own": own }).is_err());
            // One that compares, and is given nothing to compare with, finds nothing.
            let careful = "SELECT count(*) FROM users
                WHERE EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                                 AND scope IN (SELECT value FROM json_each(:scope)))";
            assert_eq!(db.value::<i64>(careful, named_params! {})?, 0);
            assert_eq!(db.value::<i64>(careful, named_params! { ":scope": "[]" })?, 0);
            assert_eq!(db.value::<i64>(careful, named_params! { ":scope": scope })?, 1);
            assert_eq!(
                db.value::<i64>("SELECT count(*) FROM users WHERE id = :own", named_params! {})?,
                0
            );
            // A right to some services is a scope on one of them only, where it extends to that one.
            let writer = auth::actor(db, admin.id, Door::Session, Via::Page)?;
            let rights = writer.service_rights::<UserServicesWrite>()?;
            let on = rights.on(ServiceId(7))?;
            assert_eq!(db.value::<i64>(careful, named_params! { ":scope": on })?, 1);
            actor.scope::<UsersUpdate>()?;
            Ok(())
        })
        .unwrap();
}
