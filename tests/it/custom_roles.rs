//! Roles of customers: made, copied, changed, deleted; allowed and denied; who reaches what.

use crate::world::{Answer, PROVIDER, Person, World};
use portico::ids::{CustomerId, UserId};
use serde_json::{Value, json};

fn make(who: &Person, owner: CustomerId, body: Value) -> Answer {
    who.api_post(&format!("/customers/{owner}/roles"), body)
}

fn give(who: &Person, user: UserId, role: impl ToString) -> Answer {
    who.api_post(&format!("/users/{user}/roles"), json!({ "role": role.to_string() }))
}

fn role_id(world: &World, name: &str) -> i64 {
    world.count(&format!("SELECT id FROM roles WHERE name = '{name}'"))
}

#[test]
fn a_role_of_ones_own_is_made_copied_changed_and_deleted() {
    let world = World::new();
    let north = world.reseller("North");
    let alder = world.customer(north, "Alder");
    let boss = world.person(north, "Reseller administrator");
    let desk =
        json!({ "name": "Second line", "rights": { "users.read": "own", "users.disable": "own" } });
    let id = make(&boss, north, desk.clone()).expect(201).id();
    assert_eq!(make(&boss, north, desk).expect(422).complaints(), ["name is already taken"]);
    let plain = world.person_named(alder, "", "Plain", "plain");
    let other = world.user(alder, "Other", "other");
    give(&boss, plain.id, id).expect(201);
    let plain = world.sign_in(plain.id);
    plain.api_get(&format!("/users/{other}")).expect(200);
    boss.api_patch(&format!("/roles/{id}"), json!({ "rights": { "roles.read": "own" } }))
        .expect(200);
    plain.api_get(&format!("/users/{other}")).expect(403);
    plain.api_get(&format!("/users/{other}/roles")).expect(200);
    let copied =
        boss.api_post(&format!("/roles/{id}/copy"), json!({ "name": "Third line" })).expect(201);
    assert_eq!(copied.json()["rights"][0]["permission"], "roles.read");
    let held = boss.api_delete(&format!("/roles/{id}")).expect(422);
    assert_eq!(held.complaints(), ["replace_by is held by 1 user; choose a role to replace it"]);
    boss.api("DELETE", &format!("/roles/{id}"), json!({ "replace_by": "Third line" })).expect(204);
    plain.api_get(&format!("/users/{other}/roles")).expect(200);
    assert_eq!(
        world.text("SELECT group_concat(action, ' ') FROM audit_log WHERE action LIKE 'role.%'"),
        "role.created role.granted role.changed role.created role.deleted"
    );
}

#[test]
fn every_refusal_of_a_role_says_what_is_wrong() {
    let world = World::new();
    let north = world.reseller("North");
    let boss = world.person(north, "Reseller administrator");
    let wrong = json!({ "name": "X", "rights": { "rules.write": "both", "customers.move": "own", "users.fly": "own" } });
    let refused = make(&boss, north, wrong).expect(422);
    assert!(refused.says("reach must be one of own, below"), "{}", refused.body);
    assert!(refused.says("reach must be one of below") && refused.says("is not a permission"));
    let taken = make(&boss, north, json!({ "name": "customer ADMINISTRATOR" })).expect(422);
    assert_eq!(taken.complaints(), ["name is already taken"]);
    let shipped = role_id(&world, "Customer helpdesk");
    let refused =
        boss.api_patch(&format!("/roles/{shipped}"), json!({ "name": "Mine" })).expect(422);
    assert!(refused.says("is a shipped role: copy it"));
    let a = make(&boss, north, json!({ "name": "A" })).expect(201).id();
    let b = make(&boss, north, json!({ "name": "B", "includes": [a] })).expect(201).id();
    for parts in [json!([a]), json!([b])] {
        let refused =
            boss.api_patch(&format!("/roles/{a}"), json!({ "includes": parts })).expect(422);
        assert_eq!(refused.complaints(), ["includes would include itself"]);
    }
    let in_use = boss.api_delete(&format!("/roles/{a}")).expect(422);
    assert!(in_use.says("is included in B; choose a role to replace it"), "{}", in_use.body);
    let mut last = b;
    for n in 0..4 {
        last = make(&boss, north, json!({ "name": format!("T{n}"), "includes": [last] }))
            .expect(201)
            .id();
    }
    let tower = make(&boss, north, json!({ "name": "Top", "includes": [last] })).expect(422);
    assert!(tower.says("would be more than 5 deep"));
}

