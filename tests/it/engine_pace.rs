//! Who is served when, and who waits for whom: told by the order of calls and by their number, never
//! by the clock.

use crate::engine::{Gate, Hit, Sink, Stage, answer, post, request};
use crate::world::PROVIDER;
use parking_lot::Mutex;
use portico::db::{By, Via};
use portico::engine::{Class, NewRequest, NewStep};
use portico::ids::RequestId;
use rusqlite::named_params;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

fn behind(gate: &Gate) -> Sink {
    let gate = gate.clone();
    Sink::with(move |_, _| {
        gate.pass();
        answer(200, "{}")
    })
}

/// The code of the customer that a call is about.
fn whose(hit: &Hit) -> String {
    hit.body["customer"]["code"].as_str().unwrap().to_owned()
}

fn two(desk: portico::ids::ConnectorId) -> Vec<NewStep> {
    vec![post(desk), NewStep { key: "two".into(), ..post(desk) }]
}

/// The calls of a request whose steps begin at number `step`.
fn of_step(hits: &[Hit], step: i64) -> &Hit {
    hits.iter().find(|hit| hit.key.ends_with(&format!("-{step}"))).unwrap()
}

fn turn(stage: &Stage, id: RequestId) -> String {
    stage.world.text(&format!("SELECT turn FROM requests WHERE id = {id}"))
}

fn set(stage: &Stage, body: Value) {
    let admin = stage.world.person(PROVIDER, "Provider administrator");
    admin.api_patch("/queues/interactive", body).expect(204);
}

#[test]
fn p_44_steps_of_a_user_never_interleave_and_users_go_side_by_side() {
    let (stage, gate) = (Stage::new(), Gate::default());
    let sink = behind(&gate);
    let desk = stage.webhook("Desk", &sink.url());
    let of = stage.customer("Aldermoor");
    let users: Vec<_> = ["ann", "bea", "cem"].map(|local| stage.user(of, local)).into();
    let mut all = Vec::new();
    for _ in 0..3 {
        for user in &users {
            all.push(stage.give(of, *user, two(desk)));
        }
    }
    let engine = stage.start();
    stage.until("two users are at it at once", || sink.open.load(Ordering::SeqCst) == 2);
    gate.opens();
    for id in &all {
        stage.ends(*id, "done");
    }
    engine.stop();
    let hits = sink.hits();
    for user in &users {
        let own: Vec<_> =
            hits.iter().filter(|hit| hit.body["user"]["id"] == json!(user.0)).collect();
        assert_eq!(own.len(), 6);
        for pair in own.windows(2) {
            assert!(pair[0].ended.unwrap() <= pair[1].began, "two at once for one user");
        }
        let steps: Vec<i64> =
            own.iter().map(|hit| hit.key.rsplit_once('-').unwrap().1.parse().unwrap()).collect();
        assert!(steps.is_sorted(), "in the order in which they were accepted: {steps:?}");
    }
}

#[test]
fn p_44_what_is_done_to_a_customer_waits_for_its_users_and_holds_up_nobody_else() {
    for event in ["customer.disable", "customer_service.update"] {
        let (stage, gate) = (Stage::new(), Gate::default());
        let sink = behind(&gate);
        let desk = stage.webhook("Desk", &sink.url());
        let (of, elsewhere) = (stage.customer("Aldermoor"), stage.customer("Bramwell"));
        let (ann, bea) = (stage.user(of, "ann"), stage.user(of, "bea"));
        let first = stage.give(of, ann, vec![post(desk)]);
        let whole = request(of, None, Class::Interactive, vec![post(desk)]);
        let service = (event != "customer.disable").then_some(of.1);
        let whole = stage.order(NewRequest { event, customer_service: service, ..whole });
        let third = stage.give(of, bea, vec![post(desk)]);
        let other = stage.give(elsewhere, stage.user(elsewhere, "dot"), vec![post(desk)]);
        let engine = stage.start();
        stage.until("the first and the one elsewhere are at it, the others wait", || {
            sink.open.load(Ordering::SeqCst) == 2
                && turn(&stage, whole) == "blocked"
                && turn(&stage, third) == "blocked"
        });
        gate.opens();
        for id in [first, whole, third, other] {
            stage.ends(id, "done");
        }
        engine.stop();
        let hits = sink.hits();
        assert!(of_step(&hits, 1).ended.unwrap() <= of_step(&hits, 2).began, "{event}");
        assert!(of_step(&hits, 2).ended.unwrap() <= of_step(&hits, 3).began, "{event}");
        assert!(of_step(&hits, 4).began <= of_step(&hits, 2).began, "{event}");
    }
}

