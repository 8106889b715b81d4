//! A user moves to another customer: all that stands against it at once, then all of it at one instant.

use crate::world::{PROVIDER, Person, World};
use portico::ids::CustomerId;
use serde_json::{Value, json};
use std::thread;

pub struct Scene {
    pub world: World,
    pub reseller: CustomerId,
    pub home: CustomerId,
    pub there: CustomerId,
}

/// Two customers of one reseller. Both have the workplace, which moves; only the first has backup,
/// which does not, and the second has no plan Plus.
pub fn scene() -> Scene {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let (home, there) =
        (world.customer(reseller, "Aldermoor"), world.customer(reseller, "Fernhollow"));
    world
        .sql()
        .execute_batch(&format!(
            "INSERT INTO services (id, code, name, kind, state, tracking_only, on_move, created_at, changed_at)
             VALUES (100, 'workplace', 'Managed workplace', 'user', 'active', 1, 'carry', '', ''),
                    (101, 'backup', 'Backup', 'user', 'active', 1, 'refuse', '', ''),
                    (102, 'phone', 'Telephone', 'user', 'active', 1, 'carry', '', '');
             INSERT INTO plans (id, service_id, level, code, name, sku) VALUES
               (200, 100, 'user', 'standard', 'Standard', ''), (201, 100, 'user', 'plus', 'Plus', ''),
               (202, 101, 'user', 'standard', 'Standard', ''), (203, 102, 'user', 'standard', 'Standard', '');
             INSERT INTO offers (id, reseller_id, service_id, given_at)
             VALUES (300, {reseller}, 100, ''), (301, {reseller}, 101, ''), (302, {reseller}, 102, '');
             INSERT INTO offer_plans (offer_id, service_id, plan_id) VALUES
               (300, 100, 200), (300, 100, 201), (301, 101, 202), (302, 102, 203);"
        ))
        .unwrap();
    let scene = Scene { world, reseller, home, there };
    let admin = scene.admin();
    for (at, service, plans) in [
        (home, "workplace", json!(["standard", "plus"])),
        (home, "backup", json!(["standard"])),
        (home, "phone", json!(["standard"])),
        (there, "workplace", json!(["standard"])),
    ] {
        let given = json!({ "service": service, "user_plans": plans });
        admin.api_post(&format!("/customers/{at}/services"), given).expect(202);
    }
    scene
}

impl Scene {
    pub fn admin(&self) -> Person<'_> {
        self.world.person(PROVIDER, "Provider administrator")
    }

    pub fn add(&self, body: Value) -> i64 {
        let users = format!("/customers/{}/users", self.home);
        self.admin().api_post(&users, body).expect(201).id()
    }

    pub fn held(&self, user: i64, service: &str) -> i64 {
        self.world.count(&format!(
            "SELECT user_services.id FROM user_services JOIN services ON services.id = service_id
              WHERE user_id = {user} AND code = '{service}' ORDER BY user_services.id DESC LIMIT 1"
        ))
    }

    pub fn home_of(&self, user: i64) -> i64 {
        self.world.count(&format!("SELECT customer_id FROM users WHERE id = {user}"))
    }
}

pub fn to(at: CustomerId) -> Value {
    json!({ "customer_id": at })
}

