//! Nobody gains a right: each way in which one might be given to a friend, or to oneself, by somebody
//! who does not have it.

use crate::world::{PROVIDER, Person, World};
use portico::ids::{CustomerId, UserId};
use serde_json::{Value, json};

const MORE: &str = "rights that you do not have";

struct Scene {
    world: World,
    north: CustomerId,
    home: CustomerId,
}

fn scene() -> Scene {
    let world = World::new();
    let north = world.reseller("North");
    let home = world.customer(north, "Alder");
    Scene { world, north, home }
}

impl Scene {
    fn admin(&self) -> Person<'_> {
        self.world.person(PROVIDER, "Provider administrator")
    }

    /// Makes and gives roles, and may nothing else.
    fn maker(&self) -> Person<'_> {
        let all = ["roles.read", "roles.write", "roles.grant", "users.read"];
        self.world.person_with(self.home, &all.map(|permission| (permission, 1)))
    }

    /// Looks after users and gives them roles.
    fn clerk(&self) -> Person<'_> {
        self.world.person(self.home, "User administrator")
    }

    fn friend(&self) -> UserId {
        self.world.user(self.home, "Fred Friend", "fred")
    }

    fn role(&self, who: &Person, body: Value) -> i64 {
        who.api_post(&format!("/customers/{}/roles", self.home), body).expect(201).id()
    }

    /// The roles somebody holds, worth something or not.
    fn held(&self, user: UserId) -> Vec<String> {
        self.world.texts(&format!(
            "SELECT roles.name FROM role_grants JOIN roles ON roles.id = role_id WHERE user_id = {user}"
        ))
    }

    fn give(&self, who: &Person, user: UserId, role: &str) {
        who.api_post(&format!("/users/{user}/roles"), json!({ "role": role })).expect(201);
    }
}

#[test]
fn not_by_changing_a_role() {
    let scene = scene();
    let (maker, friend) = (scene.maker(), scene.friend());
    let weak = scene.role(&maker, json!({ "name": "Weak", "rights": { "users.read": "own" } }));
    scene.give(&maker, friend, "Weak");
    for rights in [json!({ "users.delete": "own" }), json!({ "users.read": "both" })] {
        let refused = maker.api_patch(&format!("/roles/{weak}"), json!({ "rights": rights }));
        assert!(refused.expect(422).says(MORE));
    }
    let friend = scene.world.sign_in(friend);
    assert_eq!(friend.api_delete(&format!("/users/{}", maker.id)).status, 403);
    // Nor a role that one holds oneself, be it as a part of another.
    let admin = scene.admin();
    let part = scene.role(&admin, json!({ "name": "Part", "rights": { "users.read": "own" } }));
    let rights = json!({ "roles.read": "own", "roles.write": "own" });
    let whole = json!({ "name": "Whole", "includes": [part], "rights": rights });
    let whole = scene.role(&admin, whole);
    let holder = scene.world.user(scene.home, "Holder", "holder");
    scene.give(&admin, holder, "Whole");
    let holder = scene.world.sign_in(holder);
    for role in [part, whole] {
        let refused = holder.api_patch(&format!("/roles/{role}"), json!({ "description": "x" }));
        assert!(refused.expect(422).says("You hold this role."));
    }
}

#[test]
fn not_by_including_a_role() {
    let scene = scene();
    let maker = scene.maker();
    let roles = format!("/customers/{}/roles", scene.home);
    let strong = json!({ "name": "Strong", "includes": ["User administrator"] });
    assert!(maker.api_post(&roles, strong).expect(422).says(MORE));
    let weak = scene.role(&maker, json!({ "name": "Weak", "rights": { "users.read": "own" } }));
    for part in ["User administrator", "Customer administrator", "Provider administrator"] {
        let refused = maker.api_patch(&format!("/roles/{weak}"), json!({ "includes": [part] }));
        assert_eq!(refused.status, 422, "{part}: {}", refused.body);
    }
    assert_eq!(scene.world.count("SELECT count(*) FROM role_includes WHERE role_id = (SELECT id FROM roles WHERE name = 'Weak')"), 0);
}

