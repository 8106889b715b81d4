//! What a client gets when nothing is wrong, and what it gets when its request is not taken.

use super::victim::{Victim, body, header, hear, status, statuses, within};
use flate2::read::GzDecoder;
use portico::edge;
use std::io::{Read, Write};
use std::time::Duration;

#[test]
fn a_page_comes_with_its_length_and_the_number_of_its_request() {
    let victim = Victim::new();
    let (answer, closed) = victim.exchange(b"GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(body(&answer), "ok GET /a?b=c");
    assert_eq!(header(&answer, "content-length"), Some("13"));
    assert!(header(&answer, "x-request-id").is_some_and(|id| id.len() == 17), "{answer}");
    assert_eq!(header(&answer, "server"), None);
    assert!(!closed, "kept alive");
}

#[test]
fn head_is_answered_as_get_without_the_body() {
    let victim = Victim::new();
    for (target, length) in [("/", "8"), ("/big?100000", "100000"), ("/file?3000000", "3000000")] {
        let head = format!("HEAD {target} HTTP/1.1\r\nHost: x\r\n\r\n");
        let (answer, closed) = victim.exchange(head.as_bytes());
        assert_eq!(header(&answer, "content-length"), Some(length), "{answer}");
        assert_eq!(body(&answer), "");
        assert!(!closed, "kept alive");
    }
}

#[test]
fn answers_without_a_body_say_nothing_of_its_length() {
    let victim = Victim::new();
    for status in ["204", "304"] {
        let answer = victim.get(&format!("/status?{status}"));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        assert_eq!(header(&answer, "content-length"), None);
    }
    assert_eq!(victim.status("/status?99"), 500);
}

#[test]
fn a_large_answer_and_a_file_are_sent_whole_and_leave_nothing_behind() {
    let victim = Victim::new();
    for (target, byte) in [("/big?5000000", 'x'), ("/file?5000000", 'f'), ("/file?10", 'f')] {
        let answer = victim.get(target);
        let length = target.split('?').nth(1).unwrap();
        assert_eq!(header(&answer, "content-length"), Some(length));
        assert_eq!(body(&answer).len().to_string(), length);
        assert!(body(&answer).chars().all(|c| c == byte));
    }
    let left = || std::fs::read_dir(edge::answers_dir(&victim.run_dir)).unwrap().count();
    assert!(within(Duration::from_secs(20), || left() == 0));
}

#[test]
fn a_file_from_elsewhere_is_never_sent_nor_deleted() {
    let victim = Victim::new();
    let answer = victim.get("/foreign-file");
    assert_eq!(status(&answer), Some(500));
    assert!(!answer.contains("root:"), "{answer}");
    assert!(std::fs::exists("/etc/passwd").unwrap());
}

#[test]
fn text_is_compressed_for_those_who_take_it() {
    let victim = Victim::new();
    let ask = |headers: &str| {
        let mut stream = victim.connect();
        let head =
            format!("GET /text?500 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
        (String::from_utf8(bytes[..end].to_vec()).unwrap(), bytes[end..].to_vec())
    };
    let (head, packed) = ask("Accept-Encoding: br, gzip\r\n");
    assert_eq!(header(&head, "content-encoding"), Some("gzip"), "{head}");
    assert_eq!(header(&head, "vary"), Some("Accept-Encoding"), "{head}");
    assert!(packed.len() < 1000, "{}", packed.len());
    let mut text = String::new();
    GzDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!(text, "all work and no play ".repeat(500));
    for headers in [
        "",
        "Accept-Encoding: gzip;q=0\r\n",
        "Accept-Encoding: gzip\r\nX-Say: X-No-Compress=1\r\n",
        "Accept-Encoding: gzip\r\nX-Say: ETag=\"1\"\r\n",
    ] {
        let (head, plain) = ask(headers);
        assert_eq!(header(&head, "content-encoding"), None, "{headers}{head}");
        assert_eq!(header(&head, "x-no-compress"), None, "{headers}{head}");
        assert_eq!(plain.len(), 10_500, "{headers}{head}");
    }
    let (head, _) = ask("Accept-Encoding: gzip\r\nX-Say: Content-Encoding=br\r\n");
    assert_eq!(header(&head, "content-encoding"), Some("br"), "{head}");
}

#[test]
fn a_program_is_refused_with_a_problem_and_a_person_with_a_page() {
    let victim = Victim::new();
    let (answer, _) = victim.exchange(b"TRACE /api/v1/users HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(header(&answer, "content-type"), Some("application/problem+json"));
    assert_eq!(header(&answer, "allow"), Some("GET, HEAD, POST, PUT, PATCH, DELETE"));
    let problem: serde_json::Value = serde_json::from_str(body(&answer)).unwrap();
    assert_eq!(problem["status"], 405);
    assert_eq!(problem["request_id"], header(&answer, "x-request-id").unwrap());

    let big = b"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n";
    let (answer, _) = victim.exchange(big);
    assert_eq!(status(&answer), Some(413));
    assert_eq!(header(&answer, "content-type"), Some("application/problem+json"));

    let (answer, _) = victim.exchange(b"TRACE /users HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(header(&answer, "content-type"), Some("text/html; charset=utf-8"));
    assert!(body(&answer).contains(header(&answer, "x-request-id").unwrap()), "{answer}");
    assert_eq!(victim.counters.own(405), 2);
    assert_eq!(victim.counters.own(413), 1);
    assert_eq!(victim.counters.own(400), 0);
}

#[test]
fn what_is_too_long_is_refused_by_its_kind() {
    let victim = Victim::new();
    let get = |rest: String| format!("GET / HTTP/1.1\r\nHost: x\r\n{rest}\r\n").into_bytes();
    for (bytes, expected) in [
        (get("a: b\r\n".repeat(70)), 431),
        (get(format!("X: {}\r\n", "a".repeat(20_000))), 431),
        (format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(5000)).into_bytes(), 414),
    ] {
        let (answer, closed) = victim.exchange(&bytes);
        assert_eq!((statuses(&answer), closed), (vec![expected], true));
    }
    assert_eq!(status(&victim.exchange(&get("a: b\r\n".repeat(63))).0), Some(200));
}

#[test]
fn a_route_says_how_much_it_takes() {
    let victim = Victim::with(|settings| {
        settings.body_limit = |method, path| match (method, path) {
            ("POST", "/echo") => 2000,
            _ => 10,
        };
    });
    let send = |target: &str, length: usize| {
        let head = format!("POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
        let (answer, _) = victim.exchange(&[head.into_bytes(), vec![b'a'; length]].concat());
        status(&answer).unwrap()
    };
    assert_eq!((send("/echo?import", 2000), send("/echo", 2001)), (200, 413));
    assert_eq!((send("/other", 10), send("/other", 11)), (200, 413));
    let chunks = |length: usize| {
        let head = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
        let body = format!("{head}{length:x}\r\n{}\r\n0\r\n\r\n", "a".repeat(length));
        status(&victim.exchange(body.as_bytes()).0).unwrap()
    };
    assert_eq!((chunks(2000), chunks(2001)), (200, 413));
}

#[test]
fn a_refusal_reaches_a_client_that_is_still_sending() {
    let victim = Victim::new();
    for _ in 0..5 {
        let mut stream = victim.connect();
        let head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n";
        stream.write_all(head).unwrap();
        let _ = stream.write_all(&vec![b'a'; 3_000_000]);
        assert_eq!(status(&hear(&mut stream)), Some(413));
    }
}

#[test]
fn a_large_body_arrives_whole() {
    let victim = Victim::new();
    let mut stream = victim.connect();
    let head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n";
    stream.write_all(head).unwrap();
    stream.write_all(&vec![1; 10_000_000]).unwrap();
    assert_eq!(body(&hear(&mut stream)), "got 10000000 bytes, sum 10000000");
}
