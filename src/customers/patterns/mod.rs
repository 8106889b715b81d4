//! Naming patterns: what the names of new users are made of where nobody chose one. Inherited and
//! set like every other setting; saved only after they made good names of difficult people.

pub mod api;
pub mod pages;
pub mod pattern;

use super::{Customer, is_in_state, settings};
use crate::audit;
use crate::auth::permissions::CustomersUpdate;
use crate::auth::{Permission, Scope};
use crate::db::{Db, Read};
use crate::error::Result;
use crate::ids::CustomerId;
use crate::input::{Field, Fields, Input};
use crate::places::State;
use pattern::{Makes, Pattern, Person};
use serde_json::{Value, json};

/// One name that is made: its field, its key among the inherited settings, what it is by default.
pub struct Name {
    pub field: &'static str,
    key: &'static str,
    pub default: &'static str,
    makes: Makes,
    pub label: &'static str,
}

const fn name(
    field: &'static str,
    key: &'static str,
    default: &'static str,
    makes: Makes,
    label: &'static str,
) -> Name {
    Name { field, key, default, makes, label }
}

pub const NAMES: &[Name] = &[
    name("display_name", "names_display", "{first} {last}", Makes::Display, "Shown name"),
    name("upn", "names_upn", "{first}.{last}", Makes::Upn, "Sign-in name, before the @"),
    name("username", "names_username", "{local}_{code}", Makes::Username, "User name"),
    name("mail", "names_mail", "{local}", Makes::Mail, "Addresses, before the @"),
];

pub const FIELDS: &[Field] = &[
    Field::text("display_name", "a pattern; empty: inherited"),
    Field::text("upn", "a pattern; empty: inherited"),
    Field::text("username", "a pattern; empty: inherited"),
    Field::text("mail", "patterns, one a line, the first is the primary address; empty: inherited"),
];

/// Most addresses that a user is given.
const ADDRESSES: usize = 5;

/// The patterns that hold at a customer.
pub struct Patterns {
    display: Vec<Pattern>,
    upn: Vec<Pattern>,
    username: Vec<Pattern>,
    mail: Vec<Pattern>,
}

/// A pattern as it holds, and whose word it is.
pub struct Held {
    pub name: &'static Name,
    pub now: settings::Effective,
}

impl Patterns {
    pub fn of(db: &Read, customer: CustomerId) -> Result<Patterns> {
        let read = |name: &Name| -> Result<Vec<Pattern>> {
            let now = settings::inherited(db, customer, name.key, name.default)?;
            // What was saved could be read; a default always can.
            Ok(lines(&now.value, name.makes).unwrap_or_default())
        };
        let [display, upn, username, mail] = NAMES else {
            return Ok(Patterns { display: vec![], upn: vec![], username: vec![], mail: vec![] });
        };
        Ok(Patterns {
            display: read(display)?,
            upn: read(upn)?,
            username: read(username)?,
            mail: read(mail)?,
        })
    }

    /// The shown name.
    pub fn display(&self, person: &Person) -> String {
        self.display.first().map(|pattern| pattern.name(person, 1)).unwrap_or_default()
    }

    /// The first free part before the @ of a sign-in name; none where there are too many.
    pub fn upn(
        &self,
        person: &Person,
        taken: impl FnMut(&str) -> Result<bool>,
    ) -> Result<Option<String>> {
        self.upn.first().map_or(Ok(None), |pattern| pattern.free(person, taken))
    }

    pub fn username(
        &self,
        person: &Person,
        taken: impl FnMut(&str) -> Result<bool>,
    ) -> Result<Option<String>> {
        self.username.first().map_or(Ok(None), |pattern| pattern.free(person, taken))
    }

    /// The parts before the @ of the addresses, the primary one first, each once.
    pub fn mail(
        &self,
        person: &Person,
        mut taken: impl FnMut(&str) -> Result<bool>,
    ) -> Result<Option<Vec<String>>> {
        let mut all: Vec<String> = Vec::new();
        for pattern in &self.mail {
            match pattern.free(person, &mut taken)? {
                Some(name) if all.contains(&name) => {}
                Some(name) => all.push(name),
                None => return Ok(None),
            }
        }
        Ok(Some(all))
    }
}

