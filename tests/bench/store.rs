//! Stores to measure on: made once by plain SQL, kept in `.cache/bench`, made anew when schema or
//! shape are others.

use crate::words::Dice;
use portico::config::Config;
use portico::db::Db;
use portico::secret::{self, Key};
use portico::web::{App, Request, Response};
use rusqlite::{Connection, Transaction, named_params};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Raised when the rows below change.
const EDITION: u32 = 1;
const SCHEMA: &str = include_str!("../../schema.sql");
const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// How much is in a store.
#[derive(Clone, Copy)]
pub struct Shape {
    pub users: i64,
    pub customers: i64,
}

pub struct Store {
    pub app: App,
    pub folder: PathBuf,
    pub shape: Shape,
    pub actors: Actors,
}

/// One person of each kind that lists are slow or quick for.
pub struct Actors {
    pub root: Actor,
    /// Of a reseller with a fifth of all customers below it.
    pub reseller: Actor,
    /// Of one with twenty.
    pub small: Actor,
    pub leaf: Actor,
}

#[derive(Clone)]
pub struct Actor {
    pub kind: &'static str,
    /// What the browser sends.
    pub cookie: String,
}

impl Shape {
    pub fn small() -> Shape {
        Shape { users: 1_000, customers: 20 }
    }

    /// What the pages of customers and users are compared with.
    pub fn few() -> Shape {
        Shape { users: 2_000, customers: 20 }
    }

    /// A hundred users a customer.
    pub fn area(users: Option<i64>) -> Shape {
        let users = users.unwrap_or(crate::AREA);
        Shape { users, customers: (users / 100).max(20) }
    }

    /// Ten.
    pub fn wide(users: Option<i64>) -> Shape {
        let users = users.unwrap_or(crate::AREA);
        Shape { users, customers: (users / 10).max(20) }
    }

    pub fn of(users: i64) -> Shape {
        Shape { users, customers: (users / 200).max(20) }
    }

    /// Where such a store lies. Most have two hundred users a customer.
    fn folder(self) -> PathBuf {
        let usual = Shape::of(self.users).customers == self.customers;
        let name = match usual || self.users == Shape::small().users {
            true => self.users.to_string(),
            false => format!("{}-{}", self.users, self.customers),
        };
        Path::new(".cache/bench").join(name)
    }

    fn stamp(self) -> String {
        let schema = secret::hex(&secret::sha256(SCHEMA.as_bytes()));
        format!("{EDITION} {} {} {schema}", self.users, self.customers)
    }
}

impl Store {
    /// The store of this shape with people signed in; made if it is not there.
    pub fn of(shape: Shape) -> Store {
        let folder = shape.folder();
        let stamp = folder.join("stamp");
        if std::fs::read_to_string(&stamp).ok() != Some(shape.stamp()) {
            let _ = std::fs::remove_dir_all(&folder);
            std::fs::create_dir_all(&folder).unwrap();
            let began = Instant::now();
            make(&folder, shape);
            std::fs::write(&stamp, shape.stamp()).unwrap();
            let size = std::fs::metadata(folder.join("portico.db")).unwrap().len() >> 20;
            let (users, seconds) = (shape.users, began.elapsed().as_secs());
            println!("made a store of {users} users in {seconds} s, {size} MiB");
        }
        let app = App::start(config(&folder)).unwrap();
        let actors = sign_in(&folder);
        Store { app, folder, shape, actors }
    }

    /// A copy to write to, in a folder of this name.
    pub fn copy(&self, name: &str) -> PathBuf {
        let folder = Path::new(".cache/bench").join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let to = folder.join("portico.db");
        let from = sql(&self.folder.join("portico.db"));
        from.execute("VACUUM INTO ?1", [to.to_str().unwrap()]).unwrap();
        folder
    }

