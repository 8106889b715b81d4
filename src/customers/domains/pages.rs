use super::verify::{place as record_place, record};
use super::{Domain, MailMode, readable};
use crate::auth::Scope;
use crate::auth::permissions::{CustomersDomains, CustomersRead, UsersRename};
use crate::customers::pages::actions;
use crate::customers::{self, is_above};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{Item, button, cancel, menu, primary};
use crate::html::field::{Opts, check, choice_field, text_field};
use crate::html::form::{complaints_flash, form_foot, post_form};
use crate::html::parts::{Tone, card, card_flush, facts, flash, pill, tag};
use crate::html::table::{acts, column, table};
use crate::html::text;
use crate::ids::{CustomerId, DomainId};
use crate::input::Input;
use crate::places::{self, Tab};
use crate::web::{Cx, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] = &[
    ("name", "Domain name"),
    ("mail_mode", "Mail is kept"),
    ("receives_mail", "Receives mail"),
    ("reason", "Reason"),
    ("customer_id", "Customer"),
];

const MODES: &[(&str, &str)] = &[("local", "Here"), ("relay", "Elsewhere, and passed on")];

pub fn index(cx: &Cx, scope: &Scope<CustomersRead>) -> Result<Response> {
    page(cx, scope, cx.param("id")?, &Input::default(), &[])
}

pub fn create(cx: &Cx, scope: &Scope<CustomersDomains>) -> Result<Response> {
    let (id, input): (CustomerId, Input) = (cx.param("id")?, cx.input()?);
    match super::create(cx.db, scope, id, &input) {
        Ok(_) => Ok(cx.done(at(id), "The domain was added.")),
        Err(Error::Invalid(all)) => page(cx, &cx.actor.scope()?, id, &input, &all),
        Err(err) => Err(err),
    }
}

pub fn show(cx: &Cx, scope: &Scope<CustomersDomains>) -> Result<Response> {
    one(cx, scope, cx.param("id")?, cx.param("domain")?, None, &[])
}

pub fn update(cx: &Cx, scope: &Scope<CustomersDomains>) -> Result<Response> {
    let (customer, id, input) = (cx.param("id")?, cx.param("domain")?, cx.input()?);
    match super::update(cx.db, scope, customer, id, &input) {
        Ok(()) => Ok(cx.done(format!("{}/{id}", at(customer)), "Saved.")),
        Err(Error::Invalid(all)) => one(cx, scope, customer, id, Some(&input), &all),
        Err(err) => Err(err),
    }
}

pub fn make_main(cx: &Cx, scope: &Scope<CustomersDomains>) -> Result<Response> {
    let (customer, id) = (cx.param("id")?, cx.param("domain")?);
    let mut input = Input::default();
    input.set("main", "true");
    match super::update(cx.db, scope, customer, id, &input) {
        Ok(()) => {
            Ok(cx.done(at(customer), "It is the domain of new users now. Nobody was renamed."))
        }
        Err(Error::Invalid(all)) => page(cx, &cx.actor.scope()?, customer, &Input::default(), &all),
        Err(err) => Err(err),
    }
}

/// Looks at the DNS, or confirms by hand.
pub fn verify(cx: &Cx, scope: &Scope<CustomersDomains>) -> Result<Response> {
    let (customer, id, input) = (cx.param("id")?, cx.param("domain")?, cx.input()?);
    match super::verify::verify(cx.app, scope, customer, id, &input) {
        Ok(()) => Ok(cx.done(at(customer), "The domain is confirmed and can be used.")),
        Err(Error::Invalid(all)) => one(cx, scope, customer, id, Some(&input), &all),
        Err(err) => Err(err),
    }
}

