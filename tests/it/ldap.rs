//! Speaking to directories: limits that hold against peers that do not behave, certificates, addresses
//! that are not dialled, credentials, and what the doctor says about real ones.

use crate::peers::{Scene, dn, make_ou, out, samba, slapd};
use crate::world::{PROVIDER, World};
use portico::directory::pages::environments;
use portico::drivers::ldap::fault::{Class, Fault, Stage};
use portico::drivers::ldap::filter::Filter;
use portico::drivers::ldap::name::{Dn, Rdn};
use portico::drivers::ldap::pipe::{Host, Security, Server};
use portico::drivers::ldap::session::{self, At, Depth};
use portico::drivers::ldap::{acl, ad};
use portico::secret::Secret;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A server with a certificate for `names`, and what it does with each visitor.
struct Fake {
    port: u16,
    authority: String,
}

type Visit = dyn Fn(StreamOwned<ServerConnection, TcpStream>) + Send + Sync;

impl Fake {
    fn with(
        names: &[&str],
        ends: (i32, u8),
        visit: impl Fn(StreamOwned<ServerConnection, TcpStream>) + Send + Sync + 'static,
    ) -> Fake {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut root = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
        root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let root_cert = root.self_signed(&key).unwrap();
        let issuer = rcgen::Issuer::new(root, key);
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut leaf = rcgen::CertificateParams::new(names).unwrap();
        leaf.not_before = rcgen::date_time_ymd(2020, 1, 1);
        leaf.not_after = rcgen::date_time_ymd(ends.0, ends.1, 1);
        let own = rcgen::KeyPair::generate().unwrap();
        let cert = leaf.signed_by(&own, &issuer).unwrap();
        let key = PrivateKeyDer::try_from(own.serialize_der()).unwrap();
        let chain = vec![CertificateDer::from(cert.der().to_vec())];
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let visit: Arc<Visit> = Arc::new(visit);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { break };
                let (config, visit) = (config.clone(), visit.clone());
                std::thread::spawn(move || {
                    visit(StreamOwned::new(ServerConnection::new(config).unwrap(), stream));
                });
            }
        });
        Fake { port, authority: root_cert.pem() }
    }

    fn server(&self, limit: u64) -> Server {
        Server {
            hosts: vec![Host { name: "127.0.0.1".into(), port: self.port }],
            security: Security::Ldaps,
            authority: Some(self.authority.clone()),
            networks: vec!["127.0.0.0/8".parse().unwrap()],
            limit: Duration::from_secs(limit),
        }
    }
}

fn bind(server: &Server) -> Result<(), Fault> {
    session::open(server)?.bind("portico@example.com", &Secret::new("secret"))
}

/// Threads that were begun by the one that dialled: they bear its name.
fn threads_of(name: &str) -> usize {
    let all = std::fs::read_dir("/proc/self/task").unwrap();
    let named = |task: std::io::Result<std::fs::DirEntry>| {
        let comm = std::fs::read_to_string(task.unwrap().path().join("comm"));
        comm.is_ok_and(|comm| comm.trim() == name)
    };
    all.map(named).filter(|one| *one).count()
}

/// Runs it, and says how it failed and after how many seconds.
fn failed(server: &Server) -> (Fault, u64) {
    let began = Instant::now();
    let name = "dials-out";
    let fault = std::thread::scope(|threads| {
        let dialling = std::thread::Builder::new().name(name.into());
        dialling.spawn_scoped(threads, || bind(server).unwrap_err()).unwrap().join().unwrap()
    });
    (fault, began.elapsed().as_secs())
}

