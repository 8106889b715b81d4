//! Which addresses we dial. A name is resolved here and the very addresses found are dialled, so
//! that what was checked is what is connected to. Public addresses only, and private ones that the
//! provider listed; link-local addresses and the metadata of clouds never, listed or not.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::time::Duration;
use url::{Host, Url};

const fn four(a: u8, b: u8, c: u8, d: u8, bits: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits))
}

const fn six(a: u16, b: u16, c: u16, h: u16, bits: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, h), bits))
}

/// Link-local, nobody, everybody, and where clouds hand out the keys of the machine.
const NEVER: [IpNet; 12] = [
    four(0, 0, 0, 0, 8),
    four(169, 254, 0, 0, 16),
    four(100, 100, 100, 200, 32),
    four(168, 63, 129, 16, 32),
    four(192, 0, 0, 192, 32),
    four(224, 0, 0, 0, 4),
    four(255, 255, 255, 255, 32),
    six(0, 0, 0, 0, 128),
    six(0xfe80, 0, 0, 0, 10),
    six(0xff00, 0, 0, 0, 8),
    six(0xfd00, 0xec2, 0, 0, 32),
    six(0xfd20, 0xce, 0, 0, 32),
];

/// Not of the public network, though listed ones are dialled.
const PRIVATE: [IpNet; 17] = [
    four(10, 0, 0, 0, 8),
    four(100, 64, 0, 0, 10),
    four(127, 0, 0, 0, 8),
    four(172, 16, 0, 0, 12),
    four(192, 0, 0, 0, 24),
    four(192, 0, 2, 0, 24),
    four(192, 88, 99, 0, 24),
    four(192, 168, 0, 0, 16),
    four(198, 18, 0, 0, 15),
    four(198, 51, 100, 0, 24),
    four(203, 0, 113, 0, 24),
    four(240, 0, 0, 0, 4),
    // Tunnels and documentation within what is otherwise public.
    six(0x2001, 0, 0, 0, 23),
    six(0x2001, 0xdb8, 0, 0, 32),
    six(0x2002, 0, 0, 0, 16),
    six(0x3fff, 0, 0, 0, 20),
    six(0x64, 0xff9b, 1, 0, 48),
];

const PUBLIC_SIX: IpNet = six(0x2000, 0, 0, 0, 3);
const TRANSLATED: IpNet = six(0x64, 0xff9b, 0, 0, 96);

/// Why something is not dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Barred {
    /// Not allowed, and so it stays.
    Refused(String),
    /// The name could not be resolved now.
    Unresolved(String),
}

/// A network that may be listed, or what is wrong with it.
pub fn check_cidr(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let net = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text
            .parse::<IpNet>()
            .map_err(|_| format!("“{text}” is not a network like 192.168.10.0/24"))?,
    };
    let widest = if net.addr().is_ipv4() { 8 } else { 7 };
    if net.prefix_len() < widest {
        return Err(format!("{net} is too wide: list the networks you need, /{widest} at most"));
    }
    if net.trunc() != net {
        return Err(format!("{net} is an address within a network: write {}", net.trunc()));
    }
    if NEVER.iter().any(|never| never.contains(&net)) || mapped(&net) {
        return Err(format!("{net} is never dialled, listed or not"));
    }
    Ok(net)
}

/// IPv4 within IPv6 is judged as IPv4, so listing it this way would have no effect.
fn mapped(net: &IpNet) -> bool {
    six(0, 0, 0, 0, 80).contains(net) && net.addr() != IpAddr::V6(Ipv6Addr::LOCALHOST)
        || TRANSLATED.contains(net)
}

/// An address that a webhook may have, as far as its text can tell.
pub fn check_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim())
        .map_err(|_| "is an address like https://hooks.example.com/portico".to_owned())?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err("begins with https://".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a name or password in it: use the secret instead".into());
    }
    if url.fragment().is_some() {
        return Err("has a part after #, which is never sent".into());
    }
    match url.host() {
        Some(Host::Ipv4(ip)) if forbidden(ip.into()) => Err(format!("{ip} is never dialled")),
        Some(Host::Ipv6(ip)) if forbidden(ip.into()) => Err(format!("{ip} is never dialled")),
        Some(_) => Ok(url),
        None => Err("has no name of a machine".into()),
    }
}

