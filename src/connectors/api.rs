use super::doctor::{self, Check};
use super::ldap::Directory;
use super::scim::Account;
use super::scripts::{self, Program};
use super::{
    Connector, Kind, Reach, Stage, State, call, create as make, list, one, update as change,
};
use super::{give_up, pause as set_pause, rotate as new_secret};
use crate::auth::Scope;
use crate::auth::permissions::{ConnectorsRead, ConnectorsWrite, RulesWrite, SettingsWrite};
use crate::error::{Error, Result};
use crate::ids::{ConnectorId, CredentialId, CustomerId};
use crate::input::{self, Field, Fields};
use crate::time::Instant;
use crate::web::{Cx, Response, response};
use serde::Serialize;

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("customer_id", "whose it is"),
    Field::text("kind", "script, webhook, ldap or scim"),
    Field::text("name", ""),
    Field::text("state", "active, paused or gone"),
    Field::text("stage", "production or sandbox"),
    Field::text("script", "of a script, or null"),
    Field::text("url", "of a webhook or a SCIM service, or null"),
    Field::object("directory", "of a directory: hosts, security, sign_in_as, authority; or null"),
    Field::object(
        "account",
        "of a SCIM service: sign_in_as, null for a token, and authority; or null",
    ),
    Field::integer("credential_id", "where its secret is kept"),
    Field::list("networks", "private networks that may be dialled"),
    Field::integer("time_limit", "seconds a call may take"),
    Field::integer("calls_per_minute", "steps that may begin in a minute, or null"),
    Field::text(
        "light",
        "what the last check said: green, amber or red; null where it was changed since",
    ),
    Field::text("light_text", "the first thing that was wrong, and what to do"),
    Field::text("examined_at", "when it was checked, or null"),
    Field::text("down_until", "while it does not answer, when it is tried again, or null"),
    Field::text("last_error", ""),
    Field::integer("rules", "rules that name it"),
    Field::integer("version", "for If-Match"),
];

pub const CHECKS: &[Field] = &[
    Field::text("light", "green, amber or red: the worst of all"),
    Field::list("checks", "each with light, what, text and fix"),
];

pub const SECRET: &[Field] = &[Field::text("secret", "shown this once")];
pub const CONFIRM: &[Field] = &[input::CONFIRM];
pub const ENABLE: &[Field] = &[Field::text("sha256", "of the text that was read").required()];

pub const SCRIPT: &[Field] = &[
    Field::text("name", ""),
    Field::text("standing", "enabled, changed, new, broken or missing"),
    Field::text("description", "or null"),
    Field::text("sha256", "of its files as they are now, or null"),
    Field::text("error", "what is wrong with them; empty where nothing is"),
    Field::text("enabled_at", "or null"),
];

#[derive(Serialize)]
struct ConnectorOut<'a> {
    id: ConnectorId,
    customer_id: CustomerId,
    kind: Kind,
    name: &'a str,
    state: State,
    stage: Stage,
    script: Option<&'a str>,
    url: Option<&'a str>,
    directory: Option<&'a Directory>,
    account: Option<&'a Account>,
    credential_id: Option<CredentialId>,
    networks: Vec<String>,
    time_limit: i64,
    calls_per_minute: Option<i64>,
    light: Option<doctor::Light>,
    light_text: &'a str,
    examined_at: Option<Instant>,
    down_until: Option<Instant>,
    last_error: &'a str,
    rules: i64,
    version: i64,
}

#[derive(Serialize)]
struct ScriptOut<'a> {
    name: &'a str,
    standing: scripts::Standing,
    description: Option<&'a str>,
    sha256: Option<&'a str>,
    error: &'a str,
    enabled_at: Option<Instant>,
}

/// What the asker may decide besides.
pub fn reach(cx: &Cx) -> Reach {
    Reach { networks: cx.actor.may::<SettingsWrite>(), scripts: cx.actor.is_provider() }
}

pub fn index(cx: &Cx, scope: &Scope<ConnectorsRead>) -> Result<Response> {
    let found = list(cx.db, scope, &cx.paging(&[])?)?;
    let items: Vec<ConnectorOut> = found.items.iter().map(out).collect();
    response::json(200, &serde_json::json!({ "items": items, "next": found.next }))
}

pub fn create(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let input = cx.input()?;
    let owner = owner(cx, &input)?;
    let config = (&cx.app.config.key, cx.app.config.scripts.as_path());
    // The signing secret is asked for with rotate, so that no kept answer holds it.
    let (id, _) = make(cx.db, config, scope, owner, reach(cx), &input)?;
    let made = cx.db.read(|db| super::store::one(db, scope, id))?;
    response::created(format!("/api/v1/connectors/{id}"), &out(&made))
}

