//! What can be said about a user, by whom, and what people say of themselves.

use crate::world::{PROVIDER, Person, World};
use portico::ids::{CustomerId, UserId};
use serde_json::{Value, json};

struct Scene {
    world: World,
    home: CustomerId,
}

fn scene() -> Scene {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let home = world.customer(reseller, "Aldermoor");
    Scene { world, home }
}

impl Scene {
    fn admin(&self) -> Person<'_> {
        self.world.person(PROVIDER, "Provider administrator")
    }

    /// Somebody with a role of the customer's own.
    fn holder(&self, role: &str) -> Person<'_> {
        let user = self.world.user(self.home, role, &role.to_lowercase());
        self.world
            .sql()
            .execute(
                "INSERT INTO role_grants (user_id, role_id, at_id, granted_at)
                 SELECT ?1, id, customer_id, '' FROM roles WHERE name = ?2",
                (user, role),
            )
            .unwrap();
        self.world.sign_in(user)
    }

    fn add(&self, body: Value) -> i64 {
        let users = format!("/customers/{}/users", self.home);
        self.admin().api_post(&users, body).expect(201).id()
    }
}

#[test]
fn a_primary_goes_only_where_another_is_chosen() {
    let scene = scene();
    let admin = scene.admin();
    let body = json!({ "first_name": "Theo", "addresses": ["t.vane@aldermoor.example"] });
    let id = scene.add(body);
    let one = format!("/users/{id}");
    let said = admin.api_patch(&one, json!({ "mail": "" })).expect(422).complaints();
    assert_eq!(said, ["mail choose another primary first"]);
    let said = admin.api_patch(&one, json!({ "upn": "" })).expect(422).complaints();
    assert_eq!(said, ["upn is required"]);
    admin.api_patch(&one, json!({ "mail": "t.vane@aldermoor.example" })).expect(200);
    // Nor by SQL.
    let sql = scene.world.sql();
    sql.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    for set in ["mail = NULL", "upn = NULL"] {
        let update = format!("UPDATE users SET {set} WHERE id = {id}");
        assert!(sql.execute(&update, []).is_err(), "{set}");
    }
    let delete = format!("DELETE FROM user_names WHERE user_id = {id}");
    assert!(sql.execute(&delete, []).is_err());
}

#[test]
fn somebody_elses_address_offers_a_merge_to_those_who_see_the_owner() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    scene.add(json!({ "first_name": "Theo", "addresses": ["t.vane@aldermoor.example"] }));
    let other = scene.add(json!({ "first_name": "Ylva" }));
    let wanted = json!({ "addresses": ["t.vane@aldermoor.example"] });
    let said = admin.api_patch(&format!("/users/{other}"), wanted).expect(422).complaints();
    assert_eq!(said, ["addresses already belongs to Theo: merge?"]);
    let page =
        admin.post(&format!("/users/{other}/edit"), &[("addresses", "t.vane@aldermoor.example")]);
    assert!(page.expect(422).says("already belongs to Theo: merge?"));
    assert_eq!(world.count("SELECT count(*) FROM users WHERE display_name = 'Ylva'"), 1);
}