/// The most calls that were open at once for each customer.
#[derive(Clone, Default)]
struct Peaks(Arc<Mutex<BTreeMap<String, (i64, i64)>>>);

impl Peaks {
    fn behind(&self, gate: &Gate) -> Sink {
        let (peaks, gate) = (self.clone(), gate.clone());
        Sink::with(move |hit, _| {
            {
                let mut all = peaks.0.lock();
                let (open, most) = all.entry(whose(hit)).or_default();
                *open += 1;
                *most = (*most).max(*open);
            }
            gate.pass();
            peaks.0.lock().get_mut(&whose(hit)).unwrap().0 -= 1;
            answer(200, "{}")
        })
    }

    fn most(&self) -> Vec<i64> {
        self.0.lock().values().map(|(_, most)| *most).collect()
    }
}

#[test]
fn a_queue_runs_so_much_at_once_for_one_customer_and_for_one_connector() {
    let (stage, gate, peaks) = (Stage::new(), Gate::default(), Peaks::default());
    let sink = peaks.behind(&gate);
    let desk = stage.webhook("Desk", &sink.url());
    let (a, b) = (stage.customer("Aldermoor"), stage.customer("Bramwell"));
    let mut all = Vec::new();
    for n in 0..6 {
        all.push(stage.give(a, stage.user(a, &format!("a{n}")), two(desk)));
    }
    all.push(stage.give(b, stage.user(b, "b"), two(desk)));
    let engine = stage.start();
    stage.until("two of the one and one of the other", || sink.open.load(Ordering::SeqCst) == 3);
    let admin = stage.world.person_named(PROVIDER, "Provider administrator", "Bea Lund", "bea");
    let waiting = *all.get(5).unwrap();
    let page = admin.get(&format!("/requests/{waiting}")).expect(200);
    assert!(page.says("Waits for other work of Aldermoor: 2 steps at once run"), "{}", page.body);

    // More of one customer, as soon as it is said; of one connector no more than before.
    admin.api_patch("/queues/interactive", json!({ "per_customer": 5 })).expect(204);
    stage.until("three more", || sink.open.load(Ordering::SeqCst) == 4);
    let page = admin.get(&format!("/requests/{waiting}")).expect(200);
    assert!(page.says("Waits until Desk is free"), "{}", page.body);
    admin.api_patch("/queues/interactive", json!({ "per_connector": 6 })).expect(204);
    stage.until("as many as may", || sink.open.load(Ordering::SeqCst) == 6);
    let rows = admin.api_get("/queues").expect(200).json();
    let row = rows["items"].as_array().unwrap().iter().find(|row| row["name"] == "interactive");
    let row = row.unwrap();
    assert_eq!((&row["per_customer"], &row["per_connector"]), (&json!(5), &json!(6)));
    // On the page, where each number keeps the others.
    let page = admin.get("/engine").expect(200);
    assert!(page.says("For one customer") && page.says("Steps of one customer at once in bulk"));
    admin.post("/engine/interactive/workers", &[("per_customer", "2")]).location();
    assert_eq!(
        stage.world.text("SELECT workers || ' ' || per_customer || ' ' || per_connector FROM queues WHERE name = 'interactive'"),
        "8 2 6"
    );
    admin.api_patch("/queues/interactive", json!({ "per_connector": 0 })).expect(422);
    gate.opens();
    for id in all {
        stage.ends(id, "done");
    }
    engine.stop();
    assert_eq!(peaks.most(), [5, 1]);
    assert_eq!(sink.most.load(Ordering::SeqCst), 6);
    let changed = "SELECT count(*) FROM audit_log WHERE action = 'queue.changed'";
    assert_eq!(stage.world.count(changed), 3);
}

