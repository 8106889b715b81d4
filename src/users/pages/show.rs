//! What one sees first of a user.

use crate::auth::Scope;
use crate::auth::permissions::{
    UsersActAs, UsersCreate, UsersDelete, UsersDeprovision, UsersDisable, UsersImport, UsersMove,
    UsersRead, UsersUpdate,
};
use crate::customers::properties::form::{cards, incomplete};
use crate::customers::properties::{Holder, Standing, values};
use crate::db::Read;
use crate::error::Result;
use crate::html::button::{Item, link, menu_button};
use crate::html::parts::{Tone, card, card_flush, facts, pill, tag};
use crate::html::table::{column, table};
use crate::html::text;
use crate::places::{self, State, UserTab};
use crate::time::Instant;
use crate::users::{self, Invitation, User, photo, reaches};
use crate::web::{Cx, Response};
use maud::{Markup, html};

pub fn show(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let id = cx.param("id")?;
    let (user, person, items, may_edit, invited, properties, seen) = cx.db.read(|db| {
        let user = users::one(db, scope, id)?;
        let may_edit = reaches::<UsersUpdate>(db, &cx.actor, user.customer);
        let items = verbs(db, cx, &user);
        let invited = users::invitation(db, id)?;
        let holder = Holder::user(user.customer, id);
        let properties = values::of(db, Standing::of(db, &cx.actor, &holder)?, &holder)?;
        let (person, seen) = (places::user(db, scope, id)?, photo::is_there(db, id)?);
        Ok((user, person, items, may_edit, invited, properties, seen))
    })?;
    let may_edit = may_edit && !matches!(user.state, State::Deleted | State::Purged);
    let actions = html! {
        @if !items.is_empty() { (menu_button("user", "Actions", &items)) }
        @if may_edit { (link("Edit", &format!("/users/{id}/edit")).icon("pencil")) }
    };
    let missing = values::missing(&properties);
    let body = html! {
        (incomplete(&missing, &format!("/users/{id}/edit"), may_edit))
        div.cols {
            div.stack { (names(&user)) (contact(&user, seen)) }
            div.stack { (account(cx, &user, invited)) (cards(&properties)) }
        }
    };
    Ok(places::user_page(cx, &person, UserTab::Profile, 200, actions, body))
}

/// What the actor may do to the user in the state it is in.
fn verbs(db: &Read, cx: &Cx, user: &User) -> Vec<Item> {
    let (id, at, actor) = (user.id, user.customer, &cx.actor);
    let to = |verb: &str| format!("/users/{id}/{verb}");
    let living = matches!(user.state, State::Active | State::Disabled);
    let there = living || user.state == State::Deprovisioned;
    let mut items = Vec::new();
    if there && reaches::<UsersUpdate>(db, actor, at) {
        if living {
            items.push(Item::post("Apply again", to("provision")));
        }
        items.push(Item::link("Photo…", to("photo/edit")));
        if reaches::<UsersImport>(db, actor, at) {
            items.push(Item::link("Directory account…", to("directory")));
        }
        items.push(Item::link("Merge…", to("merge")));
    }
    if there && reaches::<UsersCreate>(db, actor, at) {
        items.push(Item::link("Copy…", to("copy")));
    }
    if user.state == State::Active && actor.user != id && reaches::<UsersActAs>(db, actor, at) {
        items.push(Item::link("Act as…", to("act-as")));
    }
    let before = items.len();
    if reaches::<UsersDisable>(db, actor, at) {
        match user.state {
            State::Active => items.push(Item::danger("Disable…", to("disable"))),
            State::Disabled => items.push(Item::link("Enable…", to("enable"))),
            _ => {}
        }
    }
    if living && reaches::<UsersMove>(db, actor, at) {
        items.push(Item::link("Move…", to("move")));
    }
    if user.state == State::Deprovisioned && reaches::<UsersDeprovision>(db, actor, at) {
        items.push(Item::link("Rehire…", to("rehire")));
    }
    if living && reaches::<UsersDeprovision>(db, actor, at) {
        items.push(Item::danger("Offboard…", to("offboard")));
        items.push(Item::danger("Deprovision…", to("deprovision")));
    }
    if reaches::<UsersDelete>(db, actor, at) {
        if there {
            items.push(Item::danger("Delete…", to("delete")));
        }
        if user.state == State::Deleted {
            items.push(Item::link("Restore…", to("restore")));
            items.push(Item::danger("Erase…", to("erase")));
        }
    }
    if before > 0 && items.len() > before {
        items.insert(before, Item::Line);
    }
    items
}

