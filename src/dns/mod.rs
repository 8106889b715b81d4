//! Questions to name servers: the text records of a name, asked over UDP and, where the answer is
//! too long for that, over TCP. Blocking, within fixed limits; never called inside a transaction.

use crate::secret;
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// How long one try may take, and how often each server is asked.
const PATIENCE: Duration = Duration::from_secs(2);
const TRIES: u32 = 2;
/// As many servers as are asked at all.
const SERVERS: usize = 3;
/// What a UDP answer may have.
const DATAGRAM: usize = 4096;

/// What the name servers said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Texts {
    Found(Vec<String>),
    /// There is no such name, or it has no text records.
    Nothing,
    /// Nobody answered, or not with an answer.
    Unknown,
}

/// The text records of `name`, asked of `servers`; where none are given, of those of this machine.
pub fn texts(servers: &[SocketAddr], name: &str) -> Texts {
    let Ok(mut name) = Name::from_ascii(name) else { return Texts::Nothing };
    // Answers name it to the root.
    name.set_fqdn(true);
    let own;
    let servers = match servers {
        [] => {
            own = of_this_machine();
            &own
        }
        given => given,
    };
    for _ in 0..TRIES {
        for server in servers.iter().take(SERVERS) {
            match ask(*server, &name) {
                Some(Texts::Unknown) | None => {}
                Some(answer) => return answer,
            }
        }
    }
    Texts::Unknown
}

/// The servers that `/etc/resolv.conf` names.
fn of_this_machine() -> Vec<SocketAddr> {
    let text = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let all: Vec<SocketAddr> = text.lines().filter_map(name_server).collect();
    if all.is_empty() { vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 53))] } else { all }
}

fn name_server(line: &str) -> Option<SocketAddr> {
    let mut words = line.split_whitespace();
    if words.next()? != "nameserver" {
        return None;
    }
    let address = words.next()?.split('%').next()?.parse::<IpAddr>().ok()?;
    Some(SocketAddr::from((address, 53)))
}

fn ask(server: SocketAddr, name: &Name) -> Option<Texts> {
    let [high, low] = secret::random::<2>().ok()?;
    let id = u16::from_be_bytes([high, low]);
    let mut question = Message::new(id, MessageType::Query, OpCode::Query);
    question.metadata.recursion_desired = true;
    question.add_query(Query::query(name.clone(), RecordType::TXT));
    let bytes = question.to_vec().ok()?;
    let answer = by_udp(server, &bytes, id, name)?;
    let answer =
        if answer.metadata.truncation { by_tcp(server, &bytes, id, name)? } else { answer };
    Some(said(&answer))
}

fn by_udp(server: SocketAddr, question: &[u8], id: u16, name: &Name) -> Option<Message> {
    let any: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(server).ok()?;
    socket.send(question).ok()?;
    let until = Instant::now() + PATIENCE;
    let mut buffer = [0; DATAGRAM];
    loop {
        let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        socket.set_read_timeout(Some(left)).ok()?;
        let length = socket.recv(&mut buffer).ok()?;
        let answer = Message::from_vec(buffer.get(..length)?);
        // What answers another question is not ours, and does not end the wait.
        if let Some(answer) = answer.ok().filter(|answer| answers(answer, id, name)) {
            return Some(answer);
        }
    }
}

fn by_tcp(server: SocketAddr, question: &[u8], id: u16, name: &Name) -> Option<Message> {
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    let length = u16::try_from(question.len()).ok()?;
    stream.write_all(&[&length.to_be_bytes(), question].concat()).ok()?;
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut body = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut body).ok()?;
    Message::from_vec(&body).ok().filter(|answer| answers(answer, id, name))
}

fn answers(answer: &Message, id: u16, name: &Name) -> bool {
    answer.metadata.id == id
        && answer.metadata.message_type == MessageType::Response
        && answer.queries.iter().all(|query| query.name() == name)
}

fn said(answer: &Message) -> Texts {
    match answer.metadata.response_code {
        ResponseCode::NoError => {}
        ResponseCode::NXDomain => return Texts::Nothing,
        _ => return Texts::Unknown,
    }
    let texts: Vec<String> = answer
        .answers
        .iter()
        .filter_map(|record| match &record.data {
            RData::TXT(txt) => Some(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned()),
            _ => None,
        })
        .collect();
    if texts.is_empty() { Texts::Nothing } else { Texts::Found(texts) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_of_this_machine_are_read() {
        let line = |text| name_server(text).map(|server| server.to_string());
        assert_eq!(line("nameserver 192.0.2.1").as_deref(), Some("192.0.2.1:53"));
        assert_eq!(line("  nameserver fe80::1%eth0").as_deref(), Some("[fe80::1]:53"));
        assert_eq!(line("search example.org"), None);
        assert_eq!(line("nameserver nonsense"), None);
    }

    #[test]
    fn an_answer_to_another_question_is_none() {
        let name = Name::from_ascii("a.example").unwrap();
        let mut other = Message::new(7, MessageType::Response, OpCode::Query);
        assert!(answers(&other, 7, &name) && !answers(&other, 8, &name));
        other.add_query(Query::query(Name::from_ascii("b.example").unwrap(), RecordType::TXT));
        assert!(!answers(&other, 7, &name));
        assert_eq!(said(&other), Texts::Nothing);
        other.metadata.response_code = ResponseCode::ServFail;
        assert_eq!(said(&other), Texts::Unknown);
    }
}
