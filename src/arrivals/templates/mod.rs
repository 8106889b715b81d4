//! Templates: what a new user begins with. A template belongs to a customer and is used by that one,
//! by those below it, or by both; never by a sibling.

pub mod api;
pub mod pages;
mod store;

use super::{Along, had};
use crate::audit;
use crate::auth::permissions::{UsersCreate, UsersTemplates};
use crate::auth::{Actor, Permission, Scope};
use crate::customers;
use crate::customers::properties::{self, Holder, Property, Standing};
use crate::db::{Db, Read, unique};
use crate::error::{Complaint, Error, Result};
use crate::ids::{CustomerId, TemplateId};
use crate::input::{Field, Fields, Input};
use crate::kinds::Type;
use crate::time::Zone;
use serde_json::json;
use std::collections::BTreeMap;

words! {
    /// Who may use a template of a customer.
    Reach { Own = "self", Below = "below", Both = "both" }
}

/// What a new user begins with.
#[derive(serde::Serialize)]
pub struct Template {
    pub id: TemplateId,
    pub customer_id: CustomerId,
    pub label: String,
    pub reach: Reach,
    /// Field of a user to value.
    pub fields: BTreeMap<String, String>,
    /// "workplace/standard"
    pub services: Vec<String>,
    pub roles: Vec<String>,
    /// The last day is so many days after the first.
    pub days: Option<i64>,
    pub version: i64,
}

/// Fields of a user that a template may set: none that names or numbers a person.
pub const FIELDS: &[&str] = &[
    "job_title",
    "department",
    "location",
    "office",
    "company",
    "description",
    "employee_type",
    "cost_centre",
    "phone",
    "fax",
    "street",
    "po_box",
    "city",
    "region",
    "postcode",
    "country",
    "usage_location",
    "web_page",
    "language",
    "time_zone",
    "sign_in",
    "notes",
];

pub const EDIT: &[Field] = &[
    Field::text("label", "1–60 characters, once at the customer").required(),
    Field::text("reach", "self, below or both: who may use it").required(),
    Field::object(
        "fields",
        "field of a user to value: job_title, department, street and so on, properties by key",
    ),
    Field::list("services", "service and plan, as workplace/standard"),
    Field::list("roles", "names of roles"),
    Field::integer("days", "the last day, so many after the first; none: no last day"),
];

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("customer_id", "whose it is"),
    Field::text("label", ""),
    Field::text("reach", ""),
    Field::object("fields", ""),
    Field::list("services", ""),
    Field::list("roles", ""),
    Field::integer("days", ""),
    Field::integer("version", "for If-Match"),
];

struct NewTemplate {
    label: String,
    reach: Reach,
    fields: BTreeMap<String, String>,
    services: Vec<String>,
    roles: Vec<String>,
    days: Option<i64>,
}

/// The templates of a customer itself.
pub fn list(
    db: &Read,
    scope: &Scope<UsersTemplates>,
    customer: CustomerId,
) -> Result<Vec<Template>> {
    store::list(db, scope, customer)
}

pub fn one(
    db: &Read,
    scope: &Scope<UsersTemplates>,
    customer: CustomerId,
    id: TemplateId,
) -> Result<Template> {
    store::one(db, scope, customer, id)
}

/// Those that a new user of the customer may begin with: its own, and those from above that reach it.
pub fn usable(
    db: &Read,
    scope: &Scope<UsersCreate>,
    customer: CustomerId,
) -> Result<Vec<Template>> {
    scope.reaches(db, customer)?;
    store::usable(db, customer)
}

/// The one that the input names.
pub fn chosen(
    db: &Read,
    scope: &Scope<UsersCreate>,
    customer: CustomerId,
    input: &Input,
) -> Result<Template> {
    let all = usable(db, scope, customer)?;
    let found = all.into_iter().find(|each| each.id.to_string() == input.get("template"));
    found.ok_or_else(|| Error::invalid("template", "is not one of the choices"))
}

pub fn create(
    db: &Db,
    actor: &Actor,
    scope: &Scope<UsersTemplates>,
    customer: CustomerId,
    input: &Input,
) -> Result<TemplateId> {
    let new = NewTemplate::read(input)?;
    db.write(scope.by, |tx| {
        fit(tx, scope, actor, customer, &new, None)?;
        let made = store::insert(tx, scope, customer, &new);
        let id = unique(made, "label", "is already used by another template")?;
        let detail = json!({ "label": new.label, "change": "created" });
        audit::record(tx, "template.changed", ("template", id.0), customer, &detail)?;
        Ok(id)
    })
}

pub fn update(
    db: &Db,
    actor: &Actor,
    scope: &Scope<UsersTemplates>,
    customer: CustomerId,
    id: TemplateId,
    input: &Input,
    version: Option<i64>,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let was = store::one(tx, scope, customer, id)?;
        if version.is_some_and(|version| version != was.version) {
            return Err(audit::stale(tx, ("template", id.0), &Zone::utc())?);
        }
        let new =
            NewTemplate::read(&input.over(was.as_input(!input.members("fields").any(|_| true))))?;
        fit(tx, scope, actor, customer, &new, Some(&was))?;
        let written = store::update(tx, scope, customer, id, &new);
        unique(written, "label", "is already used by another template")?;
        let detail = json!({ "label": new.label, "change": "changed" });
        audit::record(tx, "template.changed", ("template", id.0), customer, &detail)
    })
}

