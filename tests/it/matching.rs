//! Whose an account is: import of what a directory has, proposals, links; against a real Active
//! Directory and a real OpenLDAP.

use crate::peers::{Scene, add_ldif, make_ou, samba, slapd};
use crate::world::{PROVIDER, Person};
use portico::drivers::ldap::name::{Dn, Rdn};
use portico::drivers::ldap::session::{At, Change, Session};
use portico::ids::CustomerId;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is of this test alone in the whole domain.
pub fn unique(scene: &Scene) -> String {
    scene.base.first().unwrap().value().to_owned()
}

pub fn unit(scene: &Scene, below: &Dn, name: &str) -> Dn {
    let place = below.child(Rdn::new("OU", name).unwrap());
    make_ou(&mut scene.peer.session(), &place);
    place
}

fn one(name: &str, value: &str) -> (String, Vec<Vec<u8>>) {
    (name.to_owned(), vec![value.as_bytes().to_vec()])
}

/// An account that is enabled, named `local` there and on the customer's domain.
pub fn add(session: &mut Session, place: &Dn, local: &str, upn: &str, more: &[(&str, &str)]) -> Dn {
    let at = place.child(Rdn::new("CN", &format!("Person {local}")).unwrap());
    let mut all = vec![one("objectClass", "user"), one("sAMAccountName", local)];
    if !upn.is_empty() {
        all.push(one("userPrincipalName", upn));
    }
    if !more.iter().any(|(name, _)| *name == "userAccountControl") {
        all.push(one("userAccountControl", "544"));
    }
    all.extend(more.iter().map(|(name, value)| one(name, value)));
    session.add(&at, &all).unwrap();
    at
}

pub fn look(admin: &Person, customer: CustomerId, body: &Value) -> Value {
    let url = format!("/customers/{customer}/directory-import?dry_run=true");
    admin.api_post(&url, body.clone()).expect(200).json()
}

/// Imports and says what became of how many.
pub fn import(scene: &Scene, admin: &Person, customer: CustomerId, body: &Value) -> Value {
    let url = format!("/customers/{customer}/directory-import");
    let run = admin.api_post(&url, body.clone()).expect(202).json()["run_id"].as_i64().unwrap();
    assert_eq!(scene.world.finish(run), "done");
    let numbers = scene.world.text(&format!("SELECT numbers FROM runs WHERE id = {run}"));
    serde_json::from_str(&numbers).unwrap()
}

fn numbers(created: i64, linked: i64, unchanged: i64, proposed: i64, skipped: i64) -> Value {
    json!({
        "created": created, "linked": linked, "unchanged": unchanged, "proposed": proposed,
        "skipped": skipped, "refused": 0,
    })
}

fn row<'r>(report: &'r Value, name: &str) -> &'r Value {
    let rows = report["rows"].as_array().unwrap();
    let found = rows.iter().find(|row| row["place"].as_str().unwrap().starts_with(name));
    found.unwrap_or_else(|| panic!("{name}: {report}"))
}

