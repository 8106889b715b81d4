//! How a directory is reached: its machines, who signs in there, whom to trust.

use super::Kind;
use super::call::Line;
use crate::config::Config;
use crate::drivers::ldap::fault::{Fault, Stage};
use crate::drivers::ldap::pipe::{Host, Security, Server};
use crate::drivers::ldap::session::{self, Session};
use crate::error::Result;
use crate::input::Input;
use crate::secret::Secret;
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Directory {
    /// In the order in which they are tried.
    pub hosts: Vec<String>,
    pub security: Security,
    /// `portico@example.com`, `EXAMPLE\\portico` or a whole name.
    pub sign_in_as: String,
    /// PEM; without it the authorities of the installation are trusted.
    pub authority: Option<String>,
}

impl Directory {
    /// The present values, as a form holds them.
    pub fn fill(&self, input: &mut Input) {
        for host in &self.hosts {
            input.push("hosts", host);
        }
        input.set("security", self.security.word());
        input.set("sign_in_as", &self.sign_in_as);
        if let Some(authority) = &self.authority {
            input.set("authority", authority);
        }
    }
}

impl Line {
    /// Where and how to dial; `None` where this is no directory.
    pub fn server(&self, config: &Config) -> Result<Option<Server>> {
        let Some(directory) = &self.directory else { return Ok(None) };
        let hosts = directory.hosts.iter();
        let hosts = hosts.filter_map(|text| Host::parse(text, directory.security).ok()).collect();
        let authority = match (&directory.authority, &config.ca_file) {
            (Some(own), _) => Some(own.clone()),
            (None, Some(file)) => Some(std::fs::read_to_string(file)?),
            (None, None) => None,
        };
        Ok(Some(Server {
            hosts,
            security: directory.security,
            authority,
            networks: self.networks.clone(),
            limit: self.limit(),
        }))
    }

    /// The password that is kept for it.
    pub fn password(&self, config: &Config) -> Result<Secret> {
        match &self.credential {
            Some(sealed) => config.key.open(&super::call::place(sealed.id), &sealed.now),
            None => Ok(Secret::new("")),
        }
    }

    /// Whether a password that is not kept yet would be let in; else what the other side says.
    pub fn lets_in(&self, config: &Config, password: &Secret) -> Result<Result<(), String>> {
        match self.kind {
            Kind::Scim => self.scim_lets_in(config, password),
            _ => {
                let session = self.sign_in_with(config, password)?;
                Ok(session.map(|_| ()).map_err(|fault| fault.text))
            }
        }
    }

    /// Connects and signs in. Whoever reads why it failed thinks of a user's account first, so the text
    /// says whose it is; it does not name it to customers.
    pub fn sign_in(&self, config: &Config) -> Result<Result<Session, Fault>> {
        let password = self.password(config)?;
        Ok(self.sign_in_with(config, &password)?.map_err(|fault| match (fault.stage, fault.code) {
            (Stage::Bind, Some(_)) => {
                let text = format!("Portico's own account is not let in. {}", fault.text);
                Fault { text, ..fault }
            }
            _ => fault,
        }))
    }

    /// The same with a password that is not kept yet.
    pub fn sign_in_with(
        &self,
        config: &Config,
        password: &Secret,
    ) -> Result<Result<Session, Fault>> {
        let (Some(server), Some(directory)) = (self.server(config)?, &self.directory) else {
            return Ok(Err(Fault::refused("This connector reaches no directory.")));
        };
        Ok(session::open(&server).and_then(|mut session| {
            session.bind(&directory.sign_in_as, password)?;
            Ok(session)
        }))
    }
}
