//! The connection below the protocol: the very address that was checked is dialled, encryption is
//! ours, and what comes back is counted. All of it runs on the thread that asks, so that a directory
//! which hangs leaves nothing behind.

use super::ber;
use super::fault::{Fault, Stage};
use crate::drivers::network::{self, Barred};
use ipnet::IpNet;
use parking_lot::Mutex;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use std::io;
use std::net::{SocketAddr, TcpStream as Plain};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

words! {
    /// How the connection is encrypted; unencrypted there is none.
    Security { Ldaps = "ldaps", StartTls = "starttls" }
}

/// One machine of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    pub name: String,
    pub port: u16,
}

impl Host {
    /// A name or an address, with a port or without.
    pub fn parse(text: &str, security: Security) -> Result<Host, String> {
        let port = match security {
            Security::Ldaps => 636,
            Security::StartTls => 389,
        };
        let text = text.trim();
        let (name, port) = match text.rsplit_once(':') {
            Some((name, number)) if !name.contains(':') || name.ends_with(']') => {
                let number: u16 =
                    number.parse().map_err(|_| format!("“{number}” is not a port"))?;
                (name, number)
            }
            _ => (text, port),
        };
        let name = name.trim_start_matches('[').trim_end_matches(']');
        if port == 0 || network::check_host(name).is_err() {
            return Err(format!("“{text}” is not a machine like dc1.example.com"));
        }
        Ok(Host { name: name.to_lowercase(), port })
    }
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name.contains(':') {
            true => write!(f, "[{}]:{}", self.name, self.port),
            false => write!(f, "{}:{}", self.name, self.port),
        }
    }
}

/// How a directory is reached.
#[derive(Clone, Debug)]
pub struct Server {
    pub hosts: Vec<Host>,
    pub security: Security,
    /// The authorities (PEM) that its certificate must come from; without, the public ones.
    pub authority: Option<String>,
    /// Private networks that may be dialled.
    pub networks: Vec<IpNet>,
    /// One call, from asking to the whole answer.
    pub limit: Duration,
}

/// Until a machine is connected to, encryption included.
pub const CONNECT: Duration = Duration::from_secs(5);
/// The most that one answer may hold.
const ANSWER: usize = 4 * 1024 * 1024;

/// What was seen of a connection, for whoever looks into it.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub address: Option<SocketAddr>,
    pub certificate: Option<Vec<u8>>,
}

/// How much may still come in, and what broke the connection.
#[derive(Default)]
pub struct Gauge {
    taken: AtomicUsize,
    trouble: Mutex<Option<Fault>>,
}

impl Gauge {
    pub fn begin(&self) {
        self.taken.store(0, Ordering::Relaxed);
    }

    pub fn trouble(&self) -> Option<Fault> {
        self.trouble.lock().clone()
    }

    fn end(&self, fault: Fault) {
        self.trouble.lock().get_or_insert(fault);
    }
}

/// The addresses of a machine, each of which may be dialled.
pub fn addresses(host: &Host, networks: &[IpNet]) -> Result<Vec<SocketAddr>, Fault> {
    network::resolve_host(&host.name, host.port, networks, CONNECT).map_err(|barred| match barred {
        Barred::Refused(text) => Fault { stage: Stage::Address, ..Fault::refused(text) },
        Barred::Unresolved(text) => Fault::network(Stage::Address, text),
    })
}

/// Connects to the first address that answers.
pub fn connect(host: &Host, all: &[SocketAddr]) -> Result<(Plain, SocketAddr), Fault> {
    let end = Instant::now() + CONNECT;
    let mut last = format!("{host} has no address.");
    for address in all {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        match Plain::connect_timeout(address, left) {
            Ok(stream) => {
                stream.set_nonblocking(true).map_err(|err| broken(Stage::Connect, &err))?;
                return Ok((stream, *address));
            }
            Err(err) => last = refusal(host, address, &err),
        }
    }
    Err(Fault::network(Stage::Connect, last))
}

fn refusal(host: &Host, address: &SocketAddr, err: &io::Error) -> String {
    match err.kind() {
        io::ErrorKind::TimedOut => {
            format!("{host} ({}) did not answer within {} s.", address.ip(), CONNECT.as_secs())
        }
        io::ErrorKind::ConnectionRefused => {
            format!("Nothing listens at {host} ({}).", address.ip())
        }
        _ => format!("{host} ({}) cannot be reached: {err}.", address.ip()),
    }
}

fn broken(stage: Stage, err: &io::Error) -> Fault {
    Fault::network(stage, format!("The connection broke: {err}."))
}

