//! Somebody leaves: when, with whose rights, and what proves it.

use crate::world::{Answer, Branch as Scene, PROVIDER, Person, World};
use portico::ids::CustomerId;
use serde_json::{Value, json};

pub fn scene() -> Scene {
    Scene::with_workplace()
}

impl Scene {
    /// Theo with a workplace, whom Ylva reports to.
    fn theo(&self, admin: &Person) -> (i64, i64) {
        let users = format!("/customers/{}/users", self.home);
        let theo = json!({ "first_name": "Theo", "services": ["workplace/standard"] });
        let theo = admin.api_post(&users, theo).expect(201).id();
        let ylva = json!({ "first_name": "Ylva", "manager": theo });
        (theo, admin.api_post(&users, ylva).expect(201).id())
    }

    pub fn state(&self, id: i64) -> String {
        self.world.text(&format!("SELECT state FROM users WHERE id = {id}"))
    }

    pub fn service(&self, user: i64) -> i64 {
        let find =
            format!("SELECT id FROM user_services WHERE user_id = {user} AND wanted <> 'gone'");
        self.world.count(&find)
    }

    /// Orders it, and gives its address.
    fn order(&self, who: &Person, user: i64, body: Value) -> String {
        let made = who.api_post(&format!("/users/{user}/offboard"), body).expect(202);
        format!("/users/{user}/offboardings/{}", made.id())
    }

    fn to(&self, instant: &str) {
        self.world.clock.set(instant.parse().unwrap());
        self.world.let_runs_end();
    }
}

/// "act state" of each step.
fn steps(answer: &Answer) -> Vec<String> {
    let all = answer.json();
    let line = |step: &Value| {
        format!("{} {}", step["act"].as_str().unwrap(), step["state"].as_str().unwrap())
    };
    all["steps"].as_array().unwrap().iter().map(line).collect()
}

