//! The fields of a customer as a form has them, group by group.

use crate::customers::fields::LANGUAGES;
use crate::customers::{Biller, CustomersBiller, Type};
use crate::error::Complaint;
use crate::html::field::{Opts, check, choice_field, text_field, textarea};
use crate::html::form::fieldset;
use crate::input::Input;
use crate::places::capital;
use crate::sheet::countries;
use maud::{Markup, html};

/// What is typed, and what is wrong with it.
pub struct Form<'a> {
    /// Of a customer that there is.
    pub known: bool,
    pub input: &'a Input,
    pub complaints: &'a [Complaint],
}

/// What the fields are called.
pub const LABELS: &[(&str, &str)] = &[
    ("name", "Name"),
    ("code", "Code"),
    ("parent_id", "Below"),
    ("domain", "Domain"),
    ("contact_name", "Contact"),
    ("contact_email", "Contact email"),
    ("phone", "Phone"),
    ("fax", "Fax"),
    ("website", "Website"),
    ("coordinates", "Coordinates"),
    ("links", "Links"),
    ("rank", "Rank"),
    ("tags", "Tags"),
    ("street", "Street"),
    ("city", "City"),
    ("region", "State or province"),
    ("postcode", "Postcode"),
    ("country", "Country"),
    ("language", "Language"),
    ("time_zone", "Time zone"),
    ("external_id", "Id elsewhere"),
    ("type", "Type"),
    ("starts_on", "Starts on"),
    ("expires_on", "Ends on"),
    ("user_limit", "Most users allowed"),
    ("currency", "Currency"),
    ("billing_id", "Billing id"),
    ("tax_id", "Tax id"),
    ("tax_rate", "Tax rate"),
    ("registration_no", "Registration number"),
    ("invoice_email", "Invoices go to"),
    ("invoice_address", "Invoice address"),
    ("po_reference", "Order reference"),
    ("payment_days", "Days to pay"),
    ("billed_by", "Billed by"),
    ("customers_billed_by", "Its customers are billed by"),
    ("billing_from", "Billing begins on"),
    ("notes", "Notes"),
];

