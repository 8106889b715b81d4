//! Plans that were shown. The object shown is the object run: applying one copies its steps, after
//! what it was made from was found unchanged in the same transaction.

mod store;

use super::act::{self, Cause, Done};
use super::bulk;
use super::plan::{self, Diff, Plan, Seat, Step};
use super::quote::{self, Monthly};
use super::state::Verb;
use super::{HeldId, Order, later};
use crate::approvals::Ask;
use crate::auth::permissions::{AccountRead, CustomerServicesWrite, UserServicesWrite};
use crate::auth::{Actor, Own};
use crate::brake;
use crate::db::{Db, Read, Write};
use crate::engine::Class;
use crate::engine::queues::{self, Asked};
use crate::error::{Complaint, Error, Result};
use crate::ids::{
    CustomerId, CustomerServiceId, PreviewId, RequestId, RunId, ServiceId, UserId, UserServiceId,
};
use crate::input::Input;
use crate::secret::{self, Key, Secret};
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

words! {
    PreviewState { Ready = "ready", Applied = "applied", Stale = "stale", Discarded = "discarded" }
}

/// A plan as it is kept.
pub struct Preview {
    pub id: PreviewId,
    pub customer: CustomerId,
    pub action: String,
    pub state: PreviewState,
    pub request: Option<RequestId>,
    pub run: Option<RunId>,
    pub made_at: Instant,
    pub expires_at: Instant,
    input: String,
    document: String,
    basis: String,
}

/// A plan as it is shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Shown {
    pub title: String,
    /// What the button that does it says.
    pub button: String,
    pub subject: Subject,
    pub steps: Vec<Step>,
    pub diffs: Vec<Diff>,
    pub seats: Vec<Seat>,
    pub monthly: Option<Monthly>,
    pub warnings: Vec<String>,
    pub refusals: Vec<Complaint>,
    pub queue: String,
    /// Of a plan for many users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<bulk::Counts>,
    /// What else is done, of an order that is about no service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub work: Vec<String>,
    /// Who loses it along with the customer.
    #[serde(default)]
    pub losing: Vec<Loser>,
    /// Who has to agree before it begins.
    #[serde(default)]
    pub approvals: Vec<Agrees>,
    /// What is to be typed before it is done.
    #[serde(default)]
    pub confirm: Option<String>,
    /// The password is asked for once more as well.
    #[serde(default)]
    pub again: bool,
    /// When it is to happen, where that is not now.
    #[serde(default)]
    pub due: Option<Instant>,
}

/// A chain that has to agree.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Agrees {
    pub chain: String,
    /// Names.
    pub who: Vec<String>,
}

/// A user who loses a service because the customer does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Loser {
    pub user_id: UserId,
    pub name: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subject {
    pub customer_id: CustomerId,
    pub user_id: Option<UserId>,
    pub assignment_id: Option<i64>,
}

/// What the order of a plan is sealed for.
const SEALED_FOR: &str = "preview";

/// What is written down of a plan.
pub struct NewPreview<'a> {
    pub customer: CustomerId,
    pub user: UserId,
    pub action: &'a str,
    /// Sealed.
    pub input: String,
    pub shown: &'a Shown,
    pub basis: &'a [String],
}

/// What applying a plan started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    Request(RequestId),
    Run(RunId),
}

impl Preview {
    pub fn shown(&self) -> Result<Shown> {
        Ok(serde_json::from_str(&self.document)?)
    }

    /// Of all that is shown: what `If-Match` names.
    pub fn digest(&self) -> String {
        secret::hex(&secret::sha256(self.document.as_bytes())).chars().take(32).collect()
    }