#[test]
fn it_runs_at_its_moment_and_is_sealed_a_day_after_the_last_step() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let (theo, ylva) = scene.theo(&admin);
    let boss = world.user(scene.home, "Maren Vane", "maren");
    let body = json!({
        "at": "2026-03-11T18:00", "services": [scene.service(theo)], "hand_to": "maren@aldermoor.example",
        "hide_from_lists": true, "forward_to": boss, "mailbox_until": "2026-06-30",
        "deprovision_after": 30, "delete_after": 0,
    });
    // Looking changes nothing, and tells what nobody but a person can do.
    let before = world.count("SELECT count(*) FROM audit_log");
    let url = format!("/users/{theo}/offboard");
    let seen = admin.api_post(&format!("{url}?preview=true"), body.clone()).expect(200).json();
    let told: Vec<&str> =
        seen["steps"].as_array().unwrap().iter().map(|s| s["text"].as_str().unwrap()).collect();
    assert_eq!(
        told,
        [
            "End sign-ins and tokens",
            "Hide from address lists",
            "Forward mail to Maren Vane until 30 Jun 2026",
            "Hand reports to Maren Vane",
            "Hand devices to Maren Vane",
            "End Managed workplace",
            "Disable the account",
            "Deprovision the account",
            "Put the account into the bin",
        ]
    );
    assert_eq!(seen["steps"][1]["why"], "None of the user’s services has a connector");
    assert_eq!(seen["steps"][0]["by_hand"], false);
    assert_eq!(seen["steps"][0]["due_at"], "2026-03-11T17:00:00Z");
    assert_eq!(world.count("SELECT count(*) FROM audit_log"), before);

    let at = scene.order(&admin, theo, body.clone());
    let said = admin.api_post(&url, body).expect(422).complaints();
    assert_eq!(said, ["Theo is being offboarded already."]);
    scene.to("2026-03-11T16:59:00Z");
    assert_eq!(scene.state(theo), "active");
    let admin = scene.admin();
    assert!(admin.get(&format!("/users/{theo}")).says("To be offboarded"));
    scene.to("2026-03-11T17:00:00Z");
    let now = admin.api_get(&at).expect(200);
    assert_eq!(
        steps(&now),
        [
            "end_sign_ins done",
            "hide_from_lists by_hand",
            "forward by_hand",
            "hand_reports done",
            "hand_devices done",
            "end_service done",
            "disable done",
            "deprovision planned",
            "delete planned",
        ]
    );
    assert_eq!(scene.state(theo), "disabled");
    let manager = format!("SELECT manager_id FROM users WHERE id = {ylva}");
    assert_eq!(world.count(&manager), boss.0);
    let memories = format!("SELECT snapshot FROM user_memories WHERE user_id = {theo}");
    assert!(world.text(&memories).contains("workplace"), "taken before the first step");
    // What was done by hand is noted by whoever did it.
    let hand = now.json()["steps"][1]["id"].as_i64().unwrap();
    assert_eq!(admin.post(&format!("{at}/steps/{hand}/done"), &[]).status, 303);
    let page = admin.get(&at);
    assert!(page.says("Done by hand") && page.says("The Provider administrator"), "{}", page.body);
    let twice = admin.api_post(&format!("{at}/steps/{hand}/done"), json!({})).expect(422);
    assert_eq!(twice.complaints(), ["Hide from address lists does not wait for anybody."]);

    scene.to("2026-04-10T17:00:00Z");
    assert_eq!(scene.state(theo), "deleted");
    assert_eq!(
        world.count(&format!("SELECT count(*) FROM user_memories WHERE user_id = {theo}")),
        1
    );
    let left = "SELECT subject FROM messages WHERE event = 'user.offboarded' ORDER BY id LIMIT 1";
    assert_eq!(world.text(left), "Offboarding Theo: something is left");
    assert_eq!(admin.api_get(&at).json()["state"], "over");
    scene.to("2026-04-11T16:59:00Z");
    assert_eq!(admin.api_get(&at).json()["seal"], Value::Null);
    assert_eq!(scene.admin().get(&format!("{at}/pdf")).status, 404);
    scene.to("2026-04-11T17:05:00Z");
    let sealed = admin.api_get(&at).expect(200).json();
    assert_eq!((&sealed["state"], &sealed["seal"]["intact"]), (&json!("sealed"), &json!(true)));
    let found: Vec<(bool, &str)> = sealed["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s["holds"] == true, s["found"].as_str().unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            (true, "No sign-in and no token"),
            (false, "Portico cannot look at it"),
            (false, "Nobody said that it was done"),
            (true, "Nobody reports to the account"),
            (true, "It has no device"),
            (true, "Gone"),
            (true, "The account is deleted"),
            (true, "The account is deleted"),
            (true, "The account is deleted"),
        ]
    );
    // On paper the same for everybody who may see it, and for nobody before the seal.
    let admin = scene.admin();
    let pdf = admin.get(&format!("{at}/pdf")).expect(200);
    assert_eq!(pdf.header("Content-Type"), "application/pdf");
    let bytes = admin.raw(&format!("/api/v1{at}/pdf"));
    assert!(bytes.starts_with(b"%PDF-") && bytes.ends_with(b"%%EOF"), "{} bytes", bytes.len());
    let told = "SELECT group_concat(to_address) || ' ' || subject FROM messages
                 WHERE event = 'user.offboarded' AND subject LIKE 'Offboarded%' GROUP BY subject";
    assert!(
        world.text(told).ends_with("tarnholm-it.example Offboarded: Theo"),
        "{}",
        world.text(told)
    );
}

#[test]
fn an_altered_report_does_not_fit_its_hash_nor_the_chain_after_it() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let mut reports = Vec::new();
    for name in ["Theo", "Bram"] {
        let users = format!("/customers/{}/users", scene.home);
        let id = admin.api_post(&users, json!({ "first_name": name })).expect(201).id();
        reports.push(scene.order(&admin, id, json!({ "deprovision_after": "" })));
        world.let_runs_end();
        world.later(86_400);
        world.let_runs_end();
    }
    let seal = |at: &str| admin.api_get(at).expect(200).json()["seal"].clone();
    let (first, second) = (seal(&reports[0]), seal(&reports[1]));
    assert_eq!((&first["previous"], &second["previous"]), (&json!(""), &first["hash"]));
    let whole =
        format!("{}\n{}", first["hash"].as_str().unwrap(), second["report"].as_str().unwrap());
    let sum = portico::secret::hex(&portico::secret::sha256(whole.as_bytes()));
    assert_eq!(second["hash"], sum, "anybody can compute it");
    let admin = scene.admin();
    let seal = |at: &str| admin.api_get(at).expect(200).json()["seal"].clone();
    let file = admin.get(&format!("{}/report", reports[1])).expect(200);
    assert_eq!(file.json()["hash"], sum);
    let page = admin.get(&reports[1]).expect(200);
    assert!(page.says(&sum) && page.says("Offboarding of Bram") && !page.says("does not fit"));

    let change =
        "UPDATE offboardings SET report = replace(report, 'Theo', 'Thea') WHERE sealed_no = 1";
    let refused = world.sql().execute(change, []).unwrap_err().to_string();
    assert_eq!(refused, "a sealed report never changes");
    world.sql().execute_batch(&format!("DROP TRIGGER offboardings_stay_sealed; {change}")).unwrap();
    assert_eq!(seal(&reports[0])["intact"], false);
    assert_eq!(seal(&reports[1])["intact"], true, "the next one holds the hash, not the text");
    assert!(admin.get(&reports[0]).says("The report does not fit its seal."));
    // A report made up anew with a hash that fits breaks the chain at the one after it.
    let text = seal(&reports[0])["report"].as_str().unwrap().to_owned();
    let forged = portico::secret::hex(&portico::secret::sha256(format!("\n{text}").as_bytes()));
    world
        .sql()
        .execute("UPDATE offboardings SET hash = ?1 WHERE sealed_no = 1", [&forged])
        .unwrap();
    assert_eq!(seal(&reports[0])["intact"], true);
    assert_eq!(seal(&reports[1])["intact"], false);
}

