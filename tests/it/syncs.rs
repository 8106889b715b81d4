//! Following a directory: what it says of linked people comes here, who left is told of or
//! suspended, and nothing is ever enabled by it; against a real Active Directory and OpenLDAP.

use crate::live::program;
use crate::matching::{add, import, unique, unit};
use crate::peers::{Scene, samba, slapd};
use crate::world::{PROVIDER, Person};
use portico::drivers::ldap::name::{Dn, Rdn};
use portico::drivers::ldap::session::{At, Change};
use portico::ids::CustomerId;
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A customer who lives alone in an OU of people, so that all of it is its own part.
struct Followed {
    scene: Scene,
    customer: CustomerId,
    place: Dn,
}

impl Followed {
    fn new() -> Followed {
        let scene = Scene::new(samba());
        let place = unit(&scene, &scene.base, "People");
        let admin = scene.admin();
        let body = json!({
            "name": "Alone", "kind": "private", "directory_id": scene.directory, "root": place.to_string(),
        });
        let location = admin.api_post("/locations", body).expect(201).id();
        let customer = scene.world.customer(PROVIDER, "Brightwater");
        let lives = format!("/customers/{customer}/location");
        admin.api_with("PUT", &lives, json!({ "location_id": location }), &[]).expect(200);
        drop(admin);
        Followed { scene, customer, place }
    }

    fn in_openldap() -> Followed {
        let scene = Scene::new(slapd());
        let customer = scene.customer(PROVIDER, "Brightwater");
        let place = unit(&scene, &scene.base, "People");
        Followed { scene, customer, place }
    }

    fn account(&self, local: &str) -> (Dn, String) {
        let local = format!("{}-{local}", unique(&self.scene));
        let upn = format!("{local}@brightwater.example");
        let name =
            add(&mut self.scene.peer.session(), &self.place, &local, &upn, &[("mail", &upn)]);
        (name, upn)
    }

    fn import(&self) {
        let body = json!({ "ous": [self.place.to_string()] });
        import(&self.scene, &self.scene.admin(), self.customer, &body);
    }