    /// A page, which must be there.
    pub fn get(&self, actor: &Actor, url: &str) -> Response {
        let response = self.ask(actor, url);
        assert_eq!(response.status, 200, "{url} for the {}: {}", actor.kind, response.text());
        response
    }

    /// Whatever is answered.
    pub fn ask(&self, actor: &Actor, url: &str) -> Response {
        let headers = vec![
            ("Host".to_owned(), "localhost".to_owned()),
            ("Cookie".to_owned(), actor.cookie.clone()),
        ];
        let request = Request::new("GET", url, headers, Vec::new(), LOCAL).unwrap();
        self.app.handle(&request)
    }

    /// One number of the store.
    pub fn number(&self, query: &str) -> i64 {
        let sql = sql(&self.folder.join("portico.db"));
        sql.query_row(query, [], |row| row.get(0)).unwrap()
    }
}

impl Actors {
    pub fn each(&self) -> [&Actor; 4] {
        [&self.root, &self.reseller, &self.small, &self.leaf]
    }
}

pub fn config(folder: &Path) -> Config {
    Config::of(folder.to_owned(), Key::beside(folder).unwrap())
}

/// Past the program, for setting a scene and for comparing with.
#[expect(clippy::disallowed_methods, reason = "what is compared with is SQLite alone")]
pub fn sql(path: &Path) -> Connection {
    let sql = Connection::open(path).unwrap();
    sql.execute_batch("PRAGMA busy_timeout = 5000").unwrap();
    sql
}

fn sign_in(folder: &Path) -> Actors {
    let sql = sql(&folder.join("portico.db"));
    sql.execute_batch(
        "DELETE FROM sessions; DELETE FROM sign_ins; UPDATE roles SET requires_factor = 0",
    )
    .unwrap();
    let actor = |kind: &'static str| {
        let token = secret::token().unwrap();
        let made = sql
            .execute(
                "INSERT INTO sessions (hash, user_id, csrf, epoch, address, browser, created_at, last_seen_at, proven_at)
                 SELECT :hash, id, :csrf, epoch, '127.0.0.1', 'Bench', :now, :now, :now FROM users WHERE upn GLOB :named",
                named_params! {
                    ":hash": secret::sha256(token.reveal().as_bytes()), ":csrf": "0".repeat(32),
                    ":now": portico::time::Clock::default().now(), ":named": named(kind),
                },
            )
            .unwrap();
        assert_eq!(made, 1);
        Actor { kind, cookie: format!("portico={}", token.reveal()) }
    };
    Actors {
        root: actor("provider"),
        reseller: actor("reseller"),
        small: actor("small reseller"),
        leaf: actor("customer"),
    }
}

/// How the sign-in name of one of the four begins, as a GLOB pattern.
pub fn named(kind: &str) -> String {
    format!("{}@*", kind.replace(' ', "-"))
}

fn make(folder: &Path, shape: Shape) {
    let file = folder.join("portico.db");
    drop(App::with(Db::open(&file).unwrap(), config(folder)).unwrap());
    let mut sql = sql(&file);
    sql.execute_batch(
        "PRAGMA foreign_keys = OFF; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
         PRAGMA cache_size = -1500000; PRAGMA temp_store = MEMORY;",
    )
    .unwrap();
    let tx = sql.transaction().unwrap();
    let tree = Tree::of(shape.customers);
    customers(&tx, &tree);
    users(&tx, &tree, shape.users);
    people(&tx, &tree);
    services(&tx);
    history(&tx, shape.users);
    tx.commit().unwrap();
}

/// Who stands below whom: the provider, below it resellers, each with a branch that fans out by eight.
struct Tree {
    /// The parent of customer 1, 2, 3 …
    parents: Vec<Option<i64>>,
    resellers: i64,
    leaf: i64,
}

pub const RESELLER: i64 = 2;
const SMALL_RESELLER: i64 = 3;
const FAN: usize = 8;

