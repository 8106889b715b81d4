//! What others change in a directory: each thing is found in one look at what has changed, with the
//! right kind, and each verb brings both sides together; against a real Active Directory and OpenLDAP.

use crate::matching::{unique, unit};
use crate::modules::install;
use crate::peers::{Scene, dn, out, samba, slapd};
use crate::world::{PROVIDER, Person};
use portico::drivers::ldap::name::{Dn, Rdn};
use portico::drivers::ldap::session::{At, Change};
use portico::engine::{self, Handle};
use portico::events;
use portico::ids::{CustomerId, UserId};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// A customer with people, each with an account that we made.
struct Watched {
    scene: Scene,
    customer: CustomerId,
}

/// One of them.
struct One {
    user: UserId,
    name: &'static str,
    dn: Dn,
    guid: String,
}

fn until(what: &str, is: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !is() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Watched {
    fn new(scene: Scene) -> Watched {
        let customer = scene.customer(PROVIDER, "Brightwater");
        Watched { scene, customer }
    }

    fn engine(&self) -> Handle {
        engine::start(self.scene.world.app.clone(), events::EVENTS).unwrap()
    }

    /// Somebody with an account, which is enabled.
    fn one(&self, name: &'static str) -> One {
        let local = name.to_lowercase().replace(' ', "");
        let user = self.scene.user(self.customer, name, &local);
        let who = (self.customer, Some(user));
        let made = self.scene.done(who, "dir.user_ensure", json!({}));
        if self.scene.peer.is_ad {
            self.scene.done(who, "dir.enable", json!({}));
        }
        One { user, name, dn: dn(&out(&made, "dn")), guid: out(&made, "guid") }
    }

    fn set(&self, name: &Dn, attribute: &str, value: &str) {
        let change = Change::Set(attribute.to_owned(), vec![value.as_bytes().to_vec()]);
        self.scene.peer.session().modify(&At::Named(name.clone()), &[change]).unwrap();
    }

    fn delete(&self, name: &Dn) {
        self.scene.peer.session().delete(&At::Named(name.clone())).unwrap();
    }

    fn put(&self, name: &Dn, to: &str, below: Option<&Dn>) -> Dn {
        let step = Rdn::new(name.first().unwrap().kind(), to).unwrap();
        self.scene.peer.session().rename(name, &step, below).unwrap();
        below.cloned().unwrap_or_else(|| name.parent().unwrap()).child(step)
    }

    /// Looks for changes; says how.
    fn look(&self) -> String {
        assert_eq!(self.scene.world.job("directory.drift"), "done");
        let said = self.scene.world.text(
            "SELECT group_concat(level || ' ' || text, '; ') FROM run_lines
              WHERE run_id = (SELECT max(id) FROM runs WHERE kind = 'directory.drift')",
        );
        assert!(!said.contains("error"), "{said}");
        said
    }

    fn admin(&self) -> Person<'_> {
        self.scene.admin()
    }

    fn list(&self, state: &str) -> Vec<Value> {
        let url = format!("/directories/{}/drift?state={state}&limit=200", self.scene.directory);
        self.admin().api_get(&url).expect(200).json()["items"].as_array().unwrap().clone()
    }

    /// Kind, what is different, and whose, of all that is open.
    fn open(&self) -> BTreeSet<(String, String, String)> {
        let all = self.list("open");
        let word = |it: &Value, name: &str| it[name].as_str().unwrap().to_owned();
        all.iter().map(|it| (word(it, "kind"), word(it, "what"), word(it, "name"))).collect()
    }

    fn id(&self, kind: &str, name: &str) -> i64 {
        let all = self.list("open");
        let found = all.iter().find(|it| it["kind"] == kind && it["name"] == name);
        found.unwrap_or_else(|| panic!("{kind} {name}: {all:?}"))["id"].as_i64().unwrap()
    }

    fn say(&self, id: i64, verb: &str, body: Value) -> Value {
        self.admin().api_post(&format!("/drift/{id}/{verb}"), body).expect(200).json()
    }

    fn push(&self, id: i64) {
        let url = format!("/drift/{id}/push");
        let told = self.admin().api_post(&url, json!({})).expect(202).json();
        self.ended(told["request_id"].as_i64().unwrap());
        assert_eq!(self.state(id), "settled", "{id}");
    }

    fn ended(&self, request: i64) {
        let status = format!("SELECT status || ' ' || reason FROM requests WHERE id = {request}");
        until("the request ends", || {
            let now = self.scene.world.text(&status);
            ["done", "fail", "canc"].contains(&now.get(..4).unwrap_or_default())
        });
        assert_eq!(self.scene.world.text(&status), "done ");
    }

    fn state(&self, id: i64) -> String {
        self.scene.world.text(&format!("SELECT state FROM drift WHERE id = {id}"))
    }

    fn shown(&self, user: UserId) -> Value {
        self.admin().api_get(&format!("/users/{user}")).expect(200).json()
    }

    /// Where something of ours lies by its id.
    fn lies(&self, one: &One) -> Option<String> {
        let dn = format!("SELECT dn FROM bindings WHERE object = '{}'", one.guid);
        self.scene.world.texts(&dn).pop()
    }
}

