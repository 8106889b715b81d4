//! User names that fit into a directory, whoever they are for.

use crate::peers::{Scene, out, samba};
use crate::world::PROVIDER;
use portico::ids::UserId;
use portico::secret;
use serde_json::json;
use std::collections::BTreeSet;

#[test]
fn user_names_fit_differ_and_are_shown_before() {
    let scene = Scene::new(samba());
    let customer = scene.world.customer(PROVIDER, "Brightwater");
    let set = "UPDATE customers SET code = 'ABCDEFGHIJKLMNOPQRST' WHERE id = ?1";
    scene.world.sql().execute(set, [customer]).unwrap();
    scene.lives(customer);
    let admin = scene.admin();
    // What is one of its kind in the whole directory must differ between runs of this test.
    let own = secret::hex(&secret::random::<3>().unwrap());
    let long = format!("{own}{}", "q".repeat(24));
    let people = [
        (format!("{own}Maximiliana"), "Featherstonehaugh-Cholmondeley".to_owned(), ""),
        (format!("{own}Maximiliana"), "Featherstonehaugh-Cholmondeley".to_owned(), ""),
        (format!("{own}Jürgen"), "Größe-Öztürk".to_owned(), ""),
        (format!("{own}Juergen"), "Groesse-Oeztuerk".to_owned(), ""),
        (format!("{own}Ann"), "Oak".to_owned(), long.as_str()),
    ];
    let mut seen = BTreeSet::new();
    for (first, last, local) in &people {
        let upn = match local.is_empty() {
            true => String::new(),
            false => format!("{local}@brightwater.example"),
        };
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("first_name", first), ("last_name", last), ("upn", &upn)])
            .finish();
        let shown = admin.get(&format!("/customers/{customer}/users/preview?{query}")).expect(200);
        let mut body = json!({ "first_name": first, "last_name": last });
        if !upn.is_empty() {
            body["upn"] = json!(upn);
        }
        let id = admin.api_post(&format!("/customers/{customer}/users"), body).expect(201).id();
        let saved = admin.api_get(&format!("/users/{id}")).expect(200).json();
        let name = saved["username"].as_str().unwrap().to_owned();
        assert!((1..=20).contains(&name.chars().count()), "{name}");
        assert!(shown.says(&name), "{name} was not shown before: {}", shown.body);
        assert!(seen.insert(name.to_lowercase()), "{name} twice");
        let who = (customer, Some(UserId(id)));
        if seen.len() == 1 {
            let made = scene.done((customer, None), "dir.ou_ensure", json!({}));
            assert!(out(&made, "dn").contains("(ABCDEFGHIJKLMNOPQRST)"));
        }
        let made = scene.done(who, "dir.user_ensure", json!({}));
        let entry = scene.entry(&out(&made, "dn")).unwrap();
        assert_eq!(entry.text("sAMAccountName"), name);
    }
}
