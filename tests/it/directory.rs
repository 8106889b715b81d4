//! Customers' accounts, groups and OUs in a real Active Directory and a real OpenLDAP.

use crate::peers::{Scene, dn, make_ou, out, samba, slapd};
use crate::world::PROVIDER;
use portico::db::{By, Via};
use portico::directory::work;
use portico::drivers::Outcome;
use portico::drivers::ldap::name::Rdn;
use portico::drivers::ldap::session::{At, Change};
use portico::engine::{self, Action, Class, How, NewRequest, NewStep, OnError};
use portico::ids::CustomerId;
use portico::ledger::Source;
use portico::secret::Secret;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn named(scene: &Scene, name: &str, code: &str) -> CustomerId {
    let id = scene.customer(PROVIDER, &format!("Plain {code}"));
    let set = "UPDATE customers SET name = ?1, code = ?2 WHERE id = ?3";
    scene.world.sql().execute(set, (name, code, id)).unwrap();
    id
}

/// Whatever a customer is called, its OU is its own; found by id, renamed and deleted.
fn names_of_customers(scene: &Scene) {
    let long = "x".repeat(100);
    let names = ["Test + Söhne, Ltd", "#x", &long, "Blank ", "a\"b\\c;<d>=*)(e", "Beau-Rivage"];
    for (n, name) in names.iter().enumerate() {
        let customer = named(scene, name, &format!("C{n}"));
        let who = (customer, None);
        let made = scene.done(who, "dir.ou_ensure", json!({}));
        let place = dn(&out(&made, "dn"));
        let value = place.first().unwrap().value().to_owned();
        assert!(value.ends_with(&format!("(C{n})")) && value.chars().count() <= 64, "{value}");
        assert!(value.starts_with(&name.trim().chars().take(5).collect::<String>()), "{value}");
        assert!(scene.entry(&place.to_string()).is_some(), "{place}");
        let set = "UPDATE customers SET name = 'Renamed, + \"co\"' WHERE id = ?1";
        scene.world.sql().execute(set, [customer]).unwrap();
        let renamed = scene.done(who, "dir.ou_rename", json!({}));
        assert_eq!(out(&renamed, "guid"), out(&made, "guid"));
        assert!(out(&renamed, "dn").contains("Renamed"), "{}", out(&renamed, "dn"));
        scene.done(who, "dir.ou_remove_if_empty", json!({}));
        assert!(scene.entry(&out(&renamed, "dn")).is_none());
    }
}

#[test]
fn names_of_customers_go_there_and_back_unchanged() {
    names_of_customers(&Scene::new(samba()));
    names_of_customers(&Scene::new(slapd()));
}

