//! Orders that wait until people have agreed to them.

use crate::assignments::Scene;
use crate::mail::server;
use crate::sink::{Options, Sink};
use crate::world::{PROVIDER, Person, World};
use portico::ids::{CustomerId, UserId};
use portico::mail::send_due;
use serde_json::{Value, json};

/// A scene in which approvals are on, and somebody of the customer who orders.
pub struct Desk {
    pub scene: Scene,
}

const ORDERS: &[(&str, i64)] = &[
    ("user_services.write", 1),
    ("services.read", 1),
    ("requests.read", 1),
    ("customers.read", 1),
    ("users.read", 1),
    ("billing.read", 1),
];

impl Desk {
    pub fn new() -> Desk {
        let scene = Scene::new();
        let admin = scene.admin();
        let services = format!("/customers/{}/services", scene.customer);
        admin.api_post(&services, json!({ "service": "workplace" })).expect(202);
        let here = format!("/customers/{}/approvals", scene.customer);
        let off = admin.api_post(&here, json!({ "on": true })).expect(422);
        assert!(off.says("switched off for the whole installation"), "{}", off.body);
        admin.api_patch("/settings", json!({ "approvals": "on" })).expect(200);
        admin.api_post(&here, json!({ "on": true })).expect(200);
        Desk { scene }
    }

    pub fn world(&self) -> &World {
        &self.scene.world
    }

    pub fn home(&self) -> CustomerId {
        self.scene.customer
    }

    pub fn orderer(&self) -> Person<'_> {
        self.world().person_with(self.home(), ORDERS)
    }

    pub fn approver(&self, name: &str) -> Person<'_> {
        let local = name.to_lowercase();
        self.world().person_named(self.home(), "Approver", name, &local)
    }

    pub fn chain(&self, more: Value) -> i64 {
        let mut chain = json!({ "customer_id": self.home(), "name": "Desk", "kind": "group", "verbs": ["give", "change", "remove"] });
        for (name, value) in more.as_object().unwrap() {
            chain[name] = value.clone();
        }
        self.scene.admin().api_post("/approvals/chains", chain).expect(201).id()
    }

    pub fn give(&self, who: &Person, user: UserId) -> (i64, i64) {
        let given = json!({ "service": "workplace", "plan": "standard" });
        let answer = who.api_post(&format!("/users/{user}/services"), given).expect(202).json();
        (answer["request_id"].as_i64().unwrap(), answer["id"].as_i64().unwrap())
    }

    pub fn status(&self, request: i64) -> String {
        self.world().text(&format!("SELECT status FROM requests WHERE id = {request}"))
    }

    pub fn reason(&self, request: i64) -> String {
        self.world().text(&format!("SELECT reason FROM requests WHERE id = {request}"))
    }

    fn mails(&self, event: &str) -> String {
        self.world().text(&format!(
            "SELECT group_concat(to_address) FROM (SELECT to_address FROM messages WHERE event = '{event}' ORDER BY id)"
        ))
    }
}

/// What waits for somebody: the first approval's number.
pub fn waiting(who: &Person) -> i64 {
    let all = who.api_get("/approvals").expect(200).json();
    all["items"][0]["id"].as_i64().unwrap_or(0)
}

pub fn approve(who: &Person, id: i64) -> crate::world::Answer {
    who.api_post(&format!("/approvals/{id}/approve"), json!({}))
}

