//! Real directories for the tests: a Samba domain controller and an OpenLDAP server on this machine.
//! The first test that wants one starts it; `tests/run` ends them.

use crate::world::{PROVIDER, Person, World};
use portico::connectors::call;
use portico::directory::work::{self, Order};
use portico::drivers::ldap::name::{Dn, Rdn};
use portico::drivers::ldap::pipe::{Host, Security, Server};
use portico::drivers::ldap::session::{self, At, Entry, Session};
use portico::drivers::{Answer, Outcome};
use portico::ids::{ConnectorId, CustomerId, UserId};
use portico::secret::{self, Secret};
use serde_json::{Map, Value, json};
use std::io::{self, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// One of the two, as the tests speak to it.
pub struct Peer {
    pub host: &'static str,
    pub starttls: &'static str,
    pub base: &'static str,
    pub admin: &'static str,
    pub password: &'static str,
    /// The certificate that signed its own.
    pub authority: String,
    pub is_ad: bool,
}

pub fn samba() -> &'static Peer {
    static PEER: OnceLock<Peer> = OnceLock::new();
    PEER.get_or_init(|| Peer {
        host: "127.0.0.1:636",
        starttls: "127.0.0.1:389",
        base: "DC=msp,DC=test",
        admin: "Administrator@msp.test",
        password: "Passw0rd.Admin1",
        authority: start("samba", "/tmp/portico-peers/ad"),
        is_ad: true,
    })
}

pub fn slapd() -> &'static Peer {
    static PEER: OnceLock<Peer> = OnceLock::new();
    PEER.get_or_init(|| openldap("dc=msp,dc=test", "cn=admin,dc=msp,dc=test"))
}

/// A tree of it in which a lock keeps people out.
pub fn slapd_with_locks() -> &'static Peer {
    static PEER: OnceLock<Peer> = OnceLock::new();
    PEER.get_or_init(|| openldap("dc=locks,dc=test", "cn=admin,dc=locks,dc=test"))
}

/// One whose password policy knows locks and lets people in all the same.
pub fn slapd_with_open_locks() -> &'static Peer {
    static PEER: OnceLock<Peer> = OnceLock::new();
    PEER.get_or_init(|| openldap("dc=open,dc=test", "cn=admin,dc=open,dc=test"))
}

fn openldap(base: &'static str, admin: &'static str) -> Peer {
    Peer {
        host: "127.0.0.1:6360",
        starttls: "127.0.0.1:3890",
        base,
        admin,
        password: "secret",
        authority: start("slapd", "/tmp/portico-peers/slapd"),
        is_ad: false,
    }
}

fn start(name: &str, folder: &str) -> String {
    let script = format!("{}/tests/peers/{name}", env!("CARGO_MANIFEST_DIR"));
    let done = Command::new(script).arg("start").status().unwrap();
    assert!(done.success(), "{name} did not start; tests/run tools installs it");
    std::fs::read_to_string(format!("{folder}/tls/ca.pem")).unwrap()
}

/// Puts many objects into the domain at once.
pub fn add_ldif(text: &str) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let script = format!("{}/tests/peers/samba", env!("CARGO_MANIFEST_DIR"));
    let done = Command::new(script).arg("add").arg(file.path()).status().unwrap();
    assert!(done.success(), "the objects were not added");
}

pub fn dn(text: &str) -> Dn {
    Dn::parse(text).unwrap()
}

impl Peer {
    pub fn server(&self, host: &str, security: Security) -> Server {
        Server {
            hosts: vec![Host::parse(host, security).unwrap()],
            security,
            authority: Some(self.authority.clone()),
            networks: vec!["127.0.0.0/8".parse().unwrap()],
            limit: Duration::from_secs(15),
        }
    }

    /// Signed in as whoever may do everything.
    pub fn session(&self) -> Session {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            match self.sign_in(self.admin, self.password) {
                Ok(session) => return session,
                // A server with much to do lets people wait.
                Err(why) => assert!(Instant::now() < end, "{why}"),
            }
        }
    }

    pub fn sign_in(&self, name: &str, password: &str) -> Result<Session, String> {
        let server = self.server(self.host, Security::Ldaps);
        let mut session = session::open(&server).map_err(|fault| fault.text)?;
        session.bind(name, &Secret::new(password)).map_err(|fault| fault.text)?;
        Ok(session)
    }

    /// An OU of the test's own.
    pub fn part(&self) -> Dn {
        let name = format!("t{}", secret::hex(&secret::random::<5>().unwrap()));
        let place = dn(self.base).child(Rdn::new("OU", &name).unwrap());
        make_ou(&mut self.session(), &place);
        place
    }
}

pub fn make_ou(session: &mut Session, place: &Dn) {
    let class = ("objectClass".to_owned(), vec![b"top".to_vec(), b"organizationalUnit".to_vec()]);
    session.add(place, &[class]).unwrap();
}

/// A provider with a connector to a directory, a part of it that is its own, and a location there.
pub struct Scene {
    pub world: World,
    pub peer: &'static Peer,
    pub base: Dn,
    pub connector: ConnectorId,
    pub directory: i64,
    pub location: i64,
    pub admin: UserId,
}

impl Scene {
    pub fn new(peer: &'static Peer) -> Scene {
        Scene::told(peer, &|_| {})
    }

