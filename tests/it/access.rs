//! Lines of the access chapter that cut across slices: forms and cookies, who outranks whom, what
//! goes along with a role.

use crate::world::{Answer, PROVIDER, Person, World, method};
use portico::ids::{CustomerId, UserId};
use portico::routes::ROUTES;
use portico::web::Method;
use serde_json::{Value, json};

fn role_id(world: &World, name: &str) -> i64 {
    world.count(&format!("SELECT id FROM roles WHERE name = '{name}'"))
}

/// The address of a route with a number in the place of each name.
fn filled(path: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "1".to_owned() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[test]
fn every_form_wants_the_token_of_its_own_session() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let other = world.person(PROVIDER, "Provider administrator");
    let before = world.count("SELECT count(*) FROM audit_log");
    let mut walked = 0;
    for route in ROUTES.iter().filter(|r| r.method != Method::Get && !r.path.starts_with("/api/")) {
        let url = filled(route.path);
        let refused = |answer: Answer| {
            assert_eq!(answer.status, 403, "{} {url}: {}", method(route.method), answer.body);
            assert!(answer.says("not from your present session"), "{url}: {}", answer.body);
        };
        refused(admin.post_without_token(&url, &[]));
        refused(admin.post_without_token(&url, &[("csrf", &other.form_token())]));
        walked += 1;
    }
    assert!(walked > 60, "only {walked} forms were tried");
    assert_eq!(world.count("SELECT count(*) FROM audit_log"), before);
}

#[test]
fn the_api_takes_no_cookie_and_pages_take_no_token() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    for route in ROUTES {
        world.app.throttle.clear();
        let url = filled(route.path);
        if url.starts_with("/api/") {
            let answer = admin.ask(method(route.method), &url, Vec::new(), admin.browser(&[]));
            assert_eq!(answer.status, 401, "{} {url}: {}", method(route.method), answer.body);
        } else if route.method == Method::Get {
            let answer = admin.with_token_only(&url);
            assert!(answer.location().starts_with("/sign-in"), "{url}");
        }
    }
}

/// Who does what to whom, and the status it gives.
fn outcome(who: &Person, user: UserId, verb: &str) -> u16 {
    let at = format!("/users/{user}");
    match verb {
        "grant" => {
            who.api_post(&format!("{at}/roles"), json!({ "role": "Customer administrator" }))
        }
        "rename" => {
            let external = ["else@post.example"];
            who.api_patch(
                &at,
                json!({ "upn": "another@alder.example", "external_emails": external }),
            )
        }
        "username" => who.api_patch(&at, json!({ "username": "another" })),
        "move" => who.api_post(&format!("{at}/move"), json!({ "customer_id": 1 })),
        "delete" => who.api_delete(&format!("{at}?deprovision=true")),
        "reset" => who.api_post(&format!("{at}/reset-factor"), json!({ "reason": "lost it" })),
        "show" => who.api_post(&format!("{at}/password-link"), json!({ "show": true })),
        "link" => who.api_post(&format!("{at}/password-link"), json!({})),
        verb => who.api_post(&format!("{at}/{verb}"), json!({})),
    }
    .status
}

#[test]
fn who_may_less_does_not_touch_who_may_more() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    let boss = world.person_named(alder, "Customer administrator", "Bo Boss", "bo").id;
    world.person_named(alder, "Customer administrator", "Second Boss", "second");
    let clerk = world.person_named(alder, "User administrator", "Cle Clerk", "cle");
    let plain = world.user(alder, "Plain", "plain");
    assert_eq!(outcome(&clerk, plain, "grant"), 422);
    for verb in ["rename", "username", "disable", "move", "delete", "reset", "show"] {
        assert_eq!(outcome(&clerk, boss, verb), 403, "{verb}");
    }
    assert!([200, 202, 204].contains(&outcome(&clerk, boss, "link")));
    let desk = world.person(PROVIDER, "Provider helpdesk");
    assert_eq!(outcome(&desk, boss, "rename"), 403);
    assert!([200, 204].contains(&outcome(&desk, boss, "reset")));
    assert!([200, 204].contains(&outcome(&desk, boss, "disable")));
    let admin = world.person(PROVIDER, "Provider administrator").id;
    for verb in ["username", "disable", "move", "reset", "show"] {
        assert_eq!(outcome(&desk, admin, verb), 403, "{verb}");
    }
}