#[test]
fn what_is_cancelled_does_nothing_and_what_was_begun_is_still_proven() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let (theo, _) = scene.theo(&admin);
    let at = scene.order(&admin, theo, json!({ "at": "2026-03-11T18:00" }));
    assert!(admin.get(&format!("{at}/cancel")).says("Nothing of it has been done"));
    assert_eq!(admin.post(&format!("{at}/cancel"), &[]).status, 303);
    scene.to("2026-03-12T18:00:00Z");
    assert_eq!(scene.state(theo), "active");
    assert_eq!(admin.api_get(&at).json()["state"], "cancelled");
    assert_eq!(world.count("SELECT count(*) FROM user_memories"), 0);
    let again = admin.api_post(&format!("{at}/cancel"), json!({})).expect(422);
    assert_eq!(again.complaints(), ["Theo is not being offboarded."]);

    let at = scene.order(&admin, theo, json!({}));
    world.let_runs_end();
    assert_eq!(
        scene.state(theo),
        "disabled",
        "the customer's defaults: sign-ins, disable, 30 days"
    );
    assert_eq!(steps(&admin.api_get(&at))[2], "deprovision planned");
    admin.api_post(&format!("{at}/cancel"), json!({})).expect(200);
    world.later(31 * 86_400);
    world.let_runs_end();
    assert_eq!(scene.state(theo), "disabled");
    let sealed = admin.api_get(&at);
    assert_eq!(sealed.json()["state"], "sealed");
    assert_eq!(steps(&sealed), ["end_sign_ins done", "disable done", "deprovision cancelled"]);
}

#[test]
fn it_is_done_with_the_rights_of_then_and_guarded_at_both_ends() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let (theo, _) = scene.theo(&admin);
    let ca = world.person(scene.home, "Customer administrator");
    let ua = world.person(scene.home, "User administrator");
    let url = format!("/users/{theo}/offboard");
    let own = ua.api_post(&format!("/users/{}/offboard", ua.id), json!({})).expect(422);
    assert_eq!(own.complaints(), ["You cannot do this to yourself."]);
    let stronger = ua.api_post(&format!("/users/{}/offboard", ca.id), json!({})).expect(403);
    assert!(stronger.says("holds rights that you do not have"), "{}", stronger.body);
    let last = json!({ "at": "2026-03-11T18:00" });
    let other = world.person(scene.home, "Customer administrator");
    world.sql().execute("DELETE FROM role_grants WHERE user_id = ?1", [other.id]).unwrap();
    let ca2 = world.person(scene.home, "Customer administrator");
    let said = ca2.api_post(&format!("/users/{}/offboard", ca.id), last.clone()).expect(422);
    assert!(said.says("is the last administrator of Aldermoor who can sign in"), "{}", said.body);

    for (field, value, why) in [
        ("at", json!("yesterday"), "at must be like 2026-01-31T18:00"),
        ("at", json!("2026-03-01T18:00"), "at must not be past"),
        ("at", json!("2028-03-01T18:00"), "at must be within a year"),
        ("hand_to", json!(theo), "hand_to is not an active user of this customer"),
        ("services", json!([999]), "services has something that is not one of the choices"),
        ("deprovision_after", json!(366), "deprovision_after must be a whole number from 0 to 365"),
        ("mailbox_until", json!("2026-03-01"), "mailbox_until must not be past"),
        ("photo", json!(1), "photo is not a field here; did you mean at?"),
    ] {
        let answer = ua.api_post(&url, json!({ field: value })).expect(422);
        let said = answer.complaints().join(" / ");
        assert!(said.starts_with(why.split(';').next().unwrap()), "{said}");
    }
    // Whoever ordered it may not any more when it is due: nothing is done, and that is said.
    let at = scene.order(&ua, theo, last);
    world.sql().execute("DELETE FROM role_grants WHERE user_id = ?1", [ua.id]).unwrap();
    scene.to("2026-03-11T18:00:00Z");
    assert_eq!(scene.state(theo), "active");
    let now = admin.api_get(&at).json();
    assert_eq!(now["steps"][0]["state"], "failed");
    assert_eq!(now["steps"][0]["result"], "This needs the permission users.deprovision.");
    // Who leaves does not call it off.
    world.later(40 * 86_400);
    world.let_runs_end();
    let admin2 = world.person(PROVIDER, "Provider administrator");
    let leaver = world.person(PROVIDER, "Provider administrator");
    let known = "UPDATE users SET password_hash = 'x' WHERE id = ?1";
    world.sql().execute(known, [admin2.id]).unwrap();
    let at = scene.order(&admin2, leaver.id.0, json!({ "at": "2026-05-30" }));
    assert_eq!(leaver.api_post(&format!("{at}/cancel"), json!({})).status, 422);
}

