//! A preview as pages show it, and the question that goes with it.

use super::{Diff, Preview, Step};
use crate::customers::life::listed;
use crate::html::button::{Button, button, cancel};
use crate::html::form::{carried, form_foot, post_form};
use crate::html::parts::{Tone, card, facts, flash, stats};
use crate::html::text;
use crate::input::Input;
use crate::money::Money;
use maud::{Markup, html};

/// What a form carries that wants to see what would happen first.
pub const LOOK: &str = "look";
/// What the button sends that leads back to the form.
pub const BACK: &str = "back";

/// What a form was sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    Look,
    Back,
    Act,
}

/// Takes out of `input` what only says what it was sent for.
pub fn wish(input: &mut Input) -> Wish {
    let wish = match (input.has(BACK), input.has(LOOK)) {
        (true, _) => Wish::Back,
        (false, true) => Wish::Look,
        (false, false) => Wish::Act,
    };
    input.remove(LOOK);
    input.remove(BACK);
    wish
}

/// The plan of a form that was sent, and the button that carries it out.
pub struct Question<'a> {
    pub title: &'a str,
    pub csrf: &'a str,
    /// Where the form goes, what it said, and where it may be left to.
    pub action: &'a str,
    pub input: &'a Input,
    pub leave: &'a str,
    pub act: Button,
    pub labels: &'a [(&'a str, &'a str)],
}

/// Shows what would happen, with all that was typed going along.
pub fn question(preview: &Preview, asked: Question) -> Markup {
    let Question { title, csrf, action, input, leave, act, labels } = asked;
    card(
        title,
        None,
        html! {
            div.stack {
                (fields(&preview.diffs, labels))
                (what_happens(preview))
                (post_form(csrf, action, html! {
                    (carried(input))
                    (form_foot(html! { (act) (button("Change").named(BACK, "1")) (cancel(leave)) }))
                }))
            }
        },
    )
}

/// Fields that are on or off.
const FLAGS: &[&str] =
    &["main_contact", "test_user", "must_change", "never_expires", "break_glass"];

/// Fields with the values that they would have, and those that they have.
fn fields(diffs: &[Diff], labels: &[(&str, &str)]) -> Markup {
    let label = |field: &str| {
        let known = labels.iter().find(|(name, _)| *name == field);
        known.map_or_else(|| field.to_owned(), |(_, label)| (*label).to_owned())
    };
    let value = |each: &Diff| {
        let plain = |text: &str| match text {
            "1" if FLAGS.contains(&each.field.as_str()) => "Yes".to_owned(),
            "0" if FLAGS.contains(&each.field.as_str()) => "No".to_owned(),
            text => text.to_owned(),
        };
        html! {
            @if each.after.is_empty() { span.muted { "Nothing" } } @else { (plain(&each.after)) }
            @if !each.before.is_empty() { div.muted { "Now " (plain(&each.before)) } }
        }
    };
    let names: Vec<String> = diffs.iter().map(|each| label(&each.field)).collect();
    let list: Vec<(&str, Markup)> =
        names.iter().zip(diffs).map(|(name, each)| (name.as_str(), value(each))).collect();
    html! { @if !list.is_empty() { (facts(&list)) } }
}

/// The money, the work and the mails of a preview, in words.
pub fn what_happens(preview: &Preview) -> Markup {
    html! {
        @for warning in &preview.warnings { (flash(Tone::Wait, html! { (warning) }, None)) }
        @for each in &preview.approvals {
            @let who = if each.who.is_empty() { "Somebody".to_owned() } else { listed(&each.who) };
            @let have = if each.who.len() > 1 { "have" } else { "has" };
            (flash(Tone::Wait, html! { (who) " " (have) " to agree to it first (" (each.chain) ")." }, None))
        }
        @if let Some(monthly) = preview.monthly.filter(|monthly| monthly.delta_minor != 0) {
            @let amount = |minor| Money { minor, currency: monthly.currency };
            (stats(&[
                ("Monthly before", text::money(amount(monthly.before_minor)), None),
                ("Monthly after", text::money(amount(monthly.after_minor)), None),
                ("Difference", text::change(amount(monthly.delta_minor)), None),
            ]))
        }
        @if !preview.steps.is_empty() {
            h3 { "What is done" }
            ul { @for step in &preview.steps { li { (work(step)) } } }
        }
        @if !preview.told.is_empty() {
            p.muted { "Told by mail: " (listed(&preview.told)) "." }
        }
    }
}

/// "Remove Backup of users, 3 times: 6 steps outside"
fn work(step: &Step) -> String {
    let mut text = step.title.clone();
    if step.requests > 1 {
        text = format!("{text}, {} times", text::grouped(step.requests));
    }
    if step.steps > 0 {
        text = format!("{text}: {}", text::count(step.steps, "step outside", "steps outside"));
    }
    text
}
