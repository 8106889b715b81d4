//! The engine as others see it: other branches, pages that poll, code of ours that panics, and how
//! little of what waits is looked at.

use crate::engine::{Sink, Stage, answer, document, post, request, settle};
use crate::plans;
use crate::world::PROVIDER;
use portico::db::{By, Read, Via, Write};
use portico::engine::{self, Class, Document, Event, Job, NewRequest, Settled};
use portico::error::Result;
use portico::ids::RequestId;
use rusqlite::StatementStatus;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn requests_of_another_branch_are_not_there() {
    let stage = Stage::new();
    let desk = stage.webhook("Desk", "http://127.0.0.1:9/hook");
    let world = &stage.world;
    let mut branches = Vec::new();
    for name in ["Aldermoor", "Bramwell"] {
        let reseller = world.reseller(&format!("{name} Resale"));
        let of = stage.customer(name);
        world
            .sql()
            .execute("UPDATE customers SET parent_id = ?1 WHERE id = ?2", (reseller, of.0))
            .unwrap();
        let user = stage.user(of, "ann");
        let id = stage.give(of, user, vec![post(desk)]);
        branches.push((world.person(reseller, "Reseller administrator"), of.0, user.0, id));
    }
    let ids = |answer: Value| -> Vec<i64> {
        answer["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|each| each["id"].as_i64().unwrap())
            .collect()
    };
    let admin = world.person(PROVIDER, "Provider administrator");
    assert_eq!(ids(admin.api_get("/requests").expect(200).json()).len(), 2);
    for (n, (who, customer, user, own)) in branches.iter().enumerate() {
        let (_, far_customer, far_user, far) = &branches[1 - n];
        for query in ["", "?status=queued", "?event=user_service.provision", "?service=desk"] {
            let listed = who.api_get(&format!("/requests{query}")).expect(200).json();
            assert_eq!(ids(listed), [own.0], "{query}");
        }
        for query in [format!("?customer_id={customer}"), format!("?user_id={user}")] {
            let listed = who.api_get(&format!("/requests{query}")).expect(200).json();
            assert_eq!(ids(listed), [own.0], "{query}");
        }
        for query in [format!("?customer_id={far_customer}"), format!("?user_id={far_user}")] {
            let listed = who.api_get(&format!("/requests{query}"));
            let none = listed.status == 404 || ids(listed.json()).is_empty();
            assert!(none, "{query}: {}", listed.body);
        }
        let page = who.get("/requests").expect(200);
        assert!(
            page.says(&format!("/requests/{own}\"")) && !page.says(&format!("/requests/{far}\""))
        );
        for place in ["", "/live", "/cancel"] {
            who.get(&format!("/requests/{own}{place}")).expect(200);
            who.get(&format!("/requests/{far}{place}")).expect(404);
        }
        for verb in ["retry", "cancel"] {
            who.post(&format!("/requests/{far}/{verb}"), &[]).expect(404);
            who.api_post(&format!("/requests/{far}/{verb}"), Value::Null).expect(404);
        }
        who.api_get(&format!("/requests/{far}")).expect(404);
        assert_eq!(stage.status(*far), "queued", "nothing was done to it");
    }
}

#[test]
fn who_polls_is_told_when_nothing_is_new_and_when_to_stop() {
    let stage = Stage::new();
    let go = Arc::new(AtomicBool::new(false));
    let held = go.clone();
    let sink = Sink::with(move |_, _| {
        while !held.load(Ordering::SeqCst) {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        answer(200, "{}")
    });
    let desk = stage.webhook("Desk", &sink.url());
    let of = stage.customer("Aldermoor");
    let admin = stage.world.person(PROVIDER, "Provider administrator");
    let id = stage.give(of, stage.user(of, "ann"), vec![post(desk)]);
    let (page, api) = (format!("/requests/{id}"), format!("/api/v1/requests/{id}"));
    let poll = format!("hx-get=\"{page}/live\"");
    let again = |tag: &str| admin.api_with("GET", &api, Value::Null, &[("If-None-Match", tag)]);

    let first = admin.api_get(&api).expect(200);
    let queued = first.header("ETag").to_owned();
    assert!(queued.len() > 10, "{queued}");
    let same = again(&queued).expect(304);
    assert_eq!((same.body.as_str(), same.header("ETag")), ("", queued.as_str()));
    assert!(admin.get(&page).says(&poll), "an open one is looked at again");
    let live = admin.get(&format!("{page}/live")).expect(200);
    assert!(live.says(&poll) && live.header("HX-Refresh").is_empty());

    let engine = stage.start();
    stage.until("the call is there", || !sink.hits().is_empty());
    let running = again(&queued).expect(200);
    assert_ne!(running.header("ETag"), queued, "it runs by now");
    admin.get(&format!("{page}/live")).expect(200);
    go.store(true, Ordering::SeqCst);
    stage.ends(id, "done");
    let done = again(running.header("ETag")).expect(200);
    again(&format!("\"other\", {}", done.header("ETag"))).expect(304);
    let last = admin.get(&format!("{page}/live"));
    assert_eq!((last.status, last.header("HX-Refresh")), (286, "true"));
    assert!(!last.says("hx-get") && !admin.get(&page).says("hx-get=\"/requests/"));
    engine.stop();
}

/// The subjects of other tests, and two whose code panics: before the call, and at the end.
static BROKEN: &[Event] = &[
    Event { name: "user_service.provision", document, settle, undone: false, release: engine::go },
    Event {
        name: "user_service.suspend",
        document: no_document,
        settle,
        undone: false,
        release: engine::go,
    },
    Event {
        name: "user_service.resume",
        document,
        settle: no_end,
        undone: false,
        release: engine::go,
    },
];

fn no_document(_: &Read, _: &Job) -> Result<Document> {
    panic!("this document cannot be made");
}

fn no_end(_: &Write, _: &Settled) -> Result<()> {
    panic!("this end cannot be settled");
}

const UNWRITTEN: &str = "Portico could not write how this ended; its log says why.";

#[test]
fn what_panics_is_decided_and_stands_in_nobodys_way() {
    let stage = Stage::new();
    let sink = Sink::ok();
    let desk = stage.webhook("Desk", &sink.url());
    let of = stage.customer("Aldermoor");
    let order = |event: &'static str, local: &str| {
        let user = Some(stage.user(of, local));
        stage.order(NewRequest { event, ..request(of, user, Class::Interactive, vec![post(desk)]) })
    };
    // It can neither be done nor given up after its time, and comes first.
    let stale = order("user_service.resume", "stale");
    stage.world.later(25 * 3600);
    let (before, after) =
        (order("user_service.suspend", "ann"), order("user_service.resume", "bea"));
    let follows = {
        let user = Some(stage.user(of, "cid"));
        let new = NewRequest {
            event: "user_service.resume",
            after: Some(before),
            ..request(of, user, Class::Interactive, vec![post(desk)])
        };
        stage.order(new)
    };
    let give = |user| stage.give(of, user, vec![post(desk)]);
    let users: Vec<_> = (0..40).map(|n| stage.user(of, &format!("user{n}"))).collect();
    let plain: Vec<RequestId> = users[..20].iter().map(|user| give(*user)).collect();
    let engine = engine::start(stage.world.app.clone(), BROKEN).unwrap();
    for id in plain {
        stage.ends(id, "done");
    }
    for (id, reason) in [
        (before, "Tell the desk: It was stopped after 3 interruptions."),
        (stale, UNWRITTEN),
        (after, UNWRITTEN),
        (follows, UNWRITTEN),
    ] {
        stage.ends(id, "failed");
        assert_eq!(stage.reason(id), reason);
    }
    let left = "SELECT count(*) FROM steps WHERE lease IS NOT NULL";
    assert_eq!(stage.world.count(left), 0);
    let admin = stage.world.person(PROVIDER, "Provider administrator");
    assert!(admin.get(&format!("/requests/{before}")).expect(200).says("3 interruptions"));
    // All workers are still there: more work than one of them would do at once is done.
    let more: Vec<RequestId> = users[20..].iter().map(|user| give(*user)).collect();
    more.into_iter().for_each(|id| stage.ends(id, "done"));
    engine.stop();
}

/// What SQLite has to do for each look of the engine at what waits, by its statement.
pub fn effort(stage: &Stage, request: RequestId) -> BTreeMap<String, i32> {
    let sql = stage.world.sql();
    let value = |name: &str| -> rusqlite::types::Value {
        let of = |column: &str| -> rusqlite::types::Value {
            let query = format!("SELECT {column} FROM requests WHERE id = ?1");
            sql.query_row(&query, [request], |row| row.get(0)).unwrap()
        };
        match name {
            ":queue" | ":customer" | ":connector" | ":class" | ":user" | ":service" | ":id"
            | ":request" | ":customer_service" | ":user_service" => of(match name {
                ":customer" => "customer_id",
                ":connector" => "connector_id",
                ":user" => "user_id",
                ":service" | ":customer_service" => "customer_service_id",
                ":user_service" => "user_service_id",
                ":id" | ":request" => "id",
                other => &other[1..],
            }),
            ":now" => stage.world.now().to_string().into(),
            ":boot" | ":lease" | ":name" => "nobody".to_owned().into(),
            ":property" => 1.into(),
            other => panic!("what is {other}?"),
        }
    };
    let mut steps = BTreeMap::new();
    for found in plans::statements(Path::new("src/engine/runner/store.rs")) {
        let start = found.sql.trim_start();
        if !(start.starts_with("SELECT") || start.starts_with("WITH")) {
            continue;
        }
        let mut statement = sql.prepare(&found.sql).unwrap();
        for n in 1..=statement.parameter_count() {
            let name = statement.parameter_name(n).unwrap().replace("?1", ":id");
            statement.raw_bind_parameter(n, value(&name)).unwrap();
        }
        let mut rows = statement.raw_query();
        while rows.next().unwrap().is_some() {}
        drop(rows);
        steps.insert(found.sql.clone(), statement.get_status(StatementStatus::VmStep));
    }
    assert!(steps.len() > 15, "only {} statements were tried", steps.len());
    steps
}

#[test]
fn twenty_thousand_waiting_do_not_make_the_next_step_dearer() {
    let stage = Stage::new();
    let desk = stage.webhook("Desk", "http://127.0.0.1:9/hook");
    let of = stage.customer("Aldermoor");
    let db = &stage.world.app.db;
    let users: Vec<_> = (0..100).map(|n| stage.user(of, &format!("user{n}"))).collect();
    let accept = |number: usize| {
        let all = db.write(By::portico(Via::Shell), |tx| {
            let each = users.iter().cycle().take(number);
            each.map(|user| {
                engine::accept(tx, request(of, Some(*user), Class::Bulk, vec![post(desk)]))
            })
            .collect::<Result<Vec<RequestId>>>()
        });
        all.unwrap()
    };
    let first = accept(100)[0];
    let few = effort(&stage, first);
    let last = accept(19_900).pop().unwrap();
    let many = effort(&stage, first);
    // Also for the one that came last, which has all the others before it.
    let last = effort(&stage, last);
    let dearer: Vec<String> = few
        .iter()
        .map(|(sql, before)| (sql, before, many[sql], last[sql]))
        .filter(|(_, before, many, last)| many.max(last) > &(*before * 2 + 100))
        .map(|(sql, before, many, last)| format!("{before} steps, then {many}, {last}: {sql}"))
        .collect();
    assert!(dearer.is_empty(), "{}", dearer.join("\n"));
    assert_eq!(stage.world.count("SELECT count(*) FROM requests WHERE turn = 'ready'"), 20_000);
}

#[test]
fn a_list_of_what_waits_is_read_no_further_than_its_page() {
    let stage = Stage::new();
    let admin = stage.world.person(PROVIDER, "Provider administrator");
    let desk = stage.webhook("Desk", "http://127.0.0.1:9/hook");
    let of = stage.customer("Aldermoor");
    let ids: Vec<RequestId> = (0..60)
        .map(|n| stage.give(of, stage.user(of, &format!("user{n}")), vec![post(desk)]))
        .collect();
    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let page = admin.api_get(&format!("/requests?limit=25{after}")).expect(200).json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 25);
        seen.extend(items.iter().map(|each| RequestId(each["id"].as_i64().unwrap())));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    let mut newest = ids;
    newest.reverse();
    assert_eq!(seen, newest, "each once, the newest first");
    assert_eq!(json!(seen.len()), 60);
}