#[test]
fn an_account_lives_and_dies_under_one_id() {
    let scene = Scene::new(samba());
    let customer = scene.customer(PROVIDER, "Brightwater");
    let user = scene.user(customer, "Theo Vane", "theo");
    let who = (customer, Some(user));
    let made = scene.done(who, "dir.user_ensure", json!({}));
    let (guid, name) = (out(&made, "guid"), out(&made, "dn"));
    assert!(guid.len() == 36 && out(&made, "sid").starts_with("S-1-5-21-"));
    assert!(name.starts_with("CN=Theo Vane,OU=Brightwater(BRIGHTWATER),OU=Customers,"), "{name}");
    let entry = scene.entry(&name).unwrap();
    assert_eq!(entry.text("userAccountControl"), "514");
    let upn = entry.text("userPrincipalName");
    let secret = Secret::new("Grün \"Äpfel\" 77 und mehr");
    let sealed = work::sealed(&scene.world.app.config.key, user, &secret).unwrap();
    let set = |value: &Value| scene.attempt(who, "dir.password", json!({ "value": value }));
    assert!(matches!(set(&sealed), Outcome::Done(_)));
    let enter = |name: &str| scene.peer.sign_in(name, secret.reveal()).map(|_| ());
    assert!(enter(&upn).unwrap_err().contains("the account is disabled"), "data 533");
    scene.done(who, "dir.enable", json!({}));
    assert_eq!(scene.entry(&name).unwrap().text("userAccountControl"), "512");
    enter(&upn).unwrap();
    scene.done(who, "dir.disable", json!({}));
    assert!(enter(&upn).unwrap_err().contains("data 533"));
    scene.done(who, "dir.enable", json!({}));
    let account = scene.entry(&name).unwrap().text("sAMAccountName");
    let new = format!("{account}.n@msp.test");
    let renamed = scene.done(
        who,
        "dir.user_rename",
        json!({ "cn": "Theo Vane-Ørsted, jr", "upn": new, "account": format!("{account}n") }),
    );
    assert_eq!(out(&renamed, "guid"), guid);
    enter(&new).unwrap();
    scene.done((customer, None), "dir.ou_ensure", json!({ "name": "Removed" }));
    // Removed, brought back, and in the end gone.
    scene.done(who, "dir.disable", json!({}));
    let moved = scene.done(who, "dir.user_move", json!({ "ou": "Removed" }));
    assert!(out(&moved, "dn").starts_with("CN=Theo Vane-Ørsted\\, jr,OU=Removed,OU=Bright"));
    assert_eq!(out(&moved, "guid"), guid);
    enter(&new).unwrap_err();
    let back = scene.done(who, "dir.user_move", json!({}));
    assert_eq!(out(&back, "guid"), guid);
    scene.done(who, "dir.enable", json!({}));
    enter(&new).unwrap();
    scene.done(who, "dir.user_delete", json!({}));
    assert!(scene.entry(&out(&back, "dn")).is_none());
    assert_eq!(scene.world.count("SELECT count(*) FROM bindings WHERE class = 'user'"), 0);
}

#[test]
fn an_account_of_openldap_lives_and_dies_under_one_id() {
    let scene = Scene::new(slapd());
    let customer = scene.customer(PROVIDER, "Brightwater");
    let user = scene.user(customer, "Theo Vane", "theo");
    let who = (customer, Some(user));
    let made = scene.done(who, "dir.user_ensure", json!({}));
    let (id, name) = (out(&made, "guid"), out(&made, "dn"));
    assert!(name.starts_with("uid=theo"), "{name}");
    let secret = Secret::new("Grün \"Äpfel\" 77");
    let sealed = work::sealed(&scene.world.app.config.key, user, &secret).unwrap();
    let set = || scene.attempt(who, "dir.password", json!({ "value": sealed }));
    assert!(matches!(set(), Outcome::Done(_)));
    scene.peer.sign_in(&name, secret.reveal()).unwrap();
    assert!(matches!(scene.attempt(who, "dir.disable", json!({})), Outcome::Done(_)));
    assert!(scene.peer.sign_in(&name, secret.reveal()).is_err());
    let renamed = scene.done(who, "dir.user_rename", json!({ "account": "theo, #2" }));
    assert_eq!(out(&renamed, "guid"), id);
    scene.done((customer, None), "dir.ou_ensure", json!({ "name": "Removed" }));
    let moved = scene.done(who, "dir.user_move", json!({ "ou": "Removed" }));
    assert_eq!(out(&moved, "guid"), id);
    assert!(matches!(set(), Outcome::Done(_)));
    scene.peer.sign_in(&out(&moved, "dn"), secret.reveal()).unwrap();
    scene.done(who, "dir.user_delete", json!({}));
    assert!(scene.entry(&out(&moved, "dn")).is_none());
}

