//! Users and groups in a SCIM service that others wrote (`scim2-server`), behind a door through which
//! a test says what goes wrong.

use crate::assignments::Scene;
use crate::sink::python;
use crate::world::{PROVIDER, Person, World};
use portico::connectors::call;
use portico::drivers::{Answer, Outcome};
use portico::engine;
use portico::events;
use portico::ids::{ConnectorId, CustomerId, CustomerServiceId, UserId};
use portico::scim::{self, Order};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const TOKEN: &str = "first-token-of-a-test";
const OTHER_TOKEN: &str = "second-token-of-a-test";

struct Peer {
    port: u16,
    child: Child,
}

impl Peer {
    fn start(more: &[&str]) -> Peer {
        let mut command = Command::new(python());
        command.arg("tests/peers/scim_server.py").args(more);
        // It ends when its standard input does, however this process comes to its end.
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().strip_prefix("listening ").expect("the service did not start");
        Peer { port: port.parse().unwrap(), child }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v2", self.port)
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://127.0.0.1:{}{path}", self.port))
            .header("Authorization", format!("Bearer {TOKEN}"))
            .header("Content-Type", "application/scim+json");
        let mut answer = match body {
            Value::Null => agent.run(request.body(()).unwrap()).unwrap(),
            body => agent.run(request.body(body.to_string()).unwrap()).unwrap(),
        };
        let text = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or_default())
    }

    fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, &Value::Null);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    fn goes_wrong(&self, faults: Value) {
        self.ask("POST", "/control", &faults);
    }

    /// The calls of one method so far.
    fn seen(&self, method: &str) -> Vec<Value> {
        let all = self.get("/seen");
        let all = all.as_array().unwrap().iter();
        all.filter(|call| call["method"] == method).cloned().collect()
    }

    fn users(&self) -> Vec<Value> {
        self.get("/v2/Users")["Resources"].as_array().cloned().unwrap_or_default()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Stage {
    world: World,
    peer: Peer,
    connector: ConnectorId,
    customer: CustomerId,
}

/// A connector to the service, made by somebody.
fn connect(admin: &Person, peer: &Peer) -> ConnectorId {
    let body = json!({
        "kind": "scim", "name": "Wiki", "url": peer.url(), "password": TOKEN,
        "networks": ["127.0.0.0/8"],
    });
    ConnectorId(admin.api_post("/connectors", body).expect(201).id())
}

fn named(world: &World) {
    let insert =
        "INSERT INTO settings (key, value, changed_at) VALUES ('installation', 'abcdef', '')";
    world.sql().execute(insert, []).unwrap();
}

impl Stage {
    fn new(more: &[&str]) -> Stage {
        let world = World::new();
        named(&world);
        let peer = Peer::start(more);
        let connector = connect(&world.person(PROVIDER, "Provider administrator"), &peer);
        let customer = world.customer(PROVIDER, "Aldermoor Dental");
        Stage { peer, connector, customer, world }
    }

    fn admin(&self) -> Person<'_> {
        self.world.person(PROVIDER, "Provider administrator")
    }

    fn attempt(&self, verb: &str, what: &str, user: Option<UserId>, params: Value) -> Outcome {
        self.try_with(verb, what, user, params, None)
    }

    fn try_with(
        &self,
        verb: &str,
        what: &str,
        user: Option<UserId>,
        params: Value,
        customer_service: Option<CustomerServiceId>,
    ) -> Outcome {
        let app = &self.world.app;
        let line = app.db.read(|db| call::line(db, self.connector)).unwrap();
        let order = Order {
            verb: verb.parse().unwrap(),
            what,
            params: &params,
            customer: self.customer,
            user,
            customer_service,
            dry_run: false,
        };
        let (outcome, log) = scim::perform(&app.db, &app.config, &line, &order);
        assert!(!log.text().contains(TOKEN), "{}", log.text());
        outcome
    }

    /// Does it, and once more: the second time nothing is left to do.
    fn done(&self, verb: &str, what: &str, user: UserId, params: Value) -> Answer {
        let first = match self.attempt(verb, what, Some(user), params.clone()) {
            Outcome::Done(answer) => answer,
            other => panic!("{verb} {what} {params}: {other:?}"),
        };
        let second = self.attempt(verb, what, Some(user), params.clone());
        assert!(matches!(second, Outcome::Already(_)), "{verb} {what} twice: {second:?}");
        first
    }

    fn refused(&self, verb: &str, what: &str, user: UserId) -> String {
        match self.attempt(verb, what, Some(user), json!({})) {
            Outcome::Refused { text } => text,
            other => panic!("{verb} {what}: {other:?}"),
        }
    }

    fn user(&self, name: &str, local: &str) -> UserId {
        self.world.user(self.customer, name, local)
    }
}

