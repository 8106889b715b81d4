//! The door: what opens it, what does not, and what nobody can tell from outside.

use crate::mail::server;
use crate::sink::{Options, Sink};
use crate::world::{Answer, PROVIDER, World};
use portico::ids::{CustomerId, UserId};
use portico::mail::send_due;
use portico::secret::Secret;
use portico::web::Request;
use serde_json::Value;
use std::net::IpAddr;

pub const PASSWORD: &str = "quiet harbour lantern 7";
const WRONG: &str = "Name or password is wrong, or you cannot sign in at present.";

/// Somebody with a password.
pub fn with_password(world: &World, home: CustomerId, local: &str) -> UserId {
    let user = world.user(home, "Maren Tolliver", local);
    let hash = world.app.hasher.hash(&Secret::new(PASSWORD)).unwrap();
    world.sql().execute("UPDATE users SET password_hash = ?1 WHERE id = ?2", (hash, user)).unwrap();
    user
}

/// A visitor's request from `address`.
pub fn visit(
    world: &World,
    method: &str,
    url: &str,
    fields: &[(&str, &str)],
    headers: &[(&str, &str)],
    address: &str,
) -> Answer {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let mut all: Vec<(String, String)> =
        headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    if !headers.iter().any(|(name, _)| *name == "Host") {
        all.push(("Host".into(), "localhost".into()));
    }
    let address: IpAddr = address.parse().unwrap();
    let request = Request::new(method, url, all, body.into_bytes(), address).unwrap();
    Answer::of(world.app.handle(&request))
}

fn try_in(world: &World, name: &str, password: &str, address: &str) -> Answer {
    visit(world, "POST", "/sign-in", &[("login", name), ("password", password)], &[], address)
}

/// The page that a session's cookie opens.
fn account_with(world: &World, cookie: &str) -> Answer {
    visit(world, "GET", "/again", &[], &[("Cookie", cookie)], "127.0.0.1")
}

