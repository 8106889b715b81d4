//! The life of a user: every verb from every state, what each takes along, the bin and its end.

use crate::world::{PROVIDER, Person, World};
use portico::ids::{CustomerId, UserId};
use portico::jobs;
use serde_json::{Value, json};
use std::fs;

/// A customer with a service that its users may have.
struct Scene {
    world: World,
    reseller: CustomerId,
    home: CustomerId,
}

fn scene() -> Scene {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let home = world.customer(reseller, "Aldermoor");
    world
        .sql()
        .execute_batch(&format!(
            "INSERT INTO services (id, code, name, kind, state, tracking_only, created_at, changed_at)
             VALUES (100, 'workplace', 'Managed workplace', 'user', 'active', 1, '', '');
             INSERT INTO plans (id, service_id, level, code, name, sku)
             VALUES (200, 100, 'user', 'standard', 'Standard', 'MW-STD');
             INSERT INTO offers (id, reseller_id, service_id, given_at) VALUES (300, {reseller}, 100, '');
             INSERT INTO offer_plans (offer_id, service_id, plan_id) VALUES (300, 100, 200);"
        ))
        .unwrap();
    let scene = Scene { world, reseller, home };
    let services = format!("/customers/{home}/services");
    scene.admin().api_post(&services, json!({ "service": "workplace" })).expect(202);
    scene
}

