//! Work over many users in the real program: large files, and kills in the middle.

use crate::hook::Hook;
use crate::live::Live;
use crate::world::{PROVIDER, Person, World};
use portico::ids::CustomerId;
use portico::time::Clock;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// A world at the real time, so that its sessions hold in the real program too.
fn world() -> (World, CustomerId) {
    let world = World::new();
    world.clock.set(Clock::default().now());
    let reseller = world.reseller("Brightwater");
    let home = world.customer(reseller, "Aldermoor");
    (world, home)
}

/// So many users; each fifth reports to the last one of the file.
fn file(rows: usize) -> String {
    let mut text =
        "User principal name,First name,Last name,Display name,Department,Manager\r\n".to_owned();
    for n in 1..=rows {
        let boss = if n % 5 == 0 && n < rows { upn(rows) } else { String::new() };
        text += &format!("{},Ann{n},Tolliver,Ann Tolliver {n},Ward {},{boss}\r\n", upn(n), n % 20);
    }
    text
}

fn upn(n: usize) -> String {
    format!("ann{n}@aldermoor.example")
}

fn address(run: &str) -> String {
    format!("SELECT state FROM runs WHERE id = {}", run.trim_start_matches("/runs/"))
}

fn wait_for(what: &str, mut there: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(180);
    while !there() {
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Uploads the file, looks at its check and imports all that is good; where the run is watched.
fn import(live: &Live, admin: &Person, home: CustomerId, file: &str, check: &str) -> String {
    let up = live.upload(
        admin,
        &format!("/customers/{home}/users/import"),
        "staff.csv",
        file.as_bytes(),
    );
    let place = up.expect(303).header("location").to_owned();
    let page = live.page(admin, &place).expect(200);
    assert!(page.body.contains(check), "the check does not say {check}");
    let run = live.submit(admin, &place, &[("what", "all")]).expect(303);
    run.header("location").to_owned()
}

/// Everything an import may write but the run itself.
fn written(world: &World) -> i64 {
    world.count(
        "SELECT (SELECT count(*) FROM users) + (SELECT coalesce(sum(version), 0) FROM users)
              + (SELECT count(*) FROM user_names) + (SELECT count(*) FROM departments)
              + (SELECT count(*) FROM audit_log) + (SELECT count(*) FROM ledger)
              + (SELECT count(*) FROM requests) + (SELECT count(*) FROM messages)",
    )
}

/// Each row is there once, with its ledger row and its manager.
fn check_whole(world: &World, rows: i64) {
    let all = [
        ("SELECT count(*) FROM users WHERE upn LIKE 'ann%'", rows),
        ("SELECT count(*) FROM user_names WHERE name LIKE 'ann%'", rows),
        (
            "SELECT count(DISTINCT subject_id) FROM ledger JOIN users ON users.id = subject_id
           WHERE kind = 'user' AND action = 'added' AND upn LIKE 'ann%'",
            rows,
        ),
        (
            "SELECT count(*) FROM ledger JOIN users ON users.id = subject_id
           WHERE kind = 'user' AND upn LIKE 'ann%'",
            rows,
        ),
        ("SELECT count(*) FROM audit_log WHERE action = 'user.created'", rows),
        (
            "SELECT count(*) FROM users JOIN users AS boss ON boss.id = users.manager_id
           WHERE boss.upn = (SELECT upn FROM users WHERE upn LIKE 'ann%' ORDER BY id DESC LIMIT 1)",
            rows / 5 - 1,
        ),
        ("SELECT count(*) FROM audit_log WHERE action = 'users.imported'", 1),
        (
            "SELECT json_extract(detail, '$.created') FROM audit_log WHERE action = 'users.imported'",
            rows,
        ),
        ("SELECT json_extract(numbers, '$.created') FROM runs ORDER BY id LIMIT 1", rows),
        (
            "SELECT count(*) FROM run_lines WHERE run_id = (SELECT min(id) FROM runs) AND result = 'created'",
            rows,
        ),
    ];
    for (query, number) in all {
        assert_eq!(world.count(query), number, "{query}");
    }
}

/// Kilobytes the program holds in memory.
fn memory(live: &Live) -> i64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", live.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn ten_thousand_rows_show_their_progress_and_change_nothing_the_second_time() {
    let (world, home) = world();
    let admin = world.person(PROVIDER, "Provider administrator");
    // Files that it makes lie on another file system than its data, where there is one.
    let data = world.folder().to_str().unwrap();
    let elsewhere = std::path::Path::new("/dev/shm").is_dir().then_some("/dev/shm");
    let temporary = elsewhere.unwrap_or("/tmp");
    let line = ["serve", "--listen", "127.0.0.1:0", "--data", data];
    let live = Live::start_with(&line, &[("TMPDIR", temporary)]);
    let file = file(10_000);
    let run = import(&live, &admin, home, &file, "10000 new");
    let mut seen = BTreeSet::new();
    let mut last = live.page(&admin, &format!("{run}/live"));
    while last.status == 200 {
        let said =
            last.body.split(" of 10000 done").next().and_then(|text| text.rsplit('>').next());
        seen.extend(said.and_then(|text| text.parse::<i64>().ok()));
        std::thread::sleep(Duration::from_millis(100));
        last = live.page(&admin, &format!("{run}/live"));
    }
    assert_eq!((last.status, last.header("hx-refresh")), (286, "true"));
    let between = seen.iter().filter(|done| **done > 0 && **done < 10_000).count();
    assert!(between >= 3, "progress is not seen: {seen:?}");
    assert!(live.page(&admin, &run).expect(200).body.contains("10000 of 10000 done."));
    check_whole(&world, 10_000);
    assert_eq!(world.count("SELECT count(*) FROM messages"), 0, "no mail unless asked");

    let (before, held) = (written(&world), memory(&live));
    let run = import(&live, &admin, home, &file, "10000 unchanged");
    wait_for("the second run", || world.text(&address(&run)) == "done");
    assert_eq!(written(&world), before, "the same file writes nothing");
    let unchanged =
        "SELECT json_extract(numbers, '$.unchanged') FROM runs ORDER BY id DESC LIMIT 1";
    assert_eq!(world.count(unchanged), 10_000);
    let grown = memory(&live);
    assert!(grown < held + 40_000, "memory grew from {held} to {grown} KB");

    // All of them as a file, which is larger than what an answer may hold in memory.
    let target = format!("/api/v1/customers/{home}/users/export");
    let export = live.get(&target, admin.token()).expect(200);
    assert!(export.body.len() > 1 << 20, "{} bytes", export.body.len());
    let name = |line: &'_ str| -> Option<String> {
        line.split(',').find(|cell| cell.ends_with("@aldermoor.example")).map(str::to_owned)
    };
    let users: BTreeSet<String> = export.body.lines().filter_map(name).collect();
    assert_eq!(users.len(), 10_000, "{}", export.body.lines().next().unwrap_or_default());
}

