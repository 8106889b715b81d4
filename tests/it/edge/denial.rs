//! Attempts to keep others from being served: each would stall or kill tiny_http by itself. After
//! each an ordinary visitor is answered within two seconds.

use super::victim::{Victim, WORKERS, body, header, hear, listen, status, statuses, within};
use portico::edge;
use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::Duration;

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const POST_WITHOUT_BODY: &[u8] =
    b"POST /nobody HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n";

/// A client with next to no room for an answer, so that not reading soon stops the server.
fn narrow(victim: &Victim) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&victim.address.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    stream
}

fn reset(stream: TcpStream) {
    let socket = Socket::from(stream);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
}

#[test]
fn two_thousand_idle_and_dribbling_connections_keep_nobody_out() {
    let victim = Victim::new();
    let silent: Vec<_> = (0..600).map(|_| victim.connect()).collect();
    let mut dribbling: Vec<_> = (0..700).map(|_| victim.connect()).collect();
    let mut kept: Vec<_> = (0..700).map(|_| victim.connect()).collect();
    for stream in &mut dribbling {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-").unwrap();
    }
    for stream in &mut kept {
        stream.write_all(GET).unwrap();
        let mut answer = [0; 4096];
        let n = stream.read(&mut answer).unwrap();
        assert!(answer[..n].starts_with(b"HTTP/1.1 200"));
    }
    for _ in 0..3 {
        for stream in &mut dribbling {
            stream.write_all(b"a").unwrap();
        }
        assert_eq!(victim.status("/"), 200);
    }
    drop((silent, dribbling, kept));
    assert_eq!(victim.status("/"), 200);
}

#[test]
fn promised_bodies_that_do_not_come_hold_no_worker() {
    let victim = Victim::new();
    let mut held: Vec<_> = (0..2 * WORKERS).map(|_| victim.connect()).collect();
    held.iter_mut().for_each(|stream| stream.write_all(POST_WITHOUT_BODY).unwrap());
    assert_eq!(victim.status("/"), 200);
    assert_eq!(victim.seen(), ["GET /"]);
}

#[test]
fn enormous_lengths_are_refused_before_anything_is_set_aside() {
    let victim = Victim::new();
    for length in [
        "20000000000",
        "100000000000000",
        "9223372036854775807",
        "18446744073709551615",
        "18446744073709551615",
        "18446744073709551615",
        "18446744073709551615",
    ] {
        let post =
            format!("POST /nobody HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\nxx");
        let (answer, closed) = victim.exchange(post.as_bytes());
        assert_eq!((statuses(&answer), closed), (vec![413], true), "{length}");
    }
    assert_eq!(victim.status("/"), 200);
}

#[test]
fn a_head_without_end_is_cut_off() {
    let victim = Victim::with(|settings| settings.limits.linger = Duration::from_millis(50));
    for piece in ["a".repeat(1 << 20), "a:b\r\n".repeat(200_000)] {
        let mut stream = victim.connect();
        stream.write_all(b"GET / HTTP/1.1\r\nX: ").unwrap();
        let sent = (0..1000).take_while(|_| stream.write_all(piece.as_bytes()).is_ok()).count();
        assert!(sent < 1000, "all of it was taken");
        assert_eq!(victim.status("/"), 200);
    }
}

#[test]
fn requests_sent_ahead_wait_in_the_network_when_nobody_reads_the_answers() {
    let victim = Victim::new();
    let mut stream = narrow(&victim);
    let many = GET.repeat(1000);
    let sent = (0..200).take_while(|_| stream.write_all(&many).is_ok()).count();
    assert!(sent < 200, "all of them were taken");
    assert_eq!(victim.status("/"), 200);
}

#[test]
fn large_answers_that_nobody_reads_hold_no_worker() {
    let victim = Victim::new();
    let mut held = Vec::new();
    for (size, count) in [(200_000, 20), (900_000, 20), (5_000_000, WORKERS + 1)] {
        for _ in 0..count {
            let mut stream = narrow(&victim);
            let get = format!("GET /big?{size} HTTP/1.1\r\nHost: x\r\n\r\n");
            stream.write_all(get.repeat(2).as_bytes()).unwrap();
            held.push(stream);
        }
    }
    for _ in 0..3 {
        assert_eq!(victim.status("/"), 200);
    }
}

