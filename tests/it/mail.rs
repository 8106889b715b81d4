//! The outbox against a real mail server: what goes, what waits, what is given up, what is never kept.

use crate::sink::{Options, Sink, Tls};
use crate::world::{PROVIDER, World};
use portico::auth::Purpose;
use portico::db::{By, Via};
use portico::ids::MessageId;
use portico::mail::{Class, NewMessage, queue, send_due, texts};
use portico::secret::Secret;

fn set(world: &World, key: &str, value: &str) {
    world
        .sql()
        .execute(
            "INSERT INTO settings (key, value, changed_at) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET value = excluded.value",
            (key, value, world.now()),
        )
        .unwrap();
}

/// Points the world at a mail server.
pub fn server(world: &World, sink: &Sink, security: &str) {
    set(world, "mail_host", "localhost");
    set(world, "mail_port", &sink.port.to_string());
    set(world, "mail_security", security);
    set(world, "mail_from", "desk@tarnholm.example");
    set(world, "mail_per_minute", "6000");
    set(world, "base_url", "https://portico.example");
}

fn login(world: &World, user: &str, password: &str) {
    set(world, "mail_user", user);
    let key = &world.app.config.key;
    let sealed = key.seal("setting mail_password", &Secret::new(password)).unwrap();
    set(world, "mail_password", &sealed);
}

fn write(world: &World, to: &str) -> MessageId {
    let message = NewMessage {
        customer: PROVIDER,
        user: None,
        event: "test.event",
        class: Class::Notice,
        to,
        name: "Ada\r\nBcc: x@y.example",
        subject: "Grüße\r\nBcc: x@y.example",
        text: "Hello Ada & Bo,\n\nall is well.",
        link: None,
        expires: None,
    };
    world.app.db.write(By::portico(Via::Job), |tx| queue(tx, &message)).unwrap()
}

fn state(world: &World, id: MessageId) -> (String, String) {
    let (state, answer) = (
        format!("SELECT state FROM messages WHERE id = {id}"),
        format!("SELECT answer FROM messages WHERE id = {id}"),
    );
    (world.text(&state), world.text(&answer))
}

#[test]
fn a_mail_reaches_a_server_of_each_kind_with_its_headers() {
    for (tls, security) in [(Tls::None, "none"), (Tls::Start, "starttls"), (Tls::Implicit, "tls")] {
        let sink = Sink::start(Options {
            tls,
            auth: Some(("portico".into(), "letmein".into())),
            ..Options::default()
        });
        let world =
            World::told(|config| config.ca_file = Some(sink.ca_file()).filter(|p| p.exists()));
        server(&world, &sink, security);
        login(&world, "portico", "letmein");
        let id = write(&world, "ada@aldermoor.example");
        assert_eq!(send_due(&world.app).unwrap(), 1);
        assert_eq!(state(&world, id).0, "sent", "{tls:?} {:?}", state(&world, id));
        let mail = &sink.wait_for(1)[0];
        assert_eq!((mail.tls, mail.auth.as_deref()), (tls != Tls::None, Some("portico")));
        assert_eq!(mail.to, ["ada@aldermoor.example"]);
        assert_eq!(mail.subject, "Grüße Bcc: x@y.example");
        assert!(mail.header("Bcc").is_none(), "a header was injected");
        assert_eq!(mail.header("Auto-Submitted"), Some("auto-generated"));
        assert_eq!(mail.header("X-Auto-Response-Suppress"), Some("All"));
        let message_id = world.text("SELECT '<' || message_id || '>' FROM messages");
        assert_eq!(mail.header("Message-ID"), Some(message_id.as_str()));
        assert!(mail.text.contains("Hello Ada & Bo,") && mail.html.contains("Ada &amp; Bo,"));
    }
}

