//! Defining properties: what may be said of one, and what happens to values that no longer fit.

use super::fan_out::{Under, fan_out};
use super::store;
use super::{At, Property, Standing, Unique, Use};
use crate::audit;
use crate::auth::permissions::CatalogueWrite;
use crate::auth::{PROVIDER, Scope};
use crate::catalogue::documents;
use crate::catalogue::services::shipped;
use crate::catalogue::{Level, Service, own, touch};
use crate::db::{Db, Read, Write, unique};
use crate::error::{Error, Result};
use crate::ids::PropertyId;
use crate::input::{Field, Fields, Input};
use crate::kinds::{Bound, Type, Validation, bound, typed_as};
use serde_json::{Value, json};

pub const NEW: &[Field] = &[
    Field::text("name", "1 to 40 small letters, digits and _, a letter first").required(),
    Field::text("label", "1 to 60 characters").required(),
    Field::text("help", "at most 500 characters"),
    Field::text("category", "at most 40 characters; groups the fields of a form"),
    Field::text("level", "customer or user: whose it is"),
    Field::text("use", "setting, captured or output"),
    Field::text(
        "type",
        "text, lines, integer, size, boolean, date, choice, choices, email, domain, host, url or user",
    ),
    Field::text("least", "of a number itself, of a text its characters; of a size like 50 GiB"),
    Field::text("most", "the same"),
    Field::text("step", "numbers go in such steps from the least"),
    Field::text("earliest", "of a date: 2026-01-31 or today+7"),
    Field::text("latest", "the same"),
    Field::boolean("own_domain", "a domain must be one of the customer’s"),
    Field::boolean("http", "a web address may begin with http:// too"),
    Field::text("pattern", "that the whole of a text must fit"),
    Field::text("choices", "of a choice: a line each, value = label"),
    Field::text("message", "at most 200 characters; said instead of the built-in complaint"),
    Field::text("default", "of a setting"),
    Field::boolean("default_locked", "nobody may overrule the default"),
    Field::boolean("required", ""),
    Field::boolean("secret", "a text that is sealed and never shown again"),
    Field::text("writable_by", "provider, reseller, customer or user"),
    Field::text("visible_to", "provider, reseller, customer or user"),
    Field::list(
        "at",
        "where values may be kept: plan, reseller, customer, user; empty: wherever they fit",
    ),
    Field::text(
        "unique",
        "among whom no two may have the same value: no, customer or installation",
    ),
    Field::boolean("meter", "of an integer or size: what all have of it together may be limited"),
    Field::integer("sort", "its place among the properties"),
    Field::integer("drop_values", "how many stored values that no longer fit are to go"),
    Field::text("confirm", "where over 500 have the service: how many, typed"),
];

pub struct NewProperty {
    pub name: String,
    pub label: String,
    pub help: String,
    pub category: String,
    pub level: Level,
    pub usage: Use,
    pub kind: Type,
    pub validation: Validation,
    pub default: Option<Value>,
    pub default_locked: bool,
    pub required: bool,
    pub secret: bool,
    pub writable_by: Standing,
    pub visible_to: Standing,
    pub at: Vec<At>,
    pub unique: Unique,
    pub meter: bool,
    pub sort: i64,
    drop_values: Option<i64>,
}

