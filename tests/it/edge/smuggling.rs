//! Requests that two readers could read in two ways. Each is answered once and the connection is
//! closed, or it is read as the standard says; what was hidden in it never reaches a handler.

use super::victim::{Victim, body, header, statuses};

const HIDDEN: &str = "GET /SMUGGLED HTTP/1.1\r\nHost: x\r\n\r\n";

/// What is sent, the statuses that come back in order, and the targets that handlers see.
type Case<'a> = (&'a str, Vec<u8>, &'a [u16], &'a [&'a str]);

fn post(target: &str, headers: &str, rest: &str) -> Vec<u8> {
    format!("POST {target} HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n{rest}").into_bytes()
}

fn get(rest: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\n{rest}\r\n\r\n").into_bytes()
}

/// Every case must end with the connection closed, so that nothing behind it is read.
fn refused(cases: &[(&str, Vec<u8>, u16)]) {
    let victim = Victim::new();
    std::thread::scope(|scope| {
        let runs = cases.iter().map(|(name, bytes, status)| {
            let victim = &victim;
            scope.spawn(move || {
                let (answer, closed) = victim.exchange(bytes);
                assert_eq!(statuses(&answer), [*status], "{name}: {answer}");
                assert!(closed, "{name} leaves the connection open");
                assert_eq!(header(&answer, "connection"), Some("close"), "{name}: {answer}");
                assert!(header(&answer, "x-request-id").is_some(), "{name}: {answer}");
            })
        });
        runs.collect::<Vec<_>>().into_iter().for_each(|run| run.join().unwrap());
    });
    assert_eq!(victim.seen(), [""; 0], "reached a handler");
    assert_eq!(victim.status("/"), 200);
}

fn taken(cases: &[Case<'_>]) {
    let victim = Victim::new();
    for (name, bytes, expected, targets) in cases {
        let before = victim.seen().len();
        let (answer, _) = victim.exchange(bytes);
        assert_eq!(statuses(&answer), *expected, "{name}: {answer}");
        assert_eq!(victim.seen()[before..], **targets, "{name}");
    }
}

#[test]
fn a_body_whose_length_is_said_in_two_ways_is_refused() {
    let both = |length: usize, rest: &str| {
        let headers = format!("Content-Length: {length}\r\nTransfer-Encoding: chunked");
        post("/echo", &headers, rest)
    };
    let end = format!("0\r\n\r\n{HIDDEN}");
    let len = HIDDEN.len();
    let te = |value: &str, rest: &str| post("/echo", &format!("Transfer-Encoding: {value}"), rest);
    let cl = |value: &str| post("/echo", &format!("Content-Length: {value}"), HIDDEN);
    let twice = |a: usize, b: usize| {
        post("/echo", &format!("Content-Length: {a}\r\nContent-Length: {b}"), HIDDEN)
    };
    refused(&[
        ("both, chunked wins", both(5, &end), 400),
        ("both, length wins", both(len, HIDDEN), 400),
        (
            "both, the other way round",
            post("/echo", "Transfer-Encoding: chunked\r\nContent-Length: 5", &end),
            400,
        ),
        (
            "both, in odd case and space",
            post("/echo", "content-LENGTH:5\r\ntransfer-ENCODING:\tCHUNKED\t", &end),
            400,
        ),
        (
            "identity and length",
            post("/echo", "Content-Length: 3\r\nTransfer-Encoding: identity", "abc"),
            501,
        ),
        ("xchunked", te("xchunked", &end), 501),
        ("gzip, chunked", te("gzip, chunked", &end), 501),
        ("an empty coding", te("", &end), 501),
        ("chunked, chunked", te("chunked, chunked", &end), 501),
        (
            "identity, then chunked",
            post("/echo", "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", &end),
            501,
        ),
        (
            "chunked twice",
            post("/echo", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", &end),
            400,
        ),
        (
            "a space before the colon",
            post("/echo", "Content-Length: 5\r\nTransfer-Encoding : chunked", &end),
            400,
        ),
        (
            "chunked on HTTP/1.0",
            format!(
                "POST /echo HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: \
                 keep-alive\r\n\r\n{end}"
            )
            .into_bytes(),
            400,
        ),
        ("two lengths, 0 first", twice(0, len), 400),
        ("two lengths, 0 last", twice(len, 0), 400),
        ("two equal lengths", twice(len, len), 400),
        ("a list of lengths", cl(&format!("{len}, {len}")), 400),
        ("a plus", cl(&format!("+{len}")), 400),
        ("a minus", cl("-1"), 400),
        ("letters", cl("abc"), 400),
        ("hexadecimal", cl("0x24"), 400),
        ("no digits", cl(""), 400),
        ("more than 64 bits", cl("99999999999999999999999"), 413),
        ("all 64 bits", cl("18446744073709551615"), 413),
    ]);
}

#[test]
fn a_head_that_is_not_clean_is_refused() {
    let len = HIDDEN.len();
    refused(&[
        (
            "a folded line hides a length",
            post("/echo", &format!("X-A: b\r\n Content-Length: {len}"), HIDDEN),
            400,
        ),
        ("a folded line", get("Host: x\r\nX-A: b\r\n  continued"), 400),
        ("a space before the first header", get(" Host: x"), 400),
        ("LF ends the lines", b"GET / HTTP/1.1\nHost: x\n\n".to_vec(), 400),
        ("LF in a value", get("Host: x\r\nX-A: b\nX-Evil: 1"), 400),
        (
            "LF to be reflected",
            b"GET /reflect HTTP/1.1\r\nHost: x\r\nX-R: a\nSet-Cookie: pwn=1\r\n\r\n".to_vec(),
            400,
        ),
        (
            "CR to be reflected",
            b"GET /reflect HTTP/1.1\r\nHost: x\r\nX-R: a\rSet-Cookie: pwn=1\r\n\r\n".to_vec(),
            400,
        ),
        ("NUL in a value", get("Host: x\r\nX-A: b\0c"), 400),
        ("UTF-8 in a value", get("Host: x\r\nCookie: a=é"), 400),
        ("UTF-8 in the path", "GET /é HTTP/1.1\r\nHost: x\r\n\r\n".into(), 400),
        ("odd characters in a name", get("Host: x\r\nX(A)@: b"), 400),
        ("an empty name", get("Host: x\r\n: b"), 400),
        ("no colon", get("Host: x\r\nX"), 400),
        ("no Host", b"GET / HTTP/1.1\r\n\r\n".to_vec(), 400),
        ("two Hosts", get("Host: a\r\nHost: b"), 400),
        ("a Host with a path", get("Host: a/b"), 400),
        ("absolute form", b"GET http://evil/x HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), 400),
        ("a star", b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), 405),
        ("CONNECT", b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), 405),
        ("junk after the version", b"GET / HTTP/1.1 junk junk\r\nHost: a\r\n\r\n".to_vec(), 400),
        ("two spaces", b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), 400),
        ("a method in lower case", b"get / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), 501),
        ("a method that is none", b"G{}T / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), 400),
        ("HTTP/0.9", b"GET /\r\n".to_vec(), 400),
        ("HTTP/1.2", b"GET / HTTP/1.2\r\nHost: a\r\n\r\n".to_vec(), 505),
        ("HTTP/2.0", format!("GET / HTTP/2.0\r\nHost: a\r\n\r\n{HIDDEN}").into_bytes(), 505),
        ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), 505),
        (
            "an expectation of something else",
            post("/nobody", "Expect: junk\r\nContent-Length: 3", "abc"),
            417,
        ),
    ]);
}

#[test]
fn chunks_that_are_not_clean_are_refused() {
    let chunked = |rest: &str| post("/echo", "Transfer-Encoding: chunked", rest);
    refused(&[
        ("the next request as chunks", chunked(HIDDEN), 400),
        ("a size of letters", chunked(&format!("ZZ\r\nabc\r\n0\r\n\r\n{HIDDEN}")), 400),
        ("a plus", chunked(&format!("+5\r\nabcde\r\n0\r\n\r\n{HIDDEN}")), 400),
        (
            "more than 64 bits",
            chunked(&format!("fffffffffffffffff\r\nabcde\r\n0\r\n\r\n{HIDDEN}")),
            400,
        ),
        ("LF in an extension", chunked(&format!("3;a\nb\r\nabc\r\n0\r\n\r\n{HIDDEN}")), 400),
        ("more than there is", chunked(&format!("4\r\nabc\r\n0\r\n\r\n{HIDDEN}")), 400),
    ]);
}

#[test]
fn what_can_be_read_in_one_way_is_read_in_that_way() {
    let chunked = |rest: &str| post("/echo", "Transfer-Encoding: chunked", rest);
    let bytes = |text: &str| text.as_bytes().to_vec();
    let expect = "Expect: 100-continue\r\nContent-Length: 3";
    let len = HIDDEN.len();
    taken(&[
        (
            "an empty line before the request",
            bytes("\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n"),
            &[200],
            &["GET /a"],
        ),
        // Where the chunks ended is known, but the connection ends with them all the same.
        ("chunks", chunked(&format!("3\r\nabc\r\n0\r\n\r\n{HIDDEN}")), &[200], &["POST /echo"]),
        (
            "trailers",
            chunked(&format!("3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n{HIDDEN}")),
            &[200],
            &["POST /echo"],
        ),
        ("a promised body", post("/echo", expect, "abc"), &[100, 200], &["POST /echo"]),
        (
            "a body that the handler ignores",
            post("/nobody", expect, &format!("abc{HIDDEN}")),
            &[100, 200, 200],
            &["POST /nobody", "GET /SMUGGLED"],
        ),
        (
            "a GET with a body",
            bytes(&format!("GET /n HTTP/1.1\r\nHost: x\r\nContent-Length: {len}\r\n\r\n{HIDDEN}")),
            &[200],
            &["GET /n"],
        ),
        (
            "an upgrade that nobody wants",
            bytes(&format!(
                "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: \
                 websocket\r\nContent-Length: 3\r\n\r\nabc{HIDDEN}"
            )),
            &[200, 200],
            &["GET /echo", "GET /SMUGGLED"],
        ),
        (
            "three at once",
            bytes(&HIDDEN.repeat(3)),
            &[200; 3],
            &["GET /SMUGGLED", "GET /SMUGGLED", "GET /SMUGGLED"],
        ),
        (
            "HEAD, then another",
            bytes(&format!("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n{HIDDEN}")),
            &[200, 200],
            &["GET /", "GET /SMUGGLED"],
        ),
        ("HTTP/1.0", bytes("GET /big?100000 HTTP/1.0\r\n\r\n"), &[200], &["GET /big?100000"]),
        (
            "TE",
            bytes("GET /big?100000 HTTP/1.1\r\nHost: x\r\nTE: identity\r\n\r\n"),
            &[200],
            &["GET /big?100000"],
        ),
    ]);
}

#[test]
fn chunks_are_put_together_and_the_connection_ends_with_them() {
    let victim = Victim::new();
    let chunks = "3\r\nabc\r\n4;name=value\r\ndefg\r\n0\r\n\r\n";
    let (answer, closed) = victim.exchange(&post("/echo", "Transfer-Encoding: chunked", chunks));
    assert_eq!(body(&answer), "got 7 bytes, sum 700", "{answer}");
    assert_eq!(header(&answer, "connection"), Some("close"));
    assert!(closed);
}

#[test]
fn a_handler_cannot_split_its_answer() {
    let victim = Victim::new();
    let answer = victim.get("/split");
    assert_eq!(statuses(&answer), [500]);
    assert!(!answer.contains("Set-Cookie"), "{answer}");
}
