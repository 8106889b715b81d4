//! New customers, the settings of one, and the questions before it is disabled or enabled.

use super::{Part, actions};
use crate::auth::Scope;
use crate::auth::permissions::{CustomersCreate, CustomersDisable, CustomersUpdate};
use crate::customers::fields::LANGUAGES;
use crate::customers::{self, Biller, Customer, CustomersBiller, May, Type, store};
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{button, cancel, link, primary};
use crate::html::field::{Opts, check, choice_field, text_field, textarea};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::parts::{Head, card, page_head};
use crate::html::text;
use crate::ids::CustomerId;
use crate::input::Input;
use crate::places::{self, Tab, capital};
use crate::sheet::countries;
use crate::web::{Cx, Response, response};
use maud::{Markup, html};

pub fn new(cx: &Cx, scope: &Scope<CustomersCreate>) -> Result<Response> {
    let mut input = Input::default();
    let parent = cx.request.query.get("parent").parse().unwrap_or(cx.actor.home);
    input.set("parent_id", parent);
    Ok(cx.page(Nav::Customers, "New customer", &trail(), new_form(cx, scope, &input, &[])?))
}

pub fn create(cx: &Cx, scope: &Scope<CustomersCreate>) -> Result<Response> {
    let input = cx.input()?;
    match customers::create(cx.db, scope, &May::of(&cx.actor), &input) {
        Ok(id) => {
            let name = input.get("name");
            let text = format!("{name} was added. Add the first user, or import them.");
            Ok(cx.done(format!("/customers/{id}"), &text))
        }
        Err(Error::Invalid(all)) => {
            let body = new_form(cx, scope, &input, &all)?;
            Ok(cx.refused(Nav::Customers, "New customer", &trail(), body))
        }
        Err(err) => Err(err),
    }
}

/// The code that a name would get, shown while it is typed.
pub fn code(cx: &Cx, _: &Scope<CustomersCreate>) -> Result<Response> {
    let query = &cx.request.query;
    let typed = query.get("code");
    let code = match (typed, query.get("name")) {
        ("", "") => String::new(),
        ("", name) => cx
            .db
            .read(|db| customers::code::generate(name, |code| store::code_is_used(db, code)))?,
        (typed, _) => typed.to_ascii_uppercase(),
    };
    Ok(response::html(200, code_preview(&code)))
}

fn code_preview(code: &str) -> Markup {
    html! {
        @if !code.is_empty() { dl { dt { "Code" } dd.mono { (code) } } }
    }
}

pub fn edit(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let customer = cx.db.read(|db| customers::one(db, scope, cx.param("id")?))?;
    settings(cx, scope, &customer, &customer.details.input(), &[])
}

pub fn update(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let (id, mut input) = (cx.param("id")?, cx.input()?);
    let version = cx.expected_version(&mut input);
    match customers::update(cx.db, scope, &May::of(&cx.actor), id, &input, version) {
        Ok(()) => Ok(cx.done(format!("/customers/{id}/edit"), "Saved.")),
        Err(Error::Invalid(all)) => {
            let customer = cx.db.read(|db| customers::one(db, scope, id))?;
            settings(cx, scope, &customer, &input.over(customer.details.input()), &all)
        }
        Err(Error::Stale(who)) => {
            let customer = cx.db.read(|db| customers::one(db, scope, id))?;
            let all = [Complaint::new("", format!("{who} What they saved is shown below."))];
            settings(cx, scope, &customer, &customer.details.input(), &all)
        }
        Err(err) => Err(err),
    }
}

