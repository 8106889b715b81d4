//! What an order would do, user by user, and the button that starts it.

use super::whom;
use crate::error::{Complaint, Result};
use crate::html::button::{button, cancel, primary};
use crate::html::field::{Opts, text_field};
use crate::html::form::{complaints_flash, form_foot, hidden, post_form};
use crate::html::parts::{Tone, flash, pill};
use crate::html::table::{column, table};
use crate::input::{CONFIRM, Input};
use crate::many::acts::Act;
use crate::many::run::changed;
use crate::many::{LOOKED_AT, One, Order, Verdict, users};
use crate::web::Cx;
use maud::{Markup, html};

/// Users of a preview that are shown; its counts are of all that were looked at.
const SHOWN: usize = 200;

/// The preview with its form, which is sent to `here`: those who cannot come first.
pub fn preview(
    cx: &Cx,
    order: &Order,
    here: &str,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Markup> {
    let braked = cx.db.read(|db| order.is_braked(db))?;
    let all = order.preview(cx.app, &cx.actor)?;
    let of = |verdict: Verdict| all.iter().filter(move |one| one.result == verdict);
    let (will, same) = (of(Verdict::Changed).count(), of(Verdict::Unchanged).count());
    let cannot = of(Verdict::Refused).count();
    let sorted =
        of(Verdict::Refused).chain(of(Verdict::Changed)).chain(of(Verdict::Unchanged)).take(SHOWN);
    let n = order.ids.len();
    let title = order.title();
    let columns = [column("Name"), column("What happens")];
    let verb = format!("{title}: {}", users(n));
    let hint = "So many are touched at once. Type the number to confirm.";
    let starts = will > 0 || n > LOOKED_AT;
    let asks = !input.get("action").is_empty();
    Ok(html! {
        (complaints_flash(complaints, &[(CONFIRM.name, "Number of users")]))
        p { b { (title) } ": " (will) " will change, " (same) " unchanged, " (cannot) " cannot." }
        @if order.act == Act::Upn && will > 0 {
            (flash(Tone::Wait, html! {
                "People sign in with the new name from then on, and whoever is signed in is signed out."
            }, None))
        }
        @if n > LOOKED_AT {
            (flash(Tone::Wait, html! { "The first " (LOOKED_AT) " of " (n) " were looked at; the run tells of each." }, None))
        }
        @if all.len() > SHOWN { p.muted { "The first " (SHOWN) " are shown, those who cannot before the others." } }
        (post_form(&cx.csrf, here, html! {
            (carried(input))
            @if input.get("all") == "1" { (hidden("expected", n)) }
            @if braked && starts {
                div.form { div.fields {
                    (text_field(&Input::default(), complaints, CONFIRM.name, "Number of users",
                                Opts { hint, width: 3, autocomplete: "off", ..Opts::default() }))
                } }
            }
            (table("What it would do", &columns, html! { @for one in sorted { (line(one)) } }))
            (form_foot(html! {
                @if starts {
                    @if order.takes() { (button(&verb).danger().named("go", "run")) }
                    @else { (primary(&verb).named("go", "run")) }
                }
                @if asks { (button("Back").named("go", "act")) }
                (cancel(&back(here)))
            }))
        }))
    })
}

/// Where giving it up leads: to the list, or to the run it goes on from.
fn back(here: &str) -> String {
    here.rsplit_once('/').map_or(here, |(above, _)| above).to_owned()
}

/// All that was said, for the next step.
fn carried(input: &Input) -> Markup {
    html! {
        (whom(input))
        @if input.has("action") { (hidden("action", input.get("action"))) }
        @for (name, value) in input.members("input") {
            @if name.starts_with("set.properties.") {
                @for each in input.all(&format!("input.{name}")) { (hidden(&format!("input.{name}"), each)) }
            } @else if name != "clear" { (hidden(&format!("input.{name}"), value)) }
        }
        @for each in input.all("input.clear") { (hidden("input.clear", each)) }
    }
}

fn line(one: &One) -> Markup {
    let (tone, word) = match one.result {
        Verdict::Changed => (Tone::Busy, "Changes"),
        Verdict::Unchanged => (Tone::Off, "Unchanged"),
        Verdict::Refused => (Tone::Bad, "Cannot"),
    };
    html! {
        tr {
            th scope="row" { a href={ "/users/" (one.user_id) } { (one.name) } }
            td {
                (pill(tone, word))
                @for (field, pair) in &one.changes { small { (changed(field, pair)) } }
                @if !one.why.is_empty() { small { (one.why) } }
            }
        }
    }
}
