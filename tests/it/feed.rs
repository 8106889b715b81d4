//! What failed as a feed, requests found by what holds them, and failed ones done once more from an
//! earlier step.

use crate::approvals::Desk as Approving;
use crate::assignments::{Scene, Scripted};
use crate::engine::{Sink, Stage, answer, post, request};
use crate::world::{Answer, PROVIDER, Person, World};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use portico::engine::{Class, NewRequest};
use portico::ids::{CustomerId, RequestId};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const FEED: &str = "/requests/errors.atom";

/// The feed as an XML reader of another language sees it.
fn read(xml: &str) -> Value {
    let program = r#"
import json, sys, xml.etree.ElementTree as tree
a = "{http://www.w3.org/2005/Atom}"
feed = tree.fromstring(sys.stdin.buffer.read())
entry = lambda e: {"id": e.findtext(a + "id"), "title": e.findtext(a + "title"), "summary": e.findtext(a + "summary"),
                   "link": e.find(a + "link").get("href"), "updated": e.findtext(a + "updated")}
print(json.dumps({"id": feed.findtext(a + "id"), "updated": feed.findtext(a + "updated"),
                  "self": feed.find(a + "link[@rel='self']").get("href"),
                  "entries": [entry(e) for e in feed.findall(a + "entry")]}))
"#;
    let mut child = Command::new("python3")
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(xml.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success(), "this is no feed: {xml}");
    serde_json::from_slice(&out.stdout).unwrap()
}

fn ask(person: &Person, headers: &[(&str, &str)]) -> Answer {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    person.ask("GET", FEED, Vec::new(), headers.iter().map(owned).collect())
}

fn titles(feed: &Value) -> Vec<String> {
    let all = feed["entries"].as_array().unwrap();
    all.iter().map(|entry| entry["title"].as_str().unwrap().to_owned()).collect()
}

/// Requests of two branches, each failed once; who administers a branch, its customer and requests.
struct Failed {
    stage: Stage,
    branches: Vec<(CustomerId, CustomerId, RequestId)>,
}

const AWKWARD: &str = "Give “Desk” <b> & \u{7}co to Zoë \u{1f600}";

