//! What somebody wants a connector to be, read from a form or a body with all complaints at once.

use super::ldap::Directory;
use super::scim::Account;
use super::{Connector, Kind, Reach, Stage, Wanted};
use crate::drivers::ldap::pipe::{self, Host, Security};
use crate::drivers::{network, script};
use crate::error::Result;
use crate::ids::CredentialId;
use crate::input::{Fields, Input};
use crate::secret::Secret;
use ipnet::IpNet;
use std::path::Path;

pub fn read(
    mut fields: Fields,
    input: &Input,
    kind: Kind,
    folder: &Path,
    reach: Reach,
    old: Option<&Connector>,
) -> Result<Wanted> {
    let name = fields.text("name", 1..=60);
    let stage = match fields.has("stage") {
        true => fields.parse("stage"),
        false => Some(old.map_or(Stage::Production, |old| old.stage)),
    };
    let (most, default) = match kind {
        Kind::Script => (3600, 300),
        Kind::Webhook => (120, 30),
        Kind::Ldap | Kind::Scim => (60, 15),
    };
    let limit = fields.optional_integer("time_limit", 1..=most);
    let calls = fields.optional_integer("calls_per_minute", 1..=6_000);
    let networks = networks(&mut fields, input);
    if let Some(networks) = &networks
        && !reach.networks
        && *networks != old.map(|old| old.networks.clone()).unwrap_or_default()
    {
        let _: Option<()> =
            fields.complain("networks", "are listed by those who may change settings");
    }
    let secrets = fields.members("secrets");
    if kind != Kind::Script && !secrets.is_empty() {
        let _: Option<()> = fields.complain("secrets", "are a script's");
    }
    let (mut script, mut url, mut directory, mut account) = (None, None, None, None);
    let (mut password, mut credential) = (None, None);
    match kind {
        Kind::Script => script = read_script(&mut fields, folder, &secrets, old),
        Kind::Webhook => url = read_url(&mut fields),
        Kind::Ldap => {
            directory = read_directory(&mut fields, input);
            (password, credential) = read_account(&mut fields, old);
        }
        Kind::Scim => {
            url = read_url(&mut fields);
            account = read_scim(&mut fields);
            (password, credential) = read_account(&mut fields, old);
        }
    }
    let given = secrets.into_iter().filter(|(_, value)| !value.is_empty());
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    fields.finish(|| {
        if script.is_none() && url.is_none() && directory.is_none() {
            return None;
        }
        Some(Wanted {
            name: name?,
            stage: stage?,
            script,
            url,
            directory,
            account,
            time_limit: limit?.unwrap_or(default),
            calls_per_minute: calls?,
            networks: networks?,
            secrets: given,
            password,
            credential,
        })
    })
}

/// Machines in order, how the connection is encrypted, who signs in, whom to trust.
fn read_directory(fields: &mut Fields, input: &Input) -> Option<Directory> {
    let security: Option<Security> = match fields.has("security") {
        true => fields.parse("security"),
        false => Some(Security::Ldaps),
    };
    let texts = input.all("hosts").flat_map(|text| text.split([',', '\n', '\r', ' ']));
    let texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
    let mut hosts = Vec::new();
    for text in &texts {
        match Host::parse(text, security.unwrap_or(Security::Ldaps)) {
            Ok(host) => hosts.push(host.to_string()),
            Err(why) => {
                let _: Option<()> =
                    fields.complain("hosts", format!("has a line that is not a machine: {why}"));
            }
        }
    }
    if texts.is_empty() {
        let _: Option<()> = fields.complain("hosts", "is required");
    }
    if texts.len() > 10 {
        let _: Option<()> = fields.complain("hosts", "must be 10 at most");
    }
    let sign_in_as = fields.text("sign_in_as", 1..=255);
    let authority = read_authority(fields);
    Some(Directory { hosts, security: security?, sign_in_as: sign_in_as?, authority: authority? })
}

