use super::actions::{Kind, Param};
use super::condition::{Known, Type};
use super::names::{self, Listed};
use super::text::Into;
use super::{
    Filter, Rule, Run, Slot, Subject, Version, dry, edit, events, list as all_rules, one, plan,
};
use super::{store, versions};
use crate::auth::permissions::RulesWrite;
use crate::auth::{PROVIDER, Scope};
use crate::directory;
use crate::engine::Action;
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{Item, button, cancel, link, menu_button, primary};
use crate::html::field::{Opts, check, choice_field, text_field, textarea};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::parts::{Head, Tone, card, card_flush, flash, page_head, pill, section, tag};
use crate::html::table::{self, Look, acts, column, table, table_with};
use crate::html::text;
use crate::ids::{CustomerId, RuleId};
use crate::input::Input;
use crate::web::{Cx, Response};
use maud::{Markup, html};
use std::collections::BTreeMap;

const LABELS: &[(&str, &str)] = &[
    ("customer_id", "Holds for"),
    ("service", "Service"),
    ("event", "Event"),
    ("slot", "Slot"),
    ("position", "Place"),
    ("key", "Key"),
    ("title", "Title"),
    ("condition", "Condition"),
    ("action", "Action"),
    ("connector_id", "Connector"),
    ("on_error", "When it fails"),
    ("tries", "Tries"),
    ("time_limit", "Time limit"),
    ("params", "Parameters"),
];

pub fn index(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    let query = &cx.request.query;
    let filter =
        Filter { event: query.get("event").to_owned(), service: query.get("service").to_owned() };
    let (rules, services) =
        cx.db.read(|db| Ok((all_rules(db, scope, &filter)?, store::services(db)?)))?;
    let new = link("New rule", "/rules/new").primary().icon("plus");
    let head = Head {
        actions: Some(html! { (new) }),
        lede: "What is done when something happens, in order: first what may refuse, then the work, then what follows it.",
        ..Head::default()
    };
    let mut by_event: BTreeMap<&str, Vec<&Rule>> = BTreeMap::new();
    for rule in &rules {
        by_event.entry(&rule.event).or_default().push(rule);
    }
    let mut events_named = vec![("", "All events")];
    events_named.extend(events().map(|event| (event, event)));
    let mut of_services = vec![(String::new(), "All services".to_owned())];
    of_services.extend(services);
    let body = html! {
        (page_head("Rules", head))
        (table::filters("/rules", html! {
            (table::select("event", "Event", &events_named, &filter.event))
            (table::select("service", "Service", &of_services, &filter.service))
        }))
        @if rules.is_empty() {
            (table::empty("list-check", "No rules here",
                "A rule says what is done when a service is given, changed or taken away. The simple ones are made on a service’s own page.", None))
        }
        @for (event, rules) in &by_event {
            (section(event, None, rows(rules)))
        }
    };
    Ok(cx.page(Nav::Connectors, "Rules", &[], body))
}

fn rows(rules: &[&Rule]) -> Markup {
    let columns = [
        column("Rule"),
        column("Slot").class("p2"),
        column("Does"),
        column("For").class("p2"),
        column("State").class("p3"),
        acts(),
    ];
    let body = html! {
        @for rule in rules {
            @let at = format!("/rules/{}", rule.id);
            tr {
                th scope="row" {
                    a href=(at) { (rule.title()) }
                    small { span.mono { (rule.key) } @if !rule.condition.is_empty() { " · if " span.mono { (rule.condition) } } }
                }
                td.p2 { (rule.slot.label()) " " span.muted { (rule.position) } }
                td { (rule.action.label()) }
                td.p2 {
                    (owner(rule))
                    @if rule.customer.is_some() { small { (rule.service_name.as_deref().unwrap_or("Every service")) } }
                }
                td.p3 { (state(rule)) }
                td.acts {
                    @if !rule.part {
                        @if rule.enabled { (button("Switch off").small().about(&rule.title()).posts(&format!("{at}/disable"))) }
                        @else { (button("Switch on").small().about(&rule.title()).posts(&format!("{at}/enable"))) }
                    }
                }
            }
        }
    };
    table("Rules", &columns, body)
}

