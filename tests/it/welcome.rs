//! A welcome as it is received: the link in the mail, followed.

use crate::mail::server;
use crate::signin::visit;
use crate::sink::{Options, Sink};
use crate::world::{PROVIDER, World};
use portico::mail::send_due;
use serde_json::json;

const HOST: (&str, &str) = ("Host", "portico.example");
const FRESH: &str = "seven green kettles sing";

#[test]
fn the_link_of_a_received_welcome_works_once_within_seven_days() {
    let sink = Sink::start(Options::default());
    let world = World::new();
    server(&world, &sink, "none");
    let home = world.customer(PROVIDER, "Aldermoor");
    let admin = world.person(PROVIDER, "Provider administrator");
    let invite = |name: &str| {
        let body = json!({
            "first_name": name, "recovery_email": format!("{name}@post.example"), "welcome": true,
        });
        let id = admin.api_post(&format!("/customers/{home}/users"), body).expect(201).id();
        send_due(&world.app).unwrap();
        let mails = sink.wait_for(1);
        let to = format!("{}@post.example", name.to_lowercase());
        let mail =
            mails.iter().rev().find(|mail| mail.to.iter().any(|each| each.to_lowercase() == to));
        let mail = mail.unwrap_or_else(|| panic!("no mail to {to}: {mails:?}"));
        let place = mail.text.find("https://portico.example/welcome/").unwrap();
        let link = mail.text[place..].split_whitespace().next().unwrap();
        (id, link.strip_prefix("https://portico.example").unwrap().to_owned())
    };
    let get = |path: &str| visit(&world, "GET", path, &[], &[HOST], "127.0.0.1").status;
    let set =
        |path: &str| visit(&world, "POST", path, &[("password", FRESH)], &[HOST], "127.0.0.1");
    // Looking does not use it, however often a mail program does so.
    let (_, link) = invite("theo");
    assert_eq!((get(&link), get(&link), get(&link)), (200, 200, 200));
    assert_eq!(set(&link).status, 303);
    assert_eq!((set(&link).status, get(&link)), (404, 404), "once");
    // It ends with the account and with the address it went to.
    let (id, link) = invite("rae");
    admin.api_post(&format!("/users/{id}/disable"), json!({})).expect(200);
    assert_eq!((get(&link), set(&link).status), (404, 404));
    admin.api_post(&format!("/users/{id}/enable"), json!({})).expect(200);
    assert_eq!(get(&link), 404, "it stays dead");
    let (id, link) = invite("ada");
    let other = json!({ "recovery_email": "elsewhere@post.example" });
    admin.api_patch(&format!("/users/{id}"), other).expect(200);
    assert_eq!((get(&link), set(&link).status), (404, 404));
    // Seven days, and not a second more.
    let (_, link) = invite("bo");
    world.later(7 * 86_400 - 60);
    assert_eq!(get(&link), 200);
    world.later(61);
    assert_eq!((get(&link), set(&link).status), (404, 404));
    for mail in sink.mails() {
        assert!(!format!("{} {}", mail.text, mail.html).contains(FRESH), "no password is mailed");
    }
}
