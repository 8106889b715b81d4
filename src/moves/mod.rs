//! A user moves to another customer: the same user, with other names, and those services that can be
//! carried. All that stands against it is said at once; what is shown before is what is done, and what
//! fails is taken back.

pub mod api;
pub mod pages;
mod act;
mod back;
mod outlook;
mod store;

pub use back::settle;
pub use outlook::{Outlook, against, look};

use crate::arrivals::Again;
use crate::assignments::{Held, moving as services};
use crate::auth::permissions::UsersMove;
use crate::auth::{
    Actor, LEAVES, Scope, WITHOUT, not_last_unless_meant, not_oneself, not_stronger,
};
use crate::catalogue::{self, OnMove};
use crate::customers::life::still_running;
use crate::customers::properties::values::{self, Change};
use crate::customers::properties::{Holder, Property, Standing, holding};
use crate::db::{Read, Write};
use crate::engine::{Document, Job};
use crate::error::{Complaint, Error, Result};
use crate::ids::{CustomerId, CustomerServiceId, PlanId, RequestId, UserId};
use crate::input::{Field, Fields, Input};
use crate::offboarding;
use crate::users::fields::Details;
use crate::users::{self, Home, User, moving};
use crate::web::App;
use serde_json::{Value, json};

pub const MOVE: &[Field] = &[
    Field::integer("customer_id", "where to").required(),
    Field::text("upn", "sign-in name there; made from the name when left out"),
    Field::text("mail", "primary address there; the sign-in name when left out"),
    Field::list("addresses", "further addresses there"),
    Field::list("external_emails", "addresses elsewhere; those there are when left out"),
    Field::list(
        "services",
        "number of each service with what becomes of it: 12:move:standard, 12:anew:standard or 12:end",
    ),
    Field::list("roles", "names of roles to have there; those that are held when left out"),
    Field::object("properties", "values of properties that hold there, by key"),
    Field::list("places", "department, location, devices: which come along; all when left out"),
    LEAVES,
];

pub const OUT: &[Field] = &[
    Field::integer("customer_id", "where the user is"),
    Field::text("upn", ""),
    Field::text("mail", ""),
    Field::list("carried", "services that moved along"),
    Field::list("anew", "services that are made anew"),
    Field::list("ended", "services that ended"),
    Field::list("roles", "roles that are held there"),
    Field::list("dropped", "sentences"),
    Field::list("requests", "numbers of the work this has ordered: the whole, then its parts"),
];

/// What a move does, or would do.
#[derive(serde::Serialize)]
pub struct Outcome {
    pub customer_id: CustomerId,
    pub upn: String,
    pub mail: String,
    pub carried: Vec<String>,
    pub anew: Vec<String>,
    pub ended: Vec<String>,
    pub roles: Vec<String>,
    /// All that does not come along.
    pub dropped: Vec<String>,
    pub requests: Vec<RequestId>,
}

/// What becomes of a service.
enum Fate {
    Carried(CustomerServiceId, PlanId),
    Anew(String),
    Ended,
}

/// Each service with what becomes of it.
type Fates = Vec<(Held, Fate)>;

/// A move with nothing against it.
struct Decided {
    user: User,
    from: Home,
    home: Home,
    details: Details,
    fates: Fates,
    properties: Vec<Change>,
}

/// Who moves somebody.
#[derive(Clone, Copy)]
pub struct Mover<'a> {
    pub app: &'a App,
    pub actor: &'a Actor,
    pub scope: &'a Scope<UsersMove>,
    /// For roles that want the password once more.
    pub again: Again<'a>,
}

/// Moves the user.
pub fn go(mover: Mover, id: UserId, input: &Input, version: Option<i64>) -> Result<Outcome> {
    mover.app.db.write(mover.scope.by, |tx| {
        let decided = decide(tx, mover, id, input, version)?;
        act::carry_out(tx, mover, decided, input)
    })
}

/// Reads what was asked for, and refuses it with all that stands against it.
fn decide(
    tx: &Write,
    mover: Mover,
    id: UserId,
    input: &Input,
    version: Option<i64>,
) -> Result<Decided> {
    let Mover { actor, scope, .. } = mover;
    let user = users::one(tx, scope, id)?;
    let from = Home::of(tx, scope, user.customer)?;
    moving::unchanged(tx, &user, &from, version)?;
    let mut fields = Fields::of(input, MOVE);
    let to = fields.parse::<CustomerId>("customer_id");
    let decided = fields.list::<String>("services", 200);
    for (field, known) in [
        ("roles", moving::roles(tx, id)?.into_iter().map(|role| role.name).collect()),
        ("places", ["department", "location", "devices"].map(str::to_owned).to_vec()),
    ] {
        if let Some(strange) = input.all(field).find(|each| !known.iter().any(|k| k == each)) {
            let text = format!("has something that is not one of the choices: {strange}");
            fields.complain::<()>(field, text);
        }
    }
    let meant = fields.flag(WITHOUT);
    let (to, decided, meant) = fields.finish(|| Some((to?, decided?, meant?)))?;
    let home = Home::of(tx, scope, to)?;
    not_stronger(tx, actor, id)?;
    let mut all = guards(tx, actor, &user, to, meant)?;
    let (details, why) = moving::outlook(tx, &home, &user, input)?;
    all.extend(why);
    let (properties, why) = properties(tx, mover, &user, &home, input)?;
    all.extend(why);
    let (fates, why) = fates(tx, &user, &home, &decided)?;
    all.extend(why);
    match details.filter(|_| all.is_empty()) {
        Some(details) => Ok(Decided { user, from, home, details, fates, properties }),
        None => Err(Error::Invalid(all)),
    }
}