#[test]
fn p_75_p_97_thousands_in_nested_ous_come_once() {
    let scene = Scene::new(samba());
    let customer = scene.customer(PROVIDER, "Brightwater");
    let admin = scene.admin();
    let top = unit(&scene, &scene.base, "People");
    let deep = unit(&scene, &unit(&scene, &top, "North"), "Sales");
    let own = unique(&scene);
    let upn = |local: &str| format!("{local}@brightwater.example");
    let mut ldif = String::new();
    for (part, place) in [(0, &top), (1, &deep)] {
        for n in 0..1_500 {
            let local = format!("{own}-{part}{n:04}");
            ldif += &format!(
                "dn: CN=Person {local},{place}\nobjectClass: user\nsAMAccountName: {local}\n\
                 userPrincipalName: {}\nuserAccountControl: 544\n\n",
                upn(&local)
            );
        }
    }
    add_ldif(&ldif);
    let mut session = scene.peer.session();
    let odd = format!("{own}-odd");
    let machine = top.child(Rdn::new("CN", "machine").unwrap());
    let account = [one("objectClass", "computer"), one("sAMAccountName", &format!("{odd}$"))];
    session.add(&machine, &account).unwrap();
    let service = top.child(Rdn::new("CN", "service").unwrap());
    let account = [
        one("objectClass", "msDS-ManagedServiceAccount"),
        one("sAMAccountName", &format!("{odd}s$")),
    ];
    session.add(&service, &account).unwrap();
    let off = format!("{own}-off");
    add(&mut session, &top, &off, &upn(&off), &[("userAccountControl", "546")]);
    // The tree comes by 500.
    let url = format!("/directories/{}/browse", scene.directory);
    let mut seen = BTreeSet::new();
    let mut after = String::new();
    for more in [true, true, true, false] {
        let at = form(&[("at", &top.to_string()), ("after", &after)]);
        let level = admin.api_get(&format!("{url}?{at}")).expect(200).json();
        let items = level["items"].as_array().unwrap();
        assert_eq!(items.len() == 500, more, "{}", items.len());
        seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        after = level["next"].as_str().unwrap_or_default().to_owned();
        assert_eq!(after.is_empty(), !more);
    }
    // North, and all but Sales: computers and services among them.
    assert_eq!(seen.len(), 1_504);
    // While one is renamed again and again, none is lost and none comes twice.
    let body = json!({ "ous": [top.to_string(), deep.to_string()] });
    let over = AtomicBool::new(false);
    let report = std::thread::scope(|threads| {
        threads.spawn(|| {
            let mut session = samba().session();
            let mut name = top.child(Rdn::new("CN", &format!("Person {own}-00700")).unwrap());
            let mut n = 0;
            while !over.load(Ordering::Relaxed) {
                n += 1;
                let step = Rdn::new("CN", &format!("{} {n}", if n % 2 == 0 { "A" } else { "Z" }));
                let step = step.unwrap();
                session.rename(&name, &step, None).unwrap();
                name = top.child(step);
            }
        });
        let report = look(&admin, customer, &body);
        over.store(true, Ordering::Relaxed);
        report
    });
    let rows = report["rows"].as_array().unwrap();
    let ids: BTreeSet<&str> = rows.iter().map(|row| row["object"].as_str().unwrap()).collect();
    assert_eq!((rows.len(), ids.len()), (3_003, 3_003));
    assert_eq!((report["created"].as_i64(), report["skipped"].as_i64()), (Some(3_000), Some(3)));
    for (name, why) in [
        ("CN=machine", "Is a computer."),
        ("CN=service", "Is a service account."),
        (format!("CN=Person {off}").as_str(), "Is disabled there."),
    ] {
        assert_eq!(row(&report, name)["why"], why);
    }
    assert_eq!(scene.world.count("SELECT count(*) FROM bindings"), 0, "a check keeps nothing");
    assert_eq!(import(&scene, &admin, customer, &body), numbers(3_000, 0, 0, 0, 3));
    assert_eq!(import(&scene, &admin, customer, &body), numbers(0, 0, 3_000, 0, 3));
    let users = format!("SELECT count(*) FROM users WHERE customer_id = {customer}");
    assert_eq!(scene.world.count(&users), 3_000);
    assert_eq!(scene.world.count("SELECT count(*) FROM bindings WHERE class = 'user'"), 3_000);
    let spans = format!(
        "SELECT count(*) FROM ledger_spans WHERE customer_id = {customer} AND kind = 'user'"
    );
    assert_eq!(scene.world.count(&spans), 3_000);
}

fn form(pairs: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    pairs.iter().for_each(|(name, value)| {
        query.append_pair(name, value);
    });
    query.finish()
}

