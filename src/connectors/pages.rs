use super::doctor::{self, Check, Light};
use super::scripts::{self as all, Program, Standing};
use super::{Connector, Kind, State, api, as_input, call, create as make, give_up, list, one};
use super::{pause as set_pause, rotate as new_secret, store, update as change};
use crate::auth::permissions::{ConnectorsRead, ConnectorsWrite, RulesWrite};
use crate::auth::{PROVIDER, Scope};
use crate::drivers::script as files;
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{Item, button, cancel, link, menu_button, primary};
use crate::html::field::{Opts, complaint_of, text_field, textarea, typed_field};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::parts::{Head, Tone, card, facts, flash, page_head, pill, pill_tint};
use crate::html::table::{self, column, table};
use crate::html::text;
use crate::ids::ConnectorId;
use crate::input::Input;
use crate::places::capital;
use crate::web::{Cx, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] = &[
    ("name", "Name"),
    ("script", "Script"),
    ("url", "Address"),
    ("time_limit", "Time limit"),
    ("networks", "Private networks"),
    ("secrets", "Secrets"),
];

pub fn index(cx: &Cx, scope: &Scope<ConnectorsRead>) -> Result<Response> {
    let paging = cx.paging(&[])?;
    let found = list(cx.db, scope, &paging)?;
    let actions = html! {
        @if cx.actor.may::<RulesWrite>() { (link("Rules", "/rules")) (link("Scripts", "/scripts")) }
        @if cx.actor.may::<ConnectorsWrite>() {
            (link("New connector", "/connectors/new").primary().icon("plus"))
        }
    };
    let head = Head {
        actions: Some(actions),
        lede: "How outside systems are reached.",
        ..Head::default()
    };
    let columns =
        [column("Name"), column("Kind").class("p2"), column("Owner").class("p3"), column("State")];
    let rows = html! {
        @for each in &found.items {
            tr {
                th scope="row" { a href={ "/connectors/" (each.id) } { (each.name) } }
                td.p2 { (capital(each.kind.word())) }
                td.p3 { (each.customer_name) }
                td { @let (tone, word) = said(cx, each); (pill(tone, word)) }
            }
        }
    };
    let next = cx.next_href(found.next.as_ref());
    let start = (!paging.is_first()).then(|| cx.first_href());
    let count = i64::try_from(found.items.len()).unwrap_or(0);
    let body = html! {
        (page_head("Connectors", head))
        @if found.items.is_empty() {
            (table::empty("plug", "No connectors yet", "A connector lets rules reach a script or a webhook.", None))
        } @else {
            (table("Connectors", &columns, rows))
            (table::paging(&text::count(count, "connector", "connectors"), start.as_deref(), next.as_deref()))
        }
    };
    Ok(cx.page(Nav::Connectors, "Connectors", &[], body))
}

fn said(cx: &Cx, it: &Connector) -> (Tone, &'static str) {
    match it.state {
        State::Gone => (Tone::Off, "Gone"),
        State::Paused => (Tone::Wait, "Paused"),
        State::Active if it.down_until.is_some_and(|until| until > cx.db.now()) => {
            (Tone::Bad, "Does not answer")
        }
        State::Active => (Tone::Ok, "Active"),
    }
}

fn trail() -> Vec<(&'static str, String)> {
    vec![("Connectors", "/connectors".to_owned())]
}

/// First which kind, and of a script which one; then the form for it.
pub fn new(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let query = &cx.request.query;
    let mut input = Input::default();
    let kind: Result<Kind, ()> = query.get("kind").parse();
    cx.db.read(|db| scope.reaches(db, api::owner(cx, query)?))?;
    let Ok(kind) = kind else { return choose(cx) };
    for name in ["kind", "script", "customer_id"] {
        input.set(name, query.get(name));
    }
    Ok(form(cx, kind, None, &input, &[]))
}

