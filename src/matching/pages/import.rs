//! Import from a directory: the tree to pick from, what each account would become, and the start.

use crate::auth::Scope;
use crate::auth::permissions::{SettingsWrite, UsersImport};
use crate::drivers::ldap::name::Dn;
use crate::error::{Complaint, Error, Result};
use crate::html::button::{button, cancel, link, primary};
use crate::html::field::check;
use crate::html::form::{carried, complaints_flash, form_foot, post_form};
use crate::html::parts::{Tone, card, flash, icon, pill, stats};
use crate::html::table::{self, Look, bulk, column, table, table_with};
use crate::html::text;
use crate::ids::{CustomerId, UserId};
use crate::input::Input;
use crate::jobs;
use crate::matching::import::{KIND, Order, Outcome, Report, RowOut, Wanted, apply, judged};
use crate::matching::seen::{self, Leaf, Level};
use crate::matching::{Site, site};
use crate::places::{self, Place, Tab};
use crate::web::{Cx, Response, response};
use maud::{Markup, html};

/// Rows of a check that are shown; all of them are counted, and told by the run.
const SHOWN: usize = 500;

const LABELS: &[(&str, &str)] = &[("ous", "OUs"), ("objects", "Accounts")];

fn at(customer: CustomerId) -> String {
    format!("/customers/{customer}/directory-import")
}

/// The customer's place, and the directory it lives in.
fn ground(cx: &Cx, scope: &Scope<UsersImport>) -> Result<(Place, Option<Site>)> {
    let customer: CustomerId = cx.param("id")?;
    cx.db.read(|db| Ok((places::customer(db, scope, customer)?, site(db, customer)?)))
}

pub fn new(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let (place, site) = ground(cx, scope)?;
    tree(cx, &place, site.as_ref(), &[])
}

fn tree(cx: &Cx, place: &Place, site: Option<&Site>, wrong: &[Complaint]) -> Result<Response> {
    let status = if wrong.is_empty() { 200 } else { 422 };
    let page = |body: Markup| {
        let actions = html! {
            (link("Proposals", &format!("/proposals?customer_id={}", place.id)))
        };
        Ok(places::customer_page(cx, place, Tab::Users, status, actions, body))
    };
    let Some(site) = site else { return page(nowhere(cx, place)) };
    let opens = cx.db.read(|db| Ok(site.opens(db, &cx.actor)))?;
    let Some(opens) = opens else {
        let text = format!(
            "{} has no OU of its own in {} yet. It gets one with its first service there; \
             whoever looks after the directory can import from other OUs.",
            place.name, site.name
        );
        return page(table::empty("database", "Nothing to import from yet", &text, None));
    };
    let open = super::super::parse(&opens)?;
    let here = match cx.request.query.get("at") {
        "" => open.clone(),
        text => Dn::parse(text).map_err(|_| Error::NotFound)?,
    };
    if here != open && !here.is_below(&open) {
        return Err(Error::NotFound);
    }
    let after = cx.request.query.get("after");
    let level = site.sign_in(cx.app).and_then(|mut session| {
        let level = seen::level(&mut session, site.flavour, here.clone(), after);
        level.map_err(super::super::told)
    });
    let body = match level {
        Ok(level) => picking(cx, place.id, &open, &level),
        Err(Error::Invalid(complaints)) => unreached(cx, site, &complaints),
        Err(err) => return Err(err),
    };
    page(html! {
        (complaints_flash(wrong, LABELS))
        (card("Import from a directory", None, html! {
            p {
                "People who have accounts in " b { (site.name) } " already become users of " (place.name)
                ". Choose where to look; next you see what each account would become. Nothing changes in the directory."
            }
        }))
        (body)
    })
}

fn nowhere(cx: &Cx, place: &Place) -> Markup {
    let may = cx.actor.may::<SettingsWrite>();
    let text = match may {
        true => "Say first which directory it lives in.",
        false => "Ask whoever may change the settings of the installation to choose one.",
    };
    let action = may.then(|| {
        html! { (link("Choose a directory", &format!("/customers/{}/location", place.id)).primary()) }
    });
    let title = format!("{} lives in no directory yet", place.name);
    table::empty("database", &title, text, action)
}

