//! The list of customers as a file.

use super::finding;
use super::properties::{self, values};
use super::{Brief, Customer, store};
use crate::audit;
use crate::auth::Scope;
use crate::auth::permissions::CustomersRead;
use crate::error::{Error, Result};
use crate::sheet::Growing;
use crate::sheet::field::Field;
use crate::web::{Cx, Paging, Response, response};
use serde_json::json;

/// Lines of one file.
const MOST: u64 = 50_000;

const COLUMNS: &[&str] = &[
    "Code",
    "Name",
    "State",
    "Type",
    "Reseller",
    "Below",
    "Domain",
    "Users",
    "User limit",
    "Starts on",
    "Expires on",
    "Contact name",
    "Contact email",
    "Phone",
    "Fax",
    "Website",
    "Street",
    "City",
    "Region",
    "Postcode",
    "Country",
    "Language",
    "Time zone",
    "Currency",
    "Billing ID",
    "External ID",
    "Rank",
    "Tags",
    "Created",
];

/// What page and API answer: those that the list has, with what their own pages say of them.
pub fn download(cx: &Cx, scope: &Scope<CustomersRead>) -> Result<Response> {
    let filter = finding::read(&cx.request.query, &cx.actor)?;
    let keys = cx.db.read(|db| properties::keys(db, scope, cx.actor.home))?;
    let named = keys.iter().map(|key| Field::Custom(key.clone()).to_string());
    let headings: Vec<String> =
        COLUMNS.iter().map(|text| (*text).to_owned()).chain(named).collect();
    let mut sheet = Growing::csv(&headings)?;
    cx.db.read(|db| {
        let mut after = String::new();
        loop {
            let paging = Paging::read("200", &after, String::new())?;
            let found = finding::list(db, scope, &filter, &paging)?;
            let ids: Vec<i64> = found.items.iter().map(|brief| brief.id.0).collect();
            let all = store::several(db, scope, &ids)?;
            let above = |id| all.iter().any(|(each, above)| each.id.0 == id && *above);
            let own = values::of_many(db, &ids, above)?;
            for brief in &found.items {
                let whole = all.iter().find(|(customer, _)| customer.id == brief.id);
                let Some((customer, above)) = whole else { continue };
                let mut line = cells(brief, customer, *above);
                line.extend(
                    keys.iter().map(|key| {
                        own.get(&(brief.id.0, key.clone())).cloned().unwrap_or_default()
                    }),
                );
                sheet.line(&line)?;
            }
            if sheet.lines > MOST {
                let most = "One file holds 50,000 customers. Narrow the list first.";
                return Err(Error::refused(most));
            }
            match found.next {
                Some(next) => after = next,
                None => return Ok(()),
            }
        }
    })?;
    let detail = json!({ "customers": sheet.lines, "filter": cx.request.query.to_query() });
    let home = cx.actor.home;
    cx.db.write(scope.by, |tx| {
        audit::record(tx, "customers.exported", ("customer", home.0), home, &detail)
    })?;
    response::download_file("customers.csv", "text/csv; charset=utf-8", sheet.close()?)
}

/// Rank and tags are for those who stand above.
fn cells(brief: &Brief, customer: &Customer, above: bool) -> Vec<String> {
    let d = &customer.details;
    let date = |day: Option<crate::time::Date>| day.map(|day| day.to_string()).unwrap_or_default();
    let (rank, tags) = if above { (d.rank.clone(), d.tags.join(", ")) } else { Default::default() };
    vec![
        brief.code.clone(),
        brief.name.clone(),
        brief.state.word().to_owned(),
        brief.kind.word().to_owned(),
        if brief.reseller { "yes" } else { "no" }.to_owned(),
        brief.parent_name.clone(),
        brief.domain.clone(),
        brief.users.to_string(),
        d.user_limit.map(|limit| limit.to_string()).unwrap_or_default(),
        date(d.starts_on),
        date(d.expires_on),
        d.contact_name.clone(),
        d.contact_email.clone(),
        d.phone.clone(),
        d.fax.clone(),
        d.website.clone(),
        d.street.clone(),
        d.city.clone(),
        d.region.clone(),
        d.postcode.clone(),
        d.country.clone(),
        d.language.clone(),
        d.time_zone.clone(),
        d.currency.to_string(),
        d.billing_id.clone().unwrap_or_default(),
        d.external_id.clone().unwrap_or_default(),
        rank,
        tags,
        brief.created_at.to_string(),
    ]
}
