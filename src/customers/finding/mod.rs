//! Which customers a list is of: searched for, filtered and sorted, page by page.

mod store;

use super::{Brief, Type};
use crate::auth::permissions::{CustomersRead, RequestsRead, ServicesRead};
use crate::auth::{Actor, Breadth, Permission, Scope};
use crate::db::Read;
use crate::db::finds::fold;
use crate::error::Result;
use crate::ids::CustomerId;
use crate::input::{Field, Fields, Input};
use crate::places::State;
use crate::time::Zone;
use crate::web::paging::Key;
use crate::web::{Listing, Paging};

words! {
    /// In which order: the newest and the largest come first.
    Sort { Name = "name", Code = "code", Created = "created", Users = "users" }
}

/// Which customers a list is of.
#[derive(Clone, Default)]
pub struct Filter {
    pub q: String,
    pub state: Option<State>,
    pub kind: Option<Type>,
    /// Those below it, however far.
    pub reseller: Option<CustomerId>,
    pub more: More,
}

/// What narrows or orders a list besides.
#[derive(Clone, Default, PartialEq)]
pub struct More {
    /// Only those that stand directly below the reseller.
    pub direct: bool,
    pub service: String,
    pub plan: String,
    pub tag: String,
    pub rank: String,
    pub unverified: bool,
    pub failed: bool,
    pub over_limit: bool,
    pub expires_within: Option<i64>,
    pub sort: Option<Sort>,
}

macro_rules! filters {
    ($($more:expr),* $(,)?) => {
        &[
            Field::text("q", "beginning of or text inside name, code, domain, contact; a billing or external id"),
            Field::text("state", "active, disabled, deprovisioned, deleted"),
            Field::text("type", "standard, test, demo"),
            Field::integer("reseller", "those below this customer"),
            Field::boolean("direct", "true: only those directly below it"),
            Field::text("service", "that have the service of this code"),
            Field::text("plan", "in the plan of this code; with a service"),
            Field::text("tag", "with this tag; of those below only"),
            Field::text("rank", "of this rank; of those below only"),
            Field::boolean("unverified", "true: with a domain that is not confirmed"),
            Field::boolean("failed", "true: with a request that failed"),
            Field::boolean("over_limit", "true: with more users than are allowed"),
            Field::integer("expires_within", "that end within so many days"),
            Field::text("sort", "name (default), code, created or users"),
            $($more,)*
        ]
    };
}

/// What a filter may name.
pub const FILTERS: &[Field] = filters!();

/// What the query of a list may name.
const QUERY: &[Field] = filters!(Field::integer("limit", ""), Field::text("after", ""));

/// Rows of an index that one page looks at.
const BOUND: usize = 5_000;

pub fn read(query: &Input, actor: &Actor) -> Result<Filter> {
    let mut f = Fields::of(query, QUERY);
    let (q, state) = (f.text("q", 0..=100), f.optional("state"));
    let (kind, reseller) = (f.optional("type"), f.optional("reseller"));
    let (service, plan) = (f.text("service", 0..=40), f.text("plan", 0..=40));
    let (tag, rank) = (f.text("tag", 0..=30), f.text("rank", 0..=60));
    let [direct, unverified, failed, over_limit] =
        ["direct", "unverified", "failed", "over_limit"].map(|name| f.flag(name));
    let expires_within = f.optional_integer("expires_within", 0..=3_650);
    let sort = f.optional("sort");
    for (field, said, may, name) in [
        (
            "service",
            !f.value("service").is_empty(),
            actor.may::<ServicesRead>(),
            ServicesRead::NAME,
        ),
        ("failed", failed == Some(true), actor.may::<RequestsRead>(), RequestsRead::NAME),
    ] {
        if said && !may {
            f.complain::<()>(field, format!("needs {name}"));
        }
    }
    f.finish(|| {
        let more = More {
            direct: direct?,
            service: service?,
            plan: plan?,
            tag: tag?,
            rank: rank?,
            unverified: unverified?,
            failed: failed?,
            over_limit: over_limit?,
            expires_within: expires_within?,
            sort: sort?.filter(|sort| *sort != Sort::Name),
        };
        Some(Filter { q: q?, state: state?, kind: kind?, reseller: reseller?, more })
    })
}