impl Scene {
    fn admin(&self) -> Person<'_> {
        self.world.person(PROVIDER, "Provider administrator")
    }

    /// A new user of the customer, made through the API.
    fn user(&self, who: &Person, body: Value) -> i64 {
        who.api_post(&format!("/customers/{}/users", self.home), body).expect(201).id()
    }

    fn give(&self, who: &Person, user: i64) {
        let given = json!({ "service": "workplace", "plan": "standard" });
        who.api_post(&format!("/users/{user}/services"), given).expect(202);
    }

    fn set(&self, user: i64, state: &str) {
        let sql = self.world.sql();
        sql.execute(
            "UPDATE users SET state = ?1, deleted_at = iif(?1 = 'deleted', ?2, NULL) WHERE id = ?3",
            (state, self.world.now(), user),
        )
        .unwrap();
    }

    fn state(&self, user: i64) -> String {
        self.world.text(&format!("SELECT state FROM users WHERE id = {user}"))
    }

    /// What the ledger says of the user, in its order.
    fn ledger(&self, user: i64) -> Vec<String> {
        self.rows(&format!(
            "SELECT kind || ' ' || action || iif(json_extract(facts, '$.disabled'), ' disabled', '')
               FROM ledger WHERE user_id = {user} ORDER BY id"
        ))
    }

    fn rows(&self, query: &str) -> Vec<String> {
        let sql = self.world.sql();
        let mut rows = sql.prepare(query).unwrap();
        rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// Does a job now, as the clock would.
    fn job(&self, kind: &str) {
        let by = portico::db::By::portico(portico::db::Via::Job);
        let run = self
            .world
            .app
            .db
            .write(by, |tx| jobs::queue_run(tx, kind, PROVIDER, &json!({}), None))
            .unwrap();
        let runs = jobs::start(&self.world.app).unwrap();
        let open = || {
            let state = self.world.text(&format!("SELECT state FROM runs WHERE id = {run}"));
            ["queued", "running"].contains(&state.as_str())
        };
        let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while open() && std::time::Instant::now() < end {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        runs.stop();
        let state = format!("SELECT state || ' ' || error FROM runs WHERE id = {run}");
        assert_eq!(self.world.text(&state).trim(), "done");
    }
}

const STATES: [&str; 5] = ["active", "disabled", "deprovisioned", "deleted", "purged"];

/// Each verb with the states it goes from, and the state it leads to.
const VERBS: [(&str, &[&str], &str); 8] = [
    ("disable", &["active"], "disabled"),
    ("enable", &["disabled"], "active"),
    ("provision", &["active", "disabled"], ""),
    ("deprovision", &["active", "disabled"], "deprovisioned"),
    ("delete", &["active", "disabled", "deprovisioned"], "deleted"),
    ("restore", &["deleted"], "deprovisioned"),
    ("erase", &["deleted"], "purged"),
    ("edit", &["active", "disabled", "deprovisioned"], ""),
];

#[test]
fn every_verb_goes_from_its_states_and_from_no_other() {
    let scene = scene();
    let admin = scene.admin();
    for (verb, from, to) in VERBS {
        for state in STATES {
            let name = format!("{verb} {state}");
            let id = scene.user(&admin, json!({ "first_name": "Theo", "last_name": verb }));
            let upn = admin.api_get(&format!("/users/{id}")).json()["upn"].clone();
            if state == "purged" {
                scene.set(id, "deleted");
                let erased =
                    admin.api_post(&format!("/users/{id}/erase"), json!({ "confirm": upn }));
                assert_eq!(erased.status, 204, "{}", erased.body);
            } else if state == "disabled" {
                admin.api_post(&format!("/users/{id}/disable"), json!({})).expect(200);
            } else if state != "active" {
                admin.api_post(&format!("/users/{id}/deprovision"), json!({})).expect(202);
                scene.set(id, state);
            }
            let before = scene.world.count("SELECT count(*) FROM audit_log");
            let url = format!("/users/{id}");
            let answer = match verb {
                "delete" => admin.api_delete(&url),
                "edit" => admin.api_patch(&url, json!({ "job_title": "Dentist" })),
                "erase" => admin.api_post(&format!("{url}/erase"), json!({ "confirm": upn })),
                _ => admin.api_post(&format!("{url}/{verb}"), json!({})),
            };
            if from.contains(&state) {
                assert!((200..300).contains(&answer.status), "{name}: {}", answer.body);
                let to = if to.is_empty() { state } else { to };
                assert_eq!(scene.state(id), to, "{name}");
                assert!(scene.world.count("SELECT count(*) FROM audit_log") > before, "{name}");
            } else {
                let shown =
                    if state == "purged" { format!("User {id}") } else { format!("Theo {verb}") };
                let said = answer.expect(422).complaints();
                assert_eq!(said, [format!("{shown} is {state}.")], "{name}");
                assert_eq!(scene.state(id), state, "{name}");
                assert_eq!(scene.world.count("SELECT count(*) FROM audit_log"), before, "{name}");
            }
            // The page of each asks, or says why not.
            if !["provision", "edit"].contains(&verb) {
                assert_eq!(admin.get(&format!("{url}/{verb}")).status, 200, "{name}");
            }
        }
    }
}

#[test]
fn deprovisioning_remembers_and_ends_what_there_was() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let id = scene.user(&admin, json!({ "first_name": "Theo", "last_name": "Vane" }));
    scene.give(&admin, id);
    let grant = json!({ "role": "Customer helpdesk" });
    admin.api_post(&format!("/users/{id}/roles"), grant).expect(201);
    let theo = world.sign_in(UserId(id));
    assert_eq!(theo.get("/account").status, 200);
    let preview = admin.api_post(&format!("/users/{id}/deprovision?preview=true"), json!({}));
    let preview = preview.expect(200).json();
    assert_eq!(preview["services"][0]["service"], "workplace");
    assert_eq!(preview["roles"], json!(["Customer helpdesk"]));
    assert_eq!(scene.state(id), "active", "a preview changes nothing");

    let done = admin.api_post(&format!("/users/{id}/deprovision"), json!({})).expect(202).json();
    assert_eq!(done["state"], "deprovisioned");
    assert_eq!(done["requests"].as_array().unwrap().len(), 1);
    assert_eq!((theo.get("/account").status, theo.api_get("/account").status), (303, 401));
    assert_eq!(world.count(&format!("SELECT count(*) FROM role_grants WHERE user_id = {id}")), 0);
    assert_eq!(
        scene.ledger(id),
        [
            "user added",
            "user_service added",
            "user changed",
            "user_service removed",
            "user removed"
        ],
        "the role is a change of its own"
    );
    let seats =
        "SELECT sum(used) FROM usage WHERE service_id = 100 AND plan_id = 0 AND meter = 'seats'";
    assert_eq!(world.count(&format!("{seats} AND holder_id = {}", scene.home)), 0);
    let memory = world.text(&format!("SELECT snapshot FROM user_memories WHERE user_id = {id}"));
    let memory: Value = serde_json::from_str(&memory).unwrap();
    assert_eq!(memory["services"][0]["plan"], "standard");
    assert_eq!(memory["roles"][0]["role"], "Customer helpdesk");
    assert_eq!(memory["fields"]["upn"], json!(["theo.vane@aldermoor.example"]));
}