impl Form<'_> {
    pub fn text(&self, name: &str, label: &str, opts: Opts) -> Markup {
        text_field(self.input, self.complaints, name, label, opts)
    }

    pub fn choice<V: AsRef<str>, T: AsRef<str>>(
        &self,
        name: &str,
        label: &str,
        choices: &[(V, T)],
        width: u8,
    ) -> Markup {
        let opts = Opts { width, ..Opts::default() };
        choice_field(self.input, self.complaints, name, label, choices, opts)
    }

    pub fn id_elsewhere(&self) -> Markup {
        self.text(
            "external_id",
            "Id elsewhere",
            Opts { width: 2, optional: true, ..Opts::default() },
        )
    }

    pub fn name(&self, more: Markup) -> Markup {
        let half = Opts { width: 3, ..Opts::default() };
        let name = Opts {
            width: 4,
            most: Some(100),
            preview: (!self.known).then_some(("/customers/new/code", "code-preview")),
            ..half
        };
        let email = Opts { kind: "email", ..half };
        fieldset(
            "Name and contact",
            "",
            html! {
                (self.text("name", "Name", name))
                (more)
                (self.text("contact_name", "Contact", half))
                (self.text("contact_email", "Contact email", email))
                (self.text("phone", "Phone", Opts { optional: true, kind: "tel", ..half }))
                (self.text("fax", "Fax", Opts { optional: true, kind: "tel", ..half }))
                (self.text("website", "Website", Opts { optional: true, kind: "url", ..half }))
                (textarea(self.input, self.complaints, "links", "Links", Opts {
                    rows: 2, optional: true, hint: "A label and an address on each line.", ..Opts::default()
                }))
            },
        )
    }

    pub fn address(&self) -> Markup {
        let third = Opts { width: 2, optional: true, ..Opts::default() };
        let mut all = vec![("", "As the one above")];
        if self.known {
            all = vec![("", "None")];
        }
        all.extend(countries::all());
        let zone =
            Opts { width: 3, hint: "Like Europe/Amsterdam.", ltr: true, optional: true, ..third };
        fieldset(
            "Address and language",
            "",
            html! {
                (textarea(self.input, self.complaints, "street", "Street",
                    Opts { rows: 2, optional: true, ..Opts::default() }))
                (self.text("postcode", "Postcode", third))
                (self.text("city", "City", third))
                (self.text("region", "State or province", third))
                (self.choice("country", "Country", &all, 3))
                (self.text("time_zone", "Time zone", zone))
                (self.choice("language", "Language", LANGUAGES, 3))
                (self.text("coordinates", "Coordinates", Opts { hint: "Like 52.37,4.90.", ltr: true, width: 3, ..third }))
            },
        )
    }

    pub fn limits(&self) -> Markup {
        let third = Opts { width: 2, optional: true, ..Opts::default() };
        let kinds: Vec<(&str, String)> =
            Type::ALL.iter().map(|kind| (kind.word(), capital(kind.word()))).collect();
        let date = Opts { kind: "date", ..third };
        let limit = Opts { width: 3, kind: "number", unit: "users", ..third };
        fieldset(
            "Type and limits",
            "Test and demo customers are not billed.",
            html! {
                (self.choice("type", "Type", &kinds, 2))
                (self.text("starts_on", "Starts on", date))
                (self.text("expires_on", "Ends on", date))
                (self.text("user_limit", "Most users allowed", limit))
            },
        )
    }

    pub fn billing(&self) -> Markup {
        let third = Opts { width: 2, optional: true, ..Opts::default() };
        let half = Opts { width: 3, ..third };
        let by = |words: &[&'static str]| -> Vec<(&'static str, String)> {
            let text = |word: &str| match word {
                "inherit" => "As the reseller decides".to_owned(),
                "reseller" => "Their reseller".to_owned(),
                other => format!("The {other}"),
            };
            words.iter().map(|word| (*word, text(word))).collect()
        };
        let billers: Vec<_> = Biller::ALL.iter().map(|each| each.word()).collect();
        let theirs: Vec<_> = CustomersBiller::ALL.iter().map(|each| each.word()).collect();
        let email = Opts { kind: "email", hint: "Empty: the contact.", ..half };
        fieldset(
            "Billing",
            "What the bill needs.",
            html! {
                (self.text("currency", "Currency", Opts { ltr: true, hint: "Like EUR.", ..third }))
                (self.text("tax_rate", "Tax rate", Opts { unit: "%", hint: "Empty: the issuer's.", ..third }))
                (self.text("payment_days", "Days to pay", Opts { kind: "number", unit: "days", ..third }))
                (self.text("billing_id", "Billing id", third))
                (self.text("tax_id", "Tax id", third))
                (self.text("registration_no", "Registration number", third))
                (self.text("invoice_email", "Invoices go to", email))
                (self.text("po_reference", "Order reference", half))
                (textarea(self.input, self.complaints, "invoice_address", "Invoice address",
                    Opts { rows: 3, optional: true, hint: "Empty: the address above.", ..Opts::default() }))
                (self.choice("billed_by", "Billed by", &by(&billers), 3))
                (self.choice("customers_billed_by", "Its customers are billed by", &by(&theirs), 3))
                (self.text("billing_from", "Billing begins on", Opts { kind: "date", ..half }))
            },
        )
    }

    /// Whether the contact gets a mail; asked once.
    pub fn told(&self) -> Markup {
        let what = "Mail the contact that it was set up";
        let tick = check(self.input, self.complaints, "tell_contact", what, "");
        fieldset("Message", "", tick)
    }

    pub fn for_us(&self, ranks: &[String]) -> Markup {
        let opts = Opts { rows: 5, optional: true, ..Opts::default() };
        let mut all = vec![("", "None")];
        let now = self.input.get("rank");
        all.extend(ranks.iter().map(|rank| (rank.as_str(), rank.as_str())));
        if !now.is_empty() && !ranks.iter().any(|rank| rank == now) {
            all.push((now, now));
        }
        let tags = Opts { hint: "Parted by commas.", optional: true, width: 4, ..Opts::default() };
        fieldset(
            "For us",
            "The customer's own people do not see this.",
            html! {
                @if all.len() > 1 { (self.choice("rank", "Rank", &all, 2)) }
                (self.text("tags", "Tags", tags))
                (textarea(self.input, self.complaints, "notes", "Notes", opts))
            },
        )
    }
}