fn owner(rule: &Rule) -> String {
    match (&rule.customer_name, &rule.service_name) {
        (Some(_), _) if rule.customer == Some(PROVIDER) => "Everybody".to_owned(),
        (Some(name), _) => format!("{name} and below"),
        (None, Some(service)) => format!("Part of {service}"),
        (None, None) => String::new(),
    }
}

fn state(rule: &Rule) -> Markup {
    if rule.enabled { pill(Tone::Ok, "On") } else { pill(Tone::Off, "Off") }
}

/// First what and when; then the form that this needs.
pub fn new(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    let input = cx.request.query.clone();
    cx.db.read(|db| scope.reaches(db, PROVIDER))?;
    let chosen = input.get("action").parse::<Action>().is_ok()
        && events().any(|event| event == input.get("event"));
    if !chosen {
        return choose(cx, &input);
    }
    let mut input = input;
    if input.get("slot").is_empty() {
        let judges = ["check", "refuse"].contains(&input.get("action"));
        input.set("slot", if judges { "before" } else { "main" });
    }
    if input.get("position").is_empty() {
        input.set("position", 100);
    }
    if input.get("customer_id").is_empty() {
        input.set("customer_id", PROVIDER);
    }
    input.set("enabled", "1");
    form(cx, None, &input, &[])
}

fn choose(cx: &Cx, input: &Input) -> Result<Response> {
    let services = cx.db.read(store::services)?;
    let mut of_services = vec![(String::new(), "Whatever the event is about".to_owned())];
    of_services.extend(services);
    let named: Vec<(&str, &str)> = events().map(|event| (event, event)).collect();
    let actions: Vec<(&str, &str)> =
        Action::offered().map(|action| (action.word(), action.label())).collect();
    let w3 = Opts { width: 3, ..Opts::default() };
    let body = html! {
        (page_head("New rule", Head { lede: "When is it, and what is to be done?", ..Head::default() }))
        form.form action="/rules/new" {
            div.fields {
                (choice_field(input, &[], "event", "When", &named, w3))
                (choice_field(input, &[], "service", "Of the service", &of_services, Opts { hint: "Empty for events of customers", ..w3 }))
                (choice_field(input, &[], "action", "Do", &actions, w3))
            }
            (form_foot(html! { button.btn.btn-primary { "Go on" } (cancel("/rules")) }))
        }
    };
    Ok(cx.page(Nav::Connectors, "New rule", &trail(), body))
}

pub fn create(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    let input = cx.input()?;
    match edit::create(cx.db, scope, &input) {
        Ok(id) => Ok(
            cx.done(format!("/rules/{id}"), "The rule was saved. It counts from the next plan on.")
        ),
        Err(Error::Invalid(all)) => form(cx, None, &input, &all),
        Err(err) => Err(err),
    }
}

pub fn show(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    let rule = cx.db.read(|db| one(db, scope, cx.param("id")?))?;
    form(cx, Some(&rule), &rule.input(), &[])
}

pub fn update(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    let (id, mut input): (RuleId, Input) = (cx.param("id")?, cx.input()?);
    let version = cx.expected_version(&mut input);
    match edit::update(cx.db, scope, id, version, &input) {
        Ok(()) => Ok(cx.done(format!("/rules/{id}"), "Saved. It counts from the next plan on.")),
        Err(Error::Invalid(all)) => {
            let rule = cx.db.read(|db| one(db, scope, id))?;
            form(cx, Some(&rule), &input, &all)
        }
        Err(err) => Err(err),
    }
}

pub fn enable(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    edit::enable(cx.db, scope, cx.param("id")?, true)?;
    Ok(cx.done("/rules", "The rule is on from the next plan on."))
}

