//! What an installation is told on its settings page. Each setting is declared once, below.

pub mod store;

use crate::config::Config;
use crate::db::Read;
use crate::error::Result;
use crate::input::is_email;
use crate::money::Currency;
use crate::secret::{Key, Secret};
use crate::time::Zone;
use std::collections::BTreeMap;

/// One setting: its key, what it is when nobody says otherwise, and its rule.
pub struct Setting {
    pub key: &'static str,
    pub default: &'static str,
    pub rule: Rule,
    pub label: &'static str,
    pub hint: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    Text(usize),
    Number(i64, i64),
    Choice(&'static [&'static str]),
    /// Sealed, write-only.
    Secret,
    /// An `https://` or `http://` address without path.
    Address,
    Email,
}

const fn setting(
    key: &'static str,
    default: &'static str,
    rule: Rule,
    label: &'static str,
    hint: &'static str,
) -> Setting {
    Setting { key, default, rule, label, hint }
}

pub const SETTINGS: &[Setting] = &[
    setting(
        "base_url",
        "",
        Rule::Address,
        "Address of this installation",
        "What links in mails begin with, like https://portico.example.",
    ),
    setting(
        "session_idle_minutes",
        "30",
        Rule::Number(5, 1440),
        "A sign-in ends without use after",
        "",
    ),
    setting(
        "customer_ranks",
        "A, B, C",
        Rule::Text(500),
        "Ranks of customers",
        "Separated by commas. Empty: customers are not ranked",
    ),
    setting("session_hours", "12", Rule::Number(1, 168), "A sign-in ends in any case after", ""),
    setting(
        "approvals",
        "off",
        Rule::Choice(&["off", "on"]),
        "Approvals",
        "On: orders may wait until people have agreed, at each customer that has it switched on.",
    ),
    setting(
        "mail_host",
        "",
        Rule::Text(253),
        "Mail server",
        "Empty: mails wait until there is one.",
    ),
    setting("mail_port", "587", Rule::Number(1, 65535), "Port", "587 for STARTTLS, 465 for TLS."),
    setting(
        "mail_security",
        "starttls",
        Rule::Choice(&["starttls", "tls", "none"]),
        "Encryption",
        "",
    ),
    setting("mail_user", "", Rule::Text(254), "User at the mail server", "Empty: it wants none."),
    setting("mail_password", "", Rule::Secret, "Password at the mail server", ""),
    setting("mail_from", "", Rule::Email, "Sender address", ""),
    setting("mail_from_name", "", Rule::Text(100), "Sender name", ""),
    setting("mail_per_minute", "60", Rule::Number(1, 6000), "Mails a minute", ""),
];

impl Setting {
    /// What is wrong with `value`, as a message that follows its label.
    pub fn complaint(&self, value: &str) -> Option<String> {
        match self.rule {
            _ if value.is_empty() => None,
            Rule::Text(most) if value.chars().count() > most => {
                Some(format!("must have at most {most} characters"))
            }
            Rule::Number(least, most) => match value.parse() {
                Ok(number) if (least..=most).contains(&number) => None,
                _ => Some(format!("must be a whole number from {least} to {most}")),
            },
            Rule::Choice(choices) if !choices.contains(&value) => {
                Some("is not one of the choices".into())
            }
            Rule::Address if !is_address(value) => {
                Some("must be an address without a path, like https://portico.example".into())
            }
            Rule::Email if !is_email(value) => Some("is not an e-mail address".into()),
            _ => None,
        }
    }
}

/// `https://portico.example` or `http://10.0.0.7:8080`: no path, query or user.
fn is_address(value: &str) -> bool {
    url::Url::parse(value).is_ok_and(|url| {
        ["https", "http"].contains(&url.scheme())
            && url.has_host()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    })
}

/// The settings of one moment.
pub struct Settings {
    /// Whether there is a provider yet.
    pub set_up: bool,
    /// The provider's name, time zone and currency.
    pub organisation: String,
    pub zone: Zone,
    pub currency: Currency,
    /// Without a slash at the end.
    pub base_url: String,
    pub session_idle_minutes: i64,
    pub session_hours: i64,
    values: BTreeMap<String, String>,
}

impl Settings {
    /// The value of `key`, or its default.
    pub fn get(&self, key: &str) -> &str {
        let default = || SETTINGS.iter().find(|s| s.key == key).map_or("", |s| s.default);
        self.values.get(key).map_or_else(default, String::as_str)
    }

    pub fn number(&self, key: &str) -> i64 {
        self.get(key).parse().unwrap_or(0)
    }

    /// Opens a sealed setting; `None` where none is set.
    pub fn secret(&self, key: &Key, name: &str) -> Result<Option<Secret>> {
        match self.get(name) {
            "" => Ok(None),
            sealed => key.open(&format!("setting {name}"), sealed).map(Some),
        }
    }

    /// Whether it comes from the settings page.
    pub fn is_set(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }
}

/// The ranks that customers may have.
pub fn ranks(db: &Read) -> Result<Vec<String>> {
    let kept = store::all(db)?;
    let default = SETTINGS.iter().find(|s| s.key == "customer_ranks").map_or("", |s| s.default);
    let text = kept.get("customer_ranks").map_or(default, String::as_str);
    Ok(text.split(',').map(str::trim).filter(|r| !r.is_empty()).map(str::to_owned).collect())
}

/// Reads them all. What the program was told at its start goes before the page.
pub fn load(db: &Read, config: &Config) -> Result<Settings> {
    let values = store::all(db)?;
    let provider = store::provider(db)?;
    let mut settings = Settings {
        set_up: provider.is_some(),
        organisation: provider.as_ref().map_or_else(|| "Portico".to_owned(), |p| p.name.clone()),
        zone: provider.as_ref().and_then(|p| Zone::named(&p.zone)).unwrap_or_else(Zone::utc),
        currency: provider.as_ref().map_or(Currency::EUR, |p| p.currency),
        base_url: String::new(),
        session_idle_minutes: 30,
        session_hours: 12,
        values,
    };
    if !config.base_url.is_empty() {
        settings.values.insert("base_url".into(), config.base_url.clone());
    }
    settings.base_url = settings.get("base_url").trim_end_matches('/').to_owned();
    settings.session_idle_minutes = settings.number("session_idle_minutes");
    settings.session_hours = settings.number("session_hours");
    Ok(settings)
}
