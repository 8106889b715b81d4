use super::{doctor, verdict};
use crate::auth::Scope;
use crate::auth::permissions::{SettingsRead, SystemOperate};
use crate::error::Result;
use crate::input::{Field, Fields};
use crate::web::{Cx, Response, response};
use serde_json::json;

pub const SYSTEM: &[Field] = &[
    Field::text("version", "of the program"),
    Field::text("ready", "ok, degraded, or why not"),
    Field::text("address", "whom Portico takes the asker for"),
    Field::text("scheme", "http or https"),
];

pub const EXAMINATION: &[Field] = &[
    Field::text("verdict", "ok, warn or fail: the worst finding"),
    Field::list("findings", "each with check, verdict, text and fix"),
];

pub fn system(cx: &Cx, _: &Scope<SettingsRead>) -> Result<Response> {
    let (_, ready) = super::readiness(cx.db, &cx.app.config);
    let scheme = if cx.request.secure { "https" } else { "http" };
    let address = cx.request.address;
    let version = env!("CARGO_PKG_VERSION");
    response::json(
        200,
        &json!({ "version": version, "ready": ready, "address": address, "scheme": scheme }),
    )
}

pub fn examine(cx: &Cx, _: &Scope<SystemOperate>) -> Result<Response> {
    Fields::of(&cx.input()?, &[]).finish(|| Some(()))?;
    let findings = doctor::examine(cx.db, &cx.app.config);
    response::json(200, &json!({ "verdict": verdict(&findings), "findings": findings }))
}
