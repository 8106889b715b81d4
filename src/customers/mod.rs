//! Customers: the organisations everything belongs to, in a tree below the provider.
//!
//! Invariant: a customer stands below the provider or an active reseller, eight levels deep at most,
//! and each change of it writes audit and, where it is billed, ledger in its own transaction.

pub mod api;
pub mod code;
pub mod contacts;
pub mod domains;
pub mod export;
pub mod fields;
pub mod finding;
pub mod life;
pub mod lists;
pub mod pages;
pub mod patterns;
pub mod properties;
pub mod rehearsal;
pub mod settings;
pub mod term;
pub mod transfer;
pub mod tree;
mod store;

pub use finding::{FILTERS, Filter, list, store_plans};

use crate::audit;
use crate::auth::permissions::{
    CustomersBillingUpdate, CustomersCreate, CustomersLimits, CustomersUpdate,
};
use crate::auth::{Actor, PROVIDER, Permission, Scope};
use crate::db::{Db, Read, Write};
use crate::error::{Complaint, Error, Result};
use crate::html::text;
use crate::ids::CustomerId;
use crate::input::{Field, Fields, Input};
use crate::ledger::{self, Action, Kind, Row};
use crate::places::State;
use crate::settings::ranks;
use crate::time::{Instant, Zone};
use fields::{ABOVE, BILLING, Details, EDIT, LIMITS, NEW, among};
use properties::{Holder, Standing, values};
use serde_json::{Value, json};

words! {
    /// What a customer is to its bill.
    Type { Standard = "standard", Test = "test", Demo = "demo" }
}

words! {
    /// Who bills this customer.
    Biller { Inherit = "inherit", Reseller = "reseller", Provider = "provider" }
}

words! {
    /// Who bills the customers below this one.
    CustomersBiller { Reseller = "reseller", Provider = "provider" }
}

/// A customer, whole.
pub struct Customer {
    pub id: CustomerId,
    pub parent: Option<CustomerId>,
    pub parent_name: String,
    pub code: String,
    pub state: State,
    pub reseller: bool,
    /// The customer whose disabling disabled this one too.
    pub disabled_through: Option<CustomerId>,
    pub details: Details,
    pub version: i64,
    pub created_at: Instant,
    /// Its term ended it: prolonging brings it back.
    pub expired_at: Option<Instant>,
    pub deprovisioned_at: Option<Instant>,
    pub deleted_at: Option<Instant>,
}

/// A customer in a list.
pub struct Brief {
    pub id: CustomerId,
    pub parent: Option<CustomerId>,
    pub parent_name: String,
    pub name: String,
    pub code: String,
    pub state: State,
    pub kind: Type,
    pub reseller: bool,
    pub domain: String,
    pub users: i64,
    pub created_at: Instant,
}

/// What else the actor may do to the fields of a customer.
pub struct May {
    billing: Option<Scope<CustomersBillingUpdate>>,
    limits: Option<Scope<CustomersLimits>>,
}

impl May {
    pub fn of(actor: &Actor) -> May {
        May { billing: actor.scope().ok(), limits: actor.scope().ok() }
    }

    /// Nothing beyond what the operation itself takes.
    pub fn nothing() -> May {
        May { billing: None, limits: None }
    }

    pub fn billing(&self, db: &Read, customer: CustomerId) -> bool {
        self.billing.as_ref().is_some_and(|scope| scope.reaches(db, customer).is_ok())
    }

    pub fn limits(&self, db: &Read, customer: CustomerId) -> bool {
        self.limits.as_ref().is_some_and(|scope| scope.reaches(db, customer).is_ok())
    }

    /// The same for a customer that is to be made below `parent`.
    fn below(&self, db: &Read, parent: CustomerId) -> Result<(bool, bool)> {
        let billing = match &self.billing {
            Some(scope) => store::reaches_below(db, scope, parent)?,
            None => false,
        };
        let limits = match &self.limits {
            Some(scope) => store::reaches_below(db, scope, parent)?,
            None => false,
        };
        Ok((billing, limits))
    }
}