#[test]
fn all_of_a_group_agree_before_it_begins_and_one_who_rejects_ends_it() {
    let desk = Desk::new();
    let (bea, sam, orderer) = (desk.approver("Bea"), desk.approver("Sam"), desk.orderer());
    desk.chain(json!({ "members": [bea.id, sam.id] }));
    let theo = desk.scene.user("theo");
    let url = format!("/users/{theo}/services?preview=true");
    let plan = orderer
        .api_post(&url, json!({ "service": "workplace", "plan": "standard" }))
        .expect(200)
        .json();
    assert_eq!(plan["approvals"], json!([{ "chain": "Desk", "who": ["Bea", "Sam"] }]));
    let (request, held) = desk.give(&orderer, theo);
    assert_eq!(desk.status(request), "waiting_approval");
    assert_eq!(desk.scene.state(&orderer, theo, held)["state"], "waiting_approval");
    assert_eq!((desk.scene.seats(), desk.scene.ledger(held).len()), (1, 0), "the seat is taken");
    let shown = orderer.api_get(&format!("/requests/{request}")).expect(200).json();
    assert_eq!(shown["waits"], "Waits for approval by Bea, Sam.");
    let place = format!("/users/{theo}/services/{held}");
    let refused = orderer.api_patch(&place, json!({ "plan": "standard" })).expect(422);
    assert!(refused.says("waits for approval: withdraw it first"), "{}", refused.body);

    let id = waiting(&bea);
    let page = bea.get(&format!("/approvals/{id}")).expect(200);
    assert!(
        page.says("Managed workplace, Standard") || page.says("Managed workplace: Standard"),
        "{}",
        page.body
    );
    approve(&bea, id).expect(200);
    assert!(approve(&bea, id).expect(409).says("You have decided already."));
    assert_eq!(desk.status(request), "waiting_approval");
    approve(&sam, id).expect(200);
    assert_eq!(desk.status(request), "done");
    assert_eq!(desk.scene.ledger(held), ["added standard"]);
    assert_eq!(
        desk.world().text("SELECT by_id FROM (SELECT CAST(by_id AS TEXT) AS by_id FROM requests ORDER BY id DESC LIMIT 1)"),
        orderer.id.to_string()
    );

    let ann = desk.scene.user("ann");
    let (request, held) = desk.give(&orderer, ann);
    let id = waiting(&sam);
    let silent = sam.api_post(&format!("/approvals/{id}/reject"), json!({})).expect(422);
    assert_eq!(silent.complaints(), ["comment is required"]);
    let no = [("comment", "Not this year")];
    sam.post(&format!("/approvals/{id}/reject"), &no).location();
    assert_eq!(desk.status(request), "cancelled");
    assert_eq!(desk.reason(request), "rejected by Sam: Not this year");
    assert_eq!(
        (desk.scene.seats(), desk.scene.ledger(held).len()),
        (1, 0),
        "the seat is free again"
    );
    orderer.api_get(&format!("/users/{ann}/services/{held}")).expect(404);
    assert!(approve(&bea, id).expect(409).says("It is rejected already."));
    assert!(
        desk.mails("approval.decided").contains("holder"),
        "{}",
        desk.mails("approval.decided")
    );
}

#[test]
fn some_of_a_group_are_enough_nobody_decides_on_their_own_and_two_at_once_decide_once() {
    let desk = Desk::new();
    let (bea, sam) = (desk.approver("Bea"), desk.approver("Sam"));
    let mut rights = ORDERS.to_vec();
    rights.push(("approvals.decide", 1));
    let own = desk.world().person_with(desk.home(), &rights);
    desk.chain(json!({ "members": [bea.id, sam.id, own.id], "needed": 1 }));
    let (request, held) = desk.give(&own, desk.scene.user("theo"));
    let id = waiting(&bea);
    assert_eq!(waiting(&own), 0, "whoever orders does not count");
    assert!(approve(&own, id).expect(403).says("Somebody else decides on what you ordered."));
    let answers: Vec<u16> = std::thread::scope(|scope| {
        let both = [&bea, &sam].map(|who| scope.spawn(move || approve(who, id).status));
        both.map(|each| each.join().unwrap()).to_vec()
    });
    let mut answers = answers;
    answers.sort_unstable();
    assert_eq!(answers, [200, 409], "one decision");
    assert_eq!(desk.status(request), "done");
    assert_eq!(desk.scene.ledger(held), ["added standard"]);
}