fn lives_and_ends(stage: &Stage) {
    let user = stage.user("Jürgen \"J\" O'Neil <b>", "juergen");
    let made = stage.done("scim.user", "create", user, json!({}));
    let id = made.outputs["id"].as_str().unwrap().to_owned();
    let at = format!("/v2/Users/{id}");
    let upn = stage.world.text(&format!("SELECT upn FROM users WHERE id = {user}"));
    let there = stage.peer.get(&at);
    assert_eq!((&there["userName"], &there["active"]), (&json!(upn), &json!(true)));
    assert_eq!(there["externalId"], json!(format!("portico:abcdef:user{user}")));
    assert_eq!(there["displayName"], "Jürgen \"J\" O'Neil <b>");
    // What others wrote there stays.
    let mut whole = there;
    let emails = whole["emails"].as_array().cloned().unwrap_or_default().into_iter();
    let home = json!({ "value": "home@elsewhere.example", "type": "home" });
    whole["emails"] = emails.chain([home]).collect();
    assert_eq!(stage.peer.ask("PUT", &at, &whole).0, 200);
    let sql = stage.world.sql();
    let set = "UPDATE users SET display_name = 'J. O''Neil', job_title = 'Dentist', company = 'Aldermoor' WHERE id = ?1";
    sql.execute(set, [user]).unwrap();
    let more = json!({ "attributes": { "nickName": "Jay", "costCenter": "12", "shoeSize": "44" } });
    let Outcome::Done(changed) = stage.attempt("scim.user", "change", Some(user), more) else {
        panic!("it was not changed");
    };
    assert_eq!(changed.warnings, ["shoeSize was left out: no such attribute is known there."]);
    let there = stage.peer.get(&at);
    assert_eq!((&there["title"], &there["nickName"]), (&json!("Dentist"), &json!("Jay")));
    let enterprise = &there["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"];
    assert_eq!(enterprise, &json!({ "costCenter": "12", "organization": "Aldermoor" }));
    assert!(there["emails"].to_string().contains("home@elsewhere.example"), "{there}");
    stage.done("scim.user", "suspend", user, json!({}));
    assert_eq!(stage.peer.get(&at)["active"], false);
    // A change of something else does not switch it on.
    sql.execute("UPDATE users SET job_title = '' WHERE id = ?1", [user]).unwrap();
    stage.attempt("scim.user", "change", Some(user), json!({}));
    assert_eq!(
        (&stage.peer.get(&at)["active"], stage.peer.get(&at).get("title")),
        (&json!(false), None)
    );
    stage.done("scim.user", "resume", user, json!({}));
    assert_eq!(stage.peer.get(&at)["active"], true);
    stage.done("scim.user", "remove", user, json!({}));
    assert_eq!(stage.peer.get(&at)["active"], false, "kept, but off");
    let Outcome::Done(_) =
        stage.attempt("scim.user", "remove", Some(user), json!({ "removal": "delete" }))
    else {
        panic!("it was not deleted");
    };
    assert_eq!(stage.peer.ask("GET", &at, &Value::Null).0, 404);
    assert_eq!(stage.world.count("SELECT count(*) FROM bindings"), 0);
    let one = stage.user("Ann Oak", "ann");
    stage.done("scim.user", "create", one, json!({}));
    stage.done("scim.user", "remove", one, json!({ "removal": "unmanage" }));
    let left = stage.peer.users();
    assert_eq!((left.len(), &left[0]["active"]), (1, &json!(false)), "left to others, and off");
    assert_eq!(stage.world.count("SELECT count(*) FROM bindings"), 0);
}

#[test]
fn an_account_is_made_changed_switched_off_and_ends() {
    let stage = Stage::new(&[]);
    lives_and_ends(&stage);
    assert_eq!(stage.peer.seen("PUT").len(), 1, "the one of the test alone");
    for call in stage.peer.seen("DELETE") {
        assert!(call["if_match"].as_str().is_some_and(|tag| tag.starts_with("W/")), "{call}");
    }
    let stage = Stage::new(&["--without-patch"]);
    lives_and_ends(&stage);
    assert!(stage.peer.seen("PUT").len() > 5);
    assert!(stage.peer.seen("PATCH").is_empty());
}

