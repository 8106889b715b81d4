//! `healthcheck`: for a supervisor that asks every few seconds whether to send visitors here.

use portico::config::Told;
use portico::error::{Error, Result};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;
use ureq::Agent;
use ureq::tls::TlsConfig;

pub fn run(told: Told) -> Result<ExitCode> {
    let (listen, scheme) = told.listener()?;
    let url = format!("{scheme}://{}/readyz", reachable(listen));
    // It is our own listener: its certificate names the address that visitors use, not this one.
    let tls = TlsConfig::builder().disable_verification(true).build();
    let agent: Agent = Agent::config_builder()
        .tls_config(tls)
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(3)))
        .http_status_as_error(false)
        .build()
        .into();
    let mut answer = agent
        .get(&url)
        .call()
        .map_err(|err| Error::refused(format!("{url} does not answer: {err}.")))?;
    let word = answer.body_mut().with_config().limit(1000).read_to_string().unwrap_or_default();
    println!("{}", word.trim());
    Ok(if answer.status() == 200 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// An address that listens for everybody is reached by the loopback one.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
