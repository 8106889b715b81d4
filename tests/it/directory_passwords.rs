//! Passwords that people choose here, on their way to the account in a real Active Directory.

use crate::modules::install;
use crate::modules_directory::{done, ended, start, until};
use crate::peers::{Scene, samba};
use crate::signin::visit;
use crate::world::PROVIDER;
use parking_lot::Mutex;
use portico::auth::{Purpose, make_link};
use portico::db::{By, Via};
use portico::ids::{CustomerId, UserId};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

/// Stands before the directory and keeps all that is sent there.
struct Recorder {
    at: String,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Recorder {
    fn new(to: &'static str) -> Recorder {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap().to_string();
        let sent: Arc<Mutex<Vec<u8>>> = Arc::default();
        let keep = sent.clone();
        std::thread::spawn(move || {
            for near in listener.incoming() {
                let (Ok(near), Ok(far)) = (near, TcpStream::connect(to)) else { continue };
                let (up, down) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                let keep = keep.clone();
                std::thread::spawn(move || carry(up, far, Some(&keep)));
                std::thread::spawn(move || carry(down, near, None));
            }
        });
        Recorder { at, sent }
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, keep: Option<&Mutex<Vec<u8>>>) {
    let mut bytes = [0; 16_384];
    while let Ok(n @ 1..) = from.read(&mut bytes) {
        if let Some(keep) = keep {
            keep.lock().extend_from_slice(&bytes[..n]);
        }
        if to.write_all(&bytes[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
    let _ = from.shutdown(std::net::Shutdown::Both);
}

/// Whether the words are in it, as text or in the two bytes a character of the directory.
fn holds(bytes: &[u8], words: &str) -> bool {
    let wide: Vec<u8> = words.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let quoted = json!(words).to_string();
    let quoted = quoted.trim_matches('"');
    [words.as_bytes(), quoted.as_bytes(), &wide]
        .iter()
        .any(|part| bytes.windows(part.len()).any(|window| window == *part))
}

fn files(folder: &Path, look: &mut dyn FnMut(&Path, &[u8])) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, look);
        } else if let Ok(bytes) = std::fs::read(&path) {
            look(&path, &bytes);
        }
    }
}

fn kept_nowhere(scene: &Scene, words: &str) {
    let mut looked = 0;
    files(scene.world.folder(), &mut |path, bytes| {
        assert!(!holds(bytes, words), "the password is in {}", path.display());
        looked += 1;
    });
    assert!(looked > 0);
    let sealed = "SELECT count(*) FROM steps WHERE params LIKE '%sealed%'";
    assert_eq!(scene.world.count(sealed), 0);
}

/// The last of the requests that carry a password.
fn request(scene: &Scene) -> i64 {
    scene.world.count("SELECT coalesce(max(id), 0) FROM requests WHERE event = 'user.password'")
}

pub fn choose(scene: &Scene, user: UserId, words: &str) -> i64 {
    let before = request(scene);
    let by = By::portico(Via::Job);
    let made = scene.world.app.db.write(by, |tx| make_link(tx, user, Purpose::Welcome, 3600));
    let path = made.unwrap().reveal().to_owned();
    let page = visit(&scene.world, "GET", &path, &[], &[], "127.0.0.1").expect(200);
    assert!(page.says("It becomes that of your account in Domain too."), "{}", page.body);
    visit(&scene.world, "POST", &path, &[("password", words)], &[], "127.0.0.1").expect(303);
    let made = request(scene);
    assert_ne!(made, before);
    made
}

/// A customer with the service, and a user whose account is there.
pub fn given(scene: &Scene) -> (CustomerId, UserId, i64) {
    let admin = scene.admin();
    install(&admin, "directory");
    let customer = scene.customer(PROVIDER, "Brightwater");
    let user = scene.user(customer, "Theo Vane", "theo");
    let body = json!({ "service": "directory" });
    done(scene, admin.api_post(&format!("/customers/{customer}/services"), body));
    let body = json!({ "service": "directory", "plan": "account" });
    let aid = done(scene, admin.api_post(&format!("/users/{user}/services"), body));
    (customer, user, aid)
}

#[test]
fn p_64_what_a_user_chooses_is_set_as_written_or_refused_and_kept_nowhere() {
    let recorder = Recorder::new(samba().starttls);
    let at = recorder.at.clone();
    let scene = Scene::told(samba(), &move |body| {
        body["hosts"] = json!([at]);
        body["security"] = json!("starttls");
    });
    // Without encryption there is no connector at all.
    let admin = scene.admin();
    let at = format!("/connectors/{}", scene.connector);
    for plain in ["none", "plain", "ldap"] {
        let said = admin.api_patch(&at, json!({ "security": plain })).expect(422);
        assert!(said.complaints().iter().any(|text| text.starts_with("security")));
    }
    let engine = start(&scene);
    let (_, user, _) = given(&scene);
    let world = &scene.world;
    let upn = world.text(&format!("SELECT upn FROM users WHERE id = {user}"));
    let enters = |words: &str| scene.peer.sign_in(&upn, words).is_ok();
    // By the mailed link, while nobody works: it waits sealed, and is gone when it is set.
    engine.stop();
    let first = "Grün \"Äpfel\" 77 und mehr";
    let waiting = choose(&scene, user, first);
    assert_eq!(world.count("SELECT count(*) FROM steps WHERE params LIKE '%sealed%'"), 1);
    assert!(!enters(first));
    let engine = start(&scene);
    assert_eq!(ended(&scene, waiting), "done ");
    assert!(enters(first));
    kept_nowhere(&scene, first);
    // On one's own page. The one before is let in for an hour still: so is Active Directory.
    let person = world.sign_in(user);
    let page = person.get("/account/password").expect(200);
    assert!(page.says("It becomes that of your account in Domain too."));
    let own = |old: &str, new: &str| {
        let fields = [("current", old), ("password", new), ("revoke", "0")];
        person.post("/account/password", &fields)
    };
    let second = "Sieben <Kessel> & 8 \\ singen";
    own(first, second).expect(303);
    assert_eq!(ended(&scene, request(&scene)), "done ");
    assert!(enters(second));
    // One that was used before is refused here, and nothing goes out.
    let before = request(&scene);
    assert!(own(second, first).expect(422).says("was used before"));
    assert_eq!(request(&scene), before);
    // One that only the directory refuses: the old one holds there, and the user is told.
    let weak = "seven green kettles sing";
    own(second, weak).expect(303);
    let refused = request(&scene);
    let said = ended(&scene, refused);
    assert!(
        said.starts_with("failed") && said.contains("The directory refuses this password"),
        "{said}"
    );
    assert!(enters(second) && !enters(weak));
    until("the user is told", || {
        world.count("SELECT count(*) FROM messages WHERE event = 'user.password_refused'") > 0
    });
    let told = world.text("SELECT text FROM messages WHERE event = 'user.password_refused'");
    assert!(told.contains("not in Domain") && told.contains("refuses this password"), "{told}");
    kept_nowhere(&scene, weak);
    // Trying it once more does not bring it back: it is kept no longer.
    admin.api_post(&format!("/requests/{refused}/retry"), json!({})).expect(202);
    engine.nudge();
    until("it has failed again", || ended(&scene, refused).contains("no longer kept"));
    // What is cancelled is not kept either.
    engine.stop();
    let last = "Neun rote 9 Krüge klingen";
    own(weak, last).expect(303);
    let waiting = request(&scene);
    admin.api_post(&format!("/requests/{waiting}/cancel"), json!({})).expect(202);
    assert!(ended(&scene, waiting).starts_with("cancelled"));
    for words in [first, second, weak, last] {
        kept_nowhere(&scene, words);
        assert!(!holds(&recorder.sent.lock(), words), "it was sent in the open");
    }
    assert!(!holds(&recorder.sent.lock(), scene.peer.password));
    let logs = world.text("SELECT group_concat(log, ' ') FROM step_attempts");
    assert!(logs.contains("unicodePwd") && !logs.contains("pfel") && !logs.contains("Kessel"));
}
