//! Many users at once: from files, and by selection.
//!
//! Invariant: each user is touched by the function that touches one, with the rights and guards that
//! hold at that moment; what takes from many is stopped or typed.

pub mod acts;
pub mod api;
pub mod import;
pub mod names;
pub mod pages;
pub mod run;
pub mod tell;
mod back;
mod leave;
mod relocate;
mod services;
mod store;

use crate::audit;
use crate::auth::permissions::{AccountRead, UsersRead};
use crate::auth::{Actor, Own, Scope, not_acting};
use crate::brake;
use crate::db::{By, Db, Read, Write};
use crate::error::{Complaint, Error, Result};
use crate::html::text;
use crate::ids::{CustomerId, RunId, UserId};
use crate::input::{self, Field, Fields, Input};
use crate::jobs;
use crate::roles;
use crate::users::{Changed, Filter, finding};
use crate::web::App;
use acts::{Act, At, Doing};
use names::Renaming;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;

/// The kind of run in `schedule.rs`.
pub const KIND: &str = "users.many";

/// Users of one order.
pub const MOST: usize = 50_000;

/// Users that a preview looks at; the run says of all.
pub const LOOKED_AT: usize = 2_000;

/// Users of one transaction of a preview.
const BATCH: usize = 100;

/// What an order over many says.
pub const ORDER: &[Field] = &[
    Field::text(
        "action",
        "edit, enable, disable, unlock, provision, deprovision, offboard, delete, move, add_role, take_role, service_give, service_change, service_suspend, service_resume, service_remove, password_link, welcome, expiry or upn",
    )
    .required(),
    Field::list("ids", "ids of users; at most 50,000"),
    Field::boolean("all", "all users that match instead"),
    Field::text("q", "of all: text inside name, sign-in name or address"),
    Field::text("state", "of all: active, disabled or deprovisioned"),
    Field::text("department", "of all: of this name, within one customer"),
    Field::text("filter", "of all: further filters of the list, as in its address: role=Billing&badge=locked"),
    Field::integer("expected", "of all: how many matched when it was looked at"),
    Field::object("input", "what the action takes"),
    Field::boolean("preview", "true says what it would do and does nothing"),
    Field::text("confirm", "the number of users, where many lose something"),
];

/// An order over many, its users fixed.
#[derive(Serialize, Deserialize)]
pub struct Order {
    pub act: Act,
    pub input: serde_json::Value,
    pub ids: Vec<UserId>,
    /// Whether what it does can be put back.
    pub undo: bool,
    /// The run whose work this puts back, and what that did.
    #[serde(default)]
    pub of: Option<(RunId, Act)>,
    /// Of new sign-in names: who gets which.
    #[serde(default)]
    pub names: names::Plan,
}

words! {
    Verdict { Changed = "changed", Unchanged = "unchanged", Refused = "refused" }
}

/// What an order means for one user.
#[derive(Serialize)]
pub struct One {
    pub user_id: UserId,
    pub name: String,
    pub result: Verdict,
    pub changes: Changed,
    pub why: String,
}

impl Order {
    /// Reads who and what; everybody must be within reach, and of the customer where one is named.
    pub fn read(
        db: &Read,
        actor: &Actor,
        scope: &Scope<UsersRead>,
        customer: Option<CustomerId>,
        said: &Input,
    ) -> Result<Order> {
        if let Some(customer) = customer {
            scope.reaches(db, customer)?;
        }
        let mut fields = Fields::of(said, ORDER);
        let act = fields.parse::<Act>("action").filter(|act| *act != Act::Undo);
        if said.get("action") == Act::Undo.word() {
            fields.complain::<()>("action", "is not one of the choices");
        }
        if act == Some(Act::GiveService) {
            fields.complain::<()>("action", "is done within one customer");
        }
        let chosen = Chosen::read(&mut fields, actor, customer);
        let (act, chosen) = fields.finish(|| Some((act?, chosen?)))?;
        let input = within_input(said);
        if !act.may(actor) {
            return Err(Error::Forbidden(format!(
                "This needs the permission {}.",
                act.permission()
            )));
        }
        Doing::read(act, &input).map_err(below_input)?;
        if matches!(act, Act::Delete | Act::Move) {
            not_acting(actor)?;
        }
        if act == Act::Move {
            relocate::destination(db, actor, &input)?;
        }
        if act == Act::ChangeService {
            services::readable(db, &input)?;
        }
        let ids = match act {
            Act::Upn => {
                let renaming = Renaming::read(&input).map_err(below_input)?;
                chosen.named(db, scope, &renaming)?
            }
            _ => chosen.ids(db, scope)?,
        };
        match ids.len() {
            0 => return Err(Error::refused("No user was chosen.")),
            n if n > MOST => return Err(Error::refused("At most 50,000 users at once.")),
            n if chosen.expected.is_some_and(|then| then != n) => {
                let text = format!("{n} users match now. Look at the preview again.");
                return Err(Error::invalid("expected", text));
            }
            _ => {}
        }
        let undo = act.can_be_undone();
        let (input, names) = (input.to_json(), names::Plan::default());
        Order { act, input, ids, undo, of: None, names }.planned(db)
    }

