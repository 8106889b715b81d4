use super::fields::limit_field;
use super::give::{self, Giver};
use super::limits::{self, Stand};
use super::store::{self, Offer};
use super::{Check, State, Subject, api, path, sellable, why_not};
use crate::auth::Scope;
use crate::auth::permissions::{OffersWrite, ServiceSettingsWrite, ServicesRead};
use crate::catalogue::fields::{Around, fill, settle, value_field};
use crate::catalogue::properties::origin::{self, Inherits};
use crate::catalogue::properties::{self, Asked, At, Place, Property, Use};
use crate::catalogue::{self, Level, Plan, Service};
use crate::db::Read;
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{Item, cancel, link, menu, primary};
use crate::html::field::{Opts, brake_field, choice_field, complaint_of, tick};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::parts::{Head, Tone, page_head, pill, section, tag};
use crate::html::table::{acts, column, empty, paging, table};
use crate::html::text::{count, grouped};
use crate::ids::{CustomerId, UserId};
use crate::input::Input;
use crate::places::{self, Tab};
use crate::web::{Cx, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] = &[("service", "Service"), ("plans", "Plans"), ("limits", "Limits")];

struct Row {
    offer: Offer,
    service: Service,
    plans: Vec<(Plan, State)>,
    max: Option<i64>,
    used: i64,
}

fn row(db: &Read, reseller: CustomerId, offer: Offer) -> Result<Row> {
    let service = catalogue::service(db, offer.service)?;
    let held = store::offer_plans(db, offer.id)?;
    let mut plans = Vec::new();
    for plan in catalogue::plans(db, service.id)? {
        if let Some((_, state)) = held.iter().find(|(id, _)| *id == plan.id) {
            plans.push((plan, *state));
        }
    }
    let measures = limits::measures(db, &service)?;
    let all = limits::stand(db, reseller, service.id, measures)?.into_iter().next();
    let (max, used) = all.map_or((None, 0), |all| (all.max, all.used));
    Ok(Row { offer, service, plans, max, used })
}

/// The reseller's tab: what it may sell.
pub fn index(cx: &Cx, scope: &Scope<ServicesRead>) -> Result<Response> {
    show(cx, scope, 200, &[])
}

fn show(
    cx: &Cx,
    scope: &Scope<ServicesRead>,
    status: u16,
    complaints: &[Complaint],
) -> Result<Response> {
    let pages = cx.paging(&[])?;
    let reseller: CustomerId = cx.param("id")?;
    let (place, rows, next, may) = cx.db.read(|db| {
        let place = places::customer(db, scope, reseller)?;
        let after = (pages.value(), pages.id());
        let found = store::offers(db, scope, reseller, after, pages.fetch())?;
        let page = pages.listing(found, |(name, offer)| (name.clone(), offer.id.0));
        let rows = page.items.into_iter().map(|(_, offer)| row(db, reseller, offer));
        let rows = rows.collect::<Result<Vec<_>>>()?;
        Ok((place, rows, page.next, give::may_give(db, &cx.actor, reseller)?))
    })?;
    let base = format!("/customers/{reseller}/offers");
    let new = || link("Offer a service", &format!("{base}/new")).icon("plus").primary();
    let actions = html! { @if may { (new()) } };
    let next = cx.next_href(next.as_ref());
    let body = html! {
        (complaints_flash(complaints, LABELS))
        @if rows.is_empty() {
            (empty("stack-2", "Nothing offered yet", "A reseller sells what it was offered.", None))
        } @else {
            (draw(&rows, &base, may, cx.actor.may::<ServiceSettingsWrite>()))
            (paging(&count(i64::try_from(rows.len()).unwrap_or(0), "offer", "offers"), None, next.as_deref()))
        }
    };
    Ok(places::customer_page(cx, &place, Tab::Offers, status, actions, body))
}