/// The customer, if the scope reaches it.
pub fn one<P: Permission>(db: &Read, scope: &Scope<P>, id: CustomerId) -> Result<Customer> {
    store::one(db, scope, id)
}

/// Whether the actor stands above the customer: some things only those may see and set.
pub fn is_above<P: Permission>(db: &Read, scope: &Scope<P>, id: CustomerId) -> Result<bool> {
    store::is_above(db, scope, id)
}

/// The one way a customer comes to be, whichever door the request came in by.
pub fn create(
    db: &Db,
    scope: &Scope<CustomersCreate>,
    may: &May,
    input: &Input,
) -> Result<CustomerId> {
    db.write(scope.by, |tx| create_in(tx, scope, may, input))
}

/// The same inside a transaction.
pub fn create_in(
    tx: &Write,
    scope: &Scope<CustomersCreate>,
    may: &May,
    input: &Input,
) -> Result<CustomerId> {
    let parent = match input.get("parent_id").parse() {
        Ok(id) => Some(store::one(tx, scope, id)?),
        Err(_) => None,
    };
    let whole = with_defaults(input, parent.as_ref(), tx.now);
    let mut fields = Fields::of(&whole, NEW);
    let parent_id = fields.parse::<CustomerId>("parent_id");
    let code = own_code(&mut fields);
    let below = parent.as_ref().map(|parent| parent.id);
    let domain = domains::read(tx, scope, below, &mut fields, "domain")?;
    let details = Details::read(&mut fields, tx.now, &ranks(tx)?, None);
    let tell = fields.flag("tell_contact");
    let holder = Holder::new_customer(below.unwrap_or(PROVIDER));
    let properties = values::said(tx, scope, || Ok(Standing::Above), &holder, &mut fields)?;
    if let Some(parent) = &parent {
        fields.complaints(fits_below(tx, parent)?);
        let (billing, limits) = may.below(tx, parent.id)?;
        let said = |field: &str| !["", "standard"].contains(&input.get(field));
        fields.complaints(not_permitted(said, billing, limits));
    }
    let (parent_id, code, domain, details, tell) =
        fields.finish(|| Some((parent_id?, code?, domain?, details?, tell?)))?;
    let code = match code {
        Some(code) => code,
        None => code::generate(&details.name, |code| store::code_is_used(tx, code))?,
    };
    let id = store::insert(tx, scope, parent_id, &code, &details)?;
    values::keep(tx, &Holder::customer(id), &properties)?;
    let row = Row {
        facts: facts(Some(parent_id), State::Active, &details),
        ..Row::new(Kind::Customer, id.0, Action::Added, id)
    };
    ledger::record(tx, &row)?;
    domains::first(tx, scope, id, &domain)?;
    let detail = json!({ "name": details.name, "code": code, "domain": domain });
    audit::record(tx, "customer.created", ("customer", id.0), id, &detail)?;
    life::provision(tx, id, &details.name)?;
    if tell {
        let (subject, text) = welcome(&details.name);
        life::notice::contact(tx, id, "customer.created", &subject, &text)?;
    }
    Ok(id)
}

fn welcome(name: &str) -> (String, String) {
    let text = format!(
        "{name} was set up, and you were named as its contact. Whoever looks after you sends those who \
         shall work with it a link to sign in."
    );
    (format!("{name} was set up"), text)
}

/// Changes what `input` names, as far as the actor may.
pub fn update(
    db: &Db,
    scope: &Scope<CustomersUpdate>,
    may: &May,
    id: CustomerId,
    input: &Input,
    version: Option<i64>,
) -> Result<()> {
    db.write(scope.by, |tx| update_in(tx, scope, may, id, input, version))
}

