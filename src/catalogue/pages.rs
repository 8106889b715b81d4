use super::fields::{Around, fill, settle};
use super::plans::{self, Author, Costs};
use super::properties::pages::draw_properties;
use super::properties::{self, Property};
use super::services::{self, ICONS};
use super::store::{self, Listed};
use super::views::{draw_plans, plan_form, rules_form, state_pill};
use super::{Level, Need, Plan, PlanState, Service, State, api};
use crate::auth::Scope;
use crate::auth::permissions::{
    CatalogueRead, CatalogueWrite, CostsRead, OffersWrite, PricesRead, PricesWrite, RulesWrite,
    ServicesRead,
};
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{Item, button, cancel, link, menu_button, primary};
use crate::html::field::{Opts, check, choice_field, text_field, textarea, tick};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::parts::{Head, card, card_flush, facts, page_head, tag};
use crate::html::table::{column, empty, filters, paging, search, select, table};
use crate::html::text::count;
use crate::input::Input;
use crate::web::{Cx, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] = &[
    ("code", "Code"),
    ("name", "Name"),
    ("category", "Category"),
    ("description", "Description"),
    ("icon", "Icon"),
    ("kind", "Sold per"),
    ("multi", "Several"),
    ("label_pattern", "Suggested label"),
    ("tracking_only", "Tracking only"),
    ("on_move", "When its user moves"),
    ("needs", "Needs"),
];

