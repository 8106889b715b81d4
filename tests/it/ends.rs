//! What ends a sign-in, a token, a link: every door shut at once, and every cause that shuts them.

use crate::factor::{Browser, code_at, enrol};
use crate::signin::{PASSWORD, visit, with_password};
use crate::world::{PROVIDER, Person, World};
use portico::auth::{Purpose, make_link};
use portico::db::{By, Via};
use portico::ids::{CustomerId, UserId};
use portico::secret::Secret;
use serde_json::json;

const FRESH: &str = "seven green kettles sing";
const PURPOSES: [Purpose; 3] = [Purpose::Password, Purpose::Welcome, Purpose::Recovery];

fn link(world: &World, user: UserId, purpose: Purpose) -> String {
    let by = By::portico(Via::Job);
    let made = world.app.db.write(by, |tx| make_link(tx, user, purpose, 3600));
    made.unwrap().reveal().to_owned()
}

/// Somebody with everything that lets one in.
struct Keys<'w> {
    world: &'w World,
    person: Person<'w>,
    name: String,
    links: Vec<String>,
}

impl<'w> Keys<'w> {
    fn of(world: &'w World, user: UserId) -> Keys<'w> {
        let name = world.text(&format!("SELECT upn FROM users WHERE id = {user}"));
        let links = PURPOSES.iter().map(|purpose| link(world, user, *purpose)).collect();
        Keys { world, person: world.sign_in(user), name, links }
    }

    fn session(&self) -> bool {
        self.person.get("/account").status == 200
    }

    fn token(&self) -> bool {
        match self.person.api_get("/access/why?permission=users.read").status {
            401 => false,
            200 => true,
            other => panic!("a token was answered with {other}"),
        }
    }

    fn links(&self) -> Vec<bool> {
        let open =
            |path: &String| visit(self.world, "GET", path, &[], &[], "127.0.0.1").status == 200;
        self.links.iter().map(open).collect()
    }

    fn password(&self) -> bool {
        self.world.app.throttle.clear();
        let fields = [("login", self.name.as_str()), ("password", PASSWORD)];
        visit(self.world, "POST", "/sign-in", &fields, &[], "127.0.0.1").status == 303
    }

    /// Whether asking for a new password leads to a mail.
    fn forgotten(&self) -> bool {
        self.world.app.throttle.clear();
        let sent =
            || self.world.count("SELECT count(*) FROM messages WHERE event = 'user.link_sent'");
        let before = sent();
        let fields = [("login", self.name.as_str())];
        visit(self.world, "POST", "/reset", &fields, &[], "127.0.0.1").expect(303);
        sent() > before
    }
}

#[test]
fn a_disabled_user_is_out_at_once_and_enabling_revives_no_session_token_or_link() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    let admin = world.person(PROVIDER, "Provider administrator");
    let user = with_password(&world, alder, "maren");
    let maren = Keys::of(&world, user);
    assert!(maren.session() && maren.token() && maren.password());
    assert_eq!(maren.links(), [true; 3]);
    admin.api_post(&format!("/users/{user}/disable"), json!({})).expect(200);
    assert!(!maren.session() && !maren.token() && !maren.password());
    assert_eq!((maren.links(), maren.forgotten()), (vec![false; 3], false));
    admin.api_post(&format!("/users/{user}/enable"), json!({})).expect(200);
    assert!(!maren.session() && !maren.token());
    assert_eq!(maren.links(), [false; 3]);
    assert!(maren.password() && Keys::of(&world, user).session(), "a new one is let in");
    // Nor does somebody come in who was half way when it happened.
    let half = half_signed_in(&world, user);
    admin.api_post(&format!("/users/{user}/disable"), json!({})).expect(200);
    assert_eq!(half.get("/sign-in/code").status, 303);
}

/// A browser that gave the password of somebody whose code is still to come.
fn half_signed_in(world: &World, user: UserId) -> Browser<'_> {
    enrol(world, user);
    let browser = Browser::new(world);
    let name = world.text(&format!("SELECT upn FROM users WHERE id = {user}"));
    world.app.throttle.clear();
    browser.sign_in(&name, PASSWORD).expect(303);
    assert_eq!(browser.get("/sign-in/code").status, 200);
    browser
}

