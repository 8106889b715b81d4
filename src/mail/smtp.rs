//! Handing one mail to a mail server, step by step, so that whoever tests the settings sees where it
//! ends. Every step has a time limit; a certificate is always checked.

use crate::config::Config;
use crate::error::Result;
use crate::secret::Secret;
use crate::settings::Settings;
use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, SmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use std::path::PathBuf;
use std::time::Duration;

words! {
    /// How the way to the server is protected.
    Security { StartTls = "starttls", Tls = "tls", None = "none" }
}

/// The mail server of this installation and what mails say they come from.
pub struct Server {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub login: Option<(String, Secret)>,
    pub from: String,
    pub from_name: String,
    /// Authorities to trust besides the built-in ones.
    pub ca_file: Option<PathBuf>,
}

/// Why a mail did not go, with what to say about it.
#[derive(Debug)]
pub enum Trouble {
    /// It may go later: the server is away, busy, or wrongly set up.
    Later(String),
    /// The server will not take this mail.
    Never(String),
}

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(20);
pub const IN_CLEAR: &str = "A password must not travel in clear.";

impl Server {
    /// The one that is set; none while host or sender is missing.
    pub fn of(settings: &Settings, config: &Config) -> Result<Option<Server>> {
        let (host, from) = (settings.get("mail_host"), settings.get("mail_from"));
        if host.is_empty() || from.is_empty() {
            return Ok(None);
        }
        let user = settings.get("mail_user");
        let login = match settings.secret(&config.key, "mail_password")? {
            Some(password) if !user.is_empty() => Some((user.to_owned(), password)),
            _ => None,
        };
        let from_name = match settings.get("mail_from_name") {
            "" => settings.organisation.clone(),
            name => name.to_owned(),
        };
        Ok(Some(Server {
            host: host.to_owned(),
            port: u16::try_from(settings.number("mail_port")).unwrap_or(587),
            security: settings.get("mail_security").parse().unwrap_or(Security::StartTls),
            login,
            from: from.to_owned(),
            from_name,
            ca_file: config.ca_file.clone(),
        }))
    }
}

/// Whether `host` is this machine, so that nobody can listen on the way.
pub fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

/// Hands over one mail. `said` collects what happened, without secrets.
pub fn deliver(
    server: &Server,
    envelope: &Envelope,
    mail: &[u8],
    said: &mut Vec<String>,
) -> Result<String, Trouble> {
    if server.security == Security::None && server.login.is_some() && !is_loopback(&server.host) {
        return Err(Trouble::Later(IN_CLEAR.into()));
    }
    let mut say = |text: String| said.push(text.chars().take(500).collect());
    let (hello, tls) = (ClientId::default(), tls(server)?);
    let implicit = if server.security == Security::Tls { Some(&tls) } else { None };
    say(format!("Connecting to {} port {}", server.host, server.port));
    let at = (server.host.as_str(), server.port);
    let mut conn = SmtpConnection::connect(at, Some(PATIENCE), &hello, implicit, None)
        .map_err(|err| later("Connecting", &err))?;
    say(format!("Connected; it offers {}", conn.server_info()));
    if server.security == Security::StartTls {
        if !conn.can_starttls() {
            conn.abort();
            return Err(Trouble::Later(
                "The server does not offer STARTTLS, so nothing was sent to it.".into(),
            ));
        }
        conn.starttls(&tls, &hello).map_err(|err| later("STARTTLS", &err))?;
    }
    if server.security != Security::None {
        say("The connection is encrypted, and the certificate is good".into());
    }
    if let Some((user, password)) = &server.login {
        say(format!("AUTH {user} •••"));
        let login = Credentials::new(user.clone(), password.reveal().to_owned());
        let answer = conn
            .auth(&[Mechanism::Plain, Mechanism::Login], &login)
            .map_err(|err| later("Signing in", &err))?;
        say(format!("{} {}", answer.code(), answer.first_line().unwrap_or("")));
    }
    let sent = conn.send(envelope, mail);
    let answer = match sent {
        Ok(answer) => {
            format!("{} {}", answer.code(), answer.message().collect::<Vec<_>>().join(" "))
        }
        Err(err) => {
            conn.abort();
            let text = words(&err);
            say(text.clone());
            return Err(if err.is_permanent() {
                Trouble::Never(text)
            } else {
                Trouble::Later(text)
            });
        }
    };
    say(answer.clone());
    // The mail is theirs already; how the goodbye goes does not matter.
    conn.quit().ok();
    Ok(answer.chars().take(500).collect())
}

fn tls(server: &Server) -> Result<TlsParameters, Trouble> {
    let wrong = |err: &dyn std::fmt::Display| Trouble::Later(format!("TLS: {err}"));
    let mut tls = TlsParameters::builder(server.host.clone());
    if let Some(path) = &server.ca_file {
        let pem = std::fs::read(path).map_err(|err| wrong(&err))?;
        tls = tls.add_root_certificate(Certificate::from_pem(&pem).map_err(|err| wrong(&err))?);
    }
    tls.build().map_err(|err| wrong(&err))
}

fn later(step: &str, err: &lettre::transport::smtp::Error) -> Trouble {
    Trouble::Later(format!("{step}: {}", words(err)))
}

/// An error with its cause, and a sentence for the usual answers.
fn words(err: &lettre::transport::smtp::Error) -> String {
    let mut text = err.to_string();
    let mut cause = std::error::Error::source(err);
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    let hint = match err.status().map(|code| code.to_string()).as_deref() {
        Some("535") => " User or password is wrong, or this account may not send by password.",
        Some("530") => " The server wants encryption or a sign-in first.",
        Some("454") => " The server cannot sign anybody in at the moment.",
        Some("550") => " The server does not accept this sender or recipient.",
        _ if err.is_timeout() => " The server did not answer in time.",
        _ if err.is_tls() => " The certificate or the kind of encryption does not fit.",
        _ => "",
    };
    let text: String = text.chars().filter(|c| !c.is_control()).take(400).collect();
    format!("{text}.{hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_this_machine_only() {
        for own in ["localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"] {
            assert!(is_loopback(own), "{own}");
        }
        for other in ["mail.example", "10.0.0.1", "localhost.example", "0.0.0.0", ""] {
            assert!(!is_loopback(other), "{other}");
        }
    }
}