#[test]
fn the_rail_counts_what_today_counts() {
    let stage = Stage::new();
    let sink = Sink::with(|_, _| answer(400, "{}"));
    let desk = stage.webhook("Desk", &sink.url());
    let world = &stage.world;
    let reseller = world.reseller("Brightwater");
    let (own, other) = (stage.customer("Aldermoor"), stage.customer("Bramwell"));
    let below = "UPDATE customers SET parent_id = ?1 WHERE id = ?2";
    world.sql().execute(below, (reseller, own.0)).unwrap();
    let people = [
        (world.person(PROVIDER, "Provider administrator"), 4, "Four requests failed"),
        (world.person(reseller, "Reseller administrator"), 3, "Three requests failed"),
    ];
    let count = |page: &str| {
        let rail = page.split("class=\"count ").nth(1)?;
        rail.split('>').nth(1)?.split('<').next()?.trim().parse::<i64>().ok()
    };
    assert_eq!(count(&people[0].0.get("/today").expect(200).body), None, "nothing failed yet");
    let mut all = Vec::new();
    for (of, local) in [(own, "ann"), (own, "ben"), (own, "cas"), (other, "dan")] {
        all.push(stage.give(of, stage.user(of, local), vec![post(desk)]));
    }
    let engine = stage.start();
    all.iter().for_each(|id| stage.ends(*id, "failed"));
    engine.stop();
    for (who, number, said) in &people {
        for page in ["/today", "/customers"] {
            assert_eq!(count(&who.get(page).expect(200).body), Some(*number), "{page}");
        }
        assert!(who.get("/today").says(said), "{said}");
        let listed = who.api_get("/requests?status=failed").expect(200).json();
        let listed = listed["items"].as_array().unwrap().len();
        assert_eq!(i64::try_from(listed).unwrap(), *number);
    }
}