#[test]
fn all_that_stands_against_a_move_is_said_at_once_and_nothing_changes() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let services = json!(["workplace/plus", "backup/standard", "phone/standard"]);
    let id = scene.add(json!({ "first_name": "Theo", "services": services }));
    world
        .sql()
        .execute_batch(&format!(
            "UPDATE customers SET user_limit = 0 WHERE id = {0};
             UPDATE requests SET status = 'queued', turn = 'ready' WHERE id = (SELECT max(id) FROM requests);",
            scene.there
        ))
        .unwrap();
    let running = world.count("SELECT max(id) FROM requests");
    let before =
        world.text("SELECT count(*) || ' ' || (SELECT count(*) FROM ledger) FROM audit_log");
    let wanted = json!({
        "customer_id": scene.there, "upn": "theo@aldermoor.example", "addresses": [],
    });
    let said = admin.api_post(&format!("/users/{id}/move"), wanted).expect(422).complaints();
    assert_eq!(
        said,
        [
            &format!("Request {running} is still running."),
            "Fernhollow may have 0 users; 0 exist.",
            "upn must end in one of fernhollow.example",
            "services Plus is not enabled at Fernhollow.",
            "services Backup cannot move: end it or make it anew.",
            "services Fernhollow does not have Telephone.",
        ]
    );
    assert_eq!(scene.home_of(id), scene.home.0);
    let after =
        world.text("SELECT count(*) || ' ' || (SELECT count(*) FROM ledger) FROM audit_log");
    assert_eq!(before, after, "no change");
    // Others, each by its message.
    let deprovisioned = scene.add(json!({ "first_name": "Ylva" }));
    admin.api_post(&format!("/users/{deprovisioned}/deprovision"), json!({})).expect(202);
    world
        .sql()
        .execute(
            "UPDATE customers SET user_limit = NULL, state = 'disabled' WHERE name = 'Fernhollow'",
            [],
        )
        .unwrap();
    let said = admin.api_post(&format!("/users/{deprovisioned}/move"), to(scene.there));
    assert_eq!(
        said.expect(422).complaints(),
        [
            "Ylva is deprovisioned; only active or disabled users move.",
            "customer_id Fernhollow is disabled."
        ]
    );
    let me = admin.api_post(&format!("/users/{}/move", admin.id), to(scene.home));
    let said = me.expect(422).complaints();
    assert!(said.contains(&"You cannot do this to yourself.".to_owned()), "{said:?}");
}

#[test]
fn a_taken_name_and_a_full_service_stop_a_move() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let there = format!("/customers/{}/users", scene.there);
    let held = json!({ "first_name": "Theo", "services": ["workplace/standard"] });
    admin.api_post(&there, held).expect(201);
    let id = scene.add(json!({ "first_name": "Theo", "services": ["workplace/standard"] }));
    world
        .sql()
        .execute("UPDATE usage SET max = used WHERE holder_id = ?1 AND service_id = 100 AND meter = 'seats'", [scene.there])
        .unwrap();
    let wanted = json!({ "customer_id": scene.there, "upn": "theo@fernhollow.example" });
    let said = admin.api_post(&format!("/users/{id}/move"), wanted).expect(422).complaints();
    assert_eq!(
        said,
        [
            "upn theo@fernhollow.example is taken",
            "services Managed workplace at Fernhollow has no seat left.",
        ]
    );
}

