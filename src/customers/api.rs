use super::domains::{self, Domain};
use super::fields::Link;
use super::finding;
use super::life;
use super::properties::{Holder, Standing, values};
use super::rehearsal::{self, Preview};
use super::transfer::{self, Moved};
use super::{Brief, Customer, Filter, May, Type};
use crate::auth::permissions::{
    CustomersBillingUpdate, CustomersCreate, CustomersDelete, CustomersDeprovision,
    CustomersDisable, CustomersDomains, CustomersLimits, CustomersMove, CustomersRead,
    CustomersUpdate,
};
use crate::auth::{Permission, Scope};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, DomainId};
use crate::input::Field;
use crate::places::State;
use crate::time::{Date, Instant};
use crate::views::{List, told};
use crate::web::{Cx, Response, response};

/// What the API promises of a customer; a new column does not appear in it by itself.
#[derive(serde::Serialize)]
struct CustomerOut<'c> {
    id: CustomerId,
    parent_id: Option<CustomerId>,
    code: &'c str,
    name: &'c str,
    state: State,
    #[serde(rename = "type")]
    kind: Type,
    reseller: bool,
    starts_on: Option<Date>,
    expires_on: Option<Date>,
    contact_name: &'c str,
    contact_email: &'c str,
    phone: &'c str,
    fax: &'c str,
    website: &'c str,
    street: &'c str,
    city: &'c str,
    region: &'c str,
    postcode: &'c str,
    country: &'c str,
    coordinates: &'c str,
    links: &'c [Link],
    language: &'c str,
    time_zone: &'c str,
    user_limit: Option<i64>,
    external_id: Option<&'c str>,
    currency: &'c str,
    billing_id: Option<&'c str>,
    tax_id: &'c str,
    tax_rate: Option<String>,
    registration_no: &'c str,
    invoice_email: &'c str,
    invoice_address: &'c str,
    po_reference: &'c str,
    payment_days: Option<i64>,
    billed_by: super::Biller,
    customers_billed_by: super::CustomersBiller,
    billing_from: Option<Date>,
    /// These are absent for those who do not stand above.
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'c [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<&'c str>,
    /// By key; of those that whoever asks may see.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    properties: serde_json::Map<String, serde_json::Value>,
    users: i64,
    warnings: Vec<String>,
    version: i64,
    created_at: Instant,
    deprovisioned_at: Option<Instant>,
    deleted_at: Option<Instant>,
}

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("parent_id", "none for the provider"),
    Field::text("code", ""),
    Field::text("name", ""),
    Field::text("state", "active, disabled, deprovisioned, deleted"),
    Field::text("type", "standard, test, demo"),
    Field::boolean("reseller", ""),
    Field::text("contact_name", ""),
    Field::text("contact_email", ""),
    Field::integer("user_limit", "none: no limit"),
    Field::text("currency", "ISO 4217"),
    Field::object(
        "properties",
        "values of the properties that hold here, by key; absent where none does",
    ),
    Field::integer("users", "active and disabled ones"),
    Field::list("warnings", "what looks wrong and was taken all the same"),
    Field::integer("version", "for If-Match"),
    Field::text("created_at", ""),
];

#[derive(serde::Serialize)]
struct BriefOut<'c> {
    id: CustomerId,
    parent_id: Option<CustomerId>,
    code: &'c str,
    name: &'c str,
    state: State,
    #[serde(rename = "type")]
    kind: Type,
    reseller: bool,
    domain: &'c str,
    users: i64,
    created_at: Instant,
}

pub const ITEM: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("parent_id", "none for the provider"),
    Field::text("code", ""),
    Field::text("name", ""),
    Field::text("state", "active, disabled, deprovisioned, deleted"),
    Field::text("type", "standard, test, demo"),
    Field::boolean("reseller", ""),
    Field::text("domain", "the main one"),
    Field::integer("users", "active and disabled ones"),
    Field::text("created_at", ""),
];

#[derive(serde::Serialize)]
struct DomainOut<'d> {
    id: DomainId,
    name: &'d str,
    owner_id: CustomerId,
    main: bool,
    verified_at: Option<Instant>,
    receives_mail: bool,
    mail_mode: domains::MailMode,
    /// What its DNS has to say; none once it is confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<RecordOut>,
    sign_in_names: i64,
    addresses: i64,
    services: &'d [String],
    shared_with: Vec<CustomerId>,
}

#[derive(serde::Serialize)]
struct RecordOut {
    name: String,
    text: String,
}