pub fn owner(cx: &Cx, input: &crate::input::Input) -> Result<CustomerId> {
    match input.get("customer_id") {
        "" => Ok(cx.actor.home),
        text => text.parse().map_err(|_| Error::NotFound),
    }
}

pub fn show(cx: &Cx, scope: &Scope<ConnectorsRead>) -> Result<Response> {
    let found = one(cx.db, scope, cx.param("id")?)?;
    Ok(response::json(200, &out(&found))?.with("ETag", format!("\"{}\"", found.version)))
}

pub fn update(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let id: ConnectorId = cx.param("id")?;
    let mut input = cx.input()?;
    let version = cx.expected_version(&mut input);
    let config = (&cx.app.config.key, cx.app.config.scripts.as_path());
    change(cx.db, config, scope, id, (reach(cx), version), &input)?;
    response::json(200, &out(&cx.db.read(|db| super::store::one(db, scope, id))?))
}

/// It calls outside, so it is never part of a transaction that keeps its answer.
pub fn examine(cx: &Cx, scope: &Scope<ConnectorsRead>) -> Result<Response> {
    once_only(cx)?;
    let id: ConnectorId = cx.param("id")?;
    one(cx.db, scope, id)?;
    let line = cx.db.read(|db| call::line(db, id))?;
    let checks = doctor::examine_and_keep(cx.app, &line)?;
    let all: Vec<_> = checks.iter().map(check).collect();
    response::json(200, &serde_json::json!({ "light": doctor::worst(&checks), "checks": all }))
}

fn check(check: &Check) -> serde_json::Value {
    serde_json::json!({ "light": check.light, "what": check.what, "text": check.text, "fix": check.fix })
}

fn once_only(cx: &Cx) -> Result<()> {
    match cx.request.header("Idempotency-Key") {
        "" => Ok(()),
        _ => Err(Error::invalid(
            "Idempotency-Key",
            "is not taken here, because the answer is not kept",
        )),
    }
}

pub fn pause(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    set_pause(cx.db, scope, cx.param("id")?, true)?;
    Ok(response::no_content())
}

pub fn resume(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    set_pause(cx.db, scope, cx.param("id")?, false)?;
    Ok(response::no_content())
}

pub fn gone(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let id: ConnectorId = cx.param("id")?;
    let input = cx.input()?;
    cx.db.read(|db| super::store::one(db, scope, id))?;
    let read = Fields::of(&input, CONFIRM);
    read.finish(|| Some(()))?;
    give_up(cx.db, scope, id, &input)?;
    Ok(response::no_content())
}

pub fn rotate(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    once_only(cx)?;
    let secret = new_secret(cx.db, &cx.app.config.key, scope, cx.param("id")?)?;
    response::json(200, &serde_json::json!({ "secret": secret.reveal() }))
}

pub fn all_scripts(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    cx.db.read(|db| scope.reaches(db, crate::auth::PROVIDER))?;
    let all = scripts::list(cx.db, &cx.app.config.scripts)?;
    let items: Vec<ScriptOut> = all.iter().map(script).collect();
    response::json(200, &serde_json::json!({ "items": items, "next": null }))
}

pub fn enable_script(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    let name: String = cx.param("name")?;
    let input = cx.input()?;
    let mut fields = Fields::of(&input, ENABLE);
    let digest = fields.text("sha256", 1..=64);
    if !scripts::list(cx.db, &cx.app.config.scripts)?.iter().any(|script| script.name == name) {
        return Err(Error::NotFound);
    }
    scripts::enable(cx.db, scope, &cx.app.config.scripts, &name, &fields.finish(|| digest)?)?;
    Ok(response::no_content())
}

fn out(it: &Connector) -> ConnectorOut<'_> {
    ConnectorOut {
        id: it.id,
        customer_id: it.customer,
        kind: it.kind,
        name: &it.name,
        state: it.state,
        stage: it.stage,
        script: (it.kind == Kind::Script).then_some(&it.script),
        url: matches!(it.kind, Kind::Webhook | Kind::Scim).then_some(&it.url),
        directory: it.directory.as_ref(),
        account: it.account.as_ref(),
        credential_id: it.credential,
        networks: it.networks.iter().map(ToString::to_string).collect(),
        time_limit: it.time_limit,
        calls_per_minute: it.calls_per_minute,
        light: it.light,
        light_text: &it.light_text,
        examined_at: it.examined_at,
        down_until: it.down_until,
        last_error: &it.last_error,
        rules: it.rules,
        version: it.version,
    }
}

fn script(it: &Program) -> ScriptOut<'_> {
    let text = it.text.as_ref();
    ScriptOut {
        name: &it.name,
        standing: it.standing,
        description: text.map(|text| text.manifest.description.as_str()),
        sha256: text.map(|text| text.digest.as_str()),
        error: &it.wrong,
        enabled_at: it.enabled_at,
    }
}
