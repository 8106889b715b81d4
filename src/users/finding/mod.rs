//! Which users a list is of: searched for, filtered, in the order of their names, page by page.
//!
//! Without a filter an index has the answer. With one, those whom the rarest filter leaves are looked
//! at; where it leaves many, the index of names is walked with a bound.

pub mod counting;
mod few;
mod store;

use super::Brief;
use crate::auth::permissions::{RolesRead, ServicesRead, UsersRead};
use crate::auth::{Actor, Breadth, Permission, Scope};
use crate::db::Read;
use crate::db::finds::{Spans, digits, fold};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, UserId};
use crate::input::{Field, Fields, Input};
use crate::places::State;
use crate::search;
use crate::time::{Date, Zone};
use crate::web::{Listing, Paging};

words! {
    /// What stands beside the state of a user.
    Badge {
        Locked = "locked", Expired = "expired", NotInvited = "not_invited", Incomplete = "incomplete",
        RequestFailed = "request_failed",
    }
}

impl Badge {
    pub fn label(self) -> &'static str {
        match self {
            Badge::Locked => "Locked",
            Badge::Expired => "Expired",
            Badge::NotInvited => "Not invited",
            Badge::Incomplete => "Incomplete",
            Badge::RequestFailed => "Request failed",
        }
    }
}

/// Which users a list is of.
#[derive(Clone, Default)]
pub struct Filter {
    pub q: String,
    pub state: Option<State>,
    pub customer: Option<CustomerId>,
    pub department: String,
    pub more: More,
}

/// What narrows a list besides.
#[derive(Clone, Default, PartialEq)]
pub struct More {
    pub badge: Option<Badge>,
    pub role: String,
    pub service: String,
    pub plan: String,
    pub location: String,
    /// A sign-in name or an id.
    pub manager: String,
    pub last_sign_in_before: Option<Date>,
    pub no_factor: bool,
    pub expires_within: Option<i64>,
    pub test: Option<bool>,
    pub main_contact: Option<bool>,
    pub letter: Option<char>,
}

macro_rules! filters {
    ($($more:expr),* $(,)?) => {
        &[
    Field::text("q", "text inside name, sign-in name or address; beginning of any address; employee id; four digits of a phone"),
    Field::text("state", "active, disabled, deprovisioned, deleted"),
    Field::integer("customer", "of this customer"),
    Field::text("department", "of this name; with a customer"),
    Field::text("badge", "locked, expired, not_invited, incomplete, request_failed"),
    Field::text("role", "who hold the role of this name"),
    Field::text("service", "who have the service of this code"),
    Field::text("plan", "in the plan of this code; with a service"),
    Field::text("location", "of this name"),
    Field::text("manager", "who report to the user of this sign-in name or id"),
    Field::text("last_sign_in_before", "who did not sign in since that day, or never"),
    Field::boolean("no_factor", "true: without a second factor"),
    Field::integer("expires_within", "whose last day is within so many days"),
    Field::boolean("test", "test users, or no test users"),
    Field::boolean("main_contact", "main contacts, or no main contacts"),
    Field::text("letter", "whose name begins with it"),
            $($more,)*
        ]
    };
}

/// What a filter may name.
pub const FILTERS: &[Field] = filters!();

/// What an export may name: a format, and whom.
pub const EXPORT: &[Field] = filters!(
    Field::text("format", "csv (default) or xlsx"),
    Field::list("id", "only these users, at most 1,000"),
);

/// What the query of a list may name.
const QUERY: &[Field] = filters!(Field::integer("limit", ""), Field::text("after", ""));

/// Rows of the index of names that one page looks at.
const BOUND: usize = 5_000;
/// The same within a customer, or few.
const BOUND_WITHIN: usize = 50_000;
/// Names of few customers that are sorted at once.
const AT_ONCE: i64 = 5_000;
/// How many users may be found by a filter's own index to be looked at one by one.
const FEW: i64 = 5_000;
/// The same where those in scope could be looked at instead.
const FEW_NARROW: i64 = 1_000;