/// What is said of properties that hold there, and which of those that are required have no value.
fn properties(
    tx: &Write,
    mover: Mover,
    user: &User,
    home: &Home,
    input: &Input,
) -> Result<(Vec<Change>, Vec<Complaint>)> {
    let there = Holder::new_user(home.customer.id);
    let mut fields = Fields::of(input, MOVE);
    let standing = || Standing::of(tx, mover.actor, &there);
    let said = values::said(tx, mover.scope, standing, &there, &mut fields)?;
    let mut all = match fields.finish(|| Some(())) {
        Err(Error::Invalid(why)) => why,
        other => other.map(|()| Vec::new())?,
    };
    for property in missing(tx, user, home.customer.id)? {
        let field = property.field();
        let given = said.iter().any(|change| change.property.id == property.id);
        if !given && !all.iter().any(|each| each.field == field) {
            let text = format!("is required at {}", home.customer.details.name);
            all.push(Complaint::new(field, text));
        }
    }
    Ok((said, all))
}

/// Properties that are required there and of which the user has no value yet.
fn missing(db: &Read, user: &User, to: CustomerId) -> Result<Vec<Property>> {
    let own = values::of(db, Standing::Above, &Holder::user(user.customer, user.id))?;
    let has = |property: &Property| {
        own.iter().any(|kept| kept.property.id == property.id && kept.value.is_some())
    };
    let mut all = holding(db, &Holder::new_user(to))?;
    all.retain(|property| property.required && property.archived_at.is_none() && !has(property));
    Ok(all)
}

/// What stands against it before anything of the other customer is looked at.
fn guards(
    tx: &Write,
    actor: &Actor,
    user: &User,
    to: CustomerId,
    meant: bool,
) -> Result<Vec<Complaint>> {
    let mut all = Vec::new();
    let last = not_last_unless_meant(tx, actor.home, user.id, meant);
    for guard in [not_oneself(actor, user.id), last] {
        match guard {
            Err(Error::Invalid(why)) => all.extend(why),
            other => other?,
        }
    }
    if to == user.customer {
        all.push(Complaint::new("customer_id", "is where the user is"));
    }
    if offboarding::is_ordered(tx, user.id)? {
        let name = &user.details.display_name;
        all.push(Complaint::new(
            "",
            format!("{name} is to leave: call the offboarding off first."),
        ));
    }
    let running = still_running(&moving::running(tx, user)?);
    all.extend(running.map(|text| Complaint::new("", text)));
    Ok(all)
}

/// What was decided of each service, and what stands against that. Seats of what is carried are given
/// back on the way: the two customers may share them.
fn fates(
    tx: &Write,
    user: &User,
    home: &Home,
    decided: &[String],
) -> Result<(Fates, Vec<Complaint>)> {
    let (mut fates, mut all) = (Vec::new(), Vec::new());
    let complain = |text: String| Complaint::new("services", text);
    let living = services::living(tx, user.id)?;
    let number = |text: &str| text.split(':').next().and_then(|id| id.parse::<i64>().ok());
    for text in decided {
        if !living.iter().any(|held| number(text) == Some(held.id.number())) {
            all.push(complain(format!("has something that is not one of the choices: {text}")));
        }
    }
    let there = &home.customer.details.name;
    for held in living {
        let said = decided.iter().find(|text| number(text) == Some(held.id.number()));
        let words: Vec<&str> = said.map_or(Vec::new(), |text| text.split(':').skip(1).collect());
        let on_move = catalogue::service(tx, held.service)?.on_move;
        let (verb, plan) = match words.as_slice() {
            [] => ("move", held.plan.as_str()),
            [verb] => (*verb, held.plan.as_str()),
            [verb, plan, ..] => (*verb, *plan),
        };
        let title = held.title();
        match verb {
            "end" => {
                fates.push((held, Fate::Ended));
                continue;
            }
            "anew" => {}
            "move" if on_move == OnMove::Carry => {}
            _ => {
                all.push(complain(format!("{title} cannot move: end it or make it anew.")));
                continue;
            }
        }
        let Some(standing) = services::standing(tx, home.customer.id, held.service)? else {
            all.push(complain(format!("{there} does not have {title}.")));
            continue;
        };
        let Some((plan, code, _)) = standing.plans.into_iter().find(|(_, code, _)| code == plan)
        else {
            let name = if held.plan == plan { held.plan_name.as_str() } else { plan };
            all.push(complain(format!("{name} is not enabled at {there}.")));
            continue;
        };
        if verb == "anew" {
            fates.push((held, Fate::Anew(code)));
            continue;
        }
        services::release(tx, &held)?;
        if !services::has_room(tx, home.customer.id, held.service, plan)? {
            all.push(complain(format!("{title} at {there} has no seat left.")));
            continue;
        }
        fates.push((held, Fate::Carried(standing.below, plan)));
    }
    Ok((fates, all))
}

/// A move has no steps of its own: its services have theirs.
pub fn document(_: &Read, job: &Job) -> Result<Document> {
    let user: Value = json!({ "id": job.user });
    Ok(Document { user, customer: json!({ "id": job.customer }), ..Document::default() })
}

/// Numbers of the user's services that cannot come along to the customer: they are not carried, it does
/// not have them, or not in that plan.
pub fn staying(db: &Read, user: &User, to: CustomerId) -> Result<Vec<i64>> {
    let mut all = Vec::new();
    for held in services::living(db, user.id)? {
        let carried = catalogue::service(db, held.service)?.on_move == OnMove::Carry;
        let there = services::standing(db, to, held.service)?;
        let plan =
            there.is_some_and(|there| there.plans.iter().any(|(_, code, _)| *code == held.plan));
        if !carried || !plan {
            all.push(held.id.number());
        }
    }
    Ok(all)
}
