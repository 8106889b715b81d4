//! Orders about users that others have to agree to first, as the chains of their customer say. On
//! pages and in the API they are kept as they were given; where nothing can wait they are refused.
//!
//! Invariant: whoever orders could do it by themselves, were nobody to be asked.

use super::form::LABELS;
use super::{life, lookup};
use crate::approvals::chains::Verb;
use crate::approvals::{self, Ask, Matter};
use crate::assignments::previews::{self, Agrees, Other};
use crate::audit;
use crate::auth::permissions::UsersDeprovision;
use crate::auth::{Actor, Scope};
use crate::customers::rehearsal::{self, Diff, Preview};
use crate::db::{Db, Read, Via, Write};
use crate::engine::{self, Class, Hold, NewRequest};
use crate::error::{Complaint, Error, Result};
use crate::ids::{CustomerId, RequestId, UserId};
use crate::input::Input;
use crate::ledger::Source;
use crate::secret::Key;
use crate::web::{Cx, Response, response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The event in `events.rs`.
pub const EVENT: &str = "user.order";

/// What is told where it waits.
pub const WAITS: &str = "Ordered. It is done as soon as others have agreed to it.";

/// Where one's own orders are that wait.
pub const PLACE: &str = "/approvals?view=ordered";

words! {
    /// By which form it was ordered: what is carried out in the end.
    Door {
        Create = "create", Copy = "copy", Change = "change", Names = "names", Account = "account",
        TestFlag = "test_flag", Deprovision = "deprovision", Rehire = "rehire",
    }
}

/// An order as it was given.
pub struct Wish<'a> {
    pub door: Door,
    pub customer: CustomerId,
    /// Whom it is about; of a copy, the model.
    pub user: Option<UserId>,
    pub input: &'a Input,
}

/// The same as it is kept.
#[derive(Serialize, Deserialize)]
pub struct Kept {
    pub door: Door,
    pub user: Option<UserId>,
    pub input: Value,
}

impl Door {
    fn verb(self) -> Verb {
        match self {
            Door::Create | Door::Copy | Door::Rehire => Verb::UserCreate,
            Door::Change | Door::Names | Door::Account | Door::TestFlag => Verb::UserChange,
            Door::Deprovision => Verb::UserDeprovision,
        }
    }
}

impl Wish<'_> {
    /// Whom a manager is looked for: nobody has one before they are there.
    fn subject(&self) -> Option<UserId> {
        self.user.filter(|_| self.door != Door::Copy)
    }

    fn title(&self, db: &Read, seen: &Preview) -> Result<String> {
        let name = match self.subject() {
            Some(user) => lookup::shown_name(db, user)?,
            None => {
                let name = seen.diffs.iter().find(|diff| diff.field == "display_name");
                name.map_or("a user", |diff| diff.after.as_str()).to_owned()
            }
        };
        Ok(match self.door.verb() {
            _ if self.door == Door::Rehire => format!("Take {name} up again"),
            Verb::UserCreate => format!("Add {name}"),
            Verb::UserDeprovision => format!("Deprovision {name}"),
            _ => format!("Change {name}"),
        })
    }
}

/// Who has to agree before the actor does it; nobody where they have. Refused where nobody could.
pub fn asks(
    db: &Read,
    actor: &Actor,
    customer: CustomerId,
    user: Option<UserId>,
    verb: Verb,
) -> Result<Vec<Ask>> {
    if actor.was_agreed_to() {
        return Ok(Vec::new());
    }
    let (by, home) = (actor.user, actor.home);
    let matter = Matter { customer, user, service: None, verb: verb.word(), by, home };
    let (asks, against) = approvals::needed(db, &matter)?;
    if against.is_empty() {
        return Ok(asks);
    }
    Err(Error::Invalid(against.into_iter().map(|text| Complaint::new("", text)).collect()))
}

/// Refuses what others have to agree to, on every way on which nothing can wait.
pub fn nobody_asks(
    db: &Read,
    actor: &Actor,
    customer: CustomerId,
    user: Option<UserId>,
    verb: Verb,
) -> Result<()> {
    match asks(db, actor, customer, user, verb)?.is_empty() {
        true => Ok(()),
        false => Err(Error::refused(
            "Others have to agree to this first. Order it for one user at a time, on its page.",
        )),
    }
}