fn trail() -> [(&'static str, String); 1] {
    [("Customers", "/customers".to_owned())]
}

fn settings(
    cx: &Cx,
    scope: &Scope<CustomersUpdate>,
    customer: &Customer,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let id = customer.id;
    let may = May::of(&cx.actor);
    let (place, above, billing, limits) = cx.db.read(|db| {
        let above = customers::is_above(db, scope, id)?;
        Ok((places::customer(db, scope, id)?, above, may.billing(db, id), may.limits(db, id)))
    })?;
    let form = Form { input, complaints };
    let fields = html! {
        (hidden("version", customer.version))
        div.form {
            (form.name(html! {
                (form.text("external_id", "Id elsewhere", Opts { width: 2, optional: true, ..Opts::default() }))
            }))
            (form.address())
            @if limits { (form.limits()) }
            @if billing { (form.billing()) }
            @if above { (form.notes()) }
        }
        (form_foot(html! {
            (primary("Save settings")) (cancel(&format!("/customers/{id}")))
        }))
    };
    let body = html! {
        (Part::Details.links(id))
        (complaints_flash(complaints, LABELS))
        (post_form(&cx.csrf, &format!("/customers/{id}/edit"), fields))
    };
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(places::customer_page(cx, &place, Tab::Settings, status, actions(cx, customer), body))
}

fn new_form(
    cx: &Cx,
    scope: &Scope<CustomersCreate>,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Markup> {
    let may = May::of(&cx.actor);
    let (parents, billing, limits) = cx.db.read(|db| {
        let parents = store::resellers(db, scope)?;
        let parent = input.get("parent_id").parse().unwrap_or(cx.actor.home);
        let (billing, limits) = may.below(db, parent)?;
        Ok((parents, billing, limits))
    })?;
    let parents: Vec<(String, String)> =
        parents.into_iter().map(|(id, name)| (id.to_string(), name)).collect();
    let form = Form { input, complaints };
    let half = Opts { width: 3, ..Opts::default() };
    let code = Opts {
        width: 2,
        optional: true,
        ltr: true,
        most: Some(20),
        hint: "Fixed once saved. Empty: made from the name.",
        ..half
    };
    let fields = html! {
        div.form {
            (fieldset("Place", "Where the customer stands, and who bills it.", html! {
                (choice_field(input, complaints, "parent_id", "Below", &parents, Opts { width: 4, ..half }))
            }))
            (form.name(html! {
                (form.text("code", "Code", code))
                div.field { output.preview id="code-preview" for="name code" {} }
                (form.text("domain", "Domain", Opts {
                    width: 4,
                    ltr: true,
                    placeholder: "company.example",
                    hint: "New users sign in with names on it.",
                    ..half
                }))
            }))
            (form.address())
            @if limits { (form.limits()) }
            @if billing { (form.billing()) }
        }
        (form_foot(html! { (primary("Add customer")) (cancel("/customers")) }))
    };
    Ok(html! {
        (page_head("New customer", Head::default()))
        (complaints_flash(complaints, LABELS))
        (post_form(&cx.csrf, "/customers", fields))
    })
}

struct Form<'a> {
    input: &'a Input,
    complaints: &'a [Complaint],
}

const LABELS: &[(&str, &str)] = &[
    ("name", "Name"),
    ("code", "Code"),
    ("parent_id", "Below"),
    ("domain", "Domain"),
    ("contact_name", "Contact"),
    ("contact_email", "Contact email"),
    ("phone", "Phone"),
    ("website", "Website"),
    ("street", "Street"),
    ("city", "City"),
    ("region", "State or province"),
    ("postcode", "Postcode"),
    ("country", "Country"),
    ("language", "Language"),
    ("time_zone", "Time zone"),
    ("external_id", "Id elsewhere"),
    ("type", "Type"),
    ("starts_on", "Starts on"),
    ("expires_on", "Ends on"),
    ("user_limit", "Most users allowed"),
    ("currency", "Currency"),
    ("billing_id", "Billing id"),
    ("tax_id", "Tax id"),
    ("tax_rate", "Tax rate"),
    ("registration_no", "Registration number"),
    ("invoice_email", "Invoices go to"),
    ("invoice_address", "Invoice address"),
    ("po_reference", "Order reference"),
    ("payment_days", "Days to pay"),
    ("billed_by", "Billed by"),
    ("customers_billed_by", "Its customers are billed by"),
    ("billing_from", "Billing begins on"),
    ("notes", "Notes"),
];

impl Form<'_> {
    fn text(&self, name: &str, label: &str, opts: Opts) -> Markup {
        text_field(self.input, self.complaints, name, label, opts)
    }

    fn choice<V: AsRef<str>, T: AsRef<str>>(
        &self,
        name: &str,
        label: &str,
        choices: &[(V, T)],
        width: u8,
    ) -> Markup {
        let opts = Opts { width, ..Opts::default() };
        choice_field(self.input, self.complaints, name, label, choices, opts)
    }

    fn name(&self, more: Markup) -> Markup {
        let half = Opts { width: 3, ..Opts::default() };
        let name = Opts {
            width: 4,
            most: Some(100),
            preview: (!self.input.has("external_id"))
                .then_some(("/customers/new/code", "code-preview")),
            ..half
        };
        let email = Opts { kind: "email", ..half };
        fieldset(
            "Name and contact",
            "",
            html! {
                (self.text("name", "Name", name))
                (more)
                (self.text("contact_name", "Contact", half))
                (self.text("contact_email", "Contact email", email))
                (self.text("phone", "Phone", Opts { optional: true, kind: "tel", ..half }))
                (self.text("website", "Website", Opts { optional: true, kind: "url", ..half }))
            },
        )
    }

    fn address(&self) -> Markup {
        let third = Opts { width: 2, optional: true, ..Opts::default() };
        let mut all = vec![("", "As the one above")];
        if self.input.has("external_id") {
            all = vec![("", "None")];
        }
        all.extend(countries::all());
        let zone =
            Opts { width: 3, hint: "Like Europe/Amsterdam.", ltr: true, optional: true, ..third };
        fieldset(
            "Address and language",
            "",
            html! {
                (textarea(self.input, self.complaints, "street", "Street",
                    Opts { rows: 2, optional: true, ..Opts::default() }))
                (self.text("postcode", "Postcode", third))
                (self.text("city", "City", third))
                (self.text("region", "State or province", third))
                (self.choice("country", "Country", &all, 3))
                (self.text("time_zone", "Time zone", zone))
                (self.choice("language", "Language", LANGUAGES, 3))
            },
        )
    }

    fn limits(&self) -> Markup {
        let third = Opts { width: 2, optional: true, ..Opts::default() };
        let kinds: Vec<(&str, String)> =
            Type::ALL.iter().map(|kind| (kind.word(), capital(kind.word()))).collect();
        let date = Opts { kind: "date", ..third };
        let limit = Opts { width: 3, kind: "number", unit: "users", ..third };
        fieldset(
            "Type and limits",
            "Test and demo customers are not billed.",
            html! {
                (self.choice("type", "Type", &kinds, 2))
                (self.text("starts_on", "Starts on", date))
                (self.text("expires_on", "Ends on", date))
                (self.text("user_limit", "Most users allowed", limit))
            },
        )
    }

    fn billing(&self) -> Markup {
        let third = Opts { width: 2, optional: true, ..Opts::default() };
        let half = Opts { width: 3, ..third };
        let by = |words: &[&'static str]| -> Vec<(&'static str, String)> {
            let text = |word: &str| match word {
                "inherit" => "As the reseller decides".to_owned(),
                "reseller" => "Their reseller".to_owned(),
                other => format!("The {other}"),
            };
            words.iter().map(|word| (*word, text(word))).collect()
        };
        let billers: Vec<_> = Biller::ALL.iter().map(|each| each.word()).collect();
        let theirs: Vec<_> = CustomersBiller::ALL.iter().map(|each| each.word()).collect();
        let email = Opts { kind: "email", hint: "Empty: the contact.", ..half };
        fieldset(
            "Billing",
            "What the bill needs.",
            html! {
                (self.text("currency", "Currency", Opts { ltr: true, hint: "Like EUR.", ..third }))
                (self.text("tax_rate", "Tax rate", Opts { unit: "%", hint: "Empty: the issuer's.", ..third }))
                (self.text("payment_days", "Days to pay", Opts { kind: "number", unit: "days", ..third }))
                (self.text("billing_id", "Billing id", third))
                (self.text("tax_id", "Tax id", third))
                (self.text("registration_no", "Registration number", third))
                (self.text("invoice_email", "Invoices go to", email))
                (self.text("po_reference", "Order reference", half))
                (textarea(self.input, self.complaints, "invoice_address", "Invoice address",
                    Opts { rows: 3, optional: true, hint: "Empty: the address above.", ..Opts::default() }))
                (self.choice("billed_by", "Billed by", &by(&billers), 3))
                (self.choice("customers_billed_by", "Its customers are billed by", &by(&theirs), 3))
                (self.text("billing_from", "Billing begins on", Opts { kind: "date", ..half }))
            },
        )
    }

    fn notes(&self) -> Markup {
        let opts = Opts { rows: 5, optional: true, ..Opts::default() };
        fieldset(
            "Notes",
            "The customer's own people do not see them.",
            html! {
                (textarea(self.input, self.complaints, "notes", "Notes", opts))
            },
        )
    }
}

