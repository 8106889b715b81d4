//! The values that a definition itself holds: of a plan, or for all plans as the defaults.

use super::plans::{self, Author};
use super::{properties, store};
use crate::db::Db;
use crate::error::{Complaint, Error, Result};
use crate::input::{Field, Fields, Input};

pub const VALUES: &[Field] = &[
    Field::text("plan", "its code; the defaults for all plans when left out"),
    Field::object("properties", "values by name; null takes one away"),
    Field::list("locks", "names of properties whose value here nobody may overrule"),
    Field::text("confirm", "where over 500 have the service and a value changes: how many, typed"),
];

/// Stores them all, or refuses with every complaint; who has the service is brought in line.
pub fn set(db: &Db, author: &Author, code: &str, input: &Input) -> Result<()> {
    let fields = Fields::of(input, VALUES);
    let plan = fields.value("plan").to_owned();
    fields.finish(|| Some(()))?;
    let mut rest = input.clone();
    rest.remove("plan");
    if !plan.is_empty() {
        return plans::update(db, author, code, &plan, &rest, None);
    }
    db.write(author.scope.by, |tx| {
        let service = store::own(tx, author.scope, code)?;
        let wishes = input.wishes("properties");
        let all = properties::all(tx, service.id)?;
        let known = |name: &String| all.iter().any(|property| property.name == *name);
        let named = wishes.iter().map(|(name, _)| name.clone());
        let locked: Vec<String> = input.all("locks").map(str::to_owned).collect();
        let unknown = named.chain(locked.iter().cloned()).filter(|name| !known(name));
        let mut complaints: Vec<Complaint> = unknown
            .map(|name| {
                let text = format!("is not a property of {}", service.name);
                Complaint::new(format!("properties.{name}"), text)
            })
            .collect();
        for property in &all {
            let wish = wishes.iter().find(|(name, _)| *name == property.name);
            let mut said = Input::default();
            if let Some((_, text)) = wish {
                said.set("default", text.as_deref().unwrap_or_default());
            }
            if input.has("locks") {
                said.set("default_locked", i64::from(locked.contains(&property.name)));
            }
            if said.is_empty() {
                continue;
            }
            said.set("confirm", input.get("confirm"));
            match properties::update(db, author.scope, code, &property.name, &said) {
                Ok(()) => {}
                Err(Error::Invalid(all)) => complaints.extend(all.into_iter().map(|each| {
                    let field = match each.field.as_ref() {
                        "confirm" => "confirm".to_owned(),
                        _ => format!("properties.{}", property.name),
                    };
                    Complaint::new(field, each.message)
                })),
                Err(err) => return Err(err),
            }
        }
        match complaints.is_empty() {
            true => Ok(()),
            false => Err(Error::Invalid(complaints)),
        }
    })
}
