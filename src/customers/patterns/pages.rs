use super::{Held, NAMES};
use crate::auth::Scope;
use crate::auth::permissions::CustomersUpdate;
use crate::customers::pages::{Part, part_page};
use crate::customers::settings::who;
use crate::error::{Complaint, Error, Result};
use crate::html::button::{cancel, primary};
use crate::html::field::{Opts, text_field, textarea};
use crate::html::form::{complaints_flash, fieldset, form_foot, post_form};
use crate::html::parts::card_flush;
use crate::html::table::{column, table};
use crate::ids::CustomerId;
use crate::input::Input;
use crate::web::{Cx, Response};
use maud::{Markup, html};

const TOKENS: &str = "{first} {last} {f} {l} {first:3} {initials} {code} {customer} {title} {department} {employee_id} {n}; user name and addresses also {local}.";

pub fn index(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    page(cx, scope, cx.param("id")?, None, &[])
}

pub fn update(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let (id, input): (CustomerId, Input) = (cx.param("id")?, cx.input()?);
    match super::update(cx.db, scope, id, &input) {
        Ok(()) => {
            Ok(cx.done(format!("/customers/{id}/patterns"), "Saved. It holds for new users."))
        }
        Err(Error::Invalid(all)) => page(cx, scope, id, Some(&input), &all),
        Err(err) => Err(err),
    }
}

fn page(
    cx: &Cx,
    scope: &Scope<CustomersUpdate>,
    id: CustomerId,
    said: Option<&Input>,
    complaints: &[Complaint],
) -> Result<Response> {
    let (all, examples) = cx.db.read(|db| {
        let place = crate::customers::one(db, scope, id)?;
        Ok((super::all(db, scope, id)?, super::examples(db, &place)?))
    })?;
    let mut input = Input::default();
    for held in &all {
        input.set(held.name.field, held.now.own.as_deref().unwrap_or_default());
    }
    let input = said.map_or(input.clone(), |said| said.over(input));
    let labels: Vec<(&str, &str)> = NAMES.iter().map(|name| (name.field, name.label)).collect();
    let fields = html! {
        div.form {
            (fieldset("What names are made of", TOKENS, html! {
                @for held in &all { (field(&input, complaints, held)) }
            }))
        }
        (form_foot(html! { (primary("Save patterns")) (cancel(&format!("/customers/{id}"))) }))
    };
    let columns = [
        column("Somebody called"),
        column("Shown as"),
        column("Before the @"),
        column("User name").class("p2"),
    ];
    let rows = html! {
        @for (called, [shown, local, username]) in &examples {
            tr { th scope="row" { (called) } td { (shown) } td.mono { (local) } td.mono.p2 { (username) } }
        }
    };
    let body = html! {
        (complaints_flash(complaints, &labels))
        div.stack {
            (post_form(&cx.csrf, &format!("/customers/{id}/patterns"), fields))
            (card_flush("As it is now", None, table("Names that the patterns make", &columns, rows)))
        }
    };
    part_page(cx, scope, id, Part::Patterns, complaints.is_empty(), body)
}

fn field(input: &Input, complaints: &[Complaint], held: &Held) -> Markup {
    let above = held.now.inherited.replace('\n', " and ");
    let hint = format!("Empty: {above} ({}).", who(held.now.inherited_from.as_ref()));
    let opts =
        Opts { width: 4, hint: &hint, optional: true, ltr: true, rows: 2, ..Opts::default() };
    match held.name.field {
        "mail" => {
            let hint = format!("One a line, the first is the primary one. {hint}");
            let opts = Opts { hint: &hint, ..opts };
            textarea(input, complaints, held.name.field, held.name.label, opts)
        }
        name => text_field(input, complaints, name, held.name.label, opts),
    }
}
