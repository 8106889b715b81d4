//! "Why can't I?": every condition of a permission in its order, each with yes or no and what decided.

mod store;

use crate::auth::permissions::{
    self, RolesAllow, RolesGrant, ServicesRead, UsersDisable, UsersMfa,
};
use crate::auth::{self, Actor, Admits, Door, Held, PROVIDER, Right};
use crate::catalogue::{self, Service};
use crate::db::{Read, Via};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, UserId};
use crate::input::{Field, Input};
use crate::offers::{self, Subject};

/// What is asked.
pub const ASK: &[Field] = &[
    Field::integer("user", "whose rights; one's own when left out"),
    Field::text("permission", "like users.update").required(),
    Field::integer("customer", "to whom; the user's own customer when left out"),
    Field::text("service", "the code of the service, where it is about one"),
    Field::integer("to", "the user it would be done to"),
];

/// Nobody does these to themselves.
const NOT_TO_ONESELF: &[&str] = &[
    "users.disable",
    "users.deprovision",
    "users.delete",
    "users.move",
    "users.mfa",
    "users.act_as",
    "roles.grant",
];
/// Nor these to somebody who may do more, wherever that one sits.
const NOT_TO_STRONGER: &[&str] =
    &["users.rename", "users.deprovision", "users.delete", "users.move", "roles.grant"];
/// Nor these to the last administrator.
const NOT_TO_THE_LAST: &[&str] =
    &["users.disable", "users.deprovision", "users.delete", "users.move", "roles.grant"];

/// One condition.
#[derive(serde::Serialize)]
pub struct Check {
    pub what: &'static str,
    pub ok: bool,
    pub text: String,
    /// Where the reader can change it.
    pub href: Option<String>,
}

pub struct Question {
    pub user: UserId,
    pub permission: &'static str,
    pub customer: CustomerId,
    pub service: Option<String>,
    /// The user it would be done to.
    pub to: Option<UserId>,
}

fn check(what: &'static str, ok: bool, text: impl Into<String>) -> Check {
    Check { what, ok, text: text.into(), href: None }
}

/// The conditions, those that follow from one that failed included, so that all is said at once.
pub fn explain(db: &Read, viewer: &Actor, asked: &Question) -> Result<Vec<Check>> {
    let person = store::person(db, asked.user)?;
    let place = store::customer_name(db, asked.customer)?;
    let mut checks = vec![store::door(&person, db.now)];
    let admits = permissions::admits(asked.permission).ok_or(Error::NotFound)?;
    if asked.permission == "account.read" {
        checks.push(check("Roles held", true, "Everybody who signs in holds it."));
        return Ok(checks);
    }
    let held = auth::held(db, asked.user, person.home)?;
    let mut containing = Vec::new();
    for each in held {
        let rights = auth::rights_at(db, &[(each.role, each.at)], person.home, true)?;
        if rights.iter().any(|right| right.permission == asked.permission) {
            containing.push(each);
        }
    }
    checks.push(roles_held(db, viewer, asked, &person, &containing)?);
    let mut worth: Vec<Right> = Vec::new();
    for each in &containing {
        checks.push(in_force(db, viewer, each)?);
        if each.why_not.is_none() {
            let rights = auth::rights_at(db, &[(each.role, each.at)], person.home, false)?;
            worth.extend(rights.into_iter().filter(|right| right.permission == asked.permission));
        }
    }
    let service = service(db, viewer, asked)?;
    if admits != Admits::Oneself && !worth.is_empty() {
        checks.push(reach(db, admits, &person, &worth, asked, &place)?);
        if permissions::is_per_service(asked.permission) {
            checks.extend(limit(db, &worth, asked, service.as_ref())?);
        }
    }
    if let Some(name) = auth::requires_factor(db, asked.user, person.home)? {
        checks.push(factor(db, viewer, asked.user, &name)?);
    }
    if viewer.user == asked.user && !worth.is_empty() {
        checks.extend(narrowed(db, viewer, asked, admits)?);
    }
    if let Some(to) = asked.to {
        checks.extend(guards(db, asked, to)?);
    }
    if let Some(service) = service.filter(|_| asked.permission.ends_with("_services.write")) {
        let subject = match asked.to {
            Some(user) if asked.permission.starts_with("user_") => {
                Subject::User(asked.customer, user)
            }
            _ => Subject::Customer(asked.customer),
        };
        for each in offers::why_not(db, viewer, subject, &service, None)? {
            let href = each.mend.as_ref().map(|(_, href)| href.clone());
            checks.push(Check { what: "Offer and limit", ok: each.ok, text: each.text, href });
        }
    }
    if asked.permission == "users.create" {
        checks.extend(store::user_limit(db, asked.customer)?);
    }
    Ok(checks)
}

