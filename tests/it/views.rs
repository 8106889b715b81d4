//! What stands around the lists of customers and users: saved views, files of them, how many there
//! are, and going from one customer to the next.

use crate::world::{Answer, PROVIDER, Person, World};
use serde_json::{Value, json};

/// A page, with what the browser remembers of the customers it showed.
fn with(who: &Person, url: &str, recent: &str) -> Answer {
    let cookies = format!("{}; portico-recent={recent}", who.cookies());
    let headers = [("Host", "localhost"), ("Cookie", cookies.as_str())];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    who.ask("GET", url, Vec::new(), headers.to_vec())
}

fn noted(answer: &Answer) -> Option<String> {
    let all = answer.headers.iter().filter(|(name, _)| *name == "Set-Cookie");
    let mut values = all.filter_map(|(_, value)| value.strip_prefix("portico-recent="));
    values.next().map(|value| value.split(';').next().unwrap().to_owned())
}

fn names(answer: &Value) -> Vec<&str> {
    answer["items"].as_array().unwrap().iter().map(|each| each["name"].as_str().unwrap()).collect()
}

#[test]
fn a_view_is_ones_own_or_shared_with_ones_customer() {
    let world = World::new();
    let home = world.customer(PROVIDER, "Aldermoor");
    let sibling = world.customer(PROVIDER, "Dunmore");
    let ann = world.person(home, "User administrator");
    let boss = world.person(home, "Customer administrator");
    let helper = world.person(home, "Customer helpdesk");
    let stranger = world.person(sibling, "Customer administrator");
    let save = |body: Value| ann.api_post("/users/views", body);
    let own = save(json!({ "name": "Locked out", "query": "badge=locked&after=x" })).expect(201);
    assert_eq!(own.json()["query"], "badge=locked", "where one was in the list is no filter");
    let shared = json!({ "name": "Leavers", "query": "state=disabled", "shared": true });
    let shared = save(shared).expect(201).id();
    assert_eq!(names(&ann.api_get("/users/views").json()), ["Leavers", "Locked out"]);
    assert_eq!(names(&boss.api_get("/users/views").json()), ["Leavers"]);
    assert_eq!(names(&stranger.api_get("/users/views").json()), [""; 0]);
    assert_eq!(names(&ann.api_get("/customers/views").json()), [""; 0], "of another list");
    // The same name is replaced, in any case; nothing that the list does not know is kept.
    save(json!({ "name": "LOCKED out", "query": "badge=expired" })).expect(201);
    let all = ann.api_get("/users/views").json();
    assert_eq!(
        (all["items"].as_array().unwrap().len(), &all["items"][1]["query"]),
        (2, &json!("badge=expired"))
    );
    for (body, why) in [
        (
            json!({ "name": "x", "query": "colour=red" }),
            "query has something that is no filter of this list",
        ),
        (
            json!({ "name": "x", "query": "state=lost" }),
            "query has something that is no filter of this list",
        ),
        (json!({ "name": "x", "query": "after=7" }), "query narrows nothing"),
        (json!({ "name": "", "query": "state=active" }), "name is required"),
    ] {
        assert_eq!(save(body).expect(422).complaints(), [why]);
    }
    // Only whoever shared it, or may change the customer, takes a shared one away.
    assert_eq!(helper.api_delete(&format!("/users/views/{shared}")).status, 403);
    assert_eq!(stranger.api_delete(&format!("/users/views/{shared}")).status, 404);
    assert_eq!(boss.api_delete(&format!("/customers/views/{shared}")).status, 404);
    boss.api_delete(&format!("/users/views/{shared}")).expect(204);
    assert_eq!(names(&ann.api_get("/users/views").json()), ["LOCKED out"]);
    assert_eq!(world.count("SELECT count(*) FROM audit_log WHERE action = 'view.saved'"), 3);
    assert_eq!(world.count("SELECT count(*) FROM audit_log WHERE action = 'view.deleted'"), 1);
}

