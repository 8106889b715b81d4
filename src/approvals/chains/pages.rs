use super::{Chain, Kind, Verb, Whose, candidates, create, delete, list, of_customer, one, store};
use crate::approvals::are_on;
use crate::auth::Scope;
use crate::auth::permissions::ApprovalsWrite;
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{button, cancel, link, primary};
use crate::html::field::{Opts, check, choice_field, complaint_of, text_field, tick};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::parts::{Head, Tone, flash, page_head, pill};
use crate::html::table::{self, column, table};
use crate::html::text::count;
use crate::ids::{ChainId, CustomerId};
use crate::input::Input;
use crate::places;
use crate::web::{Cx, Response};
use maud::{Markup, html};

/// What may wait, as it is ticked and listed.
const WAITS: [(&str, &str); 7] = [
    ("give", "Giving a service"),
    ("change", "Changing a service"),
    ("resume", "Resuming a service"),
    ("remove", "Removing a service"),
    ("user_create", "Adding a user"),
    ("user_change", "Changing a user"),
    ("user_deprovision", "Deprovisioning a user"),
];

fn waits(verbs: &[Verb]) -> String {
    let chosen = WAITS.iter().filter(|(word, _)| verbs.iter().any(|verb| verb.word() == *word));
    chosen.map(|(_, words)| *words).collect::<Vec<_>>().join(" · ")
}

const LABELS: &[(&str, &str)] = &[
    ("name", "Name"),
    ("position", "Place"),
    ("kind", "Who agrees"),
    ("levels", "Levels"),
    ("needed", "How many"),
    ("members", "People"),
    ("services", "Services"),
    ("verbs", "What waits"),
    ("whose", "Whose orders"),
    ("remind_days", "Remind every"),
    ("reject_days", "Cancel after"),
];

pub fn index(cx: &Cx, scope: &Scope<ApprovalsWrite>) -> Result<Response> {
    let paging = cx.paging(&[])?;
    let found = list(cx.db, scope, &paging)?;
    let here = format!("/customers/{}/approvals", cx.actor.home);
    let head = Head {
        lede: "Who has to agree to which orders. A chain holds for its customer and all below it that have approvals switched on.",
        actions: Some(html! { (link("My customer", &here)) (primary_link(cx.actor.home)) }),
        ..Head::default()
    };
    let next = cx.next_href(found.next.as_ref());
    let body = html! {
        (page_head("Chains", head))
        @if found.items.is_empty() {
            (table::empty("list-check", "No chain yet", "Without a chain no order waits for anybody.", None))
        } @else {
            (rows(&found.items, true))
            (table::paging("", None, next.as_deref()))
        }
    };
    let trail = [("Approvals", "/approvals".to_owned())];
    Ok(cx.page(Nav::Approvals, "Chains", &trail, body))
}

fn primary_link(customer: CustomerId) -> Markup {
    html! { (link("Add chain", &format!("/customers/{customer}/approvals/new")).primary().icon("plus")) }
}

/// A customer's switch, and its chains.
pub fn of_one(cx: &Cx, scope: &Scope<ApprovalsWrite>) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    let (place, (everywhere, here), chains) = cx.db.read(|db| {
        let place = places::customer(db, scope, id)?;
        Ok((place, are_on(db, id)?, of_customer(db, scope, id)?))
    })?;
    let verb = if here { "Switch off" } else { "Switch on" };
    let switch = html! {
        (post_form(&cx.csrf, &format!("/customers/{id}/approvals"), html! {
            (hidden("on", if here { "false" } else { "true" }))
            (button(verb))
        }))
        (primary_link(id))
    };
    let lede = match here {
        true => "Orders that a chain is for wait here until people have agreed.",
        false => "No order waits for approval here.",
    };
    let state = if here { pill(Tone::Ok, "On") } else { pill(Tone::Off, "Off") };
    let title = format!("Approvals of {}", place.name);
    let head = Head { lede, actions: Some(switch), state: Some(state) };
    let body = html! {
        (page_head(&title, head))
        @if !everywhere {
            (flash(Tone::Wait, html! { "Approvals are switched off for the whole installation, in its settings." }, None))
        }
        @if chains.is_empty() {
            (table::empty("list-check", "No chain of its own", "Chains of customers above hold here as well.", None))
        } @else { (rows(&chains, false)) }
    };
    let trail =
        [("Customers", "/customers".to_owned()), (place.name.as_str(), format!("/customers/{id}"))];
    Ok(cx.page(Nav::Customers, &title, &trail, body))
}