pub fn ask_disable(cx: &Cx, scope: &Scope<CustomersDisable>) -> Result<Response> {
    question(cx, scope, cx.param("id")?, &Input::default(), &[])
}

pub fn disable(cx: &Cx, scope: &Scope<CustomersDisable>) -> Result<Response> {
    let (id, input) = (cx.param("id")?, cx.input()?);
    match customers::disable(cx.db, scope, id, &input) {
        Ok(()) => {
            Ok(cx.done(format!("/customers/{id}"), "Disabled. Nobody of it can sign in now."))
        }
        Err(Error::Invalid(all)) => question(cx, scope, id, &input, &all),
        Err(err) => Err(err),
    }
}

pub fn ask_enable(cx: &Cx, scope: &Scope<CustomersDisable>) -> Result<Response> {
    question(cx, scope, cx.param("id")?, &Input::default(), &[])
}

pub fn enable(cx: &Cx, scope: &Scope<CustomersDisable>) -> Result<Response> {
    let id = cx.param("id")?;
    match customers::enable(cx.db, scope, id) {
        Ok(()) => Ok(cx.done(format!("/customers/{id}"), "Enabled. Everybody is as before.")),
        Err(Error::Invalid(all)) => question(cx, scope, id, &Input::default(), &all),
        Err(err) => Err(err),
    }
}

