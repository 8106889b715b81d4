//! Domains: shown to be theirs by the DNS, shared with customers below, kept from everybody.

use crate::world::{Answer, PROVIDER, Person, World};
use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::{RData, Record};
use portico::ids::CustomerId;
use portico::jobs;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

/// A name server of the test: texts by name, over UDP; those that are long only over TCP.
struct NameServer {
    address: SocketAddr,
    texts: Arc<Mutex<HashMap<String, Vec<String>>>>,
}

impl NameServer {
    fn start() -> NameServer {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = udp.local_addr().unwrap();
        let tcp = TcpListener::bind(address).unwrap();
        let texts: Arc<Mutex<HashMap<String, Vec<String>>>> = Arc::default();
        let known = texts.clone();
        thread::spawn(move || {
            let mut buffer = [0; 512];
            while let Ok((length, from)) = udp.recv_from(&mut buffer) {
                let whole = answer(&buffer[..length], &known.lock().unwrap());
                let bytes = whole.to_vec().unwrap();
                let bytes =
                    if bytes.len() > 512 { whole.truncate().to_vec().unwrap() } else { bytes };
                // A stranger's answer comes first and must not be taken for ours.
                let mut forged = whole.clone();
                forged.metadata.id ^= 1;
                udp.send_to(&forged.to_vec().unwrap()[..bytes.len().min(512)], from).unwrap();
                udp.send_to(&bytes, from).unwrap();
            }
        });
        let known = texts.clone();
        thread::spawn(move || {
            while let Ok((mut stream, _)) = tcp.accept() {
                let mut length = [0; 2];
                stream.read_exact(&mut length).unwrap();
                let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
                stream.read_exact(&mut question).unwrap();
                let bytes = answer(&question, &known.lock().unwrap()).to_vec().unwrap();
                stream.write_all(&u16::try_from(bytes.len()).unwrap().to_be_bytes()).unwrap();
                stream.write_all(&bytes).unwrap();
            }
        });
        NameServer { address, texts }
    }

    fn says(&self, name: &str, texts: &[&str]) {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        self.texts.lock().unwrap().insert(format!("{name}."), texts);
    }

    fn world(&self) -> World {
        let address = self.address;
        World::told(|config| config.name_servers = vec![address])
    }
}

fn answer(question: &[u8], known: &HashMap<String, Vec<String>>) -> Message {
    let asked = Message::from_vec(question).unwrap();
    let mut answer = Message::new(asked.metadata.id, MessageType::Response, OpCode::Query);
    let query = asked.queries[0].clone();
    match known.get(&query.name().to_ascii()) {
        None => answer.metadata.response_code = ResponseCode::NXDomain,
        Some(texts) => {
            for text in texts {
                let parts = text
                    .as_bytes()
                    .chunks(200)
                    .map(|c| String::from_utf8_lossy(c).into())
                    .collect();
                let data = RData::TXT(TXT::new(parts));
                answer.add_answer(Record::from_rdata(query.name().clone(), 60, data));
            }
        }
    }
    answer.add_query(query);
    answer
}

fn add(who: &Person, customer: CustomerId, name: &str) -> Answer {
    who.api_post(&format!("/customers/{customer}/domains"), json!({ "name": name }))
}

fn record(made: &Value) -> (String, String) {
    let part = |key: &str| made["record"][key].as_str().unwrap().to_owned();
    (part("name"), part("text"))
}

