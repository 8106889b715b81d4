//! Who may sell what: the provider sells all that is active, a reseller what every reseller above it,
//! itself included, was offered. And how much of it: counters that only a conditional update moves.

pub mod api;
pub mod fields;
pub mod pages;
mod cascade;
mod give;
mod limits;
pub mod own;
pub mod path;
pub mod recount;
pub mod uses;
mod store;
mod transfer;

pub use cascade::{Check, Sellable, Subject, refuse, require, sellable, why_not};
pub use give::{Giver, change, close, give, reopen, withdraw};
pub use limits::{
    Limit, Measure, Meter, More, Stand, Tally, give_back, is_offered, left, left_said,
    read as read_limits, refusal, seats_left, seen as seen_measures, set as set_limits, stand,
    take, take_again,
};
pub use transfer::{blockers, open_plans, shift, unoffered_plans};

words! {
    /// Closed: nothing new below, what exists goes on.
    State { Active = "active", Closed = "closed", Withdrawn = "withdrawn" }
}