#[test]
fn what_came_with_the_domain_is_left_out() {
    let scene = Scene::new(samba());
    let admin = scene.admin();
    let body = json!({
        "connector_id": scene.connector, "name": "Whole", "base": scene.peer.base, "kind": "ad",
        "confirm": scene.peer.admin,
    });
    let directory = admin.api_post("/directories", body).expect(201).id();
    let body = json!({ "name": "Whole", "kind": "shared", "directory_id": directory });
    let location = admin.api_post("/locations", body).expect(201).id();
    let customer = scene.world.customer(PROVIDER, "Brightwater");
    let lives = format!("/customers/{customer}/location");
    admin.api_with("PUT", &lives, json!({ "location_id": location }), &[]).expect(200);
    let report =
        look(&admin, customer, &json!({ "ous": ["CN=Users,DC=msp,DC=test"], "disabled": true }));
    for name in ["CN=Administrator,", "CN=Guest,", "CN=krbtgt,"] {
        assert_eq!(row(&report, name)["why"], "Came with the directory.", "{name}");
    }
}

/// A customer with Ann here, and her account there.
fn ann(scene: &Scene) -> (CustomerId, i64, Dn, String) {
    let customer = scene.customer(PROVIDER, "Brightwater");
    let local = format!("{}-ann", unique(scene));
    let user = scene.world.user(customer, "Ann Ash", &local);
    let place = unit(scene, &scene.base, "People");
    let upn = format!("{local}@brightwater.example");
    let name = add(&mut scene.peer.session(), &place, &local, &upn, &[]);
    (customer, user.0, name, upn)
}

#[test]
fn p_93_an_account_that_was_made_again_waits_for_a_decision() {
    let scene = Scene::new(samba());
    let admin = scene.admin();
    let (customer, user, name, upn) = ann(&scene);
    let body = json!({ "ous": [name.parent().unwrap().to_string()] });
    assert_eq!(import(&scene, &admin, customer, &body), numbers(0, 1, 0, 0, 0));
    let bound = || scene.world.text("SELECT group_concat(object || ' ' || user_id) FROM bindings");
    let before = bound();
    let mut session = scene.peer.session();
    session.delete(&At::Named(name.clone())).unwrap();
    let local = upn.split('@').next().unwrap();
    add(&mut session, &name.parent().unwrap(), local, &upn, &[]);
    let whole = format!("SELECT upn || mail || state || version FROM users WHERE id = {user}");
    let was = scene.world.text(&whole);
    assert_eq!(import(&scene, &admin, customer, &body), numbers(0, 0, 0, 1, 0));
    assert_eq!((bound(), scene.world.text(&whole)), (before.clone(), was.clone()));
    let open = admin.api_get("/proposals").expect(200).json();
    let it = &open["items"][0];
    assert_eq!((&it["why"], &it["candidates"][0]["user_id"]), (&json!("recreated"), &json!(user)));
    let url = format!("/proposals/{}", it["id"]);
    let page = admin.get(&url).expect(200);
    assert!(page.says("The account was deleted and made again. Replace the link?"));
    assert!(page.says("same sign-in name") && page.says("Ann Ash"));
    // Nobody else may be named, and it is decided once.
    let other = scene.world.user(customer, "Bob Birch", "bob");
    admin.api_post(&format!("{url}/link"), json!({ "user_id": other })).expect(422);
    admin.api_post(&format!("{url}/link"), json!({ "user_id": user })).expect(200);
    admin.api_post(&format!("{url}/link"), json!({ "user_id": user })).expect(422);
    assert_ne!(bound(), before);
    assert_eq!(scene.world.text(&whole), was);
    assert_eq!(import(&scene, &admin, customer, &body), numbers(0, 0, 1, 0, 0));
    let audit = "SELECT group_concat(action) FROM (SELECT action FROM audit_log WHERE action LIKE 'user.%linked' ORDER BY id)";
    assert_eq!(scene.world.text(audit), "user.linked,user.unlinked,user.linked");
}

