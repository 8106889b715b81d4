//! Bringing both sides together again: ours goes there, theirs comes here, or it is left for a while
//! or for good.

use super::{Finding, Kind, NAME, State, Verb, store};
use crate::assignments::{self, source};
use crate::audit;
use crate::auth::permissions::{ConnectorsWrite, UsersDisable, UsersUpdate};
use crate::auth::{Actor, Permission, Scope};
use crate::db::{Db, Read, Via, Write};
use crate::directory::{self, Class as Object, Flavour, work};
use crate::drivers::ldap::name::{Dn, Rdn};
use crate::engine::{self, Action, Class, How, NewRequest, NewStep, OnError};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, DriftId, RequestId, UserId};
use crate::input::{Field, Fields, Input};
use crate::matching::{Areas, links};
use crate::places;
use crate::users::{self, Home, life, reaches};
use serde_json::{Value, json};

pub const IGNORE: &[Field] = &[Field::text(
    "until",
    "the last day on which nobody is told of it; left out: until it changes",
)];

/// A finding about which `verb` may be said.
pub fn open(tx: &Read, scope: &Scope<ConnectorsWrite>, id: DriftId, verb: Verb) -> Result<Finding> {
    let it = store::one(tx, scope, id)?;
    if it.verbs().contains(&verb) {
        return Ok(it);
    }
    Err(Error::refused(match (it.state, it.kind) {
        (State::Pushing, _) => "Ours is on its way there.",
        (State::Settled, _) => "This is settled already.",
        (_, Kind::Enabled) => {
            "A directory lets in nobody who is disabled here. Enable the user in Portico."
        }
        (_, Kind::Unknown | Kind::Double) => {
            "There is nothing of ours to bring there. Adopt it, or ignore it."
        }
        _ => "It is known already. Push ours, take theirs, or ignore it.",
    }))
}

/// Lets the engine bring ours there.
pub fn push(db: &Db, scope: &Scope<ConnectorsWrite>, id: DriftId) -> Result<RequestId> {
    db.write(scope.by, |tx| {
        let it = open(tx, scope, id, Verb::Push)?;
        let request = order(tx, &it)?;
        let detail = json!({
            "kind": it.kind, "name": it.name, "what": it.what, "ours": it.ours, "theirs": it.theirs,
            "request_id": request,
        });
        audit::record(tx, "drift.pushed", ("drift", id.0), it.customer, &detail)?;
        Ok(request)
    })
}

/// The order itself, whoever decided it.
pub fn order(tx: &Write, it: &Finding) -> Result<RequestId> {
    if it.kind == Kind::Deleted {
        return anew(tx, it);
    }
    let request = accept(tx, it, title(it), steps(it)?)?;
    store::pushing(tx, it.id, request)?;
    Ok(request)
}

fn title(it: &Finding) -> String {
    let name = &it.name;
    match it.kind {
        Kind::Moved => format!("Put {name} back where it was"),
        Kind::Renamed => format!("Give {name} the name back"),
        Kind::Disabled => format!("Enable the account of {name} again"),
        Kind::Enabled => format!("Disable the account of {name} again"),
        Kind::MemberAdded => format!("Take out of {name} again who was added"),
        Kind::MemberRemoved => format!("Add to {name} again who was taken out"),
        Kind::Attribute | Kind::Deleted | Kind::Unknown | Kind::Double => {
            format!("Write {} of {name} again", it.what)
        }
    }
}