impl Tree {
    fn of(customers: i64) -> Tree {
        let large = (customers * 18 / 100).max(customers.min(50) / 2);
        let small = (customers / 5).min(20);
        let others = (customers / 40).max(1);
        let resellers = 2 + others;
        let mut left = vec![large, small];
        let rest = customers - 1 - resellers - large - small;
        left.extend((0..others).map(|n| rest / others + i64::from(n < rest % others)));
        let mut parents = vec![None];
        parents.extend((0..resellers).map(|_| Some(1)));
        let mut branches: Vec<Vec<i64>> = vec![Vec::new(); left.len()];
        let mut leaf = 0;
        while left.iter().any(|n| *n > 0) {
            for (branch, left) in left.iter_mut().enumerate().filter(|(_, left)| **left > 0) {
                *left -= 1;
                let members = &mut branches[branch];
                let parent = match members.len().checked_sub(FAN) {
                    None => i64::try_from(branch).unwrap() + RESELLER,
                    Some(n) => members[n / FAN],
                };
                parents.push(Some(parent));
                let id = i64::try_from(parents.len()).unwrap();
                members.push(id);
                if branch == 0 {
                    leaf = id;
                }
            }
        }
        Tree { parents, resellers, leaf }
    }
}

fn customers(tx: &Transaction, tree: &Tree) {
    let mut dice = Dice::new(1);
    let mut insert = tx
        .prepare(
            "INSERT INTO customers (id, parent_id, reseller, code, name, contact_name, contact_email, country, street,
                                    city, time_zone, created_at, changed_at)
             VALUES (:id, :parent, :reseller, 'C' || :id, :name, :contact, 'contact@' || :domain, 'NL', 'Kade 1',
                     'Amsterdam', 'Europe/Amsterdam', '2025-01-01T09:00:00Z', '2025-01-01T09:00:00Z')",
        )
        .unwrap();
    let mut domain = tx
        .prepare(
            "INSERT INTO domains (id, customer_id, name, verified_at, created_at)
             VALUES (:id, :id, :name, iif(:id % 500 = 7, NULL, '2025-01-01T09:00:00Z'), '2025-01-01T09:00:00Z')",
        )
        .unwrap();
    let mut own = tx
        .prepare("INSERT INTO customer_domains (customer_id, domain_id, main) VALUES (?1, ?1, 1)")
        .unwrap();
    let trades =
        ["Logistics", "Foods", "Partners", "Dental", "Works", "Media", "Textiles", "Farms"];
    for (id, parent) in (1i64..).zip(&tree.parents) {
        let (head, trade) = (dice.last_name(), dice.pick(&trades));
        let contact = format!("{} {}", dice.first_name(), dice.last_name());
        let name = domain_name(id);
        let reseller = (RESELLER..RESELLER + tree.resellers).contains(&id);
        insert
            .execute(named_params! {
                ":id": id, ":parent": parent, ":reseller": reseller, ":name": format!("{head} {trade}"),
                ":contact": contact, ":domain": name,
            })
            .unwrap();
        domain.execute(named_params! { ":id": id, ":name": name }).unwrap();
        own.execute([id]).unwrap();
    }
}

fn domain_name(customer: i64) -> String {
    if customer == 1 { "bench.example".to_owned() } else { format!("c{customer}.example") }
}

/// A tenth of the customers, and the leaf that is asked for, have eleven times as many as the others.
/// They came in any order, so that those of one customer do not lie together.
fn users(tx: &Transaction, tree: &Tree, count: i64) {
    let mut slots = Vec::new();
    for id in (1i64..).take(tree.parents.len()) {
        let weight = if id % 10 == 0 || id == tree.leaf { 11 } else { 1 };
        slots.extend(std::iter::repeat_n(id, weight));
    }
    let mut dice = Dice::new(2);
    let mut insert = insert_user(tx);
    let mut name = insert_name(tx);
    let days = days(tx);
    for id in 1..=count {
        let customer = slots[dice.below(slots.len())];
        let (first, last) = (dice.first_name(), dice.last_name());
        let state = match dice.below(100) {
            0 | 1 => "deleted",
            2..=4 => "disabled",
            _ => "active",
        };
        let upn = format!("{first}.{last}{id}@{}", domain_name(customer)).to_lowercase();
        insert
            .execute(named_params! {
                ":id": id, ":customer": customer, ":state": state, ":upn": upn, ":first": first, ":last": last,
                ":at": days[dice.below(days.len())],
            })
            .unwrap();
        name.execute(named_params! { ":name": upn, ":customer": customer, ":user": id }).unwrap();
    }
}

