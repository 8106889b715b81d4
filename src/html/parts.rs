//! The small parts: words with a shape and a colour, buttons, menus, the head of a page, cards.

use super::asset;
use maud::{Markup, html};

crate::words! {
    /// What a colour means. It is never said by colour alone: a word and a shape go with it.
    Tone { Ok = "ok", Busy = "busy", Wait = "wait", Bad = "bad", Off = "off" }
}

impl Tone {
    /// The class that gives an alert, a step or an event its colour.
    pub fn class(self) -> &'static str {
        match self {
            Tone::Ok => "ok-tone",
            Tone::Busy => "busy-tone",
            Tone::Wait => "wait-tone",
            Tone::Bad => "bad-tone",
            Tone::Off => "off-tone",
        }
    }
}

/// 16 px, hidden from readers: the words beside it carry the meaning.
pub fn icon(name: &str) -> Markup {
    html! {
        svg.icon aria-hidden="true" { use href={ (asset("icons.svg")) "#" (name) } {} }
    }
}

/// A state: `ok busy wait bad off`.
pub fn pill(tone: Tone, word: &str) -> Markup {
    html! { span class={ "pill " (tone.word()) } { (word) } }
}

/// The same on a tint; only beside an h1.
pub fn pill_tint(tone: Tone, word: &str) -> Markup {
    html! { span class={ "pill " (tone.word()) " tint" } { (word) } }
}

/// A property that is no state: a code, a kind.
pub fn tag(word: &str) -> Markup {
    html! { span.tag { (word) } }
}

/// Marks a value that is set here and not inherited.
pub fn tag_set(word: &str) -> Markup {
    html! { span.tag.set { (word) } }
}

/// Ancestors only; the h1 is the last part.
pub fn crumbs<T: AsRef<str>, H: AsRef<str>>(trail: &[(T, H)]) -> Markup {
    html! {
        @if !trail.is_empty() {
            nav aria-label="Breadcrumb" {
                ol.breadcrumb {
                    @for (text, href) in trail {
                        li.breadcrumb-item { a href=(href.as_ref()) { (text.as_ref()) } }
                    }
                }
            }
        }
    }
}

/// What stands beside and under a page's heading.
#[derive(Default)]
pub struct Head<'a> {
    pub state: Option<Markup>,
    pub actions: Option<Markup>,
    pub lede: &'a str,
}

/// Always the first thing in main.
pub fn page_head(title: &str, head: Head) -> Markup {
    html! {
        header.page-head {
            h1 { (title) }
            @if let Some(state) = head.state { (state) }
            @if let Some(actions) = head.actions { div.actions { (actions) } }
            @if !head.lede.is_empty() { p.lede { (head.lede) } }
        }
    }
}

/// Links to pages, with a count where it informs. `now` is the text of the open one.
pub fn tabs<H: AsRef<str>>(label: &str, list: &[(&str, H, Option<i64>)], now: &str) -> Markup {
    html! {
        nav aria-label=(label) {
            ul.nav-underline {
                @for (text, href, count) in list {
                    li {
                        a.nav-link href=(href.as_ref())
                            aria-current=[(*text == now).then_some("page")] {
                            (text)
                            @if let Some(count) = count { " " small { (count) } }
                        }
                    }
                }
            }
        }
    }
}

/// What happened after the last click; stays until the next page. `text` may hold links and `b`.
pub fn flash(tone: Tone, text: Markup, action: Option<Markup>) -> Markup {
    let (shape, role) = match tone {
        Tone::Ok => ("circle-check", "status"),
        Tone::Bad => ("alert-triangle", "alert"),
        Tone::Wait => ("alert-circle", "status"),
        Tone::Busy | Tone::Off => ("info-circle", "status"),
    };
    html! {
        div class={ "alert " (tone.class()) } role=(role) {
            (icon(shape))
            div { (text) }
            @if let Some(action) = action { div.end { (action) } }
        }
    }
}

/// Figures on top of a page: name, value, note. At most five.
pub fn stats(list: &[(&str, Markup, Option<Markup>)]) -> Markup {
    html! {
        dl.stats {
            @for (name, value, note) in list {
                div {
                    dt { (name) }
                    dd { (value) @if let Some(note) = note { " " small { (note) } } }
                }
            }
        }
    }
}

/// For groups beside each other; a page's only table stands free. `end` goes into the header.
pub fn card(title: &str, end: Option<Markup>, body: Markup) -> Markup {
    card_flush(title, end, html! { div.card-body { (body) } })
}

/// A card whose body reaches its edges: a table, a todo, a diff.
pub fn card_flush(title: &str, end: Option<Markup>, body: Markup) -> Markup {
    html! {
        section.card {
            header.card-header {
                h2 { (title) }
                @if let Some(end) = end { span.end { (end) } }
            }
            (body)
        }
    }
}

pub fn section(title: &str, end: Option<Markup>, body: Markup) -> Markup {
    html! {
        section.section {
            header {
                h2 { (title) }
                @if let Some(end) = end { span.end { (end) } }
            }
            (body)
        }
    }
}

/// Names over values, in columns.
pub fn datagrid(list: &[(&str, Markup)]) -> Markup {
    html! {
        dl.datagrid { @for (name, value) in list { div { dt { (name) } dd { (value) } } } }
    }
}

/// Names beside values, for a narrow card.
pub fn facts(list: &[(&str, Markup)]) -> Markup {
    html! { dl.facts { @for (name, value) in list { dt { (name) } dd { (value) } } } }
}

/// Initials in a disc. The name stands beside it, so readers skip it.
pub fn avatar(name: &str) -> Markup {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().next());
    let first = words.next();
    let initials: String =
        first.into_iter().chain(words.next_back()).flat_map(char::to_uppercase).collect();
    html! { span.avatar aria-hidden="true" { (initials) } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::button::{Item, button, link, menu};

    #[test]
    fn what_people_typed_cannot_become_markup() {
        let nasty = r#"<b>&"'"#;
        let page = html! {
            (pill(Tone::Ok, nasty)) (tag(nasty)) (button(nasty).about(nasty).named("do", nasty))
            (link(nasty, nasty).opens(nasty)) (page_head(nasty, Head { lede: nasty, ..Head::default() }))
            (menu("k", nasty, &[Item::link(nasty, nasty), Item::danger(nasty, nasty)]))
            (crumbs(&[(nasty, nasty)])) (tabs(nasty, &[(nasty, nasty, Some(1))], nasty))
            (card(nasty, None, html! {})) (section(nasty, None, html! {}))
            (facts(&[(nasty, html! { (nasty) })])) (avatar(nasty))
        };
        let text = page.into_string();
        assert!(!text.contains("<b>") && !text.contains("&\""), "{text}");
        // A quotation mark that got through would end an attribute early.
        assert!(!text.contains(r#"&amp;"'"#), "{text}");
        assert!(text.contains("&lt;b&gt;&amp;&quot;'"), "{text}");
    }

    #[test]
    fn only_a_failure_interrupts_readers() {
        let roles = Tone::ALL.iter().map(|tone| flash(*tone, html! { "x" }, None).into_string());
        assert_eq!(roles.filter(|text| text.contains(r#"role="alert""#)).count(), 1);
    }

    #[test]
    fn initials_are_first_and_last() {
        let of = |name| avatar(name).into_string();
        assert!(of("maren de Tolliver").contains(">MT<"));
        assert!(of("Ørjan").contains(">Ø<"));
        assert!(of("").contains("><"));
    }
}
