//! The door as those see it who look after people: locks, rules for passwords, resets, and making sure
//! who is on the telephone.

use crate::factor::{Browser, code_at, enrol};
use crate::mail::server;
use crate::signin::{PASSWORD, visit, with_password};
use crate::sink::{Options, Sink};
use crate::world::{PROVIDER, World};
use portico::mail::send_due;
use serde_json::{Value, json};

const NAME: &str = "maren@tarnholm-it.example";
const FRESH: &str = "seven green kettles sing";

#[test]
fn too_many_failures_lock_strange_browsers_out_and_nobody_else() {
    let world = World::new();
    let user = with_password(&world, PROVIDER, "maren");
    let known = Browser::new(&world);
    known.sign_in(NAME, PASSWORD).expect(303);
    assert_eq!(known.cookie("portico-browser").len(), 43);
    for n in 0..20 {
        world.later(901);
        let address = Box::leak(format!("10.5.0.{n}").into_boxed_str());
        let answer = Browser::at(&world, address).sign_in(NAME, "wrong");
        assert_eq!(answer.status, 422, "{n}");
    }
    world.later(901);
    let strange = Browser::at(&world, "10.6.0.1");
    let refused = strange.sign_in(NAME, PASSWORD).expect(422);
    assert!(refused.says("Name or password is wrong, or you cannot sign in at present."));
    known.sign_in(NAME, PASSWORD).expect(303);
    assert_eq!(known.get("/account").status, 200);
    assert_eq!(world.count("SELECT count(*) FROM messages WHERE event = 'user.locked'"), 1);
    assert_eq!(world.count("SELECT count(*) FROM audit_log WHERE action = 'user.locked'"), 1);
    // Those who look after the account see it and lift it.
    let admin = world.person(PROVIDER, "Provider administrator");
    let standing = admin.api_get(&format!("/users/{user}/sign-in")).expect(200).json();
    assert!(standing["locked_until"].is_string());
    assert!(admin.get(&format!("/users/{user}/sign-in")).expect(200).says("Locked"));
    admin.api_post(&format!("/users/{user}/unlock"), json!({})).expect(204);
    let again = admin.api_post(&format!("/users/{user}/unlock"), json!({})).expect(422);
    assert!(again.says("This account is not locked."));
    world.later(901);
    Browser::at(&world, "10.6.0.2").sign_in(NAME, PASSWORD).expect(303);
}

#[test]
fn new_passwords_follow_the_customers_rules() {
    let world = World::new();
    let bright = world.reseller("Bright");
    let alder = world.customer(bright, "Aldermoor Dental");
    let user = with_password(&world, alder, "maren");
    let maren = world.sign_in(user);
    let set = |current: &str, new: &str| {
        maren.post("/account/password", &[("current", current), ("password", new), ("revoke", "0")])
    };
    for easy in ["Password1234!", "AldermoorDental2026", "marentolliver"] {
        assert!(set(PASSWORD, easy).expect(422).says("is too easy to guess"), "{easy}");
    }
    let reseller = world.person(bright, "Reseller administrator");
    reseller
        .api_patch(&format!("/customers/{bright}/settings"), json!({ "password_length": "16" }))
        .expect(200);
    let looser = reseller
        .api_patch(&format!("/customers/{alder}/settings"), json!({ "password_length": "12" }))
        .expect(422);
    assert!(looser.says("must be 16 or more (set by Bright)"));
    assert!(maren.get("/account/password").expect(200).says("At least 16 characters."));
    assert!(set(PASSWORD, "quiet harbour7").expect(422).says("must have at least 16 characters"));
    assert!(set(PASSWORD, PASSWORD).expect(422).says("was used before"));
    set(PASSWORD, FRESH).expect(303);
    assert!(set(FRESH, PASSWORD).expect(422).says("was used before"));
    reseller
        .api_patch(&format!("/customers/{alder}/settings"), json!({ "password_classes": "3" }))
        .expect(200);
    let plain = set(FRESH, "five brown saucers hum").expect(422);
    assert!(plain.says("needs three of: lower case, upper case, digits, other characters"));
    set(FRESH, "Five brown saucers hum").expect(303);
}