#[test]
fn nobody_gains_a_right_by_making_changing_including_or_copying_a_role() {
    let world = World::new();
    let north = world.reseller("North");
    let boss = world.person(north, "Reseller administrator");
    let lesser = json!({ "name": "Role maker", "rights": {
        "roles.read": "own", "roles.write": "own", "roles.grant": "own", "users.read": "own" } });
    let maker_role = make(&boss, north, lesser).expect(201).id();
    let maker = world.person_named(north, "", "Maker", "maker");
    give(&boss, maker.id, maker_role).expect(201);
    let maker = world.sign_in(maker.id);
    let more = "contains rights that you do not have: users.delete";
    let refused =
        make(&maker, north, json!({ "name": "Strong", "rights": { "users.delete": "own" } }))
            .expect(422);
    assert!(refused.says(more), "{}", refused.body);
    let refused =
        make(&maker, north, json!({ "name": "Strong", "rights": { "users.read": "both" } }))
            .expect(422);
    assert!(refused.says("do not have: users.read"), "{}", refused.body);
    let refused =
        make(&maker, north, json!({ "name": "Strong", "includes": ["User administrator"] }))
            .expect(422);
    assert!(refused.says("contains rights that you do not have"));
    let shipped = role_id(&world, "User administrator");
    maker.api_post(&format!("/roles/{shipped}/copy"), json!({ "name": "Copy" })).expect(422);
    let weak = make(&maker, north, json!({ "name": "Weak", "rights": { "users.read": "own" } }))
        .expect(201)
        .id();
    let refused = maker
        .api_patch(&format!("/roles/{weak}"), json!({ "rights": { "users.delete": "own" } }))
        .expect(422);
    assert!(refused.says(more));
    let victim = world.user(north, "Victim", "victim");
    give(&maker, victim, weak).expect(201);
    let by_another = maker
        .api("DELETE", &format!("/roles/{weak}"), json!({ "replace_by": "User administrator" }))
        .expect(422);
    assert!(by_another.says("contains rights that you do not have"), "{}", by_another.body);
    let held = maker
        .api_patch(&format!("/roles/{maker_role}"), json!({ "description": "Mine" }))
        .expect(422);
    assert!(held.says("You hold this role."));
}

#[test]
fn denied_above_a_role_is_worth_nothing_below_and_nothing_is_lost() {
    let world = World::new();
    let north = world.reseller("North");
    let alder = world.customer(north, "Alder");
    let admin = world.person(PROVIDER, "Provider administrator");
    let boss = world.person(north, "Reseller administrator");
    let clerk = world.person(alder, "User administrator");
    clerk.api_get(&format!("/users/{}", clerk.id)).expect(200);
    let role = role_id(&world, "User administrator");
    let at = |customer: CustomerId| format!("/customers/{customer}/allowed-roles/{role}");
    let deny = json!({ "rule": "deny" });
    let shown =
        admin.api("PUT", &format!("{}?preview=true", at(north)), deny.clone()).expect(200).json();
    assert_eq!(
        (&shown["stops"], &shown["names"][0]),
        (&json!(1), &json!("The User administrator"))
    );
    clerk.api_get(&format!("/users/{}", clerk.id)).expect(200);
    admin.api("PUT", &at(north), deny.clone()).expect(200);
    clerk.api_get(&format!("/users/{}", clerk.id)).expect(403);
    boss.api("PUT", &at(alder), json!({ "rule": "allow" })).expect(200);
    clerk.api_get(&format!("/users/{}", clerk.id)).expect(403);
    let refused = give(&boss, world.user(alder, "New", "new"), "User administrator").expect(422);
    assert!(
        refused.says("User administrator is not allowed at Alder: it is denied at North"),
        "{}",
        refused.body
    );
    assert_eq!(world.count("SELECT count(*) FROM role_grants"), 3);
    admin.api("PUT", &at(north), json!({ "rule": "inherit" })).expect(200);
    clerk.api_get(&format!("/users/{}", clerk.id)).expect(200);
    boss.api("PUT", &at(north), deny).expect(404);
    assert_eq!(
        admin.api("PUT", &at(north), json!({ "rule": "no" })).expect(422).complaints(),
        ["rule is not one of the choices"]
    );
}

#[test]
fn a_role_that_nobody_allows_is_worth_nothing() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    let admin = world.person(PROVIDER, "Provider administrator");
    let plain = world.user(alder, "Plain", "plain");
    let refused = give(&admin, plain, "My account").expect(422);
    assert!(refused.says("My account is not allowed at Alder: nobody above allows it"));
    let role = role_id(&world, "My account");
    let body = json!({ "rule": "allow" });
    admin.api("PUT", &format!("/customers/{alder}/allowed-roles/{role}"), body).expect(200);
    give(&admin, plain, "My account").expect(201);
    assert!(give(&admin, plain, "Main contact").expect(422).says("is not one of the choices"));
}

