//! Devices of a customer, each used by one of its users at most: what is asked about when somebody
//! calls.
//!
//! Invariant: of the devices of a user exactly one is the primary one, the first unless another is
//! made so.

pub mod api;
pub mod pages;
mod store;

use crate::audit;
use crate::auth::permissions::{UsersRead, UsersUpdate};
use crate::auth::{Permission, Scope};
use crate::customers;
use crate::db::{Db, Read, Write};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, DeviceId, UserId};
use crate::input::{Field, Fields, Input};
use crate::places::State as Account;
use crate::time::Zone;
use crate::users::{self, User, lookup};
use crate::web::{Listing, Paging};
use serde_json::{Value, json};

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Device {
    pub id: DeviceId,
    pub customer_id: CustomerId,
    pub user_id: Option<UserId>,
    pub user: Option<String>,
    pub name: String,
    pub kind: String,
    pub serial: String,
    pub note: String,
    /// The user's first one.
    pub primary: bool,
    pub version: i64,
}

const NAME: Field = Field::text("name", "1–100 characters");
const KIND: Field = Field::text("kind", "like Laptop, at most 40 characters");
const SERIAL: Field = Field::text("serial", "at most 64 characters");
const NOTE: Field = Field::text("note", "at most 500 characters");
const USER: Field =
    Field::text("user", "who uses it: sign-in name, address or id of a user of the customer");
const PRIMARY: Field = Field::boolean("primary", "the user's primary one; the first is anyhow");

pub const FIELDS: &[Field] = &[NAME.required(), KIND, SERIAL, NOTE, USER, PRIMARY];
/// The same where what is left out stays.
pub const EDIT: &[Field] = &[NAME, KIND, SERIAL, NOTE, USER, PRIMARY];

pub const FILTERS: &[Field] = &[Field::text("q", "text inside name, kind or serial")];

/// Which devices a list is of.
#[derive(Default)]
pub struct Filter {
    pub q: String,
}

/// What somebody typed, read.
struct Draft {
    name: String,
    kind: String,
    serial: String,
    note: String,
    user: Option<UserId>,
    primary: bool,
}

/// A page of a customer's devices, by name.
pub fn list(
    db: &Read,
    scope: &Scope<UsersRead>,
    customer: CustomerId,
    filter: &Filter,
    paging: &Paging,
) -> Result<Listing<Device>> {
    scope.reaches(db, customer)?;
    let rows = store::list(db, scope, customer, filter, paging)?;
    Ok(paging.listing(rows, |device| (device.name.clone(), device.id.0)))
}

/// Those of a user, the primary one first.
pub fn of_user(db: &Read, scope: &Scope<UsersRead>, user: UserId) -> Result<Vec<Device>> {
    users::one(db, scope, user)?;
    store::of_user(db, user)
}

/// How many a user has.
pub fn count_of(db: &Read, user: UserId) -> Result<usize> {
    Ok(store::of_user(db, user)?.len())
}

pub fn one<P: Permission>(
    db: &Read,
    scope: &Scope<P>,
    customer: CustomerId,
    id: DeviceId,
) -> Result<Device> {
    store::one(db, scope, customer, id)
}

pub fn create(
    db: &Db,
    scope: &Scope<UsersUpdate>,
    customer: CustomerId,
    input: &Input,
) -> Result<DeviceId> {
    db.write(scope.by, |tx| {
        customers::open_for_changes(tx, scope, customer)?;
        let draft = read(tx, scope, customer, input)?;
        let id = store::insert(tx, customer, &draft)?;
        arrange(tx, draft.user, draft.primary.then_some(id))?;
        record(tx, "device.created", customer, (id, draft.user), named(&draft.name))?;
        Ok(id)
    })
}

pub fn update(
    db: &Db,
    scope: &Scope<UsersUpdate>,
    customer: CustomerId,
    id: DeviceId,
    input: &Input,
    version: Option<i64>,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let home = customers::open_for_changes(tx, scope, customer)?;
        let was = store::one(tx, scope, customer, id)?;
        if version.is_some_and(|version| version != was.version) {
            let zone = Zone::named(&home.details.time_zone).unwrap_or_else(Zone::utc);
            return Err(audit::stale(tx, ("device", id.0), &zone)?);
        }
        let old = was.input();
        let mut base = old.clone();
        // The mark is of the user whose it was.
        if input.has("user") {
            base.set("primary", "0");
        }
        let whole = input.over(base);
        let draft = read(tx, scope, customer, &whole)?;
        store::update(tx, id, &draft)?;
        if was.user_id != draft.user {
            arrange(tx, was.user_id, None)?;
        }
        arrange(tx, draft.user, draft.primary.then_some(id))?;
        let new = store::one(tx, scope, customer, id)?.input();
        let changed = difference(&old, &new);
        if changed.is_empty() {
            return Ok(());
        }
        record(tx, "device.changed", customer, (id, was.user_id.or(draft.user)), changed)
    })
}