    pub fn told(peer: &'static Peer, change: &dyn Fn(&mut Value)) -> Scene {
        let world = World::new();
        world.clock.set(portico::time::Clock::default().now());
        let name = secret::hex(&secret::random::<6>().unwrap());
        let sql = world.sql();
        sql.execute(
            "INSERT INTO settings (key, value, changed_at) VALUES ('installation', ?1, '')",
            [name],
        )
        .unwrap();
        drop(sql);
        let base = peer.part();
        let admin = world.person(PROVIDER, "Provider administrator");
        let mut body = json!({
            "kind": "ldap", "name": "Directory", "hosts": [peer.host], "security": "ldaps",
            "sign_in_as": peer.admin, "password": peer.password, "authority": peer.authority,
            "networks": ["127.0.0.0/8"],
        });
        change(&mut body);
        let connector = admin.api_post("/connectors", body).expect(201).id();
        let mut body = json!({
            "connector_id": connector, "name": "Domain", "base": base.to_string(),
            "kind": if peer.is_ad { "ad" } else { "openldap" },
        });
        if peer.is_ad {
            body["confirm"] = json!(peer.admin);
        }
        let directory = admin.api_post("/directories", body).expect(201).id();
        let body = json!({ "name": "Shared", "kind": "shared", "directory_id": directory });
        let location = admin.api_post("/locations", body).expect(201).id();
        let admin = admin.id;
        Scene { connector: ConnectorId(connector), directory, location, admin, world, peer, base }
    }

    pub fn admin(&self) -> Person<'_> {
        self.world.sign_in(self.admin)
    }

    /// A customer who lives there.
    pub fn customer(&self, parent: CustomerId, name: &str) -> CustomerId {
        let id = self.world.customer(parent, name);
        self.lives(id);
        id
    }

    pub fn lives(&self, id: CustomerId) {
        let path = format!("/customers/{id}/location");
        self.admin()
            .api_with("PUT", &path, json!({ "location_id": self.location }), &[])
            .expect(200);
    }

    /// A user with a user name, as the users' form makes one.
    pub fn user(&self, customer: CustomerId, name: &str, local: &str) -> UserId {
        // What is in the whole directory one of its kind must differ between tests.
        let more = secret::hex(&secret::random::<3>().unwrap());
        let id = self.world.user(customer, name, &format!("{local}.{more}"));
        let username = format!("{}{more}", local.chars().take(12).collect::<String>());
        let set = "UPDATE users SET username = ?1 WHERE id = ?2";
        self.world.sql().execute(set, (username, id)).unwrap();
        id
    }

    pub fn try_with(
        &self,
        (customer, user): (CustomerId, Option<UserId>),
        verb: &str,
        params: Value,
        props: &Value,
    ) -> Outcome {
        let line = self.world.app.db.read(|db| call::line(db, self.connector)).unwrap();
        let empty = Map::new();
        let order = Order {
            verb: verb.parse().unwrap(),
            params: &params,
            props: props.as_object().unwrap_or(&empty),
            customer,
            user,
            dry_run: false,
        };
        let (outcome, log) = work::perform(&self.world.app, &line, &order);
        assert!(!log.text().contains(self.peer.password), "{}", log.text());
        outcome
    }

    pub fn attempt(&self, who: (CustomerId, Option<UserId>), verb: &str, params: Value) -> Outcome {
        self.try_with(who, verb, params, &Value::Null)
    }

    /// Does it, and does it once more: the second time nothing is left to do.
    pub fn done(&self, who: (CustomerId, Option<UserId>), verb: &str, params: Value) -> Answer {
        let first = match self.attempt(who, verb, params.clone()) {
            Outcome::Done(answer) | Outcome::Already(answer) => answer,
            other => panic!("{verb} {params}: {other:?}"),
        };
        let second = self.attempt(who, verb, params.clone());
        assert!(matches!(second, Outcome::Already(_)), "{verb} {params} twice: {second:?}");
        first
    }

    pub fn refused(&self, who: (CustomerId, Option<UserId>), verb: &str, params: Value) -> String {
        match self.attempt(who, verb, params.clone()) {
            Outcome::Refused { text } => text,
            other => panic!("{verb} {params}: {other:?}"),
        }
    }

    pub fn entry(&self, name: &str) -> Option<Entry> {
        let wanted = ["*", "objectGUID", "memberOf"];
        self.peer.session().read(&At::Named(dn(name)), &wanted).unwrap()
    }
}

/// The way to a directory, which can be cut and mended.
pub struct Wire {
    pub at: String,
    cut: Arc<AtomicBool>,
}

impl Wire {
    pub fn to(host: &'static str) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap().to_string();
        let cut = Arc::new(AtomicBool::new(false));
        let is_cut = cut.clone();
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if is_cut.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(far) = TcpStream::connect(host) else { continue };
                let ways = [(near.try_clone(), far.try_clone()), (Ok(far), Ok(near))];
                for (from, to) in ways {
                    let (from, to, is_cut) = (from.unwrap(), to.unwrap(), is_cut.clone());
                    std::thread::spawn(move || carry(from, to, &is_cut));
                }
            }
        });
        Wire { at, cut }
    }

    pub fn cut(&self, on: bool) {
        self.cut.store(on, Ordering::SeqCst);
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, is_cut: &AtomicBool) {
    let mut bytes = [0; 16_384];
    while let Ok(n @ 1..) = io::Read::read(&mut from, &mut bytes) {
        if is_cut.load(Ordering::SeqCst) || to.write_all(&bytes[..n]).is_err() {
            break;
        }
    }
    for end in [&from, &to] {
        let _ = end.shutdown(Shutdown::Both);
    }
}

/// An output of a step.
pub fn out(answer: &Answer, name: &str) -> String {
    answer.outputs.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
