//! Fields: they keep what was typed and say what is wrong with it. A field's id is its name, so that
//! the summary on top of a refused form can lead to it.

use super::form::{hidden, sentence};
use crate::error::Complaint;
use crate::input::{CONFIRM, Input};
use maud::{Markup, html};

/// How a field differs from a plain line of text; leave out with `..Opts::default()`.
#[derive(Clone, Copy, Default)]
pub struct Opts<'a> {
    /// Below the field. What to type, never what is wrong.
    pub hint: &'a str,
    /// 2, 3 or 4 of the six columns; 0 is the whole row.
    pub width: u8,
    /// `email`, `password`, `date`, `number`, `url`, `tel`; empty is text.
    pub kind: &'a str,
    /// Marked as such; what is required is not marked.
    pub optional: bool,
    pub autocomplete: &'a str,
    pub autofocus: bool,
    pub placeholder: &'a str,
    /// Stands after the box: "users", "€".
    pub unit: &'a str,
    /// Most characters that may be typed.
    pub most: Option<usize>,
    /// Codes, addresses and paths run left to right in every language.
    pub ltr: bool,
    /// Rows of a text area; 0 is four.
    pub rows: u8,
    /// The id of a `datalist`.
    pub list: &'a str,
    pub disabled: bool,
    /// Asked again while typing: address to get, id of the element that shows the answer.
    pub preview: Option<(&'a str, &'a str)>,
}

pub fn text_field(
    input: &Input,
    complaints: &[Complaint],
    name: &str,
    label: &str,
    opts: Opts,
) -> Markup {
    let wrong = complaint(complaints, name, label);
    let kind = filled(opts.kind).unwrap_or("text");
    let value = if kind == "password" { "" } else { input.get(name) };
    let class = if wrong.is_some() { "form-control is-invalid" } else { "form-control" };
    let (get, target) = opts.preview.unzip();
    let control = html! {
        input class=(class) type=(kind) id=(name) name=(name) value=(value)
            autocomplete=[filled(opts.autocomplete)] placeholder=[filled(opts.placeholder)]
            maxlength=[opts.most] list=[filled(opts.list)] dir=[opts.ltr.then_some("ltr")]
            hx-get=[get] hx-target=[target.map(|id| format!("#{id}"))]
            hx-trigger=[get.map(|_| "input changed delay:250ms")]
            hx-include=[get.map(|_| "closest form")]
            disabled[opts.disabled] autofocus[opts.autofocus]
            aria-describedby=[described(name, opts.hint, &wrong)]
            aria-invalid=[wrong.as_ref().map(|_| "true")];
    };
    let control = match filled(opts.unit) {
        Some(unit) => html! { div.joined { (control) span.unit { (unit) } } },
        None => control,
    };
    labelled(name, label, &wrong, opts, control)
}

/// Where `text` is typed by hand, for the guard *typed*.
pub fn typed_field(complaints: &[Complaint], text: &str) -> Markup {
    let hint = format!("Type {text} to confirm.");
    let opts = Opts { hint: &hint, autocomplete: "off", width: 3, ..Opts::default() };
    text_field(&Input::default(), complaints, CONFIRM.name, "Confirmation", opts)
}

/// The same, asked for only once the number is known that is to be typed: by the complaint.
pub fn brake_field(complaints: &[Complaint]) -> Markup {
    let hint = "So many services change with it. Type the number to confirm.";
    let opts = Opts { hint, autocomplete: "off", width: 3, ..Opts::default() };
    html! {
        @if complaints.iter().any(|each| each.field == CONFIRM.name) {
            (text_field(&Input::default(), complaints, CONFIRM.name, "Confirmation", opts))
        }
    }
}

pub fn textarea(
    input: &Input,
    complaints: &[Complaint],
    name: &str,
    label: &str,
    opts: Opts,
) -> Markup {
    let wrong = complaint(complaints, name, label);
    let class = if wrong.is_some() { "form-control is-invalid" } else { "form-control" };
    let rows = if opts.rows == 0 { 4 } else { opts.rows };
    let control = html! {
        // The line end after the tag is dropped by browsers, so one that was typed is kept.
        textarea class=(class) id=(name) name=(name) rows=(rows)
            placeholder=[filled(opts.placeholder)] maxlength=[opts.most]
            dir=[opts.ltr.then_some("ltr")] disabled[opts.disabled]
            aria-describedby=[described(name, opts.hint, &wrong)]
            aria-invalid=[wrong.as_ref().map(|_| "true")] { "\n" (input.get(name)) }
    };
    labelled(name, label, &wrong, opts, control)
}

