//! What lists and prices may be told, by a form or by the API, and the operations that do it.

use super::{
    Counting, NewPrice, PriceList, Row, Target, append, chain, currency, effect, store, today,
};
use crate::audit;
use crate::auth::permissions::{PricesRead, PricesWrite};
use crate::auth::{PROVIDER, Scope};
use crate::db::{Db, Read};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, PriceId, PriceListId};
use crate::input::{Field, Fields, Input};
use crate::money::{Currency, scaled};
use crate::rating::{Charge, Kind};
use serde_json::json;

pub const NEW_LIST: &[Field] = &[
    Field::text("code", "1 to 30 letters, digits and hyphens").required(),
    Field::text("name", "1 to 60 characters").required(),
    Field::integer("seller_id", "whose list it is; without, the provider's"),
    Field::text("currency", "a code like EUR").required(),
    Field::boolean("default", "used for every buyer who has no other list"),
    Field::integer(
        "markup_bp",
        "what is not listed costs the seller's own price and so many hundredths of a per cent more",
    ),
    Field::text("markup", "the same in per cent, as forms say it"),
];

pub const LIST: &[Field] = &[
    Field::text("name", "1 to 60 characters").required(),
    Field::integer("markup_bp", "hundredths of a per cent; empty: what is not listed has no price"),
    Field::text("markup", "the same in per cent, as forms say it"),
];

pub const PRICE: &[Field] = &[
    Field::text("kind", "customer_service, user_service, customer, user or domain").required(),
    Field::text("service", "its code"),
    Field::text("plan", "its code; empty: all plans of the service"),
    Field::text("what", "kind, service and plan in one, as forms say it"),
    Field::text("charge", "recurring or setup"),
    Field::text("counting", "by_day, at_end or any_day; of a setup once"),
    Field::text("price", "of a unit, like 18.00").required(),
    Field::text("cost", "what a unit costs the provider; in its own lists only"),
    Field::text("sku", "at most 60 characters; empty: the plan's"),
    Field::text("label", "at most 100 characters, appended to the text of the line"),
    Field::text("valid_from", "a day like 2026-01-31; empty: as soon as it can be"),
];

pub const OVERRIDE: &[Field] = &[
    Field::text("kind", "customer_service, user_service, customer, user or domain").required(),
    Field::text("service", "its code"),
    Field::text("plan", "its code; empty: all plans of the service"),
    Field::text("what", "kind, service and plan in one, as forms say it"),
    Field::text("charge", "recurring or setup"),
    Field::text("counting", "by_day, at_end or any_day; of a setup once"),
    Field::text("price", "of a unit, like 18.00").required(),
    Field::text("sku", "at most 60 characters; empty: the plan's"),
    Field::text("label", "at most 100 characters, appended to the text of the line"),
    Field::text("valid_from", "a day like 2026-01-31; empty: as soon as it can be"),
];

const MARKUP: std::ops::RangeInclusive<i64> = -10_000..=100_000;

/// A mark-up, as basis points or (in forms) as per cent with two decimals.
fn markup(fields: &mut Fields) -> Option<Option<i64>> {
    let text = fields.value("markup");
    if text.is_empty() {
        return fields.optional_integer("markup_bp", MARKUP);
    }
    match scaled(text.trim_end_matches(['%', ' ']), 2) {
        Some(bp) if MARKUP.contains(&bp) => Some(Some(bp)),
        _ => fields.complain("markup", "must be a number from -100 to 1000, like 12.5"),
    }
}

/// Makes a list of one's own, or of a seller below.
pub fn create_list(db: &Db, scope: &Scope<PricesWrite>, input: &Input) -> Result<PriceListId> {
    let mut fields = Fields::of(input, NEW_LIST);
    let code = fields.text("code", 1..=30).and_then(|code| {
        if code.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            Some(code)
        } else {
            fields.complain("code", "must be letters, digits and hyphens")
        }
    });
    let name = fields.text("name", 1..=60);
    let seller = fields.optional::<CustomerId>("seller_id").map(|id| id.unwrap_or(PROVIDER));
    let currency = fields.parse::<Currency>("currency");
    let main = fields.flag("default");
    let markup_bp = markup(&mut fields);
    let (code, name, seller, currency, main, markup_bp) =
        fields.finish(|| Some((code?, name?, seller?, currency?, main?, markup_bp?)))?;
    db.write(scope.by, |tx| {
        if !store::stands(tx, scope, seller)? {
            return Err(Error::NotFound);
        }
        if !store::sells(tx, seller)? {
            return Err(Error::invalid("seller_id", "is not a reseller"));
        }
        if seller == PROVIDER && markup_bp.is_some() {
            return Err(Error::invalid("markup", "is for resellers: the provider pays nobody"));
        }
        if main && store::main_list(tx, seller, currency)?.is_some() {
            let text = format!("There is a default list in {currency} already.");
            return Err(Error::invalid("default", text));
        }
        let new = store::NewList { seller, code: &code, name: &name, currency, main, markup_bp };
        let id = crate::db::unique(
            store::insert_list(tx, &new),
            "code",
            "is used by another of your lists",
        )?;
        let detail = json!({ "code": code, "name": name, "currency": currency, "default": main, "markup_bp": markup_bp });
        audit::record(tx, "price_list.created", ("price_list", id.0), seller, &detail)?;
        Ok(id)
    })
}

