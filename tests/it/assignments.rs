//! Services given to customers and users, through pages and API, with the real engine.

use crate::world::{PROVIDER, Person, World};
use portico::ids::{CustomerId, UserId};
use serde_json::{Value, json};

/// A reseller that may sell "Managed workplace" (`workplace`, for users) and "Shared files" (`files`,
/// for customers), with a customer below it.
pub struct Scene {
    pub world: World,
    pub customer: CustomerId,
}

impl Scene {
    /// Services without rules: whatever is ordered is so at once.
    pub fn new() -> Scene {
        let world = World::new();
        let reseller = world.reseller("Brightwater Office");
        let customer = world.customer(reseller, "Aldermoor Dental");
        world
            .sql()
            .execute_batch(&format!(
                "INSERT INTO services (id, code, name, kind, state, tracking_only, created_at, changed_at)
                 VALUES (100, 'workplace', 'Managed workplace', 'user', 'active', 1, '', ''),
                        (101, 'files', 'Shared files', 'customer', 'active', 1, '', '');
                 INSERT INTO plans (id, service_id, level, code, name, sku) VALUES
                   (200, 100, 'user', 'standard', 'Standard', 'MW-STD'), (201, 100, 'user', 'plus', 'Plus', 'MW-PLS'),
                   (202, 101, 'customer', 'standard', 'Standard', 'SF-STD');
                 INSERT INTO offers (id, reseller_id, service_id, given_at)
                 VALUES (300, {reseller}, 100, ''), (301, {reseller}, 101, '');
                 INSERT INTO offer_plans (offer_id, service_id, plan_id) VALUES
                   (300, 100, 200), (300, 100, 201), (301, 101, 202);"
            ))
            .unwrap();
        Scene { world, customer }
    }

