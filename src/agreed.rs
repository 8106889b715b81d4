//! Carrying out what was ordered about users once all have agreed to it: a run, with the rights that
//! whoever ordered it has then.
//!
//! Invariant: what was ordered and the end of its request are one transaction.

use crate::arrivals::{self, UNASKED, rehire};
use crate::assignments::previews;
use crate::auth::Actor;
use crate::auth::permissions::{
    UsersCreate, UsersDeprovision, UsersDisable, UsersRename, UsersTestFlag, UsersUpdate,
};
use crate::db::{By, Read, Via, Write};
use crate::engine::{self, Document, Job, Settled};
use crate::error::{Error, Result};
use crate::ids::{RequestId, UserId};
use crate::input::Input;
use crate::jobs::{self, RunCx};
use crate::mail::Class;
use crate::mail::people::{self, Notice};
use crate::secret::Key;
use crate::users::consent::{Door, Kept};
use crate::users::{self, fields, life};
use serde::{Deserialize, Serialize};

/// The kind of run in `schedule.rs`.
pub const KIND: &str = "users.agreed";

#[derive(Serialize, Deserialize)]
struct Order {
    request: RequestId,
}

/// For `events.rs`: all have agreed. The request waits on until the run has done it.
pub fn release(tx: &Write, _: &Key, job: &Job) -> Result<Option<String>> {
    let by = job.by.ok_or_else(|| Error::internal("nobody ordered what people agreed to"))?;
    let orderer = tx.on_behalf(By { user: Some(by), via: Via::Job, acting_for: None });
    let order = serde_json::to_value(Order { request: job.request })?;
    jobs::queue_run(&orderer, KIND, job.customer, &order, None)?;
    Ok(None)
}

/// For `events.rs`: nothing outside is told of it.
pub fn document(_: &Read, _: &Job) -> Result<Document> {
    Ok(Document::default())
}

/// For `events.rs`: its end changes nothing by itself.
pub fn settle(_: &Write, _: &Settled) -> Result<()> {
    Ok(())
}

pub fn run(cx: &RunCx) -> Result<()> {
    let Order { request } = serde_json::from_value(cx.run.input.clone())?;
    let why = match carry_out(cx, request) {
        Err(Error::Internal(cause)) => return Err(Error::Internal(cause)),
        Err(why) => why,
        Ok(()) => return Ok(()),
    };
    // What could be done when it was ordered cannot any more.
    let by = By { user: cx.run.user, via: Via::Job, acting_for: None };
    cx.db.write(by, |tx| {
        if !engine::is_held(tx, request)? {
            return Ok(());
        }
        engine::turned_down(tx, request, &why.to_string())?;
        tell(tx, cx, request, &why)
    })?;
    Err(why)
}

/// Whoever ordered it was told that it begins.
fn tell(tx: &Write, cx: &RunCx, request: RequestId, why: &Error) -> Result<()> {
    let person = cx.run.user.map(|id| people::one(tx, id)).transpose()?.flatten();
    let title = match previews::of_request(tx, request)? {
        Some(preview) => preview.shown()?.title,
        None => return Ok(()),
    };
    let notice = Notice {
        customer: cx.run.customer,
        event: "approval.decided",
        class: Class::Owed,
        subject: &format!("Not done: {title}"),
        text: &format!("All agreed to “{title}”, but it could not be done any more: {why}"),
        path: "/approvals?view=ordered",
    };
    people::tell(tx, person.as_slice(), &notice)
}

fn carry_out(cx: &RunCx, request: RequestId) -> Result<()> {
    let actor = cx.actor()?.agreed_to();
    let preview = cx.db.read(|db| previews::of_request(db, request))?.ok_or(Error::NotFound)?;
    let kept: Kept = serde_json::from_value(preview.kept_input(&cx.app.config.key)?)?;
    let (customer, input) = (preview.customer, Input::from_kept(&kept.input));
    let user = || kept.user.ok_or_else(|| Error::internal("an order about nobody"));
    cx.db.write(actor.by, |tx| {
        if !engine::is_held(tx, request)? {
            return Ok(());
        }
        match kept.door {
            Door::Create => {
                let scope = actor.scope::<UsersCreate>()?;
                arrivals::create(cx.app, &actor, &scope, customer, &input, UNASKED)?;
            }
            Door::Copy => {
                let scope = actor.scope::<UsersCreate>()?;
                arrivals::copy(cx.app, &actor, &scope, user()?, &input, UNASKED)?;
            }
            Door::Change => {
                let scope = actor.scope::<UsersUpdate>()?;
                users::update(cx.db, &actor, &scope, user()?, &input, None)?;
            }
            Door::Names | Door::Account | Door::TestFlag => {
                some(cx, &actor, kept.door, user()?, &input)?;
            }
            Door::Rehire => {
                let scope = actor.scope::<UsersDeprovision>()?;
                rehire::rehire(cx.app, &actor, &scope, user()?, &input, false, UNASKED)?;
            }
            Door::Deprovision => {
                let scope = actor.scope::<UsersDeprovision>()?;
                life::deprovision(cx.db, &actor, &scope, user()?, &input)?;
            }
        }
        engine::carried_out(tx, request)
    })
}

/// The fields that somebody may change who may not change all.
fn some(cx: &RunCx, actor: &Actor, door: Door, user: UserId, input: &Input) -> Result<()> {
    let db = cx.db;
    match door {
        Door::Names => {
            let scope = actor.scope::<UsersRename>()?;
            users::update_some(db, actor, &scope, user, input, fields::NAMES, None)
        }
        Door::Account => {
            let scope = actor.scope::<UsersDisable>()?;
            users::update_some(db, actor, &scope, user, input, fields::ACCOUNT, None)
        }
        _ => {
            let scope = actor.scope::<UsersTestFlag>()?;
            users::update_some(db, actor, &scope, user, input, fields::TESTING, None)
        }
    }
}
