//! The DNS domains that customers use for names and addresses. A domain has one owner in the
//! installation; names on one that is not confirmed cannot be used.

mod store;

use crate::audit;
use crate::auth::permissions::{CustomersDomains, CustomersRead};
use crate::auth::{Permission, Scope};
use crate::customers::is_above;
use crate::db::{Db, Read, Write};
use crate::error::{Complaint, Error, Result};
use crate::ids::{CustomerId, DomainId};
use crate::input::{Field, Fields, Input};
use crate::ledger::{self, Action, Kind, Row};
use crate::time::Instant;
use serde_json::json;

/// A domain that a customer may use.
pub struct Domain {
    pub id: DomainId,
    /// As it is asked for in the DNS; [`readable`] shows it.
    pub name: String,
    pub owner: CustomerId,
    pub main: bool,
    pub verified_at: Option<Instant>,
    pub receives_mail: bool,
    /// Sign-in names on it, and addresses besides them.
    pub sign_in_names: i64,
    pub addresses: i64,
}

pub const NEW: &[Field] = &[
    Field::text("name", "a domain of 2 to 10 labels").required(),
    Field::boolean("receives_mail", "no: its users' mail goes elsewhere; new: yes"),
];

pub const EDIT: &[Field] = &[
    Field::boolean("main", "true makes it the default of new users"),
    Field::boolean("verified", "true confirms it by hand, from above only"),
    Field::text("reason", "why it is confirmed by hand, at most 200 characters"),
    Field::boolean("receives_mail", "no: its users' mail goes elsewhere"),
];

const RESTRICTED: &str = include_str!("restricted.txt");

/// The domains of a customer, the main one first.
pub fn list(db: &Read, scope: &Scope<CustomersRead>, customer: CustomerId) -> Result<Vec<Domain>> {
    store::list(db, scope, customer)
}

/// One of them.
pub fn one<P: Permission>(
    db: &Read,
    scope: &Scope<P>,
    customer: CustomerId,
    id: DomainId,
) -> Result<Domain> {
    store::one(db, scope, customer, id)
}

/// The domains on which the customer's names may be, the main one first.
pub fn usable<P: Permission>(
    db: &Read,
    scope: &Scope<P>,
    customer: CustomerId,
) -> Result<Vec<(DomainId, String)>> {
    store::usable(db, scope, customer)
}

/// Reads a domain from `field`.
pub fn read(fields: &mut Fields, field: &'static str) -> Option<String> {
    match fields.value(field) {
        "" => fields.complain(field, "is required"),
        text => match ascii(text).and_then(unrestricted) {
            Ok(name) => Some(name),
            Err(why) => fields.complain(field, why),
        },
    }
}

/// The name as people write it.
pub fn readable(name: &str) -> String {
    match idna::domain_to_unicode(name) {
        (text, Ok(())) => text,
        _ => name.to_owned(),
    }
}

/// The name as the DNS has it: small letters, other scripts as punycode, no dot at the end.
pub fn ascii(text: &str) -> Result<String, String> {
    let text = text.trim().trim_end_matches('.');
    let wrong = || "is not a domain like company.example".to_owned();
    let name = idna::domain_to_ascii(text).map_err(|_| wrong())?;
    let labels: Vec<&str> = name.split('.').collect();
    let good = |label: &&str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let numbers = labels.last().is_some_and(|top| top.bytes().all(|b| b.is_ascii_digit()));
    if !(2..=10).contains(&labels.len()) || name.len() > 253 || numbers || !labels.iter().all(good)
    {
        return Err(wrong());
    }
    Ok(name)
}

fn unrestricted(name: String) -> Result<String, String> {
    for line in RESTRICTED.lines() {
        if line.strip_prefix('!') == Some(name.as_str()) {
            return Err("is reserved: names are sold below it".to_owned());
        }
        let below = line.strip_prefix('*').is_some_and(|tail| name.ends_with(tail));
        if below || line == name {
            return Err("is a public mail domain; use one that the customer owns".to_owned());
        }
    }
    Ok(name)
}

/// The first domain of a new customer, added from above: usable at once, and its main one.
pub fn first<P: Permission>(
    tx: &Write,
    scope: &Scope<P>,
    customer: CustomerId,
    name: &str,
) -> Result<DomainId> {
    add(tx, scope, customer, "domain", name, true)
}

/// Adds a domain. From above it is usable at once; one that the customer adds itself waits until
/// somebody confirms it.
pub fn create(
    db: &Db,
    scope: &Scope<CustomersDomains>,
    customer: CustomerId,
    input: &Input,
) -> Result<DomainId> {
    let mut fields = Fields::of(input, NEW);
    let name = read(&mut fields, "name");
    let mail = if fields.has("receives_mail") { fields.flag("receives_mail") } else { Some(true) };
    let (name, mail) = fields.finish(|| Some((name?, mail?)))?;
    db.write(scope.by, |tx| {
        super::open_for_changes(tx, scope, customer)?;
        let id = add(tx, scope, customer, "name", &name, mail)?;
        let detail = json!({ "domain": name });
        audit::record(tx, "domain.added", ("domain", id.0), customer, &detail)?;
        Ok(id)
    })
}