#[test]
fn left_alone_a_customer_has_two_steps_at_once_and_a_connector_four_calls() {
    let (stage, gate, peaks) = (Stage::new(), Gate::default(), Peaks::default());
    let sink = peaks.behind(&gate);
    let desk = stage.webhook("Desk", &sink.url());
    let mut all = Vec::new();
    for name in ["Aldermoor", "Bramwell", "Corvel"] {
        let of = stage.customer(name);
        for n in 0..5 {
            all.push(stage.give(of, stage.user(of, &format!("u{n}")), two(desk)));
        }
    }
    let engine = stage.start();
    stage.until("four are at it", || sink.open.load(Ordering::SeqCst) == 4);
    gate.opens();
    for id in all {
        stage.ends(id, "done");
    }
    engine.stop();
    assert_eq!(sink.most.load(Ordering::SeqCst), 4);
    assert!(peaks.most().into_iter().all(|most| most <= 2), "{:?}", peaks.most());
}

#[test]
fn whoever_has_the_fewest_steps_at_work_comes_next_then_who_waited_longest() {
    let (stage, gate) = (Stage::new(), Gate::default());
    let sink = behind(&gate);
    let desk = stage.webhook("Desk", &sink.url());
    set(&stage, json!({ "workers": 2, "per_customer": 64 }));
    let (a, b, c) =
        (stage.customer("Aldermoor"), stage.customer("Bramwell"), stage.customer("Corvel"));
    let mut all = Vec::new();
    for n in 0..4 {
        all.push(stage.give(a, stage.user(a, &format!("a{n}")), vec![post(desk)]));
    }
    let engine = stage.start();
    stage.until("both work for the first", || sink.open.load(Ordering::SeqCst) == 2);
    for n in 0..3 {
        all.push(stage.give(b, stage.user(b, &format!("b{n}")), vec![post(desk)]));
    }
    all.push(stage.give(c, stage.user(c, "c"), vec![post(desk)]));
    for calls in [3, 4] {
        gate.lets(1);
        stage.until("the next begins", || sink.hits().len() == calls);
    }
    gate.opens();
    for id in all {
        stage.ends(id, "done");
    }
    engine.stop();
    let order: Vec<String> = sink.hits().iter().take(4).map(whose).collect();
    assert_eq!(order, ["ALDERMOOR", "ALDERMOOR", "BRAMWELL", "CORVEL"]);
}