pub const DOMAIN: &[Field] = &[
    Field::integer("id", ""),
    Field::text("name", ""),
    Field::integer("owner_id", "the customer it belongs to"),
    Field::boolean("main", "the default of new users"),
    Field::text("verified_at", "none: names on it cannot be used yet"),
    Field::boolean("receives_mail", ""),
    Field::text("mail_mode", "local or relay"),
    Field::object("record", "name and text of the record that confirms it; absent once confirmed"),
    Field::integer("sign_in_names", ""),
    Field::integer("addresses", "besides the sign-in names"),
    Field::list("services", "that name it"),
    Field::list("shared_with", "ids of customers below that use it"),
];

pub fn index(cx: &Cx, scope: &Scope<CustomersRead>) -> Result<Response> {
    let (filter, paging) = (filter(cx)?, cx.paging(super::FILTERS)?);
    let found = cx.db.read(|db| super::list(db, scope, &filter, &paging))?;
    let items: Vec<BriefOut> = found.items.iter().map(BriefOut::from).collect();
    response::json(200, &serde_json::json!({ "items": items, "next": found.next }))
}

pub fn create(cx: &Cx, scope: &Scope<CustomersCreate>) -> Result<Response> {
    let (may, input) = (May::of(&cx.actor), cx.input()?);
    if cx.only_looks()? {
        let parent = input.get("parent_id").parse().unwrap_or(cx.actor.home);
        return preview(rehearsal::of_new(cx.db, &cx.actor, scope, parent, &may, &input)?);
    }
    let id = super::create(cx.db, scope, &may, &input)?;
    cx.db.read(|db| {
        let customer = super::one(db, scope, id);
        let location = format!("/api/v1/customers/{id}");
        // Whoever may create below need not reach what is made.
        match customer {
            Ok(customer) => response::created(location, &out(db, &customer, true)?),
            Err(_) => response::created(location, &serde_json::json!({ "id": id })),
        }
    })
}

pub fn show(cx: &Cx, scope: &Scope<CustomersRead>) -> Result<Response> {
    let id = cx.param("id")?;
    cx.db.read(|db| answer(db, scope, id))
}

pub fn update(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let (id, mut input) = (cx.param("id")?, cx.input()?);
    let version = cx.expected_version(&mut input);
    let may = May::of(&cx.actor);
    if cx.only_looks()? {
        let act = |tx: &Write| super::update_in(tx, scope, &may, id, &input, version);
        return preview(rehearsal::of(cx.db, &cx.actor, id, act)?);
    }
    super::update(cx.db, scope, &may, id, &input, version)?;
    cx.db.read(|db| answer(db, scope, id))
}

pub fn update_billing(cx: &Cx, scope: &Scope<CustomersBillingUpdate>) -> Result<Response> {
    let (id, mut input) = (cx.param("id")?, cx.input()?);
    let version = cx.expected_version(&mut input);
    if cx.only_looks()? {
        let act = |tx: &Write| super::update_billing_in(tx, scope, id, &input, version);
        return preview(rehearsal::of(cx.db, &cx.actor, id, act)?);
    }
    super::update_billing(cx.db, scope, id, &input, version)?;
    cx.db.read(|db| answer(db, scope, id))
}

pub fn update_limits(cx: &Cx, scope: &Scope<CustomersLimits>) -> Result<Response> {
    let (id, mut input) = (cx.param("id")?, cx.input()?);
    let version = cx.expected_version(&mut input);
    if cx.only_looks()? {
        let act = |tx: &Write| super::update_limits_in(tx, scope, id, &input, version);
        return preview(rehearsal::of(cx.db, &cx.actor, id, act)?);
    }
    super::update_limits(cx.db, scope, id, &input, version)?;
    cx.db.read(|db| answer(db, scope, id))
}

fn preview(preview: Preview) -> Result<Response> {
    response::json(200, &preview)
}

/// Creates or updates by what another system calls it.
pub fn put(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let (external, mut input): (String, _) = (cx.param("external_id")?, cx.input()?);
    let version = cx.expected_version(&mut input);
    let (id, new) = super::put(cx.db, &cx.actor, scope, &external, &input, version)?;
    cx.db.read(|db| match answer(db, scope, id) {
        Ok(mut answer) if new => {
            answer.status = 201;
            Ok(answer.with("Location", format!("/api/v1/customers/{id}")))
        }
        other => other,
    })
}

pub fn disable(cx: &Cx, scope: &Scope<CustomersDisable>) -> Result<Response> {
    let (id, input) = (cx.param("id")?, cx.input()?);
    if cx.only_looks()? {
        let act = |tx: &Write| life::disable_in(tx, scope, id, &input);
        return preview(rehearsal::of(cx.db, &cx.actor, id, act)?);
    }
    life::disable(cx.db, scope, id, &input)?;
    cx.db.read(|db| answer(db, scope, id))
}

