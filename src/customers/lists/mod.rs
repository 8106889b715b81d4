//! Departments and locations: what users of one customer are sorted by. Users name them by id, so
//! a new name reaches everybody at once; one that is in use gives its users to another before it goes.

pub mod api;
pub mod pages;
mod store;

use super::fields::country;
use super::is_in_state;
use crate::assignments;
use crate::audit;
use crate::auth::permissions::CustomersUpdate;
use crate::auth::{Permission, Scope};
use crate::db::{Db, Read, Write, unique};
use crate::error::{Error, Result};
use crate::html::text;
use crate::ids::CustomerId;
use crate::input::{Field, Fields, Input};
use crate::places::State;
use serde_json::json;

id!(EntryId);

words! {
    List { Departments = "departments", Locations = "locations" }
}

/// Which list a handler is about.
pub trait Of {
    const LIST: List;
}

pub struct Departments;
pub struct Locations;

impl Of for Departments {
    const LIST: List = List::Departments;
}

impl Of for Locations {
    const LIST: List = List::Locations;
}

/// A department, or a location with its address.
pub struct Entry {
    pub id: EntryId,
    pub name: String,
    pub street: String,
    pub postcode: String,
    pub city: String,
    pub region: String,
    pub country: String,
    pub users: i64,
}

const NAME: Field = Field::text("name", "1–64 characters, once in the list");

pub const DEPARTMENT: &[Field] = &[NAME];
pub const LOCATION: &[Field] = &[
    NAME,
    Field::text("street", "at most 200 characters"),
    Field::text("postcode", "at most 20 characters"),
    Field::text("city", "at most 80 characters"),
    Field::text("region", "at most 80 characters"),
    Field::text("country", "ISO 3166 code"),
];

/// What a deletion may say.
pub const DELETE: &[Field] =
    &[Field::text("replace_by", "id of the one its users get, or none; where it is in use")];

impl List {
    pub fn fields(self) -> &'static [Field] {
        match self {
            List::Departments => DEPARTMENT,
            List::Locations => LOCATION,
        }
    }

    /// One of it, in a sentence.
    pub fn one(self) -> &'static str {
        match self {
            List::Departments => "department",
            List::Locations => "location",
        }
    }
}

impl Entry {
    fn input(&self) -> Input {
        let mut input = Input::default();
        for (field, value) in [
            ("name", &self.name),
            ("street", &self.street),
            ("postcode", &self.postcode),
            ("city", &self.city),
            ("region", &self.region),
            ("country", &self.country),
        ] {
            input.set(field, value);
        }
        input
    }
}

/// All of a customer's, by name.
pub fn all<P: Permission>(
    db: &Read,
    scope: &Scope<P>,
    list: List,
    customer: CustomerId,
) -> Result<Vec<Entry>> {
    store::all(db, scope, list, customer)
}

pub fn one<P: Permission>(
    db: &Read,
    scope: &Scope<P>,
    list: List,
    customer: CustomerId,
    id: EntryId,
) -> Result<Entry> {
    let all = store::all(db, scope, list, customer)?;
    all.into_iter().find(|entry| entry.id == id).ok_or(Error::NotFound)
}

pub fn create(
    db: &Db,
    scope: &Scope<CustomersUpdate>,
    list: List,
    customer: CustomerId,
    input: &Input,
) -> Result<EntryId> {
    db.write(scope.by, |tx| {
        open(tx, scope, customer)?;
        let entry = read(list, input)?;
        let id = taken(store::insert(tx, scope, list, customer, &entry))?;
        let detail = json!({ "list": list, "name": [null, entry.name] });
        audit::record(tx, "list.changed", ("customer", customer.0), customer, &detail)?;
        Ok(id)
    })
}