#[test]
fn a_disabled_customer_takes_its_users_along_and_nobody_below_and_gives_all_back() {
    let world = World::new();
    let north = world.reseller("North");
    let alder = world.customer(north, "Alder");
    let admin = world.person(PROVIDER, "Provider administrator");
    let (mine, below) = (with_password(&world, north, "nora"), with_password(&world, alder, "ada"));
    let (nora, ada) = (Keys::of(&world, mine), Keys::of(&world, below));
    let change = |verb: &str| {
        admin.api_post(&format!("/customers/{north}/{verb}"), json!({})).expect(200);
    };
    change("disable");
    assert!(!nora.session() && !nora.token() && !nora.password() && !nora.forgotten());
    assert_eq!(nora.links(), [false; 3]);
    assert!(ada.session() && ada.token() && ada.password());
    assert_eq!(ada.links(), [true; 3]);
    change("enable");
    assert!(nora.session() && nora.token() && nora.password());
    assert_eq!(nora.links(), [true; 3], "they were only stopped");
}

/// What raises the epoch, done to a user of the customer by an administrator above or by oneself.
type Cause<'c> = (&'c str, &'c dyn Fn(UserId, &Person));

#[test]
fn every_cause_ends_every_other_sign_in_and_link() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    let birch = world.customer(PROVIDER, "Birch");
    let admin = world.person(PROVIDER, "Provider administrator");
    let post = |user: UserId, verb: &str, body| {
        let done = admin.api_post(&format!("/users/{user}/{verb}"), body);
        assert!((200..300).contains(&done.status), "{verb}: {}", done.body);
    };
    let patch = |user: UserId, body| {
        admin.api_patch(&format!("/users/{user}"), body).expect(200);
    };
    let by_link = |user: UserId, purpose: Purpose| {
        let path = link(&world, user, purpose);
        visit(&world, "POST", &path, &[("password", FRESH)], &[], "127.0.0.1").expect(303);
    };
    let causes: &[Cause] = &[
        ("own password", &|_, person| {
            let fields = [("current", PASSWORD), ("password", FRESH), ("revoke", "0")];
            person.post("/account/password", &fields).expect(303);
        }),
        ("password by a mailed link", &|user, _| by_link(user, Purpose::Password)),
        ("password by a welcome", &|user, _| by_link(user, Purpose::Welcome)),
        ("password by the shell", &|user, _| {
            let (db, hasher) = (&world.app.db, &world.app.hasher);
            let (key, new) = (&world.app.config.key, Secret::new(FRESH));
            portico::rescue::reset_password(db, key, hasher, user, &new).unwrap();
        }),
        ("factor set", &|_, person| {
            crate::factor::enrol_as(&world, person);
        }),
        ("factor reset", &|user, _| post(user, "reset-factor", json!({ "reason": "lost it" }))),
        ("recovery address", &|user, _| patch(user, json!({ "recovery_email": "m@home.example" }))),
        ("rename", &|user, _| patch(user, json!({ "upn": "renamed@alder.example" }))),
        ("disable", &|user, _| post(user, "disable", json!({}))),
        ("expiry", &|user, _| {
            patch(user, json!({ "expires_on": "2026-03-10" }));
            world.later(86_400);
            assert_eq!(world.job("users.expire"), "done");
        }),
        ("deprovision", &|user, _| post(user, "deprovision", json!({}))),
        ("delete", &|user, _| {
            admin.api_delete(&format!("/users/{user}?deprovision=true")).expect(200);
        }),
        ("move", &|user, _| post(user, "move", json!({ "customer_id": birch }))),
        ("role granted", &|user, _| post(user, "roles", json!({ "role": "Approver" }))),
        ("role taken", &|user, _| {
            let grant = "INSERT INTO role_grants (user_id, role_id, at_id, granted_at)
                         SELECT ?1, id, ?2, ?3 FROM roles WHERE name = 'Approver' RETURNING id";
            let row = (user, alder, world.now());
            let id: i64 = world.sql().query_row(grant, row, |r| r.get(0)).unwrap();
            admin.api_delete(&format!("/users/{user}/roles/{id}")).expect(204);
        }),
        ("all ended by an administrator", &|user, _| post(user, "end-sessions", json!({}))),
        ("all others ended by oneself", &|_, person| {
            person.post("/account/sessions/end-others", &[]).expect(303);
        }),
    ];
    for (what, cause) in causes {
        let local = what.replace(' ', ".");
        let user = with_password(&world, alder, &local);
        let (here, there) = (world.sign_in(user), Keys::of(&world, user));
        let epoch = || world.count(&format!("SELECT epoch FROM users WHERE id = {user}"));
        let before = epoch();
        cause(user, &here);
        assert!(epoch() > before, "{what}");
        assert!(!there.session(), "{what}: a session goes on");
        assert_eq!(there.links(), [false; 3], "{what}: a link goes on");
    }
}