impl Filter {
    /// Whether it leaves anybody out whom the list has otherwise.
    pub fn is_empty(&self) -> bool {
        let more = More { sort: None, ..self.more.clone() };
        let plain = self.state.is_none() && self.kind.is_none() && self.reseller.is_none();
        self.q.is_empty() && plain && more == More::default()
    }
}

/// A page of the customers that `filter` leaves.
pub fn list(
    db: &Read,
    scope: &Scope<CustomersRead>,
    filter: &Filter,
    paging: &Paging,
) -> Result<Listing<Brief>> {
    let breadth = scope.breadth(db)?;
    let by_name = |row: &Brief| (row.name.clone(), row.id.0);
    if filter.more != More::default() {
        return filtered(db, scope, breadth, filter, paging);
    }
    if filter.q.is_empty() {
        let rows = store::list(db, scope, breadth, filter, paging)?;
        return Ok(paging.listing(rows, by_name));
    }
    let rows = store::search(db, scope, breadth, filter, paging)?;
    // A wide search comes in the order of the index it was found by.
    let by_id = breadth != Breadth::Narrow && filter.q.chars().count() >= 3;
    Ok(paging.listing(rows, |row| if by_id { (String::new(), row.id.0) } else { by_name(row) }))
}

/// How many customers the filter leaves, up to one more than are counted, where an index alone can tell.
pub fn count(db: &Read, scope: &Scope<CustomersRead>, filter: &Filter) -> Result<Option<i64>> {
    let rest = Filter { state: None, ..filter.clone() };
    if !rest.is_empty() {
        return Ok(None);
    }
    match (scope.breadth(db)?, filter.state) {
        (Breadth::All, Some(state)) => store::count_all(db, scope, state),
        (Breadth::All, None) => store::count_living(db, scope),
        (_, Some(state)) => store::count(db, scope, state),
        (_, None) => store::count_reached(db, scope),
    }
    .map(Some)
}

/// Those that a rare filter leaves are looked at; where it leaves many, the index of the order is walked.
fn filtered(
    db: &Read,
    scope: &Scope<CustomersRead>,
    breadth: Breadth,
    filter: &Filter,
    paging: &Paging,
) -> Result<Listing<Brief>> {
    let (q, today) = (fold(&filter.q).into_owned(), db.now.day(&Zone::utc()));
    let keep = |ids: &[i64]| store::kept(db, scope, ids, filter, &q, today);
    let sort = filter.more.sort.unwrap_or(Sort::Name);
    let few = match breadth {
        Breadth::Narrow => Some(store::reached(db, scope)?),
        _ if !filter.q.is_empty() => store::matching(db, &filter.q)?,
        _ if filter.more.failed => Some(store::failed(db)?),
        _ if filter.more.unverified => Some(store::unverified(db)?),
        _ => None,
    };
    match few.filter(|ids| ids.len() <= BOUND) {
        Some(few) => paging.walk(BOUND, |at, _| store::among(db, &few, sort, at), keep),
        None => {
            let source = |at: Option<(&str, i64)>, most| -> Result<Vec<Key>> {
                store::walked(db, sort, at, most)
            };
            paging.walk(BOUND, source, keep)
        }
    }
}

/// The statements of lists and what each must go by, for the test that looks at their plans.
pub fn store_plans() -> [(&'static str, &'static str, &'static str); 14] {
    [
        ("narrow list", store::LIST_NARROW, "USING INTEGER PRIMARY KEY"),
        ("wide list", store::LIST_WIDE, "customers_by_name"),
        ("wide list of a state", store::LIST_WIDE_STATE, "customers_by_state"),
        ("narrow search", store::SEARCH_NARROW, "USING INTEGER PRIMARY KEY"),
        ("wide search", store::SEARCH_WIDE, "USING INTEGER PRIMARY KEY"),
        ("beginning", store::SEARCH_START, "customers_by_name"),
        ("filtered, of a narrow part", store::KEPT, "USING INTEGER PRIMARY KEY"),
        ("by name", store::BY_NAME, "customers_by_name"),
        ("by code", store::BY_CODE, "sqlite_autoindex_customers"),
        ("by age", store::BY_CREATED, "customers_by_created"),
        ("number", store::COUNT, "USING INTEGER PRIMARY KEY"),
        ("number in scope", store::COUNT_REACHED, "reach"),
        ("number of all", store::COUNT_ALL, "customers_by_state"),
        ("by size", store::BY_USERS, "customer_users_by_users"),
    ]
}