#[test]
fn a_move_keeps_the_user_and_joins_its_spans() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let boss = scene.add(json!({ "first_name": "Ada" }));
    let services = json!(["workplace/standard", "backup/standard"]);
    let id = scene.add(json!({
        "first_name": "Theo", "last_name": "Vane", "department": "Clinic", "manager": boss.to_string(),
        "services": services, "roles": ["Customer helpdesk"], "main_contact": true,
    }));
    let report = scene.add(json!({ "first_name": "Rae", "manager": id.to_string() }));
    let theo = world.sign_in(portico::ids::UserId(id));
    assert_eq!(theo.get("/account").status, 200);
    let (moves, ends) = (scene.held(id, "workplace"), scene.held(id, "backup"));
    let wanted = json!({
        "customer_id": scene.there,
        "services": [format!("{moves}:move:standard"), format!("{ends}:end")],
    });
    let at = format!("/users/{id}/move");
    let look = admin.api_post(&format!("{at}?preview=true"), wanted.clone()).expect(200).json();
    assert_eq!(scene.home_of(id), scene.home.0, "a preview changes nothing");
    assert_eq!(
        look["changes"]["upn"],
        json!(["theo.vane@aldermoor.example", "theo.vane@fernhollow.example"])
    );
    let seats = look["seats"].as_array().unwrap().iter().map(|seat| {
        format!("{} {} {} {}", seat["customer"], seat["service"], seat["before"], seat["after"])
    });
    assert_eq!(
        seats.collect::<Vec<_>>(),
        [
            r#""Aldermoor" "Managed workplace" 1 0"#,
            r#""Aldermoor" "Backup" 1 0"#,
            r#""Fernhollow" "Managed workplace" 0 1"#,
        ]
    );
    let marked =
        |at: CustomerId| world.count(&format!("SELECT n FROM bill_marks WHERE customer_id = {at}"));
    let before = [scene.home, scene.there].map(marked);
    let done = admin.api_post(&at, wanted).expect(202).json();
    for field in ["upn", "carried", "ended", "roles", "dropped"] {
        assert_eq!(look[field], done[field], "{field}: what was shown is what was done");
    }
    let after = [scene.home, scene.there].map(marked);
    assert!(before[0] < after[0] && before[1] < after[1], "both bills are made anew");
    assert_eq!(world.count("SELECT count(*) FROM user_moves"), 0, "nothing is left to take back");
    assert_eq!(done["upn"], "theo.vane@fernhollow.example");
    assert_eq!(done["carried"], json!(["Managed workplace"]));
    assert_eq!(done["roles"], json!(["Customer helpdesk"]));
    assert_eq!(
        done["dropped"],
        json!([
            "Address theo.vane@aldermoor.example",
            "Manager Ada",
            "Manager of Rae",
            "Mark of a main contact"
        ])
    );
    let now = admin.api_get(&format!("/users/{id}")).json();
    assert_eq!(now["customer_id"], json!(scene.there));
    assert_eq!((&now["department"], &now["manager_id"]), (&json!("Clinic"), &json!(null)));
    let none = format!("SELECT count(*) FROM users WHERE id = {report} AND manager_id IS NOT NULL");
    assert_eq!(world.count(&none), 0);
    assert_eq!((theo.get("/account").status, theo.api_get("/users").status), (303, 401));
    // One span ends where the next begins, for the user and for what came along.
    for (kind, subject) in [("user", id), ("user_service", moves)] {
        let gap = format!(
            "SELECT count(*) FROM ledger_spans old JOIN ledger_spans new
                 ON new.kind = old.kind AND new.subject_id = old.subject_id AND new.begins_at = old.ends_at
              WHERE old.kind = '{kind}' AND old.subject_id = {subject}
                AND old.customer_id = {} AND new.customer_id = {}",
            scene.home, scene.there
        );
        assert!(world.count(&gap) > 0, "{kind}");
    }
    let open = format!(
        "SELECT count(*) FROM ledger_spans WHERE kind = 'user_service' AND subject_id = {ends} AND ends_at = '9999'"
    );
    assert_eq!(world.count(&open), 0);
    let seats = "SELECT coalesce(sum(used), 0) FROM usage WHERE service_id = 100 AND plan_id = 0 AND meter = 'seats'";
    assert_eq!(world.count(&format!("{seats} AND holder_id = {}", scene.home)), 0);
    assert_eq!(world.count(&format!("{seats} AND holder_id = {}", scene.there)), 1);
    // The old house sees nobody, the new one nothing that was before.
    let (old, new) = (
        world.person(scene.home, "Customer administrator"),
        world.person(scene.there, "Customer administrator"),
    );
    old.api_get(&format!("/users/{id}")).expect(404);
    old.get(&format!("/users/{id}")).expect(404);
    new.api_get(&format!("/users/{id}")).expect(200);
    let audit = new.get(&format!("/users/{id}/audit"));
    assert!(!audit.body.contains("aldermoor"), "{}", audit.body);
    assert!(!new.get(&format!("/users/{id}/requests")).body.contains("Backup"));
    let written =
        "SELECT group_concat(customer_id, ' ') FROM audit_log WHERE action = 'user.moved'";
    assert_eq!(world.text(written), format!("{} {}", scene.home, scene.there));
    let told =
        format!("SELECT count(*) FROM messages WHERE event = 'user.moved' AND user_id = {id}");
    assert_eq!(world.count(&told), 1);
    // What moved can be worked with, and the old name is free.
    admin.api_post(&format!("/users/{id}/provision"), json!({})).expect(202);
    scene.add(json!({ "first_name": "Theo", "upn": "theo.vane@aldermoor.example" }));
}