    fn follow(&self, more: Value) {
        let mut body = json!({
            "ous": [self.place.to_string()], "leavers": "suspend",
            "fields": ["upn", "mail", "display_name", "job_title", "first_name", "last_name"],
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let url = format!("/customers/{}/directory-sync", self.customer);
        self.scene.admin().api_with("PUT", &url, body, &[]).expect(200);
    }

    /// Syncs and says how it ended, and what became of how many.
    fn sync(&self) -> (String, Value) {
        let url = format!("/directories/{}/sync", self.scene.directory);
        let runs = self.scene.admin().api_post(&url, json!({})).expect(202).json();
        let run = runs["run_ids"][0].as_i64().unwrap();
        let ended = self.scene.world.finish(run);
        let numbers = self.scene.world.text(&format!("SELECT numbers FROM runs WHERE id = {run}"));
        (ended, serde_json::from_str(&numbers).unwrap())
    }

    fn done(&self) -> Value {
        let (ended, numbers) = self.sync();
        assert_eq!(ended, "done");
        numbers
    }

    fn told(&self) -> String {
        self.scene.world.text("SELECT coalesce(group_concat(text, '; '), '') FROM run_lines WHERE run_id = (SELECT max(id) FROM runs)")
    }

    fn set(&self, name: &Dn, values: &[(&str, &str)]) {
        let changes: Vec<Change> = values
            .iter()
            .map(|(name, value)| Change::Set((*name).to_owned(), vec![value.as_bytes().to_vec()]))
            .collect();
        self.scene.peer.session().modify(&At::Named(name.clone()), &changes).unwrap();
    }

    fn user(&self, upn: &str) -> i64 {
        self.scene.world.count(&format!("SELECT user_id FROM user_names WHERE name = '{upn}'"))
    }

    fn shown(&self, user: i64) -> Value {
        self.scene.admin().api_get(&format!("/users/{user}")).expect(200).json()
    }

    /// All that a sync could write, but for the runs themselves.
    fn writes(&self) -> Vec<(String, i64)> {
        let all = self.scene.world.everything_but_previews();
        let runs = ["runs", "run_lines", "idempotency_keys", "syncs", "sessions", "tokens"];
        all.into_iter().filter(|(table, _)| !runs.contains(&table.as_str())).collect()
    }
}

#[test]
fn p_92_names_and_places_that_change_there_stay_one_user() {
    let it = Followed::new();
    let (name, upn) = it.account("ann");
    it.import();
    let user = it.user(&upn);
    it.follow(json!({}));
    assert_eq!(it.done(), json!({}));
    // Nobody else changes what the directory owns, and the form says so.
    let url = format!("/users/{user}");
    let admin = it.scene.admin();
    let refused = admin.api_patch(&url, json!({ "job_title": "Own" })).expect(422);
    assert!(
        refused.body.contains("is owned by the directory Domain: change it there"),
        "{}",
        refused.body
    );
    admin.api_patch(&url, json!({ "description": "ours" })).expect(200);
    assert!(admin.get(&format!("{url}/edit")).expect(200).says("Owned by the directory"));
    let new = upn.replace("-ann@", "-anna@");
    it.set(
        &name,
        &[
            ("userPrincipalName", &new),
            ("mail", &new),
            ("title", "Engineer"),
            ("displayName", "Anna Ash"),
        ],
    );
    let deep = unit(&it.scene, &it.place, "Sales");
    let step = Rdn::new("CN", "Anna Ash").unwrap();
    it.scene.peer.session().rename(&name, &step, Some(&deep)).unwrap();
    assert_eq!(it.done(), json!({ "changed": 1 }), "{}", it.told());
    let now = it.shown(user);
    assert_eq!((&now["upn"], &now["mail"]), (&json!(new), &json!(new)));
    assert_eq!((&now["job_title"], &now["display_name"]), (&json!("Engineer"), &json!("Anna Ash")));
    assert!(now["addresses"].as_array().unwrap().contains(&json!(upn)), "{now}");
    assert_eq!(it.scene.world.count("SELECT count(*) FROM bindings WHERE class = 'user'"), 1);
    let bound = it.scene.world.text("SELECT dn FROM bindings WHERE class = 'user'");
    assert!(bound.starts_with("CN=Anna Ash,OU=Sales,"), "{bound}");
    let users = format!("SELECT count(*) FROM users WHERE customer_id = {}", it.customer);
    assert_eq!(it.scene.world.count(&users), 1);
}

/// Twice without changes: nothing is written.
fn nothing_twice(it: &Followed) {
    it.done();
    let before = it.writes();
    assert_eq!(it.done(), json!({}), "{}", it.told());
    assert_eq!(it.writes(), before);
    let looked = it.scene.admin();
    let url = format!("/directories/{}/sync?dry_run=true", it.scene.directory);
    let told = looked.api_post(&url, json!({})).expect(200).json();
    assert_eq!(
        (&told["customers"][0]["rows"], &told["customers"][0]["held"]),
        (&json!([]), &Value::Null)
    );
    assert_eq!(it.writes(), before);
}

#[test]
fn a_sync_without_changes_writes_nothing() {
    let it = Followed::new();
    it.account("ann");
    it.account("bob");
    it.follow(json!({ "newcomers": "create" }));
    assert_eq!(it.done(), json!({ "created": 2 }));
    nothing_twice(&it);
}

/// An account of OpenLDAP, whose address is its name on the customer's domain.
fn open_account(it: &Followed, uid: &str) -> Dn {
    let name = it.place.child(Rdn::new("uid", uid).unwrap());
    let one = |name: &str, value: &str| (name.to_owned(), vec![value.as_bytes().to_vec()]);
    let all = [
        one("objectClass", "inetOrgPerson"),
        one("uid", uid),
        one("cn", uid),
        one("sn", "Ash"),
        one("mail", &format!("{uid}@brightwater.example")),
    ];
    it.scene.peer.session().add(&name, &all).unwrap();
    name
}

#[test]
fn openldap_is_followed_alike() {
    let it = Followed::in_openldap();
    let uid = format!("ann{}", unique(&it.scene));
    let name = open_account(&it, &uid);
    it.follow(json!({ "newcomers": "create" }));
    assert_eq!(it.done(), json!({ "created": 1 }));
    nothing_twice(&it);
    it.set(&name, &[("title", "Engineer"), ("sn", "Ashe")]);
    assert_eq!(it.done(), json!({ "changed": 1 }));
    let now = it.shown(it.user(&format!("{uid}@brightwater.example")));
    assert_eq!((&now["job_title"], &now["last_name"]), (&json!("Engineer"), &json!("Ashe")));
    it.scene.peer.session().delete(&At::Named(name)).unwrap();
    assert_eq!(it.done(), json!({ "suspended": 1 }));
    assert!(it.told().contains("Was deleted there."), "{}", it.told());
}

/// Syncs in the real program, which is killed after `batches`; then lets the next start go on.
fn killed_after(it: &Followed, batches: usize) {
    let url = format!("/directories/{}/sync", it.scene.directory);
    let runs = it.scene.admin().api_post(&url, json!({})).expect(202).json();
    let run = runs["run_ids"][0].as_i64().unwrap();
    let data = it.scene.world.folder().to_str().unwrap();
    let mut killed = program(&["serve", "--listen", "127.0.0.1:0", "--data", data])
        .env("CRASH_AT", format!("batch:{batches}"))
        .env("PORTICO_LOG", "error")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let end = Instant::now() + Duration::from_secs(300);
    while killed.try_wait().unwrap().is_none() {
        if Instant::now() > end {
            killed.kill().unwrap();
            panic!("it was not killed");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(it.scene.world.text(&format!("SELECT state FROM runs WHERE id = {run}")), "running");
    assert_eq!(it.scene.world.finish(run), "done");
}

/// Newcomers, then changes of all of them, each killed in the middle; nothing is lost or doubled.
fn completed_by_the_next(it: &Followed, add: impl Fn(usize) -> Dn) {
    const ALL: usize = 230;
    let names: Vec<Dn> = (0..ALL).map(add).collect();
    it.follow(json!({ "newcomers": "create" }));
    killed_after(it, 1);
    let users = format!("SELECT count(*) FROM users WHERE customer_id = {}", it.customer);
    let all = i64::try_from(ALL).unwrap();
    let world = &it.scene.world;
    assert_eq!(world.count(&users), all);
    assert_eq!(
        world.count("SELECT count(DISTINCT user_id) FROM bindings WHERE class = 'user'"),
        all
    );
    let spans = format!(
        "SELECT count(*) FROM ledger_spans WHERE customer_id = {} AND kind = 'user'",
        it.customer
    );
    assert_eq!(world.count(&spans), all);
    let mut session = it.scene.peer.session();
    for name in &names {
        let change = Change::Set("title".into(), vec![b"Engineer".to_vec()]);
        session.modify(&At::Named(name.clone()), &[change]).unwrap();
    }
    killed_after(it, 1);
    let changed = format!("{users} AND job_title = 'Engineer'");
    assert_eq!(world.count(&changed), all);
    let told = "SELECT count(*) FROM audit_log WHERE action = 'user.changed'";
    assert_eq!(world.count(told), all, "each once");
    nothing_twice(it);
}

#[test]
fn p_96_killed_in_the_middle_the_next_run_completes_it_in_active_directory() {
    let it = Followed::new();
    let own = unique(&it.scene);
    completed_by_the_next(&it, |n| {
        let local = format!("{own}-{n:03}");
        let upn = format!("{local}@brightwater.example");
        add(&mut it.scene.peer.session(), &it.place, &local, &upn, &[("mail", &upn)])
    });
}

#[test]
fn p_96_killed_in_the_middle_the_next_run_completes_it_in_openldap() {
    let it = Followed::in_openldap();
    let own = unique(&it.scene);
    completed_by_the_next(&it, |n| open_account(&it, &format!("{own}{n:03}")));
}

#[test]
fn p_95_the_last_administrator_and_accounts_for_emergencies_stay() {
    let it = Followed::new();
    let (boss, boss_upn) = it.account("boss");
    let (ann, ann_upn) = it.account("ann");
    it.import();
    let boss_id = it.user(&boss_upn);
    let sql = it.scene.world.sql();
    sql.execute(
        "INSERT INTO role_grants (user_id, role_id, at_id, granted_at)
         SELECT ?1, id, ?2, '' FROM roles WHERE name = 'Customer administrator' AND customer_id IS NULL",
        (boss_id, it.customer),
    )
    .unwrap();
    it.scene.world.may_sign_in(portico::ids::UserId(boss_id));
    it.follow(json!({}));
    for name in [&boss, &ann] {
        it.set(name, &[("userAccountControl", "546")]);
    }
    assert_eq!(it.done(), json!({ "refused": 1, "suspended": 1 }), "{}", it.told());
    let told = it.told();
    assert!(told.contains("Is disabled there.") && told.contains("administrator"), "{told}");
    assert_eq!(it.shown(boss_id)["state"], "active");
    assert_eq!(it.shown(it.user(&ann_upn))["state"], "disabled");
    let reason =
        it.scene.world.text("SELECT detail FROM audit_log WHERE action = 'directory.leaver'");
    assert!(reason.contains("\"directory\""), "{reason}");
    // The provider's own people, those for emergencies among them, are never followed.
    let url = format!("/customers/{PROVIDER}/directory-sync");
    let admin = it.scene.admin();
    it.scene.lives(PROVIDER);
    let body = json!({ "ous": [it.scene.base.to_string()], "fields": [] });
    let refused = admin.api_with("PUT", &url, body, &[]).expect(422);
    assert!(refused.body.contains("never touches the provider's own people"), "{}", refused.body);
}

#[test]
fn p_98_disabled_here_it_is_disabled_again_there() {
    let it = Followed::new();
    let (name, upn) = it.account("ann");
    it.import();
    let user = it.user(&upn);
    it.follow(json!({}));
    it.scene.admin().api_post(&format!("/users/{user}/disable"), json!({})).expect(200);
    let flags = || it.scene.entry(&name.to_string()).unwrap().number("userAccountControl").unwrap();
    assert_eq!(flags() & 2, 0);
    assert_eq!(it.done(), json!({ "disabled_there": 1 }), "{}", it.told());
    assert_eq!(flags() & 2, 2);
    assert_eq!(it.done(), json!({}));
    it.set(&name, &[("userAccountControl", "544")]);
    assert_eq!(it.done(), json!({ "disabled_there": 1 }), "{}", it.told());
    assert_eq!((flags() & 2, it.shown(user)["state"].clone()), (2, json!("disabled")));
}

#[test]
fn many_leavers_at_once_hold_the_sync() {
    let it = Followed::new();
    let all: Vec<Dn> = (0..4).map(|n| it.account(&format!("p{n}")).0).collect();
    it.import();
    it.follow(json!({}));
    for name in all.iter().take(3) {
        it.scene.peer.session().delete(&At::Named(name.clone())).unwrap();
    }
    let url = format!("/customers/{}/directory-sync", it.customer);
    let look = it.scene.admin().post(&format!("{url}/check"), &[]).expect(200);
    assert!(look.says("It would take from 3 users, so it waits"), "{}", look.body);
    let (ended, _) = it.sync();
    assert_eq!(ended, "held");
    let active = "SELECT count(*) FROM users WHERE state = 'active' AND customer_id <> 1";
    assert_eq!(it.scene.world.count(active), 4);
    assert_eq!(
        it.scene.world.count("SELECT count(*) FROM audit_log WHERE action = 'bulk.held'"),
        1
    );
    let admin = it.scene.admin();
    assert!(admin.get(&url).expect(200).says("waits until somebody has looked"));
    let today = admin.api_get("/today").expect(200).json();
    let held = today["items"].as_array().unwrap().iter().find(|item| item["kind"] == "held");
    assert_eq!(held.unwrap()["what"], "Held: Sync of Brightwater with Domain");
    let page = held.unwrap()["href"].as_str().unwrap();
    assert!(admin.get(page).expect(200).says("deleted there"));
    // Told of only, nothing waits; what was refused has changed nothing.
    let refuse = [("confirm", ""), ("reason", "They moved to another OU")];
    admin.post(&format!("{page}/refuse"), &refuse).location();
    it.scene.world.let_runs_end();
    let last = "SELECT state FROM runs ORDER BY id DESC LIMIT 1";
    assert_eq!(
        (it.scene.world.text(last).as_str(), it.scene.world.count(active)),
        ("cancelled", 4)
    );
    it.follow(json!({ "leavers": "report" }));
    assert_eq!(it.done(), json!({ "leaver": 3 }));
    assert_eq!(it.scene.world.count(active), 4);
}

#[test]
fn a_sync_is_set_up_in_the_browser_and_begins_by_the_clock() {
    let it = Followed::new();
    let (_, upn) = it.account("ann");
    let admin = it.scene.admin();
    let page = format!("/customers/{}/directory-sync", it.customer);
    assert!(admin.get(&page).expect(200).says("No sync yet"));
    let place = it.place.to_string();
    let fields = |ous: &'static str, every: &'static str| {
        vec![
            ("ous", ous),
            ("fields", "upn"),
            ("leavers", "report"),
            ("newcomers", "create"),
            ("every", every),
        ]
    };
    let refused = admin.post(&page, &fields("OU=Elsewhere,DC=x", "daily")).expect(422);
    assert!(refused.says("has what is not in the directory"), "{}", refused.body);
    let mut good = fields("", "hourly");
    good[0].1 = Box::leak(place.into_boxed_str());
    admin.post(&page, &good).expect(303);
    assert!(admin.get(&page).expect(200).says("Sync now"));
    assert_eq!(it.scene.world.job("directory.syncs"), "done");
    let begun = || it.scene.world.count("SELECT count(*) FROM runs WHERE kind = 'directory.sync'");
    assert_eq!(begun(), 1);
    let run = it.scene.world.count("SELECT max(id) FROM runs WHERE kind = 'directory.sync'");
    assert_eq!(it.scene.world.finish(run), "done");
    assert!(it.user(&upn) > 0);
    assert_eq!(it.scene.world.job("directory.syncs"), "done");
    assert_eq!(begun(), 1, "not twice within the hour");
    assert!(admin.get(&page).expect(200).says("1 created"));
    // Whoever looks after their own customer alone cannot say so.
    let local = it.scene.world.person(it.customer, "Customer administrator");
    refused_to(&local, &page);
    let kestrel = it.scene.world.reseller("Kestrel");
    let strange = it.scene.world.person(kestrel, "Reseller administrator");
    strange.get(&page).expect(404);
    strange.api_get(&page).expect(404);
    admin.post(&format!("{page}/end"), &[]).expect(303);
    admin.api_get(&page).expect(404);
}

impl Followed {
    /// A customer of so many users, some of whom had accounts that are gone by now.
    fn with_leavers(users: usize, gone: usize) -> Followed {
        let it = Followed::new();
        for n in 0..users {
            it.scene.world.user(it.customer, &format!("Ann {n:03}"), &format!("ann{n}"));
        }
        it.lose(0..gone);
        it.follow(json!({}));
        it
    }

    /// Their accounts were deleted there.
    fn lose(&self, which: std::ops::Range<usize>) {
        let sql = self.scene.world.sql();
        for n in which {
            let object = format!("a0000000-0000-4000-8000-{n:012x}");
            sql.execute(
                "INSERT INTO bindings (connector_id, class, object, customer_id, user_id, subject, dn, bound_at)
                 SELECT ?1, 'user', ?2, customer_id, id, 'user ' || id, ?3, '' FROM users WHERE upn = ?4",
                (
                    self.scene.connector,
                    object,
                    format!("CN=Ann {n},{}", self.place),
                    format!("ann{n}@brightwater.example"),
                ),
            )
            .unwrap();
        }
    }

    /// Begins one by hand and lets it come as far as it can.
    fn begin(&self, who: &Person) -> i64 {
        let url = format!("/directories/{}/sync", self.scene.directory);
        let runs = who.api_post(&url, json!({})).expect(202).json();
        runs["run_ids"][0].as_i64().unwrap()
    }

    fn disabled(&self) -> i64 {
        self.scene.world.count("SELECT count(*) FROM users WHERE state = 'disabled'")
    }
}

fn typed(number: &str) -> Value {
    json!({ "confirm": number, "reason": "The branch in Leiden closed" })
}

#[test]
fn p_54_a_sync_that_would_disable_twelve_of_a_hundred_waits_for_the_number_and_a_second_person() {
    let it = Followed::with_leavers(100, 12);
    let world = &it.scene.world;
    let orderer = it.scene.admin();
    let other = world.person_named(PROVIDER, "Provider administrator", "Rhea Poe", "rhea");
    let settings = format!("/customers/{}/settings", it.customer);
    orderer.api_patch(&settings, json!({ "brake_people": "2" })).expect(200);
    let before = it.writes();
    let run = it.begin(&orderer);
    assert_eq!((world.finish(run).as_str(), it.disabled()), ("held", 0));
    let told = ["audit_log", "events", "jobs", "messages", "brake_holds", "brake_items"];
    let same = |all: Vec<(String, i64)>| -> Vec<(String, i64)> {
        all.into_iter().filter(|(table, _)| !told.contains(&table.as_str())).collect()
    };
    assert_eq!(same(it.writes()), same(before), "nothing but that it waits");

    // Begun again, by hand or by the clock, it is that one still.
    assert_eq!(it.begin(&orderer), run);
    it.follow(json!({ "every": "hourly" }));
    assert_eq!(world.job("directory.syncs"), "done");
    assert_eq!(world.count("SELECT count(*) FROM runs WHERE kind = 'directory.sync'"), 1);

    let release = format!("/runs/{run}/release");
    let own = orderer.api_post(&release, typed("12")).expect(403);
    assert!(own.says("somebody else lets it go, since you ordered it."), "{}", own.body);
    let wrong = other.api_post(&release, typed("11")).expect(422);
    assert_eq!(wrong.complaints(), ["confirm does not match 12"]);
    assert_eq!((world.finish(run).as_str(), it.disabled()), ("held", 0));

    // One more left meanwhile: that is another list, and is looked at anew.
    it.lose(12..13);
    other.api_post(&release, typed("12")).expect(202);
    assert_eq!((world.finish(run).as_str(), it.disabled()), ("held", 0));
    other.api_post(&release, typed("13")).expect(202);
    assert_eq!((world.finish(run).as_str(), it.disabled()), ("done", 13));
    let numbers = world.text(&format!("SELECT numbers FROM runs WHERE id = {run}"));
    assert_eq!(numbers, r#"{"suspended":13}"#);
    assert_eq!(world.count("SELECT count(*) FROM audit_log WHERE action = 'bulk.released'"), 2);
    assert_eq!(it.done(), json!({}), "and that was all");
}

#[test]
fn u_22_a_sync_that_would_disable_two_hundred_waits_and_one_person_may_let_it_go() {
    let it = Followed::with_leavers(210, 200);
    let world = &it.scene.world;
    let admin = it.scene.admin();
    let ca = world.person(it.customer, "Customer administrator");
    let run = it.begin(&admin);
    assert_eq!((world.finish(run).as_str(), it.disabled()), ("held", 0));
    let told =
        "SELECT count(DISTINCT user_id) FROM messages WHERE event = 'bulk.held' AND user_id IN (?)";
    for who in [&admin, &ca] {
        assert_eq!(world.count(&told.replace('?', &who.id.to_string())), 1, "{}", who.id);
    }
    ca.api_post(&format!("/runs/{run}/release"), typed("200")).expect(403);
    admin.api_post(&format!("/runs/{run}/release"), typed("200")).expect(202);
    assert_eq!((world.finish(run).as_str(), it.disabled()), ("done", 200));
}

#[test]
fn who_is_told_of_a_sync_hears_of_each_thing_once() {
    let it = Followed::with_leavers(20, 2);
    let ca = it.scene.world.person(it.customer, "Customer administrator");
    let mails = |event: &str, who: &Person| {
        let of = format!("event = '{event}' AND user_id = {}", who.id);
        it.scene.world.count(&format!("SELECT count(*) FROM messages WHERE {of}"))
    };
    it.account("new");
    it.follow(json!({ "leavers": "report" }));
    let told = json!({ "leaver": 2, "proposed": 1 });
    let admin = it.scene.admin();
    for _ in 0..2 {
        assert_eq!(it.done(), told);
        assert_eq!(mails("directory.leaver", &ca), 1);
        assert_eq!(mails("proposals.waiting", &ca), 1);
        assert_eq!((mails("sync.report", &admin), mails("sync.report", &ca)), (1, 0));
    }
    let text = "SELECT text FROM messages WHERE event = 'directory.leaver'";
    assert!(it.scene.world.text(text).contains("Ann 001: Was deleted there."));
    it.lose(2..3);
    assert_eq!(it.done(), json!({ "leaver": 3, "proposed": 1 }));
    assert_eq!((mails("directory.leaver", &ca), mails("sync.report", &admin)), (2, 2));
    let last = format!("{text} ORDER BY id DESC LIMIT 1");
    let last = it.scene.world.text(&last);
    assert!(last.contains("Ann 002") && !last.contains("Ann 001"), "{last}");
    assert_eq!(mails("proposals.waiting", &ca), 1);
}

fn refused_to(person: &Person, page: &str) {
    person.get(page).expect(403);
    person.api_with("PUT", page, json!({}), &[]).expect(403);
}