#[test]
fn an_active_user_is_deleted_only_after_deprovisioning_or_both_in_order() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let boss = scene.user(&admin, json!({ "first_name": "Maren", "last_name": "Tolliver" }));
    let id = scene.user(&admin, json!({ "first_name": "Theo", "manager": boss }));
    scene.give(&admin, boss);
    let said = admin.api_delete(&format!("/users/{boss}")).expect(422).complaints();
    assert_eq!(said, ["Deprovision Maren Tolliver first."]);
    let page = admin.post(&format!("/users/{boss}/delete"), &[("deprovision", "0")]);
    assert_eq!(page.status, 422);
    assert!(page.says("Deprovision Maren Tolliver first"), "{}", page.body);
    let page =
        admin.post(&format!("/users/{boss}/delete"), &[("deprovision", "0"), ("deprovision", "1")]);
    assert_eq!(page.status, 303, "{}", page.body);
    assert_eq!(scene.state(boss), "deleted");
    assert_eq!(admin.api_get(&format!("/users/{id}")).json()["manager_id"], Value::Null);
    let actions = scene.rows(&format!(
        "SELECT action || ' ' || coalesce(json_extract(detail, '$.reports'), '') FROM audit_log
          WHERE subject_kind = 'user' AND subject_id = {boss} ORDER BY id"
    ));
    assert_eq!(
        actions.iter().map(|a| a.trim()).collect::<Vec<_>>(),
        ["user.created", "user.deprovisioned", &format!("user.deleted [{id}]")]
    );
    // The name is held while it is in the bin, and the bin can be emptied by restoring.
    let taken = json!({ "first_name": "M", "upn": "maren.tolliver@aldermoor.example" });
    let users = format!("/customers/{}/users", scene.home);
    let said = admin.api_post(&users, taken).expect(422).complaints();
    assert_eq!(said, ["upn is taken by Maren Tolliver"]);
    let listed = admin.api_get(&format!("{users}?state=deleted")).json();
    assert_eq!(listed["items"][0]["display_name"], "Maren Tolliver");
    assert!(admin.get(&format!("/users/{boss}")).says("Restore…"));
    admin.api_post(&format!("/users/{boss}/restore"), json!({})).expect(200);
    assert_eq!(scene.state(boss), "deprovisioned");
    assert_eq!(world.count("SELECT count(*) FROM user_memories"), 1);
    // One that nothing was ever made for needs no deprovisioning.
    admin.api_delete(&format!("/users/{id}")).expect(200);
    assert_eq!(scene.ledger(id), ["user added", "user removed"]);
}

#[test]
fn a_user_is_not_restored_onto_a_domain_that_is_gone() {
    let scene = scene();
    let admin = scene.admin();
    let id = scene.user(&admin, json!({ "first_name": "Theo" }));
    admin.api_delete(&format!("/users/{id}")).expect(200);
    let sql = scene.world.sql();
    sql.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    sql.execute("DELETE FROM customer_domains WHERE customer_id = ?1", [scene.home]).unwrap();
    let said = admin.api_post(&format!("/users/{id}/restore"), json!({})).expect(422);
    assert_eq!(said.complaints(), ["aldermoor.example is no longer a domain of Aldermoor."]);
}

#[test]
fn nobody_ends_oneself_the_stronger_or_the_last() {
    let scene = scene();
    let world = &scene.world;
    let admin = scene.admin();
    let ca = world.person(scene.home, "Customer administrator");
    let ua = world.person(scene.home, "User administrator");
    let verbs = |id: UserId| {
        [
            ("POST", format!("/users/{id}/deprovision")),
            ("DELETE", format!("/users/{id}?deprovision=true")),
        ]
    };
    for (method, url) in verbs(ua.id) {
        let said = ua.api(method, &url, json!({})).expect(422).complaints();
        assert_eq!(said, ["You cannot do this to yourself."], "{method} {url}");
    }
    for (method, url) in verbs(ca.id) {
        let refused = ua.api(method, &url, json!({})).expect(403);
        assert!(
            refused.says("The Customer administrator holds rights that you do not have: "),
            "{}",
            refused.body
        );
    }
    let other = scene.admin();
    world.sql().execute("UPDATE users SET password_hash = 'x' WHERE id = ?1", [other.id]).unwrap();
    for (method, url) in verbs(other.id) {
        let said = admin.api(method, &url, json!({})).expect(422).complaints();
        let last = "The Provider administrator is the last administrator of Tarnholm IT who can sign in. Make another one first.";
        assert_eq!(said, [last], "{method} {url}");
    }
    assert_eq!(world.count("SELECT count(*) FROM users WHERE state <> 'active'"), 0);
    assert_eq!(
        world.count("SELECT count(*) FROM audit_log WHERE action LIKE 'user.de%'"),
        0,
        "nothing was half done"
    );
}