/// The addresses to dial for `url`, each of them allowed. One that is not refuses the whole: a name
/// that points both ways is not to be trusted.
pub fn resolve(url: &Url, listed: &[IpNet], limit: Duration) -> Result<Vec<SocketAddr>, Barred> {
    let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
        return Err(Barred::Refused("The address has no name of a machine.".into()));
    };
    let found = allowed(&host.to_owned(), port, listed, limit)?;
    for address in &found {
        let ours = listed.iter().any(|net| net.contains(&plain(address.ip())));
        if url.scheme() != "https" && !ours {
            let ip = address.ip();
            return Err(Barred::Refused(format!(
                "{ip} may be reached by https only, because it is in no listed network."
            )));
        }
    }
    Ok(found)
}

/// The same for a machine that is named without an address of its own kind; what is spoken to it is
/// always encrypted.
pub fn resolve_host(
    name: &str,
    port: u16,
    listed: &[IpNet],
    limit: Duration,
) -> Result<Vec<SocketAddr>, Barred> {
    let host = check_host(name).map_err(Barred::Refused)?;
    allowed(&host, port, listed, limit)
}

/// The name or the address of a machine, however it is written.
pub fn check_host(name: &str) -> Result<Host, String> {
    let written = match name.parse::<Ipv6Addr>() {
        Ok(_) => format!("[{name}]"),
        Err(_) => name.to_owned(),
    };
    Host::parse(&written).map_err(|_| format!("“{name}” is not the name of a machine."))
}

fn allowed(
    host: &Host,
    port: u16,
    listed: &[IpNet],
    limit: Duration,
) -> Result<Vec<SocketAddr>, Barred> {
    let found: Vec<SocketAddr> = match host {
        Host::Ipv4(ip) => vec![(*ip, port).into()],
        Host::Ipv6(ip) => vec![(*ip, port).into()],
        Host::Domain(name) => look_up(name, port, limit)?,
    };
    for address in &found {
        check_address(address.ip(), listed).map_err(Barred::Refused)?;
    }
    Ok(found)
}

/// Whether this one address may be dialled.
pub fn check_address(ip: IpAddr, listed: &[IpNet]) -> Result<(), String> {
    let ip = plain(ip);
    if forbidden(ip) {
        return Err(format!("{ip} is never dialled."));
    }
    if public(ip) || listed.iter().any(|net| net.contains(&ip)) {
        return Ok(());
    }
    Err(format!("{ip} is not a public address. It is dialled if the connector lists its network."))
}

fn forbidden(ip: IpAddr) -> bool {
    let ip = plain(ip);
    NEVER.iter().any(|net| net.contains(&ip))
}

fn public(ip: IpAddr) -> bool {
    let inside = ip.is_ipv4() || PUBLIC_SIX.contains(&ip);
    inside && !PRIVATE.iter().any(|net| net.contains(&ip))
}

/// The IPv4 address within an IPv6 one, where that is what is reached in the end.
fn plain(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = ip else { return ip };
    if matches!(six.segments(), [0, 0, 0, 0, 0, 0, ..]) && six != Ipv6Addr::LOCALHOST
        || TRANSLATED.contains(&ip)
    {
        let [.., a, b, c, d] = six.octets();
        if !six.is_unspecified() {
            return Ipv4Addr::new(a, b, c, d).into();
        }
    }
    six.to_canonical()
}

