//! The fields of a user as a form has them, group by group.

use crate::auth::WITHOUT;
use crate::customers::fields::LANGUAGES;
use crate::error::Complaint;
use crate::html::field::{Opts, check, choice_field, text_field, textarea};
use crate::html::form::fieldset;
use crate::ids::CustomerId;
use crate::input::Input;
use crate::sheet::countries;
use maud::{Markup, html};
use std::collections::BTreeSet;

/// What the fields are called.
pub const LABELS: &[(&str, &str)] = &[
    (WITHOUT, ""),
    ("first_name", "First name"),
    ("last_name", "Last name"),
    ("display_name", "Shown as"),
    ("upn", "Sign-in name"),
    ("username", "User name"),
    ("mail", "Primary address"),
    ("addresses", "Further addresses"),
    ("external_emails", "Addresses elsewhere"),
    ("recovery_email", "Private address"),
    ("job_title", "Job title"),
    ("department", "Department"),
    ("location", "Location"),
    ("manager", "Manager"),
    ("office", "Office"),
    ("company", "Company"),
    ("phone", "Phone"),
    ("mobile", "Mobile"),
    ("home_phone", "Home phone"),
    ("fax", "Fax"),
    ("street", "Street"),
    ("postcode", "Postcode"),
    ("city", "City"),
    ("region", "State or province"),
    ("country", "Country"),
    ("language", "Language"),
    ("time_zone", "Time zone"),
    ("web_page", "Web page"),
    ("pager", "Pager"),
    ("ip_phone", "IP phone"),
    ("po_box", "PO box"),
    ("usage_location", "Usage location"),
    ("employee_type", "Employee type"),
    ("main_contact", "Main contact"),
    ("must_change", "New password at the next sign-in"),
    ("never_expires", "Password without end"),
    ("break_glass", "For emergencies"),
    ("external_ids", "Known elsewhere as"),
    ("employee_id", "Employee id"),
    ("cost_centre", "Cost centre"),
    ("description", "Description"),
    ("notes", "Notes"),
    ("expires_on", "Last day"),
    ("sign_in", "May sign in"),
    ("test_user", "Test user"),
    ("roles", "Roles"),
    ("disabled", "Disabled"),
];

/// What is typed, what is wrong with it, and what there is to choose from.
pub struct Form<'a> {
    pub input: &'a Input,
    pub complaints: &'a [Complaint],
    pub departments: &'a [String],
    /// Shows the names while they are typed, for a new user of this customer.
    pub preview: Option<CustomerId>,
    /// What the directory owns, which is read-only here.
    pub owned: &'a BTreeSet<String>,
}