#[test]
fn ending_an_account_wants_the_password_again_and_a_token_that_says_so() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let id = scene.user(&admin, json!({ "first_name": "Theo" }));
    world.later(700);
    for verb in ["deprovision", "delete", "erase"] {
        let url = format!("/users/{id}/{verb}");
        assert!(admin.get(&url).location().starts_with("/again?to="), "{verb}");
        let page = admin.post(&url, &[]).expect(403);
        assert!(page.says("Your password, once more"), "{verb}: {}", page.body);
    }
    assert_eq!(scene.state(id), "active");
    assert_eq!(admin.get(&format!("/users/{id}/disable")).status, 200, "disabling does not");
    world.sql().execute("UPDATE tokens SET permissions = '*'", []).unwrap();
    let refused = admin.api_post(&format!("/users/{id}/deprovision"), json!({})).expect(403);
    assert!(refused.says("users.deprovision"), "{}", refused.body);
    admin.api_delete(&format!("/users/{id}")).expect(403);
}

#[test]
fn a_merged_user_leaves_addresses_and_numbers_to_the_survivor() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let stays = scene.user(&admin, json!({ "first_name": "Jane", "last_name": "Doe" }));
    let goes = scene.user(
        &admin,
        json!({ "first_name": "Jane", "last_name": "Doe", "addresses": ["jd@aldermoor.example"],
                "external_emails": ["jane@post.example"] }),
    );
    world
        .sql()
        .execute(
            "INSERT INTO user_external_ids (customer_id, source, value, user_id) VALUES (?1, 'hr', '77', ?2)",
            (scene.home, goes),
        )
        .unwrap();
    let url = format!("/users/{stays}/merge");
    let merge = |who: Value| admin.api_post(&url, json!({ "user": who }));
    assert_eq!(merge(json!(stays)).expect(422).complaints(), ["user is the same user"]);
    let nobody = merge(json!("nobody@aldermoor.example")).expect(422).complaints();
    assert_eq!(nobody, ["user is not a user of this customer"]);
    let elsewhere = world.user(scene.reseller, "Ylva", "ylva");
    let foreign = merge(json!(elsewhere)).expect(422).complaints();
    assert_eq!(foreign, ["user is not a user of this customer"]);
    scene.give(&admin, goes);
    admin
        .api_post(&format!("/users/{goes}/roles"), json!({ "role": "Customer helpdesk" }))
        .expect(201);
    let held = merge(json!(goes)).expect(422).complaints();
    assert_eq!(held, ["Jane Doe still holds Managed workplace, Customer helpdesk."]);
    let ids = |query: &str| scene.rows(query);
    for service in
        ids(&format!("SELECT CAST(id AS TEXT) FROM user_services WHERE user_id = {goes}"))
    {
        admin.api_delete(&format!("/users/{goes}/services/{service}")).expect(202);
    }
    for grant in ids(&format!("SELECT CAST(id AS TEXT) FROM role_grants WHERE user_id = {goes}")) {
        assert!(admin.api_delete(&format!("/users/{goes}/roles/{grant}")).status < 300);
    }
    let names = ["jane.doe2@aldermoor.example", "jd@aldermoor.example"];
    let preview = admin.api_post(&format!("{url}?preview=true"), json!({ "user": goes }));
    assert_eq!(preview.expect(200).json()["addresses"], json!(names));
    // The page shows both before it does it.
    let shown = admin.post(&url, &[("user", "jd@aldermoor.example")]);
    assert!(shown.status == 200 && shown.says("Merge Jane Doe into Jane Doe?"), "{}", shown.body);
    assert_eq!(scene.state(goes), "active");
    let done = admin.post(&url, &[("user", &goes.to_string()), ("sure", "1")]);
    assert_eq!(done.status, 303, "{}", done.body);
    assert_eq!(scene.state(goes), "deleted");
    let now = admin.api_get(&format!("/users/{stays}")).json();
    assert_eq!(now["addresses"], json!(names));
    assert_eq!(now["external_emails"], json!(["jane@post.example"]));
    assert_eq!(world.text("SELECT user_id || source FROM user_external_ids"), format!("{stays}hr"));
    let found = admin.api_get("/users?q=jd@aldermoor").json();
    assert_eq!(found["items"][0]["id"], stays, "the old address finds the survivor");
    assert_eq!(scene.ledger(goes).last().unwrap(), "user removed");
    assert_eq!(world.count("SELECT count(*) FROM audit_log WHERE action = 'user.merged'"), 2);
}