#[test]
fn a_group_of_250_is_filled_by_the_hundred() {
    let stage = Stage::new(&[]);
    let sql = stage.world.sql();
    let users = stage.world.users(stage.customer, "w", 250);
    for user in &users {
        let made = stage.attempt("scim.user", "create", Some(*user), json!({}));
        assert!(matches!(made, Outcome::Done(_)), "{made:?}");
    }
    sql.execute_batch(&format!(
        "INSERT INTO services (id, code, name, kind, state, created_at, changed_at) VALUES (900, 'desk', 'Desk', 'user', 'active', '', '');
         INSERT INTO plans (id, service_id, level, code, name) VALUES (900, 900, 'user', 'standard', 'Standard');
         INSERT INTO customer_services (id, customer_id, service_id, created_at) VALUES (900, {customer}, 900, '');
         INSERT INTO user_services (customer_id, user_id, customer_service_id, service_id, plan_id, created_at)
         SELECT customer_id, id, 900, 900, 900, '' FROM users WHERE customer_id = {customer};",
        customer = stage.customer
    ))
    .unwrap();
    let service = Some(CustomerServiceId(900));
    let params = json!({ "name": "Staff, \"all\"", "members": "holders" });
    let fill = || stage.try_with("scim.group", "create", None, params.clone(), service);
    let Outcome::Done(made) = fill() else { panic!("no group") };
    let at = format!("/v2/Groups/{}", made.outputs["id"].as_str().unwrap());
    let members = || stage.peer.get(&at)["members"].as_array().map_or(0, Vec::len);
    assert_eq!(members(), 250);
    let patches = stage.peer.seen("PATCH");
    let sizes: Vec<usize> = patches
        .iter()
        .map(|call| call["body"]["Operations"][0]["value"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [100, 100, 50]);
    assert!(patches.iter().all(|call| call["if_match"].is_string()));
    assert!(matches!(fill(), Outcome::Already(_)));
    // A stranger in it stays; those who lost the service leave.
    let body =
        json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "boss" });
    let boss = stage.peer.ask("POST", "/v2/Users", &body).1["id"].clone();
    let add = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "add", "path": "members", "value": [{ "value": boss }] }] });
    assert_eq!(stage.peer.ask("PATCH", &at, &add).0 / 100, 2);
    sql.execute("UPDATE user_services SET wanted = 'gone' WHERE user_id > ?1", [users[129]])
        .unwrap();
    assert!(matches!(fill(), Outcome::Done(_)));
    assert_eq!(members(), 131);
    // One by one, by rules about users.
    let one = json!({ "group": "Staff, \"all\"" });
    stage.done("scim.member", "remove", users[0], one.clone());
    assert_eq!(members(), 130);
    stage.done("scim.member", "create", users[0], one);
    assert_eq!(members(), 131);
    let gone = stage.attempt("scim.group", "remove", None, json!({ "name": "Staff, \"all\"" }));
    assert!(matches!(gone, Outcome::Done(_)), "{gone:?}");
    assert_eq!(stage.peer.ask("GET", &at, &Value::Null).0, 404);
}

#[test]
fn who_is_there_under_the_same_name_is_proposed_and_never_taken() {
    let stage = Stage::new(&[]);
    let user = stage.user("Theo Vane", "theo");
    let upn = stage.world.text(&format!("SELECT upn FROM users WHERE id = {user}"));
    let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": upn,
        "nickName": "theirs" });
    // It is made between our search and our creation: 409, and the search is made again.
    stage.peer.goes_wrong(json!([
        { "method": "POST", "before": { "method": "POST", "path": "/v2/Users", "body": body } },
    ]));
    let text = stage.refused("scim.user", "create", user);
    assert!(text.contains("already that nobody has linked"), "{text}");
    assert_eq!(stage.peer.seen("POST").len(), 1);
    assert_eq!(stage.refused("scim.user", "create", user), text, "nothing happens by itself");
    assert!(matches!(
        stage.attempt("scim.user", "remove", Some(stage.user("Nobody", "no")), json!({})),
        Outcome::Already(_)
    ));
    let there = stage.peer.users();
    assert_eq!((there.len(), there[0].get("externalId")), (1, None), "it is untouched");
    let admin = stage.admin();
    let at = format!("/connectors/{}/links", stage.connector);
    assert!(admin.get(&at).expect(200).says("Is it the same?"));
    let list = admin.api_get(&at).expect(200).json();
    let link = &list["items"][0];
    assert_eq!(
        (&link["standing"], &link["user_id"], &link["name"]),
        (&json!("proposed"), &json!(user), &json!(upn))
    );
    // Another tenant sees none of it.
    let reseller = stage.world.reseller("Northwind");
    let other = stage.world.person(reseller, "Reseller administrator");
    other.api_get(&at).expect(404);
    let link = link["id"].as_i64().unwrap();
    other.api_post(&format!("{at}/{link}/adopt"), json!({})).expect(404);
    other.api_post(&format!("{at}/{link}/forget"), json!({})).expect(404);
    let body = json!({ "kind": "scim", "name": "Own", "url": "https://wiki.example.com/v2",
        "password": "t" });
    let own = other.api_post("/connectors", body).expect(201).id();
    other.api_post(&format!("/connectors/{own}/links/{link}/adopt"), json!({})).expect(404);
    admin.post(&format!("{at}/{link}/adopt"), &[]).expect(303);
    stage.done("scim.user", "create", user, json!({}));
    let there = stage.peer.users();
    assert_eq!((there.len(), &there[0]["nickName"]), (1, &json!("theirs")));
    assert_eq!(there[0]["externalId"], json!(format!("portico:abcdef:user{user}")));
    admin.post(&format!("{at}/{link}/adopt"), &[]).expect(404);
}

