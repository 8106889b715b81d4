//! Choosing what to give, and changing what is there. Both lead to a plan.

use super::{Person, Place, Tab, UserTab, plan_for};
use crate::assignments::properties as own;
use crate::assignments::state::Verb;
use crate::assignments::{Held, HeldId, Order, for_customer, for_user, held, offered, store};
use crate::auth::ServiceRights;
use crate::auth::permissions::{CustomerServicesWrite, ServicesRead, UserServicesWrite};
use crate::catalogue::fields::{Around, fill, settle, value_fields};
use crate::catalogue::properties::origin;
use crate::catalogue::properties::{self, Property, Standing};
use crate::catalogue::{self, Level, PlanState, Service};
use crate::db::Read;
use crate::error::{Complaint, Error, Result};
use crate::html::button::{cancel, link, primary};
use crate::html::field::{Opts, choice_field, complaint_of, text_field, tick};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::table::empty;
use crate::ids::{CustomerId, CustomerServiceId, PlanId, ServiceId, UserId, UserServiceId};
use crate::input::Input;
use crate::offers::fields::limit_field;
use crate::offers::{self, Meter, Sellable, Stand, Tally};
use crate::places;
use crate::web::{Cx, Response};
use maud::{Markup, html};

/// What the fields are called.
const LABELS: &[(&str, &str)] = &[
    ("what", "Service and plan"),
    ("service", "Service"),
    ("plan", "Plan"),
    ("label", "Label"),
    ("user_plans", "Plans for users"),
];

pub fn new_customer(cx: &Cx, scope: &ServiceRights<CustomerServicesWrite>) -> Result<Response> {
    let input = cx.request.query.clone();
    customer_form(cx, scope, cx.param("id")?, &input, &[])
}

pub fn give_customer(cx: &Cx, scope: &ServiceRights<CustomerServicesWrite>) -> Result<Response> {
    let (id, input) = (cx.param("id")?, cx.input()?);
    let said = settled(&input);
    let order = cx.db.read(|db| for_customer(db, scope, id, Verb::Give, None, said))?;
    match plan_for(cx, scope, &order) {
        Err(Error::Invalid(complaints)) => customer_form(cx, scope, id, &input, &complaints),
        other => other,
    }
}

fn customer_form(
    cx: &Cx,
    scope: &ServiceRights<CustomerServicesWrite>,
    id: CustomerId,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let read = cx.actor.scope::<ServicesRead>()?;
    let (place, open) = cx.db.read(|db| {
        scope.reaches(db, id)?;
        Ok((places::customer(db, &read, id)?, offers::sellable(db, id)?))
    })?;
    let found = open.iter().find(|each| {
        each.service.code == input.get("service") && scope.extends_to(each.service.id)
    });
    let Sellable { service, plans } = found.ok_or(Error::NotFound)?;
    let own: Vec<(&str, &str)> = plans
        .iter()
        .filter(|plan| plan.level == Level::Customer)
        .map(|plan| (plan.code.as_str(), plan.name.as_str()))
        .collect();
    let mut input = input.clone();
    if !input.has("user_plans") {
        plans.iter().for_each(|plan| input.push("user_plans", &plan.code));
    }
    let base = format!("/customers/{id}/services");
    let own_settings = settings(cx, service.id, id, Level::Customer)?;
    let around = to_be_given(cx, service.id, id, Level::Customer, input.get("plan"))?;
    let (stands, left) = cx.db.read(|db| {
        let plan = catalogue::plan_of(db, service.id, input.get("plan")).ok().map(|plan| plan.id);
        let left = left_said(cx, db, id, service, Level::Customer, plan)?;
        Ok((limits_of(cx, db, id, service)?, left))
    })?;
    let fields = html! {
        (hidden("service", &service.code))
        (fieldset(&service.name, &service.description, html! {
            @if !own.is_empty() { (choice_field(&input, complaints, "plan", "Plan", &own, Opts::default())) }
            @if service.multi { (label_field(&input, complaints)) }
            @if service.kind == Level::User { (user_plans(&input, complaints, plans)) }
            @if let Some(left) = &left { p.field.muted { (left) } }
            (value_fields(&own_settings, &input, complaints, &around))
        }))
        (limit_fields(&input, complaints, &stands))
    };
    let body = form(cx, &base, &base, complaints, fields);
    Ok(customer_page(cx, &place, complaints, body))
}

