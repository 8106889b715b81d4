//! The settings page: what this installation is told, where each value comes from, and whether the
//! mail server takes a mail.

pub mod api;
pub mod pages;
mod store;
mod trial;

use crate::audit;
use crate::auth::permissions::SettingsWrite;
use crate::auth::{PROVIDER, Scope};
use crate::config::Config;
use crate::db::Db;
use crate::error::{Complaint, Error, Result};
use crate::input::Input;
use crate::mail::smtp::{IN_CLEAR, is_loopback};
use crate::secret::{Key, Secret};
use crate::settings::{self, Rule, SETTINGS, Setting, Settings};
use serde_json::{Map, json};

words! {
    /// Where a value comes from.
    Source { Start = "start", Page = "page", Default = "default" }
}

/// The settings of one card of the page, by what their keys begin with.
pub const GROUPS: &[(&str, &str)] = &[
    ("Installation", "base_"),
    ("Sign-ins", "session_"),
    ("Customers", "customer_"),
    ("Approvals", "approvals"),
    ("Mail server", "mail_"),
];

/// Where the value of `setting` comes from. What the program was told at its start is pinned.
pub fn source(settings: &Settings, config: &Config, setting: &Setting) -> Source {
    if setting.key == "base_url" && !config.base_url.is_empty() {
        Source::Start
    } else if settings.is_set(setting.key) {
        Source::Page
    } else {
        Source::Default
    }
}

/// Changes the settings that `input` names; an empty value takes one back to its default, but an
/// empty secret leaves it as it is.
pub fn change(db: &Db, config: &Config, scope: &Scope<SettingsWrite>, input: &Input) -> Result<()> {
    let now = db.read(|db| settings::load(db, config))?;
    let mut complaints = Vec::new();
    let mut changes = Vec::new();
    for setting in SETTINGS.iter().filter(|setting| input.has(setting.key)) {
        let value = match setting.rule {
            Rule::Address => input.get(setting.key).trim_end_matches('/'),
            _ => input.get(setting.key),
        };
        if let Some(message) = setting.complaint(value) {
            complaints.push(Complaint::new(setting.key, message));
        }
        let same =
            value == now.get(setting.key) || (setting.rule == Rule::Secret && value.is_empty());
        if !same && source(&now, config, setting) == Source::Start {
            let message = format!("{} was set when Portico was started.", setting.label);
            complaints.push(Complaint::new(setting.key, message));
        } else if !same {
            changes.push((setting, value));
        }
    }
    for name in unknown(input) {
        complaints.push(Complaint::new(name, "is not a setting"));
    }
    complaints.extend(of_mail(&now, input));
    if !complaints.is_empty() {
        return Err(Error::Invalid(complaints));
    }
    let sealed = changes.iter().map(|(setting, value)| sealed(&config.key, setting, value));
    let sealed = sealed.collect::<Result<Vec<_>>>()?;
    db.write(scope.by, |tx| {
        let mut detail = Map::new();
        for ((setting, value), kept) in changes.iter().zip(&sealed) {
            settings::store::put(tx, setting.key, kept.as_deref())?;
            let told = match setting.rule {
                Rule::Secret => json!("changed"),
                _ => json!({ "old": now.get(setting.key), "new": value }),
            };
            detail.insert(setting.key.to_owned(), told);
        }
        if detail.is_empty() {
            return Ok(());
        }
        audit::record(tx, "settings.changed", ("installation", 1), PROVIDER, &detail.into())
    })
}

/// Takes the mail server's password away, which leaving the field empty does not.
pub fn forget_password(db: &Db, scope: &Scope<SettingsWrite>) -> Result<()> {
    db.write(scope.by, |tx| {
        settings::store::put(tx, "mail_password", None)?;
        let detail = json!({ "mail_password": "removed" });
        audit::record(tx, "settings.changed", ("installation", 1), PROVIDER, &detail)
    })
}

/// What a value is kept as; none is the default.
fn sealed(key: &Key, setting: &Setting, value: &str) -> Result<Option<String>> {
    match setting.rule {
        _ if value.is_empty() => Ok(None),
        Rule::Secret => {
            key.seal(&format!("setting {}", setting.key), &Secret::new(value)).map(Some)
        }
        _ => Ok(Some(value.to_owned())),
    }
}

/// What is wrong with the mail server as a whole.
fn of_mail(now: &Settings, input: &Input) -> Vec<Complaint> {
    let will_be = |key: &'static str| match input.has(key) {
        true => input.get(key),
        false => now.get(key),
    };
    let mut complaints = Vec::new();
    let has_password = !input.get("mail_password").is_empty() || now.is_set("mail_password");
    let host = will_be("mail_host");
    let in_clear = will_be("mail_security") == "none" && !host.is_empty() && !is_loopback(host);
    if in_clear && has_password && !will_be("mail_user").is_empty() {
        complaints.push(Complaint::new("mail_security", IN_CLEAR));
    }
    if !host.is_empty() && will_be("mail_from").is_empty() {
        complaints.push(Complaint::new("mail_from", "is required with a mail server"));
    }
    complaints
}

fn unknown(input: &Input) -> Vec<String> {
    let names = input.to_json();
    let names = names.as_object().into_iter().flat_map(|object| object.keys().cloned());
    names.filter(|name| !SETTINGS.iter().any(|setting| setting.key == name)).collect()
}