#[test]
fn a_role_at_two_customers_reaches_just_these() {
    let world = World::new();
    let (north, south) = (world.reseller("North"), world.reseller("South"));
    let ours = ["Alder", "Birch", "Cedar"].map(|name| world.customer(north, name));
    let theirs = world.customer(south, "Dogwood");
    let boss = world.person(north, "Reseller administrator");
    let nora = world.person_named(ours[0], "", "Nora", "nora");
    let at = |customer: CustomerId| {
        let body = json!({ "role": "User administrator", "customer_id": customer.0 });
        boss.api_post(&format!("/users/{}/roles", nora.id), body)
    };
    at(ours[0]).expect(201);
    at(ours[1]).expect(201);
    at(theirs).expect(404);
    at(PROVIDER).expect(404);
    let nora = world.sign_in(nora.id);
    let reached: Vec<u16> = [ours[0], ours[1], ours[2], north, theirs]
        .iter()
        .map(|customer| nora.api_get(&format!("/customers/{customer}/users")).status)
        .collect();
    assert_eq!(reached, [200, 200, 404, 404, 404]);
    let there = world.person(ours[1], "Customer administrator");
    let page = there.get(&format!("/customers/{}/access", ours[1])).expect(200);
    assert!(page.says("Nora") && page.says("User administrator"), "{}", page.body);
}

#[test]
fn a_customer_of_a_new_reseller_may_use_a_role_with_no_hop_touched() {
    let world = World::new();
    let reseller = world.reseller("Fresh");
    let alder = world.customer(reseller, "Alder");
    let boss = world.person(reseller, "Reseller administrator");
    let plain = world.user(alder, "Plain", "plain");
    assert_eq!(world.count("SELECT count(*) FROM allowed_roles"), 0);
    boss.api_post(&format!("/users/{plain}/roles"), json!({ "role": "User administrator" }))
        .expect(201);
    world.sign_in(plain).api_get(&format!("/users/{plain}")).expect(200);
}

/// What each condition of an answer says.
fn checks(answer: &Answer) -> Vec<(String, bool, String)> {
    let all = answer.json()["checks"].as_array().unwrap().clone();
    let text = |each: &Value, name: &str| each[name].as_str().unwrap().to_owned();
    all.iter()
        .map(|each| (text(each, "what"), each["ok"].as_bool().unwrap(), text(each, "text")))
        .collect()
}

#[test]
fn why_tells_a_missing_service_a_token_an_end_and_the_last_one() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    let admin = world.person(PROVIDER, "Provider administrator");
    let clerk = world.person_named(alder, "User administrator", "Cle Clerk", "cle");
    let failing = |who: &Person, query: &str| {
        let answer = who.api_get(&format!("/access/why?{query}")).expect(200);
        let bad = checks(&answer).into_iter().filter(|(_, ok, _)| !ok);
        bad.map(|(what, _, text)| format!("{what}: {text}")).collect::<Vec<_>>()
    };
    let about = |permission: &str| format!("user={}&permission={permission}", clerk.id);
    let sql = world.sql();
    // The service of the role is missing.
    sql.execute_batch(
        "INSERT INTO services (id, code, name, kind, state, tracking_only, created_at, changed_at)
         VALUES (100, 'vault', 'Vault', 'user', 'active', 1, '', '');",
    )
    .unwrap();
    let give =
        "INSERT INTO role_grants (user_id, role_id, at_id, granted_at) VALUES (?1, ?3, ?2, '')";
    let vault = role_id(&world, "Vault administrator");
    sql.execute(give, (clerk.id, alder, vault)).unwrap();
    let told = failing(&admin, &about("user_services.write"));
    assert!(told[0].contains("Alder does not have the service Vault"), "{told:?}");
    // The token in use leaves it out.
    let narrow = "UPDATE tokens SET permissions = '[\"users.read\"]' WHERE user_id = ?1";
    sql.execute(narrow, [clerk.id]).unwrap();
    let told = failing(&clerk, "permission=users.update");
    assert_eq!(told, ["Token, acting as: The token in use leaves it out."]);
    // The role has ended; the account has.
    sql.execute("UPDATE role_grants SET until_on = '2020-01-01' WHERE user_id = ?1", [clerk.id])
        .unwrap();
    let told = failing(&admin, &about("users.update"));
    assert!(told[0].contains("it has ended"), "{told:?}");
    sql.execute("UPDATE users SET expires_on = '2020-01-01' WHERE id = ?1", [clerk.id]).unwrap();
    let told = failing(&admin, &about("users.update"));
    assert!(told[0].contains("The last day of Cle Clerk has passed."), "{told:?}");
    // The last who could undo it.
    sql.execute("UPDATE users SET password_hash = 'x' WHERE id = ?1", [admin.id]).unwrap();
    let second = world.person(PROVIDER, "Provider administrator");
    let told = failing(&second, &format!("permission=users.disable&to={}", admin.id));
    assert!(told.iter().any(|each| each.contains("is the last administrator of")), "{told:?}");
}