/// `may`: give and take; `sets`: set values for the branch.
fn draw(rows: &[Row], base: &str, may: bool, sets: bool) -> Markup {
    let mut columns = vec![
        column("Service"),
        column("Plans").class("p2"),
        column("In use").class("num"),
        column("State"),
    ];
    if may || sets {
        columns.push(acts());
    }
    let body = html! {
        @for row in rows {
            @let href = format!("{base}/{}", row.service.code);
            tr {
                th scope="row" {
                    @if may { a href=(href) { (row.service.name) } } @else { (row.service.name) }
                }
                td.p2 {
                    @for (plan, state) in &row.plans {
                        (tag(&plan.name)) @if *state == State::Closed { " closed" } " "
                    }
                }
                td.num { (grouped(row.used)) @if let Some(max) = row.max { " of " (grouped(max)) } }
                td {
                    @if row.offer.state == State::Active { (pill(Tone::Ok, "Open")) }
                    @else { (pill(Tone::Off, "Closed")) }
                }
                @if may { td.acts { (row_menu(row, &href)) } }
                @else if sets { td.acts { (link("Settings", &format!("{href}/values")).small().about(&row.service.name)) } }
            }
        }
    };
    table("Offers", &columns, body)
}

fn row_menu(row: &Row, href: &str) -> Markup {
    let turn = match row.offer.state {
        State::Active => Item::post("Close", format!("{href}/close")),
        _ => Item::post("Reopen", format!("{href}/reopen")),
    };
    let items = [
        Item::link("Change", href),
        Item::link("Settings of the branch", format!("{href}/values")),
        Item::link("Who uses it", format!("{href}/uses")),
        turn,
        Item::post("Withdraw", format!("{href}/withdraw")),
    ];
    menu(&format!("offer-{}", row.offer.id), &format!("Actions for {}", row.service.name), &items)
}

fn giver<'a>(cx: &'a Cx, scope: &'a Scope<OffersWrite>) -> Giver<'a> {
    Giver { scope, actor: &cx.actor, key: &cx.app.config.key }
}

/// First the service is chosen, then its plans: both by one address.
pub fn new(cx: &Cx, scope: &Scope<OffersWrite>) -> Result<Response> {
    form(cx, scope, 200, None, &cx.request.query, &[])
}

pub fn create(cx: &Cx, scope: &Scope<OffersWrite>) -> Result<Response> {
    let (reseller, input): (CustomerId, Input) = (cx.param("id")?, cx.input()?);
    let mut said = input.clone();
    settle(&mut said);
    match give::give(cx.db, &giver(cx, scope), reseller, &said) {
        Ok(_) => Ok(cx.done(format!("/customers/{reseller}/offers"), "Offered.")),
        Err(Error::Invalid(complaints)) => form(cx, scope, 422, None, &input, &complaints),
        Err(err) => Err(err),
    }
}

pub fn edit(cx: &Cx, scope: &Scope<OffersWrite>) -> Result<Response> {
    let code: String = cx.param("code")?;
    form(cx, scope, 200, Some(&code), &Input::default(), &[])
}

pub fn update(cx: &Cx, scope: &Scope<OffersWrite>) -> Result<Response> {
    let (reseller, code): (CustomerId, String) = (cx.param("id")?, cx.param("code")?);
    let mut input = cx.input()?;
    let expected = cx.expected_version(&mut input);
    // Boxes that are not ticked say nothing.
    for list in ["plans", "locks"] {
        if !input.has(list) {
            input.set(list, "");
        }
    }
    let mut said = input.clone();
    settle(&mut said);
    match give::change(cx.db, &giver(cx, scope), reseller, &code, &said, expected) {
        Ok(()) => Ok(cx.done(format!("/customers/{reseller}/offers"), "Saved.")),
        Err(Error::Invalid(complaints)) => form(cx, scope, 422, Some(&code), &input, &complaints),
        Err(err) => Err(err),
    }
}

/// What the form of an offer is made from.
struct Form {
    service: Service,
    plans: Vec<Plan>,
    properties: Vec<Property>,
    version: Option<i64>,
    input: Input,
    around: Around<'static>,
    /// What can be limited, and how it stands.
    stands: Vec<Stand>,
    /// The plans that have settings of their own, with what is around those.
    for_plans: Vec<(Plan, Vec<Property>, String, Inherits)>,
}

