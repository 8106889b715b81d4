//! The list of invoices, the sheet, the mailed link, and a seller's profile.

use super::document::{Document, Type, percent, sheet};
use super::{Filter, Invoice, State, drafts, finish, issuer, store};
use crate::auth::Scope;
use crate::auth::permissions::{
    BillingRead, BillingRules, InvoicesRead, InvoicesWrite, PricesRead,
};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{button, cancel, link, primary};
use crate::html::field::{Opts, choice_field, text_field, textarea};
use crate::html::form::{complaints_flash, fieldset, form_foot, post_form};
use crate::html::parts::{
    Head, Tone, card, card_flush, facts, flash, page_head, pill, pill_tint, tabs,
};
use crate::html::table::{column, empty, paging, table};
use crate::html::text::{date, moment, money};
use crate::html::{self, Nav};
use crate::ids::InvoiceId;
use crate::input::Input;
use crate::money::Money;
use crate::places::{self, Tab};
use crate::sheet::countries;
use crate::web::{App, Cx, Request, Response, response};
use maud::{Markup, html};

pub fn index(cx: &Cx, scope: &Scope<InvoicesRead>) -> Result<Response> {
    let mut filter = super::api::filter(&cx.request.query)?;
    let drafts = filter.state == Some(State::Draft);
    filter.state = filter.state.or(Some(State::Final));
    let part = cx.paging(super::api::FILTERS)?;
    let before = if part.is_first() { i64::MAX } else { part.id() };
    let rows = cx.db.read(|db| store::list(db, scope, &filter, before, part.fetch()))?;
    let list = part.listing(rows, |row| (String::new(), row.id.0));
    let mut all = vec![("Final", "/invoices".to_owned(), None)];
    if cx.actor.may::<InvoicesWrite>() {
        all.insert(0, ("Drafts", "/invoices?state=draft".to_owned(), None));
    }
    let body = html! {
        (page_head("Invoices", Head::default()))
        (tabs("Invoices", &all, if drafts { "Drafts" } else { "Final" }))
        @if list.items.is_empty() {
            (empty("file-invoice", "No invoices here", "Invoices are drawn up from a period that has ended.",
                Some(html! { (link("Open billing", "/billing")) })))
        } @else {
            (table_of(&list.items, false))
            (paging("", None, cx.next_href(list.next.as_ref()).as_deref()))
        }
    };
    Ok(cx.page(Nav::Invoices, "Invoices", &[], body))
}

fn table_of(list: &[Invoice], of_one: bool) -> Markup {
    let mut columns = vec![
        column("Number"),
        column("Period").class("p2"),
        column("Due").class("p2"),
        column("Total").class("num"),
        column("State"),
    ];
    if !of_one {
        columns.insert(1, column("Customer"));
    }
    let rows = html! {
        @for each in list {
            tr {
                th scope="row" {
                    a.nowrap href={ "/invoices/" (each.id) } { (each.number.as_deref().unwrap_or("Draft")) }
                }
                @if !of_one { td { (each.buyer) } }
                td.p2 { (each.period_end.month_name()) }
                td.p2 { @if let Some(day) = each.due_on { (date(day)) } @else { "–" } }
                td.num { (money(Money::new(each.gross_minor, each.currency))) }
                td { (state(each)) }
            }
        }
    };
    table("Invoices", &columns, rows)
}

fn word(invoice: &Invoice) -> (Tone, &'static str) {
    match (invoice.state, invoice.kind) {
        (State::Draft, _) if !invoice.blockers.is_empty() => (Tone::Bad, "Blocked"),
        (State::Draft, _) => (Tone::Wait, "Draft"),
        (State::Void, _) => (Tone::Off, "Void"),
        (State::Final, Type::CreditNote) => (Tone::Ok, "Credit note"),
        (State::Final, Type::Invoice) => (Tone::Ok, "Final"),
    }
}

fn state(invoice: &Invoice) -> Markup {
    let (tone, word) = word(invoice);
    pill(tone, word)
}

pub fn show(cx: &Cx, scope: &Scope<InvoicesRead>) -> Result<Response> {
    let id: InvoiceId = cx.param("id")?;
    let (invoice, document) = cx.db.read(|db| super::one(db, scope, id))?;
    page(cx, 200, &invoice, &document, &[])
}

