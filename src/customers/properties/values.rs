//! The values of custom properties: what is said of them, how they are kept and told.

use super::store;
use super::{FIELD, Holder, Property, SeenBy, Standing, holding};
use crate::auth::Scope;
use crate::db::{Read, Write};
use crate::error::{Complaint, Error, Result};
use crate::ids::{CustomerId, UserId};
use crate::input::{Fields, Input};
use crate::kinds::{Type, typed};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// One that is to change, from what to what; none is no value.
pub struct Change {
    pub property: Property,
    pub old: Option<Value>,
    pub new: Option<Value>,
}

/// A property that holds, with the value there is.
pub struct Kept {
    pub property: Property,
    pub value: Option<Value>,
    /// What the user is called whom it names.
    pub named: Option<(String, String)>,
}

impl Kept {
    /// As it would be typed: a user by sign-in name.
    pub fn typed(&self) -> String {
        match (&self.value, &self.named) {
            (Some(_), Some((_, upn))) => upn.clone(),
            (Some(value), None) => word(self.property.kind, value),
            (None, _) => String::new(),
        }
    }

    /// As people read it.
    pub fn shown(&self) -> String {
        let label = |value: &str| {
            let found = self.property.validation.choices.iter().find(|each| each.value == value);
            found.map_or(value.to_owned(), |choice| choice.label.clone())
        };
        match (&self.value, &self.named) {
            (None, _) => String::new(),
            (Some(_), Some((name, _))) => name.clone(),
            (Some(Value::Bool(yes)), _) => if *yes { "Yes" } else { "No" }.to_owned(),
            (Some(Value::Array(all)), _) => {
                all.iter().map(|each| label(&typed(each))).collect::<Vec<_>>().join(", ")
            }
            (Some(value), _) => label(&typed(value)),
        }
    }
}

/// A value as files and audit rows have it.
fn word(kind: Type, value: &Value) -> String {
    match (kind, value) {
        (Type::Boolean, Value::Bool(yes)) => if *yes { "yes" } else { "no" }.to_owned(),
        (_, value) => typed(value),
    }
}

/// What `fields` say of the properties of `holder`: those that change. Only what is named is looked
/// at, so that an edit of other fields is not held up by a property that became required.
pub fn said<P>(
    db: &Read,
    scope: &Scope<P>,
    standing: impl FnOnce() -> Result<Standing>,
    holder: &Holder,
    fields: &mut Fields,
) -> Result<Vec<Change>> {
    let named: Vec<String> =
        fields.members(FIELD).into_iter().map(|(key, _)| key.to_owned()).collect();
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let (all, standing) = (store::kept(db, holder)?, standing()?);
    let mut changes = Vec::new();
    for key in named {
        let field = format!("{FIELD}.{key}");
        let found = all.iter().find(|kept| kept.property.key == key);
        let Some(kept) = found.filter(|kept| kept.property.seen_from(standing)) else {
            fields.complaints([Complaint::new(field, "is not a property here")]);
            continue;
        };
        let property = &kept.property;
        let text = fields.member(FIELD, &key).join("\n");
        if !property.changed_from(standing) {
            // What a file told of it comes back as it was.
            if text != kept.typed() {
                let why = if property.archived_at.is_some() {
                    "is archived"
                } else {
                    "is not yours to change"
                };
                fields.complaints([Complaint::new(field, why)]);
            }
            continue;
        }
        let new = match value(db, scope, standing, holder, property, &text)? {
            Ok(new) => new,
            Err(why) => {
                fields.complaints([Complaint::new(field, why)]);
                continue;
            }
        };
        if new != kept.value {
            changes.push(Change { property: property.clone(), old: kept.value.clone(), new });
        }
    }
    Ok(changes)
}

fn value<P>(
    db: &Read,
    scope: &Scope<P>,
    standing: Standing,
    holder: &Holder,
    property: &Property,
    text: &str,
) -> Result<Result<Option<Value>, String>> {
    if text.trim().is_empty() {
        return Ok(match property.required {
            true => Err("is required".to_owned()),
            false => Ok(None),
        });
    }
    if property.kind != Type::User {
        return Ok(property.validation.read(property.kind, text).map(Some));
    }
    let wide = (standing == Standing::Above).then_some(scope);
    let found = store::person(db, wide, holder.customer, property.customer, text.trim())?;
    Ok(match found {
        Some(id) => Ok(Some(json!(id))),
        None => Err("is not a user who can be chosen".to_owned()),
    })
}