#[test]
fn a_foreign_account_of_the_same_name_is_left_alone() {
    let scene = Scene::new(samba());
    let customer = scene.customer(PROVIDER, "Brightwater");
    let user = scene.user(customer, "Theo Vane", "theo");
    let username = scene.world.text(&format!("SELECT username FROM users WHERE id = {user}"));
    let other = scene.base.child(Rdn::new("CN", "Somebody").unwrap());
    let one = |name: &str, value: &str| (name.to_owned(), vec![value.as_bytes().to_vec()]);
    let all = [one("objectClass", "user"), one("sAMAccountName", &username)];
    scene.peer.session().add(&other, &all).unwrap();
    let before = scene.entry(&other.to_string()).unwrap();
    let text = scene.refused((customer, Some(user)), "dir.user_ensure", json!({}));
    assert!(text.contains("is not ours") && text.contains("CN=Somebody"), "{text}");
    assert!(text.contains("Adopt it, or give Theo Vane another user name"), "{text}");
    assert_eq!(scene.entry(&other.to_string()).unwrap(), before);
}

#[test]
fn nothing_outside_the_customers_part_is_written() {
    let scene = Scene::new(samba());
    let (mine, theirs) = (scene.customer(PROVIDER, "Mine"), scene.customer(PROVIDER, "Theirs"));
    let foreign = out(&scene.done((theirs, None), "dir.ou_ensure", json!({})), "dn");
    let group = format!("g-{}", scene.base.first().unwrap().value());
    scene.done((theirs, None), "dir.group_ensure", json!({ "name": group }));
    scene.done((mine, None), "dir.ou_ensure", json!({}));
    let user = scene.user(mine, "Theo Vane", "theo");
    let who = (mine, Some(user));
    for (verb, params) in [
        ("dir.ou_ensure", json!({ "name": "x", "parent": foreign })),
        ("dir.ou_remove_if_empty", json!({ "ou": foreign })),
        ("dir.ou_rename", json!({ "ou": scene.base.to_string(), "name": "x" })),
        ("dir.user_ensure", json!({ "ou": foreign })),
        ("dir.user_delete", json!({ "user": "CN=Administrator,CN=Users,DC=msp,DC=test" })),
        ("dir.disable", json!({ "user": "CN=Administrator,CN=Users,DC=msp,DC=test" })),
        ("dir.group_ensure", json!({ "name": "x", "ou": "CN=Users,DC=msp,DC=test" })),
        ("dir.group_remove", json!({ "group": "CN=Domain Admins,CN=Users,DC=msp,DC=test" })),
        ("dir.member_add", json!({ "group": "CN=Domain Admins,CN=Users,DC=msp,DC=test" })),
        ("dir.group_remove", json!({ "group": format!("CN={group},{foreign}") })),
    ] {
        let text = scene.refused(who, verb, params.clone());
        assert!(text.contains("is outside"), "{verb} {params}: {text}");
    }
    assert!(scene.entry(&format!("CN={group},{foreign}")).is_some());
}

/// A rule may name what it likes: work is done in the customer's part and nowhere else.
#[test]
fn a_rule_that_names_a_target_outside_is_refused() {
    let scene = Scene::new(samba());
    let admin = scene.admin();
    let service = json!({ "code": "vpn", "name": "VPN access", "kind": "user" });
    admin.api_post("/services", service).expect(201);
    let plan = json!({ "code": "STD", "name": "Standard", "price": "1.00" });
    admin.api_post("/services/vpn/plans", plan).expect(201);
    let admins = "CN=Domain Admins,CN=Users,DC=msp,DC=test";
    let rule = |position: i64, action: &str, params: Value| {
        let rule = json!({
            "service": "vpn", "event": "user_service.provision", "key": format!("s{position}"),
            "position": position, "action": action, "params": params,
        });
        admin.api_post("/rules", rule).expect(201).id()
    };
    rule(1, "dir.user_ensure", json!({}));
    let outside = rule(2, "dir.member_add", json!({ "group": admins }));
    admin.api_post("/services/vpn/activate", json!({})).expect(200);
    let customer = scene.customer(PROVIDER, "Brightwater");
    let user = scene.user(customer, "Theo Vane", "theo");
    scene.done((customer, None), "dir.ou_ensure", json!({}));
    let before = scene.entry(admins).unwrap();
    let body = json!({ "service": "vpn" });
    admin.api_post(&format!("/customers/{customer}/services"), body).expect(202);
    let engine = crate::modules_directory::start(&scene);
    let body = json!({ "service": "vpn", "plan": "STD" });
    let told = admin.api_post(&format!("/users/{user}/services"), body).expect(202).json();
    let said = crate::modules_directory::ended(&scene, told["request_id"].as_i64().unwrap());
    assert!(said.starts_with("failed") && said.contains(&format!("{admins} is outside")), "{said}");
    engine.stop();
    // Trying the rule says the same before anybody has the service.
    let aid = scene.world.count("SELECT max(id) FROM user_services");
    let body = json!({ "customer_id": customer, "user_id": user, "aid": aid });
    let tried = admin.api_post(&format!("/rules/{outside}/dry-run"), body).expect(200).json();
    assert!(tried["connector"].as_str().unwrap().contains("is outside"), "{tried}");
    assert_eq!(scene.entry(admins).unwrap(), before);
}

