//! What strangers may send to the program as it runs, and what an ordinary user notices of it.

use crate::live::{Live, folder, verb};
use socket2::{Domain, Socket, Type};
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PASSWORD: &str = "quiet harbour lantern 7";

struct House {
    live: Live,
    _folder: TempDir,
}

fn house() -> House {
    let (folder, data) = folder();
    let line = [
        "init",
        "--data",
        data.to_str().unwrap(),
        "--organisation",
        "Tarnholm IT",
        "--admin-email",
        "sunniva@tarnholm.example",
        "--password-stdin",
    ];
    assert_eq!(verb(&line, &format!("{PASSWORD}\n")).0, 0);
    #[expect(clippy::disallowed_methods, reason = "this is not about second factors")]
    let sql = rusqlite::Connection::open(data.join("portico.db")).unwrap();
    sql.execute_batch("UPDATE roles SET requires_factor = 0").unwrap();
    drop(sql);
    House { live: Live::serve(&data, &[]), _folder: folder }
}

/// A connection from this address of the machine.
fn connect(to: SocketAddr, from: Ipv4Addr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
    socket.connect_timeout(&to.into(), Duration::from_secs(5)).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

/// What comes back until the server closes.
fn exchange(to: SocketAddr, from: Ipv4Addr, bytes: &[u8]) -> String {
    let mut stream = connect(to, from);
    // It may be refused before all of it is sent.
    let _ = stream.write_all(bytes);
    let (mut heard, mut piece) = (Vec::new(), [0; 8192]);
    while let Ok(n @ 1..) = stream.read(&mut piece) {
        heard.extend_from_slice(&piece[..n]);
    }
    String::from_utf8_lossy(&heard).into_owned()
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn sign_in(to: SocketAddr, from: Ipv4Addr, login: &str, password: &str) -> String {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("login", login), ("password", password)])
        .finish();
    let head = format!(
        "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    exchange(to, from, (head + &body).as_bytes())
}

fn page(to: SocketAddr, from: Ipv4Addr, cookie: &str) -> String {
    let get = format!(
        "GET /customers HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: {cookie}\r\n\r\n"
    );
    exchange(to, from, get.as_bytes())
}

/// The cookie of the administrator.
fn session(to: SocketAddr, from: Ipv4Addr) -> String {
    let answer = sign_in(to, from, "sunniva@tarnholm.example", PASSWORD);
    assert_eq!(status(&answer), 303, "{answer}");
    let set = answer.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("set-cookie").then_some(value)
    });
    set.unwrap().split(';').next().unwrap().to_owned()
}

