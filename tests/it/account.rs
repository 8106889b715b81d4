//! One's own account: password, sign-ins, tokens.

use crate::signin::{PASSWORD, visit, with_password};
use crate::world::{PROVIDER, World};
use serde_json::json;
use std::io::Write;
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

#[test]
fn a_new_password_keeps_this_browser_and_ends_the_others() {
    let world = World::new();
    let user = with_password(&world, PROVIDER, "maren");
    let (here, there) = (world.sign_in(user), world.sign_in(user));
    let change = |current: &str, new: &str| {
        here.post("/account/password", &[("current", current), ("password", new), ("revoke", "0")])
    };
    assert!(
        change("wrong", "seven green kettles sing").expect(422).says("is not the current password")
    );
    assert!(change(PASSWORD, "short").expect(422).says("at least 12 characters"));
    assert_eq!(there.get("/account").status, 200);
    assert_eq!(change(PASSWORD, "seven green kettles sing").location(), "/account/password");
    here.get("/account").expect(200);
    assert_eq!(there.get("/account").status, 303);
    let fields = [("login", "maren@tarnholm-it.example"), ("password", "seven green kettles sing")];
    visit(&world, "POST", "/sign-in", &fields, &[], "127.0.0.1").expect(303);
    assert_eq!(world.text("SELECT action FROM audit_log"), "user.password_changed");
    assert_eq!(world.text("SELECT event FROM messages"), "user.password_changed");
}

#[test]
fn what_needs_the_password_again_asks_for_it_and_goes_on() {
    let world = World::new();
    let user = with_password(&world, PROVIDER, "maren");
    world
        .sql()
        .execute(
            "INSERT INTO role_grants (user_id, role_id, at_id, granted_at)
             SELECT ?1, id, 1, ?2 FROM roles WHERE name = 'Provider administrator'",
            (user, world.now()),
        )
        .unwrap();
    let maren = world.sign_in(user);
    world.later(601);
    let made = || world.count("SELECT count(*) FROM tokens WHERE name = 'Reports & \"more\"'");
    let form = [("name", "Reports & \"more\""), ("days", "10"), ("permissions", "users.read")];
    let asked = maren.post("/account/tokens", &form).expect(403);
    assert!(asked.says("Your password, once more") && made() == 0);
    let hidden = |name: &str| {
        let at = asked.body.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
        at.split('"').next().unwrap().replace("&amp;", "&")
    };
    let (to, kept) = (hidden("to"), hidden("form"));
    let give = |password: &str| {
        let fields = [("present_password", password), ("to", to.as_str()), ("form", kept.as_str())];
        maren.post("/again", &fields)
    };
    let wrong = give("wrong").expect(422);
    assert!(wrong.says("is not the current password") && wrong.says(&kept.replace('&', "&amp;")));
    assert_eq!(made(), 0);
    assert!(give(PASSWORD).expect(200).says("Copy this token now."));
    assert_eq!(made(), 1);
    maren.post("/account/tokens", &form).expect(200);
    // A page that only asks is come back to; nobody is led elsewhere, and nothing goes on without
    // the form's token.
    world.later(601);
    let to_page = [("present_password", PASSWORD), ("to", "/users?x=1&y=2")];
    assert_eq!(maren.post("/again", &to_page).location(), "/users?x=1&y=2");
    let away = [("present_password", PASSWORD), ("to", "//evil.example")];
    assert_eq!(maren.post("/again", &away).location(), "/today");
    let kept = [("present_password", PASSWORD), ("to", "/account/tokens"), ("form", "name=x")];
    maren.post_without_token("/again", &kept).expect(403);
    assert_eq!(made(), 2);
}

#[test]
fn a_token_must_name_what_a_person_would_be_asked_for_again() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let at = format!("/users/{}/tokens", admin.id);
    let all = admin.api_post(&at, json!({ "name": "All", "permissions": "*" })).expect(201).json();
    let bearer = format!("Bearer {}", all["token"].as_str().unwrap());
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let headers = headers.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec();
    let body = json!({ "name": "More" }).to_string().into_bytes();
    let refused = admin.ask("POST", &format!("/api/v1{at}"), body, headers).expect(403);
    assert!(refused.says("The token must name tokens.own"));
}

#[test]
fn guessing_the_current_password_has_to_wait_too() {
    let world = World::new();
    let user = with_password(&world, PROVIDER, "maren");
    let maren = world.sign_in(user);
    let guess = || maren.post("/account/password", &[("current", "x"), ("password", "y")]).status;
    let statuses: Vec<u16> = (0..7).map(|_| guess()).collect();
    assert_eq!(statuses[..5], [422; 5]);
    assert_eq!(statuses[6], 429);
    assert_eq!(
        maren.post("/again", &[("present_password", PASSWORD)]).status,
        429,
        "one counter for all"
    );
}