#[test]
fn managers_are_asked_level_by_level_and_who_cannot_decide_is_passed_over() {
    let desk = Desk::new();
    let world = desk.world();
    let (mia, rex, top) = (desk.approver("Mia"), desk.approver("Rex"), desk.approver("Top"));
    let idle = desk.scene.user("idle");
    let theo = desk.scene.user("theo");
    let above = |user: UserId, manager: UserId| {
        let set = "UPDATE users SET manager_id = ?1 WHERE id = ?2";
        world.sql().execute(set, (manager, user)).unwrap();
    };
    above(theo, mia.id);
    above(mia.id, idle);
    above(idle, rex.id);
    above(rex.id, top.id);
    desk.chain(json!({ "kind": "manager", "levels": 2 }));
    world.sql().execute("UPDATE users SET state = 'disabled' WHERE id = ?1", [mia.id]).unwrap();
    let orderer = desk.orderer();
    let (request, _) = desk.give(&orderer, theo);
    assert_eq!(
        desk.mails("approval.asked"),
        "rex@aldermoor-dental.example,top@aldermoor-dental.example"
    );
    approve(&rex, waiting(&rex)).expect(200);
    assert_eq!(desk.status(request), "waiting_approval");
    approve(&top, waiting(&top)).expect(200);
    assert_eq!(desk.status(request), "done");

    let alone = desk.scene.user("alone");
    let url = format!("/users/{alone}/services");
    let none = json!({ "service": "workplace", "plan": "standard" });
    let refused = orderer.api_post(&url, none).expect(422);
    assert!(
        refused.says("Nobody can approve this: alone has no manager who may."),
        "{}",
        refused.body
    );
    // Whom the customer above employs is no matter of the chain.
    desk.give(&desk.scene.admin(), alone);
    assert_eq!(world.count("SELECT count(*) FROM requests WHERE status = 'waiting_approval'"), 0);
}

#[test]
fn who_waits_is_reminded_then_it_is_cancelled_and_orderers_take_theirs_back() {
    let desk = Desk::new();
    let world = desk.world();
    let (bea, orderer) = (desk.approver("Bea"), desk.orderer());
    desk.chain(json!({ "members": [bea.id] }));
    let (request, _) = desk.give(&orderer, desk.scene.user("theo"));
    assert_eq!(world.job("approvals.remind"), "done");
    assert_eq!(desk.mails("approval.reminder"), "");
    world.later(3 * 86_400 + 60);
    world.job("approvals.remind");
    world.job("approvals.remind");
    assert_eq!(desk.mails("approval.reminder"), "bea@aldermoor-dental.example", "once");
    world.later(4 * 86_400);
    let fresh = world.sign_in(orderer.id);
    world.job("approvals.remind");
    assert_eq!((desk.status(request).as_str(), desk.scene.seats()), ("cancelled", 0));
    assert_eq!(desk.reason(request), "nobody decided within 7 days");
    assert!(!desk.mails("approval.expired").is_empty());

    let (request, _) = desk.give(&fresh, desk.scene.user("ann"));
    let mine = fresh.api_get("/approvals?view=ordered").expect(200).json();
    let id = mine["items"][0]["id"].as_i64().unwrap();
    fresh.post(&format!("/approvals/{id}/withdraw"), &[]).location();
    assert_eq!((desk.status(request).as_str(), desk.scene.seats()), ("cancelled", 0));
    let late = world.sign_in(bea.id);
    assert!(approve(&late, id).expect(409).says("It is withdrawn already."));
}

#[test]
fn a_deputy_decides_for_a_time_and_both_are_shown() {
    let desk = Desk::new();
    let (bea, sam, orderer) = (desk.approver("Bea"), desk.approver("Sam"), desk.orderer());
    desk.chain(json!({ "members": [bea.id] }));
    let theo = desk.scene.user("theo");
    let deputy = json!({ "deputy_id": sam.id, "from_on": "2026-03-10", "until_on": "2026-03-12" });
    let outside = json!({ "deputy_id": theo, "from_on": "2026-03-10", "until_on": "2026-03-09" });
    let refused = bea.api_post("/approvals/deputies", outside).expect(422);
    assert_eq!(
        refused.complaints(),
        [
            "deputy_id is nobody of your customer who may decide",
            "until_on must not be before the first day"
        ]
    );
    bea.api_post("/approvals/deputies", deputy).expect(201);
    let (request, _) = desk.give(&orderer, theo);
    assert_eq!(
        desk.mails("approval.asked"),
        "bea@aldermoor-dental.example,sam@aldermoor-dental.example"
    );
    let id = waiting(&sam);
    let seen = approve(&sam, id).expect(200).json();
    assert_eq!(
        (&seen["voters"][0]["name"], &seen["voters"][0]["by"]),
        (&json!("Bea"), &json!("Sam"))
    );
    assert_eq!(desk.status(request), "done");
    let page = bea.get(&format!("/approvals/{id}")).expect(200);
    assert!(page.says("said by the deputy Sam"), "{}", page.body);

    desk.world().later(3 * 86_400);
    let (orderer, sam) = (desk.world().sign_in(orderer.id), desk.world().sign_in(sam.id));
    desk.give(&orderer, desk.scene.user("ann"));
    assert_eq!(waiting(&sam), 0, "the time is over");
}