fn form(
    cx: &Cx,
    scope: &Scope<OffersWrite>,
    status: u16,
    code: Option<&str>,
    typed: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let reseller: CustomerId = cx.param("id")?;
    let (place, services, form) = cx.db.read(|db| {
        let place = places::customer(db, scope, reseller)?;
        let mut services = Vec::new();
        for each in sellable(db, reseller)? {
            let open = store::offer(db, reseller, each.service.id)?
                .is_none_or(|offer| offer.state == State::Withdrawn);
            if open && !each.service.builtin {
                services.push((each.service.code, each.service.name));
            }
        }
        let wanted = code.unwrap_or_else(|| typed.get("service"));
        let chosen = code.is_some() || services.iter().any(|(code, _)| code == wanted);
        let form = if chosen { Some(filled(cx, db, reseller, wanted, typed)?) } else { None };
        Ok((place, services, form))
    })?;
    let base = format!("/customers/{reseller}/offers");
    let body = html! {
        (complaints_flash(complaints, LABELS))
        @match &form {
            Some(form) => (offer_form(cx, form, &base, code, complaints)),
            None if services.is_empty() =>
                (empty("stack-2", "Nothing left to offer", "Everything on sale is offered already.", None)),
            None => (choose(&services, typed, complaints, &base)),
        }
    };
    let title = match &form {
        Some(form) if code.is_some() => format!("Offer of {}", form.service.name),
        _ => "Offer a service".to_owned(),
    };
    let body = section(&title, None, body);
    Ok(places::customer_page(cx, &place, Tab::Offers, status, html! {}, body))
}

fn filled(cx: &Cx, db: &Read, reseller: CustomerId, code: &str, typed: &Input) -> Result<Form> {
    let service = catalogue::service_of(db, code)?;
    let offer = store::offer(db, reseller, service.id)?;
    let offer = offer.filter(|offer| offer.state != State::Withdrawn);
    let held = match &offer {
        Some(offer) => store::offer_plans(db, offer.id)?,
        None => Vec::new(),
    };
    let got = give::givable(db, cx.actor.home, reseller, &service).unwrap_or_default();
    let mut plans = catalogue::plans(db, service.id)?;
    plans.retain(|plan| {
        got.iter().chain([]).any(|each| each.id == plan.id)
            || held.iter().any(|(id, _)| *id == plan.id)
    });
    let standing = properties::standing(&cx.actor, reseller);
    let measures = limits::seen(db, &service, standing)?;
    let mut stands = limits::stand(db, reseller, service.id, measures)?;
    stands.retain(|each| {
        each.measure.plan.is_none_or(|plan| plans.iter().any(|known| known.id == plan))
    });
    let mut seen = properties::seen(db, service.id, standing)?;
    seen.retain(|property| property.usage == Use::Setting && property.written_by(standing));
    let mut input = typed.clone();
    if !typed.has("plans") && !typed.members("limits").any(|_| true) {
        input.set("service", &service.code);
        for plan in &plans {
            if held.iter().any(|(id, state)| *id == plan.id && *state == State::Active) {
                input.push("plans", &plan.code);
            }
        }
        for each in &stands {
            if let Some(max) = each.max {
                let name = format!("limits.{}", each.measure.key);
                input.set(&name, each.measure.typed(max));
            }
        }
        let mut given = properties::at(db, service.id, Place::Given(reseller, None))?;
        given.retain(|(property, _, _)| property.seen_by(standing));
        fill(&mut input, &given, "properties");
        for plan in &plans {
            let mut given = properties::at(db, service.id, Place::Given(reseller, Some(plan.id)))?;
            given.retain(|(property, _, _)| property.seen_by(standing));
            fill(&mut input, &given, &format!("plan_properties.{}", plan.code));
        }
    }
    let mut for_plans = Vec::new();
    for plan in &plans {
        let mut own = seen.clone();
        own.retain(|property| property.level == plan.level && property.takes(At::Reseller));
        let mut asked = Asked { branch: false, ..super::own::asked(&service, reseller) };
        match plan.level {
            Level::User => asked.user_plan = Some(plan.id),
            Level::Customer => asked.customer_plan = Some(plan.id),
        }
        if !own.is_empty() {
            let inherits = origin::inherited(db, cx.actor.home, &asked)?;
            let under = format!("plan_properties.{}", plan.code);
            for_plans.push((plan.clone(), own, under, inherits));
        }
    }
    let asked = Asked { branch: false, ..super::own::asked(&service, reseller) };
    let inherits = origin::inherited(db, cx.actor.home, &asked)?;
    let around = Around { inherits, ..Around::default() };
    let version = offer.map(|offer| offer.version);
    Ok(Form { service, plans, properties: seen, version, input, around, stands, for_plans })
}