#[test]
fn one_tenants_leavings_are_nothing_to_another() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let (theo, _) = scene.theo(&admin);
    let at = scene.order(&admin, theo, json!({ "hide_from_lists": true }));
    world.let_runs_end();
    let step = admin.api_get(&at).json()["steps"][1]["id"].as_i64().unwrap();
    let other = world.person(world.reseller("Ferrow"), "Reseller administrator");
    let mine = world.user(other_home(world, &other), "Somebody Else", "else");
    for url in [
        format!("/users/{theo}/memory"),
        format!("/users/{theo}/offboard"),
        at.clone(),
        format!("{at}/report"),
        format!("{at}/pdf"),
        format!("{at}/cancel"),
        // Their number below a user of one's own.
        at.replace(&format!("/users/{theo}/"), &format!("/users/{mine}/")),
    ] {
        assert_eq!(other.get(&url).status, 404, "{url}");
    }
    for url in [
        format!("/users/{theo}/offboard"),
        format!("{at}/cancel"),
        format!("{at}/steps/{step}/done"),
        at.replace(&format!("/users/{theo}/"), &format!("/users/{mine}/")) + "/cancel",
    ] {
        assert_eq!(other.api_post(&url, json!({})).status, 404, "{url}");
    }
    assert_eq!(other.api_get(&format!("/users/{theo}/offboardings")).status, 404);
    assert_eq!(other.api_get(&at).status, 404);
    // Whom things are handed to is a user of the same customer, whatever the id.
    let body = json!({ "hand_to": mine });
    let refused =
        admin.api_post(&format!("/users/{}/offboard", world.user(scene.home, "Bo", "bo")), body);
    assert_eq!(
        refused.expect(422).complaints(),
        ["hand_to is not an active user of this customer"]
    );
}

fn other_home(world: &World, person: &Person) -> CustomerId {
    CustomerId(world.count(&format!("SELECT customer_id FROM users WHERE id = {}", person.id)))
}

#[test]
fn what_is_ticked_at_first_is_said_by_the_nearest_customer() {
    let scene = scene();
    let admin = scene.admin();
    let (theo, _) = scene.theo(&admin);
    let url = format!("/users/{theo}/offboard?preview=true");
    let acts = |body: Value| -> Vec<String> {
        let seen = admin.api_post(&url, body).expect(200).json();
        let all = seen["steps"].as_array().unwrap();
        all.iter().map(|step| step["act"].as_str().unwrap().to_owned()).collect()
    };
    let set = |at: CustomerId, body: Value| {
        admin.api_patch(&format!("/customers/{at}/settings"), body).expect(200);
    };
    assert_eq!(acts(json!({})), ["end_sign_ins", "disable", "deprovision"]);
    set(PROVIDER, json!({ "offboard_leave_groups": "yes", "offboard_delete_after": "60" }));
    assert_eq!(
        acts(json!({})),
        ["end_sign_ins", "leave_groups", "disable", "deprovision", "delete"]
    );
    set(scene.reseller, json!({ "offboard_leave_groups": "no", "offboard_end_services": "yes" }));
    assert_eq!(
        acts(json!({})),
        ["end_sign_ins", "end_service", "disable", "deprovision", "delete"]
    );
    set(
        scene.home,
        json!({ "offboard_deprovision_after": "off", "offboard_delete_after": "off", "offboard_disable": "no" }),
    );
    assert_eq!(acts(json!({})), ["end_sign_ins", "end_service"]);
    // What is said goes before what is usual.
    assert_eq!(acts(json!({ "services": [], "disable": true })), ["end_sign_ins", "disable"]);
    let nothing =
        admin.api_post(&url, json!({ "services": [], "end_sign_ins": false })).expect(422);
    assert_eq!(nothing.complaints(), ["Choose what is to be done."]);
    let page = admin.get(&format!("/users/{theo}/offboard")).expect(200);
    assert!(page.says("name=\"services\" value=\"\""), "an empty choice is one");
}