#[test]
fn an_ou_with_a_foreign_object_stays_and_says_what_is_in_it() {
    let scene = Scene::new(samba());
    let customer = scene.customer(PROVIDER, "Brightwater");
    let place = dn(&out(&scene.done((customer, None), "dir.ou_ensure", json!({})), "dn"));
    scene.done((customer, None), "dir.ou_ensure", json!({ "name": "Ours" }));
    let strange = place.child(Rdn::new("OU", "Not ours").unwrap());
    make_ou(&mut scene.peer.session(), &strange);
    let text = scene.refused((customer, None), "dir.ou_remove_if_empty", json!({}));
    assert!(text.contains("1 object we do not know") && text.contains("OU=Not ours"), "{text}");
    assert!(
        scene.entry(&strange.to_string()).is_some() && scene.entry(&place.to_string()).is_some()
    );
    scene.peer.session().delete(&At::Named(strange)).unwrap();
    scene.done((customer, None), "dir.ou_remove_if_empty", json!({}));
    assert!(scene.entry(&place.to_string()).is_none());
}

/// Twice, by two at once, and back; the last one out of a group.
fn members(scene: &Scene) {
    let customer = scene.customer(PROVIDER, "Brightwater");
    let (a, b) = (scene.user(customer, "Ann Ash", "ann"), scene.user(customer, "Bob Birch", "bob"));
    let group = format!("VPN {}", scene.base.first().unwrap().value());
    for user in [a, b] {
        scene.done((customer, Some(user)), "dir.user_ensure", json!({}));
    }
    let made = scene.done((customer, None), "dir.group_ensure", json!({ "name": group }));
    let place = out(&made, "dn");
    let count = || {
        let entry = scene.entry(&place).unwrap();
        entry.texts("member").into_iter().filter(|member| !member.is_empty()).count()
    };
    let params = json!({ "group": group, "member": "self" });
    std::thread::scope(|threads| {
        for user in [a, a, b, b] {
            let params = params.clone();
            threads.spawn(move || {
                let ended = scene.attempt((customer, Some(user)), "dir.member_add", params);
                assert!(matches!(ended, Outcome::Done(_) | Outcome::Already(_)), "{ended:?}");
            });
        }
    });
    assert_eq!(count(), 2);
    scene.done((customer, Some(a)), "dir.member_add", params.clone());
    std::thread::scope(|threads| {
        for user in [a, a, b, b] {
            let params = params.clone();
            threads.spawn(move || {
                let ended = scene.attempt((customer, Some(user)), "dir.member_remove", params);
                assert!(matches!(ended, Outcome::Done(_) | Outcome::Already(_)), "{ended:?}");
            });
        }
    });
    assert_eq!(count(), 0);
    scene.done((customer, Some(b)), "dir.member_remove", params);
    let renamed = scene.done(
        (customer, None),
        "dir.group_rename",
        json!({ "group": group, "name": format!("{group} new") }),
    );
    assert_eq!(out(&renamed, "guid"), out(&made, "guid"));
    scene.done((customer, None), "dir.group_remove", json!({ "group": format!("{group} new") }));
    assert!(scene.entry(&out(&renamed, "dn")).is_none());
}

