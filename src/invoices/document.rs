//! What a document says, whole: a draft's is composed anew each time, a final one's is its snapshot
//! and nothing else. Printed from here alone.

use crate::error::Result;
use crate::html::table::{Look, column, table, table_with};
use crate::html::text::{date, quantity};
use crate::ids::CustomerId;
use crate::money::{self, Currency, Money, UnitPrice};
use crate::rating::totals::{Taxed, totals};
use crate::time::Date;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

words! {
    Type { Invoice = "invoice", CreditNote = "credit_note" }
}

words! {
    LineKind { Recurring = "recurring", Once = "once" }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    #[serde(rename = "type")]
    pub kind: Type,
    /// `None`: a draft.
    pub number: Option<String>,
    /// The number of the invoice that a credit note takes back.
    pub credits: Option<String>,
    pub issued_on: Option<Date>,
    pub due_on: Option<Date>,
    pub period_start: Date,
    pub period_end: Date,
    pub currency: Currency,
    pub seller: Party,
    pub buyer: Party,
    pub lines: Vec<Line>,
    pub tax_label: String,
    pub tax: Vec<Tax>,
    pub net_minor: i64,
    pub tax_minor: i64,
    pub gross_minor: i64,
    pub note: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    pub name: String,
    pub address: String,
    pub country: String,
    pub tax_id: String,
    pub registration_no: String,
    /// The buyer's: its own order number and what we call it.
    pub reference: String,
    pub billing_id: String,
    /// The seller's.
    pub bank: String,
    pub iban: String,
    pub bic: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub position: i64,
    pub kind: LineKind,
    pub customer_id: CustomerId,
    pub customer: String,
    pub sku: String,
    pub text: String,
    /// A decimal.
    pub quantity: String,
    /// In ten-thousandths of a minor unit.
    pub unit_price: i64,
    pub net_minor: i64,
    pub tax_rate_bp: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tax {
    pub rate_bp: i64,
    pub base_minor: i64,
    pub tax_minor: i64,
}

impl Document {
    /// Sums up the lines: tax once per rate.
    pub fn summed(mut self) -> Result<Document> {
        let taxed = |line: &Line| Taxed {
            net: Money::new(line.net_minor, self.currency),
            rate_bp: line.tax_rate_bp,
        };
        let sums = totals(self.currency, &self.lines.iter().map(taxed).collect::<Vec<_>>())?;
        (self.net_minor, self.tax_minor, self.gross_minor) =
            (sums.net_minor, sums.tax_minor, sums.gross_minor);
        let group = |g: &crate::rating::totals::TaxGroup| Tax {
            rate_bp: g.rate_bp,
            base_minor: g.base_minor,
            tax_minor: g.tax_minor,
        };
        self.tax = sums.tax.iter().map(group).collect();
        Ok(self)
    }

    /// All of it, taken back.
    pub fn reversed(&self, number: String, day: Date) -> Document {
        let mut all = self.clone();
        (all.kind, all.credits) = (Type::CreditNote, self.number.clone());
        (all.number, all.issued_on, all.due_on) = (Some(number), Some(day), None);
        for line in &mut all.lines {
            line.net_minor = -line.net_minor;
            line.quantity = match line.quantity.strip_prefix('-') {
                Some(plus) => plus.to_owned(),
                None => format!("-{}", line.quantity),
            };
        }
        for tax in &mut all.tax {
            (tax.base_minor, tax.tax_minor) = (-tax.base_minor, -tax.tax_minor);
        }
        (all.net_minor, all.tax_minor) = (-self.net_minor, -self.tax_minor);
        all.gross_minor = -self.gross_minor;
        all
    }

    pub fn title(&self) -> String {
        let word = match self.kind {
            Type::Invoice => "Invoice",
            Type::CreditNote => "Credit note",
        };
        match &self.number {
            Some(number) => format!("{word} {number}"),
            None => format!("Draft for {}", self.buyer.name),
        }
    }

    fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.currency)
    }
}

