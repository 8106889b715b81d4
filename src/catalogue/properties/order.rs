//! Storing values: what may be stored where, by whom, and what is wrong with what was typed.

use super::fan_out::{Under, fan_out};
use super::{Place, Property, Standing, Unique, Use, store};
use crate::audit;
use crate::auth::PROVIDER;
use crate::catalogue::Service;
use crate::db::{Read, Write, unique};
use crate::error::{Complaint, Error, Result};
use crate::ids::{CustomerId, CustomerServiceId, UserServiceId};
use crate::kinds::{Type, said};
use crate::prices;
use crate::secret::{Key, Secret};
use serde_json::{Value, json};

/// Values as they were typed, by name. Without a text what is stored goes, and it inherits again; an
/// empty text is a value where the type has one, and the same as none elsewhere.
pub type Typed = Vec<(String, Option<String>)>;

/// Values to store at a place.
pub struct Order<'a> {
    pub service: &'a Service,
    pub place: Place,
    pub standing: Standing,
    pub values: &'a Typed,
    /// The names that are locked from now on; none leaves locks as they are.
    pub locks: Option<Vec<String>>,
    /// Whose audit log says it.
    pub audited_at: CustomerId,
    /// What was typed in case many have it; none where that was asked before.
    pub confirm: Option<&'a str>,
}

/// A value that would be stored, or taken away, and is not so yet.
pub struct Change {
    pub label: String,
    /// For people; a secret is only said to be set.
    pub before: Option<String>,
    pub after: Option<String>,
}

/// What is to become of a stored value.
#[derive(Clone, PartialEq)]
enum Wish {
    /// The empty field of a secret.
    Keep,
    Inherit,
    Set(Value),
}

/// What storing them would change, and all that speaks against it. Nothing is written.
pub fn changes(db: &Read, order: &Order) -> Result<(Vec<Change>, Vec<Complaint>)> {
    let properties = store::all(db, order.service.id)?;
    let (wanted, complaints) = judge(db, &properties, order)?;
    let mut changes = Vec::new();
    for (property, wish) in wanted {
        let old = store::value(db, property.id, order.place)?;
        let new = match wish {
            Wish::Keep => continue,
            Wish::Inherit if old.is_none() => continue,
            Wish::Set(value) if !property.secret && old.as_ref() == Some(&value) => continue,
            Wish::Inherit => None,
            Wish::Set(value) => Some(value),
        };
        let show = |value: &Value| match property.secret {
            true => "set".to_owned(),
            false => said(property.kind, &property.validation, value),
        };
        changes.push(Change {
            label: property.label.clone(),
            before: old.as_ref().map(show),
            after: new.as_ref().map(show),
        });
    }
    Ok((changes, complaints))
}

/// What is to become of which value, and what is wrong with the others.
type Judged<'p> = (Vec<(&'p Property, Wish)>, Vec<Complaint>);

/// Reads what was typed.
fn judge<'p>(db: &Read, properties: &'p [Property], order: &Order) -> Result<Judged<'p>> {
    let mut complaints = Vec::new();
    let find = |name: &str| {
        let found = properties.iter().find(|property| property.name == name);
        found.filter(|property| property.seen_by(order.standing))
    };
    let unknown = |name: &str| {
        let text = format!("is not a property of {}", order.service.name);
        Complaint::new(format!("properties.{name}"), text)
    };
    let mut changes = Vec::new();
    for (name, text) in order.values {
        let Some(property) = find(name) else {
            complaints.push(unknown(name));
            continue;
        };
        match read(db, property, order, text.as_deref())? {
            Ok(wish) => changes.push((property, wish)),
            Err(message) => complaints.push(Complaint::new(format!("properties.{name}"), message)),
        }
    }
    for name in order.locks.iter().flatten() {
        if find(name).is_none_or(|property| !property.written_by(order.standing)) {
            complaints.push(unknown(name));
        }
    }
    Ok((changes, complaints))
}