#[test]
fn not_by_copying_a_role() {
    let scene = scene();
    let (maker, admin) = (scene.maker(), scene.admin());
    scene.role(&admin, json!({ "name": "Remover", "rights": { "users.delete": "own" } }));
    for name in ["Remover", "User administrator", "Customer administrator"] {
        let id = scene.world.count(&format!("SELECT id FROM roles WHERE name = '{name}'"));
        let copied = maker.api_post(&format!("/roles/{id}/copy"), json!({ "name": "Copy" }));
        assert_eq!(copied.status, 422, "{name}: {}", copied.body);
        assert!(copied.says(MORE), "{name}: {}", copied.body);
    }
    assert_eq!(scene.world.count("SELECT count(*) FROM roles WHERE name = 'Copy'"), 0);
}

#[test]
fn not_by_deleting_a_role_and_naming_a_stronger_one_in_its_place() {
    let scene = scene();
    let (maker, friend) = (scene.maker(), scene.friend());
    let weak = scene.role(&maker, json!({ "name": "Weak", "rights": { "users.read": "own" } }));
    scene.give(&maker, friend, "Weak");
    for strong in ["User administrator", "Customer administrator"] {
        let refused =
            maker.api("DELETE", &format!("/roles/{weak}"), json!({ "replace_by": strong }));
        assert!(refused.expect(422).says(MORE), "{strong}");
    }
    assert_eq!(scene.held(friend), ["Weak"]);
}

#[test]
fn not_by_saying_which_roles_are_allowed() {
    let scene = scene();
    let world = &scene.world;
    let admin = scene.admin();
    let rights = [("roles.allow", 3), ("roles.read", 3), ("roles.grant", 3), ("users.read", 3)];
    let allower = world.person_with(scene.north, &rights);
    // A stronger role that they hold, and that is denied where they are, stays denied.
    let at = |customer: CustomerId, role: &str| {
        let id = world.count(&format!("SELECT id FROM roles WHERE name = '{role}'"));
        format!("/customers/{customer}/allowed-roles/{id}")
    };
    scene.give(&admin, allower.id, "Reseller helpdesk");
    let (deny, allow) = (json!({ "rule": "deny" }), json!({ "rule": "allow" }));
    admin.api("PUT", &at(scene.north, "Reseller helpdesk"), deny).expect(200);
    let victim = scene.friend();
    let allower = world.sign_in(allower.id);
    let disable = || allower.api_post(&format!("/users/{victim}/disable"), json!({})).status;
    assert_eq!(disable(), 403);
    let own = allower.api("PUT", &at(scene.north, "Reseller helpdesk"), allow.clone());
    assert_eq!(own.status, 404, "never for the own customer");
    allower.api("PUT", &at(scene.home, "Reseller helpdesk"), allow.clone()).expect(200);
    assert_eq!(disable(), 403);
    // What is allowed below is still only given by those who cover it.
    allower.api("PUT", &at(scene.home, "API user"), allow.clone()).expect(200);
    allower.api("PUT", &at(scene.home, "User administrator"), allow).expect(200);
    let body = json!({ "role": "User administrator" });
    let given = allower.api_post(&format!("/users/{victim}/roles"), body);
    assert!(given.expect(422).says(MORE));
    assert_eq!(scene.held(victim), [""; 0]);
}

#[test]
fn not_by_a_template() {
    let scene = scene();
    let clerk = scene.clerk();
    let strong = ["Customer administrator", "Service administrator"];
    let body = json!({ "label": "Boss", "reach": "self", "roles": strong });
    let templates = format!("/customers/{}/templates", scene.home);
    let template = clerk.api_post(&templates, body).expect(201).id();
    let new = json!({ "first_name": "Fred", "template": template });
    let made = clerk.api_post(&format!("/customers/{}/users", scene.home), new).expect(201).json();
    let left = made["left_out"].to_string();
    assert!(strong.iter().all(|role| left.contains(role)) && left.contains(MORE), "{left}");
    assert_eq!(scene.held(UserId(made["id"].as_i64().unwrap())), [""; 0]);
}

#[test]
fn not_by_a_copy_of_somebody_stronger() {
    let scene = scene();
    let clerk = scene.clerk();
    let boss = scene.world.person(scene.home, "Customer administrator");
    let copy = json!({ "first_name": "Fred" });
    let made = clerk.api_post(&format!("/users/{}/copy", boss.id), copy).expect(201).json();
    assert!(made["left_out"].to_string().contains(MORE), "{made}");
    assert_eq!(scene.held(UserId(made["id"].as_i64().unwrap())), [""; 0]);
}

