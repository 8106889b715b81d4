//! Webhooks that answer later, and receivers who look whether a call is ours.

use crate::engine::{Sink, Stage, answer, post};
use crate::hook::Hook;
use portico::engine::{NewStep, OnError};
use portico::ids::RequestId;
use portico::secret::Secret;
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

const BASE: &str = "https://portico.example";

fn stage() -> Stage {
    let stage = Stage::new();
    let set = "INSERT INTO settings (key, value, changed_at) VALUES ('base_url', ?1, '')";
    stage.world.sql().execute(set, [BASE]).unwrap();
    stage
}

/// A receiver who promises to answer the first call of each step.
fn promising(promise: &'static str) -> Sink {
    Sink::with(move |_, _| answer(202, promise))
}

fn path(address: &str) -> String {
    address.strip_prefix(&format!("{BASE}/api/v1")).unwrap().to_owned()
}

fn waits(stage: &Stage, id: RequestId) {
    stage.until("it is waited for an answer", || {
        stage.world.text(&format!("SELECT hold FROM requests WHERE id = {id}")) == "wait"
    });
}

fn two(desk: portico::ids::ConnectorId, other: portico::ids::ConnectorId) -> Vec<NewStep> {
    let next = NewStep { key: "next".into(), title: "Go on".into(), ..post(other) };
    vec![post(desk), next]
}

#[test]
fn an_answer_that_was_promised_works_once_and_for_its_step_alone() {
    let stage = stage();
    let (later, now) = (promising("{\"callback\":true}"), Sink::ok());
    let (desk, other) = (stage.webhook("Desk", &later.url()), stage.webhook("Other", &now.url()));
    let of = stage.customer("Aldermoor");
    let (ann, ben) = (stage.user(of, "ann"), stage.user(of, "ben"));
    let engine = stage.start();
    let first = stage.give(of, ann, two(desk, other));
    waits(&stage, first);
    // Of this one the refusal is a warning, and the next step goes on.
    let mut steps = two(desk, other);
    steps[0].on_error = OnError::Continue;
    let second = stage.give(of, ben, steps);
    waits(&stage, second);
    let hits = later.hits();
    let (of_first, of_second) = (path(&hits[0].callback), path(&hits[1].callback));
    assert_ne!(of_first, of_second);
    // Nobody is held up meanwhile, not even the same user.
    let more = stage.give(of, ann, vec![post(other)]);
    stage.ends(more, "done");
    let admin = stage.world.person(crate::world::PROVIDER, "Provider administrator");
    let page = admin.get(&format!("/requests/{first}")).expect(200);
    assert!(page.says("“Tell the desk” is answered later"), "{}", page.body);
    let token = of_first.rsplit('/').next().unwrap();
    assert!(!page.says(token));
    // Another's token, a made-up one and none.
    let stranger = stage.world.stranger();
    let said = json!({ "outputs": { "number": "4711" }, "message": "made" });
    let (step, other_step) =
        (of_first.split('/').nth(2).unwrap(), of_second.split('/').nth(2).unwrap());
    stranger.api_post(&format!("/callbacks/{other_step}/{token}"), said.clone()).expect(404);
    stranger.api_post(&format!("/callbacks/{step}/{}", "0".repeat(64)), said.clone()).expect(404);
    stranger.api_post(&format!("/callbacks/999/{token}"), said.clone()).expect(404);
    assert_eq!(stage.status(first), "queued");
    stranger.api_post(&of_first, said.clone()).expect(204);
    stage.ends(first, "done");
    let outputs = format!("SELECT outputs FROM steps WHERE id = {step}");
    assert_eq!(stage.world.text(&outputs), "{\"number\":\"4711\"}");
    let told = now.hits().last().unwrap().body["previous"]["outputs"]["post"].clone();
    assert_eq!(told, json!({ "number": "4711" }), "the next step is told");
    stranger.api_post(&of_first, json!({ "outputs": { "number": "1" } })).expect(409);
    assert_eq!(stage.world.text(&outputs), "{\"number\":\"4711\"}");
    stranger.api_post(&of_second, json!({ "refused": "No\nlicences left" })).expect(204);
    stage.ends(second, "done");
    let step = stage
        .world
        .text(&format!("SELECT status || ' ' || error FROM steps WHERE id = {other_step}"));
    assert_eq!(step, "failed No licences left");
    assert_eq!(stage.world.count(&format!("SELECT warnings FROM requests WHERE id = {second}")), 1);
    assert_eq!(later.hits().len(), 2, "nobody was called twice");
    let kept = stage.world.texts("SELECT log FROM step_attempts").join("\n");
    assert!(!kept.contains(token), "{kept}");
    engine.stop();
}

