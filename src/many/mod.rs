//! Many users at once: from files, and by selection.
//!
//! Invariant: each user is touched by the function that touches one, with the rights and guards that
//! hold at that moment; what takes from many is stopped or typed.

pub mod acts;
pub mod api;
pub mod import;
pub mod pages;
pub mod run;
mod store;

use crate::audit;
use crate::auth::permissions::{AccountRead, UsersRead};
use crate::auth::{Actor, Own, Scope};
use crate::db::{By, Db, Read, Write};
use crate::error::{Complaint, Error, Result};
use crate::html::text;
use crate::ids::{CustomerId, RunId, UserId};
use crate::input::{self, Field, Fields, Input};
use crate::jobs;
use crate::mail::{self, Class, NewMessage};
use crate::users::{Changed, Filter, lookup};
use crate::web::App;
use acts::{Act, Doing};
use serde::{Deserialize, Serialize};
use serde_json::json;

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
    Field::text("action", "edit, enable, disable, unlock, provision, add_role, take_role, password_link, expiry or upn").required(),
    Field::list("ids", "ids of users of the customer; at most 50,000"),
    Field::boolean("all", "all users that match instead"),
    Field::text("q", "of all: text inside name, sign-in name or address"),
    Field::text("state", "of all: active, disabled or deprovisioned"),
    Field::text("department", "of all: of this name"),
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
    /// The run whose work this puts back.
    #[serde(default)]
    pub of: Option<RunId>,
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
    /// Reads who and what; everybody must be within reach.
    pub fn read(
        db: &Read,
        actor: &Actor,
        scope: &Scope<UsersRead>,
        customer: CustomerId,
        said: &Input,
    ) -> Result<Order> {
        scope.reaches(db, customer)?;
        let mut fields = Fields::of(said, ORDER);
        let act = fields.parse::<Act>("action").filter(|act| *act != Act::Undo);
        let ids = fields.list::<UserId>("ids", MOST);
        let all = fields.flag("all");
        let (q, state) = (fields.text("q", 0..=100), fields.optional("state"));
        let (department, expected) =
            (fields.text("department", 0..=64), fields.optional::<usize>("expected"));
        let mut input = Input::default();
        for (name, value) in fields.members("input") {
            match name {
                "clear" => said.all("input.clear").for_each(|each| input.push("clear", each)),
                _ => input.set(name, value),
            }
        }
        if said.get("action") == Act::Undo.word() {
            fields.complain::<()>("action", "is not one of the choices");
        }
        let (act, ids, all, expected, filter) = fields.finish(|| {
            let (q, state, department) = (q?, state?, department?);
            let filter = Filter { customer: Some(customer), q, state, department };
            Some((act?, ids?, all?, expected?, filter))
        })?;
        if !act.may(actor) {
            return Err(Error::Forbidden(format!(
                "This needs the permission {}.",
                act.permission()
            )));
        }
        Doing::read(act, &input).map_err(below_input)?;
        let ids = match all {
            true => crate::users::ids_of(db, scope, &filter, MOST + 1)?,
            false => store::within(db, scope, customer, &ids)?,
        };
        match ids.len() {
            0 => return Err(Error::refused("No user was chosen.")),
            n if n > MOST => return Err(Error::refused("At most 50,000 users at once.")),
            n if expected.is_some_and(|then| then != n) => {
                let text = format!("{n} users match now. Look at the preview again.");
                return Err(Error::invalid("expected", text));
            }
            _ => {}
        }
        let undo = act.can_be_undone();
        Ok(Order { act, input: input.to_json(), ids, undo, of: None })
    }

    /// What it would do to those that are looked at: it is done, and rolled back.
    pub fn preview(&self, app: &App, actor: &Actor) -> Result<Vec<One>> {
        let mut all = Vec::new();
        let looked_at = self.ids.get(..LOOKED_AT).unwrap_or(&self.ids);
        for batch in looked_at.chunks(BATCH) {
            let rolled = app.db.write(actor.by, |tx| {
                for id in batch {
                    all.push(self.one(tx, app, actor, *id)?.0);
                }
                Err::<(), _>(Error::Conflict(LOOKED.into()))
            });
            match rolled {
                Err(Error::Conflict(text)) if text == LOOKED => {}
                other => other?,
            }
        }
        Ok(all)
    }

    /// Does it to one user, in a savepoint of its own. What was spared goes along.
    pub fn one(&self, tx: &Write, app: &App, actor: &Actor, id: UserId) -> Result<(One, Changed)> {
        let name = store::name(tx, id)?;
        let done = app.db.write(actor.by, |tx| match self.of {
            Some(run) => {
                let did = store::changed(tx, run, id)?;
                acts::put_back(tx, app, actor, id, &serde_json::from_str(&did)?)
            }
            None => {
                let doing = Doing::read(self.act, &Input::from_kept(&self.input))?;
                Ok((doing.to(tx, app, actor, id)?, Vec::new()))
            }
        });
        let (result, changes, why) = match done {
            Ok((changes, spared)) => {
                let why = match spared.is_empty() {
                    true => String::new(),
                    false => format!("changed since, and left: {}", spared.join(", ")),
                };
                let result = if changes.is_empty() { Verdict::Unchanged } else { Verdict::Changed };
                (result, changes, why)
            }
            Err(err) => (Verdict::Refused, Changed::new(), acts::why_not(err)?),
        };
        let kept = changes.clone();
        Ok((One { user_id: id, name, result, changes, why }, kept))
    }

    /// Whether so many lose something that the number is typed, and the password given again.
    pub fn is_braked(&self, db: &Read, customer: CustomerId) -> Result<bool> {
        Ok(self.act.takes() && braked(db, customer, self.ids.len())?)
    }
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

