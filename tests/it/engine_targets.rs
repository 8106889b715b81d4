//! The targets of the engine as ratios of work, not of time, so that they hold on a busy machine too:
//! commits, pages written, and steps of SQLite for each look at what waits.

use crate::engine::{Stage, post, request};
use crate::engine_watched::effort;
use portico::db::{By, Via};
use portico::engine::{self, Action, Class, NewStep};
use portico::error::Result;
use portico::ids::RequestId;
use rusqlite::Connection;
use serde_json::json;
use std::collections::BTreeMap;

/// What a store has written since nobody could begin its log anew: pages, and commits among them.
fn written(stage: &Stage) -> (usize, usize) {
    let log = std::fs::read(stage.world.folder().join("portico.db-wal")).unwrap();
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let page = usize::try_from(number(8)).unwrap();
    let (salt, mut at, mut pages, mut commits) = (&log[16..24], 32, 0, 0);
    while at + 24 + page <= log.len() && &log[at + 8..at + 16] == salt {
        pages += 1;
        commits += usize::from(number(at + 4) != 0);
        at += 24 + page;
    }
    (pages, commits)
}

/// Keeps the log from beginning anew while it lives.
fn reader(stage: &Stage) -> Connection {
    let sql = stage.world.sql();
    sql.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); BEGIN; SELECT count(*) FROM requests;")
        .unwrap();
    sql
}

/// A step that is leased and answered like any other, and does nothing.
fn nothing(n: i64) -> NewStep {
    NewStep {
        key: format!("nothing{n}"),
        title: format!("Nothing {n}"),
        action: Action::Reseller,
        connector: None,
        params: json!({ "on": false }),
        ..post(portico::ids::ConnectorId(0))
    }
}

/// As many of the rows that accepting writes, by hand.
const PLAIN: &str = "
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4999)
    INSERT INTO requests (customer_id, event, user_id, customer_service_id, user_service_id, title, queue, class, connector_id,
                          source, created_at, deadline_at, next_at)
    SELECT held.customer_id, 'user_service.provision', held.user_id, held.customer_service_id, held.id, 'Give Desk', 'bulk', 'bulk',
           (SELECT max(id) FROM connectors), 'page', '2026-03-10T08:00:00Z', '2026-03-11T08:00:00Z', '2026-03-10T08:00:00Z'
      FROM n JOIN user_services held ON held.id = (SELECT min(id) FROM user_services) + i % 100;
    INSERT INTO steps (request_id, seq, key, title, action, connector_id, params, on_error)
    SELECT id, 1, 'post', 'Tell the desk', 'webhook.send', connector_id, '{}', 'stop' FROM requests ORDER BY id;";

#[test]
fn p_58_a_request_of_three_steps_takes_no_more_than_eight_commits() {
    let stage = Stage::new();
    let of = stage.customer("Aldermoor");
    let users: Vec<_> = (0..60).map(|n| stage.user(of, &format!("user{n}"))).collect();
    let hold = reader(&stage);
    let all: Vec<RequestId> = users
        .iter()
        .map(|user| stage.give(of, *user, vec![nothing(1), nothing(2), nothing(3)]))
        .collect();
    let engine = stage.start();
    all.iter().for_each(|id| stage.ends(*id, "done"));
    engine.stop();
    let (_, commits) = written(&stage);
    drop(hold);
    assert!(commits > 0 && commits <= all.len() * 8, "{commits} commits for {}", all.len());
    assert_eq!(stage.world.count("SELECT count(*) FROM step_attempts WHERE outcome = 'done'"), 180);
}