#[test]
fn p_94_what_is_set_aside_stays_away_until_something_changes() {
    let scene = Scene::new(samba());
    let admin = scene.admin();
    let customer = scene.customer(PROVIDER, "Brightwater");
    let theirs = scene.customer(PROVIDER, "Kestrel");
    let own = unique(&scene);
    let mut held = Vec::new();
    let mut places = Vec::new();
    for (id, domain) in [(customer, "brightwater"), (theirs, "kestrel")] {
        let user = scene.world.user(id, &format!("Ella of {domain}"), &format!("{own}-ella"));
        let name = "UPDATE users SET first_name = 'Ella', last_name = ?1 WHERE id = ?2";
        scene.world.sql().execute(name, (domain, user)).unwrap();
        let place = unit(&scene, &scene.base, domain);
        let more = [("givenName", "Ella"), ("sn", domain)];
        add(&mut scene.peer.session(), &place, &format!("{own}{}", &domain[..3]), "", &more);
        let body = json!({ "ous": [place.to_string()] });
        assert_eq!(import(&scene, &admin, id, &body), numbers(0, 0, 0, 1, 0));
        held.push(body);
        places.push(place);
    }
    let open = |person: &Person| person.api_get("/proposals").expect(200).json()["items"].clone();
    assert_eq!(open(&admin).as_array().unwrap().len(), 2);
    // A customer's administrator sees their own and of nobody else anything.
    let local = scene.world.person(customer, "Customer administrator");
    let mine = open(&local);
    assert_eq!(mine.as_array().unwrap().len(), 1, "{mine}");
    let page = local.get("/proposals").expect(200);
    assert!(page.says("Brightwater") && !page.says("Kestrel") && !page.says("Ella of kestrel"));
    let all = open(&admin);
    let strange = all.as_array().unwrap().iter().find(|it| it["customer_id"] != json!(customer.0));
    let strange = format!("/proposals/{}", strange.unwrap()["id"]);
    local.get(&strange).expect(404);
    local.api_get(&strange).expect(404);
    local.api_post(&format!("{strange}/ignore"), json!({})).expect(404);
    local.api_get(&format!("/proposals?customer_id={theirs}")).expect(404);
    let url = format!("/proposals/{}", mine[0]["id"]);
    local.api_post(&format!("{url}/ignore"), json!({})).expect(200);
    local.api_post(&format!("{url}/ignore"), json!({})).expect(422);
    let again = || import(&scene, &admin, customer, &held[0]);
    assert_eq!((again(), again()), (numbers(0, 0, 0, 0, 1), numbers(0, 0, 0, 0, 1)));
    assert_eq!(open(&local), json!([]));
    // Another name there is other evidence: it comes back, once.
    let account = places[0].child(Rdn::new("CN", &format!("Person {own}bri")).unwrap());
    let change = Change::Set("employeeID".into(), vec![b"4711".to_vec()]);
    scene.peer.session().modify(&At::Named(account), &[change]).unwrap();
    let sql = "UPDATE users SET employee_id = '4711' WHERE customer_id = ?1 AND display_name LIKE 'Ella%'";
    scene.world.sql().execute(sql, [customer]).unwrap();
    assert_eq!(again(), numbers(0, 0, 0, 1, 0));
    assert_eq!(open(&local).as_array().unwrap().len(), 1);
    local.api_post(&format!("{url}/ignore"), json!({})).expect(200);
    assert_eq!(again(), numbers(0, 0, 0, 0, 1));
    assert_eq!(open(&local), json!([]));
}