fn set_of(all: &[(&str, &str, &str)]) -> BTreeSet<(String, String, String)> {
    all.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect()
}

/// What is the same for both: names, places, fields, what is gone and what came again.
fn everything(it: &Watched) {
    let engine = it.engine();
    let all = [
        "Mona Moved",
        "Mike Moved",
        "Rena Renamed",
        "Rolf Renamed",
        "Dela Deleted",
        "Dora Deleted",
        "Edda Edited",
        "Egon Edited",
        "Ivo Ignored",
        "Anja Again",
    ];
    let [mona, mike, rena, rolf, dela, dora, edda, egon, ivo, anja] = all.map(|name| it.one(name));
    let title = "title";
    let area = mona.dn.parent().unwrap();
    let group = format!("Team {}", unique(&it.scene));
    let in_group = |who: &One, verb: &str| {
        let who = (it.customer, Some(who.user));
        it.scene.done(who, verb, json!({ "group": group }));
    };
    let made = it.scene.done((it.customer, None), "dir.group_ensure", json!({ "name": group }));
    let team = dn(&out(&made, "dn"));
    in_group(&edda, "dir.member_add");
    // The first look is at everything, and finds what we made as we made it.
    assert!(it.look().contains("looked through whole"));
    assert_eq!(it.open(), set_of(&[]));
    assert!(it.look().contains("looked through for changes"));
    assert_eq!(it.open(), set_of(&[]));

    // Others come by.
    let elsewhere = unit(&it.scene, &area, "Elsewhere");
    let value = |one: &One| one.dn.first().unwrap().value().to_owned();
    it.put(&mona.dn, &value(&mona), Some(&elsewhere));
    it.put(&mike.dn, &value(&mike), Some(&elsewhere));
    let rena_now = it.put(&rena.dn, &format!("{}x", value(&rena)), None);
    let rolf_now = it.put(&rolf.dn, &format!("{}x", value(&rolf)), None);
    it.delete(&dela.dn);
    it.delete(&dora.dn);
    it.set(&edda.dn, title, "Queen");
    it.set(&egon.dn, title, "King");
    it.set(&ivo.dn, title, "Jester");
    let again = it.scene.entry(&anja.dn.to_string()).unwrap();
    it.delete(&anja.dn);
    let kept = ["objectClass", "cn", "sn", "sAMAccountName", "uid", "userPrincipalName"];
    let values: Vec<(String, Vec<Vec<u8>>)> = kept
        .iter()
        .filter(|name| !again.bytes(name).is_empty())
        .map(|name| ((*name).to_owned(), again.bytes(name).to_vec()))
        .collect();
    it.scene.peer.session().add(&anja.dn, &values).unwrap();
    let mut session = it.scene.peer.session();
    let member = |name: &Dn| vec![name.to_string().into_bytes()];
    let changes = [Change::Add("member".into(), member(&egon.dn))];
    session.modify(&At::Named(team.clone()), &changes).unwrap();
    let changes = [Change::Remove("member".into(), member(&edda.dn))];
    session.modify(&At::Named(team.clone()), &changes).unwrap();

    // One look at what has changed finds each of it.
    assert!(it.look().contains("looked through for changes"));
    let team_name = team.first().unwrap().value().to_owned();
    let mut wanted = set_of(&[
        ("unknown", "", "Elsewhere"),
        ("moved", "", mona.name),
        ("moved", "", mike.name),
        ("renamed", "name", rena.name),
        ("renamed", "name", rolf.name),
        ("deleted", "", dela.name),
        ("deleted", "", dora.name),
        ("attribute", title, edda.name),
        ("attribute", title, egon.name),
        ("attribute", title, ivo.name),
        ("deleted", "", anja.name),
        ("member_added", &egon.guid, &team_name),
        ("member_removed", &edda.guid, &team_name),
    ]);
    let strangers: Vec<Value> = it
        .list("open")
        .into_iter()
        .filter(|each| each["kind"] == "unknown" && each["class"] == "user")
        .collect();
    assert_eq!(strangers.len(), 1, "{strangers:?}");
    let stranger = &strangers[0];
    assert!(stranger["object"] != json!(anja.guid), "another object");
    wanted.insert(("unknown".into(), String::new(), stranger["name"].as_str().unwrap().to_owned()));
    assert_eq!(it.open(), wanted);
    // Looked at again it is the same, and nobody is told twice.
    let told = it.scene.world.count("SELECT count(*) FROM messages WHERE event = 'drift.found'");
    it.look();
    assert_eq!(it.open(), wanted);
    let again = it.scene.world.count("SELECT count(*) FROM messages WHERE event = 'drift.found'");
    assert_eq!(again, told);

    // Ours holds, or theirs.
    it.push(it.id("moved", mona.name));
    assert!(it.scene.entry(&mona.dn.to_string()).is_some());
    it.say(it.id("moved", mike.name), "take", json!({}));
    let mike_now = elsewhere.child(mike.dn.first().unwrap().clone());
    assert_eq!(dn(&it.lies(&mike).unwrap()), mike_now);
    it.push(it.id("renamed", rena.name));
    assert!(it.scene.entry(&rena.dn.to_string()).is_some());
    assert!(it.scene.entry(&rena_now.to_string()).is_none());
    it.say(it.id("renamed", rolf.name), "take", json!({}));
    assert_eq!(dn(&it.lies(&rolf).unwrap()), rolf_now);
    it.push(it.id("attribute", edda.name));
    assert_eq!(it.scene.entry(&edda.dn.to_string()).unwrap().text(title), "");
    it.say(it.id("attribute", egon.name), "take", json!({}));
    assert_eq!(it.shown(egon.user)["job_title"], "King");
    it.push(it.id("member_added", &team_name));
    it.say(it.id("member_removed", &team_name), "take", json!({}));
    let members = it.scene.entry(&team.to_string()).unwrap().texts("member").join(";");
    assert!(!members.contains(&value(&egon)), "{members}");
    // Who was deleted: disabled here, or only forgotten.
    it.say(it.id("deleted", dela.name), "take", json!({}));
    assert_eq!(it.shown(dela.user)["state"], "disabled");
    it.say(it.id("deleted", dora.name), "forget", json!({}));
    assert_eq!(it.shown(dora.user)["state"], "active");
    assert_eq!((it.lies(&dela), it.lies(&dora)), (None, None));
    // Who came again is somebody else until somebody says who; the link to the old one gives way.
    let id = stranger["id"].as_i64().unwrap();
    let url = format!("/drift/{id}/push");
    let refused = it.admin().api_post(&url, json!({})).expect(422).body;
    assert!(refused.contains("There is nothing of ours to bring there"), "{refused}");
    it.say(id, "adopt", json!({ "user_id": anja.user }));
    assert_eq!(it.lies(&anja), None);
    let bound = format!("SELECT object FROM bindings WHERE user_id = {}", anja.user);
    assert_eq!(it.scene.world.text(&bound), stranger["object"].as_str().unwrap());
    // An OU that others made becomes the customer's, with whoever was moved there.
    it.say(it.id("unknown", "Elsewhere"), "adopt", json!({}));
    // Let be until it changes.
    let id = it.id("attribute", ivo.name);
    it.say(id, "ignore", json!({}));
    it.look();
    assert_eq!(it.state(id), "ignored");
    let left: BTreeSet<(String, String, String)> =
        it.open().into_iter().filter(|(_, _, name)| name != anja.name).collect();
    assert_eq!(left, set_of(&[]));
    it.set(&ivo.dn, title, "Fool");
    it.look();
    assert_eq!(it.state(id), "open");
    // Put right there, it goes by itself.
    let nothing = Change::Set(title.to_owned(), Vec::new());
    session.modify(&At::Named(ivo.dn.clone()), &[nothing]).unwrap();
    it.look();
    assert_eq!(it.state(id), "settled");
    let admin = it.admin();
    let url = format!("/directories/{}/drift/look", it.scene.directory);
    let run = admin.api_post(&url, json!({})).expect(202).json()["run_id"].as_i64().unwrap();
    assert_eq!(it.scene.world.finish(run), "done");
    let left: BTreeSet<(String, String, String)> =
        it.open().into_iter().filter(|(_, _, name)| name != anja.name).collect();
    assert_eq!(left, set_of(&[]), "everything was looked through");
    engine.stop();
}