impl Failed {
    fn new() -> Failed {
        let stage = Stage::new();
        let sink = Sink::with(|_, _| answer(400, r#"{"title":"No such mailbox"}"#));
        let desk = stage.webhook("Desk", &sink.url());
        let engine = stage.start();
        let mut branches = Vec::new();
        for name in ["Aldermoor", "Bramwell"] {
            let reseller = stage.world.reseller(&format!("{name} Resale"));
            let of = stage.customer(name);
            let below = "UPDATE customers SET parent_id = ?1 WHERE id = ?2";
            stage.world.sql().execute(below, (reseller, of.0)).unwrap();
            let user = stage.user(of, "ann");
            let title = if name == "Aldermoor" { AWKWARD } else { "Give Desk to Bram" };
            let id = stage.order(NewRequest {
                title: title.to_owned(),
                ..request(of, Some(user), Class::Interactive, vec![post(desk)])
            });
            stage.ends(id, "failed");
            branches.push((reseller, of.0, id));
        }
        engine.stop();
        Failed { stage, branches }
    }

    fn world(&self) -> &World {
        &self.stage.world
    }
}

#[test]
fn p_59_the_feed_shows_what_failed_within_the_tokens_scope_and_nothing_else() {
    let scene = Failed::new();
    let world = scene.world();
    let provider = world.person(PROVIDER, "Provider administrator");
    let all = read(&provider.api_get(FEED).expect(200).body);
    assert_eq!(titles(&all).len(), 2);
    for (n, (reseller, customer, id)) in scene.branches.iter().enumerate() {
        let (_, far, other) = &scene.branches[1 - n];
        let own = world.person(*reseller, "Reseller administrator");
        let answer = own.api_get(FEED).expect(200);
        let feed = read(&answer.body);
        let entries = feed["entries"].as_array().unwrap();
        assert_eq!(entries.len(), 1, "{feed}");
        assert_eq!(entries[0]["link"], format!("/requests/{id}"));
        let summary = entries[0]["summary"].as_str().unwrap();
        assert!(summary.contains("No such mailbox"), "{summary}");
        let name = world.text(&format!("SELECT name FROM customers WHERE id = {far}"));
        assert!(
            !answer.body.contains(&name) && !answer.body.contains(&format!("requests/{other}\""))
        );
        // A token for one customer is for that one, however much its owner may.
        let narrowed = world.sign_in(provider.id);
        let at = "UPDATE tokens SET at_id = ?1 WHERE id = (SELECT max(id) FROM tokens)";
        world.sql().execute(at, [*customer]).unwrap();
        assert_eq!(titles(&read(&narrowed.api_get(FEED).expect(200).body)), titles(&feed));
        let listed = narrowed.api_get("/requests?status=failed").expect(200).json();
        let ids: Vec<_> = listed["items"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
        assert_eq!(ids, [&json!(id)]);
        // One that may not read requests reads no feed.
        let set = "UPDATE tokens SET permissions = '[\"customers.read\"]' WHERE id = (SELECT max(id) FROM tokens)";
        world.sql().execute(set, []).unwrap();
        narrowed.api_get(FEED).expect(403);
    }
    // What cannot be in XML is a blank, all else is as it was.
    let aldermoor = world.person(scene.branches[0].0, "Reseller administrator");
    let feed = read(&aldermoor.api_get(FEED).expect(200).body);
    assert_eq!(titles(&feed), [AWKWARD.replace('\u{7}', " ")]);
    // An entry stays the same for everybody who sees it.
    assert!(all["entries"].as_array().unwrap().contains(&feed["entries"][0]));
    // Somebody of neither branch has an empty one.
    let far = world.customer(PROVIDER, "Elsewhere");
    let nobody = world.person(far, "Customer administrator");
    assert_eq!(titles(&read(&nobody.api_get(FEED).expect(200).body)), [""; 0]);
}

#[test]
fn the_feed_takes_a_token_as_password_and_never_in_its_address() {
    let scene = Failed::new();
    let world = scene.world();
    let admin = world.person(PROVIDER, "Provider administrator");
    let basic = |user: &str, token: &str| {
        format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{token}")))
    };
    let bearer = format!("Bearer {}", admin.token());
    let good = ask(&admin, &[("Authorization", &bearer)]).expect(200);
    assert_eq!(good.header("Content-Type"), "application/atom+xml; charset=utf-8");
    for user in ["", "portico", "anybody at all"] {
        let same = ask(&admin, &[("Authorization", &basic(user, admin.token()))]).expect(200);
        assert_eq!(same.body, good.body, "{user}");
    }
    // Who asks again is told when nothing is new.
    let tag = good.header("ETag").to_owned();
    let again = ask(&admin, &[("Authorization", &bearer), ("If-None-Match", &tag)]).expect(304);
    assert_eq!(again.body, "");
    // No other way in: no token, a wrong one, the cookie of a browser, the address.
    let wrong = basic("portico", "ptc_wrong");
    let mut refused = Vec::new();
    for headers in [vec![], vec![("Authorization", wrong.as_str())]] {
        let answer = ask(&admin, &headers).expect(401);
        assert!(answer.header("WWW-Authenticate").starts_with("Basic "), "readers ask for it");
        refused.push(answer.body);
    }
    assert_eq!(refused[0], refused[1], "one text for every cause");
    let cookie = admin.browser(&[]);
    assert_eq!(admin.ask("GET", FEED, Vec::new(), cookie).status, 401);
    let addressed = format!("{FEED}?token={}", admin.token());
    assert_eq!(admin.ask("GET", &addressed, Vec::new(), Vec::new()).status, 401);
    admin.api_get(&addressed).expect(422);
    // The rest of the API takes no password.
    let headers = vec![("Authorization".to_owned(), basic("portico", admin.token()))];
    assert_eq!(admin.ask("GET", "/api/v1/requests", Vec::new(), headers).status, 401);
    // The page of what failed says where it is, and its links are whole where the address is known.
    let page = admin.get("/requests?status=failed").expect(200);
    assert!(page.says(FEED) && page.says("/account/tokens"), "{}", page.body);
    admin.api_patch("/settings", json!({ "base_url": "https://portico.example" })).expect(200);
    let feed = read(&ask(&admin, &[("Authorization", &bearer)]).expect(200).body);
    assert_eq!(feed["self"], format!("https://portico.example{FEED}"));
    let link = feed["entries"][0]["link"].as_str().unwrap();
    assert!(link.starts_with("https://portico.example/requests/"), "{link}");
}

#[test]
fn the_feed_has_the_last_hundred_and_drops_what_was_mended() {
    let stage = Stage::new();
    let status = Arc::new(AtomicU32::new(400));
    let said = status.clone();
    let sink =
        Sink::with(move |_, _| answer(u16::try_from(said.load(Ordering::SeqCst)).unwrap(), "{}"));
    let desk = stage.webhook("Desk", &sink.url());
    let of = stage.customer("Aldermoor");
    let first = stage.give(of, stage.user(of, "ann"), vec![post(desk)]);
    let engine = stage.start();
    stage.ends(first, "failed");
    let admin = stage.world.person(PROVIDER, "Provider administrator");
    assert_eq!(titles(&read(&admin.api_get(FEED).expect(200).body)).len(), 1);
    // 120 more that failed at other times: the order is that of their ends.
    let sql = stage.world.sql();
    sql.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120)
         INSERT INTO requests (customer_id, event, title, queue, class, source, created_at, deadline_at, next_at,
                               status, turn, ended_at)
         SELECT ?1, 'customer.provision', 'Old ' || i, 'interactive', 'interactive', 'page', '2026-01-01T00:00:00Z',
                '9998-01-01T00:00:00Z', '2026-01-01T00:00:00Z', 'failed', 'over', printf('2026-02-01T00:%02d:%02dZ', (120 - i) / 60, (120 - i) % 60)
           FROM n",
        [of.0],
    )
    .unwrap();
    let all = titles(&read(&admin.api_get(FEED).expect(200).body));
    assert_eq!(
        (all.len(), all[0].as_str(), all[1].as_str(), all[99].as_str()),
        (100, "Give Desk", "Old 1", "Old 99")
    );
    status.store(200, Ordering::SeqCst);
    admin.api_post(&format!("/requests/{first}/retry"), Value::Null).expect(202);
    stage.ends(first, "done");
    let left = titles(&read(&admin.api_get(FEED).expect(200).body));
    assert_eq!((left[0].as_str(), left.len()), ("Old 1", 100));
    engine.stop();
}

#[test]
fn requests_are_found_by_what_holds_them_their_queue_orderer_and_day() {
    let desk = Approving::new();
    let world = &desk.scene.world;
    let (admin, bea, orderer) = (desk.scene.admin(), desk.approver("Bea"), desk.orderer());
    desk.chain(json!({ "members": [bea.id] }));
    let (theo, ann) = (desk.scene.user("theo"), desk.scene.user("ann"));
    let (held, _) = desk.give(&orderer, theo);
    let free = desk.scene.workplace(&admin, ann);
    let free = world.count(&format!("SELECT last_request_id FROM user_services WHERE id = {free}"));
    // One each that waits for a person, the clock, a freeze and another, as the engine leaves them.
    let mut others = Vec::new();
    for (hold, turn) in
        [("person", "sleeping"), ("wait", "sleeping"), ("freeze", "sleeping"), ("", "blocked")]
    {
        let blocked = (turn == "blocked").then_some(held);
        let id: i64 = world
            .sql()
            .query_row(
                "INSERT INTO requests (customer_id, event, title, queue, class, source, created_at, deadline_at, next_at,
                                       status, turn, hold, blocked_id)
                 VALUES (?1, 'customer.provision', 'Provision', 'bulk', 'bulk', 'job', '2026-03-08T23:30:00Z',
                         '9998-01-01T00:00:00Z', '9998-01-01T00:00:00Z', 'queued', ?2, ?3, ?4) RETURNING id",
                (desk.scene.customer, turn, hold, blocked),
                |row| row.get(0),
            )
            .unwrap();
        others.push(id);
    }
    let ids = |who: &Person, query: &str| -> Vec<i64> {
        let answer = who.api_get(&format!("/requests?{query}")).expect(200).json();
        let mut all: Vec<i64> = answer["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["id"].as_i64().unwrap())
            .collect();
        all.sort_unstable();
        all
    };
    let far = world.reseller("Elsewhere");
    let stranger = world.person(far, "Reseller administrator");
    let near =
        world.person(
            CustomerId(world.count(&format!(
                "SELECT parent_id FROM customers WHERE id = {}",
                desk.scene.customer
            ))),
            "Reseller administrator",
        );
    let check = |query: &str, expected: &[i64]| {
        for who in [&admin, &near] {
            assert_eq!(ids(who, query), expected, "{query}");
            let of = format!("customer_id={}&{query}", desk.scene.customer);
            assert_eq!(ids(who, &of), expected, "{of}");
        }
        assert_eq!(ids(&stranger, query), [0; 0], "{query}");
        let page = admin.get(&format!("/requests?{query}")).expect(200);
        for id in expected {
            assert!(page.says(&format!("href=\"/requests/{id}\"")), "{query}: {id}");
        }
    };
    check("hold=approval", &[held]);
    check("hold=brake", &[]);
    for (n, hold) in ["person", "date", "freeze", "after"].iter().enumerate() {
        check(&format!("hold={hold}"), &others[n..=n]);
        check(&format!("hold={hold}&queue=bulk"), &others[n..=n]);
        check(&format!("hold={hold}&queue=sync"), &[]);
        let shown = admin.api_get(&format!("/requests/{}", others[n])).expect(200).json();
        assert_eq!((&shown["hold"], &shown["queue"]), (&json!(hold), &json!("bulk")));
    }
    check("queue=bulk", &others);
    check(&format!("by_id={}", orderer.id), &[held]);
    check(
        &format!("by_id={}&status=done&service=workplace&event=user_service.provision", admin.id),
        &[free],
    );
    // Days are those of whoever looks: half past eleven at night in UTC was the next day already.
    check("from=2026-03-09&to=2026-03-09", &others);
    check("to=2026-03-08", &[]);
    check("from=2026-03-10&hold=approval", &[held]);
    for wrong in ["hold=never", "from=yesterday", "by_id=me", "colour=red"] {
        admin.api_get(&format!("/requests?{wrong}")).expect(422);
    }
    // What has ended is held by nothing.
    admin.api_post(&format!("/requests/{held}/cancel"), Value::Null);
    check("hold=approval", &[]);
    assert_eq!(admin.api_get(&format!("/requests/{held}")).expect(200).json()["hold"], Value::Null);
}

#[test]
fn a_failed_request_goes_on_from_an_earlier_step_when_asked_to() {
    let stage = Stage::new();
    let status = Arc::new(AtomicU32::new(400));
    let said = status.clone();
    let sink = Sink::with(move |hit, _| {
        let last = hit.body["props"]["n"] == 3;
        let status = if last { said.load(Ordering::SeqCst) } else { 200 };
        answer(u16::try_from(status).unwrap(), "{}")
    });
    let desk = stage.webhook("Desk", &sink.url());
    let of = stage.customer("Aldermoor");
    let steps = (1..=3)
        .map(|n| {
            let mut step = post(desk);
            (step.key, step.title) = (format!("step{n}"), format!("Step {n}"));
            step.params = json!({ "inputs": { "n": n } });
            step
        })
        .collect();
    let id = stage.give(of, stage.user(of, "ann"), steps);
    let engine = stage.start();
    stage.ends(id, "failed");
    let called = || -> Vec<i64> {
        sink.hits().iter().map(|hit| hit.body["props"]["n"].as_i64().unwrap()).collect()
    };
    assert_eq!(called(), [1, 2, 3]);
    let admin = stage.world.person(PROVIDER, "Provider administrator");
    let retry = format!("/requests/{id}/retry");
    for (from, said) in [
        (0, "from must be a whole number from 1 to 3"),
        (4, "from must be a whole number from 1 to 3"),
    ] {
        assert_eq!(
            admin.api_post(&retry, json!({ "from": from })).expect(422).complaints(),
            [said]
        );
    }
    assert_eq!(stage.status(id), "failed");
    // Others do not see it, whatever they say.
    let far = stage.world.customer(PROVIDER, "Elsewhere");
    let stranger = stage.world.person(far, "Customer administrator");
    stranger.api_post(&retry, json!({ "from": 1 })).expect(404);
    stranger.post(&retry, &[("from", "1")]).expect(404);

    let again = |asked: &dyn Fn() -> Answer, expected: &[i64], end: &str| {
        let before = called().len();
        let answer = asked();
        assert!([202, 303].contains(&answer.status), "{}", answer.body);
        stage.until("it has ended again", || called().len() == before + expected.len());
        stage.ends(id, end);
        assert_eq!(&called()[before..], expected);
    };
    again(&|| admin.api_post(&retry, Value::Null), &[3], "failed");
    again(&|| admin.api_post(&retry, json!({ "from": 2 })), &[2, 3], "failed");
    let page = admin.get(&format!("/requests/{id}")).expect(200);
    assert!(page.says("From an earlier step") && page.says("1. Step 1"), "{}", page.body);
    again(&|| admin.post(&retry, &[("from", "1")]), &[1, 2, 3], "failed");
    status.store(200, Ordering::SeqCst);
    again(&|| admin.post(&retry, &[]), &[3], "done");
    engine.stop();
    // Each step kept its key, so that the other side could tell.
    let mut keys: Vec<String> = sink.hits().into_iter().map(|hit| hit.key).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 3);
    let asked = "SELECT group_concat(json_extract(detail, '$.from')) FROM audit_log WHERE action = 'request.retried'";
    assert_eq!(stage.world.text(asked), "3,2,1,3");
}