    /// With the names that everybody gets, as far as it is about those.
    fn planned(self, db: &Read) -> Result<Order> {
        if self.act != Act::Upn {
            return Ok(self);
        }
        let renaming = Renaming::read(&Input::from_kept(&self.input))?;
        let (ids, names) = renaming.plan(db, &self.ids)?;
        Ok(Order { ids, names, ..self })
    }

    /// The users from `done` on who are changed in one transaction.
    fn unit(&self, done: usize) -> Option<&[UserId]> {
        let rest = self.ids.get(done..)?;
        let first = rest.first()?;
        rest.get(..self.names.together(*first)).or(Some(rest))
    }

    /// What it would do to those that are looked at: it is done, and rolled back.
    pub fn preview(&self, app: &App, actor: &Actor) -> Result<Vec<One>> {
        let at = At { app, actor, run: None };
        let mut all = Vec::new();
        let last = self.ids.len().min(LOOKED_AT);
        while all.len() < last {
            let batch = app.db.rehearse(actor.by, |tx| {
                let mut batch = Vec::new();
                while batch.len() < BATCH && all.len() + batch.len() < last {
                    let Some(unit) = self.unit(all.len() + batch.len()) else { break };
                    batch.extend(self.to(tx, &at, unit)?);
                }
                Ok(batch)
            })?;
            all.extend(batch);
        }
        Ok(all)
    }

    /// Does it to those who belong together, nearly always one, in a savepoint of their own.
    fn to(&self, tx: &Write, at: &At, unit: &[UserId]) -> Result<Vec<One>> {
        let done = match self.names_refused(unit) {
            Some(why) => Err(Error::refused(why)),
            None => at.app.db.write(at.actor.by, |tx| self.carry_out(tx, at, unit)),
        };
        let one = |id: &UserId, result, changes, why| {
            Ok(One { user_id: *id, name: store::name(tx, *id)?, result, changes, why })
        };
        match done {
            Ok(done) => {
                let each = unit.iter().zip(done);
                each.map(|(id, (changes, spared))| {
                    let why = match spared.is_empty() {
                        true => String::new(),
                        false => {
                            let fields: Vec<String> =
                                spared.iter().map(|field| run::words(field)).collect();
                            format!("changed since, and left: {}", fields.join(", "))
                        }
                    };
                    match changes.is_empty() {
                        true => one(id, Verdict::Unchanged, changes, why),
                        false => one(id, Verdict::Changed, changes, why),
                    }
                })
                .collect()
            }
            Err(err) => {
                let why = acts::why_not(err)?;
                let each = unit.iter();
                each.map(|id| one(id, Verdict::Refused, Changed::new(), why.clone())).collect()
            }
        }
    }

    fn names_refused(&self, unit: &[UserId]) -> Option<&str> {
        unit.iter().find_map(|id| self.names.why_not(*id))
    }

