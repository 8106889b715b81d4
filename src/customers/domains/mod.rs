//! The DNS domains that customers use for names and addresses. A domain has one owner in the
//! installation, who may let customers below use it; names on one that is not confirmed cannot be
//! used.

pub mod names;
pub mod pages;
pub mod restricted;
pub mod verify;
mod store;

pub use names::{ascii, readable};

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

words! {
    /// Where mail for a domain is kept.
    MailMode { Local = "local", Relay = "relay" }
}

/// A domain that a customer may use.
pub struct Domain {
    pub id: DomainId,
    /// As it is asked for in the DNS; [`readable`] shows it.
    pub name: String,
    pub owner: CustomerId,
    pub owner_name: String,
    pub main: bool,
    pub verified_at: Option<Instant>,
    pub receives_mail: bool,
    pub mail_mode: MailMode,
    /// What its text record has to say.
    pub proof: String,
    /// When the DNS was looked at last, and what it said.
    pub looked_at: Option<Instant>,
    pub seen: String,
    /// Sign-in names on it, addresses besides them, services that name it.
    pub sign_in_names: i64,
    pub addresses: i64,
    pub services: Vec<String>,
    /// Other customers that use it; of its owner alone.
    pub shared_with: Vec<(CustomerId, String)>,
}

pub const NEW: &[Field] = &[
    Field::text("name", "a domain of 2 to 10 labels, or one that a customer above shares")
        .required(),
    Field::boolean("receives_mail", "no: its users' mail goes elsewhere; new: yes"),
    Field::text("mail_mode", "local or relay; new: local"),
];

pub const EDIT: &[Field] = &[
    Field::boolean("main", "true makes it the default of new users"),
    Field::boolean("receives_mail", "no: its users' mail goes elsewhere"),
    Field::text("mail_mode", "local or relay"),
];

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

/// Whether a domain takes mail; where it does not, its users' mail goes to an address elsewhere.
pub fn receives_mail(db: &Read, name: &str) -> Result<bool> {
    store::receives_mail(db, name)
}

/// Reads a domain from `field`; `below` is where the customer stands or is to stand.
pub fn read<P: Permission>(
    db: &Read,
    scope: &Scope<P>,
    below: Option<CustomerId>,
    fields: &mut Fields,
    field: &'static str,
) -> Result<Option<String>> {
    let text = fields.value(field);
    if text.is_empty() {
        return Ok(fields.complain(field, "is required"));
    }
    let name = match ascii(text) {
        Ok(name) => name,
        Err(why) => return Ok(fields.complain(field, why)),
    };
    let shared = match below {
        Some(below) => store::shared(db, scope, below)?,
        None => Vec::new(),
    };
    Ok(match restricted::complaint(db, &name, &shared)? {
        Some(why) => fields.complain(field, why),
        None => Some(name),
    })
}

/// The first domain of a new customer, added from above: usable at once, and its main one.
pub fn first<P: Permission>(
    tx: &Write,
    scope: &Scope<P>,
    customer: CustomerId,
    name: &str,
) -> Result<DomainId> {
    let draft = Draft { name: name.to_owned(), mail: true, mode: MailMode::Local };
    add(tx, scope, customer, "domain", &draft)
}

/// Adds a domain. From above it is usable at once; one that the customer adds itself waits until
/// it is confirmed. One that a customer above owns is shared, if the asker reaches its owner.
pub fn create(
    db: &Db,
    scope: &Scope<CustomersDomains>,
    customer: CustomerId,
    input: &Input,
) -> Result<DomainId> {
    db.write(scope.by, |tx| {
        super::open_for_changes(tx, scope, customer)?;
        let mut fields = Fields::of(input, NEW);
        let name = read(tx, scope, Some(customer), &mut fields, "name")?;
        let mail =
            if fields.has("receives_mail") { fields.flag("receives_mail") } else { Some(true) };
        let mode = fields.optional("mail_mode");
        let draft = fields.finish(|| {
            let mode = mode?.unwrap_or(MailMode::Local);
            Some(Draft { name: name?, mail: mail?, mode })
        })?;
        let id = add(tx, scope, customer, "name", &draft)?;
        let detail = json!({ "domain": draft.name });
        audit::record(tx, "domain.added", ("domain", id.0), customer, &detail)?;
        Ok(id)
    })
}

/// A domain to be.
pub struct Draft {
    name: String,
    mail: bool,
    mode: MailMode,
}

fn add<P: Permission>(
    tx: &Write,
    scope: &Scope<P>,
    customer: CustomerId,
    field: &'static str,
    draft: &Draft,
) -> Result<DomainId> {
    if let Some(owner) = store::owner(tx, scope, &draft.name)? {
        let other = owner.customer != customer;
        if other && owner.reached && store::is_below(tx, owner.customer, customer)? {
            if !owner.verified {
                return Err(Error::invalid(field, "is waiting for verification"));
            }
            if store::use_it(tx, scope, customer, owner.domain)? {
                return Ok(owner.domain);
            }
            return Err(Error::invalid(field, "is one of its domains already"));
        }
        return Err(Error::invalid(field, format!("already belongs to {}", owner.name)));
    }
    let verified = is_above(tx, scope, customer)?;
    let id = store::insert(tx, scope, customer, draft, verified)?;
    let row = Row::new(Kind::Domain, id.0, Action::Added, customer);
    ledger::record(tx, &Row { instance: Some(&draft.name), ..row })?;
    Ok(id)
}