#[test]
fn clients_that_leave_in_the_middle_of_an_answer_leave_nothing_behind() {
    let victim = Victim::new();
    for _ in 0..3 {
        let mut stream = victim.connect();
        stream.write_all(b"GET /big?20000000 HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        stream.read_exact(&mut [0; 65_536]).unwrap();
        reset(stream);
    }
    assert_eq!(victim.status("/"), 200);
    let left = || std::fs::read_dir(edge::answers_dir(&victim.run_dir)).unwrap().count();
    assert!(within(Duration::from_secs(20), || left() == 0));
}

#[test]
fn a_panic_is_answered_and_the_worker_lives_on() {
    let victim = Victim::new();
    for _ in 0..2 * WORKERS {
        let answer = victim.get("/panic");
        assert_eq!(status(&answer), Some(500));
        assert!(body(&answer).contains(header(&answer, "x-request-id").unwrap()), "{answer}");
    }
    assert_eq!(victim.status("/"), 200);
}

#[test]
fn clients_that_reset_at_once_are_forgotten() {
    let victim = Victim::new();
    for _ in 0..500 {
        let mut stream = victim.connect();
        stream.write_all(GET).unwrap();
        reset(stream);
    }
    assert_eq!(victim.status("/"), 200);
}

#[test]
fn each_of_a_burst_of_connections_is_answered() {
    for count in [12, 200] {
        let victim = Victim::new();
        let mut burst: Vec<_> = (0..count).map(|_| victim.connect()).collect();
        burst.iter_mut().for_each(|stream| stream.write_all(GET).unwrap());
        for stream in &mut burst {
            let mut start = [0; 12];
            stream.read_exact(&mut start).unwrap();
            assert_eq!(&start, b"HTTP/1.1 200");
        }
    }
}

#[test]
fn all_bodies_together_take_only_so_much_memory() {
    let victim = Victim::with(|settings| settings.limits.buffered_bytes = 1 << 20);
    let head =
        b"POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n";
    let part = [head.as_slice(), &[b'a'; 99_999]].concat();
    let mut uploads: Vec<_> = (0..30).map(|_| victim.connect()).collect();
    uploads.iter_mut().for_each(|stream| stream.write_all(&part).unwrap());
    assert_eq!(victim.status("/"), 200);
    let refused = |stream: &mut TcpStream| {
        let (answer, _) = listen(stream, Duration::from_millis(80));
        if !answer.is_empty() {
            assert_eq!(status(&answer), Some(503));
            assert_eq!(header(&answer, "retry-after"), Some("2"));
        }
        !answer.is_empty()
    };
    let (refused, mut held): (Vec<_>, Vec<_>) =
        uploads.into_iter().partition(|stream| refused(&mut stream.try_clone().unwrap()));
    assert!(refused.len() >= 20 && held.len() >= 5, "{} {}", refused.len(), held.len());
    for stream in &mut held {
        stream.write_all(b"a").unwrap();
        assert_eq!(body(&hear(stream)), "got 100000 bytes, sum 9700000");
    }
    let (answer, _) = victim.exchange(&[part.as_slice(), b"a"].concat());
    assert_eq!(status(&answer), Some(200), "what was held has been given back");
}

#[test]
fn the_line_for_a_worker_is_bounded_and_those_who_leave_it_are_not_served() {
    let victim = Victim::with(|settings| settings.limits.line = 30);
    let mut crowd: Vec<_> = (0..80).map(|_| victim.connect()).collect();
    for stream in &mut crowd {
        stream.write_all(b"GET /sleep?3000 HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    }
    let turned_away = || victim.counters.own(503) == 80 - 30 - u64::try_from(WORKERS).unwrap();
    assert!(within(Duration::from_secs(20), turned_away), "{}", victim.counters.own(503));
    crowd.into_iter().for_each(reset);
    assert_eq!(victim.status("/"), 200);
    let served = victim.seen().iter().filter(|request| request.contains("sleep")).count();
    assert!(served < 30, "{served} were served, though all had gone");
}

#[test]
fn one_address_gets_only_so_many_connections() {
    let victim = Victim::with(|settings| settings.limits.per_address = 20);
    std::thread::sleep(Duration::from_millis(100)); // the first visitor leaves
    let mut held: Vec<_> = (0..30).map(|_| victim.connect()).collect();
    assert!(within(Duration::from_secs(20), || {
        victim.counters.turned_away.load(Ordering::Relaxed) >= 10
    }));
    assert_eq!(victim.status("/"), 0);
    held.drain(..15);
    assert!(within(Duration::from_secs(20), || victim.status("/") == 200));
}

#[test]
fn when_all_places_are_taken_the_longest_idle_makes_room() {
    let victim = Victim::with(|settings| settings.limits.connections = 8);
    let settled = || victim.counters.admitted.load(Ordering::Relaxed);
    let mut busy = victim.connect();
    busy.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-A").unwrap();
    assert!(within(Duration::from_secs(20), || settled() == 2));
    let mut idle: Vec<_> = (0..7).map(|_| victim.connect()).collect();
    assert!(within(Duration::from_secs(20), || settled() == 9));
    std::thread::sleep(Duration::from_millis(50));
    idle[0].write_all(GET).unwrap();
    assert_eq!(status(&hear(&mut idle[0])), Some(200));
    assert_eq!(victim.status("/"), 200);
    assert!(victim.counters.evicted.load(Ordering::Relaxed) >= 1);
    assert_eq!(listen(&mut idle[1], Duration::from_secs(20)), (String::new(), true));
    let (_, closed) = listen(&mut idle[0], Duration::from_millis(100));
    assert!(!closed, "was busy later than the others");
    busy.write_all(b": b\r\n\r\n").unwrap();
    assert_eq!(status(&hear(&mut busy)), Some(200));
}
