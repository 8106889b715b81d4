//! Clients on sockets: few bytes of HTTP, kept alive, from any address of the loopback network.

use crate::machine::Times;
use socket2::{Domain, Socket, Type};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

pub struct Client {
    stream: BufReader<TcpStream>,
}

/// One kind of request.
#[derive(Clone)]
pub struct Ask {
    head: String,
}

impl Ask {
    pub fn get(path: &str) -> Ask {
        Ask { head: format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n") }
    }

    pub fn of(mut self, cookie: &str) -> Ask {
        self.head += &format!("Cookie: {cookie}\r\n");
        self
    }

    pub fn gzip(mut self) -> Ask {
        self.head += "Accept-Encoding: gzip\r\n";
        self
    }

    pub fn form(path: &str, body: &str) -> Ask {
        let length = body.len();
        Ask {
            head: format!(
                "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n{body}"
            ),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let end = if self.head.contains("\r\n\r\n") { "" } else { "\r\n" };
        format!("{}{end}", self.head).into_bytes()
    }
}

/// A connection whose client has this address.
pub fn connect(to: SocketAddr, from: Ipv4Addr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(IpAddr::V4(from), 0).into()).unwrap();
    socket.connect_timeout(&to.into(), Duration::from_secs(10)).unwrap();
    let stream: TcpStream = socket.into();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

impl Client {
    pub fn new(to: SocketAddr, from: Ipv4Addr) -> Client {
        Client { stream: BufReader::new(connect(to, from)) }
    }

    /// The status of the answer; the body is read to its end.
    pub fn ask(&mut self, ask: &Ask) -> u16 {
        self.stream.get_mut().write_all(&ask.bytes()).unwrap();
        let (mut status, mut length, mut line) = (0, 0, String::new());
        loop {
            line.clear();
            assert!(self.stream.read_line(&mut line).unwrap() > 0, "the connection was closed");
            let text = line.trim_end();
            if text.is_empty() {
                break;
            }
            match text.split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.parse().unwrap();
                }
                None => status = text.split(' ').nth(1).unwrap().parse().unwrap(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        status
    }
}

/// So many clients asking the same for so long, each again as soon as it is answered.
pub fn drive(to: SocketAddr, clients: usize, time: Duration, ask: &Ask) -> (Times, f64) {
    let began = Instant::now();
    let mut all = Times::default();
    std::thread::scope(|threads| {
        let started: Vec<_> = (0..clients)
            .map(|_| {
                threads.spawn(move || {
                    let mut client = Client::new(to, Ipv4Addr::LOCALHOST);
                    let mut times = Times::default();
                    while began.elapsed() < time {
                        let status = times.take(|| client.ask(ask));
                        assert_eq!(status, 200);
                    }
                    times
                })
            })
            .collect();
        for client in started {
            all.join(client.join().unwrap());
        }
    });
    let rate = all.len() as f64 / began.elapsed().as_secs_f64();
    (all, rate)
}