#[test]
fn p_46_one_customer_with_fifty_thousand_does_not_hold_up_another() {
    let (stage, gate) = (Stage::new(), Gate::default());
    let sink = behind(&gate);
    let desk = stage.webhook("Desk", &sink.url());
    let (many, one) = (stage.customer("Aldermoor"), stage.customer("Bramwell"));
    let users = stage.world.users(many.0, "user", 1_000);
    let db = &stage.world.app.db;
    db.write(By::portico(Via::Shell), |tx| {
        let class = Class::Interactive;
        portico::engine::accept(tx, request(many, None, class, vec![post(desk)])).map(|_| ())
    })
    .unwrap();
    // Fifty for each of a thousand users, as the first one is.
    let sql = stage.world.sql();
    let (first, last) = (users.first().unwrap(), users.last().unwrap());
    sql.execute_batch("BEGIN").unwrap();
    sql.execute(
        "WITH RECURSIVE round (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM round WHERE n < 50)
         INSERT INTO requests (customer_id, event, user_id, title, queue, class, connector_id, source, created_at, deadline_at, next_at)
         SELECT r.customer_id, 'user_service.provision', users.id, 'Give Desk', r.queue, r.class, r.connector_id, r.source,
                r.created_at, r.deadline_at, r.next_at
           FROM round CROSS JOIN users CROSS JOIN requests r
          WHERE users.id BETWEEN :first AND :last AND r.id = 1",
        named_params! { ":first": first, ":last": last },
    )
    .unwrap();
    sql.execute_batch(
        "INSERT INTO steps (request_id, seq, key, title, action, connector_id, params, on_error)
         SELECT requests.id, 1, key, s.title, action, s.connector_id, params, on_error
           FROM requests CROSS JOIN steps s WHERE s.request_id = 1 AND requests.id > 1;
         COMMIT",
    )
    .unwrap();
    assert_eq!(stage.world.count("SELECT count(*) FROM requests"), 50_001);
    let engine = stage.start();
    gate.lets(10);
    stage.until("it is at it", || sink.hits().len() >= 10);
    let bea = stage.user(one, "bea");
    let before = sink.hits().len();
    let id = stage.give(one, bea, vec![post(desk)]);
    // Whoever is at it now may end; who comes next is the other one.
    gate.lets(8);
    stage.ends(id, "done");
    let hits = sink.hits();
    let place = hits.iter().position(|hit| whose(hit) == "BRAMWELL").unwrap();
    assert!(place <= before + 8, "{} of the other went first", place - before);
    drop(engine);
    gate.opens();
}

#[test]
fn p_47_a_connector_that_never_answers_holds_up_only_its_own() {
    let (stage, gate) = (Stage::new(), Gate::default());
    let (silent, fine) = (behind(&gate), Sink::ok());
    let (slow, quick) = (stage.webhook("Slow", &silent.url()), stage.webhook("Quick", &fine.url()));
    let limit = "UPDATE connectors SET time_limit = 1 WHERE id = ?1";
    stage.world.sql().execute(limit, [slow]).unwrap();
    let (mut stuck, mut going) = (Vec::new(), Vec::new());
    for name in ["Aldermoor", "Bramwell", "Corvel"] {
        let of = stage.customer(name);
        for n in 0..4 {
            stuck.push(stage.give(of, stage.user(of, &format!("s{n}")), vec![post(slow)]));
        }
    }
    let engine = stage.start();
    stage.until("all that may are at it", || silent.open.load(Ordering::SeqCst) == 4);
    let other = stage.customer("Drummond");
    for n in 0..12 {
        going.push(stage.give(other, stage.user(other, &format!("q{n}")), vec![post(quick)]));
    }
    for id in &going {
        stage.ends(*id, "done");
    }
    let down = "SELECT count(*) FROM connectors WHERE name = 'Slow' AND down_until IS NOT NULL";
    stage.until("the breaker opens", || stage.world.count(down) == 1);
    stage.until("nobody is at it", || {
        stage.world.count("SELECT count(*) FROM steps WHERE lease IS NOT NULL") == 0
    });
    let tried = silent.hits().len();
    assert!((5..=8).contains(&tried), "{tried}: at most those in hand are tried besides");
    assert!(
        stage.world.texts("SELECT DISTINCT outcome FROM step_attempts WHERE outcome <> 'done'")
            == ["retry"]
    );
    // Others keep pace while it is down, and its own spend nothing.
    let more = stage.give(other, stage.user(other, "later"), vec![post(quick)]);
    stage.ends(more, "done");
    let spent = "SELECT sum(attempts) FROM steps WHERE connector_id = (SELECT id FROM connectors WHERE name = 'Slow')";
    assert_eq!(stage.world.count(spent), i64::try_from(tried).unwrap());
    let admin = stage.world.person(PROVIDER, "Provider administrator");
    let last = stuck.last().unwrap();
    assert!(admin.get(&format!("/requests/{last}")).expect(200).says("Slow does not answer"));

    // It comes back by itself.
    gate.opens();
    stage.until("it is free", || silent.open.load(Ordering::SeqCst) == 0);
    let in_hand = "SELECT count(*) FROM steps WHERE lease IS NOT NULL";
    let undone = "SELECT count(*) FROM requests WHERE status <> 'done'";
    stage.until("all are done", || {
        if stage.world.count(in_hand) == 0 {
            stage.world.later(120);
            engine.nudge();
            std::thread::sleep(Duration::from_millis(100));
        }
        stage.world.count(undone) == 0
    });
    engine.stop();
    let up = "SELECT count(*) FROM audit_log WHERE action = 'connector.up'";
    assert_eq!(stage.world.count(up), 1);
    assert_eq!(
        stage.world.count("SELECT count(*) FROM connectors WHERE down_until IS NOT NULL"),
        0
    );
}

