use super::forms::blank_list;
use super::{PriceList, Priceable, Row, effect, first_open_day, forms, store, today};
use crate::auth::Scope;
use crate::auth::permissions::{CostsRead, PricesRead, PricesWrite};
use crate::db::Read;
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{button, cancel, link, primary};
use crate::html::field::{Opts, check, choice_field, text_field};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::parts::{Head, Tone, page_head, pill, section, tag};
use crate::html::table::{acts, column, empty, paging, table};
use crate::html::text::{count, date};
use crate::ids::{CustomerId, PriceListId};
use crate::input::Input;
use crate::places::{self, Tab};
use crate::rating::{Charge, Counting, Kind};
use crate::time::Date;
use crate::web::{Cx, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] = &[
    ("code", "Code"),
    ("name", "Name"),
    ("seller_id", "Seller"),
    ("currency", "Currency"),
    ("default", "Default"),
    ("markup", "Mark-up"),
    ("what", "What"),
    ("service", "What"),
    ("plan", "What"),
    ("charge", "Charge"),
    ("counting", "Counted"),
    ("price", "Price"),
    ("cost", "Cost"),
    ("valid_from", "From"),
    ("sku", "SKU"),
    ("label", "Label"),
];

/// Whose prices are shown in the rail: they belong to bills.
fn trail() -> [(&'static str, String); 2] {
    [("Billing", "/billing".to_owned()), ("Price lists", "/price-lists".to_owned())]
}

pub fn index(cx: &Cx, scope: &Scope<PricesRead>) -> Result<Response> {
    let pages = cx.paging(&[])?;
    let rows = cx.db.read(|db| store::lists(db, scope, pages.id(), pages.fetch()))?;
    let page = pages.listing(rows, |row| (String::new(), row.id.0));
    let may = cx.actor.may::<PricesWrite>();
    let new = || link("New list", "/price-lists/new").icon("plus").primary();
    let head = Head {
        actions: may.then(|| html! { (new()) }),
        lede: "What things cost. A plan's own price stands in the provider's list.",
        ..Head::default()
    };
    let rows = html! {
        @for list in &page.items {
            tr {
                th scope="row" { a href={ "/price-lists/" (list.id) } { (list.name) } }
                td.p2 { (list.seller_name) }
                td { (list.currency) }
                td.num { @match list.markup_bp { Some(bp) => (percent(bp)), None => "–" } }
                td { @if list.main { (tag("Default")) } }
            }
        }
    };
    let columns = [
        column("List"),
        column("Seller").class("p2"),
        column("Currency"),
        column("Mark-up").class("num"),
        column("Use"),
    ];
    let next = cx.next_href(page.next.as_ref());
    let body = html! {
        (page_head("Price lists", head))
        @if page.items.is_empty() {
            (empty("tag", "No price lists yet", "The first one is made when a plan gets its price.", None))
        } @else {
            (table("Price lists", &columns, rows))
            (paging(&count(i64::try_from(page.items.len()).unwrap_or(0), "list", "lists"), None, next.as_deref()))
        }
    };
    Ok(cx.page(Nav::Billing, "Price lists", &[("Billing", "/billing".to_owned())], body))
}

/// 1250 basis points as "12.5 %".
pub fn percent(bp: i64) -> String {
    format!("{} %", plain_percent(bp))
}

fn plain_percent(bp: i64) -> String {
    let (whole, part) = (bp / 100, bp.unsigned_abs() % 100);
    let sign = if bp < 0 && whole == 0 { "-" } else { "" };
    let text = format!("{sign}{whole}.{part:02}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

pub fn new(cx: &Cx, _: &Scope<PricesWrite>) -> Result<Response> {
    let input = cx.db.read(blank_list)?;
    Ok(new_page(cx, 200, &input, &[]))
}

pub fn create(cx: &Cx, scope: &Scope<PricesWrite>) -> Result<Response> {
    let mut input = cx.input()?;
    if input.get("seller_id").is_empty() {
        input.set("seller_id", cx.actor.home);
    }
    match forms::create_list(cx.db, scope, &input) {
        Ok(id) => Ok(cx.done(format!("/price-lists/{id}"), "List made. Now add its prices.")),
        Err(Error::Invalid(complaints)) => Ok(new_page(cx, 422, &input, &complaints)),
        Err(err) => Err(err),
    }
}

fn new_page(cx: &Cx, status: u16, input: &Input, complaints: &[Complaint]) -> Response {
    let code = Opts { width: 2, most: Some(30), ltr: true, ..Opts::default() };
    let short = Opts { width: 2, most: Some(3), ltr: true, ..Opts::default() };
    let fields = html! {
        (text_field(input, complaints, "code", "Code", code))
        (text_field(input, complaints, "name", "Name", Opts { width: 4, most: Some(60), ..Opts::default() }))
        (text_field(input, complaints, "currency", "Currency", short))
        @if !cx.actor.is_provider() { (markup_field(input, complaints)) }
        (check(input, complaints, "default", "Default in its currency", "For every buyer who has no other list"))
    };
    let form = html! {
        div.form {
            (fieldset("List", "", fields))
            (form_foot(html! { (primary("Add list")) (cancel("/price-lists")) }))
        }
    };
    let body = html! {
        (page_head("New price list", Head::default()))
        (complaints_flash(complaints, LABELS))
        (post_form(&cx.csrf, "/price-lists", form))
    };
    cx.page_with(status, Nav::Billing, "New price list", &trail(), body)
}

fn markup_field(input: &Input, complaints: &[Complaint]) -> Markup {
    let opts = Opts {
        width: 2,
        unit: "%",
        optional: true,
        hint: "On your own price, for what is not listed",
        ..Opts::default()
    };
    text_field(input, complaints, "markup", "Mark-up", opts)
}

pub fn show(cx: &Cx, scope: &Scope<PricesRead>) -> Result<Response> {
    show_page(cx, scope, cx.param("id")?, 200, &Input::default(), &[])
}

pub fn update(cx: &Cx, scope: &Scope<PricesWrite>) -> Result<Response> {
    let id: PriceListId = cx.param("id")?;
    let mut input = cx.input()?;
    let expected = cx.expected_version(&mut input);
    match forms::update_list(cx.db, scope, id, &input, expected) {
        Ok(()) => Ok(cx.done(format!("/price-lists/{id}"), "Saved.")),
        Err(Error::Invalid(complaints)) => {
            show_page(cx, &cx.actor.scope::<PricesRead>()?, id, 422, &input, &complaints)
        }
        Err(err) => Err(err),
    }
}

pub fn add(cx: &Cx, scope: &Scope<PricesWrite>) -> Result<Response> {
    let id: PriceListId = cx.param("id")?;
    let input = cx.input()?;
    match forms::add(cx.db, scope, id, &input, cx.actor.may::<CostsRead>()) {
        Ok(_) => Ok(cx.done(format!("/price-lists/{id}"), "Price added.")),
        Err(Error::Invalid(complaints)) => {
            show_page(cx, &cx.actor.scope::<PricesRead>()?, id, 422, &input, &complaints)
        }
        Err(err) => Err(err),
    }
}

pub fn withdraw(cx: &Cx, scope: &Scope<PricesWrite>) -> Result<Response> {
    let id: PriceListId = cx.param("id")?;
    match forms::withdraw(cx.db, scope, id, cx.param("price_id")?) {
        Ok(()) => Ok(cx.done(format!("/price-lists/{id}"), "Price withdrawn.")),
        Err(Error::Invalid(complaints)) => {
            show_page(cx, &cx.actor.scope::<PricesRead>()?, id, 422, &Input::default(), &complaints)
        }
        Err(err) => Err(err),
    }
}

fn show_page(
    cx: &Cx,
    scope: &Scope<PricesRead>,
    id: PriceListId,
    status: u16,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let pages = cx.paging(&[])?;
    let (list, rows, what, day, open) = cx.db.read(|db| {
        let list = store::list(db, scope, id)?;
        let rows = store::of_list(db, id, pages.id(), pages.fetch())?;
        Ok((list, rows, store::priceable(db)?, today(db)?, first_open_day(db)?))
    })?;
    let page = pages.listing(rows, |row| (String::new(), row.id.0));
    let next = cx.next_href(page.next.as_ref());
    let may = match cx.actor.scope::<PricesWrite>() {
        Ok(write) => cx.db.read(|db| store::stands(db, &write, list.seller))?,
        Err(_) => false,
    };
    let costs = cx.actor.may::<CostsRead>() && list.seller == crate::auth::PROVIDER;
    let shown = Shown { costs, may, today: day, base: format!("/price-lists/{id}/prices") };
    let state = html! { (tag(&list.currency.to_string())) @if list.main { (tag("Default")) } };
    let body = html! {
        (page_head(&list.name, Head { state: Some(state), ..Head::default() }))
        (complaints_flash(complaints, LABELS))
        @if page.items.is_empty() {
            (empty("tag", "No prices in this list yet", nothing_listed(&list), None))
        } @else {
            (price_table(&page.items, &what, &shown))
            (paging(&count(i64::try_from(page.items.len()).unwrap_or(0), "price", "prices"), None, next.as_deref()))
        }
        @if may {
            (add_form(cx, &shown, &what, input, complaints, open))
            (list_form(cx, &list, input, complaints))
        }
    };
    Ok(cx.page_with(status, Nav::Billing, &list.name, &trail(), body))
}

fn nothing_listed(list: &PriceList) -> &'static str {
    match list.markup_bp {
        Some(_) => "Everything costs the seller's own price and the mark-up.",
        None => "What is not listed has no price, and an invoice with it cannot be finalised.",
    }
}

struct Shown {
    costs: bool,
    may: bool,
    today: Date,
    /// Where prices are added and withdrawn.
    base: String,
}

fn price_table(rows: &[Row], what: &[Priceable], shown: &Shown) -> Markup {
    let mut columns = vec![
        column("What"),
        column("Charge").class("p2"),
        column("Price").class("num"),
        column("From"),
    ];
    if shown.costs {
        columns.insert(2, column("Cost").class("num p2"));
    }
    if shown.may {
        columns.push(acts());
    }
    let body = html! {
        @for row in rows {
            @let same: Vec<Row> = rows.iter().filter(|other| other.same_thing(row)).cloned().collect();
            @let period = effect(&same, row);
            @let waits = period.starts_on > shown.today;
            tr {
                th scope="row" {
                    (name_of(row, what))
                    @if !row.label.is_empty() { small { (row.label) } }
                }
                td.p2 { (charge_word(row)) }
                @if shown.costs {
                    td.num.p2 { @match row.unit_cost { Some(cost) => (cost.show(row.currency)), None => "–" } }
                }
                td.num { (row.unit_price.show(row.currency)) }
                td {
                    (date(row.valid_from))
                    @if waits { " " (pill(Tone::Wait, &format!("Takes effect in {}", period.ends_on.month_name()))) }
                }
                @if shown.may {
                    td.acts {
                        @if waits {
                            (button("Withdraw").small().ghost().about(&name_of(row, what))
                                .posts(&format!("{}/{}/withdraw", shown.base, row.id)))
                        }
                    }
                }
            }
        }
    };
    table("Prices", &columns, body)
}

fn charge_word(row: &Row) -> &'static str {
    match (row.charge, row.counting) {
        (Charge::Setup, _) => "Once, at set-up",
        (_, Counting::ByDay) => "Monthly, by the day",
        (_, Counting::AtEnd) => "Monthly, if there at the end",
        (_, Counting::AnyDay) => "Monthly, if there on any day",
        (_, Counting::Once) => "Once",
    }
}

/// "Managed workplace, Standard", "Users".
fn name_of(row: &Row, what: &[Priceable]) -> String {
    let Some(service) = &row.service else {
        return match row.kind {
            Kind::Customer => "Customers".to_owned(),
            Kind::User => "Users".to_owned(),
            Kind::Domain => "Domains".to_owned(),
            Kind::CustomerService => "Customer services".to_owned(),
            Kind::UserService => "User services".to_owned(),
        };
    };
    let own = |each: &&Priceable| &each.service == service;
    let name = what.iter().find(own).map_or(service.as_str(), |each| each.service_name.as_str());
    match &row.plan {
        None => name.to_owned(),
        Some(plan) => {
            let found = what.iter().filter(own).find(|each| each.plan.as_ref() == Some(plan));
            let plan = found.and_then(|each| each.plan_name.as_deref()).unwrap_or(plan);
            format!("{name}, {plan}")
        }
    }
}

/// What a price can be for, as one choice: "user_service/workplace/STD".
fn choices(what: &[Priceable]) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for each in what {
        let kind = if each.by_user { "user_service" } else { "customer_service" };
        match (&each.plan, &each.plan_name) {
            (Some(plan), Some(name)) => all.push((
                format!("{kind}/{}/{plan}", each.service),
                format!("{}, {name}", each.service_name),
            )),
            _ => {
                all.push((format!("customer_service/{}/", each.service), each.service_name.clone()))
            }
        }
    }
    for (kind, name) in
        [("user//", "Each user"), ("customer//", "Each customer"), ("domain//", "Each domain")]
    {
        all.push((kind.to_owned(), name.to_owned()));
    }
    all
}