#[test]
fn p_99_linked_unlinked_and_imported_again_there_is_one_link() {
    let scene = Scene::new(samba());
    let admin = scene.admin();
    let (customer, user, name, _) = ann(&scene);
    let body = json!({ "ous": [name.parent().unwrap().to_string()] });
    let spans = || {
        let all = "SELECT kind, subject_id, begins_at, ends_at FROM ledger_spans";
        let rows =
            format!("SELECT group_concat(kind || subject_id || begins_at || ends_at) FROM ({all})");
        (scene.world.text(&rows), scene.world.count("SELECT count(*) FROM ledger"))
    };
    let before = spans();
    let bindings = || scene.world.count("SELECT count(*) FROM bindings WHERE class = 'user'");
    assert_eq!(import(&scene, &admin, customer, &body), numbers(0, 1, 0, 0, 0));
    assert_eq!(bindings(), 1);
    let page = admin.get(&format!("/users/{user}/directory")).expect(200);
    assert!(page.says("Person") && page.says("Unlink"));
    let unlink = format!("/users/{user}/directory/unlink");
    let connector = json!({ "connector_id": scene.connector });
    admin.api_post(&unlink, connector.clone()).expect(204);
    admin.api_post(&unlink, connector).expect(422);
    assert_eq!(bindings(), 0);
    assert!(scene.entry(&name.to_string()).is_some());
    assert_eq!(import(&scene, &admin, customer, &body), numbers(0, 1, 0, 0, 0));
    assert_eq!(import(&scene, &admin, customer, &body), numbers(0, 0, 1, 0, 0));
    assert_eq!((bindings(), spans()), (1, before));
}

#[test]
fn names_our_rules_refuse_come_with_one_that_can_be() {
    let scene = Scene::new(samba());
    let admin = scene.admin();
    let customer = scene.customer(PROVIDER, "Brightwater");
    let place = unit(&scene, &scene.base, "People");
    let own = unique(&scene);
    let upn = format!("{own}.zoë@old.example");
    let more = [("displayName", "Zoë Ash"), ("telephoneNumber", "call me"), ("title", "Engineer")];
    add(&mut scene.peer.session(), &place, &own, &upn, &more);
    let body = json!({ "ous": [place.to_string()] });
    assert_eq!(import(&scene, &admin, customer, &body), numbers(0, 0, 0, 1, 0));
    let it = admin.api_get("/proposals").expect(200).json()["items"][0].clone();
    assert_eq!(it["suggested"], format!("{own}.zoe@brightwater.example"));
    let url = format!("/proposals/{}", it["id"]);
    let refused =
        admin.post(&format!("{url}/create"), &[("upn", "zoe@elsewhere.example")]).expect(422);
    assert!(refused.says("must end in one of brightwater.example"), "{}", refused.body);
    let made = admin.api_post(&format!("{url}/create"), json!({})).expect(200).json();
    let user = &made["user_id"];
    let shown = admin.api_get(&format!("/users/{user}")).expect(200).json();
    assert_eq!((&shown["upn"], &shown["display_name"]), (&it["suggested"], &json!("Zoë Ash")));
    // What does not fit is left out, and the rest is taken.
    assert_eq!((&shown["job_title"], &shown["phone"]), (&json!("Engineer"), &json!("")));
    assert_eq!(import(&scene, &admin, customer, &body), numbers(0, 0, 1, 0, 0));
}

#[test]
fn an_import_reaches_into_no_other_customers_part() {
    let scene = Scene::new(samba());
    let admin = scene.admin();
    let mine = scene.customer(PROVIDER, "Brightwater");
    let theirs = scene.customer(PROVIDER, "Kestrel");
    let made = scene.done((theirs, None), "dir.ou_ensure", json!({}));
    let area = crate::peers::dn(&crate::peers::out(&made, "dn"));
    let own = unique(&scene);
    let mut session = scene.peer.session();
    let upn = format!("{own}@brightwater.example");
    add(&mut session, &area, &own, &upn, &[]);
    let url = format!("/customers/{mine}/directory-import?dry_run=true");
    let refused = admin.api_post(&url, json!({ "ous": [area.to_string()] })).expect(422);
    assert!(refused.body.contains("another customer's"), "{}", refused.body);
    // From above, what is theirs is left out.
    let report = look(&admin, mine, &json!({ "ous": [scene.base.to_string()] }));
    assert_eq!(row(&report, "CN=Person")["why"], "Belongs to another customer.");
    // Whoever looks after their own customer alone sees their own part, and without one nothing.
    let local = scene.world.person(mine, "Customer administrator");
    let page = format!("/customers/{mine}/directory-import");
    assert!(local.get(&page).expect(200).says("has no OU of its own"));
    scene.done((mine, None), "dir.ou_ensure", json!({}));
    let page = local.get(&page).expect(200);
    assert!(page.says("Look at everything below") && !page.says("KESTREL"), "{}", page.body);
    let whole = form(&[("at", &scene.base.to_string())]);
    local.get(&format!("/customers/{mine}/directory-import?{whole}")).expect(404);
    let refused = local.api_post(&url, json!({ "ous": [scene.base.to_string()] })).expect(422);
    assert!(refused.body.contains("not in a part that you may look at"), "{}", refused.body);
    local.api_post(&format!("/customers/{theirs}/directory-import"), json!({})).expect(404);
    local.get(&format!("/customers/{theirs}/directory-import")).expect(404);
    local.api_get(&format!("/directories/{}/browse", scene.directory)).expect(404);
    let stranger = scene.world.person(theirs, "Customer administrator");
    stranger.api_get(&format!("/users/{}/directory", admin.id)).expect(404);
}