fn read_authority(fields: &mut Fields) -> Option<Option<String>> {
    let authority = match !fields.value("authority").trim().is_empty() {
        true => fields.lines("authority", 1..=50_000).map(Some),
        false => Some(None),
    };
    if let Some(Some(pem)) = &authority
        && let Err(why) = pipe::authorities(pem)
    {
        let _: Option<()> = fields.complain("authority", why);
    }
    authority
}

/// Who signs in, nobody where a token says it all; and whom to trust.
fn read_scim(fields: &mut Fields) -> Option<Account> {
    let name = fields.text("sign_in_as", 0..=255);
    if name.as_ref().is_some_and(|name| name.contains(':')) {
        let _: Option<()> = fields.complain("sign_in_as", "must have no colon");
    }
    let authority = read_authority(fields);
    Some(Account {
        sign_in_as: name.map(|name| Some(name).filter(|name| !name.is_empty()))?,
        authority: authority?,
    })
}

/// A password to keep, or a credential that is kept already.
fn read_account(
    fields: &mut Fields,
    old: Option<&Connector>,
) -> (Option<Secret>, Option<CredentialId>) {
    let credential = fields.optional::<CredentialId>("credential_id").flatten();
    if old.is_some() {
        return (None, credential.or(old.and_then(|old| old.credential)));
    }
    let password = Some(fields.value("password")).filter(|text| !text.is_empty());
    match (&password, &credential) {
        (None, None) => {
            let _: Option<()> = fields.complain("password", "is required");
        }
        (Some(_), Some(_)) => {
            let _: Option<()> =
                fields.complain("password", "is not typed where a kept credential is chosen");
        }
        (Some(text), None) if text.chars().count() > 256 => {
            let _: Option<()> = fields.complain("password", "must be 256 characters at most");
        }
        _ => {}
    }
    (password.map(Secret::new), credential)
}

fn networks(fields: &mut Fields, input: &Input) -> Option<Vec<IpNet>> {
    if !fields.has("networks") {
        return Some(Vec::new());
    }
    let texts: Vec<&str> = input
        .all("networks")
        .flat_map(|text| text.split(|c: char| c == ',' || c.is_whitespace()))
        .filter(|text| !text.is_empty())
        .collect();
    if texts.len() > 20 {
        return fields.complain("networks", "must be 20 at most");
    }
    let mut all = Vec::new();
    let mut fine = true;
    for text in texts {
        match network::check_cidr(text) {
            Ok(network) => all.push(network),
            Err(why) => {
                fine = false;
                let _: Option<()> = fields.complain("networks", format!("{}.", capital(&why)));
            }
        }
    }
    fine.then_some(all)
}

fn capital(text: &str) -> String {
    crate::places::capital(text)
}

fn read_url(fields: &mut Fields) -> Option<String> {
    let text = fields.text("url", 1..=500)?;
    match network::check_url(&text) {
        Ok(_) => Some(text),
        Err(why) => fields.complain("url", why),
    }
}

/// The script must be there, and have all its secrets.
fn read_script(
    fields: &mut Fields,
    folder: &Path,
    secrets: &[(&str, &str)],
    old: Option<&Connector>,
) -> Option<String> {
    let name = fields.text("script", 1..=64)?;
    let manifest = match script::text(folder, &name) {
        Ok(text) => text.manifest,
        Err(err) => return fields.complain("script", format!("{err}")),
    };
    for (given, _) in secrets {
        if !manifest.secrets.iter().any(|secret| secret == given) {
            let _: Option<()> = fields.complain("secrets", format!("has no use for {given}"));
        }
    }
    let same = old.is_some_and(|old| old.script == name);
    for secret in manifest.secrets.iter().filter(|_| !same) {
        if !secrets.iter().any(|(given, value)| given == secret && !value.is_empty()) {
            let _: Option<()> =
                fields.complain("secrets", format!("must have a value for {secret}"));
        }
    }
    Some(name)
}