#[test]
fn those_above_tick_a_box_to_leave_a_customer_without_administrator() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    let admin = world.person(PROVIDER, "Provider administrator");
    let boss = world.person(alder, "Customer administrator");
    let grant = world.count(&format!("SELECT id FROM role_grants WHERE user_id = {}", boss.id));
    let at = format!("/users/{}/roles/{grant}", boss.id);
    let refused = admin.api_delete(&at).expect(422);
    assert!(
        refused.says("is the last administrator of Alder who can sign in. Make another one first.")
    );
    let role = role_id(&world, "Customer administrator");
    let denied = admin.api(
        "PUT",
        &format!("/customers/{alder}/allowed-roles/{role}"),
        json!({ "rule": "deny" }),
    );
    assert!(denied.expect(422).says("is the last administrator of Alder"));
    admin.api("DELETE", &at, json!({ "without_administrator": true })).expect(204);
}

#[test]
fn the_tab_access_shows_everybody_whose_rights_reach_a_customer() {
    let world = World::new();
    let (alder, birch) = (world.customer(PROVIDER, "Alder"), world.customer(PROVIDER, "Birch"));
    let admin = world.person(PROVIDER, "Provider administrator");
    let outsider = world.user(birch, "Odo Outsider", "odo");
    let body = json!({ "role": "User administrator", "customer_id": alder.0 });
    admin.api_post(&format!("/users/{outsider}/roles"), body).expect(201);
    let boss = world.person(alder, "Customer administrator");
    let list = boss.api_get(&format!("/customers/{alder}/access")).expect(200).json();
    let names: Vec<&str> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| each["user"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Odo Outsider", "The Customer administrator", "The Provider administrator"]);
    let page = boss.get(&format!("/customers/{alder}/access")).expect(200);
    assert!(page.says("Odo Outsider") && page.says("From outside"));
    boss.api_get(&format!("/customers/{birch}/access")).expect(404);
    boss.get(&format!("/customers/{alder}/allowed-roles")).expect(200);
    boss.get(&format!("/customers/{birch}/allowed-roles")).expect(404);
}

#[test]
fn roles_of_another_branch_are_not_seen_or_touched() {
    let world = World::new();
    let (north, south) = (world.reseller("North"), world.reseller("South"));
    let boss = world.person(north, "Reseller administrator");
    let other = world.person(south, "Reseller administrator");
    let id = make(&boss, north, json!({ "name": "Desk", "rights": { "users.read": "own" } }))
        .expect(201)
        .id();
    other.api_get(&format!("/roles/{id}")).expect(404);
    other.api_patch(&format!("/roles/{id}"), json!({ "name": "Mine" })).expect(404);
    other.api_delete(&format!("/roles/{id}")).expect(404);
    other.api_post(&format!("/roles/{id}/copy"), json!({ "name": "Mine" })).expect(404);
    other.get(&format!("/roles/{id}/edit")).expect(404);
    make(&other, north, json!({ "name": "Mine" })).expect(404);
    assert!(
        give(&other, world.user(south, "Plain", "plain"), id)
            .expect(422)
            .says("is not one of the choices")
    );
    make(&other, south, json!({ "name": "Desk" })).expect(201);
}

#[test]
fn the_editor_offers_what_one_covers_and_keeps_what_was_typed() {
    let world = World::new();
    let north = world.reseller("North");
    let boss = world.person(north, "Reseller administrator");
    let page = boss.get(&format!("/customers/{north}/roles/new")).expect(200);
    assert!(page.says("rights.users.read") && !page.says("rights.rules.write"));
    let form = [("name", ""), ("rights.users.read", "own"), ("includes", ""), ("services", "")];
    let refused = boss.post(&format!("/customers/{north}/roles"), &form).expect(422);
    assert!(refused.says(r#"name="rights.users.read" value="own" checked"#), "{}", refused.body);
    let form = [("name", "Desk"), ("rights.users.read", "own"), ("includes", ""), ("services", "")];
    let made = boss.post(&format!("/customers/{north}/roles"), &form);
    let at = made.location().to_owned();
    assert!(boss.get(&at).expect(200).says("Permissions of Desk"));
    boss.get(&format!("{at}/edit")).expect(200);
    boss.get(&format!("{at}/delete")).expect(200);
    boss.post(&format!("{at}/delete"), &[("replace_by", "")]).expect(303);
}
