//! Buttons, links that look like buttons, and menus of them.

use super::parts::icon;
use maud::{Markup, Render, html};

/// The id of the one form of a page whose buttons stand elsewhere and say where they post. A row's
/// buttons need it: the table around them is in a form already, and forms do not nest.
pub const ACT: &str = "act";

/// A button, or a link that looks like one. A link goes somewhere, a button changes something.
#[derive(Clone, Default)]
pub struct Button {
    text: String,
    href: Option<String>,
    kind: &'static str,
    icon: &'static str,
    small: bool,
    wide: bool,
    plain: bool,
    disabled: bool,
    hidden_text: Option<String>,
    named: Option<(&'static str, String)>,
    action: Option<String>,
    form: Option<&'static str>,
    dialog: Option<String>,
    close: bool,
    download: bool,
}

/// Submits the form it is in.
pub fn button(text: &str) -> Button {
    Button { text: text.to_owned(), ..Button::default() }
}

pub fn link(text: &str, href: &str) -> Button {
    Button { href: Some(href.to_owned()), ..button(text) }
}

/// The page's one main button.
pub fn primary(text: &str) -> Button {
    button(text).primary()
}

/// Leaves a form without saving; comes after the buttons that save.
pub fn cancel(href: &str) -> Button {
    link("Cancel", href).ghost()
}

/// Closes the dialog around it. The text says what stays ("Keep enabled").
pub fn close(text: &str) -> Button {
    Button { close: true, plain: true, ..button(text) }
}

impl Button {
    pub fn primary(self) -> Button {
        Button { kind: " btn-primary", ..self }
    }

    pub fn danger(self) -> Button {
        Button { kind: " btn-danger", ..self }
    }

    /// Red words without a red surface, for what only opens the question.
    pub fn danger_quiet(self) -> Button {
        Button { kind: " btn-danger-quiet", ..self }
    }

    pub fn ghost(self) -> Button {
        Button { kind: " btn-ghost", ..self }
    }

    pub fn icon(self, icon: &'static str) -> Button {
        Button { icon, ..self }
    }

    /// For tables, cards and alerts.
    pub fn small(self) -> Button {
        Button { small: true, ..self }
    }

    pub fn wide(self) -> Button {
        Button { wide: true, ..self }
    }

    pub fn disabled(self, disabled: bool) -> Button {
        Button { disabled, ..self }
    }

    /// Words for readers only, after the text: which row it is about.
    pub fn about(self, text: &str) -> Button {
        Button { hidden_text: Some(text.to_owned()), ..self }
    }

    /// Sent with the form when this button sends it.
    pub fn named(self, name: &'static str, value: &str) -> Button {
        Button { named: Some((name, value.to_owned())), ..self }
    }

    /// Sends the form to another address than the form says.
    pub fn to(self, action: &str) -> Button {
        Button { action: Some(action.to_owned()), ..self }
    }

    /// Changes something by itself, wherever it stands: see [`ACT`].
    pub fn posts(self, action: &str) -> Button {
        Button { form: Some(ACT), ..self.to(action) }
    }

    /// Opens the dialog of that id; without script the link leads to the same question as a page.
    pub fn opens(self, dialog: &str) -> Button {
        Button { dialog: Some(dialog.to_owned()), ..self }
    }

    pub fn download(self) -> Button {
        Button { download: true, ..self }
    }
}

impl Render for Button {
    fn render(&self) -> Markup {
        let size = if self.small { " btn-sm" } else { "" };
        let width = if self.wide { " w-full" } else { "" };
        let class = format!("btn{}{size}{width}", self.kind);
        let body = html! {
            @if !self.icon.is_empty() { (icon(self.icon)) }
            (self.text)
            @if let Some(text) = &self.hidden_text { span.sr { " " (text) } }
        };
        let (name, value) = self.named.as_ref().map(|(n, v)| (*n, v)).unzip();
        html! {
            @if let Some(href) = &self.href {
                a class=(class) href=(href) data-dialog=[&self.dialog] download[self.download] {
                    (body)
                }
            } @else {
                button class=(class) type=[self.plain.then_some("button")] name=[name] value=[value]
                    form=[self.form] formaction=[&self.action] data-close[self.close] disabled[self.disabled] {
                    (body)
                }
            }
        }
    }
}

/// A line of a menu.
pub enum Item {
    Link(String, String),
    /// A link to what ends something; its label ends in "…" because a question follows.
    Danger(String, String),
    Line,
    /// A button that changes something at once.
    Post(String, String),
}

impl Item {
    pub fn link(text: &str, href: impl Into<String>) -> Item {
        Item::Link(text.to_owned(), href.into())
    }

    pub fn danger(text: &str, href: impl Into<String>) -> Item {
        Item::Danger(text.to_owned(), href.into())
    }

    pub fn post(text: &str, action: impl Into<String>) -> Item {
        Item::Post(text.to_owned(), action.into())
    }
}

/// Three dots that open a menu. `key` is unique on the page (`user-11`), `label` names the row
/// ("Actions for Theo Vane").
pub fn menu(key: &str, label: &str, items: &[Item]) -> Markup {
    html! {
        button.btn.btn-ghost.btn-icon.btn-sm type="button" popovertarget={ "menu-" (key) }
            aria-label=(label) { (icon("dots")) }
        (menu_items(key, items))
    }
}

/// The same with words on the button.
pub fn menu_button(key: &str, text: &str, items: &[Item]) -> Markup {
    html! {
        button.btn type="button" popovertarget={ "menu-" (key) } { (text) (icon("chevron-down")) }
        (menu_items(key, items))
    }
}

fn menu_items(key: &str, items: &[Item]) -> Markup {
    html! {
        div.dropdown-menu id={ "menu-" (key) } popover {
            @for item in items {
                @match item {
                    Item::Link(text, href) => a.dropdown-item href=(href) { (text) },
                    Item::Danger(text, href) =>
                        a.dropdown-item.btn-danger-quiet href=(href) { (text) },
                    Item::Line => hr.dropdown-divider;,
                    Item::Post(text, action) =>
                        button.dropdown-item form=(ACT) formaction=(action) { (text) },
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn menus_are_told_apart_by_their_keys() {
        let both = html! { (menu("user-1", "A", &[])) (menu("user-2", "B", &[Item::Line])) };
        let text = both.into_string();
        for id in ["menu-user-1", "menu-user-2"] {
            assert_eq!(text.matches(&format!("id=\"{id}\"")).count(), 1);
            assert_eq!(text.matches(&format!("popovertarget=\"{id}\"")).count(), 1);
        }
    }

    #[test]
    fn buttons_say_what_they_do() {
        let text = html! {
            (primary("Save job")) (close("Keep enabled")) (link("Disable…", "/d").opens("disable").small())
        };
        assert_eq!(
            text.into_string(),
            concat!(
                r#"<button class="btn btn-primary">Save job</button>"#,
                r#"<button class="btn" type="button" data-close>Keep enabled</button>"#,
                r#"<a class="btn btn-sm" href="/d" data-dialog="disable">Disable…</a>"#,
            )
        );
    }
}