fn choose(cx: &Cx) -> Result<Response> {
    let mut names = Vec::new();
    if api::reach(cx).scripts {
        names.extend(
            files::list(&cx.app.config.scripts)?.into_iter().filter(|each| each.found.is_ok()),
        );
    }
    let body = html! {
        (page_head("New connector", Head { lede: "What should it reach?", ..Head::default() }))
        (card("A webhook", None, html! {
            p { "A signed call to an address of another system." }
            (link("Make a webhook", "/connectors/new?kind=webhook").primary())
        }))
        @if api::reach(cx).scripts {
            (card("A script on this machine", None, html! {
                @if names.is_empty() {
                    p { "There is none. Whoever owns the shell puts scripts into " span.mono { (cx.app.config.scripts.display()) } "." }
                }
                @for each in &names {
                    div.row.keep.between {
                        div { b { (each.name) } @if let Ok(text) = &each.found { small { (text.manifest.description) } } }
                        (link("Use it", &format!("/connectors/new?kind=script&script={}", each.name)).small().about(&each.name))
                    }
                }
            }))
        }
    };
    Ok(cx.page(Nav::Connectors, "New connector", &trail(), body))
}

fn form(
    cx: &Cx,
    kind: Kind,
    old: Option<&Connector>,
    input: &Input,
    wrong: &[Complaint],
) -> Response {
    let title = old.map_or("New connector".to_owned(), |old| format!("Edit {}", old.name));
    let action = old.map_or("/connectors".to_owned(), |old| format!("/connectors/{}", old.id));
    let back = old.map_or("/connectors", |_| action.as_str());
    let script = input.get("script");
    let secrets = match kind {
        Kind::Script => files::text(&cx.app.config.scripts, script)
            .map_or(Vec::new(), |text| text.manifest.secrets),
        Kind::Webhook => Vec::new(),
    };
    let save = if old.is_some() { "Save" } else { "Make the connector" };
    let unit =
        Opts { kind: "number", unit: "seconds", width: 3, optional: true, ..Opts::default() };
    let fields = html! {
        @match old {
            None => {
                (hidden("kind", kind.word()))
                @if !input.get("customer_id").is_empty() { (hidden("customer_id", input.get("customer_id"))) }
            }
            Some(old) => (hidden("version", old.version)),
        }
        div.form {
            (fieldset("Connector", "", html! {
                (text_field(input, wrong, "name", "Name", Opts { most: Some(60), ..Opts::default() }))
                @match kind {
                    Kind::Script => (text_field(input, wrong, "script", "Script", Opts { ltr: true, ..Opts::default() })),
                    Kind::Webhook => (text_field(input, wrong, "url", "Address", Opts { kind: "url", ltr: true, placeholder: "https://hooks.example.com/portico", ..Opts::default() })),
                }
                (text_field(input, wrong, "time_limit", "Time limit", unit))
            }))
            @if kind == Kind::Webhook && api::reach(cx).networks {
                (fieldset("Private networks", "Public addresses are always reached.", networks(input, wrong)))
            }
            @if !secrets.is_empty() {
                (fieldset("Secrets", "Kept sealed, never shown again.", html! {
                    (complaint_of(wrong, "secrets", "Secrets"))
                    @for name in &secrets {
                        (text_field(&Input::default(), &[], &format!("secrets.{name}"), name, Opts {
                            kind: "password", autocomplete: "off", optional: old.is_some(),
                            hint: if old.is_some() { "Empty: it stays as it is" } else { "" }, ..Opts::default()
                        }))
                    }
                }))
            }
        }
        (form_foot(html! { (primary(save)) (cancel(back)) }))
    };
    let body = html! {
        (page_head(&title, Head::default()))
        (complaints_flash(wrong, LABELS))
        (post_form(&cx.csrf, &action, fields))
    };
    let mut trail = trail();
    if let Some(old) = old {
        trail.push((old.name.as_str(), action.clone()));
        return cx.page_with(
            if wrong.is_empty() { 200 } else { 422 },
            Nav::Connectors,
            &title,
            &trail,
            body,
        );
    }
    cx.page_with(if wrong.is_empty() { 200 } else { 422 }, Nav::Connectors, &title, &trail, body)
}

