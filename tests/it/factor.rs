//! The second factor: set from a picture, asked for at the door, each code once, and what those who
//! lack one cannot reach.

use crate::signin::{PASSWORD, visit, with_password};
use crate::world::{Answer, PROVIDER, Person, World};
use portico::auth::factor::SharedSecret;
use portico::ids::UserId;

const STEP: i64 = 30;

/// A browser that keeps its cookies, as a person uses one.
pub struct Browser<'w> {
    world: &'w World,
    cookies: std::cell::RefCell<std::collections::BTreeMap<String, String>>,
    address: &'static str,
}

impl<'w> Browser<'w> {
    pub fn new(world: &'w World) -> Browser<'w> {
        Browser::at(world, "127.0.0.1")
    }

    pub fn at(world: &'w World, address: &'static str) -> Browser<'w> {
        Browser { world, cookies: Default::default(), address }
    }

    pub fn cookie(&self, name: &str) -> String {
        self.cookies.borrow().get(name).cloned().unwrap_or_default()
    }

    pub fn get(&self, url: &str) -> Answer {
        self.ask("GET", url, &[])
    }

    /// A form, with the token of the page it stands on.
    pub fn post(&self, page: &str, url: &str, fields: &[(&str, &str)]) -> Answer {
        let answer = self.get(page);
        let csrf = hidden(&answer, "csrf");
        let mut all = fields.to_vec();
        all.push(("csrf", &csrf));
        self.ask("POST", url, &all)
    }

    pub fn sign_in(&self, name: &str, password: &str) -> Answer {
        self.ask("POST", "/sign-in", &[("login", name), ("password", password)])
    }

    fn ask(&self, method: &str, url: &str, fields: &[(&str, &str)]) -> Answer {
        let pairs: Vec<String> =
            self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = pairs.join("; ");
        let answer = visit(self.world, method, url, fields, &[("Cookie", &cookies)], self.address);
        for (_, cookie) in answer.headers.iter().filter(|(name, _)| *name == "Set-Cookie") {
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
        }
        answer
    }
}

