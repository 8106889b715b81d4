use super::documents::need_code;
use super::plans::{self, Author};
use super::properties::api::property_out;
use super::properties::{self, Property, Standing};
use super::store::Filter;
use super::{Level, OnMove, Plan, PlanState, Service, State, defaults, services, store};
use crate::auth::permissions::{CatalogueRead, CatalogueWrite, CostsRead, PricesRead, RulesWrite};
use crate::auth::{PROVIDER, Scope};
use crate::error::Result;
use crate::ids::{ConnectorId, ServiceId};
use crate::input::{Field, Input};
use crate::web::{Cx, Response, response};
use serde::Serialize;
use serde_json::{Value, json};

pub const FILTERS: &[Field] = &[
    Field::text("q", "part of the name or the code"),
    Field::text("kind", "customer or user"),
    Field::text("state", "draft, active or retired"),
];

pub const RULES_OUT: &[Field] = &[Field::list("connectors", "numbers, in the order of work")];

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::text("code", ""),
    Field::text("name", ""),
    Field::text("category", ""),
    Field::text("description", ""),
    Field::text("icon", ""),
    Field::text("kind", "customer or user"),
    Field::boolean("multi", ""),
    Field::text("label_pattern", ""),
    Field::text("state", "draft, active or retired"),
    Field::boolean("tracking_only", ""),
    Field::text("on_move", "refuse, carry or recreate"),
    Field::integer("version", ""),
    Field::list("needs", "codes of services; CODE@customer where the customer must hold it"),
    Field::list("plans", "when one service is shown"),
    Field::list("properties", "when one service is shown"),
    Field::list("connectors", "numbers, in the order of work; for the provider"),
];

#[derive(Serialize)]
struct ServiceOut<'s> {
    id: ServiceId,
    code: &'s str,
    name: &'s str,
    category: &'s str,
    description: &'s str,
    icon: &'s str,
    kind: Level,
    multi: bool,
    label_pattern: &'s str,
    state: State,
    tracking_only: bool,
    on_move: OnMove,
    version: i64,
}

impl<'s> From<&'s Service> for ServiceOut<'s> {
    fn from(s: &'s Service) -> ServiceOut<'s> {
        ServiceOut {
            id: s.id,
            code: &s.code,
            name: &s.name,
            category: &s.category,
            description: &s.description,
            icon: &s.icon,
            kind: s.kind,
            multi: s.multi,
            label_pattern: &s.label_pattern,
            state: s.state,
            tracking_only: s.tracking_only,
            on_move: s.on_move,
            version: s.version,
        }
    }
}

/// A service with all that the asker may see of it.
fn whole(cx: &Cx, scope: &Scope<CatalogueRead>, code: &str) -> Result<Value> {
    let provider = cx.actor.is_provider();
    let (prices, costs) = (provider && cx.actor.may::<PricesRead>(), cx.actor.may::<CostsRead>());
    cx.db.read(|db| {
        let service = store::visible(db, scope, code)?;
        let mut out = serde_json::to_value(ServiceOut::from(&service))?;
        let mut all = Vec::new();
        for plan in store::visible_plans(db, scope, service.id)? {
            let mut each = plan_out(&plan);
            if prices {
                let held = plans::costs(db, &service, &plan)?;
                let show = |row: &Option<crate::prices::Row>| {
                    row.as_ref().map(|row| row.unit_price.plain(row.currency))
                };
                put(&mut each, "price", json!(show(&held.now.clone().or(held.next.clone()))));
                put(&mut each, "setup_price", json!(show(&held.setup)));
                let row = held.now.or(held.next);
                put(&mut each, "currency", json!(row.as_ref().map(|row| row.currency)));
                if costs {
                    let cost = row.and_then(|row| Some(row.unit_cost?.plain(row.currency)));
                    put(&mut each, "cost", json!(cost));
                }
            }
            if provider {
                put(&mut each, "properties", stored(db, &service, &plan)?);
            }
            all.push(each);
        }
        let standing = if provider { Standing::Provider } else { standing_at_home(cx) };
        let seen = properties::seen(db, service.id, standing)?;
        put(
            &mut out,
            "needs",
            store::needs(db, service.id)?
                .iter()
                .map(|need| need_code(service.kind, need))
                .collect(),
        );
        put(&mut out, "plans", Value::from(all));
        put(&mut out, "properties", seen.iter().map(property_out).collect());
        if provider {
            let (connectors, on_error) = services::chosen(db, &service)?;
            put(&mut out, "connectors", json!(connectors));
            put(&mut out, "on_error", json!(on_error));
        }
        Ok(out)
    })
}

/// Below the provider the catalogue is seen as one sees it for one's own customers, or for oneself.
pub fn standing_at_home(cx: &Cx) -> Standing {
    let reseller = cx.db.read(|db| store::is_reseller(db, cx.actor.home)).unwrap_or(false);
    match (cx.actor.home == PROVIDER, reseller) {
        (true, _) => Standing::Provider,
        (_, true) => Standing::Reseller,
        _ => Standing::Customer,
    }
}