fn page(
    cx: &Cx,
    status: u16,
    invoice: &Invoice,
    document: &Document,
    complaints: &[Complaint],
) -> Result<Response> {
    let id = invoice.id;
    let writes = match cx.actor.scope::<InvoicesWrite>() {
        Ok(scope) => cx.db.read(|db| store::sells(db, &scope, invoice.seller_id)).is_ok(),
        Err(_) => false,
    };
    let act = |verb: &str| format!("/invoices/{id}/{verb}");
    let actions = html! {
        @match invoice.state {
            State::Draft if writes => {
                (button("Discard draft").posts(&act("discard")))
                (button("Finalise").primary().posts(&act("finalise")).disabled(!invoice.blockers.is_empty()))
            },
            State::Final if writes => {
                (button("Send again").posts(&act("send")).icon("mail"))
                @if invoice.link_until.is_some_and(|until| until > cx.db.now()) {
                    (button("End the link").posts(&act("revoke-link")).ghost())
                }
                @if invoice.kind == Type::Invoice { (link("Void…", &act("void")).danger_quiet()) }
            },
            _ => {},
        }
    };
    let (tone, word) = word(invoice);
    let head =
        Head { state: Some(pill_tint(tone, word)), actions: Some(actions), ..Head::default() };
    let why = cx.actor.may::<BillingRead>().then(|| {
        let (seller, buyer) = (invoice.seller_id, invoice.buyer_id);
        format!("/billing/{}?seller_id={seller}&buyer_id={buyer}", invoice.period_end)
    });
    let body = html! {
        (page_head(&document.title(), head))
        (complaints_flash(complaints, &[]))
        @for blocker in &invoice.blockers { (flash(Tone::Bad, remedy(invoice, blocker), None)) }
        div.cols {
            (sheet(document, why.as_deref()))
            div.stack.no-print { (card("History", None, history(cx, invoice))) }
        }
    };
    let trail = [("Invoices", "/invoices".to_owned())];
    Ok(cx.page_with(status, Nav::Invoices, &document.title(), &trail, body))
}

/// What keeps a draft from becoming final, and where that is put right.
fn remedy(invoice: &Invoice, blocker: &str) -> Markup {
    let seller = format!("/customers/{}/issuer", invoice.seller_id);
    html! {
        @match blocker.split_once(": ") {
            Some(("unpriced", what)) => { p { "No price for " (what) ". " a href="/price-lists" { "Set a price" } } },
            _ if blocker == "issuer_incomplete" => {
                p { (invoice.seller) " has no complete invoice profile. " a href=(seller) { "Complete it" } }
            },
            _ if blocker == "buyer_incomplete" => {
                p {
                    (invoice.buyer) " has no complete address. "
                    a href={ "/customers/" (invoice.buyer_id) "/edit" } { "Complete it" }
                }
            },
            _ => { p { (blocker) } },
        }
    }
}

fn history(cx: &Cx, invoice: &Invoice) -> Markup {
    let zone = &cx.actor.zone;
    let at = |at: Option<crate::time::Instant>| {
        html! {
            @if let Some(at) = at { (moment(at, zone)) } @else { "–" }
        }
    };
    facts(&[
        ("Seller", html! { (invoice.seller) }),
        ("Buyer", html! { a href={ "/customers/" (invoice.buyer_id) } { (invoice.buyer) } }),
        ("Finalised", at(invoice.finalised_at)),
        ("Mailed", at(invoice.sent_at)),
        ("Link works until", at(invoice.link_until)),
    ])
}

/// The page again with what was refused, or what was done.
fn done(cx: &Cx, id: InvoiceId, result: Result<()>, text: &str) -> Result<Response> {
    match result {
        Ok(()) => Ok(cx.done(format!("/invoices/{id}"), text)),
        Err(Error::Invalid(complaints)) => {
            let scope = cx.actor.scope::<InvoicesRead>()?;
            let (invoice, document) = cx.db.read(|db| super::one(db, &scope, id))?;
            page(cx, 422, &invoice, &document, &complaints)
        }
        Err(other) => Err(other),
    }
}

pub fn finalise(cx: &Cx, scope: &Scope<InvoicesWrite>) -> Result<Response> {
    let id = cx.param("id")?;
    let result = finish::finalise(cx.db, scope, &cx.app.config.key, id).map(|_| ());
    done(cx, id, result, "Final. Its mail goes out with the next mails.")
}

