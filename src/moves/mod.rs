//! A user moves to another customer: the same user, with other names, and those services that can be
//! carried. All that stands against it is said at once; what is shown before is what is done.

pub mod api;
pub mod pages;
mod store;

use crate::arrivals::{self, Again, Along};
use crate::assignments::{self, Had, Held, moving as services};
use crate::audit;
use crate::auth::permissions::UsersMove;
use crate::auth::{Actor, Scope, not_last_administrator, not_oneself, not_stronger};
use crate::catalogue::{self, OnMove};
use crate::db::{Read, Write};
use crate::engine::{self, Class, Document, Job, NewRequest, Settled};
use crate::error::{Complaint, Error, Result};
use crate::ids::{CustomerId, CustomerServiceId, PlanId, RequestId, UserId};
use crate::input::{Field, Fields, Input};
use crate::mail::{self, Class as Mail, NewMessage, texts};
use crate::users::fields::Details;
use crate::users::{self, Home, User, life, moving};
use crate::web::App;
use serde_json::{Value, json};

pub const MOVE: &[Field] = &[
    Field::integer("customer_id", "where to").required(),
    Field::text("upn", "sign-in name there; made from the name when left out"),
    Field::text("mail", "primary address there; the sign-in name when left out"),
    Field::list("addresses", "further addresses there"),
    Field::list(
        "services",
        "number of each service with what becomes of it: 12:move:standard, 12:anew:standard or 12:end",
    ),
    Field::list("roles", "names of roles to have there; those that are held when left out"),
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
    Field::list("requests", "numbers of the work this has ordered"),
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

/// Who moves somebody.
#[derive(Clone, Copy)]
pub struct Mover<'a> {
    pub app: &'a App,
    pub actor: &'a Actor,
    pub scope: &'a Scope<UsersMove>,
    /// For roles that want the password once more.
    pub again: Again<'a>,
}

/// Moves the user. With `only_look` everything is tried and nothing kept.
pub fn go(
    mover: Mover,
    id: UserId,
    input: &Input,
    version: Option<i64>,
    only_look: bool,
) -> Result<Outcome> {
    let Mover { app, actor, scope, .. } = mover;
    let mut seen = None;
    let done = app.db.write(scope.by, |tx| {
        let user = users::one(tx, scope, id)?;
        let from = Home::of(tx, scope, user.customer)?;
        moving::unchanged(tx, &user, &from, version)?;
        let mut fields = Fields::of(input, MOVE);
        let to = fields.parse::<CustomerId>("customer_id");
        let decided = fields.list::<String>("services", 200);
        let (to, decided) = fields.finish(|| Some((to?, decided?)))?;
        let home = Home::of(tx, scope, to)?;
        not_stronger(tx, actor, id)?;
        let mut all = guards(tx, actor, &user, to)?;
        let (details, why) = moving::outlook(tx, &home, &user, input)?;
        all.extend(why);
        let (fates, why) = fates(tx, &user, &home, &decided)?;
        all.extend(why);
        let Some(details) = details.filter(|_| all.is_empty()) else {
            return Err(Error::Invalid(all));
        };
        let outcome = carry_out(tx, mover, &user, &from, &home, &details, fates, input)?;
        if only_look {
            seen = Some(outcome);
            return Err(Error::refused("Only looked at."));
        }
        Ok(outcome)
    });
    seen.map_or(done, Ok)
}