#[test]
fn a_peer_that_hangs_drips_or_hangs_up_is_left_in_time() {
    // Nothing is said, in the middle of the handshake or after it.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut server = Fake::with(&["127.0.0.1"], (2050, 1), |mut tls| {
        let mut bytes = [0; 1024];
        while tls.read(&mut bytes).is_ok_and(|count| count > 0) {}
    })
    .server(2);
    let (fault, after) = failed(&server);
    assert_eq!(
        (fault.class, fault.stage, fault.text.as_str()),
        (Class::Transient, Stage::Bind, "There was no answer within 2 s.")
    );
    assert!((2..60).contains(&after), "{after}");
    server.hosts[0].port = silent.local_addr().unwrap().port();
    let (fault, after) = failed(&server);
    assert_eq!((fault.class, fault.stage), (Class::Transient, Stage::Tls));
    assert!(fault.text.contains("did not begin to speak within 5 s"), "{fault}");
    assert!((5..60).contains(&after), "{after}");
    // One byte at a time of an answer that is long.
    let drips = Fake::with(&["127.0.0.1"], (2050, 1), |mut tls| {
        let mut bytes = [0; 1024];
        let _asked = tls.read(&mut bytes);
        let answer = [0x30, 0x82, 0x10, 0x00];
        for byte in answer.iter().chain(std::iter::repeat(&0)) {
            if tls.write_all(&[*byte]).and_then(|()| tls.flush()).is_err() {
                break;
            }
            std::thread::sleep(Duration::from_millis(300));
        }
    });
    let (fault, after) = failed(&drips.server(2));
    assert_eq!(
        (fault.class, fault.text.as_str()),
        (Class::Transient, "There was no answer within 2 s.")
    );
    assert!((2..60).contains(&after), "{after}");
    // It says goodbye in the middle, with and without a word.
    for politely in [true, false] {
        let closes = Fake::with(&["127.0.0.1"], (2050, 1), move |mut tls| {
            let mut bytes = [0; 1024];
            let _asked = tls.read(&mut bytes);
            let _part = tls.write_all(&[0x30, 0x0c, 2]);
            if politely {
                tls.conn.send_close_notify();
                let _sent = tls.flush();
                // Half closed: it listens on and says no more.
                while tls.sock.read(&mut bytes).is_ok_and(|count| count > 0) {}
            }
        });
        let (fault, after) = failed(&closes.server(60));
        assert_eq!(fault.class, Class::Transient, "{fault}");
        assert!(after < 50, "{after}");
    }
    // An answer without an end.
    let floods = Fake::with(&["127.0.0.1"], (2050, 1), |mut tls| {
        let mut bytes = [0; 1024];
        let _asked = tls.read(&mut bytes);
        let _head = tls.write_all(&[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff]);
        while tls.write_all(&[0; 16 * 1024]).is_ok() {}
    });
    let (fault, _) = failed(&floods.server(10));
    assert!(fault.text.contains("longer than 4 MiB"), "{fault}");
    // Something else than a directory.
    let odd = Fake::with(&["127.0.0.1"], (2050, 1), |mut tls| {
        let mut bytes = [0; 1024];
        let _asked = tls.read(&mut bytes);
        let _said = tls.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n0\x01\x00");
        let _sent = tls.flush();
    });
    let (fault, _) = failed(&odd.server(2));
    assert_ne!(fault.class, Class::Permanent, "{fault}");
    let end = Instant::now() + Duration::from_secs(10);
    while threads_of("dials-out") > 0 && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(threads_of("dials-out"), 0, "a thread stayed");
}