#[test]
fn what_was_made_is_not_forgotten_by_starting_over() {
    let scene = Scene::new();
    let admin = scene.admin();
    let sink = Sink::with(|_, _| answer(400, "{}"));
    let hook = scene.world.webhook("Desk", &sink.url()).0;
    let event = "user_service.provision";
    let mail = json!({ "service": "workplace", "event": event, "key": "mail", "position": 1, "action": "mail.send",
                       "params": { "to": "a@msp.example", "subject": "x", "text": "x" } });
    let call = json!({ "service": "workplace", "event": event, "key": "call", "position": 2,
                       "action": "webhook.send", "connector_id": hook });
    for rule in [mail, call] {
        admin.api_post("/rules", rule).expect(201);
    }
    let theo = scene.user("theo");
    let engine = portico::engine::start(scene.world.app.clone(), portico::events::EVENTS).unwrap();
    let held = scene.workplace(&admin, theo);
    let last = format!("SELECT last_request_id FROM user_services WHERE id = {held}");
    let id = scene.world.count(&last);
    let status = format!("SELECT status FROM requests WHERE id = {id}");
    let end = Instant::now() + Duration::from_secs(60);
    while scene.world.text(&status) != "failed" {
        assert!(Instant::now() < end, "it does not fail");
        std::thread::sleep(Duration::from_millis(10));
    }
    engine.stop();
    // Of the two steps the mail alone is done; as if the call had been refused unsent.
    scene
        .world
        .sql()
        .execute("UPDATE steps SET attempts = 0 WHERE action = 'webhook.send'", [])
        .unwrap();
    admin.api_post(&format!("/requests/{id}/retry"), json!({ "from": 1 })).expect(202);
    admin.api_post(&format!("/requests/{id}/cancel"), Value::Null).expect(202);
    assert_eq!(scene.state(&admin, theo, held)["state"], "failed", "the mail went out");
    assert_eq!(scene.seats(), 1);
}