fn networks(input: &Input, wrong: &[Complaint]) -> Markup {
    let mut lines = Input::default();
    lines.set("networks", input.all("networks").collect::<Vec<_>>().join("\n"));
    let opts = Opts {
        hint: "One a line, like 192.168.10.0/24",
        optional: true,
        ltr: true,
        ..Opts::default()
    };
    textarea(&lines, wrong, "networks", "Networks", opts)
}

pub fn create(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let input = cx.input()?;
    let owner = api::owner(cx, &input)?;
    cx.db.read(|db| scope.reaches(db, owner))?;
    let config = (&cx.app.config.key, cx.app.config.scripts.as_path());
    match make(cx.db, config, scope, owner, api::reach(cx), &input) {
        Ok((id, Some(secret))) => Ok(show_secret(cx, id, secret.reveal())),
        Ok((id, None)) => Ok(cx.done(format!("/connectors/{id}"), "The connector is made.")),
        Err(Error::Invalid(wrong)) => {
            let kind = input.get("kind").parse().unwrap_or(Kind::Webhook);
            Ok(form(cx, kind, None, &input, &wrong))
        }
        Err(err) => Err(err),
    }
}

/// The only place where a secret is seen, and only in this answer.
fn show_secret(cx: &Cx, id: ConnectorId, secret: &str) -> Response {
    let body = html! {
        (page_head("Signing secret", Head { lede: "Copy it now: it is not shown again.", ..Head::default() }))
        (flash(Tone::Wait, html! { "Give it to the receiver, so that it can check that calls are ours." }, None))
        pre.log tabindex="0" { (secret) }
        p { (link("Go to the connector", &format!("/connectors/{id}")).primary()) }
    };
    cx.page(Nav::Connectors, "Signing secret", &trail(), body)
}

pub fn show(cx: &Cx, scope: &Scope<ConnectorsRead>) -> Result<Response> {
    let it = one(cx.db, scope, cx.param("id")?)?;
    Ok(page(cx, &it, None))
}

fn page(cx: &Cx, it: &Connector, checks: Option<&[Check]>) -> Response {
    let at = |verb: &str| format!("/connectors/{}/{verb}", it.id);
    let (tone, word) = said(cx, it);
    let mut items = Vec::new();
    if cx.actor.may::<ConnectorsWrite>() && it.state != State::Gone {
        items.push(Item::link("Edit", at("edit")));
        match it.state {
            State::Paused => items.push(Item::post("Resume", at("resume"))),
            _ => items.push(Item::post("Pause", at("pause"))),
        }
        if it.kind == Kind::Webhook {
            items.push(Item::post("New signing secret", at("rotate")));
        }
        items.push(Item::danger("Give up…", at("gone")));
    }
    let actions = html! {
        @if !items.is_empty() { (menu_button("more", "More", &items)) }
        (primary("Check it").posts(&at("doctor")))
    };
    let head =
        Head { state: Some(pill_tint(tone, word)), actions: Some(actions), ..Head::default() };
    let (zone, now) = (&cx.actor.zone, cx.db.now());
    let mut list = vec![
        ("Kind", html! { (capital(it.kind.word())) }),
        ("Owner", html! { (it.customer_name) }),
    ];
    match it.kind {
        Kind::Script => list.push(("Script", html! { span.mono { (it.script) } })),
        Kind::Webhook => list.push(("Address", html! { span.mono { (it.url) } })),
    }
    list.push(("Time limit", html! { (text::duration(it.time_limit)) }));
    if !it.networks.is_empty() {
        let all: Vec<String> = it.networks.iter().map(ToString::to_string).collect();
        list.push(("Private networks", html! { (all.join(", ")) }));
    }
    if let Some(until) = it.previous_until.filter(|until| *until > now) {
        list.push(("Old secret signs until", text::when(until, zone, now)));
    }
    if let Some(until) = it.down_until.filter(|until| *until > now) {
        list.push(("Tried again", text::when(until, zone, now)));
    }
    if !it.last_error.is_empty() {
        list.push(("Last error", html! { (it.last_error) }));
    }
    list.push(("Used by", html! { (text::count(it.rules, "rule", "rules")) }));
    list.push(("Made", text::when(it.created_at, zone, now)));
    let body = html! {
        (page_head(&it.name, head))
        @if let Some(checks) = checks { (results(checks)) }
        (card("Details", None, facts(&list)))
    };
    cx.page(Nav::Connectors, &it.name, &trail(), body)
}

