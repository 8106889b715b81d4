//! Bills under `/api/v1/billing`.

use super::items::{self, ShownItem};
use super::periods::{self, Standing};
use super::summary::{Filter, Look, Shown};
use super::{Desk, Viewer, story};
use crate::auth::Scope;
use crate::auth::permissions::{BillingRead, BillingRun};
use crate::db::Read;
use crate::error::{Error, Result};
use crate::ids::LedgerId;
use crate::input::{Field, Input};
use crate::ledger;
use crate::rating::periods::Period;
use crate::time::{Date, Instant};
use crate::web::{Body, Cx, Response, response};
use serde::Serialize;
use std::io::Write;

#[derive(Serialize)]
struct PeriodOut {
    start: Date,
    end: Date,
    days: i64,
    nominal_days: i64,
    state: periods::State,
    /// The oldest calculation its stored lines come from.
    calculated_at: Option<Instant>,
    ledger_up_to: Option<LedgerId>,
    locked_at: Option<Instant>,
}

pub const PERIOD: &[Field] = &[
    Field::text("start", "a date"),
    Field::text("end", "a date; names the period"),
    Field::integer("days", ""),
    Field::integer("nominal_days", "of the regular period that ends on the same day"),
    Field::text("state", "open, ended, locked"),
    Field::text("calculated_at", "the oldest calculation that is stored"),
    Field::integer("ledger_up_to", "the last ledger row it knew of"),
    Field::text("locked_at", ""),
];

pub const SUMMARY: &[Field] = &[
    Field::integer("seller_id", ""),
    Field::integer("buyer_id", ""),
    Field::integer("customer_id", "whose things they are"),
    Field::text("service", "a code"),
];

pub const LINE: &[Field] = &[
    Field::text("id", "names the line in its period"),
    Field::integer("seller_id", ""),
    Field::integer("buyer_id", ""),
    Field::integer("customer_id", "whose things they are"),
    Field::text("customer_code", ""),
    Field::text("kind", "customer, user, domain, customer_service, user_service"),
    Field::text("service", "a code"),
    Field::text("plan", "a code"),
    Field::text("sku", ""),
    Field::text("text", ""),
    Field::text("charge", "recurring, setup"),
    Field::text("counting", "by_day, at_end, any_day, once"),
    Field::boolean("billable", ""),
    Field::text("reason", "why it is not billable"),
    Field::integer("items", ""),
    Field::text("quantity", "a decimal"),
    Field::text("last_quantity", "of the period before"),
    Field::text("difference", ""),
    Field::text("unit_price", "in major units; none: unpriced"),
    Field::boolean("unpriced", "it blocks the invoice"),
    Field::integer("price_id", ""),
    Field::integer("amount_minor", ""),
    Field::integer("last_amount_minor", ""),
    Field::text("currency", "ISO 4217"),
    Field::integer("cost_minor", "for who may see it"),
    Field::integer("margin_minor", "for who may see it"),
];

pub const ITEMS: &[Field] = &[
    Field::integer("seller_id", ""),
    Field::integer("buyer_id", ""),
    Field::integer("customer_id", ""),
    Field::text("service", "a code"),
    Field::text("plan", "a code"),
    Field::text("kind", ""),
    Field::text("action", "carried, added, removed, brief"),
    Field::text("billable", "true or false"),
    Field::text("q", "in the text"),
    Field::text("format", "json or csv; csv is the whole list"),
];

pub const ITEM: &[Field] = &[
    Field::text("id", ""),
    Field::text("period_end", ""),
    Field::integer("seller_id", ""),
    Field::integer("buyer_id", ""),
    Field::integer("customer_id", ""),
    Field::text("customer_code", ""),
    Field::integer("user_id", ""),
    Field::text("kind", ""),
    Field::integer("subject_id", ""),
    Field::text("service", ""),
    Field::text("plan", ""),
    Field::text("instance", ""),
    Field::text("sku", ""),
    Field::text("charge", ""),
    Field::text("counting", ""),
    Field::text("action", "carried, added, removed, brief"),
    Field::text("from", "first counted day"),
    Field::text("until", "last counted day"),
    Field::integer("days", ""),
    Field::text("quantity", "a decimal"),
    Field::boolean("unpriced", ""),
    Field::integer("price_id", ""),
    Field::text("unit_price", ""),
    Field::integer("amount_minor", "its share of the line"),
    Field::text("currency", ""),
    Field::boolean("billable", ""),
    Field::text("reason", ""),
    Field::text("line_text", ""),
    Field::text("summary_text", ""),
    Field::text("added_at", ""),
    Field::text("removed_at", ""),
    Field::list("ledger_ids", ""),
    Field::integer("cost_minor", "for who may see it"),
    Field::integer("margin_minor", "for who may see it"),
];

