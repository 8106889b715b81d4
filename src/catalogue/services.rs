//! Services: defining, editing, what happens for them, putting on sale and taking off.

use super::documents::{self, need_code};
use super::{Action, EVENTS, Level, Need, OnError, OnMove, PlanState, Service, State, store};
use crate::audit;
use crate::auth::permissions::{CatalogueWrite, RulesWrite};
use crate::auth::{PROVIDER, Scope};
use crate::db::{Db, Read, Write, broken_unique};
use crate::error::{Error, Result};
use crate::ids::{ConnectorId, ServiceId};
use crate::input::{Field, Fields, Input};
use serde_json::{Value, json};

pub const NEW: &[Field] = &[
    Field::text(
        "code",
        "1 to 30 small letters, digits and hyphens, a letter first; fixed afterwards",
    )
    .required(),
    Field::text("name", "1 to 60 characters").required(),
    Field::text("category", "at most 40 characters; groups pages"),
    Field::text("description", "at most 2,000 characters"),
    Field::text("icon", "one of the shipped set"),
    Field::text("kind", "customer or user; fixed once it has plans").required(),
    Field::boolean("multi", "a holder may have several, told apart by labels"),
    Field::text(
        "label_pattern",
        "suggests a label where there are several: {customer.code}, {customer.domain}, {user.name}",
    ),
    Field::boolean("tracking_only", "may be active though nothing is done for it anywhere"),
    Field::text(
        "on_move",
        "of its user to another customer: refuse, carry or recreate; refuse when left out",
    ),
    Field::list(
        "needs",
        "codes of services that must be held first; CODE@customer where the customer must hold what users hold too",
    ),
];

pub const RULES: &[Field] = &[
    Field::list("connectors", "numbers of connectors that do the work, in their order"),
    Field::text("on_error", "stop or continue when one of them fails"),
];

/// The icons a service may show.
pub const ICONS: &[(&str, &str)] = &[
    ("stack-2", "Layers"),
    ("apps", "Apps"),
    ("building", "Building"),
    ("building-store", "Shop"),
    ("code", "Code"),
    ("database", "Storage"),
    ("devices", "Devices"),
    ("key", "Key"),
    ("lock", "Lock"),
    ("mail", "Mail"),
    ("message", "Message"),
    ("plug", "Plug"),
    ("shield", "Shield"),
    ("user", "User"),
    ("users", "Users"),
    ("world", "Globe"),
];

/// A service as it is to be.
#[derive(PartialEq, Eq)]
pub struct NewService {
    pub code: String,
    pub name: String,
    pub category: String,
    pub description: String,
    pub icon: String,
    pub kind: Level,
    pub multi: bool,
    pub label_pattern: String,
    pub tracking_only: bool,
    pub on_move: OnMove,
    pub needs: Vec<String>,
}

impl NewService {
    fn read(input: &Input) -> Result<NewService> {
        let mut fields = Fields::of(input, NEW);
        let code = fields.text("code", 1..=30).and_then(|code| {
            let good = code.starts_with(|c: char| c.is_ascii_lowercase())
                && code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
            if good {
                return Some(code);
            }
            fields.complain("code", "must be small letters, digits and hyphens, a letter first")
        });
        let name = fields.text("name", 1..=60);
        let (category, description) =
            (fields.text("category", 0..=40), fields.lines("description", 0..=2_000));
        let icon = match fields.value("icon") {
            "" => Some("stack-2".to_owned()),
            icon if ICONS.iter().any(|(name, _)| *name == icon) => Some(icon.to_owned()),
            _ => fields.complain("icon", "is not one of the choices"),
        };
        let kind = fields.parse("kind");
        let (multi, tracking_only) = (fields.flag("multi"), fields.flag("tracking_only"));
        let label_pattern = label_pattern(&mut fields, multi, kind);
        let on_move = match fields.value("on_move") {
            "" => Some(OnMove::Refuse),
            _ => fields.parse("on_move"),
        };
        let needs = fields.list::<String>("needs", 20).map(|mut needs| {
            needs.sort();
            needs.dedup();
            needs
        });
        fields.finish(|| {
            Some(NewService {
                code: code?,
                name: name?,
                category: category?,
                description: description?,
                icon: icon?,
                kind: kind?,
                multi: multi?,
                label_pattern: label_pattern?,
                tracking_only: tracking_only?,
                on_move: on_move?,
                needs: needs?,
            })
        })
    }

    fn of(service: &Service, needs: &[Need]) -> NewService {
        NewService {
            code: service.code.clone(),
            name: service.name.clone(),
            category: service.category.clone(),
            description: service.description.clone(),
            icon: service.icon.clone(),
            kind: service.kind,
            multi: service.multi,
            label_pattern: service.label_pattern.clone(),
            tracking_only: service.tracking_only,
            on_move: service.on_move,
            needs: needs.iter().map(|need| need_code(service.kind, need)).collect(),
        }
    }