fn insert_user<'t>(tx: &'t Transaction) -> rusqlite::Statement<'t> {
    tx.prepare(
        "INSERT INTO users (id, customer_id, state, upn, mail, first_name, last_name, display_name, city, job_title,
                            created_at, changed_at)
         VALUES (:id, :customer, :state, :upn, :upn, :first, :last, :first || ' ' || :last, 'Amsterdam', 'Clerk',
                 :at, :at)",
    )
    .unwrap()
}

fn insert_name<'t>(tx: &'t Transaction) -> rusqlite::Statement<'t> {
    tx.prepare(
        "INSERT INTO user_names (name, customer_id, domain_id, user_id) VALUES (:name, :customer, :customer, :user)",
    )
    .unwrap()
}

/// Noon of each of the last four hundred days.
fn days(tx: &Transaction) -> Vec<String> {
    let mut days = tx
        .prepare(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 400)
             SELECT strftime('%Y-%m-%dT12:00:00Z', 'now', '-' || n || ' days') FROM n",
        )
        .unwrap();
    days.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// The four who look, each with the whole of a role.
fn people(tx: &Transaction, tree: &Tree) {
    let all = [
        ("provider", 1, "Provider administrator"),
        ("reseller", RESELLER, "Reseller administrator"),
        ("small reseller", SMALL_RESELLER, "Reseller administrator"),
        ("customer", tree.leaf, "Customer administrator"),
    ];
    for (kind, customer, role) in all {
        let id: i64 = tx.query_row("SELECT max(id) + 1 FROM users", [], |row| row.get(0)).unwrap();
        let upn = format!("{}@{}", kind.replace(' ', "-"), domain_name(customer));
        insert_user(tx)
            .execute(named_params! {
                ":id": id, ":customer": customer, ":state": "active", ":upn": upn, ":first": "Bench",
                ":last": kind, ":at": "2025-01-01T09:00:00Z",
            })
            .unwrap();
        insert_name(tx)
            .execute(named_params! { ":name": upn, ":customer": customer, ":user": id })
            .unwrap();
        let granted = tx
            .execute(
                "INSERT INTO role_grants (user_id, role_id, at_id, granted_at)
                 SELECT ?1, id, ?2, '2025-01-01T09:00:00Z' FROM roles WHERE name = ?3 AND customer_id IS NULL",
                (id, customer, role),
            )
            .unwrap();
        assert_eq!(granted, 1);
    }
}

/// A service that each customer has and every tenth user.
fn services(tx: &Transaction) {
    tx.execute_batch(
        "INSERT INTO services (id, code, name, kind, state, tracking_only, created_at, changed_at)
         VALUES (100, 'workplace', 'Managed workplace', 'user', 'active', 1, '2025-01-01T09:00:00Z', '2025-01-01T09:00:00Z');
         INSERT INTO plans (id, service_id, level, code, name) VALUES (100, 100, 'user', 'standard', 'Standard');
         INSERT INTO price_lists (id, customer_id, code, name, currency, main) VALUES (100, 1, 'main', 'Main', 'EUR', 1);
         INSERT INTO prices (list_id, seller_id, currency, kind, service, plan, unit_price, valid_from, created_at)
         VALUES (100, 1, 'EUR', 'user_service', 'workplace', 'standard', 18000000, '2025-01-01', '2025-01-01T09:00:00Z');
         INSERT INTO customer_services (id, customer_id, service_id, live, created_at)
         SELECT id, id, 100, 'on', '2025-01-01T09:00:00Z' FROM customers WHERE id <> 1;
         INSERT INTO user_services (id, customer_id, user_id, customer_service_id, service_id, plan_id, live, live_plan_id,
                                    created_at)
         SELECT id, customer_id, id, customer_id, 100, 100, 'on', 100, created_at
           FROM users WHERE id % 10 = 0 AND customer_id <> 1 AND state = 'active';",
    )
    .unwrap();
}

