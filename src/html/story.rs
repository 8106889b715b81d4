//! What is to do, what happened, what is happening and what would change.

use super::button::link;
use super::parts::{Tone, icon};
use maud::{Markup, html};

/// Something that wants a decision, with the one thing to do about it.
pub struct Todo<'a> {
    pub tone: Tone,
    pub icon: &'a str,
    pub what: Markup,
    pub why: Markup,
    pub act: &'a str,
    pub href: &'a str,
    /// The one that matters most.
    pub main: bool,
}

/// One line of a history: the day that follows, or what happened.
pub enum Event {
    Day(String),
    /// Time of day, what happened and by whom.
    At(Tone, Markup, Markup),
}

/// A step of work. Its tone is its state.
pub struct Step {
    pub tone: Tone,
    pub title: Markup,
    /// How long it took, how often it was tried.
    pub end: String,
    pub body: Option<Markup>,
}

/// What a change does to a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Add,
    Remove,
    Change,
    Keep,
}

/// A line of a plan.
pub struct Change {
    pub sign: Sign,
    pub text: Markup,
    /// What it costs or saves.
    pub end: Option<Markup>,
    pub note: Option<Markup>,
}

pub fn todo(list: &[Todo]) -> Markup {
    html! {
        ul.todo {
            @for each in list {
                @let button = link(each.act, each.href).small();
                li class=(each.tone.class()) {
                    (icon(each.icon))
                    div { b { (each.what) } p { (each.why) } }
                    @if each.main { (button.primary()) } @else { (button) }
                }
            }
        }
    }
}

pub fn events(list: &[Event]) -> Markup {
    html! {
        ol.events {
            @for event in list {
                @match event {
                    Event::Day(day) => li.day { (day) },
                    Event::At(tone, time, what) =>
                        li class=(tone.class()) { (time) div { (what) } },
                }
            }
        }
    }
}

/// The state is shape and colour, and in words for readers.
pub fn steps(list: &[Step]) -> Markup {
    html! {
        ol.steps-list {
            @for step in list {
                @let (shape, word) = state(step.tone);
                li class=(step.tone.class()) {
                    (icon(shape))
                    div.head {
                        span { (step.title) span.sr { " (" (word) ")" } }
                        span.end { (step.end) }
                    }
                    @if let Some(body) = &step.body { (body) }
                }
            }
        }
    }
}

fn state(tone: Tone) -> (&'static str, &'static str) {
    match tone {
        Tone::Ok => ("check", "done"),
        Tone::Busy => ("loader", "running"),
        Tone::Bad => ("x", "failed"),
        Tone::Wait => ("clock", "waiting"),
        Tone::Off => ("minus", "not started"),
    }
}

/// What the other side said, folded away.
pub fn log(summary: &str, text: &str) -> Markup {
    html! { details { summary { (summary) } pre.log tabindex="0" { (text) } } }
}

/// The sign is hidden from readers, who get the word.
pub fn diff(list: &[Change]) -> Markup {
    html! {
        ul.diff {
            @for change in list {
                @let (mark, word, tone) = reading(change.sign);
                li class=(tone.class()) {
                    b aria-hidden="true" { (mark) }
                    span { span.sr { (word) ": " } (change.text) }
                    span.num { @if let Some(end) = &change.end { (end) } }
                    @if let Some(note) = &change.note { small { (note) } }
                }
            }
        }
    }
}

fn reading(sign: Sign) -> (&'static str, &'static str, Tone) {
    match sign {
        Sign::Add => ("+", "Add", Tone::Ok),
        Sign::Remove => ("−", "Remove", Tone::Bad),
        Sign::Change => ("~", "Change", Tone::Busy),
        Sign::Keep => ("=", "Keep", Tone::Off),
    }
}

pub fn progress(label: &str, value: i64, max: i64) -> Markup {
    html! {
        progress value=(value) max=(max.max(1)) aria-label=(label) { (value) " of " (max) }
    }
}

/// Asks for itself again every two seconds while something runs; the answer takes its place and
/// ends it by not asking any more. The body has one `p.sr role="status"` sentence.
pub fn live(id: &str, href: &str, running: bool, body: Markup) -> Markup {
    html! {
        div id=(id) hx-get=[running.then_some(href)] hx-trigger=[running.then_some("every 2s")]
            hx-swap=[running.then_some("outerHTML")] { (body) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_told_to_readers_too() {
        for (tone, word) in [(Tone::Ok, "done"), (Tone::Bad, "failed"), (Tone::Off, "not started")]
        {
            let step =
                Step { tone, title: html! { "<b>" (1 < 2) }, end: "<1 s".into(), body: None };
            let text = steps(&[step]).into_string();
            assert!(text.contains(&format!(r#"<span class="sr"> ({word})</span>"#)), "{text}");
            assert!(text.contains("&lt;1 s"), "{text}");
        }
    }

    #[test]
    fn a_sign_is_read_as_a_word() {
        let change = Change { sign: Sign::Remove, text: html! { "Plan" }, end: None, note: None };
        assert_eq!(
            diff(&[change]).into_string(),
            concat!(
                r#"<ul class="diff"><li class="bad-tone"><b aria-hidden="true">−</b>"#,
                r#"<span><span class="sr">Remove: </span>Plan</span><span class="num"></span></li></ul>"#
            )
        );
    }

    #[test]
    fn a_live_part_stops_asking() {
        assert!(live("live", "/r/1/live", true, html! {}).into_string().contains("every 2s"));
        assert!(!live("live", "/r/1/live", false, html! {}).into_string().contains("hx-"));
    }

    #[test]
    fn nothing_of_nothing_is_a_bar_all_the_same() {
        let text = progress("Users made", 0, 0).into_string();
        assert!(text.contains(r#"max="1""#) && text.contains("0 of 0"), "{text}");
    }
}