#[test]
fn an_old_password_is_replaced_before_anything_else_and_its_end_is_told() {
    let world = World::new();
    let user = with_password(&world, PROVIDER, "maren");
    let now = world.now();
    world
        .sql()
        .execute("UPDATE users SET password_set_at = ?1 WHERE id = ?2", (now, user))
        .unwrap();
    let admin = world.person(PROVIDER, "Provider administrator");
    let rule = json!({ "password_max_age": "90" });
    admin.api_patch("/customers/1/settings", rule).expect(200);
    world.later(89 * 86_400);
    let browser = Browser::new(&world);
    browser.sign_in(NAME, PASSWORD).expect(303);
    assert!(browser.get("/account").expect(200).says("Your password ends in 1 day."));
    world.later(2 * 86_400);
    let browser = Browser::new(&world);
    browser.sign_in(NAME, PASSWORD).expect(303);
    assert_eq!(browser.get("/customers").location(), "/account/password?to=%2Fcustomers");
    let page = browser.get("/account/password").expect(200);
    assert!(page.says("Choose a new password") && !page.says("class=\"rail\""));
    let fields = [("current", PASSWORD), ("password", FRESH), ("revoke", "0")];
    let before = browser.cookie("portico");
    browser.post("/account/password", "/account/password", &fields).expect(303);
    assert_ne!(browser.cookie("portico"), before, "the session rises under a new cookie");
    browser.get("/account").expect(200);
    // Somebody may be asked for a new one at any time.
    let admin = world.person(PROVIDER, "Provider administrator");
    admin.api_post(&format!("/users/{user}/require-password"), json!({})).expect(204);
    assert_eq!(browser.get("/account").location(), "/account/password?to=%2Faccount");
    let stays = json!({ "password_stays": true });
    let refused =
        admin.api_post(&format!("/users/{user}/password-stays"), stays.clone()).expect(422);
    assert!(refused.says("is not allowed at this customer"));
    admin.api_patch("/customers/1/settings", json!({ "never_expires_allowed": "yes" })).expect(200);
    admin.api_post(&format!("/users/{user}/password-stays"), stays).expect(204);
}

#[test]
fn sign_ins_of_others_end_within_reach_and_rank() {
    let world = World::new();
    let (alder, birch) = (world.customer(PROVIDER, "Alder"), world.customer(PROVIDER, "Birch"));
    let boss = world.person(alder, "Customer administrator");
    let helper = world.person(alder, "User administrator");
    let stranger = world.person(birch, "User administrator");
    let somebody = world.person(alder, "");
    let at = |verb: &str, user: portico::ids::UserId| format!("/users/{user}/{verb}");
    stranger.api_post(&at("end-sessions", somebody.id), json!({})).expect(404);
    let refused = helper.api_post(&at("end-sessions", boss.id), json!({})).expect(403);
    assert!(refused.says("holds rights that you do not have"));
    helper.api_post(&at("end-sessions", somebody.id), json!({})).expect(204);
    assert_eq!(somebody.get("/account").status, 303);
    let pixel = world.person(PROVIDER, "Provider helpdesk");
    pixel.api_post(&at("end-sessions", boss.id), json!({})).expect(204);
    assert_eq!(boss.get("/account").status, 303);
}

#[test]
fn a_lost_factor_is_reset_with_a_reason_by_those_who_may() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    let user = with_password(&world, alder, "maren");
    enrol(&world, user);
    let maren = world.sign_in(user);
    let boss = world.person(alder, "Customer administrator");
    let at = format!("/users/{user}/reset-factor");
    let short = boss.api_post(&at, json!({ "reason": "lost" })).expect(422);
    assert_eq!(short.complaints(), ["reason must have at least 5 characters"]);
    let own = format!("/users/{}/reset-factor", boss.id);
    let oneself = boss.api_post(&own, json!({ "reason": "lost the phone" })).expect(422);
    assert!(oneself.says("You cannot do this to yourself."));
    boss.post(&at, &[("reason", "lost the phone")]).expect(303);
    assert_eq!(maren.api_get("/roles").status, 401, "tokens ended");
    assert_eq!(world.count("SELECT count(*) FROM factors"), 0);
    assert_eq!(world.count("SELECT count(*) FROM recovery_codes"), 0);
    let told = world.text("SELECT text FROM messages WHERE event = 'user.factor_reset'");
    assert!(told.contains("lost the phone"));
    let browser = Browser::new(&world);
    browser.sign_in("maren@alder.example", PASSWORD).expect(303);
    browser.get("/account").expect(200);
    // In the browser it wants the password again; a token must name it.
    world.later(601);
    assert!(boss.post(&at, &[("reason", "lost the phone")]).expect(403).says("once more"));
}