/// The same inside a transaction.
pub fn update_in(
    tx: &Write,
    scope: &Scope<CustomersUpdate>,
    may: &May,
    id: CustomerId,
    input: &Input,
    version: Option<i64>,
) -> Result<()> {
    let (billing, limits) = (may.billing(tx, id), may.limits(tx, id));
    let mut refused = not_permitted(|field| input.has(field), billing, limits);
    if !is_above(tx, scope, id)? {
        let sent = ABOVE.iter().filter(|field| input.has(field.name));
        refused.extend(
            sent.map(|field| Complaint::new(field.name, "is seen and set from above only")),
        );
    }
    change(tx, scope, id, input, version, refused)
}

/// The same for those who may change nothing but what the bill needs.
pub fn update_billing(
    db: &Db,
    scope: &Scope<CustomersBillingUpdate>,
    id: CustomerId,
    input: &Input,
    version: Option<i64>,
) -> Result<()> {
    db.write(scope.by, |tx| update_billing_in(tx, scope, id, input, version))
}

/// The same inside a transaction.
pub fn update_billing_in(
    tx: &Write,
    scope: &Scope<CustomersBillingUpdate>,
    id: CustomerId,
    input: &Input,
    version: Option<i64>,
) -> Result<()> {
    change(tx, scope, id, input, version, others(input, BILLING))
}

/// The same for type, term and user limit.
pub fn update_limits(
    db: &Db,
    scope: &Scope<CustomersLimits>,
    id: CustomerId,
    input: &Input,
    version: Option<i64>,
) -> Result<()> {
    db.write(scope.by, |tx| update_limits_in(tx, scope, id, input, version))
}

/// The same inside a transaction.
pub fn update_limits_in(
    tx: &Write,
    scope: &Scope<CustomersLimits>,
    id: CustomerId,
    input: &Input,
    version: Option<i64>,
) -> Result<()> {
    change(tx, scope, id, input, version, others(input, LIMITS))
}

fn change<P: Permission>(
    tx: &Write,
    scope: &Scope<P>,
    id: CustomerId,
    input: &Input,
    version: Option<i64>,
    refused: Vec<Complaint>,
) -> Result<()> {
    let was = store::one(tx, scope, id)?;
    if version.is_some_and(|version| version != was.version) {
        let zone = Zone::named(&was.details.time_zone).unwrap_or_else(Zone::utc);
        return Err(audit::stale(tx, ("customer", id.0), &zone)?);
    }
    if matches!(was.state, State::Deleted | State::Purged) {
        return Err(is_in_state(&was));
    }
    let old = was.details.input();
    let mut named = input.clone();
    let fixed = ["code", "parent_id", "domain"].into_iter().filter(|field| input.has(field));
    let fixed: Vec<Complaint> = fixed
        .map(|field| {
            named.remove(field);
            Complaint::new(field, "cannot change")
        })
        .collect();
    for complaint in &refused {
        named.remove(&complaint.field);
        for (key, _) in input.members(&complaint.field) {
            named.remove(&format!("{}.{key}", complaint.field));
        }
    }
    let whole = named.over(old.clone());
    let mut fields = Fields::of(&whole, EDIT);
    let details = Details::read(&mut fields, tx.now, &ranks(tx)?, Some(&was.details));
    fields.complaints(refused);
    fields.complaints(fixed);
    if let Some(details) = &details
        && details.currency != was.details.currency
        && store::has_invoices(tx, id)?
    {
        let currency = was.details.currency;
        fields.complain::<()>(
            "currency",
            format!("cannot change: invoices exist in {}", currency.code()),
        );
    }
    if was.parent.is_none() {
        let bound = ["type", "expires_on", "user_limit"];
        let other = bound.into_iter().filter(|field| whole.get(field) != old.get(field));
        fields
            .complaints(other.map(|field| Complaint::new(field, "cannot change at the provider")));
    }
    let (holder, above) = (Holder::customer(id), is_above(tx, scope, id)?);
    let standing = if above { Standing::Above } else { Standing::Administrator };
    let properties = values::said(tx, scope, || Ok(standing), &holder, &mut fields)?;
    let details = fields.finish(|| details)?;
    let new = details.input();
    let mut changed: serde_json::Map<String, Value> = EDIT
        .iter()
        .filter(|field| old.get(field.name) != new.get(field.name))
        .map(|field| (field.name.to_owned(), json!([old.get(field.name), new.get(field.name)])))
        .collect();
    changed.extend(values::differences(&properties));
    if changed.is_empty() {
        return Ok(());
    }
    store::update(tx, scope, id, &details)?;
    values::keep(tx, &holder, &properties)?;
    let (before, after) =
        (facts(was.parent, was.state, &was.details), facts(was.parent, was.state, &details));
    if before != after && was.state != State::Deprovisioned {
        let row = Row { facts: after, ..Row::new(Kind::Customer, id.0, Action::Changed, id) };
        ledger::record(tx, &row)?;
    }
    if PUSHED.iter().any(|field| changed.contains_key(*field)) && was.state != State::Deprovisioned
    {
        life::provision(tx, id, &details.name)?;
    }
    audit::record(tx, "customer.changed", ("customer", id.0), id, &Value::Object(changed))?;
    let zone = Zone::named(&details.time_zone).unwrap_or_else(Zone::utc);
    let goes_on = details.kind == Type::Standard
        || details.expires_on.is_none_or(|day| tx.now.day(&zone) <= day);
    if was.expired_at.is_some() && was.state == State::Deprovisioned && goes_on {
        life::reprovision_in(tx, scope, id)?;
    }
    Ok(())
}