fn unreached(cx: &Cx, site: &Site, complaints: &[Complaint]) -> Markup {
    let said: Vec<&str> = complaints.iter().map(|each| each.message.as_str()).collect();
    let action = cx.actor.may::<crate::auth::permissions::ConnectorsRead>().then(|| {
        html! { (link("Look at the connector", &format!("/connectors/{}", site.connector)).small()) }
    });
    flash(Tone::Bad, html! { b { "The directory cannot be looked at. " } (said.join(" ")) }, action)
}

fn picking(cx: &Cx, customer: CustomerId, open: &Dn, level: &Level) -> Markup {
    let to = at(customer);
    let units = level.leaves.iter().filter(|leaf| leaf.opens).count();
    let accounts = level.leaves.len() - units;
    let short = level.at.first().map_or("", |step| step.value()).to_owned();
    let columns = [column("Name"), column("User name").class("p2"), column("Where").class("p3")];
    let rows = html! { @for leaf in &level.leaves { (row(customer, leaf)) } };
    let href = |after: &str| {
        let mut query = Input::default();
        query.set("at", &level.at);
        query.set("after", after);
        format!("{to}?{}", query.to_query())
    };
    let next = level.next.as_ref().map(|next| href(next));
    let start = (!cx.request.query.get("after").is_empty()).then(|| href(""));
    let number = |n: usize, one: &str, many: &str| {
        text::count(i64::try_from(n).unwrap_or(i64::MAX), one, many)
    };
    html! {
        (trail(customer, open, &level.at))
        (post_form(&cx.csrf, &format!("{to}/check"), html! {
            div.fields {
                (check(&Input::default(), &[], "disabled", "Disabled accounts too", "They become disabled users."))
            }
            p {
                (button(&format!("Look at everything below {short}")).primary().named("ous", &level.at.to_string()))
                " or select OUs and accounts here:"
            }
            @if level.leaves.is_empty() {
                (table::empty("database", "Nothing lies directly in here", "Go up, or look at everything below.", None))
            } @else {
                (table_with("OUs and accounts", &columns, rows, Look { picks: true, ..Look::default() }))
                (bulk(html! { (button("Look at those selected").primary()) }))
                (table::paging(&format!("{}, {}", number(units, "OU", "OUs"), number(accounts, "account", "accounts")), start.as_deref(), next.as_deref()))
            }
        }))
    }
}

/// The way down to the present OU.
fn trail(customer: CustomerId, open: &Dn, now: &Dn) -> Markup {
    let mut steps = vec![now.clone()];
    while let Some(last) = steps.last().filter(|last| *last != open) {
        match last.parent() {
            Some(parent) => steps.push(parent),
            None => break,
        }
    }
    steps.reverse();
    let href = |place: &Dn| {
        let mut query = Input::default();
        query.set("at", place);
        format!("{}?{}", at(customer), query.to_query())
    };
    html! {
        p {
            "In "
            @for (n, place) in steps.iter().enumerate() {
                @if n > 0 { " › " }
                @let name = if n == 0 { place.to_string() } else { place.first().map_or("", |step| step.value()).to_owned() };
                @if place == now { b { (name) } } @else { a href=(href(place)) { (name) } }
            }
        }
    }
}

fn row(customer: CustomerId, leaf: &Leaf) -> Markup {
    let mut query = Input::default();
    query.set("at", &leaf.place);
    let (field, value) = match leaf.opens {
        true => ("ous", &leaf.place),
        false => ("objects", &leaf.object),
    };
    html! {
        tr {
            td.pick { input.form-check-input type="checkbox" name=(field) value=(value) aria-label={ "Select " (leaf.name) }; }
            th scope="row" {
                @if leaf.opens { (icon("building")) " " a href={ (at(customer)) "?" (query.to_query()) } { (leaf.name) } }
                @else { (icon("user")) " " (leaf.name) }
            }
            td.p2 { (leaf.username) }
            td.p3 { span.mono { (leaf.place) } }
        }
    }
}

/// What each account would become.
pub fn check_it(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let (place, site) = ground(cx, scope)?;
    let Some(site) = site else { return tree(cx, &place, None, &[]) };
    let input = cx.input()?;
    let wanted = match cx.db.read(|db| Wanted::read(db, &cx.actor, &site, &input)) {
        Ok(wanted) => wanted,
        Err(Error::Invalid(wrong)) => return tree(cx, &place, Some(&site), &wrong),
        Err(err) => return Err(err),
    };
    let order = Order { app: cx.app, actor: &cx.actor, scope, site: &site, dry_run: true };
    let report = judged(&order, &wanted).and_then(|all| apply(&order, &all, |_, _, _| Ok(true)));
    let report = match report {
        Ok(report) => report,
        Err(Error::Invalid(wrong)) => return tree(cx, &place, Some(&site), &wrong),
        Err(err) => return Err(err),
    };
    let body = verdicts(cx, place.id, &site, &input, &report);
    Ok(places::customer_page(cx, &place, Tab::Users, 200, html! {}, body))
}