#[test]
fn a_domain_of_the_customer_waits_until_its_dns_confirms_it() {
    let server = NameServer::start();
    let world = server.world();
    let customer = world.customer(PROVIDER, "Aldermoor");
    let admin = world.person(customer, "Customer administrator");
    let made = add(&admin, customer, "bücher.example").expect(201).json();
    assert_eq!(made["verified_at"], Value::Null);
    let (name, text) = record(&made);
    assert_eq!(name, "_portico.xn--bcher-kva.example");
    let url = format!("/customers/{customer}/domains/{}", made["id"]);
    let page = admin.get(&url).expect(200);
    assert!(page.says(&name) && page.says(&text) && page.says("Look now"));
    assert!(!page.says("Confirm by hand"), "that is for those above");

    let verify = || admin.api_post(&format!("{url}/verify"), json!({}));
    let yet = "bücher.example has no text record at _portico.xn--bcher-kva.example yet. New records can take an hour to be seen.";
    assert_eq!(verify().complaints(), [yet]);
    assert!(admin.get(&url).says("New records can take an hour"), "the page remembers");
    server.says(&name, &["portico-verification=somebody-else"]);
    assert_eq!(
        verify().complaints(),
        ["The text record of _portico.xn--bcher-kva.example says something else."]
    );
    let user = json!({ "first_name": "Jane", "upn": "jane@bücher.example" });
    let refused = admin.api_post(&format!("/customers/{customer}/users"), user.clone());
    assert_eq!(refused.complaints(), ["upn must end in one of aldermoor.example"]);

    // A long answer comes over TCP.
    let noise = "v=spf1 ".repeat(90);
    server.says(&name, &[&noise, &text]);
    let done = admin.post(&format!("{url}/verify"), &[]);
    assert_eq!(done.location(), format!("/customers/{customer}/domains"));
    admin.api_post(&format!("/customers/{customer}/users"), user).expect(201);
    let audit = "SELECT detail FROM audit_log WHERE action = 'domain.verified'";
    let detail: Value = serde_json::from_str(&world.text(audit)).unwrap();
    assert_eq!(detail, json!({ "domain": "xn--bcher-kva.example", "by": "dns" }));
}

#[test]
fn the_clock_confirms_what_waits_and_says_what_it_found() {
    let server = NameServer::start();
    let world = server.world();
    let customer = world.customer(PROVIDER, "Aldermoor");
    let admin = world.person(customer, "Customer administrator");
    let (name, text) = record(&add(&admin, customer, "one.example").json());
    add(&admin, customer, "two.example").expect(201);
    server.says(&name, &[&text]);
    jobs::run_now(&world.app, "Domains").unwrap();
    let waiting = "SELECT group_concat(name) FROM domains WHERE verified_at IS NULL";
    assert_eq!(world.text(waiting), "two.example");
    let lines = "SELECT group_concat(result, ',') FROM run_lines";
    assert_eq!(world.text(lines), "confirmed,waits");
}

#[test]
fn without_an_answer_nothing_is_decided() {
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let world = World::told(|config| config.name_servers = vec![address]);
    let customer = world.customer(PROVIDER, "Aldermoor");
    let admin = world.person(customer, "Customer administrator");
    let id = add(&admin, customer, "one.example").id();
    let said = admin.api_post(&format!("/customers/{customer}/domains/{id}/verify"), json!({}));
    assert_eq!(said.complaints(), ["No name server answered. Try again in a few minutes."]);
}

#[test]
fn public_and_reserved_names_their_twins_and_the_providers_own_are_refused() {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let customer = world.customer(reseller, "Aldermoor");
    let provider = world.person(PROVIDER, "Provider administrator");
    let above = world.person(reseller, "Reseller administrator");
    let own = world.person(customer, "Customer administrator");
    for name in ["gmail.com", "GMAIL.COM.", "gmаil.com", "xn--gmil-63d.com", "x.onmicrosoft.com"] {
        let said = add(&above, customer, name).complaints();
        assert_eq!(
            said,
            ["name is a public mail domain; use one of aldermoor.example, brightwater.example"],
            "{name}"
        );
    }
    assert_eq!(
        add(&own, customer, "gmx.de").complaints(),
        ["name is a public mail domain; use one of aldermoor.example"]
    );
    assert_eq!(
        add(&above, customer, "co.uk").complaints(),
        ["name is reserved: names are sold below it"]
    );
    let page = above.post(&format!("/customers/{customer}/domains"), &[("name", "gmail.com")]);
    assert!(
        page.expect(422)
            .says("is a public mail domain; use one of aldermoor.example, brightwater.example")
    );

    let list = "/restricted-domains";
    assert_eq!(above.api_get(list).status, 403);
    assert_eq!(above.api_post(list, json!({ "pattern": "a.example", "reason": "x" })).status, 403);
    assert_eq!(above.get("/settings/restricted-domains").status, 403);
    let wrong = provider.api_post(list, json!({ "pattern": "-", "reason": "" }));
    assert_eq!(
        wrong.complaints(),
        ["pattern is not a domain like company.example", "reason is required"]
    );
    let ours = json!({ "pattern": "*.Tarnholm.example", "reason": "the provider’s own" });
    let id = provider.api_post(list, ours.clone()).expect(201).id();
    assert_eq!(provider.api_post(list, ours).complaints(), ["pattern is in the list already"]);
    assert_eq!(
        add(&above, customer, "shop.tarnholm.example").complaints(),
        ["name is reserved: the provider’s own"]
    );
    assert!(provider.get("/settings/restricted-domains").says("*.tarnholm.example"));
    let done = provider.post(&format!("/settings/restricted-domains/{id}/remove"), &[]);
    assert_eq!(done.location(), "/settings/restricted-domains");
    add(&above, customer, "shop.tarnholm.example").expect(201);
}