pub fn switch(cx: &Cx, scope: &Scope<ApprovalsWrite>) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    let at = format!("/customers/{id}/approvals");
    match super::switch(cx.db, scope, id, &cx.input()?) {
        Ok(()) => Ok(cx.done(at, "Saved.")),
        Err(err @ Error::Invalid(_)) => Ok(cx.tell(at, Tone::Bad, &err.to_string())),
        Err(err) => Err(err),
    }
}

fn rows(chains: &[Chain], customers: bool) -> Markup {
    let mut columns = vec![column("Chain")];
    if customers {
        columns.push(column("Customer").class("p2"));
    }
    columns.extend([column("Who agrees"), column("What waits").class("p2"), column("State")]);
    let body = html! {
        @for chain in chains {
            tr {
                th scope="row" { a href={ "/approvals/chains/" (chain.id) } { (chain.name) } }
                @if customers { td.p2 { (chain.customer_name) } }
                td { (who(chain)) }
                td.p2 { (waits(&chain.verbs)) }
                td { @if chain.enabled { (pill(Tone::Ok, "On")) } @else { (pill(Tone::Off, "Off")) } }
            }
        }
    };
    table("Chains", &columns, body)
}

fn who(chain: &Chain) -> String {
    match (chain.kind, chain.needed) {
        (Kind::Manager, _) if chain.levels == 1 => "The manager".to_owned(),
        (Kind::Manager, _) => format!("{} levels of managers", chain.levels),
        (Kind::Group, None) => "All of a group".to_owned(),
        (Kind::Group, Some(n)) => format!("{} of a group", count(n, "person", "people")),
    }
}

pub fn new(cx: &Cx, scope: &Scope<ApprovalsWrite>) -> Result<Response> {
    let mut input = Input::default();
    for (name, value) in [
        ("kind", "manager"),
        ("levels", "1"),
        ("position", "100"),
        ("verbs", "give"),
        ("whose", "staff"),
        ("remind_days", "3"),
        ("reject_days", "7"),
        ("enabled", "true"),
    ] {
        input.set(name, value);
    }
    form(cx, scope, At::New(cx.param("id")?), &input, &[])
}

pub fn create_one(cx: &Cx, scope: &Scope<ApprovalsWrite>) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    let mut input = cx.input()?;
    unticked(&mut input);
    input.set("customer_id", id);
    match create(cx.db, scope, id, &input) {
        Ok(_) => Ok(cx.done(format!("/customers/{id}/approvals"), "The chain was added.")),
        Err(Error::Invalid(all)) => form(cx, scope, At::New(id), &input, &all),
        Err(err) => Err(err),
    }
}

pub fn edit(cx: &Cx, scope: &Scope<ApprovalsWrite>) -> Result<Response> {
    let chain = cx.db.read(|db| one(db, scope, cx.param("id")?))?;
    form(cx, scope, At::Chain(&chain), &chain.as_input(), &[])
}

pub fn update(cx: &Cx, scope: &Scope<ApprovalsWrite>) -> Result<Response> {
    let id: ChainId = cx.param("id")?;
    let mut input = cx.input()?;
    let expected = cx.expected_version(&mut input);
    unticked(&mut input);
    match super::update(cx.db, scope, id, expected, &input) {
        Ok(()) => Ok(cx.done("/approvals/chains", "Saved.")),
        Err(Error::Invalid(all)) => {
            let chain = cx.db.read(|db| one(db, scope, id))?;
            form(cx, scope, At::Chain(&chain), &input, &all)
        }
        Err(err) => Err(err),
    }
}

/// A box that is not ticked is not sent.
fn unticked(input: &mut Input) {
    for name in ["enabled", "members", "services", "verbs"] {
        if !input.has(name) {
            input.set(name, if name == "enabled" { "false" } else { "" });
        }
    }
}

pub fn destroy(cx: &Cx, scope: &Scope<ApprovalsWrite>) -> Result<Response> {
    delete(cx.db, scope, cx.param("id")?)?;
    Ok(cx.done("/approvals/chains", "The chain was deleted. What waits for it goes on waiting."))
}

