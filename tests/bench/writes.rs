//! Durable writes: many at once through the shared commit, against SQLite alone, one after the other.

use crate::goals::{Goals, short};
use crate::store::{Store, sql};
use portico::db::{By, Db, Via};
use rusqlite::Connection;
use std::time::Instant;

const WRITERS: i64 = 64;
const EACH: i64 = 40;
const ALONE: i64 = 600;

const UPDATE: &str =
    "UPDATE users SET job_title = ?2, version = version + 1, changed_at = ?3 WHERE id = ?1";
const INSERT: &str =
    "INSERT INTO audit_log (at, via, action, subject_kind, subject_id, customer_id)
     VALUES (?2, 'page', 'user.updated', 'user', ?1, 1)";
const AT: &str = "2026-01-01T09:00:00Z";

pub fn commits(goals: &mut Goals, store: &Store) {
    let folder = store.copy("writes");
    let file = folder.join("portico.db");
    let (mut shared, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        alone.push(one_by_one(&sql(&file)));
        shared.push(together(&Db::open(&file).unwrap()));
    }
    let (shared, alone) = (middle(shared), middle(alone));
    let what = format!(
        "{WRITERS} writers sharing commits / one connection ({} / {} a second)",
        short(shared),
        short(alone)
    );
    goals.at_least(&what, 2.5, "", shared / alone);
    let _ = std::fs::remove_dir_all(folder);
}

fn one_by_one(sql: &Connection) -> f64 {
    sql.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON").unwrap();
    let began = Instant::now();
    for n in 0..ALONE {
        let id = n % 900 + 1;
        sql.execute_batch("BEGIN IMMEDIATE").unwrap();
        let title = format!("Clerk {n}");
        sql.prepare_cached(UPDATE).unwrap().execute((id, title, AT)).unwrap();
        sql.prepare_cached(INSERT).unwrap().execute((id, AT)).unwrap();
        sql.execute_batch("COMMIT").unwrap();
    }
    ALONE as f64 / began.elapsed().as_secs_f64()
}

fn together(db: &Db) -> f64 {
    let began = Instant::now();
    std::thread::scope(|threads| {
        for writer in 0..WRITERS {
            threads.spawn(move || {
                for n in 0..EACH {
                    let id = (writer * EACH + n) % 900 + 1;
                    db.write(By::portico(Via::Shell), |tx| {
                        tx.run(UPDATE, (id, format!("Clerk {writer} {n}"), AT))?;
                        tx.run(INSERT, (id, AT))
                    })
                    .unwrap();
                }
            });
        }
    });
    (WRITERS * EACH) as f64 / began.elapsed().as_secs_f64()
}

/// The one in the middle.
pub fn middle(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}