/// Reads a filter; `query` may name the page too.
pub fn read(query: &Input, actor: &Actor) -> Result<Filter> {
    let mut f = Fields::of(query, QUERY);
    let (q, state) = (f.text("q", 0..=100), f.optional("state"));
    let (customer, department) = (f.optional("customer"), f.text("department", 0..=64));
    let (badge, role) = (f.optional("badge"), f.text("role", 0..=60));
    let (service, plan) = (f.text("service", 0..=40), f.text("plan", 0..=40));
    let (location, manager) = (f.text("location", 0..=64), f.text("manager", 0..=254));
    let last_sign_in_before = f.optional_date("last_sign_in_before");
    let no_factor = f.flag("no_factor");
    let expires_within = f.optional_integer("expires_within", 0..=3_650);
    let (test, main_contact) = (either(&mut f, "test"), either(&mut f, "main_contact"));
    let letter = match f.value("letter").chars().next() {
        Some(letter) if letter.is_ascii_alphabetic() && f.value("letter").len() == 1 => {
            Some(Some(letter.to_ascii_uppercase()))
        }
        Some(_) => f.complain("letter", "must be one of A to Z"),
        None => Some(None),
    };
    // Who holds what is not told to those who may not look at it.
    for (field, said, may, name) in [
        ("role", &role, actor.may::<RolesRead>(), RolesRead::NAME),
        ("service", &service, actor.may::<ServicesRead>(), ServicesRead::NAME),
    ] {
        if said.as_ref().is_some_and(|said| !said.is_empty()) && !may {
            f.complain::<()>(field, format!("needs {name}"));
        }
    }
    f.finish(|| {
        let more = More {
            badge: badge?,
            role: role?,
            service: service?,
            plan: plan?,
            location: location?,
            manager: manager?,
            last_sign_in_before: last_sign_in_before?,
            no_factor: no_factor?,
            expires_within: expires_within?,
            test: test?,
            main_contact: main_contact?,
            letter: letter?,
        };
        Some(Filter { q: q?, state: state?, customer: customer?, department: department?, more })
    })
}

/// Yes, no, or both.
pub fn either(fields: &mut Fields, field: &'static str) -> Option<Option<bool>> {
    match fields.value(field) {
        "" => Some(None),
        _ => fields.flag(field).map(Some),
    }
}

/// The part of a query that narrows beyond text, state and department, as a query.
pub fn beyond(query: &Input) -> String {
    let mut rest = Input::default();
    let plain = ["q", "state", "customer", "department"];
    for field in FILTERS.iter().filter(|field| !plain.contains(&field.name)) {
        if !query.get(field.name).is_empty() {
            rest.set(field.name, query.get(field.name));
        }
    }
    rest.to_query()
}

impl Filter {
    /// Whether it leaves anybody out whom the list has otherwise.
    pub fn is_empty(&self) -> bool {
        self.q.is_empty()
            && self.state.is_none()
            && self.department.is_empty()
            && self.more == More::default()
    }
}

/// What a filter comes to when it is asked.
struct Asked<'f> {
    filter: &'f Filter,
    /// Folded.
    q: String,
    digits: String,
    manager: Option<UserId>,
    today: Date,
}

impl Asked<'_> {
    fn of<'f>(db: &Read, filter: &'f Filter) -> Result<Asked<'f>> {
        let manager = match filter.more.manager.as_str() {
            "" => None,
            text => Some(store::named(db, &text.to_lowercase())?.unwrap_or(UserId(0))),
        };
        Ok(Asked {
            filter,
            q: fold(&filter.q).into_owned(),
            digits: digits(&filter.q),
            manager,
            today: db.now.day(&Zone::utc()),
        })
    }
}

/// A page of the users that `filter` leaves.
pub fn list(
    db: &Read,
    scope: &Scope<UsersRead>,
    filter: &Filter,
    paging: &Paging,
) -> Result<Listing<Brief>> {
    if let Some(customer) = filter.customer {
        scope.reaches(db, customer)?;
    }
    let breadth = scope.breadth_of_users(db)?;
    let mut found = page(db, scope, breadth, filter, paging)?;
    let ids: Vec<i64> = found.items.iter().map(|brief| brief.id.0).collect();
    let mut badges = store::badges(db, scope, &ids, db.now.day(&Zone::utc()))?;
    for brief in &mut found.items {
        brief.badges = badges.remove(&brief.id.0).unwrap_or_default();
    }
    Ok(found)
}

