//! Settings as JSON. A secret is said to be set, never what it is.

use super::{Source, change, source, trial};
use crate::auth::Scope;
use crate::auth::permissions::{SettingsRead, SettingsWrite};
use crate::error::{Error, Result};
use crate::input::Field;
use crate::settings::{Rule, SETTINGS, Settings};
use crate::web::{Cx, Listing, Response, response};
use serde::Serialize;

/// One field a setting, for changing them.
pub const CHANGE: &[Field] = &[
    Field::text("base_url", "what links in mails begin with"),
    Field::integer("session_idle_minutes", "5–1440"),
    Field::integer("session_hours", "1–168"),
    Field::text("customer_ranks", "parted by commas"),
    Field::text("approvals", "off or on"),
    Field::text("mail_host", "empty: mails wait"),
    Field::integer("mail_port", ""),
    Field::text("mail_security", "starttls, tls or none"),
    Field::text("mail_user", ""),
    Field::text("mail_password", "write-only"),
    Field::text("mail_from", ""),
    Field::text("mail_from_name", ""),
    Field::integer("mail_per_minute", "1–6000"),
];

pub const OUT: &[Field] = &[
    Field::text("key", ""),
    Field::text("label", ""),
    Field::text("value", "empty for a secret"),
    Field::boolean("set", "whether it differs from its default"),
    Field::text(
        "source",
        "start, page or default; what comes from the start cannot be changed here",
    ),
];

pub const TRIAL: &[Field] = &[
    Field::text("to", "your own address"),
    Field::boolean("sent", ""),
    Field::list("lines", "what happened, step by step"),
];

#[derive(Serialize)]
struct SettingOut {
    key: &'static str,
    label: &'static str,
    value: String,
    set: bool,
    source: Source,
}

pub fn index(cx: &Cx, _: &Scope<SettingsRead>) -> Result<Response> {
    cx.paging(&[])?;
    list(cx, &cx.settings)
}

pub fn update(cx: &Cx, scope: &Scope<SettingsWrite>) -> Result<Response> {
    change(cx.db, &cx.app.config, scope, &cx.input()?)?;
    list(cx, &*cx.app.settings()?)
}

pub fn try_mail(cx: &Cx, _: &Scope<SettingsWrite>) -> Result<Response> {
    if !cx.request.header("Idempotency-Key").is_empty() {
        return Err(Error::invalid(
            "Idempotency-Key",
            "is not taken here: a mail is sent each time",
        ));
    }
    response::json(200, &trial::run(cx)?)
}

fn list(cx: &Cx, settings: &Settings) -> Result<Response> {
    let items = SETTINGS
        .iter()
        .map(|setting| {
            let source = source(settings, &cx.app.config, setting);
            let value = match setting.rule {
                Rule::Secret => String::new(),
                _ => settings.get(setting.key).to_owned(),
            };
            SettingOut {
                key: setting.key,
                label: setting.label,
                value,
                set: source != Source::Default,
                source,
            }
        })
        .collect();
    response::json(200, &Listing { items, next: None })
}
