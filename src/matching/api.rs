use super::import::{self, Order, Wanted};
use super::proposals::{self, Proposal};
use super::sync::rehearsal::rehearse;
use super::{adopt, links, seen, site, sync, told};
use crate::auth::Scope;
use crate::auth::permissions::{ConnectorsRead, ConnectorsWrite, UsersImport};
use crate::directory::environments;
use crate::drivers::ldap::name::Dn;
use crate::error::{Error, Result};
use crate::ids::{CustomerId, EnvironmentId, ProposalId, UserId};
use crate::input::{Field, Fields, Input};
use crate::jobs;
use crate::web::{Cx, Response, response};
use serde_json::{Value, json};

pub const BROWSE: &[Field] = &[
    Field::text("at", "the name of an OU; the base if left out"),
    Field::text("after", "from the answer before: the next 500"),
];

pub const LEVEL: &[Field] = &[
    Field::text("at", "the name of the OU"),
    Field::list("items", "id, name, place, username, and whether it can be opened, of each"),
    Field::text("next", "for after, or null"),
];

pub const REPORT: &[Field] = &[
    Field::list("rows", "object, name, place, upn, result, why, user_id, candidates of each"),
    Field::integer("created", ""),
    Field::integer("linked", ""),
    Field::integer("unchanged", ""),
    Field::integer("proposed", ""),
    Field::integer("skipped", ""),
    Field::integer("refused", ""),
    Field::boolean("written", "false for a check"),
    Field::integer("run_id", "of an import: the run that does it, instead of all the others"),
];

pub const PROPOSAL: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("directory_id", ""),
    Field::integer("customer_id", ""),
    Field::text("object", "the id of the account"),
    Field::text("place", "where it lies"),
    Field::text("why", "recreated, double, similar, sign_in_name or new"),
    Field::text("name", "what the account is called"),
    Field::text("upn", "its sign-in name"),
    Field::text("suggested", "a sign-in name that can be, or null"),
    Field::list("candidates", "user_id, name, upn and evidence of each who may be meant"),
    Field::text("state", "open, linked, created or ignored"),
    Field::integer("user_id", "whose it became, or null"),
];

pub const SYNC: &[Field] = &[
    Field::list("ous", ""),
    Field::list("fields", "owned by the directory"),
    Field::text("leavers", "report or suspend"),
    Field::text("newcomers", "propose or create"),
    Field::text("every", "never, hourly or daily"),
    Field::integer("user_id", "whose rights it has"),
];

pub const RUN: &[Field] = &[Field::list("customers", "only these; all who follow if left out")];

pub const RUNS: &[Field] = &[
    Field::list("run_ids", "of a sync: a run for each customer"),
    Field::list("customers", "of a look: rows, accounts and held of each"),
];

/// Customers of one look; each of them has the whole directory read.
const LOOKED_AT: usize = 20;

pub const LINKS: &[Field] =
    &[Field::list("items", "connector_id, directory, object, place, since of each account")];

pub const SAME: &[Field] = &[Field::list(
    "items",
    "object, place, username, upn, disabled, outside and why_not of each account of the same name",
)];

/// One level of the tree.
pub fn browse(cx: &Cx, scope: &Scope<ConnectorsRead>) -> Result<Response> {
    let id: EnvironmentId = cx.param("id")?;
    let it = environments::one(cx.db, scope, id)?;
    let query = &cx.request.query;
    let base = super::parse(&it.base)?;
    let at = match query.get("at") {
        "" => base.clone(),
        text => Dn::parse(text).map_err(|why| Error::invalid("at", why))?,
    };
    if at != base && !at.is_below(&base) {
        return Err(Error::invalid("at", "is not below the base of the directory"));
    }
    let mut session = super::sign_in(cx.app, it.connector)?;
    let level = seen::level(&mut session, it.flavour, at, query.get("after")).map_err(told)?;
    let items: Vec<Value> = level
        .leaves
        .iter()
        .map(|leaf| {
            json!({
                "id": leaf.object, "name": leaf.name, "place": leaf.place, "username": leaf.username,
                "opens": leaf.opens,
            })
        })
        .collect();
    let answer = json!({ "at": level.at.to_string(), "items": items, "next": level.next });
    response::json(200, &answer)
}

const LOOKS: &[Field] = &[Field::boolean("dry_run", "look only")];

/// Whether nothing is to be done.
fn looks(query: &Input) -> Result<bool> {
    let mut fields = Fields::of(query, LOOKS);
    let dry_run = fields.flag("dry_run");
    fields.finish(|| dry_run)
}

pub fn import(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    let dry_run = looks(&cx.request.query)?;
    let input = cx.input()?;
    let (site, wanted) = cx.db.read(|db| {
        scope.reaches(db, customer)?;
        let site = site(db, customer)?
            .ok_or_else(|| Error::refused("The customer lives in no directory."))?;
        let wanted = Wanted::read(db, &cx.actor, &site, &input)?;
        Ok((site, wanted))
    })?;
    if dry_run {
        let order = Order { app: cx.app, actor: &cx.actor, scope, site: &site, dry_run };
        let all = import::judged(&order, &wanted)?;
        return response::json(200, &import::apply(&order, &all, |_, _, _| Ok(true))?);
    }
    let run = cx.db.write(scope.by, |tx| {
        jobs::queue_run(tx, import::KIND, customer, &serde_json::to_value(&wanted)?, None)
    })?;
    response::json(202, &json!({ "run_id": run }))
}

