//! The words tests are written in: a world of customers and people, and what people see and do.

#![allow(dead_code, reason = "a language may have words that nobody says at the moment")]

use portico::config::Config;
use portico::db::{By, Db, Via};
use portico::ids::{ConnectorId, CustomerId, UserId};
use portico::ledger::{self, Action, Kind, Row};
use portico::secret::Key;
use portico::time::{Clock, Instant};
use portico::web::response::Body;
use portico::web::{App, Method, Request, Response};
use rusqlite::{Connection, TransactionBehavior};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

pub struct World {
    pub app: Arc<App>,
    pub clock: Clock,
    folder: TempDir,
}

pub struct Person<'w> {
    pub world: &'w World,
    pub id: UserId,
    cookie: String,
    token: String,
    csrf: String,
}

/// What was answered, with the body as text.
pub struct Answer {
    pub status: u16,
    pub body: String,
    pub headers: Vec<(&'static str, String)>,
}

/// The customer every world starts with.
pub const PROVIDER: CustomerId = CustomerId(1);

/// Every world begins on a Tuesday morning.
pub const START: &str = "2026-03-10T08:00:00Z";

const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

impl World {
    /// A store that is set up: the provider Tarnholm IT, with the domain tarnholm.example.
    pub fn new() -> World {
        let world = World::empty();
        world.insert_customer(None, "Tarnholm IT", "TIT");
        world
    }

    /// The same with a program that was told something at its start.
    pub fn told(what: impl FnOnce(&mut Config)) -> World {
        let world = World::empty_told(what);
        world.insert_customer(None, "Tarnholm IT", "TIT");
        world
    }

    /// A store that nobody has set up.
    pub fn empty() -> World {
        World::empty_told(|_| {})
    }

    fn empty_told(what: impl FnOnce(&mut Config)) -> World {
        // What the program logs is shown with the test that fails.
        let _ = tracing_subscriber::fmt().with_test_writer().with_env_filter("error").try_init();
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::of(folder.path().to_owned(), Key::beside(folder.path()).unwrap());
        what(&mut config);
        let clock = Clock::default();
        clock.set(START.parse().unwrap());
        let db = Db::open_with(config.store(), clock.clone()).unwrap();
        let world = World { app: Arc::new(App::with(db, config).unwrap()), clock, folder };
        // Most tests are about other things; those about second factors switch them on.
        world.asks_for_factors(false);
        world
    }

    /// Whether the roles that are shipped so ask for a second factor.
    pub fn asks_for_factors(&self, on: bool) {
        for role in portico::auth::permissions::SHIPPED.iter().filter(|role| role.requires_factor) {
            let change = "UPDATE roles SET requires_factor = ?1 WHERE name = ?2";
            self.sql().execute(change, (on, role.name)).unwrap();
        }
    }

    /// The same store in a program that was started anew.
    pub fn restart(&mut self) {
        let config = Config::of(self.folder().to_owned(), Key::beside(self.folder()).unwrap());
        let db = Db::open_with(config.store(), self.clock.clone()).unwrap();
        self.app = Arc::new(App::with(db, config).unwrap());
    }

    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Does a job now, as the clock would, and says how it ended.
    pub fn job(&self, kind: &str) -> String {
        let by = By::portico(Via::Job);
        let queue = |tx: &portico::db::Write| {
            portico::jobs::queue_run(tx, kind, PROVIDER, &json!({}), None)
        };
        let run = self.app.db.write(by, queue).unwrap();
        self.finish(run.0)
    }