#[test]
fn who_vanished_is_made_anew_only_when_somebody_says_so() {
    let stage = Stage::new(&[]);
    let user = stage.user("Theo Vane", "theo");
    let made = stage.done("scim.user", "create", user, json!({}));
    let id = made.outputs["id"].as_str().unwrap().to_owned();
    stage.peer.ask("DELETE", &format!("/v2/Users/{id}"), &Value::Null);
    let text = stage.refused("scim.user", "change", user);
    assert!(text.contains("was deleted outside"), "{text}");
    let posts = stage.peer.seen("POST").len();
    assert_eq!(stage.refused("scim.user", "create", user), text);
    assert_eq!(stage.peer.seen("POST").len(), posts, "nothing was made");
    // What is gone cannot be switched off; that is no failure.
    assert!(matches!(
        stage.attempt("scim.user", "suspend", Some(user), json!({})),
        Outcome::Already(_)
    ));
    let admin = stage.admin();
    let at = format!("/connectors/{}/links", stage.connector);
    assert!(admin.get(&at).expect(200).says("Deleted there: make it anew?"));
    let link = admin.api_get(&at).json()["items"][0]["id"].as_i64().unwrap();
    admin.api_post(&format!("{at}/{link}/adopt"), json!({})).expect(409);
    admin.api_post(&format!("{at}/{link}/forget"), json!({})).expect(204);
    let made = stage.done("scim.user", "create", user, json!({}));
    assert_ne!(made.outputs["id"], json!(id));
}

#[test]
fn two_who_change_at_once_both_win_and_a_busy_service_is_waited_for() {
    let stage = Stage::new(&[]);
    let user = stage.user("Theo Vane", "theo");
    let made = stage.done("scim.user", "create", user, json!({}));
    let at = format!("/v2/Users/{}", made.outputs["id"].as_str().unwrap());
    let theirs = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": "nickName", "value": "T" }] });
    let quicker = json!({ "method": "PATCH",
        "before": { "method": "PATCH", "path": at, "body": theirs } });
    stage.peer.goes_wrong(json!([quicker]));
    let set = "UPDATE users SET job_title = ?2 WHERE id = ?1";
    stage.world.sql().execute(set, (user, "Dentist")).unwrap();
    stage.done("scim.user", "change", user, json!({}));
    let there = stage.peer.get(&at);
    assert_eq!((&there["title"], &there["nickName"]), (&json!("Dentist"), &json!("T")));
    let tags: Vec<Value> =
        stage.peer.seen("PATCH").iter().map(|call| call["if_match"].clone()).collect();
    assert_eq!(tags.len(), 2);
    assert_ne!(tags[0], tags[1], "it was read again");
    stage.peer.goes_wrong(json!([{ "method": "GET", "status": 429, "retry_after": "7" }]));
    stage.world.sql().execute(set, (user, "Surgeon")).unwrap();
    let wait = stage.attempt("scim.user", "change", Some(user), json!({}));
    assert!(
        matches!(&wait, Outcome::Retry { after: Some(after), .. } if after.as_secs() == 7),
        "{wait:?}"
    );
    // It is made, and nobody hears of it: the next attempt finds it by its marker.
    let other = stage.user("Ann Oak", "ann");
    stage.peer.goes_wrong(json!([{ "method": "POST", "lost": true }]));
    let lost = stage.attempt("scim.user", "create", Some(other), json!({}));
    assert!(matches!(lost, Outcome::Retry { .. }), "{lost:?}");
    assert_eq!(stage.world.count("SELECT count(*) FROM bindings"), 1);
    assert!(matches!(
        stage.attempt("scim.user", "create", Some(other), json!({})),
        Outcome::Already(_)
    ));
    assert_eq!(stage.peer.users().len(), 2);
}

