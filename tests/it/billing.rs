//! Bills, from the ledger to the summary, the items and the story.

use crate::world::{PROVIDER, Person, World};
use portico::billing::{self, periods};
use portico::db::{By, Via};
use portico::ids::{CustomerId, UserId};
use portico::ledger::{self, Action, Kind, Row};
use serde_json::Value;

/// A reseller with a customer of 24 users who work at a managed workplace, and shared files, all
/// given on the tenth of March by somebody of the reseller.
pub struct Scene {
    pub world: World,
    pub reseller: CustomerId,
    pub customer: CustomerId,
    pub users: Vec<UserId>,
    pub giver: UserId,
}

/// What the provider pays, in no answer to anybody else.
pub const PLANTED_COST: &str = "7.77";

impl Scene {
    pub fn new() -> Scene {
        let world = World::new();
        let reseller = world.reseller("Brightwater Office");
        let customer = world.customer(reseller, "Aldermoor Dental");
        world.sql().execute_batch(&catalogue()).unwrap();
        let list = |seller: CustomerId, code: &str| -> i64 {
            let add = "INSERT INTO price_lists (customer_id, code, name, currency, main) VALUES (?1, ?2, ?2, 'EUR', 1) RETURNING id";
            world.sql().query_row(add, (seller, code), |row| row.get(0)).unwrap()
        };
        let (wholesale, retail) = (list(PROVIDER, "WHOLESALE"), list(reseller, "RETAIL"));
        let scene = Scene { giver: UserId(0), users: Vec::new(), world, reseller, customer };
        scene.price(wholesale, PROVIDER, ("user_service", "workplace", "STD"), 1_211, Some(777));
        scene.price(wholesale, PROVIDER, ("customer_service", "files", "TB2"), 3_000, Some(777));
        scene.price(retail, reseller, ("user_service", "workplace", "STD"), 1_800, None);
        scene.price(retail, reseller, ("customer_service", "files", "TB2"), 4_900, None);
        let giver = scene.world.user(reseller, "Sunniva Akselrod", "sunniva");
        let users: Vec<UserId> = (1..=24)
            .map(|n| scene.world.user(customer, &format!("Dentist {n}"), &format!("dentist{n}")))
            .collect();
        let scene = Scene { giver, users, ..scene };
        for (n, user) in scene.users.iter().enumerate() {
            scene.give(i64::try_from(n).unwrap() + 1, *user);
        }
        scene.record(Row {
            service: Some("files"),
            plan: Some("TB2"),
            ..Row::new(Kind::CustomerService, 1, Action::Added, customer)
        });
        scene
    }

    pub fn price(
        &self,
        list: i64,
        seller: CustomerId,
        (kind, service, plan): (&str, &str, &str),
        cents: i64,
        cost: Option<i64>,
    ) {
        self.world
            .sql()
            .execute(
                "INSERT INTO prices (list_id, seller_id, currency, kind, service, plan, unit_price, unit_cost, valid_from, created_at)
                 VALUES (?1, ?2, 'EUR', ?3, ?4, ?5, ?6 * 10000, ?7 * 10000, '2026-01-01', '2026-01-01T00:00:00Z')",
                (list, seller, kind, service, plan, cents, cost),
            )
            .unwrap();
    }

    pub fn record(&self, row: Row) {
        let by = By { user: Some(self.giver), via: Via::Page, acting_for: None };
        self.world.app.db.write(by, |tx| ledger::record(tx, &row)).unwrap();
    }

    fn workplace(&self, id: i64, user: UserId, action: Action) -> Row<'static> {
        Row {
            user: Some(user),
            service: Some("workplace"),
            plan: Some("STD"),
            ..Row::new(Kind::UserService, id, action, self.customer)
        }
    }

    pub fn give(&self, id: i64, user: UserId) {
        self.record(self.workplace(id, user, Action::Added));
    }

    pub fn take(&self, id: i64) {
        self.record(self.workplace(
            id,
            self.users[usize::try_from(id).unwrap() - 1],
            Action::Removed,
        ));
    }

    /// The tenth of May: April has ended.
    pub fn in_may(self) -> Scene {
        self.world.clock.set("2026-05-10T08:00:00Z".parse().unwrap());
        self
    }

    pub fn provider(&self) -> Person<'_> {
        self.world.person(PROVIDER, "Provider administrator")
    }

    pub fn seller(&self) -> Person<'_> {
        self.world.person(self.reseller, "Reseller administrator")
    }

    pub fn buyer(&self) -> Person<'_> {
        self.world.person(self.customer, "Customer administrator")
    }

    pub fn recalculate(&self) {
        let done = self.provider().api_post("/billing/periods/2026-04-30/recalculate", Value::Null);
        assert_eq!(done.status, 200, "{}", done.body);
    }
}

