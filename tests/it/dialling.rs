//! Names are judged by the addresses they resolve to, at the moment they are dialled: the same for
//! directories, webhooks and SCIM services. The names are those of a hosts file that this test sees
//! alone, so a part of it runs in a process with mounts of its own.

use portico::drivers::Outcome;
use portico::drivers::ldap::pipe::{Host, Security, Server};
use portico::drivers::ldap::session;
use portico::drivers::scim::{self, Fault, Pass};
use portico::drivers::webhook::{self, Delivery, Endpoint};
use portico::secret::Secret;
use portico::time::Instant;
use serde_json::json;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const INSIDE: &str = "PORTICO_TEST_HOSTS";

/// What a call to each of the three comes to: the text of the refusal, or that of a failure.
fn calls(host: &str, port: u16, listed: &[&str]) -> [Result<String, String>; 3] {
    let networks: Vec<_> = listed.iter().map(|net| net.parse().unwrap()).collect();
    let limit = Duration::from_secs(10);
    let server = Server {
        hosts: vec![Host::parse(&format!("{host}:{port}"), Security::Ldaps).unwrap()],
        security: Security::Ldaps,
        authority: None,
        networks: networks.clone(),
        limit,
    };
    let directory = match session::open(&server) {
        Ok(_) => panic!("{host} is no directory"),
        Err(fault) => match fault.outcome() {
            Outcome::Refused { text } => Ok(text),
            Outcome::Retry { text, .. } | Outcome::Unknown { text } => Err(text),
            other => panic!("{other:?}"),
        },
    };
    let endpoint = Endpoint {
        url: format!("https://{host}:{port}/"),
        secrets: vec![Secret::new("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")],
        networks: networks.clone(),
        limit,
        authorities: None,
    };
    let delivery = Delivery {
        key: "a",
        event: "ping",
        attempt: 1,
        body: &json!({}),
        secrets: &[],
        callback: None,
        now: Instant::from_unix(0),
    };
    let webhook = match webhook::send(&endpoint, &delivery).0 {
        Outcome::Refused { text } => Ok(text),
        Outcome::Retry { text, .. } | Outcome::Unknown { text } => Err(text),
        other => panic!("{other:?}"),
    };
    let endpoint = scim::Endpoint {
        url: format!("https://{host}:{port}/v2"),
        pass: Pass::Bearer(Secret::new("t")),
        networks,
        limit,
        authorities: None,
    };
    let service = match scim::Session::new(&endpoint, Instant::from_unix(0)).find("Users", "", 1) {
        Err(Fault::Refused(text)) => Ok(text),
        Err(Fault::Later { text, .. }) => Err(text),
        other => panic!("{other:?}"),
    };
    [directory, webhook, service]
}

