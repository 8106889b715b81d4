//! The last administrator: who counts as one, and every way in which it might go and does not.

use crate::world::{Answer, PROVIDER, Person, World};
use portico::ids::{CustomerId, UserId};
use serde_json::{Value, json};

const LAST: &str =
    "is the last administrator of Tarnholm IT who can sign in. Make another one first.";

/// Somebody who administers the provider and may sign in, and a second one who may not.
fn provider(world: &World) -> (Person<'_>, Person<'_>) {
    let last = world.person_named(PROVIDER, "Provider administrator", "Lara Last", "lara");
    world.may_sign_in(last.id);
    (last, world.person(PROVIDER, "Provider administrator"))
}

fn grant(world: &World, user: UserId) -> i64 {
    world.count(&format!("SELECT id FROM role_grants WHERE user_id = {user}"))
}

fn stands(world: &World, last: UserId, after: &str) {
    assert!(world.lets_in(last), "{after}: nobody can sign in");
    let held = format!("SELECT count(*) FROM role_grants WHERE user_id = {last}");
    assert_eq!(world.count(&held), 1, "{after}");
    let door = format!("SELECT state || ' ' || sign_in FROM users WHERE id = {last}");
    assert_eq!(world.text(&door), "active everything", "{after}");
}

#[test]
fn the_last_of_the_provider_survives_every_verb_and_field() {
    let world = World::new();
    let (last, other) = provider(&world);
    let (one, own) = (format!("/users/{}", last.id), grant(&world, last.id));
    let refused = |what: &str, answer: Answer| {
        assert!(
            answer.status == 422 && answer.says(LAST),
            "{what}: {} {}",
            answer.status,
            answer.body
        );
        stands(&world, last.id, what);
    };
    for verb in ["disable", "deprovision"] {
        refused(verb, other.api_post(&format!("{one}/{verb}"), json!({})));
        refused(verb, other.post(&format!("{one}/{verb}"), &[]));
    }
    let gone = json!({ "disable": true, "deprovision_after": 0 });
    refused("offboard", other.api_post(&format!("{one}/offboard"), gone));
    refused("delete", other.api_delete(&format!("{one}?deprovision=true")));
    refused("delete", other.post(&format!("{one}/delete"), &[("deprovision", "1")]));
    for (field, value) in
        [("sign_in", "api_only"), ("sign_in", "nothing"), ("expires_on", "2026-03-09")]
    {
        refused(field, other.api_patch(&one, json!({ field: value })));
        refused(field, other.post(&format!("{one}/edit"), &[(field, value)]));
        refused(field, last.api_patch(&one, json!({ field: value })));
    }
    refused("take", other.api_delete(&format!("{one}/roles/{own}")));
    refused("take", other.post(&format!("{one}/roles/{own}/take"), &[]));
    let ticked = json!({ "without_administrator": true });
    refused("take, ticked", other.api("DELETE", &format!("{one}/roles/{own}"), ticked));
    let survivor = world.user(PROVIDER, "Survivor", "survivor");
    let merge = json!({ "user": "lara@tarnholm-it.example" });
    let merged = other.api_post(&format!("/users/{survivor}/merge"), merge).expect(422);
    assert!(merged.says("Lara Last still holds Provider administrator."), "{}", merged.body);
    stands(&world, last.id, "merge");
    let alder = world.customer(PROVIDER, "Alder");
    let away = other.api_post(&format!("{one}/move"), json!({ "customer_id": alder })).expect(422);
    assert!(away.says(LAST), "{}", away.body);
    stands(&world, last.id, "move");
    // Nobody is above the provider to deny the role there.
    let role = world.count("SELECT id FROM roles WHERE name = 'Provider administrator'");
    let deny = json!({ "rule": "deny", "without_administrator": true });
    other.api("PUT", &format!("/customers/1/allowed-roles/{role}"), deny).expect(404);
    stands(&world, last.id, "deny");
}