impl Form<'_> {
    pub fn text(&self, name: &str, opts: Opts) -> Markup {
        let opts = match self.owned.contains(name) {
            true => Opts { disabled: true, hint: "Owned by the directory: changed there.", ..opts },
            false => opts,
        };
        let label =
            LABELS.iter().find(|(field, _)| *field == name).map_or(name, |(_, label)| label);
        text_field(self.input, self.complaints, name, label, opts)
    }

    fn shown(&self, name: &str, opts: Opts) -> Markup {
        let href = self.preview.map(|id| format!("/customers/{id}/users/preview"));
        self.text(name, Opts { preview: href.as_deref().map(|href| (href, "names")), ..opts })
    }

    pub fn person(&self) -> Markup {
        let half = Opts { width: 3, optional: true, ..Opts::default() };
        let department = Opts { list: "departments", hint: "A new one is added.", ..half };
        let manager = Opts { hint: "The sign-in name.", ltr: true, ..half };
        fieldset(
            "Person",
            "One of the three names suffices.",
            html! {
                (self.shown("first_name", Opts { most: Some(64), ..half }))
                (self.shown("last_name", Opts { most: Some(64), ..half }))
                (self.shown("display_name", Opts { most: Some(120), ..half }))
                (self.text("job_title", half))
                (self.text("department", department))
                datalist id="departments" { @for name in self.departments { option value=(name) {} } }
                (self.text("manager", manager))
            },
        )
    }

    pub fn account(&self, more: Markup) -> Markup {
        let wide =
            Opts { width: 4, ltr: true, optional: self.preview.is_some(), ..Opts::default() };
        let doors =
            [("everything", "Everywhere"), ("api_only", "API only"), ("nothing", "Nowhere")];
        let area =
            Opts { rows: 2, optional: true, ltr: true, hint: "One a line.", ..Opts::default() };
        fieldset(
            "Account",
            "",
            html! {
                (self.shown("upn", wide))
                (self.text("username", Opts { width: 2, most: Some(20), ..wide }))
                (more)
                (self.text("mail", wide))
                (textarea(self.input, self.complaints, "addresses", "Further addresses", area))
                (self.text("recovery_email", Opts {
                    kind: "email", optional: true, hint: "Elsewhere; links to choose a password go there.", ..wide
                }))
                (choice_field(self.input, self.complaints, "sign_in", "May sign in", &doors,
                    Opts { width: 2, ..Opts::default() }))
                @if self.preview.is_none() {
                    (check(self.input, self.complaints, "must_change", "New password at the next sign-in",
                        "Nothing else opens before that."))
                    (check(self.input, self.complaints, "never_expires", "Password without end",
                        "Where the customer allows that."))
                }
            },
        )
    }

    pub fn contact(&self) -> Markup {
        let third = Opts { width: 2, optional: true, ..Opts::default() };
        let area =
            Opts { rows: 2, optional: true, ltr: true, hint: "One a line.", ..Opts::default() };
        fieldset(
            "Contact",
            "",
            html! {
                (self.text("phone", Opts { kind: "tel", ..third }))
                (self.text("mobile", Opts { kind: "tel", ..third }))
                (self.text("fax", Opts { kind: "tel", ..third }))
                (self.text("home_phone", Opts { kind: "tel", ..third }))
                (self.text("pager", Opts { kind: "tel", ..third }))
                (self.text("ip_phone", Opts { kind: "tel", ..third }))
                (self.text("office", third))
                (self.text("location", third))
                (self.text("company", third))
                (textarea(self.input, self.complaints, "external_emails", "Addresses elsewhere", area))
            },
        )
    }

    /// Numbers that everybody says themselves.
    pub fn own_numbers(&self) -> Markup {
        let third = Opts { width: 2, optional: true, kind: "tel", ..Opts::default() };
        fieldset(
            "Numbers",
            "",
            html! {
                @for field in ["phone", "mobile", "home_phone", "fax", "pager", "ip_phone"] {
                    (self.text(field, third))
                }
            },
        )
    }

    /// Where links may go besides the hosted address.
    pub fn own_address(&self) -> Markup {
        let hint =
            "Elsewhere; links to choose a password go there once you have proven that it is yours.";
        let opts =
            Opts { kind: "email", width: 4, optional: true, ltr: true, hint, ..Opts::default() };
        fieldset("Private address", "", self.text("recovery_email", opts))
    }

    pub fn address(&self) -> Markup {
        let third = Opts { width: 2, optional: true, ..Opts::default() };
        let mut all = vec![("", "None")];
        all.extend(countries::all());
        fieldset(
            "Address",
            "",
            html! {
                (textarea(self.input, self.complaints, "street", "Street",
                    Opts { rows: 2, optional: true, ..Opts::default() }))
                (self.text("po_box", third))
                (self.text("postcode", third))
                (self.text("city", third))
                (self.text("region", third))
                (choice_field(self.input, self.complaints, "country", "Country", &all,
                    Opts { width: 3, ..Opts::default() }))
                (choice_field(self.input, self.complaints, "usage_location", "Usage location", &all,
                    Opts { width: 3, hint: "Where licences are used.", ..Opts::default() }))
            },
        )
    }

    pub fn last_day(&self) -> Markup {
        let hint = "Access ends that midnight.";
        self.text(
            "expires_on",
            Opts { kind: "date", width: 3, optional: true, hint, ..Opts::default() },
        )
    }

    pub fn more(&self, may_test: bool, extra: Markup) -> Markup {
        let third = Opts { width: 2, optional: true, ..Opts::default() };
        let mut languages = vec![("", "The customer's")];
        languages.extend(LANGUAGES);
        fieldset(
            "More",
            "",
            html! {
                (self.text("employee_id", third))
                (self.text("employee_type", third))
                (self.text("cost_centre", third))
                (choice_field(self.input, self.complaints, "language", "Language", &languages,
                    Opts { width: 2, ..Opts::default() }))
                (self.text("time_zone", Opts { ltr: true, hint: "Empty: the customer's.", width: 3, ..third }))
                (self.text("web_page", Opts { ltr: true, width: 3, ..third }))
                (self.text("description", Opts { width: 6, ..third }))
                (textarea(self.input, self.complaints, "external_ids", "Known elsewhere as",
                    Opts { rows: 2, optional: true, ltr: true, hint: "One a line, like hr:4711.", ..Opts::default() }))
                (textarea(self.input, self.complaints, "notes", "Notes",
                    Opts { rows: 3, optional: true, ..Opts::default() }))
                (check(self.input, self.complaints, "main_contact", "Main contact", "Sees the customer's tickets."))
                @if may_test {
                    (check(self.input, self.complaints, "test_user", "Test user", "Is not billed."))
                }
                (extra)
            },
        )
    }
}
