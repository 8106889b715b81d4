//! Webhooks are sent to a small real server on this machine, which answers as each test needs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use portico::drivers::webhook::{self, Delivery, Endpoint};
use portico::drivers::{Answer, Outcome, log::Log, sign};
use portico::secret::Secret;
use portico::time;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// One request as it came in.
struct Seen {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
        &found.unwrap_or_else(|| panic!("no {name}")).1
    }
}

struct Server {
    port: u16,
    seen: Receiver<Seen>,
}

impl Server {
    /// Every request is read whole and then given to `reply`.
    fn with(reply: impl Fn(&mut TcpStream) + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (to, seen) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read(&stream);
                if to.send(request).is_err() {
                    break;
                }
                reply(&mut stream);
            }
        });
        Server { port, seen }
    }

    fn answering(status: u16, headers: &str, body: &str) -> Server {
        let length = body.len();
        let text = format!(
            "HTTP/1.1 {status} Whatever\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        );
        // The client may be gone before all of a long answer is written.
        Server::with(move |stream| drop(stream.write_all(text.as_bytes())))
    }

    fn endpoint(&self) -> Endpoint {
        endpoint(&format!("http://127.0.0.1:{}/hooks?for=7", self.port))
    }

    fn outcome(&self) -> Outcome {
        send(&self.endpoint(), &json!({"verb": "create"})).0
    }
}

fn read(stream: impl Read) -> Seen {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let split = |line: &String| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_owned(), value.to_owned())
    };
    let mut seen = Seen {
        line: lines[0].clone(),
        headers: lines[1..].iter().map(split).collect(),
        body: Vec::new(),
    };
    seen.body = vec![0; seen.header("content-length").parse().unwrap()];
    reader.read_exact(&mut seen.body).unwrap();
    seen
}

fn endpoint(url: &str) -> Endpoint {
    Endpoint {
        url: url.to_owned(),
        secrets: vec![secret(7)],
        networks: vec!["127.0.0.0/8".parse().unwrap()],
        limit: Duration::from_secs(10),
        authorities: None,
    }
}

fn secret(byte: u8) -> Secret {
    Secret::new(format!("whsec_{}", STANDARD.encode([byte; 32])))
}

fn send(endpoint: &Endpoint, body: &Value) -> (Outcome, Log) {
    let delivery = Delivery {
        key: "portico-a1-77",
        event: "user_service.create",
        attempt: 3,
        body,
        secrets: &[Secret::new("Tr0ub4dor&3")],
        callback: None,
        now: time::Instant::from_unix(1_800_000_000),
    };
    webhook::send(endpoint, &delivery)
}

fn refusal(outcome: Outcome) -> String {
    match outcome {
        Outcome::Refused { text } => text,
        other => panic!("not refused: {other:?}"),
    }
}

fn retry(outcome: Outcome) -> (Option<u64>, String) {
    match outcome {
        Outcome::Retry { after, text } => (after.map(|after| after.as_secs()), text),
        other => panic!("no retry: {other:?}"),
    }
}

/// As a receiver would compute it who has only read the specification.
fn signature(byte: u8, seen: &Seen) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&[byte; 32]).unwrap();
    mac.update(format!("portico-a1-77.{}.", seen.header("webhook-timestamp")).as_bytes());
    mac.update(&seen.body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[test]
fn it_posts_signed_json() {
    let server = Server::answering(204, "", "");
    let body = json!({"verb": "create", "user": {"upn": "jürgen@helder.example"}});
    let (outcome, log) = send(&server.endpoint(), &body);
    assert_eq!(outcome, Outcome::Done(Answer::default()));
    let seen = server.seen.recv().unwrap();
    assert_eq!(seen.line, "POST /hooks?for=7 HTTP/1.1");
    assert_eq!(serde_json::from_slice::<Value>(&seen.body).unwrap(), body);
    for (name, value) in [
        ("content-type", "application/json"),
        ("idempotency-key", "portico-a1-77"),
        ("portico-event", "user_service.create"),
        ("portico-attempt", "3"),
        ("webhook-id", "portico-a1-77"),
        ("webhook-timestamp", "1800000000"),
        ("webhook-signature", &signature(7, &seen)),
    ] {
        assert_eq!(seen.header(name), value, "{name}");
    }
    assert!(!seen.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("cookie")));
    assert!(log.text().starts_with("POST to http://127.0.0.1:"), "{log:?}");
    assert!(!log.text().contains("for=7"), "{log:?}");
}