fn page(
    db: &Read,
    scope: &Scope<UsersRead>,
    breadth: Breadth,
    filter: &Filter,
    paging: &Paging,
) -> Result<Listing<Brief>> {
    let asked = Asked::of(db, filter)?;
    let name = |row: &Brief| (row.display_name.clone(), row.id.0);
    let everywhere = filter.customer.is_none();
    if filter.more == More::default() && (!everywhere || filter.department.is_empty()) {
        let rows = match (filter.customer, breadth) {
            (Some(customer), _) => store::of_one(db, scope, customer, &asked, paging)?,
            (None, Breadth::Narrow) => store::narrow(db, scope, &asked, paging)?,
            (None, _) if asked.q.is_empty() => {
                store::wide(db, scope, breadth, filter.state, paging)?
            }
            (None, _) => return search_wide(db, scope, breadth, &asked, paging),
        };
        return Ok(paging.listing(rows, name));
    }
    let keep = |ids: &[i64]| kept(db, scope, ids, &asked);
    // Those of a narrow scope are few themselves.
    let bound = if everywhere && breadth == Breadth::Narrow { FEW_NARROW } else { FEW };
    if let Some(few) = few::few(db, &asked, bound)? {
        return paging.walk(BOUND, |at, _| store::among(db, &few, at), keep);
    }
    let span = spans(filter.more.letter, &asked.q, filter.customer.is_none());
    match (filter.customer, breadth) {
        (Some(customer), _) => {
            let source = |at: Option<(&str, i64)>, most| {
                store::names_of(db, scope, customer, &span, at, most)
            };
            paging.walk(BOUND_WITHIN, source, keep)
        }
        (None, Breadth::Narrow) => {
            let source =
                |at: Option<(&str, i64)>, _| store::names_narrow(db, scope, &span, at, AT_ONCE);
            paging.walk(BOUND_WITHIN, source, keep)
        }
        (None, _) => match search::users_match(db, &filter.q)? {
            Some(found) => {
                paging.walk(BOUND, |at, most| store::matching(db, &found, at, most), keep)
            }
            None => paging.walk(BOUND, |at, most| store::names(db, &span, at, most), keep),
        },
    }
}

/// The part of the names that are walked: those that begin with the letter; a short text that is searched
/// for everywhere is a beginning too.
fn spans(letter: Option<char>, q: &str, everywhere: bool) -> Spans {
    match letter {
        Some(letter) => Spans::of_letter(letter),
        None if everywhere && !q.is_empty() && q.chars().nth(2).is_none() => Spans::beginning(q),
        None => Spans::whole(),
    }
}

/// Those of `ids` whom the filter leaves.
fn kept<P>(db: &Read, scope: &Scope<P>, ids: &[i64], asked: &Asked) -> Result<Vec<(i64, Brief)>> {
    let mut rows = store::kept(db, scope, ids, asked)?;
    if let Some(badge) = asked.filter.more.badge {
        let ids: Vec<i64> = rows.iter().map(|(id, _)| *id).collect();
        let badges = store::badges(db, scope, &ids, asked.today)?;
        rows.retain(|(id, _)| badges.get(id).is_some_and(|all| all.contains(&badge)));
    }
    Ok(rows)
}

/// By trigrams, in their order; where those find nobody, by the beginning of any address.
fn search_wide(
    db: &Read,
    scope: &Scope<UsersRead>,
    breadth: Breadth,
    asked: &Asked,
    paging: &Paging,
) -> Result<Listing<Brief>> {
    let Some(found) = search::users_match(db, &asked.filter.q)? else {
        let rows = store::beginning(db, scope, breadth, asked, paging)?;
        return Ok(paging.listing(rows, |row| (row.display_name.clone(), row.id.0)));
    };
    let mut rows = store::search(db, scope, breadth, asked, &found, paging)?;
    if rows.is_empty() && paging.is_first() {
        rows = store::by_address(db, scope, breadth, asked, paging)?;
    }
    Ok(paging.listing(rows, |row| (String::new(), row.id.0)))
}

