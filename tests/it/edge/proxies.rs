//! Whom the handler takes for the client. Only what a trusted proxy says is believed.

use super::victim::{Victim, body};

fn ask(victim: &Victim, headers: &str) -> String {
    let head = format!("GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    let (answer, _) = victim.exchange(head.as_bytes());
    body(&answer).to_owned()
}

const CLAIMS: &str = "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: https\r\nX-Request-Id: \
                      theirs\r\nX-Edge-Peer: 203.0.113.9\r\nx-edge-scheme: https\r\nX-Edge-Warm: \
                      1\r\nX-EDGE-File: a\r\nForwarded: for=203.0.113.9\r\nX-Own: stays\r\n";

#[test]
fn nobody_is_believed_unless_named() {
    let victim = Victim::new();
    let who = ask(&victim, CLAIMS);
    assert!(who.starts_with("127.0.0.1 http "), "{who}");
    assert!(!who.contains("theirs") && !who.contains("203.0.113.9"), "{who}");
    assert!(!who.contains("x-edge") && !who.contains("forwarded"), "{who}");
    assert!(who.contains("x-own: stays"), "{who}");
}

#[test]
fn a_trusted_proxy_speaks_for_its_client_but_never_as_the_edge() {
    let victim = Victim::with(|settings| settings.trusted = vec!["127.0.0.0/8".parse().unwrap()]);
    let who = ask(&victim, CLAIMS);
    assert!(who.starts_with("198.51.100.7 https theirs\n"), "{who}");
    assert!(!who.contains("x-edge") && !who.contains("203.0.113.9"), "{who}");
    let who = ask(&victim, "X-Forwarded-For: 203.0.113.9, 198.51.100.7, 127.0.0.3\r\n");
    assert!(who.starts_with("198.51.100.7 http "), "{who}");
}

#[test]
fn headers_for_the_next_hop_go_no_further() {
    let victim = Victim::new();
    let who = ask(
        &victim,
        "Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nX-Own: stays\r\n",
    );
    assert!(!who.contains("x-hop") && !who.contains("keep-alive"), "{who}");
    assert!(!who.contains("te: ") && who.contains("x-own: stays"), "{who}");
}

#[test]
fn a_trusted_proxy_may_have_more_connections_than_one_address() {
    let crowd = |trusted: &str| {
        let victim = Victim::with(|settings| {
            settings.trusted = vec![trusted.parse().unwrap()];
            settings.limits.per_address = 5;
        });
        let held: Vec<_> = (0..20).map(|_| victim.connect()).collect();
        let status = victim.status("/");
        drop(held);
        status
    };
    assert_eq!(crowd("127.0.0.1/32"), 200);
    assert_eq!(crowd("10.0.0.0/8"), 0);
}