#[test]
fn the_last_of_the_provider_survives_files_many_at_once_and_the_shell() {
    let world = World::new();
    let (last, other) = provider(&world);
    let file = b"UPN,Enabled,Expires On\nlara@tarnholm-it.example,no,2026-03-01\n";
    let at = "/customers/1/users/import?state=true";
    let report = other.api_send(at, "text/csv", file).expect(200);
    assert!(report.says(LAST), "{}", report.body);
    stands(&world, last.id, "import");
    let report = portico::rescue::import_users(&world.app.db, "TIT", file, false).unwrap();
    stands(&world, last.id, &format!("import by the shell: {} refused", report.refused));
    for (action, input) in [
        ("disable", json!({})),
        ("expiry", json!({ "expires_on": "2026-03-01" })),
        ("take_role", json!({ "role": "Provider administrator" })),
    ] {
        let order = json!({ "action": action, "ids": [last.id], "input": input });
        let started = other.api_post("/customers/1/users/bulk", order).expect(202).json();
        let run = started["run_id"].as_i64().unwrap();
        assert_eq!(world.finish(run), "done", "{action}");
        let lines = other.api_get(&format!("/runs/{run}/lines")).expect(200);
        assert!(lines.says(LAST), "{action}: {}", lines.body);
        stands(&world, last.id, action);
    }
    // What the shell does to an account ends its sign-ins and not the account.
    portico::rescue::end_sessions(&world.app.db, last.id).unwrap();
    portico::rescue::reset_factor(&world.app.db, last.id, "lost the telephone").unwrap();
    stands(&world, last.id, "the shell");
}

#[test]
fn the_last_day_of_the_last_one_ends_nothing_and_somebody_is_told() {
    let world = World::new();
    let (last, other) = provider(&world);
    let one = format!("/users/{}", last.id);
    other.api_patch(&one, json!({ "expires_on": "2026-03-10" })).expect(200);
    world.later(86_400);
    assert_eq!(world.job("users.expire"), "done");
    stands(&world, last.id, "the last day");
    let held = "SELECT count(*) FROM run_lines WHERE result = 'held' AND level = 'error'";
    assert_eq!(world.count(held), 1);
    assert_eq!(world.count("SELECT count(*) FROM messages WHERE event = 'user.expiry_held'"), 1);
    // As soon as there is another one it ends after all.
    world.may_sign_in(other.id);
    assert_eq!(world.job("users.expire"), "done");
    assert!(!world.lets_in(last.id));
}

#[test]
fn who_cannot_sign_in_or_only_for_a_time_is_no_other_administrator() {
    for (what, change) in [
        ("passwordless", "password_hash = NULL"),
        ("expired", "expires_on = '2026-03-09'"),
        ("api only", "sign_in = 'api_only'"),
        ("shut out", "sign_in = 'nothing'"),
        ("disabled", "state = 'disabled'"),
    ] {
        let world = World::new();
        let (last, other) = provider(&world);
        world.may_sign_in(other.id);
        let second = world.person(PROVIDER, "Provider administrator");
        let sql = world.sql();
        sql.execute(&format!("UPDATE users SET {change} WHERE id = ?1"), [other.id]).unwrap();
        let refused = second.api_post(&format!("/users/{}/disable", last.id), json!({}));
        assert!(refused.says(LAST), "{what}: {}", refused.body);
    }
    let world = World::new();
    let (last, other) = provider(&world);
    world.may_sign_in(other.id);
    let disable = |who: &Person| who.api_post(&format!("/users/{}/disable", last.id), json!({}));
    let sql = world.sql();
    sql.execute("UPDATE role_grants SET until_on = '2026-04-01' WHERE user_id = ?1", [other.id])
        .unwrap();
    assert!(disable(&other).says(LAST), "only for a time");
    sql.execute("UPDATE role_grants SET until_on = NULL", []).unwrap();
    disable(&other).expect(200);
}