pub fn send(cx: &Cx, scope: &Scope<InvoicesWrite>) -> Result<Response> {
    let id = cx.param("id")?;
    let result = finish::send(cx.db, scope, &cx.app.config.key, id);
    done(cx, id, result, "Mailed with a new link. The one before it has ended.")
}

pub fn revoke_link(cx: &Cx, scope: &Scope<InvoicesWrite>) -> Result<Response> {
    let id = cx.param("id")?;
    let result = finish::revoke(cx.db, scope, id);
    done(cx, id, result, "The link that was mailed opens nothing any more.")
}

pub fn discard(cx: &Cx, scope: &Scope<InvoicesWrite>) -> Result<Response> {
    drafts::discard(cx.db, scope, cx.param("id")?)?;
    Ok(cx.done("/invoices?state=draft", "Discarded. No number was used."))
}

pub fn ask_void(cx: &Cx, scope: &Scope<InvoicesWrite>) -> Result<Response> {
    let id: InvoiceId = cx.param("id")?;
    let (invoice, document) = cx.db.read(|db| super::one(db, scope, id))?;
    let back = format!("/invoices/{id}");
    let body = html! {
        (page_head(&format!("Void {}?", invoice.number.as_deref().unwrap_or("this draft")), Head::default()))
        p { "A credit note takes back " (money(Money::new(document.gross_minor, document.currency)))
            ". The bill follows the ledger again, and the next run draws it up under a new number." }
        (post_form(&cx.csrf, &format!("{back}/void"), form_foot(html! {
            (button("Void invoice").danger()) (cancel(&back))
        })))
    };
    let trail = [("Invoices", "/invoices".to_owned()), ("Invoice", back.clone())];
    Ok(cx.page(Nav::Invoices, "Void", &trail, body))
}

pub fn void(cx: &Cx, scope: &Scope<InvoicesWrite>) -> Result<Response> {
    let credit = finish::void(cx.db, scope, cx.param("id")?)?;
    Ok(cx.done(format!("/invoices/{credit}"), "Voided. This credit note takes it back."))
}

pub fn draw_up(cx: &Cx, scope: &Scope<InvoicesWrite>) -> Result<Response> {
    let end: String = cx.param("end")?;
    let outcome = drafts::draw_up(cx.db, scope, &end, &cx.input()?)?;
    let text = format!(
        "{} drafts made, {} drawn up anew, {} final already, {} blocked.",
        outcome.created.len(),
        outcome.rebuilt.len(),
        outcome.unchanged.len(),
        outcome.blocked.len()
    );
    let tone = if outcome.blocked.is_empty() { Tone::Ok } else { Tone::Wait };
    Ok(cx.tell(format!("/invoices?state=draft&period_end={end}"), tone, &text))
}

/// What a mailed link opens: one document, to read, without a session.
pub fn open_link(app: &App, request: &Request) -> Result<Response> {
    let token = request.path.rsplit('/').next().unwrap_or_default();
    let document = app.db.read(|db| finish::of_link(db, token))?;
    let title = document.title();
    let answer = response::html(200, html::alone(&title, true, "", sheet(&document, None)));
    Ok(answer.with("Referrer-Policy", "no-referrer").with("X-Robots-Tag", "noindex"))
}

/// A customer's tab: who bills it, and its last invoices.
pub fn customer(cx: &Cx, scope: &Scope<BillingRead>) -> Result<Response> {
    let id = cx.param("id")?;
    let reads = cx.actor.scope::<InvoicesRead>()?;
    let (place, told, invoices) = cx.db.read(|db| {
        let place = places::customer(db, scope, id)?;
        let told = crate::billing::customer_now(db, scope, &cx.actor, id)?;
        let filter = Filter { buyer: Some(id), state: Some(State::Final), ..Filter::default() };
        Ok((place, told, store::list(db, &reads, &filter, i64::MAX, 12)?))
    })?;
    let body = html! {
        (crate::billing::card::customer_card(&told))
        @if invoices.is_empty() {
            (card("Invoices", None, html! { p.muted { "No invoices yet." } }))
        } @else {
            (card_flush("Invoices", None, table_of(&invoices, true)))
        }
    };
    let actions = html! {
        @if cx.actor.may::<PricesRead>() {
            (link("Own prices", &format!("/customers/{id}/prices")))
        }
        @if place.reseller && cx.actor.may::<BillingRules>() {
            (link("Invoice profile", &format!("/customers/{id}/issuer")))
        }
    };
    Ok(places::customer_page(cx, &place, Tab::Billing, 200, actions, body))
}