fn names(user: &User) -> Markup {
    let d = &user.details;
    let row = |name: &str, kind: &str| {
        html! { tr { th scope="row" { (name) } td.muted { (kind) } } }
    };
    let rows = html! {
        (row(&d.upn, if d.upn == d.mail { "Sign-in name, primary address" } else { "Sign-in name" }))
        @if d.mail != d.upn { (row(&d.mail, "Primary address")) }
        @for each in &d.addresses { (row(each, "Further address")) }
        @for each in &d.external_emails { (row(each, "Elsewhere")) }
        @if !d.recovery_email.is_empty() { (row(&d.recovery_email, "For links, elsewhere")) }
    };
    let columns = [column("Address"), column("Kind")];
    card_flush("Names and addresses", None, table("Names and addresses", &columns, rows))
}

fn contact(user: &User, seen: bool) -> Markup {
    let d = &user.details;
    let mut list: Vec<(&str, Markup)> = Vec::new();
    for (label, field) in [
        ("Phone", "phone"),
        ("Mobile", "mobile"),
        ("Home phone", "home_phone"),
        ("Fax", "fax"),
        ("Pager", "pager"),
        ("IP phone", "ip_phone"),
        ("Office", "office"),
        ("Company", "company"),
        ("Street", "street"),
        ("PO box", "po_box"),
        ("Postcode", "postcode"),
        ("City", "city"),
        ("State or province", "region"),
        ("Country", "country"),
        ("Usage location", "usage_location"),
        ("Web page", "web_page"),
        ("Employee id", "employee_id"),
        ("Employee type", "employee_type"),
        ("Cost centre", "cost_centre"),
        ("Description", "description"),
        ("Notes", "notes"),
    ] {
        if !d.text(field).is_empty() {
            list.push((label, html! { (d.text(field)) }));
        }
    }
    for (source, value) in &d.external_ids {
        list.push((source.as_str(), html! { span.mono { (value) } }));
    }
    let body = html! {
        div.stack {
            @if seen { (photo::shown::picture(&format!("/users/{}/photo", user.id), &d.display_name)) }
            @if list.is_empty() { p.muted { "Nothing known yet." } } @else { (facts(&list)) }
        }
    };
    card("Contact", None, body)
}

fn account(cx: &Cx, user: &User, invited: Option<(Invitation, Instant)>) -> Markup {
    let d = &user.details;
    let now = cx.db.now();
    let when = |at| match at {
        Some(at) => text::when(at, &cx.actor.zone, now),
        None => html! { "Never" },
    };
    let mut list = vec![("User name", html! { span.mono { (d.username) } })];
    let mut add = |label: &'static str, value: &str| {
        if !value.is_empty() {
            list.push((label, html! { (value) }));
        }
    };
    add("Job", d.text("job_title"));
    add("Department", &d.department);
    add("Location", &d.location);
    if let Some(boss) = d.manager {
        list.push(("Manager", html! { a href={ "/users/" (boss) } { (user.manager_name) } }));
    }
    if let Some(day) = d.expires_on {
        list.push(("Last day", text::date(day)));
    }
    let door = match d.sign_in.word() {
        "everything" => "Everywhere",
        "api_only" => "API only",
        _ => "Nowhere",
    };
    list.push(("May sign in", html! { (door) }));
    if let Some((what, at)) = invited {
        let (tone, word) = match what {
            Invitation::Waiting => (Tone::Wait, "Waits to be sent"),
            Invitation::Sent => (Tone::Wait, "Sent"),
            Invitation::Used => (Tone::Ok, "Used"),
            Invitation::Expired => (Tone::Off, "Expired"),
            Invitation::Bounced => (Tone::Bad, "Bounced"),
        };
        let shown =
            html! { (pill(tone, word)) " " span.muted { (text::when(at, &cx.actor.zone, now)) } };
        list.push(("Invitation", shown));
    }
    list.push(("Last sign-in", when(user.last_sign_in_at)));
    list.push(("Password set", when(user.password_set_at)));
    list.push(("User since", text::date(user.created_at.day(&cx.actor.zone))));
    let marks = html! {
        @if d.main_contact { (tag("Main contact")) " " }
        @if d.test_user { (tag("Test user")) " " }
        @if d.break_glass { (tag("For emergencies")) }
    };
    if d.main_contact || d.test_user || d.break_glass {
        list.push(("Marks", marks));
    }
    card("Account", None, facts(&list))
}