#[test]
fn after_erasing_the_file_knows_nothing_of_the_person() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let said = [
        "Quirinella",
        "Zandvoorthuis",
        "quirinella",
        "zandvoorthuis",
        "+31 20 555 0177",
        "Kleine Gracht 99",
        "qz@aldermoor.example",
        "private-qz@post.example",
        "recover-qz@post.example",
        "Endodontist-Extra",
    ];
    let id = scene.user(
        &admin,
        json!({ "first_name": "Quirinella", "last_name": "Zandvoorthuis", "phone": "+31 20 555 0177",
            "street": "Kleine Gracht 99", "addresses": ["qz@aldermoor.example"], "notes": "Likes Endodontist-Extra",
            "external_emails": ["private-qz@post.example"], "recovery_email": "recover-qz@post.example",
            "job_title": "Endodontist-Extra" }),
    );
    scene.give(&admin, id);
    admin.api_patch(&format!("/users/{id}"), json!({ "city": "Quirinella-Stad" })).expect(200);
    admin.api_post(&format!("/users/{id}/welcome"), json!({})).expect(200);
    let keyed = json!({ "job_title": "Endodontist-Extra II" });
    let key = [("Idempotency-Key", "once-and-again")];
    assert_eq!(admin.api_with("PATCH", &format!("/users/{id}"), keyed, &key).status, 200);
    let url = format!("/users/{id}/services/new");
    assert_eq!(admin.get(&url).status, 200);
    let file = |world: &World| {
        world.sql().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        fs::read(world.folder().join("portico.db")).unwrap()
    };
    let has = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|w| w == text.as_bytes());
    let before = file(world);
    for text in said {
        assert!(has(&before, text), "{text} should be there before");
    }
    admin.api_delete(&format!("/users/{id}?deprovision=true")).expect(200);
    let wrong =
        admin.api_post(&format!("/users/{id}/erase"), json!({ "confirm": "me" })).expect(422);
    assert_eq!(
        wrong.complaints(),
        ["confirm does not match quirinella.zandvoorthuis@aldermoor.example"]
    );
    // Twenty-nine days are not thirty.
    world.later(29 * 86_400);
    scene.job("users.purge");
    assert_eq!(scene.state(id), "deleted");
    world.later(86_400 + 60);
    scene.job("users.purge");
    assert_eq!(scene.state(id), "purged");
    let after = file(world);
    let left: Vec<&str> = said.into_iter().filter(|text| has(&after, text)).collect();
    assert_eq!(left, [""; 0]);
    let rows =
        format!("SELECT count(*) FROM audit_log WHERE subject_kind = 'user' AND subject_id = {id}");
    assert!(world.count(&rows) >= 5, "the rows stay");
    assert!(
        world
            .sql()
            .execute("UPDATE audit_log SET detail = '{}' WHERE action = 'customer.created'", [])
            .is_err()
            || world.count("SELECT count(*) FROM audit_log WHERE action = 'customer.created'") == 0
    );
    assert_eq!(scene.ledger(id).len(), 4, "and so does the ledger");
    // The name is free again.
    scene.user(
        &admin,
        json!({ "first_name": "Q", "upn": "quirinella.zandvoorthuis@aldermoor.example" }),
    );
    assert_eq!(admin.api_get(&format!("/users/{id}")).status, 200);
}