/// One of several, as (value, text). A value that is no longer offered is not silently replaced:
/// the caller offers an empty first choice where nothing may be chosen.
pub fn choice_field<V: AsRef<str>, T: AsRef<str>>(
    input: &Input,
    complaints: &[Complaint],
    name: &str,
    label: &str,
    choices: &[(V, T)],
    opts: Opts,
) -> Markup {
    let wrong = complaint(complaints, name, label);
    let class = if wrong.is_some() { "form-select is-invalid" } else { "form-select" };
    let (get, target) = opts.preview.unzip();
    let control = html! {
        select class=(class) id=(name) name=(name) disabled[opts.disabled]
            autofocus[opts.autofocus] hx-get=[get] hx-target=[target.map(|id| format!("#{id}"))]
            hx-include=[get.map(|_| "closest form")]
            aria-describedby=[described(name, opts.hint, &wrong)]
            aria-invalid=[wrong.as_ref().map(|_| "true")] {
            (options(choices, input.get(name)))
        }
    };
    labelled(name, label, &wrong, opts, control)
}

/// The options of a select, with the one chosen that `now` names.
pub fn options<V: AsRef<str>, T: AsRef<str>>(choices: &[(V, T)], now: &str) -> Markup {
    html! {
        @for (value, text) in choices {
            option value=(value.as_ref()) selected[value.as_ref() == now] { (text.as_ref()) }
        }
    }
}

pub fn file_field(
    complaints: &[Complaint],
    name: &str,
    label: &str,
    accept: &str,
    opts: Opts,
) -> Markup {
    let wrong = complaint(complaints, name, label);
    let class = if wrong.is_some() { "form-control is-invalid" } else { "form-control" };
    let control = html! {
        input class=(class) type="file" id=(name) name=(name) accept=[filled(accept)]
            aria-describedby=[described(name, opts.hint, &wrong)]
            aria-invalid=[wrong.as_ref().map(|_| "true")];
    };
    labelled(name, label, &wrong, opts, control)
}

/// Yes or no. An empty box says nothing in a form, so "0" goes before it: the last value counts.
pub fn check(
    input: &Input,
    complaints: &[Complaint],
    name: &str,
    label: &str,
    hint: &str,
) -> Markup {
    let wrong = complaint(complaints, name, label);
    let on = matches!(input.get(name), "1" | "true" | "on" | "yes");
    html! {
        div.field {
            (hidden(name, "0"))
            (mark(Mark { kind: "checkbox", id: name, name, value: "1", on, label, hint }, &wrong))
        }
    }
}

/// One of a list of boxes of the same name; `Input::all` reads those that are ticked.
pub fn tick(input: &Input, name: &str, value: &str, label: &str, hint: &str) -> Markup {
    let on = input.all(name).any(|each| each == value);
    mark(
        Mark { kind: "checkbox", id: &format!("{name}-{value}"), name, value, on, label, hint },
        &None,
    )
}

/// One of a few, all visible. The complaint of the name, if there is one, is the caller's to place
/// with [`complaint_of`].
pub fn radio(input: &Input, name: &str, value: &str, label: &str, hint: &str) -> Markup {
    let on = input.get(name) == value;
    mark(
        Mark { kind: "radio", id: &format!("{name}-{value}"), name, value, on, label, hint },
        &None,
    )
}

/// The complaint about a group of boxes, under its id.
pub fn complaint_of(complaints: &[Complaint], name: &str, label: &str) -> Markup {
    html! {
        @if let Some(text) = complaint(complaints, name, label) {
            span.invalid-feedback id=(name) { (text) }
        }
    }
}

/// What boxes to tick and buttons to choose have in common.
struct Mark<'a> {
    kind: &'a str,
    id: &'a str,
    name: &'a str,
    value: &'a str,
    on: bool,
    label: &'a str,
    hint: &'a str,
}

fn mark(mark: Mark, wrong: &Option<String>) -> Markup {
    let Mark { kind, id, name, value, on, label, hint } = mark;
    html! {
        div.form-check {
            input.form-check-input type=(kind) id=(id) name=(name) value=(value) checked[on]
                aria-describedby=[described(id, hint, wrong)]
                aria-invalid=[wrong.as_ref().map(|_| "true")];
            label.form-check-label for=(id) {
                (label)
                @if let Some(text) = wrong {
                    span.invalid-feedback id={ (id) "-complaint" } { (text) }
                }
                @if !hint.is_empty() { span.form-hint id={ (id) "-hint" } { (hint) } }
            }
        }
    }
}

/// A control of the caller's own with label, complaint and hint around it.
pub fn field(
    complaints: &[Complaint],
    name: &str,
    label: &str,
    opts: Opts,
    control: Markup,
) -> Markup {
    labelled(name, label, &complaint(complaints, name, label), opts, control)
}

fn complaint(complaints: &[Complaint], name: &str, label: &str) -> Option<String> {
    let own = complaints.iter().filter(|c| c.field == name);
    let all: Vec<String> = own.map(|c| sentence(label, &c.message)).collect();
    (!all.is_empty()).then(|| all.join(" "))
}

fn described(id: &str, hint: &str, wrong: &Option<String>) -> Option<String> {
    match (hint.is_empty(), wrong.is_none()) {
        (true, true) => None,
        (false, true) => Some(format!("{id}-hint")),
        (true, false) => Some(format!("{id}-complaint")),
        (false, false) => Some(format!("{id}-complaint {id}-hint")),
    }
}