#[test]
fn a_person_says_by_mail_that_it_is_they() {
    let sink = Sink::start(Options::default());
    let world = World::new();
    server(&world, &sink, "none");
    let alder = world.customer(PROVIDER, "Alder");
    let user = with_password(&world, alder, "maren");
    let helper = world.person_named(PROVIDER, "Provider helpdesk", "Pia Lund", "pia");
    let other = world.person(PROVIDER, "Provider helpdesk");
    let at = format!("/users/{user}/verify");
    world.person(alder, "").api_post(&at, json!({ "address": 0 })).expect(403);
    let asked = helper.api_post(&at, json!({ "address": 0 })).expect(200).json();
    assert_eq!(asked["addresses"], json!(["m•••@a•••.example"]));
    assert_eq!(asked["asked"]["verified_at"], Value::Null);
    helper.api_post(&at, json!({ "address": 7 })).expect(422);
    send_due(&world.app).unwrap();
    let mails = sink.wait_for(1);
    assert!(mails[0].subject.contains("Are you speaking with Pia Lund?"));
    let place = mails[0].text.find("https://portico.example/verify/").unwrap();
    let link = mails[0].text[place..].split_whitespace().next().unwrap();
    let path = link.strip_prefix("https://portico.example").unwrap().to_owned();
    let host = [("Host", "portico.example")];
    let verified = |who: &crate::world::Person| {
        let found = who.api_get(&at).expect(200).json();
        found["asked"]["verified_at"].is_string()
    };
    for _ in 0..2 {
        let page = visit(&world, "GET", &path, &[], &host, "127.0.0.1").expect(200);
        assert!(page.says("Yes, I am speaking with Pia Lund"));
        assert!(!verified(&helper), "nothing before the press");
    }
    visit(&world, "POST", &path, &[], &host, "127.0.0.1").expect(200);
    assert!(verified(&helper) && !verified(&other), "only whoever asked is told");
    assert!(helper.get(&at).expect(200).says("Verified."));
    visit(&world, "POST", &path, &[], &host, "127.0.0.1").expect(404);
    assert_eq!(world.count("SELECT count(*) FROM audit_log WHERE action = 'user.verified'"), 1);
    world.later(901);
    assert!(!verified(&helper), "it counts for a quarter of an hour");
    // A link that came too late does not count, nor one that was somebody else's.
    let ask = |user: portico::ids::UserId| {
        helper.api_post(&format!("/users/{user}/verify"), json!({ "address": 0 })).expect(200);
        send_due(&world.app).unwrap();
        let mails = sink.mails();
        let mail = mails.last().unwrap();
        let place = mail.text.find("https://portico.example/verify/").unwrap();
        let link = mail.text[place..].split_whitespace().next().unwrap();
        link.strip_prefix("https://portico.example").unwrap().to_owned()
    };
    let late = ask(user);
    world.later(601);
    visit(&world, "POST", &late, &[], &host, "127.0.0.1").expect(404);
    assert!(!verified(&helper));
    ask(user);
    let theirs = ask(with_password(&world, alder, "other"));
    visit(&world, "POST", &theirs, &[], &host, "127.0.0.1").expect(200);
    assert!(!verified(&helper), "it was somebody else who pressed");
}