/// Keeps what was said; the holder must be there.
pub fn keep(tx: &Write, holder: &Holder, changes: &[Change]) -> Result<()> {
    if holder.new {
        return Err(Error::internal("values of what is not there"));
    }
    for change in changes {
        match &change.new {
            Some(value) => {
                let person = match change.property.kind {
                    Type::User => value.as_i64().map(UserId),
                    _ => None,
                };
                store::put(tx, holder, change.property.id, value, person)?;
            }
            None => store::remove(tx, holder, change.property.id)?,
        }
    }
    Ok(())
}

/// What a user has that does not hold at another customer. It is kept unseen, for the way back.
pub fn left_behind(db: &Read, holder: &Holder, to: CustomerId) -> Result<Vec<String>> {
    let there = holding(db, &Holder::new_user(to))?;
    let gone = |kept: &Kept| {
        kept.value.is_some() && !there.iter().any(|property| property.id == kept.property.id)
    };
    let kept = store::kept(db, holder)?.into_iter().filter(gone);
    Ok(kept.map(|kept| kept.property.label).collect())
}

/// What is kept of `holder`, as [`differences`] writes it.
pub fn told(db: &Read, holder: &Holder) -> Result<BTreeMap<String, String>> {
    let all = store::kept(db, holder)?.into_iter();
    Ok(all
        .filter_map(|kept| {
            let text = word(kept.property.kind, kept.value.as_ref()?);
            Some((kept.property.field(), text))
        })
        .collect())
}

/// What changes, as audit rows and previews have it: `properties.KEY`, old and new.
pub fn differences(changes: &[Change]) -> Map<String, Value> {
    let told = |value: &Option<Value>, kind| match value {
        Some(value) => word(kind, value),
        None => String::new(),
    };
    let one = |change: &Change| {
        let kind = change.property.kind;
        (change.property.field(), json!([told(&change.old, kind), told(&change.new, kind)]))
    };
    changes.iter().map(one).collect()
}

/// What `holder` has, as far as it is seen from there: archived ones only where they have a value.
pub fn of(db: &Read, standing: Standing, holder: &Holder) -> Result<Vec<Kept>> {
    let mut all = store::kept(db, holder)?;
    all.retain(|kept| {
        let there = kept.property.archived_at.is_none() || kept.value.is_some();
        there && kept.property.seen_from(standing)
    });
    Ok(all)
}

/// What customers have, as files say it, by customer and key: those seen only from above for those of
/// whom `is_above` says so.
pub fn of_many(
    db: &Read,
    ids: &[i64],
    is_above: impl Fn(i64) -> bool,
) -> Result<BTreeMap<(i64, String), String>> {
    let mut all = BTreeMap::new();
    for said in store::of_many(db, ids)? {
        let shown = match said.seen_by > SeenBy::Above || is_above(said.customer) {
            true => word(said.kind, &serde_json::from_str(&said.value)?),
            false => String::new(),
        };
        all.insert((said.customer, said.key), shown);
    }
    Ok(all)
}

/// The same as an object of values by key; those that are archived are not told.
pub fn object(all: &[Kept]) -> Map<String, Value> {
    let open = all.iter().filter(|kept| kept.property.archived_at.is_none());
    open.map(|kept| (kept.property.key.clone(), json!(kept.value))).collect()
}

/// The labels of what is required and not there.
pub fn missing(all: &[Kept]) -> Vec<&str> {
    let open = all.iter().filter(|kept| kept.property.archived_at.is_none());
    let missing = open.filter(|kept| kept.property.required && kept.value.is_none());
    missing.map(|kept| kept.property.label.as_str()).collect()
}

/// Puts into `input` what a form shows.
pub fn fill(all: &[Kept], input: &mut Input) {
    for kept in all {
        let field = kept.property.field();
        match (&kept.value, kept.property.kind) {
            (Some(Value::Array(values)), Type::Choices) => {
                values.iter().for_each(|each| input.push(&field, typed(each)));
            }
            (Some(Value::Bool(yes)), _) => input.set(&field, yes),
            _ => input.set(&field, kept.typed()),
        }
    }
}

/// The headings of the columns that a file of a customer's users has of them, by label too.
pub fn headings(db: &Read, holder: &Holder) -> Result<Vec<(String, String)>> {
    let all = holding(db, holder)?;
    Ok(all.into_iter().map(|property| (property.label, property.key)).collect())
}