#[test]
fn sign_ins_are_listed_and_ended_one_by_one_or_all() {
    let world = World::new();
    let user = with_password(&world, PROVIDER, "maren");
    let (here, second, third) = (world.sign_in(user), world.sign_in(user), world.sign_in(user));
    let other = world.person(PROVIDER, "Provider administrator");
    let page = here.get("/account/sign-ins").expect(200);
    assert!(page.says("This browser"));
    let ends: Vec<&str> = page.body.split("/account/sessions/").skip(1).collect();
    let key =
        ends.iter().find(|end| !end.starts_with("end-others")).unwrap().split('/').next().unwrap();
    other.post(&format!("/account/sessions/{key}/end"), &[]).expect(404);
    here.post(&format!("/account/sessions/{key}/end"), &[]).expect(303);
    let alive = || [&second, &third].iter().filter(|p| p.get("/account").status == 200).count();
    assert_eq!(alive(), 1);
    here.post("/account/sessions/end-others", &[]).expect(303);
    assert_eq!(alive(), 0);
    here.get("/account").expect(200);
}

#[test]
fn a_token_is_shown_once_and_narrowed_to_what_it_names() {
    let world = World::new();
    let (alder, birch) = (world.customer(PROVIDER, "Alder"), world.customer(PROVIDER, "Birch"));
    let admin = world.person(PROVIDER, "Provider administrator");
    let bad = admin.api_post(
        &format!("/users/{}/tokens", admin.id),
        json!({ "name": "", "permissions": ["users.fly"], "days": 400 }),
    );
    assert_eq!(
        bad.expect(422).complaints(),
        [
            "name is required",
            "permissions has users.fly, which you do not hold",
            "days must be within 365 days"
        ]
    );
    let body = json!({ "name": "Reports", "permissions": ["roles.read"], "customer_id": alder.0, "days": 10 });
    let made = admin.api_post(&format!("/users/{}/tokens", admin.id), body).expect(201).json();
    let token = made["token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("ptc_"));
    let list = admin.api_get(&format!("/users/{}/tokens", admin.id)).expect(200);
    assert!(list.says("Reports") && !list.says(&token));
    let inside = world.user(alder, "A", "a");
    let outside = world.user(birch, "B", "b");
    let by_token = |url: &str| {
        let bearer = format!("Bearer {token}");
        visit(&world, "GET", url, &[], &[("Authorization", &bearer)], "127.0.0.1")
    };
    by_token(&format!("/api/v1/users/{inside}/roles")).expect(200);
    by_token(&format!("/api/v1/users/{outside}/roles")).expect(404);
    by_token("/api/v1/messages").expect(403);
    let places = "SELECT count(*) FROM audit_log, messages WHERE detail || text || html LIKE '%";
    assert_eq!(world.count(&format!("{places}{token}%'")), 0);
    assert!(admin.get("/account/tokens").expect(200).says("Reports"));
    admin.api_delete(&format!("/tokens/{}", made["id"])).expect(204);
    by_token(&format!("/api/v1/users/{inside}/roles")).expect(401);
}

#[test]
fn a_token_makes_no_token_that_can_do_more() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    let admin = world.person(PROVIDER, "Provider administrator");
    let at = format!("/users/{}/tokens", admin.id);
    let narrow = json!({ "name": "Narrow", "permissions": ["tokens.own", "roles.read"], "customer_id": alder.0 });
    let token =
        admin.api_post(&at, narrow).expect(201).json()["token"].as_str().unwrap().to_owned();
    let make = |body: serde_json::Value| {
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let headers = headers.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec();
        admin.ask("POST", &format!("/api/v1{at}"), body.to_string().into_bytes(), headers)
    };
    make(json!({ "name": "All" })).expect(422);
    make(json!({ "name": "All", "customer_id": 1 })).expect(422);
    make(json!({ "name": "More", "permissions": ["users.read"], "customer_id": alder.0 }))
        .expect(422);
    let made = make(json!({ "name": "Same", "customer_id": alder.0 })).expect(201).json();
    assert_eq!(made["permissions"], json!(["roles.read", "tokens.own"]));
}