#[test]
fn p_70_what_others_change_is_found_and_resolved_in_active_directory() {
    everything(&Watched::new(Scene::new(samba())));
}

#[test]
fn p_70_what_others_change_is_found_and_resolved_in_openldap() {
    everything(&Watched::new(Scene::new(slapd())));
}

#[test]
fn p_70_disabled_enabled_and_signed_in_otherwise() {
    let it = Watched::new(Scene::new(samba()));
    let engine = it.engine();
    let [ann, bob, off, upn] =
        ["Ann Active", "Bob Active", "Otto Off", "Una Name"].map(|name| it.one(name));
    it.admin().api_post(&format!("/users/{}/disable", off.user), json!({})).expect(200);
    it.scene.done((it.customer, Some(off.user)), "dir.disable", json!({}));
    it.look();
    assert_eq!(it.open(), set_of(&[]));
    let flags = |one: &One| {
        let entry = it.scene.entry(&one.dn.to_string()).unwrap();
        entry.number("userAccountControl").unwrap() & 2
    };
    it.set(&ann.dn, "userAccountControl", "514");
    it.set(&bob.dn, "userAccountControl", "514");
    it.set(&off.dn, "userAccountControl", "512");
    let entry = it.scene.entry(&upn.dn.to_string()).unwrap();
    let other = entry.text("userPrincipalName").replacen('@', "-x@", 1);
    it.set(&upn.dn, "userPrincipalName", &other);
    it.look();
    let wanted = set_of(&[
        ("disabled", "", ann.name),
        ("disabled", "", bob.name),
        ("renamed", "userPrincipalName", upn.name),
    ]);
    // Who is disabled here is shut out again at once, and nobody has to be asked.
    until("it is pushed back", || {
        it.scene.world.text("SELECT state FROM drift WHERE kind = 'enabled'") == "settled"
    });
    assert_eq!(flags(&off), 2);
    assert_eq!(it.shown(off.user)["state"], "disabled");
    assert_eq!(it.open(), wanted);
    let class = "SELECT class FROM requests WHERE id = (SELECT request_id FROM drift WHERE kind = 'enabled')";
    assert_eq!(it.scene.world.text(class), "security");
    it.push(it.id("disabled", ann.name));
    assert_eq!((flags(&ann), it.shown(ann.user)["state"].clone()), (0, json!("active")));
    it.say(it.id("disabled", bob.name), "take", json!({}));
    assert_eq!((flags(&bob), it.shown(bob.user)["state"].clone()), (2, json!("disabled")));
    it.say(it.id("renamed", upn.name), "take", json!({}));
    assert_eq!(it.shown(upn.user)["upn"], json!(other));
    it.look();
    assert_eq!(it.open(), set_of(&[]));
    engine.stop();
}