#[test]
fn a_link_is_shown_only_after_the_person_was_verified_where_that_is_asked_for() {
    let world = World::new();
    world.sql().execute("INSERT INTO settings (key, value, changed_at) VALUES ('base_url', 'https://portico.example', '')", []).unwrap();
    let alder = world.customer(PROVIDER, "Alder");
    let user = with_password(&world, alder, "maren");
    let admin = world.person(PROVIDER, "Provider administrator");
    let rule = json!({ "verify_before_link": "yes" });
    admin.api_patch(&format!("/customers/{alder}/settings"), rule).expect(200);
    let show = || admin.api_post(&format!("/users/{user}/password-link"), json!({ "show": true }));
    assert!(show().expect(422).says("Verify Maren Tolliver first."));
    world
        .sql()
        .execute(
            "INSERT INTO verifications (user_id, asked_by, address, link, asked_at, verified_at)
             VALUES (?1, ?2, 'm', zeroblob(32), ?3, ?3)",
            (user, admin.id, world.now()),
        )
        .unwrap();
    show().expect(200);
}

#[test]
fn a_forgotten_password_is_a_matter_of_the_customers_rules() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    let user = with_password(&world, alder, "maren");
    let (secret, recovery) = enrol(&world, user);
    let admin = world.person(PROVIDER, "Provider administrator");
    let rule = |key: &str, value: &str| {
        let change = json!({ key: value });
        admin.api_patch(&format!("/customers/{alder}/settings"), change).expect(200);
    };
    let links = || world.count("SELECT count(*) FROM messages WHERE event = 'user.link_sent'");
    let forgot = || {
        let fields = [("login", "maren@alder.example")];
        visit(&world, "POST", "/reset", &fields, &[], "127.0.0.1").location().to_owned()
    };
    rule("self_reset", "no");
    assert_eq!((forgot().as_str(), links()), ("/sign-in?done=reset", 0));
    rule("self_reset", "yes");
    assert_eq!((forgot().as_str(), links()), ("/sign-in?done=reset", 1));
    let by_code = |code: &str, spare: &str| {
        let fields = [("login", "maren@alder.example"), ("code", code), ("recovery", spare)];
        visit(&world, "POST", "/reset-by-code", &fields, &[], "127.0.0.1")
    };
    by_code(&code_at(&world, &secret, 0), &recovery[0]).expect(422);
    rule("reset_by_code", "yes");
    let page = visit(&world, "GET", "/reset", &[], &[], "127.0.0.1").expect(200);
    assert!(page.says("use your codes"));
    by_code(&code_at(&world, &secret, 0), "aaaaa-bbbbb").expect(422);
    world.later(30);
    let made = by_code(&code_at(&world, &secret, 0), &recovery[1]);
    let link = made.location().to_owned();
    assert!(link.starts_with("/reset/"));
    visit(&world, "GET", &link, &[], &[], "127.0.0.1").expect(200);
    // Never where a role asks for a second factor.
    world.asks_for_factors(true);
    world
        .sql()
        .execute(
            "INSERT INTO role_grants (user_id, role_id, at_id, granted_at)
             SELECT ?1, id, ?2, ?3 FROM roles WHERE name = 'User administrator'",
            (user, alder, world.now()),
        )
        .unwrap();
    world.later(30);
    by_code(&code_at(&world, &secret, 0), &recovery[2]).expect(422);
}