/// Renames it or gives it another address; its users are told to the outside anew.
pub fn update(
    db: &Db,
    scope: &Scope<CustomersUpdate>,
    list: List,
    customer: CustomerId,
    id: EntryId,
    input: &Input,
) -> Result<()> {
    db.write(scope.by, |tx| {
        open(tx, scope, customer)?;
        let was = one(tx, scope, list, customer, id)?;
        let entry = read(list, &input.over(kept(list, &was)))?;
        let (old, new) = (was.input(), entry.input());
        let changed: serde_json::Map<_, _> = list
            .fields()
            .iter()
            .filter(|field| old.get(field.name) != new.get(field.name))
            .map(|f| (f.name.to_owned(), json!([old.get(f.name), new.get(f.name)])))
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        taken(store::update(tx, scope, list, customer, id, &entry))?;
        if was.name != entry.name {
            for user in store::users_of(tx, list, customer, id)? {
                assignments::update_user(tx, user)?;
            }
        }
        let detail = json!({ "list": list, "id": id, "changed": changed });
        audit::record(tx, "list.changed", ("customer", customer.0), customer, &detail)
    })
}

/// Deletes it; where users are in it, `replace_by` says where they go.
pub fn remove(
    db: &Db,
    scope: &Scope<CustomersUpdate>,
    list: List,
    customer: CustomerId,
    id: EntryId,
    input: &Input,
) -> Result<()> {
    db.write(scope.by, |tx| {
        open(tx, scope, customer)?;
        let was = one(tx, scope, list, customer, id)?;
        let mut fields = Fields::of(input, DELETE);
        let said = fields.value("replace_by");
        let by = match said {
            "" | "none" => None,
            text => {
                let other = text.parse().ok().filter(|other| *other != id);
                match other.map(|other| one(tx, scope, list, customer, other)) {
                    Some(Ok(entry)) => Some(entry.id),
                    _ => fields.complain("replace_by", "is not one of the choices"),
                }
            }
        };
        if was.users > 0 && said.is_empty() {
            let users = text::count(was.users, "user", "users");
            fields.complain::<()>("replace_by", format!("is used by {users}; choose another"));
        }
        fields.finish(|| Some(()))?;
        let users = store::users_of(tx, list, customer, id)?;
        store::replace(tx, scope, list, customer, id, by)?;
        store::delete(tx, scope, list, customer, id)?;
        for user in users {
            assignments::update_user(tx, user)?;
        }
        let detail = json!({ "list": list, "name": [was.name, null], "replace_by": by });
        audit::record(tx, "list.changed", ("customer", customer.0), customer, &detail)
    })
}

fn open(tx: &Write, scope: &Scope<CustomersUpdate>, id: CustomerId) -> Result<()> {
    let customer = super::one(tx, scope, id)?;
    match customer.state {
        State::Deleted | State::Purged => Err(is_in_state(&customer)),
        _ => Ok(()),
    }
}

/// What is there already, as far as the list has the field.
fn kept(list: List, was: &Entry) -> Input {
    let whole = was.input();
    let mut input = Input::default();
    for field in list.fields() {
        input.set(field.name, whole.get(field.name));
    }
    input
}

fn read(list: List, input: &Input) -> Result<Entry> {
    let mut fields = Fields::of(input, list.fields());
    let name = fields.text("name", 1..=64);
    let mut address =
        [Some(String::new()), Some(String::new()), Some(String::new()), Some(String::new())];
    let mut land = Some(String::new());
    if list == List::Locations {
        address = [
            fields.lines("street", 0..=200),
            fields.text("postcode", 0..=20),
            fields.text("city", 0..=80),
            fields.text("region", 0..=80),
        ];
        land = country(&mut fields, "country");
    }
    let [street, postcode, city, region] = address;
    fields.finish(|| {
        Some(Entry {
            id: EntryId(0),
            name: name?,
            street: street?,
            postcode: postcode?,
            city: city?,
            region: region?,
            country: land?,
            users: 0,
        })
    })
}

fn taken<T>(result: Result<T>) -> Result<T> {
    unique(result, "name", "is in the list already")
}
