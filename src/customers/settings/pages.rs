use super::{CHANGE, Effective, Group, Rule, Setting, who};
use crate::auth::Scope;
use crate::auth::permissions::CustomersUpdate;
use crate::customers::pages::{Part, part_page};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{button, cancel, primary};
use crate::html::field::{Opts, choice_field, text_field};
use crate::html::form::{complaints_flash, fieldset, form_foot, post_form};
use crate::html::parts::card_flush;
use crate::html::table::{acts, column, table};
use crate::ids::CustomerId;
use crate::input::Input;
use crate::places::capital;
use crate::web::{Cx, Response};
use maud::{Markup, html};

const GROUPS: [(Group, &str, &str); 5] = [
    (Group::Passwords, "Passwords", "Customers below can only be stricter."),
    (Group::Doors, "Getting in", ""),
    (Group::Mails, "Mails", "Who is told of what, and who is welcomed."),
    (Group::Leaving, "Offboarding", "What is ticked when somebody leaves."),
    (
        Group::Brake,
        "Brake",
        "When work that takes from many waits. Customers below can only be stricter.",
    ),
];

pub fn index(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    page(cx, scope, cx.param("id")?, None, &[])
}

pub fn update(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let (id, input): (CustomerId, Input) = (cx.param("id")?, cx.input()?);
    match super::update(cx.db, scope, id, &input) {
        Ok(()) => Ok(cx.done(format!("/customers/{id}/settings"), "Saved.")),
        Err(Error::Invalid(all)) => page(cx, scope, id, Some(&input), &all),
        Err(err) => Err(err),
    }
}

/// Goes back to what is inherited.
pub fn inherit(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let (id, key): (CustomerId, String) = (cx.param("id")?, cx.param("key")?);
    let known = CHANGE.iter().find(|field| field.name == key).ok_or(Error::NotFound)?;
    let mut input = Input::default();
    input.set(known.name, "");
    super::update(cx.db, scope, id, &input)?;
    Ok(cx.done(format!("/customers/{id}/settings"), "It is inherited again."))
}

fn page(
    cx: &Cx,
    scope: &Scope<CustomersUpdate>,
    id: CustomerId,
    said: Option<&Input>,
    complaints: &[Complaint],
) -> Result<Response> {
    let all = cx.db.read(|db| super::all(db, scope, id))?;
    let mut input = Input::default();
    for (setting, now) in &all {
        input.set(setting.key, now.own.as_deref().unwrap_or_default());
    }
    let input = said.map_or(input.clone(), |said| said.over(input));
    let fields = html! {
        div.form {
            @for (group, title, about) in GROUPS {
                (fieldset(title, about, html! {
                    @for (setting, now) in all.iter().filter(|(setting, _)| setting.group == group) {
                        (field(&input, complaints, setting, now))
                    }
                }))
            }
        }
        (form_foot(html! { (primary("Save settings")) (cancel(&format!("/customers/{id}"))) }))
    };
    let labels: Vec<(&str, &str)> = all.iter().map(|(s, _)| (s.key, s.label)).collect();
    let body = html! {
        (complaints_flash(complaints, &labels))
        (where_from(id, &all))
        (post_form(&cx.csrf, &format!("/customers/{id}/settings"), fields))
    };
    part_page(cx, scope, id, Part::Settings, complaints.is_empty(), body)
}

/// What is set here, and what it would be otherwise.
fn where_from(id: CustomerId, all: &[(&'static Setting, Effective)]) -> Markup {
    let own: Vec<_> = all.iter().filter(|(_, now)| now.own.is_some()).collect();
    let columns = [column("Set here"), column("Value"), column("Inherited").class("p2"), acts()];
    let rows = html! {
        @for (setting, now) in &own {
            tr {
                th scope="row" { (setting.label) }
                td {
                    (now.own.as_deref().unwrap_or_default())
                    @if now.own.as_ref() != Some(&now.value) {
                        small { "held at " (now.value) ", " (who(now.from.as_ref())) }
                    }
                }
                td.p2.muted { (now.inherited) ", " (who(now.inherited_from.as_ref())) }
                td.acts {
                    (button("Use inherited").small().about(&format!("for {}", setting.label))
                        .posts(&format!("/customers/{id}/settings/{}/inherit", setting.key)))
                }
            }
        }
    };
    html! { @if !own.is_empty() { (card_flush("Set here", None, table("Settings set here", &columns, rows))) } }
}

fn field(input: &Input, complaints: &[Complaint], setting: &Setting, now: &Effective) -> Markup {
    let from = who(now.inherited_from.as_ref());
    let above = format!("{} ({from})", capital(&now.inherited));
    match setting.rule {
        Rule::YesNo => {
            let choices =
                [("", format!("Inherited: {above}")), ("yes", "Yes".into()), ("no", "No".into())];
            let opts = Opts { width: 3, hint: setting.hint, ..Opts::default() };
            choice_field(input, complaints, setting.key, setting.label, &choices, opts)
        }
        _ => {
            let hint = format!("{} Empty: {above}.", setting.hint);
            let opts = Opts { width: 3, hint: hint.trim(), optional: true, ..Opts::default() };
            text_field(input, complaints, setting.key, setting.label, opts)
        }
    }
}
