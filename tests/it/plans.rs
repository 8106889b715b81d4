//! How the store finds the rows of every statement there is: none walks all of a table that grows.

use crate::world::{PROVIDER, World};
use regex::Regex;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Tables that grow with customers, users, work or time.
const GROWING: &[&str] = &[
    "audit_log",
    "bills",
    "customer_contacts",
    "customer_domains",
    "customer_locations",
    "customer_service_plans",
    "customer_services",
    "customer_settings",
    "customer_tree",
    "customers",
    "departments",
    "devices",
    "domains",
    "frozen_items",
    "idempotency_keys",
    "invoice_lines",
    "invoices",
    "lanes",
    "ledger",
    "ledger_spans",
    "links",
    "messages",
    "offboarding_steps",
    "offboardings",
    "pins",
    "previews",
    "prices",
    "property_values",
    "reach",
    "requests",
    "role_grants",
    "run_lines",
    "runs",
    "sessions",
    "sign_ins",
    "step_attempts",
    "steps",
    "summary_lines",
    "suspensions",
    "uploads",
    "user_external_emails",
    "user_external_ids",
    "user_names",
    "user_services",
    "users",
    "views",
];

/// What may walk a table all the same: the file, how the statement begins, and why.
const ALLOWED: &[(&str, &str, &str)] = &[
    ("src/billing/book/store.rs", "SELECT id, parent_id, currency", "a bill run reads everybody"),
    (
        "src/customers/finding/store.rs",
        "SELECT (SELECT count(*) FROM customers)",
        "an index counts its pages",
    ),
    ("src/engine/figures/store.rs", "SELECT status, count(*)", "numbers for watching count all"),
    ("src/ledger/store.rs", "SELECT kind, subject_id, from_id AS row", "doctor reads all"),
    ("src/offers/recount/store.rs", "WITH taken", "doctor and a nightly job count all"),
    ("src/ledger/store.rs", "DELETE FROM ledger_spans", "doctor makes all anew"),
    ("src/ledger/store.rs", "WITH replayed AS", "doctor replays all"),
    ("src/prices/store.rs", "SELECT id, list_id, seller_id", "a bill run reads every price"),
    ("src/billing/store.rs", "SELECT min(coalesce((SELECT effective_at", "the oldest row alone"),
    ("src/catalogue/store.rs", "DELETE FROM prices WHERE service = ?1", "a service goes for good"),
    (
        "src/catalogue/store.rs",
        "SELECT name FROM customers\n          WHERE id IN",
        "names in order",
    ),
    ("src/jobs/store.rs", "SELECT id, job_id, kind", "the head of statements, never run alone"),
    ("src/today/store.rs", "SELECT ends_on\n           FROM periods", "it stops at the first"),
    ("src/setup/store.rs", "SELECT NOT EXISTS (SELECT 1 FROM customers)", "the first row alone"),
    ("src/upkeep/store.rs", "DELETE FROM sessions", "nightly, and only who signed in lately"),
    ("src/upkeep/store.rs", "DELETE FROM links", "nightly, and those of some days"),
];

pub struct Statement {
    file: String,
    pub sql: String,
}

