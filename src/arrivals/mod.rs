//! New users with all they begin with: services, roles, a welcome; from a template, like somebody
//! else, or from memory.
//!
//! Invariant: nobody gives along what they could not give afterwards. What was asked for and cannot
//! be given refuses the whole; what a template, a model or a memory wished for is left out and named.

pub mod api;
pub mod pages;
pub mod rehire;
pub mod templates;

use crate::assignments::state::Verb;
use crate::assignments::{self, Had};
use crate::auth::permissions::{RolesGrant, UserServicesWrite, UsersCreate, UsersPassword};
use crate::auth::{Actor, Permission, Purpose, Scope};
use crate::customers;
use crate::customers::rehearsal::{self, Preview, Told};
use crate::db::{Read, Write};
use crate::error::{Complaint, Error, Result};
use crate::ids::{CustomerId, UserId};
use crate::input::{Field, Fields, Input};
use crate::places::State;
use crate::time::Date;
use crate::users::{self, User, reaches};
use crate::web::App;
use crate::{roles, signin};
use serde_json::Value;
use std::collections::BTreeMap;

/// Somebody new, and what was wished for and not given, each with the reason.
pub struct Arrived {
    pub id: UserId,
    pub left_out: Vec<String>,
}

/// What goes along, and whether it was asked for or only wished.
#[derive(Default)]
pub struct Along {
    pub services: Vec<Had>,
    pub roles: Vec<String>,
    /// The last day of the roles.
    pub until: Option<Date>,
    pub asked: bool,
    /// Nobody is mailed of what they are given.
    pub quiet: bool,
}

/// Asks for the password once more, for what goes along and wants that.
pub type Again<'a> = &'a dyn Fn() -> Result<()>;

/// Asks for nothing: to look does not need the password.
pub const UNASKED: Again = &|| Ok(());

/// Parts of somebody that a copy may take.
const PARTS: &[&str] = &[
    "services",
    "roles",
    "department",
    "location",
    "office",
    "company",
    "address",
    "manager",
    "cost_centre",
];

/// What a plan shows of somebody new; services are among its work, the welcome among its mails.
const SHOWN: &[Field] = users::fields::ARRIVAL;

/// What *address* stands for.
const ADDRESS: &[&str] = &["street", "po_box", "city", "region", "postcode", "country"];

/// Adds a user with what goes along.
pub fn create(
    app: &App,
    actor: &Actor,
    scope: &Scope<UsersCreate>,
    customer: CustomerId,
    input: &Input,
    again: Again,
) -> Result<Arrived> {
    app.db.write(scope.by, |tx| {
        customers::open_for_changes(tx, scope, customer)?;
        let (mut base, mut wished) = (Input::default(), Along::default());
        if !input.get("template").is_empty() {
            let template = templates::chosen(tx, scope, customer, input)?;
            base = template.input(tx, scope, customer)?;
            wished = template.along();
        }
        arrive(tx, app, actor, scope, customer, &input.over(base), input, wished, again)
    })
}

/// Adds a user who is like another one of the same customer in what was ticked.
pub fn copy(
    app: &App,
    actor: &Actor,
    scope: &Scope<UsersCreate>,
    model: UserId,
    input: &Input,
    again: Again,
) -> Result<Arrived> {
    app.db.write(scope.by, |tx| {
        let user = users::one(tx, scope, model)?;
        customers::open_for_changes(tx, scope, user.customer)?;
        let (base, wished) = like(tx, &user, input)?;
        let mut said = input.clone();
        said.remove("copy");
        arrive(tx, app, actor, scope, user.customer, &said.over(base), input, wished, again)
    })
}

/// What an arrival would do, with all the names that would be made.
pub fn plan(
    app: &App,
    actor: &Actor,
    scope: &Scope<UsersCreate>,
    customer: CustomerId,
    act: impl Fn() -> Result<Arrived>,
) -> Result<Preview> {
    rehearsal::telling(&app.db, actor, customer, |tx| {
        let made = act()?;
        let user = users::one(tx, scope, made.id)?;
        let mut said = user.details.input();
        said.set("manager", &user.manager_name);
        if said.get("sign_in") == "everything" {
            said.remove("sign_in");
        }
        for role in users::roles_at_home(tx, &user)? {
            said.push("roles", role);
        }
        if user.state == State::Disabled {
            said.set("disabled", "1");
        }
        Ok(Told { diffs: rehearsal::said_of(SHOWN, &said), warnings: made.left_out })
    })
}