fn steps(it: &Finding) -> Result<Vec<NewStep>> {
    let (action, params) = match it.kind {
        Kind::Attribute => (Action::DirUserAttributes, json!({ "only": [it.what] })),
        Kind::Moved => (Action::DirPutBack, json!({ "object": it.object, "below": it.ours })),
        Kind::Renamed if it.what == NAME => {
            (Action::DirPutBack, json!({ "object": it.object, "name": it.ours }))
        }
        Kind::Renamed if it.what == "sAMAccountName" => {
            (Action::DirUserRename, json!({ "account": it.ours }))
        }
        Kind::Renamed => (Action::DirUserRename, json!({ "upn": it.ours })),
        Kind::Disabled => (Action::DirEnable, json!({})),
        Kind::Enabled => (Action::DirDisable, json!({})),
        Kind::MemberAdded => {
            (Action::DirMemberRemove, json!({ "group": it.place, "member": it.theirs }))
        }
        Kind::MemberRemoved => {
            (Action::DirMemberAdd, json!({ "group": it.place, "member": it.ours }))
        }
        Kind::Deleted | Kind::Unknown | Kind::Double => {
            return Err(Error::internal("there is nothing to push"));
        }
    };
    Ok(vec![step(it, action, title(it), params)])
}

fn step(it: &Finding, action: Action, title: String, params: Value) -> NewStep {
    NewStep {
        key: "back".to_owned(),
        title,
        action,
        connector: Some(it.connector),
        params,
        on_error: OnError::Stop,
        how: How::default(),
    }
}

fn accept(tx: &Write, it: &Finding, title: String, steps: Vec<NewStep>) -> Result<RequestId> {
    let event = match it.user {
        Some(_) => "user.reconcile",
        None => "customer.reconcile",
    };
    let class = match (it.kind, tx.by.via) {
        (Kind::Enabled, _) => Class::Security,
        (_, Via::Job) => Class::Sync,
        _ => Class::Interactive,
    };
    let new = NewRequest {
        customer: it.customer,
        event,
        user: it.user,
        customer_service: None,
        user_service: None,
        title,
        class,
        source: source(tx.by.via),
        after: None,
        parent: None,
        preview: None,
        run: None,
        by: tx.by.user,
        steps,
    };
    engine::accept(tx, new)
}

/// Makes again what was deleted: another object, which becomes what the old one was.
fn anew(tx: &Write, it: &Finding) -> Result<RequestId> {
    if let Some(user) = it.user {
        if !store::makes_account(tx, it.customer, user)? {
            return Err(Error::refused(format!(
                "{} has no service that makes accounts. Give one, or forget the account that was deleted.",
                it.name
            )));
        }
        store::unbind(tx, it.connector, &it.object)?;
        let all = assignments::provision_user(tx, user)?;
        let first = all.first().copied();
        let first = first
            .ok_or_else(|| Error::refused("Work on the user is under way. Wait for its end."))?;
        store::settle_object(tx, it.environment, &it.object, Verb::Push)?;
        return Ok(first);
    }
    let subject = store::subject_of(tx, it.connector, &it.object)?;
    if it.class == Object::Ou && subject == "customer" {
        return Err(Error::refused(
            "The customer's own OU is made again by its services: forget this one, then provision the customer again.",
        ));
    }
    let place = Dn::parse(&it.ours).map_err(Error::refused)?;
    let name = place.first().map_or("", Rdn::value).to_owned();
    let below = place.parent().map(|parent| parent.to_string()).unwrap_or_default();
    let mut steps = Vec::new();
    if it.class == Object::Ou {
        let params = json!({ "name": name, "parent": below });
        steps.push(step(it, Action::DirOuEnsure, format!("Make the OU {name} again"), params));
    } else {
        let members = match store::binding_of(tx, it.connector, &it.object)? {
            Some(binding) => store::members(tx, binding)?,
            None => Vec::new(),
        };
        let params = json!({ "name": name, "ou": below });
        steps.push(step(
            it,
            Action::DirGroupEnsure,
            format!("Make the group {name} again"),
            params,
        ));
        for (n, (_, dn)) in members.iter().take(200).enumerate() {
            let params = json!({ "group": name, "member": dn });
            let mut one = step(it, Action::DirMemberAdd, format!("Add {dn}"), params);
            one.key = format!("member{n}");
            one.on_error = OnError::Continue;
            steps.push(one);
        }
    }
    store::unbind(tx, it.connector, &it.object)?;
    let request = accept(tx, it, format!("Make {name} again"), steps)?;
    store::pushing(tx, it.id, request)?;
    Ok(request)
}