#[test]
fn p_70_disabled_and_enabled_are_found_in_openldap_by_what_says_so_there() {
    let it = Watched::new(Scene::new(slapd()));
    let at = format!("/directories/{}", it.scene.directory);
    let by = json!({ "disabling": "attribute", "disable_attribute": "carLicense=off" });
    it.admin().api_patch(&at, by).expect(200);
    let engine = it.engine();
    let [ann, bob, off] = ["Ann Active", "Bob Active", "Otto Off"].map(|name| it.one(name));
    it.admin().api_post(&format!("/users/{}/disable", off.user), json!({})).expect(200);
    it.scene.done((it.customer, Some(off.user)), "dir.disable", json!({}));
    it.look();
    assert_eq!(it.open(), set_of(&[]));
    let says = |one: &One| it.scene.entry(&one.dn.to_string()).unwrap().text("carLicense");
    assert_eq!(says(&off), "off");
    it.set(&ann.dn, "carLicense", "off");
    it.set(&bob.dn, "carLicense", "OFF");
    it.set(&off.dn, "carLicense", "B-AA 1");
    it.look();
    // Who is disabled here is shut out again at once, and nobody has to be asked.
    until("it is pushed back", || {
        it.scene.world.text("SELECT state FROM drift WHERE kind = 'enabled'") == "settled"
    });
    assert_eq!((says(&off).as_str(), &it.shown(off.user)["state"]), ("off", &json!("disabled")));
    assert_eq!(it.open(), set_of(&[("disabled", "", ann.name), ("disabled", "", bob.name)]));
    it.push(it.id("disabled", ann.name));
    assert_eq!((says(&ann).as_str(), &it.shown(ann.user)["state"]), ("", &json!("active")));
    it.say(it.id("disabled", bob.name), "take", json!({}));
    assert_eq!((says(&bob).as_str(), &it.shown(bob.user)["state"]), ("OFF", &json!("disabled")));
    it.look();
    assert_eq!(it.open(), set_of(&[]));
    engine.stop();
}

