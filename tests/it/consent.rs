//! Orders about users that wait until people have agreed to them.

use crate::approvals::{Desk, approve, waiting};
use crate::world::Person;
use serde_json::{Value, json};

const VERBS: [&str; 3] = ["user_create", "user_change", "user_deprovision"];

/// Somebody whom the chain of the customer asks about its people.
fn asked(desk: &Desk) -> Person<'_> {
    let bea = desk.approver("Bea");
    // Chains for some services alone are for people all the same.
    desk.chain(json!({ "members": [bea.id], "verbs": VERBS, "services": ["workplace"] }));
    bea
}

fn staff(desk: &Desk) -> Person<'_> {
    desk.world().person_named(desk.home(), "Customer administrator", "Cara", "cara")
}

fn users_url(desk: &Desk) -> String {
    format!("/customers/{}/users", desk.home())
}

fn known(desk: &Desk, name: &str) -> i64 {
    desk.world().count(&format!("SELECT count(*) FROM users WHERE display_name = '{name}'"))
}

/// She agrees to what waits for her, and it is done.
fn agreed(desk: &Desk, bea: &Person) {
    approve(bea, waiting(bea)).expect(200);
    desk.world().let_runs_end();
}

fn waits(answer: crate::world::Answer) -> i64 {
    let told = answer.expect(202).json();
    assert_eq!(told["state"], "waiting_approval", "{told}");
    told["request_id"].as_i64().unwrap()
}

fn eve() -> Value {
    json!({ "first_name": "Eve", "last_name": "Ash", "upn": "eve@aldermoor-dental.example" })
}

#[test]
fn a_new_user_comes_when_others_have_agreed_as_it_was_ordered() {
    let desk = Desk::new();
    let bea = asked(&desk);
    let (staff, url) = (staff(&desk), users_url(&desk));
    let look = staff.api_post(&format!("{url}?preview=true"), eve()).expect(200).json();
    assert_eq!(look["approvals"], json!([{ "chain": "Desk", "who": ["Bea"] }]));
    let wrong =
        staff.api_post(&url, json!({ "first_name": "Eve", "upn": "eve@elsewhere.example" }));
    assert!(wrong.expect(422).complaints()[0].starts_with("upn"));
    let request = waits(staff.api_post(&url, eve()));
    assert_eq!((known(&desk, "Eve Ash"), desk.status(request).as_str()), (0, "waiting_approval"));
    let ordered = staff.api_get("/approvals?view=ordered").expect(200).json();
    assert_eq!(ordered["items"][0]["title"], "Add Eve Ash");

    let page = bea.get(&format!("/approvals/{}", waiting(&bea))).expect(200);
    assert!(page.says("eve@aldermoor-dental.example") && page.says("Cara"), "{}", page.body);
    agreed(&desk, &bea);
    assert_eq!((known(&desk, "Eve Ash"), desk.status(request).as_str()), (1, "done"));
    let by = "SELECT user_id FROM audit_log WHERE action = 'user.created' ORDER BY id DESC LIMIT 1";
    assert_eq!(desk.world().count(by), staff.id.0, "in the name of whoever ordered it");
    assert_eq!(desk.world().count("SELECT count(*) FROM runs WHERE state = 'failed'"), 0);

    // Whoever is not of the customer's own people is not asked about.
    let admin = desk.scene.admin();
    let mut other = eve();
    other["upn"] = json!("zoe@aldermoor-dental.example");
    admin.api_post(&url, other).expect(201);
}

#[test]
fn what_is_rejected_or_cannot_be_done_any_more_changes_nothing() {
    let desk = Desk::new();
    let bea = asked(&desk);
    let (staff, url) = (staff(&desk), users_url(&desk));
    let request = waits(staff.api_post(&url, eve()));
    let reject = format!("/approvals/{}/reject", waiting(&bea));
    bea.api_post(&reject, json!({ "comment": "She stays away" })).expect(200);
    desk.world().let_runs_end();
    assert_eq!((known(&desk, "Eve Ash"), desk.status(request).as_str()), (0, "cancelled"));

    let request = waits(staff.api_post(&url, eve()));
    desk.scene.admin().api_post(&url, eve()).expect(201);
    agreed(&desk, &bea);
    assert_eq!((known(&desk, "Eve Ash"), desk.status(request).as_str()), (1, "cancelled"));
    assert!(!desk.reason(request).is_empty());
    let told = "SELECT count(*) FROM messages WHERE subject = 'Not done: Add Eve Ash'";
    assert_eq!(desk.world().count(told), 1);
}

