//! Tables and forms of a service's page.

use super::fields::Around;
use super::plans::Costs;
use super::properties::{At, Property};
use super::services::Worker;
use super::{Level, OnError, Plan, PlanState, Service, State};
use crate::error::Complaint;
use crate::html::button::{Item, button, cancel, menu, primary};
use crate::html::field::{Opts, brake_field, check, choice_field, options, text_field, tick};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::parts::{Tone, pill, pill_tint};
use crate::html::table::{acts, column, empty, table};
use crate::ids::ConnectorId;
use crate::input::Input;
use crate::prices::{self, Row};
use crate::time::Date;
use crate::web::Cx;
use maud::{Markup, html};

pub fn state_pill(service: &Service, tint: bool) -> Markup {
    let (tone, word) = match service.state {
        State::Active => (Tone::Ok, "On sale"),
        State::Draft => (Tone::Wait, "Draft"),
        State::Retired => (Tone::Off, "Retired"),
    };
    if tint { pill_tint(tone, word) } else { pill(tone, word) }
}

pub fn draw_plans(
    service: &Service,
    plans: &[(Plan, Option<Costs>)],
    may: bool,
    may_cost: bool,
) -> Markup {
    if plans.is_empty() {
        let text = match service.kind {
            Level::User => "A user service needs one at least before it can be sold.",
            Level::Customer => "Without one, the service is sold as it is.",
        };
        return empty("tag", "No plans yet", text, None);
    }
    let priced = plans.iter().any(|(_, costs)| costs.is_some());
    let mut columns = vec![column("Plan"), column("SKU").class("p2"), column("For").class("p3")];
    if priced && may_cost {
        columns.push(column("Cost").class("num p2"));
    }
    if priced {
        columns.push(column("Price").class("num"));
    }
    columns.push(column("State"));
    if may {
        columns.push(acts());
    }
    let show = |row: &Row| row.unit_price.show(row.currency);
    let rows = html! {
        @for (plan, costs) in plans {
            tr {
                th scope="row" { (plan.name) small.mono { (plan.code) } }
                td.p2 { (plan.sku) }
                td.p3 { @if plan.level == Level::User { "User" } @else { "Customer" } }
                @if let Some(costs) = costs {
                    @let now = costs.now.as_ref();
                    @if may_cost {
                        td.num.p2 {
                            @match now.and_then(|row| Some((row, row.unit_cost?))) {
                                Some((row, cost)) => (cost.show(row.currency)),
                                None => "–",
                            }
                        }
                    }
                    td.num {
                        @match now {
                            Some(row) => (show(row)),
                            None if plan.not_sold => "Not billed",
                            None => "–",
                        }
                        @if let Some(next) = &costs.next {
                            small { (show(next)) ", " (effect_words(now.is_none(), next.valid_from)) }
                        }
                        @if let Some(setup) = &costs.setup { small { (show(setup)) " set-up" } }
                    }
                }
                td {
                    @if plan.state == PlanState::Active { (pill(Tone::Ok, "On sale")) }
                    @else { (pill(Tone::Off, "Retired")) }
                }
                @if may { td.acts { (plan_menu(service, plan)) } }
            }
        }
    };
    table("Plans and prices", &columns, rows)
}

/// "takes effect in December 2026".
fn effect_words(first: bool, day: Date) -> String {
    format!("takes effect in {}", prices::takes_effect(first, day).ends_on.month_name())
}

fn plan_menu(service: &Service, plan: &Plan) -> Markup {
    let base = format!("/services/{}/plans/{}", service.code, plan.code);
    let turn = match plan.state {
        PlanState::Active => Item::post("Retire", format!("{base}/retire")),
        PlanState::Retired => Item::post("Put on sale", format!("{base}/activate")),
    };
    let items =
        [Item::link("Edit", base.clone()), turn, Item::post("Delete", format!("{base}/delete"))];
    menu(&format!("plan-{}", plan.id), &format!("Actions for {}", plan.name), &items)
}

/// "What happens": the connectors that do the work, in their order.
pub fn rules_form(
    cx: &Cx,
    service: &Service,
    workers: &[Worker],
    chosen: &(Vec<ConnectorId>, OnError),
) -> Markup {
    if workers.is_empty() {
        let href = "/connectors";
        return html! {
            p {
                "Work in other systems is done by connectors. " a href=(href) { "Set one up" }
                ", or tick Tracking only when you edit the service."
            }
        };
    }
    let mut list = vec![(String::new(), "Nothing".to_owned())];
    list.extend(workers.iter().map(|worker| (worker.id.to_string(), worker.name.clone())));
    let (connectors, on_error) = chosen;
    let places = (connectors.len() + 1).clamp(3, 10);
    let steps = html! {
        @for place in 0..places {
            @let now = connectors.get(place).map(ToString::to_string).unwrap_or_default();
            @let id = format!("connector-{}", place + 1);
            div.field.w3 {
                label.form-label for=(id) { "Step " (place + 1) }
                select.form-select id=(id) name="connectors" { (options(&list, &now)) }
            }
        }
        div.field.w3 {
            label.form-label for="on_error" { "When a step fails" }
            select.form-select id="on_error" name="on_error" {
                (options(&[("stop", "Stop"), ("continue", "Go on with the next")], on_error.word()))
            }
        }
    };
    let about = "Each is called when the service is given, changed, suspended, resumed and removed";
    let form = html! {
        div.form {
            (fieldset("Steps", about, steps))
            (form_foot(html! { (button("Save steps")) }))
        }
    };
    post_form(&cx.csrf, &format!("/services/{}/rules", service.code), form)
}

