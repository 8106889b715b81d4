//! Plans: the variants of a service. Their prices are rows of the provider's default list, set here
//! through `prices`.

use super::documents;
use super::properties::{self, Place, Standing};
use super::services::{fresh, shipped};
use super::{Level, Plan, PlanState, Service, store};
use crate::audit;
use crate::auth::permissions::{CatalogueWrite, CostsRead, PricesWrite};
use crate::auth::{Actor, PROVIDER, Scope};
use crate::db::{Db, Read, Write, unique};
use crate::error::{Error, Result};
use crate::ids::PlanId;
use crate::input::{Field, Fields, Input};
use crate::money::{Currency, UnitPrice};
use crate::prices::{self, PlanKey, Row};
use crate::rating::{Charge, Counting};
use crate::secret::Key;
use crate::time::Date;
use serde_json::{Value, json};

pub const NEW: &[Field] = &[
    Field::text("level", "customer or user; fixed afterwards"),
    Field::text("code", "1 to 30 letters, digits, - and _; fixed afterwards").required(),
    Field::text("name", "1 to 60 characters").required(),
    Field::text("sku", "at most 60 characters"),
    Field::boolean("not_sold", "makes no bill item"),
    Field::integer("sort", "its place among the plans"),
    Field::text("price", "of one a month, like 18.00; empty: unchanged"),
    Field::text("cost", "what one costs the provider; empty: unchanged"),
    Field::text("setup_price", "once, when it is given; empty: unchanged"),
    Field::text("counting", "by_day, at_end or any_day"),
    Field::text("valid_from", "from when the prices count; empty: as soon as they can"),
    Field::object("properties", "values of properties for this plan"),
    Field::list("locks", "names of properties whose value here nobody may overrule"),
    Field::text("confirm", "where over 500 have the plan and a value changes: how many, typed"),
];

pub struct NewPlan {
    pub level: Level,
    pub code: String,
    pub name: String,
    pub sku: String,
    pub not_sold: bool,
    pub sort: i64,
    price: Option<UnitPrice>,
    cost: Option<UnitPrice>,
    setup_price: Option<UnitPrice>,
    counting: Option<Counting>,
    valid_from: Option<Date>,
}

/// Who writes a plan: what it costs is another right than what it is.
pub struct Author<'a> {
    pub scope: &'a Scope<CatalogueWrite>,
    pub key: &'a Key,
    pub prices: bool,
    pub costs: bool,
    /// Whether a document of theirs may change rules.
    pub rules: bool,
}

impl<'a> Author<'a> {
    pub fn new(actor: &Actor, scope: &'a Scope<CatalogueWrite>, key: &'a Key) -> Author<'a> {
        let (prices, costs) = (actor.may::<PricesWrite>(), actor.may::<CostsRead>());
        Author { scope, key, prices, costs, rules: false }
    }

    /// Of a file, which says nothing of prices.
    pub fn of_files(scope: &'a Scope<CatalogueWrite>, key: &'a Key, rules: bool) -> Author<'a> {
        Author { scope, key, prices: false, costs: false, rules }
    }
}