fn add_form(
    cx: &Cx,
    shown: &Shown,
    what: &[Priceable],
    input: &Input,
    complaints: &[Complaint],
    open: Date,
) -> Markup {
    let next = shown.today.first_of_month().plus_months(1).month_name();
    let hint = format!(
        "Empty: a first price takes effect in {}, a change takes effect in {next}",
        open.month_name()
    );
    let counted = [
        ("", "As usual"),
        ("by_day", "By the day"),
        ("at_end", "If there at the end"),
        ("any_day", "If there on any day"),
    ];
    let w2 = Opts { width: 2, ..Opts::default() };
    let fields = html! {
        (choice_field(input, complaints, "what", "What", &choices(what), Opts { width: 4, ..Opts::default() }))
        (choice_field(input, complaints, "charge", "Charge", &[("recurring", "Monthly"), ("setup", "Once, at set-up")], w2))
        (text_field(input, complaints, "price", "Price", Opts { placeholder: "18.00", ..w2 }))
        @if shown.costs { (text_field(input, complaints, "cost", "Cost", Opts { optional: true, ..w2 })) }
        (choice_field(input, complaints, "counting", "Counted", &counted, w2))
        (text_field(input, complaints, "valid_from", "From", Opts { kind: "date", optional: true, hint: &hint, width: 3, ..Opts::default() }))
    };
    let form = html! {
        div.form {
            (fieldset("New price", "Before VAT", fields))
            (form_foot(html! { (primary("Add price")) }))
        }
    };
    post_form(&cx.csrf, &shown.base, form)
}