#[test]
fn taking_the_second_factor_off_ends_the_others_too() {
    let world = World::new();
    let user = with_password(&world, PROVIDER, "maren");
    let (secret, _) = enrol(&world, user);
    let browser = Browser::new(&world);
    browser.sign_in("maren@tarnholm-it.example", PASSWORD).expect(303);
    let code = code_at(&world, &secret, 0);
    browser.post("/sign-in/code", "/sign-in/code", &[("code", &code)]).expect(303);
    let before = world.count("SELECT epoch FROM users");
    browser.post("/account/factor", "/account/factor/remove", &[]).expect(303);
    assert!(world.count("SELECT epoch FROM users") > before);
}

#[test]
fn a_restart_costs_a_sign_in_a_minute_at_most() {
    let mut world = World::new();
    let user = with_password(&world, PROVIDER, "maren");
    let cookie = world.sign_in(user).cookies();
    let alive = |world: &World| {
        visit(world, "GET", "/again", &[], &[("Cookie", &cookie)], "127.0.0.1").status == 200
    };
    // Last used after 59 seconds, which was too soon to be written down.
    world.later(59);
    assert!(alive(&world));
    world.later(1);
    world.restart();
    world.later(1_739);
    assert!(alive(&world), "half an hour less a minute after its last use");
    world.restart();
    world.later(1_801);
    assert!(!alive(&world), "half an hour after it");
}

/// Idle and whole are settings; each holds on a moved clock, whatever was used in between.
#[test]
fn both_ends_of_a_sign_in_follow_the_settings() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let change = json!({ "session_idle_minutes": 5, "session_hours": 1 });
    admin.api_patch("/settings", change).expect(200);
    let (idle, busy) = (world.person(PROVIDER, ""), world.person(PROVIDER, ""));
    world.later(5 * 60 + 1);
    assert_eq!(idle.get("/account").status, 303);
    let started = world.now();
    let busy_again = world.sign_in(busy.id);
    while world.now().since(started) <= 3600 - 240 {
        world.later(240);
        assert_eq!(busy_again.get("/account").status, 200);
    }
    world.later(241);
    assert_eq!(busy_again.get("/account").status, 303, "an hour in all");
}

/// Who is out is out wherever they belong.
#[test]
fn somebody_shut_out_by_any_condition_passes_no_door() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    let closed: CustomerId = world.customer(PROVIDER, "Closed");
    for (what, home, change) in [
        ("expired", alder, "UPDATE users SET expires_on = '2026-03-09' WHERE id = ?1"),
        ("deprovisioned", alder, "UPDATE users SET state = 'deprovisioned' WHERE id = ?1"),
        (
            "deleted",
            alder,
            "UPDATE users SET state = 'deleted', deleted_at = changed_at WHERE id = ?1",
        ),
        ("shut", alder, "UPDATE users SET sign_in = 'nothing' WHERE id = ?1"),
        (
            "closed",
            closed,
            "UPDATE customers SET state = 'deleted' WHERE id = (SELECT customer_id FROM users WHERE id = ?1)",
        ),
    ] {
        let user = with_password(&world, home, what);
        let keys = Keys::of(&world, user);
        assert!(keys.session() && keys.token() && keys.password(), "{what}");
        world.sql().execute(change, [user]).unwrap();
        let open = (keys.session(), keys.token(), keys.password(), keys.forgotten());
        assert_eq!((open, keys.links()), ((false, false, false, false), vec![false; 3]), "{what}");
    }
    // A program comes by its token alone; a locked account by the sessions it has.
    let program = with_password(&world, alder, "program");
    let keys = Keys::of(&world, program);
    world.sql().execute("UPDATE users SET sign_in = 'api_only' WHERE id = ?1", [program]).unwrap();
    assert!(keys.token() && !keys.session() && !keys.password() && !keys.forgotten());
    let locked = with_password(&world, alder, "locked");
    let keys = Keys::of(&world, locked);
    let until = world.now().plus_seconds(600);
    world
        .sql()
        .execute("UPDATE users SET locked_until = ?1 WHERE id = ?2", (until, locked))
        .unwrap();
    assert!(keys.session() && keys.token() && !keys.password());
    assert_eq!(keys.links(), [false; 3]);
}