#[test]
fn every_field_is_on_the_form_and_comes_back() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let id = scene.add(json!({ "first_name": "Theo" }));
    let page = admin.get(&format!("/users/{id}/edit"));
    let fields = [
        ("home_phone", "+31 15 555 01"),
        ("pager", "+31 15 555 02"),
        ("ip_phone", "1203"),
        ("po_box", "PO 9"),
        ("usage_location", "NL"),
        ("web_page", "https://theo.example/"),
        ("employee_type", "Contractor"),
        ("description", "Night shift"),
        ("external_ids", "hr:4711\nentra:9f2c"),
        ("must_change", "1"),
    ];
    for (field, _) in fields {
        assert!(page.body.contains(&format!("name=\"{field}\"")), "{field}");
    }
    let saved = admin.post(&format!("/users/{id}/edit"), &fields);
    assert_eq!(saved.status, 303, "{}", saved.body);
    let now = admin.api_get(&format!("/users/{id}")).json();
    for (field, value) in &fields[..8] {
        assert_eq!(now[field], *value, "{field}");
    }
    assert_eq!(now["external_ids"], json!({ "hr": "4711", "entra": "9f2c" }));
    assert_eq!(now["must_change"], true);
    let person = world.sign_in(UserId(id));
    assert!(person.get("/account/sign-ins").location().starts_with("/account/password"));
    // One source once, one value once in the customer.
    let other = scene.add(json!({ "first_name": "Ylva" }));
    for (ids, why) in [
        (json!(["hr:4711"]), "external_ids has one of somebody else here: hr:4711"),
        (json!(["hr:1", "hr:2"]), "external_ids has hr twice"),
        (json!(["4711"]), "external_ids must be like hr:4711: 4711"),
    ] {
        let said = admin.api_patch(&format!("/users/{other}"), json!({ "external_ids": ids }));
        assert_eq!(said.expect(422).complaints(), [why]);
    }
    let gone = admin.api_patch(&format!("/users/{id}"), json!({ "external_ids": ["hr:4712"] }));
    assert_eq!(gone.expect(200).json()["external_ids"], json!({ "hr": "4712" }));
    let said = admin.api_patch(&format!("/users/{id}"), json!({ "never_expires": true }));
    assert_eq!(said.expect(422).complaints(), ["never_expires is not allowed at Aldermoor"]);
}

#[test]
fn those_who_hold_one_right_change_its_fields_alone() {
    let scene = scene();
    let (world, home) = (&scene.world, scene.home);
    let id = scene.add(json!({ "first_name": "Theo" }));
    world
        .sql()
        .execute_batch(&format!(
            "INSERT INTO roles (customer_id, name) VALUES ({home}, 'Namer');
             INSERT INTO role_rights (role_id, permission, reach)
             SELECT roles.id, value, 1 FROM roles, json_each('[\"users.read\", \"users.rename\"]') WHERE name = 'Namer';"
        ))
        .unwrap();
    let namer = scene.holder("Namer");
    let one = format!("/users/{id}");
    namer.api_patch(&one, json!({ "upn": "vane@aldermoor.example" })).expect(403);
    let names = format!("{one}/names");
    let done = namer.api_patch(&names, json!({ "upn": "vane@aldermoor.example" })).expect(200);
    let done = done.json();
    assert_eq!(
        (&done["upn"], &done["mail"]),
        (&json!("vane@aldermoor.example"), &json!("theo@aldermoor.example"))
    );
    let said = namer.api_patch(&names, json!({ "department": "Clinic" })).expect(422).json();
    assert_eq!(said["errors"][0]["field"], "department");
    namer.api_patch(&format!("{one}/account"), json!({ "expires_on": "2030-01-01" })).expect(403);
    namer.api_patch(&format!("{one}/test-flag"), json!({ "test_user": true })).expect(403);
    let ca = world.person(home, "Customer administrator");
    ca.api_patch(&format!("{one}/account"), json!({ "expires_on": "2030-01-01" })).expect(200);
    ca.api_patch(&format!("{one}/test-flag"), json!({ "test_user": true })).expect(403);
    let pa = scene.admin();
    pa.api_patch(&format!("{one}/test-flag"), json!({ "test_user": true })).expect(200);
    // Of another branch it is not there at all.
    let elsewhere = world.customer(PROVIDER, "Fernhollow");
    let foreign = world.person(elsewhere, "Customer administrator");
    foreign.api_patch(&names, json!({ "upn": "x@fernhollow.example" })).expect(404);
}

