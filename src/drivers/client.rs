//! The one client for calls over the network: resolves through [`network`], follows no redirect,
//! asks no proxy, and ends in time with a bounded answer.

use crate::drivers::network::{self, Barred};
use crate::time;
use ipnet::IpNet;
use std::fmt;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use ureq::config::Config;
use ureq::http::{Request, Uri};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};
use url::Url;

const CONNECT: Duration = Duration::from_secs(5);
const HEADERS: usize = 64 * 1024;
/// Longer than an hour nobody makes us wait.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Where to, and on which conditions.
pub struct Target<'a> {
    pub url: &'a Url,
    /// Private networks that may be dialled.
    pub networks: &'a [IpNet],
    /// From looking up the name to the last byte.
    pub limit: Duration,
    /// Trust the certificates of these authorities (PEM) instead of the public ones.
    pub authorities: Option<&'a str>,
    /// Of the answer no more than so many bytes.
    pub answer: usize,
}

pub struct Reply {
    pub status: u16,
    pub retry_after: Option<String>,
    pub etag: Option<String>,
    pub body: Vec<u8>,
    /// Why the body is not whole.
    pub broken: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Against the rules; nothing was sent.
    Refused(String),
    /// The network's fault, so that another time may be better.
    Network(String),
}

/// Hands out the addresses that were checked, and no others.
struct Pinned(Vec<SocketAddr>);

impl fmt::Debug for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Resolver for Pinned {
    fn resolve(
        &self,
        _uri: &Uri,
        _config: &Config,
        _timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let mut addresses = self.empty();
        // As many as that list can hold.
        for address in self.0.iter().take(16) {
            addresses.push(*address);
        }
        Ok(addresses)
    }
}

/// Sends `body` and reads the answer, whatever its status.
pub fn post(
    target: &Target<'_>,
    headers: &[(&str, String)],
    body: &[u8],
) -> Result<Reply, Failure> {
    call(target, "POST", headers, Some(body))
}

/// The same with any method, and with no body where there is none.
pub fn call(
    target: &Target<'_>,
    method: &str,
    headers: &[(&str, String)],
    body: Option<&[u8]>,
) -> Result<Reply, Failure> {
    let began = Instant::now();
    let url = network::check_url(target.url.as_str())
        .map_err(|text| Failure::Refused(format!("The address {text}.")))?;
    let found = network::resolve(&url, target.networks, target.limit.min(CONNECT));
    let addresses = found.map_err(|barred| match barred {
        Barred::Refused(text) => Failure::Refused(text),
        Barred::Unresolved(text) => Failure::Network(text),
    })?;
    let left = target.limit.saturating_sub(began.elapsed()).max(Duration::from_millis(1));
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent(concat!("Portico/", env!("CARGO_PKG_VERSION")))
        .max_response_header_size(HEADERS)
        .max_idle_connections(0)
        .timeout_connect(Some(CONNECT.min(left)))
        .timeout_global(Some(left))
        .tls_config(trust(target.authorities)?)
        .build();
    let agent = Agent::with_parts(config, DefaultConnector::default(), Pinned(addresses));
    let mut request = Request::builder().method(method).uri(url.as_str());
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let sent = match body {
        Some(body) => request.body(body).map_err(Error::Http).and_then(|whole| agent.run(whole)),
        None => request.body(()).map_err(Error::Http).and_then(|whole| agent.run(whole)),
    };
    let mut response = sent.map_err(|err| failure(err, target.limit))?;
    let header = |name: &str| {
        let value = response.headers().get(name).and_then(|value| value.to_str().ok());
        value.map(str::to_owned)
    };
    let (retry_after, etag) = (header("retry-after"), header("etag"));
    let status = response.status().as_u16();
    let mut body = Vec::new();
    let most = u64::try_from(target.answer).unwrap_or(u64::MAX);
    let read = response.body_mut().as_reader().take(most.saturating_add(1)).read_to_end(&mut body);
    let broken = match read {
        Err(err) => Some(format!("The answer broke off: {err}.")),
        Ok(_) if body.len() > target.answer => {
            Some(format!("The answer is longer than {} KiB.", target.answer / 1024))
        }
        Ok(_) => None,
    };
    body.truncate(target.answer);
    Ok(Reply { status, retry_after, etag, body, broken })
}

fn trust(authorities: Option<&str>) -> Result<TlsConfig, Failure> {
    let Some(pem) = authorities else { return Ok(TlsConfig::builder().build()) };
    let certificate = |item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    };
    let all: Vec<Certificate<'static>> =
        parse_pem(pem.as_bytes()).filter_map(certificate).collect();
    if all.is_empty() {
        return Err(Failure::Refused("There is no certificate in the authorities' text.".into()));
    }
    Ok(TlsConfig::builder().root_certs(RootCerts::Specific(Arc::new(all))).build())
}

fn failure(err: Error, limit: Duration) -> Failure {
    match err {
        Error::Timeout(ureq::Timeout::Connect) => {
            Failure::Network(format!("No connection within {} s.", CONNECT.min(limit).as_secs()))
        }
        Error::Timeout(_) => {
            Failure::Network(format!("There was no answer within {} s.", limit.as_secs()))
        }
        Error::BadUri(_) | Error::Http(_) => Failure::Refused(format!("It cannot be sent: {err}.")),
        err => Failure::Network(format!("The call failed: {err}.")),
    }
}

/// Seconds, or a date as HTTP writes it.
pub fn retry_after(text: &str, now: time::Instant) -> Option<Duration> {
    let seconds = match text.trim().parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let date = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
            let at = time::Instant::from_unix(date.timestamp().as_second());
            u64::try_from(at.since(now)).unwrap_or(0)
        }
    };
    Some(Duration::from_secs(seconds).min(LONGEST))
}