/// Changes name and mark-up.
pub fn update_list(
    db: &Db,
    scope: &Scope<PricesWrite>,
    id: PriceListId,
    input: &Input,
    expected: Option<i64>,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let old = store::list(tx, scope, id)?;
        if expected.is_some_and(|version| version != old.version) {
            return Err(Error::Stale("Somebody changed this list meanwhile.".to_owned()));
        }
        let mut base = Input::default();
        base.set("name", &old.name);
        if let (Some(bp), false) = (old.markup_bp, input.has("markup") || input.has("markup_bp")) {
            base.set("markup_bp", bp);
        }
        let whole = input.over(base);
        let mut fields = Fields::of(&whole, LIST);
        let (name, markup_bp) = (fields.text("name", 1..=60), markup(&mut fields));
        let (name, markup_bp) = fields.finish(|| Some((name?, markup_bp?)))?;
        if old.seller == PROVIDER && markup_bp.is_some() {
            return Err(Error::invalid("markup", "is for resellers: the provider pays nobody"));
        }
        if (&name, markup_bp) == (&old.name, old.markup_bp) {
            return Ok(());
        }
        store::update_list(tx, id, &name, markup_bp)?;
        let detail = json!({
            "name": name, "markup_bp": markup_bp,
            "old": { "name": old.name, "markup_bp": old.markup_bp },
        });
        audit::record(tx, "price_list.changed", ("price_list", id.0), old.seller, &detail)
    })
}

/// Reads a price. `cost` says whether the asker may set costs.
fn read(
    db: &Read,
    input: &Input,
    declared: &'static [Field],
    currency: Currency,
    cost: bool,
) -> Result<NewPrice> {
    let mut input = input.clone();
    // A form chooses kind, service and plan in one: "user_service/workplace/STD".
    let what = input.get("what").to_owned();
    if !what.is_empty() {
        let mut parts = what.split('/');
        for name in ["kind", "service", "plan"] {
            input.set(name, parts.next().unwrap_or_default());
        }
    }
    let mut fields = Fields::of(&input, declared);
    let kind = fields.parse::<Kind>("kind");
    let (service, plan) = (fields.text("service", 0..=30), fields.text("plan", 0..=30));
    let charge = fields.optional::<Charge>("charge").map(|c| c.unwrap_or(Charge::Recurring));
    let counting = fields.optional::<Counting>("counting");
    let unit_price = fields.price("price", currency);
    let unit_cost = if declared.iter().any(|field| field.name == "cost") {
        fields.optional_price("cost", currency)
    } else {
        Some(None)
    };
    if unit_cost.flatten().is_some() && !cost {
        fields.complain::<()>("cost", "is not yours to set");
    }
    let (sku, label) = (fields.text("sku", 0..=60), fields.text("label", 0..=100));
    let valid_from = fields.optional_date("valid_from");
    if let (Some(kind), Some(service), Some(plan)) = (kind, &service, &plan) {
        let sold = matches!(kind, Kind::CustomerService | Kind::UserService);
        if sold && service.is_empty() {
            fields.complain::<()>("service", "is required");
        } else if !sold && (!service.is_empty() || !plan.is_empty()) {
            fields.complain::<()>("service", "is only for services");
        } else if sold {
            let plan = Some(plan.as_str()).filter(|plan| !plan.is_empty());
            if !store::is_sold(db, kind, service, None)? {
                fields.complain::<()>("service", "is not in the catalogue");
            } else if !store::is_sold(db, kind, service, plan)? {
                fields.complain::<()>("plan", "is not a plan of this service");
            }
        }
    }
    let counting = match (charge, counting) {
        (Some(Charge::Setup), Some(None | Some(Counting::Once))) => Some(Counting::Once),
        (Some(Charge::Recurring), Some(None)) => Some(Counting::ByDay),
        (Some(Charge::Recurring), Some(Some(Counting::Once))) => {
            fields.complain("counting", "once is for set-up prices")
        }
        (Some(Charge::Setup), Some(Some(_))) => {
            fields.complain("counting", "must be once for a set-up price")
        }
        (_, other) => other.flatten(),
    };
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    fields.finish(|| {
        Some(NewPrice {
            kind: kind?,
            service: some(service?),
            plan: some(plan?),
            charge: charge?,
            counting: counting?,
            unit_price: unit_price?,
            unit_cost: unit_cost?,
            sku: sku?,
            label: label?,
            valid_from: valid_from?,
        })
    })
}