/// The sheet as it is printed. `why` leads from a line to its story, where the reader may.
pub fn sheet(document: &Document, why: Option<&str>) -> Markup {
    let seller = &document.seller;
    let several = document.lines.iter().any(|line| line.customer != document.buyer.name);
    html! {
        article.sheet aria-label=(document.title()) {
            header {
                h2 { (seller.name) }
                address.small {
                    (lines(&seller.address)) br; (seller.country)
                    @if !seller.tax_id.is_empty() { br; (document.tax_label) " " (seller.tax_id) }
                    @if !seller.registration_no.is_empty() { br; "Reg. " (seller.registration_no) }
                }
            }
            header {
                address {
                    b { (document.buyer.name) } br;
                    (lines(&document.buyer.address)) br; (document.buyer.country)
                    @if !document.buyer.tax_id.is_empty() {
                        br; (document.tax_label) " " (document.buyer.tax_id)
                    }
                }
                div { h2 { (document.title()) } (head_facts(document)) }
            }
            (printed_lines(document, several))
            p {}
            (sums(document))
            (payment(document))
            @if let Some(href) = why {
                p.small.no-print { a href=(href) { "Why these lines?" } }
            }
        }
    }
}

fn head_facts(document: &Document) -> Markup {
    html! {
        dl.facts {
            @if let Some(day) = document.issued_on { dt { "Dated" } dd { (date(day)) } }
            @if let Some(day) = document.due_on { dt { "Due" } dd { (date(day)) } }
            dt { "Period" } dd { (document.period_end.month_name()) }
            @if let Some(number) = &document.credits { dt { "Takes back" } dd { (number) } }
            @if !document.buyer.reference.is_empty() {
                dt { "Your ref." } dd { (document.buyer.reference) }
            }
            @if !document.buyer.billing_id.is_empty() {
                dt { "Account" } dd { (document.buyer.billing_id) }
            }
        }
    }
}

fn printed_lines(document: &Document, several: bool) -> Markup {
    let columns = [
        column("Description"),
        column("Quantity").class("num"),
        column("Price").class("num p2"),
        column("Amount").class("num"),
    ];
    let rows = html! {
        @for line in &document.lines {
            tr {
                th scope="row" {
                    (line.text)
                    small {
                        @if several { (line.customer) ", " }
                        (document.period_start.long()) " – " (document.period_end.long())
                    }
                }
                td.num { (quantity(&line.quantity)) }
                td.num.p2 { (UnitPrice(line.unit_price).show(document.currency)) }
                td.num { (document.money(line.net_minor)) }
            }
        }
    };
    table("Invoice lines", &columns, rows)
}

fn sums(document: &Document) -> Markup {
    let rows = html! {
        tr { th scope="row" { "Before " (document.tax_label) } td.num { (document.money(document.net_minor)) } }
        @for tax in &document.tax {
            tr {
                th scope="row" { (document.tax_label) " " (percent(tax.rate_bp)) " %" }
                td.num { (document.money(tax.tax_minor)) }
            }
        }
        tr {
            th scope="row" { @if document.kind == Type::Invoice { "To pay" } @else { "Credited" } }
            td.num { (document.money(document.gross_minor)) }
        }
    };
    table_with("Totals", &[], rows, Look { class: "sum", ..Look::default() })
}

fn payment(document: &Document) -> Markup {
    let seller = &document.seller;
    html! {
        @if let (Some(number), Some(due), Type::Invoice) = (&document.number, document.due_on, document.kind) {
            p.section.small {
                "Pay " (document.money(document.gross_minor)) " by " (date(due))
                @if !seller.iban.is_empty() { " to " (seller.iban) }
                @if !seller.bic.is_empty() { " (" (seller.bic) ")" }
                @if !seller.bank.is_empty() { ", " (seller.bank) }
                ", quoting " (number) "."
            }
        }
        @if !document.note.is_empty() { p.small { (lines(&document.note)) } }
    }
}

fn lines(text: &str) -> Markup {
    html! {
        @for (place, line) in text.lines().enumerate() { @if place > 0 { br; } (line) }
    }
}

pub(super) fn percent(bp: i64) -> String {
    money::quantity(i128::from(bp), 100).unwrap_or_default()
}