#[test]
fn a_service_that_stays_behind_is_made_anew() {
    let scene = scene();
    let admin = scene.admin();
    let given = json!({ "service": "backup", "user_plans": ["standard"] });
    admin.api_post(&format!("/customers/{}/services", scene.there), given).expect(202);
    let id = scene.add(json!({ "first_name": "Theo", "services": ["backup/standard"] }));
    let old = scene.held(id, "backup");
    let wanted =
        json!({ "customer_id": scene.there, "services": [format!("{old}:anew:standard")] });
    let done = admin.api_post(&format!("/users/{id}/move"), wanted).expect(202).json();
    assert_eq!(done["anew"], json!(["Backup"]));
    let new = scene.held(id, "backup");
    assert_ne!(old, new);
    let at = |held: i64| format!("SELECT customer_id FROM user_services WHERE id = {held}");
    assert_eq!(scene.world.count(&at(old)), scene.home.0);
    assert_eq!(scene.world.count(&at(new)), scene.there.0);
}

#[test]
fn a_move_reaches_as_far_as_both_ends_do() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let branch = world.reseller("Stonegate");
    let elsewhere = world.customer(branch, "Mistvale");
    let id = scene.add(json!({ "first_name": "Theo", "roles": ["Customer helpdesk"] }));
    let at = format!("/users/{id}/move");
    let ra = world.person(scene.reseller, "Reseller administrator");
    ra.api_post(&at, to(elsewhere)).expect(404);
    ra.post(&at, &[("customer_id", &elsewhere.to_string()), ("sure", "1")]).expect(404);
    assert!(!ra.get(&at).body.contains("Mistvale"));
    let ca = world.person(scene.home, "Customer administrator");
    assert!(matches!(ca.api_post(&at, to(scene.there)).status, 403 | 404));
    assert_eq!(scene.home_of(id), scene.home.0);
    // A role that only the old branch allows is dropped and named.
    world
        .sql()
        .execute(
            "INSERT INTO allowed_roles (customer_id, role_id, rule)
             SELECT ?1, id, 'deny' FROM roles WHERE name = 'Customer helpdesk' AND customer_id IS NULL",
            [elsewhere],
        )
        .unwrap();
    let done = admin.api_post(&at, to(elsewhere)).expect(202).json();
    assert_eq!((&done["roles"], scene.home_of(id)), (&json!([]), elsewhere.0));
    let dropped = done["dropped"].to_string();
    assert!(dropped.contains("Role Customer helpdesk"), "{dropped}");
}

#[test]
fn of_two_moves_at_once_one_wins() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let third = world.customer(scene.reseller, "Mistvale");
    let id = scene.add(json!({ "first_name": "Theo" }));
    let version = format!("\"{}\"", admin.api_get(&format!("/users/{id}")).json()["version"]);
    let mut all: Vec<u16> = thread::scope(|threads| {
        let (admin, version) = (&admin, &version);
        let both = [scene.there, third].map(|at| {
            threads.spawn(move || {
                let header = [("If-Match", version.as_str())];
                admin.api_with("POST", &format!("/users/{id}/move"), to(at), &header).status
            })
        });
        both.into_iter().map(|each| each.join().unwrap()).collect()
    });
    all.sort_unstable();
    assert_eq!(all, [202, 412]);
    assert_eq!(world.count("SELECT count(*) FROM audit_log WHERE action = 'user.moved'"), 2);
}