/// What the outside is told of a customer: a change of it is pushed.
const PUSHED: &[&str] = &["name", "language", "country", "external_id"];

/// What looks wrong about a customer and is taken all the same.
pub fn warnings(db: &Read, customer: &Customer, above: bool) -> Result<Vec<String>> {
    let d = &customer.details;
    let mut all = Vec::new();
    if above && store::has_namesake(db, customer.id)? {
        all.push(format!("Another customer of {} has this name.", customer.parent_name));
    }
    if fields::tax_id_is_odd(&d.country, &d.tax_id) {
        all.push(format!("The tax id does not look like one of {}.", d.country));
    }
    let users = store::users(db, customer.id)?;
    if let Some(limit) = d.user_limit.filter(|limit| users > *limit) {
        all.push(format!("It has {users} of {limit} users: nobody can be added."));
    }
    Ok(all)
}

/// "Aldermoor may have 1 user; 2 exist."
pub fn over_limit(name: &str, limit: i64, exist: i64) -> String {
    let may = text::count(limit, "user", "users");
    format!("{name} may have {may}; {}.", text::count(exist, "exists", "exist"))
}

/// Creates or updates the customer that another system calls `external_id`; says whether it is new.
pub fn put(
    db: &Db,
    actor: &Actor,
    scope: &Scope<CustomersUpdate>,
    external_id: &str,
    input: &Input,
    version: Option<i64>,
) -> Result<(CustomerId, bool)> {
    if input.has("external_id") && input.get("external_id") != external_id {
        return Err(Error::invalid("external_id", "must be the one in the address"));
    }
    let may = May::of(actor);
    let mut input = input.clone();
    match db.read(|db| store::by_external_id(db, scope, external_id))? {
        Some(id) => update(db, scope, &may, id, &input, version).map(|()| (id, false)),
        None => {
            // Whoever may make none cannot tell whether there is one elsewhere.
            let scope = actor.scope::<CustomersCreate>().map_err(|_| Error::NotFound)?;
            input.set("external_id", external_id);
            Ok((create(db, &scope, &may, &input)?, true))
        }
    }
}

/// What rating reads of a customer.
pub fn facts(parent: Option<CustomerId>, state: State, details: &Details) -> Value {
    json!({
        "parent": parent,
        "type": details.kind,
        "billed_by": details.billed_by,
        "customers_billed_by": details.customers_billed_by,
        "disabled": state == State::Disabled,
        "billing_from": details.billing_from,
    })
}