#[test]
fn a_change_and_a_removal_are_done_when_agreed_to_and_not_before() {
    let desk = Desk::new();
    let (bea, orderer) = (desk.approver("Bea"), desk.orderer());
    let theo = desk.scene.user("theo");
    let held = desk.scene.workplace(&desk.scene.admin(), theo);
    desk.chain(json!({ "members": [bea.id] }));
    let place = format!("/users/{theo}/services/{held}");
    let other = orderer.api_patch(&place, json!({ "plan": "plus" })).expect(202).json();
    let plan = || {
        desk.world().text(&format!("SELECT code FROM user_services JOIN plans ON plans.id = plan_id WHERE user_services.id = {held}"))
    };
    assert_eq!(plan(), "standard");
    approve(&bea, waiting(&bea)).expect(200);
    assert_eq!(plan(), "plus");
    assert_eq!(desk.status(other["request_id"].as_i64().unwrap()), "done");

    orderer.api_post(&format!("{place}/suspend"), Value::Null).expect(202);
    assert_eq!(
        desk.scene.state(&orderer, theo, held)["state"],
        "suspended",
        "security never waits"
    );
    let removal = orderer.api_delete(&place).expect(202).json()["request_id"].as_i64().unwrap();
    assert_eq!((desk.status(removal).as_str(), desk.scene.seats()), ("waiting_approval", 1));
    assert_eq!(desk.scene.ledger(held).last().unwrap(), "changed plus suspended");
    let no = json!({ "comment": "She stays" });
    bea.api_post(&format!("/approvals/{}/reject", waiting(&bea)), no).expect(200);
    assert_eq!(desk.scene.state(&orderer, theo, held)["state"], "suspended");
    let removal = orderer.api_delete(&place).expect(202).json()["request_id"].as_i64().unwrap();
    approve(&bea, waiting(&bea)).expect(200);
    assert_eq!((desk.status(removal).as_str(), desk.scene.seats()), ("done", 0));
    assert_eq!(desk.scene.ledger(held).last().unwrap(), "removed plus");
}

#[test]
fn p_38_a_price_that_rose_is_agreed_to_anew_and_an_unrelated_edit_is_not() {
    let desk = Desk::new();
    desk.scene.priced();
    let (bea, orderer) = (desk.approver("Bea"), desk.orderer());
    desk.chain(json!({ "members": [bea.id] }));
    let theo = desk.scene.user("theo");
    let (request, held) = desk.give(&orderer, theo);
    let first = waiting(&bea);
    let dearer = "UPDATE prices SET unit_price = 20000000";
    desk.world().sql().execute(dearer, []).unwrap();
    desk.world().sql().execute("UPDATE price_lists SET version = version + 1", []).ok();
    approve(&bea, first).expect(200);
    assert_eq!(desk.status(request), "waiting_approval", "it is asked anew");
    let second = waiting(&bea);
    assert_ne!(first, second);
    let seen = bea.api_get(&format!("/approvals/{second}")).expect(200).json();
    assert!(seen["moved"].as_str().unwrap().contains("A price"), "{seen}");
    approve(&bea, second).expect(200);
    assert_eq!((desk.status(request).as_str(), desk.scene.ledger(held).len()), ("done", 1));

    let ann = desk.scene.user("ann");
    let (request, _) = desk.give(&orderer, ann);
    let admin = desk.scene.admin();
    admin.api_patch(&format!("/users/{ann}"), json!({ "job_title": "Nurse" })).expect(200);
    approve(&bea, waiting(&bea)).expect(200);
    assert_eq!(desk.status(request), "done", "the same work, the same money");
}