pub fn share(cx: &Cx, scope: &Scope<CustomersDomains>) -> Result<Response> {
    let (customer, id, input) = (cx.param("id")?, cx.param("domain")?, cx.input()?);
    match super::share(cx.db, scope, customer, id, &input) {
        Ok(()) => Ok(cx.done(format!("{}/{id}", at(customer)), "They can use it now.")),
        Err(Error::Invalid(all)) => one(cx, scope, customer, id, Some(&input), &all),
        Err(err) => Err(err),
    }
}

pub fn ask_remove(cx: &Cx, scope: &Scope<CustomersDomains>) -> Result<Response> {
    let (customer, id): (CustomerId, DomainId) = (cx.param("id")?, cx.param("domain")?);
    let (place, domain) = cx.db.read(|db| {
        Ok((places::customer(db, scope, customer)?, super::one(db, scope, customer, id)?))
    })?;
    let back = at(customer);
    let shown = readable(&domain.name);
    let body = card(
        &format!("Remove {shown}?"),
        None,
        html! {
            p { "Nobody of " (place.name) " can have names on it afterwards." }
            (post_form(&cx.csrf, &format!("{back}/{id}/remove"), html! {
                (form_foot(html! { (button("Remove").danger()) (cancel(&back)) }))
            }))
        },
    );
    Ok(places::customer_page(cx, &place, Tab::Domains, 200, html! {}, body))
}

pub fn remove(cx: &Cx, scope: &Scope<CustomersDomains>) -> Result<Response> {
    let (customer, id): (CustomerId, DomainId) = (cx.param("id")?, cx.param("domain")?);
    match super::remove(cx.db, scope, customer, id) {
        Ok(()) => Ok(cx.done(at(customer), "The domain was removed.")),
        Err(Error::Invalid(all)) => page(cx, &cx.actor.scope()?, customer, &Input::default(), &all),
        Err(err) => Err(err),
    }
}

fn at(customer: CustomerId) -> String {
    format!("/customers/{customer}/domains")
}

fn page(
    cx: &Cx,
    scope: &Scope<CustomersRead>,
    id: CustomerId,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let may = cx.actor.scope::<CustomersDomains>().ok();
    let (customer, place, all, may_change, above) = cx.db.read(|db| {
        let may_change = may.as_ref().is_some_and(|scope| scope.reaches(db, id).is_ok());
        let above = match &may {
            Some(scope) => is_above(db, scope, id)?,
            None => false,
        };
        let all = super::list(db, scope, id)?;
        let customer = customers::one(db, scope, id)?;
        Ok((customer, places::customer(db, scope, id)?, all, may_change, above))
    })?;
    let columns = [column("Domain"), column("Used by").class("num p2"), column("State"), acts()];
    let rows = html! {
        @for domain in &all {
            tr {
                th scope="row" {
                    @if may_change { a href={ (at(id)) "/" (domain.id) } { (readable(&domain.name)) } }
                    @else { (readable(&domain.name)) }
                    @if domain.owner != id { small { "shared by " (domain.owner_name) } }
                    @else if !domain.shared_with.is_empty() {
                        small { "shared with " (text::count(i64::try_from(domain.shared_with.len()).unwrap_or(0), "customer", "customers")) }
                    }
                }
                td.num.p2 { (used(domain)) }
                td { (state(domain)) @if !domain.receives_mail { " " (tag("no mail")) } }
                td.acts { @if may_change { (acts_on(id, domain)) } }
            }
        }
    };
    let body = html! {
        (complaints_flash(complaints, LABELS))
        @if may_change { (others_sign_in(cx, &all)) }
        div.stack {
            (card_flush("Domains", None, table(&format!("Domains of {}", place.name), &columns, rows)))
            @if may_change {
                (card("Add a domain", None, post_form(&cx.csrf, &at(id), add(input, complaints, above))))
            }
        }
    };
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(places::customer_page(cx, &place, Tab::Domains, status, actions(cx, &customer), body))
}