#[test]
fn a_certificate_that_does_not_hold_says_why() {
    let quiet = |mut tls: StreamOwned<ServerConnection, TcpStream>| {
        let mut bytes = [0; 1024];
        while tls.read(&mut bytes).is_ok_and(|count| count > 0) {}
    };
    let expired = Fake::with(&["127.0.0.1"], (2021, 1), quiet);
    let other_name = Fake::with(&["dc9.example.com"], (2050, 1), quiet);
    let good = Fake::with(&["127.0.0.1"], (2050, 1), quiet);
    let stranger = Fake::with(&["127.0.0.1"], (2050, 1), quiet);
    let mut unknown = good.server(2);
    unknown.authority = Some(stranger.authority.clone());
    for (server, says) in [
        (expired.server(2), "Its certificate has expired."),
        (other_name.server(2), "Its certificate is not for the name 127.0.0.1."),
        (unknown, "authority that is not trusted here"),
    ] {
        let (fault, _) = failed(&server);
        assert_eq!((fault.stage, fault.class), (Stage::Tls, Class::Transient), "{fault}");
        assert!(fault.text.contains(says), "{says}: {fault}");
    }
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut down = good.server(2);
    down.hosts[0].port = closed;
    let (fault, _) = failed(&down);
    assert_eq!((fault.stage, fault.class), (Stage::Connect, Class::Transient));
    assert!(fault.text.starts_with("Nothing listens at 127.0.0.1"), "{fault}");
}

#[test]
fn addresses_that_are_not_public_are_not_dialled() {
    let good = Fake::with(&["127.0.0.1"], (2050, 1), |_| {});
    for name in [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "10.1.2.3",
        "192.168.7.1",
        "::1",
        "::ffff:10.0.0.1",
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "fe80::1",
        "fd00:ec2::254",
    ] {
        let mut server = good.server(2);
        server.hosts[0].name = name.to_owned();
        server.networks.clear();
        let (fault, _) = failed(&server);
        assert_eq!(
            (fault.stage, fault.class),
            (Stage::Address, Class::Permanent),
            "{name}: {fault}"
        );
    }
    // Link-local ones not even where they are listed.
    let mut server = good.server(2);
    server.hosts[0].name = "169.254.169.254".into();
    server.networks = vec!["169.254.0.0/16".parse().unwrap()];
    assert_eq!(failed(&server).0.stage, Stage::Address);
}

#[test]
fn both_ways_of_encryption_work_and_a_bind_without_password_is_never_sent() {
    for peer in [samba(), slapd()] {
        for (host, security) in [(peer.host, Security::Ldaps), (peer.starttls, Security::StartTls)]
        {
            let mut session = session::open(&peer.server(host, security)).unwrap();
            session.bind(peer.admin, &Secret::new(peer.password)).unwrap();
            let fault = session.bind(peer.admin, &Secret::new("")).unwrap_err();
            assert_eq!((fault.stage, fault.class), (Stage::Bind, Class::Permanent));
        }
        let text = peer.sign_in(peer.admin, "wrong").err().unwrap();
        assert!(text.contains("answered 49: the name or the password is wrong"), "{text}");
        // The machines are tried in their order.
        let mut server = peer.server(peer.host, Security::Ldaps);
        server.hosts.insert(0, Host { name: "127.0.0.1".into(), port: 9 });
        assert_eq!(session::open(&server).unwrap().host.to_string(), peer.host);
    }
}

/// More than two pages, each as it was made, whatever is in the names.
fn pages(peer: &'static crate::peers::Peer, count: usize) {
    let place = peer.part();
    let mut session = peer.session();
    for n in 0..count {
        make_ou(&mut session, &place.child(Rdn::new("OU", &format!("n{n:04} *)(ou=*")).unwrap()));
    }
    let at = At::Named(place.clone());
    let found = session.search(&at, Depth::Children, &Filter::anything(), &["ou"], 10_000).unwrap();
    assert_eq!(found.len(), count);
    let names: std::collections::BTreeSet<String> =
        found.iter().map(|entry| entry.text("ou")).collect();
    assert_eq!(names.len(), count);
    let calls = session.trace.iter().filter(|line| line.starts_with("search")).count();
    assert_eq!(calls, count.div_ceil(500));
    let one = session
        .search(&at, Depth::Children, &Filter::is("ou", "n0007 *)(ou=*"), &["ou"], 10)
        .unwrap();
    assert_eq!(one.len(), 1);
    assert!(
        session
            .search(&at, Depth::Children, &Filter::is("ou", "*"), &["ou"], 10)
            .unwrap()
            .is_empty()
    );
    assert!(session.read(&At::Named(dn(&format!("OU=none,{place}"))), &["ou"]).unwrap().is_none());
}