/// Adds a field to an object.
fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

fn plan_out(plan: &Plan) -> Value {
    json!({
        "id": plan.id, "level": plan.level, "code": plan.code, "name": plan.name, "sku": plan.sku,
        "not_sold": plan.not_sold, "state": plan.state, "sort": plan.sort, "version": plan.version,
    })
}

/// The values of a plan; of a secret only that there is one.
fn stored(db: &crate::db::Read, service: &Service, plan: &Plan) -> Result<Value> {
    let values = properties::at(db, service.id, properties::Place::Plan(plan.id))?;
    let one = |(property, value, locked): (Property, Value, bool)| {
        (property.name, json!({ "value": value, "locked": locked }))
    };
    Ok(Value::Object(values.into_iter().map(one).collect()))
}

/// The filters of a list of services, from its query.
pub fn filter(query: &Input) -> Filter {
    Filter {
        q: query.get("q").chars().take(60).collect(),
        kind: query.get("kind").parse().ok(),
        state: query.get("state").parse().ok(),
    }
}

pub fn index(cx: &Cx, scope: &Scope<CatalogueRead>) -> Result<Response> {
    let paging = cx.paging(FILTERS)?;
    let filter = filter(&cx.request.query);
    let rows = cx.db.read(|db| store::list(db, scope, &filter, &paging))?;
    let page = paging.listing(rows, |row| (row.service.name.clone(), row.service.id.0));
    let items: Vec<ServiceOut> = page.items.iter().map(|row| (&row.service).into()).collect();
    response::json(200, &json!({ "items": items, "next": page.next }))
}

pub fn show(cx: &Cx, scope: &Scope<CatalogueRead>) -> Result<Response> {
    response::json(200, &whole(cx, scope, &cx.param::<String>("code")?)?)
}

pub fn shown(cx: &Cx, code: &str, status: u16) -> Result<Response> {
    let read = cx.actor.scope::<CatalogueRead>()?;
    let body = whole(cx, &read, code)?;
    if status == 201 {
        return response::created(format!("/api/v1/services/{code}"), &body);
    }
    response::json(status, &body)
}

pub fn create(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let input = cx.input()?;
    services::create(cx.db, scope, &input)?;
    shown(cx, input.get("code"), 201)
}

pub fn update(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let (code, mut input) = (cx.param::<String>("code")?, cx.input()?);
    let expected = cx.expected_version(&mut input);
    services::update(cx.db, scope, &code, &input, expected)?;
    shown(cx, &code, 200)
}

pub fn activate(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let code: String = cx.param("code")?;
    services::activate(cx.db, scope, &code)?;
    shown(cx, &code, 200)
}

pub fn retire(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let code: String = cx.param("code")?;
    services::retire(cx.db, scope, &code)?;
    shown(cx, &code, 200)
}

pub fn destroy(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    services::delete(cx.db, scope, &cx.param::<String>("code")?)?;
    Ok(response::no_content())
}

pub fn set_rules(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    let code: String = cx.param("code")?;
    services::set_rules(cx.db, scope, &code, &cx.input()?)?;
    let ids: Vec<ConnectorId> =
        cx.db.read(|db| Ok(services::chosen(db, &super::service_of(db, &code)?)?.0))?;
    response::json(200, &json!({ "connectors": ids }))
}

pub fn create_plan(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let (code, input) = (cx.param::<String>("code")?, cx.input()?);
    let author = Author::new(&cx.actor, scope, &cx.app.config.key);
    plans::create(cx.db, &author, &code, &input)?;
    shown(cx, &code, 201)
}

pub fn update_plan(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let (code, plan): (String, String) = (cx.param("code")?, cx.param("plan")?);
    let mut input = cx.input()?;
    let expected = cx.expected_version(&mut input);
    let author = Author::new(&cx.actor, scope, &cx.app.config.key);
    plans::update(cx.db, &author, &code, &plan, &input, expected)?;
    shown(cx, &code, 200)
}

/// The values of the definition itself: of a plan, or the defaults.
pub fn set_values(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let (code, input): (String, _) = (cx.param("code")?, cx.input()?);
    let author = Author::new(&cx.actor, scope, &cx.app.config.key);
    defaults::set(cx.db, &author, &code, &input)?;
    shown(cx, &code, 200)
}

pub fn destroy_plan(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    plans::delete(cx.db, scope, &cx.param::<String>("code")?, &cx.param::<String>("plan")?)?;
    Ok(response::no_content())
}

fn set_plan_state(cx: &Cx, scope: &Scope<CatalogueWrite>, state: PlanState) -> Result<Response> {
    let (code, plan): (String, String) = (cx.param("code")?, cx.param("plan")?);
    plans::set_state(cx.db, scope, &code, &plan, state)?;
    shown(cx, &code, 200)
}

pub fn retire_plan(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    set_plan_state(cx, scope, PlanState::Retired)
}

pub fn activate_plan(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    set_plan_state(cx, scope, PlanState::Active)
}