    /// What it is worth now.
    pub fn state_at(&self, now: Instant) -> &'static str {
        if self.state == PreviewState::Ready && now > self.expires_at {
            "expired"
        } else {
            self.state.word()
        }
    }

    /// The order as it was given. It is kept sealed, since it may hold secrets.
    pub fn kept_input(&self, key: &Key) -> Result<Value> {
        open(key, &self.input)
    }

    pub fn order(&self, key: &Key) -> Result<Order> {
        let kept = self.kept_input(key)?;
        let number = |name: &str| kept.get(name).and_then(Value::as_i64);
        let user = number("user_id").map(UserId);
        let held = number("assignment_id").map(|id| match user {
            Some(_) => HeldId::User(UserServiceId(id)),
            None => HeldId::Customer(CustomerServiceId(id)),
        });
        let verb: Option<Verb> =
            self.action.rsplit_once('.').and_then(|(_, verb)| verb.parse().ok());
        Ok(Order {
            verb: verb.ok_or_else(|| Error::internal("a preview of an unknown act"))?,
            customer: self.customer,
            user,
            held,
            expected: None,
            input: Input::from_kept(kept.get("said").unwrap_or(&Value::Null)),
        })
    }
}

/// Keeps a plan to be looked at. This row is all that a preview writes.
pub fn keep(tx: &Write, key: &Key, actor: &Actor, plan: &Plan) -> Result<PreviewId> {
    let order = &plan.order;
    let shown = Shown {
        title: plan.title.clone(),
        button: plan.title.clone(),
        subject: Subject {
            customer_id: order.customer,
            user_id: order.user,
            assignment_id: order.held.map(HeldId::number),
        },
        steps: plan.shown_steps(),
        diffs: plan.whole().flat_map(|each| each.diffs.clone()).collect(),
        seats: plan.whole().flat_map(|each| each.seats.clone()).collect(),
        monthly: quote::monthly(tx, actor, order.customer, &plan.changes)?,
        warnings: plan.warnings.clone(),
        refusals: plan.refusals.clone(),
        queue: queue(tx, plan)?,
        users: None,
        work: Vec::new(),
        losing: store::named(tx, plan.losing())?,
        approvals: plan.asks.iter().map(Agrees::of).collect(),
        confirm: plan.confirm(),
        again: braked(tx, plan)?,
        due: plan.due,
    };
    let input = seal(
        key,
        &json!({
            "user_id": order.user, "assignment_id": order.held.map(HeldId::number),
            "said": order.input.to_json(),
        }),
    )?;
    insert(
        tx,
        &NewPreview {
            customer: order.customer,
            user: actor.user,
            action: &order.action(),
            input,
            shown: &shown,
            basis: &plan.basis,
        },
    )
}

/// Where the work would wait for a worker; nowhere where there is none to do. What is done for users
/// along with the customer counts where that is all there is.
fn queue(db: &Read, plan: &Plan) -> Result<String> {
    let own = format!("{}_service.", plan.order.level().word());
    let of_own = plan.steps.iter().find(|step| step.event.starts_with(&own));
    let Some(step) = of_own.or(plan.steps.first()) else { return Ok(String::new()) };
    let class = if of_own.is_some() { plan.class() } else { Class::Bulk };
    would_wait(db, plan.order.customer, plan.act.service(), &step.event, class, &plan.steps)
}

/// The queue of a plan's work for one event.
pub fn would_wait(
    db: &Read,
    customer: CustomerId,
    service: ServiceId,
    event: &str,
    class: Class,
    steps: &[Step],
) -> Result<String> {
    let of_event = steps.iter().filter(|step| step.event == event);
    let actions = of_event.map(|step| step.action).collect();
    queues::choose(db, &Asked { event, service: Some(service), customer, class, actions })
}

/// Whether so many lose it that the password is asked for again.
pub fn braked(db: &Read, plan: &Plan) -> Result<bool> {
    let n = i64::try_from(plan.losing().len()).unwrap_or(i64::MAX);
    brake::takes_from_many(db, [(plan.order.customer, n)])
}

/// An order as it is kept.
pub fn seal(key: &Key, order: &Value) -> Result<String> {
    key.seal(SEALED_FOR, &Secret::new(order.to_string()))
}