pub fn disable(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    edit::enable(cx.db, scope, cx.param("id")?, false)?;
    Ok(cx.done("/rules", "The rule is off. What was planned with it goes on."))
}

pub fn revert(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    let id: RuleId = cx.param("id")?;
    edit::revert(cx.db, scope, id, cx.param("version")?)?;
    Ok(cx.done(format!("/rules/{id}"), "The rule is again as it was then."))
}

pub fn ask_delete(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    let rule = cx.db.read(|db| one(db, scope, cx.param("id")?))?;
    let at = format!("/rules/{}", rule.id);
    let title = format!("Delete “{}”?", rule.title());
    let body = html! {
        (page_head(&title, Head::default()))
        p { "What was planned with it goes on. Its history goes with it; to keep that, switch it off instead." }
        (post_form(&cx.csrf, &format!("{at}/delete"), html! {
            (form_foot(html! { (button("Delete").danger()) (cancel(&at)) }))
        }))
    };
    Ok(cx.page(Nav::Connectors, &title, &trail(), body))
}

pub fn delete(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    edit::delete(cx.db, scope, cx.param("id")?)?;
    Ok(cx.done("/rules", "The rule was deleted."))
}

/// Tries it on somebody, and says what would be.
pub fn dry_run(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    let (id, input): (RuleId, Input) = (cx.param("id")?, cx.input()?);
    let rule = cx.db.read(|db| one(db, scope, id))?;
    match super::dry_run(cx.app, scope, id, &input) {
        Ok(run) => {
            let title = format!("“{}” tried on {}", rule.title(), run.subject);
            let body = html! {
                (page_head(&title, Head { lede: "Nothing was changed, here or outside.", ..Head::default() }))
                (tried(&run))
                div.row { (link("Back to the rule", &format!("/rules/{id}"))) }
            };
            let mut trail = trail();
            let name = rule.title();
            trail.push((name.as_str(), format!("/rules/{id}")));
            Ok(cx.page(Nav::Connectors, &title, &trail, body))
        }
        Err(Error::Invalid(all)) => form(cx, Some(&rule), &rule.input(), &all),
        Err(err) => Err(err),
    }
}

fn tried(run: &Run) -> Markup {
    let parts = [column("Part"), column("Value")];
    let (tone, said) = match (run.holds, &run.refusal) {
        (_, Some(text)) => (Tone::Bad, format!("It would be refused: {text}")),
        (Some(true), None) => (Tone::Ok, "The rule holds.".to_owned()),
        (Some(false), None) => (Tone::Off, "The rule does not hold, so it is left out.".to_owned()),
        (None, None) => {
            (Tone::Wait, "Whether it holds depends on what an earlier step answers.".to_owned())
        }
    };
    let told = serde_json::to_string_pretty(&run.params).unwrap_or_default();
    html! {
        div.stack {
            (flash(tone, html! { (said) }, None))
            @if !run.condition.is_empty() {
                (section("The condition", None, table("The condition, part by part", &parts, html! {
                    @for part in &run.condition { tr { td.mono { (part.text) } td.mono { (part.value) } } }
                })))
            }
            @if run.params.as_object().is_some_and(|all| !all.is_empty()) {
                (card("What it would be told", None, html! { pre.log tabindex="0" { (told) } }))
            }
            @if !run.connector.is_empty() {
                (card("The other side", None, html! {
                    p { (run.connector) }
                    @if !run.changes.is_empty() { ul { @for change in &run.changes { li { (change) } } } }
                }))
            }
        }
    }
}

fn trail<'a>() -> Vec<(&'a str, String)> {
    vec![("Rules", "/rules".to_owned())]
}