#[test]
fn while_a_secret_is_rotated_there_are_two_signatures() {
    let server = Server::answering(200, "", "{}");
    let mut endpoint = server.endpoint();
    endpoint.secrets = vec![secret(8), secret(7)];
    let (outcome, _) = send(&endpoint, &json!({}));
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    let seen = server.seen.recv().unwrap();
    let both = format!("{} {}", signature(8, &seen), signature(7, &seen));
    assert_eq!(seen.header("webhook-signature"), both);
    let headers = ("portico-a1-77", seen.header("webhook-timestamp"), both.as_str());
    let now = time::Instant::from_unix(1_800_000_010);
    assert!(sign::verify(&[secret(7)], headers, &seen.body, now));
    assert!(sign::verify(&[secret(8)], headers, &seen.body, now));
    assert!(!sign::verify(&[secret(9)], headers, &seen.body, now));

    endpoint.secrets.clear();
    assert!(refusal(send(&endpoint, &json!({})).0).contains("cannot be signed"));
    assert!(server.seen.try_recv().is_err(), "nothing was sent");
}

#[test]
fn the_status_decides() {
    let with = |status, body: &str| Server::answering(status, "", body).outcome();
    let answer = r#"{"outputs":{"mailbox":"m7"},"message":"made","warnings":["full"],"more":1}"#;
    let Outcome::Done(done) = with(200, answer) else { panic!() };
    assert_eq!(Value::from(done.outputs), json!({"mailbox": "m7"}));
    assert_eq!((done.message.as_deref(), done.warnings), (Some("made"), vec!["full".to_owned()]));
    for (status, body) in [(200, "fine"), (201, ""), (202, "{}"), (200, "[1]")] {
        assert_eq!(with(status, body), Outcome::Done(Answer::default()), "{status} {body}");
    }
    assert!(matches!(with(409, r#"{"already":true}"#), Outcome::Already(_)));
    for body in [r#"{"already":"true"}"#, r#"{"already":false}"#, ""] {
        assert!(refusal(with(409, body)).contains("409"), "{body}");
    }
    for status in [408, 425, 429, 500, 502, 503, 504, 599] {
        assert_eq!(
            retry(with(status, r#"{"title":"busy"}"#)).1,
            format!("It answered {status}: busy")
        );
    }
    for status in [400, 401, 403, 404, 410, 422, 451] {
        let text = refusal(with(status, r#"{"title":"No such plan","status":1}"#));
        assert_eq!(text, format!("It answered {status}: No such plan"));
    }
    assert_eq!(refusal(with(400, "<html>")), "It answered 400: it gave no reason");
}

#[test]
fn redirects_are_not_followed() {
    let other = Server::answering(200, "", "{}");
    for status in [301, 302, 303, 307, 308] {
        let location = format!("Location: http://127.0.0.1:{}/\r\n", other.port);
        let text = refusal(Server::answering(status, &location, "").outcome());
        assert_eq!(text, format!("It answered {status}: redirects are not followed."));
    }
    assert!(other.seen.try_recv().is_err());
}

#[test]
fn retry_after_is_obeyed_up_to_an_hour() {
    let with = |value: &str| {
        let header = format!("Retry-After: {value}\r\n");
        retry(Server::answering(503, &header, "").outcome()).0
    };
    assert_eq!(with("120"), Some(120));
    assert_eq!(with("0"), Some(0));
    assert_eq!(with("86400"), Some(3_600));
    // 1800000000 is Fri, 15 Jan 2027 08:00:00 GMT.
    assert_eq!(with("Fri, 15 Jan 2027 08:01:30 GMT"), Some(90));
    assert_eq!(with("Fri, 15 Jan 2027 07:00:00 GMT"), Some(0));
    assert_eq!(with("Sat, 16 Jan 2027 08:00:00 GMT"), Some(3_600));
    assert_eq!(with("soon"), None);
    assert_eq!(with("-5"), None);
}

#[test]
fn a_slow_answer_ends_in_time() {
    let server = Server::with(|stream| {
        let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        for _ in 0..600 {
            std::thread::sleep(Duration::from_millis(200));
            if stream.write_all(b" ").is_err() {
                break;
            }
        }
    });
    let mut endpoint = server.endpoint();
    endpoint.limit = Duration::from_secs(1);
    let began = Instant::now();
    let (outcome, _) = send(&endpoint, &json!({}));
    assert!(matches!(&outcome, Outcome::Unknown { text } if text.contains("200")), "{outcome:?}");
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());

    let silent = Server::with(|_| std::thread::sleep(Duration::from_secs(120)));
    let mut endpoint = silent.endpoint();
    endpoint.limit = Duration::from_secs(1);
    let began = Instant::now();
    retry(send(&endpoint, &json!({})).0);
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

#[test]
fn what_is_too_long_is_not_taken_and_not_sent() {
    let huge = "x".repeat(5_000_000);
    let outcome = Server::answering(200, "", &huge).outcome();
    assert!(matches!(&outcome, Outcome::Unknown { text } if text.contains("256 KiB")));
    let (outcome, log) = send(&Server::answering(400, "", &huge).endpoint(), &json!({}));
    refusal(outcome);
    assert!(log.text().len() <= 64 * 1024);

    let endless = Server::with(|stream| {
        let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\nX-Long: ");
        while stream.write_all(&[b'x'; 8192]).is_ok() {}
    });
    retry(endless.outcome());

    let server = Server::answering(200, "", "");
    let (outcome, _) = send(&server.endpoint(), &json!("x".repeat(webhook::BODY)));
    assert!(refusal(outcome).contains("256 KiB is the most"));
    assert!(server.seen.try_recv().is_err());
}

#[test]
fn nothing_is_dialled_that_is_not_listed() {
    let server = Server::answering(200, "", "{}");
    let port = server.port;
    for host in
        ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "017700000001", "[::ffff:7f00:1]"]
    {
        for scheme in ["http", "https"] {
            let mut endpoint = endpoint(&format!("{scheme}://{host}:{port}/"));
            endpoint.networks = vec!["10.0.0.0/8".parse().unwrap()];
            let text = refusal(send(&endpoint, &json!({})).0);
            assert!(text.contains("is not a public address"), "{host}: {text}");
        }
    }
    for host in ["169.254.169.254", "[fd00:ec2::254]", "0.0.0.0", "[::]", "[fe80::1]"] {
        let mut endpoint = endpoint(&format!("http://{host}:{port}/"));
        endpoint.networks = vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()];
        assert!(refusal(send(&endpoint, &json!({})).0).contains("never dialled"), "{host}");
    }
    let named = endpoint(&format!("http://mira:pw@127.0.0.1:{port}/"));
    assert!(refusal(send(&named, &json!({})).0).contains("name or password"));
    assert!(refusal(send(&endpoint("http://8.8.8.8/"), &json!({})).0).contains("https only"));
    assert!(server.seen.try_recv().is_err());
    // Listed, every way of writing it is the same machine.
    let (outcome, _) = send(&endpoint(&format!("http://2130706433:{port}/")), &json!({}));
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
}

#[test]
fn a_server_that_is_not_there_is_tried_again() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    retry(send(&endpoint(&format!("http://127.0.0.1:{free}/")), &json!({})).0);
    // No TLS is spoken here.
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let _gone = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    retry(send(&endpoint(&format!("https://127.0.0.1:{port}/")), &json!({})).0);
}

/// Answers 204 over TLS, with a certificate for `localhost` of the authority whose PEM it returns.
fn tls_server() -> (u16, String) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    let key = rustls_pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key.into())
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut connection = rustls::ServerConnection::new(config.clone()).unwrap();
            // A client that does not trust us goes away in the middle of this.
            if connection.complete_io(&mut stream).is_ok() && !connection.is_handshaking() {
                let mut tls = rustls::StreamOwned::new(connection, stream);
                let mut first = [0; 1];
                if tls.read(&mut first).is_ok_and(|read| read > 0) {
                    read((&first[..]).chain(&mut tls));
                    let _gone = tls.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
                }
            }
        }
    });
    (port, authority.pem())
}