/// Makes it the main one, says whether it receives mail and where that is kept.
pub fn update(
    db: &Db,
    scope: &Scope<CustomersDomains>,
    customer: CustomerId,
    id: DomainId,
    input: &Input,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let domain = store::one(tx, scope, customer, id)?;
        let mut fields = Fields::of(input, EDIT);
        let has = |field: &str| input.has(field);
        let (main, mail) = (fields.flag("main"), fields.flag("receives_mail"));
        let mode =
            if has("mail_mode") { fields.parse("mail_mode") } else { Some(domain.mail_mode) };
        if has("main") && main == Some(false) {
            fields.complain::<()>("main", "cannot be taken away: make another domain the main one");
        }
        if main == Some(true) && domain.verified_at.is_none() {
            fields.complain::<()>("main", "is waiting for verification");
        }
        for field in ["receives_mail", "mail_mode"] {
            if has(field) && domain.owner != customer {
                fields.complain::<()>(field, "is for its owner to say");
            }
        }
        let (main, mail, mode) = fields.finish(|| Some((main?, mail?, mode?)))?;
        let record =
            |detail| audit::record(tx, "domain.changed", ("domain", id.0), customer, &detail);
        if main && !domain.main {
            store::make_main(tx, scope, customer, id)?;
            record(json!({ "domain": domain.name, "main": [false, true] }))?;
        }
        let mail = if has("receives_mail") { mail } else { domain.receives_mail };
        if (mail, mode) != (domain.receives_mail, domain.mail_mode) {
            store::set_mail(tx, scope, customer, id, mail, mode)?;
            record(json!({
                "domain": domain.name, "receives_mail": [domain.receives_mail, mail],
                "mail_mode": [domain.mail_mode, mode],
            }))?;
        }
        Ok(())
    })
}

/// Lets a customer below use it.
pub fn share(
    db: &Db,
    scope: &Scope<CustomersDomains>,
    owner: CustomerId,
    id: DomainId,
    input: &Input,
) -> Result<()> {
    let with = db.write(scope.by, |tx| {
        let domain = store::one(tx, scope, owner, id)?;
        if domain.owner != owner {
            return Err(Error::NotFound);
        }
        let mut fields = Fields::of(input, SHARE);
        let with = fields.parse::<CustomerId>("customer_id");
        let with = fields.finish(|| with)?;
        let reached = scope.reaches(tx, with).is_ok() && store::is_below(tx, owner, with)?;
        if !reached || with == owner {
            return Err(Error::invalid("customer_id", "is not one of the choices"));
        }
        let mut named = Input::default();
        named.set("name", &domain.name);
        Ok((with, named))
    })?;
    create(db, scope, with.0, &with.1).map(|_| ())
}

/// With whom it is shared.
pub const SHARE: &[Field] =
    &[Field::integer("customer_id", "a customer below the owner").required()];

/// Customers below that could be let to use it, by name.
pub fn could_use(
    db: &Read,
    scope: &Scope<CustomersDomains>,
    owner: CustomerId,
    id: DomainId,
) -> Result<Vec<(CustomerId, String)>> {
    store::could_use(db, scope, owner, id)
}

/// Takes it away, if nothing is on it. From a customer that does not own it, only the use goes.
pub fn remove(
    db: &Db,
    scope: &Scope<CustomersDomains>,
    customer: CustomerId,
    id: DomainId,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let domain = store::one(tx, scope, customer, id)?;
        let shown = readable(&domain.name);
        let mut all = Vec::new();
        if domain.main {
            all.push(Complaint::new("", format!("{shown} is the primary domain.")));
        }
        if let Some(uses) = domain.uses() {
            all.push(Complaint::new("", format!("{shown} is still used by {uses}.")));
        }
        if !domain.shared_with.is_empty() {
            let names: Vec<&str> =
                domain.shared_with.iter().map(|(_, name)| name.as_str()).collect();
            all.push(Complaint::new("", format!("{shown} is shared with {}.", names.join(", "))));
        }
        if !all.is_empty() {
            return Err(Error::Invalid(all));
        }
        store::delete(tx, scope, customer, id)?;
        if domain.owner == customer {
            let row = Row::new(Kind::Domain, id.0, Action::Removed, customer);
            ledger::record(tx, &Row { instance: Some(&domain.name), ..row })?;
        }
        let detail = json!({ "domain": domain.name });
        audit::record(tx, "domain.removed", ("domain", id.0), customer, &detail)
    })
}

impl Domain {
    /// What is on it, in words; none: nothing.
    pub fn uses(&self) -> Option<String> {
        if self.sign_in_names + self.addresses == 0 && self.services.is_empty() {
            return None;
        }
        let many =
            |n: i64, one: &str, more: &str| format!("{n} {}", if n == 1 { one } else { more });
        let mut all = vec![
            many(self.sign_in_names, "sign-in name", "sign-in names"),
            many(self.addresses, "address", "addresses"),
        ];
        all.extend(self.services.iter().cloned());
        Some(all.join(", "))
    }
}