/// What a customer's service may be limited to by whoever looks, and how it stands.
fn limits_of(cx: &Cx, db: &Read, customer: CustomerId, service: &Service) -> Result<Vec<Stand>> {
    let standing = properties::standing(&cx.actor, customer);
    if standing > Standing::Reseller || offers::is_offered(db, customer, service.id)? {
        return Ok(Vec::new());
    }
    let measures = offers::seen_measures(db, service, standing)?;
    offers::stand(db, customer, service.id, measures)
}

fn limit_fields(input: &Input, complaints: &[Complaint], stands: &[Stand]) -> Markup {
    html! {
        @if !stands.is_empty() {
            (fieldset("Limits", "The most that this customer and its users may have", html! {
                @for stand in stands { (limit_field(input, complaints, stand)) }
                (complaint_of(complaints, "limits", "Limits"))
            }))
        }
    }
}

/// "Left: 3 seats, 120 GiB of Mailbox size"; nothing where nothing is limited.
fn left_said(
    cx: &Cx,
    db: &Read,
    customer: CustomerId,
    service: &Service,
    level: Level,
    plan: Option<PlanId>,
) -> Result<Option<String>> {
    let standing = properties::standing(&cx.actor, customer);
    let mut all = Vec::new();
    let own = Tally { customer, service: service.id, plan, meter: Meter::of(level) };
    all.extend(offers::left_said(db, &own)?);
    for property in properties::seen(db, service.id, standing)? {
        if property.meter && property.level == level {
            let meter = Meter::Sum(&property);
            all.extend(offers::left_said(db, &Tally { meter, ..own })?);
        }
    }
    Ok(Some(all).filter(|all| !all.is_empty()).map(|all| format!("Left: {}.", all.join(", "))))
}

/// The same of what was chosen on a page for users.
pub fn left_of_chosen(
    cx: &Cx,
    customer: CustomerId,
    open: &[(String, String, Service)],
    input: &Input,
) -> Result<Option<String>> {
    let what = input.get("what");
    match (open.iter().find(|(value, _, _)| value == what), what.split_once('/')) {
        (Some((_, _, service)), Some((_, plan))) => cx.db.read(|db| {
            let plan = catalogue::plan_of(db, service.id, plan).ok().map(|plan| plan.id);
            left_said(cx, db, customer, service, Level::User, plan)
        }),
        _ => Ok(None),
    }
}

fn user_plans(input: &Input, complaints: &[Complaint], plans: &[catalogue::Plan]) -> Markup {
    html! {
        div.field {
            p.form-label { "Plans its users may have" }
            @for plan in plans.iter().filter(|plan| plan.level == Level::User) {
                (tick(input, "user_plans", &plan.code, &plan.name, ""))
            }
            (complaint_of(complaints, "user_plans", "Plans for users"))
        }
    }
}

/// The settings of a service that whoever looks may change here, as they are stored at `place`.
fn settings(
    cx: &Cx,
    service: ServiceId,
    customer: CustomerId,
    level: Level,
) -> Result<Vec<Property>> {
    let standing = properties::standing(&cx.actor, customer);
    let mut all = cx.db.read(|db| properties::seen(db, service, standing))?;
    let at = if level == Level::User { properties::At::User } else { properties::At::Customer };
    all.retain(|each| each.written_by(standing) && each.takes(at));
    Ok(all)
}

/// What would hold for something that is about to be given.
fn to_be_given(
    cx: &Cx,
    service: ServiceId,
    customer: CustomerId,
    level: Level,
    plan: &str,
) -> Result<Around<'static>> {
    let inherits = cx.db.read(|db| {
        let plan = catalogue::plan_of(db, service, plan).ok().map(|plan| plan.id);
        let (id, below) = match level {
            Level::Customer => (HeldId::Customer(CustomerServiceId(0)), None),
            Level::User => (HeldId::User(UserServiceId(0)), store::below(db, customer, service)?),
        };
        let asked = own::wanted(db, customer, service, id, plan, below)?;
        origin::inherited(db, cx.actor.home, &asked)
    })?;
    Ok(Around { inherits, ..Around::default() })
}

/// The same around what is held.
fn around_held<'a>(cx: &Cx, held: &Held, explained_at: &'a str) -> Result<Around<'a>> {
    let inherits = cx.db.read(|db| origin::inherited(db, cx.actor.home, &own::asked(db, held)?))?;
    Ok(Around { inherits, explained_at, under: "" })
}

/// What is stored at the assignment itself, as far as whoever looks sees it.
fn fill_settings(cx: &Cx, db: &Read, held: &Held, input: &mut Input) -> Result<()> {
    let standing = properties::standing(&cx.actor, held.customer);
    let mut stored = properties::at(db, held.service, own::place(held.id))?;
    stored.retain(|(property, _, _)| property.written_by(standing) && property.seen_by(standing));
    fill(input, &stored, "properties");
    Ok(())
}