    fn json(&self) -> Value {
        json!({
            "code": self.code, "name": self.name, "category": self.category,
            "description": self.description, "icon": self.icon, "kind": self.kind,
            "multi": self.multi, "label_pattern": self.label_pattern,
            "tracking_only": self.tracking_only, "on_move": self.on_move, "needs": self.needs,
        })
    }
}

/// A service as its edit form begins.
pub fn as_input(service: &Service, needs: &[Need]) -> Input {
    let mut input = Input::default();
    input.set("code", &service.code);
    input.set("name", &service.name);
    input.set("category", &service.category);
    input.set("description", &service.description);
    input.set("icon", &service.icon);
    input.set("kind", service.kind.word());
    input.set("multi", i64::from(service.multi));
    input.set("label_pattern", &service.label_pattern);
    input.set("tracking_only", i64::from(service.tracking_only));
    input.set("on_move", service.on_move.word());
    needs.iter().for_each(|need| input.push("needs", need_code(service.kind, need)));
    input
}

/// Defines a service; it is a draft at first.
pub fn create(db: &Db, scope: &Scope<CatalogueWrite>, input: &Input) -> Result<ServiceId> {
    let mut new = NewService::read(input)?;
    db.write(scope.by, |tx| {
        let wanted = read_needs(tx, &mut new)?;
        let id = taken(store::insert(tx, &new))?;
        set_needs(tx, id, &wanted)?;
        record(tx, "service.created", id, &new.json())?;
        Ok(id)
    })
}

/// Changes what is said of it; leaves out what `input` leaves out.
pub fn update(
    db: &Db,
    scope: &Scope<CatalogueWrite>,
    code: &str,
    input: &Input,
    expected: Option<i64>,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let old = store::own(tx, scope, code)?;
        fresh(&old, expected)?;
        shipped(&old)?;
        let needs = store::needs(tx, old.id)?;
        let mut new = NewService::read(&input.over(as_input(&old, &needs)))?;
        if new.code != old.code {
            return Err(Error::invalid("code", "is fixed once the service is saved"));
        }
        if new.kind != old.kind && store::has_plans(tx, old.id)? {
            return Err(Error::invalid("kind", "is fixed once the service has plans"));
        }
        if old.multi && !new.multi {
            let several = store::holders_of_several(tx, old.id)?;
            if !several.is_empty() {
                let count = several.len();
                let names = several.into_iter().take(20).collect::<Vec<_>>().join(", ");
                let who = if count == 1 { "customer holds" } else { "customers hold" };
                return Err(Error::invalid("multi", format!("{count} {who} several: {names}.")));
            }
        }
        if old.state == State::Active && !new.tracking_only && !store::has_rules(tx, old.id)? {
            return Err(Error::invalid("tracking_only", NOTHING_HAPPENS));
        }
        let before = NewService::of(&old, &needs);
        let wanted = read_needs(tx, &mut new)?;
        if new == before {
            return Ok(());
        }
        taken(store::update(tx, old.id, &new))?;
        set_needs(tx, old.id, &wanted)?;
        let detail = json!({ "old": before.json(), "new": new.json() });
        record(tx, "service.changed", old.id, &detail)
    })
}

const NOTHING_HAPPENS: &str =
    "Nothing happens when it is given. Choose what happens, or tick Tracking only.";

/// Code and name are both unique; the complaint goes to the one that is not.
fn taken<T>(result: Result<T>) -> Result<T> {
    result.map_err(|err| match broken_unique(&err) {
        Some(which) if which.contains("code") => {
            Error::invalid("code", "is used by another service")
        }
        Some(_) => Error::invalid("name", "is used by another service"),
        None => err,
    })
}

/// Says what was done and keeps how the service is now.
fn record(tx: &Write, action: &str, id: ServiceId, detail: &Value) -> Result<()> {
    if action != "service.deleted" {
        documents::keep(tx, id)?;
    }
    audit::record(tx, action, ("service", id.0), PROVIDER, detail)
}

/// Refuses when somebody else was quicker.
pub fn fresh(service: &Service, expected: Option<i64>) -> Result<()> {
    match expected {
        Some(version) if version != service.version => {
            Err(Error::Stale(format!("Somebody changed {} meanwhile.", service.name)))
        }
        _ => Ok(()),
    }
}

/// What Portico brings along is not edited.
pub fn shipped(service: &Service) -> Result<()> {
    if service.builtin {
        return Err(Error::refused(format!(
            "{} is part of Portico and stays as it is.",
            service.name
        )));
    }
    Ok(())
}