fn trail() -> [(&'static str, String); 1] {
    [("Services", "/services".to_owned())]
}

pub fn trail_of(service: &Service) -> [(&str, String); 2] {
    [("Services", "/services".to_owned()), (&service.name, format!("/services/{}", service.code))]
}

pub fn index(cx: &Cx, scope: &Scope<CatalogueRead>) -> Result<Response> {
    let pages = cx.paging(api::FILTERS)?;
    let filter = api::filter(&cx.request.query);
    let uses = cx.actor.scope::<ServicesRead>().ok();
    let rows = cx.db.read(|db| {
        let rows = store::list(db, scope, &filter, &pages)?;
        let count = |row: Listed| {
            let used = uses.as_ref().map(|uses| store::used_by(db, uses, row.service.id));
            Ok((row, used.transpose()?))
        };
        rows.into_iter().map(count).collect::<Result<Vec<_>>>()
    })?;
    let page = pages.listing(rows, |(row, _)| (row.service.name.clone(), row.service.id.0));
    let may = cx.actor.may::<CatalogueWrite>();
    let new = || link("New service", "/services/new").icon("plus").primary();
    let head = Head {
        actions: Some(html! {
            @if cx.actor.may::<PricesRead>() { (link("Price lists", "/price-lists")) }
            @if may { (link("Modules", "/modules")) (link("Bring in files", "/apply")) (new()) }
        }),
        lede: match (may, cx.actor.may::<OffersWrite>()) {
            (true, _) => "What you sell. Resellers see the ones you let them sell.",
            (false, true) => "What you may sell.",
            (false, false) => "What can be had.",
        },
        ..Head::default()
    };
    let query = &cx.request.query;
    let kinds = [("", "Any kind"), ("user", "Per user"), ("customer", "Per customer")];
    let narrow = html! {
        (search("Search services", query.get("q")))
        (select("kind", "Kind", &kinds, query.get("kind")))
    };
    let columns = [
        column("Service"),
        column("Sold per").class("p2"),
        column("Plans").class("num p3"),
        column("Customers").class("num p2"),
        column("Users").class("num p2"),
        column("State"),
    ];
    let rows = html! {
        @for (row, used) in &page.items {
            tr {
                th scope="row" {
                    a href={ "/services/" (row.service.code) } { (row.service.name) }
                    @if !row.service.category.is_empty() { small { (row.service.category) } }
                }
                td.p2 { @if row.service.kind == Level::User { "User" } @else { "Customer" } }
                td.num.p3 { (row.plans) }
                td.num.p2 { @if let Some((customers, _)) = used { (customers) } @else { "–" } }
                td.num.p2 { @if let Some((_, users)) = used { (users) } @else { "–" } }
                td { (state_pill(&row.service, false)) }
            }
        }
    };
    let next = cx.next_href(page.next.as_ref());
    let length = i64::try_from(page.items.len()).unwrap_or(0);
    let body = html! {
        (page_head("Services", head))
        (filters("/services", narrow))
        @if page.items.is_empty() && query.is_empty() {
            (empty("stack-2", "No services yet", "A service is a thing you sell, per user or per customer. Begin with a module that is ready to use, or make one of your own.",
                may.then(|| html! { (link("Modules", "/modules")) " " (new()) })))
        } @else if page.items.is_empty() {
            (empty("search", "No service matches", "Try fewer letters, or another kind.", None))
        } @else {
            (table("Services", &columns, rows))
            (paging(&count(length, "service", "services"), None, next.as_deref()))
        }
    };
    Ok(cx.page(Nav::Services, "Services", &[], body))
}

pub fn new(cx: &Cx, _: &Scope<CatalogueWrite>) -> Result<Response> {
    let mut input = Input::default();
    input.set("kind", "user");
    form_page(cx, 200, None, &input, &[])
}

pub fn create(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let input = cx.input()?;
    match services::create(cx.db, scope, &input) {
        Ok(_) => Ok(cx.done(
            format!("/services/{}", input.get("code")),
            "Service added. Now add its plans, and say what happens.",
        )),
        Err(Error::Invalid(complaints)) => form_page(cx, 422, None, &input, &complaints),
        Err(err) => Err(err),
    }
}

pub fn edit(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let code: String = cx.param("code")?;
    let (service, input) = cx.db.read(|db| {
        let service = store::own(db, scope, &code)?;
        let needs = store::needs(db, service.id)?;
        let input = services::as_input(&service, &needs);
        Ok((service, input))
    })?;
    form_page(cx, 200, Some(&service), &input, &[])
}

pub fn update(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let (code, mut input) = (cx.param::<String>("code")?, cx.input()?);
    let expected = cx.expected_version(&mut input);
    if !input.has("needs") {
        input.set("needs", "");
    }
    match services::update(cx.db, scope, &code, &input, expected) {
        Ok(()) => Ok(cx.done(format!("/services/{code}"), "Saved.")),
        Err(Error::Invalid(complaints)) => {
            let service = cx.db.read(|db| store::own(db, scope, &code))?;
            form_page(cx, 422, Some(&service), &input, &complaints)
        }
        Err(err) => Err(err),
    }
}

fn form_page(
    cx: &Cx,
    status: u16,
    service: Option<&Service>,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let (others, by_user) =
        cx.db.read(|db| Ok((store::names_of_all(db)?, store::codes_by_user(db)?)))?;
    let title = service.map_or("New service".to_owned(), |s| format!("Edit {}", s.name));
    let action = service.map_or("/services".to_owned(), |s| format!("/services/{}", s.code));
    let w2 = Opts { width: 2, ..Opts::default() };
    let code = Opts { most: Some(30), ltr: true, hint: "Fixed once saved", ..w2 };
    let about = html! {
        (text_field(input, complaints, "name", "Name", Opts { width: 4, most: Some(60), ..Opts::default() }))
        @if service.is_none() { (text_field(input, complaints, "code", "Code", code)) }
        (choice_field(input, complaints, "kind", "Sold per", &[("user", "User"), ("customer", "Customer")], w2))
        (text_field(input, complaints, "category", "Category", Opts { optional: true, most: Some(40), ..w2 }))
        (choice_field(input, complaints, "icon", "Icon", ICONS, w2))
        (textarea(input, complaints, "description", "Description", Opts { optional: true, most: Some(2_000), ..Opts::default() }))
    };
    let rules = html! {
        (check(input, complaints, "multi", "Several", "A holder may have more than one, told apart by labels"))
        (text_field(input, complaints, "label_pattern", "Suggested label", Opts {
            optional: true, most: Some(60), ltr: true, placeholder: "{customer.domain}",
            hint: "Where there are several. May have {customer.code}, {customer.name}, {customer.domain}, {user.name}, {user.upn}",
            ..Opts::default()
        }))
        (check(input, complaints, "tracking_only", "Tracking only", "It may be on sale though nothing is done for it anywhere"))
        (choice_field(input, complaints, "on_move", "When its user moves to another customer",
            &[("refuse", "It cannot move"), ("carry", "It moves along"), ("recreate", "It is made anew")],
            Opts { width: 3, ..Opts::default() }))
    };
    let needs = html! {
        @for (code, name) in others.iter().filter(|(code, _)| service.is_none_or(|s| &s.code != code)) {
            (tick(input, "needs", code, name, ""))
            @let at_customer = format!("{code}@customer");
            @if input.all("needs").any(|need| need == at_customer) || by_user.contains(code) {
                (tick(input, "needs", &at_customer, &format!("{name}, at the customer"), "Its users need not have it"))
            }
        }
        (crate::html::field::complaint_of(complaints, "needs", "Needs"))
    };
    let back = service.map_or("/services".to_owned(), |s| format!("/services/{}", s.code));
    let form = html! {
        div.form {
            @if let Some(service) = service { (hidden("version", service.version)) }
            (fieldset("Service", "", about))
            (fieldset("How it is given", "", rules))
            @if !others.is_empty() { (fieldset("Needs", "What must be held first", needs)) }
            (form_foot(html! { (primary(if service.is_some() { "Save service" } else { "Add service" })) (cancel(&back)) }))
        }
    };
    let body = html! {
        (page_head(&title, Head::default()))
        (complaints_flash(complaints, LABELS))
        (post_form(&cx.csrf, &action, form))
    };
    Ok(match service {
        Some(service) => cx.page_with(status, Nav::Services, &title, &trail_of(service), body),
        None => cx.page_with(status, Nav::Services, &title, &trail(), body),
    })
}

pub fn show(cx: &Cx, scope: &Scope<CatalogueRead>) -> Result<Response> {
    show_page(cx, scope, &cx.param::<String>("code")?, 200, &[])
}

/// What a service's page shows.
struct Shown {
    service: Service,
    needs: Vec<Need>,
    plans: Vec<(Plan, Option<Costs>)>,
    properties: Vec<Property>,
    used: Option<(i64, i64)>,
}

fn show_page(
    cx: &Cx,
    scope: &Scope<CatalogueRead>,
    code: &str,
    status: u16,
    complaints: &[Complaint],
) -> Result<Response> {
    let provider = cx.actor.is_provider();
    let prices = provider && cx.actor.may::<PricesRead>();
    let standing = api::standing_at_home(cx);
    let shown = cx.db.read(|db| {
        let service = store::visible(db, scope, code)?;
        let mut all = Vec::new();
        for plan in store::visible_plans(db, scope, service.id)? {
            let costs = if prices { Some(plans::costs(db, &service, &plan)?) } else { None };
            all.push((plan, costs));
        }
        let uses = cx.actor.scope::<ServicesRead>().ok();
        Ok(Shown {
            needs: store::needs(db, service.id)?,
            plans: all,
            properties: properties::seen(db, service.id, standing)?,
            used: uses.map(|uses| store::used_by(db, &uses, service.id)).transpose()?,
            service,
        })
    })?;
    let service = &shown.service;
    let may = cx.actor.may::<CatalogueWrite>() && !service.builtin;
    let base = format!("/services/{code}");
    let state = html! { (state_pill(service, true)) };
    let lede = if service.kind == Level::User { "Sold per user." } else { "Sold per customer." };
    let head = Head { state: Some(state), actions: may.then(|| actions(service)), lede };
    let rules = cx.actor.scope::<RulesWrite>().is_ok() && may;
    let end =
        |text: &str, href: String| may.then(|| html! { (link(text, &href).small().icon("plus")) });
    let body = html! {
        (page_head(&service.name, head))
        (complaints_flash(complaints, &[("connectors", "What happens")]))
        (card_flush("Plans and prices", end("New plan", format!("{base}/plans/new")),
            draw_plans(service, &shown.plans, may, cx.actor.may::<CostsRead>())))
        (card_flush("Settings", end("New setting", format!("{base}/properties/new")),
            draw_properties(service, &shown.properties, may)))
        @if rules {
            @let (workers, chosen) = cx.db.read(|db| Ok((services::workers(db)?, services::chosen(db, service)?)))?;
            (card("What happens", Some(html! { (link("All rules", &format!("/rules?service={code}")).small()) }),
                rules_form(cx, service, &workers, &chosen)))
        }
        (card("About", None, about(&shown, may)))
    };
    Ok(cx.page_with(status, Nav::Services, &service.name, &trail(), body))
}

fn about(shown: &Shown, may: bool) -> Markup {
    let service = &shown.service;
    let mut list = vec![("Code", tag(&service.code))];
    if !service.category.is_empty() {
        list.push(("Category", html! { (service.category) }));
    }
    if let Some((customers, users)) = shown.used {
        let users = count(users, "user", "users");
        list.push(("Used by", html! { (count(customers, "customer", "customers")) ", " (users) }));
    }
    if !shown.needs.is_empty() {
        let name = |need: &Need| match (service.kind, need.service.kind, need.at) {
            (Level::User, Level::User, Level::Customer) => {
                format!("{}, at the customer", need.service.name)
            }
            _ => need.service.name.clone(),
        };
        let names: Vec<String> = shown.needs.iter().map(name).collect();
        list.push(("Needs", html! { (names.join("; ")) }));
    }
    if !service.module.is_empty() {
        let at = format!("/modules/{}", service.module);
        let version = format!("Version {}", service.module_version);
        list.push(("Module", html! { @if may { a href=(at) { (version) } } @else { (version) } }));
    }
    if service.tracking_only {
        list.push(("Work", html! { "Tracking only" }));
    }
    if !service.description.is_empty() {
        list.push(("Description", html! { (service.description) }));
    }
    facts(&list)
}

fn actions(service: &Service) -> Markup {
    let base = format!("/services/{}", service.code);
    let mut items = vec![
        Item::link("Export as TOML", format!("{base}/export?format=toml")),
        Item::link("Export as JSON", format!("{base}/export?format=json")),
        Item::link("Versions", format!("{base}/versions")),
    ];
    if service.state == State::Active {
        items.push(Item::post("Retire", format!("{base}/retire")));
    }
    items.push(Item::Line);
    items.push(Item::danger("Delete…", format!("{base}/delete")));
    html! {
        @if service.state != State::Active { (primary("Put on sale").posts(&format!("{base}/activate"))) }
        (link("Edit", &format!("{base}/edit")).icon("pencil"))
        (menu_button("service", "More", &items))
    }
}

/// Back to the page with what refused it, or on with good news.
fn acted(cx: &Cx, code: &str, result: Result<()>, text: &str) -> Result<Response> {
    match result {
        Ok(()) => Ok(cx.done(format!("/services/{code}"), text)),
        Err(Error::Invalid(complaints)) => {
            show_page(cx, &cx.actor.scope::<CatalogueRead>()?, code, 422, &complaints)
        }
        Err(err) => Err(err),
    }
}

pub fn activate(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let code: String = cx.param("code")?;
    acted(cx, &code, services::activate(cx.db, scope, &code), "On sale now.")
}

pub fn retire(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let code: String = cx.param("code")?;
    let text = "Retired. Nothing new is given; what exists goes on.";
    acted(cx, &code, services::retire(cx.db, scope, &code), text)
}

pub fn set_rules(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    let code: String = cx.param("code")?;
    acted(cx, &code, services::set_rules(cx.db, scope, &code, &cx.input()?), "Saved.")
}

pub fn confirm_delete(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let code: String = cx.param("code")?;
    let service = cx.db.read(|db| store::own(db, scope, &code))?;
    let title = format!("Delete {}?", service.name);
    let back = format!("/services/{code}");
    let form = html! {
        p { "Its plans, prices and settings go with it. Only a service that was never offered, given or billed can be deleted." }
        (form_foot(html! { (button("Delete service").danger()) (cancel(&back)) }))
    };
    let body = html! {
        (page_head(&title, Head::default()))
        (post_form(&cx.csrf, &format!("{back}/delete"), form))
    };
    Ok(cx.page(Nav::Services, &title, &trail_of(&service), body))
}

pub fn destroy(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let code: String = cx.param("code")?;
    match services::delete(cx.db, scope, &code) {
        Ok(()) => Ok(cx.done("/services", "Service deleted.")),
        Err(err) => acted(cx, &code, Err(err), ""),
    }
}

pub fn new_plan(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    plan_page(cx, scope, 200, None, None, &[])
}

pub fn create_plan(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let (code, input) = (cx.param::<String>("code")?, cx.input()?);
    let author = Author::new(&cx.actor, scope, &cx.app.config.key);
    let mut said = input.clone();
    settle(&mut said);
    match plans::create(cx.db, &author, &code, &said) {
        Ok(_) => Ok(cx.done(format!("/services/{code}"), "Plan added.")),
        Err(Error::Invalid(complaints)) => {
            plan_page(cx, scope, 422, None, Some(&input), &complaints)
        }
        Err(err) => Err(err),
    }
}

pub fn edit_plan(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let plan: String = cx.param("plan")?;
    plan_page(cx, scope, 200, Some(&plan), None, &[])
}

pub fn update_plan(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let (code, plan): (String, String) = (cx.param("code")?, cx.param("plan")?);
    let mut input = cx.input()?;
    let expected = cx.expected_version(&mut input);
    // Boxes that are not ticked say nothing.
    if !input.has("locks") {
        input.set("locks", "");
    }
    let author = Author::new(&cx.actor, scope, &cx.app.config.key);
    let mut said = input.clone();
    settle(&mut said);
    match plans::update(cx.db, &author, &code, &plan, &said, expected) {
        Ok(()) => {
            let shared = cx.db.read(|db| {
                let service = store::own(db, scope, &code)?;
                plans::sharing_sku(db, &store::plan_of(db, service.id, &plan)?)
            })?;
            let text = match shared.as_slice() {
                [] => "Saved.".to_owned(),
                others => format!("Saved. The same SKU is used by {}.", others.join("; ")),
            };
            Ok(cx.done(format!("/services/{code}"), &text))
        }
        Err(Error::Invalid(complaints)) => {
            plan_page(cx, scope, 422, Some(&plan), Some(&input), &complaints)
        }
        Err(err) => Err(err),
    }
}

fn plan_page(
    cx: &Cx,
    scope: &Scope<CatalogueWrite>,
    status: u16,
    plan: Option<&str>,
    typed: Option<&Input>,
    complaints: &[Complaint],
) -> Result<Response> {
    let code: String = cx.param("code")?;
    let (service, plan, form) = cx.db.read(|db| {
        let service = store::own(db, scope, &code)?;
        let plan = plan.map(|plan| store::plan_of(db, service.id, plan)).transpose()?;
        let properties = properties::all(db, service.id)?;
        let costs = plan.as_ref().map(|plan| plans::costs(db, &service, plan)).transpose()?;
        let mut input = plan.as_ref().map(plans::as_input).unwrap_or_default();
        if let Some(plan) = &plan {
            let place = properties::Place::Plan(plan.id);
            fill(&mut input, &properties::at(db, service.id, place)?, "properties");
        }
        let input = typed.cloned().unwrap_or(input);
        let drawn = super::views::PlanForm {
            service: &service,
            plan: plan.as_ref(),
            costs: costs.as_ref(),
            properties: &properties,
            prices: cx.actor.may::<PricesWrite>(),
            may_cost: cx.actor.may::<CostsRead>(),
            today: crate::prices::today(db)?,
            open: crate::prices::first_open_day(db)?,
            around: Around {
                inherits: properties::origin::defaults(&properties),
                ..Around::default()
            },
        };
        let form = plan_form(cx, &drawn, &input, complaints);
        Ok((service, plan, form))
    })?;
    let title = plan.map_or("New plan".to_owned(), |plan| format!("Edit {}", plan.name));
    let body = html! { (page_head(&title, Head::default())) (form) };
    Ok(cx.page_with(status, Nav::Services, &title, &trail_of(&service), body))
}

pub fn retire_plan(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let (code, plan): (String, String) = (cx.param("code")?, cx.param("plan")?);
    let result = plans::set_state(cx.db, scope, &code, &plan, PlanState::Retired);
    acted(cx, &code, result, "Plan retired. Who has it keeps it.")
}

pub fn activate_plan(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let (code, plan): (String, String) = (cx.param("code")?, cx.param("plan")?);
    let result = plans::set_state(cx.db, scope, &code, &plan, PlanState::Active);
    acted(cx, &code, result, "Plan on sale.")
}

pub fn destroy_plan(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let (code, plan): (String, String) = (cx.param("code")?, cx.param("plan")?);
    acted(cx, &code, plans::delete(cx.db, scope, &code, &plan), "Plan deleted.")
}