pub fn hidden(answer: &Answer, name: &str) -> String {
    let start = format!(r#"name="{name}" value=""#);
    let rest =
        answer.body.split(&start).nth(1).unwrap_or_else(|| panic!("no {name}: {}", answer.body));
    rest.split('"').next().unwrap().to_owned()
}

/// What a device would show now, from the secret on the page.
fn secret_of(page: &Answer) -> SharedSecret {
    let shown = page.body.split(r#"id="factor-secret">"#).nth(1).unwrap();
    let text: String = shown.split('<').next().unwrap().split(' ').collect();
    assert_eq!(text.len(), 32);
    SharedSecret::parse(&text).unwrap()
}

pub fn code_at(world: &World, secret: &SharedSecret, off: i64) -> String {
    secret.code(world.now().unix() / STEP + off).unwrap()
}

/// Sets a second factor for `user` through the pages; the secret and the recovery codes.
pub fn enrol(world: &World, user: UserId) -> (SharedSecret, Vec<String>) {
    let person = world.sign_in(user);
    enrol_as(world, &person)
}

pub fn enrol_as(world: &World, person: &Person) -> (SharedSecret, Vec<String>) {
    let page = person.get("/account/factor").expect(200);
    let secret = secret_of(&page);
    let seal = hidden(&page, "seal");
    let code = code_at(world, &secret, 0);
    let done = person.post("/account/factor", &[("seal", &seal), ("code", &code)]).expect(200);
    let shown = done.body.split("dir=\"ltr\">").nth(1).unwrap().split('<').next().unwrap();
    let codes: Vec<String> = shown.lines().map(str::to_owned).collect();
    // The code that set it is used up; the next one comes half a minute later.
    world.later(STEP);
    (secret, codes)
}

fn signed_in(browser: &Browser) -> bool {
    browser.get("/account").status == 200
}

#[test]
fn a_code_is_asked_for_and_counts_once_within_half_a_minute() {
    let world = World::new();
    let user = with_password(&world, PROVIDER, "maren");
    let name = "maren@tarnholm-it.example";
    let (secret, _) = enrol(&world, user);
    let half = |off: i64| {
        let browser = Browser::new(&world);
        browser.sign_in(name, PASSWORD).expect(303);
        let code = code_at(&world, &secret, off);
        let before = browser.cookie("portico");
        let answer =
            browser.post("/sign-in/code", "/sign-in/code", &[("code", &code), ("to", "/users/7")]);
        (answer, before != browser.cookie("portico"), signed_in(&browser))
    };
    let (two_ago, ..) = half(-2);
    assert!(two_ago.expect(422).says("is wrong or used up"));
    let (two_ahead, ..) = half(2);
    two_ahead.expect(422);
    let (answer, risen, inside) = half(0);
    assert_eq!(
        (answer.location(), risen, inside),
        ("/users/7", true, true),
        "the cookie is a new one"
    );
    let (again, _, inside) = half(0);
    assert!(again.expect(422).says("is wrong or used up") && !inside, "none counts twice");
    let (ahead, ..) = half(1);
    ahead.expect(303);
    let (behind, ..) = half(0);
    behind.expect(422);
    world.later(10 * STEP);
    let (behind, ..) = half(-1);
    behind.expect(303);
    // Half way in, nothing else is there; and it lasts five minutes.
    let browser = Browser::new(&world);
    browser.sign_in(name, PASSWORD).expect(303);
    assert_eq!(
        browser.get("/users?state=active").location(),
        "/sign-in/code?to=%2Fusers%3Fstate%3Dactive"
    );
    assert_eq!(browser.get("/account/factor").location(), "/sign-in/code?to=%2Faccount%2Ffactor");
    assert_eq!(browser.post("/sign-in/code", "/account/password", &[]).status, 303);
    world.later(301);
    assert_eq!(browser.get("/sign-in/code").location(), "/sign-in?to=%2Fsign-in%2Fcode");
}

#[test]
fn one_code_sent_by_two_at_once_lets_one_in() {
    let world = World::new();
    let user = with_password(&world, PROVIDER, "maren");
    let (secret, recovery) = enrol(&world, user);
    let key = &world.app.config.key;
    let by = portico::db::By::portico(portico::db::Via::Page);
    let code = portico::secret::Secret::new(code_at(&world, &secret, 0));
    let spare = portico::secret::Secret::new(recovery[0].clone());
    for typed in [code, spare] {
        let taken: Vec<bool> = std::thread::scope(|scope| {
            let take = || {
                let act = |tx: &portico::db::Write| {
                    portico::auth::factor::take_code(tx, key, user, &typed)
                };
                world.app.db.write(by, act).unwrap()
            };
            let tries: Vec<_> = (0..6).map(|_| scope.spawn(take)).collect();
            tries.into_iter().map(|each| each.join().unwrap()).collect()
        });
        assert_eq!(taken.iter().filter(|taken| **taken).count(), 1);
    }
}

#[test]
fn recovery_codes_stand_in_once_each_and_are_renewed() {
    let world = World::new();
    let user = with_password(&world, PROVIDER, "maren");
    let (_, codes) = enrol(&world, user);
    assert_eq!(codes.len(), 10);
    assert!(codes.iter().all(|code| code.len() == 11 && code.as_bytes()[5] == b'-'), "{codes:?}");
    let enter = |code: &str| {
        let browser = Browser::new(&world);
        browser.sign_in("maren@tarnholm-it.example", PASSWORD).expect(303);
        browser.post("/sign-in/code", "/sign-in/code", &[("code", code)]).status
    };
    assert_eq!(enter(&codes[0].to_uppercase()), 303);
    assert_eq!(enter(&codes[0]), 422);
    assert_eq!(enter(&codes[1].replace('-', "")), 303);
    let person = world.sign_in(user);
    let renewed = {
        // The browser that set it counts as having shown it.
        world.sql().execute("UPDATE sessions SET factor_at = created_at", []).unwrap();
        assert!(person.get("/account/factor").expect(200).says("8 recovery codes are left"));
        person.post("/account/factor/codes", &[]).expect(200)
    };
    assert!(renewed.says("shown this once"));
    assert_eq!(enter(&codes[2]), 422, "the old ones ended");
    for code in &codes {
        let plain = code.replace('-', "");
        let kept = format!(
            "SELECT count(*) FROM audit_log, messages WHERE detail || text LIKE '%{plain}%'"
        );
        assert_eq!(world.count(&kept), 0);
    }
    let secrets = world.text("SELECT group_concat(secret) FROM factors");
    assert!(!secrets.is_empty());
    let events =
        world.text("SELECT group_concat(action) FROM audit_log WHERE action LIKE 'user.%'");
    assert_eq!(events, "user.factor_set,user.codes_renewed");
}

#[test]
fn whoever_must_have_a_factor_reaches_its_setting_only() {
    let world = World::new();
    world.asks_for_factors(true);
    let user = with_password(&world, PROVIDER, "maren");
    world
        .sql()
        .execute(
            "INSERT INTO role_grants (user_id, role_id, at_id, granted_at)
             SELECT ?1, id, 1, ?2 FROM roles WHERE name = 'Provider administrator'",
            (user, world.now()),
        )
        .unwrap();
    let browser = Browser::new(&world);
    browser.sign_in("maren@tarnholm-it.example", PASSWORD).expect(303);
    for url in
        ["/", "/today", "/customers", "/users/1", "/account", "/account/password", "/settings"]
    {
        assert!(browser.get(url).location().starts_with("/account/factor?to="), "{url}");
    }
    let page = browser.get("/account/factor?to=/customers").expect(200);
    assert!(page.says("Provider administrator requires a second factor."));
    assert!(page.says("<svg class=\"qr\"") && !page.says("class=\"rail\""));
    assert_eq!(
        browser.post("/account/factor", "/customers", &[]).location(),
        "/account/factor?to=%2Ftoday"
    );
    let (secret, seal) = (secret_of(&page), hidden(&page, "seal"));
    let wrong =
        browser.post("/account/factor", "/account/factor", &[("seal", &seal), ("code", "000000")]);
    let wrong = wrong.expect(422);
    assert!(wrong.says("is wrong or used up"));
    assert_eq!(hidden(&wrong, "seal"), seal, "the same secret is offered again");
    let code = code_at(&world, &secret, 0);
    let before = browser.cookie("portico");
    let fields = [("seal", seal.as_str()), ("code", code.as_str()), ("to", "/customers")];
    let done = browser.post("/account/factor", "/account/factor", &fields).expect(200);
    assert!(done.says("shown this once") && done.says(r#"href="/customers""#));
    assert_ne!(before, browser.cookie("portico"));
    browser.get("/customers").expect(200);
    assert!(browser.get("/account/factor").expect(200).says("Provider administrator requires"));
    let removed = browser.post("/account/factor", "/account/factor/remove", &[]).expect(422);
    assert!(removed.says("Provider administrator requires a second factor."));
    // A seal of somebody else, or of yesterday, is no seal.
    world.later(3601);
    browser.sign_in("maren@tarnholm-it.example", PASSWORD);
    let stale = [("seal", seal.as_str()), ("code", code.as_str())];
    assert_eq!(browser.post("/sign-in/code", "/account/factor", &stale).status, 303);
}

#[test]
fn a_factor_that_nobody_asks_for_can_be_removed_and_ends_other_sign_ins() {
    let world = World::new();
    let user = with_password(&world, PROVIDER, "maren");
    let (here, there) = (world.sign_in(user), world.sign_in(user));
    let (secret, _) = {
        let page = here.get("/account/factor").expect(200);
        let (secret, seal) = (secret_of(&page), hidden(&page, "seal"));
        let code = code_at(&world, &secret, 0);
        let answer = here.post("/account/factor", &[("seal", &seal), ("code", &code)]).expect(200);
        (secret, answer)
    };
    assert_eq!(there.get("/account").status, 303, "the others ended");
    assert_eq!(here.get("/account").status, 303, "and this one goes on under a new cookie");
    world.later(STEP);
    let browser = Browser::new(&world);
    browser.sign_in("maren@tarnholm-it.example", PASSWORD).expect(303);
    let code = code_at(&world, &secret, 0);
    browser.post("/sign-in/code", "/sign-in/code", &[("code", &code)]).expect(303);
    browser.post("/account/factor", "/account/factor/remove", &[]).expect(303);
    assert!(signed_in(&browser));
    let again = Browser::new(&world);
    again.sign_in("maren@tarnholm-it.example", PASSWORD).expect(303);
    assert!(signed_in(&again));
    let mails = world.text("SELECT group_concat(event) FROM messages");
    assert_eq!(mails, "user.factor_set,user.factor_removed");
}

#[test]
fn the_password_buys_no_new_guesses_at_the_code() {
    let world = World::new();
    let user = with_password(&world, PROVIDER, "maren");
    enrol(&world, user);
    let mut wrong = 0;
    for _ in 0..12 {
        let browser = Browser::at(&world, "10.0.0.1");
        if browser.sign_in("maren@tarnholm-it.example", PASSWORD).status == 429 {
            break;
        }
        let answer = browser.post("/sign-in/code", "/sign-in/code", &[("code", "123456")]);
        wrong += i32::from(answer.status == 422);
    }
    assert!(wrong <= 5, "{wrong}");
}

#[test]
fn a_link_alone_does_not_pass_a_second_factor() {
    let world = World::new();
    let user = with_password(&world, PROVIDER, "maren");
    let (secret, _) = enrol(&world, user);
    let by = portico::db::By::portico(portico::db::Via::Job);
    let make = |tx: &portico::db::Write| {
        portico::auth::make_link(tx, user, portico::auth::Purpose::Password, 3600)
    };
    let path = world.app.db.write(by, make).unwrap();
    let page = visit(&world, "GET", path.reveal(), &[], &[], "127.0.0.1").expect(200);
    assert!(page.says(r#"name="code""#));
    let set = |code: &str| {
        let fields = [("password", "seven green kettles sing"), ("code", code)];
        visit(&world, "POST", path.reveal(), &fields, &[], "127.0.0.1")
    };
    assert!(set("").expect(422).says("is wrong or used up"));
    assert!(set("000000").expect(422).says("is wrong or used up"));
    assert_eq!(set(&code_at(&world, &secret, 0)).location(), "/sign-in?done=password");
}

#[test]
fn the_factor_does_not_stand_in_the_way_of_tokens() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    enrol_as(&world, &admin);
    admin.api_get("/roles").expect(200);
}