#[test]
fn an_answer_that_comes_too_late_changes_nothing_and_a_new_attempt_has_a_new_address() {
    let stage = stage();
    let sink = Sink::with(|_, before| match before {
        0 => answer(500, "{}"),
        _ => answer(202, "{\"callback\":200}"),
    });
    let desk = stage.webhook("Desk", &sink.url());
    let of = stage.customer("Aldermoor");
    let engine = stage.start();
    let id = stage.give(of, stage.user(of, "ann"), vec![post(desk)]);
    stage.until("the first attempt failed", || {
        sink.hits().len() == 1
            && stage.world.count("SELECT count(*) FROM step_attempts WHERE outcome = 'retry'") == 1
    });
    stage.world.later(60);
    engine.nudge();
    waits(&stage, id);
    let hits = sink.hits();
    assert_eq!(hits[0].key, hits[1].key, "repeats carry one key");
    let stranger = stage.world.stranger();
    stranger.api_post(&path(&hits[0].callback), json!({})).expect(404);
    // A week is the most that is waited.
    stage.world.later(6 * 24 * 3600);
    engine.nudge();
    assert_eq!(stage.status(id), "queued");
    stage.world.later(24 * 3600 + 60);
    let late = stranger.api_post(&path(&hits[1].callback), json!({}));
    assert_eq!(late.status, 409, "{}", late.body);
    engine.nudge();
    stage.ends(id, "failed");
    assert!(stage.reason(id).contains("did not answer within the time"), "{}", stage.reason(id));
    stranger.api_post(&path(&hits[1].callback), json!({})).expect(409);
    assert_eq!((stage.status(id).as_str(), sink.hits().len()), ("failed", 2));
    engine.stop();
}

#[test]
fn without_an_address_of_its_own_nothing_is_waited_for() {
    let stage = Stage::new();
    let sink = promising("{\"callback\":true}");
    let desk = stage.webhook("Desk", &sink.url());
    let of = stage.customer("Aldermoor");
    let engine = stage.start();
    let id = stage.give(of, stage.user(of, "ann"), vec![post(desk)]);
    stage.ends(id, "failed");
    assert_eq!(sink.hits()[0].callback, "");
    assert!(stage.reason(id).contains("set it under Settings"), "{}", stage.reason(id));
    engine.stop();
}

fn genuine(program: &[&str], secret: &str, headers: [&str; 3], body: &[u8]) -> bool {
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).args(headers).env("PORTICO_SECRET", secret);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let _early = child.stdin.take().unwrap().write_all(body);
    child.wait().unwrap().success()
}

#[test]
fn samples_in_three_languages_know_our_calls_from_others() {
    let stage = Stage::new();
    stage.world.clock.set(portico::time::Clock::default().now());
    let hook = Hook::start();
    let desk = stage.webhook("Desk", &hook.url);
    let sealed = stage.world.text("SELECT sealed FROM credentials");
    let id = stage.world.count("SELECT id FROM credentials");
    let key = &stage.world.app.config.key;
    let secret: Secret = key.open(&format!("credential {id}"), &sealed).unwrap();
    let of = stage.customer("Jürgens \"Äpfel\" & Söhne");
    let engine = stage.start();
    let request = stage.give(of, stage.user(of, "ann"), vec![post(desk)]);
    stage.ends(request, "done");
    engine.stop();
    let call = hook.calls().pop().unwrap();
    let said =
        ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| call.header(name));
    let mut changed = call.raw.clone();
    changed.push(b' ');
    let old = (said[1].parse::<i64>().unwrap() - 600).to_string();
    let two = format!("{} {}", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", secret.reveal());
    let samples: [&[&str]; 3] = [
        &["python3", "examples/webhooks/verify.py"],
        &["node", "examples/webhooks/verify.mjs"],
        &["bash", "examples/webhooks/verify.sh"],
    ];
    for sample in samples {
        let is =
            |secret: &str, headers: [&str; 3], body: &[u8]| genuine(sample, secret, headers, body);
        assert!(is(secret.reveal(), said, &call.raw), "{sample:?}");
        assert!(is(&two, said, &call.raw), "{sample:?}: the old secret beside the new");
        assert!(!is(secret.reveal(), said, &changed), "{sample:?}: one byte more");
        assert!(!is("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", said, &call.raw), "{sample:?}");
        assert!(!is(secret.reveal(), ["portico-x-1", said[1], said[2]], &call.raw), "{sample:?}");
        assert!(!is(secret.reveal(), [said[0], &old, said[2]], &call.raw), "{sample:?}: old");
        assert!(!is(secret.reveal(), [said[0], "soon", said[2]], &call.raw), "{sample:?}");
    }
    let _whole: Value = serde_json::from_slice(&call.raw).unwrap();
}