#[test]
fn what_was_deleted_is_made_again_by_the_service_that_made_it() {
    let it = Watched::new(Scene::new(samba()));
    let admin = it.admin();
    install(&admin, "directory");
    let engine = it.engine();
    let body = json!({ "service": "directory" });
    let told = admin.api_post(&format!("/customers/{}/services", it.customer), body).expect(202);
    it.ended(told.json()["request_id"].as_i64().unwrap());
    let user = it.scene.user(it.customer, "Theo Vane", "theo");
    let body = json!({ "service": "directory", "plan": "account" });
    let told = admin.api_post(&format!("/users/{user}/services"), body).expect(202);
    it.ended(told.json()["request_id"].as_i64().unwrap());
    it.look();
    let object = format!("SELECT object FROM bindings WHERE user_id = {user}");
    let (before, place) = (
        it.scene.world.text(&object),
        dn(&it.scene.world.text(&object.replace("SELECT object", "SELECT dn"))),
    );
    it.delete(&place);
    it.look();
    let id = it.id("deleted", "Theo Vane");
    // The page says what there is to say, and does it.
    let page = admin.get(&format!("/drift/{id}")).expect(200);
    for text in ["Somebody deleted it there.", "Ours holds", "Theirs holds", "Forget it"] {
        assert!(page.says(text), "{text}: {}", page.body);
    }
    assert!(!page.says("Adopt it"));
    let listed = admin.get(&format!("/directories/{}/drift", it.scene.directory)).expect(200);
    assert!(listed.says("Theo Vane") && listed.says("Deleted"), "{}", listed.body);
    admin.post(&format!("/drift/{id}/push"), &[]).expect(303);
    until("the account is there again", || {
        it.scene.world.count("SELECT count(*) FROM requests WHERE turn <> 'over'") == 0
    });
    let entry = it.scene.entry(&place.to_string()).unwrap();
    assert_eq!(entry.number("userAccountControl").unwrap() & 2, 0);
    assert!(it.scene.world.text(&object) != before, "another object");
    it.look();
    assert_eq!(it.open(), set_of(&[]));
    engine.stop();
}