#[test]
fn changes_and_the_end_of_an_account_wait_too_and_disabling_never_does() {
    let desk = Desk::new();
    let bea = asked(&desk);
    let staff = staff(&desk);
    let theo = desk.scene.user("theo");
    let url = format!("/users/{theo}");
    let shown = || staff.api_get(&url).expect(200).json();
    let request = waits(staff.api_patch(&url, json!({ "job_title": "Dentist" })));
    assert_ne!(shown()["job_title"], "Dentist");
    agreed(&desk, &bea);
    assert_eq!((&shown()["job_title"], desk.status(request).as_str()), (&json!("Dentist"), "done"));
    let names = waits(staff.api_patch(&format!("{url}/names"), json!({ "username": "theovane" })));
    agreed(&desk, &bea);
    assert_eq!((&shown()["username"], desk.status(names).as_str()), (&json!("theovane"), "done"));

    // On the page, which says who is asked before it is sent.
    let form = [("display_name", "Theo Vane"), ("look", "1")];
    let look = staff.post(&format!("{url}/edit"), &form).expect(200);
    assert!(look.says("Bea has to agree"), "{}", look.body);
    let sent = staff.post(&format!("{url}/edit"), &form[..1]);
    assert_eq!(sent.location(), "/approvals?view=ordered");
    let own = staff.get(sent.location()).expect(200);
    assert!(own.says("Change theo"), "{}", own.body);
    agreed(&desk, &bea);
    assert_eq!(shown()["display_name"], "Theo Vane");

    staff.api_post(&format!("{url}/disable"), json!({})).expect(200);
    assert_eq!(shown()["state"], "disabled");
    let asked = staff.get(&format!("{url}/deprovision")).expect(200);
    assert!(asked.says("Bea has to agree"), "{}", asked.body);
    let request = waits(staff.api_post(&format!("{url}/deprovision"), json!({})));
    assert_eq!(shown()["state"], "disabled");
    agreed(&desk, &bea);
    assert_eq!(
        (&shown()["state"], desk.status(request).as_str()),
        (&json!("deprovisioned"), "done")
    );
    let request = waits(staff.api_post(&format!("{url}/rehire"), json!({})));
    assert_eq!(shown()["state"], "deprovisioned");
    agreed(&desk, &bea);
    assert_eq!((&shown()["state"], desk.status(request).as_str()), (&json!("active"), "done"));
}

#[test]
fn where_nothing_can_wait_it_is_refused_with_the_reason() {
    let desk = Desk::new();
    let _bea = asked(&desk);
    let staff = staff(&desk);
    let (theo, ann) = (desk.scene.user("theo"), desk.scene.user("ann"));
    let why = "Others have to agree to this first.";
    let url = users_url(&desk);
    let many = json!({ "action": "edit", "ids": [theo, ann], "input": { "set": { "job_title": "Nurse" } } });
    let run = staff.api_post(&format!("{url}/bulk"), many).expect(202).json()["run_id"].clone();
    assert_eq!(desk.world().finish(run.as_i64().unwrap()), "done");
    let lines =
        format!("SELECT count(*) FROM run_lines WHERE run_id = {run} AND text LIKE '%{why}%'");
    assert_eq!(desk.world().count(&lines), 2);
    let file = b"UPN,First Name\nbo@aldermoor-dental.example,Bo\n";
    let report = staff.api_send(&format!("{url}/import"), "text/csv", file).expect(200).json();
    assert_eq!(report["refused"], 1, "{report}");
    let gone = staff.api("DELETE", &format!("/users/{theo}?deprovision=true"), Value::Null);
    assert!(gone.expect(422).says(why));
    let left = staff.api_post(&format!("/users/{ann}/offboard"), json!({}));
    assert!(left.expect(422).says(why));
    let titled = "SELECT count(*) FROM users WHERE job_title = 'Nurse' OR state = 'deleted'";
    assert_eq!(desk.world().count(titled), 0);
}

#[test]
fn the_plan_of_a_gift_for_many_names_its_chains() {
    let desk = Desk::new();
    let bea = desk.approver("Bea").id;
    desk.chain(json!({ "members": [bea] }));
    desk.chain(json!({ "name": "Line", "kind": "manager", "members": [bea], "position": 200 }));
    desk.scene.user("theo");
    desk.scene.user("ann");
    let gift = json!({ "service": "workplace", "plan": "standard", "all": true });
    let url = format!("{}/services?preview=true", users_url(&desk));
    let plan = desk.orderer().api_post(&url, gift).expect(200).json();
    let expected = json!([
        { "chain": "Desk", "who": ["Bea"] },
        { "chain": "Line", "who": ["the managers of each"] },
    ]);
    assert_eq!(plan["approvals"], expected);
}