impl NewProperty {
    fn read(input: &Input, service: &Service) -> Result<NewProperty> {
        let mut fields = Fields::of(input, NEW);
        let name = fields.text("name", 1..=40).and_then(|name| {
            let good = name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if good {
                return Some(name);
            }
            fields.complain("name", "must be small letters, digits and _, a letter first")
        });
        let (label, help) = (fields.text("label", 1..=60), fields.text("help", 0..=500));
        let category = fields.text("category", 0..=40);
        let level = fields.optional("level").map(|level| level.unwrap_or(service.kind));
        if level == Some(Level::User) && service.kind == Level::Customer {
            fields.complain::<()>("level", "must be customer: no user holds this service");
        }
        let usage = fields.optional("use").map(|usage| usage.unwrap_or(Use::Setting));
        let kind = fields.optional("type").map(|kind| kind.unwrap_or(Type::Text));
        let kind = match kind {
            Some(kind) if !Type::OF_SERVICES.contains(&kind) => {
                fields.complain("type", "is not one of the choices")
            }
            kind => kind,
        };
        let validation = validation(&mut fields, kind);
        let (required, secret) = (fields.flag("required"), fields.flag("secret"));
        if secret == Some(true) && kind.is_some_and(|kind| kind != Type::Text) {
            fields.complain::<()>("secret", "is for texts only");
        }
        let default = default(&mut fields, usage, kind, secret, validation.as_ref());
        let default_locked = fields.flag("default_locked");
        if default_locked == Some(true) && default == Some(None) {
            fields.complain::<()>("default_locked", "needs a default");
        }
        let standing = |by: Option<Option<Standing>>| by.map(|by| by.unwrap_or(Standing::Customer));
        let writable_by = standing(fields.optional("writable_by"));
        let visible_to = standing(fields.optional("visible_to"));
        let at = places(&mut fields, usage, level);
        let unique = fields.optional("unique").map(|unique| unique.unwrap_or(Unique::No));
        if unique.is_some_and(|unique| unique != Unique::No)
            && (secret == Some(true) || default.as_ref().is_some_and(Option::is_some))
        {
            fields.complain::<()>("unique", "is not for secrets, nor for what has a default");
        }
        let meter = fields.flag("meter");
        if meter == Some(true)
            && (kind.is_some_and(|kind| !kind.is_number()) || usage == Some(Use::Output))
        {
            fields.complain::<()>("meter", "is for integers and sizes that are set");
        }
        let sort = fields.optional_integer("sort", -1_000..=1_000).map(|sort| sort.unwrap_or(0));
        let drop_values = fields.optional_integer("drop_values", 0..=i64::MAX);
        fields.finish(|| {
            Some(NewProperty {
                name: name?,
                label: label?,
                help: help?,
                category: category?,
                level: level?,
                usage: usage?,
                kind: kind?,
                validation: validation?,
                default: default?,
                default_locked: default_locked?,
                required: required?,
                secret: secret?,
                writable_by: writable_by?,
                visible_to: visible_to?,
                at: at?,
                unique: unique?,
                meter: meter?,
                sort: sort?,
                drop_values: drop_values?,
            })
        })
    }

    fn of(old: &Property) -> NewProperty {
        let old = old.clone();
        NewProperty {
            name: old.name,
            label: old.label,
            help: old.help,
            category: old.category,
            level: old.level,
            usage: old.usage,
            kind: old.kind,
            validation: old.validation,
            default: old.default,
            default_locked: old.default_locked,
            required: old.required,
            secret: old.secret,
            writable_by: old.writable_by,
            visible_to: old.visible_to,
            at: old.at,
            unique: old.unique,
            meter: old.meter,
            sort: old.sort,
            drop_values: None,
        }
    }

    fn json(&self) -> Value {
        // The default of a secret cannot be, so nothing here is one.
        json!({
            "name": self.name, "label": self.label, "level": self.level, "use": self.usage,
            "type": self.kind, "validation": self.validation, "default": self.default,
            "required": self.required, "secret": self.secret, "writable_by": self.writable_by,
            "visible_to": self.visible_to, "category": self.category, "at": self.at,
            "unique": self.unique, "meter": self.meter, "default_locked": self.default_locked, "help": self.help,
            "sort": self.sort,
        })
    }
}

/// Where values may be kept: of those that its use and level leave.
fn places(fields: &mut Fields, usage: Option<Use>, level: Option<Level>) -> Option<Vec<At>> {
    let mut at = fields.list::<At>("at", 4)?;
    at.sort();
    at.dedup();
    let (usage, level) = (usage?, level?);
    let nearest = if level == Level::User { At::User } else { At::Customer };
    let wrong = |at: &&At| match usage {
        Use::Setting => level == Level::Customer && **at == At::User,
        Use::Captured => **at != nearest,
        Use::Output => true,
    };
    if let Some(at) = at.iter().find(wrong) {
        let text = format!("has {}, where no value of it can be kept", at.word());
        return fields.complain("at", text);
    }
    Some(at)
}

