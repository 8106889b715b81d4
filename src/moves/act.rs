//! The move itself, within one transaction: services, the row, roles, what is written down and who is
//! told.

use super::{Decided, Fate, Mover, Outcome, store};
use crate::arrivals::{self, Along};
use crate::assignments::{self, Had, moving as services};
use crate::audit;
use crate::customers::properties::{Holder, values};
use crate::db::{Read, Write};
use crate::devices;
use crate::engine::{self, Class, NewRequest, Status};
use crate::error::{Complaint, Error, Result};
use crate::html::text;
use crate::ids::{CustomerId, UserId};
use crate::input::Input;
use crate::ledger;
use crate::mail::{self, Class as Mail, NewMessage, texts};
use crate::roles;
use crate::users::moving::HeldRole;
use crate::users::{User, lookup, moving};
use serde_json::json;

pub fn carry_out(tx: &Write, mover: Mover, decided: Decided, said: &Input) -> Result<Outcome> {
    let Decided { user, from, home, details, fates, properties } = decided;
    let (id, to) = (user.id, home.customer.id);
    let kept = moving::remember(tx, &user, to, ledger::last(tx)?)?;
    let mut outcome = Outcome {
        customer_id: to,
        upn: details.upn.clone(),
        mail: details.mail.clone(),
        carried: Vec::new(),
        anew: Vec::new(),
        ended: Vec::new(),
        roles: Vec::new(),
        dropped: left_behind(
            tx,
            &user,
            &details.hosted().map(|(_, name)| name).collect::<Vec<_>>(),
        )?,
        requests: Vec::new(),
    };
    let (held, had) = (moving::roles(tx, id)?, assignments::had_by(tx, id)?);
    let mark = store::last_request(tx)?;
    let mut anew = Vec::new();
    for (held, fate) in fates {
        let title = held.title();
        match fate {
            Fate::Carried(below, plan) => {
                services::carry(tx, &held, to, below, plan)?;
                outcome.carried.push(title);
            }
            Fate::Ended => {
                assignments::end(tx, &held)?;
                outcome.ended.push(title);
            }
            Fate::Anew(plan) => {
                let model =
                    had.iter().find(|had| had.service == held.code && had.label == held.label);
                anew.extend(model.map(|model| Had { plan, ..model.clone() }));
                assignments::end(tx, &held)?;
                outcome.anew.push(title);
            }
        }
    }
    outcome.dropped.extend(values::left_behind(tx, &Holder::user(user.customer, id), to)?);
    if said.has("places") && !said.all("places").any(|each| each == "devices") {
        let left = i64::try_from(devices::stay(tx, &user)?).unwrap_or(i64::MAX);
        if left > 0 {
            outcome.dropped.push(text::count(left, "device", "devices"));
        }
    }
    moving::put(tx, mover.scope, &home, &user, &details)?;
    values::keep(tx, &Holder::user(to, id), &properties)?;
    bring_roles(tx, mover, &user, to, held, said, &mut outcome)?;
    moving::enter(tx, &home, &user, &details)?;
    let along = Along { services: anew, asked: true, ..Along::default() };
    let refused = arrivals::give(tx, mover.app, mover.actor, to, id, &along, mover.again)?;
    if !refused.is_empty() {
        let all = refused.into_iter().map(|text| Complaint::new("services", text));
        return Err(Error::Invalid(all.collect()));
    }
    let parts = store::requests_since(tx, id, mark)?;
    let whole = NewRequest {
        customer: to,
        event: "user.move",
        user: Some(id),
        customer_service: None,
        user_service: None,
        title: format!("Move {} to {}", user.details.display_name, home.customer.details.name),
        class: Class::Interactive,
        source: assignments::source(tx.by.via),
        after: None,
        parent: None,
        preview: None,
        run: None,
        by: tx.by.user,
        steps: Vec::new(),
    };
    let request = engine::accept_behind(tx, whole, &parts)?;
    outcome.requests.push(request);
    outcome.requests.extend(parts);
    match engine::status(tx, request)? {
        Status::Done => moving::forget(tx, kept)?,
        _ => moving::started(tx, kept, request, &moving::anew(tx, kept)?)?,
    }
    let (old, new) = (&from.customer.details.name, &home.customer.details.name);
    let (was, name) = (&user.details, &user.details.display_name);
    let went = json!({ "name": name, "to": new, "upn": was.upn, "ended": outcome.ended, "dropped": outcome.dropped });
    audit::record(tx, "user.moved", ("user", id.0), user.customer, &went)?;
    let came = json!({ "name": name, "upn": details.upn, "carried": outcome.carried,
                       "anew": outcome.anew, "roles": outcome.roles });
    audit::record(tx, "user.moved", ("user", id.0), to, &came)?;
    let what = format!("You belong to {new} from now on and sign in as {}.", details.upn);
    texts::tell_user(tx, to, id, "user.moved", "Your account has moved", &what)?;
    let by = &mover.actor.name;
    tell(
        tx,
        user.customer,
        id,
        &format!("{name} left {old}"),
        &format!("{by} moved the account."),
    )?;
    tell(tx, to, id, &format!("{name} came to {new}"), &format!("{by} moved the account."))?;
    Ok(outcome)
}

/// The roles held at the old customer, as far as they are wanted, allowed there and the mover's to
/// give. All others end.
fn bring_roles(
    tx: &Write,
    mover: Mover,
    user: &User,
    to: CustomerId,
    held: Vec<HeldRole>,
    said: &Input,
    outcome: &mut Outcome,
) -> Result<()> {
    for role in held {
        let name = &role.name;
        if role.at != user.customer {
            outcome.dropped.push(format!("Role {name} at {}", role.place));
        } else if said.has("roles") && !said.all("roles").any(|each| each == name) {
            outcome.dropped.push(format!("Role {name}"));
        } else {
            if roles::asks_for_factor(tx, to, &role.id.to_string())? {
                (mover.again)()?;
            }
            match roles::keep(tx, mover.actor, user.id, to, &role)? {
                None => outcome.roles.push(name.clone()),
                Some(why) => outcome.dropped.push(format!("Role {name}: it {why}")),
            }
        }
    }
    Ok(())
}

/// What the user leaves behind.
fn left_behind(db: &Read, user: &User, names: &[&str]) -> Result<Vec<String>> {
    let old = user.details.hosted().filter(|(_, name)| !names.contains(name));
    let mut all: Vec<String> = old.map(|(_, name)| format!("Address {name}")).collect();
    if user.details.manager.is_some() {
        all.push(format!("Manager {}", user.manager_name));
    }
    for (_, report) in lookup::reports(db, user.id)? {
        all.push(format!("Manager of {report}"));
    }
    if user.details.main_contact {
        all.push("Mark of a main contact".to_owned());
    }
    Ok(all)
}

/// Tells those who administrate a customer, the user not among them.
pub fn tell(
    tx: &Write,
    customer: CustomerId,
    user: UserId,
    subject: &str,
    what: &str,
) -> Result<()> {
    let text = format!("Hello,\n\n{subject}. {what}");
    for (to, whom) in store::administrators(tx, customer, user)? {
        let message = NewMessage {
            customer,
            user: None,
            event: "user.moved",
            class: Mail::Notice,
            to: &to,
            name: &whom,
            subject,
            text: &text,
            link: None,
            expires: None,
        };
        mail::queue(tx, &message)?;
    }
    Ok(())
}