/// What the form of a plan is made from.
pub struct PlanForm<'a> {
    pub service: &'a Service,
    pub plan: Option<&'a Plan>,
    pub costs: Option<&'a Costs>,
    pub properties: &'a [Property],
    pub prices: bool,
    pub may_cost: bool,
    pub today: Date,
    pub open: Date,
    pub around: Around<'static>,
}

const PLAN_LABELS: &[(&str, &str)] = &[
    ("code", "Code"),
    ("name", "Name"),
    ("sku", "SKU"),
    ("level", "For"),
    ("price", "Price"),
    ("cost", "Cost"),
    ("setup_price", "Set-up price"),
    ("counting", "Counted"),
    ("valid_from", "From"),
    ("sort", "Place"),
];

pub fn plan_form(cx: &Cx, form: &PlanForm, input: &Input, complaints: &[Complaint]) -> Markup {
    let base = format!("/services/{}", form.service.code);
    let action = match form.plan {
        Some(plan) => format!("{base}/plans/{}", plan.code),
        None => format!("{base}/plans"),
    };
    let w2 = Opts { width: 2, ..Opts::default() };
    let code = Opts { most: Some(30), ltr: true, hint: "Fixed once saved", ..w2 };
    let about = html! {
        (text_field(input, complaints, "name", "Name", Opts { width: 4, most: Some(60), ..Opts::default() }))
        @if form.plan.is_none() {
            (text_field(input, complaints, "code", "Code", code))
            @if form.service.kind == Level::User {
                (choice_field(input, complaints, "level", "For", &[("user", "Users"), ("customer", "The customer")], w2))
            }
        }
        (text_field(input, complaints, "sku", "SKU", Opts { optional: true, most: Some(60), ltr: true, ..w2 }))
        (text_field(input, complaints, "sort", "Place", Opts { optional: true, kind: "number", hint: "Small numbers come first", ..w2 }))
        (check(input, complaints, "not_sold", "Not billed", "It makes no line on any bill"))
    };
    let values: Vec<&Property> =
        form.properties.iter().filter(|property| property.takes(At::Plan)).collect();
    let labels: Vec<(String, &str)> = values
        .iter()
        .map(|property| (format!("properties.{}", property.name), property.label.as_str()))
        .collect();
    let mut all: Vec<(&str, &str)> = PLAN_LABELS.to_vec();
    all.extend(labels.iter().map(|(name, label)| (name.as_str(), *label)));
    let body = html! {
        div.form {
            @if let Some(plan) = form.plan { (hidden("version", plan.version)) }
            (fieldset("Plan", "", about))
            @if form.prices { (price_fields(form, input, complaints)) }
            @if !values.is_empty() {
                (fieldset("Settings", "", html! {
                    @for property in &values { (value_field(property, input, complaints, &form.around)) }
                }))
            }
            (brake_field(complaints))
            (form_foot(html! {
                (primary(if form.plan.is_some() { "Save plan" } else { "Add plan" })) (cancel(&base))
            }))
        }
    };
    html! { (complaints_flash(complaints, &all)) (post_form(&cx.csrf, &action, body)) }
}

fn price_fields(form: &PlanForm, input: &Input, complaints: &[Complaint]) -> Markup {
    let per = if form.service.kind == Level::User { "a user a month" } else { "a month" };
    let now = |row: Option<&Row>| match row {
        Some(row) => format!("Now {}", row.unit_price.show(row.currency)),
        None => "No price yet".to_owned(),
    };
    let held = form.costs.and_then(|costs| costs.now.as_ref());
    let (price, setup) = (now(held), now(form.costs.and_then(|costs| costs.setup.as_ref())));
    let cost = held.and_then(|row| Some(format!("Now {}", row.unit_cost?.show(row.currency))));
    let first = form.costs.is_none_or(|costs| costs.now.is_none() && costs.next.is_none());
    let month = if first {
        form.open.month_name()
    } else {
        form.today.first_of_month().plus_months(1).month_name()
    };
    let from = format!("Empty: takes effect in {month}");
    let w2 = Opts { width: 2, ..Opts::default() };
    let counted = [
        ("", "As it is"),
        ("by_day", "By the day"),
        ("at_end", "If there at the end"),
        ("any_day", "If there on any day"),
    ];
    let fields = html! {
        (text_field(input, complaints, "price", "Price", Opts { unit: per, hint: &price, placeholder: "18.00", ..Opts { width: 3, ..w2 } }))
        (text_field(input, complaints, "setup_price", "Set-up price", Opts { optional: true, hint: &setup, ..Opts { width: 3, ..w2 } }))
        @if form.may_cost {
            (text_field(input, complaints, "cost", "Cost", Opts { optional: true, hint: cost.as_deref().unwrap_or("What one costs you"), ..w2 }))
        }
        (choice_field(input, complaints, "counting", "Counted", &counted, w2))
        (text_field(input, complaints, "valid_from", "From", Opts { kind: "date", optional: true, hint: &from, ..w2 }))
    };
    fieldset("Price", "Before VAT; leave empty what stays", fields)
}

/// A field for the value of a property, named `properties.NAME`, with the box that locks it.
fn value_field(
    property: &Property,
    input: &Input,
    complaints: &[Complaint],
    around: &Around,
) -> Markup {
    html! {
        (super::fields::value_field(property, input, complaints, around))
        (tick(input, "locks", &property.name, &format!("Lock {}", property.label), "Nobody below may overrule it"))
    }
}