/// Says so where people still sign in on another domain than new users do.
fn others_sign_in(cx: &Cx, all: &[Domain]) -> Markup {
    let main = all.iter().find(|domain| domain.main);
    let others: i64 = all.iter().filter(|domain| !domain.main).map(|d| d.sign_in_names).sum();
    html! {
        @if let Some(main) = main.filter(|_| others > 0 && cx.actor.may::<UsersRename>()) {
            (flash(Tone::Off, html! {
                (text::count(others, "user signs in", "users sign in")) " on another domain than "
                (readable(&main.name)) ". Rename them on their own pages, or by a file with a new sign-in name."
            }, None))
        }
    }
}

fn add(input: &Input, complaints: &[Complaint], above: bool) -> Markup {
    let hint = if above {
        "It can be used at once."
    } else {
        "It can be used once its DNS says that it is yours."
    };
    let name =
        Opts { width: 4, ltr: true, placeholder: "company.example", hint, ..Opts::default() };
    let mut shown = input.clone();
    if !shown.has("receives_mail") {
        shown.set("receives_mail", "1");
    }
    html! {
        div.fields {
            (text_field(input, complaints, "name", "Domain name", name))
            (choice_field(input, complaints, "mail_mode", "Mail is kept", MODES, Opts { width: 2, ..Opts::default() }))
            (check(&shown, complaints, "receives_mail", "Receives mail",
                "Without, it is for signing in only: its users need an address elsewhere."))
        }
        p {} (primary("Add domain"))
    }
}

/// A domain alone: its proof, its mail, who uses it.
fn one(
    cx: &Cx,
    scope: &Scope<CustomersDomains>,
    customer: CustomerId,
    id: DomainId,
    said: Option<&Input>,
    complaints: &[Complaint],
) -> Result<Response> {
    let (place, domain, above, could) = cx.db.read(|db| {
        let domain = super::one(db, scope, customer, id)?;
        let could = match domain.owner == customer && domain.verified_at.is_some() {
            true => super::could_use(db, scope, customer, id)?,
            false => Vec::new(),
        };
        Ok((places::customer(db, scope, customer)?, domain, is_above(db, scope, customer)?, could))
    })?;
    let here = format!("{}/{id}", at(customer));
    let mut input = Input::default();
    input.set("receives_mail", if domain.receives_mail { "1" } else { "0" });
    input.set("mail_mode", domain.mail_mode.word());
    let input = said.map_or(input.clone(), |said| said.over(input));
    let body = html! {
        (complaints_flash(complaints, LABELS))
        div.cols {
            div.stack {
                @if domain.verified_at.is_none() { (proof(cx, &domain, &here, above, &input, complaints)) }
                @if domain.owner == customer { (mail(cx, &here, &input, complaints)) }
                @if domain.owner == customer && domain.verified_at.is_some() {
                    (shares(cx, &domain, &here, &could, &input, complaints))
                }
            }
            div.stack { (card(&readable(&domain.name), None, about(cx, &domain, customer))) }
        }
    };
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(places::customer_page(cx, &place, Tab::Domains, status, html! {}, body))
}

fn proof(
    cx: &Cx,
    domain: &Domain,
    here: &str,
    above: bool,
    input: &Input,
    complaints: &[Complaint],
) -> Markup {
    let reason = Opts { width: 4, most: Some(200), ..Opts::default() };
    let body = html! {
        p { "Put this text record into the DNS of " (readable(&domain.name)) ". Portico looks every hour." }
        (facts(&[
            ("Name", html! { span.mono { (record_place(&domain.name)) } }),
            ("Type", html! { "TXT" }),
            ("Text", html! { span.mono { (record(&domain.proof)) } }),
        ]))
        @if let Some(at) = domain.looked_at.filter(|_| !domain.seen.is_empty()) {
            p.muted { (text::when(at, &cx.actor.zone, cx.db.now())) ": " (domain.seen) }
        }
        (post_form(&cx.csrf, &format!("{here}/verify"), html! { (primary("Look now")) }))
        @if above {
            p {}
            (post_form(&cx.csrf, &format!("{here}/verify"), html! {
                div.fields { (text_field(input, complaints, "reason", "Reason", reason)) }
                (button("Confirm by hand"))
            }))
        }
    };
    card("Whose it is", None, body)
}