/// What a label may be suggested from.
const LABEL_WORDS: [&str; 5] =
    ["customer.code", "customer.name", "customer.domain", "user.name", "user.upn"];

fn label_pattern(fields: &mut Fields, multi: Option<bool>, kind: Option<Level>) -> Option<String> {
    let pattern = fields.text("label_pattern", 0..=60)?;
    if pattern.is_empty() {
        return Some(pattern);
    }
    if multi == Some(false) {
        return fields.complain("label_pattern", "is for services of which there may be several");
    }
    for part in pattern.split('{').skip(1) {
        let known = |word: &str| {
            LABEL_WORDS.contains(&word) && (kind == Some(Level::User) || !word.starts_with("user"))
        };
        match part.split_once('}') {
            Some((word, _)) if known(word) => {}
            Some((word, _)) => {
                let text = format!("has {{{word}}}, which is not known here");
                return fields.complain("label_pattern", text);
            }
            None => return fields.complain("label_pattern", "has a { without its }"),
        }
    }
    Some(pattern)
}

/// What it needs, read against what there is; the codes in the order of what they name.
fn read_needs(db: &Read, new: &mut NewService) -> Result<Vec<Need>> {
    let mut needs: Vec<Need> = Vec::new();
    for said in &new.needs {
        let (code, at) = match said.split_once('@') {
            Some((code, at)) => (code, Some(at)),
            None => (said.as_str(), None),
        };
        let need = store::service_of(db, code).map_err(|err| match err {
            Error::NotFound => Error::invalid("needs", format!("{code} is not a service")),
            other => other,
        })?;
        if new.kind == Level::Customer && need.kind == Level::User {
            let text =
                format!("{} is held by users; a customer service cannot need it.", need.name);
            return Err(Error::invalid("needs", text));
        }
        let at = match at.map(str::parse::<Level>) {
            None => need.kind,
            Some(Ok(at)) if at == need.kind || at == Level::Customer => at,
            Some(_) => {
                let at = at.unwrap_or_default();
                let text = format!("{} cannot be needed at the {at}", need.name);
                return Err(Error::invalid("needs", text));
            }
        };
        if needs.iter().any(|other| other.service.id == need.id) {
            return Err(Error::invalid("needs", format!("has {code} twice")));
        }
        needs.push(Need { service: need, at });
    }
    needs.sort_by(|a, b| a.service.code.cmp(&b.service.code));
    new.needs = needs.iter().map(|need| need_code(new.kind, need)).collect();
    Ok(needs)
}

/// Replaces the needs. Going round in a circle is refused with the way.
fn set_needs(tx: &Write, id: ServiceId, needs: &[Need]) -> Result<()> {
    let needs: Vec<(ServiceId, Level)> =
        needs.iter().map(|need| (need.service.id, need.at)).collect();
    let ids: Vec<ServiceId> = needs.iter().map(|(id, _)| *id).collect();
    if let Some(circle) = store::circle(tx, id, &ids)? {
        let way = circle.join(" needs ");
        return Err(Error::invalid("needs", format!("The services would need each other: {way}.")));
    }
    store::set_needs(tx, id, &needs)
}

/// Puts it on sale.
pub fn activate(db: &Db, scope: &Scope<CatalogueWrite>, code: &str) -> Result<()> {
    db.write(scope.by, |tx| {
        let service = store::own(tx, scope, code)?;
        shipped(&service)?;
        if service.state == State::Active {
            return Ok(());
        }
        let mut reasons = Vec::new();
        if !service.tracking_only && !store::has_rules(tx, service.id)? {
            reasons.push(NOTHING_HAPPENS.to_owned());
        }
        let plans = store::plans(tx, service.id)?;
        let open =
            |plan: &&super::Plan| plan.level == Level::User && plan.state == PlanState::Active;
        if service.kind == Level::User && !plans.iter().any(|plan| open(&plan)) {
            reasons.push("It has no user plan. Add one first.".to_owned());
        }
        for Need { service: need, .. } in store::needs(tx, service.id)? {
            if need.state != State::Active {
                let state = if need.state == State::Draft { "a draft" } else { "retired" };
                reasons.push(format!("needs {}, which is {state}", need.name));
            }
        }
        if !reasons.is_empty() {
            let all = reasons.into_iter().map(|text| crate::error::Complaint::new("", text));
            return Err(Error::Invalid(all.collect()));
        }
        store::set_state(tx, service.id, State::Active)?;
        let detail = json!({ "old": service.state, "new": State::Active });
        record(tx, "service.activated", service.id, &detail)
    })
}