#[test]
fn members_are_added_and_taken_once() {
    members(&Scene::new(samba()));
    members(&Scene::new(slapd()));
}

#[test]
fn addresses_follow_and_foreign_kinds_survive() {
    let scene = Scene::new(samba());
    let customer = scene.customer(PROVIDER, "Brightwater");
    let (user, other) =
        (scene.user(customer, "Theo Vane", "theo"), scene.user(customer, "Ann Ash", "ann"));
    let (who, props) = ((customer, Some(user)), json!({ "write_proxy_addresses": true }));
    let ensure = |who| scene.try_with(who, "dir.user_ensure", json!({}), &props);
    let unique = scene.base.first().unwrap().value().to_owned();
    let sql = scene.world.sql();
    let rename = |user, local: &str| {
        let name = format!("{local}.{unique}@brightwater.example");
        let set = "INSERT INTO user_names (name, customer_id, domain_id, user_id) SELECT ?1, customer_id, domain_id, user_id FROM user_names WHERE user_id = ?2 LIMIT 1";
        sql.execute(set, (&name, user)).unwrap();
        sql.execute("UPDATE users SET mail = ?1 WHERE id = ?2", (&name, user)).unwrap();
        name
    };
    let first = rename(user, "theo");
    sql.execute("DELETE FROM user_names WHERE user_id = ?1 AND name <> ?2 AND name <> (SELECT upn FROM users WHERE id = ?1)", (user, &first)).unwrap();
    let Outcome::Done(made) = ensure(who) else { panic!("not made") };
    let name = out(&made, "dn");
    let extra =
        ["X500:/o=Old/cn=theo", "SIP:theo@old.example"].map(|text| text.as_bytes().to_vec());
    let change = Change::Add("proxyAddresses".into(), extra.into());
    scene.peer.session().modify(&At::Named(dn(&name)), &[change]).unwrap();
    let second = rename(user, "vane");
    assert!(matches!(ensure(who), Outcome::Done(_)));
    let entry = scene.entry(&name).unwrap();
    assert_eq!(entry.text("mail"), second);
    let listed = entry.texts("proxyAddresses");
    for wanted in [
        "X500:/o=Old/cn=theo".to_owned(),
        "SIP:theo@old.example".into(),
        format!("SMTP:{second}"),
        format!("smtp:{first}"),
    ] {
        assert!(listed.contains(&wanted), "{wanted}: {listed:?}");
    }
    assert!(matches!(ensure(who), Outcome::Already(_)));
    sql.execute("DELETE FROM user_names WHERE name = ?1", [&first]).unwrap();
    assert!(matches!(ensure(who), Outcome::Done(_)));
    assert!(
        !scene.entry(&name).unwrap().texts("proxyAddresses").contains(&format!("smtp:{first}"))
    );
    // An address that another object there holds stops before anything is written.
    let taken = rename(other, "ann");
    let holder = scene.base.child(Rdn::new("CN", "Holder").unwrap());
    let one = |name: &str, value: &str| (name.to_owned(), vec![value.as_bytes().to_vec()]);
    let all = [one("objectClass", "contact"), one("proxyAddresses", &format!("SMTP:{taken}"))];
    scene.peer.session().add(&holder, &all).unwrap();
    match ensure((customer, Some(other))) {
        Outcome::Refused { text } => assert!(
            text.contains(&taken)
                && text.contains("CN=Holder")
                && text.contains("nothing was written"),
            "{text}"
        ),
        other => panic!("{other:?}"),
    }
    assert_eq!(scene.world.count("SELECT count(*) FROM bindings WHERE class = 'user'"), 1);
}