fn settled(input: &Input) -> Input {
    let mut said = input.clone();
    settle(&mut said);
    said
}

fn label_field(input: &Input, complaints: &[Complaint]) -> Markup {
    let opts = Opts {
        hint: "Tells several apart. Empty: as the service suggests, where it does.",
        most: Some(60),
        ..Opts::default()
    };
    text_field(input, complaints, "label", "Label", opts)
}

fn form(cx: &Cx, action: &str, back: &str, complaints: &[Complaint], fields: Markup) -> Markup {
    html! {
        (complaints_flash(complaints, LABELS))
        (post_form(&cx.csrf, action, html! {
            div.form { (fields) }
            (form_foot(html! { (primary("Show the plan")) (cancel(back)) }))
        }))
    }
}

fn customer_page(cx: &Cx, place: &Place, complaints: &[Complaint], body: Markup) -> Response {
    let status = if complaints.is_empty() { 200 } else { 422 };
    places::customer_page(cx, place, Tab::Services, status, html! {}, body)
}

fn user_page(cx: &Cx, person: &Person, complaints: &[Complaint], body: Markup) -> Response {
    let status = if complaints.is_empty() { 200 } else { 422 };
    places::user_page(cx, person, UserTab::Services, status, html! {}, body)
}

/// Said by a form that shows the settings of what was chosen.
const SETTINGS: &str = "settings";

/// Whether what was chosen has settings that the form did not show yet. They depend on the choice,
/// so that they come after it.
pub fn still_to_set(cx: &Cx, customer: CustomerId, input: &mut Input) -> Result<bool> {
    let shown = input.has(SETTINGS);
    input.remove(SETTINGS);
    if shown {
        return Ok(false);
    }
    let open = cx.db.read(|db| offered(db, customer))?;
    Ok(!chosen_settings(cx, customer, &open, input)?.is_empty())
}

/// What may be set of the service that was chosen.
pub fn chosen_settings(
    cx: &Cx,
    customer: CustomerId,
    open: &[(String, String, Service)],
    input: &Input,
) -> Result<Vec<Property>> {
    match open.iter().find(|(value, _, _)| value == input.get("what")) {
        Some((_, _, service)) => settings(cx, service.id, customer, Level::User),
        None => Ok(Vec::new()),
    }
}

/// What would hold of what was chosen.
pub fn around_chosen(
    cx: &Cx,
    customer: CustomerId,
    open: &[(String, String, Service)],
    input: &Input,
) -> Result<Around<'static>> {
    let what = input.get("what");
    match (open.iter().find(|(value, _, _)| value == what), what.split_once('/')) {
        (Some((_, _, service)), Some((_, plan))) => {
            to_be_given(cx, service.id, customer, Level::User, plan)
        }
        _ => Ok(Around::default()),
    }
}

/// The choice; once its settings are there it stands, and `back` leads to another.
pub fn what_field(
    input: &Input,
    complaints: &[Complaint],
    open: &[(String, String, Service)],
    own: &[Property],
    back: &str,
) -> Markup {
    let choices: Vec<(&str, &str)> =
        open.iter().map(|(value, text, _)| (value.as_str(), text.as_str())).collect();
    let chosen = choices.iter().find(|(value, _)| *value == input.get("what"));
    match chosen {
        Some((value, text)) if !own.is_empty() => html! {
            p { (text) " " (link("Choose another", back).small()) }
            (hidden("what", value))
            (hidden(SETTINGS, "1"))
            (complaint_of(complaints, "what", "Service and plan"))
        },
        _ => choice_field(input, complaints, "what", "Service and plan", &choices, Opts::default()),
    }
}

/// Service and plan are one choice on a page and two fields of an order.
pub fn split(input: &Input) -> Input {
    let mut said = input.clone();
    if let Some((service, plan)) = input.get("what").split_once('/') {
        said.set("service", service);
        said.set("plan", plan);
    }
    said.remove("what");
    settle(&mut said);
    said
}

/// What is wrong with either is shown at the one choice.
pub fn joined(complaints: Vec<Complaint>) -> Vec<Complaint> {
    let at_choice = |mut each: Complaint| {
        if ["service", "plan"].contains(&each.field.as_ref()) {
            each.field = "what".into();
        }
        each
    };
    complaints.into_iter().map(at_choice).collect()
}