/// Encrypts the connection and checks who is at the other end.
pub async fn encrypt(
    server: &Server,
    host: &Host,
    stream: Plain,
) -> Result<TlsStream<TcpStream>, Fault> {
    let name = ServerName::try_from(host.name.clone()).map_err(|_| Fault {
        stage: Stage::Tls,
        ..Fault::refused("Its name cannot be checked.")
    })?;
    let config = trust(server.authority.as_deref())?;
    let mut stream = TcpStream::from_std(stream).map_err(|err| broken(Stage::Connect, &err))?;
    if server.security == Security::StartTls {
        ask_for_tls(&mut stream).await?;
    }
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, stream).await.map_err(|err| unproven(host, &err))
}

fn trust(authority: Option<&str>) -> Result<ClientConfig, Fault> {
    let mut roots = RootCertStore::empty();
    match authority {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(pem) => {
            for certificate in authorities(pem).map_err(Fault::refused)? {
                let added = roots.add(certificate);
                added.map_err(|err| {
                    Fault::refused(format!("The authority cannot be used: {err}."))
                })?;
            }
        }
    }
    let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&versions)
        .map_err(|err| Fault::refused(err.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// The certificates in a PEM text: one at least.
pub fn authorities(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        _ => Err("has no certificate in it: it begins with -----BEGIN CERTIFICATE-----".into()),
    }
}

/// The request of RFC 4511 4.14, and its answer, before anything else is said.
async fn ask_for_tls(stream: &mut TcpStream) -> Result<(), Fault> {
    let mut request = vec![0x30, 29, 2, 1, 1, 0x77, 24, 0x80, 22];
    request.extend(b"1.3.6.1.4.1.1466.20037");
    stream.write_all(&request).await.map_err(|err| broken(Stage::Tls, &err))?;
    let mut answer = Vec::new();
    loop {
        let byte = stream.read_u8().await.map_err(|err| broken(Stage::Tls, &err))?;
        answer.push(byte);
        if ber::element(&answer).is_some() {
            break;
        }
        if answer.len() > 4096 {
            return Err(Fault::network(
                Stage::Tls,
                "It did not answer in the language of directories.",
            ));
        }
    }
    match ber::extended_code(&answer) {
        Some(0) => Ok(()),
        Some(code) => Err(Fault::of_code(Stage::Tls, code, "StartTLS is not offered")),
        None => {
            Err(Fault::network(Stage::Tls, "It did not answer in the language of directories."))
        }
    }
}

/// Why the other end is not who it should be.
fn unproven(host: &Host, err: &io::Error) -> Fault {
    let tls = err.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let text = match tls {
        Some(rustls::Error::InvalidCertificate(wrong)) => match wrong {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "Its certificate has expired.".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "Its certificate is not valid yet.".to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!("Its certificate is not for the name {}.", host.name)
            }
            // An authority of the same name with another key signed it.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "Its certificate is from an authority that is not trusted here.".to_owned()
            }
            other => format!("Its certificate is not accepted: {other}."),
        },
        Some(other) => format!("No encrypted connection: {other}."),
        None if err.kind() == io::ErrorKind::UnexpectedEof => {
            "It closed the connection while encryption began.".to_owned()
        }
        None => format!("No encrypted connection: {err}."),
    };
    Fault::network(Stage::Tls, text)
}

/// Carries bytes between the encrypted connection and the protocol until one of them ends.
pub async fn carry(outside: TlsStream<TcpStream>, inside: UnixStream, gauge: Arc<Gauge>) {
    let (mut from_there, mut to_there) = tokio::io::split(outside);
    let (mut from_here, mut to_here) = inside.into_split();
    let incoming = async {
        let mut bytes = vec![0; 16 * 1024];
        loop {
            let count = match from_there.read(&mut bytes).await {
                Ok(0) => {
                    return Fault::network(Stage::Call, "The directory closed the connection.");
                }
                Ok(count) => count,
                Err(err) => return broken(Stage::Call, &err),
            };
            let whole = gauge.taken.fetch_add(count, Ordering::Relaxed).saturating_add(count);
            if whole > ANSWER {
                let most = ANSWER / 1024 / 1024;
                return Fault::refused(format!("The answer is longer than {most} MiB."));
            }
            let part = bytes.get(..count).unwrap_or_default();
            if to_here.write_all(part).await.is_err() {
                return Fault::network(Stage::Call, "The connection was closed here.");
            }
        }
    };
    let outgoing = async {
        let (mut bytes, mut kept) = (vec![0; 16 * 1024], Vec::new());
        loop {
            let part = match from_here.read(&mut bytes).await {
                Ok(0) => return Fault::network(Stage::Call, "The connection was closed here."),
                Ok(count) => bytes.get(..count).unwrap_or_default(),
                Err(err) => return broken(Stage::Call, &err),
            };
            kept.extend_from_slice(part);
            while let Some((tag, message, rest)) = ber::element(&kept) {
                if tag != 0x30 || !is_harmless(message) {
                    return Fault::refused("A request with a control that is never sent was held.");
                }
                let whole = kept.len().saturating_sub(rest.len());
                let rest = rest.to_vec();
                let sent = to_there.write_all(kept.get(..whole).unwrap_or_default()).await;
                if let Err(err) = sent.and(to_there.flush().await) {
                    return broken(Stage::Call, &err);
                }
                kept = rest;
            }
        }
    };
    let fault = tokio::select! { fault = incoming => fault, fault = outgoing => fault };
    gauge.end(fault);
}