fn add<P: Permission>(
    tx: &Write,
    scope: &Scope<P>,
    customer: CustomerId,
    field: &'static str,
    name: &str,
    mail: bool,
) -> Result<DomainId> {
    if let Some(owner) = store::owner(tx, scope, name)? {
        return Err(Error::invalid(field, format!("already belongs to {owner}")));
    }
    let verified = is_above(tx, scope, customer)?;
    let id = store::insert(tx, scope, customer, name, verified, mail)?;
    let row = Row::new(Kind::Domain, id.0, Action::Added, customer);
    ledger::record(tx, &Row { instance: Some(name), ..row })?;
    Ok(id)
}

/// Makes it the main one, confirms it by hand, says whether it receives mail.
pub fn update(
    db: &Db,
    scope: &Scope<CustomersDomains>,
    customer: CustomerId,
    id: DomainId,
    input: &Input,
) -> Result<()> {
    let mut fields = Fields::of(input, EDIT);
    let has = |field: &str| input.has(field);
    let (main, verified) = (fields.flag("main"), fields.flag("verified"));
    let (reason, mail) = (fields.text("reason", 0..=200), fields.flag("receives_mail"));
    if has("main") && main == Some(false) {
        fields.complain::<()>("main", "cannot be taken away: make another domain the main one");
    }
    if has("verified") && verified == Some(false) {
        fields.complain::<()>("verified", "cannot be taken back");
    }
    let (main, verified, reason, mail) =
        fields.finish(|| Some((main?, verified?, reason?, mail?)))?;
    db.write(scope.by, |tx| {
        let domain = store::one(tx, scope, customer, id)?;
        let record =
            |action: &str, detail| audit::record(tx, action, ("domain", id.0), customer, &detail);
        let waits = domain.verified_at.is_none();
        if verified && waits {
            if !is_above(tx, scope, customer)? {
                return Err(Error::Forbidden("Only somebody above can confirm a domain.".into()));
            }
            store::verify(tx, scope, customer, id)?;
            record("domain.verified", json!({ "domain": domain.name, "reason": reason }))?;
        }
        if main && !domain.main {
            if waits && !verified {
                return Err(Error::invalid("main", "is waiting for verification"));
            }
            store::make_main(tx, scope, customer, id)?;
            record("domain.changed", json!({ "domain": domain.name, "main": [false, true] }))?;
        }
        if has("receives_mail") && mail != domain.receives_mail {
            store::set_receives_mail(tx, scope, customer, id, mail)?;
            let change = json!({ "domain": domain.name, "receives_mail": [!mail, mail] });
            record("domain.changed", change)?;
        }
        Ok(())
    })
}

/// Takes it away, if nothing is on it.
pub fn remove(
    db: &Db,
    scope: &Scope<CustomersDomains>,
    customer: CustomerId,
    id: DomainId,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let domain = store::one(tx, scope, customer, id)?;
        let (names, addresses) = (domain.sign_in_names, domain.addresses);
        let shown = readable(&domain.name);
        let mut all = Vec::new();
        if domain.main {
            all.push(Complaint::new("", format!("{shown} is the primary domain.")));
        }
        if names + addresses > 0 {
            let many = |n: i64, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
            let (names, addresses) = (
                many(names, "sign-in name"),
                match addresses {
                    1 => "1 address".to_owned(),
                    n => format!("{n} addresses"),
                },
            );
            let text = format!("{shown} is still used by {names}, {addresses}.");
            all.push(Complaint::new("", text));
        }
        if !all.is_empty() {
            return Err(Error::Invalid(all));
        }
        store::delete(tx, scope, customer, id)?;
        let row = Row::new(Kind::Domain, id.0, Action::Removed, customer);
        ledger::record(tx, &Row { instance: Some(&domain.name), ..row })?;
        let detail = json!({ "domain": domain.name });
        audit::record(tx, "domain.removed", ("domain", id.0), customer, &detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<String, String> {
        ascii(text).and_then(unrestricted)
    }

    #[test]
    fn a_domain_is_kept_as_the_dns_has_it() {
        assert_eq!(checked("Aldermoor.EXAMPLE."), Ok("aldermoor.example".into()));
        assert_eq!(checked("bücher.example"), Ok("xn--bcher-kva.example".into()));
        assert_eq!(readable("xn--bcher-kva.example"), "bücher.example");
        for bad in
            ["a", "a..b", "-a.example", "a b.example", "1.2.3.4", "a@b.example", "_x.example"]
        {
            assert!(checked(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn public_and_reserved_names_are_refused_with_the_reason() {
        let public = "is a public mail domain; use one that the customer owns";
        for text in ["gmail.com", "GMAIL.COM.", "ｇｍａｉｌ.com", "fabrikam.onmicrosoft.com"] {
            assert_eq!(checked(text), Err(public.into()), "{text}");
        }
        let reserved = "is reserved: names are sold below it";
        assert_eq!(checked("co.uk"), Err(reserved.into()));
        assert!(checked("notgmail.com").is_ok() && checked("fabrikam.co.uk").is_ok());
    }
}