#[test]
fn what_does_not_fit_is_left_out_and_the_rest_is_written() {
    let scene = Scene::new(samba());
    let customer = scene.customer(PROVIDER, "Brightwater");
    let (boss, user) =
        (scene.user(customer, "Bo Boss", "boss"), scene.user(customer, "Theo Vane", "theo"));
    // The manager's account was deleted there.
    let of_boss = scene.done((customer, Some(boss)), "dir.user_ensure", json!({}));
    scene.peer.session().delete(&At::Named(dn(&out(&of_boss, "dn")))).unwrap();
    let sql = scene.world.sql();
    let set = "UPDATE users SET manager_id = ?1, job_title = 'Engineer', employee_id = ?2, first_name = 'Theo' WHERE id = ?3";
    sql.execute(set, (boss, "1".repeat(30), user)).unwrap();
    let params =
        json!({ "attributes": { "noSuchThing": "x", "title": "t".repeat(300), "info": "kept" } });
    let outcome = scene.attempt((customer, Some(user)), "dir.user_ensure", params);
    let Outcome::Done(answer) = outcome else { panic!("{outcome:?}") };
    let warnings = answer.warnings.join("; ");
    for part in [
        "noSuchThing was left out",
        "title was left out",
        "employeeID was left out",
        "manager was left out",
    ] {
        assert!(warnings.contains(part), "{part}: {warnings}");
    }
    let entry = scene.entry(&out(&answer, "dn")).unwrap();
    assert_eq!((entry.text("info").as_str(), entry.text("givenName").as_str()), ("kept", "Theo"));
    let text = scene.attempt(
        (customer, Some(user)),
        "dir.user_attributes",
        json!({ "attributes": { "userAccountControl": "512" } }),
    );
    let Outcome::Done(answer) = text else { panic!("{text:?}") };
    assert!(answer.warnings.join(" ").contains("userAccountControl was left out"));
    assert_eq!(scene.entry(&out(&answer, "dn")).unwrap().text("userAccountControl"), "514");
}

#[test]
fn what_was_made_and_not_written_down_is_found_by_its_mark() {
    let scene = Scene::new(samba());
    let customer = scene.customer(PROVIDER, "Brightwater");
    let user = scene.user(customer, "Theo Vane", "theo");
    let who = (customer, Some(user));
    let made = scene.done(who, "dir.user_ensure", json!({}));
    let group = format!("G {}", scene.base.first().unwrap().value());
    let of_group = scene.done(who, "dir.group_ensure", json!({ "name": group }));
    scene.world.sql().execute("DELETE FROM bindings", []).unwrap();
    assert_eq!(out(&scene.done(who, "dir.user_ensure", json!({})), "guid"), out(&made, "guid"));
    assert_eq!(
        out(&scene.done(who, "dir.group_ensure", json!({ "name": group })), "guid"),
        out(&of_group, "guid")
    );
    assert_eq!(scene.world.count("SELECT count(*) FROM bindings"), 3);
}

#[test]
fn passwords_are_refused_by_their_reason_and_stay_nowhere() {
    let scene = Scene::new(samba());
    let customer = scene.customer(PROVIDER, "Brightwater");
    let user = scene.user(customer, "Theo Vane", "theo");
    let who = (customer, Some(user));
    scene.done(who, "dir.user_ensure", json!({}));
    let sealed = work::sealed(&scene.world.app.config.key, user, &Secret::new("abc")).unwrap();
    let text = scene.refused(who, "dir.password", json!({ "value": sealed }));
    assert!(text.starts_with("The directory refuses this password"), "{text}");
    let text = scene.refused(who, "dir.password", json!({}));
    assert!(text.contains("no longer kept"), "{text}");
}

