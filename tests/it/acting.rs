//! Acting as somebody else: no more than both may do, for an hour, and both names recorded.

use crate::world::{PROVIDER, World};
use portico::auth::permissions::ALL;
use portico::routes::ROUTES;
use portico::web::Method;
use serde_json::json;

#[test]
fn somebody_acts_as_another_with_no_more_than_both_may_do() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    let desk = world.person_named(PROVIDER, "Provider helpdesk", "Hilda Desk", "hilda");
    let boss = world.person_named(alder, "Customer administrator", "Bo Boss", "bo");
    let other = world.user(alder, "Other", "other");
    let act = format!("/users/{}/act-as", boss.id);
    assert!(desk.post(&act, &[("reason", "why")]).expect(422).says("Reason must have"));
    let own = format!("/users/{}/act-as", desk.id);
    assert!(
        desk.post(&own, &[("reason", "to see it")])
            .expect(422)
            .says("You cannot do this to yourself.")
    );
    assert_eq!(desk.post(&act, &[("reason", "Ticket 7: sees no users")]).location(), "/today");
    let page = desk.get(&format!("/customers/{alder}/users")).expect(200);
    assert!(page.says("Hilda Desk acts as Bo Boss.") && page.says("/account/stop-acting"));
    desk.get(&format!("/customers/{PROVIDER}/users")).expect(404);
    desk.get(&format!("/customers/{alder}/edit")).expect(403);
    for at in ["/account/password", "/account/tokens", "/account/sessions/end-others"] {
        let refused = desk.post(at, &[]).expect(403);
        assert!(refused.says("Not while acting as somebody else."), "{at}: {}", refused.body);
    }
    let link = desk.post(&format!("/users/{other}/password-link"), &[]).expect(403);
    assert!(link.says("Not while acting as somebody else."));
    desk.post(&format!("/users/{other}/disable"), &[]).expect(303);
    assert_eq!(
        world.text(
            "SELECT user_id || ' for ' || acting_for FROM audit_log WHERE action = 'user.disabled'"
        ),
        format!("{} for {}", desk.id, boss.id)
    );
    assert_eq!(desk.post("/account/stop-acting", &[]).location(), "/today");
    desk.get(&format!("/customers/{PROVIDER}/users")).expect(200);
    assert!(boss.get("/account").expect(200).says("Ticket 7: sees no users"));
}

#[test]
fn it_ends_with_the_hour_the_right_and_the_account() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    let boss = world.person_named(alder, "Customer administrator", "Bo Boss", "bo");
    let start = |desk: &crate::world::Person| {
        desk.post(&format!("/users/{}/act-as", boss.id), &[("reason", "to see it")]).expect(303);
        assert!(desk.get("/account").expect(200).says("acts as Bo Boss."));
    };
    let desk = world.person(PROVIDER, "Provider helpdesk");
    start(&desk);
    let sql = world.sql();
    sql.execute("UPDATE acting SET ends_at = '2026-03-10T07:00:00Z'", []).unwrap();
    assert!(desk.get("/account").expect(200).says("It has ended."));
    let late = desk.post("/account/theme", &[("theme", "dark")]).expect(403);
    assert!(late.says("Acting as Bo Boss has ended."), "{}", late.body);
    desk.post("/account/stop-acting", &[]).expect(303);
    start(&desk);
    sql.execute("DELETE FROM role_grants WHERE user_id = ?1", [desk.id]).unwrap();
    assert!(desk.get("/account").expect(200).says("It has ended."));
    let second = world.person(PROVIDER, "Provider helpdesk");
    start(&second);
    sql.execute("UPDATE users SET state = 'disabled' WHERE id = ?1", [second.id]).unwrap();
    second.get("/account").expect(303);
}

#[test]
fn a_customer_may_forbid_it_and_nobody_acts_as_somebody_who_may_not_enter() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    let admin = world.person(PROVIDER, "Provider administrator");
    let boss = world.person_named(alder, "Customer administrator", "Bo Boss", "bo");
    let act = format!("/users/{}/act-as", boss.id);
    world
        .sql()
        .execute(
            "INSERT INTO customer_settings (customer_id, key, value, changed_at) VALUES (?1, 'act_as', 'no', ?2)",
            (alder, world.now()),
        )
        .unwrap();
    let refused = admin.post(&act, &[("reason", "to see it")]).expect(422);
    assert!(refused.says("Alder does not allow acting as its users."), "{}", refused.body);
    world.sql().execute("DELETE FROM customer_settings", []).unwrap();
    world.sql().execute("UPDATE users SET sign_in = 'nothing' WHERE id = ?1", [boss.id]).unwrap();
    assert!(
        admin.post(&act, &[("reason", "to see it")]).expect(422).says("Bo Boss cannot sign in")
    );
    let other = world.person(world.customer(PROVIDER, "Birch"), "Customer administrator");
    other.post(&act, &[("reason", "to see it")]).expect(403);
}