pub fn open(key: &Key, sealed: &str) -> Result<Value> {
    Ok(serde_json::from_str(key.open(SEALED_FOR, sealed)?.reveal())?)
}

pub fn insert(tx: &Write, new: &NewPreview) -> Result<PreviewId> {
    store::insert(tx, new)
}

/// A plan of one's own.
pub fn find(db: &Read, own: &Own<AccountRead>, id: PreviewId) -> Result<Preview> {
    store::one(db, own, id)
}

/// What came of trying to apply a plan.
enum Outcome {
    Applied(Applied),
    /// A new plan in place of the one that no longer holds, and what moved.
    Moved(PreviewId, String),
}

/// Runs exactly what was shown, once; a second time it names what the first one started. `digest`
/// says what was looked at, `typed` what was typed to confirm it.
pub fn apply(
    db: &Db,
    key: &Key,
    actor: &Actor,
    own: &Own<AccountRead>,
    id: PreviewId,
    digest: Option<&str>,
    typed: &Input,
) -> Result<Applied> {
    let outcome = db.write(own.by, |tx| {
        let preview = store::one(tx, own, id)?;
        if let (PreviewState::Applied, Some(started)) = (preview.state, preview.started()) {
            return Ok(Outcome::Applied(started));
        }
        if digest.is_some_and(|digest| digest != preview.digest()) {
            return Err(Error::Stale("This is not the plan you looked at.".into()));
        }
        if preview.state == PreviewState::Discarded {
            return Err(Error::refused("The plan was discarded. Make a new one."));
        }
        if tx.now > preview.expires_at {
            return Err(Error::refused("The plan is older than a day. Make a new one."));
        }
        if preview.action == bulk::ACTION {
            return apply_bulk(tx, key, actor, &preview);
        }
        let order = preview.order(key)?;
        let mut plan = match order.user {
            Some(_) => plan::of(tx, actor, &actor.service_rights::<UserServicesWrite>()?, &order)?,
            None => plan::of(tx, actor, &actor.service_rights::<CustomerServicesWrite>()?, &order)?,
        };
        if let Some(moved) = preview.moved(&plan.basis)? {
            store::set_state(tx, id, PreviewState::Stale)?;
            return Ok(Outcome::Moved(keep(tx, key, actor, &plan)?, moved));
        }
        if let Some(text) = plan.confirm() {
            crate::input::typed(typed, &text)?;
        }
        plan.run_as_shown(&preview.shown()?.steps);
        if plan.due.is_some() {
            let run = later::put_off(tx, &plan)?;
            store::applied(tx, id, None, Some(run))?;
            return Ok(Outcome::Applied(Applied::Run(run)));
        }
        let cause = Cause { preview: Some(id), ..Cause::default() };
        let Done { request, .. } = act::apply(tx, key, actor, &plan, &cause)?;
        store::applied(tx, id, Some(request), None)?;
        Ok(Outcome::Applied(Applied::Request(request)))
    })?;
    match outcome {
        Outcome::Applied(applied) => Ok(applied),
        Outcome::Moved(new, what) => Err(Error::Stale(format!(
            "{what} changed since this plan was made. Look at the new one: /previews/{new}"
        ))),
    }
}

fn apply_bulk(tx: &Write, key: &Key, actor: &Actor, preview: &Preview) -> Result<Outcome> {
    let scope = actor.service_rights::<UserServicesWrite>()?;
    let kept = preview.kept_input(key)?;
    let many = bulk::plan_again(tx, actor, &scope, preview.customer, &kept)?;
    if let Some(moved) = preview.moved(&many.basis)? {
        store::set_state(tx, preview.id, PreviewState::Stale)?;
        return Ok(Outcome::Moved(bulk::keep(tx, key, actor, &many)?, moved));
    }
    let run = bulk::start(tx, key, &many, preview)?;
    store::applied(tx, preview.id, None, Some(run))?;
    Ok(Outcome::Applied(Applied::Run(run)))
}

