//! The program is killed at every boundary of a step, and in the middle of what it does outside.
//! Started again, it comes to the same end as if nothing had been, outside and inside.

use crate::assignments::Scene;
use crate::engine::{Sink, answer};
use crate::live::Doomed;
use crate::peers::{self, Peer, samba, slapd};
use crate::world::{PROVIDER, World};
use portico::db::{By, Via};
use portico::directory::work;
use portico::drivers::ldap::filter::Filter;
use portico::drivers::ldap::session::{At, Depth};
use portico::engine::{self, Class, How, NewRequest, NewStep, OnError};
use portico::ids::{ConnectorId, CustomerId, UserId};
use portico::ledger::Source;
use portico::secret::Secret;
use portico::time::Clock;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// What nobody but the engine holds up.
const OPEN: &str =
    "SELECT count(*) FROM requests WHERE turn <> 'over' AND hold NOT IN ('person', 'wait')";

/// Lets the program work, started anew each time it was killed, until nothing is open; says how often
/// that was. `pid` is the process that works.
fn work_on(world: &World, place: &str, pid: &AtomicU32) -> usize {
    let mut deaths = 0;
    loop {
        // The step that was cut short comes by the place once more, before another can be cut short.
        let again =
            world.count("SELECT count(*) FROM steps WHERE lease IS NOT NULL AND attempts >= 2");
        let at = match (place, deaths) {
            // A third interruption would end the step.
            ("written", _) if again > 0 => "kept:1".to_owned(),
            // By these more come than the one that was cut short.
            ("accepted" | "inside", 1..) => "nowhere:1".to_owned(),
            ("written" | "kept", _) | (_, 0) => format!("{place}:1"),
            _ => format!("{place}:2"),
        };
        let mut doomed = Doomed::start(world, &at);
        pid.store(doomed.id(), Ordering::SeqCst);
        let until = Instant::now() + Duration::from_secs(120);
        loop {
            if doomed.is_dead() {
                deaths += 1;
                break;
            }
            if world.count(OPEN) == 0 {
                return deaths;
            }
            assert!(Instant::now() < until, "at {at}: {:?}", standing(world));
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(deaths < 120, "{place} again and again: {:?}", standing(world));
    }
}

fn standing(world: &World) -> Vec<String> {
    world.texts(
        "SELECT r.status || ' ' || r.turn || ' ' || r.reason || coalesce(' | ' || s.action || ' ' || s.status || ' ' || s.attempts || ' ' || s.error, '')
           FROM requests r LEFT JOIN steps s ON s.request_id = r.id ORDER BY r.id, s.seq",
    )
}

fn kill(pid: &AtomicU32) {
    let pid = i32::try_from(pid.load(Ordering::SeqCst)).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}

/// A service that a webhook, a script and a mail provide, ordered for one user.
struct Given {
    scene: Scene,
    sink: Sink,
    pid: Arc<AtomicU32>,
}

impl Given {
    /// With `during` the program dies in the first call of each kind.
    fn new(during: bool) -> Given {
        let pid = Arc::new(AtomicU32::new(0));
        let killer = pid.clone();
        let sink = Sink::with(move |_, before| {
            if during && before == 0 {
                kill(&killer);
            }
            answer(200, "{}")
        });
        let scene = Scene::new();
        scene.world.clock.set(Clock::default().now());
        let hook = scene.world.webhook("Desk", &sink.url()).0;
        let folder = scene.world.folder().display().to_string();
        // It makes one thing for each key, and keeps count of its runs.
        let text = format!(
            "key=$(cat | sed 's/.*\"key\":\"\\([^\"]*\\)\".*/\\1/')\necho \"$key\" >>{folder}/runs.txt\n\
             if [ -e {folder}/armed ]; then rm {folder}/armed; kill -9 $PPID; fi\n\
             touch {folder}/made-$key\necho '{{\"outputs\":{{\"made\":\"yes\"}}}}'\n"
        );
        if during {
            std::fs::write(scene.world.folder().join("armed"), "").unwrap();
        }
        let script = scene.world.script("make", &text, "outputs = [\"made\"]\n", None).0;
        let admin = scene.admin();
        let rule = |position: i64, key: &str, action: &str, more: Value| {
            let mut rule = json!({
                "service": "workplace", "event": "user_service.provision", "key": key,
                "position": position, "action": action,
            });
            for (name, value) in more.as_object().unwrap() {
                rule[name] = value.clone();
            }
            admin.api_post("/rules", rule).expect(201);
        };
        rule(1, "tell", "webhook.send", json!({ "connector_id": hook }));
        rule(
            2,
            "make",
            "script.run",
            json!({ "connector_id": script, "params": { "verb": "create" } }),
        );
        let mail = json!({ "to": "desk@msp.example", "subject": "Made", "text": "{user.upn}" });
        rule(3, "mail", "mail.send", json!({ "params": mail }));
        let user = scene.user("ann");
        scene.workplace(&admin, user);
        drop(admin);
        Given { scene, sink, pid }
    }

    fn check(&self, what: &str) {
        let world = &self.scene.world;
        for (query, number) in [
            (
                "SELECT count(*) FROM requests WHERE event = 'user_service.provision' AND status = 'done'",
                1,
            ),
            ("SELECT count(*) FROM requests WHERE status NOT IN ('done')", 0),
            ("SELECT count(*) FROM steps WHERE status = 'done'", 3),
            ("SELECT count(*) FROM steps WHERE outputs = '{\"made\":\"yes\"}'", 1),
            ("SELECT count(*) FROM user_services WHERE wanted = 'on' AND live = 'on'", 1),
            ("SELECT count(*) FROM ledger WHERE kind = 'user_service'", 1),
            ("SELECT count(*) FROM messages WHERE event = 'rule.mail'", 1),
            (
                "SELECT count(*) FROM audit_log WHERE action = 'request.done' AND subject_id = (SELECT max(id) FROM requests)",
                1,
            ),
        ] {
            assert_eq!(world.count(query), number, "{what}: {query}: {:?}", standing(world));
        }
        let most = "SELECT count(*) FROM usage WHERE meter = 'seats' AND used > 1";
        assert_eq!(world.count(most), 0, "{what}");
        let mut keys: Vec<String> = self.sink.hits().iter().map(|hit| hit.key.clone()).collect();
        keys.dedup();
        assert_eq!(keys.len(), 1, "{what}: {keys:?}");
        let files = std::fs::read_dir(world.folder()).unwrap();
        let made = files.filter(|file| {
            file.as_ref().unwrap().file_name().to_string_lossy().starts_with("made-")
        });
        assert_eq!(made.count(), 1, "{what}");
        let runs = std::fs::read_to_string(world.folder().join("runs.txt")).unwrap();
        let mut runs: Vec<&str> = runs.lines().collect();
        runs.dedup();
        assert_eq!(runs.len(), 1, "{what}: one key in all attempts");
    }
}

#[test]
fn p_41_killed_at_each_boundary_a_webhook_a_script_and_a_mail_are_done_once() {
    for (place, least) in [
        ("accepted", 1),
        ("taken", 2),
        ("call", 2),
        ("answered", 2),
        ("result", 2),
        ("kept", 1),
        ("inside", 1),
        ("settle", 1),
    ] {
        let given = Given::new(false);
        let deaths = work_on(&given.scene.world, place, &given.pid);
        assert!(deaths >= least, "{place}: it died {deaths} times");
        given.check(place);
    }
    let given = Given::new(true);
    assert_eq!(work_on(&given.scene.world, "nowhere", &given.pid), 2);
    given.check("in the call");
}

fn step(n: usize, action: &str, params: Value, connector: Option<ConnectorId>) -> NewStep {
    NewStep {
        key: format!("s{n}"),
        title: action.to_owned(),
        action: action.parse().unwrap(),
        connector,
        params,
        on_error: OnError::Stop,
        how: How::default(),
    }
}

fn order(world: &World, customer: CustomerId, user: Option<UserId>, steps: Vec<NewStep>) {
    let new = NewRequest {
        customer,
        event: "customer.provision",
        user,
        customer_service: None,
        user_service: None,
        title: "Work".into(),
        class: Class::Interactive,
        source: Source::Page,
        after: None,
        parent: None,
        preview: None,
        run: None,
        by: None,
        steps,
    };
    world.app.db.write(By::portico(Via::Shell), |tx| engine::accept(tx, new)).unwrap();
}

#[test]
fn p_41_killed_while_a_task_is_opened_a_wait_begun_or_a_reseller_made_each_is_there_once() {
    for place in ["accepted", "inside", "taken", "answered", "result", "settle"] {
        let scene = Scene::new();
        let world = &scene.world;
        world.clock.set(Clock::default().now());
        let task = json!({ "title": "Order a SIM", "checklist": [], "due_days": 2 });
        let steps = vec![
            step(1, "portico.reseller", json!({ "on": true }), None),
            step(2, "task.open", task, None),
            step(3, "wait", json!({ "minutes": 1 }), None),
            step(
                4,
                "mail.send",
                json!({ "to": ["a@msp.example"], "subject": "x", "text": "x" }),
                None,
            ),
        ];
        order(world, scene.customer, None, steps);
        let pid = AtomicU32::new(0);
        work_on(world, place, &pid);
        assert_eq!(world.count("SELECT count(*) FROM tasks"), 1, "{place}: {:?}", standing(world));
        let task = world.count("SELECT id FROM tasks");
        let admin = scene.admin();
        admin.api_post(&format!("/tasks/{task}/complete"), json!({ "ticked": [] })).expect(200);
        work_on(world, place, &pid);
        assert_eq!(world.text("SELECT hold FROM requests WHERE turn <> 'over'"), "wait", "{place}");
        let past = "UPDATE requests SET next_at = '2026-01-01T00:00:00Z' WHERE turn = 'sleeping'";
        assert_eq!(world.sql().execute(past, []).unwrap(), 1);
        let until = Instant::now() + Duration::from_secs(60);
        while world.count("SELECT count(*) FROM requests WHERE turn <> 'over'") > 0 {
            let held = world.count("SELECT count(*) FROM requests WHERE hold = 'wait'");
            if held == 0 {
                work_on(world, place, &pid);
                continue;
            }
            // It sleeps still: whoever starts looks at the clock.
            let _looks = Doomed::start(world, "nowhere:1");
            while world
                .count("SELECT count(*) FROM requests WHERE turn <> 'over' AND hold = 'wait'")
                > 0
            {
                assert!(Instant::now() < until, "{place}: {:?}", standing(world));
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        for (query, number) in [
            ("SELECT count(*) FROM requests WHERE status = 'done' AND title = 'Work'", 1),
            ("SELECT count(*) FROM tasks WHERE state = 'done'", 1),
            ("SELECT count(*) FROM tasks", 1),
            ("SELECT count(*) FROM messages WHERE event = 'rule.mail'", 1),
            ("SELECT count(*) FROM steps WHERE status = 'done'", 4),
        ] {
            assert_eq!(world.count(query), number, "{place}: {query}");
        }
        let reseller = format!("SELECT reseller FROM customers WHERE id = {}", scene.customer);
        assert_eq!(world.count(&reseller), 1, "{place}");
    }
}

/// A customer and a user in a directory, and what is done there step by step.
struct Tree {
    scene: peers::Scene,
    customer: CustomerId,
    user: UserId,
    /// What differs from test to test in every name.
    more: String,
    group: String,
}

impl Tree {
    fn new(peer: &'static Peer) -> Tree {
        let scene = peers::Scene::new(peer);
        let customer = scene.customer(PROVIDER, "Brightwater");
        let user = scene.user(customer, "Theo Vane", "theo");
        let name = scene.world.text(&format!("SELECT username FROM users WHERE id = {user}"));
        let group = format!("g{}", scene.base.first().unwrap().value());
        Tree { customer, user, more: name.trim_start_matches("theo").to_owned(), group, scene }
    }

    fn make(&self) {
        let (peer, group, more) = (self.scene.peer, &self.group, &self.more);
        let secret = Secret::new("Grün \"Äpfel\" 77 und mehr");
        let sealed = work::sealed(&self.scene.world.app.config.key, self.user, &secret).unwrap();
        let names = match peer.is_ad {
            true => {
                json!({ "cn": "Theo V", "upn": format!("t.{more}@msp.test"), "account": format!("t{more}") })
            }
            false => json!({ "account": format!("t{more}") }),
        };
        let mut all = vec![
            ("dir.ou_ensure", json!({})),
            ("dir.ou_ensure", json!({ "name": "Staff" })),
            ("dir.user_ensure", json!({})),
            ("dir.password", json!({ "value": sealed })),
            ("dir.enable", json!({})),
            ("dir.user_attributes", json!({ "attributes": { "pager": "77" } })),
            ("dir.user_rename", names),
            ("dir.user_move", json!({ "ou": "Staff" })),
            ("dir.group_ensure", json!({ "name": group })),
            ("dir.member_add", json!({ "group": group, "member": "self" })),
            ("dir.group_rename", json!({ "group": group, "name": format!("{group}n") })),
            ("dir.ou_rename", json!({ "ou": "Staff", "name": "People" })),
        ];
        if peer.is_ad {
            all.extend([("dir.unlock", json!({})), ("dir.must_change", json!({}))]);
        }
        self.order(all);
    }

    fn unmake(&self) {
        let group = format!("{}n", self.group);
        self.order(vec![
            ("dir.disable", json!({})),
            ("dir.member_remove", json!({ "group": group, "member": "self" })),
            ("dir.group_remove", json!({ "group": group })),
            ("dir.user_move", json!({})),
            ("dir.user_delete", json!({})),
            ("dir.ou_remove_if_empty", json!({})),
        ]);
    }

    fn order(&self, all: Vec<(&str, Value)>) {
        let steps = all.into_iter().enumerate();
        let steps = steps.map(|(n, (action, params))| step(n, action, params, None)).collect();
        order(&self.scene.world, self.customer, Some(self.user), steps);
    }

    /// All that is there and all that is known of it, with names as if every tree were the same.
    fn all(&self) -> Vec<String> {
        let scene = &self.scene;
        let wanted = [
            "objectClass",
            "cn",
            "ou",
            "uid",
            "name",
            "sAMAccountName",
            "userPrincipalName",
            "displayName",
            "givenName",
            "sn",
            "mail",
            "pager",
            "userAccountControl",
            "adminDescription",
            "employeeNumber",
            "businessCategory",
            "member",
            "memberOf",
            "groupType",
            "pwdLastSet",
        ];
        let at = At::Named(scene.base.clone());
        let anything = Filter::anything();
        let found = scene.peer.session().search(&at, Depth::Everything, &anything, &wanted, 500);
        let mut all = Vec::new();
        for entry in found.unwrap() {
            let mut line = entry.name.clone();
            for name in wanted {
                let mut values = entry.texts(name);
                values.sort();
                if name == "pwdLastSet" && values.first().is_some_and(|at| at != "0") {
                    values = vec!["set".to_owned()];
                }
                line += &format!(" {name}={values:?}");
            }
            all.push(line);
        }
        let world = &scene.world;
        all.extend(world.texts("SELECT class || ' ' || subject || ' ' || dn FROM bindings"));
        all.extend(world.texts(
            "SELECT 'step ' || request_id || seq || ' ' || action || status || error FROM steps",
        ));
        all.extend(world.texts(
            "SELECT 'request ' || status || reason || warnings FROM requests WHERE title = 'Work'",
        ));
        all.extend(world.texts(
            "SELECT 'audit ' || action || count(*) FROM audit_log WHERE action LIKE 'request.%' GROUP BY action",
        ));
        let installation = world.text("SELECT value FROM settings WHERE key = 'installation'");
        let base = scene.base.first().unwrap().value().to_owned();
        let mut all: Vec<String> = all
            .into_iter()
            .map(|line| {
                let line = line.replace(&installation, "INSTALLATION").replace(&base, "BASE");
                line.replace(&self.more, "MORE")
            })
            .collect();
        all.sort();
        all
    }
}

/// An undisturbed run says how the ends must look. Each step comes by all `places` in their order;
/// `written` is after each single write in the directory.
fn in_a_directory(peer: &'static Peer, places: &[&str]) {
    let pid = AtomicU32::new(0);
    let calm = Tree::new(peer);
    calm.make();
    assert_eq!(work_on(&calm.scene.world, "nowhere", &pid), 0);
    let made = calm.all();
    calm.unmake();
    assert_eq!(work_on(&calm.scene.world, "nowhere", &pid), 0);
    let unmade = calm.all();
    let requests = unmade.iter().filter(|line| line.starts_with("request ")).count();
    assert_eq!(
        (requests, unmade.iter().filter(|line| *line == "request done0").count()),
        (2, if peer.is_ad { 2 } else { 1 }),
        "{unmade:?}"
    );
    for place in places {
        let tree = Tree::new(peer);
        tree.make();
        let deaths = work_on(&tree.scene.world, place, &pid);
        assert!(deaths >= 9, "{place}: it died {deaths} times");
        assert_eq!(tree.all(), made, "{place}");
        tree.unmake();
        let deaths = work_on(&tree.scene.world, place, &pid);
        assert!(deaths >= 4, "{place}: it died {deaths} times");
        assert_eq!(tree.all(), unmade, "{place}");
    }
}

#[test]
fn p_41_killed_once_its_step_is_taken_active_directory_has_each_object_once() {
    in_a_directory(samba(), &["taken"]);
}

#[test]
fn p_41_killed_before_the_call_active_directory_has_each_object_once() {
    in_a_directory(samba(), &["call"]);
}

#[test]
fn p_41_killed_after_each_write_active_directory_has_each_object_once() {
    in_a_directory(samba(), &["written"]);
}

#[test]
fn p_41_killed_once_it_has_answered_active_directory_has_each_object_once() {
    in_a_directory(samba(), &["answered"]);
}

#[test]
fn p_41_killed_while_that_is_written_active_directory_has_each_object_once() {
    in_a_directory(samba(), &["result"]);
}

#[test]
fn p_41_killed_once_that_is_kept_active_directory_has_each_object_once() {
    in_a_directory(samba(), &["kept"]);
}

#[test]
fn p_41_killed_before_or_in_a_call_openldap_has_each_object_once() {
    in_a_directory(slapd(), &["taken", "call", "written"]);
}

#[test]
fn p_41_killed_after_a_call_openldap_has_each_object_once() {
    in_a_directory(slapd(), &["answered", "result", "kept"]);
}

#[test]
fn p_43_what_kills_the_process_each_time_is_given_up_at_the_third_start() {
    let pid = Arc::new(AtomicU32::new(0));
    let killer = pid.clone();
    let sink = Sink::with(move |_, _| {
        kill(&killer);
        answer(200, "{}")
    });
    let fine = Sink::ok();
    let scene = Scene::new();
    let world = &scene.world;
    world.clock.set(Clock::default().now());
    let (bad, good) = (world.webhook("Bad", &sink.url()), world.webhook("Good", &fine.url()));
    let (ann, bea) = (scene.user("ann"), scene.user("bea"));
    order(world, scene.customer, Some(ann), vec![step(1, "webhook.send", json!({}), Some(bad))]);
    for starts in 1..=3 {
        let mut doomed = Doomed::start(world, "nowhere:1");
        pid.store(doomed.id(), Ordering::SeqCst);
        let until = Instant::now() + Duration::from_secs(60);
        while !doomed.is_dead() {
            assert!(Instant::now() < until, "{:?}", standing(world));
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(sink.hits().len(), starts);
        if starts == 2 {
            let steps = vec![step(1, "webhook.send", json!({}), Some(good))];
            order(world, scene.customer, Some(bea), steps);
        }
    }
    assert_eq!(work_on(world, "nowhere", &pid), 0);
    assert_eq!(
        world
            .texts("SELECT status || ' ' || reason FROM requests WHERE title = 'Work' ORDER BY id"),
        ["failed webhook.send: It was stopped after 3 interruptions.", "done "]
    );
    assert_eq!(sink.hits().len(), 3, "it is not called a fourth time");
}