fn mail(cx: &Cx, here: &str, input: &Input, complaints: &[Complaint]) -> Markup {
    let body = html! {
        div.fields {
            (choice_field(input, complaints, "mail_mode", "Mail is kept", MODES, Opts { width: 3, ..Opts::default() }))
            (check(input, complaints, "receives_mail", "Receives mail",
                "Without, it is for signing in only: its users need an address elsewhere."))
        }
        (button("Save"))
    };
    card("Mail", None, post_form(&cx.csrf, here, body))
}

fn shares(
    cx: &Cx,
    domain: &Domain,
    here: &str,
    could: &[(CustomerId, String)],
    input: &Input,
    complaints: &[Complaint],
) -> Markup {
    let mut choices = vec![(String::new(), "Choose".to_owned())];
    choices.extend(could.iter().map(|(id, name)| (id.to_string(), name.clone())));
    let body = html! {
        @if domain.shared_with.is_empty() {
            p.muted { "No other customer uses it. Those below may be let to." }
        } @else {
            ul {
                @for (id, name) in &domain.shared_with {
                    li { a href={ "/customers/" (id) "/domains/" (domain.id) "/remove" } { "End the use by " (name) "…" } }
                }
            }
        }
        @if !could.is_empty() {
            (post_form(&cx.csrf, &format!("{here}/share"), html! {
                div.fields {
                    (choice_field(input, complaints, "customer_id", "Customer", &choices, Opts { width: 4, ..Opts::default() }))
                }
                (button("Let it use the domain"))
            }))
        }
    };
    card("Used by customers below", None, body)
}

fn about(cx: &Cx, domain: &Domain, customer: CustomerId) -> Markup {
    let mut list = vec![("State", state(domain))];
    if let Some(at) = domain.verified_at {
        list.push(("Confirmed", text::when(at, &cx.actor.zone, cx.db.now())));
    }
    if domain.owner != customer {
        list.push(("Owner", html! { (domain.owner_name) }));
    }
    list.push(("Used by", html! { (domain.uses().unwrap_or_else(|| "Nobody".to_owned())) }));
    let mode = if domain.mail_mode == MailMode::Local { "Kept here" } else { "Passed on" };
    list.push(("Mail", html! { (if domain.receives_mail { mode } else { "None" }) }));
    facts(&list)
}

fn used(domain: &Domain) -> String {
    match (domain.sign_in_names, domain.addresses) {
        (0, 0) => "–".to_owned(),
        (names, addresses) => format!(
            "{}, {}",
            text::count(names, "user", "users"),
            text::count(addresses, "address", "addresses")
        ),
    }
}

fn state(domain: &Domain) -> Markup {
    match (domain.verified_at, domain.main) {
        (None, _) => pill(Tone::Wait, "Waits for confirmation"),
        (_, true) => pill(Tone::Ok, "Primary"),
        _ => pill(Tone::Ok, "Confirmed"),
    }
}

fn acts_on(customer: CustomerId, domain: &Domain) -> Markup {
    let here = format!("{}/{}", at(customer), domain.id);
    let mut items = Vec::new();
    if domain.verified_at.is_none() {
        items.push(Item::link("Confirm…", &here));
        items.push(Item::post("Look at the DNS now", format!("{here}/verify")));
    }
    if domain.verified_at.is_some() && !domain.main {
        items.push(Item::post("Make primary", format!("{here}/main")));
    }
    items.push(Item::link("Mail and sharing", &here));
    if !domain.main {
        items.push(Item::danger("Remove…", format!("{here}/remove")));
    }
    let label = format!("Actions for {}", readable(&domain.name));
    menu(&format!("domain-{}", domain.id), &label, &items)
}