pub fn new_user(cx: &Cx, scope: &ServiceRights<UserServicesWrite>) -> Result<Response> {
    user_form(cx, scope, cx.param("id")?, &Input::default(), &[])
}

pub fn give_user(cx: &Cx, scope: &ServiceRights<UserServicesWrite>) -> Result<Response> {
    let (id, mut input) = (cx.param("id")?, cx.input()?);
    let customer = cx.db.read(|db| scope.home_of(db, id))?;
    if still_to_set(cx, customer, &mut input)? {
        return user_form(cx, scope, id, &input, &[]);
    }
    let said = split(&input);
    let order = cx.db.read(|db| for_user(db, scope, id, Verb::Give, None, said))?;
    match plan_for(cx, scope, &order) {
        Err(Error::Invalid(complaints)) => user_form(cx, scope, id, &input, &joined(complaints)),
        other => other,
    }
}

fn user_form(
    cx: &Cx,
    scope: &ServiceRights<UserServicesWrite>,
    id: UserId,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let read = cx.actor.scope::<ServicesRead>()?;
    let (person, open) = cx.db.read(|db| {
        scope.home_of(db, id)?;
        let person = places::user(db, &read, id)?;
        let mut open = offered(db, person.customer.id)?;
        open.retain(|(_, _, service)| scope.extends_to(service.id));
        Ok((person, open))
    })?;
    let base = format!("/users/{id}/services");
    if open.is_empty() {
        let text =
            format!("{} has no service that its users could be given.", person.customer.name);
        let body = empty("stack-2", "Nothing to give", &text, None);
        return Ok(user_page(cx, &person, complaints, body));
    }
    let multi = open.iter().any(|(_, _, service)| service.multi);
    let own = chosen_settings(cx, person.customer.id, &open, input)?;
    let around = around_chosen(cx, person.customer.id, &open, input)?;
    let left = left_of_chosen(cx, person.customer.id, &open, input)?;
    let fields = fieldset(
        "Give a service",
        "",
        html! {
            (what_field(input, complaints, &open, &own, &format!("{base}/new")))
            @if multi { (label_field(input, complaints)) }
            @if let Some(left) = &left { p.field.muted { (left) } }
            (value_fields(&own, input, complaints, &around))
        },
    );
    Ok(user_page(cx, &person, complaints, form(cx, &base, &base, complaints, fields)))
}

pub fn edit_customer(cx: &Cx, scope: &ServiceRights<CustomerServicesWrite>) -> Result<Response> {
    edit_customer_form(cx, scope, None, &[])
}

pub fn change_customer(cx: &Cx, scope: &ServiceRights<CustomerServicesWrite>) -> Result<Response> {
    let (id, held) = (cx.param("id")?, cx.param("aid")?);
    let mut input = cx.input()?;
    let expected = cx.expected_version(&mut input);
    let said = settled(&input);
    let order = cx.db.read(|db| for_customer(db, scope, id, Verb::Change, Some(held), said))?;
    match plan_for(cx, scope, &Order { expected, ..order }) {
        Err(Error::Invalid(complaints)) => edit_customer_form(cx, scope, Some(&input), &complaints),
        other => other,
    }
}

fn edit_customer_form(
    cx: &Cx,
    scope: &ServiceRights<CustomerServicesWrite>,
    input: Option<&Input>,
    complaints: &[Complaint],
) -> Result<Response> {
    let (id, aid): (CustomerId, CustomerServiceId) = (cx.param("id")?, cx.param("aid")?);
    let (place, held, enabled, plans) = cx.db.read(|db| {
        let scope = &scope.on(store::service_of(db, id, HeldId::Customer(aid))?)?;
        let held = held::customer_service(db, scope, id, aid)?;
        let enabled = store::enabled_plans(db, aid)?;
        let open =
            offers::sellable(db, id)?.into_iter().find(|each| each.service.id == held.service);
        let mut plans = catalogue::plans(db, held.service)?;
        let offered = open.map_or(Vec::new(), |open| open.plans);
        plans.retain(|plan| {
            offered.iter().any(|each| each.id == plan.id)
                || enabled.iter().any(|(id, _, _)| *id == plan.id)
                || held.plan_id == Some(plan.id)
        });
        Ok((places::customer(db, scope, id)?, held, enabled, plans))
    })?;
    let mut filled = Input::default();
    filled.set("plan", &held.plan);
    filled.set("label", &held.label);
    enabled.iter().for_each(|(_, code, _)| filled.push("user_plans", code));
    let (stands, left) = cx.db.read(|db| {
        fill_settings(cx, db, &held, &mut filled)?;
        let service = catalogue::service(db, held.service)?;
        let left = left_said(cx, db, id, &service, Level::Customer, held.plan_id)?;
        Ok((limits_of(cx, db, id, &service)?, left))
    })?;
    for each in &stands {
        if let Some(max) = each.max {
            filled.set(&format!("limits.{}", each.measure.key), each.measure.typed(max));
        }
    }
    let own_settings = settings(cx, held.service, id, Level::Customer)?;
    let input = input.cloned().unwrap_or(filled);
    let base = format!("/customers/{id}/services");
    let here = format!("{base}/{aid}");
    let around = around_held(cx, &held, &here)?;
    let own = choices(&plans, Level::Customer);
    let fields = html! {
        (hidden("version", held.version))
        (fieldset(&held.title(), "", html! {
            @if !own.is_empty() { (choice_field(&input, complaints, "plan", "Plan", &own, Opts::default())) }
            @if held.multi { (label_field(&input, complaints)) }
            @if held.by_user { (user_plans(&input, complaints, &plans)) }
            @if let Some(left) = &left { p.field.muted { (left) } }
            (value_fields(&own_settings, &input, complaints, &around))
        }))
        (limit_fields(&input, complaints, &stands))
    };
    let body = form(cx, &format!("{base}/{aid}"), &base, complaints, fields);
    Ok(customer_page(cx, &place, complaints, body))
}

