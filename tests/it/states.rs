//! What may be done to a service in which state, by page and API, with the engine at work: the table
//! of the specification, cell by cell.

use crate::assignments::Scripted;
use crate::world::{PROVIDER, Person};
use portico::ids::UserId;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What a verb comes to in a state.
enum Cell {
    /// Taken: what is shown at once, with all queues paused, and what it ends as.
    Goes(&'static str, &'static str),
    /// Refused: how the sentence ends. N is the open request.
    No(&'static str),
    /// Not there.
    Gone,
}
use Cell::{Goes, Gone, No};

/// State, verb, what comes of it. *resume* takes back a suspension of before where the state has
/// none of its own.
#[rustfmt::skip]
const TABLE: &[(&str, &str, Cell)] = &[
    ("provisioning", "change",    Goes("provisioning", "active")),
    ("provisioning", "provision", No("is being provisioned (request N).")),
    ("provisioning", "suspend",   Goes("provisioning", "suspended")),
    ("provisioning", "resume",    No("is not suspended by an operator.")),
    ("provisioning", "remove",    Goes("removing", "removed")),
    ("provisioning", "forget",    No("is being provisioned (request N).")),
    ("provisioning", "give",      No("has Managed workplace already.")),
    ("failed",       "change",    Goes("provisioning", "active")),
    ("failed",       "provision", Goes("provisioning", "active")),
    ("failed",       "suspend",   Goes("failed", "failed")),
    ("failed",       "resume",    No("is not suspended by an operator.")),
    ("failed",       "remove",    Goes("removing", "removed")),
    ("failed",       "forget",    No("was not set up: remove it.")),
    ("failed",       "give",      No("has Managed workplace already.")),
    ("active",       "change",    Goes("changing", "active")),
    ("active",       "provision", Goes("changing", "active")),
    ("active",       "suspend",   Goes("suspending", "suspended")),
    ("active",       "resume",    No("is not suspended.")),
    ("active",       "remove",    Goes("removing", "removed")),
    ("active",       "forget",    No("is live: remove it first.")),
    ("active",       "give",      No("has Managed workplace already.")),
    ("changing",     "change",    Goes("changing", "active")),
    ("changing",     "provision", No("is being changed (request N).")),
    ("changing",     "suspend",   Goes("suspending", "suspended")),
    ("changing",     "resume",    No("is not suspended by an operator.")),
    ("changing",     "remove",    Goes("removing", "removed")),
    ("changing",     "forget",    No("is being changed (request N).")),
    ("changing",     "give",      No("has Managed workplace already.")),
    ("suspending",   "change",    Goes("suspending", "suspended")),
    ("suspending",   "provision", No("is being changed (request N).")),
    ("suspending",   "suspend",   No("is suspended already.")),
    ("suspending",   "resume",    Goes("changing", "active")),
    ("suspending",   "remove",    Goes("removing", "removed")),
    ("suspending",   "forget",    No("is being changed (request N).")),
    ("suspending",   "give",      No("has Managed workplace already.")),
    ("suspended",    "change",    Goes("changing", "suspended")),
    ("suspended",    "provision", Goes("changing", "suspended")),
    ("suspended",    "suspend",   No("is suspended already.")),
    ("suspended",    "resume",    Goes("resuming", "active")),
    ("suspended",    "remove",    Goes("removing", "removed")),
    ("suspended",    "forget",    No("is live: remove it first.")),
    ("suspended",    "give",      No("has Managed workplace already.")),
    ("resuming",     "change",    Goes("resuming", "active")),
    ("resuming",     "provision", No("is being changed (request N).")),
    ("resuming",     "suspend",   Goes("changing", "suspended")),
    ("resuming",     "resume",    No("is not suspended by an operator.")),
    ("resuming",     "remove",    Goes("removing", "removed")),
    ("resuming",     "forget",    No("is being changed (request N).")),
    ("resuming",     "give",      No("has Managed workplace already.")),
    ("removing",     "change",    No("is being removed (request N).")),
    ("removing",     "provision", Goes("changing", "active")),
    ("removing",     "suspend",   No("is being removed (request N).")),
    ("removing",     "resume",    No("is being removed (request N).")),
    ("removing",     "remove",    No("is being removed (request N).")),
    ("removing",     "forget",    No("is being removed (request N).")),
    ("removing",     "give",      No("has Managed workplace already.")),
    ("removing, failed", "change",    No("is being removed.")),
    ("removing, failed", "provision", No("is being removed.")),
    ("removing, failed", "suspend",   No("is being removed.")),
    ("removing, failed", "resume",    No("is being removed.")),
    ("removing, failed", "remove",    Goes("removing", "removed")),
    ("removing, failed", "forget",    Goes("removed", "removed")),
    ("removing, failed", "give",      No("has Managed workplace already.")),
    ("waiting_approval", "change",    No("waits for approval: withdraw it first.")),
    ("waiting_approval", "provision", No("waits for approval: withdraw it first.")),
    ("waiting_approval", "suspend",   No("waits for approval: withdraw it first.")),
    ("waiting_approval", "resume",    No("waits for approval: withdraw it first.")),
    ("waiting_approval", "remove",    Goes("removed", "removed")),
    ("waiting_approval", "forget",    No("waits for approval: withdraw it first.")),
    ("waiting_approval", "give",      No("has Managed workplace already.")),
    ("removed",      "change",    Gone),
    ("removed",      "provision", Gone),
    ("removed",      "suspend",   Gone),
    ("removed",      "resume",    Gone),
    ("removed",      "remove",    Gone),
    ("removed",      "forget",    Gone),
    ("removed",      "give",      Goes("provisioning", "active")),
];

struct Stage {
    stage: Scripted,
}

impl Stage {
    /// One script for each event; it refuses while it is broken.
    fn new() -> Stage {
        let stage = Scripted::new();
        stage.scene.world.sql().execute("DELETE FROM rules WHERE connector_id = 1", []).unwrap();
        Stage { stage }
    }

