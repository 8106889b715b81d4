//! The questions before a customer is disabled, ended or brought back: what would happen, and why it
//! cannot where it cannot.

use crate::auth::permissions::{
    CustomersDelete, CustomersDeprovision, CustomersDisable, CustomersUpdate,
};
use crate::auth::{Permission, Scope};
use crate::customers::rehearsal::shown::what_happens;
use crate::customers::rehearsal::{self, Preview};
use crate::customers::{Customer, life, store};
use crate::db::Write;
use crate::error::{Complaint, Error, Result};
use crate::html::button::{Button, button, cancel, link, primary};
use crate::html::field::{Opts, check, text_field, typed_field};
use crate::html::form::{complaints_flash, form_foot, post_form};
use crate::html::parts::card;
use crate::html::text;
use crate::ids::CustomerId;
use crate::input::Input;
use crate::places::{self, State, Tab};
use crate::web::{Cx, Response};
use maud::{Markup, html};

words! {
    Verb {
        Disable = "disable", Enable = "enable", Deprovision = "deprovision", Reprovision = "reprovision",
        Delete = "delete", Restore = "restore", Purge = "purge",
    }
}

pub fn ask_disable(cx: &Cx, scope: &Scope<CustomersDisable>) -> Result<Response> {
    question(cx, scope, Verb::Disable, &Input::default(), &[])
}

pub fn disable(cx: &Cx, scope: &Scope<CustomersDisable>) -> Result<Response> {
    let (id, input) = (cx.param("id")?, cx.input()?);
    let done = life::disable(cx.db, scope, id, &input);
    answer(cx, scope, Verb::Disable, &input, done, "Disabled. Nobody of it can sign in now.")
}

pub fn ask_enable(cx: &Cx, scope: &Scope<CustomersDisable>) -> Result<Response> {
    question(cx, scope, Verb::Enable, &Input::default(), &[])
}

pub fn enable(cx: &Cx, scope: &Scope<CustomersDisable>) -> Result<Response> {
    let done = life::enable(cx.db, scope, cx.param("id")?);
    answer(cx, scope, Verb::Enable, &Input::default(), done, "Enabled. Everybody is as before.")
}

pub fn ask_deprovision(cx: &Cx, scope: &Scope<CustomersDeprovision>) -> Result<Response> {
    cx.again()?;
    question(cx, scope, Verb::Deprovision, &Input::default(), &[])
}

pub fn deprovision(cx: &Cx, scope: &Scope<CustomersDeprovision>) -> Result<Response> {
    cx.again()?;
    let (id, input) = (cx.param("id")?, cx.input()?);
    let done = life::deprovision(cx.db, scope, id, &input);
    answer(cx, scope, Verb::Deprovision, &input, done, "Deprovisioned. Its data is kept.")
}

pub fn ask_reprovision(cx: &Cx, scope: &Scope<CustomersDeprovision>) -> Result<Response> {
    question(cx, scope, Verb::Reprovision, &Input::default(), &[])
}

pub fn reprovision(cx: &Cx, scope: &Scope<CustomersDeprovision>) -> Result<Response> {
    let done = life::reprovision(cx.db, scope, cx.param("id")?);
    let text = "It is back, and its services are on their way.";
    answer(cx, scope, Verb::Reprovision, &Input::default(), done, text)
}

pub fn ask_delete(cx: &Cx, scope: &Scope<CustomersDelete>) -> Result<Response> {
    cx.again()?;
    question(cx, scope, Verb::Delete, &Input::default(), &[])
}

pub fn delete(cx: &Cx, scope: &Scope<CustomersDelete>) -> Result<Response> {
    cx.again()?;
    let (id, input) = (cx.param("id")?, cx.input()?);
    let done = life::delete(cx.db, scope, id, &input);
    let text = "Deleted. It lies in the bin for 30 days, and a file with its data is being made.";
    answer(cx, scope, Verb::Delete, &input, done, text)
}

pub fn ask_restore(cx: &Cx, scope: &Scope<CustomersDelete>) -> Result<Response> {
    question(cx, scope, Verb::Restore, &Input::default(), &[])
}

pub fn restore(cx: &Cx, scope: &Scope<CustomersDelete>) -> Result<Response> {
    let done = life::restore(cx.db, scope, cx.param("id")?);
    let text = "Restored. It can be provisioned again now.";
    answer(cx, scope, Verb::Restore, &Input::default(), done, text)
}

pub fn ask_purge(cx: &Cx, scope: &Scope<CustomersDelete>) -> Result<Response> {
    cx.again()?;
    question(cx, scope, Verb::Purge, &Input::default(), &[])
}

pub fn purge(cx: &Cx, scope: &Scope<CustomersDelete>) -> Result<Response> {
    cx.again()?;
    let (id, input) = (cx.param("id")?, cx.input()?);
    match life::purge(cx.db, scope, id, &input) {
        Ok(()) => Ok(cx.done("/customers", "Erased for good. Its bills stay.")),
        refused => answer(cx, scope, Verb::Purge, &input, refused, ""),
    }
}

/// Brings the wanted state to the outside once more.
pub fn provision(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    life::apply_again(cx.db, scope, id)?;
    Ok(cx
        .done(format!("/customers/{id}/requests"), "What is wanted is being brought outside anew."))
}

fn answer<P: Permission>(
    cx: &Cx,
    scope: &Scope<P>,
    verb: Verb,
    input: &Input,
    done: Result<()>,
    text: &str,
) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    match done {
        Ok(()) => Ok(cx.done(format!("/customers/{id}"), text)),
        Err(Error::Invalid(all)) => question(cx, scope, verb, input, &all),
        Err(err) => Err(err),
    }
}