/// Adds a price to a list.
pub fn add(
    db: &Db,
    scope: &Scope<PricesWrite>,
    list: PriceListId,
    input: &Input,
    may_cost: bool,
) -> Result<PriceId> {
    db.write(scope.by, |tx| {
        let list = store::list(tx, scope, list)?;
        let new = read(tx, input, PRICE, list.currency, may_cost && list.seller == PROVIDER)?;
        append(tx, &list.target(), &new)
    })
}

/// Adds a price of one seller for one buyer: of whoever bills it now.
pub fn add_override(
    db: &Db,
    scope: &Scope<PricesWrite>,
    buyer: CustomerId,
    input: &Input,
) -> Result<PriceId> {
    db.write(scope.by, |tx| {
        let target = override_of(tx, scope, buyer)?;
        let new = read(tx, input, OVERRIDE, target.currency(), false)?;
        append(tx, &target, &new)
    })
}

fn override_of(db: &Read, scope: &Scope<PricesWrite>, buyer: CustomerId) -> Result<Target> {
    scope.reaches(db, buyer)?;
    let hops = chain(db, buyer)?;
    let hop = hops.first().ok_or(Error::NotFound)?;
    if !store::stands(db, scope, hop.seller_id)? {
        return Err(Error::Forbidden("Its prices are set by whoever bills it.".to_owned()));
    }
    Ok(Target::Override { seller: hop.seller_id, buyer, currency: hop.currency })
}

/// Takes back a price of a list that has not taken effect.
pub fn withdraw(db: &Db, scope: &Scope<PricesWrite>, list: PriceListId, id: PriceId) -> Result<()> {
    db.write(scope.by, |tx| {
        let target = store::list(tx, scope, list)?.target();
        take_back(tx, &target, id)
    })
}

/// The same for an override.
pub fn withdraw_override(
    db: &Db,
    scope: &Scope<PricesWrite>,
    buyer: CustomerId,
    id: PriceId,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let target = override_of(tx, scope, buyer)?;
        take_back(tx, &target, id)
    })
}

fn take_back(tx: &crate::db::Write, target: &Target, id: PriceId) -> Result<()> {
    let row = store::price(tx, target, id)?;
    let rows = store::of_thing(tx, target, &row.thing())?;
    if effect(&rows, &row).starts_on <= today(tx)? {
        return Err(Error::refused(
            "This price is in force. Add one with a later day instead; what was billed stays explained.",
        ));
    }
    store::delete(tx, id)?;
    let (_, seller, buyer) = target.columns();
    let detail = json!({
        "service": row.service, "plan": row.plan, "valid_from": row.valid_from,
        "unit_price": row.unit_price.plain(row.currency),
    });
    audit::record(tx, "price.withdrawn", ("price", id.0), buyer.unwrap_or(seller), &detail)
}

/// The currency a form for a new list begins with.
pub fn blank_list(db: &Read) -> Result<Input> {
    let mut input = Input::default();
    input.set("currency", currency(db)?);
    Ok(input)
}

impl PriceList {
    pub fn target(&self) -> Target {
        Target::List { id: self.id, seller: self.seller, currency: self.currency }
    }
}

/// The overrides for a buyer that the asker may see: its own, or those of the seller it stands at.
pub fn overrides_seen(
    db: &Read,
    scope: &Scope<PricesRead>,
    buyer: CustomerId,
    home: CustomerId,
) -> Result<Vec<Row>> {
    scope.reaches(db, buyer)?;
    let hops = chain(db, buyer)?;
    let Some(hop) = hops.first() else { return Ok(Vec::new()) };
    if buyer != home && !store::stands(db, scope, hop.seller_id)? {
        return Ok(Vec::new());
    }
    store::overrides(db, hop.seller_id, buyer)
}

/// Whether the asker is the one who sets what this buyer pays.
pub fn may_override(db: &Read, scope: &Scope<PricesWrite>, buyer: CustomerId) -> Result<bool> {
    Ok(override_of(db, scope, buyer).is_ok())
}