    /// Lets the runs go on until this one has ended, and says how.
    pub fn finish(&self, run: i64) -> String {
        let runs = portico::jobs::start(&self.app).unwrap();
        let state = || self.text(&format!("SELECT state FROM runs WHERE id = {run}"));
        let end = std::time::Instant::now() + std::time::Duration::from_secs(300);
        while ["queued", "running"].contains(&state().as_str()) {
            assert!(std::time::Instant::now() < end, "run {run} does not end");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        runs.stop();
        self.text(&format!("SELECT trim(state || ' ' || error) FROM runs WHERE id = {run}"))
    }

    /// Gives a user a password in the store's eyes, for what counts who may enter.
    pub fn may_sign_in(&self, user: UserId) {
        let set = "UPDATE users SET password_hash = 'x' WHERE id = ?1";
        self.sql().execute(set, [user]).unwrap();
    }

    /// Whether the door is open to them at this moment.
    pub fn lets_in(&self, user: UserId) -> bool {
        let may = |db: &portico::db::Read| {
            portico::auth::may_enter(db, user, portico::auth::Door::Known).map(|_| ())
        };
        self.app.db.read(may).is_ok()
    }

    /// Moves the clock.
    pub fn later(&self, seconds: i64) {
        self.clock.advance(seconds);
    }

    pub fn reseller(&self, name: &str) -> CustomerId {
        let id = self.insert_customer(Some(PROVIDER), name, &code(name));
        self.sql().execute("UPDATE customers SET reseller = 1 WHERE id = ?1", [id]).unwrap();
        id
    }

    pub fn customer(&self, parent: CustomerId, name: &str) -> CustomerId {
        self.insert_customer(Some(parent), name, &code(name))
    }

    fn insert_customer(&self, parent: Option<CustomerId>, name: &str, code: &str) -> CustomerId {
        let sql = self.sql();
        let id: CustomerId = sql
            .query_row(
                "INSERT INTO customers (parent_id, code, name, contact_name, contact_email, country, street, city, time_zone, created_at, changed_at)
                 VALUES (?1, ?2, ?3, 'Contact', ?4, 'NL', 'Kade 1', 'Amsterdam', 'Europe/Amsterdam', ?5, ?5) RETURNING id",
                (parent, code, name, format!("contact@{}", domain(name)), self.now()),
                |r| r.get(0),
            )
            .unwrap();
        let domain_id: i64 = sql
            .query_row(
                "INSERT INTO domains (customer_id, name, verified_at, created_at) VALUES (?1, ?2, ?3, ?3) RETURNING id",
                (id, domain(name), self.now()),
                |r| r.get(0),
            )
            .unwrap();
        sql.execute(
            "INSERT INTO customer_domains (customer_id, domain_id, main) VALUES (?1, ?2, 1)",
            (id, domain_id),
        )
        .unwrap();
        if let Some(parent) = parent {
            let facts = json!({
                "parent": parent, "type": "standard", "billed_by": "inherit",
                "customers_billed_by": "reseller", "disabled": false, "billing_from": null,
            });
            self.enter(Row { facts, ..Row::new(Kind::Customer, id.0, Action::Added, id) });
        }
        self.enter(Row::new(Kind::Domain, domain_id, Action::Added, id));
        id
    }

    /// Writes a row of the ledger, as the operation would that a scene is set without.
    fn enter(&self, row: Row) {
        let by = By::portico(Via::Shell);
        self.app.db.write(by, |tx| ledger::record(tx, &row)).unwrap();
    }

    /// A person of `home` who holds the shipped role of that name there, signed in and with a token.
    /// An empty role is none.
    pub fn person(&self, home: CustomerId, role: &str) -> Person<'_> {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = if role.is_empty() { "Somebody".to_owned() } else { format!("The {role}") };
        self.person_named(home, role, &name, &format!("person{n}"))
    }

    pub fn person_named(
        &self,
        home: CustomerId,
        role: &str,
        name: &str,
        local: &str,
    ) -> Person<'_> {
        let id = self.user(home, name, local);
        let sql = self.sql();
        if !role.is_empty() {
            let granted = sql
                .execute(
                    "INSERT INTO role_grants (user_id, role_id, at_id, granted_at)
                     SELECT ?1, id, ?2, ?3 FROM roles WHERE name = ?4 AND customer_id IS NULL",
                    (id, home, self.now(), role),
                )
                .unwrap();
            assert_eq!(granted, 1, "no role is called {role}");
        }
        self.sign_in(id)
    }