/// Takes it off sale: nothing new is given, what exists goes on.
pub fn retire(db: &Db, scope: &Scope<CatalogueWrite>, code: &str) -> Result<()> {
    db.write(scope.by, |tx| {
        let service = store::own(tx, scope, code)?;
        shipped(&service)?;
        if service.state == State::Retired {
            return Ok(());
        }
        store::set_state(tx, service.id, State::Retired)?;
        let detail = json!({ "old": service.state, "new": State::Retired });
        record(tx, "service.retired", service.id, &detail)
    })
}

/// Deletes what was never offered, held or billed.
pub fn delete(db: &Db, scope: &Scope<CatalogueWrite>, code: &str) -> Result<()> {
    db.write(scope.by, |tx| {
        let service = store::own(tx, scope, code)?;
        shipped(&service)?;
        let name = &service.name;
        let trace = store::trace(tx, &service)?;
        if let Some(what) = trace.word(name) {
            return Err(Error::refused(what));
        }
        let needing = store::needed_by(tx, service.id)?;
        if let Some(other) = needing.first() {
            return Err(Error::refused(format!("{} needs {name}.", other.service.name)));
        }
        store::delete(tx, &service)?;
        record(tx, "service.deleted", service.id, &json!({ "code": code, "name": name }))
    })
}

/// Where a service or a plan left traces that must stay explained.
pub struct Trace {
    pub offered: bool,
    pub held: bool,
    pub in_ledger: bool,
}

impl Trace {
    /// Why it cannot be deleted.
    pub fn word(&self, name: &str) -> Option<String> {
        match self {
            Trace { in_ledger: true, .. } => Some(format!("{name} is in the ledger; retire it.")),
            Trace { held: true, .. } => Some(format!("{name} was given; retire it.")),
            Trace { offered: true, .. } => Some(format!("{name} was offered; retire it.")),
            _ => None,
        }
    }
}

/// A connector that may do the work of a service everywhere: one of the provider's.
pub struct Worker {
    pub id: ConnectorId,
    pub name: String,
    pub action: Action,
}

/// The connectors to choose from.
pub fn workers(db: &Read) -> Result<Vec<Worker>> {
    store::workers(db)
}

/// The connectors that do the work now, in order, and what a failure does.
pub fn chosen(db: &Read, service: &Service) -> Result<(Vec<ConnectorId>, OnError)> {
    let rules = store::rules_for(db, service.id, &service.event("provision"))?;
    let on_error = rules.first().map_or(OnError::Stop, |rule| rule.on_error);
    Ok((rules.iter().filter_map(|rule| rule.connector).collect(), on_error))
}

/// The place of the first of them.
const FIRST: i64 = 100;

/// Says what happens for the five events of a service: each chosen connector gets a rule for each,
/// and what was set up last is taken down first.
pub fn set_rules(db: &Db, scope: &Scope<RulesWrite>, code: &str, input: &Input) -> Result<()> {
    let mut fields = Fields::of(input, RULES);
    let connectors = fields.list::<ConnectorId>("connectors", 10);
    let on_error = fields.optional("on_error").map(|on| on.unwrap_or(OnError::Stop));
    let (connectors, on_error) = fields.finish(|| Some((connectors?, on_error?)))?;
    db.write(scope.by, |tx| {
        let service = store::own(tx, scope, code)?;
        shipped(&service)?;
        let known = store::workers(tx)?;
        let mut chosen: Vec<&Worker> = Vec::new();
        for id in &connectors {
            let worker = known.iter().find(|worker| worker.id == *id);
            let worker = worker.ok_or_else(|| {
                Error::invalid("connectors", "has something that is not one of the choices")
            })?;
            if chosen.iter().any(|other| other.id == *id) {
                let text = format!("{} is chosen twice.", worker.name);
                return Err(Error::invalid("connectors", text));
            }
            chosen.push(worker);
        }
        if chosen.is_empty() && service.state == State::Active && !service.tracking_only {
            return Err(Error::invalid("connectors", NOTHING_HAPPENS));
        }
        if self::chosen(tx, &service)? == (connectors.clone(), on_error) {
            return Ok(());
        }
        let version = store::touch(tx, service.id)?;
        store::clear_rules(tx, service.id)?;
        for what in EVENTS {
            let count = i64::try_from(chosen.len()).unwrap_or(0);
            for (place, worker) in (1..).zip(&chosen) {
                // Others may run before them, up to the hundredth place.
                let turn = if what == "deprovision" { count + 1 - place } else { place };
                let position = FIRST + turn - 1;
                let rule = store::NewRule {
                    service: service.id,
                    event: &service.event(what),
                    position,
                    place,
                    worker,
                    on_error,
                    version,
                };
                store::insert_rule(tx, &rule)?;
            }
        }
        let names: Vec<&str> = chosen.iter().map(|worker| worker.name.as_str()).collect();
        record(
            tx,
            "service.rules_changed",
            service.id,
            &json!({ "connectors": names, "on_error": on_error }),
        )
    })
}