/// What somebody like `user` begins with. Names, addresses, numbers, marks and dates are their own.
pub fn like(db: &Read, user: &User, input: &Input) -> Result<(Input, Along)> {
    let strange = input.all("copy").find(|part| !PARTS.contains(part));
    if let Some(part) = strange {
        return Err(Error::invalid(
            "copy",
            format!("has something that is not one of the choices: {part}"),
        ));
    }
    let takes = |part: &str| !input.has("copy") || input.all("copy").any(|each| each == part);
    let (mut base, old) = (Input::default(), user.details.input());
    for field in ["department", "location", "office", "company", "manager", "cost_centre"] {
        if takes(field) {
            base.set(field, old.get(field));
        }
    }
    if takes("address") {
        ADDRESS.iter().for_each(|field| base.set(field, old.get(field)));
    }
    let mut along = Along::default();
    if takes("services") {
        along.services = assignments::had_by(db, user.id)?;
    }
    if takes("roles") {
        along.roles = users::roles_at_home(db, user)?;
    }
    Ok((base, along))
}

#[expect(clippy::too_many_arguments, reason = "the one place where all of an arrival meets")]
fn arrive(
    tx: &Write,
    app: &App,
    actor: &Actor,
    scope: &Scope<UsersCreate>,
    customer: CustomerId,
    whole: &Input,
    said: &Input,
    wished: Along,
    again: Again,
) -> Result<Arrived> {
    let mut fields = Fields::of(whole, users::fields::ARRIVAL);
    let welcome = fields.flag("welcome");
    let services = services_said(&mut fields, said);
    let (welcome, services) = fields.finish(|| Some((welcome?, services?)))?;
    let mut own = whole.clone();
    ["template", "services", "roles", "welcome"].iter().for_each(|field| own.remove(field));
    let id = users::create(&app.db, actor, scope, customer, &own)?;
    let mut left_out = Vec::new();
    let mut complaints = Vec::new();
    for (field, chosen, wished) in [
        ("services", services, Along { services: wished.services, ..Along::default() }),
        ("roles", None, Along { roles: wished.roles, ..Along::default() }),
    ] {
        let along = match field {
            _ if !said.has(field) => wished,
            "services" => Along { services: chosen.unwrap_or_default(), asked: true, ..wished },
            _ => Along {
                roles: said.all("roles").map(str::to_owned).collect(),
                asked: true,
                ..wished
            },
        };
        for each in give(tx, app, actor, customer, id, &along, again)? {
            match along.asked {
                true => complaints.push(Complaint::new(field, each)),
                false => left_out.push(each),
            }
        }
    }
    if welcome {
        complaints.extend(invite(app, actor, customer, id, tx)?);
    }
    if !complaints.is_empty() {
        return Err(Error::Invalid(complaints));
    }
    Ok(Arrived { id, left_out })
}

/// Services as they were asked for.
fn services_said(fields: &mut Fields, said: &Input) -> Option<Option<Vec<Had>>> {
    let mut all = Vec::new();
    for text in said.all("services") {
        let had = match text.split_once('/') {
            _ if text.starts_with('{') => had_of(text),
            Some((service, plan)) => Some(had(service, plan)),
            None => None,
        };
        match had {
            Some(had) => all.push(had),
            None => {
                return fields
                    .complain("services", format!("must be like workplace/standard: {text}"));
            }
        }
    }
    Some(said.has("services").then_some(all))
}

pub fn had(service: &str, plan: &str) -> Had {
    Had {
        service: service.to_owned(),
        name: service.to_owned(),
        plan: plan.to_owned(),
        plan_name: String::new(),
        label: String::new(),
        properties: BTreeMap::new(),
    }
}

fn had_of(text: &str) -> Option<Had> {
    let value: Value = serde_json::from_str(text).ok()?;
    let said = |name: &str| value.get(name).and_then(Value::as_str);
    let mut found = had(said("service")?, said("plan")?);
    found.label = said("label").unwrap_or_default().to_owned();
    let properties = value.get("properties").and_then(Value::as_object);
    for (name, value) in properties.into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        found.properties.insert(name.clone(), text);
    }
    Some(found)
}

