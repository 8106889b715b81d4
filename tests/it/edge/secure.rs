//! TLS ended by the edge, and certificates that are replaced while it serves. The certificates
//! beside this file are for portico.example and protect nothing.

use super::victim::{Victim, body, within};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tempfile::TempDir;

const FIRST: (&str, &str) =
    (include_str!("certificates/first.pem"), include_str!("certificates/first.key"));
const SECOND: (&str, &str) =
    (include_str!("certificates/second.pem"), include_str!("certificates/second.key"));

type Tls = StreamOwned<ClientConnection, TcpStream>;

fn write(dir: &Path, (certificate, key): (&str, &str)) {
    std::fs::write(dir.join("cert.pem"), certificate).unwrap();
    std::fs::write(dir.join("key.pem"), key).unwrap();
}

fn secure(look: Duration) -> (Victim, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), FIRST);
    let victim = Victim::with(|settings| {
        settings.tls = Some((dir.path().join("cert.pem"), dir.path().join("key.pem")));
        settings.limits.certificate_look = look;
        settings.limits.head = Duration::from_secs(4);
    });
    (victim, dir)
}

fn connect(victim: &Victim, versions: &[&'static SupportedProtocolVersion]) -> Tls {
    let mut roots = RootCertStore::empty();
    for (certificate, _) in [FIRST, SECOND] {
        roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "portico.example".try_into().unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(connection, victim.connect())
}

fn ask(stream: &mut Tls) -> String {
    stream.write_all(b"GET /who HTTP/1.1\r\nHost: portico.example\r\n\r\n").unwrap();
    let mut answer = vec![0; 65_536];
    let n = stream.read(&mut answer).unwrap();
    String::from_utf8(answer[..n].to_vec()).unwrap()
}

/// Which certificate a new connection is shown.
fn shown(victim: &Victim) -> &'static str {
    let mut stream = connect(victim, rustls::ALL_VERSIONS);
    ask(&mut stream);
    let certificate = stream.conn.peer_certificates().unwrap()[0].clone();
    let is = |(pem, _): (&str, &str)| {
        certificate == CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
    };
    if is(FIRST) { "first" } else { "second" }
}

#[test]
fn both_versions_of_tls_are_spoken_and_the_handler_knows() {
    let (victim, _dir) = secure(Duration::from_secs(3600));
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut stream = connect(&victim, &[version]);
        assert!(body(&ask(&mut stream)).starts_with("127.0.0.1 https "));
        assert!(body(&ask(&mut stream)).starts_with("127.0.0.1 https "), "kept alive");
    }
}

#[test]
fn whoever_does_not_speak_tls_is_not_served_and_holds_nothing_up() {
    let (victim, _dir) = secure(Duration::from_secs(3600));
    let mut silent = victim.connect();
    let (answer, closed) = victim.exchange(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(closed && !answer.contains("200"), "{answer}");
    assert_eq!(shown(&victim), "first");
    assert_eq!(silent.read(&mut [0; 10]).unwrap_or(0), 0, "given up after the time for a head");
    assert_eq!(victim.seen(), ["GET /who"]);
}

#[test]
fn a_new_pair_is_taken_up_and_one_that_does_not_match_is_not() {
    let (victim, dir) = secure(Duration::from_millis(100));
    let mut old = connect(&victim, rustls::ALL_VERSIONS);
    assert!(ask(&mut old).starts_with("HTTP/1.1 200"));
    write(dir.path(), (SECOND.0, FIRST.1));
    let refused = || victim.counters.certificate_refused.load(Ordering::Relaxed);
    assert!(within(Duration::from_secs(20), refused));
    assert_eq!(shown(&victim), "first");
    write(dir.path(), ("nonsense", "nonsense"));
    std::thread::sleep(Duration::from_millis(250));
    assert!(refused());
    assert_eq!(shown(&victim), "first");
    write(dir.path(), SECOND);
    assert!(within(Duration::from_secs(20), || shown(&victim) == "second"));
    assert!(within(Duration::from_secs(20), || !refused()));
    assert!(ask(&mut old).starts_with("HTTP/1.1 200"), "open connections go on");
}

#[test]
fn a_hangup_makes_it_look_at_once() {
    let (victim, dir) = secure(Duration::from_secs(3600));
    assert_eq!(shown(&victim), "first");
    write(dir.path(), SECOND);
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::HUP).unwrap();
    assert!(within(Duration::from_secs(20), || shown(&victim) == "second"));
}

#[test]
fn a_pair_that_does_not_match_is_refused_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), (FIRST.0, SECOND.1));
    let listen = portico::edge::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let mut settings = portico::edge::Settings::new(listen, dir.path().join("run"));
    settings.tls = Some((dir.path().join("cert.pem"), dir.path().join("key.pem")));
    let handler = |_| unreachable!("never serves");
    let err = portico::edge::serve(settings, handler, std::future::pending::<()>()).unwrap_err();
    assert_eq!(err.status(), 422);
    assert!(err.to_string().contains("cert.pem and its key cannot be used"), "{err}");
}