/// What is said of values for properties of services only, besides what is said of all.
fn validation(fields: &mut Fields, kind: Option<Type>) -> Option<Validation> {
    let common = Validation::define(fields, kind);
    let step = bound(fields, "step", kind);
    let date = |fields: &mut Fields, name| match fields.value(name).parse::<Bound>() {
        _ if fields.value(name).is_empty() => Some(None),
        Ok(bound) => Some(Some(bound)),
        Err(message) => fields.complain(name, message),
    };
    let (earliest, latest) = (date(fields, "earliest"), date(fields, "latest"));
    let (own_domain, http) = (fields.flag("own_domain"), fields.flag("http"));
    if step.flatten().is_some_and(|step| step < 1) {
        fields.complain::<()>("step", "must be 1 or more");
    }
    for (name, said, of) in [
        ("step", step.flatten().is_some(), &[Type::Integer, Type::Size][..]),
        ("earliest", earliest.flatten().is_some(), &[Type::Date]),
        ("latest", latest.flatten().is_some(), &[Type::Date]),
        ("own_domain", own_domain == Some(true), &[Type::Domain]),
        ("http", http == Some(true), &[Type::Url]),
    ] {
        if said && kind.is_some_and(|kind| !of.contains(&kind)) {
            let of: Vec<&str> = of.iter().map(|kind| kind.word()).collect();
            let text = format!("is for the type {} only", of.join(" or "));
            fields.complain::<()>(name, text);
        }
    }
    Some(Validation {
        step: step?,
        earliest: earliest?,
        latest: latest?,
        own_domain: own_domain?,
        http: http?,
        ..common?
    })
}

fn default(
    fields: &mut Fields,
    usage: Option<Use>,
    kind: Option<Type>,
    secret: Option<bool>,
    validation: Option<&Validation>,
) -> Option<Option<Value>> {
    let text = fields.value("default");
    if text.is_empty() {
        return Some(None);
    }
    if usage.is_some_and(|usage| usage != Use::Setting) {
        return fields.complain("default", "is for settings only");
    }
    if secret == Some(true) {
        return fields.complain("default", "is not for secrets: set it on a plan");
    }
    if kind == Some(Type::User) {
        return fields.complain("default", "is not for users: each customer has its own");
    }
    match validation?.read(kind?, text) {
        Ok(value) => Some(Some(value)),
        Err(message) => fields.complain("default", message),
    }
}

/// A property as its edit form begins.
pub fn as_input(property: &Property) -> Input {
    let mut input = Input::default();
    input.set("name", &property.name);
    input.set("label", &property.label);
    input.set("help", &property.help);
    input.set("level", property.level.word());
    input.set("use", property.usage.word());
    input.set("type", property.kind.word());
    let (kind, rule) = (property.kind, &property.validation);
    rule.tell(kind, &mut input);
    let number = |n: i64| typed_as(kind, &Value::from(n));
    input.set("step", rule.step.map(number).unwrap_or_default());
    for (name, bound) in [("earliest", rule.earliest), ("latest", rule.latest)] {
        input.set(name, bound.map(String::from).unwrap_or_default());
    }
    input.set("own_domain", i64::from(rule.own_domain));
    input.set("http", i64::from(rule.http));
    let default = property.default.as_ref().map(|value| typed_as(kind, value));
    input.set("default", default.unwrap_or_default());
    input.set("default_locked", i64::from(property.default_locked));
    input.set("category", &property.category);
    property.at.iter().for_each(|at| input.push("at", at.word()));
    input.set("unique", property.unique.word());
    input.set("meter", i64::from(property.meter));
    input.set("required", i64::from(property.required));
    input.set("secret", i64::from(property.secret));
    input.set("writable_by", property.writable_by.word());
    input.set("visible_to", property.visible_to.word());
    input.set("sort", property.sort);
    input
}

/// The property of that name; the definition is the provider's to see.
fn find(db: &Read, service: &Service, name: &str) -> Result<Property> {
    let all = store::all(db, service.id)?;
    all.into_iter().find(|property| property.name == name).ok_or(Error::NotFound)
}

pub fn create(
    db: &Db,
    scope: &Scope<CatalogueWrite>,
    service: &str,
    input: &Input,
) -> Result<PropertyId> {
    db.write(scope.by, |tx| {
        let service = own(tx, scope, service)?;
        shipped(&service)?;
        let new = NewProperty::read(input, &service)?;
        if new.meter && store::held(tx, service.id)? > 0 {
            return Err(Error::invalid(
                "meter",
                "cannot be asked for while somebody has the service",
            ));
        }
        let id = unique(
            store::insert(tx, service.id, &new),
            "name",
            "is used by another property of this service",
        )?;
        touch(tx, service.id)?;
        documents::keep(tx, service.id)?;
        audit::record(tx, "property.created", ("property", id.0), PROVIDER, &new.json())?;
        Ok(id)
    })
}

