//! Whom a customer wants told of what: its own users, or people elsewhere by name and mail.

pub mod api;
pub mod pages;
mod store;

use super::is_in_state;
use crate::audit;
use crate::auth::permissions::CustomersUpdate;
use crate::auth::{Permission, Scope};
use crate::db::{Db, Read, Write, unique};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, UserId};
use crate::input::{Field, Fields, Input};
use crate::mail::{self, Class, NewMessage};
use crate::places::State;
use serde_json::json;

id!(ContactId);

/// As many as a customer may have.
const MOST: usize = 20;

words! {
    /// What somebody is told of.
    For { Billing = "billing", Technical = "technical", Owner = "owner", Security = "security" }
}

impl For {
    /// What it means, below its tick.
    pub fn about(self) -> &'static str {
        match self {
            For::Billing => "Invoices and credit notes.",
            For::Technical => "Domains that are confirmed.",
            For::Owner => "What becomes of the customer: moved, at its end, ended.",
            For::Security => "Work that was held because it would take from many.",
        }
    }
}

pub struct Contact {
    pub id: ContactId,
    pub user: Option<UserId>,
    pub name: String,
    pub email: String,
    pub told: Vec<For>,
}

pub const FIELDS: &[Field] = &[
    Field::text("user", "a user of the customer, by sign-in name or id; else name and email"),
    Field::text("name", "1–100 characters, where it is no user"),
    Field::text("email", "an e-mail address, where it is no user"),
    Field::list("told", "billing, technical, owner, security: at least one"),
];

/// What somebody typed, read.
struct Draft {
    user: Option<UserId>,
    name: String,
    email: String,
    told: Vec<For>,
}

pub fn all<P: Permission>(
    db: &Read,
    scope: &Scope<P>,
    customer: CustomerId,
) -> Result<Vec<Contact>> {
    store::all(db, scope, customer)
}

pub fn one<P: Permission>(
    db: &Read,
    scope: &Scope<P>,
    customer: CustomerId,
    id: ContactId,
) -> Result<Contact> {
    let all = store::all(db, scope, customer)?;
    all.into_iter().find(|contact| contact.id == id).ok_or(Error::NotFound)
}

/// Names and addresses of those who are told of `what`: invoices (billing), what becomes of the
/// customer (owner), its domains (technical), work that was held because it took from many
/// (security). Nobody, where nobody was named.
pub fn told(db: &Read, customer: CustomerId, what: For) -> Result<Vec<(String, String)>> {
    store::told(db, customer, what)
}

/// Mails them, but for one address that hears of it anyway.
pub fn tell(
    tx: &Write,
    customer: CustomerId,
    what: For,
    but: &str,
    (event, subject, text): (&str, &str, &str),
) -> Result<()> {
    for (name, to) in told(tx, customer, what)? {
        if to.eq_ignore_ascii_case(but) {
            continue;
        }
        let text = format!("Hello {name},\n\n{text}");
        let message = NewMessage {
            customer,
            user: None,
            event,
            class: Class::Notice,
            to: &to,
            name: &name,
            subject,
            text: &text,
            link: None,
            expires: None,
        };
        mail::queue(tx, &message)?;
    }
    Ok(())
}

pub fn create(
    db: &Db,
    scope: &Scope<CustomersUpdate>,
    customer: CustomerId,
    input: &Input,
) -> Result<ContactId> {
    db.write(scope.by, |tx| {
        open(tx, scope, customer)?;
        let draft = read(tx, customer, input)?;
        if store::all(tx, scope, customer)?.len() >= MOST {
            return Err(Error::refused(format!("A customer may have {MOST} contacts.")));
        }
        let id = twice(store::insert(tx, scope, customer, &draft))?;
        record(tx, customer, id, None, Some(&one(tx, scope, customer, id)?))?;
        Ok(id)
    })
}

pub fn update(
    db: &Db,
    scope: &Scope<CustomersUpdate>,
    customer: CustomerId,
    id: ContactId,
    input: &Input,
) -> Result<()> {
    db.write(scope.by, |tx| {
        open(tx, scope, customer)?;
        let was = one(tx, scope, customer, id)?;
        let mut base = was.input();
        // Whoever names a person elsewhere does not mean the user of before, and the other way round.
        if !input.get("user").is_empty() {
            base.set("name", "");
            base.set("email", "");
        } else if !input.get("name").is_empty() || !input.get("email").is_empty() {
            base.set("user", "");
        }
        let draft = read(tx, customer, &input.over(base))?;
        twice(store::update(tx, scope, customer, id, &draft))?;
        record(tx, customer, id, Some(&was), Some(&one(tx, scope, customer, id)?))
    })
}

pub fn remove(
    db: &Db,
    scope: &Scope<CustomersUpdate>,
    customer: CustomerId,
    id: ContactId,
) -> Result<()> {
    db.write(scope.by, |tx| {
        open(tx, scope, customer)?;
        let was = one(tx, scope, customer, id)?;
        store::delete(tx, scope, customer, id)?;
        record(tx, customer, id, Some(&was), None)
    })
}

impl Contact {
    pub fn input(&self) -> Input {
        let mut input = Input::default();
        match self.user {
            Some(user) => input.set("user", user),
            None => {
                input.set("name", &self.name);
                input.set("email", &self.email);
            }
        }
        self.told.iter().for_each(|each| input.push("told", each.word()));
        input
    }

    fn words(&self) -> String {
        let told: Vec<&str> = self.told.iter().map(|each| each.word()).collect();
        format!("{} <{}>: {}", self.name, self.email, told.join(", "))
    }
}

fn open(tx: &Write, scope: &Scope<CustomersUpdate>, id: CustomerId) -> Result<()> {
    let customer = super::one(tx, scope, id)?;
    match customer.state {
        State::Deleted | State::Purged => Err(is_in_state(&customer)),
        _ => Ok(()),
    }
}

fn read(db: &Read, customer: CustomerId, input: &Input) -> Result<Draft> {
    let mut fields = Fields::of(input, FIELDS);
    let (mut user, mut name, mut email) = (None, Some(String::new()), Some(String::new()));
    match fields.value("user") {
        "" => {
            name = fields.text("name", 1..=100);
            email = fields.email("email");
        }
        text => match store::user(db, customer, &text.to_lowercase())? {
            Some(id) => user = Some(id),
            None => user = fields.complain("user", "is not a user of this customer"),
        },
    }
    let told = fields.list::<For>("told", 4);
    if told.as_ref().is_some_and(Vec::is_empty) {
        fields.complain::<()>("told", "needs at least one");
    }
    fields.finish(|| {
        let mut told = told?;
        told.sort();
        told.dedup();
        Some(Draft { user, name: name?, email: email?, told })
    })
}

fn twice<T>(result: Result<T>) -> Result<T> {
    unique(result, "user", "is a contact already")
}

fn record(
    tx: &Write,
    customer: CustomerId,
    id: ContactId,
    was: Option<&Contact>,
    now: Option<&Contact>,
) -> Result<()> {
    let detail = json!({ "id": id, "contact": [was.map(Contact::words), now.map(Contact::words)] });
    audit::record(tx, "contact.changed", ("customer", customer.0), customer, &detail)
}