fn roles_held(
    db: &Read,
    viewer: &Actor,
    asked: &Question,
    person: &store::Person,
    containing: &[Held],
) -> Result<Check> {
    let permission = asked.permission;
    if !containing.is_empty() {
        let names: Vec<String> =
            containing.iter().map(|each| format!("{} at {}", each.name, each.at_name)).collect();
        let text = format!("{} has {permission} from {}.", person.name, names.join(", "));
        return Ok(check("Roles held", true, text));
    }
    let text = match store::roles_with(db, permission)?.as_slice() {
        [] => format!("No role of {} has {permission}.", person.name),
        some => {
            format!("No role of {} has {permission}. It is in {}.", person.name, some.join(", "))
        }
    };
    let may = match viewer.scope::<RolesGrant>() {
        Ok(scope) => viewer.user != asked.user && scope.reaches(db, person.home).is_ok(),
        Err(_) => false,
    };
    let href = may.then(|| format!("/users/{}/access", asked.user));
    Ok(Check { href, ..check("Roles held", false, text) })
}

fn in_force(db: &Read, viewer: &Actor, held: &Held) -> Result<Check> {
    let Some(why) = &held.why_not else {
        return Ok(check("In force", true, format!("{} works at {}.", held.name, held.at_name)));
    };
    let text = format!("{} does not work at {}: {why}.", held.name, held.at_name);
    let reaches = match viewer.scope::<RolesAllow>() {
        Ok(scope) => scope.reaches(db, held.at).is_ok(),
        Err(_) => false,
    };
    let href = reaches.then(|| format!("/customers/{}/allowed-roles", held.at));
    Ok(Check { href, ..check("In force", false, text) })
}

fn reach(
    db: &Read,
    admits: Admits,
    person: &store::Person,
    worth: &[Right],
    asked: &Question,
    place: &str,
) -> Result<Check> {
    if admits == Admits::Provider {
        let ok = person.home == PROVIDER;
        let text = if ok { "It holds everywhere." } else { "Only people of the provider have it." };
        return Ok(check("Reach", ok, text));
    }
    let codes: Vec<i64> = worth.iter().map(|right| right.code).collect();
    if store::reaches(db, &codes, asked.customer)? {
        return Ok(check("Reach", true, format!("It reaches {place}.")));
    }
    let mut parts = Vec::new();
    for code in codes {
        let at = store::customer_name(db, CustomerId(code / 4))?;
        parts.push(match code % 4 {
            1 => format!("{at} itself"),
            2 => format!("those below {at}, not {at} itself"),
            _ => format!("{at} and those below"),
        });
    }
    parts.dedup();
    let text = format!("It does not reach {place}. It reaches {}.", parts.join("; "));
    Ok(check("Reach", false, text))
}

fn limit(
    db: &Read,
    worth: &[Right],
    asked: &Question,
    service: Option<&Service>,
) -> Result<Vec<Check>> {
    let everywhere = worth.iter().any(|right| right.service.is_none());
    let Some(service) = service else {
        let text = if everywhere {
            "It holds for every service."
        } else {
            "It holds for some services. Name one to see."
        };
        return Ok(vec![check("Service", everywhere, text)]);
    };
    let codes: Vec<i64> = worth
        .iter()
        .filter(|right| right.service.is_none_or(|id| id == service.id))
        .map(|right| right.code)
        .collect();
    let ok = store::reaches(db, &codes, asked.customer)?;
    let text = if ok {
        format!("It holds for {}.", service.name)
    } else {
        format!("It does not hold for {} there.", service.name)
    };
    Ok(vec![check("Service", ok, text)])
}

fn factor(db: &Read, viewer: &Actor, user: UserId, name: &str) -> Result<Check> {
    let ok = auth::factor::has_factor(db, user)?;
    let text = if ok {
        format!("{name} asks for a second factor, and there is one.")
    } else {
        format!("{name} asks for a second factor, and there is none.")
    };
    let href = (!ok && viewer.user == user).then(|| "/account/factor".to_owned());
    Ok(Check { href, ..check("Second factor", ok, text) })
}