fn list_form(cx: &Cx, list: &PriceList, input: &Input, complaints: &[Complaint]) -> Markup {
    let mut base = Input::default();
    base.set("name", &list.name);
    if let Some(bp) = list.markup_bp {
        base.set("markup", plain_percent(bp));
    }
    let input = if input.has("name") { input.clone() } else { base };
    let fields = html! {
        (hidden("version", list.version))
        (text_field(&input, complaints, "name", "Name", Opts { width: 4, most: Some(60), ..Opts::default() }))
        @if list.seller != crate::auth::PROVIDER { (markup_field(&input, complaints)) }
    };
    let form = html! {
        div.form {
            (fieldset("List", &list.seller_name, fields))
            (form_foot(html! { (button("Save list")) }))
        }
    };
    post_form(&cx.csrf, &format!("/price-lists/{}", list.id), form)
}

/// What one customer pays instead of the list, on its billing tab.
pub fn overrides(cx: &Cx, scope: &Scope<PricesRead>) -> Result<Response> {
    overrides_page(cx, scope, cx.param("id")?, 200, &Input::default(), &[])
}

pub fn add_override(cx: &Cx, scope: &Scope<PricesWrite>) -> Result<Response> {
    let buyer: CustomerId = cx.param("id")?;
    let input = cx.input()?;
    match forms::add_override(cx.db, scope, buyer, &input) {
        Ok(_) => Ok(cx.done(format!("/customers/{buyer}/prices"), "Price added.")),
        Err(Error::Invalid(complaints)) => {
            let read = cx.actor.scope::<PricesRead>()?;
            overrides_page(cx, &read, buyer, 422, &input, &complaints)
        }
        Err(err) => Err(err),
    }
}