#[test]
fn a_view_is_saved_from_the_list_and_opened_above_it() {
    let world = World::new();
    let home = world.customer(PROVIDER, "Aldermoor");
    let admin = world.person(home, "Customer administrator");
    world.user(home, "Ada Lovel", "ada");
    let list = admin.get("/users?q=ada&state=active").expect(200);
    assert!(list.says("/users/views?q=ada&amp;state=active"), "it can be saved");
    let form = admin.get("/users/views?q=ada&state=active").expect(200);
    assert!(form.says("“ada”, state active"), "{}", form.body);
    let refused = admin.post("/users/views", &[("name", ""), ("query", "q=ada&state=active")]);
    assert!(refused.status == 422 && refused.says("value=\"q=ada&amp;state=active\""));
    let saved = admin.post(
        "/users/views",
        &[("name", "Adas"), ("query", "q=ada&state=active"), ("shared", "1")],
    );
    assert_eq!(saved.expect(303).header("Location"), "/users?q=ada&state=active");
    let list = admin.get("/users?q=ada&state=active").expect(200);
    assert!(list.says("aria-current=\"true\">Adas</a>"), "{}", list.body);
    let within = admin.get(&format!("/customers/{home}/users")).expect(200);
    assert!(within.says(&format!("/customers/{home}/users?q=ada&amp;state=active")), "there too");
    let view = world.count("SELECT id FROM views");
    admin.post(&format!("/users/views/{view}/delete"), &[]).expect(303);
    assert!(
        !admin.get("/users").says("Adas") && admin.get("/users/views").says("No saved views yet")
    );
    // Of a customer that was narrowed to, it opens for nobody who does not reach it.
    let other = world.customer(PROVIDER, "Dunmore");
    let query = format!("customer={other}");
    assert_eq!(admin.get(&format!("/users/views?{query}")).status, 404);
    admin.api_post("/users/views", json!({ "name": "Theirs", "query": query })).expect(201);
    assert_eq!(admin.get(&format!("/users?{query}")).status, 404);
    let erased = world.person(PROVIDER, "Provider administrator");
    for verb in ["deprovision", "delete", "erase"] {
        let upn = world.text(&format!("SELECT upn FROM users WHERE id = {}", admin.id));
        let body = json!({ "confirm": upn });
        let url = format!(
            "/users/{}{}",
            admin.id,
            if verb == "delete" { String::new() } else { format!("/{verb}") }
        );
        let how = if verb == "delete" { "DELETE" } else { "POST" };
        let body = if verb == "erase" { body } else { json!({}) };
        assert!(erased.api(how, &url, body).status < 300, "{verb}");
    }
    assert_eq!(world.count("SELECT count(*) FROM views"), 0, "they go with whom they were of");
}

#[test]
fn the_switcher_has_pinned_customers_and_the_last_ten_in_reach() {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let all: Vec<_> = (0..12).map(|n| world.customer(reseller, &format!("Shop {n}"))).collect();
    let other = world.customer(PROVIDER, "Elsewhere");
    let ra = world.person(reseller, "Reseller administrator");
    assert!(ra.get("/today").says("href=\"/switch\" data-dialog=\"switcher\""));
    let mut cookie = String::new();
    for id in &all {
        let answer = with(&ra, &format!("/customers/{id}/users"), &cookie).expect(200);
        assert!(answer.says("href=\"/switch?at=users\""), "the tab comes along");
        cookie = noted(&answer).expect("it is noted");
    }
    assert!(noted(&with(&ra, &format!("/customers/{other}"), &cookie)).is_none());
    let page = with(&ra, "/switch?at=users", &cookie).expect(200);
    assert!(page.says(&format!("href=\"/customers/{}/users\"", all[11])), "{}", page.body);
    assert!(!page.says(">Shop 1</a>") && page.says(">Shop 2</a>"), "ten and no more");
    ra.post(&format!("/customers/{}/pin", all[0]), &[]).expect(303);
    ra.api("PUT", &format!("/customers/{}/pin", all[0]), json!({})).expect(204);
    assert_eq!(ra.api("PUT", &format!("/customers/{other}/pin"), json!({})).status, 404);
    assert_eq!(names(&ra.api_get("/pins").json()), ["Shop 0"]);
    let live = with(&ra, "/switch/live?at=users", &cookie).expect(200);
    assert!(live.says("Pinned") && live.says("Shop 0") && live.says("Looked at last"));
    // What went out of reach is not there, whatever the cookie says.
    let stranger = world.person(other, "Customer administrator");
    let id = stranger.id;
    let forged = cookie.replace(&format!("{}:", ra.id), &format!("{id}:"));
    assert!(!with(&stranger, "/switch", &forged).says("Shop"));
    assert!(!stranger.get("/today").says("data-dialog=\"switcher\""), "there is but one for them");
    ra.post(&format!("/customers/{}/pin/remove", all[0]), &[("to", "switch")]).expect(303);
    assert_eq!(names(&ra.api_get("/pins").json()), [""; 0]);
}