fn results(checks: &[Check]) -> Markup {
    let columns =
        [column("Check"), column("Result"), column("What was found"), column("What to do")];
    let rows = html! {
        @for check in checks {
            tr {
                th scope="row" { (check.what) }
                td { @let (tone, word) = light(check.light); (pill(tone, word)) }
                td { (check.text) }
                td { (check.fix) }
            }
        }
    };
    table("Checks", &columns, rows)
}

fn light(light: Light) -> (Tone, &'static str) {
    match light {
        Light::Green => (Tone::Ok, "Good"),
        Light::Amber => (Tone::Wait, "Look at it"),
        Light::Red => (Tone::Bad, "Wrong"),
    }
}

pub fn examine(cx: &Cx, scope: &Scope<ConnectorsRead>) -> Result<Response> {
    let it = one(cx.db, scope, cx.param("id")?)?;
    let line = cx.db.read(|db| call::line(db, it.id))?;
    let checks = doctor::examine(&cx.app.config, &line, cx.db.now())?;
    Ok(page(cx, &it, Some(&checks)))
}

pub fn edit(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let it = cx.db.read(|db| store::one(db, scope, cx.param("id")?))?;
    Ok(form(cx, it.kind, Some(&it), &as_input(&it), &[]))
}

pub fn update(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let it = cx.db.read(|db| store::one(db, scope, cx.param("id")?))?;
    let mut input = cx.input()?;
    let version = cx.expected_version(&mut input);
    let config = (&cx.app.config.key, cx.app.config.scripts.as_path());
    match change(cx.db, config, scope, it.id, (api::reach(cx), version), &input) {
        Ok(()) => Ok(cx.done(format!("/connectors/{}", it.id), "Saved.")),
        Err(Error::Invalid(wrong)) => Ok(form(cx, it.kind, Some(&it), &input, &wrong)),
        Err(err) => Err(err),
    }
}

pub fn pause(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let id: ConnectorId = cx.param("id")?;
    set_pause(cx.db, scope, id, true)?;
    Ok(cx.done(format!("/connectors/{id}"), "Paused. Its steps wait."))
}

pub fn resume(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let id: ConnectorId = cx.param("id")?;
    set_pause(cx.db, scope, id, false)?;
    Ok(cx.done(format!("/connectors/{id}"), "It goes on."))
}

pub fn rotate(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let id: ConnectorId = cx.param("id")?;
    let secret = new_secret(cx.db, &cx.app.config.key, scope, id)?;
    Ok(show_secret(cx, id, secret.reveal()))
}

pub fn gone_question(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let it = cx.db.read(|db| store::one(db, scope, cx.param("id")?))?;
    Ok(ask(cx, &it, &[]))
}

pub fn gone(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let it = cx.db.read(|db| store::one(db, scope, cx.param("id")?))?;
    match give_up(cx.db, scope, it.id, &cx.input()?) {
        Ok(()) => {
            Ok(cx.done(format!("/connectors/{}", it.id), "It is gone. Steps that need it fail."))
        }
        Err(Error::Invalid(wrong)) => Ok(ask(cx, &it, &wrong)),
        Err(err) => Err(err),
    }
}