    /// What changed of each, and what was spared.
    fn carry_out(
        &self,
        tx: &Write,
        at: &At,
        unit: &[UserId],
    ) -> Result<Vec<(Changed, Vec<String>)>> {
        let input = Input::from_kept(&self.input);
        if self.act == Act::Upn {
            let done = Renaming::read(&input)?.change(tx, at, &self.names, unit)?;
            return Ok(done.into_iter().map(|changed| (changed, Vec::new())).collect());
        }
        unit.iter()
            .map(|id| match self.of {
                Some((run, _)) => {
                    let did = store::changed(tx, run, *id)?;
                    back::put(tx, at, *id, &serde_json::from_str(&did)?)
                }
                None => Ok((Doing::read(self.act, &input)?.to(tx, at, *id)?, Vec::new())),
            })
            .collect()
    }

    /// Whether somebody loses something by it.
    pub fn takes(&self) -> bool {
        match self.of {
            Some((_, did)) => matches!(did, Act::Enable | Act::AddRole),
            None => self.act.takes(),
        }
    }

    /// Whether so many lose something that their number is typed.
    pub fn is_braked(&self, db: &Read) -> Result<bool> {
        if !self.takes() {
            return Ok(false);
        }
        brake::takes_from_many(db, store::by_customer(db, &self.ids)?)
    }

    /// Whether the password is given once more: for what ends accounts, takes from many, or gives a
    /// role that asks for a second factor.
    pub fn asks_again(&self, db: &Read) -> Result<bool> {
        let gives = match self.of {
            Some((_, did)) => did == Act::TakeRole,
            None => self.act == Act::AddRole,
        };
        if gives {
            let input = Input::from_kept(&self.input);
            for (customer, _) in store::by_customer(db, &self.ids)? {
                if roles::asks_for_factor(db, customer, input.get("role"))? {
                    return Ok(true);
                }
            }
        }
        Ok(self.act.asks_again() || self.is_braked(db)?)
    }

    /// What it is called.
    pub fn title(&self) -> String {
        match self.of {
            Some((_, did)) => format!("Undo {}", did.title().to_lowercase()),
            None => self.act.title().to_owned(),
        }
    }

    /// What the one who orders it must hold.
    pub fn permission(&self) -> &'static str {
        self.of.map_or(self.act, |(_, did)| did).permission()
    }
}

/// Whom an order is for, as it was said.
struct Chosen {
    ids: Vec<UserId>,
    all: bool,
    filter: Filter,
    expected: Option<usize>,
}

impl Chosen {
    fn read(fields: &mut Fields, actor: &Actor, customer: Option<CustomerId>) -> Option<Chosen> {
        let ids = fields.list::<UserId>("ids", MOST);
        let all = fields.flag("all");
        let (q, state) = (fields.text("q", 0..=100), fields.optional("state"));
        let department = fields.text("department", 0..=64);
        let expected = fields.optional::<usize>("expected");
        let department = match department {
            Some(name) if customer.is_none() && !name.is_empty() => {
                fields.complain("department", "is one of a customer")
            }
            other => other,
        };
        let further = Input::from_form(fields.text("filter", 0..=1_000)?.as_bytes());
        let more = match finding::read(&further, actor) {
            Ok(filter) => filter.more,
            Err(_) => return fields.complain("filter", "is not a filter of the list"),
        };
        let filter = Filter { customer, q: q?, state: state?, department: department?, more };
        Some(Chosen { ids: ids?, all: all?, filter, expected: expected? })
    }

    fn ids(&self, db: &Read, scope: &Scope<UsersRead>) -> Result<Vec<UserId>> {
        match self.all {
            true => crate::users::ids_of(db, scope, &self.filter, MOST + 1),
            false => store::within(db, scope, self.filter.customer, &self.ids),
        }
    }

    /// The same for new names: a list of those says by itself who is meant.
    fn named(
        &self,
        db: &Read,
        scope: &Scope<UsersRead>,
        renaming: &Renaming,
    ) -> Result<Vec<UserId>> {
        let Some(names) = renaming.old_names() else { return self.ids(db, scope) };
        let found = store::named(db, scope, self.filter.customer, &names)?;
        let mut strange: Vec<&str> = Vec::new();
        strange.extend(names.iter().filter(|name| !found.contains_key(**name)));
        if !strange.is_empty() {
            let text = format!("has nobody’s sign-in name here: {}", few(&strange));
            return Err(Error::invalid("input.names", text));
        }
        if self.all || !self.ids.is_empty() {
            let chosen: BTreeSet<UserId> = self.ids(db, scope)?.into_iter().collect();
            let others = found.iter().filter(|(_, id)| !chosen.contains(id));
            strange.extend(others.map(|(name, _)| name.as_str()));
        }
        if !strange.is_empty() {
            let text = format!("has somebody who was not chosen: {}", few(&strange));
            return Err(Error::invalid("input.names", text));
        }
        Ok(found.into_values().collect())
    }
}