    /// A person of `home` who holds just these rights there, by a role of that customer: 1 own, 2
    /// below, 3 both.
    pub fn person_with(&self, home: CustomerId, rights: &[(&str, i64)]) -> Person<'_> {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let user = self.user(home, &format!("Holder {n}"), &format!("holder{n}"));
        let sql = self.sql();
        let role: i64 = sql
            .query_row(
                "INSERT INTO roles (customer_id, name) VALUES (?1, ?2) RETURNING id",
                (home, format!("Role {n}")),
                |r| r.get(0),
            )
            .unwrap();
        for (permission, reach) in rights {
            let right = "INSERT INTO role_rights (role_id, permission, reach) VALUES (?1, ?2, ?3)";
            sql.execute(right, (role, permission, reach)).unwrap();
        }
        let grant =
            "INSERT INTO role_grants (user_id, role_id, at_id, granted_at) VALUES (?1, ?2, ?3, '')";
        sql.execute(grant, (user, role, home)).unwrap();
        self.sign_in(user)
    }

    /// A user who cannot sign in by password yet, straight into the store.
    pub fn user(&self, home: CustomerId, name: &str, local: &str) -> UserId {
        let mut sql = self.sql();
        let tx = sql.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        let (domain_id, domain): (i64, String) = tx
            .query_row(
                "SELECT domains.id, name FROM domains JOIN customer_domains ON domain_id = domains.id
                  WHERE customer_domains.customer_id = ?1 AND main = 1",
                [home],
                |r| Ok((r.get(0)?, r.get(1)?)),
            )
            .unwrap();
        let upn = format!("{local}@{domain}");
        let id: UserId = tx
            .query_row(
                "INSERT INTO users (customer_id, upn, mail, display_name, created_at, changed_at)
                 VALUES (?1, ?2, ?2, ?3, ?4, ?4) RETURNING id",
                (home, &upn, name, self.now()),
                |r| r.get(0),
            )
            .unwrap();
        tx.execute(
            "INSERT INTO user_names (name, customer_id, domain_id, user_id) VALUES (?1, ?2, ?3, ?4)",
            (&upn, home, domain_id, id),
        )
        .unwrap();
        tx.commit().unwrap();
        let facts = json!({ "disabled": false, "test_user": false, "roles": [] });
        let row = Row::new(Kind::User, id.0, Action::Added, home);
        self.enter(Row { user: Some(id), facts, ..row });
        id
    }

    /// Many users at once, without rows in the ledger: `ann0`, `ann1` …, called Ann 0, Ann 1 …
    pub fn users(&self, home: CustomerId, local: &str, n: usize) -> Vec<UserId> {
        let mut sql = self.sql();
        let tx = sql.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        let (domain_id, domain): (i64, String) = tx
            .query_row(
                "SELECT domains.id, name FROM domains JOIN customer_domains ON domain_id = domains.id
                  WHERE customer_domains.customer_id = ?1 AND main = 1",
                [home],
                |r| Ok((r.get(0)?, r.get(1)?)),
            )
            .unwrap();
        let ids = (0..n).map(|n| {
            let (upn, name) = (format!("{local}{n}@{domain}"), format!("{local} {n:04}"));
            let id: UserId = tx
                .prepare_cached(
                    "INSERT INTO users (customer_id, upn, mail, display_name, created_at, changed_at)
                     VALUES (?1, ?2, ?2, ?3, ?4, ?4) RETURNING id",
                )
                .unwrap()
                .query_row((home, &upn, name, self.now()), |r| r.get(0))
                .unwrap();
            tx.prepare_cached(
                "INSERT INTO user_names (name, customer_id, domain_id, user_id) VALUES (?1, ?2, ?3, ?4)",
            )
            .unwrap()
            .execute((&upn, home, domain_id, id))
            .unwrap();
            id
        });
        let ids = ids.collect();
        tx.commit().unwrap();
        ids
    }

    /// A session and a token for `user`, as if they had signed in.
    pub fn sign_in(&self, user: UserId) -> Person<'_> {
        let sql = self.sql();
        let cookie = portico::secret::token().unwrap();
        let csrf = portico::secret::hex(&portico::secret::random::<16>().unwrap());
        sql.execute(
            "INSERT INTO sessions (hash, user_id, csrf, epoch, address, browser, created_at, last_seen_at, proven_at)
             SELECT ?1, id, ?2, epoch, '127.0.0.1', 'Test', ?3, ?3, ?3 FROM users WHERE id = ?4",
            (portico::secret::sha256(cookie.reveal().as_bytes()), &csrf, self.now(), user),
        )
        .unwrap();
        let token = portico::auth::NewToken::make().unwrap();
        // It names every permission, so that it may do what is guarded *again* too.
        let all = portico::auth::permissions::ALL.iter().map(|(name, _)| *name);
        let all = json!(all.collect::<Vec<_>>()).to_string();
        sql.execute(
            "INSERT INTO tokens (user_id, name, hash, permissions, created_at, expires_at) VALUES (?1, 'test', ?2, ?3, ?4, ?5)",
            (user, token.hash, all, self.now(), self.now().plus_days(365)),
        )
        .unwrap();
        Person {
            world: self,
            id: user,
            cookie: cookie.reveal().into(),
            token: token.text.reveal().into(),
            csrf,
        }
    }

    /// A customer below the reseller that has the workplace, whose standard plan its users may have;
    /// the reseller may also sell *plus* of it, and *backup*.
    pub fn customer_with_workplace(&self, reseller: CustomerId, name: &str) -> CustomerId {
        let home = self.customer(reseller, name);
        self.sql()
            .execute_batch(&format!(
                "INSERT INTO services (id, code, name, kind, state, tracking_only, created_at, changed_at)
                 VALUES (100, 'workplace', 'Managed workplace', 'user', 'active', 1, '', ''),
                        (101, 'backup', 'Backup', 'user', 'active', 1, '', '');
                 INSERT INTO plans (id, service_id, level, code, name, sku) VALUES
                   (200, 100, 'user', 'standard', 'Standard', ''), (201, 100, 'user', 'plus', 'Plus', ''),
                   (202, 101, 'user', 'standard', 'Standard', '');
                 INSERT INTO offers (id, reseller_id, service_id, given_at)
                 VALUES (300, {reseller}, 100, ''), (301, {reseller}, 101, '');
                 INSERT INTO offer_plans (offer_id, service_id, plan_id) VALUES
                   (300, 100, 200), (300, 100, 201), (301, 101, 202);"
            ))
            .unwrap();
        let given = json!({ "service": "workplace", "user_plans": ["standard"] });
        let admin = self.person(PROVIDER, "Provider administrator");
        admin.api_post(&format!("/customers/{home}/services"), given).expect(202);
        home
    }

    /// Lets every run that is due work to its end, and what comes of it.
    pub fn let_runs_end(&self) {
        let handle = portico::jobs::start(&self.app).unwrap();
        let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
        let open = format!(
            "SELECT count(*) FROM runs WHERE state = 'running' OR (state = 'queued' AND due_at <= '{}')",
            self.now()
        );
        while self.count(&open) > 0 {
            assert!(std::time::Instant::now() < until, "the runs do not end");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        handle.stop();
    }

    /// A connector of the provider that posts to `url` on this machine.
    pub fn webhook(&self, name: &str, url: &str) -> ConnectorId {
        let sql = self.sql();
        let config = &self.app.config;
        sql.query_row(
            "INSERT INTO credentials (customer_id, name, sealed, changed_at) VALUES (1, ?1, '', '2026-01-01T00:00:00Z')",
            [name],
            |_| Ok(()),
        )
        .ok();
        let credential = sql.last_insert_rowid();
        let secret = portico::drivers::sign::new_secret().unwrap();
        let sealed = config.key.seal(&format!("credential {credential}"), &secret).unwrap();
        sql.execute("UPDATE credentials SET sealed = ?1 WHERE id = ?2", (sealed, credential))
            .unwrap();
        sql.query_row(
            "INSERT INTO connectors (customer_id, kind, name, url, credential_id, networks, time_limit, created_at)
             VALUES (1, 'webhook', ?1, ?2, ?3, '[\"127.0.0.0/8\"]', 60, '2026-01-01T00:00:00Z') RETURNING id",
            (name, url, credential),
            |r| r.get(0),
        )
        .unwrap()
    }

    /// A script that is enabled, given `secrets` as JSON.
    pub fn script(&self, name: &str, text: &str, more: &str, secrets: Option<&str>) -> ConnectorId {
        let (config, sql) = (&self.app.config, self.sql());
        let dir = &config.scripts;
        std::fs::create_dir_all(dir).unwrap();
        std::fs::write(dir.join(format!("{name}.sh")), text).unwrap();
        let manifest = format!(
            "interpreter = [\"sh\"]\nfile = \"{name}.sh\"\nverbs = [\"create\", \"change\"]\n{more}"
        );
        std::fs::write(dir.join(format!("{name}.toml")), manifest).unwrap();
        let digest = portico::drivers::script::digest(dir, name).unwrap();
        sql.execute(
            "INSERT INTO scripts (name, sha256, enabled_at) VALUES (?1, unhex(?2), '')",
            (name, digest),
        )
        .unwrap();
        let credential: Option<i64> = secrets.map(|secrets| {
            sql.execute(
                "INSERT INTO credentials (customer_id, name, sealed, changed_at) VALUES (1, ?1, '', '2026-01-01T00:00:00Z')",
                [name],
            )
            .unwrap();
            let id = sql.last_insert_rowid();
            let secret = portico::secret::Secret::new(secrets);
            let sealed = config.key.seal(&format!("credential {id}"), &secret).unwrap();
            sql.execute("UPDATE credentials SET sealed = ?1 WHERE id = ?2", (sealed, id)).unwrap();
            id
        });
        sql.query_row(
            "INSERT INTO connectors (customer_id, kind, name, script, credential_id, time_limit, created_at)
             VALUES (1, 'script', ?1, ?1, ?2, 60, '2026-01-01T00:00:00Z') RETURNING id",
            (name, credential),
            |r| r.get(0),
        )
        .unwrap()
    }

    pub fn stranger(&self) -> Person<'_> {
        Person {
            world: self,
            id: UserId(0),
            cookie: String::new(),
            token: String::new(),
            csrf: String::new(),
        }
    }

    /// Straight to the store, past every rule: for setting a scene and for looking behind it.
    pub fn sql(&self) -> Connection {
        #[expect(clippy::disallowed_methods, reason = "tests look behind the program's back")]
        let sql = Connection::open(self.folder.path().join("portico.db")).unwrap();
        sql.execute_batch("PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 60000").unwrap();
        portico::db::finds::teach(&sql).unwrap();
        sql
    }

    /// The number of rows of every table, and the store's counters.
    pub fn everything_but_previews(&self) -> Vec<(String, i64)> {
        let sql = self.sql();
        let mut tables = sql
            .prepare(
                "SELECT name FROM sqlite_schema
                  WHERE type = 'table' AND name NOT IN ('previews', 'idempotency_keys') AND name NOT LIKE '%search%'
                  ORDER BY name",
            )
            .unwrap();
        let names: Vec<String> =
            tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let count = |name: &String| {
            sql.query_row(&format!("SELECT count(*) FROM {name}"), [], |row| row.get(0)).unwrap()
        };
        names.iter().map(|name| (name.clone(), count(name))).collect()
    }

    /// One number from the store.
    pub fn count(&self, query: &str) -> i64 {
        self.sql().query_row(query, [], |r| r.get(0)).unwrap()
    }

    /// How the store would find the rows of a statement.
    pub fn plan(&self, query: &str) -> Vec<String> {
        let sql = self.sql();
        let mut statement = sql.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
        let rows = statement.raw_query().mapped(|r| r.get::<_, String>("detail"));
        rows.map(Result::unwrap).collect()
    }

    /// The first column of every row, as text.
    pub fn texts(&self, query: &str) -> Vec<String> {
        let sql = self.sql();
        let mut rows = sql.prepare(query).unwrap();
        rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// One text from the store.
    pub fn text(&self, query: &str) -> String {
        self.sql()
            .query_row(query, [], |r| r.get::<_, Option<String>>(0))
            .unwrap()
            .unwrap_or_default()
    }
}