#[test]
fn a_shared_domain_serves_customers_below_and_no_sibling() {
    let world = World::new();
    let (reseller, sibling) = (world.reseller("Brightwater"), world.reseller("Ferrow"));
    let customer = world.customer(reseller, "Aldermoor");
    let stranger = world.customer(sibling, "Marlow");
    let above = world.person(reseller, "Reseller administrator");
    let own = world.person(customer, "Customer administrator");
    let other = world.person(sibling, "Reseller administrator");
    let domain = world.count("SELECT id FROM domains WHERE name = 'brightwater.example'");
    assert_eq!(
        add(&own, customer, "brightwater.example").complaints(),
        ["name already belongs to another customer"]
    );
    assert_eq!(
        add(&other, stranger, "brightwater.example").complaints(),
        ["name already belongs to another customer"]
    );
    let share = format!("/customers/{reseller}/domains/{domain}/share");
    for wrong in [stranger, sibling, reseller, PROVIDER] {
        let said = above.api_post(&share, json!({ "customer_id": wrong }));
        assert_eq!(said.complaints(), ["customer_id is not one of the choices"]);
    }
    assert_eq!(own.api_post(&share, json!({ "customer_id": customer })).status, 404);
    assert!(
        above.get(&format!("/customers/{reseller}/domains/{domain}")).says("Let it use the domain")
    );
    let shared = above.api_post(&share, json!({ "customer_id": customer })).expect(200).json();
    assert_eq!(shared["shared_with"], json!([customer]));
    assert_eq!(
        add(&above, customer, "brightwater.example").complaints(),
        ["name is one of its domains already"]
    );
    let users = format!("/customers/{customer}/users");
    let jane = json!({ "first_name": "Jane", "upn": "jane@brightwater.example" });
    own.api_post(&users, jane).expect(201);

    let theirs = format!("/customers/{customer}/domains/{domain}");
    let used = ["brightwater.example is still used by 1 sign-in name, 0 addresses."];
    assert_eq!(own.api_delete(&theirs).complaints(), used);
    assert_eq!(above.api_delete(&theirs).complaints(), used);
    assert!(own.post(&format!("{theirs}/remove"), &[]).expect(422).says(used[0]));
    let mine = format!("/customers/{reseller}/domains/{domain}");
    let all = above.api_delete(&mine).complaints();
    assert!(all.contains(&"brightwater.example is shared with Aldermoor.".to_owned()), "{all:?}");
    assert_eq!(
        own.api_patch(&theirs, json!({ "receives_mail": false })).complaints(),
        ["receives_mail is for its owner to say"]
    );
    assert_eq!(other.get(&mine).status, 404);
    assert_eq!(other.api_patch(&mine, json!({ "main": true })).status, 404);

    // Not even by hand.
    let sql = world.sql();
    let domain_of =
        |name: &str| world.count(&format!("SELECT id FROM domains WHERE name = '{name}'"));
    let use_it = sql.execute(
        "INSERT INTO customer_domains (customer_id, domain_id) VALUES (?1, ?2)",
        (stranger, domain),
    );
    assert!(use_it.unwrap_err().to_string().contains("serves its owner and customers below it"));
    let jane = world.count("SELECT id FROM users WHERE first_name = 'Jane'");
    let name =
        "INSERT INTO user_names (name, customer_id, domain_id, user_id) VALUES (?1, ?2, ?3, ?4)";
    let lied =
        sql.execute(name, ("x@ferrow.example", customer, domain_of("aldermoor.example"), jane));
    assert!(lied.unwrap_err().to_string().contains("a name is on the domain it belongs to"));
    let foreign =
        sql.execute(name, ("x@ferrow.example", customer, domain_of("ferrow.example"), jane));
    assert!(foreign.unwrap_err().to_string().contains("FOREIGN KEY"));
}