pub fn delete(
    db: &Db,
    scope: &Scope<UsersTemplates>,
    customer: CustomerId,
    id: TemplateId,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let was = store::one(tx, scope, customer, id)?;
        store::delete(tx, scope, customer, id)?;
        let detail = json!({ "label": was.label, "change": "deleted" });
        audit::record(tx, "template.changed", ("template", id.0), customer, &detail)
    })
}

impl Template {
    /// What a new user of `customer` begins with, as a form would say it.
    pub fn input<P: Permission>(
        &self,
        db: &Read,
        scope: &Scope<P>,
        customer: CustomerId,
    ) -> Result<Input> {
        let mut input = Input::default();
        let known = match self.fields.keys().any(|field| property_key(field).is_some()) {
            true => properties::holding(db, &Holder::new_user(customer))?,
            false => Vec::new(),
        };
        for (field, value) in &self.fields {
            // What does not hold at this customer stays behind.
            let holds =
                |key: &str| known.iter().any(|each| each.key == key && each.archived_at.is_none());
            if property_key(field).is_none_or(holds) {
                input.set(field, value);
            }
        }
        if let Some(days) = self.days {
            let customer = customers::one(db, scope, customer)?;
            let zone = Zone::named(&customer.details.time_zone).unwrap_or_else(Zone::utc);
            input.set("expires_on", db.now.day(&zone).plus_days(days));
        }
        Ok(input)
    }

    /// The services and roles it wishes for.
    pub fn along(&self) -> Along {
        let services = self.services.iter().filter_map(|each| each.split_once('/'));
        Along {
            services: services.map(|(service, plan)| had(service, plan)).collect(),
            roles: self.roles.clone(),
            ..Along::default()
        }
    }

    /// As its form has it.
    pub fn as_input(&self, with_fields: bool) -> Input {
        let mut input = Input::default();
        input.set("label", &self.label);
        input.set("reach", self.reach.word());
        input.set("days", self.days.map(|days| days.to_string()).unwrap_or_default());
        for (field, value) in self.fields.iter().filter(|_| with_fields) {
            input.set(&format!("fields.{field}"), value);
        }
        self.services.iter().for_each(|each| input.push("services", each));
        self.roles.iter().for_each(|each| input.push("roles", each));
        input
    }
}

/// The key of a custom property that a field of a template is.
fn property_key(field: &str) -> Option<&str> {
    field.strip_prefix(properties::FIELD)?.strip_prefix('.')
}

/// The custom properties that a template of a customer may set: those of new users here, and those
/// that it defined for the users below.
pub fn properties_of(
    db: &Read,
    scope: &Scope<UsersTemplates>,
    actor: &Actor,
    customer: CustomerId,
) -> Result<Vec<Property>> {
    scope.reaches(db, customer)?;
    let holder = Holder::new_user(customer);
    let mut all = properties::holding(db, &holder)?;
    for own in properties::own_of_users(db, customer)? {
        if !all.iter().any(|each| each.id == own.id) {
            all.push(own);
        }
    }
    let standing = Standing::of(db, actor, &holder)?;
    all.retain(|property| property.changed_from(standing));
    Ok(all)
}

/// What is said of properties must hold and fit; that it is required is for whoever adds a user.
fn fit(
    db: &Read,
    scope: &Scope<UsersTemplates>,
    actor: &Actor,
    customer: CustomerId,
    new: &NewTemplate,
    was: Option<&Template>,
) -> Result<()> {
    let known = properties_of(db, scope, actor, customer)?;
    let mut wrong = Vec::new();
    for (field, text) in &new.fields {
        let Some(key) = property_key(field) else { continue };
        if was.is_some_and(|was| was.fields.get(field) == Some(text)) {
            continue;
        }
        let name = format!("fields.{field}");
        match known.iter().find(|each| each.key == key) {
            None => wrong.push(Complaint::new(name, "is not a property here")),
            // Whom it names is asked when somebody is added.
            Some(property) if property.kind == Type::User => {}
            Some(property) => {
                let read = property.validation.read(property.kind, text);
                wrong.extend(read.err().map(|why| Complaint::new(name, why)));
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

impl NewTemplate {
    fn read(input: &Input) -> Result<NewTemplate> {
        let mut f = Fields::of(input, EDIT);
        let label = f.text("label", 1..=60);
        let reach = f.parse("reach");
        let mut fields = BTreeMap::new();
        for (name, value) in f.members("fields") {
            if property_key(name).is_some() {
                let text = f.member("fields", name).join(", ");
                if !text.is_empty() {
                    fields.insert(name.to_owned(), text);
                }
            } else if !FIELDS.contains(&name) {
                f.complain::<()>("fields", format!("cannot set {name}"));
            } else if value.chars().count() > 2_000 {
                f.complain::<()>("fields", format!("{name} must have at most 2000 characters"));
            } else if !value.is_empty() {
                fields.insert(name.to_owned(), value.to_owned());
            }
        }
        let services = f.list::<String>("services", 50);
        if services.iter().flatten().any(|each| !each.contains('/')) {
            f.complain::<()>("services", "must be like workplace/standard");
        }
        let roles = f.list::<String>("roles", 50);
        let days = f.optional_integer("days", 1..=3650);
        f.finish(|| {
            Some(NewTemplate {
                label: label?,
                reach: reach?,
                fields,
                services: services?,
                roles: roles?,
                days: days?,
            })
        })
    }
}