pub const STORY: &[Field] = &[
    Field::object("line", "as in the summary"),
    Field::list("days", "day, quantity"),
    Field::list("events", "the ledger rows behind it: who, when, through what"),
    Field::list("rules", "why it is not billed"),
    Field::object("price", "price_id, unit_price, valid_from, sku"),
    Field::list("arithmetic", "sentences"),
];

pub const LEDGER: &[Field] = &[
    Field::integer("customer_id", ""),
    Field::text("kind", ""),
    Field::integer("subject_id", ""),
    Field::text("from", "a date"),
    Field::text("until", "a date"),
];

pub const ROW: &[Field] = &[
    Field::integer("id", ""),
    Field::text("at", "from when it counts"),
    Field::text("day", ""),
    Field::text("kind", ""),
    Field::integer("subject_id", ""),
    Field::text("action", "added, changed, removed"),
    Field::integer("customer_id", ""),
    Field::integer("user_id", ""),
    Field::text("user", ""),
    Field::text("service", ""),
    Field::text("plan", ""),
    Field::text("instance", ""),
    Field::text("quantity", ""),
    Field::text("by", "none: Portico itself"),
    Field::text("source", "page, api, engine, import, job, shell"),
    Field::integer("request_id", ""),
];

pub const DONE: &[Field] = &[
    Field::integer("customers", "computed anew"),
    Field::integer("lines", ""),
    Field::integer("changed", "customers with another bill than before"),
];

pub fn index(cx: &Cx, _: &Scope<BillingRead>) -> Result<Response> {
    let items = cx.db.read(|db| {
        let all = periods::all(db)?;
        all.iter().rev().map(|standing| out(db, standing)).collect::<Result<Vec<_>>>()
    })?;
    response::json(200, &serde_json::json!({ "items": items, "next": null }))
}

pub fn show(cx: &Cx, _: &Scope<BillingRead>) -> Result<Response> {
    let out = cx.db.read(|db| out(db, &standing(cx, db)?))?;
    response::json(200, &out)
}

pub fn summary(cx: &Cx, scope: &Scope<BillingRead>) -> Result<Response> {
    let (filter, paging) = (filter(&cx.request.query)?, cx.paging(SUMMARY)?);
    let viewer = Viewer::of(&cx.actor, scope);
    let listing = cx.db.read(|db| {
        let look = Look::at(db, scope, &viewer, standing(cx, db)?.period)?;
        let mut lines: Vec<(String, Shown)> = Vec::new();
        let wanted = usize::try_from(paging.fetch()).unwrap_or(usize::MAX);
        for buyer in look.buyers(scope, &filter)? {
            let head = format!("{}|{:012}|", buyer.code.to_uppercase(), buyer.hop.seller_id.0);
            // Whole bills before the cursor are passed over without being read.
            if paging.value() > format!("{head}~").as_str() {
                continue;
            }
            for (place, line) in look.lines(&buyer.hop, &filter)?.into_iter().enumerate() {
                let key = format!("{head}{}|{place:06}", line.line().customer_code.to_uppercase());
                if key.as_str() > paging.value() {
                    lines.push((key, line));
                }
            }
            if lines.len() >= wanted {
                break;
            }
        }
        Ok(paging.listing(lines, |(key, _)| (key.clone(), 0)))
    })?;
    response::json(200, &listing.map(|(_, line)| line))
}