pub fn update(
    db: &Db,
    scope: &Scope<CatalogueWrite>,
    service: &str,
    name: &str,
    input: &Input,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let service = own(tx, scope, service)?;
        shipped(&service)?;
        let old = find(tx, &service, name)?;
        let new = NewProperty::read(&input.over(as_input(&old)), &service)?;
        if new.json() == NewProperty::of(&old).json() {
            return Ok(());
        }
        let uses = store::uses(tx, old.id)?;
        if !uses.is_empty() && new.name != old.name {
            return Err(Error::invalid("name", "is fixed once a value is stored"));
        }
        if !uses.is_empty() && new.secret != old.secret {
            return Err(Error::invalid("secret", "is fixed once a value is stored"));
        }
        counted(tx, &old, &new)?;
        let unfit = |each: &&store::Use| !new.secret && !new.validation.fits(new.kind, &each.value);
        let unfit: Vec<&store::Use> = uses.iter().filter(unfit).collect();
        drop_unfit(tx, &unfit, new.drop_values)?;
        unique(
            store::update(tx, old.id, &new),
            "name",
            "is used by another property of this service",
        )?;
        touch(tx, service.id)?;
        if new.unique != old.unique {
            alone(tx, &new, &uses)?;
        }
        if (&new.default, new.default_locked) != (&old.default, old.default_locked) {
            let confirm = Some(input.get("confirm"));
            fan_out(tx, &Under::whole(service.id), PROVIDER, confirm)?;
        }
        audit::record(tx, "property.changed", ("property", old.id.0), PROVIDER, &new.json())
    })
}

/// What is counted is counted from the first assignment on.
fn counted(tx: &Write, old: &Property, new: &NewProperty) -> Result<()> {
    let same = (&old.name, old.kind, old.level) == (&new.name, new.kind, new.level);
    if old.meter == new.meter && (same || !old.meter) {
        return Ok(());
    }
    if store::held(tx, old.service)? > 0 {
        return Err(Error::invalid("meter", "cannot change while somebody has the service"));
    }
    if old.meter {
        store::drop_counters(tx, old.service, &old.name)?;
    }
    Ok(())
}

/// Has stored values be alone among fewer or more than before, unless some are alike.
fn alone(tx: &Write, new: &NewProperty, uses: &[store::Use]) -> Result<()> {
    let mut alike = 0;
    for each in uses {
        store::set_alone(tx, each.id, &each.value, None)?;
    }
    for each in uses {
        let among = match (new.unique, each.customer) {
            (Unique::No, _) | (_, None) => continue,
            (Unique::Customer, Some(customer)) => format!("customer {customer}"),
            (Unique::Installation, Some(_)) => "installation".to_owned(),
        };
        match unique(store::set_alone(tx, each.id, &each.value, Some(&among)), "unique", "") {
            Err(Error::Invalid(_)) => alike += 1,
            other => drop(other?),
        }
    }
    match alike {
        0 => Ok(()),
        1 => Err(Error::invalid("unique", "cannot be asked for: 1 stored value is there twice")),
        n => {
            let text = format!("cannot be asked for: {n} stored values are there twice");
            Err(Error::invalid("unique", text))
        }
    }
}

/// Stored values that no longer fit stop the change, unless as many as were shown are to go.
fn drop_unfit(tx: &Write, unfit: &[&store::Use], drop: Option<i64>) -> Result<()> {
    let count = i64::try_from(unfit.len()).unwrap_or(i64::MAX);
    if count == 0 {
        return Ok(());
    }
    if drop != Some(count) {
        let first: Vec<&str> = unfit.iter().take(20).map(|each| each.holder.as_str()).collect();
        let (what, them) = if count == 1 { ("value does", "it") } else { ("values do", "them") };
        let text = format!(
            "{count} stored {what} not fit: {}. Change {them} first, or drop {them} by saying {count}.",
            first.join(", ")
        );
        return Err(Error::invalid("drop_values", text));
    }
    for each in unfit {
        store::drop_use(tx, each.id)?;
    }
    Ok(())
}

/// Deletes a property; with stored values only if as many as were shown are to go.
pub fn delete(
    db: &Db,
    scope: &Scope<CatalogueWrite>,
    service: &str,
    name: &str,
    drop_values: Option<i64>,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let service = own(tx, scope, service)?;
        shipped(&service)?;
        let old = find(tx, &service, name)?;
        let uses = store::uses(tx, old.id)?;
        drop_unfit(tx, &uses.iter().collect::<Vec<_>>(), drop_values)?;
        store::delete(tx, old.id)?;
        if old.meter {
            store::drop_counters(tx, service.id, &old.name)?;
        }
        touch(tx, service.id)?;
        documents::keep(tx, service.id)?;
        let detail = json!({ "name": old.name });
        audit::record(tx, "property.deleted", ("property", old.id.0), PROVIDER, &detail)
    })
}