/// The question before either, whichever the customer's state allows.
fn question(
    cx: &Cx,
    scope: &Scope<CustomersDisable>,
    id: CustomerId,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let (customer, place, users, below) = cx.db.read(|db| {
        let customer = customers::one(db, scope, id)?;
        let counts = store::counts(db, scope, id)?;
        Ok((customer, places::customer(db, scope, id)?, counts.users, counts.below))
    })?;
    let name = &customer.details.name;
    let back = format!("/customers/{id}");
    let form = match customer.state {
        places::State::Disabled => card(
            &format!("Enable {name}?"),
            None,
            html! {
                p { "Everybody who was active before can sign in again, and their services run." }
                (post_form(&cx.csrf, &format!("{back}/enable"), html! {
                    (form_foot(html! { (primary("Enable")) (cancel(&back)) }))
                }))
            },
        ),
        places::State::Active => card(
            &format!("Disable {name}?"),
            None,
            html! {
                p {
                    "Its " (text::count(users, "user", "users"))
                    " cannot sign in any more. Nothing is deleted, and billing goes on. Enabling brings everything back."
                }
                (post_form(&cx.csrf, &format!("{back}/disable"), html! {
                    div.fields {
                        (text_field(input, complaints, "reason", "Reason",
                            Opts { optional: true, most: Some(200), ..Opts::default() }))
                        @if below > 0 {
                            (check(input, complaints, "everything_below",
                                &format!("Also disable everything below: {}", text::count(below, "customer", "customers")),
                                "Otherwise its customers go on as they are."))
                        }
                    }
                    (form_foot(html! { (button("Disable").danger()) (cancel(&back)) }))
                }))
            },
        ),
        state => html! {
            p { (name) " is " (state.word()) "." }
            (link("Back", &back))
        },
    };
    let body = html! { (complaints_flash(complaints, &[("reason", "Reason")])) (form) };
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(places::customer_page(cx, &place, Tab::Overview, status, html! {}, body))
}