/// What a year leaves behind: ledger, requests, audit log, mails.
fn history(tx: &Transaction, users: i64) {
    tx.execute_batch(
        "INSERT INTO ledger (at, effective_at, day, kind, subject_id, action, customer_id, user_id, facts, source)
         SELECT created_at, created_at, substr(created_at, 1, 10), 'user', id, 'added', customer_id, id,
                '{\"disabled\":false,\"roles\":[],\"test_user\":false}', 'import' FROM users;
         INSERT INTO ledger (at, effective_at, day, kind, subject_id, action, customer_id, user_id, service, plan,
                             facts, source)
         SELECT created_at, created_at, substr(created_at, 1, 10), 'user_service', id, 'added', customer_id, user_id,
                'workplace', 'standard', '{\"suspended\":false}', 'import' FROM user_services;
         INSERT INTO ledger (at, effective_at, day, kind, subject_id, action, customer_id, facts, source)
         SELECT created_at, created_at, substr(created_at, 1, 10), 'customer', id, 'added', id,
                '{\"parent\":' || parent_id || ',\"type\":\"standard\",\"billed_by\":\"inherit\",\"customers_billed_by\":\"reseller\",\"disabled\":false,\"billing_from\":null}',
                'page' FROM customers WHERE id <> 1;
         INSERT INTO ledger_spans (kind, subject_id, customer_id, user_id, service, plan, quantity, facts, from_id, begins_at)
         SELECT kind, subject_id, customer_id, user_id, service, plan, quantity, facts, id, at FROM ledger;",
    )
    .unwrap();
    let periods = "WITH RECURSIVE m (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM m WHERE n < 12)
         INSERT INTO periods (starts_on, ends_on)
         SELECT date('now', 'start of month', '-' || n || ' months'),
                date('now', 'start of month', '-' || n || ' months', '+1 month', '-1 day') FROM m";
    tx.execute(periods, []).unwrap();
    // Of a hundred requests two failed; the others ended well.
    tx.execute(
        "INSERT INTO requests (customer_id, event, user_id, user_service_id, title, queue, class, status, turn, source,
                               created_at, started_at, ended_at, deadline_at, next_at)
         SELECT customer_id, 'user_service.provision', user_id, id, 'Give Managed workplace', 'bulk', 'bulk',
                iif(user_id / 10 % 50 = 0, 'failed', 'done'), 'over', 'page', created_at, created_at, created_at,
                created_at, created_at
           FROM user_services",
        [],
    )
    .unwrap();
    tx.execute(
        "INSERT INTO audit_log (at, via, action, subject_kind, subject_id, customer_id)
         SELECT created_at, 'page', 'user.created', 'user', id, customer_id FROM users WHERE id % 5 = 0",
        [],
    )
    .unwrap();
    tx.execute(
        "INSERT INTO messages (customer_id, user_id, event, class, to_address, subject, text, html, message_id, state,
                               next_at, created_at, sent_at)
         SELECT customer_id, id, 'user.invited', 'owed', mail, 'Welcome', 'Welcome.', '<p>Welcome.</p>', id || '@bench.example',
                iif(id % 2000 = 0, 'failed', 'sent'), created_at, created_at, created_at
           FROM users WHERE id % 20 = 0 AND id <= ?1",
        [users],
    )
    .unwrap();
}
