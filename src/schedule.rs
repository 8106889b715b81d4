//! Every kind of run there is, and what runs by the clock.

use crate::jobs::{Kind, Recurring};
use crate::{jobs, upkeep};

pub const KINDS: &[Kind] = &[Kind {
    name: "store.upkeep",
    title: "Clear what has had its time",
    resumes: false,
    run: upkeep::clear,
}];

pub const RECURRING: &[Recurring] =
    &[Recurring { kind: "store.upkeep", label: "Upkeep", schedule: "40 3 * * *" }];

/// The words for a kind of run.
pub fn title(kind: &str) -> &str {
    KINDS.iter().find(|each: &&jobs::Kind| each.name == kind).map_or(kind, |each| each.title)
}
