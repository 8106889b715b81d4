//! What the program was told at its start: flag, then environment, then default. Nothing here reads
//! the store; what the settings page says is [`crate::settings`].

mod folder;
mod told;

pub use folder::{holder, prepare};
pub use told::{Line, Source, Told, read};

use crate::secret::{Key, Secret};
use ipnet::IpNet;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The settings that hold for the whole process.
#[derive(Clone)]
pub struct Config {
    pub data: PathBuf,
    pub listen: SocketAddr,
    /// What links in mails begin with, without a slash at the end; empty: the one of the settings page.
    pub base_url: String,
    pub key: Key,
    /// Where numbers for watching are given out; nowhere if left out.
    pub metrics_listen: Option<SocketAddr>,
    /// What is asked for them; without it they are this machine's alone.
    pub metrics_token: Option<Secret>,
    pub trusted_proxies: Vec<IpNet>,
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    /// Where programs that rules may call lie.
    pub scripts: PathBuf,
    /// Certificate authorities besides the built-in ones, for mail and webhooks.
    pub ca_file: Option<PathBuf>,
    /// The name servers that are asked; empty: those of this machine.
    pub name_servers: Vec<SocketAddr>,
}

impl Config {
    /// The defaults for a data directory.
    pub fn of(data: PathBuf, key: Key) -> Config {
        Config {
            scripts: data.join("scripts"),
            data,
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            base_url: String::new(),
            key,
            metrics_listen: None,
            metrics_token: None,
            trusted_proxies: Vec::new(),
            tls_cert: None,
            tls_key: None,
            ca_file: None,
            name_servers: Vec::new(),
        }
    }

    pub fn store(&self) -> PathBuf {
        self.data.join("portico.db")
    }

    /// `http` or `https`, as the listener speaks it.
    pub fn scheme(&self) -> &'static str {
        if self.tls_cert.is_some() { "https" } else { "http" }
    }
}