#[test]
fn not_by_a_file() {
    let scene = scene();
    let clerk = scene.clerk();
    let friend = scene.friend();
    let at = format!("/customers/{}/users/import", scene.home);
    let own = scene.world.text(&format!("SELECT upn FROM users WHERE id = {}", clerk.id));
    let file = format!(
        "UPN,First Name,Roles\nfred@alder.example,Fred,\"Customer administrator, Approver\"\n{own},Me,Approver\n"
    );
    let report = clerk.api_send(&at, "text/csv", file.as_bytes()).expect(200);
    assert!(report.says(MORE) && report.says("You cannot do this to yourself."), "{}", report.body);
    assert_eq!(scene.held(friend), [""; 0]);
    assert_eq!(scene.held(clerk.id), ["User administrator"]);
}

#[test]
fn not_by_taking_somebody_out_of_the_bin() {
    let scene = scene();
    let (clerk, admin) = (scene.clerk(), scene.admin());
    scene.world.person(scene.home, "Customer administrator");
    let boss = scene.world.person(scene.home, "Customer administrator");
    let one = format!("/users/{}", boss.id);
    admin.api_delete(&format!("{one}?deprovision=true")).expect(200);
    clerk.api_post(&format!("{one}/restore"), json!({})).expect(200);
    assert_eq!(scene.held(boss.id), [""; 0]);
    assert_eq!((boss.api_get("/account").status, boss.get("/account").status), (401, 303));
}

#[test]
fn not_by_rehiring_somebody_who_was_stronger() {
    let scene = scene();
    let (clerk, admin) = (scene.clerk(), scene.admin());
    scene.world.person(scene.home, "Customer administrator");
    let boss = scene.world.person(scene.home, "Customer administrator");
    let one = format!("/users/{}", boss.id);
    admin.api_post(&format!("{one}/deprovision"), json!({})).expect(202);
    let back = clerk.api_post(&format!("{one}/rehire"), json!({})).expect(200).json();
    assert!(back["not_possible"].to_string().contains(MORE), "{back}");
    assert_eq!(scene.held(boss.id), [""; 0]);
}

#[test]
fn not_by_moving_somebody_to_another_customer() {
    let scene = scene();
    let world = &scene.world;
    let there = world.customer(scene.north, "Birch");
    let rights =
        ["users.read", "users.move", "users.create", "roles.grant", "roles.read", "customers.read"];
    let mover = world.person_with(scene.north, &rights.map(|permission| (permission, 3)));
    // Who holds more than the mover is not moved, whatever is asked for along.
    let boss = world.person(scene.home, "Customer administrator");
    let to = |more: Value| {
        let mut body = json!({ "customer_id": there });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let stronger = mover.api_post(&format!("/users/{}/move", boss.id), to(json!({})));
    assert!(stronger.expect(403).says("holds rights that you do not have"));
    // Nor does anybody bring a role along that the mover could not give there.
    let friend = scene.friend();
    let body = to(json!({ "roles": ["Customer administrator"] }));
    let moved = mover.api_post(&format!("/users/{friend}/move"), body);
    assert!(moved.status < 500, "{}", moved.body);
    assert_eq!(scene.held(friend), [""; 0], "{}", moved.body);
}

#[test]
fn not_by_a_token() {
    let scene = scene();
    let maker = scene.world.person_with(scene.home, &[("tokens.own", 1), ("users.read", 1)]);
    let at = format!("/users/{}/tokens", maker.id);
    let more = json!({ "name": "More", "permissions": ["users.read", "users.delete"] });
    let refused = maker.api_post(&at, more).expect(422).complaints();
    assert_eq!(refused, ["permissions has users.delete, which you do not hold"]);
    let everywhere = json!({ "name": "Wide", "permissions": "*" });
    let token = maker.api_post(&at, everywhere).expect(201).json();
    let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
    let ask = |url: String| {
        let headers = [("Authorization".to_owned(), bearer.clone())].to_vec();
        maker.ask("GET", &format!("/api/v1{url}"), Vec::new(), headers).status
    };
    assert_eq!(ask(format!("/users/{}", maker.id)), 200);
    assert_eq!(ask(format!("/customers/{}", scene.home)), 403);
    assert_eq!(ask(format!("/customers/{}/users", scene.north)), 404);
}