impl Verb {
    fn fits(self, state: State) -> bool {
        match self {
            Verb::Disable => state == State::Active,
            Verb::Enable => state == State::Disabled,
            Verb::Deprovision => matches!(state, State::Active | State::Disabled),
            Verb::Reprovision | Verb::Delete => state == State::Deprovisioned,
            Verb::Restore | Verb::Purge => state == State::Deleted,
        }
    }

    fn question(self, name: &str) -> String {
        match self {
            Verb::Reprovision => format!("Provision {name} again?"),
            Verb::Purge => format!("Erase {name} for good?"),
            verb => format!("{} {name}?", verb.title()),
        }
    }

    fn title(self) -> &'static str {
        match self {
            Verb::Disable => "Disable",
            Verb::Enable => "Enable",
            Verb::Deprovision => "Deprovision",
            Verb::Reprovision => "Provision again",
            Verb::Delete => "Delete",
            Verb::Restore => "Restore",
            Verb::Purge => "Erase for good",
        }
    }

    fn button(self) -> Button {
        match self {
            Verb::Enable | Verb::Reprovision | Verb::Restore => primary(self.title()),
            _ => button(self.title()).danger(),
        }
    }

    fn is_typed(self) -> bool {
        matches!(self, Verb::Deprovision | Verb::Delete | Verb::Purge)
    }

    fn about(self, users: i64) -> String {
        let users = text::count(users, "user", "users");
        match self {
            Verb::Disable => format!(
                "Its {users} cannot sign in any more. Nothing is deleted, and billing goes on. \
                 Enabling brings everything back."
            ),
            Verb::Enable => "Everybody who was active before can sign in again, and their services run.".to_owned(),
            Verb::Deprovision => format!(
                "Its {users} cannot sign in any more, its services end outside, and billing stops today. \
                 All data stays here, and it can be provisioned again."
            ),
            Verb::Reprovision => "The users and services it had come back, within the limits and offers of today. \
                 Billing begins anew.".to_owned(),
            Verb::Delete => "It goes into the bin and can be restored for 30 days. A file with all of its data \
                 is made; then everything personal is erased.".to_owned(),
            Verb::Restore => "It comes out of the bin as it was: deprovisioned, with all of its data.".to_owned(),
            Verb::Purge => "Everything personal is erased now and cannot be brought back. Code, name and bills stay, \
                 and the file with its data for 90 days.".to_owned(),
        }
    }
}

/// What the verb would do, where that is worth looking at first.
fn rehearsed<P: Permission>(
    cx: &Cx,
    scope: &Scope<P>,
    verb: Verb,
    customer: &Customer,
    input: &Input,
) -> Result<Option<Preview>> {
    let id = customer.id;
    let act = |tx: &Write| match verb {
        Verb::Disable => life::disable_in(tx, scope, id, input),
        Verb::Enable => life::enable_in(tx, scope, id),
        Verb::Deprovision => life::deprovision_in(tx, scope, customer, "customer.deprovisioned"),
        Verb::Reprovision => life::reprovision_in(tx, scope, id),
        Verb::Delete => life::delete_in(tx, scope, customer),
        Verb::Restore => life::restore_in(tx, scope, id),
        Verb::Purge => life::purge_in(tx, customer),
    };
    rehearsal::of(cx.db, &cx.actor, id, act).map(Some)
}

fn question<P: Permission>(
    cx: &Cx,
    scope: &Scope<P>,
    verb: Verb,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    let (customer, place, counts) = cx.db.read(|db| {
        let customer = life::mortal(db, scope, id)?;
        Ok((customer, places::customer(db, scope, id)?, store::counts(db, scope, id)?))
    })?;
    let name = &customer.details.name;
    let back = format!("/customers/{id}");
    if !verb.fits(customer.state) {
        let body = html! {
            (complaints_flash(complaints, LABELS))
            @if complaints.is_empty() { p { (name) " is " (customer.state.word()) "." } }
            (link("Back", &back))
        };
        return Ok(places::customer_page(cx, &place, Tab::Overview, 422, html! {}, body));
    }
    let preview = match complaints.is_empty() {
        true => rehearsed(cx, scope, verb, &customer, input)?,
        false => None,
    };
    let against = preview.as_ref().map_or(&[][..], |preview| &preview.refusals);
    let form = html! {
        p { (verb.about(counts.users)) }
        @if let Some(preview) = &preview { (what_happens(preview)) }
        @if against.is_empty() {
            (post_form(&cx.csrf, &format!("{back}/{}", verb.word()), html! {
                div.fields {
                    @if verb == Verb::Disable { (of_disabling(input, complaints, counts.below)) }
                    @if verb.is_typed() { (typed_field(complaints, &customer.code)) }
                }
                (form_foot(html! { (verb.button()) (cancel(&back)) }))
            }))
        } @else {
            (link("Back", &back))
        }
    };
    let body = html! {
        (complaints_flash(complaints, LABELS))
        (complaints_flash(against, LABELS))
        (card(&verb.question(name), None, form))
    };
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(places::customer_page(cx, &place, Tab::Overview, status, html! {}, body))
}

const LABELS: &[(&str, &str)] = &[("reason", "Reason"), ("confirm", "Confirmation")];

fn of_disabling(input: &Input, complaints: &[Complaint], below: i64) -> Markup {
    let reason = Opts { optional: true, most: Some(200), ..Opts::default() };
    let label =
        format!("Also disable everything below: {}", text::count(below, "customer", "customers"));
    html! {
        (text_field(input, complaints, "reason", "Reason", reason))
        @if below > 0 {
            (check(input, complaints, "everything_below", &label, "Otherwise its customers go on as they are."))
        }
    }
}