fn stores() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![PathBuf::from("src")];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The statements in a file, with the head that a macro puts before its part of one.
pub fn statements(path: &Path) -> Vec<Statement> {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let head =
        Regex::new(r#"(?s)macro_rules! (\w+) \{.*?concat!\(\s*"((?:[^"\\]|\\.)*)",\s*\$rest"#)
            .unwrap();
    let heads: BTreeMap<&str, &str> = head
        .captures_iter(text)
        .map(|found| (found.get(1).unwrap().as_str(), found.get(2).unwrap().as_str()))
        .collect();
    let token = Regex::new(concat!(
        r"(?s)//[^\n]*",
        r##"|r#+".*?"#+"##,
        r#"|(?:(?P<macro>\w+)!\(\s*)?"(?P<text>(?:[^"\\]|\\.)*)""#,
        r"|'(?:[^'\\\n]|\\[^\n']+|\\')'",
    ))
    .unwrap();
    let begins = Regex::new(r"^\s*(SELECT|WITH|UPDATE|DELETE)\s+[\w(]").unwrap();
    let joined = Regex::new(r"\\\n\s*").unwrap();
    let mut all = Vec::new();
    for found in token.captures_iter(text) {
        let Some(part) = found.name("text").map(|part| part.as_str()) else { continue };
        let head = found.name("macro").and_then(|name| heads.get(name.as_str()));
        if head.is_none() && heads.values().any(|head| *head == part) {
            continue;
        }
        let whole = format!("{}{part}", head.unwrap_or(&""));
        let sql = joined.replace_all(&whole, "").replace("\\\"", "\"").replace("\\\\", "\\");
        let made = sql.contains('{') || sql.contains(";\n");
        if begins.is_match(&sql) && !made {
            all.push(Statement { file: path.to_str().unwrap().to_owned(), sql });
        }
    }
    all
}

/// What a statement calls the growing tables it reads.
fn called(sql: &str) -> BTreeSet<String> {
    let named = Regex::new(r"(?:FROM|JOIN|,|UPDATE)\s+(\w+)(?:\s+(?:AS\s+)?([a-z]\w*))?").unwrap();
    let mut names = BTreeSet::new();
    for found in named.captures_iter(sql) {
        if GROWING.contains(&&found[1]) {
            names.insert(found[1].to_owned());
            names.extend(found.get(2).map(|name| name.as_str().to_owned()));
        }
    }
    names
}

/// The steps of a plan that walk a growing table: by no index, or by one and to its end. An index
/// over part of a table holds only what waits for somebody.
fn walks(sql: &Connection, statement: &Statement) -> Vec<String> {
    let mut plan = sql
        .prepare(&format!("EXPLAIN QUERY PLAN {}", statement.sql))
        .unwrap_or_else(|err| panic!("{}: {err}: {}", statement.file, statement.sql));
    let steps = plan.raw_query().mapped(|row| row.get::<_, String>("detail"));
    let step = Regex::new(r"^SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?").unwrap();
    let names = called(&statement.sql);
    let partial = |index: &str| {
        sql.query_row(
            "SELECT sql LIKE '% WHERE %' FROM sqlite_schema WHERE name = ?1",
            [index],
            |row| row.get::<_, Option<bool>>(0),
        )
        .unwrap()
        .unwrap_or(false)
    };
    let mut bad = Vec::new();
    for detail in steps.map(Result::unwrap) {
        let Some(found) = step.captures(&detail) else { continue };
        if !names.contains(&found[1]) {
            continue;
        }
        let bounded = found
            .get(2)
            .is_some_and(|index| statement.sql.contains("LIMIT") || partial(index.as_str()));
        if !bounded {
            bad.push(detail);
        }
    }
    bad
}

fn violations(sql: &Connection) -> Vec<String> {
    let mut told = Vec::new();
    let mut seen = 0;
    let mut used = BTreeSet::new();
    for path in stores() {
        for statement in statements(&path) {
            seen += 1;
            let bad = walks(sql, &statement);
            let start = statement.sql.trim_start();
            let allowed = ALLOWED
                .iter()
                .position(|(file, begins, _)| *file == statement.file && start.starts_with(begins));
            match allowed {
                Some(n) => {
                    used.insert(n);
                }
                None => told
                    .extend(bad.iter().map(|step| format!("{}: {step}: {start}", statement.file))),
            }
        }
    }
    assert!(seen > 300, "only {seen} statements were found");
    assert_eq!(used.len(), ALLOWED.len(), "something is allowed that is not there: {used:?}");
    told
}

#[test]
fn no_statement_walks_a_table_that_grows() {
    let world = World::new();
    let told = violations(&world.sql());
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// Rows enough that a planner who counted them would not walk.
const FILL: &str = "
PRAGMA foreign_keys = OFF;
CREATE TEMP TABLE n AS WITH RECURSIVE up(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM up WHERE i < 4000) SELECT i FROM up;
INSERT INTO customers (id, parent_id, code, name, billing_id, external_id, created_at, changed_at)
  SELECT i, 1, 'fill' || i, 'Fill ' || i, 'b' || i, 'e' || i, :now, :now FROM n WHERE i < 500;
INSERT INTO requests (customer_id, customer_service_id, user_service_id, user_id, event, title, queue, class, status, turn, source, created_at, deadline_at, next_at)
  SELECT 100 + i % 400, i % 800, i, i, 'user.created', 'Fill', 'interactive', 'interactive', iif(i % 10, 'done', 'failed'), 'over', 'api', :now, :now, :now FROM n;
INSERT INTO messages (customer_id, event, class, to_address, subject, text, html, message_id, state, next_at, created_at)
  SELECT 100 + i % 400, 'user.invited', 'owed', 'a@b.example', 'x', 'x', 'x', 'm' || i, iif(i % 10, 'sent', 'failed'), :now, :now FROM n;
INSERT INTO runs (job_id, kind, customer_id, cause, due_at, ended_at, state) SELECT i % 40, 'users.import', 100 + i % 400, 'manual', 'd' || i, 'd' || i, 'done' FROM n;
INSERT INTO ledger (at, effective_at, day, kind, subject_id, action, customer_id, service, source)
  SELECT :now, :now, substr(:now, 1, 10), CASE i % 7 WHEN 0 THEN 'customer' WHEN 1 THEN 'user' WHEN 2 THEN 'domain' WHEN 3 THEN 'customer_service' WHEN 4 THEN 'usage' ELSE 'user_service' END, i, 'added', 100 + i % 400, 'mail', 'api' FROM n;
INSERT INTO ledger_spans (kind, subject_id, customer_id, service, quantity, facts, from_id, begins_at)
  SELECT CASE i % 7 WHEN 0 THEN 'customer' WHEN 1 THEN 'user' WHEN 2 THEN 'domain' WHEN 3 THEN 'customer_service' WHEN 4 THEN 'usage' ELSE 'user_service' END, i, 100 + i % 400, 'mail', 1000, '{}', i, :now FROM n;
ANALYZE;
";

#[test]
fn nor_does_it_in_a_store_that_was_filled_and_counted() {
    let world = World::new();
    let _ = world.person(PROVIDER, "Provider administrator");
    let now = format!("'{}'", world.now());
    let one: i64 = world.count("SELECT max(id) FROM users");
    let sql = world.sql();
    sql.execute_batch(&FILL.replace(":now", &now)).unwrap();
    let columns = "state, created_at, changed_at, upn, mail, display_name, customer_id, username";
    let users = format!(
        "INSERT INTO users ({columns}) SELECT 'active', created_at, changed_at, 'u' || i, 'u' || i, 'Fill ' || i, 100 + i % 400, 'u' || i
           FROM temp.n, users WHERE users.id = {one}; ANALYZE;"
    );
    sql.execute_batch(&users).unwrap();
    // Of what has a row or two, walking those would be right: nothing is known of it instead.
    sql.execute_batch("DELETE FROM sqlite_stat1 WHERE CAST(stat AS INTEGER) < 300").unwrap();
    drop(sql);
    let told = violations(&world.sql());
    assert!(told.is_empty(), "{}", told.join("\n"));
}