/// What an order would do, and who has to agree before.
pub fn look(
    db: &Db,
    actor: &Actor,
    wish: &Wish,
    plan: impl FnOnce(&Actor) -> Result<Preview>,
) -> Result<Preview> {
    let asks = db.read(|db| asks(db, actor, wish.customer, wish.subject(), wish.door.verb()));
    let asks = match asks {
        Err(Error::Invalid(refusals)) => return Ok(Preview { refusals, ..Preview::default() }),
        asks => asks?,
    };
    let approvals = asks.iter().map(Agrees::of).collect();
    Ok(Preview { approvals, ..plan(&actor.agreed_to())? })
}

/// Who has to agree, as it is shown.
pub fn named(
    db: &Read,
    actor: &Actor,
    customer: CustomerId,
    user: Option<UserId>,
    verb: Verb,
) -> Result<Vec<Agrees>> {
    Ok(asks(db, actor, customer, user, verb)?.iter().map(Agrees::of).collect())
}

/// Keeps the order that somebody's account ends; nothing where nobody has to agree to that.
pub fn end(
    cx: &Cx,
    scope: &Scope<UsersDeprovision>,
    id: UserId,
    input: &Input,
) -> Result<Option<RequestId>> {
    let customer = cx.db.read(|db| super::one(db, scope, id))?.customer;
    let wish = Wish { door: Door::Deprovision, customer, user: Some(id), input };
    hold(cx.db, &cx.app.config.key, &cx.actor, &wish, |actor| {
        let act = |_: &Write| life::deprovision(cx.db, actor, scope, id, input);
        rehearsal::of(cx.db, actor, customer, act)
    })
}

/// Keeps an order for those who have to agree, after it was tried; nothing where nobody has to.
pub fn hold(
    db: &Db,
    key: &Key,
    actor: &Actor,
    wish: &Wish,
    plan: impl FnOnce(&Actor) -> Result<Preview>,
) -> Result<Option<RequestId>> {
    let (customer, user) = (wish.customer, wish.subject());
    let asks = db.read(|db| asks(db, actor, customer, user, wish.door.verb()))?;
    if asks.is_empty() {
        return Ok(None);
    }
    if actor.by.acting_for.is_some() {
        return Err(Error::refused(
            "Others have to agree to this: order it in your own name, not in another’s.",
        ));
    }
    let seen = plan(&actor.agreed_to())?;
    if !seen.refusals.is_empty() {
        return Err(Error::Invalid(seen.refusals));
    }
    let order = Kept { door: wish.door, user: wish.user, input: wish.input.to_json() };
    db.write(actor.by, |tx| {
        let title = wish.title(tx, &seen)?;
        let work = seen.steps.iter().map(|step| step.title.clone()).collect();
        let other = Other {
            customer,
            by: actor.user,
            action: EVENT,
            about: user,
            title: &title,
            order: serde_json::to_value(&order)?,
            diffs: seen.diffs.iter().map(said).collect(),
            work,
            warnings: seen.warnings.clone(),
            approvals: asks.iter().map(Agrees::of).collect(),
        };
        let preview = previews::keep_other(tx, key, &other)?;
        let new = NewRequest {
            customer,
            event: EVENT,
            user,
            customer_service: None,
            user_service: None,
            title: title.clone(),
            class: Class::Interactive,
            source: if actor.by.via == Via::Api { Source::Api } else { Source::Page },
            after: None,
            parent: None,
            preview: Some(preview),
            run: None,
            by: Some(actor.user),
            steps: Vec::new(),
        };
        let request = engine::accept_held(tx, new, Hold::Approval)?;
        previews::started(tx, preview, request)?;
        let subject = user.map_or(("customer", customer.0), |user| ("user", user.0));
        let detail = json!({ "title": title, "request_id": request, "preview_id": preview });
        audit::record(tx, "user.asked", subject, customer, &detail)?;
        approvals::ask(tx, request, customer, &asks, "")?;
        Ok(Some(request))
    })
}

/// A field as forms call it.
fn said(diff: &Diff) -> (String, String, String) {
    let label = LABELS.iter().find(|(name, _)| *name == diff.field);
    let field =
        label.map_or_else(|| diff.field.replace('_', " "), |(_, label)| (*label).to_owned());
    (field, diff.before.clone(), diff.after.clone())
}

/// What the API says of an order that waits.
pub fn accepted(request: RequestId) -> Result<Response> {
    let place = format!("/api/v1/requests/{request}");
    let body = json!({ "request_id": request, "state": "waiting_approval" });
    Ok(response::json(202, &body)?.with("Location", place))
}

/// The same on pages.
pub fn told(cx: &Cx) -> Response {
    cx.done(PLACE, WAITS)
}