/// The editor, with everything that may be named beside it and what it is for somebody real.
fn form(cx: &Cx, rule: Option<&Rule>, input: &Input, complaints: &[Complaint]) -> Result<Response> {
    let action: Action = input.get("action").parse().unwrap_or(Action::WebhookSend);
    let (event, code) = (input.get("event").to_owned(), input.get("service").to_owned());
    let owner: CustomerId = input.get("customer_id").parse().unwrap_or(PROVIDER);
    let own = rule.is_none_or(|rule| !rule.part);
    let scope = cx.actor.scope::<RulesWrite>()?;
    let (connectors, names, sample, services, history) = cx.db.read(|db| {
        let service = store::service(db, &code)?.map(|(id, _)| id);
        let names = names::listed(db, &event, service)?;
        let sample = dry::sample(db, &event, &code)?;
        let home = match &sample {
            Some((subject, _)) => directory::surroundings(db, subject.customer)?,
            None => None,
        };
        let sample = sample.map(|(subject, document)| {
            let known = Known(names.iter().map(|each| (each.name.clone(), each.is)).collect());
            let today = plan::today(&document, db.now);
            let shown = |each: &Listed| {
                let value = match each.name.starts_with("env.") {
                    true => names::of_home(home.as_ref(), &each.name),
                    false => names::value(&document, today, &known, &each.name),
                };
                value.map_or_else(String::new, |value| value.to_string())
            };
            let values: Vec<String> = names.iter().map(shown).collect();
            (subject, values)
        });
        let history = match rule {
            Some(rule) => versions(db, &scope, rule.id)?,
            None => Vec::new(),
        };
        Ok((store::connectors(db, owner, action)?, names, sample, store::services(db)?, history))
    })?;
    let title = rule.map_or_else(|| "New rule".to_owned(), Rule::title);
    let head = Head {
        state: rule.map(state),
        actions: rule.filter(|_| own).map(actions_of),
        lede: action.label(),
    };
    let belongs = rule.filter(|_| !own).map(|rule| {
        let service = rule.service_name.as_deref().unwrap_or("its service");
        let service_code = rule.service_code.as_deref().unwrap_or_default();
        flash(Tone::Off, html! {
            "This rule belongs to " b { (service) } ": add a rule Before or After, or one with the key "
            span.mono { (rule.key) } " that takes its place."
        }, Some(html! { (link("Add a rule", &format!("/rules/new?event={}&service={service_code}", rule.event))) }))
    });
    let shown =
        Form { cx, rule, input, complaints, action, connectors: &connectors, services: &services };
    let body = html! {
        (page_head(&title, head))
        (complaints_flash(complaints, LABELS))
        div.cols {
            div.stack {
                @if let Some(text) = belongs { (text) } @else { (shown.draw()) }
                @if let Some(rule) = rule {
                    (try_it(cx, rule, sample.as_ref().map(|(subject, _)| subject)))
                    @if !history.is_empty() { (card_flush("History", None, past(cx, rule, &history))) }
                }
            }
            div.stack { (card_flush("What may be named", None, listed(&names, sample.as_ref()))) }
        }
    };
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(cx.page_with(status, Nav::Connectors, &title, &trail(), body))
}

fn actions_of(rule: &Rule) -> Markup {
    let at = format!("/rules/{}", rule.id);
    let switch = match rule.enabled {
        true => Item::post("Switch off", format!("{at}/disable")),
        false => Item::post("Switch on", format!("{at}/enable")),
    };
    menu_button(
        "rule",
        "More",
        &[switch, Item::Line, Item::danger("Delete…", format!("{at}/delete"))],
    )
}

struct Form<'a> {
    cx: &'a Cx<'a>,
    rule: Option<&'a Rule>,
    input: &'a Input,
    complaints: &'a [Complaint],
    action: Action,
    connectors: &'a [(crate::ids::ConnectorId, String)],
    services: &'a [(String, String)],
}

