//! Defining custom properties: what may be said of one, and how one goes.

use super::store;
use super::{Property, Reach, SeenBy, Subject, one};
use crate::audit;
use crate::auth::Scope;
use crate::auth::permissions::PropertiesDefine;
use crate::customers::{self, is_in_state};
use crate::db::{Db, Write, unique};
use crate::error::{Error, Result};
use crate::html::text;
use crate::ids::CustomerId;
use crate::input::{CONFIRM, Field, Fields, Input};
use crate::kinds::{Type, Validation};
use crate::places::State;
use serde_json::{Value, json};

const KEY: Field =
    Field::text("key", "1 to 40 small letters, digits and _, a letter first; fixed once saved");
const LABEL: Field = Field::text("label", "1 to 60 characters");

macro_rules! definition {
    ($($first:expr),+; $($more:expr),* $(,)?) => {
        &[
            $($first,)+
            Field::text("subject", "customer or user: what has it; fixed once a value is stored"),
            Field::text("type", "text, lines, boolean, integer, date, choice, choices, email, web_page, phone or user; fixed once a value is stored"),
            Field::text("help", "at most 500 characters"),
            Field::text("category", "at most 60 characters: the heading it stands under"),
            Field::integer("order", "its place among those of the category"),
            Field::text("reach", "self, below or both: where it holds"),
            Field::text("seen_by", "above, administrators, user, or edited: by the user too"),
            Field::boolean("required", "forms are not saved without it"),
            Field::integer("least", "of a number itself, of a text its characters"),
            Field::integer("most", "the same"),
            Field::text("pattern", "that the whole of a text must fit"),
            Field::text("message", "at most 200 characters; said instead of the built-in complaint"),
            Field::text("choices", "of a choice: a line each, value = label"),
            $($more,)*
        ]
    };
}

pub const NEW: &[Field] = definition!(KEY.required(), LABEL.required(););
pub const EDIT: &[Field] =
    definition!(KEY, LABEL; Field::boolean("archived", "its values are kept, and changed no more"));

/// What erasing the values takes.
pub const ERASE: &[Field] = &[CONFIRM];

pub(super) struct Definition {
    pub subject: Subject,
    pub key: String,
    pub label: String,
    pub help: String,
    pub category: String,
    pub sort: i64,
    pub reach: Reach,
    pub kind: Type,
    pub validation: Validation,
    pub required: bool,
    pub seen_by: SeenBy,
    pub archived: bool,
}

fn read(input: &Input, declared: &'static [Field]) -> Result<Definition> {
    let mut fields = Fields::of(input, declared);
    let key = fields.text("key", 1..=40).and_then(|key| {
        let good = key.starts_with(|c: char| c.is_ascii_lowercase())
            && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if good {
            return Some(key);
        }
        fields.complain("key", "must be small letters, digits and _, a letter first")
    });
    let (label, help) = (fields.text("label", 1..=60), fields.text("help", 0..=500));
    let category = fields.text("category", 0..=60);
    let sort = fields.optional_integer("order", -1_000..=1_000).map(|sort| sort.unwrap_or(0));
    let subject = fields.optional("subject").map(|word| word.unwrap_or(Subject::User));
    let reach = fields.optional("reach").map(|word| word.unwrap_or(Reach::Both));
    let seen_by = fields.optional("seen_by").map(|word| word.unwrap_or(SeenBy::Administrators));
    if subject == Some(Subject::Customer) && seen_by.is_some_and(|by| by >= SeenBy::User) {
        fields.complain::<()>("seen_by", "must be above or administrators for a customer");
    }
    let kind = match fields.optional("type").map(|kind| kind.unwrap_or(Type::Text)) {
        Some(kind) if !Type::OF_PEOPLE.contains(&kind) => {
            fields.complain("type", "is not one of the choices")
        }
        kind => kind,
    };
    let validation = Validation::define(&mut fields, kind);
    let required = fields.flag("required");
    let archives = declared.iter().any(|field| field.name == "archived");
    let archived = if archives { fields.flag("archived") } else { Some(false) };
    fields.finish(|| {
        Some(Definition {
            subject: subject?,
            key: key?,
            label: label?,
            help: help?,
            category: category?,
            sort: sort?,
            reach: reach?,
            kind: kind?,
            validation: validation?,
            required: required?,
            seen_by: seen_by?,
            archived: archived?,
        })
    })
}

