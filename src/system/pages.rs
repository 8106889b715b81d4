//! The settings page: one form, by group, each value with where it comes from.

use super::{GROUPS, Source, change, forget_password, source, store, trial};
use crate::auth::Scope;
use crate::auth::permissions::{SettingsRead, SettingsWrite};
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{button, link, primary};
use crate::html::field::{Opts, choice_field, text_field};
use crate::html::form::{complaints_flash, fieldset, form_foot, post_form};
use crate::html::parts::{Head, Tone, flash, page_head, section};
use crate::input::Input;
use crate::settings::{Rule, SETTINGS, Setting};
use crate::time::Instant;
use crate::web::{Cx, Response};
use maud::{Markup, html};
use std::collections::BTreeMap;

type Changes = BTreeMap<String, (Instant, String)>;

pub fn show(cx: &Cx, _: &Scope<SettingsRead>) -> Result<Response> {
    let mut input = Input::default();
    for setting in SETTINGS.iter().filter(|setting| setting.rule != Rule::Secret) {
        input.set(setting.key, cx.settings.get(setting.key));
    }
    page(cx, 200, &input, &[])
}

pub fn update(cx: &Cx, scope: &Scope<SettingsWrite>) -> Result<Response> {
    let input = cx.input()?;
    match change(cx.db, &cx.app.config, scope, &input) {
        Ok(()) => Ok(cx.done("/settings", "Saved.")),
        Err(Error::Invalid(complaints)) => page(cx, 422, &input, &complaints),
        Err(err) => Err(err),
    }
}

pub fn drop_password(cx: &Cx, scope: &Scope<SettingsWrite>) -> Result<Response> {
    forget_password(cx.db, scope)?;
    Ok(cx.done("/settings", "The password at the mail server is forgotten."))
}

pub fn try_mail(cx: &Cx, _: &Scope<SettingsWrite>) -> Result<Response> {
    let trial = match trial::run(cx) {
        Err(Error::Invalid(complaints)) => {
            return page(cx, 422, &Input::default(), &complaints);
        }
        other => other?,
    };
    let (tone, text) = match trial.sent {
        true => (Tone::Ok, format!("The mail server took the mail to {}.", trial.to)),
        false => (Tone::Bad, format!("The mail to {} did not go.", trial.to)),
    };
    let body = html! {
        (page_head("Test mail", Head::default()))
        (flash(tone, html! { (text) }, None))
        (section("What happened", None, html! { pre.log tabindex="0" { (trial.lines.join("\n")) } }))
        p { (link("Back to settings", "/settings")) }
    };
    Ok(cx.page(Nav::Settings, "Test mail", &[("Settings", "/settings".to_owned())], body))
}

fn page(cx: &Cx, status: u16, input: &Input, complaints: &[Complaint]) -> Result<Response> {
    let labels: Vec<(&str, &str)> = SETTINGS.iter().map(|s| (s.key, s.label)).collect();
    let may = cx.actor.may::<SettingsWrite>();
    let changes = cx.db.read(store::changes)?;
    let form = html! {
        div.form {
            @for (group, start) in GROUPS {
                (fieldset(group, "", html! {
                    @for setting in SETTINGS.iter().filter(|s| s.key.starts_with(start)) {
                        (setting_field(cx, setting, input, complaints, &changes, may))
                    }
                }))
            }
        }
        @if may { (form_foot(html! { (primary("Save settings")) })) }
    };
    let actions = html! {
        (link("System", "/system"))
        (link("API", "/api"))
        @if may {
            (button("Send a test mail to me").posts("/settings/test-mail"))
            @if cx.settings.is_set("mail_password") {
                (button("Forget mail password").posts("/settings/forget-mail-password"))
            }
        }
    };
    let body = html! {
        (page_head("Settings", Head { actions: Some(actions), ..Head::default() }))
        (complaints_flash(complaints, &labels))
        @if may { (post_form(&cx.csrf, "/settings", form)) } @else { (form) }
    };
    Ok(cx.page_with(status, Nav::Settings, "Settings", &[], body))
}

fn setting_field(
    cx: &Cx,
    setting: &Setting,
    input: &Input,
    complaints: &[Complaint],
    changes: &Changes,
    may: bool,
) -> Markup {
    let from = source(&cx.settings, &cx.app.config, setting);
    let kept = setting.rule == Rule::Secret && from == Source::Page;
    let hint = if kept { "Leave it empty to keep it." } else { setting.hint };
    let told = match (from, changes.get(setting.key)) {
        (Source::Start, _) => "Set when Portico was started, and not here.".to_owned(),
        (Source::Page, Some((at, who))) => {
            format!("Set by {who} on {}.", at.day(&cx.actor.zone).long())
        }
        _ => String::new(),
    };
    let hint = &[hint, &told].map(str::trim).join(" ");
    let opts = Opts {
        hint: hint.trim(),
        width: 3,
        ltr: true,
        unit: unit(setting.key),
        disabled: !may || from == Source::Start,
        kind: match setting.rule {
            Rule::Secret => "password",
            Rule::Number(..) => "number",
            Rule::Email => "email",
            _ => "",
        },
        autocomplete: if setting.rule == Rule::Secret { "new-password" } else { "" },
        ..Opts::default()
    };
    match setting.rule {
        Rule::Choice(words) => {
            let choices: Vec<(&str, &str)> =
                words.iter().map(|word| (*word, in_words(word))).collect();
            choice_field(input, complaints, setting.key, setting.label, &choices, opts)
        }
        _ => text_field(input, complaints, setting.key, setting.label, opts),
    }
}

fn unit(key: &str) -> &'static str {
    match key {
        "session_idle_minutes" => "minutes",
        "session_hours" => "hours",
        _ => "",
    }
}

/// How a choice is called where people choose.
fn in_words(choice: &str) -> &str {
    match choice {
        "starttls" => "STARTTLS",
        "tls" => "TLS from the start",
        "none" => "None",
        other => other,
    }
}