/// What is so there holds here from now on.
pub fn take(db: &Db, actor: &Actor, scope: &Scope<ConnectorsWrite>, id: DriftId) -> Result<()> {
    db.write(scope.by, |tx| {
        let it = open(tx, scope, id, Verb::Take)?;
        match it.kind {
            Kind::Attribute => field(tx, actor, &it)?,
            Kind::Renamed if it.what != NAME => field(tx, actor, &it)?,
            Kind::Moved | Kind::Renamed => place(tx, &it)?,
            Kind::Disabled => shut_out(db, tx, actor, &it)?,
            Kind::Deleted => {
                if it.user.is_some() {
                    shut_out(db, tx, actor, &it)?;
                }
                let_go(tx, &it)?;
                store::settle_object(tx, it.environment, &it.object, Verb::Take)?;
            }
            Kind::MemberAdded | Kind::MemberRemoved => {
                let binding = store::binding_of(tx, it.connector, &it.object)?;
                let binding = binding.ok_or(Error::NotFound)?;
                if it.kind == Kind::MemberAdded {
                    store::put_member(tx, binding, (&it.what, &it.theirs))?;
                } else {
                    store::drop_member(tx, binding, &it.what)?;
                }
            }
            Kind::Enabled | Kind::Unknown | Kind::Double => {}
        }
        store::settle(tx, id, Verb::Take.word())?;
        let detail = json!({
            "kind": it.kind, "name": it.name, "what": it.what, "ours": it.ours, "theirs": it.theirs,
        });
        audit::record(tx, "drift.taken", ("drift", id.0), it.customer, &detail)
    })
}

pub fn needs<P: Permission>(db: &Read, actor: &Actor, customer: CustomerId) -> Result<Scope<P>> {
    match reaches::<P>(db, actor, customer) {
        true => actor.scope(),
        false => Err(Error::Forbidden(format!("This needs the permission {}.", P::NAME))),
    }
}

fn the_user(it: &Finding) -> Result<UserId> {
    it.user.ok_or_else(|| Error::internal("a finding about an account has a user"))
}

/// A field of a user as the directory has it.
fn field(tx: &Write, actor: &Actor, it: &Finding) -> Result<()> {
    let scope: Scope<UsersUpdate> = needs(tx, actor, it.customer)?;
    let user = the_user(it)?;
    let name = match it.what.as_str() {
        "sAMAccountName" => "username",
        "userPrincipalName" => "upn",
        "manager" => "manager",
        "accountExpires" => "expires_on",
        what => {
            let all = work::attributes(it.flavour);
            let found = all.into_iter().find(|(_, attribute)| *attribute == what);
            found.map(|(field, _)| field).ok_or(Error::NotFound)?
        }
    };
    let mut input = Input::default();
    match name {
        "manager" if !it.theirs.is_empty() => {
            let manager = store::whose(tx, it.connector, (it.customer, &it.theirs))?;
            let manager = manager.ok_or_else(|| {
                Error::refused(
                    "The manager there has no account that is somebody's here. Adopt it first, or push ours.",
                )
            })?;
            input.set(name, manager);
        }
        "mail" | "upn" => input.set(name, it.theirs.to_lowercase()),
        _ => input.set(name, &it.theirs),
    }
    let home = Home::of(tx, &scope, it.customer)?;
    let was = users::one(tx, &scope, user)?;
    match users::follow(tx, actor, &scope, &home, &was, &input) {
        Err(Error::Invalid(complaints)) => {
            let said: Vec<String> = complaints
                .iter()
                .map(|each| format!("{} {}", each.field.replace('_', " "), each.message))
                .collect();
            Err(Error::refused(format!("It cannot be taken: {}.", said.join("; ").trim())))
        }
        done => done.map(|_| ()),
    }
}