#[test]
fn fields_are_written_back_by_itself_where_that_is_wanted_and_of_many_somebody_is_asked() {
    let it = Watched::new(Scene::new(samba()));
    let engine = it.engine();
    let all = ["Ann One", "Bea Two", "Cid Three", "Dan Four"].map(|name| it.one(name));
    let url = format!("/directories/{}", it.scene.directory);
    let admin = it.admin();
    admin.api_patch(&url, json!({ "drift": "repair" })).expect(200);
    it.look();
    it.set(&all[0].dn, "title", "Queen");
    it.look();
    let last = "SELECT max(id) FROM runs WHERE kind = 'directory.repair'";
    assert_eq!(it.scene.world.finish(it.scene.world.count(last)), "done");
    until("it is written back", || {
        it.scene.world.count("SELECT count(*) FROM drift WHERE state <> 'settled'") == 0
    });
    assert_eq!(it.scene.entry(&all[0].dn.to_string()).unwrap().text("title"), "");
    for one in &all {
        it.set(&one.dn, "title", "Queen");
    }
    it.look();
    assert_eq!(it.scene.world.finish(it.scene.world.count(last)), "held");
    assert_eq!(it.open().len(), 4);
    assert_eq!(it.scene.entry(&all[0].dn.to_string()).unwrap().text("title"), "Queen");
    engine.stop();
}

#[test]
fn p_95_who_is_kept_for_emergencies_is_told_of_and_stays() {
    let it = Watched::new(Scene::new(samba()));
    it.scene.lives(PROVIDER);
    let user = it.scene.user(PROVIDER, "Glass Break", "glass");
    let who = (PROVIDER, Some(user));
    let made = it.scene.done(who, "dir.user_ensure", json!({}));
    it.scene.done(who, "dir.enable", json!({}));
    let set = "UPDATE users SET break_glass = 1 WHERE id = ?1";
    it.scene.world.sql().execute(set, [user]).unwrap();
    it.look();
    it.set(&dn(&out(&made, "dn")), "userAccountControl", "514");
    it.look();
    let id = it.id("disabled", "Glass Break");
    let url = format!("/drift/{id}/take");
    let refused = it.admin().api_post(&url, json!({})).expect(422).body;
    assert!(refused.contains("is kept for emergencies here, and stays"), "{refused}");
    assert_eq!(it.shown(user)["state"], "active");
}