fn choose(
    services: &[(String, String)],
    typed: &Input,
    complaints: &[Complaint],
    base: &str,
) -> Markup {
    let opts = Opts { width: 4, ..Opts::default() };
    html! {
        form action={ (base) "/new" } {
            div.form {
                (fieldset("Service", "", choice_field(typed, complaints, "service", "Service", services, opts)))
                (form_foot(html! { (primary("Choose plans")) (cancel(base)) }))
            }
        }
    }
}

fn offer_form(
    cx: &Cx,
    form: &Form,
    base: &str,
    code: Option<&str>,
    complaints: &[Complaint],
) -> Markup {
    let input = &form.input;
    let body = html! {
        div.form {
            @if let Some(version) = form.version { (hidden("version", version)) }
            @else { (hidden("service", &form.service.code)) }
            @if !form.plans.is_empty() {
                (fieldset("Plans", &form.service.name, html! {
                    @for plan in &form.plans { (tick(input, "plans", &plan.code, &plan.name, &plan.sku)) }
                    (complaint_of(complaints, "plans", "Plans"))
                }))
            }
            (fieldset("Limits", "For everybody below together", html! {
                @for stand in &form.stands { (limit_field(input, complaints, stand)) }
                (complaint_of(complaints, "limits", "Limits"))
            }))
            @if !form.properties.is_empty() {
                (fieldset("Settings given along", "For every plan", html! {
                    @for property in &form.properties {
                        (value_field(property, input, complaints, &form.around))
                        (tick(input, "locks", &property.name, &format!("Lock {}", property.label), "Nobody below may overrule it"))
                    }
                }))
            }
            @for (plan, own, under, inherits) in &form.for_plans {
                (for_plan(form, complaints, (plan, own, under, inherits)))
            }
            (brake_field(complaints))
            (form_foot(html! {
                @if code.is_some() { (primary("Save offer")) } @else { (primary("Offer it")) }
                (cancel(base))
            }))
        }
    };
    let action = code.map_or(base.to_owned(), |code| format!("{base}/{code}"));
    post_form(&cx.csrf, &action, body)
}

/// The settings that are given for one plan only.
fn for_plan(
    form: &Form,
    complaints: &[Complaint],
    (plan, own, under, inherits): (&Plan, &[Property], &str, &Inherits),
) -> Markup {
    let around = Around { inherits: inherits.clone(), explained_at: "", under };
    let legend = format!("Given along for {} only", plan.name);
    fieldset(
        &legend,
        "",
        html! { @for property in own { (value_field(property, &form.input, complaints, &around)) } },
    )
}

fn acted(cx: &Cx, reseller: CustomerId, result: Result<()>, text: &str) -> Result<Response> {
    match result {
        Ok(()) => Ok(cx.done(format!("/customers/{reseller}/offers"), text)),
        Err(Error::Invalid(complaints)) => {
            show(cx, &cx.actor.scope::<ServicesRead>()?, 422, &complaints)
        }
        Err(err) => Err(err),
    }
}

pub fn close(cx: &Cx, scope: &Scope<OffersWrite>) -> Result<Response> {
    let (reseller, code): (CustomerId, String) = (cx.param("id")?, cx.param("code")?);
    let text = "Closed. Nothing new is given below; what exists goes on.";
    acted(cx, reseller, give::close(cx.db, scope, reseller, &code), text)
}