fn verdicts(cx: &Cx, customer: CustomerId, site: &Site, input: &Input, report: &Report) -> Markup {
    let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let figure = |n: usize| html! { (text::grouped(number(n))) };
    let list = [
        ("New users", figure(report.created), None),
        ("Linked", figure(report.linked), None),
        ("Here already", figure(report.unchanged), None),
        ("To be decided", figure(report.proposed), None),
        ("Left out", figure(report.skipped + report.refused), None),
    ];
    let works = report.created + report.linked + report.proposed > 0;
    let columns =
        [column("Account"), column("Becomes"), column("Why"), column("Where").class("p3")];
    let rows = html! { @for each in report.rows.iter().take(SHOWN) { (judged_row(each)) } };
    let to = at(customer);
    html! {
        (card("What would happen", None, html! {
            p { "Accounts of " b { (site.name) } ", each with what it would become. Nothing is written yet." }
        }))
        (stats(&list))
        @if report.rows.is_empty() {
            (table::empty("users", "No accounts there", "Choose another OU.", Some(html! { (link("Back to the tree", &to)) })))
        } @else {
            (table("Accounts", &columns, rows))
            (table::paging(&shown(report.rows.len()), None, None))
            (post_form(&cx.csrf, &to, html! {
                (carried(input))
                (form_foot(html! {
                    @if works { (primary(&doing(report))) }
                    (cancel(&to))
                }))
            }))
        }
    }
}

fn shown(all: usize) -> String {
    let number = i64::try_from(all).unwrap_or(i64::MAX);
    match all > SHOWN {
        true => {
            format!("The first {SHOWN} of {}; the import tells of each.", text::grouped(number))
        }
        false => text::count(number, "account", "accounts"),
    }
}

/// What the button does, in numbers.
fn doing(report: &Report) -> String {
    let number = |n: usize| text::grouped(i64::try_from(n).unwrap_or(i64::MAX));
    match (report.created, report.linked) {
        (0, 0) => format!("Keep {} to be decided", number(report.proposed)),
        (0, linked) => format!("Link {}", number(linked)),
        (created, 0) => format!("Add {}", number(created)),
        (created, linked) => format!("Add {} and link {}", number(created), number(linked)),
    }
}

fn judged_row(row: &RowOut) -> Markup {
    let (tone, word) = match row.result {
        Outcome::Created => (Tone::Ok, "New user"),
        Outcome::Linked => (Tone::Ok, "Linked"),
        Outcome::Known => (Tone::Off, "Here already"),
        Outcome::Proposed => (Tone::Wait, "To be decided"),
        Outcome::Skipped => (Tone::Off, "Left out"),
        Outcome::Refused => (Tone::Bad, "Refused"),
    };
    let person = |id: UserId| format!("/users/{id}");
    html! {
        tr {
            th scope="row" { (row.name) @if !row.upn.is_empty() && row.upn != row.name { br; span.muted { (row.upn) } } }
            td { (pill(tone, word)) }
            td {
                @match row.user_id {
                    Some(id) => { a href=(person(id)) { (row.why) } }
                    None => { (row.why) }
                }
            }
            td.p3 { span.mono { (row.place) } }
        }
    }
}

/// Begins the import.
pub fn create(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let (place, site) = ground(cx, scope)?;
    let Some(site) = site else { return tree(cx, &place, None, &[]) };
    let input = cx.input()?;
    let wanted = match cx.db.read(|db| Wanted::read(db, &cx.actor, &site, &input)) {
        Ok(wanted) => wanted,
        Err(Error::Invalid(wrong)) => return tree(cx, &place, Some(&site), &wrong),
        Err(err) => return Err(err),
    };
    let run = cx.db.write(scope.by, |tx| {
        jobs::queue_run(tx, KIND, place.id, &serde_json::to_value(&wanted)?, None)
    })?;
    Ok(response::redirect(format!("/runs/{run}")))
}