#[test]
fn nobody_sees_what_differs_at_others() {
    let it = Watched::new(Scene::new(samba()));
    let ann = it.one("Ann Ash");
    it.look();
    it.set(&ann.dn, "title", "Queen");
    it.look();
    let id = it.id("attribute", ann.name);
    let kestrel = it.scene.world.reseller("Kestrel");
    let strange = it.scene.world.person(kestrel, "Reseller administrator");
    let list = format!("/directories/{}/drift", it.scene.directory);
    for page in [list.clone(), format!("/drift/{id}")] {
        strange.get(&page).expect(404);
        strange.api_get(&page).expect(404);
    }
    for verb in ["push", "take", "ignore", "adopt", "forget"] {
        strange.post(&format!("/drift/{id}/{verb}"), &[]).expect(404);
        strange.api_post(&format!("/drift/{id}/{verb}"), json!({})).expect(404);
    }
    strange.api_post(&format!("{list}/look"), json!({})).expect(404);
    let own = it.scene.world.person(it.customer, "Customer administrator");
    own.get(&list).expect(404);
    own.api_post(&format!("/drift/{id}/push"), json!({})).expect(403);
    assert_eq!(it.state(id), "open");
}

#[test]
fn p_65_an_account_of_the_same_name_outside_stays_until_it_is_adopted_or_another_name_is_chosen() {
    let it = Watched::new(Scene::new(samba()));
    let admin = it.admin();
    install(&admin, "directory");
    let engine = it.engine();
    let body = json!({ "service": "directory" });
    let told = admin.api_post(&format!("/customers/{}/services", it.customer), body).expect(202);
    it.ended(told.json()["request_id"].as_i64().unwrap());
    let outside = unit(&it.scene, &it.scene.base, "Outside");
    let order = |name: &str, local: &str| {
        let user = it.scene.user(it.customer, name, local);
        let username =
            it.scene.world.text(&format!("SELECT username FROM users WHERE id = {user}"));
        let mut session = it.scene.peer.session();
        let more = [("description", "theirs")];
        let there = crate::matching::add(&mut session, &outside, &username, "", &more);
        let body = json!({ "service": "directory", "plan": "account" });
        let told = admin.api_post(&format!("/users/{user}/services"), body).expect(202).json();
        let request = told["request_id"].as_i64().unwrap();
        let status = format!("SELECT status FROM requests WHERE id = {request}");
        until("it fails", || it.scene.world.text(&status) == "failed");
        (user, there, request)
    };
    let seen = |name: &Dn| {
        let mut session = it.scene.peer.session();
        let read = ["objectGUID", "uSNChanged", "userAccountControl"];
        let entry = session.read(&At::Named(name.clone()), &read).unwrap().unwrap();
        (entry.bytes("objectGUID").to_vec(), entry.text("uSNChanged"))
    };
    // Adopted: it comes to the customer's OU with the next attempt, and is the same account.
    let (ann, there, request) = order("Ann Ash", "ann");
    let before = seen(&there);
    let page = admin.get(&format!("/requests/{request}")).expect(200);
    assert!(page.says("is in the directory already and is not ours"), "{}", page.body);
    let choices = format!("/users/{ann}/directory/same");
    assert!(page.body.contains(&choices), "{}", page.body);
    let page = admin.get(&choices).expect(200);
    assert!(page.says("Outside the customer's OU") && page.says("Change the user name"));
    let same = admin.api_get(&choices).expect(200).json();
    assert_eq!(same["items"].as_array().unwrap().len(), 1, "{same}");
    let one = &same["items"][0];
    assert_eq!((&one["outside"], &one["why_not"]), (&json!(true), &json!("")));
    assert_eq!(seen(&there), before, "untouched by the order and by looking");
    // Who looks after the customer alone may not know where it lies.
    let local = it.scene.world.person(it.customer, "Customer administrator");
    let told = local.api_get(&choices).expect(200).json();
    assert_eq!(told["items"][0]["place"], "", "{told}");
    let body = json!({ "object": one["object"] });
    let refused = local.api_post(&format!("/users/{ann}/directory/adopt"), body).expect(422).body;
    assert!(refused.contains("Whoever looks after the directory can adopt it"), "{refused}");
    let object = one["object"].as_str().unwrap();
    admin.post(&format!("/users/{ann}/directory/adopt"), &[("object", object)]).expect(303);
    assert_eq!(seen(&there), before, "untouched until it is tried again");
    admin.api_post(&format!("/requests/{request}/retry"), json!({})).expect(202);
    it.ended(request);
    let now = dn(&it.scene.world.text(&format!("SELECT dn FROM bindings WHERE user_id = {ann}")));
    assert!(now.is_below(&it.scene.base) && !now.is_below(&outside), "{now}");
    assert_eq!(seen(&now).0, before.0, "the same account");
    let entry = it.scene.entry(&now.to_string()).unwrap();
    assert_eq!(entry.text("displayName"), "Ann Ash");
    assert!(it.scene.entry(&there.to_string()).is_none());
    // Renamed: an account of their own is made, and the other stays as it is.
    let (bob, there, request) = order("Bob Birch", "bob");
    let before = seen(&there);
    let other = format!("bb{}", unique(&it.scene));
    let username = json!({ "username": other.get(..14).unwrap_or(&other) });
    admin.api_patch(&format!("/users/{bob}"), username).expect(200);
    admin.api_post(&format!("/requests/{request}/retry"), json!({})).expect(202);
    it.ended(request);
    assert_eq!(seen(&there), before, "untouched");
    let bound = format!("SELECT object FROM bindings WHERE user_id = {bob}");
    assert_eq!(it.scene.world.text(&bound).len(), 36);
    // Another customer's people do not even know of it.
    let strange = it.scene.world.reseller("Kestrel");
    let strange = it.scene.world.person(strange, "Reseller administrator");
    strange.api_get(&choices).expect(404);
    strange.api_post(&format!("/users/{ann}/directory/adopt"), json!({})).expect(404);
    engine.stop();
}