pub fn withdraw_override(cx: &Cx, scope: &Scope<PricesWrite>) -> Result<Response> {
    let buyer: CustomerId = cx.param("id")?;
    match forms::withdraw_override(cx.db, scope, buyer, cx.param("price_id")?) {
        Ok(()) => Ok(cx.done(format!("/customers/{buyer}/prices"), "Price withdrawn.")),
        Err(Error::Invalid(complaints)) => {
            let read = cx.actor.scope::<PricesRead>()?;
            overrides_page(cx, &read, buyer, 422, &Input::default(), &complaints)
        }
        Err(err) => Err(err),
    }
}

fn overrides_page(
    cx: &Cx,
    scope: &Scope<PricesRead>,
    buyer: CustomerId,
    status: u16,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let read = |db: &Read| {
        let place = places::customer(db, scope, buyer)?;
        let rows = forms::overrides_seen(db, scope, buyer, cx.actor.home)?;
        let may = match cx.actor.scope::<PricesWrite>() {
            Ok(write) => forms::may_override(db, &write, buyer)?,
            Err(_) => false,
        };
        Ok((place, rows, may, store::priceable(db)?, today(db)?, first_open_day(db)?))
    };
    let (place, rows, may, what, day, open) = cx.db.read(read)?;
    let base = format!("/customers/{buyer}/prices");
    let shown = Shown { costs: false, may, today: day, base };
    let list = html! {
        (complaints_flash(complaints, LABELS))
        @if rows.is_empty() {
            (empty("tag", "No prices of its own", "It pays what the list says.", None))
        } @else { (price_table(&rows, &what, &shown)) }
        @if may { (add_form(cx, &shown, &what, input, complaints, open)) }
    };
    let body = section("Prices of its own", None, list);
    Ok(places::customer_page(cx, &place, Tab::Billing, status, html! {}, body))
}
