//! A customer's bill in a few words, for the pages of the customer.

use super::CustomerNow;
use crate::html::button::link;
use crate::html::parts::{card, facts};
use crate::html::text::money;
use crate::money::Money;
use crate::rating::hops::Hop;
use maud::{Markup, html};

/// Who bills a customer, and this month so far.
pub fn customer_card(told: &CustomerNow) -> Markup {
    let sum = |minor: i64, hop: &Hop| money(Money::new(minor, hop.currency));
    let body = html! {
        @match &told.bill {
            Some(buyer) => {
                (facts(&[
                    ("Billed by", html! { (buyer.seller) }),
                    ("So far", sum(buyer.now.amount_minor, &buyer.hop)),
                    ("Last month", sum(buyer.last.amount_minor, &buyer.hop)),
                ]))
            },
            None => { p { "Billed by " (told.seller) "." } },
        }
    };
    let bill = told.bill.as_ref().map(|buyer| {
        let (seller, buyer) = (buyer.hop.seller_id, buyer.hop.buyer_id);
        let href = format!("/billing/{}?seller_id={seller}&buyer_id={buyer}", told.end);
        html! { (link("Open the bill", &href).small()) }
    });
    card("This month", bill, body)
}