impl Form<'_> {
    fn draw(&self) -> Markup {
        let (input, complaints) = (self.input, self.complaints);
        let half = Opts { width: 3, ..Opts::default() };
        let mono = Opts { ltr: true, ..Opts::default() };
        let slots: Vec<(&str, &str)> =
            Slot::ALL.iter().map(|slot| (slot.word(), slot.label())).collect();
        let mut services = vec![(String::new(), "Whatever the event is about".to_owned())];
        services.extend_from_slice(self.services);
        let when = html! {
            (hidden("event", input.get("event")))
            div.field.w3 { span.form-label { "Event" } div.mono { (input.get("event")) } }
            @if input.get("event").contains("_service.") {
                (choice_field(input, complaints, "service", "Service", &services, half))
            }
            (text_field(input, complaints, "customer_id", "Holds for", Opts { optional: true, kind: "number",
                hint: "A customer’s number: for it and all below it. 1 is everybody", ..half }))
            (choice_field(input, complaints, "slot", "Slot", &slots, Opts { width: 2, hint: "Before looks and refuses", ..Opts::default() }))
            (text_field(input, complaints, "position", "Place", Opts { width: 2, kind: "number", hint: "Small numbers first", ..Opts::default() }))
            (textarea(input, complaints, "condition", "Only if", Opts { optional: true, rows: 3,
                hint: "Like user.department == \"Sales\" && has(user.manager.upn)", ..mono }))
        };
        let what = html! {
            (hidden("action", self.action.word()))
            (text_field(input, complaints, "title", "Title", Opts { optional: true, most: Some(100), ..half }))
            (text_field(input, complaints, "key", "Key", Opts { most: Some(40), ltr: true,
                hint: "Later rules name its answers {out.KEY.NAME}", ..half }))
            @if self.action.is_outside() { (self.connector()) }
            @for param in self.action.params() { (self.param(param)) }
        };
        let fails = html! {
            (choice_field(input, complaints, "on_error", "When it fails", &[("stop", "Stop"), ("continue", "Go on with the next")], half))
            (text_field(input, complaints, "tries", "Tries", Opts { width: 2, optional: true, kind: "number", hint: "Empty is 8", ..Opts::default() }))
            @if self.action.is_outside() {
                (text_field(input, complaints, "time_limit", "Seconds", Opts { width: 2, optional: true, kind: "number", hint: "Empty is the connector’s", ..Opts::default() }))
            }
            (check(input, complaints, "enabled", "On", "It counts from the next plan on"))
        };
        let at =
            self.rule.map_or_else(|| "/rules".to_owned(), |rule| format!("/rules/{}", rule.id));
        let body = html! {
            div.form {
                @if let Some(rule) = self.rule { (hidden("version", rule.version)) }
                (fieldset("When", "", when))
                (fieldset("What", "", what))
                (fieldset("And if", "", fails))
                (form_foot(html! { (primary("Save rule")) (cancel("/rules")) }))
            }
        };
        post_form(&self.cx.csrf, &at, body)
    }

    fn connector(&self) -> Markup {
        let mut list = vec![(String::new(), "Choose one".to_owned())];
        list.extend(self.connectors.iter().map(|(id, name)| (id.to_string(), name.clone())));
        let opts = Opts { width: 3, ..Opts::default() };
        choice_field(self.input, self.complaints, "connector_id", "Connector", &list, opts)
    }

    fn param(&self, param: &Param) -> Markup {
        let name = format!("params.{}", param.name);
        let opts = Opts { hint: param.hint, optional: !param.required, ..Opts::default() };
        let (input, complaints) = (self.input, self.complaints);
        match param.kind {
            Kind::Number(..) => {
                let opts = Opts { kind: "number", width: 2, ..opts };
                text_field(input, complaints, &name, param.label, opts)
            }
            Kind::Choice(words) => {
                let mut list = vec![("", "As said below")];
                list.extend(words.iter().map(|word| (*word, *word)));
                choice_field(
                    input,
                    complaints,
                    &name,
                    param.label,
                    &list,
                    Opts { width: 3, ..opts },
                )
            }
            Kind::Flag => choice_field(
                input,
                complaints,
                &name,
                param.label,
                &[("true", "Yes"), ("false", "No")],
                Opts { width: 2, hint: "", ..opts },
            ),
            Kind::Word
            | Kind::Clock
            | Kind::Text(Into::Line | Into::Url | Into::Email | Into::Json | Into::Target) => {
                let ltr = param.kind != Kind::Text(Into::Line);
                text_field(input, complaints, &name, param.label, Opts { ltr, ..opts })
            }
            Kind::Text(Into::Lines) => {
                textarea(input, complaints, &name, param.label, Opts { rows: 6, ..opts })
            }
            Kind::Json | Kind::Map | Kind::List(_) | Kind::Secrets | Kind::Condition => {
                textarea(input, complaints, &name, param.label, Opts { ltr: true, ..opts })
            }
        }
    }
}