#[test]
fn a_run_that_was_stopped_goes_on_and_does_nothing_twice() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let (theo, _) = scene.theo(&admin);
    let at = scene.order(&admin, theo, json!({ "services": [scene.service(theo)] }));
    // It was stopped after the first step: the rest goes on after the next start.
    world
        .sql()
        .execute(
            "UPDATE runs SET state = 'running', started_at = due_at WHERE state = 'queued'",
            [],
        )
        .unwrap();
    world.let_runs_end();
    let done = ["end_sign_ins done", "end_service done", "disable done", "deprovision planned"];
    assert_eq!(steps(&admin.api_get(&at)), done);
    // It was stopped after its last step, before its end was written.
    let audit = "SELECT count(*) FROM audit_log";
    let (audits, runs) = (
        world.count(audit),
        world.count("SELECT count(*) FROM runs WHERE kind = 'users.offboard'"),
    );
    world
        .sql()
        .execute(
            "UPDATE runs SET state = 'running' WHERE kind = 'users.offboard' AND state = 'done'",
            [],
        )
        .unwrap();
    world.let_runs_end();
    assert_eq!(world.count(audit), audits);
    assert_eq!(world.count("SELECT count(*) FROM runs WHERE kind = 'users.offboard'"), runs);
    // What was to go on with it has failed: the clock picks it up.
    world
        .sql()
        .execute(
            "UPDATE runs SET state = 'failed' WHERE kind = 'users.offboard' AND state = 'queued'",
            [],
        )
        .unwrap();
    world.later(31 * 86_400);
    portico::jobs::run_now(&world.app, "Offboardings").unwrap();
    world.let_runs_end();
    assert_eq!(scene.state(theo), "deprovisioned");
    let whose = "SELECT user_id FROM audit_log WHERE action = 'user.deprovisioned'";
    assert_eq!(world.count(whose), admin.id.0, "as whoever ordered it");
}

#[test]
fn the_page_asks_shows_and_orders_and_erasing_leaves_the_sealed_report_alone() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let (theo, _) = scene.theo(&admin);
    let url = format!("/users/{theo}/offboard");
    assert!(admin.get(&url).says("Show the plan"));
    let note = ("out_of_office_text", "Gone fishing with Quillon");
    let fields = [
        ("out_of_office", "1"),
        note,
        ("disable", "1"),
        ("deprovision_after", "0"),
        ("delete_after", "0"),
    ];
    let shown = admin.post(&url, &fields).expect(200);
    assert!(
        shown.says("Answer mail with an out-of-office note")
            && shown.says("None of the user’s services has a connector"),
        "{}",
        shown.body
    );
    let mut sure = fields.to_vec();
    sure.push(("sure", "1"));
    let at = admin.post(&url, &sure).location().to_owned();
    world.let_runs_end();
    world.later(86_400);
    world.let_runs_end();
    let admin = scene.admin();
    assert!(admin.get(&format!("/users/{theo}/memory")).says("Sealed"));
    let steps = "SELECT group_concat(params) FROM offboarding_steps";
    assert!(world.text(steps).contains("Quillon"));
    let upn = world.text(&format!("SELECT upn FROM users WHERE id = {theo}"));
    admin.api_post(&format!("/users/{theo}/erase"), json!({ "confirm": upn })).expect(204);
    assert!(!world.text(steps).contains("Quillon"));
    let report = admin.api_get(&at).expect(200).json();
    assert_eq!(report["seal"]["intact"], true);
    assert!(report["seal"]["report"].as_str().unwrap().contains("Theo"), "a sealed report is kept");
}