#[test]
fn the_doctor_says_what_is_wrong_and_a_new_token_is_tried_first() {
    let stage = Stage::new(&[]);
    let admin = stage.admin();
    let at = format!("/connectors/{}", stage.connector);
    let good = admin.api_post(&format!("{at}/doctor"), json!({})).expect(200).json();
    assert_eq!(good["light"], "amber", "it is reached without encryption: {good}");
    assert!(good.to_string().contains("Users can be looked for by their names."));
    assert!(!good.to_string().contains("\"red\""), "{good}");
    let credential = stage.world.count("SELECT id FROM credentials");
    let rotate = format!("/credentials/{credential}/rotate");
    let wrong = admin.api_post(&rotate, json!({ "secret": "wrong" })).expect(422);
    assert!(wrong.says("Wiki did not let it in, so the old one stays"), "{}", wrong.body);
    let user = stage.user("Theo Vane", "theo");
    stage.done("scim.user", "create", user, json!({}));
    admin.api_post(&rotate, json!({ "secret": OTHER_TOKEN })).expect(204);
    stage.done("scim.user", "suspend", user, json!({}));
    admin.api_patch(&at, json!({ "sign_in_as": "mira" })).expect(200);
    let red = admin.api_post(&format!("{at}/doctor"), json!({})).expect(200).json();
    assert!(red.to_string().contains("Put its present token"), "{red}");
    let text = stage.refused("scim.user", "change", user);
    assert!(text.contains("does not take the credential"), "{text}");
    admin
        .api_patch(&at, json!({ "sign_in_as": "", "url": format!("{}/nowhere", stage.peer.url()) }))
        .expect(200);
    let red = admin.api_post(&format!("{at}/doctor"), json!({})).expect(200).json();
    assert!(red.to_string().contains("Correct the address"), "{red}");
}

#[test]
fn it_is_connected_on_a_page() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    assert!(admin.get("/connectors/new").expect(200).says("Connect a SCIM service"));
    assert!(admin.get("/connectors/new?kind=scim").expect(200).says("Token or password"));
    let mut typed =
        vec![("kind", "scim"), ("name", "Wiki"), ("url", "ftp://x"), ("time_limit", "99")];
    let again = admin.post("/connectors", &typed).expect(422);
    assert!(again.says("value=\"Wiki\"") && again.says("begins with https"), "{}", again.body);
    typed[2].1 = "https://wiki.example.com/scim/v2";
    typed[3].1 = "20";
    typed.push(("password", "a-token-nobody-reads"));
    let page = admin.post("/connectors", &typed).expect(303);
    let page = admin.get(page.location()).expect(200);
    assert!(page.says("SCIM service") && page.says("A token") && !page.says("a-token-nobody"));
    let id = world.count("SELECT id FROM connectors");
    assert!(admin.get(&format!("/connectors/{id}/edit")).expect(200).says("wiki.example.com"));
    assert!(admin.get(&format!("/connectors/{id}/links")).expect(200).says("Nothing to decide"));
    assert!(!world.text("SELECT sealed FROM credentials").contains("a-token"));
}