    fn pause(&self, admin: &Person, on: bool) {
        let verb = if on { "pause" } else { "resume" };
        for queue in ["interactive", "bulk", "sync", "scripts"] {
            let answer = admin.api_post(&format!("/queues/{queue}/{verb}"), Value::Null);
            assert!(answer.status < 300, "{}", answer.body);
        }
    }

    /// Waits until nothing is open any more.
    fn drain(&self) {
        let open = "SELECT count(*) FROM requests WHERE status IN ('queued', 'running')";
        let end = Instant::now() + Duration::from_secs(120);
        while self.stage.scene.world.count(open) > 0 {
            assert!(Instant::now() < end, "requests stay open");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Brings what each user was given into a state, through orders; the queues are paused then.
    fn reach(&self, admin: &Person, state: &str, all: &[(UserId, i64)]) {
        let each = |order: &dyn Fn(&str)| {
            for (user, held) in all {
                order(&format!("/users/{user}/services/{held}"));
            }
        };
        let post = |url: &str, verb: &str| {
            admin.api_post(&format!("{url}/{verb}"), Value::Null).expect(202);
        };
        if ["provisioning", "waiting_approval"].contains(&state) {
            return;
        }
        if state == "failed" {
            self.stage.break_it(true);
        }
        self.pause(admin, false);
        self.drain();
        if state == "failed" {
            self.stage.break_it(false);
        }
        if ["suspended", "resuming"].contains(&state) {
            each(&|url| post(url, "suspend"));
            self.drain();
        }
        let failing = state == "removing, failed";
        if failing {
            self.stage.break_it(true);
        }
        if state == "removed" || failing {
            each(&|url| drop(admin.api_delete(url).expect(202)));
            self.drain();
        }
        if failing {
            self.stage.break_it(false);
        }
        self.pause(admin, true);
        each(&|url| match state {
            "changing" => drop(admin.api_patch(url, json!({ "plan": "plus" })).expect(202)),
            "suspending" => post(url, "suspend"),
            "resuming" => post(url, "resume"),
            "removing" => drop(admin.api_delete(url).expect(202)),
            _ => {}
        });
    }

    fn shown(&self, admin: &Person, user: UserId, held: i64) -> String {
        let answer = admin.api_get(&format!("/users/{user}/services/{held}"));
        match answer.status {
            404 => "removed".to_owned(),
            _ => answer.json()["state"].as_str().unwrap().to_owned(),
        }
    }
}

/// What a verb was answered: nothing where it was taken, else the status and why.
type Said = Option<(u16, String)>;

fn by_api(admin: &Person, verb: &str, state: &str, user: UserId, held: i64) -> Said {
    let url = format!("/users/{user}/services/{held}");
    let plan = if state == "changing" { "standard" } else { "plus" };
    let answer = match verb {
        "change" => admin.api_patch(&url, json!({ "plan": plan })),
        "remove" => admin.api_delete(&url),
        "forget" => admin.api_post(
            &format!("{url}/forget"),
            json!({ "confirm": "Managed workplace", "reason": "Gone." }),
        ),
        "give" => admin.api_post(
            &format!("/users/{user}/services"),
            json!({ "service": "workplace", "plan": "standard" }),
        ),
        other => admin.api_post(&format!("{url}/{other}"), Value::Null),
    };
    match answer.status {
        202 | 204 => None,
        422 => Some((422, answer.complaints().join(" "))),
        status => Some((status, answer.body)),
    }
}

/// The same as somebody does it in the browser: the form, the plan, the button of the plan.
fn by_page(admin: &Person, verb: &str, state: &str, user: UserId, held: i64) -> Said {
    let url = format!("/users/{user}/services/{held}");
    let plan = if state == "changing" { "standard" } else { "plus" };
    let answer = match verb {
        "change" => admin.post(&url, &[("plan", plan)]),
        "forget" => {
            let fields = [("confirm", "Managed workplace"), ("reason", "Gone.")];
            admin.post(&format!("{url}/forget"), &fields)
        }
        "give" => admin.post(
            &format!("/users/{user}/services"),
            &[("what", "workplace/standard"), ("settings", "1")],
        ),
        other => admin.post(&format!("{url}/{other}"), &[]),
    };
    if answer.status != 303 {
        return Some((answer.status, answer.body));
    }
    let page = answer.location().to_owned();
    if verb == "forget" {
        return None;
    }
    let plan = admin.api_get(&page).expect(200).json();
    let refused = plan["refusals"].as_array().unwrap();
    let digest = plan["digest"].as_str().unwrap();
    let applied = admin.post(&format!("{page}/apply"), &[("digest", digest)]);
    match (refused.as_slice(), applied.status) {
        ([], 303) => None,
        ([], status) => Some((status, applied.body)),
        (_, status) => Some((status, applied.body)),
    }
}

#[test]
fn p_21_each_cell_of_states_and_verbs_by_page_and_api() {
    let stage = Stage::new();
    let scene = &stage.stage.scene;
    let admin = scene.admin();
    scene.workplace(&admin, scene.user("first"));
    stage.drain();
    let states = [
        "provisioning",
        "failed",
        "active",
        "changing",
        "suspending",
        "suspended",
        "resuming",
        "removing",
        "removing, failed",
        "removed",
    ];
    try_cells(&stage, &states);
    stage.stage.engine.stop();
}

#[test]
fn p_21_each_cell_of_what_waits_for_approval_by_page_and_api() {
    let stage = Stage::new();
    let scene = &stage.stage.scene;
    let admin = scene.admin();
    scene.workplace(&admin, scene.user("first"));
    stage.drain();
    admin.api_patch("/settings", json!({ "approvals": "on" })).expect(200);
    let here = format!("/customers/{}/approvals", scene.customer);
    admin.api_post(&here, json!({ "on": true })).expect(200);
    let bea = scene.world.person_with(PROVIDER, &[("approvals.decide", 3), ("customers.read", 3)]);
    let chain = json!({
        "customer_id": PROVIDER, "name": "Desk", "kind": "group", "whose": "everyone",
        "members": [bea.id], "verbs": ["give", "change", "resume", "remove"],
    });
    admin.api_post("/approvals/chains", chain).expect(201);
    try_cells(&stage, &["waiting_approval"]);
    // Nobody is asked for what was taken back, and what still waits has its seat.
    let waits = "SELECT count(*) FROM user_services WHERE live = 'never'";
    assert_eq!(scene.world.count(waits), 12);
    assert_eq!(scene.world.count("SELECT count(*) FROM approvals WHERE state = 'open'"), 12);
    assert_eq!(scene.seats(), 13);
    stage.stage.engine.stop();
}

/// Each verb in each of these states, by both doors; each on somebody of its own.
fn try_cells(stage: &Stage, states: &[&str]) {
    let scene = &stage.stage.scene;
    for state in states {
        let state = *state;
        let cells: Vec<_> = TABLE.iter().filter(|(of, _, _)| *of == state).collect();
        assert_eq!(cells.len(), 7, "{state}");
        // Nobody may ask as much in so short a time as this table takes.
        let admin = scene.admin();
        stage.pause(&admin, true);
        let mut all: Vec<(UserId, i64)> = Vec::new();
        for n in 0..cells.len() * 2 {
            let user = scene.user(&format!("{state}{n}"));
            all.push((user, scene.workplace(&admin, user)));
        }
        stage.reach(&admin, state, &all);
        for (user, held) in &all {
            let shown = state.split(',').next().unwrap();
            assert_eq!(stage.shown(&admin, *user, *held), shown, "{state}");
        }
        let mut ends: Vec<(&str, UserId, i64, String)> = Vec::new();
        for (n, (_, verb, cell)) in cells.iter().enumerate() {
            for (door, (user, mut held)) in [("api", all[n * 2]), ("page", all[n * 2 + 1])] {
                let what = format!("{verb} while {state}, by {door}");
                let open = scene.world.count(&format!(
                    "SELECT coalesce((SELECT open_id FROM assignments WHERE level = 'user' AND id = {held}), 0)"
                ));
                let said = match door {
                    "api" => by_api(&admin, verb, state, user, held),
                    _ => by_page(&admin, verb, state, user, held),
                };
                match (cell, said) {
                    (Goes(now, end), None) => {
                        if *verb == "give" {
                            held = scene.world.count("SELECT max(id) FROM user_services");
                        }
                        assert_eq!(stage.shown(&admin, user, held), *now, "{what}");
                        ends.push((end, user, held, what));
                    }
                    (No(text), Some((422, why))) => {
                        let text = text.replace("request N", &format!("request {open}"));
                        assert!(why.contains(&text), "{what}: {text} is not in {why}");
                    }
                    (Gone, Some((404, _))) => {}
                    (_, said) => panic!("{what}: {said:?}"),
                }
            }
        }
        stage.pause(&admin, false);
        stage.drain();
        for (end, user, held, what) in ends {
            assert_eq!(stage.shown(&admin, user, held), end, "{what}");
        }
    }
    // After all of it no seat is taken that nobody has, and no money runs for what is not there.
    let wrong = portico::offers::recount::check(&scene.world.app.db).unwrap();
    assert!(wrong.is_empty(), "{wrong:?}");
    let running = scene.world.count(
        "SELECT count(*) FROM ledger_spans JOIN user_services ON user_services.id = subject_id
          WHERE kind = 'user_service' AND ends_at = '9999' AND wanted = 'gone'",
    );
    assert_eq!(running, 0);
}

#[test]
fn a_removal_is_kept_back_while_nothing_of_it_was_done() {
    let stage = Stage::new();
    let scene = &stage.stage.scene;
    let (world, admin) = (&scene.world, scene.admin());
    let (theo, ann) = (scene.user("theo"), scene.user("ann"));
    let held = [scene.workplace(&admin, theo), scene.workplace(&admin, ann)];
    stage.drain();
    stage.pause(&admin, true);
    let place = |user: UserId, held: i64| format!("/users/{user}/services/{held}");
    admin.api_delete(&place(theo, held[0])).expect(202);
    assert_eq!(scene.ledger(held[0]), ["added standard", "removed standard"]);
    // The page offers it, and the money goes on as if nothing had been ordered.
    assert!(admin.get(&format!("/users/{theo}/services")).says("Keep it…"));
    admin.api_post(&format!("{}/provision", place(theo, held[0])), Value::Null).expect(202);
    let open = |held: i64| {
        world.count(&format!(
            "SELECT count(*) FROM ledger_spans WHERE kind = 'user_service' AND subject_id = {held} AND ends_at = '9999'"
        ))
    };
    assert_eq!(open(held[0]), 1);
    assert_eq!(scene.ledger(held[0]).last().unwrap(), "cancelled standard");
    // Cancelling its request is the same.
    let request = admin.api_delete(&place(ann, held[1])).expect(202).json()["request_id"].clone();
    assert_eq!(open(held[1]), 0);
    let cancelled = admin.api_post(&format!("/requests/{request}/cancel"), Value::Null);
    assert!(cancelled.status < 300, "{}", cancelled.body);
    assert_eq!(open(held[1]), 1);
    assert_eq!(stage.shown(&admin, ann, held[1]), "active");
    // A customer's service comes back with those of its users.
    let below = world.count("SELECT min(id) FROM customer_services");
    let at_customer = format!("/customers/{}/services/{below}", scene.customer);
    admin.api("DELETE", &at_customer, json!({ "confirm": "2" })).expect(202);
    assert_eq!((open(held[0]), open(held[1])), (0, 0));
    admin.api_post(&format!("{at_customer}/provision"), Value::Null).expect(202);
    assert_eq!((open(held[0]), open(held[1])), (1, 1));
    stage.pause(&admin, false);
    stage.drain();
    for (user, held) in [(theo, held[0]), (ann, held[1])] {
        assert_eq!(stage.shown(&admin, user, held), "active");
    }
    // Once something is gone it is too late, and a removal that failed is tried again.
    stage.stage.break_it(true);
    admin.api_delete(&place(theo, held[0])).expect(202);
    stage.drain();
    assert_eq!(stage.shown(&admin, theo, held[0]), "removing");
    let late = admin.api_post(&format!("{}/provision", place(theo, held[0])), Value::Null);
    assert_eq!(late.expect(422).complaints(), ["Managed workplace is being removed."]);
    stage.stage.break_it(false);
    admin.api_delete(&place(theo, held[0])).expect(202);
    stage.drain();
    assert_eq!(stage.shown(&admin, theo, held[0]), "removed");
    stage.stage.engine.stop();
}

#[test]
fn p_23_a_plan_change_that_fails_leaves_the_old_plan_live_and_billed_until_it_is_retried() {
    let stage = Stage::new();
    let scene = &stage.stage.scene;
    let (world, admin, theo) = (&scene.world, scene.admin(), scene.user("theo"));
    let held = scene.workplace(&admin, theo);
    stage.drain();
    stage.stage.break_it(true);
    let place = format!("/users/{theo}/services/{held}");
    let change = admin.api_patch(&place, json!({ "plan": "plus" })).expect(202).json();
    stage.drain();
    let state = scene.state(&admin, theo, held);
    assert_eq!(state["state"], "active");
    assert!(state["problem"]["message"].as_str().unwrap().contains("The disk is full"));
    let page = admin.get(&format!("/users/{theo}/services")).expect(200);
    assert!(page.says("Active, change failed") && page.says("The disk is full"), "{}", page.body);
    let live = "SELECT code FROM user_services JOIN plans ON plans.id = live_plan_id";
    assert_eq!(
        (world.text(live), scene.ledger(held)),
        ("standard".to_owned(), vec!["added standard".to_owned()])
    );
    let spans = || {
        world.texts(&format!(
            "SELECT plan || ' ' || begins_at || ' ' || ends_at FROM ledger_spans
              WHERE kind = 'user_service' AND subject_id = {held} ORDER BY begins_at"
        ))
    };
    assert!(spans().len() == 1 && spans()[0].ends_with(" 9999"), "{:?}", spans());
    world.later(3600);
    stage.stage.break_it(false);
    admin.api_post(&format!("/requests/{}/retry", change["request_id"]), Value::Null);
    stage.drain();
    assert_eq!(scene.ledger(held), ["added standard", "changed plus"]);
    assert_eq!(world.text(live), "plus");
    let all = spans();
    assert_eq!(all.len(), 2, "{all:?}");
    let words = |n: usize| all[n].split(' ').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(0)[2], words(1)[1], "the spans meet");
    assert_eq!(
        (words(0)[0].as_str(), words(1)[0].as_str(), words(1)[2].as_str()),
        ("standard", "plus", "9999")
    );
    stage.stage.engine.stop();
}