fn catalogue() -> String {
    let service = |id: i64, code: &str, name: &str, kind: &str, plan: (&str, &str, &str)| {
        format!(
            "INSERT INTO services (id, code, name, kind, state, created_at, changed_at)
             VALUES ({id}, '{code}', '{name}', '{kind}', 'active', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z');
             INSERT INTO plans (service_id, level, code, name, sku) VALUES ({id}, '{kind}', '{}', '{}', '{}');",
            plan.0, plan.1, plan.2
        )
    };
    service(901, "workplace", "Managed workplace", "user", ("STD", "Standard", "MW-STD"))
        + &service(902, "files", "Shared files", "customer", ("TB2", "2 TB", "SF-2TB"))
}

/// "text quantity amount" of each line.
fn lines(person: &Person, query: &str) -> Vec<String> {
    let answer = person.api_get(&format!("/billing/periods/2026-04-30/summary{query}")).expect(200);
    let all = answer.json();
    let line = |line: &Value| {
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        format!("{} {} {}", text("text"), text("quantity"), line["amount_minor"])
    };
    all["items"].as_array().unwrap().iter().map(line).collect()
}

#[test]
fn the_months_bill_is_24_workplaces_and_the_files() {
    let scene = Scene::new().in_may();
    let retail = ["Shared files, 2 TB 1 4900", "Managed workplace, Standard 24 43200"];
    assert_eq!(lines(&scene.buyer(), ""), retail);
    let wholesale = ["Shared files, 2 TB 1 3000", "Managed workplace, Standard 24 29064"];
    let query = format!("?buyer_id={}", scene.reseller);
    assert_eq!(lines(&scene.seller(), &query), wholesale);
    assert_eq!(lines(&scene.provider(), &query), wholesale);
    assert_eq!(lines(&scene.seller(), &format!("?seller_id={}", scene.reseller)), retail);
}

#[test]
fn a_summary_is_the_same_whether_it_is_stored_or_not() {
    let scene = Scene::new().in_may();
    let admin = scene.provider();
    let look = || {
        let paths = ["summary", "items", "items?format=csv"];
        paths.map(|path| {
            admin.api_get(&format!("/billing/periods/2026-04-30/{path}")).expect(200).body
        })
    };
    let live = look();
    assert_eq!(scene.world.count("SELECT count(*) FROM summary_lines"), 0);
    scene.recalculate();
    assert_eq!(
        scene.world.count("SELECT count(*) FROM summary_lines WHERE period_end = '2026-04-30'"),
        4
    );
    assert_eq!(look(), live);
    let again = admin.api_post("/billing/periods/2026-04-30/recalculate", Value::Null).json();
    assert_eq!(again["customers"], 0);
    assert_eq!(look(), live);
    // A fee that nobody asked for yet.
    scene.take(3);
    let done = admin.api_post("/billing/periods/2026-04-30/recalculate", Value::Null).json();
    assert_eq!((&done["customers"], &done["changed"]), (&1.into(), &0.into()));
    assert_eq!(look()[0], live[0]);
}

#[test]
fn a_line_tells_who_and_when() {
    let scene = Scene::new().in_may();
    for person in [scene.seller(), scene.buyer(), scene.provider()] {
        let query = format!("?seller_id={}", scene.reseller);
        let url = format!("/billing/periods/2026-04-30/summary{query}");
        let all = person.api_get(&url).json();
        let line = all["items"].as_array().unwrap().iter().find(|l| l["service"] == "workplace");
        let id = line.unwrap()["id"].as_str().unwrap();
        let story =
            person.api_get(&format!("/billing/periods/2026-04-30/summary/{id}/story")).expect(200);
        let story = story.json();
        assert_eq!(story["days"].as_array().unwrap().len(), 30);
        assert_eq!(story["days"][0]["quantity"], "24");
        assert_eq!(story["events"].as_array().unwrap().len(), 24);
        assert_eq!(story["events"][0]["user"], "Dentist 1");
        assert_eq!(story["events"][0]["day"], "2026-03-10");
        // The customer does not reach the reseller's people: it reads the organisation.
        let who =
            if person.id == scene.giver { "" } else { story["events"][0]["by"].as_str().unwrap() };
        assert!(["Sunniva Akselrod", "Brightwater Office"].contains(&who), "{who}");
        assert_eq!(story["arithmetic"][1], "24 × €18.00 = €432.00");
    }
    let foreign = scene.world.customer(PROVIDER, "Hollin Veterinary");
    let other = scene.world.person(foreign, "Customer administrator");
    let mine = scene.buyer().api_get("/billing/periods/2026-04-30/summary").json();
    let id = mine["items"][0]["id"].as_str().unwrap().to_owned();
    other.api_get(&format!("/billing/periods/2026-04-30/summary/{id}/story")).expect(404);
    assert_eq!(lines(&other, ""), [""; 0]);
}

#[test]
fn nobody_else_sees_what_the_provider_pays() {
    let scene = Scene::new().in_may();
    scene.recalculate();
    let urls = |person: &Person| {
        let base = "/billing/periods/2026-04-30";
        let mut bodies = String::new();
        for path in ["summary", "items", "items?format=csv"] {
            bodies += &person.api_get(&format!("{base}/{path}")).expect(200).body;
        }
        let all = person.api_get(&format!("{base}/summary")).json();
        for line in all["items"].as_array().unwrap() {
            let id = line["id"].as_str().unwrap();
            bodies += &person.api_get(&format!("{base}/summary/{id}/story")).expect(200).body;
        }
        bodies
    };
    let provider = urls(&scene.provider());
    assert!(provider.contains(PLANTED_COST) && provider.contains("18648"), "{provider}");
    let reseller = urls(&scene.seller());
    assert!(!reseller.contains(PLANTED_COST) && !reseller.contains("18648"), "{reseller}");
    // It sees what it pays itself, beside its own sales.
    assert!(reseller.contains("\"cost_minor\":29064"), "{reseller}");
    let customer = urls(&scene.buyer());
    for word in [PLANTED_COST, "18648", "12.11", "29064", "cost", "margin", "markup"] {
        assert!(!customer.contains(word), "{word}: {customer}");
    }
    let no_costs = scene.world.person(PROVIDER, "Provider helpdesk");
    no_costs.api_get("/billing/periods").expect(403);
}

#[test]
fn periods_have_no_gaps_and_a_locked_one_stays_as_it_is() {
    let scene = Scene::new().in_may();
    let admin = scene.provider();
    let periods = admin.api_get("/billing/periods").expect(200).json();
    let ends: Vec<_> =
        periods["items"].as_array().unwrap().iter().map(|p| p["end"].clone()).collect();
    assert_eq!(ends, ["2026-05-31", "2026-04-30", "2026-03-31"]);
    assert_eq!(periods["items"][0]["state"], "open");
    assert_eq!(admin.api_get("/billing/periods/current").json()["end"], "2026-05-31");
    for end in ["2026-05-31", "current"] {
        admin.api_post(&format!("/billing/periods/{end}/lock"), Value::Null).expect(422);
    }
    for end in ["2026-04-29", "2027-01-31", "nonsense"] {
        admin.api_get(&format!("/billing/periods/{end}/summary")).expect(404);
    }
    // March ended more than ten days ago.
    assert_eq!(periods::lock_due(&scene.world.app).unwrap(), 1);
    let before = admin.api_get("/billing/periods/2026-04-30/items").body;
    assert_eq!(
        admin.api_post("/billing/periods/2026-04-30/lock", Value::Null).expect(200).json()["state"],
        "locked"
    );
    admin.api_post("/billing/periods/2026-04-30/lock", Value::Null).expect(422);
    scene
        .world
        .sql()
        .execute_batch("UPDATE prices SET unit_price = 1; UPDATE plans SET name = 'Other'")
        .unwrap();
    scene.recalculate();
    assert_eq!(admin.api_get("/billing/periods/2026-04-30/items").body, before);
    assert_eq!(lines(&scene.buyer(), "")[1], "Managed workplace, Standard 24 43200");
    assert_eq!(
        scene.world.count("SELECT count(*) FROM audit_log WHERE action = 'period.locked'"),
        2
    );
    assert_eq!(billing::recalculate_due(&scene.world.app).unwrap().customers, 2);
}

#[test]
fn what_a_reseller_has_is_billed_to_it_and_what_the_provider_bills_is_not() {
    let scene = Scene::new();
    let direct = scene.world.customer(scene.reseller, "Copperbeck Brewery");
    let facts = serde_json::json!({ "parent": scene.reseller, "billed_by": "provider" });
    scene.record(Row { facts, ..Row::new(Kind::Customer, direct.0, Action::Changed, direct) });
    for (id, customer) in [(71, direct), (72, scene.reseller), (73, PROVIDER)] {
        scene.record(Row {
            service: Some("files"),
            plan: Some("TB2"),
            ..Row::new(Kind::CustomerService, id, Action::Added, customer)
        });
    }
    let scene = scene.in_may();

    assert_eq!(
        lines(&scene.provider(), &format!("?buyer_id={direct}")),
        ["Shared files, 2 TB 1 3000"]
    );
    let query = format!("?buyer_id={}", scene.reseller);
    let rolled = [
        "Shared files, 2 TB 1 3000",
        "Managed workplace, Standard 24 29064",
        "Shared files, 2 TB 1 3000",
    ];
    assert_eq!(lines(&scene.provider(), &query), rolled);
    assert_eq!(lines(&scene.seller(), &format!("?buyer_id={direct}")), [""; 0]);
    assert_eq!(lines(&scene.seller(), &format!("?customer_id={direct}")), [""; 0]);
}

#[test]
fn the_ledger_is_seen_by_whom_it_concerns_and_never_changes() {
    let scene = Scene::new();
    let rows = scene.seller().api_get("/billing/ledger?kind=customer_service").expect(200).json();
    assert_eq!(rows["items"][0]["service"], "files");
    let other = scene.world.customer(PROVIDER, "Hollin Veterinary");
    let other = scene.world.person(other, "Customer administrator");
    let none = other.api_get("/billing/ledger?kind=customer_service").expect(200).json();
    assert_eq!(none["items"], serde_json::json!([]));
    for sql in ["UPDATE ledger SET quantity = 1", "DELETE FROM ledger"] {
        let refused = scene.world.sql().execute(sql, []).unwrap_err().to_string();
        assert_eq!(refused, "the ledger is append-only");
    }
}
