//! How long a client may take over each thing, with every limit made short.

use super::victim::{Victim, WORKERS, body, header, hear, listen, status, statuses};
use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn hasty() -> Victim {
    Victim::with(|settings| {
        settings.limits.head = ms(1000);
        settings.limits.idle = ms(5000);
        settings.limits.body = ms(1200);
    })
}

/// What came until the server closed, and how long that took.
fn until_closed(stream: &mut TcpStream, since: Instant) -> (String, Duration) {
    let (answer, closed) = listen(stream, Duration::from_secs(30));
    assert!(closed, "still open: {answer}");
    (answer, since.elapsed())
}

#[test]
fn a_head_that_trickles_in_is_given_up_though_bytes_keep_coming() {
    let victim = hasty();
    let mut stream = victim.connect();
    let since = Instant::now();
    stream.write_all(b"GET / HTTP/1.1\r\nX: ").unwrap();
    while since.elapsed() < ms(1500) && stream.write_all(b"a").is_ok() {
        std::thread::sleep(ms(50));
    }
    let (answer, _) = until_closed(&mut stream, since);
    assert_eq!(statuses(&answer), [408]);
    assert_eq!(header(&answer, "connection"), Some("close"));
    assert_eq!(victim.counters.own(408), 1);
}

#[test]
fn a_body_that_does_not_come_is_given_up() {
    let victim = hasty();
    let mut streams: Vec<_> = (0..=WORKERS).map(|_| victim.connect()).collect();
    let since = Instant::now();
    let post = b"POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\nhalf";
    streams.iter_mut().for_each(|stream| stream.write_all(post).unwrap());
    assert_eq!(victim.status("/"), 200);
    for stream in &mut streams {
        let (answer, took) = until_closed(stream, since);
        assert_eq!(statuses(&answer), [408]);
        assert_eq!(header(&answer, "content-type"), Some("application/problem+json"));
        assert!(took >= ms(1150), "{took:?}");
    }
}

#[test]
fn silence_is_ended_without_a_word_before_and_after_a_request() {
    let victim = hasty();
    let since = Instant::now();
    let mut silent = victim.connect();
    let mut idle = victim.connect();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let (answer, took) = until_closed(&mut idle, since);
    assert_eq!(statuses(&answer), [200]);
    assert!(took >= ms(4900), "{took:?}");
    assert_eq!(until_closed(&mut silent, since).0, "");
    assert_eq!(victim.status("/"), 200, "silence ends connections, not the server");
}

#[test]
fn a_request_after_a_pause_has_the_whole_time_for_its_head() {
    let victim = hasty();
    let mut stream = victim.connect();
    for _ in 0..3 {
        std::thread::sleep(ms(1500)); // less than idle, more than head
        stream.write_all(b"GET / HTTP/1.1\r\n").unwrap();
        std::thread::sleep(ms(100));
        stream.write_all(b"Host: x\r\n\r\n").unwrap();
        assert_eq!(statuses(&hear(&mut stream)), [200]);
    }
}

fn narrow(victim: &Victim) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&victim.address.into()).unwrap();
    TcpStream::from(socket)
}

#[test]
fn a_client_that_takes_an_answer_too_slowly_is_cut_off_and_can_tell() {
    for in_memory in [true, false] {
        let target = "/big?20000000";
        let victim = Victim::with(|settings| {
            settings.limits.answer_bytes = if in_memory { 32 << 20 } else { 1 << 20 };
            settings.limits.head = ms(300);
            settings.limits.bytes_a_second = 100 << 20;
        });
        let mut stream = narrow(&victim);
        let get = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
        stream.write_all(get.as_bytes()).unwrap();
        stream.write_all(b"GET /second HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        std::thread::sleep(ms(2000));
        let (answer, closed) = listen(&mut stream, Duration::from_secs(20));
        let promised: usize = header(&answer, "content-length").unwrap().parse().unwrap();
        assert!(closed && body(&answer).len() < promised, "{} bytes", answer.len());
        assert_eq!(statuses(&answer), [200], "nothing follows half an answer");
        assert_eq!(victim.seen(), [format!("GET {target}")]);
    }
}

#[test]
fn what_is_sent_ahead_starts_no_deadline_while_an_answer_is_on_its_way() {
    let victim = Victim::with(|settings| {
        settings.limits.head = ms(300);
        settings.limits.bytes_a_second = 100_000;
    });
    for (at_once, later) in [("GET / HT", "TP"), ("", "G")] {
        let mut stream = narrow(&victim);
        let get = format!("GET /big?1000000 HTTP/1.1\r\nHost: x\r\n\r\n{at_once}");
        stream.write_all(get.as_bytes()).unwrap();
        std::thread::sleep(ms(100));
        stream.write_all(later.as_bytes()).unwrap();
        std::thread::sleep(ms(700));
        let (answer, took) = until_closed(&mut stream, Instant::now());
        assert_eq!(statuses(&answer), [200, 408], "{took:?}");
        assert_eq!(body(&answer).matches('x').count() / 1_000_000, 1);
    }
}

#[test]
fn a_worker_that_takes_too_long_is_not_waited_for_but_not_forgotten_either() {
    let victim = Victim::with(|settings| {
        settings.limits.backend = ms(300);
        settings.workers = 1;
    });
    let mut slow = victim.connect();
    slow.write_all(b"GET /sleep?3000 HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let (answer, _) = until_closed(&mut slow, Instant::now());
    assert_eq!(statuses(&answer), [504]);
    assert_eq!(victim.status("/a"), 503, "its worker is still at it");
    std::thread::sleep(ms(4000));
    assert_eq!(victim.status("/b"), 200);
    assert_eq!(victim.seen(), ["GET /sleep?3000", "GET /b"]);
    assert_eq!((victim.counters.own(504), victim.counters.own(503)), (1, 1));
}

#[test]
fn an_answer_of_many_megabytes_taken_at_a_fair_pace_arrives_whole() {
    let victim = Victim::with(|settings| {
        settings.limits.head = ms(500);
        settings.limits.bytes_a_second = 200_000;
    });
    let mut stream = victim.connect();
    let since = Instant::now();
    stream.write_all(b"GET /big?8000000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let (mut all, mut piece) = (0, vec![0; 100_000]);
    loop {
        match stream.read(&mut piece).unwrap() {
            0 => break,
            n => all += n,
        }
        std::thread::sleep(ms(10));
    }
    assert!(all > 8_000_000, "{all} bytes in {:?}", since.elapsed());
    assert_eq!(status(&victim.get("/")), Some(200));
}
