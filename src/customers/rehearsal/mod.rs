//! What a verb would do, found out by doing it in a transaction that is taken back: so what is shown
//! is what is done.

pub mod shown;
mod store;

use super::fields::NEW;
use super::{May, create_in, one};
use crate::assignments::previews::Agrees;
use crate::auth::permissions::{CustomersCreate, PricesRead};
use crate::auth::{Actor, Scope};
use crate::billing;
use crate::db::{Db, Read, Write};
use crate::error::{Complaint, Error, Result};
use crate::ids::CustomerId;
use crate::input::{Field, Input, Kind};
use crate::money::Currency;
use serde::Serialize;

/// What would change.
#[derive(Debug, Default, Serialize)]
pub struct Preview {
    /// Why it cannot be done.
    pub refusals: Vec<Complaint>,
    /// What is done all the same, and worth knowing before.
    pub warnings: Vec<String>,
    /// Fields with what they were and will be; of something new, what it will be.
    pub diffs: Vec<Diff>,
    pub steps: Vec<Step>,
    pub ledger: Vec<Change>,
    /// Who would get a mail.
    pub told: Vec<String>,
    /// What a whole month costs, at the viewer's edge; none where nothing is sold there, where the
    /// bill does not change, and for whoever may not see prices.
    pub monthly: Option<Monthly>,
    /// Users whom something changes for, and what; 200 at most.
    pub people: Vec<Person>,
    /// Who has to agree before it is done.
    pub approvals: Vec<Agrees>,
}

/// Before and after it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Monthly {
    pub currency: Currency,
    pub before_minor: i64,
    pub after_minor: i64,
    pub delta_minor: i64,
}

/// A piece of work, how often, and by how many steps outside.
#[derive(Debug, Serialize)]
pub struct Step {
    pub title: String,
    pub requests: i64,
    pub steps: i64,
}

/// How many rows of a kind the ledger would get.
#[derive(Debug, Serialize)]
pub struct Change {
    pub kind: String,
    pub action: String,
    pub rows: i64,
}

#[derive(Debug, Serialize)]
pub struct Person {
    pub user_id: i64,
    pub name: String,
    pub what: String,
}

/// A field, its value before and after.
#[derive(Clone, Debug, Serialize)]
pub struct Diff {
    pub field: String,
    pub before: String,
    pub after: String,
}

/// What an act tells of itself besides what is seen in the store.
#[derive(Default)]
pub struct Told {
    pub warnings: Vec<String>,
    pub diffs: Vec<Diff>,
}

impl Preview {
    /// Whether nothing follows from it but that Portico knows it: no work, no mail, no bill, and
    /// nothing worth knowing before.
    pub fn is_quiet(&self) -> bool {
        let follows = [self.steps.len(), self.told.len(), self.ledger.len(), self.warnings.len()];
        follows == [0; 4] && self.approvals.is_empty()
    }
}

/// Does it, looks, and takes it back.
pub fn of<T>(
    db: &Db,
    actor: &Actor,
    customer: CustomerId,
    act: impl Fn(&Write) -> Result<T>,
) -> Result<Preview> {
    telling(db, actor, customer, |tx| act(tx).map(|_| Told::default()))
}

/// The same for an act that tells of itself.
pub fn telling(
    db: &Db,
    actor: &Actor,
    customer: CustomerId,
    act: impl Fn(&Write) -> Result<Told>,
) -> Result<Preview> {
    let seen = db.rehearse(actor.by, |tx| {
        let mark = store::mark(tx)?;
        let told = act(tx)?;
        let mut seen = store::since(tx, customer, &mark)?;
        seen.warnings = told.warnings;
        seen.diffs.extend(told.diffs);
        Ok(seen)
    });
    let seen = match seen {
        Err(Error::Invalid(refusals)) => return Ok(Preview { refusals, ..Preview::default() }),
        seen => seen?,
    };
    // Rating a month is work: it is done where the ledger changes, and the writer waits for half of it.
    if seen.ledger.is_empty() {
        return Ok(seen);
    }
    let Some(before) = db.read(|db| cost(db, actor, customer))? else { return Ok(seen) };
    let after = db.rehearse(actor.by, |tx| {
        act(tx)?;
        cost(tx, actor, customer)
    })?;
    Ok(Preview { monthly: monthly(before, after), ..seen })
}

/// What creating a customer would do, with the code and the values it would have.
pub fn of_new(
    db: &Db,
    actor: &Actor,
    scope: &Scope<CustomersCreate>,
    parent: CustomerId,
    may: &May,
    input: &Input,
) -> Result<Preview> {
    telling(db, actor, parent, |tx| {
        let id = create_in(tx, scope, may, input)?;
        let (code, domain) = store::made(tx, id)?;
        let mut said = input.clone();
        said.set("code", code);
        said.set("domain", domain);
        ["parent_id", "tell_contact"].iter().for_each(|field| said.remove(field));
        // What nobody chose is no news.
        let language = one(tx, scope, parent)?.details.language;
        for (field, usual) in [
            ("type", "standard"),
            ("billed_by", "inherit"),
            ("customers_billed_by", "reseller"),
            ("language", language.as_str()),
        ] {
            if said.get(field) == usual {
                said.remove(field);
            }
        }
        Ok(Told { diffs: said_of(NEW, &said), ..Told::default() })
    })
}

/// What is said of something new, field by field; what is left empty or off is not.
pub fn said_of(fields: &[Field], said: &Input) -> Vec<Diff> {
    let of = |field: &Field| {
        let after = match field.kind {
            Kind::List => said.all(field.name).collect::<Vec<_>>().join(", "),
            Kind::Boolean if said.get(field.name) == "1" => "yes".to_owned(),
            Kind::Boolean => String::new(),
            _ => said.get(field.name).to_owned(),
        };
        let (field, before) = (field.name.to_owned(), String::new());
        (!after.is_empty()).then_some(Diff { field, before, after })
    };
    fields.iter().filter_map(of).collect()
}

/// Up to so many customers the money of a branch is summed up.
const SUMMED: usize = 20;

/// What a whole month of what the branch has now costs at the viewer's edge.
fn cost(db: &Read, actor: &Actor, customer: CustomerId) -> Result<Option<(Currency, i64)>> {
    if !actor.reaches::<PricesRead>(db, customer) {
        return Ok(None);
    }
    let branch = store::branch(db, customer)?;
    if branch.len() > SUMMED {
        return Ok(None);
    }
    let mut sum: Option<(Currency, i64)> = None;
    for each in branch {
        let Some(quote) = billing::quote(db, actor.home, each, &[])? else { continue };
        let (currency, so_far) = sum.unwrap_or((quote.currency, 0));
        if currency != quote.currency {
            return Ok(None);
        }
        let total = so_far.checked_add(quote.after_minor);
        sum = Some((currency, total.ok_or_else(|| Error::internal("a sum is too large"))?));
    }
    Ok(sum)
}

fn monthly(before: (Currency, i64), after: Option<(Currency, i64)>) -> Option<Monthly> {
    let (currency, before_minor) = before;
    let (then, after_minor) = after?;
    let delta_minor = after_minor.checked_sub(before_minor)?;
    (currency == then).then_some(Monthly { currency, before_minor, after_minor, delta_minor })
}