#[test]
fn an_unknown_certificate_and_a_missing_starttls_are_not_trusted() {
    for (tls, security, why) in [
        (Tls::Start, "starttls", "certificate"),
        (Tls::None, "starttls", "does not offer STARTTLS"),
    ] {
        let sink = Sink::start(Options { tls, ..Options::default() });
        let world = World::new();
        server(&world, &sink, security);
        let id = write(&world, "ada@aldermoor.example");
        send_due(&world.app).unwrap();
        let (state, answer) = state(&world, id);
        assert_eq!(state, "queued", "it may go once the settings are right");
        assert!(answer.contains(why), "{answer}");
        assert!(sink.mails().is_empty());
    }
}

#[test]
fn a_password_does_not_travel_in_clear() {
    let world = World::new();
    let sink = Sink::start(Options::default());
    server(&world, &sink, "none");
    set(&world, "mail_host", "mail.example");
    login(&world, "portico", "letmein");
    let id = write(&world, "ada@aldermoor.example");
    send_due(&world.app).unwrap();
    assert_eq!(state(&world, id), ("queued".into(), "A password must not travel in clear.".into()));
}

#[test]
fn trouble_is_tried_again_and_a_refusal_is_the_end() {
    let sink = Sink::start(Options {
        greylist: true,
        fail_rcpt: vec![("gone@aldermoor.example".into(), 550)],
        ..Options::default()
    });
    let world = World::new();
    server(&world, &sink, "none");
    let gone = write(&world, "gone@aldermoor.example");
    let ada = write(&world, "ada@aldermoor.example");
    send_due(&world.app).unwrap();
    let (now, answer) = state(&world, gone);
    assert!(now == "failed" && answer.contains("550"), "{now}: {answer}");
    assert_eq!(state(&world, ada).0, "queued");
    assert_eq!(send_due(&world.app).unwrap(), 0, "not before its minute");
    world.later(61);
    assert_eq!(send_due(&world.app).unwrap(), 1);
    assert_eq!(state(&world, ada).0, "sent");
    assert_eq!(sink.wait_for(1).len(), 1);
}

#[test]
fn after_seven_retries_it_has_failed() {
    let sink = Sink::start(Options { fail_data: Some(452), ..Options::default() });
    let world = World::new();
    server(&world, &sink, "none");
    let id = write(&world, "ada@aldermoor.example");
    let mut tries = 0;
    for _ in 0..12 {
        tries += send_due(&world.app).unwrap();
        world.later(12 * 3600 + 1);
    }
    assert_eq!(tries, 8);
    let (state, answer) = state(&world, id);
    assert!(state == "failed" && answer.contains("452"), "{state}: {answer}");
}

#[test]
fn a_crash_while_sending_sends_the_same_message_id_again() {
    let sink = Sink::start(Options::default());
    let world = World::new();
    server(&world, &sink, "none");
    let id = write(&world, "ada@aldermoor.example");
    let before = world.text("SELECT message_id FROM messages");
    let lease = world.now().plus_seconds(300);
    let sql = world.sql();
    sql.execute("UPDATE messages SET state = 'sending', attempts = 1, next_at = ?1", [lease])
        .unwrap();
    assert_eq!(send_due(&world.app).unwrap(), 0, "somebody else is at it");
    world.later(301);
    assert_eq!(send_due(&world.app).unwrap(), 1);
    assert_eq!(
        (state(&world, id).0.as_str(), world.text("SELECT message_id FROM messages")),
        ("sent", before)
    );
}

#[test]
fn without_a_server_mails_wait_and_go_when_there_is_one() {
    let world = World::new();
    let id = write(&world, "ada@aldermoor.example");
    assert_eq!(send_due(&world.app).unwrap(), 0);
    assert_eq!(state(&world, id), ("held".into(), "No mail server is set.".into()));
    let sink = Sink::start(Options::default());
    server(&world, &sink, "none");
    let outbox = portico::mail::start(world.app.clone());
    sink.wait_for(1);
    outbox.stop();
    assert_eq!(state(&world, id).0, "sent");
}