/// What a token or acting as another leaves of it.
fn narrowed(db: &Read, viewer: &Actor, asked: &Question, admits: Admits) -> Result<Option<Check>> {
    let codes: Vec<i64> = viewer
        .all_rights()
        .into_iter()
        .filter(|right| right.permission == asked.permission)
        .map(|right| right.code)
        .collect();
    let left = match admits {
        Admits::Oneself => viewer.rights().contains_key(asked.permission),
        _ => store::reaches(db, &codes, asked.customer)?,
    };
    let what = "Token, acting as";
    Ok(match (viewer.by.via, viewer.by.acting_for.is_some()) {
        (Via::Api, _) if left => Some(check(what, true, "The token includes it.")),
        (Via::Api, _) => Some(check(what, false, "The token in use leaves it out.")),
        (_, true) if left => Some(check(what, true, "Both of you have it.")),
        (_, true) => {
            Some(check(what, false, "You act as somebody else and do not have it yourself."))
        }
        _ => None,
    })
}

/// What holds back even who has the right.
fn guards(db: &Read, asked: &Question, to: UserId) -> Result<Vec<Check>> {
    let mut checks = Vec::new();
    let Ok(actor) = auth::actor(db, asked.user, Door::Job, Via::Page) else { return Ok(checks) };
    let mut push = |what: &'static str, outcome: Result<()>, fine: &str| match outcome {
        Ok(()) => checks.push(check(what, true, fine)),
        Err(Error::Forbidden(text)) => checks.push(check(what, false, text)),
        Err(Error::Invalid(all)) => {
            let text = all.into_iter().map(|each| each.message).next().unwrap_or_default();
            checks.push(check(what, false, text));
        }
        Err(_) => {}
    };
    let asked = asked.permission;
    if NOT_TO_ONESELF.contains(&asked) {
        push("Oneself", auth::not_oneself(&actor, to), "It is somebody else.");
    }
    let stronger = match asked {
        "users.disable" => Some(auth::not_stronger_peer::<UsersDisable>(db, &actor, to)),
        "users.mfa" => Some(auth::not_stronger_peer::<UsersMfa>(db, &actor, to)),
        _ if NOT_TO_STRONGER.contains(&asked) => Some(auth::not_stronger(db, &actor, to)),
        _ => None,
    };
    if let Some(outcome) = stronger {
        push("Stronger", outcome, "They hold no right that stands in the way.");
    }
    if NOT_TO_THE_LAST.contains(&asked) {
        let last = auth::not_last_administrator(db, actor.home, to);
        push("Last", last, "An administrator would be left.");
    }
    Ok(checks)
}

fn service(db: &Read, viewer: &Actor, asked: &Question) -> Result<Option<Service>> {
    let Some(code) = asked.service.as_deref().filter(|code| !code.is_empty()) else {
        return Ok(None);
    };
    let scope = viewer.scope::<ServicesRead>()?;
    scope.reaches(db, asked.customer)?;
    catalogue::service_of(db, code).map(Some)
}

/// What a query asks. Customers and users that the viewer does not reach by any right are not found.
pub fn question(db: &Read, viewer: &Actor, user: UserId, query: &Input) -> Result<Question> {
    let unknown = || Error::invalid("permission", "is not a permission");
    let known = permissions::ALL.iter().find(|(name, _)| *name == query.get("permission"));
    let (permission, _) = known.ok_or_else(unknown)?;
    let codes: Vec<i64> = viewer.all_rights().into_iter().map(|right| right.code).collect();
    let own = viewer.home;
    let home = match user == viewer.user {
        true => own,
        false => store::home_within(db, &serde_json::to_string(&codes)?, user)?,
    };
    let customer = match (query.get("customer"), query.get("customer").parse()) {
        ("", _) => home,
        (_, Ok(id)) => CustomerId(id),
        (code, _) => store::customer_of_code(db, code)?.ok_or(Error::NotFound)?,
    };
    if customer != own && !store::reaches(db, &codes, customer)? {
        return Err(Error::NotFound);
    }
    let to = match (query.get("to"), query.get("to").parse()) {
        ("", _) => None,
        (_, Ok(id)) => Some(UserId(id)),
        (name, _) => Some(store::user_called(db, name)?.ok_or(Error::NotFound)?),
    };
    if let Some(to) = to.filter(|to| *to != viewer.user) {
        store::home_within(db, &serde_json::to_string(&codes)?, to)?;
    }
    let service = Some(query.get("service").to_owned()).filter(|code| !code.is_empty());
    Ok(Question { user, permission, customer, service, to })
}