pub fn tell(cx: &Cx, scope: &Scope<BillingRead>) -> Result<Response> {
    let viewer = Viewer::of(&cx.actor, scope);
    let line: String = cx.param("line")?;
    let story = cx.db.read(|db| {
        let period = standing(cx, db)?.period;
        story::of(db, scope, &viewer, period, &line)
    })?;
    response::json(200, &story)
}

pub fn items(cx: &Cx, scope: &Scope<BillingRead>) -> Result<Response> {
    let (filter, paging) = (items_filter(&cx.request.query)?, cx.paging(ITEMS)?);
    let viewer = Viewer::of(&cx.actor, scope);
    match cx.request.query.get("format") {
        "" | "json" => {}
        "csv" => return cx.db.read(|db| csv(cx, db, scope, &viewer, &filter)),
        _ => return Err(Error::invalid("format", "must be json or csv")),
    }
    let listing = cx.db.read(|db| {
        let desk = Desk::open_unread(db, standing(cx, db)?.period)?;
        let (mut found, fetch) = (Vec::new(), paging.fetch());
        items::each(&desk, scope, &viewer, &filter, paging.value(), &mut |key, item| {
            found.push((key, item));
            Ok(i64::try_from(found.len()).is_ok_and(|found| found < fetch))
        })?;
        Ok(paging.listing(found, |(key, _)| (key.clone(), 0)))
    })?;
    response::json(200, &listing.map(|(_, item)| item))
}

pub fn download(cx: &Cx, scope: &Scope<BillingRead>) -> Result<Response> {
    let filter = items_filter(&cx.request.query)?;
    let viewer = Viewer::of(&cx.actor, scope);
    cx.db.read(|db| csv(cx, db, scope, &viewer, &filter))
}

/// All items as a file that is sent row by row. Words that a spreadsheet would run are marked;
/// numbers stay numbers.
fn csv(
    cx: &Cx,
    db: &Read,
    scope: &Scope<BillingRead>,
    viewer: &Viewer,
    filter: &items::Filter,
) -> Result<Response> {
    let period = standing(cx, db)?.period;
    let desk = Desk::open_unread(db, period)?;
    // The edge sends no file whose name begins with a dot, as temporary ones do by themselves.
    let made = tempfile::Builder::new().prefix("items-").tempfile()?;
    let (file, path) = made.keep().map_err(Error::internal)?;
    let mut file = std::io::BufWriter::new(file);
    file.write_all("\u{FEFF}".as_bytes())?;
    let mut table = csv::Writer::from_writer(file);
    let costs = viewer.is_provider() || viewer.sellers().next().is_some();
    let mut heads = HEADS.to_vec();
    if costs {
        heads.extend(["cost", "margin"]);
    }
    table.write_record(&heads).map_err(Error::internal)?;
    items::each(&desk, scope, viewer, filter, "", &mut |_, item| {
        table.write_record(cells(&item, costs)).map_err(Error::internal)?;
        Ok(true)
    })?;
    table.flush()?;
    let name = format!("items-{}.csv", period.ends_on);
    let mut answer = response::download(&name, "text/csv; charset=utf-8", Vec::new());
    answer.body = Body::File(path);
    Ok(answer)
}

const HEADS: &[&str] = &[
    "period_end",
    "customer_code",
    "text",
    "service",
    "plan",
    "sku",
    "charge",
    "action",
    "from",
    "until",
    "days",
    "quantity",
    "unit_price",
    "amount",
    "currency",
    "billable",
    "reason",
];

fn cells(shown: &ShownItem, costs: bool) -> Vec<String> {
    let item = shown.item();
    let day = |day: Option<Date>| day.map(|day| day.to_string()).unwrap_or_default();
    let plain = |minor: i64| crate::money::Money::new(minor, item.currency).plain();
    let mut cells = vec![
        item.period_end.to_string(),
        item.customer_code.clone(),
        harmless(&item.line_text),
        harmless(item.service.as_deref().unwrap_or_default()),
        harmless(item.plan.as_deref().unwrap_or_default()),
        harmless(&item.sku),
        item.charge.word().to_owned(),
        item.action.word().to_owned(),
        day(item.from),
        day(item.until),
        item.days.to_string(),
        item.quantity.clone(),
        item.unit_price.clone().unwrap_or_default(),
        plain(item.amount_minor),
        item.currency.to_string(),
        item.billable.to_string(),
        harmless(&item.reason),
    ];
    if costs {
        let (cost, margin) = match shown {
            ShownItem::Sold(sold) => (sold.cost_minor, sold.margin_minor),
            ShownItem::Bought(_) => (None, None),
        };
        cells.extend([cost, margin].map(|minor| minor.map(plain).unwrap_or_default()));
    }
    cells
}

fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        return format!("'{text}");
    }
    text.to_owned()
}

pub fn ledger(cx: &Cx, scope: &Scope<BillingRead>) -> Result<Response> {
    let (query, paging) = (&cx.request.query, cx.paging(LEDGER)?);
    let filter = ledger::Filter {
        customer: parsed(query, "customer_id")?,
        kind: match query.get("kind") {
            "" => None,
            word => Some(word.parse().map_err(|()| Error::invalid("kind", "is not known here"))?),
        },
        subject: parsed(query, "subject_id")?,
        from: parsed(query, "from")?,
        until: parsed(query, "until")?,
    };
    let before = if paging.is_first() { i64::MAX } else { paging.id() };
    let rows = cx.db.read(|db| ledger::list(db, scope, &filter, before, paging.fetch()))?;
    let listing = paging.listing(rows, |row| (String::new(), row.id.0));
    let next = listing.next;
    let items: Vec<_> = listing.items.into_iter().map(story::event).collect::<Result<_>>()?;
    response::json(200, &serde_json::json!({ "items": items, "next": next }))
}

pub fn recalculate(cx: &Cx, scope: &Scope<BillingRun>) -> Result<Response> {
    let standing = cx.db.read(|db| standing(cx, db))?;
    let done = super::recalculate(cx.db, scope, &standing.period)?;
    response::json(200, &done)
}

pub fn lock(cx: &Cx, scope: &Scope<BillingRun>) -> Result<Response> {
    periods::lock(cx.db, scope, &cx.param::<String>("end")?)?;
    let out = cx.db.read(|db| out(db, &standing(cx, db)?))?;
    response::json(200, &out)
}

fn out(db: &Read, standing: &Standing) -> Result<PeriodOut> {
    let Period { starts_on, ends_on, days, nominal_days } = standing.period;
    let (calculated_at, ledger_up_to) = periods::calculated(db, &standing.period)?;
    Ok(PeriodOut {
        start: starts_on,
        end: ends_on,
        days,
        nominal_days,
        state: standing.state,
        calculated_at,
        ledger_up_to,
        locked_at: standing.locked_at,
    })
}

/// The period that the path names.
pub(super) fn standing(cx: &Cx, db: &Read) -> Result<Standing> {
    periods::one(db, &cx.param::<String>("end")?)
}

/// Which bills the query asks for.
pub(super) fn filter(query: &Input) -> Result<Filter> {
    Ok(Filter {
        seller: parsed(query, "seller_id")?,
        buyer: parsed(query, "buyer_id")?,
        customer: parsed(query, "customer_id")?,
        service: query.get("service").to_owned(),
    })
}

pub(super) fn items_filter(query: &Input) -> Result<items::Filter> {
    let word = |name: &'static str| Error::invalid(name, "is not known here");
    Ok(items::Filter {
        hops: filter(query)?,
        plan: query.get("plan").to_owned(),
        kind: match query.get("kind") {
            "" => None,
            text => Some(text.parse().map_err(|()| word("kind"))?),
        },
        action: match query.get("action") {
            "" => None,
            text => Some(text.parse().map_err(|()| word("action"))?),
        },
        billable: match query.get("billable") {
            "" => None,
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => return Err(Error::invalid("billable", "must be true or false")),
        },
        q: query.get("q").to_owned(),
    })
}

fn parsed<T: std::str::FromStr>(query: &Input, name: &'static str) -> Result<Option<T>> {
    match query.get(name) {
        "" => Ok(None),
        text => match text.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(Error::invalid(name, "cannot be read")),
        },
    }
}
