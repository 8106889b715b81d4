//! What holds for every table, those not yet thought of included.

use regex::Regex;
use rusqlite::Connection;
use std::collections::BTreeMap;

#[test]
fn every_table_is_strict() {
    let lax = names(
        "SELECT name FROM pragma_table_list
          WHERE schema = 'main' AND type = 'table' AND NOT strict AND name NOT LIKE 'sqlite_%'",
    );
    assert_eq!(lax, [""; 0], "tables that are not STRICT");
    let foreign = names(
        "SELECT name FROM sqlite_schema
          WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL%' AND sql NOT LIKE '%USING fts5%'",
    );
    assert_eq!(foreign, [""; 0], "virtual tables that are not for searching");
}

/// Without one, deleting a row reads all of the table that points at it.
#[test]
fn every_foreign_key_is_indexed() {
    let sql = store();
    let mut without = Vec::new();
    for table in
        names("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'")
    {
        let indexes = indexes(&sql, &table);
        for columns in foreign_keys(&sql, &table) {
            let telling =
                columns.iter().filter(|c| !["customer_id", "service_id"].contains(&c.as_str()));
            let telling = telling.collect::<Vec<_>>();
            let covers = |index: &Vec<String>| {
                let leading = index.get(..columns.len()).unwrap_or_default();
                let whole = columns.iter().all(|column| leading.contains(column));
                whole || (columns.len() > 1 && index.first().is_some_and(|c| telling.contains(&c)))
            };
            if !indexes.iter().any(covers) {
                without.push(format!("{table} ({})", columns.join(", ")));
            }
        }
    }
    assert_eq!(without, [""; 0], "foreign keys without an index");
}

/// A key that points at columns which are not unique is refused only when the first row comes.
#[test]
fn every_foreign_key_points_at_something_unique() {
    let sql = store();
    let broken: i64 =
        sql.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |r| r.get(0)).unwrap();
    assert_eq!(broken, 0);
    let missing = names(
        "SELECT t.name || ' -> ' || fk.\"table\"
           FROM pragma_table_list t, pragma_foreign_key_list(t.name) fk
          WHERE t.schema = 'main'
            AND NOT EXISTS (SELECT 1 FROM sqlite_schema s WHERE s.name = fk.\"table\")",
    );
    assert_eq!(missing, [""; 0], "foreign keys to tables that do not exist");
}

#[test]
fn every_table_is_explained() {
    let table = Regex::new(r"^CREATE (?:VIRTUAL )?TABLE (\w+)").unwrap();
    let mut before = "";
    let mut bare = Vec::new();
    let schema = schema();
    for line in schema.lines() {
        if let Some(found) = table.captures(line)
            && (!before.starts_with("-- ") || before.ends_with("---"))
        {
            bare.push(found[1].to_owned());
        }
        before = line;
    }
    assert_eq!(bare, [""; 0], "tables without a comment above them in schema.sql");
}

fn schema() -> String {
    std::fs::read_to_string("schema.sql").unwrap()
}

fn store() -> Connection {
    let sql = Connection::open_in_memory().unwrap();
    sql.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    sql.execute_batch(&schema()).unwrap();
    sql
}

fn names(query: &str) -> Vec<String> {
    let sql = store();
    let mut statement = sql.prepare(query).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// The columns of each foreign key.
fn foreign_keys(sql: &Connection, table: &str) -> Vec<Vec<String>> {
    let mut statement = sql
        .prepare("SELECT id, \"from\" FROM pragma_foreign_key_list(?1) ORDER BY id, seq")
        .unwrap();
    let rows = statement.query_map([table], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let mut keys: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for (id, column) in rows.map(Result::unwrap) {
        keys.entry(id).or_default().push(column);
    }
    keys.into_values().collect()
}

/// The columns of each index that a foreign key can use: whole ones, those that leave out only
/// NULL, and the row id.
fn indexes(sql: &Connection, table: &str) -> Vec<Vec<String>> {
    let mut statement = sql
        .prepare(
            "SELECT i.name, i.partial, coalesce(s.sql, '')
               FROM pragma_index_list(?1) i LEFT JOIN sqlite_schema s ON s.name = i.name",
        )
        .unwrap();
    let rows = statement
        .query_map([table], |row| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?)))
        .unwrap();
    let mut found = Vec::new();
    for (name, partial, definition) in rows.map(Result::unwrap) {
        let (partial, definition): (bool, String) = (partial, definition);
        let columns =
            column_names(sql, "SELECT name FROM pragma_index_info(?1) ORDER BY seqno", &name);
        let only_null = columns.first().is_some_and(|column| {
            definition.trim_end().ends_with(&format!("WHERE {column} IS NOT NULL"))
        });
        if !partial || only_null {
            found.push(columns);
        }
    }
    found.push(column_names(
        sql,
        "SELECT name FROM pragma_table_info(?1) WHERE pk = 1 AND type = 'INTEGER'",
        table,
    ));
    found
}

fn column_names(sql: &Connection, query: &str, of: &str) -> Vec<String> {
    let mut statement = sql.prepare(query).unwrap();
    let rows = statement.query_map([of], |row| row.get::<_, Option<String>>(0)).unwrap();
    rows.map(|name| name.unwrap().unwrap_or_default()).collect()
}