#[test]
fn a_changed_recovery_address_counts_when_it_is_proven_and_the_old_ones_are_told() {
    let sink = Sink::start(Options::default());
    let world = World::new();
    server(&world, &sink, "none");
    let alder = world.customer(PROVIDER, "Alder");
    let user = with_password(&world, alder, "maren");
    let sql = world.sql();
    sql.execute(
        "UPDATE users SET recovery_email = 'old@home.example', recovery_proven = 1 WHERE id = ?1",
        [user],
    )
    .unwrap();
    let admin = world.person(PROVIDER, "Provider administrator");
    let change = json!({ "recovery_email": "new@home.example" });
    admin.api_patch(&format!("/users/{user}"), change).expect(200);
    let told = world.text(
        "SELECT group_concat(to_address) FROM (SELECT to_address FROM messages
          WHERE event = 'user.recovery_changed' ORDER BY to_address)",
    );
    assert_eq!(told, "maren@alder.example,old@home.example");
    let host = ("Host", "portico.example");
    let forgot = || {
        let fields = [("login", "maren@alder.example")];
        visit(&world, "POST", "/reset", &fields, &[host], "127.0.0.1").expect(303);
        world.text("SELECT to_address FROM messages WHERE event = 'user.link_sent' ORDER BY id DESC LIMIT 1")
    };
    assert_eq!(forgot(), "maren@alder.example");
    let maren = world.sign_in(user);
    assert!(maren.get("/account").expect(200).says("Prove that it is yours"));
    maren.post("/account/recovery", &[]).expect(303);
    send_due(&world.app).unwrap();
    let mails = sink.wait_for(4);
    let mail = mails.iter().find(|mail| mail.text.contains("/recovery/")).unwrap();
    assert_eq!(mail.to, ["new@home.example"]);
    let place = mail.text.find("https://portico.example/recovery/").unwrap();
    let link = mail.text[place..].split_whitespace().next().unwrap();
    let path = link.strip_prefix("https://portico.example").unwrap();
    visit(&world, "GET", path, &[], &[host], "127.0.0.1").expect(200);
    assert_eq!(forgot(), "maren@alder.example", "looking proves nothing");
    visit(&world, "POST", path, &[], &[host], "127.0.0.1").expect(200);
    visit(&world, "POST", path, &[], &[host], "127.0.0.1").expect(404);
    assert_eq!(forgot(), "new@home.example");
}

#[test]
fn programs_get_their_tokens_from_those_who_look_after_them() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    let (program, person) = (world.user(alder, "Robot", "robot"), world.user(alder, "P", "p"));
    world.sql().execute("UPDATE users SET sign_in = 'api_only' WHERE id = ?1", [program]).unwrap();
    world
        .sql()
        .execute(
            "INSERT INTO role_grants (user_id, role_id, at_id, granted_at)
             SELECT ?1, id, 1, ?2 FROM roles WHERE name = 'Provider developer'",
            (program, world.now()),
        )
        .unwrap();
    let admin = world.person(PROVIDER, "Provider administrator");
    let make = |user: portico::ids::UserId| {
        admin.api_post(&format!("/users/{user}/tokens"), json!({ "name": "Sync" }))
    };
    assert!(make(person).expect(422).says("People make their tokens themselves"));
    let other = world.customer(PROVIDER, "Birch");
    let stranger = world.person(other, "Customer administrator");
    stranger.api_post(&format!("/users/{program}/tokens"), json!({ "name": "x" })).expect(404);
}

#[test]
fn ones_own_time_zone_is_ones_own() {
    let world = World::new();
    let somebody = world.person(PROVIDER, "");
    let bad = somebody.post("/account", &[("time_zone", "Mars"), ("language", "")]).expect(422);
    assert!(bad.says("is not a time zone like Europe/Amsterdam"));
    somebody.post("/account", &[("time_zone", "Asia/Tokyo"), ("language", "en")]).expect(303);
    assert_eq!(world.text("SELECT group_concat(time_zone) FROM users"), "Asia/Tokyo");
}

#[test]
fn only_the_installation_decides_which_shipped_roles_ask_for_a_factor() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    let admin = world.person(PROVIDER, "Provider administrator");
    let boss = world.person(alder, "Customer administrator");
    let role = world.count("SELECT id FROM roles WHERE name = 'Customer helpdesk'");
    let at = format!("/roles/{role}/factor");
    boss.api("PUT", &at, json!({ "requires_factor": true })).expect(403);
    admin.api("PUT", &at, json!({ "requires_factor": true })).expect(204);
    let desk = world.person(alder, "Customer helpdesk");
    assert!(desk.get("/users").location().starts_with("/account/factor"));
    admin.post(&at, &[("requires_factor", "0")]).expect(303);
    desk.get("/account").expect(200);
    admin
        .api_patch(&format!("/customers/{alder}/settings"), json!({ "factor_for_all": "yes" }))
        .expect(200);
    assert!(desk.get("/account/factor").expect(200).says("Alder requires a second factor."));
}