#[test]
fn an_import_that_was_killed_and_stopped_goes_on_where_it_was() {
    let (world, home) = world();
    let admin = world.person(PROVIDER, "Provider administrator");
    let mut live = Live::of(&world);
    let run = import(&live, &admin, home, &file(3_000), "3000 new");
    let done = || world.count("SELECT done FROM runs");
    for (least, kill) in [(400, true), (1_200, false), (2_000, true)] {
        wait_for("some rows", || done() >= least);
        if kill {
            live.kill()
        } else {
            assert!(live.stop().success())
        }
        assert!((least..3_000).contains(&done()), "it was to be stopped in the middle: {}", done());
        let state = world.text(&address(&run));
        assert_eq!(state, if kill { "running" } else { "queued" });
        live = Live::of(&world);
    }
    wait_for("the run", || world.text(&address(&run)) == "done");
    check_whole(&world, 3_000);
    let before = written(&world);
    let run = import(&live, &admin, home, &file(3_000), "3000 unchanged");
    wait_for("the second run", || world.text(&address(&run)) == "done");
    assert_eq!(written(&world), before);
}

#[test]
fn a_gift_to_many_that_was_killed_reaches_each_once() {
    const USERS: i64 = 400;
    let (world, home) = world();
    let hook = Hook::start();
    let admin = world.person(PROVIDER, "Provider administrator");
    let body =
        json!({ "kind": "webhook", "name": "Desk", "url": hook.url, "networks": ["127.0.0.0/8"] });
    let connector = admin.api_post("/connectors", body).expect(201).id();
    let body = json!({ "code": "workplace", "name": "Managed workplace", "kind": "user" });
    admin.api_post("/services", body).expect(201);
    let body = json!({ "code": "STD", "name": "Standard", "price": "18.00" });
    admin.api_post("/services/workplace/plans", body).expect(201);
    let body = json!({ "connectors": [connector], "on_error": "stop" });
    admin.api("PUT", "/services/workplace/rules", body).expect(200);
    admin.api_post("/services/workplace/activate", json!({})).expect(200);
    let reseller = world.count(&format!("SELECT parent_id FROM customers WHERE id = {home}"));
    let body = json!({ "service": "workplace", "plans": ["STD"], "limits": { "all": 500 } });
    admin.api_post(&format!("/customers/{reseller}/offers"), body).expect(201);
    let body = json!({ "service": "workplace" });
    admin.api_post(&format!("/customers/{home}/services"), body).expect(202);
    for n in 0..USERS {
        world.user(home, &format!("Ann {n}"), &format!("ann{n}"));
    }

    let mut live = Live::of(&world);
    let body = json!({ "service": "workplace", "plan": "STD", "all": true });
    let order = format!("/api/v1/customers/{home}/users/services");
    let run =
        live.post(&order, admin.token(), &body).expect(202).json()["run_id"].as_i64().unwrap();
    let done = || world.count(&format!("SELECT done FROM runs WHERE id = {run}"));
    for least in [50, 150, 250] {
        wait_for("some users", || done() >= least);
        live.kill();
        assert!((least..USERS).contains(&done()), "it was to be killed in the middle: {}", done());
        live = Live::of(&world);
    }
    let state = format!("SELECT state FROM runs WHERE id = {run}");
    wait_for("the run", || world.text(&state) == "done");
    let open = "SELECT count(*) FROM requests WHERE status NOT IN ('done', 'failed', 'cancelled')";
    wait_for("the requests", || world.count(open) == 0);

    let all = [
        ("SELECT count(*) FROM user_services WHERE live = 'on'", USERS),
        ("SELECT count(DISTINCT user_id) FROM user_services", USERS),
        (
            "SELECT count(*) FROM requests WHERE event = 'user_service.provision' AND status = 'done'",
            USERS,
        ),
        ("SELECT count(*) FROM requests WHERE event = 'user_service.provision'", USERS),
        ("SELECT count(*) FROM ledger WHERE kind = 'user_service'", USERS),
        (
            "SELECT count(DISTINCT subject_id) FROM ledger WHERE kind = 'user_service' AND action = 'added'",
            USERS,
        ),
        ("SELECT min(used) FROM usage WHERE meter = 'seats' AND used > 0", USERS),
        ("SELECT max(used) FROM usage WHERE meter = 'seats'", USERS),
        ("SELECT json_extract(numbers, '$.given') FROM runs", USERS),
    ];
    for (query, number) in all {
        assert_eq!(world.count(query), number, "{query}");
    }
    let calls = hook.calls();
    let keys: BTreeSet<&str> = calls.iter().map(|call| call.key()).collect();
    let people: BTreeSet<String> =
        calls.iter().map(|call| call.body["user"]["id"].to_string()).collect();
    let all = usize::try_from(USERS).unwrap();
    assert_eq!(
        (keys.len(), people.len()),
        (all, all),
        "one key for each, however often it was sent"
    );
}