#[test]
fn whoever_is_imported_has_the_service_of_the_directory_without_any_work() {
    let it = Watched::new(Scene::new(samba()));
    let admin = it.admin();
    install(&admin, "directory");
    let engine = it.engine();
    let body = json!({ "service": "directory" });
    let told = admin.api_post(&format!("/customers/{}/services", it.customer), body).expect(202);
    it.ended(told.json()["request_id"].as_i64().unwrap());
    let area =
        it.scene.world.text("SELECT dn FROM bindings WHERE class = 'ou' AND subject = 'customer'");
    let local = format!("{}-ann", unique(&it.scene));
    let upn = format!("{local}@brightwater.example");
    let mut session = it.scene.peer.session();
    let there = crate::matching::add(&mut session, &dn(&area), &local, &upn, &[]);
    let before = it.scene.entry(&there.to_string()).unwrap();
    let body = json!({ "ous": [area] });
    let numbers = crate::matching::import(&it.scene, &admin, it.customer, &body);
    assert_eq!((&numbers["created"], &numbers["refused"]), (&json!(1), &json!(0)));
    let world = &it.scene.world;
    let state = "SELECT wanted || ' ' || live || ' ' || services.code
                   FROM user_services JOIN services ON services.id = service_id";
    assert_eq!(world.texts(state), ["on on directory"]);
    let steps = "SELECT count(*) FROM steps JOIN requests ON requests.id = request_id
                  WHERE event LIKE 'user_service.%'";
    assert_eq!(world.count(steps), 0, "no work");
    assert_eq!(it.scene.entry(&there.to_string()).unwrap(), before, "as it is");
    let billed = "SELECT count(*) FROM ledger WHERE kind = 'user_service' AND action = 'added'";
    assert_eq!(world.count(billed), 1);
    let told = world.text("SELECT group_concat(text) FROM run_lines WHERE run_id = (SELECT max(id) FROM runs WHERE kind = 'directory.import')");
    assert!(told.contains("Has Directory account from now on, as it is."), "{told}");
    // Again: nothing more.
    crate::matching::import(&it.scene, &admin, it.customer, &body);
    assert_eq!((world.texts(state).len(), world.count(billed)), (1, 1));
    engine.stop();
}
