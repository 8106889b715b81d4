//! Jobs by hand and by the clock, through the real threads.

use crate::world::{PROVIDER, World};
use portico::jobs;
use serde_json::json;
use std::time::{Duration, Instant};

fn wait_for(what: &str, mut there: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !there() {
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_job_runs_by_hand_and_says_what_it_did() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let handle = jobs::start(&world.app).unwrap();
    wait_for("the jobs to be made", || world.count("SELECT count(*) FROM jobs") > 0);
    let listed = admin.api_get("/jobs").expect(200).json();
    let upkeep =
        listed["items"].as_array().unwrap().iter().find(|job| job["label"] == "Upkeep").unwrap();
    let id = upkeep["id"].as_i64().unwrap();
    let run = admin.api_post(&format!("/jobs/{id}/run"), json!({})).expect(202).json()["run_id"]
        .as_i64()
        .unwrap();
    wait_for("the run to end", || admin.api_get(&format!("/runs/{run}")).json()["state"] == "done");
    let lines = admin.api_get(&format!("/runs/{run}/lines")).expect(200).json();
    assert!(lines["items"].as_array().unwrap().len() > 3);
    let page = admin.get(&format!("/runs/{run}")).expect(200);
    assert!(page.says("answers to repeated writes") && page.says("Done"));
    assert!(admin.get("/jobs").says("Upkeep") && admin.get(&format!("/jobs/{id}")).says("Done"));
    assert_eq!(admin.get(&format!("/runs/{run}/live")).status, 286);
    handle.stop();
}

#[test]
fn the_clock_makes_one_run_for_all_missed_instants() {
    let world = World::new();
    let handle = jobs::start(&world.app).unwrap();
    wait_for("the jobs to be made", || world.count("SELECT count(*) FROM jobs") > 0);
    world.later(5 * 86_400);
    world.app.db.bells.runs.ring();
    let done = "SELECT count(*) FROM runs JOIN jobs ON jobs.id = job_id WHERE label = 'Upkeep' AND state = 'done'";
    wait_for("the missed run", || world.count(done) == 1);
    handle.stop();
    assert_eq!(
        world.text("SELECT cause FROM runs JOIN jobs ON jobs.id = job_id WHERE label = 'Upkeep'"),
        "missed"
    );
}

#[test]
fn runs_of_others_are_not_there() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let reseller = world.reseller("Brightwater");
    let stranger = world.person(reseller, "Reseller administrator");
    let sql = "INSERT INTO runs (kind, customer_id, user_id, cause, due_at) VALUES ('nothing.known', 1, ?1, 'manual', '2026-01-01T00:00:00Z') RETURNING id";
    let run: i64 = world.sql().query_row(sql, [admin.id], |r| r.get(0)).unwrap();
    for url in [format!("/runs/{run}"), format!("/runs/{run}/live")] {
        assert_eq!(stranger.get(&url).status, 404);
    }
    assert_eq!(stranger.api_get(&format!("/runs/{run}")).status, 404);
    assert_eq!(stranger.api_post(&format!("/runs/{run}/cancel"), json!({})).status, 404);
    assert_eq!(stranger.get("/jobs").status, 403);
    assert_eq!(world.text("SELECT state FROM runs"), "queued");
    assert_eq!(admin.api_post(&format!("/runs/{run}/cancel"), json!({})).status, 202);
    assert_eq!(world.text("SELECT state FROM runs"), "cancelled");
}