fn choices(plans: &[catalogue::Plan], level: Level) -> Vec<(String, String)> {
    let of_level = plans.iter().filter(|plan| plan.level == level);
    of_level.map(|plan| (plan.code.clone(), plan.name.clone())).collect()
}

pub fn edit_user(cx: &Cx, scope: &ServiceRights<UserServicesWrite>) -> Result<Response> {
    edit_user_form(cx, scope, None, &[])
}

pub fn change_user(cx: &Cx, scope: &ServiceRights<UserServicesWrite>) -> Result<Response> {
    let (id, held) = (cx.param("id")?, cx.param("aid")?);
    let mut input = cx.input()?;
    let expected = cx.expected_version(&mut input);
    let said = settled(&input);
    let order = cx.db.read(|db| for_user(db, scope, id, Verb::Change, Some(held), said))?;
    match plan_for(cx, scope, &Order { expected, ..order }) {
        Err(Error::Invalid(complaints)) => edit_user_form(cx, scope, Some(&input), &complaints),
        other => other,
    }
}

fn edit_user_form(
    cx: &Cx,
    scope: &ServiceRights<UserServicesWrite>,
    input: Option<&Input>,
    complaints: &[Complaint],
) -> Result<Response> {
    let (id, aid): (UserId, UserServiceId) = (cx.param("id")?, cx.param("aid")?);
    let (person, held, plans) = cx.db.read(|db| {
        let home = scope.home_of(db, id)?;
        let scope = &scope.on(store::service_of(db, home, HeldId::User(aid))?)?;
        let held = held::user_service(db, scope, id, aid)?;
        let enabled = store::enabled_plans(db, held.customer_service)?;
        let mut plans = catalogue::plans(db, held.service)?;
        plans.retain(|plan| {
            let open =
                plan.state == PlanState::Active && enabled.iter().any(|(id, _, _)| *id == plan.id);
            open || held.plan_id == Some(plan.id)
        });
        Ok((places::user(db, scope, id)?, held, plans))
    })?;
    let mut filled = Input::default();
    filled.set("plan", &held.plan);
    filled.set("label", &held.label);
    let left = cx.db.read(|db| {
        fill_settings(cx, db, &held, &mut filled)?;
        let service = catalogue::service(db, held.service)?;
        left_said(cx, db, held.customer, &service, Level::User, held.plan_id)
    })?;
    let own_settings = settings(cx, held.service, held.customer, Level::User)?;
    let input = input.cloned().unwrap_or(filled);
    let base = format!("/users/{id}/services");
    let here = format!("{base}/{aid}");
    let around = around_held(cx, &held, &here)?;
    let fields = html! {
        (hidden("version", held.version))
        (fieldset(&held.title(), "", html! {
            (choice_field(&input, complaints, "plan", "Plan", &choices(&plans, Level::User), Opts::default()))
            @if held.multi { (label_field(&input, complaints)) }
            @if let Some(left) = &left { p.field.muted { (left) } }
            (value_fields(&own_settings, &input, complaints, &around))
        }))
    };
    let body = form(cx, &format!("{base}/{aid}"), &base, complaints, fields);
    Ok(user_page(cx, &person, complaints, body))
}