#[test]
fn a_certificate_must_be_of_an_authority_we_trust_and_for_that_name() {
    let (port, authority) = tls_server();
    let trusting = |host: &str, authorities: Option<&str>| {
        let mut endpoint = endpoint(&format!("https://{host}:{port}/"));
        endpoint.networks.push("::1".parse::<std::net::IpAddr>().unwrap().into());
        endpoint.authorities = authorities.map(str::to_owned);
        send(&endpoint, &json!({})).0
    };
    let right = trusting("localhost", Some(&authority));
    assert!(matches!(right, Outcome::Done(_)), "{right:?}");
    assert!(retry(trusting("localhost", None)).1.contains("certificate"));
    assert!(retry(trusting("127.0.0.1", Some(&authority))).1.contains("certificate"));
    let (_, stranger) = tls_server();
    assert!(retry(trusting("localhost", Some(&stranger))).1.contains("certificate"));
    assert!(refusal(trusting("localhost", Some("none"))).contains("no certificate"));
}

#[test]
fn no_secret_is_in_the_log_or_the_outcome() {
    let whsec = secret(7);
    let echo = json!({
        "title": "wrong key Tr0ub4dor&3",
        "token": "of-theirs",
        "sent": STANDARD.encode("id:Tr0ub4dor&3!"),
        "signed_with": whsec.reveal(),
    });
    let server = Server::answering(400, "", &echo.to_string());
    let (outcome, log) = send(&server.endpoint(), &json!({"secrets": {"key": "Tr0ub4dor&3"}}));
    assert_eq!(refusal(outcome), "It answered 400: wrong key ***");
    let text = log.text();
    for piece in ["Tr0ub", "of-theirs", "VHIwdW", "RyMHVi", "cjB1Yj", "whsec_"] {
        assert!(!text.contains(piece), "{piece} in {text}");
    }
    let given = json!({"outputs": {"mailbox": "m7", "key": "Tr0ub4dor&3"}});
    let server = Server::answering(200, "", &given.to_string());
    let (Outcome::Done(answer), _) = send(&server.endpoint(), &json!({})) else { panic!() };
    assert_eq!(Value::from(answer.outputs), json!({"mailbox": "m7"}));
    assert_eq!(answer.warnings, ["The output key held a secret and was left out."]);
}