pub fn remove(
    db: &Db,
    scope: &Scope<UsersUpdate>,
    customer: CustomerId,
    id: DeviceId,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let was = store::one(tx, scope, customer, id)?;
        store::delete(tx, id)?;
        arrange(tx, was.user_id, None)?;
        record(tx, "device.deleted", customer, (id, was.user_id), named(&was.name))
    })
}

/// Gives all devices of `user` to `to`, another user of the same customer; says how many.
pub fn hand_over(tx: &Write, user: &User, to: UserId) -> Result<usize> {
    let all = store::of_user(tx, user.id)?;
    for each in &all {
        store::give(tx, each.id, to)?;
        let whose = (each.id, Some(user.id));
        record(tx, "device.changed", user.customer, whose, from_to(user.id, Some(to)))?;
    }
    arrange(tx, Some(to), None)?;
    Ok(all.len())
}

/// Leaves all devices of `user` with the customer, used by nobody; says how many.
pub fn stay(tx: &Write, user: &User) -> Result<usize> {
    let all = store::of_user(tx, user.id)?;
    for each in &all {
        store::leave(tx, each.id)?;
        let whose = (each.id, Some(user.id));
        record(tx, "device.changed", user.customer, whose, from_to(user.id, None))?;
    }
    Ok(all.len())
}

/// Leaves exactly one primary device to a user who has any: the one that is `wanted`, else the one
/// there was, else the oldest.
fn arrange(tx: &Write, user: Option<UserId>, wanted: Option<DeviceId>) -> Result<()> {
    let Some(user) = user else { return Ok(()) };
    let all = store::of_user(tx, user)?;
    let oldest = all.iter().map(|device| device.id).min_by_key(|id| id.0);
    let was = all.iter().find(|device| device.primary).map(|device| device.id);
    match wanted.or(was).or(oldest) {
        Some(first) => store::set_primary(tx, user, first),
        None => Ok(()),
    }
}

impl Device {
    pub fn input(&self) -> Input {
        let mut input = Input::default();
        for (field, value) in [
            ("name", &self.name),
            ("kind", &self.kind),
            ("serial", &self.serial),
            ("note", &self.note),
        ] {
            input.set(field, value);
        }
        input.set("user", self.user_id.map(|id| id.to_string()).unwrap_or_default());
        input.set("primary", if self.primary { "1" } else { "0" });
        input
    }
}

fn difference(old: &Input, new: &Input) -> serde_json::Map<String, Value> {
    let pairs = FIELDS.iter().map(|field| (field.name, old.get(field.name), new.get(field.name)));
    let changed = pairs.filter(|(_, old, new)| old != new);
    changed.map(|(name, old, new)| (name.to_owned(), json!([old, new]))).collect()
}

fn read(
    db: &Read,
    scope: &Scope<UsersUpdate>,
    customer: CustomerId,
    input: &Input,
) -> Result<Draft> {
    let mut fields = Fields::of(input, FIELDS);
    let (name, kind) = (fields.text("name", 1..=100), fields.text("kind", 0..=40));
    let (serial, note) = (fields.text("serial", 0..=64), fields.lines("note", 0..=500));
    let primary = fields.flag("primary");
    let text = fields.value("user");
    let user = match text {
        "" => Some(None),
        text => {
            let found = match text.parse::<UserId>() {
                Ok(id) => lookup::is_of(db, customer, id)?.then_some(id),
                Err(_) => lookup::by_name(db, customer, &text.to_lowercase())?,
            };
            let found = found.map(|id| users::one(db, scope, id)).transpose()?;
            match found.filter(|user| !matches!(user.state, Account::Deleted | Account::Purged)) {
                Some(user) => Some(Some(user.id)),
                None => fields.complain("user", "is not a user of this customer"),
            }
        }
    };
    if primary == Some(true) && user == Some(None) {
        fields.complain::<()>("primary", "needs a user");
    }
    fields.finish(|| {
        Some(Draft {
            name: name?,
            kind: kind?,
            serial: serial?,
            note: note?,
            user: user?,
            primary: primary?,
        })
    })
}

/// Of a device that somebody uses it is written down with them: it goes when they are erased.
fn record(
    tx: &Write,
    action: &str,
    customer: CustomerId,
    (id, user): (DeviceId, Option<UserId>),
    mut detail: serde_json::Map<String, Value>,
) -> Result<()> {
    detail.insert("device".to_owned(), json!(id));
    let subject = user.map_or(("device", id.0), |user| ("user", user.0));
    audit::record(tx, action, subject, customer, &Value::Object(detail))
}

fn named(name: &str) -> serde_json::Map<String, Value> {
    [("name".to_owned(), json!(name))].into_iter().collect()
}

fn from_to(from: UserId, to: Option<UserId>) -> serde_json::Map<String, Value> {
    let to = to.map(|to| to.to_string()).unwrap_or_default();
    [("user".to_owned(), json!([from.to_string(), to]))].into_iter().collect()
}

/// The filter of a query.
pub fn filter_of(query: &Input) -> Result<Filter> {
    let q = query.get("q");
    if q.chars().count() > 100 {
        return Err(Error::invalid("q", "must have at most 100 characters"));
    }
    Ok(Filter { q: q.to_owned() })
}