#[test]
fn tokens_of_others_are_their_own_or_a_managers_matter() {
    let world = World::new();
    let (alder, birch) = (world.customer(PROVIDER, "Alder"), world.customer(PROVIDER, "Birch"));
    let boss = world.person(alder, "Customer administrator");
    let other = world.person(birch, "Customer administrator");
    let nobody = world.person(alder, "");
    let id = |user: portico::ids::UserId| {
        world.count(&format!("SELECT id FROM tokens WHERE user_id = {user}"))
    };
    let (theirs, mine) = (id(other.id), id(nobody.id));
    boss.api_get(&format!("/users/{}/tokens", other.id)).expect(404);
    boss.api_delete(&format!("/tokens/{theirs}")).expect(404);
    nobody.api_delete(&format!("/tokens/{}", id(boss.id))).expect(404);
    nobody.api_post(&format!("/users/{}/tokens", nobody.id), json!({ "name": "x" })).expect(403);
    boss.api_get(&format!("/users/{}/tokens", nobody.id)).expect(200);
    boss.api_delete(&format!("/tokens/{mine}")).expect(204);
    nobody.api_get("/roles").expect(401);
    other.api_get("/roles").expect(200);
}

#[test]
fn how_pages_look_is_remembered() {
    let world = World::new();
    let somebody = world.person(PROVIDER, "");
    let answer = somebody.post("/account/theme", &[("theme", "dark")]).expect(303);
    assert!(
        answer.headers.iter().any(|(_, value)| value.starts_with("portico-theme=dark; Path=/"))
    );
    somebody.post("/account/theme", &[("theme", "pink")]).expect(422);
    assert!(somebody.get("/account").expect(200).says("Appearance"));
}

#[test]
fn a_sign_in_ends_by_itself() {
    let world = World::new();
    let somebody = world.person(PROVIDER, "");
    world.later(29 * 60);
    somebody.get("/account").expect(200);
    world.later(29 * 60);
    somebody.get("/account").expect(200);
    world.later(31 * 60);
    assert_eq!(somebody.get("/account").status, 303, "idle");
    let busy = world.person(PROVIDER, "");
    for _ in 0..12 * 3 {
        world.later(20 * 60);
        busy.get("/account");
    }
    world.later(60);
    assert_eq!(busy.get("/account").status, 303, "twelve hours in all");
}

/// Bytes that a subscriber wrote.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn contains(all: &[u8], text: &str) -> bool {
    all.windows(text.len()).any(|part| part == text.as_bytes())
}

#[test]
fn a_token_stands_in_no_log_file_or_row_after_the_answer_that_shows_it() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let token = tracing::subscriber::with_default(subscriber, || {
        let form = [("name", "Reports"), ("days", "10"), ("permissions", "users.read")];
        let shown = admin.post("/account/tokens", &form).expect(200).body;
        let place = shown.find("ptc_").unwrap();
        let token = shown[place..place + 53].to_owned();
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", bearer.as_str())];
        visit(&world, "GET", "/api/v1/users", &[], &headers, "127.0.0.1").expect(200);
        visit(&world, "GET", "/api/v1/nowhere", &[], &headers, "127.0.0.1").expect(404);
        visit(&world, "POST", "/api/v1/customers", &[], &headers, "127.0.0.1");
        token
    });
    assert!(portico::auth::token_is_well_formed(&token), "{token}");
    let log = log.0.lock().unwrap().clone();
    assert!(contains(&log, "/api/v1/users") && !contains(&log, &token));
    for url in ["/account/tokens", &format!("/users/{}/tokens", admin.id), "/audit", "/mail"] {
        assert!(!admin.get(url).expect(200).says(&token), "{url}");
    }
    let export = admin.raw("/api/v1/customers/1/users/export");
    assert!(contains(&export, "UPN") && !contains(&export, &token));
    world.sql().execute_batch("PRAGMA wal_checkpoint(FULL)").unwrap();
    for file in std::fs::read_dir(world.folder()).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            assert!(!contains(&std::fs::read(&path).unwrap(), &token), "{}", path.display());
        }
    }
}

#[test]
fn a_mistyped_token_is_refused_without_asking_the_store() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let ask = |token: &str| {
        let bearer = format!("Bearer {token}");
        visit(&world, "GET", "/api/v1/users", &[], &[("Authorization", &bearer)], "127.0.0.1")
            .status
    };
    let mut mistyped = admin.token().to_owned();
    let other = if &mistyped[10..11] == "A" { "B" } else { "A" };
    mistyped.replace_range(10..11, other);
    // Whoever reads the store now waits for as long as these do not give their places back.
    let all = world.app.db.most_readers();
    let (held, done) = (Barrier::new(all + 1), Barrier::new(all + 1));
    std::thread::scope(|scope| {
        for _ in 0..all {
            scope.spawn(|| {
                world.app.db.read(|_| {
                    held.wait();
                    done.wait();
                    Ok(())
                })
            });
        }
        held.wait();
        let (to, from) = channel();
        let (ask, mistyped) = (&ask, &mistyped);
        scope.spawn(move || to.send(ask(mistyped)));
        let answer = from.recv_timeout(Duration::from_secs(20));
        done.wait();
        assert_eq!(answer, Ok(401));
    });
    assert_eq!((ask(admin.token()), ask(&mistyped)), (200, 401));
}