/// The customer, if things can be added to it.
pub fn open_for_changes<P: Permission>(
    tx: &Read,
    scope: &Scope<P>,
    id: CustomerId,
) -> Result<Customer> {
    let customer = store::one(tx, scope, id)?;
    is_open(&customer)?;
    Ok(customer)
}

/// Refuses a customer to which nothing can be added.
pub fn is_open(customer: &Customer) -> Result<()> {
    match customer.state {
        State::Active => Ok(()),
        State::Disabled => {
            let name = &customer.details.name;
            Err(Error::refused(format!("{name} is disabled. Enable it first.")))
        }
        _ => Err(is_in_state(customer)),
    }
}

/// "{name} is {state}."
pub fn is_in_state(customer: &Customer) -> Error {
    Error::refused(format!("{} is {}.", customer.details.name, customer.state.word()))
}

/// Why nothing can be made below `parent`.
fn fits_below(tx: &Read, parent: &Customer) -> Result<Vec<Complaint>> {
    let name = &parent.details.name;
    let mut all = Vec::new();
    if !parent.reseller && parent.parent.is_some() {
        all.push(Complaint::new("", format!("{name} is not a reseller.")));
    }
    if parent.state != State::Active {
        all.push(Complaint::new("", format!("{name} is {}.", parent.state.word())));
    }
    if store::level(tx, parent.id)? >= 8 {
        all.push(Complaint::new("", "The hierarchy may be 8 levels deep."));
    }
    Ok(all)
}

/// What a new customer is where nobody says otherwise.
fn with_defaults(input: &Input, parent: Option<&Customer>, now: Instant) -> Input {
    let mut base = Input::default();
    let mut said = input.clone();
    for (field, value) in
        [("type", "standard"), ("billed_by", "inherit"), ("customers_billed_by", "reseller")]
    {
        base.set(field, value);
    }
    let (country, language, zone, currency) = match parent {
        Some(p) => (
            p.details.country.as_str(),
            p.details.language.as_str(),
            p.details.time_zone.as_str(),
            p.details.currency.code(),
        ),
        None => ("", "en", "UTC", "EUR"),
    };
    base.set("country", country);
    base.set("language", language);
    base.set("time_zone", zone);
    base.set("currency", currency);
    if input.get("type") == "demo" {
        base.set("expires_on", now.day(&Zone::utc()).plus_days(30));
    }
    for field in NEW {
        if base.has(field.name) && said.get(field.name).is_empty() {
            said.remove(field.name);
        }
    }
    said.over(base)
}

fn own_code(fields: &mut Fields) -> Option<Option<String>> {
    match fields.value("code") {
        "" => Some(None),
        code if !code::is_well_formed(code) => {
            fields.complain("code", "may have letters and digits only, at most 20")
        }
        code if code::is_reserved(code) => {
            fields.complain("code", "is the name of a device: choose another")
        }
        code => Some(Some(code.to_owned())),
    }
}

/// Complaints about fields that somebody said something in who may not.
fn not_permitted(said: impl Fn(&str) -> bool, billing: bool, limits: bool) -> Vec<Complaint> {
    let groups =
        [(billing, BILLING, CustomersBillingUpdate::NAME), (limits, LIMITS, CustomersLimits::NAME)];
    let mut all = Vec::new();
    for (_, group, name) in groups.iter().filter(|(may, ..)| !may) {
        let wanted = group.iter().filter(|field| said(field.name));
        all.extend(wanted.map(|field| Complaint::new(field.name, format!("needs {name}"))));
    }
    all
}

/// Complaints about fields that are not of `group`.
fn others(input: &Input, group: &'static [Field]) -> Vec<Complaint> {
    let said = |name: &str| input.has(name) || input.members(name).next().is_some();
    let outside = EDIT.iter().filter(|field| !among(group, field.name) && said(field.name));
    outside.map(|field| Complaint::new(field.name, "is not a field here")).collect()
}