#[test]
fn openldap_is_imported_in_the_browser() {
    let scene = Scene::new(slapd());
    let admin = scene.admin();
    let customer = scene.customer(PROVIDER, "Brightwater");
    let page = format!("/customers/{customer}/directory-import");
    let place = unit(&scene, &scene.base, "People");
    let own = unique(&scene);
    for (uid, mail) in [("ann", "ann@brightwater.example"), ("bob", "bob@home.example")] {
        let name = place.child(Rdn::new("uid", &format!("{uid}{own}")).unwrap());
        let all = [
            one("objectClass", "inetOrgPerson"),
            one("uid", &format!("{uid}{own}")),
            one("cn", uid),
            one("sn", uid),
            one("givenName", "Some"),
            one("mail", mail),
        ];
        scene.peer.session().add(&name, &all).unwrap();
    }
    let tree = admin.get(&page).expect(200);
    assert!(tree.says("People") && tree.says("Look at everything below"), "{}", tree.body);
    let refused = admin.post(&format!("{page}/check"), &[("disabled", "0")]).expect(422);
    assert!(refused.says("Choose at least one OU or account."), "{}", refused.body);
    let unit = place.to_string();
    let fields = [("disabled", "0"), ("ous", unit.as_str())];
    let check = admin.post(&format!("{page}/check"), &fields).expect(200);
    assert!(check.says("New user") && check.says("Add 2"), "{}", check.body);
    let run = admin.post(&page, &fields).expect(303);
    let run: i64 = run.location().rsplit('/').next().unwrap().parse().unwrap();
    assert_eq!(scene.world.finish(run), "done");
    let names = format!(
        "SELECT group_concat(upn) FROM (SELECT upn FROM users WHERE customer_id = {customer} ORDER BY upn)"
    );
    let names = scene.world.text(&names);
    assert!(names.starts_with("ann@brightwater.example,") && names.contains("some"), "{names}");
    let check = admin.post(&format!("{page}/check"), &fields).expect(200);
    assert!(check.says("Here already") && !check.says("Add "), "{}", check.body);
    // A user's page leads to the account.
    let user = scene.world.count("SELECT user_id FROM bindings WHERE class = 'user' LIMIT 1");
    assert!(admin.get(&format!("/users/{user}")).says("Directory account"));
}

#[test]
fn a_customer_that_lives_nowhere_is_led_to_a_directory() {
    let world = crate::world::World::new();
    let customer = world.customer(PROVIDER, "Brightwater");
    let admin = world.person(PROVIDER, "Provider administrator");
    let page = admin.get(&format!("/customers/{customer}/directory-import")).expect(200);
    assert!(page.says("lives in no directory yet") && page.says("Choose a directory"));
    let url = format!("/customers/{customer}/directory-import");
    let refused = admin.api_post(&url, json!({ "ous": ["OU=x"] })).expect(422);
    assert!(refused.body.contains("The customer lives in no directory."), "{}", refused.body);
}