/// A property as its edit form begins.
pub fn as_input(property: &Property) -> Input {
    let mut input = Input::default();
    for (name, value) in [
        ("key", property.key.as_str()),
        ("label", &property.label),
        ("help", &property.help),
        ("category", &property.category),
        ("subject", property.subject.word()),
        ("type", property.kind.word()),
        ("reach", property.reach.word()),
        ("seen_by", property.seen_by.word()),
    ] {
        input.set(name, value);
    }
    input.set("order", property.sort);
    input.set("required", i64::from(property.required));
    input.set("archived", i64::from(property.archived_at.is_some()));
    property.validation.tell(property.kind, &mut input);
    input
}

pub fn create(
    db: &Db,
    scope: &Scope<PropertiesDefine>,
    customer: CustomerId,
    input: &Input,
) -> Result<String> {
    db.write(scope.by, |tx| {
        open(tx, scope, customer)?;
        let new = read(input, NEW)?;
        if store::is_used_along(tx, customer, &new.key)? {
            return Err(Error::invalid("key", TAKEN));
        }
        unique(store::insert(tx, customer, &new), "key", TAKEN)?;
        changed(tx, customer, &new.key, json!("added"))?;
        Ok(new.key)
    })
}

const TAKEN: &str = "is already used by a property here, above or below";

pub fn update(
    db: &Db,
    scope: &Scope<PropertiesDefine>,
    customer: CustomerId,
    key: &str,
    input: &Input,
) -> Result<()> {
    db.write(scope.by, |tx| {
        open(tx, scope, customer)?;
        let was = one(tx, scope, customer, key)?;
        if input.has("key") && input.get("key") != was.key {
            return Err(Error::invalid("key", "cannot change"));
        }
        let old = as_input(&was);
        let new = read(&input.over(old.clone()), EDIT)?;
        let fixed = [("type", new.kind != was.kind), ("subject", new.subject != was.subject)];
        if let Some((field, _)) = fixed.into_iter().find(|(_, differs)| *differs)
            && store::uses(tx, was.id)? > 0
        {
            return Err(Error::invalid(field, "is fixed once a value is stored"));
        }
        store::update(tx, was.id, &new)?;
        let now = as_input(&one(tx, scope, customer, key)?);
        let changes: serde_json::Map<String, Value> = EDIT
            .iter()
            .filter(|field| old.get(field.name) != now.get(field.name))
            .map(|field| (field.name.to_owned(), json!([old.get(field.name), now.get(field.name)])))
            .collect();
        if changes.is_empty() {
            return Ok(());
        }
        changed(tx, customer, key, Value::Object(changes))
    })
}

/// Takes one away that nobody has a value of.
pub fn delete(
    db: &Db,
    scope: &Scope<PropertiesDefine>,
    customer: CustomerId,
    key: &str,
) -> Result<()> {
    db.write(scope.by, |tx| {
        open(tx, scope, customer)?;
        let was = one(tx, scope, customer, key)?;
        let n = store::uses(tx, was.id)?;
        if n > 0 {
            let n = text::count(n, "value", "values");
            let all = format!("{} has {n}; archive it, or erase them first.", was.label);
            return Err(Error::refused(all));
        }
        store::delete(tx, was.id)?;
        changed(tx, customer, key, json!("deleted"))
    })
}

/// Erases all values of one; their number is typed.
pub fn erase(
    db: &Db,
    scope: &Scope<PropertiesDefine>,
    customer: CustomerId,
    key: &str,
    input: &Input,
) -> Result<()> {
    db.write(scope.by, |tx| {
        open(tx, scope, customer)?;
        let was = one(tx, scope, customer, key)?;
        let n = store::uses(tx, was.id)?;
        let mut fields = Fields::of(input, ERASE);
        let typed = fields.typed(&n.to_string());
        fields.finish(|| typed)?;
        store::erase(tx, was.id)?;
        changed(tx, customer, key, json!({ "erased": n }))
    })
}

fn changed(tx: &Write, customer: CustomerId, key: &str, what: Value) -> Result<()> {
    let detail = json!({ "property": key, "change": what });
    audit::record(tx, "property.changed", ("customer", customer.0), customer, &detail)
}

fn open(tx: &Write, scope: &Scope<PropertiesDefine>, id: CustomerId) -> Result<()> {
    let customer = customers::one(tx, scope, id)?;
    match customer.state {
        State::Deleted | State::Purged => Err(is_in_state(&customer)),
        _ => Ok(()),
    }
}