#[test]
fn long_results_come_in_pages() {
    pages(samba(), 520);
    pages(slapd(), 1_020);
}

/// No part of the program knows the control that deletes a whole tree.
#[test]
fn trees_are_never_deleted_whole() {
    fn walk(folder: &std::path::Path, wrong: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, wrong);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                if text.contains("113556.1.4.805") || text.to_lowercase().contains("treedelete") {
                    wrong.push(path.display().to_string());
                }
            }
        }
    }
    let mut wrong = Vec::new();
    walk(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut wrong);
    assert_eq!(wrong, [""; 0]);
}

fn lights(scene: &Scene) -> Vec<(String, String, String)> {
    let found =
        scene.admin().api_post(&format!("/connectors/{}/doctor", scene.connector), json!({}));
    let found = found.expect(200).json();
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    let all = found["checks"].as_array().unwrap().iter();
    all.map(|one| {
        (
            text(one, "what"),
            text(one, "light"),
            format!("{} {}", text(one, "text"), text(one, "fix")),
        )
    })
    .collect()
}

fn light<'c>(checks: &'c [(String, String, String)], what: &str) -> (&'c str, &'c str) {
    let found = checks.iter().find(|(name, _, _)| name == what);
    let found = found.unwrap_or_else(|| panic!("{what} is not among {checks:?}"));
    (&found.1, &found.2)
}

#[test]
fn the_doctor_names_each_thing_that_is_wrong_and_how_to_mend_it() {
    let scene = Scene::new(samba());
    let checks = lights(&scene);
    for what in [
        "Machine",
        "Encryption",
        "Sign-in",
        "Pages",
        "Clock",
        "Controller",
        "Base",
        "Making OUs",
        "Making accounts",
        "Making groups",
        "Password rules",
    ] {
        let found = light(&checks, what);
        assert_eq!(found.0, "green", "{what}: {found:?}");
    }
    let (color, text) = light(&checks, "Account");
    assert!(
        color == "amber" && text.contains("Domain Admins") && text.contains("service account"),
        "{text}"
    );
    // A clock that is off.
    scene.world.later(600);
    let checks = lights(&scene);
    let (color, text) = light(&checks, "Clock");
    assert!(color == "red" && text.contains("minutes behind ours"), "{text}");
    let admin = scene.admin();
    let at = format!("/connectors/{}", scene.connector);
    for (change, what, says) in [
        (json!({ "authority": "" }), "Encryption", "Certificate authority"),
        (json!({ "hosts": ["127.0.0.1:9"] }), "Machine", "Nothing listens at 127.0.0.1:9"),
        (json!({ "networks": [] }), "Name", "list that network"),
        (json!({ "security": "starttls" }), "Encryption", "speaks LDAPS"),
        (json!({ "sign_in_as": "nobody@msp.test" }), "Sign-in", "is not let in"),
    ] {
        let before = scene.world.text(&format!("SELECT json_object('hosts', json(hosts), 'security', security, 'sign_in_as', sign_in_as, 'authority', authority, 'networks', json(networks)) FROM connectors WHERE id = {}", scene.connector));
        admin.api_patch(&at, change.clone()).expect(200);
        let checks = lights(&scene);
        let (color, text) = light(&checks, what);
        assert!(color == "red" && text.contains(says), "{change}: {text}");
        admin.api_patch(&at, serde_json::from_str(&before).unwrap()).expect(200);
    }
    let page = admin.post(&format!("{at}/doctor"), &[]).expect(200);
    assert!(page.says("What to do") && page.says("Domain Admins"));
}