#[test]
fn p_58_accepting_five_thousand_writes_no_more_than_three_times_their_rows() {
    let scene = || {
        let stage = Stage::new();
        let desk = stage.webhook("Desk", "http://127.0.0.1:9/hook");
        let of = stage.customer("Aldermoor");
        let users: Vec<_> = (0..100).map(|n| stage.user(of, &format!("user{n}"))).collect();
        (stage, desk, of, users)
    };
    let (plain, ..) = scene();
    let hold = reader(&plain);
    let sql = plain.world.sql();
    sql.execute_batch(&format!("BEGIN IMMEDIATE; {PLAIN} COMMIT;")).unwrap();
    let (rows, _) = written(&plain);
    drop((hold, sql));
    let (stage, desk, of, users) = scene();
    let hold = reader(&stage);
    let accepted = stage.world.app.db.write(By::portico(Via::Shell), |tx| {
        let each = users.iter().cycle().take(5_000);
        each.map(|user| engine::accept(tx, request(of, Some(*user), Class::Bulk, vec![post(desk)])))
            .collect::<Result<Vec<RequestId>>>()
    });
    assert_eq!(accepted.unwrap().len(), 5_000);
    let (pages, commits) = written(&stage);
    drop(hold);
    assert_eq!(commits, 1, "one order, one commit");
    assert!(rows > 100 && pages <= rows * 3, "{pages} pages, {rows} by hand");
    for store in [&plain, &stage] {
        assert_eq!(store.world.count("SELECT count(*) FROM steps"), 5_000);
    }
}

/// Statements that got dearer than `times` what they were, but for a little.
fn dearer(
    before: &BTreeMap<String, i32>,
    after: &BTreeMap<String, i32>,
    tenths: i32,
) -> Vec<String> {
    let all = before.iter().map(|(sql, steps)| (sql, *steps, after[sql]));
    all.filter(|(_, before, after)| *after > before / 10 * tenths + 100)
        .map(|(sql, before, after)| format!("{before} steps, then {after}: {sql}"))
        .collect()
}

/// More that wait, of many users of one customer, behind a connector.
fn more(stage: &Stage, like: RequestId, number: i64) {
    let sql = stage.world.sql();
    sql.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
         INSERT INTO requests (customer_id, event, user_id, customer_service_id, user_service_id, title, queue, class,
                               connector_id, source, created_at, deadline_at, next_at)
         SELECT customer_id, event, user_id, customer_service_id, user_service_id, title, queue, class, connector_id, source,
                created_at, deadline_at, next_at
           FROM n JOIN requests r ON r.id = ?1",
        (like, number),
    )
    .unwrap();
    sql.execute(
        "INSERT INTO steps (request_id, seq, key, title, action, connector_id, params, on_error)
         SELECT id, 1, 'post', 'Tell the desk', 'webhook.send', connector_id, '{}', 'stop' FROM requests
          WHERE id NOT IN (SELECT request_id FROM steps)",
        [],
    )
    .unwrap();
}

#[test]
fn p_58_the_next_step_is_no_dearer_with_a_hundred_thousand_waiting_or_beside_what_hangs() {
    let stage = Stage::new();
    let (desk, hangs) = (
        stage.webhook("Desk", "http://127.0.0.1:9/hook"),
        stage.webhook("Hangs", "http://127.0.0.1:9/hook"),
    );
    let of = stage.customer("Aldermoor");
    let other = stage.customer("Bramwell");
    let first = stage.give(of, stage.user(of, "ann"), vec![post(desk)]);
    let like = stage.give(of, stage.user(of, "ben"), vec![post(desk)]);
    more(&stage, like, 1_000);
    let few = effort(&stage, first);
    // What hangs: four calls in hand, as many as may be, and a hundred times more behind them.
    let stuck = stage.give(other, stage.user(other, "cid"), vec![post(hangs)]);
    more(&stage, stuck, 10_000);
    stage
        .world
        .sql()
        .execute_batch(&format!(
            "UPDATE steps SET status = 'running', lease = 'x', lease_until = '9998-01-01T00:00:00Z', lease_boot = 'y'
              WHERE id IN (SELECT id FROM steps WHERE connector_id = {hangs} ORDER BY id LIMIT 4);
             UPDATE requests SET turn = 'busy', status = 'running'
              WHERE id IN (SELECT request_id FROM steps WHERE lease = 'x');
             UPDATE connectors SET failures = 5, down_until = '9998-01-01T00:00:00Z' WHERE id = {hangs};"
        ))
        .unwrap();
    let beside = dearer(&few, &effort(&stage, first), 11);
    assert!(beside.is_empty(), "{}", beside.join("\n"));
    more(&stage, like, 99_000);
    let many = dearer(&few, &effort(&stage, first), 30);
    assert!(many.is_empty(), "{}", many.join("\n"));
    assert!(stage.world.count("SELECT count(*) FROM requests WHERE turn = 'ready'") > 100_000);
}