#[test]
fn two_who_disable_each_other_at_once_leave_one() {
    for _ in 0..5 {
        let world = World::new();
        let (first, second) = provider(&world);
        world.may_sign_in(second.id);
        std::thread::scope(|scope| {
            for (who, whom) in [(&first, &second), (&second, &first)] {
                let url = format!("/users/{}/disable", whom.id);
                scope.spawn(move || who.api_post(&url, json!({})).status);
            }
        });
        assert_eq!(world.count("SELECT count(*) FROM users WHERE state = 'active'"), 1);
    }
}

#[test]
fn the_last_of_a_customer_does_not_resign_from_within() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    let boss = world.person_named(alder, "Customer administrator", "Bo Boss", "bo");
    let other = world.person(alder, "Customer administrator");
    world.may_sign_in(boss.id);
    let within = |who: &Person, user: UserId, body: Value| {
        let at = format!("/users/{user}/roles/{}", grant(&world, user));
        who.api("DELETE", &at, body)
    };
    let meant = json!({ "without_administrator": true });
    let own = within(&boss, boss.id, meant.clone());
    assert!(own.expect(422).says("You cannot do this to yourself."));
    let last = "Bo Boss is the last administrator of Alder who can sign in.";
    assert!(within(&other, boss.id, meant.clone()).expect(422).says(last));
    for verb in ["disable", "deprovision"] {
        let refused = other.api_post(&format!("/users/{}/{verb}", boss.id), json!({}));
        assert!(refused.expect(422).says(last), "{verb}");
    }
    let shut = json!({ "sign_in": "nothing" });
    assert!(boss.api_patch(&format!("/users/{}", boss.id), shut).expect(422).says(last));
    let above = world.person(PROVIDER, "Provider administrator");
    assert!(within(&above, boss.id, json!({})).expect(422).says(last), "not without the tick");
    within(&above, boss.id, meant).expect(204);
    let held = |customer: CustomerId| {
        world.count(&format!("SELECT count(*) FROM role_grants WHERE at_id = {customer}"))
    };
    assert_eq!(held(alder), 1, "the other one's is left");
}

/// A customer with one administrator who can sign in, and the sentence that is said of them.
fn alone<'w>(world: &'w World, name: &str) -> (CustomerId, Person<'w>, String) {
    let customer = world.customer(PROVIDER, name);
    let local = name.to_lowercase();
    let last = world.person_named(customer, "Customer administrator", name, &local);
    world.may_sign_in(last.id);
    let why = format!(
        "{name} is the last administrator of {name} who can sign in. Make another one first."
    );
    (customer, last, why)
}

fn wants_the_tick(answer: &Answer, why: &str, what: &str) {
    assert_eq!(answer.status, 422, "{what}: {}", answer.body);
    let complaint = &answer.json()["errors"][0];
    let said = (&complaint["field"], &complaint["message"]);
    assert_eq!(said, (&json!("without_administrator"), &json!(why)), "{what}");
}

