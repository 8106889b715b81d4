//! Who changed what, to read and to search: everything, or what concerns one customer or user.

pub mod api;
pub mod pages;
mod store;

use crate::error::{Error, Result};
use crate::ids::{CustomerId, UserId};
use crate::input::{Field, Fields, Input};
use crate::time::{Date, Instant};
use serde_json::Value;

/// What a list of entries may be narrowed to.
pub const FILTERS: &[Field] = &[
    Field::text("action", "like user.created, or the beginning of it"),
    Field::integer("user_id", "who did it"),
    Field::integer("customer_id", "in whose branch it is seen"),
    Field::text("subject_kind", "like user or customer"),
    Field::integer("subject_id", "with subject_kind"),
    Field::text("from", "first day"),
    Field::text("to", "last day"),
];

/// One change.
#[derive(serde::Serialize)]
pub struct Entry {
    pub id: i64,
    pub at: Instant,
    /// None where Portico did it by itself, or the shell.
    pub user_id: Option<UserId>,
    pub user: Option<String>,
    /// In whose name, where that is somebody else's.
    pub acting_for: Option<String>,
    pub via: String,
    pub action: String,
    pub subject_kind: String,
    pub subject_id: i64,
    pub customer_id: CustomerId,
    pub customer: String,
    /// Old and new values.
    pub detail: Value,
}

#[derive(Default)]
pub struct Filter {
    pub action: String,
    pub user: Option<UserId>,
    pub customer: Option<CustomerId>,
    pub subject: Option<(String, i64)>,
    pub from: Option<Date>,
    pub to: Option<Date>,
}

impl Filter {
    /// Reads what the address says; `limit` and `after` are the paging's.
    pub fn read(query: &Input) -> Result<Filter> {
        let mut query = query.clone();
        query.remove("limit");
        query.remove("after");
        let mut fields = Fields::of(&query, FILTERS);
        let action = fields.text("action", 0..=60);
        let user = fields.optional("user_id");
        let customer = fields.optional("customer_id");
        let kind = fields.value("subject_kind").to_owned();
        let id: Option<Option<i64>> = fields.optional("subject_id");
        let (from, to) = (fields.optional_date("from"), fields.optional_date("to"));
        let subject = match (kind.is_empty(), id) {
            (true, Some(None)) => Some(None),
            (false, Some(Some(id))) => Some(Some((kind, id))),
            (_, None) => None,
            _ => return Err(Error::invalid("subject_id", "goes with subject_kind")),
        };
        fields.finish(|| {
            Some(Filter {
                action: action?,
                user: user?,
                customer: customer?,
                subject: subject?,
                from: from?,
                to: to?,
            })
        })
    }
}