impl NewPlan {
    fn read(
        input: &Input,
        service: &Service,
        currency: Currency,
        author: &Author,
    ) -> Result<NewPlan> {
        let mut fields = Fields::of(input, NEW);
        let level = fields.optional("level").map(|level| level.unwrap_or(service.kind));
        if level == Some(Level::User) && service.kind == Level::Customer {
            fields.complain::<()>("level", "must be customer: no user holds this service");
        }
        let code = fields.text("code", 1..=30).and_then(|code| {
            let good = code.starts_with(|c: char| c.is_ascii_alphanumeric())
                && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
            if good {
                return Some(code);
            }
            fields.complain("code", "must be letters, digits, - and _, a letter or digit first")
        });
        let (name, sku) = (fields.text("name", 1..=60), fields.text("sku", 0..=60));
        let not_sold = fields.flag("not_sold");
        let sort = fields.optional_integer("sort", -1_000..=1_000).map(|sort| sort.unwrap_or(0));
        let price = fields.optional_price("price", currency);
        let cost = fields.optional_price("cost", currency);
        let setup_price = fields.optional_price("setup_price", currency);
        let counting = fields.optional::<Counting>("counting");
        if counting == Some(Some(Counting::Once)) {
            fields.complain::<()>("counting", "once is for set-up prices");
        }
        let valid_from = fields.optional_date("valid_from");
        for field in ["price", "setup_price"] {
            if !author.prices && !fields.value(field).is_empty() {
                fields.complain::<()>(field, "is not yours to set");
            }
        }
        if !author.costs && !fields.value("cost").is_empty() {
            fields.complain::<()>("cost", "is not yours to set");
        }
        fields.finish(|| {
            Some(NewPlan {
                level: level?,
                code: code?,
                name: name?,
                sku: sku?,
                not_sold: not_sold?,
                sort: sort?,
                price: price?,
                cost: cost?,
                setup_price: setup_price?,
                counting: counting?,
                valid_from: valid_from?,
            })
        })
    }

    fn json(&self) -> Value {
        json!({
            "level": self.level, "code": self.code, "name": self.name, "sku": self.sku,
            "not_sold": self.not_sold, "sort": self.sort,
        })
    }
}

/// What a plan costs, as those see it who may.
pub struct Costs {
    pub now: Option<Row>,
    pub next: Option<Row>,
    pub setup: Option<Row>,
}

/// The prices of a plan in the provider's list.
pub fn costs(db: &Read, service: &Service, plan: &Plan) -> Result<Costs> {
    let (now, next) = prices::plan_price(db, &service.code, &plan.code, Charge::Recurring)?;
    let (setup, later) = prices::plan_price(db, &service.code, &plan.code, Charge::Setup)?;
    Ok(Costs { now, next, setup: setup.or(later) })
}

/// A plan as its edit form begins. Prices are only what is to be changed, so they begin empty.
pub fn as_input(plan: &Plan) -> Input {
    let mut input = Input::default();
    input.set("level", plan.level.word());
    input.set("code", &plan.code);
    input.set("name", &plan.name);
    input.set("sku", &plan.sku);
    input.set("not_sold", i64::from(plan.not_sold));
    input.set("sort", plan.sort);
    input
}

pub fn create(db: &Db, author: &Author, service: &str, input: &Input) -> Result<PlanId> {
    db.write(author.scope.by, |tx| {
        let service = store::own(tx, author.scope, service)?;
        shipped(&service)?;
        let new = NewPlan::read(input, &service, prices::currency(tx)?, author)?;
        let id = unique(
            store::insert_plan(tx, service.id, &new),
            "code",
            "is used by another plan of this service",
        )?;
        store::touch(tx, service.id)?;
        audit::record(tx, "plan.created", ("plan", id.0), PROVIDER, &new.json())?;
        set_prices(tx, &service, &new)?;
        set_values(tx, author, &service, id, input)?;
        documents::keep(tx, service.id)?;
        Ok(id)
    })
}

pub fn update(
    db: &Db,
    author: &Author,
    service: &str,
    plan: &str,
    input: &Input,
    expected: Option<i64>,
) -> Result<()> {
    db.write(author.scope.by, |tx| {
        let service = store::own(tx, author.scope, service)?;
        shipped(&service)?;
        let old = store::plan_of(tx, service.id, plan)?;
        if expected.is_some_and(|version| version != old.version) {
            fresh(&service, Some(service.version + 1))?;
        }
        let whole = input.over(as_input(&old));
        let new = NewPlan::read(&whole, &service, prices::currency(tx)?, author)?;
        if new.code != old.code {
            return Err(Error::invalid("code", "is fixed once the plan is saved"));
        }
        if new.level != old.level {
            return Err(Error::invalid("level", "is fixed once the plan is saved"));
        }
        let same = (&new.name, &new.sku, new.not_sold, new.sort)
            == (&old.name, &old.sku, old.not_sold, old.sort);
        if !same {
            store::update_plan(tx, old.id, &new)?;
            store::touch(tx, service.id)?;
            let before = json!({ "name": old.name, "sku": old.sku, "not_sold": old.not_sold, "sort": old.sort });
            let detail = json!({ "old": before, "new": new.json() });
            audit::record(tx, "plan.changed", ("plan", old.id.0), PROVIDER, &detail)?;
        }
        set_prices(tx, &service, &new)?;
        let valued = set_values(tx, author, &service, old.id, input)?;
        if valued && same {
            store::touch(tx, service.id)?;
        }
        if valued || !same {
            documents::keep(tx, service.id)?;
        }
        Ok(())
    })
}