#[test]
fn a_last_day_ends_at_the_customers_midnight_with_notices_before() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let boss = scene.user(&admin, json!({ "first_name": "Maren" }));
    let ca = world.person(scene.home, "Customer administrator");
    let id = scene
        .user(&admin, json!({ "first_name": "Theo", "expires_on": "2026-03-26", "manager": boss }));
    scene.give(&admin, id);
    let mails = || {
        scene.rows(
            "SELECT substr(to_address, 1, 5) || ' ' || subject FROM messages WHERE event = 'user.expires' ORDER BY id",
        )
    };
    scene.job("users.expire");
    assert_eq!(mails(), [""; 0], "sixteen days are too early");
    let both = |n: usize| assert_eq!(mails().len(), 2 * n, "{:?}", mails());
    for (later, n) in [(2, 1), (1, 1), (6, 2), (1, 2), (5, 3), (0, 3)] {
        world.later(later * 86_400);
        scene.job("users.expire");
        both(n);
    }
    assert!(mails().iter().any(|mail| mail == "maren Theo ends on 26 Mar 2026"), "{:?}", mails());
    let to_admin = format!(
        "SELECT count(*) FROM messages WHERE event = 'user.expires' AND to_address = (SELECT mail FROM users WHERE id = {})",
        ca.id
    );
    assert_eq!(world.count(&to_admin), 3);
    // In until midnight in Amsterdam, which is 23:00 UTC, out within the hour after.
    let theo = world.sign_in(UserId(id));
    world.clock.set("2026-03-26T22:59:00Z".parse().unwrap());
    world.sql().execute("UPDATE sessions SET last_seen_at = '2026-03-26T22:58:00Z', created_at = '2026-03-26T22:58:00Z'", []).unwrap();
    scene.job("users.expire");
    assert_eq!((scene.state(id).as_str(), theo.get("/account").status), ("active", 200));
    world.clock.set("2026-03-26T23:00:30Z".parse().unwrap());
    assert_eq!(theo.get("/account").status, 303, "the door is shut at once");
    scene.job("users.expire");
    assert_eq!(scene.state(id), "disabled");
    assert_eq!(scene.ledger(id)[2..], ["user_service changed", "user changed disabled"]);
    assert_eq!(world.count("SELECT count(*) FROM audit_log WHERE action = 'user.expired'"), 1);
    let url = format!("/users/{id}");
    let said = admin.api_post(&format!("{url}/enable"), json!({})).expect(422).complaints();
    assert_eq!(said, ["Theo expired on 26 Mar 2026: set a new date."]);
    admin.api_patch(&url, json!({ "expires_on": "2026-12-31" })).expect(200);
    admin.api_post(&format!("{url}/enable"), json!({})).expect(200);
    assert_eq!(scene.state(id), "active");
}

#[test]
fn the_last_administrator_outlives_the_last_day() {
    let scene = scene();
    let world = &scene.world;
    let admin = scene.admin();
    world
        .sql()
        .execute(
            "UPDATE users SET password_hash = 'x', expires_on = '2026-03-09' WHERE id = ?1",
            [admin.id],
        )
        .unwrap();
    scene.job("users.expire");
    scene.job("users.expire");
    assert_eq!(scene.state(admin.id.0), "active");
    let held = "SELECT count(*) FROM run_lines WHERE result = 'held' AND level = 'error'";
    assert_eq!(world.count(held), 1, "told once");
}

#[test]
fn those_of_another_branch_touch_nobody() {
    let scene = scene();
    let world = &scene.world;
    let other = world.reseller("Ferrow");
    let ra = world.person(other, "Reseller administrator");
    let theo = world.user(scene.home, "Theo", "theo");
    let before = world.count("SELECT count(*) FROM audit_log");
    for (verb, _, _) in VERBS {
        let url = format!("/users/{theo}/{verb}");
        if !["delete", "edit"].contains(&verb) {
            assert_eq!(ra.api_post(&url, json!({ "confirm": "x" })).status, 404, "{verb}");
        }
        if verb != "provision" {
            assert_eq!(ra.get(&url).status, 404, "{verb}");
        }
        assert_eq!(ra.post(&url, &[]).status, 404, "{verb}");
    }
    assert_eq!(ra.api_delete(&format!("/users/{theo}")).status, 404);
    assert_eq!(ra.api_post(&format!("/users/{theo}/merge"), json!({ "user": 1 })).status, 404);
    // Merging one's own with a stranger's says nothing about the stranger.
    let own = world.user(other, "Own", "own");
    let said = ra.api_post(&format!("/users/{own}/merge"), json!({ "user": theo })).expect(422);
    assert_eq!(said.complaints(), ["user is not a user of this customer"]);
    assert_eq!(world.count("SELECT count(*) FROM audit_log"), before);
}
