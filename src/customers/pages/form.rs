//! New customers, and the settings of one.

use super::{Part, actions};
use crate::auth::permissions::{CustomersCreate, CustomersUpdate};
use crate::auth::{Permission, Scope};
use crate::customers::fields::LANGUAGES;
use crate::customers::properties::form::{labels, own_parts, with_labels};
use crate::customers::properties::{Holder, Standing, open_to, values};
use crate::customers::{self, Biller, Customer, CustomersBiller, May, Type, store};
use crate::db::Read;
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{cancel, primary};
use crate::html::field::{Opts, check, choice_field, text_field, textarea};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::parts::{Head, page_head};
use crate::ids::CustomerId;
use crate::input::Input;
use crate::places::{self, Tab, capital};
use crate::settings;
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
            let odd = warnings(cx, scope, id)?;
            let text = format!("{name} was added. Add the first user, or import them.{odd}");
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
    let (customer, input) = cx.db.read(|db| as_it_is(db, scope, cx.param("id")?))?;
    settings(cx, scope, &customer, &input, &[])
}

pub fn update(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let (id, mut input) = (cx.param("id")?, cx.input()?);
    let version = cx.expected_version(&mut input);
    match customers::update(cx.db, scope, &May::of(&cx.actor), id, &input, version) {
        Ok(()) => {
            let text = format!("Saved.{}", warnings(cx, scope, id)?);
            Ok(cx.done(format!("/customers/{id}/edit"), &text))
        }
        Err(Error::Invalid(all)) => {
            let (customer, was) = cx.db.read(|db| as_it_is(db, scope, id))?;
            settings(cx, scope, &customer, &input.over(was), &all)
        }
        Err(Error::Stale(who)) => {
            let (customer, was) = cx.db.read(|db| as_it_is(db, scope, id))?;
            let all = [Complaint::new("", format!("{who} What they saved is shown below."))];
            settings(cx, scope, &customer, &was, &all)
        }
        Err(err) => Err(err),
    }
}

/// The customer, and what its form begins with.
fn as_it_is(
    db: &Read,
    scope: &Scope<CustomersUpdate>,
    id: CustomerId,
) -> Result<(Customer, Input)> {
    let customer = customers::one(db, scope, id)?;
    let mut input = customer.details.input();
    let kept = values::of(db, standing(db, scope, id)?, &Holder::customer(id))?;
    values::fill(&kept, &mut input);
    Ok((customer, input))
}

fn standing(db: &Read, scope: &Scope<CustomersUpdate>, id: CustomerId) -> Result<Standing> {
    let above = customers::is_above(db, scope, id)?;
    Ok(if above { Standing::Above } else { Standing::Administrator })
}