/// A reseller with a customer, where most of what is done to users is done.
pub struct Branch {
    pub world: World,
    pub reseller: CustomerId,
    pub home: CustomerId,
}

impl Branch {
    pub fn new() -> Branch {
        let world = World::new();
        let reseller = world.reseller("Brightwater");
        let home = world.customer(reseller, "Aldermoor");
        Branch { world, reseller, home }
    }

    /// See [`World::customer_with_workplace`].
    pub fn with_workplace() -> Branch {
        let world = World::new();
        let reseller = world.reseller("Brightwater");
        let home = world.customer_with_workplace(reseller, "Aldermoor");
        Branch { world, reseller, home }
    }

    pub fn admin(&self) -> Person<'_> {
        self.world.person(PROVIDER, "Provider administrator")
    }

    /// Where its users are.
    pub fn users(&self) -> String {
        format!("/customers/{}/users", self.home)
    }

    /// The names of the roles that a user holds.
    pub fn roles(&self, user: &Value) -> String {
        self.world.text(&format!(
            "SELECT group_concat(name) FROM role_grants JOIN roles ON roles.id = role_id WHERE user_id = {user}"
        ))
    }
}

impl Person<'_> {
    pub fn token(&self) -> &str {
        &self.token
    }

    /// What the browser sends along with everything.
    pub fn cookies(&self) -> String {
        format!("portico={}", self.cookie)
    }

    /// A page.
    pub fn get(&self, url: &str) -> Answer {
        self.ask("GET", url, Vec::new(), self.browser(&[]))
    }

    /// A form, as the page would send it.
    pub fn post(&self, url: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = masked(&self.csrf);
        let body = form(fields) + "&" + &form(&[("csrf", &csrf)]);
        self.ask(
            "POST",
            url,
            body.into_bytes(),
            self.browser(&[("Content-Type", "application/x-www-form-urlencoded")]),
        )
    }

    pub fn post_without_token(&self, url: &str, fields: &[(&str, &str)]) -> Answer {
        self.ask(
            "POST",
            url,
            form(fields).into_bytes(),
            self.browser(&[("Content-Type", "application/x-www-form-urlencoded")]),
        )
    }

    /// A form with a file.
    pub fn upload(&self, url: &str, fields: &[(&str, &str)], file: (&str, &str, &[u8])) -> Answer {
        let mut body = Vec::new();
        let csrf = masked(&self.csrf);
        for (name, value) in [("csrf", csrf.as_str())].iter().chain(fields) {
            body.extend(
                format!(
                    "--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
                )
                .bytes(),
            );
        }
        let (field, name, bytes) = file;
        body.extend(format!("--X\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n").bytes());
        body.extend(bytes);
        body.extend(b"\r\n--X--\r\n");
        self.ask(
            "POST",
            url,
            body,
            self.browser(&[("Content-Type", "multipart/form-data; boundary=X")]),
        )
    }

    pub fn api_get(&self, url: &str) -> Answer {
        self.api("GET", url, Value::Null)
    }

    pub fn api_post(&self, url: &str, body: Value) -> Answer {
        self.api("POST", url, body)
    }

    pub fn api_patch(&self, url: &str, body: Value) -> Answer {
        self.api("PATCH", url, body)
    }

    pub fn api_delete(&self, url: &str) -> Answer {
        self.api("DELETE", url, Value::Null)
    }

    pub fn api(&self, method: &str, url: &str, body: Value) -> Answer {
        self.api_with(method, url, body, &[])
    }

    pub fn api_with(
        &self,
        method: &str,
        url: &str,
        body: Value,
        headers: &[(&str, &str)],
    ) -> Answer {
        let url = if url.starts_with("/api/") { url.to_owned() } else { format!("/api/v1{url}") };
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let mut all = headers.to_vec();
        let bearer = format!("Bearer {}", self.token);
        all.push(("Authorization", &bearer));
        if !headers.iter().any(|(name, _)| *name == "Content-Type") {
            all.push(("Content-Type", "application/json"));
        }
        self.ask(method, &url, body, owned(&all))
    }

    /// Bytes to the API, of the kind that `content_type` says.
    pub fn api_send(&self, url: &str, content_type: &str, bytes: &[u8]) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let headers = owned(&[("Authorization", &bearer), ("Content-Type", content_type)]);
        self.ask("POST", &format!("/api/v1{url}"), bytes.to_vec(), headers)
    }

    /// The bytes of a file from the API.
    pub fn raw(&self, url: &str) -> Vec<u8> {
        let bearer = format!("Bearer {}", self.token);
        let headers = owned(&[("Authorization", &bearer)]);
        let request = Request::new("GET", url, headers, Vec::new(), ADDRESS).unwrap();
        match self.world.app.handle(&request).body {
            Body::Bytes(bytes) => bytes,
            Body::File(path) => std::fs::read(path).unwrap(),
        }
    }

    /// A page, asked for with the token instead of the cookie.
    pub fn with_token_only(&self, url: &str) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        self.ask("GET", url, Vec::new(), owned(&[("Authorization", &bearer)]))
    }

    /// What the page would have put into its hidden field.
    pub fn form_token(&self) -> String {
        masked(&self.csrf)
    }

    /// Anything at all.
    pub fn ask(
        &self,
        method: &str,
        url: &str,
        body: Vec<u8>,
        headers: Vec<(String, String)>,
    ) -> Answer {
        let Some(mut request) = Request::new(method, url, headers, body, ADDRESS) else {
            return Answer { status: 501, body: String::new(), headers: Vec::new() };
        };
        request.id = "test".into();
        Answer::of(self.world.app.handle(&request))
    }

    pub fn browser(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut headers = owned(more);
        headers.push(("Host".into(), "localhost".into()));
        if !self.cookie.is_empty() {
            headers.push(("Cookie".into(), format!("portico={}", self.cookie)));
        }
        headers
    }
}