/// What stands against it before anything of the other customer is looked at.
fn guards(tx: &Write, actor: &Actor, user: &User, to: CustomerId) -> Result<Vec<Complaint>> {
    let mut all = Vec::new();
    for guard in [not_oneself(actor, user.id), not_last_administrator(tx, actor.home, user.id)] {
        match guard {
            Err(Error::Invalid(why)) => all.extend(why),
            other => other?,
        }
    }
    if to == user.customer {
        all.push(Complaint::new("customer_id", "is where the user is"));
    }
    let running = moving::running(tx, user)?;
    if !running.is_empty() {
        let numbers = running.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        all.push(Complaint::new("", format!("Requests {numbers} are still running.")));
    }
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

#[expect(clippy::too_many_arguments, reason = "the one place where both customers meet")]
fn carry_out(
    tx: &Write,
    mover: Mover,
    user: &User,
    from: &Home,
    home: &Home,
    details: &Details,
    fates: Fates,
    said: &Input,
) -> Result<Outcome> {
    let Mover { app, actor, scope, again } = mover;
    let (id, to) = (user.id, home.customer.id);
    let mut outcome = Outcome {
        customer_id: to,
        upn: details.upn.clone(),
        mail: details.mail.clone(),
        carried: Vec::new(),
        anew: Vec::new(),
        ended: Vec::new(),
        roles: Vec::new(),
        dropped: left_behind(tx, user)?,
        requests: Vec::new(),
    };
    let wished = users::roles_at_home(tx, user)?;
    let roles: Vec<String> = match said.has("roles") {
        true => said.all("roles").filter(|role| !role.is_empty()).map(str::to_owned).collect(),
        false => wished.clone(),
    };
    let (mut anew, had) = (Vec::new(), assignments::had_by(tx, id)?);
    for (held, fate) in fates {
        let title = held.title();
        match fate {
            Fate::Carried(below, plan) => {
                outcome.requests.push(services::carry(tx, &held, to, below, plan)?);
                outcome.carried.push(title);
            }
            Fate::Ended => {
                outcome.requests.push(assignments::end(tx, &held)?);
                outcome.ended.push(title);
            }
            Fate::Anew(plan) => {
                let model =
                    had.iter().find(|had| had.service == held.code && had.label == held.label);
                anew.extend(model.map(|model| Had { plan, ..model.clone() }));
                outcome.requests.push(assignments::end(tx, &held)?);
                outcome.anew.push(title);
            }
        }
    }
    moving::put(tx, scope, home, user, details)?;
    let along = Along { services: anew, asked: true, ..Along::default() };
    let refused = arrivals::give(tx, app, actor, to, id, &along, again)?;
    if !refused.is_empty() {
        let all = refused.into_iter().map(|text| Complaint::new("services", text));
        return Err(Error::Invalid(all.collect()));
    }
    for role in wished.iter().filter(|role| !roles.contains(role)) {
        outcome.dropped.push(format!("Role {role}"));
    }
    for role in roles {
        let one = Along { roles: vec![role.clone()], ..Along::default() };
        let refused = arrivals::give(tx, app, actor, to, id, &one, again)?;
        match refused.is_empty() {
            true => outcome.roles.push(role),
            false => outcome.dropped.push(format!("Role {}", refused.join(" "))),
        }
    }
    tell(tx, actor, user, from, home, details, &outcome)?;
    let name = &user.details.display_name;
    let whole = NewRequest {
        customer: to,
        event: "user.move",
        user: Some(id),
        customer_service: None,
        user_service: None,
        title: format!("Move {name} to {}", home.customer.details.name),
        class: Class::Interactive,
        source: assignments::source(tx.by.via),
        after: None,
        parent: None,
        preview: None,
        run: None,
        by: tx.by.user,
        steps: Vec::new(),
    };
    outcome.requests.push(engine::accept(tx, whole)?);
    Ok(outcome)
}

/// What the user leaves behind.
fn left_behind(db: &Read, user: &User) -> Result<Vec<String>> {
    let mut all: Vec<String> =
        user.details.hosted().map(|(_, name)| format!("Address {name}")).collect();
    if user.details.manager.is_some() {
        all.push(format!("Manager {}", user.manager_name));
    }
    for (_, report) in life::effects(db, user)?.reports {
        all.push(format!("Manager of {report}"));
    }
    if user.details.main_contact {
        all.push("Mark of a main contact".to_owned());
    }
    Ok(all)
}

/// Both sides write it down; the user and those who administrate either customer are told.
fn tell(
    tx: &Write,
    actor: &Actor,
    user: &User,
    from: &Home,
    home: &Home,
    details: &Details,
    outcome: &Outcome,
) -> Result<()> {
    let (id, name) = (user.id, &user.details.display_name);
    let (left, there) = (&from.customer.details.name, &home.customer.details.name);
    let went = json!({ "name": name, "upn": user.details.upn, "ended": outcome.ended });
    audit::record(tx, "user.moved", ("user", id.0), user.customer, &went)?;
    let came = json!({ "name": name, "upn": details.upn, "carried": outcome.carried,
                       "anew": outcome.anew, "roles": outcome.roles });
    audit::record(tx, "user.moved", ("user", id.0), home.customer.id, &came)?;
    let what = format!("You belong to {there} from now on and sign in as {}.", details.upn);
    let subject = "Your account has moved";
    texts::tell_user(tx, home.customer.id, id, "user.moved", subject, &what)?;
    for (customer, verb, other) in
        [(user.customer, "left", left), (home.customer.id, "came to", there)]
    {
        let subject = format!("{name} {verb} {other}");
        let text = format!("Hello,\n\n{name} {verb} {other}. {} moved the account.", actor.name);
        for (to, whom) in store::administrators(tx, customer, id)? {
            let message = NewMessage {
                customer,
                user: None,
                event: "user.moved",
                class: Mail::Notice,
                to: &to,
                name: &whom,
                subject: &subject,
                text: &text,
                link: None,
                expires: None,
            };
            mail::queue(tx, &message)?;
        }
    }
    Ok(())
}

/// A move has no steps of its own: its services have theirs.
pub fn document(_: &Read, job: &Job) -> Result<Document> {
    let user: Value = json!({ "id": job.user });
    Ok(Document { user, customer: json!({ "id": job.customer }), ..Document::default() })
}

/// What it means was written when it was ordered.
pub fn settle(_: &Write, _: &Settled) -> Result<()> {
    Ok(())
}