fn cookie_of(answer: &Answer) -> String {
    let cookie = answer.header("Set-Cookie");
    assert!(cookie.contains("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

#[test]
fn the_right_password_opens_a_session_and_signing_out_ends_it() {
    let world = World::new();
    with_password(&world, PROVIDER, "maren");
    let page = visit(&world, "GET", "/sign-in?to=/users/7", &[], &[], "127.0.0.1").expect(200);
    assert!(page.says(r#"name="to" value="/users/7""#));
    let fields =
        [("login", " Maren@Tarnholm-IT.example "), ("password", PASSWORD), ("to", "/users/7")];
    let answer = visit(&world, "POST", "/sign-in", &fields, &[], "127.0.0.1");
    assert_eq!(answer.location(), "/users/7");
    let cookie = cookie_of(&answer);
    let page = account_with(&world, &cookie).expect(200);
    assert_eq!(world.text("SELECT outcome FROM sign_ins"), "in");
    let kept =
        world.count("SELECT count(*) FROM sessions WHERE hex(hash) LIKE '%' || hex(csrf) || '%'");
    assert_eq!(kept, 0);
    let csrf = page.body.split(r#"name="csrf" value=""#).nth(1).unwrap().split('"').next().unwrap();
    let out =
        visit(&world, "POST", "/sign-out", &[("csrf", csrf)], &[("Cookie", &cookie)], "127.0.0.1");
    assert_eq!(out.location(), "/sign-in?done=out");
    assert_eq!(account_with(&world, &cookie).status, 303);
}

#[test]
fn a_secure_connection_gets_a_cookie_bound_to_it() {
    let world = World::new();
    with_password(&world, PROVIDER, "maren");
    let body = format!("login=maren@tarnholm-it.example&password={}", PASSWORD.replace(' ', "+"));
    let headers = vec![("Host".to_owned(), "localhost".to_owned())];
    let address = "127.0.0.1".parse().unwrap();
    let mut request =
        Request::new("POST", "/sign-in", headers, body.into_bytes(), address).unwrap();
    request.secure = true;
    let answer = Answer::of(world.app.handle(&request));
    let cookie = answer.header("Set-Cookie");
    assert!(cookie.starts_with("__Host-portico=") && cookie.contains("; Secure"), "{cookie}");
}

#[test]
fn every_failure_looks_alike_and_costs_one_hash() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    let off = world.customer(PROVIDER, "Off");
    with_password(&world, alder, "right");
    for (local, change) in [
        ("disabled", "UPDATE users SET state = 'disabled' WHERE id = ?1"),
        ("expired", "UPDATE users SET expires_on = '2026-03-09' WHERE id = ?1"),
        ("api", "UPDATE users SET sign_in = 'api_only' WHERE id = ?1"),
        ("nobody", "UPDATE users SET password_hash = NULL WHERE id = ?1"),
        ("locked", "UPDATE users SET locked_until = '2026-03-10T09:00:00Z' WHERE id = ?1"),
        ("nothing", "UPDATE users SET sign_in = 'nothing' WHERE id = ?1"),
        ("gone", "UPDATE users SET state = 'deprovisioned' WHERE id = ?1"),
    ] {
        let user = with_password(&world, alder, local);
        world.sql().execute(change, [user]).unwrap();
    }
    with_password(&world, off, "member");
    world.sql().execute("UPDATE customers SET state = 'disabled' WHERE id = ?1", [off]).unwrap();
    let mut bodies = Vec::new();
    for (n, (name, password)) in [
        ("unknown@alder.example", PASSWORD),
        ("right@alder.example", "wrong"),
        ("disabled@alder.example", PASSWORD),
        ("expired@alder.example", PASSWORD),
        ("api@alder.example", PASSWORD),
        ("nobody@alder.example", PASSWORD),
        ("locked@alder.example", PASSWORD),
        ("nothing@alder.example", PASSWORD),
        ("gone@alder.example", PASSWORD),
        ("member@off.example", PASSWORD),
    ]
    .into_iter()
    .enumerate()
    {
        let before = world.app.hasher.made();
        let answer = try_in(&world, name, password, &format!("10.0.0.{n}")).expect(422);
        assert_eq!(world.app.hasher.made() - before, 1, "{name}");
        assert!(answer.says(WRONG), "{name}");
        assert!(answer.header("Set-Cookie").is_empty(), "{name}");
        bodies.push(answer.body.replace(name, "NAME"));
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(world.count("SELECT count(*) FROM sign_ins WHERE outcome = 'refused'"), 10);
    let before = world.app.hasher.made();
    try_in(&world, "right@alder.example", &"x".repeat(1_000_000), "10.0.0.99").expect(422);
    assert_eq!(world.app.hasher.made(), before, "a password of a megabyte costs nothing");
}

#[test]
fn a_storm_at_one_account_costs_five_hashes_before_it_waits() {
    let world = World::new();
    with_password(&world, PROVIDER, "maren");
    let before = world.app.hasher.made();
    std::thread::scope(|scope| {
        for n in 0..100 {
            let world = &world;
            scope.spawn(move || {
                try_in(world, "maren@tarnholm-it.example", "wrong", &format!("10.1.0.{n}"))
            });
        }
    });
    assert!(world.app.hasher.made() - before <= 5, "{}", world.app.hasher.made() - before);
    // What hashing may hold at once is fixed: so many arenas of 19 MiB, and a line before them.
    assert!(world.app.hasher.arenas() <= 4, "{}", world.app.hasher.arenas());
    let late = try_in(&world, "maren@tarnholm-it.example", PASSWORD, "10.2.0.1").expect(429);
    assert!(late.header("Retry-After").parse::<u32>().unwrap() >= 1);
    world.later(901);
    try_in(&world, "maren@tarnholm-it.example", PASSWORD, "10.2.0.1").expect(303);
}

#[test]
fn an_address_that_tries_many_names_has_to_wait() {
    let world = World::new();
    let statuses: Vec<u16> = (0..25)
        .map(|n| try_in(&world, &format!("name{n}@x.example"), "wrong", "10.3.0.1").status)
        .collect();
    assert_eq!(statuses.iter().filter(|status| **status == 422).count(), 20);
    assert_eq!(statuses.last(), Some(&429));
    assert_eq!(try_in(&world, "other@x.example", "wrong", "10.3.0.2").status, 422);
}

#[test]
fn signing_in_leads_nowhere_else_and_takes_no_foreign_form() {
    let world = World::new();
    with_password(&world, PROVIDER, "maren");
    let fields = |to| [("login", "maren@tarnholm-it.example"), ("password", PASSWORD), ("to", to)];
    for to in ["//evil.example", "https://evil.example", "/\\evil.example", ""] {
        let answer = visit(&world, "POST", "/sign-in", &fields(to), &[], "127.0.0.1");
        assert_eq!(answer.location(), "/today", "{to}");
    }
    for header in [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
    ] {
        visit(&world, "POST", "/sign-in", &fields("/"), &[header], "127.0.0.1").expect(403);
        visit(&world, "POST", "/reset", &[("login", "x")], &[header], "127.0.0.1").expect(403);
    }
    let own = [("Origin", "http://localhost"), ("Sec-Fetch-Site", "same-origin")];
    visit(&world, "POST", "/sign-in", &fields("/"), &own, "127.0.0.1").expect(303);
}

#[test]
fn a_disabled_user_is_out_at_the_next_request_by_every_door() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    let user = with_password(&world, alder, "maren");
    let maren = world.sign_in(user);
    maren.get("/again").expect(200);
    let sql = world.sql();
    let key = &world.app.config.key;
    let by = portico::db::By::portico(portico::db::Via::Job);
    let path = world
        .app
        .db
        .write(by, |tx| portico::auth::make_link(tx, user, portico::auth::Purpose::Password, 3600))
        .unwrap();
    let _ = key;
    visit(&world, "GET", path.reveal(), &[], &[], "127.0.0.1").expect(200);
    for (off, on) in [
        (
            "UPDATE users SET state = 'disabled' WHERE id = ?1",
            "UPDATE users SET state = 'active' WHERE id = ?1",
        ),
        (
            "UPDATE customers SET state = 'disabled' WHERE id = (SELECT customer_id FROM users WHERE id = ?1)",
            "UPDATE customers SET state = 'active' WHERE id = (SELECT customer_id FROM users WHERE id = ?1)",
        ),
    ] {
        sql.execute(off, [user]).unwrap();
        assert_eq!(maren.get("/again").status, 303, "session");
        assert_eq!(maren.api_get("/messages").status, 401, "token");
        assert_eq!(visit(&world, "GET", path.reveal(), &[], &[], "127.0.0.1").status, 404, "link");
        try_in(&world, "maren@alder.example", PASSWORD, "127.0.0.1").expect(422);
        sql.execute(on, [user]).unwrap();
        try_in(&world, "maren@alder.example", PASSWORD, "127.0.0.1").expect(303);
    }
}

#[test]
fn a_forgotten_password_is_set_by_a_link_that_works_once() {
    let sink = Sink::start(Options::default());
    let world = World::new();
    server(&world, &sink, "none");
    let alder = world.customer(PROVIDER, "Alder");
    let user = with_password(&world, alder, "maren");
    let signed_in = world.sign_in(user);
    let host = ("Host", "portico.example");
    let ask =
        |name: &str| visit(&world, "POST", "/reset", &[("login", name)], &[host], "127.0.0.1");
    assert_eq!(ask("unknown@alder.example").location(), "/sign-in?done=reset");
    assert_eq!(ask("maren@alder.example").location(), "/sign-in?done=reset");
    // A forged Host is not answered, and never gets into a mail.
    let forged = [("Host", "evil.example")];
    visit(&world, "POST", "/reset", &[("login", "maren@alder.example")], &forged, "127.0.0.1")
        .expect(421);
    ask("maren@alder.example");
    send_due(&world.app).unwrap();
    let mails = sink.wait_for(2);
    let links: Vec<String> = mails
        .iter()
        .map(|mail| {
            let place = mail.text.find("https://portico.example/reset/").unwrap();
            let link = mail.text[place..].split_whitespace().next().unwrap();
            link.strip_prefix("https://portico.example").unwrap().to_owned()
        })
        .collect();
    let get = |path: &str| visit(&world, "GET", path, &[], &[host], "127.0.0.1");
    let post = |path: &str, new: &str| {
        visit(&world, "POST", path, &[("password", new)], &[host], "127.0.0.1")
    };
    get(&links[0]).expect(404);
    get(&links[1]).expect(200);
    get(&links[1]).expect(200);
    assert!(post(&links[1], "Password1234!").expect(422).says("too easy to guess"));
    assert!(post(&links[1], "marentolliver").expect(422).says("too easy to guess"));
    let fresh = "seven green kettles sing";
    assert_eq!(post(&links[1], fresh).location(), "/sign-in?done=password");
    post(&links[1], fresh).expect(404);
    get(&links[1]).expect(404);
    assert_eq!(signed_in.get("/again").status, 303, "every session ended");
    assert_eq!(signed_in.api_get("/messages").status, 401, "every token is revoked");
    try_in(&world, "maren@alder.example", PASSWORD, "127.0.0.2");
    let tried = [("login", "maren@alder.example"), ("password", fresh)];
    visit(&world, "POST", "/sign-in", &tried, &[host], "127.0.0.1").expect(303);
    send_due(&world.app).unwrap();
    assert!(sink.wait_for(3)[2].subject.contains("Your password was set"));
    assert_eq!(
        world.text("SELECT via FROM audit_log WHERE action = 'user.password_reset'"),
        "link"
    );
}

/// How long each takes is measured by `cargo bench --bench bench -- alike`.
#[test]
fn an_unknown_name_costs_what_a_known_one_does() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    with_password(&world, alder, "maren");
    let disabled = with_password(&world, alder, "off");
    world.sql().execute("UPDATE users SET state = 'disabled' WHERE id = ?1", [disabled]).unwrap();
    let onlooker = world.sql();
    let commits =
        || onlooker.pragma_query_value(None, "data_version", |r| r.get::<_, i64>(0)).unwrap();
    let mut answers = Vec::new();
    for name in ["maren@alder.example", "off@alder.example", "nobody@alder.example", "x", ""] {
        let (before, hashes) = (commits(), world.app.hasher.made());
        let asked = visit(&world, "POST", "/reset", &[("login", name)], &[], "127.0.0.1");
        assert_ne!(commits(), before, "{name}: something is written");
        assert_eq!(world.app.hasher.made(), hashes, "{name}");
        let headers: Vec<_> = asked.headers.iter().map(|(n, v)| format!("{n}: {v}")).collect();
        answers.push((asked.status, asked.body, headers));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
    assert_eq!(world.count("SELECT count(*) FROM sign_ins WHERE outcome = 'link'"), 5);
    assert_eq!(world.count("SELECT count(*) FROM messages"), 1);
    // The page that is shown then says the same to everybody.
    let page = visit(&world, "GET", "/sign-in?done=reset", &[], &[], "127.0.0.1").expect(200);
    assert!(page.says("If this account can be reset, a link is on its way."), "{}", page.body);
}

#[test]
fn links_end_by_time_and_by_a_change_of_the_account() {
    let world = World::new();
    let user = with_password(&world, PROVIDER, "maren");
    let by = portico::db::By::portico(portico::db::Via::Job);
    let make = || {
        world
            .app
            .db
            .write(by, |tx| {
                portico::auth::make_link(tx, user, portico::auth::Purpose::Welcome, 3600)
            })
            .unwrap()
    };
    let status = |path: &Secret| visit(&world, "GET", path.reveal(), &[], &[], "127.0.0.1").status;
    let link = make();
    assert_eq!(status(&link), 200);
    world.sql().execute("UPDATE users SET epoch = epoch + 1 WHERE id = ?1", [user]).unwrap();
    assert_eq!(status(&link), 404);
    let link = make();
    world.later(3599);
    assert_eq!(status(&link), 200);
    world.later(2);
    assert_eq!(status(&link), 404);
    let reset = link.reveal().replace("/welcome/", "/reset/");
    assert_eq!(status(&Secret::new(reset)), 404);
}

#[test]
fn more_than_three_wishes_an_hour_send_nothing() {
    let world = World::new();
    with_password(&world, PROVIDER, "maren");
    for _ in 0..5 {
        let asked = [("login", "maren@tarnholm-it.example")];
        assert_eq!(
            visit(&world, "POST", "/reset", &asked, &[], "127.0.0.1").location(),
            "/sign-in?done=reset"
        );
    }
    assert_eq!(world.count("SELECT count(*) FROM messages"), 3);
    assert_eq!(world.count("SELECT count(*) FROM sign_ins WHERE outcome = 'link'"), 5);
}

#[test]
fn an_unproven_recovery_address_gets_no_password_link() {
    let world = World::new();
    let user = with_password(&world, PROVIDER, "maren");
    let sql = world.sql();
    let asked = [("login", "maren@tarnholm-it.example")];
    let to = |world: &World| world.text("SELECT to_address FROM messages ORDER BY id DESC LIMIT 1");
    sql.execute("UPDATE users SET recovery_email = 'maren@home.example' WHERE id = ?1", [user])
        .unwrap();
    visit(&world, "POST", "/reset", &asked, &[], "127.0.0.1").expect(303);
    assert_eq!(to(&world), "maren@tarnholm-it.example");
    sql.execute("UPDATE users SET recovery_proven = 1 WHERE id = ?1", [user]).unwrap();
    visit(&world, "POST", "/reset", &asked, &[], "127.0.0.1").expect(303);
    assert_eq!(to(&world), "maren@home.example");
}

#[test]
fn links_are_sent_within_reach_and_shown_only_by_the_stronger() {
    let world = World::new();
    world.sql().execute("INSERT INTO settings (key, value, changed_at) VALUES ('base_url', 'https://portico.example', '')", []).unwrap();
    let (alder, birch) = (world.customer(PROVIDER, "Alder"), world.customer(PROVIDER, "Birch"));
    let stranger = world.user(birch, "Other", "other");
    let boss = world.person(alder, "Customer administrator");
    let helper = world.person_named(alder, "User administrator", "Helper", "helper");
    let plain = world.user(alder, "Plain", "plain");
    let nothing = serde_json::json!({});
    let show = serde_json::json!({ "show": true });
    helper.api_post(&format!("/users/{stranger}/password-link"), nothing.clone()).expect(404);
    helper.api_post("/users/99999/welcome", nothing.clone()).expect(404);
    let sent =
        helper.api_post(&format!("/users/{plain}/welcome"), nothing.clone()).expect(200).json();
    assert_eq!(sent["to"], "plain@alder.example");
    helper.api_post(&format!("/users/{}/password-link", boss.id), nothing).expect(200);
    let refused =
        helper.api_post(&format!("/users/{}/password-link", boss.id), show.clone()).expect(403);
    assert!(refused.says("holds rights that you do not have"));
    let shown = boss.api_post(&format!("/users/{plain}/password-link"), show).expect(200).json();
    let link =
        shown["link"].as_str().unwrap().strip_prefix("https://portico.example").unwrap().to_owned();
    visit(&world, "GET", &link, &[], &[("Host", "portico.example")], "127.0.0.1").expect(200);
    let token = link.rsplit('/').next().unwrap();
    let kept =
        world.count(&format!("SELECT count(*) FROM audit_log WHERE detail LIKE '%{token}%'"));
    assert_eq!(kept, 0);
    let repeat = || {
        let (url, key) = (format!("/users/{plain}/welcome"), [("Idempotency-Key", "one")]);
        boss.api_with("POST", &url, serde_json::json!({ "show": true }), &key).expect(200).json()
    };
    let (first, second) = (repeat(), repeat());
    let token = first["link"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    assert_eq!((&second["link"], &second["note"]), (&Value::Null, &Value::from("was shown once")));
    let kept = format!("SELECT count(*) FROM idempotency_keys WHERE body LIKE '%{token}%'");
    assert_eq!((world.count(&kept), &first["note"]), (0, &Value::Null));
    // On the page the same, after the password was given again.
    assert!(
        boss.get(&format!("/users/{plain}/password-link")).expect(200).says("plain@alder.example")
    );
    world.later(601);
    let asked = boss.post(&format!("/users/{plain}/password-link"), &[("show", "1")]).expect(403);
    assert!(asked.says("Your password, once more") && asked.says("value=\"show=1\""));
    world.sql().execute("UPDATE users SET state = 'disabled' WHERE id = ?1", [plain]).unwrap();
    let refused =
        boss.api_post(&format!("/users/{plain}/password-link"), serde_json::json!({})).expect(422);
    assert!(refused.says("cannot sign in at present"));
}