#[test]
fn why_names_what_stands_in_the_way() {
    let world = World::new();
    let (north, south) = (world.reseller("North"), world.reseller("South"));
    let alder = world.customer(north, "Alder");
    let admin = world.person(PROVIDER, "Provider administrator");
    let clerk = world.person_named(alder, "User administrator", "Cle Clerk", "cle");
    let why = |query: String| admin.api_get(&format!("/access/why?{query}")).expect(200).body;
    let about = |permission: &str| format!("user={}&permission={permission}", clerk.id);
    assert!(why(about("users.update")).contains("It reaches Alder."));
    assert!(why(about("invoices.write")).contains("No role of Cle Clerk has invoices.write."));
    assert!(
        why(format!("{}&customer={north}", about("users.update")))
            .contains("It does not reach North.")
    );
    let asks = |on: bool| {
        let change = "UPDATE roles SET requires_factor = ?1 WHERE name = 'User administrator'";
        world.sql().execute(change, [on]).unwrap();
    };
    asks(true);
    assert!(why(about("users.update")).contains("asks for a second factor, and there is none"));
    asks(false);
    let boss = world.person_named(alder, "Customer administrator", "Bo Boss", "bo");
    assert!(
        why(format!("{}&to={}", about("users.rename"), boss.id))
            .contains("Bo Boss holds rights that you do not have")
    );
    let role = world.count("SELECT id FROM roles WHERE name = 'User administrator'");
    let deny = json!({ "rule": "deny" });
    admin.api("PUT", &format!("/customers/{north}/allowed-roles/{role}"), deny).expect(200);
    assert!(why(about("users.update")).contains("it is denied at North"));
    let forbidden = clerk.get(&format!("/users/{}/edit", boss.id)).expect(403);
    assert!(forbidden.says("/account/why?permission=users.update"), "{}", forbidden.body);
    assert!(
        clerk.get("/account/why?permission=users.update").expect(200).says("it is denied at North")
    );
    let stranger = world.person(south, "Reseller administrator");
    stranger.api_get(&format!("/access/why?{}", about("users.update"))).expect(404);
    stranger.get(&format!("/access/why?{}", about("users.update"))).expect(404);
    assert!(
        admin.api_get("/access/why?permission=users.fly").expect(422).says("is not a permission")
    );
}

/// Whether it is about a password, a factor, a token, a role, an approval, or finalises, deletes,
/// moves or exports something.
fn is_forbidden(path: &str) -> bool {
    let own = path.strip_prefix("/account/").unwrap_or_default();
    let ends = ["delete", "erase", "purge", "move", "finalise", "again", "end-others"];
    let parts = [
        "password",
        "password-link",
        "require-password",
        "password-stays",
        "welcome",
        "factor",
        "reset-factor",
        "tokens",
        "allowed-roles",
        "approvals",
        "export",
    ];
    let each: Vec<&str> = path.split('/').collect();
    each.iter().any(|part| parts.contains(part) || *part == "roles")
        || each.last().is_some_and(|last| ends.contains(last))
        || own.starts_with("sessions")
        || path == "/users/{id}/verify"
}

#[test]
fn what_is_not_done_in_anothers_name_is_refused_on_every_route() {
    let world = World::new();
    // Both may do everything, so that nothing else is in the way.
    let all: Vec<(&str, i64)> = ALL.iter().map(|(name, _)| (*name, 3)).collect();
    let (actor, other) = (world.person_with(PROVIDER, &all), world.person_with(PROVIDER, &all));
    let act = format!("/users/{}/act-as", other.id);
    actor.post(&act, &[("reason", "to see it")]).expect(303);
    let (mut refused, mut taken) = (Vec::new(), Vec::new());
    for route in ROUTES.iter().filter(|r| r.method != Method::Get && r.api.is_none()) {
        if ["/sign-out", "/account/stop-acting"].contains(&route.path) {
            continue;
        }
        let url = crate::routes::filled(route, "999999");
        let answer = actor.post(&url, &[]);
        let told = answer.says("Not while acting as somebody else.");
        assert_eq!(told, answer.status == 403, "{url}: {} {}", answer.status, answer.body);
        if told { refused.push(route.path) } else { taken.push(route.path) }
    }
    let wrong: Vec<&&str> = taken.iter().filter(|path| is_forbidden(path)).collect();
    assert!(wrong.is_empty(), "done in another's name: {wrong:?}");
    assert!(refused.len() > 25 && taken.len() > 80, "{refused:?}");
    for url in ["/customers/1/users/export", "/again"] {
        assert!(actor.get(url).expect(403).says("Not while acting as somebody else."), "{url}");
    }
}