fn labelled(
    name: &str,
    label: &str,
    wrong: &Option<String>,
    opts: Opts,
    control: Markup,
) -> Markup {
    let class = match opts.width {
        2 => "field w2",
        3 => "field w3",
        4 => "field w4",
        _ => "field",
    };
    html! {
        div class=(class) {
            label.form-label for=(name) {
                (label) @if opts.optional { " " span.optional { "optional" } }
            }
            (control)
            @if let Some(text) = wrong {
                span.invalid-feedback id={ (name) "-complaint" } { (text) }
            }
            @if !opts.hint.is_empty() { span.form-hint id={ (name) "-hint" } { (opts.hint) } }
        }
    }
}

fn filled(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(field: &'static str, message: &str) -> Complaint {
        Complaint::new(field, message)
    }

    fn typed(name: &str, value: &str) -> Input {
        let mut input = Input::default();
        input.set(name, value);
        input
    }

    #[test]
    fn a_refused_field_keeps_its_value_and_says_why() {
        let opts = Opts { hint: "Invoices go here.", kind: "email", ..Opts::default() };
        let input = typed("email", r#""><script>"#);
        let bad = [wrong("email", "is not an e-mail address")];
        assert_eq!(
            text_field(&input, &bad, "email", "Email", opts).into_string(),
            concat!(
                r#"<div class="field"><label class="form-label" for="email">Email</label>"#,
                r#"<input class="form-control is-invalid" type="email" id="email" name="email" "#,
                r#"value="&quot;&gt;&lt;script&gt;" aria-describedby="email-complaint email-hint" "#,
                r#"aria-invalid="true">"#,
                r#"<span class="invalid-feedback" id="email-complaint">"#,
                r#"Email is not an e-mail address.</span>"#,
                r#"<span class="form-hint" id="email-hint">Invoices go here.</span></div>"#
            )
        );
        let fine = text_field(&input, &[], "email", "Email", opts).into_string();
        assert!(!fine.contains("invalid") && fine.contains(r#"aria-describedby="email-hint""#));
    }

    #[test]
    fn a_password_is_never_written_back() {
        let opts = Opts { kind: "password", ..Opts::default() };
        let input = typed("password", "hunter2-hunter2");
        let text = text_field(&input, &[], "password", "Password", opts).into_string();
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn every_kind_of_field_shows_its_complaint() {
        let input = typed("x", "b");
        let bad = [wrong("x", "Choose one."), wrong("x", "is required")];
        let choices = [("a", "A & A"), ("b", "B")];
        let opts = Opts::default();
        let said = "Choose one. Thing is required.";
        for field in [
            text_field(&input, &bad, "x", "Thing", opts),
            textarea(&input, &bad, "x", "Thing", opts),
            choice_field(&input, &bad, "x", "Thing", &choices, opts),
            file_field(&bad, "x", "Thing", ".csv", opts),
            check(&input, &bad, "x", "Thing", ""),
        ] {
            let text = field.into_string();
            assert!(text.contains(&format!(r#"id="x-complaint">{said}</span>"#)), "{text}");
            assert!(text.contains(r#"aria-describedby="x-complaint""#), "{text}");
            assert!(text.contains(r#"aria-invalid="true""#), "{text}");
            assert_eq!(text.matches(r#"id="x""#).count(), 1, "{text}");
        }
        let group = complaint_of(&bad, "x", "Thing").into_string();
        assert!(group.contains(r#"id="x""#) && group.contains(said));
    }

    #[test]
    fn choices_keep_what_was_chosen() {
        let choices = [("a", "A & A"), ("b", "B")];
        let text = choice_field(&typed("x", "b"), &[], "x", "Thing", &choices, Opts::default());
        let text = text.into_string();
        assert!(text.contains(r#"<option value="a">A &amp; A</option>"#), "{text}");
        assert!(text.contains(r#"<option value="b" selected>B</option>"#), "{text}");
        let mut input = typed("x", "a");
        input.push("x", "c");
        let on = |value| tick(&input, "x", value, "T", "").into_string().contains(" checked");
        assert_eq!([on("a"), on("b"), on("c")], [true, false, true]);
        assert!(radio(&input, "x", "c", "C", "").into_string().contains(" checked"));
    }

    #[test]
    fn an_empty_box_says_no_and_a_full_one_yes() {
        let off = check(&typed("x", "0"), &[], "x", "Tell", "").into_string();
        assert!(!off.contains(" checked"), "{off}");
        let zero = off.find(r#"type="hidden" name="x" value="0""#).unwrap();
        assert!(zero < off.find(r#"value="1""#).unwrap(), "the box comes last, so it wins");
        assert!(
            check(&typed("x", "true"), &[], "x", "Tell", "").into_string().contains(" checked")
        );
    }
}