/// Counts whoever comes, and hangs up.
fn counting(address: &str) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(address).unwrap();
    let (port, count) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let seen = count.clone();
    std::thread::spawn(move || {
        for _ in listener.incoming().flatten() {
            seen.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, count)
}

/// Runs the test of that name once more where `/etc/hosts` is `hosts`.
fn with_hosts(hosts: &str, test: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hosts");
    fs::write(&file, hosts).unwrap();
    let own = std::env::current_exe().unwrap();
    let line = "mount --make-rprivate / && mount --bind \"$1\" /etc/hosts && exec \"$2\" --exact \"$3\" --nocapture";
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let mut command = match is_root {
        true => Command::new("unshare"),
        false => {
            let mut sudo = Command::new("sudo");
            sudo.args([format!("{INSIDE}={}", file.display()).as_str(), "unshare"]);
            sudo
        }
    };
    command.args(["-m", "sh", "-c", line, "sh"]).arg(&file).arg(own).arg(test).env(INSIDE, &file);
    let done = command.output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

#[test]
fn names_are_refused_for_what_they_resolve_to() {
    with_hosts(
        "127.0.0.1 localhost\n127.0.0.1 loop.test\n::1 loop6.test\n10.1.2.3 private.test\n192.168.4.4 home.test\n\
         169.254.7.7 near.test\nfe80::1 near6.test\n169.254.169.254 metadata.test\n::ffff:10.1.2.3 mapped.test\n\
         ::ffff:169.254.169.254 mappedmeta.test\n93.184.215.14 both.test\n10.1.2.3 both.test\n127.0.0.1 turning.test\n",
        "dialling::inside_names_are_judged_when_they_are_dialled",
    );
}

/// Alone it does nothing: see above.
#[test]
fn inside_names_are_judged_when_they_are_dialled() {
    let Some(file) = std::env::var_os(INSIDE) else { return };
    let (port, seen) = counting("127.0.0.1:0");
    for name in ["loop.test", "loop6.test", "private.test", "home.test", "mapped.test", "both.test"]
    {
        for said in calls(name, port, &["172.16.0.0/12"]) {
            let text = said.unwrap_or_else(|text| panic!("{name} was dialled: {text}"));
            assert!(text.contains("is not a public address"), "{name}: {text}");
        }
    }
    for name in ["near.test", "near6.test", "metadata.test", "mappedmeta.test"] {
        for said in calls(name, port, &["0.0.0.0/0", "::/0"]) {
            let text = said.unwrap_or_else(|text| panic!("{name} was dialled: {text}"));
            assert!(text.contains("never dialled"), "{name}: {text}");
        }
    }
    assert_eq!(seen.load(Ordering::SeqCst), 0);
    // Listed it is dialled; with another address the next time it is not, though the name is the same.
    for said in calls("turning.test", port, &["127.0.0.1/32"]) {
        said.unwrap_err();
    }
    let reached = seen.load(Ordering::SeqCst);
    assert!(reached >= 3, "{reached}");
    fs::write(&file, "127.0.0.2 turning.test\n").unwrap();
    for said in calls("turning.test", port, &["127.0.0.1/32"]) {
        assert!(said.unwrap().contains("127.0.0.2 is not a public address"));
    }
    // While it turns all the time, nobody but the listed one is ever reached.
    let trap = TcpListener::bind(("127.0.0.2", port)).unwrap();
    trap.set_nonblocking(true).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let (ended, hosts) = (over.clone(), file.clone());
    let turning = std::thread::spawn(move || {
        while !ended.load(Ordering::SeqCst) {
            for address in ["127.0.0.1", "127.0.0.2"] {
                fs::write(&hosts, format!("{address} turning.test\n")).unwrap();
            }
        }
    });
    for _ in 0..60 {
        let _either = calls("turning.test", port, &["127.0.0.1/32"]);
    }
    over.store(true, Ordering::SeqCst);
    turning.join().unwrap();
    assert!(trap.accept().is_err(), "an address was dialled that was not checked");
}

#[test]
fn a_service_that_sends_us_elsewhere_is_refused() {
    let (port, elsewhere) = counting("127.0.0.1:0");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut first = [0; 2048];
            let _some = stream.read(&mut first);
            let answer = format!(
                "HTTP/1.1 307 There\r\nLocation: http://127.0.0.1:{port}/\r\nContent-Length: 0\r\n\r\n"
            );
            let _gone = stream.write_all(answer.as_bytes());
        }
    });
    let endpoint = scim::Endpoint {
        url: format!("http://127.0.0.1:{own}/v2"),
        pass: Pass::Bearer(Secret::new("t")),
        networks: vec!["127.0.0.0/8".parse().unwrap()],
        limit: Duration::from_secs(10),
        authorities: None,
    };
    let mut session = scim::Session::new(&endpoint, Instant::from_unix(0));
    for said in [
        session.find("Users", "", 1).map(|_| ()),
        session.create("Users", &json!({})).map(|_| ()),
        session.delete(("Users", "1"), None),
    ] {
        assert_eq!(
            said,
            Err(Fault::Refused("It answered 307: redirects are not followed.".into()))
        );
    }
    assert_eq!(elsewhere.load(Ordering::SeqCst), 0);
}