/// What looks wrong and was taken all the same, for the end of a flash.
fn warnings<P: Permission>(cx: &Cx, scope: &Scope<P>, id: CustomerId) -> Result<String> {
    cx.db.read(|db| match customers::one(db, scope, id) {
        Ok(customer) => {
            let above = customers::is_above(db, scope, id)?;
            let all = customers::warnings(db, &customer, above)?;
            Ok(all.iter().map(|text| format!(" {text}")).collect())
        }
        Err(_) => Ok(String::new()),
    })
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
    let (place, above, billing, limits, ranks, properties) = cx.db.read(|db| {
        let properties = open_to(db, standing(db, scope, id)?, &Holder::customer(id))?;
        let above = customers::is_above(db, scope, id)?;
        let (billing, limits) = (may.billing(db, id), may.limits(db, id));
        let place = places::customer(db, scope, id)?;
        Ok((place, above, billing, limits, settings::ranks(db)?, properties))
    })?;
    let form = Form { known: true, input, complaints };
    let fields = html! {
        (hidden("version", customer.version))
        div.form {
            (form.name(form.id_elsewhere()))
            (form.address())
            (own_parts(&properties, input, complaints))
            @if limits { (form.limits()) }
            @if billing { (form.billing()) }
            @if above { (form.for_us(&ranks)) }
        }
        (form_foot(html! {
            (primary("Save settings")) (cancel(&format!("/customers/{id}")))
        }))
    };
    let labels = labels(&properties);
    let body = html! {
        (Part::Details.links(cx, id))
        (complaints_flash(complaints, &with_labels(LABELS, &labels)))
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
    let (parents, billing, limits, ranks, properties) = cx.db.read(|db| {
        let parents = store::resellers(db, scope)?;
        let parent = input.get("parent_id").parse().unwrap_or(cx.actor.home);
        // What holds differs from place to place: this is as below the one that is chosen.
        let properties = match scope.reaches(db, parent) {
            Ok(()) => open_to(db, Standing::Above, &Holder::new_customer(parent))?,
            Err(_) => Vec::new(),
        };
        let (billing, limits) = may.below(db, parent)?;
        Ok((parents, billing, limits, settings::ranks(db)?, properties))
    })?;
    let parents: Vec<(String, String)> =
        parents.into_iter().map(|(id, name)| (id.to_string(), name)).collect();
    let form = Form { known: false, input, complaints };
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
                (form.id_elsewhere())
            }))
            (form.told())
            (form.address())
            (own_parts(&properties, input, complaints))
            @if limits { (form.limits()) }
            @if billing { (form.billing()) }
            (form.for_us(&ranks))
        }
        (form_foot(html! { (primary("Add customer")) (cancel("/customers")) }))
    };
    let labels = labels(&properties);
    Ok(html! {
        (page_head("New customer", Head::default()))
        (complaints_flash(complaints, &with_labels(LABELS, &labels)))
        (post_form(&cx.csrf, "/customers", fields))
    })
}

struct Form<'a> {
    /// Of a customer that there is.
    known: bool,
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
    ("fax", "Fax"),
    ("website", "Website"),
    ("coordinates", "Coordinates"),
    ("links", "Links"),
    ("rank", "Rank"),
    ("tags", "Tags"),
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

    fn id_elsewhere(&self) -> Markup {
        self.text(
            "external_id",
            "Id elsewhere",
            Opts { width: 2, optional: true, ..Opts::default() },
        )
    }

    fn name(&self, more: Markup) -> Markup {
        let half = Opts { width: 3, ..Opts::default() };
        let name = Opts {
            width: 4,
            most: Some(100),
            preview: (!self.known).then_some(("/customers/new/code", "code-preview")),
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
                (self.text("fax", "Fax", Opts { optional: true, kind: "tel", ..half }))
                (self.text("website", "Website", Opts { optional: true, kind: "url", ..half }))
                (textarea(self.input, self.complaints, "links", "Links", Opts {
                    rows: 2, optional: true, hint: "A label and an address on each line.", ..Opts::default()
                }))
            },
        )
    }

    fn address(&self) -> Markup {
        let third = Opts { width: 2, optional: true, ..Opts::default() };
        let mut all = vec![("", "As the one above")];
        if self.known {
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
                (self.text("coordinates", "Coordinates", Opts { hint: "Like 52.37,4.90.", ltr: true, width: 3, ..third }))
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

    /// Whether the contact gets a mail; asked once.
    fn told(&self) -> Markup {
        let what = "Mail the contact that it was set up";
        let tick = check(self.input, self.complaints, "tell_contact", what, "");
        fieldset("Message", "", tick)
    }

    fn for_us(&self, ranks: &[String]) -> Markup {
        let opts = Opts { rows: 5, optional: true, ..Opts::default() };
        let mut all = vec![("", "None")];
        let now = self.input.get("rank");
        all.extend(ranks.iter().map(|rank| (rank.as_str(), rank.as_str())));
        if !now.is_empty() && !ranks.iter().any(|rank| rank == now) {
            all.push((now, now));
        }
        let tags = Opts { hint: "Parted by commas.", optional: true, width: 4, ..Opts::default() };
        fieldset(
            "For us",
            "The customer's own people do not see this.",
            html! {
                @if all.len() > 1 { (self.choice("rank", "Rank", &all, 2)) }
                (self.text("tags", "Tags", tags))
                (textarea(self.input, self.complaints, "notes", "Notes", opts))
            },
        )
    }
}