#[test]
fn customers_are_nested_and_users_are_sorted_by_department() {
    let scene = Scene::new(samba());
    let reseller = scene.world.reseller("Northwind");
    scene.lives(reseller);
    let customer = scene.customer(reseller, "Brightwater");
    let user = scene.user(customer, "Theo Vane", "theo");
    let sql = scene.world.sql();
    sql.execute(
        "INSERT INTO departments (id, customer_id, name) VALUES (70, ?1, 'Sales, R&D')",
        [customer],
    )
    .unwrap();
    sql.execute("UPDATE users SET department_id = 70 WHERE id = ?1", [user]).unwrap();
    let props = json!({ "structure": "department" });
    let outcome = scene.try_with((customer, Some(user)), "dir.user_ensure", json!({}), &props);
    let Outcome::Done(made) = outcome else { panic!("{outcome:?}") };
    let wanted = "CN=Theo Vane,OU=Sales\\, R&D,OU=Brightwater(BRIGHTWATER),OU=Northwind(NORTHWIND),OU=Customers,";
    assert!(out(&made, "dn").starts_with(wanted), "{}", out(&made, "dn"));
    let move_it = scene.try_with((customer, Some(user)), "dir.user_move", json!({}), &json!({}));
    let Outcome::Done(moved) = move_it else { panic!("{move_it:?}") };
    assert!(out(&moved, "dn").starts_with("CN=Theo Vane,OU=Brightwater("));
}

fn step(action: Action, params: Value) -> NewStep {
    NewStep {
        key: action.word().into(),
        title: "Work in the directory".into(),
        action,
        connector: None,
        params,
        on_error: OnError::Stop,
        how: How::default(),
    }
}

#[test]
fn a_request_works_where_the_customer_lives_and_keeps_no_password() {
    let scene = Scene::new(samba());
    let customer = scene.customer(PROVIDER, "Brightwater");
    let user = scene.user(customer, "Theo Vane", "theo");
    let secret = Secret::new("Grün \"Äpfel\" 77 und mehr");
    let sealed = work::sealed(&scene.world.app.config.key, user, &secret).unwrap();
    let request = NewRequest {
        customer,
        event: "user_service.provision",
        user: Some(user),
        customer_service: None,
        user_service: None,
        title: "Give Theo Vane an account".into(),
        class: Class::Interactive,
        source: Source::Api,
        after: None,
        parent: None,
        preview: None,
        run: None,
        by: None,
        steps: vec![
            step(Action::DirUserEnsure, json!({})),
            step(Action::DirPassword, json!({ "value": sealed })),
            step(Action::DirEnable, json!({})),
        ],
    };
    let id = scene
        .world
        .app
        .db
        .write(By::portico(Via::Shell), |tx| engine::accept(tx, request))
        .unwrap();
    let engine = engine::start(scene.world.app.clone(), crate::engine::EVENTS).unwrap();
    let status = || {
        scene.world.text(&format!("SELECT status || ' ' || reason FROM requests WHERE id = {id}"))
    };
    let end = Instant::now() + Duration::from_secs(60);
    while status().starts_with("queued") || status().starts_with("running") {
        assert!(Instant::now() < end, "{}", status());
        std::thread::sleep(Duration::from_millis(50));
    }
    engine.stop();
    assert_eq!(status(), "done ");
    let upn = scene.world.text(&format!("SELECT upn FROM users WHERE id = {user}"));
    scene.peer.sign_in(&upn, secret.reveal()).unwrap();
    assert_eq!(scene.world.count("SELECT count(*) FROM steps WHERE params LIKE '%sealed%'"), 0);
    let logs = scene.world.text("SELECT group_concat(log, ' ') FROM step_attempts");
    assert!(
        logs.contains("unicodePwd")
            && !logs.contains("pfel")
            && !logs.contains(scene.peer.password),
        "{logs}"
    );
    let bytes = std::fs::read(scene.world.app.config.store()).unwrap();
    let plain = secret.reveal().as_bytes();
    assert!(!bytes.windows(plain.len()).any(|part| part == plain), "the password is in the store");
}