/// The system's resolver has no time limit of its own.
fn look_up(name: &str, port: u16, limit: Duration) -> Result<Vec<SocketAddr>, Barred> {
    let (to, from) = mpsc::sync_channel(1);
    let asked = (name.to_owned(), port);
    std::thread::spawn(move || {
        // Nobody listens any more when the time is over.
        let _late = to.send(asked.to_socket_addrs().map(Vec::from_iter));
    });
    match from.recv_timeout(limit) {
        Ok(Ok(found)) if !found.is_empty() => Ok(found),
        Ok(Ok(_)) => Err(Barred::Unresolved(format!("{name} has no address."))),
        Ok(Err(err)) => Err(Barred::Unresolved(format!("{name} was not found: {err}"))),
        Err(_) => Err(Barred::Unresolved(format!("{name} was not found in time."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nets(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn may(ip: &str, listed: &[&str]) -> bool {
        check_address(ip.parse().unwrap(), &nets(listed)).is_ok()
    }

    #[test]
    fn only_public_addresses_are_dialled_unless_listed() {
        for public in ["93.184.215.14", "8.8.8.8", "2606:2800:21f::1", "64:ff9b::808:808"] {
            assert!(may(public, &[]), "{public}");
        }
        let private = [
            ("10.1.2.3", "10.0.0.0/8"),
            ("127.0.0.1", "127.0.0.1/32"),
            ("172.31.0.1", "172.16.0.0/12"),
            ("192.168.4.4", "192.168.4.0/24"),
            ("100.64.0.1", "100.64.0.0/10"),
            ("198.18.0.1", "198.18.0.0/15"),
            ("192.0.2.1", "192.0.2.0/24"),
            ("240.0.0.1", "240.0.0.0/8"),
            ("::1", "::1/128"),
            ("fd12:3456::1", "fd12:3456::/32"),
            ("::ffff:10.1.2.3", "10.0.0.0/8"),
            ("64:ff9b::a01:203", "10.0.0.0/8"),
            ("::7f00:1", "127.0.0.0/8"),
            ("2002:a01:203::1", "2002::/16"),
            ("2001:db8::1", "2001:db8::/32"),
            ("4000::1", "4000::/16"),
        ];
        for (ip, net) in private {
            assert!(!may(ip, &[]), "{ip}");
            assert!(!may(ip, &["203.0.113.0/24"]), "{ip}");
            assert!(may(ip, &[net]), "{ip} in {net}");
        }
    }

    #[test]
    fn some_are_never_dialled_listed_or_not() {
        let never = [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "169.254.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "100.100.100.200",
            "168.63.129.16",
            "::",
            "fe80::1",
            "ff02::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "::a9fe:a9fe",
            "64:ff9b::a9fe:a9fe",
        ];
        for ip in never {
            assert!(!may(ip, &["0.0.0.0/0", "::/0"]), "{ip}");
        }
    }

    #[test]
    fn networks_that_say_too_much_are_refused() {
        for text in [
            "0.0.0.0/0",
            "::/0",
            "0.0.0.0/1",
            "128.0.0.0/1",
            "8000::/1",
            "169.254.0.0/16",
            "169.254.169.254",
            "fe80::/64",
            "fd00:ec2::254",
            "::ffff:10.0.0.0/104",
            "64:ff9b::/96",
            "10.1.2.3/8",
            "10.0.0.0/33",
            "localhost",
            "",
        ] {
            assert!(check_cidr(text).is_err(), "{text}");
        }
        for text in ["10.0.0.0/8", "192.168.10.7", "fd12::/16", " ::1 ", "127.0.0.0/8"] {
            assert!(check_cidr(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn an_address_is_what_it_means_not_how_it_is_written() {
        let resolved = |text: &str, listed: &[&str]| {
            let url = check_url(text).map_err(Barred::Refused)?;
            resolve(&url, &nets(listed), Duration::from_secs(5))
        };
        for text in [
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://127.0.0.1./",
            "https://①②⑦.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:7f00:1]/",
            "https://localhost/",
            "https://0/",
            "https://169.254.169.254/latest/meta-data/",
            "https://2852039166/",
            "https://192.168.1.1/",
        ] {
            assert!(matches!(resolved(text, &[]), Err(Barred::Refused(_))), "{text}");
        }
        let own = ["127.0.0.0/8", "::1/128"];
        assert!(resolved("https://2130706433/", &own).is_ok());
        assert!(resolved("http://localhost:8080/", &own).is_ok());
        assert!(resolved("https://8.8.8.8/", &[]).is_ok());
        assert!(matches!(resolved("http://8.8.8.8/", &own), Err(Barred::Refused(_))));
        let absent = resolved("https://no-such-name.example/", &own);
        assert!(matches!(absent, Err(Barred::Unresolved(_))), "{absent:?}");
    }

    #[test]
    fn urls_carry_no_password_and_are_of_the_web() {
        for text in [
            "https://mira:secret@hooks.example.com/",
            "https://mira@hooks.example.com/",
            "ftp://hooks.example.com/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "hooks.example.com",
            "https://",
            "https://hooks.example.com/#part",
            "https://[fe80::1]/",
        ] {
            assert!(check_url(text).is_err(), "{text}");
        }
        assert!(check_url(" https://hooks.example.com/portico?for=7 ").is_ok());
    }
}