#[test]
fn a_links_secret_is_in_the_mail_and_nowhere_else() {
    let sink = Sink::start(Options::default());
    let world = World::new();
    server(&world, &sink, "none");
    let aldermoor = world.customer(PROVIDER, "Aldermoor Dental");
    let maren = world.user(aldermoor, "Maren Tolliver", "maren");
    let key = &world.app.config.key;
    let id = world
        .app
        .db
        .write(By::portico(Via::Job), |tx| texts::send_link(tx, key, maren, Purpose::Welcome))
        .unwrap();
    assert!(!world.text("SELECT secret FROM messages").is_empty());
    send_due(&world.app).unwrap();
    let mail = &sink.wait_for(1)[0];
    let place = mail.text.find("https://portico.example/welcome/").unwrap();
    let link = mail.text[place..].split_whitespace().next().unwrap().to_owned();
    assert!(mail.html.contains(&link));
    let token = link.rsplit('/').next().unwrap();
    assert_eq!(world.text("SELECT secret FROM messages"), "", "it goes when the mail is sent");
    assert_eq!(
        world.count(&format!(
            "SELECT count(*) FROM messages WHERE text || html || answer || subject LIKE '%{token}%'"
        )),
        0
    );
    let admin = world.person(PROVIDER, "Provider administrator");
    let page = admin.get(&format!("/mail/{id}")).expect(200);
    assert!(page.says("[link]") && !page.says(token));

    // Sent again, it is a new mail with a fresh link, and the old link has ended.
    let again = admin.post(&format!("/mail/{id}/resend"), &[]);
    assert!(again.location().starts_with("/mail/"));
    assert_eq!(world.count("SELECT count(*) FROM links"), 1);
    // A link that would have ended is not mailed any more.
    world.later(8 * 86_400);
    send_due(&world.app).unwrap();
    assert_eq!(
        world.text("SELECT answer FROM messages ORDER BY id DESC LIMIT 1"),
        "The link would have expired."
    );
}

#[test]
fn the_log_shows_the_own_branch_only() {
    let world = World::new();
    let (alder, birch) = (world.customer(PROVIDER, "Alder"), world.customer(PROVIDER, "Birch"));
    for home in [alder, birch] {
        let user = world.user(home, "Somebody", "somebody");
        let key = &world.app.config.key;
        world
            .app
            .db
            .write(By::portico(Via::Job), |tx| texts::send_link(tx, key, user, Purpose::Password))
            .unwrap();
    }
    let theirs = world.count("SELECT id FROM messages WHERE to_address LIKE '%birch%'");
    let admin = world.person(alder, "Customer administrator");
    let list = admin.api_get("/messages").expect(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["to"], "somebody@alder.example");
    for url in [format!("/messages/{theirs}"), "/messages/99999".to_owned()] {
        admin.api_get(&url).expect(404);
        admin.api_post(&format!("{url}/cancel"), serde_json::json!({})).expect(404);
        admin.api_post(&format!("{url}/resend"), serde_json::json!({})).expect(404);
    }
    assert!(!admin.get("/mail").expect(200).says("birch"));
    let all = world.person(PROVIDER, "Provider administrator");
    assert_eq!(all.api_get("/messages?limit=1").json()["items"][0]["to"], "somebody@birch.example");
    let next = all.api_get("/messages?limit=1").json()["next"].as_str().unwrap().to_owned();
    let rest = all.api_get(&format!("/messages?limit=1&after={next}")).json();
    assert_eq!(rest["items"][0]["to"], "somebody@alder.example");
    let mine = world.count("SELECT id FROM messages WHERE to_address LIKE '%alder%'");
    admin.api_post(&format!("/messages/{mine}/cancel"), serde_json::json!({})).expect(200);
    assert_eq!(world.text(&format!("SELECT state FROM messages WHERE id = {mine}")), "cancelled");
    assert_eq!(
        all.api_get("/messages?state=cancelled").json()["items"].as_array().unwrap().len(),
        1
    );
}