fn listed(names: &[Listed], sample: Option<&(Subject, Vec<String>)>) -> Markup {
    let columns = [column("Name"), column(if sample.is_some() { "Sample" } else { "Type" })];
    let rows = html! {
        @for (place, each) in names.iter().enumerate() {
            tr {
                td { span.mono { (each.name) } @if !each.about.is_empty() { small { (each.about) } } }
                td {
                    @match sample.and_then(|(_, values)| values.get(place)).filter(|value| !value.is_empty()) {
                        Some(value) => span.mono { (value) },
                        None => span.muted { (kind(each.is)) },
                    }
                }
            }
        }
    };
    html! {
        (table_with("What may be named", &columns, rows, Look { keep: true, ..Look::default() }))
        @if let Some((subject, _)) = sample { p.muted.pad { "The samples are those of " (subject.name) "." } }
        p.muted.pad { "In texts between braces, with filters after a bar: " span.mono { "{user.upn|lower}" }
            ", also upper, ascii, trim, first:3. What an earlier rule’s step answered is "
            span.mono { "{out.KEY.NAME}" } ", this request " span.mono { "{request.id}" } "." }
    }
}

fn kind(is: Type) -> &'static str {
    match is {
        Type::Text => "Text",
        Type::Integer => "Number",
        Type::Boolean => "True or false",
        Type::Date => "Date",
        Type::List => "List of texts",
    }
}

fn try_it(cx: &Cx, rule: &Rule, sample: Option<&Subject>) -> Markup {
    let mut input = Input::default();
    if let Some(subject) = sample {
        input.set("customer_id", subject.customer);
        if let Some(user) = subject.user {
            input.set("user_id", user);
        }
        let assignment =
            subject.user_service.map(|id| id.0).or(subject.customer_service.map(|id| id.0));
        if let Some(id) = assignment {
            input.set("aid", id);
        }
    }
    let opts = Opts { width: 2, kind: "number", ..Opts::default() };
    let body = html! {
        p { "Shows what its condition comes to and what it would be told. Nothing is changed, here or outside." }
        (post_form(&cx.csrf, &format!("/rules/{}/dry-run", rule.id), html! {
            div.fields {
                (text_field(&input, &[], "customer_id", "Customer’s number", opts))
                @if rule.event.starts_with("user") { (text_field(&input, &[], "user_id", "User’s number", opts)) }
                @if rule.event.contains("_service.") { (text_field(&input, &[], "aid", "Number of the assignment", opts)) }
            }
            (form_foot(html! { (button("Try it")) }))
        }))
    };
    card("Try it", None, body)
}

fn past(cx: &Cx, rule: &Rule, history: &[Version]) -> Markup {
    let columns = [column("Version"), column("Saved"), column("By"), acts()];
    let (zone, now) = (&cx.actor.zone, cx.db.now());
    let rows = html! {
        @for each in history {
            tr {
                th scope="row" { (each.number) @if each.number == rule.version { " " (tag("now")) } }
                td { (text::when(each.saved_at, zone, now)) }
                td { (each.saver.as_deref().unwrap_or("Portico")) }
                td.acts {
                    @if each.number != rule.version {
                        (button("Take up again").small().about(&format!("version {}", each.number))
                            .posts(&format!("/rules/{}/versions/{}/revert", rule.id, each.number)))
                    }
                }
            }
        }
    };
    table("History", &columns, rows)
}