/// Stores them all, or refuses with every complaint; says whether anything is other than before.
pub fn store_values(tx: &Write, key: &Key, order: &Order) -> Result<bool> {
    let properties = store::all(tx, order.service.id)?;
    let (changes, complaints) = judge(tx, &properties, order)?;
    if !complaints.is_empty() {
        return Err(Error::Invalid(complaints));
    }
    let mut touched = 0;
    for (property, wish) in changes {
        let old = store::value(tx, property.id, order.place)?;
        let stored = match wish {
            Wish::Keep => continue,
            Wish::Inherit => None,
            Wish::Set(Value::String(text)) if property.secret => {
                if let Some(Value::String(sealed)) = &old
                    && key.open(&property.seal(), sealed)?.reveal() == text
                {
                    continue;
                }
                Some(Value::from(key.seal(&property.seal(), &Secret::new(text))?))
            }
            Wish::Set(value) => Some(value),
        };
        let changed = match &stored {
            Some(value) if old.as_ref() != Some(value) => put(tx, property, order.place, value)?,
            None if old.is_some() => store::remove(tx, property.id, order.place)?,
            _ => 0,
        };
        touched += changed;
        if changed > 0 {
            let show = |value: Option<Value>| match value {
                Some(_) if property.secret => Value::from("changed"),
                Some(value) => value,
                None => Value::Null,
            };
            let detail = json!({
                "service": order.service.code, "property": property.name,
                "old": show(old), "new": show(stored),
            });
            let subject = ("property", property.id.0);
            let at = told_at(tx, property, order)?;
            audit::record(tx, "property_value.changed", subject, at, &detail)?;
        }
    }
    if let Some(locks) = &order.locks {
        for property in &properties {
            touched += store::lock(tx, property.id, order.place, locks.contains(&property.name))?;
        }
    }
    if let (Some(under), true) = (Under::place(order.service.id, order.place), touched > 0) {
        fan_out(tx, &under, order.audited_at, order.confirm)?;
    }
    Ok(touched > 0)
}

/// In whose log a change stands: not below those who see the property.
fn told_at(tx: &Write, property: &Property, order: &Order) -> Result<CustomerId> {
    match property.visible_to.max(property.writable_by) {
        Standing::Provider => Ok(PROVIDER),
        Standing::Reseller if assigned(order.place) => store::parent(tx, order.audited_at),
        _ => Ok(order.audited_at),
    }
}

fn put(tx: &Write, property: &Property, place: Place, value: &Value) -> Result<usize> {
    let alone = match property.unique {
        Unique::No => None,
        Unique::Customer => Some(format!("customer {}", store::holder(tx, place)?)),
        Unique::Installation => Some("installation".to_owned()),
    };
    // Only the own index can be in the way: the place itself is updated.
    let field = format!("properties.{}", property.name);
    unique(store::put(tx, property.id, place, value, alone.as_deref()), "", "").map_err(|err| {
        match err {
            Error::Invalid(_) => Error::invalid(field, "is used already"),
            other => other,
        }
    })
}

/// What is unique may be used by others again.
pub fn let_go(tx: &Write, place: Place) -> Result<()> {
    match place {
        Place::CustomerService(id, _) => store::let_go(tx, id, UserServiceId(0)),
        Place::UserService(id) => store::let_go(tx, CustomerServiceId(0), id),
        _ => Ok(()),
    }
}

/// What is to become of a value, or what is wrong with what was typed.
fn read(
    db: &Read,
    property: &Property,
    order: &Order,
    text: Option<&str>,
) -> Result<Result<Wish, String>> {
    if !property.written_by(order.standing) {
        return Ok(Err(match (property.usage, property.writable_by) {
            (Use::Output, _) => "is written by Portico alone".to_owned(),
            (_, Standing::Provider) => "may be changed by the provider only".to_owned(),
            (_, by) => format!("may be changed by a {} or above only", by.word()),
        }));
    }
    if !property.fits(order.place) {
        return Ok(Err("cannot be set here".to_owned()));
    }
    let text = match text {
        None => return Ok(Ok(Wish::Inherit)),
        Some("") if property.secret => return Ok(Ok(Wish::Keep)),
        Some("") if !property.kind.may_be_empty() => return Ok(Ok(Wish::Inherit)),
        Some(text) => text,
    };
    if property.kind == Type::User {
        return person(db, order, text);
    }
    let value = match property.validation.read(property.kind, text) {
        Ok(value) => value,
        Err(message) => return Ok(Err(message)),
    };
    if let Err(message) = property.validation.timely(&value, prices::today(db)?) {
        return Ok(Err(message));
    }
    if property.kind == Type::Domain && property.validation.own_domain {
        let domain = value.as_str().unwrap_or_default();
        if assigned(order.place) && !store::has_domain(db, order.audited_at, domain)? {
            return Ok(Err("is not one of the customer’s domains".to_owned()));
        }
    }
    Ok(Ok(Wish::Set(value)))
}

fn assigned(place: Place) -> bool {
    matches!(place, Place::CustomerService(..) | Place::UserService(_))
}

/// A user of the same customer, by number or sign-in name.
fn person(db: &Read, order: &Order, text: &str) -> Result<Result<Wish, String>> {
    if !assigned(order.place) {
        return Ok(Err("can be set for a customer or a user only".to_owned()));
    }
    Ok(match store::person(db, order.audited_at, text)? {
        Some(id) => Ok(Wish::Set(json!(id))),
        None => Err("is not a user of the customer".to_owned()),
    })
}
