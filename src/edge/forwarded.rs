//! Who asks, when proxies stand between. Only what a trusted proxy says is believed.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What proxies say of a request, believed or not: none of it is relayed as it came.
pub const CLAIMS: [&str; 8] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-real-ip",
    "x-request-id",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }
}

/// Who asked for one request, how, and what the request is called in logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub peer: IpAddr,
    pub scheme: Scheme,
    pub request_id: String,
}

impl Origin {
    /// `peer` and `scheme` are those of the connection.
    pub fn of(peer: IpAddr, scheme: Scheme, trusted: &[IpNet], headers: &HeaderMap) -> Origin {
        let mut origin = Origin { peer, scheme, request_id: String::new() };
        if is_trusted(peer, trusted) {
            origin.peer = client(peer, trusted, headers);
            match last(headers, FORWARDED_PROTO) {
                Some("https") => origin.scheme = Scheme::Https,
                Some("http") => origin.scheme = Scheme::Http,
                _ => {}
            }
            if let Some(id) = last(headers, REQUEST_ID).filter(|id| is_request_id(id)) {
                origin.request_id = id.to_owned();
            }
        }
        if origin.request_id.is_empty() {
            origin.request_id = new_request_id();
        }
        origin
    }
}

pub fn is_trusted(peer: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(&peer))
}

/// Hop by hop from the right, for as long as the hop that says so is trusted.
fn client(peer: IpAddr, trusted: &[IpNet], headers: &HeaderMap) -> IpAddr {
    let lines: Vec<&str> = headers.get_all(FORWARDED_FOR).iter().filter_map(text).collect();
    let mut client = peer;
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        match address(hop.trim()) {
            Some(before) if is_trusted(client, trusted) => client = before,
            _ => break,
        }
    }
    client
}

/// Some proxies add the port.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse().ok();
    address.or_else(|| Some(hop.parse::<SocketAddr>().ok()?.ip())).map(|ip| ip.to_canonical())
}

fn last(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let value = headers.get_all(name).iter().next_back().and_then(text)?;
    value.rsplit(',').next().map(str::trim)
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

fn is_request_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// Short enough to be read out over the telephone.
pub fn new_request_id() -> String {
    let number = getrandom::u64().unwrap_or_default();
    format!("{:08x}-{:08x}", number >> 32, number & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::{Origin, Scheme};
    use hyper::header::{HeaderMap, HeaderName, HeaderValue};
    use ipnet::IpNet;

    fn origin(peer: &str, headers: &[(&'static str, &'static str)]) -> Origin {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        Origin::of(peer.parse().unwrap(), Scheme::Http, &trusted, &map)
    }

    #[test]
    fn a_stranger_is_not_believed() {
        let claims = [
            ("x-forwarded-for", "10.1.1.1"),
            ("x-forwarded-proto", "https"),
            ("x-request-id", "mine"),
        ];
        let seen = origin("192.0.2.7", &claims);
        assert_eq!((seen.peer.to_string().as_str(), seen.scheme), ("192.0.2.7", Scheme::Http));
        assert_ne!(seen.request_id, "mine");
        let seen = origin("10.1.1.1", &claims);
        assert_eq!((seen.peer.to_string().as_str(), seen.scheme), ("10.1.1.1", Scheme::Https));
        assert_eq!(seen.request_id, "mine");
    }

    #[test]
    fn the_client_is_the_rightmost_address_that_is_not_a_proxy() {
        for (lines, client) in [
            (vec!["198.51.100.1, 192.0.2.9, 10.2.2.2"], "192.0.2.9"),
            (vec!["198.51.100.1", "192.0.2.9, 10.2.2.2"], "192.0.2.9"),
            (vec!["10.3.3.3, 10.2.2.2"], "10.3.3.3"),
            (vec!["192.0.2.9, nonsense, 10.2.2.2"], "10.2.2.2"),
            (vec!["[2001:db8::1]:4711, fd00::5"], "2001:db8::1"),
            (vec!["192.0.2.9:80"], "192.0.2.9"),
            (vec![""], "10.1.1.1"),
        ] {
            let headers: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
            assert_eq!(origin("10.1.1.1", &headers).peer.to_string(), client, "{lines:?}");
        }
    }

    #[test]
    fn a_request_id_that_could_not_stand_in_a_log_line_is_replaced() {
        let id = origin("10.1.1.1", &[("x-request-id", "a b\"")]).request_id;
        assert_eq!(id.len(), 17, "{id}");
    }
}