#[test]
fn a_second_billing_id_or_domain_is_refused_also_in_a_race() {
    let world = World::new();
    let (one, two) = (world.customer(PROVIDER, "Aldermoor"), world.customer(PROVIDER, "Ferrow"));
    let own = [one, two].map(|id| (id, world.person(id, "Customer administrator")));
    let mine = own.each_ref().map(|(id, who)| (*id, who));
    assert_eq!(at_once(&mine, |id, who| add(who, id, "race.example").status), [201, 422]);
    let admins = [one, two].map(|id| (id, world.person(PROVIDER, "Provider administrator")));
    let theirs = admins.each_ref().map(|(id, who)| (*id, who));
    for field in ["billing_id", "external_id"] {
        let set = |id: CustomerId, who: &Person| {
            who.api_patch(&format!("/customers/{id}"), json!({ (field): "X-1" })).status
        };
        assert_eq!(at_once(&theirs, set), [200, 422], "{field}");
    }
}

fn at_once(
    people: &[(CustomerId, &Person); 2],
    act: impl Fn(CustomerId, &Person) -> u16 + Sync,
) -> [u16; 2] {
    let act = &act;
    let mut statuses = thread::scope(|threads| {
        people.map(|(id, who)| threads.spawn(move || act(id, who))).map(|each| each.join().unwrap())
    });
    statuses.sort_unstable();
    statuses
}

#[test]
fn users_on_a_domain_without_mail_need_an_address_elsewhere() {
    let world = World::new();
    let customer = world.customer(PROVIDER, "Aldermoor");
    let admin = world.person(PROVIDER, "Provider administrator");
    let made = json!({ "name": "signin.example", "receives_mail": false, "mail_mode": "relay" });
    let made = admin.api_post(&format!("/customers/{customer}/domains"), made).expect(201).json();
    assert_eq!((&made["receives_mail"], &made["mail_mode"]), (&json!(false), &json!("relay")));
    let users = format!("/customers/{customer}/users");
    let mut jane = json!({ "first_name": "Jane", "upn": "jane@signin.example" });
    let refused = admin.api_post(&users, jane.clone());
    assert_eq!(
        refused.complaints(),
        ["external_emails is required: signin.example receives no mail"]
    );
    jane["external_emails"] = json!(["jane@elsewhere.example"]);
    let id = admin.api_post(&users, jane).expect(201).id();
    let url = format!("/users/{id}");
    let gone = admin.api_patch(&url, json!({ "external_emails": [] }));
    assert_eq!(gone.complaints(), ["external_emails is required: signin.example receives no mail"]);
    admin
        .api_patch(&url, json!({ "external_emails": [], "mail": "jane@aldermoor.example" }))
        .expect(200);
}

#[test]
fn the_tree_opens_level_by_level_within_reach() {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let customer = world.customer(reseller, "Aldermoor");
    world.user(customer, "Jane", "jane");
    let sibling = world.reseller("Ferrow");
    let admin = world.person(PROVIDER, "Provider administrator");
    let top = admin.api_get("/customers/tree").expect(200).json();
    assert_eq!(top["items"][0]["name"], "Tarnholm IT");
    assert_eq!(top["items"][0]["customers"], 2);
    let next = admin.api_get("/customers/tree?at=1&limit=1").json();
    assert_eq!(
        (&next["items"][0]["name"], next["next"].is_string()),
        (&json!("Brightwater"), true)
    );
    let page = admin.get(&format!("/customers/tree?at={reseller}")).expect(200);
    assert!(page.says("Aldermoor") && page.says("href=\"/customers/tree\""), "{}", page.body);
    assert!(admin.get("/customers").says("/customers/tree"));

    let above = world.person(reseller, "Reseller administrator");
    let top = above.api_get("/customers/tree").json();
    assert_eq!(top["items"].as_array().unwrap().len(), 1);
    assert_eq!(top["items"][0]["name"], "Brightwater");
    for at in [PROVIDER, sibling] {
        assert_eq!(above.api_get(&format!("/customers/tree?at={at}")).status, 404);
        assert_eq!(above.get(&format!("/customers/tree?at={at}")).status, 404);
    }
    let own = world.person(customer, "Customer administrator");
    let top = own.api_get("/customers/tree").json();
    assert_eq!(
        (&top["items"][0]["name"], &top["items"][0]["users"]),
        (&json!("Aldermoor"), &json!(2))
    );
    assert!(own.get(&format!("/customers/tree?at={customer}")).says("Nobody below"));
    let odd = admin.api_get("/customers/tree?colour=red");
    assert_eq!(odd.status, 422);
}