#[test]
fn p_57_each_request_that_waits_says_why_and_nothing_is_acknowledged_that_is_not_kept() {
    let scene = crate::assignments::Scene::new();
    let world = &scene.world;
    let sink = Sink::ok();
    let hook = world.webhook("Desk", &sink.url()).0;
    let admin = world.person_named(PROVIDER, "Provider administrator", "Bea Lund", "bea");
    let rule = json!({
        "service": "workplace", "event": "user_service.provision", "key": "tell",
        "action": "webhook.send", "connector_id": hook,
    });
    admin.api_post("/rules", rule).expect(201);
    let (ann, bea) = (scene.user("ann"), scene.user("bea"));
    let services = format!("/customers/{}/services", scene.customer);
    admin.api_post(&services, json!({ "service": "workplace" })).expect(202);
    let give = |user| {
        let body = json!({ "service": "workplace", "plan": "standard" });
        admin.api_post(&format!("/users/{user}/services"), body)
    };
    let request = |answer: &crate::world::Answer| answer.json()["request_id"].as_i64().unwrap();
    let waits = |id: i64| {
        let text = admin.api_get(&format!("/requests/{id}")).expect(200).json();
        text["waits"].as_str().unwrap().to_owned()
    };
    let first = request(&give(ann).expect(202));
    assert_eq!(waits(first), "Waits for a free worker of the queue interactive.");
    admin.post("/engine/interactive/pause", &[]).expect(303);
    assert!(waits(first).starts_with("Queue interactive is paused by Bea Lund since"));
    let second = request(&give(bea).expect(202));
    assert!(waits(second).starts_with("Queue interactive is paused by Bea Lund since"));
    admin.api_post(&format!("/connectors/{hook}/pause"), json!({})).expect(204);
    admin.post("/engine/interactive/resume", &[]).expect(303);
    assert_eq!(waits(first), "The connector Desk is paused.");

    // No room is left: what is answered well is there, and what is not there is answered as such.
    let users = world.users(scene.customer, "u", 60);
    let pages: i64 = world.count("PRAGMA page_count");
    let limit = |pages: i64| {
        let by = By::portico(Via::Shell);
        let set = format!("PRAGMA max_page_count = {pages}");
        world.app.db.write(by, |tx| tx.one(&set, [], |row| row.get::<_, i64>(0))).unwrap();
    };
    limit(pages);
    let mut refused = 0;
    for user in &users {
        let rows = |user| {
            world.count(&format!("SELECT count(*) FROM user_services WHERE user_id = {user}"))
        };
        let orders =
            |user| world.count(&format!("SELECT count(*) FROM requests WHERE user_id = {user}"));
        let answer = give(*user);
        let kept = i64::from(answer.status == 202);
        assert!(
            [202, 500, 503, 507].contains(&answer.status),
            "{}: {}",
            answer.status,
            answer.body
        );
        assert_eq!(
            (rows(*user), orders(*user)),
            (kept, kept),
            "{}: {}",
            answer.status,
            answer.body
        );
        refused += 1 - kept;
    }
    assert!(refused > 0, "the disk was not full");
    limit(1_000_000_000);
    let last = *users.last().unwrap();
    if world.count(&format!("SELECT count(*) FROM user_services WHERE user_id = {last}")) == 0 {
        give(last).expect(202);
    }
}