fn ask(cx: &Cx, it: &Connector, wrong: &[Complaint]) -> Response {
    let title = format!("Give up {}?", it.name);
    let at = format!("/connectors/{}", it.id);
    let fields = html! {
        p { "Steps that need it fail at once, and it cannot be brought back. " (text::count(it.rules, "rule names", "rules name")) " it." }
        div.fields { (typed_field(wrong, &it.name)) }
        (form_foot(html! { (button("Give it up").danger()) (cancel(&at)) }))
    };
    let body = html! { (page_head(&title, Head::default())) (post_form(&cx.csrf, &format!("{at}/gone"), fields)) };
    let mut trail = trail();
    trail.push((it.name.as_str(), at.clone()));
    cx.page_with(if wrong.is_empty() { 200 } else { 422 }, Nav::Connectors, &title, &trail, body)
}

pub fn scripts(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    cx.db.read(|db| scope.reaches(db, PROVIDER))?;
    let found = all::list(cx.db, &cx.app.config.scripts)?;
    let columns = [column("Script"), column("What it does").class("p2"), column("State")];
    let rows = html! {
        @for each in &found {
            tr {
                th scope="row" { a href={ "/scripts/" (each.name) } { (each.name) } }
                td.p2 { (each.text.as_ref().map_or(each.wrong.as_str(), |text| text.manifest.description.as_str())) }
                td { @let (tone, word) = standing(each.standing); (pill(tone, word)) }
            }
        }
    };
    let body = html! {
        (page_head("Scripts", Head { lede: "Programs on this machine. Each is read before it is enabled.", ..Head::default() }))
        @if found.is_empty() {
            (table::empty("code", "No scripts", &format!("Whoever owns the shell puts them into {}.", cx.app.config.scripts.display()), None))
        } @else { (table("Scripts", &columns, rows)) }
    };
    Ok(cx.page(Nav::Connectors, "Scripts", &trail(), body))
}

fn standing(standing: Standing) -> (Tone, &'static str) {
    match standing {
        Standing::Enabled => (Tone::Ok, "Enabled"),
        Standing::Changed => (Tone::Bad, "Changed since enabled"),
        Standing::New => (Tone::Wait, "Not enabled"),
        Standing::Broken => (Tone::Bad, "Cannot be read"),
        Standing::Missing => (Tone::Bad, "No longer there"),
    }
}

pub fn script(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    cx.db.read(|db| scope.reaches(db, PROVIDER))?;
    let name: String = cx.param("name")?;
    let found = all::list(cx.db, &cx.app.config.scripts)?;
    let it = found.iter().find(|script| script.name == name).ok_or(Error::NotFound)?;
    let (tone, word) = standing(it.standing);
    let head = Head { state: Some(pill_tint(tone, word)), ..Head::default() };
    let body = html! { (page_head(&it.name, head)) (reading(cx, it)) };
    let mut trail = trail();
    trail.push(("Scripts", "/scripts".to_owned()));
    Ok(cx.page(Nav::Connectors, &it.name, &trail, body))
}

fn reading(cx: &Cx, it: &Program) -> Markup {
    let Some(found) = &it.text else { return flash(Tone::Bad, html! { (it.wrong) }, None) };
    let by = it.enabled_by.as_deref().unwrap_or("Portico");
    html! {
        @if let Some(at) = it.enabled_at {
            p { "Enabled by " (by) ", " (text::when_in_words(at, &cx.actor.zone, cx.db.now())) "." }
        }
        p { "SHA-256 " span.mono { (found.digest) } }
        (card("Manifest", None, html! { pre.log tabindex="0" { (found.manifest_text) } }))
        (card(&found.manifest.file, None, html! { pre.log tabindex="0" { (found.script_text) } }))
        @if it.standing != Standing::Enabled {
            (post_form(&cx.csrf, &format!("/scripts/{}/enable", it.name), html! {
                (hidden("sha256", &found.digest))
                (primary("Enable it as it stands here"))
            }))
        }
    }
}

pub fn enable(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    let name: String = cx.param("name")?;
    all::enable(cx.db, scope, &cx.app.config.scripts, &name, cx.input()?.get("sha256"))?;
    Ok(cx.done(format!("/scripts/{name}"), "Enabled."))
}