pub fn reopen(cx: &Cx, scope: &Scope<OffersWrite>) -> Result<Response> {
    let (reseller, code): (CustomerId, String) = (cx.param("id")?, cx.param("code")?);
    let result = give::reopen(cx.db, &giver(cx, scope), reseller, &code);
    acted(cx, reseller, result, "Open again.")
}

pub fn withdraw(cx: &Cx, scope: &Scope<OffersWrite>) -> Result<Response> {
    let (reseller, code): (CustomerId, String) = (cx.param("id")?, cx.param("code")?);
    acted(cx, reseller, give::withdraw(cx.db, scope, reseller, &code), "Withdrawn.")
}

/// Why a customer cannot have a service.
pub fn why(cx: &Cx, scope: &Scope<ServicesRead>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    let (place, service, checks) = cx.db.read(|db| {
        let place = places::customer(db, scope, customer)?;
        let (service, plan) = api::asked(cx, db)?;
        let subject = Subject::Customer(customer);
        let checks = why_not(db, &cx.actor, subject, &service, plan.as_ref())?;
        Ok((place, service, checks))
    })?;
    let body = html! { (draw_checks(&checks)) (whole_way(cx, customer, &service)?) };
    let body = section(&format!("Why not {}?", service.name), None, body);
    Ok(places::customer_page(cx, &place, Tab::Services, 200, html! {}, body))
}

/// Why a user cannot have one.
pub fn why_user(cx: &Cx, scope: &Scope<ServicesRead>) -> Result<Response> {
    let user: UserId = cx.param("id")?;
    let (home, name, service, checks) = cx.db.read(|db| {
        let person = places::user(db, scope, user)?;
        let (service, plan) = api::asked(cx, db)?;
        let subject = Subject::User(person.customer.id, user);
        let checks = why_not(db, &cx.actor, subject, &service, plan.as_ref())?;
        Ok((person.customer.id, person.name, service, checks))
    })?;
    let title = format!("Why not {} for {name}?", service.name);
    let body = html! {
        (page_head(&title, Head::default()))
        (draw_checks(&checks))
        (whole_way(cx, home, &service)?)
    };
    let trail = [("Users", "/users".to_owned()), (name.as_str(), format!("/users/{user}"))];
    Ok(cx.page(Nav::Users, &title, &trail, body))
}

fn draw_checks(checks: &[Check]) -> Markup {
    let rows = html! {
        @for check in checks {
            tr {
                th scope="row" { (check.text) }
                td { @if check.ok { (pill(Tone::Ok, "Yes")) } @else { (pill(Tone::Bad, "No")) } }
                td.acts {
                    @if let Some((label, href)) = &check.mend { (link(label, href).small()) }
                }
            }
        }
    };
    let met = checks.iter().all(|check| check.ok);
    html! {
        @if met { p { "Nothing stands against it." } }
        (table("Conditions", &[column("Condition"), column("Met"), acts()], rows))
        @if !met { p.muted { "The first No is the reason." } }
    }
}

/// The button that offers it at every level, for those who may at each.
fn whole_way(cx: &Cx, customer: CustomerId, service: &Service) -> Result<Markup> {
    let Ok(scope) = cx.actor.scope::<OffersWrite>() else { return Ok(html! {}) };
    let giver = giver(cx, &scope);
    if !cx.db.read(|db| path::is_open(db, &giver, customer, service))? {
        return Ok(html! {});
    }
    let action = format!("/services/{}/enable-path", service.code);
    let form = post_form(
        &cx.csrf,
        &action,
        html! {
            (hidden("customer_id", customer.0))
            (form_foot(html! { (primary("Offer it at every level")) }))
        },
    );
    Ok(
        html! { p { "It can be offered to every reseller on the way at once, with all plans on sale." } (form) },
    )
}

pub fn enable_path(cx: &Cx, scope: &Scope<OffersWrite>) -> Result<Response> {
    let (code, input): (String, Input) = (cx.param("code")?, cx.input()?);
    path::enable(cx.db, &giver(cx, scope), &code, &input)?;
    let to = format!("/customers/{}/services/{code}/why", input.get("customer_id"));
    Ok(cx.done(to, "Offered at every level."))
}