pub fn enable(cx: &Cx, scope: &Scope<CustomersDisable>) -> Result<Response> {
    let id = cx.param("id")?;
    life::enable(cx.db, scope, id)?;
    cx.db.read(|db| answer(db, scope, id))
}

pub fn deprovision(cx: &Cx, scope: &Scope<CustomersDeprovision>) -> Result<Response> {
    let (id, input) = (cx.param("id")?, cx.input()?);
    if cx.only_looks()? {
        return preview(rehearsal::of(cx.db, &cx.actor, id, |tx| {
            let customer = life::mortal(tx, scope, id)?;
            life::deprovision_in(tx, scope, &customer, "customer.deprovisioned")
        })?);
    }
    cx.again()?;
    life::deprovision(cx.db, scope, id, &input)?;
    cx.db.read(|db| answer(db, scope, id))
}

pub fn reprovision(cx: &Cx, scope: &Scope<CustomersDeprovision>) -> Result<Response> {
    let id = cx.param("id")?;
    if cx.only_looks()? {
        let act = |tx: &Write| life::reprovision_in(tx, scope, id);
        return preview(rehearsal::of(cx.db, &cx.actor, id, act)?);
    }
    life::reprovision(cx.db, scope, id)?;
    cx.db.read(|db| answer(db, scope, id))
}

pub fn provision(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let request = life::apply_again(cx.db, scope, cx.param("id")?)?;
    response::json(202, &serde_json::json!({ "request_id": request }))
}

pub fn destroy(cx: &Cx, scope: &Scope<CustomersDelete>) -> Result<Response> {
    let (id, input) = (cx.param("id")?, cx.input()?);
    cx.again()?;
    life::delete(cx.db, scope, id, &input)?;
    cx.db.read(|db| answer(db, scope, id))
}

pub fn restore(cx: &Cx, scope: &Scope<CustomersDelete>) -> Result<Response> {
    let id = cx.param("id")?;
    life::restore(cx.db, scope, id)?;
    cx.db.read(|db| answer(db, scope, id))
}

pub fn purge(cx: &Cx, scope: &Scope<CustomersDelete>) -> Result<Response> {
    let (id, input) = (cx.param("id")?, cx.input()?);
    cx.again()?;
    life::purge(cx.db, scope, id, &input)?;
    Ok(response::no_content())
}

pub fn transfer(cx: &Cx, scope: &Scope<CustomersMove>) -> Result<Response> {
    let (id, input) = (cx.param("id")?, cx.input()?);
    if cx.only_looks()? {
        let act = |tx: &Write| transfer::move_in(tx, scope, id, &input);
        return preview(rehearsal::of(cx.db, &cx.actor, id, act)?);
    }
    match transfer::transfer(cx.db, scope, id, &input)? {
        Moved::Now => cx.db.read(|db| answer(db, scope, id)),
        Moved::Planned(run) => response::json(202, &serde_json::json!({ "run_id": run })),
    }
}

pub const ACCEPTED: &[Field] = &[Field::integer("request_id", "what was taken in")];

pub fn domains(cx: &Cx, scope: &Scope<CustomersRead>) -> Result<Response> {
    let id = cx.param("id")?;
    let all = cx.db.read(|db| {
        scope.reaches(db, id)?;
        domains::list(db, scope, id)
    })?;
    let items: Vec<DomainOut> = all.iter().map(DomainOut::from).collect();
    response::json(200, &serde_json::json!({ "items": items, "next": null }))
}

pub fn add_domain(cx: &Cx, scope: &Scope<CustomersDomains>) -> Result<Response> {
    let customer = cx.param("id")?;
    let id = domains::create(cx.db, scope, customer, &cx.input()?)?;
    let domain = cx.db.read(|db| domains::one(db, scope, customer, id))?;
    let location = format!("/api/v1/customers/{customer}/domains/{id}");
    response::created(location, &DomainOut::from(&domain))
}

pub fn update_domain(cx: &Cx, scope: &Scope<CustomersDomains>) -> Result<Response> {
    let (customer, id) = (cx.param("id")?, cx.param("domain")?);
    domains::update(cx.db, scope, customer, id, &cx.input()?)?;
    let domain = cx.db.read(|db| domains::one(db, scope, customer, id))?;
    response::json(200, &DomainOut::from(&domain))
}

pub fn verify_domain(cx: &Cx, scope: &Scope<CustomersDomains>) -> Result<Response> {
    let (customer, id) = (cx.param("id")?, cx.param("domain")?);
    domains::verify::verify(cx.app, scope, customer, id, &cx.input()?)?;
    let domain = cx.db.read(|db| domains::one(db, scope, customer, id))?;
    response::json(200, &DomainOut::from(&domain))
}

