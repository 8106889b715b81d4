//! One service of many: changed, suspended, resumed or ended, by the order that does it to one.

use super::acts::{Act, At, one};
use crate::assignments::state::{Verb, Wanted};
use crate::assignments::{self, Held, HeldId, Reason};
use crate::auth::permissions::{ServicesRead, UserServicesWrite};
use crate::catalogue::properties::{Property, Use, all as properties_of};
use crate::catalogue::{self, Level};
use crate::db::{Read, Write};
use crate::error::{Complaint, Error, Result};
use crate::input::{Fields, Input};
use crate::users::{Changed, User};
use crate::web::Paging;

/// More than anybody has.
const MOST: i64 = 500;

/// Who does not have it, or has it so already, stays as they are; only a plan that somebody without
/// the service was to get is refused.
pub fn act(tx: &Write, at: &At, user: &User, act: Act, said: &Input) -> Result<Changed> {
    let read = at.actor.scope::<ServicesRead>()?;
    let (code, label) = (said.get("service"), said.get("label"));
    let mut all = assignments::of_user(tx, &read, user.id, &Paging::first(MOST))?.items;
    all.retain(|held| held.wanted != Wanted::Gone);
    let same = |held: &&Held| held.code.eq_ignore_ascii_case(code) && held.label == label;
    let Some(held) = all.iter().find(same) else {
        return match act {
            Act::ChangeService => {
                let name = &user.details.display_name;
                Err(Error::refused(format!("{name} does not have {code}.")))
            }
            _ => Ok(Changed::new()),
        };
    };
    let suspended = held.reasons.contains(&Reason::Operator);
    if act == Act::ChangeService {
        return change(tx, at, user, held, said);
    }
    let (verb, old, new) = match act {
        Act::SuspendService if suspended => return Ok(Changed::new()),
        Act::SuspendService => (Verb::Suspend, "on", "suspended"),
        Act::ResumeService if !suspended => return Ok(Changed::new()),
        Act::ResumeService => (Verb::Resume, "suspended", "on"),
        _ => (Verb::Remove, held.plan.as_str(), ""),
    };
    order(tx, at, user, held, verb, Input::default())?;
    let old = if old.is_empty() { "on" } else { old };
    Ok(one(&held.title(), old, new))
}

/// Another plan, other settings, or both; nothing where it has them all already.
fn change(tx: &Write, at: &At, user: &User, held: &Held, said: &Input) -> Result<Changed> {
    let own = assignments::own_settings(tx, held)?;
    let (mut input, mut changed) = (Input::default(), Changed::new());
    let plan = said.get("plan");
    if !plan.is_empty() && !held.plan.eq_ignore_ascii_case(plan) {
        input.set("plan", plan);
        changed.extend(one(&held.title(), &held.plan, plan));
    }
    for (name, value) in said.members("properties").filter(|(_, value)| !value.is_empty()) {
        let old = own.get(name).map_or("", String::as_str);
        if old != value {
            input.set(&format!("properties.{name}"), value);
            changed.extend(one(name, old, value));
        }
    }
    for name in said.all("clear") {
        if let Some(old) = own.get(name) {
            input.set_null(&format!("properties.{name}"));
            changed.extend(one(name, old, ""));
        }
    }
    if !changed.is_empty() {
        order(tx, at, user, held, Verb::Change, input)?;
    }
    Ok(changed)
}

fn order(tx: &Write, at: &At, user: &User, held: &Held, verb: Verb, input: Input) -> Result<()> {
    let scope = at.actor.service_rights::<UserServicesWrite>()?;
    let HeldId::User(number) = held.id else { return Err(Error::NotFound) };
    let order = assignments::for_user(tx, &scope, user.id, verb, Some(number), input)?;
    let (db, key) = (&at.app.db, &at.app.config.key);
    assignments::carry_out_in(db, key, at.actor, &scope, &order, at.run).map(|_| ())
}

/// What changing a service says besides which.
pub fn read(fields: &mut Fields) {
    fields.text("plan", 0..=30);
    let typed = fields.members("properties").into_iter().filter(|(_, value)| !value.is_empty());
    let some =
        typed.count() > 0 || !fields.list::<String>("clear", 100).unwrap_or_default().is_empty();
    if !some && fields.value("plan").is_empty() {
        fields.complain::<()>("plan", "is required, or a setting");
    }
}

/// Whether the settings are some of the service that many may share. A secret is not among them: an
/// order is kept as it was said.
pub fn readable(db: &Read, said: &Input) -> Result<()> {
    let mut all = Vec::new();
    let known = of_service(db, said.get("service"))?;
    let typed =
        said.members("properties").map(|(name, _)| (name, format!("input.properties.{name}")));
    for (name, field) in typed.chain(said.all("clear").map(|name| (name, "input.clear".to_owned())))
    {
        match known.iter().find(|each| each.name == name) {
            Some(each) if each.secret => {
                all.push(Complaint::new(field, "is a secret: set it at each user’s service"));
            }
            Some(_) => {}
            None => {
                all.push(Complaint::new(field, format!("is no setting of this service: {name}")))
            }
        }
    }
    if all.is_empty() { Ok(()) } else { Err(Error::Invalid(all)) }
}

/// The settings that a user's service of that code has; none where there is no such service.
pub fn of_service(db: &Read, code: &str) -> Result<Vec<Property>> {
    let service = match catalogue::service_of(db, code) {
        Err(Error::NotFound) => return Ok(Vec::new()),
        other => other?,
    };
    let mut all = properties_of(db, service.id)?;
    all.retain(|each| each.level == Level::User && each.usage == Use::Setting);
    Ok(all)
}
