use super::{Item, MOST, items, store};
use crate::auth::Own;
use crate::auth::permissions::{AccountRead, AuditRead, CustomersCreate};
use crate::error::Result;
use crate::html::Nav;
use crate::html::button::link;
use crate::html::parts::{Head, Tone, card, card_flush, page_head};
use crate::html::story::{Event, Todo, events, todo};
use crate::html::table::empty;
use crate::html::text::{act_on, clock, in_words};
use crate::places::capital;
use crate::time::Date;
use crate::web::{Cx, Response, response};
use maud::{Markup, html};

pub fn index(cx: &Cx, _: &Own<AccountRead>) -> Result<Response> {
    // Who looks after nothing but their own account begins there.
    if cx.has_only_oneself() {
        return Ok(response::redirect("/account"));
    }
    let lately_scope = cx.actor.scope::<AuditRead>().ok();
    let (list, lately) = cx.db.read(|db| {
        let list = items(db, cx)?;
        let lately = lately_scope.as_ref().map(|scope| store::lately(db, scope)).transpose()?;
        Ok((list, lately.unwrap_or_default()))
    })?;
    let today = cx.db.now().day(&cx.actor.zone);
    let lede = format!("{} {}. {}", today.weekday(), today.long(), sentence(list.len()));
    let actions = cx.actor.may::<CustomersCreate>().then(|| {
        html! { (link("New customer", "/customers/new").icon("plus")) }
    });
    let body = html! {
        (page_head("Today", Head { actions, lede: &lede, ..Head::default() }))
        div.cols {
            div.stack { (needs_you(&list)) }
            div.stack { (recently(cx, &lately, today)) }
        }
    };
    Ok(cx.page(Nav::Today, "Today", &[], body))
}

fn sentence(lines: usize) -> String {
    match lines {
        0 => "Nothing wants you; everything runs by itself.".into(),
        1 => "One thing wants a decision; the rest runs by itself.".into(),
        n => {
            let number = capital(&in_words(n));
            format!("{number} things want a decision; the rest runs by itself.")
        }
    }
}

fn needs_you(list: &[Item]) -> Markup {
    if list.is_empty() {
        let nothing = empty(
            "circle-check",
            "Nothing wants you",
            "What fails, waits or ends soon appears here.",
            None,
        );
        return card("Needs you", None, nothing);
    }
    let lines: Vec<Todo> = list
        .iter()
        .enumerate()
        .map(|(place, item)| Todo {
            tone: item.tone,
            icon: item.icon,
            what: html! { (item.what) },
            why: html! { (item.why) },
            act: item.act,
            href: &item.href,
            main: place == 0,
        })
        .collect();
    let more = (list.len() == MOST).then(|| html! { span.muted.small { "The first ten" } });
    card_flush("Needs you", more, todo(&lines))
}

fn recently(cx: &Cx, lately: &[store::Done], today: Date) -> Markup {
    if lately.is_empty() {
        return html! {};
    }
    let zone = &cx.actor.zone;
    let mut lines = Vec::new();
    let mut day = today;
    for done in lately {
        let on = done.at.day(zone);
        if on != day {
            day = on;
            lines.push(Event::Day(on.long()));
        }
        let who = done.person.as_deref().unwrap_or("Portico");
        let what = html! { (act_on(&done.action, done.title.as_deref())) " " small { (done.customer) " · " (who) } };
        lines.push(Event::At(Tone::Off, clock(done.at, zone), what));
    }
    card("Lately", None, events(&lines))
}