#[test]
fn roles_and_links_are_not_given_in_anothers_name_by_a_side_door() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    let admin = world.person(PROVIDER, "Provider administrator");
    let boss = world.person_named(alder, "Customer administrator", "Bo Boss", "bo");
    let plain = world.user(alder, "Plain", "plain");
    admin.post(&format!("/users/{}/act-as", boss.id), &[("reason", "to see it")]).expect(303);
    let users = format!("/customers/{alder}/users");
    let new = |more: (&str, &str)| {
        let fields = [
            ("first_name", "New"),
            ("last_name", "Hand"),
            ("external_emails", "n@post.example"),
            more,
        ];
        let refused = admin.post(&users, &fields);
        assert!([403, 422].contains(&refused.status), "{}", refused.body);
        refused.body
    };
    for along in [("roles", "Approver"), ("welcome", "1")] {
        assert!(new(along).contains("Not while acting as somebody else."), "{along:?}");
    }
    for (action, input) in
        [("add_role", ("input.role", "Approver")), ("password_link", ("all", "0"))]
    {
        let id = plain.to_string();
        let fields = [("action", action), ("ids", id.as_str()), input, ("go", "run")];
        let started = admin.post(&format!("{users}/bulk"), &fields);
        let Some(run) = started.header("Location").strip_prefix("/runs/") else {
            panic!("{action}: {} {}", started.status, started.body);
        };
        let run: i64 = run.parse().unwrap();
        assert_eq!(world.finish(run), "done");
        let why =
            world.text(&format!("SELECT group_concat(text) FROM run_lines WHERE run_id = {run}"));
        assert!(why.contains("Not while acting as somebody else."), "{action}: {why}");
    }
    let twin = world.user(alder, "Twin", "twin").to_string();
    let merged = admin.post(&format!("/users/{plain}/merge"), &[("user", &twin)]);
    assert!(merged.says("Not while acting as somebody else."), "{}", merged.body);
    let gone = [("end_sign_ins", "1"), ("deprovision_after", "0"), ("delete_after", "1")];
    let later = admin.post(&format!("/users/{plain}/offboard"), &gone);
    assert!(later.says("must be empty while acting as somebody else"), "{}", later.body);
    assert_eq!(world.count("SELECT count(*) FROM role_grants"), 2);
    assert_eq!(world.count("SELECT count(*) FROM links"), 0);
    assert_eq!(world.count("SELECT count(*) FROM users WHERE state <> 'active'"), 0);
}

#[test]
fn it_ends_with_the_sign_in_and_with_the_account_of_whom_one_acts_as() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    let boss = world.person_named(alder, "Customer administrator", "Bo Boss", "bo");
    let desk = world.person(PROVIDER, "Provider helpdesk");
    let act = || {
        let at = format!("/users/{}/act-as", boss.id);
        desk.post(&at, &[("reason", "to see it")]).expect(303);
        assert!(desk.get("/account").expect(200).says("acts as Bo Boss."));
    };
    act();
    let disable = "UPDATE users SET state = ?1 WHERE id = ?2";
    world.sql().execute(disable, ("disabled", boss.id)).unwrap();
    assert!(desk.get("/account").expect(200).says("It has ended."));
    world.sql().execute(disable, ("active", boss.id)).unwrap();
    desk.post("/account/stop-acting", &[]).expect(303);
    act();
    let admin = world.person(PROVIDER, "Provider administrator");
    admin.api_post(&format!("/users/{}/end-sessions", desk.id), json!({})).expect(204);
    assert_eq!(desk.get("/account").status, 303);
    let again = world.sign_in(desk.id);
    assert!(!again.get("/account").expect(200).says("acts as Bo Boss."), "a new one is oneself");
}