/// The first three of a list.
fn few(all: &[&str]) -> String {
    let more = if all.len() > 3 { " …" } else { "" };
    format!("{}{more}", all.get(..3).unwrap_or(all).join(", "))
}

/// What the action takes, by its own names.
fn within_input(said: &Input) -> Input {
    let mut input = Input::default();
    for (name, value) in said.members("input") {
        match name {
            "clear" => said.all("input.clear").for_each(|each| input.push("clear", each)),
            // Several may be chosen.
            _ if name.starts_with("set.properties.") => {
                let all: Vec<&str> = said.all(&format!("input.{name}")).collect();
                input.set(name, all.join(", "));
            }
            _ => input.set(name, value),
        }
    }
    input
}

/// Complaints about what the action takes, under the names that the order has for it.
fn below_input(err: Error) -> Error {
    let named = |each: Complaint| match each.field.is_empty() {
        true => each,
        false => Complaint::new(format!("input.{}", each.field), each.message),
    };
    match err {
        Error::Invalid(all) => Error::Invalid(all.into_iter().map(named).collect()),
        other => other,
    }
}

/// Queues an order. Where many lose something their number must have been typed.
pub fn start(db: &Db, by: By, customer: CustomerId, order: &Order, said: &Input) -> Result<RunId> {
    db.write(by, |tx| {
        if order.ids.is_empty() {
            return Err(Error::refused("There is nothing to do."));
        }
        let braked = order.is_braked(tx)?;
        if braked {
            input::typed(said, &order.ids.len().to_string())?;
        }
        let total = i64::try_from(order.ids.len()).unwrap_or(i64::MAX);
        let run = jobs::queue_run(tx, KIND, customer, &serde_json::to_value(order)?, Some(total))?;
        let detail = json!({ "action": order.act, "users": total });
        audit::record(tx, "bulk.started", ("run", run.0), customer, &detail)?;
        if braked && brake::needs_another_look(tx, &store::by_customer(tx, &order.ids)?)? {
            let title = format!("{}: {}", order.title(), users(order.ids.len()));
            let items = brake::users(tx, &order.ids, &order.title().to_lowercase())?;
            brake::hold_run(tx, run, &title, &items)?;
        }
        Ok(run)
    })
}

/// "12 users"
fn users(n: usize) -> String {
    text::count(i64::try_from(n).unwrap_or(i64::MAX), "user", "users")
}

/// The order that does once more what a run of one's own could not do, and the run's customer.
pub fn retrying(db: &Read, own: &Own<AccountRead>, id: RunId) -> Result<(CustomerId, Order)> {
    let (run, order) = ended(db, own, id)?;
    let ids = jobs::refused(db, id)?.into_iter().map(UserId).collect();
    Ok((run.customer, Order { ids, ..order }.planned(db)?))
}

/// The order that puts back what a run of one's own did; what was changed since is spared.
pub fn undoing(db: &Read, own: &Own<AccountRead>, id: RunId) -> Result<(CustomerId, Order)> {
    let (run, order) = ended(db, own, id)?;
    if !order.undo {
        return Err(Error::refused("This cannot be undone."));
    }
    let (ids, of) = (store::whom(db, id)?, Some((id, order.act)));
    Ok((run.customer, Order { act: Act::Undo, ids, undo: false, of, ..order }))
}

fn ended(db: &Read, own: &Own<AccountRead>, id: RunId) -> Result<(jobs::Run, Order)> {
    let run = jobs::own(db, own, id)?;
    if run.kind != KIND {
        return Err(Error::NotFound);
    }
    if matches!(run.state, jobs::State::Queued | jobs::State::Running | jobs::State::Held) {
        return Err(Error::refused("It has not ended yet."));
    }
    let order: Order = serde_json::from_value(run.input.clone())?;
    Ok((run, order))
}