#[test]
fn a_token_is_worth_what_its_owner_may_now_and_deletes_only_where_it_says_so() {
    let world = World::new();
    let (alder, birch) = (world.customer(PROVIDER, "Alder"), world.customer(PROVIDER, "Birch"));
    let admin = world.person(PROVIDER, "Provider administrator");
    let boss = world.person(PROVIDER, "Provider helpdesk");
    world.user(alder, "Ada", "ada");
    world.user(birch, "Bea", "bea");
    let at = format!("/users/{}/tokens", admin.id);
    let make = |body: serde_json::Value| {
        admin.api_post(&at, body).expect(201).json()["token"].as_str().unwrap().to_owned()
    };
    let ask = |method: &str, url: &str, token: &str, body: serde_json::Value| {
        let headers = vec![
            ("Authorization".to_owned(), format!("Bearer {token}")),
            ("Content-Type".to_owned(), "application/json".to_owned()),
        ];
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        admin.ask(method, &format!("/api/v1{url}"), body, headers)
    };
    let one = make(json!({ "name": "One", "permissions": ["users.read"], "customer_id": alder.0 }));
    let list = ask("GET", "/users", &one, json!(null)).expect(200);
    assert!(list.says("Ada") && !list.says("Bea") && !list.says("The Provider"), "{}", list.body);
    ask("GET", &format!("/customers/{birch}/users"), &one, json!(null)).expect(404);
    assert_eq!(ask("GET", "/users?q=bea", &one, json!(null)).json()["items"], json!([]));
    // A role that is taken narrows it at the next call.
    boss.api_get("/users").expect(200);
    let grant = world.count(&format!("SELECT id FROM role_grants WHERE user_id = {}", boss.id));
    admin.api_delete(&format!("/users/{}/roles/{grant}", boss.id)).expect(204);
    boss.api_get("/users").expect(403);
    // Everything is not what is asked for again: that must be named, and the code typed.
    let (whole, named) = (
        make(json!({ "name": "All", "permissions": "*" })),
        make(
            json!({ "name": "Some", "permissions": ["customers.read", "customers.delete", "customers.deprovision"] }),
        ),
    );
    let url = format!("/customers/{birch}");
    let typed = json!({ "confirm": "BIRCH" });
    let end = ask("POST", &format!("{url}/deprovision"), &named, typed.clone());
    assert!((200..300).contains(&end.status), "{}", end.body);
    let refused = ask("DELETE", &url, &whole, typed.clone()).expect(403);
    assert!(refused.says("The token must name customers.delete"), "{}", refused.body);
    let untyped = ask("DELETE", &url, &named, json!({})).expect(422);
    assert_eq!(untyped.complaints(), ["confirm does not match BIRCH"]);
    ask("DELETE", &url, &named, typed).expect(200);
    assert_eq!(world.text(&format!("SELECT state FROM customers WHERE id = {birch}")), "deleted");
}

#[test]
fn who_may_nothing_else_begins_with_the_own_account() {
    let world = World::new();
    let home = world.customer_with_workplace(world.reseller("Brightwater"), "Aldermoor");
    let admin = world.person(PROVIDER, "Provider administrator");
    let body = json!({ "first_name": "Ylva", "services": ["workplace/standard"] });
    let ylva = admin.api_post(&format!("/customers/{home}/users"), body).expect(201).id();
    let ylva = world.sign_in(portico::ids::UserId(ylva));
    assert_eq!(ylva.get("/today").location(), "/account");
    let page = ylva.get("/account").expect(200);
    assert!(page.says("My services") && page.says("Managed workplace"), "{}", page.body);
    assert!(!page.says("href=\"/search\"") && page.says("aria-current=\"page\""), "{}", page.body);
    world.sql().execute("DELETE FROM tokens WHERE user_id = ?1", [ylva.id]).unwrap();
    assert!(!ylva.get("/account/password").says("Revoke my API tokens"));
    assert!(admin.get("/account/password").says("Revoke my API tokens"));
    assert!(admin.get("/today").expect(200).says("href=\"/search\""));
}