#[test]
fn the_pages_lead_through_a_move() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let services = json!(["workplace/standard", "backup/standard"]);
    let id = scene.add(json!({
        "first_name": "Theo", "services": services, "roles": ["Customer helpdesk"], "department": "Clinic",
    }));
    let at = format!("/users/{id}/move");
    assert!(admin.get(&format!("/users/{id}")).body.contains(&format!("href=\"{at}\"")));
    let [full, off] = ["Mistvale", "Stonefold"].map(|name| world.customer(scene.reseller, name));
    world
        .sql()
        .execute_batch(&format!(
            "UPDATE customers SET user_limit = 0 WHERE id = {full};
             UPDATE customers SET state = 'disabled' WHERE id = {off};"
        ))
        .unwrap();
    // Where to.
    let choose = admin.get(&at).expect(200);
    assert!(choose.body.contains(&format!("{at}?customer_id={}", scene.there)));
    assert!(choose.says("Mistvale") && choose.says("It has as many users as it may have."));
    assert!(choose.says("Stonefold") && choose.says("It is disabled."));
    for no in [full, off] {
        assert!(!choose.body.contains(&format!("{at}?customer_id={no}\"")));
    }
    // Names.
    let form = admin.get(&format!("{at}?customer_id={}", scene.there)).expect(200);
    assert!(form.says("theo@fernhollow.example") && form.says("Now theo@aldermoor.example."));
    let there = scene.there.to_string();
    let names = [("customer_id", there.as_str()), ("step", "services")];
    let wrong = [names[0], ("upn", "theo@aldermoor.example"), names[1]];
    let refused = admin.post(&at, &wrong).expect(422);
    assert!(refused.says("must end in one of fernhollow.example") && refused.says("Step 2 of 5"));
    assert!(!refused.says("cannot move"), "what is not asked yet");
    // Services.
    let (moves, ends) = (scene.held(id, "workplace"), scene.held(id, "backup"));
    let next = admin.post(&at, &names).expect(200);
    assert!(next.says("Step 3 of 5") && next.says("Fernhollow does not have it."));
    assert!(next.body.contains(&format!("id=\"services.{moves}-move:standard\"")));
    assert!(!next.body.contains(&format!("services.{ends}-move")));
    let (first, second) = (format!("services.{moves}"), format!("services.{ends}"));
    let mut typed = vec![names[0], (first.as_str(), "move:standard"), ("step", "belongings")];
    let refused = admin.post(&at, &typed).expect(422);
    assert!(refused.says("Backup cannot move: end it or make it anew."), "{}", refused.body);
    typed.push((&second, "end"));
    // Belongings.
    let next = admin.post(&at, &typed).expect(200);
    assert!(next.says("Step 4 of 5") && next.says("Customer helpdesk") && next.says("Clinic"));
    // What would happen.
    typed[2] = ("step", "preview");
    typed.extend([("roles", ""), ("places", "")]);
    let look = admin.post(&at, &typed).expect(200);
    for said in [
        "Step 5 of 5",
        "Moves along",
        "Managed workplace",
        "Role Customer helpdesk",
        "Department:",
        "Update Managed workplace of Theo",
        "Aldermoor",
    ] {
        assert!(look.says(said), "{said}: {}", look.body);
    }
    assert_eq!(scene.home_of(id), scene.home.0);
    typed[2] = ("back", "names");
    assert!(admin.post(&at, &typed).expect(200).says("Step 2 of 5"));
    typed[2] = ("sure", "1");
    assert_eq!(admin.post(&at, &typed).location(), format!("/users/{id}"));
    assert_eq!(scene.home_of(id), scene.there.0);
    let none = "SELECT count(*) FROM role_grants JOIN users ON users.id = user_id WHERE display_name = 'Theo'";
    assert_eq!(world.count(none), 0);
    assert_eq!(admin.api_get(&format!("/users/{id}")).json()["department"], json!(""));
}
