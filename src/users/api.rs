//! Users in the API.

use super::consent::{self, Door, Wish};
use super::told::answer;
use super::{Badge, Brief, Filter, fields, finding};
use crate::auth::permissions::{UsersDisable, UsersRead, UsersRename, UsersTestFlag, UsersUpdate};
use crate::auth::{Actor, Permission, Scope};
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use crate::input::{Field, Fields, Input};
use crate::places::State;
use crate::time::Instant;
use crate::views::{List, told};
use crate::web::{Cx, PICKED, Response, response};

#[derive(serde::Serialize)]
struct BriefOut<'u> {
    id: UserId,
    customer_id: CustomerId,
    customer_name: &'u str,
    state: State,
    badges: &'u [Badge],
    display_name: &'u str,
    upn: &'u str,
    mail: &'u str,
    job_title: &'u str,
    department: &'u str,
    last_sign_in_at: Option<Instant>,
}

pub const ITEM: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("customer_id", ""),
    Field::text("customer_name", ""),
    Field::text("state", "active, disabled, deprovisioned, deleted"),
    Field::list("badges", "locked, expired, not_invited, incomplete, request_failed"),
    Field::text("display_name", ""),
    Field::text("upn", ""),
    Field::text("mail", ""),
    Field::text("job_title", ""),
    Field::text("department", ""),
    Field::text("last_sign_in_at", ""),
];

pub fn index(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    listing(cx, scope, filter(cx)?)
}

pub fn index_of(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let customer = Some(cx.param("id")?);
    listing(cx, scope, Filter { customer, ..filter(cx)? })
}

fn listing(cx: &Cx, scope: &Scope<UsersRead>, filter: Filter) -> Result<Response> {
    let paging = cx.paging(super::FILTERS)?;
    let found = cx.db.read(|db| super::list(db, scope, &filter, &paging))?;
    let items: Vec<BriefOut> = found.items.iter().map(BriefOut::from).collect();
    response::json(200, &serde_json::json!({ "items": items, "next": found.next }))
}

pub fn show(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let id = cx.param("id")?;
    cx.db.read(|db| answer(db, &cx.actor, scope, id))
}

pub fn update(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    let (id, mut input) = (cx.param("id")?, cx.input()?);
    let version = cx.expected_version(&mut input);
    if let Some(answer) = asked(cx, scope, Door::Change, &input, version)? {
        return Ok(answer);
    }
    super::update(cx.db, &cx.actor, scope, id, &input, version)?;
    cx.db.read(|db| answer(db, &cx.actor, scope, id))
}

/// For those who may only rename.
pub fn names(cx: &Cx, scope: &Scope<UsersRename>) -> Result<Response> {
    some(cx, scope, fields::NAMES, Door::Names)
}

/// For those who may only disable: the last day.
pub fn account(cx: &Cx, scope: &Scope<UsersDisable>) -> Result<Response> {
    some(cx, scope, fields::ACCOUNT, Door::Account)
}

pub fn test_flag(cx: &Cx, scope: &Scope<UsersTestFlag>) -> Result<Response> {
    some(cx, scope, fields::TESTING, Door::TestFlag)
}

fn some<P: Permission>(
    cx: &Cx,
    scope: &Scope<P>,
    group: &'static [Field],
    door: Door,
) -> Result<Response> {
    let (id, mut input) = (cx.param("id")?, cx.input()?);
    let version = cx.expected_version(&mut input);
    Fields::of(&input, group).finish(|| Some(()))?;
    if let Some(answer) = asked(cx, scope, door, &input, version)? {
        return Ok(answer);
    }
    super::update_some(cx.db, &cx.actor, scope, id, &input, group, version)?;
    cx.db.read(|db| answer(db, &cx.actor, scope, id))
}

/// The plan of a change that is only looked at, or that a change waits for those who have to agree.
fn asked<P: Permission>(
    cx: &Cx,
    scope: &Scope<P>,
    door: Door,
    input: &Input,
    version: Option<i64>,
) -> Result<Option<Response>> {
    let id: UserId = cx.param("id")?;
    let looks = cx.only_looks()?;
    let customer = cx.db.read(|db| super::one(db, scope, id))?.customer;
    let wish = Wish { door, customer, user: Some(id), input };
    let plan = |actor: &Actor| super::plan_of_change(cx.db, actor, scope, id, input, version);
    if looks {
        return Ok(Some(response::json(200, &consent::look(cx.db, &cx.actor, &wish, plan)?)?));
    }
    let held = consent::hold(cx.db, &cx.app.config.key, &cx.actor, &wish, plan)?;
    held.map(consent::accepted).transpose()
}

/// What the query asks for. Pages read it the same way.
pub fn filter(cx: &Cx) -> Result<Filter> {
    let mut query = cx.request.query.clone();
    if !cx.request.is_api() {
        query.remove(PICKED);
    }
    finding::read(&query, &cx.actor)
}

impl<'u> From<&'u Brief> for BriefOut<'u> {
    fn from(u: &'u Brief) -> Self {
        BriefOut {
            id: u.id,
            customer_id: u.customer,
            customer_name: &u.customer_name,
            state: u.state,
            badges: &u.badges,
            display_name: &u.display_name,
            upn: &u.upn,
            mail: &u.mail,
            job_title: &u.job_title,
            department: &u.department,
            last_sign_in_at: u.last_sign_in_at,
        }
    }
}

pub fn views(cx: &Cx, _: &Scope<UsersRead>) -> Result<Response> {
    told::index(cx, List::Users)
}

pub fn save_view(cx: &Cx, _: &Scope<UsersRead>) -> Result<Response> {
    told::create(cx, List::Users, &|query| finding::read(query, &cx.actor).map(|_| ()))
}

pub fn delete_view(cx: &Cx, _: &Scope<UsersRead>) -> Result<Response> {
    told::destroy(cx, List::Users)
}