/// Where it lies and what it is called there is right from now on.
fn place(tx: &Write, it: &Finding) -> Result<()> {
    let known = store::place_of(tx, it.connector, &it.object)?;
    let parse = |text: &str| Dn::parse(text).map_err(Error::refused);
    let known = parse(&known)?;
    let first = known.first().cloned().ok_or(Error::NotFound)?;
    let to = match it.kind {
        Kind::Moved => parse(&it.theirs)?.child(first),
        _ => {
            let step = Rdn::new(first.kind(), &it.theirs).map_err(Error::refused)?;
            known.parent().ok_or(Error::NotFound)?.child(step)
        }
    };
    let own = store::subject_of(tx, it.connector, &it.object)? == "customer";
    let inside = match own {
        true => to.is_below(&parse(&it.base)?),
        false => Areas::within(tx, it.connector, it.environment)?.holder(&to) == Some(it.customer),
    };
    if !inside {
        return Err(Error::refused(format!(
            "{to} is outside the customer's part of the directory. Push it back, or forget it."
        )));
    }
    directory::lies_at(tx, it.connector, &it.object, &to.to_string())
}

/// Who is disabled or gone there is disabled here; never the last administrator, never an account for
/// emergencies.
fn shut_out(db: &Db, tx: &Write, actor: &Actor, it: &Finding) -> Result<()> {
    let scope: Scope<UsersDisable> = needs(tx, actor, it.customer)?;
    let user = users::one(tx, &scope, the_user(it)?)?;
    if user.state != places::State::Active {
        return Ok(());
    }
    if user.details.break_glass {
        return Err(Error::refused(format!(
            "{} is kept for emergencies here, and stays.",
            user.details.display_name
        )));
    }
    life::disable(db, actor, &scope, user.id, &Input::default())
}

/// The object is nobody's any more.
fn let_go(tx: &Write, it: &Finding) -> Result<()> {
    match it.user {
        Some(user) => {
            let of = (it.object.as_str(), it.place.as_str());
            links::unbound(tx, it.connector, (it.customer, user), of)
        }
        None => store::unbind(tx, it.connector, &it.object).map(|_| ()),
    }
}

/// Tells nobody of it for a while: until a day, or until it is another.
pub fn ignore(db: &Db, scope: &Scope<ConnectorsWrite>, id: DriftId, input: &Input) -> Result<()> {
    db.read(|db| store::one(db, scope, id))?;
    let mut fields = Fields::of(input, IGNORE);
    let until = fields.optional_date("until");
    let until = fields.finish(|| until)?;
    db.write(scope.by, |tx| {
        let it = open(tx, scope, id, Verb::Ignore)?;
        store::ignore(tx, id, until)?;
        let detail = json!({
            "kind": it.kind, "name": it.name, "what": it.what, "until": until.map(|day| day.to_string()),
        });
        audit::record(tx, "drift.ignored", ("drift", id.0), it.customer, &detail)
    })
}

/// The object is ours no more; nothing changes on either side.
pub fn forget(db: &Db, scope: &Scope<ConnectorsWrite>, id: DriftId) -> Result<()> {
    db.write(scope.by, |tx| {
        let it = open(tx, scope, id, Verb::Forget)?;
        let_go(tx, &it)?;
        store::settle_object(tx, it.environment, &it.object, Verb::Forget)?;
        let detail = json!({ "kind": it.kind, "name": it.name, "place": it.place });
        audit::record(tx, "drift.forgotten", ("drift", id.0), it.customer, &detail)
    })
}

/// How a name is called where people read it.
pub fn attribute(flavour: Flavour, what: &str) -> String {
    let all = work::attributes(flavour);
    let field = all.into_iter().find(|(_, attribute)| *attribute == what).map(|(field, _)| field);
    let field = field.unwrap_or(match what {
        NAME => "name",
        "sAMAccountName" => "user name",
        "userPrincipalName" => "sign-in name",
        "accountExpires" => "last day",
        other => other,
    });
    field.replace('_', " ")
}