    pub fn admin(&self) -> Person<'_> {
        self.world.person(PROVIDER, "Provider administrator")
    }

    pub fn user(&self, local: &str) -> UserId {
        self.world.user(self.customer, local, local)
    }

    /// Gives the customer the workplace, and the user its standard plan; the assignment.
    pub fn workplace(&self, who: &Person, user: UserId) -> i64 {
        let services = format!("/customers/{}/services", self.customer);
        if self.world.count(
            "SELECT count(*) FROM customer_services WHERE service_id = 100 AND live <> 'gone'",
        ) == 0
        {
            who.api_post(&services, json!({ "service": "workplace" })).expect(202);
        }
        let given = json!({ "service": "workplace", "plan": "standard" });
        who.api_post(&format!("/users/{user}/services"), given).expect(202).id()
    }

    pub fn state(&self, who: &Person, user: UserId, held: i64) -> Value {
        who.api_get(&format!("/users/{user}/services/{held}")).expect(200).json()
    }

    /// The ledger of a user's service: what happened, in which plan, whether suspended.
    pub fn ledger(&self, held: i64) -> Vec<String> {
        let sql = self.world.sql();
        let mut rows = sql
            .prepare(
                "SELECT action || ' ' || plan || iif(json_extract(facts, '$.suspended'), ' suspended', '')
                   FROM ledger WHERE kind = 'user_service' AND subject_id = ?1 ORDER BY id",
            )
            .unwrap();
        rows.query_map([held], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// 18.00 from the provider, which pays 12.00; a quarter more from the reseller.
    pub fn priced(&self) {
        self.world
            .sql()
            .execute_batch(
                "INSERT INTO price_lists (id, customer_id, code, name, currency, main, markup_bp)
                 SELECT id, id, 'standard', 'Standard', 'EUR', 1, iif(id = 1, NULL, 2500)
                   FROM customers WHERE id = 1 OR reseller = 1;
                 INSERT INTO prices (list_id, seller_id, currency, kind, service, plan, unit_price, unit_cost, valid_from, created_at)
                 VALUES (1, 1, 'EUR', 'user_service', 'workplace', 'standard', 18000000, 12000000, '2026-01-01', '');",
            )
            .unwrap();
    }

    /// Does the runs that wait.
    pub fn run(&self, id: i64) {
        let runs = portico::jobs::start(&self.world.app).unwrap();
        let open = || {
            let state = self.world.text(&format!("SELECT state FROM runs WHERE id = {id}"));
            ["queued", "running"].contains(&state.as_str())
        };
        let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while open() && std::time::Instant::now() < end {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        runs.stop();
    }

    pub fn seats(&self) -> i64 {
        self.world.count(&format!(
            "SELECT coalesce(sum(used), 0) FROM usage
              WHERE holder_id = {} AND service_id = 100 AND plan_id = 0 AND meter = 'seats'",
            self.customer
        ))
    }
}

#[test]
fn a_service_without_rules_is_live_and_billed_at_once_and_gone_with_its_seat() {
    let scene = Scene::new();
    let (admin, theo) = (scene.admin(), scene.user("theo"));
    let held = scene.workplace(&admin, theo);
    assert_eq!(scene.state(&admin, theo, held)["state"], "active");
    assert_eq!((scene.ledger(held), scene.seats()), (vec!["added standard".to_owned()], 1));

    let place = format!("/users/{theo}/services/{held}");
    admin.api_patch(&place, json!({ "plan": "plus" })).expect(202);
    admin.api_post(&format!("{place}/suspend"), Value::Null).expect(202);
    assert_eq!(scene.state(&admin, theo, held)["state"], "suspended");
    admin.api_post(&format!("{place}/resume"), Value::Null).expect(202);
    admin.api_delete(&place).expect(202);
    admin.api_get(&place).expect(404);
    let expected = [
        "added standard",
        "changed plus",
        "changed plus suspended",
        "changed plus",
        "removed plus",
    ];
    assert_eq!((scene.ledger(held), scene.seats()), (expected.map(str::to_owned).to_vec(), 0));
}

#[test]
fn what_cannot_be_given_is_refused_with_every_reason() {
    let scene = Scene::new();
    let (admin, theo) = (scene.admin(), scene.user("theo"));
    let services = format!("/users/{theo}/services");
    let give = |body: Value| admin.api_post(&services, body).expect(422).complaints();
    assert_eq!(
        give(json!({ "service": "workplace", "plan": "standard" })),
        ["service Aldermoor Dental does not have Managed workplace."]
    );
    scene.workplace(&admin, theo);
    assert_eq!(
        give(json!({ "service": "workplace", "plan": "plus" })),
        ["service theo has Managed workplace already."]
    );
    assert_eq!(
        give(json!({ "service": "desk", "plan": "x" })),
        ["service is not a service we sell"]
    );
    assert_eq!(
        give(json!({ "service": "files", "plan": "standard" })),
        ["service Shared files is for customers"]
    );
    assert_eq!(
        give(json!({ "service": "workplace", "plan": "gold" })),
        ["plan is not a plan of Managed workplace"]
    );
    assert_eq!(
        give(json!({ "service": "workplace", "plan": "plus", "colour": "red" }))[0],
        "colour is not a field here"
    );
}

#[test]
fn two_of_a_multi_service_are_told_apart_by_label_without_case() {
    let scene = Scene::new();
    scene.world.sql().execute("UPDATE services SET multi = 1 WHERE code = 'files'", []).unwrap();
    let admin = scene.admin();
    let services = format!("/customers/{}/services", scene.customer);
    let give =
        |label: &str| admin.api_post(&services, json!({ "service": "files", "label": label }));
    let web1 = give("web1").expect(202).id();
    assert_eq!(
        give("WEB1").expect(422).complaints(),
        ["label Aldermoor Dental has Shared files WEB1 already."]
    );
    assert_eq!(
        give("").expect(422).complaints(),
        ["label is required, because there may be several"]
    );
    give("web2").expect(202);
    admin.api_delete(&format!("{services}/{web1}")).expect(202);
    give("WEB1").expect(202);
}

#[test]
fn nobody_reaches_the_services_of_another_branch() {
    let scene = Scene::new();
    let admin = scene.admin();
    let theo = scene.user("theo");
    let held = scene.workplace(&admin, theo);
    let other = scene.world.reseller("Northwind");
    let far = scene.world.customer(other, "Fenwick Legal");
    let foreign = scene.world.person(other, "Reseller administrator");
    let (customer, user) = (scene.customer, scene.world.user(far, "Una", "una"));
    for url in [
        format!("/customers/{customer}/services"),
        format!("/users/{theo}/services"),
        format!("/users/{theo}/services/{held}"),
        format!("/users/{user}/services/{held}"),
    ] {
        foreign.api_get(&url).expect(404);
    }
    let given = json!({ "service": "workplace", "plan": "standard" });
    foreign.api_post(&format!("/users/{theo}/services"), given.clone()).expect(404);
    foreign.api_delete(&format!("/users/{theo}/services/{held}")).expect(404);
    foreign.api_delete(&format!("/users/{user}/services/{held}")).expect(404);
    let many = json!({ "service": "workplace", "plan": "standard", "ids": [theo] });
    foreign.api_post(&format!("/customers/{far}/users/services"), many.clone()).expect(404);
    foreign.api_post(&format!("/customers/{customer}/users/services"), many).expect(404);
    // A plan belongs to whoever made it.
    let plan = admin
        .api_post(&format!("/users/{theo}/services/{held}/suspend?preview=true"), Value::Null)
        .expect(200)
        .id();
    foreign.api_get(&format!("/previews/{plan}")).expect(404);
    foreign.api_post(&format!("/previews/{plan}/apply"), Value::Null).expect(404);
    scene.admin().api_get(&format!("/previews/{plan}")).expect(404);
    // And a statement past every rule is refused by the keys.
    let sql = scene.world.sql();
    let crossed = sql.execute(
        "INSERT INTO user_services (customer_id, user_id, customer_service_id, service_id, plan_id, created_at)
         SELECT ?1, ?2, customer_service_id, service_id, plan_id, created_at FROM user_services WHERE id = ?3",
        (far, user, held),
    );
    assert!(crossed.is_err());
}

#[test]
fn a_plan_writes_its_own_row_only_and_runs_once() {
    let scene = Scene::new();
    let (admin, theo) = (scene.admin(), scene.user("theo"));
    admin
        .api_post(
            &format!("/customers/{}/services", scene.customer),
            json!({ "service": "workplace" }),
        )
        .expect(202);
    let before = scene.world.everything_but_previews();
    let given = json!({ "service": "workplace", "plan": "standard" });
    let plan =
        admin.api_post(&format!("/users/{theo}/services?preview=true"), given).expect(200).json();
    assert_eq!(scene.world.everything_but_previews(), before);
    assert_eq!(plan["title"], "Give Managed workplace to theo");
    assert_eq!((&plan["state"], &plan["seats"][0]["after"]), (&json!("ready"), &json!(1)));

    let apply = format!("/previews/{}/apply", plan["id"]);
    let with = |digest: &str| admin.api_with("POST", &apply, Value::Null, &[("If-Match", digest)]);
    with("\"0123\"").expect(412);
    let digest = format!("\"{}\"", plan["digest"].as_str().unwrap());
    let first = with(&digest).expect(202).json();
    assert_eq!(with(&digest).expect(202).json(), first);
    assert_eq!(scene.world.count("SELECT count(*) FROM user_services"), 1);
    assert_eq!(admin.api_get(&format!("/previews/{}", plan["id"])).json()["state"], "applied");
}

#[test]
fn a_plan_whose_grounds_moved_is_stale_and_a_new_one_is_at_hand() {
    let scene = Scene::new();
    let admin = scene.admin();
    let first = scene.user("first");
    scene.workplace(&admin, first);
    let world = &scene.world;
    for (place, (change, what)) in [
        ("UPDATE services SET version = version + 1 WHERE id = 100", "The service"),
        ("UPDATE plans SET version = version + 1 WHERE id = 200", "The plan of the service"),
        ("UPDATE users SET version = version + 1", "The user"),
        ("UPDATE customers SET version = version + 1", "The customer"),
        (
            "INSERT INTO prices (list_id, seller_id, currency, kind, service, unit_price, valid_from, created_at)
             SELECT id, 1, 'EUR', 'user_service', 'workplace', 180000, '2026-01-01', '' FROM price_lists LIMIT 1",
            "A price",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        world
            .sql()
            .execute_batch("INSERT OR IGNORE INTO price_lists (id, customer_id, code, name, currency, main) VALUES (1, 1, 'a', 'A', 'EUR', 1)")
            .unwrap();
        let user = scene.user(&format!("user{place}"));
        let given = json!({ "service": "workplace", "plan": "standard" });
        let plan = admin.api_post(&format!("/users/{user}/services?preview=true"), given).expect(200).id();
        world.sql().execute_batch(change).unwrap();
        let answer = admin.api_post(&format!("/previews/{plan}/apply"), Value::Null).expect(412);
        assert!(answer.says(what) && answer.says("/previews/"), "{change}: {}", answer.body);
        assert_eq!(admin.api_get(&format!("/previews/{plan}")).json()["state"], "stale");
        admin.api_post(&format!("/previews/{}/apply", plan + 1), Value::Null).expect(202);
    }
    // What has nothing to do with it changes nothing.
    let user = scene.user("last");
    let given = json!({ "service": "workplace", "plan": "standard" });
    let plan =
        admin.api_post(&format!("/users/{user}/services?preview=true"), given).expect(200).id();
    world.sql().execute_batch("UPDATE services SET version = version + 1 WHERE id = 101").unwrap();
    admin.api_post(&format!("/previews/{plan}/apply"), Value::Null).expect(202);
}

#[test]
fn a_plan_older_than_a_day_is_not_run() {
    let scene = Scene::new();
    let (admin, theo) = (scene.admin(), scene.user("theo"));
    let held = scene.workplace(&admin, theo);
    let place = format!("/users/{theo}/services/{held}/suspend?preview=true");
    let plan = admin.api_post(&place, Value::Null).expect(200).id();
    scene.world.later(24 * 3600 + 1);
    let refused = admin.api_post(&format!("/previews/{plan}/apply"), Value::Null).expect(422);
    assert_eq!(refused.complaints(), ["The plan is older than a day. Make a new one."]);
    assert_eq!(admin.api_get(&format!("/previews/{plan}")).json()["state"], "expired");
}

#[test]
fn one_key_is_one_order() {
    let scene = Scene::new();
    let (admin, theo) = (scene.admin(), scene.user("theo"));
    scene.workplace(&admin, scene.user("other"));
    let give = || {
        let body = json!({ "service": "workplace", "plan": "standard" });
        let url = format!("/users/{theo}/services");
        admin.api_with("POST", &url, body, &[("Idempotency-Key", "once")]).expect(202).json()
    };
    assert_eq!(give(), give());
    assert_eq!(scene.world.count("SELECT count(*) FROM user_services"), 2);
}

/// Does something with a token that names no permission, but has all that are not asked for again.
pub fn with_star<T>(world: &World, who: &Person, act: impl FnOnce() -> T) -> T {
    let sql = world.sql();
    let set = "UPDATE tokens SET permissions = ?1 WHERE user_id = ?2";
    let own = "SELECT permissions FROM tokens WHERE user_id = ?1";
    let before: String = sql.query_row(own, [who.id], |row| row.get(0)).unwrap();
    sql.execute(set, ("*", who.id)).unwrap();
    let out = act();
    sql.execute(set, (before, who.id)).unwrap();
    out
}

#[test]
fn removing_a_customers_service_takes_it_from_its_users() {
    let scene = Scene::new();
    let admin = scene.admin();
    for name in ["ann", "ben", "cas"] {
        scene.workplace(&admin, scene.user(name));
    }
    let services = format!("/customers/{}/services", scene.customer);
    let list = admin.api_get(&services).expect(200).json();
    assert_eq!(list["items"][0]["users"], 3);
    let place = format!("{services}/{}", list["items"][0]["id"]);
    let plan = admin.api("DELETE", &format!("{place}?preview=true"), Value::Null).expect(200);
    assert!(plan.says("3 users of Aldermoor Dental lose it too."), "{}", plan.body);
    let apply = format!("/previews/{}/apply", plan.id());
    // Three of three are many: the token must name what it may do.
    let confirmed = || admin.api_post(&apply, json!({ "confirm": "3" }));
    with_star(&scene.world, &admin, confirmed).expect(403);
    assert_eq!(
        admin.api_post(&apply, Value::Null).expect(422).complaints(),
        ["confirm does not match 3"]
    );
    admin.api_post(&apply, json!({ "confirm": "3" })).expect(202);
    assert_eq!(scene.world.count("SELECT count(*) FROM user_services WHERE live <> 'gone'"), 0);
    assert_eq!(
        scene.world.count(
            "SELECT count(*) FROM ledger_spans WHERE ends_at = '9999' AND kind LIKE '%service'"
        ),
        0
    );
    assert_eq!(scene.seats(), 0);
}

#[test]
fn the_reseller_service_makes_a_reseller_and_is_kept_while_it_has_customers() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let customer = world.customer(PROVIDER, "Brightwater Office");
    let services = format!("/customers/{customer}/services");
    let held = admin.api_post(&services, json!({ "service": "reseller" })).expect(202).id();
    let reseller = || world.count(&format!("SELECT reseller FROM customers WHERE id = {customer}"));
    assert_eq!(reseller(), 1);
    let below = world.customer(customer, "Aldermoor Dental");
    let place = format!("{services}/{held}");
    assert_eq!(
        admin.api_delete(&place).expect(422).complaints(),
        ["Brightwater Office still has 1 customer. Move or delete them first."]
    );
    world.sql().execute("UPDATE customers SET state = 'deleted' WHERE id = ?1", [below]).unwrap();
    let own = world.person(customer, "Reseller administrator");
    assert_eq!(
        own.api_delete(&place).expect(422).complaints(),
        ["You may not take it: this needs the permission resellers.make."]
    );
    admin.api_delete(&place).expect(202);
    assert_eq!(reseller(), 0);
}

#[test]
fn a_service_is_given_through_its_plan_page() {
    let scene = Scene::new();
    let (admin, theo) = (scene.admin(), scene.user("theo"));
    let services = format!("/customers/{}/services", scene.customer);
    let page = admin.get(&services).expect(200);
    assert!(page.says("Managed workplace") && page.says("Shared files"), "{}", page.body);
    assert!(admin.get(&format!("{services}/new?service=workplace")).expect(200).says("Plus"));
    let fields = [("service", "workplace"), ("user_plans", "standard")];
    let plan = admin.post(&services, &fields).location().to_owned();
    assert!(admin.get(&plan).expect(200).says("Give Managed workplace to Aldermoor Dental"));
    let digest = |plan: &str| {
        let body = admin.get(plan).expect(200).body;
        let (_, rest) = body.split_once("name=\"digest\" value=\"").unwrap();
        rest.chars().take(32).collect::<String>()
    };
    let seen = digest(&plan);
    let done = admin.post(&format!("{plan}/apply"), &[("digest", &seen)]).location().to_owned();
    assert!(done.starts_with("/requests/"), "{done}");

    let place = format!("/users/{theo}/services");
    let form = admin.get(&format!("{place}/new")).expect(200);
    assert!(form.says("Managed workplace, Standard") && !form.says("Plus"), "{}", form.body);
    assert!(admin.post(&place, &[("what", "workplace/gold")]).expect(422).says("not a plan of"));
    let plan = admin.post(&place, &[("what", "workplace/standard")]).location().to_owned();
    let seen = digest(&plan);
    admin.post(&format!("{plan}/apply"), &[("digest", &seen)]).location();
    let page = admin.get(&place).expect(200);
    assert!(page.says("Active") && page.says("Suspend…"), "{}", page.body);
    let held = scene.world.count("SELECT id FROM user_services");
    assert!(admin.get(&format!("{place}/{held}/edit")).expect(200).says("Standard"));
    for verb in ["suspend", "provision", "remove"] {
        let plan = admin.post(&format!("{place}/{held}/{verb}"), &[]).location().to_owned();
        assert!(admin.get(&plan).expect(200).says("Not applied yet"));
        admin.post(&format!("{plan}/discard"), &[]).location();
        assert!(admin.get(&plan).expect(200).says("Discarded"));
    }
    // Resuming what is not suspended is a plan that says so and has no button.
    let plan = admin.post(&format!("{place}/{held}/resume"), &[]).location().to_owned();
    let page = admin.get(&plan).expect(200);
    assert!(
        page.says("Managed workplace is not suspended.") && !page.says("/apply"),
        "{}",
        page.body
    );
    assert_eq!(scene.state(&admin, theo, held)["state"], "active");
}

#[test]
fn many_users_get_it_in_one_plan_and_who_cannot_hears_why() {
    let scene = Scene::new();
    let admin = scene.admin();
    scene.priced();
    let first = scene.user("first");
    scene.workplace(&admin, first);
    let users: Vec<UserId> = (0..120).map(|n| scene.user(&format!("user{n:03}"))).collect();
    let gone = scene.user("gone");
    scene
        .world
        .sql()
        .execute("UPDATE users SET state = 'deprovisioned' WHERE id = ?1", [gone])
        .unwrap();
    let ids: Vec<UserId> = users.iter().copied().chain([first, gone]).collect();
    let url = format!("/customers/{}/users/services", scene.customer);
    let order = json!({ "service": "workplace", "plan": "standard", "ids": ids });
    let plan = admin.api_post(&format!("{url}?preview=true"), order).expect(200).json();
    assert_eq!(plan["title"], "Give Managed workplace to 120 users");
    assert_eq!(
        (&plan["users"]["gets"], &plan["users"]["has"], &plan["users"]["refused"]),
        (&json!(120), &json!(1), &json!(1))
    );
    assert_eq!(plan["users"]["not"][1]["reason"], "is deprovisioned");
    let monthly = &plan["monthly"];
    assert_eq!(
        (&monthly["before_minor"], &monthly["after_minor"], &monthly["delta_minor"]),
        (&json!(1_800), &json!(121 * 1_800), &json!(120 * 1_800))
    );
    let page = admin.get(&format!("/previews/{}", plan["id"])).expect(200);
    assert!(
        page.says("Give Managed workplace to 120 users") && page.says("2,178.00"),
        "{}",
        page.body
    );

    let apply = format!("/previews/{}/apply", plan["id"]);
    let run = admin.api_post(&apply, Value::Null).expect(202).json()["run_id"].as_i64().unwrap();
    // Seats for all are taken when it is accepted.
    assert_eq!(scene.seats(), 121);
    assert_eq!(admin.api_post(&apply, Value::Null).expect(202).json()["run_id"], run);
    // One of them goes before the run comes to it.
    scene
        .world
        .sql()
        .execute("UPDATE users SET state = 'deprovisioned' WHERE id = ?1", [users[7]])
        .unwrap();
    scene.run(run);
    assert_eq!(scene.world.text(&format!("SELECT state FROM runs WHERE id = {run}")), "done");
    let lines = |result: &str| {
        scene.world.count(&format!(
            "SELECT count(*) FROM run_lines WHERE run_id = {run} AND result = '{result}'"
        ))
    };
    assert_eq!((lines("given"), lines("unchanged"), lines("refused")), (119, 1, 2));
    assert_eq!(scene.seats(), 120);
    assert_eq!(
        scene.world.count(&format!(
            "SELECT count(*) FROM requests WHERE run_id = {run} AND class = 'bulk'"
        )),
        119
    );
    assert_eq!(scene.world.count("SELECT count(*) FROM user_services WHERE live = 'on'"), 120);
}

#[test]
fn short_of_seats_nobody_gets_it_or_as_many_as_there_are() {
    let scene = Scene::new();
    let admin = scene.admin();
    scene.workplace(&admin, scene.user("first"));
    for n in 0..5 {
        scene.user(&format!("user{n}"));
    }
    scene
        .world
        .sql()
        .execute(
            "UPDATE usage SET max = 3 WHERE holder_id = ?1 AND meter = 'seats' AND plan_id = 0",
            [scene.customer],
        )
        .unwrap();
    let url = format!("/customers/{}/users/services", scene.customer);
    let mut order = json!({ "service": "workplace", "plan": "standard", "all": true });
    let refused = admin.api_post(&url, order.clone()).expect(422).complaints();
    assert_eq!(refused, ["on_limit 5 seats are needed, 2 are left."]);
    assert_eq!(scene.seats(), 1);
    order["on_limit"] = json!("fill");
    let run = admin.api_post(&url, order).expect(202).json()["run_id"].as_i64().unwrap();
    // Called off before it began: every seat comes back.
    admin.api_post(&format!("/runs/{run}/cancel"), Value::Null);
    scene.run(run);
    assert_eq!(scene.seats(), 1);
    assert_eq!(scene.world.count("SELECT count(*) FROM user_services"), 1);
}

#[test]
fn a_plan_shows_each_viewer_its_own_price_and_no_cost() {
    let scene = Scene::new();
    let (admin, theo) = (scene.admin(), scene.user("theo"));
    scene.priced();
    let services = format!("/customers/{}/services", scene.customer);
    admin.api_post(&services, json!({ "service": "workplace" })).expect(202);
    let ask = |who: &Person| {
        let given = json!({ "service": "workplace", "plan": "standard" });
        who.api_post(&format!("/users/{theo}/services?preview=true"), given).expect(200)
    };
    let reseller = CustomerId(scene.world.count("SELECT id FROM customers WHERE reseller = 1"));
    let seller = scene.world.person(reseller, "Reseller administrator");
    let answer = ask(&seller);
    assert_eq!(answer.json()["monthly"]["delta_minor"], 2_250);
    assert!(!answer.says("cost"), "{}", answer.body);
    let own = ask(&admin);
    assert_eq!(own.json()["monthly"]["delta_minor"], 1_800);
    assert_eq!(own.json()["monthly"]["cost_delta_minor"], 1_200);
    let buyer = scene.world.person(scene.customer, "Customer administrator");
    assert_eq!(ask(&buyer).json()["monthly"]["delta_minor"], 2_250);
}

/// A service for users whose steps are two real scripts; the second refuses while a file is there.
pub struct Scripted {
    pub scene: Scene,
    pub engine: portico::engine::Handle,
}

impl Scripted {
    pub fn new() -> Scripted {
        let scene = Scene::new();
        let world = &scene.world;
        let (scripts, folder) = (world.app.config.scripts.clone(), world.folder().to_owned());
        std::fs::create_dir_all(&scripts).unwrap();
        let place = folder.display();
        let count = format!("text=$(cat); printf '%s\\n' \"$text\" >> {place}/told; echo '{{}}'\n");
        let refuse = format!(
            "cat > /dev/null; if [ -e {place}/broken ]; then echo '{{\"message\":\"The disk is full\"}}'; exit 30; fi; echo '{{}}'\n"
        );
        let sql = world.sql();
        for (id, name, text) in [(1, "tell", count), (2, "make", refuse)] {
            std::fs::write(scripts.join(format!("{name}.sh")), text).unwrap();
            let verbs = "[\"create\", \"change\", \"suspend\", \"resume\", \"remove\"]";
            let manifest =
                format!("interpreter = [\"sh\"]\nfile = \"{name}.sh\"\nverbs = {verbs}\n");
            std::fs::write(scripts.join(format!("{name}.toml")), manifest).unwrap();
            let digest = portico::drivers::script::digest(&scripts, name).unwrap();
            sql.execute(
                "INSERT INTO scripts (name, sha256, enabled_at) VALUES (?1, unhex(?2), '')",
                (name, digest),
            )
            .unwrap();
            sql.execute(
                "INSERT INTO connectors (id, customer_id, kind, name, script, time_limit, created_at)
                 VALUES (?1, 1, 'script', ?2, ?2, 10, '')",
                (id, name),
            )
            .unwrap();
            for event in ["provision", "update", "suspend", "resume", "deprovision"] {
                sql.execute(
                    "INSERT INTO rules (service_id, event, position, key, action, connector_id)
                     VALUES (100, ?1, ?2, ?3, 'script.run', ?2)",
                    (format!("user_service.{event}"), id, name),
                )
                .unwrap();
            }
        }
        let engine = portico::engine::start(world.app.clone(), portico::events::EVENTS).unwrap();
        Scripted { scene, engine }
    }

    pub fn break_it(&self, on: bool) {
        let file = self.scene.world.folder().join("broken");
        if on { std::fs::write(file, "").unwrap() } else { std::fs::remove_file(file).unwrap() }
    }

    /// The verbs the first script was told, in order.
    pub fn told(&self) -> Vec<String> {
        let text =
            std::fs::read_to_string(self.scene.world.folder().join("told")).unwrap_or_default();
        let verb = |line: &str| -> String {
            let told: Value = serde_json::from_str(line).unwrap();
            format!(
                "{} {}",
                told["verb"].as_str().unwrap(),
                told["service"]["plan"]["code"].as_str().unwrap()
            )
        };
        text.lines().filter(|line| !line.trim().is_empty()).map(verb).collect()
    }

    /// Waits until nothing is open any more; the state and the problem of the assignment.
    pub fn settled(&self, who: &Person, user: UserId, held: i64) -> (String, String) {
        let open = "SELECT count(*) FROM requests WHERE status IN ('queued', 'running')";
        let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while self.scene.world.count(open) > 0 {
            assert!(std::time::Instant::now() < end, "requests stay open");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let answer = who.api_get(&format!("/users/{user}/services/{held}"));
        if answer.status == 404 {
            return ("removed".to_owned(), String::new());
        }
        let state = answer.json();
        let problem = state["problem"]["message"].as_str().unwrap_or_default().to_owned();
        (state["state"].as_str().unwrap().to_owned(), problem)
    }
}

#[test]
fn what_fails_at_the_second_step_is_mended_retried_and_billed_once() {
    let stage = Scripted::new();
    let (scene, admin) = (&stage.scene, stage.scene.admin());
    let theo = scene.user("theo");
    stage.break_it(true);
    let held = scene.workplace(&admin, theo);
    let (state, problem) = stage.settled(&admin, theo, held);
    assert_eq!(state, "failed");
    assert!(problem.contains("The disk is full"), "{problem}");
    assert_eq!((scene.ledger(held).len(), scene.seats()), (0, 1));
    stage.break_it(false);
    let request = scene.world.count("SELECT last_request_id FROM user_services");
    admin.api_post(&format!("/requests/{request}/retry"), Value::Null);
    assert_eq!(stage.settled(&admin, theo, held).0, "active");
    assert_eq!(stage.told(), ["create standard"]);
    assert_eq!(scene.ledger(held), ["added standard"]);

    // A change that fails leaves the old plan live and billed; a retry brings the new one.
    stage.break_it(true);
    let place = format!("/users/{theo}/services/{held}");
    let change = admin.api_patch(&place, json!({ "plan": "plus" })).expect(202).json();
    let (state, problem) = stage.settled(&admin, theo, held);
    assert_eq!(state, "active");
    assert!(problem.contains("The disk is full"), "{problem}");
    assert_eq!(scene.ledger(held), ["added standard"]);
    stage.break_it(false);
    admin.api_post(&format!("/requests/{}/retry", change["request_id"]), Value::Null);
    assert_eq!(stage.settled(&admin, theo, held), ("active".to_owned(), String::new()));
    assert_eq!(scene.ledger(held), ["added standard", "changed plus"]);
    assert_eq!(
        scene.world.count(
            "SELECT count(*) FROM ledger_spans WHERE kind = 'user_service' AND ends_at = '9999'"
        ),
        1
    );

    // Money stops when the removal is ordered, the seat comes back when it is done.
    stage.break_it(true);
    admin.api_delete(&place).expect(202);
    assert_eq!(stage.settled(&admin, theo, held).0, "removing");
    assert_eq!((scene.ledger(held).last().unwrap().as_str(), scene.seats()), ("removed plus", 1));
    stage.break_it(false);
    admin.api_delete(&place).expect(202);
    assert_eq!(stage.settled(&admin, theo, held).0, "removed");
    assert_eq!((scene.ledger(held).len(), scene.seats()), (3, 0));
    stage.engine.stop();
}

#[test]
fn who_is_disabled_loses_services_and_has_them_back_without_another_click() {
    let stage = Scripted::new();
    let (scene, admin) = (&stage.scene, stage.scene.admin());
    let (theo, ann) = (scene.user("theo"), scene.user("ann"));
    let (held, other) = (scene.workplace(&admin, theo), scene.workplace(&admin, ann));
    stage.settled(&admin, theo, held);
    admin.api_post(&format!("/users/{ann}/services/{other}/suspend"), Value::Null).expect(202);
    stage.settled(&admin, ann, other);
    for user in [theo, ann] {
        admin.api_post(&format!("/users/{user}/disable"), Value::Null).expect(200);
    }
    assert_eq!(stage.settled(&admin, theo, held).0, "suspended");
    assert_eq!(scene.state(&admin, ann, other)["reasons"], json!(["operator", "user_disabled"]));

    // Disabling the customer asks nothing new of what is suspended already.
    let customer = format!("/customers/{}", scene.customer);
    let open = || scene.world.count("SELECT count(*) FROM requests WHERE user_id IS NOT NULL");
    let requests = open();
    admin.api_post(&format!("{customer}/disable"), json!({})).expect(200);
    admin.api_post(&format!("{customer}/enable"), Value::Null).expect(200);
    assert_eq!(open(), requests);

    for user in [theo, ann] {
        admin.api_post(&format!("/users/{user}/enable"), Value::Null).expect(200);
    }
    assert_eq!(stage.settled(&admin, theo, held).0, "active");
    assert_eq!(stage.settled(&admin, ann, other).0, "suspended");
    assert_eq!(stage.told().iter().filter(|told| told.starts_with("resume")).count(), 1);
    assert_eq!(
        scene.ledger(held),
        ["added standard", "changed standard suspended", "changed standard"]
    );
    stage.engine.stop();
}

#[test]
fn a_disabled_branch_has_its_services_suspended_and_back_with_it() {
    let scene = Scene::new();
    let (admin, theo, ann) = (scene.admin(), scene.user("theo"), scene.user("ann"));
    let (held, other) = (scene.workplace(&admin, theo), scene.workplace(&admin, ann));
    admin.api_post(&format!("/users/{ann}/services/{other}/suspend"), Value::Null).expect(202);
    let reseller = scene.world.text("SELECT id || '' FROM customers WHERE reseller = 1 AND id > 1");

    // The reseller alone leaves its customers' services as they are.
    admin.api_post(&format!("/customers/{reseller}/disable"), json!({})).expect(200);
    assert_eq!(scene.state(&admin, theo, held)["state"], "active");
    admin.api_post(&format!("/customers/{reseller}/enable"), Value::Null).expect(200);

    let below = json!({ "everything_below": true });
    admin.api_post(&format!("/customers/{reseller}/disable"), below).expect(200);
    assert_eq!(scene.state(&admin, theo, held)["state"], "suspended");
    assert_eq!(scene.state(&admin, theo, held)["reasons"], json!(["customer_disabled"]));
    let own = "SELECT count(*) FROM customer_services WHERE live = 'suspended'";
    assert_eq!(scene.world.count(own), 1);
    admin.api_post(&format!("/customers/{reseller}/enable"), Value::Null).expect(200);
    assert_eq!(scene.state(&admin, theo, held)["state"], "active");
    assert_eq!(scene.state(&admin, ann, other)["state"], "suspended");
    assert_eq!(scene.world.count(own), 0);
}

#[test]
fn settings_are_kept_at_the_assignment_and_secrets_nowhere_in_the_open() {
    let scene = Scene::new();
    let (admin, theo) = (scene.admin(), scene.user("theo"));
    scene
        .world
        .sql()
        .execute_batch(
            "INSERT INTO properties (service_id, name, label, level, type, secret, validation) VALUES
               (100, 'quota', 'Quota', 'user', 'integer', 0, '{\"most\":50}'),
               (100, 'pin', 'PIN', 'user', 'text', 1, '{}');",
        )
        .unwrap();
    scene.workplace(&admin, scene.user("other"));
    let url = format!("/users/{theo}/services");
    let order = |quota: &str, name: &str| {
        json!({ "service": "workplace", "plan": "standard",
                "properties": { "quota": quota, "pin": "open sesame", name: "1" } })
    };
    assert_eq!(
        admin.api_post(&url, order("51", "colour")).expect(422).complaints(),
        [
            "properties.colour is not a property of Managed workplace",
            "properties.quota must be 50 or less"
        ]
    );
    let mut good = order("9", "quota");
    good["properties"]["quota"] = json!("9");
    let plan = admin.api_post(&format!("{url}?preview=true"), good).expect(200);
    assert!(!plan.says("open sesame"), "{}", plan.body);
    admin.api_post(&format!("/previews/{}/apply", plan.id()), Value::Null).expect(202);
    let stored = || {
        scene.world.text("SELECT group_concat(value, ' ') FROM property_values JOIN properties ON properties.id = property_id WHERE name = 'quota'")
    };
    assert_eq!(stored(), "9");
    let store = std::fs::read(scene.world.folder().join("portico.db")).unwrap();
    let journal = std::fs::read(scene.world.folder().join("portico.db-wal")).unwrap_or_default();
    for bytes in [store, journal] {
        assert!(!bytes.windows(11).any(|each| each == b"open sesame"));
    }
    let held = scene.world.count("SELECT max(id) FROM user_services");
    let page = admin.get(&format!("{url}/{held}/edit")).expect(200);
    assert!(page.says("Quota") && page.says("value=\"9\""), "{}", page.body);
    admin.api_patch(&format!("{url}/{held}"), json!({ "properties": { "quota": "" } })).expect(202);
    assert_eq!(stored(), "");
    let nothing =
        admin.api_patch(&format!("{url}/{held}"), json!({ "properties": { "quota": "" } }));
    assert_eq!(nothing.expect(422).complaints(), ["Nothing would change."]);
}

#[test]
fn p_16_of_a_closed_offer_what_is_held_changes_and_ends_and_nothing_is_added() {
    let scene = Scene::new();
    let (admin, theo, ann) = (scene.admin(), scene.user("theo"), scene.user("ann"));
    let held = scene.workplace(&admin, theo);
    let offer = "/customers/2/offers/workplace";
    admin.api_post(&format!("{offer}/close"), Value::Null).expect(200);
    let given = json!({ "service": "workplace", "plan": "standard" });
    let refused = admin.api_post(&format!("/users/{ann}/services"), given).expect(422).complaints();
    assert_eq!(
        refused,
        ["service The offer of Managed workplace to Brightwater Office is closed."]
    );
    let url = format!("/users/{theo}/services/{held}");
    admin.api_post(&format!("{url}/suspend"), Value::Null).expect(202);
    admin.api_post(&format!("{url}/resume"), Value::Null).expect(202);
    admin.api_patch(&url, json!({ "plan": "plus" })).expect(202);
    assert_eq!(scene.state(&admin, theo, held)["plan"], "plus");
    admin.api_delete(&url).expect(202);
    assert_eq!(admin.api_get(&url).status, 404);
}