impl Answer {
    pub fn of(response: Response) -> Answer {
        let body = response.text();
        Answer { status: response.status, body, headers: response.headers }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(each, _)| each.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value)
    }

    /// Where a form led, asserting that it was taken.
    pub fn location(&self) -> &str {
        assert_eq!(self.status, 303, "{}", self.body);
        self.header("Location")
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|_| panic!("{} is not JSON: {}", self.status, self.body))
    }

    /// The id of what was just made through the API.
    pub fn id(&self) -> i64 {
        assert!((200..300).contains(&self.status), "{}", self.body);
        self.json()["id"].as_i64().unwrap()
    }

    /// Asserts the status, with the body as the explanation.
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// Each complaint as "field message".
    pub fn complaints(&self) -> Vec<String> {
        let all = self.json();
        let errors = all["errors"].as_array().cloned().unwrap_or_default();
        let line = |e: &Value| {
            format!("{} {}", e["field"].as_str().unwrap(), e["message"].as_str().unwrap())
        };
        errors.iter().map(|e| line(e).trim().to_owned()).collect()
    }

    pub fn says(&self, text: &str) -> bool {
        self.body.contains(text)
    }
}

/// What the page would have put into its hidden field for this session's token.
fn masked(csrf: &str) -> String {
    let noise = "0".repeat(csrf.len());
    let mixed: Vec<u8> = csrf.bytes().zip(noise.bytes()).map(|(a, b)| a ^ b).collect();
    format!("{noise}{}", portico::secret::hex(&mixed))
}

fn owned(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn code(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).take(20).collect::<String>().to_uppercase()
}

/// `Brightwater Office` has brightwater-office.example.
pub fn domain(name: &str) -> String {
    format!("{}.example", name.to_lowercase().replace(' ', "-"))
}

/// The method of a row of the table, as it is sent.
pub fn method(method: Method) -> &'static str {
    method.word()
}