fn ends(scene: &Scene, request: i64, status: &str) {
    let end = Instant::now() + Duration::from_secs(60);
    let now = || scene.world.text(&format!("SELECT status FROM requests WHERE id = {request}"));
    while now() != status {
        let steps = "SELECT group_concat(status || ' ' || error) FROM steps";
        assert!(Instant::now() < end, "{} {}", now(), scene.world.text(steps));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn rules_work_there_over_a_restart_in_the_middle() {
    let scene = Scene::new();
    named(&scene.world);
    let peer = Peer::start(&[]);
    let admin = scene.admin();
    let wiki = connect(&admin, &peer);
    let rule = |event: &str, action: &str, params: Value| {
        let body = json!({ "service": "workplace", "event": event, "key": action.replace('.', "-"),
            "action": action, "connector_id": wiki, "params": params });
        admin.api_post("/rules", body)
    };
    let wrong =
        rule("user_service.provision", "scim.user", json!({ "removal": "burn" })).expect(422);
    assert!(wrong.says("must be keep or delete or unmanage"), "{}", wrong.body);
    let made = rule(
        "user_service.provision",
        "scim.user",
        json!({ "attributes": "nickName = {user.first_name}" }),
    )
    .expect(201)
    .id();
    rule("user_service.deprovision", "scim.user", json!({ "removal": "delete" })).expect(201);
    rule("customer_service.provision", "scim.group", json!({ "name": "{customer.code}" }))
        .expect(201);
    let user = scene.user("ann");
    let services = format!("/customers/{}/services", scene.customer);
    let held = admin.api_post(&services, json!({ "service": "workplace" })).expect(202);
    let engine = engine::start(scene.world.app.clone(), events::EVENTS).unwrap();
    ends(&scene, held.json()["request_id"].as_i64().unwrap(), "done");
    assert_eq!(peer.get("/v2/Groups")["totalResults"], 1);
    peer.goes_wrong(json!([{ "method": "POST", "lost": true }]));
    let given = json!({ "service": "workplace", "plan": "standard" });
    let given = admin.api_post(&format!("/users/{user}/services"), given).expect(202).json();
    let request = given["request_id"].as_i64().unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while scene.world.count("SELECT count(*) FROM step_attempts WHERE outcome = 'retry'") == 0 {
        assert!(Instant::now() < end, "the lost answer was not noticed");
        std::thread::sleep(Duration::from_millis(20));
    }
    // The account is there and nobody here knows; the program ends.
    engine.stop();
    assert_eq!(
        (
            peer.users().len(),
            scene.world.count("SELECT count(*) FROM bindings WHERE class = 'user'")
        ),
        (1, 0)
    );
    scene.world.later(60);
    let engine = engine::start(scene.world.app.clone(), events::EVENTS).unwrap();
    engine.nudge();
    ends(&scene, request, "done");
    let there = peer.users();
    assert_eq!((there.len(), &there[0]["active"]), (1, &json!(true)));
    let aid = scene.world.count("SELECT id FROM user_services");
    let dry = json!({ "customer_id": scene.customer, "user_id": user, "aid": aid });
    let before = peer.seen("PATCH").len();
    let answer = admin.api_post(&format!("/rules/{made}/dry-run"), dry).expect(200).json();
    assert_eq!(answer["connector"], "Nothing would change.", "{answer}");
    assert_eq!(peer.seen("PATCH").len(), before);
    let gone = admin.api_delete(&format!("/users/{user}/services/{aid}")).expect(202).json();
    ends(&scene, gone["request_id"].as_i64().unwrap(), "done");
    assert_eq!(peer.users().len(), 0);
    engine.stop();
}

#[test]
fn it_is_looked_at_before_it_is_used_for_the_first_time() {
    let scene = Scene::new();
    named(&scene.world);
    let peer = Peer::start(&[]);
    let admin = scene.admin();
    let wiki = connect(&admin, &peer);
    let at = format!("/connectors/{wiki}");
    admin.api_patch(&at, json!({ "url": format!("{}/nowhere", peer.url()) })).expect(200);
    let rule = json!({ "service": "workplace", "event": "user_service.provision", "key": "wiki",
        "action": "scim.user", "connector_id": wiki });
    admin.api_post("/rules", rule).expect(201);
    let user = scene.user("ann");
    let services = format!("/customers/{}/services", scene.customer);
    admin.api_post(&services, json!({ "service": "workplace" })).expect(202);
    let given = json!({ "service": "workplace", "plan": "standard" });
    let given = admin.api_post(&format!("/users/{user}/services"), given).expect(202).json();
    let engine = engine::start(scene.world.app.clone(), events::EVENTS).unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while scene.world.count("SELECT count(*) FROM step_attempts WHERE outcome = 'retry'") == 0 {
        assert!(Instant::now() < end, "it was not looked at");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(admin.api_get(&at).json()["light"], "red");
    assert!(peer.seen("POST").is_empty(), "nothing was written");
    let request = given["request_id"].as_i64().unwrap();
    assert!(admin.get(&format!("/requests/{request}")).expect(200).says("Correct the address"));
    admin.api_patch(&at, json!({ "url": peer.url() })).expect(200);
    scene.world.later(60);
    engine.nudge();
    ends(&scene, request, "done");
    assert_eq!((peer.users().len(), &admin.api_get(&at).json()["light"]), (1, &json!("amber")));
    engine.stop();
}
