//! Being told to stop: what is in flight is finished, what is idle is closed, nothing new begins.

use super::victim::{Victim, body, header, hear, listen, status, within};
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[test]
fn requests_in_flight_are_finished_and_idle_connections_closed() {
    let mut victim = Victim::new();
    let mut idle = victim.connect();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(status(&hear(&mut idle)), Some(200));
    let mut part = victim.connect();
    part.write_all(b"GET / HT").unwrap();
    let mut slow = victim.connect();
    slow.write_all(b"GET /sleep?800 HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert!(within(Duration::from_secs(20), || victim.seen().len() == 2));
    victim.ask_to_stop();
    assert_eq!(listen(&mut idle, Duration::from_secs(20)), (String::new(), true));
    assert!(listen(&mut part, Duration::from_secs(20)).1);
    let gone = || TcpStream::connect(victim.address).is_err();
    assert!(within(Duration::from_secs(20), gone), "still taking connections");
    let (answer, closed) = listen(&mut slow, Duration::from_secs(20));
    assert_eq!((body(&answer), closed), ("slept", true));
    assert_eq!(header(&answer, "connection"), Some("close"));
    victim.join().unwrap();
    assert!(!std::fs::exists(victim.run_dir.join("edge.sock")).unwrap());
}

#[test]
fn nobody_can_hold_up_the_end_for_ever() {
    let mut victim = Victim::with(|settings| settings.limits.drain = Duration::from_millis(200));
    let mut stream = victim.connect();
    stream.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let since = Instant::now();
    victim.ask_to_stop();
    victim.join().unwrap();
    assert!(since.elapsed() < Duration::from_secs(60), "{:?}", since.elapsed());
}

#[test]
fn a_second_start_takes_over_what_a_crash_has_left() {
    let victim = Victim::with(|settings| {
        let answers = portico::edge::answers_dir(&settings.run_dir);
        std::fs::create_dir_all(&answers).unwrap();
        std::fs::write(answers.join("spooled-0"), "left").unwrap();
        std::fs::write(settings.run_dir.join("edge.sock"), "left").unwrap();
    });
    assert_eq!(victim.status("/big?2000000"), 200);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(&victim.run_dir).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o700);
}