/// A service account with rights below one OU, given as the command line of Samba gives them.
fn grant(place: &str, rules: &str) {
    let samba = "/tmp/portico-peers/ad/private/sam.ldb";
    let done = Command::new("samba-tool")
        .args(["dsacl", "set", "-H", samba, "--objectdn", place, "--sddl", rules])
        .output()
        .unwrap();
    assert!(done.status.success(), "{rules}: {}", String::from_utf8_lossy(&done.stderr));
}

/// The rights of the published list, one letter pair each: where it counts, which right, of what,
/// and the check that goes red without it.
fn published(base: &Dn) -> Vec<(String, String, String)> {
    let classes = [("organizationalUnit", acl::UNIT), ("user", acl::USER), ("group", acl::GROUP)];
    let mut all = Vec::new();
    for line in environments::delegation(&base.to_string()).lines() {
        let Some(rest) = line.strip_prefix("dsacls \"") else { continue };
        let (place, rest) = rest.split_once("\" /I:").unwrap();
        let (reach, rest) = rest.split_once(" /G \"%ACCOUNT%:").unwrap();
        let (flags, parts) = (if reach == "T" { "CI" } else { "CIIO" }, rest.trim_end_matches('"'));
        let parts: Vec<&str> = parts.split(';').collect();
        let guid = |name: &str| classes.iter().find(|(class, _)| *class == name).unwrap().1;
        let what = |name: &str| match name {
            "organizationalUnit" => "OUs",
            "user" => "accounts",
            _ => "groups",
        };
        match parts[..] {
            ["CCDC", class] => all.extend(["CC", "DC"].map(|right| {
                let rule = format!("(OA;{flags};{right};{};;SID)", guid(class));
                (place.to_owned(), rule, format!("Making {}", what(class)))
            })),
            ["WP", "", class] => {
                let rule = format!("(OA;{flags};WP;;{};SID)", guid(class));
                all.push((place.to_owned(), rule, format!("Writing {}", what(class))));
            }
            ["CA", "Reset Password", class] => {
                let rule = format!("(OA;{flags};CR;{};{};SID)", acl::RESET, guid(class));
                all.push((place.to_owned(), rule, "Passwords".to_owned()));
            }
            _ => panic!("{line}"),
        }
    }
    all
}

/// What is red for an account of its own that has all the rights of the list but one.
fn without(left_out: Option<usize>) -> (Vec<String>, Option<String>) {
    let peer = samba();
    let mut part = peer.session();
    let base = peer.part();
    let all = published(&base);
    let name = base.first().unwrap().value().to_owned();
    let place = base.child(Rdn::new("OU", "Customers").unwrap());
    make_ou(&mut part, &place);
    make_ou(&mut part, &place.child(Rdn::new("OU", "Sample").unwrap()));
    let one = |name: &str, value: &str| (name.to_owned(), vec![value.as_bytes().to_vec()]);
    let account = base.child(Rdn::new("CN", &name).unwrap());
    let password = "Portico service 42!";
    let word = ad::password(&Secret::new(password));
    let attributes = [
        one("objectClass", "user"),
        one("sAMAccountName", &name),
        one("userPrincipalName", &format!("{name}@msp.test")),
        one("userAccountControl", "512"),
        ("unicodePwd".to_owned(), vec![word]),
    ];
    part.add(&account, &attributes).unwrap();
    for (class, more) in [("user", "s"), ("group", "g")] {
        let sample = place.child(Rdn::new("CN", &format!("Sample {more}")).unwrap());
        let account = [one("objectClass", class), one("sAMAccountName", &format!("{name}{more}"))];
        part.add(&sample, &account).unwrap();
    }
    let entry = part.read(&At::Named(account), &["objectSid"]).unwrap().unwrap();
    let sid = ad::sid(&entry.bytes("objectSid")[0]).unwrap();
    let given: String = all
        .iter()
        .enumerate()
        .filter(|(n, _)| Some(*n) != left_out)
        .map(|(_, (_, rule, _))| rule.replace("SID", &sid))
        .collect();
    assert!(all.iter().all(|(at, _, _)| dn(at) == place));
    grant(&place.to_string(), &given);
    let world = World::new();
    world.clock.set(portico::time::Clock::default().now());
    let admin = world.person(PROVIDER, "Provider administrator");
    let body = json!({
        "kind": "ldap", "name": "Directory", "hosts": [peer.host], "security": "ldaps", "networks": ["127.0.0.0/8"],
        "sign_in_as": format!("{name}@msp.test"), "password": password, "authority": peer.authority,
    });
    let connector = admin.api_post("/connectors", body).expect(201).id();
    let body = json!({ "connector_id": connector, "name": "Domain", "kind": "ad", "base": base.to_string() });
    let made = admin.api_post("/directories", body).expect(201).id();
    let page = admin.get(&format!("/directories/{made}")).expect(200);
    assert!(page.says("Reset Password of user objects"));
    let found =
        admin.api_post(&format!("/connectors/{connector}/doctor"), json!({})).expect(200).json();
    let checks = found["checks"].as_array().unwrap().iter();
    let red = checks
        .filter(|one| one["light"] != "green")
        .map(|one| format!("{} {}", one["light"].as_str().unwrap(), one["what"].as_str().unwrap()));
    let wanted = left_out.map(|n| format!("red {}", all[n].2));
    (red.collect(), wanted)
}