/// The patterns of a customer with their origin.
pub fn all<P: Permission>(db: &Read, scope: &Scope<P>, customer: CustomerId) -> Result<Vec<Held>> {
    scope.reaches(db, customer)?;
    let held = |name: &'static Name| {
        let now = settings::inherited(db, customer, name.key, name.default)?;
        Ok(Held { name, now })
    };
    NAMES.iter().map(held).collect()
}

/// Sets the patterns that `input` names; an empty one is inherited again.
pub fn update(
    db: &Db,
    scope: &Scope<CustomersUpdate>,
    customer: CustomerId,
    input: &Input,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let place = super::one(tx, scope, customer)?;
        if matches!(place.state, State::Deleted | State::Purged) {
            return Err(is_in_state(&place));
        }
        let mut fields = Fields::of(input, FIELDS);
        let mut changed = serde_json::Map::new();
        for name in NAMES.iter().filter(|name| input.has(name.field)) {
            let Some(text) = fields.lines(name.field, 0..=600) else { continue };
            let text = text.trim().to_owned();
            if !text.is_empty()
                && let Err(why) = check(name, &text, &place)
            {
                fields.complain::<()>(name.field, why);
                continue;
            }
            let was = settings::inherited(tx, customer, name.key, name.default)?.own;
            if was.as_deref().unwrap_or_default() != text {
                settings::put(tx, scope, customer, name.key, &text)?;
                let new = Some(&text).filter(|text| !text.is_empty());
                changed.insert(name.field.to_owned(), json!([was, new]));
            }
        }
        fields.finish(|| Some(()))?;
        if changed.is_empty() {
            return Ok(());
        }
        let subject = ("customer", customer.0);
        audit::record(tx, "pattern.changed", subject, customer, &Value::Object(changed))
    })
}

/// People whose names are difficult, by what a refusal calls them.
fn samples(place: &Customer) -> Vec<(&'static str, Person<'_>)> {
    const LONG: &str = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl";
    let of = |first, last| Person {
        first,
        last,
        code: &place.code,
        customer: &place.details.name,
        title: "Engineer",
        department: "Sales",
        employee_id: "1001",
        ..Person::default()
    };
    vec![
        ("Jane Doe", of("Jane", "Doe")),
        ("Łukasz Żółć", of("Łukasz", "Żółć")),
        ("O'Brien-Smith", of("", "O'Brien-Smith")),
        ("李小龍", of("小龍", "李")),
        ("a name of 1 letter", of("", "A")),
        ("a name of 64 letters", of("", LONG)),
    ]
}

/// Whether `text` makes good names of all of them.
fn check(name: &Name, text: &str, place: &Customer) -> Result<(), String> {
    let patterns = lines(text, name.makes)?;
    let upn = Pattern::read("{first}.{last}", Makes::Upn)?;
    for (called, person) in samples(place) {
        let local = upn.name(&person, 1);
        let person = Person { local: &local, ..person };
        if let Some(why) = patterns.iter().find_map(|pattern| pattern.complaint(&person)) {
            return Err(format!("fails for {called}: {why}"));
        }
    }
    Ok(())
}

fn lines(text: &str, makes: Makes) -> Result<Vec<Pattern>, String> {
    let all: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let most = if makes == Makes::Mail { ADDRESSES } else { 1 };
    if all.len() > most {
        return Err(format!("must have at most {most} lines"));
    }
    all.into_iter().map(|line| Pattern::read(line, makes)).collect()
}

/// What the patterns make of the people of the check, for a page to show.
pub fn examples(db: &Read, place: &Customer) -> Result<Vec<(&'static str, [String; 3])>> {
    let patterns = Patterns::of(db, place.id)?;
    let mut all = Vec::new();
    for (called, person) in samples(place).into_iter().take(4) {
        let local = patterns.upn(&person, |_| Ok(false))?.unwrap_or_default();
        let person = Person { local: &local, ..person };
        let username = patterns.username(&person, |_| Ok(false))?.unwrap_or_default();
        all.push((called, [patterns.display(&person), local.clone(), username]));
    }
    Ok(all)
}
