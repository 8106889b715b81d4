//! Chains: who has to agree to which orders. One holds for its customer and all below it that have
//! approvals switched on.

pub mod api;
pub mod pages;
mod store;

use super::Matter;
use crate::audit;
use crate::auth::permissions::{ApprovalsDecide, ApprovalsWrite, Permission};
use crate::auth::{PROVIDER, Scope};
use crate::db::{Db, Read, Write};
use crate::error::{Error, Result};
use crate::ids::{ChainId, CustomerId, ServiceId, UserId};
use crate::input::{Field, Fields, Input};
use crate::mail::people::{self, Person};
use crate::web::{Listing, Paging};
use serde::Serialize;
use serde_json::json;

words! {
    /// Who is asked.
    Kind {
        // The managers above whoever it is for.
        Manager = "manager",
        // People who are named.
        Group = "group",
    }
}

words! {
    /// Whose orders wait.
    Whose {
        // Of the customer's own people, what they order for themselves among them.
        Staff = "staff",
        // Of everybody at the chain's customer and below.
        Everyone = "everyone",
    }
}

words! {
    /// What is ordered. Suspending is for security, and never waits.
    Verb {
        Give = "give", Change = "change", Resume = "resume", Remove = "remove",
        // Of people themselves, whatever services the chain is for.
        UserCreate = "user_create", UserChange = "user_change", UserDeprovision = "user_deprovision",
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct Chain {
    pub id: ChainId,
    pub customer_id: CustomerId,
    #[serde(skip)]
    pub customer_name: String,
    pub name: String,
    pub position: i64,
    pub kind: Kind,
    pub levels: i64,
    /// Of a group; none: all.
    pub needed: Option<i64>,
    pub verbs: Vec<Verb>,
    pub whose: Whose,
    pub remind_days: i64,
    pub reject_days: i64,
    pub enabled: bool,
    pub version: i64,
    /// Codes; none: all.
    pub services: Vec<String>,
    pub members: Vec<UserId>,
}

pub const FIELDS: &[Field] = &[
    Field::integer("customer_id", "whose it is; one’s own customer if left out"),
    Field::text("name", "1 to 60 characters").required(),
    Field::integer("position", "0 to 9,999: small ones are asked first; 100 if left out"),
    Field::text("kind", "manager or group").required(),
    Field::integer("levels", "of managers that have to agree, 1 to 5; 1 if left out"),
    Field::integer("needed", "of a group, how many have to agree; all if left out"),
    Field::list("members", "ids of those who decide; of managers, those asked where there is none"),
    Field::list("services", "codes; all if left out"),
    Field::list(
        "verbs",
        "give, change, resume, remove; of users user_create, user_change, user_deprovision",
    )
    .required(),
    Field::text("whose", "staff, which is meant by leaving it out, or everyone"),
    Field::integer("remind_days", "days between reminders, 0 to 60; 3 if left out"),
    Field::integer("reject_days", "days until it is cancelled, 1 to 60; 7 if left out"),
    Field::boolean("enabled", "whether it is asked; true if left out"),
];

pub const SWITCH: &[Field] =
    &[Field::boolean("on", "whether orders wait for approval here").required()];

/// A chain to write.
struct Draft {
    name: String,
    position: i64,
    kind: Kind,
    levels: i64,
    needed: Option<i64>,
    members: Vec<UserId>,
    services: Vec<ServiceId>,
    verbs: Vec<Verb>,
    whose: Whose,
    remind_days: i64,
    reject_days: i64,
    enabled: bool,
}

/// Those that hold for an order, the nearest owner first.
pub fn matching(db: &Read, matter: &Matter) -> Result<Vec<Chain>> {
    store::matching(db, matter)
}

pub fn members(db: &Read, chain: ChainId) -> Result<Vec<UserId>> {
    store::members(db, chain)
}

pub fn list(db: &Db, scope: &Scope<ApprovalsWrite>, paging: &Paging) -> Result<Listing<Chain>> {
    let rows = db.read(|db| store::page(db, scope, paging))?;
    Ok(paging.listing(rows, |chain| (String::new(), chain.id.0)))
}

/// Those of one customer.
pub fn of_customer(
    db: &Read,
    scope: &Scope<ApprovalsWrite>,
    customer: CustomerId,
) -> Result<Vec<Chain>> {
    scope.reaches(db, customer)?;
    store::of_customer(db, scope, customer)
}

pub fn one(db: &Read, scope: &Scope<ApprovalsWrite>, id: ChainId) -> Result<Chain> {
    let mut chain = store::one(db, scope, id)?;
    chain.members = store::members(db, id)?;
    chain.services = store::services(db, id)?;
    Ok(chain)
}

/// Whom a chain of that customer may name.
pub fn candidates(db: &Read, customer: CustomerId) -> Result<Vec<Person>> {
    people::who_may(db, ApprovalsDecide::NAME, customer)
}

pub fn create(
    db: &Db,
    scope: &Scope<ApprovalsWrite>,
    home: CustomerId,
    input: &Input,
) -> Result<ChainId> {
    db.write(scope.by, |tx| {
        let (customer, draft) = read(tx, scope, home, input)?;
        let id = store::insert(tx, customer, &draft)?;
        write_lists(tx, id, &draft)?;
        record(tx, "chain.created", id, customer, &draft)?;
        Ok(id)
    })
}

/// What waits already is asked of those it was asked of, and of whoever joins.
pub fn update(
    db: &Db,
    scope: &Scope<ApprovalsWrite>,
    id: ChainId,
    expected: Option<i64>,
    input: &Input,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let was = one(tx, scope, id)?;
        if expected.is_some_and(|version| version != was.version) {
            return Err(Error::Stale("Somebody changed this chain meanwhile. Look again.".into()));
        }
        let mut over = input.over(was.as_input());
        over.remove("customer_id");
        let (_, draft) = read(tx, scope, was.customer_id, &over)?;
        store::update(tx, id, &draft)?;
        write_lists(tx, id, &draft)?;
        store::ask_new_members(tx, id)?;
        record(tx, "chain.changed", id, was.customer_id, &draft)
    })
}