#[test]
fn lists_are_taken_along_as_files_and_that_is_noted() {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let home = world.customer(reseller, "Müller & =Söhne");
    let second = world.customer(reseller, "Aldermoor");
    let other = world.customer(PROVIDER, "Elsewhere");
    let ra = world.person(reseller, "Reseller administrator");
    for (at, name, local) in
        [(home, "Ada", "ada"), (home, "Bo", "bo"), (second, "Cy", "cy"), (other, "Eve", "eve")]
    {
        world.user(at, name, local);
    }
    let file = ra.get("/customers/export").expect(200);
    assert!(file.header("Content-Disposition").contains("customers.csv"));
    assert!(file.says("Müller & =Söhne") && file.says("Aldermoor") && !file.says("Elsewhere"));
    let few = ra.api_get("/customers/export?q=alder").expect(200);
    assert!(few.says("Aldermoor") && !few.says("Söhne"));
    assert_eq!(ra.api_get("/customers/export?colour=red").status, 422);
    let users = ra.get("/users/export").expect(200);
    assert!(users.says("Ada") && users.says("Cy") && !users.says("Eve"), "{}", users.body);
    let code = world.text(&format!("SELECT code FROM customers WHERE id = {second}"));
    assert!(users.body.lines().any(|line| line.contains("Cy") && line.contains(&code)));
    let named = format!(
        "/users/export?id={}",
        world.count("SELECT id FROM users WHERE display_name = 'Bo'")
    );
    let named = ra.get(&named).expect(200);
    assert!(named.says("Bo") && !named.says("Ada"));
    let eve = world.count("SELECT id FROM users WHERE display_name = 'Eve'");
    assert_eq!(ra.get(&format!("/users/export?id={eve}")).status, 404);
    assert_eq!(ra.api_get(&format!("/users/export?customer={other}")).status, 404);
    let details = |action: &str| {
        world.texts(&format!("SELECT detail FROM audit_log WHERE action = '{action}' ORDER BY id"))
    };
    assert_eq!(details("customers.exported").len(), 2);
    assert!(details("customers.exported")[1].contains("\"filter\":\"q=alder\""));
    assert!(details("users.exported")[1].contains("\"users\":1"));
    ra.get(&format!("/customers/{home}/users/export?state=active")).expect(200);
    assert!(details("users.exported")[2].contains("\"filter\":\"state=active\""));
    // Whoever sees users and may not take them along does not.
    let reader = world.person_with(reseller, &[("users.read", 3), ("customers.read", 3)]);
    assert_eq!(reader.get("/users/export").status, 403);
    assert!(!reader.get("/users").says("/users/export"));
    // Whoever may take only one's own along gets no more, though more is seen.
    let own = world.person_with(reseller, &[("users.read", 3), ("users.export", 1)]);
    assert!(!own.get("/users/export").expect(200).says("Ada"));
}

#[test]
fn a_list_says_how_many_there_are_up_to_a_thousand() {
    let world = World::new();
    let home = world.customer(PROVIDER, "Aldermoor");
    let admin = world.person(home, "Customer administrator");
    let provider = world.person(PROVIDER, "Provider administrator");
    for n in 0..60 {
        world.user(home, &format!("User {n}"), &format!("u{n}"));
    }
    let at = format!("/customers/{home}/users");
    assert!(admin.get(&at).says("50 of 61 users"));
    assert!(admin.get("/users").says("50 of 61 users"));
    assert!(provider.get("/users").says("50 of 62 users"));
    assert!(admin.get("/users?state=active&limit=10").says("10 of 61 users"));
    assert!(admin.get(&format!("{at}?q=user&limit=10")).says("The first 10 users"));
    assert!(admin.get(&format!("{at}?q=user+59")).says(">1 user<"));
    let sql = world.sql();
    sql.execute_batch(&format!(
        "BEGIN; WITH RECURSIVE n (n) AS (SELECT 1000 UNION ALL SELECT n + 1 FROM n WHERE n < 2100)
         INSERT INTO users (id, customer_id, state, upn, mail, display_name, created_at, changed_at)
         SELECT n, {home}, 'active', 'n' || n || '@aldermoor.example', 'n' || n || '@aldermoor.example', 'Zed', '', '' FROM n;
         INSERT INTO user_names (name, customer_id, domain_id, user_id)
         SELECT upn, customer_id, (SELECT id FROM domains WHERE name = 'aldermoor.example'), id FROM users WHERE id >= 1000;
         COMMIT;"
    ))
    .unwrap();
    for (who, url) in [(&admin, at.as_str()), (&admin, "/users"), (&provider, "/users")] {
        assert!(who.get(url).says("50 of 1,000+ users"), "{url}");
    }
    for n in 0..60 {
        world.customer(PROVIDER, &format!("Shop {n}"));
    }
    assert!(provider.get("/customers").says("50 of 62 customers"));
    assert!(provider.get("/customers?sort=code").says("50 of 62 customers"));
}