pub fn edit_issuer(cx: &Cx, _: &Scope<BillingRead>) -> Result<Response> {
    let (id, scope) = (cx.param("id")?, cx.actor.scope::<BillingRules>()?);
    let now = cx.db.read(|db| issuer::one(db, &scope, id))?;
    let mut input = now.as_input();
    input.set("version", now.version);
    input.set("tax_rate", percent(now.tax_rate_bp));
    Ok(issuer_form(cx, 200, &input, &[]))
}

pub fn update_issuer(cx: &Cx, _: &Scope<BillingRead>) -> Result<Response> {
    let (mut input, scope) = (cx.input()?, cx.actor.scope::<BillingRules>()?);
    let version = cx.expected_version(&mut input);
    match issuer::update(cx.db, &scope, cx.param("id")?, &in_hundredths(&input), version) {
        Ok(()) => Ok(cx.done(cx.request.path.clone(), "Saved.")),
        Err(Error::Invalid(mut complaints)) => {
            for rate in complaints.iter_mut().filter(|each| each.field == "tax_rate_bp") {
                *rate = Complaint::new("tax_rate", "must be a percentage from 0 to 100, like 21");
            }
            input.set("version", version.unwrap_or(0));
            Ok(issuer_form(cx, 422, &input, &complaints))
        }
        Err(other) => Err(other),
    }
}

/// The page speaks of percent, everything else of hundredths of one.
fn in_hundredths(input: &Input) -> Input {
    let mut input = input.clone();
    if input.has("tax_rate") {
        let text = input.get("tax_rate").trim().to_owned();
        match crate::money::scaled(&text, 2) {
            Some(hundredths) => input.set("tax_rate_bp", hundredths),
            None => input.set("tax_rate_bp", text),
        }
        input.remove("tax_rate");
    }
    input
}

const LABELS: &[(&str, &str)] = &[
    ("legal_name", "Legal name"),
    ("address", "Address"),
    ("country", "Country"),
    ("tax_id", "VAT number"),
    ("registration_no", "Registration number"),
    ("bank", "Bank"),
    ("iban", "IBAN"),
    ("bic", "BIC"),
    ("payment_days", "Days to pay"),
    ("tax_rate", "Tax rate"),
    ("tax_label", "Name of the tax"),
    ("number_pattern", "Invoice numbers"),
    ("credit_pattern", "Credit note numbers"),
    ("note", "Note"),
];

fn issuer_form(cx: &Cx, status: u16, input: &Input, complaints: &[Complaint]) -> Response {
    let text = |name: &str, hint: &'static str| {
        let label = LABELS.iter().find(|(each, _)| *each == name).map_or("", |(_, label)| label);
        text_field(input, complaints, name, label, Opts { hint, width: 3, ..Opts::default() })
    };
    let mut country = vec![("", "None")];
    country.extend(countries::all());
    let body = html! {
        (page_head("Invoice profile", Head { lede: "What stands on every invoice you write.", ..Head::default() }))
        (complaints_flash(complaints, LABELS))
        (post_form(&cx.csrf, &cx.request.path, html! {
            div.form {
                input type="hidden" name="version" value=(input.get("version"));
                (fieldset("You", "", html! {
                    (text("legal_name", "")) (choice_field(input, complaints, "country", "Country", &country, Opts { width: 3, ..Opts::default() }))
                    (textarea(input, complaints, "address", "Address", Opts::default()))
                    (text("tax_id", "This or the registration number.")) (text("registration_no", ""))
                }))
                (fieldset("Payment", "", html! {
                    (text("bank", "")) (text("iban", "")) (text("bic", "")) (text("payment_days", "0 to 120."))
                }))
                (fieldset("Tax and numbers", "", html! {
                    (text_field(input, complaints, "tax_rate", "Tax rate", Opts { unit: "%", width: 3, ..Opts::default() }))
                    (text("tax_label", "Like VAT."))
                    (text("number_pattern", "{year}-{number:4} gives 2026-0001."))
                    (text("credit_pattern", ""))
                    (textarea(input, complaints, "note", "Note at the foot", Opts { optional: true, ..Opts::default() }))
                }))
                (form_foot(html! { (primary("Save")) }))
            }
        }))
    };
    let trail = [("Invoices", "/invoices".to_owned())];
    cx.page_with(status, Nav::Invoices, "Invoice profile", &trail, body)
}