/// Everybody of the filter's customer whom it leaves, by name.
pub fn each_of<P>(
    db: &Read,
    scope: &Scope<P>,
    filter: &Filter,
    act: &mut dyn FnMut(UserId) -> Result<()>,
) -> Result<()> {
    let asked = Asked::of(db, filter)?;
    let customer = filter.customer.ok_or(Error::NotFound)?;
    if filter.more == More::default() {
        return store::each_of(db, scope, customer, &asked, act);
    }
    let span = spans(filter.more.letter, &asked.q, false);
    let mut after: Option<(String, i64)> = None;
    loop {
        let at = after.as_ref().map(|(value, id)| (value.as_str(), *id));
        let chunk = store::names_of(db, scope, customer, &span, at, 1_000)?;
        let ids: Vec<i64> = chunk.iter().map(|(_, id)| *id).collect();
        for (id, _) in kept(db, scope, &ids, &asked)? {
            act(UserId(id))?;
        }
        match chunk.into_iter().next_back() {
            Some(last) => after = Some(last),
            None => return Ok(()),
        }
    }
}

/// Everybody of the filter's customer whom it leaves, at most `most` of them.
pub fn ids_of(
    db: &Read,
    scope: &Scope<UsersRead>,
    filter: &Filter,
    most: usize,
) -> Result<Vec<UserId>> {
    if filter.customer.is_none() {
        return anywhere(db, scope, filter, most);
    }
    let mut all = Vec::new();
    each_of(db, scope, filter, &mut |id| {
        if all.len() < most {
            all.push(id);
        }
        Ok(())
    })?;
    Ok(all)
}

/// The same of all customers in scope, page by page.
fn anywhere(
    db: &Read,
    scope: &Scope<UsersRead>,
    filter: &Filter,
    most: usize,
) -> Result<Vec<UserId>> {
    let (breadth, mut all, mut after) = (scope.breadth_of_users(db)?, Vec::new(), String::new());
    loop {
        let paging = Paging::read("200", &after, String::new())?;
        let found = page(db, scope, breadth, filter, &paging)?;
        all.extend(found.items.into_iter().map(|brief| brief.id));
        match found.next {
            Some(next) if all.len() < most => after = next,
            _ => break,
        }
    }
    all.truncate(most);
    Ok(all)
}

/// The statements of lists and what each must go by, for the test that looks at their plans.
pub fn store_plans() -> [(&'static str, &'static str, &'static str); 16] {
    [
        ("list of one", store::LIST_OF, "users_by_customer (customer_id"),
        ("narrow list", store::LIST_NARROW, "users_by_customer (customer_id"),
        ("wide list", store::LIST_WIDE, "users_by_name"),
        ("wide list of a state", store::LIST_WIDE_STATE, "users_by_state"),
        ("wide search", store::SEARCH_WIDE, "users_search VIRTUAL TABLE INDEX"),
        ("search by address", store::SEARCH_ADDRESS, "USING INTEGER PRIMARY KEY"),
        ("beginning", store::SEARCH_START, "users_by_name"),
        ("filtered, of a narrow part", store::KEPT, "USING INTEGER PRIMARY KEY"),
        (
            "filtered by service, of a narrow part",
            store::KEPT,
            "user_services USING INDEX user_services_by_user",
        ),
        (
            "filtered by role, of a narrow part",
            store::KEPT,
            "sqlite_autoindex_role_grants_1 (user_id",
        ),
        ("walked", store::NAMES, "users_by_name"),
        ("walked of one", store::NAMES_OF, "users_by_customer (customer_id"),
        ("number of one", counting::store::COUNT_OF, "users_by_customer_state"),
        ("number", counting::store::COUNT, "users_by_customer_state"),
        ("number of all", counting::store::COUNT_ALL, "users_by_state"),
        ("walked search", store::MATCHING, "users_search VIRTUAL TABLE INDEX"),
    ]
}