#[test]
fn the_published_rights_are_enough_and_each_is_needed() {
    let count = published(&dn(samba().base)).len();
    assert_eq!(count, 10);
    for left_out in std::iter::once(None).chain((0..count).map(Some)) {
        let (red, wanted) = without(left_out);
        assert_eq!(red, Vec::from_iter(wanted), "{left_out:?}");
    }
}

#[test]
fn an_administrator_is_refused_unless_it_is_typed() {
    let peer = samba();
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let body = json!({
        "kind": "ldap", "name": "AD Frankfurt", "hosts": [peer.host], "security": "ldaps", "networks": ["127.0.0.0/8"],
        "sign_in_as": peer.admin, "password": peer.password, "authority": peer.authority,
    });
    let connector = admin.api_post("/connectors", body).expect(201).id();
    let mut body = json!({ "connector_id": connector, "name": "Domain", "kind": "ad", "base": peer.part().to_string() });
    let wrong = admin.api_post("/directories", body.clone()).expect(422);
    assert!(wrong.says("is in Domain Admins") && wrong.says("confirm"), "{}", wrong.body);
    body["confirm"] = json!(peer.admin);
    body["base"] = json!("OU=nowhere,DC=msp,DC=test");
    assert!(admin.api_post("/directories", body.clone()).expect(422).says("is not there"));
    body["kind"] = json!("openldap");
    body["base"] = json!(peer.base);
    assert!(
        admin.api_post("/directories", body).expect(422).says("the directory is Active Directory")
    );
}

#[test]
fn a_credential_in_use_stays_and_a_wrong_new_one_changes_nothing() {
    let scene = Scene::new(samba());
    let admin = scene.admin();
    let id = scene.world.count("SELECT credential_id FROM connectors");
    let at = format!("/credentials/{id}");
    let text = admin.api_delete(&at).expect(422);
    assert!(text.says("Directory is used by Directory."), "{}", text.body);
    let before = scene.world.text("SELECT sealed FROM credentials");
    let wrong =
        admin.api_post(&format!("{at}/rotate"), json!({ "secret": "not this one" })).expect(422);
    assert!(wrong.says("Directory did not let it in, so the old one stays"), "{}", wrong.body);
    assert_eq!(scene.world.text("SELECT sealed FROM credentials"), before);
    admin.api_post(&format!("{at}/rotate"), json!({ "secret": scene.peer.password })).expect(204);
    assert_ne!(scene.world.text("SELECT sealed FROM credentials"), before);
    let customer = scene.customer(PROVIDER, "Brightwater");
    let made = scene.done((customer, None), "dir.ou_ensure", json!({}));
    assert!(!out(&made, "guid").is_empty());
    let page = admin.post(&format!("{at}/rotate"), &[("secret", "wrong again")]).expect(422);
    assert!(page.says("the old one stays"));
    let whole = scene.world.text("SELECT group_concat(detail) FROM audit_log");
    assert!(!whole.contains(scene.peer.password) && !whole.contains("wrong again"));
    // One that nothing uses goes.
    let body = json!({ "name": "Spare", "secret": "spare secret", "expires_on": "2027-01-31" });
    let spare = admin.api_post("/credentials", body).expect(201).id();
    assert!(admin.get("/credentials").expect(200).says("Spare"));
    admin.api_delete(&format!("/credentials/{spare}")).expect(204);
}

