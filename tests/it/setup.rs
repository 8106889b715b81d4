//! Setting up: once, by whoever knows the code.

use crate::signin::visit;
use crate::world::{Answer, World};

const FORM: &[(&str, &str)] = &[
    ("organisation", "Tarnholm IT"),
    ("name", "Sunniva Akselrod"),
    ("upn", "sunniva@tarnholm.example"),
    ("password", "quiet harbour lantern 7"),
    ("time_zone", "Europe/Amsterdam"),
    ("currency", "EUR"),
    ("base_url", "https://portico.example"),
];

fn post(world: &World, code: &str, fields: &[(&str, &str)]) -> Answer {
    let mut all = fields.to_vec();
    all.push(("setup_code", code));
    visit(world, "POST", "/setup", &all, &[], "127.0.0.1")
}

#[test]
fn without_the_code_there_is_no_such_page_and_nothing_else_either() {
    let world = World::empty();
    for url in ["/setup", "/setup?code=", "/setup?code=wrong"] {
        visit(&world, "GET", url, &[], &[], "127.0.0.1").expect(404);
    }
    post(&world, "wrong", FORM).expect(404);
    visit(&world, "GET", "/sign-in", &[], &[], "127.0.0.1").expect(503);
    visit(&world, "GET", "/customers", &[], &[], "127.0.0.1").expect(503);
    for _ in 0..20 {
        visit(&world, "GET", "/setup?code=wrong", &[], &[], "10.0.0.9");
    }
    visit(&world, "GET", "/setup?code=wrong", &[], &[], "10.0.0.9").expect(429);
}

#[test]
fn the_code_makes_the_provider_and_its_administrator_once() {
    let world = World::empty();
    let code = world.app.setup_code.reveal().to_owned();
    let page =
        visit(&world, "GET", &format!("/setup?code={code}"), &[], &[], "127.0.0.1").expect(200);
    assert!(page.says("Set up Portico"));
    let bad = post(
        &world,
        &code,
        &[("upn", "sunniva@tarnholm"), ("password", "short"), ("time_zone", "Mars")],
    );
    let bad = bad.expect(422);
    for complaint in
        ["Company name is required", "must have at least 12 characters", "is not a time zone"]
    {
        assert!(bad.says(complaint), "{complaint}");
    }
    assert!(!bad.says("short\""), "the password is not written back");
    assert_eq!(post(&world, &code, FORM).location(), "/sign-in?done=setup");
    assert_eq!(
        world.text("SELECT name || ' ' || code || ' ' || currency FROM customers"),
        "Tarnholm IT TI EUR"
    );
    assert_eq!(world.text("SELECT action FROM audit_log"), "system.set_up");
    assert_eq!(world.text("SELECT via FROM audit_log WHERE user_id = subject_id"), "page");
    assert_eq!(world.text("SELECT value FROM settings"), "https://portico.example");
    visit(&world, "GET", &format!("/setup?code={code}"), &[], &[], "127.0.0.1").expect(404);
    post(&world, &code, FORM).expect(404);
    let fields = [("login", "sunniva@tarnholm.example"), ("password", "quiet harbour lantern 7")];
    let host = [("Host", "portico.example")];
    visit(&world, "POST", "/sign-in", &fields, &host, "127.0.0.1").expect(303);
    let rights = world.count("SELECT count(*) FROM role_grants WHERE at_id = 1");
    assert_eq!(rights, 1);
}

#[test]
fn two_browsers_make_one_administrator() {
    let world = World::empty();
    let code = world.app.setup_code.reveal().to_owned();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let tries: Vec<_> =
            (0..4).map(|_| scope.spawn(|| post(&world, &code, FORM).status)).collect();
        tries.into_iter().map(|each| each.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
    assert_eq!(world.count("SELECT count(*) FROM users"), 1);
}