/// Where a form belongs.
enum At<'a> {
    New(CustomerId),
    Chain(&'a Chain),
}

fn form(
    cx: &Cx,
    scope: &Scope<ApprovalsWrite>,
    at: At,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let customer = match &at {
        At::New(id) => *id,
        At::Chain(chain) => chain.customer_id,
    };
    let (place, people, services) = cx.db.read(|db| {
        let place = places::customer(db, scope, customer)?;
        Ok((place, candidates(db, customer)?, store::all_services(db)?))
    })?;
    let (title, action) = match &at {
        At::New(id) => ("Add a chain".to_owned(), format!("/customers/{id}/approvals/new")),
        At::Chain(chain) => (chain.name.clone(), format!("/approvals/chains/{}", chain.id)),
    };
    let delete = match &at {
        At::Chain(chain) => Some(html! {
            (button("Delete chain").danger_quiet().posts(&format!("/approvals/chains/{}/delete", chain.id)))
        }),
        At::New(_) => None,
    };
    let half = Opts { width: 3, ..Opts::default() };
    let small = Opts { width: 2, kind: "number", ..Opts::default() };
    let inside = html! {
        @if let At::Chain(chain) = &at { (hidden("version", chain.version)) }
        div.form {
            (fieldset("The chain", "", html! {
                (text_field(input, complaints, "name", "Name", Opts { most: Some(60), width: 4, ..Opts::default() }))
                (text_field(input, complaints, "position", "Place", Opts { hint: "Small numbers are asked first", ..small }))
                (check(input, complaints, "enabled", "On", "Orders wait for it"))
            }))
            (fieldset("Who agrees", "", html! {
                (choice_field(input, complaints, "kind", "Who agrees", &[
                    (Kind::Manager.word(), "The managers above whoever it is for"), (Kind::Group.word(), "The people ticked below")], half))
                (choice_field(input, complaints, "levels", "Levels of managers",
                    &[("1", "1"), ("2", "2"), ("3", "3"), ("4", "4"), ("5", "5")], Opts { width: 2, ..Opts::default() }))
                (text_field(input, complaints, "needed", "How many of the people",
                    Opts { width: 3, kind: "number", optional: true, hint: "Empty is all", ..Opts::default() }))
                div.field {
                    @if people.is_empty() {
                        p.muted { "Nobody may decide here yet. The role Approver lets somebody do so." }
                    }
                    @for person in &people {
                        (tick(input, "members", &person.id.to_string(), &person.name, &person.mail))
                    }
                    p.form-hint { "With managers they are asked where somebody has none." }
                    (complaint_of(complaints, "members", "People"))
                }
            }))
            (fieldset("What waits", "Suspending and disabling never wait.", html! {
                div.field {
                    @for (verb, words) in WAITS {
                        (tick(input, "verbs", verb, words, ""))
                    }
                    (complaint_of(complaints, "verbs", "What waits"))
                }
                (choice_field(input, complaints, "whose", "Whose orders", &[
                    (Whose::Staff.word(), "Of each customer’s own people"), (Whose::Everyone.word(), "Of everybody here and below")], half))
            }))
            (fieldset("Services", "None ticked is all. Of people it does not matter.", html! {
                div.field {
                    @for (code, name) in &services { (tick(input, "services", code, name, "")) }
                    (complaint_of(complaints, "services", "Services"))
                }
            }))
            (fieldset("Time", "", html! {
                (text_field(input, complaints, "remind_days", "Remind every", Opts { unit: "days", hint: "0 is never", ..small }))
                (text_field(input, complaints, "reject_days", "Cancel after", Opts { unit: "days", ..small }))
            }))
        }
        (form_foot(html! { (primary("Save chain")) (cancel("/approvals/chains")) }))
    };
    let lede = format!("Holds for {} and all below it.", place.name);
    let head = Head { lede: &lede, actions: delete, ..Head::default() };
    let body = html! {
        (page_head(&title, head))
        (complaints_flash(complaints, LABELS))
        (post_form(&cx.csrf, &action, inside))
    };
    let trail =
        [("Approvals", "/approvals".to_owned()), ("Chains", "/approvals/chains".to_owned())];
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(cx.page_with(status, Nav::Approvals, &title, &trail, body))
}