#[test]
fn a_private_location_takes_no_second_customer() {
    let scene = Scene::new(slapd());
    let admin = scene.admin();
    let staff = scene.base.child(Rdn::new("OU", "Staff").unwrap());
    make_ou(&mut scene.peer.session(), &staff);
    let body = json!({ "name": "Alone", "kind": "private", "directory_id": scene.directory, "root": staff.to_string() });
    let place = admin.api_post("/locations", body).expect(201).id();
    let (a, b) =
        (scene.world.customer(PROVIDER, "First"), scene.world.customer(PROVIDER, "Second"));
    let live = |who, place: Value| {
        admin.api_with(
            "PUT",
            &format!("/customers/{who}/location"),
            json!({ "location_id": place }),
            &[],
        )
    };
    live(a, json!(place)).expect(200);
    assert!(live(b, json!(place)).expect(422).says("taken by another customer"));
    assert!(!admin.get(&format!("/customers/{b}/location")).expect(200).says("Alone"));
    // No OU around the users, and nothing that would move the customer once something is there.
    let user = scene.user(a, "Theo Vane", "theo");
    let made = scene.done((a, Some(user)), "dir.user_ensure", json!({}));
    assert_eq!(dn(&out(&made, "dn")).parent().unwrap(), staff);
    assert!(live(a, Value::Null).expect(422).says("stays as it is"));
    assert!(
        admin.api_delete(&format!("/locations/{place}")).expect(422).says("1 customer lives here.")
    );
    assert!(
        admin
            .api_delete(&format!("/directories/{}", scene.directory))
            .expect(422)
            .says("1 customer lives here.")
    );
}

#[test]
fn two_tenants_see_only_their_own_directories() {
    let scene = Scene::new(slapd());
    let (a, b) = (scene.world.reseller("Northwind"), scene.world.reseller("Southgate"));
    let (ann, bea) = (
        scene.world.person(a, "Reseller administrator"),
        scene.world.person(b, "Reseller administrator"),
    );
    let secret =
        ann.api_post("/credentials", json!({ "name": "Own", "secret": "x" })).expect(201).id();
    {
        let person = &bea;
        person.api_get(&format!("/credentials/{secret}")).expect(404);
        person
            .api_post(&format!("/credentials/{secret}/rotate"), json!({ "secret": "y" }))
            .expect(404);
        person.api_delete(&format!("/credentials/{secret}")).expect(404);
        person.api_get(&format!("/directories/{}", scene.directory)).expect(404);
        person.api_get("/locations").expect(403);
    }
    assert_eq!(bea.api_get("/directories").json()["items"].as_array().unwrap().len(), 0);
    let body = json!({ "kind": "ldap", "name": "Mine", "hosts": ["dc.example.com"], "sign_in_as": "x", "credential_id": secret });
    assert!(
        bea.api_post("/connectors", body)
            .expect(422)
            .says("is not a credential that can be chosen")
    );
    let body = json!({ "connector_id": scene.connector, "name": "Mine", "kind": "openldap", "base": "dc=msp,dc=test" });
    assert!(
        bea.api_post("/directories", body).expect(422).says("is not a connector to a directory")
    );
}