/// Whether the actor may give users of the customer a service, were it only one.
fn may_give(db: &Read, actor: &Actor, customer: CustomerId) -> bool {
    let rights = actor.service_rights::<UserServicesWrite>();
    rights.is_ok_and(|rights| rights.reaches(db, customer).is_ok())
}

/// Gives what can be given; says why of each that cannot. A role that wants a second factor wants the
/// giver's password too.
pub fn give(
    tx: &Write,
    app: &App,
    actor: &Actor,
    customer: CustomerId,
    id: UserId,
    along: &Along,
    again: Again,
) -> Result<Vec<String>> {
    let mut refused = Vec::new();
    let mut waiting: Vec<&Had> = along.services.iter().collect();
    if !waiting.is_empty() && !may_give(tx, actor, customer) {
        let names: Vec<&str> = waiting.drain(..).map(|had| had.name.as_str()).collect();
        refused.push(needs(&names, UserServicesWrite::NAME, along.asked));
    }
    // One may need another: as long as something could be given, the rest is tried again.
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut still = Vec::new();
        for had in waiting {
            match give_one(tx, app, actor, id, had) {
                Ok(()) => {}
                Err(Error::Invalid(why)) => still.push((had, why)),
                Err(Error::Forbidden(why)) => still.push((had, vec![Complaint::new("", why)])),
                Err(err) => return Err(err),
            }
        }
        if still.len() == before {
            refused.extend(still.into_iter().map(|(had, why)| named(&had.name, why)));
            break;
        }
        waiting = still.into_iter().map(|(had, _)| had).collect();
    }
    let mut names: Vec<&String> = along.roles.iter().collect();
    if !names.is_empty() && !reaches::<RolesGrant>(tx, actor, customer) {
        let all: Vec<&str> = names.drain(..).map(String::as_str).collect();
        refused.push(needs(&all, RolesGrant::NAME, along.asked));
    }
    for role in names {
        if roles::asks_for_factor(tx, customer, role)? {
            again()?;
        }
        let mut input = Input::default();
        input.set("role", role);
        if let Some(day) = along.until {
            input.set("until_on", day);
        }
        let scope = actor.scope::<RolesGrant>()?;
        match roles::grant_telling(&app.db, actor, &scope, id, &input, !along.quiet) {
            Ok(_) => {}
            Err(Error::Invalid(why)) => refused.push(named(role, why)),
            Err(Error::Forbidden(why)) => {
                refused.push(named(role, vec![Complaint::new("", why)]));
            }
            Err(err) => return Err(err),
        }
    }
    Ok(refused)
}

fn give_one(tx: &Write, app: &App, actor: &Actor, id: UserId, had: &Had) -> Result<()> {
    let scope = actor.service_rights::<UserServicesWrite>()?;
    let mut input = Input::default();
    input.set("service", &had.service);
    input.set("plan", &had.plan);
    if !had.label.is_empty() {
        input.set("label", &had.label);
    }
    for (name, value) in &had.properties {
        input.set(&format!("properties.{name}"), value);
    }
    let order = assignments::for_user(tx, &scope, id, Verb::Give, None, input)?;
    assignments::carry_out(&app.db, &app.config.key, actor, &scope, &order).map(|_| ())
}

fn needs(names: &[&str], permission: &str, asked: bool) -> String {
    match asked {
        true => format!("needs {permission}"),
        false => format!("{}: needs {permission}", names.join(", ")),
    }
}

/// A refusal of one thing among several: sentences as they are, the rest after its name.
fn named(name: &str, why: Vec<Complaint>) -> String {
    let text = why.into_iter().map(|each| each.message).collect::<Vec<_>>().join(" ");
    if text.starts_with(char::is_uppercase) { text } else { format!("{name}: {text}") }
}

/// Mails the welcome, or says why not.
pub fn invite(
    app: &App,
    actor: &Actor,
    customer: CustomerId,
    id: UserId,
    db: &Read,
) -> Result<Vec<Complaint>> {
    if !reaches::<UsersPassword>(db, actor, customer) {
        return Ok(vec![Complaint::new("welcome", format!("needs {}", UsersPassword::NAME))]);
    }
    let scope = actor.scope::<UsersPassword>()?;
    match signin::send(app, actor, &scope, id, Purpose::Welcome, false) {
        Ok(_) => Ok(Vec::new()),
        Err(Error::Invalid(why)) => {
            Ok(why.into_iter().map(|each| Complaint::new("welcome", each.message)).collect())
        }
        Err(err) => Err(err),
    }
}
