//! Names that nobody may take as a domain: those shipped, public mail providers and what registries
//! sell names below, and those the provider adds.

pub mod api;
pub mod pages;
mod store;

use super::names::{ascii, is_listed, readable, twin};
use crate::audit;
use crate::auth::permissions::{SettingsRead, SettingsWrite};
use crate::auth::{PROVIDER, Scope};
use crate::db::{Db, Read, unique};
use crate::error::{Error, Result};
use crate::input::{Field, Fields, Input};
use crate::time::Instant;
use serde_json::json;

id!(RestrictionId);

/// A name the provider keeps from everybody.
pub struct Restriction {
    pub id: RestrictionId,
    /// A name, or `*.name` for everything below it.
    pub pattern: String,
    pub reason: String,
    pub added_at: Instant,
    pub added_by: String,
}

pub const NEW: &[Field] = &[
    Field::text("pattern", "a domain, or *.domain for everything below it").required(),
    Field::text("reason", "1–100 characters, told to whoever tries").required(),
];

const SHIPPED: &str = include_str!("shipped.txt");

/// Why `name` cannot be a customer's domain; `shared` are domains that it may use instead.
pub fn complaint(db: &Read, name: &str, shared: &[String]) -> Result<Option<String>> {
    let looks = twin(name);
    for each in [name, &looks] {
        if let Some(reason) = store::reason(db, &candidates(each))? {
            return Ok(Some(format!("is reserved: {reason}")));
        }
        if let Some(why) = shipped(each, shared) {
            return Ok(Some(why));
        }
    }
    Ok(None)
}

/// All that would have to be listed for `name` to be kept.
fn candidates(name: &str) -> Vec<String> {
    let mut all = vec![name.to_owned()];
    let mut rest = name;
    while let Some((_, tail)) = rest.split_once('.') {
        all.push(format!("*.{tail}"));
        rest = tail;
    }
    all
}

fn shipped(name: &str, shared: &[String]) -> Option<String> {
    for line in SHIPPED.lines().filter(|line| !line.starts_with('#')) {
        if line.strip_prefix('!') == Some(name) {
            return Some("is reserved: names are sold below it".to_owned());
        }
        if is_listed(name, line) {
            let shared: Vec<String> = shared.iter().map(|each| readable(each)).collect();
            return Some(match shared.as_slice() {
                [] => "is a public mail domain; use one that the customer owns".to_owned(),
                names => format!("is a public mail domain; use one of {}", names.join(", ")),
            });
        }
    }
    None
}

/// How many names are shipped.
pub fn shipped_names() -> usize {
    SHIPPED.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count()
}

pub fn all(db: &Read, scope: &Scope<SettingsRead>) -> Result<Vec<Restriction>> {
    scope.reaches(db, PROVIDER)?;
    store::all(db)
}

pub fn create(db: &Db, scope: &Scope<SettingsWrite>, input: &Input) -> Result<RestrictionId> {
    let mut fields = Fields::of(input, NEW);
    let typed = fields.value("pattern");
    let (head, tail) = match typed.strip_prefix("*.") {
        Some(tail) => ("*.", tail),
        None => ("", typed),
    };
    let pattern = match ascii(tail) {
        _ if typed.is_empty() => fields.complain("pattern", "is required"),
        Ok(name) => Some(format!("{head}{name}")),
        Err(_) if head == "*." && tail.chars().all(|c| c.is_ascii_alphanumeric()) => {
            Some(format!("{head}{}", tail.to_lowercase()))
        }
        Err(why) => fields.complain("pattern", why),
    };
    let reason = fields.text("reason", 1..=100);
    let (pattern, reason) = fields.finish(|| Some((pattern?, reason?)))?;
    db.write(scope.by, |tx| {
        let added = store::insert(tx, &pattern, &reason);
        let id = unique(added, "pattern", "is in the list already")?;
        let detail = json!({ "restricted_domain": [null, pattern], "reason": reason });
        audit::record(tx, "settings.changed", ("customer", PROVIDER.0), PROVIDER, &detail)?;
        Ok(id)
    })
}

/// Lets the name go. Domains that have it are not touched by either.
pub fn remove(db: &Db, scope: &Scope<SettingsWrite>, id: RestrictionId) -> Result<()> {
    db.write(scope.by, |tx| {
        let all = store::all(tx)?;
        let was = all.into_iter().find(|each| each.id == id).ok_or(Error::NotFound)?;
        store::delete(tx, id)?;
        let detail = json!({ "restricted_domain": [was.pattern, null] });
        audit::record(tx, "settings.changed", ("customer", PROVIDER.0), PROVIDER, &detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_and_reserved_names_are_refused_with_the_reason() {
        let checked = |text: &str| {
            let name = ascii(text).unwrap();
            shipped(&name, &[]).or_else(|| shipped(&twin(&name), &[]))
        };
        let public = "is a public mail domain; use one that the customer owns";
        for text in
            ["gmail.com", "GMAIL.COM.", "ｇｍａｉｌ.com", "fabrikam.onmicrosoft.com", "gmаil.com"]
        {
            assert_eq!(checked(text).as_deref(), Some(public), "{text}");
        }
        let reserved = "is reserved: names are sold below it";
        assert_eq!(checked("co.uk").as_deref(), Some(reserved));
        assert!(checked("notgmail.com").is_none() && checked("fabrikam.co.uk").is_none());
        let shared = ["tarnholm.example".to_owned()];
        assert_eq!(
            shipped("gmx.de", &shared).as_deref(),
            Some("is a public mail domain; use one of tarnholm.example")
        );
        assert_eq!(candidates("a.b.c"), ["a.b.c", "*.b.c", "*.c"]);
    }
}