fn set_prices(tx: &Write, service: &Service, new: &NewPlan) -> Result<()> {
    let by_user = new.level == Level::User;
    let key = PlanKey { service: &service.code, plan: &new.code, by_user };
    let (now, next) = prices::plan_price(tx, &service.code, &new.code, Charge::Recurring)?;
    let held = next.or(now);
    let price = new.price.or(held.as_ref().map(|row| row.unit_price));
    if let (Some(price), true) =
        (price, new.price.is_some() || new.cost.is_some() || new.counting.is_some())
    {
        let cost = new.cost.or(held.as_ref().and_then(|row| row.unit_cost));
        let usual = held.as_ref().map_or(Counting::ByDay, |row| row.counting);
        let counting = new.counting.unwrap_or(usual);
        prices::set_plan_price(tx, &key, Charge::Recurring, counting, price, cost, new.valid_from)?;
    } else if new.cost.is_some() {
        return Err(Error::invalid("price", "is required where there is a cost"));
    }
    if let Some(price) = new.setup_price {
        let once = Counting::Once;
        prices::set_plan_price(tx, &key, Charge::Setup, once, price, None, new.valid_from)?;
    }
    Ok(())
}

fn set_values(
    tx: &Write,
    author: &Author,
    service: &Service,
    plan: PlanId,
    input: &Input,
) -> Result<bool> {
    let locks = input.has("locks").then(|| input.all("locks").map(str::to_owned).collect());
    let order = properties::Order {
        service,
        place: Place::Plan(plan),
        standing: Standing::Provider,
        values: &input.wishes("properties"),
        locks,
        audited_at: PROVIDER,
        confirm: Some(input.get("confirm")),
    };
    properties::store_values(tx, author.key, &order)
}

/// Takes a plan off sale, or puts it back.
pub fn set_state(
    db: &Db,
    scope: &Scope<CatalogueWrite>,
    service: &str,
    plan: &str,
    state: PlanState,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let service = store::own(tx, scope, service)?;
        shipped(&service)?;
        let old = store::plan_of(tx, service.id, plan)?;
        if old.state == state {
            return Ok(());
        }
        store::set_plan_state(tx, old.id, state)?;
        store::touch(tx, service.id)?;
        documents::keep(tx, service.id)?;
        let detail = json!({ "old": old.state, "new": state });
        audit::record(tx, "plan.changed", ("plan", old.id.0), PROVIDER, &detail)
    })
}

/// Deletes what was never offered, held or billed.
pub fn delete(db: &Db, scope: &Scope<CatalogueWrite>, service: &str, plan: &str) -> Result<()> {
    db.write(scope.by, |tx| {
        let service = store::own(tx, scope, service)?;
        shipped(&service)?;
        let old = store::plan_of(tx, service.id, plan)?;
        if let Some(why) = store::plan_trace(tx, &service, &old)?.word(&old.name) {
            return Err(Error::refused(why));
        }
        store::delete_plan(tx, &service, &old)?;
        store::touch(tx, service.id)?;
        documents::keep(tx, service.id)?;
        let detail = json!({ "code": old.code, "name": old.name });
        audit::record(tx, "plan.deleted", ("plan", old.id.0), PROVIDER, &detail)
    })
}

/// Other plans with the same SKU: "Backup, Basic". It may repeat, and is worth a look.
pub fn sharing_sku(db: &Read, plan: &Plan) -> Result<Vec<String>> {
    if plan.sku.is_empty() { Ok(Vec::new()) } else { store::sharing_sku(db, plan) }
}