pub fn share_domain(cx: &Cx, scope: &Scope<CustomersDomains>) -> Result<Response> {
    let (customer, id) = (cx.param("id")?, cx.param("domain")?);
    domains::share(cx.db, scope, customer, id, &cx.input()?)?;
    let domain = cx.db.read(|db| domains::one(db, scope, customer, id))?;
    response::json(200, &DomainOut::from(&domain))
}

pub fn remove_domain(cx: &Cx, scope: &Scope<CustomersDomains>) -> Result<Response> {
    domains::remove(cx.db, scope, cx.param("id")?, cx.param("domain")?)?;
    Ok(response::no_content())
}

/// What the query asks for. Pages read it the same way.
pub fn filter(cx: &Cx) -> Result<Filter> {
    finding::read(&cx.request.query, &cx.actor)
}

fn answer<P: Permission>(db: &Read, scope: &Scope<P>, id: CustomerId) -> Result<Response> {
    let customer = super::one(db, scope, id)?;
    let above = super::is_above(db, scope, id)?;
    let answer = response::json(200, &out(db, &customer, above)?)?;
    Ok(answer.with("ETag", format!("\"{}\"", customer.version)))
}

fn out<'c>(db: &Read, customer: &'c Customer, above: bool) -> Result<CustomerOut<'c>> {
    let d = &customer.details;
    let standing = if above { Standing::Above } else { Standing::Reader };
    let kept = values::of(db, standing, &Holder::customer(customer.id))?;
    Ok(CustomerOut {
        id: customer.id,
        parent_id: customer.parent,
        code: &customer.code,
        name: &d.name,
        state: customer.state,
        kind: d.kind,
        reseller: customer.reseller,
        starts_on: d.starts_on,
        expires_on: d.expires_on,
        contact_name: &d.contact_name,
        contact_email: &d.contact_email,
        phone: &d.phone,
        fax: &d.fax,
        website: &d.website,
        street: &d.street,
        city: &d.city,
        region: &d.region,
        postcode: &d.postcode,
        country: &d.country,
        coordinates: &d.coordinates,
        links: &d.links,
        language: &d.language,
        time_zone: &d.time_zone,
        user_limit: d.user_limit,
        external_id: d.external_id.as_deref(),
        currency: d.currency.code(),
        billing_id: d.billing_id.as_deref(),
        tax_id: &d.tax_id,
        tax_rate: d.tax_rate_bp.map(super::fields::percent),
        registration_no: &d.registration_no,
        invoice_email: &d.invoice_email,
        invoice_address: &d.invoice_address,
        po_reference: &d.po_reference,
        payment_days: d.payment_days,
        billed_by: d.billed_by,
        customers_billed_by: d.customers_billed_by,
        billing_from: d.billing_from,
        rank: above.then_some(d.rank.as_str()),
        tags: above.then_some(d.tags.as_slice()),
        notes: above.then_some(d.notes.as_str()),
        properties: values::object(&kept),
        users: super::store::users(db, customer.id)?,
        warnings: super::warnings(db, customer, above)?,
        version: customer.version,
        created_at: customer.created_at,
        deprovisioned_at: customer.deprovisioned_at,
        deleted_at: customer.deleted_at,
    })
}

impl<'c> From<&'c Brief> for BriefOut<'c> {
    fn from(c: &'c Brief) -> Self {
        BriefOut {
            id: c.id,
            parent_id: c.parent,
            code: &c.code,
            name: &c.name,
            state: c.state,
            kind: c.kind,
            reseller: c.reseller,
            domain: &c.domain,
            users: c.users,
            created_at: c.created_at,
        }
    }
}

impl<'d> From<&'d Domain> for DomainOut<'d> {
    fn from(d: &'d Domain) -> Self {
        DomainOut {
            id: d.id,
            name: &d.name,
            owner_id: d.owner,
            main: d.main,
            verified_at: d.verified_at,
            receives_mail: d.receives_mail,
            mail_mode: d.mail_mode,
            record: d.verified_at.is_none().then(|| RecordOut {
                name: domains::verify::place(&d.name),
                text: domains::verify::record(&d.proof),
            }),
            services: &d.services,
            shared_with: d.shared_with.iter().map(|(id, _)| *id).collect(),
            sign_in_names: d.sign_in_names,
            addresses: d.addresses,
        }
    }
}

pub fn views(cx: &Cx, _: &Scope<CustomersRead>) -> Result<Response> {
    told::index(cx, List::Customers)
}

pub fn save_view(cx: &Cx, _: &Scope<CustomersRead>) -> Result<Response> {
    told::create(cx, List::Customers, &|query| finding::read(query, &cx.actor).map(|_| ()))
}

pub fn delete_view(cx: &Cx, _: &Scope<CustomersRead>) -> Result<Response> {
    told::destroy(cx, List::Customers)
}
