//! What conditions and texts may name: of which type it is, and where its value comes from.

use super::condition::{Known, Type, Value};
use super::store;
use crate::db::Read;
use crate::directory::Surroundings;
use crate::engine::Document;
use crate::error::Result;
use crate::ids::ServiceId;
use crate::time::Date;
use serde_json::Value as Json;

/// A name, its type, and what it is.
type Name = (&'static str, Type, &'static str);

const CUSTOMER: &[Name] = &[
    ("customer.code", Type::Text, "The customer’s code"),
    ("customer.name", Type::Text, "Its name"),
    ("customer.type", Type::Text, "standard, test or demo"),
    ("customer.state", Type::Text, "active, disabled or deprovisioned"),
    ("customer.reseller", Type::Boolean, "Whether it may have customers below it"),
    ("customer.external_id", Type::Text, "Its number in another system"),
    ("customer.city", Type::Text, ""),
    ("customer.country", Type::Text, "Two letters, like NL"),
    ("customer.language", Type::Text, "Two letters, like en"),
    ("customer.time_zone", Type::Text, "Like Europe/Amsterdam"),
    ("customer.tags", Type::List, "Its marks"),
    ("customer.parent.code", Type::Text, "Of the customer above it"),
];

const USER: &[Name] = &[
    ("user.upn", Type::Text, "The sign-in name"),
    ("user.mail", Type::Text, "The mail address"),
    ("user.username", Type::Text, "The short user name"),
    ("user.first_name", Type::Text, ""),
    ("user.last_name", Type::Text, ""),
    ("user.display_name", Type::Text, ""),
    ("user.department", Type::Text, ""),
    ("user.location", Type::Text, ""),
    ("user.office", Type::Text, ""),
    ("user.job_title", Type::Text, ""),
    ("user.company", Type::Text, ""),
    ("user.employee_id", Type::Text, ""),
    ("user.employee_type", Type::Text, ""),
    ("user.cost_centre", Type::Text, ""),
    ("user.phone", Type::Text, ""),
    ("user.mobile", Type::Text, ""),
    ("user.city", Type::Text, ""),
    ("user.country", Type::Text, "Two letters"),
    ("user.usage_location", Type::Text, "Two letters"),
    ("user.language", Type::Text, "Two letters; empty is the customer’s"),
    ("user.state", Type::Text, "active, disabled or deprovisioned"),
    ("user.expires_on", Type::Date, "The last day, if there is one"),
    ("user.test_user", Type::Boolean, "Whether the user is for trying out"),
    ("user.main_contact", Type::Boolean, ""),
    ("user.manager.upn", Type::Text, "The manager’s sign-in name"),
    ("user.manager.display_name", Type::Text, ""),
    ("user.manager.mail", Type::Text, ""),
];

const SERVICE: &[Name] = &[
    ("service.code", Type::Text, "The service’s code"),
    ("service.name", Type::Text, "Its name"),
    ("service.label", Type::Text, "Which one, where there may be several"),
    ("service.suspended", Type::Boolean, "Whether it is to be suspended"),
    ("plan.code", Type::Text, ""),
    ("plan.name", Type::Text, ""),
    ("plan.sku", Type::Text, ""),
];

const HOME: &[Name] = &[
    ("env.name", Type::Text, "The directory that the customer lives in"),
    ("env.kind", Type::Text, "ad or openldap"),
    ("env.base_dn", Type::Text, "The name below which all lies there"),
    ("env.customer_ou", Type::Text, "The customer’s own OU"),
];

const ANY: &[Name] = &[("now.date", Type::Date, "Today, where the customer is")];

/// A name as it is listed beside the editor.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Listed {
    pub name: String,
    #[serde(rename = "type")]
    pub is: Type,
    pub about: String,
}

/// Everything that a rule for `event` may name.
pub fn listed(db: &Read, event: &str, service: Option<ServiceId>) -> Result<Vec<Listed>> {
    let of_user = event.starts_with("user");
    let of_service = event.contains("_service.");
    let fixed = CUSTOMER
        .iter()
        .chain(USER.iter().filter(|_| of_user))
        .chain(SERVICE.iter().filter(|_| of_service))
        .chain(HOME)
        .chain(ANY);
    let mut all: Vec<Listed> = fixed
        .map(|(name, is, about)| Listed {
            name: (*name).to_owned(),
            is: *is,
            about: (*about).to_owned(),
        })
        .collect();
    for (subject, key, label, kind) in store::custom(db)? {
        if subject == "customer" || of_user {
            all.push(Listed {
                name: format!("{subject}.custom.{key}"),
                is: type_of(&kind),
                about: label,
            });
        }
    }
    if let Some(service) = service.filter(|_| of_service) {
        for (name, label, kind) in store::properties(db, service)? {
            all.push(Listed { name: format!("prop.{name}"), is: type_of(&kind), about: label });
        }
        for (name, label) in store::secrets(db, service)? {
            let about = format!("{label}; a secret, for a script’s Secrets alone");
            all.push(Listed { name: format!("secret.{name}"), is: Type::Text, about });
        }
    }
    Ok(all)
}

pub fn known(db: &Read, event: &str, service: Option<ServiceId>) -> Result<Known> {
    let all = listed(db, event, service)?;
    Ok(Known(all.into_iter().map(|each| (each.name, each.is)).collect()))
}

fn type_of(kind: &str) -> Type {
    match kind {
        "integer" | "size" => Type::Integer,
        "boolean" => Type::Boolean,
        "date" => Type::Date,
        "choices" => Type::List,
        _ => Type::Text,
    }
}

/// The value of a name for whom the document describes.
pub fn value(document: &Document, today: Date, known: &Known, name: &str) -> Option<Value> {
    if name == "now.date" {
        return Some(Value::Date(today));
    }
    let (head, rest) = name.split_once('.')?;
    let found = match head {
        "customer" => walk(&document.customer, rest),
        "user" => walk(&document.user, rest),
        "service" => walk(&document.service, rest),
        "plan" => walk(document.service.get("plan")?, rest),
        "prop" => document.props.get(rest),
        _ => None,
    };
    Value::of(found?, known.type_of(name)?)
}

/// What is known of where the customer lives.
pub fn of_home(home: Option<&Surroundings>, name: &str) -> Option<Value> {
    let home = home?;
    let text = match name {
        "env.name" => &home.name,
        "env.kind" => home.flavour.word(),
        "env.base_dn" => &home.base,
        "env.customer_ou" => home.customer_ou.as_deref()?,
        _ => return None,
    };
    Some(Value::Text(text.to_owned()))
}

fn walk<'j>(json: &'j Json, path: &str) -> Option<&'j Json> {
    path.split('.').try_fold(json, |inner, name| inner.get(name))
}