#[test]
fn the_main_contacts_role_comes_from_those_who_cover_it() {
    let scene = scene();
    let (world, home) = (&scene.world, scene.home);
    let id = scene.add(json!({ "first_name": "Theo" }));
    world
        .sql()
        .execute_batch(&format!(
            "INSERT INTO roles (customer_id, name) VALUES ({home}, 'Clerk');
             INSERT INTO role_rights (role_id, permission, reach)
             SELECT roles.id, value, 1 FROM roles, json_each('[\"users.read\", \"users.update\"]') WHERE name = 'Clerk';"
        ))
        .unwrap();
    let clerk = scene.holder("Clerk");
    let said = clerk.api_patch(&format!("/users/{id}"), json!({ "main_contact": true }));
    let said = said.expect(422).complaints();
    assert_eq!(
        said,
        ["main_contact gives rights that you do not have: tickets.read, tickets.write"]
    );
    let ca = world.person(home, "Customer administrator");
    ca.api_patch(&format!("/users/{id}"), json!({ "main_contact": true })).expect(200);
    let now = ca.api_get(&format!("/users/{id}")).json();
    assert_eq!(now["main_contact"], true);
}

#[test]
fn an_emergency_user_is_the_providers_and_its_sign_ins_are_told() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let id = scene.add(json!({ "first_name": "Theo" }));
    let said = admin.api_patch(&format!("/users/{id}"), json!({ "break_glass": true }));
    assert_eq!(said.expect(422).complaints(), ["break_glass is for users of the provider"]);
    let kept = world.person(PROVIDER, "Provider helpdesk");
    let one = format!("/users/{}", kept.id);
    admin.api_patch(&one, json!({ "break_glass": true })).expect(200);
    assert!(admin.get(&one).says("For emergencies"));
    let helpdesk = world.person(PROVIDER, "User administrator");
    let said = helpdesk.api_patch(&one, json!({ "break_glass": false }));
    assert!(matches!(said.status, 403 | 404 | 422), "{}", said.body);
}

#[test]
fn people_say_their_own_numbers_and_no_more() {
    let scene = scene();
    let world = &scene.world;
    world
        .sql()
        .execute(
            "INSERT INTO allowed_roles (customer_id, role_id, rule)
             SELECT ?1, id, 'allow' FROM roles WHERE name = 'My account'",
            [scene.home],
        )
        .unwrap();
    let member = world.person(scene.home, "My account");
    let form = member.get("/account/details");
    assert_eq!(form.status, 200, "{}", form.body);
    assert!(member.get("/account").body.contains("href=\"/account/details\""));
    let saved = member.post(
        "/account/details",
        &[("phone", "+31 6 555 7788"), ("city", "Delft"), ("country", "NL")],
    );
    assert_eq!(saved.location(), "/account/details");
    let kept = format!(
        "SELECT phone || '|' || city || '|' || country FROM users WHERE id = {}",
        member.id
    );
    assert_eq!(world.text(&kept), "+31 6 555 7788|Delft|NL");
    let refused = member.post("/account/details", &[("phone", "call me")]);
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("value=\"call me\""), "what was typed stays");
    for field in ["upn", "department", "main_contact", "expires_on", "notes"] {
        let said = member.api_patch("/account/details", json!({ field: "1" })).expect(422).json();
        assert_eq!(said["errors"][0]["field"], field);
    }
    member.api_patch("/account/details", json!({ "mobile": "+31 6 555 1" })).expect(204);
    let audit = format!(
        "SELECT count(*) FROM audit_log WHERE action = 'user.changed' AND subject_id = {0} AND user_id = {0}",
        member.id
    );
    assert_eq!(world.count(&audit), 2);
    // Somebody without the right has no such page.
    let plain = world.sign_in(world.user(scene.home, "Plain", "plain"));
    assert_eq!(plain.get("/account/details").status, 403);
    assert!(!plain.get("/account").body.contains("/account/details"));
    // The address that links go to wants the password once more.
    world.later(700);
    let asked = member.post("/account/details", &[("recovery_email", "me@home.example")]);
    assert!(asked.says("Your password, once more") || asked.status == 303, "{}", asked.body);
    let none = format!("SELECT recovery_email FROM users WHERE id = {}", member.id);
    assert_eq!(world.text(&none), "");
}