#[test]
fn nonsense_is_refused_and_the_server_goes_on() {
    let House { live, _folder } = house();
    let me = Ipv4Addr::LOCALHOST;
    let get = |more: &[u8]| [b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\n", more].concat();
    let post = |more: &str, body: &[u8]| {
        let head = format!(
            "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n\r\n"
        );
        [head.as_bytes(), body].concat()
    };
    let form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9";
    let both = "Content-Length: 4\r\nTransfer-Encoding: chunked";
    let header = [b"X-Long: ".to_vec(), vec![b'a'; 1 << 20], b"\r\n\r\n".to_vec()].concat();
    for (name, bytes, expected) in [
        ("a body of 1 GB", post("Content-Length: 1073741824", &[b'x'; 65_536]), &[413][..]),
        ("a header of 1 MB", get(&header), &[0, 400, 431]),
        (
            "a path that is no text",
            b"GET /customers/\xff\xfe HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                .to_vec(),
            &[400],
        ),
        (
            "an escaped path that is no text",
            b"GET /customers/%ff%fe HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                .to_vec(),
            &[303, 400, 404],
        ),
        (
            "a header that is no text",
            get(b"Connection: close\r\nX-Odd: \xff\xfe\r\n\r\n"),
            &[200, 400],
        ),
        (
            "a cookie that is no text",
            get(b"Connection: close\r\nCookie: portico=\xff\xfe\r\n\r\n"),
            &[200, 400],
        ),
        ("a form that is no text", post(form, b"login=\xff\xfe\x80"), &[400, 422]),
        ("two lengths of one body", post(both, b"0\r\n\r\nGET /admin HTTP/1.1\r\n\r\n"), &[400]),
        ("two lengths", post("Content-Length: 4\r\nContent-Length: 5", b"abcde"), &[400]),
    ] {
        let answer = exchange(live.address, me, &bytes);
        assert!(expected.contains(&status(&answer)), "{name}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count().max(1), 1, "{name}: {answer}");
        assert_eq!(live.get("/readyz", "").body, "ok", "{name}");
    }
    let json = b"{\"name\": \"\xff\xfe\"}";
    assert_eq!(live.send("/api/v1/customers", "", "application/json", json).status, 401);
    assert!(live.stop().success());
}

#[test]
fn two_thousand_idle_connections_do_not_stop_a_user() {
    let House { live, _folder } = house();
    let (crowd, user) = (Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2));
    let cookie = session(live.address, user);
    let mut held: Vec<TcpStream> = (0..2_000).map(|_| connect(live.address, crowd)).collect();
    for stream in held.iter_mut().step_by(2) {
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-");
    }
    for _ in 0..5 {
        let began = Instant::now();
        let answer = page(live.address, user, &cookie);
        assert_eq!(status(&answer), 200, "{answer}");
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
        // Those who dribble go on.
        for stream in held.iter_mut().step_by(2) {
            let _ = stream.write_all(b"a");
        }
    }
    let is_held = |stream: &mut TcpStream| {
        stream.set_nonblocking(true).unwrap();
        matches!(stream.read(&mut [0; 64]), Err(err) if err.kind() == std::io::ErrorKind::WouldBlock)
    };
    let left = held.iter_mut().map(is_held).filter(|held| *held).count();
    assert!((1..=256).contains(&left), "one address holds {left} connections");
    drop(held);
    let end = Instant::now() + Duration::from_secs(5);
    while status(&exchange(
        live.address,
        crowd,
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )) != 200
    {
        assert!(Instant::now() < end, "the address stays locked out");
    }
    assert!(live.stop().success());
}

/// Memory in MiB that the program asked for and holds: pages of files, which are its own code
/// (large without optimising) and the store, are the system's to take back.
fn held(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// What the guessers of a storm heard.
#[derive(Default)]
struct Storm {
    over: AtomicBool,
    wrong: AtomicUsize,
    sent_away: AtomicUsize,
}

impl Storm {
    /// Each try by another name and from another address, so that only the line before the hasher
    /// holds it back.
    fn guess(&self, to: SocketAddr, guesser: u8) {
        let end = Instant::now() + Duration::from_secs(90);
        for n in 0..=u16::MAX {
            if self.over.load(Ordering::Relaxed) || Instant::now() > end {
                return;
            }
            let [high, low] = n.to_be_bytes();
            let from = Ipv4Addr::new(127, guesser + 10, high, low);
            let login = format!("nobody{guesser}x{n}@tarnholm.example");
            let answer = sign_in(to, from, &login, "guessed wrongly, all of it");
            match status(&answer) {
                422 => self.wrong.fetch_add(1, Ordering::Relaxed),
                429 => {
                    let head = answer.to_lowercase();
                    assert!(head.contains("\r\nretry-after: "), "{answer}");
                    self.sent_away.fetch_add(1, Ordering::Relaxed)
                }
                _ => panic!("a guess was answered with {answer}"),
            };
        }
    }
}

#[test]
fn a_storm_of_sign_ins_stays_within_its_memory_and_stops_nobody() {
    let House { live, _folder } = house();
    let (to, user) = (live.address, Ipv4Addr::new(127, 0, 0, 2));
    let cookie = session(to, user);
    let storm = Storm::default();
    let mut peak = 0;
    std::thread::scope(|scope| {
        let guessers: Vec<_> = (0..64)
            .map(|guesser| {
                let storm = &storm;
                scope.spawn(move || storm.guess(to, guesser))
            })
            .collect();
        let end = Instant::now() + Duration::from_secs(60);
        let mut asked = 0;
        let calm = || {
            storm.wrong.load(Ordering::Relaxed) < 64 || storm.sent_away.load(Ordering::Relaxed) < 64
        };
        while asked < 10 || (calm() && Instant::now() < end) {
            let answer = page(to, user, &cookie);
            assert_eq!(status(&answer), 200, "{answer}");
            assert_eq!(live.get("/livez", "").body, "ok");
            peak = peak.max(held(live.pid()));
            asked += 1;
            // Whoever asks whether it lives may do so ten times a second.
            std::thread::sleep(Duration::from_millis(150));
        }
        storm.over.store(true, Ordering::Relaxed);
        guessers.into_iter().for_each(|guesser| guesser.join().unwrap());
    });
    let (wrong, sent_away) = (storm.wrong.into_inner(), storm.sent_away.into_inner());
    assert!(wrong >= 64 && sent_away >= 64, "{wrong} compared, {sent_away} sent away");
    assert!(peak < 100, "{peak} MiB");
    session(to, Ipv4Addr::new(127, 0, 0, 3));
    assert!(live.stop().success());
}