#[test]
fn p_56_a_mailed_link_needs_a_sign_in_shows_only_and_is_nobody_elses() {
    let desk = Desk::new();
    let (bea, orderer) = (desk.approver("Bea"), desk.orderer());
    desk.chain(json!({ "members": [bea.id] }));
    let sink = Sink::start(Options::default());
    server(desk.world(), &sink, "none");
    let (request, _) = desk.give(&orderer, desk.scene.user("theo"));
    let id = waiting(&bea);
    send_due(&desk.world().app).unwrap();
    let path = format!("/approvals/{id}");
    let mail =
        sink.wait_for(1).into_iter().find(|mail| mail.to == ["bea@aldermoor-dental.example"]);
    let body = mail.expect("Bea was mailed").text;
    assert!(body.contains(&format!("https://portico.example{path}")), "{body}");
    let away = desk.world().stranger().get(&path);
    assert!(
        !away.location().contains("/approvals/") || away.location().contains("?"),
        "it leads to the sign-in"
    );
    for _ in 0..3 {
        bea.get(&path).expect(200);
    }
    assert_eq!(desk.status(request), "waiting_approval");
    assert_eq!(desk.world().count("SELECT count(*) FROM votes WHERE vote <> ''"), 0);

    let other = desk.approver("Olaf");
    let far = desk.world().customer(PROVIDER, "Farfield");
    let stranger = desk.world().person(far, "Customer administrator");
    for outsider in [&other, &stranger] {
        outsider.get(&path).expect(404);
        outsider.api_get(&path).expect(404);
        approve(outsider, id).expect(404);
        outsider.api_post(&format!("{path}/reject"), json!({ "comment": "no" })).expect(404);
        outsider.api_post(&format!("{path}/withdraw"), json!({})).expect(404);
    }
    let chain = desk.world().count("SELECT id FROM chains");
    stranger.api_get(&format!("/approvals/chains/{chain}")).expect(404);
    stranger.api_delete(&format!("/approvals/chains/{chain}")).expect(404);
    let foreign =
        json!({ "name": "Ours", "kind": "group", "verbs": ["give"], "members": [bea.id] });
    let refused = stranger.api_post("/approvals/chains", foreign).expect(422);
    assert_eq!(refused.complaints(), ["members has somebody who may not decide here"]);
    let away = format!("/customers/{}/approvals", desk.home());
    stranger.api_post(&away, json!({ "on": false })).expect(404);
    assert_eq!(desk.status(request), "waiting_approval");
}

#[test]
fn chains_are_made_changed_and_deleted_by_their_pages() {
    let desk = Desk::new();
    let bea = desk.approver("Bea");
    let admin = desk.world().person(desk.home(), "Customer administrator");
    let home = desk.home();
    let page = admin.get(&format!("/customers/{home}/approvals")).expect(200);
    assert!(page.says("No chain of its own"), "{}", page.body);
    let form = admin.get(&format!("/customers/{home}/approvals/new")).expect(200);
    assert!(form.says("Bea"), "whom one may choose");
    let at = format!("/customers/{home}/approvals/new");
    let bad = admin.post(&at, &[("name", ""), ("kind", "group"), ("verbs", "give")]).expect(422);
    assert!(bad.says("Name is required") && bad.says("say who decides"), "{}", bad.body);
    let id = bea.id.to_string();
    let good = [
        ("name", "Office"),
        ("kind", "group"),
        ("verbs", "give"),
        ("members", id.as_str()),
        ("enabled", "true"),
    ];
    admin.post(&at, &good).location();
    let chain = desk.world().count("SELECT id FROM chains");
    let edit = format!("/approvals/chains/{chain}");
    assert!(admin.get(&edit).expect(200).says("Office"));
    let off = [
        ("version", "1"),
        ("name", "Office"),
        ("kind", "group"),
        ("verbs", "give"),
        ("members", id.as_str()),
    ];
    admin.post(&edit, &off).location();
    assert_eq!(desk.world().count("SELECT enabled FROM chains"), 0);
    let stale = admin.post(&edit, &off);
    assert_eq!(stale.status, 412, "{}", stale.body);
    admin.post(&format!("{edit}/delete"), &[]).location();
    assert_eq!(desk.world().count("SELECT count(*) FROM chains"), 0);
}