#[test]
fn a_role_that_wants_a_second_factor_wants_the_givers_password_on_every_way() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    let admin = world.person(PROVIDER, "Provider administrator");
    let model = world.person_named(alder, "User administrator", "Model", "model").id;
    let change = "UPDATE roles SET requires_factor = 1 WHERE name = 'User administrator'";
    world.sql().execute(change, []).unwrap();
    let star = "UPDATE tokens SET permissions = '*' WHERE user_id = ?1";
    world.sql().execute(star, [admin.id]).unwrap();
    let users = || world.count("SELECT count(*) FROM users WHERE display_name IN ('New', 'Like')");
    let named = json!({ "display_name": "New", "first_name": "New", "last_name": "Hand", "upn": "new@alder.example", "external_emails": ["new@post.example"],
        "roles": ["User administrator"] });
    let refused = admin.api_post(&format!("/customers/{alder}/users"), named).expect(403);
    assert!(refused.says("The token must name roles.grant"), "{}", refused.body);
    let like = json!({ "display_name": "Like", "first_name": "Like", "last_name": "Them", "upn": "like@alder.example",
        "external_emails": ["like@post.example"] });
    admin.api_post(&format!("/users/{model}/copy"), like.clone()).expect(403);
    let template = json!({ "label": "Clerks", "reach": "self", "roles": ["User administrator"] });
    let template =
        admin.api_post(&format!("/customers/{alder}/templates"), template).expect(201).id();
    let mut by_template = like.clone();
    by_template["template"] = json!(template);
    admin.api_post(&format!("/customers/{alder}/users"), by_template).expect(403);
    let other = world.person(PROVIDER, "Provider administrator");
    other.api_post(&format!("/users/{model}/deprovision"), json!({})).expect(202);
    admin.api_post(&format!("/users/{model}/rehire"), json!({})).expect(403);
    assert_eq!(users(), 0);
    assert_eq!(
        world.count(&format!("SELECT count(*) FROM role_grants WHERE user_id = {model}")),
        0
    );
    let named = "UPDATE tokens SET permissions = ?1 WHERE user_id = ?2";
    let every: Vec<&str> = portico::auth::permissions::ALL.iter().map(|(name, _)| *name).collect();
    world.sql().execute(named, (json!(every).to_string(), admin.id)).unwrap();
    admin.api_post(&format!("/users/{model}/rehire"), json!({})).expect(200);
    assert_eq!(role_id(&world, "User administrator"), {
        world.count(&format!("SELECT role_id FROM role_grants WHERE user_id = {model}"))
    });
}

#[test]
fn a_run_started_in_anothers_name_carries_no_more_than_both_may() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    let desk = world.person(PROVIDER, "Provider helpdesk");
    let boss = world.person_named(alder, "Customer administrator", "Bo Boss", "bo");
    let (by, acting) = world
        .app
        .db
        .read(|db| {
            let actor = portico::auth::actor_for(
                db,
                desk.id,
                boss.id,
                portico::auth::Door::Job,
                portico::db::Via::Job,
            )?;
            let names = actor.rights().keys().cloned().collect::<Vec<_>>();
            Ok((actor.by, names))
        })
        .unwrap();
    assert_eq!((by.user, by.acting_for), (Some(desk.id), Some(boss.id)));
    assert!(acting.iter().any(|name| name == "users.update"), "{acting:?}");
    for stronger in ["customers.update", "users.delete", "roles.write"] {
        assert!(!acting.iter().any(|name| name == stronger), "{stronger}");
    }
    world
        .app
        .db
        .write(by, |tx| portico::jobs::queue_run(tx, "users.import", alder, &json!({}), None))
        .unwrap();
    assert_eq!(
        world.text("SELECT user_id || ' for ' || acting_for FROM runs"),
        format!("{} for {}", desk.id, boss.id)
    );
    world.sql().execute("DELETE FROM role_grants WHERE user_id = ?1", [desk.id]).unwrap();
    let gone = world.app.db.read(|db| {
        portico::auth::actor_for(
            db,
            desk.id,
            boss.id,
            portico::auth::Door::Job,
            portico::db::Via::Job,
        )
        .map(|_| ())
    });
    assert!(gone.is_err(), "the right to act as others is gone");
}