#[test]
fn from_above_a_change_or_a_move_takes_the_last_of_a_customer_only_when_that_is_meant() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let beech = world.customer(PROVIDER, "Beech");
    let state = |id: UserId| {
        let seen =
            "state || ' ' || sign_in || ' ' || coalesce(expires_on, '') || ' ' || customer_id";
        world.text(&format!("SELECT {seen} FROM users WHERE id = {id}"))
    };
    for (n, (method, more, body)) in [
        ("PATCH", "", json!({ "sign_in": "api_only" })),
        ("PATCH", "", json!({ "sign_in": "nothing" })),
        ("PATCH", "", json!({ "expires_on": "2026-03-09" })),
        ("PATCH", "/names", json!({ "sign_in": "nothing" })),
        ("PATCH", "/account", json!({ "expires_on": "2026-03-09" })),
        ("POST", "/move", json!({ "customer_id": beech })),
    ]
    .into_iter()
    .enumerate()
    {
        let what = format!("{method} {more} {body}");
        let (customer, last, why) = alone(&world, &format!("Alder{n}"));
        let url = format!("/users/{}{more}", last.id);
        let before = state(last.id);
        wants_the_tick(&admin.api(method, &url, body.clone()), &why, &what);
        // A plan says so too, and from within the tick is worth nothing.
        let plan = admin.api(method, &format!("{url}?preview=true"), body.clone());
        assert!(plan.says(&why), "{what}: {}", plan.body);
        let mut meant = body.clone();
        meant["without_administrator"] = json!(true);
        let colleague = world.person(customer, "Customer administrator");
        let within = colleague.api(method, &url, meant.clone());
        assert!([403, 404, 422].contains(&within.status), "{what}: {}", within.body);
        assert_eq!(state(last.id), before, "{what}");
        let done = admin.api(method, &url, meant);
        assert!(done.status < 300, "{what}: {}", done.body);
        assert_ne!(state(last.id), before, "{what}");
    }
    // The form asks for the tick where it is needed, and nowhere else.
    let (_, last, why) = alone(&world, "Cedar");
    let edit = format!("/users/{}/edit", last.id);
    let tick = "Go on though no administrator is left";
    assert!(!admin.get(&edit).expect(200).says(tick));
    let asked = admin.post(&edit, &[("sign_in", "nothing")]).expect(422);
    assert!(asked.says(&why) && asked.says(tick), "{}", asked.body);
    let ticked = [("sign_in", "nothing"), ("without_administrator", "1")];
    assert_eq!(admin.post(&edit, &ticked).status, 303);
    let (_, last, why) = alone(&world, "Dogwood");
    let to = beech.to_string();
    let at = format!("/users/{}/move", last.id);
    let asked = admin.post(&at, &[("customer_id", &to), ("step", "preview")]).expect(422);
    assert!(asked.says(&why) && asked.says(tick), "{}", asked.body);
    let ticked = [("customer_id", to.as_str()), ("sure", "1"), ("without_administrator", "1")];
    assert_eq!(admin.post(&at, &ticked).status, 303);
}

#[test]
fn many_at_once_leave_the_last_of_a_customer_unless_that_is_meant() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let beech = world.customer(PROVIDER, "Beech");
    let code = world.text(&format!("SELECT code FROM customers WHERE id = {beech}"));
    for (n, (action, input)) in [
        ("disable", json!({})),
        ("deprovision", json!({})),
        ("delete", json!({ "deprovision": true })),
        ("expiry", json!({ "expires_on": "2026-03-09" })),
        ("take_role", json!({ "role": "Customer administrator" })),
        ("offboard", json!({ "disable": true })),
        ("move", json!({ "to": code })),
    ]
    .into_iter()
    .enumerate()
    {
        let (customer, last, why) = alone(&world, &format!("Alder{n}"));
        let url = format!("/customers/{customer}/users/bulk");
        let look = |input: &Value| {
            let order =
                json!({ "action": action, "ids": [last.id], "input": input, "preview": true });
            admin.api_post(&url, order).expect(200).json()["items"][0].clone()
        };
        let item = look(&input);
        assert_eq!((&item["result"], &item["why"]), (&json!("refused"), &json!(why)), "{action}");
        let mut meant = input.clone();
        meant["without_administrator"] = json!(true);
        assert_eq!(look(&meant)["result"], "changed", "{action}");
        let order = json!({ "action": action, "ids": [last.id], "input": meant });
        let run = admin.api_post(&url, order).expect(202).json()["run_id"].as_i64().unwrap();
        assert_eq!(world.finish(run), "done", "{action}");
        let lines = admin.api_get(&format!("/runs/{run}/lines")).expect(200);
        assert!(!lines.says("refused"), "{action}: {}", lines.body);
    }
    let (customer, last, _) = alone(&world, "Cedar");
    let at = format!("/customers/{customer}/users/bulk");
    let id = last.id.to_string();
    let asked = [("action", "disable"), ("ids", id.as_str()), ("go", "act")];
    let form = admin.post(&at, &asked).expect(200);
    assert!(form.says("Go on though no administrator is left at a customer"), "{}", form.body);
}