#[test]
fn a_plan_says_in_which_queue_its_work_would_wait() {
    let stage = Scripted::new();
    let scene = &stage.scene;
    let (admin, theo) = (scene.admin(), scene.user("theo"));
    let services = format!("/customers/{}/services", scene.customer);
    let preview = |url: &str, body: Value| {
        admin.api_post(&format!("{url}?preview=true"), body).expect(200).json()
    };
    // Nothing is done outside for the customer's own.
    assert_eq!(preview(&services, json!({ "service": "workplace" }))["queue"], "");
    admin.api_post(&services, json!({ "service": "workplace" })).expect(202);
    let give = json!({ "service": "workplace", "plan": "standard" });
    let users = format!("/users/{theo}/services");
    let usual = preview(&users, give.clone())["queue"].as_str().unwrap().to_owned();
    // A script goes where scripts go, and a route of ours before that.
    assert_eq!(usual, "scripts");
    let route = json!({ "position": 1, "event": "user_service.*", "customer_id": scene.customer, "queue": "sync" });
    let route = admin.api_post("/queues/routes", route).expect(201).id();
    let plan = preview(&users, give.clone());
    assert_eq!(plan["queue"], "sync");
    assert!(admin.get(&format!("/previews/{}", plan["id"])).expect(200).says("Sync"));
    let done = admin.api_post(&format!("/previews/{}/apply", plan["id"]), json!({})).expect(202);
    let request = format!("SELECT queue FROM requests WHERE id = {}", done.json()["request_id"]);
    assert_eq!(scene.world.text(&request), "sync", "it is where it was said to be");
    // Elsewhere the route means nothing.
    let (far, una) = {
        let reseller = CustomerId(
            scene
                .world
                .count(&format!("SELECT parent_id FROM customers WHERE id = {}", scene.customer)),
        );
        let far = scene.world.customer(reseller, "Fenwick Legal");
        (far, scene.world.user(far, "Una", "una"))
    };
    admin
        .api_post(&format!("/customers/{far}/services"), json!({ "service": "workplace" }))
        .expect(202);
    assert_eq!(preview(&format!("/users/{una}/services"), give)["queue"], "scripts");
    let many = json!({ "service": "workplace", "plan": "standard", "ids": [scene.user("ann"), scene.user("bea")] });
    assert_eq!(
        preview(&format!("/customers/{}/users/services", scene.customer), many.clone())["queue"],
        "sync"
    );
    admin.api_delete(&format!("/queues/routes/{route}")).expect(204);
    let many = preview(&format!("/customers/{}/users/services", scene.customer), many);
    let ran = many["queue"].as_str().unwrap();
    assert!(["scripts", "bulk"].contains(&ran), "{ran}");
    stage.engine.stop();
}