pub fn index(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let mut query = cx.request.query.clone();
    query.remove("limit");
    query.remove("after");
    let filter = proposals::read_filter(&query)?;
    let paging = cx.paging(proposals::FILTERS)?;
    let found = proposals::list(cx.db, scope, &filter, &paging)?;
    let items = found.items.iter().map(|each| out(cx, each)).collect::<Result<Vec<Value>>>()?;
    response::json(200, &json!({ "items": items, "next": found.next }))
}

pub fn show(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let it = proposals::one(cx.db, scope, cx.param("id")?)?;
    response::json(200, &out(cx, &it)?)
}

pub fn link(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let id: ProposalId = cx.param("id")?;
    proposals::link((cx.db, &cx.app.config.key), &cx.actor, scope, id, &cx.input()?)?;
    show(cx, scope)
}

pub fn create(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let id: ProposalId = cx.param("id")?;
    proposals::create((cx.db, &cx.app.config.key), &cx.actor, scope, id, &cx.input()?)?;
    show(cx, scope)
}

pub fn ignore(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    proposals::ignore(cx.db, scope, cx.param("id")?)?;
    show(cx, scope)
}

fn out(cx: &Cx, it: &Proposal) -> Result<Value> {
    let people = cx.db.read(|db| proposals::people(db, it))?;
    let candidates: Vec<Value> = people
        .iter()
        .map(|each| {
            json!({ "user_id": each.id, "name": each.name, "upn": each.upn, "evidence": each.evidence })
        })
        .collect();
    Ok(json!({
        "id": it.id, "directory_id": it.environment, "customer_id": it.customer, "object": it.object,
        "place": it.place, "why": it.why, "name": it.account.name(), "upn": it.account.upn,
        "suggested": it.suggested, "candidates": candidates, "state": it.state, "user_id": it.user,
    }))
}

pub fn accounts(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let user: UserId = cx.param("id")?;
    let all = links::of(cx.db, scope, user)?;
    let items: Vec<Value> = all
        .iter()
        .map(|each| {
            json!({
                "connector_id": each.connector, "directory": each.directory, "object": each.object,
                "place": each.place, "since": each.since,
            })
        })
        .collect();
    response::json(200, &json!({ "items": items }))
}

/// Accounts of the same name, read from the directory now.
pub fn same(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let all = adopt::same(cx.app, &cx.actor, scope, cx.param("id")?)?;
    let items: Vec<Value> = all
        .iter()
        .map(|each| {
            json!({
                "object": each.object, "place": each.place, "username": each.username, "upn": each.upn,
                "disabled": each.disabled, "outside": each.outside, "why_not": each.why_not,
            })
        })
        .collect();
    response::json(200, &json!({ "items": items }))
}

pub fn adopt(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    adopt::adopt(cx.app, &cx.actor, scope, cx.param("id")?, &cx.input()?)?;
    accounts(cx, scope)
}

pub fn unlink(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    links::untie(cx.db, scope, cx.param("id")?, &cx.input()?)?;
    Ok(response::no_content())
}

pub fn sync(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    let it = cx.db.read(|db| {
        scope.reaches(db, customer)?;
        sync::of(db, customer)?.ok_or(Error::NotFound)
    })?;
    response::json(
        200,
        &json!({
            "ous": it.ous, "fields": it.fields, "leavers": it.leavers, "newcomers": it.newcomers,
            "every": it.every, "user_id": it.user,
        }),
    )
}

pub fn put_sync(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    sync::put(cx.db, &cx.actor, scope, cx.param("id")?, &cx.input()?)?;
    self::sync(cx, scope)
}

pub fn end_sync(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    sync::end(cx.db, scope, cx.param("id")?)?;
    Ok(response::no_content())
}

pub fn run_syncs(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let id: EnvironmentId = cx.param("id")?;
    environments::one(cx.db, scope, id)?;
    let dry_run = looks(&cx.request.query)?;
    let input = cx.input()?;
    let mut fields = Fields::of(&input, RUN);
    let only = fields.list::<CustomerId>("customers", 200);
    let only = fields.finish(|| only)?;
    let mut all = cx.db.read(|db| sync::followers(db, scope, id))?;
    if let Some(strange) = only.iter().find(|each| !all.contains(each)) {
        let text = format!("has who does not follow the directory: {strange}");
        return Err(Error::invalid("customers", text));
    }
    all.retain(|each| only.is_empty() || only.contains(each));
    if dry_run {
        if all.len() > LOOKED_AT {
            let text = format!("must be named: at most {LOOKED_AT} can be looked at beforehand");
            return Err(Error::invalid("customers", text));
        }
        let told = all.iter().map(|each| rehearse(cx.app, &cx.actor, *each));
        let told = told.collect::<Result<Vec<_>>>()?;
        return response::json(200, &json!({ "customers": told }));
    }
    let runs = all.iter().map(|each| sync::begin(cx.db, scope, *each));
    let runs = runs.collect::<Result<Vec<_>>>()?;
    response::json(202, &json!({ "run_ids": runs }))
}