impl Preview {
    fn started(&self) -> Option<Applied> {
        self.request.map(Applied::Request).or(self.run.map(Applied::Run))
    }

    /// What was read then and is different now, in words.
    pub fn moved(&self, now: &[String]) -> Result<Option<String>> {
        let then: Vec<String> = serde_json::from_str(&self.basis)?;
        if then == now {
            return Ok(None);
        }
        let all = then.iter().filter(|each| !now.contains(each));
        let new = now.iter().filter(|each| !then.contains(each));
        let mut words: Vec<&str> =
            all.chain(new).filter_map(|each| each.split(' ').next()).map(in_words).collect();
        words.sort_unstable();
        words.dedup();
        Ok(Some(words.join(", ")))
    }
}

fn in_words(kind: &str) -> &str {
    match kind {
        "customer" => "The customer",
        "user" => "The user",
        "users" => "The users",
        "service" => "The service",
        "plan" => "The plan of the service",
        "rules" => "What the engine does for the service",
        "prices" => "A price",
        "values" => "A setting of the service",
        _ => "What is given",
    }
}

impl Agrees {
    pub fn of(ask: &Ask) -> Agrees {
        let who = ask.people.iter().map(|person| person.name.clone()).collect();
        Agrees { chain: ask.chain.name.clone(), who }
    }
}

/// An order that is about no service and waits for those who have to agree.
pub struct Other<'a> {
    pub customer: CustomerId,
    pub by: UserId,
    pub action: &'a str,
    pub about: Option<UserId>,
    pub title: &'a str,
    /// As it was given; it is kept sealed.
    pub order: Value,
    /// Fields, each with what it is and will be.
    pub diffs: Vec<(String, String, String)>,
    pub work: Vec<String>,
    pub warnings: Vec<String>,
    pub approvals: Vec<Agrees>,
}

/// Keeps what such an order would do, for those who decide.
pub fn keep_other(tx: &Write, key: &Key, other: &Other) -> Result<PreviewId> {
    let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let diff = |(field, before, after): &(String, String, String)| Diff {
        field: field.clone(),
        before: some(before),
        after: some(after),
        of_value: false,
    };
    let shown = Shown {
        title: other.title.to_owned(),
        button: other.title.to_owned(),
        subject: Subject { customer_id: other.customer, user_id: other.about, assignment_id: None },
        steps: Vec::new(),
        diffs: other.diffs.iter().map(diff).collect(),
        seats: Vec::new(),
        monthly: None,
        warnings: other.warnings.clone(),
        refusals: Vec::new(),
        queue: "interactive".to_owned(),
        users: None,
        work: other.work.clone(),
        losing: Vec::new(),
        approvals: other.approvals.clone(),
        confirm: None,
        again: false,
        due: None,
    };
    let new = NewPreview {
        customer: other.customer,
        user: other.by,
        action: other.action,
        input: seal(key, &other.order)?,
        shown: &shown,
        basis: &[],
    };
    insert(tx, &new)
}

/// The plan that a request waits with.
pub fn of_request(db: &Read, request: RequestId) -> Result<Option<Preview>> {
    store::of_request(db, request)
}

/// Notes what it started, within the transaction that does.
pub fn started(tx: &Write, id: PreviewId, request: RequestId) -> Result<()> {
    store::applied(tx, id, Some(request), None).map(|_| ())
}

/// Another plan has taken its place.
pub fn replaced(tx: &Write, id: PreviewId) -> Result<()> {
    store::set_state(tx, id, PreviewState::Stale).map(|_| ())
}

/// Takes a plan off the table.
pub fn discard(db: &Db, own: &Own<AccountRead>, id: PreviewId) -> Result<()> {
    db.write(own.by, |tx| {
        let preview = store::one(tx, own, id)?;
        if preview.state == PreviewState::Applied {
            return Err(Error::refused("The plan was applied already."));
        }
        store::set_state(tx, id, PreviewState::Discarded)?;
        Ok(())
    })
}