/// What a preview says to have everything rolled back.
const LOOKED: &str = "looked at";

/// Queues an order. Where many lose something their number must have been typed.
pub fn start(db: &Db, by: By, customer: CustomerId, order: &Order, said: &Input) -> Result<RunId> {
    db.write(by, |tx| {
        if order.is_braked(tx, customer)? {
            input::typed(said, &order.ids.len().to_string())?;
        }
        queue(tx, customer, order)
    })
}

/// "12 users"
fn users(n: usize) -> String {
    text::count(i64::try_from(n).unwrap_or(i64::MAX), "user", "users")
}

/// Whether so many lose something that nobody should do it by mistake: more than ten, or more than a
/// twentieth of the customer's users and three at least.
pub fn braked(db: &Read, customer: CustomerId, losing: usize) -> Result<bool> {
    let n = i64::try_from(losing).unwrap_or(i64::MAX);
    Ok(n > 10 || (n >= 3 && n.saturating_mul(20) > lookup::count(db, customer)?))
}

/// Mails those who administrate the customer's users.
fn tell_administrators(
    tx: &Write,
    customer: CustomerId,
    event: &str,
    subject: &str,
    text: &str,
) -> Result<()> {
    for (user, to, name) in store::administrators(tx, customer)? {
        let text = format!("Hello {name},\n\n{text}");
        let message = NewMessage {
            customer,
            user: Some(user),
            event,
            class: Class::Notice,
            to: &to,
            name: &name,
            subject,
            text: &text,
            link: None,
            expires: None,
        };
        mail::queue(tx, &message)?;
    }
    Ok(())
}

/// Does once more what a run could not do to some.
pub fn retry(db: &Db, actor: &Actor, own: &Own<AccountRead>, id: RunId) -> Result<RunId> {
    db.write(actor.by, |tx| {
        let (run, mut order) = ended(tx, own, id)?;
        order.ids = jobs::refused(tx, id)?.into_iter().map(UserId).collect();
        queue(tx, run.customer, &order)
    })
}

/// Puts back what a run did; what was changed since is spared.
pub fn undo(db: &Db, actor: &Actor, own: &Own<AccountRead>, id: RunId) -> Result<RunId> {
    db.write(actor.by, |tx| {
        let (run, order) = ended(tx, own, id)?;
        if !order.undo {
            return Err(Error::refused("This cannot be undone."));
        }
        let ids = store::whom(tx, id)?;
        let back = Order { act: Act::Undo, input: order.input, ids, undo: false, of: Some(id) };
        queue(tx, run.customer, &back)
    })
}

fn ended(db: &Read, own: &Own<AccountRead>, id: RunId) -> Result<(jobs::Run, Order)> {
    let run = jobs::own(db, own, id)?;
    if run.kind != KIND {
        return Err(Error::NotFound);
    }
    if matches!(run.state, jobs::State::Queued | jobs::State::Running) {
        return Err(Error::refused("It has not ended yet."));
    }
    let order: Order = serde_json::from_value(run.input.clone())?;
    Ok((run, order))
}

fn queue(tx: &Write, customer: CustomerId, order: &Order) -> Result<RunId> {
    if order.ids.is_empty() {
        return Err(Error::refused("There is nothing to do."));
    }
    let total = i64::try_from(order.ids.len()).unwrap_or(i64::MAX);
    let run = jobs::queue_run(tx, KIND, customer, &serde_json::to_value(order)?, Some(total))?;
    let detail = json!({ "action": order.act, "users": total });
    audit::record(tx, "bulk.started", ("run", run.0), customer, &detail)?;
    Ok(run)
}
