//! What floats above a page: questions, drawers, the search palette.

use super::parts::icon;
use super::text::marked;
use maud::{Markup, html};

/// A question. The link that opens it leads to the same question as a page.
pub fn dialog(id: &str, title: &str, body: Markup, buttons: Markup) -> Markup {
    html! {
        dialog.ask id=(id) aria-labelledby={ (id) "-title" } closedby="any" {
            h2 id={ (id) "-title" } { (title) }
            (body)
            div.row { (buttons) }
        }
    }
}

/// Part of its own address (`?why=88`): sent open, made modal by the script; closing goes back.
pub fn drawer(title: &str, sub: &str, back: &str, body: Markup) -> Markup {
    html! {
        dialog.drawer open aria-labelledby="drawer-title" {
            header {
                div { h2 id="drawer-title" { (title) } p.muted.small { (sub) } }
                a.btn.btn-ghost.btn-icon href=(back) data-back aria-label="Close" { (icon("x")) }
            }
            div { (body) }
        }
    }
}

/// What a search found, by kind of thing.
pub struct Hits<'a> {
    pub caption: &'a str,
    pub icon: &'a str,
    pub hits: Vec<Hit>,
}

pub struct Hit {
    pub href: String,
    pub name: String,
    pub note: String,
}

/// The answer to `/search/hits`, with what was asked for marked.
pub fn hits(groups: &[Hits], query: &str) -> Markup {
    let nothing = groups.iter().all(|group| group.hits.is_empty());
    html! {
        @if nothing && !query.trim().is_empty() {
            p.hits.muted { "Nothing matches “" (query.trim()) "”." }
        } @else if !nothing {
            ul.hits {
                @for group in groups.iter().filter(|group| !group.hits.is_empty()) {
                    li.cap { (group.caption) }
                    @for hit in &group.hits {
                        li {
                            a href=(hit.href) {
                                (icon(group.icon))
                                span { (marked(&hit.name, query)) }
                                @if !hit.note.is_empty() { small { (marked(&hit.note, query)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Search from anywhere; without script its links lead to the search page.
pub fn palette() -> Markup {
    html! {
        dialog.palette id="palette" aria-label="Search and commands" closedby="any" {
            form action="/search" role="search" {
                (icon("search"))
                input type="search" name="q" placeholder="Search, or type a command"
                    aria-label="Search or command" autocomplete="off" autofocus
                    hx-get="/search/hits" hx-trigger="input changed delay:150ms"
                    hx-target="#hits";
            }
            div id="hits" aria-live="polite" {}
            p.keys {
                span { kbd { "↑" } kbd { "↓" } "move" }
                span { kbd { "↵" } "open" }
                span { kbd { "Esc" } "close" }
            }
        }
    }
}

/// The customers that somebody pinned or looked at last, fetched when it is opened; without script the
/// link that opens it leads to a page of them.
pub fn switcher(href: &str) -> Markup {
    let (page, query) = href.split_once('?').unwrap_or((href, ""));
    let live =
        if query.is_empty() { format!("{page}/live") } else { format!("{page}/live?{query}") };
    html! {
        dialog.palette id="switcher" aria-label="Switch customer" closedby="any"
            hx-get=(live) hx-trigger="opened" hx-target="#stops" {
            div id="stops" aria-live="polite" {}
            p.keys {
                span { kbd { "↑" } kbd { "↓" } "move" }
                span { kbd { "↵" } "open" }
                span { kbd { "Esc" } "close" }
                a.end href=(href) { "Pin customers" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_are_marked_and_escaped() {
        let hit =
            |name: &str| Hit { href: "/users/1".into(), name: name.into(), note: "a<b".into() };
        let users = Hits { caption: "Users", icon: "user", hits: vec![hit("Maren & Alder")] };
        let none = Hits { caption: "Invoices", icon: "file-invoice", hits: Vec::new() };
        let text = hits(&[users, none], "alder").into_string();
        assert!(
            text.contains("Maren &amp; <mark>Alder</mark>") && text.contains("a&lt;b"),
            "{text}"
        );
        assert!(!text.contains("Invoices"), "{text}");
        let nothing = hits(&[], "<x>").into_string();
        assert!(nothing.contains("Nothing matches “&lt;x&gt;”."), "{nothing}");
        assert!(hits(&[], " ").into_string().is_empty());
    }

    #[test]
    fn a_question_is_named_by_its_title() {
        let text = dialog("disable", "Disable A & B?", html! {}, html! {}).into_string();
        assert!(text.contains(r#"aria-labelledby="disable-title""#), "{text}");
        assert!(text.contains(r#"<h2 id="disable-title">Disable A &amp; B?</h2>"#), "{text}");
    }
}