/// The controls that are sent: pages of results, which part of the rights at an object is read, and
/// that deleted objects are shown. Above all not the one that deletes what lies below an object.
const SENT: [&str; 3] = [PAGES, RIGHTS, DELETED];
const PAGES: &str = "1.2.840.113556.1.4.319";
pub const DELETED: &str = "1.2.840.113556.1.4.417";
pub const RIGHTS: &str = "1.2.840.113556.1.4.801";

/// Whether a message carries no control but those. What cannot be read is not sent.
fn is_harmless(message: &[u8]) -> bool {
    controls(message)
        .is_some_and(|all| all.iter().all(|name| SENT.iter().any(|ok| ok.as_bytes() == *name)))
}

/// The names of the controls of one message: its number, what it asks for, and perhaps those.
fn controls(message: &[u8]) -> Option<Vec<&[u8]>> {
    let (0x02, _, rest) = ber::element(message)? else { return None };
    let (_, _, rest) = ber::element(rest)?;
    if rest.is_empty() {
        return Some(Vec::new());
    }
    let (0xa0, mut list, []) = ber::element(rest)? else { return None };
    let mut names = Vec::new();
    while !list.is_empty() {
        let (0x30, control, after) = ber::element(list)? else { return None };
        let (0x04, name, _) = ber::element(control)? else { return None };
        names.push(name);
        list = after;
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request to delete `dc=x`, with a control of that name.
    fn deletion(control: &str) -> Vec<u8> {
        let mut all = vec![2, 1, 7, 0x4a, 4];
        all.extend(b"dc=x");
        let length = |more: usize| u8::try_from(control.len() + more).unwrap();
        all.extend([0xa0, length(4), 0x30, length(2), 4, length(0)]);
        all.extend(control.as_bytes());
        all
    }

    #[test]
    fn no_control_is_let_out_but_those_that_read() {
        assert!(SENT.iter().all(|control| is_harmless(&deletion(control))));
        // The one that deletes a tree, put together so that its name is nowhere in the program.
        let tree = format!("1.2.840.113556.1.4.{}", 805);
        for other in [tree.as_str(), "1.2.3", ""] {
            assert!(!is_harmless(&deletion(other)), "{other}");
        }
        let plain = [2, 1, 7, 0x4a, 4, b'd', b'c', b'=', b'x'];
        assert!(is_harmless(&plain));
        // The same words as the value of something are no control.
        let mut named = vec![2, 1, 7, 0x4a, 22];
        named.extend(tree.as_bytes());
        assert!(is_harmless(&named));
        for end in 0..plain.len() {
            assert!(!is_harmless(&plain[..end]), "{end}");
        }
        let cut = deletion(PAGES);
        assert!(!is_harmless(&cut[..cut.len() - 1]));
    }

    #[test]
    fn machines_are_named_with_or_without_a_port() {
        let read = |text: &str| Host::parse(text, Security::Ldaps).map(|host| host.to_string());
        assert_eq!(read("DC1.example.com").unwrap(), "dc1.example.com:636");
        assert_eq!(read("dc1.example.com:1636").unwrap(), "dc1.example.com:1636");
        assert_eq!(read("10.0.0.4").unwrap(), "10.0.0.4:636");
        assert_eq!(read("[fd12::4]:700").unwrap(), "[fd12::4]:700");
        assert_eq!(read("fd12::4").unwrap(), "[fd12::4]:636");
        let plain = Host::parse("dc1", Security::StartTls).unwrap();
        assert_eq!(plain.port, 389);
        for text in ["", "dc1:", "dc1:0", "dc1:70000", "ldaps://dc1", "dc1/x", "a b", "user@dc1"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