/// What waits for it goes on waiting.
pub fn delete(db: &Db, scope: &Scope<ApprovalsWrite>, id: ChainId) -> Result<()> {
    db.write(scope.by, |tx| {
        let was = one(tx, scope, id)?;
        store::delete(tx, id)?;
        let subject = ("chain", id.0);
        audit::record(tx, "chain.deleted", subject, was.customer_id, &json!({ "name": was.name }))
    })
}

/// A customer opts in, or out. What waits already is decided or withdrawn all the same.
pub fn switch(
    db: &Db,
    scope: &Scope<ApprovalsWrite>,
    customer: CustomerId,
    input: &Input,
) -> Result<()> {
    db.write(scope.by, |tx| {
        scope.reaches(tx, customer)?;
        let mut fields = Fields::of(input, SWITCH);
        let on = fields.flag("on");
        let on = fields.finish(|| on)?;
        if on && !super::are_on(tx, customer)?.0 {
            return Err(Error::refused(
                "Approvals are switched off for the whole installation, in its settings.",
            ));
        }
        store::switch(tx, customer, on)?;
        let action = if on { "approvals.switched_on" } else { "approvals.switched_off" };
        audit::record(tx, action, ("customer", customer.0), customer, &json!({}))
    })
}

fn write_lists(tx: &Write, id: ChainId, draft: &Draft) -> Result<()> {
    store::clear(tx, id)?;
    for user in &draft.members {
        store::add_member(tx, id, *user)?;
    }
    draft.services.iter().try_for_each(|service| store::add_service(tx, id, *service).map(|_| ()))
}

fn record(
    tx: &Write,
    action: &str,
    id: ChainId,
    customer: CustomerId,
    draft: &Draft,
) -> Result<()> {
    let detail = json!({
        "name": draft.name, "kind": draft.kind, "levels": draft.levels, "needed": draft.needed,
        "members": draft.members, "verbs": draft.verbs, "whose": draft.whose, "enabled": draft.enabled,
    });
    audit::record(tx, action, ("chain", id.0), customer, &detail)
}

fn read(
    db: &Read,
    scope: &Scope<ApprovalsWrite>,
    home: CustomerId,
    input: &Input,
) -> Result<(CustomerId, Draft)> {
    let mut f = Fields::of(input, FIELDS);
    let customer = f.optional::<CustomerId>("customer_id").map(|id| id.unwrap_or(home));
    if let Some(customer) = customer {
        scope.reaches(db, customer)?;
    }
    let (name, kind) = (f.text("name", 1..=60), f.parse::<Kind>("kind"));
    let mut number = |field: &'static str, range, default: i64| {
        f.optional_integer(field, range).map(|n| n.unwrap_or(default))
    };
    let (position, levels) = (number("position", 0..=9_999, 100), number("levels", 1..=5, 1));
    let (remind_days, reject_days) =
        (number("remind_days", 0..=60, 3), number("reject_days", 1..=60, 7));
    let needed = f.optional_integer("needed", 1..=50);
    let whose = f.optional::<Whose>("whose").map(|whose| whose.unwrap_or(Whose::Staff));
    let verbs = f.list::<Verb>("verbs", Verb::ALL.len());
    if verbs.as_ref().is_some_and(Vec::is_empty) {
        f.complain::<()>("verbs", "is required: say what waits");
    }
    let members = f.list::<UserId>("members", 50);
    let may = candidates(db, customer.unwrap_or(PROVIDER))?;
    if let Some(members) = &members {
        if members.iter().any(|id| !may.iter().any(|person| person.id == *id)) {
            f.complain::<()>("members", "has somebody who may not decide here");
        }
        if kind == Some(Kind::Group) && members.is_empty() {
            f.complain::<()>("members", "is required: say who decides");
        }
    }
    let mut services = Vec::new();
    for code in f.list::<String>("services", 100).unwrap_or_default() {
        match store::service(db, &code)? {
            Some(id) => services.push(id),
            None => {
                f.complain::<()>("services", format!("has {code}, which is not a service we sell"));
            }
        }
    }
    let enabled = if f.has("enabled") { f.flag("enabled") } else { Some(true) };
    f.finish(|| {
        let draft = Draft {
            name: name?,
            position: position?,
            kind: kind?,
            levels: levels?,
            needed: needed?.filter(|_| kind == Some(Kind::Group)),
            members: members?,
            services,
            verbs: verbs?,
            whose: whose?,
            remind_days: remind_days?,
            reject_days: reject_days?,
            enabled: enabled?,
        };
        Some((customer?, draft))
    })
}

impl Chain {
    /// As it would be typed.
    pub fn as_input(&self) -> Input {
        let mut input = Input::default();
        input.set("name", &self.name);
        input.set("position", self.position);
        input.set("kind", self.kind.word());
        input.set("levels", self.levels);
        input.set("needed", self.needed.map_or(String::new(), |n| n.to_string()));
        input.set("whose", self.whose.word());
        input.set("remind_days", self.remind_days);
        input.set("reject_days", self.reject_days);
        input.set("enabled", self.enabled);
        self.members.iter().for_each(|id| input.push("members", id));
        self.services.iter().for_each(|code| input.push("services", code));
        self.verbs.iter().for_each(|verb| input.push("verbs", verb.word()));
        input
    }
}
