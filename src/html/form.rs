//! Forms: the one way to post, and what stands around the fields of `field`.

use super::button::ACT;
use super::parts::{Tone, flash};
use crate::error::Complaint;
use crate::input::Input;
use maud::{Markup, Render, html};

/// What a form element carries besides where it goes.
#[derive(Clone, Copy, Default)]
pub struct Attrs<'a> {
    pub id: Option<&'a str>,
    pub class: Option<&'a str>,
}

/// A form that changes something. It always carries the session's token.
pub fn post_form(csrf: &str, action: &str, body: Markup) -> Markup {
    form(csrf, action, false, Attrs::default(), body)
}

pub fn post_form_with(csrf: &str, action: &str, attrs: Attrs, body: Markup) -> Markup {
    form(csrf, action, false, attrs, body)
}

/// A form that may hold files.
pub fn post_upload(csrf: &str, action: &str, body: Markup) -> Markup {
    form(csrf, action, true, Attrs::default(), body)
}

fn form(csrf: &str, action: &str, files: bool, attrs: Attrs, body: Markup) -> Markup {
    html! {
        form method="post" action=(action) id=[attrs.id] class=[attrs.class]
            enctype=[files.then_some("multipart/form-data")] {
            input type="hidden" name="csrf" value=(csrf);
            (body)
        }
    }
}

/// Empty but for the token; the buttons that name it say where they post.
pub fn act_form(csrf: &str) -> Markup {
    form(csrf, "", false, Attrs { id: Some(ACT), class: None }, html! {})
}

pub fn hidden(name: &str, value: impl Render) -> Markup {
    html! { input type="hidden" name=(name) value=(value); }
}

/// Everything that was typed, for a question between a form and its act.
pub fn carried(input: &Input) -> Markup {
    html! { @for (name, value) in input.pairs() { (hidden(name, value)) } }
}

/// A form is `div.form` of these, then [`form_foot`].
pub fn fieldset(legend: &str, about: &str, body: Markup) -> Markup {
    html! {
        fieldset {
            legend { (legend) @if !about.is_empty() { small { (about) } } }
            div.fields { (body) }
        }
    }
}

/// The buttons of a form, in sight while it scrolls: the one that saves first, cancel last.
pub fn form_foot(buttons: Markup) -> Markup {
    html! { div.form-foot { (buttons) } }
}

/// Says on top of a refused form what is wrong and leads to the fields. `labels` are (name, label).
pub fn complaints_flash(complaints: &[Complaint], labels: &[(&str, &str)]) -> Markup {
    let label = |c: &Complaint| labels.iter().find(|(name, _)| *name == c.field).map(|(_, l)| *l);
    let mut fields: Vec<(&str, &str)> = Vec::new();
    for complaint in complaints {
        if let Some(label) = label(complaint)
            && !fields.iter().any(|(name, _)| *name == complaint.field)
        {
            fields.push((&complaint.field, label));
        }
    }
    let others: Vec<String> = complaints
        .iter()
        .filter(|c| label(c).is_none())
        .map(|c| sentence(&c.field, &c.message))
        .collect();
    let number = ["No", "One", "Two", "Three", "Four", "Five", "Six"].get(fields.len());
    let head = match (number, fields.len()) {
        (Some(number), 1) => format!("{number} field needs a look."),
        (Some(number), _) => format!("{number} fields need a look."),
        (None, many) => format!("{many} fields need a look."),
    };
    let last = fields.len().saturating_sub(1);
    let text = html! {
        @for text in &others { p { (text) } }
        @if !fields.is_empty() {
            p {
                b { (head) } " "
                @for (place, (name, label)) in fields.iter().enumerate() {
                    @if place > 0 { (if place == last { " and " } else { ", " }) }
                    a href={ "#" (name) } { (label) }
                }
                "."
            }
        }
    };
    if complaints.is_empty() {
        html! {}
    } else {
        flash(Tone::Bad, text, None)
    }
}

/// A message that starts with a small letter follows its field's label. One that starts with an
/// address or a host name is a sentence of its own.
pub fn sentence(label: &str, message: &str) -> String {
    let first = message.split(' ').next().unwrap_or_default();
    let follows = first.chars().all(char::is_alphabetic) && first.starts_with(char::is_lowercase);
    if label.is_empty() || !follows {
        return message.to_owned();
    }
    let end = if message.ends_with(['.', '?']) { "" } else { "." };
    format!("{label} {message}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(field: &'static str, message: &str) -> Complaint {
        Complaint::new(field, message)
    }

    #[test]
    fn every_post_form_carries_the_token() {
        let body = || html! { "x" };
        let attrs = Attrs { id: Some("f"), class: Some("row") };
        for form in [
            post_form("t<k", "/a?b&c", body()),
            post_form_with("t<k", "/a?b&c", attrs, body()),
            post_upload("t<k", "/a?b&c", body()),
        ] {
            let text = form.into_string();
            assert!(text.contains(r#"action="/a?b&amp;c""#), "{text}");
            assert!(text.contains(r#"<input type="hidden" name="csrf" value="t&lt;k">"#), "{text}");
        }
        let upload = post_upload("t", "/", body()).into_string();
        assert!(upload.contains(r#"enctype="multipart/form-data""#));
    }

    #[test]
    fn the_summary_leads_to_each_field_once() {
        let labels = [("last", "Last name"), ("addr", "Sign-in name"), ("job", "Job & title")];
        let bad = [
            wrong("last", "is required"),
            wrong("addr", "is taken"),
            wrong("addr", "is odd"),
            wrong("job", "is long"),
            wrong("", "Somebody changed it meanwhile."),
            wrong("color", "is not known"),
        ];
        let text = complaints_flash(&bad, &labels).into_string();
        assert!(text.contains(r#"role="alert""#));
        assert!(
            text.contains("<p>Somebody changed it meanwhile.</p><p>color is not known.</p>"),
            "{text}"
        );
        assert!(
            text.contains(concat!(
                r##"<b>Three fields need a look.</b> <a href="#last">Last name</a>, "##,
                r##"<a href="#addr">Sign-in name</a> and <a href="#job">Job &amp; title</a>."##
            )),
            "{text}"
        );
        assert!(complaints_flash(&[], &labels).into_string().is_empty());
    }

    #[test]
    fn messages_follow_their_label_or_stand_alone() {
        assert_eq!(sentence("Name", "is required"), "Name is required.");
        assert_eq!(sentence("Name", "is that right?"), "Name is that right?");
        assert_eq!(sentence("Name", "Enter a name."), "Enter a name.");
        assert_eq!(sentence("Login", "a@b.example is taken."), "a@b.example is taken.");
        assert_eq!(sentence("", "is odd"), "is odd");
    }
}
